"""Cache endpoints: what each of the eight sends, in which order and at which positions, over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from gateway.settings import Settings
from gateway.sources.build import build_sources
from market.events import Trade
from tests.support.client import Client
from tests.support.clock import VirtualClock
from tests.support.flat import (
    BTC,
    CACHE,
    ENDPOINTS,
    ETH,
    OTHERS,
    OWN,
    SAME_NUMBER,
    Endpoint,
    Ledger,
    RawSocket,
    entered,
    key_of,
    market,
    running_at,
    shared_judge,
    shrink_send_buffers,
    something_of_everything,
    token_for,
)
from tests.support.frozen_client import read_cache
from tests.support.server import Running, running, until
from tests.support.source import START, Gated, ManualSource, symbol

SMALL_BUFFER = 32 * 1024
ROUNDS = 150
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)


@pytest.fixture
def source() -> ManualSource:
    """Two symbols at `test`, with accounts."""
    return market()


@pytest.fixture
async def server(source: ManualSource) -> AsyncIterator[Running]:
    """A server over that market."""
    async with running([source]) as server:
        yield server


def of(messages: list[dict[str, Any]], *members: str) -> list[tuple[Any, ...]]:
    """Return some members of each message."""
    return [tuple(message.get(member) for member in members) for message in messages]


# ------------------------------------------------------------------------------------------------ the four streams


async def test_a_ticker_comes_at_once_and_after_each_trade(server: Running, source: ManualSource) -> None:
    """Its numbers are the last trade's and the last day's; the narrow socket has its symbol alone."""
    source.trade(0, "10", "2", key=BTC)
    source.trade(1, "99", "1", key=ETH)
    source.sink.trade(Trade(BTC, START + 2, Decimal("12.5"), Decimal("0.5"), bid=Decimal("12.4"), ask=Decimal("12.6")))
    async with entered(server, "/tickers/test/BTC/USDT") as narrow, entered(server, "/tickers/test") as wide:
        first = {
            "type": "ticker",
            "exchange": "test",
            "symbol": "BTC/USDT",
            "time": START + 2,
            "price": 12.5,
            "bid": 12.4,
            "ask": 12.6,
            "volume": 2.5,
            "open": 10,
            "high": 12.5,
            "low": 10,
            "change": 2.5,
            "change_percent": 25,
        }
        [initial] = await narrow.settle()
        assert {name: initial[name] for name in first} == first
        assert sorted(of(await wide.settle(), "symbol", "price")) == [("BTC/USDT", 12.5), ("ETH/USDT", 99)]
        source.trade(3, "98", key=ETH)
        source.trade(4, "8", "1", key=BTC)
        [change] = await narrow.settle()
        assert of([change], "price", "bid", "ask", "volume", "low", "high", "change") == [
            (8, None, None, 3.5, 8, 12.5, -2)
        ]
        told = await wide.settle()
        assert of(told, "symbol", "price") == [("ETH/USDT", 98), ("BTC/USDT", 8)]
        assert told[1] == change


async def test_the_version_of_a_ticker_never_falls(server: Running, source: ManualSource) -> None:
    """Neither of a symbol's nor over all of an exchange's frames on one socket, whatever was traded last."""
    source.trade(0, key=ETH)
    source.trade(1, key=BTC)
    source.trade(2, key=BTC)
    source.trade(3, key=ETH)
    source.trade(4, key=BTC)
    async with entered(server, "/tickers/test") as wide, entered(server, "/tickers/test/ETH/USDT") as narrow:
        ledgers = Ledger(), Ledger()
        source.trade(5, key=ETH)
        for client, ledger in zip((wide, narrow), ledgers, strict=True):
            ledger.take(await client.settle())
        source.trade(6, key=BTC)
        source.trade(7, key=ETH)
        [[_, last], [own]] = [
            ledger.take(await client.settle()) for client, ledger in zip((wide, narrow), ledgers, strict=True)
        ]
        assert own == last
        source.trade(8, key=ETH)
        source.trade(9, key=BTC)
        async with entered(server, "/tickers/test") as late:
            ledger = Ledger()
            ledger.take(await late.settle())
            assert ledger.seq == max(ticker["seq"] for ticker in ledgers[0].take(await wide.settle()))


async def test_a_day_of_trades_leaves_the_ticker_after_a_day(server: Running, source: ManualSource) -> None:
    """Volume, open, high and low are those of the last 24 hours."""
    async with entered(server, "/tickers/test/BTC/USDT") as client:
        source.trade(0, "100", "7", key=BTC)
        source.trade(12 * 3_600_000, "10", "1", key=BTC)
        source.trade(24 * 3_600_000 + 60_000, "11", "2", key=BTC)
        last = (await client.settle())[-1]
        assert of([last], "volume", "open", "high", "low", "price") == [(3, 10, 11, 10, 11)]


async def test_a_ticker_of_the_past_comes_when_the_source_begins(source: ManualSource) -> None:
    """A client that came before gets it then, one that comes later at once; history is told to nobody as a trade."""
    gated = Gated(source)
    async with (
        running([gated]) as server,
        entered(server, "/tickers/test/BTC/USDT") as early,
        entered(server, "/trades/test") as trades,
    ):
        assert await early.settle() == []
        gated.opened.set()
        await until(lambda: source.runs == 1)
        source.sink.history(Trade(BTC, START, Decimal(7), Decimal(1)))
        source.sink.begins("test", START)
        assert of(await early.settle(), "price") == [(7,)]
        async with entered(server, "/tickers/test") as late:
            assert of(await late.settle(), "symbol", "price") == [("BTC/USDT", 7)]
        assert await trades.settle() == []


async def test_each_trade_comes_once_and_wide_and_narrow_count_alike(server: Running, source: ManualSource) -> None:
    """Nothing comes first; `seq` counts the exchange's trades, `prev` names the one before of the same symbol."""
    source.trade(0, key=BTC, trade_id="before")
    async with entered(server, "/trades/test/BTC/USDT") as narrow, entered(server, "/trades/test") as wide:
        source.trade(1, "10.5", "0.25", key=BTC, trade_id="a", side="sell")
        source.trade(2, key=ETH, trade_id="a", side="buy")
        source.trade(3, key=BTC, trade_id="a", side="buy")  # doubled
        source.trade(3, key=ETH, trade_id="b")
        source.trade(2, key=BTC, trade_id="b")  # late
        ledger = Ledger()
        told = ledger.take(await wide.settle())
        assert told[0] == {
            "type": "trade",
            "exchange": "test",
            "symbol": "BTC/USDT",
            "trade_id": "a",
            "timestamp": START + 1,
            "price": 10.5,
            "volume": 0.25,
            "side": "sell",
            "seq": 2,
            "prev": 1,
        }
        assert of(told[1:], "symbol", "trade_id", "timestamp", "seq", "prev") == [
            ("ETH/USDT", "a", START + 2, 3, 0),
            ("ETH/USDT", "b", START + 3, 4, 3),
            ("BTC/USDT", "b", START + 2, 5, 2),
        ]
        assert Ledger().take(await narrow.settle()) == [told[0], told[3]]
        source.trade(1, key=BTC, trade_id="before")  # doubled, of before the client came
        source.trade(9, key=BTC, trade_id="c")
        assert of(await narrow.settle(), "trade_id", "seq", "prev") == [("c", 6, 5)]


