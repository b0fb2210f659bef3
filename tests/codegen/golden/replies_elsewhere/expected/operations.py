# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import Answer, Command, Hello, Note, Order, Question, Receipt, Welcome

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class AskOperations(Protocol[SessionT_contra]):
    """ask: what comes in over `/ask`."""

    async def ask(self, session: SessionT_contra, message: Question, /) -> Note:
        """Handle ask."""
        ...

    async def order(self, session: SessionT_contra, message: Order, /) -> Receipt | Answer:
        """Handle order."""
        ...

    async def greet(self, session: SessionT_contra, message: Hello, /) -> Welcome:
        """Handle greet."""
        ...


class UnimplementedAskOperations:
    """Fits `AskOperations`; each method raises NotImplementedError."""

    async def ask(self, session: object, message: Question, /) -> Note:
        """Raise NotImplementedError."""
        raise NotImplementedError("ask")

    async def order(self, session: object, message: Order, /) -> Receipt | Answer:
        """Raise NotImplementedError."""
        raise NotImplementedError("order")

    async def greet(self, session: object, message: Hello, /) -> Welcome:
        """Raise NotImplementedError."""
        raise NotImplementedError("greet")


async def dispatch_ask(
    operations: AskOperations[SessionT], session: SessionT, message: Question | Order | Hello
) -> Note | Receipt | Answer | Welcome:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Question():
            return await operations.ask(session, message)
        case Order():
            return await operations.order(session, message)
        case Hello():
            return await operations.greet(session, message)
        case _:
            assert_never(message)


class OnlyOperations(Protocol[SessionT_contra]):
    """only: what comes in over `/only`."""

    async def command(self, session: SessionT_contra, message: Command, /) -> Receipt:
        """Handle command."""
        ...


class UnimplementedOnlyOperations:
    """Fits `OnlyOperations`; each method raises NotImplementedError."""

    async def command(self, session: object, message: Command, /) -> Receipt:
        """Raise NotImplementedError."""
        raise NotImplementedError("command")


async def dispatch_only(operations: OnlyOperations[SessionT], session: SessionT, message: Command) -> Receipt:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Command():
            return await operations.command(session, message)
        case _:
            assert_never(message)
