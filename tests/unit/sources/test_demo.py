"""The demo account trades as a user might: every kind of order and every end of one, and it never runs dry."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.sources.columns import decimal_of
from gateway.sources.demo import MAX_OPEN, DemoTrader, demo_account, demo_symbols, instrument_of
from gateway.sources.files import read_replay_file
from gateway.sources.replay import RESERVED_CURRENCIES, ReplayOptions, ReplaySource, open_replay
from gateway.sources.sim import SimOptions, SimSource
from gateway.sources.source import Source, SourceError
from generated.models import Balances
from market.calendar import TradingCalendar
from market.events import Order, Trade
from market.symbols import Symbol
from streaming.clock import Clock
from tests.support.clock import VirtualClock
from tests.unit.sources.recording import RecordingSink
from tests.unit.sources.test_replay import CALENDAR, stocks

ALWAYS = TradingCalendar.always_open()


def symbols(*names: str) -> list[Symbol]:
    """Return symbols of these names, at exchange x."""
    return [Symbol("x", name, ALWAYS) for name in names]


def trader_of(listed: list[Symbol], *, pace_ms: float = 1_000, seed: int = 1, funds: int = 100_000) -> DemoTrader:
    """Return a trader of these symbols."""
    account = demo_account("x", 1, listed)
    return DemoTrader(account, listed, seed=seed, pace_ms=pace_ms, funds=Decimal(funds))


def feed(trader: DemoTrader, trades: list[Trade], *, start: int = 0) -> RecordingSink:
    """Let a trader see trades as a source would tell them, and return what came out."""
    sink = RecordingSink()
    sink.begins("x", start)
    trader.begins(sink, start)
    for trade in trades:
        sink.trade(trade)
        trader.trade(trade, sink)
    return sink


def walk(count: int, *, seed: int = 5, key: str = "x:A/USD", gap: int = 500, volume: str = "3.00") -> list[Trade]:
    """Return trades around 100 that go up and down by the plainest rule."""
    price, state = 10_000, seed
    trades = []
    for number in range(count):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        price = max(price + (state >> 16) % 41 - 20 + (10_000 - price) // 100, 100)
        trades.append(Trade(key, number * gap, Decimal(price) / 100, Decimal(volume), str(number)))
    return trades


def sim(seed: int) -> Callable[[Path, Clock], Source]:
    """Return what makes a sim of this seed."""
    return lambda _, clock: SimSource(SimOptions(seed=seed), clock)


def replay(folder: Path, clock: Clock) -> Source:
    """Return a replay at the usual speed."""
    data = read_replay_file(stocks(folder, names="ABCDE"), skip_bad_rows=False, calendar=CALENDAR)
    return ReplaySource(data, ReplayOptions(path=folder, exchange="x", start=date(2012, 5, 16)), clock)


async def run(source: Source, clock: VirtualClock, seconds: float) -> RecordingSink:
    """Run a source for virtual seconds and return what it told."""
    sink = RecordingSink()
    task = asyncio.create_task(source.run(sink))
    while "begins" not in sink.marks and not task.done():  # history takes no time
        await asyncio.sleep(0)
    await clock.advance(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return sink


@pytest.mark.parametrize("make", [sim(0), sim(1), sim(2), sim(3), replay])
async def test_everything_happens_within_minutes(tmp_path: Path, make: Callable[[Path, Clock], Source]) -> None:
    """In five minutes: each status, both types and sides, partial fills, amendments, a few orders open at any time."""
    clock = VirtualClock()
    sink = await run(make(tmp_path, clock), clock, 300)
    assert {order.status for order in sink.orders} == {"open", "closed", "canceled", "expired", "rejected"}
    assert {(order.order_type, order.side) for order in sink.orders} == {
        (order_type, side) for order_type in ("limit", "market") for side in ("buy", "sell")
    }
    states: dict[str, list[Order]] = defaultdict(list)
    most = 0
    open_now: set[str] = set()
    for order in sink.orders:
        states[order.order_id].append(order)
        (open_now.add if order.status == "open" else open_now.discard)(order.order_id)
        most = max(most, len(open_now))
    assert 2 <= most <= MAX_OPEN
    amended = [listed for listed in states.values() if len({order.price for order in listed}) > 1]
    resized = [listed for listed in states.values() if len({order.volume for order in listed}) > 1]
    partly = [listed for listed in states.values() if any(0 < order.filled < order.volume for order in listed)]
    assert amended
    assert resized
    assert partly
    counts = Counter(order.status for order in sink.orders)
    assert counts["closed"] > 30
    assert counts["rejected"] < counts["closed"] / 4
    traded_at = {trade.time for trade in sink.trades}
    assert any(order.time not in traded_at for order in sink.orders if order.status == "expired"), "only by trades"
    acts = [listed for listed in states.values() if listed[0].filled == 0]
    assert 60 < len(acts) < 200, "some 1.5 s from one act to the next"
    # What happened to the money is all in the orders, and they are all there.
    assert [int(order_id.rpartition("-")[2]) for order_id in states] == list(range(1, len(states) + 1))


@pytest.mark.parametrize("speed", [1.0, 390.0, 100_000.0])
async def test_the_pace_is_of_the_wall_clock(tmp_path: Path, speed: float) -> None:
    """However fast the market, there is at most an act in 750 ms, and each trade is at most one act."""
    clock = VirtualClock()
    data = read_replay_file(stocks(tmp_path, days=200), skip_bad_rows=False, calendar=CALENDAR)
    options = ReplayOptions(path=tmp_path, exchange="x", start=date(2012, 5, 16), speed=speed)
    sink = await run(ReplaySource(data, options, clock), clock, 60)
    assert len({order.order_id for order in sink.orders}) <= 60 / 0.75
    assert sink.orders


async def test_each_life_begins_afresh(tmp_path: Path) -> None:
    """A replay that starts over, and a source that is run again, tell the first funds, no order, then the same."""
    clock = VirtualClock(auto=True)
    data = read_replay_file(stocks(tmp_path, days=30), skip_bad_rows=False, calendar=CALENDAR)
    options = ReplayOptions(path=tmp_path, exchange="x", start=date(2012, 5, 16), speed=20_000, loop=True)
    source = ReplaySource(data, options, clock)
    for _ in range(2):
        sink = RecordingSink()
        task = asyncio.create_task(source.run(sink))
        while not task.done() and sink.marks.count("restarted") < 2:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        half = len(sink.orders) // 2
        assert half > 3
        assert sink.orders[:half] == sink.orders[half:]
        half = len(sink.balances) // 2
        assert sink.balances[:half] == sink.balances[half:]
        first = [(balance.currency, int(balance.total), int(balance.used)) for balance in sink.balances[:3]]
        assert first == [("USD", 100_000, 0), ("A", 0, 0), ("B", 0, 0)]


def test_it_never_runs_dry() -> None:
    """Fees eat money up to where orders are so small that there is none: then it still trades, and keeps the rest."""
    trader = trader_of(symbols("A/USD"), funds=400)
    sink = feed(trader, walk(60_000))
    late = [order for order in sink.orders if order.time > 29_000_000]
    assert {order.status for order in late} == {"open", "closed", "canceled", "expired", "rejected"}
    assert sum(order.fee for order in sink.orders) < 20
    money, goods = sink.ledger.totals["USD"], sink.ledger.totals["A"]
    assert money + goods * 100 > 250


def test_it_never_stalls_when_all_is_spent() -> None:
    """With money for a few whole shares only, it buys, then sells, again and again."""
    trader = trader_of(symbols("A"), funds=250)
    sink = feed(trader, walk(20_000, key="x:A", volume="3"))
    for start in range(0, 10_000_000, 1_000_000):
        sides = {order.side for order in sink.orders if order.filled and start <= order.time < start + 1_000_000}
        assert sides == {"buy", "sell"}


def test_it_is_not_alone_in_a_large_market() -> None:
    """Where each trade is worth more than the account, orders are still filled in parts: others come first."""
    sink = feed(trader_of(symbols("A/USD")), walk(500, volume="1000000.00"))
    limits = [order for order in sink.orders if order.order_type == "limit"]
    assert any(0 < order.filled < order.volume for order in limits)
    whole = [order for order in limits if order.status == "closed"]
    once = [order for order in whole if sum(other.order_id == order.order_id for other in limits) == 2]
    assert len(once) > len(whole) / 4


def test_where_whole_shares_are_traded_it_trades_whole_shares() -> None:
    """Also where one share is worth more than an order usually is; only where it is worth far more, parts of one."""
    sink = feed(trader_of(symbols("A"), funds=3_000), walk(500, key="x:A", volume="3"))
    assert len({order.volume for order in sink.orders}) > 1
    assert all(order.volume == int(order.volume) for order in sink.orders)
    sink = feed(trader_of(symbols("A"), funds=100), walk(500, key="x:A", volume="3"))
    paid = [order for order in sink.orders if order.status != "rejected"]
    assert paid
    assert all(order.volume < 1 for order in paid)


def test_limits_are_near_the_market() -> None:
    """Each limit is within some usual moves of the price at its time, and on the market's own tick."""
    sink = feed(trader_of(symbols("A/USD")), walk(1_000))
    prices = {trade.time: trade.price for trade in sink.trades}
    limits = [order for order in sink.orders if order.price is not None and order.filled == 0]
    for order in limits:
        assert order.price is not None
        if order.status == "open":
            assert abs(order.price - prices[order.time]) < 2
        assert order.price % Decimal("0.01") == 0
    better = sum((order.price or 0) < prices[order.time] for order in limits if order.side == "buy")
    assert better > 0.6 * sum(order.side == "buy" for order in limits)


