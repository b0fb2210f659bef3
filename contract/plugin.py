"""Plugin: the tester as pytest tests, one for each phase. It knows pytest, and nothing of what a phase sends.

pytest loads it wherever the package is installed, so what a run needs is imported by the run.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import pytest

from codegen.faults import DocumentError
from codegen.report import report as render_faults
from contract.model import DEFAULT_PHASES, PhaseName, Result

if TYPE_CHECKING:
    from contract.spec import Spec


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a run that are nobody's to write into a file."""
    group = parser.getgroup("contract", "contract tests of WebSocket servers")
    group.addoption("--contract-seed", type=int, default=0, help="what is generated follows from it (default: 0)")
    group.addoption("--contract-max-time", type=float, default=None, metavar="S", help="seconds that a run may take")
    group.addoption("--contract-report", default=None, metavar="DIR", help="write HTML, JSON and JUnit reports into it")


_REMARKS: pytest.StashKey[dict[str, list[str]]] = pytest.StashKey()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell what could not be tested: that is no fault of a server, and nobody looks for it in a test that passed."""
    for document, remarks in config.stash.get(_REMARKS, {}).items():
        terminalreporter.section(f"contract: {document}")
        for remark in remarks:
            terminalreporter.line(f"Note: {remark}")


class ContractTest(Protocol):
    """A test function, one test for each phase. `result` gives what the run was, None before it."""

    result: Callable[[], Result | None]

    def __call__(self, phase: PhaseName, request: pytest.FixtureRequest) -> None:
        """Test a phase."""


def contract_test(
    document: str | Path,
    *,
    url: str,
    token: str | None = None,
    token_secret: str | None = None,
    phases: Sequence[PhaseName] = DEFAULT_PHASES,
    max_time: float | None = None,
    timeout: float = 2.0,
    rate: float | None = None,
    values: Mapping[str, Sequence[Any]] | None = None,
    unreachable: Mapping[str, str] | None = None,
    perspective: Literal["server", "client"] = "server",
    lenient: bool = False,
) -> "ContractTest":
    """Return a test function that holds a server against a document; it becomes one test for each phase.

    `url` is an address, or the name of a fixture that gives one; so are `token` and `token_secret`. All phases are one
    run, made by the first of them that is asked for; a test fails with what its phase found, and is skipped where its
    phase tried nothing. Times are seconds. `perspective`: whose application the document describes. `lenient`: faults
    of the document that can be forgiven are.
    """
    runs: dict[str, tuple[Spec, Result]] = {}
    unable: list[str] = []

    @pytest.mark.parametrize("phase", list(phases))
    def test(phase: PhaseName, request: pytest.FixtureRequest) -> None:
        """The server keeps what the document promises."""
        from contract.report import render_finding

        if "run" not in runs and not unable:
            run(request)
        if unable:
            pytest.fail(unable[0], pytrace=False)
        spec, result = runs["run"]
        met = [finding for finding in result.findings if finding.phase == phase]
        if met:
            pytest.fail("\n\n".join(render_finding(finding, result, spec) for finding in met), pytrace=False)
        ran = next((item for item in result.phases if item.name == phase), None)
        if result.failed and (ran is None or ran is result.phases[-1]):
            pytest.fail(result.failed, pytrace=False)
        if ran is None:
            pytest.skip("the run ended before this phase")
        if not ran.complete and not ran.cases:
            pytest.skip(ran.note or "no time was left for this phase: give more by max_time or --contract-max-time")

    def run(request: pytest.FixtureRequest) -> None:
        """Make the run, or say in `unable` why it can't be."""
        from contract.engine import CannotRun, Options, run_async
        from contract.report import write_reports
        from contract.report.view import arguments
        from contract.reproduce import conceal_text
        from contract.spec import load_spec

        config = request.config
        try:
            spec = load_spec(Path(document), perspective=perspective, lenient=lenient)
        except DocumentError as error:
            unable.append(render_faults(error.faults, "text"))
            return
        options = Options(
            url=_value(request, url),
            token=_value(request, token) if token else None,
            secret=_value(request, token_secret) if token_secret else None,
            phases=tuple(phases),
            seed=int(config.getoption("--contract-seed", 0) or 0),
            max_time=config.getoption("--contract-max-time", None) or max_time,
            timeout=timeout,
            rate=rate,
            values=values or {},
            unreachable=unreachable or {},
        )
        try:
            result = asyncio.run(run_async(spec, options, keeps=True))
        except CannotRun as error:
            unable.append(str(error))
            return
        result.arguments = arguments(
            perspective=perspective,
            lenient=lenient,
            timeout=timeout if timeout != 2 else None,
            rate=rate,
            max_time=options.max_time,
        )
        runs["run"] = spec, result
        if result.remarks:
            told = config.stash.setdefault(_REMARKS, {}).setdefault(str(document), [])
            told += [conceal_text(remark, tuple(result.secrets.values())) for remark in result.remarks]
        folder = config.getoption("--contract-report", None)
        if folder:
            stem = Path(document).stem
            names = {"html": f"{stem}.html", "json": f"{stem}.json", "junit": f"{stem}.xml"}
            write_reports(result, spec, {kind: Path(folder) / name for kind, name in names.items()})
        if result.stopped:
            raise KeyboardInterrupt

    found = cast("ContractTest", test)
    found.result = lambda: runs["run"][1] if "run" in runs else None
    return found


def _value(request: pytest.FixtureRequest, text: str) -> str:
    """Return an address or a token as it stands, or the value of the fixture of that name."""
    if text.isidentifier():
        try:
            return str(request.getfixturevalue(text))
        except pytest.FixtureLookupError:
            return text
    return text
