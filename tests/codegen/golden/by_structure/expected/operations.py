# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import Anything, Deep, Deeper, Done, Either, Event, Flag, Join, Number, Other, Say, Text, Typed

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class ChatOperations(Protocol[SessionT_contra]):
    """chat: what comes in over `/chat`."""

    async def anything(self, session: SessionT_contra, message: Anything, /) -> None:
        """Handle anything."""
        ...

    async def join(self, session: SessionT_contra, message: Join, /) -> Done:
        """Handle join."""
        ...

    async def say(self, session: SessionT_contra, message: Say, /) -> Done | Either:
        """Handle say."""
        ...

    async def typed(self, session: SessionT_contra, message: Typed, /) -> None:
        """Handle typed."""
        ...

    async def events(self, session: SessionT_contra, message: Event | Other, /) -> None:
        """Handle events."""
        ...

    async def operate(self, session: SessionT_contra, message: Number | Flag | Text, /) -> None:
        """Handle operate."""
        ...

    async def dive(self, session: SessionT_contra, message: Deep | Deeper, /) -> None:
        """Handle dive."""
        ...

    async def choose(self, session: SessionT_contra, message: Either, /) -> None:
        """Handle choose."""
        ...


class UnimplementedChatOperations:
    """Fits `ChatOperations`; each method raises NotImplementedError."""

    async def anything(self, session: object, message: Anything, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("anything")

    async def join(self, session: object, message: Join, /) -> Done:
        """Raise NotImplementedError."""
        raise NotImplementedError("join")

    async def say(self, session: object, message: Say, /) -> Done | Either:
        """Raise NotImplementedError."""
        raise NotImplementedError("say")

    async def typed(self, session: object, message: Typed, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("typed")

    async def events(self, session: object, message: Event | Other, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("events")

    async def operate(self, session: object, message: Number | Flag | Text, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("operate")

    async def dive(self, session: object, message: Deep | Deeper, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("dive")

    async def choose(self, session: object, message: Either, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("choose")


async def dispatch_chat(
    operations: ChatOperations[SessionT],
    session: SessionT,
    message: Anything | Join | Say | Typed | Event | Other | Number | Flag | Text | Deep | Deeper | Either,
) -> Done | Either | None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Anything():
            await operations.anything(session, message)
            return None
        case Join():
            return await operations.join(session, message)
        case Say():
            return await operations.say(session, message)
        case Typed():
            await operations.typed(session, message)
            return None
        case Event() | Other():
            await operations.events(session, message)
            return None
        case Number() | Flag() | Text():
            await operations.operate(session, message)
            return None
        case Deep() | Deeper():
            await operations.dive(session, message)
            return None
        case Either():
            await operations.choose(session, message)
            return None
        case _:
            assert_never(message)
