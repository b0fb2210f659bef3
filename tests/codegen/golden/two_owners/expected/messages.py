# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from .models import Said, Say, Shout
from .wire import DecodeError, Incoming, decode, encode

__all__ = ["ChatIncoming", "ChatOutgoing", "DecodeError", "Delivery", "decode_chat", "delivery_chat", "encode_chat"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

ChatIncoming: TypeAlias = Say | Shout
"""What may come in over `/chat`."""

ChatOutgoing: TypeAlias = Said
"""What may go out over `/chat`, replies included."""

_CHAT: Final[Mapping[str, Incoming[ChatIncoming]]] = {
    "say": Incoming(model=Say, correlation=(), wanted={"type": '"say"', "text": "a string"}),
    "shout": Incoming(model=Shout, correlation=(), wanted={"type": '"shout"', "text": "a string"}),
}


def decode_chat(frame: str | bytes) -> ChatIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _CHAT, tag="type")


def encode_chat(message: ChatOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_chat(message: ChatOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"
