"""Stores: what is kept comes back whole, or the start refuses; over kills, full disks, damage and a lost machine."""

import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.stores.head import Head, HeadFile, HeadState, boot_id, read_head
from gateway.stores.store import ASIDE, DATABASE, HEAD, Kept, Store, StoreError, StoreWriteError, open_store

BOOT = b"boot one".ljust(36, b"\0")
OTHER_BOOT = b"boot two".ljust(36, b"\0")
PARTS: dict[str, Callable[[], bytes]] = {"a": lambda: b"one" * 1000, "b": lambda: b"two"}


def begun(folder: Path, boot: bytes = BOOT) -> Store:
    """Return a new store with a first snapshot."""
    store = open_store(folder, boot=boot)
    assert store.open() is None
    store.begin_anew()
    store.snapshot_at_once("label", PARTS)
    return store


def kill(store: Store) -> None:
    """Let go of a store as a killed process does: whatever it has written is there, nothing is tidied up."""
    # The database must not be closed properly: that would move its log.
    folder = store.folder
    copies = {file.name: file.read_bytes() for file in folder.iterdir()}
    store.close()
    for file in folder.iterdir():
        file.unlink()
    for name, content in copies.items():
        (folder / name).write_bytes(content)


def opened(folder: Path, boot: bytes = BOOT) -> tuple[Store, Kept | None]:
    """Return the store of a folder, and what it holds."""
    store = open_store(folder, boot=boot)
    try:
        return store, store.open()
    except StoreError:
        store.close()
        raise


class Disk:
    """What a machine that loses its power finds of a folder: of each file the content at its last `fsync`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch the folder; `done` is what was done, in order."""
        self.folder = folder
        self.done: list[str] = []
        self._files: dict[int, bytes] = {}
        self._listed: dict[str, int] = {}
        self._patch = monkeypatch
        sync, write = os.fsync, HeadFile.write

        def synced(file: int) -> None:
            sync(file)
            path = Path(os.readlink(f"/proc/self/fd/{file}"))
            self.done.append(f"sync {path.name}")
            if path == folder:
                self._listed = {each.name: each.stat().st_ino for each in folder.iterdir()}
            else:
                self._files[os.fstat(file).st_ino] = path.read_bytes()

        def written(head_file: HeadFile, head: Head) -> None:
            write(head_file, head)
            self.done.append(head.state.name)

        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(HeadFile, "write", written)

    def image(self, folder: Path) -> Path:
        """Write what the disk has into a folder."""
        folder.mkdir()
        for name, number in self._listed.items():
            if number in self._files:
                (folder / name).write_bytes(self._files[number])
        return folder


def batches(kept: Kept | None) -> list[bytes]:
    """Return the batches of what was kept."""
    assert kept is not None
    return list(kept.batches)


@pytest.mark.parametrize("end", [kill, Store.close], ids=["killed", "closed"])
def test_what_was_appended_comes_back_after_a_kill_and_after_a_close(
    tmp_path: Path, end: Callable[[Store], None]
) -> None:
    """Snapshot, label and each batch, in order; and then it goes on."""
    store = begun(tmp_path)
    for number in range(100):
        store.append(b"batch %d" % number)
    end(store)
    store, kept = opened(tmp_path)
    assert kept is not None
    assert kept.label == "label"
    assert dict(kept.parts) == {name: make() for name, make in PARTS.items()}
    assert batches(kept) == [b"batch %d" % number for number in range(100)]
    store.begin()
    store.append(b"further")
    end(store)
    store, kept = opened(tmp_path)
    assert batches(kept)[-2:] == [b"batch 99", b"further"]
    store.close()


def test_a_snapshot_takes_the_place_of_the_batches_before_it_and_only_as_a_whole(tmp_path: Path) -> None:
    """Batches come between its parts; killed within it, the snapshot before and all batches are there."""
    store = begun(tmp_path)
    store.append(b"before")
    steps = store.snapshot("second", {"a": PARTS["a"], "c": lambda: b"three", "d": lambda: b"four"})
    next(steps)
    store.append(b"between")
    kill(store)
    store, kept = opened(tmp_path)
    assert kept is not None
    assert (kept.label, batches(kept)) == ("label", [b"before", b"between"])
    store.begin()
    steps = store.snapshot("third", {"c": lambda: b"three"})
    next(steps)
    store.append(b"last")
    assert list(steps) == []
    assert store.journal_bytes == 4
    kill(store)
    store, kept = opened(tmp_path)
    assert kept is not None
    assert (kept.label, dict(kept.parts), batches(kept)) == ("third", {"c": b"three"}, [b"last"])
    store.close()
    with sqlite3.connect(tmp_path / DATABASE) as database:
        assert database.execute("SELECT count(*) FROM part").fetchone() == (1,), "nothing old is left"
    database.close()


