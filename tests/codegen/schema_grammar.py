"""Grammar: JSON Schemas of every kind that a document may hold, and values that fit them or nearly do.

It knows nothing of the generator. Schemas refer to the definitions A, B and C, each of which may hold itself.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from hypothesis import strategies as st

NAMES = ("A", "B", "C")
REF = "#/components/schemas/"
MEMBERS = ("a", "b", "kind", "class", "model_config", "$type", "x-y", "x_y", "Größe", "json")
PATTERNS = ("^[a-c]*$", r"^\d+$", r"\w", "b$", "^(?!a)", r"^[^\s]{1,3}$", "^x-")
TEXTS = ("", "a", "b", "ab", "abc", "abcd", "x-y", "1", "12", "٣", "a b", "é", "kind", "a\n", "😀")
NUMBERS: tuple[int | float, ...] = (0, 1, -1, 2, 3, 5, 7, 10, 0.5, 1.5, 0.1, 0.3, -2.5, 2**53, 2**53 + 1, 10**20, 1e21)
SCALARS: tuple[Any, ...] = (None, True, False, *NUMBERS, *TEXTS)
VALUES: tuple[Any, ...] = (*SCALARS, [], [1], [1, "a"], {}, {"a": 1}, {"b": None, "kind": "a"})


class Grammar:
    """Draws one schema."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def document(self, count: int = 12) -> dict[str, Any]:
        """Return definitions A, B and C, and so many schemas `value0`, `value1`, ... that may refer to them."""
        found: dict[str, Any] = {}
        for index, name in enumerate(NAMES):
            found[name] = self.schema(2, NAMES[index + 1 :])
            if isinstance(found[name], bool):
                found[name] = {}
        return {**found, **{f"value{index}": self.schema(3, NAMES) for index in range(count)}}

    def _chance(self, part: float) -> bool:
        return self._random.random() < part

    def _count(self, most: int = 3) -> int:
        return self._random.randint(0, most)

    def schema(self, depth: int, names: tuple[str, ...]) -> Any:
        """Return a schema. `names` are the definitions that it may refer to where it does not hold them."""
        kinds = [self._string, self._number, self._values, self._simple]
        if depth:
            kinds += [self._array, self._object, self._object, self._map, self._union, self._union, self._all_of]
            kinds += [self._types, self._condition]
        if names and self._chance(0.15):
            return {"$ref": f"{REF}{self._random.choice(names)}"}
        return self._random.choice(kinds)(depth, names)

    def _inner(self, depth: int) -> Any:
        """Return a schema of what a value holds: here recursion ends by itself."""
        if self._chance(0.2):
            return {"$ref": f"{REF}{self._random.choice(NAMES)}"}
        return self.schema(max(depth - 1, 0), NAMES)

    def _simple(self, depth: int, names: tuple[str, ...]) -> Any:
        kinds: list[Any] = [True, {}, {"type": "boolean"}, {"type": "null"}, {"type": "string"}, {"type": "integer"}]
        return copy.deepcopy(self._random.choice([*kinds, {"type": "number"}, {"type": "object"}, {"type": "array"}]))

    def _about_text(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._chance(0.4):
            found["minLength"] = self._count()
        if self._chance(0.4):
            found["maxLength"] = self._count(4)
        if self._chance(0.3):
            found["pattern"] = self._random.choice(PATTERNS)
        return found

    def _string(self, depth: int, names: tuple[str, ...]) -> Any:
        format_ = {"format": self._random.choice(["date-time", "uuid", "unix-time", "binary"])}
        return {"type": "string", **self._about_text(), **(format_ if self._chance(0.3) else {})}

    def _about_number(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if self._chance(0.25):
                found[name] = self._random.choice(NUMBERS)
        if self._chance(0.25):
            found["multipleOf"] = self._random.choice([1, 2, 5, 0.1, 0.5, 0.01])
        return found

    def _number(self, depth: int, names: tuple[str, ...]) -> Any:
        return {"type": self._random.choice(["integer", "number"]), **self._about_number()}

    def _values(self, depth: int, names: tuple[str, ...]) -> Any:
        values = self._random.sample(VALUES, self._random.randint(1, 4))
        found: dict[str, Any] = {"const": values[0]} if self._chance(0.3) else {"enum": unique(values)}
        if self._chance(0.2):
            found |= self._random.choice([{"maxLength": 2}, {"minimum": 1}, {"not": {"type": "null"}}])
        return found

    def _about_list(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._chance(0.7):
            found["items"] = self._inner(depth)
        elif self._chance(0.7):
            found["items"] = [self._inner(depth) for _ in range(self._random.randint(1, 3))]
            if self._chance(0.5):
                found["additionalItems"] = self._random.choice([False, True, self._inner(depth)])
            if self._chance(0.5):
                found["minItems"] = len(found["items"])
                found["maxItems"] = len(found["items"])
        if self._chance(0.2):
            found["minItems"] = self._count(2)
        if self._chance(0.2):
            found["maxItems"] = self._count()
        if self._chance(0.2):
            found["uniqueItems"] = True
        if self._chance(0.15):
            found["contains"] = self._inner(depth)
        return found

    def _array(self, depth: int, names: tuple[str, ...]) -> Any:
        return {"type": "array", **self._about_list(depth)}

    def _about_members(self, depth: int) -> dict[str, Any]:
        """Return what may stand in an object's schema, or in a branch of one."""
        found: dict[str, Any] = {}
        members = self._random.sample(MEMBERS, self._count())
        if members or self._chance(0.5):
            found["properties"] = {name: self._member(depth) for name in members}
        if self._chance(0.6):
            found["required"] = unique(self._random.sample([*members, *members, "a", "more"], 1))
        if self._chance(0.3):
            found["additionalProperties"] = self._random.choice([False, True, {}, self._inner(depth)])
        if self._chance(0.12):
            found["patternProperties"] = {self._random.choice(PATTERNS): self._inner(depth)}
        if self._chance(0.1):
            names_ = self._random.choice([{"maxLength": 3}, {"pattern": "^[a-z]"}, {"enum": ["a", "b"]}])
            found["propertyNames"] = names_
        if self._chance(0.1):
            found["minProperties"] = self._count(2)
        if self._chance(0.1):
            found["maxProperties"] = self._count()
        if self._chance(0.1):
            found["dependencies"] = {"a": self._random.choice([["b"], {"required": ["kind"]}, False])}
        return found

    def _member(self, depth: int) -> Any:
        found = self._inner(depth)
        if isinstance(found, dict) and "$ref" not in found and self._chance(0.15):
            found["default"] = self._random.choice(SCALARS)
        return found

    def _object(self, depth: int, names: tuple[str, ...]) -> Any:
        found = {"type": "object", **self._about_members(depth)}
        if self._chance(0.15):
            branches = [self._about_members(depth - 1) for _ in range(2)]
            found[self._random.choice(["oneOf", "anyOf", "allOf"])] = branches
        if self._chance(0.1):
            found["if"] = {"properties": {"kind": {"const": "a"}}, "required": ["kind"]}
            found[self._random.choice(["then", "else"])] = {"required": ["a"]}
        if self._chance(0.1):
            found["not"] = self._random.choice([{"required": ["b"]}, {"required": ["a", "b"]}])
        return found

    def _map(self, depth: int, names: tuple[str, ...]) -> Any:
        found: dict[str, Any] = {"type": "object", "additionalProperties": self._inner(depth)}
        if self._chance(0.3):
            found["minProperties"] = self._count(2)
        return found

    def _union(self, depth: int, names: tuple[str, ...]) -> Any:
        kind = self._random.choice(["anyOf", "oneOf"])
        if self._chance(0.3):
            return {kind: [self._tagged(depth, tag) for tag in ("a", "b")]}
        found: dict[str, Any] = {kind: [self.schema(depth - 1, names) for _ in range(self._random.randint(1, 3))]}
        if self._chance(0.2):
            found |= self._random.choice([{"type": "string"}, {"type": ["integer", "object"]}, {"not": {"const": 1}}])
        return found

    def _tagged(self, depth: int, tag: str) -> Any:
        found = {"type": "object", **self._about_members(depth)}
        found["properties"] = {**found.get("properties", {}), "kind": {"const": tag}}
        found["required"] = ["kind"]
        return found

    def _all_of(self, depth: int, names: tuple[str, ...]) -> Any:
        if self._chance(0.5):
            return {"allOf": [{"type": "object", **self._about_members(depth)} for _ in range(2)]}
        return {"allOf": [self.schema(depth - 1, names) for _ in range(self._random.randint(1, 2))]}

    def _types(self, depth: int, names: tuple[str, ...]) -> Any:
        types = self._random.sample(["string", "integer", "number", "null", "boolean", "array"], 2)
        about = {**self._about_text(), **self._about_number(), **self._about_list(depth)}
        return {"type": types, **about} if self._chance(0.6) else about

    def _condition(self, depth: int, names: tuple[str, ...]) -> Any:
        base: dict[str, Any] = self._string(depth, names) if self._chance(0.5) else {}
        if self._chance(0.5):
            return {**base, "not": self.schema(depth - 1, names)}
        parts = {name: self.schema(depth - 1, names) for name in ("if", "then", "else")}
        return {**base, **parts}


def unique(values: list[Any]) -> list[Any]:
    """Return values without those that stand there twice."""
    return [json.loads(text) for text in dict.fromkeys(map(json.dumps, values))]


class Values:
    """Draws values that fit a schema or nearly do."""

    def __init__(self, random: Random, definitions: Mapping[str, Any]) -> None:
        self._random = random
        self._definitions = definitions

    def some(self, schema: Any, count: int) -> Iterator[Any]:
        """Yield values, half of them changed in one place."""
        for turn in range(count):
            value = self.like(schema, 5)
            yield self.changed(value) if turn % 2 else value

    def like(self, schema: Any, depth: int) -> Any:
        """Return a value in the manner of a schema: it fits as a rule."""
        pick = self._random
        if not isinstance(schema, dict) or not schema or depth < 0:
            return copy.deepcopy(pick.choice(VALUES))
        if "$ref" in schema:
            return self.like(self._definitions[schema["$ref"].rpartition("/")[2]], depth - 1)
        if "const" in schema:
            return copy.deepcopy(schema["const"])
        if "enum" in schema:
            return copy.deepcopy(pick.choice(schema["enum"]))
        parts = [pick.choice(schema[kind]) for kind in ("anyOf", "oneOf") if kind in schema]
        parts += schema.get("allOf", [])
        parts += [schema[name] for name in ("then", "else") if name in schema and pick.random() < 0.5]
        values = [self.like(part, depth - 1) for part in parts]
        named = schema.get("type")
        kind = pick.choice(named) if isinstance(named, list) else named
        if kind is None and any(name in schema for name in ("properties", "required", "additionalProperties")):
            kind = "object"
        if kind is not None:
            values.append(self._of_type(kind, schema, depth))
        whole = {name: member for value in values if isinstance(value, dict) for name, member in value.items()}
        if values and all(isinstance(value, dict) for value in values):
            return whole
        return pick.choice(values) if values else copy.deepcopy(pick.choice(VALUES))

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> Any:
        pick = self._random
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            items = schema.get("items", {})
            if isinstance(items, list):
                found = [self.like(item, depth - 1) for item in items]
                return found + [self.like(schema.get("additionalItems"), depth - 1)] * pick.choice([0, 0, 1])
            low = schema.get("minItems", 0)
            high = min(schema.get("maxItems", 3), 3)
            return [self.like(items, depth - 1) for _ in range(pick.randint(low, max(low, high)))]
        if kind == "string":
            return pick.choice(TEXTS)
        if kind in ("integer", "number"):
            bounds = [schema[name] for name in schema if "imum" in name or name == "multipleOf"]
            near = [bound + step for bound in bounds for step in (-1, 0, 1)]
            every = [value for value in (*near, *NUMBERS) if kind == "number" or value == int(value)]
            return pick.choice(every)
        return pick.choice([True, False]) if kind == "boolean" else None

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        pick = self._random
        found: dict[str, Any] = {}
        members: Mapping[str, Any] = schema.get("properties", {})
        for name in (*members, *schema.get("required", ())):
            if name in schema.get("required", ()) or pick.random() < 0.5:
                found[name] = self.like(members.get(name, schema.get("additionalProperties")), depth - 1)
        if pick.random() < 0.4 or len(found) < schema.get("minProperties", 0):
            more = [value for key, value in schema.items() if key == "additionalProperties"]
            for name in pick.sample([*MEMBERS, "more", "x-1", "12"], 2):
                patterned = list(schema.get("patternProperties", {}).values())
                found.setdefault(name, self.like(pick.choice([*more, *patterned, None]), depth - 1))
        return found

    def changed(self, value: Any) -> Any:
        """Return a value with one thing changed in it."""
        pick = self._random
        if isinstance(value, dict) and value and pick.random() < 0.8:
            name = pick.choice(list(value))
            rest = {key: member for key, member in value.items() if key != name}
            if pick.random() < 0.3:
                return rest
            if pick.random() < 0.3:
                return {**value, pick.choice([*MEMBERS, "more"]): pick.choice(VALUES)}
            return {**rest, name: self.changed(value[name])}
        if isinstance(value, list) and value and pick.random() < 0.8:
            at = pick.randrange(len(value))
            if pick.random() < 0.3:
                return [*value, copy.deepcopy(value[at])]
            return value[:at] + pick.choice([[], [self.changed(value[at])]]) + value[at + 1 :]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and pick.random() < 0.6:
            return pick.choice([value + 1, value - 1, value / 2, -value, value * 2])
        if isinstance(value, str) and pick.random() < 0.5:
            return pick.choice([value + "a", value[1:], value + "\n", pick.choice(TEXTS)])
        return copy.deepcopy(pick.choice(VALUES))


SEEDS = st.integers(min_value=0, max_value=2**32)
"""What Hypothesis draws: a schema and its values follow from it."""
