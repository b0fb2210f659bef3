"""Conversations: steps played against small servers, and what is said of how they are answered."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from contract.conversation import Conversation, Pace, Terms
from contract.model import Close, Connect, Event, Link, Send, Step, Wait
from contract.refusing import Malformed
from contract.spec import Spec
from tests.contract.unit.kiosk import DOCUMENT, Frame, Kiosk, Raw, kiosk, raw, running

CONNECT = Connect("kiosk", "/kiosk")


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the kiosk's document."""
    return kiosk(tmp_path)


def terms_of(spec: Spec, url: str, **changes: Any) -> Terms:
    """Return the terms of a conversation, with a short time to answer."""
    made = Terms(spec, url, 0.1, 0.0, Malformed(), lambda *_: None, lambda *_: None, lambda *_: None)
    return replace(made, **changes)


@asynccontextmanager
async def talking(server: Kiosk, spec: Spec, **changes: Any) -> AsyncIterator[Conversation]:
    """Give a conversation with a server, which is ended."""
    async with running(server) as url:
        conversation = Conversation(terms_of(spec, url, **changes))
        try:
            yield conversation
        finally:
            await conversation.end()


def buy(number: Any = 1, *, good: bool = True, socket: int = 0, links: tuple[Link, ...] = (), **members: Any) -> Send:
    """Return a step that buys."""
    data = json.dumps({"type": "buy", "id": number, "count": 1, **members})
    return Send(data, "buying", "buy", good, "" if good else "odd", socket=socket, links=links)


def rules(conversation: Conversation) -> list[str]:
    """Return what was found."""
    return [violation.rule for violation in conversation.violations]


def kinds(events: list[Event]) -> list[str]:
    """Return what happened."""
    return [event.kind for event in events]


BAD = Send("{", None, None, False, "no JSON")
WAVE = Send('{"type": "wave", "id": 9}', "waving", "wave")


async def test_a_right_conversation_shows_nothing(spec: Spec) -> None:
    """Good and bad frames on two sockets, a cut and a reconnect: nothing is wrong with any."""
    steps: list[Step] = [
        CONNECT,
        buy(),
        BAD,
        WAVE,
        buy(2, good=False, count=0),
        replace(CONNECT, socket=1),
        buy("x", socket=1),
        Close(None, 0),
        CONNECT,
        buy(3),
        Wait(0.05),
        Close(1000, 1),
    ]
    async with talking(Kiosk(spec), spec) as conversation:
        await conversation.play(steps)
    assert rules(conversation) == []
    assert conversation.steps == steps
    assert kinds(conversation.events).count("sent") == 6
    assert kinds(conversation.events).count("closing") == 2


