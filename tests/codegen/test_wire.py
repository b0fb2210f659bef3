"""Decode and encode, as generated: whatever a frame holds, it is a message or a DecodeError that helps."""

import json
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import MISSING, BaseModel

import generated.models
from codegen.document import Document, Place
from codegen.faults import Faults
from codegen.judge import Judge
from codegen.schemas import object_parts
from generated.document import document_json
from generated.errors import CloseCode, ErrorCode
from generated.messages import BarsOutgoing, DecodeError, decode_bars, delivery_bars, encode_bars
from generated.models import (
    Bar,
    BarsAck,
    BarsAckPayload,
    BarsSubscribe,
    BarsUpdate,
    BarsUpdatePayload,
    Error,
    ErrorPayload,
    Ping,
    PingPayload,
    Pong,
    PongPayload,
)
from tests.codegen.support import document_of, names, outcome

Load = Callable[[str, str], ModuleType]
NOTES = [case for case in names()[0] if "decode_notes" in outcome(case)["messages.py"] and case != "schemas"]
"""Those with one message `note`. Values for the schemas of `schemas` are more than this module makes up: see
test_agreement.
"""


def refusal(frame: str | bytes) -> DecodeError:
    """Return what decoding a frame raises."""
    with pytest.raises(DecodeError) as caught:
        decode_bars(frame)
    return caught.value


def attempt(decode: Callable[[str | bytes], Any], frame: str | bytes, error: type[Exception]) -> tuple[Any, Any]:
    """Return the message that a frame holds and None, or None and the refusal."""
    try:
        return decode(frame), None
    except error as refused:
        return None, refused


def update(**changes: Any) -> BarsUpdate:
    """Return a complete update."""
    bar = Bar(time=1338508800000, open=569.16, high=572.65, low=560.52, close=560.99, volume=18606700)
    members: dict[str, Any] = {"symbol": "AAPL", "resolution": "1D", "bar": bar, "timestamp": 1793325654321, **changes}
    return BarsUpdate(payload=BarsUpdatePayload(**members))


HOSTILE: list[str | bytes] = [
    *("", " ", "{", "}", "[", "nul", "tru", "'a'", '{"a":1,}', "{a:1}", '{"type":"ping"} x', "\x00", "\ufeff{}"),
    *(b"", b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"type":"ping\xff"}', "\ud800", '{"type":"ping","a":"\ud800"}'),
    *("[]", "1", '"ping"', "null", "true", "NaN", "-Infinity", '{"type":NaN}', '{"type":"ping","x":Infinity}'),
    *('{"type":"ping","x":1e400}', '{"type":"ping","x":-1e400}', '{"type":"ping","x":1e999999999999999999999}'),
    *(f'{{"type":"ping","x":{"9" * digits}}}' for digits in (309, 310, 400, 5000)),
    f'{{"type":"ping","x":-{"9" * 400}}}',
    *('{"type":"ping","type":"ping"}', '{"type":"ping","payload":{"id":1,"id":1}}', '{"a":{"b":1,"b":2}}'),
    *('{"type":"\\ud800"}', '{"type":"ping","\\udfff":1}', '{"type":"ping","payload":{"id":"\\ud800"}}'),
    *("[" * 100_000, '{"a":' * 100_000, '{"type":"ping","x":' + "[" * 100_000 + "]" * 100_000 + "}"),
    *("{}", '{"type":1}', '{"type":null}', '{"type":["ping"]}', '{"type":{}}', '{"Type":"ping"}', '{"payload":{}}'),
]


