"""History: one symbol's closed bars at every resolution, small in memory. It never sees a trade, a client or a message.

Numbers are kept as the floats that clients get: nothing is added up here, so nothing is lost that they could see.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from market.events import Bar
from market.resolution import Resolution

_FIELDS = 6


class PastBar(NamedTuple):
    """A closed bar as clients get it. `time` is its stamp in ms, the others are the floats nearest to the exact."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class BarHistory:
    """The newest closed bars of one symbol: at most `limit` for each resolution, 48 bytes each, the oldest go first.

    Times must rise from bar to bar, so no resolution has two bars of one time. Times are exact up to 2^53 ms.
    """

    __slots__ = ("_limit", "_tables")

    def __init__(self, limit: int = 5000) -> None:
        """Begin with no bars. ValueError: `limit` isn't positive."""
        if limit < 1:
            raise ValueError(f"limit is {limit}: give 1 or more bars.")
        self._limit = limit
        self._tables: dict[Resolution, _Table] = {}

    def count(self, resolution: Resolution) -> int:
        """Return how many bars there are."""
        table = self._tables.get(resolution)
        return 0 if table is None else len(table)

    def add(self, resolution: Resolution, bar: Bar) -> None:
        """Put a bar behind all others. One that isn't newer than the last is ignored: it would need `correct`."""
        table = self._table(resolution)
        if not len(table) or bar.time > table.time_at(len(table) - 1):
            table.insert(len(table), bar)

    def correct(self, resolution: Resolution, bar: Bar) -> None:
        """Replace the bar of this time; where there is none put it into its place, also behind all others.

        A bar older than all is put first only while none has gone: else there could be a hole behind it.
        """
        table = self._table(resolution)
        place = bisect_left(range(len(table)), bar.time, key=table.time_at)
        if place < len(table) and table.time_at(place) == bar.time:
            table.replace(place, bar)
        else:
            table.insert(place, bar)  # as the oldest of too many it goes again at once

    def newest(self, resolution: Resolution) -> int | None:
        """Return the last bar's time, None where there is none."""
        table = self._tables.get(resolution)
        return table.time_at(len(table) - 1) if table is not None and len(table) else None

    def last(self, resolution: Resolution, count: int, *, until: int | None = None) -> list[PastBar]:
        """Return the newest `count` bars, oldest first; fewer where there are no more.

        `until`: of those alone whose time isn't after this one.
        """
        table = self._tables.get(resolution)
        if table is None or count < 1:
            return []
        end = len(table) if until is None else bisect_right(range(len(table)), until, key=table.time_at)
        return table.bars(max(0, end - count), end)

    def seed(self, resolution: Resolution, bars: Iterable[Bar]) -> None:
        """Put older bars, oldest first, before those that are there. Only the newest that fit are kept.

        ValueError: their times don't rise, or one isn't older than what is there; nothing has changed then.
        """
        table = self._table(resolution)
        older = list(bars)
        times = [bar.time for bar in older]
        if len(table):
            times.append(table.time_at(0))
        for before, after in pairwise(times):
            if before >= after:
                raise ValueError(
                    f"A bar of {before} stands before one of {after}: give bars that are older than those there,"
                    " oldest first, one for each time."
                )
        room = self._limit - len(table)
        table.prepend(older[max(0, len(older) - room) :])

    def dump(self) -> dict[Resolution, bytes]:
        """Return each resolution's bars: rows of six 64-bit floats in this machine's order of bytes."""
        return {resolution: table.dump() for resolution, table in self._tables.items() if len(table)}

    def load(self, dumped: Mapping[Resolution, bytes]) -> None:
        """Take the bars of a dump, in place of those that are here."""
        self._tables = {}
        for resolution, rows in dumped.items():
            self._table(resolution).load(rows)

    def _table(self, resolution: Resolution) -> "_Table":
        table = self._tables.get(resolution)
        if table is None:
            table = self._tables[resolution] = _Table(self._limit)
        return table


class _Table:
    """The bars of one resolution, oldest first, in one row of floats.

    What goes is cut off only now and then, so that a bar more doesn't move all others.
    """

    __slots__ = ("_floats", "_gone", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._floats = array("d")
        # How many bars at the front count no more.
        self._gone = 0

    def __len__(self) -> int:
        return len(self._floats) // _FIELDS - self._gone

    def dump(self) -> bytes:
        return self._floats[self._gone * _FIELDS :].tobytes()

    def load(self, rows: bytes) -> None:
        self._floats = array("d", rows)
        self._gone = 0

    def time_at(self, place: int) -> int:
        return int(self._floats[(self._gone + place) * _FIELDS])

    def bars(self, start: int, end: int) -> list[PastBar]:
        """Return the bars from one place to another."""
        fields = iter(self._floats[(self._gone + start) * _FIELDS : (self._gone + end) * _FIELDS])
        return [PastBar(int(time), *rest) for time, *rest in zip(*[fields] * _FIELDS, strict=True)]

    def replace(self, place: int, bar: Bar) -> None:
        at = (self._gone + place) * _FIELDS
        self._floats[at : at + _FIELDS] = _floats([bar])

    def insert(self, place: int, bar: Bar) -> None:
        """Insert a bar before the one at the place; beyond the limit the oldest goes."""
        at = (self._gone + place) * _FIELDS
        self._floats[at:at] = _floats([bar])
        if len(self) > self._limit:
            self._gone += 1
            if self._gone * 16 > self._limit:
                del self._floats[: self._gone * _FIELDS]
                self._gone = 0

    def prepend(self, bars: Iterable[Bar]) -> None:
        self._floats = _floats(bars) + self._floats[self._gone * _FIELDS :]
        self._gone = 0


def _floats(bars: Iterable[Bar]) -> "array[float]":
    """Return the rows of the bars, one after the other."""
    return array(
        "d",
        [float(number) for bar in bars for number in (bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume)],
    )
