"""`tapecast watch` against the real server, and against a fake one for what the real one never does."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from zipfile import ZipFile

import pytest
from click.testing import CliRunner
from websockets.asyncio.server import ServerConnection

from gateway.cli import main as cli
from gateway.settings import load_settings
from gateway.watch.command import Options, Surroundings, run, watch
from gateway.watch.gaps import is_silent, text_of
from gateway.watch.table import MOST_ROWS, REFRESH_S, line_of, rows_of
from streaming.clock import SystemClock
from tapecast_client import Missed
from tapecast_client.models import BarsAck, Gap, Trade
from tests.support import tokens
from tests.support.clock import VirtualClock
from tests.support.fake_server import (
    Act,
    FakeServer,
    ack,
    answers,
    balance,
    bar,
    breaks,
    correction,
    gap,
    ready,
    reset,
    sends,
    snapshot,
    trade,
)
from tests.support.server import Running, until
from tests.support.trading import BTC, ETH, trade_a_little, trading, trading_source

COMMAND = Path(sys.executable).with_name("tapecast")
ROOT = Path(__file__).parents[2]
TOKEN = "header.payload.signature"
ALL_THERE = "holes: 0, told: 0, doubled: 0"
PONG = {"type": "pong", "timestamp": 1}


class Terminal(io.StringIO):
    """Text that is written to what says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Watching:
    """A command that runs, and what it wrote."""

    clock: VirtualClock
    out: io.StringIO
    err: io.StringIO
    task: asyncio.Task[int] = field(init=False)

    def start(self, options: Options, environ: Mapping[str, str]) -> None:
        around = Surroundings(environ=environ, out=self.out, err=self.err, clock=self.clock, draw=lambda: 1.0)
        self.task = asyncio.create_task(watch(options, around))

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    @property
    def said(self) -> str:
        return self.err.getvalue()

    async def until_out(self, text: str, count: int = 1) -> None:
        """Wait until a text was written so often."""
        await until(lambda: self.out.getvalue().count(text) >= count or self.task.done())
        assert self.out.getvalue().count(text) >= count, (self.out.getvalue(), self.said)

    async def until_said(self, text: str, count: int = 1) -> None:
        """Wait until a text was told so often."""
        await until(lambda: self.said.count(text) >= count or self.task.done())
        assert self.said.count(text) >= count, (self.out.getvalue(), self.said)

    async def drawn(self, text: str) -> None:
        """Let the table be drawn, again and again, until a text is in it."""
        async with asyncio.timeout(20):
            while text not in self.out.getvalue():
                await self.clock.advance(REFRESH_S)
                await asyncio.sleep(0.002)  # what comes over the socket takes real time

    async def ended(self) -> int:
        """Wait for the end; returns the exit code."""
        async with asyncio.timeout(20):
            return await self.task


@asynccontextmanager
async def watching(
    url: str,
    *,
    environ: Mapping[str, str] | None = None,
    terminal: bool = False,
    clock: VirtualClock | None = None,
    **options: Any,
) -> AsyncIterator[Watching]:
    """Run the command on virtual time, until the test is over. Whatever it writes, no token is in it."""
    chosen = Options(url=url, **options)
    clock = clock or VirtualClock(SystemClock().now_ms())
    command = Watching(clock, Terminal() if terminal else io.StringIO(), io.StringIO())
    command.start(chosen, environ or {})
    try:
        yield command
    finally:
        command.task.cancel()
        await asyncio.wait([command.task])
    written = command.out.getvalue() + command.said
    assert "eyJ" not in written
    assert TOKEN not in written
    assert "Traceback" not in written


async def refuse_to_go_on(url: str, **options: Any) -> str:
    """Run a command that has to end with exit code 1 on its own; returns its sentence."""
    async with watching(url, **options) as command:
        assert await command.ended() == 1
        return command.said.splitlines()[-1].removeprefix("tapecast: ")


def connected_clients(server: Running) -> int:
    """Return how many clients the server has."""
    return len(server.gateway.server.sessions)


# ------------------------------------------------------------------------------------------------ the real server

NARROW = {"symbol": "BTC/USDT"}
STREAMS: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("tickers", {}, ["ticker exchange=sim symbol=BTC/USDT", "ticker exchange=sim symbol=ETH/USDT"], []),
    ("tickers", NARROW, ["ticker exchange=sim symbol=BTC/USDT"], ["ETH"]),
    ("trades", {}, ["trade exchange=sim symbol=BTC/USDT", "trade exchange=sim symbol=ETH/USDT"], []),
    ("trades", NARROW, ["trade exchange=sim symbol=BTC/USDT"], ["ETH"]),
    ("trades", {"symbol": "sim:BTC/USDT", "exchange": "other"}, ["trade exchange=sim symbol=BTC/USDT"], ["ETH"]),
    ("orders", {}, ["symbol=BTC/USDT", "symbol=ETH/USDT"], []),
    ("orders", NARROW, ["symbol=BTC/USDT"], ["ETH"]),
    ("balances", {}, ["BTC.total=1.5 BTC.free=1 BTC.used=0.5", "ETH.total=1.5", "USDT.total=1.5"], []),
    ("balances", {"currency": "BTC"}, ["BTC.total=1.5"], ["ETH", "USDT"]),
    ("bars", {}, ["bars.ack status=ok", "bar.open=65000.5"], ["ETH"]),
    (
        "bars",
        {"symbol": "ETH/USDT", "resolution": "1D"},
        ["bars.ack", "symbol=sim:ETH/USDT resolution=1D bar.time"],
        ["BTC"],
    ),
]


