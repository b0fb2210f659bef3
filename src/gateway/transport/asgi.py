"""ASGI: the application's side of a WebSocket that has not been handed to a listener. It never sees a socket.

What uvicorn's own classes do for any ASGI application; it goes when the application hands the connection over, or when
it ends.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol, cast

from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent, WebSocketScope
from uvicorn.protocols.utils import ClientDisconnected

from gateway.transport.handshake import Handshake, Headers, response, switching


class Host(Protocol):
    """The connection, as the application's side needs it."""

    def accept(self, answer: bytes) -> None:
        """Send the answer 101 and begin with frames."""
        ...

    def refuse(self, answer: bytes) -> None:
        """Send another answer and end."""
        ...

    def send_message(self, message: str | bytes) -> None:
        """Send a message."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Start the closing handshake."""
        ...

    def take_more(self) -> None:
        """Read on."""
        ...


class Application:
    """One run of the application for one WebSocket, from its request until it ends or is detached."""

    def __init__(self, host: Host, scope: WebSocketScope, handshake: Handshake, default_headers: Headers) -> None:
        """Run for `host`, whose request is `handshake`; `default_headers` go with the answer 101."""
        self.early = b""
        """Bytes that came before the answer."""
        self._host = host
        self._scope = scope
        self._handshake = handshake
        self._default_headers = default_headers
        self._events: deque[ASGIReceiveEvent] = deque([cast("ASGIReceiveEvent", {"type": "websocket.connect"})])
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._answered = False
        self._refusal: tuple[int, Headers, bytes] | None = None
        self._closed = False
        """The application has closed."""
        self._is_lost = False
        self._is_detached = False
        self._is_stalled = False

    async def run(self, app: ASGI3Application) -> None:
        """Run it, and end the connection with it unless it was detached."""
        logger = logging.getLogger("uvicorn.error")
        code = 1000
        try:
            await app(self._scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            logger.exception("Exception in ASGI application")
            code = 1011
        finally:
            if not self._answered:
                if not self._is_lost and code == 1000:
                    logger.error("ASGI callable returned without completing handshake.")
                self._answered = True
                self._host.refuse(response(500, [], b"Internal Server Error"))
            elif self._is_detached:
                if code != 1000:
                    self._host.end(code, "")
            else:
                self._host.end(code, "")

    # --------------------------------------------------------------------------------------------- the application

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next event, ASGI's way."""
        if self._is_detached:
            raise RuntimeError("the connection is detached: its listener receives what comes")
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event = self._events.popleft()
        if not self._events and event["type"] == "websocket.receive":
            self._host.take_more()
        return event

    async def send(self, message: ASGISendEvent) -> None:
        """Take an event, ASGI's way. Waits for a client that does not read; raises ClientDisconnected when it left."""
        if self._is_detached:
            raise RuntimeError("the connection is detached: send by its own methods")
        while self._is_stalled and not self._is_lost:
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)
        if self._is_lost:
            raise ClientDisconnected
        kind: str = message["type"]
        event = cast("dict[str, Any]", message)
        if self._closed:
            raise RuntimeError(f"Unexpected ASGI message '{kind}', after the connection was closed.")
        if self._refusal is not None:
            self._go_on_refusing(kind, event)
        elif not self._answered:
            self._answer(kind, event)
        elif kind == "websocket.send":
            binary, text = event.get("bytes"), event.get("text")
            if binary is not None:
                self._host.send_message(binary)
            elif text is not None:
                self._host.send_message(text)
        elif kind == "websocket.close":
            self._closed = True
            self._host.end(event.get("code", 1000), event.get("reason") or "")
        else:
            raise RuntimeError(f"Expected ASGI message 'websocket.send' or 'websocket.close', but got '{kind}'.")

    def _answer(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "websocket.accept":
            headers: Iterable[tuple[bytes, bytes]] = [*self._default_headers, *event.get("headers", ())]
            answer = switching(self._handshake, headers, event.get("subprotocol"))
            self._answered = True
            self._host.accept(answer)
        elif kind == "websocket.close":
            self._answered = self._closed = True
            self.disconnected(1006, "")
            self._host.refuse(response(403, [], b""))
        elif kind == "websocket.http.response.start":
            status = event["status"]
            if not 200 <= status < 600:
                raise RuntimeError(f"Invalid HTTP status code '{status}' in response.")
            self._refusal = (status, list(event.get("headers", ())), b"")
        else:
            raise RuntimeError(
                "Expected ASGI message 'websocket.accept', 'websocket.close' or 'websocket.http.response.start' "
                f"but got '{kind}'."
            )

    def _go_on_refusing(self, kind: str, event: dict[str, Any]) -> None:
        if kind != "websocket.http.response.body":
            raise RuntimeError(f"Expected ASGI message 'websocket.http.response.body' but got '{kind}'.")
        assert self._refusal is not None
        status, headers, body = self._refusal
        body += event.get("body", b"")
        self._refusal = (status, headers, body)
        if not event.get("more_body", False):
            answer = response(status, headers, body)
            self._answered = self._closed = True
            self.disconnected(1006, "")
            self._host.refuse(answer)

    # ------------------------------------------------------------------------------------------------ the connection

    def put(self, message: str | bytes) -> None:
        """Hand a message to the application, which asks for more when it has taken it."""
        kind = "text" if isinstance(message, str) else "bytes"
        self._put({"type": "websocket.receive", kind: message})

    def disconnected(self, code: int, reason: str) -> None:
        """Tell the application that the connection ends."""
        self._put({"type": "websocket.disconnect", "code": code, "reason": reason})

    def lost(self, code: int) -> None:
        """Take that the connection is over."""
        self._is_lost = True
        self.disconnected(code, "")
        self.drained()

    def stalled(self) -> None:
        """Take that what is sent now would wait."""
        self._is_stalled = True

    def drained(self) -> None:
        """Take that what was sent is gone."""
        self._is_stalled = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def detach(self) -> list[str | bytes]:
        """Let go of the connection; returns messages that came and were not asked for."""
        self._is_detached = True
        messages: list[str | bytes] = []
        for event in self._events:
            if event["type"] == "websocket.receive":
                values = cast("dict[str, Any]", event)
                messages.append(values["text"] if "text" in values else values["bytes"])
        self._events.clear()
        return messages

    def _put(self, event: dict[str, Any]) -> None:
        self._events.append(cast("ASGIReceiveEvent", event))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
