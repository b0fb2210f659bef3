"""Restart: a process that is killed or stopped, and one in its place over the same folder. Clients miss nothing.

The clients hold a position, as any does; the oracle is the file that is replayed.
"""

import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from handlers.auth import mint
from market.aggregator import Aggregator
from market.calendar import TradingCalendar
from market.events import Trade
from market.resolution import Resolution
from streaming.clock import SystemClock
from tests.support.judge import Judge

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret for restarts, long enough to sign"
START = 1_700_000_040_000
MINUTE = 60_000
TIMEOUT_S = 30.0
KILLS_HERE = 12


def make_file(path: Path, minutes: int, seed: int) -> list[Trade]:
    """Write trades of two symbols, several a minute each, some of one time; return them."""
    rng = random.Random(seed)
    lines, trades = ["timestamp,symbol,price,volume,trade_id,side"], []
    time, number = START, 0
    while time < START + minutes * MINUTE:
        number += 1
        name = "A" if number % 4 else "B"
        price = Decimal(10_000 + rng.randrange(500)) / 100
        volume = Decimal(1 + rng.randrange(900)) / 1000
        side = rng.choice(("buy", "sell"))
        lines.append(f"{time},{name},{price},{volume},t{number},{side}")
        trades.append(Trade(f"replay:{name}", time, price, volume, f"t{number}", None, number))
        time += rng.choice((0, 0, 700, 4000, 9000))
    path.write_text("\n".join(lines) + "\n")
    return trades


def finals_of(trades: list[Trade], key: str, resolution: Resolution) -> list[dict[str, float]]:
    """Return the final bars of a symbol, as clients see them."""
    aggregator = Aggregator(TradingCalendar.always_open())
    closed = [final for trade in trades if trade.symbol == key for final in aggregator.add(trade)]
    names = ("open", "high", "low", "close", "volume")
    return [
        {"time": final.bar.time} | {name: float(getattr(final.bar, name)) for name in names}
        for final in closed
        if final.resolution is resolution
    ]


@dataclass
class Life:
    """A process of the server."""

    process: asyncio.subprocess.Process
    address: str

    async def kill(self) -> str:
        """Kill it; return what it logged."""
        self.process.kill()
        _, logged = await self.process.communicate()
        return logged.decode()


def environment(data: Path | None, **settings: str) -> dict[str, str]:
    """Return the environment with these settings alone."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TAPECAST_")}
    values = {"PORT": "0", "JWT_SECRET": SECRET} | ({} if data is None else {"DATA": str(data)}) | settings
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    return kept | {f"TAPECAST_{name}": value for name, value in values.items()} | {"PYTHONPATH": path}


async def start(data: Path | None, file_bytes: int | None, settings: dict[str, str]) -> asyncio.subprocess.Process:
    """Start the command; no file of it may be larger than `file_bytes`."""

    def limit() -> None:
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))

    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway.cli", "serve"),
        env=environment(data, **settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=limit if file_bytes is not None else None,
    )


@asynccontextmanager
async def served(data: Path | None, file_bytes: int | None = None, **settings: str) -> AsyncIterator[Life]:
    """Run the command until it says where it listens."""
    process = await start(data, file_bytes, settings)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        if not line.startswith("Tapecast is up: "):
            _, logged = await process.communicate()
            raise AssertionError(line + logged.decode())
        yield Life(process, line.removeprefix("Tapecast is up: http").strip().rstrip("/"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def failed(data: Path, **settings: str) -> tuple[int | None, str]:
    """Run the command that can't start; returns its exit code and what it said."""
    process = await start(data, None, settings)
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    return process.returncode, said.decode()


def token() -> str:
    """Return a token for the demo's accounts."""
    return mint(
        SECRET,
        subject="1",
        user_id="1",
        accounts=[1, 2],
        scopes=["orders:read", "balances:read"],
        expires_in_s=3600,
        now_ms=SystemClock().now_ms(),
    )


