# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, TypeAdapter

from .addresses import Address, Parameter, read_query, require_beside


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


_TRADES_QUERY: Final = (
    Parameter[int]("replay", "integer", TypeAdapter(Annotated[int, Field(ge=0, le=1000)]), "an integer from 0 to 1000"),
    Parameter[str](
        "epoch", "string", TypeAdapter(Annotated[str, Field(max_length=64)]), "a string of at most 64 characters"
    ),
    Parameter[int](
        "seq",
        "integer",
        TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]),
        "an integer from 0 to 9007199254740991",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesQuery:
    """What may stand in the query of `trades`."""

    replay: int = 0
    """So many of the last trades come first, as far as they are kept."""
    epoch: str | None = None
    """With `seq`, the position of the last frame that the client holds. What came after it comes first."""
    seq: int | None = None
    """See `epoch`."""


def read_trades_query(scope: Mapping[str, Any]) -> TradesQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "replay", "epoch", "seq")
    require_beside(found, "epoch", "seq")
    require_beside(found, "seq", "epoch")
    return TradesQuery(
        replay=_TRADES_QUERY[0].optional(found, 0),
        epoch=_TRADES_QUERY[1].optional(found, None),
        seq=_TRADES_QUERY[2].optional(found, None),
    )


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


_EXCHANGE_TRADES_QUERY: Final = (
    Parameter[int]("replay", "integer", TypeAdapter(Annotated[int, Field(ge=0, le=1000)]), "an integer from 0 to 1000"),
    Parameter[str](
        "epoch", "string", TypeAdapter(Annotated[str, Field(max_length=64)]), "a string of at most 64 characters"
    ),
    Parameter[int](
        "seq",
        "integer",
        TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]),
        "an integer from 0 to 9007199254740991",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTradesQuery:
    """What may stand in the query of `exchangeTrades`."""

    replay: int = 0
    """So many of the last trades come first, as far as they are kept."""
    epoch: str | None = None
    """With `seq`, the position of the last frame that the client holds. What came after it comes first."""
    seq: int | None = None
    """See `epoch`."""


def read_exchange_trades_query(scope: Mapping[str, Any]) -> ExchangeTradesQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "replay", "epoch", "seq")
    require_beside(found, "epoch", "seq")
    require_beside(found, "seq", "epoch")
    return ExchangeTradesQuery(
        replay=_EXCHANGE_TRADES_QUERY[0].optional(found, 0),
        epoch=_EXCHANGE_TRADES_QUERY[1].optional(found, None),
        seq=_EXCHANGE_TRADES_QUERY[2].optional(found, None),
    )


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


_ORDERS_QUERY: Final = (
    Parameter[str](
        "epoch", "string", TypeAdapter(Annotated[str, Field(max_length=64)]), "a string of at most 64 characters"
    ),
    Parameter[int](
        "seq",
        "integer",
        TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]),
        "an integer from 0 to 9007199254740991",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersQuery:
    """What may stand in the query of `orders`."""

    epoch: str | None = None
    """With `seq`, the position of the last frame that the client holds. What came after it comes first."""
    seq: int | None = None
    """See `epoch`."""


def read_orders_query(scope: Mapping[str, Any]) -> OrdersQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "epoch", "seq")
    require_beside(found, "epoch", "seq")
    require_beside(found, "seq", "epoch")
    return OrdersQuery(epoch=_ORDERS_QUERY[0].optional(found, None), seq=_ORDERS_QUERY[1].optional(found, None))


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


_EXCHANGE_ORDERS_QUERY: Final = (
    Parameter[str](
        "epoch", "string", TypeAdapter(Annotated[str, Field(max_length=64)]), "a string of at most 64 characters"
    ),
    Parameter[int](
        "seq",
        "integer",
        TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]),
        "an integer from 0 to 9007199254740991",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOrdersQuery:
    """What may stand in the query of `exchangeOrders`."""

    epoch: str | None = None
    """With `seq`, the position of the last frame that the client holds. What came after it comes first."""
    seq: int | None = None
    """See `epoch`."""


def read_exchange_orders_query(scope: Mapping[str, Any]) -> ExchangeOrdersQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "epoch", "seq")
    require_beside(found, "epoch", "seq")
    require_beside(found, "seq", "epoch")
    return ExchangeOrdersQuery(
        epoch=_EXCHANGE_ORDERS_QUERY[0].optional(found, None), seq=_EXCHANGE_ORDERS_QUERY[1].optional(found, None)
    )


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


_BALANCES_QUERY: Final = (
    Parameter[str](
        "epoch", "string", TypeAdapter(Annotated[str, Field(max_length=64)]), "a string of at most 64 characters"
    ),
    Parameter[int](
        "seq",
        "integer",
        TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]),
        "an integer from 0 to 9007199254740991",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesQuery:
    """What may stand in the query of `balances`."""

    epoch: str | None = None
    """With `seq`, the position of the last frame that the client holds. What came after it comes first."""
    seq: int | None = None
    """See `epoch`."""


def read_balances_query(scope: Mapping[str, Any]) -> BalancesQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "epoch", "seq")
    require_beside(found, "epoch", "seq")
    require_beside(found, "seq", "epoch")
    return BalancesQuery(epoch=_BALANCES_QUERY[0].optional(found, None), seq=_BALANCES_QUERY[1].optional(found, None))


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


_ACCOUNT_BALANCES_QUERY: Final = (
    Parameter[str](
        "epoch", "string", TypeAdapter(Annotated[str, Field(max_length=64)]), "a string of at most 64 characters"
    ),
    Parameter[int](
        "seq",
        "integer",
        TypeAdapter(Annotated[int, Field(ge=0, le=9007199254740991)]),
        "an integer from 0 to 9007199254740991",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalancesQuery:
    """What may stand in the query of `accountBalances`."""

    epoch: str | None = None
    """With `seq`, the position of the last frame that the client holds. What came after it comes first."""
    seq: int | None = None
    """See `epoch`."""


def read_account_balances_query(scope: Mapping[str, Any]) -> AccountBalancesQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "epoch", "seq")
    require_beside(found, "epoch", "seq")
    require_beside(found, "seq", "epoch")
    return AccountBalancesQuery(
        epoch=_ACCOUNT_BALANCES_QUERY[0].optional(found, None), seq=_ACCOUNT_BALANCES_QUERY[1].optional(found, None)
    )


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


Query: TypeAlias = (
    TradesQuery | ExchangeTradesQuery | OrdersQuery | ExchangeOrdersQuery | BalancesQuery | AccountBalancesQuery
)
"""What stands in the query of any channel."""
