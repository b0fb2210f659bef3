"""Market: hands each market event to every feed. It knows nothing of what they do with it."""

from collections.abc import Sequence
from typing import Protocol

from handlers.cache import CacheFeed
from handlers.feed import BarsFeed
from market import events
from market.resolution import Resolution


class _Lives(Protocol):
    """What every feed is told of a source's lives."""

    def begins(self, exchange: str, time: int) -> None: ...
    def restarted(self, exchange: str) -> None: ...
    def ended(self, exchange: str) -> None: ...
    def failed(self, exchange: str) -> None: ...


class MarketFeed:
    """The sink of every source: a `market.events.MarketSink` that is told of failures too."""

    def __init__(self, bars: BarsFeed, cache: CacheFeed) -> None:
        """Hand events to both."""
        self._bars = bars
        self._cache = cache
        self._feeds: tuple[_Lives, ...] = (bars, cache)

    def trade(self, trade: events.Trade) -> None:
        """Hand on a trade."""
        self._bars.trade(trade)
        self._cache.trade(trade)

    def history(self, trade: events.Trade) -> None:
        """Hand on a trade of the past."""
        self._bars.history(trade)
        self._cache.history(trade)

    def bust(self, symbol: str, trade_id: str) -> None:
        """Hand on that a trade is void."""
        self._bars.bust(symbol, trade_id)

    def past_bars(self, symbol: str, resolution: Resolution, past: Sequence[events.Bar]) -> None:
        """Hand on closed bars of the past."""
        self._bars.past_bars(symbol, resolution, past)

    def clock(self, exchange: str, time: int) -> None:
        """Hand on an exchange's time, by which bars close."""
        self._bars.clock(exchange, time)

    def order(self, order: events.Order) -> None:
        """Hand on how an order stands."""
        self._cache.order(order)

    def balance(self, balance: events.Balance) -> None:
        """Hand on what an account holds."""
        self._cache.balance(balance)

    def begins(self, exchange: str, time: int) -> None:
        """Hand on that an exchange's source starts."""
        for feed in self._feeds:
            feed.begins(exchange, time)

    def restarted(self, exchange: str) -> None:
        """Hand on that an exchange starts over."""
        for feed in self._feeds:
            feed.restarted(exchange)

    def ended(self, exchange: str) -> None:
        """Hand on that an exchange has no further events."""
        for feed in self._feeds:
            feed.ended(exchange)

    def failed(self, exchange: str) -> None:
        """Hand on that an exchange's source failed."""
        for feed in self._feeds:
            feed.failed(exchange)
