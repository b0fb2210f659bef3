"""Direct transport: our own WebSocket protocol, which an endpoint takes from ASGI and hands to a listener.

The task, the scope and the request of a connection are gone then; what stays is one small object. Writes go straight to
the descriptor while the event loop's transport holds nothing, and through the transport otherwise, so bytes never
interleave. It never sees what a message means.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from typing import Any, ClassVar, Final, Protocol, cast
from urllib.parse import unquote_to_bytes

from fastapi import WebSocket
from uvicorn._types import HTTPScope, WebSocketScope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.telemetry import get_logger
from gateway.transport import frames, sockets
from gateway.transport.asgi import Application
from gateway.transport.carrier import ABNORMAL, EXTENSION, NO_STATUS, Listener, address_of, carrier_in
from gateway.transport.codes import DOCUMENTED, close_code
from gateway.transport.frames import Close, Event, Fault, Partial, Ping, Pong, read_frames
from gateway.transport.handshake import Denied, Handshake, Headers, check
from gateway.transport.requests import Requests
from gateway.transport.switchboard import Switchboard
from gateway.transport.wheel import Timer
from generated.errors import CloseCode
from streaming.transport import EndReason

__all__ = ["DirectProtocol", "Listener", "Switchboard", "connection_in", "direct_classes"]

EVENTS_AT_ONCE: Final = 256
"""Events of one client in a turn of the event loop; then the others have theirs."""
PONGS_AT_ONCE: Final = 64
"""Pongs in one write. Of more pings in a row the last ones are answered."""

CONNECTING, OPEN, CLOSING, ENDING, CLOSED = range(5)
"""Before the answer; frames flow; our close frame is sent; nothing that comes matters; over."""


class BinaryListener(Listener, Protocol):
    """A listener that takes binary messages too; without it `received(None)` stands for one."""

    def received_binary(self, message: bytes, /) -> Coroutine[Any, Any, None] | None:
        """Take a binary message."""
        ...


class Inbox:
    """What came and waits: until a coroutine has run, the application asks, or the next turn of the loop."""

    __slots__ = ("events", "later")

    def __init__(self, events: Generator[Event, None, Partial | None]) -> None:
        """Hold the events that are not handled."""
        self.events = events
        self.later = b""
        """Bytes that came meanwhile: one read at most, as reading is paused then."""


class DirectProtocol(asyncio.Protocol):
    """One WebSocket. uvicorn's `ws` class; made by `Requests`, which hands it the request.

    `connection_in` finds it from an endpoint. After `accept` the endpoint may `open` it for a listener and return.
    """

    __slots__ = (
        "_acked",
        "_acked_at",
        "_application",
        "_code",
        "_inbox",
        "_is_paused",
        "_is_stalled",
        "_listener",
        "_partial",
        "_ping",
        "_ping_is_due",
        "_pong",
        "_server",
        "_state",
        "_timer",
        "client",
        "descriptor",
        "transport",
    )

    form: ClassVar[str] = "direct"
    """What the metrics call this transport."""
    switchboard: ClassVar[Switchboard]
    """Set by `direct_classes`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Serve one connection."""
        self.transport: asyncio.Transport
        self.client: tuple[str, int] | None = None
        """The peer's address, where it has one."""
        self.descriptor = -1
        """What `Switchboard.broadcast` writes to. -1 where it must not: before `open`, with TLS, and from the moment
        when the connection begins to end."""
        self._server = server_state
        self._state = CONNECTING
        self._code = ABNORMAL
        self._listener: Listener | None = None
        self._application: Application | None = None
        self._partial: Partial | None = None
        self._inbox: Inbox | None = None
        self._timer: Timer | None = None
        self._ping: bytes | None = None
        """The payload of the ping that is not answered."""
        self._ping_is_due = False
        """That ping waits for the transport to drain."""
        self._pong: bytes | None = None
        """What the last ping wants back that came during a stall."""
        self._is_stalled = False
        self._is_paused = False
        self._acked = 0
        self._acked_at = 0.0

    # ---------------------------------------------------------------------------------------------- the handshake

    def begin(self, config: Config, http: HTTPScope, url: bytes, rest: bytes, seconds: float) -> None:
        """Take an upgrade request and what came behind it; it has to be answered within `seconds`.

        The transport delivers to this protocol already, by `connection_made`.
        """
        self._timer = self.switchboard.wheel.schedule(seconds, self._abort_handshake)
        headers = cast("Headers", http["headers"])
        handshake = check(http["method"], http["http_version"], headers)
        path, _, query = url.partition(b"?")
        if isinstance(handshake, Handshake) and (not path.startswith(b"/") or not url.isascii()):
            handshake = Denied(400, "did not receive a valid HTTP request: its target is no path", [])
        if isinstance(handshake, Denied):
            self.switchboard.refused(self.address, handshake.status, "bad_handshake")
            self.refuse(handshake.answer())
            return
        root_path = http["root_path"]
        scope: WebSocketScope = {
            "type": "websocket",
            "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if http["scheme"] == "https" else "ws",
            "server": http["server"],
            "client": self.client,
            "root_path": root_path,
            "path": root_path + unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": root_path.encode() + path,
            "query_string": query,
            "headers": headers,
            "subprotocols": handshake.subprotocols,
            "state": http.get("state", {}),
            # uvicorn's type of it is narrower than ASGI's
            "extensions": cast("dict[str, dict[object, object]]", {"websocket.http.response": {}, EXTENSION: self}),
        }
        self._application = application = Application(self, scope, handshake, self._server.default_headers)
        self._start(application.run(cast("Any", config.loaded_app)))
        if rest:
            self.data_received(rest)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, which from now on says exactly when it holds bytes."""
        self.transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)  # type: ignore[arg-type]  # uvicorn's type names its own classes alone
        # asyncio's TLS transport takes a limit of 0 for "always above it".
        self.transport.set_write_buffer_limits(high=int(transport.get_extra_info("sslcontext") is not None), low=0)
        # What an earlier answer on this connection left there, of which the HTTP side was told.
        self._is_stalled = self.transport.get_write_buffer_size() > 0

    def _abort_handshake(self) -> None:
        self._timer = None
        self.switchboard.refused(self.address, 408, "handshake_timeout")
        self._finish(self._code)
        self.transport.abort()

    def accept(self, answer: bytes) -> None:
        """Send the answer 101 and begin with frames; for the application's side."""
        if self._state != CONNECTING:
            return
        application = self._application
        assert application is not None
        self._state = OPEN
        self.switchboard.connections += 1
        self._set_timer(None)
        self.transport.write(answer)
        interval = self.switchboard.ping_interval
        if interval is not None and self._state == OPEN:
            self._set_timer(
                self.switchboard.wheel.schedule((1 + self.switchboard.draw()) / 2 * interval, self._send_ping)
            )
        if application.early:
            # In the next turn, so that the endpoint can open the connection first.
            self._inbox = Inbox(self._frames_in(application.early))
            application.early = b""
            self._soon(self.take_more)

    def refuse(self, answer: bytes) -> None:
        """Send another answer than 101, and end; for the application's side."""
        if self._state != CONNECTING:
            return
        self._finish(self._code)
        self.transport.write(answer)
        self.transport.close()

    # ------------------------------------------------------------------------------------------------ the listener

    def open(self, listener: Listener) -> None:
        """Hand the accepted connection to `listener`: the endpoint may return, the connection stays.

        Nothing is told to the listener inside this call but `stalled`, where the client does not read already. Raises
        RuntimeError before `accept`, and the second time.
        """
        application = self._application
        if self._state == CONNECTING or self._listener is not None or application is None:
            raise RuntimeError("a connection is opened once, after accept")
        self._listener = listener
        self._application = None
        waiting = application.detach()
        if self._state != OPEN:
            # It ended already, or does: `stalled` is told now, and `lost` with its end.
            self._tell(listener.stalled)
            if self._state == CLOSED:
                self._soon(self._tell_lost)
            return
        if waiting:
            inbox = self._inbox
            self._inbox = Inbox(_before(waiting, None if inbox is None else inbox.events))
            self._inbox.later = b"" if inbox is None else inbox.later
            self._soon(self.take_more)
        sockets.keep_little_unsent(self.transport)
        descriptor = sockets.plain_descriptor(self.transport)
        if descriptor >= 0:
            stale = self.switchboard.lines.get(descriptor)
            if stale is not None:  # never, as long as a connection leaves before its descriptor is closed
                stale.broken()
            self.descriptor = descriptor
            self.switchboard.lines[descriptor] = self
        if self._is_stalled:
            self._tell(listener.stalled)

    @property
    def address(self) -> str:
        """The client's address as `host:port`."""
        return address_of(self)

    @property
    def end_code(self) -> int:
        """The close code so far, as `Listener.lost` is told it."""
        return self._code

    @property
    def is_open(self) -> bool:
        """Whether it is accepted and has not begun to end."""
        return self._state == OPEN

    def is_writable(self) -> bool:
        """Say whether a write would go out now."""
        return not self._is_stalled and self._state == OPEN

    def write(self, payloads: Sequence[bytes]) -> None:
        """Send each as a text frame, in order, as one write. Does nothing when the connection ends."""
        if self._state == OPEN:
            self.switchboard.frames_out += len(payloads)
            self._send(frames.text_frames(payloads))

    def write_binary(self, message: bytes) -> None:
        """Send a binary message. Does nothing when the connection ends."""
        if self._state == OPEN:
            self.switchboard.frames_out += 1
            self._send(frames.binary_frame(message))

    def close(self, reason: EndReason) -> None:
        """Close with the document's code for the reason."""
        self.close_with(close_code(reason))

    def close_with(self, code: CloseCode, text: str | None = None) -> None:
        """Send the close frame, with the document's text or `text`; abort if the client does not answer in time."""
        self.end(int(code), code.text if text is None else text)

    def lag(self) -> float:
        """Return for how many seconds the system has held bytes of ours of which the client acknowledged none.

        0.0 where it holds none, and where the system can't tell. Seconds count from the first call that saw it.
        """
        unsent = sockets.unsent_bytes(self.transport) if self._state in (OPEN, CLOSING) else 0
        if unsent == 0:
            self._acked_at = 0.0
            return 0.0
        now = self.switchboard.wheel.now()
        acked = sockets.acknowledged_bytes(self.transport)
        if acked is None:
            return 0.0
        if self._acked_at == 0.0 or acked != self._acked:
            self._acked = acked
            self._acked_at = now or 1e-9
        return max(0.0, now - self._acked_at)

    # ---------------------------------------------------------------------------------------------------- writing

    def send_message(self, message: str | bytes) -> None:
        """Send a message; for the application's side."""
        if isinstance(message, str):
            self.write((message.encode(),))
        else:
            self.write_binary(message)

    def _send(self, buffer: bytes) -> None:
        """Send frames, or hand them to the transport, behind what it holds."""
        if self.descriptor < 0 or self._is_stalled:
            self.transport.write(buffer)
            return
        try:
            sent = self.switchboard.os_write(self.descriptor, buffer)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.broken()
            return
        if sent < len(buffer):
            self.transport.write(memoryview(buffer)[sent:] if sent else buffer)

    def finish(self, rest: bytes) -> None:
        """Send what the system did not take of a broadcast."""
        if self._state == OPEN:
            self.transport.write(rest)

    def broken(self) -> None:
        """Take that the system refused a write for good."""
        if self._state != CLOSED:
            self._finish(self._code)
            self.transport.abort()

    def pause_writing(self) -> None:
        """Take from the event loop that it holds bytes: nothing but the transport writes until they are gone."""
        if self._is_stalled:
            return
        self._is_stalled = True
        if self._application is not None:
            self._application.stalled()
        if self._listener is not None:
            self._tell(self._listener.stalled)

    def resume_writing(self) -> None:
        """Take from the event loop that its buffer is empty."""
        if self._application is not None:
            self._application.drained()
        if self._state > OPEN:
            return
        self._is_stalled = False
        owed = b""
        if self._pong is not None:
            owed, self._pong = frames.pong_frame(self._pong), None
        if self._ping_is_due and self._ping is not None:
            owed += frames.ping_frame(self._ping)
            self._ping_is_due = False
        if owed:
            self._send(owed)
        if self._listener is not None and not self._is_stalled and self._state == OPEN:
            self._tell(self._listener.writable)

    # ------------------------------------------------------------------------------------------------------ pings

    def _send_ping(self) -> None:
        board = self.switchboard
        self._ping = board.random_bytes(4)
        board.pings_out += 1
        self._timer = board.wheel.schedule(board.pong_timeout, self._miss_pong)
        if self._is_stalled:
            self._ping_is_due = True
        else:
            self._send(frames.ping_frame(self._ping))

    def _miss_pong(self) -> None:
        if not self._is_stalled and (self._inbox is not None or self._is_paused):
            # The pong may be there, unread: it is we who don't read.
            self._timer = self.switchboard.wheel.schedule(self.switchboard.pong_timeout, self._miss_pong)
            return
        self._timer = None
        self.close_with(CloseCode.PING_TIMEOUT)

    def _take_pong(self, payload: bytes) -> None:
        interval = self.switchboard.ping_interval
        if self._ping is None or payload != self._ping or self._ping_is_due or interval is None:
            return
        self._ping = None
        self._set_timer(self.switchboard.wheel.schedule(interval, self._send_ping))

    def _answer_pings(self, pings: list[bytes]) -> None:
        if self._state != OPEN:
            return
        if self._is_stalled:
            self._pong = pings[-1]
        else:
            self._send(b"".join(map(frames.pong_frame, pings)))

    # ---------------------------------------------------------------------------------------------------- reading

    def data_received(self, data: bytes) -> None:
        """Take bytes from the event loop."""
        if self._state in (OPEN, CLOSING):
            if self._inbox is None:
                self._read(self._frames_in(data))
            else:
                self._inbox.later += data
                self._pause_reading()
        elif self._state == CONNECTING and self._application is not None:
            self._application.early += data
            self._pause_reading()

    def _frames_in(self, data: bytes) -> Generator[Event, None, Partial | None]:
        partial, self._partial = self._partial, None
        return read_frames(data, partial, self.switchboard.max_message_bytes)

    def _read(self, events: Generator[Event, None, Partial | None]) -> None:
        """Handle events until they end or have to wait; then they are in the inbox."""
        board = self.switchboard
        pings: list[bytes] = []
        for _ in range(EVENTS_AT_ONCE):
            try:
                event = next(events)
            except StopIteration as stop:
                self._partial = stop.value
                break
            if isinstance(event, Ping):
                board.pings_in += 1
                if len(pings) >= PONGS_AT_ONCE:
                    pings.clear()
                pings.append(event.payload)
                continue
            if pings:
                self._answer_pings(pings)
                pings.clear()
            if isinstance(event, Pong):
                board.pongs_in += 1
                self._take_pong(event.payload)
            elif isinstance(event, Close):
                self._take_close(event)
                return
            elif isinstance(event, Fault):
                self._fail(event.code)
                return
            elif self._state == OPEN and self._deliver(event, events):
                return
        else:
            self._inbox = Inbox(events)
            self._soon(self.take_more)
        if pings:
            self._answer_pings(pings)

    def _deliver(self, message: str | bytes, events: Generator[Event, None, Partial | None]) -> bool:
        """Hand a message on; say whether the events after it have to wait."""
        listener = self._listener
        if listener is None:
            if self._application is None:
                return False
            self._inbox = Inbox(events)
            self._application.put(message)
            return True
        try:
            if isinstance(message, str):
                work = listener.received(message)
            else:
                binary = getattr(listener, "received_binary", None)
                work = listener.received(None) if binary is None else binary(message)
        except Exception:
            self._fail_internally()
            return False
        if work is None:
            return False
        self._inbox = inbox = Inbox(events)
        self._start(self._work(work, inbox))
        return True

    async def _work(self, work: Coroutine[Any, Any, None], inbox: Inbox) -> None:
        try:
            await work
        except Exception:
            self._fail_internally()
        finally:
            if self._inbox is inbox:
                self.take_more()

    def take_more(self) -> None:
        """Go on with what waits; then read on."""
        inbox = self._inbox
        if inbox is None:
            return
        self._inbox = None
        if self._state not in (OPEN, CLOSING):
            return
        self._read(inbox.events)
        if self._inbox is not None:
            self._inbox.later = inbox.later
        elif inbox.later and self._state in (OPEN, CLOSING):
            self._read(self._frames_in(inbox.later))
        if self._inbox is None or not self._inbox.later:
            self._resume_reading()

    def _pause_reading(self) -> None:
        if not self._is_paused and not self.transport.is_closing():
            self._is_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_paused and not self.transport.is_closing():
            self._is_paused = False
            self.transport.resume_reading()

    # ------------------------------------------------------------------------------------------------------ the end

    def end(self, code: int, reason: str) -> None:
        """Start the closing handshake; for the application's side."""
        if self._state != OPEN:
            return
        frame = frames.close_frame(code, reason)
        self._leave(CLOSING, code)
        if self._application is not None:
            self._application.disconnected(code, reason)
        self.transport.write(frame)
        if self._inbox is not None:
            self._soon(self.take_more)  # the client's close frame may be among what waits
        else:
            self._resume_reading()

    def _take_close(self, event: Close) -> None:
        """Take the client's close frame: the answer to ours, or the first, which is repeated."""
        if self._state == OPEN:
            code = NO_STATUS if event.code is None else event.code
            self._leave(ENDING, code)
            if self._application is not None:
                self._application.disconnected(code, event.reason)
            self.transport.write(frames.header(frames.CLOSE, len(event.payload)) + event.payload)
        self._state = ENDING
        self.transport.close()

    def _fail(self, code: int) -> None:
        """Close for a fault of the client's; what it sends after it is not looked at."""
        if self._state == OPEN:
            self._leave(ENDING, code)
            text = CloseCode(code).text if code in DOCUMENTED else ""
            if self._application is not None:
                self._application.disconnected(code, text)
            self.transport.write(frames.close_frame(code, text))
        self._state = ENDING
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        # To close now, with bytes unread, would be a reset, which may overtake the close frame.
        self._resume_reading()
        try:
            self.transport.write_eof()
        except OSError:
            self.transport.abort()

    def _fail_internally(self) -> None:
        get_logger().exception("connection failed", client=self.address)
        self.close_with(CloseCode.INTERNAL_ERROR)

    def _leave(self, state: int, code: int) -> None:
        """Begin to end: out of the registry and every list, with a bound on how long it takes."""
        if self._state == OPEN:
            self.switchboard.connections -= 1
        self._state = state
        self._code = code
        self._ping = self._pong = None
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0 and self.switchboard.lines.get(descriptor) is self:
            del self.switchboard.lines[descriptor]
        if state == CLOSED:
            self._set_timer(None)
        else:
            self._set_timer(self.switchboard.wheel.schedule(self.switchboard.close_timeout, self._abort))
        was_stalled, self._is_stalled = self._is_stalled, True
        if self._listener is not None and not was_stalled:
            try:
                self._listener.stalled()
            except Exception:
                get_logger().exception("connection failed", client=self.address)

    def _finish(self, code: int) -> None:
        """Take that nothing more is said or listened to."""
        if self._state < ENDING:
            self._leave(ENDING, code)

    def _abort(self) -> None:
        self._timer = None
        self.transport.abort()

    def eof_received(self) -> None:
        """Take that the client says nothing more: the transport closes."""
        self._finish(self._code)

    def shutdown(self) -> None:
        """End the connection now: uvicorn's server stops. Clients that were not told are told 4001."""
        if self._state == OPEN and not self._is_stalled:
            self.close_with(CloseCode.SHUTDOWN)
            self._state = ENDING
            self.transport.close()
        else:
            self._finish(self._code)
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the connection is over. Both event loops close the descriptor after this call, never before."""
        self._leave(CLOSED, self._code)
        self._server.connections.discard(self)
        self._inbox = self._partial = None
        if self._application is not None:
            self._application.lost(self._code)
        if self._listener is not None:
            self._tell_lost()

    def _tell_lost(self) -> None:
        listener = self._listener
        if listener is None:
            return
        self._listener = None
        try:
            listener.lost(self._code)
        except Exception:
            get_logger().exception("connection failed", client=self.address)

    # -------------------------------------------------------------------------------------------------------- tools

    def _tell(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception:
            self._fail_internally()

    def _set_timer(self, timer: Timer | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer

    def _soon(self, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(callback)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it in a task that the server owns."""
        task = asyncio.get_running_loop().create_task(work)
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)


def _before(
    messages: Iterable[str | bytes], events: Generator[Event, None, Partial | None] | None
) -> Generator[Event, None, Partial | None]:
    """Give the messages, then the events."""
    yield from messages
    return None if events is None else (yield from events)


def direct_classes(switchboard: Switchboard) -> tuple[type[HttpToolsProtocol], type[asyncio.Protocol]]:
    """Return the classes for `uvicorn.Config(http=..., ws=...)`, whose connections share `switchboard`."""

    class WebSocketProtocol(DirectProtocol):
        __slots__ = ()

    class HttpProtocol(Requests):
        pass

    WebSocketProtocol.switchboard = switchboard
    HttpProtocol.switchboard = switchboard
    HttpProtocol.websocket_class = WebSocketProtocol
    return HttpProtocol, WebSocketProtocol


def connection_in(websocket: WebSocket) -> DirectProtocol:
    """Return the connection behind an endpoint. Raises RuntimeError under a server that was started without it."""
    protocol = carrier_in(websocket.scope)
    if not isinstance(protocol, DirectProtocol):
        raise RuntimeError("the WebSocket class is not Tapecast's: start the server with `tapecast serve`")
    return protocol
