"""Output: a folder that holds exactly what was generated. It never looks into a file beyond its bytes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HEADERS = (b"# Generated from ", b"// Generated from ")
"""How each generated module begins. A folder with files and none of these is somebody else's."""

_IGNORED = frozenset({"__pycache__", "node_modules", "dist"})
"""What tools make beside the files: of nobody's interest."""


class NotOwnedError(Exception):
    """The folder holds files, and none of them was generated: writing would remove them."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """A file that isn't as generated."""

    path: str
    kind: Literal["changed", "missing", "extra"]


def _found(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if _IGNORED.isdisjoint(path.relative_to(folder).parts) and (path.is_file() or path.is_symlink()):
            yield path


def _is_generated(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().startswith(HEADERS)


def compare(folder: Path, files: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return how the folder differs from `files`, which maps a relative path to its text."""
    differences: list[Difference] = []
    for name, text in files.items():
        path = folder / name
        if not path.is_file():
            differences.append(Difference(name, "missing"))
        elif path.read_bytes() != text.encode():
            differences.append(Difference(name, "changed"))
    for path in _found(folder):
        name = path.relative_to(folder).as_posix()
        if name not in files:
            differences.append(Difference(name, "extra"))
    return tuple(sorted(differences))


def write(folder: Path, files: Mapping[str, str]) -> tuple[Difference, ...]:
    """Make the folder hold `files` and nothing else; return what was changed. Files that are right stay untouched.

    Raises NotOwnedError, with nothing touched, for a folder that holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise NotOwnedError(f"{folder} is a file. Give a folder.")
    present = list(_found(folder))
    if present and not any(_is_generated(path) for path in present):
        raise NotOwnedError(f"{folder} holds files that were not generated. Give a folder of its own.")
    differences = compare(folder, files)
    for difference in differences:
        path = folder / difference.path
        if difference.kind == "extra":
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[difference.path].encode())
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and _IGNORED.isdisjoint(path.relative_to(folder).parts) and not any(path.iterdir()):
            path.rmdir()
    return differences
