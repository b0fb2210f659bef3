"""What the TypeScript client does when a connection, a server or a clock fails at the worst moment."""

import asyncio
import json

import pytest
from websockets.asyncio.server import ServerConnection

from tests.clients.typescript.test_coming_back import (
    BARS,
    TRADES,
    gaps,
    jwt,
    listens,
    meeting,
    positions,
    with_id,
)
from tests.support.fake_server import ack, breaks, gap, ready, sends, trade
from tests.support.node import Driver


async def test_a_cut_after_a_gap(driver: Driver) -> None:
    """After a gap the client goes on from where it is told to, not from a position that has not come yet."""
    acts = [
        sends(ready(0), trade(1, 0), close=4002),
        sends(ready(9), gap(2, 7), trade(8, 7), close=4002),
        sends(ready(9, recovered=True), trade(9, 8)),
    ]
    async with meeting(driver, *acts) as fake:
        await driver.do("read", channel="trades", given=TRADES)
        await driver.until(lambda: positions(driver, "trade")[-1:] == [9])
        assert fake.seen[2].path.endswith("seq=8")
        assert positions(driver, "trade") == [1, 8, 9]
        assert gaps(driver) == [(True, "gap", 2, 7)]


async def test_an_error_before_the_snapshot(driver: Driver) -> None:
    """A subscription that was cut after an error, before its snapshot, asks for the snapshot again."""
    failed = {"type": "bars.error", "payload": {**BARS, "code": "source_unavailable", "error": "Away."}}
    async with meeting(driver) as fake:
        fake.acts = [fake.hears(ack(4), failed, close=4002), fake.hears(ack(4))]
        await driver.call("bars", "subscribe", {**BARS, "snapshot": 10})
        await driver.until(lambda: len(fake.received) == 2)
        assert "resume" not in fake.received[1]["payload"]


@pytest.mark.parametrize("code", [4600, 3500])
async def test_codes_that_are_final(driver: Driver, code: int) -> None:
    """Private codes from 4500 on, and those of others that the document doesn't name, end the channel."""
    async with meeting(driver, sends(close=code)) as fake:
        await driver.do("read", channel="bars")
        await driver.until(lambda: bool(driver.of("end")))
        assert driver.of("end")[0]["error"]["code"] == code
        assert len(fake.connections) == 1


async def test_a_wait_beyond_all_timers(driver: Driver) -> None:
    """A server that says to come back in a year is not asked again at once."""
    message = {"type": "shutdown", "payload": {"reconnect_after_ms": 31_536_000_000}}
    async with meeting(driver, sends(message, close=4001)) as fake:
        await driver.do("read", channel="bars")
        await driver.until(lambda: any(event["type"] == "closed" for event in driver.of("connection")))
        await asyncio.sleep(0.2)  # nothing is to come: a timer that overflows rings after a millisecond
        assert len(fake.connections) == 1


async def test_a_clock_that_is_wrong(driver: Driver) -> None:
    """By a clock for which each new token has expired already, no token is asked for again and again."""
    tokens = [jwt(-1000 + index, "x") for index in range(50)]
    heard: list[str] = []

    async def act(connection: ServerConnection) -> None:
        async for text in connection:
            frame = json.loads(text)
            heard.append(frame["type"])
            taken = {"type": "auth.ack", "payload": {"status": "ok", "message": "Good."}}
            pong = {"type": "pong", "payload": {"timestamp": 1}}
            await connection.send(json.dumps(with_id(pong if frame["type"] == "ping" else taken, frame)))

    async with meeting(driver, act, given=tokens):
        for _ in range(20):
            await driver.call("bars", "ping")
        assert heard.count("auth.refresh") <= 1


async def test_a_clock_that_is_set_back(driver: Driver) -> None:
    """A request ends in its time, and a silent server is left, when the clock is set back by an hour meanwhile."""
    patience = {"idleMs": 20_000, "requestTimeoutMs": 10_000}
    async with meeting(driver, speed=100, options=patience) as fake:
        fake.acts += [listens(fake)]
        await driver.call("bars", "open", timeoutMs=2_000_000)
        await driver.do("turn", ms=-3_600_000)
        await driver.until(lambda: len(fake.connections) >= 2)


async def test_a_channel_that_is_closed_when_it_opens(driver: Driver) -> None:
    """A channel that is closed by the callback that hears of its opening stays closed, and nothing of it goes on."""
    async with meeting(driver) as fake:
        fake.acts += [fake.hears(ack(5), close=4006), breaks()]
        await driver.call("bars", "subscribe", BARS)
        await driver.do("closeOnOpen", channel="bars")
        await driver.until(lambda: len([e for e in driver.of("connection") if e["type"] == "open"]) == 2)
        await asyncio.sleep(0.1)  # nothing is to come
        assert driver.of("refused") == []
