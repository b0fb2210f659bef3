"""Schemas: those that tests of values go through. It knows nothing of what makes the values."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from codegen.faults import DocumentError
from contract.spec import Message, load_spec
from tests.codegen.schema_grammar import Grammar
from tests.foreign.run import find

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "codegen" / "golden"


def alone(schema: Any, definitions: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a schema as contract.spec.Schema.value has it."""
    return {"allOf": [schema], "definitions": dict(definitions or {})}


def random_schemas(seed: int) -> Iterator[dict[str, Any]]:
    """Yield schemas of every kind, which may refer to one another and to themselves."""
    document = Grammar(Random(seed)).document()
    document = json.loads(json.dumps(document).replace("#/components/schemas/", "#/definitions/"))
    yield from (alone(document[name], document) for name in document)


def messages(path: Path) -> list[Message]:
    """Return the JSON messages of a document; none where it isn't one that a server can be made from."""
    try:
        spec = load_spec(path, lenient=True)
    except DocumentError:
        return []
    every = (message for channel in spec.channels for message in (*channel.sent, *channel.received))
    return [message for message in dict.fromkeys(every) if message.form == "json"]


def documents() -> list[Path]:
    """Return our document, those of the golden cases, and foreign ones where there are some."""
    foreign = os.environ.get("TAPECAST_FOREIGN_DOCS")
    golden = [path for path in sorted(GOLDEN.glob("*/asyncapi.*")) if not path.parent.name.startswith("bad_")]
    return [ROOT / "asyncapi.yaml", *golden, *(find(Path(foreign)) if foreign else ())]


NAMED = {
    "anything": True,
    "any object": {"type": "object"},
    "any list": {"type": "array"},
    "several types": {"type": ["string", "integer", "null"]},
    "enum": {"enum": ["a", 1, None, {"a": [1]}]},
    "enum within bounds": {"enum": [1, 2, 3, "b"], "maximum": 2, "type": "integer"},
    "const": {"const": "x"},
    "bounds": {"type": "integer", "minimum": -3, "exclusiveMaximum": 7},
    "bounds of fractions": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.25},
    "bounds far out": {"type": "integer", "minimum": 2**60, "maximum": 2**60 + 5},
    "bounds below zero": {"type": "number", "maximum": -1e9},
    "tenths": {"type": "number", "multipleOf": 0.1, "minimum": 0.3, "maximum": 2},
    "hundredths": {"type": "number", "multipleOf": 0.01},
    "two steps": {"type": "integer", "allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "minimum": 1},
    "lengths": {"type": "string", "minLength": 2, "maxLength": 5},
    "one length": {"type": "string", "minLength": 40, "maxLength": 40},
    "pattern": {"type": "string", "pattern": "^[A-Z]{3}-\\d+$"},
    "pattern with lengths": {"type": "string", "pattern": "^[a-zA-Z0-9\\-_:]+$", "minLength": 16, "maxLength": 64},
    "pattern with one length": {"type": "string", "pattern": "^[0-9a-f]*$", "minLength": 24, "maxLength": 24},
    "pattern within": {"type": "string", "pattern": "b+"},
    "pattern of properties": {"type": "string", "pattern": "^\\p{Lu}\\p{L}*$"},
    "two patterns": {"type": "string", "pattern": "^[a-z]+$", "allOf": [{"pattern": "x"}]},
    "date-time": {"type": "string", "format": "date-time"},
    "format and length": {"type": "string", "format": "uuid", "maxLength": 8},
    "unknown format": {"type": "string", "format": "symbol", "maxLength": 8},
    "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
    "tuple": {"type": "array", "items": [{"type": "string"}, {"type": "number"}], "additionalItems": False},
    "tuple and more": {"type": "array", "items": [{"const": 1}], "additionalItems": {"const": 2}, "minItems": 3},
    "unique": {"type": "array", "items": {"enum": [1, 1.0, True, "a"]}, "uniqueItems": True, "minItems": 3},
    "unique booleans": {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 100}},
    "members": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "never": False},
        "required": ["a"],
        "additionalProperties": False,
    },
    "required but unnamed": {"type": "object", "required": ["a", "b"], "additionalProperties": {"type": "integer"}},
    "map": {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 2, "maxProperties": 3},
    "names": {"type": "object", "propertyNames": {"pattern": "^[a-z]{2,4}$"}, "minProperties": 1},
    "patterned names": {
        "type": "object",
        "patternProperties": {"^x-": {"type": "integer"}, "y$": {"minimum": 5}},
        "additionalProperties": False,
        "minProperties": 1,
    },
    "dependencies": {
        "type": "object",
        "properties": {"a": {}, "b": {}, "c": {"type": "integer"}},
        "dependencies": {"a": ["b"], "b": {"required": ["c"], "properties": {"c": {"minimum": 9}}}},
    },
    "most members": {"type": "object", "properties": {name: {} for name in "abcdef"}, "maxProperties": 2},
    "merged": {
        "allOf": [
            {"type": "object", "properties": {"a": {"minimum": 1}}, "required": ["a"]},
            {"properties": {"a": {"type": "integer", "maximum": 3}, "b": {"type": "null"}}, "required": ["b"]},
        ]
    },
    "any of": {"anyOf": [{"type": "integer", "minimum": 5}, {"type": "string", "maxLength": 2}]},
    "one of": {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 2}]},
    "one of objects": {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
        "required": ["id"],
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "not": {"type": "string", "not": {"enum": ["", "a"]}},
    "not a member": {"type": "object", "properties": {"a": {}, "b": {}}, "not": {"required": ["a", "b"]}},
    "not a value of a member": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}},
        "required": ["kind"],
        "not": {"properties": {"kind": {"const": "a"}}},
    },
    "not several": {"not": {"anyOf": [{"type": "string"}, {"type": "object"}, {"minimum": 3}]}},
    "condition": {
        "type": "object",
        "properties": {"kind": {"enum": ["limit", "market"]}, "price": {"type": "number"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "limit"}}},
        "then": {"required": ["price"]},
        "else": {"properties": {"price": False}},
    },
    "recursion": {"$ref": "#/definitions/tree"},
    "recursion that must have members": {"$ref": "#/definitions/list"},
}
"""A schema for each keyword, and for what makes them hard. Of each there are values."""
DEFINITIONS: Mapping[str, Any] = {
    "tree": {
        "type": "object",
        "properties": {
            "value": {"type": "integer"},
            "children": {"type": "array", "items": {"$ref": "#/definitions/tree"}},
        },
        "required": ["value", "children"],
    },
    "list": {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#/definitions/list"}, {"type": "null"}]}},
        "required": ["next"],
        "additionalProperties": False,
    },
}
VOID = {
    "false": False,
    "nothing of an enum": {"enum": ["a"], "type": "integer"},
    "bounds": {"type": "integer", "minimum": 5, "maximum": 4},
    "no whole number": {"type": "integer", "minimum": 0.2, "maximum": 0.8},
    "lengths": {"type": "string", "minLength": 3, "maxLength": 2},
    "two types": {"type": "string", "allOf": [{"type": "object"}]},
    "required and false": {"type": "object", "properties": {"a": False}, "required": ["a"]},
    "endless": {"type": "object", "properties": {"a": {"$ref": "#/definitions/endless"}}, "required": ["a"]},
    "too few items": {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3},
    "not itself": {"type": "string", "not": {"type": "string"}},
}
"""Schemas that nothing fits."""
VOID_DEFINITIONS: Mapping[str, Any] = {"endless": VOID["endless"]}
