"""Completeness: each message, error code and close code of the document is seen on the wire, none but these.

What is seen is remembered by the judge from the frames themselves; the last test compares it with the document.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from generated.messages import BarsIncoming
from handlers.bars import BarsHandlers
from market.events import Account
from streaming.clock import SystemClock
from streaming.session import Session
from tests.end_to_end.test_bad_input import RawSocket
from tests.support import tokens
from tests.support.client import connected
from tests.support.clock import VirtualClock
from tests.support.handshake import V1, shake
from tests.support.judge import Judge
from tests.support.server import running
from tests.support.source import MINUTE, ManualSource

Scenario = Callable[[Judge], Awaitable[None]]


async def replies_and_bars(judge: Judge) -> None:
    """Every reply, good and bad, and bars."""
    source = ManualSource()
    async with running([source], max_subscriptions=1) as server, connected(server.bars, judge) as client:
        await client.subscribe("AAA", "1")
        await client.subscribe("AAA", "3")
        await client.subscribe("NOPE", "1")
        await client.subscribe("AAA", "nope")
        await client.request("ping")
        source.trade(0)
        await client.settle()
        await client.request("bars.unsubscribe", {"symbol": "AAA", "resolution": "1"})
        await client.request("bars.unsubscribe", {"symbol": "AAA", "resolution": "1"})
        await client.request("nope")
        await client.connection.close(1000)
        judge.close(client.connection.close_code or 0, "")
    async with running([source]) as server, connected(server.bars, judge) as client:
        await client.connection.close(1001)
        judge.close(client.connection.close_code or 0, "")


async def cache_sockets(judge: Judge) -> None:
    """Each frame of the cache sockets."""
    source = ManualSource(accounts=(Account("1", 1, "test", ("AAA",)),))
    async with running([source]) as server:
        token = tokens.sign(tokens.claims(SystemClock().now_ms()))
        source.trade(0)
        source.order("o")
        source.balance("AAA", "1")
        for address in ("tickers/test", "trades/test/AAA", "orders/test", "balances/1/AAA"):
            async with connected(f"{server.cache}/{address}?token={token}", judge) as client:
                await client.request("nope")
                source.trade(1)
                await client.request("ping")
        async with connected(f"{server.cache}/tickers/test?token={token}", judge) as client:
            await client.request("ping")
            server.uvicorn.should_exit = True
            assert await client.closed() == 4001


async def coming_back(judge: Judge) -> None:
    """Positions, snapshots, corrections, and what can't be had any more."""
    source = ManualSource(accounts=(Account("1", 1, "test", ("AAA",)),))
    async with running([source], bars_interval_ms=0) as server:
        token = tokens.sign(tokens.claims(SystemClock().now_ms()))
        async with connected(server.bars, judge) as client:
            await client.subscribe("AAA", "1", snapshot=3, resume={"epoch": "another", "seq": 1})
            source.trade(0)
            source.clock(2 * MINUTE)
            source.trade(1, "11")  # late
            await client.settle()
        v1 = {"subprotocols": ["tapecast.v1"]}
        for address in ("trades/test", "orders/test", "balances/1/AAA", "tickers/test"):
            position = "" if address == "tickers/test" else "&epoch=another&seq=1"
            async with connected(f"{server.cache}/{address}?token={token}{position}", judge, **v1) as client:
                await client.settle()


