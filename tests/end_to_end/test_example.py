"""The example: what a bot writer copies does what it says, against the real server and against a fake one."""

import ast
import asyncio
import io
import os
import re
import runpy
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from examples import example_cache_websocket as example
from streaming.clock import SystemClock
from tests.support import tokens
from tests.support.clock import VirtualClock
from tests.support.fake_server import (
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
    trade,
)
from tests.support.server import until
from tests.support.trading import BTC, ETH, trade_a_little, trading, trading_source

PROGRAM = Path(example.__file__)
TOKEN = "header.payload.signature"


@pytest.fixture(autouse=True)
def _no_variables_and_no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "random", SimpleNamespace(uniform=lambda least, most: 0.0))
    for name in list(os.environ):
        if name.startswith("TAPECAST_"):
            monkeypatch.delenv(name)


@dataclass
class Program:
    """The example, running, and what it printed."""

    client: example.Client
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)
    task: asyncio.Task[int] = field(init=False)

    async def run(self) -> int:
        """Run it; returns its exit code."""
        args = self.client.args
        try:
            await (example.auth_demo(args) if args.auth_demo else self.client.run())
        except SystemExit as end:
            print(end, file=self.err)
            return 1
        return 0

    @property
    def waits(self) -> list[float]:
        """How long it wanted to wait before each reconnect."""
        return [float(wait) for wait in re.findall(r"again in ([0-9.]+) s", self.err.getvalue())]

    async def until(self, text: str, count: int = 1) -> None:
        """Wait until a text was printed so often, on either side."""

        def written() -> str:
            return self.out.getvalue() + self.err.getvalue()

        await until(lambda: written().count(text) >= count or self.task.done())
        assert written().count(text) >= count, written()

    def seqs(self, tag: str) -> list[int]:
        """Return the positions of the counted frames of a type that it used, in order."""
        frames = [ast.literal_eval(line) for line in self.out.getvalue().splitlines()]
        payloads = [frame.get("payload", frame) for frame in frames if frame["type"] == tag]
        return [payload["seq"] for payload in payloads if "prev" in payload and "initial" not in payload]

    async def ended(self) -> int:
        """Wait for the end; returns the exit code."""
        async with asyncio.timeout(20):
            return await self.task


@asynccontextmanager
async def started(url: str, *words: str) -> AsyncIterator[Program]:
    """Run the example with these options until the test is over. Whatever it prints, no token is in it."""
    program = Program(example.Client(example.read_args(["--url", url.replace("http", "ws", 1), *words])))
    with redirect_stdout(program.out), redirect_stderr(program.err):
        program.task = asyncio.create_task(program.run())
        try:
            yield program
        finally:
            program.task.cancel()
            await asyncio.wait([program.task])
    written = program.out.getvalue() + program.err.getvalue()
    assert "eyJ" not in written
    assert TOKEN not in written


async def refuse_to_go_on(url: str, *words: str) -> str:
    """Run it where it has to end with exit code 1 on its own; returns what it says."""
    async with started(url, *words) as program:
        assert await program.ended() == 1
        return program.err.getvalue()


def trades_of(fake: FakeServer) -> Any:
    """Run it on the trades of the fake server."""
    return started(fake.url, "--stream", "trades", "--token", TOKEN)


@pytest.mark.parametrize(
    ("words", "wanted", "unwanted"),
    [
        ("tickers", ["'type': 'ticker', 'exchange': 'sim', 'symbol': 'BTC/USDT'", "ETH/USDT"], "NONE"),
        ("tickers --symbol BTC/USDT", ["'symbol': 'BTC/USDT'", "'price': 65000.5"], "ETH"),
        ("trades", ["'type': 'trade', 'exchange': 'sim', 'symbol': 'BTC/USDT'", "ETH/USDT"], "NONE"),
        ("trades --symbol BTC/USDT", ["'symbol': 'BTC/USDT'", "'price': 65000.5"], "ETH"),
        ("orders", ["'order_id': 'o0-0'", "'order_id': 'o0-1'"], "NONE"),
        ("orders --symbol BTC/USDT", ["'order_id': 'o0-0'"], "ETH"),
        ("balances", ["'BTC': {'total': 1.5", "'ETH': {", "'USDT': {"], "NONE"),
        ("balances --exchange-id 1 --currency BTC", ["'BTC': {'total': 1.5"], "ETH"),
        ("bars", ["'close': 65000.5"], "ETH"),
        ("bars --symbol ETH/USDT --resolution 1D", ["'close': 65000.5"], "BTC"),
    ],
)
async def test_every_stream_is_printed(words: str, wanted: list[str], unwanted: str) -> None:
    """Wide and narrow; nothing is missing."""
    source = trading_source()
    async with (
        trading(source, bars_interval_ms=0) as server,
        started(server.http, "--stream", *words.split()) as program,
    ):
        await until(lambda: len(server.gateway.hub) > 0)
        trade_a_little(source)
        for text in wanted:
            await program.until(text)
        assert unwanted not in program.out.getvalue()
    assert program.err.getvalue() == ""


