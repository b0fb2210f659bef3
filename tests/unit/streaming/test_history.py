"""History: what is still there of a stream, and what is known to be gone. Against a model that keeps everything."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.history import KeyedStream, Resumption, Ring, Rings
from streaming.outbox import Delivery
from streaming.topic import Position
from tests.support.clock import VirtualClock


async def test_the_last_events_are_kept_by_count_by_age_and_by_their_sum() -> None:
    """The oldest goes first, whichever bound is met."""
    clock = VirtualClock()
    rings = Rings(clock, frames=3, age=10, total=4)
    one: Ring[str] = rings.new()
    two: Ring[str] = rings.new()
    for seq in (1, 2, 3, 4):
        one.append(seq, "A", f"one {seq}")
    assert [event for _, event in one.after(0, None)] == ["one 2", "one 3", "one 4"]
    await clock.advance(6)
    two.append(1, "A", "two 1")
    two.append(2, "B", "two 2")
    assert (len(one), len(two), rings.count) == (2, 2, 4)
    await clock.advance(5)
    rings.trim()
    assert (len(one), len(two), rings.count) == (0, 2, 2)
    assert one.lost_after(4, None) is None
    assert one.lost_after(3, None) == 4
    await clock.advance(6)
    rings.trim()
    assert rings.count == 0
    assert (two.lost_after(0, "A"), two.lost_after(1, "A"), two.lost_after(1, "B")) == (1, None, 2)


def test_a_new_epoch_has_lost_nothing() -> None:
    """And what other rings hold stays."""
    rings = Rings(VirtualClock(), frames=2, age=10, total=10)
    one: Ring[str] = rings.new()
    other: Ring[str] = rings.new()
    other.append(1, "A", "stays")
    for seq in (1, 2, 3):
        one.append(seq, "A", "goes")
    one.clear()
    assert (len(one), one.floor, one.lost_after(0, "A"), rings.count) == (0, 0, None, 1)
    one.append(1, "A", "new")
    assert one.after(0, "A") == [(1, "new")]
    assert other.after(0, None) == [(1, "stays")]


def test_many_events_leave_no_trail() -> None:
    """The order in which rings are forgotten is bounded too."""
    rings = Rings(VirtualClock(), frames=2, age=10, total=100)
    ring: Ring[int] = rings.new()
    for seq in range(1, 100_001):
        ring.append(seq, "A", seq)
    assert len(rings._order) < 2000  # the one private look: no public sign tells of a leak before memory ends


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 2), st.sampled_from("AB")),
        st.tuples(st.just("wait"), st.integers(1, 6), st.just("")),
        st.tuples(st.just("clear"), st.integers(0, 2), st.just("")),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 5), st.integers(1, 8), st.integers(0, 40), st.sampled_from([None, "A", "B"]))
def test_what_is_said_to_be_lost_and_what_is_given_is_everything(
    steps: list[tuple[str, int, str]], frames: int, total: int, seq: int, key: str | None
) -> None:
    """For any position: either all events after it are given, or the greatest of those that are lost is named."""
    clock = VirtualClock()
    rings = Rings(clock, frames=frames, age=10, total=total)
    kept: list[Ring[Any]] = [rings.new() for _ in range(3)]
    all_events: list[list[tuple[int, str]]] = [[], [], []]
    for step, number, of in steps:
        if step == "append":
            position = len(all_events[number]) + 1
            all_events[number].append((position, of))
            kept[number].append(position, of, (position, of))
        elif step == "wait":
            clock._now += number  # no task waits here, so no loop is needed
            rings.trim()
        else:
            kept[number].clear()
            all_events[number].clear()
    assert rings.count == sum(map(len, kept)) <= total
    for ring, events in zip(kept, all_events, strict=True):
        assert len(ring) <= frames
        wanted = [event for event in events if event[0] > seq and key in (None, event[1])]
        given_back = [event for _, event in ring.after(seq, key)]
        lost = ring.lost_after(seq, key)
        missing = [event for event in wanted if event not in given_back]
        assert given_back == wanted[len(missing) :]
        assert lost == (missing[-1][0] if missing else None)
        assert ring.last(2, key) == [(e[0], e) for e in events if e[0] > ring.floor and key in (None, e[1])][-2:]


def test_a_keyed_stream_counts_all_and_tells_the_one_before_of_each_key() -> None:
    """`seq` is the stream's, `prev` the key's; a frame is made when it is wanted, and once."""
    made: list[Position] = []
    stream = keyed(10)

    def make(position: Position) -> tuple[bytes, Delivery]:
        made.append(position)
        return b"%d" % position.seq, "lossless"

    events = [stream.append(key, make) for key in "ABAAB"]
    assert made == []
    assert [event.encoded() for event in events * 2] == [(b"%d" % seq, "lossless") for seq in (1, 2, 3, 4, 5)] * 2
    assert made == [
        Position("e", 1, 0),
        Position("e", 2, 0),
        Position("e", 3, 1),
        Position("e", 4, 3),
        Position("e", 5, 2),
    ]
    assert stream.present == Position("e", 5, 5)


def keyed(frames: int) -> KeyedStream:
    """Return a new stream that keeps so many frames."""
    return KeyedStream("e", Rings(VirtualClock(), frames=frames, age=10, total=100).new())


def seqs(resumption: Resumption) -> list[int]:
    """Return the positions of the frames."""
    return [int(event.encoded()[0]) for event in resumption.frames]


def test_resuming_gives_what_came_after_or_says_what_is_lost() -> None:
    """Exactly, for all of the stream and for one key; of another epoch, or a position to come, nothing is known."""
    stream = keyed(3)
    for letter in "AABAB":
        stream.append(letter, lambda position: (b"%d" % position.seq, "lossless"))
    cases: list[tuple[int, str | None, bool, list[int], tuple[int, int]]] = [
        (2, None, True, [3, 4, 5], (0, 0)),
        (5, None, True, [], (0, 0)),
        (1, None, False, [3, 4, 5], (2, 2)),
        (0, None, False, [3, 4, 5], (1, 2)),
        (0, "A", False, [4], (1, 2)),
        (0, "B", True, [3, 5], (0, 0)),
        (2, "A", True, [4], (0, 0)),
        (9, "C", False, [], (0, 0)),
        (6, None, False, [3, 4, 5], (0, 2)),
    ]
    for seq, key, recovered, given_back, lost in cases:
        found = stream.resume("e", seq, key)
        assert (found.recovered, seqs(found), (found.lost_from, found.lost_to)) == (recovered, given_back, lost)
        assert found.start == (seq if recovered else lost[1])
    other = stream.resume("another", 2, None)
    assert (other.recovered, seqs(other), other.lost_from, other.lost_to, other.start) == (False, [3, 4, 5], 0, 2, 2)


def test_replaying_gives_the_newest_and_the_position_before_them() -> None:
    """At most as many as are kept; none: the present position."""
    stream = keyed(3)
    for letter in "AABAB":
        stream.append(letter, lambda position: (b"%d" % position.seq, "lossless"))
    cases: list[tuple[int, str | None, list[int], int]] = [
        (2, None, [4, 5], 3),
        (9, None, [3, 4, 5], 2),
        (1, "A", [4], 3),
    ]
    for count, key, given_back, start in cases:
        found = stream.replay(count, key)
        assert (seqs(found), found.start, found.recovered) == (given_back, start, False)
    assert (seqs(stream.replay(5, "C")), stream.replay(5, "C").start) == ([], 5)


@pytest.mark.parametrize(
    ("frames", "total", "left"), [(100, 1000, [90, 30]), (10, 1000, [10, 10]), (100, 40, [20, 20])]
)
def test_bounds_that_are_smaller_than_those_of_the_copy_count_at_once(frames: int, total: int, left: list[int]) -> None:
    """What is too much in a ring is forgotten, then what is too much in all, the oldest first; and so it stays."""
    first = Rings(VirtualClock(), frames=1000, age=600, total=1000)
    names: dict[str, Ring[int]] = {"a": first.new(), "b": first.new()}
    for number in range(1, 71):
        names["a"].append(number, "", number)
    for number in range(1, 31):
        names["b"].append(number, "", number)
        if number > 10:
            names["a"].append(60 + number, "", number)
    copies = {name: ring.dump(lambda event: event)() for name, ring in names.items()}
    order = first.dump(names)()
    second = Rings(VirtualClock(), frames=frames, age=10**9, total=total)
    again: dict[str, Ring[int]] = {"a": second.new(), "b": second.new()}
    for name, ring in again.items():
        ring.load(copies[name], lambda event: event)
    second.load(order, again)
    assert ([len(ring) for ring in again.values()], second.count) == (left, sum(left))
    for number in range(91, 300):
        again["a"].append(number, "", number)
        assert len(again["a"]) <= frames
        assert second.count <= total
