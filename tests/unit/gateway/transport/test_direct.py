"""Direct: one connection from its request to its end, over real sockets on both event loops and over made-up ones."""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect
from uvicorn.server import ServerState

from gateway.transport import frames, sockets
from gateway.transport.direct import DirectProtocol, Switchboard, connection_in, direct_classes
from gateway.transport.wheel import TimerWheel
from generated.errors import CloseCode
from tests.support.clock import VirtualClock, settle
from tests.support.server import until
from tests.unit.gateway.transport.test_frames import client_frame


class Recorder:
    """A listener that remembers what it is told."""

    def __init__(self, connection: DirectProtocol) -> None:
        self.connection = connection
        self.said: list[Any] = []
        self.codes: list[int] = []
        self.work: Callable[[str], Coroutine[Any, Any, None] | None] = lambda text: None
        self.descriptor_when_lost: int | None = None

    def received(self, text: str | None, /) -> Coroutine[Any, Any, None] | None:
        self.said.append(text)
        return None if text is None else self.work(text)

    def stalled(self) -> None:
        self.said.append("(stalled)")

    def writable(self) -> None:
        self.said.append("(writable)")

    def lost(self, code: int, /) -> None:
        self.descriptor_when_lost = self.connection.descriptor
        self.codes.append(code)


class Server(uvicorn.Server):
    """uvicorn's server without its hold on the process's signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class World:
    """A server, what it listens with, and the listeners of its connections in the order of their coming."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock()
        values: dict[str, Any] = {
            "wheel": TimerWheel(self.clock.monotonic, self.clock.call_later),
            "draw": lambda: 0.5,
            "random_bytes": lambda size: b"r" * size,
        }
        self.board = Switchboard(**(values | settings))
        self.listeners: list[Recorder] = []
        self.seen: list[Any] = []
        self.app = FastAPI(openapi_url=None)
        self.port = 0
        self.server: Server

        @self.app.get("/hello")
        async def hello() -> dict[str, str]:
            return {"hello": "world"}

        @self.app.get("/large")
        async def large() -> Response:
            return Response(b"x" * 30_000_000)

        @self.app.post("/echo")
        async def echo(request: Request) -> Response:
            return Response(await request.body())

        @self.app.websocket("/open")
        async def opened(websocket: WebSocket) -> None:
            await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
            connection = connection_in(websocket)
            listener = Recorder(connection)
            self.listeners.append(listener)
            connection.open(listener)

        @self.app.websocket("/plain")
        async def plain(websocket: WebSocket) -> None:
            await websocket.accept(headers=[(b"x-own", b"yes")])
            try:
                while True:
                    message = await websocket.receive_text()
                    if message == "close":
                        await websocket.close(4321, "as asked")
                        return
                    if message == "raise":
                        raise ValueError("a secret")
                    if message == "return":
                        return
                    await websocket.send_text(message.upper())
            except WebSocketDisconnect as end:
                self.seen.append(end.code)

        @self.app.websocket("/no")
        async def no(websocket: WebSocket) -> None:
            await websocket.close()

        @self.app.websocket("/denied")
        async def denied(websocket: WebSocket) -> None:
            await websocket.send_denial_response(JSONResponse({"why": "so"}, status_code=418))

        @self.app.websocket("/never")
        async def never(websocket: WebSocket) -> None:
            await asyncio.Event().wait()

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator["World"]:
        """Serve."""
        http, websocket = direct_classes(self.board)
        values: dict[str, Any] = {"log_config": None, "lifespan": "off", "timeout_graceful_shutdown": 1}
        config = uvicorn.Config(self.app, port=0, http=http, ws=websocket, **(values | settings))
        self.server = Server(config)
        task = asyncio.create_task(self.server.serve())
        await until(lambda: self.server.started or task.done())
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.server.should_exit = True
            await task


