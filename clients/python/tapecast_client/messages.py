# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: what comes in over each channel, and what is asked there. It knows no connection."""

from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter

from . import models
from .codec import Decoder, Incoming, Request, member

BarsMessage: TypeAlias = (
    models.BarsUpdate
    | models.BarsCorrection
    | models.BarsSnapshot
    | models.BarsReset
    | models.BarsError
    | models.AuthExpiring
    | models.Error
    | models.Shutdown
)
"""What the server pushes over `/api/v1/ws`."""

TickersMessage: TypeAlias = (
    models.Ticker | models.Ready | models.CacheAuthExpiring | models.CacheError | models.CacheShutdown
)
"""What the server pushes over `/api/v1/cache/ws/tickers/{exchange}/{symbol}`."""

ExchangeTickersMessage: TypeAlias = (
    models.Ticker | models.Ready | models.CacheAuthExpiring | models.CacheError | models.CacheShutdown
)
"""What the server pushes over `/api/v1/cache/ws/tickers/{exchange}`."""

TradesMessage: TypeAlias = (
    models.Trade | models.Ready | models.Gap | models.CacheAuthExpiring | models.CacheError | models.CacheShutdown
)
"""What the server pushes over `/api/v1/cache/ws/trades/{exchange}/{symbol}`."""

ExchangeTradesMessage: TypeAlias = (
    models.Trade | models.Ready | models.Gap | models.CacheAuthExpiring | models.CacheError | models.CacheShutdown
)
"""What the server pushes over `/api/v1/cache/ws/trades/{exchange}`."""

OrdersMessage: TypeAlias = (
    models.Order | models.Ready | models.Gap | models.CacheAuthExpiring | models.CacheError | models.CacheShutdown
)
"""What the server pushes over `/api/v1/cache/ws/orders/{exchange}/{symbol}`."""

ExchangeOrdersMessage: TypeAlias = (
    models.Order | models.Ready | models.Gap | models.CacheAuthExpiring | models.CacheError | models.CacheShutdown
)
"""What the server pushes over `/api/v1/cache/ws/orders/{exchange}`."""

BalancesMessage: TypeAlias = (
    models.Balances | models.Ready | models.Gap | models.CacheAuthExpiring | models.CacheError | models.CacheShutdown
)
"""What the server pushes over `/api/v1/cache/ws/balances/{exchange_id}/{currency}`."""

AccountBalancesMessage: TypeAlias = (
    models.Balances | models.Ready | models.Gap | models.CacheAuthExpiring | models.CacheError | models.CacheShutdown
)
"""What the server pushes over `/api/v1/cache/ws/balances/{exchange_id}`."""

BARS: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("BarsAck", TypeAdapter(models.BarsAck), "bars.ack", False, member("payload.id")),
        Incoming(
            "BarsUnsubscribeAck",
            TypeAdapter(models.BarsUnsubscribeAck),
            "bars.unsubscribe.ack",
            False,
            member("payload.id"),
        ),
        Incoming("Pong", TypeAdapter(models.Pong), "pong", False, member("payload.id")),
        Incoming("AuthAck", TypeAdapter(models.AuthAck), "auth.ack", False, member("payload.id")),
        Incoming("BarsUpdate", TypeAdapter(models.BarsUpdate), "bars.update", True, None),
        Incoming("BarsCorrection", TypeAdapter(models.BarsCorrection), "bars.correction", True, None),
        Incoming("BarsSnapshot", TypeAdapter(models.BarsSnapshot), "bars.snapshot", True, None),
        Incoming("BarsReset", TypeAdapter(models.BarsReset), "bars.reset", True, None),
        Incoming("BarsError", TypeAdapter(models.BarsError), "bars.error", True, None),
        Incoming("AuthExpiring", TypeAdapter(models.AuthExpiring), "auth.expiring", True, None),
        Incoming("Error", TypeAdapter(models.Error), "error", True, member("payload.id")),
        Incoming(
            "Shutdown", TypeAdapter(models.Shutdown), "shutdown", True, None, member("payload.reconnect_after_ms")
        ),
    ],
)
BARS_SUBSCRIBE_BARS: Final[Request[models.BarsAck]] = Request(
    "subscribeBars", frozenset(("BarsAck",)), {"BarsSubscribe": ("payload", "id")}
)
BARS_UNSUBSCRIBE_BARS: Final[Request[models.BarsUnsubscribeAck]] = Request(
    "unsubscribeBars", frozenset(("BarsUnsubscribeAck",)), {"BarsUnsubscribe": ("payload", "id")}
)
BARS_PING: Final[Request[models.Pong]] = Request("ping", frozenset(("Pong",)), {"Ping": ("payload", "id")})
BARS_REFRESH_BARS: Final[Request[models.AuthAck]] = Request(
    "refreshBars", frozenset(("AuthAck",)), {"AuthRefresh": ("payload", "id")}
)

