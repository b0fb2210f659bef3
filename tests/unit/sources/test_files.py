"""A user's file is read exactly, and everything that is wrong with it is named by line and reason."""

import gzip
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sources.columns import BarRows, decimal_of
from gateway.sources.faults import Fault, FaultLog, ReplayFileError, RowFault
from gateway.sources.fields import parse_amount, parse_time
from gateway.sources.files import ReplayData, parse_replay_file, read_replay_file
from gateway.sources.tape import BarTape, TradeTape
from market.calendar import TradingCalendar
from market.events import Trade
from market.resolution import Resolution
from tests.unit.sources.recording import bar_of, weekdays

DAY = 86_400_000
TRADES = "timestamp,symbol,price,volume\n"
BARS = "timestamp,symbol,open,high,low,close,volume\n"
GOOD_TRADE = "2012-06-01T14:30:00Z,AAA,10.5,3\n"
GOOD_BAR = "2012-06-01,AAA,10,12,9,11,100\n"


def write(folder: Path, content: str | bytes, name: str = "file.csv") -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(
    folder: Path, content: str | bytes, *, skip: bool = False, calendar: TradingCalendar | None = None
) -> ReplayData:
    """Read a CSV file of this content."""
    return read_replay_file(write(folder, content), skip_bad_rows=skip, calendar=calendar)


def refused(folder: Path, content: str | bytes, **how: Any) -> ReplayFileError:
    """Return the error that reading a CSV file of this content gives."""
    with pytest.raises(ReplayFileError) as caught:
        read(folder, content, **how)
    return caught.value


def all_trades(data: ReplayData) -> list[Trade]:
    """Return every trade of the file, at exchange x."""
    return list(data.tape.trades("x", data.tape.first))


# ---- what is read


def test_trades_are_read_exactly(tmp_path: Path) -> None:
    """Every column of every row arrives: times of all spellings in ms, numbers to the last digit."""
    data = read(
        tmp_path,
        "symbol,timestamp,volume,price,side,trade_id\n"
        "AAA,1338561000000,1.50,10.10,buy,77\n"
        "BTC/USDT,2012-06-01T14:30:00.001,0,0.000000012345678901,sell,a-1\n"
        "AAA,2012-06-01 16:30:00.0019+02:00,1e2,123456789012345678,,\n",
    )
    first, second, third = all_trades(data)
    assert first == Trade("x:AAA", 1_338_561_000_000, Decimal("10.10"), Decimal("1.5"), "77", "buy", None)
    assert second == Trade(
        "x:BTC/USDT", 1_338_561_000_001, Decimal("0.000000012345678901"), Decimal(0), "a-1", "sell", 1
    )
    assert third == Trade("x:AAA", 1_338_561_000_001, Decimal("123456789012345678"), Decimal(100), "#3", None, 2)
    assert data.names == ("AAA", "BTC/USDT")
    assert data.dropped_rows == 0
    assert list(data.tape.daily_bars("AAA", 2**62)) == []
    assert len(data.tape) == 3


@given(st.decimals(min_value=0, max_value=10**12, places=6), st.sampled_from(["{}", " {} ", "+{}", "{}0", "{:E}"]))
def test_any_number_is_read_to_its_last_digit(value: Decimal, spelling: str) -> None:
    """However a number is spelt, nothing of it is lost."""
    assert decimal_of(*parse_amount(spelling.format(value), "price")) == value


@given(st.floats(min_value=1e-12, max_value=1e17))
def test_a_float_is_read_as_its_shortest_text(value: float) -> None:
    """What a float's own text says is what it is read as."""
    assert decimal_of(*parse_amount(repr(value), "price")) == Decimal(repr(value))


