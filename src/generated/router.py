# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .addresses import ParameterError, raw_path
from .channels import (
    ACCOUNT_BALANCES,
    BALANCES,
    BARS,
    CHANNELS,
    EXCHANGE_ORDERS,
    EXCHANGE_TICKERS,
    EXCHANGE_TRADES,
    ORDERS,
    TICKERS,
    TRADES,
    Channel,
    Parameters,
    Query,
    find_channel,
    parse_account_balances,
    parse_balances,
    parse_exchange_orders,
    parse_exchange_tickers,
    parse_exchange_trades,
    parse_orders,
    parse_tickers,
    parse_trades,
    read_account_balances_query,
    read_balances_query,
    read_exchange_orders_query,
    read_exchange_trades_query,
    read_orders_query,
    read_trades_query,
)
from .messages import (
    decode_account_balances,
    decode_balances,
    decode_bars,
    decode_exchange_orders,
    decode_exchange_tickers,
    decode_exchange_trades,
    decode_orders,
    decode_tickers,
    decode_trades,
    encode_account_balances,
    encode_balances,
    encode_bars,
    encode_exchange_orders,
    encode_exchange_tickers,
    encode_exchange_trades,
    encode_orders,
    encode_tickers,
    encode_trades,
)
from .operations import (
    AccountBalancesOperations,
    BalancesOperations,
    BarsOperations,
    ExchangeOrdersOperations,
    ExchangeTickersOperations,
    ExchangeTradesOperations,
    OrdersOperations,
    SessionT,
    TickersOperations,
    TradesOperations,
    dispatch_account_balances,
    dispatch_balances,
    dispatch_bars,
    dispatch_exchange_orders,
    dispatch_exchange_tickers,
    dispatch_exchange_trades,
    dispatch_orders,
    dispatch_tickers,
    dispatch_trades,
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
    bars: BarsOperations[SessionT],
    tickers: TickersOperations[SessionT],
    exchange_tickers: ExchangeTickersOperations[SessionT],
    trades: TradesOperations[SessionT],
    exchange_trades: ExchangeTradesOperations[SessionT],
    orders: OrdersOperations[SessionT],
    exchange_orders: ExchangeOrdersOperations[SessionT],
    balances: BalancesOperations[SessionT],
    account_balances: AccountBalancesOperations[SessionT],
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

    async def receive_bars(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_bars(await dispatch_bars(bars, session, decode_bars(frame)))

    async def receive_tickers(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_tickers(await dispatch_tickers(tickers, session, decode_tickers(frame)))

    async def receive_exchange_tickers(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_exchange_tickers(
            await dispatch_exchange_tickers(exchange_tickers, session, decode_exchange_tickers(frame))
        )

    async def receive_trades(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_trades(await dispatch_trades(trades, session, decode_trades(frame)))

    async def receive_exchange_trades(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_exchange_trades(
            await dispatch_exchange_trades(exchange_trades, session, decode_exchange_trades(frame))
        )

    async def receive_orders(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_orders(await dispatch_orders(orders, session, decode_orders(frame)))

    async def receive_exchange_orders(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_exchange_orders(
            await dispatch_exchange_orders(exchange_orders, session, decode_exchange_orders(frame))
        )

    async def receive_balances(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_balances(await dispatch_balances(balances, session, decode_balances(frame)))

    async def receive_account_balances(session: SessionT, frame: str | bytes) -> bytes | None:
        return encode_account_balances(
            await dispatch_account_balances(account_balances, session, decode_account_balances(frame))
        )

    receivers: Mapping[str, Receive[SessionT]] = {
        BARS.id: receive_bars,
        TICKERS.id: receive_tickers,
        EXCHANGE_TICKERS.id: receive_exchange_tickers,
        TRADES.id: receive_trades,
        EXCHANGE_TRADES.id: receive_exchange_trades,
        ORDERS.id: receive_orders,
        EXCHANGE_ORDERS.id: receive_exchange_orders,
        BALANCES.id: receive_balances,
        ACCOUNT_BALANCES.id: receive_account_balances,
    }
    parsers: Mapping[str, Callable[[bytes], Parameters | None]] = {
        TICKERS.id: parse_tickers,
        EXCHANGE_TICKERS.id: parse_exchange_tickers,
        TRADES.id: parse_trades,
        EXCHANGE_TRADES.id: parse_exchange_trades,
        ORDERS.id: parse_orders,
        EXCHANGE_ORDERS.id: parse_exchange_orders,
        BALANCES.id: parse_balances,
        ACCOUNT_BALANCES.id: parse_account_balances,
    }
    readers: Mapping[str, Callable[[Mapping[str, Any]], Query | None]] = {
        TRADES.id: read_trades_query,
        EXCHANGE_TRADES.id: read_exchange_trades_query,
        ORDERS.id: read_orders_query,
        EXCHANGE_ORDERS.id: read_exchange_orders_query,
        BALANCES.id: read_balances_query,
        ACCOUNT_BALANCES.id: read_account_balances_query,
    }

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

    @router.websocket(BARS.address, name=BARS.id)
    async def serve_bars(websocket: WebSocket) -> None:
        await enter(websocket, BARS)

    @router.websocket("/api/v1/cache/ws/tickers/{p0}", name=EXCHANGE_TICKERS.id)
    async def serve_exchange_tickers(websocket: WebSocket) -> None:
        await enter(websocket, EXCHANGE_TICKERS)

    @router.websocket("/api/v1/cache/ws/trades/{p0}", name=EXCHANGE_TRADES.id)
    async def serve_exchange_trades(websocket: WebSocket) -> None:
        await enter(websocket, EXCHANGE_TRADES)

    @router.websocket("/api/v1/cache/ws/orders/{p0}", name=EXCHANGE_ORDERS.id)
    async def serve_exchange_orders(websocket: WebSocket) -> None:
        await enter(websocket, EXCHANGE_ORDERS)

    @router.websocket("/api/v1/cache/ws/balances/{p0}", name=ACCOUNT_BALANCES.id)
    async def serve_account_balances(websocket: WebSocket) -> None:
        await enter(websocket, ACCOUNT_BALANCES)

    @router.websocket("/api/v1/cache/ws/balances/{p0}/{p1}", name=BALANCES.id)
    async def serve_balances(websocket: WebSocket) -> None:
        await enter(websocket, BALANCES)

    @router.websocket("/api/v1/cache/ws/tickers/{p0}/{p1:path}", name=TICKERS.id)
    async def serve_tickers(websocket: WebSocket) -> None:
        await enter(websocket, TICKERS)

    @router.websocket("/api/v1/cache/ws/trades/{p0}/{p1:path}", name=TRADES.id)
    async def serve_trades(websocket: WebSocket) -> None:
        await enter(websocket, TRADES)

    @router.websocket("/api/v1/cache/ws/orders/{p0}/{p1:path}", name=ORDERS.id)
    async def serve_orders(websocket: WebSocket) -> None:
        await enter(websocket, ORDERS)

    return router