class Client:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def frame(self) -> tuple[int, bytes]:
        """Read one frame of the server's: its first byte and its payload."""
        first, second = await self.reader.readexactly(2)
        assert second < 128, "a server's frame has no mask"
        if second == 126:
            second = int.from_bytes(await self.reader.readexactly(2), "big")
        elif second == 127:
            second = int.from_bytes(await self.reader.readexactly(8), "big")
        return first, await self.reader.readexactly(second)

    async def closed_with(self) -> tuple[int, str]:
        """Read on to the close frame; return its code and text, and see the connection end."""
        while True:
            first, payload = await self.frame()
            if first == 0x88:
                break
        self.writer.write(client_frame(8, payload))
        assert await self.reader.read() == b""
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    def send(self, *frames: bytes) -> None:
        """Send frames."""
        self.writer.write(b"".join(frames))

    def reset(self) -> None:
        """Break the connection by a TCP reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def request(path: str = "/open", *more: str, without: str = "", method: str = "GET", version: str = "1.1") -> bytes:
    """Return an upgrade request, with more header lines, or without one."""
    lines = [
        "Host: x",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    kept = [line for line in lines if not without or not line.startswith(without)]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *kept, *more, "", ""]).encode()


async def raw(world: World, **settings: Any) -> Client:
    """Connect by TCP alone."""
    return Client(*await asyncio.open_connection("127.0.0.1", world.port, **settings))


async def upgraded(world: World, path: str = "/open", *behind: bytes, **settings: Any) -> Client:
    """Connect, with bytes behind the request in the same packet, and read the answer."""
    client = await raw(world, **settings)
    client.writer.write(request(path) + b"".join(behind))
    assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return client


# ---------------------------------------------------------------------------------------------- requests and handshakes


async def test_http_and_websockets_share_the_port() -> None:
    """A GET on a kept-alive connection, another, and an upgrade on that same connection."""
    async with World().running() as world:
        client = await raw(world)
        for _ in range(2):
            client.writer.write(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await client.reader.readuntil(b"\r\n\r\n")
            assert await client.reader.readexactly(17) == b'{"hello":"world"}'
        await world.clock.advance(9.5)
        client.writer.write(request("/open", "Sec-WebSocket-Protocol: a, b"))
        answer = await client.reader.readuntil(b"\r\n\r\n")
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
        assert b"Sec-WebSocket-Protocol: a\r\n" in answer
        await until(lambda: bool(world.listeners))
        await world.clock.advance(5)
        client.send(client_frame(1, b"hi"))
        await until(lambda: world.listeners[0].said == ["hi"])
        client.writer.close()


@pytest.mark.parametrize(
    ("head", "status", "header"),
    [
        (request(without="Host"), 400, b""),
        (request("/open", "Host: y"), 400, b""),
        (request(without="Sec-WebSocket-Key"), 400, b""),
        (request("/open", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, b""),
        (request("/open", "Sec-WebSocket-Key: short", without="Sec-WebSocket-Key"), 400, b""),
        (request("/open", "Sec-WebSocket-Key: c2hvcnQ=", without="Sec-WebSocket-Key"), 400, b""),
        (request(without="Sec-WebSocket-Version"), 400, b""),
        (request("/open", "Sec-WebSocket-Version: 8", without="Sec-WebSocket-V"), 426, b"Sec-WebSocket-Version: 13"),
        (request("/open", "Origin: a", "Origin: b"), 400, b""),
        (request("/open", "Sec-WebSocket-Protocol: a b"), 400, b""),
        (request("/open", "Content-Length: 3") + b"abc", 400, b""),
        (request(method="PUT"), 405, b"Allow: GET"),
        (request(version="1.0"), 505, b""),
        (request("/no"), 403, b""),
        (request("/nowhere"), 403, b""),
        (request("/denied"), 418, b"application/json"),
        (b"nonsense\r\n\r\n", 400, b""),
    ],
)
async def test_a_handshake_that_is_refused_gets_its_status(head: bytes, status: int, header: bytes, log: Any) -> None:
    """Whoever refuses, the answer is HTTP, the connection ends, and nothing stays behind."""
    async with World().running() as world:
        client = await raw(world)
        client.writer.write(head)
        answer = await client.reader.read()
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert header in answer
        assert b"\r\n\r\n" in answer
        client.writer.close()
        await until(lambda: not world.server.server_state.connections)
        assert world.board.connections == 0
        assert len(world.board.wheel) == 0


async def test_bytes_behind_the_request_are_not_lost() -> None:
    """Frames in the packet of the request come to the listener, and to an application that never opens."""
    async with World().running() as world:
        first = await upgraded(world, "/open", client_frame(1, b"a"), client_frame(1, b"b")[:4])
        first.send(client_frame(1, b"b")[4:])
        await until(lambda: bool(world.listeners) and world.listeners[0].said == ["a", "b"])
        second = await upgraded(world, "/plain", client_frame(1, b"a"), client_frame(1, b"b"))
        assert [await second.frame(), await second.frame()] == [(0x81, b"A"), (0x81, b"B")]
        first.writer.close()
        second.writer.close()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GET /hello HTTP/1.1\r\nHost:", b"HTTP/1.1 408 "),
        (b"\r\n", b"HTTP/1.1 408 "),
        (request("/never"), b""),
    ],
)
async def test_what_makes_no_request_in_time_is_cut_off(sent: bytes, answer: bytes, log: Any) -> None:
    """Silent from the start, slow with its head, or never answered by the application: ten seconds."""
    async with World().running() as world:
        client = await raw(world)
        client.writer.write(sent)
        await until(lambda: len(world.server.server_state.connections) == 1)
        if sent:
            await asyncio.sleep(0.05)
        await world.clock.advance(9.8)
        assert len(world.server.server_state.connections) == 1
        await world.clock.advance(0.4)
        got = b""
        with contextlib.suppress(ConnectionError):
            got = await client.reader.read()
        assert got[: len(answer) or None] == answer
        await until(lambda: not world.server.server_state.connections)
        assert "status=408" in log.getvalue()
        client.writer.close()


async def test_a_second_request_that_is_not_finished_is_cut_off(log: Any) -> None:
    """Bytes that trickle don't move the deadline."""
    async with World().running() as world:
        client = await raw(world)
        client.writer.write(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        await client.reader.readuntil(b"}")
        await world.clock.advance(30)
        client.writer.write(b"GET /hello HTTP/1.1\r\nA: ")
        await until(lambda: len(world.board.wheel) == 1)
        for _ in range(4):
            await world.clock.advance(2.4)
            client.writer.write(b"x")
        await world.clock.advance(1)
        assert (await client.reader.read()).startswith(b"HTTP/1.1 408 ")
        client.writer.close()


CHUNKED = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"


@pytest.mark.parametrize(
    "more", [b"0\r\na: b\r\n" * 2, b"0\r\na: " + b"x" * 200_000, b"1;" + b"x" * 200_000], ids=["many", "long", "chunk"]
)
async def test_what_stands_behind_a_body_is_bounded(more: bytes, log: Any) -> None:
    """Trailers have no use here, and what is no body between its pieces is as short as a head."""
    async with World().running() as world:
        client = await raw(world)
        client.send(CHUNKED, more)
        answer = b""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(4):
                answer = await client.reader.read()
        assert b"200 OK" not in answer
        assert "status=4" in log.getvalue()
        await until(lambda: not world.server.server_state.connections)
        client.writer.close()


async def test_few_requests_may_wait_for_the_answers_to_others() -> None:
    """Those that came before one too many are answered, and then the connection ends."""
    async with World().running() as world:
        client = await raw(world)
        client.send(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n" * 2000)
        async with asyncio.timeout(4):
            answers = await client.reader.read()
        assert 1 < answers.count(b"HTTP/1.1 200 OK") < 30
        assert not world.server.server_state.connections
        client.writer.close()


async def test_a_body_that_is_not_finished_is_cut_off() -> None:
    """However often a little of it comes, and though it was answered or not."""
    async with World().running() as world:
        client = await raw(world)
        client.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
        await until(lambda: len(world.server.server_state.tasks) > 0 or bool(world.board.wheel))
        for _ in range(5):
            client.send(b"x")
            await asyncio.sleep(0.01)
            await world.clock.advance(11)
        await until(lambda: not world.server.server_state.connections, seconds=4)
        client.writer.close()


async def test_who_takes_nothing_of_an_answer_is_cut_off() -> None:
    """It holds its connection for a while, not for ever."""
    async with World().running() as world:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", world.port))
        await asyncio.get_running_loop().sock_sendall(client, b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")

        def held() -> int:
            return max((c.transport.get_write_buffer_size() for c in world.server.server_state.connections), default=-1)

        await until(lambda: held() > 0)
        for _ in range(3):
            await asyncio.sleep(0.05)
            await world.clock.advance(10.5)
        await until(lambda: not world.server.server_state.connections, seconds=4)
        client.close()


async def test_a_head_that_is_too_large_gets_431(log: Any) -> None:
    """In one packet or in many, whole or not."""
    async with World().running() as world:
        for head in (
            b"GET /hello HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000,
            b"GET /hello HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000 + b"\r\n\r\n",
        ):
            client = await raw(world)
            client.writer.write(head)
            with contextlib.suppress(ConnectionError):
                assert (await client.reader.read()).startswith(b"HTTP/1.1 431 ")
            client.writer.close()
        await until(lambda: "status=431" in log.getvalue())


# ---------------------------------------------------------------------------------------------------------- listeners


async def test_the_endpoint_returns_and_the_connection_lives() -> None:
    """An opened connection has no task, and its messages go both ways."""
    async with World().running() as world:
        client = await upgraded(world)
        await until(lambda: bool(world.listeners) and not world.server.server_state.tasks)
        listener = world.listeners[0]
        assert listener.connection.descriptor >= 0
        assert listener.connection.is_writable()
        client.send(client_frame(1, "é".encode()), client_frame(2, b"\x00"), client_frame(9, b"p"))
        assert await client.frame() == (0x8A, b"p")
        assert listener.said == ["é", None]
        listener.connection.write([b"one", b"two"])
        world.board.broadcast([([listener.connection.descriptor], [b"three", b"four"])])
        assert [(await client.frame())[1] for _ in range(4)] == [b"one", b"two", b"three", b"four"]
        client.writer.close()
        await until(lambda: listener.codes == [1006])


async def test_messages_wait_for_a_coroutine() -> None:
    """While one is handled the later ones wait, in order, and reading stops."""
    async with World().running() as world:
        client = await upgraded(world)
        await until(lambda: bool(world.listeners))
        listener = world.listeners[0]
        gate = asyncio.Event()

        async def handle(text: str) -> None:
            await gate.wait()
            listener.said.append(text + "!")

        listener.work = handle
        client.send(*(client_frame(1, b"%d" % number) for number in range(3)))
        await until(lambda: listener.said == ["0"])
        client.send(client_frame(1, b"3"))
        await asyncio.sleep(0.02)
        assert listener.said == ["0"]
        gate.set()
        await until(lambda: listener.said == ["0", "0!", "1", "1!", "2", "2!", "3", "3!"])
        client.writer.close()


@pytest.mark.parametrize("where", ["received", "work"])
async def test_what_a_listener_raises_ends_its_connection_alone(where: str, log: Any) -> None:
    """1011 with the document's text, a line in the log, and the neighbour lives."""
    async with World().running() as world:
        client, neighbour = await upgraded(world), await upgraded(world)
        await until(lambda: len(world.listeners) == 2)

        async def fail_later(text: str) -> None:
            raise ValueError("a secret")

        def fail(text: str) -> Coroutine[Any, Any, None] | None:
            raise ValueError("a secret")

        world.listeners[0].work = fail if where == "received" else fail_later
        client.send(client_frame(1, b"x"))
        assert await client.closed_with() == (1011, CloseCode.INTERNAL_ERROR.text)
        client.writer.close()
        await until(lambda: world.listeners[0].codes == [1011])
        assert "connection failed" in log.getvalue()
        neighbour.send(client_frame(1, b"y"))
        await until(lambda: world.listeners[1].said == ["y"])
        neighbour.writer.close()


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        (lambda client: client.send(client_frame(8, b"\x03\xe8bye")), 1000),
        (lambda client: client.send(client_frame(8, b"")), 1005),
        (lambda client: client.writer.close(), 1006),
        (lambda client: client.writer.write_eof(), 1006),
        (lambda client: client.reset(), 1006),
        (lambda client: client.send(client_frame(8, b"\x0f\xff")), 4095),
    ],
)
async def test_the_end_is_told_once_with_its_code(leave: Callable[[Client], None], code: int) -> None:
    """However the client leaves; by then the descriptor is in no list, and nothing stays."""
    async with World().running() as world:
        client = await upgraded(world)
        await until(lambda: bool(world.listeners))
        listener = world.listeners[0]
        assert len(world.board.lines) == 1
        leave(client)
        await until(lambda: bool(listener.codes))
        assert listener.codes == [code]
        assert listener.said == ["(stalled)"]
        assert listener.descriptor_when_lost == -1
        assert not world.board.lines
        assert len(world.board.wheel) == 0
        assert world.board.connections == 0
        listener.connection.write([b"late"])
        listener.connection.close("shutdown")
        client.writer.close()


async def test_our_close_waits_for_the_clients_and_says_nothing_after_it() -> None:
    """Text in either direction after our close frame is dropped; a client that never answers is cut off."""
    async with World().running() as world:
        client = await upgraded(world)
        await until(lambda: bool(world.listeners))
        listener = world.listeners[0]
        descriptor = listener.connection.descriptor
        listener.connection.close("slow_consumer")
        assert listener.connection.descriptor == -1
        assert listener.said == ["(stalled)"]
        listener.connection.write([b"late"])
        assert descriptor not in world.board.lines
        client.send(client_frame(1, b"late"))
        assert await client.frame() == (0x88, b"\x0f\xa2" + CloseCode.SLOW_CONSUMER.text.encode())
        await world.clock.advance(4.8)
        assert listener.codes == []
        await world.clock.advance(0.4)
        with contextlib.suppress(ConnectionError):
            assert await client.reader.read() == b""
        await until(lambda: listener.codes == [4002])
        assert listener.said == ["(stalled)"]
        client.writer.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [(b"\x83\x80\0\0\0\0", 1002), (client_frame(1, b"\xff"), 1007), (client_frame(1, b"x" * 20_000), 1009)],
)
async def test_a_breach_of_the_protocol_closes_with_the_documents_text(frame: bytes, code: int) -> None:
    """The close frame arrives also where more was sent than the server will ever read."""
    async with World().running() as world:
        client = await upgraded(world)
        client.send(frame, client_frame(1, b"more") * 1000)
        assert await client.closed_with() == (code, CloseCode(code).text)
        client.writer.close()
        await until(lambda: world.listeners[0].codes == [code])


