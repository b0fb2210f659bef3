"""Session: shows a stream through the generated client, over as many connections as it takes, and says how it goes.

It draws nothing and reads no environment. Connecting, coming back and finding what was missed are the client's.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Never, Protocol

from gateway.watch.credentials import Credentials
from gateway.watch.faults import Refusal, Unreachable, WatchError, read_refusal
from gateway.watch.gaps import DOUBLE, is_silent, text_of
from gateway.watch.sockets import SUBPROTOCOL, Server, meaning
from gateway.watch.streams import Connection, Message, Stream
from streaming.clock import Clock
from tapecast_client import (
    BarsConnection,
    Client,
    ClientError,
    CloseCode,
    ConnectionEnded,
    ConnectionFailed,
    ConnectionLost,
    ErrorCode,
    InvalidMessage,
    Lost,
    Missed,
    Opened,
    Refused,
    RequestTimeout,
    Undeclared,
    UnexpectedReply,
)
from tapecast_client.models import (
    AuthAck,
    AuthExpiring,
    BarsAck,
    CacheAuthAck,
    CacheAuthExpiring,
    Error,
    Limits,
    Ready,
)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
DEMO_MARKET = (
    '"make run" has the exchanges sim (BTC/USDT, ETH/USDT) and nasdaq (AAPL, FB, GOOG, IBM, MSFT), and the accounts '
    "1 at sim and 2 at nasdaq."
)
_BUSY = frozenset({429, 500, 502, 503, 504})
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


class Session:
    """One stream, over as many connections as it takes.

    `frames` counts those that came, `connections` those that let us in, `silent` the gaps that nobody told, `told`
    those that were told.
    """

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
        self.connections = self.silent = self.told = 0
        self._shown = 0  # frames that were not doubles
        self._doubled = 0  # doubles of connections that are over
        self._doubles_noted = 0
        self._stream = stream
        self._server = server
        self._credentials = credentials
        self._view = view
        self._clock = clock
        self._draw = draw
        self._wants_token = stream.needs_token or credentials.given is not None
        self._token: str | None = None
        self._lacks_token = False  # that there is no new one was noted
        self._failures = 0
        self._connection: Connection | None = None
        self._is_first = True  # nothing has come over this connection
        self._limits: Limits | None = None

    @property
    def frames(self) -> int:
        """How many frames came."""
        return self._shown + self.doubled

    @property
    def doubled(self) -> int:
        """How many of them came before."""
        return self._doubled + (self._connection.counts.doubles if self._connection is not None else 0)

    @property
    def reconnects(self) -> int:
        """How often the connection was made anew."""
        return max(self.connections - 1, 0)

    async def run(self) -> Never:
        """Show the stream until this is cancelled. Raises WatchError where there is no going on."""
        while True:
            try:
                await self._visit()
            except Refused as refused:
                wait = self._after_refusal(read_refusal(refused))
                if wait > 0:
                    await self._clock.sleep(wait)

    async def _visit(self) -> None:
        """Follow the stream for as long as the client comes back by itself. Raises Refused and WatchError."""
        client = self._client(self._get_token if self._wants_token else None)
        try:
            self._connection = connection = self._stream.open(client)
        except InvalidMessage as fault:
            raise WatchError(
                f"No address can hold this ({fault}): an exchange, a symbol or a currency is never empty, and only a "
                "symbol has a slash, between two parts (BTC/USDT)."
            ) from None
        try:
            async with connection:
                if connection.connected and connection.subprotocol != SUBPROTOCOL:
                    raise WatchError(f"what answers at {self._server.ws} does not speak {SUBPROTOCOL}: check --url.")
                await self._follow(connection)
        except ConnectionEnded as ended:
            if self._is_first and ended.code in _REFUSED:
                await self._ask_why()
            hint = f" {DEMO_MARKET}" if ended.code == CloseCode.UNKNOWN_ADDRESS else ""
            raise WatchError(f"{meaning(ended.code)}{hint}") from None
        except Unreachable:
            raise
        except ConnectionFailed as failed:
            raise self._server.unreachable(failed.error) from None
        finally:
            self._doubled, self._connection = self.doubled, None

    def _client(self, token: Any) -> Client:
        return self._server.client(
            token,
            backoff_base_s=FIRST_WAIT_S,
            backoff_cap_s=LONGEST_WAIT_S,
            random=self._draw,
            sleep=self._clock.sleep,
            now=lambda: self._clock.now_ms() / 1000,
            on_connection=self._hear,
            on_reply=self._take_reply,
            on_gap=self._miss,
            on_undeclared=self._take_undeclared,
        )

    async def _get_token(self) -> str:
        """Return a token. One that is to replace that of a connection, and can't be had, is noted."""
        try:
            self._token = await self._credentials.token()
        except WatchError as fault:
            if self._connection is not None and self._connection.connected and not self._lacks_token:
                self._lacks_token = True
                self._view.note(f"The token expires soon, and there is no new one: {fault}")
            raise
        self._lacks_token = False
        return self._token

    async def _ask_why(self) -> None:
        """Raise Refused with the reason: a client that doesn't offer our subprotocol is told by HTTP, in words."""
        async with self._stream.open(self._server.client(self._token or "", subprotocols=())):
            pass  # this server doesn't tell it that way either

    async def _follow(self, connection: Connection) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                if isinstance(connection, BarsConnection) and self._stream.wanted is not None:
                    group.create_task(self._subscribe(connection, *self._stream.wanted))
                async for message in connection:
                    self._take(message)
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from None

    async def _subscribe(self, connection: BarsConnection, symbol: str, resolution: str) -> None:
        """Subscribe. From the answer on it is the client that remembers it."""
        while True:
            try:
                ack = await connection.subscribe_bars(
                    symbol=symbol, resolution=resolution, snapshot=self._stream.history
                )
            except (ConnectionLost, RequestTimeout):
                continue  # it is sent over the next connection
            except InvalidMessage as fault:
                raise WatchError(f"{fault}.") from None
            except UnexpectedReply as fault:
                raise WatchError(
                    fault.message.payload.message if isinstance(fault.message, Error) else f"{fault}."
                ) from None
            except ClientError:
                return  # the iteration says what ended the connection
            if ack.payload.status == "error":
                raise _refused(ack)
            return

    # What the client hands over, in the order in which it came.

    def _take(self, message: Message) -> None:
        self._count(message)
        match message:
            case AuthExpiring() | CacheAuthExpiring() if not self._credentials.renewable:
                self._view.note(f"The token expires soon, and then this ends. A new one is needed. {_GIVE_TOKEN}")
            case Ready():
                self._limits = message.limits
            case _:
                pass
        self._view.show(message)

    def _take_reply(self, message: Message) -> None:
        self._count(message)
        match message:
            case AuthAck(payload=answer) if answer.status == "ok":
                self._view.note("The token was renewed.")
            case CacheAuthAck() if message.status == "ok":
                self._view.note("The token was renewed.")
            case _:
                pass
        self._view.show(message)

    def _take_undeclared(self, found: Undeclared) -> None:
        if found.reason != "unknown":  # a type that this version doesn't know has to be ignored
            raise WatchError(self._stream.explain(found))
        self._count(None)

    def _count(self, message: Message | None) -> None:
        """Count a frame. With the first of a connection it is known that we were let in."""
        self._shown += 1
        self._failures = 0
        while self._doubles_noted < self.doubled:
            self._doubles_noted += 1
            self._view.note(DOUBLE)
        if not self._is_first:
            return
        self._is_first = False
        self.connections += 1
        self._view.note("Connected again." if self.reconnects else f"Connected: {self._stream.title}.")
        if self._stream.wanted is None and not isinstance(message, Ready):
            raise WatchError("The server's first frame is not ready, which the document wants it to be.")

    def _miss(self, missed: Missed) -> None:
        if missed.why == "refused" and isinstance(missed.message, BarsAck):
            raise _refused(missed.message)
        if is_silent(missed):
            self.silent += 1
        else:
            self.told += 1
        self._view.note(text_of(missed, self._limits))

    def _hear(self, event: Opened | Lost) -> None:
        if isinstance(event, Opened):
            self._is_first = True
            return
        if event.code == CloseCode.TOKEN_EXPIRED and not self._credentials.renewable:
            raise WatchError(f"{meaning(event.code)} {_GIVE_TOKEN}")
        if event.told:
            self._view.note(f"{meaning(event.code)} Connecting again in {event.wait_s:.1f} s, as the server wants it.")
            return
        match event.error:
            case None:
                why = meaning(event.code)
            case Refused():
                why = _told(read_refusal(event.error))
            case ConnectionFailed() if not isinstance(event.error, Unreachable):
                why = str(self._server.unreachable(event.error.error))
            case _:
                why = str(event.error)
        self._say_when(why, event.wait_s)

    def _say_when(self, why: str, wait_s: float) -> None:
        self._view.note(f"{why.rstrip('.')}. Connecting again in {wait_s:.1f} s.")

    def _after_refusal(self, refusal: Refusal) -> float:
        """Return the seconds after which to try anew, where the first attempt was refused. Raises WatchError."""
        if refusal.status in _BUSY and refusal.code is not None:
            # Bounded before it is raised to a power: failures may go on for days.
            wait = min(FIRST_WAIT_S * 2.0 ** min(self._failures, 10), LONGEST_WAIT_S) * self._draw()
            self._failures += 1
            self._say_when(_told(refusal), wait)
            return wait
        if refusal.status == 401 and self._credentials.renewable and not self._wants_token:
            self._wants_token = True
            return 0
        if refusal.code is None:
            raise WatchError(
                f"what answers at {self._server.ws} is no Tapecast, or one of another version (HTTP {refusal.status}): "
                "check --url."
            )
        raise WatchError(f"{_told(refusal)} {_advice(refusal)}".strip())


def _refused(ack: BarsAck) -> WatchError:
    hint = f" {DEMO_MARKET}" if ack.payload.code == ErrorCode.UNKNOWN_SYMBOL else ""
    return WatchError(f"{ack.payload.message}{hint}")


def _told(refusal: Refusal) -> str:
    said = refusal.message or "It gives no reason."
    return f"{said} (HTTP {refusal.status}{'' if refusal.code is None else ' ' + refusal.code})"


def _advice(refusal: Refusal) -> str:
    match refusal.status:
        case 401:
            return "Give a good token by --token or TAPECAST_TOKEN."
        case 403:
            return "Give a token that allows this: `tapecast token --accounts ... --scope ...` makes one."
        case 404 if refusal.code == "unknown_address":
            return "Check --url: it is the server's address alone, such as ws://127.0.0.1:8000."
        case _:
            return ""
