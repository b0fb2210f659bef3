"""Resuming over real sockets: each frame of it, and clients that are cut a hundred times in twenty virtual minutes."""

import asyncio
import json
import random
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.sources.sim import SimOptions, SimSource
from gateway.sources.source import Source
from market.events import Account, Balance, Bar, MarketSink, Order, Trade
from market.resolution import Resolution
from market.symbols import Symbol
from tests.support.client import TIMEOUT_S, connected
from tests.support.clock import VirtualClock
from tests.support.flat import entered, market, running_at, token_for
from tests.support.handshake import V1, shake
from tests.support.judge import BARS, Judge
from tests.support.resuming import (
    BarsFollower,
    CacheFollower,
    Follower,
    Json,
    Position,
    currency_of,
    order_of,
    symbol_of,
)
from tests.support.server import Running, running
from tests.support.source import MINUTE, START, ManualSource

OURS = [Subprotocol("tapecast.v1")]

# ------------------------------------------------------------------------------------------- a hundred cuts


class Disorder:
    """A source's events on their way: some trades come late, some twice, some are taken back. Fits `MarketSink`."""

    def __init__(self, sink: MarketSink, rng: random.Random) -> None:
        self._sink = sink
        self._rng = rng
        self._held: list[Trade] = []
        self.late = self.doubled = self.busted = 0

    def trade(self, trade: Trade) -> None:
        chance = self._rng.random()
        if chance < 0.02:
            self._held.append(trade)
            return
        self._sink.trade(trade)
        if chance < 0.03:
            self.doubled += 1
            self._sink.trade(trade)
        elif chance < 0.035:
            assert trade.trade_id is not None
            self.busted += 1
            self._sink.bust(trade.symbol, trade.trade_id)
        elif chance < 0.05 and self._held:
            self.late += 1
            self._sink.trade(self._held.pop(0))

    def history(self, trade: Trade) -> None:
        self._sink.history(trade)

    def bust(self, symbol: str, trade_id: str) -> None:
        self._sink.bust(symbol, trade_id)

    def past_bars(self, symbol: str, resolution: Resolution, past: Sequence[Bar]) -> None:
        self._sink.past_bars(symbol, resolution, past)

    def begins(self, exchange: str, time: int) -> None:
        self._sink.begins(exchange, time)

    def clock(self, exchange: str, time: int) -> None:
        self._sink.clock(exchange, time)

    def order(self, order: Order) -> None:
        self._sink.order(order)

    def balance(self, balance: Balance) -> None:
        self._sink.balance(balance)

    def restarted(self, exchange: str) -> None:
        self._sink.restarted(exchange)

    def ended(self, exchange: str) -> None:
        self._sink.ended(exchange)


class Disordered:
    """A source whose trades come in disorder. `sink` is what they pass through."""

    def __init__(self, source: Source, rng: random.Random) -> None:
        self._source = source
        self._rng = rng
        self.sink: Disorder | None = None

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return self._source.symbols

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self._source.accounts

    async def run(self, sink: MarketSink) -> None:
        self.sink = Disorder(sink, self._rng)
        await self._source.run(self.sink)


