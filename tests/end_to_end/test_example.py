"""The example: what a bot writer copies does what it says, against the real server and against a fake one."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from examples import example_cache_websocket as example
from streaming.clock import SystemClock
from tests.support import tokens
from tests.support.clock import VirtualClock
from tests.support.fake_server import FakeServer, ack, answers, balance, bar, breaks, sends, trade
from tests.support.server import until
from tests.support.trading import BTC, trade_a_little, trading, trading_source

PROGRAM = Path(example.__file__)
TOKEN = "header.payload.signature"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TAPECAST_"):
            monkeypatch.delenv(name)


@dataclass
class Program:
    """The example, running: what it printed, and how long it wanted to wait before each reconnect."""

    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)
    waits: list[float] = field(default_factory=list)
    task: asyncio.Task[int] = field(init=False)

    async def sleep(self, seconds: float) -> None:
        """Take note, and let everything else run."""
        self.waits.append(seconds)
        await asyncio.sleep(0)

    async def until(self, text: str, count: int = 1) -> None:
        """Wait until a text was printed so often, on either side."""

        def written() -> str:
            return self.out.getvalue() + self.err.getvalue()

        await until(lambda: written().count(text) >= count or self.task.done())
        assert written().count(text) >= count, written()

    async def ended(self) -> int:
        """Wait for the end; returns the exit code."""
        async with asyncio.timeout(20):
            return await self.task


@asynccontextmanager
async def started(url: str, *words: str) -> AsyncIterator[Program]:
    """Run the example with these options until the test is over. Whatever it prints, no token is in it."""
    program = Program()
    options = example.read_options(["--url", url, *words])
    with redirect_stdout(program.out), redirect_stderr(program.err):
        program.task = asyncio.create_task(example.main(options, program.sleep))
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


@pytest.mark.parametrize(
    ("words", "wanted", "unwanted"),
    [
        ("tickers", ["ticker BTC/USDT 65000.5 bid None", "ticker ETH/USDT"], "NONE"),
        ("tickers --symbol BTC/USDT", ["ticker BTC/USDT 65000.5"], "ETH"),
        ("trades", ["trade BTC/USDT buy 1 at 65000.5", "trade ETH/USDT"], "NONE"),
        ("trades --symbol BTC/USDT", ["trade BTC/USDT buy 1 at 65000.5"], "ETH"),
        ("orders", ["order BTC/USDT buy 0 of 1 open", "order ETH/USDT"], "NONE"),
        ("orders --symbol BTC/USDT", ["order BTC/USDT buy 0 of 1 open"], "ETH"),
        ("balances", ["balances BTC 1", "balances ETH 1", "balances USDT 1"], "NONE"),
        ("balances --exchange-id 1 --currency BTC", ["balances BTC 1"], "ETH"),
        ("bars", ["'close': 65000.5"], "ETH"),
        ("bars --symbol ETH/USDT --resolution 1D", ["'close': 65000.5"], "BTC"),
    ],
)
async def test_every_stream_is_printed(words: str, wanted: list[str], unwanted: str) -> None:
    """Wide and narrow; then the counts."""
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
    assert program.out.getvalue().splitlines()[-1].endswith("reconnects: 0, holes: 0")


async def test_the_duration_ends_it() -> None:
    """Exit code 0, also where there was no time to connect."""
    fake = FakeServer([])
    async with fake.up(), started(fake.url, "--token", TOKEN, "--duration", "0") as program:
        assert await program.ended() == 0


@pytest.mark.parametrize("code", [1001, 1011, 1012, 4001, 4002, 4004, 4005, 4006])
async def test_codes_that_mean_come_back(code: int) -> None:
    """After a wait of half a second to a second, with the same token."""
    fake = FakeServer([sends(trade(1, 0), close=code), sends(trade(2, 1))])
    async with fake.up(), started(fake.url, "--stream", "trades", "--token", TOKEN) as program:
        await program.until("trade BTC/USDT", 2)
        assert f"closed with {code} a reason; connecting again in" in program.err.getvalue()
    assert len(program.waits) == 1
    assert 0.5 <= program.waits[0] <= 1
    assert {request.headers["Authorization"] for request in fake.seen} == {f"Bearer {TOKEN}"}
    assert program.out.getvalue().splitlines()[-1] == "frames: 2, reconnects: 1, holes: 0"


async def test_a_connection_that_breaks_is_made_anew() -> None:
    """1006; the wait doubles up to 30 s while nothing comes, and a server that is away for a while is waited for."""
    fake = FakeServer([breaks(trade(1, 0)), *([breaks()] * 7)])
    async with fake.up(), started(fake.url, "--stream", "trades", "--token", TOKEN) as program:
        await program.until("closed with 1006; ", 8)
        for index, wait in enumerate(program.waits[:8]):
            longest = min(2**index, 30)
            assert longest / 2 <= wait <= longest
        fake.answer = answers(503, {"code": "shutting_down", "message": "Later."})
        for connection in list(fake.connections):
            connection.transport.close()
        await program.until('HTTP 503 {"code": "shutting_down", "message": "Later."}; connecting again')


@pytest.mark.parametrize(("stream", "is_flat"), [("trades", True), ("bars", False)])
async def test_it_comes_back_when_the_server_said(stream: str, *, is_flat: bool) -> None:
    """4001 on either kind of socket, though it closes at once."""
    members = {"reconnect_after_ms": 2500}
    fake = FakeServer([sends({"type": "shutdown", **(members if is_flat else {"payload": members})}, close=4001)])
    async with fake.up(), started(fake.url, "--stream", stream, "--token", TOKEN) as program:
        await until(lambda: len(fake.seen) == 2)
        assert program.waits == [2.5]


async def test_it_outlasts_a_restart_of_the_server() -> None:
    """After the wait that the server asked for, it goes on while there is none."""
    source = trading_source()
    async with trading(source) as server, started(server.http, "--stream", "trades") as program:
        await until(lambda: len(server.gateway.hub) > 0)
        server.uvicorn.should_exit = True
        await program.until("closed with 4001")
        await program.until("no server at ws://", 2)
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
            await until(lambda: len(server.gateway.server.sessions) == 1)
            assert len(program.waits) == 1
            assert len(other.waits) == 0


@pytest.mark.parametrize("code", [1000, 1003, 1008, 4502, 4504, 4999])
async def test_codes_that_mean_stop(code: int) -> None:
    """A sentence with the code, the counts, exit code 1."""
    fake = FakeServer([sends(trade(1, 0), close=code)])
    async with fake.up(), started(fake.url, "--stream", "trades", "--token", TOKEN) as program:
        assert await program.ended() == 1
        assert program.err.getvalue() == f"closed with {code} a reason; coming back would not help\n"
    assert program.out.getvalue().splitlines()[-1] == "frames: 1, reconnects: 0, holes: 0"


@pytest.mark.parametrize("frame", ["{", "[]", b"{}", "{}", {"type": "trade", "prev": 0}, {"type": "trade"}])
async def test_a_frame_that_cannot_be_read_is_told(frame: Any) -> None:
    """With its beginning; exit code 1."""
    fake = FakeServer([sends(frame)])
    async with fake.up():
        said = await refuse_to_go_on(fake.url, "--stream", "trades", "--token", TOKEN)
    assert said.startswith("this frame is not as asyncapi.yaml has it: ")


async def test_holes_are_counted() -> None:
    """By symbol or currency, over 4002, not over 4006; initial frames make up for what is lost."""
    acts = [
        sends(trade(1, 0), trade(2, 0, symbol="A"), trade(4, 3), {"type": "new"}, close=4002),
        sends(trade(7, 5), close=4006),
        sends(trade(20, 19)),
    ]
    fake = FakeServer(acts)
    async with fake.up(), started(fake.url, "--stream", "trades", "--token", TOKEN) as program:
        await program.until("trade BTC/USDT", 4)
        assert program.err.getvalue().count("a hole before seq") == 2
    assert program.out.getvalue().splitlines()[-1] == "frames: 6, reconnects: 2, holes: 2"
    acts = [
        sends(balance(1, 1, initial=True), close=4002),
        sends(balance(9, 9, initial=True), balance(11, 10), balance(12, 8, currency="ETH")),
    ]
    fake = FakeServer(acts)
    async with fake.up(), started(fake.url, "--stream", "balances", "--token", TOKEN) as program:
        await program.until("balances ETH")
    assert program.out.getvalue().splitlines()[-1] == "frames: 4, reconnects: 1, holes: 1"


async def test_holes_of_bars_are_seen_in_the_acknowledgement_too() -> None:
    """Within an epoch; an open bar has no part in it; an error of the source ends nothing."""
    error = {"type": "bars.error", "payload": {"symbol": "x", "resolution": "1", "code": "internal", "error": "No."}}
    still_open = bar(6, 5, final=False)
    acts = [
        sends(ack(5), bar(6, 5), still_open, error, close=4002),
        sends(ack(8), bar(9, 8), close=4002),
        sends(ack(1, epoch="e2"), bar(3, 2, epoch="e2")),
    ]
    fake = FakeServer(acts)
    async with fake.up(), started(fake.url) as program:
        await program.until("final", 3)
        assert "error {" in program.out.getvalue()
    assert program.out.getvalue().splitlines()[-1] == "frames: 8, reconnects: 2, holes: 2"


async def test_what_is_wrong_is_said_with_what_to_do(unused_tcp_port: int) -> None:
    """No server, no demo, an unknown symbol, a foreign account, a server that is no Tapecast."""
    absent = f"ws://127.0.0.1:{unused_tcp_port}"
    for words in ((), ("--stream", "trades"), ("--auth-demo",)):
        assert f"no server at {absent}: start one with `make run`" in await refuse_to_go_on(absent, *words)
    async with trading(trading_source()) as server:
        assert "no symbol" in await refuse_to_go_on(server.http, "--symbol", "NOPE")
        for line, wanted in (
            ("--stream trades --symbol NOPE", "It has BTC/USDT, ETH/USDT."),
            ("--stream trades --exchange kraken", "unknown_exchange"),
            ("--stream balances --exchange-id 7", "HTTP 403"),
            ("--stream trades --token x", "HTTP 401"),
        ):
            assert wanted in await refuse_to_go_on(server.http, *line.split())
    async with trading(trading_source(), demo=False) as server:
        for what in (("--stream", "trades"), ("--auth-demo",)):
            assert "give one by --token or TAPECAST_TOKEN" in await refuse_to_go_on(server.http, *what)


async def test_the_auth_demo() -> None:
    """Six refusals in both ways, and a token that is let in: exit code 0; 1 where a server answers anything else."""
    async with trading(trading_source()) as server, started(server.http, "--auth-demo") as program:
        assert await program.ended() == 0
        shown = program.out.getvalue()
        assert (shown.count("HTTP 401"), shown.count("HTTP 403"), shown.count("closed with 1008")) == (4, 2, 6)
        assert shown.count("let in") == 2
        assert "WRONG" not in shown
    async with trading(trading_source(), longest_s=0) as server, started(server.http, "--auth-demo") as program:
        assert await program.ended() == 1
        assert "WRONG: it must be 101" in program.out.getvalue()


async def test_a_broken_handshake_is_no_right_answer() -> None:
    """1006 is never what must come."""
    fake = FakeServer([breaks()])
    async with fake.up():
        assert (await example.knock(fake.url, None, None))[0] == 1006


def test_options_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """TAPECAST_URL and TAPECAST_TOKEN; an address that is none is told."""
    monkeypatch.setenv("TAPECAST_URL", "https://host:1/")
    monkeypatch.setenv("TAPECAST_TOKEN", "t")
    options = example.read_options([])
    assert (options.url, options.token) == ("wss://host:1", "t")
    assert example.read_options(["--token", "u"]).token == "u"
    with pytest.raises(SystemExit):
        example.read_options(["--url", "host"])


async def test_the_program_in_a_process_of_its_own() -> None:
    """After its duration, and at Ctrl-C: the counts, exit code 0, no traceback."""
    source = trading_source()
    async with trading(source) as server:
        for duration in ("1", "60"):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-u", PROGRAM, "--stream", "balances", "--duration", duration),
                env=os.environ | {"TAPECAST_URL": server.http},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            if duration == "60":
                await until(lambda: len(server.gateway.hub) > 0)
                source.trade(0, key=BTC)
                source.balance("BTC", "2")
                assert process.stdout is not None
                async with asyncio.timeout(20):
                    assert await process.stdout.readline() == b"balances BTC 2\n"
                process.send_signal(signal.SIGINT)
            async with asyncio.timeout(20):
                printed, said = await process.communicate()
            assert (process.returncode, said) == (0, b"")
            assert printed.splitlines()[-1].endswith(b"reconnects: 0, holes: 0")
