"""Connection: one accepted WebSocket from its first frame to its last. It never knows what a frame means."""

import time
from collections.abc import Awaitable, Callable

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from gateway.telemetry import get_logger
from gateway.transport.stock import (
    DOCUMENTED,
    NO_STATUS,
    address_of,
    close_code,
    connection_of,
)
from generated.channels import Channel
from generated.errors import CloseCode
from generated.messages import DecodeError
from generated.router import Connection
from generated.security import Refusal
from handlers.auth import Principal
from handlers.entrance import Entrance, Entrances
from handlers.errors import ErrorFrames
from handlers.tokens import Tokens
from streaming.clock import Clock
from streaming.hub import Hub
from streaming.limits import SessionLimits
from streaming.session import Flusher, Session, Sessions
from streaming.transport import EndReason

DRAINING = Refusal(503, "draining", "The server is shutting down. Connect again in a moment.")
UNABLE = Refusal(503, "draining", "The server can't keep its state now. Connect again in a moment.")
Refuse = Callable[[WebSocket, Channel, Refusal], Awaitable[None]]


class Server:
    """Admits, runs and ends the connections of this process."""

    def __init__(
        self,
        hub: Hub,
        flusher: Flusher,
        limits: SessionLimits,
        clock: Clock,
        refuse: Refuse,
        entrances: Entrances,
        tokens: Tokens,
    ) -> None:
        """Start with no connection; `refuse` tells a client that there is no place for it at what `entrances` know."""
        self.sessions = Sessions()
        self._errors: dict[Session, ErrorFrames] = {}
        self._entrances = entrances
        self._tokens = tokens
        self.draining = False
        self.is_able: Callable[[], bool] = lambda: True
        """Whether anything may be told now."""
        self._hub = hub
        self._flusher = flusher
        self._limits = limits
        self._clock = clock
        self._refuse = refuse

    async def serve(self, connection: Connection[Session, Principal]) -> None:
        """Run one connection whose address the document knows. Returns when it is over; leaves nothing behind."""
        websocket = connection.websocket
        entrance = self._entrances.find(
            connection.parameters, connection.query, connection.principal, is_plain=connection.subprotocol is None
        )
        if isinstance(entrance, Refusal):
            await self._refuse(websocket, connection.channel, entrance)
            return
        if self.draining:
            await self._refuse(websocket, connection.channel, DRAINING)
            return
        if not self.is_able():
            await self._refuse(websocket, connection.channel, UNABLE)
            return
        protocol = connection_of(websocket)
        try:
            await websocket.accept(subprotocol=connection.subprotocol)
        except WebSocketDisconnect:
            return  # the client left during the handshake
        session = Session(protocol, self._flusher, self._limits, self._clock, address=address_of(protocol))
        protocol.open(session.writable)
        self.sessions.add(session)
        self._errors[session] = entrance.errors
        scopes = frozenset(connection.channel.security.scopes if connection.channel.security is not None else ())
        started = time.monotonic()
        log = get_logger().bind(client=session.address, channel=connection.channel.id)
        log.info("connect")
        code = NO_STATUS
        try:
            self._tokens.admit(
                session,
                connection.principal,
                covers=lambda principal: scopes <= principal.scopes and entrance.covers(principal),
                warning=None if connection.subprotocol is None else entrance.errors.expiring,
            )
            entrance.begin(session)
            code = protocol.end_code(await self._run(connection, session, entrance))
        except Exception:
            log.exception("connection failed")
            session.end("internal_error")
        finally:
            self._tokens.discard(session)
            self.sessions.discard(session)
            del self._errors[session]
            self._hub.remove(session)
            if session.ended is not None:
                code = close_code(session.ended)
            session.gone()
            reason = CloseCode(code).name.lower() if code in DOCUMENTED else "gone"
            log.info("close", code=int(code), reason=reason, duration_ms=round((time.monotonic() - started) * 1000))

    async def _run(self, connection: Connection[Session, Principal], session: Session, entrance: Entrance) -> int:
        """Handle frames until the connection ends; returns its close code."""
        errors = entrance.errors
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

    def end_all(self, reason: EndReason) -> None:
        """Close every connection."""
        for session in self.sessions:
            session.end(reason)

    def drain(self, reconnect_after_ms: Callable[[], int]) -> None:
        """Tell every client that the server goes, and when to return (drawn for each), and close its connection."""
        self.draining = True
        for session in self.sessions:
            session.send(self._errors[session].shutdown(reconnect_after_ms()))
            session.end("shutdown")
