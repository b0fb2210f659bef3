# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import BarsAck, BarsSubscribe, BarsUnsubscribe, BarsUnsubscribeAck, Ping, Pong

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class BarsOperations(Protocol[SessionT_contra]):
    """Bars: what comes in over `/api/v1/ws`."""

    async def subscribe_bars(self, session: SessionT_contra, message: BarsSubscribe, /) -> BarsAck:
        """Start receiving the bars of one symbol at one resolution.

        After the reply come the bar that is open, if there is one, and then its newest states. Subscribing again
        to the same spelling is `ok` and changes nothing.
        """
        ...

    async def unsubscribe_bars(self, session: SessionT_contra, message: BarsUnsubscribe, /) -> BarsUnsubscribeAck:
        """Stop receiving the bars of one symbol at one resolution.

        Symbol and resolution are spelt as they were when subscribing. No frame of the subscription follows the
        reply.
        """
        ...

    async def ping(self, session: SessionT_contra, message: Ping, /) -> Pong:
        """Ask whether the server is there, and for its time.

        For clients that can't send WebSocket pings, such as browsers.
        """
        ...


class UnimplementedBarsOperations:
    """Fits `BarsOperations`; each method raises NotImplementedError."""

    async def subscribe_bars(self, session: object, message: BarsSubscribe, /) -> BarsAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("subscribeBars")

    async def unsubscribe_bars(self, session: object, message: BarsUnsubscribe, /) -> BarsUnsubscribeAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("unsubscribeBars")

    async def ping(self, session: object, message: Ping, /) -> Pong:
        """Raise NotImplementedError."""
        raise NotImplementedError("ping")


async def dispatch_bars(
    operations: BarsOperations[SessionT], session: SessionT, message: BarsSubscribe | BarsUnsubscribe | Ping
) -> BarsAck | BarsUnsubscribeAck | Pong:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case BarsSubscribe():
            return await operations.subscribe_bars(session, message)
        case BarsUnsubscribe():
            return await operations.unsubscribe_bars(session, message)
        case Ping():
            return await operations.ping(session, message)
        case _:
            assert_never(message)
