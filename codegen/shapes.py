"""Shapes: draft-07 schemas into types that Python can say, and what remains of them for a check at run time.

A shape accepts all that its schema accepts, and keeps all that the schema looks at; `x-fits` on it is a schema for what
it accepts too much. Shapes are small JSON Schemas of their own:

- `{}` any value, `{"$ref"}` a definition, `{"enum"}` values (scalars), `{"anyOf"}` a union;
- `{"type"}` of `string`, `integer`, `["integer", "number"]`, `boolean`, `null`, with bounds that Pydantic knows;
- `{"type": "array"}` with `items`, or with `tuple` (a shape for each place); `{"type": "object"}` with
  `additionalProperties` alone is a map, with `properties` a class, which only a definition can be.

`x-open`: a class keeps members that it doesn't name. It knows no document, no place and nothing of Pydantic.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import jsonschema_rs

from codegen.dialect import ANNOTATIONS, references
from codegen.naming import Names, pascal
from codegen.patterns import for_python, for_rust

PREFIX = "#/$defs/"
ALL_TYPES = ("object", "array", "string", "number", "boolean", "null")
_UNIONS = ("oneOf", "anyOf")
_BRANCHES = 32  # so many classes may come of one schema's unions; beyond it they are checked at run time
_DEPTH = 6  # unions within unions that are told apart
_TUPLE = 32  # places of a tuple
_EXACT = 2**53  # whole numbers up to here are exact as floats
_LITERAL = 2**63 - 1
_CONDITIONS = ("not", "if", "then", "else")
_TOGETHER: Mapping[str, str] = {
    **dict.fromkeys(("properties", "patternProperties", "additionalProperties"), "properties"),
    **dict.fromkeys(("items", "additionalItems"), "items"),
    **dict.fromkeys(("if", "then", "else"), "if"),
}
"""Keywords that mean something else beside each other, by the first of them."""
Schema = Mapping[str, Any]
Shape = dict[str, Any]


def name_of(reference: str) -> str:
    """Return the definition that a `$ref` names."""
    return reference.removeprefix(PREFIX)


def types_named(schema: Schema) -> tuple[str, ...] | None:
    """Return the types that a schema names, in its order; None where it names none."""
    if "type" not in schema:
        return None
    value = schema["type"]
    return tuple(value) if isinstance(value, list) else (value,)


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal: 1 is 1.0, and neither is true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return (type(one) in (int, float) and type(other) in (int, float) and one == other) or (
        type(one) is type(other) and one == other
    )


def whole(value: Any) -> Any:
    """Return a JSON value whose whole numbers are ints, however they were written."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value


def is_type(value: Any, type_: str) -> bool:
    """Tell whether a JSON value is of a JSON Schema type."""
    if isinstance(value, bool):
        return type_ == "boolean"
    if isinstance(value, int):
        return type_ in ("integer", "number")
    if isinstance(value, float):
        return type_ == "number" or (type_ == "integer" and value.is_integer())
    names = {str: "string", type(None): "null", list: "array", dict: "object"}
    return names[type(value)] == type_


