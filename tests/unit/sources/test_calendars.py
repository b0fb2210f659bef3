"""Calendars come from a child process, are kept, and leave nothing behind."""

import asyncio
import os
import sys
from datetime import date
from pathlib import Path

import pytest

from gateway.sources import calendars
from gateway.sources.calendars import load_calendar
from market.calendar import CalendarError

FIRST, LAST = date(2012, 6, 1), date(2012, 6, 29)


def fake_python(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a shell script in the place of Python; return the file to which it adds a line for each call."""
    calls = folder / "calls"
    program = folder / "python"
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return calls


def alive(pid_file: Path) -> bool:
    """Say whether the process whose id the file holds is there."""
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


TABLE = "echo '[[1338508800000, 1338557400000, null, null, 1338580800000]]'"


async def test_always_open_needs_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """24/7 is there at once."""
    monkeypatch.setattr(sys, "executable", "/does/not/exist")
    assert (await load_calendar("24/7", FIRST, LAST)).name == "24/7"


async def test_a_real_calendar_comes_from_a_child(tmp_path: Path) -> None:
    """XNYS knows its sessions, the weeks and months at the edges whole, and is kept in the cache."""
    calendar = await load_calendar("XNYS", FIRST, LAST, cache=tmp_path / "cache")
    session = calendar.session_of_date(1_338_508_800_000)
    assert session is not None
    assert (session.open, session.close) == (1_338_557_400_000, 1_338_580_800_000)
    assert calendar.session_of_date(1_338_163_200_000) is None  # Memorial Day
    assert calendar.session_of_date(1_338_249_600_000) is not None  # the week begins in May
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.name.startswith("calendar-XNYS-2012-06-01-2012-06-29-")


async def test_an_unknown_calendar_is_a_sentence() -> None:
    """A misspelt name is answered with names that look like it."""
    with pytest.raises(CalendarError, match=r"There is no trading calendar 'XNYZ'\. Did you mean .*XNYS"):
        await load_calendar("XNYZ", FIRST, LAST)


@pytest.mark.parametrize("name", ["", "-c", "a b", "x" * 65, "../é"])
async def test_a_name_that_cannot_be_one_never_reaches_the_child(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like an option or a path is refused first."""
    monkeypatch.setattr(sys, "executable", "/does/not/exist")
    with pytest.raises(CalendarError, match="can't be a calendar's name"):
        await load_calendar(name, FIRST, LAST)


async def test_the_child_runs_once_for_a_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call takes the cache; another name, range or library version doesn't."""
    calls = fake_python(tmp_path, monkeypatch, TABLE)
    cache = tmp_path / "deep" / "cache"
    for _ in range(3):
        await load_calendar("XNYS", FIRST, LAST, cache=cache)
    assert calls.read_text() == "-m market.calendar XNYS 2012-06-01 2012-06-29\n"
    await load_calendar("XLON", FIRST, LAST, cache=cache)
    await load_calendar("us/X", FIRST, date(2012, 6, 30), cache=cache)
    monkeypatch.setattr(calendars, "version", lambda _: "99")
    await load_calendar("XNYS", FIRST, LAST, cache=cache)
    assert len(calls.read_text().splitlines()) == 4
    assert len(list(cache.iterdir())) == 4
    assert not list(cache.glob("*.tmp"))


@pytest.mark.parametrize(
    "damage", [b"", b"[[1338508800000, 13385574", b"\xff\xfe", b"[]", b"{}", b'[["a", 1, null, null, 2]]', b"[[1, 2]]"]
)
async def test_a_damaged_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    """Whatever the cache holds that isn't a table, the child is asked and the cache is whole again."""
    calls = fake_python(tmp_path, monkeypatch, TABLE)
    cache = tmp_path / "cache"
    await load_calendar("XNYS", FIRST, LAST, cache=cache)
    (kept,) = cache.iterdir()
    good = kept.read_bytes()
    kept.write_bytes(damage)
    calendar = await load_calendar("XNYS", FIRST, LAST, cache=cache)
    assert calendar.session_at(1_338_557_400_000) is not None
    assert kept.read_bytes() == good
    assert len(calls.read_text().splitlines()) == 2


async def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the cache folder's place, or a failing disk, stops nothing and leaves nothing."""
    fake_python(tmp_path, monkeypatch, TABLE)
    (tmp_path / "file").write_text("")
    assert (await load_calendar("XNYS", FIRST, LAST, cache=tmp_path / "file")).name == "XNYS"

    def full(source: str, target: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.replace", full)
    assert (await load_calendar("XNYS", FIRST, LAST, cache=tmp_path / "cache")).name == "XNYS"
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo first >&2; echo 'the last sentence' >&2; exit 2", "^the last sentence$"),
        ("exit 3", "^exit status 3$"),
        ("echo 'no JSON'", "came out unreadable"),
        ("echo '{}'", "came out unreadable"),
        ("echo '[]'", "has no session"),
        ("true", "came out unreadable"),
    ],
)
async def test_a_child_that_fails_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """A child's own last line, its status or what is wrong with its output is the error; nothing is kept."""
    fake_python(tmp_path, monkeypatch, script)
    with pytest.raises(CalendarError, match=reason):
        await load_calendar("XNYS", FIRST, LAST, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


async def test_a_child_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time-out the child is gone, and the error says how long it took."""
    fake_python(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    with pytest.raises(CalendarError, match=r"took longer than 0\.3 s"):
        await load_calendar("XNYS", FIRST, LAST, timeout_s=0.3)
    assert not alive(tmp_path / "pid")


async def test_a_cancelled_call_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled while the child works, the call ends with the child gone and no task left."""
    ready = tmp_path / "ready"
    (tmp_path / "pid").touch()
    assert not ready.exists()
    fake_python(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; mkfifo {ready}; exec cat {ready}")
    task = asyncio.create_task(load_calendar("XNYS", FIRST, LAST))
    async with asyncio.timeout(10):
        while not ready.exists():
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(tmp_path / "pid")
    assert asyncio.all_tasks() == {asyncio.current_task()}
