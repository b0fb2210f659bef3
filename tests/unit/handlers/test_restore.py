"""Restore: who takes in a copy of the state, and what was noted after it, tells what the first would have told."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway.app import told_limits
from gateway.settings import Settings
from generated.channels import (
    AccountBalancesParameters,
    ExchangeOrdersParameters,
    ExchangeTickersParameters,
    ExchangeTradesParameters,
)
from generated.refusals import Refusal
from handlers.auth import Principal
from handlers.cache import CacheFeed, View
from handlers.feed import BarsFeed
from handlers.market import MarketFeed
from handlers.record import Epochs, Recorder
from market.events import Account, Balance, Bar, Order, OrderStatus, Trade
from market.resolution import Resolution
from streaming.clock import PinnedClock
from streaming.history import Rings
from streaming.hub import Hub
from streaming.session import Session
from streaming.topic import Topic
from tests.support.clock import VirtualClock
from tests.support.source import MINUTE, START, symbol
from tests.support.transport import FakeTransport, Turns, new_session

# Two users may have accounts of one number at one exchange.
ACCOUNTS = (Account("1", 1, "a", ("USD", "X")), Account("2", 1, "a", ("USD", "X")))
SYMBOLS = (symbol("X", "a"), symbol("Y", "a"), symbol("X", "b"))
KEYS = tuple(each.key for each in SYMBOLS)
EXCHANGES = {each.key: each.exchange for each in SYMBOLS}
Step = tuple[Any, ...]


class World:
    """Feeds, and what notes the calls that come to them, on virtual time."""

    def __init__(self, *, start_ms: int = START, lateness_ms: int = 0, name: str = "first") -> None:
        self.virtual = VirtualClock(start_ms)
        self.clock = PinnedClock(self.virtual)
        self.turns = Turns()
        self.hub = Hub(self.turns.flusher)
        self.rings = Rings(self.clock, frames=6, age=600, total=60)
        self.lines: list[str] = []
        count = iter(range(1000))
        epochs = Epochs(lambda: f"{name}-{next(count)}")
        self.feed = BarsFeed(
            SYMBOLS,
            self.hub,
            self.rings,
            self.clock,
            interval_ms=0,
            lateness_ms=lateness_ms,
            late_ms=3 * MINUTE,
            new_epoch=epochs.draw,
        )
        self.cache = CacheFeed(
            SYMBOLS, ACCOUNTS, self.hub, self.rings, new_epoch=epochs.draw, limits=told_limits(Settings())
        )
        self.sink = Recorder(
            MarketFeed(self.feed, self.cache), self.clock, epochs, EXCHANGES, ACCOUNTS, self.lines.append
        )

    def all_rings(self) -> dict[str, Any]:
        """Return every ring by its name."""
        return {**self.feed.rings(), **self.cache.rings()}

    def dump(self) -> Any:
        """Return everything, as it comes back from JSON."""
        copies = {**self.feed.dump(), **self.cache.dump(), "rings": self.rings.dump(self.all_rings())}
        lives = dict(self.sink.lives)
        return json.loads(json.dumps({name: copy() for name, copy in copies.items()} | {"lives": lives}))

    def load(self, plain: Any) -> None:
        """Take everything in."""
        self.feed.load(plain)
        self.cache.load(plain)
        self.rings.load(plain["rings"], self.all_rings())
        self.sink.lives.update(plain["lives"])

    async def do(self, steps: Sequence[Step]) -> None:
        """Do what the steps say."""
        for kind, *arguments in steps:
            match kind:
                case "wait":
                    await self.virtual.advance(arguments[0])
                case _:
                    getattr(self.sink, kind)(*arguments)

    def listen(self) -> "dict[str, FakeTransport]":
        """Subscribe a session to everything there is; return the connections."""
        found: dict[str, FakeTransport] = {}
        for each in SYMBOLS:
            for resolution in Resolution:
                session, found[f"{each.key} {resolution}"] = self._session()
                spelling = self.feed.spelling(each.key, resolution.value, 0)
                stream = self.feed.stream(each, resolution)
                self.hub.subscribe(session, Topic(stream.id, spelling))
                self.feed.watch(each, resolution, spelling)
                # What can be had again from any position, and what stands.
                session.send(f"{stream.position.epoch} {stream.position.seq}".encode())
                for seq in range(stream.position.seq + 1):
                    resumed = self.feed.resume(stream, spelling, stream.position.epoch, seq)
                    for frame in [resumed.encode()] if isinstance(resumed, str) else resumed:
                        session.send(frame)
                for frame in self.feed.snapshot(each, stream, spelling, 100):
                    session.send(frame)
                self.feed.send_open_bar(session, each, resolution, spelling)
        for user, parameters in (
            ("1", ExchangeTickersParameters(exchange="a")),
            ("1", ExchangeTradesParameters(exchange="a")),
            ("1", ExchangeTradesParameters(exchange="b")),
            ("1", ExchangeOrdersParameters(exchange="a")),
            ("1", AccountBalancesParameters(exchange_id=1)),
            ("2", ExchangeOrdersParameters(exchange="a")),
            ("2", AccountBalancesParameters(exchange_id=1)),
        ):
            principal = Principal(user, user, frozenset(), frozenset({1}), 2**60, "t")
            view = self.cache.find(parameters, None, principal)
            assert not isinstance(view, Refusal)
            session, found[f"{user} {parameters}"] = self._session()
            events = view.events()
            if events is not None:
                for seq in range(events.seq + 1):
                    resumption = events.resume(events.epoch, seq, None)
                    session.send(f"{resumption.recovered} {resumption.lost_from} {resumption.lost_to}".encode())
                    for event in resumption.frames:
                        session.send(event.encoded()[0])
            self.cache.open(view, session, is_plain=False)
        return found

    def _session(self) -> tuple[Session, FakeTransport]:
        return new_session(self.virtual, self.turns)


def monotonic_of(world: World) -> Any:
    """Return what gives a time of the wall on the world's other clock, before which it was not there."""
    wall, monotonic = world.virtual.now_ms(), world.virtual.monotonic()
    return lambda then: monotonic - (wall - then) / 1000


