"""Events: what a market says. Times are integer milliseconds since the epoch (UTC), by the event's own clock.

It never sees a client or a message.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

Side = Literal["buy", "sell"]


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade of one symbol.

    `symbol` is canonical (`nasdaq:AAPL`). `price` and `volume` are exact. `sequence` is the source's own order within
    one time, where it has one; `trade_id` identifies the trade within its symbol and drops doubles, where it is given.
    """

    symbol: str
    time: int
    price: Decimal
    volume: Decimal
    trade_id: str | None = None
    side: Side | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close and volume of the trades in [time, end)."""

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class MarketSink(Protocol):
    """Where a source puts its events, in the order of its own clock. Every call is synchronous and returns at once.

    Each life of an exchange's events, the first and each after `restarted`, is: any `history`, then `begins`, then
    `trade` and `clock`, then perhaps `ended`.
    """

    def trade(self, trade: Trade) -> None:
        """Take a trade that happened now, by the source's clock."""
        ...

    def history(self, trade: Trade) -> None:
        """Take a trade from before the source's start: it shapes bars that are open and is told to nobody."""
        ...

    def begins(self, exchange: str, time: int) -> None:
        """Take that the source starts at `time`: bars that have ended by then are history too, and told to nobody."""
        ...

    def clock(self, exchange: str, time: int) -> None:
        """Take the exchange's event clock: nothing before `time` is still to come, up to the lateness allowed."""
        ...

    def restarted(self, exchange: str) -> None:
        """Take that the exchange's events start over: what was known of it is void and a new epoch begins."""
        ...

    def ended(self, exchange: str) -> None:
        """Take that the exchange will have no further events."""
        ...
