"""Nodes: a JSON Schema as a list of plain alternatives, without references and combinators. It compares nothing.

A node is what must hold of one value: all of its schemas. An alternative is one way to fulfil a node: keywords alone.
What this form can't say (`not`, `if`, ...) is kept as *opaque*: an alternative then holds fewer values than it shows.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, product
from typing import Any, TypeAlias

import jsonschema_rs

from codegen.dialect import NEEDS
from codegen.document import Document, Place

GROUPS: Mapping[str, tuple[str, ...]] = {
    "null": ("null",),
    "boolean": ("boolean",),
    "number": ("integer", "fraction"),
    "string": ("string",),
    "array": ("array",),
    "object": ("object",),
}
"""Kinds of values that constraints speak of, and the atoms that each is made of. A `fraction` is no whole number."""

_ATOMS = frozenset(atom for atoms in GROUPS.values() for atom in atoms)
_ATOMS_OF: Mapping[str, frozenset[str]] = {
    **{name: frozenset({name}) for name in ("null", "boolean", "integer", "string", "array", "object")},
    "number": frozenset({"integer", "fraction"}),
}
_OPAQUE = frozenset(
    {
        *("not", "if", "then", "else", "propertyNames", "dependencies", "dependentRequired", "dependentSchemas"),
        *("contains", "minContains", "maxContains"),
    }
)
"""Keywords that shape values and are compared as a whole, never understood; but for lists of names that others need."""

_LOOKING_AROUND = frozenset(
    {"prefixItems", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"}
)
"""The same, of which what stands beside them changes the meaning: the whole schema is compared."""

_ANNOTATIONS = frozenset(
    {
        *("title", "description", "$comment", "examples", "example", "default", "deprecated", "readOnly", "writeOnly"),
        *("externalDocs", "$id", "$schema", "definitions", "$defs", "$anchor", "discriminator", "xml"),
        *("contentEncoding", "contentMediaType", "contentSchema"),
    }
)
"""Keywords that no value breaks."""

_VALUES = frozenset({"const", "enum"})
_MAPS = frozenset({"properties", "patternProperties", "definitions", "$defs", "dependencies", "dependentSchemas"})
_SETS = frozenset({"required", "enum", "type", "anyOf", "oneOf", "allOf"})
_MAX_ALTERNATIVES = 200
_MAX_COPIED = 20_000  # places in one canonical text

Key: TypeAlias = tuple[Place, ...]


class TooManyError(Exception):
    """A schema's combinators multiply beyond what can be looked at, or it is none."""


def text_of(value: Any) -> str:
    """Return a JSON value as text, the same for equal values: 1 and 1.0 are equal, 1 and true are not."""
    return json.dumps(_even(value), sort_keys=True, ensure_ascii=False)


def _even(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _even(item) for name, item in value.items()}
    return [_even(item) for item in value] if isinstance(value, list) else value


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern is found in a text; one that Python can't read is found nowhere."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


