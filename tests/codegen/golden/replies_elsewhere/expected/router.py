# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .channels import ANSWERS, ASK, ONLY, Channel
from .messages import decode_answers, decode_ask, decode_only, encode_ask, encode_only
from .operations import AskOperations, OnlyOperations, SessionT, dispatch_ask, dispatch_only

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


def create_router(serve: Serve[SessionT], *, ask: AskOperations[SessionT], only: OnlyOperations[SessionT]) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given."""
    router = APIRouter()

    async def receive_ask(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_ask(await dispatch_ask(ask, session, decode_ask(frame)))

    @router.websocket(ASK.address, name=ASK.id)
    async def serve_ask(websocket: WebSocket) -> None:
        await serve(Connection(websocket, ASK, receive_ask))

    async def receive_answers(session: SessionT, frame: str | bytes) -> bytes | None:
        decode_answers(frame)
        return None

    @router.websocket(ANSWERS.address, name=ANSWERS.id)
    async def serve_answers(websocket: WebSocket) -> None:
        await serve(Connection(websocket, ANSWERS, receive_answers))

    async def receive_only(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_only(await dispatch_only(only, session, decode_only(frame)))

    @router.websocket(ONLY.address, name=ONLY.id)
    async def serve_only(websocket: WebSocket) -> None:
        await serve(Connection(websocket, ONLY, receive_only))

    return router