def test_the_same_market_gives_the_same_orders() -> None:
    """Another seed gives others; trades of symbols that it doesn't trade change nothing."""
    trades = walk(500)
    orders = feed(trader_of(symbols("A/USD")), trades).orders
    assert feed(trader_of(symbols("A/USD")), trades).orders == orders
    assert feed(trader_of(symbols("A/USD"), seed=2), trades).orders != orders
    others = [Trade("x:other", trade.time, Decimal(1), Decimal(1), trade.trade_id) for trade in trades]
    mixed = [trade for pair in zip(others, trades, strict=True) for trade in pair]
    assert feed(trader_of(symbols("A/USD")), mixed).orders == orders


def test_orders_expire_by_the_clock_when_nothing_is_traded() -> None:
    """The exchange's clock alone ends an order whose time is over, and only such."""
    trader = trader_of(symbols("A/USD"))
    sink = feed(trader, walk(60))
    count = len(sink.orders)
    sink.clock("x", 30_000)
    trader.clock(30_000, sink)
    sink.clock("x", 10**9)
    trader.clock(10**9, sink)
    ended = sink.orders[count:]
    assert ended
    assert {order.status for order in ended} == {"expired"}
    assert {order.time for order in ended} <= {30_000, 10**9}
    count = len(sink.orders)
    trader.clock(10**9, sink)
    assert len(sink.orders) == count


