"""The generated client's requests, messages and comings back, against a server that does what a test wants."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tapecast_client import (
    Client,
    CloseCode,
    ConnectionEnded,
    ConnectionFailed,
    ConnectionLost,
    InvalidMessage,
    Missed,
    Refused,
    RequestTimeout,
    Undeclared,
    UnexpectedReply,
    models,
)
from tests.support.fake_server import Act, FakeServer, ack, answers, bar, breaks, gap, ready, reset, sends, trade
from tests.support.server import until

TOKEN = "header.payload.signature"


async def no_wait(seconds: float) -> None:
    """Come back at once."""
    del seconds


def client_of(fake: FakeServer, **options: Any) -> Client:
    """Return a client of the fake server that comes back at once."""
    return Client(fake.url, **{"token": TOKEN, "sleep": no_wait, "timeout_s": 5.0, **options})


@asynccontextmanager
async def served(*acts: Act) -> AsyncIterator[FakeServer]:
    """Run a fake server whose first client gets the first act, and so on."""
    async with asyncio.timeout(30), FakeServer(list(acts)).up() as fake:
        yield fake


def talks(*steps: Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]) -> Act:
    """Return an act that takes a frame for each step, and then holds on."""

    async def act(connection: ServerConnection) -> None:
        for step in steps:
            await step(connection, json.loads(await connection.recv()))
        await connection.wait_closed()

    return act


def replies(*frames: dict[str, Any]) -> Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]:
    """Return a step that answers with these frames, the request's id in the first."""

    async def step(connection: ServerConnection, request: dict[str, Any]) -> None:
        for index, frame in enumerate(frames):
            if index == 0 and "id" in request.get("payload", {}):
                frame = {**frame, "payload": {**frame["payload"], "id": request["payload"]["id"]}}
            await connection.send(json.dumps(frame))

    return step


async def keeps(connection: ServerConnection, request: dict[str, Any]) -> None:
    """Take a frame and say nothing."""


def pong(**members: Any) -> dict[str, Any]:
    """Return the answer to a ping."""
    return {"type": "pong", "payload": {"timestamp": 1, **members}}


