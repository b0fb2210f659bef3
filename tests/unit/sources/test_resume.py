"""Resuming: a source of a new process goes on where that of an earlier one was killed."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.sources.replay import ReplayOptions, ReplaySource, open_replay
from gateway.sources.sim import SimOptions, SimSource
from gateway.sources.source import ResumableSource, SourceError
from market.events import Balance, Order, Trade
from streaming.clock import Clock
from tests.support.clock import VirtualClock
from tests.unit.sources.recording import BarSink
from tests.unit.sources.test_replay import load, stocks

START = 1_700_000_000_000
Make = Callable[[Clock], ResumableSource]


class Remembering(BarSink):
    """Also keeps what a new process would hear again."""

    def __init__(self, source: ResumableSource) -> None:
        super().__init__(source.symbols)
        self.since: list[tuple[str, Any]] = []

    def trade(self, trade: Trade) -> None:
        super().trade(trade)
        self.since.append(("trade", trade))

    def clock(self, exchange: str, time: int) -> None:
        super().clock(exchange, time)
        self.since.append(("clock", time))

    def begins(self, exchange: str, time: int) -> None:
        super().begins(exchange, time)
        self.since.append(("begins", time))

    def ended(self, exchange: str) -> None:
        super().ended(exchange)
        self.since.append(("ended", None))


class Unheard:
    """Where an account's events go that were told before."""

    def order(self, order: Order) -> None:
        """Do nothing."""

    def balance(self, balance: Balance) -> None:
        """Do nothing."""


async def lives(make: Make, seed: int, count: int, seconds: float) -> Remembering:
    """Run the source in one process after the other, each killed at random; then the last to its end or its time.

    A copy is taken at random, and the new source follows what came after it. The sink checks orders, balances, times
    and ids over all lives as over one.
    """
    rng = random.Random(seed)
    now = START
    source = make(VirtualClock(now))
    sink = Remembering(source)
    source.forget()
    copy: Any = json.dumps(source.dump())
    for life in range(count):
        clock = VirtualClock(now)
        source = make(clock)
        source.load(json.loads(copy))
        for kind, what in sink.since:
            match kind:
                case "trade":
                    source.follow_trade(what, Unheard())
                case "clock":
                    source.follow_clock(what, Unheard())
                case "begins":
                    source.follow_begins(what, Unheard())
                case _:
                    source.follow_ended()
        task = asyncio.create_task(source.run(sink))
        await clock.advance(rng.random() * seconds)
        if rng.random() < 0.7:
            copy, sink.since = json.dumps(source.dump()), []
        await clock.advance(rng.random() * seconds if life < count - 1 else 20 * seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        now = clock.now_ms() + rng.randrange(200_000)
    return sink


@pytest.mark.parametrize("seed", range(6))
async def test_a_replay_over_many_lives_tells_what_one_life_tells(tmp_path: Path, seed: int) -> None:
    """Each trade once, in order, the same bars, one beginning and one end; the account's numbers add up throughout."""
    data = load(stocks(tmp_path))
    options = ReplayOptions(path=tmp_path / "stocks.csv", exchange="x", start=date(2012, 5, 16), speed=20_000.0)

    def make(clock: Clock) -> ReplaySource:
        return ReplaySource(data, options, clock)

    whole = BarSink(make(VirtualClock()).symbols)
    await ReplaySource(data, options, VirtualClock(auto=True)).run(whole)
    sink = await lives(make, seed, 8, 5.0)
    assert sink.marks == ["begins", "ended"]
    assert sink.trades == whole.trades
    assert sink.finals == whole.finals
    assert sink.orders


@pytest.mark.parametrize("seed", range(4))
async def test_a_sim_over_many_lives_is_one_market(seed: int) -> None:
    """It begins once; prices go on from the last ones, ids are new, no trade is of the time between."""

    def make(clock: Clock) -> SimSource:
        return SimSource(SimOptions(symbols=3, rate=5, seed=seed), clock)

    sink = await lives(make, seed, 8, 5.0)
    assert sink.marks == ["begins"]
    assert len(sink.trades) > 500
    ids = [int(trade.trade_id or 0) for trade in sink.trades]
    assert all(before < after for before, after in pairwise(ids))
    for key in sink.symbols:
        prices = [float(trade.price) for trade in sink.trades if trade.symbol == key]
        assert all(abs(after / before - 1) < 0.02 for before, after in pairwise(prices))
    assert sink.orders


async def test_following_leads_to_the_same_state_as_living_through_it(tmp_path: Path) -> None:
    """The demo account's chances and books included: the copy of one is the copy of the other."""
    data = load(stocks(tmp_path))
    options = ReplayOptions(path=tmp_path / "stocks.csv", exchange="x", speed=20_000.0)
    clock = VirtualClock(START)
    source = ReplaySource(data, options, clock)
    sink = Remembering(source)
    task = asyncio.create_task(source.run(sink))
    await clock.advance(20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    other = ReplaySource(data, options, VirtualClock(START))
    for kind, what in sink.since:
        getattr(other, f"follow_{kind}")(what, Unheard())
    assert json.dumps(other.dump()) == json.dumps(source.dump())
    assert "stocks" not in source.fingerprint()
    assert other.fingerprint() == source.fingerprint()


async def test_a_file_that_is_gone_by_the_start_is_said_and_one_that_was_read_is_not_read_again(tmp_path: Path) -> None:
    """Its digest is made with the file's content, off the event loop."""
    path = stocks(tmp_path)
    options = ReplayOptions(path=path, exchange="x", calendar="24/7")
    source = await open_replay(options, VirtualClock())
    said = source.fingerprint()
    path.write_text(path.read_text() + "\n")
    assert source.fingerprint() == said
    late = ReplaySource(load(path), options, VirtualClock())
    path.unlink()
    with pytest.raises(SourceError, match=r"stocks\.csv can't be read any more"):
        late.fingerprint()


async def test_a_replay_that_had_ended_says_that_it_does_not_start_over(tmp_path: Path) -> None:
    """Although it now would: its clients were told of the end."""
    options = ReplayOptions(path=tmp_path / "stocks.csv", exchange="x", speed=1e9)
    data = load(stocks(tmp_path))
    first = ReplaySource(data, options, VirtualClock(auto=True))
    await first.run(BarSink(first.symbols))
    second = ReplaySource(data, replace(options, loop=True), VirtualClock())
    second.load(json.loads(json.dumps(first.dump())))
    second.go_on()
    with capture_logs() as entries:
        await second.run(BarSink(second.symbols))
    (entry,) = entries
    assert "TAPECAST_REPLAY_LOOP" in entry["event"]
