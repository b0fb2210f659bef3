"""Recording: a sink that keeps what it is told and checks the order as it comes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal

from market.aggregator import Aggregator, FinalBar
from market.calendar import TradingCalendar
from market.events import Bar, Trade
from market.symbols import Symbol


@dataclass
class RecordingSink:
    """Keeps every event; fails at once when the time goes back or the clock is behind a trade."""

    trades: list[Trade] = field(default_factory=list)
    past: list[Trade] = field(default_factory=list)
    clocks: list[tuple[str, int]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    latest: int = -(2**62)
    ids: set[tuple[str, str]] = field(default_factory=set)
    events: int = 0

    def trade(self, trade: Trade) -> None:
        """Take a trade, which mustn't be before the clock."""
        self._at(trade)
        self.trades.append(trade)

    def history(self, trade: Trade) -> None:
        """Take a trade of the past, which mustn't come after a live one."""
        assert not self.clocks or self.marks[-1:] == ["restarted"]
        self._at(trade)
        self.past.append(trade)

    def _at(self, trade: Trade) -> None:
        assert trade.time >= self.latest, "the time goes back"
        assert trade.price > 0
        assert trade.volume >= 0
        assert trade.trade_id is not None
        key = (trade.symbol, trade.trade_id)
        assert key not in self.ids, "the id stands there twice"
        self.ids.add(key)
        self.latest = trade.time
        self.events += 1

    def begins(self, exchange: str, time: int) -> None:
        """Take the start: after all history, before all live trades."""
        assert all(trade.time < time for trade in self.past[-1:])
        self.marks.append("begins")
        self.latest = time

    def clock(self, exchange: str, time: int) -> None:
        """Take the time."""
        assert time >= self.latest, "the clock is behind a trade"
        self.latest = time
        self.clocks.append((exchange, time))
        self.events += 1

    def restarted(self, exchange: str) -> None:
        """Take that everything starts over."""
        self.marks.append("restarted")
        self.latest = -(2**62)
        self.ids.clear()

    def ended(self, exchange: str) -> None:
        """Take that there is no more."""
        self.marks.append("ended")


class BarSink(RecordingSink):
    """Also makes bars, as the server does."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        """Make an aggregator for each symbol."""
        super().__init__()
        self.symbols = {symbol.key: symbol for symbol in symbols}
        self.finals: dict[str, list[FinalBar]] = {key: [] for key in self.symbols}
        self.aggregators: dict[str, Aggregator] = {}
        self._fresh()

    def _fresh(self) -> None:
        self.aggregators = {key: Aggregator(symbol.calendar) for key, symbol in self.symbols.items()}

    def trade(self, trade: Trade) -> None:
        """Take a trade."""
        super().trade(trade)
        self.finals[trade.symbol] += self.aggregators[trade.symbol].add(trade)

    def history(self, trade: Trade) -> None:
        """Take a trade of the past: its finals are told to nobody."""
        super().history(trade)
        self.aggregators[trade.symbol].add(trade)

    def begins(self, exchange: str, time: int) -> None:
        """Close what has ended before the start: nobody is told."""
        super().begins(exchange, time)
        for aggregator in self.aggregators.values():
            aggregator.advance(time)

    def clock(self, exchange: str, time: int) -> None:
        """Take the time."""
        super().clock(exchange, time)
        for key, aggregator in self.aggregators.items():
            self.finals[key] += aggregator.advance(time)

    def restarted(self, exchange: str) -> None:
        """Start over."""
        super().restarted(exchange)
        self._fresh()


def bar_of(trades: Iterable[Trade], time: int = 0) -> Bar:
    """Return the bar of trades in order, by the plainest arithmetic."""
    listed = list(trades)
    prices = [trade.price for trade in listed]
    exact = Context(prec=100)
    volume = Decimal(0)
    for trade in listed:
        volume = exact.add(volume, trade.volume)
    return Bar(time, prices[0], max(prices), min(prices), prices[-1], volume)


def weekdays(first: int, last: int) -> TradingCalendar:
    """Return a calendar that trades 14:30 to 21:00 UTC, with a break 17:00 to 18:00, on weekdays from `first` on.

    `first` and `last` are days since the epoch (1970-01-01 was a Thursday).
    """
    hour = 3_600_000
    table = [
        [day, day + 29 * hour // 2, day + 17 * hour, day + 18 * hour, day + 21 * hour]
        for number in range(first, last + 1)
        if (number + 3) % 7 < 5
        for day in [number * 24 * hour]
    ]
    return TradingCalendar.from_table("weekdays", table)
