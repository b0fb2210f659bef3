"""Shutdown: what clients, newcomers and load balancers see of a server that goes, and that it does go."""

import asyncio
import json
import signal
import struct
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.end_to_end.test_process import Process, served
from tests.support.client import connected
from tests.support.flat import RawSocket, client_frame, handshake, market, shared_judge
from tests.support.handshake import V1, Outcome, shake
from tests.support.judge import Judge
from tests.support.server import running, until
from tests.support.source import MINUTE, ManualSource

BARS = "/api/v1/ws"


def port_of(server: Process) -> int:
    """Return where the process listens."""
    port = urlsplit(server.address).port
    assert port is not None
    return port


async def holding(port: int) -> RawSocket:
    """Return a client that answers no close frame, so that the drain waits for it."""
    client = await RawSocket.open(port, BARS)
    client.send({"type": "ping"})
    assert (await client.message())["type"] == "pong"
    return client


async def not_ready(address: str) -> dict[str, Any]:
    """Wait until `/ready` says no; returns its answer."""
    async with httpx.AsyncClient(base_url=address) as http, asyncio.timeout(20):
        while (answer := await http.get("/ready")).status_code != 503:
            await asyncio.sleep(0.002)
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_that_goes_says_so_to_everybody(number: signal.Signals) -> None:
    """/ready and upgrades get 503 while clients are there; who answers no close is aborted in time; exit code 0."""
    async with served(SOURCES="sim", DRAIN_S="1.5") as server:
        port = port_of(server)
        client = await holding(port)
        started = time.monotonic()
        stopping = asyncio.create_task(server.stop(number))
        assert await not_ready(server.address) == {"status": "not ready", "sources": {"sim": "running"}}
        refused = await shake(port)
        assert (refused.status, (refused.body or {})["code"]) == (503, "draining")
        assert await shake(port, V1, judge=shared_judge()) == Outcome(101, subprotocol="tapecast.v1", close=4001)
        async with httpx.AsyncClient(base_url=server.address) as http:
            assert (await http.get("/health")).status_code == 200
            assert "tapecast_draining 1.0" in (await http.get("/metrics")).text
        told = await client.message()
        assert told["type"] == "shutdown"
        assert 0 <= told["payload"]["reconnect_after_ms"] < 5000
        assert struct.unpack("!H", (await client.frame())[1][:2]) == (4001,)
        assert await client.body() == b""
        code, _, logged = await stopping
        assert 1.5 <= time.monotonic() - started < 15  # the bound is loose: the machine may be busy
    assert code == 0
    assert "Traceback" not in logged
    assert "aborted=1" in logged
    client.drop()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(second: signal.Signals) -> None:
    """Whatever the drain would still wait for; exit code 0, and no traceback."""
    async with served(SOURCES="sim", DRAIN_S="3000") as server:
        client = await holding(port_of(server))
        server.process.send_signal(signal.SIGTERM)
        assert (await client.message())["type"] == "shutdown"
        code, _, logged = await server.stop(second)  # within 20 s
    assert code == 0
    assert "Traceback" not in logged
    assert "ERROR" not in logged.upper()
    client.drop()


async def test_a_hundred_clients_go_at_once_and_each_comes_back_at_another_time() -> None:
    """All are told before the first is closed with 4001; nobody is told the same time as another."""
    judge = Judge()

    async def stay(address: str, connect: asyncio.Barrier) -> int:
        async with connected(address, judge) as client:
            await connect.wait()
            [told] = await client.receive_until(lambda message: message["type"] == "shutdown")
            assert await client.closed() == 4001
            wait: int = told["payload"]["reconnect_after_ms"]
            return wait

    async with served(SOURCES="sim", MAX_CONNECTIONS_PER_ADDRESS="1000") as server:
        barrier = asyncio.Barrier(251)
        staying = [asyncio.create_task(stay(server.bars, barrier)) for _ in range(250)]
        await barrier.wait()
        code, _, logged = await server.stop()
        waits = await asyncio.gather(*staying)
    assert code == 0
    assert "aborted=0" in logged
    assert len(set(waits)) == len(waits)
    assert max(waits) > 4900


async def test_a_client_gets_every_final_bar_up_to_its_close() -> None:
    """Also one that does not read while it is told: it is closed once it has read them."""
    source = ManualSource()
    serving = running([source], bars_interval_ms=0, drain_s=60)
    async with serving as server, connected(server.bars, Judge()) as client:
        await client.subscribe("AAA", "1")
        slow = next(iter(server.gateway.server.sessions))
        protocol: Any = slow._transport
        protocol.pause_writing()
        for minute in range(30):
            source.trade(minute * MINUTE)
        server.uvicorn.should_exit = True
        await until(lambda: server.gateway.server.draining)
        for minute in range(30, 60):
            source.trade(minute * MINUTE)
        source.clock(61 * MINUTE)
        await asyncio.sleep(0)
        assert slow.ended is None
        protocol.resume_writing()
        finals: list[tuple[int, int]] = []
        told = 0
        while len(finals) < 60 or not told:
            message = await client.receive()
            told += message["type"] == "shutdown"
            if message["payload"].get("final"):
                finals.append((message["payload"]["prev"], message["payload"]["seq"]))
        assert finals == [(seq - 1, seq) for seq in range(1, 61)]
        assert await client.closed() == 4001


async def test_who_was_shaking_hands_is_refused() -> None:
    """A handshake that was begun before and is finished while the server goes."""
    async with running([market()], drain_s=60) as server:
        staying = await holding(server.port)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        request = handshake(BARS)
        writer.write(request[:60])
        server.uvicorn.should_exit = True
        await until(lambda: server.gateway.server.draining)
        writer.write(request[60:])
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            assert json.loads(await reader.read())["code"] == "draining"
        writer.close()
        staying.writer.write(client_frame(8, struct.pack("!H", 1000)))
        staying.drop()


async def test_a_signal_shuts_newcomers_out_before_the_server_has_woken_up() -> None:
    """At once, not at the next look at it."""
    async with running([ManualSource()]) as server, httpx.AsyncClient(base_url=server.http) as http:
        assert (await http.get("/ready")).status_code == 200
        server.uvicorn.handle_exit(signal.SIGTERM, None)
        assert server.gateway.server.draining
        assert not server.uvicorn.force_exit
        server.uvicorn.handle_exit(signal.SIGTERM, None)
        assert server.uvicorn.force_exit
