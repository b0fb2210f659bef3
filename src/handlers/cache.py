"""Cache: market events in, tickers, trades, orders and balances out; and which of them an address opens.

It never sees a connection or a token, only sessions and the principals that tokens named.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, assert_never

from generated import models
from generated.channels import (
    AccountBalancesParameters,
    BalancesParameters,
    ExchangeOrdersParameters,
    ExchangeTickersParameters,
    ExchangeTradesParameters,
    ExchangeTradesQuery,
    OrdersParameters,
    Parameters,
    Query,
    TickersParameters,
    TradesParameters,
    TradesQuery,
)
from generated.messages import encode_trades
from generated.refusals import Refusal
from handlers.accounts import AccountStreams, account_directory
from handlers.auth import Principal
from handlers.errors import FLAT
from handlers.tickers import ExchangeTickers
from handlers.tokens import Tokens, ack_payload
from handlers.trades import ExchangeTrades
from market import events
from market.events import Account
from market.symbols import Symbol
from streaming.clock import Clock
from streaming.history import Copy, Event, KeyedStream, Resumption, Ring, Rings
from streaming.hub import Hub
from streaming.session import Session
from streaming.topic import StreamId, Topic
from streaming.traffic import Recoveries

FOREIGN_ACCOUNT = Refusal(403, "forbidden", "The token does not cover this account.")
"""The same for an account that exists and for one that does not."""


class CacheHandlers:
    """Answers what comes in over the cache sockets. Fits each of their `...Operations`."""

    def __init__(self, clock: Clock, tokens: Tokens) -> None:
        """Tell this clock's time, and renew by `tokens`."""
        self._clock = clock
        self._tokens = tokens

    async def ping(self, session: Session, message: models.CachePing, /) -> models.CachePong:
        """Answer with the server's time."""
        return models.CachePong(timestamp=self._clock.now_ms(), id=message.id)

    async def refresh(self, session: Session, message: models.CacheAuthRefresh, /) -> models.CacheAuthAck:
        """Go on with the new token."""
        answer = await self._tokens.refresh(session, message.token)
        return models.CacheAuthAck(**ack_payload(answer, message.id).model_dump())

    ping_tickers = ping_exchange_tickers = ping
    ping_trades = ping_exchange_trades = ping
    ping_orders = ping_exchange_orders = ping
    ping_balances = ping_account_balances = ping
    refresh_tickers = refresh_exchange_tickers = refresh
    refresh_trades = refresh_exchange_trades = refresh
    refresh_orders = refresh_exchange_orders = refresh
    refresh_balances = refresh_account_balances = refresh


class _Exchange:
    """One exchange's streams, for one life of its source after the other."""

    def __init__(self, name: str, symbols: list[Symbol], hub: Hub, rings: Rings, new_epoch: Callable[[], str]) -> None:
        self.name = name
        self.symbols = {symbol.name: symbol for symbol in symbols}
        self.accounts: list[AccountStreams] = []
        self._hub = hub
        self._trades_ring: Ring[Event] = rings.new()
        self._new_epoch = new_epoch
        self.begin()

    def begin(self) -> None:
        """Begin a new life: what was known is void."""
        self.has_begun = False
        self.unavailable: str | None = None
        self.tickers = ExchangeTickers(self.name, self.symbols, self._hub, self._new_epoch())
        self.trades = ExchangeTrades(self.name, self.symbols, self._hub, self._trades_ring, self._new_epoch())
        for account in self.accounts:
            account.begin(self._new_epoch())

    def rings(self) -> dict[str, Ring[Event]]:
        """Return every ring, by a name of its own."""
        found = {f"trades {self.name}": self._trades_ring}
        for account in self.accounts:
            found |= account.rings()
        return found

    def dump(self) -> dict[str, Copy]:
        """Return a copy of everything, in parts."""
        state = (self.has_begun, self.unavailable)
        tickers, trades = self.tickers.dump(), self.trades.dump()
        accounts = {account.name: account.dump() for account in self.accounts}
        return {
            f"exchange {self.name}": lambda: (*state, tickers()),
            f"trades {self.name}": trades,
            f"accounts {self.name}": lambda: {name: account() for name, account in accounts.items()},
        }

    def load(self, plain: Mapping[str, Any]) -> None:
        """Take what a copy held, in place of what is here."""
        self.has_begun, self.unavailable, tickers = plain[f"exchange {self.name}"]
        self.tickers.load(tickers)
        self.trades.load(plain[f"trades {self.name}"])
        for account in self.accounts:
            account.load(plain[f"accounts {self.name}"][account.name])

    def sessions(self) -> Iterator[Session]:
        """Iterate over the sessions of every stream, each of which has one."""
        yield from self._hub.sessions(self.tickers.stream)
        yield from self._hub.sessions(self.trades.stream)
        for account in self.accounts:
            yield from self._hub.sessions(account.orders_stream)
            yield from self._hub.sessions(account.balances_stream)


