"""The promise: each generated server starts, and each of its operations answers a client by its protocol, once."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from codegen import ir
from codegen.faults import DocumentError
from codegen.generate import generate, load
from codegen.reading import Perspective
from tests.codegen.serving import WAIT_S, Case, Live, Server, write_package
from tests.codegen.support import document_of, names, perspective_of

FOREIGN = Path(os.environ.get("TAPECAST_FOREIGN_DOCS", ""))
GENERATED = names()[0]


def foreign() -> list[Path]:
    """Return the AsyncAPI documents of the folder that is set, none where none is."""
    if "TAPECAST_FOREIGN_DOCS" not in os.environ:
        return []
    found = [path for path in sorted(FOREIGN.rglob("*")) if path.suffix in (".yaml", ".yml", ".json")]
    return [path for path in found if path.is_file() and "asyncapi" in path.read_text(errors="replace")[:2000]]


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    """Run one application for all documents."""
    with Live().running() as running:
        yield running


@pytest.fixture(scope="module")
def foreign_packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder where packages of other people's documents can be written and imported from."""
    root = tmp_path_factory.mktemp("foreign")
    (root / "foreign").mkdir()
    (root / "foreign" / "__init__.py").write_text('"""Other people\'s documents."""\n')
    sys.path.insert(0, str(root))
    yield root
    sys.path.remove(str(root))
    for name in [name for name in sys.modules if name.split(".")[0] == "foreign"]:
        del sys.modules[name]


def contains(whole: object, part: object) -> bool:
    """Tell whether a JSON value has all that another has; defaults may be filled in."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and contains(whole[name], value) for name, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(contains(*pair) for pair in zip(whole, part, strict=True))
    return whole == part


def converse(live: Live, case: Case) -> int:
    """Send each message of each operation to a server of a package. Returns how many operations answered."""
    server = Server(case)
    prefix = live.add(server)
    answered = 0
    for channel in case.built.channels:
        with ExitStack() as stack:
            client = live.open(stack, prefix, case, channel)
            for operation in channel.operations:
                for model in operation.messages:
                    exchange(case, server, channel, operation, model, client)
                answered += 1
            for model in channel.outgoing:
                encode = getattr(case.module("messages"), f"encode_{channel.snake}")
                live.push(server, channel, encode(case.message(model)))
                assert case.problem(client.recv(WAIT_S), (model,)) is None
        assert server.calls.empty(), server.calls.get()
    return answered


def exchange(
    case: Case, server: Server, channel: ir.Channel, operation: ir.Operation, model: str, client: ClientConnection
) -> None:
    """Send one message as often as there are replies to it, and see each of them come back."""
    doubtful = model in case.ambiguous(channel)
    for _ in range(max(1, len(operation.replies))):
        client.send(case.frame(model))
        call = server.next_call()
        if doubtful:  # it may have been taken for another: what counts is that somebody took it, and answered
            operation = next(item for item in channel.operations if item.method == call.method)
            assert type(call.message).__name__ in operation.messages
        else:
            assert call.method == operation.method
            assert call.message == case.message(model)
            if case.form(model) == "json":
                assert contains(call.message.model_dump(mode="json", by_alias=True), case.value(model))
        if operation.replies:
            assert case.problem(client.recv(WAIT_S), operation.replies) is None


@pytest.mark.parametrize("case", GENERATED)
def test_each_operation_answers(case: str, live: Live, packages: Path) -> None:
    """A golden document's server takes each message over a real socket, and sends each reply that it declares."""
    perspective = perspective_of(case)
    document = load(document_of(case), perspective=perspective)
    sys.path.insert(0, str(packages))
    try:
        found = Case(document, perspective, f"cases.{case}")
        count = converse(live, found)
    finally:
        sys.path.remove(str(packages))
    assert count == sum(len(channel.operations) for channel in found.built.channels)


def test_many_channels_and_many_messages_are_served(live: Live, tmp_path: Path, foreign_packages: Path) -> None:
    """Two hundred channels, one of them with sixty messages, are as good as one."""
    messages = {
        f"m{index}": {"payload": {"type": "object", "required": ["k"], "properties": {"k": {"const": index}}}}
        for index in range(60)
    }
    channels: dict[str, Any] = {
        f"c{index}": {"address": f"/c/{index}", "messages": {"m0": messages["m0"]}} for index in range(200)
    }
    channels["c0"] = {"address": "/c/0", "messages": messages}
    operations: dict[str, Any] = {
        f"o{index}": {"action": "receive", "channel": {"$ref": f"#/channels/c{index}"}} for index in range(1, 200)
    }
    for name in messages:
        reference = {"$ref": f"#/channels/c0/messages/{name}"}
        operations[name] = {
            "action": "receive",
            "channel": {"$ref": "#/channels/c0"},
            "messages": [reference],
            "reply": {"messages": [reference]},
        }
    path = tmp_path / "asyncapi.json"
    info = {"title": "Many", "version": "1"}
    path.write_text(json.dumps({"asyncapi": "3.0.0", "info": info, "channels": channels, "operations": operations}))
    document = load(path)
    write_package(foreign_packages / "foreign" / "many", generate(document))
    assert converse(live, Case(document, "server", "foreign.many")) == 259


