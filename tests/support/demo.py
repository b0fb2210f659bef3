"""Demo: the real server in a process of its own, in demo mode, as a user starts it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def demo_server(log: Path, **more: str) -> Iterator[str]:
    """Run it, with quicker bars, and yield the address that it prints; its log lines go to `log`.

    `more` are settings by their variables' names: `TAPECAST_SPEED="3900"`.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAPECAST_")}
    settings = {"TAPECAST_PORT": "0", "TAPECAST_DEMO": "true", "TAPECAST_BARS_INTERVAL_MS": "100"}
    environment = kept | settings | more
    command = [str(Path(sys.executable).with_name("tapecast")), "serve"]
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            address = re.search(r"http://\S+", first)
            assert address, f"{first!r} {log.read_text()}"
            yield address[0]
        finally:
            process.terminate()
            process.wait(timeout=20)
