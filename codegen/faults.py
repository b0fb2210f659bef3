"""Faults: what is wrong with a document, and where. It knows no document and never decides what is a fault."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]
"""An error stops the generator. A warning tells what it does with something that others might take otherwise."""

FORGIVABLE: Mapping[str, str] = {
    "duplicate-name": "the first of two members of one name counts",
    "incomplete": "a text that only readers miss (a title, a version) is left empty",
    "message-not-in-channel": "a message that its channel does not list is taken as one of the channel's",
    "parameter": "a parameter without a definition is any text",
    "prose": "a number where only readers look for text is read as its text",
    "ref-remote": "what lies on another machine may be anything",
    "schema-format": "a payload in another language than JSON Schema may be any value",
    "security-scheme": "a security scheme that no handshake can carry is not checked",
    "unknown-member": "a member that AsyncAPI doesn't have is left out",
    "version": "a version that isn't known is read as the nearest that is",
}
"""The rules whose faults `--lenient` makes warnings, and what is done then."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A position in a file; `line` and `column` count from 1. `text` is the whole line, without its end."""

    file: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong: where, which rule it breaks, and one sentence that says what to do."""

    mark: Mark
    rule: str
    message: str
    severity: Severity = "error"

    def render(self) -> str:
        """Return `file:line:col rule message`, then the line with a caret under the place."""
        told = "warning " if self.severity == "warning" else ""
        head = f"{self.mark.file}:{self.mark.line}:{self.mark.column} {told}{self.rule} {self.message}"
        if not self.mark.text.strip():
            return head
        before, shown = self.mark.text[: self.mark.column - 1], self.mark.text
        if len(shown) > _SHOWN:  # a document may be one line; a screen isn't
            start = max(0, len(before) - _SHOWN // 2)
            before, shown = before[start:], shown[start : start + _SHOWN]
        # Tabs stay tabs, so that the caret stands under the same column in any terminal.
        pad = "".join("\t" if character == "\t" else " " for character in before)
        return f"{head}\n    {shown}\n    {pad}^"


_SHOWN = 400


class DocumentError(Exception):
    """The document can't be generated from; `faults` holds every reason, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(fault.render() for fault in self.faults))


class Faults:
    """A list that only grows: every fault of a document is told at once, not only the first.

    With `lenient`, a fault of a rule in FORGIVABLE is a warning.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self._faults: dict[Fault, None] = {}

    def add(self, mark: Mark, rule: str, message: str) -> bool:
        """Note a fault; reading goes on. Tells whether it is an error: what has one is not to be generated from."""
        error = not (self.lenient and rule in FORGIVABLE)
        self._faults[Fault(mark, rule, message, "error" if error else "warning")] = None
        return error

    def warn(self, mark: Mark, rule: str, message: str) -> None:
        """Note what is done with something that a document may have and its author may have meant otherwise."""
        self._faults[Fault(mark, rule, message, "warning")] = None

    def raise_if_any(self) -> None:
        """Raise DocumentError, with the warnings too, if there is an error."""
        if any(fault.severity == "error" for fault in self._faults):
            raise DocumentError(self._faults)

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """Return the warnings, in the order of the files."""
        return tuple(sorted(fault for fault in self._faults if fault.severity == "warning"))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return ` Did you mean ...?` for the nearest of `names`, or nothing."""
    close = nearest(name, names)
    return f" Did you mean {close!r}?" if close is not None else ""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the nearest of `names`, None where none is near."""
    return next(iter(get_close_matches(name, list(names), n=1, cutoff=0.7)), None)