def test_dates_and_zones_are_read(tmp_path: Path) -> None:
    """A date alone is its 00:00 UTC, a naive time is UTC, and a zone counts."""
    assert parse_time("2012-06-01") == 1_338_508_800_000
    assert parse_time("2012-06-01T00:00:00") == 1_338_508_800_000
    assert parse_time("2012-06-01T00:00:00+09:30") == 1_338_508_800_000 - 34_200_000
    assert parse_time(" 1969-12-31T23:59:59.999Z ") == -1
    assert parse_time("60000") == 60_000
    assert parse_amount("0e99", "volume") == (0, 0)
    assert parse_time("-1") == -1


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (TRADES + GOOD_TRADE, "a.csv"),
        (("\ufeff" + TRADES + GOOD_TRADE), "a.csv"),
        ((TRADES + GOOD_TRADE).replace("\n", "\r\n"), "a.csv"),
        ((TRADES + "\n" + GOOD_TRADE + "\n\n"), "a.csv"),
        ((TRADES + GOOD_TRADE.rstrip()), "a.txt"),
        (" timestamp , symbol,price,volume\n" + GOOD_TRADE, "a.csv"),
        (gzip.compress((TRADES + GOOD_TRADE).encode(), mtime=0), "a.csv.gz"),
        (gzip.compress((TRADES + GOOD_TRADE).encode(), mtime=0), "a.csv"),
    ],
)
def test_csv_comes_in_many_wrappings(tmp_path: Path, content: str | bytes, name: str) -> None:
    """A byte order mark, Windows line ends, empty lines, no last line end, spaces in the header and gzip all do."""
    (trade,) = all_trades(read_replay_file(write(tmp_path, content, name), skip_bad_rows=False))
    assert trade == Trade("x:AAA", 1_338_561_000_000, Decimal("10.5"), Decimal(3), "#1", None, 0)


# ---- Parquet


def write_parquet(folder: Path, columns: dict[str, Any], name: str = "file.parquet") -> Path:
    """Write a Parquet file of these columns and return its path."""
    path = folder / name
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize("kind", ["ms", "us-utc", "ns-zone", "int", "text"])
def test_parquet_gives_the_same_trades_as_csv(tmp_path: Path, kind: str) -> None:
    """The same trades in a Parquet file, whatever the column's type of time, are the same events."""
    stamps = [1_338_561_000_000, 1_338_561_000_250, 60_000_000]
    texts = ["2012-06-01T14:30:00Z", "2012-06-01T14:30:00.250Z", "2012-06-01T14:30:00.250Z"]
    stamps[2] = stamps[1]
    time: Any
    match kind:
        case "ms":
            time = pyarrow.array(stamps, pyarrow.timestamp("ms"))
        case "us-utc":
            time = pyarrow.array([stamp * 1000 + 999 for stamp in stamps], pyarrow.timestamp("us", tz="UTC"))
        case "ns-zone":
            time = pyarrow.array([stamp * 10**6 for stamp in stamps], pyarrow.timestamp("ns", tz="America/New_York"))
        case "int":
            time = pyarrow.array(stamps)
        case _:
            time = pyarrow.array(texts)
    table = {
        "timestamp": time,
        "symbol": pyarrow.array(["AAA", "BBB", "AAA"]).dictionary_encode(),
        "price": pyarrow.array([10.1, 0.1 + 0.2, 1e-7]),
        "volume": pyarrow.array([Decimal("1.50"), Decimal("2.00"), Decimal("0.00")]),
        "trade_id": pyarrow.array([5, None, 7]),
        "side": pyarrow.array(["buy", None, "sell"]),
    }
    csv = "timestamp,symbol,price,volume,trade_id,side\n" + "".join(
        f"{stamp},{rest}\n"
        for stamp, rest in zip(
            stamps,
            ["AAA,10.1,1.50,5,buy", "BBB,0.30000000000000004,2.00,,", "AAA,0.0000001,0,7,sell"],
            strict=True,
        )
    )
    parquet = read_replay_file(write_parquet(tmp_path, table), skip_bad_rows=False)
    assert all_trades(parquet) == all_trades(read(tmp_path, csv))


def test_parquet_gives_the_same_bars_as_csv(tmp_path: Path) -> None:
    """The same bars in a Parquet file become the same trades, also with dates and with 32-bit floats."""
    days = [15_492, 15_495]
    table = {
        "timestamp": pyarrow.array(days, pyarrow.date32()),
        "symbol": ["AAA", "AAA"],
        "open": pyarrow.array([10.1, 11.0], pyarrow.float32()),
        "high": [12, 13],
        "low": [9.5, 9.5],
        "close": [10.25, 9.75],
        "volume": [1_000, 2_000],
    }
    csv = BARS + "2012-06-01,AAA,10.1,12,9.5,10.25,1000\n2012-06-04,AAA,11.0,13,9.5,9.75,2000\n"
    parquet = read_replay_file(write_parquet(tmp_path, table, "no-suffix"), skip_bad_rows=False)
    assert all_trades(parquet) == all_trades(read(tmp_path, csv))


