"""The command: `python -m tests.foreign DIR [--lenient] [--into DIR]`. It prints the table and judges nothing."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.foreign.run import run, table


def main() -> int:
    """Run every document below a folder; return 1 where one isn't as it must be."""
    parser = argparse.ArgumentParser(prog="tests.foreign")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lenient", action="store_true")
    parser.add_argument("--into", type=Path, help="where the outputs go and stay (default: a folder that is removed)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        results = run(options.folder, options.into or Path(temporary), lenient=options.lenient)
    print(table(results))  # noqa: T201 - a command's answer
    return 0 if results and all(result.is_fine for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
