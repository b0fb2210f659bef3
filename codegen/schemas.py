"""Schemas: the document's schemas as shapes with a class name for each object, and as sentences.

It presumes schemas that passed the rules. It knows nothing of channels, and nothing of Pydantic.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from codegen.dialect import inner, plain
from codegen.document import Document, Place
from codegen.naming import Names
from codegen.shapes import PREFIX, Definitions, Shape, Shaper, checkable, inner_shapes, is_type, name_of

__all__ = ["ERROR_CODES", "KEYWORDS_OF", "Schemas", "describe", "field_rules", "is_type", "object_parts", "types_of"]

# Members of one schema that only say something about values of these types.
KEYWORDS_OF: Mapping[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "boolean": (),
    "null": (),
}
_SHOWN_VALUES = 16

ERROR_CODES = "x-error-codes"


def types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types that a schema names, none where it names none."""
    value = schema.get("type", ())
    values = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(item for item in values if isinstance(item, str))


class Schemas:
    """Collects definitions. Each schema that has a name of its own gets one, and each object its class name."""

    def __init__(self, document: Document, names: Names) -> None:
        self._document = document
        self._names = names
        self._named: dict[Place, str] = {}
        self._known = Definitions()
        self._shaper = Shaper(self._known, names)

    @property
    def definitions(self) -> dict[str, Shape]:
        """Return the shape of each class and named type, by its name: see shapes.py."""
        self._shaper.finish()
        return self._shaper.shapes

    @property
    def checks(self) -> dict[str, Any]:
        """Return the schemas, by name, that those under `x-fits` refer to, as the check at run time takes them."""
        found: set[str] = set()
        for shape in self._shaper.shapes.values():
            for fragment in fragments(shape):
                found |= self._known.reached(fragment)
        return {name: checkable(self._known.schemas[name]) for name in self._known.schemas if name in found}

    def frame(self, place: Place, name: str, tag: str | None) -> None:
        """Define the class of a whole frame. Its tag gets its value as default, so that nobody writes it."""
        schema = self._plain(self._resolve(place))
        self._shaper.frame(schema, name, tag)
        self._shaper.define()

    def root(self, place: Place | None, hint: str) -> str:
        """Define the type of a payload that is no object of one class; any JSON value for None. Returns its name."""
        schema = True if place is None else self._plain(place)
        shape = self._shaper.shape(schema, hint)
        self._shaper.define()
        if set(shape) == {"$ref"}:
            return name_of(shape["$ref"])
        name = self._names.take(hint, "")
        self._shaper.shapes[name] = shape
        return name

    def is_class(self, place: Place) -> bool:
        """Tell whether a schema becomes one class: an object that is no union."""
        return self._shaper.is_class(self._plain(place))

    def _resolve(self, place: Place) -> Place:
        resolved = self._document.resolve(inner(place))
        assert resolved is not None, "the structure was checked before"
        return resolved

    def _plain(self, place: Place) -> Any:
        return plain(place, self._refer, _has_name)

    def _refer(self, place: Place) -> Any:
        target = self._resolve(place)
        if target not in self._named:
            self._named[target] = self._name(target)
        return {"$ref": f"{PREFIX}{self._named[target]}"}

    def _name(self, target: Place) -> str:
        if target.members.get("x-codes") == ERROR_CODES:
            # Not `.errors`: models.py sets the import right.
            self._shaper.shapes["ErrorCode"] = {
                "type": "string",
                "x-python-import": {"module": "errors", "name": "ErrorCode"},
            }
            self._known.schemas["ErrorCode"] = {"enum": list(target.members.get("enum", []))}
            return "ErrorCode"
        name = self._names.take(target.key or target.source.path.stem, "Schema")
        self._named[target] = name
        self._known.schemas[name] = True  # ends a recursion
        self._known.schemas[name] = plain(target, self._refer, _has_name)
        return name


def _has_name(place: Place) -> bool:
    """Tell whether a schema has its name wherever it stands: the error codes have."""
    return place.members.get("x-codes") == ERROR_CODES


def fragments(shape: Shape) -> Iterator[Any]:
    """Yield what is left to check of a shape, and of those within it."""
    if "x-fits" in shape:
        yield shape["x-fits"]
    for part in inner_shapes(shape):
        yield from fragments(part)


def object_parts(document: Document, place: Place) -> tuple[Place, ...]:
    """Return the schemas whose members together make an object: the schema itself, and what its `allOf` names."""
    found: list[Place] = []
    pending = [place]
    while pending:
        resolved = document.resolve(pending.pop(0))
        if resolved is None or resolved in found or not isinstance(resolved.value, dict):
            continue
        found.append(resolved)
        pending.extend(resolved.under("allOf"))
    if any(types_of(part.value) not in ((), ("object",)) for part in found):
        return ()
    return tuple(found)


def describe(schema: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]], codes: tuple[str, ...]) -> str:
    """Return what a value must be, to stand behind `must be`. `codes` are the values of the error-code enum."""
    return _described(schema, definitions, codes, frozenset())


