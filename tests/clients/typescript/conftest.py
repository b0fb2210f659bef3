"""What the tests of the TypeScript client share: the client, compiled once, and a Node process that drives it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.demo import demo_server
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
    with demo_server(tmp_path_factory.mktemp("server") / "log") as address:
        yield address.rstrip("/").replace("http", "ws")
