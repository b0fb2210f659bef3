"""What the generated client does when a connection, a server or a token fails at the worst moment."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tapecast_client import Missed, Refused, UnexpectedReply, models
from tapecast_client.sockets import Socket
from tests.clients.python.test_connection import client_of, pong, replies, served, talks
from tests.support.fake_server import FakeServer, ack, balance, bar, breaks, gap, ready, sends, trade
from tests.support.server import until

BARS: dict[str, Any] = {"symbol": "sim:BTC/USDT", "resolution": "1"}


def jwt(expires_at: float) -> str:
    """Return a token that says when it expires."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires_at}).encode()).decode().rstrip("=")
    return f"e30.{claims}.{int(expires_at)}"


def refusal(code: str) -> dict[str, Any]:
    """Return an answer to a subscription that opens nothing."""
    return {"type": "bars.ack", "payload": {**BARS, "status": "error", "code": code, "message": "Not now."}}


def error(code: str) -> dict[str, Any]:
    """Return an error that answers a request by its id."""
    return {"type": "error", "payload": {"code": code, "message": "No."}}


def seqs(seen: list[Any]) -> list[int]:
    """Return the positions of the trades."""
    return [message.seq for message in seen if isinstance(message, models.Trade)]


class TestLeaving:
    async def test_left_at_once(self) -> None:
        """A connection that is left in the moment in which it was entered is closed, and no task stays behind."""
        async with served() as fake:
            before = asyncio.all_tasks()
            async with client_of(fake).bars():
                pass
            await until(lambda: len(fake.connections) == 1 and fake.connections[0].close_code == 1000)
            left = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before}  # type: ignore[union-attr]
            assert not {name for name in left if name.startswith(("Connection.", "StreamConnection."))}

    async def test_cancelling_goes_through_a_close(self) -> None:
        """Whoever is cancelled while a connection is being closed is cancelled."""

        async def deaf(connection: ServerConnection) -> None:
            connection.transport.pause_reading()
            await asyncio.sleep(5)

        async with served(deaf) as fake:

            async def use() -> None:
                async with client_of(fake).bars():
                    await until(lambda: len(fake.connections) == 1)

            task = asyncio.create_task(use())
            await until(lambda: len(fake.connections) == 1)
            await asyncio.sleep(0.1)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=4)
            assert done
            assert task.cancelled()


