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


class AuthExpiringPayload(_Model):
    expires_at: int
    """When the connection's token expires, in milliseconds since the epoch, UTC."""


class AuthExpiring(_Model):
    type: Literal["auth.expiring"] = "auth.expiring"
    payload: AuthExpiringPayload


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


class CacheAuthExpiring(_Model):
    type: Literal["auth.expiring"] = "auth.expiring"
    expires_at: int
    """When the connection's token expires, in milliseconds since the epoch, UTC."""


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


class Gap(_Model):
    type: Literal["gap"] = "gap"
    epoch: Epoch
    key: str | None
    """The symbol or currency that the address narrows to; null for all."""
    from_seq: Annotated[int, Field(ge=0)]
    """The first position that is missing."""
    to_seq: Annotated[int, Field(ge=0)]
    """The last position that is missing."""


Initial: TypeAlias = bool
"""True for what stood when the connection was made. Absent in a change."""


class Limits(_Model):
    """What this server holds a client to, where its settings change the document's numbers."""

    frame_bytes: int
    frames_per_second: int | float
    frames_burst: int
    outbox_bytes: int
    outbox_age_ms: int
    ring_frames: int
    ring_age_ms: int


Prev: TypeAlias = Annotated[int, Field(ge=0)]
"""The `seq` of the stream's lossless frame before this one that has the same symbol or currency; 0 for the first."""


RequestId: TypeAlias = (
    Annotated[str, Field(max_length=64)] | Annotated[int, Field(ge=-9007199254740991, le=9007199254740991)]
)
"""Chosen by the client; the reply repeats it as it was sent."""


class AuthRefreshPayload(_Model):
    token: Annotated[str, Field(max_length=4096)]
    """A token of the same user."""
    id: RequestId | MISSING = MISSING


class AuthRefresh(_Model):
    type: Literal["auth.refresh"] = "auth.refresh"
    payload: AuthRefreshPayload


class CacheAuthRefresh(_Model):
    type: Literal["auth.refresh"] = "auth.refresh"
    token: Annotated[str, Field(max_length=4096)]
    """A token of the same user."""
    id: RequestId | MISSING = MISSING


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


class Ready(_Model):
    type: Literal["ready"] = "ready"
    epoch: Epoch
    seq: Seq
    recovered: bool
    """Whether the stream goes on at the position that the address asked for."""
    limits: Limits


class Resume(_Model):
    """The position of the last frame that the client holds. What came after it comes first."""

    epoch: Epoch
    seq: Seq


class ShutdownPayload(_Model):
    reconnect_after_ms: Annotated[int, Field(ge=0)]
    """Wait this long before connecting again. Each client gets another number, so that they spread."""


class Shutdown(_Model):
    type: Literal["shutdown"] = "shutdown"
    payload: ShutdownPayload


Status: TypeAlias = Literal["ok", "error"]


class AuthAckPayload(_Model):
    status: Status
    message: str
    """One sentence for a person to read."""
    expires_at: int | MISSING = MISSING
    """When the connection's token expires, in milliseconds since the epoch, UTC."""
    code: _ErrorCode | MISSING = MISSING
    id: RequestId | MISSING = MISSING


class AuthAck(_Model):
    type: Literal["auth.ack"] = "auth.ack"
    payload: AuthAckPayload


class CacheAuthAck(_Model):
    type: Literal["auth.ack"] = "auth.ack"
    status: Status
    message: str
    """One sentence for a person to read."""
    expires_at: int | MISSING = MISSING
    """When the connection's token expires, in milliseconds since the epoch, UTC."""
    code: _ErrorCode | MISSING = MISSING
    id: RequestId | MISSING = MISSING


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
    recovered: bool | MISSING = MISSING
    """Whether the subscription goes on at the position that `resume` gave; else `bars.reset` follows. Absent where
    nothing was to be resumed.
    """
    id: RequestId | MISSING = MISSING


class BarsAck(_Model):
    type: Literal["bars.ack"] = "bars.ack"
    payload: BarsAckPayload


class BarsCorrectionPayload(_Model):
    symbol: Symbol
    resolution: Resolution
    bar: Bar
    revision: Annotated[int, Field(ge=1)]
    """Counts the corrections of this bar."""
    epoch: Epoch
    seq: Seq
    prev: Annotated[int, Field(ge=0)]
    """The `seq` of the stream's lossless frame before this one."""
    timestamp: int
    """When the server sent it, in milliseconds since the epoch, UTC."""


class BarsCorrection(_Model):
    type: Literal["bars.correction"] = "bars.correction"
    payload: BarsCorrectionPayload


class BarsErrorPayload(_Model):
    symbol: Symbol
    resolution: Resolution
    code: _ErrorCode
    error: str
    """One sentence for a person to read."""


class BarsError(_Model):
    type: Literal["bars.error"] = "bars.error"
    payload: BarsErrorPayload


class BarsResetPayload(_Model):
    symbol: Symbol
    resolution: Resolution
    reason: Literal["other_epoch", "too_old", "unknown_position"]
    """`other_epoch`: the stream began anew. `too_old`: what came after the position is not kept any more.
    `unknown_position`: the stream has not come so far.
    """
    epoch: Epoch
    seq: Seq


class BarsReset(_Model):
    type: Literal["bars.reset"] = "bars.reset"
    payload: BarsResetPayload


class BarsSnapshotPayload(_Model):
    symbol: Symbol
    resolution: Resolution
    bars: Annotated[list[Bar], Field(max_length=5000)]
    epoch: Epoch
    seq: Seq


class BarsSnapshot(_Model):
    type: Literal["bars.snapshot"] = "bars.snapshot"
    payload: BarsSnapshotPayload


class BarsSubscribePayload(_Model):
    symbol: Symbol
    resolution: Annotated[str, Field(max_length=64)] = "1D"
    """See `Resolution`. The default is `1D`."""
    id: RequestId | MISSING = MISSING
    snapshot: Annotated[int, Field(ge=0, le=5000)] = 0
    """So many of the newest closed bars come first, in `bars.snapshot`."""
    resume: Resume | MISSING = MISSING
    conflate_ms: Annotated[int, Field(ge=0, le=60000)] = 0
    """The least time between two updates of an open bar, where it is more than the server's; rounded up to two
    digits. What is final comes at once.
    """


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
