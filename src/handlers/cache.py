"""Cache: market events in, tickers, trades, orders and balances out; and which of them an address opens.

It never sees a connection or a token, only sessions and the principals that tokens named.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

from generated.channels import (
    AccountBalancesParameters,
    BalancesParameters,
    ExchangeOrdersParameters,
    ExchangeTickersParameters,
    ExchangeTradesParameters,
    OrdersParameters,
    Parameters,
    TickersParameters,
    TradesParameters,
)
from generated.models import CachePing, CachePong
from generated.refusals import Refusal
from handlers.accounts import AccountStreams, account_directory
from handlers.auth import Principal
from handlers.errors import FLAT
from handlers.tickers import ExchangeTickers
from handlers.trades import ExchangeTrades
from market import events
from market.symbols import Symbol
from streaming.clock import Clock
from streaming.hub import Hub
from streaming.session import Session
from streaming.topic import StreamId, Topic

FOREIGN_ACCOUNT = Refusal(403, "forbidden", "The token does not cover this account.")
"""The same for an account that exists and for one that does not."""


class CacheHandlers:
    """Answers what comes in over the cache sockets. Fits each of their `...Operations`."""

    def __init__(self, clock: Clock) -> None:
        """Tell this clock's time."""
        self._clock = clock

    async def ping(self, session: Session, message: CachePing, /) -> CachePong:
        """Answer with the server's time."""
        return CachePong(timestamp=self._clock.now_ms(), id=message.id)

    ping_tickers = ping_exchange_tickers = ping
    ping_trades = ping_exchange_trades = ping
    ping_orders = ping_exchange_orders = ping
    ping_balances = ping_account_balances = ping


class _Exchange:
    """One exchange's streams, for one life of its source after the other."""

    def __init__(self, name: str, symbols: list[Symbol], hub: Hub, new_epoch: Callable[[], str]) -> None:
        self.name = name
        self.symbols = {symbol.name: symbol for symbol in symbols}
        self.accounts: list[AccountStreams] = []
        self._hub = hub
        self._new_epoch = new_epoch
        self.begin()

    def begin(self) -> None:
        """Begin a new life: what was known is void."""
        self.has_begun = False
        self.unavailable: str | None = None
        self.tickers = ExchangeTickers(self.name, self.symbols, self._hub)
        self.trades = ExchangeTrades(self.name, self.symbols, self._hub, self._new_epoch())
        for account in self.accounts:
            account.begin(self._new_epoch())

    def sessions(self) -> Iterator[Session]:
        """Iterate over the sessions of every stream, each of which has one."""
        yield from self._hub.sessions(self.tickers.stream)
        yield from self._hub.sessions(self.trades.stream)
        for account in self.accounts:
            yield from self._hub.sessions(account.orders_stream)
            yield from self._hub.sessions(account.balances_stream)


@dataclass(frozen=True, slots=True)
class View:
    """What a cache address shows: all of a stream, or one key of it. `state` makes the frames of what stands now."""

    exchange: _Exchange
    stream: StreamId
    key: str | None
    state: Callable[[], Iterator[bytes]]


