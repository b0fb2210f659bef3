"""Reading beside AsyncAPI's own JSON Schemas: what they refuse is told, in every version.

The schemas are those of npm's @asyncapi/specs (Apache-2.0). `make specs` fetches them; they are no part of the project,
and generating never looks at them, so that a document means the same wherever it is generated.
"""

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from codegen.faults import DocumentError
from codegen.generate import load
from tests.codegen.test_fuzz import SECOND, at, paths

ROOT = Path(__file__).parents[2]
SPECS = ROOT / ".cache" / "specs" / "node_modules" / "@asyncapi" / "specs" / "schemas"
VERSIONS = ("2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0", "3.0.0", "3.1.0")

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="AsyncAPI's schemas are not there: run `make specs`")

THIRD = """
asyncapi: 3.0.0
id: urn:a:b
info: {title: t, version: '1', license: {name: l}, tags: [{name: a}], externalDocs: {url: 'https://a.b'}}
defaultContentType: application/json
servers:
  s:
    host: h
    protocol: ws
    pathname: /p
    security: [{$ref: '#/components/securitySchemes/k'}]
    variables: {v: {enum: [a]}}
channels:
  c:
    address: /c/{p}
    messages: {m: {$ref: '#/components/messages/m'}}
    servers: [{$ref: '#/servers/s'}]
    parameters: {p: {description: d, enum: [a], location: '$message.payload#/a'}}
    bindings: {ws: {method: GET, query: {type: object, properties: {q: {type: string}}}}}
operations:
  o:
    action: receive
    channel: {$ref: '#/channels/c'}
    messages: [{$ref: '#/channels/c/messages/m'}]
    traits: [{$ref: '#/components/operationTraits/t'}]
    reply: {messages: [{$ref: '#/channels/c/messages/m'}]}
components:
  operationTraits: {t: {summary: s}}
  securitySchemes: {k: {type: httpApiKey, in: query, name: k}}
  messages:
    m:
      name: n
      contentType: application/json
      correlationId: {location: '$message.payload#/a'}
      payload: {type: object, required: [a], properties: {a: {type: string, minLength: 1}}, allOf: [{maxProperties: 5}]}
      examples: [{name: e, payload: {a: b}}]
"""

VALUES: tuple[Any, ...] = (None, 5, "text", [], {}, True)

TAKEN: Mapping[str, str] = {
    r"bindings: 'add'": "bindings of protocols that nothing is generated for are nobody's business",
    r"operations/o/channel: {}|messages/0: {}": "whatever is no channel's own is refused by its meaning, if it is used",
    r"(payload|headers|schema): True": "a schema may be true, as in JSON Schema itself; AsyncAPI's text has it so too",
    r"reply/address/location: 'text'": "a reply's address is never looked at, and that is told",
    r"correlationId/location: 'text'": "told where the message is used",
    r"location: 'text'": "where a payload repeats a parameter: nothing is routed by it",
    r"examples/0: {}|examples/0/payload: 'drop'": "an example that shows nothing",
    r"allOf/0: 'drop'|allOf: \[\]": "an empty allOf asks for nothing",
    r"required: True": "draft 3's way, which generators still write; it asks for nothing here",
}
"""What the official schemas refuse and reading takes without a word, and why. Patterns of `path: change`."""


def official(version: str) -> jsonschema_rs.Validator:
    """Return the validator of a version."""
    schema = json.loads((SPECS / f"{version}-without-$id.json").read_text())
    return jsonschema_rs.Draft7Validator(schema, validate_formats=False)


def ours(document: Any, folder: Path) -> bool:
    """Tell whether reading takes a document without an error or a warning."""
    path = folder / "asyncapi.json"
    path.write_text(json.dumps(document))
    try:
        return not load(path).faults.warnings
    except DocumentError:
        return False


def seed(version: str) -> Any:
    """Return a sound document of a version."""
    document = yaml.safe_load(SECOND if version.startswith("2.") else THIRD)
    document["asyncapi"] = version
    text = json.dumps(document)
    if version in ("2.0.0", "2.1.0", "2.2.0", "2.3.0"):  # messageId came with 2.4, servers of a channel with 2.2
        text = text.replace('"messageId": "wave", ', "")
    if version in ("2.0.0", "2.1.0"):
        text = text.replace('"servers": ["live"], ', "")
    return json.loads(text)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_seed_is_sound(version: str, tmp_path: Path) -> None:
    """Both take the document that is broken in the other test."""
    document = seed(version)
    assert [error.message for error in official(version).iter_errors(document)] == []
    assert ours(document, tmp_path)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_official_schema_refuses_is_refused(version: str, tmp_path: Path) -> None:
    """Each value of a document dropped, of another type, or beside an unknown member: no fault goes untold."""
    document, validator = seed(version), official(version)
    missed: list[str] = []
    refused = 0
    for path in paths(document)[1:]:
        if "$ref" in path or path == ("asyncapi",):
            continue  # references and versions have rules of their own, which say more
        for value in ("drop", "add", *VALUES):
            mutant = copy.deepcopy(document)
            parent = at(mutant, path[:-1])
            if value == "drop":
                del parent[path[-1]]
            elif value == "add":
                if not isinstance(parent[path[-1]], dict):
                    continue
                parent[path[-1]]["unknown"] = True
            else:
                parent[path[-1]] = value
            if validator.is_valid(mutant):
                continue
            refused += 1
            shown = f"{'/'.join(map(str, path))}: {value!r}"
            if not any(re.search(pattern, shown) for pattern in TAKEN) and ours(mutant, tmp_path):
                missed.append(shown)
    assert refused > 200
    assert missed == []
