"""Calendars: to which bar a moment belongs, by hand-written cases. Real calendars are judged in test_exchanges."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from market.calendar import (
    DAY_MS,
    CalendarError,
    Interval,
    Session,
    TradingCalendar,
    UnknownCalendarError,
    main,
    session_table,
)
from market.resolution import Resolution

ALWAYS = TradingCalendar.always_open()


def ms(text: str, zone: str = "UTC") -> int:
    """Return a wall-clock time of a zone in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def stamps(calendar: TradingCalendar, resolution: Resolution, start_ms: int, end_ms: int) -> list[tuple[str, int]]:
    """Return stamp (UTC) and minutes of each interval that begins in the range, one probe a minute."""
    found: dict[int, Interval] = {}
    for time in range(start_ms, end_ms, 60_000):
        interval = calendar.interval(resolution, time)
        if interval is not None:
            found.setdefault(interval.start, interval)
    return [
        (f"{datetime.fromtimestamp(start / 1000, UTC):%m-%d %H:%M}", (interval.end - interval.opens) // 60_000)
        for start, interval in found.items()
    ]


@pytest.fixture(scope="module")
def new_york() -> TradingCalendar:
    """Return New York's sessions, without breaks, from 09:30 to 16:00."""
    return TradingCalendar.from_table("XNYS", session_table("XNYS", date(2000, 3, 1), date(2013, 3, 1)))


@pytest.fixture(scope="module")
def hong_kong() -> TradingCalendar:
    """Return Hong Kong's sessions, with a lunch break; from 5 March 2012 it lasts from 12:00 to 13:00."""
    return TradingCalendar.from_table("XHKG", session_table("XHKG", date(2012, 1, 1), date(2012, 12, 31)))


@pytest.fixture(scope="module")
def chicago() -> TradingCalendar:
    """Return the CME's sessions, from 17:00 on the evening before to 17:00."""
    return TradingCalendar.from_table("CMES", session_table("CMES", date(2012, 1, 1), date(2013, 12, 31)))


# Always open


def test_always_open_days_weeks_and_months_are_utc() -> None:
    """24/7: a day is a UTC day, a week begins on Monday at 00:00 UTC, a month on its first."""
    time = ms("2024-02-29T23:59:59.999")
    day, monday, month = ms("2024-02-29"), ms("2024-02-26"), ms("2024-02-01")
    assert ALWAYS.interval(Resolution.DAY, time) == Interval(day, ms("2024-03-01"), day)
    assert ALWAYS.interval(Resolution.WEEK, time) == Interval(monday, ms("2024-03-04"), monday)
    assert ALWAYS.interval(Resolution.MONTH, time) == Interval(month, ms("2024-03-01"), month)
    assert ALWAYS.interval(Resolution.MINUTE_240, time) == Interval(
        ms("2024-02-29T20:00"), ms("2024-03-01"), ms("2024-02-29T20:00")
    )
    december = ms("2023-12-31T12:00")
    assert ALWAYS.interval(Resolution.MONTH, december) == Interval(ms("2023-12-01"), ms("2024-01-01"), ms("2023-12-01"))


def test_intervals_are_right_open() -> None:
    """The last millisecond belongs to the bar, its end to the next one; also before 1970."""
    for origin in (0, -7 * DAY_MS, ms("2024-01-01")):
        assert ALWAYS.interval(Resolution.MINUTE_1, origin) == Interval(origin, origin + 60_000, origin)
        assert ALWAYS.interval(Resolution.MINUTE_1, origin - 1) == Interval(origin - 60_000, origin, origin - 60_000)


def test_always_open_sessions_are_days() -> None:
    """24/7 has a session for each UTC day, which next_session, session_of_date and sessions find."""
    day = ms("2024-01-01")
    session = Session(day, day, None, None, day + DAY_MS)
    assert ALWAYS.session_at(day) == ALWAYS.session_at(day + DAY_MS - 1) == ALWAYS.next_session(day) == session
    assert ALWAYS.next_session(day - 1) == session
    assert ALWAYS.session_of_date(day + 5) == session
    assert [found.date for found in ALWAYS.sessions(day + 1, day + 2 * DAY_MS)] == [day, day + DAY_MS]
    assert ALWAYS.next_open(day + 5) == day + 5


# Zones and holidays


def test_intraday_bars_follow_the_exchange_through_dst(new_york: TradingCalendar) -> None:
    """Hourly New York bars begin at 09:30 local: 14:30 UTC before the change of March 2012, 13:30 after it."""
    winter = [("03-09 14:30", 60), ("03-09 15:30", 60), ("03-09 16:30", 60), ("03-09 17:30", 60)]
    winter += [("03-09 18:30", 60), ("03-09 19:30", 60), ("03-09 20:30", 30)]
    summer = [("03-12 13:30", 60), ("03-12 14:30", 60), ("03-12 15:30", 60), ("03-12 16:30", 60)]
    summer += [("03-12 17:30", 60), ("03-12 18:30", 60), ("03-12 19:30", 30)]
    assert stamps(new_york, Resolution.MINUTE_60, ms("2012-03-09"), ms("2012-03-13")) == winter + summer


def test_day_stamp_is_utc_midnight_whatever_the_zone(new_york: TradingCalendar) -> None:
    """1D is stamped 00:00 UTC of the trading day, opens at 09:30 and ends at 16:00 New York, before and after DST."""
    for day in ("2012-11-02", "2012-11-05"):
        opens, closes = ms(f"{day}T09:30", "America/New_York"), ms(f"{day}T16:00", "America/New_York")
        expected = Interval(ms(day), closes, opens)
        assert new_york.interval(Resolution.DAY, opens) == new_york.interval(Resolution.DAY, closes - 1) == expected
        assert new_york.interval(Resolution.DAY, opens - 1) is None
        assert new_york.interval(Resolution.DAY, closes) is None


def test_early_close_cuts_the_last_bars(new_york: TradingCalendar) -> None:
    """The day after Thanksgiving ends at 13:00: the last hour is cut to 30 minutes, the day and week end there."""
    day = "2012-11-23"
    closes = ms(f"{day}T13:00", "America/New_York")
    hours = stamps(new_york, Resolution.MINUTE_60, ms(day), ms("2012-11-24"))
    assert hours == [("11-23 14:30", 60), ("11-23 15:30", 60), ("11-23 16:30", 60), ("11-23 17:30", 30)]
    for resolution in (Resolution.DAY, Resolution.WEEK):
        interval = new_york.interval(resolution, closes - 1)
        assert interval is not None
        assert interval.end == closes
    assert new_york.interval(Resolution.MINUTE_1, closes) is None


def test_week_is_stamped_monday_also_when_monday_is_a_holiday(new_york: TradingCalendar) -> None:
    """The week of Labor Day 2012 trades from Tuesday to Friday and is stamped Monday 00:00 UTC all the same."""
    opens, closes = ms("2012-09-04T09:30", "America/New_York"), ms("2012-09-07T16:00", "America/New_York")
    expected = Interval(ms("2012-09-03"), closes, opens)
    assert new_york.interval(Resolution.WEEK, opens) == new_york.interval(Resolution.WEEK, closes - 1) == expected


def test_week_may_span_two_months_and_two_years(new_york: TradingCalendar) -> None:
    """The week of New Year 2013 is one bar; the months part inside it."""
    monday, thursday = ms("2012-12-31T12:00", "America/New_York"), ms("2013-01-03T12:00", "America/New_York")
    assert new_york.interval(Resolution.WEEK, monday) == new_york.interval(Resolution.WEEK, thursday)
    month = new_york.interval(Resolution.MONTH, thursday)
    assert month is not None
    assert month.start == ms("2013-01-02")


def test_month_is_stamped_with_its_first_trading_day(new_york: TradingCalendar) -> None:
    """September 2012 begins on a Saturday before Labor Day: its stamp is Tuesday the 4th, its end Friday the 28th."""
    expected = Interval(
        ms("2012-09-04"), ms("2012-09-28T16:00", "America/New_York"), ms("2012-09-04T09:30", "America/New_York")
    )
    assert new_york.interval(Resolution.MONTH, ms("2012-09-17T12:00", "America/New_York")) == expected


def test_no_bar_spans_a_lunch_break(hong_kong: TradingCalendar) -> None:
    """Hong Kong bars begin at 09:30 and, after lunch, anew at 13:00; the one before lunch is cut; none lies in it."""
    hours = stamps(hong_kong, Resolution.MINUTE_60, ms("2012-03-07"), ms("2012-03-08"))
    morning = [("03-07 01:30", 60), ("03-07 02:30", 60), ("03-07 03:30", 30)]
    assert hours == [*morning, ("03-07 05:00", 60), ("03-07 06:00", 60), ("03-07 07:00", 60)]
    noon = ms("2012-03-07T12:30", "Asia/Hong_Kong")
    assert all(hong_kong.interval(resolution, noon) is None for resolution in Resolution)
    session = hong_kong.session_at(noon)
    assert session is not None
    assert session.part_at(noon) is None
    assert hong_kong.next_open(noon) == ms("2012-03-07T13:00", "Asia/Hong_Kong")


def test_overnight_sessions_belong_to_the_day_in_which_they_end(chicago: TradingCalendar) -> None:
    """The CME's Monday opens on Sunday evening: day, week and month are Monday's, the bars begin at 17:00 Chicago."""
    sunday = ms("2012-09-30T17:00", "America/Chicago")
    closes = ms("2012-10-01T17:00", "America/Chicago")
    assert chicago.interval(Resolution.DAY, sunday) == Interval(ms("2012-10-01"), closes, sunday)
    week, month = chicago.interval(Resolution.WEEK, sunday), chicago.interval(Resolution.MONTH, sunday)
    assert week is not None
    assert month is not None
    assert (week.start, week.opens) == (ms("2012-10-01"), sunday)
    assert (month.start, month.opens) == (ms("2012-10-01"), sunday)
    assert chicago.interval(Resolution.MINUTE_240, sunday) == Interval(sunday, sunday + 4 * 3_600_000, sunday)
    assert chicago.interval(Resolution.MINUTE_1, sunday - 1) is None
    before = chicago.interval(Resolution.MONTH, ms("2012-09-28T12:00", "America/Chicago"))
    assert before is not None
    assert before.end == ms("2012-09-28T17:00", "America/Chicago")


def test_a_session_that_touches_the_next_ends_where_that_begins(chicago: TradingCalendar) -> None:
    """The CME's days follow one another without a gap: the moment of the close is the next day's first."""
    closes = ms("2012-10-02T17:00", "America/Chicago")
    last, first = chicago.interval(Resolution.DAY, closes - 1), chicago.interval(Resolution.DAY, closes)
    assert last is not None
    assert first is not None
    assert (last.start, last.end) == (ms("2012-10-02"), closes)
    assert (first.start, first.opens) == (ms("2012-10-03"), closes)


# Looking up sessions


def test_sessions_are_found_by_time_and_by_date(new_york: TradingCalendar) -> None:
    """session_at is for a moment in a session, next_session for the next opening, session_of_date for a trading day."""
    opens, closes = ms("2012-06-01T09:30", "America/New_York"), ms("2012-06-01T16:00", "America/New_York")
    friday = Session(ms("2012-06-01"), opens, None, None, closes)
    assert new_york.session_at(opens) == new_york.session_at(closes - 1) == friday
    assert new_york.session_at(opens - 1) is None
    assert new_york.session_at(closes) is None
    assert new_york.next_session(opens) == friday
    monday = new_york.next_session(opens + 1)
    assert monday is not None
    assert monday.date == ms("2012-06-04")
    assert new_york.session_of_date(ms("2012-06-01T23:00")) == friday
    assert new_york.session_of_date(ms("2012-06-02")) is None
    assert new_york.next_open(closes) == monday.open
    assert new_york.next_open(opens + 5) == opens + 5


def test_sessions_of_a_range_are_those_with_time_in_it(new_york: TradingCalendar) -> None:
    """A range takes in the session that it begins in, and not the one that opens at its end."""
    monday, friday = ms("2012-06-04T12:00", "America/New_York"), ms("2012-06-08T09:30", "America/New_York")
    dates = [session.date for session in new_york.sessions(monday, friday)]
    assert dates == [ms(f"2012-06-0{day}") for day in (4, 5, 6, 7)]
    assert list(new_york.sessions(ms("2012-06-02"), ms("2012-06-03"))) == []
    assert next(new_york.sessions(ms("2012-06-02"), ms("2012-06-05"))).date == ms("2012-06-04")


def test_outside_the_table_nothing_trades() -> None:
    """Before the first session and after the last one there is no session, no bar and nothing to come."""
    calendar = TradingCalendar.from_table("one", [[0, 1000, None, None, 2000]])
    assert calendar.session_at(999) is None
    assert calendar.interval(Resolution.DAY, 2000) is None
    assert calendar.next_session(1001) is None
    assert calendar.next_open(2000) is None
    assert calendar.session_of_date(DAY_MS) is None
    assert list(calendar.sessions(-DAY_MS, DAY_MS)) == [Session(0, 1000, None, None, 2000)]


# Tables


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([0, 1, None, 2], "has 4 values"),
        ([None, 1, None, None, 2], "lacks a time"),
        ([0, None, None, None, 2], "lacks a time"),
        ([0, 1, None, None, None], "lacks a time"),
        ([0, 1, 2, None, 4], "lacks a time"),
        ([0, 1, None, 3, 4], "lacks a time"),
        ([1, 1, None, None, 2], "isn't 00:00 UTC"),
        ([0, 2, None, None, 2], "out of order"),
        ([0, 1, 1, 2, 3], "out of order"),
        ([0, 1, 2, 4, 4], "out of order"),
        ([0, 1, 3, 3, 5], "out of order"),
    ],
)
def test_a_faulty_row_is_named(row: list[int | None], why: str) -> None:
    """A row that can't be a session is refused with its number and what is wrong with it."""
    with pytest.raises(CalendarError, match=f"Row 2 of calendar 'odd' .*{why}"):
        TradingCalendar.from_table("odd", [[-DAY_MS, -5, None, None, -3], row])