class TestPositions:
    async def test_a_cut_after_a_gap(self) -> None:
        """After a gap the client goes on from where it is told to, not from a position that has not come yet."""
        seen: list[Any] = []
        async with (
            served(
                sends(ready(0), trade(1, 0), close=4002),
                sends(ready(9), gap(2, 7), trade(8, 7), close=4002),
                sends(ready(9, recovered=True), trade(9, 8)),
            ) as fake,
            client_of(fake, on_gap=seen.append).exchange_trades(exchange="sim") as trades,
        ):
            while seqs(seen)[-1:] != [9]:
                seen.append(await anext(trades))
            assert seqs(seen) == [1, 8, 9]
            assert "seq=8" in fake.seen[2].path

    async def test_a_gap_does_not_forget_what_came_after_it(self) -> None:
        """A gap of old positions leaves alone what is held of newer ones."""
        async with (
            served(sends(ready(0), trade(5, 0), gap(1, 3), trade(5, 0), trade(6, 5))) as fake,
            client_of(fake, on_gap=lambda _: None).exchange_trades(exchange="sim") as trades,
        ):
            seen = [await anext(trades) for _ in range(4)]
            assert seqs(seen) == [5, 6]

    async def test_an_error_among_what_stands(self) -> None:
        """A message that is none of the stream's says nothing of how much has come of what stands."""
        shutdown = {"type": "shutdown", "reconnect_after_ms": 0}
        async with (
            served(sends(ready(5), balance(5, 5), shutdown, close=4001), sends(ready(5))) as fake,
            client_of(fake).account_balances(exchange_id=1),
        ):
            await until(lambda: len(fake.seen) == 2)
            assert "seq" not in fake.seen[1].path

    async def test_an_error_before_the_snapshot(self) -> None:
        """A subscription that was cut after an error, before its snapshot, asks for the snapshot again."""
        failed = {"type": "bars.error", "payload": {**BARS, "code": "source_unavailable", "error": "Away."}}
        fake = FakeServer([])
        fake.acts = [fake.hears(ack(4, id=1), failed, close=4002), fake.hears(ack(4, id=2))]
        async with asyncio.timeout(20), fake.up(), client_of(fake).bars() as bars:
            await bars.subscribe_bars(**BARS, snapshot=10)
            await until(lambda: len(fake.received) == 2)
            assert "resume" not in fake.received[1]["payload"]

    async def test_what_is_owed_is_told(self) -> None:
        """What a server did not go on with is told, also where the connection is cut before it could say so."""
        gaps: list[Missed] = []
        async with (
            served(
                sends(ready(0), trade(1, 0), close=4002), sends(ready(9), close=4002), sends(ready(12), trade(13, 12))
            ) as fake,
            client_of(fake, on_gap=gaps.append).exchange_trades(exchange="sim") as trades,
        ):
            seen: list[Any] = []
            while seqs(seen)[-1:] != [13]:
                seen.append(await anext(trades))
            assert [(missed.first, missed.last) for missed in gaps] == [(2, 9), (10, 12)]

    async def test_a_server_without_the_subprotocol(self) -> None:
        """Where no word comes of where a stream starts, holes are found all the same, and a loss is told."""
        gaps: list[Missed] = []
        fake = FakeServer([sends(trade(6, 5), trade(9, 8), close=4006), sends(trade(3, 2), trade(5, 4))])
        fake.speaks_v1 = False
        async with (
            asyncio.timeout(20),
            fake.up(),
            client_of(fake, on_gap=gaps.append).exchange_trades(exchange="sim") as trades,
        ):
            seen = [await anext(trades) for _ in range(4)]
            assert seqs(seen) == [6, 9, 3, 5]
            assert [(missed.why, missed.first, missed.last) for missed in gaps] == [
                ("hole", 7, 8),
                ("cut", 10, None),
                ("hole", 4, 4),
            ]
            assert "seq" not in fake.seen[1].path

    async def test_a_double_of_what_stood(self) -> None:
        """A frame at the position of the start is a double once a later one with its key has come."""
        async with (
            served(sends(ready(5), trade(5, 4), trade(6, 5), trade(5, 4), trade(7, 6))) as fake,
            client_of(fake).exchange_trades(exchange="sim") as trades,
        ):
            assert seqs([await anext(trades) for _ in range(4)]) == [5, 6, 7]
            assert trades.counts.doubles == 1


class TestSubscriptions:
    async def test_no_answer_to_a_renewal(self) -> None:
        """A server that does not answer a renewal is left, and the next one is asked."""
        fake = FakeServer([])
        fake.acts = [
            fake.hears(ack(4, id=1), close=4002),
            fake.hears(),
            fake.hears(ack(4, id=3, recovered=True), bar(5, 4)),
        ]
        async with asyncio.timeout(20), fake.up(), client_of(fake, timeout_s=0.3).bars() as bars:
            await bars.subscribe_bars(**BARS, timeout_s=5)
            message = await anext(bars)
            assert isinstance(message, models.BarsUpdate)
            assert message.payload.seq == 5

    async def test_a_refused_renewal_is_tried_again(self) -> None:
        """A subscription that a server does not take back is told as missed once, and taken back when it may be."""
        gaps: list[Missed] = []
        again = [
            replies(refusal("unknown_symbol")),
            replies(refusal("unknown_symbol")),
            replies(ack(4, recovered=True), bar(5, 4)),
        ]
        async with served(talks(replies(ack(4)))) as fake, client_of(fake, on_gap=gaps.append).bars() as bars:
            fake.acts.append(talks(*again))
            await bars.subscribe_bars(**BARS)
            fake.connections[0].transport.abort()
            message = await anext(bars)
            assert isinstance(message, models.BarsUpdate)
            assert [missed.why for missed in gaps] == ["refused"]
            assert bars.subscriptions == (("sim:BTC/USDT", "1"),)

    async def test_an_end_that_was_refused(self) -> None:
        """A subscription whose end the server refused lives on: its holes are told, and it is taken back."""
        gaps: list[Missed] = []
        steps = [replies(ack(4)), replies(error("rate_limited"), bar(6, 5))]
        async with (
            served(talks(*steps), talks(replies(ack(6, recovered=True)))) as fake,
            client_of(fake, on_gap=gaps.append).bars() as bars,
        ):
            await bars.subscribe_bars(**BARS)
            with pytest.raises(UnexpectedReply):
                await bars.unsubscribe_bars(**BARS)
            while not gaps:
                await anext(bars)
            assert [missed.why for missed in gaps] == ["hole"]
            assert bars.subscriptions == (("sim:BTC/USDT", "1"),)

    async def test_an_end_that_was_taken(self) -> None:
        """What was ended is not taken back."""
        ended = {"type": "bars.unsubscribe.ack", "payload": {**BARS, "status": "ok", "message": "Ended."}}
        heard: list[str] = []

        async def listen(connection: ServerConnection) -> None:
            async for text in connection:
                heard.append(json.loads(text)["type"])
                await replies(pong())(connection, json.loads(text))

        async with served(talks(replies(ack(4)), replies(ended)), listen) as fake, client_of(fake).bars() as bars:
            await bars.subscribe_bars(**BARS)
            await bars.unsubscribe_bars(**BARS)
            assert bars.subscriptions == ()
            fake.connections[0].transport.abort()
            await until(lambda: len(fake.connections) == 2)
            await bars.ping()
            assert heard == ["ping"]


