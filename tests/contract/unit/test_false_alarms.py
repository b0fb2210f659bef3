"""Right servers that look wrong: what they do is allowed, or says nothing of what was sent, and nobody is blamed."""

import asyncio
import contextlib
import json
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from contract.engine import Options, run_async
from contract.model import Result
from contract.refusing import Malformed
from contract.spec import Spec, is_too_much, load_spec
from tests.contract.unit.kiosk import DOCUMENT, Frame, Kiosk, kiosk, running

CODES = "enum: [malformed, sold_out]"
SHELVES = DOCUMENT.replace(
    "label: {type: string, maxLength: 8}", "label: {type: string, maxLength: 8}\n          place: {type: string}"
).replace("{type: buy, id: 1, count: 1}", "{type: buy, id: 1, count: 1, place: sweets}")


async def held(spec: Spec, server: Kiosk, **options: Any) -> Result:
    """Test a server in all phases but the handshake."""
    phases = ("examples", "boundaries", "valid", "invalid", "stateful")
    async with running(server) as url:
        return await run_async(spec, Options(**{"url": url, "timeout": 0.2, "seed": 1, "phases": phases, **options}))


def rules(result: Result) -> set[str]:
    """Return the names of what was found."""
    return {item.violation.rule for item in result.findings}


async def refuse(server: Kiosk, connection: ServerConnection, value: Frame, code: str) -> None:
    """Refuse a good request."""
    await server.send(connection, {"type": "error", "code": code, "id": value["id"]})


class Hurried(Kiosk):
    """Takes four frames a second on a connection, and says that others are too many."""

    def __init__(self, spec: Spec, code: str) -> None:
        super().__init__(spec)
        self.code = code
        self.times: defaultdict[ServerConnection, list[float]] = defaultdict(list)

    async def received(self, connection: ServerConnection, data: str | bytes) -> None:
        times, now = self.times[connection], time.monotonic()
        times.append(now)
        value: Any = None
        if len([item for item in times if item > now - 1]) <= 4:
            await super().received(connection, data)
            return
        with contextlib.suppress(ValueError):
            value = json.loads(data)
        error: Frame = {"type": "error", "code": self.code}
        found = value.get("id") if isinstance(value, dict) else None
        if isinstance(found, (str, int, float)) and len(str(found)) <= 20:
            error["id"] = found
        await self.send(connection, error)


@pytest.mark.parametrize("code", ["rate_limited", "later"])
async def test_what_is_too_fast_is_not_taken_for_malformed(tmp_path: Path, code: str) -> None:
    """A limit that the document doesn't tell is met while malformed frames are tried: its code isn't theirs."""
    text = DOCUMENT.replace("  sold_out: {text", f"  {code}: {{text: Slower.}}\n  sold_out: {{text", 1)
    spec = kiosk(tmp_path, text.replace(CODES, f"enum: [malformed, sold_out, {code}]"))
    result = await held(spec, Hurried(spec, code), phases=("examples", "boundaries"))
    assert rules(result) == set()


def test_a_code_that_speaks_of_the_server_is_none_for_malformed_input() -> None:
    """However often it comes: it says nothing of what was sent."""
    malformed = Malformed()
    for code in ("rate_limited", "tooManyRequests", "SERVER_BUSY", "internal", "429", "-32603", "service-unavailable"):
        malformed.learn("a", ("error", code))
        assert not malformed.is_malformed("a", ("error", code))
    for code in ("bad_request", "generated_wrong", "-32600", "unlimited_wish"):
        malformed.learn("a", ("error", code))
        assert malformed.is_malformed("a", ("error", code))
    assert [is_too_much(text) for text in ("4029 too many frames", "A corporate frame.")] == [True, False]


class Shelves(Kiosk):
    """Has one place, and answers others as it answers malformed input."""

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        if value.get("place", "sweets") != "sweets":
            await refuse(self, connection, value, "malformed")
        else:
            await super().asked(connection, value)


async def test_a_name_of_what_is_not_there_may_be_refused_by_the_same_code(tmp_path: Path) -> None:
    """Where the server takes no name that was made up, its refusal shows nothing: that is remarked, and not found."""
    spec = kiosk(tmp_path, SHELVES)
    result = await held(spec, Shelves(spec))
    assert rules(result) == set()
    assert any("maybe for what they name" in text for text in result.remarks)


