"""Soak: minutes of the wall clock, on the real sources. `make soak`; not part of `make test`."""

import asyncio
import gc
import os
import random
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from gateway.settings import Settings
from gateway.sources.build import build_sources
from streaming.clock import SystemClock
from tests.support.client import connected
from tests.support.judge import Judge
from tests.support.server import Running, running, until

SYMBOLS = ["nasdaq:AAPL", "nasdaq:IBM", "sim:BTC/USDT", "sim:ETH/USDT"]
RESOLUTIONS = ["1", "5", "60", "1D"]


def resident_kib() -> int:
    """Return this process's resident memory."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


async def listen(server: Running, deadline: float) -> int:
    """Hold one connection to the end; every final follows the one before it. Returns how many finals came."""
    positions: dict[tuple[str, str], int] = {}
    finals = 0
    async with connected(server.bars, Judge()) as client:
        for name in SYMBOLS:
            for resolution in RESOLUTIONS:
                await client.send("bars.subscribe", {"symbol": name, "resolution": resolution})
        while time.monotonic() < deadline:
            message = await client.receive()
            payload = message["payload"]
            key = (payload.get("symbol"), payload.get("resolution"))
            if message["type"] == "bars.ack":
                positions[key] = payload["seq"]
            elif message["type"] == "bars.update" and payload["final"]:
                assert payload["prev"] == positions[key]
                positions[key] = payload["seq"]
                finals += 1
    return finals


async def churn(server: Running, deadline: float, draw: random.Random) -> int:
    """Come and go, politely or not; returns how often."""
    count = 0
    while time.monotonic() < deadline:
        async with connect(server.bars, compression=None) as socket:
            payload = f'{{"symbol":"{draw.choice(SYMBOLS)}","resolution":"{draw.choice(RESOLUTIONS)}"}}'
            await socket.send('{"type":"bars.subscribe","payload":' + payload + "}")
            await socket.recv()
            await asyncio.sleep(draw.random() / 5)
            if draw.random() < 0.5:
                socket.transport.abort()
        count += 1
    return count


@pytest.mark.soak
async def test_memory_and_positions_hold_for_minutes() -> None:
    """Clients that stay miss no final, clients that come and go leave nothing, and memory stays level."""
    seconds = 60 * float(os.environ.get("SOAK_MINUTES", "10"))
    settings = Settings(replay_loop=False, sim_rate=20, bars_interval_ms=100)
    sources = await build_sources(settings, SystemClock(), None)
    async with running(sources, bars_interval_ms=100) as server:
        warm = time.monotonic() + min(30, seconds / 4)
        await asyncio.gather(listen(server, warm), *(churn(server, warm, random.Random(n)) for n in range(8)))
        gc.collect()
        before = resident_kib()
        deadline = time.monotonic() + seconds
        finals, *visits = await asyncio.gather(
            listen(server, deadline), *(churn(server, deadline, random.Random(n)) for n in range(8))
        )
        await until(lambda: len(server.gateway.server.sessions) == 0)
        gc.collect()
        assert finals > 0
        assert sum(visits) > seconds
        assert len(server.gateway.hub) == 0
        assert resident_kib() - before < 10 * 1024
