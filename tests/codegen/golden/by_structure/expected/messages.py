# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from typing import Final, Literal, TypeAlias

from .models import Anything, Deep, Deeper, Done, Either, Event, Flag, Join, Number, Other, Say, Text, Typed
from .wire import Candidate, DecodeError, decode_first, encode

__all__ = ["ChatIncoming", "ChatOutgoing", "DecodeError", "Delivery", "decode_chat", "delivery_chat", "encode_chat"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

ChatIncoming: TypeAlias = Deep | Deeper | Typed | Event | Other | Number | Flag | Either | Say | Join | Text | Anything
"""What may come in over `/chat`."""

ChatOutgoing: TypeAlias = Done | Either
"""What may go out over `/chat`, replies included."""

_CHAT: Final[tuple[Candidate[ChatIncoming], ...]] = (
    Candidate(
        name="deep",
        model=Deep,
        form="json",
        tests=((("data", "kind"), ("deep",)), (("data",), ())),
        correlation=(),
        wanted={"data": "an object", "data.kind": '"deep"', "data.depth": "an integer"},
    ),
    Candidate(
        name="deeper",
        model=Deeper,
        form="json",
        tests=((("data", "kind"), ("deeper",)), (("data",), ())),
        correlation=(),
        wanted={"data": "an object", "data.kind": '"deeper"', "data.depth": "an integer"},
    ),
    Candidate(
        name="typed",
        model=Typed,
        form="json",
        tests=((("type",), ("typed",)),),
        correlation=(),
        wanted={"type": '"typed"', "text": "a string"},
    ),
    Candidate(
        name="event",
        model=Event,
        form="json",
        tests=((("event",), ("open", "close")),),
        correlation=(),
        wanted={"event": 'one of "open", "close"'},
    ),
    Candidate(
        name="other",
        model=Other,
        form="json",
        tests=((("event",), ("pause",)),),
        correlation=(),
        wanted={"event": '"pause"'},
    ),
    Candidate(name="number", model=Number, form="json", tests=((("op",), (1,)),), correlation=(), wanted={"op": "1"}),
    Candidate(name="flag", model=Flag, form="json", tests=((("op",), (True,)),), correlation=(), wanted={"op": "true"}),
    Candidate(name="either", model=Either, form="json", tests=((("type",), ("a", "b")),), correlation=(), wanted={}),
    Candidate(
        name="say",
        model=Say,
        form="json",
        tests=((("room",), ()), (("text",), ())),
        correlation=(),
        wanted={"room": "a string", "text": "a string"},
    ),
    Candidate(
        name="join", model=Join, form="json", tests=((("room",), ()),), correlation=(), wanted={"room": "a string"}
    ),
    Candidate(name="text", model=Text, form="json", tests=((("op",), ()),), correlation=(), wanted={"op": "a string"}),
    Candidate(name="anything", model=Anything, form="json", tests=(), correlation=(), wanted={"note": "a string"}),
)


def decode_chat(frame: str | bytes) -> ChatIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _CHAT)


def encode_chat(message: ChatOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_chat(message: ChatOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"
