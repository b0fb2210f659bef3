# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import Field, TypeAdapter

from .addresses import Address, Parameter


@dataclass(frozen=True, slots=True)
class Security:
    """Where in a handshake a token may stand, and what it must allow.

    `bearer`: the Authorization header, and the subprotocol `bearer.TOKEN` beside the channel's own. `queries` and
    `headers`: names of query parameters and headers. `optional`: a client without a token may enter, too.
    """

    bearer: bool
    queries: tuple[str, ...]
    headers: tuple[str, ...]
    scopes: tuple[str, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str
    subprotocols: tuple[str, ...]
    security: Security | None


BARS: Final = Channel(
    id="bars",
    address="/api/v1/ws",
    title="Bars",
    summary="Live bars by request and reply.",
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=(), optional=True),
)
TICKERS: Final = Channel(
    id="tickers",
    address="/api/v1/cache/ws/tickers/{exchange}/{symbol}",
    title="Ticker of a symbol",
    summary="The last ticker of one symbol, then each change.",
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=(), optional=False),
)
EXCHANGE_TICKERS: Final = Channel(
    id="exchangeTickers",
    address="/api/v1/cache/ws/tickers/{exchange}",
    title="Tickers of an exchange",
    summary=("The last ticker of each symbol of an exchange, then each change."),
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=(), optional=False),
)
TRADES: Final = Channel(
    id="trades",
    address="/api/v1/cache/ws/trades/{exchange}/{symbol}",
    title="Trades of a symbol",
    summary="Each public trade of one symbol.",
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=(), optional=False),
)
EXCHANGE_TRADES: Final = Channel(
    id="exchangeTrades",
    address="/api/v1/cache/ws/trades/{exchange}",
    title="Trades of an exchange",
    summary="Each public trade of an exchange.",
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=(), optional=False),
)
ORDERS: Final = Channel(
    id="orders",
    address="/api/v1/cache/ws/orders/{exchange}/{symbol}",
    title="Own orders of a symbol",
    summary=("The caller's open orders of one symbol, then each change of one."),
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=("orders:read",), optional=False),
)
EXCHANGE_ORDERS: Final = Channel(
    id="exchangeOrders",
    address="/api/v1/cache/ws/orders/{exchange}",
    title="Own orders at an exchange",
    summary=("The caller's open orders at an exchange, then each change of one."),
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=("orders:read",), optional=False),
)
BALANCES: Final = Channel(
    id="balances",
    address="/api/v1/cache/ws/balances/{exchange_id}/{currency}",
    title="Own balance in a currency",
    summary="The caller's balance in one currency, then each change.",
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=("balances:read",), optional=False),
)
ACCOUNT_BALANCES: Final = Channel(
    id="accountBalances",
    address="/api/v1/cache/ws/balances/{exchange_id}",
    title="Own balances",
    summary=("The caller's balance in each currency of an account, then each change."),
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=("balances:read",), optional=False),
)

CHANNELS: Final[tuple[Channel, ...]] = (
    BARS,
    TICKERS,
    EXCHANGE_TICKERS,
    TRADES,
    EXCHANGE_TRADES,
    ORDERS,
    EXCHANGE_ORDERS,
    BALANCES,
    ACCOUNT_BALANCES,
)


