"""Files: a user's trades or bars, read once, checked row by row, kept in columns. It knows no clock and no sink."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from gateway.sources.columns import Amount, BarRows, TradeRows, exceeds
from gateway.sources.faults import Fault, FaultLog, ReplayFileError, RowFault
from gateway.sources.fields import (
    parse_name,
    parse_price,
    parse_side,
    parse_symbol,
    parse_time,
    parse_volume,
    shown,
)
from gateway.sources.tables import Table, open_table
from gateway.sources.tape import BarTape, Tape, TradeTape, time_text
from market.calendar import DAY_MS, MINUTE_MS, Interval, TradingCalendar
from market.resolution import Resolution, parse_resolution

TRADE_COLUMNS = ("timestamp", "symbol", "price", "volume")
TRADE_OPTIONAL = ("trade_id", "side")
BAR_COLUMNS = ("timestamp", "symbol", "open", "high", "low", "close", "volume")
BAR_OPTIONAL = ("resolution",)
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class ReplayData:
    """A file that can be replayed. `names` are its symbols in order of appearance.

    `dropped` counts the rows left out, by reason (empty unless bad rows may be skipped), and `faults` names the first
    20 of them.
    """

    tape: Tape
    calendar: TradingCalendar
    dropped: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the symbols' names, in order of appearance."""
        return self.tape.names

    @property
    def dropped_rows(self) -> int:
        """Return how many rows were left out."""
        return sum(self.dropped.values())


class ParsedFile:
    """A file whose rows are read but not yet held against a calendar.

    `first_ms` and `last_ms` are its first and last timestamps: a calendar must know these days.
    """

    def __init__(self, path: Path, rows: TradeRows | BarRows, log: FaultLog) -> None:
        """Keep what was read; there is at least one row, good or faulty."""
        self._path = path
        self._rows = rows
        self._log = log

    @property
    def first_ms(self) -> int:
        """Return the first row's timestamp (ms)."""
        return self._rows.times[0]

    @property
    def last_ms(self) -> int:
        """Return the last row's timestamp (ms)."""
        return self._rows.times[-1]

    def placed(self, calendar: TradingCalendar, *, skip_bad_rows: bool) -> ReplayData:
        """Return the rows on the calendar. A bar must be one that the calendar has: a trade may lie outside a session.

        ReplayFileError: rows are faulty and may not be skipped, or none is left.
        """
        tape = TradeTape(self._rows) if isinstance(self._rows, TradeRows) else _place(self._rows, calendar, self._log)
        if self._log.total and not skip_bad_rows:
            raise ReplayFileError(self._log.faults, path=self._path, total=self._log.total)
        if not len(tape):
            raise _nothing_left(self._path, self._log)
        return ReplayData(tape, calendar, self._log.kinds, self._log.faults)


def read_replay_file(path: Path, *, skip_bad_rows: bool, calendar: TradingCalendar | None = None) -> ReplayData:
    """Read trades or bars from CSV (also gzipped) or Parquet, on a calendar: 24/7 unless one is given.

    ReplayFileError lists every faulty row by number and reason (up to 20), unless `skip_bad_rows` leaves them out.
    A wrong header, a damaged or an empty file is an error in any case.
    """
    return parse_replay_file(path).placed(calendar or TradingCalendar.always_open(), skip_bad_rows=skip_bad_rows)


def parse_replay_file(path: Path) -> ParsedFile:
    """Read a file's rows, before its calendar is known. ReplayFileError: the file or its header is at fault."""
    with open_table(path) as table:
        log = FaultLog(table.unit)
        trades = _check_header(table, path)
        rows = _read_trades(table, log) if trades else _read_bars(table, log, path)
    if not len(rows):
        raise _nothing_left(path, log)
    return ParsedFile(path, rows, log)


def _nothing_left(path: Path, log: FaultLog) -> ReplayFileError:
    if log.total:
        return ReplayFileError(log.faults, path=path, total=log.total, skippable=False)
    return ReplayFileError([Fault("the file has a header and no rows")], path=path, skippable=False)