@dataclass
class Stream:
    """One counted stream, as a client holds it: what came, and the position of the last of it."""

    address: str
    symbol: str = ""
    resolution: str = ""
    epoch: str | None = None
    seq: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    recovered: list[bool] = field(default_factory=list)

    async def open(self, life: Life, judge: Judge) -> ClientConnection:
        """Connect, and go on from the position."""
        if self.symbol:
            connection = await connect(f"ws{life.address}{self.address}", compression=None, close_timeout=1)
            payload: dict[str, Any] = {"symbol": self.symbol, "resolution": self.resolution}
            if self.epoch is not None:
                payload["resume"] = {"epoch": self.epoch, "seq": self.seq}
            await connection.send(json.dumps({"type": "bars.subscribe", "payload": payload}))
            async with asyncio.timeout(TIMEOUT_S):
                first = judge.frame(await connection.recv(), self.address)["payload"]
            assert first["status"] == "ok", first
        else:
            query = f"?token={token()}" + ("" if self.epoch is None else f"&epoch={self.epoch}&seq={self.seq}")
            connection = await connect(
                f"ws{life.address}{self.address}{query}",
                subprotocols=["tapecast.v1"],  # type: ignore[list-item]  # a str is one at run time
                compression=None,
                close_timeout=1,
            )
            async with asyncio.timeout(TIMEOUT_S):
                first = judge.frame(await connection.recv(), self.address)
        if self.epoch is not None:
            self.recovered.append(bool(first.get("recovered")))
        if self.epoch != first["epoch"]:
            self.epoch, self.seq, self.told = first["epoch"], first["seq"], []
        return connection

    async def open_raw(self, life: Life) -> ClientConnection:
        """Connect to see what comes."""
        return await connect(
            f"ws{life.address}{self.address}?token={token()}",
            subprotocols=["tapecast.v1"],  # type: ignore[list-item]  # a str is one at run time
            compression=None,
        )

    def take(self, frame: dict[str, Any]) -> bool:
        """Take a frame; say whether it is a counted one. It has to be the next."""
        payload = frame.get("payload", frame)
        if frame["type"] == "bars.update":
            if not payload["final"]:
                assert (payload["epoch"], payload["seq"]) == (self.epoch, self.seq)
                return False
        elif frame["type"] not in ("trade", "order", "balances") or payload.get("initial"):
            assert frame["type"] not in ("gap", "error", "bars.reset", "bars.error"), frame
            return False
        assert payload["seq"] == self.seq + 1, f"{self.seq} and then {frame}"
        assert payload["prev"] <= self.seq
        self.seq = payload["seq"]
        self.told.append(frame)
        return True


async def live_through(life: Life, streams: list[Stream], judge: Judge, frames: int) -> str:
    """Listen to all streams until the counted frames have come, then kill the server; return what it logged."""
    enough = asyncio.Event()
    count = 0

    async def listen(stream: Stream, connection: ClientConnection) -> None:
        nonlocal count
        try:
            async for text in connection:
                if stream.take(judge.frame(text, stream.address)):
                    count += 1
                    if count >= frames:
                        enough.set()
        except ConnectionClosed:
            pass

    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(await stream.open(life, judge)) for stream in streams]
        async with asyncio.TaskGroup() as group, asyncio.timeout(TIMEOUT_S):
            for stream, connection in zip(streams, connections, strict=True):
                group.create_task(listen(stream, connection))
            if frames:
                await enough.wait()
            logged = await life.kill()
    return logged


