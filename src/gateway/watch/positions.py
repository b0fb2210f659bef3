"""Positions: finds the holes in a stream by its frames' `seq`, `prev` and `epoch`. It knows no connection."""

from dataclasses import dataclass
from typing import Final

from gateway.watch.streams import Message
from generated.models import (
    Balances,
    BarsAck,
    BarsCorrection,
    BarsReset,
    BarsSnapshot,
    BarsUpdate,
    CachePong,
    Gap,
    Limits,
    Order,
    Ready,
    Resume,
    Trade,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not in order before a frame, as a sentence. `is_double`: the frame itself came before."""

    text: str
    is_double: bool = False


SILENT: Final = Finding("A hole: frames before this one were missed, and nobody said so.")
DOUBLE: Final = Finding("A frame came a second time; it is not shown again.", is_double=True)
ANEW: Final = Finding("The stream began anew: what was missed between its two lives is not known.")
SKIPPED: Final = Finding("Frames were missed: the connection broke before all of what stood had come.")


class Positions:
    """What is held of one stream, over all of its connections, and what was found to be missing or double.

    A stream starts where `ready` or the acknowledgement says. From there on a hole is a frame whose `prev` is greater
    than the last `seq` that is held for its symbol or currency. `silent` counts the holes that nobody told, `told`
    those that were, `doubled` the frames that came twice.
    """

    def __init__(self, *, begins_with_state: bool) -> None:
        """Hold nothing. `begins_with_state`: what stands (or a snapshot) comes first, unless the stream is resumed."""
        self.silent = self.told = self.doubled = 0
        self._begins_with_state = begins_with_state
        self._epoch: str | None = None
        self._seq = 0
        self._floor = 0
        """Up to here nothing is missing, or it was said so."""
        self._last: dict[str, int] = {}
        self._is_whole = False
        """Whether all of what comes first has come: a position stands for it only then."""
        self._was_whole = False
        self._owes_word = False
        """Whether the server goes on elsewhere than it was asked to, and has not said so yet."""
        self._limits: Limits | None = None

    @property
    def held(self) -> Resume | None:
        """The position from which to go on; None: there is none, and the stream has to begin from the beginning."""
        if self._epoch is None or not self._is_whole:
            return None
        return Resume(epoch=self._epoch, seq=self._seq)

    def take(self, message: Message) -> Finding | None:
        """Take the next message; returns what is not in order before it, None where all is."""
        match message:
            case Ready():
                self._limits = message.limits
                return self._start(message.epoch, message.seq, is_recovered=message.recovered)
            case BarsAck(payload=ack) if isinstance(ack.seq, int) and isinstance(ack.epoch, str):
                return self._start(ack.epoch, ack.seq, is_recovered=ack.recovered is True)
            case Gap():
                return self._gap(message)
            case BarsReset(payload=reset):
                return self._tell(f"The bars from here on don't join those before: {_REASONS[reset.reason]}.")
            case BarsSnapshot():
                self._complete()
                return self._silence()
            case CachePong():  # the answer to the ping that was sent first: what stands was sent before it
                self._complete()
            case BarsUpdate(payload=bar) if isinstance(bar.seq, int) and isinstance(bar.prev, int):
                return self._counted("", bar.seq, bar.prev, bar.epoch)
            case BarsCorrection(payload=correction):
                return self._counted("", correction.seq, correction.prev, correction.epoch)
            case Trade():
                return self._counted(message.symbol, message.seq, message.prev, self._epoch)
            case Order():
                return self._change(message, message.symbol)
            case Balances():
                return self._change(message, next(iter(message.__pydantic_extra__), ""))
            case _:
                pass
        return None

    def _start(self, epoch: str, seq: int, *, is_recovered: bool) -> Finding | None:
        was_asked, was_whole = self.held is not None, self._was_whole
        is_elsewhere = self._epoch is not None and (epoch != self._epoch or seq > self._seq)
        self._owes_word = was_asked and is_elsewhere
        if epoch != self._epoch or not is_recovered:
            self._seq = seq
            self._last.clear()
        self._epoch = epoch
        self._seq = self._floor = max(self._seq, seq)
        self._is_whole = False
        if is_recovered or not self._begins_with_state:
            self._complete()
        if is_recovered:
            return self._silence()
        if is_elsewhere and was_whole and not was_asked:
            self.told += 1
            return SKIPPED
        return None

    def _complete(self) -> None:
        self._is_whole = self._was_whole = True

    def _gap(self, gap: Gap) -> Finding:
        self._floor = max(self._floor, gap.to_seq)
        if not gap.from_seq:
            return self._tell("The stream began anew: what came after the frames before is not known.")
        kept = self._limits
        bounds = "" if kept is None else f" It keeps {kept.ring_frames} frames, for {kept.ring_age_ms / 1000:g} s."
        what = "" if gap.key is None else f" of {gap.key}"
        return self._tell(f"The server no longer has the frames {gap.from_seq} to {gap.to_seq}{what}.{bounds}")

    def _tell(self, text: str) -> Finding:
        self._owes_word = False
        self.told += 1
        return Finding(text)

    def _silence(self) -> Finding | None:
        """Return a silent hole where the server should have spoken of one by now."""
        if not self._owes_word:
            return None
        self._owes_word = False
        self.silent += 1
        return SILENT

    def _change(self, message: Order | Balances, key: str) -> Finding | None:
        if message.initial is True:  # it is what all changes so far come to
            self._last[key] = message.seq
            return self._silence()
        return self._counted(key, message.seq, message.prev, self._epoch)

    def _counted(self, key: str, seq: int, prev: int, epoch: object) -> Finding | None:
        if self._epoch is None or not isinstance(epoch, str):  # a bars socket need not tell its positions
            return None
        if epoch != self._epoch:
            self._epoch, self._seq, self._floor = epoch, seq, seq
            self._last.clear()
            self._owes_word = False
            self.told += 1
            return ANEW
        if seq <= self._seq:
            self.doubled += 1
            return DOUBLE
        finding = self._silence()
        if finding is None and prev > max(self._last.get(key, 0), self._floor):
            self.silent += 1
            finding = SILENT
        self._last[key] = self._seq = seq
        return finding


_REASONS: Final = {
    "other_epoch": "the stream began anew",
    "too_old": "the server no longer has what came between",
    "unknown_position": "the server does not know the position that is held",
}
