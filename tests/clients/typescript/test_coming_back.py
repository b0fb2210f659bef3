"""The TypeScript client against a server that does to it what a test wants: close codes, losses, holes, doubles."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import yaml
from websockets.asyncio.server import ServerConnection

from tests.support.fake_server import Act, FakeServer, ack, bar, gap, ready, reset, sends, trade
from tests.support.node import ROOT, Driver, DriverError
from tests.support.tokens import sign

CLOSE_CODES: dict[int, dict[str, Any]] = yaml.safe_load((ROOT / "asyncapi.yaml").read_text())["x-close-codes"]
BARS = {"symbol": "sim:BTC/USDT", "resolution": "1"}
TRADES = [{"exchange": "sim", "symbol": "BTC/USDT"}]
CLIENT_EPOCH_S = 1_793_000_000
"""Where the driver's clock begins."""


@asynccontextmanager
async def meeting(driver: Driver, *acts: Act, **more: Any) -> AsyncIterator[FakeServer]:
    """Run a fake server, and make a client of it that waits no time between attempts."""
    async with FakeServer(list(acts)).up() as fake:
        await driver.do("start", **{**more, "options": {"url": fake.url, **more.get("options", {})}})
        yield fake


def listens(fake: FakeServer, *answers: dict[str, Any] | None) -> Act:
    """Return an act that answers each frame of the client with the next of these, with its id; None: says nothing."""

    async def act(connection: ServerConnection) -> None:
        left = list(answers)
        async for text in connection:
            frame = json.loads(text)
            fake.received.append(frame)
            answer = left.pop(0) if left else None
            if answer is not None:
                await connection.send(json.dumps(with_id(answer, frame)))

    return act


