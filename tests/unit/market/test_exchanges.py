"""Real calendars: every minute of random sessions is judged by exchange_calendars' own lists of trading minutes."""

import random
from datetime import date
from typing import Any

import pytest

from market.calendar import Interval, TradingCalendar, session_table
from market.resolution import Resolution

RANGES = {
    "XNYS": (date(2000, 1, 1), date(2013, 12, 31)),
    "XHKG": (date(2005, 1, 1), date(2013, 12, 31)),
    "XTKS": (date(2020, 1, 1), date(2025, 12, 31)),
    "CMES": (date(2010, 1, 1), date(2013, 12, 31)),
    "XASX": (date(2010, 1, 1), date(2013, 12, 31)),
    "24/7": (date(2011, 12, 1), date(2013, 1, 31)),
}

# Days on which something changes: the clocks (the Mondays after), an early close, a holiday on a Monday, a typhoon.
SPECIAL = {
    "XNYS": ["2001-09-17", "2012-03-09", "2012-03-12", "2012-11-05", "2012-11-23", "2012-09-04", "2012-12-24"],
    "XHKG": ["2012-01-20", "2012-12-31", "2012-04-10"],
    "XTKS": ["2024-11-01", "2024-11-05"],
    "CMES": ["2012-03-12", "2012-11-05", "2012-11-23", "2013-09-02", "2013-09-03"],
    "XASX": ["2012-10-05", "2012-10-08", "2012-04-02", "2012-12-24"],
    "24/7": ["2012-02-29", "2012-12-31", "2012-03-25"],
}

CASES = [pytest.param(name, id=name.replace("/", "-")) for name in RANGES]


def milliseconds(moment: Any) -> int:
    """Return a pandas Timestamp in ms."""
    return int(moment.value) // 1_000_000


def library_calendar(name: str, start: date, end: date) -> Any:
    """Return the library's own calendar."""
    import exchange_calendars  # type: ignore[import-untyped]  # it ships no types

    return exchange_calendars.get_calendar(name, start=start.isoformat(), end=end.isoformat())


def expected_intervals(calendar: Any, session: Any) -> dict[tuple[Resolution, int], Interval]:
    """Return the interval of each of the session's minutes at each resolution, by the library alone."""
    minute = 60_000
    times = [milliseconds(moment) for moment in calendar.session_minutes(session)]
    runs: list[list[int]] = []
    for time in times:
        if runs and runs[-1][-1] + minute == time:
            runs[-1].append(time)
        else:
            runs.append([time])

    expected: dict[tuple[Resolution, int], Interval] = {}
    for resolution in Resolution:
        length = resolution.minutes
        if length is None:
            frequency = {Resolution.DAY: "D", Resolution.WEEK: "W-SUN", Resolution.MONTH: "M"}[resolution]
            period = session.to_period(frequency)
            members = calendar.sessions_in_range(period.start_time.normalize(), period.end_time.normalize())
            label = period.start_time if resolution is Resolution.WEEK else members[0]
            opens, closes = calendar.session_open(members[0]), calendar.session_close(members[-1])
            interval = Interval(milliseconds(label), milliseconds(closes), milliseconds(opens))
            expected.update({(resolution, time): interval for time in times})
            continue
        for run in runs:
            for index, time in enumerate(run):
                begin = index // length * length
                last = run[min(begin + length, len(run)) - 1]
                expected[resolution, time] = Interval(run[begin], last + minute, run[begin])
    return expected


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the library's own use of pandas
def test_each_minute_falls_where_the_library_says(name: str) -> None:
    """Every trading minute of 12 random and some special days has the interval that the library's minutes give."""
    start, end = RANGES[name]
    library = library_calendar(name, start, end)
    if name == "24/7":
        calendar = TradingCalendar.always_open()
    else:
        calendar = TradingCalendar.from_table(name, session_table(name, start, end))
    # Not the first and last days: the library's own range cuts their weeks.
    days = list(library.sessions[30:-30])
    chosen = random.Random(name).sample(days, 12)
    chosen += [day for day in days if day.date().isoformat() in SPECIAL[name]]
    assert len(chosen) == 12 + len(SPECIAL[name])
    for session in chosen:
        expected = expected_intervals(library, session)
        for (resolution, time), interval in expected.items():
            for moment in (time, time + 59_999):
                assert calendar.interval(resolution, moment) == interval, (name, resolution, moment)
        # The minutes around and between, in which the library has no trading.
        first, last = milliseconds(library.session_open(session)), milliseconds(library.session_close(session))
        trading = {time for _, time in expected}
        for time in range(first - 7_200_000, last + 7_200_000, 60_000):
            if time in trading or library.is_open_on_minute(_timestamp(time)):
                continue
            assert calendar.interval(Resolution.MINUTE_1, time) is None
            assert calendar.interval(Resolution.MONTH, time) is None


@pytest.mark.parametrize("name", [case for case in CASES if case.id != "24-7"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the library's own use of pandas
def test_the_table_holds_every_session(name: str) -> None:
    """The calendar has exactly the library's sessions of the range, each found by its date and by its times."""
    start, end = RANGES[name]
    library = library_calendar(name, start, end)
    calendar = TradingCalendar.from_table(name, session_table(name, start, end))
    opens, closes = milliseconds(library.first_session_open), milliseconds(library.last_session_close)
    found = list(calendar.sessions(opens, closes))
    assert [session.date for session in found] == [milliseconds(day) for day in library.sessions]
    for session in found:
        assert calendar.session_of_date(session.date) == session
        assert calendar.session_at(session.open) == calendar.session_at(session.close - 1) == session


def _timestamp(time_ms: int) -> Any:
    import pandas as pd

    return pd.Timestamp(time_ms, unit="ms", tz="UTC")
