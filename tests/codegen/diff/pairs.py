"""Pairs: a JSON Schema, one that a change made of it, and values that fit the first. It judges nothing.

A value holds no member that its schema doesn't name, but for one that no schema here knows: a client that was made from
a document sends what stands there.
"""

import copy
from typing import Any

from hypothesis import strategies as st

JSON = Any
NAMES = ("a", "b", "c")
DEFINITIONS = ("D", "E")
UNKNOWN = "zz"

_COUNTS = st.integers(0, 4)
_NUMBERS = st.sampled_from([-3, -1, 0, 0.5, 1, 2, 3, 5, 10])
_TEXTS = ("", "x", "xy", "abc", "ABC", "abcd", "12", "a1", "é", "xxxxxx")
_PATTERNS = ("^[a-z]+$", "^[0-9]*$", "x", "^a")
_SCALARS = (None, True, False, 0, 1, 2, 0.5, 3.0, "x", "abc", "12")
_TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")


def _optional(**keywords: st.SearchStrategy[JSON]) -> st.SearchStrategy[dict[str, JSON]]:
    return st.fixed_dictionaries({}, optional=keywords)


_strings = _optional(minLength=_COUNTS, maxLength=_COUNTS, pattern=st.sampled_from(_PATTERNS)).map(
    lambda keywords: {"type": "string", **keywords}
)
_numbers = st.tuples(
    st.sampled_from(["integer", "number"]),
    _optional(
        minimum=_NUMBERS,
        maximum=_NUMBERS,
        exclusiveMinimum=_NUMBERS,
        exclusiveMaximum=_NUMBERS,
        multipleOf=st.sampled_from([0.5, 1, 2, 3]),
    ),
).map(lambda pair: {"type": pair[0], **pair[1]})
_listed = st.one_of(
    st.sampled_from(_SCALARS).map(lambda value: {"const": value}),
    st.lists(st.sampled_from(_SCALARS), min_size=1, max_size=4, unique_by=repr).map(lambda values: {"enum": values}),
    st.lists(st.sampled_from(_TEXTS), min_size=1, max_size=3, unique=True).map(
        lambda values: {"type": "string", "enum": values}
    ),
)
_leaves = st.one_of(
    _strings,
    _numbers,
    _listed,
    st.sampled_from(_TYPES).map(lambda name: {"type": name}),
    st.lists(st.sampled_from(_TYPES), min_size=2, max_size=3, unique=True).map(lambda names: {"type": names}),
    st.sampled_from(DEFINITIONS).map(lambda name: {"$ref": f"#/definitions/{name}"}),
    st.just({}),
)


_NEEDS = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=2, unique=True), min_size=1, max_size=2
)


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[JSON]) -> JSON:
    properties = draw(st.dictionaries(st.sampled_from(NAMES), inner, max_size=3))
    schema: dict[str, JSON] = {"type": "object", "properties": properties}
    schema["required"] = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
    rest = draw(st.one_of(st.none(), st.none(), st.booleans(), inner))
    if rest is not None:
        schema["additionalProperties"] = rest
    schema |= draw(_optional(minProperties=_COUNTS, maxProperties=_COUNTS)) if draw(st.integers(0, 5)) == 0 else {}
    if draw(st.integers(0, 5)) == 0:
        schema["dependencies"] = draw(_NEEDS)
    if draw(st.integers(0, 7)) == 0:
        schema["patternProperties"] = {draw(st.sampled_from(["^a", "z"])): draw(inner)}
    return schema


@st.composite
def _arrays(draw: st.DrawFn, inner: st.SearchStrategy[JSON]) -> JSON:
    schema: dict[str, JSON] = {"type": "array"}
    if draw(st.integers(0, 4)) == 0:
        schema["items"] = draw(st.lists(inner, min_size=1, max_size=2))
        rest = draw(st.one_of(st.none(), st.just(False), inner))
        if rest is not None:
            schema["additionalItems"] = rest
    elif draw(st.booleans()):
        schema["items"] = draw(inner)
    return schema | draw(_optional(minItems=_COUNTS, maxItems=_COUNTS, uniqueItems=st.booleans()))


@st.composite
def _tagged(draw: st.DrawFn, inner: st.SearchStrategy[JSON]) -> JSON:
    branches = []
    for tag in draw(st.lists(st.sampled_from(["p", "q", "r"]), min_size=1, max_size=3, unique=True)):
        branch = draw(_objects(inner))
        branch["properties"]["tag"] = {"const": tag}
        branch["required"] = [*branch["required"], "tag"]
        branches.append(branch)
    return {draw(st.sampled_from(["oneOf", "anyOf"])): branches}


