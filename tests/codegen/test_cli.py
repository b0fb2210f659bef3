"""The command: exit codes, what it writes, what it lists, and that it touches nothing that isn't its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.output import NotOwnedError, write
from tests.codegen.support import GOLDEN, document_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Return a copy of a small document, alone in a folder."""
    return Path(shutil.copy(document_of("smallest"), tmp_path / "asyncapi.yaml"))


@pytest.fixture
def generated(document: Path) -> Path:
    """Return the default folder, generated."""
    assert main([str(document)]) == 0
    return document.parent / "src" / "generated"


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_changes_no_byte(document: Path, generated: Path) -> None:
    """Generating twice gives the same bytes, leaves the files alone, and the check is content."""
    before = content(generated)
    times = {path: path.stat().st_mtime_ns for path in generated.iterdir()}
    assert main([str(document)]) == 0
    assert content(generated) == before
    assert {path: path.stat().st_mtime_ns for path in generated.iterdir()} == times
    assert main([str(document), "--check"]) == 0


def test_a_hand_edit_is_stale(document: Path, generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that was edited is named, nothing is repaired by checking, and generating repairs it."""
    path = generated / "models.py"
    path.write_text(path.read_text() + "# mine\n")
    assert main([str(document), "--check"]) == 1
    assert f"{path}: changed" in capsys.readouterr().err
    assert path.read_text().endswith("# mine\n")
    assert main([str(document)]) == 0
    assert main([str(document), "--check"]) == 0


def test_missing_and_extra_files_are_stale(document: Path, generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file that is missing or too many is named; generating writes the one and removes the other."""
    (generated / "wire.py").unlink()
    (generated / "old").mkdir()
    (generated / "old" / "left.py").write_text("")
    assert main([str(document), "--check"]) == 1
    answer = capsys.readouterr().err
    assert f"{generated / 'wire.py'}: missing" in answer
    assert f"{generated / 'old' / 'left.py'}: extra" in answer
    assert f"Run `python -m codegen {document}`." in answer
    assert main([str(document)]) == 0
    assert (generated / "wire.py").exists()
    assert not (generated / "old").exists()


def test_compiled_files_are_nobodys_business(document: Path, generated: Path) -> None:
    """What Python leaves in __pycache__ is neither reported nor removed."""
    cache = generated / "__pycache__"
    cache.mkdir()
    (cache / "models.cpython-311.pyc").write_bytes(b"")
    assert main([str(document), "--check"]) == 0
    assert main([str(document)]) == 0
    assert cache.exists()


def test_a_changed_document_is_stale(document: Path, generated: Path) -> None:
    """The check compares with the document as it is now."""
    document.write_text(document.read_text().replace("text:", "body:").replace("[text]", "[body]"))
    assert main([str(document), "--check"]) == 1
    assert main([str(document)]) == 0
    assert "body: str" in (generated / "models.py").read_text()


def test_a_folder_that_is_not_there_is_missing(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Checking before the first run lists every file and makes no folder."""
    assert main([str(document), "--check"]) == 1
    assert "models.py: missing" in capsys.readouterr().err
    assert not (document.parent / "src").exists()


def test_somebody_elses_folder_is_not_touched(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with files and nothing generated in it is refused: writing would remove them."""
    folder = document.parent / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    assert main([str(document), "--server", str(folder)]) == 2
    assert "were not generated" in capsys.readouterr().err
    assert content(folder) == {"thesis.txt": b"years of work"}


def test_the_folder_must_be_a_package(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder's last part must be a name that Python can import, and the folder no file."""
    assert main([str(document), "--server", str(document.parent / "not-a-package")]) == 2
    assert "package's name" in capsys.readouterr().err
    (document.parent / "file").write_text("")
    with pytest.raises(NotOwnedError):
        write(document.parent / "file", {})


def test_a_bad_document_writes_nothing(document: Path, generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault is told with its place, the exit code is 2, and what was generated before stays."""
    before = content(generated)
    document.write_text(document.read_text().replace("type: string", "type: sting"))
    assert main([str(document)]) == 2
    line = next(number for number, text in enumerate(document.read_text().splitlines(), 1) if "sting" in text)
    answer = capsys.readouterr().err
    assert f"asyncapi.yaml:{line}:" in answer
    assert "Did you mean 'string'?" in answer
    assert "^" in answer
    assert content(generated) == before


def test_files_that_can_not_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file, a folder and bytes that are no text are told in a sentence."""
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.yaml", tmp_path, binary):
        assert main([str(path), "--server", str(tmp_path / "out")]) == 2
        answer = capsys.readouterr().err
        assert f"{path.name}:1:1 unreadable" in answer
        assert "Traceback" not in answer


@pytest.mark.parametrize("arguments", [[], ["a.yaml", "--perspective", "spectator"], ["a.yaml", "--wrong"]])
def test_a_wrong_command_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that make no sense are told with the usage."""
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_help_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names every option."""
    assert main(["--help"]) == 0
    assert "--perspective" in capsys.readouterr().out


def test_the_clients_side(tmp_path: Path) -> None:
    """In a document of a client's application, what it sends comes in at the server."""
    folder = tmp_path / "client"
    assert main([str(document_of("client")), "--server", str(folder), "--perspective", "client"]) == 0
    assert "ChatIncoming: TypeAlias = Said | Refused | Heard" in (folder / "messages.py").read_text()
    assert (folder / "router.py").exists()


def test_it_runs_as_a_module_from_anywhere(tmp_path: Path) -> None:
    """`python -m codegen` needs no particular working folder, and its result depends on none."""
    folder = tmp_path / "generated"
    command = [sys.executable, "-m", "codegen", str(ROOT / "asyncapi.yaml"), "--server", str(folder)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert content(folder) == {
        name: data for name, data in content(ROOT / "src" / "generated").items() if "__pycache__" not in name
    }


def test_refused_documents_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every refused golden document exits with 2 and writes nothing."""
    for case in sorted(GOLDEN.glob("bad_*")):
        assert main([str(document_of(case.name)), "--server", str(tmp_path / "out")]) == 2
        assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
