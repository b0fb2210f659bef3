"""Slow readers: clients that take any number of bytes at any moment still get whole frames, their own, in order.

Real sockets with tiny receive buffers, at the real gateway, while the source publishes as fast as it can.
"""

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop

from market.events import Account
from tests.conformance.frames import Close, Message, Ping, Pong, Reader
from tests.support.flat import (
    BTC,
    CACHE,
    ETH,
    OTHERS,
    OWN,
    client_frame,
    handshake,
    market,
    shrink_send_buffers,
    token_for,
)
from tests.support.server import Running, running, until
from tests.support.source import ManualSource

TURNS = 500
PRICE = 10
"""What each symbol's first trade costs; each later one costs 1 more, so that a price tells the trade's number."""
SPEEDS = ((1.0, 65_536), (0.5, 8192), (0.15, 3000), (0.02, 300), (0.0, 1))
"""How often a client reads in a turn, and how many bytes at most."""
BARS = ("1", "1m", "60", "1h")
"""Two resolutions, each in two spellings: who asks for one spelling never sees the other."""


class Slow:
    """One client: holds every frame against what it may get next."""

    def __init__(self, owner: int, kind: str, symbols: tuple[str, ...], speed: tuple[float, int]) -> None:
        """Be the client of this number, which reads so often and so much."""
        self.owner = owner
        self.kind = kind
        self.symbols = symbols
        self.often, self.most = speed
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.reader = Reader()
        self.head = b""
        self.acks = 0
        self.asked = self.pongs = self.ponged = 0
        self.next: Counter[str] = Counter()
        self.skipped = 0
        """Latest frames that were left out."""
        self.at: dict[tuple[str, str], tuple[int, int]] = {}
        """Of a subscription to bars: the last bar's time and close."""
        self.finals: Counter[tuple[str, str]] = Counter()
        self.closed_at: dict[tuple[str, str], int] = {}
        self.code: int | None = None
        self.ended = False

    async def come(self, server: Running, token: str, path: str) -> None:
        """Shake hands."""
        self.sock.connect(("127.0.0.1", server.port))
        self.sock.setblocking(False)
        self.sock.send(handshake(path, token))
        async with asyncio.timeout(20):
            while not self.head.endswith(b"\r\n\r\n"):
                await asyncio.sleep(0)
                try:
                    self.head += self.sock.recv(1)
                except BlockingIOError:
                    continue
        assert self.head.startswith(b"HTTP/1.1 101 ")

    def say(self, message: dict[str, Any]) -> None:
        """Send a message, where the server still takes one."""
        if not self.ended and self.code is None:
            with suppress(OSError):
                self.sock.send(client_frame(1, json.dumps(message).encode()))

    def ping(self) -> None:
        """Ask for two frames that are nobody else's: an answer, and a pong, of which the last one alone is sure."""
        if not self.ended and self.code is None:
            with suppress(OSError):
                self.sock.send(client_frame(9, struct.pack("!II", self.owner, self.asked)))
        tag = {"id": f"{self.owner}#{self.asked}"}
        self.say({"type": "ping", "payload": tag} if self.kind == "bars" else {"type": "ping", **tag})
        self.asked += 1

    def read(self, size: int) -> bool:
        """Take so many bytes at most; say whether there were any."""
        if self.ended:
            return False
        try:
            data = self.sock.recv(size)
        except BlockingIOError:
            return False
        if not data:
            self.ended = True
            assert self.reader.rest == 0, "the connection ended within a frame"
            return False
        self.reader.feed(data)
        for event in self.reader.events():
            match event:
                case Message(payload, True):
                    self.take(json.loads(payload))
                case Close(code):
                    self.code = code
                case Pong(payload):
                    owner, number = struct.unpack("!II", payload)
                    assert owner == self.owner, "a pong for somebody else"
                    assert number >= self.ponged, "a pong out of order"
                    self.ponged = number + 1
                case _:
                    assert isinstance(event, Ping), event
        return True

    def take(self, message: dict[str, Any]) -> None:
        """Hold a message against what may come."""
        tag, payload = message["type"], message.get("payload", message)
        if tag == "pong":
            assert payload["id"] == f"{self.owner}#{self.pongs}", "an answer to somebody else, or out of order"
            self.pongs += 1
        elif tag == "bars.ack":
            assert payload["status"] == "ok"
            self.acks += 1
        elif tag == "bars.update":
            assert self.kind == "bars"
            self.take_bar(payload)
        else:
            assert tag == self.kind, f"{tag} at a socket for {self.kind}"
            if tag == "balances":
                assert message["BTC"]["total"] == self.next["BTC"] + 1
                self.next["BTC"] += 1
                return
            symbol = message["symbol"]
            assert symbol in self.symbols, "a foreign symbol"
            if tag == "ticker":
                number = message["price"] - PRICE
                assert number >= self.next[symbol], "an older ticker after a newer one"
                self.skipped += number - self.next[symbol]
                self.next[symbol] = number + 1
                return
            named = message["trade_id"] if tag == "trade" else message["order_id"]
            due = f"{symbol}#{self.next[symbol]}" if tag == "trade" else f"{self.symbols[-1]}#{self.next[symbol]}"
            assert named == due, f"{named} came, {due} was due"
            self.next[symbol] += 1

    def take_bar(self, update: dict[str, Any]) -> None:
        """Hold a bar against the last one of its subscription."""
        stream = (update["symbol"], update["resolution"])
        assert stream[0] == self.symbols[0], "a foreign symbol"
        assert stream[1] in self.symbols[1:], "a spelling that was not asked for"
        bar = update["bar"]
        now = (bar["time"], bar["close"])
        last = self.at.get(stream, (0, 0))
        assert bar["time"] > self.closed_at.get(stream, 0), "a bar that is closed"
        if update["final"]:
            assert now >= last, "an older bar after a newer one"
            assert (update["prev"], update["seq"]) == (self.finals[stream], self.finals[stream] + 1), "a hole"
            self.finals[stream] += 1
            self.closed_at[stream] = bar["time"]
        else:
            assert now > last, "an older bar after a newer one"
            self.skipped += max(0, now[1] - last[1] - 1)
        self.at[stream] = now

    @property
    def is_done(self) -> bool:
        """Whether the connection is over, or all that was asked for is answered: everything before that has come."""
        return self.ended or self.code is not None or self.asked == self.pongs == self.ponged


