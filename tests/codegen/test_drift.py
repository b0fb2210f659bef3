"""The promise: hand-written code can't drift from the document. Each test edits a copy of the project and runs make."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
_LEFT_OUT = ("*.egg-info", ".*_cache", ".cache", ".git", ".hypothesis", ".venv", "__pycache__", "node_modules", "dist")
_HAND_WRITTEN = re.compile(r"src/(handlers|gateway)/[\w/]+\.py:\d+")


class Copy:
    """A copy of the project that uses the same virtual environment and installs nothing into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.document = folder / "asyncapi.yaml"
        self.generated = folder / "src" / "generated"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)

    def make(self, target: str) -> subprocess.CompletedProcess[str]:
        """Run a target. What make would install first counts as installed, since it would install this copy."""
        stamps = ("bin/pip", ".installed-run", ".installed-dev", ".installed-typescript")
        installed = [part for name in stamps for part in ("-o", f".venv/{name}")]
        return self._run("make", "--no-print-directory", *installed, target)

    def pyright(self) -> subprocess.CompletedProcess[str]:
        """Run pyright over the hand-written packages: `make check` ends with mypy's complaint."""
        return self._run(".venv/bin/pyright", "src/handlers", "src/gateway")

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        # Without what a make above would pass on: this one stands for itself.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=600
        )

    def edit(self, *changes: tuple[str, str]) -> None:
        """Write the project's document with each text replaced wherever it stands."""
        text = (ROOT / "asyncapi.yaml").read_text()
        for old, new in changes:
            assert re.search(old, text), f"the document has no {old!r}: set this test right"
            text = re.sub(old, new, text)
        yaml.safe_load(text)
        self.document.write_text(text)

    def bytes(self) -> dict[str, bytes]:
        """Return every generated file."""
        paths = [path for path in self.generated.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {path.name: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a copy of the project, which passes `make check` as it is."""
    copy = Copy(tmp_path_factory.mktemp("drift") / "project")
    done = copy.make("check")
    assert done.returncode == 0, f"the project itself must pass first:\n{done.stdout}{done.stderr}"
    return copy


def test_a_second_generate_changes_no_byte(copy: Copy) -> None:
    """`make generate` gives what is checked in, twice."""
    copy.edit()
    before = copy.bytes()
    for _ in range(2):
        assert copy.make("generate").returncode == 0
        assert copy.bytes() == before


EDITS: dict[str, tuple[tuple[str, str], ...]] = {
    "a message renamed": ((r"\bbarsAck\b", "barsReply"),),
    "a reply of another type": (
        (r"(messages:\s+- \$ref: '#/channels/bars/messages/)barsUnsubscribeAck'", r"\1barsError'"),
    ),
    "a field removed": ((r"(?s)( {4}BarsUpdatePayload:.*?)\n {8}prev:.*?\n {8}epoch:", r"\1\n        epoch:"),),
    "an operation added": (
        (
            r"\noperations:\n",
            "\noperations:\n  pauseBars:\n    action: receive\n    channel:\n      $ref: '#/channels/bars'\n"
            "    messages:\n      - $ref: '#/channels/bars/messages/barsPause'\n",
        ),
        (
            r"\n    messages:\n      barsSubscribe:",
            "\n    messages:\n      barsPause:\n        payload: {type: object, required: [type], "
            "properties: {type: {const: bars.pause}}}\n      barsSubscribe:",
        ),
    ),
    "an error code removed": (
        (r"\n        - unknown_symbol\b", ""),
        (r"\n  unknown_symbol:\n    text: [^\n]*", ""),
        (r"\n              code: unknown_symbol", ""),
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_the_document_breaks_the_check(copy: Copy, edit: str) -> None:
    """After an edit and `make generate`, `make check` and pyright each fail at a line of hand-written code."""
    copy.edit(*EDITS[edit])
    stale = copy.make("check")
    assert stale.returncode != 0
    assert "changed" in stale.stderr
    generated = copy.make("generate")
    assert generated.returncode == 0, generated.stderr
    for done in (copy.make("check"), copy.pyright()):
        assert done.returncode != 0, edit
        assert _HAND_WRITTEN.search(done.stdout), done.stdout + done.stderr
        assert ": changed" not in done.stderr


def test_a_hand_edit_breaks_the_check(copy: Copy) -> None:
    """`make check` names a generated file that was edited by hand, and `make generate` repairs it."""
    copy.edit()
    assert copy.make("generate").returncode == 0
    before = copy.bytes()
    path = copy.generated / "operations.py"
    path.write_text(path.read_text().replace("    async def ping(", "    async def pong("))
    done = copy.make("check")
    assert done.returncode != 0
    assert "src/generated/operations.py: changed" in done.stderr
    assert copy.make("generate").returncode == 0
    assert copy.bytes() == before