def test_a_typed_time_is_never_taken_for_seconds(tmp_path: Path) -> None:
    """A Parquet timestamp in 1970 is what it says; the same number as an integer is refused."""
    typed = {
        "timestamp": pyarrow.array([1_338_508_800], pyarrow.timestamp("ms")),
        "symbol": ["AAA"],
        "price": [1.0],
        "volume": [1],
    }
    data = read_replay_file(write_parquet(tmp_path, typed), skip_bad_rows=False)
    assert all_trades(data)[0].time == 1_338_508_800
    with pytest.raises(ReplayFileError, match=r"row 1: timestamp 1338508800 .* milliseconds, not seconds"):
        read_replay_file(write_parquet(tmp_path, typed | {"timestamp": [1_338_508_800]}), skip_bad_rows=False)


def test_parquet_faults_name_rows(tmp_path: Path) -> None:
    """A Parquet file's faults are named by row: a null, a NaN and an infinity."""
    columns = {
        "timestamp": [1_338_561_000_000] * 4,
        "symbol": ["AAA", None, "AAA", "AAA"],
        "price": [None, 1.0, float("nan"), 1.0],
        "volume": [1.0, 1.0, 1.0, float("inf")],
    }
    with pytest.raises(ReplayFileError) as caught:
        read_replay_file(write_parquet(tmp_path, columns), skip_bad_rows=False)
    assert [str(fault) for fault in caught.value.faults] == [
        "row 1: price is missing",
        "row 2: symbol is missing",
        "row 3: price is nan, which is not a finite number",
        "row 4: volume is inf, which is not a finite number",
    ]


@pytest.mark.parametrize("columns", [{"timestamp": [1], "symbol": ["A"]}, {"a": [1]}])
def test_parquet_headers_are_checked(tmp_path: Path, columns: dict[str, Any]) -> None:
    """A Parquet file without the columns is refused as a whole, without a line."""
    with pytest.raises(ReplayFileError) as caught:
        read_replay_file(write_parquet(tmp_path, columns), skip_bad_rows=True)
    assert all(fault.line is None for fault in caught.value.faults)


# ---- faulty rows

