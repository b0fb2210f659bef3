"""The replay tells real days again at its pace: exactly, in order, each bar closed in time."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.sources.files import ReplayData, parse_replay_file, read_replay_file
from gateway.sources.replay import ReplayOptions, ReplaySource, ReplayStartError, open_replay
from gateway.sources.source import SourceError
from market.calendar import DAY_MS, TradingCalendar
from market.events import Bar
from market.resolution import Resolution
from tests.support.clock import VirtualClock
from tests.unit.sources.recording import BarSink, RecordingSink, weekdays

HOUR = 3_600_000
CALENDAR = weekdays(15_000, 16_500)
FIRST_DAY = date(2012, 5, 2)


def stocks(folder: Path, days: int = 60, names: str = "AB") -> Path:
    """Write daily bars of every weekday from 2012-05-02 on and return the path."""
    lines = ["timestamp,symbol,open,high,low,close,volume"]
    for ahead in range(days):
        day = FIRST_DAY + timedelta(days=ahead)
        if day.weekday() < 5:
            for number, name in enumerate(names, start=1):
                base = 100 * number + ahead
                lines.append(f"{day},{name},{base}.25,{base + 2}.5,{base - 1}.75,{base + 1},{1000 * number + ahead}")
    path = folder / "stocks.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def load(path: Path, calendar: TradingCalendar = CALENDAR) -> ReplayData:
    """Read a file on a calendar."""
    return read_replay_file(path, skip_bad_rows=False, calendar=calendar)


def ms(text: str) -> int:
    """Return an ISO time's ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("speed", [390.0, 1e7])
