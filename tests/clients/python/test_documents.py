"""Clients of other documents: each imports and is typed, and holds no more than its document asks for."""

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codegen.generate import generate, load
from tests.codegen.support import document_of, names
from tests.support.fake_server import FakeServer
from tests.support.server import until

CHAT = Path(__file__).parent / "chat.yaml"

TYPED = (
    *("chat", "all_of", "any_of", "client", "collisions", "correlation", "credentials", "error_codes", "free_form"),
    "handshake",
    *("no_channels", "odd_names", "optional_and_nullable", "payload_by_reference", "query_and_parameters", "recursion"),
    *("look_around", "schemas", "security", "several_replies", "stream_by_address", "stream_by_request", "strings"),
)
"""Those that are type-checked: each shows something that the others don't. The runtime is the same in all."""


def write_client(root: Path, name: str, document: Path) -> dict[str, str]:
    """Write a document's client as the package `clients_made.NAME`; return its files."""
    files = generate(load(document), target="python-client")
    for path, text in files.items():
        if "/" in path:
            target = root / "clients_made" / name / Path(path).name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
    return files


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a client for each golden case, and for the chat."""
    root = tmp_path_factory.mktemp("made")
    for case in names()[0]:
        write_client(root, case, document_of(case))
    write_client(root, "chat", CHAT)
    (root / "clients_made" / "__init__.py").write_text('"""Clients."""\n')
    return root


@pytest.fixture(scope="module")
def load_client(made: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Return a function that imports the client of a case."""
    sys.path.insert(0, str(made))
    yield lambda name: importlib.import_module(f"clients_made.{name}")
    sys.path.remove(str(made))
    for name in [name for name in sys.modules if name.startswith("clients_made")]:
        del sys.modules[name]


@pytest.mark.parametrize("case", [*names()[0], "chat"])
def test_it_imports(load_client: Callable[[str], ModuleType], case: str) -> None:
    """The client of each document imports, and offers what it says."""
    client = load_client(case)
    for name in client.__all__:
        assert getattr(client, name) is not None


def test_they_pass_mypy(made: Path) -> None:
    """Clients are clean under `mypy --strict`."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(made / ".mypy")]
    packages = [part for case in TYPED for part in ("-p", f"clients_made.{case}")]
    done = subprocess.run([*command, *packages], cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_pass_pyright(made: Path) -> None:
    """Clients are clean under pyright."""
    folders = [f"clients_made/{case}" for case in TYPED]
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, *folders]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_plain_document_gives_a_plain_client(tmp_path: Path) -> None:
    """Without `x-stream` and `security` there is no word of positions, gaps or tokens in the package."""
    files = write_client(tmp_path, "chat", CHAT)
    assert not any(path.endswith(("streams.py", "tracking.py", "errors.py")) for path in files)
    code = "".join(text for path, text in files.items() if path.endswith("client.py"))
    assert not [word for word in ("on_gap", "token", "Missed", "resume") if word in code]
    assert 'name = "chat-client"' in files["pyproject.toml"]
    assert 'version = "2.1.0"' in files["pyproject.toml"]
    assert 'url: str = "wss://chat.test:8443"' in code


def test_it_is_the_same_twice(tmp_path: Path) -> None:
    """The same document gives the same bytes."""
    assert write_client(tmp_path, "a", CHAT) == write_client(tmp_path, "b", CHAT)


async def no_wait(seconds: float) -> None:
    """Come back at once."""
    del seconds


async def test_requests_without_ids_are_answered_in_order(load_client: Callable[[str], ModuleType]) -> None:
    """Without correlation ids replies go to requests by their order; one that comes late goes to nobody."""
    chat: Any = load_client("chat")
    late = asyncio.Event()

    async def act(connection: Any) -> None:
        await connection.recv()
        await late.wait()
        await connection.send(json.dumps({"type": "members", "names": ["late"]}))
        for number in range(3):
            await connection.recv()
            await connection.send(json.dumps({"type": "said", "by": "a", "text": str(number)}))
            await connection.send(json.dumps({"type": "members", "names": [str(number)]}))
        await connection.wait_closed()

    async with asyncio.timeout(20), FakeServer([act]).up() as fake:
        client = chat.Client(fake.url, sleep=no_wait)
        async with client.room(room="a b", since=5) as room:
            assert fake.seen[0].path == "/rooms/a%20b?since=5"
            with pytest.raises(chat.RequestTimeout):
                await room.close_(timeout_s=0.2)
            late.set()
            replies = await asyncio.gather(*(room.close_() for _ in range(3)))
            assert [reply.names for reply in replies] == [["0"], ["1"], ["2"]]
            assert [(await anext(room)).text for _ in range(3)] == ["0", "1", "2"]
            assert room.counts.late == 1


async def test_other_operations(load_client: Callable[[str], ModuleType]) -> None:
    """An operation without a reply sends its message; members that are Python's words get along."""
    chat: Any = load_client("chat")
    fake = FakeServer([])
    fake.acts = [fake.hears({"x": 3}), fake.hears()]
    async with asyncio.timeout(20), fake.up():
        client = chat.Client(fake.url, sleep=no_wait)
        async with client.board() as board:
            await board.post(class_="c", note=chat.models.Note(text="t"))
            assert (await anext(board)).x == 3
            assert fake.received == [{"class": "c", "note": {"text": "t"}}]
        async with client.room(room="r") as room:
            await room.say(text="hello")
            await until(lambda: len(fake.received) == 2)
            assert fake.received[1] == {"type": "say", "text": "hello"}
        with pytest.raises(chat.InvalidMessage):
            client.room(room="a/b")
        with pytest.raises(chat.InvalidMessage):
            client.room(room="r", since=-1)


