"""Instances: a JSON value that fits a schema of a document, made from the schema. The judge says whether it fits."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import find
from hypothesis import strategies as st

from codegen.document import Document, Place
from codegen.judge import Judge
from codegen.schemas import types_of

_DEPTH = 8
_ANY = "any"
"""The value where a schema says nothing."""
_FORMATS = {
    "date-time": "2031-02-03T04:05:06Z",
    "date": "2031-02-03",
    "time": "04:05:06Z",
    "uuid": "6f1c3a52-9d0e-4c0a-8a3e-0123456789ab",
    "uri": "https://example.org/a",
    "url": "https://example.org/a",
    "email": "a@example.org",
    "ipv4": "192.0.2.1",
}


class Unmakeable(Exception):
    """No value of the kinds tried fits a schema."""


class Instances:
    """Makes values for the schemas of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._judge = Judge(document)

    def of(self, schema: Place) -> Any:
        """Return a value that fits: with every optional member if it can have them, else without. Raises Unmakeable."""
        for full in (True, False):
            for value in self._values(schema, full, 0):
                if self.fits(schema, value):
                    return value
        raise Unmakeable(f"{schema.mark.file}:{schema.mark.line}: {json.dumps(schema.value)[:300]}")

    def several(self, schema: Place) -> list[Any]:
        """Return values that fit: with every optional member, and without. Raises Unmakeable where there is none."""
        made = []
        for full in (True, False):
            made += [value for value in self._values(schema, full, 0) if self.fits(schema, value)][:1]
        if not made:
            raise Unmakeable(f"{schema.mark.file}:{schema.mark.line}: {json.dumps(schema.value)[:300]}")
        return made

    def fits(self, schema: Place, value: Any) -> bool:
        """Tell whether a value fits a schema."""
        return next(iter(self._judge.faults(schema, value)), None) is None

    def text(self, schema: dict[str, Any]) -> str:
        """Return the text that a value of a parameter is sent as."""
        value = next(self._values(Place(self._document.main, (), schema), True, 0))
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _values(self, place: Place, full: bool, depth: int) -> Iterator[Any]:
        """Yield some values of which one should fit."""
        schema = self._document.resolve(place)
        assert schema is not None
        if not isinstance(schema.value, dict) or not schema.value:
            yield _ANY
            return
        members = schema.members
        if "const" in members:
            yield members["const"]
            return
        if members.get("enum"):
            yield from members["enum"]
            return
        yield from (item for item in members.get("examples") or () if self.fits(schema, item))
        for union in ("oneOf", "anyOf"):
            for branch in schema.under(union):
                for value in self._values(branch, full, depth + 1):
                    yield self._with(schema, value, full, depth)
                    break
        if "oneOf" not in members and "anyOf" not in members:
            yield from self._typed(schema, full, depth)

    def _with(self, schema: Place, value: Any, full: bool, depth: int) -> Any:
        """Return a branch's value with the members that the schema around it adds."""
        if not isinstance(value, dict):
            return value
        return {**self._object(schema, full, depth), **value}

    def _typed(self, schema: Place, full: bool, depth: int) -> Iterator[Any]:
        types = types_of(schema.members)
        if not types:
            named = [part for part in schema.under("allOf") if not isinstance(self._resolved(part).value, bool)]
            objects = "properties" in schema or "required" in schema or "additionalProperties" in schema
            if named and not objects:
                parts = [next(self._values(part, full, depth + 1), None) for part in named]
                if not all(isinstance(part, dict) for part in parts):
                    yield from (part for part in reversed(parts) if not isinstance(part, dict))
                    return
            elif not objects:
                types = ("array",) if "items" in schema else ("string",)
        for type_ in types or ("object",):
            if type_ == "object":
                yield self._object(schema, full, depth)
            elif type_ == "array":
                yield self._array(schema, full, depth)
            elif type_ == "string":
                yield self._string(schema.members)
            elif type_ in ("integer", "number"):
                yield self._number(schema.members, type_)
            elif type_ == "boolean":
                yield True
            else:
                yield None

    def _resolved(self, place: Place) -> Place:
        found = self._document.resolve(place)
        assert found is not None
        return found

    def _object(self, schema: Place, full: bool, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        required = schema.members.get("required", ())
        for part in schema.under("allOf"):
            value = next(self._values(part, full, depth + 1), None)
            if isinstance(value, dict):
                # What another part only demands is not what it must be.
                result.update((name, item) for name, item in value.items() if name not in result or item != _ANY)
        for member in schema.under("properties"):
            if member.key in required or (full and depth < _DEPTH // 2):
                result[member.key] = self._member(member, full, depth)
        for name in required:
            result.setdefault(name, _ANY)
        extra = schema.get("additionalProperties")
        if not schema.members.get("properties") and extra is not None and isinstance(extra.value, dict) and full:
            result["some"] = self._member(extra, full, depth)
        return result

    def _member(self, place: Place, full: bool, depth: int) -> Any:
        if depth > _DEPTH:
            return None
        values = list(self._values(place, full, depth + 1))
        return next((value for value in values if self.fits(place, value)), values[0] if values else None)

    def _array(self, schema: Place, full: bool, depth: int) -> list[Any]:
        count = max(schema.members.get("minItems", 0), 1 if full and depth < _DEPTH // 2 else 0)
        items = schema.get("items")
        first = list(schema.under("prefixItems")) or (
            list(items.children()) if items is not None and isinstance(items.value, list) else []
        )
        found = [self._member(item, full, depth) for item in first]
        while len(found) < min(count, schema.members.get("maxItems", count)):
            one = items is not None and isinstance(items.value, dict)
            found.append(self._member(items, full, depth) if one and items is not None else len(found))
        return found

    @staticmethod
    def _string(schema: dict[str, Any]) -> str:
        low, high = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:

            def fits(text: str) -> bool:
                return low <= len(text) <= (high if high is not None else 10_000) and text.isprintable()

            return str(find(st.from_regex(schema["pattern"]), fits))
        text = _FORMATS.get(schema.get("format", ""), "text")
        return text.ljust(low, "x")[: high if high is not None else None]

    @staticmethod
    def _number(schema: dict[str, Any], type_: str) -> int | float:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        step = schema.get("multipleOf", 1)
        value: int | float = 1 if low is None else low
        if high is not None and value > high:
            value = high
        if value == schema.get("exclusiveMinimum"):
            value += step if type_ == "integer" or high is None else (high - value) / 2
        if value == schema.get("exclusiveMaximum"):
            value -= step
        if "multipleOf" in schema:
            value = -(-value // step) * step
        return int(value) if type_ == "integer" else value
