"""Flat: the eight cache endpoints for tests: their addresses, a market behind them, and what a client may rely on."""

import asyncio
import functools
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from gateway.sources.source import Source
from market.events import Account
from tests.support import tokens
from tests.support.client import TIMEOUT_S, Client, connected
from tests.support.clock import VirtualClock
from tests.support.judge import Judge
from tests.support.server import Running, running
from tests.support.source import ManualSource, symbol

CACHE = "/api/v1/cache/ws"
BTC, ETH = "test:BTC/USDT", "test:ETH/USDT"
OWN = Account("1", 1, "test", ("BTC", "ETH", "USDT"))
OTHERS = Account("2", 2, "test", ("BTC", "USDT"))
SAME_NUMBER = Account("2", 1, "elsewhere", ("BTC",))
"""An account of another user with the number of `OWN`."""


@dataclass(frozen=True)
class Endpoint:
    """One of the eight: what it serves, the form that is wide (all of a stream) or narrow, and the scope it wants."""

    serves: Literal["ticker", "trade", "order", "balances"]
    form: Literal["wide", "narrow"]
    address: str
    scope: str | None = None

    @property
    def path(self) -> str:
        """The path below the server."""
        return CACHE + self.address

    def __str__(self) -> str:
        """Name it in a test's id."""
        return f"{self.form} {self.serves}"


ENDPOINTS = (
    Endpoint("ticker", "narrow", "/tickers/test/BTC/USDT"),
    Endpoint("ticker", "wide", "/tickers/test"),
    Endpoint("trade", "narrow", "/trades/test/BTC/USDT"),
    Endpoint("trade", "wide", "/trades/test"),
    Endpoint("order", "wide", "/orders/test", "orders:read"),
    Endpoint("order", "narrow", "/orders/test/BTC/USDT", "orders:read"),
    Endpoint("balances", "wide", "/balances/1", "balances:read"),
    Endpoint("balances", "narrow", "/balances/1/BTC", "balances:read"),
)


@functools.cache
def shared_judge() -> Judge:
    """Return one judge for the run: reading the document takes a moment."""
    return Judge()


def market() -> ManualSource:
    """Return a source of two symbols at `test` and one elsewhere, with accounts of the users 1 and 2."""
    symbols = (symbol("BTC/USDT"), symbol("ETH/USDT"), symbol("BTC/USDT", "elsewhere"))
    return ManualSource(*symbols, accounts=(OWN, OTHERS, SAME_NUMBER))


def something_of_everything(source: ManualSource, number: int) -> None:
    """Let one more thing happen to both symbols and in two currencies of user 1; times and numbers rise."""
    for key in (BTC, ETH):
        source.trade(number, str(10 + number), key=key, side="buy")
        source.order(f"{key}-{number}", key=key, at=number)
    for currency in ("BTC", "ETH"):
        source.balance(currency, str(2 + number), "0.5", at=number)


@asynccontextmanager
async def running_at(clock: VirtualClock, *sources: Source, **settings: Any) -> AsyncIterator[Running]:
    """Run the gateway on a clock that only the test moves, and so too its goodbye to clients that a failure left."""
    async with running(sources, clock=clock, **settings) as server:
        try:
            yield server
        except BaseException:
            for connection in server.uvicorn.server_state.connections:
                if connection.transport is not None:
                    connection.transport.abort()
            raise


def token_for(server: Running, *without: str, **changes: object) -> str:
    """Return a good token of user 1 with account 1 and both scopes, with these claims left out or changed."""
    return tokens.sign(tokens.claims(server.gateway.clock.now_ms(), *without, **changes))


@asynccontextmanager
async def entered(server: Running, path: str, token: str | None = None, **options: Any) -> AsyncIterator[Client]:
    """Connect to a path (as it is to be sent) with a token, by default a good one of user 1."""
    headers = {"Authorization": f"Bearer {token or token_for(server)}"}
    url = f"ws://127.0.0.1:{server.port}{path if path.startswith(CACHE) else CACHE + path}"
    async with connected(url, shared_judge(), additional_headers=headers, **options) as client:
        yield client