ROW_FAULTS = [
    (TRADES, "2012-06-01T14:30:00Z,AAA,nan,3", "price is nan, which is not a finite number"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,-NaN,3", "price is -NaN, which is not a finite number"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,inf,3", "price is inf, which is not a finite number"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,10,-Infinity", "volume is -Infinity, which is not a finite number"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,-1,3", "price -1 is not above 0"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,0,3", "price 0 is not above 0"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,0.000,3", "price 0.000 is not above 0"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,-0.0,3", "price -0.0 is not above 0"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,10,-3", "volume -3 is negative"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,,3", "price is missing"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,10,  ", "volume is missing"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,ten,3", "price 'ten' is not a number"),
    (TRADES, '2012-06-01T14:30:00Z,AAA,"1,000",3', "price '1,000' is not a number"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,1_0,3", "price '1_0' is not a number"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,٣,3", "price '٣' is not a number"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,.,3", "price '.' is not a number"),
    (TRADES, f"2012-06-01T14:30:00Z,AAA,{'x' * 100},3", f"price '{'x' * 37}...' is not a number"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,1e400,3", "price '1e400' has more than 18 digits or 30 decimals"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,1e-31,3", "price '1e-31' has more than 18 digits or 30 decimals"),
    (
        TRADES,
        "2012-06-01T14:30:00Z,AAA,1.234567890123456789,3",
        "price '1.234567890123456789' has more than 18 digits or 30 decimals",
    ),
    (TRADES, "2012-06-01T14:30:00Z,AAA,10", "3 fields where the header has 4"),
    (TRADES, "2012-06-01T14:30:00Z,AAA,10,3,4", "5 fields where the header has 4"),
    (TRADES, "2012-06-01T14:30:00Z,,10,3", "symbol is missing"),
    (TRADES, "2012-06-01T14:30:00Z,A:B,10,3", "symbol 'A:B' contains a colon or a space"),
    (TRADES, "2012-06-01T14:30:00Z,A B,10,3", "symbol 'A B' contains a colon or a space"),
    (
        TRADES,
        f"2012-06-01T14:30:00Z,{'A' * 65},10,3",
        f"symbol '{'A' * 37}...' has more than 64 or unprintable characters",
    ),
    (TRADES, "2012-06-01T14:30:00Z,A\x00,10,3", "symbol 'A\\x00' has more than 64 or unprintable characters"),
    (TRADES, ",AAA,10,3", "timestamp is missing"),
    (
        TRADES,
        "yesterday,AAA,10,3",
        "timestamp 'yesterday' is neither whole milliseconds nor ISO 8601 (as 2012-06-01T13:30:00Z)",
    ),
    (
        TRADES,
        "2012-02-30,AAA,10,3",
        "timestamp '2012-02-30' is neither whole milliseconds nor ISO 8601 (as 2012-06-01T13:30:00Z)",
    ),
    (
        TRADES,
        "1338561000000.5,AAA,10,3",
        "timestamp '1338561000000.5' is neither whole milliseconds nor ISO 8601 (as 2012-06-01T13:30:00Z)",
    ),
    (
        TRADES,
        "1338561000,AAA,10,3",
        "timestamp 1338561000 would be early in the 1970s: give milliseconds, not seconds, or ISO 8601 (2012-06-01)",
    ),
    (
        TRADES,
        "20120601,AAA,10,3",
        "timestamp 20120601 would be early in the 1970s: give milliseconds, not seconds, or ISO 8601 (2012-06-01)",
    ),
    (
        TRADES,
        "1338561000000000,AAA,10,3",
        "timestamp 1338561000000000 would be after the year 9999: give milliseconds, not micro- or nanoseconds",
    ),
    (
        TRADES,
        "2012-06-01T14:29:59Z,AAA,10,3",
        "timestamp 2012-06-01T14:29:59Z is before the row above it (2012-06-01T14:30:00Z): sort the rows",
    ),
    (
        "timestamp,symbol,price,volume,side\n",
        "2012-06-01T14:30:00Z,AAA,10,3,BUY",
        "side 'BUY' is neither buy nor sell",
    ),
    (
        "timestamp,symbol,price,volume,trade_id\n",
        f"2012-06-01T14:30:00Z,AAA,10,3,{'7' * 65}",
        f"trade_id '{'7' * 37}...' has more than 64 or unprintable characters",
    ),
    (BARS, "2012-06-02,AAA,10,8,9,11,100", "high 8 is below low 9"),
    (BARS, "2012-06-02,AAA,10,9.99,9,9,100", "high 9.99 is below open 10"),
    (BARS, "2012-06-02,AAA,10,12,9,13,100", "high 12 is below close 13"),
    (BARS, "2012-06-02,AAA,10,12,10.5,11,100", "low 10.5 is above open 10"),
    (BARS, "2012-06-02,AAA,10,12,9,8,100", "low 9 is above close 8"),
    (BARS, "2012-06-02,AAA,10,12,nan,8,100", "low is nan, which is not a finite number"),
    (BARS, "2012-06-02,AAA,10,12,-9,8,100", "low -9 is not above 0"),
    (BARS, "2012-06-02,AAA,10,12,9,11,-1", "volume -1 is negative"),
    (BARS, "2012-06-02,AAA,10,12,9,11", "6 fields where the header has 7"),
    (BARS, "2012-06-01,AAA,10,12,9,11,100", "AAA has a bar at 2012-06-01 already"),
    (
        "timestamp,symbol,open,high,low,close,volume,resolution\n",
        "2012-06-02,AAA,10,12,9,11,100,2D",
        "resolution '2D' is unknown: it must be one of 1 3 5 15 30 60 120 240 1D 1W 1M",
    ),
    (
        "timestamp,symbol,open,high,low,close,volume,resolution\n",
        "2012-06-04,AAA,10,12,9,11,100,1W",
        "resolution 1W, but AAA's bars above are of 1D: give one",
    ),
    (
        "timestamp,symbol,open,high,low,close,volume,resolution\n",
        "2012-06-02T00:01:00Z,AAA,10,12,9,11,100,1D",
        "a bar of resolution 1D is stamped 2012-06-02, not 2012-06-02T00:01:00Z, in calendar 24/7",
    ),
]


def good_rows(header: str) -> Sequence[str]:
    """Return two good rows for the header, one that comes before a row at test and one after it."""
    row = GOOD_TRADE if "price" in header else GOOD_BAR
    tail = {"side": ",buy", "trade_id": ",1", "resolution": ",1D"}.get(header.strip().split(",")[-1], "")
    after = row.replace("2012-06-01", "2012-06-03").replace("06-03T14:30:00Z", "06-01T14:30:00Z")
    return row.strip() + tail + "\n", after.strip() + tail + "\n"


@pytest.mark.parametrize(("header", "row", "reason"), ROW_FAULTS, ids=[reason[:50] for _, _, reason in ROW_FAULTS])
def test_each_faulty_row_is_named_by_line_and_reason(tmp_path: Path, header: str, row: str, reason: str) -> None:
    """A faulty row between good ones is the only one named; with skipping it is the only one dropped, and counted."""
    before, after = good_rows(header)
    content = header + before + row + "\n" + after
    error = refused(tmp_path, content)
    assert error.faults == (Fault(reason, 3),)
    assert error.total == 1
    assert str(error) == (
        f"{tmp_path / 'file.csv'} can't be replayed:\n  line 3: {reason}\n"
        "Correct these rows, or set TAPECAST_REPLAY_SKIP_BAD_ROWS=true to leave them out."
    )
    data = read(tmp_path, content, skip=True)
    assert data.dropped_rows == 1
    assert data.faults == (Fault(reason, 3),)
    clean = read(tmp_path, header + before + after)
    assert len(data.tape) == 2
    assert [trade.price for trade in all_trades(data)] == [trade.price for trade in all_trades(clean)]


def test_bytes_that_are_not_utf8_are_named_by_line(tmp_path: Path) -> None:
    """A row that isn't UTF-8 is named; the rows around it can still be used."""
    content = (TRADES + GOOD_TRADE).encode() + b"2012-06-01T14:30:00Z,\xff\xfeA,10,3\n" + GOOD_TRADE.encode()
    error = refused(tmp_path, content)
    assert str(error.faults[0]) == "line 3: symbol '\\udcff\\udcfeA' is not UTF-8: save the file as UTF-8"
    assert len(read(tmp_path, content, skip=True).tape) == 2


def test_the_first_20_faults_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    """Of 31 faulty rows 20 are named, in order; skipping counts all, by reason."""
    content = TRADES + "".join(f"2012-06-01T14:30:{n % 60:02d}Z,AAA,{'x' if n % 2 else 10},3\n" for n in range(61))
    error = refused(tmp_path, content)
    lines = str(error).splitlines()
    assert len(error.faults) == 20
    assert error.total == 31
    assert lines[1].startswith("  line 3: price 'x'")
    assert lines[20].startswith("  line 41: ")
    assert lines[21] == "  and 11 more"
    data = read(tmp_path, content, skip=True)
    assert data.dropped == {"price is not a number": 30, "rows are not sorted by timestamp": 1}
    assert data.dropped_rows == 31
    assert len(data.tape) == 30


def test_faults_of_both_passes_come_in_order_of_lines(tmp_path: Path) -> None:
    """A bar outside its sessions (seen last) stands before a later row that isn't a number (seen first)."""
    content = BARS + GOOD_BAR + "2012-06-02,AAA,10,12,9,11,1\n2012-06-04,AAA,x,12,9,11,1\n2012-06-03,BBB,1,1,1,1,1\n"
    error = refused(tmp_path, content, calendar=weekdays(15_000, 16_000))
    assert [str(fault) for fault in error.faults] == [
        "line 3: 2012-06-02 is outside the sessions of calendar weekdays",
        "line 4: open 'x' is not a number",
        "line 5: 2012-06-03 is outside the sessions of calendar weekdays",
    ]


def test_the_log_of_faults_stays_small() -> None:
    """Of a million faults in any order of passes the log keeps the 20 with the smallest lines."""
    log = FaultLog("row")
    for line in [*range(1000, 2000), *range(990, 1010), 5]:
        log.add(line, RowFault("kind", f"reason {line}"))
    assert [fault.line for fault in log.faults] == [
        5,
        *range(990, 1000),
        *(n for n in range(1000, 1005) for _ in "ab"),
    ][:20]
    assert log.total == 1021
    assert log.kinds == {"kind": 1021}


# ---- faulty files


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        (b"", ["the file is empty"]),
        ("\ufeff", ["the file is empty"]),
        (TRADES, ["the file has a header and no rows"]),
        (BARS + "\n\n", ["the file has a header and no rows"]),
        (TRADES + "x,AAA,1,1\n", None),
        ("timestamp,symbol,price\n" + GOOD_TRADE, ["line 1: column 'volume' is missing"]),
        (
            "timestamp,symbol,price,volume,exchange\n" + GOOD_TRADE,
            ["line 1: unknown column 'exchange': trades have timestamp,symbol,price,volume and may have trade_id,side"],
        ),
        (
            "Timestamp,symbol,open,high,low,close,volume\n" + GOOD_BAR,
            [
                "line 1: unknown column 'Timestamp' (did you mean 'timestamp'?): bars have"
                " timestamp,symbol,open,high,low,close,volume and may have resolution",
                "line 1: column 'timestamp' is missing",
            ],
        ),
        ("timestamp,symbol,price,volume,price\n" + GOOD_TRADE, ["line 1: column 'price' stands there 2 times"]),
        (
            GOOD_TRADE * 2,
            [
                "line 1: the columns '2012-06-01T14:30:00Z,AAA,10.5,3' are neither: trades need the columns"
                " timestamp,symbol,price,volume; bars need timestamp,symbol,open,high,low,close,volume"
            ],
        ),
        ((TRADES + GOOD_TRADE).encode("utf-16"), ["it is not UTF-8 but UTF-16: save it as UTF-8"]),
        (
            TRADES + GOOD_TRADE + '"2012,A,1,1\n',
            ["line 3: the quotes or separators are broken: unexpected end of data"],
        ),
        (gzip.compress((TRADES + GOOD_TRADE).encode(), mtime=0)[:-9], None),
        (b"PAR1 but no more", None),
    ],
)
@pytest.mark.parametrize("skip", [False, True])
def test_a_faulty_file_is_refused_as_a_whole(
    tmp_path: Path, content: str | bytes, reasons: list[str] | None, skip: bool
) -> None:
    """What no row is to blame for can't be skipped, and the text says so."""
    error = refused(tmp_path, content, skip=skip)
    if reasons is not None:
        assert [str(fault) for fault in error.faults] == reasons
    if reasons is not None or skip:
        assert not error.skippable
        assert str(error).endswith("Correct the file and start again; TAPECAST_REPLAY_SKIP_BAD_ROWS can't help here.")