@pytest.mark.parametrize("stream", ["trades", "bars", "orders", "balances"])
@pytest.mark.parametrize("is_narrow", [True, False])
async def test_a_cut_in_the_middle_is_made_good(stream: str, *, is_narrow: bool) -> None:
    """Over three cuts, each with events while nobody is connected: every position comes once, in order."""
    source = trading_source()
    narrow = {"balances": ["--currency", "BTC"]}.get(stream, ["--symbol", "BTC/USDT"]) if is_narrow else []
    async with (
        trading(source, bars_interval_ms=0) as server,
        started(server.http, "--stream", stream, *narrow) as program,
    ):
        await until(lambda: len(server.gateway.hub) > 0)
        await program.until("'bars.ack'" if stream == "bars" else "'pong'")
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

        for count in range(1, 4):
            happen()
            before = set(server.gateway.server.sessions)
            for protocol in list(server.uvicorn.server_state.connections):
                protocol.transport.abort()
            happen()
            await program.until("connecting again", count)
            await until(lambda: bool(set(server.gateway.server.sessions) - before))  # noqa: B023
        happen()
        last = 20 if stream == "bars" else 41 if is_narrow else 42
        tag = {"trades": "trade", "bars": "bars.update", "orders": "order", "balances": "balances"}[stream]
        await until(lambda: last in program.seqs(tag))
        seqs = program.seqs(tag)
    assert seqs == (list(range(1, 21)) if stream == "bars" else list(range(1, 43, 2 if is_narrow else 1)))
    said = program.err.getvalue()
    assert "gap" not in said
    assert "hole" not in said


async def test_it_goes_on_where_it_was() -> None:
    """By `?epoch=&seq=` or `resume`, at the greatest position; what comes again is not used again."""
    acts = [sends(ready(4), trade(5, 4), trade(6, 3, symbol="ETH/USDT"), close=4002)]
    fake = FakeServer([*acts, sends(ready(6, recovered=True), trade(6, 3, symbol="ETH/USDT"), trade(7, 5))])
    async with fake.up(), trades_of(fake) as program:
        await program.until("'seq': 7")
        assert program.seqs("trade") == [5, 6, 7]
    assert [request.path.partition("?")[2] for request in fake.seen] == ["", "epoch=e1&seq=6"]
    assert program.err.getvalue().count("\n") == 1
    fake = FakeServer([])
    still_open = bar(7, 6, final=False)
    del still_open["payload"]["prev"]
    fake.acts += [
        fake.hears(ack(5), bar(6, 5), correction(7, 6), still_open, close=4002),
        fake.hears(ack(7, recovered=True), bar(8, 7)),
    ]
    async with fake.up(), started(fake.url) as program:
        await program.until("'seq': 8")
    wanted = {"symbol": "sim:BTC/USDT", "resolution": "1"}
    assert [frame["payload"] for frame in fake.received] == [
        wanted,
        {**wanted, "resume": {"epoch": "e1", "seq": 7}},
    ]
    assert program.err.getvalue().count("\n") == 1


async def test_what_is_lost_is_said() -> None:
    """`gap` and `bars.reset` as gaps; frames that are missing with no word said as silent holes."""
    acts = [
        sends(ready(0), trade(1, 0), trade(2, 0, symbol="A"), trade(4, 3), {"type": "new"}, close=4002),
        sends(ready(6), gap(5, 6), trade(7, 5), trade(9, 8), close=4006),
        sends(ready(20, epoch="e2"), gap(0, 20, epoch="e2"), trade(21, 19)),
    ]
    fake = FakeServer(acts)
    async with fake.up(), trades_of(fake) as program:
        await program.until("'seq': 21")
    said = program.err.getvalue().splitlines()
    assert [line for line in said if "hole" in line] == [
        "a silent hole before seq 4 of BTC/USDT",
        "a silent hole before seq 9 of BTC/USDT",
    ]
    assert sum("a gap after" in line for line in said) == 2
    fake = FakeServer([sends(ack(5), bar(6, 5), close=4002), sends(ack(9, recovered=False), reset(9, "too_old"))])
    async with fake.up(), started(fake.url) as program:
        await program.until("'bars.reset'")
        assert "a gap after {'epoch': 'e1', 'seq': 6}" in program.err.getvalue()


