# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import Leave, Said, Say, Shout

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class ChatOperations(Protocol[SessionT_contra]):
    """Chat: what comes in over `/chat`."""

    async def talk(self, session: SessionT_contra, message: Say | Shout, /) -> Said:
        """Handle talk."""
        ...

    async def leave(self, session: SessionT_contra, message: Leave, /) -> Said:
        """Handle leave."""
        ...


class UnimplementedChatOperations:
    """Fits `ChatOperations`; each method raises NotImplementedError."""

    async def talk(self, session: object, message: Say | Shout, /) -> Said:
        """Raise NotImplementedError."""
        raise NotImplementedError("talk")

    async def leave(self, session: object, message: Leave, /) -> Said:
        """Raise NotImplementedError."""
        raise NotImplementedError("leave")


async def dispatch_chat(operations: ChatOperations[SessionT], session: SessionT, message: Say | Shout | Leave) -> Said:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Say() | Shout():
            return await operations.talk(session, message)
        case Leave():
            return await operations.leave(session, message)
        case _:
            assert_never(message)