def test_missing_files_folders_and_wrong_suffixes_are_refused(tmp_path: Path) -> None:
    """No file, a folder, a name that promises Parquet or gzip: each has its sentence."""

    def reason(path: Path) -> str:
        with pytest.raises(ReplayFileError) as caught:
            parse_replay_file(path)
        return str(caught.value.faults[0])

    assert reason(tmp_path / "none.csv") == "there is no such file"
    assert reason(tmp_path) == "it is a directory, not a file"
    assert reason(write(tmp_path, TRADES, "a.parquet")).startswith("it is not a Parquet file that can be read: ")
    assert reason(write(tmp_path, TRADES, "a.csv.gz")) == "it isn't a gzip file, though its name ends in .gz"
    damaged = gzip.compress((TRADES + GOOD_TRADE * 5000).encode())
    assert "the gzip file is damaged after line" in reason(write(tmp_path, damaged[:-20], "b.csv.gz"))
    assert "the gzip file is damaged after line" in reason(write(tmp_path, damaged[:60] + b"\xff" * 40, "c.csv.gz"))


def test_a_path_through_a_file_cannot_be_opened(tmp_path: Path) -> None:
    """An operating system's refusal is passed on in its words."""
    inside = write(tmp_path, TRADES) / "file.csv"
    with pytest.raises(ReplayFileError, match="it can't be opened: Not a directory"):
        parse_replay_file(inside)


