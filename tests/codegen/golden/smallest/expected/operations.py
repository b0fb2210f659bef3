# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import Note

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class NotesOperations(Protocol[SessionT_contra]):
    """notes: what comes in over `/notes`."""

    async def take_note(self, session: SessionT_contra, message: Note, /) -> None:
        """Handle takeNote."""
        ...


class UnimplementedNotesOperations:
    """Fits `NotesOperations`; each method raises NotImplementedError."""

    async def take_note(self, session: object, message: Note, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("takeNote")


async def dispatch_notes(operations: NotesOperations[SessionT], session: SessionT, message: Note) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Note():
            await operations.take_note(session, message)
        case _:
            assert_never(message)
