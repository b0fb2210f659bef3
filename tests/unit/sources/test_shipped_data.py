"""The shipped file is what its README says, and its replay gives back every row."""

import asyncio
import gzip
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.sources.data import make_daily_bars
from gateway.sources.replay import SHIPPED_FILE, SHIPPED_NAMES, ReplayOptions, ReplaySource, open_replay
from market.calendar import DAY_MS
from market.events import Bar, Trade
from market.resolution import Resolution
from tests.support.clock import VirtualClock
from tests.unit.sources.recording import RecordingSink, bar_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReplaySource]:
    """Open the shipped file as the server does, with the real calendar."""
    options = ReplayOptions(cache=tmp_path_factory.mktemp("cache"))
    yield await open_replay(options, VirtualClock())


def rows() -> dict[str, list[tuple[int, Bar]]]:
    """Return the file's rows by symbol as (stamp, bar), by the plainest reading."""
    found: dict[str, list[tuple[int, Bar]]] = defaultdict(list)
    for line in SHIPPED_FILE.read_text(encoding="utf-8").splitlines()[1:]:
        stamp, symbol, *values = line.split(",")
        opened, high, low, closed, volume = map(Decimal, values)
        day = (date.fromisoformat(stamp) - date(1970, 1, 1)).days * DAY_MS
        found[symbol].append((day, Bar(day, opened, high, low, closed, volume)))
    return found


async def test_the_rows_are_those_of_the_readme(shipped: ReplaySource) -> None:
    """Counts, ranges, order and plausibility are as the README beside the file says."""
    lines = SHIPPED_FILE.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 12_155
    assert lines[0] == "timestamp,symbol,open,high,low,close,volume"
    assert lines[1:] == sorted(lines[1:], key=lambda line: line.split(",")[:2])
    assert len({tuple(line.split(",")[:2]) for line in lines}) == len(lines)
    found = rows()
    assert {symbol: len(bars) for symbol, bars in found.items()} == {
        "AAPL": 3270,
        "IBM": 3270,
        "MSFT": 3270,
        "GOOG": 2148,
        "FB": 196,
    }
    for bars in found.values():
        for _, bar in bars:
            assert bar.low <= min(bar.open, bar.close)
            assert bar.high >= max(bar.open, bar.close)
            assert bar.low > 0
            assert bar.volume > 0
            assert bar.volume == int(bar.volume)
        stamps = [stamp for stamp, _ in bars]
        calendar = shipped.data.calendar
        assert stamps == [session.date for session in calendar.sessions(stamps[0], stamps[-1] + DAY_MS)]


async def test_every_row_is_rebuilt_exactly(shipped: ReplaySource) -> None:
    """All 12,154 rows: 60 trades each, within the day's session, in order of time, whose bar is the row."""
    calendar = shipped.data.calendar
    expected = {symbol: iter(bars) for symbol, bars in rows().items()}
    day: dict[str, list[Trade]] = defaultdict(list)
    rebuilt = 0
    latest = 0
    for trade in shipped.data.tape.trades("nasdaq", 0):
        assert trade.time >= latest
        latest = trade.time
        trades = day[trade.symbol]
        trades.append(trade)
        if len(trades) == 60:
            stamp, bar = next(expected[trade.symbol.removeprefix("nasdaq:")])
            session = calendar.session_of_date(stamp)
            assert session is not None
            assert session.open == trades[0].time
            assert trades[-1].time < session.close
            assert bar_of(trades, stamp) == bar
            rebuilt += 1
            trades.clear()
    assert rebuilt == 12_154
    assert not any(day.values())


async def test_the_defaults_start_when_all_five_stocks_trade(shipped: ReplaySource) -> None:
    """By default the replay starts on 2012-06-01 at 13:30 UTC; all five symbols are there, with their past."""
    assert shipped.start_ms == 1_338_557_400_000
    assert {symbol.key for symbol in shipped.symbols} == {f"nasdaq:{name}" for name in SHIPPED_NAMES}
    for symbol in shipped.symbols:
        assert symbol.description == SHIPPED_NAMES[symbol.name]
        assert not symbol.synthetic
        bars = shipped.daily_bars(symbol)
        assert list(bars) == [bar for stamp, bar in rows()[symbol.name] if stamp < 1_338_508_800_000]


async def test_the_file_is_made_from_its_origin_without_touching_a_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The maker sorts by date and symbol, leaves out the adjusted close and refuses any other origin."""
    origin = (
        "Ticker,Date,Open,High,Low,Close,Volume,Adj Close\nB,2000-01-03,1.50,2,1,1.0,7,3\nA,2000-01-04,1,2,1,1,8,3\n"
    )
    packed = gzip.compress((origin + "A,2000-01-03,1,2,1,1,9,3\n").encode())
    assert make_daily_bars.daily_bars(packed).splitlines()[1:] == [
        "2000-01-03,A,1,2,1,1,9",
        "2000-01-03,B,1.50,2,1,1.0,7",
        "2000-01-04,A,1,2,1,1,8",
    ]
    with pytest.raises(ValueError, match="the columns must be"):
        make_daily_bars.daily_bars(gzip.compress(b"a,b\n"))
    other = tmp_path / "stocks.csv.gz"
    other.write_bytes(packed)
    assert make_daily_bars.main([str(other)]) == 2
    assert "is not the stocks.csv.gz" in capsys.readouterr().err


async def test_the_maker_writes_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the right origin it writes daily_bars.csv into its own folder."""
    packed = gzip.compress(b"Ticker,Date,Open,High,Low,Close,Volume,Adj Close\nA,2000-01-04,1,2,1,1,8,3\n")
    origin = tmp_path / "stocks.csv.gz"
    origin.write_bytes(packed)
    monkeypatch.setattr(make_daily_bars, "ORIGIN_SHA256", hashlib.sha256(packed).hexdigest())
    monkeypatch.setattr(make_daily_bars, "__file__", str(tmp_path / "make_daily_bars.py"))
    assert make_daily_bars.main([str(origin)]) == 0
    assert (tmp_path / "daily_bars.csv").read_text().endswith("2000-01-04,A,1,2,1,1,8\n")


async def test_the_bars_before_the_start_are_told_as_the_file_has_them(shipped: ReplaySource) -> None:
    """Every day up to the start, and the weeks and months of these days that have ended."""
    sink = RecordingSink()
    running = asyncio.create_task(shipped.run(sink))
    while "begins" not in sink.marks:
        await asyncio.sleep(0)
    running.cancel()
    start = date(2012, 6, 1)
    for symbol, those in rows().items():
        days = [bar for day, bar in those if day < (start - date(1970, 1, 1)).days * DAY_MS]
        assert sink.past_bars_of[f"nasdaq:{symbol}", Resolution.DAY] == days
        for resolution, name in ((Resolution.WEEK, "%G-%V"), (Resolution.MONTH, "%Y-%m")):
            grouped: dict[str, list[Bar]] = defaultdict(list)
            for bar in days:
                grouped[datetime.fromtimestamp(bar.time / 1000, UTC).strftime(name)].append(bar)
            grouped.pop(start.strftime(name), None)  # the start's own is still open
            told = sink.past_bars_of[f"nasdaq:{symbol}", resolution]
            assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in told] == [
                (
                    bars[0].open,
                    max(bar.high for bar in bars),
                    min(bar.low for bar in bars),
                    bars[-1].close,
                    sum(bar.volume for bar in bars),
                )
                for bars in grouped.values()
            ]