def test_a_parquet_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    """Damage inside a Parquet file is a sentence, not a traceback."""
    columns = {
        "timestamp": list(range(1_338_561_000_000, 1_338_561_005_000)),
        "symbol": ["AAA"] * 5000,
        "price": [n / 7 + 1 for n in range(5000)],
        "volume": [1] * 5000,
    }
    path = write_parquet(tmp_path, columns)
    content = bytearray(path.read_bytes())
    content[4:3000] = b"\xff" * 2996
    path.write_bytes(content)
    with pytest.raises(ReplayFileError, match=r"Parquet file is damaged|not a Parquet file"):
        parse_replay_file(path)


# ---- bars


@pytest.mark.parametrize(
    ("stamps", "resolution"),
    [
        (["2012-06-01"], Resolution.DAY),
        (["2012-06-01", "2012-06-04", "2012-06-05"], Resolution.DAY),
        (["2012-06-01T14:30:00Z", "2012-06-01T14:31:00Z", "2012-06-01T15:00:00Z"], Resolution.MINUTE_1),
        (["2012-06-01T00:00:00Z", "2012-06-01T04:00:00Z"], Resolution.MINUTE_240),
        (["2012-06-01T14:30:00Z", "2012-06-01T14:45:00Z"], Resolution.MINUTE_15),
    ],
)
def test_the_resolution_is_inferred(tmp_path: Path, stamps: list[str], resolution: Resolution) -> None:
    """Bars at 00:00 UTC are days; else the smallest distance within a symbol tells."""
    data = read(tmp_path, BARS + "".join(f"{stamp},{name},10,12,9,11,100\n" for stamp in stamps for name in "AB"))
    trades = [trade for trade in all_trades(data) if trade.symbol == "x:A"]
    assert trades[0].time == parse_time(stamps[0])
    interval = TradingCalendar.always_open().interval(resolution, trades[0].time)
    assert interval is not None
    assert bar_of(trade for trade in trades if interval.opens <= trade.time < interval.end).volume == 100


