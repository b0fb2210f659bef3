"""Demo: decides what a source's demo account trades. It knows no clock of its own, no subscriber and no message.

It acts on the market's trades alone, at the market's times, by a seeded chance: the same market gives the same orders.
It keeps a few orders open near the market, amends and cancels some, lets some expire and now and then asks for more
than it can pay. It never runs dry: half of what it has stays money, an order is a small part of it, and where that is
next to nothing, its fee is rounded down to none.
"""

import math
import random
from collections.abc import Iterable
from decimal import Decimal

from market.account import MAX_UNITS, QUOTE_UNIT, AccountBook, AccountEvent, Instrument
from market.events import Account, AccountSink, Order, Side, Trade
from market.records import Plain
from market.symbols import DOLLAR, Symbol

USER_ID = "1"
PACE_S = 1.5
"""Wall seconds from one act to the next, on average."""
MAX_SYMBOLS = 5
MAX_OPEN = 8
FUNDS = Decimal(100_000)
"""What the account begins with of each currency in which prices are told; it has nothing of the others."""
# What of a price's and a volume's decimals there are in all: one tick of one lot is one QUOTE_UNIT.
_DECIMALS = -QUOTE_UNIT.adjusted()
# No order is larger: well below what a float holds.
_MOST_LOTS = MAX_UNITS / 10
_NEVER = 2**63
# The chance of each act is the distance to the one before; what is left is for new limit orders.
_AMEND, _CANCEL, _AT_MARKET, _TOO_LARGE = 0.15, 0.27, 0.37, 0.41
# An order is worth such a part of what the account has.
_SMALLEST, _LARGEST = 0.005, 0.03


