# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Connection: one channel, over as many sockets as it takes: requests, what is pushed, and coming back.

It knows no message of its own, and nothing of positions: `tracking` does.
"""

import asyncio
import itertools
import logging
import random
import re
import ssl as tls
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeAlias, TypeVar
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ValidationError

from .codec import (
    Decoder,
    Form,
    Incoming,
    MessageT,
    Request,
    Undeclared,
    UndeclaredError,
    at,
    body_of,
    encode,
    encode_as,
    explain,
    put,
)
from .faults import (
    ClientError,
    ConnectionEnded,
    ConnectionFailed,
    ConnectionLost,
    InvalidMessage,
    Refused,
    RequestTimeout,
    UnexpectedReply,
)
from .sockets import BROKEN, NO_CODE, Socket, hide, open_socket

ReplyT = TypeVar("ReplyT")

Token: TypeAlias = str | Callable[[], Awaitable[str]]
"""A token, or what gets one: it is asked before each connection, and before the token expires."""

LOG: Final = logging.getLogger(__package__)

_WHILE_WAITING: Final = 8
"""While a request waits, the queue may grow to so many times its size: the reply stands behind what is pushed."""
_LATE: Final = 1000  # ids of requests that were given up, whose replies are dropped
_RETRIED: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_PASSING: Final = frozenset({BROKEN, NO_CODE, 1001, 1012, 1013, 1014})
"""What proxies and servers that go away send, whatever the document says of these codes."""
_NO_COOKIE: Final = re.compile(r'[\s",;\\]|[^\x21-\x7e]')
_DEFAULTS: Final[Mapping[int, bool]] = {1011: True}
_FIRST_PRIVATE, _FIRST_FINAL, _END = 4000, 4500, 5000


@dataclass(frozen=True, slots=True)
class Settings:
    """What all connections of a client have in common. Times are in seconds."""

    url: str
    token: Token | None = field(default=None, repr=False)
    timeout_s: float = 10.0
    """For a reply, and for making a connection, the token included."""
    queue_size: int = 4096
    """So many messages may wait to be iterated over; then nothing more is read until half of them are gone."""
    max_bytes: int = 16 * 1024 * 1024
    """The largest message; a server that sends a larger one is left."""
    ping_interval_s: float = 20.0
    """A server that is silent so long is sent a ping, and left when it says nothing for as long again."""
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 30.0
    """The n-th attempt to come back is made after a random part of `base * 2**n`, and of no more than `cap`."""
    stable_s: float = 5.0
    """A connection that lived so long was a good one: attempts are counted anew."""
    ssl: tls.SSLContext | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    subprotocols: tuple[str, ...] | None = None
    """What is offered in place of the document's; None: those."""
    on_undeclared: Callable[[Undeclared], None] | None = field(default=None, repr=False)
    on_connection: "Callable[[Opened | Lost], None] | None" = field(default=None, repr=False)
    on_reply: Callable[[Any], None] | None = field(default=None, repr=False)
    on_gap: Callable[[Any], None] | None = field(default=None, repr=False)
    refresh_margin_s: float = 30.0
    """So long before its end a token is replaced."""
    draw: Callable[[], float] = field(default=random.random, repr=False)
    """Gives a number from 0 up to 1."""
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)
    now: Callable[[], float] = field(default=time.time, repr=False)
    """Gives the seconds since 1970."""


@dataclass(frozen=True, slots=True, eq=False)
class Carriage:
    """Where in a handshake the token stands: in the Authorization header, else a header, a query parameter, a cookie.

    `basic`: a name and a password may stand there instead.
    """

    bearer: bool = False
    header: str | None = None
    query: str | None = None
    cookie: str | None = None
    basic: bool = False
    required: bool = False

    @property
    def takes_token(self) -> bool:
        """Whether there is a place for a token."""
        return self.bearer or any(name is not None for name in (self.header, self.query, self.cookie))


