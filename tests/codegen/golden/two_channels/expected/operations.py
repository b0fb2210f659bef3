# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import InBoxItem, ServeItem

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class InBoxOperations(Protocol[SessionT_contra]):
    """in-box: what comes in over `/in`."""

    async def take_item(self, session: SessionT_contra, message: InBoxItem, /) -> None:
        """Handle take.item."""
        ...


class UnimplementedInBoxOperations:
    """Fits `InBoxOperations`; each method raises NotImplementedError."""

    async def take_item(self, session: object, message: InBoxItem, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("take.item")


async def dispatch_in_box(operations: InBoxOperations[SessionT], session: SessionT, message: InBoxItem) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case InBoxItem():
            await operations.take_item(session, message)
        case _:
            assert_never(message)


class ServeOperations(Protocol[SessionT_contra]):
    """serve: what comes in over `/out`."""

    async def import_(self, session: SessionT_contra, message: ServeItem, /) -> None:
        """Handle import."""
        ...


class UnimplementedServeOperations:
    """Fits `ServeOperations`; each method raises NotImplementedError."""

    async def import_(self, session: object, message: ServeItem, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("import")


async def dispatch_serve(operations: ServeOperations[SessionT], session: SessionT, message: ServeItem) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case ServeItem():
            await operations.import_(session, message)
        case _:
            assert_never(message)
