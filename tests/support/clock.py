"""VirtualClock: time that moves only when it is told to, or that jumps to what is waited for. It knows nothing of
what is timed.

Two ways of use. With `auto=False` (the default) the time moves by `await clock.advance(seconds)` alone: every wait that
falls due on the way ends at its own moment, in order. With `auto=True` a `sleep` moves the time by itself as soon as
nothing else is ready to run, so that a replay of years is over at once.
"""

import asyncio
import heapq
from collections.abc import Callable

# How often everything that is ready to run may run before the time goes on. A chain of wake-ups (a future, a queue,
# a task that starts a task) needs a few rounds of the event loop; more rounds cost microseconds.
_SETTLE_ROUNDS = 20


class VirtualTimer:
    """A call that is due at one virtual moment."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        """Wait for `when` (seconds, of the clock's `monotonic`) to call `callback`."""
        self.when = when
        self._callback: Callable[[], None] | None = callback

    @property
    def pending(self) -> bool:
        """Whether the call is still to come."""
        return self._callback is not None

    def cancel(self) -> None:
        """Call it off; harmless when it has already run."""
        self._callback = None

    def fire(self) -> None:
        """Make the call, unless it was called off or has been made."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class VirtualClock:
    """A `streaming.clock.Clock` whose seconds pass at once.

    `start_ms` is the wall clock's first reading (ms since the epoch, UTC); `monotonic` starts at 0. `pending` counts
    the waits and timers that are still to come: 0 after a test shows that nothing was left behind.
    """

    def __init__(self, start_ms: int = 1_700_000_000_000, *, auto: bool = False) -> None:
        """Start at `start_ms`; `auto` lets `sleep` move the time by itself."""
        self._start_ms = start_ms
        self._now = 0.0
        self._auto = auto
        self._timers: list[tuple[float, int, VirtualTimer]] = []
        self._count = 0
        self._mover: asyncio.Task[None] | None = None

    def now_ms(self) -> int:
        """Return the virtual wall clock: whole milliseconds since the epoch, UTC."""
        return self._start_ms + round(self._now * 1000)

    def monotonic(self) -> float:
        """Return the virtual seconds since the clock was made."""
        return self._now

    @property
    def pending(self) -> int:
        """How many waits and timers are still to come."""
        return sum(timer.pending for _, _, timer in self._timers)

    def call_later(self, delay: float, callback: Callable[[], None]) -> VirtualTimer:
        """Run `callback` when `delay` virtual seconds have passed (never inside this call)."""
        timer = VirtualTimer(self._now + max(delay, 0.0), callback)
        self._count += 1
        heapq.heappush(self._timers, (timer.when, self._count, timer))
        if self._auto and (self._mover is None or self._mover.done()):
            self._mover = asyncio.get_running_loop().create_task(self._move(), name="virtual-clock")
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait for virtual seconds; 0 or less lets the event loop run everything else once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not done.done():
                done.set_result(None)

        timer = self.call_later(seconds, wake)
        try:
            await done
        finally:
            timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass: every wait that falls due on the way ends at its own moment, in order.

        Before the time moves, and after each moment, everything that is ready to run has run (also what it started).
        """
        target = self._now + seconds
        await settle()
        while (timer := self._next()) is not None and timer.when <= target:
            self._fire_next()
            await settle()
        self._now = max(self._now, target)
        await settle()

    def _next(self) -> VirtualTimer | None:
        while self._timers and not self._timers[0][2].pending:
            heapq.heappop(self._timers)
        return self._timers[0][2] if self._timers else None

    def _fire_next(self) -> None:
        when, _, timer = heapq.heappop(self._timers)
        self._now = max(self._now, when)
        timer.fire()

    async def _move(self) -> None:
        # Ends when nothing is waited for; the next `call_later` starts another.
        while True:
            await settle()
            if self._next() is None:
                return
            self._fire_next()


async def settle() -> None:
    """Let everything that is ready to run do so, and what that makes ready, some 20 times over."""
    for _ in range(_SETTLE_ROUNDS):
        await asyncio.sleep(0)
