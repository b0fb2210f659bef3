"""JSON report: a whole run for programs, in the shape that docs/contract.md describes. It shortens nothing."""

import base64
import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from contract.addresses import shown
from contract.covering import tallies
from contract.model import Close, Connect, Data, Event, PhaseResult, Result, Secret, Send, Step, Wait
from contract.report.view import View, views
from contract.reproduce import conceal_text
from contract.spec import Spec

VERSION: Final = 1
"""Raised when a member goes or changes its meaning; new members may come without."""

_NAMES: Final = {Connect: "connect", Send: "send", Wait: "wait", Close: "close"}


def render(result: Result, spec: Spec, secrets: Sequence[Secret | str] = ()) -> str:
    """Return a run as JSON text, ASCII alone."""
    return json.dumps(report(result, spec, secrets), indent=2) + "\n"


def report(result: Result, spec: Spec, secrets: Sequence[Secret | str] = ()) -> dict[str, Any]:
    """Return a run as a JSON value."""
    return {
        "version": VERSION,
        "document": result.document,
        "title": result.title,
        "url": conceal_text(shown(result.url), secrets),
        "seed": result.seed,
        "started": datetime.fromtimestamp(result.started, UTC).isoformat(timespec="seconds"),
        "seconds": round(result.seconds, 3),
        "stopped": result.stopped,
        "failed": conceal_text(result.failed, secrets),
        "phases": [_phase(phase) for phase in result.phases],
        "findings": [_finding(view) for view in views(result, spec, secrets)],
        "coverage": {
            kind: {
                "total": len(tally.counts),
                "met": sum(1 for count in tally.counts.values() if count),
                "members": [
                    {"name": name, "count": count, "reason": None if count else tally.reasons.get(name)}
                    for name, count in tally.counts.items()
                ],
            }
            for kind, _, tally in tallies(result.coverage)
        },
        "remarks": [conceal_text(remark, secrets) for remark in result.remarks],
    }


def _phase(phase: PhaseResult) -> dict[str, Any]:
    return {**dataclasses.asdict(phase), "tried": None if phase.tried is None else sorted(phase.tried)}


def _finding(view: View) -> dict[str, Any]:
    finding, violation = view.finding, view.finding.violation
    return {
        "rule": violation.rule,
        "about": view.about,
        "text": violation.text,
        "phase": finding.phase,
        "channel": violation.channel,
        "operation": violation.operation,
        "message": violation.message,
        "subject": violation.subject,
        "where": dataclasses.asdict(violation.mark) if violation.mark is not None else None,
        "seed": finding.seed,
        "seen": finding.seen,
        "tried": finding.tried,
        "count": finding.count,
        "steps": [_step(step) for step in finding.steps],
        "transcript": [_event(event) for event in finding.transcript],
        "reproduction": {"python": view.python, "websocat": view.websocat, "command": view.again},
    }


def _step(step: Step) -> dict[str, Any]:
    value: dict[str, Any] = {"step": _NAMES[type(step)]}
    for field in dataclasses.fields(step):
        found = getattr(step, field.name)
        if field.name == "data":
            found = _data(found)
        elif field.name in ("mark", "ends"):  # what only judging needs
            continue
        elif field.name == "links":
            found = [dataclasses.asdict(link) for link in found]
        value[field.name] = found
    return value


def _event(event: Event) -> dict[str, Any]:
    data = _data(event.data) if event.data is not None else None
    return {
        "at": round(event.at, 6),
        "socket": event.socket,
        "kind": event.kind,
        "data": data,
        "code": event.code,
        "text": event.text,
        "message": event.message,
        "note": event.note,
    }


def _data(data: Data) -> dict[str, str]:
    return {"text": data} if isinstance(data, str) else {"base64": base64.b64encode(data).decode()}
