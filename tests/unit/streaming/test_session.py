"""Session: who is written to when, who is ended why."""

from collections.abc import Iterator

import pytest

from streaming.limits import SessionLimits, Strikes, TokenBucket
from streaming.session import WRITE_BYTES, Sessions
from tests.support.clock import VirtualClock
from tests.support.transport import FakeTransport, Turns, new_session


def test_all_frames_of_a_turn_are_one_write() -> None:
    """What is sent within a turn of the loop goes out together, at its end."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    session.send(b"a")
    session.send(b"b", key="k")
    assert transport.writes == []
    turns.end()
    assert transport.writes == [[b"a", b"b"]]
    session.send(b"c")
    turns.end()
    assert transport.writes == [[b"a", b"b"], [b"c"]]
    assert session.unsent == 0


def test_a_client_that_reads_gets_every_latest_frame() -> None:
    """Conflation is for clients that do not keep up."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    for frame in (b"1", b"2", b"3"):
        session.send(frame, key="k")
    turns.end()
    assert transport.frames == [b"1", b"2", b"3"]
    assert session.conflated == 0


def test_a_client_that_stalls_gets_the_newest_when_it_reads_again() -> None:
    """Latest frames conflate while it stalls, lossless ones all wait, and order holds."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    transport.takes = 1
    session.send(b"first")
    turns.end()
    for frame, key in ((b"o1", "k"), (b"o2", "k"), (b"final", None), (b"o3", "k"), (b"other", "l")):
        session.send(frame, key=key)
    turns.end()
    assert transport.frames == [b"first"]
    transport.takes, transport.stalled = None, False
    session.writable()
    assert transport.frames == [b"first", b"final", b"o3", b"other"]
    assert session.conflated == 2
    session.send(b"again")
    turns.end()
    assert transport.frames[-1] == b"again"


def test_writes_are_cut_so_that_what_waits_can_still_be_conflated() -> None:
    """The transport is never handed more than one write's bytes while it may be stalling."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    transport.takes = 1
    half = b"x" * (WRITE_BYTES // 2)
    for _ in range(4):
        session.send(half)
    turns.end()
    assert [len(write) for write in transport.writes] == [2]
    assert session.unsent == 2 * len(half)


def test_full_outbox_ends_a_slow_consumer() -> None:
    """The frame that does not fit ends the session; nothing more is written."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns, SessionLimits(outbox_bytes=10))
    transport.stalled = True
    session.send(b"12345")
    session.send(b"67890")
    assert transport.closed == []
    session.send(b"!")
    assert transport.closed == ["slow_consumer"]
    assert (session.ended, session.unsent) == ("slow_consumer", 0)
    transport.stalled = False
    session.writable()
    turns.end()
    session.send(b"x")
    turns.end()
    assert transport.frames == []


@pytest.mark.parametrize("sends_more", [False, True])
async def test_oldest_unsent_byte_ends_a_slow_consumer(*, sends_more: bool) -> None:
    """A stalled client is ended once its oldest unsent byte is older than the limit, and not before."""
    clock, turns, sessions = VirtualClock(), Turns(), Sessions()
    session, transport = new_session(clock, turns, SessionLimits(outbox_age=10))
    sessions.add(session)
    transport.takes = 1
    session.send(b"fills the transport")
    turns.end()
    await clock.advance(9)
    if sends_more:
        session.send(b"younger")
    await sessions.check_ages(clock)
    assert transport.closed == []
    await clock.advance(1.5)
    await sessions.check_ages(clock)
    assert transport.closed == ["slow_consumer"]


@pytest.mark.parametrize(("limit", "within", "ends_at"), [(10, 1, 9), (10, 0, 10), (1, 1, 0.5)])
async def test_who_looks_seldom_ends_a_slow_consumer_before_the_limit(
    limit: float, within: float, ends_at: float
) -> None:
    """What would be too old before the next look is ended now; never before half of the limit."""
    clock, turns, sessions = VirtualClock(), Turns(), Sessions()
    session, transport = new_session(clock, turns, SessionLimits(outbox_age=limit))
    sessions.add(session)
    transport.takes = 1
    session.send(b"fills the transport")
    turns.end()
    await clock.advance(ends_at - 0.01)
    await sessions.check_ages(clock, within)
    assert transport.closed == []
    await clock.advance(0.02)
    await sessions.check_ages(clock, within)
    assert transport.closed == ["slow_consumer"]


async def test_a_client_that_drains_slowly_is_judged_by_what_still_waits() -> None:
    """Reading now and then does not make an old frame young."""
    clock, turns = VirtualClock(), Turns()
    session, transport = new_session(clock, turns, SessionLimits(outbox_age=10))
    transport.takes = 1
    session.send(b"a")
    turns.end()
    await clock.advance(1)
    big = b"x" * WRITE_BYTES
    session.send(big)  # waits since second 1
    session.send(big)
    await clock.advance(8)
    transport.stalled, transport.takes = False, 1
    session.writable()  # one goes, one from second 1 still waits
    session.check_age()
    assert transport.closed == []
    await clock.advance(3)
    session.check_age()
    assert transport.closed == ["slow_consumer"]


async def test_a_client_that_reads_again_is_not_ended() -> None:
    """A stall that ended in time leaves no trace."""
    clock, turns = VirtualClock(), Turns()
    session, transport = new_session(clock, turns, SessionLimits(outbox_age=10))
    transport.takes = 1
    session.send(b"a")
    turns.end()
    await clock.advance(9)
    transport.stalled, transport.takes = False, None
    session.writable()
    await clock.advance(60)
    session.check_age()
    assert transport.closed == []


def test_what_was_sent_goes_out_before_the_close() -> None:
    """A goodbye that was sent just before the end reaches a client that reads, and nothing follows."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    session.send(b"goodbye")
    session.end("shutdown")
    session.end("internal_error")
    turns.end()
    assert (transport.frames, transport.closed, session.ended) == ([b"goodbye"], ["shutdown"], "shutdown")


def test_a_connection_that_is_gone_is_not_written_to() -> None:
    """After the connection is over, frames go nowhere."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    session.send(b"a")
    session.gone()
    turns.end()
    session.send(b"b")
    turns.end()
    session.end("shutdown")
    assert (transport.frames, transport.closed, session.ended, session.unsent) == ([], [], None, 0)


def test_actions_after_the_reply_run_once_and_in_order() -> None:
    """What a handler leaves for after its reply runs then, and only then."""
    session, _ = new_session(VirtualClock(), Turns())
    calls: list[int] = []
    session.after_reply(lambda: calls.append(1))
    session.after_reply(lambda: calls.append(2))
    assert calls == []
    session.replied()
    session.replied()
    assert calls == [1, 2]


async def test_rate_limit_refuses_then_ends() -> None:
    """A burst is taken, the next is told when to come, and the third excess within the window ends the session."""
    clock = VirtualClock()
    session, transport = new_session(clock, Turns(), SessionLimits(frames_per_second=50, frames_burst=100))
    assert [session.admit_frame() for _ in range(100)] == [None] * 100
    for excess in range(3):
        for _ in range(30):  # what was sent at once counts as one excess
            assert transport.closed == []
            wait = session.admit_frame()
            assert wait == 20
            session.count_refused_frame(wait)
            if excess == 2:
                break
        await clock.advance(0.02)
        if excess < 2:
            assert session.admit_frame() is None
    assert transport.closed == ["rate_limit"]


def test_a_turn_that_sends_much_does_not_end_a_client_that_reads() -> None:
    """An outbox that is full within one turn is written at once where the client takes it."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns, SessionLimits(outbox_bytes=10))
    for number in range(10):
        session.send(b"%04d" % number)
    turns.end()
    assert transport.closed == []
    assert transport.frames == [b"%04d" % number for number in range(10)]
    session.send(b"a frame that can never fit")
    assert transport.closed == ["slow_consumer"]


def test_a_turn_that_sends_more_than_a_client_takes_ends_it() -> None:
    """Where the full outbox can't be written either, the client is slow."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns, SessionLimits(outbox_bytes=10))
    transport.stalled = True
    for _ in range(3):
        session.send(b"12345")
    assert transport.closed == ["slow_consumer"]


def test_strikes_outside_the_window_are_forgotten() -> None:
    """Three faults in more than ten seconds are not three within ten."""
    strikes = Strikes(3, 10)
    assert [strikes.add(at) for at in (0, 5, 10.5, 14, 20.6)] == [False, False, False, True, False]


def test_bucket_never_holds_more_than_its_burst() -> None:
    """A long silence saves up one burst, no more."""
    bucket = TokenBucket(10, 2, 0)
    assert [bucket.take(1000), bucket.take(1000)] == [0, 0]
    assert bucket.take(1000) == pytest.approx(0.1)
    assert bucket.take(1000.1) == 0


def test_bad_frames_in_a_row_end_the_session() -> None:
    """A good frame between starts the count over."""
    session, transport = new_session(VirtualClock(), Turns(), SessionLimits(bad_frames_in_a_row=3))
    for _ in range(2):
        session.count_bad_frame()
    session.count_good_frame()
    for _ in range(2):
        session.count_bad_frame()
    assert transport.closed == []
    session.count_bad_frame()
    assert transport.closed == ["bad_frames"]


def test_sessions_are_counted() -> None:
    """A session counts from add to discard, however often it is discarded."""
    sessions = Sessions()
    session, _ = new_session(VirtualClock(), Turns())
    sessions.add(session)
    assert (len(sessions), list(sessions)) == (1, [session])
    sessions.discard(session)
    sessions.discard(session)
    assert len(sessions) == 0


def test_fake_transport_refuses_a_write_while_stalled() -> None:
    """The fake would show a session that writes to a client that does not read."""
    transport = FakeTransport()
    transport.stalled = True
    with pytest.raises(AssertionError):
        transport.write([b"x"])


def numbers(count: int) -> Iterator[bytes]:
    """Yield frames of 1 KiB with a number each."""
    return (b"%1024d" % number for number in range(count))


def test_what_is_sent_slowly_goes_out_in_slices_as_the_client_reads() -> None:
    """Nothing is made before it can be written, and the outbox's bound does not count it."""
    turns, made = Turns(), 0

    def frames() -> Iterator[bytes]:
        nonlocal made
        for frame in numbers(1000):
            made += 1
            yield frame

    session, transport = new_session(VirtualClock(), turns, SessionLimits(outbox_bytes=10_000))
    transport.takes = 1
    session.send_slowly(frames())
    turns.end()
    assert made * 1024 == WRITE_BYTES == sum(map(len, transport.frames))
    session.send(b"later")
    while transport.frames[-1] != b"later":
        before = len(transport.frames)
        transport.takes, transport.stalled = 1, False
        session.writable()
        assert len(transport.frames) > before
    assert transport.frames == [*numbers(1000), b"later"]
    assert session.ended is None


def test_what_is_sent_slowly_comes_after_what_was_sent_before() -> None:
    """And a second lot after the first, and after what was sent between them."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    session.send(b"before")
    session.send_slowly([b"one"])
    session.send(b"between")
    session.send_slowly([b"two"])
    session.send(b"after")
    turns.end()
    assert transport.frames == [b"before", b"one", b"between", b"two", b"after"]
    session.send_slowly([])
    turns.end()
    session.send_slowly([b"three"])
    turns.end()
    assert transport.frames[-1] == b"three"


def test_latest_frames_conflate_behind_what_is_sent_slowly() -> None:
    """While the client reads its state, of the news it only gets the newest."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    transport.takes = 1
    session.send_slowly(numbers(200))
    turns.end()
    for frame in (b"1", b"2", b"3"):
        session.send(frame, key="k")
    transport.takes, transport.stalled = None, False
    session.writable()
    for _ in range(3):  # a slice in a turn
        turns.end()
    assert transport.frames[-2:] == [b"%1024d" % 199, b"3"]


async def test_a_client_is_only_too_slow_when_it_stops_reading_what_is_sent_slowly() -> None:
    """News may grow old behind it; a client that takes nothing for too long is ended."""
    clock, turns = VirtualClock(), Turns()
    session, transport = new_session(clock, turns, SessionLimits(outbox_age=10))
    transport.takes = 1
    session.send_slowly(numbers(1000))
    turns.end()
    session.send(b"news")
    for _ in range(5):
        await clock.advance(9)
        session.check_age()
        transport.takes, transport.stalled = 1, False
        session.writable()
    assert session.ended is None
    await clock.advance(11)
    session.check_age()
    assert session.ended == "slow_consumer"


@pytest.mark.parametrize("way", ["end", "gone"])
def test_an_end_forgets_what_was_to_be_sent_slowly(way: str) -> None:
    """And takes nothing more; what came later is not sent out of its turn."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    transport.takes = 1
    session.send_slowly(numbers(300))
    turns.end()
    session.send(b"later")
    transport.takes, transport.stalled = None, False
    written = len(transport.frames) + (64 if way == "end" else 0)  # a last slice goes out
    if way == "end":
        session.end("shutdown")
    else:
        session.gone()
    session.send_slowly([b"more"])
    turns.end()
    session.writable()
    assert len(transport.frames) == written


def test_one_slice_goes_out_in_a_turn() -> None:
    """However fast a client reads: others have their turn between."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    session.send_slowly(numbers(200))
    for written in (64, 128, 192, 200):
        turns.end()
        assert len(transport.frames) == written
    turns.end()
    assert len(transport.frames) == 200


def test_an_end_lets_out_what_a_client_that_reads_would_have_got() -> None:
    """Also what was to be sent slowly, as far as one slice holds it."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    session.send(b"ack")
    session.send_slowly([b"state"])
    session.send(b"shutdown")
    session.end("shutdown")
    assert transport.frames == [b"ack", b"state", b"shutdown"]


@pytest.mark.parametrize("more", ["frames", "lots"])
def test_what_is_moved_behind_the_state_still_counts(more: str) -> None:
    """A client that asks again and again without reading is ended, however little each time is."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns, SessionLimits(outbox_bytes=10_000, subscriptions=50))
    transport.takes = 1
    session.send(b"first")
    turns.end()
    count = 0
    while session.ended is None and count < 1000:
        count += 1
        session.send(b"x" * (1000 if more == "frames" else 1))
        session.send_slowly([b"state"])
    assert session.ended == "slow_consumer"
    assert count <= (11 if more == "frames" else 51)


async def test_frames_that_waited_behind_the_state_have_their_time() -> None:
    """At the next stall the outbox's age counts from the state's end."""
    clock, turns = VirtualClock(), Turns()
    session, transport = new_session(clock, turns, SessionLimits(outbox_age=10))
    transport.takes = 1
    session.send_slowly(numbers(100))
    turns.end()
    session.send(b"news" * 30_000)
    session.send(b"more" * 30_000)
    await clock.advance(9)
    transport.takes, transport.stalled = 2, False
    session.writable()  # the rest of the state, and then the first news
    await clock.advance(9)
    session.check_age()
    assert session.ended is None
    await clock.advance(2)
    session.check_age()
    assert session.ended == "slow_consumer"


def test_nothing_is_written_while_the_gate_is_closed() -> None:
    """Not at the turn's end, not when the outbox is full within a turn, not when it ends: and then all of it."""
    turns = Turns()
    is_open = False
    asked = 0

    def gate() -> bool:
        nonlocal asked
        asked += 1
        return is_open

    turns.flusher.use_gate(gate)
    session, transport = new_session(VirtualClock(), turns)
    session.send(b"a")
    turns.end()
    session.writable()
    assert (transport.writes, asked) == ([], 2)
    is_open = True
    session.send(b"b")
    turns.end()
    assert transport.frames == [b"a", b"b"]
    is_open = False
    session.send(b"c")
    session.end("internal_error")
    turns.end()
    assert transport.frames == [b"a", b"b"]
    assert transport.closed == ["internal_error"]


def test_the_gate_may_end_the_very_session_that_asks_it() -> None:
    """As it does when nothing can be kept: the session closes once, for the first reason."""
    turns = Turns()
    session, transport = new_session(VirtualClock(), turns)
    failed = False

    def gate() -> bool:
        nonlocal failed
        if not failed:
            failed = True
            session.end("internal_error")
        return False

    turns.flusher.use_gate(gate)
    session.send(b"a")
    session.end("shutdown")
    turns.end()
    assert (transport.writes, transport.closed) == ([], ["internal_error"])
