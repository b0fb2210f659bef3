"""Hub: who gets what, and that nothing stays of who has left."""

import asyncio

import pytest

from streaming.clock import SystemClock
from streaming.hub import Hub, SubscriptionLimitError
from streaming.limits import SessionLimits
from streaming.outbox import Delivery
from streaming.topic import Position, Stream, Topic
from tests.support.clock import VirtualClock
from tests.support.transport import Turns, new_session

ONE = Topic(("bars", "x"), ("X", "1D"))
OTHER_SPELLING = Topic(("bars", "x"), ("x", "D"))
TWO = Topic(("bars", "y"), ("Y", "1D"))


def test_a_frame_reaches_the_subscribers_of_its_topic_alone() -> None:
    """Neither another stream nor another spelling of the same one gets it."""
    turns = Turns()
    hub = Hub(turns.flusher)
    a, to_a = new_session(VirtualClock(), turns)
    b, to_b = new_session(VirtualClock(), turns)
    hub.subscribe(a, ONE)
    hub.subscribe(b, OTHER_SPELLING)
    hub.subscribe(b, TWO)
    assert hub.publish(ONE, b"frame", "lossless") == 1
    turns.end()
    assert (to_a.frames, to_b.frames) == ([b"frame"], [])
    assert set(hub.spellings(ONE.stream)) == {ONE.spelling, OTHER_SPELLING.spelling}
    assert set(hub.sessions(ONE.stream)) == {a, b}


def test_latest_frames_conflate_by_topic() -> None:
    """Two topics' newest frames both wait for a stalled client."""
    turns = Turns()
    hub = Hub(turns.flusher)
    session, transport = new_session(VirtualClock(), turns)
    hub.subscribe(session, ONE)
    hub.subscribe(session, TWO)
    transport.stalled = True
    session.flush()
    for topic, frame in ((ONE, b"1a"), (TWO, b"2a"), (ONE, b"1b")):
        hub.publish(topic, frame, "latest")
    hub.publish(ONE, b"1 final", "lossless")
    transport.stalled = False
    session.writable()
    assert transport.frames == [b"2a", b"1b", b"1 final"]


def test_subscribing_twice_changes_nothing() -> None:
    """The second time says so, and frames come once."""
    turns = Turns()
    hub = Hub(turns.flusher)
    session, transport = new_session(VirtualClock(), turns)
    assert [hub.subscribe(session, ONE), hub.subscribe(session, ONE)] == [True, False]
    hub.publish(ONE, b"frame", "lossless")
    turns.end()
    assert transport.frames == [b"frame"]


def test_subscriptions_are_limited() -> None:
    """One too many is refused, and one given up makes room."""
    turns = Turns()
    hub = Hub(turns.flusher)
    session, _ = new_session(VirtualClock(), turns, SessionLimits(subscriptions=1))
    hub.subscribe(session, ONE)
    with pytest.raises(SubscriptionLimitError):
        hub.subscribe(session, TWO)
    assert hub.unsubscribe(session, ONE)
    assert hub.subscribe(session, TWO)


def test_nothing_stays_of_a_session_that_left() -> None:
    """After the last subscriber there is no topic, and nothing is published to anyone."""
    turns = Turns()
    hub = Hub(turns.flusher)
    a, _ = new_session(VirtualClock(), turns)
    b, _ = new_session(VirtualClock(), turns)
    for topic in (ONE, OTHER_SPELLING, TWO):
        hub.subscribe(a, topic)
    hub.subscribe(b, ONE)
    assert len(hub) == 3
    hub.remove(a)
    assert (len(hub), a.subscriptions, list(hub.sessions(ONE.stream))) == (1, {}, [b])
    assert not hub.unsubscribe(a, ONE)
    hub.remove(b)
    assert (len(hub), hub.spellings(ONE.stream), hub.publish(ONE, b"x", "lossless")) == (0, (), 0)


def test_a_slow_consumer_is_ended_in_the_middle_of_a_fan_out_and_the_others_get_theirs() -> None:
    """Ending one subscriber while publishing disturbs nobody."""
    turns = Turns()
    hub = Hub(turns.flusher)
    slow, to_slow = new_session(VirtualClock(), turns, SessionLimits(outbox_bytes=1), direct=False)
    quick, to_quick = new_session(VirtualClock(), turns)
    hub.subscribe(slow, ONE)
    hub.subscribe(quick, ONE)
    hub.publish(ONE, b"frame", "lossless")
    turns.end()
    assert (to_slow.closed, to_quick.frames) == (["slow_consumer"], [b"frame"])


def test_positions_count_by_one() -> None:
    """Each lossless frame stands right after the one before."""
    stream = Stream("e")
    assert stream.advance() == Position("e", 1, 0)
    assert stream.advance() == Position("e", 2, 1)
    assert stream.seq == 2


async def test_system_clock_keeps_time() -> None:
    """Its wall clock is in milliseconds, its timers fire, and a cancelled one does not."""
    clock = SystemClock()
    fired: list[str] = []
    clock.call_later(0.01, lambda: fired.append("kept"))
    clock.call_later(0.01, lambda: fired.append("cancelled")).cancel()
    started = clock.monotonic()
    while not fired:
        await clock.sleep(0.005)
        await asyncio.sleep(0)
    assert fired == ["kept"]
    assert clock.monotonic() > started
    assert clock.now_ms() > 1_700_000_000_000


def test_a_keyed_event_reaches_those_who_want_all_and_those_who_want_its_key() -> None:
    """It is made once for all of them, and not at all where nobody wants it."""
    turns, made = Turns(), 0
    hub = Hub(turns.flusher)

    def encode() -> tuple[bytes, Delivery]:
        nonlocal made
        made += 1
        return b"event", "lossless"

    stream = ("trades", "x")
    assert hub.publish_event(stream, "A", encode) == 0
    wide, to_wide = new_session(VirtualClock(), turns)
    narrow, to_narrow = new_session(VirtualClock(), turns)
    other, to_other = new_session(VirtualClock(), turns)
    hub.subscribe(other, Topic(stream, ("B",)))
    assert hub.publish_event(stream, "A", encode) == 0
    assert made == 0
    hub.subscribe(wide, Topic(stream, ()))
    hub.subscribe(narrow, Topic(stream, ("A",)))
    assert hub.publish_event(stream, "A", encode) == 2
    turns.end()
    assert made == 1
    assert (to_wide.frames, to_narrow.frames, to_other.frames) == ([b"event"], [b"event"], [])
    hub.remove(wide)
    assert hub.publish_event(stream, "A", encode) == 1
    hub.remove(narrow)
    hub.remove(other)
    assert len(hub) == 0


def test_latest_keyed_events_conflate_by_key() -> None:
    """Who wants all of a stream keeps the newest of each key."""
    turns = Turns()
    hub = Hub(turns.flusher)
    session, transport = new_session(VirtualClock(), turns)
    hub.subscribe(session, Topic(("tickers", "x"), ()))
    transport.takes = 1
    session.send(b"first")
    turns.end()

    def publish(key: str, frame: bytes) -> None:
        hub.publish_event(("tickers", "x"), key, lambda: (frame, "latest"))

    for key, frame in (("A", b"a1"), ("B", b"b1"), ("A", b"a2")):
        publish(key, frame)
    transport.takes, transport.stalled = None, False
    session.writable()
    assert transport.frames == [b"first", b"b1", b"a2"]
