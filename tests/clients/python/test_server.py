"""The generated client against our real server: killed, started anew with and without its memory, drained, renewed."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from handlers.auth import mint
from market.resolution import Resolution
from streaming.clock import SystemClock
from tapecast_client import Client, ConnectionEnded, Missed, Refused, models
from tests.end_to_end.test_restart import finals_of, make_file, served, stop, token
from tests.support.server import until
from tests.support.tokens import SECRET
from tests.support.trading import BTC, trade_a_little, trading, trading_source

KILLS = 6


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Followed:
    """What came over one connection, and what was told to be missing."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.gaps: list[Missed] = []

    def counted(self, kind: type[Any]) -> list[Any]:
        """Return the messages of a class."""
        return [message for message in self.seen if isinstance(message, kind)]

    async def follow(self, connection: AsyncIterator[Any]) -> None:
        """Take what comes, until this is cancelled."""
        async for message in connection:
            self.seen.append(message)


@asynccontextmanager
async def following(url: str, **options: Any) -> AsyncIterator[dict[str, Followed]]:
    """Follow bars, trades, orders and balances of the replayed exchange."""
    parts = {name: Followed() for name in ("bars", "trades", "orders", "balances")}

    def client(name: str) -> Client:
        settings = {"token": token(), "backoff_base_s": 0.02, "backoff_cap_s": 0.2, "on_gap": parts[name].gaps.append}
        return Client(url, **{**settings, **options})

    async with (
        client("bars").bars() as bars,
        client("trades").exchange_trades(exchange="replay") as trades,
        client("orders").exchange_orders(exchange="replay") as orders,
        client("balances").account_balances(exchange_id=2) as balances,
        asyncio.TaskGroup() as group,
    ):
        for symbol, resolution in (("replay:A", "1"), ("replay:B", "5")):
            reply = await bars.subscribe_bars(symbol=symbol, resolution=resolution)
            assert reply.payload.status == "ok"
        connections: dict[str, AsyncIterator[Any]] = {
            "bars": bars,
            "trades": trades,
            "orders": orders,
            "balances": balances,
        }
        tasks = [group.create_task(parts[name].follow(connection)) for name, connection in connections.items()]
        yield parts
        assert bars.subscriptions == (("replay:A", "1"), ("replay:B", "5"))
        for task in tasks:
            task.cancel()


async def until_more(followed: Followed, kind: type[Any], more: int) -> None:
    """Wait for so many more messages of a class."""
    wanted = len(followed.counted(kind)) + more
    await until(lambda: len(followed.counted(kind)) >= wanted, 60)


async def test_killed_and_stopped_again_and_again(tmp_path: Path) -> None:
    """Over kills and stops of a server that keeps its state: no subscription lost, nothing doubled, no hole."""
    trades = make_file(tmp_path / "trades.csv", 60 * 24, 3)
    port = free_port()
    settings = {"SOURCES": "replay,sim", "REPLAY": str(tmp_path / "trades.csv"), "SPEED": "3000", "PORT": str(port)}
    settings["RINGS_FRAMES"] = "1000000"
    rng = random.Random(3)
    async with asyncio.timeout(120):
        first = served(tmp_path / "data", None, **settings)
        life = await first.__aenter__()
        async with following(f"ws://127.0.0.1:{port}") as parts:
            for number in range(KILLS):
                await until_more(parts["trades"], models.Trade, 20 + rng.randrange(100))
                if number % 2:
                    await stop(life)
                else:
                    await life.kill()
                await first.__aexit__(None, None, None)
                first = served(tmp_path / "data", None, **settings)
                life = await first.__aenter__()
            await until_more(parts["trades"], models.Trade, 100)
            await until_more(parts["bars"], models.BarsUpdate, 5)
        await first.__aexit__(None, None, None)
    assert parts["trades"].gaps == []
    assert parts["bars"].gaps == []
    assert {missed.why for name in ("orders", "balances") for missed in parts[name].gaps} <= {"cut"}
    told = parts["trades"].counted(models.Trade)
    assert [trade.seq for trade in told] == list(range(told[0].seq, told[0].seq + len(told)))
    assert [trade.trade_id for trade in told] == [trade.trade_id for trade in trades[told[0].seq - 1 :][: len(told)]]
    for symbol, resolution in (("replay:A", "1"), ("replay:B", "5")):
        updates = [message.payload for message in parts["bars"].counted(models.BarsUpdate)]
        finals = [item for item in updates if item.symbol == symbol and item.final]
        assert len(finals) > 3
        expected = finals_of(trades, symbol, Resolution(resolution))
        start = finals[0].seq - 1
        assert [item.bar.model_dump() for item in finals] == expected[start : start + len(finals)]


