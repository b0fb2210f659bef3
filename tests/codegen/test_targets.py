"""Targets together: --check over all of them, folders that would remove one another, and `tapecast codegen`."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from codegen import __main__ as command
from codegen.__main__ import main
from codegen.document import Document
from codegen.faults import DocumentError
from codegen.generate import Target, generate, load
from codegen.reading import Perspective
from gateway.cli import main as tapecast
from tests.codegen.support import document_of

FOLDERS: Mapping[Target, str] = {"server": "gen", "python-client": "python", "typescript-client": "typescript"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with asyncapi.yaml; each target gives two small files that depend on the document."""

    def generate(
        document: Document, *, perspective: Perspective = "server", target: Target = "server"
    ) -> dict[str, str]:
        title = document.root.members["info"]["title"]
        return {"a.py": f"# Generated from {title} for {target}, {perspective}\n", "b/c.txt": f"{target}\n"}

    monkeypatch.setattr(command, "generate", generate)
    shutil.copy(document_of("smallest"), tmp_path / "asyncapi.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(*options: str) -> list[str]:
    """Return the command for all targets."""
    return ["asyncapi.yaml", *(part for name, folder in FOLDERS.items() for part in (f"--{name}", folder)), *options]


def test_all_targets_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One command writes every target, and --check is content with all of them and writes nothing."""
    assert main(arguments("--check")) == 1
    assert not (folder / "gen").exists()
    assert main(arguments()) == 0
    capsys.readouterr()
    assert main(arguments("--check")) == 0
    assert capsys.readouterr() == ("", "")
    for target, name in FOLDERS.items():
        assert (folder / name / "b" / "c.txt").read_text() == f"{target}\n"


def test_check_names_what_is_wrong_in_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Changed, missing and extra files of any target are all named at once, with the command that repairs them."""
    assert main(arguments()) == 0
    (folder / "gen" / "b" / "c.txt").write_text("mine\n")
    (folder / "python" / "b" / "c.txt").unlink()
    (folder / "typescript" / "old.ts").write_text("")
    capsys.readouterr()
    assert main(arguments("--check")) == 1
    assert capsys.readouterr().err.splitlines() == [
        "gen/b/c.txt: changed",
        "python/b/c.txt: missing",
        "typescript/old.ts: extra",
        f"Run `python -m codegen {' '.join(arguments())}`.",
    ]
    assert main(arguments()) == 0
    assert main(arguments("--check")) == 0


def test_check_looks_at_the_targets_that_are_named(folder: Path) -> None:
    """A target that isn't named is nobody's business, and no folder is taken for another's."""
    assert main(["asyncapi.yaml", "--python-client", "python"]) == 0
    assert not (folder / "src").exists()
    assert main(["asyncapi.yaml", "--python-client", "python", "--check"]) == 0
    assert main(["asyncapi.yaml", "--typescript-client", "python", "--check"]) == 1
    assert main(["asyncapi.yaml", "--python-client", "python", "--perspective", "client", "--check"]) == 1


@pytest.mark.parametrize(("one", "other"), [("out", "out"), ("out", "out/client"), ("out/server", "out")])
def test_folders_within_one_another_are_refused(
    folder: Path, one: str, other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A target would remove what another wrote, so nothing is written, and the two are named."""
    assert main(["asyncapi.yaml", "--server", one, "--python-client", other]) == 2
    assert "Give each target a folder of its own." in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_one_folder_of_somebody_else_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of hand-written files is refused by its name, whichever target is to own it."""
    (folder / "typescript").mkdir()
    (folder / "typescript" / "mine.ts").write_text("// mine\n")
    assert main(arguments()) == 2
    assert "typescript holds files that were not generated" in capsys.readouterr().err
    assert (folder / "typescript" / "mine.ts").read_text() == "// mine\n"


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--help"], 0, "--python-client"),
        (["diff", "--help"], 0, "codegen diff"),
        (["scaffold", "--help"], 0, "--handlers"),
        (["diff", "asyncapi.yaml", "asyncapi.yaml", "--format", "json"], 0, '"compatible": true'),
        (["asyncapi.yaml", "--server", "gen", "--check"], 1, ""),
        (["none.yaml"], 2, ""),
        (["diff", "none.yaml", "asyncapi.yaml"], 2, ""),
    ],
)
def test_tapecast_codegen_passes_everything_through(folder: Path, given: list[str], code: int, said: str) -> None:
    """`tapecast codegen` takes the same arguments, prints the same and exits with the same code."""
    done = CliRunner().invoke(tapecast, ["codegen", *given])
    assert done.exit_code == code, done.output
    assert said in done.output


def test_schemas_nested_too_deep_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """What exceeds Python's stack while code is made of it ends with a place and a reason, and not in a traceback."""

    def nested(document: Document, perspective: Perspective) -> dict[str, str]:
        return nested(document, perspective)

    monkeypatch.setattr("codegen.generate._TARGETS", {"server": nested})
    with pytest.raises(DocumentError, match=r"asyncapi.yaml:1:1 syntax .* too deep"):
        generate(load(document_of("smallest")))


def test_a_generator_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server runs without what the generator needs; the command then says what to install."""
    monkeypatch.setitem(sys.modules, "codegen.__main__", None)
    result = CliRunner().invoke(tapecast, ["codegen", "asyncapi.yaml"])
    assert result.exit_code == 2
    assert "pip install '.[codegen]'" in result.output
