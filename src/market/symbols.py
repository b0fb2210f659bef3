"""Symbols: what is traded where, and which of them a client's text names. It never sees a client or a trade."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from market.calendar import TradingCalendar

DOLLAR = "USD"
"""The currency of a symbol whose name says none, such as a stock's."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One instrument at one exchange. Two symbols are equal when exchange and name are: the rest are properties.

    `synthetic`: its market is made up. `description`: its name for a person. `note`: what subscribers are told.
    """

    exchange: str
    name: str
    calendar: TradingCalendar = field(compare=False, repr=False)
    synthetic: bool = field(default=False, compare=False)
    description: str = field(default="", compare=False)
    note: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """Return the canonical text, `exchange:name`."""
        return f"{self.exchange}:{self.name}"

    @property
    def base(self) -> str:
        """Return the currency that is traded: `BTC` of `BTC/USDT`; a name that isn't two parts is one itself."""
        return self._pair()[0]

    @property
    def quote(self) -> str:
        """Return the currency that it is paid in: `USDT` of `BTC/USDT`; of a name that isn't two parts, `USD`."""
        return self._pair()[1]

    def _pair(self) -> tuple[str, str]:
        match self.name.split("/"):
            case [base, quote] if base and quote:
                return base, quote
            case _:
                return self.name, DOLLAR


class SymbolDirectory:
    """The symbols that this server knows, found by canonical text or, where only one fits, by the bare name."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        """Take every symbol once. ValueError: two symbols have one key, or an exchange's name contains a colon."""
        self._by_key: dict[str, Symbol] = {}
        by_name: dict[str, list[Symbol]] = {}
        for symbol in symbols:
            if not symbol.exchange or not symbol.name or ":" in symbol.exchange:
                raise ValueError(f"{symbol.key!r}: a symbol needs an exchange without a colon, and a name.")
            if symbol.key in self._by_key:
                raise ValueError(f"{symbol.key!r} is given twice: give each symbol of an exchange once.")
            self._by_key[symbol.key] = symbol
            by_name.setdefault(symbol.name, []).append(symbol)
        self._by_name = {name: tuple(found) for name, found in by_name.items()}

    def resolve(self, text: str) -> Symbol | None:
        """Return the symbol that `text` names: exactly `exchange:name`, or a bare name that only one exchange has."""
        symbol = self._by_key.get(text)
        if symbol is not None:
            return symbol
        found = self._by_name.get(text, ())
        return found[0] if len(found) == 1 else None

    def ambiguous(self, text: str) -> tuple[Symbol, ...]:
        """Return every symbol with this bare name, in the order given: for a text that asks the client to choose."""
        return self._by_name.get(text, ())

    def __iter__(self) -> Iterator[Symbol]:
        """Iterate over the symbols in the order given."""
        return iter(self._by_key.values())

    def __len__(self) -> int:
        """Return how many symbols there are."""
        return len(self._by_key)