@pytest.mark.parametrize("row", [[0, 6, None, None, 7], [DAY_MS, 4, None, None, 7]])
def test_sessions_out_of_order_are_refused(row: list[int | None]) -> None:
    """Each session must have a later day than the one before and not begin before that one ends."""
    with pytest.raises(CalendarError, match=r"Row 2 of calendar 'odd' begins before row 1 ends"):
        TradingCalendar.from_table("odd", [[0, 1, None, None, 5], row])


def test_an_empty_table_is_refused() -> None:
    """A calendar without a session would drop every trade in silence."""
    with pytest.raises(CalendarError, match="has no session"):
        TradingCalendar.from_table("none", [])


def test_table_takes_in_whole_weeks_and_months(new_york: TradingCalendar) -> None:
    """A table asked for in mid-month has the month's first trading day and the last one's close all the same."""
    table = session_table("XNYS", date(2012, 9, 20), date(2012, 9, 20))
    calendar = TradingCalendar.from_table("XNYS", table)
    noon = ms("2012-09-20T12:00", "America/New_York")
    for resolution in Resolution:
        assert calendar.interval(resolution, noon) == new_york.interval(resolution, noon)
    # A week that begins in the month before, and one that ends in the month after.
    for day in (date(2012, 8, 1), date(2012, 8, 31), date(2012, 2, 29)):
        calendar = TradingCalendar.from_table("XNYS", session_table("XNYS", day, day))
        noon = ms(f"{day}T12:00", "America/New_York")
        assert calendar.interval(Resolution.WEEK, noon) == new_york.interval(Resolution.WEEK, noon)
        assert calendar.interval(Resolution.MONTH, noon) == new_york.interval(Resolution.MONTH, noon)


