"""Console: how a run goes, while it goes, and what came of it, on a terminal or in a log. It decides nothing."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from contract.addresses import shown
from contract.covering import tallies, unreached
from contract.model import PHASES, Finding, PhaseName, PhaseResult, Result, Secret
from contract.report.view import Line, View, views
from contract.reproduce import conceal_text
from contract.spec import Spec
from contract.wording import cut, visible

_EVERY: Final = 0.1  # seconds between two changes of the progress line
_SCRIPTS: Final = 3  # findings whose Python script is printed
_NAMED: Final = 12  # members that are named of each kind that wasn't met

_ARROWS: Final = {"->": "cyan", "<-": "magenta", "--": "dim"}


class Display:
    """Tells of a run: `with Display(spec, url) as display`, then `phase`, `advance`, `found`, and `done` at the end.

    On a terminal a line moves while it works; elsewhere each phase is one line. `secrets` are the run's own
    credentials: `$TOKEN` stands in their place.
    """

    def __init__(
        self, spec: Spec, url: str, *, console: Console | None = None, secrets: Sequence[Secret | str] = ()
    ) -> None:
        self._spec = spec
        self._url = shown(url)
        self._secrets: tuple[Secret | str, ...] = tuple(secrets)
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._name: PhaseName | None = None
        self._total: int | None = None
        self._cases = self._frames = self._findings = 0
        self._began = self._shown = 0.0

    def __enter__(self) -> Self:
        spec, secrets = self._spec, self._secrets
        head = Text.assemble(("contract  ", "bold"), visible(spec.title or spec.file), "  ")
        head.append(f"{visible(spec.file)} against {visible(conceal_text(self._url, secrets))}", "dim")
        self._print(head)
        if self._console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.fields[name]:<10}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[cases]:>6} cases  {task.fields[rate]:>6} frames/s", markup=False),
                TextColumn("{task.fields[findings]}"),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
                refresh_per_second=6,
            )
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def phase(self, name: PhaseName, total: int | None = None) -> None:
        """A phase begins; of `total` cases, if that is known."""
        self._end_phase()
        self._name, self._total, self._cases, self._frames = name, total, 0, 0
        self._began = time.monotonic()
        if self._progress is not None:
            self._task = self._progress.add_task(
                name, total=total, name=name, cases="0", rate="0", findings=self._found_text()
            )

    def advance(self, cases: int, frames: int) -> None:
        """So many more cases were done and frames sent. It may be called thousands of times a second."""
        self._cases += cases
        self._frames += frames
        if self._progress is not None:
            now = time.monotonic()
            if now - self._shown >= _EVERY:
                self._shown = now
                self._update(now)

    def secret(self, secret: Secret) -> None:
        """A credential of the run, which is not to be shown."""
        self._secrets = (*self._secrets, secret)

    def found(self, finding: Finding) -> None:
        """Something was found; it is told in full at the end."""
        self._findings += 1
        violation = finding.violation
        line = Text.assemble(("found ", "red"), (visible(violation.rule), "bold red"), "  ")
        line.append(cut(conceal_text(f"{violation.channel}: {violation.text}", self._secrets), 300))
        self._print(line)
        if self._progress is not None:
            self._update(time.monotonic())

    def done(self, result: Result) -> None:
        """The run is over: tell of each finding, of what was covered, and the verdict."""
        self._end_phase()
        self._stop()
        told = {secret.value for secret in self._secrets if not isinstance(secret, str)}
        self._secrets += tuple(secret for value, secret in result.secrets.items() if value not in told)
        for view in views(result, self._spec, self._secrets):
            self._print(_finding(view))
        self._print(Rule("coverage", style="dim"))
        self._print(_coverage(result))
        for text in _unreached(result):
            self._print(text)
        for remark in result.remarks:
            self._print(Text(f"Note: {visible(conceal_text(remark, self._secrets))}", "yellow"))
        self._print(Rule(style="dim"))
        if result.failed:
            self._print(Text(visible(conceal_text(result.failed, self._secrets)), "bold red"))
        self._print(_verdict(result))

    def _print(self, *items: RenderableType) -> None:
        self._console.print(*items, markup=False, emoji=False, highlight=False)

    def _found_text(self) -> str:
        return f"[red]{self._findings} found[/]" if self._findings else "[green]nothing found[/]"

    def _update(self, now: float) -> None:
        if self._progress is None or self._task is None:
            return
        rate = self._frames / max(now - self._began, 0.001)
        self._progress.update(
            self._task,
            completed=min(self._cases, self._total) if self._total is not None else None,
            cases=f"{self._cases:,}",
            rate=f"{rate:,.0f}",
            findings=self._found_text(),
        )

    def _end_phase(self) -> None:
        if self._name is None:
            return
        seconds = time.monotonic() - self._began
        if self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
        line = Text.assemble((f"{self._name:<10}", "bold"), f" {self._cases:>7,} cases {self._frames:>8,} frames")
        self._print(line.append(f" {seconds:>7.1f} s  {PHASES[self._name]}", "dim"))
        self._name = self._task = None

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _finding(view: View) -> Group:
    finding = view.finding
    parts: list[RenderableType] = [
        "",
        Rule(Text(f"{view.number}  {view.rule}", "bold red"), align="left", style="red"),
        Text(view.text, "bold"),
        Text(f"{view.about} {view.place[:1].upper()}{view.place[1:]}; phase {finding.phase}; {view.met}.", "dim"),
    ]
    if view.where:
        parts += ["", Text(f"{view.where} {view.rule}")]
        if view.excerpt[0]:
            parts += [Text(f"    {view.excerpt[0]}"), Text(f"    {view.excerpt[1]}", "bold red")]
    parts += ["", *(_line(line, view.sockets) for line in view.lines)]
    parts += ["", Text("Again:", "bold"), _block(view.again)]
    parts += [Text("As a shell line:", "bold"), _block(view.websocat)]
    if view.number <= _SCRIPTS:
        parts += [Text("In Python:", "bold"), _block(view.python)]
    else:
        parts.append(Text("The Python script is in the HTML and JSON reports.", "dim"))
    return Group(*parts)


def _line(line: Line, sockets: int) -> Text:
    text = Text(f"{line.at:9.3f} s  ", "dim")
    if sockets > 1:
        text.append(f"[{line.socket}] ", "default")
    text.append(f"{line.arrow} ", f"not dim bold {_ARROWS[line.arrow]}").append(line.text, "not dim")
    note = "; ".join(filter(None, (line.what, line.note)))
    return text.append(f"   ({note})") if note else text


def _block(text: str) -> Text:
    """Return what is to be pasted: not indented, and never cut at the terminal's edge."""
    return Text("\n".join(visible(line) for line in text.rstrip("\n").split("\n")), no_wrap=True, overflow="ignore")


