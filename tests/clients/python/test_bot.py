"""The example bot against the real server."""

import asyncio
import sys
from pathlib import Path

import pytest

from examples.bot import Paper, main
from tests.end_to_end.test_restart import environment
from tests.support.server import running
from tests.support.source import MINUTE, ManualSource

ROOT = Path(__file__).parents[3]


async def test_bot_decides_by_the_bars() -> None:
    """It prints a decision for each final bar, as the rule has it, and sends nothing but its subscription."""
    source = ManualSource()
    async with asyncio.timeout(60), running([source]) as server:
        arguments = ["--url", f"ws://127.0.0.1:{server.port}", "--symbol", "test:AAA", "--window", "3", "--bars", "6"]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "examples" / "bot.py"),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            env={**environment(None), "PYTHONPATH": str(ROOT / "clients" / "python")},
        )
        assert process.stdout is not None
        assert b"Subscribed" in await process.stdout.readline()
        for minute, price in enumerate(("10", "11", "12", "13", "9", "8", "8")):
            source.trade(minute * MINUTE, price)
        said = (await process.stdout.read()).decode()
        assert await process.wait() == 0
    lines = [line.partition(" ")[2] for line in said.splitlines() if line[:1].isdigit() and "before" not in line]
    assert lines == [
        "wait for 2 more bars",
        "wait for 1 more bars",
        "buy at 12, above the mean 11",
        "hold: 13, mean 12",
        "sell at 9, not above the mean 11.3333: -3, -3 in all",
        "stay out: 8, mean 10",
    ]


def test_rule_starts_anew_after_a_gap() -> None:
    """What comes after missed bars is not averaged with what came before."""
    paper = Paper(2)
    assert [paper.take(close) for close in (1.0, 2.0)][1].startswith("buy")
    paper.forget()
    assert paper.take(9.0) == "wait for 1 more bars"


def test_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a server it says so, and exits with 1."""
    assert main(["--url", "ws://127.0.0.1:1"]) == 1
    assert "can't be reached" in capsys.readouterr().out
