"""Access: who may connect, and how a refusal is told. It never reads a token itself, and never logs one."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from fastapi import WebSocket
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from gateway.tally import Tally
from gateway.telemetry import get_logger
from gateway.transport.carrier import address_of, carrier_in
from generated.channels import CHANNELS, Channel
from generated.errors import CloseCode
from generated.security import Refusal
from handlers.auth import AuthenticationError, Principal, TokenAuthenticator

UNKNOWN_ADDRESS = Refusal(404, "unknown_address", "There is no channel at this address. /asyncapi lists the addresses.")
RETRY_AFTER_S = 5
"""When a client that found no place, or a server that goes, may try again: as long as closing a connection may take."""
SUBPROTOCOLS = tuple(dict.fromkeys(name for channel in CHANNELS for name in channel.subprotocols))


class Authenticator:
    """Fits `generated.security.Authenticator`: the verified principal of a token, or why there is none."""

    def __init__(self, tokens: TokenAuthenticator) -> None:
        """Verify by `tokens`."""
        self._tokens = tokens

    async def authenticate(self, token: str, /) -> Principal | Refusal:
        """Return whom the token names; a refusal where it is bad."""
        try:
            return await self._tokens.authenticate(token)
        except AuthenticationError as error:
            return Refusal(401, "unauthorized", error.reason)


@dataclass(frozen=True, slots=True)
class OriginList:
    """The Origins whose pages may connect; `*` stands for any. What is no browser sends none and may."""

    origins: Collection[str]

    def admit(self, websocket: WebSocket) -> Refusal | None:
        """Return a refusal where the handshake's Origin is not on the list, or is given more than once."""
        given = websocket.headers.getlist("origin")
        if not given or "*" in self.origins:
            return None
        if len(given) == 1 and given[0] in self.origins:
            return None
        return Refusal(403, "forbidden", "This Origin may not connect. Add it to TAPECAST_ORIGINS on the server.")


@dataclass(frozen=True, slots=True)
class Refuser:
    """Tells a client that it is refused.

    By HTTP, with a JSON body `{code, message}`. Browsers don't show that, so a client that offers one of our
    subprotocols is accepted and closed with a code. `mode` "close" does so to every client, with 1008.
    """

    mode: Literal["http", "close"] = "http"
    tally: Tally = field(default_factory=Tally)

    async def refuse(self, websocket: WebSocket, channel: Channel | None, refusal: Refusal) -> None:
        """Refuse the handshake; log and count it."""
        self.tally.refused(refusal.status, refusal.code)
        carrier = carrier_in(websocket.scope)
        get_logger().info(
            "refuse",
            client="?" if carrier is None else address_of(carrier),
            path=websocket.scope["path"],
            status=refusal.status,
            code=refusal.code,
            why=refusal.message,
        )
        offered = websocket.scope.get("subprotocols", ())
        known = SUBPROTOCOLS if channel is None else channel.subprotocols
        subprotocol = next((name for name in known if name in offered), None)
        try:
            if carrier is not None and (subprotocol is not None or self.mode == "close"):
                await websocket.accept(subprotocol=subprotocol)
                carrier.close_with(close_code(refusal.status) if subprotocol else CloseCode.POLICY_VIOLATION)
            else:
                await websocket.send_denial_response(
                    JSONResponse(
                        {"code": refusal.code, "message": refusal.message},
                        status_code=refusal.status,
                        headers={"Retry-After": str(RETRY_AFTER_S)} if refusal.status in (429, 503) else None,
                    )
                )
        except WebSocketDisconnect:
            return  # the client did not wait for its answer

    async def refuse_unknown_address(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a handshake for an address that is not in the document."""
        await self.refuse(WebSocket(scope, receive, send), None, UNKNOWN_ADDRESS)


def close_code(status: int) -> CloseCode:
    """Return the close code that stands for a refusal's HTTP status."""
    match status:
        case 401 | 403:
            return CloseCode.POLICY_VIOLATION
        case 429:
            return CloseCode.CONNECTION_LIMIT
        case 503:
            return CloseCode.SHUTDOWN
        case _:
            return CloseCode.UNKNOWN_ADDRESS
