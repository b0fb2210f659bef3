"""Conversation: plays steps against a running server and keeps what happened. The judge says what of it is wrong.

One conversation may hold several sockets. Steps may be played one by one, as a phase thinks of them, or again as they
were kept.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from codegen.faults import Mark
from contract.judge import Judge, Request
from contract.model import Close, Connect, Data, Event, EventKind, Send, Step, Violation, Wait
from contract.refusing import Malformed, is_about_id, speaks_of_another
from contract.spec import Channel, Message, Spec
from contract.telling import Told, is_tagged, is_text, may_refuse, numbered, parse
from contract.ways import ABSENT, at, put

_OPEN_TIMEOUT = 10.0
_CLOSE_S = 2.0
_LATE = 3  # times the time that a reply has: so long it is waited for, to tell a late one from a missing one
_RETRIES = 20
_SETTLE = 0.02
_SHARED = 0.1  # an answer that may be another's: so long for its own to come
_BUSY = (429, 503)
_BUSY_WAIT = 0.25
_BROKEN = (1002, 1007)  # what a client closes with because of what the server sent
_MALFORMED = (1002, 1003, 1007)  # what a server closes with because of what the client sent
_HARMLESS = (1000, 1002, 1003, 1007, 1008)  # what a server may close with after an error, if no code is declared
_STUCK = 4  # times the time that a reply has: so long a frame may take to be taken


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a handshake went. `status` None: the connection was open; `lost`: neither an answer nor a close frame."""

    status: int | None
    subprotocol: str | None = None
    body: str = ""
    lost: bool = False


@dataclass(slots=True)
class Socket:
    """A connection that is open, or was."""

    step: Connect
    channel: Channel
    judge: Judge
    connection: ClientConnection
    reader: asyncio.Task[None] | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    code: int | None = None
    reason: str = ""
    closing: bool = False
    broken: bool = False  # by a frame that is none by RFC 6455
    tried: bool = False  # something good was sent
    provoked: bool = False  # something bad was sent
    refused: bool = False  # something bad was answered by an error
    received: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Tell whether it is neither closed nor being closed."""
        return not self.closed.is_set() and not self.closing


class Unbiased(ClientConnection):
    """A connection whose server may choose any subprotocol, also one that wasn't offered: the judge is another."""

    def __init__(self, protocol: ClientProtocol, **options: Any) -> None:
        def chosen(headers: Headers) -> Subprotocol | None:
            names = headers.get_all("Sec-WebSocket-Protocol")
            return Subprotocol(names[0]) if names else None

        protocol.process_subprotocol = chosen  # type: ignore[method-assign]
        super().__init__(protocol, **options)


class _Connecting(connect):
    """A handshake that follows no redirect, as a browser's doesn't: it is an answer like others."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return what went wrong as it is."""
        return exc


