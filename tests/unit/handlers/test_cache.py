"""Cache: which trades, tickers, orders and balances are published, in which order, and at which position."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generated.channels import (
    AccountBalancesParameters,
    ExchangeOrdersParameters,
    ExchangeOrdersQuery,
    ExchangeTickersParameters,
    ExchangeTradesParameters,
    ExchangeTradesQuery,
    Parameters,
    Query,
    TradesParameters,
    TradesQuery,
)
from generated.models import Limits
from generated.refusals import Refusal
from handlers import trades
from handlers.auth import Principal
from handlers.cache import FOREIGN_ACCOUNT, CacheFeed, View
from market.events import Account, Balance, Order, OrderStatus, Side, Trade
from streaming.history import Rings
from streaming.hub import Hub
from streaming.session import Session
from tests.support.clock import VirtualClock
from tests.support.judge import Judge
from tests.support.source import START, symbol
from tests.support.transport import FakeTransport, Turns, new_session

ONE = Account("1", 1, "test", ("BTC", "USDT"))
TWO = Account("2", 1, "test", ("BTC", "USDT"))
SYMBOLS = [symbol("BTC/USDT"), symbol("AAA"), symbol("BBB", "other")]


def principal(user: str = "1", *accounts: int) -> Principal:
    """Return a principal with all scopes."""
    return Principal(user, user, frozenset({"orders:read", "balances:read"}), frozenset(accounts), 0, None)


LIMITS = Limits(
    frame_bytes=1,
    frames_per_second=1,
    frames_burst=1,
    outbox_bytes=1,
    outbox_age_ms=1,
    ring_frames=4,
    ring_age_ms=600_000,
)


class Fixture:
    """A feed, a hub and sessions without a server."""

    def __init__(self, *, begun: bool = True) -> None:
        self.clock = VirtualClock()
        self.turns = Turns()
        self.hub = Hub(self.turns.flusher)
        epochs = iter(range(100))
        self.rings = Rings(self.clock, frames=4, age=600, total=1000)
        self.feed = CacheFeed(
            SYMBOLS, [ONE, TWO], self.hub, self.rings, new_epoch=lambda: f"epoch {next(epochs)}", limits=LIMITS
        )
        if begun:
            self.feed.begins("test", 0)

    def open(
        self,
        parameters: Parameters,
        who: Principal | None = None,
        query: Query | None = None,
        *,
        is_plain: bool = True,
    ) -> tuple[Session, FakeTransport]:
        """Return a new session at an address."""
        session, transport = new_session(self.clock, self.turns)
        view = self.feed.find(parameters, query, who)
        assert isinstance(view, View), view
        self.feed.open(view, session, is_plain=is_plain)
        return session, transport

    def trade(
        self, price: str, trade_id: str | None = None, side: Side | None = None, key: str = "test:BTC/USDT"
    ) -> None:
        """Send a trade."""
        self.feed.trade(Trade(key, START, Decimal(price), Decimal(1), trade_id, side))

    def frames(self, transport: FakeTransport) -> list[dict[str, Any]]:
        """Return what was written since the last look."""
        self.turns.end()
        found = [json.loads(frame) for frame in transport.frames]
        transport.writes.clear()
        return found


def test_who_took_the_offer_is_told_by_the_price_where_the_source_does_not_say() -> None:
    """Higher is a buy, lower a sell, the same is what it was; each symbol and its history for itself."""
    it = Fixture()
    _, transport = it.open(ExchangeTradesParameters(exchange="test"))
    it.feed.history(Trade("test:BTC/USDT", START - 1, Decimal(10), Decimal(1)))
    for price in ("10", "9", "9", "11", "11"):
        it.trade(price)
    it.trade("10", side="buy")
    it.trade("10")
    it.trade("5", key="test:AAA")
    frames = it.frames(transport)
    epoch = frames[0]["trade_id"].partition("-")[0]
    assert epoch.startswith("epoch ")
    assert [frame["side"] for frame in frames] == ["buy", "sell", "sell", "buy", "buy", "buy", "buy", "buy"]
    assert [frame["trade_id"] for frame in frames] == [f"{epoch}-{seq}" for seq in range(1, 9)]


def test_a_trade_that_is_told_twice_is_published_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its id within its symbol, among so many of the last trades; it moves no position and no ticker."""
    monkeypatch.setattr(trades, "REMEMBERED_IDS", 3)
    it = Fixture()
    _, transport = it.open(ExchangeTradesParameters(exchange="test"))
    _, tickers = it.open(ExchangeTickersParameters(exchange="test"))
    for trade_id in ("a", "b", "a", "c", "d", "b", "a"):
        it.trade("10", trade_id)
    it.trade("10", "a", key="test:AAA")
    frames = it.frames(transport)
    assert [(frame["trade_id"], frame["seq"], frame["prev"]) for frame in frames] == [
        ("a", 1, 0),
        ("b", 2, 1),
        ("c", 3, 2),
        ("d", 4, 3),
        ("a", 5, 4),  # forgotten by now
        ("a", 6, 0),
    ]
    assert it.feed.doubled() == 2
    assert [frame["seq"] for frame in it.frames(tickers)] == [1, 2, 3, 4, 5, 6]


