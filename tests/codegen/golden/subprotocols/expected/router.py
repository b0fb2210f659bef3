# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .channels import ROOM, Channel
from .messages import decode_room
from .operations import RoomOperations, SessionT, dispatch_room

Receive: TypeAlias = Callable[[SessionT, str | bytes], Awaitable[bytes | None]]
"""Takes a session and a frame; decodes, dispatches, and returns the encoded reply, if any. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Connection(Generic[SessionT]):
    """A client that asks for a channel. It passed what the document demands, and is not accepted yet.

    `subprotocol`: the one to accept it with, the first of the channel's that it offers.
    """

    websocket: WebSocket
    channel: Channel
    receive: Receive[SessionT]
    subprotocol: str | None


Serve: TypeAlias = Callable[[Connection[SessionT]], Awaitable[None]]
"""Written by hand: admits and accepts a client, and runs its connection until it ends."""


def create_router(serve: Serve[SessionT], *, room: RoomOperations[SessionT]) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given."""
    router = APIRouter()

    async def enter(websocket: WebSocket, channel: Channel, receive: Receive[SessionT]) -> None:
        offered = websocket.scope.get("subprotocols", [])
        subprotocol = next((name for name in channel.subprotocols if name in offered), None)
        await serve(Connection(websocket, channel, receive, subprotocol=subprotocol))

    async def receive_room(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_room(room, session, decode_room(frame))
        return None

    @router.websocket(ROOM.address, name=ROOM.id)
    async def serve_room(websocket: WebSocket) -> None:
        await enter(websocket, ROOM, receive_room)

    return router
