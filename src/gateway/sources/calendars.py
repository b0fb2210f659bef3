"""Calendars: an exchange's sessions, made by a child process and kept in a cache. It knows no file of trades.

The library that knows the sessions needs pandas: 80 MB and most of a second, which a server must not pay.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from contextlib import suppress
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from market.calendar import ALWAYS_OPEN, CalendarError, SessionTable, TradingCalendar

CHILD_TIMEOUT_S = 60.0
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}")


async def load_calendar(
    name: str, start: date, end: date, *, cache: Path | None = None, timeout_s: float = CHILD_TIMEOUT_S
) -> TradingCalendar:
    """Return the calendar of an exchange (`XNYS`) that knows the days start to end and their weeks and months whole.

    `24/7` needs no child. With a cache folder the child runs once for each name and range; a damaged or unwritable
    cache costs time only. CalendarError says in a sentence what to change.
    """
    if name == ALWAYS_OPEN:
        return TradingCalendar.always_open()
    if not _NAME.fullmatch(name):
        raise CalendarError(f"{name!r} can't be a calendar's name: give one that exchange-calendars knows, or 24/7.")
    kept = None if cache is None else _cache_file(cache, name, start, end)
    if kept is not None:
        calendar = _read_cache(kept, name)
        if calendar is not None:
            return calendar
    text = await _ask_child(name, start, end, timeout_s)
    try:
        calendar = TradingCalendar.from_table(name, _table(json.loads(text)))
    except CalendarError:
        raise
    except ValueError as error:
        raise CalendarError(f"The sessions of calendar {name!r} came out unreadable ({error}): report this.") from None
    if kept is not None:
        _write_cache(kept, text)
    return calendar


async def _ask_child(name: str, start: date, end: date, timeout_s: float) -> str:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "market.calendar",
        name,
        start.isoformat(),
        end.isoformat(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            output, errors = await child.communicate()
    except TimeoutError:
        raise CalendarError(f"Calendar {name!r} took longer than {timeout_s:g} s to make: try again.") from None
    finally:
        # Also when cancelled: no child and no pipe stays behind.
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.communicate()
    if child.returncode:
        said = errors.decode(errors="replace").strip().splitlines() or [f"exit status {child.returncode}"]
        raise CalendarError(said[-1])
    return output.decode()


def _table(value: Any) -> SessionTable:
    """Return the JSON value, if it is rows of whole numbers; what the rows must be, the calendar itself checks."""
    if not isinstance(value, list) or not all(
        isinstance(row, list) and all(cell is None or type(cell) is int for cell in row) for row in value
    ):
        raise ValueError("not a table of numbers")
    return value


def _cache_file(cache: Path, name: str, start: date, end: date) -> Path:
    known = version("exchange-calendars")
    return cache / f"calendar-{name.replace('/', '_')}-{start}-{end}-{known}.json"


def _read_cache(file: Path, name: str) -> TradingCalendar | None:
    # CalendarError is a ValueError, as are broken JSON and broken UTF-8.
    with suppress(OSError, ValueError):
        return TradingCalendar.from_table(name, _table(json.loads(file.read_text(encoding="utf-8"))))
    return None


def _write_cache(file: Path, text: str) -> None:
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.stem, suffix=".tmp")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            # In one step: another process sees the old file or the whole new one.
            os.replace(temporary, file)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