# ---- what it trades


@pytest.mark.parametrize(
    ("names", "traded", "currencies"),
    [
        (["BTC/USDT", "ETH/USDT"], ["BTC/USDT", "ETH/USDT"], ("USDT", "BTC", "ETH")),
        (["USD", "A"], ["A"], ("USD", "A")),
        (["USD"], [], ("USD",)),
        (["A", "B", "C", "D", "E", "F"], ["A", "B", "C", "D", "E"], ("USD", "A", "B", "C", "D", "E")),
        (["BTC/USDT", "ETH/BTC", "ETH/USDT"], ["BTC/USDT", "ETH/USDT"], ("USDT", "BTC", "ETH")),
        (["ETH/BTC", "BTC/USDT", "A"], ["ETH/BTC", "A"], ("BTC", "USD", "ETH", "A")),
        (["A/EUR", "A/USD", "USD/EUR"], ["A/EUR", "USD/EUR"], ("EUR", "A", "USD")),
    ],
)
def test_it_trades_the_first_few_symbols(names: list[str], traded: list[str], currencies: tuple[str, ...]) -> None:
    """At most five, each currency either traded or paid with; the money comes first among its currencies."""
    listed = symbols(*names)
    assert [symbol.name for symbol in demo_symbols(listed)] == traded
    account = demo_account("x", 4, listed)
    assert (account.user_id, account.exchange_id, account.exchange) == ("1", 4, "x")
    assert account.currencies == currencies
    trader = trader_of(listed)
    sink = feed(trader, [trade for name in traded for trade in walk(1, key=f"x:{name}")])
    totals = {balance.currency: balance.total for balance in sink.balances[: len(currencies)]}
    money = {symbol.quote for symbol in listed if symbol.name in traded} or {"USD"}
    assert totals == {currency: 100_000 if currency in money else 0 for currency in currencies}


