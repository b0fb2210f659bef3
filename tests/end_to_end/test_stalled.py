"""Stalled: clients that don't read, or hardly, cost nobody a frame, and are told that they were too slow."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.app import AGE_CHECK_S
from gateway.transport import sockets
from gateway.transport.direct import DirectProtocol
from streaming.session import Session
from tests.support.crowd import GroupReport, Order, Report, crowd_of
from tests.support.flat import BTC, CACHE, ETH, RawSocket, handshake, market, shrink_send_buffers, token_for
from tests.support.handshake import V1
from tests.support.server import Running, running, until
from tests.support.source import ManualSource

TRADES = f"{CACHE}/trades/test"
GROUPS = {"wide": (BTC, ETH), "BTC/USDT": (BTC,), "ETH/USDT": (ETH,)}
SLACK_S = 2.0
"""What a busy machine may add to a deadline."""


def order_for(server: Running, readers: int, stalled: int, receive_buffer: int = 4096) -> Order:
    """Order so many clients of the wide and the two narrow forms, each a third; those that never read are wide."""
    token = token_for(server)
    paths = {name: TRADES if name == "wide" else f"{TRADES}/{name}" for name in GROUPS}
    third = readers // 3
    return Order(
        port=server.port,
        groups={
            name: (
                handshake(path, token, V1).decode(),
                readers - 2 * third if name == "wide" else third,
                stalled if name == "wide" else 0,
            )
            for name, path in paths.items()
        },
        receive_buffer=receive_buffer,
    )


class Publisher:
    """Publishes trades of two symbols by turns; the id of each is when it was."""

    def __init__(self, source: ManualSource) -> None:
        """Start with none."""
        self._source = source
        self.count = 0

    def trade(self, times: int = 1) -> None:
        """Publish so many."""
        for _ in range(times):
            key = (BTC, ETH)[self.count % 2]
            self._source.trade(self.count, key=key, trade_id=str(time.monotonic_ns()), side="buy")
            self.count += 1


class Watch:
    """Sees since when each stalled connection has bytes under way of which the client took none, and when it ends."""

    def __init__(self, server: Running, ports: list[int]) -> None:
        """Watch the clients at these ports."""
        addresses = {f"127.0.0.1:{port}" for port in ports}
        self._sessions = [session for session in server.gateway.server.sessions if session.address in addresses]
        assert len(self._sessions) == len(ports)
        carriers = {
            f"{carrier.client[0]}:{carrier.client[1]}": carrier for carrier in server.carriers() if carrier.client
        }
        self._carriers = [carriers[session.address] for session in self._sessions]
        self._acked: dict[Session, tuple[int | None, float]] = {}
        self.ages: dict[Session, float] = {}
        """Of those that ended: how old the oldest byte was that the client's system had not taken, in s."""

    @property
    def is_over(self) -> bool:
        """Whether all were ended."""
        return len(self.ages) == len(self._sessions)

    @property
    def reasons(self) -> set[str | None]:
        """Why they were ended."""
        return {session.ended for session in self._sessions}

    def look(self) -> None:
        """Look once."""
        now = time.monotonic()
        for session, carrier in zip(self._sessions, self._carriers, strict=True):
            if session in self.ages:
                continue
            if session.ended is not None:
                self.ages[session] = now - self._acked[session][1]
            elif sockets.unsent_bytes(carrier.transport):
                acked = sockets.acknowledged_bytes(carrier.transport)
                if session not in self._acked or self._acked[session][0] != acked:
                    self._acked[session] = (acked, now)
            else:
                self._acked.pop(session, None)


async def publish(publisher: Publisher, watch: Watch | None, turns: int, at_once: int) -> None:
    """Publish so many trades in each of 50 turns a second, while somebody watches."""
    began = time.monotonic()
    for turn in range(turns):
        publisher.trade(at_once)
        if watch is not None:
            watch.look()
        await asyncio.sleep(max(0.0, began + (turn + 1) / 50 - time.monotonic()))