@pytest.mark.parametrize("frame", HOSTILE, ids=lambda frame: repr(frame)[:40])
def test_hostile_frames_are_malformed(frame: str | bytes) -> None:
    """What is no JSON object with a tag is malformed, and the sentence about it quotes nobody else's exception."""
    error = refusal(frame)
    assert error.reason == "malformed"
    assert str(error) == error.detail
    assert error.detail.endswith(".")
    assert "pydantic" not in error.detail.lower()
    assert "Expecting" not in error.detail
    assert len(error.detail) < 200


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_any_frame_is_a_message_or_a_refusal(frame: str | bytes) -> None:
    """No text and no bytes make decoding raise anything but DecodeError."""
    message, error = attempt(decode_bars, frame, DecodeError)
    assert message is not None or error.detail


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(10**20), max_value=10**20),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=70),
    st.sampled_from(["bars.subscribe", "ping", "1D", "\ud800", 5.0, 1e300, 2**53, -(2**53), -0.0]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["type", "payload", "symbol", "resolution", "id", "x"]), inner, max_size=4),
    ),
    max_leaves=8,
)
FRAMES = st.fixed_dictionaries(
    {"type": st.one_of(st.sampled_from(["bars.subscribe", "bars.unsubscribe", "ping", "pong"]), JSON)},
    optional={
        "payload": st.one_of(
            JSON,
            st.fixed_dictionaries({"symbol": st.text(max_size=130)}, optional={"resolution": SCALARS, "id": SCALARS}),
        ),
        "more": JSON,
    },
)


def schema_of(message: str) -> Any:
    """Return a schema of the bundled document, for one message's payload."""
    document = json.loads(document_json())
    return {**document, **document["components"]["messages"][message]["payload"]}


INCOMING = {
    tag: jsonschema_rs.Draft7Validator(schema_of(key))
    for tag, key in {"bars.subscribe": "barsSubscribe", "bars.unsubscribe": "barsUnsubscribe", "ping": "ping"}.items()
}


def is_plain(value: Any) -> bool:
    """Tell whether a value can be written as JSON in UTF-8."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, UnicodeEncodeError):
        return False
    return True


@given(FRAMES)
@example({"type": "ping", "payload": {"id": 5.0}})
@example({"type": "ping", "payload": {"id": 5.5}})
@example({"type": "ping", "payload": {"id": True}})
@example({"type": "ping", "payload": {"id": None}})
@example({"type": "ping", "payload": {"id": 2**53}})
@example({"type": "ping", "payload": {"id": "x" * 65}})
@example({"type": "bars.subscribe", "payload": {"symbol": 5}})
@settings(max_examples=400)
def test_decode_agrees_with_the_document(body: dict[str, Any]) -> None:
    """A frame is accepted exactly when an independent judge finds its body valid under the message of its type."""
    frame = json.dumps(body)
    tag = body["type"]
    valid = is_plain(body) and isinstance(tag, str) and tag in INCOMING and INCOMING[tag].is_valid(body)
    message, error = attempt(decode_bars, frame, DecodeError)
    assert (message is not None) == valid, error
    assert message is None or message.type == tag
    if error is not None and is_plain(body) and tag in list(INCOMING):
        assert error.reason == "invalid"


EDGES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    5,
    5.0,
    1.5,
    0.5,
    10,
    "",
    "a",
    "ab",
    "abc",
    "abcd",
    "x1",
    [],
    {},
    {"more": 1},
]


def candidates(document: Document, judge: Judge, place: Place, depth: int = 3) -> list[Any]:
    """Return values that fit a schema or nearly do: each one is worth a question."""
    schema = document.resolve(place)
    assert schema is not None
    found: list[Any] = list(EDGES)
    for name in ("const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        found += [schema.members[name]] if name in schema else []
    found += schema.members.get("enum", [])
    if not depth:
        return found
    for name in ("oneOf", "anyOf", "allOf"):
        for branch in schema.under(name):
            found += candidates(document, judge, branch, depth - 1)
    items = schema.get("items")
    if items is not None and isinstance(items.value, list):
        places = [fitting(document, judge, place, depth - 1) or EDGES for place in items.children()]
        found += [[values[turn % len(values)] for values in places] for turn in range(4)]
    elif items is not None:
        inner = fitting(document, judge, items, depth - 1)
        found += (
            [[value] for value in inner] + [inner[-1:] * count for count in range(1, 5)] + [[value] for value in EDGES]
        )
    more = schema.get("additionalProperties")
    if more is not None and isinstance(more.value, dict):
        found += [{"key": value} for value in fitting(document, judge, more, depth - 1)]
    members: dict[str, list[Any]] = {}
    for part in object_parts(document, schema):
        for member in part.under("properties"):
            members[member.key] = fitting(document, judge, member, depth - 1) or EDGES
    required = schema.members.get("required", [])
    for turn in range(min(8, max(map(len, members.values()), default=0))):
        every = {name: values[turn % len(values)] for name, values in members.items()}
        found += [every, {name: value for name, value in every.items() if name in required}]
        found += [{name: value for name, value in every.items() if name != absent} for absent in every]
    return found


def fitting(document: Document, judge: Judge, place: Place, depth: int = 3) -> list[Any]:
    """Return the candidates that do fit."""
    return [value for value in candidates(document, judge, place, depth) if not list(judge.faults(place, value))]


def bodies(document: Document, judge: Judge, payload: Place) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies whose members mostly fit their schemas, so that a single one which doesn't decides."""
    members: dict[str, st.SearchStrategy[Any]] = {}
    for part in object_parts(document, payload):
        for member in part.under("properties"):
            fit = fitting(document, judge, member)
            assert fit, member.key
            every = candidates(document, judge, member)
            members[member.key] = st.one_of(*[st.sampled_from(fit)] * 5, st.sampled_from(every))
    required = {name for part in object_parts(document, payload) for name in part.members.get("required", ())}
    whole = st.fixed_dictionaries(
        {name: value for name, value in members.items() if name in required},
        optional={"more": st.sampled_from(EDGES), **{name: members[name] for name in members if name not in required}},
    )
    holed = st.dictionaries(st.sampled_from([*members, "more"]), st.sampled_from(EDGES), max_size=3)
    return st.one_of(whole, whole, whole, holed)


