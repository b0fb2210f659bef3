"""The document, judged by AsyncAPI's official JSON Schema, which set-up fetches beside the pages' assets."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from gateway.pages.assets import SPECS
from gateway.paths import CHECKOUT, assets_folder


@pytest.fixture(scope="module")
def document() -> Any:
    """The document as JSON has it."""
    return json.loads(json.dumps(yaml.safe_load((CHECKOUT / "asyncapi.yaml").read_text())))


@pytest.fixture(scope="module")
def validator(document: Any) -> jsonschema_rs.Draft7Validator:
    """The official schema of the document's version; it refers to nothing outside itself."""
    specs = assets_folder().parent / "specs"
    if not SPECS.is_present(specs):
        reason = "the official schemas are not there; run `make assets` with npm or a network at hand"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    schema = Path(specs, SPECS.folder, f"{document['asyncapi']}.json")
    return jsonschema_rs.Draft7Validator(json.loads(schema.read_text()))


def test_the_document_is_valid(document: Any, validator: jsonschema_rs.Draft7Validator) -> None:
    """`asyncapi.yaml` has no error by the official schema."""
    errors = [
        f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in validator.iter_errors(document)
    ]
    assert errors == []


def test_the_schema_refuses_what_is_not_asyncapi(document: Any, validator: jsonschema_rs.Draft7Validator) -> None:
    """The schema that judges is not one that accepts anything."""
    assert not validator.is_valid({**document, "info": {"title": "no version"}})
    assert not validator.is_valid({**document, "operations": {"send": {"action": "shout"}}})
