# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .addresses import ParameterError, raw_path
from .channels import (
    BOOK,
    CHANNELS,
    DESK,
    FIRST,
    LOAN,
    SHELF,
    Channel,
    Parameters,
    Query,
    find_channel,
    parse_book,
    parse_loan,
    parse_shelf,
    read_book_query,
)
from .messages import decode_book, decode_desk, decode_first, decode_loan, decode_shelf
from .operations import (
    BookOperations,
    DeskOperations,
    FirstOperations,
    LoanOperations,
    SessionT,
    ShelfOperations,
    dispatch_book,
    dispatch_desk,
    dispatch_first,
    dispatch_loan,
    dispatch_shelf,
)
from .refusals import Refusal
from .security import Authenticator, HasScopes, PrincipalT, authenticate, missing_scope

Receive: TypeAlias = Callable[[SessionT, str | bytes], Awaitable[bytes | None]]
"""Takes a session and a frame; decodes, dispatches, and returns the encoded reply, if any. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Connection(Generic[SessionT, PrincipalT]):
    """A client that asks for a channel. It passed what the document demands, and is not accepted yet.

    `parameters`: what stands in its address, of the class that belongs to the channel; None where nothing does.
    `query`: what stands in its query, of the class that belongs to the channel; None where nothing is asked for.
    `principal`: whom its token names, None where it has none.
    `subprotocol`: the one to accept it with, the first of the channel's that it offers.
    """

    websocket: WebSocket
    channel: Channel
    receive: Receive[SessionT]
    parameters: Parameters | None
    query: Query | None
    principal: PrincipalT | None
    subprotocol: str | None


Serve: TypeAlias = Callable[[Connection[SessionT, PrincipalT]], Awaitable[None]]
"""Written by hand: admits and accepts a client, and runs its connection until it ends."""

Refuse: TypeAlias = Callable[[WebSocket, Channel, Refusal], Awaitable[None]]
"""Written by hand: tells a client that it is not let in, by an HTTP answer or by accepting and closing."""


def admit_all(websocket: WebSocket) -> Refusal | None:
    """Refuse nobody."""
    return None


def permit_all(channel: Channel, parameters: Parameters | None, principal: HasScopes | None) -> Refusal | None:
    """Refuse nobody."""
    return None


def create_router(
    serve: Serve[SessionT, PrincipalT],
    refuse: Refuse,
    *,
    authenticator: Authenticator[PrincipalT],
    admit: Callable[[WebSocket], Refusal | None] = admit_all,
    permit: Callable[[Channel, Parameters | None, PrincipalT | None], Refusal | None] = permit_all,
    require_token: Collection[str] = (),
    desk: DeskOperations[SessionT],
    shelf: ShelfOperations[SessionT],
    first: FirstOperations[SessionT],
    book: BookOperations[SessionT],
    loan: LoanOperations[SessionT],
) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given.

    A handshake is checked in this order:
    its address, as it was sent (404);
    its token (401); `admit` (the Origin and the like; it sees every channel); its scopes (403);
    the parameters of its address (422);
    `permit` (whether its token may see what these name: 403);
    its query (422);
    and then it comes to `serve`.

    `require_token`: ids of channels where a token is optional in the document and compulsory here.
    Raises ValueError for an id that is none of those channels'.

    An address is a whole path: include the router without a prefix.
    """
    router = APIRouter()
    required = frozenset(require_token)
    unknown = required - {channel.id for channel in CHANNELS if channel.security is not None}
    if unknown:
        raise ValueError(f"No channel that knows a token has the id {', '.join(sorted(unknown))}.")

    async def receive_desk(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_desk(desk, session, decode_desk(frame))
        return None

    async def receive_shelf(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_shelf(shelf, session, decode_shelf(frame))
        return None

    async def receive_first(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_first(first, session, decode_first(frame))
        return None

    async def receive_book(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_book(book, session, decode_book(frame))
        return None

    async def receive_loan(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_loan(loan, session, decode_loan(frame))
        return None

    receivers: Mapping[str, Receive[SessionT]] = {
        DESK.id: receive_desk,
        SHELF.id: receive_shelf,
        FIRST.id: receive_first,
        BOOK.id: receive_book,
        LOAN.id: receive_loan,
    }
    parsers: Mapping[str, Callable[[bytes], Parameters | None]] = {
        SHELF.id: parse_shelf,
        BOOK.id: parse_book,
        LOAN.id: parse_loan,
    }
    readers: Mapping[str, Callable[[Mapping[str, Any]], Query | None]] = {BOOK.id: read_book_query}

    async def enter(websocket: WebSocket, matched: Channel) -> None:
        path = raw_path(websocket.scope)
        channel = find_channel(path)  # the route that matched only saw the decoded path
        if channel is None:
            await refuse(websocket, matched, Refusal(404, "unknown_address", "There is no channel at this address."))
            return
        principal = await authenticate(websocket, channel, authenticator, required=channel.id in required)
        if isinstance(principal, Refusal):
            await refuse(websocket, channel, principal)
            return
        refusal = admit(websocket) or missing_scope(principal, channel)
        if refusal is not None:
            await refuse(websocket, channel, refusal)
            return
        try:
            parameters = parsers[channel.id](path) if channel.id in parsers else None
        except ParameterError as error:
            await refuse(websocket, channel, Refusal(422, "invalid_parameter", str(error)))
            return
        refusal = permit(channel, parameters, principal)
        if refusal is not None:
            await refuse(websocket, channel, refusal)
            return
        try:
            query = readers[channel.id](websocket.scope) if channel.id in readers else None
        except ParameterError as error:
            await refuse(websocket, channel, Refusal(422, "invalid_parameter", str(error)))
            return
        offered = websocket.scope.get("subprotocols", [])
        subprotocol = next((name for name in channel.subprotocols if name in offered), None)
        await serve(
            Connection(
                websocket,
                channel,
                receivers[channel.id],
                parameters=parameters,
                query=query,
                principal=principal,
                subprotocol=subprotocol,
            )
        )

    @router.websocket(DESK.address, name=DESK.id)
    async def serve_desk(websocket: WebSocket) -> None:
        await enter(websocket, DESK)

    @router.websocket(FIRST.address, name=FIRST.id)
    async def serve_first(websocket: WebSocket) -> None:
        await enter(websocket, FIRST)

    @router.websocket("/shelves/{p0}", name=SHELF.id)
    async def serve_shelf(websocket: WebSocket) -> None:
        await enter(websocket, SHELF)

    @router.websocket("/loans/{p0}/{p1}", name=LOAN.id)
    async def serve_loan(websocket: WebSocket) -> None:
        await enter(websocket, LOAN)

    @router.websocket("/shelves/{p0}/{p1:path}", name=BOOK.id)
    async def serve_book(websocket: WebSocket) -> None:
        await enter(websocket, BOOK)

    return router