class TestRequests:
    async def test_reply_is_returned(self) -> None:
        """A request returns its reply, as a value of its class."""
        async with served(talks(replies(ack(5)))) as fake, client_of(fake).bars() as bars:
            reply = await bars.subscribe_bars(symbol="sim:BTC/USDT", resolution="1")
            assert isinstance(reply, models.BarsAck)
            assert (reply.payload.status, reply.payload.seq) == ("ok", 5)
            assert bars.subscriptions == (("sim:BTC/USDT", "1"),)

    async def test_replies_out_of_order_reach_their_requests(self) -> None:
        """Requests that wait at the same time get the replies with their ids, in whatever order those come."""

        async def act(connection: ServerConnection) -> None:
            asked = [json.loads(await connection.recv()) for _ in range(20)]
            for request in reversed(asked):
                await connection.send(json.dumps(pong(timestamp=request["payload"]["id"], id=request["payload"]["id"])))
            await connection.wait_closed()

        async with served(act) as fake, client_of(fake).bars() as bars:
            ids = [f"my-{number}" if number % 2 else number + 1000 for number in range(20)]
            stamps = [number + 1000 for number in range(20)]
            del stamps
            pongs = await asyncio.gather(
                *(bars.ping(id=id_) for id_ in ids if isinstance(id_, int)), *(bars.ping() for _ in range(10))
            )
            assert [reply.payload.id for reply in pongs[:10]] == ids[::2]
            assert all(reply.payload.timestamp == reply.payload.id for reply in pongs)

    async def test_late_reply_is_dropped(self) -> None:
        """A reply that comes after its request's time-out is counted, and reaches nobody."""
        asked: list[Any] = []

        async def keep(connection: ServerConnection, request: dict[str, Any]) -> None:
            asked.append(request["payload"]["id"])

        async def both(connection: ServerConnection, request: dict[str, Any]) -> None:
            await connection.send(json.dumps(pong(id=asked[0])))
            await connection.send(json.dumps(pong(id=request["payload"]["id"])))

        async with served(talks(keep, both)) as fake, client_of(fake).bars() as bars:
            with pytest.raises(RequestTimeout, match=r"ping: no reply in 0\.05 s"):
                await bars.ping(timeout_s=0.05)
            reply = await bars.ping()
            assert reply.payload.id != asked[0]
            assert bars.counts.late == 1

    async def test_cancelled_request_leaves_others_alone(self) -> None:
        """A request that is cancelled is forgotten; the next one gets its own reply."""
        async with served(talks(keeps, replies(pong()))) as fake, client_of(fake).bars() as bars:
            task = asyncio.create_task(bars.ping())
            await until(lambda: len(fake.connections) == 1)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await bars.ping()).payload.timestamp == 1

    async def test_error_with_the_id_of_a_request(self) -> None:
        """A message with a request's id that is none of its replies is raised by the request."""
        error = {"type": "error", "payload": {"code": "rate_limited", "message": "Too fast.", "retry_after_ms": 20}}
        async with served(talks(replies(error))) as fake, client_of(fake).bars() as bars:
            with pytest.raises(UnexpectedReply) as caught:
                await bars.ping()
            assert isinstance(caught.value.message, models.Error)
            assert caught.value.message.payload.code == "rate_limited"

    async def test_lost_connection_fails_what_waits(self) -> None:
        """A request whose connection ends raises, with the close code; the next one waits for the new connection."""

        async def leave(connection: ServerConnection, request: dict[str, Any]) -> None:
            await connection.close(4001, "away")

        async with served(talks(leave), talks(replies(pong()))) as fake, client_of(fake).bars() as bars:
            with pytest.raises(ConnectionLost) as caught:
                await bars.ping()
            assert caught.value.code == 4001
            assert (await bars.ping()).payload.timestamp == 1
            assert bars.counts.connections == 2

    async def test_invalid_arguments_send_nothing(self) -> None:
        """What breaks the schema is raised before it is sent, without its value."""
        async with served() as fake, client_of(fake).bars() as bars:
            with pytest.raises(InvalidMessage, match=r"payload.symbol: string too long") as caught:
                await bars.subscribe_bars(symbol="x" * 200)
            assert "xxx" not in str(caught.value)

    async def test_used_id(self) -> None:
        """An id that waits for its reply can't be used a second time."""
        async with served(talks(keeps)) as fake, client_of(fake).bars() as bars:
            task = asyncio.create_task(bars.ping(id=7))
            await asyncio.sleep(0)
            with pytest.raises(InvalidMessage, match="waits already"):
                await bars.ping(id=7)
            task.cancel()