@pytest.mark.parametrize(("stream", "options", "wanted", "unwanted"), STREAMS)
async def test_every_stream_is_shown_for_its_duration(
    stream: str, options: dict[str, Any], wanted: list[str], unwanted: list[str]
) -> None:
    """Wide and narrow, a line for each frame; then the counts, and exit code 0."""
    source = trading_source()
    async with (
        trading(source, bars_interval_ms=0) as server,
        watching(server.http, stream=stream, duration_s=60, **options) as command,
    ):
        await until(lambda: len(server.gateway.hub) > 0)
        trade_a_little(source)
        for text in wanted:
            await command.until_out(text)
        assert not command.task.done()
        await command.clock.advance(60)
        assert await command.ended() == 0
        assert not any(text in command.out.getvalue() for text in unwanted)
        assert command.lines[-1] == f"frames: {len(command.lines) - 1}, reconnects: 0, {ALL_THERE}"
        assert "Connected" in command.said


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        ("tickers", ["Tickers of sim at ws://", "BTC/USDT", "65000.5"]),
        ("trades", ["Trades of sim at ws://", "ETH/USDT", "buy", "65000.5"]),
        ("orders", ["Orders of sim at ws://", "o0-0", "ETH/USDT", "buy", "open", "o0-1"]),
        ("balances", ["Balances of account 1 at ws://", "1.5", "0.5", "USDT"]),
        ("bars", ["Bars of sim:BTC/USDT at 1 at ws://", "open", "2023-11-14 22:14", "65000.5"]),
    ],
)
async def test_in_a_terminal_there_is_a_table(stream: str, wanted: list[str]) -> None:
    """With the newest state in it, and the counts below; it is left standing when the command is stopped."""
    source = trading_source()
    async with (
        trading(source, bars_interval_ms=0) as server,
        watching(server.http, stream=stream, terminal=True) as command,
    ):
        await until(lambda: len(server.gateway.hub) > 0)
        trade_a_little(source)
        await command.drawn(wanted[-1])
        assert all(text in command.out.getvalue() for text in wanted)
        assert not command.said
    assert command.task.cancelled()
    assert "frames: " in command.lines[-1]
    assert "\x1b[?25h" in command.out.getvalue()  # the cursor is back


