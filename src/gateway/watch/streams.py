"""Streams: what can be watched, how the client opens it, and what its frames must be. It opens no connection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from gateway.watch.faults import WatchError
from tapecast_client import (
    AccountBalancesConnection,
    AccountBalancesMessage,
    BalancesConnection,
    BarsConnection,
    BarsMessage,
    Client,
    ExchangeOrdersConnection,
    ExchangeOrdersMessage,
    ExchangeTickersConnection,
    ExchangeTickersMessage,
    ExchangeTradesConnection,
    ExchangeTradesMessage,
    OrdersConnection,
    TickersConnection,
    TradesConnection,
    Undeclared,
)
from tapecast_client.models import AuthAck, BarsAck, CacheAuthAck, CachePong

Connection: TypeAlias = (
    BarsConnection
    | TickersConnection
    | ExchangeTickersConnection
    | TradesConnection
    | ExchangeTradesConnection
    | OrdersConnection
    | ExchangeOrdersConnection
    | BalancesConnection
    | AccountBalancesConnection
)
# Wide and narrow forms of a stream have the same messages.
Pushed: TypeAlias = (
    BarsMessage | ExchangeTickersMessage | ExchangeTradesMessage | ExchangeOrdersMessage | AccountBalancesMessage
)
Message: TypeAlias = Pushed | BarsAck | AuthAck | CacheAuthAck | CachePong
"""What the server may send over any channel that can be watched."""

MOST_HISTORY = 1000
DEFAULT_BARS_SYMBOL = "BTC/USDT"
_SHOWN = 300  # characters of a bad frame


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream. `wanted` is what is asked for, as (symbol, resolution); None: its address says it.

    `open` raises InvalidMessage for what no address can hold. `history`: so many trades, or closed bars, come first.
    """

    name: str
    title: str
    open: Callable[[Client], Connection]
    adapter: TypeAdapter[Any]
    history: int
    wanted: tuple[str, str] | None = None

    @property
    def needs_token(self) -> bool:
        """Whether the document wants a token here."""
        return self.wanted is None

    def explain(self, found: Undeclared) -> str:
        """Return a sentence on a frame that the document doesn't allow: what is wrong, and the frame's beginning."""
        if found.reason == "binary":
            return "The server sent a binary frame; the document allows text frames only."
        frame = found.frame.decode(errors="replace")
        what = found.detail
        try:
            self.adapter.validate_json(frame)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            if fault["type"] != "union_tag_invalid":  # a reply's is none of the union's
                # The first place is the type, the last the branch of `int | float`: neither is a member.
                place = ".".join(str(part) for part in fault["loc"][1:] if part not in ("int", "float"))
                what = f"{place}: {fault['msg']}" if place else fault["msg"]
        shown = frame if len(frame) <= _SHOWN else frame[:_SHOWN] + "..."
        return f"The server sent a frame that the document does not allow ({what}): {shown!a}"


def find_stream(
    name: str,
    *,
    exchange: str,
    symbol: str | None,
    exchange_id: int,
    currency: str | None,
    resolution: str,
    history: int,
) -> Stream:
    """Return the stream that the options name: the wide form where symbol or currency is None.

    `symbol` may bring its exchange: `nasdaq:AAPL`. Raises WatchError for more history than there may be.
    """
    if not 0 <= history <= MOST_HISTORY:
        raise WatchError(f"--history must be from 0 to {MOST_HISTORY}.")
    if symbol is not None:
        exchange, symbol = _split(exchange, symbol)
    if name == "bars":
        symbol = symbol or DEFAULT_BARS_SYMBOL
        title = f"Bars of {exchange}:{symbol} at {resolution}"
        return Stream("bars", title, Client.bars, _ADAPTERS[name], history, (f"{exchange}:{symbol}", resolution))
    where = f"account {exchange_id}" if name == "balances" else exchange
    part = currency if name == "balances" else symbol
    title = f"{name.capitalize()} of {where}" + (f", {part}" if part is not None else "")
    if name == "balances":
        open_ = _of_account(exchange_id, currency)
    elif symbol is None:
        open_ = _of_exchange(name, exchange, history or None)
    else:
        open_ = _of_symbol(name, exchange, symbol, history or None)
    return Stream(name, title, open_, _ADAPTERS[name], history)


def _split(exchange: str, symbol: str) -> tuple[str, str]:
    """Return exchange and symbol; a colon after a slash (`BTC/USDT:USDT`) is the symbol's own."""
    head, colon, tail = symbol.partition(":")
    return (head, tail) if colon and "/" not in head else (exchange, symbol)


def _of_account(exchange_id: int, currency: str | None) -> Callable[[Client], Connection]:
    if currency is None:
        return lambda client: client.account_balances(exchange_id=exchange_id)
    return lambda client: client.balances(exchange_id=exchange_id, currency=currency)


def _of_exchange(name: str, exchange: str, replay: int | None) -> Callable[[Client], Connection]:
    match name:
        case "tickers":
            return lambda client: client.exchange_tickers(exchange=exchange)
        case "trades":
            return lambda client: client.exchange_trades(exchange=exchange, replay=replay)
        case _:
            return lambda client: client.exchange_orders(exchange=exchange)


def _of_symbol(name: str, exchange: str, symbol: str, replay: int | None) -> Callable[[Client], Connection]:
    match name:
        case "tickers":
            return lambda client: client.tickers(exchange=exchange, symbol=symbol)
        case "trades":
            return lambda client: client.trades(exchange=exchange, symbol=symbol, replay=replay)
        case _:
            return lambda client: client.orders(exchange=exchange, symbol=symbol)


_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "bars": TypeAdapter(Annotated[BarsMessage, Field(discriminator="type")]),
    "tickers": TypeAdapter(Annotated[ExchangeTickersMessage, Field(discriminator="type")]),
    "trades": TypeAdapter(Annotated[ExchangeTradesMessage, Field(discriminator="type")]),
    "orders": TypeAdapter(Annotated[ExchangeOrdersMessage, Field(discriminator="type")]),
    "balances": TypeAdapter(Annotated[AccountBalancesMessage, Field(discriminator="type")]),
}
