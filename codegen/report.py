"""Report: faults as text for people, as JSON for tools, or as annotations for GitHub. It decides no severity."""

import json
from collections.abc import Iterable
from typing import Literal, TypeAlias, get_args

from codegen.faults import Fault

Format: TypeAlias = Literal["text", "json", "github"]
"""How faults are told."""

FORMATS: tuple[Format, ...] = get_args(Format)


def report(faults: Iterable[Fault], form: Format) -> str:
    """Return every fault in the order given. As JSON it is one list, empty where there is none."""
    if form == "json":
        return json.dumps([_record(fault) for fault in faults], ensure_ascii=False, indent=2)
    if form == "github":
        return "\n".join(_annotation(fault) for fault in faults)
    return "\n".join(fault.render() for fault in faults)


def _record(fault: Fault) -> dict[str, str | int]:
    return {
        "file": fault.mark.file,
        "line": fault.mark.line,
        "column": fault.mark.column,
        "severity": fault.severity,
        "rule": fault.rule,
        "message": fault.message,
        "text": fault.mark.text,
    }


def _annotation(fault: Fault) -> str:
    """Return a workflow command of GitHub Actions, which shows a fault beside its line."""
    values = {
        "file": fault.mark.file,
        "line": str(fault.mark.line),
        "col": str(fault.mark.column),
        "title": fault.rule,
    }
    properties = ",".join(f"{name}={_escaped(value, inner=True)}" for name, value in values.items())
    return f"::{fault.severity} {properties}::{_escaped(fault.message)}"


def _escaped(text: str, *, inner: bool = False) -> str:
    for character in "%\r\n" + (":," if inner else ""):
        text = text.replace(character, f"%{ord(character):02X}")
    return text
