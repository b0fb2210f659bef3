"""Hostile: whatever a client does to the gateway gets its declared answer, and a healthy neighbour misses nothing."""

import asyncio
import gc
import json
import logging
import os
import struct
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from generated.errors import CloseCode
from streaming.audience import Audience
from streaming.session import Session
from tests.support.flat import BTC, CACHE, RawSocket, client_frame, handshake, market, token_for
from tests.support.handshake import V1
from tests.support.server import Running, running, until
from tests.support.source import ManualSource

BARS = "/api/v1/ws"
TRADES = f"{CACHE}/trades/test"
MiB = 1024 * 1024


class Neighbour:
    """A client that does nothing wrong: it counts the trades that the source tells without a pause."""

    def __init__(self, source: ManualSource, client: RawSocket) -> None:
        """Tell and count from now on."""
        self._source = source
        self._client = client
        self._told = 0
        self._is_over = False
        self.came = 0

    async def tell(self) -> None:
        """Tell a trade every few turns of a busy loop."""
        while not self._is_over:
            self._trade()
            await asyncio.sleep(0.002)

    def _trade(self) -> None:
        self._source.trade(self._told, key=BTC, trade_id=f"neighbour {self._told}", side="buy")
        self._told += 1

    async def count(self) -> None:
        """Read to the last trade; each has to be the one after the one before."""
        while not self._is_over or self.came < self._told:
            opcode, payload = await self._client.frame()
            if opcode == 9:
                self._client.writer.write(client_frame(10, payload))
                continue
            assert opcode == 1, (opcode, payload)
            trade = json.loads(payload)
            assert trade["trade_id"] == f"neighbour {self.came}"
            assert (trade["seq"], trade["prev"]) == (self.came + 1, self.came)
            self.came += 1

    def over(self) -> None:
        """Tell the last trade."""
        self._is_over = True
        self._trade()


@asynccontextmanager
async def beside_a_neighbour(server: Running, source: ManualSource) -> AsyncIterator[Neighbour]:
    """While the block runs, a neighbour reads its stream; it must get every trade, and some within the block."""
    client = await RawSocket.open(server.port, TRADES, token_for(server, sub="neighbour"))
    assert client.status == 101
    neighbour = Neighbour(source, client)
    counting = asyncio.create_task(neighbour.count())
    telling = asyncio.create_task(neighbour.tell())
    try:
        await until(lambda: neighbour.came > 0 or counting.done())
        before = neighbour.came
        yield neighbour
        await until(lambda: neighbour.came > before or counting.done())
        neighbour.over()
        await telling
        async with asyncio.timeout(20):
            await counting
    finally:
        for task in (telling, counting):
            task.cancel()
        await asyncio.gather(telling, counting, return_exceptions=True)
        client.drop()


def state(server: Running) -> dict[str, int]:
    """Return how much there is of everything that a client could leave behind."""
    gc.collect()
    things = gc.get_objects()
    board = server.gateway.switchboard
    return {
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "topics": len(server.gateway.hub),
        "sessions": len(server.gateway.server.sessions),
        "connections": len(server.uvicorn.server_state.connections),
        "places": server.gateway.admission.taken,
        "holders": len(server.gateway.admission),
        "timers": len(board.wheel),
        "lines": len(board.lines),
        "accepted": board.connections,
        "open": sum(server.gateway.server.tally.open.values()),
        "session objects": sum(isinstance(thing, Session) for thing in things),
        "audience objects": sum(isinstance(thing, Audience) for thing in things),
    }


async def settled(server: Running, before: dict[str, int]) -> None:
    """Wait until everything is as it was: descriptors and tasks go a few turns after their session."""
    for _ in range(200):
        if not len(server.gateway.server.sessions) and state(server) == before:
            return
        await asyncio.sleep(0.05)
    assert state(server) == before


async def come(server: Running, path: str = BARS, *headers: tuple[str, str], token: str | None = None) -> RawSocket:
    """Connect and be let in, by a token of one user or by this one."""
    client = await RawSocket.open(server.port, path, token or token_for(server, sub="hostile"), *headers)
    assert client.status == 101
    return client


async def to_the_end(client: RawSocket) -> tuple[list[dict[str, Any]], int]:
    """Return the messages up to the close frame, and its code, which has to have the document's text."""
    messages: list[dict[str, Any]] = []
    while True:
        opcode, payload = await client.frame()
        if opcode == 1:
            messages.append(json.loads(payload))
        elif opcode == 8:
            code = CloseCode(struct.unpack("!H", payload[:2])[0])
            assert payload[2:].decode() == code.text
            client.drop()
            return messages, int(code)


