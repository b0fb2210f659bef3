"""Trades: one exchange's public trades, each once. It never sees a connection or a token."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from generated import models
from generated.messages import Delivery, delivery_trades, encode_trades
from handlers.wire import wire_number
from market import events
from streaming.history import Copy, Event, KeyedStream, Ring
from streaming.hub import Hub
from streaming.topic import Position, StreamId

REMEMBERED_IDS = 100_000
"""So many of an exchange's last trades are known by id: one that is told again within them is left out."""


class ExchangeTrades:
    """The stream of one exchange's trades, all of them `lossless`. `doubled` counts those that were left out."""

    def __init__(self, exchange: str, names: Iterable[str], hub: Hub, ring: Ring[Event], epoch: str) -> None:
        """Start with no trade; the last ones are kept in `ring`."""
        self.exchange = exchange
        self.stream: StreamId = ("trades", exchange)
        self.events = KeyedStream(epoch, ring)
        self.doubled = 0
        self._hub = hub
        self._ids: set[tuple[str, str]] = set()
        self._order: deque[tuple[str, str]] = deque()
        self._last: dict[str, tuple[Decimal, events.Side]] = {name: (Decimal(0), "buy") for name in names}

    def history(self, name: str, trade: events.Trade) -> None:
        """Remember the price of a trade of the past: nobody is told."""
        self._last[name] = (trade.price, self._side(name, trade))

    def trade(self, name: str, trade: events.Trade) -> bool:
        """Publish a trade; False where it came before."""
        if trade.trade_id is not None and not self._is_new(name, trade.trade_id):
            self.doubled += 1
            return False
        side = self._side(name, trade)
        self._last[name] = (trade.price, side)
        event = self.events.append(name, partial(self._encode, name, trade, side))
        self._hub.publish_event(self.stream, name, event.encoded)
        return True

    def dump(self) -> Copy:
        """Return a copy of everything."""
        stream, doubled, order, last = self.events.dump(), self.doubled, list(self._order), dict(self._last)
        return lambda: {
            "stream": stream(),
            "doubled": doubled,
            "ids": order,
            "last": {name: (str(price), side) for name, (price, side) in last.items()},
        }

    def load(self, plain: Any) -> None:
        """Take what a copy held, in place of what is here."""
        self.events.load(plain["stream"])
        self.doubled = plain["doubled"]
        self._order = deque((name, trade_id) for name, trade_id in plain["ids"])
        self._ids = set(self._order)
        self._last = {name: (Decimal(price), side) for name, (price, side) in plain["last"].items()}

    def _is_new(self, name: str, trade_id: str) -> bool:
        known = (name, trade_id)
        if known in self._ids:
            return False
        self._ids.add(known)
        self._order.append(known)
        if len(self._order) > REMEMBERED_IDS:
            self._ids.discard(self._order.popleft())
        return True

    def _side(self, name: str, trade: events.Trade) -> events.Side:
        """Return who took the other's offer; by the price, where the source does not say."""
        if trade.side is not None:
            return trade.side
        price, side = self._last[name]
        return side if trade.price == price else "buy" if trade.price > price else "sell"

    def _encode(self, name: str, trade: events.Trade, side: events.Side, position: Position) -> tuple[bytes, Delivery]:
        message = models.Trade(
            exchange=self.exchange,
            symbol=name,
            # A source without ids: the position names it, in every epoch another.
            trade_id=trade.trade_id if trade.trade_id is not None else f"{position.epoch}-{position.seq}",
            timestamp=trade.time,
            price=wire_number(trade.price),
            volume=wire_number(trade.volume),
            side=side,
            seq=position.seq,
            prev=position.prev,
        )
        return encode_trades(message), delivery_trades(message)
