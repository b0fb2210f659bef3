"""Tally: plain counts of connections: who came, was refused, and how it ended. It never sees a socket."""

from collections import Counter
from typing import Final

TALLY: Final = "tapecast.tally"
"""Where a connection finds it in the application's state, before there is any endpoint."""


class Tally:
    """What happened to connections in this process. No key is of a client's making, so there are few of them."""

    def __init__(self) -> None:
        """Start at 0."""
        self.open: Counter[tuple[str, str]] = Counter()
        """Connections by channel and transport."""
        self.accepted: Counter[str] = Counter()
        """By channel."""
        self.closes: Counter[str] = Counter()
        """By close code; `other` for one that is a client's own."""
        self.refusals: Counter[tuple[int, str]] = Counter()
        """By HTTP status and code."""

    def opened(self, channel: str, transport: str) -> None:
        """Count a connection that was accepted; `closed` follows, once."""
        self.open[channel, transport] += 1
        self.accepted[channel] += 1

    def closed(self, channel: str, transport: str, code: str) -> None:
        """Count a connection out, which ended with a close code of ours, `1005`, `1006` or `other`."""
        self.open[channel, transport] -= 1
        self.closes[code] += 1

    def refused(self, status: int, code: str) -> None:
        """Count a handshake that was refused."""
        self.refusals[status, code] += 1
