"""Tape: the trades of a file in order of time, made lazily. It knows neither pace nor sink.

A bar becomes trades whose bar is exactly that row: the open first, the close last, high and low among them, the volumes
summing to the row's. They are the same in every run: the chance in them is seeded by the symbol and the bar's stamp.
"""

import heapq
import random
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Protocol, overload

from gateway.sources.columns import Amount, BarRows, TradeRows, at_decimals, decimal_of, shortest
from market.calendar import DAY_MS, Interval, TradingCalendar
from market.events import Bar, Side, Trade
from market.resolution import Resolution

TRADES_A_DAY = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GRID_SAMPLE = 500  # bars of a symbol that show how many decimals its prices usually have
_SEQUENCE_STEP = 100  # above the most trades of a bar

Parts = Sequence[tuple[int, int]]
"""The [start, end) in which a bar's trades can happen, in order."""


def time_text(time_ms: int) -> str:
    """Return a time as people write it: the date alone at 00:00 UTC, else ISO 8601 with a Z."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    if time_ms % DAY_MS == 0:
        return moment.strftime("%Y-%m-%d")
    return moment.isoformat(timespec="milliseconds" if time_ms % 1000 else "seconds").replace("+00:00", "Z")


class Tape(Protocol):
    """A file's trades. Times are ms; `names` are the symbols, which `exchange` turns into keys."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the symbols' names, in order of appearance."""
        ...

    @property
    def first(self) -> int:
        """Return the time from which trades come."""
        ...

    @property
    def last(self) -> int:
        """Return the time until which trades come, itself included."""
        ...

    def trades(self, exchange: str, start: int) -> Iterator[Trade]:
        """Iterate over the trades at or after `start`, in order of time, making each when it is asked for."""
        ...

    def daily_bars(self, name: str, before: int) -> Sequence[Bar]:
        """Return the file's daily bars of a symbol that close at or before the time; none where it has trades."""
        ...

    def __len__(self) -> int:
        """Return how many rows there are."""
        ...


class TradeTape:
    """A file of trades, as it is."""

    def __init__(self, rows: TradeRows) -> None:
        """Take rows in order of time; they don't change any more."""
        self._rows = rows

    @property
    def names(self) -> tuple[str, ...]:
        """Return the symbols' names, in order of appearance."""
        return tuple(self._rows.names)

    @property
    def first(self) -> int:
        """Return the first trade's time."""
        return self._rows.times[0]

    @property
    def last(self) -> int:
        """Return the last trade's time."""
        return self._rows.times[-1]

    def __len__(self) -> int:
        """Return how many trades there are."""
        return len(self._rows)

    def trades(self, exchange: str, start: int) -> Iterator[Trade]:
        """Iterate over the trades at or after `start`. One without an id gets `#` and its number in the file.

        Trades of one time are in order of their ids where these are numbers, else in the file's order.
        """
        rows = self._rows
        keys = [f"{exchange}:{name}" for name in rows.names]
        for index in range(bisect_left(rows.times, start), len(rows)):
            trade_id = rows.trade_ids.text(index) if rows.trade_ids is not None else ""
            yield Trade(
                symbol=keys[rows.symbols[index]],
                time=rows.times[index],
                price=rows.prices.decimal(index),
                volume=rows.volumes.decimal(index),
                trade_id=trade_id or f"#{index + 1}",
                side=rows.side(index),
                sequence=None if trade_id.isdecimal() else index,
            )

    def daily_bars(self, name: str, before: int) -> Sequence[Bar]:
        """Return nothing: the file has none."""
        return ()


