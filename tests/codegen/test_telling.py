"""Messages that no one member tells apart: a frame is the first that it fits, of those with most demands first."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.generate import load
from codegen.reading import Reader
from codegen.telling import alike, in_order
from tests.codegen.support import document_of

Load = Callable[[str, str], ModuleType]


def decode(load_module: Load, case: str, channel: str) -> Callable[[str | bytes], Any]:
    """Return the function that decodes a channel's frames."""
    found: Callable[[str | bytes], Any] = getattr(load_module(case, "messages"), f"decode_{channel}")
    return found


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        ("{}", "Anything"),
        ('{"note": "a"}', "Anything"),
        ('{"room": "a"}', "Join"),
        ('{"room": "a", "text": "b"}', "Say"),
        ('{"type": "typed", "room": "a", "text": "b"}', "Typed"),
        ('{"type": "other", "room": "a", "text": "b"}', "Say"),
        ('{"event": "close"}', "Event"),
        ('{"event": "pause"}', "Other"),
        ('{"event": "lost"}', "Anything"),
        ('{"op": 1}', "Number"),
        ('{"op": 1.0}', "Number"),
        ('{"op": true}', "Flag"),
        ('{"op": "1"}', "Text"),
        ('{"data": {"kind": "deep"}}', "Deep"),
        ('{"data": {"kind": "deeper", "depth": 1}}', "Deeper"),
        ('{"data": {"kind": "deepest"}}', "Anything"),
        ('{"type": "a", "a": 1}', "Either"),
        ('{"type": "b", "b": 1}', "Either"),
        ('{"type": "b", "a": 1}', "Anything"),
    ],
)
def test_a_frame_is_the_message_that_demands_most(frame: str, name: str, load_module: Load) -> None:
    """Members of known values count before members that must be there, and those before none at all."""
    assert type(decode(load_module, "by_structure", "chat")(frame)).__name__ == name


@pytest.mark.parametrize(
    ("channel", "frame", "name", "value"),
    [
        ("echo", "a line", "Line", "a line"),
        ("echo", '"a"', "Line", '"a"'),
        ("echo", b"{}", "Line", "{}"),
        ("sound", b"\x00\xff", "Chunk", b"\x00\xff"),
        ("sound", b"{}", "Chunk", b"{}"),
        ("sound", "1.5", "Level", 1.5),
        ("sound", "1.5 Hz", "Heard", "1.5 Hz"),
        ("sound", '{"stop": 1}', "Heard", '{"stop": 1}'),
        ("lists", "[1, 2]", "Numbers", [1, 2]),
        ("lists", "7", "Count", 7),
        ("lists", '"ping"', "Ping", "ping"),
        ("any", "null", "Something", None),
        ("any", '{"words": []}', "Something", {"words": []}),
    ],
)
def test_a_frame_may_be_any_json_or_none(
    channel: str, frame: str | bytes, name: str, value: object, load_module: Load
) -> None:
    """A payload that is no object of one class stands in `root`: JSON before text, and bytes in binary frames."""
    message = decode(load_module, "forms", channel)(frame)
    assert type(message).__name__ == name
    assert message.root == value


def test_a_json_object_is_its_message_among_texts(load_module: Load) -> None:
    """A text that is JSON is taken as that where a message fits it."""
    assert decode(load_module, "forms", "sound")('{"stop": true}').stop is True


@pytest.mark.parametrize(
    ("case", "channel", "frame", "reason", "detail"),
    [
        ("by_structure", "chat", "{", "malformed", "The frame is not JSON: it goes wrong at character 2."),
        ("by_structure", "chat", "[]", "invalid", "The frame is not as its schema says."),
        ("by_structure", "chat", '{"note": 1}', "invalid", "note must be a string."),
        (
            *("by_structure", "chat", '{"room": 1, "text": "b", "note": 1}', "invalid"),
            "The frame is none of say, join, anything. For say: room must be a string.",
        ),
        ("forms", "echo", b"\xff", "malformed", "The frame is not UTF-8."),
        ("forms", "echo", "x" * 81, "invalid", "The frame is not as its schema says."),
        (
            *("forms", "lists", '"pong"', "invalid"),
            "The frame is none of numbers, count. For numbers: The frame is not as its schema says.",
        ),
        ("several_ids", "c", "{}", "unknown_type", "The frame is none of the messages that are known here."),
        ("several_ids", "c", '{"b": "x"}', "invalid", "b must be an integer."),
        ("forms", "any", "x", "malformed", "The frame is not JSON: it goes wrong at character 1."),
    ],
)
def test_a_frame_that_fits_nothing_is_told_why(
    case: str, channel: str, frame: str | bytes, reason: str, detail: str, load_module: Load
) -> None:
    """The sentence is about the first message that the frame may have been."""
    with pytest.raises(load_module(case, "wire").DecodeError) as caught:
        decode(load_module, case, channel)(frame)
    assert caught.value.reason == reason
    assert caught.value.detail == detail


def test_a_refused_frame_keeps_its_correlation_id(load_module: Load) -> None:
    """What may answer it finds the id where one of the messages that it may have been has it."""
    with pytest.raises(load_module("several_ids", "wire").DecodeError) as caught:
        decode(load_module, "several_ids", "c")('{"id": 7, "a": "no"}')
    assert caught.value.correlation_id == 7
    with pytest.raises(load_module("several_ids", "wire").DecodeError) as caught:
        decode(load_module, "several_ids", "c")('{"id": 8,, "a": "no"}')
    assert caught.value.correlation_id is None


@pytest.mark.parametrize(("case", "channel"), [("by_structure", "chat"), ("forms", "lists"), ("forms", "sound")])
@settings(max_examples=200)
@given(
    frame=st.one_of(
        st.text(max_size=60),
        st.binary(max_size=60),
        st.sampled_from(["NaN", '{"a": 1, "a": 2}', '{"x": "\\ud800"}', "[" * 100_000, "9" * 400, "1e999"]),
    )
)
def test_any_frame_is_a_message_or_a_refusal(case: str, channel: str, frame: str | bytes, load_module: Load) -> None:
    """No frame makes decoding raise anything but DecodeError."""
    refusals: list[Exception] = []
    try:
        decode(load_module, case, channel)(frame)
    except load_module(case, "wire").DecodeError as error:
        refusals.append(error)
    assert all(str(error).endswith(".") for error in refusals)


def test_what_nothing_tells_apart_is_warned_of() -> None:
    """Two messages that the same frame fits are taken in the document's order, and the document is told."""
    document = load(document_of("union_without_tag"))
    assert {fault.rule for fault in document.faults.warnings} == set()
    document = load(document_of("same_tag"))
    assert [fault.rule for fault in document.faults.warnings] == ["ambiguous-union"]
    reader = Reader(document, "server")
    (channel,) = reader.channels()
    incoming, _ = reader.crossing(channel)
    assert [message.key for message in in_order(reader, incoming)] == ["a", "b"]
    assert [(one.key, other.key) for one, other in alike(reader, incoming)] == [("a", "b")]


def test_an_operation_that_names_its_message_gets_it(load_module: Load) -> None:
    """Of several operations that take a message, one that names it comes before one that takes all of its channel."""
    operations = load_module("both_ways", "operations").TalkOperations
    hints = {name: getattr(operations, name).__annotations__["message"] for name in ("all", "leave")}
    assert hints["leave"].__name__ == "Bye"
    assert "Bye" not in str(hints["all"])
    assert not hasattr(operations, "again")
    document = load(document_of("both_ways"))
    assert "ambiguous-operation" in {fault.rule for fault in document.faults.warnings}