class Connections:
    """One client's connections, one after the other, all of which its followers follow."""

    def __init__(self, server: Running, judge: Judge, token: str) -> None:
        self.server = server
        self.judge = judge
        self.token = token
        self.socket: ClientConnection | None = None
        self.abandoned: list[ClientConnection] = []
        self.path = BARS

    async def come(self) -> None:
        """Connect."""
        raise NotImplementedError

    def take(self, message: Json) -> None:
        """Take a message that was judged."""
        raise NotImplementedError

    def settled(self, message: Json) -> None:
        """Take that all has come that was sent up to now."""

    async def open(self, url: str, path: str) -> ClientConnection:
        """Return a new connection as a client of our subprotocol."""
        self.path = path
        return await connect(
            url,
            compression=None,
            ping_interval=None,
            max_queue=None,  # so that a close frame is seen behind frames that nobody reads
            close_timeout=1,
            subprotocols=OURS,
            additional_headers={"Authorization": f"Bearer {self.token}"},
        )

    async def read(self, count: int | None = None) -> None:
        """Take all that was sent up to now, or only so many frames of it."""
        if self.socket is None:
            return
        async with asyncio.timeout(TIMEOUT_S):
            await self.socket.send('{"type":"ping"}')
            while count is None or count > 0:
                message = self.judge.frame(await self.socket.recv(), self.path)
                if message["type"] == "pong":
                    self.settled(message)
                    return
                self.take(message)
                count = None if count is None else count - 1

    async def cut(self, how: str) -> None:
        """End the connection this way; what is unread is lost."""
        found, self.socket = self.socket, None
        if found is None:
            return
        match how:
            case "reset":
                raw: socket.socket = found.transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                found.transport.abort()
            case "half-open":
                found.transport.pause_reading()
                self.abandoned.append(found)
            case "clean":
                await found.close(1000)
            case "by the server":
                host, port = found.local_address[:2]
                (session,) = [each for each in self.server.gateway.server.sessions if each.address == f"{host}:{port}"]
                session.end("shutdown")
                await found.wait_closed()
                assert found.close_code == 4001
            case _:
                raise AssertionError(how)

    async def end(self) -> None:
        """Leave nothing open."""
        for each in (*self.abandoned, *([] if self.socket is None else [self.socket])):
            each.transport.abort()
            await each.wait_closed()


class BarsConnections(Connections):
    """Over the bars socket, with any number of subscriptions."""

    def __init__(self, server: Running, judge: Judge, token: str, *followers: BarsFollower) -> None:
        super().__init__(server, judge, token)
        self.followers = followers

    async def come(self) -> None:
        self.socket = connection = await self.open(self.server.bars, BARS)
        for follower in self.followers:
            await connection.send(json.dumps({"type": "bars.subscribe", "payload": follower.request()}))

    def take(self, message: Json) -> None:
        (follower,) = [follower for follower in self.followers if follower.is_mine(message)]
        follower.take(message)


class CacheConnections(Connections):
    """Over one cache address."""

    def __init__(self, server: Running, judge: Judge, token: str, address: str, follower: CacheFollower) -> None:
        super().__init__(server, judge, token)
        self.address = address
        self.follower = follower

    async def come(self) -> None:
        query = "&".join(f"{name}={value}" for name, value in self.follower.query().items())
        self.socket = await self.open(f"{self.server.cache}/{self.address}?{query}", f"/api/v1/cache/ws/{self.address}")

    def take(self, message: Json) -> None:
        self.follower.take(message)

    def settled(self, message: Json) -> None:
        self.follower.take(message)  # so what stands has come as a whole


WAYS = ("reset", "half-open", "clean", "by the server")
SECONDS = 1200
BTC, ETH = "BTC/USDT", "ETH/USDT"


