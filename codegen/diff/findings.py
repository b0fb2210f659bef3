"""Findings: what a change means and to whom, as text, JSON or GitHub's annotations. It finds nothing itself."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from codegen.faults import Fault, Mark

Severity: TypeAlias = Literal["breaking", "unknown", "compatible"]
"""`breaking`: a client that was made from the old document can fail. `unknown`: that can't be decided."""

Form: TypeAlias = Literal["text", "json", "github"]

_ORDER: tuple[Severity, ...] = ("breaking", "unknown", "compatible")
_GITHUB = {"breaking": "error", "unknown": "warning", "compatible": "notice"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One change: how bad, by which rule, where, and a sentence that says who breaks and what to do instead.

    `document` tells in which of the two the place is: what is gone has none in the new one.
    """

    severity: Severity
    rule: str
    mark: Mark
    document: Literal["old", "new"]
    message: str

    def render(self) -> str:
        """Return `file:line:col severity rule message`, then the line with a caret under the place."""
        return Fault(self.mark, f"{self.severity} {self.rule}", self.message).render()


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings once each: the worst first, then by place."""
    return tuple(
        sorted(
            set(findings),
            key=lambda item: (_ORDER.index(item.severity), item.document, item.mark, item.rule, item.message),
        )
    )


def render(findings: tuple[Finding, ...], form: Form, *, breaks: bool, note: str) -> str:
    """Return what the command prints, without the last line end. `note` is its last line, as text."""
    if form == "json":
        listed = [
            {
                "severity": item.severity,
                "rule": item.rule,
                "document": item.document,
                "file": item.mark.file,
                "line": item.mark.line,
                "column": item.mark.column,
                "message": item.message,
            }
            for item in findings
        ]
        counts = {severity: count(findings, severity) for severity in _ORDER}
        body = {"compatible": not breaks, "note": note, "counts": counts, "findings": listed}
        return json.dumps(body, ensure_ascii=False, indent=2)
    if form == "github":
        return "\n".join([*(_annotation(item) for item in findings), note])
    return "\n".join([*(item.render() for item in findings), note])


def count(findings: Iterable[Finding], severity: Severity) -> int:
    """Return how many findings are of a severity."""
    return sum(item.severity == severity for item in findings)


def _annotation(finding: Finding) -> str:
    mark = finding.mark
    place = f"file={_property(mark.file)},line={mark.line},col={mark.column}"
    title = _property(f"{finding.severity}: {finding.rule}")
    return f"::{_GITHUB[finding.severity]} {place},title={title}::{_data(finding.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