def check(name: str, group: GroupReport, count: int, epoch: str) -> None:
    """See that the group's frames are `ready` and then every trade of its own, once and in order, for every reader."""
    ready, *trades = [json.loads(text) for text in group["texts"]]
    assert (ready["type"], ready["epoch"], ready["seq"]) == ("ready", epoch, 0)
    symbols = [key.partition(":")[2] for key in GROUPS[name]]
    assert [trade["symbol"] for trade in trades] == [symbols[at % len(symbols)] for at in range(count)]
    step = 2 // len(symbols)
    first = 1 + (name == "ETH/USDT")
    assert [trade["seq"] for trade in trades] == [first + at * step for at in range(count)]
    assert [trade["timestamp"] for trade in trades] == sorted(trade["timestamp"] for trade in trades)
    assert set(group["counts"]) == {count + 1}


async def what_was_missed(server: Running, group: GroupReport, got: int) -> None:
    """Come back as a client that was ended after so many texts: the rest is there, without a hole."""
    ready, *trades = [json.loads(text) for text in group["texts"]]
    held = ready["seq"] if got <= 1 else trades[got - 2]["seq"]
    address = f"{TRADES}?epoch={ready['epoch']}&seq={held}"
    client = await RawSocket.open(server.port, address, token_for(server), V1)
    client.path = TRADES
    assert (await client.message())["recovered"] is True
    rest = [await client.message() for _ in range(len(trades) - max(0, got - 1))]
    assert rest == trades[max(0, got - 1) :]
    client.drop()


async def come_back(server: Running, group: GroupReport, stalled: int) -> None:
    """See what those got that never read until they were ended: the first frames, whole, and 4002."""
    assert [code for _, code in group["stalled"]] == [4002] * stalled
    for got, _ in group["stalled"]:
        assert got < len(group["texts"])
    await what_was_missed(server, group, group["stalled"][0][0])


