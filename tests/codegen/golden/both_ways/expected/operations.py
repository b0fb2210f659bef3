# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import Bye, Ok, Word

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class TalkOperations(Protocol[SessionT_contra]):
    """talk: what comes in over `/talk`."""

    async def all(self, session: SessionT_contra, message: Word | Ok, /) -> None:
        """Handle all."""
        ...

    async def leave(self, session: SessionT_contra, message: Bye, /) -> Ok:
        """Handle leave."""
        ...


class UnimplementedTalkOperations:
    """Fits `TalkOperations`; each method raises NotImplementedError."""

    async def all(self, session: object, message: Word | Ok, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("all")

    async def leave(self, session: object, message: Bye, /) -> Ok:
        """Raise NotImplementedError."""
        raise NotImplementedError("leave")


async def dispatch_talk(operations: TalkOperations[SessionT], session: SessionT, message: Word | Ok | Bye) -> Ok | None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Word() | Ok():
            await operations.all(session, message)
            return None
        case Bye():
            return await operations.leave(session, message)
        case _:
            assert_never(message)