class Definitions:
    """Draft-07 schemas by name, which may refer to each other. It answers questions about them."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}

    def conjuncts(self, schema: Any) -> list[dict[str, Any]] | None:
        """Return the schemas, without `allOf` and `$ref`, that a value must all fit; None where nothing fits."""
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        pending = [schema]
        while pending:
            part = pending.pop(0)
            while isinstance(part, Mapping) and "$ref" in part:
                name = name_of(part["$ref"])
                part = True if name in seen else self.schemas[name]
                seen.add(name)
            if part is False:
                return None
            if isinstance(part, Mapping):
                found.append({key: value for key, value in part.items() if key != "allOf"})
                pending.extend(part.get("allOf", ()))
        return found

    def reached(self, schema: Any) -> set[str]:
        """Return the names of the definitions that a schema refers to, and those that they refer to."""
        found: set[str] = set()
        pending = [schema]
        while pending:
            for reference in references(pending.pop()):
                name = name_of(reference)
                if name not in found:
                    found.add(name)
                    pending.append(self.schemas[name])
        return found

    def accepts(self, schema: Any, value: Any) -> bool:
        """Tell whether a value fits a schema. None does where the schema is no schema."""
        definitions = {name: self.schemas[name] for name in sorted(self.reached(schema))}
        try:
            validator = jsonschema_rs.Draft7Validator({"$defs": definitions, "allOf": [schema]}, validate_formats=False)
        except (jsonschema_rs.ValidationError, ValueError):
            return False
        return validator.is_valid(value)

    def values(self, parts: Sequence[Schema]) -> list[Any] | None:
        """Return the values that `enum` and `const` leave; None where neither stands there."""
        lists = [list(part["enum"]) for part in parts if isinstance(part.get("enum"), list)]
        lists += [[part["const"]] for part in parts if "const" in part]
        if not lists:
            return None
        first, *others = lists
        unique: list[Any] = []
        for value in map(whole, first):
            fits = all(any(same(value, known) for known in other) for other in others)
            if fits and not any(same(value, known) for known in unique):
                unique.append(value)
        types = [named for part in parts if (named := types_named(part)) is not None]
        unique = [value for value in unique if all(any(is_type(value, kind) for kind in named) for named in types)]
        if all(part.keys() <= {"type", "enum", "const", *ANNOTATIONS} for part in parts):
            return unique
        return [value for value in unique if self.accepts({"allOf": list(parts)}, value)]

    def types(self, parts: Sequence[Schema]) -> tuple[str, ...] | None:
        """Return the types that all parts allow, in the order of the first that names some; None for any."""
        found: tuple[str, ...] | None = None
        for part in parts:
            named = types_named(part)
            if named is None:
                continue
            if "number" in named:
                named = tuple(kind for kind in named if kind != "integer")
            if found is None:
                found = named
                continue
            kept = [
                kind
                for item in found
                for kind in (
                    [item] if item in named else ["integer"] if item == "number" and "integer" in named else []
                )
            ]
            kept += ["integer"] if "integer" in found and "number" in named else []
            found = tuple(dict.fromkeys(kept))
        return found

    def disjoint(self, branches: Sequence[Any]) -> bool:
        """Tell whether it is plain that no value fits two of these schemas."""
        facts = [self._facts(branch) for branch in branches]
        return all(
            one is not None and other is not None and _apart(one, other) for one, other in combinations(facts, 2)
        )

    def _facts(self, branch: Any) -> "_Facts | None":
        parts = self.conjuncts(branch)
        if parts is None:
            return _Facts(frozenset(), None, {}, frozenset(), None)
        types = self.types(parts)
        values = self.values(parts)
        required = frozenset(name for part in parts for name in part.get("required", ()))
        members: dict[str, list[Any]] = {}
        closed: frozenset[str] | None = None
        for part in parts:
            for name, member in part.get("properties", {}).items():
                inner = self.conjuncts(member)
                found = self.values(inner) if inner is not None else []
                if name in required and found is not None:
                    members[name] = found
            if part.get("additionalProperties") is False and "patternProperties" not in part:
                closed = frozenset(part.get("properties", {}))
        object_only = types is not None and set(types) == {"object"}
        return _Facts(
            frozenset(types) if types is not None else None,
            values,
            members if object_only else {},
            required if object_only else frozenset(),
            closed,
        )


class _Facts:
    """What is plain about the values of a schema."""

    def __init__(
        self,
        types: frozenset[str] | None,
        values: list[Any] | None,
        members: dict[str, list[Any]],
        required: frozenset[str],
        closed: frozenset[str] | None,
    ) -> None:
        self.types = types
        self.values = values
        self.members = members
        self.required = required
        self.closed = closed


def _apart(one: _Facts, other: _Facts) -> bool:
    if one.types is not None and other.types is not None:
        numbers = {"integer", "number"}
        if not one.types & other.types and not (one.types & numbers and other.types & numbers):
            return True
    if one.values is not None and other.values is not None:
        return not _share(one.values, other.values)
    if any(not _share(one.members[name], other.members[name]) for name in one.members.keys() & other.members.keys()):
        return True
    return (one.closed is not None and not other.required <= one.closed) or (
        other.closed is not None and not one.required <= other.closed
    )


def _share(values: Iterable[Any], others: Sequence[Any]) -> bool:
    return any(same(value, known) for value in values for known in others)


def all_of(schemas: Sequence[Any]) -> Any:
    """Return a schema for what fits all of some."""
    unique: list[Any] = []
    for schema in schemas:
        if schema is not True and not any(same(schema, known) for known in unique):
            unique.append(schema)
    return True if not unique else unique[0] if len(unique) == 1 else {"allOf": unique}


def checkable(schema: Any) -> Any:
    """Return a schema for the check at run time: without annotations, its patterns as the engines of Python take them.

    Raises ValueError for a pattern that none of them takes.
    """
    if not isinstance(schema, Mapping):
        return schema
    result: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ANNOTATIONS:
            continue
        if name in ("properties", "dependencies"):
            result[name] = {
                key: list(item) if isinstance(item, list) else checkable(item) for key, item in value.items()
            }
        elif name == "patternProperties":
            found: dict[str, list[Any]] = {}
            for key, item in value.items():
                found.setdefault(pattern_of(key), []).append(checkable(item))
            result[name] = {key: all_of(items) for key, items in found.items()}
        elif name in ("allOf", "anyOf", "oneOf") or (name == "items" and isinstance(value, list)):
            result[name] = [checkable(item) for item in value]
        elif name == "pattern":
            result[name] = pattern_of(value)
        elif name == "$ref":
            result[name] = name_of(value)
        elif name in ("const", "enum"):
            result[name] = whole(value)
        elif name in ("type", "required"):
            result[name] = value
        else:
            result[name] = checkable(value)
    return result


def pattern_of(pattern: str) -> str:
    """Return a pattern as one of the engines takes it, the linear one first. Raises ValueError if none does."""
    found = for_rust(pattern)
    found = for_python(pattern) if found is None else found
    if found is None:
        raise ValueError(f"{pattern!r} is no regular expression")
    return found


class Shaper:
    """Gives shapes to schemas. `shapes` collects those of definitions: each has a name, and so has every class."""

    def __init__(self, known: Definitions, names: Names) -> None:
        self.shapes: dict[str, Shape] = {}
        self._known = known
        self._names = names
        self._wanted: list[str] = []
        self._inlining: dict[str, str] = {}

    def define(self) -> None:
        """Give each definition its shape that another shape refers to."""
        while self._wanted:
            name = self._wanted.pop()
            if name not in self.shapes:
                self.shapes[name] = self.shape(self._known.schemas[name], name, own=name)

    def frame(self, schema: Any, name: str, tag: str | None) -> None:
        """Define the class of a payload that is an object. Its tag has its value as default: nobody writes it."""
        found = self._known.conjuncts(schema)
        parts = found or []
        rest: list[Any] = [{union: part[union]} for part in parts for union in _UNIONS if union in part]
        listed = self._known.values(parts)
        rest += [False] if found is None else [] if listed is None else [{"enum": listed}]
        shape = self._class(parts, name, rest)
        if not shape["properties"] and "additionalProperties" not in shape:
            shape["x-open"] = True  # what has no name of its own is all that there is
        values = self._tags(parts, tag) if tag is not None else []
        if values:
            shape["required"] = [member for member in shape["required"] if member != tag]
            shape["properties"][tag] = {"enum": values[:1], "default": values[0], "x-tag": True}
        self.shapes[name] = self._fitted(shape, [*rest, *_conditions(parts)])

    def _tags(self, parts: Sequence[Schema], tag: str) -> list[Any]:
        members = [part["properties"][tag] for part in parts if tag in part.get("properties", {})]
        inner = self._known.conjuncts({"allOf": members})
        return (self._known.values(inner) if inner is not None else None) or []

    def is_class(self, schema: Any) -> bool:
        """Tell whether a schema becomes one class."""
        parts = self._known.conjuncts(schema)
        if parts is None or self._known.values(parts) is not None:
            return False
        types = self._known.types(parts)
        named = any("properties" in part for part in parts)
        if types not in (None, ("object",)) or (types is None and not named):
            return False
        closed = any(part.get("additionalProperties") is False and "patternProperties" not in part for part in parts)
        return named or closed or any(part.get("required") for part in parts)

    def shape(self, schema: Any, hint: str, *, own: str | None = None, depth: int = 0) -> Shape:
        """Return the shape of a schema where it stands. `hint` names what needs a name there.

        `own`: the schema is the definition of this name, which its class takes.
        """
        if isinstance(schema, bool):
            return {} if schema else {"x-fits": False}
        outer = {name: schema[name] for name in ("description", "default") if name in schema}
        if "$ref" in schema:
            self._wanted.append(name_of(schema["$ref"]))
            return {"$ref": schema["$ref"]}
        if schema.keys() - ANNOTATIONS == {"allOf"} and len(schema["allOf"]) == 1:
            return {**self.shape(schema["allOf"][0], hint, own=own, depth=depth), **outer}
        parts = self._known.conjuncts(schema)
        if parts is None:
            return {**outer, "x-fits": False}
        values = self._known.values(parts)
        if values is not None:
            return {**self._values(values), **outer}
        types = self._known.types(parts)
        if types is None and any("properties" in part for part in parts):
            types = ("object",)  # an author who names members means an object
        if types == ():
            return {**outer, "x-fits": False}
        groups = [(union, part[union]) for part in parts for union in _UNIONS if union in part]
        if groups:
            found = self._union(parts, types, groups, hint, depth)
            if found is not None:
                return {**found, **outer}
        rest: list[Any] = [{union: branches} for union, branches in groups]
        if types is None:
            asserted = [part for part in parts if part.keys() - ANNOTATIONS]
            return {**self._fitted({}, asserted), **outer}
        if types == ("object",) and self.is_class({"allOf": [*parts, {"type": "object"}]}):
            if own is not None:
                return self._fitted(self._class(parts, hint, rest), [*rest, *_conditions(parts)])
            outer.pop("description", None)  # which is the class's own
            return {"$ref": f"{PREFIX}{self._inline_class(schema, parts, hint, rest)}", **outer}
        shapes = [self._typed(kind, parts, hint, rest, len(types) > 1) for kind in types]
        shape = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        return {**self._fitted(shape, [*rest, *_conditions(parts)]), **outer}

    def _inline_class(self, schema: Any, parts: Sequence[Schema], hint: str, rest: list[Any]) -> str:
        """Define the class of a schema that has no name of its own. Returns its name."""
        # What takes a definition's members over may hold itself by way of them.
        key = key_of(schema)
        if key in self._inlining:
            return self._inlining[key]
        name = self._names.take(hint, "")
        self.shapes[name] = {}  # keeps its place in the order
        self._inlining[key] = name
        self.shapes[name] = self._fitted(self._class(parts, name, rest), [*rest, *_conditions(parts)])
        del self._inlining[key]
        return name

    def _fitted(self, shape: Shape, rest: Sequence[Any]) -> Shape:
        """Return a shape that is checked for what is left to say."""
        fragments = [fragment for fragment in rest if fragment is not True]
        if not fragments:
            return shape
        names = [name for part in fragments if part is not False for name in {_TOGETHER.get(key, key) for key in part}]
        if False not in fragments and len(set(names)) == len(names):
            merged: Any = {name: value for fragment in fragments for name, value in fragment.items()}
        else:
            merged = all_of(fragments)
        return {**shape, "x-fits": merged}

    def _values(self, values: list[Any]) -> Shape:
        if not values:
            return {"x-fits": False}
        simple = [value for value in values if _is_literal(value)]
        if len(simple) == len(values):
            return {"enum": values}
        shapes: list[Shape] = [{"enum": simple}] if simple else []
        floats = any(isinstance(value, float) for value in values)
        if not floats and any(isinstance(value, int) and not _is_literal(value) for value in values):
            shapes.append({"type": "integer"})
        for kind, shape in (
            (float, {"type": ["integer", "number"]}),
            (list, {"type": "array", "items": {}}),
            (dict, {"type": "object", "additionalProperties": {}}),
        ):
            if any(isinstance(value, kind) for value in values):
                shapes.append(dict(shape))
        return {**(shapes[0] if len(shapes) == 1 else {"anyOf": shapes}), "x-fits": {"enum": values}}

    # unions

    def _union(
        self,
        parts: Sequence[Schema],
        types: tuple[str, ...] | None,
        groups: Sequence[tuple[str, list[Any]]],
        hint: str,
        depth: int,
    ) -> Shape | None:
        """Return a union of what the branches of the first group give; None where it is better checked at run time."""
        (kind, branches), others = groups[0], groups[1:]
        base = [{key: value for key, value in part.items() if value is not branches} for part in parts]
        base = [part for part in base if part.keys() - ANNOTATIONS]
        asserted = {key for part in base for key in part} - ANNOTATIONS
        if asserted == {"type"} and all(self._within(branch, types) for branch in branches):
            base, asserted = [], set()
        if asserted:
            if math.prod(len(group) for _, group in groups) > _BRANCHES or depth >= _DEPTH:
                return None
            if not any(self._adds(branch, parts, types) for branch in branches):
                return None
            branches = [all_of([*base, branch]) for branch in branches]
        elif others or depth >= 4 * _DEPTH:
            return None
        shapes: list[Shape] = []
        for index, branch in enumerate(branches):
            source = groups[0][1][index]
            title = source.get("title") if isinstance(source, Mapping) else None
            name = f"{hint}{pascal(title) if isinstance(title, str) and title.strip() else f'Option{index + 1}'}"
            shape = self.shape(branch, name, depth=depth + 1)
            shape = {key: value for key, value in shape.items() if key not in ("description", "default")}
            if shape.get("x-fits") is not False and shape not in shapes:
                shapes.append(shape)
        if not shapes:
            return {"x-fits": False}
        apart = self._known.disjoint(branches)
        rest = [{"oneOf": groups[0][1]}] if kind == "oneOf" and not apart else []
        if {} in shapes:
            return self._fitted({}, rest)
        found: Shape = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        if rest and "x-fits" in found:
            return {"anyOf": [found], "x-fits": rest[0]}
        if len(shapes) > 1 and not apart:
            found = {**found, "x-watched": True}
        return self._fitted(found, rest)

    def _within(self, branch: Any, types: tuple[str, ...] | None) -> bool:
        """Tell whether a branch says itself that it has one of the types."""
        parts = self._known.conjuncts(branch)
        found = self._known.types(parts) if parts is not None else ()
        return types is not None and found is not None and set(found) <= set(types)

    def _adds(self, branch: Any, parts: Sequence[Schema], types: tuple[str, ...] | None) -> bool:
        """Tell whether a branch says more of the type than what it stands beside."""
        named = {name for part in parts for name in part.get("properties", {})}
        for part in self._known.conjuncts(branch) or ():
            if set(part.get("properties", {})) - named or any(union in part for union in _UNIONS):
                return True
            if types != ("object",) and part.keys() - ANNOTATIONS - set(_CONDITIONS):
                return True
        return False

    # one type

    def _typed(self, kind: str, parts: Sequence[Schema], hint: str, rest: list[Any], several: bool) -> Shape:
        """Return the shape of the values of one type; what it leaves out goes to `rest`."""
        if kind == "object":
            if several and self.is_class({"allOf": [*(_without_type(part) for part in parts), {"type": "object"}]}):
                only = {"allOf": [*parts, {"type": "object"}]}
                return {"$ref": f"{PREFIX}{self._inline_class(only, [*parts, {'type': 'object'}], hint, [])}"}
            return self._map(parts, hint, rest)
        if kind == "array":
            return self._array(parts, hint, rest)
        if kind == "string":
            return self._string(parts, rest)
        if kind in ("number", "integer"):
            return self._number(kind, parts, rest)
        return {"type": kind}

    @staticmethod
    def _string(parts: Sequence[Schema], rest: list[Any]) -> Shape:
        shape = {"type": "string", **_counts(parts, "Length")}
        for pattern in dict.fromkeys(part["pattern"] for part in parts if "pattern" in part):
            found = for_rust(pattern)
            if found is not None and "pattern" not in shape:
                shape["pattern"] = found
                shape["x-pattern"] = pattern
            else:
                rest.append({"pattern": pattern})
        return shape

    @staticmethod
    def _number(kind: str, parts: Sequence[Schema], rest: list[Any]) -> Shape:
        shape: Shape = {"type": "integer"} if kind == "integer" else {"type": ["integer", "number"]}
        for name, choose in (("minimum", max), ("maximum", min), ("exclusiveMinimum", max), ("exclusiveMaximum", min)):
            found = [whole(part[name]) for part in parts if name in part]
            if not found:
                continue
            bound = choose(found)
            if kind == "integer" and isinstance(bound, float):
                up = "inimum" in name
                name = "minimum" if up else "maximum"
                bound = math.ceil(bound) if up else math.floor(bound)
                bound = (max if up else min)(bound, shape.get(name, bound))
            if kind == "number" and abs(bound) > _EXACT:
                rest.append({name: bound})
            elif name not in shape or choose(shape[name], bound) == bound:
                shape[name] = bound
        for step in dict.fromkeys(whole(part["multipleOf"]) for part in parts if "multipleOf" in part):
            if kind == "integer" and isinstance(step, int) and "multipleOf" not in shape:
                shape["multipleOf"] = step
            else:
                rest.append({"multipleOf": step})
        return shape

    def _array(self, parts: Sequence[Schema], hint: str, rest: list[Any]) -> Shape:
        for part in parts:
            rest += [{name: part[name]} for name in ("uniqueItems", "contains") if part.get(name, False) is not False]
            if part.get("contains") is False:
                rest.append({"contains": False})
        counts = _counts(parts, "Items")
        listed = [part for part in parts if isinstance(part.get("items"), list)]
        plain = [part["items"] for part in parts if "items" in part and not isinstance(part["items"], list)]
        if not listed:
            items = all_of(plain)
            if items is False:
                return {"type": "array", "items": {}, **counts, "maxItems": 0}
            return {"type": "array", "items": self.shape(items, f"{hint}Item"), **counts}
        first = listed[0]
        places = list(first["items"])
        more = first.get("additionalItems", True)
        size = len(places)
        shapes = [self.shape(all_of([place, *plain]), f"{hint}Item{at + 1}") for at, place in enumerate(places)]
        fixed = counts.get("minItems", 0) == size and (counts.get("maxItems") == size or more is False)
        if (
            fixed
            and len(listed) == 1
            and 0 < size <= _TUPLE
            and not any(item.get("x-fits") is False for item in shapes)
        ):
            return {"type": "array", "tuple": shapes}
        rest += [{name: part[name] for name in ("items", "additionalItems") if name in part} for part in listed]
        rest += [{"items": item} for item in plain]
        open_ = len(listed) > 1 or (more is True and counts.get("maxItems", size + 1) > size)
        if more is not True and more is not False:
            shapes.append(self.shape(all_of([more, *plain]), f"{hint}Item"))
        if open_:
            return {"type": "array", "items": {}, **counts}
        return {"type": "array", "items": _any_of(shapes), **counts}

    def _map(self, parts: Sequence[Schema], hint: str, rest: list[Any]) -> Shape:
        counts = _counts(parts, "Properties")
        names = [part["propertyNames"] for part in parts if part.get("propertyNames", True) is not True]
        rest += [{"propertyNames": name} for name in names]
        rest += [{"dependencies": part["dependencies"]} for part in parts if part.get("dependencies")]
        patterned = [part for part in parts if part.get("patternProperties")]
        required = [part["required"] for part in parts if part.get("required")]
        rest += [{"required": found} for found in required]
        more = [part["additionalProperties"] for part in parts if "additionalProperties" in part]
        if not patterned:
            return {"type": "object", "additionalProperties": self.shape(all_of(more), f"{hint}Value"), **counts}
        rest += [
            {key: part[key] for key in ("patternProperties", "additionalProperties") if key in part} for part in parts
        ]
        while {} in rest:
            rest.remove({})
        values = list(patterned[0]["patternProperties"].values())
        extra = patterned[0].get("additionalProperties", True)
        if extra is True:
            return {"type": "object", "additionalProperties": {}, **counts}
        values += [extra] if extra is not False else []
        shapes = [self.shape(value, f"{hint}Value{at + 1 if at else ''}") for at, value in enumerate(values)]
        return {"type": "object", "additionalProperties": _any_of(shapes), **counts}

    def _class(self, parts: Sequence[Schema], name: str, rest: list[Any]) -> Shape:
        """Return the class of objects that fit all parts; what it can't say goes to `rest`."""
        shape: Shape = {"type": "object", "properties": {}, "required": []}
        described = [part["description"] for part in parts if isinstance(part.get("description"), str)]
        if described:
            shape["description"] = described[0]
        members: dict[str, list[Any]] = {}
        for part in parts:
            for member, schema in part.get("properties", {}).items():
                members.setdefault(member, []).append(schema)
            shape["required"] += [item for item in part.get("required", ()) if item not in shape["required"]]
        speaking = [part for part in parts if part.get("additionalProperties", True) not in (True, {})]
        patterned = any(part.get("patternProperties") for part in parts)
        exact = not patterned and (not speaking or (len(speaking) == 1 and members.keys() <= set(_named(speaking[0]))))
        extra = speaking[0]["additionalProperties"] if speaking and exact else True
        for member in shape["required"]:
            members.setdefault(member, [] if extra is False else [extra])
        for member, schemas in members.items():
            schema = all_of(schemas)
            found = self.shape(schema, f"{name}{pascal(member)}") if schemas else {"x-fits": False}
            if "default" in found:
                found = {**found, "default": whole(found["default"])}
                if not self._told(found["default"], schema):
                    del found["default"]
            shape["properties"][member] = found
        stated = any("additionalProperties" in part for part in parts)
        if extra is False:
            shape["additionalProperties"] = False
        elif exact and speaking:
            shape["additionalProperties"] = self.shape(extra, f"{name}Value")
        elif stated or patterned or not members:
            shape["x-open"] = True
        for part in parts:
            rest += self._about_members(part, exact)
        return shape

    def _told(self, default: Any, schema: Any) -> bool:
        """Tell whether a default can be filled in: a scalar that fits. Others are told to readers."""
        return isinstance(default, (str, int, float, bool)) and self._known.accepts(schema, default)

    @staticmethod
    def _about_members(part: Schema, exact: bool) -> list[Any]:
        found: list[Any] = []
        for name in ("minProperties", "maxProperties", "dependencies"):
            if part.get(name):
                found.append({name: part[name]})
        if part.get("maxProperties") == 0:
            found.append({"maxProperties": 0})
        if part.get("propertyNames", True) is not True:
            found.append({"propertyNames": part["propertyNames"]})
        if not exact and ("patternProperties" in part or part.get("additionalProperties", True) not in (True, {})):
            about: dict[str, Any] = {"properties": dict.fromkeys(part.get("properties", {}), True)}
            about |= {key: part[key] for key in ("patternProperties", "additionalProperties") if key in part}
            found.append({key: value for key, value in about.items() if value != {}})
        return found

    # what a check or a union must see

    def finish(self) -> None:
        """Let each class keep what a check, or a union that leaves it open, must see of it; and fill nothing in there.

        A default that is filled in, or a member that is dropped, would else change what is true of the value.
        """
        pending = [inner for shape in self.shapes.values() for inner in _watching(shape)]
        watched: set[str] = set()
        while pending:
            shape = pending.pop()
            for name in _named_in(shape):
                if name not in watched and name in self.shapes:
                    watched.add(name)
                    pending.append(self.shapes[name])
        for name, shape in self.shapes.items():
            if "properties" in shape and (name in watched or "x-fits" in shape):
                if "additionalProperties" not in shape:
                    shape["x-open"] = True
                for member in shape["properties"].values():
                    if "x-tag" not in member:
                        member.pop("default", None)


