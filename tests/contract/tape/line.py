"""Line: one client's connection through the proxy, its handshake, and what a fault may do with both.

It passes everything on as it is; what to falsify it leaves to a `Fault`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, unquote

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

Frame: TypeAlias = str | bytes
Json: TypeAlias = dict[str, Any]

V1: Final = "tapecast.v1"
BEARER: Final = "bearer."
SOCKETS: Final = ("tickers", "trades", "orders", "balances")


def read(frame: Frame) -> Json | None:
    """Return the object that the frame holds; None where it holds none."""
    try:
        message = json.loads(frame) if isinstance(frame, str) else None
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def write(message: Json) -> str:
    """Return the message as a text frame."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair can only be sent escaped
        return json.dumps(message, separators=(",", ":"))
    return text


@dataclass(frozen=True)
class Shake:
    """What a client asks for: the target as it was sent, and the headers that are no part of the handshake itself."""

    target: str
    headers: tuple[tuple[str, str], ...]
    offered: tuple[str, ...]

    @property
    def path(self) -> str:
        """The target without its query, as it was sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's parameters, decoded."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def parts(self) -> list[str]:
        """The decoded parts of a cache socket's path, from `trades` on; empty on any other."""
        head, found, tail = self.path.partition("/api/v1/cache/ws/")
        return [unquote(part) for part in tail.split("/", 2)] if found and not head else []

    @property
    def socket(self) -> str:
        """Which socket it is: bars, tickers, trades, orders or balances; empty where none of them."""
        if self.path == "/api/v1/ws":
            return "bars"
        return self.parts[0] if self.parts and self.parts[0] in SOCKETS else ""

    @property
    def is_wide(self) -> bool:
        """Whether the address is that of a whole exchange or account."""
        return len(self.parts) == 2

    def tokens(self) -> list[str]:
        """Return the tokens that it brings, in whichever way."""
        return [
            *(
                value.partition(" ")[2]
                for name, value in self.headers
                if name.lower() == "authorization" and value.lower().startswith("bearer ")
            ),
            *(text.removeprefix(BEARER) for text in self.offered if text.startswith(BEARER)),
            *(value for name, value in self.query if name == "token"),
        ]

    def without_parameters(self, *names: str) -> "Shake":
        """Return it without these parameters; the others stay as they were sent."""
        path, _, query = self.target.partition("?")
        kept = [part for part in query.split("&") if part and part.partition("=")[0] not in names]
        return replace(self, target=path + ("?" + "&".join(kept) if kept else ""))

    def at(self, path: str) -> "Shake":
        """Return it with another path and the same query."""
        _, mark, query = self.target.partition("?")
        return replace(self, target=path + mark + query)

    def with_token(self, token: str) -> "Shake":
        """Return it with this token in place of all those that it brings."""
        bare = self.without_parameters("token")
        return replace(
            bare,
            headers=(
                *((name, value) for name, value in self.headers if name.lower() != "authorization"),
                ("Authorization", f"Bearer {token}"),
            ),
            offered=tuple(text for text in self.offered if not text.startswith(BEARER)),
        )


@dataclass(frozen=True)
class Refused:
    """How a handshake is refused: HTTP status and the body's code, or the close code for who offers `tapecast.v1`."""

    status: int
    code: str
    close: int


@dataclass
class World:
    """What all connections of one proxy share."""

    secret: str
    lines: "set[Line]" = field(default_factory=set)
    notes: dict[str, Any] = field(default_factory=dict)


class Line:
    """One client's connection, and the proxy's own to the real server on its behalf."""

    def __init__(self, shake: Shake, world: World) -> None:
        """Begin with the handshake; both connections are set once it is through."""
        self.shake = shake
        self.world = world
        self.client: ServerConnection | None = None
        self.server: ClientConnection | None = None
        self.keys: set[tuple[Any, Any]] = set()
        """What the client has subscribed on the bars socket: symbol and resolution as it spelt them."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def socket(self) -> str:
        """Which socket it is: bars, tickers, trades, orders or balances."""
        return self.shake.socket

    @property
    def speaks_v1(self) -> bool:
        """Whether the client offered `tapecast.v1`."""
        return V1 in self.shake.offered

    def body(self, message: Json) -> Json:
        """Return the object that holds the message's members: its `payload` on the bars socket, else itself."""
        if self.socket != "bars":
            return message
        payload = message.get("payload")
        return payload if isinstance(payload, dict) else {}

    def message(self, tag: str, members: Json) -> str:
        """Return a frame with these members, in this socket's form."""
        return write({"type": tag, "payload": members} if self.socket == "bars" else {"type": tag, **members})

    async def answer(self, tag: str, request: Json, **members: Any) -> None:
        """Answer the request, with its id if it has one."""
        body = self.body(request)
        await self.to_client(self.message(tag, members | ({"id": body["id"]} if "id" in body else {})))

    async def to_client(self, frame: Frame) -> None:
        """Send the client a frame; one that is gone gets none."""
        assert self.client is not None
        with suppress(ConnectionClosed):
            await self.client.send(frame)

    async def to_server(self, frame: Frame) -> None:
        """Send the real server a frame."""
        assert self.server is not None
        with suppress(ConnectionClosed):
            await self.server.send(frame)

    async def close(self, code: int, reason: str) -> None:
        """Close the client's connection."""
        assert self.client is not None
        await self.client.close(code, reason)

    def cut(self) -> None:
        """End both connections without a close frame."""
        for connection in (self.client, self.server):
            if connection is not None:
                connection.transport.abort()

    def later(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        """Do something in so many seconds, if the connection lives until then."""

        async def waited() -> None:
            await asyncio.sleep(seconds)
            await action()

        task = asyncio.create_task(waited())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """Let go of what was to be done later."""
        for task in self._tasks:
            task.cancel()


class Fault:
    """What a proxy does with one connection. As it stands it passes everything on."""

    def __init__(self, line: Line) -> None:
        """Work on this connection."""
        self.line = line

    def refuse(self, shake: Shake) -> Refused | None:
        """Say how to refuse the handshake without asking the real server; None: don't."""
        del shake
        return None

    def ask(self, shake: Shake) -> Shake:
        """Return what the real server is asked for."""
        return shake

    def choose(self, chosen: str | None) -> str | None:
        """Return the subprotocol that the client is told, of the one that the real server chose."""
        return chosen

    async def begin(self) -> None:
        """Do what is to be done before the first frame."""

    async def from_client(self, frame: Frame) -> None:
        """Take a frame of the client's."""
        await self.line.to_server(frame)

    async def from_server(self, frame: Frame) -> None:
        """Take a frame of the real server's."""
        await self.line.to_client(frame)

    async def ended(self, code: int | None, reason: str) -> None:
        """Take that the real server has closed; the code is None where it was cut off."""
        if code is None:
            self.line.cut()
        elif code == 1005:  # a close frame without a code: RFC 6455, section 7.4.1
            await self.line.close(1000, "")
        else:
            await self.line.close(code, reason)


MakeFault: TypeAlias = Callable[[Line], Fault]


def known(tags: Sequence[str], message: Json | None) -> bool:
    """Say whether the message is one of these."""
    return message is not None and message.get("type") in tags
