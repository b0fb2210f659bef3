"""Audience: the sessions of one topic, and what one turn tells them. It never sees a model or a socket."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from streaming.topic import Topic
from streaming.traffic import Traffic

if TYPE_CHECKING:
    from streaming.session import Session

Telling: TypeAlias = tuple[Sequence[int], Sequence[bytes]]
"""Descriptors, and the text frames that each of them is to be sent, in order."""
Broadcast: TypeAlias = Callable[[Sequence[Telling]], None]
"""Writes to each descriptor what all parts have for it, in their order and as one write. Whoever does not take all of
it is stalled."""
TURN_BYTES = 256 * 1024
"""The most that waits for a turn's end: what is published beyond it has the turn's frames written at once."""


class Turn(Protocol):
    """What writes at the end of a turn of the event loop."""

    def add_audience(self, audience: "Audience") -> None:
        """Have the audience's frames written after this turn."""
        ...

    def flush(self) -> None:
        """Write what waits for the turn's end."""
        ...


class Audience:
    """Who subscribes to a topic.

    Those that keep up and can be written to by descriptor stand in flat lists: what a turn tells them is joined and
    written once to each, and touches no object of theirs. The others (stalled, with frames of old still to come, or
    behind TLS) are sent each frame through their outbox.

    Nobody joins or leaves the lists while frames wait: whoever comes would be told what it was not subscribed to, and
    whoever goes would miss what it was.
    """

    __slots__ = ("_descriptors", "_frames", "_others", "_places", "_sessions", "_size", "_turn", "topic")

    def __init__(self, topic: Topic, turn: Turn) -> None:
        """Start with nobody; `turn` writes for it."""
        self.topic = topic
        self._turn = turn
        self._descriptors: list[int] = []
        self._sessions: list[Session] = []  # whose descriptor stands at the same place
        self._places: dict[Session, int] = {}
        self._others: dict[Session, None] = {}
        self._frames: list[tuple[bytes, Hashable | None]] = []
        self._size = 0

    def __len__(self) -> int:
        """Return how many sessions there are."""
        return len(self._sessions) + len(self._others)

    def __iter__(self) -> Iterator["Session"]:
        """Iterate over the sessions; over a copy."""
        return iter((*self._sessions, *self._others))

    @property
    def is_pending(self) -> bool:
        """Whether frames wait for the turn's end."""
        return bool(self._frames)

    def add(self, session: "Session") -> None:
        """Let a session in that is in no place yet."""
        if self._frames:
            self._turn.flush()
        descriptor = session.descriptor
        if descriptor < 0:
            self._others[session] = None
        else:
            self._insert(session, descriptor)

    def remove(self, session: "Session") -> None:
        """Let a session go, with what it was told before."""
        if self._frames and session in self._places:
            self._turn.flush()
        self._take_out(session)
        self._others.pop(session, None)

    def park(self, session: "Session") -> Sequence[tuple[bytes, Hashable | None]]:
        """Send a session each frame through its outbox from now on; returns those that wait, for it to be sent too."""
        if not self._take_out(session):
            return ()
        self._others[session] = None
        return tuple(self._frames)

    def unpark(self, session: "Session") -> None:
        """Write to a session by its descriptor again. It has been sent all, and nothing waits for the turn's end."""
        if session in self._others:
            del self._others[session]
            self._insert(session, session.descriptor)

    def publish(self, frame: bytes, key: Hashable | None) -> None:
        """Tell everyone; with `key` it is a `latest` frame."""
        if self._descriptors:
            if not self._frames:
                self._turn.add_audience(self)
            self._frames.append((frame, key))
            self._size += len(frame)
        if self._others:
            # Over a copy: a send can end a session, which writes, and then others stall and are parked here.
            for session in tuple(self._others):
                session.send(frame, key=key)
        if self._size > TURN_BYTES:
            self._turn.flush()

    @property
    def size(self) -> int:
        """Bytes of the frames that wait."""
        return self._size

    def take(self, traffic: Traffic) -> Telling | None:
        """Return what waits, to be written at once, and count it; None where there is nobody."""
        frames, size, count = [frame for frame, _ in self._frames], self._size, len(self._descriptors)
        self.forget()
        if not frames or not count:
            return None
        traffic.frames_out += len(frames) * count
        traffic.bytes_out += size * count
        return self._descriptors, frames

    def forget(self) -> None:
        """Drop what waits: nothing may be told."""
        self._frames.clear()
        self._size = 0

    def _insert(self, session: "Session", descriptor: int) -> None:
        self._places[session] = len(self._sessions)
        self._sessions.append(session)
        self._descriptors.append(descriptor)

    def _take_out(self, session: "Session") -> bool:
        """Take a session out of the lists; say whether it was there. The last one takes its place."""
        place = self._places.pop(session, None)
        if place is None:
            return False
        last, descriptor = self._sessions.pop(), self._descriptors.pop()
        if last is not session:
            self._sessions[place] = last
            self._descriptors[place] = descriptor
            self._places[last] = place
        return True