async def test_pings_are_asked_and_silence_is_closed_with_4004() -> None:
    """The first comes at random in the interval's second half, the next an interval after the pong; silence ends it."""
    async with World(ping_interval=20.0, pong_timeout=5.0).running() as world:
        client = await upgraded(world)
        await until(lambda: bool(world.listeners))
        await world.clock.advance(14.9)
        assert world.board.pings_out == 0
        await world.clock.advance(0.3)
        assert await client.frame() == (0x89, b"rrrr")
        client.send(client_frame(10, b"else"), client_frame(10, b"rrrr"))
        await until(lambda: world.board.pongs_in == 2)
        await world.clock.advance(19)
        assert world.board.pings_out == 1
        await world.clock.advance(1.2)
        assert await client.frame() == (0x89, b"rrrr")
        await world.clock.advance(5.2)
        assert await client.closed_with() == (4004, CloseCode.PING_TIMEOUT.text)
        client.writer.close()


async def test_a_flood_of_pings_is_answered_in_order_and_others_have_their_turn() -> None:
    """Pings with other frames between them are answered before these; ten thousand at once by their last ones."""
    async with World().running() as world:
        client = await upgraded(world)
        await until(lambda: bool(world.listeners))
        listener = world.listeners[0]
        listener.work = lambda text: listener.connection.write([text.encode()])
        client.send(client_frame(9, b"1"), client_frame(9, b"2"), client_frame(1, b"t"), client_frame(9, b"3"))
        assert [(await client.frame())[1] for _ in range(4)] == [b"1", b"2", b"t", b"3"]
        client.send(*(client_frame(9, b"%d" % number) for number in range(10_000)))
        last = b""
        while last != b"9999":
            first, last = await client.frame()
            assert first == 0x8A
        assert world.board.pings_in == 10_003
        client.writer.close()


