"""Topic: the name of a stream as a client spells it, and its position. It never sees a frame."""

from typing import NamedTuple

StreamId = tuple[str, ...]
"""Names a stream."""
Spelling = tuple[str, ...]
"""How a client spelt a stream's name, where it is answered in the same spelling; else which part of it is wanted."""


class Topic(NamedTuple):
    """What a session subscribes to: a stream in one spelling. Clients that spell it alike share their frames' bytes.

    A stream whose events have a key (a symbol, a currency) has the spellings `()` for all of it and `(key,)`.
    """

    stream: StreamId
    spelling: Spelling


class Position(NamedTuple):
    """Where a lossless frame stands: the `seq`-th of its epoch, after `prev`."""

    epoch: str
    seq: int
    prev: int


class Stream:
    """Counts the lossless frames of one stream within an epoch."""

    __slots__ = ("epoch", "seq")

    def __init__(self, epoch: str) -> None:
        """Start the epoch at 0: before its first lossless frame."""
        self.epoch = epoch
        self.seq = 0

    def advance(self) -> Position:
        """Take the next position, for a lossless frame that is published in this same step."""
        prev = self.seq
        self.seq = prev + 1
        return Position(self.epoch, self.seq, prev)
