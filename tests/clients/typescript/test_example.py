"""The Node example: it runs as it stands, against our own server in demo mode."""

import asyncio
import re
from pathlib import Path

from tests.support.node import copy_example, node


async def run(program: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a program of Node; returns its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        str(node()), str(program), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_example_prints_bars_and_trades(server: str, compiled: Path, tmp_path: Path) -> None:
    """It prints both, each with its time, ends by itself, and complains of nothing."""
    program = copy_example("bars_and_trades.mjs", compiled, tmp_path)
    code, out, err = await run(program, "--url", server, "--seconds", "4")
    assert (code, err) == (0, "")
    assert re.search(r"^bar    \d{4}-\d\d-\d\dT\d\d:\d\d:00.000Z \d+(\.\d+)? \S* open$", out, re.MULTILINE), out
    assert re.search(r"^trade  \d{4}-\S+Z \d+(\.\d+)? \d+(\.\d+)? (buy|sell)$", out, re.MULTILINE), out
    assert "gap" not in out


async def test_the_example_says_what_is_wrong(server: str, compiled: Path, tmp_path: Path) -> None:
    """An unknown symbol ends it with the server's sentence."""
    program = copy_example("bars_and_trades.mjs", compiled, tmp_path)
    code, _, err = await run(program, "--url", server, "--symbol", "NOPE/NOPE", "--seconds", "20")
    assert code == 1
    assert "NOPE/NOPE" in err
