"""Events: what a market says. Times are integer milliseconds since the epoch (UTC), by the event's own clock.

It never sees a client or a message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from market.resolution import Resolution

Side = Literal["buy", "sell"]
OrderType = Literal["limit", "market"]
OrderStatus = Literal["open", "closed", "canceled", "expired", "rejected"]
"""`closed`: filled as a whole. Only an `open` order changes any more."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade of one symbol.

    `symbol` is canonical (`nasdaq:AAPL`). `price` and `volume` are exact. `sequence` is the source's own order within
    one time, where it has one; `trade_id` identifies the trade within its symbol and drops doubles, where it is given.
    `bid` and `ask` are the best prices after the trade, where the source knows them.
    """

    symbol: str
    time: int
    price: Decimal
    volume: Decimal
    trade_id: str | None = None
    side: Side | None = None
    sequence: int | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close and volume of the trades in [time, end)."""

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    """One user's account at one exchange. The user knows it as `exchange_id`; no user has two at one exchange.

    `currencies` are all that it can ever hold, in the order in which they are shown.
    """

    user_id: str
    exchange_id: int
    exchange: str
    currencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """How an order stands at `time`. `symbol` is canonical; volumes are in its base currency.

    `price` is the limit, None for a market order. `cost` is the sum over its fills of price times volume, `fee` what
    they cost beside, both in the quote currency.
    """

    account: Account
    order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    volume: Decimal
    filled: Decimal
    price: Decimal | None
    cost: Decimal
    fee: Decimal
    status: OrderStatus
    time: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds of a currency at `time`: `used` of the `total` stands behind open orders."""

    account: Account
    currency: str
    total: Decimal
    used: Decimal
    time: int

    @property
    def free(self) -> Decimal:
        """Return what stands behind no order."""
        return self.total - self.used


class AccountSink(Protocol):
    """Where an account's events go."""

    def order(self, order: Order) -> None:
        """Take how an order stands, after each change of it."""
        ...

    def balance(self, balance: Balance) -> None:
        """Take what an account holds of a currency, after each change of it."""
        ...


class MarketSink(Protocol):
    """Where a source puts its events, in the order of its own clock. Every call is synchronous and returns at once.

    Each life of an exchange's events, the first and each after `restarted`, is: any `history`, then `begins`, then
    `trade`, `clock`, `order` and `balance`, then perhaps `ended`. Right after `begins` each account of the exchange
    tells every balance and every open order that it has.
    """

    def trade(self, trade: Trade) -> None:
        """Take a trade that happened now, by the source's clock."""
        ...

    def history(self, trade: Trade) -> None:
        """Take a trade from before the source's start: it shapes bars that are open and is told to nobody."""
        ...

    def bust(self, symbol: str, trade_id: str) -> None:
        """Take that a trade of the symbol that was told is void."""
        ...

    def past_bars(self, symbol: str, resolution: Resolution, past: Sequence[Bar]) -> None:
        """Take closed bars from before every trade that is told, oldest first; in the time of `history`."""
        ...

    def begins(self, exchange: str, time: int) -> None:
        """Take that the source starts at `time`: bars that have ended by then are history too, and told to nobody."""
        ...

    def clock(self, exchange: str, time: int) -> None:
        """Take the exchange's event clock: nothing before `time` is still to come, up to the lateness allowed."""
        ...

    def order(self, order: Order) -> None:
        """Take how an order stands, after each change of it."""
        ...

    def balance(self, balance: Balance) -> None:
        """Take what an account holds of a currency, after each change of it."""
        ...

    def restarted(self, exchange: str) -> None:
        """Take that the exchange's events start over: what was known of it is void and a new epoch begins."""
        ...

    def ended(self, exchange: str) -> None:
        """Take that the exchange will have no further events."""
        ...
