"""What every test has: a log of its own, and a judge behind every server that runs in the test's process."""

import io
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, settings

from gateway.telemetry import configure_logging
from gateway.transport.stock import StockProtocol
from tests.support.judge import Judge

# A busy machine is no fault of the code: no example is held to a time.
settings.register_profile("tapecast", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tapecast")


@pytest.fixture(autouse=True)
def log() -> io.StringIO:
    """The server's log lines of this test, as text."""
    stream = io.StringIO()
    configure_logging("text", stream)
    return stream


@pytest.fixture(scope="session")
def judge_of_all() -> Judge:
    """One judge for the whole run: reading the document takes a moment."""
    return Judge()


@pytest.fixture(autouse=True)
def _every_frame_is_judged(judge_of_all: Judge, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold every frame that a server in this process sends against the document, whoever reads it."""
    faults: list[str] = []
    write = StockProtocol.write

    def judged(self: StockProtocol, frames: Sequence[bytes]) -> None:
        for frame in frames:
            try:
                judge_of_all.frame(frame.decode())
            except AssertionError as fault:
                faults.append(str(fault))
        write(self, frames)

    monkeypatch.setattr(StockProtocol, "write", judged)
    yield
    assert not faults, faults
