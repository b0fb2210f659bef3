"""The bars socket over a real connection: requests, replies, and bars in their order."""

import asyncio

import pytest

from tests.support.client import connected
from tests.support.frozen_client import watch_bars
from tests.support.judge import Judge
from tests.support.server import running, until
from tests.support.source import MINUTE, START, ManualSource, symbol


async def test_acknowledges_then_sends_the_open_bar_then_each_change() -> None:
    """After the ack comes at once the bar that is open, then what changes it, then its one final."""
    source, judge = ManualSource(), Judge()
    async with running([source], bars_interval_ms=0) as server, connected(server.bars, judge) as client:
        source.trade(0, "10", "2")
        await client.send("bars.subscribe", {"symbol": "test:AAA", "resolution": "1", "id": "first"})
        ack, bar = await client.receive(), await client.receive()
        assert ack["type"] == "bars.ack"
        assert ack["payload"] | {"message": "", "epoch": ""} == {
            "status": "ok",
            "symbol": "test:AAA",
            "resolution": "1",
            "message": "",
            "epoch": "",
            "seq": 0,
            "id": "first",
        }
        assert bar["payload"]["bar"] == {"time": START, "open": 10, "high": 10, "low": 10, "close": 10, "volume": 2}
        assert bar["payload"]["final"] is False
        source.trade(30_000, "12.5", "0.5")
        source.trade(59_999, "9.25", "1")
        source.clock(MINUTE)
        source.trade(MINUTE, "11", "1")
        updates = [message["payload"] for message in await client.settle()]
        assert [(u["bar"]["time"] - START, u["bar"]["close"], u["final"], u["seq"]) for u in updates] == [
            (0, 12.5, False, 0),
            (0, 9.25, False, 0),
            (0, 9.25, True, 1),
            (MINUTE, 11, False, 1),
        ]
        assert updates[2]["bar"] == {"time": START, "open": 10, "high": 12.5, "low": 9.25, "close": 9.25, "volume": 3.5}
        assert updates[2]["prev"] == 0
        assert all("prev" not in update for update in updates if not update["final"])
        assert {update["epoch"] for update in updates} == {ack["payload"]["epoch"]}


async def test_a_bar_without_a_trade_after_it_still_gets_its_one_final() -> None:
    """The clock alone closes a bar, once."""
    source, judge = ManualSource(), Judge()
    async with running([source], bars_interval_ms=0) as server, connected(server.bars, judge) as client:
        await client.subscribe("AAA", "1")
        source.trade(0)
        for at in (MINUTE - 1, MINUTE, 2 * MINUTE, 60 * MINUTE):
            source.clock(at)
        finals = [message["payload"]["final"] for message in await client.settle()]
        assert finals == [False, True]


async def test_spelling_is_repeated_as_sent() -> None:
    """Aliases and bare symbols come back as they were, each subscription in its own spelling."""
    source, judge = ManualSource(), Judge()
    async with running([source], bars_interval_ms=0) as server, connected(server.bars, judge) as client:
        spellings = [("AAA", "1m"), ("test:AAA", "1"), ("AAA", "D"), ("AAA", "1D")]
        for name, resolution in spellings:
            ack = await client.subscribe(name, resolution)
            assert (ack["symbol"], ack["resolution"]) == (name, resolution)
        source.trade(0)
        updates = await client.settle()
        assert sorted((m["payload"]["symbol"], m["payload"]["resolution"]) for m in updates) == sorted(spellings)


@pytest.mark.parametrize("resolution", ["1", "3", "5", "15", "30", "60", "120", "240", "1D", "1W", "1M"])
async def test_every_resolution_is_served(resolution: str) -> None:
    """Each resolution of the contract gives the bar of a trade, stamped at or before it."""
    source, judge = ManualSource(), Judge()
    async with running([source], bars_interval_ms=0) as server, connected(server.bars, judge) as client:
        await client.subscribe("AAA", resolution)
        source.trade(0)
        (update,) = await client.settle()
        assert update["payload"]["bar"]["time"] <= START
        assert update["payload"]["bar"]["volume"] == 1


@pytest.mark.parametrize("alias", ["D", "W", "M", "1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"])
async def test_every_alias_is_served(alias: str) -> None:
    """Each alias of the contract is acknowledged."""
    async with running([ManualSource()]) as server, connected(server.bars, Judge()) as client:
        assert (await client.subscribe("AAA", alias))["status"] == "ok"


