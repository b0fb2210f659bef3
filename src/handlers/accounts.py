"""Accounts: one account's orders and balances, for its user alone. It never sees a connection or a token."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import MISSING

from generated import models
from generated.messages import Delivery, delivery_balances, delivery_orders, encode_balances, encode_orders
from handlers.wire import wire_number
from market import events
from market.events import Account
from market.records import balance_of, balance_record, order_of, order_record
from streaming.history import Copy, Event, KeyedStream, Ring, Rings
from streaming.hub import Hub
from streaming.topic import Position, StreamId

FIXED_MEMBERS = frozenset(models.Balances.model_fields)
"""Members of a balances frame that are no currency."""


class AccountStreams:
    """The two streams of one account, orders and balances, all of them `lossless`; and how both stand."""

    def __init__(self, account: Account, hub: Hub, rings: Rings, epoch: str) -> None:
        """Start with no order and no balance. ValueError: a currency's name means something else in the frame."""
        clashes = FIXED_MEMBERS & set(account.currencies)
        if clashes:
            raise ValueError(f"No currency can be named {', '.join(sorted(clashes))}: the frame has such a member.")
        self.account = account
        self.name = f"account {account.exchange_id} {account.user_id}"
        """Its own among all users' accounts."""
        owner = (account.user_id, str(account.exchange_id))
        self.orders_stream: StreamId = ("orders", *owner)
        self.balances_stream: StreamId = ("balances", *owner)
        self._hub = hub
        self._orders_ring: Ring[Event] = rings.new()
        self._balances_ring: Ring[Event] = rings.new()
        self.begin(epoch)

    def begin(self, epoch: str) -> None:
        """Begin a new life of both streams, with no order and no balance."""
        self.orders_events = KeyedStream(epoch, self._orders_ring)
        self.balances_events = KeyedStream(epoch, self._balances_ring)
        self._open: dict[str, tuple[str, events.Order]] = {}  # by order id; with the symbol's name
        self._held: dict[str, events.Balance] = {}

    def order(self, name: str, order: events.Order) -> None:
        """Publish how an order stands."""
        if order.status == "open":
            self._open[order.order_id] = (name, order)
        else:
            self._open.pop(order.order_id, None)
        event = self.orders_events.append(name, lambda position: encoded_order(wire_order(name, order, position)))
        self._hub.publish_event(self.orders_stream, name, event.encoded)

    def balance(self, balance: events.Balance) -> None:
        """Publish what is held of a currency."""
        self._held[balance.currency] = balance
        event = self.balances_events.append(
            balance.currency, lambda position: encoded_balances(wire_balance(balance, position))
        )
        self._hub.publish_event(self.balances_stream, balance.currency, event.encoded)

    def rings(self) -> dict[str, Ring[Event]]:
        """Return both rings, by names of their own."""
        return {f"orders {self.name}": self._orders_ring, f"balances {self.name}": self._balances_ring}

    def dump(self) -> Copy:
        """Return a copy of everything."""
        orders, balances = self.orders_events.dump(), self.balances_events.dump()
        open_orders, held = list(self._open.values()), list(self._held.values())
        return lambda: {
            "orders": orders(),
            "balances": balances(),
            "open": [(name, order_record(order)) for name, order in open_orders],
            "held": [balance_record(balance) for balance in held],
        }

    def load(self, plain: Any) -> None:
        """Take what a copy held, in place of what is here."""
        accounts = {(self.account.user_id, self.account.exchange_id): self.account}
        self.orders_events.load(plain["orders"])
        self.balances_events.load(plain["balances"])
        orders = [(name, order_of(record, accounts)) for name, record in plain["open"]]
        self._open = {order.order_id: (name, order) for name, order in orders}
        balances = [balance_of(record, accounts) for record in plain["held"]]
        self._held = {balance.currency: balance for balance in balances}

    def open_orders(self, name: str | None) -> Iterator[bytes]:
        """Iterate over the frames of the open orders, of one symbol or of all. Made now, not when asked for."""
        position = self.orders_events.present
        return iter(
            [
                encode_orders(wire_order(of, order, position, initial=True))
                for of, order in self._open.values()
                if name is None or name == of
            ]
        )

    def balances(self, currency: str | None) -> Iterator[bytes]:
        """Iterate over the frames of the balances, of one currency or of all. Made now, not when asked for."""
        position = self.balances_events.present
        return iter(
            [
                encode_balances(wire_balance(balance, position, initial=True))
                for balance in self._held.values()
                if currency is None or currency == balance.currency
            ]
        )


def encoded_order(message: models.Order) -> tuple[bytes, Delivery]:
    """Return the message's frame, and how the document wants it delivered."""
    return encode_orders(message), delivery_orders(message)


def encoded_balances(message: models.Balances) -> tuple[bytes, Delivery]:
    """Return the message's frame, and how the document wants it delivered."""
    return encode_balances(message), delivery_balances(message)


def wire_order(name: str, order: events.Order, position: Position, *, initial: bool = False) -> models.Order:
    """Return the order with its exact numbers as JSON numbers."""
    return models.Order(
        exchange=order.account.exchange,
        exchange_id=order.account.exchange_id,
        order_id=order.order_id,
        symbol=name,
        side=order.side,
        order_type=order.order_type,
        volume=wire_number(order.volume),
        filled=wire_number(order.filled),
        remaining=wire_number(order.volume - order.filled),
        price=None if order.price is None else wire_number(order.price),
        average=wire_number(order.cost / order.filled) if order.filled else None,
        cost=wire_number(order.cost),
        fee=wire_number(order.fee),
        status=order.status,
        timestamp=order.time,
        seq=position.seq,
        prev=position.prev,
        initial=True if initial else MISSING,
    )


def wire_balance(balance: events.Balance, position: Position, *, initial: bool = False) -> models.Balances:
    """Return the balance with its exact numbers as JSON numbers, under the currency's name."""
    held = models.Balance(
        total=wire_number(balance.total), free=wire_number(balance.free), used=wire_number(balance.used)
    )
    members: dict[str, object] = {
        "exchange_id": balance.account.exchange_id,
        "timestamp": balance.time,
        balance.currency: held,
        "seq": position.seq,
        "prev": position.prev,
    }
    return models.Balances.model_validate(members | {"initial": True} if initial else members)


@dataclass(frozen=True, slots=True)
class AccountDirectory:
    """Every account, found by its user and its number, or by its user and its exchange."""

    by_number: dict[tuple[str, int], AccountStreams]
    by_exchange: dict[tuple[str, str], AccountStreams]


def account_directory(streams: list[AccountStreams]) -> AccountDirectory:
    """Return the directory of these accounts. ValueError: a user has one number, or one exchange, twice."""
    by_number = {(each.account.user_id, each.account.exchange_id): each for each in streams}
    by_exchange = {(each.account.user_id, each.account.exchange): each for each in streams}
    if not len(by_number) == len(by_exchange) == len(streams):
        raise ValueError("A user has two accounts with one number, or two at one exchange: give each its own.")
    return AccountDirectory(by_number, by_exchange)
