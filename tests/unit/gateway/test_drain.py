"""Drain: who is told what and closed when, on virtual time."""

import asyncio
import itertools
import random
from collections.abc import Callable

import pytest

from gateway.drain import Drain
from streaming.limits import SessionLimits
from streaming.session import Flusher, Session, Sessions
from tests.support.clock import VirtualClock
from tests.support.transport import FakeTransport


class Fixture:
    """Sessions without a server; each turn of the event loop flushes what was sent in it."""

    def __init__(self, *, seconds: float = 4) -> None:
        self.clock = VirtualClock()
        self.sessions = Sessions()
        self.told: dict[Session, list[int]] = {}
        self.flusher = Flusher(lambda callback: asyncio.get_running_loop().call_soon(callback))
        self.drain = Drain(self.sessions, self.tell, self.clock, seconds=seconds, draw=random.Random(1).randrange)
        self.forced = False
        self.over: Callable[[], bool] = lambda: not len(self.sessions)

    def tell(self, session: Session, reconnect_after_ms: int) -> None:
        self.told.setdefault(session, []).append(reconnect_after_ms)
        session.send(b"shutdown")

    def add(self) -> tuple[Session, FakeTransport]:
        transport = FakeTransport()
        session = Session(transport, self.flusher, SessionLimits(), self.clock)
        self.sessions.add(session)
        return session, transport

    def start(self) -> asyncio.Task[bool]:
        return asyncio.create_task(self.drain.run(lambda: self.over(), lambda: self.forced))

    def let_go(self) -> None:
        """Take that every client that was sent its close frame has answered it."""
        for session in self.sessions:
            if session.ended is not None:
                self.sessions.discard(session)


async def test_one_client_is_told_and_closed_at_once() -> None:
    """The frame goes out before the close."""
    it = Fixture()
    session, transport = it.add()
    task = it.start()
    await it.clock.advance(0)
    assert (transport.frames, transport.closed, session.ended) == ([b"shutdown"], ["shutdown"], "shutdown")
    assert not task.done()  # its connection is still open
    it.let_go()
    await it.clock.advance(0.1)
    assert task.result()
    assert it.clock.pending == 0


async def test_without_clients_it_is_over_at_once() -> None:
    """And says so."""
    it = Fixture()
    task = it.start()
    await it.clock.advance(0)
    assert task.result()


async def test_a_thousand_clients_are_told_at_once_and_closed_in_batches() -> None:
    """Each is told another time within the window; never more than a batch is closed in one step of the loop."""
    it = Fixture()
    clients = [it.add() for _ in range(1000)]
    task = it.start()
    await it.clock.advance(0)
    assert len(it.told) == 1000
    closed = [sum(bool(transport.closed) for _, transport in clients)]
    for _ in range(40):
        await it.clock.advance(0.01)
        closed.append(sum(bool(transport.closed) for _, transport in clients))
    steps = [after - before for before, after in itertools.pairwise(closed)]
    assert closed[0] == 100
    assert set(steps) == {0, 100}
    assert sum(steps[:40]) == 800
    await it.clock.advance(0.1)
    assert all(transport.closed == ["shutdown"] for _, transport in clients)
    waits = [wait for waits in it.told.values() for wait in waits]
    assert len(set(waits)) == len(waits) == 1000
    assert 0 <= min(waits) < 20
    assert 4900 < max(waits) < 5000
    it.let_go()
    await it.clock.advance(0.1)
    assert task.result()


async def test_ten_thousand_clients_are_closed_within_half_of_the_time() -> None:
    """The batches come closer together, and the times to come back reach further."""
    it = Fixture(seconds=2)
    clients = [it.add() for _ in range(10_000)]
    task = it.start()
    await it.clock.advance(0)
    while len(it.told) < 10_000:
        await asyncio.sleep(0)
    await it.clock.advance(1.01)
    assert all(transport.closed for _, transport in clients)
    waits = {waits[0] for waits in it.told.values()}
    assert len(waits) == 10_000
    assert max(waits) == pytest.approx(20_000, abs=3)
    it.forced = True
    await it.clock.advance(0.1)
    assert not task.result()


