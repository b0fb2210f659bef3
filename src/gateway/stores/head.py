"""Head: one small file that says how far a store had come, as a witness beside the database.

A damaged write-ahead log looks to SQLite like a shorter one: without a witness, what it held last would be missing in
silence. It never knows what is stored.
"""

import os
import struct
import sys
import zlib
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

_FORMAT = struct.Struct("<8sQB36sI")
_MAGIC = b"tapecas1"


class HeadState(IntEnum):
    """How the store was left."""

    OPEN = 1
    """It is in use, or its process was killed."""
    CLEAN = 2
    """It was closed, and the disk has all of it."""
    VOID = 3
    """What is there doesn't count."""


@dataclass(frozen=True, slots=True)
class Head:
    """`number` of the last batch that may have been told to anybody, and the `boot` of the machine that wrote it."""

    number: int
    state: HeadState
    boot: bytes

    def packed(self) -> bytes:
        """Return the file's content."""
        body = _FORMAT.pack(_MAGIC, self.number, self.state, self.boot, 0)[:-4]
        return body + struct.pack("<I", zlib.crc32(body))


def read_head(path: Path) -> Head | None:
    """Return what a file says; None where it is no head, or a damaged one. OSError: it can't be read."""
    content = path.read_bytes()
    try:
        magic, number, state, boot, checksum = _FORMAT.unpack(content)
        if magic != _MAGIC or checksum != zlib.crc32(content[:-4]):
            return None
        return Head(number, HeadState(state), boot)
    except (struct.error, ValueError):
        return None


class HeadFile:
    """The file while the store is open. Its content is written by one call of the system: no kill cuts it in two."""

    def __init__(self, path: Path) -> None:
        """Open the file; make it where there is none. OSError: it can't be."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)

    def write(self, head: Head) -> None:
        """Replace the content. OSError: it can't be written."""
        content = head.packed()
        os.lseek(self._file, 0, os.SEEK_SET)
        if os.write(self._file, content) != len(content):
            raise OSError("the head was written in part")

    def sync(self) -> None:
        """Wait until the disk has it."""
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def boot_id() -> bytes:
    """Return a name of this boot of the machine; 36 zero bytes where the system has none."""
    if sys.platform == "linux":
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()[:36].ljust(36, b"\0")
        except OSError:
            pass
    return bytes(36)
