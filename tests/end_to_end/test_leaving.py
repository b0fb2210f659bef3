"""Leaving: a client that leaves, in whatever way, leaves no task, descriptor, subscription or memory behind."""

import asyncio
import gc
import io
import json
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streaming.session import Session
from tests.support.client import connected
from tests.support.judge import Judge
from tests.support.server import Running, running, until
from tests.support.source import ManualSource, symbol

CONNECTIONS = 1000
AT_ONCE = 50
SUBSCRIPTIONS = 100
NAMES = [f"S{number:02d}" for number in range(10)]
RESOLUTIONS = ["1", "3", "5", "15", "30", "60", "120", "240", "1D", "1W"]


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame, masked with zeros."""
    if len(payload) < 126:
        return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload
    return bytes([0x80 | opcode, 0x80 | 126]) + struct.pack("!H", len(payload)) + bytes(4) + payload


HANDSHAKE = (
    b"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SUBSCRIBE_ALL = b"".join(
    frame(1, json.dumps({"type": "bars.subscribe", "payload": {"symbol": name, "resolution": resolution}}).encode())
    for name in NAMES
    for resolution in RESOLUTIONS
)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def reset(connection: Connection) -> None:
    """Break the connection with a TCP reset."""
    raw: socket.socket = connection[1].get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection[1].transport.abort()


def break_off(connection: Connection) -> None:
    """Leave in the middle of a frame's header."""
    connection[1].write(b"\x81\xfe\x10")
    connection[1].close()


def say(*frames: bytes) -> Callable[[Connection], None]:
    """Return a way to leave: send these frames, then wait for the server to close."""
    return lambda connection: connection[1].write(b"".join(frames))


WAYS: dict[str, Callable[[Connection], None]] = {
    "closes with 1000": say(frame(8, struct.pack("!H", 1000))),
    "closes with 1001 and a reason": say(frame(8, struct.pack("!H", 1001) + b"bye")),
    "closes without a code": say(frame(8, b"")),
    "shuts its half": lambda connection: connection[1].write_eof(),
    "drops the connection": lambda connection: connection[1].close(),
    "resets it": reset,
    "breaks off inside a frame": break_off,
    "breaks the protocol": say(b"\x83\x80\x00\x00\x00\x00"),
    "sends bytes that are no UTF-8": say(frame(1, b"\xff")),
    "sends a binary frame": say(frame(2, b"x")),
    "sends a frame that is too large": say(frame(1, b"x" * 17_000)),
    "sends twenty bad frames": say(frame(1, b"x") * 20),
    "floods and closes": say(frame(1, b'{"type":"ping"}') * 2000, frame(8, struct.pack("!H", 1000))),
}


async def come_and_leave(server: Running, way: Callable[[Connection], None]) -> None:
    """Connect, subscribe a hundred times, see every acknowledgement, leave, and see the connection end."""
    connection = await asyncio.open_connection("127.0.0.1", server.port)
    reader, writer = connection
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SUBSCRIBE_ALL)
    seen = 0
    tail = b""
    while seen < SUBSCRIPTIONS:
        chunk = await reader.read(65536)
        assert chunk
        seen = seen + (tail + chunk).count(b'"status":"ok"') - tail.count(b'"status":"ok"')
        tail = chunk[-12:]
    way(connection)
    try:
        async with asyncio.timeout(20):
            while await reader.read(65536):
                pass
    except ConnectionError:
        pass
    writer.close()