class TestFrames:
    async def test_undeclared_frames(self) -> None:
        """Frames that the document doesn't have are counted and told, in their place, and the connection lives."""
        strange: list[str | bytes] = [
            b"\x00\x01",
            "no JSON",
            "[1]",
            '{"type":5}',
            '{"type":"news","a":1}',
            '{"type":"trade","seq":"x"}',
            '{"type":"ticker"}',
        ]
        seen: list[object] = []
        async with (
            served(sends(ready(0), trade(1, 0), *strange, trade(2, 1))) as fake,
            client_of(fake, on_undeclared=seen.append).trades(exchange="sim", symbol="BTC/USDT") as trades,
        ):
            async for message in trades:
                seen.append(message)
                if isinstance(message, models.Trade) and message.seq == 2:
                    break
            reasons = [item.reason for item in seen if isinstance(item, Undeclared)]
            assert reasons == ["binary", "malformed", "malformed", "malformed", "unknown", "invalid", "unknown"]
            assert [type(item).__name__ for item in (seen[0], seen[1], seen[-1])] == ["Ready", "Trade", "Trade"]
            assert trades.counts.undeclared == len(strange)
            assert trades.counts.connections == 1

    async def test_unusual_json_is_decoded(self) -> None:
        """A message whose tag stands elsewhere, or with blanks, or in fragments, is the same message."""
        frame = trade(1, 0)
        last = json.dumps({name: frame[name] for name in reversed(frame)})
        spaced = json.dumps({**frame, "seq": 2, "prev": 1}, indent=1)

        async def act(connection: ServerConnection) -> None:
            await connection.send(json.dumps(ready(0)))
            await connection.send(last)
            await connection.send([spaced[:10], spaced[10:50], spaced[50:]])
            await connection.wait_closed()

        async with served(act) as fake, client_of(fake).exchange_trades(exchange="sim") as trades:
            seen = [await anext(trades) for _ in range(3)]
            assert [message.seq for message in seen if isinstance(message, models.Trade)] == [1, 2]

    async def test_a_slow_consumer_holds_the_server_back(self) -> None:
        """Nothing is lost when nobody iterates: reading stops, and all of it comes when somebody does."""
        count, sent = 60_000, 0

        async def act(connection: ServerConnection) -> None:
            nonlocal sent
            await connection.send(json.dumps(ready(0)))
            for seq in range(1, count + 1):
                await connection.send(json.dumps({**trade(seq, seq - 1), "trade_id": "x" * 60}))
                sent = seq
            await connection.wait_closed()

        async with (
            served(act) as fake,
            client_of(fake, queue_size=100).exchange_trades(exchange="sim") as trades,
        ):
            before = -1
            while before != sent or not trades._is_full:
                before = sent
                await asyncio.sleep(0.05)
            assert sent < count, "TCP takes all of it: send more"
            assert len(trades._queue) < 10_000, "the queue's bound, and what one read had"
            seqs = []
            async for message in trades:
                if isinstance(message, models.Trade):
                    seqs.append(message.seq)
                    if message.seq == count:
                        break
            assert seqs == list(range(1, count + 1))

    async def test_request_inside_a_full_iteration(self) -> None:
        """A request is answered although the queue is full: its reply stands behind what was pushed."""

        async def act(connection: ServerConnection) -> None:
            for seq in range(1, 400):
                await connection.send(json.dumps(bar(seq, seq - 1)))
            request = json.loads(await connection.recv())
            for seq in range(400, 600):
                await connection.send(json.dumps(bar(seq, seq - 1)))
            await connection.send(json.dumps(pong(id=request["payload"]["id"])))
            await connection.wait_closed()

        async with served(act) as fake, client_of(fake, queue_size=100).bars() as bars:
            await until(lambda: bars._is_full)
            assert (await bars.ping()).payload.timestamp == 1


class TestComingBack:
    @pytest.mark.parametrize("code", list(CloseCode))
    async def test_each_declared_code(self, code: CloseCode) -> None:
        """The client comes back after a close code that says so, and else raises it with its reason."""
        async with (
            served(sends(ready(0), trade(1, 0), close=code), sends(ready(1, recovered=True), trade(2, 1))) as fake,
            client_of(fake).exchange_trades(exchange="sim") as trades,
        ):
            seqs = []
            if code.reconnect or code == 1001:
                async for message in trades:
                    if isinstance(message, models.Trade):
                        seqs.append(message.seq)
                        if message.seq == 2:
                            break
                assert seqs == [1, 2]
                assert fake.seen[1].path.endswith("epoch=e1&seq=1") or "seq=1&epoch=e1" in fake.seen[1].path
            else:
                assert isinstance(await anext(trades), models.Ready)
                assert isinstance(await anext(trades), models.Trade)
                with pytest.raises(ConnectionEnded) as caught:
                    await anext(trades)
                assert (caught.value.code, caught.value.reason) == (code, "a reason")
                with pytest.raises(ConnectionEnded):
                    await trades.ping_exchange_trades()

    async def test_full_jitter(self) -> None:
        """Waits are a random part of what doubles from base up to cap.

        They start anew after a connection that lived long enough, not after one that was let in and dropped.
        """
        waits: list[float] = []
        moment = 0.0

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        async def lives(connection: ServerConnection) -> None:
            nonlocal moment
            await (await connection.ping())
            moment += 5
            await connection.close(4001)

        acts = [
            breaks(),
            sends(ready(0), close=4001),
            *(breaks() for _ in range(4)),
            lives,
            sends(ready(0), close=4001),
        ]
        options: dict[str, Any] = {"backoff_base_s": 1, "backoff_cap_s": 10, "now": lambda: moment}
        async with served(*acts) as fake:
            client = client_of(fake, sleep=sleep, random=lambda: 0.5, **options)
            async with client.exchange_trades(exchange="sim"):
                await until(lambda: len(fake.connections) == 9)
                assert waits == [0.5, 1, 2, 4, 5, 5, 0.5, 1]

    async def test_refused_at_first(self) -> None:
        """A handshake that is refused is raised with its status, and without the token."""
        fake = FakeServer([])
        fake.answer = answers(401, {"code": "unauthorized", "message": f"{TOKEN} is bad."})
        async with fake.up():
            with pytest.raises(Refused) as caught:
                async with client_of(fake).bars():
                    pass
            assert caught.value.status == 401
            assert "unauthorized" in caught.value.body
            assert TOKEN not in f"{caught.value!r} {caught.value} {caught.value.body}"

    async def test_nobody_there(self) -> None:
        """A server that isn't there is raised at once."""
        fake = FakeServer([])
        async with fake.up():
            pass
        with pytest.raises(ConnectionFailed, match="can't be reached"):
            async with client_of(fake).bars():
                pass

    async def test_busy_server_is_asked_again(self) -> None:
        """After a loss, a server that answers 503 is asked again; one that answers 401 is not."""
        waits: list[float] = []
        answered = [503, 429, 401]

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        async with served(breaks()) as fake, client_of(fake, sleep=sleep, random=lambda: 0.0).bars() as bars:
            fake.answer = lambda request: (answered.pop(0), None)
            with pytest.raises(Refused) as caught:
                await anext(bars)
            assert caught.value.status == 401
            assert len(waits) == 3


