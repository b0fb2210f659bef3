"""Streams: what can be watched, where it is, and what its frames must be. It opens no connection."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlencode

from pydantic import Field, TypeAdapter, ValidationError

from gateway.watch.faults import WatchError
from generated import channels
from generated.channels import Channel
from generated.messages import BalancesOutgoing, BarsOutgoing, OrdersOutgoing, TickersOutgoing, TradesOutgoing
from generated.models import BarsSubscribe, BarsSubscribePayload, CachePing, Resume

Message: TypeAlias = BarsOutgoing | TickersOutgoing | TradesOutgoing | OrdersOutgoing | BalancesOutgoing
"""What the server may send over any channel that can be watched."""

SUBSCRIBE_ID = 1
"""The id of the subscription, on the bars channel."""
PING_ID = 2
REFRESH_ID = 3
MOST_HISTORY = 1000
DEFAULT_BARS_SYMBOL = "BTC/USDT"
_SHOWN = 300  # characters of a bad frame


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream. `wanted` is what is asked for, as (symbol, resolution); None: its address says it.

    `history`: so many trades, or closed bars, come first where nothing is held yet.
    """

    name: str
    title: str
    channel: Channel
    path: str
    adapter: TypeAdapter[Any]
    history: int
    wanted: tuple[str, str] | None = None

    @property
    def needs_token(self) -> bool:
        """Whether the document wants a token here."""
        return self.channel.security is not None and not self.channel.security.optional

    @property
    def begins_with_state(self) -> bool:
        """Whether something comes first that has no position of its own: what stands, or a snapshot."""
        return self.name in ("orders", "balances") or (self.name == "bars" and self.history > 0)

    def address(self, held: Resume | None) -> str:
        """Return the path, with a query for what came after the position that is held, or else for the history."""
        query: dict[str, str | int] = {}
        if held is not None and self.name in ("trades", "orders", "balances"):
            query = {"epoch": held.epoch, "seq": held.seq}
        elif self.name == "trades" and self.history:
            query = {"replay": self.history}
        return f"{self.path}?{urlencode(query)}" if query else self.path

    def request(self, held: Resume | None) -> str | None:
        """Return the frame to send first, None where there is none.

        On the bars channel it is the subscription, which goes on from the position that is held. Where what stands
        comes first, it is a ping: its answer comes when all of that has come.
        """
        if self.wanted is not None:
            symbol, resolution = self.wanted
            payload = BarsSubscribePayload.model_construct(symbol=symbol, resolution=resolution, id=SUBSCRIBE_ID)
            asked: dict[str, Any] = {"snapshot": self.history} if self.history else {}
            if held is not None:
                asked["resume"] = held
            return BarsSubscribe.model_construct(payload=payload.model_copy(update=asked)).model_dump_json()
        return CachePing(id=PING_ID).model_dump_json() if self.begins_with_state else None

    def read(self, frame: str | bytes) -> Message | None:
        """Return the frame's message; None for a type that this version doesn't know, which a client has to ignore.

        Raises WatchError, with what is wrong, for a frame that the document doesn't allow.
        """
        if isinstance(frame, bytes):
            raise WatchError("The server sent a binary frame; the document allows text frames only.")
        try:
            message: Message = self.adapter.validate_json(frame)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            if fault["type"] == "union_tag_invalid":
                return None
            # The first place is the type, the last the branch of `int | float`: neither is a member.
            place = ".".join(str(part) for part in fault["loc"][1:] if part not in ("int", "float"))
            what = f"{place}: {fault['msg']}" if place else fault["msg"]
            shown = frame if len(frame) <= _SHOWN else frame[:_SHOWN] + "..."
            raise WatchError(f"The server sent a frame that the document does not allow ({what}): {shown!a}") from None
        return message


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

    `symbol` may bring its exchange: `nasdaq:AAPL`. Raises WatchError for what no address can hold, and for more history
    than there may be.
    """
    if not 0 <= history <= MOST_HISTORY:
        raise WatchError(f"--history must be from 0 to {MOST_HISTORY}.")
    if symbol is not None:
        exchange, symbol = _split(exchange, symbol)
    if name == "bars":
        symbol = symbol or DEFAULT_BARS_SYMBOL
        return Stream(
            "bars",
            f"Bars of {exchange}:{symbol} at {resolution}",
            channels.BARS,
            channels.BARS.address,
            _BARS,
            history,
            (f"{exchange}:{symbol}", resolution),
        )
    try:
        channel, path = _address(name, exchange, symbol, exchange_id, currency)
    except ValueError:
        raise WatchError(
            "No address can hold this exchange, symbol or currency: none of them is empty, and only a symbol has a "
            "slash, between two parts (BTC/USDT)."
        ) from None
    where = f"account {exchange_id}" if name == "balances" else exchange
    part = currency if name == "balances" else symbol
    title = f"{name.capitalize()} of {where}" + (f", {part}" if part is not None else "")
    return Stream(name, title, channel, path, _ADAPTERS[name], history)


def _split(exchange: str, symbol: str) -> tuple[str, str]:
    """Return exchange and symbol; a colon after a slash (`BTC/USDT:USDT`) is the symbol's own."""
    head, colon, tail = symbol.partition(":")
    return (head, tail) if colon and "/" not in head else (exchange, symbol)


def _address(
    name: str, exchange: str, symbol: str | None, exchange_id: int, currency: str | None
) -> tuple[Channel, str]:
    if name == "balances":
        if currency is None:
            wide = channels.AccountBalancesParameters(exchange_id=exchange_id)
            return channels.ACCOUNT_BALANCES, channels.format_account_balances(wide)
        narrow = channels.BalancesParameters(exchange_id=exchange_id, currency=currency)
        return channels.BALANCES, channels.format_balances(narrow)
    return _of_exchange(name, exchange) if symbol is None else _of_symbol(name, exchange, symbol)


def _of_exchange(name: str, exchange: str) -> tuple[Channel, str]:
    match name:
        case "tickers":
            return channels.EXCHANGE_TICKERS, channels.format_exchange_tickers(
                channels.ExchangeTickersParameters(exchange=exchange)
            )
        case "trades":
            return channels.EXCHANGE_TRADES, channels.format_exchange_trades(
                channels.ExchangeTradesParameters(exchange=exchange)
            )
        case _:
            return channels.EXCHANGE_ORDERS, channels.format_exchange_orders(
                channels.ExchangeOrdersParameters(exchange=exchange)
            )


def _of_symbol(name: str, exchange: str, symbol: str) -> tuple[Channel, str]:
    match name:
        case "tickers":
            return channels.TICKERS, channels.format_tickers(
                channels.TickersParameters(exchange=exchange, symbol=symbol)
            )
        case "trades":
            return channels.TRADES, channels.format_trades(channels.TradesParameters(exchange=exchange, symbol=symbol))
        case _:
            return channels.ORDERS, channels.format_orders(channels.OrdersParameters(exchange=exchange, symbol=symbol))


# Wide and narrow forms of a stream have the same messages.
_BARS: TypeAdapter[Any] = TypeAdapter(Annotated[BarsOutgoing, Field(discriminator="type")])
_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "tickers": TypeAdapter(Annotated[TickersOutgoing, Field(discriminator="type")]),
    "trades": TypeAdapter(Annotated[TradesOutgoing, Field(discriminator="type")]),
    "orders": TypeAdapter(Annotated[OrdersOutgoing, Field(discriminator="type")]),
    "balances": TypeAdapter(Annotated[BalancesOutgoing, Field(discriminator="type")]),
}