async def test_a_server_without_memory_is_told(tmp_path: Path) -> None:
    """Where a server starts over, each subscription goes on, and each stream's loss is told as such."""
    make_file(tmp_path / "trades.csv", 60 * 24, 4)
    port = free_port()
    settings = {"SOURCES": "replay,sim", "REPLAY": str(tmp_path / "trades.csv"), "SPEED": "3000", "PORT": str(port)}
    async with asyncio.timeout(60):
        first = served(None, None, **settings)
        life = await first.__aenter__()
        async with following(f"ws://127.0.0.1:{port}") as parts:
            await until_more(parts["trades"], models.Trade, 50)
            await until_more(parts["bars"], models.BarsUpdate, 5)
            await life.kill()
            await first.__aexit__(None, None, None)
            async with served(None, None, **settings):
                await until_more(parts["trades"], models.Trade, 50)
                await until(lambda: len(parts["bars"].counted(models.BarsReset)) == 2)
                await until_more(parts["bars"], models.BarsUpdate, 3)
                assert [(gap.why, gap.told) for gap in parts["trades"].gaps] == [("gap", True)]
                assert {gap.key for gap in parts["bars"].gaps} == {("replay:A", "1"), ("replay:B", "5")}
                assert {(gap.why, gap.told) for gap in parts["bars"].gaps} == {("reset", True)}


async def test_drained() -> None:
    """A server that shuts down says so, closes with 4001, and its clients go on at the next one."""
    source = trading_source()
    port = free_port()
    seen: list[Any] = []
    gaps: list[Missed] = []
    async with asyncio.timeout(60):
        first = trading(source, port=port)
        server = await first.__aenter__()
        client = Client(
            f"ws://127.0.0.1:{port}", token=good_token(), backoff_base_s=0.02, backoff_cap_s=0.1, on_gap=gaps.append
        )
        async with client.exchange_trades(exchange="sim") as trades:
            task = asyncio.create_task(collect(trades, seen))
            await until(lambda: len(seen) == 1)
            trade_a_little(source)
            await until(lambda: len(seen) == 3)
            assert server.port == port
            await first.__aexit__(None, None, None)
            await until(lambda: not trades.connected)
            again = trading_source()
            async with trading(again, port=port):
                await until(lambda: trades.connected and trades.counts.connections >= 2)
                await until(lambda: any(isinstance(item, models.Gap) for item in seen))
                trade_a_little(again, 60_000)
                await until(lambda: len([item for item in seen if isinstance(item, models.Trade)]) == 4)
                task.cancel()
    assert [type(item).__name__ for item in seen[:4]] == ["Ready", "Trade", "Trade", "CacheShutdown"]
    assert [(gap.why, gap.told) for gap in gaps] == [("gap", True)]


async def collect(connection: AsyncIterator[Any], seen: list[Any]) -> None:
    """Append what comes."""
    async for message in connection:
        seen.append(message)


def good_token(expires_in_s: int = 3600) -> str:
    """Return a token of user 1."""
    return mint(
        SECRET,
        subject="1",
        user_id="1",
        accounts=[1],
        scopes=["orders:read", "balances:read"],
        expires_in_s=expires_in_s,
        now_ms=SystemClock().now_ms(),
    )


def tokens_of(*seconds: int) -> tuple[list[str], Callable[[], Any]]:
    """Return a list of tokens that live so long, made when they are asked for, and what gives them."""
    given: list[str] = []
    left = list(seconds)

    async def get() -> str:
        given.append(good_token(left.pop(0)) if left else given[-1])
        return given[-1]

    return given, get


async def test_token_is_replaced_before_its_end() -> None:
    """A token that nears its end is replaced on the connection, which lives on past it."""
    given, get = tokens_of(2, 3600)
    async with asyncio.timeout(30), trading(trading_source()) as server:
        client = Client(f"ws://127.0.0.1:{server.port}", token=get, refresh_margin_s=1.5)
        async with client.account_balances(exchange_id=1) as balances, client.bars() as bars:
            del bars
            await until(lambda: balances._token == given[1])
            end = SystemClock().now_ms() + 2100
            while SystemClock().now_ms() < end:
                assert (await balances.ping_account_balances()).timestamp > 0
                await asyncio.sleep(0.05)
            assert balances.counts.connections == 1


