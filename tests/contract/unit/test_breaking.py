"""Breaking: every message is refused, for one thing, and that is the one that is told."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contract.breaking import Case, breakages, malformed, random_breakage, spoilt
from contract.forms import frozen
from contract.values import Unmakeable, draw, generate
from tests.contract.unit import schemas
from tests.contract.unit.test_boundaries import SCHEMA, met


def differences(one: Any, other: Any, pointer: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Return where two values differ: the deepest places."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *(name for name in other if name not in one)]
        found: set[tuple[str | int, ...]] = set()
        for name in names:
            if name in one and name in other:
                found |= differences(one[name], other[name], (*pointer, name))
            else:
                found.add((*pointer, name))
        return found
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return {
            place
            for index, pair in enumerate(zip(one, other, strict=True))
            for place in differences(*pair, (*pointer, index))
        }
    return set() if frozen(one) == frozen(other) else {pointer}


def judged(schema: Any, cases: list[Case]) -> None:
    """See that messages are refused, and for one thing."""
    judge = jsonschema_rs.Draft7Validator(schema, validate_formats=False)
    for case in cases:
        assert not case.valid
        assert not judge.is_valid(case.value), case.what
        assert judge.is_valid(case.good), case.what
        # All that was done to the good message was done at one place, and all errors are of that place.
        assert all(place[: len(case.pointer)] == case.pointer for place in differences(case.good, case.value)), case
        for error in judge.iter_errors(case.value):
            path = tuple(error.instance_path)
            assert path[: len(case.pointer)] == case.pointer[: len(path)], case.what
    assert len({frozen(case.value) for case in cases}) == len(cases)


def test_every_keyword() -> None:
    """Each keyword of draft-07 is broken."""
    cases = list(breakages(SCHEMA))
    judged(SCHEMA, cases)
    wanted = {
        (("kind",), "required"),
        (("kind",), "const"),
        (("side",), "enum"),
        (("count",), "type"),
        (("count",), "minimum"),
        (("count",), "maximum"),
        (("price",), "exclusiveMinimum"),
        (("price",), "exclusiveMaximum"),
        (("size",), "multipleOf"),
        (("size",), "minimum"),
        (("name",), "minLength"),
        (("name",), "maxLength"),
        (("code",), "pattern"),
        (("code",), "maxLength"),
        (("free",), "type"),
        (("flag",), "type"),
        (("tags",), "minItems"),
        (("tags",), "maxItems"),
        (("tags",), "uniqueItems"),
        (("tags", 0), "type"),
        (("pair",), "additionalItems"),
        (("most",), "contains"),
        (("map", "key"), "maximum"),
        (("map",), "minProperties"),
        (("map",), "maxProperties"),
        (("either",), "anyOf"),
        (("either",), "minimum"),
        (("either",), "maxLength"),
        (("one",), "oneOf"),
        (("not",), "not"),
        (("dependent",), "dependencies"),
        (("if",), "if"),
        (("tree", "children", 0, "value"), "type"),
    }
    found = met(cases)
    assert not wanted - found
    assert any(pointer[:1] == ("patterned",) and keyword == "type" for pointer, keyword in found)
    assert any(pointer[:1] == ("map",) and keyword == "propertyNames" for pointer, keyword in found)
    assert any(pointer[:1] == ("patterned",) and keyword == "additionalProperties" for pointer, keyword in found)
    assert not any(keyword == "format" for _, keyword in found)


def at_count(cases: list[Case]) -> list[Any]:
    """Return what was tried instead of a count."""
    return [case.value["count"] for case in cases if case.pointer == ("count",) and case.keyword != "required"]


def test_near_misses() -> None:
    """What is broken is broken by a little: by one, by a blank, by a capital letter; 5.0 isn't a wrong integer."""
    cases = list(breakages(SCHEMA))
    counts = at_count(cases)
    assert {0, 51} <= {value for value in counts if isinstance(value, int)}
    assert "1" in counts
    assert 1.5 in counts
    assert not any(isinstance(value, float) and value.is_integer() and 1 <= value <= 50 for value in counts)
    sides = [case.value["side"] for case in cases if case.pointer == ("side",)]
    assert {"BUY", "Buy", "buy ", " buy"} <= {value for value in sides if isinstance(value, str)}
    names = [case.value["name"] for case in cases if case.pointer == ("name",) and isinstance(case.value["name"], str)]
    assert {1, 6} <= {len(name) for name in names}
    assert "\U0001f600" * 6 in names
    free = [case.value["free"] for case in cases if case.pointer == ("free",)]
    assert None not in free


