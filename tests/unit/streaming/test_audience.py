"""Audience: what topics tell is written by descriptor, in order with what each session is sent of its own."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.audience import TURN_BYTES
from streaming.hub import Hub
from streaming.limits import SessionLimits
from streaming.session import Session
from streaming.topic import Topic
from tests.support.clock import VirtualClock
from tests.support.transport import FakeTransport, Turns, new_session

ONE = Topic(("bars", "x"), ("X", "1D"))
TWO = Topic(("bars", "y"), ("Y", "1D"))
TOPICS = (ONE, TWO, Topic(("trades",), ()), Topic(("trades",), ("A",)))


class Fixture:
    """A hub and sessions that can be written to by descriptor."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.turns = Turns()
        self.hub = Hub(self.turns.flusher)

    def open(self, *topics: Topic, limits: SessionLimits | None = None) -> tuple[Session, FakeTransport]:
        session, transport = new_session(self.clock, self.turns, limits, direct=True)
        for topic in topics:
            self.hub.subscribe(session, topic)
        return session, transport


def test_the_frames_of_a_turn_are_one_write_to_each() -> None:
    """However many there are; and those that keep up have nothing in their outbox meanwhile."""
    it = Fixture()
    clients = [it.open(ONE) for _ in range(3)]
    for frame in (b"1", b"2", b"3"):
        assert it.hub.publish(ONE, frame, "lossless") == 3
    assert [session.unsent for session, _ in clients] == [0, 0, 0]
    it.turns.end()
    assert [transport.writes for _, transport in clients] == [[[b"1", b"2", b"3"]]] * 3
    it.turns.end()
    assert [len(transport.writes) for _, transport in clients] == [1, 1, 1]


def test_a_newcomer_gets_nothing_of_before_and_one_who_leaves_all_of_before() -> None:
    """Also within one turn."""
    it = Fixture()
    old, to_old = it.open(ONE)
    it.hub.publish(ONE, b"before", "lossless")
    _, to_new = it.open(ONE)
    it.hub.publish(ONE, b"both", "lossless")
    it.hub.unsubscribe(old, ONE)
    it.hub.publish(ONE, b"after", "lossless")
    it.turns.end()
    assert (to_old.frames, to_new.frames) == ([b"before", b"both"], [b"both", b"after"])


def test_what_a_session_is_sent_of_its_own_stands_where_it_was_sent() -> None:
    """Between a topic's frames of one turn, before and after them."""
    it = Fixture()
    session, transport = it.open(ONE, TWO)
    session.send(b"own 1")
    it.hub.publish(ONE, b"one", "lossless")
    session.send(b"own 2")
    it.hub.publish(TWO, b"two", "lossless")
    session.send_slowly([b"state"])
    it.hub.publish(ONE, b"later", "lossless")
    it.turns.run()
    assert transport.frames == [b"own 1", b"one", b"own 2", b"two", b"state", b"later"]


def test_one_who_stalls_leaves_the_list_and_comes_back_without_a_frame_twice() -> None:
    """Others get theirs as before; its own wait in its outbox."""
    it = Fixture()
    _, healthy = it.open(ONE)
    slow, stalled = it.open(ONE)
    stalled.takes = 1
    it.hub.publish(ONE, b"1", "lossless")
    it.turns.end()
    assert slow.descriptor == -1
    it.hub.publish(ONE, b"2", "lossless")
    it.turns.end()
    assert slow.unsent == 1
    stalled.takes, stalled.stalled = None, False
    it.hub.publish(ONE, b"3", "lossless")
    slow.writable()
    it.hub.publish(ONE, b"4", "lossless")
    it.turns.run()
    assert slow.descriptor == stalled.number
    it.hub.publish(ONE, b"5", "lossless")
    it.turns.end()
    assert stalled.frames == healthy.frames == [b"1", b"2", b"3", b"4", b"5"]


def test_the_topics_of_a_turn_go_to_a_client_in_one_write() -> None:
    """In the order in which they first told something; who has one of them gets that alone."""
    it = Fixture()
    _, both = it.open(ONE, TWO)
    _, second = it.open(TWO)
    it.hub.publish(TWO, b"1", "lossless")
    it.hub.publish(ONE, b"2", "lossless")
    it.hub.publish(TWO, b"3", "lossless")
    it.turns.end()
    assert both.writes == [[b"1", b"3", b"2"]]
    assert second.writes == [[b"1", b"3"]]


def test_a_stall_within_a_turn_keeps_what_the_other_topics_told_in_it() -> None:
    """What was in that write is the transport's and comes; what is told later waits in the outbox and conflates."""
    it = Fixture()
    session, transport = it.open(ONE, TWO)
    transport.takes = 1
    it.hub.publish(ONE, b"1", "lossless")
    it.hub.publish(TWO, b"2", "latest")
    it.turns.end()
    it.hub.publish(TWO, b"old", "latest")
    it.hub.publish(TWO, b"new", "latest")
    transport.takes, transport.stalled = None, False
    session.writable()
    assert transport.frames == [b"1", b"2", b"new"]
    assert session.conflated == 1


