"""Replay over the socket: real days, every bar once and exactly as the file has it."""

import csv
import random
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from gateway.settings import Settings
from gateway.sources.build import build_sources
from streaming.clock import SystemClock
from tests.support.client import connected
from tests.support.judge import Judge
from tests.support.server import running
from tests.support.source import Gated

SHIPPED = Path(__file__).resolve().parents[2] / "src/gateway/sources/data/daily_bars.csv"
DAY_MS = 86_400_000


def midnight(day: str) -> int:
    """Return 00:00 UTC of an ISO date, ms."""
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp() * 1000)


def rows(symbol: str, first: str, path: Path = SHIPPED) -> list[dict[str, Any]]:
    """Return the file's rows of a symbol from a date on, as bars; numbers by their text."""
    with path.open(newline="") as file:
        return [
            {
                "time": midnight(row["timestamp"]),
                **{name: float(row[name]) for name in ("open", "high", "low", "close", "volume")},
            }
            for row in csv.DictReader(file)
            if row["symbol"] == symbol and row["timestamp"] >= first
        ]


async def test_every_final_daily_bar_of_over_250_days_is_the_files_row() -> None:
    """Five symbols to the data's end: none missing, none twice, time never back, to the digit; weeks and months too."""
    first = "2012-02-01"
    settings = Settings(sources=("replay",), replay_start=date.fromisoformat(first), speed=5e6)
    sources = await build_sources(settings, SystemClock(), None)
    symbols = ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    received: dict[tuple[str, str], list[dict[str, Any]]] = {}
    judge = Judge()
    gates = [Gated(source) for source in sources]
    async with running(gates) as server, connected(server.bars, judge) as client:
        wanted = [(symbol, resolution) for symbol in symbols for resolution in ("1D", "1W", "1M")]
        for symbol, resolution in wanted:
            await client.send("bars.subscribe", {"symbol": symbol, "resolution": resolution})
        await client.settle()
        gates[0].opened.set()
        ended = 0
        while ended < len(wanted):
            message = await client.receive()
            payload = message["payload"]
            if message["type"] == "bars.error":
                ended += 1
            else:
                assert message["type"] == "bars.update"
                received.setdefault((payload["symbol"], payload["resolution"]), []).append(payload)

    for (symbol, resolution), updates in received.items():
        times = [update["bar"]["time"] for update in updates]
        assert times == sorted(times), (symbol, resolution)
        finals = [update for update in updates if update["final"]]
        assert all(b["seq"] - a["seq"] == 1 and b["prev"] == a["seq"] for a, b in pairwise(finals))
        bars = [update["bar"] for update in finals]
        days = rows(symbol, first)
        if resolution == "1D":
            assert bars == days
            assert len(bars) >= (190 if symbol == "FB" else 250)
        else:
            spans = {bar["time"]: bar for bar in merged(rows(symbol, "2000-01-01"), resolution)}
            assert bars == [spans[bar["time"]] for bar in bars]
            assert len({bar["time"] for bar in bars}) == len(bars) >= (9 if resolution == "1M" else 38)


def merged(days: list[dict[str, Any]], resolution: str) -> list[dict[str, Any]]:
    """Return weeks or months of daily bars, stamped as the contract says; volumes are whole numbers."""
    groups: dict[int, list[dict[str, Any]]] = {}
    for day in days:
        at = datetime.fromtimestamp(day["time"] / 1000, UTC)
        stamp = day["time"] - at.weekday() * DAY_MS if resolution == "1W" else at.year * 12 + at.month
        groups.setdefault(stamp, []).append(day)
    return [
        {
            "time": stamp if resolution == "1W" else first_session(group[0]["time"]),
            "open": group[0]["open"],
            "high": max(day["high"] for day in group),
            "low": min(day["low"] for day in group),
            "close": group[-1]["close"],
            "volume": sum(day["volume"] for day in group),
        }
        for stamp, group in groups.items()
    ]


def first_session(first: int) -> int:
    """Return the stamp of a month whose first row is `first`: the shipped stocks trade from each month's first session.

    A stock that began in the middle of a month has its first month stamped by the exchange's calendar all the same.
    """
    listed = {midnight("2012-05-18"): midnight("2012-05-01"), midnight("2004-08-19"): midnight("2004-08-02")}
    return listed.get(first, first)


async def test_a_users_file_of_bars_comes_over_the_socket_as_it_stands(tmp_path: Path) -> None:
    """An hourly file, with prices of many digits, is heard bar for bar."""
    draw = random.Random(7)
    start = midnight("2024-03-04")
    lines = ["timestamp,symbol,open,high,low,close,volume"]
    expected = []
    for hour in range(300):
        prices = sorted(draw.randrange(10**9, 2 * 10**9) for _ in range(4))
        low, a, b, high = (f"{price / 10**8:.8f}" for price in prices)
        volume = f"{draw.randrange(1, 10**9) / 10**6:.6f}"
        at = start + hour * 3_600_000
        lines.append(f"{at},BTC/EUR,{a},{high},{low},{b},{volume}")
        numbers = {"open": a, "high": high, "low": low, "close": b, "volume": volume}
        expected.append({"time": at, **{name: float(text) for name, text in numbers.items()}})
    file = tmp_path / "hours.csv"
    file.write_text("\n".join(lines) + "\n")
    settings = Settings(sources=("replay",), replay=file, replay_exchange="mine", speed=1e6)
    sources = await build_sources(settings, SystemClock(), None)
    judge = Judge()
    gates = [Gated(source) for source in sources]
    async with running(gates) as server, connected(server.bars, judge) as client:
        assert (await client.subscribe("mine:BTC/EUR", "60"))["seq"] == 0
        gates[0].opened.set()
        messages = await client.receive_until(lambda message: message["type"] == "bars.error")
    finals = [message["payload"]["bar"] for message in messages[:-1] if message["payload"]["final"]]
    assert finals == expected


async def test_a_replay_that_loops_closes_its_clients_and_begins_a_new_epoch(tmp_path: Path) -> None:
    """At the data's end a subscriber is closed with 4006; who returns finds another epoch at its start."""
    file = tmp_path / "trades.csv"
    first = midnight("2024-03-04")
    lines = ["timestamp,symbol,price,volume", *(f"{first + minute * 60_000},X,1,1" for minute in range(200))]
    file.write_text("\n".join(lines))
    settings = Settings(sources=("replay",), replay=file, replay_loop=True, speed=200_000)
    sources = await build_sources(settings, SystemClock(), None)
    judge = Judge()
    epochs = []
    async with running(sources) as server:
        for _ in range(2):
            async with connected(server.bars, judge) as client:
                epochs.append((await client.subscribe("X", "1"))["epoch"])
                assert await client.closed() == 4006
    assert epochs[0] != epochs[1]
