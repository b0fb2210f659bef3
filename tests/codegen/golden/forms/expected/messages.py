# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from typing import Final, Literal, TypeAlias

from .models import (
    Chunk,
    Count,
    Heard,
    Level,
    Line,
    Nothing,
    Numbers,
    Ping,
    Raw,
    Reversed,
    Something,
    Stop,
    Thing,
    Total,
    Words,
)
from .wire import BinaryFrame, Candidate, DecodeError, decode_first, encode

__all__ = [
    "AnyIncoming",
    "AnyOutgoing",
    "BinaryFrame",
    "DecodeError",
    "Delivery",
    "EchoIncoming",
    "EchoOutgoing",
    "ListsIncoming",
    "ListsOutgoing",
    "SoundIncoming",
    "SoundOutgoing",
    "decode_any",
    "decode_echo",
    "decode_lists",
    "decode_sound",
    "delivery_any",
    "delivery_echo",
    "delivery_lists",
    "delivery_sound",
    "encode_any",
    "encode_echo",
    "encode_lists",
    "encode_sound",
]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

EchoIncoming: TypeAlias = Line
"""What may come in over `/echo`."""

EchoOutgoing: TypeAlias = Reversed
"""What may go out over `/echo`, replies included."""

SoundIncoming: TypeAlias = Stop | Level | Heard | Chunk
"""What may come in over `/sound`."""

SoundOutgoing: TypeAlias = Raw | Heard | Level
"""What may go out over `/sound`, replies included."""

ListsIncoming: TypeAlias = Ping | Words | Numbers | Count
"""What may come in over `/lists`."""

ListsOutgoing: TypeAlias = Total
"""What may go out over `/lists`, replies included."""

AnyIncoming: TypeAlias = Something
"""What may come in over `/any`."""

AnyOutgoing: TypeAlias = Nothing | Thing
"""What may go out over `/any`, replies included."""

_ECHO: Final[tuple[Candidate[EchoIncoming], ...]] = (
    Candidate(name="line", model=Line, form="text", tests=(), correlation=(), wanted={}),
)


def decode_echo(frame: str | bytes) -> EchoIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _ECHO)


def encode_echo(message: EchoOutgoing) -> bytes:
    """Return the frame: JSON without blanks, or the text itself, in UTF-8.

    Raises ValueError for what a frame can't say: a number that is not finite, a lone surrogate.
    """
    match message:
        case Reversed():
            return message.root.encode()


def delivery_echo(message: EchoOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


_SOUND: Final[tuple[Candidate[SoundIncoming], ...]] = (
    Candidate(
        name="stop", model=Stop, form="json", tests=((("stop",), ()),), correlation=(), wanted={"stop": "true or false"}
    ),
    Candidate(name="level", model=Level, form="json", tests=(), correlation=(), wanted={}),
    Candidate(name="heard", model=Heard, form="text", tests=(), correlation=(), wanted={}),
    Candidate(name="chunk", model=Chunk, form="binary", tests=(), correlation=(), wanted={}),
)


def decode_sound(frame: str | bytes) -> SoundIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _SOUND)


def encode_sound(message: SoundOutgoing) -> bytes:
    """Return the frame: JSON without blanks, or the text itself, in UTF-8, or bytes: a BinaryFrame is not sent as
    text.

    Raises ValueError for what a frame can't say: a number that is not finite, a lone surrogate.
    """
    match message:
        case Heard():
            return message.root.encode()
        case Raw():
            return BinaryFrame(message.root)
        case _:
            return encode(message)


def delivery_sound(message: SoundOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


_LISTS: Final[tuple[Candidate[ListsIncoming], ...]] = (
    Candidate(name="ping", model=Ping, form="json", tests=(((), ("ping",)),), correlation=(), wanted={}),
    Candidate(
        name="words",
        model=Words,
        form="json",
        tests=((("words",), ()),),
        correlation=(),
        wanted={"words": "a list", "words[]": "a string"},
    ),
    Candidate(name="numbers", model=Numbers, form="json", tests=(), correlation=(), wanted={"[]": "an integer"}),
    Candidate(name="count", model=Count, form="json", tests=(), correlation=(), wanted={}),
)


def decode_lists(frame: str | bytes) -> ListsIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _LISTS)


def encode_lists(message: ListsOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_lists(message: ListsOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


_ANY: Final[tuple[Candidate[AnyIncoming], ...]] = (
    Candidate(name="something", model=Something, form="json", tests=(), correlation=(), wanted={}),
)


def decode_any(frame: str | bytes) -> AnyIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _ANY)


def encode_any(message: AnyOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_any(message: AnyOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"
