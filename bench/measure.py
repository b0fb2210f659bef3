"""Measure: builds the programs, starts a server on one core and the load client on another. It judges nothing."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.control import create_page
from bench.tokens import tokens_for
from bench.workloads import Server, Task

HERE = Path(__file__).parent
RELIED_ON = frozenset({"TAPECAST_PORT", "TAPECAST_JWT_SECRET", "TAPECAST_TRANSPORT"})
RUN_S = 600


class BenchError(Exception):
    """The bench can't go on, or a server could not be measured; the text says what is missing."""


def build(folder: Path) -> None:
    """Compile the load client and the limit into the folder. Raises BenchError."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        raise BenchError("The bench needs a C compiler for its load client: install gcc or clang.")
    for name in ("wsload", "cfan"):
        command = [compiler, "-O2", "-o", str(folder / name), str(HERE / f"{name}.c"), "-lm"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"{compiler} could not build bench/{name}.c (Linux is needed):\n{done.stderr[:2000]}")


def cores() -> tuple[int, int]:
    """Return the cores of the server and of the load client: the first two of this process's, or the same one twice."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[1 % len(mine)]


def pin(core: int) -> Callable[[], None]:
    """Return what binds a new process to a core."""
    return lambda: os.sched_setaffinity(0, {core})


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens. `pids` are the processes that do the work."""

    port: int
    pids: tuple[int, ...]


@contextmanager
def running(server: Server, control: Path, folder: Path) -> Iterator[Running]:
    """Run a server. Raises BenchError where it does not start."""
    # The caller's TAPECAST_* variables go before the bench's own, but for those that it relies on.
    environment = dict(server.settings) | dict(os.environ)
    environment |= {name: value for name, value in server.settings.items() if name in RELIED_ON}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    errors = folder / "errors"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            server.command(control, folder),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            preexec_fn=pin(cores()[0]),
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"(\d+)/?(?: pid (\d+))?\s*$", line)
        if found is None:
            raise BenchError(f"it did not start: {errors.read_text()[-1000:].strip()}")
        yield Running(int(found[1]), (int(found[2] or process.pid),))
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def run_task(server: Server, task: Task, folder: Path) -> list[dict[str, Any]]:
    """Return the load client's lines for one task against a fresh server. Raises BenchError."""
    entry = server.entries[task.kind]
    control, tokens = folder / "control", folder / "tokens"
    create_page(control)
    tokens.write_text("\n".join(tokens_for(task.clients)))
    with running(server, control, folder) as live:
        command = [str(folder / "wsload"), "-p", str(live.port), "-u", entry.path, "-c", str(task.clients)]
        command += ["-C", str(control), "-A", str(tokens), "-P", ",".join(map(str, live.pids)), *task.options]
        if entry.subscription is not None:
            command += ["-s", entry.subscription]
        if entry.header is not None:
            command += ["-H", entry.header]
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=RUN_S, preexec_fn=pin(cores()[1])
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"the load client did not come to its end within {RUN_S} s") from None
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if not lines:
            raise BenchError(f"the load client failed: {done.stderr[-500:].strip()}")
        return lines


@contextmanager
def workshop() -> Iterator[Path]:
    """Make a folder with the built programs. Raises BenchError."""
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        build(folder)
        yield folder
