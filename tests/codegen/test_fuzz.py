"""Fuzzing: whatever a file holds, reading it ends with a document or with faults that stand in the file."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codegen.__main__ import main
from codegen.faults import DocumentError, Fault
from codegen.generate import load
from tests.codegen.support import GOLDEN

SEEDS = ("handshake", "security", "stream_by_request", "request_and_reply", "recursion", "query_and_parameters")
SECOND = """
asyncapi: 2.6.0
info: {title: Second, version: '1'}
servers:
  live: {url: 'wss://{env}.example.com/v1', protocol: wss, variables: {env: {default: a}}, security: [{key: []}]}
channels:
  user/{id}:
    parameters: {id: {schema: {type: string}}}
    servers: [live]
    bindings: {ws: {query: {type: object, properties: {q: {type: string}}}, method: GET}}
    publish:
      operationId: onSay
      traits: [{$ref: '#/components/operationTraits/talk'}]
      message:
        oneOf:
          - {$ref: '#/components/messages/say'}
          - {messageId: wave, payload: {type: object, properties: {type: {const: wave}}}}
    subscribe: {message: {$ref: '#/components/messages/said'}}
components:
  operationTraits: {talk: {summary: Talk}}
  messageTraits: {common: {contentType: application/json}}
  securitySchemes: {key: {type: httpApiKey, in: query, name: key}}
  messages:
    say: {traits: [{$ref: '#/components/messageTraits/common'}], payload: {$ref: '#/components/schemas/say'}}
    said:
      schemaFormat: application/schema+json
      payload: {$ref: '#/components/schemas/say'}
      examples: [{payload: {}}]
  schemas:
    say: {$id: say, type: object, properties: {text: {type: string}, next: {$ref: '#/components/schemas/say'}}}
"""

documents = [yaml.safe_load((GOLDEN / name / "asyncapi.yaml").read_text()) for name in SEEDS] + [yaml.safe_load(SECOND)]
CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
QUIET = settings(deadline=None, max_examples=120, suppress_health_check=CHECKS, derandomize=True)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        [10**400, -(10**18), 1e308, "$ref", "#/", "a b", "{x}", "/{}", "ws://[", "\ud83d\ude00", "x" * 5000]
    ),
)
references = st.sampled_from(
    [
        *("#", "#/", "#/channels", "#/components/schemas/say", "#//", "#/info/title/x", "other.yaml", ".", "/", ".."),
        *("#x", "http://[", "http://a/b#/c", "a\x00b", "%ff", "#/%ff", "x" * 300, "#/channels/~2", "#/-1"),
    ]
).map(lambda text: {"$ref": text})
values = st.recursive(
    scalars | references,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in paths(child, (*path, key)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """Return what a way leads to; None where it no longer leads anywhere."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    """Draw a document with a few members dropped, renamed, retyped, doubled or swapped with others."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 4))):
        every = paths(document)
        path = draw(st.sampled_from(every))
        parent = at(document, path[:-1]) if path else None
        if not isinstance(parent, (dict, list)):
            continue
        kind = draw(st.sampled_from(["drop", "retype", "rename", "copy", "add"]))
        if kind == "drop":
            del parent[path[-1]]
        elif kind == "retype":
            parent[path[-1]] = draw(values)
        elif kind == "rename" and isinstance(parent, dict):
            parent[draw(st.text(max_size=5)) or "x"] = parent.pop(path[-1])
        elif kind == "copy":
            parent[path[-1]] = copy.deepcopy(at(document, draw(st.sampled_from(every))))
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(["traits", "$ref", "reply", "oneOf", "allOf", "security", "address"]))] = draw(
                values
            )
    return document