async def test_token_that_expires_is_got_anew() -> None:
    """A connection that is closed since its token expired comes back with a new one, and misses nothing."""
    given, get = tokens_of(2, 3600)
    source = trading_source()
    gaps: list[Missed] = []

    async def never(seconds: float) -> None:
        if seconds > 0.01:
            await asyncio.Event().wait()  # the refresh's wait: the server is to close

    async with asyncio.timeout(30), trading(source) as server:
        client = Client(
            f"ws://127.0.0.1:{server.port}",
            token=get,
            sleep=never,
            backoff_base_s=0.01,
            backoff_cap_s=0.01,
            on_gap=gaps.append,
        )
        async with client.exchange_trades(exchange="sim") as trades:
            assert isinstance(await anext(trades), models.Ready)
            source.trade(1, "5", key=BTC)
            while not isinstance(await anext(trades), models.Trade):
                pass
            source.trade(2, "5", key=BTC)
            await until(lambda: trades.counts.connections == 2)
            source.trade(3, "5", key=BTC)
            seqs: list[int] = []
            while len(seqs) < 2:
                message = await anext(trades)
                if isinstance(message, models.Trade):
                    seqs.append(message.seq)
            assert seqs == [2, 3]
            assert (len(given), gaps) == (2, [])


async def test_fixed_token_that_expires_ends_it() -> None:
    """A connection whose only token has expired ends for good, as a refusal, or by the code that says so."""
    async with asyncio.timeout(30), trading(trading_source()) as server:
        client = Client(f"ws://127.0.0.1:{server.port}", token=good_token(1), backoff_base_s=0.01)
        async with client.exchange_trades(exchange="sim") as trades:
            with pytest.raises((Refused, ConnectionEnded)) as caught:
                async for _ in trades:
                    pass
            found = caught.value
            status = found.status if isinstance(found, Refused) else None
            code = found.code if isinstance(found, ConnectionEnded) else None
            assert status == 401 or code == 1008


async def test_refused_subscription_is_a_reply() -> None:
    """A subscription that the server refuses is a reply with its code, and isn't remembered."""
    async with asyncio.timeout(30), trading(trading_source()) as server:
        client = Client(f"ws://127.0.0.1:{server.port}")
        async with client.bars() as bars:
            reply = await bars.subscribe_bars(symbol="nope", resolution="1")
            assert (reply.payload.status, reply.payload.code) == ("error", "unknown_symbol")
            assert bars.subscriptions == ()
            good = await bars.subscribe_bars(symbol=BTC)
            assert (good.payload.status, good.payload.resolution) == ("ok", "1D")
            assert (await bars.unsubscribe_bars(symbol=BTC)).payload.status == "ok"
            assert bars.subscriptions == ()


async def test_two_hundred_subscriptions_come_back(tmp_path: Path) -> None:
    """As many subscriptions as a connection may have are all taken back, although the server limits the rate."""
    make_file(tmp_path / "trades.csv", 60 * 24, 5)
    port = free_port()
    settings = {"SOURCES": "replay,sim", "REPLAY": str(tmp_path / "trades.csv"), "SPEED": "60", "PORT": str(port)}
    spellings = ["1", "1m", "3", "5", "5m", "15", "15m", "30", "30m", "60", "1h", "120", "240", "4h", "1D", "D", "1W"]
    wanted = [(symbol, spelling) for symbol in ("replay:A", "replay:B", "A", "B") for spelling in spellings]
    settings["FRAMES_PER_SECOND"], settings["FRAMES_BURST"] = "50", "30"
    async with asyncio.timeout(60):
        first = served(tmp_path / "data", None, **settings)
        life = await first.__aenter__()
        client = Client(f"ws://127.0.0.1:{port}", backoff_base_s=0.05, backoff_cap_s=1.0)
        async with client.bars() as bars:
            for symbol, resolution in wanted:
                await asyncio.sleep(0.025)  # the rate that the server allows
                assert (await bars.subscribe_bars(symbol=symbol, resolution=resolution)).payload.status == "ok"
            await life.kill()
            await first.__aexit__(None, None, None)
            async with served(tmp_path / "data", None, **settings):
                task = asyncio.create_task(collect(bars, []))
                await until(lambda: bars.counts.connections == 2)
                await until(lambda: bars.counts.subscribed_again == len(wanted), 30)
                assert set(bars.subscriptions) == set(wanted)
                assert bars.counts.connections == 2
                task.cancel()
