"""Connection: one accepted WebSocket from its first frame to its last. It never knows what a frame means."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import WebSocket
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from gateway.telemetry import get_logger
from gateway.transport.stock import (
    DOCUMENTED,
    EXTENSION,
    NO_STATUS,
    StockProtocol,
    address_of,
    close_code,
    connection_of,
)
from generated.errors import CloseCode
from generated.messages import DecodeError
from generated.router import Connection
from handlers import errors
from streaming.clock import Clock
from streaming.hub import Hub
from streaming.limits import SessionLimits
from streaming.session import Flusher, Session, Sessions


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer in place of the upgrade."""

    status: int
    code: str
    message: str


class Server:
    """Admits, runs and ends the connections of this process."""

    def __init__(self, hub: Hub, flusher: Flusher, limits: SessionLimits, clock: Clock) -> None:
        """Start with no connection."""
        self.sessions = Sessions()
        self.draining = False
        self._hub = hub
        self._flusher = flusher
        self._limits = limits
        self._clock = clock

    async def serve(self, connection: Connection[Session]) -> None:
        """Run one connection whose address the document knows. Returns when it is over; leaves nothing behind."""
        websocket = connection.websocket
        if self.draining:
            await refuse(websocket, Refusal(503, "draining", "The server is shutting down. Connect again in a moment."))
            return
        protocol = connection_of(websocket)
        try:
            await websocket.accept()
        except WebSocketDisconnect:
            return  # the client left during the handshake
        session = Session(protocol, self._flusher, self._limits, self._clock, address=address_of(protocol))
        protocol.open(session.writable)
        self.sessions.add(session)
        started = time.monotonic()
        log = get_logger().bind(client=session.address, channel=connection.channel.id)
        log.info("connect")
        code = NO_STATUS
        try:
            code = protocol.end_code(await self._run(connection, session))
        except Exception:
            log.exception("connection failed")
            session.end("internal_error")
        finally:
            self.sessions.discard(session)
            self._hub.remove(session)
            if session.ended is not None:
                code = close_code(session.ended)
            session.gone()
            reason = CloseCode(code).name.lower() if code in DOCUMENTED else "gone"
            log.info("close", code=int(code), reason=reason, duration_ms=round((time.monotonic() - started) * 1000))

    async def _run(self, connection: Connection[Session], session: Session) -> int:
        """Handle frames until the connection ends; returns its close code."""
        while True:
            event = await connection.websocket.receive()
            if event["type"] == "websocket.disconnect":
                return int(event.get("code") or NO_STATUS)
            if session.ended is not None:
                continue
            text: str | None = event.get("text")
            if text is None:
                session.end("unsupported_data")
                continue
            retry_after_ms = session.admit_frame()
            if retry_after_ms is not None:
                session.send(errors.rate_limited(text, retry_after_ms))
                session.count_refused_frame(retry_after_ms)
                continue
            try:
                reply = await connection.receive(session, text)
            except DecodeError as error:
                session.send(errors.bad_frame(error))
                session.count_bad_frame()
                continue
            except Exception:
                session.send(errors.internal())
                raise
            session.count_good_frame()
            if reply is not None:
                session.send(reply)
            session.replied()

    def drain(self, reconnect_after_ms: Callable[[], int]) -> None:
        """Tell every client that the server goes, and when to return (drawn for each), and close its connection."""
        self.draining = True
        for session in self.sessions:
            session.send(errors.shutdown(reconnect_after_ms()))
            session.end("shutdown")


async def refuse(websocket: WebSocket, refusal: Refusal) -> None:
    """Answer the handshake with the refusal's status and a JSON body `{code, message}`, and log it."""
    protocol = websocket.scope.get("extensions", {}).get(EXTENSION)
    get_logger().info(
        "refuse",
        client=address_of(protocol) if isinstance(protocol, StockProtocol) else "?",
        path=websocket.scope["path"],
        status=refusal.status,
        code=refusal.code,
    )
    await websocket.send_denial_response(
        JSONResponse({"code": refusal.code, "message": refusal.message}, status_code=refusal.status)
    )


async def refuse_unknown_address(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a WebSocket handshake for an address that is not in the document: 404."""
    websocket = WebSocket(scope, receive, send)
    message = "There is no channel at this address. /asyncapi lists the addresses."
    try:
        await refuse(websocket, Refusal(404, "unknown_address", message))
    except WebSocketDisconnect:
        return