@pytest.mark.parametrize(
    ("stamps", "distance"),
    [
        (["2012-06-01T14:30:00Z"], "a single bar"),
        (["2012-06-01T14:30:00Z", "2012-06-01T14:32:00Z"], "2 minutes"),
        (["2012-06-01T14:30:00Z", "2012-06-01T14:30:30Z"], "0.5 minutes"),
        (["2012-06-04", "2012-06-11"], "10080 minutes"),
    ],
)
def test_a_resolution_that_cannot_be_told_is_asked_for(tmp_path: Path, stamps: list[str], distance: str) -> None:
    """Where the times leave it open, the text asks for the column."""
    content = BARS + "".join(f"{stamp},AAA,10,12,9,11,100\n" for stamp in stamps)
    error = refused(tmp_path, content, skip=True)
    assert str(error.faults[0]) == (
        f"there is no column resolution, and the bars' distance ({distance}) doesn't tell: add it"
    )


BAR_CASES = [
    ("1", "2012-06-01T14:30:00Z", "2012-06-01T14:31:00Z"),
    ("1m", "2012-06-01T18:00:00Z", "2012-06-01T18:01:00Z"),
    ("240", "2012-06-01T14:30:00Z", "2012-06-01T17:00:00Z"),
    ("1h", "2012-06-01T16:30:00Z", "2012-06-01T17:00:00Z"),
    ("1D", "2012-06-01", "2012-06-01T21:00:00Z"),
    ("W", "2012-06-04", "2012-06-08T21:00:00Z"),
    ("1M", "2012-06-01", "2012-06-29T21:00:00Z"),
]


@pytest.mark.parametrize(("resolution", "stamp", "end"), BAR_CASES)
def test_a_bar_of_any_resolution_trades_within_its_interval(
    tmp_path: Path, resolution: str, stamp: str, end: str
) -> None:
    """A row becomes trades inside its own interval and sessions only, whose bar is the row."""
    header = BARS.strip() + ",resolution\n"
    calendar = weekdays(15_000, 16_000)
    data = read(tmp_path, f"{header}{stamp},AAA,10,12.5,9.75,11,1000,{resolution}\n", calendar=calendar)
    trades = all_trades(data)
    assert bar_of(trades) == bar_of(
        [Trade("", 0, Decimal(price), Decimal(250)) for price in ("10", "12.5", "9.75", "11")]
    )
    assert data.tape.first <= trades[0].time
    assert trades[-1].time <= data.tape.last == parse_time(end) - 1
    for trade in trades:
        session = calendar.session_at(trade.time)
        assert session is not None
        assert session.part_at(trade.time) is not None
    assert len(trades) >= (4 if resolution in ("1", "1m", "1h", "240") else 20)


@pytest.mark.parametrize(
    ("resolution", "stamp", "reason"),
    [
        ("1", "2012-06-01T14:29:00Z", "2012-06-01T14:29:00Z is outside the sessions of calendar weekdays"),
        ("1", "2012-06-01T17:00:00Z", "2012-06-01T17:00:00Z is outside the sessions of calendar weekdays"),
        ("1D", "2012-06-02", "2012-06-02 is outside the sessions of calendar weekdays"),
        ("1W", "2022-06-06", "2022-06-06 is outside the sessions of calendar weekdays"),
        (
            "5",
            "2012-06-01T14:31:00Z",
            "a bar of resolution 5 is stamped 2012-06-01T14:30:00Z, not 2012-06-01T14:31:00Z, in calendar weekdays",
        ),
        (
            "1W",
            "2012-06-01",
            "a bar of resolution 1W is stamped 2012-05-28, not 2012-06-01, in calendar weekdays",
        ),
        (
            "1M",
            "2012-07-01",
            "a bar of resolution 1M is stamped 2012-07-02, not 2012-07-01, in calendar weekdays",
        ),
    ],
)
def test_a_bar_that_the_calendar_does_not_have_is_named(
    tmp_path: Path, resolution: str, stamp: str, reason: str
) -> None:
    """A bar outside its sessions, or with another stamp than the calendar gives it, is a faulty row."""
    content = f"{BARS.strip()},resolution\n{stamp},AAA,10,12,9,11,100,{resolution}\n"
    assert refused(tmp_path, content, calendar=weekdays(15_000, 16_000)).faults == (Fault(reason, 2),)


