"""Parameters: each text is what it says: known, at a boundary, or broken in one keyword."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.faults import Mark
from contract.parameters import Judging, boundaries, broken_values, known_values, made_up
from contract.spec import Parameter, load_spec

MARK = Mark("f", 1, 1, "")


def parameter_of(value: dict[str, Any], *examples: str) -> Parameter:
    """Return a parameter of an address."""
    return Parameter("p", None, value, str(value["type"]), True, False, examples, MARK)


SCHEMAS: dict[str, tuple[dict[str, Any], set[str], set[str]]] = {
    "integer": ({"type": "integer", "minimum": 1, "maximum": 9}, {"1", "9"}, {"x", "1.5", "0", "10"}),
    "number": ({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5}, {"0.5"}, {"x", "NaN", "0", "0.25"}),
    "boolean": ({"type": "boolean"}, {"true", "false"}, {"maybe"}),
    "enum": ({"type": "string", "enum": ["a", "b"]}, {"a", "b"}, {"ax"}),
    "enum of numbers": ({"type": "integer", "enum": [1, 2]}, {"1", "2"}, {"x", "1.5", "3"}),
    "const": ({"type": "string", "const": "on"}, {"on"}, {"onx"}),
    "length": ({"type": "string", "minLength": 3, "maxLength": 5}, {"aaa", "aaaaa"}, {"aa", "aaaaaa"}),
    "big": ({"type": "integer", "maximum": 9007199254740991}, {"9007199254740991"}, {"9007199254740992"}),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_boundaries_fit_and_broken_values_break_one_keyword(name: str) -> None:
    """Each keyword of a schema has values on both its sides."""
    schema, fit, wrong = SCHEMAS[name]
    judging = Judging(parameter_of(schema))
    good = {text.value for text in boundaries(judging)}
    bad = {text.value: text for text in broken_values(judging)}
    assert good >= fit
    assert all(judging.fits(value) for value in good)
    assert set(bad) >= wrong
    assert all(judging.broken(value) == {text.keyword} for value, text in bad.items())


PATTERNS = ["^[A-Z]{3}$", "^[a-z]+-[0-9]{4}$", "^(?=a)", r"\d", "^[^/]*$", "^(BTC|ETH)/USDT?$"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_fitted(pattern: str) -> None:
    """And broken, where any text of the place can break it."""
    judging = Judging(parameter_of({"type": "string", "pattern": pattern}))
    value = made_up(judging)
    assert value is not None
    assert judging.fits(value)
    assert {text.keyword for text in broken_values(judging)} == {"pattern"}


def test_a_pattern_and_lengths_are_broken_one_at_a_time() -> None:
    """A text that is too long still fits the pattern."""
    judging = Judging(parameter_of({"type": "string", "pattern": "^[A-Z]+$", "minLength": 2, "maxLength": 4}))
    found = {text.keyword: text.value for text in broken_values(judging)}
    assert set(found) == {"pattern", "minLength", "maxLength"}
    assert len(found["minLength"]) == 1
    assert len(found["maxLength"]) == 5


def test_what_can_not_stand_there_is_not_made() -> None:
    """An empty text is no segment of a path, so `minLength: 1` isn't broken there."""
    judging = Judging(parameter_of({"type": "string", "minLength": 1}), bool)
    assert not [text for text in broken_values(judging) if text.keyword == "minLength"]


def test_known_values_are_the_users_then_the_documents() -> None:
    """Examples before the enum before the default; and only what fits, of the document's."""
    parameter = parameter_of({"type": "string", "enum": ["a", "b"], "default": "b"}, "b", "c")
    assert known_values(parameter, ["mine"]) == ("mine",)
    assert known_values(parameter) == ("b",)
    assert known_values(parameter_of({"type": "string", "enum": ["a", "b"]})) == ("a", "b")
    assert known_values(parameter_of({"type": "boolean", "default": False})) == ("false",)
    assert known_values(parameter_of({"type": "string"})) == ()


bounds = st.integers(-1000, 1000)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_the_schema_says_values_are_right(data: st.DataObject) -> None:
    """Good ones fit, and bad ones break the keyword that they name and no other."""
    schema: dict[str, Any] = data.draw(
        st.one_of(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["integer", "number"])},
                optional={"minimum": bounds, "exclusiveMaximum": bounds, "multipleOf": st.integers(1, 7)},
            ),
            st.fixed_dictionaries(
                {"type": st.just("string")},
                optional={"minLength": st.integers(0, 9), "maxLength": st.integers(0, 9)},
            ),
        )
    )
    judging = Judging(parameter_of(schema))
    assert all(judging.fits(text.value) for text in boundaries(judging))
    assert all(judging.broken(text.value) == {text.keyword} for text in broken_values(judging))


def test_of_every_golden_document_values_are_right() -> None:
    """Whatever stands in their addresses, queries and headers."""
    checked = 0
    for path in sorted(Path("tests/codegen/golden").glob("*/asyncapi.yaml")):
        if path.parent.name.startswith("bad_"):
            continue
        for channel in load_spec(path).channels:
            for parameter in (*channel.parameters, *channel.query, *channel.headers):
                judging = Judging(parameter)
                assert all(judging.fits(text.value) for text in boundaries(judging))
                assert all(judging.broken(text.value) == {text.keyword} for text in broken_values(judging))
                assert made_up(judging) is not None
                checked += 1
    assert checked > 30