def subscribe(number: int, resolution: str = "1", symbol: str = BTC, *, un: bool = False) -> bytes:
    """Return the frame that asks for (or no longer for) a stream."""
    payload = {"symbol": symbol, "resolution": resolution, "id": number}
    tag = "bars.unsubscribe" if un else "bars.subscribe"
    return client_frame(1, json.dumps({"type": tag, "payload": payload}).encode())


async def test_ten_thousand_subscribes_a_second_are_refused_and_then_ended() -> None:
    """The burst is served, the rest is `rate_limited` with its id and when to come again; then 4005, and it's gone."""
    source = market()
    async with running([source]) as server, beside_a_neighbour(server, source):
        topics = len(server.gateway.hub)
        client = await come(server)

        async def flood() -> None:
            for first in range(0, 10_000, 100):
                if client.writer.is_closing():
                    return
                client.writer.write(b"".join(subscribe(first + at) for at in range(100)))
                await asyncio.sleep(0.01)

        flooding = asyncio.create_task(flood())
        messages, code = await to_the_end(client)
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        assert code == 4005
        acks = [message["payload"]["id"] for message in messages if message["type"] == "bars.ack"]
        assert acks[:100] == list(range(100))
        assert 100 <= len(acks) < 200  # the burst, and what half a second may add
        errors = [message["payload"] for message in messages if message["type"] == "error"]
        assert {error["code"] for error in errors} == {"rate_limited"}
        assert all(1 <= error["retry_after_ms"] <= 20 for error in errors)
        assert sorted(acks + [error["id"] for error in errors]) == list(range(len(acks) + len(errors)))
        await until(lambda: len(server.gateway.server.sessions) == 1)
        assert len(server.gateway.hub) == topics


async def test_flapping_within_the_limits_leaves_no_topic() -> None:
    """Subscribing and unsubscribing without end, each answered; nothing comes between; all is as at the start."""
    source = market()
    spellings = [
        (symbol, resolution) for symbol in (BTC, "test:ETH/USDT") for resolution in ("1", "1m", "1D", "D", "4h")
    ]
    limits: dict[str, Any] = {"frames_per_second": 1e6, "frames_burst": 10_000, "bars_interval_ms": 0}
    async with running([source], **limits) as server, beside_a_neighbour(server, source):
        before = state(server)

        async def flap(number: int) -> None:
            client = await come(server, token=token_for(server, sub=f"flapper {number}"))
            subscribed: set[tuple[str, str]] = set()
            answered = 0
            for round_ in range(40):
                for at, (symbol, resolution) in enumerate(spellings):
                    client.writer.write(subscribe(at, resolution, symbol))
                if round_ % 4:  # every fourth time it leaves them as they are, and asks again
                    for at, (symbol, resolution) in enumerate(spellings):
                        client.writer.write(subscribe(at, resolution, symbol, un=True))
                due = len(spellings) * (2 if round_ % 4 else 1)
                while due:
                    opcode, payload = await client.frame()
                    assert opcode == 1
                    message = json.loads(payload)
                    about = (message["payload"]["symbol"], message["payload"]["resolution"])
                    if message["type"] == "bars.update":
                        assert about in subscribed, "an update between two subscriptions"
                        continue
                    assert message["payload"]["status"] == "ok"
                    (subscribed.add if message["type"] == "bars.ack" else subscribed.discard)(about)
                    due -= 1
                    answered += 1
            assert answered == len(spellings) * 70
            client.reset()

        await asyncio.gather(*(flap(number) for number in range(10)))
        await until(lambda: len(server.gateway.server.sessions) == 1)
        for _ in range(100):
            if state(server) == before:
                break
            await asyncio.sleep(0.02)
        assert state(server) == before


async def test_a_thousand_connections_of_one_user_cost_its_neighbour_nothing() -> None:
    """Ten are in; the others get 429 with when to come again, or 4007 where they offer our subprotocol."""
    source = market()
    async with running([source], max_connections_per_user=10) as server, beside_a_neighbour(server, source):
        seen: Counter[int] = Counter()
        let_in: list[RawSocket] = []

        async def storm(number: int) -> None:
            for at in range(50):
                offers = [V1] if (number + at) % 2 else []
                client = await RawSocket.open(server.port, TRADES, token_for(server, sub="stormy"), *offers)
                if client.status == 429:
                    assert b"too_many_connections" in await client.body()
                    assert "\r\nretry-after: " in client.head.lower()
                    seen[429] += 1
                    client.drop()
                    continue
                assert client.status == 101
                if not offers:
                    seen[101] += 1
                    let_in.append(client)
                    continue
                opcode, payload = await client.frame()
                if opcode == 8:
                    assert struct.unpack("!H", payload[:2])[0] == 4007
                    seen[4007] += 1
                    client.writer.write(client_frame(8, payload[:2]))
                    client.drop()
                else:
                    assert json.loads(payload)["type"] == "ready"
                    seen[101] += 1
                    let_in.append(client)

        await asyncio.gather(*(storm(number) for number in range(20)))
        assert seen[101] == 10
        assert seen[429] + seen[4007] == 990
        assert min(seen[429], seen[4007]) >= 490
        assert server.gateway.admission.taken == 11
        for client in let_in:
            client.drop()
        await until(lambda: server.gateway.admission.taken == 1)


