"""Keeping: what TAPECAST_DATA costs, a trade, a turn, a snapshot and a start. Run `python bench/keeping.py`.

Nobody listens: what is measured is the market's side alone, with the store and without.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
import zlib
from decimal import Decimal
from pathlib import Path

from gateway.app import create_gateway
from gateway.keeper import Keeper
from gateway.settings import Settings
from gateway.sources.sim import Market, SimOptions, SimSource
from gateway.stores.store import open_store
from handlers.auth import StaticKeys, hs256_key
from market.events import Bar, MarketSink, Trade
from market.resolution import Resolution
from streaming.clock import SystemClock

TRADES = 100_000
A_TURN = 5


async def measure(data: Path | None, symbols: int) -> tuple[float, Keeper | None]:
    """Return the microseconds of a trade, in turns of five, and the keeper."""
    clock = SystemClock()
    source = SimSource(SimOptions(symbols=symbols, rate=1), clock)
    gateway = create_gateway(
        Settings(sources=("sim",)),
        [source],
        clock,
        keys=StaticKeys(hs256_key("a secret of the bench, long enough")),
        assets=Path("none"),
        store=None if data is None else open_store(data),
    )
    sink: MarketSink = gateway.sink
    market = Market(source.symbols, SimOptions(symbols=symbols, rate=100))
    now = clock.now_ms()
    market.go_on(now)
    sink.begins("sim", now)
    trades = [market.trade() for _ in range(TRADES)]
    began = time.perf_counter()
    for number, trade in enumerate(trades, start=1):
        sink.trade(trade)
        if number % A_TURN == 0:
            sink.clock("sim", trade.time)
            await asyncio.sleep(0)
    return (time.perf_counter() - began) / TRADES * 1e6, gateway.keeper


async def measure_full(data: Path, symbols: int, bars: int, trades: int) -> str:
    """Return what a snapshot takes where histories and kept trades are long, as after days of a lively market."""
    clock = SystemClock()
    source = SimSource(SimOptions(symbols=symbols, rate=1), clock)
    gateway = create_gateway(
        Settings(sources=("sim",)),
        [source],
        clock,
        keys=StaticKeys(hs256_key("a secret of the bench, long enough")),
        assets=Path("none"),
        store=open_store(data),
    )
    keeper = gateway.keeper
    assert keeper is not None
    rng = random.Random(1)
    now = clock.now_ms() // 60_000 * 60_000
    for symbol in source.symbols:
        for resolution in list(Resolution)[:3]:
            past = [
                Bar(now - (bars - number) * 3_600_000, *(Decimal(rng.randrange(10**6)) / 100 for _ in range(5)))
                for number in range(bars)
            ]
            gateway.feed.past_bars(symbol.key, resolution, past)
    gateway.feed.begins("sim", now)
    for number in range(trades):
        for symbol in source.symbols:
            price = Decimal(rng.randrange(1, 10**6)) / 100
            gateway.feed.trade(
                Trade(symbol.key, now + number * 550_000 // trades, price, Decimal(1), str(number), "buy")
            )
    began = time.perf_counter()
    parts = keeper.copies()
    copied = time.perf_counter() - began
    slowest = size = 0.0
    began = time.perf_counter()
    for make in parts.values():
        at = time.perf_counter()
        size += len(zlib.compress(json.dumps(make(), separators=(",", ":")).encode(), 1))
        slowest = max(slowest, time.perf_counter() - at)
    encoded = time.perf_counter() - began
    keeper.close()
    return (
        f"{symbols} symbols, {3 * bars} bars and {trades} kept trades each: copying {copied * 1000:.0f} ms,"
        f" encoding {encoded * 1000:.0f} ms, its slowest part {slowest * 1000:.0f} ms, {size / 1e6:.0f} MB\n"
    )


async def main() -> None:
    """Print a line for each measurement."""
    say = sys.stdout.write
    for bars, trades in ((5000, 0), (5000, 1000)):
        with tempfile.TemporaryDirectory() as folder:
            say(await measure_full(Path(folder), 100, bars, trades))
    for symbols in (2, 500):
        plain, _ = await measure(None, symbols)
        with tempfile.TemporaryDirectory() as folder:
            kept, keeper = await measure(Path(folder), symbols)
            assert keeper is not None
            store = keeper.store
            say(f"{symbols} symbols: a trade {plain:.1f} us, kept {kept:.1f} us")
            say(f"; {store.journal_bytes / TRADES:.0f} bytes of journal a trade\n")
            began = time.perf_counter()
            for _ in range(5000):
                store.append(b"x" * 300)
            say(f"  a turn: append alone {(time.perf_counter() - began) / 5000 * 1e6:.1f} us\n")
            began = time.perf_counter()
            parts = keeper.copies()
            say(f"  a snapshot: copying {(time.perf_counter() - began) * 1000:.1f} ms")
            slowest = total = 0.0
            for part in parts.values():
                began = time.perf_counter()
                part()
                took = time.perf_counter() - began
                total, slowest = total + took, max(slowest, took)
            say(f", {len(parts)} parts {total * 1000:.0f} ms, the slowest {slowest * 1000:.1f} ms\n")
            keeper.close()


if __name__ == "__main__":
    asyncio.run(main())