# --------------------------------------------------------------------------------------------------- stalls and bytes


async def slow_client(world: World) -> Client:
    """Connect a client whose system takes little, and which does not read."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", world.port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=4096)
    client = Client(reader, writer)
    writer.write(request())
    await reader.readuntil(b"\r\n\r\n")
    return client


async def test_a_stalled_client_is_parked_and_gets_every_byte_in_order() -> None:
    """A broadcast that is taken in part stalls it; after it drains it is told, and no byte is lost or swapped."""
    async with World().running() as world:
        client = await slow_client(world)
        healthy = await upgraded(world)
        await until(lambda: len(world.listeners) == 2)
        listener, other = world.listeners
        sent = 0
        while "(stalled)" not in listener.said:
            payload = b"%06d" % sent * 5000
            world.board.broadcast([([listener.connection.descriptor, other.connection.descriptor], [payload])])
            assert (await healthy.frame())[1] == payload
            sent += 1
        assert not listener.connection.is_writable()
        listener.connection.write([b"behind"])
        client.send(client_frame(9, b"a"), client_frame(9, b"b"))
        await until(lambda: world.board.pings_in == 2)
        for number in range(sent):
            assert (await client.frame())[1] == b"%06d" % number * 5000
        assert (await client.frame()) == (0x81, b"behind")
        assert (await client.frame()) == (0x8A, b"b")
        await until(lambda: listener.said == ["(stalled)", "(writable)"])
        assert other.said == []
        assert listener.connection.is_writable()
        client.writer.close()
        healthy.writer.close()


async def test_a_ping_that_is_due_during_a_stall_is_not_put_behind_what_waits() -> None:
    """Nothing but the transport writes then; a client that takes nothing for the pong's time is closed with 4004."""
    async with World(ping_interval=10.0, pong_timeout=5.0).running() as world:
        client = await slow_client(world)
        await until(lambda: bool(world.listeners))
        listener = world.listeners[0]
        while not listener.said:
            listener.connection.write([b"x" * 30_000])
        await world.clock.advance(7.7)
        assert world.board.pings_out == 1
        await world.clock.advance(5.2)
        assert listener.connection.end_code == 4004
        await world.clock.advance(5.2)
        await until(lambda: listener.codes == [4004])
        assert listener.said == ["(stalled)"]
        client.writer.close()


