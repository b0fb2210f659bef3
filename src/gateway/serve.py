"""Serve: runs the application under uvicorn until it is told to stop, and says goodbye to the clients."""

import errno
import gc
import random
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Sequence

import uvicorn

from gateway.app import Gateway, create_gateway
from gateway.keys import JwksKeys, load_keys
from gateway.paths import assets_folder, cache_folder
from gateway.settings import Settings
from gateway.sources.build import build_sources
from gateway.sources.replay import ReplaySource
from gateway.stores.store import open_store
from gateway.telemetry import configure_logging, get_logger
from gateway.tokens import DEMO_USER, IssueToken, demo_issuer
from gateway.transport.stock import StockProtocol
from handlers.auth import StaticKeys
from market.events import Account
from streaming.clock import Clock, SystemClock

RECONNECT_WINDOW_MS = 5000
"""Clients of a server that goes come back spread over this time."""
GOODBYE_S = 3.0
"""The most that a shutdown waits for its clients."""


class GatewayServer(uvicorn.Server):
    """uvicorn's server, which first tells every client that it goes."""

    def __init__(
        self, config: uvicorn.Config, gateway: Gateway, draw: Callable[[], int], demo_token: str | None = None
    ) -> None:
        """Serve the gateway; `draw` gives a client the milliseconds after which it may return."""
        super().__init__(config)
        self._gateway = gateway
        self._draw = draw
        self._demo_token = demo_token

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say where."""
        await super().startup(sockets)
        if self.started:
            gc.collect()
            gc.freeze()  # what lives as long as the process is no business of the garbage collector's
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"Tapecast is up: http://{shown}:{port}/\n")
            if self._demo_token is not None:
                sys.stdout.write(f"token: {self._demo_token}\n")
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye, wait a moment for the connections to end, then stop."""
        server = self._gateway.server
        count = len(server.sessions)
        server.drain(self._draw)
        deadline = self._gateway.clock.monotonic() + GOODBYE_S
        while self._open_sockets() and self._gateway.clock.monotonic() < deadline:
            await self._gateway.clock.sleep(0.02)
        get_logger().info(
            "shutdown",
            clients=count,
            trades_dropped=self._gateway.feed.dropped(),
            trades_told_twice=self._gateway.cache.doubled(),
        )
        await super().shutdown(sockets)

    def _open_sockets(self) -> int:
        return sum(isinstance(connection, StockProtocol) for connection in self.server_state.connections)


def uvicorn_config(settings: Settings, gateway: Gateway) -> uvicorn.Config:
    """Return uvicorn's configuration: its own WebSocket class, opened, and no log lines but ours."""
    return uvicorn.Config(
        gateway.app,
        host=settings.host,
        port=settings.port,
        ws=StockProtocol,
        ws_max_size=settings.max_frame_bytes,
        ws_ping_interval=settings.ping_s,
        ws_ping_timeout=settings.pong_s,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def build_keys(
    settings: Settings, clock: Clock, accounts: Sequence[Account] = ()
) -> tuple[StaticKeys | JwksKeys, IssueToken | None]:
    """Return what verifies tokens, and in demo mode with a secret what makes them, for its user's `accounts`.

    Raises KeysError.
    """
    secret = None if settings.jwt_secret is None else settings.jwt_secret.get_secret_value()
    if settings.demo and secret is None and settings.jwt_public_key is None and settings.jwt_jwks_url is None:
        secret = secrets.token_urlsafe(48)
    keys = load_keys(clock, secret=secret, public_key=settings.jwt_public_key, jwks_url=settings.jwt_jwks_url)
    if not settings.demo or secret is None:
        return keys, None
    numbers = sorted(account.exchange_id for account in accounts if account.user_id == DEMO_USER) or [1]
    return keys, demo_issuer(
        secret, clock.now_ms, issuer=settings.jwt_issuer, audience=settings.jwt_audience, accounts=numbers
    )


class ListenError(Exception):
    """The address can't be listened on; the text says what to change."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address. Raises ListenError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            text = f"Port {port} is taken: set TAPECAST_PORT to another one (0 takes a free one)."
        else:
            text = f"Can't listen on {host}:{port} ({error.strerror}): set TAPECAST_HOST or TAPECAST_PORT."
        raise ListenError(text) from None


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises what says why the server can't start."""
    configure_logging(settings.log)
    listener = listen(settings.host, settings.port)
    clock = SystemClock()
    sources = await build_sources(settings, clock, cache_folder())
    for source in sources:
        if isinstance(source, ReplaySource) and source.data.dropped:
            get_logger().warning(
                "faulty rows left out", rows=source.data.dropped_rows, reasons=dict(source.data.dropped)
            )
    accounts = [account for source in sources for account in source.accounts]
    keys, issue_token = build_keys(settings, clock, accounts)
    store = None if settings.data is None else open_store(settings.data)
    gateway = create_gateway(
        settings, sources, clock, keys=keys, assets=assets_folder(), issue_token=issue_token, store=store
    )
    demo_token = None if issue_token is None else issue_token("demo")
    server = GatewayServer(
        uvicorn_config(settings, gateway), gateway, lambda: random.randrange(RECONNECT_WINDOW_MS), demo_token
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal again after its shutdown; by then everything is done, so it has nothing left to say.
        signal.signal(number, lambda *_: None)
    await server.serve(sockets=[listener])
