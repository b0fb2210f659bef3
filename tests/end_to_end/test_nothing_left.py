"""Nothing left: after clients and sources are gone, however they went, no task, topic, session or principal is."""

import asyncio
import gc
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from handlers.auth import Principal
from streaming.session import Session
from tests.support import tokens
from tests.support.clock import VirtualClock
from tests.support.flat import (
    ENDPOINTS,
    Endpoint,
    RawSocket,
    client_frame,
    handshake,
    market,
    running_at,
    shrink_send_buffers,
    something_of_everything,
    token_for,
)
from tests.support.handshake import V1
from tests.support.server import Running, running, until
from tests.support.source import ManualSource

Visit = Callable[[Running, ManualSource, Endpoint], Awaitable[None]]


def living(kind: type) -> int:
    """Return how many objects of a class there are, once what nobody holds is collected."""
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


def state(server: Running) -> dict[str, int]:
    """Return how much there is of everything that a client could leave behind."""
    return {
        "tasks": len(asyncio.all_tasks()),
        "topics": len(server.gateway.hub),
        "sessions": len(server.gateway.server.sessions),
        "connections": len(server.uvicorn.server_state.connections),
        "session objects": living(Session),
        "principals": living(Principal),
    }


async def come_in(server: Running, endpoint: Endpoint, *headers: tuple[str, str], **options: Any) -> RawSocket:
    """Connect, and see that the client is in."""
    before = set(server.gateway.server.sessions)  # some of which may end only now
    client = await RawSocket.open(server.port, endpoint.path, token_for(server), *headers, **options)
    assert client.status == 101
    await until(lambda: any(session not in before for session in server.gateway.server.sessions))
    return client


async def drain(client: RawSocket) -> None:
    """Read until the connection ends, and let go."""
    try:
        async with asyncio.timeout(20):
            while await client.reader.read(65536):
                pass
    except ConnectionError:
        pass
    client.drop()