def test_the_log_begins_anew_after_it_was_moved(tmp_path: Path) -> None:
    """However many batches: it doesn't grow without bound, and nothing is lost."""
    store = begun(tmp_path)
    sizes = []
    for _ in range(4):
        for _ in range(200):
            store.append(b"x" * 100)
        store.move_log()
        store.append(b"meanwhile")
        store.move_rest()
        sizes.append((tmp_path / f"{DATABASE}-wal").stat().st_size)
    assert store.logged == 0
    assert len(set(sizes[1:])) == 1
    kill(store)
    store, kept = opened(tmp_path)
    assert len(batches(kept)) == 4 * 201
    store.close()


def test_two_processes_cannot_have_one_folder(tmp_path: Path) -> None:
    """The second is refused in a sentence; the first is not disturbed, and leaves the folder to the next."""
    store = begun(tmp_path)
    code = (
        "import sys; from pathlib import Path; from gateway.stores.store import StoreError, open_store\n"
        "try: open_store(Path(sys.argv[1]))\n"
        "except StoreError as error: sys.exit(str(error))"
    )
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == (
        f"{tmp_path} is in use by another server: stop it, or set TAPECAST_DATA to another folder."
    )
    store.append(b"one")
    store.close()
    store, kept = opened(tmp_path)
    assert batches(kept) == [b"one"]
    store.close()


def test_after_the_machine_stopped_nothing_counts_unless_it_was_closed(tmp_path: Path) -> None:
    """Another boot: clients may know more than the disk. The old state is put aside."""
    store = begun(tmp_path)
    store.append(b"one")
    kill(store)
    store, kept = opened(tmp_path, OTHER_BOOT)
    assert (kept, store.missing) == (None, "machine")
    store.begin_anew()
    assert (tmp_path / ASIDE).exists()
    # Killed before the new first snapshot: what was put aside must not come back.
    kill(store)
    store, kept = opened(tmp_path, OTHER_BOOT)
    assert (kept, store.missing) == (None, "nothing")
    store.begin_anew()
    store.snapshot_at_once("label", PARTS)
    store.append(b"two")
    store.close()
    store, kept = opened(tmp_path, BOOT)
    assert batches(kept) == [b"two"]
    store.close()


def test_a_power_cut_after_a_start_that_follows_a_clean_stop_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk says that the store is open before the first batch of the new process can have been told."""
    folder = tmp_path / "data"
    disk = Disk(folder, monkeypatch)
    store = begun(folder)
    store.append(b"one")
    store.close()
    stopped, kept = opened(disk.image(tmp_path / "stopped"), OTHER_BOOT)
    assert batches(kept) == [b"one"]
    stopped.close()
    disk.done.clear()
    store, _ = opened(folder)
    store.begin()
    assert disk.done == ["OPEN", f"sync {HEAD}"]
    store.append(b"told to clients")
    cut, kept = opened(disk.image(tmp_path / "cut"), OTHER_BOOT)
    assert (kept, cut.missing) == (None, "machine")
    cut.close()
    store.close()


def test_a_store_says_that_it_is_closed_only_when_the_disk_has_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the whole log had been moved without waiting for the disk: the database is on it before the head."""
    folder = tmp_path / "data"
    disk = Disk(folder, monkeypatch)
    store = begun(folder)
    for number in range(40):
        store.append(b"%d" % number)
    store.move_log()
    store.append(b"last")
    store.move_rest()
    disk.done.clear()
    store.close()
    assert disk.done == [f"sync {DATABASE}", "sync data", "CLEAN", f"sync {HEAD}"]
    stopped, kept = opened(disk.image(tmp_path / "stopped"), OTHER_BOOT)
    assert batches(kept) == [b"%d" % number for number in range(40)] + [b"last"]
    stopped.close()


