"""Limits of connections on real sockets: who finds no place is told, and each place comes back, however one leaves."""

import asyncio
import json
import re
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from generated.refusals import Refusal
from tests.support import tokens
from tests.support.flat import CACHE, RawSocket, client_frame, handshake, market, shared_judge, token_for
from tests.support.handshake import V1, Outcome, shake
from tests.support.server import Running, running, until
from tests.support.source import ManualSource

BARS = "/api/v1/ws"
TRADES = f"{CACHE}/trades/test"


def held(server: Running) -> int:
    """Return how many places are taken."""
    return server.gateway.admission.taken


async def come(server: Running, path: str = BARS, token: str | None = None, *headers: tuple[str, str]) -> RawSocket:
    """Connect, and expect to be let in."""
    client = await RawSocket.open(server.port, path, token, *headers)
    assert client.status == 101
    return client


async def refusal(server: Running, path: str = BARS, *headers: tuple[str, str]) -> str:
    """Expect 429 by HTTP, with the seconds to wait, and 4007 for who offers our subprotocol; returns the message."""
    client = await RawSocket.open(server.port, path, None, *headers)
    assert client.status == 429
    assert re.search(r"\r\nretry-after: [1-9][0-9]?\r\n", client.head.lower())
    body = json.loads(await client.body())
    client.drop()
    assert set(body) == {"code", "message"}
    assert body["code"] == "too_many_connections"
    offering = await shake(server.port, *headers, V1, path=path, judge=shared_judge())
    assert offering == Outcome(101, subprotocol="tapecast.v1", close=4007)
    return str(body["message"])


def bearer(token: str) -> tuple[str, str]:
    """Return the header."""
    return ("Authorization", f"Bearer {token}")


async def test_a_user_has_ten_connections() -> None:
    """By default, over all addresses and with any of its tokens; another user, or nobody, is let in all the same."""
    async with running([market()], max_connections_per_user=10) as server:
        token = token_for(server)
        clients = [await come(server, path, token) for path in (BARS, TRADES, f"{CACHE}/tickers/test/BTC/USDT") * 3]
        clients.append(await come(server, f"{CACHE}/balances/1", token_for(server, jti="another")))
        assert held(server) == 10
        for path in (BARS, TRADES):
            assert "This user has 10 connections" in await refusal(server, path, bearer(token))
        assert held(server) == 10
        for other in (token_for(server, sub="another"), token_for(server, user_id="another")):
            clients.append(await come(server, TRADES, other))
        clients.append(await come(server))
        clients.pop(0).drop()
        await until(lambda: held(server) == 12)
        clients.append(await come(server, BARS, token))
        await refusal(server, TRADES, bearer(token))
        for client in clients:
            client.drop()
        await until(lambda: held(server) == 0)


async def test_an_address_and_the_server_have_so_many_too() -> None:
    """Without a token the address counts; then the server's own bound."""
    async with running([market()], max_connections_per_address=2, max_connections=4) as server:
        clients = [await come(server) for _ in range(2)]
        assert "This address" in await refusal(server)
        clients += [await come(server, TRADES, token_for(server, sub=name)) for name in ("a", "b")]
        assert "The server" in await refusal(server, TRADES, bearer(token_for(server, sub="c")))
        for client in clients:
            client.drop()
        await until(lambda: held(server) == 0)
        (await come(server)).drop()


async def test_clients_of_old_are_accepted_and_closed() -> None:
    """With TAPECAST_AUTH_FAILURE=close: 1008, and 4007 for who offers our subprotocol."""
    async with running([ManualSource()], max_connections_per_address=1, auth_failure="close") as server:
        client = await come(server)
        assert await shake(server.port, judge=shared_judge()) == Outcome(101, close=1008)
        assert (await shake(server.port, V1, judge=shared_judge())).close == 4007
        client.drop()


async def test_too_many_connections_are_told_after_every_other_fault_but_the_servers_end() -> None:
    """Token, scope and name come first; a server that goes says 503 only to who has a place."""
    async with running([market()], max_connections_per_user=1) as server:
        token = token_for(server)
        client = await come(server, TRADES, token)
        for path, given, status in (
            (TRADES, "garbage", 401),
            (f"{CACHE}/orders/test", token_for(server, scope=""), 403),
            (f"{CACHE}/trades/nowhere", token, 404),
            (TRADES, token, 429),
        ):
            assert (await shake(server.port, bearer(given), path=path)).status == status
        server.gateway.server.draining = True
        assert (await shake(server.port, bearer(token), path=TRADES)).status == 429
        drained = await RawSocket.open(server.port, TRADES, token_for(server, sub="another"))
        assert drained.status == 503
        assert "\r\nretry-after: " in drained.head.lower()
        drained.drop()
        client.drop()
        await until(lambda: held(server) == 0)