@dataclass(frozen=True, slots=True, eq=False)
class Route(Generic[MessageT]):
    """A channel: where it is, and what comes in over it. `reconnect`: what the document says of close codes.

    `forms`: the messages that go out and are no JSON, by the names of their classes.
    """

    name: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    subprotocols: tuple[str, ...]
    carriage: Carriage | None
    decoder: Decoder[MessageT]
    reconnect: Mapping[int, tuple[bool, str]]
    forms: Mapping[str, Form] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection of this channel is open: the first one, or one that was made anew."""

    channel: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A connection ended, or an attempt at one failed: the next is made in `wait_s` seconds.

    `code` and `reason` are those of the close frame: 1006 and nothing where there was none. `error` is what an attempt
    failed with, None after a connection. `told`: the server said how long to wait.
    """

    channel: str
    code: int
    reason: str
    wait_s: float
    told: bool
    error: Exception | None


@dataclass(slots=True)
class Counts:
    """What happened so far on one connection of a client."""

    connections: int = 0
    undeclared: int = 0
    """Frames that the document doesn't have."""
    late: int = 0
    """Replies that came when nobody waited for them any more."""
    subscribed_again: int = 0
    """Subscriptions that were taken back after a connection was lost."""
    doubles: int = 0
    """Frames that came a second time, and were dropped."""
    gaps: int = 0
    """Gaps in what is pushed, told and found."""


@dataclass(slots=True, eq=False)
class Pending:
    """A request that waits for its reply."""

    request: Request[Any]
    body: Any
    future: asyncio.Future[Any]
    id: str | int | None
    gives_up_at: float | None = (
        None  # by the event loop's clock: when an answer without an id isn't waited for any more
    )


@dataclass(frozen=True, slots=True)
class _Call:
    """Something among the messages that is told by a call when the iteration has come there."""

    function: Callable[[Any], None]
    argument: object


