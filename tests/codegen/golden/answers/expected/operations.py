# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import Said

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class ChatOperations(Protocol[SessionT_contra]):
    """Chat: what comes in over `/chat`."""

    async def hear_reply(self, session: SessionT_contra, message: Said, /) -> None:
        """Take the answer to hear."""
        ...


class UnimplementedChatOperations:
    """Fits `ChatOperations`; each method raises NotImplementedError."""

    async def hear_reply(self, session: object, message: Said, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("hear")


async def dispatch_chat(operations: ChatOperations[SessionT], session: SessionT, message: Said) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Said():
            await operations.hear_reply(session, message)
        case _:
            assert_never(message)