@dataclass(frozen=True, slots=True)
class View:
    """What a cache address shows: all of a stream, or one key of it.

    `state` makes the frames of what stands now. `events` are the stream's positions; a stream without lossless events
    has a version alone. `wanted` is what the client asks for of what was. `account`: whose it is, None where anybody's.
    """

    exchange: _Exchange
    stream: StreamId
    key: str | None
    state: Callable[[], Iterator[bytes]]
    events: Callable[[], KeyedStream | None]
    wanted: "Wanted"
    account: Account | None = None

    @property
    def has_state(self) -> bool:
        """Whether something stands, beside events."""
        return self.account is not None

    def is_covered_by(self, principal: Principal) -> bool:
        """Whether the principal may see it."""
        account = self.account
        return account is None or (account.user_id == principal.user_id and account.exchange_id in principal.accounts)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks for of what was: what came after a position, else so many of the newest events."""

    position: tuple[str, int] | None = None
    replay: int = 0


class CacheFeed:
    """Takes market events and publishes tickers, trades, orders and balances."""

    def __init__(
        self,
        symbols: Iterable[Symbol],
        accounts: Iterable[Account],
        hub: Hub,
        rings: Rings,
        *,
        new_epoch: Callable[[], str],
        limits: models.Limits,
    ) -> None:
        """Start with nothing known. ValueError: an account that can't be told from another, or has no exchange here."""
        self._hub = hub
        self._limits = limits
        self.recoveries = Recoveries()
        self._symbols = {symbol.key: symbol for symbol in symbols}
        listed: dict[str, list[Symbol]] = {}
        for symbol in self._symbols.values():
            listed.setdefault(symbol.exchange, []).append(symbol)
        self._exchanges = {name: _Exchange(name, those, hub, rings, new_epoch) for name, those in listed.items()}
        streams = [AccountStreams(account, hub, rings, new_epoch()) for account in accounts]
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

    # ---------------------------------------------------------------------------------------------- to be kept

    def rings(self) -> dict[str, Ring[Event]]:
        """Return every ring, by a name of its own."""
        return {name: ring for exchange in self._exchanges.values() for name, ring in exchange.rings().items()}

    def dump(self) -> dict[str, Copy]:
        """Return a copy of everything that anybody was told of or can be, in parts with names of their own."""
        return {name: part for exchange in self._exchanges.values() for name, part in exchange.dump().items()}

    def load(self, plain: Mapping[str, Any]) -> None:
        """Take what a copy held, in place of what is here: of the same symbols and accounts.

        The rings' times are still to be loaded. KeyError, TypeError, ValueError: it is no such copy.
        """
        for exchange in self._exchanges.values():
            exchange.load(plain)

    # ------------------------------------------------------------------------------------------ for the handlers

    def doubled(self) -> int:
        """Return how many trades were left out because they had come before, in the present lives of the sources."""
        return sum(exchange.trades.doubled for exchange in self._exchanges.values())

    def permit(self, parameters: Parameters, principal: Principal | None) -> Refusal | None:
        """Return why the principal may not see what an address names, None where it may."""
        match parameters:
            case ExchangeOrdersParameters() | OrdersParameters():
                # What exchanges there are is no secret: one that there isn't is told as such, later.
                known = parameters.exchange in self._exchanges
                return FOREIGN_ACCOUNT if known and self._at(parameters.exchange, principal) is None else None
            case AccountBalancesParameters() | BalancesParameters():
                return FOREIGN_ACCOUNT if self._numbered(parameters.exchange_id, principal) is None else None
            case _:
                return None

    def _at(self, exchange: str, principal: Principal | None) -> AccountStreams | None:
        """Return the principal's account at an exchange, None where its token covers none."""
        if principal is None:
            return None
        account = self._directory.by_exchange.get((principal.user_id, exchange))
        return account if account is not None and account.account.exchange_id in principal.accounts else None

    def _numbered(self, exchange_id: int, principal: Principal | None) -> AccountStreams | None:
        """Return the principal's account of a number, None where its token covers none."""
        if principal is None or exchange_id not in principal.accounts:
            return None
        return self._directory.by_number.get((principal.user_id, exchange_id))

    def find(self, parameters: Parameters, query: Query | None, principal: Principal | None) -> View | Refusal:
        """Return what an address shows to whom, or why it shows nothing."""
        wanted = read_wanted(query)
        match parameters:
            case ExchangeTickersParameters():
                return self._tickers(parameters.exchange, None)
            case TickersParameters():
                return self._tickers(parameters.exchange, parameters.symbol)
            case ExchangeTradesParameters():
                return self._trades(parameters.exchange, None, wanted)
            case TradesParameters():
                return self._trades(parameters.exchange, parameters.symbol, wanted)
            case ExchangeOrdersParameters():
                return self._orders(parameters.exchange, None, principal, wanted)
            case OrdersParameters():
                return self._orders(parameters.exchange, parameters.symbol, principal, wanted)
            case AccountBalancesParameters():
                return self._balances(parameters.exchange_id, None, principal, wanted)
            case BalancesParameters():
                return self._balances(parameters.exchange_id, parameters.currency, principal, wanted)
            case _:
                assert_never(parameters)

    def open(self, view: View, session: Session, *, is_plain: bool) -> None:
        """Send the session what it asked for of what was, and what stands; and from now on each change.

        A plain client gets neither `ready` nor `gap`: its first `prev` tells whether it missed something.
        """
        self._hub.subscribe(session, Topic(view.stream, () if view.key is None else (view.key,)))
        events = view.events()
        if events is None:
            epoch, resumption = view.exchange.tickers.epoch, Resumption(False, view.exchange.tickers.version, ())
        else:
            epoch, resumption = events.epoch, resume(events, view)
            if view.wanted.position is not None:
                self.recoveries.recovered += resumption.recovered
                self.recoveries.lost += not resumption.recovered
        frames: list[bytes] = []
        if not is_plain:
            ready = models.Ready(epoch=epoch, seq=resumption.start, recovered=resumption.recovered, limits=self._limits)
            frames.append(encode_trades(ready))
            if view.wanted.position is not None and not resumption.recovered and events is not None:
                lost_from, lost_to = resumption.lost_from, resumption.lost_to
                gap = models.Gap(epoch=epoch, key=view.key, from_seq=lost_from, to_seq=lost_to)
                frames.append(encode_trades(gap))
                self.recoveries.gaps += 1
        state = iter(()) if resumption.recovered or not view.exchange.has_begun else view.state()
        session.send_slowly(chain(frames, (event.encoded()[0] for event in resumption.frames), state))
        if view.exchange.unavailable is not None:
            session.send(FLAT.source_unavailable(view.exchange.unavailable))

    def _tickers(self, name: str, symbol: str | None) -> View | Refusal:
        exchange = self._exchange(name, symbol)
        if isinstance(exchange, Refusal):
            return exchange
        stream = exchange.tickers.stream
        return View(exchange, stream, symbol, lambda: exchange.tickers.state(symbol), lambda: None, Wanted())

    def _trades(self, name: str, symbol: str | None, wanted: Wanted) -> View | Refusal:
        exchange = self._exchange(name, symbol)
        if isinstance(exchange, Refusal):
            return exchange
        return View(exchange, exchange.trades.stream, symbol, lambda: iter(()), lambda: exchange.trades.events, wanted)

    def _orders(self, name: str, symbol: str | None, principal: Principal | None, wanted: Wanted) -> View | Refusal:
        exchange = self._exchange(name, symbol)
        if isinstance(exchange, Refusal):
            return exchange
        account = self._at(name, principal)
        if account is None:
            return FOREIGN_ACCOUNT
        return View(
            exchange,
            account.orders_stream,
            symbol,
            lambda: account.open_orders(symbol),
            lambda: account.orders_events,
            wanted,
            account.account,
        )

    def _balances(
        self, exchange_id: int, currency: str | None, principal: Principal | None, wanted: Wanted
    ) -> View | Refusal:
        account = self._numbered(exchange_id, principal)
        if account is None:
            return FOREIGN_ACCOUNT
        if currency is not None and currency not in account.account.currencies:
            known = ", ".join(account.account.currencies)
            return Refusal(404, "unknown_currency", f"This account has no such currency. It has {known}.")
        return View(
            self._exchanges[account.account.exchange],
            account.balances_stream,
            currency,
            lambda: account.balances(currency),
            lambda: account.balances_events,
            wanted,
            account.account,
        )

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


def read_wanted(query: Query | None) -> Wanted:
    """Return what a query asks for of what was."""
    if query is None:
        return Wanted()
    position = None if query.epoch is None or query.seq is None else (query.epoch, query.seq)
    return Wanted(position, query.replay if isinstance(query, TradesQuery | ExchangeTradesQuery) else 0)


def resume(events: KeyedStream, view: View) -> Resumption:
    """Return what a newcomer gets of a stream's events, and where it then stands."""
    wanted = view.wanted
    if wanted.position is not None:
        found = events.resume(*wanted.position, view.key)
        if found.recovered or not view.has_state:
            return found
        # What stands comes in place of what is left: it says more, and stands at one position.
        return Resumption(False, events.seq, (), found.lost_from, events.seq)
    if wanted.replay:
        return events.replay(wanted.replay, view.key)
    return Resumption(False, events.seq, ())
