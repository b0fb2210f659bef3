"""Keeper: what is kept when, what a new process makes of it, and what happens where it can't be kept."""

import asyncio
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway import app
from gateway import keeper as module
from gateway.app import Gateway, create_gateway
from gateway.settings import Settings
from gateway.sources.demo import DemoTrader
from gateway.sources.replay import ReplayOptions, ReplaySource
from gateway.sources.sim import SimOptions, SimSource
from gateway.sources.source import Source
from gateway.stores.store import Kept, Store, StoreError, StoreWriteError, open_store
from handlers.auth import StaticKeys, hs256_key
from market.calendar import TradingCalendar
from market.events import Order, Trade
from market.resolution import Resolution
from market.symbols import Symbol
from streaming.clock import Clock
from tests.support.clock import VirtualClock
from tests.support.source import START, ManualSource, symbol
from tests.support.tokens import SECRET
from tests.unit.sources.test_replay import load, stocks

BOOT = b"boot".ljust(36, b"\0")


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Move the log at once: a thread would take wall time, and here only virtual time passes."""

    async def at_once(call: Callable[[], None]) -> None:
        call()

    monkeypatch.setattr(asyncio, "to_thread", at_once)


class FaultyStore(Store):
    """A store whose disk is full when the test says so."""

    full = False

    def append(self, body: bytes) -> None:
        """Keep a batch, unless the disk is full."""
        self._check()
        super().append(body)

    def snapshot_at_once(self, label: str, parts: object) -> None:
        """Write a snapshot, unless the disk is full."""
        self._check()
        super().snapshot_at_once(label, parts)  # type: ignore[arg-type]  # handed on as it came

    def probe(self) -> None:
        """Try a small write."""
        self._check()
        super().probe()

    def _check(self) -> None:
        if self.full:
            raise StoreWriteError("database or disk is full")


class OneLife(Store):
    """A store that holds what a test gives it, and writes nothing."""

    kept: Kept | None = None

    def open(self) -> Kept | None:
        """Return what it was given."""
        return self.kept

    def begin(self) -> None:
        """Do nothing."""

    def begin_anew(self) -> None:
        """Do nothing."""

    def append(self, body: bytes) -> None:
        """Do nothing."""

    def snapshot_at_once(self, label: str, parts: Mapping[str, Callable[[], bytes]]) -> None:
        """Hold the snapshot, where there is none."""
        self.kept = self.kept or Kept(label, {name: make() for name, make in parts.items()}, ())

    def close(self) -> None:
        """Do nothing."""


class Process:
    """A gateway over a folder, without a server."""

    def __init__(
        self,
        folder: Path,
        make: Callable[[Clock], Sequence[Source]],
        now: int,
        store: Store | None = None,
        call_soon: Callable[[Callable[[], None]], object] | None = None,
        settings: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self.clock = VirtualClock(now)
        self.sources = make(self.clock)
        if store is None:
            opened = open_store(folder, boot=BOOT)
            store = FaultyStore(opened.folder, opened._lock, BOOT)
        self.store = store
        try:
            self.gateway: Gateway = create_gateway(
                Settings(sources=("sim",), **settings),
                self.sources,
                self.clock,
                keys=StaticKeys(hs256_key(SECRET)),
                assets=Path("none"),
                call_soon=call_soon,
                store=self.store,
            )
        except StoreError:
            self.store.close()
            raise
        assert self.gateway.keeper is not None
        self.keeper = self.gateway.keeper

    def fill(self, is_full: bool) -> None:
        """Fill the disk, or make room."""
        assert isinstance(self.store, FaultyStore)
        self.store.full = is_full

    def kill(self) -> None:
        """Let go of the folder: what was kept by now is all that there is."""
        self.store._close_database()
        assert self.store._head is not None
        self.store._head.close()
        os.close(self.store._lock)

    def counted(self) -> int:
        """Return how many order and balance events the demo account's clients were told."""
        (account,) = self.gateway.cache._directory.by_number.values()
        return account.orders_events.seq + account.balances_events.seq

    def accounts(self) -> tuple[dict[str, Order], dict[str, Decimal]]:
        """Return the open orders and the balances of the demo account, as clients were told."""
        (account,) = self.gateway.cache._directory.by_number.values()
        return {order.order_id: order for _, order in account._open.values()}, {
            currency: balance.total for currency, balance in account._held.items()
        }

    def book(self) -> tuple[dict[str, Order], dict[str, Decimal]]:
        """Return the same, as the demo account itself has it."""
        (source,) = self.sources
        trader = source._life.trader if isinstance(source, ReplaySource) else source._trader  # type: ignore[attr-defined]
        currencies = source.accounts[0].currencies
        return {order.order_id: order for order in trader._book.orders}, {
            currency: trader._book.total(currency) for currency in currencies
        }

    async def live(self, seconds: float) -> None:
        """Run sources and keeper for virtual seconds. Afterwards they wait for a time that doesn't come."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self.gateway.supervisor.run()), asyncio.create_task(self.keeper.run())]
        await self.clock.advance(seconds)

    def positions(self) -> list[tuple[str, int]]:
        """Return every bar stream's epoch and seq."""
        feed = self.gateway.feed
        streams = [feed.stream(each, resolution) for each in feed.directory for resolution in Resolution]
        return [(stream.position.epoch, stream.position.seq) for stream in streams]


