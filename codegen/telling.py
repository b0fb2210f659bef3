"""Telling: by what a frame shows which of several messages it is. It knows no Python type and no class.

A frame belongs to the first message that it fits. So that one with few demands doesn't take what belongs to another,
messages are tried in the order of their demands; see `in_order`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

from codegen.document import Document, Place
from codegen.reading import Reader
from codegen.schemas import types_of

Way: TypeAlias = tuple[str, ...]
"""Members that lead to a value; empty for the whole payload."""

_UNIONS = ("oneOf", "anyOf")
_DEPTH = 4  # members within members that are looked at
_NAMES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


@dataclass(frozen=True)
class Tests:
    """What a value must be to fit a schema, as far as it can be told at a glance.

    `types`: JSON types of a value, `values`: the scalars that it may be (neither says anything of a way that it doesn't
    have). Each way leads to a member that must be there. `closed`: the only members that may be there, None for any.
    """

    types: Mapping[Way, frozenset[str]]
    values: Mapping[Way, tuple[Any, ...]]
    required: frozenset[Way]
    closed: frozenset[str] | None

    @property
    def demands(self) -> tuple[int, int]:
        """Return how much a value must have to fit: members of known value, and members at all."""
        return len(self.values), len(self.required)

    def listed(self) -> tuple[tuple[Way, tuple[Any, ...]], ...]:
        """Return each way to a member that must be there, with the values that it may have, none for any value."""
        others = sorted(way for way in self.required if way not in self.values)
        return (*self.values.items(), *((way, ()) for way in others))


_NOTHING = Tests({}, {}, frozenset(), None)


def tests_of(reader: Reader, message: Place) -> Tests:
    """Return what tells whether a JSON value is a message."""
    return _tests(reader.document, reader.payload(message), (), frozenset())


def _tests(document: Document, place: Place, way: Way, above: frozenset[Place]) -> Tests:
    schema = document.resolve(place)
    if schema is None or schema in above or not isinstance(schema.value, dict) or len(way) > _DEPTH:
        return _NOTHING
    above |= {schema}
    found = _own(document, schema, way, above)
    for part in schema.under("allOf"):
        found = _both(found, _tests(document, part, way, above))
    for union in _UNIONS:
        branches = [_tests(document, branch, way, above) for branch in schema.under(union)]
        if branches:
            found = _both(found, _either(branches))
    return found


def _own(document: Document, schema: Place, way: Way, above: frozenset[Place]) -> Tests:
    types: dict[Way, frozenset[str]] = {}
    values: dict[Way, tuple[Any, ...]] = {}
    stated = types_of(schema.members)
    if stated:
        types[way] = frozenset(stated)
    members = schema.members
    listed = [members["const"]] if "const" in members else members.get("enum")
    if isinstance(listed, list) and listed and all(type(value) in _NAMES for value in listed):
        values[way] = tuple(listed)
        types.setdefault(way, frozenset(_NAMES[type(value)] for value in listed))
    names = {name for name in members.get("required") or () if isinstance(name, str)}
    closed = None
    if members.get("additionalProperties") is False and not way and "patternProperties" not in members:
        closed = frozenset(members.get("properties") or ())
    found = Tests(types, values, frozenset((*way, name) for name in names), closed)
    if stated not in ((), ("object",)):
        return found
    for member in schema.under("properties"):
        if member.key in names:
            found = _both(found, _tests(document, member, (*way, member.key), above))
    return found


def _both(first: Tests, second: Tests) -> Tests:
    """Return what fits two schemas at once."""
    closed = [item.closed for item in (first, second) if item.closed is not None]
    shared = second.types.keys() & first.types.keys()
    return Tests(
        types={**first.types, **second.types, **{way: first.types[way] & second.types[way] for way in shared}},
        values={**first.values, **second.values},
        required=first.required | second.required,
        closed=frozenset.intersection(*closed) if closed else None,
    )


def _either(branches: list[Tests]) -> Tests:
    """Return what fits one of several schemas."""
    types = {
        way: frozenset[str]().union(*(branch.types[way] for branch in branches))
        for way in branches[0].types
        if all(way in branch.types for branch in branches)
    }
    values = {
        way: tuple(value for branch in branches for value in branch.values[way])
        for way in branches[0].values
        if all(way in branch.values for branch in branches)
    }
    return Tests(types, values, frozenset.intersection(*(branch.required for branch in branches)), None)


def in_order(reader: Reader, messages: Iterable[Place]) -> tuple[Place, ...]:
    """Return messages in the order in which a frame is tried for them.

    Those with more members of known value come first, then those with more members that must be there, and those that
    demand the same in the document's order. Text and bytes come after JSON.
    """
    forms = ("json", "text", "binary")

    def rank(message: Place) -> tuple[int, int, int]:
        known, required = tests_of(reader, message).demands
        return forms.index(reader.form(message)), -known, -required

    return tuple(sorted(messages, key=rank))


def alike(reader: Reader, messages: tuple[Place, ...]) -> tuple[tuple[Place, Place], ...]:
    """Return each pair of messages of which a frame of the second may be taken for the first."""
    found = [(message, reader.form(message), tests_of(reader, message)) for message in in_order(reader, messages)]
    return tuple(
        (first, second)
        for (first, form, one), (second, other_form, other) in combinations(found, 2)
        if form == other_form and not _differ(one, other)
    )


def _differ(one: Tests, other: Tests) -> bool:
    """Tell whether no value of the second fits the first, or at least none that has nothing beside what it must."""
    if not one.required <= other.required:
        return True
    if one.closed is not None and any(way[0] not in one.closed for way in other.required):
        return True
    shared = one.types.keys() & other.types.keys()
    if any(not _overlap(one.types[way], other.types[way]) for way in shared):
        return True
    known = one.values.keys() & other.values.keys()
    return any(not {_exact(v) for v in one.values[way]} & {_exact(v) for v in other.values[way]} for way in known)


def _overlap(first: frozenset[str], second: frozenset[str]) -> bool:
    numbers = {"integer", "number"}
    return bool(first & second) or bool(first & numbers and second & numbers)


def _exact(value: Any) -> tuple[bool, Any]:
    """Return a value that tells 1 from true, as JSON does and Python doesn't."""
    return isinstance(value, bool), value
