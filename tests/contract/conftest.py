"""What the contract tests share: the real server, with raised limits and with the default ones, and its tokens."""

from collections.abc import Iterator

import pytest

from tests.contract.tape import tokens
from tests.contract.tape.upstream import real_server
from tests.support.demo import demo_server


@pytest.fixture(scope="session")
def gateway_token() -> str:
    """A token of a user with both accounts and all scopes."""
    return tokens.token()


@pytest.fixture(scope="session")
def gateway_secret() -> str:
    """The key that signs the server's tokens."""
    return tokens.SECRET


@pytest.fixture(scope="session")
def roomy_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real server with limits that are in nobody's way."""
    log = tmp_path_factory.mktemp("roomy") / "log"
    with real_server(log, TAPECAST_MAX_BAD_FRAMES="1000000") as address:
        yield address


@pytest.fixture(scope="session")
def default_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real server with its default limits; its market has more symbols, and is quick."""
    log = tmp_path_factory.mktemp("default") / "log"
    settings = {
        "TAPECAST_JWT_SECRET": tokens.SECRET,
        "TAPECAST_SIM_RATE": "4",
        "TAPECAST_SIM_SYMBOLS": "20",
        "TAPECAST_SPEED": "780",
    }
    with demo_server(log, **settings) as address:
        yield "ws" + address.removeprefix("http").rstrip("/")