async def test_every_day_comes_back_as_its_row(tmp_path: Path, speed: float) -> None:
    """Slow and fast: each day, week and month after the start has one final, the day's exactly the row, in order."""
    data = load(stocks(tmp_path))
    options = ReplayOptions(path=tmp_path, exchange="x", start=date(2012, 5, 16), speed=speed)
    source = ReplaySource(data, options, VirtualClock(auto=True))
    sink = BarSink(source.symbols)
    await source.run(sink)
    assert sink.marks == ["begins", "ended"]
    end = 2**62
    for symbol in source.symbols:
        finals = sink.finals[symbol.key]
        rows = [bar for bar in data.tape.daily_bars(symbol.name, end) if bar.time >= ms("2012-05-16")]
        assert [final.bar for final in finals if final.resolution is Resolution.DAY] == rows
        assert len(rows) == 33
        weeks = [final.bar for final in finals if final.resolution is Resolution.WEEK]
        months = [final.bar for final in finals if final.resolution is Resolution.MONTH]
        assert [bar.time for bar in weeks] == [ms("2012-05-14") + week * 7 * DAY_MS for week in range(7)]
        assert [bar.time for bar in months] == [ms("2012-05-02"), ms("2012-06-01")] or [bar.time for bar in months] == [
            ms("2012-05-01"),
            ms("2012-06-01"),
        ]
        # The open bars of the start have their past: the month's open is that of its first row.
        whole_month = data.tape.daily_bars(symbol.name, ms("2012-06-01"))
        assert months[0].open == whole_month[0].open
        assert months[0].volume == sum(bar.volume for bar in whole_month)
        assert sink.aggregators[symbol.key].dropped.late == 0
        assert sink.aggregators[symbol.key].dropped.outside == 0
    per_day = Counter((trade.symbol, trade.time // DAY_MS) for trade in sink.trades)
    assert min(per_day.values()) >= 20


async def test_history_is_the_week_and_month_before_the_start(tmp_path: Path) -> None:
    """What is told as history reaches back to the start of the month or of the week, whichever is earlier."""
    data = load(stocks(tmp_path))
    for start, first in [
        (date(2012, 5, 16), "2012-05-02"),  # the data begins inside the month
        (date(2012, 6, 13), "2012-06-01"),
        (date(2012, 6, 1), "2012-05-28"),
        (date(2012, 6, 2), "2012-06-01"),  # a Saturday: the first session after it is on the 4th
    ]:
        source = ReplaySource(data, ReplayOptions(path=tmp_path, exchange="x", start=start), VirtualClock(auto=True))
        sink = RecordingSink()
        task = asyncio.create_task(source.run(sink))
        while not task.done() and not sink.clocks:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        days = sorted({trade.time // DAY_MS * DAY_MS for trade in sink.past})
        assert days[0] == ms(first)
        assert days[-1] < source.start_ms
        assert len(sink.past) == len(days) * 120


async def test_the_market_runs_at_its_pace(tmp_path: Path) -> None:
    """After a second the market is `speed` seconds on, and no later trade was told; closed hours take no time."""
    data = load(stocks(tmp_path))
    clock = VirtualClock()
    source = ReplaySource(data, ReplayOptions(path=tmp_path, exchange="x", start=date(2012, 5, 16), speed=60), clock)
    sink = RecordingSink()
    task = asyncio.create_task(source.run(sink))
    opened = ms("2012-05-16T14:30")
    for second in range(1, 20):
        await clock.advance(1)
        assert abs(sink.clocks[-1][1] - (opened + second * 60_000)) <= 15_000  # told 250 ms ago at most
        assert sink.trades[-1].time <= opened + second * 60_000
    # The break begins 150 market minutes after the open, so in its 151st the clock has jumped over it.
    await clock.advance(150 - 19 + 1)
    assert abs(sink.clocks[-1][1] - ms("2012-05-16T18:01")) <= 15_000
    # The close comes after 330 minutes; the next session opens at once.
    await clock.advance(330 - 151 + 1)
    assert abs(sink.clocks[-1][1] - ms("2012-05-17T14:31")) <= 15_000
    assert ("x", ms("2012-05-16T21:00")) in sink.clocks
    assert ("x", ms("2012-05-16T17:00")) in sink.clocks
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.pending == 0


@pytest.mark.parametrize("speed", [1.0, 60.0, 390.0, 10_000.0])
async def test_the_clock_is_told_often(tmp_path: Path, speed: float) -> None:
    """The sink hears of the clock at least every 250 ms; at a moderate pace also within 20 ms of each market minute."""
    clock = VirtualClock(auto=True)
    data = load(stocks(tmp_path))
    source = ReplaySource(data, ReplayOptions(path=tmp_path, exchange="x", start=date(2012, 5, 16), speed=speed), clock)
    told: list[tuple[float, int]] = []

    class Sink(RecordingSink):
        def clock(self, exchange: str, time: int) -> None:
            super().clock(exchange, time)
            told.append((clock.monotonic(), time))

    task = asyncio.create_task(source.run(Sink()))
    while not task.done() and (not told or told[-1][0] < 130):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert max(after - before for (before, _), (after, _) in pairwise(told)) <= 0.2501
    if speed <= 390:
        late = [
            (time % 60_000) / speed / 1000
            for (_, before), (_, time) in pairwise(told)
            if before // 60_000 != time // 60_000
        ]
        assert len(late) >= 2
        assert max(late) <= 0.02


async def test_a_fast_replay_leaves_the_event_loop_alive(tmp_path: Path) -> None:
    """At 10^7 times no more than some 200 events are told between two turns of the event loop, with those of orders."""
    data = load(stocks(tmp_path, days=200, names="ABCDEFGHIJ"))
    options = ReplayOptions(path=tmp_path, exchange="x", start=date(2012, 5, 16), speed=1e7)
    source = ReplaySource(data, options, VirtualClock(auto=True))
    sink = RecordingSink()
    task = asyncio.create_task(source.run(sink))
    seen = [0]
    while not task.done():
        await asyncio.sleep(0)
        seen.append(sink.events)
    assert max(after - before for before, after in pairwise(seen)) <= 220
    assert len(sink.trades) > 70_000


async def test_a_loop_starts_over_with_the_same_trades(tmp_path: Path) -> None:
    """At the end of the data `restarted` comes, then the history and the very same trades again."""
    data = load(stocks(tmp_path, days=30))
    options = ReplayOptions(path=tmp_path, exchange="x", start=date(2012, 5, 16), speed=1e7, loop=True)
    source = ReplaySource(data, options, VirtualClock(auto=True))
    sink = BarSink(source.symbols)
    task = asyncio.create_task(source.run(sink))
    while not task.done() and sink.marks.count("restarted") < 3:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "ended" not in sink.marks
    third = len(sink.trades) // 3
    assert sink.trades[:third] == sink.trades[third : 2 * third] == sink.trades[2 * third :]
    past = len(sink.past) // 3
    assert sink.past[:past] == sink.past[past : 2 * past]
    finals = sink.finals["x:A"]
    assert finals[: len(finals) // 3] * 3 == finals


@pytest.mark.parametrize("lateness", [0, 5_000])
async def test_the_last_month_closes_at_the_end(tmp_path: Path, lateness: int) -> None:
    """When the data ends inside a month, the clock runs on to the month's last close, and past the lateness."""
    data = load(stocks(tmp_path, days=20))
    options = ReplayOptions(path=tmp_path, exchange="x", start=None, speed=1e7, lateness_ms=lateness)
    source = ReplaySource(data, options, VirtualClock(auto=True))
    sink = BarSink(source.symbols)
    await source.run(sink)
    assert sink.clocks[-1] == ("x", ms("2012-05-31T21:00") + lateness)
    months = [final for final in sink.finals["x:A"] if final.resolution is Resolution.MONTH]
    assert len(months) == 1
    assert all(
        aggregator.open_bar(resolution) is None for aggregator in sink.aggregators.values() for resolution in Resolution
    )


async def test_without_a_start_a_file_begins_with_its_first_event(tmp_path: Path) -> None:
    """A user's file plays from its first row to its last; there is no history."""
    path = tmp_path / "trades.csv"
    path.write_text(
        "timestamp,symbol,price,volume\n"
        "2012-06-01T10:00:00.500Z,A,10,1\n2012-06-01T10:00:00.500Z,B,20,1\n2012-06-01T10:00:01Z,A,11,1\n"
        "2012-06-03T23:59:59.999Z,A,12,1\n"
    )
    clock = VirtualClock(auto=True)
    data = load(path, TradingCalendar.always_open())
    source = ReplaySource(data, ReplayOptions(path=path, exchange="mine", start=None, speed=1_000), clock)
    assert source.start_ms == ms("2012-06-01T10:00:00.500")
    sink = BarSink(source.symbols)
    await source.run(sink)
    assert sink.past == []
    assert [(trade.symbol, trade.price) for trade in sink.trades] == [
        ("mine:A", Decimal(10)),
        ("mine:B", Decimal(20)),
        ("mine:A", Decimal(11)),
        ("mine:A", Decimal(12)),
    ]
    assert clock.monotonic() == pytest.approx((14 + 48) * 3.6, rel=1e-3)
    days = [final.bar for final in sink.finals["mine:A"] if final.resolution is Resolution.DAY]
    assert days == [
        Bar(ms("2012-06-01"), Decimal(10), Decimal(11), Decimal(10), Decimal(11), Decimal(2)),
        Bar(ms("2012-06-03"), Decimal(12), Decimal(12), Decimal(12), Decimal(12), Decimal(1)),
    ]
    assert sink.clocks[-1] == ("mine", ms("2012-07-01"))


async def test_trades_in_closed_hours_are_told_in_order(tmp_path: Path) -> None:
    """A user's trades outside the sessions are neither lost nor out of order: bars leave them out and count them."""
    path = tmp_path / "trades.csv"
    times = ["2012-06-01T14:00Z", "2012-06-01T17:30Z", "2012-06-01T21:00Z", "2012-06-04T09:00Z", "2015-06-01T15:00Z"]
    path.write_text("timestamp,symbol,price,volume\n" + "".join(f"{time},A,10,1\n" for time in times))
    options = ReplayOptions(path=path, exchange="x", start=None, speed=1e6)
    source = ReplaySource(load(path), options, VirtualClock(auto=True))
    sink = BarSink(source.symbols)
    await source.run(sink)
    assert [trade.time for trade in sink.trades] == [ms(time.rstrip("Z")) for time in times]
    assert sink.aggregators["x:A"].dropped.outside == 5
    assert sink.marks == ["begins", "ended"]


async def test_a_file_without_any_session_still_ends(tmp_path: Path) -> None:
    """Where the calendar has no session at all near the trades, they are told at once and the source ends."""
    path = tmp_path / "trades.csv"
    path.write_text("timestamp,symbol,price,volume\n2032-06-01T14:00Z,A,10,1\n")
    source = ReplaySource(load(path), ReplayOptions(path=path, exchange="x", start=None), VirtualClock(auto=True))
    sink = RecordingSink()
    await source.run(sink)
    assert len(sink.trades) == 1
    assert sink.clocks == [("x", ms("2032-06-01T14:00") + 1)]
    assert sink.marks == ["begins", "ended"]


@pytest.mark.parametrize("start", [date(2012, 5, 1), date(2012, 7, 1), date(1999, 1, 1), date(2030, 1, 1)])
def test_a_start_outside_the_data_is_refused(tmp_path: Path, start: date) -> None:
    """The error names the data's range."""
    data = load(stocks(tmp_path))
    with pytest.raises(ReplayStartError) as caught:
        ReplaySource(data, ReplayOptions(path=tmp_path, start=start), VirtualClock())
    assert str(caught.value) == (
        f"The replay can't start on {start}: the data runs from 2012-05-02 to 2012-06-29."
        " Set TAPECAST_REPLAY_START to a day between."
    )


def test_a_start_without_a_session_after_it_is_refused(tmp_path: Path) -> None:
    """A start between the last session and a last trade in closed hours has nothing to begin with."""
    path = tmp_path / "trades.csv"
    path.write_text("timestamp,symbol,price,volume\n2012-06-01T15:00Z,A,10,1\n2012-06-03T15:00Z,A,10,1\n")
    with pytest.raises(ReplayStartError, match="from 2012-06-01 to 2012-06-03"):
        ReplaySource(load(path), ReplayOptions(path=path, start=date(2012, 6, 2)), VirtualClock())


def test_the_first_and_the_last_day_are_inside(tmp_path: Path) -> None:
    """Both ends of the data can be started on."""
    data = load(stocks(tmp_path))
    for start in (FIRST_DAY, date(2012, 6, 29)):
        source = ReplaySource(data, ReplayOptions(path=tmp_path, start=start), VirtualClock())
        assert source.start_ms == ms(f"{start}T14:30")
        assert len(source.daily_bars(source.symbols[0])) == (0 if start == FIRST_DAY else 42)
        assert len(source.daily_bars(source.symbols[0], 2**62)) == 43


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_must_be_a_speed(tmp_path: Path, speed: float) -> None:
    """No replay runs backwards, stands still or is over before it began."""
    with pytest.raises(ValueError, match="The speed must be above 0"):
        ReplaySource(load(stocks(tmp_path)), ReplayOptions(path=tmp_path, start=None, speed=speed), VirtualClock())


async def test_opening_a_file_reads_checks_and_places_it(tmp_path: Path) -> None:
    """Opened as the server does: the file's faults, the calendar's and the start's all are errors of a source."""
    path = stocks(tmp_path)
    clock = VirtualClock()

    def options(**changes: object) -> ReplayOptions:
        given: dict[str, object] = {"path": path, "exchange": "mine", "calendar": "24/7", "start": None} | changes
        return ReplayOptions(**given)  # type: ignore[arg-type]  # each test gives what fits the field

    source = await open_replay(options(), clock)
    assert [symbol.key for symbol in source.symbols] == ["mine:A", "mine:B"]
    assert source.name == "replay"
    assert source.symbols[0].description == ""
    wrong: list[dict[str, object]] = [
        {"calendar": "no such"},
        {"path": tmp_path / "none"},
        {"start": date(2030, 1, 1)},
    ]
    for changes in wrong:
        with pytest.raises(SourceError):
            await open_replay(options(**changes), clock)
    with path.open("a") as file:
        file.write("2030-01-01,A,nan,1,1,1,1\n")
    with pytest.raises(SourceError, match="open is nan"):
        await open_replay(options(), clock)
    skipping = await open_replay(options(skip_bad_rows=True), clock)
    assert skipping.data.dropped == {"open is not finite": 1}
    parsed = parse_replay_file(path)
    assert (parsed.first_ms, parsed.last_ms) == (ms("2012-05-02"), ms("2012-06-29"))
