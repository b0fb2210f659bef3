"""Stock transport: uvicorn's own WebSocket class, opened where a session needs more than ASGI offers.

ASGI can't say whether a client reads, can't write without waiting for one that does not, and can't choose the code of
a ping timeout. It never sees a message.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol

from gateway.tally import TALLY, Tally
from gateway.telemetry import get_logger
from gateway.transport.carrier import ABNORMAL, EXTENSION, NO_STATUS, Listener, address_of
from gateway.transport.codes import DOCUMENTED, close_code
from generated import limits
from generated.errors import CloseCode
from streaming.transport import EndReason

CLOSE_TIMEOUT = 5.0
"""Seconds for the closing handshake, after which the connection is aborted."""
HIGH_WATER = 16 * 1024
"""Unsent bytes above which the client counts as stalled. What is in this buffer can't be conflated any more."""


class DocumentedProtocol(ServerProtocol):
    """websockets' protocol, whose close frames carry the document's texts and never an exception's."""

    def fail(self, code: int, reason: str = "") -> None:
        """Close for a fault of the client's, with the document's text for the code."""
        super().fail(code, CloseCode(code).text if code in DOCUMENTED else reason)


class StockProtocol(WebSocketsSansIOProtocol):
    """uvicorn's sans-I/O WebSocket class with a seam: `carrier_of` finds it from an endpoint."""

    form: ClassVar[str] = "stock"
    """What the metrics call this transport."""
    handshake_s: ClassVar[float] = limits.HANDSHAKE_MS / 1000
    """Seconds for the opening handshake, after which the connection is aborted."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Serve one connection; called by uvicorn. There is no compression."""
        super().__init__(config, server_state, app_state, _loop)
        self.conn = DocumentedProtocol(max_size=config.ws_max_size, logger=self.logger)
        self.listener: Listener | None = None
        self.stalled = False
        self.waiting_pong = b""
        self.abort_timer: asyncio.TimerHandle | None = None

    # ---------------------------------------------------------------------------------------- the handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, which has to finish its handshake in time."""
        super().connection_made(transport)
        self.abort_timer = self.loop.call_later(self.handshake_s, self._abort_handshake)

    def _abort_handshake(self) -> None:
        self.abort_timer = None
        if not self.handshake_complete:
            self._refused(408, "handshake_timeout")
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes; answer a request that is no handshake at all, which the base class would leave waiting."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_complete and not self.handshake_initiated:
            self.handshake_complete = True
            self.close_sent = True
            answer = b"".join(self.conn.data_to_send())
            self._refused(int(answer[9:12] or 400), "bad_handshake")
            self.transport.write(answer)
            self.transport.close()
            self._close_soon()

    def handle_connect(self, event: Request) -> None:
        """Take the opening handshake; log one that is no WebSocket handshake at all."""
        super().handle_connect(event)
        if self.response.status_code != 101:
            self._refused(self.response.status_code, "bad_handshake")
            self._close_soon()

    def _refused(self, status: int, code: str) -> None:
        get_logger().info("refuse", client=address_of(self), status=status)
        tally = self.app_state.get(TALLY)
        if isinstance(tally, Tally):
            tally.refused(status, code)

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
            self._close_soon()

    # ------------------------------------------------------------------------------------------- the session

    @property
    def descriptor(self) -> int:
        """Return -1: it is written to through the event loop's transport alone."""
        return -1

    def lag(self) -> float:
        """Return 0: what the kernel holds is not looked at."""
        return 0.0

    def open(self, listener: Listener, /) -> None:
        """Hand the accepted connection to who is told of stalls and their ends."""
        self.listener = listener
        self.transport.set_write_buffer_limits(high=HIGH_WATER, low=0)

    def pause_writing(self) -> None:
        """Take from the event loop that the client does not keep up."""
        super().pause_writing()
        self.stalled = True
        if self.listener is not None:
            self.listener.stalled()

    def resume_writing(self) -> None:
        """Take from the event loop that the buffer is empty again."""
        super().resume_writing()
        self.stalled = False
        if self.waiting_pong and not self.close_sent:
            self.transport.write(self.waiting_pong)
        self.waiting_pong = b""
        if self.listener is not None:
            self.listener.writable()

    def handle_ping(self) -> None:
        """Answer a ping; of those that come while the client does not read, only the last one."""
        pong = b"".join(self.conn.data_to_send())
        if self.stalled:
            self.waiting_pong = pong
        elif not self.close_sent:
            self.transport.write(pong)

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

    # ----------------------------------------------------------------------------------------------- the end

    def send_receive_event_to_app(self) -> None:
        """Hand a whole message on; a text that is not UTF-8 ends the connection, without a line in the log."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.close_with(CloseCode.INVALID_PAYLOAD)
                return
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        """End the connection of a client that does not answer pings, with the document's code."""
        self.pong_timer = None
        self.pending_ping_payload = None
        self.close_with(CloseCode.PING_TIMEOUT)

    def handle_close(self, event: Frame) -> None:
        """Take the client's close frame."""
        super().handle_close(event)
        self._close_soon()

    def handle_parser_exception(self) -> None:
        """Take that the client broke the protocol; its close frame is written by now."""
        super().handle_parser_exception()
        self._close_soon()

    def _close_soon(self) -> None:
        """Bound the time for which a connection that is closing waits for a client that does not read."""
        if self.transport.is_closing():
            if self.abort_timer is not None:
                self.abort_timer.cancel()
            self.abort_timer = self.loop.call_later(CLOSE_TIMEOUT, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the connection is over."""
        self.listener = None
        if self.abort_timer is not None:
            self.abort_timer.cancel()
            self.abort_timer = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End the connection now: the clients have been told, and were given their time."""
        self.stop_keepalive()
        self.transport.abort()

    def end_code(self, code: int) -> int:
        """Return the close code for the log: 1006 where the base class says 1005 and no close frame came."""
        return ABNORMAL if code == NO_STATUS and self.conn.close_rcvd is None else code


def stock_protocol(handshake_s: float) -> type[StockProtocol]:
    """Return the class for connections whose opening handshake may take so many seconds."""
    return type("StockProtocol", (StockProtocol,), {"handshake_s": handshake_s})