async def renewing(judge: Judge) -> None:
    """A token that is renewed, a bad one, and another user's, in both forms; and the warning before its end."""
    clock = VirtualClock(1_700_000_000_000)
    source = ManualSource()
    async with running([source], clock=clock, token_warning_ms=60_000) as server:
        now = clock.now_ms()
        token, longer = (tokens.sign(tokens.claims(now, exp=now // 1000 + lives)) for lives in (30, 300))
        foreign = tokens.sign(tokens.claims(now, sub="another", exp=now // 1000 + 300))
        for url, flat in ((server.bars, False), (f"{server.cache}/tickers/test", True)):
            async with connected(f"{url}?token={token}", judge, subprotocols=["tapecast.v1"]) as client:
                for each, status in ((longer, "ok"), ("garbage", "error"), (foreign, "error")):
                    if flat:
                        await client.raw(json.dumps({"type": "auth.refresh", "token": each}))
                    else:
                        await client.send("auth.refresh", {"token": each})
                    answer = (await client.receive_until(lambda message: message["type"] == "auth.ack"))[-1]
                    assert (answer if flat else answer["payload"])["status"] == status
                assert await client.closed() == 4501
            async with connected(f"{url}?token={token}", judge, subprotocols=["tapecast.v1"]) as client:
                await clock.advance(0.1)  # half a minute is left: it is warned at once
                await client.receive_until(lambda message: message["type"] == "auth.expiring")


async def bad_frames(judge: Judge) -> None:
    """Twenty bad frames, then 4502."""
    async with running([ManualSource()]) as server, connected(server.bars, judge) as client:
        for _ in range(20):
            await client.raw("x")
        assert await client.closed() == 4502


async def flood(judge: Judge) -> None:
    """Frames faster than the limit, three times: rate_limited, then 4005."""
    clock = VirtualClock()
    limited = running([ManualSource()], clock=clock, frames_burst=1, frames_per_second=100)
    async with limited as server, connected(server.bars, judge) as client:
        for _ in range(3):
            await client.send("ping")
            await client.send("ping")
            assert [(await client.receive())["type"] for _ in range(2)] == ["pong", "error"]
            await clock.advance(0.05)
        assert await client.closed() == 4005


async def failing_source(judge: Judge) -> None:
    """A source that fails and comes back."""
    source = ManualSource()
    async with running([source]) as server, connected(server.bars, judge) as client:
        await client.subscribe("AAA", "1")
        source.fail()
        assert await client.closed() == 4006


async def failing_handler(judge: Judge) -> None:
    """A handler with a fault."""

    class Faulty(BarsHandlers):
        async def ping(self, session: Session, message: BarsIncoming, /) -> None:  # type: ignore[override]  # on purpose
            raise RuntimeError("a secret of the handler")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.app.BarsHandlers", Faulty)
        async with running([ManualSource()]) as server, connected(server.bars, judge) as client:
            await client.send("ping")
            error = await client.receive()
            assert error["payload"]["code"] == "internal"
            assert "secret" not in error["payload"]["message"]
            assert await client.closed() == 1011
            assert len(server.gateway.server.sessions) == 0


async def shutdown(judge: Judge) -> None:
    """A server that goes."""
    async with running([ManualSource()]) as server, connected(server.bars, judge) as client:
        await client.request("ping")
        server.uvicorn.should_exit = True
        message = await client.receive()
        assert (message["type"], message["payload"]) == ("shutdown", {"reconnect_after_ms": 1234})
        assert await client.closed() == 4001


async def slow_consumer(judge: Judge) -> None:
    """A client that does not read: here, one whose outbox is smaller than its replies."""
    source = ManualSource()
    async with running([source], outbox_bytes=1024) as server, connected(server.bars, judge) as client:
        await client.request("ping")
        session = next(iter(server.gateway.server.sessions))
        session.send(b'{"type":"pong","payload":{"timestamp":1' + b"0" * 1024 + b"}}")
        assert await client.closed() == 4002


async def silent_client(judge: Judge) -> None:
    """A client that never answers a ping."""

    def talk(port: int) -> tuple[int, str]:
        return RawSocket(port).close_frame()

    async with running([ManualSource()], ping_s=0.02, pong_s=0.02) as server:
        judge.close(*await asyncio.to_thread(talk, server.port))


async def protocol_faults(judge: Judge) -> None:
    """What is against RFC 6455, and what is too large."""

    def talk(port: int, first: int, payload: bytes) -> tuple[int, str]:
        raw = RawSocket(port)
        raw.send(first, payload)
        return raw.close_frame()

    async with running([ManualSource()], max_frame_bytes=1024) as server:
        for first, payload in ((0x83, b""), (0x82, b"x"), (0x81, b"\xff")):
            judge.close(*await asyncio.to_thread(talk, server.port, first, payload))
        async with connected(server.bars, judge) as client:
            await client.raw("x" * 1025)
            assert await client.closed() == 1009


async def refusals(judge: Judge) -> None:
    """A bad token, an unknown address and a token that expires, for a client that offers our subprotocol."""
    clock = VirtualClock(1_700_000_000_000)
    async with running([ManualSource()], clock=clock) as server:
        assert (await shake(server.port, V1, query="?token=garbage", judge=judge)).close == 1008
        assert (await shake(server.port, V1, path="/nope", judge=judge)).close == 4504
        token = tokens.sign(tokens.claims(clock.now_ms(), exp=clock.now_ms() // 1000 + 5))
        async with connected(server.bars + "?token=" + token, judge) as client:
            await client.request("ping")
            await clock.advance(6)
            assert await client.closed() == 4003


async def too_many(judge: Judge) -> None:
    """One connection more than an address may have."""
    async with running([ManualSource()], max_connections_per_address=1) as server, connected(server.bars, judge):
        assert (await shake(server.port, V1, judge=judge)).close == 4007


SCENARIOS: list[Scenario] = [
    replies_and_bars,
    cache_sockets,
    coming_back,
    renewing,
    bad_frames,
    flood,
    failing_source,
    failing_handler,
    shutdown,
    slow_consumer,
    silent_client,
    protocol_faults,
    refusals,
    too_many,
]


async def test_all_of_the_document_is_seen_and_nothing_else() -> None:
    """The messages, error codes and close codes on the wire are exactly those that the document lists."""
    judge = Judge()
    for scenario in SCENARIOS:
        with pytest.MonkeyPatch.context() as patch:
            if scenario in (silent_client, protocol_faults):  # these clients never answer a close
                patch.setattr("gateway.transport.stock.CLOSE_TIMEOUT", 0.2)
            await scenario(judge)
    assert judge.seen.messages == judge.sent
    assert judge.seen.error_codes == judge.error_codes
    assert judge.seen.close_codes == set(judge.close_codes)


def test_the_judge_can_fail() -> None:
    """A frame of an unknown type, a wrong member, an undeclared code and a wrong close code are all found."""
    judge = Judge()
    for bad in (
        '{"type":"bars.subscribe","payload":{"symbol":"AAA"}}',
        '{"type":"pong","payload":{"timestamp":"1"}}',
        '{"type":"pong"}',
        '{"type":"error","payload":{"code":"nope","message":"x"}}',
        '{"type":"pong","payload":{"timestamp":NaN}}',
        "[]",
        b'{"type":"pong","payload":{"timestamp":1}}',
    ):
        with pytest.raises(AssertionError):
            judge.frame(bad)
    with pytest.raises(AssertionError):
        judge.close(4999, "")
    with pytest.raises(AssertionError):
        judge.close(4002, "another text")
