"""Requests: uvicorn's HTTP class, with bounds on a request's head, and with upgrades handed straight over.

What is no upgrade is uvicorn's business as before. It never sees a frame.
"""

import asyncio
from typing import Any, ClassVar, Protocol

import httptools
from uvicorn._types import HTTPScope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.transport import sockets
from gateway.transport.carrier import address_of
from gateway.transport.handshake import response
from gateway.transport.switchboard import Switchboard
from gateway.transport.wheel import Timer

HEAD_BYTES = 64 * 1024
"""Bytes of a request's head, at most; also of what stands between two pieces of a body."""
PIPELINED = 16
"""Requests that may wait for the answers to earlier ones."""
BODY_S = 30.0
"""Seconds for a request's body."""
WATCH_S = 10.0
"""Seconds in which a client has to take something of an answer."""


class Upgraded(Protocol):
    """What takes an upgraded connection."""

    client: tuple[str, int] | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        ...

    def begin(self, config: Config, http: HTTPScope, url: bytes, rest: bytes, seconds: float) -> None:
        """Take the request, which has to be answered within `seconds`."""
        ...


class UpgradedClass(Protocol):
    """How it is made: as uvicorn makes its `ws` class."""

    def __call__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> Upgraded:
        """Make one for a connection."""
        ...


class HeadTooLargeError(Exception):
    """Raised through the parser, which stops then."""


class TrailerError(Exception):
    """Raised through the parser: no route has a use for trailers, and the parser would keep any number of them."""


class TooManyRequestsError(Exception):
    """Raised through the parser, which stops then."""


class Requests(HttpToolsProtocol):
    """The HTTP side of one connection: uvicorn's `http` class."""

    switchboard: ClassVar[Switchboard]
    websocket_class: ClassVar[UpgradedClass]
    """Both are set by `direct_classes`."""

    head_timer: Timer | None = None
    head_due = 0.0
    """When the request that has begun must have a whole head."""
    head_bytes = 0
    """Bytes that came since the last whole head, or the body behind it."""
    in_body = False
    is_over = False
    """What comes now is not looked at."""
    body_due = 0.0
    """When the body that has begun must be whole."""
    watch_timer: Timer | None = None
    acked: int | None = None
    """Bytes that the client had taken at the last look."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take a new connection, which has to make its request in time."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the connection is over."""
        self._forget_head()
        self._forget_watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes: of a request, or of one that becomes a WebSocket."""
        if self.is_over:
            return
        assert self.parser is not None
        self._unset_keepalive_if_required()
        self.head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._upgrade(data[upgrade.args[0] :])
                return
            self._unsupported_upgrade_warning()
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, HeadTooLargeError):
                self._refuse(431, "The request's head is too large.")
            elif isinstance(error.__context__, TooManyRequestsError):
                self._end_after_answers()
            else:
                self._refuse(400, "Invalid HTTP request received.")
            return
        if self.transport.is_closing():
            return
        if self.head_bytes > HEAD_BYTES:
            self._refuse(431, "The request's head is too large.")
        elif self.head_timer is None and self.head_bytes and (self.cycle is None or self.cycle.response_complete):
            self._expect_head()  # a body that goes on after its answer has as long

    def on_headers_complete(self) -> None:
        """Take a request's whole head."""
        if self.head_bytes > HEAD_BYTES:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > HEAD_BYTES:
                raise HeadTooLargeError
        now = self.switchboard.wheel.now()
        if self.head_timer is None:  # it came whole
            self.head_due = now + self.switchboard.handshake_timeout
        if len(self.pipeline) >= PIPELINED:
            raise TooManyRequestsError
        self._forget_head()
        self.head_bytes = 0
        self.in_body = True
        self.body_due = now + BODY_S
        if self.watch_timer is None:
            self.watch_timer = self.switchboard.wheel.schedule(WATCH_S, self._watch)
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if self.in_body:
            raise TrailerError
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a request's body."""
        self.head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._forget_head()
        self.head_bytes = 0
        self.in_body = False
        super().on_message_complete()

    def _expect_head(self) -> None:
        seconds = self.switchboard.handshake_timeout
        self.head_due = self.switchboard.wheel.now() + seconds
        self.head_timer = self.switchboard.wheel.schedule(seconds, self._miss_head)

    def _forget_head(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _miss_head(self) -> None:
        self.head_timer = None
        if self.head_bytes and not self.in_body:
            self._refuse(408, "The request did not come in time.")
        else:
            self.switchboard.refused(self._address, 408, "handshake_timeout")
            self.transport.abort()

    def _forget_watch(self) -> None:
        if self.watch_timer is not None:
            self.watch_timer.cancel()
            self.watch_timer = None

    def _watch(self) -> None:
        """Cut off who does not finish a body, or takes nothing of an answer."""
        self.watch_timer = None
        held = self.transport.get_write_buffer_size()
        before, self.acked = self.acked, sockets.acknowledged_bytes(self.transport)
        is_late = self.in_body and self.switchboard.wheel.now() >= self.body_due
        if is_late or (held and before is not None and before == self.acked):
            self.switchboard.refused(self._address, 408, "handshake_timeout")
            self.transport.abort()
        elif held or self.in_body or (self.cycle is not None and not self.cycle.response_complete):
            self.watch_timer = self.switchboard.wheel.schedule(WATCH_S, self._watch)

    def _end_after_answers(self) -> None:
        """Look at nothing more; the answers that are due come still, and then the end."""
        self.switchboard.refused(self._address, 400, "bad_request")
        self._forget_head()
        self.cycle.keep_alive = False
        self.is_over = True

    @property
    def _address(self) -> str:
        return address_of(self)

    def _refuse(self, status: int, why: str) -> None:
        """Answer and close; a client that does not take the answer is cut off."""
        self.switchboard.refused(self._address, status, "handshake_timeout" if status == 408 else "bad_request")
        self._forget_head()
        if not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(response(status, [], why.encode()))
            self.transport.close()
        self.head_timer = self.switchboard.wheel.schedule(self.switchboard.close_timeout, self.transport.abort)

    def _upgrade(self, rest: bytes) -> None:
        """Hand the connection over, as it stands."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_after_answers()  # an upgrade has to wait for the answers to earlier requests
            return
        self._forget_watch()
        transport = self.transport
        seconds = max(0.0, self.head_due - self.switchboard.wheel.now())
        self._forget_head()
        self.connections.discard(self)
        websocket = self.websocket_class(config=self.config, server_state=self.server_state, app_state=self.app_state)
        websocket.client = self.client
        transport.set_protocol(websocket)  # type: ignore[arg-type]  # it is one: an asyncio.Protocol
        websocket.connection_made(transport)
        del self.parser  # it and this object hold each other
        websocket.begin(self.config, self.scope, self.url, rest, seconds)
