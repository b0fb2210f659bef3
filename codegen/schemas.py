"""Schemas: the document's schemas as self-contained JSON Schema with a class name for each object, and as sentences.

It presumes schemas that passed the rules. It knows nothing of channels, and nothing of Pydantic.
"""

import json
from collections.abc import Mapping
from typing import Any

from codegen.document import Document, Place
from codegen.naming import Names, pascal

# Annotations that shape no type. `format` is one of them, as JSON Schema has it; models take and give the text.
_DROPPED = frozenset({"title", "$comment", "format", "examples", "deprecated", "readOnly", "writeOnly", "externalDocs"})
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
    """Collects definitions. Each schema that is reached gets one, and each object its class name."""

    def __init__(self, document: Document, names: Names) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}
        self._document = document
        self._names = names
        self._named: dict[Place, str] = {}

    def frame(self, place: Place, name: str, tag: str | None) -> None:
        """Define the class of a whole frame. Its tag gets its value as default, so that nobody writes it."""
        schema = self._object(self._resolve(place), name)
        if tag is not None:
            schema["required"] = [member for member in schema.get("required", ()) if member != tag]
            values = schema["properties"][tag]
            value = values["const"] if "const" in values else values["enum"][0]
            schema["properties"][tag] = {"const": value, "default": value}
        self.definitions[name] = schema

    def _resolve(self, place: Place) -> Place:
        resolved = self._document.resolve(place)
        assert resolved is not None, "the structure was checked before"
        return resolved

    def _schema(self, place: Place, hint: str) -> dict[str, Any]:
        """Return the schema where it stands: a reference for what has a name, else itself."""
        if "$ref" in place:
            return {"$ref": f"#/$defs/{self._reference(self._resolve(place))}"}
        if _is_object(self._document, place):
            name = self._names.take(hint, "")
            self.definitions[name] = self._object(place, name)
            return {"$ref": f"#/$defs/{name}"}
        return self._inline(place, hint)

    def _reference(self, target: Place) -> str:
        if target in self._named:
            return self._named[target]
        if target.members.get("x-codes") == ERROR_CODES:
            self._named[target] = "ErrorCode"
            # Not `.errors`: the generator of models takes no relative module; models.py sets the import right.
            self.definitions["ErrorCode"] = {
                "type": "string",
                "x-python-import": {"module": "errors", "name": "ErrorCode"},
            }
            return "ErrorCode"
        name = self._names.take(target.key or target.source.path.stem, "Schema")
        self._named[target] = name
        self.definitions[name] = {}  # keeps its place in the order, and ends a recursion
        object_ = _is_object(self._document, target)
        self.definitions[name] = self._object(target, name) if object_ else self._inline(target, name)
        return name

    def _object(self, place: Place, name: str) -> dict[str, Any]:
        parts = list(object_parts(self._document, place))
        result: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in parts:
            if isinstance(part.value.get("description"), str):
                result.setdefault("description", part.value["description"])
            for member in part.under("properties"):
                result["properties"][member.key] = self._schema(member, f"{name}{pascal(member.key)}")
            result["required"] += [item for item in part.members.get("required", ()) if item not in result["required"]]
            extra = part.get("additionalProperties")
            if extra is not None and extra.value is False:
                result["additionalProperties"] = False
            elif extra is not None and isinstance(extra.value, dict) and extra.value:
                result["additionalProperties"] = self._schema(extra, f"{name}Value")
        return result

    def _inline(self, place: Place, hint: str) -> dict[str, Any]:
        value = place.value
        if isinstance(value, bool):
            return {}
        if value.get("x-codes") == ERROR_CODES:
            return {"$ref": f"#/$defs/{self._reference(place)}"}
        kept = {key: item for key, item in value.items() if key not in _DROPPED and not key.startswith("x-")}
        if "default" in kept and not isinstance(kept["default"], (str, int, float, bool)):
            del kept["default"]  # an object's or a list's default is told to readers, not filled in
        if "allOf" in kept:
            return self._schema(next(place.under("allOf")), hint)
        for union in ("oneOf", "anyOf"):
            if union in place:
                del kept[union]
                kept["anyOf"] = [
                    self._schema(branch, f"{hint}{_branch(branch, index)}")
                    for index, branch in enumerate(place.under(union))
                ]
        items = place.get("items")
        if items is not None:
            kept["items"] = self._schema(items, f"{hint}Item")
        extra = place.get("additionalProperties")
        if extra is not None and isinstance(extra.value, dict):
            kept["additionalProperties"] = self._schema(extra, f"{hint}Value")
        elif extra is not None:
            del kept["additionalProperties"]
        return _split_types(kept)


def _branch(place: Place, index: int) -> str:
    title = place.text("title")
    return pascal(title) if title else f"Option{index + 1}"


def _split_types(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of several types as a union of schemas of one: a constraint belongs to one type."""
    types = types_of(schema)
    if "enum" in schema or "const" in schema:
        values = schema.pop("enum", None) or [schema.pop("const")]
        kept = [value for value in values if not types or any(is_type(value, type_) for type_ in types)]
        result: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
        return {**result, "enum": kept}
    outer: dict[str, Any] = {key: schema.pop(key) for key in ("description", "default") if key in schema}
    if len(types) > 1:
        branches = []
        for type_ in types:
            branch = {"type": type_, **{key: schema[key] for key in KEYWORDS_OF[type_] if key in schema}}
            branches.append(_split_types(branch))
        return {**outer, "anyOf": branches}
    if types == ("number",):
        # JSON has one kind of number; Python's int stays an int on the wire.
        schema["type"] = ["integer", "number"]
    return {**outer, **schema}


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


def _is_object(document: Document, place: Place) -> bool:
    """Tell whether a schema becomes a class: an object with members of its own."""
    return any("properties" in part for part in object_parts(document, place))


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
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if "x-python-import" in definitions[name]:
            return _one_of(codes)
        return describe(definitions[name], definitions, codes)
    if "enum" in schema or "const" in schema:
        return _one_of(schema.get("enum") or [schema["const"]])
    if "anyOf" in schema:
        found = dict.fromkeys(describe(branch, definitions, codes) for branch in schema["anyOf"])
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
        return "a list" + _count(schema, "Items", "items")
    if types[0] == "integer":
        return "an integer" + _range(schema)
    return simple[types[0]]


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
    return f" that matches {schema['pattern']}" if "pattern" in schema else ""


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
            target = schema["$ref"].rsplit("/", 1)[1]
            if target in above or "x-python-import" in definitions[target]:
                return
            above |= {target}
            schema = definitions[target]
        if "items" in schema:
            walk(schema["items"], f"{path}[]", above)
        if isinstance(schema.get("additionalProperties"), dict):
            walk(schema["additionalProperties"], f"{path}.*" if path else "*", above)
        for member, inner in schema.get("properties", {}).items():
            walk(inner, f"{path}.{member}" if path else member, above)

    walk(definitions[name], "", frozenset({name}))
    return rules