async def polite(server: Running) -> None:
    """Close as one should."""
    client = await come(server)
    client.writer.write(client_frame(8, struct.pack("!H", 1000)))
    await client.reader.read()
    client.drop()


async def resets(server: Running) -> None:
    """Break off with a TCP reset."""
    (await come(server)).reset()


async def breaks_the_protocol(server: Running) -> None:
    """Be closed with 1002."""
    client = await come(server)
    client.writer.write(b"\x83\x80\x00\x00\x00\x00")
    await client.reader.read()
    client.drop()


async def leaves_in_the_handshake(server: Running) -> None:
    """Break off before the handshake is answered."""
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(handshake(BARS))
    await asyncio.sleep(0)
    RawSocket(_, writer, BARS).reset()


async def is_refused_later(server: Running) -> None:
    """Find a server that goes, once there was a place."""
    server.gateway.server.draining = True
    assert (await shake(server.port)).status == 503
    assert (await shake(server.port, V1)).close == 4001
    server.gateway.server.draining = False


async def finds_a_fault(server: Running) -> None:
    """Meet a fault of the server's right after the accept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.transport.connection.Session", None)
        client = await come(server)
        await client.reader.read()
        client.drop()


async def fails_at_the_accept(server: Running) -> None:
    """Meet one in the accept."""

    async def accept(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("starlette.websockets.WebSocket.accept", accept)
        client = await RawSocket.open(server.port, BARS)
        assert client.status == 500
        client.drop()


async def sends_a_token_that_ends(server: Running) -> None:
    """Be closed with 4003."""
    client = await come(server, TRADES, tokens.sign(tokens.claims(0, exp=server.gateway.clock.now_ms() // 1000 + 1)))
    await client.reader.read()
    client.drop()


WAYS: list[Callable[[Running], Awaitable[None]]] = [
    polite,
    resets,
    breaks_the_protocol,
    leaves_in_the_handshake,
    is_refused_later,
    finds_a_fault,
    fails_at_the_accept,
    sends_a_token_that_ends,
]


@pytest.fixture
async def narrow() -> AsyncIterator[Running]:
    """A server with two places."""
    async with running([market()], max_connections=2) as server:
        yield server


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
async def test_a_place_comes_back_however_a_connection_ends(
    narrow: Running, leave: Callable[[Running], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More often than there are places."""
    narrow.close_after(monkeypatch, 0.05)  # not all of these answer a close frame
    for _ in range(5):
        await leave(narrow)
        await until(lambda: held(narrow) == 0)
    assert len(narrow.gateway.admission) == 0
    clients = [await come(narrow) for _ in range(2)]
    await refusal(narrow)
    for client in clients:
        client.drop()


async def test_a_thousand_connections_of_one_user_hurt_nobody() -> None:
    """Ten are let in, whoever else comes is served, and at the end nothing is left."""
    async with running([market()], max_connections_per_user=10) as server:
        token, refused, let_in = token_for(server), 0, []

        async def storm() -> None:
            nonlocal refused
            for _ in range(50):
                client = await RawSocket.open(server.port, TRADES, token)
                if client.status == 101:
                    let_in.append(client)
                else:
                    assert client.status == 429
                    refused += 1
                    client.drop()

        async def another() -> None:
            for number in range(20):
                await shake(server.port, bearer(token_for(server, sub=f"another {number}")), path=TRADES)

        await asyncio.gather(another(), *(storm() for _ in range(20)))
        assert (len(let_in), refused) == (10, 990)
        for client in let_in:
            client.drop()
        await until(lambda: held(server) == 0)
        assert len(server.gateway.admission) == 0