_TICKERS_ADDRESS: Final = Address(("api", "v1", "cache", "ws", "tickers", None, None), slashes=True)
_TICKERS_PARAMETERS: Final = (
    Parameter[str]("exchange", "string", TypeAdapter(str), "a string"),
    Parameter[str]("symbol", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickersParameters:
    """What stands in an address of `tickers`."""

    exchange: str
    """An exchange's name, such as `sim`."""
    symbol: str
    """A symbol of the exchange. Its slash may be sent as it is or as `%2F`."""


def parse_tickers(raw_path: bytes) -> TickersParameters | None:
    """Return what stands in a path as it was sent, None where it is no
    `/api/v1/cache/ws/tickers/{exchange}/{symbol}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _TICKERS_ADDRESS.split(raw_path)
    if values is None:
        return None
    return TickersParameters(
        exchange=_TICKERS_PARAMETERS[0].read(values[0]), symbol=_TICKERS_PARAMETERS[1].read(values[1])
    )


def format_tickers(parameters: TickersParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _TICKERS_ADDRESS.join(parameters.exchange, parameters.symbol)


_EXCHANGE_TICKERS_ADDRESS: Final = Address(("api", "v1", "cache", "ws", "tickers", None), slashes=False)
_EXCHANGE_TICKERS_PARAMETERS: Final = (Parameter[str]("exchange", "string", TypeAdapter(str), "a string"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTickersParameters:
    """What stands in an address of `exchangeTickers`."""

    exchange: str
    """An exchange's name, such as `sim`."""


def parse_exchange_tickers(raw_path: bytes) -> ExchangeTickersParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/api/v1/cache/ws/tickers/{exchange}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _EXCHANGE_TICKERS_ADDRESS.split(raw_path)
    if values is None:
        return None
    return ExchangeTickersParameters(exchange=_EXCHANGE_TICKERS_PARAMETERS[0].read(values[0]))


def format_exchange_tickers(parameters: ExchangeTickersParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _EXCHANGE_TICKERS_ADDRESS.join(parameters.exchange)


_TRADES_ADDRESS: Final = Address(("api", "v1", "cache", "ws", "trades", None, None), slashes=True)
_TRADES_PARAMETERS: Final = (
    Parameter[str]("exchange", "string", TypeAdapter(str), "a string"),
    Parameter[str]("symbol", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesParameters:
    """What stands in an address of `trades`."""

    exchange: str
    """An exchange's name, such as `sim`."""
    symbol: str
    """A symbol of the exchange. Its slash may be sent as it is or as `%2F`."""


def parse_trades(raw_path: bytes) -> TradesParameters | None:
    """Return what stands in a path as it was sent, None where it is no
    `/api/v1/cache/ws/trades/{exchange}/{symbol}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _TRADES_ADDRESS.split(raw_path)
    if values is None:
        return None
    return TradesParameters(
        exchange=_TRADES_PARAMETERS[0].read(values[0]), symbol=_TRADES_PARAMETERS[1].read(values[1])
    )


def format_trades(parameters: TradesParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _TRADES_ADDRESS.join(parameters.exchange, parameters.symbol)


_EXCHANGE_TRADES_ADDRESS: Final = Address(("api", "v1", "cache", "ws", "trades", None), slashes=False)
_EXCHANGE_TRADES_PARAMETERS: Final = (Parameter[str]("exchange", "string", TypeAdapter(str), "a string"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTradesParameters:
    """What stands in an address of `exchangeTrades`."""

    exchange: str
    """An exchange's name, such as `sim`."""


def parse_exchange_trades(raw_path: bytes) -> ExchangeTradesParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/api/v1/cache/ws/trades/{exchange}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _EXCHANGE_TRADES_ADDRESS.split(raw_path)
    if values is None:
        return None
    return ExchangeTradesParameters(exchange=_EXCHANGE_TRADES_PARAMETERS[0].read(values[0]))


def format_exchange_trades(parameters: ExchangeTradesParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _EXCHANGE_TRADES_ADDRESS.join(parameters.exchange)


_ORDERS_ADDRESS: Final = Address(("api", "v1", "cache", "ws", "orders", None, None), slashes=True)
_ORDERS_PARAMETERS: Final = (
    Parameter[str]("exchange", "string", TypeAdapter(str), "a string"),
    Parameter[str]("symbol", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersParameters:
    """What stands in an address of `orders`."""

    exchange: str
    """An exchange's name, such as `sim`."""
    symbol: str
    """A symbol of the exchange. Its slash may be sent as it is or as `%2F`."""


def parse_orders(raw_path: bytes) -> OrdersParameters | None:
    """Return what stands in a path as it was sent, None where it is no
    `/api/v1/cache/ws/orders/{exchange}/{symbol}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _ORDERS_ADDRESS.split(raw_path)
    if values is None:
        return None
    return OrdersParameters(
        exchange=_ORDERS_PARAMETERS[0].read(values[0]), symbol=_ORDERS_PARAMETERS[1].read(values[1])
    )


def format_orders(parameters: OrdersParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _ORDERS_ADDRESS.join(parameters.exchange, parameters.symbol)


_EXCHANGE_ORDERS_ADDRESS: Final = Address(("api", "v1", "cache", "ws", "orders", None), slashes=False)
_EXCHANGE_ORDERS_PARAMETERS: Final = (Parameter[str]("exchange", "string", TypeAdapter(str), "a string"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOrdersParameters:
    """What stands in an address of `exchangeOrders`."""

    exchange: str
    """An exchange's name, such as `sim`."""


def parse_exchange_orders(raw_path: bytes) -> ExchangeOrdersParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/api/v1/cache/ws/orders/{exchange}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _EXCHANGE_ORDERS_ADDRESS.split(raw_path)
    if values is None:
        return None
    return ExchangeOrdersParameters(exchange=_EXCHANGE_ORDERS_PARAMETERS[0].read(values[0]))


def format_exchange_orders(parameters: ExchangeOrdersParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _EXCHANGE_ORDERS_ADDRESS.join(parameters.exchange)


_BALANCES_ADDRESS: Final = Address(("api", "v1", "cache", "ws", "balances", None, None), slashes=False)
_BALANCES_PARAMETERS: Final = (
    Parameter[int](
        "exchange_id",
        "integer",
        TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]),
        "an integer from 0 to 9007199254740991",
    ),
    Parameter[str]("currency", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesParameters:
    """What stands in an address of `balances`."""

    exchange_id: int
    """The number of one account of the caller's at one exchange."""
    currency: str
    """A currency of the account."""


def parse_balances(raw_path: bytes) -> BalancesParameters | None:
    """Return what stands in a path as it was sent, None where it is no
    `/api/v1/cache/ws/balances/{exchange_id}/{currency}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _BALANCES_ADDRESS.split(raw_path)
    if values is None:
        return None
    return BalancesParameters(
        exchange_id=_BALANCES_PARAMETERS[0].read(values[0]), currency=_BALANCES_PARAMETERS[1].read(values[1])
    )


def format_balances(parameters: BalancesParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _BALANCES_ADDRESS.join(parameters.exchange_id, parameters.currency)


_ACCOUNT_BALANCES_ADDRESS: Final = Address(("api", "v1", "cache", "ws", "balances", None), slashes=False)
_ACCOUNT_BALANCES_PARAMETERS: Final = (
    Parameter[int](
        "exchange_id",
        "integer",
        TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]),
        "an integer from 0 to 9007199254740991",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalancesParameters:
    """What stands in an address of `accountBalances`."""

    exchange_id: int
    """The number of one account of the caller's at one exchange."""


def parse_account_balances(raw_path: bytes) -> AccountBalancesParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/api/v1/cache/ws/balances/{exchange_id}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _ACCOUNT_BALANCES_ADDRESS.split(raw_path)
    if values is None:
        return None
    return AccountBalancesParameters(exchange_id=_ACCOUNT_BALANCES_PARAMETERS[0].read(values[0]))


def format_account_balances(parameters: AccountBalancesParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _ACCOUNT_BALANCES_ADDRESS.join(parameters.exchange_id)


Parameters: TypeAlias = (
    TickersParameters
    | ExchangeTickersParameters
    | TradesParameters
    | ExchangeTradesParameters
    | OrdersParameters
    | ExchangeOrdersParameters
    | BalancesParameters
    | AccountBalancesParameters
)
"""What stands in an address of any channel."""

_ADDRESSES: Final[tuple[tuple[Address, Channel], ...]] = (
    (Address(("api", "v1", "ws")), BARS),
    (_EXCHANGE_TICKERS_ADDRESS, EXCHANGE_TICKERS),
    (_EXCHANGE_TRADES_ADDRESS, EXCHANGE_TRADES),
    (_EXCHANGE_ORDERS_ADDRESS, EXCHANGE_ORDERS),
    (_ACCOUNT_BALANCES_ADDRESS, ACCOUNT_BALANCES),
    (_BALANCES_ADDRESS, BALANCES),
    (_TICKERS_ADDRESS, TICKERS),
    (_TRADES_ADDRESS, TRADES),
    (_ORDERS_ADDRESS, ORDERS),
)


def find_channel(raw_path: bytes) -> Channel | None:
    """Return the channel that a path belongs to as it was sent: of several the one whose address says most."""
    return next((channel for address, channel in _ADDRESSES if address.split(raw_path) is not None), None)
