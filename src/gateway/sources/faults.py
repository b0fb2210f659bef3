"""Faults: what is wrong with a user's file, by line. It knows no file format."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.sources.source import SourceError

MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `line` counts from 1 (None: the whole file); `unit` is `line`, in Parquet `row`."""

    reason: str
    line: int | None = None
    unit: str = "line"

    def __str__(self) -> str:
        """Return `line 7: high 9 is below low 10`."""
        return self.reason if self.line is None else f"{self.unit} {self.line}: {self.reason}"


class RowFault(ValueError):
    """A row that can't be used. `kind` is the reason without the row's own values, so that it can be counted."""

    def __init__(self, kind: str, reason: str | None = None) -> None:
        """Keep the kind; `reason` says the same with the values."""
        super().__init__(reason or kind)
        self.kind = kind


class ReplayFileError(SourceError):
    """A file that can't be replayed. Its text lists the faults, up to 20, and says what to do.

    `faults` are those listed, in order of lines; `total` counts all. `skippable` is False when leaving out rows is no
    way out: the header or the file itself is at fault.
    """

    def __init__(
        self, faults: Iterable[Fault], *, path: Path | None = None, total: int | None = None, skippable: bool = True
    ) -> None:
        """List the faults; `total` is given where there are more than `faults`."""
        ordered = sorted(faults, key=lambda fault: -1 if fault.line is None else fault.line)
        self.faults = tuple(ordered[:MAX_LISTED])
        self.total = len(ordered) if total is None else total
        self.skippable = skippable
        self.path = path
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [f"{self.path or 'The file'} can't be replayed:"]
        lines += [f"  {fault}" for fault in self.faults]
        if self.total > len(self.faults):
            lines.append(f"  and {self.total - len(self.faults)} more")
        if self.skippable:
            lines.append("Correct these rows, or set TAPECAST_REPLAY_SKIP_BAD_ROWS=true to leave them out.")
        else:
            lines.append("Correct the file and start again; TAPECAST_REPLAY_SKIP_BAD_ROWS can't help here.")
        return "\n".join(lines)


class FaultLog:
    """The faulty rows of one file: the first 20 in words, all of them by kind. Memory stays bounded."""

    def __init__(self, unit: str = "line") -> None:
        """Start empty; `unit` is what a row is called, `line` or `row`."""
        self._unit = unit
        self._listed: list[Fault] = []
        self._last: int | None = None  # lines after this one can't be among the first 20 any more
        self._kinds: Counter[str] = Counter()

    def add(self, line: int, fault: RowFault) -> None:
        """Note a faulty row. Rows come in order within one pass over the file; there can be several passes."""
        self._kinds[fault.kind] += 1
        if self._last is not None and line > self._last:
            return
        self._listed.append(Fault(str(fault), line, self._unit))
        if len(self._listed) > MAX_LISTED:
            self._listed.sort(key=lambda listed: listed.line or 0)
            del self._listed[MAX_LISTED:]
            self._last = self._listed[-1].line

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return the first 20, in order of lines."""
        return tuple(sorted(self._listed, key=lambda listed: listed.line or 0))

    @property
    def total(self) -> int:
        """Return how many rows were faulty."""
        return self._kinds.total()

    @property
    def kinds(self) -> Mapping[str, int]:
        """Return how many rows were faulty for which reason, the commonest first."""
        return dict(self._kinds.most_common())