async def closes(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Read a frame and close as one should."""
    client = await come_in(server, endpoint)
    something_of_everything(source, 1)
    await client.message()
    client.writer.write(client_frame(8, struct.pack("!H", 1000)))
    await drain(client)


async def closes_v1(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Offer our subprotocol and the token beside it, and close without a code."""
    offered = ("Sec-WebSocket-Protocol", f"tapecast.v1, bearer.{token_for(server)}")
    client = await RawSocket.open(server.port, endpoint.path, None, offered)
    assert client.status == 101
    client.writer.write(client_frame(8, b""))
    await drain(client)


async def resets(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Break off with a TCP reset, in the middle of the stream."""
    client = await come_in(server, endpoint)
    something_of_everything(source, 2)
    await client.message()
    client.reset()
    something_of_everything(source, 3)


async def resets_at_once(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Break off before the handshake is answered."""
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    client = RawSocket(_, writer, endpoint.path)
    writer.write(handshake(endpoint.path, token_for(server)))
    await asyncio.sleep(0)
    client.reset()


async def drops(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Leave without a word."""
    (await come_in(server, endpoint)).drop()


async def breaks_the_protocol(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Be closed with 1002, 1003 and 4502."""
    for frames in (b"\x83\x80\x00\x00\x00\x00", client_frame(2, b"x"), client_frame(1, b"x") * 20):
        client = await come_in(server, endpoint)
        client.writer.write(frames)
        await drain(client)


async def does_not_read(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Stall, be closed as a slow consumer where the stream is lossless, and break off."""
    client = await come_in(server, endpoint, receive_buffer=32 * 1024)
    [session] = server.gateway.server.sessions
    number = 10
    while session.ended is None and session.conflated < 10:
        assert number < 20_000
        something_of_everything(source, number)
        number += 1
        await asyncio.sleep(0)
    client.reset()


async def is_refused(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Be refused for the token, the scope, the account, the Origin, the address; by HTTP and by a close frame."""
    good = token_for(server)
    refused: list[tuple[str, str | None, list[tuple[str, str]]]] = [
        (endpoint.path, None, []),
        (endpoint.path, "garbage", []),
        (endpoint.path, tokens.sign(tokens.claims(server.gateway.clock.now_ms()), tokens.OTHER_SECRET), []),
        (endpoint.path, token_for(server, exp=1), []),
        (endpoint.path, good, [("Origin", "https://evil.test")]),
        (endpoint.path + "/", good, []),
        (endpoint.path + "/XXX/YYY", good, []),
        ("/api/v1/cache/ws/tickers/nowhere", good, []),
        ("/api/v1/cache/ws/balances/abc", good, []),
        ("/api/v1/cache/ws/balances/2", good, []),
        ("/api/v1/cache/ws/orders/test", token_for(server, scope=""), []),
    ]
    for path, token, headers in refused:
        plain = await RawSocket.open(server.port, path, token, *headers)
        assert plain.status in (401, 403, 404, 422)
        await plain.body()
        plain.drop()
        offering = await RawSocket.open(server.port, path, token, *headers, V1)
        assert (await offering.frame())[0] == 8
        offering.writer.write(client_frame(8, struct.pack("!H", 1000)))
        await drain(offering)


async def is_refused_and_resets(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Be refused, and break off without waiting for it."""
    for headers in ([], [V1]):
        client = await RawSocket.open(server.port, endpoint.path, "garbage", *headers)
        client.reset()


async def expires(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Be closed because the token expired."""
    clock = server.gateway.clock
    assert isinstance(clock, VirtualClock)
    token = token_for(server, exp=clock.now_ms() // 1000 + 10)
    client = await RawSocket.open(server.port, endpoint.path, token)
    await until(lambda: len(server.gateway.server.sessions) == 1)
    await clock.advance(11)
    await drain(client)


async def loses_its_source(server: Running, source: ManualSource, endpoint: Endpoint) -> None:
    """Be closed because the source returned after a failure."""
    clock = server.gateway.clock
    assert isinstance(clock, VirtualClock)
    runs, pending = source.runs, clock.pending
    client = await come_in(server, endpoint)
    source.fail()
    await until(lambda: clock.pending > pending + 1)
    await clock.advance(40)
    await until(lambda: source.runs == runs + 1)
    await drain(client)


VISITS: list[Visit] = [
    closes,
    closes_v1,
    resets,
    resets_at_once,
    drops,
    breaks_the_protocol,
    does_not_read,
    is_refused,
    is_refused_and_resets,
    expires,
    loses_its_source,
]


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.__name__)
async def test_a_visit_leaves_nothing(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each of the eight endpoints: everything is as it was before the client came, timers too."""
    source, clock = market(), VirtualClock()
    async with running_at(clock, source, origins=("https://good.example",), outbox_bytes=8192) as server:
        server.close_after(monkeypatch, 0.05)  # some of these answer no close frame
        shrink_send_buffers(server)
        await until(lambda: source.runs == 1)
        something_of_everything(source, 0)
        await until(lambda: clock.pending == 1)  # the age check's
        before = state(server)
        assert before["principals"] == before["topics"] == 0
        for endpoint in ENDPOINTS:
            await visit(server, source, endpoint)
            for _ in range(400):  # tasks and connections go a few turns after their session
                if not server.uvicorn.server_state.connections and len(asyncio.all_tasks()) == before["tasks"]:
                    break
                await asyncio.sleep(0.005)
            assert state(server) == before, (visit.__name__, str(endpoint))
            assert clock.pending == 1


async def test_a_server_that_ends_leaves_nothing() -> None:
    """With clients at every endpoint and a source that runs: both are ended, and nothing of them is left."""
    tasks, principals, sessions = len(asyncio.all_tasks()), living(Principal), living(Session)
    source = market()
    ended = False

    class Watched(ManualSource):
        async def run(self, sink: Any) -> None:
            nonlocal ended
            try:
                await super().run(sink)
            finally:
                ended = True

    source = Watched(*source.symbols, accounts=source.accounts)
    async with running([source], drain_s=0.2) as server:  # these clients answer no close frame
        clients = [await come_in(server, endpoint) for endpoint in ENDPOINTS]
        something_of_everything(source, 0)
        await until(lambda: len(server.gateway.hub) == len(ENDPOINTS))
        # It can be seen: as many as there are clients.
        assert living(Session) - sessions == len(ENDPOINTS)
        hub, active = server.gateway.hub, server.gateway.server.sessions
    assert ended
    for client in clients:
        await drain(client)
    await until(lambda: len(asyncio.all_tasks()) == tasks)
    assert (len(hub), len(active)) == (0, 0)
    assert (living(Principal), living(Session)) == (principals, sessions)
