"""Connections that come and go by the thousand: the server ends where it began, and no byte goes astray.

A closed descriptor's number is used again at once, so whatever still held the old connection would now write into
somebody else's.
"""

import asyncio
import random
import socket
import struct

import pytest

from tests.conformance.client import Client, upgrade
from tests.conformance.frames import BINARY, TEXT, Close, Message, Pong, Reader, frame
from tests.conformance.server import EchoServer, echo_server

MiB = 1024 * 1024
WAVE = 250
CONNECTIONS = 10_000
WARM_UP = 2_000
"""Connections after which the server's memory has its shape: caches, arenas, buffers."""
GROWTH = 6 * MiB
"""Bytes that ten thousand connections may leave: 600 a connection would be found."""


def leave(client: Client, kind: int) -> None:
    """Make the connection one of the kinds, and end it as that kind ends."""
    request = upgrade()
    if kind in (0, 1, 2):  # at once, amid the handshake: closed, reset, half-closed
        client.send(request[: len(request) // (kind + 1) - 3])
    else:
        client.send(request + frame(TEXT, b"hello"))
        client.be_upgraded(client.response())
        client.expect(Message(b"hello", text=True))
    if kind in (4, 5):  # amid a frame
        client.send(frame(BINARY, bytes(5000))[:3000])
    elif kind == 6:  # amid a message
        client.send(frame(BINARY, bytes(5000), fin=False))
    elif kind == 7:  # with an echo under way that nobody reads
        client.send(frame(BINARY, bytes(100_000)), read=False, seconds=0.05)
    if kind in (1, 4, 7, 8):
        client.abort()
    elif kind in (2, 5, 9):
        client.sock.shutdown(socket.SHUT_WR)
        client.close_sent = True
        if kind == 2:
            client.answer()
        else:
            assert all(isinstance(event, Close) for event in client.rest())
        client.sock.close()
    elif kind == 3:
        client.end_well()
        client.sock.close()
    else:  # idle, amid a message, amid the handshake: without a word
        client.sock.close()


def waves(server: EchoServer, count: int) -> None:
    """Let so many connections come in waves, of every kind, and go."""
    for start in range(0, count, WAVE):
        clients = [Client(server.port) for _ in range(WAVE)]
        for i, client in enumerate(clients, start):
            leave(client, i % 11)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_ten_thousand_come_and_go(loop: str) -> None:
    """After ten thousand connections of every kind, descriptors and memory are as at the start."""
    with echo_server(loop=loop) as server:
        waves(server, WAVE)
        with Client.open(server.port) as client:
            client.end_well()
        idle = server.descriptors()
        waves(server, WARM_UP)
        server.wait_for_descriptors(idle)
        before = server.memory()
        waves(server, CONNECTIONS)
        server.wait_for_descriptors(idle)
        grown = server.memory() - before
        assert grown < GROWTH, f"{grown} bytes are left of {CONNECTIONS} connections"
        with Client.open(server.port) as client:
            client.round_trip(b"after them all")
            client.end_well()


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_thousand_at_once_leave_nothing(loop: str) -> None:
    """A thousand open connections, each with an echo unread or a frame half sent, can be dropped in one moment."""
    with echo_server(loop=loop) as server:
        with Client.open(server.port) as client:
            client.end_well()
        idle = server.descriptors()
        sizes = (0, 10, 70_000)
        for _ in range(2):
            clients = [Client.open(server.port, receive_buffer=4096) for _ in range(1000)]
            assert server.descriptors() >= idle + 1000
            for i, client in enumerate(clients):
                client.send(frame(BINARY, bytes(sizes[i % 3]))[: -1 if i % 2 else None], read=False, seconds=0.01)
            for client in clients:
                client.abort()
            server.wait_for_descriptors(idle)


# ------------------------------------------------------------------------------------------- no foreign byte, ever

WORKERS = 60
LIVES = 60
"""Connections that each worker opens and closes, one after the other."""


def tagged(owner: int, at: int, size: int) -> bytes:
    """Return a payload each of whose octets belongs to its owner: twelve octets of tag, over and over."""
    unit = struct.pack("!IIi", owner, at, size)
    return (unit * (size // 12 + 1))[: max(12, size)]


async def life(port: int, owner: int, chance: random.Random) -> int:
    """Live one connection, check every frame that comes, and leave in any way; return how many frames came."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    if chance.random() < 0.5:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    came = 0
    try:
        await loop.sock_connect(sock, ("127.0.0.1", port))
        sizes = [chance.choice((12, 125, 1000, 20_000, 200_000)) for _ in range(chance.randrange(1, 6))]
        out = bytearray()
        due: list[Message | Pong] = []
        for at, size in enumerate(sizes):
            payload = tagged(owner, at, size)
            if size == 125:
                out += frame(9, payload)
                due.append(Pong(payload))
            else:
                out += frame(BINARY, payload)
                due.append(Message(payload, text=False))
        part = chance.choice((1.0, 1.0, 0.9, 0.5))
        sending = asyncio.ensure_future(_send(sock, upgrade() + bytes(out[: int(len(out) * part)])))
        try:
            reads = chance.choice((0, 0, 1, 3, 100))  # how often it reads before it goes
            came = await _read(sock, due, reads)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if chance.random() < 0.5:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        sock.close()
    return came


async def _send(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)


async def _read(sock: socket.socket, due: list[Message | Pong], reads: int) -> int:
    """Read some of what comes: it must be the handshake's answer, then what is due, and not an octet more.

    Pongs and echoes may overtake each other; nothing else may.
    """
    loop = asyncio.get_running_loop()
    head, reader, came = b"", Reader(), 0
    left = list(due)
    for _ in range(reads):
        if not left:
            break
        try:
            async with asyncio.timeout(0.25 if came else 10):
                data = await loop.sock_recv(sock, 65536)
        except TimeoutError:
            assert came, "no answer came"
            break  # a part was never sent, so the rest is not due
        assert data, "the server ended the connection"
        if b"\r\n\r\n" not in head:
            head += data
            assert head.startswith(b"HTTP/1.1 101 "[: len(head)]), f"not a handshake's answer: {head[:60]!r}"
            if b"\r\n\r\n" not in head:
                continue
            data = head.partition(b"\r\n\r\n")[2]
            came += 1
        reader.feed(data)
        for event in reader.events():
            first = next((other for other in left if type(other) is type(event)), None)
            assert first is not None, f"{event} came, nothing like it was due"
            assert event == first, f"{event} came, {first} was due"
            left.pop(left.index(first))
            came += 1
    return came


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_no_byte_reaches_a_foreign_connection(loop: str) -> None:
    """While connections open and close at full load, each gets the frames with its own tag, whole, and no other."""
    with echo_server(loop=loop) as server:

        async def worker(number: int) -> int:
            chance = random.Random(number)
            return sum([await life(server.port, number << 16 | i, chance) for i in range(LIVES)])

        came = await asyncio.gather(*(worker(number) for number in range(WORKERS)))
        assert sum(came) > WORKERS * LIVES
        with Client.open(server.port) as client:
            client.round_trip(b"after them all")
            client.end_well()
