"""Limits: how much one session may ask for. It never sees what is asked."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """The bounds of one session. Sizes in bytes, ages in seconds, rates in frames a second."""

    subscriptions: int = 200
    frames_per_second: float = 50
    frames_burst: int = 100
    rate_strikes: int = 3
    rate_window: float = 10
    bad_frames_in_a_row: int = 20
    outbox_bytes: int = 1024 * 1024
    outbox_age: float = 10


class TokenBucket:
    """`burst` frames at once, then `rate` a second."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        """Start full at the time `now` (seconds, monotonic)."""
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> float:
        """Take one token. Returns 0.0, or the seconds until there will be one; then nothing was taken."""
        self._tokens = min(float(self._burst), self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class Strikes:
    """Counts faults within a sliding window."""

    __slots__ = ("_limit", "_times", "_window")

    def __init__(self, limit: int, window: float) -> None:
        """Call it too many at `limit` faults within `window` seconds."""
        self._limit = limit
        self._window = window
        self._times: deque[float] = deque(maxlen=limit)

    def add(self, now: float) -> bool:
        """Count a fault at the time `now`; say whether it is one too many."""
        self._times.append(now)
        return len(self._times) == self._limit and now - self._times[0] <= self._window
