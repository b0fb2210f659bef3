"""Refreshing: shows other tokens on connections that live, where a stream's description says how (`refresh`).

A part of the phase `handshake`. Whether a good token is taken, nobody can promise but the server; a wrong one is not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contract.conversation import Conversation, Socket
from contract.credentials import Variant
from contract.engine import Run
from contract.handshakes import LIFETIME, tells_of_expiry
from contract.judge import Request
from contract.model import Connect, Violation
from contract.phases.sending import example_of, request
from contract.spec import Channel, Operation, Spec
from contract.ways import put

_CLOSED_S = 1.0
GRACE_S = 3.0
"""Seconds past a token's end in which its connection has to end; it is a fault only after as many more."""
_FOREIGN = re.compile(r"another user|other user|foreign|someone else")
_UNCOVERED = re.compile(r"\bscopes?\b|\bcovers?\b|permission")


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A token that must not be taken, and the close code that the document has for it, if it has one."""

    variant: Variant
    code: int | None = None


async def refresh_wrongly(run: Run, channel: Channel, entry: Connect) -> None:
    """Show tokens that are wrong in one thing: each must be refused, and where the document says so, end it all."""
    operation, way = refresh_of(channel)
    if operation is None:
        return
    for wrong in _wrong(run, channel):
        if run.over():
            return
        conversation = Conversation(run.terms)
        run.case()
        if not await run.enter(conversation, entry):
            return
        answer = await _show(run, conversation, channel, operation, way, wrong.variant)
        socket = conversation.sockets.get(entry.socket)
        if wrong.code is not None and socket is not None:
            await conversation.until(socket, lambda: False, _CLOSED_S)
        note, subject = wrong.variant.note, f"refresh {wrong.variant.name}"
        if answer is not None and answer.taken:
            text = f"{operation.id} took a token that must be refused. {note}"
            conversation.tell(Violation("token-kept", text, channel.id, subject, operation.id, mark=operation.mark))
        elif wrong.code is not None and socket is not None and socket.is_open and not conversation.violations:
            text = f"The connection lives after {operation.id}; the document closes it with {wrong.code}. {note}"
            mark = run.spec.close_marks.get(wrong.code)
            conversation.tell(Violation("token-kept", text, channel.id, subject, operation.id, mark=mark))
        await run.examine(conversation)


async def refresh_shortly(run: Run, channel: Channel, entry: Connect) -> None:
    """Show a good token that ends soon: the connection must end with it, where the document says that they do."""
    operation, way = refresh_of(channel)
    variant = run.credentials.expiring(LIFETIME) if operation is not None else None
    if operation is None or variant is None or variant.expires_at is None or not tells_of_expiry(run.spec, channel):
        return
    conversation = Conversation(run.terms)
    run.case()
    if not await run.enter(conversation, entry):
        return
    answer = await _show(run, conversation, channel, operation, way, variant)
    socket = conversation.sockets.get(entry.socket)
    if socket is not None and answer is not None and answer.taken:
        brought = f"the end of the token that {operation.id} brought"
        left = variant.expires_at + GRACE_S - run.credentials.now()
        if await outlives(run, conversation, socket, left, brought) and not conversation.violations:
            text = f"The connection lives {2 * GRACE_S:g} s after {brought}."
            conversation.tell(
                Violation("token-kept", text, channel.id, "refresh expires", operation.id, mark=operation.mark)
            )
    await run.examine(conversation)


async def outlives(run: Run, conversation: Conversation, socket: Socket, seconds: float, what: str) -> bool:
    """Tell whether a connection lives on: after `seconds`, and as long as `GRACE_S` after these.

    What ends in between may be the machine's doing as well as the server's: that is a remark.
    """
    await conversation.until(socket, lambda: False, seconds)
    if not socket.is_open:
        return False
    await conversation.until(socket, lambda: False, GRACE_S)
    if not socket.is_open:
        run.remark(f"{socket.channel.id}: The connection ended late, more than {GRACE_S:g} s after {what}.")
    return socket.is_open


def refresh_of(channel: Channel) -> tuple[Operation | None, tuple[str, ...]]:
    """Return the operation that takes a new token, and where in its message the token stands."""
    for stream in channel.streams:
        if stream.refresh is not None:
            return channel.operation(stream.refresh.request.operation), tuple(stream.refresh.token)
    return None, ()


def _wrong(run: Run, channel: Channel) -> Iterator[_Wrong]:
    made = run.credentials
    for variant in (made.garbage(), made.wrong_signature(), made.alg_none(), made.other_key(), made.expired()):
        if variant is not None:
            yield _Wrong(variant)
    foreign = made.other_user()
    if foreign is not None:
        yield _Wrong(foreign, _code_for(run.spec, _FOREIGN))
    for scope in channel.security.scopes if channel.security is not None else ():
        lacking = made.without(scope)
        if lacking is not None:
            yield _Wrong(lacking, _code_for(run.spec, _UNCOVERED))


async def _show(
    run: Run, conversation: Conversation, channel: Channel, operation: Operation, way: tuple[str, ...], variant: Variant
) -> Request | None:
    message = operation.messages[0]
    value = put(example_of(run, channel, operation, message), way, variant.token)
    return await conversation.send(request(operation, message, value, variant.note))


def _code_for(spec: Spec, pattern: re.Pattern[str]) -> int | None:
    """Return the close code whose text speaks of something."""
    for code, text in (spec.closes or {}).items():
        if pattern.search(text.lower()):
            return code
    return None