async def test_a_token_that_expires_is_replaced(log: io.StringIO) -> None:
    """After 4003 the demo is asked for a new one, without trying the old one again; one that was given ends it."""
    clock = VirtualClock(SystemClock().now_ms())
    source = trading_source()
    async with trading(source, clock=clock, longest_s=90, token_warning_ms=0) as server:
        given = tokens.sign(tokens.claims(clock.now_ms(), exp=clock.now_ms() // 1000 + 60))
        async with watching(server.http, stream="trades") as command:
            await command.until_said("Connected")
            async with watching(server.http, stream="trades", token=given) as other:
                await other.until_said("Connected")
                await until(lambda: connected_clients(server) == 2)
                await clock.advance(61)
                assert await other.ended() == 1
                assert "(4003) Give it by --token or TAPECAST_TOKEN." in other.said
            assert "4003" not in command.said
            await clock.advance(30)
            await command.until_said("(4003). Connecting again in 0.5 s.")
            await command.clock.advance(0.5)
            await command.until_said("Connected again.")
            await until(lambda: len(server.gateway.hub) > 0)
            source.trade(1, key=BTC)
            await command.until_out("trade exchange=sim")
    assert "refuse" not in log.getvalue()


async def test_a_compulsory_token_of_the_bars_socket_is_fetched() -> None:
    """Where none was given; a bad one that was given is refused in a sentence."""
    async with trading(trading_source(), bars_token="required") as server:
        async with watching(server.http) as command:
            await command.until_out("bars.ack status=ok")
        said = await refuse_to_go_on(server.http, token=TOKEN)
        assert "(HTTP 401 unauthorized)" in said
        assert "--token" in said
    async with trading(trading_source(), bars_token="required", longest_s=0) as server:
        assert "The token has expired. (HTTP 401 unauthorized)" in await refuse_to_go_on(server.http)


@pytest.mark.parametrize("stream", ["trades", "bars"])
async def test_a_failure_and_a_restart_of_the_source_are_survived(stream: str) -> None:
    """The failure is told; after 4006 it subscribes again, and that the stream began anew is told, once."""
    clock = VirtualClock(SystemClock().now_ms())
    source = trading_source()
    async with (
        trading(source, clock=clock, bars_interval_ms=0) as server,
        watching(server.http, stream=stream) as command,
        watching(server.http, stream=stream, terminal=True) as table,
    ):
        await command.until_said("Connected")
        await table.drawn("Connected" if stream == "trades" else "Subscribed to")
        await until(lambda: connected_clients(server) == 2)
        if stream == "bars":
            await command.until_out("bars.ack")
        for at in range(5):
            source.trade(60_000 * at, key=BTC)
        source.fail()
        await command.until_out("source_unavailable")
        await table.drawn("The source of sim")
        await clock.advance(1)
        await command.until_said("(4006). Connecting again in 0.5 s.")
        await command.clock.advance(0.5)
        await command.until_said("Connected again.")
        await until(lambda: len(server.gateway.hub) > 0)
        source.trade(600_000, "7", key=BTC)
        await command.until_out("=7 ")
    assert command.lines[-1].endswith("reconnects: 1, holes: 0, told: 1, doubled: 0")


async def test_what_the_server_refuses_is_told_with_what_to_do() -> None:
    """Unknown exchanges, symbols, currencies, resolutions, accounts; each with what there is."""
    async with trading(trading_source()) as server:
        for options, wanted in (
            ({"stream": "trades", "exchange": "kraken"}, "There is sim. (HTTP 404 unknown_exchange)"),
            ({"stream": "tickers", "symbol": "NOPE"}, "It has BTC/USDT, ETH/USDT. (HTTP 404 unknown_symbol)"),
            ({"stream": "balances", "currency": "XAU"}, "It has BTC, ETH, USDT. (HTTP 404 unknown_currency)"),
            ({"stream": "balances", "exchange_id": 5}, "(HTTP 403 forbidden) Give a token that allows this"),
            ({"stream": "balances", "exchange_id": 2**60}, "No address can hold this (exchange_id: "),
            ({"symbol": "NOPE"}, 'There is no symbol "sim:NOPE". Symbols look like EXCHANGE:SYMBOL. "make run" has'),
            ({"symbol": "X" * 200}, "BarsSubscribe: payload.symbol: string too long."),
            ({"resolution": "7"}, 'There is no resolution "7". There are 1, 3'),
            ({"stream": "trades", "exchange": "a/b"}, "No address can hold this (exchange: "),
            ({"stream": "trades", "token": TOKEN}, "(HTTP 401 unauthorized) Give a good token by --token"),
            ({"stream": "trades", "token": "two words"}, "The token holds what no token has"),
        ):
            assert wanted in await refuse_to_go_on(server.http, **options)
        said = await refuse_to_go_on(server.bars)  # a channel's address in place of the server's
        assert "(HTTP 404 unknown_address) Check --url" in said


async def test_the_servers_shutdown_is_waited_out() -> None:
    """4001: it comes back after the milliseconds that the shutdown frame gave, and goes on trying while none is up."""
    async with trading(trading_source()) as server, watching(server.http, stream="trades") as command:
        await command.until_said("Connected")
        server.uvicorn.should_exit = True
        await command.until_said("(4001) Connecting again in 1.2 s, as the server wants it.")
        await until(lambda: server.uvicorn.servers[0].is_serving() is False)
        await command.clock.advance(1.3)
        await command.until_said("no server at ws://")
        await command.until_said("Connecting again in 1.0 s.")
        await command.clock.advance(1)
        await command.until_said("Connecting again in 2.0 s.")
        await command.clock.advance(2)
        await command.until_said("Connecting again in 4.0 s.")


# --------------------------------------------------------------------------------------------------- the auth demo


async def test_the_auth_demo_shows_each_refusal() -> None:
    """Six refusals and a token that is let in, each with what came back in both ways; exit code 0."""
    for mode in ("http", "close"):
        async with (
            trading(trading_source(), auth_failure=mode) as server,
            watching(server.http, auth_demo=True) as command,
        ):
            assert await command.ended() == 0
            shown = command.out.getvalue()
            cases = ("no token", "garbage", "wrong key", "expired", "scope missing", "foreign account", "good token")
            assert [line.partition(":")[0] for line in command.lines if ": " in line and line[0] != " "] == [*cases]
            assert shown.count("HTTP 401 unauthorized") == (4 if mode == "http" else 0)
            assert shown.count("HTTP 403 forbidden") == (2 if mode == "http" else 0)
            assert shown.count("(1008)") == (6 if mode == "http" else 12)
            assert shown.count("  let in") == 2
            assert command.lines[-1] == "All 7 answers are as they must be."


async def test_the_auth_demo_without_a_demo() -> None:
    """With the server's secret it makes the tokens itself; with a token alone it says what it can't show."""
    clock = SystemClock()
    async with trading(trading_source(), demo=False) as server:
        good = tokens.sign(tokens.claims(clock.now_ms(), user_id="1", accounts=[1], scope="balances:read orders:read"))
        async with watching(server.http, auth_demo=True, token=good) as command:
            assert await command.ended() == 0
            assert "expired, scope missing: not shown." in command.out.getvalue()
            assert command.lines[-1] == "All 5 answers are as they must be."
        secret = {"TAPECAST_JWT_SECRET": tokens.SECRET}
        async with watching(server.http, auth_demo=True, environ=secret) as command:
            assert await command.ended() == 0
            assert command.lines[-1] == "All 7 answers are as they must be."
        assert "gives none out" in await refuse_to_go_on(server.http, auth_demo=True)
    async with (
        trading(trading_source(), longest_s=0) as server,  # what this demo gives out has always expired
        watching(server.http, auth_demo=True) as command,
    ):
        assert await command.ended() == 1
        assert "WRONG: it must be HTTP 403 forbidden, and close code 1008" in command.out.getvalue()
        assert "WRONG: it must be let in" in command.out.getvalue()
        assert command.lines[-1] == "3 of 7 answers are not as they must be."


async def test_the_auth_demo_tells_a_server_that_lets_everybody_in() -> None:
    """Each answer that is wrong is marked, and the exit code is 1."""
    fake = FakeServer([])
    fake.acts += [fake.hears({"type": "pong", "timestamp": 1}) for _ in range(20)]
    async with fake.up(), watching(fake.url, auth_demo=True, token=TOKEN) as command:
        assert await command.ended() == 1
        assert "expired, scope missing: not shown." in command.out.getvalue()
        assert command.out.getvalue().count("WRONG") == 8
        assert command.lines[-1] == "4 of 5 answers are not as they must be."


async def test_the_auth_demo_does_not_wait_for_a_mute_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lets in and then says nothing is no Tapecast."""
    monkeypatch.setattr("gateway.watch.refusals._ANSWER_S", 0.0)
    fake = FakeServer([])
    async with fake.up():
        said = await refuse_to_go_on(fake.url, auth_demo=True, token=TOKEN)
    assert "accepts the connection and then says nothing: check --url." in said


# ------------------------------------------------------------------------------------------------- the fake server


def watching_trades(fake: FakeServer, **options: Any) -> Any:
    """Watch the trades of the fake server."""
    return watching(fake.url, **{"stream": "trades", "token": TOKEN, **options})


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013, 4001, 4002, 4004, 4005, 4006, 4007, 4499])
async def test_codes_that_mean_come_back(code: int) -> None:
    """It waits, comes back to the same address with the same token, and counts."""
    fake = FakeServer([sends(ready(0), trade(1, 0), close=code), sends(ready(1, recovered=True), trade(2, 1))])
    async with fake.up(), watching_trades(fake) as command:
        await command.until_said(f"({code}). Connecting again in 0.5 s.")
        await command.clock.advance(0.49)
        assert len(fake.seen) == 1
        await command.clock.advance(0.02)
        await command.until_out("seq=2")
        assert command.said.endswith("Connected again.\n")
    assert command.lines[-1] == f"frames: 4, reconnects: 1, {ALL_THERE}"
    first, second = fake.seen
    assert first.path == "/api/v1/cache/ws/trades/sim?replay=20"
    assert second.path == "/api/v1/cache/ws/trades/sim?replay=20&seq=1&epoch=e1"
    assert second.headers["Authorization"] == f"Bearer {TOKEN}"
    assert second.headers["Sec-WebSocket-Protocol"] == "tapecast.v1"


async def test_a_connection_that_breaks_is_made_anew() -> None:
    """1006: there was no close frame. The wait doubles, up to 30 s; a connection that lives a while starts it over."""
    fake = FakeServer([breaks(ready(0), trade(1, 0)), *([breaks()] * 8)])
    async with fake.up(), watching_trades(fake) as command:
        for count, wait in enumerate((0.5, 1, 2, 4, 8, 16, 30, 30, 30)):
            await command.until_said("broke without a close frame", count + 1)
            assert f"Connecting again in {wait:.1f} s." in command.said.splitlines()[-1]
            await command.clock.advance(wait)
        await until(lambda: len(fake.connections) == 10)
        await command.clock.advance(5)
        await fake.connections[-1].close(4002)
        await command.until_said("(4002). Connecting again in 0.5 s.")


@pytest.mark.parametrize(("stream", "is_flat"), [("trades", True), ("bars", False)])
async def test_the_shutdown_frame_says_when_to_come_back(stream: str, *, is_flat: bool) -> None:
    """On both kinds of sockets, whatever code it closes with, though it closes at once; and only where it says so."""
    members = {"reconnect_after_ms": 2500}
    frame: dict[str, Any] = {"type": "shutdown", **(members if is_flat else {"payload": members})}
    first = ready(0) if is_flat else ack(0)
    fake = FakeServer([sends(first, frame, close=4001), sends(first, frame, close=4002), sends(first, close=4001)])
    async with fake.up(), watching(fake.url, stream=stream, token=TOKEN) as command:
        for count in (1, 2):
            await command.until_said("in 2.5 s, as the server wants it.", count)
            await command.clock.advance(2.5)
        await command.until_said("(4001). Connecting again in 2.0 s.")


@pytest.mark.parametrize("code", [1000, 1002, 1003, 1007, 1008, 1009, 4501, 4502, 4504, 4999])
async def test_codes_that_mean_stop(code: int) -> None:
    """A sentence with the code, the counts, exit code 1."""
    fake = FakeServer([sends(ready(0), trade(1, 0), close=code)])
    async with fake.up(), watching_trades(fake) as command:
        assert await command.ended() == 1
        assert f"({code})" in command.said
        assert command.lines[-1] == f"frames: 2, reconnects: 0, {ALL_THERE}"
        assert ("make run" in command.said) == (code == 4504)


async def test_a_token_is_made_with_the_servers_secret() -> None:
    """Where the server gives none out; after 4003 another one; a secret that doesn't do is told and not shown."""
    clock = VirtualClock(SystemClock().now_ms())
    source = trading_source()
    issued = {"TAPECAST_JWT_ISSUER": tokens.ISSUER, "TAPECAST_JWT_AUDIENCE": tokens.AUDIENCE}
    settings: dict[str, Any] = {"jwt_issuer": tokens.ISSUER, "jwt_audience": tokens.AUDIENCE, "token_warning_ms": 0}
    async with trading(source, clock=clock, demo=False, **settings) as server:
        environ = {"TAPECAST_JWT_SECRET": tokens.SECRET, **issued}
        async with watching(server.http, stream="balances", environ=environ, clock=clock) as command:
            await until(lambda: len(server.gateway.hub) > 0)
            secret = environ.pop("TAPECAST_JWT_SECRET")  # or it would be renewed in time
            await clock.advance(3571)
            await command.until_said("there is no new one")
            async with asyncio.timeout(20):
                while "(4003). Connecting again in 0.5 s." not in command.said:
                    await clock.advance(0.1)
                    await asyncio.sleep(0.002)  # what comes over the socket takes real time
            environ["TAPECAST_JWT_SECRET"] = secret
            await clock.advance(0.5)
            await command.until_said("Connected again.")
        environ["TAPECAST_JWT_SECRET"] = "too short"
        said = await refuse_to_go_on(server.http, stream="orders", environ=environ)
        assert said.startswith("TAPECAST_JWT_SECRET does not do: ")
        assert "too short" not in said
        said = await refuse_to_go_on(server.http, stream="orders")
        assert "gives none out (it is not in demo mode). Give one by --token" in said


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        ("{", "Invalid JSON"),
        ("[]", "Input should be"),
        ({"price": 1}, "Unable to extract tag"),
        (trade(1, 0, price="65012.37"), "price: Input should be"),
        (trade(1, 0, side="both"), "side: Input should be 'buy' or 'sell'"),
        ({name: value for name, value in trade(1, 0).items() if name != "seq"}, "seq: Field required"),
        (b"{}", "binary frame"),
        ("x" * 5000, "Invalid JSON"),
    ],
)
async def test_a_frame_that_the_document_does_not_allow_is_told(frame: Any, place: str) -> None:
    """With what is wrong with it and the frame's beginning, on one line; exit code 1."""
    fake = FakeServer([sends(ready(0), trade(1, 0), frame)])
    async with fake.up(), watching_trades(fake) as command:
        assert await command.ended() == 1
        assert place in command.said.splitlines()[-1]
        assert len(command.said.splitlines()[-1]) < 600