async def test_who_never_reads_is_closed_in_time_and_nobody_else_misses_anything() -> None:
    """One in a hundred never reads: 4002 when its oldest unsent byte is too old; no frame lost, doubled or foreign.

    A client is known not to read when its system takes nothing more of what was sent, which is when the receive buffer
    is full. One whose buffer takes everything for minutes can't be told from one that reads, at the level of TCP: every
    byte is acknowledged. What finds it is the ping, which a buffer does not answer (the next test).
    """
    age = 2.0  # twice what the server looks ahead
    source = market()
    async with running([source], outbox_age_s=age) as server:
        shrink_send_buffers(server)
        async with crowd_of(order_for(server, 198, 2)) as crowd:
            await until(lambda: len(server.gateway.server.sessions) == 200)
            publisher, watch = Publisher(source), Watch(server, crowd.stalled_ports)
            is_direct = isinstance(server.carriers()[0], DirectProtocol)
            async with asyncio.timeout(20):
                while not watch.is_over:
                    await publish(publisher, watch, 1, 8)
            await crowd.say("read")
            await publish(publisher, None, 25, 8)
            counts = {name: publisher.count * len(keys) // 2 for name, keys in GROUPS.items()}
            report = await crowd.report({name: count + 1 for name, count in counts.items()})
        assert not report["faults"], report["faults"][:3]
        epoch = json.loads(report["groups"]["wide"]["texts"][0])["epoch"]
        for name, count in counts.items():
            check(name, report["groups"][name], count, epoch)
        await come_back(server, report["groups"]["wide"], 2)
        assert watch.reasons == {"slow_consumer"}
        for seen in watch.ages.values() if is_direct else ():  # stock does not look into the kernel's buffer
            assert age / 2 - 0.1 <= seen <= age + SLACK_S


async def test_a_client_whose_system_takes_everything_is_found_by_its_silence() -> None:
    """It never reads, but no byte is unsent: not 4002; it answers no ping: 4004, after all that was sent."""
    source = market()
    async with running([source], outbox_age_s=0.5, ping_s=2, pong_s=2) as server:
        client = await RawSocket.open(server.port, TRADES, token_for(server), V1)
        raw = client.writer.transport
        assert isinstance(raw, asyncio.Transport)
        raw.pause_reading()
        [session] = server.gateway.server.sessions
        publisher = Publisher(source)
        async with asyncio.timeout(20):
            while server.carriers() and server.carriers()[0].is_writable():
                await publish(publisher, None, 1, 1)
        assert publisher.count > 3 * 50 * 0.5  # three times the age has passed meanwhile
        assert session.ended is None  # it is the transport that ends it
        raw.resume_reading()
        seen: list[int] = []
        async with asyncio.timeout(20):
            while True:
                opcode, payload = await client.frame()
                if opcode == 8:
                    break
                if opcode == 1 and json.loads(payload)["type"] == "trade":
                    seen.append(json.loads(payload)["seq"])
        assert int.from_bytes(payload[:2], "big") == 4004
        assert seen == list(range(1, len(seen) + 1))
        assert len(seen) >= publisher.count - 1
        client.drop()


# ----------------------------------------------------------------------------------------------------------- soak


def resident_bytes() -> int:
    """Return this process's resident memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


SECONDS = 60
CLIENTS, STALLED = 1000, 10
FRAME_KEPT = 1024
"""Bytes that a frame in a ring takes, as the document of the settings says."""


async def a_minute(stalled: int) -> tuple[Report, Watch | None, int]:
    """Run a thousand clients for a minute at default settings; returns what came of it, and the memory's growth."""
    source = market()
    async with running([source], max_connections_per_user=2 * CLIENTS) as server:
        publisher = Publisher(source)
        async with crowd_of(order_for(server, CLIENTS - stalled, stalled)) as crowd:
            await until(lambda: len(server.gateway.server.sessions) == CLIENTS)
            watch = Watch(server, crowd.stalled_ports) if stalled else None
            await publish(publisher, watch, 50, 1)
            before = resident_bytes()
            largest = before
            told = not stalled
            for _ in range(SECONDS - 1):
                await publish(publisher, watch, 50, 1)
                largest = max(largest, resident_bytes())
                if watch is not None and watch.is_over and not told:
                    told = True
                    await crowd.say("read")
            counts = {name: publisher.count * len(keys) // 2 for name, keys in GROUPS.items()}
            report = await crowd.report({name: count + 1 for name, count in counts.items()})
        assert not report["faults"], report["faults"][:3]
        epoch = json.loads(report["groups"]["wide"]["texts"][0])["epoch"]
        for name, count in counts.items():
            check(name, report["groups"][name], count, epoch)
        if stalled:
            await come_back(server, report["groups"]["wide"], stalled)
        return report, watch, largest - before


@pytest.mark.soak
async def test_a_thousand_clients_and_ten_that_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a minute at 50 messages a second, with the default settings; the p99 beside one without them is printed.

    Memory grows by at most the bounds: an outbox for each that never reads, and the frames that the rings keep.
    """
    monkeypatch.undo()  # nobody judges the frames here: that would be a part of every latency
    quiet, _, _ = await a_minute(0)
    report, watch, grown = await a_minute(STALLED)
    assert watch is not None
    figures: dict[str, Any] = {
        "p50_ms": (round(quiet["p50_ms"], 3), round(report["p50_ms"], 3)),
        "p99_ms": (round(quiet["p99_ms"], 3), round(report["p99_ms"], 3)),
        "p99_ratio": round(report["p99_ms"] / quiet["p99_ms"], 2),
        "ages_s": sorted(round(age, 2) for age in watch.ages.values()),
        "grown_bytes": grown,
    }
    print(f"\nwithout and with {STALLED} that never read: {figures}")  # noqa: T201
    assert watch.reasons == {"slow_consumer"}
    limits = next(iter(watch.ages)).limits
    assert grown <= STALLED * limits.outbox_bytes + 50 * SECONDS * FRAME_KEPT
    for seen in watch.ages.values():
        assert limits.outbox_age - 2 * AGE_CHECK_S - 0.1 <= seen <= limits.outbox_age + SLACK_S
