"""Scaffold: what it writes runs and passes the type checkers, it is written once, and what is there stays as it is."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from codegen.__main__ import main
from tests.codegen.support import document_of

ROOT = Path(__file__).parents[2]
CASES = (
    *("smallest", "push_only", "no_channels", "security", "handshake", "query_and_parameters"),
    *("several_replies", "reply_or_none", "two_channels", "subprotocols", "odd_names"),
)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Return a copy of a small document, alone in a folder."""
    return Path(shutil.copy(document_of("request_and_reply"), tmp_path / "asyncapi.yaml"))


def scaffold(document: Path, *options: str) -> int:
    """Run the command with its usual folders."""
    return main(["scaffold", str(document), "--handlers", str(document.parent / "handlers"), *options])


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run a folder's app.py on a free port; yield its address."""
    environment = {**os.environ, "PORT": "0", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            match = re.search(r"running on http://(\S+)", line)
            if match:
                yield f"ws://{match[1]}"
                return
        pytest.fail("".join(said))
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_two_commands_make_a_running_server(document: Path) -> None:
    """After one command the server starts; a method that is written answers, one that isn't ends the connection."""
    assert scaffold(document) == 0
    folder = document.parent
    with running(folder) as url, connect(f"{url}/chat") as client:
        client.send('{"type": "say", "text": "hello"}')
        with pytest.raises(ConnectionClosedError) as closed:
            client.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
    path = folder / "handlers" / "chat.py"
    path.write_text(path.read_text().replace('raise NotImplementedError("say")', "return Said()"))
    with running(folder) as url, connect(f"{url}/chat") as client:
        client.send('{"type": "say", "text": "hello"}')
        assert client.recv(timeout=10) == '{"type":"said"}'
        client.send('{"type": "say"}')
        with pytest.raises(ConnectionClosedError) as closed:
            client.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, "text" in closed.value.rcvd.reason) == (1007, True)


def test_nobody_is_let_in_before_tokens_are_known(tmp_path: Path) -> None:
    """Where the document asks for a token, the server answers 401 until somebody has written who is who."""
    document = Path(shutil.copy(document_of("security"), tmp_path / "asyncapi.yaml"))
    assert scaffold(document) == 0
    address = next(iter(yaml.safe_load(document.read_text())["channels"].values()))["address"]
    with running(tmp_path) as url, pytest.raises(InvalidStatus) as refused:
        connect(f"{url}{address}", additional_headers={"Authorization": "Bearer abc"}).close()
    assert refused.value.response.status_code == 401


def test_a_second_run_changes_nothing(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is there stays, down to the byte and the time; the command says that nothing is missing."""
    assert scaffold(document) == 0
    (document.parent / "handlers" / "session.py").write_text("# mine\n")
    before = content(document.parent)
    capsys.readouterr()
    assert scaffold(document) == 0
    assert capsys.readouterr().out == "Nothing is missing.\n"
    assert content(document.parent) == before


def grown(document: Path) -> None:
    """Give the document another operation and another channel."""
    value = yaml.safe_load(document.read_text())
    channel = next(iter(value["channels"]))
    tag = {"type": "object", "required": ["type"], "properties": {"type": {"const": "shout"}}}
    value["channels"][channel]["messages"]["shout"] = {"payload": tag}
    value["channels"]["other"] = {"address": "/other", "messages": {"shout": {"payload": tag}}}
    for name, operation in (("shout", channel), ("shoutElsewhere", "other")):
        value["operations"][name] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{operation}"},
            "messages": [{"$ref": f"#/channels/{operation}/messages/shout"}],
        }
    document.write_text(yaml.safe_dump(value, sort_keys=False))


def test_a_new_operation_is_printed_and_a_new_channel_written(
    document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a class that is there the method is printed to paste; a channel gets a file; no hand-written byte changes."""
    assert scaffold(document) == 0
    before = content(document.parent)
    grown(document)
    assert main([str(document), "--server", str(document.parent / "generated")]) == 0
    capsys.readouterr()
    assert scaffold(document) == 0
    answer = capsys.readouterr().out
    assert "chat.py: ChatHandlers lacks what follows. Paste it there." in answer
    assert "    async def shout(self, session: Session, message: " in answer
    assert "app.py: hand create_router(other=OtherHandlers(sessions)), from other.py." in answer
    after = content(document.parent)
    assert sorted(name for name in after if name not in before and "generated" not in name) == ["handlers/other.py"]
    assert {name: after[name] for name in before if "handlers" in name or name == "app.py"} == {
        name: data for name, data in before.items() if "handlers" in name or name == "app.py"
    }


def test_a_file_without_the_class_is_left_alone(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that has the name and not the class is not touched, and its methods are printed."""
    handlers = document.parent / "handlers"
    handlers.mkdir()
    (handlers / "chat.py").write_text("this is no Python\n")
    assert scaffold(document) == 0
    assert (handlers / "chat.py").read_text() == "this is no Python\n"
    assert "chat.py has no class ChatHandlers." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--server", "elsewhere/generated"], "must stand in the same folder"),
        (["--server", "handlers"], "no place for handwritten code"),
        (["--server", "not-a-name"], "package's name"),
        (["--server", "asyncapi"], "is a file"),
    ],
)
def test_folders_that_can_not_be(
    document: Path, options: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folders from which nothing could be imported are refused with exit code 2, and nothing is written."""
    (document.parent / "asyncapi").write_text("")
    before = content(document.parent)
    assert scaffold(document, options[0], str(document.parent / options[1])) == 2
    assert fault in capsys.readouterr().err
    assert content(document.parent) == before


def test_a_bad_document_and_a_wrong_command_exit_2(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault of the document is told with its line; a command without its folder with the usage."""
    document.write_text(document.read_text().replace("asyncapi: 3", "asyncapi: 9"))
    assert scaffold(document) == 2
    assert "asyncapi.yaml:1:" in capsys.readouterr().err
    assert main(["scaffold", str(document)]) == 2
    assert "usage: codegen scaffold" in capsys.readouterr().err
    assert main(["scaffold", "--help"]) == 0
    assert "--handlers" in capsys.readouterr().out


def test_what_is_written_passes_the_checkers(tmp_path: Path) -> None:
    """mypy strict, pyright and ruff have nothing to say to what is written for documents of every kind."""
    for case in CASES:
        handlers, server = tmp_path / f"handlers_{case}", tmp_path / f"generated_{case}"
        command = ["scaffold", str(document_of(case)), "--handlers", str(handlers), "--server", str(server)]
        assert main(command) == 0
        (tmp_path / "app.py").rename(tmp_path / f"app_{case}.py")
    written = sorted(path.name for path in (*tmp_path.glob("app_*.py"), *tmp_path.glob("handlers_*")))
    config = {"typeCheckingMode": "strict", "include": written}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config))
    for tool in (
        ["mypy", "--strict", "--cache-dir", str(tmp_path / ".mypy_cache"), *written],
        ["pyright", "--pythonpath", sys.executable, "--project", str(tmp_path)],
        ["ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"), *written],
        ["ruff", "format", "--no-cache", "--check", "--line-length", "120", "--isolated", *written],
    ):
        command = [sys.executable, "-m", *tool]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