async def test_unknown_types_and_members_are_ignored() -> None:
    """Both may be added to the contract at any time."""
    fake = FakeServer([sends(ready(0), {"type": "news", "from_seq": 3}, trade(1, 0, venue="x"))])
    async with fake.up(), watching_trades(fake) as command:
        await command.until_out(" seq=1")
    assert command.lines[-1] == f"frames: 3, reconnects: 0, {ALL_THERE}"


async def test_a_server_without_our_subprotocol_or_ready_is_told() -> None:
    """Without them nobody could say whether something is missing."""
    fake = FakeServer([], speaks_v1=False)
    async with fake.up():
        assert "does not speak tapecast.v1: check --url." in await refuse_to_go_on(fake.url)
    fake = FakeServer([sends(trade(1, 0))])
    async with fake.up():
        said = await refuse_to_go_on(fake.url, stream="trades", token=TOKEN)
        assert said == "The server's first frame is not ready, which the document wants it to be."


async def come_back(command: Watching, times: int = 1) -> None:
    """Let the waits before the first so many reconnects pass."""
    for count in range(1, times + 1):
        await command.until_said("Connecting again in ", count)
        await command.clock.advance(float(re.findall(r"again in ([\d.]+) s", command.said)[count - 1]))


async def test_what_is_missing_is_counted_by_who_told_it() -> None:
    """A silent hole, a gap that the server tells, a new epoch; and what comes twice is not shown again."""
    acts = [
        sends(ready(0), trade(1, 0), trade(3, 2), close=4002),
        sends(ready(6), gap(4, 6), trade(7, 5), trade(7, 5), trade(8, 7), close=4006),
        sends(ready(30, epoch="e2"), gap(0, 30, epoch="e2"), trade(31, 30), close=4002),
        sends(ready(31, epoch="e2", recovered=True), trade(31, 30), trade(32, 31)),
    ]
    fake = FakeServer(acts)
    async with fake.up(), watching_trades(fake) as command:
        await come_back(command, 3)
        await command.until_out(" seq=32")
        assert command.said.count("nobody said so") == 1
        assert "The server no longer has the frames 4 to 6. It keeps 100 frames, for 60 s." in command.said
        assert "The stream began anew" in command.said
        assert command.said.count("a second time") == 2
        assert command.out.getvalue().count(" seq=7 ") == command.out.getvalue().count(" seq=31 prev") == 1
    assert [request.path.partition("?")[2] for request in fake.seen] == [
        "replay=20",
        "replay=20&seq=3&epoch=e1",
        "replay=20&seq=8&epoch=e1",
        "replay=20&seq=31&epoch=e2",
    ]
    assert command.lines[-1] == "frames: 14, reconnects: 3, holes: 1, told: 2, doubled: 2"