class Schemas:
    """The schemas of one document: follows references, judges values, and keeps what was worked out."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._alternatives: dict[Key, tuple[Alternative, ...]] = {}
        self._validators: dict[Key, Any] = {}
        self._exact: dict[Key, bool] = {}

    def follow(self, place: Place) -> Place:
        """Return what a place refers to; the place itself where the reference leads nowhere."""
        return self._document.resolve(place) or place

    def alternatives(self, places: Key) -> tuple["Alternative", ...]:
        """Return the alternatives of a node; none where nothing fits it. Raises TooManyError."""
        if places not in self._alternatives:
            self._alternatives[places] = tuple(self._expand(places, frozenset()))
        return self._alternatives[places]

    def _expand(self, places: Key, above: frozenset[Place]) -> list["Alternative"]:
        parts, unions = self._gather(places)
        if any(part.value is False for part in parts):
            return []
        kept = tuple(part for part in parts if isinstance(part.value, dict))
        unions = tuple(union for union in unions if union not in above)
        if not unions:
            return [Alternative(self, kept)]
        found: dict[frozenset[Place], Alternative] = {}
        for choice in product(*(tuple(union.children()) for union in unions)):
            reached = [self._gather((branch,))[1] for branch in choice]
            if any(union in again for union, again in zip(unions, reached, strict=True)):
                continue  # it leads back to itself without a step into the value: it adds no value
            if any(union in above for again in reached for union in again):
                raise TooManyError
            for alternative in self._expand((*kept, *choice), above | set(unions)):
                found.setdefault(frozenset(alternative.parts), alternative)
                if len(found) > _MAX_ALTERNATIVES:
                    raise TooManyError
        return [item for item in found.values() if item.atoms]

    def _gather(self, places: Key) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """Return the schemas that all apply, and the lists of alternatives among them."""
        parts: dict[Place, None] = {}
        unions: dict[Place, None] = {}
        pending = list(places)
        while pending:
            place = self.follow(pending.pop(0))
            if place in parts:
                continue
            parts[place] = None
            pending[:0] = place.under("allOf")
            for name in ("anyOf", "oneOf"):
                union = place.get(name)
                if union is not None and isinstance(union.value, list):
                    unions[union] = None
        return tuple(parts), tuple(unions)

    def overlapping(self, places: Key, above: frozenset[Place] = frozenset()) -> Place | None:
        """Return a `oneOf` of a node whose branches may both take one value, or None."""
        for union in self._gather(places)[1]:
            if union in above:
                continue
            if union.key == "oneOf" and not self._parted(union):
                return union
            for branch in union.children():
                found = self.overlapping((branch,), above | {union})
                if found is not None:
                    return found
        return None

    def _parted(self, union: Place) -> bool:
        if (union,) not in self._exact:
            self._exact[(union,)] = False  # while it is being looked at
            pairs = combinations(union.children(), 2)
            self._exact[(union,)] = all(self._apart((one,), (other,)) for one, other in pairs)
        return self._exact[(union,)]

    def _apart(self, one: Key, other: Key) -> bool:
        pairs = product(self.alternatives(one), self.alternatives(other))
        return all(disjoint(left, right) for left, right in pairs)

    def accepts(self, places: Key, value: Any) -> bool:
        """Tell whether a JSON value fits a node, as jsonschema-rs judges. Raises TooManyError where it can't judge."""
        if places not in self._validators:
            self._validators[places] = self.validator(places)
        validator = self._validators[places]
        if validator is None:
            raise TooManyError
        return bool(validator.is_valid(value))

    def validator(self, places: Key) -> Any:
        """Return a judge of a node's values, None where a schema of it is none."""
        try:
            return jsonschema_rs.Draft7Validator(self.standalone(places), validate_formats=False)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
            return None

    def standalone(self, places: Key) -> dict[str, Any]:
        """Return a node as one JSON Schema (draft 7) that refers to nothing outside itself."""
        definitions: dict[str, Any] = {}
        names: dict[Place, str] = {}
        return {"allOf": [self._copy(place, definitions, names) for place in places], "definitions": definitions}

    def _copy(self, place: Place, definitions: dict[str, Any], names: dict[Place, str]) -> Any:
        if isinstance(place.members.get("$ref"), str):
            target = self.follow(place)
            if target is place:
                return True
            if target not in names:
                names[target] = f"d{len(names)}"
                definitions[names[target]] = self._copy(target, definitions, names)
            return {"$ref": f"#/definitions/{names[target]}"}
        if isinstance(place.value, list):
            return [self._copy(item, definitions, names) for item in place.children()]
        if not isinstance(place.value, dict):
            return place.value
        copied: dict[str, Any] = {}
        for child in place.children():
            if child.key in _VALUES:
                copied[child.key] = child.value
            elif child.key in _MAPS and isinstance(child.value, dict):
                copied[child.key] = {item.key: self._copy(item, definitions, names) for item in child.children()}
            elif child.key not in _ANNOTATIONS and not child.key.startswith("x-"):
                copied[child.key] = self._copy(child, definitions, names)
        return _as_draft_7(copied)

    def canonical(self, place: Place, keyword: str | None = None) -> str:
        """Return a text that two schemas share when only prose, order or place tells them apart.

        `keyword` is the one whose value `place` is, if it is no schema by itself. Raises TooManyError.
        """
        budget = [_MAX_COPIED]
        return text_of(self._plain(place, keyword, (), budget))

    def _plain(self, place: Place, keyword: str | None, above: tuple[Place, ...], budget: list[int]) -> Any:
        budget[0] -= 1
        if budget[0] < 0:
            raise TooManyError
        if keyword in _VALUES:
            values = place.value
            return sorted(values, key=text_of) if keyword == "enum" and isinstance(values, list) else values
        if isinstance(place.members.get("$ref"), str) and keyword not in _MAPS:
            place = self.follow(place)
        if place in above:
            return {"$up": len(above) - above.index(place)}
        inner = (*above, place) if isinstance(place.value, dict) else above
        if isinstance(place.value, list):
            items = [self._plain(item, None, inner, budget) for item in place.children()]
            return sorted(items, key=text_of) if keyword in _SETS else items
        if not isinstance(place.value, dict):
            return place.value
        if keyword in _MAPS:
            return {item.key: self._plain(item, None, inner, budget) for item in place.children()}
        kept = [child for child in place.children() if child.key not in _ANNOTATIONS and not child.key.startswith("x-")]
        return {child.key: self._plain(child, child.key, inner, budget) for child in kept}