async def test_a_cut_within_what_stands_brings_it_again() -> None:
    """Balances are whole only when the ping behind them is answered: until then it does not resume."""
    first = balance(5, 5, initial=True)
    pong = {"type": "pong", "timestamp": 1}
    acts = [
        sends(ready(5), first, close=4002),
        sends(ready(5), first, balance(5, 5, currency="ETH", initial=True), pong, balance(6, 5), close=4002),
        sends(ready(6, recovered=True), balance(8, 7, currency="ETH")),
    ]
    fake = FakeServer(acts)
    async with fake.up(), started(fake.url, "--stream", "balances", "--token", TOKEN) as program:
        await program.until("'seq': 8")
    assert [request.path.partition("?")[2] for request in fake.seen] == ["", "", "epoch=e1&seq=6"]
    assert "a silent hole before seq 8 of ETH" in program.err.getvalue()


@pytest.mark.parametrize("code", [1001, 1011, 1012, 4001, 4002, 4003, 4004, 4005, 4006])
async def test_codes_that_mean_come_back(code: int) -> None:
    """With the same token, after a wait."""
    fake = FakeServer([sends(ready(0), trade(1, 0), close=code), sends(ready(1, recovered=True), trade(2, 1))])
    async with fake.up(), trades_of(fake) as program:
        await program.until("'seq': 2")
        assert f"received {code} " in program.err.getvalue()
    assert program.waits == [0.5]
    assert {request.headers["Authorization"] for request in fake.seen} == {f"Bearer {TOKEN}"}
    assert {request.headers["Sec-WebSocket-Protocol"] for request in fake.seen} == {"tapecast.v1"}


async def test_a_connection_that_breaks_is_made_anew() -> None:
    """1006; the wait doubles up to 30 s while nothing comes, and a server that is away for a while is waited for."""
    fake = FakeServer([breaks(ready(0), trade(1, 0)), *([breaks()] * 7)])
    async with fake.up(), trades_of(fake) as program:
        await program.until("no close frame", 8)
        fake.answer = answers(503, {"code": "draining", "message": "Later."})
        for connection in list(fake.connections):
            connection.transport.close()
        await program.until("HTTP 503; connecting again")
    assert program.waits[:8] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("stream", "is_flat"), [("trades", True), ("bars", False)])
async def test_it_comes_back_when_the_server_said(stream: str, *, is_flat: bool) -> None:
    """4001 on either kind of socket."""
    members = {"reconnect_after_ms": 2500}
    shutdown = {"type": "shutdown", **(members if is_flat else {"payload": members})}
    fake = FakeServer([sends(ready(1) if is_flat else ack(1), shutdown, close=4001)])
    async with fake.up(), started(fake.url, "--stream", stream, "--token", TOKEN) as program:
        await until(lambda: len(fake.seen) == 2)
        assert program.waits == [2.5]


async def test_it_outlasts_a_restart_of_the_server() -> None:
    """After the wait that the server asked for, it goes on while there is none."""
    source = trading_source()
    async with trading(source) as server, started(server.http, "--stream", "trades") as program:
        await program.until("'ready'")
        server.uvicorn.should_exit = True
        await program.until("connecting again", 3)
        assert program.waits[0] == 1.234


