"""Connection: one accepted WebSocket from its first frame to its last. It never knows what a frame means."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from gateway.admission import Admission, Place
from gateway.tally import Tally
from gateway.telemetry import get_logger
from gateway.transport.carrier import ABNORMAL, NO_STATUS, Carrier, address_of, carrier_of
from gateway.transport.codes import DOCUMENTED, close_code
from gateway.transport.stock import StockProtocol
from generated.channels import Channel
from generated.errors import CloseCode
from generated.messages import DecodeError
from generated.router import Connection, Receive
from generated.security import Refusal
from handlers.auth import Principal
from handlers.entrance import Entrance, Entrances
from handlers.tokens import Tokens, owner_of
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
        admission: Admission,
        tally: Tally,
    ) -> None:
        """Start with no connection; `refuse` tells a client that there is no place for it at what `entrances` know."""
        self.sessions = Sessions()
        self.tally = tally
        self.draining = False
        self.is_able: Callable[[], bool] = lambda: True
        """Whether anything may be told now."""
        self._lives: dict[Session, Live] = {}
        self._entrances = entrances
        self._tokens = tokens
        self._admission = admission
        self._hub = hub
        self._flusher = flusher
        self.traffic = flusher.traffic
        self._limits = limits
        self._clock = clock
        self._refuse = refuse

    async def serve(self, connection: Connection[Session, Principal]) -> None:
        """Let a client in whose address the document knows. Where its carrier detaches, nothing of the task stays.

        Returns when the connection is over, or is carried without this task.
        """
        websocket = connection.websocket
        entrance = self._entrances.find(
            connection.parameters, connection.query, connection.principal, is_plain=connection.subprotocol is None
        )
        if isinstance(entrance, Refusal):
            await self._refuse(websocket, connection.channel, entrance)
            return
        owner = None if connection.principal is None else owner_of(connection.principal)
        place = self._admission.take(owner, None if websocket.client is None else websocket.client.host)
        if isinstance(place, Refusal):
            await self._refuse(websocket, connection.channel, place)
            return
        is_held = False
        try:
            is_held = await self._serve_admitted(connection, entrance, place)
        finally:
            if not is_held:
                place.free()

    async def _serve_admitted(
        self, connection: Connection[Session, Principal], entrance: Entrance, place: Place
    ) -> bool:
        """Say whether a connection has the place now, and frees it when it is lost."""
        websocket = connection.websocket
        if self.draining:
            await self._refuse(websocket, connection.channel, DRAINING)
            return False
        if not self.is_able():
            await self._refuse(websocket, connection.channel, UNABLE)
            return False
        carrier = carrier_of(websocket)
        try:
            await websocket.accept(subprotocol=connection.subprotocol)
        except WebSocketDisconnect:
            return False  # the client left during the handshake
        live = self._begin(connection, carrier, entrance, place)
        if not self.is_able():  # that may have changed while it was accepted
            live.session.end("internal_error")
        if isinstance(carrier, StockProtocol):
            await _attend(websocket, carrier, live)
        return True

    def _begin(
        self, connection: Connection[Session, Principal], carrier: Carrier, entrance: Entrance, place: Place
    ) -> "Live":
        """Make the session of an accepted connection, and send what comes first."""
        channel = connection.channel
        session = Session(carrier, self._flusher, self._limits, self._clock, address=address_of(carrier))
        live = Live(self, session, channel, carrier.form, connection.receive, entrance, place)
        self.sessions.add(session)
        self._lives[session] = live
        self.tally.opened(channel.id, carrier.form)
        get_logger().info("connect", client=session.address, channel=channel.id)
        carrier.open(live)
        try:
            self._tokens.admit(
                session,
                connection.principal,
                covers=live.is_covered_by,
                warning=None if connection.subprotocol is None else entrance.errors.expiring,
            )
            entrance.begin(session)
        except Exception:
            live.failed()
        return live

    def forget(self, session: Session) -> None:
        """Leave nothing of a connection that is over."""
        self._tokens.discard(session)
        self.sessions.discard(session)
        self._lives.pop(session, None)
        self._hub.remove(session)
        session.gone()

    def end_all(self, reason: EndReason) -> None:
        """Close every connection."""
        for session in self.sessions:
            session.end(reason)

    def tell_shutdown(self, session: Session, reconnect_after_ms: int) -> None:
        """Tell a client that the server goes, and when to return."""
        live = self._lives.get(session)
        if live is not None:  # it may have gone by itself meanwhile
            session.send(live.errors.shutdown(reconnect_after_ms))


class Live:
    """An accepted connection: hands each message on and answers it. It fits `Listener`."""

    __slots__ = ("_channel", "_covers", "_form", "_place", "_receive", "_server", "_started", "errors", "session")

    def __init__(
        self,
        server: Server,
        session: Session,
        channel: Channel,
        form: str,
        receive: Receive[Session],
        entrance: Entrance,
        place: Place,
    ) -> None:
        """Hand messages to `receive`; answer faults in the form that `entrance` knows the client to read."""
        self.session = session
        self.errors = entrance.errors
        self._covers = entrance.covers
        self._server = server
        self._channel = channel
        self._form = form
        self._receive = receive
        self._place = place
        self._started = time.monotonic()

    def is_covered_by(self, principal: Principal) -> bool:
        """Whether a later token suffices for what this connection shows."""
        security = self._channel.security
        return (security is None or principal.scopes.issuperset(security.scopes)) and self._covers(principal)

    def received(self, text: str | None, /) -> Coroutine[Any, Any, None] | None:
        """Take a message. Returns what is left to be awaited, where its answer has to wait for something."""
        session = self.session
        if session.ended is not None:
            return None
        if text is None:
            session.end("unsupported_data")
            return None
        self._server.traffic.received(text)
        retry_after_ms = session.admit_frame()
        if retry_after_ms is not None:
            session.send(self.errors.rate_limited(text, retry_after_ms))
            session.count_refused_frame(retry_after_ms)
            return None
        # Hardly any answer waits for anything: a task for each message would cost more than the answer.
        waits = _Begun(self._receive(session, text))
        try:
            waits.begin()
        except StopIteration as done:
            self._answer(done.value)
        except (Exception, asyncio.CancelledError) as error:  # no task of ours was cancelled: there is none
            self._refuse(error)
        else:
            return self._finish(waits)
        return None

    async def _finish(self, waits: "_Begun") -> None:
        try:
            self._answer(await waits)
        except Exception as error:
            self._refuse(error)

    def _answer(self, reply: bytes | None) -> None:
        session = self.session
        session.count_good_frame()
        if reply is not None:
            session.send(reply)
        session.replied()

    def _refuse(self, error: Exception | asyncio.CancelledError) -> None:
        if isinstance(error, DecodeError):
            self.session.send(self.errors.bad_frame(error))
            self.session.count_bad_frame()
        else:
            self.session.send(self.errors.internal())
            self.failed()

    def failed(self) -> None:
        """End the connection for the exception that is being handled."""
        get_logger().bind(client=self.session.address, channel=self._channel.id).exception("connection failed")
        self.session.end("internal_error")

    def stalled(self) -> None:
        """Take that the client did not take all of a write."""
        self.session.stalled()

    def writable(self) -> None:
        """Take that after a stall all bytes are gone."""
        self.session.writable()

    def lost(self, code: int, /) -> None:
        """Take that the connection is over."""
        session = self.session
        self._server.forget(session)
        self._place.free()
        if session.ended is not None:
            code = close_code(session.ended)
        known = code in DOCUMENTED or code in (NO_STATUS, ABNORMAL)
        self._server.tally.closed(self._channel.id, self._form, str(int(code)) if known else "other")
        get_logger().info(
            "close",
            client=session.address,
            channel=self._channel.id,
            code=int(code),
            reason=CloseCode(code).name.lower() if code in DOCUMENTED else "gone",
            duration_ms=round((time.monotonic() - self._started) * 1000),
        )


class _Begun:
    """A coroutine that is begun without a task; where it has to wait, a task awaits the rest."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Awaitable[bytes | None]) -> None:
        self._coroutine: Generator[Any, Any, bytes | None] = coroutine.__await__()
        self._waits_for: Any = None

    def begin(self) -> None:
        """Run to the first wait. Raises StopIteration with the result where there is none."""
        self._waits_for = self._coroutine.send(None)

    def __await__(self) -> Generator[Any, Any, bytes | None]:
        while True:
            try:
                sent = yield self._waits_for
            except BaseException as error:
                resume = partial(self._coroutine.throw, error)
            else:
                resume = partial(self._coroutine.send, sent)
            try:
                self._waits_for = resume()
            except StopIteration as done:
                result: bytes | None = done.value
                return result


async def _attend(websocket: WebSocket, carrier: StockProtocol, live: Live) -> None:
    """Receive for uvicorn's own class, which ends with its endpoint, until the connection is over."""
    code = NO_STATUS
    try:
        while True:
            event = await websocket.receive()
            if event["type"] == "websocket.disconnect":
                code = int(event.get("code") or NO_STATUS)
                return
            waits = live.received(event.get("text"))
            if waits is not None:
                await waits
    finally:
        live.lost(carrier.end_code(code))