def replayed(folder: Path, speed: float, *, days: int = 60, loop: bool = False) -> Callable[[Clock], Sequence[Source]]:
    """Return what makes a replay of a small file."""
    data = load(stocks(folder, days))
    options = ReplayOptions(path=folder / "stocks.csv", exchange="x", start=date(2012, 5, 16), speed=speed, loop=loop)
    return lambda clock: (ReplaySource(data, options, clock),)


def sim(clock: Clock) -> Sequence[Source]:
    """Return a small synthetic market."""
    return (SimSource(SimOptions(symbols=2, rate=5, seed=1), clock),)


def manual(_: Clock) -> Sequence[Source]:
    """Return a source that can't resume, beside one that can."""
    return (ManualSource(symbol()), SimSource(SimOptions(symbols=1, rate=5), _))


async def test_a_new_process_stands_where_the_last_one_stopped(tmp_path: Path) -> None:
    """With snapshots and batches as they come; after a close too."""
    before: list[tuple[str, int]] = []
    now = START
    for _ in range(3):
        process = Process(tmp_path, sim, now)
        if before:
            assert process.positions() == before
        await process.live(130)
        before = process.positions()
        now = process.clock.now_ms() + 5000
        process.keeper.close()
    assert max(seq for _, seq in before) > 4


