# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

from .models import (
    AuthAck,
    AuthRefresh,
    BarsAck,
    BarsSubscribe,
    BarsUnsubscribe,
    BarsUnsubscribeAck,
    CacheAuthAck,
    CacheAuthRefresh,
    CachePing,
    CachePong,
    Ping,
    Pong,
)

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class BarsOperations(Protocol[SessionT_contra]):
    """Bars: what comes in over `/api/v1/ws`."""

    async def subscribe_bars(self, session: SessionT_contra, message: BarsSubscribe, /) -> BarsAck:
        """Start receiving the bars of one symbol at one resolution.

        After the reply come the bar that is open, if there is one, and then its newest states. Subscribing again
        to the same spelling is `ok` and changes nothing.
        """
        ...

    async def unsubscribe_bars(self, session: SessionT_contra, message: BarsUnsubscribe, /) -> BarsUnsubscribeAck:
        """Stop receiving the bars of one symbol at one resolution.

        Symbol and resolution are spelt as they were when subscribing. No frame of the subscription follows the
        reply.
        """
        ...

    async def ping(self, session: SessionT_contra, message: Ping, /) -> Pong:
        """Ask whether the server is there, and for its time.

        For clients that can't send WebSocket pings, such as browsers.
        """
        ...

    async def refresh_bars(self, session: SessionT_contra, message: AuthRefresh, /) -> AuthAck:
        """Go on with a new token of the same user.

        The connection lives as long as the new token. A token of another user ends it with 4501; one that is bad
        is answered with status `error`, and the old one still counts.
        """
        ...


class UnimplementedBarsOperations:
    """Fits `BarsOperations`; each method raises NotImplementedError."""

    async def subscribe_bars(self, session: object, message: BarsSubscribe, /) -> BarsAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("subscribeBars")

    async def unsubscribe_bars(self, session: object, message: BarsUnsubscribe, /) -> BarsUnsubscribeAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("unsubscribeBars")

    async def ping(self, session: object, message: Ping, /) -> Pong:
        """Raise NotImplementedError."""
        raise NotImplementedError("ping")

    async def refresh_bars(self, session: object, message: AuthRefresh, /) -> AuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshBars")


async def dispatch_bars(
    operations: BarsOperations[SessionT],
    session: SessionT,
    message: BarsSubscribe | BarsUnsubscribe | Ping | AuthRefresh,
) -> BarsAck | BarsUnsubscribeAck | Pong | AuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case BarsSubscribe():
            return await operations.subscribe_bars(session, message)
        case BarsUnsubscribe():
            return await operations.unsubscribe_bars(session, message)
        case Ping():
            return await operations.ping(session, message)
        case AuthRefresh():
            return await operations.refresh_bars(session, message)
        case _:
            assert_never(message)