# ---------------------------------------------------------------------------------------------------------- frames


def declared(size: int, opcode: int = 1, *, fin: bool = True) -> bytes:
    """Return the header of a client's frame of so many bytes."""
    return bytes([(0x80 if fin else 0) | opcode, 0xFF]) + struct.pack("!Q", size) + bytes(4)


def part(payload: bytes, opcode: int = 0) -> bytes:
    """Return a fragment that is not the last."""
    return bytes([opcode]) + client_frame(opcode, payload)[1:]


TOO_LARGE = {
    "16 MiB in one frame": declared(16 * MiB) + b"x" * 1000,
    "16 MiB in the first fragment": declared(16 * MiB, fin=False) + b"x" * 1000,
    "16 MiB in a later fragment": part(b"x" * 100, 1) + declared(16 * MiB, 0) + b"x" * 1000,
    "the largest that a header can say": declared(2**63 - 1) + b"x" * 1000,
    "a binary one": declared(16 * MiB, 2) + b"x" * 1000,
}


@pytest.mark.parametrize("path", [BARS, TRADES])
async def test_a_declared_size_is_enough_for_1009(path: str) -> None:
    """As soon as the header is there: nobody waits for sixteen mebibytes, or holds them."""
    source = market()
    async with running([source]) as server, beside_a_neighbour(server, source):
        for sent in TOO_LARGE.values():
            clients = [await come(server, path) for _ in range(5)]
            for client in clients:
                client.writer.write(sent)
            for client in clients:
                _, code = await to_the_end(client)
                assert code == 1009
        await until(lambda: len(server.gateway.server.sessions) == 1)