async def test_a_name_and_a_password_are_sent(load_client: Callable[[str], ModuleType]) -> None:
    """Where the document takes them, and no token is there; an error shows neither, and what can't be sent is told."""
    made: Any = load_client("credentials")
    async with asyncio.timeout(20), FakeServer([]).up() as fake:
        client = made.Client(fake.url, basic=("größe", "pass:word"), token="t")
        async with client.basic(), client.account(), client.token(), client.open():
            sent = [request.headers.get("Authorization") for request in fake.seen]
        assert sent == ["Basic Z3LDtsOfZTpwYXNzOndvcmQ="] * 2 + ["Bearer t", None]
        assert "pass:word" not in f"{client!r} {client.basic()._settings!r}"
        with pytest.raises(made.ConnectionFailed, match=r"basic needs credentials\. Give the client `basic`"):
            await made.Client(fake.url, token="t").basic().__aenter__()
        with pytest.raises(
            made.ConnectionFailed, match=r"token needs credentials\. Give the client `token` or `basic`"
        ):
            await made.Client(fake.url).token().__aenter__()
        fake.answer = lambda request: (401, {"said": "pass:word is wrong"})
        with pytest.raises(made.Refused, match=r"\[token\] is wrong"):
            await client.basic().__aenter__()
    for basic in (("a:b", "secret"), ("a", "sec\nret")):
        with pytest.raises(ValueError, match="a name without a colon") as caught:
            made.Client(fake.url, basic=basic)
        assert "sec" not in str(caught.value)


async def test_a_key_goes_in_a_cookie(made: Path, load_client: Callable[[str], ModuleType], tmp_path: Path) -> None:
    """Where that is the only place; what no cookie can hold is told, and not sent."""
    document = tmp_path / "asyncapi.yaml"
    told = document_of("credentials").read_text()
    document.write_text(
        told.replace("{$ref: '#/components/securitySchemes/cookie'}, {", "{").replace("bearer'}", "cookie'}")
    )
    write_client(made, "cookies", document)
    importlib.invalidate_caches()
    client: Any = load_client("cookies")
    async with asyncio.timeout(20), FakeServer([]).up() as fake:
        async with client.Client(fake.url, token="a.b-c").cookie():
            assert [request.headers["Cookie"] for request in fake.seen] == ["session=a.b-c"]
            assert "Authorization" not in fake.seen[0].headers
        for token in ("a;b", 'a"b', "a b", "ä"):
            with pytest.raises(client.ConnectionFailed, match="characters that no cookie can"):
                await client.Client(fake.url, token=token).cookie().__aenter__()
