"""Sending: what the phases share: requests as steps, and connections on which many cases are sent one by one."""

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from contract.boundaries import Case
from contract.conversation import Conversation
from contract.covering import keyword_name
from contract.engine import Run
from contract.judge import Request
from contract.model import BY_TIME, Connect, Send, Wait
from contract.spec import Channel, Message, Operation
from contract.telling import is_text, numbered, parse
from contract.values import Unmakeable

_CASES_OF_A_CONNECTION = 150
_FEW_FAILURES = 4  # after so many of one kind, or that each take the time of an answer, an operation is given up
_MOST_FAILURES = 12
BAD_IN_A_ROW = 8
"""So many bad frames are sent between two good ones, at most: a server may end a connection that sends too many."""


def encode(message: Message, value: Any) -> str | bytes:
    """Return the frame of a message's value."""
    if message.form == "text":
        return str(value)
    if message.form == "binary":
        return value if isinstance(value, bytes) else str(value).encode()
    return json.dumps(value, ensure_ascii=not is_text(value))


def request(operation: Operation, message: Message, value: Any, note: str = "") -> Send:
    """Return the step that sends a good message."""
    return Send(encode(message, value), operation.id, message.key, True, note)


def of_case(operation: Operation, message: Message, case: Case, number: int) -> Send:
    """Return the step that sends a case: with an id of its own, unless the id is what it is about."""
    value = case.value
    way = message.correlation
    about_id = case.pointer[: len(way)] == way[: len(case.pointer)] if way else True
    if message.form == "json" and way and not about_id:
        value = numbered(message, value, number, good=case.valid)
    return Send(
        data=encode(message, value),
        operation=operation.id,
        message=message.key,
        good=case.valid,
        note=case.what,
        mark=message.schema.mark(case.pointer),
        covers=tuple(keyword_name(*place) for place in ((case.pointer, case.keyword), *case.also)),
    )


def example_of(run: Run, channel: Channel, operation: Operation, message: Message) -> Any:
    """Return a value that the server is likeliest to take: one that it took, else an example, else a made one.

    Raises Unmakeable where there is none.
    """
    taken = run.accepted.get((channel.id, operation.id))
    if taken:
        return taken[0]
    if message.examples:
        return message.examples[0][1]
    made = run.made(message, 1)
    if not made:
        raise Unmakeable(f"no {message.title} is found that fits its schema")
    return made[0]


def sendable(run: Run, operation: Operation) -> tuple[Message, ...]:
    """Return the messages of an operation of which there is a value to send."""
    return tuple(message for message in operation.messages if message.examples or run.made(message, 1))


def probe(run: Run, channel: Channel) -> Send | None:
    """Return a request whose reply shows that the server is through with what came before; None if there is none."""
    for operation in sorted(channel.operations, key=lambda item: item.messages[0].schema.size if item.messages else 0):
        taken = run.accepted.get((channel.id, operation.id))
        if operation.replies and taken:
            message = next(item for item in operation.messages if item.form != "json" or item.schema.fits(taken[0]))
            return request(operation, message, taken[0], "probe")
    return None


def is_silent(operation: Operation | None) -> bool:
    """Tell whether an operation has no reply to wait for."""
    return operation is not None and not operation.replies


Failure: TypeAlias = tuple[str, str]
"""The rule that was broken, and by what: the subject of a violation."""