async def test_a_descriptor_that_breaks_in_a_broadcast_is_left_out() -> None:
    """The neighbours get their frames; the broken one is told and ended; one that nobody knows is ignored."""
    broken: list[int] = []

    def write(descriptor: int, buffer: bytes) -> int:
        if descriptor in broken:
            raise BrokenPipeError
        return os.write(descriptor, buffer)

    async with World(write=write).running() as world:
        clients = [await upgraded(world) for _ in range(3)]
        await until(lambda: len(world.listeners) == 3)
        descriptors = [listener.connection.descriptor for listener in world.listeners]
        broken[:] = [descriptors[1], 10**6]
        world.board.broadcast([([*descriptors, 10**6], [b"x"])])
        assert await clients[0].frame() == (0x81, b"x")
        assert await clients[2].frame() == (0x81, b"x")
        assert world.listeners[1].said == ["(stalled)"]
        assert world.listeners[1].connection.descriptor == -1
        await until(lambda: world.listeners[1].codes == [1006])
        for client in clients:
            client.writer.close()


async def test_lag_counts_from_the_last_byte_that_was_acknowledged() -> None:
    """A client that does not read has a lag that grows; one that reads has none."""
    async with World().running() as world:
        client = await slow_client(world)
        await until(lambda: bool(world.listeners))
        connection = world.listeners[0].connection
        assert connection.lag() == 0.0
        while connection.is_writable():
            connection.write([b"x" * 30_000])
        if sockets.unsent_bytes(connection.transport) == 0 or not sockets.acknowledged_bytes(connection.transport):
            pytest.skip("this system does not tell")
        before = None
        while before != (before := sockets.acknowledged_bytes(connection.transport)):
            await asyncio.sleep(0.05)
        connection.lag()
        await world.clock.advance(3)
        assert connection.lag() == pytest.approx(3)
        client.writer.close()


