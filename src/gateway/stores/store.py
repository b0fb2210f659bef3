"""Store: a snapshot and the batches after it, in a folder, over kills, full disks and damage. It knows no market.

SQLite keeps them. A batch is on its way to the disk when `append` returns: a killed process loses none. One that lost
its machine may have lost some: then nothing counts, since clients may know more than we do.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from gateway.stores.head import Head, HeadFile, HeadState, boot_id, read_head

DATABASE = "tapecast.sqlite3"
HEAD = "tapecast.head"
LOCK = "tapecast.lock"
ASIDE = "tapecast.old.sqlite3"
DIGEST_BYTES = 16
_PROBE_BYTES = 64 * 1024
_LONGEST_LOCK_S = 0.1
_ENDINGS = ("", "-wal", "-shm")
"""Of the database's files: itself, its log, and what processes share."""
# What says nothing of the files' content. Of the others most say that it is damaged.
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_OF_THE_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_OF_THE_SYSTEM = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
)
_SCHEMA = """
CREATE TABLE part (digest BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE snapshot (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), body BLOB NOT NULL, digest BLOB NOT NULL);
CREATE TABLE journal (number INTEGER PRIMARY KEY, body BLOB NOT NULL, digest BLOB NOT NULL);
"""

Missing = Literal["nothing", "machine"]
"""Why there is nothing to go on from: nothing was kept, or the machine stopped while the store was open."""


class StoreError(Exception):
    """The store can't be used; the text names the file and says what to do."""


class StoreWriteError(Exception):
    """A batch or a snapshot can't be written: nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept: the snapshot's label and parts, and the batches after it, in order."""

    label: str
    parts: Mapping[str, bytes]
    batches: tuple[bytes, ...]


