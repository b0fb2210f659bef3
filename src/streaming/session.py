"""Session: our state for one client: its outbox, its subscriptions, its limits. It never sees a model or a socket."""

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator

from streaming.audience import Audience, Broadcast, Telling
from streaming.clock import Clock
from streaming.limits import SessionLimits, Strikes, TokenBucket
from streaming.outbox import Outbox, OutboxFullError
from streaming.topic import Topic
from streaming.traffic import Traffic
from streaming.transport import EndReason, Transport

WRITE_BYTES = 64 * 1024
"""The most that one write hands to the transport: what it holds can no longer be conflated."""
CHECKED_AT_ONCE = 100
"""Sessions whose age is looked at in one turn of the event loop."""


class Flusher:
    """Writes once, at the end of a turn of the event loop, to whoever was sent something in that turn.

    First each session's own frames, then what topics tell their audiences. A session is sent nothing of its own while
    one of its topics has frames waiting: these are written before. So each client gets a topic's frames in order, and
    all of them in order with its own; the topics of one turn follow each other.
    """

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        broadcast: Broadcast | None = None,
        traffic: Traffic | None = None,
        monotonic: Callable[[], float] = time.perf_counter,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Use `call_soon` (the event loop's) to run after the turn; count in `traffic`, by a clock's seconds.

        Without `broadcast` no session may have a descriptor. `failed` is told of a fault in making one session's
        frames, which ends that session alone; without it the fault is raised when the others have theirs.
        """
        self._failed = failed
        self.traffic = traffic or Traffic()
        self._monotonic = monotonic
        self._since: float | None = None
        self._call_soon = call_soon
        self._broadcast = broadcast
        self._dirty: list[Session] = []
        self._audiences: list[Audience] = []
        self._returning: list[Session] = []
        self._is_called = False
        self._gate: Callable[[], bool] | None = None

    def use_gate(self, gate: Callable[[], bool]) -> None:
        """Ask `gate` before anything is written to anybody: nothing is where it says False."""
        self._gate = gate

    def may_write(self) -> bool:
        """Say whether what was sent may go out."""
        return self._gate is None or self._gate()

    @property
    def has_audiences(self) -> bool:
        """Whether an audience has frames that wait."""
        return bool(self._audiences)

    def add(self, session: "Session") -> None:
        """Have the session flushed after this turn. A session is added at most once a turn: it keeps the mark."""
        self._dirty.append(session)
        self._call()

    def add_audience(self, audience: Audience) -> None:
        """Have the audience's frames written after this turn. It is added once, with its first frame."""
        self._audiences.append(audience)
        self._call()

    def add_returning(self, session: "Session") -> None:
        """Have a session that keeps up again written to by its descriptor, once nothing waits."""
        self._returning.append(session)
        self._call()

    def _call(self) -> None:
        if self._since is None:
            self._since = self._monotonic()
        if not self._is_called:
            self._is_called = True
            self._call_soon(self._called)

    def _called(self) -> None:
        self._is_called = False
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        since, self._since = self._since, None
        dirty, self._dirty = self._dirty, []
        audiences, self._audiences = self._audiences, []
        faults: list[Exception] = []
        for session in dirty:
            try:
                session.flush()
            except Exception as error:  # frames are made when they are written: a fault of one is no other's
                faults.append(error)
                session.abandon()
        if audiences:
            # A gate that says no has ended every session.
            if self._broadcast is not None and self.may_write():
                self._tell(audiences, self._broadcast)
            else:
                for audience in audiences:
                    audience.forget()
        if self._returning:
            returning, self._returning = self._returning, []
            for session in returning:
                session.unpark()
        if since is not None:
            self.traffic.turn(self._monotonic() - since)
        for fault in faults:
            if self._failed is None:
                raise fault
            self._failed(fault)

    def _tell(self, audiences: Iterable[Audience], broadcast: Broadcast) -> None:
        """Write what audiences have, several at once: who is in many of them gets all of it in one write.

        No more than one write may hold at once: who stalls in one has the rest conflated and bounded by its outbox.
        """
        parts: list[Telling] = []
        size = 0
        for audience in audiences:
            if parts and size + audience.size > WRITE_BYTES:
                broadcast(parts)
                parts, size = [], 0
            size += audience.size
            part = audience.take(self.traffic)
            if part is not None:
                parts.append(part)
        if parts:
            broadcast(parts)


class Session:
    """One client.

    A frame that is sent goes to the outbox and, at the end of the loop's turn, to the transport. Nobody waits for a
    client: one that does not read is given the newest of its `latest` frames when it reads again, and is ended when its
    outbox is full or its oldest frame too old.
    """

    __slots__ = (
        "_after_reply",
        "_backlog",
        "_backlog_ended",
        "_bad_frames",
        "_clock",
        "_excess_until",
        "_flusher",
        "_is_gone",
        "_is_parked",
        "_marked",
        "_outbox",
        "_rate",
        "_stalled_since",
        "_strikes",
        "_transport",
        "address",
        "conflated",
        "ended",
        "limits",
        "subscriptions",
    )

    def __init__(
        self, transport: Transport, flusher: Flusher, limits: SessionLimits, clock: Clock, *, address: str = ""
    ) -> None:
        """Serve the client behind `transport`; `address` is for the logs."""
        now = clock.monotonic()
        self.address = address
        self.limits = limits
        self.subscriptions: dict[Topic, Audience] = {}
        self.ended: EndReason | None = None
        self.conflated = 0
        self._transport = transport
        self._flusher = flusher
        self._clock = clock
        self._outbox = Outbox(limits.outbox_bytes)
        self._backlog: deque[Iterator[bytes]] | None = None  # made when it is needed: an idle session is small
        self._backlog_ended = 0.0
        self._marked = False
        self._stalled_since: float | None = None
        self._rate = TokenBucket(limits.frames_per_second, limits.frames_burst, now)
        self._strikes: Strikes | None = None  # most never strike
        self._is_gone = False
        self._is_parked = transport.descriptor < 0
        self._excess_until = 0.0
        self._bad_frames = 0
        self._after_reply: list[Callable[[], None]] | None = None

    # ---------------------------------------------------------------------------------------------------- out

    def send(self, frame: bytes, *, key: Hashable | None = None) -> None:
        """Send a frame. With `key` it is a `latest` frame, without it a lossless one. Ends a slow consumer."""
        self._let_out()
        if self.ended is not None or self._is_gone:
            return
        stalled = self._stalled_since is not None
        try:
            if self._outbox.put(frame, self._clock.monotonic() if stalled else 0.0, key=key, conflate=stalled):
                self.conflated += 1
                self._flusher.traffic.conflated += 1
        except OutboxFullError:
            if stalled:
                self.end("slow_consumer")
                return
            self.flush()  # much was sent within one turn: it may be the turn that is full, not the client that is slow
            if self.ended is not None:
                return
            try:
                self._outbox.put(frame, self._clock.monotonic(), key=key)
            except OutboxFullError:
                self.end("slow_consumer")
                return
            stalled = self._stalled_since is not None
        if not self._marked and not stalled:
            self._marked = True
            self._flusher.add(self)

    def send_slowly(self, frames: Iterable[bytes]) -> None:
        """Send any number of frames in slices, as the client reads them; what is sent later comes after them.

        They don't count against the outbox's bound. Each is asked for when it is about to be written, and one slice
        goes out in a turn of the event loop, so that nobody else waits for it. Ends a client that asks for more and
        more without reading it.
        """
        if self.ended is not None or self._is_gone:
            return
        self._park()  # what topics told before goes to the outbox, and comes first
        if self._outbox and self._stalled_since is None:
            self.flush()
        if self.ended is not None:
            return
        if self._backlog is None:
            self._backlog = deque()
        backlog = self._backlog
        if self._outbox:  # what was sent before goes first, and still counts
            moved = self._outbox.take(self.limits.outbox_bytes)
            self._outbox.elsewhere += sum(map(len, moved))
            backlog.append(self._moving(moved))
        backlog.append(iter(frames))
        if self._outbox.elsewhere > self.limits.outbox_bytes or len(backlog) > 2 * self.limits.subscriptions:
            self.end("slow_consumer")
        elif not self._marked and self._stalled_since is None:
            self._marked = True
            self._flusher.add(self)

    def _moving(self, frames: list[bytes]) -> Iterator[bytes]:
        for frame in frames:
            self._outbox.elsewhere -= len(frame)
            yield frame

    def _slice(self) -> list[bytes]:
        """Return the next frames of the backlog that fit into one write; fewer at its end, where it is emptied."""
        frames: list[bytes] = []
        size = 0
        while self._backlog:
            for frame in self._backlog[0]:
                frames.append(frame)
                size += len(frame)
                if size >= WRITE_BYTES:
                    return frames
            self._backlog.popleft()
        self._backlog = None
        self._backlog_ended = self._clock.monotonic()
        return frames

    def flush(self) -> None:
        """Hand waiting frames to the transport for as long as it takes them; remember since when it does not."""
        self._marked = False
        if self.ended is not None or self._is_gone or not self._flusher.may_write():
            return
        while self._transport.is_writable():
            if self._backlog:
                frames = self._slice()
                if frames:
                    self._write(frames, sum(map(len, frames)))
                if self._backlog and self._transport.is_writable():
                    self._stalled_since = None
                    self._marked = True
                    self._flusher.add(self)  # the next slice in the next turn
                    return
                continue
            if not self._outbox:
                self._stalled_since = None
                if self._is_parked and self._transport.descriptor >= 0:
                    self._flusher.add_returning(self)
                return
            self._write_outbox(WRITE_BYTES)
        self.stalled()

    def _let_out(self) -> None:
        """Write first what a topic of this session told before."""
        if self._flusher.has_audiences and not self._is_parked:
            for audience in self.subscriptions.values():
                if audience.is_pending:
                    self._flusher.flush()
                    return

    def _park(self) -> None:
        """Take every frame through the outbox from now on."""
        if not self._is_parked:
            self._is_parked = True
            # Out of every list first: what is sent may end it.
            waiting = [frames for audience in self.subscriptions.values() if (frames := audience.park(self))]
            for frames in waiting:
                for frame, key in frames:
                    self.send(frame, key=key)

    def unpark(self) -> None:
        """Take what topics tell by the descriptor, where all that was sent has been written."""
        if (
            not self._is_parked
            or self.ended is not None
            or self._is_gone
            or self._stalled_since is not None
            or self._backlog
            or self._outbox
            or self._transport.descriptor < 0
        ):
            return
        self._is_parked = False
        for audience in self.subscriptions.values():
            audience.unpark(self)

    @property
    def descriptor(self) -> int:
        """Where what topics tell may be written now; -1 where it has to come through `send`."""
        return -1 if self._is_parked else self._transport.descriptor

    def stalled(self) -> None:
        """Take from the transport that it did not take all of a write."""
        if self._stalled_since is None:
            self._stalled_since = self._clock.monotonic()
        self._park()

    def _write_outbox(self, budget: int) -> None:
        before = self._outbox.size
        frames = self._outbox.take(budget)
        self._write(frames, before - self._outbox.size)

    def _write(self, frames: list[bytes], size: int) -> None:
        traffic = self._flusher.traffic
        traffic.frames_out += len(frames)
        traffic.bytes_out += size
        self._transport.write(frames)

    def writable(self) -> None:
        """Take from the transport that all its bytes are gone and it is writable again."""
        self._stalled_since = None
        self.flush()

    def check_age(self, within: float = 0.0) -> None:
        """End the session where its oldest unsent byte is older than the limit, or may be so `within` seconds.

        With a limit that is shorter than twice that, the half of it counts.
        """
        bound = max(self.limits.outbox_age - within, self.limits.outbox_age / 2)
        if self._transport.lag() > bound:
            self.end("slow_consumer")
        if self._stalled_since is None:
            return
        # Frames behind a backlog are old through no fault of the client's, as long as it reads on.
        oldest = None if self._backlog else self._outbox.oldest
        since = self._stalled_since if not oldest else min(max(oldest, self._backlog_ended), self._stalled_since)
        if self._clock.monotonic() - since > bound:
            self.end("slow_consumer")

    @property
    def unsent(self) -> int:
        """Bytes of frames in the outbox."""
        return self._outbox.size

    @property
    def is_behind(self) -> bool:
        """Whether the client does not keep up, or is still being given what stands: an end now would cost it frames."""
        return self._stalled_since is not None or bool(self._backlog)

    # ---------------------------------------------------------------------------------------------------- in

    def admit_frame(self) -> int | None:
        """Count an incoming frame against the rate limit.

        Returns None where it may be handled, else the milliseconds after which the next one may come.
        """
        wait = self._rate.take(self._clock.monotonic())
        return max(1, round(wait * 1000)) if wait else None

    def count_refused_frame(self, retry_after_ms: int) -> None:
        """Take that a frame was refused for its rate; end a client that exceeds it too often.

        What comes before the announced time has passed, such as the rest of what was sent at once, counts with it.
        """
        now = self._clock.monotonic()
        if now < self._excess_until:
            return
        self._excess_until = now + retry_after_ms / 1000
        if self._strikes is None:
            self._strikes = Strikes(self.limits.rate_strikes, self.limits.rate_window)
        if self._strikes.add(now):
            self.end("rate_limit")

    def count_good_frame(self) -> None:
        """Take that the last frame was understood."""
        self._bad_frames = 0

    def count_bad_frame(self) -> None:
        """Take that the last frame was not understood; end a client that sends too many in a row."""
        self._bad_frames += 1
        if self._bad_frames >= self.limits.bad_frames_in_a_row:
            self.end("bad_frames")

    def after_reply(self, action: Callable[[], None]) -> None:
        """Run `action` right after the reply to the present frame was sent, in the same step."""
        if self._after_reply is None:
            self._after_reply = []
        self._after_reply.append(action)

    def replied(self) -> None:
        """Take that the present frame is answered: run what waits for that."""
        if self._after_reply is None:
            return
        actions, self._after_reply = self._after_reply, None
        for action in actions:
            action()

    # ---------------------------------------------------------------------------------------------------- end

    def end(self, reason: EndReason) -> None:
        """Close the connection. What was sent before and the transport takes now still goes out first."""
        if self.ended is not None or self._is_gone:
            return
        self._let_out()
        # After `may_write`, which can end this very session, nothing is as before.
        if self._backlog:
            self.flush()
        if (
            self._outbox
            and not self._backlog
            and self._transport.is_writable()
            and self._flusher.may_write()
            and self._outbox
        ):
            self._write_outbox(self.limits.outbox_bytes)
        if self.ended is not None:
            return
        self.ended = reason
        self._park()
        self._backlog = None
        self._outbox.clear()
        self._after_reply = None
        self._transport.close(reason)

    def abandon(self) -> None:
        """Close the connection without what waits to be sent."""
        self._backlog = None
        self._outbox.clear()
        self.end("internal_error")

    def gone(self) -> None:
        """Take that the connection is over, whoever ended it."""
        self._is_gone = True
        self._park()
        self._backlog = None
        self._outbox.clear()
        self._after_reply = None


class Sessions:
    """Every session of this process."""

    def __init__(self) -> None:
        """Start with none."""
        self._sessions: set[Session] = set()

    def add(self, session: Session) -> None:
        """Count a session in."""
        self._sessions.add(session)

    def discard(self, session: Session) -> None:
        """Count a session out; harmless when it already is."""
        self._sessions.discard(session)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._sessions)

    def __contains__(self, session: object) -> bool:
        """Whether a session is here."""
        return session in self._sessions

    def __iter__(self) -> Iterator[Session]:
        """Iterate over a copy, so that sessions may come and go meanwhile."""
        return iter(tuple(self._sessions))

    async def check_ages(self, clock: Clock, within: float = 0.0) -> None:
        """End every session whose oldest unsent byte is too old, or may be `within` seconds.

        The event loop has its turn between.
        """
        for number, session in enumerate(self, start=1):
            session.check_age(within)
            if number % CHECKED_AT_ONCE == 0:
                await clock.sleep(0)
