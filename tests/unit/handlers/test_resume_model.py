"""Resuming, against a model that keeps everything.

Hypothesis drives the feeds through trades (bursts, late ones, doubles, busts), orders, balances, clocks, failures and
new epochs, and clients that are cut at any frame, read slowly and come back. Beside them is a witness that is never
cut. What a client ends with is exactly what the witness heard, save what the server told it is lost; and that is
exactly what the model of the rings no longer has. No socket, no wall clock.
"""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generated.channels import (
    AccountBalancesParameters,
    AccountBalancesQuery,
    BalancesParameters,
    BalancesQuery,
    ExchangeOrdersParameters,
    ExchangeOrdersQuery,
    ExchangeTickersParameters,
    ExchangeTradesParameters,
    ExchangeTradesQuery,
    OrdersParameters,
    OrdersQuery,
    Parameters,
    Query,
    TickersParameters,
    TradesParameters,
    TradesQuery,
)
from generated.messages import encode_bars
from generated.models import BarsSubscribe, Limits
from handlers.auth import AuthenticationError, Principal
from handlers.bars import BarsHandlers
from handlers.cache import CacheFeed, View
from handlers.feed import BarsFeed
from handlers.market import MarketFeed
from handlers.tokens import Tokens
from market.events import Account, Balance, Order, OrderStatus, Trade
from market.resolution import Resolution
from streaming.history import Rings
from streaming.hub import Hub
from streaming.limits import SessionLimits
from streaming.session import Session
from tests.support.clock import VirtualClock
from tests.support.resuming import (
    BarsFollower,
    CacheFollower,
    Follower,
    Json,
    Position,
    TickerFollower,
    currency_of,
    order_of,
    symbol_of,
)
from tests.support.source import START, symbol
from tests.support.transport import FakeTransport, Turns, new_session

Result = TypeVar("Result")

ACCOUNT = Account("1", 1, "test", ("AAA", "USD"))
USER = Principal("1", "1", frozenset({"orders:read", "balances:read"}), frozenset({1}), 0, None)
NAMES = ("AAA", "BBB")
MINUTE = 60_000
UNBOUNDED = SessionLimits(outbox_bytes=1 << 40)
LIMITS = Limits(
    frame_bytes=1, frames_per_second=1, frames_burst=1, outbox_bytes=1, outbox_age_ms=1, ring_frames=1, ring_age_ms=1
)
MILLISECONDS = {
    resolution: minutes * MINUTE for resolution in Resolution if (minutes := resolution.minutes) is not None
}


class SteppedClock(VirtualClock):
    """A virtual clock without an event loop: everything here is synchronous."""

    def step(self, seconds: float) -> None:
        """Let seconds pass: every timer that falls due on the way fires at its own moment, in order."""
        target = self._now + seconds
        while (timer := self._next()) is not None and timer.when <= target:
            self._fire_next()
        self._now = target


def answer(call: Coroutine[Any, Any, Result]) -> Result:
    """Run a handler, which waits for nothing."""
    try:
        call.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    raise AssertionError("a handler waited")


async def no_tokens(token: str) -> Principal:
    """Refuse every token."""
    raise AuthenticationError("The token is malformed.")


@dataclass(frozen=True)
class Shape:
    """What a run is held to."""

    ring_frames: int = 1000
    ring_age: float = 600
    rings_frames: int = 100_000
    outbox_bytes: int = 1 << 20
    interval_ms: int = 0
    lateness_ms: int = 0
    write_bytes: int = 1
    direct: bool = True


@dataclass
class Told:
    """A counted frame in the model: when it was told, and whether it is still kept."""

    stream: str
    position: Position
    key: str
    at: float
    kept: bool = True


@dataclass
class Ledger:
    """All that one stream ever told its witness, and where it stands."""

    epoch: str = ""
    seq: int = 0
    frames: dict[Position, Json] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    kept: list[Told] = field(default_factory=list)

    def begin(self, epoch: str) -> None:
        """Take a new epoch."""
        if epoch != self.epoch:
            self.epoch, self.seq, self.told = epoch, 0, []
            for told in self.kept:
                told.kept = False
            self.kept = []