def test_what_does_not_count_any_more_is_so_on_the_disk_before_it_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut within it, or after it, never finds the new files under the old head's word."""
    folder = tmp_path / "data"
    disk = Disk(folder, monkeypatch)
    store = begun(folder)
    store.append(b"one")
    store.close()
    disk.done.clear()
    moved = Path.replace

    def replaced(path: Path, target: Path) -> Path:
        disk.done.append(f"move {path.name}")
        return moved(path, target)

    monkeypatch.setattr(Path, "replace", replaced)
    store, kept = opened(folder)
    assert kept is not None
    store.begin_anew()
    assert disk.done[:2] == ["VOID", f"sync {HEAD}"]
    assert f"move {DATABASE}" in disk.done
    assert disk.done[-1] == "sync data"
    store.snapshot_at_once("label", PARTS)
    store.append(b"two")
    cut, kept = opened(disk.image(tmp_path / "cut"), OTHER_BOOT)
    assert kept is None
    cut.close()
    store.close()


@pytest.mark.parametrize("moves", [1, 2])
def test_killed_while_a_database_is_put_aside_it_is_there_with_its_log_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """After any of the moves: the next start ends what was begun."""
    folder = tmp_path / "data"
    store = begun(folder)
    store.append(b"one")
    kill(store)
    log = (folder / f"{DATABASE}-wal").read_bytes()
    assert log
    moved = Path.replace
    count = 0

    def replaced(path: Path, target: Path) -> Path:
        nonlocal count
        moved(path, target)
        count += 1
        if count == moves:
            raise KeyboardInterrupt
        return target

    monkeypatch.setattr(Path, "replace", replaced)
    store, _ = opened(folder, OTHER_BOOT)
    with pytest.raises(KeyboardInterrupt):
        store.begin_anew()
    store.close()
    store, kept = opened(folder, OTHER_BOOT)
    assert (kept, store.missing) == (None, "nothing")
    store.begin_anew()
    assert (folder / f"{ASIDE}-wal").read_bytes() == log
    store.close()
    with contextlib.closing(sqlite3.connect(folder / ASIDE)) as database:
        assert database.execute("SELECT body FROM journal").fetchall() == [(b"one",)]


def test_nobody_else_can_read_what_is_kept(tmp_path: Path) -> None:
    """Whatever the umask: orders and balances are in it. Files that could be read by others can't be any more."""
    folder = tmp_path / "data"
    before = os.umask(0o022)
    try:
        store = begun(folder)
        store.append(b"one")
        assert {file.name: oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == dict.fromkeys(
            (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", HEAD, "tapecast.lock"), "0o600"
        )
        assert oct(folder.stat().st_mode & 0o777) == "0o700"
        kill(store)
        for file in folder.iterdir():
            file.chmod(0o644)
        folder.chmod(0o750)
        store, _ = opened(folder)
        store.begin()
        store.append(b"two")
        assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o600"}
        assert oct(folder.stat().st_mode & 0o777) == "0o750", "a folder of the user's is the user's"
        store.close()
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (sqlite3.SQLITE_CORRUPT, "is damaged"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "is damaged"),
        (sqlite3.SQLITE_NOTADB, "is damaged"),
        (sqlite3.SQLITE_FULL, r"can't be used .*make room"),
        (sqlite3.SQLITE_IOERR_WRITE, r"can't be used .*disk is full or fails"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, r"can't be used .*disk is full or fails"),
        (sqlite3.SQLITE_CANTOPEN, r"can't be used .*TAPECAST_DATA"),
        (sqlite3.SQLITE_BUSY, r"another program has .* open"),
        (sqlite3.SQLITE_BUSY_RECOVERY, r"another program has .* open"),
        (sqlite3.SQLITE_LOCKED, r"another program has .* open"),
        (sqlite3.SQLITE_READONLY, r"can't be used .*TAPECAST_DATA"),
        (sqlite3.SQLITE_NOMEM, "can't be used"),
        (sqlite3.SQLITE_PERM, "can't be used"),
        (sqlite3.SQLITE_AUTH, "can't be used"),
    ],
)
def test_only_damage_is_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str) -> None:
    """A full or failing disk and a busy file harm nothing: nobody is told to move the folder away for that."""
    store = begun(tmp_path)
    store.close()

    def fail(*_: object) -> None:
        error = sqlite3.OperationalError("as SQLite says")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(Store, "_read_all", fail)
    with pytest.raises(StoreError, match=said) as caught:
        opened(tmp_path)
    assert ("Move the folder" in str(caught.value)) == ("damaged" in said)