def check(path: Path, *, lenient: bool = False) -> tuple[Fault, ...]:
    """Read a file; check that each fault has a place in a file, and return them all."""
    try:
        faults = load(path, lenient=lenient).faults.warnings
    except DocumentError as error:
        faults = error.faults
        assert any(fault.severity == "error" for fault in faults)
    for fault in faults:
        assert fault.mark.line >= 1
        assert fault.mark.column >= 1
        assert fault.message[-1] in ".?", fault
        file = path.parent / fault.mark.file
        if fault.rule != "unreadable":
            lines = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
            assert fault.mark.line <= len(lines)
            assert lines[fault.mark.line - 1] == fault.mark.text
            assert fault.mark.column <= len(fault.mark.text) + 1
        fault.render()
    return faults


@QUIET
@given(document=mutants(), lenient=st.booleans(), form=st.sampled_from(["json", "yaml"]))
def test_mutated_documents(document: Any, lenient: bool, form: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A sound document that was changed anywhere is read or refused, from YAML and from JSON."""
    path = tmp_path_factory.getbasetemp() / f"fuzz.{form}"
    text = json.dumps(document, ensure_ascii=False) if form == "json" else yaml.safe_dump(document, allow_unicode=True)
    path.write_bytes(text.encode())
    check(path, lenient=lenient)


@QUIET
@given(data=st.data())
def test_texts_that_were_cut_or_written_over(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file that ends too early, or holds any bytes anywhere, is read or refused."""
    source = (SECOND if data.draw(st.booleans()) else (GOLDEN / "handshake" / "asyncapi.yaml").read_text()).encode()
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(len(source), start + 40)))
    junk = data.draw(st.binary(max_size=12) | st.text("{}[]&*!|>-:#'\"\t\n ,?%@`", max_size=12).map(str.encode))
    tail = b"" if data.draw(st.booleans()) else source[end:]
    path = tmp_path_factory.getbasetemp() / "cut.yaml"
    path.write_bytes(source[:start] + junk + tail)
    check(path)


@QUIET
@given(content=st.binary(max_size=200))
@example(content=b"\xff\xfea\x00")
@example(content=b"")
@example(content=b"\x00")
def test_any_bytes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file of any bytes is refused: none of them is a document."""
    for name in ("bytes.yaml", "bytes.json"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(content)
        assert any(fault.severity == "error" for fault in check(path))


def chain(length: int) -> str:
    """Return a document whose schemas each refer to the next."""
    schemas = "".join(f"    s{i}: {{$ref: '#/components/schemas/s{i + 1}'}}\n" for i in range(length))
    nested = "".join(
        f"    n{i}: {{properties: {{a: {{$ref: '#/components/schemas/n{i + 1}'}}}}}}\n" for i in range(length)
    )
    return (
        "asyncapi: 3.0.0\ninfo: {title: t, version: '1'}\nchannels: {}\ncomponents:\n  schemas:\n"
        f"{schemas}    s{length}: {{type: object}}\n{nested}    n{length}: {{type: object}}\n"
    )


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 9)
)
MERGE_BOMB = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 9)}]}}\n" for level in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 50_000,
        "\n".join(" " * level + "a:" for level in range(3000)),
        BOMB,
        MERGE_BOMB,
        "a: &a {<<: *a}",
        "a: &a [*a]",
        f"asyncapi: {'9' * 100_000}",
        f"asyncapi: 0x{'f' * 100_000}",
        "asyncapi: .inf",
        "? [a]\n: b",
        "a: !!binary x",
        "--- a\n--- b",
        "%YAML 9.9\n---\na: b",
        chain(3000),
    ],
    ids=lambda text: text[:12],
)
def test_what_is_meant_to_break_a_reader(text: str, tmp_path: Path) -> None:
    """Deep nesting, bombs of aliases, numbers without end and odd YAML are refused."""
    path = tmp_path / "asyncapi.yaml"
    path.write_text(text)
    assert any(fault.severity == "error" for fault in check(path))


def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, a missing file and one that isn't UTF-8 are refused with exit code 2."""
    (tmp_path / "latin.yaml").write_bytes("title: Größe".encode("latin-1"))
    for name in (".", "missing.yaml", "latin.yaml"):
        assert main([str(tmp_path / name)]) == 2
        told = capsys.readouterr().err
        assert ":1:1 unreadable" in told, told
        assert "Traceback" not in told
