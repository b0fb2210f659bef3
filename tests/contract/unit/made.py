"""Made-up documents, servers and results, for what tells of them. No tester runs here."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from codegen.faults import Mark
from contract.covering import Covering
from contract.model import (
    Close,
    Connect,
    Event,
    Finding,
    Link,
    PhaseResult,
    Result,
    Send,
    Step,
    Violation,
    Wait,
)
from contract.spec import Spec, load_spec

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"

DOCUMENT = """\
asyncapi: 3.0.0
info: {title: A tea room, version: 1.0.0}
x-error-codes:
  bad_request: {text: The frame is no order.}
  sold_out: {text: There is no such tea today.}
x-close-codes:
  1000: {name: goodbye, reconnect: false, text: Goodbye.}
  4001: {name: closing, reconnect: true, text: The room closes.}
channels:
  room:
    address: /room
    messages:
      order: {$ref: '#/components/messages/order'}
      served: {$ref: '#/components/messages/served'}
      call: {$ref: '#/components/messages/call'}
      error: {$ref: '#/components/messages/error'}
operations:
  orderTea:
    action: receive
    channel: {$ref: '#/channels/room'}
    messages: [{$ref: '#/channels/room/messages/order'}]
    reply:
      channel: {$ref: '#/channels/room'}
      messages: [{$ref: '#/channels/room/messages/served'}]
  callOut:
    action: send
    channel: {$ref: '#/channels/room'}
    messages: [{$ref: '#/channels/room/messages/call'}]
  complain:
    action: send
    channel: {$ref: '#/channels/room'}
    messages: [{$ref: '#/channels/room/messages/error'}]
components:
  messages:
    order:
      correlationId: {location: '$message.payload#/id'}
      payload:
        type: object
        required: [type, id, cups]
        properties:
          type: {const: order}
          id: {type: integer}
          cups: {type: integer, minimum: 1, maximum: 12}
          sugar: {type: array, items: {type: string, maxLength: 5}}
    served:
      correlationId: {location: '$message.payload#/id'}
      payload:
        type: object
        required: [type, id, ticket]
        properties:
          type: {const: served}
          id: {type: integer}
          ticket: {type: string}
    call:
      payload:
        type: object
        required: [type]
        properties: {type: {const: call}}
    error:
      payload:
        type: object
        required: [type, code]
        properties:
          type: {const: error}
          code: {type: string, x-codes: x-error-codes, enum: [bad_request, sold_out]}
"""


def tea_room(folder: Path) -> Spec:
    """Return the tea room's document, read from a file in `folder`."""
    path = folder / "tea.yaml"
    path.write_text(DOCUMENT)
    return load_spec(path)


def mark_of(word: str) -> Mark:
    """Return where a text first stands in the document."""
    for number, line in enumerate(DOCUMENT.splitlines(), 1):
        if word in line:
            return Mark("tea.yaml", number, line.index(word) + 1, line)
    raise AssertionError(word)


def order(**members: Any) -> str:
    """Return an order as a frame."""
    return json.dumps({"type": "order", "id": 1, "cups": 1, **members})


def finding(
    rule: str = "frame-invalid",
    *,
    steps: Sequence[Step] | None = None,
    transcript: Sequence[Event] | None = None,
    **members: Any,
) -> Finding:
    """Return a finding of one rule: by default an order for 12 cups that is answered with a number for a ticket."""
    frame = order(cups=12)
    answer = '{"type": "served", "id": 1, "ticket": 7}'
    made = Finding(
        violation=Violation(
            rule=rule,
            text="`served` has a number at /ticket, where a string must be.",
            channel="room",
            subject="served /ticket type",
            operation="orderTea",
            message="served",
            mark=mark_of("ticket: {"),
        ),
        phase="boundaries",
        seed=7,
        steps=tuple(
            steps
            if steps is not None
            else (
                Connect("room", "/room", headers=(("Authorization", f"Bearer {TOKEN}"),), subprotocols=("tea",)),
                Send(frame, "orderTea", "order", note="cups at its maximum"),
            )
        ),
        transcript=tuple(
            transcript
            if transcript is not None
            else (
                Event(0.004, 0, "opened", text="tea"),
                Event(0.005, 0, "sent", frame, message="order", note="cups at its maximum"),
                Event(0.011, 0, "received", answer, message="served", note="breaks its schema"),
            )
        ),
        seen=3,
        tried=3,
        count=2,
    )
    return replace(made, **members)


def linked() -> Finding:
    """Return a finding of which the second frame needs what the first one's answer held."""
    return finding(
        "reply-wrong",
        phase="stateful",
        steps=(
            Connect("room", "/room"),
            Send(order(), "orderTea", "order"),
            Send(
                order(id=2, ticket="t0"),
                "orderTea",
                "order",
                links=(Link(("ticket",), "served", ("ticket",)),),
            ),
        ),
        transcript=(
            Event(0.01, 0, "opened"),
            Event(0.02, 0, "sent", order(), message="order"),
            Event(0.06, 0, "received", '{"type": "served", "id": 1, "ticket": "t41"}', message="served"),
            Event(0.07, 0, "sent", order(id=2, ticket="t41"), message="order"),
            Event(0.10, 0, "received", '{"type": "call"}', message="call"),
        ),
    )


