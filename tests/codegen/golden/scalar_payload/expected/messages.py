# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from typing import Final, Literal, Never, TypeAlias

from .models import Note
from .wire import Candidate, DecodeError, decode_first

__all__ = ["DecodeError", "Delivery", "NotesIncoming", "NotesOutgoing", "decode_notes"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

NotesIncoming: TypeAlias = Note
"""What may come in over `/notes`."""

NotesOutgoing: TypeAlias = Never
"""What may go out over `/notes`, replies included."""

_NOTES: Final[tuple[Candidate[NotesIncoming], ...]] = (
    Candidate(name="note", model=Note, form="json", tests=(), correlation=(), wanted={}),
)


def decode_notes(frame: str | bytes) -> NotesIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _NOTES)