async def kill_again_and_again(folder: Path, kills: int, seed: int, speed: str) -> None:
    """Kill the server at random moments; hold what the clients were told against the file."""
    file = folder / "trades.csv"
    trades = make_file(file, 60 * 24, seed)
    rng = random.Random(seed)
    judge = Judge()
    cache = "/api/v1/cache/ws"
    streams = [
        Stream("/api/v1/ws", "replay:A", "1"),
        Stream("/api/v1/ws", "replay:B", "5"),
        Stream(f"{cache}/trades/replay"),
        Stream(f"{cache}/orders/replay"),
        Stream(f"{cache}/balances/2"),
        Stream(f"{cache}/trades/sim"),
    ]
    bars, slower, told_trades, orders, balances, sim = streams
    for number in range(kills + 1):
        async with served(
            folder / "data", SOURCES="replay,sim", REPLAY=str(file), SPEED=speed, SIM_RATE="20", RINGS_FRAMES="1000000"
        ) as life:
            logged = await live_through(life, streams, judge, rng.randrange(200) if number < kills else 400)
        assert "Traceback" not in logged
        assert ("restored" in logged) == (number > 0)
    for stream in streams:
        assert stream.recovered == [True] * kills
    for stream, key, resolution in ((bars, "replay:A", "1"), (slower, "replay:B", "5")):
        expected = finals_of(trades, key, Resolution(resolution))
        found = [frame["payload"]["bar"] for frame in stream.told]
        # The client came a moment after the start: bars that were over by then it was not told.
        missed = stream.told[0]["payload"]["seq"] - 1
        assert missed < 20
        assert found == expected[missed : missed + len(found)]
        assert len(found) > 10
        assert [frame["payload"]["seq"] for frame in stream.told] == list(range(missed + 1, missed + len(found) + 1))
    ids = [frame["trade_id"] for frame in told_trades.told]
    assert len(ids) > 10 * kills
    # The client came a moment after the first trades.
    first = told_trades.told[0]["seq"] - 1
    assert ids == [trade.trade_id for trade in trades[first : first + len(ids)]]
    assert len({frame["trade_id"] for frame in sim.told}) == len(sim.told) > 0
    assert orders.told
    over = set()
    for frame in orders.told:
        assert frame["order_id"] not in over, "an order that is over changes no more"
        if frame["status"] != "open":
            over.add(frame["order_id"])
    assert balances.told


async def test_clients_of_a_server_that_is_killed_again_and_again_miss_and_double_nothing(tmp_path: Path) -> None:
    """Bars, trades, orders and balances: each counted frame once, in order, and as the file has it."""
    await kill_again_and_again(tmp_path, KILLS_HERE, seed=1, speed="3000")


@pytest.mark.soak
async def test_two_hundred_kills(tmp_path: Path) -> None:
    """The same, 200 times."""
    await kill_again_and_again(tmp_path, 200, seed=2, speed="300")


async def ready(life: Life) -> int:
    """Return the status of `/ready`."""
    async with httpx.AsyncClient() as http:
        return (await http.get(f"http{life.address}/ready")).status_code


