"""The sim is a lively market that never closes, the same for the same seed, and cheap."""

import asyncio
import time
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest

from gateway.sources.sim import SimOptions, SimSource
from market.events import Trade
from tests.support.clock import VirtualClock
from tests.unit.sources.recording import RecordingSink

START = 1_700_000_000_000


async def market(seconds: float, *, start: int = START, **options: float) -> tuple[RecordingSink, SimSource]:
    """Run a sim for virtual seconds and return what it told."""
    clock = VirtualClock(start)
    source = SimSource(SimOptions(**options), clock)  # type: ignore[arg-type]  # whole numbers where the field is whole
    sink = RecordingSink()
    task = asyncio.create_task(source.run(sink))
    await clock.advance(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.pending == 0
    return sink, source


async def test_the_symbols_are_synthetic_and_always_open() -> None:
    """BTC/USDT and ETH/USDT come first, then generated names; each is marked."""
    _, source = await market(0, symbols=4)
    assert [symbol.key for symbol in source.symbols] == [
        "sim:BTC/USDT",
        "sim:ETH/USDT",
        "sim:S003/USDT",
        "sim:S004/USDT",
    ]
    assert all(symbol.synthetic and symbol.calendar.name == "24/7" for symbol in source.symbols)
    assert source.name == "sim"
    assert [symbol.name for symbol in (await market(0, symbols=1))[1].symbols] == ["BTC/USDT"]


async def test_the_same_seed_gives_the_same_market() -> None:
    """Trades depend on the seed and the clock alone."""
    assert (await market(60, seed=3))[0].trades == (await market(60, seed=3))[0].trades
    assert (await market(60, seed=3))[0].trades != (await market(60, seed=4))[0].trades


async def test_the_rate_is_kept() -> None:
    """Over an hour each symbol trades as often as the rate says, within what chance allows."""
    sink, source = await market(3600, symbols=3, rate=1)
    for symbol in source.symbols:
        assert 3300 < sum(trade.symbol == symbol.key for trade in sink.trades) < 3900


async def test_prices_walk_on_a_grid_and_stay_sensible() -> None:
    """Prices lie on their ticks, move by little each time, and stay near where they began for an hour."""
    sink, _ = await market(3600, symbols=5, rate=1)
    trades: dict[str, list[Trade]] = defaultdict(list)
    for trade in sink.trades:
        trades[trade.symbol].append(trade)
    assert Decimal(50_000) < trades["sim:BTC/USDT"][-1].price < Decimal(80_000)
    for listed in trades.values():
        prices = [trade.price for trade in listed]
        assert len(set(prices)) > 50
        assert max(prices) / min(prices) < Decimal("1.2")
        assert max(abs(after - before) / before for before, after in pairwise(prices)) < Decimal("0.01")
        assert len({price.as_tuple().exponent for price in prices}) == 1
        assert {trade.side for trade in listed} == {"buy", "sell"}
        assert all(trade.volume > 0 for trade in listed)
        tick = Decimal(1).scaleb(int(listed[0].price.as_tuple().exponent))
        for trade in listed:
            assert trade.bid is not None
            assert trade.ask is not None
            assert trade.ask - trade.bid == 2 * tick, "the middle, a tick more and a tick less"
            assert trade.price == (trade.ask if trade.side == "buy" else trade.bid)


async def test_ids_are_unique_across_restarts_of_the_process() -> None:
    """A market that starts a second later has only new ids, and they grow with time."""
    first, _ = await market(60, rate=100)
    second, _ = await market(60, start=START + 1_000, rate=100)
    later, _ = await market(60, start=START + 60_000, rate=100)
    ids = [int(trade.trade_id or 0) for trade in first.trades]
    assert ids == sorted(set(ids))
    assert ids[-1] < int(later.trades[0].trade_id or 0)
    assert first.trades[0].trade_id != second.trades[0].trade_id
    assert max(ids) < 2**53


async def test_the_clock_is_told_often_and_soon_after_each_minute() -> None:
    """Also where next to nothing is traded the clock comes every 250 ms, and within 20 ms of a minute's end."""
    sink, _ = await market(200, symbols=1, rate=0.001)
    times = [time for _, time in sink.clocks]
    assert max(after - before for before, after in pairwise(times)) <= 250
    minutes = [after % 60_000 for before, after in pairwise(times) if before // 60_000 != after // 60_000]
    assert len(minutes) == 3
    assert max(minutes) <= 20


async def test_a_wall_clock_that_is_set_back_does_not_turn_the_market_back() -> None:
    """While the wall clock catches up, the market's time stands; then it goes on."""

    class Adjusted(VirtualClock):
        offset = 0

        def now_ms(self) -> int:
            return super().now_ms() + self.offset

    clock = Adjusted(START)
    sink = RecordingSink()
    task = asyncio.create_task(SimSource(SimOptions(), clock).run(sink))
    await clock.advance(10)
    clock.offset = -5_000
    count = len(sink.trades)
    await clock.advance(4)
    assert len(sink.trades) == count
    await clock.advance(10)
    assert len(sink.trades) > count
    clock.offset = 3_600_000
    await clock.advance(1)
    assert len(sink.trades) < count + 100, "an hour's sleep isn't made up for"
    assert sink.trades[-1].time > START + 3_600_000
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_500_symbols_cost_little() -> None:
    """A minute of 500 symbols at ten trades a second each takes far less than a minute, with one timer in all."""
    clock = VirtualClock(START)
    source = SimSource(SimOptions(symbols=500, rate=10), clock)
    sink = RecordingSink()
    task = asyncio.create_task(source.run(sink))
    began = time.process_time()
    for _ in range(10):
        await clock.advance(1)
        assert clock.pending <= 1
        assert len(asyncio.all_tasks()) == 2
    spent = time.process_time() - began
    assert 45_000 < len(sink.trades) < 55_000
    assert spent < 5, f"{spent / 10:.2f} s of processor time a market second"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_burst_of_trades_leaves_the_event_loop_its_turns() -> None:
    """At 100,000 trades a second no more than some 200 events are told between two turns of the event loop."""
    clock = VirtualClock(START)
    source = SimSource(SimOptions(symbols=100, rate=1_000), clock)
    sink = RecordingSink()
    task = asyncio.create_task(source.run(sink))
    await clock.advance(0)
    seen = [0]
    moving = asyncio.create_task(clock.advance(0.05))
    while not moving.done():
        seen.append(sink.events)
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(sink.trades) > 4_000
    assert max(after - before for before, after in pairwise(seen)) <= 220


@pytest.mark.parametrize(
    "options", [{"symbols": 0}, {"symbols": 10_001}, {"rate": 0}, {"rate": -1}, {"rate": float("nan")}, {"rate": 1e5}]
)
def test_options_are_checked(options: dict[str, float]) -> None:
    """A market without symbols or without a rate can't be."""
    with pytest.raises(ValueError, match="The sim"):
        SimSource(SimOptions(**options), VirtualClock())  # type: ignore[arg-type]  # wrong on purpose