TICKERS: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("CachePong", TypeAdapter(models.CachePong), "pong", False, member("id")),
        Incoming("CacheAuthAck", TypeAdapter(models.CacheAuthAck), "auth.ack", False, member("id")),
        Incoming("Ticker", TypeAdapter(models.Ticker), "ticker", True, None),
        Incoming("Ready", TypeAdapter(models.Ready), "ready", True, None),
        Incoming("CacheAuthExpiring", TypeAdapter(models.CacheAuthExpiring), "auth.expiring", True, None),
        Incoming("CacheError", TypeAdapter(models.CacheError), "error", True, member("id")),
        Incoming(
            "CacheShutdown", TypeAdapter(models.CacheShutdown), "shutdown", True, None, member("reconnect_after_ms")
        ),
    ],
)
TICKERS_PING_TICKERS: Final[Request[models.CachePong]] = Request(
    "pingTickers", frozenset(("CachePong",)), {"CachePing": ("id",)}
)
TICKERS_REFRESH_TICKERS: Final[Request[models.CacheAuthAck]] = Request(
    "refreshTickers", frozenset(("CacheAuthAck",)), {"CacheAuthRefresh": ("id",)}
)

EXCHANGE_TICKERS: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("CachePong", TypeAdapter(models.CachePong), "pong", False, member("id")),
        Incoming("CacheAuthAck", TypeAdapter(models.CacheAuthAck), "auth.ack", False, member("id")),
        Incoming("Ticker", TypeAdapter(models.Ticker), "ticker", True, None),
        Incoming("Ready", TypeAdapter(models.Ready), "ready", True, None),
        Incoming("CacheAuthExpiring", TypeAdapter(models.CacheAuthExpiring), "auth.expiring", True, None),
        Incoming("CacheError", TypeAdapter(models.CacheError), "error", True, member("id")),
        Incoming(
            "CacheShutdown", TypeAdapter(models.CacheShutdown), "shutdown", True, None, member("reconnect_after_ms")
        ),
    ],
)
EXCHANGE_TICKERS_PING_EXCHANGE_TICKERS: Final[Request[models.CachePong]] = Request(
    "pingExchangeTickers", frozenset(("CachePong",)), {"CachePing": ("id",)}
)
EXCHANGE_TICKERS_REFRESH_EXCHANGE_TICKERS: Final[Request[models.CacheAuthAck]] = Request(
    "refreshExchangeTickers", frozenset(("CacheAuthAck",)), {"CacheAuthRefresh": ("id",)}
)

TRADES: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("CachePong", TypeAdapter(models.CachePong), "pong", False, member("id")),
        Incoming("CacheAuthAck", TypeAdapter(models.CacheAuthAck), "auth.ack", False, member("id")),
        Incoming("Trade", TypeAdapter(models.Trade), "trade", True, None),
        Incoming("Ready", TypeAdapter(models.Ready), "ready", True, None),
        Incoming("Gap", TypeAdapter(models.Gap), "gap", True, None),
        Incoming("CacheAuthExpiring", TypeAdapter(models.CacheAuthExpiring), "auth.expiring", True, None),
        Incoming("CacheError", TypeAdapter(models.CacheError), "error", True, member("id")),
        Incoming(
            "CacheShutdown", TypeAdapter(models.CacheShutdown), "shutdown", True, None, member("reconnect_after_ms")
        ),
    ],
)
TRADES_PING_TRADES: Final[Request[models.CachePong]] = Request(
    "pingTrades", frozenset(("CachePong",)), {"CachePing": ("id",)}
)
TRADES_REFRESH_TRADES: Final[Request[models.CacheAuthAck]] = Request(
    "refreshTrades", frozenset(("CacheAuthAck",)), {"CacheAuthRefresh": ("id",)}
)

EXCHANGE_TRADES: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("CachePong", TypeAdapter(models.CachePong), "pong", False, member("id")),
        Incoming("CacheAuthAck", TypeAdapter(models.CacheAuthAck), "auth.ack", False, member("id")),
        Incoming("Trade", TypeAdapter(models.Trade), "trade", True, None),
        Incoming("Ready", TypeAdapter(models.Ready), "ready", True, None),
        Incoming("Gap", TypeAdapter(models.Gap), "gap", True, None),
        Incoming("CacheAuthExpiring", TypeAdapter(models.CacheAuthExpiring), "auth.expiring", True, None),
        Incoming("CacheError", TypeAdapter(models.CacheError), "error", True, member("id")),
        Incoming(
            "CacheShutdown", TypeAdapter(models.CacheShutdown), "shutdown", True, None, member("reconnect_after_ms")
        ),
    ],
)
EXCHANGE_TRADES_PING_EXCHANGE_TRADES: Final[Request[models.CachePong]] = Request(
    "pingExchangeTrades", frozenset(("CachePong",)), {"CachePing": ("id",)}
)
EXCHANGE_TRADES_REFRESH_EXCHANGE_TRADES: Final[Request[models.CacheAuthAck]] = Request(
    "refreshExchangeTrades", frozenset(("CacheAuthAck",)), {"CacheAuthRefresh": ("id",)}
)