async def test_an_address_is_the_peers_unless_a_proxy_is_trusted() -> None:
    """`X-Forwarded-For` of anybody else changes nothing; of a trusted proxy its last foreign address counts."""

    def forwarded(chain: str) -> tuple[str, str]:
        return ("X-Forwarded-For", chain)

    async with running([ManualSource()], max_connections_per_address=1) as server:
        client = await come(server, BARS, None, forwarded("192.0.2.1"))
        await refusal(server, BARS, forwarded("192.0.2.2"))
        client.drop()
    proxies = ("127.0.0.0/8", "10.0.0.1")
    async with running([ManualSource()], max_connections_per_address=1, trusted_proxies=proxies) as server:
        client = await come(server, BARS, None, forwarded("192.0.2.1"))
        for chain in ("192.0.2.1", "192.0.2.9, 192.0.2.1", "192.0.2.1, 10.0.0.1"):
            await refusal(server, BARS, forwarded(chain))
        other = await come(server, BARS, None, forwarded("192.0.2.2"))
        six = await come(server, BARS, None, forwarded("2001:db8::1"))
        await refusal(server, BARS, forwarded("2001:db8::2"))
        for each in (client, other, six):
            each.drop()


async def test_a_larger_token_than_the_setting_allows_is_refused() -> None:
    """Which may be less than the document's."""
    async with running([ManualSource()], max_token_bytes=256) as server:
        token = token_for(server, note="x" * 200)
        assert len(token) > 256
        outcome = await shake(server.port, bearer(token))
        assert outcome.status == 401
        assert "256 bytes" in (outcome.body or {})["message"]


async def test_a_handshake_has_so_much_time_as_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that takes longer is not waited for: the connection is cut, and counted; its place comes back."""
    asked = asyncio.Event()

    async def authenticate(*_: object) -> Refusal:
        asked.set()
        await asyncio.sleep(0.2)
        return Refusal(401, "unauthorized", "Too late.")

    monkeypatch.setattr("gateway.access.Authenticator.authenticate", authenticate)
    async with running([market()], handshake_s=0.05) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(handshake(TRADES, "token"))
        await asked.wait()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            async with asyncio.timeout(20):
                await reader.readexactly(1)
        writer.close()
        tally = server.gateway.server.tally
        assert tally.refusals[408, "handshake_timeout"] == 1
        assert held(server) == 0


async def test_the_metrics_are_served_and_count_what_happened() -> None:
    """As Prometheus' text; not where the setting is off."""
    async with running([market()], max_connections_per_address=1) as server:
        client = await come(server)
        (carrier,) = server.carriers()
        await refusal(server)
        client.send({"type": "ping"})
        await client.message()
        async with httpx.AsyncClient(base_url=server.http) as http:
            answer = await http.get("/metrics")
            lines = answer.text.splitlines()
            assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
            for line in (
                f'tapecast_connections{{channel="bars",transport="{carrier.form}"}} 1.0',
                'tapecast_refusals_total{code="too_many_connections",status="429"} 2.0',
                "tapecast_frames_received_total 1.0",
                "tapecast_received_bytes_total 16.0",
                "tapecast_frames_sent_total 1.0",
                'tapecast_source_state{source="manual",state="running"} 1.0',
                "tapecast_keeper_up 1.0",
                "tapecast_draining 0.0",
            ):
                assert line in lines, line
            assert "127.0.0.1" not in answer.text
            client.writer.write(client_frame(8, struct.pack("!H", 3456)))
            await client.reader.read()
            await until(lambda: held(server) == 0)
            text = (await http.get("/metrics")).text
            assert 'tapecast_closes_total{code="other"} 1.0' in text
            assert f'tapecast_connections{{channel="bars",transport="{carrier.form}"}} 0.0' in text
        client.drop()
    async with running([market()], metrics="off") as server, httpx.AsyncClient(base_url=server.http) as http:
        assert (await http.get("/metrics")).status_code == 404
        assert "/metrics" not in (await http.get("/openapi.json")).json()["paths"]


async def test_resumes_and_gaps_are_counted() -> None:
    """On both kinds of sockets; a plain client is told of no gap."""
    source = market()
    async with running([source]) as server:
        token = token_for(server)
        for query, headers in (("?epoch=another&seq=1", ()), ("?epoch=another&seq=1", (V1,))):
            outcome = await shake(server.port, bearer(token), *headers, path=TRADES, query=query)
            assert (outcome.status, outcome.close) == (101, None)
        async with httpx.AsyncClient(base_url=server.http) as http:
            text = (await http.get("/metrics")).text
    assert 'tapecast_resumes_total{recovered="false",socket="cache"} 2.0' in text
    assert 'tapecast_gaps_total{socket="cache"} 1.0' in text