def test_table_reaches_back_more_than_twenty_years() -> None:
    """The library begins 20 years before today unless told: January 2000 must still be there."""
    table = session_table("XNYS", date(2000, 1, 3), date(2000, 1, 7))
    assert [ms("2000-01-03"), ms("2000-01-03T14:30"), None, None, ms("2000-01-03T21:00")] in table


def test_days_at_the_edge_of_what_is_recorded_are_given() -> None:
    """Where a calendar doesn't know the days added on one side, the range and the other side's are still given."""
    # 1956-01-01 is a Sunday, 2049-12-31 a Friday: their weeks reach out of what these two calendars know.
    first = [row[0] for row in session_table("XKRX", date(1956, 1, 1), date(1956, 1, 10))]
    last = [row[0] for row in session_table("XHKG", date(2049, 12, 20), date(2049, 12, 31))]
    assert (first[0], first[-1]) == (ms("1956-01-02"), ms("1956-01-31"))
    assert (last[0], last[-1]) == (ms("2049-12-01"), ms("2049-12-31"))


@pytest.mark.parametrize(("name", "suggestion"), [("XNYZ", "XNYS"), ("xnys", "XNYS"), ("cmes", "CMES")])
def test_an_unknown_calendar_names_those_that_look_like_it(name: str, suggestion: str) -> None:
    """A misspelt name is refused with the names that were probably meant."""
    with pytest.raises(UnknownCalendarError, match=rf"no trading calendar '{name}'\. Did you mean") as caught:
        session_table(name, date(2012, 1, 1), date(2012, 1, 31))
    assert caught.value.name == name
    assert suggestion in caught.value.close_matches