@dataclass
class Told:
    """What the source told: of each symbol so many trades, of each account so many orders and balances."""

    trades: Counter[str]
    orders: int = 0
    finals: int = 0


def tell(source: ManualSource, told: Told, count: int) -> None:
    """Let so many more things happen to everybody."""
    for _ in range(count):
        for key in (BTC, ETH):
            number = told.trades[key]
            name = key.partition(":")[2]
            source.trade(number * 7000, str(PRICE + number), key=key, trade_id=f"{name}#{number}", side="buy")
            told.trades[key] += 1
        for account in (OWN, OTHERS):
            source.order(f"user {account.user_id}#{told.orders}", account=account, key=BTC, at=told.orders)
        source.balance("BTC", str(told.orders + 1), account=OWN, at=told.orders)
        told.orders += 1


def crowd() -> list[tuple[str, str, Account, tuple[str, ...]]]:
    """Return of each client the kind, the path, whose token it has, and what it may hear of."""
    kinds: list[tuple[str, str, Account, tuple[str, ...]]] = []
    for account in (OWN, OTHERS):
        kinds.append(("order", f"{CACHE}/orders/test", account, ("BTC/USDT", f"user {account.user_id}")))
    kinds.append(("balances", f"{CACHE}/balances/1/BTC", OWN, ("BTC",)))
    for what, kind in (("trades", "trade"), ("tickers", "ticker")):
        kinds.append((kind, f"{CACHE}/{what}/test", OWN, ("BTC/USDT", "ETH/USDT")))
        for key in (BTC, ETH):
            name = key.partition(":")[2]
            kinds.append((kind, f"{CACHE}/{what}/test/{name}", OTHERS, (name,)))
    for key in (BTC, ETH):
        for spellings in (BARS[::2], BARS[1::2]):
            kinds.append(("bars", "/api/v1/ws", OWN, (key, *spellings)))
    return kinds


