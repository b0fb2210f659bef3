"""Aggregator: one symbol's trades to its bars, at every resolution. It never sees a client, a message or a wall clock.

Only one-minute bars take trades. A minute that closes is merged into the ten longer bars: so a trade costs the same
whatever the number of resolutions, and a longer bar is the merge of its minutes by construction.
"""

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Context, Decimal
from operator import attrgetter

from market.calendar import Interval, TradingCalendar
from market.events import Bar, Trade
from market.resolution import Resolution

# Sums must be exact. Decimal's usual 28 digits are too few for the volumes of some tokens with 18 decimals.
_EXACT = Context(prec=1000)

_SHORTEST_FIRST = tuple(Resolution)
_LONGER = _SHORTEST_FIRST[1:]

# Later than every time that a trade can carry.
_NEVER = 1 << 63

_start_of = attrgetter("start")

# Whether there is a sequence, the sequence, the kind of trade id, the number of its digits, the id.
_Rank = tuple[bool, int, int, int, str]


@dataclass(frozen=True, slots=True)
class FinalBar:
    """A bar that has closed and will not change."""

    resolution: Resolution
    bar: Bar


@dataclass(slots=True)
class Dropped:
    """How many trades were not counted, and why.

    `doubled`: a trade with this id is there already. `late`: its one-minute bar has closed. `outside`: the exchange
    doesn't trade at its time.
    """

    doubled: int = 0
    late: int = 0
    outside: int = 0


class Aggregator:
    """The bars of one symbol, at every resolution.

    The event clock is the latest time given to `add` or `advance`; it never goes back. The watermark is the clock less
    the lateness; a bar whose end the watermark has reached is final. Prices and volumes must be finite.
    """

    def __init__(self, calendar: TradingCalendar, *, lateness_ms: int = 0) -> None:
        """Begin with no bars. `lateness_ms`: how far a trade may lie behind the event clock and still count for sure.

        ValueError: `lateness_ms` is negative.
        """
        if lateness_ms < 0:
            raise ValueError(f"lateness_ms is {lateness_ms}: give 0 or more milliseconds.")
        self.dropped = Dropped()
        self._calendar = calendar
        self._lateness = lateness_ms
        self._clock = -_NEVER
        self._watermark = -_NEVER
        # The earliest end of a bar that isn't final: before the watermark reaches it there is nothing to close.
        self._next_end = _NEVER
        # One-minute bars that aren't final, oldest first. Without lateness there is one at most.
        self._minutes: list[_Minute] = []
        # The minute of the last trade, where it isn't final: most trades fall into it.
        self._current: _Minute | None = None
        # Trade ids of those minutes. A double of anything older is late, so no other need be kept.
        self._trade_ids: set[str] = set()
        # For each longer resolution the closed minutes of its bar that isn't final. There is one at most: a minute
        # closes only when every bar that ended before it has closed.
        self._partials: list[_Total | None] = [None] * len(_LONGER)

    def add(self, trade: Trade) -> list[FinalBar]:
        """Move the event clock to the trade's time, then count the trade. Return the bars that this closed, in order.

        A trade that is doubled, late or outside every session only moves the clock, and is counted in `dropped`.
        """
        time = trade.time
        finals = self.advance(time) if time > self._clock else []
        minute = self._current
        interval: Interval | None = None
        if minute is None or not minute.start <= time < minute.end:
            minute = self._minute_at(time)
            if minute is None:
                interval = self._calendar.interval(Resolution.MINUTE_1, time)
                if interval is None:
                    self.dropped.outside += 1
                    return finals
                if interval.end <= self._watermark:
                    self.dropped.late += 1
                    return finals
        trade_id = trade.trade_id
        if trade_id is not None:
            if trade_id in self._trade_ids:
                self.dropped.doubled += 1
                return finals
            self._trade_ids.add(trade_id)
        if minute is not None:
            minute.take(trade)
        else:
            assert interval is not None
            minute = self._begin(interval, trade)
        if trade_id is not None:
            minute.trade_ids.append(trade_id)
        self._current = minute
        return finals

    def advance(self, time_ms: int) -> list[FinalBar]:
        """Move the event clock. Return the bars that this closed: by their end, then the shorter resolution first.

        Each bar comes back exactly once, also when no trade follows it. A time before the clock changes nothing.
        """
        if time_ms <= self._clock:
            return []
        self._clock = time_ms
        self._watermark = time_ms - self._lateness
        return self._close() if self._watermark >= self._next_end else []

    @property
    def next_end(self) -> int:
        """Return the earliest end (ms) of a bar that isn't final; before the watermark reaches it nothing closes."""
        return self._next_end

    def open_bar(self, resolution: Resolution) -> Bar | None:
        """Return the oldest bar that isn't final, as it stands; None when there is none to show.

        With lateness a newer bar can have trades already, or an older one can still come into being. So a bar is shown
        only once the watermark has reached its opening: the time of what is shown, finals included, never goes back.
        """
        minutes = self._minutes
        if resolution is Resolution.MINUTE_1:
            return minutes[0].bar() if minutes and minutes[0].start <= self._watermark else None
        partial = self._partials[_LONGER.index(resolution)]
        if partial is not None:
            total = partial.copy()
        elif minutes:
            interval = self._interval(resolution, minutes[0])
            if interval.opens > self._watermark:
                return None
            total = _Total.begin(interval, minutes[0])
            minutes = minutes[1:]
        else:
            return None
        for minute in minutes:
            if minute.start >= total.end:
                break
            total.merge(minute)
        return total.bar()

    def _interval(self, resolution: Resolution, minute: "_Minute") -> Interval:
        interval = self._calendar.interval(resolution, minute.start)
        assert interval is not None, "a minute lies inside a session"
        return interval

    def _minute_at(self, time_ms: int) -> "_Minute | None":
        index = bisect_right(self._minutes, time_ms, key=_start_of) - 1
        if index < 0:
            return None
        minute = self._minutes[index]
        return minute if time_ms < minute.end else None

    def _begin(self, interval: Interval, trade: Trade) -> "_Minute":
        minute = _Minute(interval, trade)
        self._minutes.insert(bisect_right(self._minutes, interval.start, key=_start_of), minute)
        self._next_end = min(self._next_end, interval.end)
        return minute

    def _close(self) -> list[FinalBar]:
        """Close every bar whose end the watermark has reached; there is at least one."""
        watermark = self._watermark
        closed: list[tuple[int, int, _Total]] = []
        count = 0
        for minute in self._minutes:
            if minute.end > watermark:
                break
            count += 1
            closed.append((minute.end, 0, minute))
            self._trade_ids.difference_update(minute.trade_ids)
            self._merge_up(minute, closed)
        if count:
            del self._minutes[:count]
            self._current = None
        for index, partial in enumerate(self._partials):
            if partial is not None and partial.end <= watermark:
                closed.append((partial.end, index + 1, partial))
                self._partials[index] = None
        closed.sort(key=_order_of_closing)
        ends = [partial.end for partial in self._partials if partial is not None]
        if self._minutes:
            ends.append(self._minutes[0].end)
        self._next_end = min(ends, default=_NEVER)
        return [FinalBar(_SHORTEST_FIRST[index], total.bar()) for _, index, total in closed]

    def _merge_up(self, minute: "_Minute", closed: "list[tuple[int, int, _Total]]") -> None:
        """Merge a minute that closes into the longer bars; those that ended before it go to `closed`."""
        for index, resolution in enumerate(_LONGER):
            partial = self._partials[index]
            if partial is not None:
                if minute.start < partial.end:
                    partial.merge(minute)
                    continue
                closed.append((partial.end, index + 1, partial))
            self._partials[index] = _Total.begin(self._interval(resolution, minute), minute)


