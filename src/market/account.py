"""Account: one account's balances and open orders, and how orders and trades move them. It never decides what to trade.

A pure state machine: every change returns the events that tell it, an order first and then the balances that it moved,
base before quote. After each event, for every currency: total = free + used, neither is below 0, `used` is what the
open orders reserve, and total is the first balance with every fill and fee counted in.

Numbers go to clients as 64-bit floats, which hold 15 digits: each currency has a smallest unit, and what would be
10 ** 15 of them or more doesn't happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal

from market.events import Account, Balance, Order, OrderStatus, OrderType, Side, Trade
from market.records import Plain, numbers_of, numbers_record, order_of, order_record

QUOTE_UNIT = Decimal("0.00000001")
"""The smallest amount of a currency in which prices are told."""
FEE_UNIT = Decimal("0.01")
"""Fees are whole multiples of this, rounded down: so an order that is worth next to nothing costs nothing."""
FEE_RATE = Decimal("0.0005")
"""What a fill's cost is multiplied by to give its fee."""
MAX_UNITS = Decimal(10**15)
"""No amount is as many units: a 64-bit float gives back every decimal number of 15 digits."""

AccountEvent = Order | Balance

_ZERO = Decimal(0)
# A price and a volume of 15 digits have a product of 30, more than Decimal's usual 28.
_EXACT = Context(prec=100)


@dataclass(frozen=True, slots=True)
class Instrument:
    """What an account can trade. `symbol` is canonical.

    Limits are multiples of `tick` and volumes multiples of `lot`; both are powers of ten, and one tick of one lot is at
    least `QUOTE_UNIT`.
    """

    symbol: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal


class _Listed:
    """An instrument with its open orders, oldest first, and the limits that a trade's price has to reach."""

    __slots__ = ("highest_buy", "instrument", "lowest_sell", "orders")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.orders: dict[str, Order] = {}
        self.highest_buy: Decimal | None = None
        self.lowest_sell: Decimal | None = None

    def note_limits(self) -> None:
        buys = [order.price for order in self.orders.values() if order.side == "buy" and order.price is not None]
        sells = [order.price for order in self.orders.values() if order.side == "sell" and order.price is not None]
        self.highest_buy = max(buys, default=None)
        self.lowest_sell = min(sells, default=None)

    def reached(self, price: Decimal) -> bool:
        return (self.highest_buy is not None and price <= self.highest_buy) or (
            self.lowest_sell is not None and price >= self.lowest_sell
        )

    def by_priority(self) -> list[Order]:
        """Return the open orders, the best limit of each side first and of equal ones the oldest."""
        return sorted(
            self.orders.values(),
            key=lambda order: (order.side, (order.price or _ZERO) * (-1 if order.side == "buy" else 1)),
        )