class TestTokens:
    async def test_token_is_nowhere_shown(self, caplog: pytest.LogCaptureFixture) -> None:
        """Neither a repr nor a log holds the token."""
        async with served() as fake:
            client = client_of(fake)
            async with client.bars() as bars:
                assert fake.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
                shown = f"{client!r} {client.__dict__} {bars!r} {bars._route!r} {bars._settings!r}"
                assert TOKEN not in shown

    async def test_callable_is_asked_for_each_connection(self) -> None:
        """A token that is got by a callable is got anew before each connection."""
        given = iter(["first", "second"])

        async def get() -> str:
            return next(given)

        async with served(breaks()) as fake, client_of(fake, token=get).bars():
            await until(lambda: len(fake.connections) == 2)
            assert [request.headers["Authorization"] for request in fake.seen] == ["Bearer first", "Bearer second"]

    async def test_callable_that_never_returns(self) -> None:
        """It stalls no connection for ever: the time for connecting covers it, and then it is asked again."""
        asked = 0

        async def get() -> str:
            nonlocal asked
            asked += 1
            if asked != 2:
                await asyncio.Event().wait()
            return TOKEN

        async with served(breaks()) as fake:
            client = client_of(fake, token=get, timeout_s=0.05)
            with pytest.raises(ConnectionFailed, match=r"`token` gave none in 0\.05 s"):
                await client.bars().__aenter__()
            async with client.bars():
                await until(lambda: asked > 4)