def memory_kib() -> int:
    """Return this process's resident memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def state(server: Running) -> tuple[int, int, int, int, int]:
    """Return how many tasks, descriptors, topics, sessions and Session objects there are."""
    gc.collect()
    sessions = sum(isinstance(thing, Session) for thing in gc.get_objects())
    return (
        len(asyncio.all_tasks()),
        len(os.listdir("/proc/self/fd")),
        len(server.gateway.hub),
        len(server.gateway.server.sessions),
        sessions,
    )


async def test_a_thousand_connections_that_end_in_every_way_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks, descriptors, topics and sessions equal the start, memory is within 5 MB, and the server still serves."""
    source = ManualSource(*(symbol(name) for name in NAMES))
    async with running([source], bars_interval_ms=0, frames_burst=150) as server:
        server.close_after(monkeypatch, 0.2)  # these clients never answer a close frame
        ways = list(WAYS.values())

        async def round_of(count: int) -> None:
            for first in range(0, count, AT_ONCE):
                async with asyncio.TaskGroup() as group:
                    for number in range(first, min(first + AT_ONCE, count)):
                        group.create_task(come_and_leave(server, ways[number % len(ways)]))
                for at, name in enumerate(NAMES):
                    source.trade(first * 100 + at, key=f"test:{name}")

        async def settled() -> None:
            await until(lambda: len(server.gateway.server.sessions) == 0)
            for _ in range(100):  # descriptors and tasks go a few turns after their session
                if state(server) == before:
                    return
                await asyncio.sleep(0.05)
            assert state(server) == before

        before = state(server)
        await round_of(2 * AT_ONCE)  # caches fill, the allocator grows
        await settled()
        memory = memory_kib()
        await round_of(CONNECTIONS)
        await settled()
        assert memory_kib() - memory < 5 * 1024
        async with connected(server.bars, Judge()) as client:
            assert (await client.subscribe("S00", "1"))["status"] == "ok"
            await until(lambda: len(server.gateway.hub) == 1)


async def deaf_connection(server: Running) -> Connection:
    """Connect with little room for what comes, so that a client that does not read soon stalls."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def stalled_client(server: Running) -> Connection:
    """Return a subscribed client that does not read, with so much sent to it that its connection is stalled."""
    reader, writer = await deaf_connection(server)
    await until(lambda: len(server.gateway.server.sessions) == 1)
    session = next(iter(server.gateway.server.sessions))
    (carrier,) = server.carriers()
    quiet, rounds = 0, 0
    while quiet < 5:  # the kernel's buffer grows for a while: the stall has to last
        if not carrier.is_writable():
            quiet += 1
            await asyncio.sleep(0.02)
            continue
        quiet, rounds = 0, rounds + 1
        assert rounds < 5000
        session.send(b'{"type":"error","payload":{"code":"internal","message":"' + b"x" * 15_000 + b'"}}')
        await asyncio.sleep(0)
    return reader, writer


@pytest.mark.parametrize(
    "way",
    ["closes with 1000", "breaks the protocol", "sends bytes that are no UTF-8", "sends a frame that is too large"],
)
async def test_a_stalled_client_that_leaves_but_holds_its_connection_is_dropped(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its descriptor is freed after the closing time, though it never reads and never lets go."""
    async with running([ManualSource()]) as server:
        server.close_after(monkeypatch, 0.2)
        connection = await stalled_client(server)
        connection[0]._transport.pause_reading()  # type: ignore[attr-defined]  # or asyncio reads on our behalf
        WAYS[way](connection)
        await until(lambda: len(server.gateway.server.sessions) == 0)
        await until(lambda: not server.uvicorn.server_state.connections)
        connection[1].transport.abort()


async def test_pings_of_a_client_that_does_not_read_cost_no_memory() -> None:
    """Of the pongs only the last one waits, and it comes when the client reads again."""
    async with running([ManualSource()]) as server:
        reader, writer = await stalled_client(server)
        (carrier,) = server.carriers()
        largest = 0
        for _ in range(120):
            writer.write(frame(9, b"x" * 80) * 500)  # 5 MB of pongs in all
            await asyncio.sleep(0.005)
            largest = max(largest, carrier.transport.get_write_buffer_size())
        writer.write(frame(9, b"the last ping"))
        assert largest < 256 * 1024
        tail = b""
        async with asyncio.timeout(20):
            while b"the last ping" not in tail:
                tail = tail[-100:] + await reader.read(65536)
        writer.close()


@pytest.mark.parametrize("header", ["X: " + "x" * 9000, "\r\n".join(f"X{n}: 1" for n in range(200))])
async def test_a_handshake_that_is_none_is_refused_and_hangs_nobody(header: str, log: io.StringIO) -> None:
    """Headers too long or too many: 431 at once, one line in the log, and nothing left."""
    async with running([ManualSource()]) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE[:-2] + header.encode() + b"\r\n\r\n")
        async with asyncio.timeout(20):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 431 ")
        writer.close()
        await until(lambda: not server.uvicorn.server_state.connections)
    assert log.getvalue().count("refuse") == 1
    assert "status=431" in log.getvalue()
    assert "Traceback" not in log.getvalue()


