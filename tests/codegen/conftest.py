"""Fixtures: every golden case, generated once and written as a package that can be imported and type-checked."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.codegen.support import names, outcome


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one package for each golden case, all within the package `cases`."""
    root = tmp_path_factory.mktemp("golden")
    cases = root / "cases"
    cases.mkdir()
    (cases / "__init__.py").write_text('"""The golden cases."""\n')
    for case in names()[0]:
        folder = cases / case
        folder.mkdir()
        for name, text in outcome(case).items():
            (folder / name).write_bytes(text.encode())
    return root


@pytest.fixture(scope="session")
def load_module(packages: Path) -> Iterator[Callable[[str, str], ModuleType]]:
    """Return a function that imports a module of a case."""
    sys.path.insert(0, str(packages))
    yield lambda case, module: importlib.import_module(f"cases.{case}.{module}")
    sys.path.remove(str(packages))
    for name in [name for name in sys.modules if name == "cases" or name.startswith("cases.")]:
        del sys.modules[name]
