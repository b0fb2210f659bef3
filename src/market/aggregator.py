"""Aggregator: one symbol's trades to its bars, at every resolution. It never sees a client, a message or a wall clock.

Only one-minute bars take trades. A minute that closes is kept for a while, with its trades, so that late trades and
busts change it exactly; a minute that goes is merged into the base of the ten longer bars. A longer bar is its base and
its minutes after that: so a trade costs the same whatever the number of resolutions, and a longer bar is the merge of
its minutes by construction.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from operator import attrgetter

from market.calendar import Interval, TradingCalendar
from market.events import Bar, Trade
from market.exact import EXACT
from market.records import Copy, Plain, bar_of, bar_record, trade_of, trade_record
from market.resolution import Resolution

_SHORTEST_FIRST = tuple(Resolution)
_LONGER = _SHORTEST_FIRST[1:]

# Later than every time that a trade can carry.
_NEVER = 1 << 63

_NOTHING = Decimal(0)
_NO_TRADE = Trade("", 0, _NOTHING, _NOTHING)

_start_of = attrgetter("start")
_end_of = attrgetter("end")
_id_of = attrgetter("trade_id")

# Whether there is a sequence, the sequence, the kind of trade id, the number of its digits, the id.
_Rank = tuple[bool, int, int, int, str]


@dataclass(frozen=True, slots=True)
class FinalBar:
    """A bar that has closed. Only a `Correction` can change it."""

    resolution: Resolution
    bar: Bar


@dataclass(frozen=True, slots=True)
class Correction:
    """A closed bar as it is now, as a whole. `revision` counts its corrections from 1.

    A bar that comes into being after its end has no `FinalBar`: revision 1 is its first word. One that lost all its
    trades has its last prices and the volume 0.
    """

    resolution: Resolution
    bar: Bar
    revision: int


@dataclass(slots=True)
class Dropped:
    """How many trades were not counted, and why.

    `doubled`: a trade with this id is kept already, or was busted. `late`: its one-minute bar is no longer kept.
    `outside`: the exchange doesn't trade at its time. `unbusted` counts busts, not trades: those of a trade that is
    unknown, busted already or no longer kept.
    """

    doubled: int = 0
    late: int = 0
    outside: int = 0
    unbusted: int = 0


class Aggregator:
    """The bars of one symbol, at every resolution.

    The event clock is the latest time given to `add` or `advance`; it never goes back. The watermark is the clock less
    the lateness; a bar whose end the watermark has reached is final. Prices and volumes must be finite.

    A final minute is kept with its trades until the watermark is `kept_ms` behind its end, or until the kept minutes
    hold more than `kept_trades`: then the oldest goes first, as a whole. A minute that isn't final is held in any case.
    What is kept can be corrected; a trade older than that is late.
    """

    def __init__(
        self, calendar: TradingCalendar, *, lateness_ms: int = 0, kept_ms: int = 600_000, kept_trades: int = 10_000
    ) -> None:
        """Begin with no bars. `lateness_ms`: how far a trade may lie behind the event clock and still be in time.

        ValueError: `lateness_ms`, `kept_ms` or `kept_trades` is negative.
        """
        if lateness_ms < 0:
            raise ValueError(f"lateness_ms is {lateness_ms}: give 0 or more milliseconds.")
        if kept_ms < 0:
            raise ValueError(f"kept_ms is {kept_ms}: give 0 or more milliseconds.")
        if kept_trades < 0:
            raise ValueError(f"kept_trades is {kept_trades}: give 0 or more trades.")
        self.dropped = Dropped()
        self._calendar = calendar
        self._lateness = lateness_ms
        self._kept_ms = kept_ms
        self._kept_trades = kept_trades
        self._clock = -_NEVER
        self._watermark = -_NEVER
        # The earliest end of a bar that isn't final: before the watermark reaches it there is nothing to close.
        self._next_end = _NEVER
        # Before the watermark reaches this there is nothing to close, and no minute too old to be kept.
        self._wake = _NEVER
        # One-minute bars that aren't final, oldest first. Without lateness there is one at most with trades.
        self._minutes: list[_Minute] = []
        # The minute of the last trade that was in time, where it isn't final: most trades fall into it.
        self._current: _Minute | None = None
        # Final minutes, oldest first. Each is older than those in `_minutes`.
        self._kept: list[_Minute] = []
        # How many trades they hold, and the end of the last minute that went.
        self._held = 0
        self._gone = -_NEVER
        # The minutes that went last, all of the same longer bars, and these bars: merged into them together.
        self._going: _Total | None = None
        self._going_to: tuple[_Longer, ...] = ()
        # Trade ids of both kinds of minutes, busted ones included.
        self._trade_ids: set[str] = set()
        # For each longer resolution the bars that have a final minute and can still change, oldest first. All but the
        # last are final: a minute closes only when every bar that ended before it closes too.
        self._longer: tuple[list[_Longer], ...] = tuple([] for _ in _LONGER)
        # Those that aren't final, of all resolutions, and the earliest of their ends.
        self._open: list[_Longer] = []
        self._open_end = _NEVER
        # The longer bars of the minute that closed last, shortest first, and the earliest of their ends.
        self._latest: tuple[_Longer, ...] = ()
        self._latest_end = -_NEVER

    def add(self, trade: Trade) -> list[FinalBar | Correction]:
        """Move the event clock to the trade's time, then count the trade. Return the bars that this closed, in order.

        A trade of a minute that is final and kept gives corrections instead: of the minute and of each final bar that
        it is in, shortest resolution first, unless a bar stays equal. A trade that is doubled, late or outside every
        session only moves the clock, and is counted in `dropped`.
        """
        time = trade.time
        told: list[FinalBar | Correction] = []
        if time > self._clock:
            # As in `advance`: a call for most trades would cost more than what it does.
            self._clock = time
            self._watermark = time - self._lateness
            if self._watermark >= self._wake:
                told += self._close()
        minute = self._current
        interval: Interval | None = None
        if minute is None or not minute.start <= time < minute.end:
            minute = _minute_at(self._minutes, time)
            if minute is None:
                interval = self._calendar.interval(Resolution.MINUTE_1, time)
                if interval is None:
                    self.dropped.outside += 1
                    return told
                if interval.end <= self._watermark:
                    told += self._add_late(interval, trade)
                    return told
        trade_id = trade.trade_id
        if trade_id is not None:
            if trade_id in self._trade_ids:
                self.dropped.doubled += 1
                return told
            self._trade_ids.add(trade_id)
        if minute is None:
            assert interval is not None
            minute = self._begin(interval, trade)
        elif minute.trades:
            minute.take(trade)
        else:
            minute.begin_anew(trade)
        self._current = minute
        return told

    def bust(self, trade_id: str) -> list[Correction] | None:
        """Take a trade out again, as if it had never been. Return the corrections that this makes, as `add` does.

        The list is empty where only bars changed that aren't final. A bar that loses its last trade is corrected to its
        last prices with the volume 0, and counts in no longer bar; trades that come later revive it. One that wasn't
        final is gone. None: no such trade is kept; this is counted in `dropped.unbusted`.

        A busted id stays known as long as its minute is kept: told again, its trade is dropped as doubled.
        """
        if trade_id in self._trade_ids:
            for minutes in (self._minutes, self._kept):
                for minute in minutes:
                    if minute.bust(trade_id):
                        return self._correct(minute) if minutes is self._kept else []
        self.dropped.unbusted += 1
        return None

    def advance(self, time_ms: int) -> list[FinalBar]:
        """Move the event clock. Return the bars that this closed: by their end, then the shorter resolution first.

        Each bar comes back exactly once, also when no trade follows it. A time before the clock changes nothing.
        """
        if time_ms <= self._clock:
            return []
        self._clock = time_ms
        self._watermark = time_ms - self._lateness
        return self._close() if self._watermark >= self._wake else []

    @property
    def next_end(self) -> int:
        """Return the earliest end (ms) of a bar that isn't final; before the watermark reaches it nothing closes."""
        return self._next_end

    def open_bar(self, resolution: Resolution) -> Bar | None:
        """Return the oldest bar that isn't final, as it stands; None when there is none to show.

        With lateness a newer bar can have trades already, or an older one can still come into being. So a bar is shown
        only once the watermark has reached its opening: the time of what is shown, finals included, never goes back.
        """
        minute = next((minute for minute in self._minutes if minute.trades), None)
        if resolution is Resolution.MINUTE_1:
            return minute.bar() if minute is not None and minute.start <= self._watermark else None
        bars = self._longer[_LONGER.index(resolution)]
        if bars and bars[-1].end > self._watermark:
            interval, base = bars[-1].interval, bars[-1].base
        else:
            if minute is None:
                return None
            interval, base = self._interval(resolution, minute), None
            if interval.opens > self._watermark:
                return None
        total = self._total(interval, base)
        return None if total is None else total.bar()

    def dump(self) -> Copy:
        """Return a copy of everything that `load` needs to go on as this one would."""
        # Minutes share their longer bars, and mostly the tuples of them too: each is written once and named by number.
        tuples: dict[int, tuple[_Longer, ...]] = {}
        for bars in (*(minute.longer for minute in self._kept), self._going_to, self._latest):
            tuples.setdefault(id(bars), bars)
        shared = {id(longer): longer for bars in (*tuples.values(), *self._longer, self._open) for longer in bars}
        numbers = {each: number for number, each in enumerate(shared)}
        groups = {each: number for number, each in enumerate(tuples)}

        def named(bars: Iterable[_Longer]) -> list[int]:
            return [numbers[id(longer)] for longer in bars]

        longer_bars = [
            (longer.order, _interval_record(longer.interval), _total_record(longer.base), longer.told, longer.revision)
            for longer in shared.values()
        ]
        named_tuples = [named(bars) for bars in tuples.values()]
        minutes, kept = (
            [
                (each.start, each.end, tuple(each.trades), tuple(each.busted), each.told, each.revision)
                for each in minutes
            ]
            for minutes in (self._minutes, self._kept)
        )
        rest = {
            "dropped": astuple(self.dropped),
            "times": (self._clock, self._watermark, self._next_end, self._wake, self._gone),
            "of_kept": [groups[id(minute.longer)] for minute in self._kept],
            "going": _total_record(self._going),
            "going_to": groups[id(self._going_to)],
            "latest": groups[id(self._latest)],
            "ends": (self._open_end, self._latest_end),
            "lists": [named(bars) for bars in self._longer],
            "open": named(self._open),
            "tuples": named_tuples,
        }

        def plain() -> Plain:
            return rest | {
                "longer": [(*some, _bar_record(told), revision) for *some, told, revision in longer_bars],
                "minutes": [_minute_record(minute) for minute in minutes],
                "kept": [_minute_record(minute) for minute in kept],
            }

        return plain

    def load(self, plain: Plain) -> None:
        """Take what a copy held, in place of what is here. Calendar and bounds must be those of the copied one."""
        self.dropped = Dropped(*plain["dropped"])
        self._clock, self._watermark, self._next_end, self._wake, self._gone = plain["times"]
        shared = [_longer_of_record(record) for record in plain["longer"]]
        tuples = [tuple(shared[number] for number in numbers) for numbers in plain["tuples"]]
        self._minutes = [_minute_of_record(record) for record in plain["minutes"]]
        self._kept = [_minute_of_record(record) for record in plain["kept"]]
        for minute, number in zip(self._kept, plain["of_kept"], strict=True):
            minute.longer = tuples[number]
        self._current = None
        self._held = sum(minute.size for minute in self._kept)
        self._going = _total_of_record(plain["going"])
        self._going_to, self._latest = tuples[plain["going_to"]], tuples[plain["latest"]]
        self._open_end, self._latest_end = plain["ends"]
        self._longer = tuple([shared[number] for number in numbers] for numbers in plain["lists"])
        self._open = [shared[number] for number in plain["open"]]
        self._trade_ids = set()
        for minute in (*self._minutes, *self._kept):
            self._trade_ids.update(minute.busted)
            self._trade_ids.update(trade.trade_id for trade in minute.trades if trade.trade_id is not None)

    def _interval(self, resolution: Resolution, minute: "_Minute") -> Interval:
        interval = self._calendar.interval(resolution, minute.start)
        assert interval is not None, "a minute lies inside a session"
        return interval

    def _begin(self, interval: Interval, trade: Trade) -> "_Minute":
        minute = _Minute(interval, trade)
        self._minutes.insert(bisect_right(self._minutes, interval.start, key=_start_of), minute)
        self._next_end = min(self._next_end, interval.end)
        self._wake = min(self._wake, interval.end)
        return minute

    def _add_late(self, interval: Interval, trade: Trade) -> list[Correction]:
        """Count a trade whose minute is final, if that is kept; it may be a minute that never had a trade."""
        if interval.end <= max(self._gone, self._watermark - self._kept_ms):
            self.dropped.late += 1
            return []
        if trade.trade_id is not None:
            if trade.trade_id in self._trade_ids:
                self.dropped.doubled += 1
                return []
            self._trade_ids.add(trade.trade_id)
        minute = _minute_at(self._kept, trade.time)
        if minute is None:
            minute = _Minute(interval, trade)
            self._kept.insert(bisect_right(self._kept, interval.start, key=_start_of), minute)
        else:
            minute.put(trade)
        self._held += 1
        if not minute.longer:
            minute.longer = self._longer_of(minute, self._watermark)
        corrections = self._correct(minute)
        self._let_go()
        return corrections

    def _correct(self, minute: "_Minute") -> list[Correction]:
        """Return what changes after a change of a final minute: its bar and the final ones that it is in."""
        corrections = _retold(Resolution.MINUTE_1, minute, minute if minute.trades else None)
        for longer in minute.longer:
            if longer.end <= self._watermark:
                total = self._total(longer.interval, longer.base)
                corrections += _retold(_SHORTEST_FIRST[longer.order], longer, total)
        return corrections

    def _total(self, interval: Interval, base: "_Total | None") -> "_Total | None":
        """Return a longer bar as it stands: its base and the minutes after that. None when it has no trade."""
        total = None if base is None else base.copy()
        going = self._going
        if going is not None and interval.opens <= going.start < interval.end:
            if total is None:
                total = _Total.begin(interval, going)
            else:
                total.merge(going)
        for minutes in (self._kept, self._minutes):
            for minute in minutes[bisect_left(minutes, interval.opens, key=_start_of) :]:
                if minute.start >= interval.end:
                    break
                if minute.trades:
                    if total is None:
                        total = _Total.begin(interval, minute)
                    else:
                        total.merge(minute)
        return total

    def _settle(self, going: "_Total") -> None:
        """Merge the minutes that went last into the bases of those longer bars that can still change."""
        for longer in self._going_to:
            if longer.end > self._gone:
                if longer.base is None:
                    longer.base = _Total.begin(longer.interval, going)
                else:
                    longer.base.merge(going)

    def _longer_of(self, minute: "_Minute", final_until: int) -> "tuple[_Longer, ...]":
        """Return the longer bars that a final minute is in, shortest first; make those that aren't there yet.

        Of those made here the ones that end after `final_until` are still to be closed.
        """
        found: list[_Longer] = []
        start = minute.start
        for order, bars in enumerate(self._longer, start=1):
            if bars and bars[-1].opens <= start < bars[-1].end:
                found.append(bars[-1])
                continue
            # A bar ends with its last minute: if that is too old to be kept, no minute of the bar can come up.
            while bars and bars[0].end <= self._gone:
                del bars[0]
            place = bisect_right(bars, start, key=_end_of)
            if place == len(bars) or bars[place].opens > start:
                longer = _Longer(order, self._interval(_SHORTEST_FIRST[order], minute))
                bars.insert(place, longer)
                if longer.end > final_until:
                    self._open.append(longer)
                    self._open_end = min(self._open_end, longer.end)
            found.append(bars[place])
        return tuple(found)

    def _close(self) -> list[FinalBar]:
        """Close every bar whose end the watermark has reached, and let go of what is no longer kept."""
        watermark = self._watermark
        closed: list[tuple[int, int, FinalBar]] = []
        count = 0
        for minute in self._minutes:
            if minute.end > watermark:
                break
            count += 1
            self._held += minute.size
            if not minute.trades:
                continue  # busted: kept only because of the ids
            if minute.start >= self._latest_end:
                self._latest = self._longer_of(minute, minute.start)
                self._latest_end = min([longer.end for longer in self._latest])
            minute.longer = self._latest
            minute.told = minute.bar()
            closed.append((minute.end, 0, FinalBar(Resolution.MINUTE_1, minute.told)))
        if count:
            self._kept += self._minutes[:count]
            del self._minutes[:count]
            self._current = None
        if watermark >= self._open_end:
            still_open: list[_Longer] = []
            for longer in self._open:
                if longer.end > watermark:
                    still_open.append(longer)
                    continue
                total = self._total(longer.interval, longer.base)
                if total is not None:
                    longer.told = total.bar()
                    closed.append((longer.end, longer.order, FinalBar(_SHORTEST_FIRST[longer.order], longer.told)))
            self._open = still_open
            self._open_end = min([longer.end for longer in still_open], default=_NEVER)
        self._let_go()
        closed.sort(key=_order_of_closing)
        return [final for _, _, final in closed]

    def _let_go(self) -> None:
        """Let go of what is no longer kept. Work out when there will be something to do again."""
        self._gone = max(self._gone, self._watermark - self._kept_ms)
        count = 0
        for minute in self._kept:
            if minute.end > self._gone and self._held <= self._kept_trades:
                break
            count += 1
            self._gone = max(self._gone, minute.end)
            self._held -= minute.size
            self._trade_ids.difference_update(map(_id_of, minute.trades), minute.busted)
            if minute.trades:
                if self._going is None or minute.longer is not self._going_to:
                    if self._going is not None:
                        self._settle(self._going)
                    self._going = minute.copy()
                    self._going_to = minute.longer
                else:
                    self._going.merge(minute)
        del self._kept[:count]
        self._next_end = min(self._open_end, self._minutes[0].end) if self._minutes else self._open_end
        self._wake = self._next_end
        if self._kept:
            self._wake = min(self._wake, self._kept[0].end + self._kept_ms)


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
        self.volume = EXACT.add(self.volume, later.volume)

    def bar(self) -> Bar:
        return Bar(self.start, self.open, self.high, self.low, self.close, self.volume)