class Store:
    """One folder's store, for one process at a time. Made by `open_store`.

    `journal_bytes` is what was appended since the last snapshot, `snapshot_bytes` what that one holds, `logged` the
    number of batches in the log.
    """

    def __init__(self, folder: Path, lock: int, boot: bytes) -> None:
        """Hold a folder whose lock is ours."""
        self.folder = folder
        self.number = 0
        self.journal_bytes = 0
        self.snapshot_bytes = 0
        self.logged = 0
        self.missing: Missing | None = None
        self._lock = lock
        self._boot = boot
        self._head: HeadFile | None = None
        self._database: sqlite3.Connection | None = None

    # ---------------------------------------------------------------------------------------------------- opening

    def open(self) -> Kept | None:
        """Return what was kept; None, with `missing`, where there is nothing to go on from.

        Raises StoreError: something is damaged, or can't be read or written. Nothing was changed then.
        """
        head = self._read_head()
        present = self._path(DATABASE).exists()
        if head is None:
            # Killed before its first snapshot, it has told nobody anything.
            kept = self._read(None) if present else None
            if kept is not None:
                raise self._damaged(HEAD, "it is missing")
            self.missing = "nothing"
        elif head.state is HeadState.VOID:
            self.missing = "nothing"
        elif head.state is HeadState.OPEN and (head.boot != self._boot or not any(self._boot)):
            self.missing = "machine"
        elif not present:
            raise self._damaged(DATABASE, "it is missing")
        else:
            kept = self._read(head.number)
            if kept is None:
                raise self._damaged(DATABASE, "there is no snapshot in it")
            return kept
        return None

    def begin(self) -> None:
        """Take `open`'s snapshot and batches as the ground for what comes. Raises StoreError: it can't be written."""
        try:
            self._connect()
            self._write_head(HeadState.OPEN).sync()  # else the disk may go on saying that it was closed
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None

    def begin_anew(self) -> None:
        """Put what is there aside, where the next such call replaces it, and begin with nothing.

        Raises StoreError: a file can't be written.
        """
        try:
            self.number = self.journal_bytes = self.snapshot_bytes = 0
            self._write_head(HeadState.VOID).sync()
            self._close_database()
            self._put_aside()
            self._connect()
            self._connection.executescript(_SCHEMA)
            _sync_folder(self.folder)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None

    def _put_aside(self) -> None:
        """Move the database, then its log. A call that was cut off after the first is ended by the next."""
        if self._path(DATABASE).exists():
            for ending in _ENDINGS:
                self._path(ASIDE + ending).unlink(missing_ok=True)
        for ending in _ENDINGS:
            if self._path(DATABASE + ending).exists():
                self._path(DATABASE + ending).replace(self._path(ASIDE + ending))

    def _read_head(self) -> Head | None:
        try:
            head = read_head(self._path(HEAD))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from None
        # A file that was made and not yet written: nobody was told anything.
        if head is None and self._path(HEAD).stat().st_size:
            raise self._damaged(HEAD, "its checksum is wrong")
        return head

    def _read(self, least: int | None) -> Kept | None:
        """Return what the database holds, all of it checked; None where it has no snapshot. It has to reach `least`."""
        try:
            # Only to be read: closing any other connection would move a damaged log's content into the database.
            path = self._path(DATABASE).absolute().as_uri()
            with contextlib.closing(sqlite3.connect(f"{path}?mode=ro", uri=True, timeout=1)) as database:
                return self._read_all(database, least)
        except sqlite3.DatabaseError as error:
            if _code(error) in (*_BUSY, *_OF_THE_DISK, *_OF_THE_SYSTEM):
                raise self._unusable(error) from None
            raise self._damaged(DATABASE, str(error)) from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._damaged(DATABASE, f"{type(error).__name__}: {error}") from None

    def _read_all(self, database: sqlite3.Connection, least: int | None) -> Kept | None:
        found = database.execute("PRAGMA integrity_check(1)").fetchone()
        if found != ("ok",):
            raise self._damaged(DATABASE, str(found[0]).splitlines()[0])
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
            return None
        row = database.execute("SELECT body, digest FROM snapshot").fetchone()
        if row is None:
            return None
        body, digest = row
        if digest != _digest(body):
            raise self._damaged(DATABASE, "the snapshot's checksum is wrong")
        snapshot = json.loads(body)
        parts: dict[str, bytes] = {}
        for name, hexadecimal in snapshot["parts"].items():
            part = database.execute("SELECT body FROM part WHERE digest = ?", (bytes.fromhex(hexadecimal),)).fetchone()
            if part is None or _digest(part[0]).hex() != hexadecimal:
                raise self._damaged(DATABASE, "a part of the snapshot is missing or has a wrong checksum")
            parts[name] = part[0]
        self.number = snapshot["number"]
        self.snapshot_bytes = sum(map(len, parts.values()))
        batches: list[bytes] = []
        for number, batch, digest in database.execute(
            "SELECT number, body, digest FROM journal WHERE number > ? ORDER BY number", (self.number,)
        ):
            if number != self.number + 1 or digest != _digest(batch, number):
                raise self._damaged(DATABASE, f"batch {self.number + 1} is missing or has a wrong checksum")
            self.number = number
            self.journal_bytes += len(batch)
            batches.append(batch)
        if least is not None and self.number < least:
            raise self._damaged(DATABASE, f"it ends with batch {self.number}, and {least} were written")
        return Kept(snapshot["label"], parts, tuple(batches))

    # ---------------------------------------------------------------------------------------------------- writing

    def append(self, body: bytes) -> None:
        """Keep a batch. Raises StoreWriteError: it isn't kept, and what may be told has not changed."""
        number = self.number + 1
        with self._written() as database:
            database.execute("INSERT INTO journal VALUES (?, ?, ?)", (number, body, _digest(body, number)))
        self.number = number
        self.journal_bytes += len(body)
        self.logged += 1
        self._mark()

    def snapshot(self, label: str, parts: Mapping[str, Callable[[], bytes]]) -> Iterator[None]:
        """Write a snapshot of the state after the last batch, some of it at each step; batches may come between.

        It counts when the iterator ends: until then the one before does. Raises StoreWriteError.
        """
        number, before = self.number, self.journal_bytes
        digests: dict[str, str] = {}
        size = 0
        for name, make in parts.items():
            body = make()
            digest = _digest(body)
            digests[name] = digest.hex()
            size += len(body)
            with self._written() as database:
                database.execute("INSERT OR IGNORE INTO part VALUES (?, ?)", (digest, body))
            yield
        self._settle(number, label, digests)
        self.snapshot_bytes = size
        self.journal_bytes -= before

    def snapshot_at_once(self, label: str, parts: Mapping[str, Callable[[], bytes]]) -> None:
        """Write a snapshot whole or not at all: for a state that no batch leads to. Raises StoreWriteError."""
        bodies = {name: make() for name, make in parts.items()}
        digests = {name: _digest(body) for name, body in bodies.items()}
        number = self.number + 1
        with self._written() as database:
            database.executemany(
                "INSERT OR IGNORE INTO part VALUES (?, ?)", [(digests[name], body) for name, body in bodies.items()]
            )
            self._settle_within(database, number, label, {name: digest.hex() for name, digest in digests.items()})
        self.number = number
        self.snapshot_bytes, self.journal_bytes = sum(map(len, bodies.values())), 0
        self._mark()

    def probe(self) -> None:
        """Try whether a snapshot may fit, at little cost. Raises StoreWriteError: it doesn't."""
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise StoreWriteError(_reason(error)) from error
        if free < self.snapshot_bytes:
            raise StoreWriteError("the disk is full")
        with self._written() as database:  # the next snapshot has it removed
            database.execute("INSERT OR REPLACE INTO part VALUES (?, zeroblob(?))", (b"", _PROBE_BYTES))

    def move_log(self) -> None:
        """Move the log's content into the database; `move_rest` is to follow. To be called from another thread."""
        # By a connection of its own: this one waits for the disk, and who appends meanwhile doesn't.
        with (
            contextlib.suppress(sqlite3.Error),  # then the log only grows; a disk that is full shows elsewhere
            contextlib.closing(sqlite3.connect(self._path(DATABASE), isolation_level=None)) as database,
        ):
            database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def move_rest(self) -> None:
        """Move what was appended meanwhile, without waiting for the disk: only then the log begins anew."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self.logged = 0

    def close(self) -> None:
        """Close; where that is possible, as one that the disk has all of. Never raises."""
        try:
            if self._database is not None:
                is_busy, *_ = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                # Closed before it is opened to be synced: closing that would end SQLite's locks.
                self._close_database()
                if not is_busy:
                    for path in (self._path(DATABASE), self._path(f"{DATABASE}-wal")):
                        if path.exists():
                            _sync_file(path)
                    _sync_folder(self.folder)
                    self._write_head(HeadState.CLEAN).sync()
        except (OSError, sqlite3.Error):
            pass  # it stays marked as open, as after a kill
        finally:
            self._close_database()
            if self._head is not None:
                self._head.close()
                self._head = None
            _unlock(self._lock)

    def _settle(self, number: int, label: str, digests: Mapping[str, str]) -> None:
        with self._written() as database:
            self._settle_within(database, number, label, digests)

    def _settle_within(self, database: sqlite3.Connection, number: int, label: str, digests: Mapping[str, str]) -> None:
        body = json.dumps({"number": number, "label": label, "parts": digests}).encode()
        database.execute("INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?)", (body, _digest(body)))
        database.execute("DELETE FROM journal WHERE number <= ?", (number,))
        wanted = {bytes.fromhex(digest) for digest in digests.values()}
        unwanted = [row for row in database.execute("SELECT digest FROM part").fetchall() if row[0] not in wanted]
        database.executemany("DELETE FROM part WHERE digest = ?", unwanted)

    def _written(self) -> "_Transaction":
        return _Transaction(self._connection)

    def _mark(self) -> None:
        """Note how far we are, so that a shorter log is known for a damaged one."""
        try:
            self._write_head(HeadState.OPEN)
        except OSError as error:
            raise StoreWriteError(_reason(error)) from error

    def _write_head(self, state: HeadState) -> HeadFile:
        if self._head is None:
            self._head = HeadFile(self._path(HEAD))
        self._head.write(Head(self.number, state, self._boot))
        return self._head

    # ---------------------------------------------------------------------------------------------------- the rest

    @property
    def _connection(self) -> sqlite3.Connection:
        assert self._database is not None, "the store isn't open"
        return self._database

    def _connect(self) -> None:
        if self._database is None:
            self._make_private()
            # The event loop stands still while it waits for another program's lock.
            self._database = sqlite3.connect(self._path(DATABASE), isolation_level=None, timeout=_LONGEST_LOCK_S)
            self._database.execute("PRAGMA journal_mode=WAL").fetchall()
            # Nobody waits for the disk: after the machine's end nothing counts anyway (`HeadState.OPEN`, `boot`).
            self._database.execute("PRAGMA synchronous=OFF")
            self._database.execute("PRAGMA wal_autocheckpoint=0").fetchall()
            self._database.execute("PRAGMA temp_store=MEMORY")

    def _make_private(self) -> None:
        """Have nobody else read the files: SQLite gives those that it makes the database's mode."""
        os.close(os.open(self._path(DATABASE), os.O_RDWR | os.O_CREAT, 0o600))
        for name in (HEAD, LOCK, *(DATABASE + ending for ending in _ENDINGS), *(ASIDE + ending for ending in _ENDINGS)):
            # Somebody else's file, or a disk without modes, stays as it is.
            with contextlib.suppress(OSError):
                self._path(name).chmod(0o600)

    def _close_database(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _damaged(self, name: str, why: str) -> StoreError:
        return StoreError(
            f"{self._path(name)} is damaged ({why}). Move the folder {self.folder} away and start again:"
            " the server then begins anew and tells its clients. Nothing was changed."
        )

    def _unusable(self, error: Exception) -> StoreError:
        code, reason = _code(error), _reason(error)
        if code in _BUSY:
            return StoreError(f"{self._path(DATABASE)} can't be used: another program has it open. Close that first.")
        if code in _OF_THE_DISK:
            reason += "; the disk is full or fails"
        return StoreError(f"{self.folder} can't be used ({reason}): make room or set TAPECAST_DATA to another folder.")


def open_store(folder: Path, *, boot: bytes | None = None) -> Store:
    """Return the store of a folder, which is made where there is none; `Store.open` is to follow.

    Raises StoreError: another process has it, or it can't be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"{folder} can't be used ({_reason(error)}): set TAPECAST_DATA to a folder that can be written to."
        ) from None
    if not _try_lock(lock):
        os.close(lock)
        raise StoreError(f"{folder} is in use by another server: stop it, or set TAPECAST_DATA to another folder.")
    return Store(folder, lock, boot_id() if boot is None else boot)


class _Transaction:
    """All or nothing. Raises StoreWriteError for nothing."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._database.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise StoreWriteError(_reason(error)) from error
        return self._database

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            try:
                self._database.execute("COMMIT")
            except sqlite3.Error as failure:
                self._roll_back()
                raise StoreWriteError(_reason(failure)) from failure
            return
        self._roll_back()
        if isinstance(error, sqlite3.Error):
            raise StoreWriteError(_reason(error)) from error

    def _roll_back(self) -> None:
        if self._database.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # it may have rolled back by itself
                self._database.execute("ROLLBACK")


def _sync_file(path: Path) -> None:
    """Wait until the disk has a file's content. OSError: it can't be."""
    file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder, where the system can tell. OSError: it can't be."""
    if sys.platform == "win32":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _digest(body: bytes, number: int = 0) -> bytes:
    return blake2b(body, digest_size=DIGEST_BYTES, salt=number.to_bytes(16, "little")).digest()


def _code(error: Exception) -> int | None:
    """Return SQLite's primary result code; None where the error has none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) or type(error).__name__


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: int) -> None:
        os.close(file)

else:
    import fcntl

    def _try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(file: int) -> None:
        os.close(file)
