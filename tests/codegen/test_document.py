"""Reading documents: YAML 1.2, places, references, and that no document brings more than faults."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from codegen.build import Builder
from codegen.document import Document, plain
from codegen.faults import DocumentError, Fault, Faults, Mark
from codegen.generate import load
from codegen.naming import constant, pascal, snake

ROOT = Path(__file__).parents[2]


def read(folder: Path, text: str, name: str = "a.yaml") -> Any:
    """Return the value of a document that has no fault."""
    path = folder / name
    path.write_text(text)
    faults = Faults()
    value = Document(path, faults).root.value
    assert not list(faults)
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(word, word) for word in ("yes", "no", "on", "off", "y", "n", "Yes", "2020-01-01", "1_000", "0777x", "1:30")],
        *[("null", None), ("~", None), ("", None), ("true", True), ("FALSE", False), ("nULL", "nULL")],
        *[("0", 0), ("-7", -7), ("+7", 7), ("010", 10), ("0o10", 8), ("0xfF", 255), ("1.", 1.0), (".5", 0.5)],
        *[("1e3", 1000.0), ("1.5e-3", 0.0015), ("9" * 5000, NotImplemented), ("1e999", NotImplemented)],
        *[(".inf", NotImplemented), (".nan", NotImplemented), ("0x" + "f" * 5000, "0x" + "f" * 5000)],
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, value: Any) -> None:
    """An unquoted scalar is what YAML 1.2's core schema says, not what 1.1 said."""
    assert plain(text) == value
    assert type(plain(text)) is type(value)


def test_keys_are_their_text(tmp_path: Path) -> None:
    """Names of members are text, whatever they look like; quoted values stay text."""
    text = "1000: {yes: 'true'}\non: !!str 5\nnull: \"1\"\n1.50: |\n  5\n"
    assert read(tmp_path, text) == {"1000": {"yes": "true"}, "on": "5", "null": "1", "1.50": "5\n"}


def test_json_is_read_as_json(tmp_path: Path) -> None:
    """JSON's escapes and blanks are JSON's."""
    value = {"a": ["\U0001f600", "\\ud83d", "/", "\t\n", 1.5, -2, None, True, {}], "Größe": ""}
    assert read(tmp_path, json.dumps(value, indent="\t"), "a.json") == value
    assert read(tmp_path, '{"a":"\\/"}', "b.json") == {"a": "/"}


def test_places_know_their_lines(tmp_path: Path) -> None:
    """Each value and each name has its line and column, counted from 1."""
    path = tmp_path / "a.yaml"
    path.write_text("a:\n  b: [1, {c: d}]\r\n")
    place = Document(path, Faults()).root.get("a").get("b").get(1).get("c")  # type: ignore[union-attr]
    assert place is not None
    assert (place.mark.line, place.mark.column, place.mark.text) == (2, 14, "  b: [1, {c: d}]")
    assert (place.name_mark.column, place.key, place.value) == (11, "c", "d")


def test_a_caret_stands_under_the_place() -> None:
    """A fault shows its line, with the caret under the place also behind tabs; an empty line is left out."""
    fault = Fault(Mark("f.yaml", 3, 4, "\t- x: 1"), "rule", "Message.")
    assert fault.render() == "f.yaml:3:4 rule Message.\n    \t- x: 1\n    \t  ^"
    assert Fault(Mark("f.yaml", 1, 1, ""), "rule", "Message.").render() == "f.yaml:1:1 rule Message."


def test_faults_come_in_the_order_of_the_file() -> None:
    """However they were found, faults are told from the top down, and none twice."""
    faults = Faults()
    for line in (3, 1, 2, 1):
        faults.add(Mark("f", line, 1, ""), "r", "m.")
    assert len(faults) == 3  # the same fault twice is one
    with pytest.raises(DocumentError) as caught:
        faults.raise_if_any()
    assert [fault.mark.line for fault in caught.value.faults] == [1, 2, 3]


def test_deep_and_wide_documents_are_refused(tmp_path: Path) -> None:
    """Nesting without end and aliases that multiply are faults, not crashes."""
    path = tmp_path / "a.yaml"
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 8):
        bomb += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    for text in ("[" * 5000 + "]" * 5000, bomb):
        path.write_text(text)
        with pytest.raises(DocumentError):
            Document(path, Faults())


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in _paths(child, (*path, key)))]


def _mutate(document: Any, paths: list[tuple[Any, ...]], random_: random.Random) -> Any:
    mutant = copy.deepcopy(document)
    for _ in range(random_.choice((1, 1, 2, 3))):
        path = random_.choice(paths[1:])
        parent = mutant
        try:
            for step in path[:-1]:
                parent = parent[step]
            parent[path[-1]] = parent[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue
        kind = random_.randrange(4)
        if kind == 0:
            del parent[path[-1]]
        elif kind == 1:
            values = [None, 5, 1.5, "text", [], {}, True, {"$ref": "#/nowhere"}, {"$ref": 1}, ["a"], "", -1]
            parent[path[-1]] = random_.choice(values)
        elif kind == 2 and isinstance(parent, dict):
            parent[f"{path[-1]}x"] = parent.pop(path[-1])
        else:
            source = mutant
            for step in random_.choice(paths):
                try:
                    source = source[step]
                except (KeyError, IndexError, TypeError):
                    break
            parent[path[-1]] = copy.deepcopy(source)
    return mutant


@pytest.mark.parametrize("seed", range(4))
def test_broken_documents_bring_faults_and_nothing_else(seed: int, tmp_path: Path) -> None:
    """Whatever is deleted, renamed or replaced in a document: it generates, or it is refused with the places."""
    document = yaml.safe_load((ROOT / "asyncapi.yaml").read_text())
    document["info"]["description"] = ""
    paths = _paths(document)
    random_ = random.Random(seed)
    refused = 0
    for _ in range(60):
        path = tmp_path / "asyncapi.json"
        path.write_text(json.dumps(_mutate(document, paths, random_), indent=1))
        try:
            checked = load(path)
        except DocumentError:
            refused += 1
        else:
            Builder(checked, "server").build()
    assert refused > 10


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("barsSubscribe", ("BarsSubscribe", "bars_subscribe", "BARS_SUBSCRIBE")),
        ("bars.subscribe-all", ("BarsSubscribeAll", "bars_subscribe_all", "BARS_SUBSCRIBE_ALL")),
        ("HTTPServer2", ("HTTPServer2", "http_server2", "HTTP_SERVER2")),
        ("class", ("Class", "class_", "CLASS")),
        ("1D", ("Schema1D", "_1_d", "_1_D")),
        ("---", ("Unnamed", "unnamed", "UNNAMED")),
        ("BarsAckPayload", ("BarsAckPayload", "bars_ack_payload", "BARS_ACK_PAYLOAD")),
        ("none", ("None", "none", "NONE")),
    ],
)
def test_names_become_pythons(name: str, expected: tuple[str, str, str]) -> None:
    """A name becomes a class, a function and a constant that Python takes."""
    assert (pascal(name), snake(name), constant(name)) == expected
