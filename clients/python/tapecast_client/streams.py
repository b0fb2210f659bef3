# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Streams: what the document's `x-stream` says of each channel, for `tracking`."""

from operator import attrgetter
from typing import Final

from . import messages, models
from .codec import member
from .tracking import Gap, Place, Probe, Refresh, Resume, Stream, Subscribe, only_name

BARS: Final = (
    Stream(
        name="subscribeBars",
        subscribe=Subscribe(
            request=messages.BARS_SUBSCRIBE_BARS,
            model=models.BarsSubscribe,
            key=(("payload", "symbol"), ("payload", "resolution")),
            unsubscribe="unsubscribeBars",
            unsubscribe_key=(("payload", "symbol"), ("payload", "resolution")),
            ack="BarsAck",
        ),
        ready=None,
        frames=frozenset(("BarsUpdate", "BarsCorrection", "BarsSnapshot", "BarsError")),
        places={
            "BarsAck": Place(
                key=(member("payload.symbol"), member("payload.resolution")),
                seq=member("payload.seq"),
                epoch=member("payload.epoch"),
            ),
            "BarsReset": Place(
                key=(member("payload.symbol"), member("payload.resolution")),
                seq=member("payload.seq"),
                epoch=member("payload.epoch"),
            ),
            "BarsUpdate": Place(
                key=(member("payload.symbol"), member("payload.resolution")),
                seq=member("payload.seq"),
                prev=member("payload.prev"),
                epoch=member("payload.epoch"),
                all=attrgetter("payload.symbol", "payload.resolution", "payload.seq", "payload.prev", "payload.epoch"),
            ),
            "BarsCorrection": Place(
                key=(member("payload.symbol"), member("payload.resolution")),
                seq=member("payload.seq"),
                prev=member("payload.prev"),
                epoch=member("payload.epoch"),
                all=attrgetter("payload.symbol", "payload.resolution", "payload.seq", "payload.prev", "payload.epoch"),
            ),
            "BarsSnapshot": Place(
                key=(member("payload.symbol"), member("payload.resolution")),
                seq=member("payload.seq"),
                epoch=member("payload.epoch"),
            ),
            "BarsError": Place(key=(member("payload.symbol"), member("payload.resolution"))),
        },
        resume=Resume(("payload", "resume", "seq"), ("payload", "resume", "epoch"), member("payload.recovered")),
        gap=None,
        reset="BarsReset",
        refresh=Refresh(messages.BARS_REFRESH_BARS, models.AuthRefresh, ("payload", "token")),
    ),
)

TICKERS: Final = (
    Stream(
        name="tickers",
        subscribe=None,
        ready="Ready",
        frames=frozenset(("Ticker",)),
        places={
            "Ready": Place(seq=member("seq"), epoch=member("epoch")),
            "Ticker": Place(key=(member("symbol"),), seq=member("seq")),
        },
        resume=None,
        gap=None,
        reset=None,
        refresh=Refresh(messages.TICKERS_REFRESH_TICKERS, models.CacheAuthRefresh, ("token",)),
    ),
)

EXCHANGE_TICKERS: Final = (
    Stream(
        name="exchangeTickers",
        subscribe=None,
        ready="Ready",
        frames=frozenset(("Ticker",)),
        places={
            "Ready": Place(seq=member("seq"), epoch=member("epoch")),
            "Ticker": Place(key=(member("symbol"),), seq=member("seq")),
        },
        resume=None,
        gap=None,
        reset=None,
        refresh=Refresh(messages.EXCHANGE_TICKERS_REFRESH_EXCHANGE_TICKERS, models.CacheAuthRefresh, ("token",)),
    ),
)

TRADES: Final = (
    Stream(
        name="trades",
        subscribe=None,
        ready="Ready",
        frames=frozenset(("Trade",)),
        places={
            "Ready": Place(seq=member("seq"), epoch=member("epoch")),
            "Gap": Place(key=(member("key"),), epoch=member("epoch")),
            "Trade": Place(
                key=(member("symbol"),), seq=member("seq"), prev=member("prev"), all=attrgetter("symbol", "seq", "prev")
            ),
        },
        resume=Resume(("seq",), ("epoch",), member("recovered")),
        gap=Gap("Gap", member("from_seq"), member("to_seq")),
        reset=None,
        refresh=Refresh(messages.TRADES_REFRESH_TRADES, models.CacheAuthRefresh, ("token",)),
        probe=Probe(messages.TRADES_PING_TRADES, models.CachePing),
    ),
)