async def test_a_client_gets_its_frames_up_to_its_close() -> None:
    """Also one that is told in the first batch and closed in the last, and one that has to read what came before."""
    it = Fixture()
    clients = [it.add() for _ in range(300)]
    slow, stalled = it.add()
    stalled.stalled = True
    slow.send(b"before")
    it.start()
    await it.clock.advance(0)
    last, transport = next((session, transport) for session, transport in clients if not transport.closed)
    last.send(b"between")
    slow.send(b"between")
    await it.clock.advance(0.3)
    assert (transport.frames, transport.closed) == ([b"shutdown", b"between"], ["shutdown"])
    assert not stalled.closed
    stalled.stalled = False
    slow.writable()
    await it.clock.advance(0.1)
    assert (stalled.frames, stalled.closed) == ([b"before", b"shutdown", b"between"], ["shutdown"])


async def test_a_client_that_does_not_read_is_closed_before_the_time_is_up() -> None:
    """After three quarters of it; and what is left at its end is to be aborted."""
    it = Fixture(seconds=4)
    slow, stalled = it.add()
    stalled.stalled = True
    slow.send(b"x")
    task = it.start()
    await it.clock.advance(2.9)
    assert not stalled.closed
    await it.clock.advance(0.2)
    assert stalled.closed == ["shutdown"]
    await it.clock.advance(0.8)
    assert not task.done()
    await it.clock.advance(0.2)
    assert task.result() is False
    assert it.clock.monotonic() == pytest.approx(4.1)


async def test_a_client_that_is_found_not_to_read_when_it_is_told_is_waited_for() -> None:
    """It was sent nothing before, so that nobody knew."""
    it = Fixture()
    session, transport = it.add()
    transport.stalled = True
    it.start()
    await it.clock.advance(1)
    assert not transport.closed
    transport.stalled = False
    session.writable()
    await it.clock.advance(0.1)
    assert (transport.frames, transport.closed) == ([b"shutdown"], ["shutdown"])


async def test_whose_handshake_was_under_way_is_sent_away_too() -> None:
    """Told and closed, once."""
    it = Fixture()
    it.add()
    it.over = lambda: False
    it.start()
    await it.clock.advance(0.1)
    late, transport = it.add()
    await it.clock.advance(0.1)
    assert (transport.frames, transport.closed) == ([b"shutdown"], ["shutdown"])
    assert len(it.told[late]) == 1


async def test_forced_it_ends_at_once() -> None:
    """Whoever is still there."""
    it = Fixture(seconds=1000)
    _, transport = it.add()
    transport.stalled = True
    task = it.start()
    await it.clock.advance(1)
    assert not task.done()
    it.forced = True
    await it.clock.advance(0.1)
    assert task.result() is False


async def test_clients_that_leave_by_themselves_are_not_waited_for() -> None:
    """They are told, and go before they are closed."""
    it = Fixture()
    clients = [it.add() for _ in range(500)]
    task = it.start()
    await it.clock.advance(0)
    for session, _ in clients:
        session.gone()
        it.sessions.discard(session)
    await it.clock.advance(0.3)
    assert task.result()


async def test_who_leaves_while_others_are_told_is_told_nothing_and_stops_nobody() -> None:
    """A server knows nothing any more of a session that is gone."""
    it = Fixture()
    everybody = [it.add()[0] for _ in range(250)]
    tell = it.tell

    def leave_and_tell(session: Session, reconnect_after_ms: int) -> None:
        assert session in it.sessions, "a session that is gone can't be told anything"
        for other in everybody:
            if other not in it.told and other is not session:
                it.sessions.discard(other)
                break
        tell(session, reconnect_after_ms)

    it.drain._tell = leave_and_tell
    task = it.start()
    for _ in range(20):
        await it.clock.advance(0.5)
        it.let_go()
    assert task.result()
    assert 0 < len(it.told) < 250
