# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, Never, TypeAlias

from .models import Note
from .wire import DecodeError, Incoming, decode

__all__ = ["DecodeError", "Delivery", "NotesIncoming", "NotesOutgoing", "decode_notes"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

NotesIncoming: TypeAlias = Note
"""What may come in over `/notes`."""

NotesOutgoing: TypeAlias = Never
"""What may go out over `/notes`, replies included."""

_NOTES: Final[Mapping[str, Incoming[NotesIncoming]]] = {
    "note": Incoming(
        model=Note,
        correlation=(),
        wanted={
            "level": "a list of 2 items",
            "level[]": "a number or a string or null",
            "levels": "a list that fits the rest of its schema",
            "levels[]": "any JSON value",
            "tags": "a list without duplicates",
            "tags[]": "a string",
            "step": "a number that is a multiple of 0.01",
            "some": ('one of "a", null, a number, a list or an object that is one of 1.5, "a", null, [1], {"b": 2}'),
            "shape": "an object that fits the rest of its schema",
            "order": "an object that fits the rest of its schema",
            "order.kind": 'one of "limit", "market"',
            "order.id": "a string",
            "either": "an object that fits the rest of its schema",
            "either.a": "a string",
            "either.b": "a string",
            "extended": "an object",
            "patterned": "an object that fits the rest of its schema",
            "patterned.*": "an integer",
            "code": "a string that matches ^\\d{3}$",
            "maybe": "a string or null",
            "never": "left out",
            "not_text": "any JSON value that fits the rest of its schema",
            "when": "a string",
            "huge": "an integer that is 100000000000000000000",
            "wrong": "an integer",
            "tree": "null or an object",
            "$type": "a string",
            "Literal": "an integer",
            "extra": "an object",
            "extra.a": "a string",
            "empty": "an object",
            "mapped": "an object",
            "mapped.*": "a string or an integer",
            "nowhere": "any JSON value",
        },
    )
}


def decode_notes(frame: str | bytes) -> NotesIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _NOTES, tag=None)