EXCHANGE_TRADES: Final = (
    Stream(
        name="exchangeTrades",
        subscribe=None,
        ready="Ready",
        frames=frozenset(("Trade",)),
        places={
            "Ready": Place(seq=member("seq"), epoch=member("epoch")),
            "Gap": Place(key=(member("key"),), epoch=member("epoch")),
            "Trade": Place(
                key=(member("symbol"),), seq=member("seq"), prev=member("prev"), all=attrgetter("symbol", "seq", "prev")
            ),
        },
        resume=Resume(("seq",), ("epoch",), member("recovered")),
        gap=Gap("Gap", member("from_seq"), member("to_seq")),
        reset=None,
        refresh=Refresh(messages.EXCHANGE_TRADES_REFRESH_EXCHANGE_TRADES, models.CacheAuthRefresh, ("token",)),
        probe=Probe(messages.EXCHANGE_TRADES_PING_EXCHANGE_TRADES, models.CachePing),
    ),
)

ORDERS: Final = (
    Stream(
        name="orders",
        subscribe=None,
        ready="Ready",
        frames=frozenset(("Order",)),
        places={
            "Ready": Place(seq=member("seq"), epoch=member("epoch")),
            "Gap": Place(key=(member("key"),), epoch=member("epoch")),
            "Order": Place(
                key=(member("symbol"),), seq=member("seq"), prev=member("prev"), all=attrgetter("symbol", "seq", "prev")
            ),
        },
        resume=Resume(("seq",), ("epoch",), member("recovered")),
        gap=Gap("Gap", member("from_seq"), member("to_seq")),
        reset=None,
        refresh=Refresh(messages.ORDERS_REFRESH_ORDERS, models.CacheAuthRefresh, ("token",)),
        probe=Probe(messages.ORDERS_PING_ORDERS, models.CachePing),
    ),
)

EXCHANGE_ORDERS: Final = (
    Stream(
        name="exchangeOrders",
        subscribe=None,
        ready="Ready",
        frames=frozenset(("Order",)),
        places={
            "Ready": Place(seq=member("seq"), epoch=member("epoch")),
            "Gap": Place(key=(member("key"),), epoch=member("epoch")),
            "Order": Place(
                key=(member("symbol"),), seq=member("seq"), prev=member("prev"), all=attrgetter("symbol", "seq", "prev")
            ),
        },
        resume=Resume(("seq",), ("epoch",), member("recovered")),
        gap=Gap("Gap", member("from_seq"), member("to_seq")),
        reset=None,
        refresh=Refresh(messages.EXCHANGE_ORDERS_REFRESH_EXCHANGE_ORDERS, models.CacheAuthRefresh, ("token",)),
        probe=Probe(messages.EXCHANGE_ORDERS_PING_EXCHANGE_ORDERS, models.CachePing),
    ),
)

BALANCES: Final = (
    Stream(
        name="balances",
        subscribe=None,
        ready="Ready",
        frames=frozenset(("Balances",)),
        places={
            "Ready": Place(seq=member("seq"), epoch=member("epoch")),
            "Gap": Place(key=(member("key"),), epoch=member("epoch")),
            "Balances": Place(key=(only_name(""),), seq=member("seq"), prev=member("prev")),
        },
        resume=Resume(("seq",), ("epoch",), member("recovered")),
        gap=Gap("Gap", member("from_seq"), member("to_seq")),
        reset=None,
        refresh=Refresh(messages.BALANCES_REFRESH_BALANCES, models.CacheAuthRefresh, ("token",)),
        probe=Probe(messages.BALANCES_PING_BALANCES, models.CachePing),
    ),
)

ACCOUNT_BALANCES: Final = (
    Stream(
        name="accountBalances",
        subscribe=None,
        ready="Ready",
        frames=frozenset(("Balances",)),
        places={
            "Ready": Place(seq=member("seq"), epoch=member("epoch")),
            "Gap": Place(key=(member("key"),), epoch=member("epoch")),
            "Balances": Place(key=(only_name(""),), seq=member("seq"), prev=member("prev")),
        },
        resume=Resume(("seq",), ("epoch",), member("recovered")),
        gap=Gap("Gap", member("from_seq"), member("to_seq")),
        reset=None,
        refresh=Refresh(messages.ACCOUNT_BALANCES_REFRESH_ACCOUNT_BALANCES, models.CacheAuthRefresh, ("token",)),
        probe=Probe(messages.ACCOUNT_BALANCES_PING_ACCOUNT_BALANCES, models.CachePing),
    ),
)
