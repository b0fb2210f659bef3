"""What every source keeps to, whatever it is: one suite over all of them."""

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from gateway.sources.files import read_replay_file
from gateway.sources.replay import ReplayOptions, ReplaySource
from gateway.sources.sim import SimOptions, SimSource
from gateway.sources.source import Source
from streaming.clock import Clock
from tests.support.clock import VirtualClock
from tests.unit.sources.recording import RecordingSink
from tests.unit.sources.test_replay import CALENDAR, stocks

Make = Callable[[Path, Clock], Source]


def _bars(folder: Path, clock: Clock, **changes: float | bool) -> Source:
    data = read_replay_file(stocks(folder), skip_bad_rows=False, calendar=CALENDAR)
    given = ReplayOptions(path=folder, exchange="x", start=date(2012, 5, 16), **changes)  # type: ignore[arg-type]
    return ReplaySource(data, given, clock)


def _trades(folder: Path, clock: Clock) -> Source:
    path = folder / "trades.csv"
    rows = [f"{1_338_561_000_000 + n * 137},{'AB'[n % 2]},{100 + n % 7},1\n" for n in range(3_000)]
    path.write_text("timestamp,symbol,price,volume\n" + "".join(rows))
    data = read_replay_file(path, skip_bad_rows=False)
    return ReplaySource(data, ReplayOptions(path=path, exchange="x", start=None, speed=10), clock)


SOURCES: dict[str, Make] = {
    "bars": lambda folder, clock: _bars(folder, clock, speed=390),
    "fast": lambda folder, clock: _bars(folder, clock, speed=1e7),
    "loop": lambda folder, clock: _bars(folder, clock, speed=1e6, loop=True),
    "trades": _trades,
    "sim": lambda _, clock: SimSource(SimOptions(symbols=5, rate=5), clock),
    "load": lambda _, clock: SimSource(SimOptions(symbols=100, rate=20), clock),
}


@pytest.fixture(params=SOURCES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Clock], Source]:
    """Return what makes one of the sources."""
    name: str = request.param
    return lambda clock: SOURCES[name](tmp_path, clock)


async def test_events_come_in_order(make: Callable[[Clock], Source]) -> None:
    """Time never goes back, the clock is never behind a trade, ids are unique: the sink checks each event."""
    clock = VirtualClock()
    source = make(clock)
    sink = RecordingSink()
    task = asyncio.create_task(source.run(sink))
    for _ in range(80):
        await clock.advance(0.25)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(sink.trades) > 40
    assert len(sink.clocks) >= 4
    keys = {symbol.key for symbol in source.symbols}
    assert {trade.symbol for trade in sink.trades + sink.past} <= keys
    assert {exchange for exchange, _ in sink.clocks} == {symbol.exchange for symbol in source.symbols}
    (account,) = source.accounts
    assert account.exchange == source.symbols[0].exchange
    assert {balance.account for balance in sink.balances} == {account}
    assert {order.symbol for order in sink.orders} <= keys
    assert sink.orders


async def test_the_same_time_gives_the_same_events(make: Callable[[Clock], Source]) -> None:
    """Two runs on equal clocks tell the same trades, orders and balances."""
    told = []
    for _ in range(2):
        clock = VirtualClock()
        sink = RecordingSink()
        task = asyncio.create_task(make(clock).run(sink))
        await clock.advance(5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        told.append((sink.trades, sink.past, sink.marks, sink.orders, sink.balances))
    assert told[0] == told[1]
    assert told[0][3]


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
async def test_a_cancelled_source_leaves_nothing(make: Callable[[Clock], Source], turns: int) -> None:
    """Cancelled at any moment, a source ends at once: no event, no task and no timer comes after; it can run again."""
    clock = VirtualClock()
    source = make(clock)
    sink = RecordingSink()
    task = asyncio.create_task(source.run(sink))
    for turn in range(turns):
        await (clock.advance(0.05) if turn % 5 == 4 else asyncio.sleep(0))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.done()
    events = sink.events
    await clock.advance(5)
    assert sink.events == events
    assert clock.pending == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    again = RecordingSink()
    task = asyncio.create_task(source.run(again))
    await clock.advance(2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert again.trades


async def test_a_sink_that_raises_ends_the_source(make: Callable[[Clock], Source]) -> None:
    """What a sink raises comes out of `run`, and nothing stays behind."""

    class Full(RecordingSink):
        def trade(self, trade: object) -> None:
            raise MemoryError("full")

    clock = VirtualClock(auto=True)
    with pytest.raises(MemoryError):
        await make(clock).run(Full())
    assert clock.pending == 0