@pytest.mark.parametrize(
    "refused",
    [
        lambda value: value["count"] == 12,
        lambda value: len(value.get("label", "")) == 8,
        lambda value: "x-unknown" in value,
        lambda value: "label" in value and not value["label"].strip(),
    ],
)
async def test_beside_names_a_value_at_its_boundary_must_be_taken(tmp_path: Path, refused: Any) -> None:
    """Where names are refused like malformed input, one value refused so, beside others that are taken, is found."""
    spec = kiosk(tmp_path, SHELVES)

    class Picky(Shelves):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "buy" and refused(value):
                await refuse(self, connection, value, "malformed")
            else:
                await super().asked(connection, value)

    result = await held(spec, Picky(spec), phases=("examples", "boundaries"))
    assert rules(result) == {"valid-refused"}


WORDED = SHELVES.replace("required: [type, code]", "required: [type, text]").replace(
    f"code: {{type: string, x-codes: x-error-codes, {CODES}}}", "text: {type: string}"
)


class Worded(Shelves):
    """Has a text in place of a code: one for all, or one of its own for `sold_out`."""

    one_for_all = False

    async def send(self, connection: ServerConnection, value: Frame) -> None:
        code = value.pop("code", None)
        if code is not None:
            value["text"] = "there is none" if code == "sold_out" and not self.one_for_all else "that is wrong"
        await super().send(connection, value)


@pytest.mark.parametrize(
    "refused",
    [
        None,
        lambda value: value["count"] == 12,
        lambda value: len(value.get("label", "")) == 8,
        lambda value: "label" in value and not value["label"].strip(),
    ],
)
@pytest.mark.parametrize("one_for_all", [True, False])
async def test_where_errors_have_no_codes_their_texts_are_held_against_one_another(
    tmp_path: Path, refused: Any, one_for_all: bool
) -> None:
    """A good value that gets the text of malformed input is found, a name that isn't there is not."""
    assert "x-codes" not in WORDED
    spec = kiosk(tmp_path, WORDED)

    class Picky(Worded):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "buy" and refused is not None and refused(value):
                await refuse(self, connection, value, "malformed")
            elif value.get("place", "sweets") != "sweets":
                await refuse(self, connection, value, "sold_out")
            else:
                await super().asked(connection, value)

    server = Picky(spec)
    server.one_for_all = one_for_all
    result = await held(spec, server, phases=("examples", "boundaries"))
    assert rules(result) == (set() if refused is None else {"valid-refused"})


@pytest.mark.parametrize("forgets", [True, False])
async def test_a_name_may_be_told_by_another_message(tmp_path: Path, forgets: bool) -> None:
    """A name that is taken because another message told it shows nothing of names that nobody told."""
    look = "look: {payload: {type: object, required: [type], properties: {type: {const: look}"
    told = look.replace("[type]", "[type, place]") + ", place: {type: string, minLength: 1, maxLength: 12}"
    spec = kiosk(tmp_path, SHELVES.replace(look, told).replace("place: sweets}", "place: abc}"))

    class Told(Kiosk):
        places = frozenset({"abc"})

        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "look" and not forgets:
                self.places |= {value["place"]}
            if value["type"] == "buy" and value.get("place", "abc") not in self.places:
                await refuse(self, connection, value, "malformed")
            else:
                await super().asked(connection, value)

    result = await held(spec, Told(spec), phases=("examples", "boundaries", "valid"))
    assert rules(result) == set()
    assert any("maybe for what they name" in text for text in result.remarks)