@pytest.mark.parametrize("name", ["prev", "seq", "type/USD", "BTC/initial", "timestamp", "A/exchange_id"])
async def test_a_currency_that_balances_cannot_tell_is_refused(tmp_path: Path, name: str) -> None:
    """A file's symbol whose currency has the name of another member of the frame is named, with what to do."""
    path = tmp_path / "trades.csv"
    path.write_text(f"timestamp,symbol,price,volume\n2012-06-01T10:00:00Z,A,10,1\n2012-06-01T10:00:00Z,{name},10,1\n")
    options = ReplayOptions(path=path, exchange="x", calendar="24/7", start=None)
    with pytest.raises(SourceError, match=rf"The symbol '{name}' can't be replayed: .*rename or leave out"):
        await open_replay(options, VirtualClock())
    path.write_text(path.read_text().replace(f",{name},", f",{name.upper()},"))
    assert len((await open_replay(options, VirtualClock())).symbols) == 2


def test_the_refused_names_are_those_of_the_document() -> None:
    """What the contract gives a frame with balances beside the currencies is what no currency may be called."""
    assert frozenset(Balances.model_fields) == RESERVED_CURRENCIES


# ---- any market


@pytest.mark.parametrize(
    ("price", "volume", "tick", "lot"),
    [
        ("65000.12", "0.0034", "0.01", "0.000001"),
        ("580.74", "2110296", "0.0001", "0.0001"),
        ("0.51", "12.5", "0.0000001", "0.1"),
        ("0.00001234", "1e6", "0.00000000001", "1000"),
        ("123456789.5", "1", "1", "0.00000001"),
        ("0.30000000000000004", "1", "0.000000001", "10"),
        ("123456789012345678", "1", "1000000000", "0.00000000000000001"),
    ],
)
def test_the_grid_fits_the_price(price: str, volume: str, tick: str, lot: str) -> None:
    """Usual prices are on the tick; a lot is worth little; a tick of a lot is always 10^-8 of the money."""
    found = instrument_of(symbols("A/USD")[0], Trade("x:A/USD", 0, Decimal(price), Decimal(volume)))
    assert (found.tick, found.lot) == (Decimal(tick), Decimal(lot))
    assert (found.symbol, found.base, found.quote) == ("x:A/USD", "A", "USD")
    assert found.tick * found.lot == Decimal("1e-8")
    assert Decimal("0.001") <= found.lot * Decimal(price) <= 10


class LooseSink(RecordingSink):
    """Takes fills that are a tick worse than the market: where prices are finer than the account's tick."""

    def order(self, order: Order) -> None:
        """Take an order; its fills may differ from the trade's price."""
        self._of_account(order.time)
        self.ledger.order(order)
        self.orders.append(order)


AMOUNTS = st.tuples(st.integers(1, 10**18 - 1), st.integers(0, 30))


@settings(deadline=None, max_examples=200)
@given(
    prices=st.lists(AMOUNTS, min_size=1, max_size=12),
    volumes=st.lists(st.tuples(st.integers(0, 10**18 - 1), st.integers(0, 30)), min_size=1, max_size=5),
    seed=st.integers(0, 100),
    funds=st.sampled_from([0, 1, 100_000]),
)
def test_any_market_is_survived(
    prices: list[tuple[int, int]], volumes: list[tuple[int, int]], seed: int, funds: int
) -> None:
    """Whatever a file's prices and volumes are and however they leap, every balance stays exact and in a float."""
    trader = trader_of(symbols("A", "B/EUR"), seed=seed, funds=funds)
    sink = LooseSink()
    sink.begins("x", 0)
    trader.begins(sink, 0)
    for number in range(120):
        # A while at each price, so that something happens there.
        price = decimal_of(*prices[number // 10 % len(prices)])
        volume = decimal_of(*volumes[number % len(volumes)])
        trade = Trade(("x:A", "x:B/EUR")[number % 2], number * 1_000, price, volume, str(number))
        sink.trade(trade)
        trader.trade(trade, sink)
    sink.ledger.settled()


def test_a_leap_of_the_price_is_survived_and_traded_on() -> None:
    """After prices rose and fell a million times over, there are still orders, and fills."""
    trades = walk(9_000)
    leaps = [
        Trade(trade.symbol, trade.time, trade.price * (1, 10**6, 1)[number // 3_000], trade.volume, trade.trade_id)
        for number, trade in enumerate(trades)
    ]
    sink = LooseSink()
    sink.begins("x", 0)
    trader = trader_of(symbols("A/USD"))
    trader.begins(sink, 0)
    for trade in leaps:
        sink.trade(trade)
        trader.trade(trade, sink)
    assert {order.status for order in sink.orders if order.time > 4_000_000} >= {"open", "closed", "canceled"}
