# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .addresses import ParameterError, raw_path
from .channels import ANY, LOOK, Channel, Parameters, find_channel, parse_any, parse_look
from .messages import decode_any, decode_look
from .operations import SessionT
from .refusals import Refusal

Receive: TypeAlias = Callable[[SessionT, str | bytes], Awaitable[bytes | None]]
"""Takes a session and a frame; decodes, dispatches, and returns the encoded reply, if any. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Connection(Generic[SessionT]):
    """A client that asks for a channel. It passed what the document demands, and is not accepted yet.

    `parameters`: what stands in its address, of the class that belongs to the channel; None where nothing does.
    """

    websocket: WebSocket
    channel: Channel
    receive: Receive[SessionT]
    parameters: Parameters | None


Serve: TypeAlias = Callable[[Connection[SessionT]], Awaitable[None]]
"""Written by hand: admits and accepts a client, and runs its connection until it ends."""

Refuse: TypeAlias = Callable[[WebSocket, Channel, Refusal], Awaitable[None]]
"""Written by hand: tells a client that it is not let in, by an HTTP answer or by accepting and closing."""


def create_router(serve: Serve[SessionT], refuse: Refuse) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given.

    A handshake is checked in this order:
    its address, as it was sent (404);
    the parameters of its address (422);
    and then it comes to `serve`.

    An address is a whole path: include the router without a prefix.
    """
    router = APIRouter()

    async def receive_any(session: SessionT, frame: str | bytes) -> bytes | None:
        decode_any(frame)
        return None

    async def receive_look(session: SessionT, frame: str | bytes) -> bytes | None:
        decode_look(frame)
        return None

    receivers: Mapping[str, Receive[SessionT]] = {ANY.id: receive_any, LOOK.id: receive_look}
    parsers: Mapping[str, Callable[[bytes], Parameters | None]] = {ANY.id: parse_any, LOOK.id: parse_look}

    async def enter(websocket: WebSocket, matched: Channel) -> None:
        path = raw_path(websocket.scope)
        channel = find_channel(path)  # the route that matched only saw the decoded path
        if channel is None:
            await refuse(websocket, matched, Refusal(404, "unknown_address", "There is no channel at this address."))
            return
        try:
            parameters = parsers[channel.id](path) if channel.id in parsers else None
        except ParameterError as error:
            await refuse(websocket, channel, Refusal(422, "invalid_parameter", str(error)))
            return
        await serve(Connection(websocket, channel, receivers[channel.id], parameters=parameters))

    @router.websocket("/any/{p0:path}", name=ANY.id)
    async def serve_any(websocket: WebSocket) -> None:
        await enter(websocket, ANY)

    @router.websocket("/{p0}/{p1}/{p2}/{p3}", name=LOOK.id)
    async def serve_look(websocket: WebSocket) -> None:
        await enter(websocket, LOOK)

    return router