async def test_descriptors_that_are_used_again_never_get_a_foreign_byte() -> None:
    """Connections come and go under full load; each sees frames of its own number alone."""
    async with World().running() as world:
        strangers: list[bytes] = []
        stop = False

        async def broadcast() -> None:
            while not stop:
                for number, listener in enumerate(world.listeners):
                    if listener.connection.is_writable():
                        world.board.broadcast([([listener.connection.descriptor], [b"%d" % number] * 3)])
                await asyncio.sleep(0)

        async def visit(turn: int) -> None:
            client = await upgraded(world)
            own = None
            for _ in range(1 + turn % 7):
                _, payload = await client.frame()
                own = own or payload
                if payload != own:
                    strangers.append(payload)
            if turn % 3:
                client.reset()
            else:
                client.writer.close()

        task = asyncio.create_task(broadcast())
        for first in range(0, 200, 20):
            async with asyncio.TaskGroup() as group:
                for turn in range(first, first + 20):
                    group.create_task(visit(turn))
        stop = True
        await task
        assert not strangers
        await until(lambda: world.board.connections == 0)
        assert not world.board.lines


class Wire:
    """A made-up system and transport: takes as many bytes at each write as it is told to, and keeps them in order."""

    def __init__(self, amounts: list[int]) -> None:
        self.amounts = iter(amounts)
        self.out = b""
        self.buffer = b""
        self.protocol: Any = None
        self.is_paused = False

    def system_write(self, descriptor: int, data: bytes) -> int:
        taken = min(next(self.amounts, 2**30), len(data))
        if taken == 0:
            raise BlockingIOError
        self.out += data[:taken]
        return taken

    def write(self, data: Any) -> None:
        rest = bytes(data)
        if not self.buffer:
            with contextlib.suppress(BlockingIOError):
                rest = rest[self.system_write(7, rest) :]
        self.buffer += rest
        if self.buffer and not self.is_paused:
            self.is_paused = True
            self.protocol.pause_writing()

    def drain(self, count: int) -> None:
        """Let the system take that many of the bytes that the transport holds."""
        self.out += self.buffer[:count]
        self.buffer = self.buffer[count:]
        if not self.buffer and self.is_paused:
            self.is_paused = False
            self.protocol.resume_writing()

    def get_extra_info(self, name: str) -> Any:
        return self if name == "socket" else None

    def fileno(self) -> int:
        return 7

    def setsockopt(self, *option: int) -> None:
        pass

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        assert high == low == 0

    def get_write_buffer_size(self) -> int:
        return len(self.buffer)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    abort = close


