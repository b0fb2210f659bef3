"""Containment: where it says that every value fits, none is found that doesn't. What samples can't show is counted."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings

from codegen.diff.containment import UNSENT, Containment, Problem
from codegen.diff.nodes import Schemas
from codegen.document import Document
from codegen.faults import Faults
from tests.codegen.diff.pairs import pairs

EXAMPLES = 400


def node(folder: Path, name: str, document: Any) -> tuple[Schemas, Any]:
    """Return the schemas of a document, and the place of the one that is meant."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    read = Document(path, Faults())
    return Schemas(read), read.root.get("schema")


def problems(folder: Path, old: Any, new: Any) -> list[Problem]:
    """Return why values of the one may not fit the other."""
    (ours, sender), (theirs, receiver) = node(folder, "old", old), node(folder, "new", new)
    found = Containment(ours, theirs).problems((sender,), (receiver,))
    return [problem for problem in found if problem.kind != UNSENT]


def validator(document: Any) -> Any:
    """Return jsonschema-rs's own judge of a document's schema."""
    try:
        return jsonschema_rs.Draft7Validator(
            {"definitions": document["definitions"], "allOf": [document["schema"]]}, validate_formats=False
        )
    except jsonschema_rs.ValidationError:
        return None


def breaking(old: Any, new: Any, values: list[Any]) -> list[Any]:
    """Return the values that fit the one schema and not the other."""
    before, after = validator(old), validator(new)
    if before is None or after is None:
        return []
    return [value for value in values if before.is_valid(value) and not after.is_valid(value)]


def test_what_is_called_contained_has_no_sample_that_breaks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No value that fits the old schema breaks the new one where no problem was found."""
    folder = tmp_path_factory.mktemp("pairs")
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        derandomize=True,
    )
    @given(pairs())
    def judge(pair: tuple[Any, Any, list[Any]]) -> None:
        old, new, values = pair
        broken = breaking(old, new, values)
        found = problems(folder, old, new)
        seen[f"{'told' if found else 'silent'} {'broken' if broken else 'whole'}"] += 1
        assert found or not broken, (old, new, broken)

    judge()
    assert seen["told broken"] > EXAMPLES // 20, f"too few samples show a break: {seen}"
    assert seen["silent whole"] > EXAMPLES // 20, f"too few pairs are called contained: {seen}"


def test_a_schema_contains_itself(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is told of two copies of one document."""
    folder = tmp_path_factory.mktemp("pairs")

    @settings(
        max_examples=EXAMPLES // 2,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        derandomize=True,
    )
    @given(pairs())
    def judge(pair: tuple[Any, Any, list[Any]]) -> None:
        assert validator(pair[0]) is None or problems(folder, pair[0], pair[0]) == []

    judge()
