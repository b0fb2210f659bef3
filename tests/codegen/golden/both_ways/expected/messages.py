# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, Never, TypeAlias

from .models import Bye, Ok, Word
from .wire import DecodeError, Incoming, decode, encode, refuse

__all__ = [
    "DecodeError",
    "Delivery",
    "QuietIncoming",
    "QuietOutgoing",
    "SilentIncoming",
    "SilentOutgoing",
    "TalkIncoming",
    "TalkOutgoing",
    "decode_quiet",
    "decode_silent",
    "decode_talk",
    "delivery_talk",
    "encode_talk",
]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

TalkIncoming: TypeAlias = Word | Bye | Ok
"""What may come in over `/talk`."""

TalkOutgoing: TypeAlias = Ok | Word | Bye
"""What may go out over `/talk`, replies included."""

QuietIncoming: TypeAlias = Never
"""What may come in over `/quiet`."""

QuietOutgoing: TypeAlias = Never
"""What may go out over `/quiet`, replies included."""

SilentIncoming: TypeAlias = Never
"""What may come in over `/silent`."""

SilentOutgoing: TypeAlias = Never
"""What may go out over `/silent`, replies included."""

_TALK: Final[Mapping[str, Incoming[TalkIncoming]]] = {
    "word": Incoming(model=Word, correlation=(), wanted={"type": '"word"', "text": "a string"}),
    "bye": Incoming(model=Bye, correlation=(), wanted={"type": '"bye"'}),
    "ok": Incoming(model=Ok, correlation=(), wanted={"type": '"ok"'}),
}


def decode_talk(frame: str | bytes) -> TalkIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _TALK, tag="type")


def encode_talk(message: TalkOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_talk(message: TalkOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


def decode_quiet(frame: str | bytes) -> QuietIncoming:
    """Raise DecodeError: nothing may come in here."""
    raise refuse(frame)


def decode_silent(frame: str | bytes) -> SilentIncoming:
    """Raise DecodeError: nothing may come in here."""
    raise refuse(frame)
