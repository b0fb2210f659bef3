"""Positions: finds the holes in a stream by its frames' `seq`, `prev` and `epoch`. It knows no connection."""

from gateway.watch.streams import Message
from generated.models import Balances, BarsAck, BarsUpdate, Order, Trade


class Positions:
    """What is held of one stream, over all of its connections, and how many holes were found.

    A hole is a frame whose `prev` is greater than the last `seq` that is held for its symbol or currency. For one that
    nothing is held of yet, that is the position of the first frame: from there on the stream is whole.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.holes = 0
        self._epoch: str | None = None
        self._start: int | None = None
        self._last: dict[str, int] = {}

    def doubt(self) -> None:
        """Start over where no `epoch` tells whether the positions to come can be compared with those that were."""
        if self._epoch is None:
            self._forget()

    def _forget(self) -> None:
        self._start = None
        self._last.clear()

    def take(self, message: Message) -> bool:
        """Take the next message; tells whether there is a hole before it."""
        before = self.holes
        match message:
            case BarsAck(payload=ack) if isinstance(ack.seq, int):
                self._enter(ack.epoch)
                held = self._last.get("", ack.seq)
                self.holes += ack.seq > held
                self._last[""] = ack.seq
            case BarsUpdate(payload=bar) if isinstance(bar.seq, int) and isinstance(bar.prev, int):
                self._enter(bar.epoch)
                self._change("", bar.seq, bar.prev)
            case Trade():
                self._change(message.symbol, message.seq, message.prev)
            case Order():
                self._state(message, message.symbol)
            case Balances():
                self._state(message, next(iter(message.__pydantic_extra__), ""))
            case _:
                pass
        return self.holes > before

    def _enter(self, epoch: object) -> None:
        if self._epoch is not None and epoch != self._epoch:
            self._forget()
        self._epoch = epoch if isinstance(epoch, str) else None

    def _state(self, message: Order | Balances, key: str) -> None:
        if message.initial is True:  # it makes up for what was missed: it is what all changes so far come to
            self._change(key, message.seq, 0)
        else:
            self._change(key, message.seq, message.prev)

    def _change(self, key: str, seq: int, prev: int) -> None:
        held = self._last.get(key, self._start)
        if held is not None and seq < held:  # no stream goes back: it is another one's life
            self._forget()
            held = None
        if self._start is None:
            self._start = seq
        self.holes += held is not None and prev > held
        self._last[key] = seq