class BarTape:
    """A file of bars, each turned into trades when its time comes."""

    def __init__(self, rows: BarRows, calendar: TradingCalendar) -> None:
        """Take rows that don't change any more; `add` says which of them count."""
        self._rows = rows
        self._calendar = calendar
        self._order = array("I")  # the rows that count, by the time at which they open
        self._opens = array("q")
        self._ends = array("q")
        self._by_symbol: dict[int, array[int]] = {}
        self._grids: dict[int, int] = {}
        self._longest = 0

    def add(self, index: int, interval: Interval) -> None:
        """Take a row with the interval that it is the bar of."""
        self._order.append(index)
        self._opens.append(interval.opens)
        self._ends.append(interval.end)
        self._longest = max(self._longest, interval.end - interval.opens)
        # Positions in `_order`, until `sort` has run.
        self._by_symbol.setdefault(self._rows.symbols[index], array("I")).append(index)

    def sort(self) -> None:
        """Bring the rows in order of their opens. Called once, after the last `add`."""
        # Stamps are sorted; opens differ in order only where days and minutes meet, as at an exchange that opens on the
        # evening before.
        if any(self._opens[i] > self._opens[i + 1] for i in range(len(self._opens) - 1)):
            positions = sorted(range(len(self._order)), key=self._opens.__getitem__)
            self._order = array("I", (self._order[position] for position in positions))
            self._ends = array("q", (self._ends[position] for position in positions))
            self._opens = array("q", (self._opens[position] for position in positions))
        self._last = max(self._ends, default=0) - 1
        self._grids = {symbol: self._grid(indexes) for symbol, indexes in self._by_symbol.items()}

    def _grid(self, indexes: Sequence[int]) -> int:
        """Return how many decimals a symbol's prices usually have: its tick, as far as the data shows it."""
        rows = self._rows
        counts = Counter(
            shortest(column.amount(index))[1]
            for index in indexes[:_GRID_SAMPLE]
            for column in (rows.opens, rows.highs, rows.lows, rows.closes)
        )
        return max(counts, key=lambda decimals: (counts[decimals], decimals))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the symbols' names, in order of appearance."""
        return tuple(self._rows.names)

    @property
    def first(self) -> int:
        """Return the time at which the first bar opens."""
        return self._opens[0]

    @property
    def last(self) -> int:
        """Return the last millisecond of the bar that ends last."""
        return self._last

    def __len__(self) -> int:
        """Return how many bars count."""
        return len(self._order)

    def trades(self, exchange: str, start: int) -> Iterator[Trade]:
        """Iterate over the trades of every bar at or after `start`, merged. In memory: one bar of each symbol."""
        keys = [f"{exchange}:{name}" for name in self._rows.names]
        # (next trade's time, position of its bar, number of the trade, the bar's trades): the first three differ.
        heap: list[tuple[int, int, int, list[Trade]]] = []
        position = bisect_left(self._opens, start - self._longest)
        while heap or position < len(self._order):
            while position < len(self._order) and (not heap or self._opens[position] <= heap[0][0]):
                if self._ends[position] > start:
                    trades = self._bar_trades(position, keys)
                    first = next((number for number, trade in enumerate(trades) if trade.time >= start), None)
                    if first is not None:
                        heapq.heappush(heap, (trades[first].time, position, first, trades))
                position += 1
            if not heap:
                continue
            _, bar, number, trades = heap[0]
            yield trades[number]
            if number + 1 < len(trades):
                heapq.heapreplace(heap, (trades[number + 1].time, bar, number + 1, trades))
            else:
                heapq.heappop(heap)

    def _bar_trades(self, position: int, keys: Sequence[str]) -> list[Trade]:
        index = self._order[position]
        rows = self._rows
        opens, end = self._opens[position], self._ends[position]
        resolution = rows.resolution(index)
        parts: Parts = [(opens, end)]
        if resolution.minutes is None:
            parts = [part for session in self._calendar.sessions(opens, end) for part in session.parts]
        return trades_of_bar(
            keys[rows.symbols[index]],
            rows.times[index],
            parts,
            [rows.opens.amount(index), rows.highs.amount(index), rows.lows.amount(index), rows.closes.amount(index)],
            rows.volumes.amount(index),
            count=trades_for(resolution),
            grid=self._grids[rows.symbols[index]],
            sequence=index * _SEQUENCE_STEP,
        )

    def daily_bars(self, name: str, before: int) -> Sequence[Bar]:
        """Return the file's daily bars of a symbol that close at or before the time; none for other resolutions."""
        try:
            symbol = self._rows.names.index(name)
        except ValueError:
            return ()
        indexes = self._by_symbol.get(symbol, array("I"))
        if not indexes or self._rows.resolution(indexes[0]) is not Resolution.DAY:
            return ()
        return _BarView(self._rows, indexes, self._closed(indexes, before))

    def _closed(self, indexes: Sequence[int], before: int) -> int:
        """Return how many of a symbol's days close at or before the time."""

        def close(index: int) -> int:
            session = self._calendar.session_of_date(self._rows.times[index])
            return before + 1 if session is None else session.close

        low, high = 0, len(indexes)
        while low < high:
            middle = (low + high) // 2
            if close(indexes[middle]) <= before:
                low = middle + 1
            else:
                high = middle
        return low