@dataclass
class Made:
    """What a drawn market has come to, so that its next step is one that a source could take."""

    now: dict[str, int]
    begun: set[str]
    over: set[str]
    ids: list[tuple[str, str]]
    number: int = 0


def draw_steps(data: st.DataObject, made: Made, count: int) -> list[Step]:
    """Draw calls of a market: late trades, doubles, busts, quiet, sources that fail, end and start over."""
    steps: list[Step] = []
    draw = data.draw
    for _ in range(count):
        key = draw(st.sampled_from(KEYS))
        exchange = EXCHANGES[key]
        kind = draw(st.sampled_from(("trade",) * 8 + ("clock",) * 3 + ("order", "balance", "bust", "wait", "life")))
        if kind == "wait":
            steps.append(("wait", draw(st.sampled_from((0.001, 0.7, 90.0)))))
            continue
        if exchange in made.over:
            if kind == "life" or draw(st.booleans()):
                steps.append(("restarted", exchange))
                made.over.discard(exchange)
                made.begun.discard(exchange)
            continue
        if exchange not in made.begun:
            if draw(st.booleans()):
                steps.append(("history", make_trade(draw, made, key, made.now[exchange])))
            if kind == "life":
                seven = Decimal(7)
                bars = [Bar(START - 9 * MINUTE, seven, seven, seven, seven, Decimal("0.5"))]
                steps.append(("past_bars", key, Resolution.WEEK, bars))
            steps.append(("begins", exchange, made.now[exchange] + 1))
            made.begun.add(exchange)
            continue
        match kind:
            case "trade":
                late = draw(st.sampled_from((0, 0, 0, 1, 900, MINUTE, 5 * MINUTE)))
                ahead = draw(st.sampled_from((0, 1, 500, 20_000, MINUTE)))
                made.now[exchange] += ahead
                steps.append(("trade", make_trade(draw, made, key, made.now[exchange] - late)))
            case "clock":
                made.now[exchange] += draw(st.sampled_from((0, 10_000, MINUTE, 61 * MINUTE)))
                steps.append(("clock", exchange, made.now[exchange]))
            case "bust":
                ids = [(of, trade_id) for of, trade_id in made.ids if EXCHANGES[of] == exchange]
                if ids:
                    steps.append(("bust", *draw(st.sampled_from(ids))))
            case "order" | "balance" if exchange != "a":
                pass
            case "order":
                statuses: tuple[OrderStatus, ...] = ("open", "open", "closed", "canceled")
                status = draw(st.sampled_from(statuses))
                number = draw(st.integers(0, 3))
                price = draw(st.sampled_from((None, Decimal("10.50"))))
                numbers = Decimal(2), Decimal("0.10"), price, Decimal("1.05"), Decimal(0)
                account = draw(st.sampled_from(ACCOUNTS))
                steps.append(
                    ("order", Order(account, f"o{number}", "a:X", "buy", "limit", *numbers, status, made.now["a"]))
                )
            case "balance":
                total = Decimal(draw(st.integers(0, 10**6))) / 100
                account = draw(st.sampled_from(ACCOUNTS))
                steps.append(("balance", Balance(account, draw(st.sampled_from(("USD", "X"))), total, Decimal(0), 5)))
            case _:
                how = draw(st.sampled_from(("failed", "ended", "restarted")))
                steps.append((how, exchange))
                if how == "restarted":
                    made.begun.discard(exchange)
                else:
                    made.over.add(exchange)
    return steps