def _as_draft_7(schema: dict[str, Any]) -> dict[str, Any]:
    for name, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        # As draft 4 and OpenAPI 3.0 have it.
        if isinstance(schema.get(name), bool) and schema.pop(name) and bound in schema:
            schema[name] = schema.pop(bound)
    if schema.pop("nullable", False) is True:
        if isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    return schema


@dataclass(frozen=True, slots=True)
class Bound:
    """An end of a range: the number, whether it is in the range itself, and where it is said."""

    value: Fraction
    inside: bool
    place: Place


@dataclass(frozen=True, eq=False)
class Alternative:
    """Keywords that all apply at once. `parts` are the schemas that they stand in; each is an object."""

    schemas: Schemas
    parts: tuple[Place, ...]

    def said(self, keyword: str) -> Iterator[Place]:
        """Yield each value of a keyword."""
        for part in self.parts:
            place = part.get(keyword)
            if place is not None:
                yield place

    @cached_property
    def atoms(self) -> frozenset[str]:
        """Return the kinds of values that fit."""
        found = _ATOMS
        for part in self.parts:
            types = part.members.get("type")
            named = types if isinstance(types, list) else [types] if isinstance(types, str) else None
            if named is not None:
                fits = frozenset(atom for name in named if isinstance(name, str) for atom in _ATOMS_OF.get(name, ()))
                found &= fits | {"null"} if part.members.get("nullable") is True else fits
        return found

    def listed(self) -> list[Any] | None:
        """Return the values that `enum` and `const` leave, none twice; None where neither stands."""
        lists = [list(place.value) for place in self.said("enum") if isinstance(place.value, list)]
        lists += [[place.value] for place in self.said("const")]
        if not lists:
            return None
        if any(part.members.get("nullable") is True for part in self.parts):
            lists = [[*values, None] for values in lists]
        first, *others = lists
        common = {text_of(value): value for value in first}
        for values in others:
            texts = {text_of(value) for value in values}
            common = {text: value for text, value in common.items() if text in texts}
        return list(common.values())

    @cached_property
    def values(self) -> tuple[Any, ...] | None:
        """Return every value that fits, where they are few enough to be listed: by `enum`, `const` or their kind."""
        listed = self.listed()
        if listed is None:
            if not self.atoms <= {"null", "boolean"}:
                return None
            listed = [None, True, False]
        return tuple(value for value in listed if self.schemas.accepts(self.parts, value))

    def in_group(self, group: str) -> bool:
        """Tell whether values of a group fit."""
        return bool(self.atoms.intersection(GROUPS[group]))

    @cached_property
    def opaque(self) -> dict[str, Place]:
        """Return what is not understood: from its text to where it stands."""
        found: dict[str, Place] = {}
        for part in self.parts:
            for child in part.children():
                if child.key in _OPAQUE and not _lists_names(child):
                    found[f"{child.key} {self.schemas.canonical(child, child.key)}"] = child
                elif child.key in _LOOKING_AROUND:
                    found[self.schemas.canonical(part)] = child
        return found

    # Numbers

    def bound(self, lower: bool) -> Bound | None:
        """Return the tighter of the bounds on one side, as whole numbers have it where only these fit."""
        keyword, exclusive = ("minimum", "exclusiveMinimum") if lower else ("maximum", "exclusiveMaximum")
        found: list[Bound] = []
        for part in self.parts:
            strict = part.members.get(exclusive)
            for name, inside in ((keyword, strict is not True), (exclusive, False)):
                place = part.get(name)
                if place is not None and _is_number(place.value):
                    found.append(Bound(_fraction(place.value), inside, place))
        if not found:
            return None
        if "fraction" not in self.atoms:
            found = [_whole(bound, lower) for bound in found]
        pick = max if lower else min
        return pick(found, key=lambda bound: (bound.value, bound.inside != lower))

    def multiples(self) -> list[tuple[Fraction, Place]]:
        """Return what a number must be a multiple of."""
        return [
            (_fraction(place.value), place)
            for place in self.said("multipleOf")
            if _is_number(place.value) and place.value > 0
        ]

    # Texts, lists and counts

    def count(self, keyword: str) -> tuple[int, Place] | None:
        """Return the tightest of `minLength`, `maxItems` and their like."""
        found = [(int(place.value), place) for place in self.said(keyword) if _is_number(place.value)]
        pick = max if keyword.startswith("min") else min
        return pick(found, key=lambda item: item[0]) if found else None

    def texts(self, keyword: str) -> dict[str, Place]:
        """Return the values of `pattern` or `format`."""
        return {place.value: place for place in self.said(keyword) if isinstance(place.value, str)}

    def item(self, index: int | None) -> tuple[Place, ...] | None:
        """Return the schemas of a list's item, of those after all that are named where None; None: there is no such."""
        found: list[Place] = []
        for part in self.parts:
            items = part.get("items")
            if items is None or not isinstance(items.value, list):
                place = items
            elif index is not None and index < len(items.value):
                place = items.get(index)
            else:
                place = part.get("additionalItems")
            if place is not None and place.value is False:
                return None
            if place is not None and place.value is not True:
                found.append(place)
        return tuple(found)

    def positions(self) -> int:
        """Return how many items of a list have a schema of their own."""
        return max((len(place.value) for place in self.said("items") if isinstance(place.value, list)), default=0)

    # Objects

    @cached_property
    def declared(self) -> dict[str, Place]:
        """Return the members that are named."""
        return {place.key: place for part in reversed(self.parts) for place in part.under("properties")}

    @cached_property
    def required(self) -> dict[str, Place]:
        """Return the members that must be there, and where that is said."""
        return {
            place.value: place
            for part in self.parts
            for place in part.under("required")
            if isinstance(place.value, str) and isinstance(part.members["required"], list)
        }

    @cached_property
    def needs(self) -> dict[str, dict[str, Place]]:
        """Return which members must be there beside which, and where that is said: also what these need in turn."""
        found: dict[str, dict[str, Place]] = {}
        for part in self.parts:
            for keyword in NEEDS:
                stated = part.get(keyword)
                for item in stated.children() if stated is not None and _lists_names(stated) else ():
                    found.setdefault(item.key, {}).update({str(other.value): other for other in item.children()})
        for needed in found.values():
            todo = list(needed)
            for other in todo:
                for further, place in found.get(other, {}).items():
                    if further not in needed:
                        needed[further] = place
                        todo.append(further)
        return found

    @cached_property
    def patterns(self) -> dict[str, Place]:
        """Return the schemas of members by pattern."""
        return {place.key: place for part in self.parts for place in part.under("patternProperties")}

    def member(self, name: str | None) -> tuple[Place, ...] | Place:
        """Return the schemas of a member, of one that nothing names where None; where it is forbidden instead."""
        found: list[Place] = []
        for part in self.parts:
            named = [place for place in part.under("properties") if place.key == name]
            if name is not None:
                named += [place for place in part.under("patternProperties") if matches(place.key, name)]
            rest = part.get("additionalProperties")
            if not named and rest is not None:
                named = [rest]
            for place in named:
                if self.schemas.follow(place).value is False:
                    return place
                if place.value is not True and place.value != {}:
                    found.append(place)
        return tuple(found)