async def test_a_subscription_to_bars_resumes() -> None:
    """With the position in the request; corrections count; a reset is told, and a snapshot fills the table again."""
    fake = FakeServer([])
    fake.acts += [
        fake.hears(ack(5), snapshot(5, 60_000), bar(6, 5), correction(7, 6, close=1.7), close=4002),
        fake.hears(ack(7, recovered=True), bar(8, 7), close=4002),
        fake.hears(ack(20, recovered=False), reset(20, "too_old"), snapshot(20), bar(21, 20), close=4002),
        fake.hears(ack(3, epoch="e2", recovered=False), reset(3, "other_epoch", epoch="e2"), snapshot(3, epoch="e2")),
    ]
    async with fake.up(), watching(fake.url) as command:
        await come_back(command, 3)
        await command.until_out("bars.snapshot", 3)
        assert "revision=1" in command.out.getvalue()
        assert "don't join those before: the server no longer has what came between." in command.said
        assert "don't join those before: the stream began anew." in command.said
    payloads = [frame["payload"] for frame in fake.received]
    assert [payload.get("resume") for payload in payloads] == [
        None,
        {"epoch": "e1", "seq": 7},
        {"epoch": "e1", "seq": 8},
        {"epoch": "e1", "seq": 21},
    ]
    assert {payload["snapshot"] for payload in payloads} == {20}
    assert command.lines[-1] == "frames: 13, reconnects: 3, holes: 0, told: 2, doubled: 0"


async def test_what_stands_comes_again_when_it_was_cut() -> None:
    """Balances have no position of their own: until the ping behind them is answered, nothing is resumed."""

    def stands(*before: dict[str, Any], after: dict[str, Any], close: int | None = None) -> Act:
        """Return an act that sends what stands, and the rest once it has answered the ping behind that."""

        async def act(connection: ServerConnection) -> None:
            for frame in before:
                await connection.send(json.dumps(frame))
            ping = json.loads(await connection.recv())
            await connection.send(json.dumps({**PONG, "id": ping["id"]}))
            await sends(after, close=close)(connection)

        return act

    first, eighth = balance(5, 5, initial=True), balance(8, 8, initial=True)
    acts = [
        sends(ready(5), first, close=4002),
        stands(ready(5), first, after=balance(6, 5), close=4002),
        sends(ready(8), gap(7, 8), eighth, close=4002),
        stands(ready(9), balance(9, 9, initial=True), after=balance(10, 6)),
    ]
    fake = FakeServer(acts)
    async with fake.up(), watching(fake.url, stream="balances", token=TOKEN) as command:
        await come_back(command, 3)
        await command.until_out(" seq=10")
        assert "before all of what stood had come" in command.said
    assert [request.path.partition("?")[2] for request in fake.seen] == ["", "", "seq=6&epoch=e1", ""]
    assert command.lines[-1] == "frames: 13, reconnects: 3, holes: 0, told: 2, doubled: 0"


