"""Control: the page of shared memory by which the load client tells a server when to publish. It knows no server.

The load client writes it, the server reads it, so that every server does the same work at the same time without a
message of its own: no request, no file, no system call. The words are those of control.h.
"""

import mmap
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Final, Protocol

WORDS: Final = 16
LONGEST_WAIT_S: Final = 0.005
"""A server looks at the page at least so often."""
SHORTEST_WAIT_S: Final = 0.001
"""What libuv's timers can: uvloop takes half of it for none at all, and would spin."""


MOST_A_TURN: Final = 200
"""What has piled up comes in turns of at most so many messages, as from the gateway's own sources."""
FORGIVEN_S: Final = 0.002
"""So late, by its timer, a server may be with a message before the time counts as the message's latency."""


class Word(IntEnum):
    """What stands where: unsigned 64-bit numbers."""

    GENERATION = 0
    MODE = 1
    BURST = 2
    RATE = 3
    TOPICS = 4
    READERS = 5
    RECEIVED = 6
    WINDOW = 7
    SENT = 8


class Mode(IntEnum):
    """What a server is to do."""

    IDLE = 0
    SATURATE = 1
    """Publish a burst in each turn of the loop, as long as the clients are at most a window of messages behind."""
    RATE = 2
    """Publish so many messages a second."""


class Page(Protocol):
    """The words, to be read and written by their index."""

    def __getitem__(self, index: int, /) -> int:
        """Return a word."""
        ...

    def __setitem__(self, index: int, value: int, /) -> None:
        """Set a word."""
        ...


def create_page(path: Path) -> None:
    """Make the file of an idle page."""
    path.write_bytes(bytes(8 * WORDS))


def open_page(path: str) -> Page:
    """Map the page of a file that `create_page` made. OSError, ValueError: it is none."""
    with Path(path).open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 8 * WORDS)).cast("Q")


class Pacer:
    """Says how many messages a server is to publish in this turn of its loop, and of which topic."""

    def __init__(
        self,
        page: Page,
        now: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.time_ns,
        *,
        all_due: bool = False,
    ) -> None:
        """Follow the page; `now` gives seconds, and `now_ns` the wall clock's nanoseconds.

        At a rate a turn publishes one burst, as a market's events come, and with it what has piled up for longer than
        FORGIVEN_S. With `all_due` it publishes all that is due, for a loop that can't come round at once.
        """
        self._all_due = all_due
        self._now_ns = now_ns
        self._late_ns: deque[int] = deque()
        self._page = page
        self._now = now
        self._generation = 0
        self._sent = 0
        self._received = 0
        self._due = 0.0
        self._number = 0

    def turn(self) -> tuple[int, float]:
        """Return how many messages to publish now, and then for how many seconds to let the loop run (0: one turn)."""
        page = self._page
        if page[Word.GENERATION] != self._generation:
            self._generation = page[Word.GENERATION]
            self._sent = 0
            self._received = page[Word.RECEIVED]
            self._due = self._now()
        mode = page[Word.MODE]
        if mode == Mode.IDLE:
            return 0, LONGEST_WAIT_S
        burst = page[Word.BURST]
        self._late_ns.clear()
        if mode == Mode.SATURATE:
            readers = page[Word.READERS]
            behind = self._sent * readers - (page[Word.RECEIVED] - self._received)
            if behind >= page[Word.WINDOW] * readers:
                return 0, SHORTEST_WAIT_S
            return self._publishes(burst), 0.0
        now = self._now()
        step = 1000 * burst / page[Word.RATE]
        count = 0
        while self._due <= now:
            late = now - self._due
            is_behind = late > FORGIVEN_S
            if count and (count >= MOST_A_TURN or not (self._all_due or is_behind)):
                break
            self._late_ns.extend([round(late * 1e9) if is_behind else 0] * burst)
            self._due += step
            count += burst
        if count:
            self._publishes(count)
        left = self._due - now
        return count, 0.0 if left <= 0 else min(max(left, SHORTEST_WAIT_S), LONGEST_WAIT_S)

    def _publishes(self, count: int) -> int:
        self._sent += count
        self._page[Word.SENT] = self._sent
        return count

    def next(self) -> tuple[int, int, int]:
        """Return the next message's number, counted from 0, its topic, and when it came up (ns since the epoch).

        A server that falls behind its rate is late with every message: it came up when it was due, not when it is made.
        """
        number = self._number
        self._number = number + 1
        late_ns = self._late_ns.popleft() if self._late_ns else 0
        return number, number % self._page[Word.TOPICS], self._now_ns() - late_ns
