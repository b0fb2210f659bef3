"""The process: the command as a user runs it: start, settings, logs, signals, memory."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.client import connected
from tests.support.judge import Judge

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("tapecast")


class Process:
    """`tapecast serve` in a process of its own, with what it prints."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        """Take a process that said where it listens."""
        self.process = process
        self.address = address

    @property
    def bars(self) -> str:
        """The address of the bars socket."""
        return self.address.replace("http", "ws", 1) + "api/v1/ws"

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send the signal; returns the exit code, and what was printed and logged."""
        self.process.send_signal(number)
        async with asyncio.timeout(20):
            printed, logged = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, printed.decode(), logged.decode()


def environment(**settings: str) -> dict[str, str]:
    """Return the environment with these settings alone."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TAPECAST_")}
    return kept | {f"TAPECAST_{name}": value for name, value in ({"PORT": "0", "DEMO": "true"} | settings).items()}


@asynccontextmanager
async def served(**settings: str) -> AsyncIterator[Process]:
    """Run the command until it says where it listens."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, "serve", env=environment(**settings), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        if not line.startswith("Tapecast is up: "):
            _, logged = await process.communicate()
            raise AssertionError(line + logged.decode())
        yield Process(process, line.removeprefix("Tapecast is up: ").strip())
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def failed(**settings: str) -> tuple[int, str]:
    """Run the command that can't start; returns its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, "serve", env=environment(**settings), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        printed, said = await process.communicate()
    assert printed == b""
    assert process.returncode is not None
    return process.returncode, said.decode()


def resident_kib(process: int) -> int:
    """Return a process's resident memory."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_and_its_clients_are_told(number: signal.Signals) -> None:
    """Both sources serve, memory is within bounds, clients get shutdown and 4001, the exit code is 0."""
    judge = Judge()
    async with served() as server, connected(server.bars, judge) as client:
        async with httpx.AsyncClient(base_url=server.address) as http:
            assert (await http.get("/health")).json() == {"status": "ok"}
            ready = (await http.get("/ready")).json()
            assert ready == {"status": "ready", "sources": {"replay": "running", "sim": "running"}}
        for name, resolution in (("nasdaq:AAPL", "1D"), ("sim:BTC/USDT", "1")):
            assert (await client.subscribe(name, resolution))["status"] == "ok"
        await client.receive_until(lambda message: message["payload"].get("symbol") == "nasdaq:AAPL")
        await client.receive_until(lambda message: message["payload"].get("symbol") == "sim:BTC/USDT")
        assert resident_kib(server.process.pid) < 150 * 1024
        stopping = asyncio.create_task(server.stop(number))
        messages = await client.receive_until(lambda message: message["type"] == "shutdown")
        assert 0 <= messages[-1]["payload"]["reconnect_after_ms"] < 5000
        assert await client.closed() == 4001
        code, _, logged = await stopping
        assert code == 0
        assert "Traceback" not in logged


async def test_json_logs_have_one_line_for_connect_refuse_and_close() -> None:
    """Each with the client's address; refuse with its status, close with code, reason and duration; no query."""
    async with served(LOG="json", SOURCES="sim") as server:
        async with connected(server.bars + "?secret=sesame", Judge()) as client:
            await client.request("ping")
        with pytest.raises(Exception, match="404"):
            async with connected(server.bars + "/nope?secret=sesame", Judge()):
                pass
        async with httpx.AsyncClient(base_url=server.address) as http:
            headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            assert (await http.get("/api/v1/ws?secret=sesame", headers=headers)).status_code == 400
        code, _, logged = await server.stop()
    assert code == 0
    assert "sesame" not in logged
    lines: list[dict[str, Any]] = [json.loads(line) for line in logged.splitlines()]
    connect, close, refuse, malformed, *rest = lines
    assert {line["event"] for line in rest} == {"shutdown"}
    assert (connect["event"], connect["channel"]) == ("connect", "bars")
    assert (close["event"], close["client"], close["code"]) == ("close", connect["client"], 1000)
    assert close["reason"] == "normal"
    assert close["duration_ms"] >= 0
    assert (refuse["event"], refuse["status"], refuse["path"]) == ("refuse", 404, "/api/v1/ws/nope")
    assert (malformed["event"], malformed["status"]) == ("refuse", 400)
    assert all(line["level"] == "info" and line["time"].startswith("20") for line in lines)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PORT": "http"}, 'TAPECAST_PORT="http"'),
        ({"SPEEED": "1"}, "TAPECAST_SPEEED is not a setting. Did you mean TAPECAST_SPEED?"),
        ({"REPLAY": "/nowhere/x.csv"}, "/nowhere/x.csv"),
        ({"REPLAY_START": "1999-01-01"}, "2000-03-01"),
    ],
)
async def test_what_stops_the_start_is_said_in_a_sentence(settings: dict[str, str], said: str) -> None:
    """Exit code 2, no traceback."""
    code, text = await failed(**settings)
    assert code == 2
    assert said in text
    assert "Traceback" not in text


