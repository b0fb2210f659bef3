"""Values: everything made fits its schema, is JSON, differs, and comes again with its seed."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.forms import frozen
from contract.texts import KINDS, Patterns
from contract.values import Unmakeable, draw, generate, values
from tests.codegen.schema_grammar import Values
from tests.contract.unit import schemas


def judge(schema: Any) -> jsonschema_rs.Draft7Validator:
    """Return what judges values."""
    return jsonschema_rs.Draft7Validator(schema, validate_formats=False)


def some(schema: Any, count: int, seed: int = 1, *, extras: bool = True) -> list[Any]:
    """Return some values of a schema."""
    return list(itertools.islice(generate(schema, seed, extras=extras), count))


def inside(value: Any) -> Iterator[Any]:
    """Yield a value and all that it holds, names of members too."""
    yield value
    for item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield item[0]
        yield from inside(item[1])


@pytest.mark.parametrize("seed", range(40))
def test_random_schemas(seed: int) -> None:
    """What is made of any schema fits it; what is said to have no value has none that others find."""
    for schema in schemas.random_schemas(seed):
        judged = judge(schema)
        try:
            found = some(schema, 15)
        except Unmakeable:
            others = Values(Random(seed), schema["definitions"]).some(schema["allOf"][0], 100)
            assert not any(judged.is_valid(value) for value in others)
        else:
            assert all(judged.is_valid(value) for value in found)
            json.dumps(found, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize("path", schemas.documents(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_documents(path: Path) -> None:
    """Each message of a document can be made, and what is made is this message."""
    for message in schemas.messages(path):
        assert all(message.schema.fits(value) for value in some(message.schema.value, 10)), message.key


@pytest.mark.parametrize("name", schemas.NAMED)
def test_keywords(name: str) -> None:
    """Each keyword of draft-07 is held, and doesn't make values impossible."""
    schema = schemas.alone(schemas.NAMED[name], schemas.DEFINITIONS)
    judged = judge(schema)
    found = some(schema, 200)
    assert all(judged.is_valid(value) for value in found)
    if name != "const":
        assert len({frozen(value) for value in found}) > 1


@pytest.mark.parametrize("name", schemas.VOID)
def test_void(name: str) -> None:
    """Where no value fits, it is told at once."""
    with pytest.raises(Unmakeable):
        some(schemas.alone(schemas.VOID[name], schemas.VOID_DEFINITIONS), 1)


def test_seed() -> None:
    """The same seed gives the same values, another seed others; through Hypothesis too."""
    schema = schemas.alone(schemas.NAMED["members"])
    assert some(schema, 50, 3) == some(schema, 50, 3) != some(schema, 50, 4)
    assert draw(values(schema), 60, 3) == draw(values(schema), 60, 3) != draw(values(schema), 60, 4)


@pytest.mark.parametrize("count", [1, 2, 24, 25, 26, 130])
def test_draw_count(count: int) -> None:
    """As many values are drawn as are asked for, also of a strategy that has fewer."""
    assert len(draw(values(schemas.alone({"type": "integer"})), count, 1)) == count
    assert draw(st.just(7), count, 1) == [7] * count
    assert len(set(draw(st.integers(), 200, count))) > 50


def test_draw_differs() -> None:
    """Values that are drawn differ, from the first on."""
    found = draw(values(schemas.alone({"type": "object"})), 100, 5)
    assert len({frozen(value) for value in found}) > 30
    assert len({frozen(value) for value in draw(values(schemas.alone({"type": "number"})), 10, 5)}) > 3


def test_draw_many() -> None:
    """There are as many different values as are asked for, not as many as a small seed has."""
    schema = schemas.alone({"type": "integer", "minimum": 0, "maximum": 2**50})
    assert len(set(draw(values(schema), 2000, 1))) > 600


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("^[A-Z]{3}-\\d+$", 9),
        ("^(?=.*\\d)(?=.*[a-z]).{8,}$", 12),
        ("^\\p{Lu}\\p{L}*$", 30),
        ("^(a|b)+\\1$", 8),
        ("^[a-zA-Z0-9\\-_:]{2,64}$", 64),
        ("b+", 100),
        ("^\\S+@\\S+$", 5),
        ("^\\d{4}-(0[1-9]|1[0-2])-[0-3]\\d$", 10),
        ("^(?:[A-Za-z0-9+/]{4})*$", 64),
        ("^(?!a)", 3),
    ],
)
def test_patterns(pattern: str, size: int) -> None:
    """There are strings of a pattern, of a wanted length too, and all of them match."""
    patterns = Patterns()
    pool = patterns.pool(pattern)
    assert len(pool) > 5
    assert all(patterns.matches(pattern, text) for text in pool)
    exact = patterns.sized((pattern,), size, size)
    assert exact
    assert all(patterns.matches(pattern, text) and len(text) == size for text in exact)


