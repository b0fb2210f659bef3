"""Replay: real market data again, N times as fast, closed hours left out. It never sees a subscriber or a message.

A market clock starts inside the data. What lies before it is history; from there on the trades are told when the clock
reaches them, and the clock itself goes on where nothing is traded, so that every bar closes.
"""

import asyncio
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

from gateway.sources.calendars import load_calendar
from gateway.sources.demo import PACE_S, DemoTrader, demo_account
from gateway.sources.files import ReplayData, parse_replay_file
from gateway.sources.source import CLOCK_EVERY_S, EVENTS_PER_TURN, SourceError
from gateway.sources.tape import TradeTape
from gateway.telemetry import get_logger
from market.calendar import DAY_MS, MINUTE_MS, CalendarError, Session, TradingCalendar
from market.events import Account, AccountSink, Bar, MarketSink, Trade
from market.exact import EXACT
from market.records import Plain
from market.resolution import Resolution
from market.symbols import Symbol
from streaming.clock import Clock

SHIPPED_FILE = Path(__file__).with_name("data") / "daily_bars.csv"
SHIPPED_EXCHANGE = "nasdaq"
SHIPPED_CALENDAR = "XNYS"
SHIPPED_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "AAPL": "Apple Inc.",
        "FB": "Facebook, Inc.",
        "GOOG": "Google Inc.",
        "IBM": "International Business Machines Corp.",
        "MSFT": "Microsoft Corporation",
    }
)
RESERVED_CURRENCIES = frozenset({"type", "exchange_id", "timestamp", "seq", "prev", "initial"})
"""What a frame with balances has beside its currencies."""
_EPOCH = date(1970, 1, 1)
# Waiting for less than this isn't worth a turn of the event loop; what falls due meanwhile goes in one batch.
_SHORTEST_WAIT_S = 0.01
_LONG_AHEAD_MS = 400 * 366 * DAY_MS


class ReplayStartError(SourceError):
    """The replay is to start outside its data; the text names the data's range."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How to replay a file. The defaults replay the shipped one.

    `start` is a trading day: the replay begins with the first session on or after it; None begins with the data.
    `speed` is market seconds a second. `loop` starts over at the end. `lateness_ms` is what bars wait for late trades:
    the clock runs on for as long after the data, so that the last bars close too. `cache` is a folder for calendars.
    `exchange_id` is the demo account's.
    """

    path: Path = SHIPPED_FILE
    exchange: str = SHIPPED_EXCHANGE
    calendar: str = SHIPPED_CALENDAR
    start: date | None = date(2012, 6, 1)
    speed: float = 390.0
    loop: bool = False
    skip_bad_rows: bool = False
    lateness_ms: int = 0
    cache: Path | None = None
    name: str = "replay"
    exchange_id: int = 1


async def open_replay(options: ReplayOptions, clock: Clock) -> "ReplaySource":
    """Return the source for a file, read and checked.

    ReplayFileError: the file is at fault. ReplayStartError: the start lies outside the data. SourceError: the calendar
    can't be had.
    """
    # Threads: a file of a million rows takes seconds, in which the event loop has to answer.
    parsed = await asyncio.to_thread(parse_replay_file, options.path)
    first, last = _date_of(parsed.first_ms), _date_of(parsed.last_ms)
    try:
        calendar = await load_calendar(options.calendar, first, last, cache=options.cache)
    except CalendarError as error:
        raise SourceError(str(error)) from None
    data = await asyncio.to_thread(parsed.placed, calendar, skip_bad_rows=options.skip_bad_rows)
    return ReplaySource(data, options, clock, digest=await asyncio.to_thread(_digest_of, options.path))


