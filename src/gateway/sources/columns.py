"""Columns: rows of a market file in arrays, some 30 bytes a row where Python objects take 400. It knows no file format.

A number is a whole mantissa and a count of decimals, so that 118.50 stays exact and costs nine bytes.
"""

from array import array
from collections.abc import Sequence
from decimal import Context, Decimal

from market.events import Side
from market.resolution import Resolution

# What a mantissa may have: 18 digits always fit 64 bits, and floats (17 digits) always fit 18.
MAX_DIGITS = 18
MAX_DECIMALS = 30

Amount = tuple[int, int]
"""A number: (mantissa, decimals), the value being mantissa / 10 ** decimals."""

# Prices of one bar can have 18 digits in front of the point and 30 behind: more than Decimal's usual 28.
_EXACT = Context(prec=100)
RESOLUTIONS = tuple(Resolution)
_UNITS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(MAX_DECIMALS + MAX_DIGITS + 1))
_SIDES: tuple[Side | None, ...] = (None, "buy", "sell")


def decimal_of(mantissa: int, decimals: int) -> Decimal:
    """Return mantissa / 10 ** decimals exactly; decimals are 0 to 48."""
    return _EXACT.multiply(Decimal(mantissa), _UNITS[decimals])


def at_decimals(amount: Amount, decimals: int) -> int:
    """Return the amount's mantissa at `decimals`, which must not be fewer than its own."""
    return int(amount[0] * 10 ** (decimals - amount[1]))


def exceeds(left: Amount, right: Amount) -> bool:
    """Say whether left > right, exactly."""
    if left[1] == right[1]:
        return left[0] > right[0]
    decimals = max(left[1], right[1])
    return at_decimals(left, decimals) > at_decimals(right, decimals)


def shortest(amount: Amount) -> Amount:
    """Return the same number without trailing zeros behind the point."""
    mantissa, decimals = amount
    while decimals and mantissa % 10 == 0:
        mantissa, decimals = mantissa // 10, decimals - 1
    return mantissa, decimals


class AmountColumn:
    """Exact numbers, nine bytes each."""

    __slots__ = ("_decimals", "_mantissas")

    def __init__(self) -> None:
        """Start empty."""
        self._mantissas = array("q")
        self._decimals = array("b")

    def append(self, amount: Amount) -> None:
        """Add one. OverflowError: it has more digits or decimals than `MAX_DIGITS` and `MAX_DECIMALS`."""
        self._mantissas.append(amount[0])
        self._decimals.append(amount[1])

    def amount(self, index: int) -> Amount:
        """Return one as (mantissa, decimals)."""
        return self._mantissas[index], self._decimals[index]

    def decimal(self, index: int) -> Decimal:
        """Return one as an exact Decimal."""
        return decimal_of(self._mantissas[index], self._decimals[index])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._mantissas)


class TextColumn:
    """Short texts behind one another in one buffer; eight bytes each beside the text."""

    __slots__ = ("_buffer", "_ends")

    def __init__(self) -> None:
        """Start empty."""
        self._buffer = bytearray()
        self._ends = array("Q")

    def append(self, text: str) -> None:
        """Add one."""
        self._buffer += text.encode()
        self._ends.append(len(self._buffer))

    def text(self, index: int) -> str:
        """Return one."""
        start = self._ends[index - 1] if index else 0
        return self._buffer[start : self._ends[index]].decode()


class TradeRows:
    """Trades in order of time. `times` are ms since the epoch; `symbols` index `names`.

    `trade_ids` is None where the file has no such column; an empty text there means none for that row.
    """

    def __init__(self, *, has_ids: bool) -> None:
        """Start empty."""
        self.names: list[str] = []
        self.times = array("q")
        self.symbols = array("I")
        self.prices = AmountColumn()
        self.volumes = AmountColumn()
        self.trade_ids = TextColumn() if has_ids else None
        self._sides = bytearray()

    def append(
        self, time: int, symbol: int, price: Amount, volume: Amount, trade_id: str = "", side: Side | None = None
    ) -> None:
        """Add a trade that isn't earlier than the last."""
        self.prices.append(price)
        self.volumes.append(volume)
        self.times.append(time)
        self.symbols.append(symbol)
        if self.trade_ids is not None:
            self.trade_ids.append(trade_id)
        self._sides.append(_SIDES.index(side))

    def side(self, index: int) -> Side | None:
        """Return a trade's side, where the file gave one."""
        return _SIDES[self._sides[index]]

    def __len__(self) -> int:
        """Return how many trades there are."""
        return len(self.times)


class BarRows:
    """Bars in order of their stamps. `times` are ms since the epoch as the file has them; `symbols` index `names`.

    `lines` is where each stood in its file, for faults that show later.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.names: list[str] = []
        self.times = array("q")
        self.symbols = array("I")
        self.lines = array("Q")
        self.opens = AmountColumn()
        self.highs = AmountColumn()
        self.lows = AmountColumn()
        self.closes = AmountColumn()
        self.volumes = AmountColumn()
        self._resolutions = array("B")

    def append(
        self, time: int, symbol: int, line: int, values: Sequence[Amount], resolution: Resolution = Resolution.DAY
    ) -> None:
        """Add a bar that isn't earlier than the last; `values` are open, high, low, close and volume."""
        columns = (self.opens, self.highs, self.lows, self.closes, self.volumes)
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        self.times.append(time)
        self.symbols.append(symbol)
        self.lines.append(line)
        self._resolutions.append(RESOLUTIONS.index(resolution))

    def resolution(self, index: int) -> Resolution:
        """Return a bar's resolution."""
        return RESOLUTIONS[self._resolutions[index]]

    def set_resolution(self, resolution: Resolution) -> None:
        """Give every bar this resolution."""
        self._resolutions = array("B", bytes([RESOLUTIONS.index(resolution)])) * len(self.times)

    def __len__(self) -> int:
        """Return how many bars there are."""
        return len(self.times)
