"""HTML report: one page, for a person, that needs nothing beside itself. What it shows is text, never markup."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from contract.addresses import shown
from contract.covering import Kind, tallies
from contract.model import PHASES, Result, Secret
from contract.report.view import views
from contract.reproduce import conceal_text
from contract.spec import Spec
from contract.wording import visible

_SCRIPT: Final = """
"use strict";
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    said = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C";
  }
  const label = button.textContent;
  button.textContent = said;
  setTimeout(() => { button.textContent = label; }, 1600);
});
"""


@dataclass(frozen=True, slots=True)
class _Group:
    """What of one kind, on one channel, was never met."""

    reason: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Bar:
    """One kind of coverage."""

    kind: Kind
    label: str
    met: int
    total: int
    missing: tuple[_Group, ...]

    @property
    def share(self) -> float:
        """Return how much was met, from 0 to 100."""
        return 100 * self.met / self.total if self.total else 100.0

    @property
    def shown(self) -> str:
        """Return that in words: 100 % is only said of all."""
        return f"{min(int(self.share), 99) if self.met < self.total else 100} %"


def render(result: Result, spec: Spec, secrets: Sequence[Secret | str] = ()) -> str:
    """Return a run as one HTML page, which runs nothing but its own script and loads nothing."""
    environment = Environment(
        loader=PackageLoader("contract", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = visible
    environment.filters["clock"] = _clock
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    return environment.get_template("report.html.jinja").render(
        result=result,
        url=conceal_text(shown(result.url), secrets),
        failed=conceal_text(result.failed, secrets),
        started=datetime.fromtimestamp(result.started, UTC),
        findings=views(result, spec, secrets),
        remarks=[conceal_text(remark, secrets) for remark in result.remarks],
        bars=_bars(result),
        phases=PHASES,
        slowest=max((phase.seconds for phase in result.phases), default=0.0) or 1.0,
        cases=sum(phase.cases for phase in result.phases),
        frames=sum(phase.frames for phase in result.phases),
        script=Markup(_SCRIPT),
        digest=digest,
    )


def _bars(result: Result) -> list[_Bar]:
    bars = []
    for kind, label, tally in tallies(result.coverage):
        groups: dict[str, list[str]] = {}
        for name, count in tally.counts.items():
            if not count:
                groups.setdefault(tally.reasons.get(name) or "it was not met", []).append(name)
        met = sum(1 for count in tally.counts.values() if count)
        missing = tuple(_Group(reason, tuple(_joined(names))) for reason, names in groups.items())
        bars.append(_Bar(kind, label, met, len(tally.counts), missing))
    return bars


def _joined(names: list[str]) -> Iterator[str]:
    """Yield the names; a keyword of which neither side was met is one."""
    every = set(names)
    for name in names:
        stem, _, side = name.rpartition(" ")
        if side == "valid" and f"{stem} invalid" in every:
            yield f"{stem}, either side"
        elif not (side == "invalid" and f"{stem} valid" in every):
            yield name


def _clock(seconds: float) -> str:
    """Return a time as people say it: `83 ms`, `12.3 s`, `4 min 10 s`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
