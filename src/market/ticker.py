"""Ticker: how a symbol stands after its last trade, and what it did in 24 hours. It never sees a message."""

from dataclasses import dataclass
from decimal import Decimal

from market.calendar import DAY_MS, MINUTE_MS
from market.events import Trade
from market.exact import EXACT
from market.records import Copy, Plain, trade_of, trade_record

STEP_MS = 10 * MINUTE_MS
"""The window moves in steps of this: one symbol's day is 144 of them, some 70 KiB."""
STEPS = DAY_MS // STEP_MS


@dataclass(frozen=True, slots=True)
class Ticker:
    """The last trade, the best prices after it, and the trades of the 24 hours that end with its step."""

    time: int
    price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    volume: Decimal
    open: Decimal
    high: Decimal
    low: Decimal


@dataclass(slots=True)
class _Step:
    opened: int
    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal


class DayWindow:
    """One symbol's last 24 hours up to its last trade, by the trades' own time."""

    __slots__ = ("_high", "_last", "_low", "_steps", "_volume")

    def __init__(self) -> None:
        """Start with no trade."""
        self._last: Trade | None = None
        self._steps: dict[int, _Step] = {}  # in order of time
        self._volume = Decimal(0)
        self._high: Decimal | None = None  # None: to be looked up again
        self._low: Decimal | None = None

    def add(self, trade: Trade) -> None:
        """Count a trade. One that is late counts where it belongs; the last trade stays the one with the last time."""
        number = trade.time // STEP_MS
        newest = number if self._last is None else self._last.time // STEP_MS
        if self._last is None or trade.time >= self._last.time:
            self._last = trade
            if number > newest:
                self._forget(number - STEPS)
        elif number <= newest - STEPS:
            return
        price = trade.price
        step = self._steps.get(number)
        if step is None:
            self._steps[number] = _Step(trade.time, price, price, price, trade.volume)
            if number < newest:
                self._steps = dict(sorted(self._steps.items()))
        else:
            if trade.time < step.opened:
                step.opened, step.open = trade.time, price
            step.high = max(step.high, price)
            step.low = min(step.low, price)
            step.volume = EXACT.add(step.volume, trade.volume)
        self._volume = EXACT.add(self._volume, trade.volume)
        if self._high is not None and price > self._high:
            self._high = price
        if self._low is not None and price < self._low:
            self._low = price

    def dump(self) -> Copy:
        """Return a copy of everything."""
        last, volume = self._last, self._volume
        steps = [
            (number, step.opened, step.open, step.high, step.low, step.volume) for number, step in self._steps.items()
        ]
        return lambda: [
            None if last is None else trade_record(last),
            str(volume),
            [(number, opened, *map(str, numbers)) for number, opened, *numbers in steps],
        ]

    def load(self, plain: Plain) -> None:
        """Take what a copy held, in place of what is here."""
        last, volume, steps = plain
        self._last = None if last is None else trade_of(last)
        self._volume = Decimal(volume)
        self._steps = {number: _Step(opened, *map(Decimal, numbers)) for number, opened, *numbers in steps}
        self._high = self._low = None

    def _forget(self, last: int) -> None:
        """Forget the steps up to and with `last`."""
        while self._steps:
            number = next(iter(self._steps))
            if number > last:
                return
            gone = self._steps.pop(number)
            self._volume = EXACT.subtract(self._volume, gone.volume)
            # Only the loss of an extreme costs a look at the whole window.
            if gone.high == self._high:
                self._high = None
            if gone.low == self._low:
                self._low = None

    def ticker(self) -> Ticker | None:
        """Return how the symbol stands; None before its first trade."""
        last = self._last
        if last is None:
            return None
        if self._high is None:
            self._high = max(step.high for step in self._steps.values())
        if self._low is None:
            self._low = min(step.low for step in self._steps.values())
        return Ticker(
            time=last.time,
            price=last.price,
            bid=last.bid,
            ask=last.ask,
            volume=self._volume,
            open=next(iter(self._steps.values())).open,
            high=self._high,
            low=self._low,
        )