@pytest.mark.parametrize("size", [1, 100, 5000])
@pytest.mark.parametrize("path", [BARS, TRADES])
async def test_endless_fragments_end_with_1009(path: str, size: int) -> None:
    """A message that never ends is closed as soon as it is too large, however small its fragments are."""
    source = market()
    async with running([source]) as server, beside_a_neighbour(server, source):
        enough = await come(server, path)
        enough.writer.write(part(b"x" * size, 1) + part(b"x" * size) * (16_384 // size))
        assert (await to_the_end(enough))[1] == 1009
        client = await come(server, path)
        client.writer.write(part(b"x" * size, 1))
        more = part(b"x" * size) * max(1, 10_000 // size)

        async def send() -> None:
            while not client.writer.is_closing():
                client.writer.write(more)
                await asyncio.sleep(0)

        sending = asyncio.create_task(send())
        _, code = await to_the_end(client)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert code == 1009
        await until(lambda: len(server.gateway.server.sessions) == 1)


async def test_fragments_without_a_byte_end_with_1009_too() -> None:
    """They never make a message too large, so their number is bounded."""
    source = market()
    async with running([source]) as server, beside_a_neighbour(server, source):
        client = await come(server)
        if server.carriers()[0].form == "stock":
            client.drop()
            pytest.skip("uvicorn's class does not count fragments: only the direct transport promises it")
        client.writer.write(part(b"", 1) + part(b"") * 100_000)
        _, code = await to_the_end(client)
        assert code == 1009


@pytest.mark.parametrize("opcode", [9, 10], ids=["pings", "pongs"])
async def test_a_flood_of_control_frames_costs_nobody_anything(opcode: int) -> None:
    """Pings are answered, the last one for sure, pongs are not; the client itself is served after them."""
    source = market()
    async with running([source]) as server, beside_a_neighbour(server, source):
        client = await come(server)
        flood = 50_000
        received: list[bytes] = []
        last = f"{flood - 1:08d}".encode()

        async def send() -> None:
            for first in range(0, flood, 500):
                client.writer.write(b"".join(client_frame(opcode, b"%08d" % at) for at in range(first, first + 500)))
                await client.writer.drain()
            client.send({"type": "ping", "payload": {"id": "after the flood"}})

        sending = asyncio.create_task(send())
        while True:
            answer, payload = await client.frame()
            if answer == 10:
                received.append(payload)
            else:
                assert answer == 1
                assert json.loads(payload)["payload"]["id"] == "after the flood"
                break
        await sending
        assert received == sorted(received)
        assert (received[-1:] == [last]) if opcode == 9 else not received
        client.drop()


# ------------------------------------------------------------------------------------------------ come and go

Visit = Callable[[Running, str, int], Coroutine[Any, Any, None]]
"""Of a server, with a token, for the time of this number."""


async def subscribed(server: Running, token: str) -> RawSocket:
    """Be on the bars socket with five subscriptions."""
    client = await come(server, token=token)
    client.writer.write(
        b"".join(subscribe(at, resolution) for at, resolution in enumerate(("1", "5", "60", "1D", "D")))
    )
    acks = 0
    while acks < 5:
        opcode, payload = await client.frame()
        acks += opcode == 1 and json.loads(payload)["type"] == "bars.ack"
    return client


async def idle(server: Running, token: str, number: int) -> None:
    """Say nothing and leave without a word."""
    (await come(server, TRADES, token=token)).drop()


async def subscribes_and_closes(server: Running, token: str, number: int) -> None:
    """Close as one should."""
    client = await subscribed(server, token)
    client.writer.write(client_frame(8, struct.pack("!H", 1000)))
    while await client.reader.read(65_536):
        pass
    client.drop()


async def subscribes_and_drops(server: Running, token: str, number: int) -> None:
    """Leave without a word."""
    (await subscribed(server, token)).drop()


async def leaves_amid_a_frame(server: Running, token: str, number: int) -> None:
    """Leave within a header or a payload."""
    client = await subscribed(server, token)
    client.writer.write(client_frame(1, b"x" * 5000)[: (1, 3, 3000)[number % 3]])
    client.drop()


async def leaves_amid_the_handshake(server: Running, token: str, number: int) -> None:
    """Leave within the request, or right after it."""
    request = handshake(TRADES, token)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request[: (0, 60, len(request) - 1, len(request))[number % 4]])
    if number % 2:
        RawSocket(reader, writer, TRADES).reset()
    else:
        writer.close()


async def resets(server: Running, token: str, number: int) -> None:
    """Break off with a TCP reset, with frames under way."""
    client = await subscribed(server, token) if number % 2 else await come(server, TRADES, token=token)
    client.reset()


async def is_half_open(server: Running, token: str, number: int) -> None:
    """Shut the own half, and wait for the server to end it."""
    client = await subscribed(server, token)
    client.writer.write_eof()
    while await client.reader.read(65_536):
        pass
    client.drop()


VISITS: list[Visit] = [
    idle,
    subscribes_and_closes,
    subscribes_and_drops,
    leaves_amid_a_frame,
    leaves_amid_the_handshake,
    resets,
    is_half_open,
]


async def test_ten_thousand_come_and_go_and_all_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every state: descriptors, tasks, topics, sessions, places, deadlines, and memory as at the start.

    No deadline passes meanwhile: what is left of one would be seen. The last two thousand come beside a neighbour.
    """
    # What the tests keep of each connection would be counted: who judges its frames, and what is logged.
    monkeypatch.undo()
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.NullHandler()])
    source = market()
    async with running([source], ping_s=600, pong_s=600, handshake_s=600) as server:
        server.gateway.switchboard.close_timeout = 600
        tokens = [token_for(server, sub=f"visitor {number}") for number in range(250)]
        before = state(server)

        async def come_and_go(numbers: range, each: Callable[[], None] = lambda: None) -> None:
            for first in range(numbers.start, numbers.stop, 250):
                async with asyncio.TaskGroup() as group:
                    for number in range(first, first + 250):
                        group.create_task(VISITS[number % len(VISITS)](server, tokens[number % 250], number))
                each()

        await come_and_go(range(2000))  # until here caches fill
        await settled(server, before)
        blocks = sys.getallocatedblocks()
        await come_and_go(range(2000, 8000))
        await settled(server, before)
        grown = sys.getallocatedblocks() - blocks
        assert grown < 1500, f"{grown} of the interpreter's blocks, {grown / 6000:.2f} for each connection"
        async with beside_a_neighbour(server, source) as neighbour:
            counts = [neighbour.came]
            await come_and_go(range(8000, 10_000), lambda: counts.append(neighbour.came))
            assert counts == sorted(set(counts)), "the neighbour was told nothing meanwhile"
        await settled(server, before)


async def test_connections_whose_client_is_gone_without_a_word_are_ended() -> None:
    """Two hundred that answer no ping: 4004, and all is as before; a neighbour that answers stays."""
    source = market()
    async with running([source], ping_s=0.5, pong_s=1) as server:
        before = state(server)
        async with beside_a_neighbour(server, source):
            clients = await asyncio.gather(
                *(subscribed(server, token_for(server, sub=f"visitor {number}")) for number in range(200))
            )
            for _, code in await asyncio.gather(*(to_the_end(client) for client in clients)):
                assert code == 4004
        await settled(server, before)
