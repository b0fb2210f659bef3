"""Many frames through the generated client: all of them, in order, and nothing grows."""

import asyncio
import gc
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.client import serve
from tapecast_client import Client, models

FEW, MANY = 100_000, 1_000_000


@contextmanager
def pump(count: int) -> Iterator[str]:
    """Run a process that sends so many trades to each client; give its address."""
    context = multiprocessing.get_context("spawn")
    ports: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=serve, args=(count, ports), daemon=True)
    process.start()
    try:
        yield f"ws://127.0.0.1:{ports.get(timeout=60)}"
    finally:
        process.terminate()
        process.join()


def peak_kib() -> int:
    """Return the most memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


async def read(url: str, count: int, settled: int) -> int:
    """Read all trades; return by how many KiB the peak of memory rose after the first `settled`."""
    before = 0
    async with Client(url, token="a.b.c", queue_size=1000).exchange_trades(exchange="sim") as trades:
        expected = 1
        async for message in trades:
            if isinstance(message, models.Trade):
                assert message.seq == expected
                expected += 1
                if message.seq == settled:
                    gc.collect()
                    before = peak_kib()
                if message.seq == count:
                    break
        assert (trades.counts.gaps, trades.counts.doubles, trades.counts.undeclared) == (0, 0, 0)
        assert trades.counts.connections == 1
    return peak_kib() - before


def test_a_hundred_thousand_frames() -> None:
    """They come in order, each once, and memory doesn't grow with them."""
    with pump(FEW) as url:
        assert asyncio.run(read(url, FEW, FEW // 4)) < 20 * 1024


@pytest.mark.soak
def test_a_million_frames() -> None:
    """They come in order, each once, and memory doesn't grow with them."""
    with pump(MANY) as url:
        began = time.monotonic()
        grown = asyncio.run(read(url, MANY, FEW))
    shown = f"{MANY} frames in {time.monotonic() - began:.1f} s; memory rose by {grown} KiB after the first {FEW}"
    print(shown)  # noqa: T201 - what `make soak` shows
    assert grown < 20 * 1024
