"""Records: market events as lists of what JSON has, and back, so that they can be kept. It knows no file and no client.

Numbers stay exact: a Decimal is its text. An account is its user and its number: whoever reads knows the accounts.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from market.events import Account, Balance, Bar, Order, Trade

Plain = Any
"""None, bool, int, float, str, and lists and dicts of these."""
Copy = Callable[[], Plain]
"""A copy of some state, as it was when the copy was taken; made of what JSON has when it is called, once."""
Accounts = Mapping[tuple[str, int], Account]
"""Every account, by its user and its number."""


def trade_record(trade: Trade) -> Plain:
    """Return a trade as a list."""
    return (
        trade.symbol,
        trade.time,
        str(trade.price),
        str(trade.volume),
        trade.trade_id,
        trade.side,
        trade.sequence,
        _text(trade.bid),
        _text(trade.ask),
    )


def trade_of(record: Plain) -> Trade:
    """Return the trade of a list."""
    symbol, time, price, volume, trade_id, side, sequence, bid, ask = record
    return Trade(symbol, time, Decimal(price), Decimal(volume), trade_id, side, sequence, _number(bid), _number(ask))


def bar_record(bar: Bar) -> Plain:
    """Return a bar as a list."""
    return (bar.time, str(bar.open), str(bar.high), str(bar.low), str(bar.close), str(bar.volume))


def bar_of(record: Plain) -> Bar:
    """Return the bar of a list."""
    time, *numbers = record
    opened, high, low, close, volume = map(Decimal, numbers)
    return Bar(time, opened, high, low, close, volume)


def order_record(order: Order) -> Plain:
    """Return an order as a list."""
    return (
        order.account.user_id,
        order.account.exchange_id,
        order.order_id,
        order.symbol,
        order.side,
        order.order_type,
        str(order.volume),
        str(order.filled),
        _text(order.price),
        str(order.cost),
        str(order.fee),
        order.status,
        order.time,
    )


def order_of(record: Plain, accounts: Accounts) -> Order:
    """Return the order of a list. KeyError: there is no such account."""
    user, number, order_id, symbol, side, kind, volume, filled, price, cost, fee, status, time = record
    return Order(
        account=accounts[user, number],
        order_id=order_id,
        symbol=symbol,
        side=side,
        order_type=kind,
        volume=Decimal(volume),
        filled=Decimal(filled),
        price=_number(price),
        cost=Decimal(cost),
        fee=Decimal(fee),
        status=status,
        time=time,
    )


def balance_record(balance: Balance) -> Plain:
    """Return a balance as a list."""
    account = balance.account
    return (
        account.user_id,
        account.exchange_id,
        balance.currency,
        str(balance.total),
        str(balance.used),
        balance.time,
    )


def balance_of(record: Plain, accounts: Accounts) -> Balance:
    """Return the balance of a list. KeyError: there is no such account."""
    user, number, currency, total, used, time = record
    return Balance(accounts[user, number], currency, Decimal(total), Decimal(used), time)


def numbers_record(numbers: Mapping[str, Decimal]) -> Plain:
    """Return exact numbers by name."""
    return {name: str(number) for name, number in numbers.items()}


def numbers_of(record: Plain) -> dict[str, Decimal]:
    """Return the exact numbers of a record."""
    return {name: Decimal(text) for name, text in record.items()}


def bars_record(bars: Sequence[Bar]) -> Plain:
    """Return bars as a list of lists."""
    return [bar_record(bar) for bar in bars]


def bars_of(record: Plain) -> list[Bar]:
    """Return the bars of a list of lists."""
    return [bar_of(each) for each in record]


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