class ReplaySource:
    """One file at one exchange. `start_ms` is where the market clock starts."""

    def __init__(self, data: ReplayData, options: ReplayOptions, clock: Clock, *, digest: str | None = None) -> None:
        """Take what `read_replay_file` gave. `digest` is the file's, which else is read once more when it is wanted.

        ReplayStartError: the start isn't in the data. SourceError: a currency can't have a balance. ValueError: a bad
        speed.
        """
        if not (math.isfinite(options.speed) and options.speed > 0):
            raise ValueError(f"The speed must be above 0, not {options.speed}.")
        self._data = data
        self._options = options
        self._digest = digest
        self._clock = clock
        self._rate = options.speed * 1000  # market ms a wall second
        descriptions: Mapping[str, str] = SHIPPED_NAMES if options.path == SHIPPED_FILE else {}
        note = "" if isinstance(data.tape, TradeTape) else "Prices within each bar of its file are made up."
        self._symbols = tuple(
            Symbol(options.exchange, name, data.calendar, description=descriptions.get(name, ""), note=note)
            for name in data.names
        )
        self._account = demo_account(options.exchange, options.exchange_id, self._symbols)
        _check_currencies(self._symbols)
        self.start_ms = _start(data, options.start)
        self._begin(PACE_S * self._rate)

    @property
    def name(self) -> str:
        """Return the source's name."""
        return self._options.name

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Return the file's symbols, in order of appearance."""
        return self._symbols

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return the demo account."""
        return (self._account,)

    @property
    def data(self) -> ReplayData:
        """Return what was read, with the count of dropped rows."""
        return self._data

    def daily_bars(self, symbol: Symbol, before: int | None = None) -> Sequence[Bar]:
        """Return a symbol's daily bars that close at or before the time (ms); by default the replay's start.

        The bars are made when they are asked for. There are none for a file of trades or of other bars.
        """
        return self._data.tape.daily_bars(symbol.name, self.start_ms if before is None else before)

    def fingerprint(self) -> str:
        """Return what the trades and their order depend on. The pace may change; looping too.

        SourceError: the file can't be read.
        """
        options, data = self._options, self._data
        digest = self._digest = self._digest or _digest_of(options.path)
        return (
            f"replay {digest} at {options.exchange}, calendar {data.calendar.name}, from {self.start_ms},"
            f" {data.dropped_rows} rows left out, account {options.exchange_id}"
        )

    def dump(self) -> Plain:
        """Return where the replay stands."""
        return self._life.dump()

    def load(self, plain: Plain) -> None:
        """Stand where the copy stood."""
        self._life.load(plain)
        self._resumes = True

    def forget(self) -> None:
        """Start anew, at the pace that there was."""
        self._begin(self._life.trader.pace_ms)

    def _begin(self, pace_ms: float) -> None:
        self._life = _Life(self.start_ms, DemoTrader(self._account, self._symbols, seed=0, pace_ms=pace_ms))
        self._resumes = False

    def go_on(self) -> None:
        """Have the account act at this process's pace from its next act on."""
        self._life.trader.use_pace(PACE_S * self._rate)

    def follow_begins(self, time: int, sink: AccountSink) -> None:
        """Take that the replay began."""
        self._life.has_begun = True
        self._life.trader.begins(sink, time)

    def follow_trade(self, trade: Trade, sink: AccountSink) -> None:
        """Take a trade that was told."""
        self._life.trade(trade, sink)

    def follow_clock(self, time: int, sink: AccountSink) -> None:
        """Take a time that was told."""
        self._life.clock(time, sink)

    def follow_ended(self) -> None:
        """Take that the data ended."""
        self._life.has_ended = True

    async def run(self, sink: MarketSink) -> None:
        """Replay from the start to the end of the data; then end, or start over. See `Source`.

        A replay that goes on in a new process begins with the trade after the last that was told, and with the market's
        clock where it stood.
        """
        exchange = self._options.exchange
        if not (self._resumes and self._life.has_begun):
            self.forget()
        self._resumes = False
        while True:
            life = self._life
            if life.has_ended:
                if self._options.loop:
                    get_logger().warning(
                        "the replay had ended before TAPECAST_REPLAY_LOOP was set, and stays so:"
                        " begin with another folder TAPECAST_DATA to replay again",
                        source=self.name,
                    )
                return
            if not life.has_begun:
                await self._history(sink)
                sink.begins(exchange, self.start_ms)
                life.has_begun = True
                life.trader.begins(sink, self.start_ms)
            turn = _Turn(sink, exchange, self._clock, life)
            await self._play(turn)
            # At once: nothing more happens in the days that the last week and month still have.
            turn.clock(max(life.reached, _last_close(self._data)) + self._options.lateness_ms)
            if not self._options.loop:
                life.has_ended = True
                sink.ended(exchange)
                return
            sink.restarted(exchange)
            self.forget()
            await self._clock.sleep(0)

    async def _history(self, sink: MarketSink) -> None:
        for symbol in self._symbols:
            for resolution, bars in self._past_bars(symbol):
                sink.past_bars(symbol.key, resolution, bars)
            await self._clock.sleep(0)
        start = _history_start(self._data.calendar, self.start_ms)
        for count, trade in enumerate(self._data.tape.trades(self._options.exchange, start), start=1):
            if trade.time >= self.start_ms:
                break
            sink.history(trade)
            if count % EVENTS_PER_TURN == 0:
                await self._clock.sleep(0)

    def _past_bars(self, symbol: Symbol) -> Iterator[tuple[Resolution, Sequence[Bar]]]:
        """Iterate over a symbol's bars that have ended by the start, where the file has days, by resolution."""
        daily = self.daily_bars(symbol)
        if not daily:
            return
        yield Resolution.DAY, daily
        for resolution in (Resolution.WEEK, Resolution.MONTH):
            merged: dict[int, Bar] = {}
            for bar in daily:
                session = self._data.calendar.session_of_date(bar.time)
                assert session is not None, "the file's days were placed in sessions"
                interval = self._data.calendar.interval(resolution, session.open)
                assert interval is not None, "a session's open lies inside it"
                if interval.end <= self.start_ms:
                    known = merged.get(interval.start)
                    merged[interval.start] = replace(bar, time=interval.start) if known is None else joined(known, bar)
            yield resolution, list(merged.values())

    async def _play(self, turn: "_Turn") -> None:
        life = turn.life
        feed = _Feed(self._data.tape.trades(self._options.exchange, life.last_time))
        for _ in range(life.told_at_last):
            feed.take()
        began = self._clock.monotonic()
        passed = 0.0  # market ms of the stretches before this one: closed hours don't count
        for start, end in self._open_hours(max(self.start_ms, life.reached)):
            if feed.next is None:
                return
            while True:
                position = start + (self._clock.monotonic() - began) * self._rate - passed
                due = min(int(position), end - 1)
                await turn.tell(feed, due)
                if position >= end:
                    break
                turn.clock(due)
                upcoming = end if feed.next is None else min(feed.next.time, end)
                upcoming = min(upcoming, due - due % MINUTE_MS + MINUTE_MS)
                wait = (upcoming - position) / self._rate
                await self._clock.sleep(min(max(wait, _SHORTEST_WAIT_S), CLOCK_EVERY_S))
            turn.clock(end)
            await turn.pause_if_long()
            passed += end - start
        # Trades after the calendar's last session, which no pace is known for.
        while feed.next is not None:
            await turn.tell(feed, feed.next.time)

    def _open_hours(self, since: int) -> Iterator[tuple[int, int]]:
        """Iterate over the [start, end) in which the market is open, from a time on."""
        for session in self._data.calendar.sessions(since, self._data.tape.last + _LONG_AHEAD_MS):
            for start, end in session.parts:
                if end > since:
                    yield max(start, since), end