@given(values(schemas.alone(schemas.NAMED["items"])))
@settings(max_examples=20, database=None)
def test_within_hypothesis(value: Any) -> None:
    """The strategy can be used in any test of Hypothesis."""
    assert 2 <= len(value) <= 4


def test_pattern_within_hypothesis() -> None:
    """Strings of a pattern differ, through Hypothesis too."""
    found = draw(values(schemas.alone({"type": "string", "pattern": "^[k-m]{3}[0-9]?$"})), 20, 1)
    assert len(set(found)) > 3


def test_strings() -> None:
    """Free strings are of every kind, and as long as they may be."""
    found = set(some(schemas.alone({"type": "string", "maxLength": 40}), 3000))
    assert not [told for told, text in KINDS if text not in found]
    assert any(len(text) == 40 for text in found)


def test_numbers() -> None:
    """Numbers are at their bounds and next to them, and free ones are of every size; none is beyond what is safe."""
    found = some(schemas.alone({"type": "integer", "minimum": 10, "maximum": 1000}), 400)
    assert {10, 11, 999, 1000} <= set(found)
    free = some(schemas.alone({"type": "number"}), 1000)
    assert {0, -1, 2**53 - 1, 0.5} <= set(free)
    assert all(abs(value) < 2**53 for value in free if isinstance(value, int))
    assert all(abs(value) < 2**53 for value in some(schemas.alone({"type": "integer", "minimum": -5}), 1000))
    assert any(value < 0 for value in free)


def test_whole_numbers_stay_whole() -> None:
    """An integer is written without a point, which not every server takes for one."""
    assert all(type(value) is int for value in some(schemas.alone({"type": "integer", "multipleOf": 0.5}), 100))


def test_optional_members() -> None:
    """Optional members come and stay away in every combination; required ones are always there."""
    schema = schemas.alone({"type": "object", "properties": {name: {} for name in "abcd"}, "required": ["a"]})
    found = {frozenset(value) & set("abcd") for value in some(schema, 300)}
    assert {
        frozenset("a" + "".join(more)) for size in range(4) for more in itertools.combinations("bcd", size)
    } == found


def test_extras() -> None:
    """Unknown members come where the schema allows them, if they are wanted, and never where it doesn't."""
    open_ = schemas.alone({"type": "object", "properties": {"a": {"type": "integer"}}})
    assert any(value.keys() - {"a"} for value in some(open_, 300))
    assert not any(value.keys() - {"a"} for value in some(open_, 300, extras=False))
    closed = schemas.alone({"type": "object", "properties": {"a": {}}, "additionalProperties": False})
    assert not any(value.keys() - {"a"} for value in some(closed, 300))


def test_unique_is_of_json() -> None:
    """1 and 1.0 are the same item, 1 and true aren't."""
    schema = schemas.alone({"items": {"enum": [1, True, 1.0]}, "type": "array", "uniqueItems": True, "minItems": 2})
    assert {frozen(sorted(map(frozen, value))) for value in some(schema, 50)} == {
        frozen(sorted([frozen(1), frozen(True)]))
    }


def test_json_only() -> None:
    """There is no NaN, no half character, and nothing that JSON would say otherwise when it is read again."""
    for value in some(schemas.alone(True), 500):
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        assert frozen(json.loads(text.encode().decode())) == frozen(value)
        assert all(isinstance(item, (str, int, float, bool, dict, list, type(None))) for item in inside(value))


def test_recursion_ends() -> None:
    """A schema that holds itself gives values of several depths, and no endless one."""
    schema = schemas.alone(schemas.NAMED["recursion"], schemas.DEFINITIONS)
    sizes = [len(json.dumps(value)) for value in some(schema, 200)]
    assert min(sizes) < 60
    assert 200 < max(sizes) < 200_000


@pytest.mark.parametrize("name", ["date-time", "uuid", "ipv4", "ipv6", "email", "uri", "date", "time", "hostname"])
def test_formats(name: str) -> None:
    """A known format is held, though the validator wouldn't mind."""
    schema = {"type": "string", "format": name}
    strict = jsonschema_rs.Draft7Validator(schema, validate_formats=True)
    found = some(schemas.alone(schema), 100)
    assert all(strict.is_valid(value) for value in found), [value for value in found if not strict.is_valid(value)]
