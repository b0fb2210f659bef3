"""Supervisor: sources that fail come back, with patience, and nobody else is disturbed."""

import asyncio
import io
from collections.abc import Sequence

from gateway.supervisor import Supervisor
from market.events import Account, Balance, Bar, MarketSink, Order, Trade
from market.resolution import Resolution
from market.symbols import Symbol
from tests.support.clock import VirtualClock
from tests.support.source import symbol


class Recorder:
    """A sink that remembers what it is told of the sources."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def trade(self, trade: Trade) -> None:
        """Take a trade."""

    def history(self, trade: Trade) -> None:
        """Take an old trade."""

    def begins(self, exchange: str, time: int) -> None:
        """Take the start."""

    def clock(self, exchange: str, time: int) -> None:
        """Take the time."""

    def bust(self, symbol: str, trade_id: str) -> None:
        """Take that a trade is void."""

    def past_bars(self, symbol: str, resolution: Resolution, past: Sequence[Bar]) -> None:
        """Take old bars."""

    def order(self, order: Order) -> None:
        """Take an order."""

    def balance(self, balance: Balance) -> None:
        """Take a balance."""

    def restarted(self, exchange: str) -> None:
        """Take a restart."""
        self.told.append(("restarted", exchange))

    def ended(self, exchange: str) -> None:
        """Take an end."""

    def failed(self, exchange: str) -> None:
        """Take a failure."""
        self.told.append(("failed", exchange))


class Flaky:
    """Fails after the given virtual seconds of each run; runs for ever when none are left."""

    def __init__(self, clock: VirtualClock, *lives: float, name: str = "flaky", end: bool = False) -> None:
        self._clock = clock
        self._lives = list(lives)
        self._name = name
        self._end = end
        self.starts: list[float] = []

    @property
    def name(self) -> str:
        """Return the name."""
        return self._name

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Return symbols of one exchange."""
        return (symbol("A", self._name), symbol("B", self._name))

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return none."""
        return ()

    async def run(self, sink: MarketSink) -> None:
        """Live, then fail."""
        self.starts.append(self._clock.monotonic())
        if self._lives:
            await self._clock.sleep(self._lives.pop(0))
            raise ValueError("boom")
        if not self._end:
            await asyncio.get_running_loop().create_future()


async def test_a_source_that_fails_comes_back_after_waits_that_double(log: io.StringIO) -> None:
    """1, 2, 4 ... 30 seconds; the exchange is told each time; a long life makes the wait short again."""
    clock, sink = VirtualClock(), Recorder()
    source = Flaky(clock, 0, 0, 0, 0, 0, 0, 100, 0)
    supervisor = Supervisor([source], sink, clock)
    assert not supervisor.ready
    task = asyncio.create_task(supervisor.run())
    await clock.advance(0.5)
    assert supervisor.states == {"flaky": "failed"}
    assert not supervisor.ready
    await clock.advance(300)
    assert [b - a for a, b in zip(source.starts, source.starts[1:], strict=False)] == [1, 2, 4, 8, 16, 30, 101, 2]
    assert sink.told == [("failed", "flaky"), ("restarted", "flaky")] * 8
    assert supervisor.ready
    assert log.getvalue().count("source failed") == 8
    assert "boom" in log.getvalue()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_source_s_failure_is_its_own() -> None:
    """The other one goes on, and one that ended counts as ready."""
    clock, sink = VirtualClock(), Recorder()
    sources = [Flaky(clock, 5), Flaky(clock, name="steady"), Flaky(clock, name="short", end=True)]
    supervisor = Supervisor(sources, sink, clock)
    task = asyncio.create_task(supervisor.run())
    await clock.advance(5.5)
    assert supervisor.states == {"flaky": "failed", "steady": "running", "short": "ended"}
    await clock.advance(10)
    assert supervisor.ready
    assert {exchange for _, exchange in sink.told} == {"flaky"}
    assert len(sources[1].starts) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_ends_when_every_source_has_ended() -> None:
    """Nothing is left to run."""
    clock = VirtualClock()
    supervisor = Supervisor([Flaky(clock, end=True)], Recorder(), clock)
    await asyncio.wait_for(supervisor.run(), 5)
    assert supervisor.ready