def test_one_write_is_bounded_and_who_stalls_in_it_has_the_rest_in_its_outbox() -> None:
    """More than 64 KiB of several topics are several writes: latest frames of the later ones keep their key."""
    it = Fixture()
    session, transport = it.open(ONE, TWO)
    large = b"1" * 60_000
    transport.takes = 1
    it.hub.publish(ONE, large, "lossless")
    it.hub.publish(TWO, b"2" * 10_000, "latest")
    it.turns.end()
    assert transport.writes == [[large]]
    assert session.unsent == 10_000
    it.hub.publish(TWO, b"new", "latest")
    transport.takes, transport.stalled = None, False
    session.writable()
    assert transport.frames == [large, b"new"]
    assert session.conflated == 1


def test_a_fault_in_one_sessions_frames_ends_it_alone() -> None:
    """Topics of that turn reach the others, and later turns are as ever."""
    it = Fixture()
    broken, to_broken = it.open(ONE)
    _, other = it.open(ONE)

    def faulty() -> Iterator[bytes]:
        yield b"1"
        raise RuntimeError("encoding failed")

    broken.send_slowly(map(bytes, faulty()))
    it.hub.publish(ONE, b"now", "lossless")
    with pytest.raises(RuntimeError, match="encoding failed"):
        it.turns.run()
    it.hub.publish(ONE, b"later", "lossless")
    it.turns.run()
    assert other.frames == [b"now", b"later"]
    assert to_broken.closed == ["internal_error"]


def test_one_who_comes_back_while_it_is_sent_slowly_gets_that_first() -> None:
    """It is in no list before all of it is written."""
    it = Fixture()
    session, transport = it.open(ONE)
    transport.takes = 1
    session.send(b"first")
    it.turns.end()
    transport.takes, transport.stalled = None, False
    session.writable()
    state = [bytes([number]) * 40_000 for number in range(5)]
    session.send_slowly(state)
    it.turns.end()
    it.hub.publish(ONE, b"later", "lossless")
    it.turns.run()
    assert transport.frames == [b"first", *state, b"later"]


def test_an_ended_session_is_told_what_was_before_and_never_written_to_again() -> None:
    """By whatever topic, in this turn or later."""
    it = Fixture()
    session, transport = it.open(ONE)
    _, other = it.open(ONE)
    it.hub.publish(ONE, b"before", "lossless")
    session.end("shutdown")
    it.hub.publish(ONE, b"after", "lossless")
    it.turns.run()
    assert (transport.frames, transport.closed) == ([b"before"], ["shutdown"])
    assert other.frames == [b"before", b"after"]


def test_a_connection_that_is_gone_is_in_no_list() -> None:
    """Its descriptor's number belongs to somebody else from now on."""
    it = Fixture()
    session, transport = it.open(ONE, TWO)
    _, other = it.open(ONE)
    it.hub.publish(ONE, b"pending", "lossless")
    transport.number = -1
    session.gone()
    it.turns.transports.pop(0)
    it.turns.run()
    it.hub.remove(session)
    it.hub.publish(ONE, b"after", "lossless")
    it.turns.run()
    assert other.frames == [b"pending", b"after"]
    assert len(it.hub) == 1


def test_a_closed_gate_lets_nothing_out_that_a_topic_told() -> None:
    """Nor does it come later."""
    it = Fixture()
    session, transport = it.open(ONE)
    is_open = False
    it.turns.flusher.use_gate(lambda: is_open)
    it.hub.publish(ONE, b"1", "lossless")
    it.turns.run()
    is_open = True
    it.hub.publish(ONE, b"2", "lossless")
    it.turns.run()
    assert transport.frames == [b"2"]
    assert session.unsent == 0