class _Longer:
    """A longer bar that has a final minute. `base` is made of the minutes that are no longer kept.

    `order` is the resolution's place, shortest first. `told` is what was last said of the bar since it is final,
    `revision` the number of its corrections.
    """

    __slots__ = ("base", "end", "interval", "opens", "order", "revision", "told")

    def __init__(self, order: int, interval: Interval) -> None:
        self.order = order
        self.interval = interval
        self.opens = interval.opens
        self.end = interval.end
        self.base: _Total | None = None
        self.told: Bar | None = None
        self.revision = 0


class _Minute(_Total):
    """A one-minute bar that takes trades in any order and gives them back. Without trades it has no bar.

    `trades` are in order of arrival. `busted` are the ids of those taken out. `longer`, `told` and `revision` are for
    the time when it is final: the bars that it is in, what was last said of it, the number of its corrections.
    """

    __slots__ = ("busted", "first", "first_rank", "last", "last_rank", "longer", "revision", "told", "trades")

    def __init__(self, interval: Interval, trade: Trade) -> None:
        price = trade.price
        super().__init__(interval.start, interval.end, price, price, price, price, trade.volume)
        self.first = self.last = trade
        # Ranks are worked out only where two trades have one time.
        self.first_rank: _Rank | None = None
        self.last_rank: _Rank | None = None
        self.trades = [trade]
        self.busted: list[str] = []
        self.longer: tuple[_Longer, ...] = ()
        self.told: Bar | None = None
        self.revision = 0

    @property
    def size(self) -> int:
        """How many trades it has had."""
        return len(self.trades) + len(self.busted)

    def take(self, trade: Trade) -> None:
        """Add a further trade of this minute."""
        self.trades.append(trade)
        price = trade.price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume = EXACT.add(self.volume, trade.volume)
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

    def begin_anew(self, trade: Trade) -> None:
        """Add the first trade after all were busted."""
        self.trades.append(trade)
        self.open = self.high = self.low = self.close = trade.price
        self.volume = trade.volume
        self.first = self.last = trade
        self.first_rank = self.last_rank = None

    def put(self, trade: Trade) -> None:
        """Add a trade of this minute, the first or a further one."""
        if self.trades:
            self.take(trade)
        else:
            self.begin_anew(trade)

    def bust(self, trade_id: str) -> bool:
        """Take a trade out and say whether it was there."""
        left = [trade for trade in self.trades if trade.trade_id != trade_id]
        if len(left) == len(self.trades):
            return False
        self.busted.append(trade_id)
        self.trades = []
        for trade in left:
            self.put(trade)
        return True