@dataclass(frozen=True)
class Outcome:
    """What the model says that a client gets that comes (back): where it starts, and what it can't have."""

    recovered: bool
    start: int
    lost: tuple[str, int, int] | None = None


class World:
    """The feeds, their witness and the model of their rings."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.clock = SteppedClock()
        self.turns = Turns()
        self.hub = Hub(self.turns.flusher)
        self.rings = Rings(self.clock, frames=shape.ring_frames, age=shape.ring_age, total=shape.rings_frames)
        names = iter(range(1_000_000))

        def new_epoch() -> str:
            return f"epoch {next(names)}"

        symbols = [symbol(name) for name in NAMES]
        self.bars = BarsFeed(
            symbols,
            self.hub,
            self.rings,
            self.clock,
            interval_ms=shape.interval_ms,
            lateness_ms=shape.lateness_ms,
            late_ms=86_400_000,
            new_epoch=new_epoch,
        )
        self.cache = CacheFeed(symbols, [ACCOUNT], self.hub, self.rings, new_epoch=new_epoch, limits=LIMITS)
        self.market = MarketFeed(self.bars, self.cache)
        self.handlers = BarsHandlers(self.bars, self.hub, self.clock, Tokens(no_tokens, self.clock, warning_ms=0))
        self.limits = SessionLimits(outbox_bytes=shape.outbox_bytes)
        self.ledgers: dict[str, Ledger] = {}
        self.order_told: list[Told] = []
        self.failed = False
        self.begin()

    # ------------------------------------------------------------------------------------------- the market

    def begin(self) -> None:
        """Begin a life of the source, with the witness there from before its first event."""
        self.failed = False
        self.now = START
        self.used: dict[str, set[int]] = {name: set() for name in NAMES}
        self.trades: list[Trade] = []  # those that count
        self.ids = 0
        self.tickers: dict[str, Json] = {}
        self.witness()
        self.market.begins("test", self.now)
        self.look()

    def restart(self) -> None:
        """Begin a new epoch."""
        self.market.restarted("test")
        self.turns.run()
        for session, _ in self.witnesses.values():
            assert session.ended == "state_lost"
            self.hub.remove(session)
            session.gone()
        self.begin()

    def trade(self, name: str, at: int) -> None:
        """Send a trade at a time of its own, at or before the present."""
        while at in self.used[name]:
            at -= 1
        self.used[name].add(at)
        self.ids += 1
        trade = Trade(
            f"test:{name}", at, Decimal(100 + self.ids * 7 % 13), Decimal(self.ids), str(self.ids), sequence=self.ids
        )
        self.trades.append(trade)
        self.market.trade(trade)
        self.look()

    def on(self, ms: int) -> int:
        """Move the source's time, and return it."""
        self.now += ms
        return self.now

    def double(self, back: int) -> None:
        """Send a trade that counts once more."""
        if self.trades:
            before = self.ledger("trades").seq
            self.market.trade(self.trades[-1 - back % len(self.trades)])
            self.look()
            assert self.ledger("trades").seq == before

    def bust(self, back: int) -> None:
        """Take a trade back."""
        if self.trades:
            trade = self.trades.pop(-1 - back % len(self.trades))
            assert trade.trade_id is not None
            self.market.bust(trade.symbol, trade.trade_id)
            self.look()

    def order(self, number: int, status: OrderStatus) -> None:
        """Send how an order stands."""
        one = Decimal(1)
        self.market.order(
            Order(
                ACCOUNT,
                f"o{number}",
                f"test:{NAMES[number % 2]}",
                "buy",
                "limit",
                one,
                Decimal(0),
                one + number,
                Decimal(0),
                Decimal(0),
                status,
                self.now,
            )
        )
        self.look()

    def balance(self, number: int) -> None:
        """Send what an account holds."""
        self.market.balance(Balance(ACCOUNT, ACCOUNT.currencies[number % 2], Decimal(number), Decimal(0), self.now))
        self.look()

    def tick(self, ms: int) -> None:
        """Move the source's clock."""
        self.market.clock("test", self.on(ms))
        self.look()

    def wait(self, seconds: float) -> None:
        """Let time pass, in which the source is silent; old frames go."""
        self.clock.step(seconds)
        self.rings.trim()
        for told in self.order_told:
            if told.at < self.clock.monotonic() - self.shape.ring_age:
                self.forget(told)
        self.look()

    def fail(self) -> None:
        """Let the source fail; only a new life follows."""
        self.failed = True
        self.market.failed("test")
        self.look()

    # ------------------------------------------------------------------------------------------ the witness

    def witness(self) -> None:
        """Open a session for each stream: one for all bars, and the wide form of the others."""
        self.witnesses: dict[str, tuple[Session, FakeTransport]] = {}
        session, transport = new_session(self.clock, self.turns, UNBOUNDED)
        for name in NAMES:
            for resolution in Resolution:
                ack = self.subscribe(session, {"symbol": name, "resolution": resolution.value})
                self.ledger(f"bars {name} {resolution.value}").begin(ack["epoch"])
                assert ack["seq"] == 0
        self.turns.run()
        transport.writes.clear()
        self.witnesses["bars"] = session, transport
        for kind, parameters in WIDE.items():
            self.witnesses[kind] = self.open(kind, parameters, None, UNBOUNDED)
            self.turns.run()
            transport = self.witnesses[kind][1]
            (ready,) = [json.loads(frame) for frame in transport.frames]
            assert (ready["type"], ready["seq"], ready["recovered"]) == ("ready", 0, False)
            transport.writes.clear()
            if kind != "tickers":
                self.ledger(kind).begin(ready["epoch"])

    def look(self) -> None:
        """Read what the witness heard of one event, and keep it as the rings should."""
        self.turns.run()
        for kind, (_, transport) in self.witnesses.items():
            for frame in transport.frames:
                message = json.loads(frame)
                if kind == "bars":
                    payload = message["payload"]
                    if "prev" in payload:
                        stream = f"bars {payload['symbol']} {payload['resolution']}"
                        members = {name: payload[name] for name in payload if name not in ("symbol", "resolution")}
                        self.take(stream, payload["epoch"], "", members)
                elif message["type"] == "ticker":
                    self.tickers[message["symbol"]] = message
                elif "prev" in message:
                    self.take(kind, self.ledger(kind).epoch, KEYS[kind](message), message)
            transport.writes.clear()

    def take(self, stream: str, epoch: str, key: str, message: Json) -> None:
        """Take a counted frame: it is the next of its stream, and `prev` is the one before of its key."""
        ledger = self.ledger(stream)
        before = next((told.position[1] for told in reversed(ledger.told) if told.key == key), 0)
        assert (epoch, message["seq"], message["prev"]) == (ledger.epoch, ledger.seq + 1, before), message
        ledger.seq += 1
        position = epoch, ledger.seq
        ledger.frames[position] = message
        told = Told(stream, position, key, self.clock.monotonic())
        ledger.told.append(told)
        ledger.kept.append(told)
        self.order_told = [each for each in self.order_told if each.kept]
        self.order_told.append(told)
        if len(ledger.kept) > self.shape.ring_frames:
            self.forget(ledger.kept[0])
        kept = [each for each in self.order_told if each.kept]
        for each in kept[: max(0, len(kept) - self.shape.rings_frames)]:
            self.forget(each)

    def forget(self, told: Told) -> None:
        """Keep a frame no longer."""
        if told.kept:
            told.kept = False
            self.ledgers[told.stream].kept.remove(told)

    def ledger(self, stream: str) -> Ledger:
        """Return a stream's ledger."""
        return self.ledgers.setdefault(stream, Ledger())

    def words(self, stream: str, until: int) -> dict[int, Json]:
        """Return the last word on each bar of the present epoch, up to a position; oldest bar first."""
        ledger = self.ledger(stream)
        words = {
            frame["bar"]["time"]: frame["bar"]
            for (epoch, seq), frame in ledger.frames.items()
            if epoch == ledger.epoch and seq <= until
        }
        return dict(sorted(words.items()))

    def outcome(self, stream: str, key: str | None, asked: Position | None, replay: int = 0) -> Outcome:
        """Return what a client gets that asks to go on from a position, or for so many of the last frames."""
        ledger = self.ledger(stream)
        of_key = [told for told in ledger.told if key is None or told.key == key]
        if asked is None:
            last = [told for told in of_key if told.kept][-replay:] if replay else []
            return Outcome(False, last[0].position[1] - 1 if last else ledger.seq)
        epoch, seq = asked
        now = ledger.seq
        if epoch != ledger.epoch:
            gone = [told.position[1] for told in of_key if not told.kept and told.position[0] == ledger.epoch]
            lost = max(gone, default=0) if stream == "trades" else now
            return Outcome(False, lost, ("other_epoch", 0, lost))
        missed = [told for told in of_key if told.position[1] > seq]
        gone = [told.position[1] for told in missed if not told.kept]
        if not gone:
            return Outcome(True, seq)
        if stream.startswith("bars"):
            return Outcome(False, ledger.seq, ("too_old", 0, ledger.seq))
        # Of orders and balances what stands comes in place of what is left.
        lost = gone[-1] if stream == "trades" else now
        return Outcome(False, lost, ("too_old", seq + 1, lost))

    # ---------------------------------------------------------------------------------------- for the clients

    def subscribe(self, session: Session, payload: Json) -> Json:
        """Subscribe to bars, as a connection does it; returns the reply."""
        request = BarsSubscribe.model_validate({"type": "bars.subscribe", "payload": payload})
        reply = answer(self.handlers.subscribe_bars(session, request))
        frame = encode_bars(reply)
        session.send(frame)
        session.replied()
        found: Json = json.loads(frame)["payload"]
        return found

    def open(
        self, kind: str, parameters: Parameters, query: Query | None, limits: SessionLimits
    ) -> tuple[Session, FakeTransport]:
        """Open a cache address for a client that speaks our subprotocol."""
        del kind
        session, transport = new_session(self.clock, self.turns, limits, direct=self.shape.direct)
        view = self.cache.find(parameters, query, USER)
        assert isinstance(view, View)
        self.cache.open(view, session, is_plain=False)
        return session, transport

    # --------------------------------------------------------------------------------- what the bars should be

    def bars_as_they_are(self, name: str, length: int) -> dict[int, tuple[float, ...]]:
        """Return each bar of this length (ms) by all trades that count: open, high, low, close, volume."""
        groups: dict[int, list[Trade]] = {}
        for trade in sorted(self.trades, key=lambda trade: trade.time):
            if trade.symbol == f"test:{name}":
                groups.setdefault(trade.time // length * length, []).append(trade)
        return {
            start: (
                float(group[0].price),
                float(max(trade.price for trade in group)),
                float(min(trade.price for trade in group)),
                float(group[-1].price),
                float(sum(trade.volume for trade in group)),
            )
            for start, group in groups.items()
        }


def numbers(bar: Json) -> tuple[float, ...]:
    """Return a bar's numbers."""
    return (bar["open"], bar["high"], bar["low"], bar["close"], bar["volume"])


WIDE: dict[str, Parameters] = {
    "trades": ExchangeTradesParameters(exchange="test"),
    "orders": ExchangeOrdersParameters(exchange="test"),
    "balances": AccountBalancesParameters(exchange_id=1),
    "tickers": ExchangeTickersParameters(exchange="test"),
}
KEYS: dict[str, Callable[[Json], str]] = {"trades": symbol_of, "orders": symbol_of, "balances": currency_of}
NAMES_OF: dict[str, Callable[[Json], str] | None] = {"trades": None, "orders": order_of, "balances": currency_of}


class Client:
    """One connection after the other, over any of which its followers follow."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.session: Session | None = None
        self.transport = FakeTransport()
        self.read = 0
        self.expected: list[tuple[Follower, Outcome]] = []

    def come(self) -> None:
        """Connect, where it is not connected."""
        raise NotImplementedError

    def take(self, message: Json) -> None:
        """Take a message."""
        raise NotImplementedError

    @property
    def is_here(self) -> bool:
        """Whether it is connected."""
        return self.session is not None

    def consume(self, count: int | None = None) -> None:
        """Read the next frames (None: all) of those that were written, and see that what they told is as expected."""
        frames = self.transport.frames[self.read :][:count]
        self.read += len(frames)
        for frame in frames:
            self.take(json.loads(frame))

    def leave(self, count: int | None) -> None:
        """Be cut, with only so many of the frames read that wait."""
        if self.session is None:
            return
        self.consume(count)
        self.world.hub.remove(self.session)
        self.session.gone()
        self.session = None

    def notice(self) -> None:
        """See whether the server has ended the connection."""
        if self.session is not None and self.transport.closed:
            self.leave(None)

    def stall(self, takes: int) -> None:
        """Take so many more writes, then none."""
        if takes == 0:
            self.transport.stalled = True
        else:
            self.transport.takes = takes

    def go_on(self) -> None:
        """Read again."""
        self.transport.takes, self.transport.stalled = None, False
        if self.session is not None and not self.transport.closed:
            self.session.writable()

    def check(self, follower: Follower, outcome: Outcome, losses: int, spans: int) -> None:
        """See that what a follower was told by now is what the model says that it should be."""
        if follower.recovered is None:
            return  # it was cut before it was told
        if outcome.recovered:
            assert follower.recovered
            assert len(follower.losses) == losses
        elif outcome.lost is None:
            assert len(follower.losses) == losses
            assert follower.spans[spans].after == outcome.start
        else:
            assert not follower.recovered
            if len(follower.losses) > losses:
                (loss,) = follower.losses[losses:]
                reason, first, last = outcome.lost
                assert loss.reason in (None, reason)
                assert (loss.first, loss.last) == (first, last)


class BarsClient(Client):
    """Several subscriptions over one connection."""

    def __init__(self, world: World, *followers: BarsFollower) -> None:
        super().__init__(world)
        self.followers = followers
        self.outcomes: list[tuple[BarsFollower, Outcome, int, int]] = []

    def come(self) -> None:
        if self.session is not None or self.world.failed:
            return
        self.read = 0
        self.session, self.transport = new_session(
            self.world.clock, self.world.turns, self.world.limits, direct=self.world.shape.direct
        )
        self.outcomes = []
        for follower in self.followers:
            request = follower.request()
            outcome = self.world.outcome(stream_of(follower), None, follower.asked)
            self.outcomes.append((follower, outcome, len(follower.losses), len(follower.spans)))
            self.world.subscribe(self.session, request)

    def take(self, message: Json) -> None:
        (follower,) = [follower for follower in self.followers if follower.is_mine(message)]
        follower.take(message)
        if message["type"] == "bars.snapshot":
            self.judge_snapshot(follower, message["payload"])

    def judge_snapshot(self, follower: BarsFollower, payload: Json) -> None:
        """A snapshot has the newest of the bars that had closed at its position.

        It is made when it is about to be written: corrections of them that come behind it may be in it already.
        """
        ledger = self.world.ledger(stream_of(follower))
        if payload["epoch"] != ledger.epoch:
            return  # the model of what has closed is of the present epoch
        newest = max(self.world.words(stream_of(follower), payload["seq"]), default=0)
        assert any(
            payload["bars"]
            == [bar for time, bar in self.world.words(stream_of(follower), until).items() if time <= newest][
                -follower.snapshot :
            ]
            for until in range(payload["seq"], ledger.seq + 1)
        )

    def consume(self, count: int | None = None) -> None:
        super().consume(count)
        for follower, outcome, losses, spans in self.outcomes:
            self.check(follower, outcome, losses, spans)


class CacheClient(Client):
    """One cache address."""

    def __init__(self, world: World, kind: str, key: str | None = None, *, replay: int = 0) -> None:
        super().__init__(world)
        self.kind = kind
        self.follower = CacheFollower(key, KEYS[kind], NAMES_OF[kind], replay=replay)
        self.outcome: tuple[Outcome, int, int] | None = None

    def come(self) -> None:
        if self.session is not None:
            return
        self.read = 0
        query = self.follower.query()
        key, follower = self.follower.key, self.follower
        outcome = self.world.outcome(self.kind, key, follower.asked, query.get("replay", 0))
        self.outcome = outcome, len(follower.losses), len(follower.spans)
        parameters, asked = address(self.kind, key, query)
        self.session, self.transport = self.world.open(self.kind, parameters, asked, self.world.limits)

    def take(self, message: Json) -> None:
        self.follower.take(message)

    def consume(self, count: int | None = None) -> None:
        super().consume(count)
        if self.outcome is not None:
            self.check(self.follower, *self.outcome)


class TickerClient(Client):
    """One address of tickers."""

    def __init__(self, world: World, key: str | None = None) -> None:
        super().__init__(world)
        self.follower = TickerFollower(key)

    def come(self) -> None:
        if self.session is not None:
            return
        self.read = 0
        self.follower.begin()
        key = self.follower.key
        parameters: Parameters = WIDE["tickers"] if key is None else TickersParameters(exchange="test", symbol=key)
        self.session, self.transport = self.world.open("tickers", parameters, None, self.world.limits)

    def take(self, message: Json) -> None:
        self.follower.take(message)


def stream_of(follower: BarsFollower) -> str:
    """Return the name of a follower's ledger."""
    resolution = {"1m": "1"}.get(follower.resolution, follower.resolution)
    return f"bars {follower.symbol.removeprefix('test:')} {resolution}"


def address(kind: str, key: str | None, query: Json) -> tuple[Parameters, Query | None]:
    """Return a cache address with a query."""
    match kind, key:
        case "trades", None:
            return WIDE[kind], ExchangeTradesQuery(**query)
        case "trades", str(name):
            return TradesParameters(exchange="test", symbol=name), TradesQuery(**query)
        case "orders", None:
            return WIDE[kind], ExchangeOrdersQuery(**query)
        case "orders", str(name):
            return OrdersParameters(exchange="test", symbol=name), OrdersQuery(**query)
        case "balances", str(name):
            return BalancesParameters(exchange_id=1, currency=name), BalancesQuery(**query)
        case _:
            return WIDE[kind], AccountBalancesQuery(**query)


def clients_of(world: World) -> list[Client]:
    """Return clients of every kind of stream, wide and narrow."""
    return [
        BarsClient(
            world,
            BarsFollower("AAA", "1"),
            BarsFollower("test:AAA", "1m", conflate_ms=5000),
            BarsFollower("BBB", "3", snapshot=2),
        ),
        BarsClient(world, BarsFollower("AAA", "5", snapshot=3, conflate_ms=1500)),
        BarsClient(world, BarsFollower("AAA", "1D"), BarsFollower("BBB", "1")),
        CacheClient(world, "trades"),
        CacheClient(world, "trades", "AAA"),
        CacheClient(world, "trades", replay=3),
        CacheClient(world, "trades", "BBB", replay=2),
        CacheClient(world, "orders"),
        CacheClient(world, "orders", "BBB"),
        CacheClient(world, "balances"),
        CacheClient(world, "balances", "USD"),
        TickerClient(world),
        TickerClient(world, "AAA"),
    ]


CLIENTS = 13

Step = tuple[Any, ...]
NAME = st.sampled_from(NAMES)
SPAN = st.sampled_from([1, 500, 5_000, 20_000, 61_000, 200_000])
CLIENT = st.integers(0, CLIENTS - 1)
WEIGHTS: list[tuple[int, st.SearchStrategy[Step]]] = [
    (12, st.tuples(st.just("trade"), NAME, SPAN)),
    (12, st.tuples(st.just("burst"), st.integers(2, 12), SPAN)),
    (9, st.tuples(st.just("late"), NAME, st.sampled_from([100, 2_500, 30_000, 70_000, 150_000, 400_000]))),
    (3, st.tuples(st.just("double"), st.integers(0, 20))),
    (6, st.tuples(st.just("bust"), st.integers(0, 20))),
    (6, st.tuples(st.just("order"), st.integers(0, 5), st.sampled_from(["open", "open", "closed", "canceled"]))),
    (6, st.tuples(st.just("orders"), st.integers(1, 8))),
    (9, st.tuples(st.just("balance"), st.integers(0, 9))),
    (9, st.tuples(st.just("tick"), SPAN)),
    (6, st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 2.0, 6.0]))),
    (1, st.tuples(st.just("restart"))),
    (1, st.tuples(st.just("fail"))),
    (9, st.tuples(st.just("cut"), CLIENT, st.integers(0, 12))),
    (7, st.tuples(st.just("all cut"), st.integers(0, 12))),
    (10, st.tuples(st.just("come"), CLIENT, st.integers(0, 6))),
    (9, st.tuples(st.just("all come"))),
    (14, st.tuples(st.just("stall"), CLIENT, st.integers(0, 4))),
    (6, st.tuples(st.just("slow"), CLIENT, st.integers(2, 6), SPAN)),
    (8, st.tuples(st.just("go on"), CLIENT)),
    (6, st.tuples(st.just("read"), CLIENT, st.integers(0, 12))),
]
STEPS = st.sampled_from([number for number, (weight, _) in enumerate(WEIGHTS) for _ in range(weight)]).flatmap(
    lambda number: WEIGHTS[number][1]
)
SHAPES = st.builds(
    Shape,
    ring_frames=st.sampled_from([1000, 1000, 1, 2, 5]),
    ring_age=st.sampled_from([600.0, 600.0, 5.0]),
    rings_frames=st.sampled_from([100_000, 100_000, 4, 20]),
    outbox_bytes=st.sampled_from([1 << 20, 1024]),
    interval_ms=st.sampled_from([0, 1000]),
    lateness_ms=st.sampled_from([0, 2000, 90_000]),
    write_bytes=st.sampled_from([1, 600, 1 << 16]),
    direct=st.booleans(),
)


