# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .addresses import ParameterError
from .channels import HALL, ROOM, Channel, Query, read_room_query
from .messages import decode_hall, decode_room
from .operations import SessionT
from .refusals import Refusal

Receive: TypeAlias = Callable[[SessionT, str | bytes], Awaitable[bytes | None]]
"""Takes a session and a frame; decodes, dispatches, and returns the encoded reply, if any. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Connection(Generic[SessionT]):
    """A client that asks for a channel. It passed what the document demands, and is not accepted yet.

    `query`: what stands in its query, of the class that belongs to the channel; None where nothing is asked for.
    """

    websocket: WebSocket
    channel: Channel
    receive: Receive[SessionT]
    query: Query | None


Serve: TypeAlias = Callable[[Connection[SessionT]], Awaitable[None]]
"""Written by hand: admits and accepts a client, and runs its connection until it ends."""

Refuse: TypeAlias = Callable[[WebSocket, Channel, Refusal], Awaitable[None]]
"""Written by hand: tells a client that it is not let in, by an HTTP answer or by accepting and closing."""


def create_router(serve: Serve[SessionT], refuse: Refuse) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given.

    A handshake is checked in this order:
    its query (422);
    and then it comes to `serve`.
    """
    router = APIRouter()
    readers: Mapping[str, Callable[[Mapping[str, Any]], Query | None]] = {ROOM.id: read_room_query}

    async def enter(websocket: WebSocket, channel: Channel, receive: Receive[SessionT]) -> None:
        try:
            query = readers[channel.id](websocket.scope) if channel.id in readers else None
        except ParameterError as error:
            await refuse(websocket, channel, Refusal(422, "invalid_parameter", str(error)))
            return
        await serve(Connection(websocket, channel, receive, query=query))

    async def receive_room(session: SessionT, frame: str | bytes) -> bytes | None:
        decode_room(frame)
        return None

    @router.websocket(ROOM.address, name=ROOM.id)
    async def serve_room(websocket: WebSocket) -> None:
        await enter(websocket, ROOM, receive_room)

    async def receive_hall(session: SessionT, frame: str | bytes) -> bytes | None:
        decode_hall(frame)
        return None

    @router.websocket(HALL.address, name=HALL.id)
    async def serve_hall(websocket: WebSocket) -> None:
        await enter(websocket, HALL, receive_hall)

    return router