async def test_a_short_name_may_stand_for_something_by_chance(tmp_path: Path) -> None:
    """Things that are numbered: that one more of them is taken doesn't show that any is."""
    spec = kiosk(
        tmp_path,
        SHELVES.replace("place: {type: string}", "place: {type: string, pattern: '^L[0-9]{1,6}$'}").replace(
            "place: sweets}", "place: L1}"
        ),
    )

    class Numbered(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if int(value.get("place", "L1")[1:]) > 40:
                await refuse(self, connection, value, "malformed")
            else:
                await super().asked(connection, value)

    assert rules(await held(spec, Numbered(spec), phases=("examples", "boundaries", "valid"))) == set()


async def test_each_operation_may_refuse_in_words_of_its_own(tmp_path: Path) -> None:
    """A text that only one operation has for malformed input is known, also where others are simpler."""
    spec = kiosk(tmp_path, WORDED)

    class Wordy(Worded):
        async def received(self, connection: ServerConnection, data: str | bytes) -> None:
            self.about = "buy" if "buy" in str(data) else "it"
            await super().received(connection, data)

        async def send(self, connection: ServerConnection, value: Frame) -> None:
            if "code" in value:
                value |= {"text": f"malformed {self.about}"}
                del value["code"]
            await super().send(connection, value)

        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value.get("count") == 12:
                await refuse(self, connection, value, "malformed")
            else:
                await super().asked(connection, value)

    assert rules(await held(spec, Wordy(spec), phases=("examples", "boundaries"))) == {"valid-refused"}


async def test_what_is_refused_once_and_never_again_is_remarked(tmp_path: Path) -> None:
    """Another connection may have been why: no finding is made of a refusal that doesn't come again."""
    spec = kiosk(tmp_path)

    class Moody(Kiosk):
        refused = False

        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if len(value.get("label", "")) == 8 and not self.refused:
                self.refused = True
                await refuse(self, connection, value, "malformed")
            else:
                await super().asked(connection, value)

    server = Moody(spec)
    result = await held(spec, server, phases=("examples", "boundaries"))
    assert server.refused
    assert rules(result) == set()
    assert any("didn't happen again" in text for text in result.remarks)


QUERY = """    bindings:
      ws:
        query:
          type: object
          required: [nick]
          properties:
            nick: {type: string, pattern: '^[a-z]{1,12}$'}
            history: {type: integer, minimum: 0, maximum: 50}
"""


@pytest.mark.parametrize(("highest", "found"), [(50, set()), (49, {"handshake-refused"}), (-1, {"handshake-refused"})])
async def test_an_optional_value_beside_one_that_was_made_up_must_do(
    tmp_path: Path, highest: int, found: set[str]
) -> None:
    """Where the handshake is let in with a nick that was made up, so must it be with a good optional value more."""
    spec = kiosk(tmp_path, DOCUMENT.replace("    address: /kiosk\n", f"    address: /kiosk\n{QUERY}", 1))

    def check(connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        history = query.get("history", "-1")
        good = re.fullmatch("[a-z]{1,12}", query.get("nick", "")) is not None
        good = good and ("history" not in query or (history.isdecimal() and int(history) <= highest))
        if parts.path != "/kiosk":
            return connection.respond(404, "no")
        return None if good else connection.respond(400, "no")

    async with running(Kiosk(spec), process_request=check) as url:
        result = await run_async(spec, Options(url=url, timeout=0.2, seed=1, phases=("examples", "handshake")))
    assert rules(result) == found


async def test_what_is_pushed_only_to_who_asks_for_it_is_seen(tmp_path: Path) -> None:
    """A value of the query may bring other messages: a good handshake with it is watched for a while."""
    query = "properties: {beat: {type: boolean}}"
    binding = f"    bindings: {{ws: {{query: {{type: object, {query}}}}}}}\n"
    spec = kiosk(tmp_path, DOCUMENT.replace("    address: /kiosk\n", f"    address: /kiosk\n{binding}", 1))

    class Beating(Kiosk):
        async def opened(self, connection: ServerConnection) -> None:
            await super().opened(connection)
            if connection.request is not None and "beat=true" in connection.request.path:
                await asyncio.sleep(0.5)
                await self.send(connection, {"type": "tick", "version": "v1", "at": "now"})

    assert "frame-invalid" in rules(await held(spec, Beating(spec), phases=("examples", "handshake")))
    assert "frame-invalid" not in rules(await held(spec, Kiosk(spec), phases=("examples", "handshake")))


async def test_an_example_must_be_taken(tmp_path: Path) -> None:
    """The document's own example that is refused as malformed needs nothing to be held against it."""
    spec = kiosk(tmp_path)

    class Shut(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "buy":
                await refuse(self, connection, value, "malformed")
            else:
                await super().asked(connection, value)

    assert rules(await held(spec, Shut(spec), phases=("examples",))) == {"valid-refused"}


async def test_what_came_before_may_be_why_a_request_is_refused(tmp_path: Path) -> None:
    """Where what is taken else is refused too, here and now, a value isn't what is wrong."""
    spec = kiosk(tmp_path)

    class Once(Kiosk):
        def __init__(self, spec: Spec) -> None:
            super().__init__(spec)
            self.sold: set[ServerConnection] = set()

        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "buy" and connection in self.sold:
                await refuse(self, connection, value, "malformed")
                return
            if value["type"] == "buy":
                self.sold.add(connection)
            await super().asked(connection, value)

    assert rules(await held(spec, Once(spec))) == set()


class OneEach(Kiosk):
    """Ends the connection after each answer, to good and to bad frames."""

    code = 1000

    async def opened(self, connection: ServerConnection) -> None:
        """Say nothing."""

    async def received(self, connection: ServerConnection, data: str | bytes) -> None:
        await super().received(connection, data)
        await connection.close(self.code)


async def test_a_connection_may_be_for_one_request(tmp_path: Path) -> None:
    """A server that ends each connection behind its answer isn't killed by what is bad."""
    spec = kiosk(tmp_path)
    assert rules(await held(spec, OneEach(spec))) == set()


class Strict(Kiosk):
    """Ends the connection behind an error, with or without saying the error."""

    def __init__(self, spec: Spec, code: int, *, says: bool = True, pause: float = 0.0) -> None:
        super().__init__(spec)
        self.code, self.says, self.pause = code, says, pause

    async def malformed(self, connection: ServerConnection, error: Frame) -> None:
        if self.says:
            await super().malformed(connection, error)
        await asyncio.sleep(self.pause)
        await connection.close(self.code)


CLOSES = "  4400: {name: bad_frame, reconnect: false, text: A frame was bad.}\nchannels:\n"


@pytest.mark.parametrize("pause", [0.0, 0.03])
async def test_a_connection_may_end_behind_its_error(tmp_path: Path, pause: float) -> None:
    """The error is sent and the code is declared: where it comes later, no frame that is sent meanwhile is blamed."""
    spec = kiosk(tmp_path, DOCUMENT.replace("channels:\n", CLOSES, 1))
    phases = ("examples", "invalid")
    assert rules(await held(spec, Strict(spec, 4400, pause=pause), phases=phases)) == set()


@pytest.mark.parametrize(("code", "says"), [(4400, False), (4444, True), (1011, True)])
async def test_a_connection_may_not_end_otherwise(tmp_path: Path, code: int, says: bool) -> None:
    """Without the error, or with a code that isn't declared, it is a fault."""
    spec = kiosk(tmp_path, DOCUMENT.replace("channels:\n", CLOSES, 1))
    result = await held(spec, Strict(spec, code, says=says), phases=("examples", "invalid"))
    assert "invalid-kills" in rules(result)


async def test_an_error_before_excuses_no_kill(tmp_path: Path) -> None:
    """One bad frame is answered as it must be, the next one ends the connection without a word."""
    spec = kiosk(tmp_path, DOCUMENT.replace("channels:\n", CLOSES, 1))

    class Sometimes(Kiosk):
        async def received(self, connection: ServerConnection, data: str | bytes) -> None:
            if '"count": 13' in str(data):
                await connection.close(4400)
            else:
                await super().received(connection, data)

    assert rules(await held(spec, Sometimes(spec), phases=("examples", "invalid"))) == {"invalid-kills"}


async def test_too_many_frames_may_end_a_connection(tmp_path: Path) -> None:
    """A declared code that speaks of a rate says nothing of the frame that was the last."""
    more = "  4029: {name: too_many_frames, reconnect: true, text: More slowly.}\nchannels:\n"
    spec = kiosk(tmp_path, DOCUMENT.replace("channels:\n", more, 1))

    class Counting(Kiosk):
        def __init__(self, spec: Spec) -> None:
            super().__init__(spec)
            self.counts: defaultdict[ServerConnection, int] = defaultdict(int)

        async def received(self, connection: ServerConnection, data: str | bytes) -> None:
            self.counts[connection] += 1
            if self.counts[connection] > 5:
                await connection.close(4029)
            else:
                await super().received(connection, data)

    assert rules(await held(spec, Counting(spec), phases=("examples", "invalid"))) == set()


def device(fault: Any, name: str = "deviceFault") -> Any:
    """Return a document of a device that is told a speed, answers nothing, and pushes its faults."""
    speed = {"type": "object", "required": ["speed"], "properties": {"speed": {"type": "integer", "maximum": 9}}}
    channel = {"address": "/kiosk", "messages": {"setSpeed": {"payload": speed}, name: fault}}

    def operation(action: str, message: str) -> Any:
        return {
            "action": action,
            "channel": {"$ref": "#/channels/kiosk"},
            "messages": [{"$ref": f"#/channels/kiosk/messages/{message}"}],
        }

    return {
        "asyncapi": "3.0.0",
        "info": {"title": "T", "version": "1"},
        "channels": {"kiosk": channel},
        "operations": {"setting": operation("receive", "setSpeed"), "telling": operation("send", name)},
    }


def fault(**more: Any) -> Any:
    """Return the message of a fault, with more members."""
    texts = {"device": {"type": "string"}, "reason": {"type": "string"}}
    return {"payload": {"type": "object", "required": ["device"], "properties": {**texts, **more}}}


LISTED = {"type": "string", "enum": ["a", "b"]}


@pytest.mark.parametrize(
    ("name", "message", "is_error"),
    [
        ("deviceFault", fault(), False),
        ("deliveryFailed", fault(code={"type": "string"}), False),
        ("sensorProblem", fault(state=LISTED), False),
        ("deviceFault", fault(code=LISTED), True),
        ("deviceFault", fault(about={"type": "object", "properties": {"error_code": LISTED}}), True),
        ("deviceFault", {**fault(id={"type": "string"}), "correlationId": {"location": "$message.payload#/id"}}, True),
        ("error", fault(), True),
        ("ErrorMessage", fault(), True),
        ("terror", fault(), False),
    ],
)
def test_what_is_pushed_is_an_error_only_if_it_says_so(tmp_path: Path, name: str, message: Any, is_error: bool) -> None:
    """Telemetry may be called a fault: an error is called so, has codes, or names what it answers."""
    path = tmp_path / "device.json"
    path.write_text(json.dumps(device(message, name)))
    assert bool(load_spec(path).channel("kiosk").errors) == is_error


async def test_what_is_dropped_is_no_fault_where_no_error_is_declared(tmp_path: Path) -> None:
    """A device that drops what it doesn't understand, as nothing says that it mustn't, and tells of its faults."""
    path = tmp_path / "device.json"
    path.write_text(json.dumps(device(fault())))
    spec = load_spec(path)

    class Device(Kiosk):
        async def received(self, connection: ServerConnection, data: str | bytes) -> None:
            """Drop it."""

        async def opened(self, connection: ServerConnection) -> None:
            await self.send(connection, {"device": "m1", "reason": "hot"})

    began = time.monotonic()
    result = await held(spec, Device(spec), timeout=1.0)
    assert rules(result) == set()
    assert time.monotonic() - began < 20


class Faulty(Kiosk):
    """Answers purchases by a price that is no text: `all`, or that of one id; then it also refuses odd labels."""

    def __init__(self, spec: Spec, where: str) -> None:
        super().__init__(spec)
        self.where = where

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        if value["type"] != "buy":
            await super().asked(connection, value)
        elif self.where == "all" or value["id"] == 0.1:
            await self.send(connection, {"type": "sold", "id": value["id"], "price": 5})
        elif not value.get("label", "a").isalpha():
            await refuse(self, connection, value, "malformed")
        else:
            await super().asked(connection, value)


async def test_an_operation_that_is_given_up_is_said(tmp_path: Path) -> None:
    """The phase isn't complete then; it and what wasn't met say why."""
    spec = kiosk(tmp_path)
    result = await held(spec, Faulty(spec, "all"), phases=("boundaries",))
    phase = result.phases[0]
    assert (phase.complete, "faults of buying" in phase.note) == (False, True)
    reasons = {
        reason
        for name, reason in result.coverage.keywords.reasons.items()
        if name.startswith("kiosk/buy#") and name.endswith(" valid") and not result.coverage.keywords.counts[name]
    }
    assert reasons
    assert all("given up after" in reason for reason in reasons)


async def test_faults_of_other_places_are_still_looked_for(tmp_path: Path) -> None:
    """Four faults at one member don't hide what is wrong at another."""
    spec = kiosk(tmp_path)
    result = await held(spec, Faulty(spec, "labels"), phases=("boundaries",))
    assert rules(result) == {"valid-refused", "frame-invalid"}
