"""Calendar: when an exchange trades, and to which bar a moment belongs. It never sees a trade, a price or a client.

All times are integer milliseconds since the epoch (UTC); every interval is right-open. The sessions of a real exchange
are a table made by `session_table`, which alone needs pandas: as a program (`python -m market.calendar XNYS 2000-01-01
2013-12-31`) it prints the table as JSON, so that a server can have it from a child process and stay small.
"""

import difflib
import json
import sys
import warnings
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from itertools import groupby, pairwise
from typing import Any

from market.resolution import Resolution

MINUTE_MS = 60_000
DAY_MS = 86_400_000
ALWAYS_OPEN = "24/7"

# [trading day 00:00 UTC, open, break's start or None, break's end or None, close], all in ms.
SessionRow = Sequence[int | None]
SessionTable = Sequence[SessionRow]

_EPOCH = date(1970, 1, 1)


class CalendarError(ValueError):
    """A calendar that can't be had; the text says what to change."""


class UnknownCalendarError(CalendarError):
    """No exchange calendar has this name."""

    def __init__(self, name: str, close_matches: Sequence[str]) -> None:
        """Keep the name and the names that look like it, best first."""
        hint = f" Did you mean {' or '.join(close_matches)}?" if close_matches else ""
        super().__init__(
            f"There is no trading calendar {name!r}.{hint}"
            f" Give a name that exchange-calendars knows, such as XNYS, or {ALWAYS_OPEN}."
        )
        self.name = name
        self.close_matches = tuple(close_matches)


@dataclass(frozen=True, slots=True)
class Interval:
    """The time of one bar. A trade belongs to it from `opens` to before `end`.

    `start` is the bar's stamp. For intraday bars it is `opens`; for 1D, 1W and 1M it is a label, 00:00 UTC of a day,
    and can lie before or after the first trade.
    """

    start: int
    end: int
    opens: int


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day: it trades in [open, close), except in the break [break_start, break_end) where it has one.

    `date` is 00:00 UTC of the trading day; `open` may lie on the evening before.
    """

    date: int
    open: int
    break_start: int | None
    break_end: int | None
    close: int

    @property
    def parts(self) -> tuple[tuple[int, int], ...]:
        """Return the [start, end) in which trades happen: one, or two around the break."""
        if self.break_start is None or self.break_end is None:
            return ((self.open, self.close),)
        return ((self.open, self.break_start), (self.break_end, self.close))

    def part_at(self, time_ms: int) -> tuple[int, int] | None:
        """Return the part that contains the time; None in the break and outside the session."""
        for start, end in self.parts:
            if start <= time_ms < end:
                return (start, end)
        return None


class TradingCalendar(ABC):
    """The sessions of one exchange. Immutable: many symbols share one."""

    name: str

    @classmethod
    def always_open(cls) -> "TradingCalendar":
        """Return the calendar that never closes: sessions are UTC days, weeks begin on Monday at 00:00 UTC."""
        return _AlwaysOpen()

    @classmethod
    def from_table(cls, name: str, table: SessionTable) -> "TradingCalendar":
        """Return the calendar of these sessions, in order of time. Outside the table there is no session.

        CalendarError: the table is empty, or a row, which the text names, isn't five values in order of time.
        """
        return _Tabled(name, table)

    def fingerprint(self) -> str:
        """Return a text that is another where the sessions are others; empty where the name says all."""
        return ""

    @abstractmethod
    def session_at(self, time_ms: int) -> Session | None:
        """Return the session whose [open, close) contains the time, its break included; None between sessions."""

    @abstractmethod
    def next_session(self, time_ms: int) -> Session | None:
        """Return the first session that opens at or after the time; None after the last."""

    @abstractmethod
    def session_of_date(self, date_ms: int) -> Session | None:
        """Return the session of a trading day, given as any time in its UTC day; None when it doesn't trade."""

    @abstractmethod
    def _week(self, session: Session) -> Interval: ...

    @abstractmethod
    def _month(self, session: Session) -> Interval: ...

    def sessions(self, start_ms: int, end_ms: int) -> Iterator[Session]:
        """Iterate over the sessions that have time in [start_ms, end_ms), in order."""
        session = self.session_at(start_ms) or self.next_session(start_ms)
        while session is not None and session.open < end_ms:
            yield session
            session = self.next_session(session.close)

    def next_open(self, time_ms: int) -> int | None:
        """Return the first moment at or after the time at which trades can happen; None after the last session."""
        session = self.session_at(time_ms)
        if session is not None:
            return next(max(time_ms, start) for start, end in session.parts if time_ms < end)
        following = self.next_session(time_ms)
        return None if following is None else following.open

    def interval(self, resolution: Resolution, time_ms: int) -> Interval | None:
        """Return the bar's interval that a trade of this time belongs to; None outside a session and in its break.

        Intraday bars begin at the session's open, and anew at the break's end; the last one of a part ends with it.
        """
        session = self.session_at(time_ms)
        part = None if session is None else session.part_at(time_ms)
        if session is None or part is None:
            return None
        match resolution:
            case Resolution.DAY:
                return Interval(session.date, session.close, session.open)
            case Resolution.WEEK:
                return self._week(session)
            case Resolution.MONTH:
                return self._month(session)
            case _:
                part_start, part_end = part
                length = int(resolution.value) * MINUTE_MS
                start = time_ms - (time_ms - part_start) % length
                return Interval(start, min(start + length, part_end), start)