LISTS = st.lists(STEPS, min_size=10, max_size=80) | st.lists(STEPS, min_size=60, max_size=80)


class Run:
    """A world and its clients, driven by steps."""

    def __init__(self, shape: Shape) -> None:
        self.world = World(shape)
        self.clients = clients_of(self.world)
        for client in self.clients:
            if not (isinstance(client, CacheClient) and client.follower.replay):  # there is nothing to replay yet
                client.come()
        self.end_of_step()

    def step(self, step: Step) -> None:
        """Do what a step says."""
        world = self.world
        match step:
            case ("restart",):
                world.restart()
            case ("wait", float(seconds)):
                world.wait(seconds)
            case ("cut", int(client), int(count)):
                self.clients[client].leave(count)
            case ("all cut", int(count)):
                for each in self.clients:
                    each.leave(count)
            case ("come", int(client), int(takes)):
                if not self.clients[client].is_here:
                    self.clients[client].come()
                    if self.clients[client].is_here and takes:
                        self.clients[client].stall(takes - 1)
            case ("all come",):
                for each in self.clients:
                    each.come()
            case ("stall", int(client), int(takes)):
                self.clients[client].stall(takes)
            case ("go on", int(client)):
                self.clients[client].go_on()
            case ("read", int(client), int(count)):
                self.clients[client].consume(count)
            case _ if world.failed:
                pass  # a source that failed says nothing
            case ("fail",):
                world.fail()
            case ("trade", str(name), int(ms)):
                world.trade(name, world.on(ms))
            case ("burst", int(count), int(ms)):
                for number in range(count):
                    world.trade(NAMES[number % 3 % 2], world.on(ms))
            case ("slow", int(client), int(count), int(ms)):
                self.clients[client].stall(0)
                for _ in range(count):
                    world.trade("AAA", world.on(ms))
                    world.turns.run()
                self.clients[client].go_on()
            case ("late", str(name), int(ms)):
                world.trade(name, world.now - ms)
            case ("double", int(back)):
                world.double(back)
            case ("bust", int(back)):
                world.bust(back)
            case ("order", int(number), str(status)):
                world.order(number, status)  # type: ignore[arg-type]  # one of the four that are drawn
            case ("orders", int(count)):
                for number in range(count):
                    world.order(number, "open")
            case ("balance", int(number)):
                world.balance(number)
            case ("tick", int(ms)):
                world.tick(ms)
            case _:
                raise AssertionError(step)
        self.end_of_step()

    def end_of_step(self) -> None:
        """End the event loop's turn; clients whose connection the server ended know it."""
        self.world.turns.run()
        for client in self.clients:
            client.notice()

    def end(self) -> None:
        """Let everybody come back and read all; then judge what each holds."""
        world = self.world
        if world.failed:
            world.restart()
        # A client that reads slowly to the very end may be ended for it, and comes back once more.
        for _ in range(2):
            for client in self.clients:
                client.go_on()
                client.come()
            self.end_of_step()
        world.tick(1)
        world.wait(61)
        self.end_of_step()
        for client in self.clients:
            assert client.is_here
            client.consume()
        for client in self.clients:
            match client:
                case BarsClient():
                    for follower in client.followers:
                        self.judge_bars(follower)
                case CacheClient():
                    self.judge_cache(client)
                case TickerClient():
                    self.judge_tickers(client)
        self.judge_last_words()

    def judge_bars(self, follower: BarsFollower) -> None:
        """A subscription holds every counted frame that it wasn't told is lost, and the bar that is open now."""
        world = self.world
        name, resolution = stream_of(follower).split()[1:]
        ledger = world.ledger(stream_of(follower))
        assert follower.frames == follower.owed(ledger.frames)
        assert follower.position == (ledger.epoch, ledger.seq)
        length = 86_400_000 if resolution == "1D" else int(resolution) * MINUTE
        watermark = world.now - world.shape.lateness_ms
        bars = world.bars_as_they_are(name, length)
        still_open = [start for start in bars if start + length > watermark and start <= watermark]
        if still_open:
            now = min(still_open)
            assert follower.open is not None
            assert (follower.open["bar"]["time"], *numbers(follower.open["bar"])) == (now, *bars[now])

    def judge_cache(self, client: CacheClient) -> None:
        """An address holds every counted frame of its key that it wasn't told is lost, and how things stand."""
        follower, ledger = client.follower, self.world.ledger(client.kind)
        key_of = KEYS[client.kind]
        of_key = {
            position: frame
            for position, frame in ledger.frames.items()
            if follower.key is None or key_of(frame) == follower.key
        }
        assert follower.frames == follower.owed(of_key)
        last = max((seq for epoch, seq in of_key if epoch == ledger.epoch), default=0)
        assert follower.position is not None
        assert follower.position[0] == ledger.epoch
        assert last <= follower.position[1] <= ledger.seq
        name_of = NAMES_OF[client.kind]
        if name_of is not None:
            state = {}
            for (epoch, _), frame in of_key.items():
                if epoch == ledger.epoch:
                    state[name_of(frame)] = {name: frame[name] for name in frame if name not in ("seq", "prev")}
            assert open_of(follower.state) == open_of(state)

    def judge_tickers(self, client: TickerClient) -> None:
        """An address of tickers holds the newest of each symbol that has traded."""
        key = client.follower.key
        # A newcomer's first ones stand at the present version, whichever was theirs.
        newest = {name: ticker | {"seq": 0} for name, ticker in client.follower.newest.items()}
        assert newest == {
            name: ticker | {"seq": 0} for name, ticker in self.world.tickers.items() if key in (None, name)
        }

    def judge_last_words(self) -> None:
        """The last word on each bar that has closed is what all trades that count make of it; each ended once."""
        world = self.world
        watermark = world.now - world.shape.lateness_ms
        for name in NAMES:
            for resolution, length in MILLISECONDS.items():
                if length > 60 * MINUTE:
                    continue
                ledger = world.ledger(f"bars {name} {resolution.value}")
                words: dict[int, Json] = {}
                finals = []
                for (epoch, _), frame in ledger.frames.items():
                    if epoch == ledger.epoch:
                        words[frame["bar"]["time"]] = frame["bar"]
                        if "revision" not in frame:
                            finals.append(frame["bar"]["time"])
                assert finals == sorted(set(finals))
                bars = world.bars_as_they_are(name, length)
                for start, bar in bars.items():
                    if start + length <= watermark:
                        assert numbers(words.pop(start)) == bar
                # What is left lost all its trades.
                assert all(word["volume"] == 0 for word in words.values())


def open_of(state: dict[str, Json]) -> dict[str, Json]:
    """Return what stands: an order that is done is none any more."""
    return {name: value for name, value in state.items() if value.get("status", "open") == "open"}


def play(shape: Shape, steps: list[Step]) -> Run:
    """Play the steps, and judge at their end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streaming.session.WRITE_BYTES", shape.write_bytes)
        run = Run(shape)
        for step in steps:
            run.step(step)
        run.end()
        return run


@settings(max_examples=150)
@given(SHAPES, LISTS)
def test_who_is_cut_ends_with_what_one_holds_who_never_was(shape: Shape, steps: list[Step]) -> None:
    """Exactly the counted frames, and exactly one `bars.reset` or `gap` where the ring was too short."""
    play(shape, steps)
