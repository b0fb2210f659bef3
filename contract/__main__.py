"""The command: `python -m contract DOCUMENT --url ws://...`. It knows arguments, files and exit codes."""

import argparse
import asyncio
import contextlib
import math
import os
import signal
import sys
import tomllib
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from codegen.faults import DocumentError
from codegen.report import report as render_faults
from contract.engine import CannotRun, Options, internal_fault, run_async
from contract.model import DEFAULT_PHASES, PHASES, PhaseName, Result
from contract.report import Display, write_reports
from contract.report.view import arguments
from contract.reproduce import conceal_text
from contract.spec import Spec, load_spec

NOTHING, FOUND, CANNOT = 0, 1, 2
"""Exit codes: nothing was found; something was; the tester could not run, failed, could not write a
report, or was stopped before it found anything."""

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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seconds(text: str) -> float:
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time: write seconds above 0")
    return number


def _rate(text: str) -> float:
    number = _number(text)
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
        result, faults = _run(spec, _options(options, config), options, targets)
    except DocumentError as error:
        return _say(render_faults(error.faults, "text"))
    except CannotRun as error:
        return _say(str(error))
    except KeyboardInterrupt:
        return _say("Stopped.")
    except Exception as error:
        return _say(internal_fault(error))
    for text in faults:
        _say(text)
    if result.failed or faults:
        return _say(result.failed) if result.failed else CANNOT
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


def _run(
    spec: Spec, run: Options, given: argparse.Namespace, targets: Mapping[str, Path]
) -> tuple[Result, Sequence[str]]:
    """Run, and tell of it. Returns what is to be said of reports that could not be made, each in a sentence."""
    faults: list[Exception] = []
    with Display(spec, run.url) as display:
        result = asyncio.run(_to_its_end(run_async(spec, run, display, keeps=True)))
        result.document = str(given.document)  # as it was given, so that the command that finds it again can be pasted
        result.arguments = arguments(
            perspective=given.perspective,
            lenient=given.lenient,
            timeout=given.timeout,
            rate=given.rate,
            max_time=given.max_time,
            config=str(given.config) if given.config else None,
        )
        try:
            display.done(result)
        except Exception as error:  # the reports are written all the same
            faults.append(error)
    try:
        write_reports(result, spec, targets)
    except ExceptionGroup as group:
        faults += group.exceptions
    secrets = tuple(result.secrets.values())
    return result, [conceal_text(_sentence(error, run.seed), secrets) for error in faults]


async def _to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Run, and let what is ended from outside, by a CI say, tell what it found, as it does after Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


def _sentence(error: Exception, seed: int) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"The report {error.filename} could not be written: {error.strerror}."
    return internal_fault(error, seed)


def _targets(text: str) -> dict[str, Path]:
    """Return where each kind of report goes. Raises CannotRun where that can't be written, before anything runs."""
    targets: dict[str, Path] = {}
    for part in filter(None, text.split(",")):
        kind, _, file = part.partition("=")
        if kind not in _REPORTS or not file:
            raise CannotRun(f"--report {part}: write one of {', '.join(f'{name}=FILE' for name in _REPORTS)}.")
        path = Path(file)
        if kind in targets or path in targets.values():
            raise CannotRun(f"--report {part}: each kind is written once, each to a file of its own.")
        reason = _unwritable(path)
        if reason:
            raise CannotRun(f"--report {part}: {reason}")
        targets[kind] = path
    return targets


def _unwritable(path: Path) -> str:
    """Return why a file can't be written, and nothing where it can. Folders that are missing will be made."""
    try:
        if path.is_dir():
            return f"{path} is a folder. Name a file in it."
        if path.exists():
            return "" if os.access(path, os.W_OK) else f"{path} may not be written. Name another file."
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir():
            return f"{folder} is no folder. Name a file in a folder."
        return (
            "" if os.access(folder, os.W_OK | os.X_OK) else f"Nothing may be written in {folder}. Name another folder."
        )
    except OSError as error:
        return f"{error.strerror}. Name another file."


def _say(text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - a command's answer
    return CANNOT


if __name__ == "__main__":
    sys.exit(main())
