# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, TypeAdapter

from .addresses import Address, Parameter, read_query


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str


TRADES: Final = Channel(id="trades", address="/trades/{exchange}/{symbol}", title="trades", summary="")
BALANCES: Final = Channel(id="balances", address="/balances/{exchange_id}", title="balances", summary="")
PLAIN: Final = Channel(id="plain", address="/plain/{exchange}", title="plain", summary="")

CHANNELS: Final[tuple[Channel, ...]] = (TRADES, BALANCES, PLAIN)


_TRADES_ADDRESS: Final = Address(("trades", None, None), slashes=True)
_TRADES_PARAMETERS: Final = (
    Parameter[str]("exchange", "string", TypeAdapter(str), "a string"),
    Parameter[str]("symbol", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesParameters:
    """What stands in an address of `trades`."""

    exchange: str
    symbol: str


def parse_trades(raw_path: bytes) -> TradesParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/trades/{exchange}/{symbol}`.

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
        "epoch",
        "string",
        TypeAdapter(Annotated[str, Field(min_length=1, max_length=64)]),
        "a string of 1 to 64 characters",
    ),
    Parameter[int]("seq", "integer", TypeAdapter(Annotated[int, Field(ge=0)]), "an integer of at least 0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesQuery:
    """What may stand in the query of `trades`."""

    replay: int = 0
    """How many of the last to send first."""
    epoch: str | None = None
    seq: int | None = None


def read_trades_query(scope: Mapping[str, Any]) -> TradesQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "replay", "epoch", "seq")
    return TradesQuery(
        replay=_TRADES_QUERY[0].optional(found, 0),
        epoch=_TRADES_QUERY[1].optional(found, None),
        seq=_TRADES_QUERY[2].optional(found, None),
    )


_BALANCES_ADDRESS: Final = Address(("balances", None), slashes=False)
_BALANCES_PARAMETERS: Final = (
    Parameter[int]("exchange_id", "integer", TypeAdapter(Annotated[int, Field(ge=0)]), "an integer of at least 0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesParameters:
    """What stands in an address of `balances`."""

    exchange_id: int


def parse_balances(raw_path: bytes) -> BalancesParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/balances/{exchange_id}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _BALANCES_ADDRESS.split(raw_path)
    if values is None:
        return None
    return BalancesParameters(exchange_id=_BALANCES_PARAMETERS[0].read(values[0]))


def format_balances(parameters: BalancesParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _BALANCES_ADDRESS.join(parameters.exchange_id)


_BALANCES_QUERY: Final = (
    Parameter[str]("epoch", "string", TypeAdapter(str), "a string"),
    Parameter[bool]("all", "boolean", TypeAdapter(bool), "true or false"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesQuery:
    """What may stand in the query of `balances`."""

    epoch: str | None = None
    all: bool = False


def read_balances_query(scope: Mapping[str, Any]) -> BalancesQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "epoch", "all")
    return BalancesQuery(epoch=_BALANCES_QUERY[0].optional(found, None), all=_BALANCES_QUERY[1].optional(found, False))


_PLAIN_ADDRESS: Final = Address(("plain", None), slashes=False)
_PLAIN_PARAMETERS: Final = (Parameter[str]("exchange", "string", TypeAdapter(str), "a string"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainParameters:
    """What stands in an address of `plain`."""

    exchange: str


def parse_plain(raw_path: bytes) -> PlainParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/plain/{exchange}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _PLAIN_ADDRESS.split(raw_path)
    if values is None:
        return None
    return PlainParameters(exchange=_PLAIN_PARAMETERS[0].read(values[0]))


def format_plain(parameters: PlainParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _PLAIN_ADDRESS.join(parameters.exchange)


Parameters: TypeAlias = TradesParameters | BalancesParameters | PlainParameters
"""What stands in an address of any channel."""

_ADDRESSES: Final[tuple[tuple[Address, Channel], ...]] = (
    (_BALANCES_ADDRESS, BALANCES),
    (_PLAIN_ADDRESS, PLAIN),
    (_TRADES_ADDRESS, TRADES),
)


def find_channel(raw_path: bytes) -> Channel | None:
    """Return the channel that a path belongs to as it was sent: of several the one whose address says most."""
    return next((channel for address, channel in _ADDRESSES if address.split(raw_path) is not None), None)


Query: TypeAlias = TradesQuery | BalancesQuery
"""What stands in the query of any channel."""