async def test_history_can_be_left_out() -> None:
    """`--history 0` asks for none; what is out of bounds is told."""
    fake = FakeServer([sends(ready(0))])
    fake.acts.append(fake.hears(ack(0)))
    async with fake.up():
        async with watching_trades(fake, history=0) as command:
            await command.until_said("Connected")
        async with watching(fake.url, history=0) as command:
            await command.until_said("Connected")
        for history in (-1, 1001):
            assert await refuse_to_go_on(fake.url, history=history) == "--history must be from 0 to 1000."
    assert fake.seen[0].path == "/api/v1/cache/ws/trades/sim"
    assert fake.received[0]["payload"]["snapshot"] == 0


@pytest.mark.parametrize("stream", ["trades", "bars", "orders", "balances"])
@pytest.mark.parametrize("is_narrow", [True, False])
async def test_a_cut_in_the_middle_is_made_good(stream: str, *, is_narrow: bool) -> None:
    """Over three cuts of the real server's connections: every position is shown once, in order, and nothing else."""
    source = trading_source()
    narrow: dict[str, Any] = {} if not is_narrow else {"currency": "BTC"} if stream == "balances" else NARROW
    moment = 0

    def happen() -> None:
        nonlocal moment
        for _ in range(3):
            moment += 1
            for key in (BTC, ETH):
                source.trade(moment * 60_000, key=key)
                source.order(f"o{moment}", key=key)
            for currency in ("BTC", "ETH"):
                source.balance(currency, str(moment))

    async with (
        trading(source, bars_interval_ms=0) as server,
        watching(server.http, stream=stream, **narrow) as command,
    ):
        await command.until_said("Connected")
        if stream in ("orders", "balances"):
            await command.until_out("pong")
        for count in range(1, 4):
            happen()
            for protocol in list(server.uvicorn.server_state.connections):
                protocol.transport.abort()
            happen()
            await until(lambda: connected_clients(server) == 0)
            happen()
            await command.until_said("broke without a close frame", count)
            await command.clock.advance(2 ** (count - 2))
            await command.until_said("Connected again", count)
        last = {"bars": r"final=true seq=26 "}.get(stream, r"seq=(53|54) ")
        await until(lambda: re.search(last, command.out.getvalue()) is not None)
        changes = [line for line in command.lines if " prev=" in line and "initial=true" not in line]
    seqs = [int(found.group(1)) for line in changes if (found := re.search(r" seq=(\d+)", line))]
    assert seqs == list(range(1, 27)) if stream == "bars" else list(range(1, 55, 2 if is_narrow else 1))
    assert command.lines[-1].endswith(f"reconnects: 3, {ALL_THERE}")


async def test_late_trades_and_history_are_shown_by_the_real_server() -> None:
    """Closed bars and the last trades come first; the correction of a bar takes its row."""
    source = trading_source()
    async with trading(source, bars_interval_ms=0) as server:
        for minute in range(4):
            source.trade(minute * 60_000, str(100 + minute), key=BTC)
        async with watching(server.http, stream="trades") as command:
            await command.until_out("trade exchange=sim", 4)
        async with watching(server.http) as command, watching(server.http, terminal=True) as table:
            await command.until_out("bars.snapshot")
            await table.drawn("102")
            await until(lambda: connected_clients(server) == 2)
            source.trade(60_500, "999.5", key=BTC)
            await command.until_out("bars.correction")
            await table.drawn("corrected 1")
        assert command.lines[-1].endswith(f"reconnects: 0, {ALL_THERE}")


@pytest.mark.parametrize("stream", ["trades", "bars"])
async def test_a_token_is_renewed_before_it_ends(stream: str) -> None:
    """A new one of the demo's is sent half a minute before; the connection outlives the first one."""
    clock = VirtualClock(SystemClock().now_ms())
    source = trading_source()
    settings: dict[str, Any] = {"bars_token": "required"}
    async with (
        trading(source, clock=clock, longest_s=300, **settings) as server,
        watching(server.http, stream=stream, clock=clock) as command,
    ):
        await command.until_said("Connected")
        for count in range(1, 4):
            await clock.advance(271)
            await command.until_said("The token was renewed.", count)
        await clock.advance(200)
        assert connected_clients(server) == 1
        assert "4003" not in command.said


async def test_a_token_that_cannot_be_renewed_is_told() -> None:
    """One that was given; one that nobody gives out any more; one that the server does not take."""
    fake = FakeServer([sends(ready(0), {"type": "auth.expiring", "expires_at": 1})])
    async with fake.up(), watching_trades(fake) as command:
        await command.until_said("A new one is needed. Give it by --token")
    clock = VirtualClock(SystemClock().now_ms())
    gone, other = {"TAPECAST_JWT_SECRET": tokens.SECRET}, {"TAPECAST_JWT_SECRET": tokens.SECRET}
    async with (
        trading(trading_source(), clock=clock, demo=False) as server,
        watching(server.http, stream="trades", environ=gone, clock=clock) as command,
        watching(server.http, stream="trades", environ=other, clock=clock) as table,
    ):
        await command.until_said("Connected")
        await table.until_said("Connected")
        gone.clear()
        other["TAPECAST_JWT_SECRET"] = "x" * 48
        await clock.advance(3571)
        await command.until_said("The token expires soon, and there is no new one: this needs a token")
        await table.until_out("auth.ack status=error")
        assert "renewed" not in table.said
        assert connected_clients(server) == 2


