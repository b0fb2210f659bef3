# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import Said, Say, Shout

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class ChatOperations(Protocol[SessionT_contra]):
    """Chat: what comes in over `/chat`."""

    async def say(self, session: SessionT_contra, message: Say, /) -> Said:
        """Handle say."""
        ...

    async def say_again(self, session: SessionT_contra, message: Shout, /) -> Said:
        """Handle say_again."""
        ...


class UnimplementedChatOperations:
    """Fits `ChatOperations`; each method raises NotImplementedError."""

    async def say(self, session: object, message: Say, /) -> Said:
        """Raise NotImplementedError."""
        raise NotImplementedError("say")

    async def say_again(self, session: object, message: Shout, /) -> Said:
        """Raise NotImplementedError."""
        raise NotImplementedError("say_again")


async def dispatch_chat(operations: ChatOperations[SessionT], session: SessionT, message: Say | Shout) -> Said:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Say():
            return await operations.say(session, message)
        case Shout():
            return await operations.say_again(session, message)
        case _:
            assert_never(message)
