"""Tables: a CSV or Parquet file as one header and numbered rows of text. It knows no column's meaning."""

import csv
import gzip
import importlib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from gateway.sources.faults import Fault, ReplayFileError

_BATCH_ROWS = 16_384
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_PARQUET_SUFFIXES = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class Table:
    """A file that is being read. `rows` gives (number, cells) once; the number counts from 1, a CSV's header being 1.

    `unit` is what a row's number counts: `line` of a CSV file, `row` of a Parquet file.
    """

    header: Sequence[str]
    rows: Iterator[tuple[int, Sequence[str]]]
    unit: str


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open a file by what it holds: Parquet, gzipped CSV or CSV. ReplayFileError: it is none of them."""

    def refuse(reason: str, line: int | None = None) -> ReplayFileError:
        return ReplayFileError([Fault(reason, line)], path=path, skippable=False)

    try:
        with path.open("rb") as file:
            start = file.read(4)
    except FileNotFoundError:
        raise refuse("there is no such file") from None
    except IsADirectoryError:
        raise refuse("it is a directory, not a file") from None
    except OSError as error:
        raise refuse(f"it can't be opened: {error.strerror}") from None
    if not start:
        raise refuse("the file is empty")
    if start == b"PAR1" or path.suffix.lower() in _PARQUET_SUFFIXES:
        with _open_parquet(path, refuse) as table:
            yield table
        return
    zipped = start.startswith(b"\x1f\x8b")
    if path.suffix.lower() == ".gz" and not zipped:
        raise refuse("it isn't a gzip file, though its name ends in .gz")
    if start.startswith(_UTF16_MARKS):
        raise refuse("it is not UTF-8 but UTF-16: save it as UTF-8")
    with _open_text(path, zipped=zipped) as text:
        reader = csv.reader(text, strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise refuse("the file is empty")
            yield Table(header, _csv_rows(reader), "line")
        except csv.Error as error:
            raise refuse(f"the quotes or separators are broken: {error}", reader.line_num) from None
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise refuse(f"the gzip file is damaged after line {reader.line_num}: {error}") from None


def _open_text(path: Path, *, zipped: bool) -> TextIO:
    # What isn't UTF-8 becomes lone surrogates, so that the row with it can be named.
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return path.open("rt", encoding="utf-8-sig", errors="surrogateescape", newline="")


def _csv_rows(reader: Any) -> Iterator[tuple[int, Sequence[str]]]:
    for row in reader:
        if row:  # an empty line holds nothing that could be wrong
            yield reader.line_num, row


@contextmanager
def _open_parquet(path: Path, refuse: Any) -> Iterator[Table]:
    # By name and only here: pyarrow costs 40 MB, has no types of its own, and CSV needs none of it.
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    try:
        file = parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        raise refuse(f"it is not a Parquet file that can be read: {str(error).splitlines()[0]}") from None
    with file:
        try:
            yield Table(list(file.schema_arrow.names), _parquet_rows(file, arrow), "row")
        except (arrow.ArrowException, OSError) as error:
            raise refuse(f"the Parquet file is damaged: {str(error).splitlines()[0]}") from None


def _parquet_rows(file: Any, arrow: Any) -> Iterator[tuple[int, Sequence[str]]]:
    number = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
        for row in zip(*(_texts(column, arrow) for column in batch.columns), strict=True):
            number += 1
            yield number, row


def _texts(column: Any, arrow: Any) -> list[str]:
    """Return a column's values as the text that a CSV file would have: no value is rounded."""
    kind = column.type
    if arrow.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if arrow.types.is_timestamp(kind) or arrow.types.is_date(kind):
        # Milliseconds in UTC; finer digits are cut off, as in a text.
        milliseconds = column.cast(arrow.timestamp("ms", tz=getattr(kind, "tz", None)), safe=False).cast(arrow.int64())
        return ["" if value is None else _iso_or_ms(value) for value in milliseconds.to_pylist()]
    if arrow.types.is_float32(kind):
        # Its own shortest digits: 0.1 as float32 is 0.1, not 0.10000000149011612.
        return ["" if value is None else str(value) for value in column.cast(arrow.string()).to_pylist()]
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _iso_or_ms(milliseconds: int) -> str:
    """Return the milliseconds as text.

    A typed time can't be seconds by mistake, so those that the check for such mistakes would refuse go as ISO 8601.
    """
    if 10_000_000 <= milliseconds < 100_000_000_000:
        from datetime import UTC, datetime, timedelta

        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)).isoformat()
    return str(milliseconds)