class Connection(Generic[MessageT]):
    """One channel of the server, as a context: entering it connects, leaving it closes.

    Entering raises ConnectionFailed or Refused where the server can't be reached at first. After that it comes back by
    itself, for as long as it takes. Iterating over it gives what the server pushes, and raises what ended it for good:
    ConnectionEnded, Refused, or what the token's callable raised. One task at a time may iterate.
    """

    def __init__(self, route: Route[MessageT], settings: Settings) -> None:
        """Prepare; nothing is connected yet."""
        self.counts: Final = Counts()
        self._route: Final = route
        self._settings: Final = settings
        self._token: str | None = None
        self._secret: str | None = None
        self._socket: Socket | None = None
        self._opened: asyncio.Event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended: Exception | None = None
        self._closed = False
        self._opened_at = 0.0
        self._told_wait_s: float | None = None
        self._queue: deque[MessageT | _Call] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._by_id: dict[str | int, Pending] = {}
        self._in_order: deque[Pending] = deque()
        self._given_up: OrderedDict[str | int, None] = OrderedDict()
        self._waiting = 0
        self._is_full = False
        self._half = 0
        self._ids: Final[Iterator[int]] = itertools.count(1)
        self._id_kinds: dict[str, int] = {}

    def __repr__(self) -> str:
        """Return the channel's name and whether it is connected."""
        state = "connected" if self._socket is not None else "closed" if self._closed else "not connected"
        return f"<{type(self).__name__} {self._route.name}, {state}>"

    @property
    def connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._socket is not None

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose; None without one, and while there is no connection."""
        return self._socket.subprotocol if self._socket is not None else None

    async def __aenter__(self) -> Self:
        """Connect. Raises ConnectionFailed or Refused."""
        if self._task is not None:
            raise RuntimeError("A connection is entered once. Ask the client for another one.")
        socket = await self._connect()
        self._task = asyncio.create_task(self._keep(socket))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self.close()

    async def close(self) -> None:
        """Close the connection with 1000. Iterating then ends after what has come already."""
        self._closed = True
        self._opened.set()
        self._wake()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])  # not the task itself: whoever is cancelled meanwhile is

    def __aiter__(self) -> Self:
        """Iterate over what the server pushes."""
        return self

    async def __anext__(self) -> MessageT:
        """Return the next message. Raises what ended the connection for good."""
        while True:
            while self._queue:
                item = self._queue.popleft()
                if self._is_full and len(self._queue) <= self._half:
                    self._flow()
                if not isinstance(item, _Call):
                    return item
                item.function(item.argument)
            if self._ended is not None:
                raise self._ended
            if self._closed:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("Another task iterates over this connection already.")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def _request(self, request: Request[ReplyT], message: object, timeout_s: float | None) -> ReplyT:
        """Send a request and return its reply. Waits for a connection first, where there is none.

        Raises RequestTimeout, ConnectionLost, UnexpectedReply, InvalidMessage, and what ended the connection for good.
        """
        limit = self._settings.timeout_s if timeout_s is None else timeout_s
        pending: Pending | None = None
        try:
            async with asyncio.timeout(limit):
                await self._until_open()
                pending = self._post(request, body_of(message), type(message))
                reply: ReplyT = await pending.future
                return reply
        except TimeoutError:
            full = " Messages are waiting to be iterated over, and reading has stopped." if self._is_full else ""
            raise RequestTimeout(f"{request.operation}: no reply in {limit:g} s.{full}") from None
        finally:
            if pending is not None:
                self._settle(pending, limit)

    async def _send(self, operation: str, message: object, timeout_s: float | None) -> None:
        """Send what has no reply. Waits for a connection first, where there is none. Raises as `_request`."""
        limit = self._settings.timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit):
                await self._until_open()
        except TimeoutError:
            raise RequestTimeout(f"{operation}: no connection in {limit:g} s.") from None
        assert self._socket is not None
        form = self._route.forms.get(type(message).__name__, "json")
        self._socket.send(encode_as(form, body_of(message)), is_binary=form == "binary")

    def _post(self, request: Request[Any], body: Any, model: type[Any]) -> Pending:
        """Send a request now, and return what its reply will be put in. There must be a connection."""
        assert self._socket is not None
        way = request.correlation.get(model.__name__, ())
        id_: str | int | None = None
        if way:
            id_ = at(body, way)
            if id_ is None:
                id_, body = self._identify(body, way, model)
            if id_ in self._by_id:
                raise InvalidMessage(f"{request.operation}: a request with this id waits already")
        pending = Pending(request, body, asyncio.get_running_loop().create_future(), id_)
        form = self._route.forms.get(model.__name__, "json")
        frame = encode_as(form, body)
        if id_ is not None:
            self._by_id[id_] = pending
        else:
            self._forget_late()
            self._in_order.append(pending)
        self._waiting += 1
        self._flow()
        self._socket.send(frame, is_binary=form == "binary")
        return pending

    def _settle(self, pending: Pending, limit: float) -> None:
        """Take a request from those that wait. Where it has no reply, one that still comes is dropped."""
        self._waiting -= 1
        self._flow()
        answered = pending.future.done() and not pending.future.cancelled()
        if pending.id is not None:
            if self._by_id.pop(pending.id, None) is not None and not answered:
                self._given_up[pending.id] = None
                if len(self._given_up) > _LATE:
                    self._given_up.popitem(last=False)
        elif not answered and pending in self._in_order:
            # Its place in the order is kept for as long again: a late reply must not pass for the next one's.
            pending.gives_up_at = asyncio.get_running_loop().time() + limit

    def _identify(self, body: Any, way: tuple[str, ...], model: type[Any]) -> tuple[str | int, Any]:
        """Return an id of the kind that the message's schema takes, and the body with it."""
        number = next(self._ids)
        if not issubclass(model, BaseModel):
            return number, put(body, way, number)
        kinds: tuple[Callable[[], str | int], ...] = (lambda: number, lambda: str(number), lambda: str(uuid.uuid4()))
        detail = ""
        for index in range(self._id_kinds.get(model.__name__, 0), len(kinds)):
            id_ = kinds[index]()
            filled = put(body, way, id_)
            try:
                model.model_validate_json(encode(filled), by_alias=True, by_name=False)
            except ValidationError as error:
                detail = explain(error)
                continue
            self._id_kinds[model.__name__] = index
            return id_, filled
        raise InvalidMessage(f"{model.__name__}: {detail}. Give an id.")

    async def _until_open(self) -> None:
        if self._task is None:
            raise RuntimeError("Enter the connection first: async with client... as connection.")
        while not self._opened.is_set():  # it may have been lost again before this goes on
            await self._opened.wait()
        if self._ended is not None:
            raise self._ended
        if self._closed:
            raise ClientError("The connection was closed.")

    # What comes in.

    def _take(self, frame: bytes, *, is_binary: bool = False) -> None:
        try:
            decoder = self._route.decoder
            try:
                if decoder.is_clear:
                    incoming, message = decoder.decode(frame)
                else:
                    incoming, message = decoder.tell(frame, self._awaited(), is_binary=is_binary)
            except UndeclaredError as error:
                self._take_undeclared(error.found)
                return
            if incoming.wait is not None:
                self._hear_wait(incoming.wait(message))
            if (self._by_id or self._in_order or self._given_up) and self._answers(incoming, message):
                return
            if not incoming.pushed:
                self.counts.late += 1
            elif self._arrives(incoming, message):
                # As `_enqueue`, which a call would make noticeably slower.
                queue = self._queue
                queue.append(message)
                if self._waiter is not None and not self._waiter.done():
                    self._waiter.set_result(None)
                if not self._is_full and len(queue) >= self._settings.queue_size:
                    self._flow()
        except Exception as error:  # a fault of ours, or of a callable: it is told, and nothing is lost in silence
            self._end(error)

    def _hear_wait(self, told_ms: object) -> None:
        self._told_wait_s = told_ms / 1000 if isinstance(told_ms, (int, float)) and told_ms >= 0 else None

    def _take_binary(self, frame: bytes) -> None:
        if self._route.decoder.is_clear:
            self._take_undeclared(Undeclared("binary", "a binary message", frame))
        else:
            self._take(frame, is_binary=True)

    def _awaited(self) -> frozenset[str]:
        """Return the names of the replies that are waited for."""
        waiting = (*self._by_id.values(), *self._in_order)
        return frozenset(name for pending in waiting if not pending.future.done() for name in pending.request.replies)

    def _take_undeclared(self, found: Undeclared) -> None:
        self.counts.undeclared += 1
        if self._settings.on_undeclared is not None:
            self._enqueue(_Call(self._settings.on_undeclared, found))

    def _answers(self, incoming: Incoming[MessageT], message: MessageT) -> bool:
        """Give a message to the request that it answers. Returns whether there was one."""
        id_ = incoming.correlation(message) if incoming.correlation is not None else None
        pending = self._by_id.get(id_) if isinstance(id_, (str, int)) else None
        if pending is None:
            if isinstance(id_, (str, int)) and id_ in self._given_up:
                del self._given_up[id_]
                self.counts.late += 1
                return True
            # An answer without an id goes to the first that waits for one of its kind.
            pending = self._first_in_order(incoming.name, with_id=id_ is None)
        if pending is None:
            return False
        if pending.future.done():
            self.counts.late += 1
        elif incoming.name in pending.request.replies:
            self._answered(pending, incoming, message)
            pending.future.set_result(message)
            if self._settings.on_reply is not None:
                self._enqueue(_Call(self._settings.on_reply, message))
        else:
            self._refused(pending)
            pending.future.set_exception(UnexpectedReply(pending.request.operation, message))
        return True

    def _first_in_order(self, name: str, *, with_id: bool) -> Pending | None:
        self._forget_late()
        for pending in self._in_order:
            if name in pending.request.replies:
                self._in_order.remove(pending)
                return pending
        if not with_id:
            return None
        waiting = (pending for pending in self._by_id.values() if not pending.future.done())
        return next((pending for pending in waiting if name in pending.request.replies), None)

    def _forget_late(self) -> None:
        """Wait no more for answers without an id that are long overdue."""
        now = asyncio.get_running_loop().time()
        while self._in_order and (given_up := self._in_order[0].gives_up_at) is not None and given_up < now:
            self._in_order.popleft()

    def _enqueue(self, item: "MessageT | _Call") -> None:
        self._queue.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if not self._is_full and len(self._queue) >= self._settings.queue_size:
            self._flow()

    def _flow(self) -> None:
        """Stop reading where the queue is full, and go on where it is half empty."""
        limit = self._settings.queue_size * (_WHILE_WAITING if self._waiting else 1)
        self._half = limit // 2
        if len(self._queue) >= limit:
            self._is_full = True
        elif len(self._queue) <= self._half:
            self._is_full = False
        if self._socket is not None:
            (self._socket.pause if self._is_full else self._socket.resume)()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What those who know more than this may do at each step.

    def _arrives(self, incoming: Incoming[MessageT], message: MessageT) -> bool:
        """Look at what is pushed before it is queued; returns whether it is to be."""
        return True

    def _answered(self, pending: Pending, incoming: Incoming[MessageT], message: MessageT) -> None:
        """Look at a declared reply at the moment at which it comes."""

    def _refused(self, pending: Pending) -> None:
        """Look at a request that was answered by something else."""

    def _query(self) -> Mapping[str, str]:
        """Return the address's query."""
        return self._route.query

    async def _tend(self, socket: Socket) -> None:
        """Do what a new connection needs, until it ends or nothing is left to do."""

    # Connecting, and coming back.

    async def _connect(self) -> Socket:
        headers, query = dict(self._route.headers), dict(self._query())
        offered: tuple[str, ...] = ()
        deadline = asyncio.get_running_loop().time() + self._settings.timeout_s
        carriage = self._route.carriage
        if carriage is not None:
            given = self._settings.token if carriage.takes_token else None
            self._token = await self._within(deadline, given) if callable(given) else given
            if self._token is None and carriage.required:
                raise ConnectionFailed(f"{self._route.name} needs a token. Give the client one.")
            self._token = self._token or None  # an empty one is none: the server says what it makes of that
            if self._token is not None and not self._token.isprintable():
                raise ConnectionFailed("The token holds characters that no header can.")
            if self._token is not None:
                self._secret = self._token
                if carriage.bearer:
                    headers["Authorization"] = f"Bearer {self._token}"
                elif carriage.header is not None:
                    headers[carriage.header] = self._token
                elif carriage.query is not None:
                    query[carriage.query] = self._token
                elif carriage.cookie is not None:
                    if _NO_COOKIE.search(self._token):
                        raise ConnectionFailed("The token holds characters that no cookie can.")
                    headers["Cookie"] = f"{carriage.cookie}={self._token}"
        url = self._settings.url.rstrip("/") + self._route.path
        self._told_wait_s = None
        socket = await open_socket(
            f"{url}?{urlencode(query)}" if query else url,
            take=self._take,
            take_binary=self._take_binary,
            opened=self._begin_to_hear,
            headers=headers,
            subprotocols=self._route.subprotocols
            if self._settings.subprotocols is None
            else self._settings.subprotocols,
            offered=offered,
            secret=self._secret,
            deadline=deadline,
            timeout_s=self._settings.timeout_s,
            max_bytes=self._settings.max_bytes,
            ssl=self._settings.ssl,
            proxy=self._settings.proxy,
        )
        self.counts.connections += 1
        return socket

    async def _within(self, deadline: float, get: Callable[[], Awaitable[str]]) -> str:
        """Return a token. Raises ConnectionFailed where none comes until then, by the event loop's clock."""
        limit = asyncio.timeout_at(deadline)
        try:
            async with limit:
                return await get()
        except TimeoutError as error:
            if not limit.expired():
                raise  # it is the callable's own
            text = f"{self._route.name}: `token` gave none in {self._settings.timeout_s:g} s"
            raise ConnectionFailed(text, error) from None

    async def _keep(self, socket: Socket) -> None:
        """Live on one connection after the other."""
        attempt = 0
        try:
            while True:
                code, reason = await self._live(socket)
                attempt = 0 if self._settings.now() - self._opened_at >= self._settings.stable_s else attempt
                back, text = self._meaning(code)
                if not back:
                    raise ConnectionEnded(code, hide(reason, self._secret), text)
                LOG.info("%s: the connection ended (%s); coming back", self._route.name, code)
                socket, attempt = await self._come_back(attempt, self._told_wait_s, code, hide(reason, self._secret))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._end(error)

    async def _come_back(self, attempt: int, told_s: float | None, code: int, reason: str) -> tuple[Socket, int]:
        """Return the next connection, and how many attempts were made since one was good.

        `told_s`: what the server said of how long to wait first; it chose another time for each of its clients.
        `code` and `reason`: what the connection ended with.
        """
        least = 0.0
        failed: Exception | None = None
        while True:
            longest = min(self._settings.backoff_cap_s, self._settings.backoff_base_s * 2 ** min(attempt, 60))
            attempt += 1
            wait = told_s if told_s is not None else least + self._settings.draw() * longest
            if self._settings.on_connection is not None:
                lost = Lost(self._route.name, code, reason, wait, told_s is not None, failed)
                self._enqueue(_Call(self._settings.on_connection, lost))
            told_s = None
            await self._settings.sleep(wait)
            code, reason = BROKEN, ""
            try:
                return await self._connect(), attempt
            except Refused as refusal:
                if refusal.status not in _RETRIED:
                    raise
                failed, least = refusal, refusal.retry_after_s or 0.0
            except (ConnectionFailed, OSError) as error:
                LOG.info("%s: %s", self._route.name, hide(str(error), self._secret))
                failed, least = error, 0.0

    def _begin_to_hear(self) -> None:
        self._opened_at = self._settings.now()
        if self._settings.on_connection is not None:
            self._enqueue(_Call(self._settings.on_connection, Opened(self._route.name)))

    async def _live(self, socket: Socket) -> tuple[int, str]:
        """Use a connection to its end. Returns the close code and reason."""
        self._socket = socket
        self._flow()
        tasks = [asyncio.create_task(self._watch(socket)), asyncio.create_task(self._guard(socket))]
        end = (BROKEN, "")
        try:
            await asyncio.sleep(0)  # what a new connection needs goes first
            self._opened.set()
            end = await asyncio.shield(socket.lost)
            await socket.settle()
        finally:
            if self._ended is None and not self._closed:
                self._opened.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not socket.lost.done():
                await socket.close(2.0)
            self._socket = None
            self._fail_pending(*end)
        return end

    async def _guard(self, socket: Socket) -> None:
        """Tend a connection; what goes wrong with that ends it for good."""
        try:
            await self._tend(socket)
        except ClientError:
            socket.abort()
        except Exception as error:
            self._end(error)

    async def _watch(self, socket: Socket) -> None:
        """Leave a server that is silent, and answers no ping."""
        heard, asked = socket.heard, False
        while True:
            await asyncio.sleep(self._settings.ping_interval_s)
            if socket.paused or socket.heard != heard:
                heard, asked = socket.heard, False
            elif asked:
                socket.abort()
            else:
                socket.ping()
                asked = True

    def _fail_pending(self, code: int, reason: str) -> None:
        for pending in (*self._by_id.values(), *self._in_order):
            if not pending.future.done():
                pending.future.set_exception(
                    ConnectionLost(pending.request.operation, code, hide(reason, self._secret))
                )
        self._by_id.clear()
        self._in_order.clear()
        self._given_up.clear()

    def _meaning(self, code: int) -> tuple[bool, str]:
        """Return whether to come back after a close code, and what the document says of it."""
        known = self._route.reconnect.get(code)
        if code in _PASSING:
            return True, ""
        if known is not None:
            return known
        return _DEFAULTS.get(code, _FIRST_PRIVATE <= code < _FIRST_FINAL), ""

    def _end(self, error: Exception) -> None:
        """End the connection for good."""
        if self._ended is None and not self._closed:
            self._ended = error
            self._opened.set()
            if self._socket is not None:
                self._socket.abort()
            if self._task is not None and self._task is not asyncio.current_task():
                self._task.cancel()
            self._wake()


def check_url(url: str) -> str:
    """Return the address of a server. Raises ValueError where it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("url must look like ws://127.0.0.1:8000 (or wss://..., for TLS)")
    return url.rstrip("/")
