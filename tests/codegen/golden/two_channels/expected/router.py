# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .channels import IN_BOX, SERVE, Channel
from .messages import decode_in_box, decode_serve
from .operations import InBoxOperations, ServeOperations, SessionT, dispatch_in_box, dispatch_serve

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


def create_router(
    serve: Serve[SessionT], *, in_box: InBoxOperations[SessionT], serve_: ServeOperations[SessionT]
) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given."""
    router = APIRouter()

    async def receive_in_box(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_in_box(in_box, session, decode_in_box(frame))
        return None

    @router.websocket(IN_BOX.address, name=IN_BOX.id)
    async def serve_in_box(websocket: WebSocket) -> None:
        await serve(Connection(websocket, IN_BOX, receive_in_box))

    async def receive_serve(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_serve(serve_, session, decode_serve(frame))
        return None

    @router.websocket(SERVE.address, name=SERVE.id)
    async def serve_serve(websocket: WebSocket) -> None:
        await serve(Connection(websocket, SERVE, receive_serve))

    return router