def demo_symbols(symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """Return what the demo account trades: the first few symbols, so that no currency is both traded and paid with."""
    chosen: list[Symbol] = []
    bases: set[str] = set()
    quotes: set[str] = set()
    for symbol in symbols:
        base, quote = symbol.base, symbol.quote
        if base != quote and base not in bases | quotes and quote not in bases:
            chosen.append(symbol)
            bases.add(base)
            quotes.add(quote)
            if len(chosen) == MAX_SYMBOLS:
                break
    return tuple(chosen)


def demo_account(exchange: str, exchange_id: int, symbols: Iterable[Symbol]) -> Account:
    """Return the demo account of an exchange. Its currencies are the money first, then what it trades."""
    chosen = demo_symbols(symbols)
    money = dict.fromkeys(symbol.quote for symbol in chosen) or {DOLLAR: None}
    return Account(USER_ID, exchange_id, exchange, (*money, *(symbol.base for symbol in chosen)))


class _Watched:
    """One symbol that has traded: its last price, and how far it moves between two acts."""

    __slots__ = ("anchor", "instrument", "move", "piece", "price", "step")

    def __init__(self, instrument: Instrument, price: Decimal) -> None:
        self.instrument = instrument
        self.price = price
        self.anchor = float(price)  # the price at the last act
        self.move = self.anchor / 2000
        self.step = instrument.tick  # limits are multiples of it
        self.piece = instrument.lot  # volumes are multiples of it, if that is little enough

    def note(self, trade: Trade) -> None:
        """Take a trade that is acted on."""
        price = float(trade.price)
        self.step = max(self.instrument.tick, _power(_decimals(trade.price)))
        self.piece = max(self.instrument.lot, _power(max(_decimals(trade.volume), 0)))
        self.move = max(0.7 * self.move + 0.3 * abs(price - self.anchor), float(self.step))
        self.anchor = price


class DemoTrader:
    """One life of the demo account, from `begins` on. `pace_ms`: market ms from one act to the next, on average.

    It keeps no more than `MAX_OPEN` orders; whatever is over is forgotten.
    """

    def __init__(
        self, account: Account, symbols: Iterable[Symbol], *, seed: int, pace_ms: float, funds: Decimal = FUNDS
    ) -> None:
        """Begin with `funds` of each money. `account` is what `demo_account` made of the same symbols."""
        self._symbols = {symbol.key: symbol for symbol in demo_symbols(symbols)}
        self._watched: dict[str, _Watched] = {}
        money = {symbol.quote for symbol in self._symbols.values()} or set(account.currencies)
        self._book = AccountBook(account, dict.fromkeys(money, funds))
        self._random = random.Random(f"demo {account.exchange} {seed}")
        self._chance = self._random.random
        self._exchange = account.exchange
        self._pace_ms = pace_ms
        self._due = 0
        self._count = 0
        self._good_till: dict[str, int] = {}
        self._expiry = _NEVER
        self._wake = 0  # the earlier of the two

    def dump(self) -> Plain:
        """Return everything that `load` needs to go on as this one would."""
        version, state, gauss = self._random.getstate()
        return {
            "book": self._book.dump(),
            "chance": (version, state, gauss),
            "pace_ms": self._pace_ms,
            "due": self._due,
            "count": self._count,
            "good_till": self._good_till,
            "watched": {
                key: (str(each.price), each.anchor, each.move, str(each.step), str(each.piece))
                for key, each in self._watched.items()
            },
        }

    def load(self, plain: Plain) -> None:
        """Take what the trader of the same account gave, its pace too, in place of what is here."""
        self._book.load(plain["book"])
        version, state, gauss = plain["chance"]
        self._random.setstate((version, tuple(state), gauss))
        self._pace_ms, self._due, self._count = plain["pace_ms"], plain["due"], plain["count"]
        self._good_till = dict(plain["good_till"])
        self._watched = {}
        for key, (price, anchor, move, step, piece) in plain["watched"].items():
            watched = self._watched[key] = _Watched(self._book.instrument(key), Decimal(price))
            watched.anchor, watched.move = anchor, move
            watched.step, watched.piece = Decimal(step), Decimal(piece)
        self._expiry = min(self._good_till.values(), default=_NEVER)
        self._wake = min(self._due, self._expiry)

    @property
    def pace_ms(self) -> float:
        """Return the pace at which it acts."""
        return self._pace_ms

    def use_pace(self, pace_ms: float) -> None:
        """Act at this pace from the next act on."""
        self._pace_ms = pace_ms

    def begins(self, sink: AccountSink, time: int) -> None:
        """Tell everything that the account has: called right after the sink's own `begins`."""
        self._tell(self._book.told(time), sink)

    def trade(self, trade: Trade, sink: AccountSink) -> None:
        """Take a trade that the sink has: orders expire or are filled, and then perhaps one thing is done."""
        watched = self._watched.get(trade.symbol)
        if watched is None:
            symbol = self._symbols.get(trade.symbol)
            if symbol is None:
                return
            watched = self._watched[trade.symbol] = _Watched(instrument_of(symbol, trade), trade.price)
            self._book.list_instrument(watched.instrument)
        watched.price = trade.price
        if trade.time >= self._wake:
            self.clock(trade.time, sink)
        if self._book.reached_by(trade):
            self._tell(self._book.trade(trade, self._available(watched)), sink)
        if trade.time >= self._due:
            self._due = trade.time + 1 + int(self._pace_ms * (0.5 + self._chance()))
            watched.note(trade)
            self._tell(self._act(watched, trade), sink)

    def clock(self, time: int, sink: AccountSink) -> None:
        """Take the exchange's time, which the sink has: orders expire."""
        if time >= self._expiry:
            for order_id in [order_id for order_id, till in self._good_till.items() if till <= time]:
                self._tell(self._book.expire(order_id, time), sink)

    def _tell(self, events: list[AccountEvent], sink: AccountSink) -> None:
        for event in events:
            if isinstance(event, Order):
                if event.status != "open":
                    self._good_till.pop(event.order_id, None)
                sink.order(event)
            else:
                sink.balance(event)
        self._expiry = min(self._good_till.values(), default=_NEVER)
        self._wake = min(self._due, self._expiry)

    # ---- what is done

    def _act(self, watched: _Watched, trade: Trade) -> list[AccountEvent]:
        """Do one thing."""
        orders = self._book.orders
        draw = self._chance()
        if len(orders) >= MAX_OPEN:
            draw *= _CANCEL
        if draw < _CANCEL and orders:
            order = orders[int(self._chance() * len(orders))]
            return self._amend(order, trade.time) if draw < _AMEND else self._book.cancel(order.order_id, trade.time)
        if _AT_MARKET <= draw < _TOO_LARGE:
            return self._ask_too_much(watched, trade)
        return self._place(watched, trade, at_market=_CANCEL <= draw < _AT_MARKET)

    def _place(self, watched: _Watched, trade: Trade, *, at_market: bool) -> list[AccountEvent]:
        """Place an order on the side that brings money and goods into balance, or on the other if that has nothing."""
        money = float(self._book.total(watched.instrument.quote))
        quote = watched.instrument.quote
        sharing = sum(symbol.quote == quote for symbol in self._symbols.values())
        buys = self._chance() * (money + self._goods(watched) * sharing) < money
        sides: tuple[Side, Side] = ("buy", "sell") if buys else ("sell", "buy")
        for side in sides:
            price = None if at_market else self._limit(watched, side)
            volume = self._volume(watched, self._part(watched), side)
            if volume is None or (price is None and not at_market):
                continue
            order_id = self._next_id()
            if price is None:
                return self._book.place_market(order_id, trade.symbol, side, volume, trade)
            if self._chance() < 0.5:
                self._good_till[order_id] = trade.time + 1 + int(self._pace_ms * (2 + 10 * self._chance()))
            return self._book.place_limit(order_id, trade.symbol, side, volume, price, trade.time)
        return []

    def _ask_too_much(self, watched: _Watched, trade: Trade) -> list[AccountEvent]:
        """Place an order that is worth several times what the account has: it is rejected."""
        volume = self._volume(watched, self._wealth(watched) * (3 + 7 * self._chance()))
        price = self._limit(watched, "buy")
        if volume is None or price is None:
            return []
        return self._book.place_limit(self._next_id(), trade.symbol, "buy", volume, price, trade.time)

    def _amend(self, order: Order, time: int) -> list[AccountEvent]:
        """Give an order a new limit near the market, or another volume."""
        watched = self._watched[order.symbol]
        if self._chance() < 0.6:
            return self._book.amend(order.order_id, time, price=self._limit(watched, order.side))
        rest = float(order.volume - order.filled) * float(watched.price) * (0.5 + 1.5 * self._chance())
        more = self._volume(watched, rest)
        if more is None:
            return []
        volume = min(order.filled + more, watched.instrument.lot * _MOST_LOTS)
        return self._book.amend(order.order_id, time, volume=volume)

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._exchange}-{self._count}"

    def _limit(self, watched: _Watched, side: Side) -> Decimal | None:
        """Return a limit near the market, mostly on the side where it waits; None where the grid has none."""
        away = watched.move * (1.25 * self._chance() - 0.25)
        target = float(watched.price) + (away if side == "sell" else -away)
        steps = round(target / float(watched.step))
        price = watched.step * steps
        return price if 0 < price < watched.instrument.tick * MAX_UNITS else None

    def _available(self, watched: _Watched) -> Decimal | None:
        """Return what of a trade is there for the account: half the time all, else others come first."""
        return None if self._chance() < 0.5 else self._volume(watched, self._part(watched))

    def _part(self, watched: _Watched) -> float:
        """Return what an order is to be worth, in money."""
        return self._wealth(watched) * (_SMALLEST + (_LARGEST - _SMALLEST) * self._chance())

    def _wealth(self, watched: _Watched) -> float:
        return float(self._book.total(watched.instrument.quote)) + self._goods(watched)

    def _goods(self, watched: _Watched) -> float:
        """Return what the account's goods of this symbol are worth, in money."""
        return float(self._book.total(watched.instrument.base)) * float(watched.price)

    def _volume(self, watched: _Watched, worth: float, side: Side | None = None) -> Decimal | None:
        """Return the volume that is worth about so much; with a side, no more than the account can pay now.

        None: not even a lot. Where the market trades whole shares it is whole too, unless one is worth too much.
        """
        instrument, price = watched.instrument, float(watched.price)
        piece = float(watched.piece) * price
        if worth < piece < self._wealth(watched) * 2 * _LARGEST:
            worth = piece
        if side == "buy":
            worth = min(worth, float(self._book.free(instrument.quote)) * 0.99)
        elif side == "sell":
            worth = min(worth, float(self._book.free(instrument.base)) * price)
        unit = watched.piece if piece <= worth else instrument.lot
        # A float's last digits may be missing: what is all but a unit is one.
        units = math.floor(worth / price / float(unit) + 1e-6)
        volume = min(unit * units, instrument.lot * _MOST_LOTS)
        if volume <= 0 or (side == "sell" and volume > self._book.free(instrument.base)):
            return None
        return volume


def instrument_of(symbol: Symbol, trade: Trade) -> Instrument:
    """Return the grid on which a symbol is traded, by one of its trades.

    It holds the trade's price as it is, if that has no more than 8 digits or so.
    A lot is worth 0.01 to 10 of the money.
    """
    magnitude = trade.price.adjusted()
    decimals = max(magnitude, min(magnitude + 2, _DECIMALS - max(_decimals(trade.price), 0)))
    return Instrument(
        symbol=symbol.key,
        base=symbol.base,
        quote=symbol.quote,
        tick=_power(_DECIMALS - decimals),
        lot=_power(decimals),
    )


def _decimals(value: Decimal) -> int:
    """Return how many decimals a number is written with; below 0 where it ends in zeros that aren't written."""
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _power(decimals: int) -> Decimal:
    """Return 10 ** -decimals, without an exponent where it is whole."""
    return Decimal(10**-decimals) if decimals < 0 else Decimal(1).scaleb(-decimals)
