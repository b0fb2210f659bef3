# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, Never, TypeAlias

from .models import Answer, Command, Hello, Note, Order, Question, Receipt, Welcome
from .wire import Candidate, DecodeError, Incoming, decode, decode_first, encode, refuse

__all__ = [
    "AnswersIncoming",
    "AnswersOutgoing",
    "AskIncoming",
    "AskOutgoing",
    "DecodeError",
    "Delivery",
    "OnlyIncoming",
    "OnlyOutgoing",
    "decode_answers",
    "decode_ask",
    "decode_only",
    "delivery_ask",
    "delivery_only",
    "encode_ask",
    "encode_only",
]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

AskIncoming: TypeAlias = Question | Order | Hello
"""What may come in over `/ask`."""

AskOutgoing: TypeAlias = Note | Receipt | Answer | Welcome
"""What may go out over `/ask`, replies included."""

AnswersIncoming: TypeAlias = Never
"""What may come in over `/answers`."""

AnswersOutgoing: TypeAlias = Never
"""What may go out over `/answers`, replies included."""

OnlyIncoming: TypeAlias = Command
"""What may come in over `/only`."""

OnlyOutgoing: TypeAlias = Receipt
"""What may go out over `/only`, replies included."""

_ASK: Final[tuple[Candidate[AskIncoming], ...]] = (
    Candidate(
        name="question",
        model=Question,
        form="json",
        tests=((("ask",), ()), (("to",), ())),
        correlation=(),
        wanted={"ask": "a string", "to": "a string"},
    ),
    Candidate(
        name="order",
        model=Order,
        form="json",
        tests=((("order",), ()),),
        correlation=(),
        wanted={"order": "an integer"},
    ),
    Candidate(
        name="hello", model=Hello, form="json", tests=((("hello",), ()),), correlation=(), wanted={"hello": "a string"}
    ),
)


def decode_ask(frame: str | bytes) -> AskIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _ASK)


def encode_ask(message: AskOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_ask(message: AskOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


def decode_answers(frame: str | bytes) -> AnswersIncoming:
    """Raise DecodeError: nothing may come in here."""
    raise refuse(frame)


_ONLY: Final[Mapping[str, Incoming[OnlyIncoming]]] = {
    "command": Incoming(model=Command, correlation=(), wanted={"command": "a string"})
}


def decode_only(frame: str | bytes) -> OnlyIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _ONLY, tag=None)


def encode_only(message: OnlyOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_only(message: OnlyOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"