def test_nothing_is_shown_before_the_source_has_begun() -> None:
    """History shapes the ticker that is sent when it begins; its trades are told to nobody."""
    it = Fixture(begun=False)
    _, tickers = it.open(ExchangeTickersParameters(exchange="test"))
    _, trades_seen = it.open(ExchangeTradesParameters(exchange="test"))
    it.feed.history(Trade("test:AAA", START, Decimal(7), Decimal(2)))
    assert it.frames(tickers) == []
    it.feed.begins("test", START + 1)
    shown = it.frames(tickers)
    assert [(frame["symbol"], frame["price"], frame["volume"]) for frame in shown] == [("AAA", 7, 2)]
    assert it.frames(trades_seen) == []
    _, late = it.open(ExchangeTickersParameters(exchange="test"))
    assert it.frames(late) == shown


def test_a_tickers_version_never_falls() -> None:
    """All of a newcomer's first tickers stand at the present version; what comes later is above it."""
    it = Fixture()
    it.trade("1", key="test:AAA")
    _, early = it.open(ExchangeTickersParameters(exchange="test"))
    it.trade("10")
    it.trade("11")
    _, transport = it.open(ExchangeTickersParameters(exchange="test"))
    it.trade("2", key="test:AAA")  # before a frame of the state is made
    assert [(frame["symbol"], frame["price"], frame["seq"]) for frame in it.frames(transport)] == [
        ("BTC/USDT", 11, 3),
        ("AAA", 1, 3),
        ("AAA", 2, 4),
    ]
    assert [frame["seq"] for frame in it.frames(early)] == [1, 2, 3, 4]


AMOUNTS = st.tuples(st.integers(1, 10**18 - 1), st.integers(-12, 30)).map(
    lambda pair: Decimal(pair[0]).scaleb(-pair[1])
)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS | st.just(Decimal(0)), st.integers(0, 10**9)), min_size=1, max_size=20))
def test_any_trade_that_a_file_can_hold_can_be_told(rows: list[tuple[Decimal, Decimal, int]]) -> None:
    """18 digits anywhere, prices that leap by any factor, times that go back: the frames are the document's."""
    it = Fixture()
    judge = Judge()
    _, tickers = it.open(ExchangeTickersParameters(exchange="test"))
    _, told = it.open(ExchangeTradesParameters(exchange="test"))
    for price, volume, time in rows:
        it.feed.trade(Trade("test:AAA", time, price, volume))
        it.turns.end()
    assert len(told.frames) == len(rows)
    for kind, transport in (("tickers", tickers), ("trades", told)):
        for frame in transport.frames:
            judge.frame(frame.decode(), f"/api/v1/cache/ws/{kind}/test")


