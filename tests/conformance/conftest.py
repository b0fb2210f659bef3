"""Which servers the conformance tests speak to: one for each event loop and module, started when it is first needed."""

from collections.abc import Iterator

import pytest

from tests.conformance.server import EchoServer, echo_server


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def server(request: pytest.FixtureRequest) -> Iterator[EchoServer]:
    """An echo server for messages of up to 16 MiB, on either event loop."""
    with echo_server(loop=request.param) as server:
        yield server


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def narrow_server(request: pytest.FixtureRequest) -> Iterator[EchoServer]:
    """An echo server for messages of up to 64 KiB, on either event loop."""
    with echo_server(max_frame=65536, loop=request.param) as server:
        yield server