@pytest.mark.parametrize("resolution", ["", "0", "7", "1S", "1H", "m", "60m", "1D ", "\u0661", "x" * 64])
async def test_unsupported_resolutions_are_refused_and_the_socket_lives(resolution: str) -> None:
    """Anything but the listed resolutions is an error ack; the next request works."""
    async with running([ManualSource()]) as server, connected(server.bars, Judge()) as client:
        ack = await client.subscribe("AAA", resolution, id=5)
        assert (ack["status"], ack["code"], ack["resolution"], ack["id"]) == (
            "error",
            "unsupported_resolution",
            resolution,
            5,
        )
        assert (await client.subscribe("AAA", "1"))["status"] == "ok"


@pytest.mark.parametrize("name", ["", "NOPE", "test:", ":AAA", "other:AAA", "aaa", "test:AAA ", "\x00", "x" * 128])
async def test_unknown_symbols_are_refused_and_the_socket_lives(name: str) -> None:
    """An unknown symbol is an error ack; the next request works."""
    async with running([ManualSource()]) as server, connected(server.bars, Judge()) as client:
        ack = await client.subscribe(name, "1")
        assert (ack["status"], ack["code"], ack["symbol"]) == ("error", "unknown_symbol", name)
        assert (await client.subscribe("AAA", "1"))["status"] == "ok"


async def test_an_ambiguous_bare_symbol_is_refused_with_its_candidates() -> None:
    """Where two exchanges list a symbol, the error says how to tell them apart."""
    sources = [ManualSource(symbol("AAA", "one"), name="one"), ManualSource(symbol("AAA", "two"), name="two")]
    async with running(sources) as server, connected(server.bars, Judge()) as client:
        ack = await client.subscribe("AAA", "1")
        assert ack["code"] == "unknown_symbol"
        assert "one:AAA" in ack["message"]
        assert "two:AAA" in ack["message"]
        assert (await client.subscribe("two:AAA", "1"))["status"] == "ok"


async def test_the_default_resolution_is_a_day() -> None:
    """Without a resolution the ack says 1D and daily bars come."""
    source, judge = ManualSource(), Judge()
    async with running([source], bars_interval_ms=0) as server, connected(server.bars, judge) as client:
        reply = await client.request("bars.subscribe", {"symbol": "AAA"})
        assert (reply["payload"]["status"], reply["payload"]["resolution"]) == ("ok", "1D")
        source.trade(0)
        (update,) = await client.settle()
        assert update["payload"]["bar"]["time"] % 86_400_000 == 0
        assert (await client.request("bars.unsubscribe", {"symbol": "AAA"}))["payload"]["status"] == "ok"


async def test_subscribing_twice_changes_nothing() -> None:
    """The second ack is ok, no bar comes twice, and one unsubscribe ends it."""
    source, judge = ManualSource(), Judge()
    async with running([source], bars_interval_ms=0) as server, connected(server.bars, judge) as client:
        source.trade(0)
        await client.subscribe("AAA", "1")
        assert (await client.subscribe("AAA", "1"))["status"] == "ok"
        assert len(await client.settle()) == 0  # the open bar came before the second ack, and does not come again
        source.trade(1)
        assert len(await client.settle()) == 1


async def test_nothing_follows_an_unsubscribe() -> None:
    """After its ack no bar of the subscription comes; another one goes on; a second unsubscribe is an error."""
    source, judge = ManualSource(), Judge()
    async with running([source], bars_interval_ms=0) as server, connected(server.bars, judge) as client:
        await client.subscribe("AAA", "1")
        await client.subscribe("AAA", "5")
        reply = await client.request("bars.unsubscribe", {"symbol": "AAA", "resolution": "1", "id": 0})
        assert (reply["type"], reply["payload"]["status"], reply["payload"]["id"]) == ("bars.unsubscribe.ack", "ok", 0)
        source.trade(0)
        assert [m["payload"]["resolution"] for m in await client.settle()] == ["5"]
        for payload in (
            {"symbol": "AAA", "resolution": "1"},
            {"symbol": "test:AAA", "resolution": "5"},
            {"symbol": "NOPE", "resolution": "5"},
            {"symbol": "AAA", "resolution": "nope"},
        ):
            again = await client.request("bars.unsubscribe", {**payload, "id": "x"})
            assert (again["payload"]["status"], again["payload"]["code"]) == ("error", "not_subscribed")
            assert (again["payload"]["symbol"], again["payload"]["id"]) == (payload["symbol"], "x")


