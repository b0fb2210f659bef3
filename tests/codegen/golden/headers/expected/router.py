# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .addresses import ParameterError
from .channels import FEED, Channel, Headers, Query, read_feed_headers, read_feed_query
from .messages import decode_feed
from .operations import FeedOperations, SessionT, dispatch_feed
from .refusals import Refusal

Receive: TypeAlias = Callable[[SessionT, str | bytes], Awaitable[bytes | None]]
"""Takes a session and a frame; decodes, dispatches, and returns the encoded reply, if any. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Connection(Generic[SessionT]):
    """A client that asks for a channel. It passed what the document demands, and is not accepted yet.

    `query`: what stands in its query, of the class that belongs to the channel; None where nothing is asked for.
    `headers`: what stands in its headers, in the same way.
    """

    websocket: WebSocket
    channel: Channel
    receive: Receive[SessionT]
    query: Query | None
    headers: Headers | None


Serve: TypeAlias = Callable[[Connection[SessionT]], Awaitable[None]]
"""Written by hand: admits and accepts a client, and runs its connection until it ends."""

Refuse: TypeAlias = Callable[[WebSocket, Channel, Refusal], Awaitable[None]]
"""Written by hand: tells a client that it is not let in, by an HTTP answer or by accepting and closing."""


def create_router(serve: Serve[SessionT], refuse: Refuse, *, feed: FeedOperations[SessionT]) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given.

    A handshake is checked in this order:
    its query (422);
    its headers (422);
    and then it comes to `serve`.
    """
    router = APIRouter()
    readers: Mapping[str, Callable[[Mapping[str, Any]], Query | None]] = {FEED.id: read_feed_query}
    header_readers: Mapping[str, Callable[[Mapping[str, Any]], Headers | None]] = {FEED.id: read_feed_headers}

    async def enter(websocket: WebSocket, channel: Channel, receive: Receive[SessionT]) -> None:
        try:
            query = readers[channel.id](websocket.scope) if channel.id in readers else None
        except ParameterError as error:
            await refuse(websocket, channel, Refusal(422, "invalid_parameter", str(error)))
            return
        try:
            headers = header_readers[channel.id](websocket.scope) if channel.id in header_readers else None
        except ParameterError as error:
            await refuse(websocket, channel, Refusal(422, "invalid_parameter", str(error)))
            return
        await serve(Connection(websocket, channel, receive, query=query, headers=headers))

    async def receive_feed(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_feed(feed, session, decode_feed(frame))
        return None

    @router.websocket(FEED.address, name=FEED.id)
    async def serve_feed(websocket: WebSocket) -> None:
        await enter(websocket, FEED, receive_feed)

    return router
