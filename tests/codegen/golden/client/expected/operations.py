# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import Heard, Refused, Said

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class ChatOperations(Protocol[SessionT_contra]):
    """Chat: what comes in over `/chat`."""

    async def hear(self, session: SessionT_contra, message: Heard, /) -> None:
        """Handle hear."""
        ...

    async def say_reply(self, session: SessionT_contra, message: Said | Refused, /) -> None:
        """Take the answer to say."""
        ...


class UnimplementedChatOperations:
    """Fits `ChatOperations`; each method raises NotImplementedError."""

    async def hear(self, session: object, message: Heard, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("hear")

    async def say_reply(self, session: object, message: Said | Refused, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("say")


async def dispatch_chat(
    operations: ChatOperations[SessionT], session: SessionT, message: Heard | Said | Refused
) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Heard():
            await operations.hear(session, message)
        case Said() | Refused():
            await operations.say_reply(session, message)
        case _:
            assert_never(message)
