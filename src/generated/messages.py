# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from .models import (
    AuthAck,
    AuthExpiring,
    AuthRefresh,
    Balances,
    BarsAck,
    BarsCorrection,
    BarsError,
    BarsReset,
    BarsSnapshot,
    BarsSubscribe,
    BarsUnsubscribe,
    BarsUnsubscribeAck,
    BarsUpdate,
    CacheAuthAck,
    CacheAuthExpiring,
    CacheAuthRefresh,
    CacheError,
    CachePing,
    CachePong,
    CacheShutdown,
    Error,
    Gap,
    Order,
    Ping,
    Pong,
    Ready,
    Shutdown,
    Ticker,
    Trade,
)
from .wire import DecodeError, Incoming, decode, encode

__all__ = [
    "AccountBalancesIncoming",
    "AccountBalancesOutgoing",
    "BalancesIncoming",
    "BalancesOutgoing",
    "BarsIncoming",
    "BarsOutgoing",
    "DecodeError",
    "Delivery",
    "ExchangeOrdersIncoming",
    "ExchangeOrdersOutgoing",
    "ExchangeTickersIncoming",
    "ExchangeTickersOutgoing",
    "ExchangeTradesIncoming",
    "ExchangeTradesOutgoing",
    "OrdersIncoming",
    "OrdersOutgoing",
    "TickersIncoming",
    "TickersOutgoing",
    "TradesIncoming",
    "TradesOutgoing",
    "decode_account_balances",
    "decode_balances",
    "decode_bars",
    "decode_exchange_orders",
    "decode_exchange_tickers",
    "decode_exchange_trades",
    "decode_orders",
    "decode_tickers",
    "decode_trades",
    "delivery_account_balances",
    "delivery_balances",
    "delivery_bars",
    "delivery_exchange_orders",
    "delivery_exchange_tickers",
    "delivery_exchange_trades",
    "delivery_orders",
    "delivery_tickers",
    "delivery_trades",
    "encode_account_balances",
    "encode_balances",
    "encode_bars",
    "encode_exchange_orders",
    "encode_exchange_tickers",
    "encode_exchange_trades",
    "encode_orders",
    "encode_tickers",
    "encode_trades",
]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

BarsIncoming: TypeAlias = BarsSubscribe | BarsUnsubscribe | Ping | AuthRefresh
"""What may come in over `/api/v1/ws`."""

BarsOutgoing: TypeAlias = (
    BarsAck
    | BarsUnsubscribeAck
    | Pong
    | AuthAck
    | BarsUpdate
    | BarsCorrection
    | BarsSnapshot
    | BarsReset
    | BarsError
    | AuthExpiring
    | Error
    | Shutdown
)
"""What may go out over `/api/v1/ws`, replies included."""

TickersIncoming: TypeAlias = CachePing | CacheAuthRefresh
"""What may come in over `/api/v1/cache/ws/tickers/{exchange}/{symbol}`."""

TickersOutgoing: TypeAlias = CachePong | CacheAuthAck | Ticker | Ready | CacheAuthExpiring | CacheError | CacheShutdown
"""What may go out over `/api/v1/cache/ws/tickers/{exchange}/{symbol}`, replies included."""

ExchangeTickersIncoming: TypeAlias = CachePing | CacheAuthRefresh
"""What may come in over `/api/v1/cache/ws/tickers/{exchange}`."""

ExchangeTickersOutgoing: TypeAlias = (
    CachePong | CacheAuthAck | Ticker | Ready | CacheAuthExpiring | CacheError | CacheShutdown
)
"""What may go out over `/api/v1/cache/ws/tickers/{exchange}`, replies included."""

TradesIncoming: TypeAlias = CachePing | CacheAuthRefresh
"""What may come in over `/api/v1/cache/ws/trades/{exchange}/{symbol}`."""

TradesOutgoing: TypeAlias = (
    CachePong | CacheAuthAck | Trade | Ready | Gap | CacheAuthExpiring | CacheError | CacheShutdown
)
"""What may go out over `/api/v1/cache/ws/trades/{exchange}/{symbol}`, replies included."""

ExchangeTradesIncoming: TypeAlias = CachePing | CacheAuthRefresh
"""What may come in over `/api/v1/cache/ws/trades/{exchange}`."""

ExchangeTradesOutgoing: TypeAlias = (
    CachePong | CacheAuthAck | Trade | Ready | Gap | CacheAuthExpiring | CacheError | CacheShutdown
)
"""What may go out over `/api/v1/cache/ws/trades/{exchange}`, replies included."""

OrdersIncoming: TypeAlias = CachePing | CacheAuthRefresh
"""What may come in over `/api/v1/cache/ws/orders/{exchange}/{symbol}`."""

