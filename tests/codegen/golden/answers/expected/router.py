# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .channels import CHAT, Channel
from .messages import decode_chat
from .operations import ChatOperations, SessionT, dispatch_chat

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


def create_router(serve: Serve[SessionT], *, chat: ChatOperations[SessionT]) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given."""
    router = APIRouter()

    async def receive_chat(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_chat(chat, session, decode_chat(frame))
        return None

    @router.websocket(CHAT.address, name=CHAT.id)
    async def serve_chat(websocket: WebSocket) -> None:
        await serve(Connection(websocket, CHAT, receive_chat))

    return router