def test_a_database_that_another_program_writes_to_is_said_to_be_in_use(tmp_path: Path) -> None:
    """At the start; and while the store runs a batch doesn't wait long for it."""
    store = begun(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreWriteError, match="locked"):
            store.append(b"one")
    assert store._connection.execute("PRAGMA busy_timeout").fetchone() <= (100,)
    store.append(b"two")
    store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("SELECT * FROM part").fetchall()
        with pytest.raises(StoreError, match="another program has"):
            opened(tmp_path)


def test_the_head_is_written_where_a_system_has_no_pwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows; each time in place of what was there."""
    monkeypatch.delattr(os, "pwrite", raising=False)
    file = HeadFile(tmp_path / "head")
    for number in (1, 2):
        file.write(Head(number, HeadState.OPEN, BOOT))
    file.close()
    assert read_head(tmp_path / "head") == Head(2, HeadState.OPEN, BOOT)


def test_a_system_that_does_not_name_its_boots_trusts_closed_stores_alone(tmp_path: Path) -> None:
    """A kill can't be told from a lost machine there."""
    store = begun(tmp_path, bytes(36))
    kill(store)
    store, kept = opened(tmp_path, bytes(36))
    assert (kept, store.missing) == (None, "machine")
    store.close()
    assert len(boot_id()) == 36


def test_killed_before_the_first_snapshot_it_begins_anew(tmp_path: Path) -> None:
    """At each moment: nobody was told anything."""
    store = open_store(tmp_path, boot=BOOT)
    assert store.open() is None
    store.begin_anew()
    kill(store)
    (tmp_path / HEAD).write_bytes(b"")
    store, kept = opened(tmp_path)
    assert kept is None
    store.close()
    (tmp_path / HEAD).unlink()
    (tmp_path / DATABASE).write_bytes(b"")
    store, kept = opened(tmp_path)
    assert (kept, store.missing) == (None, "nothing")
    store.close()


@pytest.mark.parametrize("name", [DATABASE, HEAD])
def test_a_missing_file_is_an_error_and_not_a_new_beginning(tmp_path: Path, name: str) -> None:
    """It is named, the text says what to do, and what is left stays."""
    store = begun(tmp_path)
    store.append(b"one")
    kill(store)
    for file in tmp_path.glob(f"{name}*"):
        file.unlink()
    left = sorted(file.name for file in tmp_path.iterdir())
    with pytest.raises(StoreError, match=r"is missing\). Move the folder") as caught:
        opened(tmp_path)
    assert name in str(caught.value)
    assert [file for file in sorted(each.name for each in tmp_path.iterdir()) if "-" not in file] == [
        file for file in left if "-" not in file
    ]


def damaged(seed: int, file: bytes) -> bytes:
    """Return the file with damage: bytes flipped, a stretch zeroed, its end cut off."""
    rng = random.Random(seed)
    changed = bytearray(file)
    match rng.randrange(4):
        case 0:
            changed[rng.randrange(len(file))] ^= 1 << rng.randrange(8)
        case 1:
            for _ in range(8):
                changed[rng.randrange(len(file))] = rng.randrange(256)
        case 2:
            start = rng.randrange(len(file))
            end = min(len(file), start + rng.choice((1, 100, 4096)))
            changed[start:end] = bytes(end - start)
        case _:
            del changed[rng.randrange(len(file)) :]
    return bytes(changed)