ORDERS: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("CachePong", TypeAdapter(models.CachePong), "pong", False, member("id")),
        Incoming("CacheAuthAck", TypeAdapter(models.CacheAuthAck), "auth.ack", False, member("id")),
        Incoming("Order", TypeAdapter(models.Order), "order", True, None),
        Incoming("Ready", TypeAdapter(models.Ready), "ready", True, None),
        Incoming("Gap", TypeAdapter(models.Gap), "gap", True, None),
        Incoming("CacheAuthExpiring", TypeAdapter(models.CacheAuthExpiring), "auth.expiring", True, None),
        Incoming("CacheError", TypeAdapter(models.CacheError), "error", True, member("id")),
        Incoming(
            "CacheShutdown", TypeAdapter(models.CacheShutdown), "shutdown", True, None, member("reconnect_after_ms")
        ),
    ],
)
ORDERS_PING_ORDERS: Final[Request[models.CachePong]] = Request(
    "pingOrders", frozenset(("CachePong",)), {"CachePing": ("id",)}
)
ORDERS_REFRESH_ORDERS: Final[Request[models.CacheAuthAck]] = Request(
    "refreshOrders", frozenset(("CacheAuthAck",)), {"CacheAuthRefresh": ("id",)}
)

EXCHANGE_ORDERS: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("CachePong", TypeAdapter(models.CachePong), "pong", False, member("id")),
        Incoming("CacheAuthAck", TypeAdapter(models.CacheAuthAck), "auth.ack", False, member("id")),
        Incoming("Order", TypeAdapter(models.Order), "order", True, None),
        Incoming("Ready", TypeAdapter(models.Ready), "ready", True, None),
        Incoming("Gap", TypeAdapter(models.Gap), "gap", True, None),
        Incoming("CacheAuthExpiring", TypeAdapter(models.CacheAuthExpiring), "auth.expiring", True, None),
        Incoming("CacheError", TypeAdapter(models.CacheError), "error", True, member("id")),
        Incoming(
            "CacheShutdown", TypeAdapter(models.CacheShutdown), "shutdown", True, None, member("reconnect_after_ms")
        ),
    ],
)
EXCHANGE_ORDERS_PING_EXCHANGE_ORDERS: Final[Request[models.CachePong]] = Request(
    "pingExchangeOrders", frozenset(("CachePong",)), {"CachePing": ("id",)}
)
EXCHANGE_ORDERS_REFRESH_EXCHANGE_ORDERS: Final[Request[models.CacheAuthAck]] = Request(
    "refreshExchangeOrders", frozenset(("CacheAuthAck",)), {"CacheAuthRefresh": ("id",)}
)

BALANCES: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("CachePong", TypeAdapter(models.CachePong), "pong", False, member("id")),
        Incoming("CacheAuthAck", TypeAdapter(models.CacheAuthAck), "auth.ack", False, member("id")),
        Incoming("Balances", TypeAdapter(models.Balances), "balances", True, None),
        Incoming("Ready", TypeAdapter(models.Ready), "ready", True, None),
        Incoming("Gap", TypeAdapter(models.Gap), "gap", True, None),
        Incoming("CacheAuthExpiring", TypeAdapter(models.CacheAuthExpiring), "auth.expiring", True, None),
        Incoming("CacheError", TypeAdapter(models.CacheError), "error", True, member("id")),
        Incoming(
            "CacheShutdown", TypeAdapter(models.CacheShutdown), "shutdown", True, None, member("reconnect_after_ms")
        ),
    ],
)
BALANCES_PING_BALANCES: Final[Request[models.CachePong]] = Request(
    "pingBalances", frozenset(("CachePong",)), {"CachePing": ("id",)}
)
BALANCES_REFRESH_BALANCES: Final[Request[models.CacheAuthAck]] = Request(
    "refreshBalances", frozenset(("CacheAuthAck",)), {"CacheAuthRefresh": ("id",)}
)

ACCOUNT_BALANCES: Final[Decoder[Any]] = Decoder(
    "type",
    [
        Incoming("CachePong", TypeAdapter(models.CachePong), "pong", False, member("id")),
        Incoming("CacheAuthAck", TypeAdapter(models.CacheAuthAck), "auth.ack", False, member("id")),
        Incoming("Balances", TypeAdapter(models.Balances), "balances", True, None),
        Incoming("Ready", TypeAdapter(models.Ready), "ready", True, None),
        Incoming("Gap", TypeAdapter(models.Gap), "gap", True, None),
        Incoming("CacheAuthExpiring", TypeAdapter(models.CacheAuthExpiring), "auth.expiring", True, None),
        Incoming("CacheError", TypeAdapter(models.CacheError), "error", True, member("id")),
        Incoming(
            "CacheShutdown", TypeAdapter(models.CacheShutdown), "shutdown", True, None, member("reconnect_after_ms")
        ),
    ],
)
ACCOUNT_BALANCES_PING_ACCOUNT_BALANCES: Final[Request[models.CachePong]] = Request(
    "pingAccountBalances", frozenset(("CachePong",)), {"CachePing": ("id",)}
)
ACCOUNT_BALANCES_REFRESH_ACCOUNT_BALANCES: Final[Request[models.CacheAuthAck]] = Request(
    "refreshAccountBalances", frozenset(("CacheAuthAck",)), {"CacheAuthRefresh": ("id",)}
)
