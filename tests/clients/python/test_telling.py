"""What the Python client tells beside messages: what becomes of the connection, and each reply."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tapecast_client import Client, ConnectionFailed, Lost, Opened, Refused, models
from tests.support.fake_server import FakeServer, ack, answers, balance, ready, sends

TOKEN = "header.payload.signature"


async def no_wait(seconds: float) -> None:
    """Come back at once."""
    del seconds


def client_of(fake: FakeServer, **options: Any) -> Client:
    """Return a client of the fake server that comes back at once."""
    chosen = {"token": TOKEN, "sleep": no_wait, "timeout_s": 5.0, "random": lambda: 0.5, **options}
    return Client(fake.url, **chosen)


async def test_it_tells_what_becomes_of_its_connection() -> None:
    """That it is open; with which code it ended and when the next is tried; why that failed: in the messages' order."""
    fake = FakeServer([sends(ready(1), close=4002), sends(ready(1, recovered=True))])
    busy = [None, (503, {"code": "busy"})]
    fake.answer = lambda request: busy.pop(0) if busy else None
    told: list[object] = []
    async with asyncio.timeout(20), fake.up():
        client = client_of(fake, on_connection=told.append)
        async with client.exchange_trades(exchange="sim") as trades:
            told.append(type(await anext(trades)))
            told.append(type(await anext(trades)))
    first, _, lost, refused, again, _ = told
    assert first == again == Opened("exchangeTrades")
    assert told[1] is told[5] is models.Ready
    assert lost == Lost("exchangeTrades", 4002, "a reason", 0.25, told=False, error=None)
    assert isinstance(refused, Lost)
    assert (refused.code, refused.wait_s) == (1006, 0.5)
    assert isinstance(refused.error, Refused)


async def test_it_tells_the_replies_to_what_it_asks_by_itself() -> None:
    """The answer to a subscription that is sent again is told, and so is the first, which the caller has, too."""
    fake = FakeServer([])
    fake.acts += [fake.hears(ack(5), close=4002), fake.hears(ack(5, recovered=True))]
    told: list[Any] = []
    async with asyncio.timeout(20), fake.up(), client_of(fake, on_reply=told.append).bars() as bars:
        assert (await bars.subscribe_bars(symbol="sim:BTC/USDT", resolution="1")).payload.seq == 5
        reading = asyncio.create_task(anext(bars))
        while len(told) < 2:
            await asyncio.sleep(0.002)
        reading.cancel()
    assert [reply.payload.recovered for reply in told[1:]] == [True]
    assert isinstance(told[0], models.BarsAck)


async def test_it_asks_where_what_stands_ends() -> None:
    """Once that is answered, a connection that is lost goes on from there; without an answer it begins anew."""
    asked: list[Any] = []

    async def answered(connection: ServerConnection) -> None:
        for frame in (ready(5), balance(5, 5, initial=True)):
            await connection.send(json.dumps(frame))
        asked.append(json.loads(await connection.recv()))
        await sends({"type": "pong", "timestamp": 1, "id": asked[0]["id"]}, close=4002)(connection)

    fake = FakeServer([sends(ready(5), close=4002), answered, sends(ready(5, recovered=True))])
    async with asyncio.timeout(20), fake.up(), client_of(fake).account_balances(exchange_id=1) as balances:
        while len(fake.seen) < 3:
            await anext(balances)
    assert [request.path.partition("?")[2] for request in fake.seen] == ["", "", "seq=5&epoch=e1"]
    assert asked[0]["type"] == "ping"


async def test_what_is_offered_can_be_chosen() -> None:
    """Other subprotocols than the document's, or none; an empty token is not sent, whatever the document wants."""
    fake = FakeServer([sends(ready(5)), sends(ready(5))])
    async with asyncio.timeout(20), fake.up():
        async with client_of(fake, subprotocols=(), token="").tickers(exchange="sim", symbol="A") as tickers:
            assert tickers.subprotocol is None
        async with client_of(fake, subprotocols=["x", "tapecast.v1"]).tickers(exchange="sim", symbol="A") as tickers:
            assert tickers.subprotocol == "tapecast.v1"
    plain, other = (request.headers for request in fake.seen)
    assert "Sec-WebSocket-Protocol" not in plain
    assert "Authorization" not in plain
    assert other["Sec-WebSocket-Protocol"] == "x, tapecast.v1"


async def test_why_it_could_not_connect_can_be_told_apart(unused_tcp_port: int) -> None:
    """What the operating system said is an attribute; a refusal has its body, of which its text shows the beginning."""
    with pytest.raises(ConnectionFailed) as failed:
        await Client(f"ws://127.0.0.1:{unused_tcp_port}").bars().__aenter__()
    assert isinstance(failed.value.error, ConnectionRefusedError)
    fake = FakeServer([])
    fake.answer = answers(404, {"message": "x" * 3000})
    async with fake.up():
        with pytest.raises(Refused) as refused:
            await client_of(fake).bars().__aenter__()
    assert json.loads(refused.value.body) == {"message": "x" * 3000}
    assert len(str(refused.value)) < 600
