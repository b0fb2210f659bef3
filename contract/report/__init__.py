"""Report: tells a person, a program, a CI server how a run went. It decides nothing about what was found."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.model import Finding, Result, Secret
from contract.report import html, json_report, junit
from contract.report.console import Display
from contract.report.view import view
from contract.spec import Spec

__all__ = ["REPORTS", "Display", "render_finding", "write_reports"]

REPORTS = ("junit", "json", "html")
"""The kinds of files that can be written."""


def write_reports(
    result: Result, spec: Spec, targets: Mapping[str, Path], *, secrets: Sequence[Secret | str] = ()
) -> None:
    """Write reports to files, by their kind; folders that are missing are made.

    `secrets` are credentials beside the run's own: `$TOKEN` stands in their place. All are written, even if one can't
    be: an ExceptionGroup then has what stood against each, OSErrors mostly.
    """
    renders = {"junit": junit.render, "json": json_report.render, "html": html.render}
    faults: list[Exception] = []
    for kind, path in targets.items():
        try:
            text = renders[kind](result, spec, (*secrets, *result.secrets.values()))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except Exception as error:  # what a report holds isn't lost because another one fails
            faults.append(error)
    if faults:
        raise ExceptionGroup("reports could not be written", faults)


def render_finding(
    finding: Finding, result: Result, spec: Spec | None = None, *, secrets: Sequence[Secret | str] = ()
) -> str:
    """Return all there is to tell of a finding as plain text: for the message of a test that fails."""
    told = view(result, finding, 1, spec, (*secrets, *result.secrets.values()))
    return f"{told.rule}: {told.told()}"
