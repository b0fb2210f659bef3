"""Forms: a JSON Schema taken apart into forms, each a plain list of what a value must be, with no union left in it.

A node is a conjunction of schemas that one place of a value must fit; its forms are the ways to do so. What can't be
said plainly (most of `not`, "exactly one" of `oneOf`) is left to the node's validator. It makes no values.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import jsonschema_rs

from codegen.dialect import references
from contract.texts import Patterns

ALL: Final = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
"""The kinds of values. `integer` is a whole number, `number` one with a fraction: a schema's `number` is both."""
_MEANT: Final[Mapping[str, frozenset[str]]] = {
    "number": frozenset({"integer", "number"}),
    **{name: frozenset({name}) for name in ALL - {"number"}},
}
KEYWORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "object": (
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
        *("minProperties", "maxProperties", "dependencies", "x-absent"),
    ),
    "array": ("items", "additionalItems", "contains", "uniqueItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""The keywords that say something of values of one kind only."""
_UNSURE = frozenset({"oneOf", "not", "if", "dependencies", "multipleOf", "pattern", "patternProperties", "contains"})
_MOST_FORMS = 48
_DEEPEST = 14
NEVER: Final = 1000
"""The height of what has no value."""


def is_whole(value: int | float) -> bool:
    """Tell whether a number has no fraction, as 5.0."""
    return isinstance(value, int) or value.is_integer()


def kind_of(value: Any) -> str:
    """Return the kind of a JSON value, as in ALL."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and is_whole(value)):
        return "integer"
    return {float: "number", str: "string", list: "array"}.get(type(value), "object")


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal: 1 and 1.0 are, 1 and true aren't."""
    return bool(frozen(one) == frozen(other))


def frozen(value: Any) -> Any:
    """Return what is equal, and has the same hash, exactly for equal JSON values."""
    if isinstance(value, dict):
        return "{", frozenset((name, frozen(member)) for name, member in value.items())
    if isinstance(value, (list, tuple)):
        return "[", tuple(map(frozen, value))
    return (isinstance(value, bool), value)


class Forms:
    """A schema that stands alone, taken apart as far as it is asked for."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Take `{"allOf": [...], "definitions": {...}}`, as contract.spec.Schema.value gives it."""
        self.patterns = Patterns()
        self._schema = schema
        self._definitions: Mapping[str, Any] = schema.get("definitions", {})
        self._nodes: dict[tuple[int, ...], Node] = {}
        self._negations: dict[int, list[list[Any]]] = {}
        self._kept: list[Any] = []  # schemas made here; what is known by its id must live
        self._made: dict[tuple[int, str], Any] = {}
        self._turn = 0

    @cached_property
    def root(self) -> "Node":
        """Return the node of a whole value."""
        return self.node([{name: item for name, item in self._schema.items() if name != "definitions"}])

    @cached_property
    def validator(self) -> jsonschema_rs.Draft7Validator:
        """Return what judges whole values. `format` is an annotation."""
        return jsonschema_rs.Draft7Validator(dict(self._schema), validate_formats=False)

    def keep(self, schema: Any) -> Any:
        """Return a schema made here, and see that it lives."""
        self._kept.append(schema)
        return schema

    def node(self, fragments: Iterable[Any]) -> "Node":
        """Return the node of a place that must fit all of these schemas."""
        wanted = list({id(item): item for item in fragments if item is not True}.values())
        key = tuple(sorted(map(id, wanted)))
        found = self._nodes.get(key)
        if found is None:
            self._kept += wanted
            found = self._nodes[key] = Node(self, tuple(wanted))
        return found

    def denied(self, schema: Any) -> Any:
        """Return the schema of all that doesn't fit a schema."""
        return self._derived(schema, "", lambda: {"not": schema})

    def without(self, schema: Mapping[str, Any], keyword: str) -> Any:
        """Return a schema without one of its keywords."""
        return self._derived(schema, keyword, lambda: {name: item for name, item in schema.items() if name != keyword})

    def _derived(self, schema: Any, key: str, make: Callable[[], Any]) -> Any:
        if (id(schema), key) not in self._made:
            self.keep(schema)
            self._made[id(schema), key] = self.keep(make())
        return self._made[id(schema), key]

    def target(self, reference: str) -> Any:
        """Return what a `$ref` points at."""
        if reference == "#":
            return self._schema
        name = reference.removeprefix("#/definitions/").replace("~1", "/").replace("~0", "~")
        return self._definitions.get(name, True)

    def alone(self, fragments: Sequence[Any]) -> dict[str, Any]:
        """Return these schemas as one that stands alone, with the definitions that it needs."""
        wanted: dict[str, Any] = {}
        pending = [reference for item in fragments for reference in references(item)]
        while pending:
            reference = pending.pop()
            name = reference.removeprefix("#/definitions/")
            if name not in wanted and name in self._definitions:
                wanted[name] = self._definitions[name]
                pending += references(self._definitions[name])
        return {"allOf": list(fragments) or [True], "definitions": wanted}

    def expand(self, fragments: Sequence[Any]) -> list[list[Any]]:
        """Return the ways to fit all of these schemas, each as schemas whose own keywords are to be read together."""
        return self._expand({}, list(fragments), [], _MOST_FORMS)

    def _expand(
        self, flat: dict[int, Any], pending: list[Any], choices: list[list[list[Any]]], limit: int
    ) -> list[list[Any]]:
        pending = list(pending)
        while pending:
            item = pending.pop(0)
            if item is True or item == {} or id(item) in flat:
                continue
            if item is False or not isinstance(item, Mapping):
                return []
            flat[id(item)] = item
            if "$ref" in item:
                pending.insert(0, self.target(item["$ref"]))
                continue
            pending[:0] = item.get("allOf", ())
            choices = [*choices, *self._choices(item)]
        if not choices:
            return [list(flat.values())]
        options, *rest = choices
        # Every option gets its share of the forms; where there are too few for all, other turns see other options.
        share = max(1, limit // len(options))
        self._turn += 1
        start = 0 if limit >= len(options) else self._turn % len(options)
        found: list[list[Any]] = []
        for option in options[start:] + options[:start]:
            if len(found) >= limit:
                break
            found += self._expand(dict(flat), option, rest, share)
        return found

    def _choices(self, item: Mapping[str, Any]) -> Iterator[list[list[Any]]]:
        for name in ("anyOf", "oneOf"):
            if name in item:
                yield [[branch] for branch in item[name]]
        if "if" in item and ("then" in item or "else" in item):
            otherwise = item.get("else", True)
            yield [
                [item["if"], item.get("then", True)],
                *([*option, otherwise] for option in self.negation(item["if"])),
            ]
        if "not" in item:
            yield self.negation(item["not"])
        for name, wanted in item.get("dependencies", {}).items():
            if not isinstance(wanted, list):
                present = self.keep({"required": [name], "x-kinds": ["object"]})
                yield [[self.keep({"x-absent": [name]})], [present, wanted]]

    def negation(self, schema: Any) -> list[list[Any]]:
        """Return ways not to fit a schema. They are near enough: what is made of them is judged afterwards."""
        if schema is True or schema == {}:
            return [[False]]
        if schema is False:
            return [[]]
        if id(schema) not in self._negations:
            self._kept.append(schema)
            self._negations[id(schema)] = [[]]  # while it is being made: a schema that denies itself
            self._negations[id(schema)] = [
                [self.keep(item) if isinstance(item, dict) else item for item in option]
                for option in self._negation(schema)
            ] or [[]]
        return self._negations[id(schema)]

    def _negation(self, schema: Mapping[str, Any]) -> Iterator[list[Any]]:
        if "$ref" in schema:
            yield from self.negation(self.target(schema["$ref"]))
            return
        for name, wanted in schema.items():
            if name == "type":
                types = wanted if isinstance(wanted, list) else [wanted]
                other = ALL.difference(*(_MEANT.get(item, frozenset()) for item in types))
                if other:
                    yield [{"x-kinds": sorted(other)}]
            elif name == "const":
                yield [{"x-excluded": [wanted]}]
            elif name == "enum":
                yield [{"x-excluded": wanted}]
            elif name == "required":
                yield from ([{"x-kinds": ["object"], "x-absent": [item]}] for item in wanted)
            elif name == "properties":
                for member, inner in wanted.items():
                    yield [{"x-kinds": ["object"], "required": [member], "properties": {member: {"not": inner}}}]
            elif name in _OPPOSITES:
                yield [_OPPOSITES[name](wanted)]
            elif name == "items" and not isinstance(wanted, list):
                yield [{"x-kinds": ["array"], "contains": {"not": wanted}}]
            elif name == "allOf":
                for item in wanted:
                    yield from self.negation(item)
            elif name in ("anyOf", "oneOf"):
                yield [{"not": item} for item in wanted]
            elif name == "not":
                yield [wanted]
            elif name in ("if", "then", "else"):
                yield []
            else:
                kind = next((kind for kind, names in KEYWORDS.items() if name in names and name != "format"), None)
                if kind is not None:
                    yield [{"type": kind}]


def _from(kind: str, name: str, step: int = 0) -> Any:
    return lambda wanted: {"type": kind, name: wanted + step}


_OPPOSITES: Final[Mapping[str, Any]] = {
    "minimum": _from("number", "exclusiveMaximum"),
    "maximum": _from("number", "exclusiveMinimum"),
    "exclusiveMinimum": _from("number", "maximum"),
    "exclusiveMaximum": _from("number", "minimum"),
    "minLength": _from("string", "maxLength", -1),
    "maxLength": _from("string", "minLength", 1),
    "minItems": _from("array", "maxItems", -1),
    "maxItems": _from("array", "minItems", 1),
    "minProperties": _from("object", "maxProperties", -1),
    "maxProperties": _from("object", "minProperties", 1),
}


class Node:
    """What one place of a value must fit."""

    def __init__(self, forms: Forms, fragments: tuple[Any, ...]) -> None:
        """Take the schemas that all count here."""
        self.all = forms
        self.fragments = fragments
        self._within: dict[int, bool] = {}
        self.options: dict[int, list[tuple[Form, tuple[str, ...]]]] = {}

    @cached_property
    def forms(self) -> "tuple[Form, ...]":
        """Return the ways to fit; none where nothing does."""
        found = []
        for fragments in self.all.expand(self.fragments):
            form = Form(self, fragments)
            if form.kinds:
                found.append(form)
        return tuple(found)

    @cached_property
    def validator(self) -> jsonschema_rs.Draft7Validator:
        """Return what judges values of this place."""
        return jsonschema_rs.Draft7Validator(self.all.alone(self.fragments), validate_formats=False)

    def fits(self, value: Any) -> bool:
        """Tell whether a value fits here."""
        return self.validator.is_valid(value)

    @cached_property
    def is_exact(self) -> bool:
        """Tell whether what is made after a form of this node surely fits."""
        return not any(_UNSURE.intersection(item) for form in self.forms for item in form.fragments)

    def within(self, depth: int) -> bool:
        """Tell whether there is a value that is at most so deep."""
        if depth not in self._within:
            self._within[depth] = any(form.kinds_within(depth) for form in self.forms)
        return self._within[depth]

    @cached_property
    def height(self) -> int:
        """Return how deep the flattest value is: 0 for scalars and what is empty; NEVER where there is none."""
        return next((depth for depth in range(_DEEPEST) if self.within(depth)), NEVER)


class Form:
    """One way to fit a node, said plainly. Its attributes are draft-07's keywords, of all schemas taken together."""

    def __init__(self, node: Node, fragments: Sequence[Mapping[str, Any]]) -> None:
        """Read schemas together."""
        self.node = node
        self.fragments = fragments = [item for item in fragments if "$ref" not in item]
        self.patterns = list(dict.fromkeys(self._stated("pattern")))
        self.formats = list(dict.fromkeys(self._stated("format")))
        self.min_length = max([0, *self._stated("minLength")])
        self.max_length: int | None = min(self._stated("maxLength"), default=None)
        self.min_items = max([0, *self._stated("minItems")])
        self.max_items: int | None = min(self._stated("maxItems"), default=None)
        self.unique = any(self._stated("uniqueItems"))
        self.contains = list(self._stated("contains"))
        self.absent = frozenset(name for names in self._stated("x-absent") for name in names)
        self.required = list(dict.fromkeys(name for names in self._stated("required") for name in names))
        self.min_properties = max([0, *self._stated("minProperties")])
        self.max_properties: int | None = min(self._stated("maxProperties"), default=None)
        self.names = list(self._stated("propertyNames"))
        self.multiples = list(dict.fromkeys(self._stated("multipleOf")))
        self.low, self.low_open = self._bound("minimum", "exclusiveMinimum", 1)
        self.high, self.high_open = self._bound("maximum", "exclusiveMaximum", -1)
        self.excluded = [value for values in self._stated("x-excluded") for value in values]
        self.dependencies: dict[str, list[str]] = {}
        for stated in self._stated("dependencies"):
            for name, wanted in stated.items():
                if isinstance(wanted, list):
                    self.dependencies.setdefault(name, []).extend(wanted)
        self.keywords = frozenset(name for item in self.fragments for name in item)
        self._complete()
        self._members: dict[str, Node] = {}
        self._items: dict[int, Node] = {}
        self._tuples = max([len(item) for item in self._stated("items") if isinstance(item, list)], default=0)
        self.is_typed = False
        self.kinds = self._kinds()
        self.values = self._values() if self.kinds else None
        if self.values is not None:
            self.kinds = frozenset(kind_of(value) for value in self.values)

    def _stated(self, name: str) -> Iterator[Any]:
        return (item[name] for item in self.fragments if name in item)

    def _bound(self, name: str, open_name: str, sign: int) -> tuple[int | float | None, bool]:
        every = [(value, False) for value in self._stated(name)] + [(value, True) for value in self._stated(open_name)]
        return max(every, key=lambda item: (sign * item[0], item[1]), default=(None, False))

    def _complete(self) -> None:
        """Require what the required members require."""
        pending = list(self.required)
        while pending:
            for name in self.dependencies.get(pending.pop(), ()):
                if name not in self.required:
                    self.required.append(name)
                    pending.append(name)

    def _kinds(self) -> frozenset[str]:
        kinds = ALL
        for stated in self._stated("type"):
            types = stated if isinstance(stated, list) else [stated]
            kinds &= frozenset().union(*(_MEANT.get(item, frozenset()) for item in types))
            self.is_typed = True
        for stated in self._stated("x-kinds"):
            kinds &= frozenset(stated)
            self.is_typed = True
        gone: set[str] = set()
        if self.low is not None and self.high is not None:
            touching = self.low == self.high and not self.low_open and not self.high_open
            if self.low >= self.high and not touching:
                gone |= {"integer", "number"}
            elif self.integers[0] is not None and self.integers[0] > (self.integers[1] or 0):
                gone.add("integer")
            if touching and is_whole(self.low):
                gone.add("number")
        if self.multiples and all(is_whole(item) for item in self.multiples):
            gone.add("number")
        if self.max_length is not None and self.min_length > self.max_length:
            gone.add("string")
        if self.max_items is not None and self.min_items > self.max_items:
            gone.add("array")
        if self.max_properties is not None and max(self.min_properties, len(self.required)) > self.max_properties:
            gone.add("object")
        if self.absent.intersection(self.required):
            gone.add("object")
        kinds -= gone
        if kinds == ALL - gone and not self.is_typed and not any(True for _ in self._stated("enum")):
            # Who writes `properties` and no `type` means an object: another value would fit, and be no use.
            meant = frozenset(
                kind for kind, names in KEYWORDS.items() for item in self.fragments if not item.keys().isdisjoint(names)
            )
            if "number" in meant:
                meant |= {"integer"}
            kinds = (kinds & meant) or kinds
        return kinds

    def _values(self) -> list[Any] | None:
        stated = [[value] for value in self._stated("const")] + list(self._stated("enum"))
        if not stated:
            return None
        found: dict[Any, Any] = {}
        for value in stated[0]:
            if all(any(same(value, other) for other in more) for more in stated[1:]):
                found.setdefault(frozen(value), value)
        for value in self.excluded:
            found.pop(frozen(value), None)
        return [value for value in found.values() if self.node.fits(value)]

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft7Validator:
        return jsonschema_rs.Draft7Validator(self.node.all.alone(self.fragments), validate_formats=False)

    def fits(self, value: Any) -> bool:
        """Tell whether a value fits the node in the way of this form."""
        if kind_of(value) not in self.kinds or any(same(value, other) for other in self.excluded):
            return False
        if isinstance(value, dict) and self.absent.intersection(value):
            return False
        return self._validator.is_valid(value)

    @property
    def integers(self) -> tuple[int | None, int | None]:
        """Return the least and the greatest whole number within the bounds."""
        low = None if self.low is None else math.ceil(self.low) + (self.low_open and self.low == math.ceil(self.low))
        high = None
        if self.high is not None:
            high = math.floor(self.high) - (self.high_open and self.high == math.floor(self.high))
        return low, high

    def kinds_within(self, depth: int) -> tuple[str, ...]:
        """Return the kinds of which there are values at most so deep."""
        if self.values is not None:
            return tuple(sorted(self.kinds))
        return tuple(sorted(kind for kind in self.kinds if self._is_within(kind, depth)))

    def _is_within(self, kind: str, depth: int) -> bool:
        if kind == "object":
            needed = [self.member(name) for name in self.required]
            if not all(map(self.name_fits, self.required)):
                return False
            missing = self.min_properties - len(needed)
            if not needed and missing <= 0:
                return True
            if depth == 0 or not all(node.within(depth - 1) for node in needed):
                return False
            return missing <= 0 or self._can_fill(missing, depth - 1)
        if kind == "array":
            first = [self.item(index) for index in range(min(self.min_items, self._tuples + 1))]
            first += [self.containing(index) for index in range(len(self.contains))]
            return not first or (depth > 0 and all(node.within(depth - 1) for node in first))
        return True

    def _can_fill(self, missing: int, depth: int) -> bool:
        fitting = sum(self.member(name).within(depth) for name in self.named if name not in self.required)
        open_ = self.member("x-unknown").within(depth)
        return fitting >= missing or open_ or bool(self.name_patterns) or bool(self.names)

    def member(self, name: str) -> Node:
        """Return what a member must fit."""
        found = self._members.get(name)
        if found is None:
            wanted: list[Any] = [False] if name in self.absent else []
            for item in self.fragments:
                hit = name in item.get("properties", ())
                if hit:
                    wanted.append(item["properties"][name])
                for pattern, schema in item.get("patternProperties", {}).items():
                    if self.node.all.patterns.matches(pattern, name):
                        wanted.append(schema)
                        hit = True
                if not hit and "additionalProperties" in item:
                    wanted.append(item["additionalProperties"])
            found = self._members[name] = self.node.all.node(wanted)
        return found

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """Return the members that are named, may be there, and needn't."""
        wanted = [name for name in self.named if name not in self.required and self.member(name).height < NEVER]
        return tuple(name for name in wanted if self.name_fits(name))

    @cached_property
    def named(self) -> tuple[str, ...]:
        """Return the members that are named, also those that can't be there."""
        every = dict.fromkeys(name for stated in self._stated("properties") for name in stated)
        every.update(dict.fromkeys(name for names in self.dependencies.values() for name in names))
        return tuple(every)

    @cached_property
    def name_patterns(self) -> tuple[str, ...]:
        """Return the patterns of `patternProperties`."""
        return tuple(dict.fromkeys(pattern for stated in self._stated("patternProperties") for pattern in stated))

    @cached_property
    def is_map(self) -> bool:
        """Tell whether members that aren't named have a schema of their own: then they are what the object is for."""
        return any(isinstance(stated, Mapping) and bool(stated) for stated in self._stated("additionalProperties"))

    @cached_property
    def naming(self) -> Node:
        """Return what a member's name must fit."""
        return self.node.all.node([*self.names, self.node.all.keep({"type": "string"})])

    def name_fits(self, name: str) -> bool:
        """Tell whether a member may be called so."""
        return not self.names or self.naming.fits(name)

    def item(self, index: int) -> Node:
        """Return what an item must fit."""
        index = min(index, self._tuples)
        if index not in self._items:
            wanted = []
            for stated in self.fragments:
                items = stated.get("items", True)
                if not isinstance(items, list):
                    wanted.append(items)
                elif index < len(items):
                    wanted.append(items[index])
                else:
                    wanted.append(stated.get("additionalItems", True))
            self._items[index] = self.node.all.node(wanted)
        return self._items[index]

    def containing(self, index: int) -> Node:
        """Return what an item must fit that is there for the sake of a `contains`."""
        return self.node.all.node([self.contains[index], *self.item(self._tuples).fragments])

    @cached_property
    def most_items(self) -> int | None:
        """Return how many items there can be at most, None where there is no end."""
        for index in range(self._tuples + 1):
            if self.item(index).height >= NEVER:
                return index if self.max_items is None else min(index, self.max_items)
        return self.max_items

    @property
    def tuple_length(self) -> int:
        """Return how many items have a schema of their own."""
        return self._tuples