def test_a_restart_ends_every_session_of_the_exchange_and_begins_anew() -> None:
    """Nothing of the old life is shown in the new one; other exchanges' sessions live."""
    it = Fixture()
    it.feed.begins("other", 0)
    it.trade("10", "a")
    it.feed.balance(Balance(ONE, "BTC", Decimal(3), Decimal(1), START))
    order = Order(
        ONE, "o", "test:AAA", "buy", "limit", Decimal(1), Decimal(0), Decimal(9), Decimal(0), Decimal(0), "open", START
    )
    it.feed.order(order)
    addresses: list[Parameters] = [
        ExchangeTickersParameters(exchange="test"),
        ExchangeTradesParameters(exchange="test"),
        TradesParameters(exchange="test", symbol="AAA"),
        ExchangeOrdersParameters(exchange="test"),
        AccountBalancesParameters(exchange_id=1),
    ]
    old = [it.open(address, principal("1", 1)) for address in addresses]
    assert [len(it.frames(transport)) for _, transport in old] == [1, 0, 0, 1, 1]
    survivor, _ = it.open(ExchangeTickersParameters(exchange="other"))
    it.feed.failed("test")
    assert [[frame["code"] for frame in it.frames(transport)] for _, transport in old] == [["source_unavailable"]] * 5
    _, newcomer = it.open(addresses[0])
    assert [frame["type"] for frame in it.frames(newcomer)] == ["ticker", "error"]
    it.feed.restarted("test")
    assert [session.ended for session, _ in old] == ["state_lost"] * 5
    assert survivor.ended is None
    for session, _ in old:
        it.hub.remove(session)
    it.feed.begins("test", START)
    again = [it.open(address, principal("1", 1)) for address in addresses]
    assert [it.frames(transport) for _, transport in again] == [[]] * 5
    it.trade("10", "a")
    assert [frame["seq"] for frame in it.frames(again[1][1])] == [1]


def test_an_account_is_its_users_alone() -> None:
    """The number alone opens nothing: the token must cover it, and it must be the user's own."""
    it = Fixture()
    addresses: list[Parameters] = [
        ExchangeOrdersParameters(exchange="test"),
        AccountBalancesParameters(exchange_id=1),
    ]
    for address in addresses:
        assert isinstance(it.feed.find(address, None, principal("1", 1)), View)
        assert isinstance(it.feed.find(address, None, principal("2", 1)), View)
        for stranger in (None, principal("1"), principal("1", 2), principal("3", 1)):
            assert it.feed.find(address, None, stranger) is FOREIGN_ACCOUNT
    for number in (2, 77):
        assert (
            it.feed.find(AccountBalancesParameters(exchange_id=number), None, principal("1", 1, 2)) is FOREIGN_ACCOUNT
        )
    assert it.feed.find(ExchangeOrdersParameters(exchange="other"), None, principal("1", 1)) is FOREIGN_ACCOUNT
    unknown = it.feed.find(ExchangeOrdersParameters(exchange="nope"), None, principal("1", 1))
    assert isinstance(unknown, Refusal)
    assert (unknown.status, unknown.code) == (404, "unknown_exchange")
    _, mine = it.open(addresses[1], principal("1", 1))
    _, theirs = it.open(addresses[1], principal("2", 1))
    it.feed.balance(Balance(TWO, "BTC", Decimal(3), Decimal(1), START))
    assert it.frames(mine) == []
    assert [frame["BTC"] for frame in it.frames(theirs)] == [{"total": 3, "free": 2, "used": 1}]


@pytest.mark.parametrize(
    ("accounts", "word"),
    [
        ([ONE, Account("1", 1, "other", ("BTC",))], "two accounts"),
        ([ONE, Account("1", 2, "test", ("BTC",))], "two accounts"),
        ([Account("1", 1, "nope", ("BTC",))], "no source"),
        ([Account("1", 1, "test", ("BTC", "seq"))], "seq"),
    ],
)
def test_accounts_that_cannot_be_told_apart_are_refused(accounts: list[Account], word: str) -> None:
    """At the start, with a sentence."""
    with pytest.raises(ValueError, match=word):
        CacheFeed(
            SYMBOLS,
            accounts,
            Hub(Turns().flusher),
            Rings(VirtualClock(), frames=1, age=1, total=1),
            new_epoch=lambda: "e",
            limits=LIMITS,
        )


