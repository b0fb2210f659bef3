# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Constraints: what the document's schemas say beyond types, as checks of JSON values. It knows no message.

The schemas are JSON Schema draft-07 without annotations. `format` checks nothing; a `$ref` is a name of `SCHEMAS`.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, Final, TypeAlias

from pydantic import MISSING, AfterValidator, BaseModel
from pydantic_core import SchemaError, SchemaValidator, core_schema

Schema: TypeAlias = Mapping[str, Any] | bool
_Test: TypeAlias = Callable[[Any], bool]


class Check:
    """Checks values against one schema. It is compiled when it is first asked."""

    def __init__(self, schema: Schema) -> None:
        self._schema: Final = schema
        self._test: _Test | None = None

    def __call__(self, value: object) -> None:
        """Raise ValueError if the JSON that `value` stands for does not fit the schema."""
        if self._test is None:
            self._test = _test(self._schema)
        try:
            fitting = self._test(_json(value))
        except RecursionError:
            fitting = False
        if not fitting:
            raise ValueError("does not fit the document's schema")


def fits(schema: Schema) -> AfterValidator:
    """Return what checks values of a type against a schema."""
    check = Check(schema)

    def validate(value: Any) -> Any:
        check(value)
        return value

    return AfterValidator(validate)


def _json(value: Any) -> Any:
    """Return the JSON that a value of a model's member stands for."""
    if isinstance(value, BaseModel):
        members = {
            info.alias or name: _json(getattr(value, name))
            for name, info in type(value).model_fields.items()
            if getattr(value, name) is not MISSING
        }
        return members | {name: _json(member) for name, member in (value.model_extra or {}).items()}
    if isinstance(value, Mapping):
        return {name: _json(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _test(schema: Schema) -> _Test:
    """Return the test of a schema: a conjunction of those of its members."""
    if isinstance(schema, bool):
        return _always if schema else _never
    tests = [test for part in (_any, _branches, _number, _text, _list, _object) for test in part(schema)]
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _always(_: Any) -> bool:
    return True


def _never(_: Any) -> bool:
    return False


@cache
def _named(name: str) -> _Test:
    return _test(SCHEMAS[name])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


_TYPES: Final[Mapping[str, _Test]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _key(value: Any) -> object:
    """Return what is equal for equal JSON values, and for no others: 1 is 1.0, and neither is true."""
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, list):
        return "array", tuple(_key(item) for item in value)
    if isinstance(value, dict):
        return "object", frozenset((name, _key(member)) for name, member in value.items())
    return value


def _any(schema: Mapping[str, Any]) -> list[_Test]:
    tests: list[_Test] = []
    if "$ref" in schema:
        name = schema["$ref"]
        tests.append(lambda value: _named(name)(value))
    if "type" in schema:
        named = schema["type"]
        types = [_TYPES[item] for item in (named if isinstance(named, list) else [named])]
        tests.append(lambda value: any(fitting(value) for fitting in types))
    for values in ([schema["const"]] if "const" in schema else None, schema.get("enum")):
        if values is not None:
            keys = {_key(item) for item in values}
            tests.append(lambda value, keys=keys: _key(value) in keys)  # type: ignore[misc]
    return tests


def _branches(schema: Mapping[str, Any]) -> list[_Test]:
    tests: list[_Test] = [_test(item) for item in schema.get("allOf", ())]
    if "anyOf" in schema:
        some = [_test(item) for item in schema["anyOf"]]
        tests.append(lambda value: any(test(value) for test in some))
    if "oneOf" in schema:
        one = [_test(item) for item in schema["oneOf"]]
        tests.append(lambda value: sum(test(value) for test in one) == 1)
    if "not" in schema:
        unwanted = _test(schema["not"])
        tests.append(lambda value: not unwanted(value))
    if "if" in schema:
        condition, then, other = (_test(schema.get(name, True)) for name in ("if", "then", "else"))
        tests.append(lambda value: then(value) if condition(value) else other(value))
    return tests


def _of(kind: _Test, test: _Test) -> _Test:
    """Return a test that says something about values of one kind only."""
    return lambda value: not kind(value) or test(value)


def _number(schema: Mapping[str, Any]) -> list[_Test]:
    tests: list[_Test] = []
    if "minimum" in schema:
        least = schema["minimum"]
        tests.append(lambda value: bool(value >= least))
    if "maximum" in schema:
        most = schema["maximum"]
        tests.append(lambda value: bool(value <= most))
    if "exclusiveMinimum" in schema:
        above = schema["exclusiveMinimum"]
        tests.append(lambda value: bool(value > above))
    if "exclusiveMaximum" in schema:
        below = schema["exclusiveMaximum"]
        tests.append(lambda value: bool(value < below))
    if "multipleOf" in schema:
        # As they are written: in binary, 0.3 is no multiple of 0.1.
        step = Fraction(repr(schema["multipleOf"]))
        tests.append(lambda value: (Fraction(repr(value)) / step).denominator == 1)
    return [_of(_is_number, test) for test in tests]


def _text(schema: Mapping[str, Any]) -> list[_Test]:
    tests: list[_Test] = []
    if "minLength" in schema:
        least = schema["minLength"]
        tests.append(lambda value: len(value) >= least)
    if "maxLength" in schema:
        most = schema["maxLength"]
        tests.append(lambda value: len(value) <= most)
    if "pattern" in schema:
        tests.append(_matcher(schema["pattern"]))
    return [_of(_TYPES["string"], test) for test in tests]


def _matcher(pattern: str) -> _Test:
    """Return the test of a pattern: by Pydantic's own engine, which is linear, wherever that knows the pattern."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern)).isinstance_python
    except SchemaError:
        search = re.compile(pattern).search
        return lambda value: search(value) is not None


def _list(schema: Mapping[str, Any]) -> list[_Test]:
    tests: list[_Test] = []
    if "minItems" in schema:
        least = schema["minItems"]
        tests.append(lambda value: len(value) >= least)
    if "maxItems" in schema:
        most = schema["maxItems"]
        tests.append(lambda value: len(value) <= most)
    if schema.get("uniqueItems"):
        tests.append(lambda value: len({_key(item) for item in value}) == len(value))
    if "contains" in schema:
        wanted = _test(schema["contains"])
        tests.append(lambda value: any(wanted(item) for item in value))
    items = schema.get("items", True)
    if isinstance(items, list):
        places = [_test(item) for item in items]
        more = _test(schema.get("additionalItems", True))
        tests.append(lambda value: all(test(item) for test, item in zip(places, value, strict=False)))
        tests.append(lambda value: all(more(item) for item in value[len(places) :]))
    elif items is not True:
        every = _test(items)
        tests.append(lambda value: all(every(item) for item in value))
    return [_of(_TYPES["array"], test) for test in tests]


def _object(schema: Mapping[str, Any]) -> list[_Test]:
    tests: list[_Test] = []
    if "minProperties" in schema:
        least = schema["minProperties"]
        tests.append(lambda value: len(value) >= least)
    if "maxProperties" in schema:
        most = schema["maxProperties"]
        tests.append(lambda value: len(value) <= most)
    if "required" in schema:
        required = frozenset(schema["required"])
        tests.append(lambda value: required <= value.keys())
    if "propertyNames" in schema:
        name_fits = _test(schema["propertyNames"])
        tests.append(lambda value: all(name_fits(name) for name in value))
    for name, wanted in schema.get("dependencies", {}).items():
        test = _test({"required": wanted} if isinstance(wanted, list) else wanted)
        tests.append(lambda value, name=name, test=test: name not in value or test(value))  # type: ignore[misc]
    tests += _members(schema)
    return [_of(_TYPES["object"], test) for test in tests]


def _members(schema: Mapping[str, Any]) -> list[_Test]:
    if not schema.keys() & {"properties", "patternProperties", "additionalProperties"}:
        return []
    named = {name: _test(member) for name, member in schema.get("properties", {}).items()}
    patterned = [(_matcher(name), _test(member)) for name, member in schema.get("patternProperties", {}).items()]
    other = _test(schema.get("additionalProperties", True))

    def fitting(name: str, member: Any) -> bool:
        tests = [named[name]] if name in named else []
        tests += [test for matches, test in patterned if matches(name)]
        return all(test(member) for test in tests) if tests else other(member)

    return [lambda value: all(fitting(name, member) for name, member in value.items())]


SCHEMAS: Final[Mapping[str, Schema]] = {
    "Circle": {"type": "object", "required": ["radius"], "properties": {"radius": {"type": "number"}}},
    "Named": {"allOf": [{"$ref": "Circle"}, {"type": "object", "properties": {"name": {"minLength": 1}}}]},
}
"""The document's schemas that the checks refer to, by name."""