def test_what() -> None:
    """What is told names the place and the keyword's value."""
    told = {case.what for case in breakages(SCHEMA)}
    assert "name: 6 characters, longer than maxLength 5" in told
    assert "count: missing, though it is required" in told
    assert 'count: a string ("abc") where an integer is wanted' in told
    assert any(what.startswith("tree.children[0].value: ") for what in told)


def test_keep() -> None:
    """What names the message stays, but for cases of their own."""
    cases = list(breakages(SCHEMA, frozenset({"kind"})))
    judged(SCHEMA, cases)
    tags = [case for case in cases if case.what.startswith("tag ")]
    others = [case for case in cases if not case.what.startswith("tag ")]
    assert all(case.pointer == ("kind",) for case in tags)
    assert any("kind" not in case.value for case in tags)
    assert others
    assert all(case.value["kind"] == "order" for case in others)


def test_example() -> None:
    """What isn't broken is as in an example."""
    example = {"kind": "order", "count": 7, "side": "sell", "name": "good"}
    cases = [case for case in breakages(SCHEMA, examples=[example]) if case.pointer == ("name",)]
    assert cases
    assert all({**case.value, "name": "good"} == example for case in cases)


@pytest.mark.parametrize("seed", range(10))
def test_random_schemas(seed: int) -> None:
    """Of any schema the messages are broken at one place."""
    for schema in schemas.random_schemas(seed):
        judged(schema, list(breakages(schema)))


@pytest.mark.parametrize("path", schemas.documents(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_documents(path: Path) -> None:
    """Each message of a document that asks for anything can be broken, at one place, its tag alone staying."""
    for message in schemas.messages(path):
        cases = list(breakages(message.schema.value, frozenset(message.tags)))
        judged(message.schema.value, cases)
        if message.tags:
            assert any(case.what.startswith("tag ") for case in cases), message.key


@pytest.mark.parametrize("name", schemas.NAMED)
def test_keywords(name: str) -> None:
    """Each keyword alone can be broken."""
    schema = schemas.alone(schemas.NAMED[name], schemas.DEFINITIONS)
    cases = list(breakages(schema))
    judged(schema, cases)
    assert bool(cases) == (name != "anything")


def test_random_breakage() -> None:
    """A generated message is broken at many places, in many ways, one at a time, and never in what must stay."""
    found = draw(random_breakage(SCHEMA, frozenset({"kind"})), 300, 1)
    judge = jsonschema_rs.Draft7Validator(SCHEMA, validate_formats=False)
    for case in found:
        assert not judge.is_valid(case.value)
        assert judge.is_valid(case.good)
        assert all(place[: len(case.pointer)] == case.pointer for place in differences(case.good, case.value)), case
        assert case.value["kind"] == "order"
    assert len(met(found)) > 20
    assert found == draw(random_breakage(SCHEMA, frozenset({"kind"})), 300, 1)


@pytest.mark.parametrize("seed", range(10))
def test_random_breakage_of_random_schemas(seed: int) -> None:
    """What is broken at random is refused."""
    for schema in schemas.random_schemas(seed):
        judge = jsonschema_rs.Draft7Validator(schema, validate_formats=False)
        try:
            next(generate(schema, 1))
            cases = draw(random_breakage(schema), 5, seed)
        except Unmakeable:
            continue
        assert not any(judge.is_valid(case.value) for case in cases)


def test_what_is_made_of_a_good_message_is_none() -> None:
    """No reader of JSON takes it for an object, but for one that stops reading where that is whole."""
    text = '{"type": "ping", "id": [1]}'
    every = list(spoilt(text))
    assert len({data for data, _ in every}) == len(every) == len({told for _, told in every})
    for data, told in every:
        try:
            value = json.loads(data)
        except ValueError:
            continue
        assert not isinstance(value, dict), told
    assert sum(data.startswith(text) for data, _ in every) >= 3


def test_malformed() -> None:
    """Frames that are no message are no JSON, or no object with a tag that is known; each says why."""
    every = list(malformed("type"))
    assert len({text for text, _ in every}) == len(every)
    assert len({told for _, told in every}) == len(every)
    for text, told in every:
        assert told
        try:
            value = json.loads(text, parse_constant=lambda word: pytest.fail(word))
        except (ValueError, RecursionError, pytest.fail.Exception):
            continue
        known = isinstance(value, dict) and isinstance(value.get("type"), str)
        assert not known or "tag" in told or "half" in told, told
    assert not any("tag" in told for _, told in malformed())