async def test_what_is_linked_comes_from_the_newest_answer(spec: Spec) -> None:
    """A value of an answer goes into the next request, where it fits; else what was written stays."""
    got: list[Frame] = []

    class Told(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            got.append(value)
            if value["type"] == "look":
                await self.send(connection, {"type": "shelf", "left": 2 + 3 * len(got)})
            else:
                await super().asked(connection, value)

    look = Send('{"type": "look"}', "looking", "look")
    linked = buy(links=(Link(("count",), "shelf", ("left",)),))
    async with talking(Told(spec), spec) as conversation:
        await conversation.play([CONNECT, linked, look, linked, look, linked])
    assert [value["count"] for value in got if value["type"] == "buy"] == [1, 8, 1]  # 14 are too many
    assert rules(conversation) == []


async def test_half_of_a_surrogate_pair_is_not_sent_on(spec: Spec) -> None:
    """What can't be sent is left as it was."""

    class Odd(Kiosk):
        async def opened(self, connection: ServerConnection) -> None:
            await connection.send('{"type": "shelf", "left": 1, "label": "\\ud800"}')

    async with talking(Odd(spec), spec) as conversation:
        await conversation.connect(CONNECT)
        await conversation.until(conversation.sockets[0], lambda: False, 0.1)
        conversation.violations.clear()
        await conversation.send(buy(label="x", links=(Link(("label",), "shelf", ("label",)),)))
    sent = [event.data for event in conversation.events if event.kind == "sent"]
    assert [json.loads(str(data))["label"] for data in sent] == ["x"]


@pytest.mark.parametrize(("seconds", "rule"), [(0.0, []), (0.2, ["reply-late"]), (1.0, ["reply-missing"])])
async def test_late_is_not_missing(spec: Spec, seconds: float, rule: list[str]) -> None:
    """A reply after its time is late, up to four times that; then it is missing."""

    class Slow(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            await asyncio.sleep(seconds)
            await super().asked(connection, value)

    async with talking(Slow(spec), spec) as conversation:
        await conversation.play([CONNECT, buy()])
    assert rules(conversation) == rule


async def test_what_came_too_soon_is_sent_again(spec: Spec) -> None:
    """A refusal with `retry_after_ms` is waited out, and is no answer."""

    class Limited(Kiosk):
        refusals = 3

        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if self.refusals:
                self.refusals -= 1
                error = {"type": "error", "code": "sold_out", "id": value["id"], "retry_after_ms": 5}
                await self.send(connection, error)
            else:
                await super().asked(connection, value)

    async with talking(Limited(spec), spec) as conversation:
        await conversation.connect(CONNECT)
        answer = await conversation.send(buy())
    assert answer is not None
    assert [message.key for message, _ in answer.answers] == ["sold"]
    assert (rules(conversation), kinds(conversation.events).count("sent")) == ([], 4)
    assert len([step for step in conversation.steps if isinstance(step, Send)]) == 1


@pytest.mark.parametrize("status", [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE])
async def test_a_full_server_is_tried_again(spec: Spec, status: HTTPStatus) -> None:
    """429 and 503 are waited out, unless that is what is looked for."""
    times = 0

    def full(connection: ServerConnection, request: Request) -> Response | None:
        nonlocal times
        times += 1
        return connection.respond(status, "full\n") if times < 3 else None

    async with running(Kiosk(spec), process_request=full) as url:
        impatient = Conversation(terms_of(spec, url, patient=False))
        assert (await impatient.connect(CONNECT)).status == status
        conversation = Conversation(terms_of(spec, url))
        assert (await conversation.connect(CONNECT)).status is None
        await conversation.end()
    assert (times, conversation.steps) == (3, [CONNECT])


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await reader.read()
    await asyncio.sleep(60)


def saying(data: bytes) -> Raw:
    """Return a server that answers every handshake so."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()

    return say


@pytest.mark.parametrize(
    ("handle", "status"),
    [
        (hang, None),
        (saying(b""), None),
        (saying(b"\x00\x01\x02\r\n\r\n"), None),
        (saying(b"HTTP/1.1 101 Fine\r\n\r\n"), None),
        (saying(b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n"), 302),
        (saying(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n\xff\xfe"), 401),
    ],
)
async def test_a_handshake_that_fails_has_an_outcome(
    spec: Spec, handle: Raw, status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a server says or doesn't, it is told, and nothing is raised."""
    monkeypatch.setattr("contract.conversation._OPEN_TIMEOUT", 0.2)
    async with raw(handle) as url:
        conversation = Conversation(terms_of(spec, url))
        outcome = await conversation.connect(CONNECT)
        await conversation.end()
    assert (outcome.status, outcome.lost) == (status, status is None)
    assert kinds(conversation.events) == ["refused"]


async def test_a_redirect_is_not_followed(spec: Spec) -> None:
    """A redirected handshake is refused, as in a browser."""
    async with running(Kiosk(spec)) as other:
        target = f"HTTP/1.1 307 T\r\nLocation: {other}/kiosk\r\nContent-Length: 0\r\n\r\n".encode()
        async with raw(saying(target)) as url:
            outcome = await Conversation(terms_of(spec, url)).connect(CONNECT)
    assert outcome.status == 307


Ending = Callable[[ServerConnection], Any]


def malformed_by(how: Ending) -> type[Kiosk]:
    """Return a kiosk that answers malformed frames so."""

    class Faulty(Kiosk):
        async def malformed(self, connection: ServerConnection, error: Frame) -> None:
            await how(connection)

    return Faulty


async def cut(connection: ServerConnection) -> None:
    """Cut it."""
    connection.transport.abort()


async def nothing(connection: ServerConnection) -> None:
    """Do nothing."""


SOLD = '{"type": "sold", "id": 1, "price": "1"}'


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        (nothing, "invalid-ignored"),
        (cut, "invalid-kills"),
        (lambda connection: connection.close(1011), "invalid-kills"),
        (lambda connection: connection.close(1000), "invalid-kills"),
        (lambda connection: connection.send(SOLD), "invalid-accepted"),
    ],
)
@pytest.mark.parametrize("step", [BAD, buy(good=False, count=0)])
async def test_what_is_wrong_must_be_refused(spec: Spec, how: Ending, rule: str, step: Send) -> None:
    """No answer, an end, and a good answer each have a name of their own."""
    async with talking(malformed_by(how)(spec), spec) as conversation:
        await conversation.play([CONNECT, buy(5), step])
    assert rules(conversation) == [rule]


