# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from typing import Final, Literal, Never, TypeAlias

from .models import A, B
from .wire import Candidate, DecodeError, decode_first

__all__ = ["CIncoming", "COutgoing", "DecodeError", "Delivery", "decode_c"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

CIncoming: TypeAlias = A | B
"""What may come in over `/c`."""

COutgoing: TypeAlias = Never
"""What may go out over `/c`, replies included."""

_C: Final[tuple[Candidate[CIncoming], ...]] = (
    Candidate(
        name="a",
        model=A,
        form="json",
        tests=((("a",), ()),),
        correlation=("id",),
        wanted={"a": "an integer", "id": "an integer"},
    ),
    Candidate(
        name="b",
        model=B,
        form="json",
        tests=((("b",), ()),),
        correlation=("meta", "id"),
        wanted={"b": "an integer", "meta": "an object", "meta.id": "any JSON value"},
    ),
)


def decode_c(frame: str | bytes) -> CIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _C)