def _deeper(inner: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        _objects(inner),
        _objects(inner),
        _arrays(inner),
        _tagged(inner),
        several.map(lambda schemas: {"anyOf": schemas}),
        several.map(lambda schemas: {"oneOf": schemas}),
        several.map(lambda schemas: {"allOf": schemas}),
        st.tuples(inner, inner).map(lambda pair: {**pair[0], "not": pair[1]} if "$ref" not in pair[0] else pair[0]),
    )


schemas = st.recursive(_leaves, _deeper, max_leaves=8)
"""Schemas that may refer to `definitions`."""


@st.composite
def documents(draw: st.DrawFn) -> JSON:
    """Return a schema with definitions, which may hold themselves below an object or a list."""
    definitions = {name: draw(st.one_of(_objects(schemas), _arrays(schemas), _leaves)) for name in DEFINITIONS}
    for name, schema in definitions.items():
        if "$ref" in schema:
            definitions[name] = {"type": "string"}
    return {"definitions": definitions, "schema": draw(st.one_of(schemas, _objects(schemas)))}


def _subschemas(schema: JSON) -> list[JSON]:
    if not isinstance(schema, dict):
        return []
    found = [schema]
    for name in ("items", "additionalProperties", "additionalItems", "not"):
        for item in schema[name] if isinstance(schema.get(name), list) else [schema.get(name)]:
            found += _subschemas(item)
    for name in ("properties", "patternProperties"):
        for item in schema.get(name, {}).values():
            found += _subschemas(item)
    for name in ("anyOf", "oneOf", "allOf"):
        for item in schema.get(name, []):
            found += _subschemas(item)
    return found


_KEYWORDS: dict[str, st.SearchStrategy[JSON]] = {
    "minLength": _COUNTS,
    "maxLength": _COUNTS,
    "pattern": st.sampled_from(_PATTERNS),
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "exclusiveMinimum": _NUMBERS,
    "exclusiveMaximum": _NUMBERS,
    "multipleOf": st.sampled_from([0.5, 1, 2, 3]),
    "minItems": _COUNTS,
    "maxItems": _COUNTS,
    "uniqueItems": st.booleans(),
    "required": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
    "dependencies": _NEEDS,
    "additionalProperties": st.one_of(st.booleans(), _leaves),
    "type": st.one_of(st.sampled_from(_TYPES), st.lists(st.sampled_from(_TYPES), min_size=1, max_size=3, unique=True)),
    "enum": st.lists(st.sampled_from(_SCALARS), min_size=1, max_size=4, unique_by=repr),
}


@st.composite
def changed(draw: st.DrawFn, document: JSON) -> JSON:
    """Return a document with one to three changes."""
    new = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        places = [item for root in (new["schema"], *new["definitions"].values()) for item in _subschemas(root)]
        place = draw(st.sampled_from(places))
        way = draw(st.sampled_from(["set", "set", "drop", "replace", "member", "required", "branch", "wrap"]))
        unions = [name for name in ("anyOf", "oneOf") if name in place]
        if way == "set" and "$ref" not in place:
            name = draw(st.sampled_from(sorted(_KEYWORDS)))
            place[name] = draw(_KEYWORDS[name])
        elif way == "drop" and place:
            del place[draw(st.sampled_from(sorted(place)))]
        elif way == "member" and "properties" in place:
            name = draw(st.sampled_from(NAMES))
            if name in place["properties"] and draw(st.booleans()):
                del place["properties"][name]
            else:
                place["properties"][name] = draw(_leaves)
        elif way == "required" and "properties" in place:
            place["required"] = sorted({*place.get("required", []), draw(st.sampled_from(NAMES))})
        elif way == "branch" and unions:
            branches = place[unions[0]]
            if len(branches) > 1 and draw(st.booleans()):
                branches.pop(draw(st.integers(0, len(branches) - 1)))
            else:
                branches.insert(draw(st.integers(0, len(branches))), draw(_leaves))
        elif way == "wrap":
            old = copy.deepcopy(place)
            place.clear()
            place[draw(st.sampled_from(["anyOf", "allOf", "oneOf"]))] = [old]
        elif way == "replace":
            place.clear()
            place.update(draw(_leaves))
    return new