def key_of(message: dict[str, Any]) -> str:
    """Return the symbol or the currency that a frame is about."""
    if message["type"] != "balances":
        return str(message["symbol"])
    [currency] = set(message) - {"type", "exchange_id", "timestamp", "seq", "prev", "initial"}
    return currency


@dataclass
class Ledger:
    """What a client holds of one stream: it fails at a frame by which the client would have missed something."""

    seq: int = 0
    held: dict[str, int] = field(default_factory=dict)
    began_at: int | None = None
    """The position of the initial state, which every key stands at."""
    changes: int = 0

    def take(self, messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Take frames in the order in which they came; returns them."""
        taken = list(messages)
        for message in taken:
            self._take_one(message)
        return taken

    def _take_one(self, message: dict[str, Any]) -> None:
        seq, key = message["seq"], key_of(message)
        if message["type"] == "ticker":
            assert seq >= self.seq, "a ticker's version fell"
            self.seq = seq
            return
        if message.get("initial"):
            assert self.changes == 0, "initial state after a change"
            assert seq == message["prev"]
            assert self.began_at in (None, seq), "initial state at two positions"
            self.began_at = self.seq = seq
            return
        self.changes += 1
        assert seq > self.seq, "a lossless frame raises the position"
        if key in self.held:
            assert message["prev"] == self.held[key], "a hole"
        elif self.began_at is not None:
            assert message["prev"] <= self.began_at, "a hole"
        assert message["prev"] < seq
        self.seq = self.held[key] = seq


class RawSocket:
    """A WebSocket written by hand: its path is sent as it stands, it reads when told to, and it can break off."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        """Take a connection that is open."""
        self.reader = reader
        self.writer = writer
        self.path = path
        self.status = 0
        self.head = ""

    @classmethod
    async def open(
        cls,
        port: int,
        path: str,
        token: str | None = None,
        *headers: tuple[str, str],
        receive_buffer: int | None = None,
    ) -> "RawSocket":
        """Shake hands; `status` tells how that went. `receive_buffer`: bytes, for a client that soon stalls."""
        raw = socket.socket()
        # A buffer of a few KiB would make the kernel wait for its timers: too small a window is not told.
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=receive_buffer or 2**16)
        connection = cls(reader, writer, path)
        writer.write(handshake(path, token, *headers))
        async with asyncio.timeout(TIMEOUT_S):
            connection.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        connection.status = int(connection.head.split(" ", 2)[1])
        return connection

    async def body(self) -> bytes:
        """Return the body of a refusal."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.reader.read()

    async def frame(self) -> tuple[int, bytes]:
        """Return the next frame's opcode and payload."""
        async with asyncio.timeout(TIMEOUT_S):
            first, length = await self.reader.readexactly(2)
            assert length < 127, "no frame of the server is that long"
            if length == 126:
                [length] = struct.unpack("!H", await self.reader.readexactly(2))
            return first & 0x0F, await self.reader.readexactly(length)

    async def message(self) -> dict[str, Any]:
        """Return the next message, judged."""
        opcode, payload = await self.frame()
        assert opcode == 1, (opcode, payload)
        return shared_judge().frame(payload.decode(), unquote(self.path))

    def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self.writer.write(client_frame(1, json.dumps(message).encode()))

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def drop(self) -> None:
        """Close the connection without a close frame."""
        self.writer.close()


def client_frame(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame, masked with zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def handshake(path: str, token: str | None = None, *headers: tuple[str, str]) -> bytes:
    """Return the opening handshake of a plain client."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: tests",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *([] if token is None else [f"Authorization: Bearer {token}"]),
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def shrink_send_buffers(server: Running, size: int = 32 * 1024) -> None:
    """Let the kernel hold little of what the server sends, so that a client that does not read soon stalls it."""
    for listening in server.uvicorn.servers[0].sockets:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)  # accepted sockets inherit it
