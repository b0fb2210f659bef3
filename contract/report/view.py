"""View: a finding as all reports tell it, in texts that are fit to be shown. It knows no format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from codegen.faults import Fault
from contract.model import DEFAULT_PHASES, RULES, Event, EventKind, Finding, PhaseName, Result, Secret
from contract.reproduce import conceal, python_script, shell_url, shell_word, websocat
from contract.spec import Spec
from contract.wording import cut, of_data, visible

Side: TypeAlias = Literal["client", "server", "both"]

_SIDES: Final[Mapping[EventKind, Side]] = {
    "opened": "both",
    "refused": "server",
    "sent": "client",
    "received": "server",
    "closing": "client",
    "closed": "server",
}
_BUILDING: Final[frozenset[PhaseName]] = frozenset({"valid", "invalid", "stateful"})
_LINE: Final = 160
_FIRST: Final = 25
_LAST: Final = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript: `side` is who did it, `what` what it is by the document, `at` is seconds."""

    at: float
    socket: int
    kind: str
    side: Side
    text: str
    what: str
    note: str

    @property
    def arrow(self) -> str:
        """Return which way it went: `->` to the server, `<-` from it."""
        return {"client": "->", "server": "<-", "both": "--"}[self.side]


@dataclass(frozen=True, slots=True)
class View:
    """A finding's texts; all but the reproductions are single lines of what can be seen."""

    number: int
    finding: Finding
    rule: str
    about: str
    text: str
    place: str
    where: str
    excerpt: tuple[str, str]
    """The line of the document, and the caret below it."""
    lines: tuple[Line, ...]
    sockets: int
    python: str
    websocat: str
    again: str

    def told(self) -> str:
        """Return all of it as plain text."""
        lines = [self.about, self.text, "", f"{self.place}; phase {self.finding.phase}; {self.met}"]
        if self.where:
            lines += ["", f"{self.where} {self.rule}"]
            lines += [f"    {part}" for part in self.excerpt if part]
        lines.append("")
        for line in self.lines:
            socket = f"[{line.socket}] " if self.sockets > 1 else ""
            note = "; ".join(filter(None, (line.what, line.note)))
            lines.append(f"{line.at:9.3f} s  {socket}{line.arrow} {line.text}" + (f"   ({note})" if note else ""))
        lines += ["", "Again:", self.again, "", "As a shell line:", *self.websocat.rstrip("\n").split("\n")]
        lines += ["", "In Python:", *self.python.rstrip("\n").split("\n")]
        return "\n".join(visible(line) for line in lines)

    @property
    def line_number(self) -> int:
        """Return the number of the excerpt's line in its file, from 1."""
        mark = self.finding.violation.mark
        return mark.line if mark is not None else 0

    @property
    def dedented(self) -> tuple[str, str]:
        """Return the excerpt without the spaces that both lines begin with."""
        line, caret = self.excerpt
        spaces = min(len(text) - len(text.lstrip(" ")) for text in self.excerpt)
        return line[spaces:], caret[spaces:]

    @property
    def met(self) -> str:
        """Return how surely it was found: `Seen 3 of 3 times it was tried again, and met 2 times in all`."""
        finding = self.finding
        tried = f"shown again by {finding.seen} of {finding.tried} repetitions" if finding.tried else "not repeated"
        return f"{tried}, met {'once' if finding.count == 1 else f'{finding.count} times'} in all"


def views(result: Result, spec: Spec | None, secrets: Sequence[Secret | str] = ()) -> list[View]:
    """Return what there is to tell of each finding, without the run's own `secrets`."""
    return [view(result, finding, number, spec, secrets) for number, finding in enumerate(result.findings, 1)]


