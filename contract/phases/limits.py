"""Limits: the phase that does too much of everything, to see how the server defends itself. It is hostile.

What it provokes must be declared like everything else; which limits there are, the document's `x-limits` say.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from typing import Any

from websockets.exceptions import ConnectionClosed

from contract.conversation import Conversation
from contract.engine import Run
from contract.model import Connect, Send
from contract.phases.sending import example_of, request
from contract.pool import leaves
from contract.spec import Channel, Message, Operation
from contract.ways import at, put

_FLOOD = 400
_BAD = 60
_CONNECTIONS = 300


async def limits(run: Run) -> None:
    """Provoke what a client can provoke: each on a connection of its own, on every channel."""
    for channel in run.spec.channels:
        entry = run.entry(channel)
        if entry is None:
            continue
        for provoke in (binary, not_utf8, broken_protocol, too_long, bad_frames, flood, subscriptions):
            if run.over():
                return
            run.case()
            await provoke(run, channel, entry)
    await connections(run)


async def _open(run: Run, entry: Connect) -> Conversation | None:
    conversation = Conversation(replace(run.terms, rate=0.0))
    return conversation if await run.enter(conversation, entry) else None


async def _ended(conversation: Conversation, seconds: float = 2.0) -> None:
    socket = conversation.sockets.get(0)
    if socket is not None:
        await conversation.until(socket, lambda: False, seconds)


async def binary(run: Run, channel: Channel, entry: Connect) -> None:
    """Send a binary frame where none is declared."""
    if any(message.form == "binary" for message in channel.sent):
        return
    conversation = await _open(run, entry)
    if conversation is not None:
        await conversation.send(Send(b"\x00\x01\x02", None, None, False, "a binary frame", ends=True))
        await _ended(conversation, 0.3)
        await run.examine(conversation)


async def _raw(run: Run, entry: Connect, data: bytes, note: str) -> None:
    """Send bytes below the library, and see how the connection ends."""
    conversation = await _open(run, entry)
    if conversation is None:
        return
    socket = conversation.sockets[0]
    with contextlib.suppress(ConnectionClosed, OSError):
        socket.connection.transport.write(data)
    await conversation.until(socket, lambda: False, run.terms.timeout)
    if socket.is_open:
        run.remark(f"{entry.channel}: the connection lives after {note}.")
    socket.closing = True
    await run.examine(conversation)


async def not_utf8(run: Run, channel: Channel, entry: Connect) -> None:
    """Send a text frame that is not UTF-8: RFC 6455 wants 1007."""
    await _raw(run, entry, b"\x81\x82\x00\x00\x00\x00\xff\xfe", "a text frame that is not UTF-8")


async def broken_protocol(run: Run, channel: Channel, entry: Connect) -> None:
    """Send a frame that isn't masked: RFC 6455 wants 1002."""
    await _raw(run, entry, b"\x81\x02{}", "a frame that is not masked")


async def too_long(run: Run, channel: Channel, entry: Connect) -> None:
    """Send a frame above the limit."""
    size = int(run.spec.limits.get("frame_bytes", 0))
    conversation = await _open(run, entry) if size else None
    if conversation is None:
        return
    text = json.dumps({"x": "a" * size})
    await conversation.send(Send(text, None, None, False, f"a frame of {len(text)} bytes", ends=True))
    await _ended(conversation, 0.5)
    await run.examine(conversation)


async def bad_frames(run: Run, channel: Channel, entry: Connect) -> None:
    """Send many bad frames in a row."""
    conversation = await _open(run, entry)
    if conversation is None:
        return
    for _ in range(_BAD):
        socket = conversation.sockets.get(0)
        if socket is None or not socket.is_open or conversation.violations:
            break
        await conversation.send(Send("{", None, None, False, "one more bad frame", ends=True))
    await run.examine(conversation)


async def flood(run: Run, channel: Channel, entry: Connect) -> None:
    """Send as fast as TCP takes it, several times."""
    operation = next((item for item in channel.operations if item.replies), None)
    conversation = await _open(run, entry) if operation is not None else None
    if conversation is None or operation is None:
        return
    message = operation.messages[0]
    data = request(operation, message, example_of(run, channel, operation, message)).data
    socket = conversation.sockets[0]
    for _ in range(5):
        if not socket.is_open or conversation.violations:
            break
        sent = [
            await conversation.send(Send(data, operation.id, message.key), settle=False) for _ in range(_FLOOD // 4)
        ]
        for item in sent:
            if item is not None:
                await conversation.until(socket, lambda item=item: bool(item.answers), run.terms.timeout)  # type: ignore[misc]
        await asyncio.sleep(0.3)
    await run.examine(conversation)


async def subscriptions(run: Run, channel: Channel, entry: Connect) -> None:
    """Open more subscriptions than there may be."""
    most = int(run.spec.limits.get("subscriptions", 0))
    for stream in channel.streams:
        if stream.subscribe is None or not most:
            continue
        operation = channel.operation(stream.subscribe.operation)
        message = operation.messages[0]
        conversation = Conversation(run.terms)
        if not await run.enter(conversation, entry):
            return
        for value in islice(_different(run, channel, operation, message), most + 20):
            if conversation.violations or not conversation.sockets[0].is_open:
                break
            await conversation.send(request(operation, message, value))
        await run.examine(conversation)


def _different(run: Run, channel: Channel, operation: Operation, message: Message) -> Iterator[Any]:
    """Yield requests that the server should take, no two alike: one that it took, with every value known for a member.

    Values under the names of the message's members are the user's to give: no document says which symbols there are.
    """
    base = example_of(run, channel, operation, message)
    seen = [base, *message.example_values]
    paths = dict.fromkeys(path for value in seen for path, _ in leaves(value))
    own = [path for path, _ in leaves(base)]
    places = [
        path
        for path in paths
        if path[0] not in message.tags
        and path != message.correlation
        # What the request hasn't gets the user's values alone.
        and (path in own or run.given(channel, str(path[-1])))
    ]
    known = [(path, run.given(channel, str(path[-1])) or [at(base, path)]) for path in places]
    for values in product(*(items for _, items in known)):
        value = base
        for (path, _), item in zip(known, values, strict=True):
            value = put(value, path, item)
        if message.schema.fits(value):
            yield value


async def connections(run: Run) -> None:
    """Open more connections than one user may have."""
    most = int(min((v for k, v in run.spec.limits.items() if k.startswith("connections")), default=0))
    for channel in run.spec.channels:
        entry = run.entry(channel)
        if entry is None or channel.security is None or not most or run.over():
            continue
        conversation = Conversation(replace(run.terms, patient=False))
        run.case()
        for number in range(min(most + 2, _CONNECTIONS)):
            outcome = await conversation.connect(replace(entry, socket=number))
            if outcome.status is not None or conversation.violations:
                break
        await asyncio.sleep(0.3)
        await run.examine(conversation)
        return
