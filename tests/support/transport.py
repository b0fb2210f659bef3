"""FakeTransport: a session's connection whose client reads only when the test says so."""

from collections.abc import Callable, Sequence

from streaming.audience import Telling
from streaming.clock import Clock
from streaming.limits import SessionLimits
from streaming.session import Flusher, Session
from streaming.transport import EndReason


class FakeTransport:
    """Remembers what was written; takes nothing while `stalled`."""

    def __init__(self, descriptor: int = -1) -> None:
        """Start with a client that reads."""
        self.number = descriptor
        self.lagging = 0.0
        self.session: Session | None = None
        self._stalled = False
        self.takes: int | None = None  # how many more writes the client takes before it stalls
        self.writes: list[list[bytes]] = []
        self.closed: list[EndReason] = []

    @property
    def frames(self) -> list[bytes]:
        """Every frame written so far."""
        return [frame for write in self.writes for frame in write]

    @property
    def stalled(self) -> bool:
        """Whether the client reads nothing."""
        return self._stalled

    @stalled.setter
    def stalled(self, stalled: bool) -> None:
        if stalled and not self._stalled and self.session is not None and self.number >= 0:
            self._stalled = True
            self.session.stalled()
        self._stalled = stalled

    @property
    def descriptor(self) -> int:
        """Return its number, as long as it is open."""
        return -1 if self.closed else self.number

    def lag(self) -> float:
        """Return for how long the client took nothing of what is under way."""
        return self.lagging

    def is_writable(self) -> bool:
        """Say whether the client reads."""
        return not self.stalled and not self.closed

    def write(self, frames: Sequence[bytes]) -> None:
        """Take frames; stall where that was the last write it takes."""
        assert self.is_writable()
        self.writes.append(list(frames))
        if self.takes is not None:
            self.takes -= 1
            self.stalled = self.takes <= 0

    def close(self, reason: EndReason) -> None:
        """Take that the session ends."""
        self.closed.append(reason)


class Turns:
    """An event loop's `call_soon`, whose turn ends when the test says so."""

    def __init__(self) -> None:
        """Start with nothing to call."""
        self._callbacks: list[Callable[[], None]] = []
        self.transports: dict[int, FakeTransport] = {}
        self.flusher = Flusher(self._callbacks.append, self._broadcast)

    def _broadcast(self, parts: Sequence[Telling]) -> None:
        """Write to each, once; who stalls by that is told so afterwards, as by the real one."""
        shares: dict[int, list[bytes]] = {}
        for descriptors, frames in parts:
            for number in descriptors:
                assert self.transports[number].descriptor >= 0, "the connection is closed"
                shares.setdefault(number, []).extend(frames)
        for number, share in shares.items():
            self.transports[number].write(share)

    def end(self) -> None:
        """End the turn: call what waits for that."""
        callbacks, self._callbacks[:] = self._callbacks[:], []
        for callback in callbacks:
            callback()

    def run(self) -> None:
        """End turn after turn, until nothing waits for one."""
        while self._callbacks:
            self.end()


def new_session(
    clock: Clock, turns: Turns, limits: SessionLimits | None = None, *, direct: bool = True
) -> tuple[Session, FakeTransport]:
    """Return a session and its connection; a `direct` one can be written to by its descriptor."""
    transport = FakeTransport(len(turns.transports) if direct else -1)
    if direct:
        turns.transports[transport.number] = transport
    session = Session(transport, turns.flusher, limits or SessionLimits(), clock, address="test")
    transport.session = session
    return session, transport
