"""Golden cases: small documents with one feature each, and the files that they give."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from codegen.document import Document
from codegen.faults import Faults
from codegen.generate import generate, load
from tests.codegen.support import ERRORS, GOLDEN, document_of, names, outcome, perspective_of, shown

GENERATED, REFUSED = names()
Load = Callable[[str, str], ModuleType]


@pytest.mark.parametrize("case", [*GENERATED, *REFUSED])
def test_a_case_gives_what_is_expected(case: str) -> None:
    """The files of a case are those under `expected`, byte for byte."""
    folder = GOLDEN / case / "expected"
    expected = {path.name: path.read_bytes().decode() for path in folder.iterdir()}
    assert dict(shown(case)) == expected, "run `python -m tests.codegen.update` and read the diff"


@pytest.mark.parametrize("case", GENERATED)
def test_a_case_is_accepted(case: str) -> None:
    """A case without `bad_` generates."""
    assert ERRORS not in outcome(case), outcome(case)[ERRORS]


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_names_the_place(case: str) -> None:
    """Each fault is `file:line:col rule message`, and the place lies within its file."""
    assert list(outcome(case)) == [ERRORS]
    heads = [line for line in outcome(case)[ERRORS].splitlines() if not line.startswith("    ")]
    assert heads
    for head in heads:
        place, _rule, message = head.split(" ", 2)
        name, line, column = place.rsplit(":", 2)
        lines = (GOLDEN / case / name).read_text().splitlines()
        assert 1 <= int(line) <= len(lines) + 1
        assert 1 <= int(column) <= max(len(lines[min(int(line), len(lines)) - 1]), 0) + 1
        assert message.endswith((".", "?"))


@pytest.mark.parametrize("case", GENERATED)
def test_a_case_imports(case: str, load_module: Load) -> None:
    """Every module of every case can be imported, and its models are complete."""
    for name in outcome(case):
        if name.endswith(".py"):
            module = load_module(case, name.removesuffix(".py").replace("__init__", "models"))
            for value in vars(module).values():
                if isinstance(value, type) and hasattr(value, "__pydantic_complete__"):
                    assert value.__pydantic_complete__ or value.__name__ == "BaseModel"


@pytest.mark.parametrize("case", GENERATED)
def test_a_bundle_stands_alone(case: str, tmp_path: Path) -> None:
    """The bundled document, as JSON and as YAML, says the same, refers to no file, and generates the same models."""
    files = outcome(case)
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in ("asyncapi.json", "asyncapi.yaml"):
        (folder / name).write_bytes(files[name].encode())
    values = [Document(folder / name, Faults()).root.value for name in ("asyncapi.json", "asyncapi.yaml")]
    assert values[0] == values[1]
    assert json.loads(files["asyncapi.json"]) == values[0]
    perspective = perspective_of(case)
    alone = load(folder / "asyncapi.yaml", perspective=perspective)
    assert len(alone.files) == 1
    assert generate(alone, perspective=perspective).keys() == files.keys()


def test_one_file_keeps_its_text() -> None:
    """The YAML of a document of one file is the file's own text, comments and all."""
    assert outcome("smallest")["asyncapi.yaml"] == document_of("smallest").read_text()


def test_the_outputs_pass_mypy(packages: Path) -> None:
    """`mypy --strict` finds nothing in any case."""
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "--config-file", os.devnull]
    done = subprocess.run([*command, "cases"], cwd=packages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_outputs_pass_pyright(packages: Path) -> None:
    """Pyright finds nothing in any case."""
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "cases"]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_outputs_pass_ruff(packages: Path) -> None:
    """The project's own rules find nothing in any case, and would format nothing anew."""
    config = str(Path(__file__).parents[2] / "pyproject.toml")
    # D101: the project excuses models.py of src/generated; D104: the folder above the cases.
    for arguments in (("check", "--no-cache", "--ignore", "D101"), ("format", "--check", "--no-cache")):
        command = [sys.executable, "-m", "ruff", *arguments, "--config", config, "cases"]
        done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def digest(**variables: str) -> str:
    """Return the checksum of what an interpreter of its own generates from our document."""
    script = (
        "import sys, hashlib; from pathlib import Path; from codegen.generate import generate, load;"
        "files = generate(load(Path(sys.argv[1])));"
        "print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, str(root / "asyncapi.yaml")]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout


def test_output_does_not_depend_on_hash_order() -> None:
    """Two interpreters with other hash seeds give the same bytes."""
    assert digest(PYTHONHASHSEED="1") == digest(PYTHONHASHSEED="2")


def test_output_does_not_depend_on_templates_that_were_kept(tmp_path: Path) -> None:
    """Templates compiled by a run before, cut off, or with no folder to keep them in: the same bytes."""
    first = digest(TMPDIR=str(tmp_path))
    (folder,) = (path for path in tmp_path.iterdir() if "jinja2" in path.name)
    kept = list(folder.iterdir())
    assert len(kept) >= 5
    assert digest(TMPDIR=str(tmp_path)) == first
    for path in kept:
        path.write_bytes(path.read_bytes()[:-100])
    assert digest(TMPDIR=str(tmp_path)) == first
    shutil.rmtree(folder)
    folder.write_text("not a folder")
    assert digest(TMPDIR=str(tmp_path)) == first


def test_dumped_yaml_means_the_same_to_yaml_1_1() -> None:
    """A bundle of several files is read alike by a YAML 1.1 reader."""
    files = outcome("several_files")
    assert yaml.safe_load(files["asyncapi.yaml"]) == json.loads(files["asyncapi.json"])


def test_modules_are_new(load_module: Load) -> None:
    """Two cases don't share a module."""
    assert load_module("lists", "models") is not load_module("maps", "models")
    assert importlib.import_module("cases.lists.models") is load_module("lists", "models")
