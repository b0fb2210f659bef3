"""The TypeScript client against our own server."""

import time
from collections.abc import AsyncIterator

import pytest

from tests.support.node import Driver, DriverError
from tests.support.server import Running, running
from tests.support.source import MINUTE, ManualSource
from tests.support.tokens import claims, sign


def token(**changes: object) -> str:
    """Return a token of the tests' user, for an hour."""
    return sign(claims(int(time.time() * 1000), **changes))


@pytest.fixture
def source() -> ManualSource:
    """A source that the test speaks for."""
    return ManualSource()


@pytest.fixture
async def server(source: ManualSource) -> AsyncIterator[Running]:
    """Our server over it."""
    async with running([source], bars_interval_ms=0) as server:
        yield server


async def begin(driver: Driver, server: Running, **more: object) -> None:
    """Make a client of the server."""
    await driver.do("start", options={"url": server.http.replace("http", "ws")}, given=[token()], **more)


async def test_a_request_returns_its_answer(driver: Driver, server: Running) -> None:
    """`subscribe` returns the acknowledgement, with the id that the client gave it; a refusal is an answer, too."""
    await begin(driver, server)
    ack = await driver.call("bars", "subscribe", {"symbol": "test:AAA", "resolution": "1"})
    assert ack["type"] == "bars.ack"
    assert ack["payload"]["status"] == "ok"
    refused = await driver.call("bars", "subscribe", {"symbol": "NOPE"})
    assert refused["payload"]["code"] == "unknown_symbol"
    assert refused["payload"]["id"] != ack["payload"]["id"]
    assert await driver.do("subscriptions", channel="bars") == [["test:AAA", "1"]]


async def test_bars_come_as_messages(driver: Driver, server: Running, source: ManualSource) -> None:
    """What the server pushes comes out of `messages`, and answers to requests don't."""
    await begin(driver, server)
    await driver.call("bars", "subscribe", {"symbol": "test:AAA", "resolution": "1"})
    await driver.do("read", channel="bars")
    source.trade(0)
    source.trade(MINUTE)
    await driver.until(lambda: any(message["payload"].get("final") for message in driver.messages("bars.update")))
    await driver.call("bars", "ping")
    assert {message["type"] for message in driver.messages()} == {"bars.update"}


async def test_trades_of_an_address(driver: Driver, server: Running, source: ManualSource) -> None:
    """A channel with parameters is called with them; `ready` comes first, and the token goes as a subprotocol."""
    await begin(driver, server)
    given = [{"exchange": "test", "symbol": "AAA"}, {"replay": 5}]
    await driver.do("read", channel="trades", given=given)
    await driver.until(lambda: bool(driver.messages("ready")))
    source.trade(0)
    await driver.until(lambda: bool(driver.messages("trade")))
    (socket,) = await driver.do("sockets")
    assert socket["url"].endswith("/api/v1/cache/ws/trades/test/AAA?replay=5")
    assert socket["protocols"][0] == "tapecast.v1"
    assert socket["protocols"][1].startswith("bearer.")


async def test_an_error_with_the_requests_id_is_thrown(driver: Driver, server: Running) -> None:
    """A frame that answers a request, and is none of its replies, rejects it with the frame."""
    await begin(driver, server)
    with pytest.raises(DriverError) as caught:
        await driver.call("bars", "subscribe", {"symbol": 7})
    assert caught.value.error["name"] == "RefusedError"
    assert caught.value.error["answer"]["payload"]["code"] == "bad_request"


async def test_a_bad_token_ends_the_channel(driver: Driver, server: Running) -> None:
    """A refusal by close code stops the client, and says why."""
    await driver.do("start", options={"url": server.http.replace("http", "ws")}, given=["x.y.z"])
    await driver.do("read", channel="exchangeTrades", given=[{"exchange": "test"}])
    await driver.until(lambda: bool(driver.of("end")))
    assert driver.of("end")[0]["error"]["code"] == 1008
