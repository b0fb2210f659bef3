"""Schema rules: which schemas can become Python types that mean the same. It builds no type."""

from itertools import combinations
from typing import Any

from codegen.document import Document, Place
from codegen.faults import did_you_mean
from codegen.judge import Judge
from codegen.models import compiles
from codegen.schemas import KEYWORDS_OF, is_type, object_parts, types_of

_UNIONS = ("oneOf", "anyOf")
_ASSERTIONS = frozenset(
    {"type", "enum", "const", "allOf", *_UNIONS, *(k for keys in KEYWORDS_OF.values() for k in keys)}
)
_OBJECT_ONLY = frozenset({"type", "allOf", *KEYWORDS_OF["object"]})


class SchemaRules:
    """Checks one schema at a time; the schemas inside it are checked when their turn comes."""

    def __init__(self, document: Document, judge: Judge, parts: frozenset[Place]) -> None:
        """`parts` are the schemas that stand in some `allOf`."""
        self._document = document
        self._faults = document.faults
        self._judge = judge
        self._parts = parts

    def check(self, place: Place) -> None:
        """Note every fault of a schema whose structure is right."""
        if place.value is False and place.key != "additionalProperties":
            self._faults.add(place.mark, "unsupported", "A schema that nothing fits is not supported.")
        if not isinstance(place.value, dict) or not self._types(place):
            return
        self._values(place)
        self._unions(place)
        self._all_of(place)
        if "allOf" not in place:
            self._keywords(place)
        self._required(place)
        self._pattern(place)
        self._told(place)

    def _types(self, place: Place) -> bool:
        kind = place.get("type")
        if kind is None:
            return True
        values = kind.value if isinstance(kind.value, list) else [kind.value]
        wrong = [value for value in values if not isinstance(value, str) or value not in KEYWORDS_OF]
        for value in wrong:
            hint = did_you_mean(str(value), KEYWORDS_OF) or f" Write one of {', '.join(KEYWORDS_OF)}."
            self._faults.add(kind.mark, "schema-type", f"There is no type {value!r}.{hint}")
        if not values:
            self._faults.add(kind.mark, "schema-type", "A list of types must name one.")
        return bool(values) and not wrong

    def _values(self, place: Place) -> None:
        """Check `enum` and `const`: they become literals, and Python has no literal for a fraction or a list."""
        values = place.get("enum") or place.get("const")
        if values is None:
            return
        listed = list(values.children()) if values.key == "enum" else [values]
        types = types_of(place.value)
        if not listed:
            self._faults.add(values.mark, "enum", "An enum must list a value.")
        for item in listed:
            if isinstance(item.value, (float, list, dict)):
                text = f"The value {item.value!r} of an enum or const is not supported: only text, whole numbers, "
                self._faults.add(item.mark, "unsupported", text + "true, false and null are.")
            elif types and not any(is_type(item.value, kind) for kind in types):
                text = f"{item.value!r} is not of type {' or '.join(types)}, so nothing fits. Set one of them right."
                self._faults.add(item.mark, "enum", text)

    def _keywords(self, place: Place) -> None:
        """Check that each constraint has a type to constrain: JSON Schema would let every other type pass."""
        types = types_of(place.value)
        for child in place.children():
            owners = [kind for kind, keywords in KEYWORDS_OF.items() if child.key in keywords]
            if owners and not set(owners) & set(types) and not (owners == ["object"] and place in self._parts):
                text = f"{child.key!r} says something about {' and '.join(owners)} only. Write `type: {owners[0]}`."
                self._faults.add(child.name_mark, "schema-keyword", text)
        if "object" in types and len(types) > 1 and "properties" in place:
            text = "An object with properties among other types is not supported. Write them as oneOf."
            self._faults.add(place.name_mark, "unsupported", text)
        literal = place.get("enum") or place.get("const")
        if literal is not None:
            for child in place.children():
                if child.key in _ASSERTIONS - {"type", literal.key}:
                    text = f"{child.key!r} beside {literal.key!r} is not supported. Leave one of them out."
                    self._faults.add(child.name_mark, "unsupported", text)

    def _unions(self, place: Place) -> None:
        for name in _UNIONS:
            union = place.get(name)
            if union is None:
                continue
            if not union.value:
                self._faults.add(union.mark, "union", f"{name} must list a schema.")
            for child in place.children():
                if child.key in _ASSERTIONS - {name}:
                    text = f"{child.key!r} beside {name} is not supported. Move it into each schema of the list."
                    self._faults.add(child.name_mark, "unsupported", text)
            if name == "oneOf":
                self._exclusive(union)

    def _exclusive(self, union: Place) -> None:
        """Check that no value fits two schemas of a `oneOf`: a Python union is an `anyOf`."""
        for first, second in combinations(list(union.children()), 2):
            if not self._disjoint(first, second):
                text = f"Schemas {first.key} and {second.key} of this oneOf may both fit a value. Write anyOf, or give "
                text += "them types or a required const that tell them apart."
                self._faults.add(union.name_mark, "one-of", text)

    def _disjoint(self, first: Place, second: Place) -> bool:
        one, other = self._shape(first), self._shape(second)
        if one is None or other is None:
            return False
        types, values, members = one
        other_types, other_values, other_members = other
        if types and other_types and not _overlap(types, other_types):
            return True
        if values is not None and other_values is not None:
            return not any(a == b and type(a) is type(b) for a in values for b in other_values)
        return any(
            not any(a == b for a in members[name] for b in other_members[name])
            for name in members.keys() & other_members.keys()
        )

    def _shape(self, place: Place) -> tuple[tuple[str, ...], list[Any] | None, dict[str, list[Any]]] | None:
        """Return a schema's types, its values if it lists them, and the values of its required members that do."""
        resolved = self._document.resolve(place)
        if resolved is None or not isinstance(resolved.value, dict):
            return None
        parts = object_parts(self._document, resolved)
        required = {name for part in parts for name in part.members.get("required", ())}
        members: dict[str, list[Any]] = {}
        for part in parts:
            for member in part.under("properties"):
                schema = self._document.resolve(member)
                values = _literals(schema) if schema is not None else None
                if member.key in required and values is not None:
                    members[member.key] = values
        types = types_of(resolved.value) or (("object",) if any(types_of(part.value) for part in parts) else ())
        return types, _literals(resolved), members

    def _all_of(self, place: Place) -> None:
        """Check that `allOf` is either one schema under another name, or objects whose members add up."""
        union = place.get("allOf")
        if union is None:
            return
        if not union.value:
            self._faults.add(union.mark, "union", "allOf must list a schema.")
            return
        alone = len(union.value) == 1 and not any(child.key in _ASSERTIONS - {"allOf"} for child in place.children())
        parts = object_parts(self._document, place)
        objects = any("object" in types_of(part.value) for part in parts)
        plain = all(child.key in _OBJECT_ONLY or child.key not in _ASSERTIONS for p in parts for child in p.children())
        closed = any(part.members.get("additionalProperties", True) is not True for part in parts)
        if alone and not objects:
            return
        if not objects or not plain or closed:
            text = "allOf is supported for objects with properties only, and without additionalProperties."
            self._faults.add(union.name_mark, "unsupported", text)
            return
        owners: dict[str, Place] = {}
        for part in parts:
            for member in part.under("properties"):
                if owners.setdefault(member.key, member).value != member.value:
                    text = f"Two parts of an allOf say what {member.key!r} is. Say it in one of them."
                    self._faults.add(member.name_mark, "unsupported", text)

    def _required(self, place: Place) -> None:
        """Check that what is required is described: a class has no member that only its absence is known of."""
        parts = object_parts(self._document, place)
        names = {member.key for part in parts for member in part.under("properties")}
        if not names or "additionalProperties" in place:
            names |= set() if names else set(place.members.get("required", ()))
        for item in place.under("required"):
            if item.value not in names and place not in self._parts:
                hint = did_you_mean(str(item.value), names) or " Add it there."
                text = f"{item.value!r} is required and does not stand under properties.{hint}"
                self._faults.add(item.mark, "required", text)

    def _pattern(self, place: Place) -> None:
        pattern = place.get("pattern")
        if pattern is not None and not (compiles(pattern.value, "rust-regex") or compiles(pattern.value, "python-re")):
            self._faults.add(pattern.mark, "pattern", "This is no regular expression.")

    def _told(self, place: Place) -> None:
        """Check that the examples and the default of a schema fit it."""
        told = [*place.under("examples")]
        default = place.get("default")
        if default is not None:
            told.append(default)
        for item in told:
            for _, problem in self._judge.faults(place, item.value):
                text = f"This {'default' if item.key == 'default' else 'example'} contradicts its schema: {problem}."
                self._faults.add(item.mark, "example", f"{text} Set one of them right.")


def _overlap(types: tuple[str, ...], others: tuple[str, ...]) -> bool:
    numbers = {"integer", "number"}
    return bool(set(types) & set(others)) or bool(numbers & set(types) and numbers & set(others))


def _literals(place: Place) -> list[Any] | None:
    if "const" in place:
        return [place.members["const"]]
    values = place.members.get("enum")
    return values if isinstance(values, list) else None
