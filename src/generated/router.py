# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .channels import BARS, CHANNELS, Channel
from .messages import decode_bars, encode_bars
from .operations import BarsOperations, SessionT, dispatch_bars
from .refusals import Refusal
from .security import Authenticator, PrincipalT, authenticate, missing_scope

Receive: TypeAlias = Callable[[SessionT, str | bytes], Awaitable[bytes | None]]
"""Takes a session and a frame; decodes, dispatches, and returns the encoded reply, if any. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Connection(Generic[SessionT, PrincipalT]):
    """A client that asks for a channel. It passed what the document demands, and is not accepted yet.

    `principal`: whom its token names, None where it has none.
    `subprotocol`: the one to accept it with, the first of the channel's that it offers.
    """

    websocket: WebSocket
    channel: Channel
    receive: Receive[SessionT]
    principal: PrincipalT | None
    subprotocol: str | None


Serve: TypeAlias = Callable[[Connection[SessionT, PrincipalT]], Awaitable[None]]
"""Written by hand: admits and accepts a client, and runs its connection until it ends."""

Refuse: TypeAlias = Callable[[WebSocket, Channel, Refusal], Awaitable[None]]
"""Written by hand: tells a client that it is not let in, by an HTTP answer or by accepting and closing."""


def admit_all(websocket: WebSocket) -> Refusal | None:
    """Refuse nobody."""
    return None


def create_router(
    serve: Serve[SessionT, PrincipalT],
    refuse: Refuse,
    *,
    authenticator: Authenticator[PrincipalT],
    admit: Callable[[WebSocket], Refusal | None] = admit_all,
    require_token: Collection[str] = (),
    bars: BarsOperations[SessionT],
) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given.

    A handshake is checked in this order:
    its token (401); `admit` (the Origin and the like; it sees every channel); its scopes (403);
    and then it comes to `serve`.

    `require_token`: ids of channels where a token is optional in the document and compulsory here.
    Raises ValueError for an id that is none of those channels'.
    """
    router = APIRouter()
    required = frozenset(require_token)
    unknown = required - {channel.id for channel in CHANNELS if channel.security is not None}
    if unknown:
        raise ValueError(f"No channel that knows a token has the id {', '.join(sorted(unknown))}.")

    async def enter(websocket: WebSocket, channel: Channel, receive: Receive[SessionT]) -> None:
        principal = await authenticate(websocket, channel, authenticator, required=channel.id in required)
        if isinstance(principal, Refusal):
            await refuse(websocket, channel, principal)
            return
        refusal = admit(websocket) or missing_scope(principal, channel)
        if refusal is not None:
            await refuse(websocket, channel, refusal)
            return
        offered = websocket.scope.get("subprotocols", [])
        subprotocol = next((name for name in channel.subprotocols if name in offered), None)
        await serve(Connection(websocket, channel, receive, principal=principal, subprotocol=subprotocol))

    async def receive_bars(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_bars(await dispatch_bars(bars, session, decode_bars(frame)))

    @router.websocket(BARS.address, name=BARS.id)
    async def serve_bars(websocket: WebSocket) -> None:
        await enter(websocket, BARS, receive_bars)

    return router