class Driver:
    """Sends cases one after the other, on a connection that is made anew now and then and after each fault."""

    def __init__(self, run: Run, channel: Channel, entry: Connect) -> None:
        self.run = run
        self.channel = channel
        self._entry = entry
        self._conversation: Conversation | None = None
        self._count = 0
        self._bad = 0
        self._doubts: list[Send] = []
        self._operations = {operation.id: operation for operation in channel.operations}
        self.failures: dict[str, list[Failure]] = {}
        self._given_up: set[str] = set()
        self.shut = False

    async def send(self, step: Send) -> Request | None:
        """Send a case and see how it is taken; None where that could not be seen."""
        run = self.run
        if self.shut or self._is_given_up(step):
            return None
        if run.too_long(step.data):
            return None  # what is too long isn't wrong in itself; the phase `limits` tries that
        if not step.good and self._is_something(step.data):
            return None
        conversation = await self._open()
        if conversation is None:
            return None
        run.case()
        self._count += 1
        conversation.doubts.clear()
        answer = await conversation.send(step)
        silent = step.good and is_silent(self._operations.get(step.operation or ""))
        plain = answer is not None and bool(answer.answers) and not step.good
        self._bad = self._bad + 1 if plain else 0
        # An error shows that the server is through. But many bad frames in a row may end a connection.
        if not conversation.violations and (silent or not step.good) and not (plain and self._bad % BAD_IN_A_ROW):
            follow = probe(run, self.channel)
            if follow is not None and conversation.sockets[self._entry.socket].is_open:
                await conversation.send(follow)
        self._doubts += conversation.doubts
        socket = conversation.sockets.get(self._entry.socket)
        if conversation.violations:
            found = conversation.violations[0]
            self.failures.setdefault(step.operation or "", []).append((found.rule, found.subject))
        if conversation.violations or socket is None or not socket.is_open or self._count >= _CASES_OF_A_CONNECTION:
            await self._end()
        if answer is not None and step.good and answer.taken:
            run.taken(self.channel, answer)
        return answer

    def _is_given_up(self, step: Send) -> bool:
        """Tell whether an operation showed so many faults that what it is sent more shows no other one.

        That is after a few that are all alike, or all slow, else after many.
        """
        name = step.operation or ""
        failures = self.failures.get(name, [])
        alike = len(set(failures)) == 1 or {rule for rule, _ in failures} <= BY_TIME
        if len(failures) < (_FEW_FAILURES if alike else _MOST_FAILURES):
            return False
        if name not in self._given_up:
            self._given_up.add(name)
            self._give_up(step, len(failures))
        return True

    def _give_up(self, step: Send, count: int) -> None:
        """Say that an operation is given up, and that what isn't met of it is so for that."""
        run = self.run
        what = step.operation or "frames that are no message"
        reason = f"given up after {count} faults of {what}"
        if run.muted or not run.result.phases:
            return
        phase = run.result.phases[-1]
        phase.complete = False
        phase.note = "; ".join(filter(None, (phase.note, reason)))
        run.covering.given_up(self.channel.id, step.message, reason, good=step.good)

    def _is_something(self, data: str | bytes) -> bool:
        """Tell whether what is no longer one message is another that a client may send."""
        is_json, value = parse(data) if isinstance(data, str) else (False, None)
        return any(item.fits(data, value) for item in self.channel.sent if is_json or item.form != "json")

    async def watch(self, seconds: float) -> None:
        """See what comes for a while."""
        if self._conversation is not None:
            await self._conversation.wait(Wait(seconds))
            if self._conversation.violations:
                await self._end()

    async def _open(self) -> Conversation | None:
        if self._conversation is None:
            self._count = 0
            conversation = Conversation(self.run.terms)
            if not await self.run.enter(conversation, self._entry):
                self.shut = True
                return None
            self._conversation = conversation
        return self._conversation

    async def _end(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            await self.run.examine(conversation)

    async def finish(self) -> None:
        """End the connection, and take what it showed. What was doubted is sent again: more is known by now."""
        doubts, self._doubts = self._doubts, []
        for step in doubts:
            if self.run.over() or self.shut or not self._may_be_blamed(step):
                self._doubts.append(step)
            else:
                await self.send(step)
        await self._end()
        left = {step.message: step for step in reversed(self._doubts)} if not self.run.muted else {}
        for name, step in left.items():
            self.run.remark(
                f"{self.channel.id}/{name}: some that fit the schema are refused as malformed input is,"
                f" maybe for what they name or what came before them ({step.note}). Look whether that is meant."
            )

    def _may_be_blamed(self, step: Send) -> bool:
        """Tell whether enough is known to say that a refused message is taken for malformed."""
        message = next((item for item in self.channel.sent if item.key == step.message), None)
        value = parse(step.data)[1] if message is not None and message.form == "json" else step.data
        malformed = self.run.terms.malformed
        return message is not None and malformed.twin(self.channel.id, message, step, value) is not None

    async def all(self, steps: Iterable[Send]) -> None:
        """Send many, until the phase's time is over."""
        for step in steps:
            if self.run.over() or self.shut:
                break
            await self.send(step)
