"""Recording: a sink that keeps what it is told and checks the order as it comes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_UP, Context, Decimal
from itertools import pairwise

from market.account import FEE_RATE, FEE_UNIT
from market.aggregator import Aggregator, FinalBar
from market.calendar import TradingCalendar
from market.events import Account, Balance, Bar, Order, Trade
from market.resolution import Resolution
from market.symbols import Symbol

_FINAL = ("closed", "canceled", "expired", "rejected")


class Ledger:
    """What one account's events say that it must have, by the plainest arithmetic; fails where a balance says else."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.account: Account | None = None
        self.first: dict[str, Decimal] = {}
        self.totals: dict[str, Decimal] = {}
        self.reserved: dict[str, tuple[str, Decimal]] = {}  # by open order
        self.orders: dict[str, Order] = {}
        self.expected: list[str] = []  # the currencies whose balances must come next

    def order(self, order: Order) -> tuple[Decimal, Decimal]:
        """Take an order, and expect the balances that it moved. Return volume and cost of its latest fill, or 0."""
        assert order.account == self.account
        assert list(self.first) == list(order.account.currencies), "every balance comes right after the beginning"
        self.settled()
        old = self.orders.get(order.order_id)
        assert old is None or old.status == "open", "an order that is over changes no more"
        self._check(order, old)
        base, _, quote = order.symbol.partition(":")[2].partition("/")
        quote = quote or "USD"
        filled = order.filled - (old.filled if old else 0)
        cost = order.cost - (old.cost if old else 0)
        fee = order.fee - (old.fee if old else 0)
        sign = 1 if order.side == "buy" else -1
        self.totals[base] += sign * filled
        self.totals[quote] -= sign * cost + fee
        before = self.reserved.pop(order.order_id, (base, Decimal(0)))
        if order.status == "open":
            assert order.price is not None
            left = order.volume - order.filled
            worth = order.price * left
            rounded_up = (worth * FEE_RATE).quantize(FEE_UNIT, ROUND_UP)
            self.reserved[order.order_id] = (base, left) if order.side == "sell" else (quote, worth + rounded_up)
        self.orders[order.order_id] = order
        after = self.reserved.get(order.order_id, (before[0], Decimal(0)))
        self.expected = [base, quote] if filled else [after[0]] if before[1] != after[1] else []
        return Decimal(filled), Decimal(cost)

    def _check(self, order: Order, old: Order | None) -> None:
        assert order.volume > 0
        assert 0 <= order.filled <= order.volume
        assert (order.filled == order.volume) == (order.status == "closed")
        assert order.status == "open" or order.status in _FINAL
        assert (order.price is None) == (order.order_type == "market")
        assert order.order_type == "limit" or order.status in ("closed", "rejected")
        assert (order.filled > 0) == (order.cost > 0)
        assert 0 <= order.fee <= order.cost * FEE_RATE
        assert (order.order_id.rpartition("-")[0], order.order_id.rpartition("-")[2].isdecimal()) == (
            order.account.exchange,
            True,
        )
        if order.status == "rejected":
            assert old is None
            assert order.filled == 0
        if old is not None:
            assert order.time >= old.time
            assert order.filled >= old.filled
            same = (order.symbol, order.side, order.order_type)
            assert same == (old.symbol, old.side, old.order_type)
        for value in (order.volume, order.filled, order.cost, order.fee, order.price or 0):
            assert _float_holds(Decimal(value))

    def balance(self, balance: Balance) -> None:
        """Take a balance, which must be the expected one, of the amount expected."""
        currency = balance.currency
        if self.account is None:
            self.account = balance.account
        assert balance.account == self.account
        if currency not in self.first:
            assert not self.orders
            self.first[currency] = self.totals[currency] = balance.total
        else:
            assert self.expected.pop(0) == currency, "another balance was to come first"
        assert balance.total == self.totals[currency]
        assert balance.used == sum(amount for reserved, amount in self.reserved.values() if reserved == currency)
        assert balance.total == balance.free + balance.used
        assert balance.used >= 0
        assert balance.free >= 0
        assert all(map(_float_holds, (balance.total, balance.free, balance.used)))

    def settled(self) -> None:
        """Check that no balance is missing."""
        assert self.expected == [], "a balance that moved wasn't told"


def _float_holds(value: Decimal) -> bool:
    return len(value.normalize().as_tuple().digits) <= 15 and Decimal(repr(float(value))) == value


@dataclass
class RecordingSink:
    """Keeps every event; fails at once when the time goes back, the clock is behind a trade or a balance is wrong."""

    trades: list[Trade] = field(default_factory=list)
    past: list[Trade] = field(default_factory=list)
    clocks: list[tuple[str, int]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    latest: int = -(2**62)
    ids: set[tuple[str, str]] = field(default_factory=set)
    events: int = 0
    orders: list[Order] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    began: bool = False
    past_bars_of: dict[tuple[str, Resolution], list[Bar]] = field(default_factory=dict)

    def bust(self, symbol: str, trade_id: str) -> None:
        """Take that a trade is void; no source here says so."""
        raise AssertionError(f"{symbol} {trade_id} was busted")

    def past_bars(self, symbol: str, resolution: Resolution, past: Sequence[Bar]) -> None:
        """Take closed bars of the past, which mustn't come after a trade."""
        assert not self.clocks or self.marks[-1:] == ["restarted"]
        assert all(before.time < after.time for before, after in pairwise(past))
        self.past_bars_of[symbol, resolution] = list(past)

    def order(self, order: Order) -> None:
        """Take an order, which mustn't be before the clock, nor before the beginning."""
        self._of_account(order.time)
        filled, cost = self.ledger.order(order)
        if filled:
            trade = self.trades[-1]
            assert (order.symbol, order.time) == (trade.symbol, trade.time), "filled without a trade"
            assert cost == filled * trade.price, "filled at another price than the market's"
            assert order.order_type == "market" or filled <= trade.volume
        self.orders.append(order)

    def balance(self, balance: Balance) -> None:
        """Take a balance, as an order."""
        self._of_account(balance.time)
        self.ledger.balance(balance)
        self.balances.append(balance)

    def _of_account(self, time: int) -> None:
        assert self.began, "the account is told before the beginning"
        assert time == self.latest, "the account changes by itself"
        self.events += 1

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
        self.ledger.settled()
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
        self.began = True
        self.latest = time

    def clock(self, exchange: str, time: int) -> None:
        """Take the time."""
        self.ledger.settled()
        assert time >= self.latest, "the clock is behind a trade"
        self.latest = time
        self.clocks.append((exchange, time))
        self.events += 1

    def restarted(self, exchange: str) -> None:
        """Take that everything starts over."""
        self.marks.append("restarted")
        self.latest = -(2**62)
        self.ids.clear()
        self.ledger = Ledger()
        self.began = False

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
        changes = self.aggregators[trade.symbol].add(trade)
        finals = [change for change in changes if isinstance(change, FinalBar)]
        assert finals == changes, "a source here told a trade late"
        self.finals[trade.symbol] += finals

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