def from_the_page(number: int, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the application that a program of docs/codegen-server.md starts, with the package of its document."""
    page = (Path(__file__).parents[2] / "docs" / "codegen-server.md").read_text()
    document, program = (
        re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[number] for language in ("yaml", "python")
    )
    (folder / "asyncapi.yaml").write_text(document)
    write_package(folder / name, generate(load(folder / "asyncapi.yaml")))
    monkeypatch.syspath_prepend(str(folder))
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    started: list[Any] = []
    monkeypatch.setattr("uvicorn.run", started.append)
    exec(compile(program, "codegen-server.md", "exec"), {"__name__": "app"})
    return started[0]


def test_the_page_about_the_server_is_true(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document and the program of docs/codegen-server.md work as they stand there."""
    url = f"ws://127.0.0.1:{live.port}{live.mount(from_the_page(0, 'chat', tmp_path, monkeypatch))}/chat"
    with connect(url, open_timeout=WAIT_S, close_timeout=WAIT_S) as client:
        client.send('{"say": "hello"}')
        assert json.loads(client.recv(WAIT_S)) == {"said": "someone said hello"}
        client.send('{"say": 1}')
        with pytest.raises(ConnectionClosedError, match="say must be a string"):
            client.recv(WAIT_S)


def test_the_page_about_who_is_let_in_is_true(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its second program lets in who may, tells the others why they may not, and knows who says something where."""
    secret = "a secret of the page, of enough bytes"
    monkeypatch.setenv("SECRET", secret)
    url = f"ws://127.0.0.1:{live.port}{live.mount(from_the_page(1, 'rooms', tmp_path, monkeypatch))}/rooms/"

    def entering(room: str, **claims: Any) -> ClientConnection:
        token = jwt.encode({"sub": "ann", "exp": time.time() + 60, "scope": "rooms:talk"} | claims, secret, "HS256")
        shown = {"Authorization": f"Bearer {token}"}
        return connect(url + room, additional_headers=shown, open_timeout=WAIT_S, close_timeout=WAIT_S)

    with entering("kitchen") as client:
        client.send('{"say": "hello"}')
        assert json.loads(client.recv(WAIT_S)) == {"said": "ann in kitchen said hello"}
    for room, claims, status, code in (
        ("kitchen", {"exp": time.time() - 60}, 401, "unauthorized"),
        ("kitchen", {"scope": "rooms:listen"}, 403, "forbidden"),
        ("KITCHEN", {}, 422, "invalid_parameter"),
    ):
        with pytest.raises(InvalidStatus) as refused, entering(room, **claims):
            pass
        answer = refused.value.response
        assert (answer.status_code, json.loads(answer.body)["error"]) == (status, code)


@pytest.mark.parametrize("path", foreign(), ids=lambda path: path.relative_to(FOREIGN).as_posix())
@pytest.mark.parametrize("perspective", ["server", "client"])
def test_foreign_documents_are_served(path: Path, perspective: Perspective, live: Live, foreign_packages: Path) -> None:
    """Other people's documents are, from either side, too; or they are refused with reasons."""
    try:
        document = load(path, perspective=perspective)
    except DocumentError as error:
        pytest.skip(str(error.faults[0]))
    name = "".join(letter if letter.isalnum() else "_" for letter in path.relative_to(FOREIGN).as_posix())
    write_package(foreign_packages / "foreign" / f"{perspective}_{name}", generate(document, perspective=perspective))
    case = Case(document, perspective, f"foreign.{perspective}_{name}")
    assert converse(live, case) == sum(len(channel.operations) for channel in case.built.channels)


@pytest.mark.skipif(not foreign(), reason="TAPECAST_FOREIGN_DOCS is not set")
@pytest.mark.parametrize(
    "checker",
    [
        ("mypy", "--strict", "--python-version", "3.11", "--config-file", os.devnull),
        ("pyright", "--pythonpath", sys.executable),
    ],
    ids=lambda checker: checker[0],
)
def test_foreign_outputs_pass_the_type_checkers(checker: tuple[str, ...], foreign_packages: Path) -> None:
    """`mypy --strict` and pyright find nothing in what other people's documents give. (The tests above write it.)"""
    command = [sys.executable, "-m", *checker, "foreign"]
    done = subprocess.run(command, cwd=foreign_packages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