def _is_literal(value: Any) -> bool:
    """Tell whether a value can stand in a Literal: Pydantic finds no integer there that needs more than 64 bits."""
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) <= _LITERAL)


def _named(part: Schema) -> Mapping[str, Any]:
    found: Mapping[str, Any] = part.get("properties", {})
    return found


def _without_type(part: Schema) -> Schema:
    return {key: value for key, value in part.items() if key != "type"}


def _conditions(parts: Sequence[Schema]) -> list[Any]:
    found: list[Any] = []
    for part in parts:
        if "not" in part:
            found.append({"not": part["not"]})
        if "if" in part and ("then" in part or "else" in part):
            found.append({name: part[name] for name in ("if", "then", "else") if name in part})
    return found


def _counts(parts: Sequence[Schema], what: str) -> dict[str, int]:
    low = [int(part[f"min{what}"]) for part in parts if f"min{what}" in part]
    high = [int(part[f"max{what}"]) for part in parts if f"max{what}" in part]
    return {**({f"min{what}": max(low)} if low else {}), **({f"max{what}": min(high)} if high else {})}


def _any_of(shapes: Sequence[Shape]) -> Shape:
    unique: list[Shape] = []
    for shape in shapes:
        if shape.get("x-fits") is not False and shape not in unique:
            unique.append(shape)
    if {} in unique or not unique:
        return {}
    return unique[0] if len(unique) == 1 else {"anyOf": unique, "x-watched": True}


def inner_shapes(shape: Shape) -> list[Shape]:
    """Return the shapes within a shape, as far as they stand there themselves."""
    found: list[Shape] = [*shape.get("anyOf", ()), *shape.get("tuple", ()), *shape.get("properties", {}).values()]
    for name in ("items", "additionalProperties"):
        if isinstance(shape.get(name), dict):
            found.append(shape[name])
    return found


def _watching(shape: Shape) -> list[Shape]:
    found = [inner for part in inner_shapes(shape) for inner in _watching(part)]
    return [*found, shape] if "x-fits" in shape or "x-watched" in shape else found


def _named_in(shape: Shape) -> set[str]:
    found = {name for part in inner_shapes(shape) for name in _named_in(part)}
    return found | ({name_of(shape["$ref"])} if "$ref" in shape else set())


def key_of(value: Any) -> str:
    """Return a text that is the same for equal shapes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
