# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from typing import Literal, Never, TypeAlias

from .models import Heard
from .wire import DecodeError, encode, refuse

__all__ = ["ChatIncoming", "ChatOutgoing", "DecodeError", "Delivery", "decode_chat", "delivery_chat", "encode_chat"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

ChatIncoming: TypeAlias = Never
"""What may come in over `/chat`."""

ChatOutgoing: TypeAlias = Heard
"""What may go out over `/chat`, replies included."""


def decode_chat(frame: str | bytes) -> ChatIncoming:
    """Raise DecodeError: nothing may come in here."""
    raise refuse(frame)


def encode_chat(message: ChatOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_chat(message: ChatOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"
