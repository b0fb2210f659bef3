"""Clock: time as an argument, so that tests run on virtual minutes. It knows nothing of what is timed."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is due later and can still be called off."""

    def cancel(self) -> None:
        """Call it off; harmless when it has already run."""
        ...


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """Return the wall clock: whole milliseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, for deadlines and durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets the event loop run everything else once."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` after `delay` seconds, on the event loop."""
        ...


class PinnedClock:
    """Another clock, whose time can be held: so that all that one event leads to has one time, which can be noted.

    An event that is taken in again, later or in another process, then leads to the same to the byte.
    """

    def __init__(self, clock: Clock) -> None:
        """Tell the other clock's time."""
        self._clock = clock
        self._wall: int | None = None
        self._monotonic: float | None = None

    def pin(self, wall_ms: int, monotonic: float | None = None) -> None:
        """Hold the wall clock, and with `monotonic` that one too, until `release`."""
        self._wall = wall_ms
        self._monotonic = monotonic

    def release(self) -> None:
        """Let the time go on."""
        self._wall = self._monotonic = None

    def now_ms(self) -> int:
        """Return the wall clock."""
        return self._clock.now_ms() if self._wall is None else self._wall

    def monotonic(self) -> float:
        """Return seconds that never go back, unless they were held."""
        return self._clock.monotonic() if self._monotonic is None else self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._clock.sleep(seconds)

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` after `delay` seconds."""
        return self._clock.call_later(delay, callback)


class SystemClock:
    """The machine's clock and the running event loop's timers."""

    def now_ms(self) -> int:
        """Return the wall clock: whole milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` after `delay` seconds on the running event loop."""
        return asyncio.get_running_loop().call_later(delay, callback)
