"""Server: the real gateway under the real uvicorn on a free port, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway, create_gateway
from gateway.serve import GatewayServer, uvicorn_config
from gateway.settings import Settings
from gateway.sources.source import Source
from gateway.tokens import IssueToken
from gateway.transport.direct import DirectProtocol
from gateway.transport.stock import StockProtocol
from handlers.auth import Keys, StaticKeys, hs256_key
from streaming.clock import Clock, SystemClock
from tests.support.tokens import SECRET


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    gateway: Gateway
    uvicorn: GatewayServer
    port: int

    @property
    def bars(self) -> str:
        """The address of the bars socket."""
        return f"ws://127.0.0.1:{self.port}/api/v1/ws"

    @property
    def cache(self) -> str:
        """What the addresses of the cache sockets begin with."""
        return f"ws://127.0.0.1:{self.port}/api/v1/cache/ws"

    @property
    def http(self) -> str:
        """The address of the HTTP side."""
        return f"http://127.0.0.1:{self.port}"

    def carriers(self) -> list[StockProtocol | DirectProtocol]:
        """Return the open WebSockets' connections."""
        found: list[object] = list(self.uvicorn.server_state.connections)
        return [carrier for carrier in found if isinstance(carrier, StockProtocol | DirectProtocol)]

    def close_after(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Bound the closing handshake by so many seconds, for connections to come."""
        monkeypatch.setattr("gateway.transport.stock.CLOSE_TIMEOUT", seconds)
        self.gateway.switchboard.close_timeout = seconds


class QuietServer(GatewayServer):
    """The server without its hold on the process's signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the test runner."""
        yield


def made_up_token(name: str, /, *, scopes: Iterable[str] = (), expires_in_s: int = 0) -> str:
    """Return what is no token, but tells for whom it was asked for."""
    del scopes, expires_in_s
    return f"a token for {name}"


@asynccontextmanager
async def running(
    sources: Sequence[Source],
    *,
    clock: Clock | None = None,
    keys: Keys | None = None,
    issue_token: IssueToken | None = made_up_token,
    **settings: Any,
) -> AsyncIterator[Running]:
    """Run the gateway over the sources, with the settings given by name.

    `issue_token` makes the demo's tokens; None: it is no demo.
    """
    values: dict[str, Any] = {"port": 0, "max_connections_per_user": 1000} | settings
    chosen = Settings(**values)
    gateway = create_gateway(
        chosen,
        sources,
        clock or SystemClock(),
        keys=keys or StaticKeys(hs256_key(SECRET)),
        assets=Path("does-not-exist"),
        issue_token=issue_token,
    )
    server = QuietServer(uvicorn_config(chosen, gateway), gateway, lambda below: 1234 % below, drain_s=chosen.drain_s)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the server did not start")
            await asyncio.sleep(0.005)
        yield Running(gateway, server, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await task


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until the condition holds; fails where it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)
