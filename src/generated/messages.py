# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from .models import (
    BarsAck,
    BarsError,
    BarsSubscribe,
    BarsUnsubscribe,
    BarsUnsubscribeAck,
    BarsUpdate,
    Error,
    Ping,
    Pong,
    Shutdown,
)
from .wire import DecodeError, Incoming, decode, encode

__all__ = ["BarsIncoming", "BarsOutgoing", "DecodeError", "Delivery", "decode_bars", "delivery_bars", "encode_bars"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

BarsIncoming: TypeAlias = BarsSubscribe | BarsUnsubscribe | Ping
"""What may come in over `/api/v1/ws`."""

BarsOutgoing: TypeAlias = BarsAck | BarsUnsubscribeAck | Pong | BarsUpdate | BarsError | Error | Shutdown
"""What may go out over `/api/v1/ws`, replies included."""

_BARS: Final[Mapping[str, Incoming[BarsIncoming]]] = {
    "bars.subscribe": Incoming(
        model=BarsSubscribe,
        correlation=("payload", "id"),
        wanted={
            "type": '"bars.subscribe"',
            "payload": "an object",
            "payload.symbol": "a string of at most 128 characters",
            "payload.resolution": "a string of at most 64 characters",
            "payload.id": (
                "a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"
            ),
        },
    ),
    "bars.unsubscribe": Incoming(
        model=BarsUnsubscribe,
        correlation=("payload", "id"),
        wanted={
            "type": '"bars.unsubscribe"',
            "payload": "an object",
            "payload.symbol": "a string of at most 128 characters",
            "payload.resolution": "a string of at most 64 characters",
            "payload.id": (
                "a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"
            ),
        },
    ),
    "ping": Incoming(
        model=Ping,
        correlation=("payload", "id"),
        wanted={
            "type": '"ping"',
            "payload": "an object",
            "payload.id": (
                "a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"
            ),
        },
    ),
}


def decode_bars(frame: str | bytes) -> BarsIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _BARS, tag="type")


def encode_bars(message: BarsOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_bars(message: BarsOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    match message:
        case BarsUpdate():
            return "latest" if message.payload.final is False else "lossless"
        case _:
            return "lossless"