class _BarView(Sequence[Bar]):
    """Rows as bars, each made when it is asked for."""

    def __init__(self, rows: BarRows, indexes: "array[int]", length: int) -> None:
        self._rows = rows
        self._indexes = indexes
        self._length = length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> Bar: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Bar]: ...
    def __getitem__(self, at: int | slice) -> Bar | Sequence[Bar]:
        if isinstance(at, slice):
            return [self[position] for position in range(*at.indices(self._length))]
        rows, index = self._rows, self._indexes[range(self._length)[at]]
        return Bar(
            time=rows.times[index],
            open=rows.opens.decimal(index),
            high=rows.highs.decimal(index),
            low=rows.lows.decimal(index),
            close=rows.closes.decimal(index),
            volume=rows.volumes.decimal(index),
        )


def trades_for(resolution: Resolution) -> int:
    """Return how many trades a bar becomes: 60 for a day or longer, 4 for a minute, 16 for an hour."""
    return TRADES_A_DAY if resolution.minutes is None else min(TRADES_A_DAY, 4 + resolution.minutes // 5)


def trades_of_bar(
    symbol: str,
    stamp: int,
    parts: Parts,
    prices: Sequence[Amount],
    volume: Amount,
    *,
    count: int,
    grid: int,
    sequence: int = 0,
) -> list[Trade]:
    """Return `count` (4 or more) trades within `parts`, in order of time, whose bar is exactly this one.

    `prices` are open, high, low and close. Prices lie on a grid of `grid` decimals, or a finer one where the bar's own
    need it. Volumes are above 0 unless the bar's is 0; where it is too small they get further decimals.
    """
    rng = random.Random(f"{symbol} {stamp}")
    # Only `random()`: what else Random offers may give other numbers in another Python.
    chance = rng.random
    times = _times(parts, count, chance)
    decimals = max(grid, *(shortest(amount)[1] for amount in prices))
    path = _path([at_decimals(shortest(amount), decimals) for amount in prices], count, chance)
    shares, volume_decimals = _shares(volume, count, chance)
    label = (_EPOCH + timedelta(milliseconds=stamp)).strftime("%Y%m%d" if stamp % DAY_MS == 0 else "%Y%m%dT%H%M")
    trades: list[Trade] = []
    before = path[0]
    for number, (time, price, share) in enumerate(zip(times, path, shares, strict=True)):
        side: Side = "buy" if price > before or (price == before and chance() < 0.5) else "sell"
        before = price
        trades.append(
            Trade(
                symbol=symbol,
                time=time,
                price=decimal_of(price, decimals),
                volume=decimal_of(share, volume_decimals),
                trade_id=f"{label}-{number}",
                side=side,
                sequence=sequence + number,
            )
        )
    return trades


class _Chance(Protocol):
    def __call__(self) -> float: ...


def _times(parts: Parts, count: int, chance: _Chance) -> list[int]:
    """Return the times: the first at the open, one in each of `count` equal stretches of the time that trades."""
    total = sum(end - start for start, end in parts)
    remaining = iter(parts)
    start, end = next(remaining)
    passed = 0  # the trading time in the parts before this one
    times = [start]
    for number in range(1, count):
        offset = total * number // count + int(chance() * (total // count))
        while offset - passed >= end - start:
            passed += end - start
            start, end = next(remaining)
        times.append(start + offset - passed)
    return times


def _path(prices: Sequence[int], count: int, chance: _Chance) -> list[int]:
    """Return whole ticks: open first, close last, high and low at random places, a noisy way between, all within."""
    opened, high, low, closed = prices
    top = 1 + int(chance() * (count - 2))
    bottom = 1 + int(chance() * (count - 3))
    bottom += bottom >= top
    anchors = sorted([(0, opened), (top, high), (bottom, low), (count - 1, closed)])
    spread = high - low
    path = [opened]
    for (left, start), (right, end) in pairwise(anchors):
        for place in range(left + 1, right):
            # Whole numbers but for the noise: exact also where a float couldn't hold the price.
            straight = start + (end - start) * (place - left) // (right - left)
            noise = int((chance() - 0.5) * 0.3 * spread)
            path.append(min(max(straight + noise, low), high))
        path.append(end)
    return path


def _shares(volume: Amount, count: int, chance: _Chance) -> tuple[list[int], int]:
    """Return the volume in `count` parts and their decimals; each is above 0 unless the volume is 0."""
    total, decimals = shortest(volume)
    while 0 < total < count:
        total, decimals = total * 10, decimals + 1
    spare = max(total - count, 0)
    least = 1 if total else 0
    weights = [50 + int(chance() * 1000) for _ in range(count)]
    whole = sum(weights)
    shares: list[int] = []
    passed = given = 0
    for weight in weights:
        passed += weight
        upto = spare * passed // whole
        shares.append(least + upto - given)
        given = upto
    return shares, decimals
