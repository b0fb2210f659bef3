# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, Never, TypeAlias

from .models import InBoxItem, ServeItem
from .wire import DecodeError, Incoming, decode

__all__ = [
    "DecodeError",
    "Delivery",
    "InBoxIncoming",
    "InBoxOutgoing",
    "ServeIncoming",
    "ServeOutgoing",
    "decode_in_box",
    "decode_serve",
]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

InBoxIncoming: TypeAlias = InBoxItem
"""What may come in over `/in`."""

InBoxOutgoing: TypeAlias = Never
"""What may go out over `/in`, replies included."""

ServeIncoming: TypeAlias = ServeItem
"""What may come in over `/out`."""

ServeOutgoing: TypeAlias = Never
"""What may go out over `/out`, replies included."""

_IN_BOX: Final[Mapping[str, Incoming[InBoxIncoming]]] = {
    "item": Incoming(model=InBoxItem, correlation=(), wanted={"a": "a string"})
}


def decode_in_box(frame: str | bytes) -> InBoxIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _IN_BOX, tag=None)


_SERVE: Final[Mapping[str, Incoming[ServeIncoming]]] = {
    "item": Incoming(model=ServeItem, correlation=(), wanted={"b": "a string"})
}


def decode_serve(frame: str | bytes) -> ServeIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _SERVE, tag=None)