def make_trade(draw: Any, made: Made, key: str, time: int) -> Trade:
    """Draw a trade of this time; now and then one that was told already."""
    made.number += 1
    trade_id = draw(st.sampled_from((None, str(made.number), str(made.number), str(max(1, made.number - 3)))))
    if trade_id is not None:
        made.ids.append((key, trade_id))
    price = Decimal(draw(st.integers(1, 10**6))) / 100
    volume = Decimal(draw(st.integers(0, 10**5))).scaleb(-3)
    bid = draw(st.sampled_from((None, price)))
    return Trade(key, time, price, volume, trade_id, draw(st.sampled_from((None, "buy"))), None, bid, bid)


@settings(max_examples=100, deadline=None, phases=[Phase.generate])
@given(st.data())
async def test_a_copy_and_what_was_noted_after_it_give_the_same_state_and_the_same_frames(data: st.DataObject) -> None:
    """At any point: positions, rings, open bars, tickers, orders, balances; and whatever comes then is told alike."""
    lateness_ms = data.draw(st.sampled_from((0, 2000)))
    first = World(lateness_ms=lateness_ms)
    made = Made({"a": START, "b": START}, set(), set(), [])
    await first.do(draw_steps(data, made, data.draw(st.integers(0, 30))))
    copy = first.dump()
    first.lines.clear()
    await first.do(draw_steps(data, made, data.draw(st.integers(0, 30))))

    second = World(start_ms=first.virtual.now_ms(), lateness_ms=lateness_ms, name="second")
    second.load(copy)
    for line in first.lines:
        second.sink.tell_again(line, {}, monotonic_of(second))
    assert second.dump() == first.dump()

    told, told_again = first.listen(), second.listen()
    further = draw_steps(data, made, data.draw(st.integers(0, 20)))
    # New epochs have new names: only what is restored is the same.
    further = [step for step in further if step[0] != "restarted"]
    await first.do(further)
    await second.do(further)
    first.turns.end()
    second.turns.end()
    assert {name: each.frames for name, each in told_again.items()} == {
        name: each.frames for name, each in told.items()
    }
    assert second.dump() == first.dump()