async def test_a_token_that_expires_is_replaced() -> None:
    """4003: by another one of the demo's; one that was given ends it."""
    clock = VirtualClock(SystemClock().now_ms())
    async with trading(trading_source(), clock=clock, longest_s=90) as server:
        given = tokens.sign(tokens.claims(clock.now_ms(), exp=clock.now_ms() // 1000 + 90))
        async with (
            started(server.http, "--stream", "trades") as program,
            started(server.http, "--stream", "trades", "--token", given) as other,
        ):
            await until(lambda: len(server.gateway.server.sessions) == 2)
            await clock.advance(91)
            assert await other.ended() == 1
            assert "wrong --token" in other.err.getvalue()
            await until(lambda: len(server.gateway.server.sessions) == 1)
            assert not program.task.done()
            assert other.err.getvalue().count("received 4003 (private use)") == 2  # of both


@pytest.mark.parametrize("code", [1000, 1003, 1008, 4501, 4502, 4504, 4999])
async def test_codes_that_mean_stop(code: int) -> None:
    """A sentence with the code and what to do, exit code 1."""
    fake = FakeServer([sends(ready(0), trade(1, 0), close=code)])
    async with fake.up(), trades_of(fake) as program:
        assert await program.ended() == 1
        assert program.err.getvalue().startswith(f"received {code} ")
        assert ("asyncapi.yaml says what it means" in program.err.getvalue()) == (code not in (1008, 4504))


async def test_what_is_wrong_is_said_with_what_to_do(unused_tcp_port: int) -> None:
    """No server, no demo, an unknown symbol, a foreign account."""
    absent = f"ws://127.0.0.1:{unused_tcp_port}"
    for words in ((), ("--stream", "trades")):
        assert "`make run` starts a server, else give --url, --token" in await refuse_to_go_on(absent, *words)
    async with trading(trading_source()) as server:
        assert "no symbol" in await refuse_to_go_on(server.http, "--symbol", "NOPE")
        for line, wanted in (
            ("--stream trades --symbol NOPE", "no such stream"),
            ("--stream trades --exchange kraken", "no such stream"),
            ("--stream balances --exchange-id 7", "wrong --token"),
            ("--stream trades --token x", "wrong --token"),
        ):
            assert wanted in await refuse_to_go_on(server.http, *line.split())
    async with trading(trading_source(), demo=False) as server:
        assert "HTTP Error 404: Not Found: `make run`" in await refuse_to_go_on(server.http, "--stream", "trades")


async def test_the_auth_demo() -> None:
    """Six refusals and a token that is let in; what comes back otherwise is marked."""
    async with trading(trading_source()) as server, started(server.http, "--auth-demo") as program:
        assert await program.ended() == 0
        shown = program.out.getvalue()
        assert (shown.count(" 401 "), shown.count(" 403 "), shown.count(" 101 ")) == (4, 2, 1)
        assert "WRONG" not in shown
    async with trading(trading_source(), longest_s=0) as server, started(server.http, "--auth-demo") as program:
        assert await program.ended() == 0
        assert "WRONG: it must be 101" in program.out.getvalue()


def test_options_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """TAPECAST_URL and TAPECAST_TOKEN."""
    monkeypatch.setenv("TAPECAST_URL", "wss://host:1")
    monkeypatch.setenv("TAPECAST_TOKEN", "t")
    args = example.read_args([])
    assert (args.url, args.token) == ("wss://host:1", "t")
    assert example.read_args(["--token", "u"]).token == "u"


def test_it_is_short() -> None:
    """What is to be copied has to be read first."""
    assert len(PROGRAM.read_text().splitlines()) <= 140


async def test_the_program_in_a_process_of_its_own() -> None:
    """After its duration, and at Ctrl-C: exit code 0, no traceback; without a server a sentence."""
    source = trading_source()
    async with trading(source) as server:
        for duration in ("1", "60"):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-u", PROGRAM, "--stream", "balances", "--duration", duration),
                env=os.environ | {"TAPECAST_URL": server.http.replace("http", "ws")},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            if duration == "60":
                assert process.stdout is not None
                async with asyncio.timeout(20):
                    assert b"'ready'" in await process.stdout.readline()
                process.send_signal(signal.SIGINT)
            async with asyncio.timeout(20):
                _, said = await process.communicate()
            assert (process.returncode, said) == (0, b"")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, PROGRAM, "--auth-demo", "--url", "ws://127.0.0.1:9"), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    assert process.returncode == 1
    assert said.endswith(b"`make run` starts a server, else give --url, --token\n")
    assert b"Traceback" not in said


def test_the_program_ends_in_a_sentence_or_in_none(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its duration is over in silence; where there is no server with what to do."""
    words = [str(PROGRAM), "--url", f"ws://127.0.0.1:{unused_tcp_port}"]
    monkeypatch.setattr(sys, "argv", [*words, "--duration", "0"])
    runpy.run_path(str(PROGRAM), run_name="__main__")
    monkeypatch.setattr(sys, "argv", [*words, "--auth-demo"])
    with pytest.raises(SystemExit, match="starts a server"):
        runpy.run_path(str(PROGRAM), run_name="__main__")
