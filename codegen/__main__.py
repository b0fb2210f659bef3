"""The command: `python -m codegen DOCUMENT [--server DIR] [--perspective server|client] [--check]`.

It knows arguments, files and exit codes, and nothing of what is generated.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.faults import DocumentError
from codegen.format import GeneratorError
from codegen.generate import generate, load
from codegen.output import NotOwnedError, compare, write

CURRENT, STALE, BAD = 0, 1, 2
"""Exit codes: done or current; files differ from what the document gives; the document or the command is wrong."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="codegen", description="Generate a Python package from an AsyncAPI document.")
    parser.add_argument("document", type=Path, metavar="DOCUMENT", help="the AsyncAPI document, YAML or JSON")
    parser.add_argument(
        "--server",
        type=Path,
        metavar="DIR",
        help="the folder to own; its last part is the package's name (default: src/generated beside the document)",
    )
    parser.add_argument("--perspective", choices=("server", "client"), default="server", help="whose code it is")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the folder is not current")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done or current, 1 stale, 2 bad document or command."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else BAD
    folder: Path = options.server or options.document.parent / "src" / "generated"
    if not folder.resolve().name.isidentifier():
        return _say(BAD, f"{folder}: the last part of the folder is the package's name. Give it one that Python takes.")
    try:
        document = load(options.document, perspective=options.perspective)
        files = generate(document, perspective=options.perspective)
        differences = (compare if options.check else write)(folder, files)
    except (DocumentError, GeneratorError, NotOwnedError) as error:
        return _say(BAD, str(error))
    if not options.check or not differences:
        return CURRENT
    listed = [f"{folder / difference.path}: {difference.kind}" for difference in differences]
    return _say(STALE, "\n".join([*listed, "Run `make generate`."]))


def _say(code: int, text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - a command's answer
    return code


if __name__ == "__main__":
    sys.exit(main())