async def listen_to_the_end(connection: ClientConnection, stream: Stream, judge: Judge) -> int:
    """Take what comes until the server closes; return the code."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(TIMEOUT_S):
            async for text in connection:
                stream.take(judge.frame(text, stream.address))
    code = connection.close_code
    assert code is not None
    judge.close(code, str(connection.close_reason))
    return code


async def stop(life: Life) -> tuple[int | None, str]:
    """End the server as Ctrl-C does; return its exit code and what it logged."""
    life.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(TIMEOUT_S):
        _, logged = await life.process.communicate()
    return life.process.returncode, logged.decode()


async def test_a_client_resumes_over_a_clean_stop_and_without_the_folder_is_told_of_a_new_epoch(tmp_path: Path) -> None:
    """With TAPECAST_DATA `recovered` is true and nothing is missing; without it is false."""
    judge = Judge()
    file = tmp_path / "trades.csv"
    trades = make_file(file, 600, 3)
    stream = Stream("/api/v1/cache/ws/trades/replay")
    settings = {"SOURCES": "replay", "REPLAY": str(file), "SPEED": "1000"}
    for _ in range(2):
        async with served(tmp_path / "data", None, **settings) as life:
            async with await stream.open(life, judge) as connection, asyncio.timeout(TIMEOUT_S):
                for _ in range(30):
                    stream.take(judge.frame(await connection.recv(), stream.address))
            code, logged = await stop(life)
            assert (code, "Traceback" in logged) == (0, False)
    assert stream.recovered == [True]
    ids = [frame["trade_id"] for frame in stream.told]
    first = stream.told[0]["seq"] - 1
    assert ids == [trade.trade_id for trade in trades[first : first + len(ids)]]
    epoch = stream.epoch
    async with served(None, None, **settings) as life:
        await (await stream.open(life, judge)).close()
    assert stream.recovered == [True, False]
    assert stream.epoch != epoch


async def test_a_replay_that_had_ended_has_ended_and_begins_with_other_settings(tmp_path: Path) -> None:
    """Its tickers stand after a restart; with another file the old state is put aside, which the log says."""
    judge = Judge()
    file = tmp_path / "trades.csv"
    make_file(file, 5, 4)
    stream = Stream("/api/v1/cache/ws/tickers/replay")
    epochs = []
    for number in range(3):
        if number == 2:
            make_file(file, 600, 5)
        async with served(tmp_path / "data", None, SOURCES="replay", REPLAY=str(file), SPEED="1000000") as life:
            async with await stream.open(life, judge) as connection, asyncio.timeout(TIMEOUT_S):
                epochs.append(stream.epoch)
                while judge.frame(await connection.recv(), stream.address)["type"] != "error":
                    pass
                while number < 2 and await ready(life) != 200:
                    pass
            logged = await life.kill()
        assert ("put aside" in logged) == (number == 2)
    assert epochs[0] == epochs[1] != epochs[2]


async def test_a_second_server_on_the_folder_and_a_damaged_file_are_refused_in_a_sentence(tmp_path: Path) -> None:
    """Exit code 2, the file is named, nothing is deleted; moved away, the server begins anew."""
    data = tmp_path / "data"
    async with served(data, None, SOURCES="sim") as life:
        code, said = await failed(data, SOURCES="sim")
        assert (code, said) == (
            2,
            f"tapecast: {data} is in use by another server: stop it, or set TAPECAST_DATA to another folder.\n",
        )
        stream = Stream("/api/v1/cache/ws/trades/sim")
        await live_through(life, [stream], Judge(), 5)
    log = data / "tapecast.sqlite3-wal"
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 4
    log.write_bytes(content)
    code, said = await failed(data, SOURCES="sim")
    assert code == 2
    assert said.startswith(f"tapecast: {data}/tapecast.sqlite3 is damaged (")
    assert said.count("\n") == 1
    assert log.read_bytes() == bytes(content)
    data.rename(tmp_path / "away")
    async with served(data, None, SOURCES="sim") as life:
        await (await stream.open(life, Judge())).close()
    assert stream.recovered == [False]


async def test_a_full_disk_closes_the_clients_before_they_are_told_what_is_not_kept(tmp_path: Path) -> None:
    """1011, /ready is 503, newcomers are refused; a restart with room goes on right after what was told."""
    judge = Judge()
    data = tmp_path / "data"
    stream = Stream("/api/v1/cache/ws/trades/sim")
    settings = {"SOURCES": "sim", "SIM_RATE": "200"}
    async with served(data, 1_500_000, **settings) as life:
        assert await listen_to_the_end(await stream.open(life, judge), stream, judge) == 1011
        assert await ready(life) == 503
        assert await listen_to_the_end(await stream.open_raw(life), stream, judge) == 4001
        logged = await life.kill()
    assert "state can't be kept" in logged
    assert "Traceback" not in logged
    assert len(stream.told) > 100
    async with served(data, None, **settings) as life:
        await live_through(life, [stream], judge, 50)
    assert stream.recovered == [True]


async def test_a_disk_with_room_again_lets_the_clients_come_back_to_the_same_epoch(tmp_path: Path) -> None:
    """What happened meanwhile is told to who resumes: nothing is missing."""
    judge = Judge()
    stream = Stream("/api/v1/cache/ws/trades/sim")
    async with served(tmp_path / "data", 1_500_000, SOURCES="sim", SIM_RATE="200") as life:
        assert await listen_to_the_end(await stream.open(life, judge), stream, judge) == 1011
        assert await ready(life) == 503
        resource.prlimit(life.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        async with asyncio.timeout(TIMEOUT_S):
            while await ready(life) != 200:
                pass
        await live_through(life, [stream], judge, 300)
    assert stream.recovered == [True]