# ------------------------------------------------------------------------------------------------- coming back


def order(order_id: str, key: str = "test:AAA", status: OrderStatus = "open") -> Order:
    """Return how an order of the first account stands."""
    one, none = Decimal(1), Decimal(0)
    return Order(ONE, order_id, key, "buy", "limit", one, none, one, none, none, status, START)


def brief(frames: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the type of each frame, and what tells it from others."""
    return [
        (frame["type"], frame["seq"], frame["recovered"])
        if frame["type"] == "ready"
        else (frame["type"], frame["key"], frame["from_seq"], frame["to_seq"])
        if frame["type"] == "gap"
        else (frame["type"], frame["seq"], frame["prev"])
        for frame in frames
    ]


WIDE_TRADES = ExchangeTradesParameters(exchange="test")


def test_who_comes_back_gets_what_came_after_its_position() -> None:
    """`ready` repeats the position; the frames that follow are the very ones that others got."""
    it = Fixture()
    _, witness = it.open(WIDE_TRADES, is_plain=False)
    for key in ("test:AAA", "test:BTC/USDT", "test:AAA"):
        it.trade("10", key=key)
    ready, *trades = it.frames(witness)
    _, back = it.open(WIDE_TRADES, query=ExchangeTradesQuery(epoch=ready["epoch"], seq=1), is_plain=False)
    first, *rest = it.frames(back)
    assert (first["type"], first["epoch"], first["seq"], first["recovered"]) == ("ready", ready["epoch"], 1, True)
    assert rest == trades[1:]
    assert first["limits"] == LIMITS.model_dump()
    narrow = TradesParameters(exchange="test", symbol="AAA")
    _, back = it.open(narrow, query=TradesQuery(epoch=ready["epoch"], seq=1), is_plain=False)
    assert brief(it.frames(back)) == [("ready", 1, True), ("trade", 3, 1)]
    it.trade("11", key="test:BTC/USDT")
    it.trade("11")
    it.trade("11", key="test:AAA")
    assert brief(it.frames(back)) == [("trade", 6, 3)]


def test_what_can_not_be_had_any_more_is_told_once_with_its_bounds() -> None:
    """Of a narrow address only its own key counts; what is left follows, and the next frame fits behind it."""
    it = Fixture()
    _, witness = it.open(WIDE_TRADES, is_plain=False)
    for key in ("AAA", "BTC/USDT", "AAA", "BTC/USDT", "BTC/USDT", "BTC/USDT", "AAA"):
        it.trade("10", key=f"test:{key}")  # 4 are kept: 4 to 7
    epoch = it.frames(witness)[0]["epoch"]

    def back(parameters: Parameters, query: Query) -> list[tuple[Any, ...]]:
        return brief(it.frames(it.open(parameters, query=query, is_plain=False)[1]))

    assert back(WIDE_TRADES, ExchangeTradesQuery(epoch=epoch, seq=1)) == [
        ("ready", 3, False),
        ("gap", None, 2, 3),
        ("trade", 4, 2),
        ("trade", 5, 4),
        ("trade", 6, 5),
        ("trade", 7, 3),
    ]
    narrow = TradesParameters(exchange="test", symbol="BTC/USDT")
    assert back(narrow, TradesQuery(epoch=epoch, seq=1)) == [
        ("ready", 2, False),
        ("gap", "BTC/USDT", 2, 2),
        ("trade", 4, 2),
        ("trade", 5, 4),
        ("trade", 6, 5),
    ]
    # 3 is lost, but not of this symbol.
    assert back(narrow, TradesQuery(epoch=epoch, seq=2))[:2] == [("ready", 2, True), ("trade", 4, 2)]
    # Of another epoch nothing is known; of this one it gets what is left.
    anew = [
        ("ready", 3, False),
        ("gap", None, 0, 3),
        ("trade", 4, 2),
        ("trade", 5, 4),
        ("trade", 6, 5),
        ("trade", 7, 3),
    ]
    assert back(WIDE_TRADES, ExchangeTradesQuery(epoch="another", seq=2)) == anew
    assert back(WIDE_TRADES, ExchangeTradesQuery(epoch=epoch, seq=8)) == anew
    assert back(WIDE_TRADES, ExchangeTradesQuery(epoch=epoch, seq=7)) == [("ready", 7, True)]


def test_the_last_trades_are_replayed_as_far_as_they_are_kept() -> None:
    """So many of the symbol's; the position before them is the one where it starts. Resuming goes before replaying."""
    it = Fixture()
    for key in ("AAA", "BTC/USDT", "AAA", "BTC/USDT", "AAA"):
        it.trade("10", key=f"test:{key}")

    def seen(parameters: Parameters, query: Query, *, is_plain: bool = False) -> list[tuple[Any, ...]]:
        return brief(it.frames(it.open(parameters, query=query, is_plain=is_plain)[1]))

    narrow = TradesParameters(exchange="test", symbol="AAA")
    assert seen(narrow, TradesQuery(replay=1)) == [("ready", 4, False), ("trade", 5, 3)]
    assert seen(narrow, TradesQuery(replay=9)) == [("ready", 2, False), ("trade", 3, 1), ("trade", 5, 3)]
    assert seen(narrow, TradesQuery()) == [("ready", 5, False)]
    assert seen(WIDE_TRADES, ExchangeTradesQuery(replay=2), is_plain=True) == [("trade", 4, 2), ("trade", 5, 3)]
    _, transport = it.open(WIDE_TRADES, is_plain=False)
    epoch = it.frames(transport)[0]["epoch"]
    assert seen(WIDE_TRADES, ExchangeTradesQuery(replay=4, epoch=epoch, seq=4)) == [("ready", 4, True), ("trade", 5, 3)]


def test_a_plain_client_gets_neither_ready_nor_gap() -> None:
    """Only what is left; its `prev` shows the hole."""
    it = Fixture()
    _, witness = it.open(WIDE_TRADES, is_plain=False)
    for _ in range(6):
        it.trade("10")
    epoch = it.frames(witness)[0]["epoch"]
    _, plain = it.open(WIDE_TRADES, query=ExchangeTradesQuery(epoch=epoch, seq=1))
    assert brief(it.frames(plain)) == [("trade", 3, 2), ("trade", 4, 3), ("trade", 5, 4), ("trade", 6, 5)]


ORDERS = ExchangeOrdersParameters(exchange="test")


def test_what_stands_after_a_gap_shows_no_hole_that_is_none() -> None:
    """What stands comes in place of what is left, at the position of `ready`: no symbol's `prev` leaps over it."""
    it = Fixture()
    who = principal("1", 1)
    _, witness = it.open(ORDERS, who, is_plain=False)
    it.feed.order(order("btc", "test:BTC/USDT"))
    for number in range(6):
        it.feed.order(order(str(number)))  # 4 are kept, all of AAA
    epoch = it.frames(witness)[0]["epoch"]
    _, back = it.open(ORDERS, who, ExchangeOrdersQuery(epoch=epoch, seq=0), is_plain=False)
    ready, gap, *frames = it.frames(back)
    assert (ready["seq"], gap["from_seq"], gap["to_seq"]) == (7, 1, 7)
    held: dict[str, int] = {}
    for frame in frames:
        assert frame["prev"] <= held.get(frame["symbol"], ready["seq"]), "a hole that is none"
        if frame.get("initial"):
            assert frame["seq"] == frame["prev"] == ready["seq"]
        held[frame["symbol"]] = max(frame["seq"], held.get(frame["symbol"], 0))
    assert {frame["order_id"] for frame in frames if frame.get("initial")} == {"btc", *"012345"}
