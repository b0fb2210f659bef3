# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Models: the document's messages and schemas as frozen values. It knows no frame and no channel.

A member that may be absent has the type `T | MISSING`; `MISSING` (from pydantic) is what it holds then, and it is not
on the wire. `None` is JSON's null, and only allowed where the document allows null.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import MISSING, BaseModel, ConfigDict, Field

from .errors import ErrorCode

# A code on the wire is a string; strict validation alone would want the enum's member.
_ErrorCode: TypeAlias = Annotated[ErrorCode, Field(strict=False)]


class _Model(BaseModel):
    """Strict as JSON Schema is: no number from a string, no null for what is absent, no infinity."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        protected_namespaces=(),
    )


class Balance(_Model):
    """The member's name is the currency."""

    total: int | float
    free: int | float
    used: int | float
    """What stands behind open orders."""


class Bar(_Model):
    """Open, high, low, close and volume of the trades in one interval."""

    time: int
    """The interval's start, in milliseconds since the epoch, UTC."""
    open: int | float
    high: int | float
    low: int | float
    close: int | float
    volume: Annotated[int | float | MISSING, Field(ge=0.0)] = MISSING
    """The sum of the trades' volumes; absent where the source has none."""


class CacheShutdown(_Model):
    type: Literal["shutdown"] = "shutdown"
    reconnect_after_ms: Annotated[int, Field(ge=0)]
    """Wait this long before connecting again. Each client gets another number, so that they spread."""


Epoch: TypeAlias = Annotated[str, Field(max_length=64)]
"""Names one life of the stream. Positions of different epochs can't be compared."""


Exchange: TypeAlias = Annotated[str, Field(max_length=64)]
"""An exchange's name."""


ExchangeId: TypeAlias = Annotated[int, Field(ge=0)]
"""One account of the caller's at one exchange."""


ExchangeSymbol: TypeAlias = Annotated[str, Field(max_length=128)]
"""A symbol's name at its exchange, such as `BTC/USDT`."""


Initial: TypeAlias = bool
"""True for what stood when the connection was made. Absent in a change."""


Prev: TypeAlias = Annotated[int, Field(ge=0)]
"""The `seq` of the stream's lossless frame before this one that has the same symbol or currency; 0 for the first."""


RequestId: TypeAlias = (
    Annotated[str, Field(max_length=64)] | Annotated[int, Field(ge=-9007199254740991, le=9007199254740991)]
)
"""Chosen by the client; the reply repeats it as it was sent."""


class CacheError(_Model):
    type: Literal["error"] = "error"
    code: _ErrorCode
    message: str
    """One sentence for a person to read. It says what to do."""
    retry_after_ms: Annotated[int | MISSING, Field(ge=0)] = MISSING
    """Wait this long before the next frame."""
    id: RequestId | MISSING = MISSING


class CachePing(_Model):
    type: Literal["ping"] = "ping"
    id: RequestId | MISSING = MISSING


class ErrorPayload(_Model):
    code: _ErrorCode
    message: str
    """One sentence for a person to read. It says what to do."""
    retry_after_ms: Annotated[int | MISSING, Field(ge=0)] = MISSING
    """Wait this long before the next frame."""
    id: RequestId | MISSING = MISSING


class Error(_Model):
    type: Literal["error"] = "error"
    payload: ErrorPayload


class PingPayload(_Model):
    id: RequestId | MISSING = MISSING


class Ping(_Model):
    type: Literal["ping"] = "ping"
    payload: PingPayload | MISSING = MISSING


Resolution: TypeAlias = Annotated[str, Field(max_length=64)]
"""One of `1 3 5 15 30 60 120 240 1D 1W 1M`, or an alias: `1m 5m 15m 30m 1h 4h 1d D 1w W M`. Anything else is
answered with the code `unsupported_resolution`.
"""


Seq: TypeAlias = Annotated[int, Field(ge=0)]
"""The stream's position, the count of its lossless frames in this epoch."""


class Balances(_Model):
    model_config = ConfigDict(extra="allow")
    # Pydantic's own way to type further members; it declares the attribute as a plain dictionary.
    __pydantic_extra__: dict[str, Balance]  # pyright: ignore[reportIncompatibleVariableOverride]
    type: Literal["balances"] = "balances"
    exchange_id: ExchangeId
    timestamp: int
    """When the balance changed, in milliseconds since the epoch, UTC."""
    seq: Seq
    prev: Prev
    initial: Initial | MISSING = MISSING


class Order(_Model):
    type: Literal["order"] = "order"
    exchange: Exchange
    exchange_id: ExchangeId
    order_id: Annotated[str, Field(max_length=64)]
    symbol: ExchangeSymbol
    side: Literal["buy", "sell"]
    order_type: Literal["limit", "market"]
    volume: Annotated[int | float, Field(ge=0.0)]
    """The whole order, in the base currency."""
    filled: Annotated[int | float, Field(ge=0.0)]
    """What of it is filled."""
    remaining: Annotated[int | float, Field(ge=0.0)]
    """`volume` less `filled`."""
    price: int | float | None
    """The limit; null for a market order."""
    average: int | float | None
    """The average price of its fills; null while there is none."""
    cost: Annotated[int | float | MISSING, Field(ge=0.0)] = MISSING
    """The sum over its fills of price times volume, in the quote currency."""
    fee: Annotated[int | float | MISSING, Field(ge=0.0)] = MISSING
    """The fees of its fills, in the quote currency."""
    status: Literal["open", "closed", "canceled", "expired", "rejected"]
    """`closed`: filled as a whole."""
    timestamp: int
    """When the order changed, in milliseconds since the epoch, UTC."""
    seq: Seq
    prev: Prev
    initial: Initial | MISSING = MISSING


