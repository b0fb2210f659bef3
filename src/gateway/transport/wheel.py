"""Wheel: all deadlines of a server on one timer of the event loop. It never knows what is due."""

import math
from collections.abc import Callable
from typing import Final, Protocol

from gateway.telemetry import get_logger

TICK: Final = 0.1
"""Seconds by which a call may be late."""
_SWEEP: Final = 1024
"""How many more calls than the live ones may be called off before their places are freed."""


class Cancellable(Protocol):
    """What a timer of an event loop gives back."""

    def cancel(self) -> object:
        """Call it off."""
        ...


class Timer:
    """One call that is due; `cancel` calls it off."""

    __slots__ = ("_callback", "_wheel")

    def __init__(self, wheel: "TimerWheel", callback: Callable[[], object]) -> None:
        """Made by the wheel."""
        self._wheel = wheel
        self._callback: Callable[[], object] | None = callback

    @property
    def pending(self) -> bool:
        """Whether the call is still to come."""
        return self._callback is not None

    def cancel(self) -> None:
        """Call it off; harmless when it has run or was called off."""
        if self._callback is not None:
            self._callback = None
            self._wheel._forget()

    def _take(self) -> Callable[[], object] | None:
        callback, self._callback = self._callback, None
        return callback


class TimerWheel:
    """Runs calls when they are due: never early, and late by a tick at most (plus what the event loop is late).

    To add and to cancel one costs the same whatever their number. The event loop has one timer, for the next tick at
    which something is due; where nothing is to come it has none.
    """

    def __init__(
        self, now: Callable[[], float], call_later: Callable[[float, Callable[[], None]], Cancellable]
    ) -> None:
        """Read seconds from `now` and wait by `call_later` (the event loop's)."""
        self._now = now
        self._call_later = call_later
        self._slots: dict[int, list[Timer]] = {}
        self._live = 0
        self._dead = 0
        self._armed: Cancellable | None = None
        self._armed_for = 0

    def __len__(self) -> int:
        """Return how many calls are to come."""
        return self._live

    def now(self) -> float:
        """Return the wheel's time, in seconds."""
        return self._now()

    def schedule(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Run `callback` when `delay` seconds have passed, never inside this call. What it raises is logged."""
        timer = Timer(self, callback)
        tick = math.ceil((self._now() + delay) / TICK)
        slot = self._slots.get(tick)
        if slot is None:
            self._slots[tick] = [timer]
        else:
            slot.append(timer)
        self._live += 1
        if self._armed is None or tick < self._armed_for:
            self._arm(tick)
        return timer

    def _arm(self, tick: int) -> None:
        if self._armed is not None:
            self._armed.cancel()
        self._armed_for = tick
        # A millisecond at least: loops that count in milliseconds come a little early.
        self._armed = self._call_later(max(tick * TICK - self._now(), 0.001), self._run)

    def _forget(self) -> None:
        self._live -= 1
        self._dead += 1
        if self._live == 0:
            self._slots.clear()
            self._dead = 0
            if self._armed is not None:
                self._armed.cancel()
                self._armed = None
        elif self._dead > self._live + _SWEEP:
            self._dead = 0
            for tick, slot in list(self._slots.items()):
                slot[:] = [timer for timer in slot if timer.pending]
                if not slot:
                    del self._slots[tick]

    def _run(self) -> None:
        self._armed = None
        now = self._now()
        for tick in sorted(tick for tick in self._slots if tick * TICK <= now):
            for timer in self._slots.pop(tick, ()):
                callback = timer._take()
                if callback is None:
                    self._dead -= 1
                    continue
                self._live -= 1
                try:
                    callback()
                except Exception:
                    get_logger().exception("a deadline's call failed")
        if self._live == 0:
            self._slots.clear()
            self._dead = 0
        elif self._slots:
            tick = min(self._slots)
            if self._armed is None or tick < self._armed_for:
                self._arm(tick)