class _AlwaysOpen(TradingCalendar):
    """24/7, by arithmetic: no table, no first or last day."""

    def __init__(self) -> None:
        self.name = ALWAYS_OPEN

    def session_at(self, time_ms: int) -> Session:
        start = time_ms - time_ms % DAY_MS
        return Session(start, start, None, None, start + DAY_MS)

    def next_session(self, time_ms: int) -> Session:
        return self.session_at(time_ms + DAY_MS - 1)

    def session_of_date(self, date_ms: int) -> Session:
        return self.session_at(date_ms)

    def _week(self, session: Session) -> Interval:
        monday = _monday(session.date)
        return Interval(monday, monday + 7 * DAY_MS, monday)

    def _month(self, session: Session) -> Interval:
        first = _date_of(session.date).replace(day=1)
        start = _ms_of(first)
        return Interval(start, _ms_of(_next_month(first)), start)


class _Tabled(TradingCalendar):
    """Sessions from a table, found by bisection; weeks and months are worked out once."""

    def __init__(self, name: str, table: SessionTable) -> None:
        self.name = name
        self._sessions = _read_table(name, table)
        self._opens = [session.open for session in self._sessions]
        self._dates = [session.date for session in self._sessions]
        self._weeks: dict[int, Interval] = {}
        for monday, sessions in groupby(self._sessions, lambda session: _monday(session.date)):
            week = list(sessions)
            self._weeks[monday] = Interval(monday, week[-1].close, week[0].open)
        self._months: dict[date, Interval] = {}
        for first_day, sessions in groupby(self._sessions, lambda session: _date_of(session.date).replace(day=1)):
            month = list(sessions)
            self._months[first_day] = Interval(month[0].date, month[-1].close, month[0].open)

    def fingerprint(self) -> str:
        table = [(each.date, each.open, each.break_start, each.break_end, each.close) for each in self._sessions]
        return blake2b(json.dumps(table).encode(), digest_size=16).hexdigest()

    def session_at(self, time_ms: int) -> Session | None:
        index = bisect_right(self._opens, time_ms) - 1
        if index < 0:
            return None
        session = self._sessions[index]
        return session if time_ms < session.close else None

    def next_session(self, time_ms: int) -> Session | None:
        index = bisect_left(self._opens, time_ms)
        return self._sessions[index] if index < len(self._sessions) else None

    def session_of_date(self, date_ms: int) -> Session | None:
        day = date_ms - date_ms % DAY_MS
        index = bisect_left(self._dates, day)
        if index == len(self._dates) or self._dates[index] != day:
            return None
        return self._sessions[index]

    def _week(self, session: Session) -> Interval:
        return self._weeks[_monday(session.date)]

    def _month(self, session: Session) -> Interval:
        return self._months[_date_of(session.date).replace(day=1)]


def _read_table(name: str, table: SessionTable) -> list[Session]:
    if not table:
        raise CalendarError(f"The table of calendar {name!r} has no session: give a range of dates that has some.")
    sessions = [_read_row(name, number, row) for number, row in enumerate(table, start=1)]
    for number, (before, after) in enumerate(pairwise(sessions), start=2):
        if after.date <= before.date or after.open < before.close:
            raise CalendarError(
                f"Row {number} of calendar {name!r} begins before row {number - 1} ends: sort the sessions by time"
                " and let none overlap."
            )
    return sessions