class ShutdownPayload(_Model):
    reconnect_after_ms: Annotated[int, Field(ge=0)]
    """Wait this long before connecting again. Each client gets another number, so that they spread."""


class Shutdown(_Model):
    type: Literal["shutdown"] = "shutdown"
    payload: ShutdownPayload


Status: TypeAlias = Literal["ok", "error"]


Symbol: TypeAlias = Annotated[str, Field(max_length=128)]
"""`EXCHANGE:SYMBOL`, or the bare symbol where only one exchange lists it."""


class BarsAckPayload(_Model):
    status: Status
    symbol: Symbol
    resolution: Resolution
    message: str
    """One sentence for a person to read."""
    code: _ErrorCode | MISSING = MISSING
    epoch: Epoch | MISSING = MISSING
    seq: Seq | MISSING = MISSING
    id: RequestId | MISSING = MISSING


class BarsAck(_Model):
    type: Literal["bars.ack"] = "bars.ack"
    payload: BarsAckPayload


class BarsErrorPayload(_Model):
    symbol: Symbol
    resolution: Resolution
    code: _ErrorCode
    error: str
    """One sentence for a person to read."""


class BarsError(_Model):
    type: Literal["bars.error"] = "bars.error"
    payload: BarsErrorPayload


class BarsSubscribePayload(_Model):
    symbol: Symbol
    resolution: Annotated[str, Field(max_length=64)] = "1D"
    """See `Resolution`. The default is `1D`."""
    id: RequestId | MISSING = MISSING


class BarsSubscribe(_Model):
    type: Literal["bars.subscribe"] = "bars.subscribe"
    payload: BarsSubscribePayload


class BarsUnsubscribeAckPayload(_Model):
    status: Status
    symbol: Symbol
    resolution: Resolution
    message: str
    """One sentence for a person to read."""
    code: _ErrorCode | MISSING = MISSING
    id: RequestId | MISSING = MISSING


class BarsUnsubscribeAck(_Model):
    type: Literal["bars.unsubscribe.ack"] = "bars.unsubscribe.ack"
    payload: BarsUnsubscribeAckPayload


class BarsUnsubscribePayload(_Model):
    symbol: Symbol
    resolution: Annotated[str, Field(max_length=64)] = "1D"
    """See `Resolution`. The default is `1D`."""
    id: RequestId | MISSING = MISSING


class BarsUnsubscribe(_Model):
    type: Literal["bars.unsubscribe"] = "bars.unsubscribe"
    payload: BarsUnsubscribePayload


class BarsUpdatePayload(_Model):
    symbol: Symbol
    resolution: Resolution
    bar: Bar
    timestamp: int
    """When the server sent it, in milliseconds since the epoch, UTC."""
    final: bool = False
    """True for the bar's last word, false while it is open."""
    seq: Seq | MISSING = MISSING
    prev: Annotated[int | MISSING, Field(ge=0)] = MISSING
    """The `seq` of the stream's lossless frame before this one. Only lossless frames carry it."""
    epoch: Epoch | MISSING = MISSING


class BarsUpdate(_Model):
    type: Literal["bars.update"] = "bars.update"
    payload: BarsUpdatePayload


class Ticker(_Model):
    type: Literal["ticker"] = "ticker"
    exchange: Exchange
    symbol: ExchangeSymbol
    time: int
    """When the last trade happened, in milliseconds since the epoch, UTC."""
    price: int | float
    """The last trade's price."""
    bid: int | float | None
    """The best price that is bid; null where the source has none."""
    ask: int | float | None
    """The best price that is asked; null where the source has none."""
    volume: Annotated[int | float, Field(ge=0.0)]
    """What was traded in the 24 hours up to `time`, in the base currency. The window moves in steps of 10 minutes."""
    open: int | float | MISSING = MISSING
    """The price of the first trade in the 24 hours up to `time`."""
    high: int | float | MISSING = MISSING
    """The highest price in the 24 hours up to `time`."""
    low: int | float | MISSING = MISSING
    """The lowest price in the 24 hours up to `time`."""
    change: int | float | MISSING = MISSING
    """`price` less `open`."""
    change_percent: int | float | MISSING = MISSING
    """`change` as a percentage of `open`, to two decimals."""
    seq: Annotated[int, Field(ge=0)]
    """The version of the exchange's tickers. It may skip; it never falls."""


Timestamp: TypeAlias = int
"""Milliseconds since the epoch, UTC."""


class CachePong(_Model):
    type: Literal["pong"] = "pong"
    timestamp: Timestamp
    id: RequestId | MISSING = MISSING


class PongPayload(_Model):
    timestamp: Timestamp
    id: RequestId | MISSING = MISSING


class Pong(_Model):
    type: Literal["pong"] = "pong"
    payload: PongPayload


class Trade(_Model):
    type: Literal["trade"] = "trade"
    exchange: Exchange
    symbol: ExchangeSymbol
    trade_id: Annotated[str, Field(max_length=64)]
    """Names the trade within its symbol."""
    timestamp: Timestamp
    price: int | float
    volume: Annotated[int | float, Field(ge=0.0)]
    side: Literal["buy", "sell"]
    """Whether the buyer or the seller took the other's offer. Where the source does not say, it is told by the
    price: higher than the trade before is a buy, lower a sell.
    """
    seq: Seq
    prev: Prev