async def test_what_answers_but_is_no_tapecast() -> None:
    """HTTP answers without our body; words that are no HTTP; none at all: each is told with what to check."""
    fake = FakeServer([])
    async with fake.up():
        for status in (200, 404, 502):
            fake.answer = answers(status)
            said = await refuse_to_go_on(fake.url, token=TOKEN)
            assert said.endswith(f"(HTTP {status}): check --url.")
        fake.answer = answers(404, {"detail": "x"})
        assert "is no Tapecast" in await refuse_to_go_on(fake.url, token=TOKEN)

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-babble\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert "is no Tapecast: check --url." in await refuse_to_go_on(url)
        assert "is no Tapecast: check --url." in await refuse_to_go_on(url, stream="trades")
        assert "no TLS at wss://" in await refuse_to_go_on(url.replace("ws", "wss"))
        assert "no TLS at wss://" in await refuse_to_go_on(url.replace("ws", "https"), stream="trades")


@pytest.mark.parametrize("stream", ["bars", "trades"])
async def test_no_server_is_told_with_what_to_do(stream: str, unused_tcp_port: int) -> None:
    """With and without a token to be fetched first."""
    url = f"ws://localhost:{unused_tcp_port}"
    said = await refuse_to_go_on(url, stream=stream)
    assert said == f'no server at {url}: start one with "make run", or name another with --url.'
    assert "is not known: check --url." in await refuse_to_go_on("ws://nowhere.invalid", stream=stream)
    assert "no server" in await refuse_to_go_on(url, auth_demo=True)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://x", "ws://", "ws://h:port", "ws://h?token=x", "ws://u:p@h", "ws://[::1"]
)
async def test_an_address_that_is_none_is_told(url: str) -> None:
    """With one that does; what was given is not repeated: it may hold a token."""
    assert await refuse_to_go_on(url) == "--url must look like ws://127.0.0.1:8000 (or wss://, for TLS)."


async def test_a_busy_server_is_tried_again() -> None:
    """503 and 429 with our body mean later; any other answer is told."""
    fake = FakeServer([sends(ready(0))])
    busy = [(503, {"code": "shutting_down", "message": "Later."}), (429, {"code": "busy", "message": "Later."})]
    fake.answer = lambda request: busy.pop(0) if busy else None
    async with fake.up():
        async with watching_trades(fake) as command:
            await command.until_said("Later. (HTTP 503 shutting_down). Connecting again in 0.5 s.")
            await command.clock.advance(0.5)
            await command.until_said("Later. (HTTP 429 busy). Connecting again in 1.0 s.")
            await command.clock.advance(1)
            await command.until_said("Connected")
        fake.answer = answers(400, {"code": 7})
        assert "is no Tapecast" in await refuse_to_go_on(fake.url, token=TOKEN)
        fake.answer = answers(400, {"code": "strange"})
        assert "It gives no reason. (HTTP 400 strange)" in await refuse_to_go_on(fake.url, token=TOKEN)


# ------------------------------------------------------------------------------------------------------- the parts


def test_each_gap_has_its_sentence() -> None:
    """With what is known of it; silent are those of which the server should have spoken."""
    told = Missed("trades", None, 3, 4, "e1", told=True, why="gap", message=Gap.model_validate(gap(3, 4, key="A")))
    assert text_of(told, None) == "The server no longer has the frames 3 to 4 of A."
    kinds: tuple[Literal["hole", "not_recovered", "epoch", "cut"], ...] = ("hole", "not_recovered", "epoch", "cut")
    found = [Missed("trades", None, None, None, "e1", told=False, why=why) for why in kinds]
    assert [is_silent(missed) for missed in (told, *found)] == [False, True, True, False, False]
    assert ["nobody said so" in text_of(missed, None) for missed in found] == [True, True, False, False]
    assert "began anew" in text_of(found[2], None)
    assert "before all of what stood had come" in text_of(found[3], None)


def test_a_line_says_all_of_a_frame_and_can_be_read_back() -> None:
    """What would blur a line's parts is quoted; nothing in it is a control character."""
    message = Trade.model_validate(trade(2, 1, symbol='a b="c"', trade_id="\x1b[2J", exchange=""))
    line = line_of(message)
    assert line.startswith(
        'trade exchange="" symbol="a b=\\"c\\"" trade_id="\\u001b[2J" timestamp=1793325600123 price=65012.37'
    )
    assert line.endswith("seq=2 prev=1")
    assert line.isprintable()


def test_rows_survive_what_is_strange() -> None:
    """Control characters, times beyond the calendar, a frame that is no data."""
    (row,) = rows_of(Trade.model_validate(trade(2, 1, symbol="\x1b[2J", timestamp=10**18)))
    assert row[1][:2] == (str(10**18), "'\\x1b[2J'")
    assert rows_of(BarsAck.model_validate(ack(1))) == []


