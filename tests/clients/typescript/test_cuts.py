"""The TypeScript client over a line that is cut again and again: nothing lost, nothing doubled, no hole untold."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.support.fake_server import V1
from tests.support.node import Driver, driving
from tests.support.server import running
from tests.support.source import MINUTE, START, ManualSource, symbol
from tests.support.tokens import claims, sign

MINUTES = 90
SYMBOLS = ("AAA", "BBB/USDT")
SUBSCRIPTIONS = [
    {"symbol": f"test:{name}", "resolution": resolution} for name in SYMBOLS for resolution in ("1", "3", "5")
]


class Line:
    """A TCP line to a server that can be cut: a client's whose address stays the same."""

    def __init__(self, port: int) -> None:
        """Lead to this port."""
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @asynccontextmanager
    async def up(self) -> AsyncIterator["Line"]:
        """Carry bytes in both directions."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Break every connection, without a word of either side."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, there[1]}
        await asyncio.gather(self._copy(reader, there[1]), self._copy(there[0], writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


def key_of(message: dict[str, Any]) -> tuple[str, str]:
    """Return the subscription of a message of bars."""
    return message["payload"]["symbol"], message["payload"]["resolution"]


async def follow(driver: Driver, line: Line) -> None:
    """Subscribe to all bars, and read trades, over the line."""
    token = sign(claims(int(time.time() * 1000)))
    options = {"url": f"ws://127.0.0.1:{line.port}", "backoff": {"baseMs": 5}}
    await driver.do("start", options=options, given=[token], random=0.5)
    for subscription in SUBSCRIPTIONS:
        await driver.call("bars", "subscribe", subscription)
    await driver.do("read", channel="bars")
    await driver.do("read", channel="exchangeTrades", given=[{"exchange": "test"}])
    await driver.until(lambda: bool(driver.messages("ready")))


async def trade_and_cut(driver: Driver, source: ManualSource, line: Line, minutes: int, cuts: int) -> int:
    """Let time pass, with trades in each minute, and cut the line so often; returns the number of trades."""
    rng = random.Random(7)
    when = set(rng.sample(range(2, minutes), cuts))
    count = 0
    for minute in range(minutes):
        for name in SYMBOLS:
            for part in range(3):
                count += 1
                source.trade(minute * MINUTE + part, key=f"test:{name}", trade_id=str(count))
        if minute in when:
            opened = len([event for event in driver.of("connection") if event["type"] == "open"])
            line.cut()
            if rng.random() < 0.5:  # else the world goes on while it is away
                await driver.until(
                    lambda opened=opened: len([e for e in driver.of("connection") if e["type"] == "open"]) > opened  # type: ignore[misc]
                )
        await asyncio.sleep(0)
    source.clock(minutes * MINUTE)
    return count


def finals_of(driver: Driver) -> list[dict[str, Any]]:
    """Return the final bars that were read."""
    return [message for message in driver.messages("bars.update") if message["payload"].get("final")]


async def test_nothing_is_lost_and_nothing_doubled(driver: Driver) -> None:
    """Whoever is cut fifteen times ends with each trade and each final bar once, in order, and no gap."""
    source = ManualSource(*(symbol(name) for name in SYMBOLS))
    async with running([source], bars_interval_ms=0) as server, Line(server.port).up() as line:
        await follow(driver, line)
        count = await trade_and_cut(driver, source, line, MINUTES, 15)
        await driver.until(lambda: len(driver.messages("trade")) >= count)
        begun = START // MINUTE
        wanted = sum((begun + MINUTES) // long - begun // long for long in (1, 3, 5)) * len(SYMBOLS)
        await driver.until(lambda: len(finals_of(driver)) >= wanted)
        finals = finals_of(driver)
        assert len(finals) == wanted
        for subscription in SUBSCRIPTIONS:
            mine = [m for m in finals if key_of(m) == (subscription["symbol"], subscription["resolution"])]
            assert [m["payload"]["seq"] for m in mine] == list(range(1, len(mine) + 1))
        trades = driver.messages("trade")
        assert [message["seq"] for message in trades] == list(range(1, count + 1))
        assert driver.of("gap") == []
        assert driver.of("undeclared") == []
        assert driver.of("refused") == []


async def test_what_can_not_be_had_is_told(driver: Driver) -> None:
    """With rings too small for what happened meanwhile, each position is either had or in a gap, never both."""
    source = ManualSource(*(symbol(name) for name in SYMBOLS))
    async with running([source], bars_interval_ms=0, ring_frames=5) as server, Line(server.port).up() as line:
        await follow(driver, line)
        count = await trade_and_cut(driver, source, line, 120, 20)
        await driver.until(lambda: driver.messages("trade")[-1:] != [] and driver.messages("trade")[-1]["seq"] == count)
        had = [message["seq"] for message in driver.messages("trade")]
        assert len(had) == len(set(had))
        told = [gap for gap in driver.of("gap") if gap["channel"] == "exchangeTrades"]
        missing = [seq for gap in told for seq in range(gap["from"], gap["to"] + 1)]
        assert sorted([*had, *missing]) == list(range(1, count + 1))
        assert missing, "the rings were large enough: this test shows nothing"


# --------------------------------------------------------------------------------------------------- many frames


async def flood(driver: Driver, frames: int) -> tuple[int, int]:
    """Push so many trades through the client; returns its memory after a tenth of them, and after all."""
    sent = asyncio.Event()
    on = asyncio.Event()

    async def act(connection: ServerConnection) -> None:
        for seq in range(1, frames + 1):
            await connection.send(TEMPLATE % (seq, seq, seq - 1))
            if seq == frames // 10:
                sent.set()
                await on.wait()
        await connection.wait_closed()

    given = [{"exchange": "sim"}]
    async with serve(act, "127.0.0.1", 0, subprotocols=[V1], ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await driver.do("start", options={"url": f"ws://127.0.0.1:{port}", "queueSize": 100_000})
        await driver.do("read", channel="exchangeTrades", given=given, quiet=True)
        await sent.wait()
        await read_all(driver, frames // 10, given)
        early = await driver.do("memory")
        on.set()
        await read_all(driver, frames, given)
        late = await driver.do("memory")
        stats = await driver.do("stats", channel="exchangeTrades", given=given)
        assert (stats["frames"], stats["undeclared"], stats["doubled"], stats["silent"]) == (frames, 0, 0, 0)
        await driver.do("close", channel="exchangeTrades", given=given)
        await driver.until(lambda: bool(driver.of("end")))
        assert driver.of("end")[0]["count"] == frames
    return early, late


TEMPLATE = (
    '{"type":"trade","exchange":"sim","symbol":"BTC/USDT","trade_id":"%d","timestamp":1793325600123,'
    '"price":65012.37,"volume":0.0123,"side":"buy","seq":%d,"prev":%d}'
)


async def read_all(driver: Driver, frames: int, given: list[Any]) -> None:
    """Wait until so many frames have come and none waits to be read."""
    async with asyncio.timeout(600):
        while True:
            stats = await driver.do("stats", channel="exchangeTrades", given=given)
            if stats["frames"] >= frames and stats["waiting"] == 0:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def collecting(compiled: Any) -> AsyncIterator[Driver]:
    """A Node process whose memory can be collected before it is measured."""
    from tests.clients.typescript.conftest import DRIVER

    async with driving(compiled, DRIVER, "--expose-gc") as driver:
        yield driver


async def test_many_frames_leave_nothing_behind(collecting: Driver) -> None:
    """The client's memory after twenty thousand frames is what it was after two thousand."""
    early, late = await flood(collecting, 20_000)
    assert late - early < 2_000_000


@pytest.mark.soak
async def test_a_million_frames_leave_nothing_behind(collecting: Driver) -> None:
    """The client's memory after a million frames is what it was after a tenth of them."""
    began, count = time.monotonic(), int(os.environ.get("SOAK_FRAMES", "1000000"))
    early, late = await flood(collecting, count)
    spent = time.monotonic() - began
    shown = f"{count} frames in {spent:.1f} s; memory: {early} bytes after a tenth, {late} after all"
    print(shown)  # noqa: T201 - what `make soak` shows
    assert late - early < 2_000_000