async def test_trades_without_ids_and_sides_are_told_apart(server: Running, source: ManualSource) -> None:
    """Two that are equal in everything are two; the side follows the price."""
    async with entered(server, "/trades/test/BTC/USDT") as client:
        for price in ("10", "11", "11", "9", "9"):
            source.trade(1, price, key=BTC)
        told = await client.settle()
        assert [trade["side"] for trade in told[1:]] == ["buy", "buy", "sell", "sell"]
        assert len({trade["trade_id"] for trade in told}) == 5


async def test_open_orders_come_first_and_then_each_change(server: Running, source: ManualSource) -> None:
    """What is over is no initial state; wide and narrow share the position; no other account's order comes."""
    source.order("btc", key=BTC, volume="2", filled="0.5", cost="5", fee="0.01", price="10", at=1)
    source.order("done", key=BTC, at=2)
    source.order("done", key=BTC, status="canceled", at=3)
    source.order("eth", key=ETH, side="sell", order_type="market", price=None, at=4)
    source.order("foreign", key=BTC, account=OTHERS, at=5)
    async with entered(server, "/orders/test") as wide, entered(server, "/orders/test/BTC/USDT") as narrow:
        ledgers = Ledger(), Ledger()
        initial = ledgers[0].take(await wide.settle())
        assert initial[0] == {
            "type": "order",
            "exchange": "test",
            "exchange_id": 1,
            "order_id": "btc",
            "symbol": "BTC/USDT",
            "side": "buy",
            "order_type": "limit",
            "volume": 2,
            "filled": 0.5,
            "remaining": 1.5,
            "price": 10,
            "average": 10,
            "cost": 5,
            "fee": 0.01,
            "status": "open",
            "timestamp": START + 1,
            "seq": 4,
            "prev": 4,
            "initial": True,
        }
        assert of(initial[1:], "order_id", "price", "average", "order_type", "initial", "seq") == [
            ("eth", None, None, "market", True, 4)
        ]
        assert ledgers[1].take(await narrow.settle()) == initial[:1]
        source.order("btc", key=BTC, volume="2", filled="2", cost="20", fee="0.04", status="closed", at=6)
        source.order("foreign", key=BTC, account=OTHERS, status="canceled", at=6)
        source.order("eth", key=ETH, side="sell", status="rejected", at=7)
        source.order("late", key=BTC, status="open", at=8)
        source.order("late", key=BTC, status="expired", at=9)
        source.order("gone", key=BTC, status="canceled", at=10)
        told = ledgers[0].take(await wide.settle())
        assert of(told, "order_id", "status", "seq", "prev", "initial") == [
            ("btc", "closed", 5, 3, None),
            ("eth", "rejected", 6, 4, None),
            ("late", "open", 7, 5, None),
            ("late", "expired", 8, 7, None),
            ("gone", "canceled", 9, 8, None),
        ]
        assert ledgers[1].take(await narrow.settle()) == [told[0], *told[2:]]
        async with entered(server, "/orders/test") as late:
            assert await late.settle() == []


