# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .channels import TRADES, Channel
from .messages import decode_trades, encode_trades
from .operations import SessionT, TradesOperations, dispatch_trades

Receive: TypeAlias = Callable[[SessionT, str | bytes], Awaitable[bytes | None]]
"""Takes a session and a frame; decodes, dispatches, and returns the encoded reply, if any. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Connection(Generic[SessionT]):
    """A client that asks for a channel. It passed what the document demands, and is not accepted yet."""

    websocket: WebSocket
    channel: Channel
    receive: Receive[SessionT]


Serve: TypeAlias = Callable[[Connection[SessionT]], Awaitable[None]]
"""Written by hand: admits and accepts a client, and runs its connection until it ends."""


def create_router(serve: Serve[SessionT], *, trades: TradesOperations[SessionT]) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given."""
    router = APIRouter()

    async def receive_trades(session: SessionT, frame: str | bytes) -> bytes | None:
        reply = await dispatch_trades(trades, session, decode_trades(frame))
        return None if reply is None else encode_trades(reply)

    @router.websocket(TRADES.address, name=TRADES.id)
    async def serve_trades(websocket: WebSocket) -> None:
        await serve(Connection(websocket, TRADES, receive_trades))

    return router
