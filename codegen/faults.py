"""Faults: what is wrong with a document, and where. It knows no rule and never decides what is a fault."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches


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

    def render(self) -> str:
        """Return `file:line:col rule message`, then the line with a caret under the place."""
        head = f"{self.mark.file}:{self.mark.line}:{self.mark.column} {self.rule} {self.message}"
        if not self.mark.text.strip():
            return head
        before = self.mark.text[: self.mark.column - 1]
        # Tabs stay tabs, so that the caret stands under the same column in any terminal.
        pad = "".join("\t" if character == "\t" else " " for character in before)
        return f"{head}\n    {self.mark.text}\n    {pad}^"


class DocumentError(Exception):
    """The document can't be generated from; `faults` holds every reason, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(fault.render() for fault in self.faults))


class Faults:
    """A list that only grows: every fault of a document is told at once, not only the first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, mark: Mark, rule: str, message: str) -> None:
        """Note a fault; reading goes on."""
        self._faults.append(Fault(mark, rule, message))

    def raise_if_any(self) -> None:
        """Raise DocumentError if there is a fault."""
        if self._faults:
            raise DocumentError(self._faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return ` Did you mean ...?` for the nearest of `names`, or nothing."""
    close = get_close_matches(name, list(names), n=1, cutoff=0.7)
    return f" Did you mean {close[0]!r}?" if close else ""