def two_sockets() -> Finding:
    """Return a finding that two connections show: one says something and is cut, the other hears of it."""
    return finding(
        "frame-undeclared",
        phase="stateful",
        steps=(
            Connect("room", "/room", socket=0),
            Connect("room", "/room?seat=2", socket=1),
            Send(order(), "orderTea", "order", socket=1),
            Wait(0.3),
            Close(None, socket=1),
            Send(b"\x00\x01\n\xff", socket=0, good=False, note="a binary frame"),
            Close(1000, socket=0),
        ),
        transcript=(
            Event(0.01, 0, "opened"),
            Event(0.02, 1, "opened"),
            Event(0.03, 1, "sent", order(), message="order"),
            Event(0.04, 0, "received", '{"type": "gossip"}'),
            Event(0.35, 1, "closing"),
            Event(0.36, 0, "sent", b"\x00\x01\n\xff"),
            Event(0.40, 0, "closing", code=1000),
            Event(0.41, 0, "closed", code=1000),
        ),
    )


def refused() -> Finding:
    """Return a finding of a handshake."""
    return finding(
        "handshake-refused",
        phase="handshake",
        violation=Violation(
            "handshake-refused", f"The handshake with {TOKEN} was answered by 403.", "room", mark=mark_of("room:")
        ),
        steps=(Connect("room", f"/room?token={TOKEN}&x=1", subprotocols=("tea", "coffee")),),
        transcript=(Event(0.02, 0, "refused", code=403, text="No."),),
    )


HOSTILE = (
    '</script><script>document.title="owned"</script><img src=x onerror="document.title=1">'
    "\"'&{{7*7}}]]>\x00\x1b[31m[bold]\u202e\ud83d\U0001f600"
)


def hostile() -> Finding:
    """Return a finding whose every text is out to break the page, the file or the terminal that shows it."""
    return finding(
        "frame-undeclared",
        violation=Violation(
            "frame-undeclared",
            f"It sent {HOSTILE}",
            f"room{HOSTILE}",
            subject=HOSTILE,
            message=HOSTILE,
            mark=Mark(f"tea{HOSTILE}.yaml", 3, 5, f"abc {HOSTILE} [bold]x[/bold] ]]>"),
        ),
        transcript=(
            Event(0.0, 0, "opened", text=HOSTILE),
            Event(0.1, 0, "received", HOSTILE, note=HOSTILE, message=HOSTILE),
            Event(0.1, 0, "received", HOSTILE.encode("utf-8", "surrogatepass")),
            Event(0.2, 0, "closed", code=4999, text=HOSTILE),
        ),
        steps=(Connect("room", f"/room?{HOSTILE}", note=HOSTILE), Send(HOSTILE.replace("\x00", ""), note=HOSTILE)),
    )


def long_frames() -> Finding:
    """Return a finding with frames of 100 kB, with and without a place to break a line at."""
    return finding(
        "reply-missing",
        phase="valid",
        steps=(Connect("room", "/room"), Send(order(sugar=["x" * 50_000]))),
        transcript=(
            Event(0.0, 0, "opened"),
            Event(0.1, 0, "sent", order(sugar=["x" * 100_000])),
            Event(0.2, 0, "received", json.dumps({"type": "call", "words": ["tea"] * 20_000}), message="call"),
            Event(0.3, 0, "received", bytes(range(256)) * 400),
            Event(12.5, 0, "closed"),
        ),
    )


def result(spec: Spec, *findings: Finding) -> Result:
    """Return a run with these findings, of which the most is covered."""
    covering = Covering(spec)
    for count in (1, 2, 3):
        covering.sent("room", "orderTea", "order", ["/cups maximum"], good=count < 3)
        covering.received("room", "served", {})
        covering.received("room", "error", {"code": "bad_request"})
    covering.closed(1000)
    return Result(
        document="tea.yaml",
        title=spec.title,
        url=f"ws://127.0.0.1:8000/?token={TOKEN}",
        seed=7,
        started=1_763_800_000.0,
        seconds=83.4,
        phases=[
            PhaseResult("examples", 3, 6, 0.4),
            PhaseResult("boundaries", 120, 260, 10.2),
            PhaseResult("valid", 1000, 2400, 40.0, complete=False, note="the time was over"),
            PhaseResult("invalid", 900, 1800, 20.0),
            PhaseResult("handshake", 44, 10, 2.0),
        ],
        findings=list(findings),
        coverage=covering.coverage,
        remarks=["The document has no x-stream: streams were not checked."],
    )


class TeaRoom:
    """A server with faults, that keeps what was done with it: handshakes, frames, and how connections ended."""

    def __init__(self) -> None:
        self.handshakes: list[tuple[str, Mapping[str, str]]] = []
        self.frames: list[str | bytes] = []
        self.closes: list[int | None] = []
        self.guests: list[ServerConnection] = []

    async def serve(self, guest: ServerConnection) -> None:
        assert guest.request is not None
        self.handshakes.append((guest.request.path, dict(guest.request.headers.raw_items())))
        self.guests.append(guest)
        try:
            async for frame in guest:
                self.frames.append(frame)
                await self.answer(guest, frame)
        except Exception:  # whatever ends it is told below
            pass
        finally:
            close = guest.protocol.close_rcvd
            self.closes.append(close.code if close is not None else None)
            self.guests.remove(guest)

    async def answer(self, guest: ServerConnection, frame: str | bytes) -> None:
        try:
            told = json.loads(frame)
        except ValueError:
            await guest.send('{"type": "error", "code": "bad_request"}')
            return
        if told.get("ticket") is not None:
            await guest.send(json.dumps({"type": "call", "ticket": told["ticket"]}))
            return
        await guest.send(json.dumps({"type": "served", "id": told.get("id"), "ticket": f"t{len(self.frames)}"}))
        for other in self.guests:
            if other is not guest:
                await other.send('{"type": "gossip"}')


@asynccontextmanager
async def open_room() -> AsyncIterator[tuple[TeaRoom, str]]:
    """Serve a tea room. Yields it and its URL."""
    room = TeaRoom()
    async with serve(
        room.serve,
        "127.0.0.1",
        0,
        max_size=None,
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield room, f"ws://127.0.0.1:{port}"