async def test_every_balance_comes_first_and_then_each_change(server: Running, source: ManualSource) -> None:
    """The currency is the one member that has no other name; wide and narrow share the position."""
    source.balance("BTC", "1.5", "0.5")
    source.balance("USDT", "1000.10", "0", at=1)
    source.balance("BTC", "2.1", "0.5", at=2)
    source.balance("BTC", "77", account=OTHERS)
    source.balance("BTC", "88", account=SAME_NUMBER)
    async with entered(server, "/balances/1") as wide, entered(server, "/balances/1/BTC") as narrow:
        ledgers = Ledger(), Ledger()
        initial = ledgers[0].take(await wide.settle())
        assert initial == [
            {
                "type": "balances",
                "exchange_id": 1,
                "timestamp": START + 2,
                "BTC": {"total": 2.1, "free": 1.6, "used": 0.5},
                "seq": 3,
                "prev": 3,
                "initial": True,
            },
            {
                "type": "balances",
                "exchange_id": 1,
                "timestamp": START + 1,
                "USDT": {"total": 1000.1, "free": 1000.1, "used": 0},
                "seq": 3,
                "prev": 3,
                "initial": True,
            },
        ]
        assert ledgers[1].take(await narrow.settle()) == initial[:1]
        source.balance("USDT", "900", "1", at=3)
        source.balance("BTC", "3", account=OTHERS)
        source.balance("BTC", "3", account=SAME_NUMBER)
        source.balance("BTC", "0.3", "0.1", at=4)
        told = ledgers[0].take(await wide.settle())
        assert told == [
            {
                "type": "balances",
                "exchange_id": 1,
                "timestamp": START + 3,
                "USDT": {"total": 900, "free": 899, "used": 1},
                "seq": 4,
                "prev": 2,
            },
            {
                "type": "balances",
                "exchange_id": 1,
                "timestamp": START + 4,
                "BTC": {"total": 0.3, "free": 0.2, "used": 0.1},
                "seq": 5,
                "prev": 3,
            },
        ]
        assert ledgers[1].take(await narrow.settle()) == told[1:]