@pytest.mark.parametrize(("code", "rule"), [(1003, "valid-refused"), (1007, "valid-refused"), (4001, None)])
async def test_what_is_good_may_not_end_as_malformed(tmp_path: Path, code: int, rule: str | None) -> None:
    """Codes that say that a frame was malformed are a refusal, other declared ones an end."""
    more = "  1003: {name: data, reconnect: false, text: No.}\n"
    spec = kiosk(tmp_path, DOCUMENT.replace("channels:\n", f"{more}channels:\n", 1))

    class Closing(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            await connection.close(code, "no")

    async with talking(Closing(spec), spec) as conversation:
        await conversation.play([CONNECT, buy()])
    assert rules(conversation) == ([rule] if rule else [])


async def test_a_good_message_that_is_refused_as_malformed_is_found(spec: Spec) -> None:
    """The code that malformed input gets says that the server takes it for such."""

    class Picky(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            code = {7: "malformed", 2: "sold_out"}.get(value["count"])
            if code is None:
                await super().asked(connection, value)
            else:
                await self.send(connection, {"type": "error", "id": value["id"], "code": code})

    malformed = Malformed()
    malformed.learn("kiosk", ("error", "malformed"))
    async with talking(Picky(spec), spec, malformed=malformed) as conversation:
        await conversation.play([CONNECT, buy(1, count=2), buy(2, count=3)])
        assert rules(conversation) == []
        await conversation.play([buy(3, count=7)])
    assert rules(conversation) == ["valid-refused"]


async def test_a_silent_operation_may_be_refused_later(spec: Spec) -> None:
    """What has no reply isn't waited for; that it is refused as malformed is seen with the next step."""

    class Picky(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "wave" and value["id"] == "x":
                await asyncio.sleep(0.02)
                await self.send(connection, {"type": "error", "id": value["id"], "code": "malformed"})
            else:
                await super().asked(connection, value)

    malformed = Malformed()
    malformed.learn("kiosk", ("error", "malformed"))
    other = Send('{"type": "wave", "id": "x"}', "waving", "wave", covers=("/id type",))
    async with talking(Picky(spec), spec, malformed=malformed) as conversation:
        await conversation.play([CONNECT, WAVE, buy(1)])
        assert rules(conversation) == []
        await conversation.play([other, buy(2), Wait(0.2)])
    assert rules(conversation) == ["valid-refused"]


@pytest.mark.parametrize("late", [False, True])
async def test_an_error_that_names_nobody_is_for_what_was_sent_last(tmp_path: Path, late: bool) -> None:
    """Of several messages without a reply. One that comes late may be for an older one: then nobody is blamed."""
    wave = DOCUMENT[DOCUMENT.index("    wave:\n      correlationId") : DOCUMENT.index("    hire:\n")]
    members = "{type: {const: wave}, word: {type: string}, to: {type: string}}"
    word = f"{{type: object, required: [type, word], properties: {members}}}"
    spec = kiosk(tmp_path, DOCUMENT.replace(wave, f"    wave: {{payload: {word}}}\n"))

    class Picky(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "wave" and value["word"] == "bad":
                await asyncio.sleep(0.06 if late else 0.0)
                await self.send(connection, {"type": "error", "code": "malformed"})
            else:
                await super().asked(connection, value)

    def waving(word: str, **members: str) -> Send:
        data = json.dumps({"type": "wave", "word": word, **members})
        return Send(data, "waving", "wave", covers=("/word type",), note=word)

    malformed = Malformed()
    malformed.learn("kiosk", ("error", "malformed"))
    behind = waving("one", to="me")
    async with talking(Picky(spec), spec, malformed=malformed) as conversation:
        await conversation.play([CONNECT, waving("one"), waving("two", to="you"), buy(1)])
        await conversation.play([waving("three"), waving("bad"), *((behind, Wait(0.1)) if late else ()), buy(2)])
        assert [item.note for item in conversation.doubts] == (["one"] if late else [])
    assert [item.subject for item in conversation.violations] == ([] if late else ["wave bad"])


async def test_a_value_that_somebody_else_has_is_not_wrong_in_itself(spec: Spec) -> None:
    """A label that was taken before, and is refused where another connection has it, is nobody's fault."""

    class Unique(Kiosk):
        def __init__(self, spec: Spec) -> None:
            super().__init__(spec)
            self.owners: dict[str, ServerConnection] = {}

        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "buy" and self.owners.setdefault(value["label"], connection) is not connection:
                await self.send(connection, {"type": "error", "id": value["id"], "code": "malformed"})
            else:
                await super().asked(connection, value)

    def buying(number: int, count: int, label: str, socket: int) -> Send:
        return replace(buy(number, count=count, label=label, socket=socket), covers=("/label type",))

    malformed = Malformed()
    malformed.learn("kiosk", ("error", "malformed"))
    async with talking(Unique(spec), spec, malformed=malformed) as conversation:
        await conversation.play([CONNECT, replace(CONNECT, socket=1), buying(1, 2, "bb", 1), buying(2, 1, "aa", 0)])
        await conversation.play([buying(3, 2, "aa", 1)])
        assert len(conversation.doubts) == 1
    assert rules(conversation) == []


@pytest.mark.parametrize(("number", "rule"), [(1, "reply-unasked"), (3, "reply-id")])
async def test_an_answer_to_another_connection_is_called_so(spec: Spec, number: int, rule: str) -> None:
    """The id of a request that another connection waits for was never this one's; any other id is a wrong one."""

    class Crossed(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["id"] == 2:
                await self.send(connection, {"type": "sold", "price": "1.00", "id": number})

    async with talking(Crossed(spec), spec) as conversation:
        await conversation.connect(CONNECT)
        await conversation.connect(replace(CONNECT, socket=1))
        await conversation.send(buy(1), settle=False)
        await conversation.send(buy(2, socket=1))
    assert rules(conversation) == [rule]


async def broken_text(connection: ServerConnection) -> None:
    """Send text that is no UTF-8."""
    await connection.send(b"\xff\xfe", text=True)


async def odd_code(connection: ServerConnection) -> None:
    """Close with a code that RFC 6455 doesn't allow."""
    connection.transport.write(b"\x88\x02\x0b\xb7")  # 2999


async def broken_frame(connection: ServerConnection) -> None:
    """Send a frame with bits that mean nothing."""
    connection.transport.write(b"\xf3\x00")


@pytest.mark.parametrize(
    ("how", "rule"),
    [(broken_text, "frame-undeclared"), (broken_frame, "frame-undeclared"), (odd_code, "close-code")],
)
async def test_a_broken_frame_of_the_server_is_no_fault_of_what_was_sent(spec: Spec, how: Ending, rule: str) -> None:
    """A server that breaks the protocol is told so, once, under the frame's name, or under its close code's."""
    async with talking(malformed_by(how)(spec), spec) as conversation:
        await conversation.play([CONNECT, BAD])
    assert rules(conversation) == [rule]


async def test_large_frames_and_many_are_taken(spec: Spec) -> None:
    """A frame of 10 MB is no fault, nor are a thousand at once."""

    class Loud(Kiosk):
        async def opened(self, connection: ServerConnection) -> None:
            await self.send(connection, {"type": "tick", "version": "v1", "at": 1, "x": "a" * 10_000_000})
            for number in range(1000):
                await self.send(connection, {"type": "tick", "version": "v1", "at": number})

    async with talking(Loud(spec), spec, timeout=2.0) as conversation:
        await conversation.play([CONNECT, buy()])
    assert (rules(conversation), kinds(conversation.events).count("received")) == ([], 1002)


async def test_a_server_that_does_not_read_ends_no_wait(spec: Spec) -> None:
    """A frame that isn't taken is a request without an answer."""

    class Deaf(Kiosk):
        async def opened(self, connection: ServerConnection) -> None:
            connection.transport.pause_reading()

    async with talking(Deaf(spec), spec, timeout=0.05) as conversation:
        await conversation.connect(CONNECT)
        await asyncio.sleep(0.02)
        async with asyncio.timeout(10):
            await conversation.send(buy(x="a" * 30_000_000))
    assert rules(conversation) == ["reply-missing"]


async def test_the_end_leaves_nothing_behind(spec: Spec) -> None:
    """No task and no conversation is left, whether it ended or was cut off in the middle."""
    async with running(Kiosk(spec)) as url:
        before = asyncio.all_tasks()
        terms = terms_of(spec, url)
        conversation = Conversation(terms)
        for number in range(5):
            await conversation.connect(replace(CONNECT, socket=number))
        await conversation.connect(CONNECT)
        readers = [socket.reader for socket in conversation.sockets.values()]
        await conversation.end()
        assert all(reader is not None and reader.done() for reader in readers)
        assert (conversation.sockets, terms.living) == ({}, set())
        cut_off = Conversation(terms)
        await cut_off.connect(CONNECT)
        cut_off.abort()
        await cut_off.end()
        await asyncio.sleep(0.05)
        assert not {task for task in asyncio.all_tasks() - before if "_read" in repr(task.get_coro())}
    assert rules(cut_off) == []


async def test_ending_many_connections_takes_as_long_as_one(spec: Spec) -> None:
    """A server that answers no close frame is waited for once, and not once for each connection."""

    class Rude(Kiosk):
        async def opened(self, connection: ServerConnection) -> None:
            connection.transport.pause_reading()

    async with running(Rude(spec)) as url:
        conversation = Conversation(terms_of(spec, url))
        for number in range(8):
            await conversation.connect(replace(CONNECT, socket=number))
        async with asyncio.timeout(4):
            await conversation.end()


async def test_a_fault_of_the_tester_is_not_swallowed(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong while a frame is judged comes out at the end."""

    async with talking(Kiosk(spec), spec) as conversation:
        await conversation.connect(CONNECT)
        monkeypatch.setattr(conversation.sockets[0].judge, "received", lambda _: 1 // 0)
        await conversation.send(buy())
        with pytest.raises(ZeroDivisionError):
            await conversation.end()


async def test_a_cancelled_end_stays_cancelled(spec: Spec) -> None:
    """Ctrl-C while connections are closed isn't forgotten."""

    class Rude(Kiosk):
        async def opened(self, connection: ServerConnection) -> None:
            connection.transport.pause_reading()

    async with running(Rude(spec)) as url:
        conversation = Conversation(terms_of(spec, url))
        await conversation.connect(CONNECT)
        ending = asyncio.create_task(conversation.end())
        await asyncio.sleep(0.05)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending


async def test_the_pace_is_kept_and_falls() -> None:
    """So many frames a second go, and fewer after it was too fast."""
    pace = Pace(200)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(60):
        await pace.turn()
    assert 0.15 < loop.time() - began < 1.0
    pace.slower()
    assert pace.rate == 100
    free = Pace(0)
    await free.turn()
    free.slower()
    assert free.rate == 200


async def test_what_is_kept_of_a_finding_waits_as_long_as_it_took(spec: Spec) -> None:
    """Where a fault shows some time after the last step, the steps to repeat end with a wait."""

    class Late(Kiosk):
        async def opened(self, connection: ServerConnection) -> None:
            await asyncio.sleep(0.15)
            await self.send(connection, {"type": "debug"})

    async with talking(Late(spec), spec) as conversation:
        await conversation.play([CONNECT, Wait(1)])
    kept = conversation.kept_steps()
    assert rules(conversation) == ["frame-undeclared"]
    last = kept[-1]
    assert isinstance(last, Wait)
    assert 0.3 < last.seconds < 2