OrdersOutgoing: TypeAlias = (
    CachePong | CacheAuthAck | Order | Ready | Gap | CacheAuthExpiring | CacheError | CacheShutdown
)
"""What may go out over `/api/v1/cache/ws/orders/{exchange}/{symbol}`, replies included."""

ExchangeOrdersIncoming: TypeAlias = CachePing | CacheAuthRefresh
"""What may come in over `/api/v1/cache/ws/orders/{exchange}`."""

ExchangeOrdersOutgoing: TypeAlias = (
    CachePong | CacheAuthAck | Order | Ready | Gap | CacheAuthExpiring | CacheError | CacheShutdown
)
"""What may go out over `/api/v1/cache/ws/orders/{exchange}`, replies included."""

BalancesIncoming: TypeAlias = CachePing | CacheAuthRefresh
"""What may come in over `/api/v1/cache/ws/balances/{exchange_id}/{currency}`."""

BalancesOutgoing: TypeAlias = (
    CachePong | CacheAuthAck | Balances | Ready | Gap | CacheAuthExpiring | CacheError | CacheShutdown
)
"""What may go out over `/api/v1/cache/ws/balances/{exchange_id}/{currency}`, replies included."""

AccountBalancesIncoming: TypeAlias = CachePing | CacheAuthRefresh
"""What may come in over `/api/v1/cache/ws/balances/{exchange_id}`."""

AccountBalancesOutgoing: TypeAlias = (
    CachePong | CacheAuthAck | Balances | Ready | Gap | CacheAuthExpiring | CacheError | CacheShutdown
)
"""What may go out over `/api/v1/cache/ws/balances/{exchange_id}`, replies included."""

_BARS: Final[Mapping[str, Incoming[BarsIncoming]]] = {
    "bars.subscribe": Incoming(
        model=BarsSubscribe,
        correlation=("payload", "id"),
        wanted={
            "type": '"bars.subscribe"',
            "payload": "an object",
            "payload.symbol": "a string of at most 128 characters",
            "payload.resolution": "a string of at most 64 characters",
            "payload.id": (
                "a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"
            ),
            "payload.snapshot": "an integer from 0 to 5000",
            "payload.resume": "an object",
            "payload.resume.epoch": "a string of at most 64 characters",
            "payload.resume.seq": "an integer of at least 0",
            "payload.conflate_ms": "an integer from 0 to 60000",
        },
    ),
    "bars.unsubscribe": Incoming(
        model=BarsUnsubscribe,
        correlation=("payload", "id"),
        wanted={
            "type": '"bars.unsubscribe"',
            "payload": "an object",
            "payload.symbol": "a string of at most 128 characters",
            "payload.resolution": "a string of at most 64 characters",
            "payload.id": (
                "a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"
            ),
        },
    ),
    "ping": Incoming(
        model=Ping,
        correlation=("payload", "id"),
        wanted={
            "type": '"ping"',
            "payload": "an object",
            "payload.id": (
                "a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"
            ),
        },
    ),
    "auth.refresh": Incoming(
        model=AuthRefresh,
        correlation=("payload", "id"),
        wanted={
            "type": '"auth.refresh"',
            "payload": "an object",
            "payload.token": "a string of at most 4096 characters",
            "payload.id": (
                "a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"
            ),
        },
    ),
}


def decode_bars(frame: str | bytes) -> BarsIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _BARS, tag="type")


