"""The walkthrough: every step of docs/walkthrough.md is run as the page has it, in an empty folder.

A comment before a block says what is done with it: `file: PATH` writes it, `patch: PATH` changes a file, `run` runs its
lines (`run: exit 1`: with that exit code), `serve` starts it until the end, and `prints` is a part of what the last run
printed.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import node

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "walkthrough.md"
_BLOCK = re.compile(r"<!-- (\w+)(?:: ([^\n]+?))? -->\n```\w*\n(.*?)```\n", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """A block of the page: what is to be done with it."""

    kind: str
    argument: str
    text: str


def steps() -> list[Step]:
    """Return the page's steps, in order."""
    return [Step(kind, argument or "", text) for kind, argument, text in _BLOCK.findall(PAGE.read_text())]


class Walk:
    """A folder in which the page is followed. Its port stands for the page's 8000."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""
        self._server: subprocess.Popen[str] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self._tools = folder / ".tools"
        self._tools.mkdir()
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(self._tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder / "python-client")]),
            "PYTHONUNBUFFERED": "1",
            "PORT": self._port,
        }

    def do(self, step: Step) -> None:
        text = step.text.replace("8000", self._port)
        path = self.folder / step.argument
        if step.kind == "file":
            path.write_text(text)
        elif step.kind == "patch":
            path.write_text(patched(path.read_text(), text))
        elif step.kind == "run":
            self._run(text, 1 if step.argument == "exit 1" else 0)
        elif step.kind == "serve":
            self._serve(text)
        else:
            assert step.kind == "prints", step.kind
            for line in text.splitlines():
                assert line in self.printed, f"{line!r} is not in:\n{self.printed}"

    def _run(self, text: str, code: int) -> None:
        text = text.replace("pip install ./python-client", "true")  # PYTHONPATH stands for it
        if "npm install ./typescript-client" in text:
            compiles = "(cd typescript-client && npm install && npm run build)"
            assert compiles in text
            self._compile(text.replace(compiles, "true").replace("npm install ./typescript-client", "true"))
            return
        self._shell(text, code)

    def _shell(self, text: str, code: int) -> None:
        done = subprocess.run(
            ["sh", "-ec", text],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        self.printed = done.stdout
        assert done.returncode == code, f"{text}\n{done.stdout}"

    def _compile(self, text: str) -> None:
        """Do what `npm install` does, with the compiler that set-up installed."""

        (self._tools / "node").symlink_to(node.node())
        self._shell(text, 0)
        package = self.folder / "node_modules" / "chat-client"
        package.parent.mkdir()
        shutil.copytree(self.folder / "typescript-client", package)
        node.compile_client(package, package / "dist")

    def _serve(self, text: str) -> None:
        self._server = subprocess.Popen(
            text.split(), cwd=self.folder, env=self._environment, stderr=subprocess.PIPE, text=True
        )
        assert self._server.stderr is not None
        said = []
        for line in self._server.stderr:
            said.append(line)
            if "running on" in line:
                return
        pytest.fail("".join(said))

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.terminate()
            self._server.communicate(timeout=30)


def patched(text: str, change: str) -> str:
    """Return a text with a change made: lines that begin with `-` or a blank become those with `+` or a blank."""
    lines = [(line[:1], line[1:] + "\n") for line in change.splitlines()]
    old = "".join(line for sign, line in lines if sign != "+")
    assert text.count(old) == 1, f"these lines must be there once:\n{old}"
    return text.replace(old, "".join(line for sign, line in lines if sign != "-"))


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    """Return an empty folder to follow the page in."""
    walk = Walk(tmp_path)
    yield walk
    walk.stop()


def test_every_step_of_the_page_works(walk: Walk) -> None:
    """Followed from its first block to its last, each command does what the page says."""
    found = steps()
    assert PAGE.read_text().count("\n```") == 2 * len(found), "a block of the page has no comment that says what it is"
    for step in found:
        walk.do(step)


def test_a_patch_that_fits_nowhere_fails() -> None:
    """The page's changes are made at the one place that they show, or not at all."""
    assert patched("a\nb\nc\n", " a\n-b\n+d\n c\n") == "a\nd\nc\n"
    with pytest.raises(AssertionError):
        patched("a\nb\n", "-x\n+y\n")
    with pytest.raises(AssertionError):
        patched("a\na\n", "-a\n+y\n")