def _read_row(name: str, number: int, row: SessionRow) -> Session:
    def refuse(why: str) -> CalendarError:
        return CalendarError(
            f"Row {number} of calendar {name!r} {why}: give [date, open, break start, break end, close] in ms,"
            " in order of time, with the date at 00:00 UTC."
        )

    if len(row) != 5:
        raise refuse(f"has {len(row)} values")
    day, opens, break_start, break_end, closes = row
    if day is None or opens is None or closes is None or (break_start is None) != (break_end is None):
        raise refuse("lacks a time")
    if day % DAY_MS:
        raise refuse("has a date that isn't 00:00 UTC")
    session = Session(day, opens, break_start, break_end, closes)
    if not all(start < end for start, end in session.parts) or (
        break_start is not None and break_end is not None and break_start >= break_end
    ):
        raise refuse("has times out of order")
    return session


def _date_of(time_ms: int) -> date:
    return _EPOCH + timedelta(days=time_ms // DAY_MS)


def _ms_of(day: date) -> int:
    return (day - _EPOCH).days * DAY_MS


def _monday(time_ms: int) -> int:
    """Return 00:00 UTC of the Monday at or before the time: 1970-01-01 was a Thursday."""
    day = time_ms // DAY_MS
    return (day - (day + 3) % 7) * DAY_MS


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def session_table(name: str, start: date, end: date) -> list[list[int | None]]:
    """Return the sessions of an exchange calendar, for `TradingCalendar.from_table`: the days start to end, both in.

    More days are added on both sides, as far as the calendar knows them, so that each week and month which touches the
    range is whole: else a stamp or a close would be wrong. It imports pandas: about 0.8 s and 80 MB.

    UnknownCalendarError: no such name. CalendarError: the calendar doesn't know these days.
    """
    import exchange_calendars  # type: ignore[import-untyped]  # it ships no types
    from exchange_calendars.errors import CalendarError as LibraryError  # type: ignore[import-untyped]  # the same

    if start > end:
        raise CalendarError(f"The range {start} to {end} runs backwards: give the earlier day first.")
    names = [str(known) for known in exchange_calendars.get_calendar_names(include_aliases=True)]
    if name not in names:
        folded = {known.casefold(): known for known in names}
        close_matches = difflib.get_close_matches(name.casefold(), folded, n=3)
        raise UnknownCalendarError(name, [folded[match] for match in close_matches])

    whole_start = (start - timedelta(days=start.weekday())).replace(day=1)
    whole_end = _next_month((end + timedelta(days=6 - end.weekday())).replace(day=1)) - timedelta(days=1)
    reason = ""
    # A calendar that isn't recorded for the added days may still know those that were asked for.
    for first, last in ((whole_start, whole_end), (whole_start, end), (start, whole_end), (start, end)):
        try:
            with warnings.catch_warnings():
                # The library itself calls what its pandas deprecates (Series.values): nothing that we could change.
                warnings.simplefilter("ignore", DeprecationWarning)
                # Without `start` the library begins 20 years before today.
                calendar = exchange_calendars.get_calendar(name, start=first.isoformat(), end=last.isoformat())
        except (ValueError, LibraryError) as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            continue
        return [[_milliseconds(moment) for moment in row] for row in calendar.schedule.itertuples(name=None)]
    raise CalendarError(
        f"Calendar {name!r} can't give the days {start} to {end} ({reason}): choose days that it knows."
    )


def _milliseconds(moment: Any) -> int | None:
    """Return a pandas Timestamp in ms; None for NaT, which alone differs from itself."""
    return None if moment != moment else moment.value // 1_000_000


def main(arguments: Sequence[str]) -> int:
    """Print the table of NAME START END as JSON; return 0, or 2 after a sentence on stderr that says what is wrong."""
    try:
        name, start, end = arguments
        table = session_table(name, date.fromisoformat(start), date.fromisoformat(end))
    except CalendarError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"Usage: python -m market.calendar NAME START END, with dates as 2012-06-01 ({error}).\n")
        return 2
    sys.stdout.write(json.dumps(table, separators=(",", ":")) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
