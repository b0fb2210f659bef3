"""Boundaries: every message fits, none comes twice, and each keyword's edge is among them."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contract.boundaries import Case, boundaries
from contract.forms import frozen
from contract.ways import at
from tests.contract.unit import schemas

EVERYTHING = {
    "type": "object",
    "required": ["kind", "count"],
    "properties": {
        "kind": {"const": "order"},
        "side": {"enum": ["buy", "sell"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 50},
        "price": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100},
        "size": {"type": "number", "multipleOf": 0.1, "minimum": 0.1},
        "name": {"type": "string", "minLength": 2, "maxLength": 5},
        "code": {"type": "string", "pattern": "^[A-Z]+$", "maxLength": 6},
        "at": {"type": "string", "format": "date-time"},
        "free": {"type": ["string", "null"]},
        "flag": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
        "pair": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "additionalItems": False},
        "most": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 7}},
        "map": {
            "type": "object",
            "additionalProperties": {"type": "integer", "maximum": 9},
            "propertyNames": {"pattern": "^[a-z]+$"},
            "minProperties": 1,
            "maxProperties": 3,
        },
        "patterned": {
            "type": "object",
            "patternProperties": {"^x-": {"type": "string"}},
            "additionalProperties": False,
        },
        "either": {"anyOf": [{"type": "integer", "minimum": 4}, {"type": "string", "maxLength": 3}]},
        "one": {"oneOf": [{"type": "boolean"}, {"type": "object", "required": ["a"]}]},
        "not": {"type": "string", "not": {"const": "a"}},
        "dependent": {"type": "object", "properties": {"a": {}, "b": {}}, "dependencies": {"a": ["b"]}},
        "if": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "if": {"required": ["a"]},
            "then": {"required": ["b"]},
        },
        "tree": {"$ref": "#/definitions/tree"},
    },
}
SCHEMA = schemas.alone(EVERYTHING, schemas.DEFINITIONS)


def judged(schema: Any, cases: list[Case]) -> None:
    """Hold messages to their schema, and see that none comes twice."""
    judge = jsonschema_rs.Draft7Validator(schema, validate_formats=False)
    for case in cases:
        assert case.valid
        assert judge.is_valid(case.value), case.what
    assert len({frozen(case.value) for case in cases}) == len(cases)


def met(cases: list[Case]) -> set[tuple[tuple[str | int, ...], str]]:
    """Return the places and keywords that messages were made for."""
    return {(case.pointer, case.keyword) for case in cases} | {place for case in cases for place in case.also}


def test_every_keyword() -> None:
    """Each keyword of draft-07 has a message at its edge."""
    cases = list(boundaries(SCHEMA))
    judged(SCHEMA, cases)
    wanted = {
        (("kind",), "const"),
        (("side",), "enum"),
        (("count",), "minimum"),
        (("count",), "maximum"),
        (("price",), "exclusiveMinimum"),
        (("price",), "exclusiveMaximum"),
        (("size",), "multipleOf"),
        (("name",), "minLength"),
        (("name",), "maxLength"),
        (("code",), "pattern"),
        (("code",), "maxLength"),
        (("at",), "format"),
        (("free",), "type"),
        (("flag",), "type"),
        (("tags",), "minItems"),
        (("tags",), "maxItems"),
        (("tags",), "uniqueItems"),
        (("tags",), "items"),
        (("pair",), "items"),
        (("pair",), "additionalItems"),
        (("most",), "contains"),
        (("map",), "additionalProperties"),
        (("map",), "propertyNames"),
        (("map",), "minProperties"),
        (("map",), "maxProperties"),
        (("map", "key"), "maximum"),
        (("patterned",), "patternProperties"),
        (("either",), "anyOf"),
        (("either",), "minimum"),
        (("either",), "maxLength"),
        (("one",), "oneOf"),
        (("not",), "not"),
        (("dependent",), "dependencies"),
        (("if",), "if"),
        ((), "allOf"),
        ((), "required"),
        ((), "properties"),
        ((), "additionalProperties"),
        (("tree", "children", 0, "value"), "type"),
    }
    assert not wanted - met(cases)


def values_at(pointer: tuple[str | int, ...], schema: Any = SCHEMA) -> list[Any]:
    """Return the values of a place in the messages made for it."""
    return [at(case.value, pointer) for case in boundaries(schema) if pointer in {place for place, _ in met([case])}]


def test_edges() -> None:
    """The edges themselves are there: bounds, lengths in characters of one and of four bytes, counts, multiples."""
    assert {1, 50, 2, 49} <= set(values_at(("count",)))
    assert {0.1, 0.2} <= set(values_at(("size",)))
    assert {5e-324, 99.99999999999999} <= set(values_at(("price",)))
    names = set(values_at(("name",)))
    assert {"aa", "aaaaa", "\U0001f600" * 2, "\U0001f600" * 5} <= names
    assert {len(name) for name in names} <= {2, 3, 4, 5}
    assert {1, 6} <= {len(code) for code in values_at(("code",))}
    assert {1, 3} <= {len(tags) for tags in values_at(("tags",))}
    assert {1, 3} <= {len(value) for value in values_at(("map",))}
    assert {"buy", "sell"} == set(values_at(("side",)))
    assert None in values_at(("free",))
    assert {True, False} == set(values_at(("flag",)))
    assert {bool, dict} == {type(value) for value in values_at(("one",))}


def test_optional_members() -> None:
    """Optional members are all there, all absent, and each is absent and there alone."""
    schema = schemas.alone(
        {"type": "object", "properties": {name: {"type": "null"} for name in "abcd"}, "additionalProperties": False}
    )
    found = {frozenset(case.value) for case in boundaries(schema)}
    every = frozenset("abcd")
    assert {every, frozenset(), *(frozenset(name) for name in "abcd"), *(every - {name} for name in "abcd")} == found


def test_example() -> None:
    """What isn't at the boundary is as in an example."""
    example = {"kind": "order", "count": 7, "side": "sell", "name": "good"}
    cases = list(boundaries(SCHEMA, [{"kind": "bad"}, example]))
    judged(SCHEMA, cases)
    longest = next(case for case in cases if case.pointer == ("code",) and case.keyword == "maxLength")
    assert longest.value == {**example, "code": at(longest.value, ("code",))}
    top = next(case for case in cases if case.pointer == ("count",) and "exactly 50" in case.what)
    assert top.value == {**example, "count": 50}


def test_same_again() -> None:
    """The same schema gives the same messages in the same order."""
    assert list(boundaries(SCHEMA)) == list(boundaries(SCHEMA))


@pytest.mark.parametrize("seed", range(10))
def test_random_schemas(seed: int) -> None:
    """Of any schema that has values there are boundaries, and they fit."""
    for schema in schemas.random_schemas(seed):
        judged(schema, list(boundaries(schema)))


@pytest.mark.parametrize("path", schemas.documents(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_documents(path: Path) -> None:
    """Each message of a document has boundaries, and they are this message."""
    for message in schemas.messages(path):
        cases = list(boundaries(message.schema.value))
        judged(message.schema.value, cases)
        assert cases, message.key


@pytest.mark.parametrize("name", schemas.NAMED)
def test_keywords(name: str) -> None:
    """Each keyword alone has boundaries."""
    schema = schemas.alone(schemas.NAMED[name], schemas.DEFINITIONS)
    cases = list(boundaries(schema))
    assert cases
    judged(schema, cases)