def with_id(answer: dict[str, Any], frame: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that repeats the id of a request."""
    if "payload" not in answer:
        return {**answer, "id": frame["id"]}
    return {**answer, "payload": {**answer["payload"], "id": frame["payload"]["id"]}}


def pong(seconds: int = 1) -> dict[str, Any]:
    """Return the answer to a ping on a cache socket."""
    return {"type": "pong", "timestamp": seconds}


# --------------------------------------------------------------------------------------------------- close codes


@pytest.mark.parametrize("code", CLOSE_CODES)
async def test_each_close_code_is_taken_at_its_word(driver: Driver, code: int) -> None:
    """After a code that says so the client comes back with its subscription and position; after another it stops."""
    if code in (1002, 1003, 1007, 1009):  # what a server's library sends by itself means the same
        assert CLOSE_CODES[code]["reconnect"] is False
    async with meeting(driver) as fake:
        fake.acts += [fake.hears(ack(5), close=code), fake.hears(ack(5, recovered=True))]
        await driver.do("read", channel="bars")
        await driver.call("bars", "subscribe", BARS)
        if CLOSE_CODES[code]["reconnect"] or code == 1001:  # 1001 not by the client: a proxy's, or a server's that goes
            await driver.until(lambda: len(fake.received) == 2)
            assert fake.received[1]["payload"]["resume"] == {"epoch": "e1", "seq": 5}
            assert await driver.do("subscriptions", channel="bars") == [["sim:BTC/USDT", "1"]]
        else:
            await driver.until(lambda: bool(driver.of("end")))
            error = driver.of("end")[0]["error"]
            assert error["code"] == code
            assert CLOSE_CODES[code]["text"] in error["message"]
            assert len(fake.connections) == 1


@pytest.mark.parametrize("code", [1005, 1006, 1012, 1013, 4321])
async def test_codes_that_the_document_does_not_name_are_losses(driver: Driver, code: int) -> None:
    """A connection that broke, a proxy's restart and a private code lead to another attempt."""

    async def act(connection: ServerConnection) -> None:
        if code == 1006:
            connection.transport.abort()
        else:
            await connection.close(1000 if code == 1005 else code) if code != 1005 else await close_without(connection)

    async with meeting(driver, act) as fake:
        await driver.do("read", channel="bars")
        await driver.until(lambda: len(driver.of("connection")) >= 3)
        assert [event["type"] for event in driver.of("connection")][:3] == ["open", "closed", "open"]
        assert len(fake.connections) == 2


async def close_without(connection: ServerConnection) -> None:
    """Close a connection by a close frame without a code."""
    connection.transport.write(b"\x88\x00")
    await connection.wait_closed()


async def test_a_drain_says_when_to_come_back(driver: Driver) -> None:
    """After `shutdown` the client waits as long as it says, and no random time."""
    shutdown = {"type": "shutdown", "payload": {"reconnect_after_ms": 4321}}
    async with meeting(driver, sends(shutdown, close=4001), speed=50, random=0.7) as fake:
        await driver.do("read", channel="bars")
        await driver.until(lambda: len(fake.connections) == 2)
        (closed,) = [event for event in driver.of("connection") if event["type"] == "closed"]
        assert (closed["code"], closed["retryMs"]) == (4001, 4321)
        assert driver.messages() == [shutdown]


async def test_attempts_are_further_and_further_apart(driver: Driver) -> None:
    """The wait is a random part of a bound that doubles, as long as no connection lives for a while."""
    closes = [sends(close=4007) for _ in range(8)]
    async with meeting(driver, *closes, speed=1000, random=0.5) as fake:
        await driver.do("read", channel="bars")
        await driver.until(lambda: len(fake.connections) == 9)
        waits = [event["retryMs"] for event in driver.of("connection") if event["type"] == "closed"]
        assert waits[:8] == [250, 500, 1000, 2000, 4000, 8000, 15000, 15000]


async def test_a_server_that_is_killed_and_started_again(driver: Driver) -> None:
    """Connections that are refused are tried again; then each subscription stands once, at its position."""
    fake = FakeServer([])
    fake.acts = [fake.hears(ack(5), bar(6, 5))]
    async with fake.up():
        await driver.do("start", options={"url": fake.url, "backoff": {"baseMs": 10}}, random=0.9)
        await driver.do("read", channel="bars")
        await driver.call("bars", "subscribe", BARS)
        await driver.until(lambda: len(driver.messages("bars.update")) == 1)
        fake.connections[0].transport.abort()
    await driver.until(lambda: len([item for item in driver.of("connection") if item["type"] == "closed"]) >= 3)
    fake.acts = [fake.hears(ack(6, recovered=True), bar(7, 6))]
    async with fake.up():
        await driver.until(lambda: len(driver.messages("bars.update")) == 2)
        assert fake.received[1]["payload"]["resume"] == {"epoch": "e1", "seq": 6}
        assert [item["payload"]["seq"] for item in driver.messages("bars.update")] == [6, 7]
        assert driver.of("gap") == []


async def test_a_subscription_outlives_a_loss_before_its_answer(driver: Driver) -> None:
    """`subscribe` is sent again when the connection is lost before the acknowledgement came."""
    async with meeting(driver) as fake:
        fake.acts += [fake.hears(close=4006), fake.hears(ack(5))]
        answer = await driver.call("bars", "subscribe", BARS)
        assert answer["payload"]["seq"] == 5
        assert len(fake.received) == 2


async def test_other_requests_end_with_the_connection(driver: Driver) -> None:
    """A ping that waits when the connection is lost is rejected: the client can't know whether it was handled."""
    async with meeting(driver) as fake:
        fake.acts += [fake.hears(close=4006)]
        with pytest.raises(DriverError, match="ConnectionLostError"):
            await driver.call("bars", "ping")


async def test_what_was_ended_is_not_opened_again(driver: Driver) -> None:
    """After `unsubscribe` a loss renews the others alone."""
    other = {"symbol": "sim:ETH/USDT", "resolution": "1"}
    async with meeting(driver) as fake:
        end = {"type": "bars.unsubscribe.ack", "payload": {"status": "ok", "message": "Ended.", **BARS}}
        fake.acts += [
            listens(fake, ack(5), ack(3, symbol="sim:ETH/USDT"), end),
            listens(fake, ack(3, symbol="sim:ETH/USDT")),
        ]
        await driver.call("bars", "subscribe", BARS)
        await driver.call("bars", "subscribe", other)
        await driver.call("bars", "unsubscribe", BARS)
        fake.connections[0].transport.abort()
        await driver.until(lambda: len(fake.received) >= 4)
        assert fake.received[3]["payload"]["symbol"] == "sim:ETH/USDT"
        assert await driver.do("subscriptions", channel="bars") == [["sim:ETH/USDT", "1"]]


async def test_a_renewal_that_is_refused_is_tried_again(driver: Driver) -> None:
    """The application hears of it, and the subscription is not lost."""
    refusal = {
        "type": "bars.ack",
        "payload": {"status": "error", "message": "Not now.", "code": "source_unavailable", **BARS},
    }
    async with meeting(driver) as fake:
        fake.acts += [fake.hears(ack(5), close=4006), listens(fake, refusal, refusal, ack(5, recovered=True))]
        await driver.call("bars", "subscribe", BARS)
        await driver.until(lambda: len(fake.received) == 4)
        await driver.until(lambda: len(driver.of("refused")) == 2)
        assert driver.of("refused")[0]["key"] == ["sim:BTC/USDT", "1"]
        assert all(frame["payload"]["resume"]["seq"] == 5 for frame in fake.received[1:])


async def test_a_silent_server_is_asked_and_then_left(driver: Driver) -> None:
    """Where nothing comes for a while the server is asked whether it is there; without an answer it is left."""
    patience = {"idleMs": 20_000, "requestTimeoutMs": 10_000}
    async with meeting(driver, speed=100, options=patience) as fake:
        fake.acts += [listens(fake)]
        await driver.do("read", channel="bars")
        await driver.until(lambda: len(fake.connections) >= 2)
        assert fake.received[0]["type"] == "ping"


# ------------------------------------------------------------------------------------------- holes and doubles


def positions(driver: Driver, tag: str) -> list[int]:
    """Return the positions of the messages with a tag that were read."""
    return [message.get("payload", message)["seq"] for message in driver.messages(tag)]


def gaps(driver: Driver) -> list[tuple[Any, ...]]:
    """Return the gaps, each as who found it, why, and from where to where."""
    return [(item["told"], item["reason"], item["from"], item["to"]) for item in driver.of("gap")]


async def test_holes_and_doubles_of_a_subscription(driver: Driver) -> None:
    """A hole is told as one that nobody told, once; what came twice comes once; newest states move nothing."""
    open_bar = bar(8, 7, final=False)
    del open_bar["payload"]["prev"]
    async with meeting(driver) as fake:
        frames = [bar(6, 5), bar(6, 5), bar(8, 7), open_bar, bar(9, 8), bar(8, 7), bar(10, 9)]
        fake.acts += [fake.hears(ack(5), *frames)]
        await driver.do("read", channel="bars")
        await driver.call("bars", "subscribe", BARS)
        await driver.until(lambda: positions(driver, "bars.update")[-1:] == [10])
        assert positions(driver, "bars.update") == [6, 8, 8, 9, 10]
        assert gaps(driver) == [(False, "hole", 7, 7)]
        stats = await driver.do("stats", channel="bars")
        assert (stats["doubled"], stats["silent"], stats["told"]) == (2, 1, 0)


async def test_a_subscription_that_can_not_go_on_is_told(driver: Driver) -> None:
    """A reset is one gap that was told, with the positions that are gone; the stream goes on where it stands."""
    async with meeting(driver) as fake:
        resets = [ack(9, recovered=False), reset(9, "too_old"), bar(10, 9)]
        fake.acts += [fake.hears(ack(5), close=4006), fake.hears(*resets)]
        await driver.do("read", channel="bars")
        await driver.call("bars", "subscribe", BARS)
        await driver.until(lambda: positions(driver, "bars.update") == [10])
        assert gaps(driver) == [(True, "reset", 6, 9)]


async def test_a_subscription_in_another_epoch_is_told(driver: Driver) -> None:
    """Where the stream began anew, what is missing has no first position."""
    async with meeting(driver) as fake:
        anew = [ack(1, epoch="e2", recovered=False), reset(1, "other_epoch", epoch="e2"), bar(2, 1, epoch="e2")]
        fake.acts += [fake.hears(ack(5), close=4006), fake.hears(*anew)]
        await driver.do("read", channel="bars")
        await driver.call("bars", "subscribe", BARS)
        await driver.until(lambda: positions(driver, "bars.update") == [2])
        assert gaps(driver) == [(True, "reset", None, 1)]


async def test_a_server_that_says_nothing_of_what_is_missing(driver: Driver) -> None:
    """An acknowledgement that does not go on, with no reset behind it, is a gap by itself."""
    async with meeting(driver) as fake:
        fake.acts += [fake.hears(ack(5), close=4006), fake.hears(ack(9), bar(10, 9))]
        await driver.do("read", channel="bars")
        await driver.call("bars", "subscribe", BARS)
        await driver.until(lambda: positions(driver, "bars.update") == [10])
        assert gaps(driver) == [(True, "not_resumed", 6, 9)]


async def test_an_address_goes_on_by_its_query(driver: Driver) -> None:
    """After a loss the address names what is held; frames that are held are dropped; the rest has no hole."""
    first = [ready(5), trade(6, 5), trade(7, 0, symbol="X"), trade(7, 6)]

    async def act(connection: ServerConnection) -> None:
        for frame in first:
            await connection.send(json.dumps(frame))
        await driver.until(lambda: positions(driver, "trade")[-2:] == [7, 7])
        connection.transport.abort()

    again = [ready(7, recovered=True), trade(7, 6), trade(9, 7), trade(9, 7)]
    async with meeting(driver, act, sends(*again)) as fake:
        await driver.do("read", channel="trades", given=TRADES)
        await driver.until(lambda: positions(driver, "trade")[-1:] == [9])
        assert fake.seen[1].path.endswith("/trades/sim/BTC%2FUSDT?epoch=e1&seq=7")
        assert positions(driver, "trade") == [6, 7, 7, 9]
        assert gaps(driver) == []


async def test_gaps_of_an_address(driver: Driver) -> None:
    """`gap` is told once, with the server's positions; a hole is found by the key; what follows joins on."""
    again = [ready(20), gap(7, 20), trade(21, 19), trade(24, 22), trade(25, 0, symbol="X")]
    async with meeting(driver, sends(ready(5), trade(6, 5), close=4006), sends(*again)):
        await driver.do("read", channel="trades", given=TRADES)
        await driver.until(lambda: positions(driver, "trade")[-1:] == [25])
        assert gaps(driver) == [(True, "gap", 7, 20), (False, "hole", 22, 22)]
        assert positions(driver, "trade") == [6, 21, 24, 25]


async def test_an_address_that_began_anew_without_a_word(driver: Driver) -> None:
    """`ready` of another epoch, with no gap behind it, is a gap by itself."""
    async with meeting(driver, sends(ready(5), trade(6, 5), close=4006), sends(ready(2, epoch="e2"), trade(3, 2))):
        await driver.do("read", channel="trades", given=TRADES)
        await driver.until(lambda: positions(driver, "trade")[-1:] == [3])
        assert gaps(driver) == [(True, "not_resumed", None, 2)]


async def test_who_was_cut_before_all_that_stands_had_come_begins_anew(driver: Driver) -> None:
    """Without an answer to the client's question, or a counted frame, no position stands: it comes without one."""
    async with meeting(driver, sends(ready(5), close=4006), sends(ready(8))) as fake:
        await driver.do("read", channel="trades", given=TRADES)
        await driver.until(lambda: len(driver.messages("ready")) == 2)
        assert "seq" not in fake.seen[1].path
        await driver.until(lambda: bool(driver.of("gap")))
        assert gaps(driver) == [(False, "cut", 6, 8)]


async def test_who_heard_that_all_has_come_goes_on(driver: Driver) -> None:
    """The answer to the client's question comes after all that stands: from then on the position holds."""

    async def act(connection: ServerConnection) -> None:
        await connection.send(json.dumps(ready(5)))
        ping = json.loads(await connection.recv())
        await connection.send(json.dumps({**pong(), "id": ping["id"]}))
        await connection.send(json.dumps({"type": "auth.expiring", "expires_at": 1}))
        await connection.close(4006)

    async with meeting(driver, act, sends(ready(5, recovered=True))) as fake:
        await driver.do("read", channel="trades", given=TRADES)
        await driver.until(lambda: len(driver.messages("ready")) == 2)
        assert fake.seen[1].path.endswith("?epoch=e1&seq=5")


async def test_a_server_that_does_not_speak_the_subprotocol(driver: Driver) -> None:
    """Without `ready` holes within a connection are still found, and a loss is told as a gap that has no end."""
    async with meeting(driver, sends(trade(6, 5), trade(9, 8), close=4006), sends(trade(3, 2))):
        await driver.do("read", channel="trades", given=TRADES)
        await driver.until(lambda: len(driver.messages("trade")) == 3)
        assert gaps(driver) == [(False, "hole", 7, 8), (False, "cut", 10, None)]


# ----------------------------------------------------------------------------------------------- undeclared frames


async def test_frames_that_are_not_in_the_document(driver: Driver) -> None:
    """Each is counted and handed to the callback with its reason, and the connection lives."""
    odd: list[str | bytes | dict[str, Any]] = [
        "not JSON",
        "[1]",
        "null",
        b"\xff\xfe",
        {"type": "bars.new", "payload": {}},
        {"type": "__proto__"},
        {"type": "bars.update", "payload": {"symbol": 7}},
        {"type": "pong", "payload": {"timestamp": 1}},
        bar(6, 5, symbol="never:asked"),
        "[" * 5000 + "]" * 5000,
    ]
    async with meeting(driver, sends(*odd, {"type": "shutdown", "payload": {"reconnect_after_ms": 1}})):
        await driver.do("read", channel="bars")
        await driver.until(lambda: bool(driver.messages("shutdown")))
        reasons = [item["reason"] for item in driver.of("undeclared")]
        assert reasons == [
            *("not_json", "unknown", "unknown", "not_json", "unknown", "unknown", "malformed", "unasked", "unasked"),
            "unknown",
        ]
        assert driver.of("undeclared")[0]["text"] == "not JSON"
        stats = await driver.do("stats", channel="bars")
        assert (stats["undeclared"], stats["connections"]) == (10, 1)


# --------------------------------------------------------------------------------------------------------- tokens


def jwt(seconds: int, name: str) -> str:
    """Return a token that expires so many seconds after the driver's clock began."""
    return sign({"sub": name, "exp": CLIENT_EPOCH_S + seconds})


async def test_a_new_token_is_sent_before_the_old_one_expires(driver: Driver) -> None:
    """A minute before it expires, or after half of what is left; and the next one in its turn."""
    tokens = [jwt(100, "a"), jwt(200, "b"), jwt(100_000, "c")]
    async with meeting(driver, speed=100, given=tokens) as fake:
        fine = {"type": "auth.ack", "payload": {"status": "ok", "message": "Fine."}}
        fake.acts += [listens(fake, fine, fine)]
        await driver.do("read", channel="bars")
        await driver.until(lambda: len([item for item in fake.received if item["type"] == "auth.refresh"]) >= 2)
        sent = [frame["payload"]["token"] for frame in fake.received if frame["type"] == "auth.refresh"]
        assert sent[:2] == tokens[1:]
        assert len(fake.connections) == 1


async def test_an_expired_token_is_replaced(driver: Driver) -> None:
    """After 4003 the client comes back with the token that it is given then."""
    async with meeting(driver, sends(close=4003), given=["a.b.c", "d.e.f"]) as fake:
        await driver.do("read", channel="bars")
        await driver.until(lambda: len(fake.seen) == 2)
        offered = [request.headers["Sec-WebSocket-Protocol"] for request in fake.seen]
        assert offered == ["tapecast.v1, bearer.a.b.c", "tapecast.v1, bearer.d.e.f"]


async def test_a_token_that_never_comes_stalls_nothing(driver: Driver) -> None:
    """The time for connecting covers the token's source; then it is asked again, and the connection comes about."""
    async with meeting(driver, given=[None, "d.e.f"], options={"connectTimeoutMs": 50}) as fake:
        await driver.do("read", channel="bars")
        await driver.until(lambda: bool(fake.seen))
        faults = [event["error"] for event in driver.of("connection") if event["type"] == "fault"]
        assert faults == [
            "ClientError: `token` gave none within 50 ms. Raise connectTimeoutMs, or let it give up sooner."
        ]
        assert "bearer.d.e.f" in fake.seen[0].headers["Sec-WebSocket-Protocol"]


async def test_a_token_may_go_in_the_query(driver: Driver) -> None:
    """`carriage` chooses among the places that the document allows."""
    async with meeting(driver, given=["a+b/c="], options={"carriage": "query"}) as fake:
        await driver.call("bars", "open")
        assert fake.seen[0].path == "/api/v1/ws?token=a%2Bb%2Fc%3D"


# ----------------------------------------------------------------------------------------------- requests and queue


async def test_a_request_may_take_only_so_long(driver: Driver) -> None:
    """Without an answer in time it is rejected, and a late answer goes to nobody."""
    async with meeting(driver, speed=100) as fake:
        held = asyncio.Event()

        async def act(connection: ServerConnection) -> None:
            ping = json.loads(await connection.recv())
            await held.wait()
            late = {"type": "pong", "payload": {"timestamp": 1, "id": ping["payload"]["id"]}}
            await connection.send(json.dumps(late))
            await connection.wait_closed()

        fake.acts += [act]
        await driver.do("read", channel="bars")
        with pytest.raises(DriverError, match="RequestTimeoutError"):
            await driver.call("bars", "ping", timeoutMs=1000)
        held.set()
        await driver.until(lambda: bool(driver.of("undeclared")))
        assert driver.of("undeclared")[0]["reason"] == "unasked"


async def test_a_request_may_be_given_up(driver: Driver) -> None:
    """An aborted signal rejects it at once."""
    async with meeting(driver) as fake:
        fake.acts += [listens(fake)]
        answer = driver.send("call", channel="bars", method="ping", args=[{}], options={})
        number = driver.last
        await driver.until(lambda: bool(driver.of("connection")))
        await driver.do("abort", of=number)
        with pytest.raises(DriverError, match="AbortError"):
            await answer


async def test_a_request_without_a_server_ends_in_time(driver: Driver) -> None:
    """The time that a request may take includes that of connecting."""
    fake = FakeServer([])
    async with fake.up():
        pass
    await driver.do("start", options={"url": fake.url}, speed=100, random=0.5)
    with pytest.raises(DriverError, match="no connection to"):
        await driver.call("bars", "ping", timeoutMs=500)


async def test_a_full_queue_is_told(driver: Driver) -> None:
    """Of what came while nobody read, the queue's worth is read, then the number of those lost is thrown."""
    trades = [ready(0), *(trade(seq, seq - 1) for seq in range(1, 31))]
    async with meeting(driver, sends(*trades), options={"queueSize": 10}):
        await driver.call("trades", "open", given=TRADES)
        await wait_for_frames(driver, "trades", 31, TRADES)
        await driver.do("read", channel="trades", given=TRADES)
        await driver.until(lambda: bool(driver.of("end")))
        assert positions(driver, "trade") == list(range(1, 10))
        assert driver.of("end")[0]["error"]["name"] == "OverflowError"
        assert driver.of("end")[0]["error"]["dropped"] == 21


async def test_newest_states_replace_older_ones(driver: Driver) -> None:
    """While nobody reads, a newer state takes the place of an older one with the same key: nothing else is lost."""
    names = ["BTC/USDT", "ETH/USDT"]
    frames = [ready(0), *(ticker(seq, names[seq % 2]) for seq in range(1, 101))]
    async with meeting(driver, sends(*frames), options={"queueSize": 5}):
        given = [{"exchange": "sim"}]
        await driver.call("exchangeTickers", "open", given=given)
        await wait_for_frames(driver, "exchangeTickers", 101, given)
        await driver.do("read", channel="exchangeTickers", given=given)
        await driver.until(lambda: positions(driver, "ticker")[-2:] == [99, 100])
        assert driver.of("end") == []
        assert len(driver.messages("ticker")) <= 5


async def wait_for_frames(driver: Driver, channel: str, count: int, given: list[Any]) -> None:
    """Wait until so many frames came over a channel."""
    async with asyncio.timeout(20):
        while (await driver.do("stats", channel=channel, given=given))["frames"] < count:
            await asyncio.sleep(0.01)


def ticker(seq: int, symbol: str) -> dict[str, Any]:
    """Return a ticker as it is on the wire."""
    values = {"time": 1, "price": seq, "bid": None, "ask": None, "volume": 1}
    return {"type": "ticker", "exchange": "sim", "symbol": symbol, **values, "seq": seq}
