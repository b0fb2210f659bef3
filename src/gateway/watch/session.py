"""Session: keeps a stream open, by the meaning of the close codes, and goes on where it was.

It draws nothing and reads no environment.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Never, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from gateway.watch.credentials import Credentials
from gateway.watch.faults import Refused, Unreachable, WatchError
from gateway.watch.positions import Positions
from gateway.watch.sockets import BROKEN, SUBPROTOCOL, Server, close_code, open_socket
from gateway.watch.streams import REFRESH_ID, SUBSCRIBE_ID, Message, Stream
from generated.errors import CloseCode, ErrorCode
from generated.models import (
    AuthAck,
    AuthExpiring,
    AuthRefresh,
    AuthRefreshPayload,
    BarsAck,
    CacheAuthAck,
    CacheAuthExpiring,
    CacheAuthRefresh,
    CacheShutdown,
    Error,
    Ready,
    Shutdown,
)
from streaming.clock import Clock

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
DEMO_MARKET = (
    '"make run" has the exchanges sim (BTC/USDT, ETH/USDT) and nasdaq (AAPL, FB, GOOG, IBM, MSFT), and the accounts '
    "1 at sim and 2 at nasdaq."
)
_BUSY = frozenset({429, 500, 502, 503, 504})
_GOING_AWAY, _RESTART = 1001, 1012  # what proxies send where the server would send 4001
_REFUSED = frozenset({CloseCode.POLICY_VIOLATION, CloseCode.UNKNOWN_ADDRESS})
_GIVE_TOKEN = "Give it by --token or TAPECAST_TOKEN."


class View(Protocol):
    """Where the session is shown."""

    def show(self, message: Message, /) -> None:
        """Show a frame."""
        ...

    def note(self, text: str, /) -> None:
        """Show what happens to the connection."""
        ...


def reconnects(code: int) -> bool:
    """Tell whether a client that was closed with this code should come back."""
    if code in (BROKEN, _GOING_AWAY, _RESTART):
        return True
    known = _known(code)
    return known.reconnect if known is not None else 4000 <= code <= 4499


def meaning(code: int) -> str:
    """Return what a close code says, in a sentence."""
    if code == BROKEN:
        return "The connection broke without a close frame."
    if code in (_GOING_AWAY, _RESTART):
        return f"The server, or a proxy before it, is going away ({code})."
    if code == CloseCode.NORMAL:
        return "The server ended the connection (1000)."
    known = _known(code)
    return f"{known.text} ({code})" if known is not None else f"The server closed the connection ({code})."


def _known(code: int) -> CloseCode | None:
    try:
        return CloseCode(code)
    except ValueError:
        return None


class Session:
    """One stream, over as many connections as it takes."""

    def __init__(
        self,
        stream: Stream,
        server: Server,
        credentials: Credentials,
        view: View,
        *,
        clock: Clock,
        draw: Callable[[], float],
    ) -> None:
        """Prepare; `draw` gives a number from 0 up to 1, so that clients don't all come back at once."""
        self.frames = 0
        self.connections = 0
        self.positions = Positions(begins_with_state=stream.begins_with_state)
        self._stream = stream
        self._server = server
        self._credentials = credentials
        self._view = view
        self._clock = clock
        self._draw = draw
        self._wants_token = stream.needs_token or credentials.given is not None
        self._token: str | None = None
        self._is_new = False  # the token has just been made: another one would be no better
        self._next_token: str | None = None  # sent, and not yet accepted
        self._failures = 0
        self._shutdown_ms: int | None = None
        self._is_first = True  # nothing has come over this connection

    @property
    def reconnects(self) -> int:
        """How often the connection was made anew."""
        return max(self.connections - 1, 0)

    async def run(self) -> Never:
        """Show the stream until this is cancelled. Raises WatchError where there is no going on."""
        while True:
            try:
                wait = await self._visit()
            except Unreachable as fault:
                if not self.connections:
                    raise
                wait = self._back_off(str(fault))
            except Refused as refusal:
                wait = self._after_refusal(refusal)
            if wait > 0:
                await self._clock.sleep(wait)

    async def _visit(self) -> float:
        """Make one connection and show it to its end. Returns the seconds after which to come back."""
        self._shutdown_ms = None
        if self._wants_token and self._token is None:
            self._token = await self._credentials.token()
            self._is_new = True
        held = self.positions.held
        path = self._stream.address(held)
        socket = await open_socket(self._server, path, self._token, offer=True)
        if socket.subprotocol != SUBPROTOCOL:
            await socket.close()
            raise WatchError(f"what answers at {self._server.ws} does not speak {SUBPROTOCOL}: check --url.")
        self._is_first = True
        try:
            async with socket:
                request = self._stream.request(held)
                if request is not None:
                    await self._send(socket, request)
                await self._read(socket)
        except ConnectionClosed as closed:
            code = close_code(closed)
        if self._is_first and code in _REFUSED:
            await self._ask_why(path)
        return self._after_close(code)

    async def _ask_why(self, path: str) -> None:
        """Raise Refused with the reason: a client that doesn't offer our subprotocol is told by HTTP, in words."""
        socket = await open_socket(self._server, path, self._token)
        await socket.close()  # this server doesn't tell it that way either

    async def _send(self, socket: ClientConnection, frame: str) -> None:
        with suppress(ConnectionClosed):  # what came before its end is still to be read
            await socket.send(frame)

    def _greet(self, message: Message | None) -> None:
        """Take the first frame of a connection: now it is known that we were let in."""
        self._is_first = self._is_new = False
        self._next_token = None
        self.connections += 1
        self._view.note("Connected again." if self.reconnects else f"Connected: {self._stream.title}.")
        if self._stream.wanted is None and not isinstance(message, Ready):
            raise WatchError("The server's first frame is not ready, which the document wants it to be.")

    async def _read(self, socket: ClientConnection) -> Never:
        while True:
            message = self._stream.read(await socket.recv())
            self.frames += 1
            self._failures = 0
            if self._is_first:
                self._greet(message)
            if message is None:
                continue
            match message:
                case AuthExpiring() | CacheAuthExpiring():
                    await self._renew(socket)
                case AuthAck(payload=answer) if answer.id == REFRESH_ID:
                    self._renewed(answer.status)
                case CacheAuthAck() if message.id == REFRESH_ID:
                    self._renewed(message.status)
                case Shutdown():
                    self._shutdown_ms = message.payload.reconnect_after_ms
                case CacheShutdown():
                    self._shutdown_ms = message.reconnect_after_ms
                case BarsAck(payload=ack) if ack.status == "error":
                    raise WatchError(ack.message + (f" {DEMO_MARKET}" if ack.code == ErrorCode.UNKNOWN_SYMBOL else ""))
                case Error(payload=error) if error.id == SUBSCRIBE_ID:
                    raise WatchError(error.message)
                case _:
                    pass
            finding = self.positions.take(message)
            if finding is not None:
                self._view.note(finding.text)
            if finding is None or not finding.is_double:
                self._view.show(message)

    async def _renew(self, socket: ClientConnection) -> None:
        """Send a new token where one can be had. Where none can, the connection lives on until its token ends."""
        if not self._credentials.renewable:
            self._view.note(f"The token expires soon, and then this ends. A new one is needed. {_GIVE_TOKEN}")
            return
        try:
            token = await self._credentials.token()
        except WatchError as fault:
            self._view.note(f"The token expires soon, and there is no new one: {fault}")
            return
        frame = (
            CacheAuthRefresh.model_construct(token=token, id=REFRESH_ID)
            if self._stream.wanted is None
            else AuthRefresh.model_construct(payload=AuthRefreshPayload.model_construct(token=token, id=REFRESH_ID))
        )
        self._next_token = token
        await self._send(socket, frame.model_dump_json())

    def _renewed(self, status: str) -> None:
        if status == "ok":
            self._token = self._next_token
            self._view.note("The token was renewed.")
        self._next_token = None

    def _after_close(self, code: int) -> float:
        if not reconnects(code):
            hint = f" {DEMO_MARKET}" if code == CloseCode.UNKNOWN_ADDRESS else ""
            raise WatchError(f"{meaning(code)}{hint}")
        if code == CloseCode.TOKEN_EXPIRED:
            if not self._credentials.renewable:
                raise WatchError(f"{meaning(code)} {_GIVE_TOKEN}")
            self._token = None
        if code == CloseCode.SHUTDOWN and self._shutdown_ms is not None:
            wait = self._shutdown_ms / 1000
            self._view.note(f"{meaning(code)} Connecting again in {wait:.1f} s, as the server wants it.")
            return wait
        return self._back_off(meaning(code))

    def _after_refusal(self, refusal: Refused) -> float:
        said = refusal.message or "It gives no reason."
        told = f"{said} (HTTP {refusal.status}{'' if refusal.code is None else ' ' + refusal.code})"
        if refusal.status in _BUSY and (refusal.code is not None or self.connections):
            return self._back_off(told)
        if refusal.status == 401 and self._credentials.renewable and not self._is_new:
            self._wants_token, self._token = True, None
            return 0
        if refusal.code is None:
            raise WatchError(
                f"what answers at {self._server.ws} is no Tapecast, or one of another version (HTTP {refusal.status}): "
                "check --url."
            )
        raise WatchError(f"{told} {_advice(refusal)}".strip())

    def _back_off(self, why: str) -> float:
        self._failures += 1
        # Bounded before it is raised to a power: failures may go on for days.
        wait = min(FIRST_WAIT_S * 2.0 ** min(self._failures - 1, 10), LONGEST_WAIT_S) * (1 + self._draw()) / 2
        self._view.note(f"{why.rstrip('.')}. Connecting again in {wait:.1f} s.")
        return wait


def _advice(refusal: Refused) -> str:
    match refusal.status:
        case 401:
            return "Give a good token by --token or TAPECAST_TOKEN."
        case 403:
            return "Give a token that allows this: `tapecast token --accounts ... --scope ...` makes one."
        case 404 if refusal.code == "unknown_address":
            return "Check --url: it is the server's address alone, such as ws://127.0.0.1:8000."
        case _:
            return ""