def test_a_range_that_cannot_be_had_is_refused() -> None:
    """Days that a calendar doesn't know, and a range that runs backwards, are named."""
    with pytest.raises(CalendarError, match=r"can't give the days 1900-01-01 to 1900-12-31 \(The XKRX"):
        session_table("XKRX", date(1900, 1, 1), date(1900, 12, 31))
    with pytest.raises(CalendarError, match="runs backwards"):
        session_table("XNYS", date(2012, 1, 2), date(2012, 1, 1))


def test_program_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m market.calendar` prints as JSON what session_table returns."""
    assert main(["XHKG", "2012-01-03", "2012-01-03"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == session_table("XHKG", date(2012, 1, 3), date(2012, 1, 3))


def test_program_runs_as_a_module() -> None:
    """In a process of its own it prints one JSON array and nothing else, so that a server can read it."""
    command = [sys.executable, "-m", "market.calendar", "XNYS", "2012-06-01", "2012-06-01"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert [ms("2012-06-01"), ms("2012-06-01T13:30"), None, None, ms("2012-06-01T20:00")] in json.loads(result.stdout)
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["XNYZ", "2012-01-01", "2012-01-31"], "Did you mean"),
        (["XNYS", "2012-01-01"], "Usage: python -m market.calendar"),
        (["XNYS", "2012-01-01", "soon"], "Usage: python -m market.calendar"),
    ],
)
def test_program_refuses_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """A name or range that can't be had gives status 2 and one sentence on stderr, nothing on stdout."""
    assert main(arguments) == 2
    streams = capsys.readouterr()
    assert sentence in streams.err
    assert streams.out == ""