@each_endpoint
async def test_positions_have_no_hole_whenever_a_client_comes(
    server: Running, source: ManualSource, endpoint: Endpoint
) -> None:
    """Clients that come one after the other, while things go on, each see a stream without a hole, and all the same."""
    clients: list[tuple[Client, Ledger, list[dict[str, Any]]]] = []
    async with asyncio.TaskGroup() as group:
        leave = asyncio.Event()

        async def visit() -> None:
            async with entered(server, endpoint.path) as client:
                clients.append((client, Ledger(), []))
                await leave.wait()

        for number in range(6):
            something_of_everything(source, 2 * number)
            group.create_task(visit())
            while len(clients) == number:
                something_of_everything(source, 2 * number + 1)
                await asyncio.sleep(0)
            for client, ledger, seen in clients:
                seen += ledger.take(await client.settle())
        something_of_everything(source, 100)
        for client, ledger, seen in clients:
            seen += ledger.take(await client.settle())
            assert {message["type"] for message in seen} == {endpoint.serves}
            assert len({key_of(message) for message in seen}) == (2 if endpoint.form == "wide" else 1)
            assert seen[-1] == clients[0][2][-1]
        leave.set()


@pytest.mark.parametrize("stream", ["tickers", "trades", "orders"])
async def test_a_slash_in_a_symbol_may_be_encoded(server: Running, source: ManualSource, stream: str) -> None:
    """`/`, `%2F` and `%2f` are one address, and other characters may be encoded too."""
    told = []
    for spelling in ("BTC/USDT", "BTC%2FUSDT", "BTC%2fUSDT", "%42TC%2FUSDT"):
        client = await RawSocket.open(server.port, f"{CACHE}/{stream}/test/{spelling}", token_for(server))
        assert client.status == 101
        await until(lambda: len(server.gateway.server.sessions) == 1)
        something_of_everything(source, 0)
        source.trade(1, key=BTC)
        message = await client.message()
        told.append({name: message[name] for name in ("type", "symbol")})
        client.drop()
        await until(lambda: len(server.gateway.server.sessions) == 0)
    assert told == [told[0]] * 4
    assert told[0]["symbol"] == "BTC/USDT"


# ------------------------------------------------------------------------------------------------ what clients send


@each_endpoint
async def test_pings_are_answered_and_anything_else_is_told(server: Running, endpoint: Endpoint) -> None:
    """In flat frames, with the id as it was sent; the connection lives, and the stream goes on."""
    async with entered(server, endpoint.path) as client:
        for request_id in ("a", "x" * 64, 0, -7, 2**53 - 1):
            await client.raw(json.dumps({"type": "ping", "id": request_id, "later": [1]}))
            pong = await client.receive()
            assert (pong["type"], pong["id"]) == ("pong", request_id)
            assert isinstance(pong["id"], type(request_id))
            assert abs(pong["timestamp"] - server.gateway.clock.now_ms()) < 60_000
        await client.raw('{"type":"ping"}')
        assert set(await client.receive()) == {"type", "timestamp"}
        for tag in ("bars.subscribe", "subscribe", "pong", endpoint.serves, "", "PING"):
            await client.raw(json.dumps({"type": tag, "id": 7}))
            error = await client.receive()
            assert of([error], "type", "code", "id") == [("error", "unknown_type", 7)]
            assert "payload" not in error
        await client.raw('{"type":"ping","id":"me"')
        assert of([await client.receive()], "type", "code", "id") == [("error", "bad_request", None)]
        assert await client.settle() == []


