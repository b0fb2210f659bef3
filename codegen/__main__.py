"""The command: `python -m codegen DOCUMENT [--server DIR] [--python-client DIR] [--typescript-client DIR] ...`.

It knows arguments, files and exit codes, and nothing of what is generated.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import permutations
from pathlib import Path

from codegen.faults import DocumentError, Fault
from codegen.format import GeneratorError
from codegen.generate import Target, generate, load
from codegen.output import NotOwnedError, compare, write
from codegen.report import FORMATS, Format, report

CURRENT, STALE, BAD = 0, 1, 2
"""Exit codes: done or current; files differ from what the document gives; the document or the command is wrong."""

_COMMANDS: Mapping[str, str] = {"diff": "codegen.diff.command", "scaffold": "codegen.scaffold"}
"""Modules of the commands with arguments of their own. A document of that name is `./diff`."""

_CHECKS = frozenset({"--check", "--chec", "--che", "--ch", "--c"})  # as argparse takes them


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codegen",
        description="Generate a server and clients from an AsyncAPI document.",
        epilog="Further commands: `codegen diff OLD NEW` (what a change means to clients) and `codegen scaffold "
        "DOCUMENT --handlers DIR` (handlers to begin with); each has --help. Exit code: 0 done or current, 1 a folder "
        "is not current (--check), 2 bad document or command.",
    )
    parser.add_argument("document", type=Path, metavar="DOCUMENT", help="the AsyncAPI document, YAML or JSON")
    parser.add_argument(
        "--server",
        type=Path,
        metavar="DIR",
        help="the server's folder to own; its last part is the package's name "
        "(default, without any target: src/generated beside the document)",
    )
    parser.add_argument("--python-client", type=Path, metavar="DIR", help="the Python client's folder to own")
    parser.add_argument("--typescript-client", type=Path, metavar="DIR", help="the TypeScript client's folder to own")
    parser.add_argument(
        "--perspective", choices=("server", "client"), default="server", help="whose application the document describes"
    )
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="take faults that can be forgiven for warnings (docs/codegen.md lists them)",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="how faults are told; json and github go to the standard output",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a folder is not current")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done or current, 1 stale, 2 bad document or command."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in _COMMANDS:
        command: Callable[[Sequence[str]], int] = import_module(_COMMANDS[arguments[0]]).main
        return command(arguments[1:])
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else BAD
    targets = _targets(options)
    server = targets.get("server")
    if server is not None and not server.resolve().name.isidentifier():
        return _say(BAD, f"{server}: the last part of the folder is the package's name. Give it one that Python takes.")
    shared = _shared(targets)
    if shared:
        return _say(BAD, shared)
    listed: list[str] = []
    try:
        document = load(options.document, perspective=options.perspective, lenient=options.lenient)
        _tell(document.faults.warnings, options.format)
        made = {target: generate(document, perspective=options.perspective, target=target) for target in targets}
        for target, folder in targets.items():
            differences = (compare if options.check else write)(folder, made[target])
            listed += [f"{folder / difference.path}: {difference.kind}" for difference in differences]
    except DocumentError as error:
        _tell(error.faults, options.format)
        return BAD
    except (GeneratorError, NotOwnedError) as error:
        return _say(BAD, str(error))
    if not options.check or not listed:
        return CURRENT
    again = shlex.join(["python", "-m", "codegen", *(text for text in arguments if text not in _CHECKS)])
    return _say(STALE, "\n".join([*listed, f"Run `{again}`."]))


def _targets(options: argparse.Namespace) -> dict[Target, Path]:
    """Return the folders that are to be written; the server's beside the document, where none is named."""
    named: dict[Target, Path | None] = {
        "server": options.server,
        "python-client": options.python_client,
        "typescript-client": options.typescript_client,
    }
    given: dict[Target, Path] = {target: folder for target, folder in named.items() if folder is not None}
    if not given:
        given["server"] = options.document.parent / "src" / "generated"
    return given


def _tell(faults: tuple[Fault, ...], form: Format) -> None:
    """Print faults: for people where a command's remarks go, for tools alone; JSON even if there is none."""
    if faults or form == "json":
        print(report(faults, form), file=sys.stderr if form == "text" else sys.stdout)


def _shared(targets: Mapping[Target, Path]) -> str:
    """Return what is wrong where two folders lie within one another: each is owned, so one would remove the other."""
    for one, other in permutations(targets, 2):
        if targets[one].resolve().is_relative_to(targets[other].resolve()):
            return (
                f"{targets[one]} (--{one}) lies in {targets[other]} (--{other}). Give each target a folder of its own."
            )
    return ""


def _say(code: int, text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - a command's answer
    return code


if __name__ == "__main__":
    sys.exit(main())
