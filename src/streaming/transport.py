"""Transport: the seam between a session and whatever carries its bytes. It never sees a message."""

from collections.abc import Sequence
from typing import Literal, Protocol

EndReason = Literal[
    "shutdown",
    "token_expired",
    "token_revoked",
    "slow_consumer",
    "rate_limit",
    "bad_frames",
    "state_lost",
    "unsupported_data",
    "internal_error",
]
"""Why the server ends a session. The gateway gives each its close code of the document."""


class Transport(Protocol):
    """One client's connection, as a session needs it. No method blocks; after the connection is gone all do nothing.

    It tells its session `stalled` when a write was taken in part, and `writable` when all bytes of it are gone.
    """

    @property
    def descriptor(self) -> int:
        """Where frames for many may be written while it is not stalled; -1 where they can't be, and once it closes."""
        ...

    def is_writable(self) -> bool:
        """Say whether earlier bytes have been taken, so that a write would go out now."""
        ...

    def write(self, frames: Sequence[bytes]) -> None:
        """Send whole text frames, in order, as one write."""
        ...

    def lag(self) -> float:
        """Return the seconds for which bytes have been under way and the client took none; 0.0 where none are."""
        ...

    def close(self, reason: EndReason) -> None:
        """Start the closing handshake; abort the connection where the client does not finish it in time."""
        ...