async def test_a_snapshot_is_taken_when_the_batches_are_many_and_when_they_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the log is moved after it, and also before it where it is long."""
    process = Process(tmp_path, sim, START)
    await process.live(100)
    assert process.store.journal_bytes > 50_000
    monkeypatch.setattr(module, "MOST_LOGGED", 10)
    await process.live(2)
    assert process.store.logged < 50
    monkeypatch.setattr(module, "LEAST_JOURNAL_BYTES", 1000)
    grown = process.store.journal_bytes
    await process.live(3)
    assert process.store.journal_bytes < grown
    monkeypatch.undo()
    await process.live(310)
    assert process.store.journal_bytes < 50_000
    process.keeper.close()


async def test_what_cannot_be_kept_closes_the_gate_until_everything_is_kept_again(tmp_path: Path) -> None:
    """Clients are closed once; a snapshot then has what happened meanwhile."""
    process = Process(tmp_path, sim, START)
    failures: list[None] = []
    process.keeper.on_failure = lambda: failures.append(None)
    await process.live(70)
    assert process.keeper.gate()
    process.fill(True)
    await process.live(70)
    assert (process.keeper.gate(), process.keeper.failed, len(failures)) == (False, True, 1)
    assert not process.gateway.server.is_able()
    process.fill(False)
    await process.live(31)
    assert (process.keeper.gate(), process.keeper.failed, len(failures)) == (True, False, 1)
    await process.live(1)
    before = process.positions()
    process.fill(True)  # no snapshot at the end: the batches alone have it
    process.keeper.close()
    process = Process(tmp_path, sim, process.clock.now_ms())
    assert process.positions() == before
    process.keeper.close()


async def test_a_snapshot_that_fails_leaves_the_gate_open_and_is_tried_again_ever_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as batches can be kept clients are told on; the log says why. An unknown error has one traceback."""
    process = Process(tmp_path, sim, START)
    await process.live(10)
    monkeypatch.setattr(module, "LONGEST_JOURNAL_S", 0.0)
    for error, tracebacks in ((StoreWriteError("no"), 0), (RuntimeError("no"), 1)):
        tried: list[float] = []

        def fail(*_: object, error: Exception = error, tried: list[float] = tried) -> None:
            tried.append(process.clock.monotonic())
            raise error

        with monkeypatch.context() as patch, capture_logs() as entries:
            patch.setattr(process.store, "snapshot", fail)
            await process.live(100)
        assert (process.keeper.failed, process.keeper.gate()) == (False, True)
        waits = [round(after - before) for before, after in pairwise(tried)]
        assert waits == [1, 2, 4, 8, 16, 30, 30]
        said = [entry for entry in entries if entry["log_level"] in ("warning", "error")]
        assert len(said) == len(tried)
        assert sum("exc_info" in entry for entry in said) == tracebacks
        await process.live(32)
        assert process.store.journal_bytes < 5000, "with room again it is written"
    before = process.positions()
    process.kill()
    process = Process(tmp_path, sim, process.clock.now_ms())
    assert process.positions() == before
    process.keeper.close()


