"""The command: `python -m contract DOCUMENT --url ws://...`. It knows arguments, files and exit codes."""

import argparse
import asyncio
import math
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from codegen.faults import DocumentError
from codegen.report import report as render_faults
from contract.engine import CannotRun, Options, internal_fault, run_async
from contract.model import DEFAULT_PHASES, PHASES, PhaseName, Result
from contract.report import Display, write_reports
from contract.spec import Spec, load_spec

NOTHING, FOUND, CANNOT = 0, 1, 2
"""Exit codes: nothing was found; something was; the tester could not run, or was stopped before it found anything."""

_REPORTS = ("junit", "json", "html")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="contract",
        description="Find where a running WebSocket server and its AsyncAPI document differ.",
        epilog="Exit code: 0 nothing was found, 1 something was, 2 it could not run. docs/contract.md has the rest.",
    )
    parser.add_argument("document", type=Path, metavar="DOCUMENT", help="the AsyncAPI document, YAML or JSON")
    parser.add_argument(
        "--url", required=True, help="where the server is: ws://host:port, and what stands before addresses"
    )
    parser.add_argument("--token", help="the credential that a client shows (default: $CONTRACT_TOKEN)")
    parser.add_argument(
        "--token-secret",
        metavar="SECRET",
        help="the key of HS256 tokens, to make expired and under-scoped ones (default: $CONTRACT_TOKEN_SECRET)",
    )
    parser.add_argument(
        "--phase",
        action="append",
        choices=[*PHASES, "all"],
        help="run this phase alone; may be repeated (default: all but `limits`, which is hostile)",
    )
    parser.add_argument(
        "--seed", type=int, default=None, help="what is generated follows from it (default: another each time)"
    )
    parser.add_argument("--max-time", type=_seconds, metavar="S", help="stop after so many seconds")
    parser.add_argument(
        "--timeout", type=_seconds, default=None, metavar="S", help="what an answer may take (default: 2 s)"
    )
    parser.add_argument(
        "--rate", type=_rate, metavar="N", help="frames a second; 0 for no limit (default: the document's x-limits)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with [values] and [unreachable]")
    parser.add_argument("--report", default="", metavar="junit=F,json=F,html=F", help="write reports to files")
    parser.add_argument(
        "--perspective", choices=("server", "client"), default="server", help="whose application it describes"
    )
    parser.add_argument(
        "--lenient", action="store_true", help="take faults of the document that can be forgiven for warnings"
    )
    return parser


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time: write seconds above 0")
    return number


def _rate(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no rate: write frames a second, or 0 for no limit")
    return number


@dataclass(frozen=True, slots=True)
class Config:
    """What a configuration file says."""

    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    unreachable: Mapping[str, str] = field(default_factory=dict)


def read_config(path: Path) -> Config:
    """Read a configuration file. Raises CannotRun with what to mend."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotRun(f"{path} can't be read: {error}.") from None
    unknown = sorted(found.keys() - {"values", "unreachable"})
    if unknown:
        raise CannotRun(f"{path}: {unknown[0]!r} is unknown. It may have the tables [values] and [unreachable].")
    values, unreachable = found.get("values", {}), found.get("unreachable", {})
    if not isinstance(values, dict) or not all(isinstance(item, list) and item for item in values.values()):
        raise CannotRun(f"{path}: each member of [values] is a list: symbol = ['AAPL'].")
    if not isinstance(unreachable, dict) or not all(isinstance(item, str) for item in unreachable.values()):
        raise CannotRun(f"{path}: each member of [unreachable] is a text that says why.")
    return Config(values, unreachable)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 nothing found, 1 something found, 2 could not run."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else CANNOT
    try:
        targets = _targets(options.report)
        config = read_config(options.config) if options.config else Config()
        spec = load_spec(options.document, perspective=options.perspective, lenient=options.lenient)
        run = _options(options, config)
        result = _run(spec, run, str(options.document))
        write_reports(result, spec, targets)
    except DocumentError as error:
        return _say(render_faults(error.faults, "text"))
    except CannotRun as error:
        return _say(str(error))
    except OSError as error:
        return _say(f"{error.filename}: {error.strerror}.")
    except KeyboardInterrupt:
        return _say("Stopped.")
    except Exception as error:
        return _say(internal_fault(error))
    if result.stopped and not result.findings:
        return _say("Stopped before anything was found.")
    return FOUND if result.findings else NOTHING


def _options(options: argparse.Namespace, config: Config) -> Options:
    phases: tuple[PhaseName, ...] = DEFAULT_PHASES
    if options.phase:
        phases = (
            tuple(PHASES) if "all" in options.phase else tuple(dict.fromkeys(cast("list[PhaseName]", options.phase)))
        )
    return Options(
        url=options.url,
        token=options.token or os.environ.get("CONTRACT_TOKEN"),
        secret=options.token_secret or os.environ.get("CONTRACT_TOKEN_SECRET"),
        phases=phases,
        seed=options.seed if options.seed is not None else int.from_bytes(os.urandom(3)),
        max_time=options.max_time,
        timeout=options.timeout or 2.0,
        rate=options.rate,
        values=config.values,
        unreachable=config.unreachable,
    )


def _run(spec: Spec, options: Options, document: str) -> Result:
    with Display(spec, options.url) as display:
        result = asyncio.run(run_async(spec, options, display, keeps=True))
        result.document = document  # as it was given, so that the command that finds it again can be pasted
        display.done(result)
    return result


def _targets(text: str) -> dict[str, Path]:
    targets: dict[str, Path] = {}
    for part in filter(None, text.split(",")):
        kind, _, file = part.partition("=")
        if kind not in _REPORTS or not file:
            raise CannotRun(f"--report {part}: write one of {', '.join(f'{name}=FILE' for name in _REPORTS)}.")
        targets[kind] = Path(file)
    return targets


def _say(text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - a command's answer
    return CANNOT


if __name__ == "__main__":
    sys.exit(main())