FLAT_BAD_FRAMES: dict[str, tuple[str, object]] = {
    "empty": ("", None),
    "not JSON": ("hello", None),
    "NaN": ('{"type":"ping","id":NaN}', None),
    "duplicate key": ('{"type":"ping","id":1,"id":2}', None),
    "deep": ('{"type":"ping","x":' + "[" * 8_000 + "]" * 8_000 + "}", None),
    "deep, open": ("[" * 16_000, None),
    "number of 400 digits": ('{"type":"ping","id":' + "9" * 400 + "}", None),
    "overflow": ('{"type":"ping","id":1e400}', None),
    "lone surrogate": ('{"type":"ping","id":"\\ud800"}', None),
    "array": ("[]", None),
    "null": ("null", None),
    "no type": ('{"id":4}', 4),
    "type null": ('{"type":null,"id":"four"}', "four"),
    "type list": ('{"type":["ping"],"id":4}', 4),
    "id null": ('{"type":"ping","id":null}', None),
    "id true": ('{"type":"ping","id":true}', None),
    "id object": ('{"type":"ping","id":{}}', None),
    "id too long": ('{"type":"ping","id":"' + "x" * 65 + '"}', None),
    "id too large": ('{"type":"ping","id":9007199254740992}', None),
}


@pytest.mark.parametrize("path", ["/tickers/test", "/balances/1/BTC"])
async def test_bad_content_is_answered_in_a_flat_frame_and_the_socket_lives(server: Running, path: str) -> None:
    """Whatever it is: with the id where it could be read, in words of our own."""
    async with entered(server, path) as client:
        for name, (frame, request_id) in FLAT_BAD_FRAMES.items():
            await client.raw(frame)
            error = await client.receive()
            assert of([error], "type", "code", "id") == [("error", "bad_request", request_id)], name
            assert not any(leak in error["message"] for leak in ("Traceback", "pydantic", "Expecting", "recursion"))
            assert await client.settle() == [], name


async def test_the_protocols_limits_hold_on_cache_sockets(source: ManualSource) -> None:
    """Twenty bad frames, a binary frame, a frame too large, frames too fast: as on the bars socket, in flat frames."""
    async with running([source], frames_burst=30, frames_per_second=0.001) as server:
        async with entered(server, "/trades/test") as client:
            for _ in range(20):
                await client.raw("x")
            assert await client.closed() == 4502
        async with entered(server, "/trades/test") as client:
            await client.raw(b"\x00")
            assert await client.closed() == 1003
        async with entered(server, "/trades/test") as client:
            await client.raw("x" * 16_385)
            assert await client.closed() == 1009
        async with entered(server, "/trades/test") as client:
            for number in range(31):
                await client.raw(json.dumps({"type": "ping", "id": number}))
            told = [await client.receive() for _ in range(31)]
            assert of(told[-1:], "type", "code", "id") == [("error", "rate_limited", 30)]
            assert told[-1]["retry_after_ms"] > 0


# ------------------------------------------------------------------------------------------------ sources that go


@each_endpoint
async def test_a_source_that_fails_and_returns(source: ManualSource, endpoint: Endpoint) -> None:
    """Its clients are told and live; who comes meanwhile is told too; when it returns all come again, to a new life."""
    clock = VirtualClock()
    async with running_at(clock, source) as server, entered(server, endpoint.path) as client:
        something_of_everything(source, 0)
        before = await client.settle()
        assert before
        source.fail()
        error = await client.receive()
        assert of([error], "type", "code") == [("error", "source_unavailable")]
        assert "secret" not in error["message"]
        assert await client.settle() == []
        async with entered(server, endpoint.path) as late:
            told = await late.settle()
            assert of(told[-1:], "type", "code") == [("error", "source_unavailable")]
            await until(lambda: clock.pending > 1)
            await clock.advance(2)
            await until(lambda: source.runs == 2)
            assert await late.closed() == 4006
        assert await client.closed() == 4006
        async with entered(server, endpoint.path) as again:
            assert await again.settle() == []
            something_of_everything(source, 1)
            ledger = Ledger()
            told = ledger.take(await again.settle())
            assert len(told) == len(before)
            if endpoint.serves != "ticker":
                assert min(message["seq"] for message in told) == 1
                assert {message["prev"] for message in told} == {0}


