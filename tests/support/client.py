"""Client: a WebSocket client for tests, whose every received frame is judged by the document."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.judge import Judge

TIMEOUT_S = 20.0
"""How long a test waits for what must come; a machine under load is slow, so this only bounds a failure."""


PUSHED = frozenset({"bars.update", "ticker", "trade", "order", "balances"})


class Client:
    """One connection to a server under test."""

    def __init__(self, connection: ClientConnection, judge: Judge, path: str) -> None:
        """Speak over the connection to the address of this path."""
        self.connection = connection
        self.judge = judge
        self.path = path

    async def send(self, tag: str, payload: dict[str, Any] | None = None) -> None:
        """Send a message."""
        await self.raw(json.dumps({"type": tag} if payload is None else {"type": tag, "payload": payload}))

    async def raw(self, frame: str | bytes) -> None:
        """Send a frame as it stands."""
        await self.connection.send(frame)

    async def receive(self) -> dict[str, Any]:
        """Return the next message; fails where none comes in time."""
        async with asyncio.timeout(TIMEOUT_S):
            return self.judge.frame(await self.connection.recv(), self.path)

    async def receive_until(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Return the messages up to and with the first that is wanted."""
        messages = []
        while True:
            messages.append(await self.receive())
            if wanted(messages[-1]):
                return messages

    async def request(self, tag: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a message and return the next one that is pushed to nobody."""
        await self.send(tag, payload)
        return (await self.receive_until(lambda message: message["type"] not in PUSHED))[-1]

    async def subscribe(self, symbol: str, resolution: str, **members: Any) -> dict[str, Any]:
        """Subscribe; returns the acknowledgement's payload."""
        reply = await self.request("bars.subscribe", {"symbol": symbol, "resolution": resolution, **members})
        assert reply["type"] == "bars.ack"
        payload: dict[str, Any] = reply["payload"]
        return payload

    async def settle(self) -> list[dict[str, Any]]:
        """Return what comes before the answer to a ping: all that was sent up to now."""
        await self.send("ping")
        return (await self.receive_until(lambda message: message["type"] == "pong"))[:-1]

    async def closed(self) -> int:
        """Read until the server's close frame; returns its code, 1006 where the connection broke without one."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    self.judge.frame(await self.connection.recv(), self.path)
        except ConnectionClosed as closed:
            if closed.rcvd is None:
                return 1006
            self.judge.close(closed.rcvd.code, closed.rcvd.reason)
            return closed.rcvd.code


@asynccontextmanager
async def connected(url: str, judge: Judge, **options: Any) -> AsyncIterator[Client]:
    """Connect to the server at `url` (`ws://...`)."""
    options.setdefault("compression", None)
    options.setdefault("close_timeout", 2)
    async with connect(url, **options) as connection:
        yield Client(connection, judge, unquote(urlsplit(url).path))