class Pace:
    """Keeps to so many frames a second; 0 for as many as it can. The rate falls when told."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next frame may go."""
        if self.rate <= 0:
            return
        now = time.monotonic()
        self._next = max(self._next, now - 0.1) + 1 / self.rate
        if self._next > now:
            await asyncio.sleep(self._next - now)

    def slower(self) -> None:
        """Take note that it was too fast."""
        self.rate = max(5.0, self.rate / 2 if self.rate else 200.0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What all conversations of a run share. `base` is the url before a target; `observe` is told each frame."""

    spec: Spec
    base: str
    timeout: float
    rate: float
    malformed: Malformed
    observe: Callable[[Channel, Told, Data], None]
    sent: Callable[[Channel, Send], None]
    closed: Callable[[int | None], None]
    patient: bool = True  # what is refused because there is no room is tried again
    lacking: set[tuple[str, str]] = field(default_factory=set)  # see Judge
    living: "set[Conversation]" = field(default_factory=set)  # those that have not ended

    @property
    def unseen(self) -> "Terms":
        """Return the terms of a conversation that only looks again: what it meets isn't counted."""
        return replace(self, observe=_ignore, sent=_ignore, closed=_ignore)


class Conversation:
    """Plays steps. `events`, `steps` and `violations` grow with them."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.steps: list[Step] = []
        self.events: list[Event] = []
        self.sockets: dict[int, Socket] = {}
        self.violations: list[Violation] = []
        self.told: list[Violation] = []
        self.doubts: list[Send] = []  # good, and refused as malformed input is, but as other input may be, too
        self.latest: dict[str, Any] = {}
        self._began = time.monotonic()
        self._last_step = self._began
        self._found_at: float | None = None
        self._silent: list[Request] = []
        self._pace = Pace(terms.rate)
        terms.living.add(self)

    # what happened

    def _note(self, kind: EventKind, socket: int, **values: Any) -> None:
        self.events.append(Event(time.monotonic() - self._began, socket, kind, **values))

    def _gather(self, socket: Socket) -> None:
        if socket.judge.violations:
            self.violations += socket.judge.violations
            socket.judge.violations.clear()
            if self._found_at is None:
                self._found_at = time.monotonic()

    def tell(self, violation: Violation) -> None:
        """Take a violation that a phase noticed: playing the steps again doesn't show it by itself."""
        self.told.append(violation)
        self.blame(violation)

    def blame(self, violation: Violation) -> None:
        """Take a violation."""
        self.violations.append(violation)
        if self._found_at is None:
            self._found_at = time.monotonic()

    def kept_steps(self) -> tuple[Step, ...]:
        """Return the steps, and a wait behind them if what was found came some time after the last of them."""
        if self._found_at is None or self._found_at - self._last_step < _SETTLE:
            return tuple(self.steps)
        return (*self.steps, Wait(round(min(2 * (self._found_at - self._last_step) + 0.3, 10.0), 2)))

    # steps

    async def play(self, steps: Sequence[Step]) -> None:
        """Play steps until a rule is broken, or they are over."""
        for step in steps:
            await self.perform(step)
            if self.violations:
                return
        await asyncio.sleep(_SETTLE)
        for socket in self.sockets.values():
            self._gather(socket)
            await self._overdue(socket)

    async def perform(self, step: Step) -> Request | Outcome | None:
        """Play one step, and wait for what answers it."""
        if isinstance(step, Connect):
            return await self.connect(step)
        if isinstance(step, Send):
            return await self.send(step)
        if isinstance(step, Wait):
            await self.wait(step)
            return None
        await self.close(step)
        return None

    async def connect(self, step: Connect, *, tries: int = 20) -> Outcome:
        """Open a connection. One of the same number that is open is closed first."""
        old = self.sockets.pop(step.socket, None)
        if old is not None:
            await self._drop(old)
        self.steps.append(step)
        self._last_step = time.monotonic()
        channel = self.terms.spec.channel(step.channel)
        try:
            connection = await _Connecting(
                self.terms.base + step.target,
                additional_headers=list(step.headers),
                subprotocols=[Subprotocol(name) for name in step.subprotocols] or None,
                compression=None,
                max_size=None,
                max_queue=None,
                open_timeout=_OPEN_TIMEOUT,
                ping_interval=None,
                close_timeout=_CLOSE_S,
                user_agent_header="contract",
                proxy=None,
                create_connection=Unbiased,
            )
        except InvalidStatus as error:
            if error.response.status_code in _BUSY and self.terms.patient and tries:
                await asyncio.sleep(_BUSY_WAIT)
                self.steps.pop()
                return await self.connect(step, tries=tries - 1)
            body = bytes(error.response.body or b"").decode("utf-8", "replace")
            self._note("refused", step.socket, code=error.response.status_code, text=body[:1000], note=step.note)
            return Outcome(error.response.status_code, body=body)
        except (OSError, WebSocketException, EOFError, TimeoutError) as error:
            self._note("refused", step.socket, text=type(error).__name__, note=step.note)
            return Outcome(None, lost=True, body=str(error))
        offered = bool(set(step.subprotocols) & set(channel.subprotocols)) or not channel.subprotocols
        judge = Judge(self.terms.spec, channel, offered)
        judge.opened(step.target.partition("?")[0])
        judge.streams.opened(dict(_query(step.target)))
        judge.lacking = self.terms.lacking
        judge.asked_elsewhere = partial(self._is_asked, step.socket)
        socket = Socket(step, channel, judge, connection)
        self.sockets[step.socket] = socket
        self._note("opened", step.socket, text=connection.subprotocol or "", note=step.note)
        socket.reader = asyncio.create_task(self._read(socket, step.socket))
        return Outcome(None, connection.subprotocol)

    def _is_asked(self, number: int, found: Any) -> bool:
        """Tell whether another connection than one waits for an answer with an id."""
        return any(item.judge.waits_for(found) for other, item in self.sockets.items() if other != number)

    async def _read(self, socket: Socket, number: int) -> None:
        connection = socket.connection
        try:
            while True:
                self._receive(socket, number, await connection.recv())
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd is not None else None
            reason = error.rcvd.reason if error.rcvd is not None else ""
            broken = error.sent is not None and not error.rcvd_then_sent and error.sent.code in _BROKEN
            if broken and error.sent is not None:
                code, reason = error.sent.code, error.sent.reason
            socket.code, socket.reason = code, reason
            self._note("closed", number, code=code, text=reason)
            socket.broken = broken
            if broken and not socket.closing:
                socket.judge.broke(reason)
            else:
                socket.judge.closed(code, reason, asked=socket.closing)
            if not socket.closing and not broken:
                self.terms.closed(code)
                if socket.tried and not socket.provoked:
                    self.terms.malformed.ended(socket.channel.id, code)
            self._gather(socket)
        finally:
            socket.closed.set()
            socket.news.set()

    def _receive(self, socket: Socket, number: int, data: Data) -> None:
        told = socket.judge.received(data)
        key = told.message.key if told.message is not None else None
        self._note("received", number, data=data, message=key)
        if key is not None:
            self.latest[key] = told.value
            socket.received.append((key, told.value))
        self.terms.observe(socket.channel, told, data)
        self._gather(socket)
        socket.news.set()

    async def send(self, step: Send, *, settle: bool = True) -> Request | None:
        """Send a frame, and wait for its answer, if it wants one. None where the connection is not open."""
        socket = self.sockets.get(step.socket)
        if socket is None or not socket.is_open:
            return None
        self.steps.append(step)
        request = await self._send(socket, step)
        for _ in range(_RETRIES):
            if not settle:
                return request
            if request is not None:
                await self.settle(socket, request)
            wait = _retry_after(request) if request is not None else None
            if wait is None or not socket.is_open:
                break
            self._pace.slower()
            await asyncio.sleep(wait)
            request = await self._send(socket, step)
        await self._verdict(socket, step, request)
        return request

    async def _verdict(self, socket: Socket, step: Send, request: Request | None) -> None:
        """Say what is wrong with how a request was answered."""
        refused = request is not None and bool(request.answers) and _is_error(socket.channel, request)
        if not step.good and not socket.is_open and not socket.closing:
            await self._ended(socket, step, refused=refused)
        elif step.good and not socket.closing and socket.code in _MALFORMED and (not request or not request.answers):
            text = f"{step.message} fits its schema, but the server closed with {socket.code} ({socket.reason})"
            before = [item for item in self.steps[:-1] if isinstance(item, Send)]
            if step.operation is not None and not self.violations and (not before or before[-1].good):
                self._blame_step("valid-refused", f"{text}{_about(step)}.", socket, step)
        socket.refused = socket.refused or (refused and not step.good)
        await self._overdue(socket)
        if request is not None and request.answers:
            await self._answered(socket, request)
        elif request is not None:
            self._silent.append(request)
            if not request.wants_reply and socket.is_open:
                self._took(socket, request)

    async def _overdue(self, socket: Socket) -> None:
        """Say what is wrong with answers to what needn't have been answered, and so wasn't waited for."""
        for item in [item for item in self._silent if item.answers]:
            self._silent.remove(item)
            if item.message is not None:
                self.terms.malformed.untook(socket.channel.id, item.message, _payload(item))
            await self._answered(socket, item)

    def _took(self, socket: Socket, request: Request) -> None:
        """Take note of what the server took."""
        if request.step.good and request.message is not None:
            self.terms.malformed.took(socket.channel.id, request.message, request.step, _payload(request))

    async def _answered(self, socket: Socket, request: Request) -> None:
        step, (message, _) = request.step, request.answers[0]
        signature = request.signature
        if step.good and signature is None:
            self._took(socket, request)
        elif step.good and signature is not None and self.terms.malformed.is_malformed(socket.channel.id, signature):
            if not await self._is_blamed(socket, request, signature):
                self.doubts.append(step)
                return
            code = f" ({signature[1][:100]})" if signature[1] is not None else ""
            text = f"{step.message} fits its schema, but is answered like malformed input by {message.title}{code}"
            self._blame_step("valid-refused", f"{text}{_about(step)}.", socket, step)
        elif step.good and signature and request.message and signature[1] and not speaks_of_another(signature[1]):
            self.terms.malformed.refused(socket.channel.id, request.message, step, _payload(request))
        elif not step.good and signature is None and _is_reply(request, message):
            text = f"It was answered by {message.title}, as if it were good: {step.note}."
            self._blame_step("invalid-accepted", text, socket, step)

    async def _is_blamed(self, socket: Socket, request: Request, signature: tuple[str, str | None]) -> bool:
        """Tell whether a refusal can only mean that a good message was taken for malformed.

        What is much like it is taken, and here and now isn't refused in the same way; or it is an example.
        """
        message, malformed, channel = request.message, self.terms.malformed, socket.channel
        if message is None:
            return False
        value = _payload(request)
        if malformed.is_example(channel.id, message, value):
            return True
        twin = malformed.twin(channel.id, message, request.step, value)
        if twin is None or await self._is_refused(socket, request, twin.payload, signature):
            return False
        if not request.wants_reply and not await self._is_refused(socket, request, value, signature):
            return False  # the error was for something else that wants no reply
        for place in twin.places:
            for proof in malformed.proofs(channel.id, message, place):
                if await self._is_refused(socket, request, proof, signature):
                    malformed.proved(channel.id, message, place, free=False)
                    return False
            malformed.proved(channel.id, message, place, free=True)
        return True

    async def _is_refused(
        self, socket: Socket, request: Request, payload: Any, signature: tuple[str, str | None]
    ) -> bool:
        """Tell whether another payload is refused in the same way, here and now; so is what can't be told."""
        message, data = request.message, payload
        if not socket.is_open or message is None:
            return True
        if message.form == "json":
            way = message.correlation
            keeps = at(payload, way) is ABSENT or (payload is request.value and is_about_id(request.step, way))
            value = payload if keeps else numbered(message, payload, 7000 + len(self.events))
            data = json.dumps(value, ensure_ascii=not is_text(value))
        known = list(self.violations)
        other = replace(request.step, data=data, note="much the same, to compare", links=(), covers=())
        answer = await self._send(socket, other)
        if answer is not None:
            await self.settle(socket, answer)
            if not answer.wants_reply:
                await self.until(socket, lambda: bool(answer.answers), _SHARED)
                socket.judge.dismiss(answer)  # so that the next error isn't taken for its own
        self.violations[:] = known
        return answer is None or answer.signature == signature

    async def _ended(self, socket: Socket, step: Send, *, refused: bool) -> None:
        """Take a connection that ended after something that was wrong. `refused`: its error came before."""
        if socket.broken:
            return  # by a frame of the server, which the judge has seen
        mine = [item for item in self.violations if item.rule in ("connection-lost", "close-code")]
        declared = bool(socket.channel.errors)
        if step.ends or not (mine or declared):
            return  # it may end the connection: what is wrong with the way it did, the judge has said
        if await self._may_end(socket, step, refused=refused):
            return
        self.violations = [item for item in self.violations if item not in mine]
        how = f"with {socket.code} ({socket.reason})" if socket.code is not None else "without a close frame"
        wanted = "; the document declares an error for it" if declared else ""
        self._blame_step("invalid-kills", f"The connection ended {how}{wanted}: {step.note}.", socket, step)

    async def _may_end(self, socket: Socket, step: Send, *, refused: bool) -> bool:
        """Tell whether the way in which a connection ended is no fault, or none of what was wrong with a frame."""
        code, closes = socket.code, self.terms.spec.closes
        if self.terms.malformed.ends_anyway(socket.channel.id, code):
            return True
        if code in self.terms.spec.crowded:
            return True
        if code not in (_HARMLESS if closes is None else closes):
            return False
        if refused or not socket.refused:
            return refused
        # Either the error before it was followed by this close, or this frame got none: alone it shows which.
        other = Conversation(self.terms.unseen)
        try:
            await other.connect(socket.step)
            answer = await other.send(replace(step, socket=socket.step.socket))
            return answer is not None and bool(answer.answers) and _is_error(socket.channel, answer)
        finally:
            await other.end()

    def _blame_step(self, rule: str, text: str, socket: Socket, step: Send) -> None:
        self.blame(
            Violation(
                rule=rule,
                text=text,
                channel=socket.channel.id,
                subject=f"{step.message or ''} {step.note}",
                operation=step.operation,
                message=step.message,
                mark=step.mark or _error_mark(socket.channel),
            )
        )

    async def _send(self, socket: Socket, step: Send) -> Request | None:
        data = self._linked(socket.channel, step)
        await self._pace.turn()
        filled = replace(step, data=data) if data is not step.data else step
        socket.tried, socket.provoked = socket.tried or step.good, socket.provoked or not step.good
        request = socket.judge.sent(filled, time.monotonic())
        self._last_step = time.monotonic()
        self._note("sent", step.socket, data=data, message=step.message, note=step.note)
        self.terms.sent(socket.channel, step)
        try:
            # Not wait_for: before Python 3.12 that may lose the cancellation that ends a run.
            async with asyncio.timeout(_STUCK * self.terms.timeout):
                await socket.connection.send(data)
        except ConnectionClosed:
            await socket.closed.wait()
            return None
        except TimeoutError:
            pass  # the server doesn't read: then it doesn't answer either
        return request

    def _linked(self, channel: Channel, step: Send) -> Data:
        """Return what is sent, with the values in it that came from the server in this conversation, where they fit."""
        message = next((item for item in channel.sent if item.key == step.message), None)
        if not step.links or message is None:
            return step.data
        value = parse(step.data)[1]
        for link in step.links:
            found = at(self.latest.get(link.message, ABSENT), link.way)
            if found is ABSENT or not is_text(found):
                continue
            changed = put(value, link.into, found)
            if not step.good or message.schema.fits(changed):
                value = changed
        return json.dumps(value, ensure_ascii=False)

    async def settle(self, socket: Socket, request: Request) -> None:
        """Wait until a request is answered, or its time is over, or there is nothing to wait for."""
        operation = request.operation
        if operation is not None and request.step.good and not request.wants_reply:
            await self._pong(socket)
            if request.replies or socket.channel.errors:
                await self.until(
                    socket, lambda: bool(request.answers), self.terms.timeout if request.replies else _SETTLE
                )
            request.passed = True
            if request.replies:
                socket.judge.dismiss(request)  # it was taken for what has none
            return
        if not request.step.good and not wants_error(socket.channel, request):
            await self._pong(socket)
            await asyncio.sleep(_SETTLE)
            socket.judge.dismiss(request)
            return
        await self.until(socket, lambda: bool(request.answers), self.terms.timeout)
        if request.shared:
            await self.until(socket, lambda: not request.shared, _SHARED)
        if request.answers or not socket.is_open or self.violations:
            return
        if not request.step.good:
            self._ignored(socket, request)
            return
        await self.until(socket, lambda: bool(request.answers), _LATE * self.terms.timeout)
        self._unanswered(socket, request)

    def _unanswered(self, socket: Socket, request: Request) -> None:
        operation = request.operation
        assert operation is not None
        if not request.answers and not socket.is_open:
            return
        wanted = " or ".join(message.title for message in request.replies)
        if socket.judge.settle_doubt(request):
            self._gather(socket)
            return
        rule, text = ("reply-missing", f"{operation.id} got no answer in {_LATE + 1} times {self.terms.timeout:g} s")
        if request.answers:
            rule, text = "reply-late", f"{operation.id} was answered after more than {self.terms.timeout:g} s"
        socket.judge.dismiss(request)
        self.blame(
            Violation(
                rule=rule,
                text=f"{text}; its reply is {wanted}.",
                channel=socket.channel.id,
                subject=operation.id,
                operation=operation.id,
                message=request.step.message,
                mark=operation.mark,
            )
        )

    def _ignored(self, socket: Socket, request: Request) -> None:
        socket.judge.dismiss(request)
        text = f"No error came within {self.terms.timeout:g} s: {request.step.note}."
        self._blame_step("invalid-ignored", text, socket, request.step)

    async def until(self, socket: Socket, done: Callable[[], bool], seconds: float) -> None:
        """Wait until something holds, a rule is broken, the connection is closed, or the time is over."""
        end = time.monotonic() + seconds
        while not done() and socket.is_open and not self.violations:
            left = end - time.monotonic()
            if left <= 0:
                return
            socket.news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):  # not wait_for, as above
                    await socket.news.wait()

    async def _pong(self, socket: Socket) -> None:
        """Wait until the server has answered a WebSocket ping: what it sent before has come by then."""
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            waiter: Awaitable[float] = await socket.connection.ping()
            async with asyncio.timeout(self.terms.timeout):
                await waiter

    async def wait(self, step: Wait) -> None:
        """See what comes for a while; on all sockets."""
        self.steps.append(step)
        socket = self.sockets.get(step.socket) or next(iter(self.sockets.values()), None)
        end = time.monotonic() + step.seconds
        if socket is not None:
            # Other sockets are heard too: what they find ends the wait at the next frame of this one.
            await self.until(socket, lambda: False, step.seconds)
        left = end - time.monotonic()
        if left > 0 and not self.violations:
            await asyncio.sleep(left)

    async def close(self, step: Close) -> None:
        """Close a connection, or cut it."""
        socket = self.sockets.pop(step.socket, None)
        if socket is None:
            return
        self.steps.append(step)
        self._last_step = time.monotonic()
        self._note("closing", step.socket, code=step.code)
        self._gather(socket)
        socket.closing = True
        if step.code is None:
            socket.connection.transport.abort()
        else:
            await socket.connection.close(step.code)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await socket.closed.wait()
        await self._drop(socket)

    async def end(self) -> None:
        """Close every connection."""
        sockets = list(self.sockets.values())
        self.sockets.clear()
        for socket in sockets:
            self._gather(socket)
            await self._overdue(socket)
        try:
            await asyncio.gather(*map(self._drop, sockets))
        finally:
            for socket in sockets:
                socket.connection.transport.abort()
            self.terms.living.discard(self)

    def abort(self) -> None:
        """Cut every connection."""
        for socket in self.sockets.values():
            socket.closing = True
            socket.connection.transport.abort()

    async def _drop(self, socket: Socket) -> None:
        self._gather(socket)
        socket.closing = True
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await socket.connection.close()
        socket.connection.transport.abort()
        if socket.reader is not None:
            socket.reader.cancel()
            await asyncio.wait([socket.reader])
            if not socket.reader.cancelled():
                socket.reader.result()  # what went wrong in the tester itself


