"""What every test has: a log of its own, and a judge behind every server that runs in the test's process.

Over the whole run one more thing is watched: that no log line holds a token.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, settings
from uvicorn._types import HTTPScope
from uvicorn.config import Config

from gateway.telemetry import configure_logging
from gateway.transport.direct import DirectProtocol
from gateway.transport.stock import StockProtocol
from gateway.transport.switchboard import Switchboard
from streaming.audience import Telling
from tests.support.judge import Judge
from tests.support.logs import RunLog

# A busy machine is no fault of the code: no example is held to a time.
settings.register_profile("tapecast", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tapecast")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "judge_one_in(count): so many frames that only a sample of them is judged")


@pytest.fixture(scope="session", autouse=True)
def run_log() -> Iterator[RunLog]:
    """Every log line of the run, by whichever server; at its end none of them may hold a token."""
    run_log = RunLog()
    with run_log.kept():
        yield run_log
    assert not run_log.leaks()


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
def _every_frame_is_judged(
    judge_of_all: Judge, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Hold every frame that a server in this process sends against the document, whoever reads it."""
    faults: list[str] = []
    marker = request.node.get_closest_marker("judge_one_in")
    one_in: int = 1 if marker is None else marker.args[0]
    sent = 0
    paths: dict[int, str] = {}  # by identity: a detached connection forgets its path, and can't be referred to weakly
    stock_write, write, begin, broadcast = (
        StockProtocol.write,
        DirectProtocol.write,
        DirectProtocol.begin,
        Switchboard.broadcast,
    )

    def judge(frames: Sequence[bytes], path: str) -> None:
        nonlocal sent
        for frame in frames[-sent % one_in :: one_in]:
            try:
                judge_of_all.frame(frame.decode(), path)
            except AssertionError as fault:
                faults.append(str(fault))
        sent += len(frames)

    def judged_stock_write(self: StockProtocol, frames: Sequence[bytes]) -> None:
        judge(frames, self.scope["path"])
        stock_write(self, frames)

    def noted_begin(self: DirectProtocol, config: Config, http: HTTPScope, url: bytes, *more: Any) -> None:
        paths[id(self)] = unquote(url.partition(b"?")[0].decode())
        begin(self, config, http, url, *more)

    def judged_write(self: DirectProtocol, frames: Sequence[bytes]) -> None:
        judge(frames, paths[id(self)])
        write(self, frames)

    def judged_broadcast(self: Switchboard, parts: Sequence[Telling]) -> None:
        for descriptors, frames in parts:
            for path in {paths[id(self.lines[descriptor])] for descriptor in descriptors}:
                judge(frames, path)
        broadcast(self, parts)

    monkeypatch.setattr(StockProtocol, "write", judged_stock_write)
    monkeypatch.setattr(DirectProtocol, "begin", noted_begin)
    monkeypatch.setattr(DirectProtocol, "write", judged_write)
    monkeypatch.setattr(Switchboard, "broadcast", judged_broadcast)
    yield
    assert not faults, faults
