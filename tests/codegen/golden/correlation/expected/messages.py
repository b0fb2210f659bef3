# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, Never, TypeAlias

from .models import Ask, Bye, Tell
from .wire import DecodeError, Incoming, decode

__all__ = ["DecodeError", "Delivery", "FeedIncoming", "FeedOutgoing", "decode_feed"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

FeedIncoming: TypeAlias = Ask | Tell | Bye
"""What may come in over `/feed`."""

FeedOutgoing: TypeAlias = Never
"""What may go out over `/feed`, replies included."""

_FEED: Final[Mapping[str, Incoming[FeedIncoming]]] = {
    "ask": Incoming(
        model=Ask, correlation=("meta", "id"), wanted={"t": '"ask"', "meta": "an object", "meta.id": "a string"}
    ),
    "tell": Incoming(model=Tell, correlation=("id",), wanted={"t": '"tell"', "id": "an integer"}),
    "bye": Incoming(model=Bye, correlation=(), wanted={"t": '"bye"'}),
}


def decode_feed(frame: str | bytes) -> FeedIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _FEED, tag="t")