def _lists_names(place: Place) -> bool:
    """Tell whether a keyword says of members only which others they need."""
    return place.key in NEEDS and all(
        isinstance(item.value, list) and all(isinstance(name, str) for name in item.value) for item in place.children()
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _fraction(value: float) -> Fraction:
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


def _whole(bound: Bound, lower: bool) -> Bound:
    value = math.ceil(bound.value) if lower else math.floor(bound.value)
    if not bound.inside and value == bound.value:
        value += 1 if lower else -1
    return Bound(Fraction(value), True, bound.place)


def disjoint(one: Alternative, other: Alternative, depth: int = 4) -> bool:
    """Tell whether no value can fit both. False where that isn't certain."""
    common = one.atoms & other.atoms
    if not common:
        return True
    for left, right in ((one, other), (other, one)):
        if left.values is not None:
            return not any(right.schemas.accepts(right.parts, value) for value in left.values)
    if common <= set(GROUPS["number"]):
        return _ranges_apart(one, other) or _ranges_apart(other, one)
    return common == {"object"} and depth > 0 and _objects_apart(one, other, depth)


def _ranges_apart(one: Alternative, other: Alternative) -> bool:
    top, bottom = one.bound(lower=False), other.bound(lower=True)
    if top is None or bottom is None:
        return False
    return top.value < bottom.value or (top.value == bottom.value and not (top.inside and bottom.inside))


def _objects_apart(one: Alternative, other: Alternative, depth: int) -> bool:
    for name in {**one.required, **other.required}:
        left, right = one.member(name), other.member(name)
        if isinstance(left, Place) or isinstance(right, Place):
            return True
        if not left or not right:
            continue
        pairs = product(one.schemas.alternatives(left), other.schemas.alternatives(right))
        if all(disjoint(a, b, depth - 1) for a, b in pairs):
            return True
    return False
