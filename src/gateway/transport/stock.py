"""Stock transport: uvicorn's own WebSocket class, opened where a session needs more than ASGI offers.

ASGI can't say whether a client reads, can't write without waiting for one that does not, and can't choose the code of
a ping timeout. It never sees a message.
"""

from collections.abc import Callable, Sequence
from typing import Any, assert_never, cast

from fastapi import WebSocket
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request

from gateway.telemetry import get_logger
from generated.errors import CloseCode
from streaming.transport import EndReason

EXTENSION = "tapecast.connection"
CLOSE_TIMEOUT = 5.0
"""Seconds for the closing handshake, after which the connection is aborted."""
HIGH_WATER = 16 * 1024
"""Unsent bytes above which the client counts as stalled. What is in this buffer can't be conflated any more."""


class StockProtocol(WebSocketsSansIOProtocol):
    """uvicorn's sans-I/O WebSocket class with a seam: `connection_of` finds it from an endpoint."""

    on_writable: Callable[[], None] | None = None
    stalled = False

    def handle_connect(self, event: Request) -> None:
        """Take the opening handshake; log one that is no WebSocket handshake at all."""
        super().handle_connect(event)
        if self.response.status_code != 101:
            get_logger().info("refuse", client=address_of(self), status=self.response.status_code)

    async def run_asgi(self) -> None:
        """Run the application, with a way back to this object in its scope."""
        # uvicorn's type of it is narrower than ASGI's
        extensions = cast("dict[str, object]", self.scope.get("extensions"))
        extensions[EXTENSION] = self
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        """Take an event of the application; know that a refusal completes the handshake."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            # The base class takes a refusal for a fault of the application and would log it as an error.
            self.handshake_complete = True

    def open(self, on_writable: Callable[[], None]) -> None:
        """Hand the accepted connection to a session, which is told when all its bytes are gone after a stall."""
        self.on_writable = on_writable
        self.transport.set_write_buffer_limits(high=HIGH_WATER, low=0)

    def pause_writing(self) -> None:
        """Take from the event loop that the client does not keep up."""
        super().pause_writing()
        self.stalled = True

    def resume_writing(self) -> None:
        """Take from the event loop that the buffer is empty again."""
        super().resume_writing()
        self.stalled = False
        if self.on_writable is not None:
            self.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the connection is over."""
        self.on_writable = None
        super().connection_lost(exc)

    def is_writable(self) -> bool:
        """Say whether a write would go out now."""
        return not (self.stalled or self.close_sent or self.transport.is_closing())

    def write(self, frames: Sequence[bytes]) -> None:
        """Send text frames as one write."""
        if self.close_sent or self.transport.is_closing():
            return
        try:
            for frame in frames:
                self.conn.send_text(frame)
        except InvalidState:
            return  # the client's close frame has come; nothing may follow it
        self.transport.write(b"".join(self.conn.data_to_send()))

    def close(self, reason: EndReason) -> None:
        """Close with the document's code for the reason."""
        self.close_with(close_code(reason))

    def close_with(self, code: CloseCode) -> None:
        """Send the close frame without waiting for a client that does not read; abort if it never answers."""
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code.value, "reason": code.text})
        try:
            self.conn.send_close(code.value, code.text)
        except InvalidState:
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # The base class cancels close_timer when the client's close frame comes, and when the connection is lost.
        self.close_timer = self.loop.call_later(CLOSE_TIMEOUT, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """End the connection of a client that does not answer pings, with the document's code."""
        self.pong_timer = None
        self.pending_ping_payload = None
        self.close_with(CloseCode.PING_TIMEOUT)


def address_of(protocol: StockProtocol) -> str:
    """Return the client's address as `host:port`."""
    return f"{protocol.client[0]}:{protocol.client[1]}" if protocol.client else "?"


def connection_of(websocket: WebSocket) -> StockProtocol:
    """Return the connection behind an endpoint. Raises RuntimeError under a server that was started without it."""
    extensions: dict[str, Any] = websocket.scope.get("extensions") or {}
    protocol = extensions.get(EXTENSION)
    if not isinstance(protocol, StockProtocol):
        raise RuntimeError("the WebSocket class is not Tapecast's: start the server with `tapecast serve`")
    return protocol


def close_code(reason: EndReason) -> CloseCode:
    """Return the document's close code for the reason why the server ends a session."""
    match reason:
        case "shutdown":
            return CloseCode.SHUTDOWN
        case "slow_consumer":
            return CloseCode.SLOW_CONSUMER
        case "rate_limit":
            return CloseCode.RATE_LIMIT
        case "bad_frames":
            return CloseCode.BAD_FRAMES
        case "state_lost":
            return CloseCode.STATE_LOST
        case "unsupported_data":
            return CloseCode.UNSUPPORTED_DATA
        case "internal_error":
            return CloseCode.INTERNAL_ERROR
        case _:
            assert_never(reason)
