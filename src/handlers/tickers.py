"""Tickers: one exchange's tickers, from its trades. It never sees a connection or a token."""

from collections.abc import Iterable, Iterator
from functools import partial
from math import inf, isfinite
from typing import Any

from pydantic import MISSING

from generated import models
from generated.messages import Delivery, delivery_tickers, encode_tickers
from handlers.wire import wire_float, wire_number
from market import events
from market.records import Copy
from market.ticker import DayWindow, Ticker
from streaming.hub import Hub
from streaming.topic import StreamId


class ExchangeTickers:
    """The stream of one exchange's tickers: all of them `latest`, so `seq` is a version."""

    def __init__(self, exchange: str, names: Iterable[str], hub: Hub, epoch: str) -> None:
        """Start with no trade."""
        self.exchange = exchange
        self.stream: StreamId = ("tickers", exchange)
        self._hub = hub
        self._windows = {name: DayWindow() for name in names}
        self.epoch = epoch
        self.version = 0

    def history(self, name: str, trade: events.Trade) -> None:
        """Count a trade of the past: nobody is told."""
        self._windows[name].add(trade)

    def trade(self, name: str, trade: events.Trade) -> None:
        """Count a trade, and publish the symbol's ticker."""
        self._windows[name].add(trade)
        self._publish(name)

    def begin(self) -> None:
        """Publish what history has left, for those who wait for it."""
        for name, window in self._windows.items():
            if window.ticker() is not None:
                self._publish(name)

    def state(self, name: str | None) -> Iterator[bytes]:
        """Iterate over frames of the tickers as they stand now, a symbol's or every symbol's, at the present version.

        Each is made when it is asked for, so that ten thousand of them hold nothing up.
        """
        version = self.version
        names = self._windows if name is None else (name,)
        tickers = [(each, self._windows[each].ticker()) for each in names]
        return (
            encode_tickers(wire_ticker(self.exchange, each, ticker, version))
            for each, ticker in tickers
            if ticker is not None
        )

    def dump(self) -> Copy:
        """Return a copy of everything."""
        epoch, version = self.epoch, self.version
        windows = {name: window.dump() for name, window in self._windows.items()}
        return lambda: [epoch, version, {name: window() for name, window in windows.items()}]

    def load(self, plain: Any) -> None:
        """Take what a copy held, in place of what is here."""
        self.epoch, self.version, windows = plain
        for name, window in windows.items():
            self._windows[name].load(window)

    def _publish(self, name: str) -> None:
        self.version += 1
        self._hub.publish_event(self.stream, name, partial(self._encode, name))

    def _encode(self, name: str) -> tuple[bytes, Delivery]:
        ticker = self._windows[name].ticker()
        assert ticker is not None, "published after a trade only"
        message = wire_ticker(self.exchange, name, ticker, self.version)
        return encode_tickers(message), delivery_tickers(message)


def wire_ticker(exchange: str, name: str, ticker: Ticker, version: int) -> models.Ticker:
    """Return the ticker with its exact numbers as JSON numbers."""
    change = ticker.price - ticker.open
    percent = float(change / ticker.open) * 100 if ticker.open > 0 else inf
    return models.Ticker(
        exchange=exchange,
        symbol=name,
        time=ticker.time,
        price=wire_number(ticker.price),
        bid=None if ticker.bid is None else wire_number(ticker.bid),
        ask=None if ticker.ask is None else wire_number(ticker.ask),
        volume=wire_number(ticker.volume),
        open=wire_number(ticker.open),
        high=wire_number(ticker.high),
        low=wire_number(ticker.low),
        change=wire_number(change),
        change_percent=wire_float(round(percent, 2)) if isfinite(percent) else MISSING,
        seq=version,
    )
