"""What the tests of the TypeScript client share: the client, compiled once, and a Node process that drives it."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.node import CLIENT, Driver, compile_client, driving

DRIVER = Path(__file__).with_name("driver.mjs")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed client, compiled by `tsc --strict`."""
    return compile_client(CLIENT, tmp_path_factory.mktemp("typescript-client"))


@pytest.fixture
async def driver(compiled: Path) -> AsyncIterator[Driver]:
    """A Node process with the client in it."""
    async with driving(compiled, DRIVER) as driver:
        yield driver


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real server in demo mode, as a user starts it, with quicker bars."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAPECAST_")}
    settings = {"TAPECAST_PORT": "0", "TAPECAST_DEMO": "true", "TAPECAST_BARS_INTERVAL_MS": "100"}
    log = tmp_path_factory.mktemp("server") / "log"
    command = [str(Path(sys.executable).with_name("tapecast")), "serve"]
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, env=kept | settings, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            address = re.search(r"http://[^/\s]+", process.stdout.readline())
            assert address, log.read_text()
            yield address[0].replace("http", "ws")
        finally:
            process.terminate()
            process.wait(timeout=20)