@pytest.mark.parametrize("case", NOTES)
def test_every_golden_case_agrees_with_its_schema(case: str, load_module: Load) -> None:
    """For each golden document, decoding accepts a body exactly when jsonschema-rs does, and encoding gives it back."""
    document = Document(document_of(case), Faults())
    judge = Judge(document)
    payload = document.root.get("components").get("messages").get("note").get("payload")  # type: ignore[union-attr]
    assert payload is not None
    messages, wire = load_module(case, "messages"), load_module(case, "wire")

    @settings(max_examples=150, database=None, derandomize=True)
    @given(bodies(document, judge, payload))
    def check(body: dict[str, Any]) -> None:
        valid = not list(judge.faults(payload, body))
        message, error = attempt(messages.decode_notes, json.dumps(body), messages.DecodeError)
        assert (message is not None) == valid, (body, error)
        if message is None:
            assert error.detail.endswith(".")
            return
        frame = wire.encode(message)
        assert messages.decode_notes(frame) == message
        assert not list(judge.faults(payload, json.loads(frame))), (body, frame)

    check()


@pytest.mark.parametrize(
    ("frame", "reason", "detail", "identity"),
    [
        ('{"type":"x","payload":{"id":3}}', "unknown_type", 'type "x" is not known here. Send one of bars.sub', 3),
        ('{"type":"' + "y" * 500 + '"}', "unknown_type", 'type "' + "y" * 61 + '..." is not known here.', None),
        ('{"payload":{"id":"a"}}', "malformed", "type is missing. Send one of bars.subscribe", "a"),
        ('{"type":5,"payload":{"id":"a"}}', "malformed", "type must be a string. Send one of", "a"),
        ('{"type":"bars.subscribe","payload":{"id":7}}', "invalid", "payload.symbol is missing.", 7),
        ('{"type":"bars.subscribe"}', "invalid", "payload is missing.", None),
        ('{"type":"bars.subscribe","payload":[]}', "invalid", "payload must be an object.", None),
        (
            '{"type":"bars.subscribe","payload":{"symbol":7,"id":{"a":[1]}}}',
            "invalid",
            "payload.symbol must be a string of at most 128 characters.",
            {"a": [1]},
        ),
        ('{"type":"ping","payload":{"id":true}}', "invalid", "payload.id must be a string of at most 64 char", True),
        ('{"type":"ping","payload":{"id":7,"x":1e400}}', "malformed", "The frame holds a number that is out of", 7),
        ('{"type":"ping","payload":{"id":7,"x":NaN}}', "malformed", "The frame holds NaN or Infinity", 7),
        ('{"type":"ping","payload":{"id":7,"x":1,"x":1}}', "malformed", "The frame names a member twice", 7),
        ('{"type":"ping","payload":{"id":7,"id":8}}', "malformed", "The frame names a member twice", None),
        ('{"type":"ping","payload":{"id":7,"\\ud800":8}}', "malformed", "The frame holds half of a surrogate", 7),
        ('{"type":"ping","payload":{"id":"\\ud800"}}', "malformed", "The frame holds half of a surrogate", None),
        (
            '{"type":"ping","payload":{"id":7}',
            "malformed",
            "The frame is not JSON: it goes wrong at character 34.",
            None,
        ),
        ('{"type":"ping","payload":{"id":' + "1" * 400 + "}}", "malformed", "The frame holds a number", None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_refusal_says_what_to_do(frame: str, reason: str, detail: str, identity: object) -> None:
    """A refusal names the member and what it must be, and carries the request's id wherever that can be read."""
    error = refusal(frame)
    assert (error.reason, error.correlation_id) == (reason, identity)
    assert error.detail.startswith(detail)


def test_a_refusal_names_its_tag() -> None:
    """The tag comes along where it could be read."""
    assert refusal('{"type":"bars.subscribe"}').tag == "bars.subscribe"
    assert refusal('{"type":"who"}').tag == "who"
    assert refusal('{"type":5}').tag is None
    assert refusal("").tag is None


@pytest.mark.parametrize(
    ("text", "identity"),
    [("5.0", 5), ("1e2", 100), ("-0.0", 0), ("0e-999999999999999999999", 0), ("9007199254740991.0", 2**53 - 1)],
)
def test_whole_numbers_are_integers_however_they_are_written(text: str, identity: int) -> None:
    """JSON knows one kind of number: 5.0 is the integer 5."""
    message = decode_bars(f'{{"type":"ping","payload":{{"id":{text}}}}}')
    assert isinstance(message, Ping)
    assert isinstance(message.payload, PingPayload)
    assert message.payload.id == identity
    assert type(message.payload.id) is int


@pytest.mark.parametrize("text", ["5.5", "1e-400", "5.00000000000000000000000001", "9007199254740993.0", "1e17"])
def test_fractions_and_numbers_beyond_the_bound_are_no_ids(text: str) -> None:
    """What only looks whole after rounding is refused, and so is what lies beyond the schema's bound."""
    assert refusal(f'{{"type":"ping","payload":{{"id":{text}}}}}').reason == "invalid"


def test_absent_members_are_missing_and_defaults_are_filled_in() -> None:
    """An optional member is MISSING, one with a default has it, and members that nobody knows are dropped."""
    message = decode_bars(b'{"type":"bars.subscribe","payload":{"symbol":"A","later":[{}]},"more":1}')
    assert isinstance(message, BarsSubscribe)
    assert message.payload.id is MISSING
    assert message.payload.resolution == "1D"
    assert decode_bars('{"type":"ping"}') == Ping()


def test_pairs_of_surrogates_are_characters() -> None:
    """A character written as two escapes arrives as one."""
    message = decode_bars('{"type":"ping","payload":{"id":"\\ud83d\\ude00"}}')
    assert message == Ping(payload=PingPayload(id="\U0001f600"))


def test_the_shortest_frame() -> None:
    """Encoding writes the tag, leaves out what is absent, keeps integers integers, and adds no blanks."""
    assert encode_bars(update(final=True, seq=42, prev=41, epoch="5f1c0a7e")) == (
        b'{"type":"bars.update","payload":{"symbol":"AAPL","resolution":"1D","bar":{"time":1338508800000,"open":569.16,'
        b'"high":572.65,"low":560.52,"close":560.99,"volume":18606700},"timestamp":1793325654321,"final":true,"seq":42,'
        b'"prev":41,"epoch":"5f1c0a7e"}}'
    )
    assert encode_bars(Pong(payload=PongPayload(timestamp=1))) == b'{"type":"pong","payload":{"timestamp":1}}'


def test_ids_come_back_as_they_were() -> None:
    """A handler passes an absent id on as it is, and it stays absent; text and integers stay what they are."""
    for text, expected in (('{"id":"7"}', b'"id":"7"'), ('{"id":7}', b'"id":7'), ("{}", b"")):
        message = decode_bars(f'{{"type":"ping","payload":{text}}}')
        assert isinstance(message, Ping)
        assert isinstance(message.payload, PingPayload)
        frame = encode_bars(Pong(payload=PongPayload(timestamp=1, id=message.payload.id)))
        assert expected in frame
        assert (b'"id"' in frame) == bool(expected)


def test_what_json_can_not_say_is_never_written() -> None:
    """A number that is not finite, or half a character, raises, even where validation was gone round."""
    with pytest.raises(ValueError, match="finite"):
        Bar(time=1, open=math.nan, high=1, low=1, close=1)
    smuggled = update().payload.bar.model_copy(update={"open": math.inf})
    with pytest.raises(ValueError, match="no JSON number"):
        encode_bars(BarsUpdate(payload=update().payload.model_copy(update={"bar": smuggled})))
    with pytest.raises(ValueError, match="surrogates"):
        encode_bars(
            Error(payload=ErrorPayload(code=ErrorCode.INTERNAL, message="x").model_copy(update={"message": "\ud800"}))
        )
    said = Error(payload=ErrorPayload(code=ErrorCode.INTERNAL, message="NaN and Infinity"))
    assert b"NaN and Infinity" in encode_bars(said)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (update(), "latest"),
        (update(final=False), "latest"),
        (update(final=True), "lossless"),
        (Pong(payload=PongPayload(timestamp=1)), "lossless"),
        (BarsAck(payload=BarsAckPayload(status="ok", symbol="A", resolution="1D", message="m")), "lossless"),
    ],
    ids=str,
)
def test_delivery_follows_the_document(message: BarsOutgoing, expected: str) -> None:
    """A bar that is open may be replaced by a newer one; everything else is lossless."""
    assert delivery_bars(message) == expected


def test_models_are_values() -> None:
    """A model is frozen, and compares and hashes by what it holds."""
    one, other = update(), update()
    assert one == other
    assert hash(one) == hash(other)
    with pytest.raises(ValueError, match="frozen"):
        one.payload.symbol = "B"


@pytest.mark.parametrize(
    "members",
    [
        {"final": None},
        {"seq": None},
        {"seq": "1"},
        {"seq": 1.0},
        {"timestamp": True},
        {"seq": -1},
        {"symbol": "x" * 129},
    ],
    ids=str,
)
def test_handlers_can_not_build_what_the_document_forbids(members: dict[str, Any]) -> None:
    """Construction is as strict as decoding: no null for what is absent, no text for a number."""
    with pytest.raises(ValueError, match="validation error"):
        update(**members)


def test_error_codes_and_close_codes_have_their_texts() -> None:
    """The enums hold exactly what the document lists, with its texts."""
    document = json.loads(document_json())
    assert {code.value: code.text for code in ErrorCode} == {
        name: entry["text"] for name, entry in document["x-error-codes"].items()
    }
    assert {str(int(code)): (code.name.lower(), code.text, code.reconnect) for code in CloseCode} == {
        number: (entry["name"], entry["text"], entry["reconnect"])
        for number, entry in document["x-close-codes"].items()
    }
    assert json.loads(encode_bars(Error(payload=ErrorPayload(code=ErrorCode.INTERNAL, message="m")))) == {
        "type": "error",
        "payload": {"code": "internal", "message": "m"},
    }


def test_the_documents_own_examples_pass() -> None:
    """Each example of the document survives its model and the encoder without a change, but for defaults."""
    document = json.loads(document_json())
    seen = 0
    for key, message in document["components"]["messages"].items():
        model: type[BaseModel] = getattr(generated.models, key[0].upper() + key[1:])
        for case in message["examples"]:
            built = model.model_validate(case["payload"])
            written = json.loads(built.__pydantic_serializer__.to_json(built))
            assert jsonschema_rs.Draft7Validator(schema_of(key)).is_valid(written)
            assert written["type"] == message["name"]
            inner = case["payload"].get("payload", {})
            assert {name: written["payload"][name] for name in inner} == inner
            seen += 1
    assert seen >= len(document["components"]["messages"])


def test_a_channel_that_takes_nothing_refuses_everything(load_module: Load) -> None:
    """A push-only channel answers any frame with a refusal."""
    messages = load_module("push_only", "messages")
    for frame, reason in (('{"type":"say"}', "unknown_type"), ("", "malformed"), ("[]", "malformed")):
        with pytest.raises(messages.DecodeError) as caught:
            messages.decode_chat(frame)
        assert caught.value.reason == reason


def test_paths_name_items_and_members(load_module: Load) -> None:
    """A refusal shows the way to the value, through lists and maps, and cuts what the client wrote."""
    lists, maps = load_module("lists", "messages"), load_module("maps", "messages")
    closed, nested = load_module("closed", "messages"), load_module("nested", "messages")
    recursion = load_module("recursion", "messages")
    long = "k" * 100
    for module, body, detail in (
        (lists, {"names": ["a", 5]}, "names[1] must be a string."),
        (lists, {"names": ["a"] * 4}, "names must be a list of 1 to 3 items."),
        (lists, {"names": ["a"], "points": [{"x": 1}, {}]}, "points[1].x is missing."),
        (lists, {"names": ["a"], "grid": [[1, "a"]]}, "grid[0][1] must be a number."),
        (maps, {"counts": {long: "a"}}, f"counts.{'k' * 61}... must be an integer."),
        (maps, {"counts": {}, "points": {"p": {}}}, "points.p.x is missing."),
        (closed, {"a": "x", "b": 1}, "b is not allowed. Leave it out."),
        (nested, {"head": {"title": "t", "style": {"bold": 1}}}, "head.style.bold must be true or false."),
        (recursion, {"tree": {"name": "a", "branches": [{}]}}, "tree.branches[0] must be an object."),
        (recursion, {"tree": {"name": "a"}, "json": [[["a"], 1]]}, "json must be a string or a list."),
    ):
        with pytest.raises(module.DecodeError) as caught:
            module.decode_notes(json.dumps(body))
        assert caught.value.detail == detail


def test_free_form_members_survive_depth(load_module: Load) -> None:
    """A value of any form that nests deeply is taken or refused, and nothing else happens."""
    messages = load_module("free_form", "messages")
    for depth in (10, 100, 250, 500, 900, 5000, 100_000):
        frame = '{"anything":' + "[" * depth + "]" * depth + "}"
        message, error = attempt(messages.decode_notes, frame, messages.DecodeError)
        assert message is not None or depth > 100, error
        assert message is None or load_module("free_form", "wire").encode(message) == frame.encode()


def test_names_of_python_are_not_names_of_the_wire(load_module: Load) -> None:
    """A member whose name Python can't take is read and written under its own name only."""
    messages, models, wire = (load_module("odd_names", name) for name in ("messages", "models", "wire"))
    message = messages.decode_notes('{"class":"c","a-b":"d","from_":"x"}')
    assert message == models.Note(class_="c", a_b="d")
    assert wire.encode(message) == b'{"class":"c","a-b":"d"}'
    with pytest.raises(messages.DecodeError, match="class is missing"):
        messages.decode_notes('{"class_":"c","a-b":"d"}')
