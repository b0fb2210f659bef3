"""Outbox: what one session still has to be sent, bounded. It never sees a model or a socket."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Literal

Delivery = Literal["latest", "lossless"]
"""`latest`: only the newest frame of a key matters. `lossless`: no frame may be left out."""


class OutboxFullError(Exception):
    """The outbox can't take the frame within its bound: the client is a slow consumer."""


class Outbox:
    """Frames in the order in which they will be sent.

    While the client keeps up, every frame is kept. While it does not (`conflate`), a `latest` frame takes the place of
    the one with the same key that still waits, and goes to the end: never before a lossless frame that came earlier.
    """

    __slots__ = ("_entries", "_limit", "_newest", "_next", "elsewhere", "size")

    def __init__(self, limit: int) -> None:
        """Take at most `limit` bytes of frames."""
        self._limit = limit
        # Made when they are needed: the outbox of a client that keeps up is empty.
        self._entries: OrderedDict[int, tuple[bytes, float]] | None = None
        self._newest: dict[Hashable, int] | None = None
        self._next = 0
        self.size = 0
        self.elsewhere = 0  # bytes that were taken and aren't sent yet: they count against the bound too

    def __len__(self) -> int:
        """Return how many frames wait."""
        return 0 if self._entries is None else len(self._entries)

    @property
    def oldest(self) -> float | None:
        """When the oldest waiting frame was put, as given to `put`; None where none waits."""
        for _, at in (self._entries or {}).values():
            return at
        return None

    def put(self, frame: bytes, at: float, *, key: Hashable | None = None, conflate: bool = False) -> int:
        """Queue a frame at the time `at`; `key` is given for a `latest` frame only.

        Returns how many older frames it replaced (0 or 1). Raises OutboxFullError, and queues nothing, where the bound
        would be passed.
        """
        if self._entries is None:
            self._entries = OrderedDict()
        replaced = 0
        size = self.size + len(frame)
        old: int | None = None
        if key is not None and conflate:
            old = (self._newest or {}).get(key)
            if old is not None:
                size -= len(self._entries[old][0])
        if size + self.elsewhere > self._limit:
            raise OutboxFullError
        if old is not None:
            del self._entries[old]
            replaced = 1
        number = self._next
        self._next = number + 1
        self._entries[number] = (frame, at)
        self.size = size
        if key is not None:
            if self._newest is None:
                self._newest = {}
            self._newest[key] = number
        return replaced

    def take(self, budget: int) -> list[bytes]:
        """Remove and return the oldest frames: as many as fit into `budget` bytes, but at least one if any waits."""
        entries = self._entries
        if entries is None:
            return []
        if self.size <= budget:
            frames = [frame for frame, _ in entries.values()]
            self.clear()
            return frames
        frames = []
        while entries:
            number, (frame, _) = next(iter(entries.items()))
            budget -= len(frame)
            if budget < 0 and frames:
                break
            del entries[number]
            self.size -= len(frame)
            frames.append(frame)
        taken = self._next if not entries else next(iter(entries))
        if self._newest is not None:
            self._newest = {key: number for key, number in self._newest.items() if number >= taken}
        return frames

    def clear(self) -> None:
        """Forget every frame."""
        self._entries = self._newest = None
        self.size = 0