class TestStreams:
    async def test_subscriptions_are_sent_again(self) -> None:
        """After a loss the subscription is asked for from the last position held, and nothing is missed or doubled."""
        gaps: list[Missed] = []
        fake = FakeServer([])
        fake.acts = [
            fake.hears(ack(4, id=1), bar(5, 4), bar(6, 5), close=4002),
            fake.hears(ack(6, id=2, recovered=True), bar(7, 6)),
        ]
        async with asyncio.timeout(20), fake.up(), client_of(fake, on_gap=gaps.append).bars() as bars:
            await bars.subscribe_bars(symbol="sim:BTC/USDT", resolution="1")
            seqs = [
                message.payload.seq
                for message in [await anext(bars) for _ in range(3)]
                if isinstance(message, models.BarsUpdate)
            ]
            assert seqs == [5, 6, 7]
            assert fake.received[1]["payload"]["resume"] == {"epoch": "e1", "seq": 6}
            assert gaps == []

    async def test_reset_is_told(self) -> None:
        """A stream that doesn't go on where it was asked to is told as missed, with what the server said."""
        gaps: list[Missed] = []
        fake = FakeServer([])
        fake.acts = [
            fake.hears(ack(4, id=1), bar(5, 4), close=4006),
            fake.hears(
                ack(2, id=2, epoch="e2", recovered=False), reset(2, "other_epoch", epoch="e2"), bar(3, 2, epoch="e2")
            ),
        ]
        async with asyncio.timeout(20), fake.up(), client_of(fake, on_gap=gaps.append).bars() as bars:
            await bars.subscribe_bars(symbol="sim:BTC/USDT", resolution="1")
            seen = [await anext(bars) for _ in range(3)]
            assert isinstance(seen[2], models.BarsUpdate)
            assert [(missed.why, missed.told, missed.key) for missed in gaps] == [
                ("reset", True, ("sim:BTC/USDT", "1"))
            ]

    async def test_server_that_forgets_to_tell(self) -> None:
        """A server that doesn't go on where it was asked to, and says nothing of it, is found out."""
        gaps: list[Missed] = []
        fake = FakeServer([])
        fake.acts = [
            fake.hears(ack(4, id=1), bar(5, 4), close=4006),
            fake.hears(ack(9, id=2, recovered=False), bar(10, 9)),
        ]
        async with asyncio.timeout(20), fake.up(), client_of(fake, on_gap=gaps.append).bars() as bars:
            await bars.subscribe_bars(symbol="sim:BTC/USDT", resolution="1")
            [await anext(bars) for _ in range(2)]
            assert [(missed.why, missed.told, missed.first, missed.last) for missed in gaps] == [
                ("not_recovered", False, 6, 9)
            ]

    async def test_holes_and_doubles(self) -> None:
        """A frame that comes twice is dropped; one that was skipped is told, by its key, before the frame after it."""
        seen: list[Any] = []
        eth = "ETH/USDT"
        async with (
            served(
                sends(
                    ready(10),
                    trade(11, 3),
                    trade(12, 5, symbol=eth),
                    trade(11, 3),
                    trade(15, 14),
                    trade(16, 12, symbol=eth),
                )
            ) as fake,
            client_of(fake, on_gap=seen.append).exchange_trades(exchange="sim") as trades,
        ):
            while len(seen) < 6:
                seen.append(await anext(trades))
            assert [item.seq if isinstance(item, models.Trade) else type(item).__name__ for item in seen] == [
                "Ready",
                11,
                12,
                "Missed",
                15,
                16,
            ]
            assert (seen[3].key, seen[3].first, seen[3].last, seen[3].told) == (("BTC/USDT",), 12, 14, False)
            assert trades.counts.doubles == 1

    async def test_gap_is_told(self) -> None:
        """What the server can't give any more is told, and what it has left is no double."""
        seen: list[Any] = []
        async with (
            served(
                sends(ready(0), trade(1, 0), close=4002),
                sends(ready(9, recovered=False), gap(2, 7, key=None), trade(8, 7), trade(9, 8), trade(10, 9)),
            ) as fake,
            client_of(fake, on_gap=seen.append).exchange_trades(exchange="sim") as trades,
        ):
            while len(seen) < 8:
                seen.append(await anext(trades))
            names = [item.seq if isinstance(item, models.Trade) else type(item).__name__ for item in seen]
            assert names == ["Ready", 1, "Ready", "Missed", "Gap", 8, 9, 10]
            assert (seen[3].first, seen[3].last, seen[3].told) == (2, 7, True)

    async def test_cut_before_all_has_come(self) -> None:
        """A connection that is cut before what stands has come holds no position: it starts anew, and that is told."""
        seen: list[Any] = []
        async with (
            served(sends(ready(5), trade(5, 5), close=4002), sends(ready(7), trade(8, 7))) as fake,
            client_of(fake, on_gap=seen.append).exchange_trades(exchange="sim") as trades,
        ):
            while len(seen) < 5:
                seen.append(await anext(trades))
            assert [type(item).__name__ for item in seen] == ["Ready", "Trade", "Missed", "Ready", "Trade"]
            assert (seen[2].why, seen[2].first, seen[2].last) == ("cut", 6, 7)
            assert "seq" not in fake.seen[1].path

    async def test_without_a_callback_it_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        """A gap that nobody asked to be told of is logged as a warning."""
        del caplog
        heard: list[str] = []

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                heard.append(record.getMessage())

        listener = Listener(logging.WARNING)
        logging.getLogger("tapecast_client").addHandler(listener)
        try:
            async with (
                served(sends(ready(0), trade(3, 2))) as fake,
                client_of(fake).exchange_trades(exchange="sim") as trades,
            ):
                await anext(trades)
                await anext(trades)
        finally:
            logging.getLogger("tapecast_client").removeHandler(listener)
        assert len(heard) == 1
        assert "'hole'" in heard[0]
