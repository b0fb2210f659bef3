# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import A, B

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class COperations(Protocol[SessionT_contra]):
    """c: what comes in over `/c`."""

    async def take(self, session: SessionT_contra, message: A | B, /) -> None:
        """Handle take."""
        ...


class UnimplementedCOperations:
    """Fits `COperations`; each method raises NotImplementedError."""

    async def take(self, session: object, message: A | B, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("take")


async def dispatch_c(operations: COperations[SessionT], session: SessionT, message: A | B) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case A() | B():
            await operations.take(session, message)
        case _:
            assert_never(message)