async def test_a_snapshot_goes_on_where_a_batch_fails_and_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of the state before the batches that were kept since: a new process stands where clients do."""
    process = Process(tmp_path, sim, START)
    await process.live(100)
    monkeypatch.setattr(module, "LONGEST_JOURNAL_S", 0.0)
    task = asyncio.create_task(process.keeper.run())
    steps = 0
    snapshot = process.store.snapshot

    def stepped(label: str, parts: Mapping[str, Callable[[], bytes]]) -> Iterator[None]:
        nonlocal steps
        for each in snapshot(label, parts):
            steps += 1
            if steps == 2:
                process.gateway.sink.clock("sim", process.clock.now_ms() + 60_000)
                assert process.keeper.gate()
                told.extend(process.positions())
                process.fill(True)
                now = process.clock.now_ms()
                process.gateway.sink.trade(
                    Trade(process.sources[0].symbols[0].key, now + 61_000, Decimal(10), Decimal(1))
                )
                process.gateway.sink.clock("sim", now + 120_000)
                assert not process.keeper.gate()
            yield each

    told: list[tuple[str, int]] = []
    monkeypatch.setattr(process.store, "snapshot", stepped)
    await process.clock.advance(1.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert steps > 3
    process.kill()
    again = Process(tmp_path, sim, process.clock.now_ms())
    assert again.positions() == told != process.positions()
    again.keeper.close()


async def test_what_is_noted_while_the_state_is_kept_again_is_kept_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the snapshot has isn't noted again; what comes while it is encoded is noted after it."""
    process = Process(tmp_path, wide, START, call_soon=lambda _: None)
    sink, key = process.gateway.sink, process.sources[0].symbols[-1].key
    sink.begins("sim", START)
    assert process.keeper.gate()
    process.fill(True)
    sink.trade(Trade(key, START + 1, Decimal(10), Decimal(1), "1"))
    assert not process.keeper.gate()
    process.fill(False)
    sink.trade(Trade(key, START + 2, Decimal(10), Decimal(1), "2"))
    copies = process.keeper.copies

    def copied() -> dict[str, Callable[[], Any]]:
        found = copies()
        first, make = next(iter(found.items()))

        def during() -> Any:
            sink.trade(Trade(key, START + 3, Decimal(10), Decimal(1), "3"))
            assert not process.keeper.gate()
            sink.trade(Trade(key, START + 4, Decimal(10), Decimal(1), "4"))
            return make()

        return found | {first: during}

    monkeypatch.setattr(process.keeper, "copies", copied)
    task = asyncio.create_task(process.keeper.run())
    await process.clock.advance(1.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (process.keeper.failed, process.keeper.gate()) == (False, True)
    assert (trades_told(process), process.store.journal_bytes > 0) == (4, True)
    process.kill()
    again = Process(tmp_path, wide, START + 5000)
    assert trades_told(again) == 4
    assert again.gateway.cache.doubled() == 0
    again.keeper.close()


def wide(clock: Clock) -> Sequence[Source]:
    """Return a market whose last symbol its demo account doesn't watch."""
    return (SimSource(SimOptions(symbols=7, rate=1), clock),)


def trades_told(process: Process) -> int:
    """Return how many trades of the sim were told."""
    return process.gateway.cache._exchanges["sim"].trades.events.seq


async def test_nothing_is_copied_or_encoded_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small write is tried instead, ever later."""
    process = Process(tmp_path, sim, START)
    await process.live(10)
    copied: list[float] = []
    copies = process.keeper.copies

    def copied_then() -> dict[str, Callable[[], Any]]:
        copied.append(process.clock.monotonic())
        return copies()

    monkeypatch.setattr(process.keeper, "copies", copied_then)
    tried: list[float] = []
    probe = process.store.probe

    def probed() -> None:
        tried.append(process.clock.monotonic())
        probe()

    monkeypatch.setattr(process.store, "probe", probed)
    process.fill(True)
    await process.live(100)
    assert process.keeper.failed
    assert copied == []
    assert [round(after - before) for before, after in pairwise(tried)] == [1, 2, 4, 8, 16, 30, 30]
    process.fill(False)
    await process.live(31)
    assert (process.keeper.failed, len(copied)) == (False, 1)
    process.keeper.close()


@pytest.mark.parametrize("speeds", [(5000.0,) * 4, (1000.0, 8000.0, 8000.0, 2000.0, 2000.0)])
async def test_the_demo_account_is_what_its_clients_were_told_also_where_the_speed_changes(
    tmp_path: Path, speeds: Sequence[float]
) -> None:
    """Each life tells the trades of the one before at the pace that they had: killed again and again."""
    now = START
    for speed in speeds:
        process = Process(tmp_path / "data", replayed(tmp_path, speed), now)
        if now > START:
            assert process.accounts() == process.book()
        await process.live(12)
        assert process.accounts()[0]
        assert process.keeper.gate()
        now = process.clock.now_ms() + 1000
        process.kill()


async def test_a_replay_that_starts_over_keeps_its_pace_where_it_is_told_again(tmp_path: Path) -> None:
    """The account begins anew within a life, at that life's pace."""
    now = START
    for speed in (60_000.0, 30_000.0, 40_000.0):
        process = Process(tmp_path / "data", replayed(tmp_path, speed, days=20, loop=True), now)
        if now > START:
            assert process.accounts() == process.book()
        await process.live(6)
        assert process.keeper.gate()
        now = process.clock.now_ms() + 1000
        process.kill()


def noted(process: Process) -> list[str]:
    """Return the list that takes what the process notes from now on."""
    lines: list[str] = []
    note = process.keeper.sink._note

    def take(line: str) -> None:
        lines.append(line)
        note(line)

    process.keeper.sink._note = take
    return lines


@pytest.mark.parametrize("of", ["sim", "replay"])
async def test_killed_after_any_line_of_the_journal_the_account_tells_the_rest_of_its_step(
    tmp_path: Path, of: str
) -> None:
    """A full outbox within a step has its first lines kept: the orders and balances that belong to it are told then."""
    make = sim if of == "sim" else replayed(tmp_path, 5000.0)
    store = OneLife(tmp_path, -1, BOOT)
    process = Process(tmp_path, make, START, store)
    lines = noted(process)
    await process.live(15 if of == "sim" else 8)
    kinds = [line[2] for line in lines]
    assert {"b", "t", "c", "o", "m"} <= set(kinds)
    del lines[kinds.index("o", len(kinds) * 3 // 4) + 3 :]
    kinds = kinds[: len(lines)]
    assert store.kept is not None
    # After what begins a step, and within what the account says of it.
    cuts = [cut for cut in range(1, len(kinds)) if kinds[cut] in "om" or kinds[cut - 1] in "om"]
    assert len(cuts) > 16
    for cut in cuts[:8] + random.Random(1).sample(cuts[8:], 24 if len(cuts) > 32 else len(cuts) - 8):
        other = OneLife(tmp_path, -1, BOOT)
        other.kept = Kept(store.kept.label, store.kept.parts, ("\n".join(lines[:cut]).encode(),))
        again = Process(tmp_path, make, process.clock.now_ms() + 1000, other)
        if "b" not in kinds[:cut]:
            continue
        assert set(again.keeper.sink.lives.values()) == {"begun"}
        assert again.accounts() == again.book()
        whole = next((at for at in range(cut, len(kinds)) if kinds[at] not in "om"), None)
        if whole is not None:
            assert again.counted() == sum(kind in "om" for kind in kinds[:whole])


async def test_a_source_that_follows_to_something_else_starts_over(tmp_path: Path) -> None:
    """What its account says is not what was noted, is missing or too much: its epochs are new, and the log says why."""
    store = OneLife(tmp_path, -1, BOOT)
    process = Process(tmp_path, sim, START, store)
    lines = noted(process)
    await process.live(10)
    assert store.kept is not None
    place = next(at for at, line in enumerate(lines) if line[2] == "o")
    for changed in (
        [*lines[:place], lines[place].replace('"sim-1"', '"sim-9"'), *lines[place + 1 :]],
        [*lines[:place], *lines[place + 1 :]],
        [*lines[:place], *lines[place + 4 :]],
    ):
        assert changed != lines
        other = OneLife(tmp_path, -1, BOOT)
        other.kept = Kept(store.kept.label, store.kept.parts, ("\n".join(changed).encode(),))
        with capture_logs() as entries:
            again = Process(tmp_path, sim, process.clock.now_ms() + 1000, other)
        assert again.keeper.sink.lives == {"sim": "new"}
        assert not set(process.positions()) & set(again.positions())
        assert any("starts over" in entry["event"] and entry["exchange"] == "sim" for entry in entries)


@pytest.mark.parametrize("error", [ValueError("grid too fine"), AssertionError("x")])
async def test_an_error_in_the_demo_account_does_not_keep_the_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The source failed of it then, and fails of it when it hears the trade again: it starts over."""

    def fail(trader: DemoTrader, watched: object, trade: Trade) -> None:
        raise error

    monkeypatch.setattr(DemoTrader, "_act", fail)
    store = OneLife(tmp_path, -1, BOOT)
    process = Process(tmp_path, sim, START, store)
    lines = noted(process)
    await process.live(0.9)
    kinds = "".join(line[2] for line in lines)
    assert kinds.endswith("tf")
    assert store.kept is not None
    for cut in (len(kinds), len(kinds) - 1):
        other = OneLife(tmp_path, -1, BOOT)
        other.kept = Kept(store.kept.label, store.kept.parts, ("\n".join(lines[:cut]).encode(),))
        again = Process(tmp_path, sim, START + 30_000, other)
        assert again.keeper.sink.lives == {"sim": "new"}
        await again.live(0.9)
        assert again.keeper.sink.lives == {"sim": "failed"}


@pytest.mark.parametrize("settings", [{"lateness_ms": 5}, {"late_ms": 5}])
async def test_with_other_settings_a_new_epoch_begins(tmp_path: Path, settings: dict[str, int]) -> None:
    """The old state would mean something else."""
    process = Process(tmp_path, sim, START)
    await process.live(70)
    epochs = {epoch for epoch, _ in process.positions()}
    process.keeper.close()
    process = Process(tmp_path, sim, START + 100_000, settings=settings)
    assert not epochs & {epoch for epoch, _ in process.positions()}
    assert {seq for _, seq in process.positions()} == {0}
    process.keeper.close()
    process = Process(tmp_path, lambda clock: [*sim(clock), ManualSource(symbol())], START + 100_000, settings=settings)
    process.keeper.close()


async def test_another_version_goes_on_from_a_snapshot_but_tells_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code may make something else of the same trades: after a kill it begins anew, and says why."""
    process = Process(tmp_path, sim, START)
    await process.live(70)
    before = process.positions()
    process.keeper.close()
    monkeypatch.setattr(app, "VERSION", "9.9.9")
    process = Process(tmp_path, sim, START + 100_000)
    assert process.positions() == before
    await process.live(10)
    assert process.keeper.gate()
    process.kill()
    monkeypatch.setattr(app, "VERSION", "9.9.10")
    with capture_logs() as entries:
        process = Process(tmp_path, sim, START + 200_000)
    assert not {epoch for epoch, _ in before} & {epoch for epoch, _ in process.positions()}
    (reason,) = [entry["reason"] for entry in entries if "put aside" in entry["event"]]
    assert "9.9.9" in reason
    assert "9.9.10" in reason
    process.keeper.close()


async def test_with_another_table_of_its_calendar_a_new_epoch_begins(tmp_path: Path) -> None:
    """The calendar's name alone doesn't say when it trades."""
    day = 86_400_000
    first = START - START % day

    def make(closes: int) -> Callable[[Clock], Sequence[Source]]:
        calendar = TradingCalendar.from_table("X", [[first, first, None, None, first + closes]])
        return lambda _: [ManualSource(Symbol("test", "AAA", calendar))]

    epochs = []
    for closes in (day, day, day // 2):
        with capture_logs() as entries:
            process = Process(tmp_path, make(closes), START)
        epochs.append(any("put aside" in entry["event"] for entry in entries))
        process.keeper.close()
    assert epochs == [False, False, True]


async def test_a_source_that_cannot_resume_or_had_failed_starts_over_and_the_others_go_on(tmp_path: Path) -> None:
    """Its epochs are new, theirs are not."""
    process = Process(tmp_path, manual, START)
    await process.live(70)
    before = process.positions()
    process.keeper.close()
    process = Process(tmp_path, manual, START + 100_000)
    count = len(Resolution)
    assert not set(before[:count]) & set(process.positions()[:count])
    assert process.positions()[count:] == before[count:]
    process.gateway.sink.failed("sim")
    process.keeper.gate()
    process.keeper.close()
    process = Process(tmp_path, manual, START + 200_000)
    assert not set(before) & set(process.positions())
    assert process.keeper.sink.lives == {"test": "new", "sim": "new"}
    assert process.keeper.gate()
    assert process.store.journal_bytes == 0, "the snapshot has all of it"
    await process.live(10)
    assert process.keeper.sink.lives == {"test": "begun", "sim": "begun"}
    process.keeper.close()


@pytest.mark.parametrize("error", [KeyError("nothing"), AssertionError("no"), RuntimeError("no")])
async def test_a_state_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whole, but of no use: the folder is named, and what to do."""
    process = Process(tmp_path, sim, START)
    process.keeper.close()

    def load(*_: object) -> None:
        raise error

    monkeypatch.setattr(SimSource, "load", load)
    with pytest.raises(StoreError, match=r"can't read .* Move the folder away"):
        Process(tmp_path, sim, START)


async def test_a_start_on_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence that names the setting."""
    monkeypatch.setattr(FaultyStore, "full", True)
    with pytest.raises(StoreError, match=r"disk is full.*TAPECAST_DATA"):
        Process(tmp_path, sim, START)
