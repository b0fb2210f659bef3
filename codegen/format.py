"""Format: source as ruff writes it. The options are all named, so that the result doesn't depend on where it runs."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_STYLE = ("--isolated", "--no-cache", "--quiet", "--line-length", "120", "--target-version", "py311")
# What a template lists one a line stands in one line where it fits.
_COMPACT = ("--config", "format.skip-magic-trailing-comma=true", "--config", "lint.isort.split-on-trailing-comma=false")
# Import order, today's spelling of types, and imports that a template offers and this document doesn't need.
_RULES = "I,UP,F401,RUF022"


class GeneratorError(Exception):
    """Generated source is not Python: a fault of the generator, not of the document."""


def format_sources(sources: Mapping[str, str], *, ours: Sequence[str] = ()) -> dict[str, str]:
    """Return the sources with each `.py` file formatted. Raises GeneratorError where one is no Python.

    `ours`: packages that are not the sources' own and stand beside them, so that imports of them come last.
    """
    if not any(name.endswith(".py") for name in sources):
        return dict(sources)
    first_party = f"lint.isort.known-first-party={json.dumps(list(ours))}"
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        root = Path(folder)
        for name, text in sources.items():
            if name.endswith(".py"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
        _ruff("check", "--fix", "--select", _RULES, *_STYLE, *_COMPACT, "--config", first_party, folder=root)
        _ruff("format", *_STYLE, *_COMPACT, folder=root)
        return {
            name: (root / name).read_text(encoding="utf-8") if name.endswith(".py") else text
            for name, text in sources.items()
        }


def _ruff(*arguments: str, folder: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")  # what `python -m ruff` starts, without another interpreter before it
    command = [*([str(ruff)] if ruff.is_file() else [sys.executable, "-m", "ruff"]), *arguments, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GeneratorError(f"ruff {arguments[0]} failed: {done.stdout}{done.stderr}".strip())
