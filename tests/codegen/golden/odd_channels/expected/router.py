# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .channels import (
    CHANNEL_1,
    CHANNELS_2,
    CHAT_ROOM,
    CHAT_ROOM_2,
    CLASS,
    CLASS_2,
    DECODE_CLASS,
    SERVE,
    SESSION,
    U6D88_U606F,
    UNNAMED,
    Channel,
)
from .messages import (
    decode_channel_1,
    decode_channels,
    decode_chat_room,
    decode_chat_room_2,
    decode_class_,
    decode_class_2,
    decode_decode_class,
    decode_serve,
    decode_session,
    decode_u6d88_u606f,
    decode_unnamed,
)
from .operations import (
    ChannelsOperations,
    ChatRoom2Operations,
    ChatRoomOperations,
    Class2Operations,
    ClassOperations,
    DecodeClassOperations,
    Schema1Operations,
    ServeOperations,
    SessionOperations,
    SessionT,
    U6d88U606fOperations,
    UnnamedOperations,
    dispatch_channel_1,
    dispatch_channels,
    dispatch_chat_room,
    dispatch_chat_room_2,
    dispatch_class_,
    dispatch_class_2,
    dispatch_decode_class,
    dispatch_serve,
    dispatch_session,
    dispatch_u6d88_u606f,
    dispatch_unnamed,
)

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
    serve: Serve[SessionT],
    *,
    class_: ClassOperations[SessionT],
    class_2: Class2Operations[SessionT],
    channels: ChannelsOperations[SessionT],
    chat_room: ChatRoomOperations[SessionT],
    chat_room_2: ChatRoom2Operations[SessionT],
    u6d88_u606f: U6d88U606fOperations[SessionT],
    channel_1: Schema1Operations[SessionT],
    serve_: ServeOperations[SessionT],
    session_: SessionOperations[SessionT],
    unnamed: UnnamedOperations[SessionT],
    channel_decode_class: DecodeClassOperations[SessionT],
) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given."""
    router = APIRouter()

    async def receive_class_(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_class_(class_, session, decode_class_(frame))
        return None

    @router.websocket(CLASS.address, name=CLASS.id)
    async def serve_class_(websocket: WebSocket) -> None:
        await serve(Connection(websocket, CLASS, receive_class_))

    async def receive_class_2(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_class_2(class_2, session, decode_class_2(frame))
        return None

    @router.websocket(CLASS_2.address, name=CLASS_2.id)
    async def serve_class_2(websocket: WebSocket) -> None:
        await serve(Connection(websocket, CLASS_2, receive_class_2))

    async def receive_channels(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_channels(channels, session, decode_channels(frame))
        return None

    @router.websocket(CHANNELS_2.address, name=CHANNELS_2.id)
    async def serve_channels(websocket: WebSocket) -> None:
        await serve(Connection(websocket, CHANNELS_2, receive_channels))

    async def receive_chat_room(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_chat_room(chat_room, session, decode_chat_room(frame))
        return None

    @router.websocket(CHAT_ROOM.address, name=CHAT_ROOM.id)
    async def serve_chat_room(websocket: WebSocket) -> None:
        await serve(Connection(websocket, CHAT_ROOM, receive_chat_room))

    async def receive_chat_room_2(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_chat_room_2(chat_room_2, session, decode_chat_room_2(frame))
        return None

    @router.websocket(CHAT_ROOM_2.address, name=CHAT_ROOM_2.id)
    async def serve_chat_room_2(websocket: WebSocket) -> None:
        await serve(Connection(websocket, CHAT_ROOM_2, receive_chat_room_2))

    async def receive_u6d88_u606f(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_u6d88_u606f(u6d88_u606f, session, decode_u6d88_u606f(frame))
        return None

    @router.websocket(U6D88_U606F.address, name=U6D88_U606F.id)
    async def serve_u6d88_u606f(websocket: WebSocket) -> None:
        await serve(Connection(websocket, U6D88_U606F, receive_u6d88_u606f))

    async def receive_channel_1(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_channel_1(channel_1, session, decode_channel_1(frame))
        return None

    @router.websocket(CHANNEL_1.address, name=CHANNEL_1.id)
    async def serve_channel_1(websocket: WebSocket) -> None:
        await serve(Connection(websocket, CHANNEL_1, receive_channel_1))

    async def receive_serve(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_serve(serve_, session, decode_serve(frame))
        return None

    @router.websocket(SERVE.address, name=SERVE.id)
    async def serve_serve(websocket: WebSocket) -> None:
        await serve(Connection(websocket, SERVE, receive_serve))

    async def receive_session(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_session(session_, session, decode_session(frame))
        return None

    @router.websocket(SESSION.address, name=SESSION.id)
    async def serve_session(websocket: WebSocket) -> None:
        await serve(Connection(websocket, SESSION, receive_session))

    async def receive_unnamed(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_unnamed(unnamed, session, decode_unnamed(frame))
        return None

    @router.websocket(UNNAMED.address, name=UNNAMED.id)
    async def serve_unnamed(websocket: WebSocket) -> None:
        await serve(Connection(websocket, UNNAMED, receive_unnamed))

    async def receive_decode_class(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_decode_class(channel_decode_class, session, decode_decode_class(frame))
        return None

    @router.websocket(DECODE_CLASS.address, name=DECODE_CLASS.id)
    async def serve_decode_class(websocket: WebSocket) -> None:
        await serve(Connection(websocket, DECODE_CLASS, receive_decode_class))

    return router