async def test_a_server_that_goes_does_not_wait_for_clients_that_do_not_read(log: io.StringIO) -> None:
    """Stalled, half-closed or in the middle of a handshake: the server ends, and without an error."""
    async with running([ManualSource()], drain_s=0.2) as server:
        stalled = await stalled_client(server)
        stalled[1].write(frame(8, struct.pack("!H", 1000)))
        late = await asyncio.open_connection("127.0.0.1", server.port)
        late[1].write(HANDSHAKE[:60])
        await until(lambda: len(server.gateway.server.sessions) == 0)
    assert "error" not in log.getvalue()
    assert "Traceback" not in log.getvalue()
    for _, writer in (stalled, late):
        writer.transport.abort()


async def test_clients_that_leave_during_the_handshake_are_no_fault(log: io.StringIO) -> None:
    """Resets before, in and right after the handshake leave no session and no traceback."""
    async with running([ManualSource()]) as server:
        for number in range(60):
            connection = await asyncio.open_connection("127.0.0.1", server.port)
            connection[1].write(HANDSHAKE[: (0, 60, len(HANDSHAKE))[number % 3]])
            await asyncio.sleep(0.001 * (number % 4))
            reset(connection)
        async with connected(server.bars, Judge()) as client:
            await client.request("ping")
            await until(lambda: len(server.gateway.server.sessions) == 1)
    assert "Traceback" not in log.getvalue()
    assert "error" not in log.getvalue()


async def test_a_client_that_never_answers_pings_is_ended() -> None:
    """A half-open connection gets 4004 after the pong's time, and is gone."""
    async with running([ManualSource()], ping_s=0.05, pong_s=0.05) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        received = b""
        async with asyncio.timeout(20):
            while struct.pack("!H", 4004) not in received[6:]:
                received += await reader.read(4096)
        assert received[:2] == b"\x89\x04"  # the ping came first, and then the close frame
        assert received[6] == 0x88
        await until(lambda: len(server.gateway.server.sessions) == 0)
        writer.close()


async def test_a_client_that_answers_pings_stays() -> None:
    """The library answers by itself; ten pings later the socket works."""
    async with running([ManualSource()], ping_s=0.02, pong_s=5) as server, connected(server.bars, Judge()) as client:
        await asyncio.sleep(0.3)
        assert (await client.request("ping"))["type"] == "pong"


async def test_a_client_that_never_reads_is_ended_and_disturbs_nobody() -> None:
    """A stalled client's outbox fills; it is ended with 4002 and leaves, while a healthy one misses nothing."""
    source = ManualSource(*(symbol(name) for name in NAMES))
    judge = Judge()
    limits: dict[str, Any] = {
        "bars_interval_ms": 0,
        "outbox_bytes": 64 * 1024,
        "frames_burst": 10_000,
        "frames_per_second": 1e6,
    }
    async with running([source], **limits) as server, connected(server.bars, judge) as healthy:
        reader, writer = await deaf_connection(server)
        writer.write(SUBSCRIBE_ALL)
        await until(lambda: len(server.gateway.hub) == SUBSCRIPTIONS)
        await healthy.subscribe("S00", "1")
        stalled = next(s for s in server.gateway.server.sessions if len(s.subscriptions) == SUBSCRIPTIONS)
        received = []
        day = 86_400_000
        number = 0
        while stalled.ended is None:  # a day a round: every stream's bar becomes final
            assert number < 5000
            for name in NAMES:
                source.trade(number * day, key=f"test:{name}")
            number += 1
            received += [m["payload"] for m in await healthy.settle()]
        assert stalled.ended == "slow_consumer"
        finals = [update for update in received if update["final"]]
        assert [update["seq"] for update in finals] == list(range(1, number))
        data = b""
        async with asyncio.timeout(20):
            while chunk := await reader.read(65536):
                data = (data + chunk)[-200:]
        assert struct.pack("!H", 4002) in data
        writer.close()
        await until(lambda: len(server.gateway.server.sessions) == 1)