async def test_subscriptions_are_limited_per_connection() -> None:
    """One too many is an error ack that says what to do."""
    async with running([ManualSource()], max_subscriptions=2) as server, connected(server.bars, Judge()) as client:
        assert (await client.subscribe("AAA", "1"))["status"] == "ok"
        assert (await client.subscribe("AAA", "3"))["status"] == "ok"
        ack = await client.subscribe("AAA", "5")
        assert (ack["status"], ack["code"]) == ("error", "subscription_limit")
        await client.request("bars.unsubscribe", {"symbol": "AAA", "resolution": "1"})
        assert (await client.subscribe("AAA", "5"))["status"] == "ok"


async def test_ping_is_answered_with_the_time_and_its_id() -> None:
    """With an id, with an empty payload, and bare."""
    async with running([ManualSource()]) as server, connected(server.bars, Judge()) as client:
        for payload, expected in (
            ({"id": "é" * 64}, "é" * 64),
            ({"id": -(2**53) + 1}, -(2**53) + 1),
            ({}, None),
            (None, None),
        ):
            pong = await client.request("ping", payload)
            assert pong["type"] == "pong"
            assert pong["payload"].get("id") == expected
            assert pong["payload"]["timestamp"] > 1_700_000_000_000


async def test_a_symbol_that_is_synthetic_is_called_so() -> None:
    """The acknowledgement says that the market is made up."""
    source = ManualSource(symbol("BTC/USDT", "sim", synthetic=True), symbol())
    async with running([source]) as server, connected(server.bars, Judge()) as client:
        assert "synthetic" in (await client.subscribe("BTC/USDT", "1"))["message"]
        assert "synthetic" not in (await client.subscribe("AAA", "1"))["message"]


async def test_a_source_that_fails_says_so_and_its_return_is_a_new_epoch() -> None:
    """Subscribers get bars.error without the failure's text; new ones are refused; the restart closes with 4006."""
    source, other, judge = ManualSource(), ManualSource(symbol("BBB", "other"), name="other"), Judge()
    async with running([source, other]) as server, connected(server.bars, judge) as client:
        first = await client.subscribe("AAA", "1")
        async with connected(server.bars, judge) as bystander:
            await bystander.subscribe("BBB", "1")
            source.fail()
            error = await client.receive()
            assert (error["type"], error["payload"]["code"]) == ("bars.error", "source_unavailable")
            assert "secret" not in error["payload"]["error"]
            ack = await bystander.subscribe("AAA", "1")
            assert (ack["status"], ack["code"]) == ("error", "source_unavailable")
            assert await client.closed() == 4006
            assert await bystander.settle() == []
            again = await bystander.subscribe("AAA", "1")
            assert again["status"] == "ok"
            assert again["epoch"] != first["epoch"]
        assert source.runs == 2


async def test_a_source_that_has_ended_says_so() -> None:
    """The end of the data is told to subscribers, and to whoever comes later; the server stays ready."""
    source, judge = ManualSource(), Judge()
    async with running([source]) as server, connected(server.bars, judge) as client:
        await client.subscribe("AAA", "1")
        source.end()
        error = await client.receive()
        assert error["type"] == "bars.error"
        assert "end" in error["payload"]["error"]
        assert (await client.subscribe("AAA", "3"))["code"] == "source_unavailable"
        assert server.gateway.supervisor.ready


async def test_a_client_that_knows_only_the_published_messages_works() -> None:
    """The frozen client gets its bars, by default daily ones, and its error."""
    source = ManualSource()
    async with running([source], bars_interval_ms=0) as server:
        source.trade(0, "10")
        task = asyncio.create_task(watch_bars(server.bars, "AAA", 4))
        await until(lambda: len(server.gateway.hub) == 1)
        for at, price in ((1, "11"), (MINUTE, "9")):
            source.trade(at, price)
            await asyncio.sleep(0.01)
        source.clock(30 * 86_400_000)
        bars = await asyncio.wait_for(task, 20)
        assert [bar["close"] for bar in bars] == [10, 11, 9, 9]
        with pytest.raises(RuntimeError, match="no symbol"):
            await watch_bars(server.bars, "NOPE", 1)
        with pytest.raises(RuntimeError, match="no resolution"):
            await watch_bars(server.bars, "AAA", 1, "7")