def _minute_at(minutes: list[_Minute], time_ms: int) -> _Minute | None:
    index = bisect_right(minutes, time_ms, key=_start_of) - 1
    if index < 0:
        return None
    minute = minutes[index]
    return minute if time_ms < minute.end else None


def _retold(resolution: Resolution, final: "_Minute | _Longer", total: _Total | None) -> list[Correction]:
    """Note what a final bar is now, None for no trades; return the correction, unless it is what was told before."""
    if total is not None:
        bar = total.bar()
    else:
        assert final.told is not None, "a final bar that loses its last trade was told when it had one"
        bar = replace(final.told, volume=_NOTHING)
    if bar == final.told:
        return []
    final.told = bar
    final.revision += 1
    return [Correction(resolution, bar, final.revision)]


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


def _order_of_closing(closed: tuple[int, int, FinalBar]) -> tuple[int, int]:
    return closed[:2]


# ------------------------------------------------------------------------------------------------- to be kept


def _interval_record(interval: Interval) -> Plain:
    return (interval.start, interval.end, interval.opens)


def _total_record(total: _Total | None) -> Plain:
    return None if total is None else (total.end, *bar_record(total.bar()))


def _total_of_record(record: Plain) -> _Total | None:
    if record is None:
        return None
    end, *rest = record
    bar = bar_of(rest)
    return _Total(bar.time, end, bar.open, bar.high, bar.low, bar.close, bar.volume)