@each_endpoint
async def test_a_source_that_ends(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Its clients are told and live; who comes later gets the last state and is told too."""
    something_of_everything(source, 0)
    async with entered(server, endpoint.path) as client:
        initial = await client.settle()
        source.end()
        told = await client.settle()
        assert of(told, "type", "code") == [("error", "source_unavailable")]
    async with entered(server, endpoint.path) as late:
        assert await late.settle() == [*initial, *told]


async def test_another_exchanges_end_is_nobodys_business(source: ManualSource) -> None:
    """A socket of one exchange hears nothing of the failure of another."""
    other = ManualSource(symbol("XXX", "other"), name="other")
    async with running([source, other]) as server, entered(server, "/tickers/test") as client:
        other.fail()
        async with entered(server, "/tickers/other") as told:
            assert of([await told.receive()], "code") == [("source_unavailable",)]
        assert await client.settle() == []


@each_endpoint
async def test_a_server_that_goes_says_so_in_a_flat_frame(source: ManualSource, endpoint: Endpoint) -> None:
    """`shutdown` with a time to return, then 4001."""
    async with running([source]) as server, entered(server, endpoint.path) as client:
        await client.settle()
        server.uvicorn.should_exit = True
        assert await client.receive() == {"type": "shutdown", "reconnect_after_ms": 1234}
        assert await client.closed() == 4001


@each_endpoint
async def test_a_token_that_expires_ends_its_cache_socket(source: ManualSource, endpoint: Endpoint) -> None:
    """4003 at its time, not before."""
    clock = VirtualClock()
    async with running_at(clock, source) as server:
        token = token_for(server, exp=clock.now_ms() // 1000 + 60)
        async with entered(server, endpoint.path, token) as client:
            await client.settle()
            await clock.advance(59)
            assert await client.settle() == []
            await clock.advance(1)
            assert await client.closed() == 4003


# ------------------------------------------------------------------------------------------------ slow clients


async def test_a_slow_client_gets_every_ticker_of_a_large_exchange() -> None:
    """5000 symbols' tickers, more than an outbox holds, in most of a minute: it reads on, and so it is not cut off."""
    clock = VirtualClock()
    names = [f"S{number:04d}/USDT" for number in range(5000)]
    source = ManualSource(*(symbol(name) for name in names))
    async with running_at(clock, source, outbox_bytes=64 * 1024) as server:
        shrink_send_buffers(server)
        for number, name in enumerate(names):
            source.trade(number, str(1 + number), key=f"test:{name}")
        path = f"{CACHE}/tickers/test"
        client = await RawSocket.open(server.port, path, token_for(server), receive_buffer=SMALL_BUFFER)
        ledger = Ledger()
        initial: dict[str, float] = {}
        for read in range(len(names)):
            [ticker] = ledger.take([await client.message()])
            initial[ticker["symbol"]] = ticker["price"]
            if read % 100 == 0:
                await clock.advance(1)
            if read == 1000:  # what comes now waits until the rest of them is read
                source.trade(9999, "0.5", key="test:S4990/USDT")
        assert initial == {name: 1 + number for number, name in enumerate(names)}
        [ticker] = ledger.take([await client.message()])
        assert (ticker["symbol"], ticker["price"]) == ("S4990/USDT", 0.5)
        assert clock.monotonic() >= 50
        client.drop()


async def test_a_slow_client_of_tickers_misses_what_lies_between_and_ends_with_the_newest(
    source: ManualSource,
) -> None:
    """It is not closed for being slow, its versions never fall, and the last ticker of each symbol arrives."""
    async with running([source], outbox_bytes=4096) as server:
        shrink_send_buffers(server)
        client = await RawSocket.open(
            server.port, f"{CACHE}/tickers/test", token_for(server), receive_buffer=SMALL_BUFFER
        )
        await until(lambda: len(server.gateway.server.sessions) == 1)
        [session] = server.gateway.server.sessions
        rounds = 0
        while session.conflated < 1000:
            rounds += 1
            assert rounds < 50_000
            for key in (BTC, ETH):
                source.trade(rounds, str(rounds), key=key)
            await asyncio.sleep(0)
        ledger, last = Ledger(), dict[str, float]()
        while set(last.values()) != {rounds}:
            [ticker] = ledger.take([await client.message()])
            last[ticker["symbol"]] = ticker["price"]
        assert session.ended is None
        client.drop()


@pytest.mark.parametrize("path", ["/trades/test", "/orders/test/BTC/USDT", "/balances/1"])
async def test_a_slow_client_of_a_lossless_stream_is_closed(source: ManualSource, path: str) -> None:
    """With 4002; what it did get has no hole, and a client that reads misses nothing."""
    async with running([source], outbox_bytes=32 * 1024) as server:
        shrink_send_buffers(server)
        slow = await RawSocket.open(server.port, CACHE + path, token_for(server), receive_buffer=SMALL_BUFFER)
        await until(lambda: len(server.gateway.server.sessions) == 1)
        [session] = server.gateway.server.sessions
        async with entered(server, path) as healthy:
            all_of_it, ledger, number = [], Ledger(), 0
            while session.ended is None:
                assert number < 20_000
                something_of_everything(source, number)
                number += 1
                if number % 20 == 0:
                    all_of_it += ledger.take(await healthy.settle())
            all_of_it += ledger.take(await healthy.settle())
        assert session.ended == "slow_consumer"
        judge, held = shared_judge(), Ledger()
        got: list[dict[str, Any]] = []
        while (frame := await slow.frame())[0] == 1:
            got += held.take([judge.frame(frame[1].decode(), CACHE + path)])
        opcode, payload = frame
        assert (opcode, int.from_bytes(payload[:2], "big")) == (8, 4002)
        judge.close(4002, payload[2:].decode())
        assert got == all_of_it[: len(got)]
        assert len(all_of_it) > len(got)
        slow.drop()


# ------------------------------------------------------------------------------------------------ clients of old


@each_endpoint
async def test_a_client_that_reads_flat_fields_works_unchanged(
    server: Running, source: ManualSource, endpoint: Endpoint
) -> None:
    """The frozen client reads the first frames of each endpoint."""
    something_of_everything(source, 0)

    async def go_on() -> None:
        number = 1
        while True:
            something_of_everything(source, number)
            number += 1
            await asyncio.sleep(0.005)

    url = f"ws://127.0.0.1:{server.port}{endpoint.path}?token="
    feeding = asyncio.create_task(go_on())
    try:
        async with asyncio.timeout(20):
            rows = await read_cache(url, token_for(server), 6)
    finally:
        feeding.cancel()
    match endpoint.serves:
        case "ticker":
            assert {row["market"][0] for row in rows} == {"test"}
            assert rows[0]["last"] >= 10
        case "trade":
            assert all(row["money"] >= 11 for row in rows)
        case "order":
            assert all(row["left"] == 1 and row["limit"] == 10 and row["paid"] is None for row in rows)
        case "balances":
            assert {row["account"] for row in rows} == {1}
            assert all(len(row) == 2 for row in rows)
    if endpoint.form == "narrow" and endpoint.serves != "balances":
        assert {row["market"] for row in rows} == {("test", "BTC/USDT")}
    assert OWN.exchange_id == 1


# ------------------------------------------------------------------------------------------------ both sources


@dataclass
class Books:
    """What follows from the frames of one account's orders: how each currency must have changed."""

    began: dict[str, Decimal] = field(default_factory=dict)
    changed: dict[str, Decimal] = field(default_factory=dict)
    told: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: set[str] = field(default_factory=set)
    fills: int = 0
    amended: int = 0

    def balances(self, messages: list[dict[str, Any]]) -> None:
        """Take balances: each adds up, and none is negative."""
        for message in messages:
            currency = key_of(message)
            total, free, used = (Decimal(str(message[currency][part])) for part in ("total", "free", "used"))
            assert total == free + used, message
            assert min(free, used) >= 0, message
            self.began.setdefault(currency, total)
            self.told[currency] = total

    def order(self, messages: list[dict[str, Any]]) -> None:
        """Take orders: what each was filled since its last frame moves two currencies."""
        for message in messages:
            before = self.orders.get(message["order_id"], {"filled": 0, "cost": 0, "fee": 0})
            assert before.get("status", "open") == "open", "an order that was over changed"
            filled, cost, fee = (
                Decimal(str(message[part])) - Decimal(str(before[part])) for part in ("filled", "cost", "fee")
            )
            assert min(filled, cost, fee) >= 0, message
            self.amended += "status" in before and filled == 0 and message["status"] == "open"
            self.fills += filled > 0
            self.statuses.add(message["status"])
            self.orders[message["order_id"]] = message
            volume, done, left = (Decimal(str(message[part])) for part in ("volume", "filled", "remaining"))
            assert volume == done + left, message
            assert (message["status"] == "closed") == (left == 0), message
            base, _, quote = message["symbol"].partition("/")
            sign = 1 if message["side"] == "buy" else -1
            for currency, change in ((base, sign * filled), (quote or "USD", -sign * cost - fee)):
                self.changed[currency] = self.changed.get(currency, Decimal(0)) + change

    def balance_out(self) -> None:
        """Fail where the balances are not what the fills make of those at the beginning."""
        assert {currency: self.began[currency] + self.changed.get(currency, 0) for currency in self.began} == self.told
        assert set(self.changed) <= set(self.told)


@pytest.mark.parametrize(
    ("exchange", "number", "symbol", "currency"), [("sim", 1, "BTC/USDT", "USDT"), ("nasdaq", 2, "AAPL", "USD")]
)
async def test_both_sources_serve_every_frame_and_their_accounts_add_up(
    exchange: str, number: int, symbol: str, currency: str
) -> None:
    """All eight endpoints of each; at every pause the balances are exactly what all fills since the start make them."""
    clock = VirtualClock()
    settings = Settings(sources=("sim", "replay"))
    gates = [Gated(source) for source in await build_sources(settings, clock, None)]
    paths = {
        f"/tickers/{exchange}": "ticker",
        f"/tickers/{exchange}/{symbol}": "ticker",
        f"/trades/{exchange}": "trade",
        f"/trades/{exchange}/{symbol}": "trade",
        f"/orders/{exchange}": "order",
        f"/orders/{exchange}/{symbol}": "order",
        f"/balances/{number}": "balances",
        f"/balances/{number}/{currency}": "balances",
    }
    async with running_at(clock, *gates, ping_s=3600) as server, AsyncExitStack() as stack:
        token = token_for(server, accounts=[1, 2])
        clients = {path: await stack.enter_async_context(entered(server, path, token)) for path in paths}
        ledgers = {path: Ledger() for path in paths}
        seen: dict[str, list[dict[str, Any]]] = {path: [] for path in paths}
        books = Books()
        for gate in gates:
            gate.opened.set()
        for _ in range(ROUNDS):
            await clock.advance(2)
            for path, client in clients.items():
                got = ledgers[path].take(await client.settle())
                seen[path] += got
                if path == f"/orders/{exchange}":
                    books.order(got)
                elif path == f"/balances/{number}":
                    books.balances(got)
            books.balance_out()
        for path, serves in paths.items():
            assert {message["type"] for message in seen[path]} == {serves}, path
            keys = {key_of(message) for message in seen[path]}
            assert keys == {symbol} if path.endswith(symbol) else keys == {currency} or len(keys) > 1, path
        for wide, narrow in pairwise(paths):
            if narrow.startswith(f"{wide}/"):
                key = key_of(seen[narrow][0])
                assert seen[narrow] == [message for message in seen[wide] if key_of(message) == key]
        assert books.statuses == {"open", "closed", "canceled", "expired", "rejected"}
        assert books.fills > 20
        assert books.amended > 5
        # Who comes now is told how everything stands.
        async with (
            entered(server, f"/orders/{exchange}", token) as orders,
            entered(server, f"/balances/{number}", token) as balances,
        ):
            standing = [order for order in books.orders.values() if order["status"] == "open"]
            initial = await orders.settle()
            assert {order["order_id"]: order["filled"] for order in initial} == {
                order["order_id"]: order["filled"] for order in standing
            }
            assert {
                key_of(message): Decimal(str(message[key_of(message)]["total"])) for message in await balances.settle()
            } == books.told