def encode_bars(message: BarsOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_bars(message: BarsOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    match message:
        case BarsUpdate():
            return "latest" if message.payload.final is False else "lossless"
        case _:
            return "lossless"


_TICKERS: Final[Mapping[str, Incoming[TickersIncoming]]] = {
    "ping": Incoming(
        model=CachePing,
        correlation=("id",),
        wanted={
            "type": '"ping"',
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
    "auth.refresh": Incoming(
        model=CacheAuthRefresh,
        correlation=("id",),
        wanted={
            "type": '"auth.refresh"',
            "token": "a string of at most 4096 characters",
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
}


def decode_tickers(frame: str | bytes) -> TickersIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _TICKERS, tag="type")


def encode_tickers(message: TickersOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_tickers(message: TickersOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    match message:
        case Ticker():
            return "latest"
        case _:
            return "lossless"


_EXCHANGE_TICKERS: Final[Mapping[str, Incoming[ExchangeTickersIncoming]]] = {
    "ping": Incoming(
        model=CachePing,
        correlation=("id",),
        wanted={
            "type": '"ping"',
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
    "auth.refresh": Incoming(
        model=CacheAuthRefresh,
        correlation=("id",),
        wanted={
            "type": '"auth.refresh"',
            "token": "a string of at most 4096 characters",
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
}


def decode_exchange_tickers(frame: str | bytes) -> ExchangeTickersIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _EXCHANGE_TICKERS, tag="type")


def encode_exchange_tickers(message: ExchangeTickersOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_exchange_tickers(message: ExchangeTickersOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    match message:
        case Ticker():
            return "latest"
        case _:
            return "lossless"


_TRADES: Final[Mapping[str, Incoming[TradesIncoming]]] = {
    "ping": Incoming(
        model=CachePing,
        correlation=("id",),
        wanted={
            "type": '"ping"',
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
    "auth.refresh": Incoming(
        model=CacheAuthRefresh,
        correlation=("id",),
        wanted={
            "type": '"auth.refresh"',
            "token": "a string of at most 4096 characters",
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
}


def decode_trades(frame: str | bytes) -> TradesIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _TRADES, tag="type")


def encode_trades(message: TradesOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_trades(message: TradesOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


_EXCHANGE_TRADES: Final[Mapping[str, Incoming[ExchangeTradesIncoming]]] = {
    "ping": Incoming(
        model=CachePing,
        correlation=("id",),
        wanted={
            "type": '"ping"',
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
    "auth.refresh": Incoming(
        model=CacheAuthRefresh,
        correlation=("id",),
        wanted={
            "type": '"auth.refresh"',
            "token": "a string of at most 4096 characters",
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
}


def decode_exchange_trades(frame: str | bytes) -> ExchangeTradesIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _EXCHANGE_TRADES, tag="type")


def encode_exchange_trades(message: ExchangeTradesOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_exchange_trades(message: ExchangeTradesOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


_ORDERS: Final[Mapping[str, Incoming[OrdersIncoming]]] = {
    "ping": Incoming(
        model=CachePing,
        correlation=("id",),
        wanted={
            "type": '"ping"',
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
    "auth.refresh": Incoming(
        model=CacheAuthRefresh,
        correlation=("id",),
        wanted={
            "type": '"auth.refresh"',
            "token": "a string of at most 4096 characters",
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
}


def decode_orders(frame: str | bytes) -> OrdersIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _ORDERS, tag="type")


def encode_orders(message: OrdersOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_orders(message: OrdersOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


_EXCHANGE_ORDERS: Final[Mapping[str, Incoming[ExchangeOrdersIncoming]]] = {
    "ping": Incoming(
        model=CachePing,
        correlation=("id",),
        wanted={
            "type": '"ping"',
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
    "auth.refresh": Incoming(
        model=CacheAuthRefresh,
        correlation=("id",),
        wanted={
            "type": '"auth.refresh"',
            "token": "a string of at most 4096 characters",
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
}


def decode_exchange_orders(frame: str | bytes) -> ExchangeOrdersIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _EXCHANGE_ORDERS, tag="type")


def encode_exchange_orders(message: ExchangeOrdersOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_exchange_orders(message: ExchangeOrdersOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


_BALANCES: Final[Mapping[str, Incoming[BalancesIncoming]]] = {
    "ping": Incoming(
        model=CachePing,
        correlation=("id",),
        wanted={
            "type": '"ping"',
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
    "auth.refresh": Incoming(
        model=CacheAuthRefresh,
        correlation=("id",),
        wanted={
            "type": '"auth.refresh"',
            "token": "a string of at most 4096 characters",
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
}


def decode_balances(frame: str | bytes) -> BalancesIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _BALANCES, tag="type")


def encode_balances(message: BalancesOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_balances(message: BalancesOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"


_ACCOUNT_BALANCES: Final[Mapping[str, Incoming[AccountBalancesIncoming]]] = {
    "ping": Incoming(
        model=CachePing,
        correlation=("id",),
        wanted={
            "type": '"ping"',
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
    "auth.refresh": Incoming(
        model=CacheAuthRefresh,
        correlation=("id",),
        wanted={
            "type": '"auth.refresh"',
            "token": "a string of at most 4096 characters",
            "id": ("a string of at most 64 characters or an integer from -9007199254740991 to 9007199254740991"),
        },
    ),
}


def decode_account_balances(frame: str | bytes) -> AccountBalancesIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _ACCOUNT_BALANCES, tag="type")


def encode_account_balances(message: AccountBalancesOutgoing) -> bytes:
    """Return the frame: JSON, UTF-8, without blanks.

    Raises ValueError for what JSON can't say: a number that is not finite, a lone surrogate.
    """
    return encode(message)


def delivery_account_balances(message: AccountBalancesOutgoing) -> Delivery:
    """Return how the document wants `message` delivered."""
    return "lossless"
