"""History: the last lossless events of each stream, for those who come back. It never sees what an event is.

Bounded by count and age for each stream, and by their sum for all.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from streaming.clock import Clock
from streaming.outbox import Delivery
from streaming.topic import Position

T = TypeVar("T")

Copy = Callable[[], Any]
"""A copy of some state, as it was when the copy was taken; made of what JSON has when it is called, once."""


class _Bounded(Protocol):
    """A ring, whatever it holds."""

    forgotten: int

    def __len__(self) -> int: ...
    def forget(self, count: int) -> None: ...


class Rings:
    """All rings of this process. `frames` and `age` (seconds) bound one ring, `total` the frames of all together."""

    def __init__(self, clock: Clock, *, frames: int, age: float, total: int) -> None:
        """Start with no ring."""
        self._clock = clock
        self._frames = frames
        self._age = age
        self._limit = total
        self._order: deque[tuple[float, _Bounded, int]] = deque()  # oldest first; some are gone by now
        self.count = 0

    def new(self) -> "Ring[T]":
        """Return a new ring, whose stream is before its first lossless frame."""
        return Ring(self)

    def take(self, ring: "_Bounded") -> None:
        """Take that a ring has a new event; make room where there are too many."""
        self._order.append((self._clock.monotonic(), ring, ring.forgotten + len(ring)))
        self.count += 1
        if len(ring) > self._frames:
            ring.forget(1)
        while self.count > self._limit:
            self._forget_oldest()
        if len(self._order) > 2 * self.count + 1000:
            self._order = deque(each for each in self._order if each[1].forgotten < each[2])

    def trim(self) -> None:
        """Forget what is too old."""
        oldest = self._clock.monotonic() - self._age
        while self._order and self._order[0][0] < oldest:
            self._forget_oldest()

    def dump(self, names: Mapping[str, "_Bounded"]) -> Copy:
        """Return a copy of the order in which the rings' events came, and when: by the wall clock."""
        began = self._clock.now_ms() - self._clock.monotonic() * 1000
        order = list(self._order)
        places = {id(ring): (place, ring.forgotten) for place, ring in enumerate(names.values())}

        def plain() -> Any:
            found: list[tuple[int, int]] = []
            for monotonic, ring, number in order:
                place, forgotten = places[id(ring)]
                if number > forgotten:
                    found.append((round(began + monotonic * 1000), place))
            return [list(names), found]

        return plain

    def load(self, plain: Any, names: Mapping[str, "_Bounded"]) -> None:
        """Take the order of a copy. The rings have their events already, and nothing else was taken before.

        What is too much for this one's bounds is forgotten, as they may have been larger.

        ValueError: a ring has another number of events.
        """
        began = self._clock.now_ms() - self._clock.monotonic() * 1000
        listed, found = plain
        rings = [names[name] for name in listed]
        numbers = [ring.forgotten for ring in rings]
        self._order.clear()
        for time, place in found:
            numbers[place] += 1
            self._order.append(((time - began) / 1000, rings[place], numbers[place]))
        self.count = len(found)
        if numbers != [ring.forgotten + len(ring) for ring in rings]:
            raise ValueError("The rings hold other events than their order says.")
        for ring in rings:
            ring.forget(max(0, len(ring) - self._frames))
        while self.count > self._limit:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, ring, number = self._order.popleft()
        if ring.forgotten < number:
            ring.forget(1)


class Ring(Generic[T]):
    """The last lossless events of one stream, in the order of their `seq`. Made by `Rings.new`.

    `floor` is the greatest `seq` that is gone: everything after it is here. `forgotten` counts all that ever went.
    """

    __slots__ = ("_events", "_gone", "_rings", "floor", "forgotten")

    def __init__(self, rings: Rings) -> None:
        """Start empty, before the first event."""
        self._rings = rings
        self._events: deque[tuple[int, str, T]] | None = None  # most streams never have one
        self._gone: dict[str, int] = {}
        self.floor = 0
        self.forgotten = 0

    def __len__(self) -> int:
        """Return how many events are here."""
        return len(self._events or ())

    def append(self, seq: int, key: str, event: T) -> None:
        """Keep the event at the next `seq`."""
        if self._events is None:
            self._events = deque()
        self._events.append((seq, key, event))
        self._rings.take(self)

    def forget(self, count: int) -> None:
        """Forget the oldest events."""
        for _ in range(count):
            assert self._events, "asked for less than there are"
            seq, key, _ = self._events.popleft()
            self._gone[key] = seq
            self.floor = seq
            self.forgotten += 1
            self._rings.count -= 1

    def lost_after(self, seq: int, key: str | None) -> int | None:
        """Return the greatest lost `seq` after the one given, of the key or (None) of any; None where all is here."""
        gone = self.floor if key is None else self._gone.get(key, 0)
        return gone if gone > seq else None

    def after(self, seq: int, key: str | None) -> list[tuple[int, T]]:
        """Return the events that are here and come after `seq`, with theirs; of the key, or (None) all."""
        events = self._events or ()
        # Positions count up by one: so it is known where to begin.
        return [
            (number, event)
            for number, of, event in islice(events, max(0, seq - self.floor), None)
            if key is None or of == key
        ]

    def last(self, count: int, key: str | None) -> list[tuple[int, T]]:
        """Return the newest events, at most `count`, oldest first."""
        newest = islice(self._newest(key), count)
        return list(newest)[::-1]

    def _newest(self, key: str | None) -> Iterator[tuple[int, T]]:
        for seq, of, event in reversed(self._events or ()):
            if key is None or of == key:
                yield seq, event

    def dump(self, plain: Callable[[T], Any]) -> Copy:
        """Return a copy of everything; `plain` makes an event of what JSON has."""
        events, gone, floor, forgotten = list(self._events or ()), dict(self._gone), self.floor, self.forgotten
        return lambda: [floor, forgotten, gone, [(seq, key, plain(event)) for seq, key, event in events]]

    def load(self, plain: Any, event: Callable[[Any], T]) -> None:
        """Take what a copy held, in place of what is here; `Rings.load` is to follow."""
        self.floor, self.forgotten, self._gone, events = plain
        self._events = deque((seq, key, event(each)) for seq, key, each in events) if events else None

    def clear(self) -> None:
        """Forget everything: a new epoch begins."""
        self.forget(len(self))
        self._gone.clear()
        self.floor = 0