class CacheFeed:
    """Takes market events and publishes tickers, trades, orders and balances."""

    def __init__(
        self,
        symbols: Iterable[Symbol],
        accounts: Iterable[events.Account],
        hub: Hub,
        *,
        new_epoch: Callable[[], str],
    ) -> None:
        """Start with nothing known. ValueError: an account that can't be told from another, or has no exchange here."""
        self._hub = hub
        self._symbols = {symbol.key: symbol for symbol in symbols}
        listed: dict[str, list[Symbol]] = {}
        for symbol in self._symbols.values():
            listed.setdefault(symbol.exchange, []).append(symbol)
        self._exchanges = {name: _Exchange(name, those, hub, new_epoch) for name, those in listed.items()}
        streams = [AccountStreams(account, hub, new_epoch()) for account in accounts]
        for each in streams:
            if each.account.exchange not in self._exchanges:
                raise ValueError(f"The account {each.account.exchange_id} is at an exchange that no source has.")
            self._exchanges[each.account.exchange].accounts.append(each)
        self._directory = account_directory(streams)

    # ------------------------------------------------------------------------------------------- from the market

    def trade(self, trade: events.Trade) -> None:
        """Publish the trade and its symbol's ticker."""
        symbol = self._symbols[trade.symbol]
        exchange = self._exchanges[symbol.exchange]
        if exchange.trades.trade(symbol.name, trade):
            exchange.tickers.trade(symbol.name, trade)

    def history(self, trade: events.Trade) -> None:
        """Count a trade of the past."""
        symbol = self._symbols[trade.symbol]
        exchange = self._exchanges[symbol.exchange]
        exchange.trades.history(symbol.name, trade)
        exchange.tickers.history(symbol.name, trade)

    def begins(self, exchange: str, time: int) -> None:
        """Show how the symbols stand, to those who wait for it."""
        del time
        state = self._exchanges[exchange]
        state.has_begun = True
        state.tickers.begin()

    def order(self, order: events.Order) -> None:
        """Publish how an order stands."""
        account = self._directory.by_number[order.account.user_id, order.account.exchange_id]
        account.order(self._symbols[order.symbol].name, order)

    def balance(self, balance: events.Balance) -> None:
        """Publish what an account holds of a currency."""
        self._directory.by_number[balance.account.user_id, balance.account.exchange_id].balance(balance)

    def restarted(self, exchange: str) -> None:
        """Begin a new epoch: what was known is void, and whoever was told of it must come again."""
        state = self._exchanges[exchange]
        for session in list(state.sessions()):
            session.end("state_lost")
        state.begin()

    def ended(self, exchange: str) -> None:
        """Tell everybody that the exchange has no further events."""
        self._make_unavailable(exchange, "has reached its end")

    def failed(self, exchange: str) -> None:
        """Tell everybody that the exchange's source failed."""
        self._make_unavailable(exchange, "is not available now")

    def _make_unavailable(self, exchange: str, why: str) -> None:
        state = self._exchanges[exchange]
        state.unavailable = f"The source of {exchange} {why}."
        frame = FLAT.source_unavailable(state.unavailable)
        for session in state.sessions():
            session.send(frame)

    # ------------------------------------------------------------------------------------------ for the handlers

    def doubled(self) -> int:
        """Return how many trades were left out because they had come before, in the present lives of the sources."""
        return sum(exchange.trades.doubled for exchange in self._exchanges.values())

    def find(self, parameters: Parameters, principal: Principal | None) -> View | Refusal:
        """Return what an address shows to whom, or why it shows nothing."""
        match parameters:
            case ExchangeTickersParameters():
                return self._market(parameters.exchange, None, lambda exchange: exchange.tickers)
            case TickersParameters():
                return self._market(parameters.exchange, parameters.symbol, lambda exchange: exchange.tickers)
            case ExchangeTradesParameters():
                return self._market(parameters.exchange, None, lambda exchange: exchange.trades)
            case TradesParameters():
                return self._market(parameters.exchange, parameters.symbol, lambda exchange: exchange.trades)
            case ExchangeOrdersParameters():
                return self._orders(parameters.exchange, None, principal)
            case OrdersParameters():
                return self._orders(parameters.exchange, parameters.symbol, principal)
            case AccountBalancesParameters():
                return self._balances(parameters.exchange_id, None, principal)
            case BalancesParameters():
                return self._balances(parameters.exchange_id, parameters.currency, principal)
            case _:
                assert_never(parameters)

    def open(self, view: View, session: Session) -> None:
        """Send the session what stands now, and from now on each change."""
        self._hub.subscribe(session, Topic(view.stream, () if view.key is None else (view.key,)))
        if view.exchange.has_begun:
            session.send_slowly(view.state())
        if view.exchange.unavailable is not None:
            session.send(FLAT.source_unavailable(view.exchange.unavailable))

    def _market(
        self, name: str, symbol: str | None, stream: Callable[[_Exchange], ExchangeTickers | ExchangeTrades]
    ) -> View | Refusal:
        exchange = self._exchange(name, symbol)
        if isinstance(exchange, Refusal):
            return exchange
        return View(exchange, stream(exchange).stream, symbol, lambda: stream(exchange).state(symbol))

    def _orders(self, name: str, symbol: str | None, principal: Principal | None) -> View | Refusal:
        if name not in self._exchanges:
            return self._unknown_exchange()
        account = None if principal is None else self._directory.by_exchange.get((principal.user_id, name))
        if account is None or principal is None or account.account.exchange_id not in principal.accounts:
            return FOREIGN_ACCOUNT
        exchange = self._exchange(name, symbol)
        if isinstance(exchange, Refusal):
            return exchange
        return View(exchange, account.orders_stream, symbol, lambda: account.open_orders(symbol))

    def _balances(self, exchange_id: int, currency: str | None, principal: Principal | None) -> View | Refusal:
        if principal is None or exchange_id not in principal.accounts:
            return FOREIGN_ACCOUNT
        account = self._directory.by_number.get((principal.user_id, exchange_id))
        if account is None:
            return FOREIGN_ACCOUNT
        if currency is not None and currency not in account.account.currencies:
            known = ", ".join(account.account.currencies)
            return Refusal(404, "unknown_currency", f"This account has no such currency. It has {known}.")
        exchange = self._exchanges[account.account.exchange]
        return View(exchange, account.balances_stream, currency, lambda: account.balances(currency))

    def _exchange(self, name: str, symbol: str | None) -> _Exchange | Refusal:
        exchange = self._exchanges.get(name)
        if exchange is None:
            return self._unknown_exchange()
        if symbol is not None and symbol not in exchange.symbols:
            examples = ", ".join(list(exchange.symbols)[:5])
            return Refusal(404, "unknown_symbol", f"This exchange has no such symbol. It has {examples}.")
        return exchange

    def _unknown_exchange(self) -> Refusal:
        known = ", ".join(self._exchanges)
        return Refusal(404, "unknown_exchange", f"There is no such exchange here. There is {known}.")