steps = st.one_of(
    st.tuples(st.sampled_from(["write", "broadcast", "binary", "ping"]), st.integers(1, 400)),
    st.tuples(st.just("drain"), st.integers(1, 600)),
)


@given(st.lists(steps, max_size=40), st.lists(st.integers(0, 300), max_size=60))
async def test_bytes_never_interleave_however_few_are_taken(plan: list[tuple[str, int]], amounts: list[int]) -> None:
    """Whatever is written by whichever way, the client sees whole frames in the order in which they were sent."""
    wire = Wire([2**30, *amounts])  # the answer 101 is taken
    board = Switchboard(write=wire.system_write, ping_interval=None)
    http, websocket = direct_classes(board)
    listeners: list[Recorder] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        connection = scope["extensions"]["tapecast.connection"]
        listeners.append(Recorder(connection))
        connection.open(listeners[0])

    config = uvicorn.Config(app, http=http, ws=websocket, log_config=None, lifespan="off")
    config.load()
    protocol: Any = websocket(config, ServerState(), {})  # type: ignore[call-arg]  # uvicorn's way to make one
    wire.protocol = protocol
    protocol.connection_made(wire)
    headers = [
        (b"host", b"x"),
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"sec-websocket-version", b"13"),
    ]
    scope = {"method": "GET", "http_version": "1.1", "headers": headers, "root_path": "", "scheme": "http"}
    protocol.begin(config, scope | {"server": None}, b"/", b"", 10.0)
    await settle()
    start = wire.out.index(b"\r\n\r\n") + 4
    expected = b""
    pongs: list[bytes] = []
    for number, (kind, size) in enumerate(plan):
        payload = (b"%03d" % number) * (size // 3 + 1)
        match kind:
            case "write":
                protocol.write([payload, b"."])
                expected += frames.text_frames([payload, b"."])
            case "binary":
                protocol.write_binary(payload)
                expected += frames.binary_frame(payload)
            case "broadcast" if protocol.is_writable():
                board.broadcast([([protocol.descriptor], [payload])])
                expected += frames.text_frame(payload)
            case "ping":
                owed = frames.pong_frame(payload[:50])
                if protocol.is_writable():
                    expected += owed
                else:
                    pongs = [owed]
                protocol.data_received(client_frame(9, payload[:50]))
            case "drain":
                before = wire.is_paused
                if before and len(wire.buffer) <= size and pongs:
                    expected += pongs.pop()
                wire.drain(size)
            case _:
                pass
        assert protocol.is_writable() == (not wire.buffer)
    while wire.buffer:
        if pongs and len(wire.buffer) <= 100:
            expected += pongs.pop()
        wire.drain(100)
    assert wire.out[start:] == expected
    stalls = [word for word in listeners[0].said if word == "(stalled)"]
    assert listeners[0].said == [word for _ in stalls for word in ("(stalled)", "(writable)")]
    protocol.connection_lost(None)
    assert not board.lines


# --------------------------------------------------------------------------------------------------------------- ASGI


async def test_an_application_that_never_opens_works_as_under_uvicorn() -> None:
    """Messages both ways, its own headers, the client's close code."""
    async with World().running() as world:
        client = await raw(world)
        client.writer.write(request("/plain"))
        assert b"x-own: yes\r\n" in await client.reader.readuntil(b"\r\n\r\n")
        client.send(client_frame(1, b"one"), client_frame(1, b"two"), client_frame(9, b"p"))
        # The application answers a message in its own time; the pong is ours.
        answers = [await client.frame() for _ in range(3)]
        assert [answer for answer in answers if answer[0] == 0x81] == [(0x81, b"ONE"), (0x81, b"TWO")]
        assert (0x8A, b"p") in answers
        client.send(client_frame(8, b"\x0b\xb8"))
        assert await client.frame() == (0x88, b"\x0b\xb8")
        await until(lambda: world.seen == [3000])
        client.writer.close()


@pytest.mark.parametrize(("say", "code"), [(b"close", 4321), (b"raise", 1011), (b"return", 1000)])
async def test_an_application_ends_its_connection(say: bytes, code: int, log: Any) -> None:
    """By a close, by an exception whose text never leaves the server, or by returning."""
    async with World().running() as world:
        client = await upgraded(world, "/plain", client_frame(1, say))
        found, text = await client.closed_with()
        assert found == code
        assert "secret" not in text
        await until(lambda: not world.server.server_state.connections)
        client.writer.close()


async def test_an_application_that_sends_more_than_is_read_waits() -> None:
    """Messages of a client that does not read its own are not taken without bound."""
    async with World(max_message_bytes=2**20).running() as world:
        client = await upgraded(world, "/plain")
        message = client_frame(1, b"x" * 60_000)
        for _ in range(400):
            client.send(message)
        await asyncio.sleep(0.3)
        assert world.board.frames_out < 400
        for _ in range(400):
            assert await client.frame() == (0x81, b"X" * 60_000)
        client.writer.close()


# ---------------------------------------------------------------------------------------------------------------- TLS


def certificate(folder: Any) -> tuple[str, str]:
    """Write a self-signed certificate and its key."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime(2020, 1, 1)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


async def test_tls_goes_through_the_transport(tmp_path: Any) -> None:
    """No descriptor, messages both ways, a stall that is told and drains, a close with its code."""
    cert, key = certificate(tmp_path)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with World().running(ssl_certfile=cert, ssl_keyfile=key) as world:
        client = await upgraded(world, "/open", client_frame(1, b"early"), ssl=context, limit=1024)
        await until(lambda: bool(world.listeners) and world.listeners[0].said == ["early"])
        listener = world.listeners[0]
        assert listener.connection.descriptor == -1
        assert listener.connection.is_writable()
        sent = 0
        while listener.connection.is_writable():
            listener.connection.write([b"%06d" % sent * 5000])
            sent += 1
            await asyncio.sleep(0)
        assert listener.said[-1] == "(stalled)"
        for number in range(sent):
            assert (await client.frame())[1] == b"%06d" % number * 5000
        await until(lambda: listener.said[-1] == "(writable)")
        listener.connection.close("token_expired")
        assert (await client.frame())[1][:2] == (4003).to_bytes(2, "big")
        client.send(client_frame(8, (4003).to_bytes(2, "big")))
        await until(lambda: listener.codes == [4003])
        client.writer.close()


async def test_the_servers_shutdown_ends_every_connection() -> None:
    """Whatever state it is in; clients that were not told are told 4001."""
    world = World()
    async with world.running():
        opened, plain, waiting = await upgraded(world), await upgraded(world, "/plain"), await raw(world)
        waiting.writer.write(request("/never"))
        await until(lambda: len(world.server.server_state.connections) == 3 and bool(world.listeners))
    assert (await opened.frame())[1][:2] == (4001).to_bytes(2, "big")
    assert (await plain.frame())[1][:2] == (4001).to_bytes(2, "big")
    assert world.listeners[0].codes == [4001]
    for client in (opened, plain, waiting):
        client.writer.close()
