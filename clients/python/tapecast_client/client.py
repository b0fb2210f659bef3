# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Client: Tapecast, a method for each channel, and a method for each request that one takes.

Each channel is a connection of its own. It knows no server but by its address.
"""

import asyncio
import random as random_
import ssl as tls
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import MISSING, Field, TypeAdapter

from . import messages, models, streams
from .addresses import checked, present, segment
from .codec import Undeclared, build, optional
from .connection import Carriage, Lost, Opened, Route, Settings, Token, check_url
from .errors import CloseCode
from .tracking import Missed, StreamConnection

SERVERS: Final[Mapping[str, str]] = {"local": "ws://127.0.0.1:8000"}
"""The document's servers: the address of each, by its name."""

_RECONNECT: Final[Mapping[int, tuple[bool, str]]] = {int(code): (code.reconnect, code.text) for code in CloseCode}


class BarsConnection(StreamConnection[messages.BarsMessage]):
    """Live bars by request and reply.

    It is at `/api/v1/ws`. Iterate over it for what the server pushes.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is connected yet. A client's method `bars` is the short way."""
        super().__init__(
            Route(
                name="bars",
                path="/api/v1/ws",
                query=present(**{}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=False),
                decoder=messages.BARS,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.BARS,
        )

    async def subscribe_bars(
        self,
        *,
        symbol: models.Symbol,
        resolution: str = "1D",
        id: models.RequestId | MISSING = MISSING,
        snapshot: int = 0,
        resume: models.Resume | MISSING = MISSING,
        conflate_ms: int = 0,
        timeout_s: float | None = None,
    ) -> models.BarsAck:
        """Start receiving the bars of one symbol at one resolution.

        After the reply come the bar that is open, if there is one, and then its newest states. Subscribing again
        to the same spelling is `ok` and changes nothing.

        `resolution`: See `Resolution`. The default is `1D`.

        `snapshot`: So many of the newest closed bars come first, in `bars.snapshot`.

        `conflate_ms`: The least time between two updates of an open bar, where it is more than the server's;
        rounded up to two digits. What is final comes at once.
        """
        message = build(
            models.BarsSubscribe,
            {
                "payload": {
                    "symbol": symbol,
                    "resolution": resolution,
                    "id": id,
                    "snapshot": snapshot,
                    "resume": resume,
                    "conflate_ms": conflate_ms,
                }
            },
        )
        return await self._request(messages.BARS_SUBSCRIBE_BARS, message, timeout_s)

    async def unsubscribe_bars(
        self,
        *,
        symbol: models.Symbol,
        resolution: str = "1D",
        id: models.RequestId | MISSING = MISSING,
        timeout_s: float | None = None,
    ) -> models.BarsUnsubscribeAck:
        """Stop receiving the bars of one symbol at one resolution.

        Symbol and resolution are spelt as they were when subscribing. No frame of the subscription follows the
        reply.

        `resolution`: See `Resolution`. The default is `1D`.
        """
        message = build(models.BarsUnsubscribe, {"payload": {"symbol": symbol, "resolution": resolution, "id": id}})
        return await self._request(messages.BARS_UNSUBSCRIBE_BARS, message, timeout_s)

    async def ping(self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None) -> models.Pong:
        """Ask whether the server is there, and for its time.

        For clients that can't send WebSocket pings, such as browsers.
        """
        message = build(models.Ping, {"payload": optional({"id": id})})
        return await self._request(messages.BARS_PING, message, timeout_s)

    async def refresh_bars(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.AuthAck:
        """Go on with a new token of the same user.

        The connection lives as long as the new token. A token of another user ends it with 4501; one that is bad
        is answered with status `error`, and the old one still counts.

        `token`: A token of the same user.
        """
        message = build(models.AuthRefresh, {"payload": {"token": token, "id": id}})
        return await self._request(messages.BARS_REFRESH_BARS, message, timeout_s)


class TickersConnection(StreamConnection[messages.TickersMessage]):
    """The last ticker of one symbol, then each change.

    It is at `/api/v1/cache/ws/tickers/{exchange}/{symbol}`. Iterate over it for what the server pushes, from the
    beginning on.
    """

    def __init__(self, settings: Settings, *, exchange: str, symbol: str) -> None:
        """Prepare; nothing is connected yet. A client's method `tickers` is the short way."""
        super().__init__(
            Route(
                name="tickers",
                path="/api/v1/cache/ws/tickers/"
                + segment("exchange", exchange)
                + "/"
                + segment("symbol", symbol, slashes=True),
                query=present(**{}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=True),
                decoder=messages.TICKERS,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.TICKERS,
        )

    async def ping_tickers(
        self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CachePong:
        """Ask whether the server is there, and for its time."""
        message = build(models.CachePing, {"id": id})
        return await self._request(messages.TICKERS_PING_TICKERS, message, timeout_s)

    async def refresh_tickers(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CacheAuthAck:
        """Go on with a new token of the same user.

        `token`: A token of the same user.
        """
        message = build(models.CacheAuthRefresh, {"token": token, "id": id})
        return await self._request(messages.TICKERS_REFRESH_TICKERS, message, timeout_s)


class ExchangeTickersConnection(StreamConnection[messages.ExchangeTickersMessage]):
    """The last ticker of each symbol of an exchange, then each change.

    It is at `/api/v1/cache/ws/tickers/{exchange}`. Iterate over it for what the server pushes, from the beginning
    on.
    """

    def __init__(self, settings: Settings, *, exchange: str) -> None:
        """Prepare; nothing is connected yet. A client's method `exchange_tickers` is the short way."""
        super().__init__(
            Route(
                name="exchangeTickers",
                path="/api/v1/cache/ws/tickers/" + segment("exchange", exchange),
                query=present(**{}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=True),
                decoder=messages.EXCHANGE_TICKERS,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.EXCHANGE_TICKERS,
        )

    async def ping_exchange_tickers(
        self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CachePong:
        """Ask whether the server is there, and for its time."""
        message = build(models.CachePing, {"id": id})
        return await self._request(messages.EXCHANGE_TICKERS_PING_EXCHANGE_TICKERS, message, timeout_s)

    async def refresh_exchange_tickers(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CacheAuthAck:
        """Go on with a new token of the same user.

        `token`: A token of the same user.
        """
        message = build(models.CacheAuthRefresh, {"token": token, "id": id})
        return await self._request(messages.EXCHANGE_TICKERS_REFRESH_EXCHANGE_TICKERS, message, timeout_s)


class TradesConnection(StreamConnection[messages.TradesMessage]):
    """Each public trade of one symbol.

    It is at `/api/v1/cache/ws/trades/{exchange}/{symbol}`. Iterate over it for what the server pushes, from the
    beginning on.
    """

    def __init__(self, settings: Settings, *, exchange: str, symbol: str, replay: int | None = None) -> None:
        """Prepare; nothing is connected yet. A client's method `trades` is the short way."""
        if replay is not None:
            checked("replay", TypeAdapter(Annotated[int, Field(ge=0, le=1000)]), replay)
        super().__init__(
            Route(
                name="trades",
                path="/api/v1/cache/ws/trades/"
                + segment("exchange", exchange)
                + "/"
                + segment("symbol", symbol, slashes=True),
                query=present(**{"replay": replay}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=True),
                decoder=messages.TRADES,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.TRADES,
        )

    async def ping_trades(
        self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CachePong:
        """Ask whether the server is there, and for its time."""
        message = build(models.CachePing, {"id": id})
        return await self._request(messages.TRADES_PING_TRADES, message, timeout_s)

    async def refresh_trades(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CacheAuthAck:
        """Go on with a new token of the same user.

        `token`: A token of the same user.
        """
        message = build(models.CacheAuthRefresh, {"token": token, "id": id})
        return await self._request(messages.TRADES_REFRESH_TRADES, message, timeout_s)


class ExchangeTradesConnection(StreamConnection[messages.ExchangeTradesMessage]):
    """Each public trade of an exchange.

    It is at `/api/v1/cache/ws/trades/{exchange}`. Iterate over it for what the server pushes, from the beginning
    on.
    """

    def __init__(self, settings: Settings, *, exchange: str, replay: int | None = None) -> None:
        """Prepare; nothing is connected yet. A client's method `exchange_trades` is the short way."""
        if replay is not None:
            checked("replay", TypeAdapter(Annotated[int, Field(ge=0, le=1000)]), replay)
        super().__init__(
            Route(
                name="exchangeTrades",
                path="/api/v1/cache/ws/trades/" + segment("exchange", exchange),
                query=present(**{"replay": replay}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=True),
                decoder=messages.EXCHANGE_TRADES,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.EXCHANGE_TRADES,
        )

    async def ping_exchange_trades(
        self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CachePong:
        """Ask whether the server is there, and for its time."""
        message = build(models.CachePing, {"id": id})
        return await self._request(messages.EXCHANGE_TRADES_PING_EXCHANGE_TRADES, message, timeout_s)

    async def refresh_exchange_trades(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CacheAuthAck:
        """Go on with a new token of the same user.

        `token`: A token of the same user.
        """
        message = build(models.CacheAuthRefresh, {"token": token, "id": id})
        return await self._request(messages.EXCHANGE_TRADES_REFRESH_EXCHANGE_TRADES, message, timeout_s)


class OrdersConnection(StreamConnection[messages.OrdersMessage]):
    """The caller's open orders of one symbol, then each change of one.

    It is at `/api/v1/cache/ws/orders/{exchange}/{symbol}`. Iterate over it for what the server pushes, from the
    beginning on.
    """

    def __init__(self, settings: Settings, *, exchange: str, symbol: str) -> None:
        """Prepare; nothing is connected yet. A client's method `orders` is the short way."""
        super().__init__(
            Route(
                name="orders",
                path="/api/v1/cache/ws/orders/"
                + segment("exchange", exchange)
                + "/"
                + segment("symbol", symbol, slashes=True),
                query=present(**{}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=True),
                decoder=messages.ORDERS,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.ORDERS,
        )

    async def ping_orders(
        self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CachePong:
        """Ask whether the server is there, and for its time."""
        message = build(models.CachePing, {"id": id})
        return await self._request(messages.ORDERS_PING_ORDERS, message, timeout_s)

    async def refresh_orders(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CacheAuthAck:
        """Go on with a new token of the same user.

        `token`: A token of the same user.
        """
        message = build(models.CacheAuthRefresh, {"token": token, "id": id})
        return await self._request(messages.ORDERS_REFRESH_ORDERS, message, timeout_s)


class ExchangeOrdersConnection(StreamConnection[messages.ExchangeOrdersMessage]):
    """The caller's open orders at an exchange, then each change of one.

    It is at `/api/v1/cache/ws/orders/{exchange}`. Iterate over it for what the server pushes, from the beginning
    on.
    """

    def __init__(self, settings: Settings, *, exchange: str) -> None:
        """Prepare; nothing is connected yet. A client's method `exchange_orders` is the short way."""
        super().__init__(
            Route(
                name="exchangeOrders",
                path="/api/v1/cache/ws/orders/" + segment("exchange", exchange),
                query=present(**{}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=True),
                decoder=messages.EXCHANGE_ORDERS,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.EXCHANGE_ORDERS,
        )

    async def ping_exchange_orders(
        self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CachePong:
        """Ask whether the server is there, and for its time."""
        message = build(models.CachePing, {"id": id})
        return await self._request(messages.EXCHANGE_ORDERS_PING_EXCHANGE_ORDERS, message, timeout_s)

    async def refresh_exchange_orders(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CacheAuthAck:
        """Go on with a new token of the same user.

        `token`: A token of the same user.
        """
        message = build(models.CacheAuthRefresh, {"token": token, "id": id})
        return await self._request(messages.EXCHANGE_ORDERS_REFRESH_EXCHANGE_ORDERS, message, timeout_s)


class BalancesConnection(StreamConnection[messages.BalancesMessage]):
    """The caller's balance in one currency, then each change.

    It is at `/api/v1/cache/ws/balances/{exchange_id}/{currency}`. Iterate over it for what the server pushes,
    from the beginning on.
    """

    def __init__(self, settings: Settings, *, exchange_id: int, currency: str) -> None:
        """Prepare; nothing is connected yet. A client's method `balances` is the short way."""
        checked("exchange_id", TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]), exchange_id)
        super().__init__(
            Route(
                name="balances",
                path="/api/v1/cache/ws/balances/"
                + segment("exchange_id", exchange_id)
                + "/"
                + segment("currency", currency),
                query=present(**{}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=True),
                decoder=messages.BALANCES,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.BALANCES,
        )

    async def ping_balances(
        self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CachePong:
        """Ask whether the server is there, and for its time."""
        message = build(models.CachePing, {"id": id})
        return await self._request(messages.BALANCES_PING_BALANCES, message, timeout_s)

    async def refresh_balances(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CacheAuthAck:
        """Go on with a new token of the same user.

        `token`: A token of the same user.
        """
        message = build(models.CacheAuthRefresh, {"token": token, "id": id})
        return await self._request(messages.BALANCES_REFRESH_BALANCES, message, timeout_s)


class AccountBalancesConnection(StreamConnection[messages.AccountBalancesMessage]):
    """The caller's balance in each currency of an account, then each change.

    It is at `/api/v1/cache/ws/balances/{exchange_id}`. Iterate over it for what the server pushes, from the
    beginning on.
    """

    def __init__(self, settings: Settings, *, exchange_id: int) -> None:
        """Prepare; nothing is connected yet. A client's method `account_balances` is the short way."""
        checked("exchange_id", TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]), exchange_id)
        super().__init__(
            Route(
                name="accountBalances",
                path="/api/v1/cache/ws/balances/" + segment("exchange_id", exchange_id),
                query=present(**{}),
                headers=present(**{}),
                subprotocols=("tapecast.v1",),
                carriage=Carriage(bearer=True, header=None, query="token", required=True),
                decoder=messages.ACCOUNT_BALANCES,
                reconnect=_RECONNECT,
            ),
            settings,
            streams.ACCOUNT_BALANCES,
        )

    async def ping_account_balances(
        self, *, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CachePong:
        """Ask whether the server is there, and for its time."""
        message = build(models.CachePing, {"id": id})
        return await self._request(messages.ACCOUNT_BALANCES_PING_ACCOUNT_BALANCES, message, timeout_s)

    async def refresh_account_balances(
        self, *, token: str, id: models.RequestId | MISSING = MISSING, timeout_s: float | None = None
    ) -> models.CacheAuthAck:
        """Go on with a new token of the same user.

        `token`: A token of the same user.
        """
        message = build(models.CacheAuthRefresh, {"token": token, "id": id})
        return await self._request(messages.ACCOUNT_BALANCES_REFRESH_ACCOUNT_BALANCES, message, timeout_s)


class Client:
    """What the connections to one server have in common. It holds nothing that has to be closed.

    Each channel's method returns a connection, to be entered: `async with client.bars(...) as connection`.
    """

    def __init__(
        self,
        url: str = "ws://127.0.0.1:8000",
        *,
        token: Token | None = None,
        timeout_s: float = 10.0,
        queue_size: int = 4096,
        max_bytes: int = 16 * 1024 * 1024,
        ping_interval_s: float = 20.0,
        backoff_base_s: float = 0.5,
        backoff_cap_s: float = 30.0,
        stable_s: float = 5.0,
        ssl: tls.SSLContext | None = None,
        proxy: str | None = None,
        subprotocols: Sequence[str] | None = None,
        on_undeclared: Callable[[Undeclared], None] | None = None,
        on_connection: Callable[[Opened | Lost], None] | None = None,
        on_reply: Callable[[Any], None] | None = None,
        on_gap: Callable[[Missed], None] | None = None,
        refresh_margin_s: float = 30.0,
        random: Callable[[], float] = random_.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepare. Raises ValueError for a `url` that is none. Times are in seconds.

        `token`: a token, or an async callable that gets one: it is asked before each connection, and in time
        before the token expires, where it is a JWT. An empty one is not sent: the server says what it makes of
        that.

        `timeout_s`: for making a connection, the token included, and for each reply where nothing else is said.
        `queue_size`: so many messages may wait to be iterated over, then reading stops, and TCP holds the server
        back. `max_bytes`: of a message. `ping_interval_s`: a server that is silent so long is sent a ping, and
        left where it says nothing for as long again. `proxy`: the address of one. `subprotocols` are offered in
        place of the document's.

        `backoff_base_s`, `backoff_cap_s`: an attempt to come back is made after a random part of base, of twice
        that, and so on, and of no more than cap. It begins anew after a connection that lived for `stable_s`.

        `on_undeclared` is called with each frame that the document doesn't have, `on_gap` with each gap,
        `on_connection` with what becomes of the connection, `on_reply` with each reply, also to what the client
        asks by itself: each when the iteration comes there. `random`, `sleep` and `now` (seconds since 1970) are
        for tests.
        """
        self._settings: Final = Settings(
            url=check_url(url),
            token=token,
            timeout_s=timeout_s,
            queue_size=queue_size,
            max_bytes=max_bytes,
            ping_interval_s=ping_interval_s,
            backoff_base_s=backoff_base_s,
            backoff_cap_s=backoff_cap_s,
            stable_s=stable_s,
            ssl=ssl,
            proxy=proxy,
            subprotocols=None if subprotocols is None else tuple(subprotocols),
            on_undeclared=on_undeclared,
            on_connection=on_connection,
            on_reply=on_reply,
            on_gap=on_gap,
            refresh_margin_s=refresh_margin_s,
            draw=random,
            sleep=sleep,
            now=now,
        )

    def bars(self) -> BarsConnection:
        """Live bars by request and reply."""
        return BarsConnection(self._settings)

    def tickers(self, *, exchange: str, symbol: str) -> TickersConnection:
        """The last ticker of one symbol, then each change.

        `exchange`: An exchange's name, such as `sim`.

        `symbol`: A symbol of the exchange. Its slash may be sent as it is or as `%2F`.
        """
        return TickersConnection(self._settings, exchange=exchange, symbol=symbol)

    def exchange_tickers(self, *, exchange: str) -> ExchangeTickersConnection:
        """The last ticker of each symbol of an exchange, then each change.

        `exchange`: An exchange's name, such as `sim`.
        """
        return ExchangeTickersConnection(self._settings, exchange=exchange)

    def trades(self, *, exchange: str, symbol: str, replay: int | None = None) -> TradesConnection:
        """Each public trade of one symbol.

        `exchange`: An exchange's name, such as `sim`.

        `symbol`: A symbol of the exchange. Its slash may be sent as it is or as `%2F`.

        `replay`: So many of the last trades come first, as far as they are kept.
        """
        return TradesConnection(self._settings, exchange=exchange, symbol=symbol, replay=replay)

    def exchange_trades(self, *, exchange: str, replay: int | None = None) -> ExchangeTradesConnection:
        """Each public trade of an exchange.

        `exchange`: An exchange's name, such as `sim`.

        `replay`: So many of the last trades come first, as far as they are kept.
        """
        return ExchangeTradesConnection(self._settings, exchange=exchange, replay=replay)

    def orders(self, *, exchange: str, symbol: str) -> OrdersConnection:
        """The caller's open orders of one symbol, then each change of one.

        `exchange`: An exchange's name, such as `sim`.

        `symbol`: A symbol of the exchange. Its slash may be sent as it is or as `%2F`.
        """
        return OrdersConnection(self._settings, exchange=exchange, symbol=symbol)

    def exchange_orders(self, *, exchange: str) -> ExchangeOrdersConnection:
        """The caller's open orders at an exchange, then each change of one.

        `exchange`: An exchange's name, such as `sim`.
        """
        return ExchangeOrdersConnection(self._settings, exchange=exchange)

    def balances(self, *, exchange_id: int, currency: str) -> BalancesConnection:
        """The caller's balance in one currency, then each change.

        `exchange_id`: The number of one account of the caller's at one exchange.

        `currency`: A currency of the account.
        """
        return BalancesConnection(self._settings, exchange_id=exchange_id, currency=currency)

    def account_balances(self, *, exchange_id: int) -> AccountBalancesConnection:
        """The caller's balance in each currency of an account, then each change.

        `exchange_id`: The number of one account of the caller's at one exchange.
        """
        return AccountBalancesConnection(self._settings, exchange_id=exchange_id)
