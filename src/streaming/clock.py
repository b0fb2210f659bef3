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