class TestReplies:
    async def test_replies_without_ids(self) -> None:
        """Two replies that come at once without ids reach both requests."""

        async def act(connection: ServerConnection) -> None:
            for _ in range(2):
                await connection.recv()
            connection.transport.write(_frame(pong()) + _frame(pong()))
            await connection.wait_closed()

        async with served(act) as fake, client_of(fake, timeout_s=2).bars() as bars:
            assert len(await asyncio.gather(bars.ping(), bars.ping())) == 2


class TestWaits:
    async def test_shutdown_says_when_to_come_back(self) -> None:
        """After `reconnect_after_ms` the client waits that long, once, and no random time."""
        waits: list[float] = []
        message = {"type": "shutdown", "payload": {"reconnect_after_ms": 1730}}
        async with (
            served(sends(message, close=4001), breaks()) as fake,
            client_of(fake, sleep=_keep(waits), random=lambda: 0.5, backoff_base_s=1).bars(),
        ):
            await until(lambda: len(fake.connections) == 3)
            assert waits[:2] == [1.73, 1.0]

    async def test_retry_after_has_jitter(self) -> None:
        """What `Retry-After` says is the least wait: clients that were told the same don't come at the same moment."""
        waits: list[float] = []
        async with (
            served(breaks()) as fake,
            client_of(fake, sleep=_keep(waits), random=lambda: 0.5, backoff_base_s=1).bars() as bars,
        ):
            connect, refusals = bars._connect, [Refused(429, "", 10.0)]

            async def refused_once() -> Socket:
                if refusals:
                    raise refusals.pop()
                return await connect()

            bars._connect = refused_once  # type: ignore[method-assign]
            await until(lambda: len(fake.connections) == 2)
            assert waits == [0.5, 11.0]


class TestTokens:
    async def test_a_source_that_fails_once(self) -> None:
        """A refresh that fails does not end the connection: it is tried again until the token has expired."""
        now = 1_000_000.0
        tokens: Iterator[str | RuntimeError] = iter([jwt(now + 100), RuntimeError("away"), jwt(now + 1000)])

        async def get() -> str:
            token = next(tokens)
            if isinstance(token, RuntimeError):
                raise token
            return token

        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) > 2:
                await asyncio.Event().wait()

        sent: list[str] = []

        async def take(connection: ServerConnection, request: dict[str, Any]) -> None:
            sent.append(request["payload"]["token"])
            await replies({"type": "auth.ack", "payload": {"status": "ok", "message": "Good."}})(connection, request)

        async with served(talks(take)) as fake, client_of(fake, token=get, now=lambda: now, sleep=sleep).bars() as bars:
            await until(lambda: len(waits) == 3)
            assert sent == [jwt(now + 1000)]
            assert bars.connected
            assert bars._ended is None

    async def test_a_clock_that_is_wrong(self) -> None:
        """By a clock for which each new token has expired already, no token is asked for again and again."""
        asked = 0

        async def get() -> str:
            nonlocal asked
            asked += 1
            return jwt(1000.0 + asked)

        async def listen(connection: ServerConnection) -> None:
            async for text in connection:
                request = json.loads(text)
                good = {"type": "auth.ack", "payload": {"status": "ok", "message": "Good."}}
                await replies(pong() if request["type"] == "ping" else good)(connection, request)

        async with served(listen) as fake, client_of(fake, token=get, now=lambda: 1e9).bars() as bars:
            for _ in range(20):
                await bars.ping()
            assert asked <= 2


def _keep(waits: list[float]) -> Callable[[float], Awaitable[None]]:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    return sleep


def _frame(body: dict[str, Any]) -> bytes:
    text = json.dumps(body).encode()
    return bytes([0x81, len(text)]) + text
