"""Support: documents as values that a test changes, and what the diff says of the change. It judges nothing."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from codegen.diff.command import diff
from codegen.diff.findings import Finding
from codegen.reading import Perspective

Edit: TypeAlias = Callable[[Any], None]

BASE = Path(__file__).parent / "base.yaml"


class _Dumper(yaml.SafeDumper):
    """Writes what is shared twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def base() -> Any:
    """Return the document that the cases change, as a value."""
    return yaml.safe_load(BASE.read_text())


def dumped(document: Any) -> str:
    """Return a document as YAML."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False)


def found(
    folder: Path, edit: Edit, *, before: Edit | None = None, perspective: Perspective = "server"
) -> list[Finding]:
    """Return what the diff says of a change of the base document; `before` changes both."""
    old = base()
    if before is not None:
        before(old)
    new = copy.deepcopy(old)
    edit(new)
    (folder / "old.yaml").write_text(dumped(old))
    (folder / "new.yaml").write_text(dumped(new))
    return list(diff(folder / "old.yaml", folder / "new.yaml", perspective=perspective))


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    """Return severity and rule of each finding."""
    return [(item.severity, item.rule) for item in findings]