def wants_error(channel: Channel, request: Request) -> bool:
    """Tell whether the document declares an answer to a message that is wrong.

    A refusal that is an operation's reply can't be wanted where the message doesn't say which operation it is for.
    """
    operation, message = request.operation, request.message
    if channel.errors or operation is None or message is None:
        return bool(channel.errors)
    known = is_tagged(message, request.value) if message.tags else len(channel.sent) == 1
    return known and any(map(may_refuse, operation.replies))


def _is_reply(request: Request, message: Message) -> bool:
    """Tell whether a message answers a request: where it wasn't one of an operation, whatever was paired with it."""
    return request.operation is None or message in request.replies


def _is_error(channel: Channel, request: Request) -> bool:
    """Tell whether a request was answered by an error that the document declares."""
    return request.answers[0][0] in channel.errors or request.refused


def _payload(request: Request) -> Any:
    """Return what a request says: its JSON, or its text or bytes where its message is none."""
    is_json = request.message is not None and request.message.form == "json"
    return request.value if is_json else request.step.data


def _ignore(*_: object) -> None:
    return None


def _about(step: Send) -> str:
    return f": {step.note}" if step.note else ""


def _error_mark(channel: Channel) -> Mark:
    return channel.errors[0].mark if channel.errors else channel.mark


def _retry_after(request: Request) -> float | None:
    """Return how long the server wants to be left alone, if it says that a frame came too soon."""
    if not request.answers:
        return None
    value = request.answers[0][1]
    for part in (value, *(value.values() if isinstance(value, Mapping) else ())):
        if isinstance(part, Mapping):
            wait = part.get("retry_after_ms")
            if isinstance(wait, (int, float)) and not isinstance(wait, bool):
                return min(float(wait), 10_000.0) / 1000 + 0.005
    return None


def _query(target: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(target).query, keep_blank_values=True)