@pytest.mark.parametrize(
    ("cuts", "rings"), [(100, {}), (40, {"ring_frames": 3}), (40, {"rings_frames": 25})], ids=["long", "short", "few"]
)
async def test_who_is_cut_a_hundred_times_ends_with_what_one_holds_who_never_was(
    cuts: int, rings: dict[str, int]
) -> None:
    """In twenty virtual minutes of a market with late, doubled and busted trades; on every kind of stream.

    With rings that are too short each client ends with just what it wasn't told is lost.
    """
    clock = VirtualClock()
    rng = random.Random(4 + cuts)
    source = Disordered(SimSource(SimOptions(rate=0.5, seed=1), clock), rng)
    judge = Judge()
    async with running_at(clock, source, bars_interval_ms=1000, **rings) as server:
        token = token_for(server, exp=clock.now_ms() // 1000 + 2 * SECONDS)

        def bars(*followers: BarsFollower) -> BarsConnections:
            return BarsConnections(server, judge, token, *followers)

        def cache(address: str, *follower: Any) -> CacheConnections:
            return CacheConnections(server, judge, token, address, CacheFollower(*follower))

        watched = {
            (name, resolution): BarsFollower(f"sim:{name}", resolution)
            for name in (BTC, ETH)
            for resolution in ("1", "3", "5")
        }
        all_bars = bars(*watched.values())
        wide = {
            "trades": cache("trades/sim", None, symbol_of),
            "orders": cache("orders/sim", None, symbol_of, order_of),
            "balances": cache("balances/1", None, currency_of, currency_of),
        }
        witnesses: list[Connections] = [all_bars, *wide.values()]
        clients: list[Connections] = [
            bars(BarsFollower(f"sim:{BTC}", "1m"), BarsFollower(BTC, "3", conflate_ms=7000)),
            bars(BarsFollower(f"sim:{ETH}", "1", snapshot=100), BarsFollower(f"sim:{BTC}", "5", snapshot=1)),
            cache("trades/sim", None, symbol_of),
            cache(f"trades/sim/{ETH}", ETH, symbol_of),
            cache("orders/sim", None, symbol_of, order_of),
            cache(f"orders/sim/{BTC}", BTC, symbol_of, order_of),
            cache("balances/1", None, currency_of, currency_of),
            cache("balances/1/BTC", "BTC", currency_of, currency_of),
        ]
        try:
            for each in (*witnesses, *clients):
                await each.come()
                await each.read()  # who is cut before it holds a position has none to go on from
            for number in range(cuts):
                for each in clients:
                    # Some are cut in the middle of what they are just sent; some stay away for a while.
                    await each.read(rng.choice([None, None, 0, 1, 2, 5]))
                    await each.cut(rng.choice(WAYS))
                    if rng.random() < 0.7:
                        await each.come()
                await clock.advance(SECONDS / cuts)
                for each in clients:
                    if each.socket is None:
                        await each.come()
                for each in witnesses:
                    await each.read()
                if number % 10 == 9:
                    for each in clients:
                        for abandoned in each.abandoned:
                            abandoned.transport.abort()
                        each.abandoned.clear()
            for each in (*witnesses, *clients):
                await each.read()
        finally:
            for each in (*witnesses, *clients):
                await each.end()

        sink = source.sink
        assert sink is not None
        assert min(sink.late, sink.doubled, sink.busted) > 0
        losses = 0
        for client in clients:
            if isinstance(client, BarsConnections):
                for follower in client.followers:
                    name = follower.symbol.removeprefix("sim:")
                    witness = watched[name, {"1m": "1"}.get(follower.resolution, follower.resolution)]
                    losses += compare(follower, witness.frames, witness.position)
            else:
                assert isinstance(client, CacheConnections)
                one = wide[client.address.partition("/")[0]].follower
                follows = client.follower
                key_of = currency_of if one is wide["balances"].follower else symbol_of
                frames = {at: frame for at, frame in one.frames.items() if follows.key in (None, key_of(frame))}
                losses += compare(follows, frames, one.position)
                state = {name: frame for name, frame in one.state.items() if follows.key in (None, key_of(frame))}
                if client.address.startswith("orders"):
                    assert standing(follows.state) == standing(state)
                else:
                    assert follows.state == state
        assert (losses > 0) == bool(rings)
        assert any("revision" in frame for follower in watched.values() for frame in follower.frames.values())


def standing(orders: dict[str, Json]) -> dict[str, Json]:
    """Return the orders that are open."""
    return {name: order for name, order in orders.items() if order["status"] == "open"}


def compare(follower: Follower, ledger: dict[Position, Json], position: Position | None) -> int:
    """Compare what a follower holds with a ledger that has all; returns how often it was told of a loss."""
    assert follower.frames == follower.owed(ledger)
    assert position is not None
    assert follower.position is not None
    assert follower.position[0] == position[0]
    if not follower.losses:
        # Who was cut before all of what stands had come begins once more; nobody else does.
        assert all(span.epoch == position[0] for span in follower.spans)
        assert len(follower.frames) > 0
    return len(follower.losses)


# ------------------------------------------------------------------------------------------ each frame of it


@pytest.fixture
def source() -> ManualSource:
    """Two symbols at `test`, with an account."""
    return market()


@pytest.fixture
async def server(source: ManualSource) -> AsyncIterator[Running]:
    """A server over that market, whose rings hold four frames and whose open bars are told with each trade."""
    async with running([source], bars_interval_ms=0, ring_frames=4) as server:
        yield server


def brief(messages: list[Json]) -> list[tuple[Any, ...]]:
    """Return the type of each frame of bars, its minute and its position."""
    return [
        (message["type"].removeprefix("bars."), (payload["bar"]["time"] - START) // MINUTE, payload["seq"])
        if "bar" in (payload := message["payload"])
        else (message["type"].removeprefix("bars."), payload["seq"])
        for message in messages
    ]


def minutes_pass(source: ManualSource, first: int, last: int) -> None:
    """Trade once in each of these minutes, and close the last of them."""
    for minute in range(first, last + 1):
        source.trade(minute * MINUTE, trade_id=f"t{minute}", key="test:BTC/USDT")
    source.clock((last + 1) * MINUTE)


BARS_OF = ("test:BTC/USDT", "1")


async def test_bars_go_on_at_the_position_that_a_client_names(server: Running, source: ManualSource) -> None:
    """The ack repeats it, what was missed follows, then what is open, then what is live; spelt as this client does."""
    async with connected(server.bars, Judge()) as client:
        ack = await client.subscribe(*BARS_OF)
        assert (ack["seq"], "recovered" in ack) == (0, False)
        minutes_pass(source, 0, 2)
        await client.settle()
    source.trade(3 * MINUTE, key="test:BTC/USDT")
    async with connected(server.bars, Judge()) as client:
        again = await client.subscribe("test:BTC/USDT", "1m", resume={"epoch": ack["epoch"], "seq": 1}, snapshot=9)
        assert (again["recovered"], again["epoch"], again["seq"]) == (True, ack["epoch"], 1)
        missed = await client.settle()
        assert brief(missed) == [("update", 1, 2), ("update", 2, 3), ("update", 3, 3)]
        assert {message["payload"]["resolution"] for message in missed} == {"1m"}
        assert [message["payload"]["final"] for message in missed] == [True, True, False]
        source.clock(4 * MINUTE)
        assert brief(await client.settle()) == [("update", 3, 4)]


@pytest.mark.parametrize("reason", ["other_epoch", "unknown_position", "too_old"])
async def test_bars_that_can_not_go_on_are_reset(server: Running, source: ManualSource, reason: str) -> None:
    """Once, with the reason and where the stream stands; then the snapshot that was asked for, then what is open."""
    minutes_pass(source, 0, 5)
    source.trade(6 * MINUTE, key="test:BTC/USDT")
    async with connected(server.bars, Judge()) as client:
        epoch = (await client.subscribe(*BARS_OF))["epoch"]
    position = {
        "other_epoch": {"epoch": "another", "seq": 6},
        "unknown_position": {"epoch": epoch, "seq": 7},
        "too_old": {"epoch": epoch, "seq": 1},
    }[reason]
    async with connected(server.bars, Judge()) as client:
        ack = await client.subscribe(*BARS_OF, resume=position, snapshot=2)
        assert (ack["recovered"], ack["epoch"], ack["seq"]) == (False, epoch, 6)
        reset, snapshot, still_open = await client.settle()
        assert (reset["type"], reset["payload"]["reason"]) == ("bars.reset", reason)
        assert (reset["payload"]["epoch"], reset["payload"]["seq"]) == (epoch, 6)
        assert [(bar["time"] - START) // MINUTE for bar in snapshot["payload"]["bars"]] == [4, 5]
        assert (snapshot["payload"]["epoch"], snapshot["payload"]["seq"]) == (epoch, 6)
        assert brief([still_open]) == [("update", 6, 6)]


async def test_a_late_trade_corrects_the_closed_bars_that_hold_it(server: Running, source: ManualSource) -> None:
    """Each resolution for itself, with a revision; the longer one that is open is just updated; a bust does the same.

    Who comes back gets corrections as it gets finals.
    """
    first = -(START // MINUTE) % 3  # the first whole three minutes
    at = first * MINUTE
    async with connected(server.bars, Judge()) as client:
        acks = {each: await client.subscribe("test:BTC/USDT", each) for each in ("1", "3", "60")}
        minutes_pass(source, first, first + 2)
        await client.settle()
        source.trade(at + 500, "99", "5", key="test:BTC/USDT", trade_id="late")
        found = {message["payload"]["resolution"]: message for message in await client.settle()}
        assert [found[each]["type"] for each in ("1", "3", "60")] == ["bars.correction"] * 2 + ["bars.update"]
        for each, seq, volume in (("1", 4, 6), ("3", 2, 8)):
            payload = found[each]["payload"]
            assert (payload["revision"], payload["seq"], payload["prev"]) == (1, seq, seq - 1)
            assert (payload["bar"]["time"], payload["bar"]["high"], payload["bar"]["volume"]) == (
                START + at,
                99,
                volume,
            )
        assert found["60"]["payload"]["final"] is False
        source.trade(at + 500, "99", "5", key="test:BTC/USDT", trade_id="late")  # a double
        assert await client.settle() == []
        source.sink.bust("test:BTC/USDT", "late")
        again = {message["payload"]["resolution"]: message for message in await client.settle()}
        assert again["1"]["payload"]["revision"] == again["3"]["payload"]["revision"] == 2
        assert again["1"]["payload"]["bar"]["high"] == 10
    async with connected(server.bars, Judge()) as client:
        await client.subscribe("test:BTC/USDT", "1", resume={"epoch": acks["1"]["epoch"], "seq": 3})
        assert (await client.settle())[:2] == [found["1"], again["1"]]


async def test_updates_come_no_faster_than_a_client_wants_them() -> None:
    """`conflate_ms` thins out the open bar; what is final comes at once."""
    clock, source = VirtualClock(), market()
    async with running_at(clock, source, bars_interval_ms=0) as server, connected(server.bars, Judge()) as client:
        await client.subscribe(*BARS_OF, conflate_ms=5000)
        for number in range(50):
            source.trade(number, str(number + 1), key="test:BTC/USDT")
            await clock.advance(0.2)
        await clock.advance(5)
        closes = [message["payload"]["bar"]["close"] for message in await client.settle()]
        assert (closes[0], closes[-1], len(closes)) == (1, 50, 3)
        source.clock(MINUTE)
        assert [message["payload"]["final"] for message in await client.settle()] == [True]


V1_OPTIONS: dict[str, Any] = {"subprotocols": OURS}
TRADES = "/trades/test/BTC/USDT"


async def test_a_cache_socket_goes_on_at_the_position_in_its_address(server: Running, source: ManualSource) -> None:
    """`ready` comes first and repeats it; the very frames that others got follow; a gap has its bounds."""
    async with entered(server, TRADES, **V1_OPTIONS) as witness:
        ready = await witness.receive()
        assert (ready["type"], ready["seq"], ready["recovered"]) == ("ready", 0, False)
        assert ready["limits"]["ring_frames"] == 4
        for number in range(6):
            source.trade(number, key="test:BTC/USDT" if number % 2 else "test:ETH/USDT")
        trades = await witness.settle()
        assert [trade["seq"] for trade in trades] == [2, 4, 6]
    epoch = ready["epoch"]
    async with entered(server, f"{TRADES}?epoch={epoch}&seq=2", **V1_OPTIONS) as client:
        again, *missed = await client.settle()
        assert (again["seq"], again["recovered"], missed) == (2, True, trades[1:])
    async with entered(server, f"{TRADES}?epoch={epoch}&seq=1", **V1_OPTIONS) as client:
        again, gap, *rest = await client.settle()
        assert (again["seq"], again["recovered"]) == (2, False)
        assert gap == {"type": "gap", "epoch": epoch, "key": "BTC/USDT", "from_seq": 2, "to_seq": 2}
        assert rest == trades[1:]
    async with entered(server, "/trades/test?epoch=another&seq=5", **V1_OPTIONS) as client:
        again, gap, *rest = await client.settle()
        assert gap == {"type": "gap", "epoch": epoch, "key": None, "from_seq": 0, "to_seq": 2}
        assert again["seq"] == 2
        assert [trade["seq"] for trade in rest] == [3, 4, 5, 6]
    async with entered(server, f"{TRADES}?replay=1", **V1_OPTIONS) as client:
        again, last = await client.settle()
        assert (again["recovered"], last) == (False, trades[2])
        assert trades[2]["prev"] <= again["seq"] < trades[2]["seq"]


async def test_a_plain_client_gets_neither_ready_nor_gap(server: Running, source: ManualSource) -> None:
    """Whatever it asks for: frames of the stream alone, and the first one's `prev` shows what is missing."""
    for number in range(6):
        source.trade(number, key="test:BTC/USDT")
    async with entered(server, TRADES, **V1_OPTIONS) as client:
        epoch = (await client.receive())["epoch"]
    for query, seqs in (
        ("", []),
        (f"?epoch={epoch}&seq=1", [3, 4, 5, 6]),
        ("?epoch=another&seq=1", [3, 4, 5, 6]),
        ("?replay=1", [6]),
    ):
        async with entered(server, TRADES + query) as client:
            assert [(each["type"], each["seq"]) for each in await client.settle()] == [("trade", seq) for seq in seqs]


@pytest.mark.parametrize(
    "address", [TRADES, "/trades/test", "/orders/test", "/orders/test/BTC/USDT", "/balances/1", "/balances/1/BTC"]
)
@pytest.mark.parametrize("query", ["epoch=e", "seq=1", "epoch=e&seq=-1", "epoch=e&seq=x"])
async def test_half_a_position_is_refused(server: Running, address: str, query: str) -> None:
    """With 422; a client that offers our subprotocol is closed with 4504."""
    path = f"/api/v1/cache/ws{address}"
    token = ("Authorization", f"Bearer {token_for(server)}")
    outcome = await shake(server.port, token, path=path, query=f"?{query}")
    assert outcome.body is not None
    assert (outcome.status, outcome.body["code"]) == (422, "invalid_parameter")
    assert (await shake(server.port, token, V1, path=path, query=f"?{query}")).close == 4504


async def test_orders_and_balances_after_a_gap_are_what_stands(server: Running, source: ManualSource) -> None:
    """At the position of `ready`; who was there up to now gets nothing twice."""
    for number in range(6):
        source.order(f"o{number}", key="test:BTC/USDT", at=number)
        source.balance("BTC", str(number + 1))
    source.order("o0", key="test:BTC/USDT", status="canceled")
    for address, count in (("/orders/test", 5), ("/balances/1", 1)):
        async with entered(server, address, **V1_OPTIONS) as client:
            ready, *state = await client.settle()
            assert len(state) == count
        for seq, recovered in ((ready["seq"], True), (0, False)):
            async with entered(server, f"{address}?epoch={ready['epoch']}&seq={seq}", **V1_OPTIONS) as client:
                again, *rest = await client.settle()
            assert (again["seq"], again["recovered"]) == (ready["seq"], recovered)
            if recovered:
                assert rest == []
            else:
                assert (rest[0]["type"], rest[0]["from_seq"], rest[0]["to_seq"]) == ("gap", 1, ready["seq"])
                assert rest[1:] == state


async def test_after_a_restart_a_client_is_told_that_what_it_held_is_void() -> None:
    """Closed with 4006; the old position gets a reset or a gap of the new epoch."""
    clock, source = VirtualClock(), market()
    async with running_at(clock, source, bars_interval_ms=0) as server:
        async with connected(server.bars, Judge()) as bars, entered(server, TRADES, **V1_OPTIONS) as trades:
            ack, ready = await bars.subscribe(*BARS_OF), await trades.receive()
            minutes_pass(source, 0, 1)
            await trades.settle()
            source.fail()
            await clock.advance(2)
            assert (await bars.closed(), await trades.closed()) == (4006, 4006)
        async with connected(server.bars, Judge()) as client:
            again = await client.subscribe(*BARS_OF, resume={"epoch": ack["epoch"], "seq": 2})
            (reset,) = await client.settle()
            assert (again["recovered"], again["seq"], reset["payload"]["reason"]) == (False, 0, "other_epoch")
        async with entered(server, f"{TRADES}?epoch={ready['epoch']}&seq=2", **V1_OPTIONS) as client:
            again, gap = await client.settle()
            assert again["epoch"] != ready["epoch"]
            assert (gap["epoch"], gap["from_seq"], gap["to_seq"]) == (again["epoch"], 0, 0)