class Event:
    """One event's frame, made when somebody wants it, and kept then."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], tuple[bytes, Delivery]]) -> None:
        """Take what makes the frame and says how it is delivered."""
        self._make: Callable[[], tuple[bytes, Delivery]] | None = make
        self._made: tuple[bytes, Delivery] | None = None

    @classmethod
    def made(cls, frame: bytes, delivery: Delivery) -> "Event":
        """Return an event whose frame is there already."""
        return cls(lambda: (frame, delivery))

    def encoded(self) -> tuple[bytes, Delivery]:
        """Return the frame and how it is delivered."""
        if self._made is None:
            assert self._make is not None
            self._made = self._make()
            self._make = None  # what it was made of can go
        return self._made


@dataclass(frozen=True, slots=True)
class Resumption:
    """What somebody gets who asks to go on from a position.

    `recovered`: `frames` are all that came after it. Else what lies from `lost_from` to `lost_to` can't be had any
    more, and `frames` are what is left after that. `start` is the position before the first of them.
    """

    recovered: bool
    start: int
    frames: tuple[Event, ...]
    lost_from: int = 0
    lost_to: int = 0


class KeyedStream:
    """One stream whose events have a key: its positions, and its last events. `prev` is told within the key."""

    __slots__ = ("_last", "_ring", "epoch", "seq")

    def __init__(self, epoch: str, ring: Ring[Event]) -> None:
        """Start the epoch at 0: before its first lossless frame. The ring may hold an earlier epoch's events."""
        ring.clear()
        self.epoch = epoch
        self.seq = 0
        self._ring = ring
        self._last: dict[str, int] = {}

    def append(self, key: str, make: Callable[[Position], tuple[bytes, Delivery]]) -> Event:
        """Take the next position for an event, which is kept; `make` makes its frame."""
        self.seq += 1
        position = Position(self.epoch, self.seq, self._last.get(key, 0))
        self._last[key] = self.seq
        event = Event(partial(make, position))
        self._ring.append(self.seq, key, event)
        return event

    @property
    def present(self) -> Position:
        """Where what stands now stands: it raises nothing, and nothing lies between it and what comes next."""
        return Position(self.epoch, self.seq, self.seq)

    def dump(self) -> Copy:
        """Return a copy of the positions and of the last events, as the frames that were told."""
        epoch, seq, last, ring = self.epoch, self.seq, dict(self._last), self._ring.dump(_frame)
        return lambda: [epoch, seq, last, ring()]

    def load(self, plain: Any) -> None:
        """Take what a copy held, in place of what is here."""
        self.epoch, self.seq, self._last, ring = plain
        self._ring.load(ring, _event)

    def resume(self, epoch: str, seq: int, key: str | None) -> Resumption:
        """Return what came after a position: of one key, or (None) all."""
        is_known = epoch == self.epoch and seq <= self.seq
        since = seq if is_known else 0
        lost = self._ring.lost_after(since, key)
        frames = tuple(event for _, event in self._ring.after(since, key))
        if is_known and lost is None:
            return Resumption(True, seq, frames)
        return Resumption(False, lost or 0, frames, seq + 1 if is_known else 0, lost or 0)

    def replay(self, count: int, key: str | None) -> Resumption:
        """Return the newest events, at most `count`, and the position before them."""
        found = self._ring.last(count, key)
        return Resumption(False, found[0][0] - 1 if found else self.seq, tuple(event for _, event in found))


def _frame(event: Event) -> tuple[str, Delivery]:
    frame, delivery = event.encoded()
    return frame.decode(), delivery


def _event(plain: Any) -> Event:
    frame, delivery = plain
    return Event.made(frame.encode(), delivery)