class AccountBook:
    """The state of one account. Times are ms and come from the caller, who keeps them in order.

    Only open orders are kept: one that is closed, canceled, expired or rejected is told and forgotten.
    """

    def __init__(self, account: Account, totals: Mapping[str, Decimal], *, fee_rate: Decimal = FEE_RATE) -> None:
        """Start with `totals` (0 of a currency that is not among them), nothing of it reserved.

        ValueError: a currency is none of the account's, a total is negative or too large, or the rate isn't in [0, 1).
        """
        if not 0 <= fee_rate < 1:
            raise ValueError(f"The fee's rate is 0 or more and below 1, not {fee_rate}.")
        self._account = account
        self._fee_rate = fee_rate
        self._totals = dict.fromkeys(account.currencies, _ZERO)
        self._used = dict.fromkeys(account.currencies, _ZERO)
        # The unit of a currency; not known before one has something of it or can get it.
        self._units: dict[str, Decimal] = {}
        self._listed: dict[str, _Listed] = {}
        self._by_id: dict[str, _Listed] = {}
        for currency, total in totals.items():
            if currency not in self._totals:
                raise ValueError(f"{currency!r} is none of the account's currencies {account.currencies}.")
            if not (0 <= total < QUOTE_UNIT * MAX_UNITS and _is_multiple(total, QUOTE_UNIT)):
                raise ValueError(f"The total {total} {currency} is negative, too large or too fine.")
            self._totals[currency] = total
            self._units[currency] = QUOTE_UNIT

    # ---- what is there

    @property
    def orders(self) -> tuple[Order, ...]:
        """Return the open orders as they were last told, of each instrument the oldest first."""
        return tuple(order for listed in self._listed.values() for order in listed.orders.values())

    def total(self, currency: str) -> Decimal:
        """Return what the account has of a currency."""
        return self._totals[currency]

    def free(self, currency: str) -> Decimal:
        """Return what of a currency stands behind no order."""
        return self._totals[currency] - self._used[currency]

    def told(self, time: int) -> list[AccountEvent]:
        """Return every balance and every open order, as one who listens from now on needs them."""
        balances = [self._balance(currency, time) for currency in self._account.currencies]
        return [*balances, *self.orders]

    # ---- to be kept

    def dump(self) -> Plain:
        """Return everything that `load` needs to go on as this one would."""
        return {
            "totals": numbers_record(self._totals),
            "used": numbers_record(self._used),
            "units": numbers_record(self._units),
            "listed": [
                (
                    (listed.instrument.symbol, listed.instrument.base, listed.instrument.quote),
                    str(listed.instrument.tick),
                    str(listed.instrument.lot),
                    [order_record(order) for order in listed.orders.values()],
                )
                for listed in self._listed.values()
            ],
        }

    def load(self, plain: Plain) -> None:
        """Take what another book of the same account gave, in place of what is here."""
        account = self._account
        accounts = {(account.user_id, account.exchange_id): account}
        self._totals, self._used = numbers_of(plain["totals"]), numbers_of(plain["used"])
        self._units = numbers_of(plain["units"])
        self._listed, self._by_id = {}, {}
        for (symbol, base, quote), tick, lot, orders in plain["listed"]:
            instrument = Instrument(symbol, base, quote, Decimal(tick), Decimal(lot))
            listed = self._listed[instrument.symbol] = _Listed(instrument)
            for record in orders:
                self._keep(listed, order_of(record, accounts))

    def instrument(self, symbol: str) -> Instrument:
        """Return a listed instrument. KeyError: it isn't listed."""
        return self._listed[symbol].instrument

    # ---- what changes

    def list_instrument(self, instrument: Instrument) -> None:
        """Let the account trade an instrument from now on.

        ValueError: it is listed already, its currencies are none of the account's or are one, or its grid is too fine.
        """
        base, quote = instrument.base, instrument.quote
        if instrument.symbol in self._listed:
            raise ValueError(f"{instrument.symbol} is listed already.")
        if base == quote or base not in self._totals or quote not in self._totals:
            raise ValueError(f"{instrument.symbol}: {base} for {quote} can't be traded in {self._account.currencies}.")
        if not _is_multiple(_EXACT.multiply(instrument.tick, instrument.lot), QUOTE_UNIT):
            raise ValueError(f"{instrument.symbol}: a tick of a lot is less than {QUOTE_UNIT} {quote}.")
        base_unit, quote_unit = self._unit_with(base, instrument.lot), self._unit_with(quote, QUOTE_UNIT)
        self._units |= {base: base_unit, quote: quote_unit}
        self._listed[instrument.symbol] = _Listed(instrument)

    def place_limit(
        self, order_id: str, symbol: str, side: Side, volume: Decimal, price: Decimal, time: int
    ) -> list[AccountEvent]:
        """Place an order that waits for a price. What it can cost is reserved; what can't be reserved is rejected.

        ValueError: price or volume isn't above 0, on the grid and below `MAX_UNITS` of it, or the id is in use.
        """
        listed = self._checked(order_id, symbol, volume, price)
        order = self._new(order_id, symbol, side, "limit", volume, price, time)
        currency, reserved = self._reservation(listed.instrument, order)
        if reserved > self.free(currency):
            return [replace(order, status="rejected")]
        self._keep(listed, order)
        self._used[currency] += reserved
        return [order, self._balance(currency, time)]

    def place_market(self, order_id: str, symbol: str, side: Side, volume: Decimal, trade: Trade) -> list[AccountEvent]:
        """Place an order that is filled at once, as a whole, at the price and the time of the trade just seen.

        What can't be paid is rejected. ValueError: as for `place_limit`.
        """
        listed = self._checked(order_id, symbol, volume, None)
        order = self._new(order_id, symbol, side, "market", volume, None, trade.time)
        filled = self._filled(listed.instrument, order, trade, volume)
        if filled is None:
            return [replace(order, status="rejected")]
        return self._settle(listed, order, filled)

    def amend(
        self, order_id: str, time: int, *, price: Decimal | None = None, volume: Decimal | None = None
    ) -> list[AccountEvent]:
        """Change an open order's limit, its whole volume or both. Its place among equal limits stays.

        No events: it is so already, what it would reserve isn't there, or the volume would leave nothing to fill; the
        order stands as before. KeyError: no open order has this id. ValueError: as for `place_limit`.
        """
        listed = self._by_id[order_id]
        old = listed.orders[order_id]
        new = replace(
            old,
            price=old.price if price is None else price,
            volume=old.volume if volume is None else volume,
            time=time,
        )
        self._check_grid(listed.instrument, new.volume, new.price)
        if (new.price, new.volume) == (old.price, old.volume) or new.volume <= old.filled:
            return []
        currency, before = self._reservation(listed.instrument, old)
        _, after = self._reservation(listed.instrument, new)
        if after - before > self.free(currency):
            return []
        self._keep(listed, new)
        self._used[currency] += after - before
        return [new] if after == before else [new, self._balance(currency, time)]

    def cancel(self, order_id: str, time: int) -> list[AccountEvent]:
        """End an open order by its owner's will. KeyError: no open order has this id."""
        return self._end(order_id, "canceled", time)

    def expire(self, order_id: str, time: int) -> list[AccountEvent]:
        """End an open order because its time is over. KeyError: no open order has this id."""
        return self._end(order_id, "expired", time)

    def reached_by(self, trade: Trade) -> bool:
        """Say whether the trade's price reaches the limit of an open order."""
        listed = self._listed.get(trade.symbol)
        return listed is not None and listed.reached(trade.price)

    def trade(self, trade: Trade, available: Decimal | None = None) -> list[AccountEvent]:
        """Fill the open orders that a trade's price reaches, at that price, the best limits first.

        Together they get at most the trade's volume, or `available` where that is less, in whole lots. A price off the
        tick counts as the next one that is no better for the order. What would be `MAX_UNITS` isn't filled.
        """
        listed = self._listed.get(trade.symbol)
        if listed is None or not listed.reached(trade.price):
            return []
        left = trade.volume if available is None else min(trade.volume, available)
        events: list[AccountEvent] = []
        for order in listed.by_priority():
            if order.price is None or (trade.price > order.price if order.side == "buy" else trade.price < order.price):
                continue
            volume = _floor(min(left, order.volume - order.filled), listed.instrument.lot)
            filled = self._filled(listed.instrument, order, trade, volume)
            if filled is not None:
                left -= volume
                events += self._settle(listed, order, filled)
        return events

    # ---- how

    def _unit_with(self, currency: str, unit: Decimal) -> Decimal:
        """Return what a currency's unit becomes when it is also counted in `unit`."""
        unit = min(unit, self._units.get(currency, unit))
        if self._totals[currency] >= _EXACT.multiply(MAX_UNITS, unit):
            raise ValueError(f"The unit {unit} is too fine for the {self._totals[currency]} {currency} there are.")
        return unit

    def _checked(self, order_id: str, symbol: str, volume: Decimal, price: Decimal | None) -> _Listed:
        listed = self._listed.get(symbol)
        if listed is None:
            raise ValueError(f"{symbol} isn't listed: the account can't trade it.")
        if order_id in self._by_id:
            raise ValueError(f"{order_id} is an open order already: give each order an id of its own.")
        self._check_grid(listed.instrument, volume, price)
        return listed

    def _check_grid(self, instrument: Instrument, volume: Decimal, price: Decimal | None) -> None:
        if not _is_on(volume, instrument.lot):
            raise ValueError(f"The volume {volume} isn't above 0, on the lot {instrument.lot} and of 15 digits.")
        if price is not None and not _is_on(price, instrument.tick):
            raise ValueError(f"The price {price} isn't above 0, on the tick {instrument.tick} and of 15 digits.")

    def _new(
        self,
        order_id: str,
        symbol: str,
        side: Side,
        order_type: OrderType,
        volume: Decimal,
        price: Decimal | None,
        time: int,
    ) -> Order:
        return Order(
            account=self._account,
            order_id=order_id,
            symbol=symbol,
            side=side,
            order_type=order_type,
            volume=volume,
            filled=_ZERO,
            price=price,
            cost=_ZERO,
            fee=_ZERO,
            status="open",
            time=time,
        )

    def _reservation(self, instrument: Instrument, order: Order) -> tuple[str, Decimal]:
        """Return the currency and the most that filling the rest of an order at its limit can take of it."""
        remaining = order.volume - order.filled
        if order.side == "sell" or order.price is None:
            return instrument.base, remaining
        cost = _EXACT.multiply(order.price, remaining)
        # Rounded up, and what is charged rounded down: so no fill can take more than the reservation falls by.
        return instrument.quote, _EXACT.add(cost, _fee(cost, self._fee_rate, ROUND_UP))

    def _filled(self, instrument: Instrument, order: Order, trade: Trade, volume: Decimal) -> Order | None:
        """Return the order with another fill; None where there is nothing to fill or it can't be paid or counted."""
        price = _floor(trade.price, instrument.tick)
        if order.side == "buy" and price < trade.price:
            price += instrument.tick
        if volume <= 0 or not _is_on(price, instrument.tick):
            return None
        cost = _EXACT.multiply(price, volume)
        fee = _fee(cost, self._fee_rate, ROUND_DOWN)
        base, quote = instrument.base, instrument.quote
        most = _EXACT.multiply(MAX_UNITS, self._units[quote])
        if order.cost + cost >= most:
            return None
        if order.side == "buy":
            payable = order.order_type == "limit" or cost + fee <= self.free(quote)
            counted = self._totals[base] + volume < _EXACT.multiply(MAX_UNITS, self._units[base])
        else:
            payable = order.order_type == "limit" or volume <= self.free(base)
            counted = self._totals[quote] + cost - fee < most
        if not (payable and counted):
            return None
        filled = order.filled + volume
        return replace(
            order,
            filled=filled,
            cost=order.cost + cost,
            fee=order.fee + fee,
            status="closed" if filled == order.volume else "open",
            time=trade.time,
        )

    def _settle(self, listed: _Listed, old: Order, new: Order) -> list[AccountEvent]:
        """Move the balances by what is filled in `new` and wasn't in `old`; keep the order while it is open."""
        instrument = listed.instrument
        volume, cost, fee = new.filled - old.filled, new.cost - old.cost, new.fee - old.fee
        sign = 1 if new.side == "buy" else -1
        self._totals[instrument.base] += sign * volume
        self._totals[instrument.quote] -= sign * cost + fee
        if new.order_type == "limit":
            currency, before = self._reservation(listed.instrument, old)
            _, after = self._reservation(listed.instrument, new)
            self._used[currency] += after - before
            if new.status == "open":
                self._keep(listed, new)
            else:
                self._forget(listed, new.order_id)
        return [new, self._balance(instrument.base, new.time), self._balance(instrument.quote, new.time)]

    def _end(self, order_id: str, status: OrderStatus, time: int) -> list[AccountEvent]:
        listed = self._by_id[order_id]
        order = listed.orders[order_id]
        currency, reserved = self._reservation(listed.instrument, order)
        self._used[currency] -= reserved
        self._forget(listed, order_id)
        return [replace(order, status=status, time=time), self._balance(currency, time)]

    def _keep(self, listed: _Listed, order: Order) -> None:
        listed.orders[order.order_id] = order
        self._by_id[order.order_id] = listed
        listed.note_limits()

    def _forget(self, listed: _Listed, order_id: str) -> None:
        del listed.orders[order_id], self._by_id[order_id]
        listed.note_limits()

    def _balance(self, currency: str, time: int) -> Balance:
        return Balance(self._account, currency, self._totals[currency], self._used[currency], time)


def _fee(cost: Decimal, rate: Decimal, rounding: str) -> Decimal:
    return _EXACT.multiply(cost, rate).quantize(FEE_UNIT, rounding, _EXACT)


def _floor(value: Decimal, unit: Decimal) -> Decimal:
    """Return the largest multiple of `unit` that isn't above `value`, which is 0 or more."""
    return _EXACT.multiply(_EXACT.divide_int(value, unit), unit)


def _is_multiple(value: Decimal, unit: Decimal) -> bool:
    return _EXACT.remainder(value, unit) == 0


def _is_on(value: Decimal, unit: Decimal) -> bool:
    return 0 < value < _EXACT.multiply(MAX_UNITS, unit) and _is_multiple(value, unit)