def _described(
    schema: Mapping[str, Any],
    definitions: Mapping[str, Mapping[str, Any]],
    codes: tuple[str, ...],
    above: frozenset[str],
) -> str:
    if schema.get("x-fits") is False:
        return "left out"
    if "x-fits" in schema:
        rest = {key: value for key, value in schema.items() if key != "x-fits"}
        return f"{_described(rest, definitions, codes, above)}{_fitting(schema['x-fits'])}"
    if "$ref" in schema:
        name = name_of(schema["$ref"])
        if "x-python-import" in definitions[name]:
            return _one_of(codes)
        if name in above:
            return "a value of the same kind"
        return _described(definitions[name], definitions, codes, above | {name})
    if "enum" in schema or "const" in schema:
        return _one_of(schema.get("enum") or [schema["const"]])
    if "anyOf" in schema:
        found = dict.fromkeys(_described(branch, definitions, codes, above) for branch in schema["anyOf"])
        return _or(list(found))
    types = types_of(schema)
    if types == ("integer", "number"):
        return "a number" + _range(schema)
    simple = {"boolean": "true or false", "null": "null", "object": "an object"}
    if not types:
        return "any JSON value"
    if types[0] == "string":
        return "a string" + _count(schema, "Length", "characters") + _pattern(schema)
    if types[0] == "array":
        if "tuple" in schema:
            return f"a list of {len(schema['tuple'])} items"
        return "a list" + _count(schema, "Items", "items")
    if types[0] == "integer":
        return "an integer" + _range(schema)
    return simple[types[0]]


def _fitting(rest: Any) -> str:
    """Return what a check at run time wants beside the type, as far as it can be said in some words."""
    names = set(rest)
    if names == {"enum"}:
        return f" that is {_one_of(rest['enum'])}"
    if names == {"uniqueItems"}:
        return " without duplicates"
    if names == {"multipleOf"}:
        return f" that is a multiple of {rest['multipleOf']}"
    if names == {"pattern"}:
        return f" that matches {rest['pattern']}"
    return " that fits the rest of its schema"


def _one_of(values: Any) -> str:
    shown = [json.dumps(value, ensure_ascii=False) for value in values]
    if len(shown) == 1:
        return shown[0]
    if len(shown) > _SHOWN_VALUES:
        return f"one of the {len(shown)} values that the document lists"
    return "one of " + ", ".join(shown)


def _or(parts: list[str]) -> str:
    return " or ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _count(schema: Mapping[str, Any], what: str, unit: str) -> str:
    low, high = schema.get(f"min{what}"), schema.get(f"max{what}")
    if low and high is not None:
        return f" of {low} to {high} {unit}"
    if high is not None:
        return f" of at most {high} {unit}"
    return f" of at least {low} {unit}" if low else ""


def _pattern(schema: Mapping[str, Any]) -> str:
    return f" that matches {schema.get('x-pattern', schema['pattern'])}" if "pattern" in schema else ""


def _range(schema: Mapping[str, Any]) -> str:
    parts = []
    if "minimum" in schema and "maximum" in schema:
        parts.append(f" from {schema['minimum']} to {schema['maximum']}")
    elif "minimum" in schema:
        parts.append(f" of at least {schema['minimum']}")
    elif "maximum" in schema:
        parts.append(f" of at most {schema['maximum']}")
    if "exclusiveMinimum" in schema:
        parts.append(f" above {schema['exclusiveMinimum']}")
    if "exclusiveMaximum" in schema:
        parts.append(f" below {schema['exclusiveMaximum']}")
    if "multipleOf" in schema:
        parts.append(f" that is a multiple of {schema['multipleOf']}")
    return " and".join(parts)


def field_rules(name: str, definitions: Mapping[str, Mapping[str, Any]], codes: tuple[str, ...]) -> dict[str, str]:
    """Return, for each place of a frame, what it must be: `{"payload.symbol": "a string", "bars[].time": ...}`.

    A schema that holds itself is described once; deeper places fall back to the nearest one above them.
    """
    rules: dict[str, str] = {}

    def walk(schema: Mapping[str, Any], path: str, above: frozenset[str]) -> None:
        if path:
            rules[path] = describe(schema, definitions, codes)
        if "$ref" in schema:
            target = name_of(schema["$ref"])
            if target in above or "x-python-import" in definitions[target]:
                return
            above |= {target}
            schema = definitions[target]
        if "tuple" in schema:
            walk({"anyOf": schema["tuple"]}, f"{path}[]", above)
        if "items" in schema:
            walk(schema["items"], f"{path}[]", above)
        if isinstance(schema.get("additionalProperties"), dict):
            walk(schema["additionalProperties"], f"{path}.*" if path else "*", above)
        for member, found in schema.get("properties", {}).items():
            walk(found, f"{path}.{member}" if path else member, above)

    walk(definitions[name], "", frozenset({name}))
    return rules