def joined(first: Bar, second: Bar) -> Bar:
    """Return the bar of both, the second being the later one."""
    return Bar(
        first.time,
        first.open,
        max(first.high, second.high),
        min(first.low, second.low),
        second.close,
        EXACT.add(first.volume, second.volume),
    )


class _Feed:
    """The trades to come, with a look at the next."""

    def __init__(self, trades: Iterator[Trade]) -> None:
        self._trades = trades
        self.next: Trade | None = next(trades, None)

    def take(self) -> None:
        self.next = next(self._trades, None)


class _Life:
    """Where a replay stands. `reached`: the last time told, 0 before the first.

    `last_time` is the last trade's, and `told_at_last` how many of that time were told: the next one comes after them.
    """

    def __init__(self, start_ms: int, trader: DemoTrader) -> None:
        self.trader = trader
        self.has_begun = self.has_ended = False
        self.reached = 0
        self.last_time = start_ms
        self.told_at_last = 0

    def trade(self, trade: Trade, sink: AccountSink) -> None:
        """Take a trade that was told."""
        self.told_at_last = self.told_at_last + 1 if trade.time == self.last_time else 1
        self.last_time = trade.time
        self.trader.trade(trade, sink)

    def clock(self, time: int, sink: AccountSink) -> None:
        """Take a time that was told."""
        self.reached = time
        self.trader.clock(time, sink)

    def dump(self) -> Plain:
        stands = (self.has_begun, self.has_ended, self.reached, self.last_time, self.told_at_last)
        return (*stands, self.trader.dump())

    def load(self, plain: Plain) -> None:
        self.has_begun, self.has_ended, self.reached, self.last_time, self.told_at_last, trader = plain
        self.trader.load(trader)


