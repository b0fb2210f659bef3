# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from typing import Literal, Never, TypeAlias

from .models import Draft, Event, Plain, State
from .wire import DecodeError, encode, refuse

__all__ = ["DecodeError", "Delivery", "FeedIncoming", "FeedOutgoing", "decode_feed", "delivery_feed", "encode_feed"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

FeedIncoming: TypeAlias = Never
"""What may come in over `/feed`."""

FeedOutgoing: TypeAlias = State | Event | Plain | Draft
"""What may go out over `/feed`, replies included."""


def decode_feed(frame: str | bytes) -> FeedIncoming:
    """Raise DecodeError: nothing may come in here."""
    raise refuse(frame)


def encode_feed(message: FeedOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_feed(message: FeedOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    match message:
        case State():
            return "latest"
        case Draft():
            return "latest" if message.body.in_ is True else "lossless"
        case _:
            return "lossless"
