"""Dialect: what a schema of the document says, as JSON Schema draft-07 that stands alone. It judges and types nothing.

AsyncAPI's schemas are draft-07. What authors take from its neighbours (OpenAPI's `nullable`, draft-04's flags, the
tuples and dependencies of 2019-09 and 2020-12) is said in draft-07's words here, so that all others know one dialect.
"""

from collections.abc import Callable, Mapping
from typing import Any

from codegen.document import Place

SINGLE = frozenset({"not", "if", "then", "else", "contains", "propertyNames", "additionalProperties"})
"""Keywords that hold a schema."""
LISTS = frozenset({"allOf", "anyOf", "oneOf"})
"""Keywords that hold a list of schemas."""
MAPS = frozenset({"properties", "patternProperties"})
"""Keywords that hold schemas by name."""
_PLAIN = frozenset(
    {
        *("type", "enum", "const", "required", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength"),
        *("pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minProperties", "maxProperties"),
    }
)
ANNOTATIONS = frozenset({"title", "description", "default", "format"})
"""Keywords that assert nothing and are kept, for those who name, describe, and make values."""
_BOUNDS = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))

_FORMATS = (
    "application/vnd.aai.asyncapi",
    "application/schema+json",
    "application/schema+yaml",
    "application/vnd.oai.openapi",
)
"""The beginnings of the values of `schemaFormat` that are JSON Schema."""


def is_json_schema(schema_format: object) -> bool:
    """Tell whether a value of `schemaFormat` says that the schema is JSON Schema, in one of its forms."""
    return isinstance(schema_format, str) and schema_format.strip().lower().startswith(_FORMATS)


def inner(place: Place) -> Place:
    """Return the schema within a multi-format schema object; any other schema is its own."""
    found = place.get("schema")
    return found if found is not None and "schemaFormat" in place else place


def _none(_: Place) -> bool:
    return False


def plain(place: Place, refer: Callable[[Place], Any], named: Callable[[Place], bool] = _none) -> Any:
    """Return a schema as draft-07. `refer` says what stands for one with `$ref`, and for those that are `named`."""
    place = inner(place)
    if "$ref" in place or named(place):
        return refer(place)
    value = place.value
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for child in place.children():
        name = child.key
        if child.value is None and name not in ("const", "default"):
            continue  # nothing stands there
        if name == "required" and isinstance(child.value, bool):
            continue  # draft 3 says it of the member, not of the object
        if name in _PLAIN or name in ANNOTATIONS:
            result[name] = child.value
        elif name in SINGLE:
            result[name] = plain(child, refer, named)
        elif name in LISTS:
            result[name] = [plain(item, refer, named) for item in child.children()]
        elif name in MAPS:
            result[name] = {item.key: plain(item, refer, named) for item in child.children() if item.value is not None}
    _items(place, result, lambda item: plain(item, refer, named))
    _dependencies(place, result, lambda item: plain(item, refer, named))
    for bound, exclusive in _BOUNDS:
        if isinstance(result.get(exclusive), bool) and result.pop(exclusive) and bound in result:
            result[exclusive] = result.pop(bound)
    if value.get("nullable") is True:
        outer = {name: result.pop(name) for name in ANNOTATIONS if name in result}
        return {**outer, "anyOf": [result, {"type": "null"}]}
    return result


def _items(place: Place, result: dict[str, Any], said: Callable[[Place], Any]) -> None:
    first, rest, more = (
        found if found is not None and found.value is not None else None
        for found in map(place.get, ("prefixItems", "items", "additionalItems"))
    )
    if first is None and rest is not None and isinstance(rest.value, list):
        first, rest = rest, more
    if first is not None:
        result["items"] = [said(item) for item in first.children()]
        if rest is not None:
            result["additionalItems"] = said(rest)
    elif rest is not None:
        result["items"] = said(rest)


NEEDS = ("dependencies", "dependentRequired")
"""The keywords that may list which other members a member needs."""


def _dependencies(place: Place, result: dict[str, Any], said: Callable[[Place], Any]) -> None:
    found: dict[str, Any] = {}
    for name in (*NEEDS, "dependentSchemas"):
        for item in place.under(name):
            if item.value is None:
                continue
            wanted = item.value if isinstance(item.value, list) else said(item)
            found[item.key] = {"allOf": [_wanted(found[item.key]), _wanted(wanted)]} if item.key in found else wanted
    if found:
        result["dependencies"] = found


def _wanted(dependency: Any) -> Any:
    return {"required": dependency} if isinstance(dependency, list) else dependency


def references(schema: Any) -> set[str]:
    """Return what the `$ref`s of a draft-07 schema point at."""
    found: set[str] = set()
    for child in children(schema):
        found |= references(child)
    if isinstance(schema, Mapping) and "$ref" in schema:
        found.add(schema["$ref"])
    return found


def children(schema: Any) -> list[Any]:
    """Return the schemas that a draft-07 schema holds."""
    if not isinstance(schema, Mapping):
        return []
    found = [schema[name] for name in SINGLE | {"additionalItems"} if name in schema]
    for name in LISTS:
        found += schema.get(name, [])
    for name in MAPS | {"dependencies"}:
        found += [item for item in schema.get(name, {}).values() if not isinstance(item, list)]
    items = schema.get("items")
    found += items if isinstance(items, list) else [] if items is None else [items]
    return found