def _bar_record(bar: Bar | None) -> Plain:
    return None if bar is None else bar_record(bar)


def _longer_of_record(record: Plain) -> _Longer:
    order, interval, base, told, longer_revision = record
    longer = _Longer(order, Interval(*interval))
    longer.base = _total_of_record(base)
    longer.told = None if told is None else bar_of(told)
    longer.revision = longer_revision
    return longer


_MinuteCopy = tuple[int, int, tuple[Trade, ...], tuple[str, ...], Bar | None, int]


def _minute_record(minute: _MinuteCopy) -> Plain:
    start, end, trades, busted, told, revision = minute
    return (start, end, [trade_record(trade) for trade in trades], busted, _bar_record(told), revision)


def _minute_of_record(record: Plain) -> _Minute:
    """Return the minute, its bar made of its trades anew: in order of arrival, as it was made the first time."""
    start, end, trades, busted, told, revision = record
    counted = [trade_of(trade) for trade in trades]
    # One that lost all its trades has no bar: what stands here instead is replaced by the next trade.
    minute = _Minute(Interval(start, end, start), counted[0] if counted else _NO_TRADE)
    for trade in counted[1:]:
        minute.take(trade)
    if not counted:
        minute.trades = []
    minute.busted = list(busted)
    minute.told = None if told is None else bar_of(told)
    minute.revision = revision
    return minute