class _Turn:
    """What goes to the sink, in portions after which the event loop has its turn."""

    def __init__(self, sink: MarketSink, exchange: str, clock: Clock, life: _Life) -> None:
        self.life = life
        self._sink = sink
        self._exchange = exchange
        self._clock = clock
        self._events = 0

    async def tell(self, feed: _Feed, due: int) -> None:
        """Tell every trade up to and at `due`."""
        while feed.next is not None and feed.next.time <= due:
            trade = feed.next
            self._sink.trade(trade)
            self.life.trade(trade, self._sink)
            feed.take()
            self._events += 1
            if self._events >= EVENTS_PER_TURN:
                # Nothing before this trade is to come: the other symbols' bars need to know it.
                self.clock(trade.time)
                await self.pause_if_long()

    def clock(self, time: int) -> None:
        """Tell the time: not earlier than any trade told."""
        self._events += 1
        self._sink.clock(self._exchange, time)
        self.life.clock(time, self._sink)

    async def pause_if_long(self) -> None:
        if self._events >= EVENTS_PER_TURN:
            self._events = 0
            await self._clock.sleep(0)


def _digest_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path} can't be read any more ({error.strerror}): put it back and start again.") from None


def _check_currencies(symbols: Sequence[Symbol]) -> None:
    """Refuse a currency that would take the place of another member of a frame with balances."""
    for symbol in symbols:
        for currency in (symbol.base, symbol.quote):
            if currency in RESERVED_CURRENCIES:
                raise SourceError(
                    f"The symbol {symbol.name!r} can't be replayed: balances can't be told in the currency"
                    f" {currency!r}. Write it in capitals, or rename or leave out the symbol."
                )


def _start(data: ReplayData, start: date | None) -> int:
    """Return the moment at which the first session on or after the day opens; without a day, the data's first."""
    tape = data.tape
    if start is None:
        return tape.first
    first, last = _trading_day(data.calendar, tape.first), _trading_day(data.calendar, tape.last)
    opens = None
    if first <= start <= last:
        opens = _session_from(data.calendar, start, last)
    if opens is None:
        raise ReplayStartError(
            f"The replay can't start on {start}: the data runs from {first} to {last}."
            " Set TAPECAST_REPLAY_START to a day between."
        )
    return opens


def _session_from(calendar: TradingCalendar, start: date, last: date) -> int | None:
    for ahead in range((last - start).days + 1):
        session = calendar.session_of_date(_ms_of(start + timedelta(days=ahead)))
        if session is not None:
            return session.open
    return None


def _trading_day(calendar: TradingCalendar, time: int) -> date:
    session = calendar.session_at(time)
    return _date_of(time if session is None else session.date)


def _history_start(calendar: TradingCalendar, start_ms: int) -> int:
    """Return where the week or the month begins, whichever is earlier, that the start is in."""
    session = calendar.session_at(start_ms) or calendar.next_session(start_ms)
    if session is None:
        return start_ms
    return min(start_ms, *(interval_opens for _, interval_opens in _spans(calendar, session)))


def _last_close(data: ReplayData) -> int:
    """Return when the last bar closes of those that the data's last session is in: day, week or month."""
    last = data.tape.last
    session = None
    for candidate in data.calendar.sessions(last - 31 * DAY_MS, last + 1):
        session = candidate
    if session is None:
        return last + 1
    return max(last + 1, *(end for end, _ in _spans(data.calendar, session)))


def _spans(calendar: TradingCalendar, session: Session) -> list[tuple[int, int]]:
    """Return (end, opens) of the day, the week and the month of a session."""
    found = (
        calendar.interval(resolution, session.open)
        for resolution in (Resolution.DAY, Resolution.WEEK, Resolution.MONTH)
    )
    return [(interval.end, interval.opens) for interval in found if interval is not None]


def _date_of(time_ms: int) -> date:
    return _EPOCH + timedelta(days=time_ms // DAY_MS)


def _ms_of(day: date) -> int:
    return (day - _EPOCH).days * DAY_MS
