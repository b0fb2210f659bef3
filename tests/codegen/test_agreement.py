"""Agreement: a model takes exactly the JSON that its schema takes, by an independent judge, and gives it back whole.

What is excepted is written down in docs/codegen-schemas.md. With TAPECAST_FOREIGN_DOCS, a folder, every document of it
takes part.
"""

import importlib
import itertools
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import Phase, example, given, settings

from codegen.build import Builder
from codegen.document import Document, Place
from codegen.generate import load
from codegen.render import render
from tests.codegen.schema_grammar import REF, SEEDS, Grammar, Values

EXCEPTED = ("nullable", "schemaFormat", "prefixItems")
COUNTER = itertools.count()
EXAMPLES = int(os.environ.get("TAPECAST_AGREEMENT", "30"))


@contextmanager
def package(document: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Generate a server, without formatting it, and give a function that imports its modules."""
    name = f"agreement_{next(COUNTER)}"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / name
        root.mkdir()
        for path, text in render(Builder(load(document), "server").build()).items():
            (root / path).write_text(text, encoding="utf-8")
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            yield lambda module: importlib.import_module(f"{name}.{module}")
        finally:
            sys.path.remove(folder)
            for module in [item for item in sys.modules if item.partition(".")[0] == name]:
                del sys.modules[module]


def write(folder: Path, schemas: dict[str, Any], judged: list[str]) -> Path:
    """Write a document whose one message may hold a value of each schema that is to be judged."""
    payload = {"type": "object", "properties": {name: {"$ref": f"{REF}{name}"} for name in judged}}
    path = folder / "asyncapi.json"
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Agreement", "version": "1"},
        "channels": {"notes": {"address": "/notes", "messages": {"note": {"payload": payload}}}},
        "operations": {"take": {"action": "receive", "channel": {"$ref": "#/channels/notes"}}},
        "components": {"schemas": schemas},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


class Judges:
    """Tells whether values fit schemas as they stand in the document."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self.schemas = schemas
        self._known: dict[str, jsonschema_rs.Draft7Validator] = {}

    def fits(self, schema: Any, value: Any) -> bool:
        """Tell whether a value fits a schema."""
        key = json.dumps(schema)
        if key not in self._known:
            whole = {"allOf": [schema], "components": {"schemas": self.schemas}}
            self._known[key] = jsonschema_rs.Draft7Validator(whole, validate_formats=False)
        return self._known[key].is_valid(value)


class Keeping:
    """Tells what a round trip changed. A member that the schema names nowhere for this object may go."""

    def __init__(self, judges: Judges) -> None:
        self._judges = judges

    def lost(self, before: Any, after: Any, schemas: list[Any]) -> str:
        """Return what was lost or added, empty for nothing. `schemas` are those that `before` was judged by."""
        parts = [part for schema in schemas for part in self._parts(schema, before)]
        if isinstance(before, dict) and isinstance(after, dict):
            known = {name for part in parts for name in (*part.get("properties", {}), *part.get("required", ()))}
            for name, value in before.items():
                inner = [part["properties"][name] for part in parts if name in part.get("properties", {})]
                beside = [part for part in parts if name not in part.get("properties", {})]
                inner += [part["additionalProperties"] for part in beside if "additionalProperties" in part]
                if name not in after and (name in known or inner):
                    return f"{name} is lost"
                if name in after and (problem := self.lost(value, after[name], inner)):
                    return f"{name}: {problem}"
            added = [name for name in after if name not in before and name not in known]
            return f"{added} came" if added else ""
        if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            items = [part["items"] for part in parts if "items" in part]
            inner = [item for found in items for item in (found if isinstance(found, list) else [found])]
            found = (self.lost(one, two, inner) for one, two in zip(before, after, strict=True))
            return next((text for text in found if text), "")
        equal = before == after and isinstance(before, bool) == isinstance(after, bool)
        return "" if equal else f"{before!r} became {after!r}"

    def _parts(self, schema: Any, value: Any) -> list[dict[str, Any]]:
        """Return the schemas that together say what a value is: a branch of a union takes part where it fits."""
        if not isinstance(schema, dict):
            return []
        if "$ref" in schema:
            return self._parts(self._judges.schemas[schema["$ref"].rpartition("/")[2]], value)
        found = [schema]
        for part in schema.get("allOf", ()):
            found += self._parts(part, value)
        for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            if self._judges.fits(branch, value):
                found += self._parts(branch, value)
        return found


def compare(document: Path, schemas: dict[str, Any], judged: dict[str, list[Any]]) -> int:
    """Assert that the generated models agree with each judged schema about its values. Returns how many fit."""
    judges = Judges(schemas)
    keeping, fitting = Keeping(judges), 0
    with package(document) as module:
        messages, wire = module("messages"), module("wire")
        for name, value in ((name, value) for name, values in judged.items() for value in values):
            frame = json.dumps({name: value}, ensure_ascii=False)
            schema = schemas[name]
            valid = judges.fits(schema, value)
            fitting += valid
            try:
                message, problem = messages.decode_notes(frame), None
            except messages.DecodeError as error:
                message, problem = None, error
            assert (message is not None) == valid, (schemas, name, value, problem)
            if message is None:
                assert str(problem).endswith("."), problem
                continue
            back = wire.encode(message)
            written = json.loads(back)[name]
            assert not keeping.lost(value, written, [schema]), (schemas, name, value, written)
            assert judges.fits(schema, written), (schemas, name, value, written)
            assert messages.decode_notes(back) == message, (schemas, name, value, written)
    return fitting


@settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(SEEDS)
@example(577440)  # a schema that is only another name of a class which holds it
def test_a_model_takes_what_its_schema_takes(seed: int) -> None:
    """For schemas of every kind, no value that fits is refused, none that doesn't is taken, and none is changed."""
    random = Random(seed)
    schemas = Grammar(random).document()
    drawn = Values(random, schemas)
    judged = {name: list(drawn.some(schema, 40)) for name, schema in schemas.items() if name.startswith("value")}
    with tempfile.TemporaryDirectory() as folder:
        compare(write(Path(folder), schemas, list(judged)), schemas, judged)


def resolved(document: Document, place: Place, found: dict[str, Any], seen: dict[Place, str]) -> Any:
    """Return a schema of a document as it stands there, its references leading to `found` instead."""
    if "$ref" in place:
        target = document.resolve(place)
        assert target is not None
        if target not in seen:
            seen[target] = f"S{len(seen)}"
            found[seen[target]] = True
            found[seen[target]] = resolved(document, target, found, seen)
        return {"$ref": f"{REF}{seen[target]}"}
    if isinstance(place.value, dict):
        return {
            child.key: child.value
            if child.key in ("enum", "const", "default", "examples", "required")
            else resolved(document, child, found, seen)
            for child in place.children()
            if not child.key.startswith("x-") or place.key == "properties"
        }
    if isinstance(place.value, list):
        return [resolved(document, child, found, seen) for child in place.children()]
    return place.value


def documents() -> list[Path]:
    """Return the project's own document, and those of TAPECAST_FOREIGN_DOCS. Golden cases: see test_wire.py."""
    found = [Path(__file__).parents[2] / "asyncapi.yaml"]
    folder = os.environ.get("TAPECAST_FOREIGN_DOCS")
    every = sorted(Path(folder).rglob("*")) if folder else []
    return found + [path for path in every if path.suffix in (".yaml", ".yml", ".json") and is_asyncapi(path)]


def is_asyncapi(path: Path) -> bool:
    """Tell whether a file is the main one of a document."""
    return re.search(r'^\s*"?asyncapi"?:', path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE) is not None


@pytest.mark.parametrize("path", documents(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_models_take_what_the_schemas_of_documents_take(path: Path, tmp_path: Path) -> None:
    """The payloads of real documents agree with their models too."""
    document = load(path, lenient=True)
    payloads: dict[Place, None] = {}
    for message in (message for source in document.files for message in messages_of(source.root)):
        payload = message.get("payload")
        target = document.resolve(payload) if payload is not None else None
        if target is not None and target.value not in ({}, True):
            payloads[target] = None
    schemas: dict[str, Any] = {}
    seen: dict[Place, str] = {}
    for index, payload in enumerate(payloads):
        schemas[f"Value{index}"] = resolved(document, payload, schemas, seen)
    named = [name for name in schemas if name.startswith("Value")]
    told = [name for name in named if is_plain(schemas[name], schemas)]
    if told:
        random = Random(1)
        judged = {name: list(Values(random, schemas).some(schemas[name], 30)) for name in told}
        compare(write(tmp_path, schemas, told), schemas, judged)


def is_plain(schema: Any, schemas: dict[str, Any]) -> bool:
    """Tell whether a schema has nothing that docs/codegen-schemas.md excepts."""
    text = json.dumps(schema)
    for name in re.findall(REF + r"(\w+)", text):
        text += json.dumps(schemas[name])
    return not any(f'"{name}":' in text for name in EXCEPTED)


def messages_of(place: Place) -> Iterator[Place]:
    """Yield what looks like a message: an object with a payload."""
    if "payload" in place and isinstance(place.members["payload"], dict):
        yield place
    elif not {"examples", "example"} & {place.key}:
        for child in place.children():
            yield from messages_of(child)
