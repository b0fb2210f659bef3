"""Judge: holds what crosses one connection against the document, frame by frame. It sends nothing and has no clock.

It pairs replies with requests: by their correlation id, else in order. What a frame means for a stream, streaming.py
says.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contract.addresses import split
from contract.model import Data, Send, Violation
from contract.spec import Channel, Message, Operation, Spec
from contract.streaming import StreamJudge
from contract.telling import Told, code_of, id_of, is_refusal, parse, said_by, tell
from contract.ways import ABSENT, at, way_text

_STANDARD_CLOSES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1012, 1013, 1014})
"""What a server may close with by RFC 6455 and its registry. 1011 says itself that the server failed."""

_NO_CODE = 1005
"""How a close frame without a code is told: RFC 6455 lets it be so, and it says no more than 1000."""


@dataclass(slots=True)
class Request:
    """Something sent that wants an answer. `answers` are what came, `refused` whether the first one says so."""

    step: Send
    operation: Operation | None
    message: Message | None
    value: Any
    id: Any
    at: float
    answers: list[tuple[Message, Any]] = field(default_factory=list)
    alike: tuple[Operation, ...] = ()  # other operations that the same frame may ask for
    shared: bool = False  # what is taken for its answer may be none, so that another one is no second
    passed: bool = False  # it wants no answer, and an error would have come by now

    @property
    def wants_reply(self) -> bool:
        """Tell whether a reply must come, whichever operation the server takes it for."""
        return self.operation is not None and all(item.replies for item in (self.operation, *self.alike))

    @property
    def replies(self) -> tuple[Message, ...]:
        """Return the replies that are declared, of whichever operation the server takes it for."""
        asked = (self.operation, *self.alike) if self.operation is not None else ()
        return tuple(message for item in asked for message in item.replies)

    @property
    def refused(self) -> bool:
        """Tell whether the answer says that it was refused."""
        return bool(self.answers) and is_refusal(*self.answers[0])

    @property
    def taken(self) -> bool:
        """Tell whether it was answered, and not refused."""
        return bool(self.answers) and not self.refused

    @property
    def code(self) -> str | None:
        """Return the error code of the answer, if it has one."""
        return code_of(*self.answers[0]) if self.answers else None

    @property
    def signature(self) -> tuple[str, str | None] | None:
        """Return what tells one kind of refusal from another; None if it is none.

        That is the message, and its code; or what it says, if it has no code.
        """
        return (self.answers[0][0].key, self.code or said_by(*self.answers[0])) if self.refused else None


class Judge:
    """Judges one connection. What it finds lies in `violations`, in order."""

    def __init__(self, spec: Spec, channel: Channel, offered: bool) -> None:
        """`offered`: the client offered the channel's subprotocols."""
        self.channel = channel
        self.violations: list[Violation] = []
        self.pending: list[Request] = []
        self.answered: list[Request] = []
        self._doubts: list[tuple[Request, Message, Any]] = []
        self.streams = StreamJudge(channel, offered)
        self.lacking: set[tuple[str, str]] = set()  # channels and messages that were seen to answer without their ids
        self.asked_elsewhere: Callable[[Any], bool] = lambda _: False  # whether another connection waits for an id
        self._address: Mapping[str, str] = {}
        self._repeated: set[str] = set()
        self._spec = spec
        self._operations = {operation.id: operation for operation in channel.operations}
        self._reply_keys = {message.key for operation in channel.operations for message in operation.replies}
        self._error_keys = {message.key for message in channel.errors}
        self._pushed_keys = {message.key for message in channel.pushed}

    def opened(self, path: str) -> None:
        """Take the path that the connection was opened at, encoded."""
        self._address = split(self.channel, path) or {}

    def waits_for(self, found: Any) -> bool:
        """Tell whether a request with this id has not been answered."""
        return any(_equal(item.id, found) for item in self.pending)

    def sent(self, step: Send, when: float) -> Request:
        """Take note of a frame that is sent now."""
        operation = self._operations.get(step.operation or "")
        message = None
        if operation is not None:
            message = next((item for item in operation.messages if item.key == step.message), None)
        value = parse(step.data)[1] if isinstance(step.data, str) else None
        request = Request(step, operation, message, value, id_of(message, value) if message else ABSENT, when)
        if operation is not None and step.good:
            others = (item for item in self.channel.operations if item is not operation)
            request.alike = tuple(item for item in others if any(one.fits(step.data, value) for one in item.messages))
        self.pending.append(request)
        if operation is not None and step.good:
            self.streams.requested(operation.id, value)
        return request

    def dismiss(self, request: Request) -> None:
        """Expect no answer to a request any more."""
        if request in self.pending:
            self.pending.remove(request)
            self.answered.append(request)

    def received(self, data: Data) -> Told:
        """Take a frame of the server."""
        told = tell(self.channel, data)
        message = told.message
        if message is None:
            tag = _tag_text(self.channel, told.value)
            self._blame("frame-undeclared", f"The server sent {_short(data)}: {told.fault}.", subject=tag)
            return told
        if told.fault:
            path = way_text(told.path)
            if told.path in message.code_ways or (message.is_error and told.path[-1:] == ("code",)):
                self._blame_code(message, told.value)
            else:
                text = f"{message.title}: {path} breaks the schema: {told.fault[:300]}."
                mark = message.schema.mark(told.path)
                self._blame("frame-invalid", text, f"{message.key} {path} {told.keyword}", message=message, mark=mark)
            self._answer(message, told.value, guessed=self.channel.tag is None)
            return told
        if told.others:
            message, soft = self._meant(told)
            told = replace(told, message=message)
            if soft:
                return told
        self._at_address(message, told.value)
        code = code_of(message, told.value)
        if code is not None and self._spec.errors is not None and code not in self._spec.errors:
            self._blame_code(message, told.value)
        if not self._answer(message, told.value):
            self._stream(message, told.value)
        return told

    def _at_address(self, message: Message, value: Any) -> None:
        """See that a frame repeats the address's values, where it does.

        A server may spell them otherwise than the address does: so each is only wanted once it came as it is.
        """
        for parameter in self.channel.parameters:
            found = at(value, parameter.location) if parameter.location else ABSENT
            wanted = self._address.get(parameter.name)
            if wanted is None or not isinstance(found, (str, int)) or isinstance(found, bool):
                continue
            if str(found) == wanted:
                self._repeated.add(parameter.name)
            elif parameter.name in self._repeated:
                text = f"{message.title} is of {parameter.name} {str(found)!r}, the connection of {wanted!r}."
                subject = f"{message.key} {parameter.name}"
                self._blame("stream-unsubscribed", text, subject, message=message, mark=parameter.mark)

    def _blame_code(self, message: Message, value: Any) -> None:
        code = code_of(message, value)
        known = ", ".join(self._spec.errors or ())
        text = f"{message.title} carries the error code {json.dumps(code)}. The document has {known or 'others'}."
        way = message.code_ways[0] if message.code_ways else ()
        self._blame("error-code", text, f"{message.key} {code}", message=message, mark=message.schema.mark(way))

    def _stream(self, message: Message, value: Any) -> None:
        self.violations += self.streams.received(message.key, value)

    # replies

    def _meant(self, told: Told) -> tuple[Message, bool]:
        """Return which of the messages that a frame may be it is taken for, and whether it was dealt with.

        What may have been pushed is no one's fault; but it may be an answer all the same.
        """
        assert told.message is not None
        messages = (told.message, *told.others)
        pushed = next((item for item in messages if item.key in self._pushed_keys), None)
        is_error = any(message.key in self._error_keys for message in messages)
        for request in _by_chance(self.pending) if is_error else self.pending:
            for message in messages:
                found = id_of(message, told.value)
                is_its = message in request.replies or message.key in self._error_keys
                if not is_its or (found is not ABSENT and found is not None and not _equal(request.id, found)):
                    continue
                if pushed is None or _equal(request.id, found):
                    return message, False
                lacks = message.correlation and request.id is not ABSENT and request.id is not None
                if not lacks if request.step.good else message.key in self._error_keys:
                    request.shared = True
                    self._paired(request, message, told.value)
                    return message, True
        return pushed or told.message, False if pushed is None else self._take(pushed, told.value)

    def _take(self, pushed: Message, value: Any) -> bool:
        self._stream(pushed, value)
        return True

    def _answer(self, message: Message, value: Any, *, guessed: bool = False) -> bool:
        """Pair a frame with what it answers. Returns whether it is an answer.

        `guessed`: it breaks its schema, and no tag says which message it was to be.
        """
        is_reply = message.key in self._reply_keys
        if not is_reply and message.key not in self._error_keys:
            return False
        both = is_reply and message.key in self._pushed_keys  # it comes with and without a request
        found = id_of(message, value)
        if found is not ABSENT and found is not None:
            same = [item for item in self.pending if _equal(item.id, found)]
            same.sort(key=lambda item: message not in item.replies and message.key not in self._error_keys)
            if same:
                return self._paired(same[0], message, value, judged=guessed)
            wanted = self._wanting(message, value)
            old = self._old(found)
            if old is not None and not old.answers and not old.step.good:
                old.answers.append((message, value))  # nothing was expected any more: the document declares no error
                return True
            if both:
                # An answer with another's id, or no answer: what follows shows which.
                if wanted is not None and wanted.step.good and wanted.id is not ABSENT:
                    self._doubts.append((wanted, message, found))
                return False
            if old is not None:
                if any(self._is_second(item, message, value) for item in self.answered if _equal(item.id, found)):
                    return True
                if wanted is not None and wanted.step.good and wanted.id is not ABSENT:
                    self._doubts.append((wanted, message, found))  # which of the two it answers, what follows shows
                elif message.key not in self._pushed_keys:
                    self._blame_twice(message, found)
                return True
            if wanted is not None:
                if wanted.id is ABSENT and not wanted.step.good:
                    return self._paired(wanted, message, value)  # what was broken may be the very id
                if self.asked_elsewhere(found):
                    text = f"{message.title} carries the id {json.dumps(found)}, asked over another connection."
                    self._blame("reply-unasked", text, message.key, message=message)
                    return True
                text = f"{message.title} carries the id {json.dumps(found)}, the request {_id_text(wanted)}."
                mark = message.schema.mark(message.correlation)
                self._blame("reply-id", text, message.key, wanted, message, mark)
                return self._paired(wanted, message, value, judged=True)
        else:
            wanted = self._wanting(message, value)
            if wanted is not None:
                lacks = message.correlation and wanted.id is not ABSENT and wanted.id is not None
                if lacks and wanted.step.good:
                    if both and (self.channel.id, message.key) not in self.lacking:
                        self._doubts.append((wanted, message, ABSENT))
                        return False
                    self._blame_no_id(wanted, message)
                return self._paired(wanted, message, value, judged=bool(lacks))
        if message.key in self._pushed_keys:
            return False
        waiting = next((item for item in self.pending if item.step.good and item.operation is not None), None)
        if waiting is not None and waiting.operation is not None and waiting.operation.replies:
            return self._paired(waiting, message, value)
        last = self.answered[-1] if self.answered else None
        if last is not None and not last.answers and not last.step.good:
            last.answers.append((message, value))
            return True
        if last is not None and self._is_second(last, message, value):
            return True
        if last is not None and any(answer.key == message.key for answer, _ in last.answers):
            self._blame_twice(message, None)
        else:
            self._blame("reply-unasked", f"{message.title} came, and nothing was asked.", message.key, message=message)
        return True

    def _wanting(self, message: Message, value: Any) -> Request | None:
        """Return the request that a message without its id most likely answers.

        An error answers what is broken before what is good: that is refused with its id. So does a reply that says
        that something was refused. An error may answer what wants no reply, too, or else what was sent behind it: that
        one is waited for.
        """
        is_error = message.key in self._error_keys
        refuses = is_error or is_refusal(message, value)
        bad = next((item for item in _by_chance(self.pending) if not item.step.good), None) if refuses else None
        if bad is not None:
            return bad
        found = [item for item in self.pending if is_error or item.operation is None or message in item.replies]
        if message.key in self._pushed_keys and not is_error:
            found = [item for item in found if item.step.good]  # a push is no answer to what is wrong
        waiting = [item for item in found if item.wants_reply]
        if is_error and waiting and waiting[0] is not found[0]:
            waiting[0].shared = True
            return waiting[0]
        return next(iter(_by_chance(found)), None)

    def _is_second(self, request: Request, message: Message, value: Any) -> bool:
        """Tell whether a message is the true answer of a request, of which another frame was taken for that before."""
        if not request.shared or not (message in request.replies or message.key in self._error_keys):
            return False
        request.shared = False
        request.answers.append((message, value))
        return True

    def _paired(self, request: Request, message: Message, value: Any, *, judged: bool = False) -> bool:
        self._let_go_before(request)
        self.dismiss(request)
        operation = request.operation
        declared = operation is None or message in request.replies or message.key in self._error_keys
        request.answers.append((message, value))
        for doubt in [item for item in self._doubts if item[0] is request]:
            self._doubts.remove(doubt)
            if doubt[1].key not in self._pushed_keys:
                self._blame_twice(doubt[1], doubt[2])
        if not declared and operation is not None and not judged:
            wanted = " or ".join(item.title for item in request.replies) or "nothing"
            text = f"{operation.id} was answered by {message.title}; its reply is {wanted}."
            self._blame("reply-wrong", text, f"{operation.id} {message.key}", request, message, operation.mark)
        elif operation is not None and request.step.good:
            self.violations += self.streams.answered(operation.id, request.value, message.key, value)
        return True

    def settle_doubt(self, request: Request) -> bool:
        """Say that a request's answer carried another id, or none, if that is all that came for it."""
        doubt = next((item for item in self._doubts if item[0] is request), None)
        if doubt is None:
            return False
        self._doubts.remove(doubt)
        self.dismiss(request)
        _, message, found = doubt
        if found is ABSENT:
            self.lacking.add((self.channel.id, message.key))  # the next one isn't waited for
            self._blame_no_id(request, message)
            return True
        of = "of an older request" if self._old(found) is not None else "of no request"
        text = f"{message.title} carries the id {json.dumps(found)} {of}, not {_id_text(request)}."
        self._blame("reply-id", text, message.key, request, message, message.schema.mark(message.correlation))
        return True

    def _let_go_before(self, request: Request) -> None:
        """Expect nothing more of what wants no reply and was sent before: an error would have come by now."""
        for item in self.pending[: self.pending.index(request)] if request in self.pending else ():
            if item.operation is not None and item.step.good and not item.wants_reply:
                self.dismiss(item)

    def _old(self, found: Any) -> Request | None:
        return next((item for item in reversed(self.answered) if _equal(item.id, found)), None)

    def _blame_no_id(self, request: Request, message: Message) -> None:
        text = f"{message.title} has no {way_text(message.correlation)}; the request's is {_id_text(request)}."
        self._blame("reply-id", text, message.key, request, message, message.schema.mark(message.correlation))

    def _blame_twice(self, message: Message, found: Any) -> None:
        text = f"{message.title} answers a request that was answered before"
        self._blame("reply-twice", f"{text}{f' (id {json.dumps(found)})' if found is not None else ''}.", message.key)

    # the end

    def broke(self, reason: str) -> None:
        """Take a frame that is none by RFC 6455, or text that is no UTF-8: the connection can't go on."""
        if "status code" in reason:
            self._blame("close-code", "The server closed with a code that RFC 6455 doesn't allow.", "websocket")
            return
        self._blame("frame-undeclared", f"The server broke the WebSocket protocol: {reason}.", "websocket")

    def closed(self, code: int | None, reason: str, *, asked: bool) -> None:
        """Take the end of the connection. `asked`: the client had begun to close it."""
        if asked:
            return
        if code == _NO_CODE and (self._spec.closes is None or 1000 in self._spec.closes):
            return
        if code is None:
            self._blame("connection-lost", "The server ended the connection without a close frame.")
        elif self._spec.closes is not None:
            if code not in self._spec.closes:
                known = ", ".join(map(str, self._spec.closes))
                text = f"The server closed with {code} ({reason!r}). The document has {known}."
                self._blame("close-code", text, str(code), mark=next(iter(self._spec.close_marks.values()), None))
        elif code not in _STANDARD_CLOSES and not 3000 <= code <= 4999:
            text = f"The server closed with {code} ({reason!r})" + (": it failed." if code == 1011 else ".")
            self._blame("close-code", text, str(code))

    def _blame(
        self,
        rule: str,
        text: str,
        subject: str = "",
        request: Request | None = None,
        message: Message | None = None,
        mark: Any = None,
    ) -> None:
        operation = request.operation if request is not None else None
        self.violations.append(
            Violation(
                rule=rule,
                text=text,
                channel=self.channel.id,
                subject=subject,
                operation=operation.id if operation is not None else None,
                message=message.key if message is not None else None,
                mark=mark or (message.mark if message is not None else self.channel.mark),
            )
        )


def _by_chance(waiting: list[Request]) -> list[Request]:
    """Return requests in the order in which an error without an id is likely to be for them.

    What is broken comes first, what an error would have come for by now last, the newest before the others.
    """
    asked = [item for item in waiting if not item.passed]
    asked += [item for item in reversed(waiting) if item.passed]
    return sorted(asked, key=lambda item: item.step.good)


def _equal(one: Any, other: Any) -> bool:
    """Tell whether two ids are the same JSON value: 1 is 1.0, but not true."""
    return one is not ABSENT and isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _id_text(request: Request) -> str:
    return json.dumps(request.id) if request.id is not ABSENT else "none"


def _tag_text(channel: Channel, value: Any) -> str:
    if channel.tag is not None and isinstance(value, Mapping):
        return str(value.get(channel.tag))[:60]
    return ""


def _short(data: Data) -> str:
    if isinstance(data, bytes):
        return f"a binary frame of {len(data)} bytes"
    return data if len(data) <= 200 else f"{data[:150]}...{data[-30:]}"
