"""Talking: a client written by hand, which says what it is told to and notes all that it sees. It knows no mutant."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import unquote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, NegotiationError
from websockets.typing import Subprotocol

from tests.contract.tape.line import V1, Frame, Json, read
from tests.contract.tape.tokens import token

BARS = "/api/v1/ws"
CACHE = "/api/v1/cache/ws/"


@dataclass
class Seen:
    """What came over one connection; `close` is None while it lives, 1006 where it was cut off."""

    path: str
    status: int = 101
    body: bytes = b""
    subprotocol: str | None = None
    close: int | None = None
    reason: str = ""
    frames: list[tuple[float, Frame]] = field(default_factory=list)
    sent: list[tuple[float, Frame]] = field(default_factory=list)
    events: list[tuple[str, Frame]] = field(default_factory=list)

    def messages(self, *tags: str) -> list[Json]:
        """Return the messages of these types, or all, in their order."""
        found = [message for _, frame in self.frames if (message := read(frame)) is not None]
        return [message for message in found if not tags or message.get("type") in tags]

    def bodies(self, *tags: str) -> list[Json]:
        """Return their members: the payload on the bars socket."""
        found = self.messages(*tags)
        return [message.get("payload", {}) for message in found] if self.path.startswith(BARS) else found


Sees: TypeAlias = Callable[[Seen], bool]
Step: TypeAlias = Frame | float | Sees
"""A frame to send, seconds to wait, or what to wait for."""
Conversation: TypeAlias = Callable[[str, Sees], Awaitable[Seen]]
"""Takes the server's address and what to wait for at its end."""
WINDOW_S = 1.5
LIMIT_S = 12.0


class Talker:
    """One connection, that notes what it sees as it comes."""

    def __init__(self, path: str) -> None:
        """Have seen nothing."""
        self.seen = Seen(path)
        self.news = asyncio.Event()
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self, url: str, offer: Sequence[str], headers: Sequence[tuple[str, str]]) -> bool:
        """Shake hands; False where that was refused."""
        try:
            self._connection = await connect(
                url + self.seen.path,
                subprotocols=[Subprotocol(name) for name in offer] or None,
                additional_headers=list(headers),
                compression=None,
                max_queue=None,
                ping_interval=None,
                close_timeout=1,
                proxy=None,
            )
        except InvalidStatus as refusal:
            self.seen.status = refusal.response.status_code
            self.seen.body = bytes(refusal.response.body or b"")
            return False
        except NegotiationError as error:
            self.seen.subprotocol = str(error)
            return False
        self.seen.subprotocol = self._connection.subprotocol
        self._reader = asyncio.create_task(self._read(self._connection))
        return True

    async def _read(self, connection: ClientConnection) -> None:
        try:
            while True:
                frame = await connection.recv()
                self.seen.frames.append((time.monotonic(), frame))
                self.seen.events.append(("got", frame))
                self.news.set()
        except ConnectionClosed as closed:
            self.seen.close = 1006 if closed.rcvd is None else closed.rcvd.code
            self.seen.reason = "" if closed.rcvd is None else closed.rcvd.reason
            self.news.set()

    async def say(self, frame: Frame) -> None:
        """Send a frame, if the connection lives."""
        assert self._connection is not None
        self.seen.sent.append((time.monotonic(), frame))
        self.seen.events.append(("sent", frame))
        with suppress(ConnectionClosed):
            await self._connection.send(frame)

    async def until(self, sees: Sees, seconds: float) -> bool:
        """Wait until that is seen; False where it isn't in time, or can't be any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not sees(self.seen):
                    if self.seen.close is not None:
                        return False
                    self.news.clear()
                    await self.news.wait()
                return True
        return sees(self.seen)

    async def leave(self) -> None:
        """Close."""
        if self._connection is not None and self._reader is not None:
            self._reader.cancel()
            self._connection.transport.abort()
            await asyncio.gather(self._reader, return_exceptions=True)


def good() -> str:
    """Return a good token."""
    return token()


@dataclass(frozen=True)
class Talk:
    """A conversation over one connection: what is asked for, then said. It is a `Conversation`."""

    path: str = BARS
    steps: tuple[Step, ...] = ()
    bearer: Callable[[], str] | None = good
    offer: Callable[[], tuple[str, ...]] = lambda: (V1,)
    query: Callable[[], str] | None = None
    window_s: float = WINDOW_S

    async def __call__(self, url: str, wanted: Sees) -> Seen:
        """Hold it with the server at this address; it ends once that is seen, or after the window."""
        path = self.path + (self.query() if self.query else "")
        talker = Talker(path)
        headers = [("Authorization", f"Bearer {self.bearer()}")] if self.bearer else []
        try:
            if await talker.open(url, self.offer(), headers):
                for step in self.steps:
                    if isinstance(step, str | bytes):
                        await talker.say(step)
                    elif isinstance(step, int | float):
                        await talker.until(lambda seen: False, step)
                    else:
                        await talker.until(step, LIMIT_S)
                await talker.until(wanted, self.window_s)
        finally:
            await talker.leave()
        return talker.seen


def frame(tag: str, **payload: Any) -> str:
    """Return a request of the bars socket."""
    return json.dumps({"type": tag, "payload": payload})


def flat(tag: str, **members: Any) -> str:
    """Return a request of a cache socket."""
    return json.dumps({"type": tag, **members})


def sub(symbol: Any = "AAPL", resolution: Any = "1m", **more: Any) -> str:
    """Return a subscription."""
    return frame("bars.subscribe", symbol=symbol, resolution=resolution, **more)


def unsub(symbol: Any = "AAPL", resolution: Any = "1m", **more: Any) -> str:
    """Return the end of a subscription."""
    return frame("bars.unsubscribe", symbol=symbol, resolution=resolution, **more)


def ping(ident: Any, path: str = BARS) -> str:
    """Return a ping with this id."""
    return frame("ping", id=ident) if path == BARS else flat("ping", id=ident)


# ------------------------------------------------------------------------------------------- what is seen


def some(tag: str, count: int = 1, when: Callable[[Json], bool] = lambda body: True) -> Sees:
    """See so many of these messages."""
    return lambda seen: sum(when(body) for body in seen.bodies(tag)) >= count


def finals(count: int) -> Sees:
    """See so many final bars."""
    return some("bars.update", count, lambda body: body.get("final") is True)


def with_id(ident: Any, *tags: str) -> Sees:
    """See an answer to the request with this id."""
    return lambda seen: any(
        "id" in body and body["id"] == ident and type(body["id"]) is type(ident) for body in seen.bodies(*tags)
    )


def both(*all_of: Sees) -> Sees:
    """See all of it."""
    return lambda seen: all(sees(seen) for sees in all_of)


def unseen(sees: Sees) -> Sees:
    """Not see it."""
    return lambda seen: not sees(seen)


def closed(*codes: int) -> Sees:
    """See the connection closed with one of these; with none given, closed or cut off at all."""
    return lambda seen: seen.close is not None and (not codes or seen.close in codes)


def let_in(seen: Seen) -> bool:
    """See that a handshake went through, and that the connection lives and serves."""
    return seen.status == 101 and seen.close is None and bool(seen.frames)


def turned_away(seen: Seen) -> bool:
    """See that a handshake was refused, by HTTP or by closing."""
    return seen.status != 101 or seen.close is not None


# ------------------------------------------------------------------------------------------- streams


def stream_faults(seen: Seen) -> set[str]:
    """Return the names of what is wrong with the positions that were told, by the document's rules."""
    return _bars_faults(seen) if seen.path.startswith(BARS) else _cache_faults(seen)