@dataclass(slots=True)
class _Total:
    """A bar in the making. `start` is its stamp, `end` the time at which it closes."""

    start: int
    end: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @classmethod
    def begin(cls, interval: Interval, first: "_Total") -> "_Total":
        return cls(interval.start, interval.end, first.open, first.high, first.low, first.close, first.volume)

    def copy(self) -> "_Total":
        return _Total(self.start, self.end, self.open, self.high, self.low, self.close, self.volume)

    def merge(self, later: "_Total") -> None:
        """Add what was traded after everything that is in here."""
        if later.high > self.high:
            self.high = later.high
        if later.low < self.low:
            self.low = later.low
        self.close = later.close
        self.volume = _EXACT.add(self.volume, later.volume)

    def bar(self) -> Bar:
        return Bar(self.start, self.open, self.high, self.low, self.close, self.volume)


class _Minute(_Total):
    """A one-minute bar that takes trades in any order."""

    __slots__ = ("first", "first_rank", "last", "last_rank", "trade_ids")

    def __init__(self, interval: Interval, trade: Trade) -> None:
        price = trade.price
        super().__init__(interval.start, interval.end, price, price, price, price, trade.volume)
        self.first = self.last = trade
        # Ranks are worked out only where two trades have one time.
        self.first_rank: _Rank | None = None
        self.last_rank: _Rank | None = None
        self.trade_ids: list[str] = []

    def take(self, trade: Trade) -> None:
        """Add a trade of this minute."""
        price = trade.price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume = _EXACT.add(self.volume, trade.volume)
        time = trade.time
        if time > self.last.time:
            self.last, self.last_rank, self.close = trade, None, price
        elif time == self.last.time:
            rank = _rank(trade)
            # Of equal ranks the one that arrives later closes.
            if rank >= (self.last_rank or _rank(self.last)):
                self.last, self.last_rank, self.close = trade, rank, price
        if time < self.first.time:
            self.first, self.first_rank, self.open = trade, None, price
        elif time == self.first.time:
            self.first_rank = self.first_rank or _rank(self.first)
            rank = _rank(trade)
            # Of equal ranks the one that arrived earlier opens.
            if rank < self.first_rank:
                self.first, self.first_rank, self.open = trade, rank, price


def _rank(trade: Trade) -> _Rank:
    """Return the order among trades of one time: the sequence, then the trade id; those without come first.

    Ids of digits compare as numbers and come before other texts. Comparing lengths first avoids Python's limit of 4,300
    digits for an int.
    """
    sequence = trade.sequence
    trade_id = trade.trade_id
    known = sequence is not None
    if trade_id is None:
        return (known, sequence or 0, 0, 0, "")
    if trade_id.isdigit() and trade_id.isascii():
        digits = trade_id.lstrip("0")
        return (known, sequence or 0, 1, len(digits), digits)
    return (known, sequence or 0, 2, 0, trade_id)


def _order_of_closing(closed: tuple[int, int, _Total]) -> tuple[int, int]:
    return closed[:2]
