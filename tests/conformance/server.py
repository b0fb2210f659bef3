"""Server: the echo server as a process of its own, and what the kernel says of that process.

This is the one place that knows how it is started. `TAPECAST_ECHO` names another command to hold to the same tests,
as words of a shell; it is given `--port 0 --max-frame BYTES --loop NAME` and has to print its address.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_FRAME = 16 * 1024 * 1024
"""Bytes of the largest message, as the suite of cases needs it."""
ADDRESS = re.compile(r"Echo is up: ws://(.+):(\d+)/")
PATIENCE = 20.0
"""Seconds for what is due at once, on however busy a machine."""


@dataclass(frozen=True)
class EchoServer:
    """An echo server that runs."""

    process: subprocess.Popen[str]
    port: int
    max_frame: int

    def descriptors(self) -> int:
        """Return how many descriptors the process holds."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self) -> int:
        """Return the process's resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def wait_for_descriptors(self, at_most: int, seconds: float = PATIENCE) -> None:
        """Wait until the process holds no more descriptors than that; fails where it does."""
        deadline = time.monotonic() + seconds
        while (held := self.descriptors()) > at_most:
            assert time.monotonic() < deadline, f"{held} descriptors are held, {at_most} at the start"
            time.sleep(0.01)


@contextmanager
def echo_server(max_frame: int = MAX_FRAME, loop: str = "uvloop") -> Iterator[EchoServer]:
    """Run the echo server; afterwards it must still run, and have logged no exception."""
    own = [sys.executable, "-m", "gateway.transport.echo"]
    command = shlex.split(os.environ.get("TAPECAST_ECHO", "")) or own
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*command, "--port", "0", "--max-frame", str(max_frame), "--loop", loop],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            port = _port_of(process.stdout, log)
            yield EchoServer(process, port, max_frame)
            assert process.poll() is None, f"the server ended:\n{_tail(log)}"
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()
        said = _tail(log)
        assert "Traceback" not in said, said


def _port_of(out: IO[str], log: IO[str]) -> int:
    for line in out:
        if found := ADDRESS.search(line):
            return int(found[2])
    raise AssertionError(f"the server did not say its address:\n{_tail(log)}")


def _tail(log: IO[str]) -> str:
    log.seek(0)
    return log.read()[-4000:]
