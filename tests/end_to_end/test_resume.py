"""Resuming over real sockets: each frame of it, and clients that are cut a hundred times in twenty virtual minutes."""

import asyncio
import json
import random
import socket
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.sources.sim import SimOptions, SimSource
from gateway.sources.source import Source
from market.events import Account, Balance, Bar, MarketSink, Order, Trade
from market.resolution import Resolution
from market.symbols import Symbol
from tests.support.client import TIMEOUT_S
from tests.support.clock import VirtualClock
from tests.support.flat import running_at, token_for
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
from tests.support.server import Running

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
        self.socket = await self.open(self.server.bars, BARS)
        for follower in self.followers:
            await self.socket.send(json.dumps({"type": "bars.subscribe", "payload": follower.request()}))

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