async def test_an_open_bar_goes_on_over_the_time_between_and_its_final_is_told() -> None:
    """The bar that was open gets its last word from the first clock of the new process, at the next position."""
    first = World()
    first.sink.begins("a", START)
    first.sink.trade(Trade("a:X", START + 1, Decimal(10), Decimal(1), "1"))
    second = World(start_ms=START + 10 * MINUTE, name="second")
    second.load(first.dump())
    transport = second.listen()["a:X 1"]
    second.turns.end()
    transport.writes.clear()
    second.sink.clock("a", START + 10 * MINUTE)
    second.turns.end()
    (frame,) = [json.loads(frame)["payload"] for frame in transport.frames]
    assert (frame["final"], frame["seq"], frame["prev"], frame["bar"]["close"]) == (True, 1, 0, 10)
    assert frame["epoch"].startswith("first-")


async def test_what_is_told_again_has_the_time_of_its_first_telling() -> None:
    """A final's frame is the same to the byte, timestamp included, and as old as it is."""
    first = World()
    first.sink.begins("a", START)
    copy = first.dump()
    first.lines.clear()
    await first.virtual.advance(12.5)
    first.sink.trade(Trade("a:X", START + 1, Decimal(10), Decimal(1), "1"))
    await first.virtual.advance(30)
    first.sink.clock("a", START + MINUTE)
    frames = first.listen()["a:X 1"]
    first.turns.end()

    second = World(start_ms=START + 400_000, name="second")
    second.load(copy)
    for line in first.lines:
        second.sink.tell_again(line, {}, monotonic_of(second))
    again = second.listen()["a:X 1"]
    second.turns.end()
    assert again.frames == frames.frames
    assert any(json.loads(frame)["payload"]["timestamp"] == START + 42_500 for frame in again.frames if b"tim" in frame)
    # The trade came 12.5 s after START and the finals 42.5 s: each is forgotten 600 s later, by whichever process.
    kept = first.rings.count
    assert second.rings.count == kept > 1
    await second.virtual.advance(242)
    second.rings.trim()
    assert second.rings.count == kept - 1
    await second.virtual.advance(1)
    second.rings.trim()
    assert second.rings.count == 0


async def test_an_event_that_the_feeds_refused_ends_its_exchange_there() -> None:
    """The source failed of it then; what came after it is not told again, and the exchange has to start over."""
    world = World()
    world.sink.begins("a", START)
    world.sink.begins("b", START)
    lines = [
        json.dumps(("t", START, ("a:X", START, "no number", "1", None, None, None, None, None))),
        json.dumps(("t", START, ("a:X", START, "1", "1", None, None, None, None, None))),
        json.dumps(("t", START, ("b:X", START, "1", "1", None, None, None, None, None))),
    ]
    for line in lines:
        world.sink.tell_again(line, {}, monotonic_of(world))
    assert world.sink.lives == {"a": "failed", "b": "begun"}
    assert world.sink.refusals["a"].startswith("InvalidOperation")
    assert [trades_told(world, exchange) for exchange in ("a", "b")] == [0, 1]


def trades_told(world: World, exchange: str) -> int:
    """Return how many trades of an exchange were told."""
    view = world.cache.find(ExchangeTradesParameters(exchange=exchange), None, None)
    assert isinstance(view, View)
    events = view.events()
    assert events is not None
    return events.seq


def test_a_line_that_is_none_is_refused() -> None:
    """An unknown kind, an unknown symbol, no JSON."""
    for line in ('["?",1,["a"]]', '["t",1,["c:X",1,"1","1",null,null,null,null,null]]', "{"):
        with pytest.raises((ValueError, KeyError)):
            World().sink.tell_again(line, {}, lambda then: 0.0)