@pytest.mark.parametrize("count", [30, MOST_ROWS + 5])
async def test_a_table_shows_the_newest_rows_that_fit(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into 25 lines, with the counts and the note below."""
    monkeypatch.setenv("LINES", "25")
    monkeypatch.setenv("COLUMNS", "80")
    fake = FakeServer([sends(ready(0), *(trade(seq, 0, symbol=f"S{seq}") for seq in range(1, count + 1)))])
    async with fake.up(), watching_trades(fake, terminal=True) as command:
        await command.drawn(f"frames: {count + 1}")
        newest = command.out.getvalue().rpartition("Trades of sim at")[2]
        assert re.findall(r" (S\d+) ", newest) == [f"S{seq}" for seq in range(count - 16, count + 1)]
        assert "Connected: Trades of sim." in newest


async def test_the_errors_of_the_bars_socket_are_shown_in_the_table() -> None:
    """One that answers another request ends nothing."""
    error = {"type": "error", "payload": {"code": "rate_limited", "message": "Too fast."}}
    failed = {"symbol": "sim:BTC/USDT", "resolution": "1", "code": "source_unavailable", "error": "It failed."}
    fake = FakeServer([sends(error), sends({"type": "bars.error", "payload": failed})])
    async with fake.up():
        for text in ("Too fast.", "It failed."):
            async with watching(fake.url, terminal=True) as command:
                await command.drawn(text)


# ----------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TAPECAST_"):
            monkeypatch.delenv(name)


def environment(**variables: str) -> dict[str, str]:
    """Return the environment without TAPECAST_*, and with these."""
    return {key: value for key, value in os.environ.items() if not key.startswith("TAPECAST_")} | variables


async def test_the_command_in_a_process_of_its_own() -> None:
    """By the environment's address and token; lines come at once, then the counts; exit code 0."""
    source = trading_source()
    async with trading(source) as server:
        token = tokens.sign(tokens.claims(SystemClock().now_ms()))
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *("watch", "--stream", "trades", "--symbol", "BTC/USDT", "--duration", "60"),
            env=environment(TAPECAST_URL=server.http, TAPECAST_TOKEN=token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        await until(lambda: len(server.gateway.hub) > 0)
        source.trade(0, key=BTC)
        async with asyncio.timeout(20):
            assert (await process.stdout.readline()).startswith(b"ready epoch=")
            # Whether the client asks if all of what stands has come depends on what comes first.
            while (line := await process.stdout.readline()).startswith(b"pong "):
                pass
            assert line.startswith(b"trade exchange=sim symbol=BTC/USDT")
            process.send_signal(signal.SIGINT)
            printed, said = await process.communicate()
    assert process.returncode == 0
    assert re.fullmatch(rf"(pong .*\n)?frames: [23], reconnects: 0, {ALL_THERE}\n", printed.decode())
    assert said.decode() == "tapecast: Connected: Trades of sim, BTC/USDT.\n"


async def test_the_command_ends_by_itself_and_at_sigterm() -> None:
    """After its duration, and when the process is told to end: the counts, exit code 0, no traceback."""
    async with trading(trading_source()) as server:
        for duration in ("0.2", "60"):
            process = await asyncio.create_subprocess_exec(
                COMMAND,
                *("watch", "--url", server.http, "--duration", duration),
                env=environment(),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            if duration == "60":
                assert process.stdout is not None
                async with asyncio.timeout(20):
                    await process.stdout.readline()
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                printed, said = await process.communicate()
            assert process.returncode == 0
            assert printed.splitlines()[-1].startswith(b"frames: ")
            assert b"Traceback" not in said


@pytest.mark.usefixtures("_no_variables")
def test_the_options_reach_the_command(unused_tcp_port: int) -> None:
    """All of them are there; what they ask for is not."""
    words = (
        "watch --stream balances --exchange x --exchange-id 2 --currency BTC --resolution 1D --history 5 --duration 5 "
        f"--auth-demo --url ws://127.0.0.1:{unused_tcp_port} --token {TOKEN}"
    )
    result = CliRunner().invoke(cli, words.split())
    assert result.exit_code == 1
    assert "make run" in result.output
    assert TOKEN not in result.output
    assert CliRunner().invoke(cli, ["watch", "--stream", "candles"]).exit_code == 2


class Ending(io.StringIO):
    """Output that ends the command in some way of its own."""

    def __init__(self, how: type[BaseException]) -> None:
        super().__init__()
        self.how = how

    def isatty(self) -> bool:
        if self.how is KeyboardInterrupt:
            raise self.how
        return False

    def write(self, text: str) -> int:
        raise self.how


async def test_an_interrupted_command_and_one_whose_reader_has_left_end_quietly() -> None:
    """Ctrl-C: exit code 0, for the demonstration 130; `tapecast watch | head`: 0."""

    def ending(how: type[BaseException], *, auth_demo: bool = False) -> int:
        around = Surroundings(environ={}, out=Ending(how), err=io.StringIO(), clock=SystemClock(), draw=lambda: 0.0)
        return run(Options(url=fake.url, stream="trades", token=TOKEN, auth_demo=auth_demo), around)

    fake = FakeServer([sends(ready(0), trade(1, 0)), sends(ready(0), trade(1, 0))])
    async with fake.up():
        assert await asyncio.to_thread(ending, BrokenPipeError) == 0
        assert await asyncio.to_thread(ending, KeyboardInterrupt) == 0
        assert await asyncio.to_thread(ending, KeyboardInterrupt, auth_demo=True) == 130


def test_a_command_imports_what_it_needs_alone() -> None:
    """The help of `watch` waits for no server, and that of `serve` for no table."""
    code = (
        "import sys, gateway.cli; heavy = {'fastapi', 'uvicorn', 'pydantic', 'rich', 'jwt', 'picows', 'websockets'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_client_is_in_the_package(tmp_path: Path) -> None:
    """In the wheel, and on the path of an editable install; its WebSocket library is a dependency."""
    builders = pytest.importorskip("hatchling.builders.wheel", reason="the builder is in an environment of its own")
    builder = builders.WheelBuilder(str(ROOT))
    with ZipFile(next(builder.build(directory=str(tmp_path / "wheel"), versions=["standard"]))) as wheel:
        assert "tapecast_client/client.py" in wheel.namelist()
        metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        assert "Requires-Dist: picows" in wheel.read(metadata).decode()
    with ZipFile(next(builder.build(directory=str(tmp_path / "editable"), versions=["editable"]))) as wheel:
        [path] = [name for name in wheel.namelist() if name.endswith(".pth")]
        assert str(ROOT / "clients" / "python") in wheel.read(path).decode().splitlines()


@pytest.mark.usefixtures("_no_variables")
def test_the_clients_variables_do_not_stop_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """TAPECAST_URL and TAPECAST_TOKEN may stand in the environment of `tapecast serve`."""
    monkeypatch.setenv("TAPECAST_URL", "ws://127.0.0.1:1")
    monkeypatch.setenv("TAPECAST_TOKEN", "x")
    assert load_settings().port == 8000