def test_a_turn_that_tells_much_is_written_in_its_middle() -> None:
    """So that what waits is bounded."""
    it = Fixture()
    _, transport = it.open(ONE)
    for _ in range(5):
        it.hub.publish(ONE, b"x" * (TURN_BYTES // 2), "lossless")
    assert len(transport.frames) == 3
    it.turns.end()
    assert len(transport.frames) == 5


def test_bytes_that_nobody_takes_end_a_session() -> None:
    """Also where no write ever was partial: the kernel took them, the client did not."""
    it = Fixture()
    session, transport = it.open(limits=SessionLimits(outbox_age=10))
    transport.lagging = 10.0
    session.check_age()
    assert session.ended is None
    transport.lagging = 10.1
    session.check_age()
    assert transport.closed == ["slow_consumer"]


STEPS = st.one_of(
    st.tuples(st.sampled_from(["publish", "latest"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["send", "slowly", "stall", "drain", "end", "gone"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["subscribe", "unsubscribe"]), st.tuples(st.integers(0, 3), st.integers(0, 3))),
    st.tuples(st.sampled_from(["turn", "run"]), st.none()),
)


class Model:
    """What each client has to get: of its own and of each topic, in the order in which it was sent."""

    def __init__(self, direct: list[bool]) -> None:
        self.clock, self.turns = VirtualClock(), Turns()
        self.hub = Hub(self.turns.flusher)
        unbounded = SessionLimits(outbox_bytes=1 << 30)
        self.clients = [new_session(self.clock, self.turns, unbounded, direct=is_direct) for is_direct in direct]
        self.sent: list[list[tuple[str, bytes]]] = [[] for _ in direct]  # "own" or the topic's number, and the frame
        self.count = 0
        for session, _ in self.clients:
            for topic in TOPICS[:2]:
                self.hub.subscribe(session, topic)

    def frame(self, kind: str) -> bytes:
        self.count += 1
        return f"{kind} {self.count}".encode()

    def step(self, name: str, what: object) -> None:
        match name, what:
            case (("publish" | "latest"), int(number)):
                topic = TOPICS[number]
                frame = self.frame(name)
                for sent, (session, _) in zip(self.sent, self.clients, strict=True):
                    if topic in session.subscriptions and session.ended is None:
                        sent.append((str(number), frame))
                self.hub.publish(topic, frame, "lossless" if name == "publish" else "latest")
            case (("subscribe" | "unsubscribe"), (int(who), int(number))):
                session, _ = self.clients[who]
                if session.ended is None:
                    getattr(self.hub, name)(session, TOPICS[number])
            case "turn", None:
                self.turns.end()
            case "run", None:
                self.turns.run()
            case _, int(who):
                self.of_one(name, who)

    def of_one(self, name: str, who: int) -> None:
        session, transport = self.clients[who]
        alive = session.ended is None and transport.number != -2
        match name:
            case "send" if alive:
                frame = self.frame("own")
                self.sent[who].append(("own", frame))
                session.send(frame)
            case "slowly" if alive:
                frames = [self.frame("slow") + b"." * 40_000 for _ in range(3)]  # more than one slice
                self.sent[who] += [("own", frame) for frame in frames]
                session.send_slowly(frames)
            case "stall":
                transport.takes = 1
            case "drain" if transport.stalled:
                transport.takes, transport.stalled = None, False
                session.writable()
            case "end" if not transport.stalled and transport.takes is None and alive:
                self.turns.run()
                session.end("shutdown")
            case "gone" if session.ended is not None:
                session.gone()
                self.hub.remove(session)
            case _:
                pass


@settings(max_examples=400)
@given(st.lists(st.sampled_from([True, True, False]), min_size=4, max_size=4), st.lists(STEPS, min_size=5, max_size=60))
def test_each_client_gets_all_once_and_in_order(direct: list[bool], steps: list[tuple[str, object]]) -> None:
    """Own frames and each topic's, against a model; of latest ones none older than one that came, and the last."""
    model = Model(direct)
    for name, what in steps:
        model.step(name, what)
    for session, transport in model.clients:
        transport.takes = None
        if transport.stalled:
            transport.stalled = False
            session.writable()
    model.turns.run()
    for (_, transport), sent in zip(model.clients, model.sent, strict=True):
        got = transport.frames
        assert len(set(got)) == len(got), "a frame came twice"
        known = {frame for _, frame in sent}
        assert known.issuperset(got), "a frame came that was for somebody else"
        for kind in ("0", "1", "2", "3"):
            expected = [frame for of, frame in sent if of in ("own", kind)]
            here = set(expected)
            came = [frame for frame in got if frame in here]
            lossless = [frame for frame in expected if not frame.startswith(b"latest")]
            assert [frame for frame in came if not frame.startswith(b"latest")] == lossless
            latest = [frame for frame in expected if frame.startswith(b"latest")]
            seen = [frame for frame in came if frame.startswith(b"latest")]
            assert seen == [frame for frame in latest if frame in set(seen)], "an older one came after a newer one"
            if latest:
                assert seen[-1:] == latest[-1:], "the newest one is missing"


@pytest.mark.parametrize("direct", [True, False])
def test_iterating_ends_and_leaves_are_safe_while_publishing(direct: bool) -> None:
    """A full outbox that ends a session in the middle of a topic's frames disturbs nobody."""
    it = Fixture()
    made: list[FakeTransport] = []
    for bound in (1, 100, 1, 100):
        session, transport = new_session(it.clock, it.turns, SessionLimits(outbox_bytes=bound), direct=direct)
        it.hub.subscribe(session, ONE)
        made.append(transport)
    it.hub.publish(ONE, b"frame", "lossless")
    it.turns.run()
    expected: list[list[bytes]] = [[b"frame"]] * 4 if direct else [[], [b"frame"]] * 2
    assert [transport.frames for transport in made] == expected