def _coverage(result: Result) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(style="bold")
    for name in ("met", "of", ""):
        table.add_column(name, justify="right")
    for _, label, tally in tallies(result.coverage):
        met, total = sum(1 for count in tally.counts.values() if count), len(tally.counts)
        share = f"{met / total:.0%}" if total else "-"
        table.add_row(label, f"{met:,}", f"{total:,}", Text(share, "green" if met == total else "yellow"))
    return table


def _unreached(result: Result) -> Iterator[Text]:
    missing = [item for item in unreached(result.coverage) if item[0] != "keywords"]
    for kind, label, _ in tallies(result.coverage):
        members = [(name, reason) for told, name, reason in missing if told == kind]
        if not members:
            continue
        yield Text(f"never met of the {label}:", "bold")
        for name, reason in members[:_NAMED]:
            yield Text.assemble(f"  {visible(name)}  ", (visible(reason), "dim"))
        if len(members) > _NAMED:
            yield Text(f"  and {len(members) - _NAMED} more, which the reports name", "dim")


def _verdict(result: Result) -> Text:
    count = len(result.findings)
    cases, frames = (sum(getattr(phase, name) for phase in result.phases) for name in ("cases", "frames"))
    told = f"{cases:,} cases, {frames:,} frames, {result.seconds:.1f} s, seed {result.seed}"
    cut_short = [phase for phase in result.phases if not phase.complete]
    if cut_short:
        told += f"; cut short: {', '.join(_short(phase) for phase in cut_short)}"
    if result.stopped:
        told += ". Stopped before its end: what was not tried is not said to be right"
    if result.failed:
        told += ". The tester itself failed before the end: what was not tried is not said to be right"
    if not count:
        return Text.assemble(
            ("Nothing found. ", "bold yellow" if result.stopped or result.failed else "bold green"), told
        )
    return Text.assemble((f"{count} finding{'s' if count > 1 else ''}. ", "bold red"), told)


def _short(phase: PhaseResult) -> str:
    return f"{phase.name} ({visible(phase.note)})" if phase.note else phase.name