def view(
    result: Result, finding: Finding, number: int, spec: Spec | None, secrets: Sequence[Secret | str] = ()
) -> View:
    """Return what there is to tell of a finding."""
    shown = conceal(finding, secrets)
    violation = shown.violation
    parts = [
        violation.operation and f"operation {violation.operation}",
        violation.message and f"message {violation.message}",
    ]
    mark = violation.mark
    excerpt = ("", "")
    if mark is not None and mark.text.strip():
        _, line, caret = Fault(replace(mark, text=_plain(mark.text)), "", "").render().rsplit("\n", 2)
        excerpt = (line[4:], caret[4:])
    return View(
        number=number,
        finding=shown,
        rule=violation.rule,
        about=RULES.get(violation.rule, ""),
        text=cut(violation.text),
        place=visible(", ".join([f"channel {violation.channel}", *filter(None, parts)])),
        where=visible(f"{mark.file}:{mark.line}:{mark.column}") if mark is not None else "",
        excerpt=excerpt,
        lines=tuple(_lines(shown.transcript)),
        sockets=len({event.socket for event in shown.transcript}),
        python=python_script(finding, result.url, secrets=secrets, spec=spec),
        websocat=websocat(finding, result.url, secrets=secrets),
        again=again(result, finding, secrets),
    )


def again(result: Result, finding: Finding, secrets: Sequence[Secret | str] = ()) -> str:
    """Return the command that finds it again.

    That is its phase alone, or the phases of the whole run where it builds on what those before it saw.
    """
    words = [shell_word(result.document, secrets), "--url", shell_url(result.url, secrets)]
    if finding.phase not in _BUILDING:
        words += ["--phase", finding.phase]
    elif result.asked != DEFAULT_PHASES:
        words += [word for name in result.asked for word in ("--phase", name)]
    words += ["--seed", str(finding.seed), *(shell_word(word, secrets) for word in result.arguments)]
    shown = "".join(f' {option} "${{{name}}}"' for option, name in result.credentials.items())
    return visible(f"python -m contract {' '.join(words)}") + shown


def arguments(
    *,
    perspective: str = "server",
    lenient: bool = False,
    timeout: float | None = None,
    rate: float | None = None,
    max_time: float | None = None,
    config: str | None = None,
) -> tuple[str, ...]:
    """Return the words of the command for what was asked for otherwise than by default."""
    numbers = {"--timeout": timeout, "--rate": rate, "--max-time": max_time}
    return (
        *(("--perspective", perspective) if perspective != "server" else ()),
        *(("--lenient",) if lenient else ()),
        *(word for option, value in numbers.items() if value is not None for word in (option, f"{value:.15g}")),
        *(("--config", config) if config is not None else ()),
    )


def _plain(text: str) -> str:
    """Return a line of a file with one character for each: the caret must stay under its place."""
    text = text.replace("\t", " ")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _lines(transcript: Sequence[Event]) -> Iterator[Line]:
    """Yield a transcript's lines; of a long one the beginning and the end, where it shows."""
    left_out = len(transcript) - _FIRST - _LAST
    if left_out <= 1:
        yield from map(_line, transcript)
        return
    yield from map(_line, transcript[:_FIRST])
    at = transcript[_FIRST].at
    yield Line(at, 0, "gap", "both", f"... {left_out:,} more, which the JSON report has ...", "", "")
    yield from map(_line, transcript[-_LAST:])


def _line(event: Event) -> Line:
    match event.kind:
        case "opened":
            text = f"connected, subprotocol {event.text}" if event.text else "connected"
        case "refused":
            text = f"refused with {event.code}" if event.code is not None else "refused"
            text += f": {event.text}" if event.text else ""
        case "closing":
            text = f"closes with {event.code}" if event.code is not None else "closes"
        case "closed":
            text = f"closed with {event.code}" if event.code is not None else "ended without a close frame"
            text += f": {event.text}" if event.text else ""
        case "sent" | "received":
            text = ""
    shown = of_data(event.data) if event.data is not None else cut(text)
    what = cut(event.message or "", _LINE)
    return Line(event.at, event.socket, event.kind, _SIDES[event.kind], shown, what, cut(event.note, _LINE))
