"""Telling: which message a frame is, what is wrong with it, and whether it speaks of a failure."""

import json
from pathlib import Path
from typing import Any

import pytest

from contract.spec import Spec, load_spec
from contract.telling import Told, code_of, id_of, is_refusal, is_text, may_refuse, parse, tell
from contract.ways import ABSENT, at, put, way_text
from tests.contract.unit.kiosk import kiosk


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    """Return the kiosk's document."""
    return kiosk(tmp_path_factory.mktemp("telling"))


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "{", "", "[" * 100_000, "1" * 5000, '"\x01"'])
def test_what_is_no_json_is_told_so(text: str) -> None:
    """Whatever comes, it is parsed or it is none."""
    assert parse(text) == (False, None)


def test_values_are_reached_and_put() -> None:
    """A way leads through members and items, and putting copies."""
    value = {"a": [{"b": 1}]}
    assert at(value, ("a", 0, "b")) == 1
    assert [at(value, way) for way in (("a", 1), ("a", "0"), ("b",), ("a", 0, "b", "c"))] == [ABSENT] * 4
    assert at("text", (0,)) is ABSENT
    assert put(value, ("a", 0, "b"), 2) == {"a": [{"b": 2}]}
    assert put(value, ("c", "d"), 3) == {"a": [{"b": 1}], "c": {"d": 3}}
    assert put(value, (), 4) == 4
    assert value == {"a": [{"b": 1}]}


def test_half_of_a_surrogate_pair_can_t_be_sent() -> None:
    """JSON can escape it, UTF-8 can't hold it."""
    assert [is_text(value) for value in ("a", "é😀", 1, "\ud800", {"\udfff": 1})] == [True, True, True, False, False]


def test_a_message_is_known_by_its_tag_even_if_another_constant_is_wrong(spec: Spec) -> None:
    """`version` is a constant too: a wrong one breaks the schema, and makes no other message of it."""
    told = tell(spec.channel("kiosk"), '{"type": "tick", "version": "v2", "at": 1}')
    assert (told.message and told.message.key, told.path, told.keyword) == ("tick", ("version",), "const")


@pytest.mark.parametrize(
    ("frame", "key", "path"),
    [
        ({"type": "tick", "version": "v1", "at": 1}, "tick", ()),
        ({"type": "sold", "id": 1, "price": "1", "items": [{"name": 5}]}, "sold", ("items", 0, "name")),
        ({"type": "sold", "id": 1}, "sold", ()),
        ({"type": "gone"}, None, ()),
        ({}, None, ()),
        ([], None, ()),
        (None, None, ()),
    ],
)
def test_a_frame_is_told(spec: Spec, frame: Any, key: str | None, path: tuple[str | int, ...]) -> None:
    """A frame is one message or none, and what is wrong has its place."""
    told = tell(spec.channel("kiosk"), json.dumps(frame))
    assert (told.message.key if told.message else None, told.path) == (key, path)
    assert (told.fault == "") == (frame == {"type": "tick", "version": "v1", "at": 1})


def test_a_value_that_can_t_be_judged_is_told_and_not_raised(spec: Spec) -> None:
    """What the validator can't take is said to be wrong."""
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    channel = spec.channel("kiosk")
    for frame in (json.dumps({"type": "tick", "version": "v1", "at": deep}), '{"type": "tick", "at": "\\ud800"}'):
        told = tell(channel, frame)
        assert told.message is not None
        assert told.fault


def told_plainly(folder: Path, messages: str, frame: Any, *, lenient: bool = False) -> Told:
    """Return what a frame is to a document whose server pushes some messages, and nothing else."""
    path = folder / "plain.yaml"
    path.write_text(PLAIN.format(messages=messages.rstrip()))
    return tell(load_spec(path, lenient=lenient).channel("plain"), json.dumps(frame))


PLAIN = """\
asyncapi: 3.0.0
info: {{title: Plain, version: 1.0.0}}
channels:
  plain:
    address: /plain
    messages:
{messages}
operations:
  telling: {{action: send, channel: {{$ref: '#/channels/plain'}}}}
"""

UNTAGGED = """\
      quote: {payload: {type: object, required: [bid, ask], properties: {bid: {type: number}, ask: {type: number}}}}
      status: {payload: {type: object, required: [up, since], properties: {up: {type: boolean}, since: {type: number}}}}
"""


@pytest.mark.parametrize(
    ("frame", "key"),
    [({"bid": 1, "ask": "x"}, "quote"), ({"up": 1, "since": 2}, "status"), ({"x": 1}, None), ([], None), (1, None)],
)
def test_without_a_tag_the_nearest_message_counts(tmp_path: Path, frame: Any, key: str | None) -> None:
    """Names of members that both have tell which one was meant."""
    told = told_plainly(tmp_path, UNTAGGED, frame, lenient=True)
    assert (told.message.key if told.message else None) == key
    assert told.fault


BRANCHES = """\
      event:
        payload:
          oneOf:
            - {type: object, required: [kind, price], properties: {kind: {const: trade}, price: {type: number}}}
            - {type: object, required: [kind, at], properties: {kind: {const: beat}, at: {type: integer}}}
"""


@pytest.mark.parametrize(
    ("frame", "key", "path", "keyword"),
    [
        ({"kind": "trade", "price": "1"}, "event", ("price",), "type"),
        ({"kind": "beat", "x": 1, "y": 2, "z": 3}, "event", (), "required"),
        ({"kind": "odd", "x": 1, "y": 2, "z": 3}, None, (), ""),
    ],
)
def test_of_branches_the_one_with_the_tag_counts(
    tmp_path: Path, frame: Any, key: str | None, path: tuple[str, ...], keyword: str
) -> None:
    """What is wrong in the branch whose constant the frame has is told, and not that no branch fits."""
    told = told_plainly(tmp_path, BRANCHES, frame)
    assert (told.message.key if told.message else None, told.path, told.keyword) == (key, path, keyword)


def test_codes_ids_and_refusals(spec: Spec) -> None:
    """An error is a refusal by its name, its code, or what its members say."""
    messages = {message.key: message for message in spec.channel("kiosk").received}
    error, sold, shelf = messages["error"], messages["sold"], messages["shelf"]
    assert (code_of(error, {"code": "sold_out"}), code_of(error, {"code": True}), code_of(sold, {})) == (
        "sold_out",
        None,
        None,
    )
    assert (id_of(sold, {"id": None}), id_of(sold, {}), id_of(shelf, {"id": 1})) == (None, ABSENT, ABSENT)
    assert is_refusal(error, {})
    assert not is_refusal(sold, {"price": "1", "error": None, "ok": True, "status": "filled"})
    for told in ({"error": "x"}, {"ok": False}, {"status": "order rejected"}):
        assert is_refusal(sold, told)
    assert (may_refuse(error), may_refuse(shelf)) == (True, False)


def test_a_way_is_written_as_people_do() -> None:
    """The empty way is the frame."""
    assert (way_text(("a", 0, "b")), way_text(())) == ("a[0].b", "the frame")