def test_bars_of_days_and_minutes_are_merged_by_time(tmp_path: Path) -> None:
    """Symbols of different resolutions trade side by side, in order of time, also from a point inside the bars."""
    rows = [("2012-06-04", "WEEK", "1W"), ("2012-06-04", "DAY", "1D")]
    rows += [(f"2012-06-04T14:{minute}:00Z", "MIN", "1") for minute in range(30, 60)]
    rows += [("2012-06-05", "DAY", "1D")]
    content = f"{BARS.strip()},resolution\n" + "".join(f"{stamp},{n},10,12,9,11,900,{r}\n" for stamp, n, r in rows)
    data = read(tmp_path, content, calendar=weekdays(15_000, 16_000))
    trades = all_trades(data)
    times = [trade.time for trade in trades]
    assert times == sorted(times)
    assert len(trades) == 60 + 2 * 60 + 30 * 4
    middle = parse_time("2012-06-04T14:40:30Z")
    assert list(data.tape.trades("x", middle)) == [trade for trade in trades if trade.time >= middle]
    assert list(data.tape.trades("x", data.tape.last + 1)) == []


def test_opens_on_the_evening_before_are_put_in_order(tmp_path: Path) -> None:
    """Where a day opens before its own stamp, its trades still come before those of earlier-stamped minutes."""
    evening = TradingCalendar.from_table(
        "evening", [[day * DAY, day * DAY - 2 * 3_600_000, None, None, day * DAY + 20 * 3_600_000] for day in (10, 11)]
    )
    rows = "".join(
        f"{stamp},{name},10,12,9,11,900,{resolution}\n"
        for stamp, name, resolution in [
            (10 * DAY + 19 * 3_600_000, "MIN", "60"),
            (11 * DAY - 3_600_000, "MIN", "60"),
            (11 * DAY, "DAY", "1D"),
        ]
        if stamp >= 0
    ).replace(str(10 * DAY + 19 * 3_600_000), "1970-01-11T19:00:00Z")
    rows = rows.replace(str(11 * DAY - 3_600_000), "1970-01-11T23:00:00Z").replace(str(11 * DAY), "1970-01-12")
    data = read(tmp_path, f"{BARS.strip()},resolution\n{rows}", calendar=evening)
    times = [(trade.time, trade.symbol) for trade in all_trades(data)]
    assert times == sorted(times, key=lambda pair: pair[0])
    assert times[16] == (11 * DAY - 2 * 3_600_000, "x:DAY")
    assert data.tape.last == 11 * DAY + 20 * 3_600_000 - 1


def test_daily_bars_are_views_of_the_rows(tmp_path: Path) -> None:
    """Daily bars that closed before a time can be had as bars, by index and by slice; others can't."""
    days = ["2012-06-01", "2012-06-04", "2012-06-05"]
    content = BARS + "".join(f"{day},AAA,10,12,9,11.50,100\n" for day in days)
    data = read(tmp_path, content, calendar=weekdays(15_000, 16_000))
    before = parse_time("2012-06-04T21:00:00Z")
    bars = data.tape.daily_bars("AAA", before)
    assert [bar.time for bar in bars] == [parse_time(day) for day in days[:2]]
    assert bars[-1].close == Decimal("11.5")
    assert bars[0:1] == [bars[0]]
    with pytest.raises(IndexError):
        _ = bars[2]
    assert len(data.tape.daily_bars("AAA", before - 1)) == 1
    assert list(data.tape.daily_bars("NONE", before)) == []
    weeks = read(tmp_path, f"{BARS.strip()},resolution\n2012-06-04,AAA,10,12,9,11,100,1W\n")
    assert list(weeks.tape.daily_bars("AAA", 2**62)) == []


def test_rows_are_kept_small(tmp_path: Path) -> None:
    """The columns refuse nothing that the checks let through, and a tape without rows says so."""
    rows = BarRows()
    tape = BarTape(rows, TradingCalendar.always_open())
    tape.sort()
    assert len(tape) == 0
    assert isinstance(read(tmp_path, TRADES + GOOD_TRADE).tape, TradeTape)