def _check_header(table: Table, path: Path) -> bool:
    """Return whether these are trades (else bars). ReplayFileError names each column that is wrong."""
    header = [name.strip() for name in table.header]
    trades = "price" in header
    required, optional = (TRADE_COLUMNS, TRADE_OPTIONAL) if trades else (BAR_COLUMNS, BAR_OPTIONAL)
    line = 1 if table.unit == "line" else None
    faults: list[Fault] = []
    if not trades and not set(_PRICES) & set(header):
        wanted = f"trades need the columns {','.join(TRADE_COLUMNS)}; bars need {','.join(BAR_COLUMNS)}"
        raise ReplayFileError(
            [Fault(f"the columns {shown(','.join(header))} are neither: {wanted}", line)], path=path, skippable=False
        )
    for name in sorted(set(header), key=header.index):
        if header.count(name) > 1:
            faults.append(Fault(f"column {shown(name)} stands there {header.count(name)} times", line))
        if name not in required + optional:
            close = get_close_matches(name.lower(), required + optional, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            faults.append(Fault(f"unknown column {shown(name)}{hint}: {_allowed(required, optional)}", line))
    faults += [Fault(f"column {name!r} is missing", line) for name in required if name not in header]
    if faults:
        raise ReplayFileError(faults, path=path, skippable=False)
    return trades


def _allowed(required: Sequence[str], optional: Sequence[str]) -> str:
    kind = "trades" if "price" in required else "bars"
    return f"{kind} have {','.join(required)} and may have {','.join(optional)}"


class _Order:
    """What rows have to be: sorted by time; their symbols get numbers."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._numbers: dict[str, int] = {}
        self._seen: dict[str, str] = {}
        self.last: int | None = None

    def check(self, time: int) -> None:
        if self.last is not None and time < self.last:
            raise RowFault(
                "rows are not sorted by timestamp",
                f"timestamp {time_text(time)} is before the row above it ({time_text(self.last)}): sort the rows",
            )

    def name(self, text: str) -> str:
        """Return the symbol's name; each text is checked once."""
        name = self._seen.get(text)
        if name is None:
            name = self._seen[text] = parse_symbol(text)
        return name

    def accept(self, time: int, name: str) -> int:
        """Take a row that is good; return its symbol's number."""
        self.last = time
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number


def _read_trades(table: Table, log: FaultLog) -> TradeRows:
    header = [name.strip() for name in table.header]
    width = len(header)
    time_at, symbol_at, price_at, volume_at = (header.index(name) for name in TRADE_COLUMNS)
    id_at, side_at = (header.index(name) if name in header else None for name in TRADE_OPTIONAL)
    rows = TradeRows(has_ids=id_at is not None)
    order = _Order(rows.names)
    for line, row in table.rows:
        try:
            _check_width(row, width)
            time = parse_time(row[time_at])
            name = order.name(row[symbol_at])
            price = parse_price(row[price_at], "price")
            volume = parse_volume(row[volume_at])
            trade_id = "" if id_at is None else parse_name(row[id_at], "trade_id")
            side = None if side_at is None else parse_side(row[side_at])
            order.check(time)
        except RowFault as fault:
            log.add(line, fault)
            continue
        rows.append(time, order.accept(time, name), price, volume, trade_id, side)
    return rows


def _check_width(row: Sequence[str], width: int) -> None:
    if len(row) != width:
        raise RowFault("wrong number of fields", f"{len(row)} fields where the header has {width}")


def _read_bars(table: Table, log: FaultLog, path: Path) -> BarRows:
    header = [name.strip() for name in table.header]
    width = len(header)
    time_at, symbol_at, *value_at = (header.index(name) for name in BAR_COLUMNS)
    resolution_at = header.index("resolution") if "resolution" in header else None
    rows = BarRows()
    order = _Order(rows.names)
    resolutions: dict[str, Resolution] = {}
    last_times: dict[str, int] = {}
    gap: int | None = None  # the smallest distance of two bars of one symbol
    for line, row in table.rows:
        try:
            _check_width(row, width)
            time = parse_time(row[time_at])
            name = order.name(row[symbol_at])
            values = _values([row[index] for index in value_at])
            resolution = Resolution.DAY
            if resolution_at is not None:
                resolution = _resolution(row[resolution_at], name, resolutions)
            order.check(time)
            before = last_times.get(name)
            if before == time:
                raise RowFault("bar stands there twice", f"{name} has a bar at {time_text(time)} already")
        except RowFault as fault:
            log.add(line, fault)
            continue
        if before is not None:
            gap = time - before if gap is None else min(gap, time - before)
        resolutions[name] = resolution
        last_times[name] = time
        rows.append(time, order.accept(time, name), line, values, resolution)
    if resolution_at is None and len(rows):
        inferred = _infer(rows, gap)
        if inferred is None:
            reason = f"there is no column resolution, and the bars' distance ({_distance(gap)}) doesn't tell: add it"
            raise ReplayFileError([Fault(reason), *log.faults], path=path, total=log.total + 1, skippable=False)
        rows.set_resolution(inferred)
    return rows


def _values(texts: Sequence[str]) -> list[Amount]:
    """Return open, high, low, close and volume, if they can be one bar's."""
    values = [parse_price(text, column) for text, column in zip(texts, _PRICES, strict=False)]
    values.append(parse_volume(texts[-1]))
    high, low = values[1], values[2]
    if exceeds(low, high):
        raise RowFault("high is below low", f"high {texts[1]} is below low {texts[2]}")
    for index in (0, 3):
        column, text, value = _PRICES[index], texts[index], values[index]
        if exceeds(value, high):
            raise RowFault(f"high is below {column}", f"high {texts[1]} is below {column} {text}")
        if exceeds(low, value):
            raise RowFault(f"low is above {column}", f"low {texts[2]} is above {column} {text}")
    return values


def _resolution(text: str, name: str, known: Mapping[str, Resolution]) -> Resolution:
    resolution = parse_resolution(text.strip())
    if resolution is None:
        allowed = " ".join(Resolution)
        raise RowFault("resolution is unknown", f"resolution {shown(text)} is unknown: it must be one of {allowed}")
    first = known.get(name, resolution)
    if first != resolution:
        raise RowFault(
            "symbol has two resolutions", f"resolution {resolution}, but {name}'s bars above are of {first}: give one"
        )
    return resolution


def _infer(rows: BarRows, gap: int | None) -> Resolution | None:
    """Return the resolution that the bars' times show: days at 00:00 UTC, else minutes by the smallest distance."""
    if all(time % DAY_MS == 0 for time in rows.times):
        # A week between any two bars, or more: they may be of days, weeks or months.
        return Resolution.DAY if gap is None or gap < 7 * DAY_MS else None
    if gap is None:
        return None
    return next((one for one in Resolution if one.minutes is not None and one.minutes * MINUTE_MS == gap), None)


def _distance(gap: int | None) -> str:
    return "a single bar" if gap is None else f"{gap / MINUTE_MS:g} minutes"


def _place(rows: BarRows, calendar: TradingCalendar, log: FaultLog) -> BarTape:
    tape = BarTape(rows, calendar)
    refuse: Callable[[int, RowFault], None] = log.add
    for index in range(len(rows)):
        try:
            interval = _interval(calendar, rows.resolution(index), rows.times[index])
        except RowFault as fault:
            refuse(rows.lines[index], fault)
            continue
        tape.add(index, interval)
    tape.sort()
    return tape


def _interval(calendar: TradingCalendar, resolution: Resolution, time: int) -> Interval:
    """Return the interval of the bar with this stamp. RowFault: the calendar has no such bar."""
    match resolution:
        case Resolution.DAY:
            interval = _first_interval(calendar, resolution, time, days=1)
        case Resolution.WEEK:
            interval = _first_interval(calendar, resolution, time, days=7)
        case Resolution.MONTH:
            interval = _first_interval(calendar, resolution, time, days=31)
        case _:
            interval = calendar.interval(resolution, time)
    if interval is None:
        raise RowFault(
            f"bar lies outside the sessions of {calendar.name}",
            f"{time_text(time)} is outside the sessions of calendar {calendar.name}",
        )
    if interval.start != time:
        raise RowFault(
            f"timestamp is not a bar's start in {calendar.name}",
            f"a bar of resolution {resolution} is stamped {time_text(interval.start)}, not {time_text(time)},"
            f" in calendar {calendar.name}",
        )
    return interval


def _first_interval(calendar: TradingCalendar, resolution: Resolution, time: int, *, days: int) -> Interval | None:
    for day in range(days):
        session = calendar.session_of_date(time + day * DAY_MS)
        if session is not None:
            return calendar.interval(resolution, session.open)
    return None