class TickersOperations(Protocol[SessionT_contra]):
    """Ticker of a symbol: what comes in over `/api/v1/cache/ws/tickers/{exchange}/{symbol}`."""

    async def ping_tickers(self, session: SessionT_contra, message: CachePing, /) -> CachePong:
        """Ask whether the server is there, and for its time."""
        ...

    async def refresh_tickers(self, session: SessionT_contra, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Go on with a new token of the same user."""
        ...


class UnimplementedTickersOperations:
    """Fits `TickersOperations`; each method raises NotImplementedError."""

    async def ping_tickers(self, session: object, message: CachePing, /) -> CachePong:
        """Raise NotImplementedError."""
        raise NotImplementedError("pingTickers")

    async def refresh_tickers(self, session: object, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshTickers")


async def dispatch_tickers(
    operations: TickersOperations[SessionT], session: SessionT, message: CachePing | CacheAuthRefresh
) -> CachePong | CacheAuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case CachePing():
            return await operations.ping_tickers(session, message)
        case CacheAuthRefresh():
            return await operations.refresh_tickers(session, message)
        case _:
            assert_never(message)


class ExchangeTickersOperations(Protocol[SessionT_contra]):
    """Tickers of an exchange: what comes in over `/api/v1/cache/ws/tickers/{exchange}`."""

    async def ping_exchange_tickers(self, session: SessionT_contra, message: CachePing, /) -> CachePong:
        """Ask whether the server is there, and for its time."""
        ...

    async def refresh_exchange_tickers(self, session: SessionT_contra, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Go on with a new token of the same user."""
        ...


class UnimplementedExchangeTickersOperations:
    """Fits `ExchangeTickersOperations`; each method raises NotImplementedError."""

    async def ping_exchange_tickers(self, session: object, message: CachePing, /) -> CachePong:
        """Raise NotImplementedError."""
        raise NotImplementedError("pingExchangeTickers")

    async def refresh_exchange_tickers(self, session: object, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshExchangeTickers")


async def dispatch_exchange_tickers(
    operations: ExchangeTickersOperations[SessionT], session: SessionT, message: CachePing | CacheAuthRefresh
) -> CachePong | CacheAuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case CachePing():
            return await operations.ping_exchange_tickers(session, message)
        case CacheAuthRefresh():
            return await operations.refresh_exchange_tickers(session, message)
        case _:
            assert_never(message)


class TradesOperations(Protocol[SessionT_contra]):
    """Trades of a symbol: what comes in over `/api/v1/cache/ws/trades/{exchange}/{symbol}`."""

    async def ping_trades(self, session: SessionT_contra, message: CachePing, /) -> CachePong:
        """Ask whether the server is there, and for its time."""
        ...

    async def refresh_trades(self, session: SessionT_contra, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Go on with a new token of the same user."""
        ...


class UnimplementedTradesOperations:
    """Fits `TradesOperations`; each method raises NotImplementedError."""

    async def ping_trades(self, session: object, message: CachePing, /) -> CachePong:
        """Raise NotImplementedError."""
        raise NotImplementedError("pingTrades")

    async def refresh_trades(self, session: object, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshTrades")


async def dispatch_trades(
    operations: TradesOperations[SessionT], session: SessionT, message: CachePing | CacheAuthRefresh
) -> CachePong | CacheAuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case CachePing():
            return await operations.ping_trades(session, message)
        case CacheAuthRefresh():
            return await operations.refresh_trades(session, message)
        case _:
            assert_never(message)


class ExchangeTradesOperations(Protocol[SessionT_contra]):
    """Trades of an exchange: what comes in over `/api/v1/cache/ws/trades/{exchange}`."""

    async def ping_exchange_trades(self, session: SessionT_contra, message: CachePing, /) -> CachePong:
        """Ask whether the server is there, and for its time."""
        ...

    async def refresh_exchange_trades(self, session: SessionT_contra, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Go on with a new token of the same user."""
        ...


class UnimplementedExchangeTradesOperations:
    """Fits `ExchangeTradesOperations`; each method raises NotImplementedError."""

    async def ping_exchange_trades(self, session: object, message: CachePing, /) -> CachePong:
        """Raise NotImplementedError."""
        raise NotImplementedError("pingExchangeTrades")

    async def refresh_exchange_trades(self, session: object, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshExchangeTrades")


async def dispatch_exchange_trades(
    operations: ExchangeTradesOperations[SessionT], session: SessionT, message: CachePing | CacheAuthRefresh
) -> CachePong | CacheAuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case CachePing():
            return await operations.ping_exchange_trades(session, message)
        case CacheAuthRefresh():
            return await operations.refresh_exchange_trades(session, message)
        case _:
            assert_never(message)


class OrdersOperations(Protocol[SessionT_contra]):
    """Own orders of a symbol: what comes in over `/api/v1/cache/ws/orders/{exchange}/{symbol}`."""

    async def ping_orders(self, session: SessionT_contra, message: CachePing, /) -> CachePong:
        """Ask whether the server is there, and for its time."""
        ...

    async def refresh_orders(self, session: SessionT_contra, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Go on with a new token of the same user."""
        ...


class UnimplementedOrdersOperations:
    """Fits `OrdersOperations`; each method raises NotImplementedError."""

    async def ping_orders(self, session: object, message: CachePing, /) -> CachePong:
        """Raise NotImplementedError."""
        raise NotImplementedError("pingOrders")

    async def refresh_orders(self, session: object, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshOrders")


async def dispatch_orders(
    operations: OrdersOperations[SessionT], session: SessionT, message: CachePing | CacheAuthRefresh
) -> CachePong | CacheAuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case CachePing():
            return await operations.ping_orders(session, message)
        case CacheAuthRefresh():
            return await operations.refresh_orders(session, message)
        case _:
            assert_never(message)


class ExchangeOrdersOperations(Protocol[SessionT_contra]):
    """Own orders at an exchange: what comes in over `/api/v1/cache/ws/orders/{exchange}`."""

    async def ping_exchange_orders(self, session: SessionT_contra, message: CachePing, /) -> CachePong:
        """Ask whether the server is there, and for its time."""
        ...

    async def refresh_exchange_orders(self, session: SessionT_contra, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Go on with a new token of the same user."""
        ...


class UnimplementedExchangeOrdersOperations:
    """Fits `ExchangeOrdersOperations`; each method raises NotImplementedError."""

    async def ping_exchange_orders(self, session: object, message: CachePing, /) -> CachePong:
        """Raise NotImplementedError."""
        raise NotImplementedError("pingExchangeOrders")

    async def refresh_exchange_orders(self, session: object, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshExchangeOrders")


async def dispatch_exchange_orders(
    operations: ExchangeOrdersOperations[SessionT], session: SessionT, message: CachePing | CacheAuthRefresh
) -> CachePong | CacheAuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case CachePing():
            return await operations.ping_exchange_orders(session, message)
        case CacheAuthRefresh():
            return await operations.refresh_exchange_orders(session, message)
        case _:
            assert_never(message)


class BalancesOperations(Protocol[SessionT_contra]):
    """Own balance in a currency: what comes in over `/api/v1/cache/ws/balances/{exchange_id}/{currency}`."""

    async def ping_balances(self, session: SessionT_contra, message: CachePing, /) -> CachePong:
        """Ask whether the server is there, and for its time."""
        ...

    async def refresh_balances(self, session: SessionT_contra, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Go on with a new token of the same user."""
        ...


class UnimplementedBalancesOperations:
    """Fits `BalancesOperations`; each method raises NotImplementedError."""

    async def ping_balances(self, session: object, message: CachePing, /) -> CachePong:
        """Raise NotImplementedError."""
        raise NotImplementedError("pingBalances")

    async def refresh_balances(self, session: object, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshBalances")


async def dispatch_balances(
    operations: BalancesOperations[SessionT], session: SessionT, message: CachePing | CacheAuthRefresh
) -> CachePong | CacheAuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case CachePing():
            return await operations.ping_balances(session, message)
        case CacheAuthRefresh():
            return await operations.refresh_balances(session, message)
        case _:
            assert_never(message)


class AccountBalancesOperations(Protocol[SessionT_contra]):
    """Own balances: what comes in over `/api/v1/cache/ws/balances/{exchange_id}`."""

    async def ping_account_balances(self, session: SessionT_contra, message: CachePing, /) -> CachePong:
        """Ask whether the server is there, and for its time."""
        ...

    async def refresh_account_balances(self, session: SessionT_contra, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Go on with a new token of the same user."""
        ...


class UnimplementedAccountBalancesOperations:
    """Fits `AccountBalancesOperations`; each method raises NotImplementedError."""

    async def ping_account_balances(self, session: object, message: CachePing, /) -> CachePong:
        """Raise NotImplementedError."""
        raise NotImplementedError("pingAccountBalances")

    async def refresh_account_balances(self, session: object, message: CacheAuthRefresh, /) -> CacheAuthAck:
        """Raise NotImplementedError."""
        raise NotImplementedError("refreshAccountBalances")


async def dispatch_account_balances(
    operations: AccountBalancesOperations[SessionT], session: SessionT, message: CachePing | CacheAuthRefresh
) -> CachePong | CacheAuthAck:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case CachePing():
            return await operations.ping_account_balances(session, message)
        case CacheAuthRefresh():
            return await operations.refresh_account_balances(session, message)
        case _:
            assert_never(message)