def values(draw: st.DrawFn, schema: JSON, definitions: JSON, depth: int = 0) -> JSON:
    """Return a value that probably fits a schema."""
    for _ in range(8):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    if not isinstance(schema, dict):
        return draw(st.sampled_from(_SCALARS))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            return values(draw, _merged(schema, draw(st.sampled_from(schema[name])), name), definitions, depth + 1)
    if schema.get("allOf"):
        merged: JSON = {name: item for name, item in schema.items() if name != "allOf"}
        for part in schema["allOf"]:
            target = definitions[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
            merged = _merged(merged, target, "")
        return values(draw, merged, definitions, depth + 1) if depth < 12 else None
    types = schema.get("type") or _guess(schema)
    kind = draw(st.sampled_from(types)) if isinstance(types, list) else types
    return _value(draw, kind, schema, definitions, depth)


def _merged(schema: JSON, other: JSON, without: str) -> JSON:
    """Return two schemas as one, as far as values are to be made of it."""
    kept = {name: item for name, item in schema.items() if name != without}
    if not isinstance(other, dict) or ("$ref" in other and not kept):
        return other
    for name, item in other.items():
        if name == "properties":
            kept[name] = {**item, **kept.get(name, {})}
        elif name == "required":
            kept[name] = list(dict.fromkeys([*kept.get(name, []), *item]))
        else:
            kept[name] = item
    return kept


def _guess(schema: JSON) -> list[str]:
    if any(name in schema for name in ("properties", "required", "additionalProperties")):
        return ["object", "object", "object", "string"]
    if any(name in schema for name in ("items", "minItems", "maxItems", "uniqueItems")):
        return ["array", "array", "null"]
    return list(_TYPES)


def _value(draw: st.DrawFn, kind: str, schema: JSON, definitions: JSON, depth: int) -> JSON:
    if kind == "null":
        return None
    if kind == "boolean":
        return draw(st.booleans())
    if kind == "string":
        return draw(st.sampled_from(_TEXTS))
    if kind in ("integer", "number"):
        ends = [
            schema[name] for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") if name in schema
        ]
        near = [end + step for end in ends for step in (-1, -0.5, 0, 0.5, 1, 2)]
        pool = [-1000, -4, -3, -1, 0, 1, 2, 3, 4, 6, 12, 1000, 0.5, 1.5, 0.25, *near]
        return draw(st.sampled_from([value for value in pool if kind == "number" or value == int(value)]))
    if kind == "array":
        return _list(draw, schema, definitions, depth)
    return _object(draw, schema, definitions, depth)


def _list(draw: st.DrawFn, schema: JSON, definitions: JSON, depth: int) -> JSON:
    low, high = schema.get("minItems", 0), schema.get("maxItems", 3)
    size = draw(st.integers(low, max(low, high))) if depth < 5 else low
    items = schema.get("items", {})
    rest = schema.get("additionalItems", {}) if isinstance(items, list) else items
    kinds = [items[index] if isinstance(items, list) and index < len(items) else rest for index in range(size)]
    return [values(draw, item, definitions, depth + 1) if depth < 8 else None for item in kinds if item is not False]


def _object(draw: st.DrawFn, schema: JSON, definitions: JSON, depth: int) -> JSON:
    found = {}
    required = schema.get("required", [])
    rest = schema.get("additionalProperties", True)
    for name, item in schema.get("properties", {}).items():
        wanted = name in required or (depth < 5 and draw(st.booleans()))
        if wanted and depth < 8 and item is not False:
            found[name] = values(draw, item, definitions, depth + 1)
    for name in required:
        if name not in found:
            found[name] = values(draw, rest if isinstance(rest, dict) else {}, definitions, depth + 1)
    if rest is not False and depth < 5 and draw(st.integers(0, 2)) == 0:
        found[UNKNOWN] = values(draw, rest if isinstance(rest, dict) else {}, definitions, depth + 1)
    if isinstance(rest, dict) and rest and depth < 5 and draw(st.booleans()):  # a map takes any name
        name = draw(st.sampled_from(NAMES))
        if name not in schema.get("properties", {}):
            found[name] = values(draw, rest, definitions, depth + 1)
    return found


@st.composite
def pairs(draw: st.DrawFn) -> tuple[JSON, JSON, list[JSON]]:
    """Return a document, a changed one, and values made of the first one's schema; not all of them need fit."""
    old = draw(documents())
    new = draw(changed(old))
    return old, new, [values(draw, old["schema"], old["definitions"]) for _ in range(8)]
