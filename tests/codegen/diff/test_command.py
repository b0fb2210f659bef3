"""The command `codegen diff`: exit codes, forms of the answer, and what is no change at all."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from codegen.__main__ import main
from codegen.diff.command import diff, raised
from tests.codegen.diff.support import BASE, base, dumped, found, told
from tests.codegen.support import document_of, names

ROOT = Path(__file__).parents[3]


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with old.yaml and a new.yaml, in which clients have to send one member more."""
    new = base()
    payload = new["components"]["messages"]["place"]["payload"]
    payload["properties"]["desk"] = {"type": "string"}
    payload["required"].append("desk")
    payload["properties"]["symbol"]["pattern"] = "^[A-Z.]+$"
    new["channels"]["news"] = {"address": "/news"}
    (tmp_path / "old.yaml").write_text(dumped(base()))
    (tmp_path / "new.yaml").write_text(dumped(new))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changed(folder: Path, name: str, edit: Any) -> None:
    """Change a document in place."""
    value = yaml.safe_load((folder / name).read_text())
    edit(value)
    (folder / name).write_text(dumped(value))


def test_breaking_exits_1_and_shows_the_line(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each finding names file, line and column, how bad it is, its rule, who breaks, what to do, and a caret."""
    assert main(["diff", "old.yaml", "new.yaml"]) == 1
    answer = capsys.readouterr().out
    lines = (pair / "new.yaml").read_text().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if line.strip() == "desk:" and index > 60)
    column = lines[number - 1].index("desk") + 1
    assert answer.startswith(
        f"new.yaml:{number}:{column} breaking member-added Clients that send 'place' without 'desk' are refused: it is "
        f"new and required. Make it optional, and let the server fill it in.\n    {lines[number - 1]}\n    "
        f"{' ' * (column - 1)}^\n"
    )
    assert answer.endswith("1 breaking, 1 undecided, 1 compatible. Clients of the old document can break.\n")


def test_what_is_the_same_exits_0(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document beside itself has no finding, and the other way round of a break may be none."""
    assert main(["diff", "old.yaml", "old.yaml"]) == 0
    assert capsys.readouterr().out == "Nothing changed that a client could notice.\n"


def test_json_and_github(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON each finding is an object; for GitHub an annotation whose text can't end it."""
    assert main(["diff", "old.yaml", "new.yaml", "--format", "json"]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["compatible"] is False
    assert body["counts"] == {"breaking": 1, "unknown": 1, "compatible": 1}
    first = body["findings"][0]
    assert set(first) == {"severity", "rule", "document", "file", "line", "column", "message"}
    assert (first["severity"], first["rule"], first["file"]) == ("breaking", "member-added", "new.yaml")
    assert main(["diff", "old.yaml", "new.yaml", "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"::error file=new.yaml,line={first['line']},col={first['column']},title=breaking%3A ")
    assert lines[1].startswith("::warning file=new.yaml,")
    assert lines[2].startswith("::notice file=new.yaml,")


def test_what_can_not_be_decided_counts_unless_accepted(pair: Path) -> None:
    """An undecided change is breaking by default, and none with --accept-unknown."""
    changed(pair, "new.yaml", lambda value: value["components"]["messages"]["place"]["payload"]["required"].pop())
    assert main(["diff", "old.yaml", "new.yaml"]) == 1
    assert main(["diff", "old.yaml", "new.yaml", "--accept-unknown"]) == 0


def test_a_raised_major_allows_breaking_where_it_is_asked(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --allow-major a higher major makes 0 of 1; without it, and with a higher minor, it stays 1."""
    changed(pair, "new.yaml", lambda value: value["info"].update(version="1.9.0"))
    assert main(["diff", "old.yaml", "new.yaml", "--allow-major"]) == 1
    changed(pair, "new.yaml", lambda value: value["info"].update(version="2.0.0"))
    assert main(["diff", "old.yaml", "new.yaml"]) == 1
    capsys.readouterr()
    assert main(["diff", "old.yaml", "new.yaml", "--allow-major"]) == 0
    assert capsys.readouterr().out.endswith("The version allows it.\n")


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        *(("1.0.0", "2.0.0", True), ("1.0.0", "1.1.0", False), ("2.0.0", "1.0.0", False), ("0.1.0", "0.2.0", True)),
        *(("0.1.0", "0.1.1", False), ("0.9.0", "1.0.0", True), ("1", "2", True), ("v1.2", "v2", True)),
        *(("", "2.0.0", False), ("today", "tomorrow", False), ("9.0.0", "10.0.0", True)),
    ],
)
def test_which_versions_may_break(old: str, new: str, allowed: bool) -> None:
    """A higher major may break; below 1.0 a higher minor; what is no version may not."""
    assert raised(old, new) is allowed


def test_documents_that_can_not_be_read_exit_2(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, no YAML, a reference that leads nowhere: told with its line, whichever of the two it is."""
    (pair / "bad.yaml").write_text(
        "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\nchannels: {a: {$ref: '#/nowhere'}}\n"
    )
    for old, new, place in (
        ("none.yaml", "new.yaml", "none.yaml:1:1"),
        ("old.yaml", "bad.yaml", "bad.yaml:3:"),
        ("bad.yaml", "new.yaml", "bad.yaml:3:"),
    ):
        assert main(["diff", old, new]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith(place)
        assert captured.out == ""


@pytest.mark.parametrize("arguments", [[], ["old.yaml"], ["a", "b", "c"], ["a", "b", "--format", "xml"]])
def test_a_wrong_command_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that make no sense are told with the usage."""
    assert main(["diff", *arguments]) == 2
    assert "usage: codegen diff" in capsys.readouterr().err


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """The help exits 0, and tells the exit codes."""
    assert main(["diff", "--help"]) == 0
    answer = capsys.readouterr().out
    for option in ("--perspective", "--format", "--accept-unknown", "--allow-major", "Exit code"):
        assert option in answer


def reordered(value: Any) -> Any:
    """Return a value with all members, and lists whose order means nothing, turned round."""
    if isinstance(value, dict):
        return {name: reordered(item) for name, item in reversed(value.items())}
    return [reordered(item) for item in reversed(value)] if isinstance(value, list) else value


def test_order_and_prose_are_no_change(tmp_path: Path) -> None:
    """Nothing is told of members in another order, of descriptions, titles and examples."""

    def edit(document: Any) -> None:
        turned = reordered(document)
        turned["info"]["description"] = "New."
        turned["channels"]["orders"]["title"] = "New."
        order = turned["components"]["schemas"]["Order"]
        order |= {"description": "New.", "title": "New", "examples": [{"price": 1}], "x-mine": 1}
        order["properties"]["price"]["description"] = "New."
        document.clear()
        document.update(turned)

    assert found(tmp_path, edit) == []


def test_moving_things_is_no_change(tmp_path: Path) -> None:
    """Nothing is told of a schema that moves in place, into another component or into another file."""
    old = base()
    order = copy.deepcopy(old["components"]["schemas"]["Order"])
    order["properties"]["parent"] = {"$ref": "#/Order"}
    (tmp_path / "parts.yaml").write_text(dumped({"Order": order}))
    (tmp_path / "old.yaml").write_text(dumped(old))
    new = copy.deepcopy(old)
    new["components"]["schemas"] = {"Trade": {"$ref": "parts.yaml#/Order"}}
    for name in ("placed", "filled"):
        message = new["components"]["messages"].pop(name)
        message["payload"]["properties"]["order"] = {"$ref": "#/components/schemas/Trade"}
        new["channels"]["orders"]["messages"][name] = message
    (tmp_path / "new.yaml").write_text(dumped(new))
    assert diff(tmp_path / "old.yaml", tmp_path / "new.yaml") == ()


def test_from_the_clients_side(tmp_path: Path) -> None:
    """Where the documents describe the client, what it sends is what its operations send."""

    def edit(document: Any) -> None:
        document["components"]["messages"]["filled"]["payload"]["required"].append("prev")

    assert told(found(tmp_path, edit)) == [("compatible", "member-required")]
    assert told(found(tmp_path, edit, perspective="client")) == [("breaking", "member-required")]


def test_a_new_name_is_suggested(tmp_path: Path) -> None:
    """Where a member, a message or a code seems to have another name, the finding says which."""

    def edit(document: Any) -> None:
        filled = document["components"]["messages"]["filled"]["payload"]
        filled["properties"]["previous"] = filled["properties"].pop("prev")
        document["x-error-codes"]["close"] = document["x-error-codes"].pop("closed")
        document["components"]["messages"]["failed"]["payload"]["properties"]["code"]["enum"] = ["too_large", "close"]

    texts = {item.rule: item.message for item in found(tmp_path, edit)}
    assert "'previous' under another name" in texts["member-removed"]
    assert "'prev' under another name" in texts["member-added"]
    assert "'close' under another name" in texts["error-code-removed"]


def test_streams_are_told(tmp_path: Path) -> None:
    """Taking position or resumption out of x-stream breaks; adding them doesn't."""
    folder = document_of("stream_by_request")
    old = yaml.safe_load(folder.read_text())
    holder = next(item for item in old["operations"].values() if "x-stream" in item)
    (tmp_path / "old.yaml").write_text(dumped(old))
    removed = [name for name in ("prev", "epoch", "resume", "reset", "unsubscribe") if name in holder["x-stream"]]
    assert removed
    for name in removed:
        new = copy.deepcopy(old)
        next(item for item in new["operations"].values() if "x-stream" in item)["x-stream"].pop(name)
        (tmp_path / "new.yaml").write_text(dumped(new))
        assert told(list(diff(tmp_path / "old.yaml", tmp_path / "new.yaml"))) == [("breaking", "stream-member-removed")]
        back = told(list(diff(tmp_path / "new.yaml", tmp_path / "old.yaml")))
        assert back == [("compatible", "stream-member-added")]
    new = copy.deepcopy(old)
    for item in new["operations"].values():
        item.pop("x-stream", None)
    (tmp_path / "new.yaml").write_text(dumped(new))
    assert ("breaking", "stream-removed") in told(list(diff(tmp_path / "old.yaml", tmp_path / "new.yaml")))


def test_a_token_that_is_needed_now_breaks(tmp_path: Path) -> None:
    """Where nobody had to show who he is, asking for it breaks; a way that is added doesn't."""

    def before(document: Any) -> None:
        del document["operations"]["placeOrder"]["security"]

    def edit(document: Any) -> None:
        document["operations"]["placeOrder"]["security"] = [{"$ref": "#/components/securitySchemes/bearer"}]

    assert ("breaking", "security-required") in told(found(tmp_path, edit, before=before))


@pytest.mark.parametrize("case", names()[0])
def test_each_golden_document_is_as_it_was(case: str) -> None:
    """A document of any kind beside itself has no finding."""
    perspective = "client" if case == "client" else "server"
    assert diff(document_of(case), document_of(case), perspective=perspective) == ()  # type: ignore[arg-type]


def test_it_needs_no_target(tmp_path: Path) -> None:
    """Documents that nothing can be generated from are compared all the same."""
    text = BASE.read_text().replace("note: {type: string}", "note: {type: string, pattern: '(?<'}")
    (tmp_path / "old.yaml").write_text(text)
    (tmp_path / "new.yaml").write_text(text)
    assert main([str(tmp_path / "old.yaml"), "--server", str(tmp_path / "out")]) == 2
    assert main(["diff", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]) == 0