@pytest.mark.parametrize("where", ["log", "database", "head"])
def test_damage_is_refused_or_does_no_harm(tmp_path: Path, where: str) -> None:
    """200 damages of each file: the start says which file is damaged, or all that was told is there and no more."""
    whole = tmp_path / "whole"
    store = begun(whole)
    for number in range(40):
        store.append(b"batch %d " % number + b"x" * (number * 31 % 700))
    if where == "database":
        store.move_log()
        store.move_rest()
    for number in range(40, 50):
        store.append(b"batch %d " % number + b"x" * (number * 31 % 700))
    kill(store)
    store, expected = opened(whole)
    store.close()
    assert len(batches(expected)) == 50
    name = {"log": f"{DATABASE}-wal", "database": DATABASE, "head": HEAD}[where]
    content = (whole / name).read_bytes()
    assert len(content) > 40
    refused = 0
    for seed in range(200):
        folder = tmp_path / str(seed)
        shutil.copytree(whole, folder)
        changed = damaged(seed, content)
        (folder / name).write_bytes(changed)
        before = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}
        try:
            store, kept = opened(folder)
        except StoreError as error:
            refused += 1
            said = str(error)
            assert said.startswith(f"{folder}/tapecast.")
            assert "Move the folder" in said
            after = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}
            assert after == before, "nothing was changed"
        else:
            if kept is None:
                assert (where, len(changed)) == ("head", 0)
            assert kept == expected
            store.close()
        shutil.rmtree(folder)
    assert refused > 60


def test_a_shared_memory_file_of_a_killed_process_is_of_no_matter(tmp_path: Path) -> None:
    """It is made anew: whatever stands in it."""
    store = begun(tmp_path)
    store.append(b"one")
    kill(store)
    shared = tmp_path / f"{DATABASE}-shm"
    assert shared.exists()
    shared.write_bytes(random.Random(1).randbytes(32768))
    store, kept = opened(tmp_path)
    assert batches(kept) == [b"one"]
    store.close()


FULL_DISK = """
import resource, sys
from pathlib import Path
from gateway.stores.store import StoreWriteError, open_store
store = open_store(Path(sys.argv[1]))
kept = store.open()
if kept is None:
    store.begin_anew()
    store.snapshot_at_once("label", {})
else:
    store.begin()
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
number = store.number
failed = 0
for number in range(2000):
    try:
        store.append(b"%06d" % number + b"x" * 300)
    except StoreWriteError as error:
        failed += 1
        print("failed", error, flush=True)
        if failed == 3:
            break
    else:
        print("kept", number, flush=True)
try:
    store.probe()
except StoreWriteError:
    print("no room", flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
if sys.argv[2] == "recover":
    store.probe()
    store.snapshot_at_once("after", {"all": lambda: b"state"})
    store.append(b"goes on")
    print("recovered", flush=True)
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("then", ["stop", "recover"])
def test_a_full_disk_is_said_and_loses_nothing_that_was_kept(tmp_path: Path, then: str) -> None:
    """The batch that doesn't fit raises, those before it stand; with room again, a snapshot goes on from there."""
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), then], capture_output=True, text=True, check=False
    )
    assert result.returncode == -signal.SIGKILL, result.stderr
    lines = result.stdout.splitlines()
    kept_lines = [line for line in lines if line.startswith("kept")]
    failures = [line for line in lines if line.startswith("failed")]
    assert len(failures) == 3
    assert "no room" in lines
    assert 10 < len(kept_lines) < 1000
    store, kept = opened(tmp_path, boot_id())
    assert kept is not None
    if then == "recover":
        assert (kept.label, batches(kept)) == ("after", [b"goes on"])
    else:
        found = [int(batch[:6]) for batch in batches(kept)]
        assert found[: len(kept_lines)] == list(range(len(kept_lines)))
        assert len(found) - len(kept_lines) <= 1, "one that wasn't told may be there"
    store.close()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """With the setting's name."""
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StoreError, match="TAPECAST_DATA"):
        open_store(file)


def test_a_batch_that_cannot_be_written_leaves_the_number_as_it_was(tmp_path: Path) -> None:
    """The number is that of the last batch that is kept."""
    store = begun(tmp_path)
    store.append(b"one")
    number = store.number
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    other.execute("DROP TABLE journal")
    other.close()
    with pytest.raises(StoreWriteError, match="journal"):
        store.append(b"two")
    assert store.number == number
    store.close()


def test_a_head_is_read_as_it_was_written(tmp_path: Path) -> None:
    """And nothing else is one."""
    file = tmp_path / "head"
    head = Head(2**40, HeadState.CLEAN, BOOT)
    file.write_bytes(head.packed())
    assert read_head(file) == head
    file.write_bytes(head.packed() + b"x")
    assert read_head(file) is None
    assert os.stat(file).st_size == 58
