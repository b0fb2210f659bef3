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


Epoch: TypeAlias = Annotated[str, Field(max_length=64)]
"""Names one life of the stream. Positions of different epochs can't be compared."""


RequestId: TypeAlias = (
    Annotated[str, Field(max_length=64)] | Annotated[int, Field(ge=-9007199254740991, le=9007199254740991)]
)
"""Chosen by the client; the reply repeats it as it was sent."""


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


Timestamp: TypeAlias = int
"""Milliseconds since the epoch, UTC."""


class PongPayload(_Model):
    timestamp: Timestamp
    id: RequestId | MISSING = MISSING


class Pong(_Model):
    type: Literal["pong"] = "pong"
    payload: PongPayload