async def everybody_reads_as_it_likes(seed: int, close_after: Callable[[Running], None]) -> tuple[Counter[Any], int]:
    """Return how many clients of a kind ended with which code, and how many latest frames were left out."""
    chance = random.Random(seed)
    source = market()
    async with running(
        [source], bars_interval_ms=0, outbox_bytes=24 * 1024, frames_per_second=1e6, frames_burst=1_000_000
    ) as server:
        close_after(server)
        shrink_send_buffers(server, 4096)
        await until(lambda: source.runs == 1)
        told, clients = Told(Counter()), list[Slow]()
        for kind, path, account, symbols in crowd():
            token = token_for(server, user_id=account.user_id, accounts=[1, 2])
            for speed in SPEEDS:
                client = Slow(len(clients), kind, symbols, speed)
                clients.append(client)
                await client.come(server, token, path)
                for resolution in symbols[1:] if kind == "bars" else ():
                    payload = {"symbol": symbols[0], "resolution": resolution}
                    client.say({"type": "bars.subscribe", "payload": payload})
        await until(lambda: all(client.read(4096) or client.acks == 2 for client in clients if client.kind == "bars"))
        for _ in range(TURNS):
            tell(source, told, chance.choice((0, 0, 1, 1, 2, 10)))
            for client in clients:
                if chance.random() < 0.01:
                    client.ping()
                if chance.random() < client.often:
                    client.read(chance.randint(1, client.most))
            await asyncio.sleep(0)
        for client in clients:
            client.ping()
        async with asyncio.timeout(30):
            while not all(client.is_done for client in clients):
                for client in clients:
                    client.read(65_536)
                await asyncio.sleep(0)
        for client in clients:
            assert client.code in (None, 4002), (client.kind, client.code)
            if client.code is None:
                assert client.ponged == client.asked, (client.kind, client.often)
                see_the_end(client, told)
            client.sock.close()
        ends = Counter((client.kind, client.often, client.code) for client in clients)
        return ends, sum(client.skipped for client in clients)


def see_the_end(client: Slow, told: Told) -> None:
    """See that who was not closed has everything that is lossless, and the last of what is not."""
    match client.kind:
        case "trade" | "ticker":
            for symbol in client.symbols:
                assert client.next[symbol] == told.trades[f"test:{symbol}"], (client.kind, symbol)
        case "order":
            assert client.next["BTC/USDT"] == told.orders
        case "balances":
            assert client.next["BTC"] == told.orders
        case _:
            assert len(client.at) == 2
            count = told.trades[client.symbols[0]]
            for (_, resolution), (_, close) in client.at.items():
                assert close == PRICE + count - 1
                length = 60_000 if resolution in BARS[:2] else 3_600_000
                start = 1_700_000_040_000
                finals = (start + (count - 1) * 7000) // length - start // length
                assert client.finals[client.symbols[0], resolution] == finals


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.mark.judge_one_in(50)
@pytest.mark.parametrize("loop", LOOPS)
def test_whoever_reads_as_it_likes_gets_whole_frames_in_order(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On both loops: lossless streams whole, or 4002; of the others never an older frame after a newer, and the last.

    No answer, order or spelling of somebody else's.
    """
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        ends, skipped = runner.run(everybody_reads_as_it_likes(5, lambda server: server.close_after(monkeypatch, 60)))
    # It was what it should be: who reads well loses nothing, who never does is ended or misses what may be missed.
    assert all(code is None for _, often, code in ends if often == 1.0)
    for kind in ("trade", "order", "balances"):
        assert ends[kind, 0.0, 4002], ends
    assert skipped > 100