def _bars_faults(seen: Seen) -> set[str]:
    found: set[str] = set()
    asked: set[tuple[Any, Any]] = set()
    held: dict[tuple[Any, Any], int] = {}
    stands: dict[tuple[Any, Any], int] = {}
    epochs: dict[tuple[Any, Any], Any] = {}
    for way, text in seen.events:
        message = read(text) or {}
        body = message.get("payload")
        if not isinstance(body, dict):
            continue
        key, tag = (body.get("symbol"), body.get("resolution")), message.get("type")
        if way == "sent":
            if tag == "bars.subscribe":
                asked.add(key)
        elif (tag == "bars.ack" and "seq" in body) or tag == "bars.reset":
            held[key] = stands[key] = body["seq"]
            epochs[key] = body["epoch"]
        elif tag == "bars.unsubscribe.ack" and body["status"] == "ok":
            held.pop(key, None)
            asked.discard(key)
        elif tag in ("bars.update", "bars.correction", "bars.snapshot"):
            if key not in held:
                found.add("stream-ack-late" if key in asked else "stream-unsubscribed")
                continue
            if body["epoch"] != epochs[key]:
                found.add("stream-epoch")
            before, stands[key] = stands[key], body["seq"]
            if "prev" not in body:
                if body["seq"] < before:
                    found.add("stream-backward")
                continue
            if body["prev"] > held[key]:
                found.add("stream-hole")
            if body["seq"] <= held[key]:
                found.add("stream-double")
            held[key] = body["seq"]
    return found


def _cache_faults(seen: Seen) -> set[str]:
    found: set[str] = set()
    start: int | None = None
    held: dict[Any, int] = {}
    parts = unquote(seen.path.partition("?")[0].removeprefix(CACHE)).split("/", 2)
    for message in seen.messages("ready", "gap", "ticker", "trade", "order", "balances"):
        if message["type"] == "ready":
            start = message["seq"]
            continue
        if seen.subprotocol != V1:
            start = start or 0  # such a client is told no position
            held.setdefault(_key(message), message.get("prev", 0))
        if start is None:
            found.add("stream-ack-late")
            held[_key(message)] = message["seq"]
            continue
        if message["type"] == "gap":
            start = message["to_seq"]
            held.clear()
            continue
        key = _key(message)
        if len(parts) == 3 and key != parts[2]:
            found.add("stream-unsubscribed")
            continue
        holds = held.get(key, start)
        if "prev" not in message:
            if message["seq"] < holds:
                found.add("stream-backward")
        elif message.get("initial"):
            if message["seq"] != start:
                found.add("stream-backward")
        else:
            if message["prev"] > holds:
                found.add("stream-hole")
            if message["seq"] <= holds:
                found.add("stream-double")
        held[key] = message["seq"]
    return found


def _key(message: Json) -> Any:
    return message.get("symbol") or next((name for name, value in message.items() if isinstance(value, dict)), None)


def breaks_stream(*rules: str) -> Sees:
    """See one of these faults."""
    return lambda seen: bool(stream_faults(seen) & set(rules))
