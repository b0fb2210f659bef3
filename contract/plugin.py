"""Plugin: the tester as pytest tests, one for each phase. It knows pytest, and nothing of what a phase sends.

pytest loads it wherever the package is installed, so what a run needs is imported by the run.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

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
) -> "ContractTest":
    """Return a test function that holds a server against a document; it becomes one test for each phase.

    `url` is an address, or the name of a fixture that gives one; so are `token` and `token_secret`. All phases are one
    run, made by the first of them that is asked for; a test fails with what its phase found. Times are seconds.
    """
    runs: dict[str, tuple[Spec, Result]] = {}

    @pytest.mark.parametrize("phase", list(phases))
    def test(phase: PhaseName, request: pytest.FixtureRequest) -> None:
        """The server keeps what the document promises."""
        from contract.engine import CannotRun, Options, run_async
        from contract.report import render_finding, write_reports
        from contract.spec import load_spec

        if "run" not in runs:
            config = request.config
            try:
                spec = load_spec(Path(document))
            except DocumentError as error:
                pytest.fail(render_faults(error.faults, "text"), pytrace=False)
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
                result = asyncio.run(run_async(spec, options))
            except CannotRun as error:
                pytest.fail(str(error), pytrace=False)
            runs["run"] = spec, result
            folder = config.getoption("--contract-report", None)
            if folder:
                stem = Path(document).stem
                names = {"html": f"{stem}.html", "json": f"{stem}.json", "junit": f"{stem}.xml"}
                Path(folder).mkdir(parents=True, exist_ok=True)
                write_reports(result, spec, {kind: Path(folder) / name for kind, name in names.items()})
        spec, result = runs["run"]
        met = [finding for finding in result.findings if finding.phase == phase]
        if met:
            pytest.fail("\n\n".join(render_finding(finding, result, spec) for finding in met), pytrace=False)

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
