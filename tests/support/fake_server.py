"""FakeServer: a WebSocket server that does to its clients what a test wants. It knows no message of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

V1 = Subprotocol("tapecast.v1")
Act: TypeAlias = Callable[[ServerConnection], Awaitable[None]]
"""What is done over one connection."""


@dataclass
class FakeServer:
    """A server whose first client gets the first act, and so on; where there is none left, a connection is held."""

    acts: list[Act]
    port: int = 0
    seen: list[Request] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    speaks_v1: bool = True
    received: list[dict[str, Any]] = field(default_factory=list)
    """What clients sent to acts that listen: see `hears`."""
    answer: Callable[[Request], tuple[int, dict[str, Any] | None] | None] = lambda _: None
    """Returns an HTTP status and a JSON body to refuse a handshake with, None to let it in."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"ws://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def up(self) -> AsyncIterator["FakeServer"]:
        """Run; on a free port, and when run again on the same."""
        async with serve(
            self._play,
            "127.0.0.1",
            self.port,
            process_request=self._admit,
            select_subprotocol=self._choose,
            close_timeout=2,
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield self

    def _choose(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return V1 if self.speaks_v1 and V1 in offered else None

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.seen.append(request)
        answer = self.answer(request)
        if answer is None:
            return None
        status, body = answer
        return connection.respond(status, "<html></html>" if body is None else json.dumps(body))

    def hears(self, *frames: dict[str, Any], close: int | None = None) -> Act:
        """Return an act that waits for one frame of the client, keeps it in `received`, and then does as `sends`."""

        async def act(connection: ServerConnection) -> None:
            self.received.append(json.loads(await connection.recv()))
            await sends(*frames, close=close)(connection)

        return act

    async def _play(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        if self.acts:
            await self.acts.pop(0)(connection)
        else:
            await connection.wait_closed()


def answers(status: int, body: dict[str, Any] | None = None) -> Callable[[Request], tuple[int, dict[str, Any] | None]]:
    """Return what answers every handshake with this status and JSON body; None: with a page."""
    return lambda request: (status, body)


def sends(*frames: str | bytes | dict[str, Any], close: int | None = None) -> Act:
    """Return an act that sends these frames, dictionaries as JSON, and then closes with the code; None: holds on."""

    async def act(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(json.dumps(frame) if isinstance(frame, dict) else frame)
        if close is None:
            await connection.wait_closed()
        else:
            await connection.close(close, "a reason")

    return act


def breaks(*frames: dict[str, Any]) -> Act:
    """Return an act that sends these frames and then cuts the connection, without a close frame."""

    async def act(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(json.dumps(frame))
        await connection.ping()  # what was sent is written before the cut
        await asyncio.sleep(0)
        connection.transport.close()

    return act


def ready(seq: int, *, epoch: str = "e1", recovered: bool = False) -> dict[str, Any]:
    """Return the first frame of a cache socket."""
    limits = {"frame_bytes": 16384, "frames_per_second": 50, "frames_burst": 100, "outbox_bytes": 1048576}
    limits |= {"outbox_age_ms": 10000, "ring_frames": 100, "ring_age_ms": 60000}
    return {"type": "ready", "epoch": epoch, "seq": seq, "recovered": recovered, "limits": limits}


def gap(first: int, last: int, *, epoch: str = "e1", key: str | None = None) -> dict[str, Any]:
    """Return the frame that says that frames can't be had any more."""
    return {"type": "gap", "epoch": epoch, "key": key, "from_seq": first, "to_seq": last}


def trade(seq: int, prev: int, *, symbol: str = "BTC/USDT", **members: Any) -> dict[str, Any]:
    """Return a trade as it is on the wire."""
    return {
        "type": "trade",
        "exchange": "sim",
        "symbol": symbol,
        "trade_id": str(seq),
        "timestamp": 1793325600123,
        "price": 65012.37,
        "volume": 0.0123,
        "side": "buy",
        "seq": seq,
        "prev": prev,
        **members,
    }


def balance(seq: int, prev: int, *, currency: str = "BTC", **members: Any) -> dict[str, Any]:
    """Return a balance as it is on the wire."""
    return {
        "type": "balances",
        "exchange_id": 1,
        "timestamp": 1793325600123,
        currency: {"total": 1.2, "free": 1.1, "used": 0.1},
        "seq": seq,
        "prev": prev,
        **members,
    }


def ack(seq: int, *, epoch: str = "e1", **members: Any) -> dict[str, Any]:
    """Return a good answer to a subscription to bars."""
    payload = {"status": "ok", "symbol": "sim:BTC/USDT", "resolution": "1", "message": "Subscribed.", "seq": seq}
    return {"type": "bars.ack", "payload": {**payload, "epoch": epoch, **members}}


def bar(seq: int, prev: int, *, epoch: str = "e1", **members: Any) -> dict[str, Any]:
    """Return a final bar."""
    values = {"time": 1793325600000, "open": 1, "high": 2, "low": 0.5, "close": 1.5, "volume": 3}
    payload = {"symbol": "sim:BTC/USDT", "resolution": "1", "bar": values, "timestamp": 1793325654321}
    return {
        "type": "bars.update",
        "payload": {**payload, "final": True, "seq": seq, "prev": prev, "epoch": epoch, **members},
    }


def correction(seq: int, prev: int, *, revision: int = 1, **values: Any) -> dict[str, Any]:
    """Return the correction of a bar; `values` are members of the bar."""
    frame = bar(seq, prev)
    del frame["payload"]["final"]
    frame["payload"]["bar"] |= values
    return {"type": "bars.correction", "payload": {**frame["payload"], "revision": revision}}


def reset(seq: int, reason: str, *, epoch: str = "e1") -> dict[str, Any]:
    """Return the frame that says that a subscription does not go on where it was asked to."""
    payload = {"symbol": "sim:BTC/USDT", "resolution": "1", "reason": reason, "epoch": epoch, "seq": seq}
    return {"type": "bars.reset", "payload": payload}


def snapshot(seq: int, *times: int, epoch: str = "e1") -> dict[str, Any]:
    """Return the closed bars that start at these times."""
    bars = [{"time": time, "open": 1, "high": 2, "low": 0.5, "close": 1.5, "volume": 3} for time in times]
    payload = {"symbol": "sim:BTC/USDT", "resolution": "1", "bars": bars, "epoch": epoch, "seq": seq}
    return {"type": "bars.snapshot", "payload": payload}