async def test_an_address_that_cannot_be_had_is_said() -> None:
    """The setting is in the text, and the exit code is 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, text = await failed(PORT=str(port), SOURCES="sim")
    assert (code, text) == (
        2,
        f"tapecast: Port {port} is taken: set TAPECAST_PORT to another one (0 takes a free one).\n",
    )
    code, text = await failed(HOST="203.0.113.1", SOURCES="sim")
    assert code == 2
    assert "TAPECAST_HOST" in text
    assert "Traceback" not in text


async def test_faulty_rows_are_named_by_line(tmp_path: Path) -> None:
    """A user's file with faults stops the start with each fault; told to skip them, the server serves the rest."""
    file = tmp_path / "bars.csv"
    file.write_text(
        "timestamp,symbol,open,high,low,close,volume\n"
        "2024-01-02,X,1,2,0.5,1,10\n"
        "2024-01-03,X,1,2,3,1,10\n"
        "2024-01-04,X,1,nan,0.5,1,10\n"
        "2024-01-05,X,1,2,0.5,1,10\n"
    )
    code, text = await failed(REPLAY=str(file), SOURCES="replay")
    assert code == 2
    assert "line 3" in text
    assert "line 4" in text
    assert "line 2" not in text
    async with served(REPLAY=str(file), SOURCES="replay", REPLAY_SKIP_BAD_ROWS="true") as server:
        async with connected(server.bars, Judge()) as client:
            assert (await client.subscribe("replay:X", "1D"))["status"] == "ok"
        code, _, logged = await server.stop()
    assert code == 0
    assert "faulty rows left out" in logged
    assert "rows=2" in logged


async def test_the_demo_prints_a_token_that_works_and_never_logs_it() -> None:
    """On a line of its own; a token of the command with the same secret works too; a short secret stops the start."""
    secret = "a secret of the demo, long enough to sign"
    async with served(SOURCES="sim", BARS_TOKEN="required", JWT_SECRET=secret) as server:
        assert server.process.stdout is not None
        printed = (await server.process.stdout.readline()).decode()
        assert printed.startswith("token: ")
        made = await asyncio.create_subprocess_exec(
            COMMAND,
            *("token", "--user", "7", "--accounts", "1,2", "--expires", "60"),
            env=environment(JWT_SECRET=secret),
            stdout=asyncio.subprocess.PIPE,
        )
        minted = (await made.communicate())[0].decode().strip()
        given = printed.removeprefix("token: ").strip()
        async with httpx.AsyncClient(base_url=server.address) as http:
            answer = await http.post("/api/v1/auth/token", json={"username": "ann", "password": "x"})
        for token in (given, minted, answer.json()["access_token"]):
            async with connected(f"{server.bars}?token={token}", Judge()) as client:
                assert (await client.request("ping"))["type"] == "pong"
        code, said, logged = await server.stop()
    assert code == 0
    assert "token" not in said
    assert not any(token in logged for token in (given, minted, secret))
    code, text = await failed(JWT_SECRET="short")
    assert code == 2
    assert "TAPECAST_JWT_SECRET" in text
    assert "short" not in text.replace("too short", "")


async def test_without_demo_mode_a_key_is_needed() -> None:
    """The start stops with a sentence; with a key there is no token printed and none to be had."""
    code, text = await failed(DEMO="false")
    assert code == 2
    assert "TAPECAST_JWT_SECRET" in text
    async with served(DEMO="false", JWT_SECRET="a secret of an operator, long enough", SOURCES="sim") as server:
        async with httpx.AsyncClient(base_url=server.address) as http:
            answer = await http.post("/api/v1/auth/token", json={"username": "ann", "password": "x"})
            assert answer.status_code in (404, 405)
        _, said, _ = await server.stop()
    assert "token:" not in said


async def test_the_codegen_command_is_the_generator() -> None:
    """`tapecast codegen` takes the generator's own arguments and exit codes."""

    async def run(*arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            COMMAND, "codegen", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    assert (await run("asyncapi.yaml", "--server", "src/generated", "--check"))[0] == 0
    code, said = await run("nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml" in said
    assert "--server" in (await run("--help"))[1]
