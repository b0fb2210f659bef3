"""Serve: runs the application under uvicorn until it is told to stop, and says goodbye to the clients."""

import errno
import gc
import random
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn

from gateway.app import Gateway, create_gateway
from gateway.descriptors import allow_descriptors
from gateway.drain import Drain
from gateway.keys import JwksKeys, load_keys
from gateway.paths import assets_folder, cache_folder
from gateway.settings import Settings
from gateway.sources.build import build_sources
from gateway.sources.replay import ReplaySource
from gateway.stores.store import open_store
from gateway.telemetry import configure_logging, get_logger
from gateway.tokens import DEMO_USER, IssueToken, demo_issuer
from gateway.transport.direct import DirectProtocol, direct_classes
from gateway.transport.stock import StockProtocol, stock_protocol
from handlers.auth import StaticKeys
from market.events import Account
from streaming.clock import Clock, SystemClock

SPARE_DESCRIPTORS = 200
"""Files, HTTP connections, and WebSockets that are refused or whose end is under way."""
HTTP_GRACE_S = 5
"""Seconds that a shutdown waits for HTTP requests that are being answered, once the WebSockets are gone."""


class GatewayServer(uvicorn.Server):
    """uvicorn's server, which first tells every client that it goes."""

    def __init__(
        self,
        config: uvicorn.Config,
        gateway: Gateway,
        draw: Callable[[int], int],
        demo_token: str | None = None,
        *,
        drain_s: float = 5,
    ) -> None:
        """Serve the gateway.

        At its end the clients are sent away within `drain_s` seconds; `draw` gives a random integer below its argument.
        """
        super().__init__(config)
        self._gateway = gateway
        self._drain = Drain(
            gateway.server.sessions, gateway.server.tell_shutdown, gateway.clock, seconds=drain_s, draw=draw
        )
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

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: from the first one on nobody new is let in; a second one ends everything at once."""
        self._gateway.server.draining = True
        if self.should_exit:
            self.force_exit = True
            self._captured_signals.append(sig)
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Send the clients away while the port still answers, abort who is left, then stop."""
        server = self._gateway.server
        server.draining = True
        count = len(server.sessions)
        try:
            await self._drain.run(lambda: not self._open_sockets(), lambda: self.force_exit)
        except Exception:
            get_logger().exception("the clients could not be sent away")  # what is to be kept still is
        get_logger().info(
            "shutdown",
            clients=count,
            aborted=self._open_sockets(),
            trades_dropped=self._gateway.feed.dropped(),
            trades_told_twice=self._gateway.cache.doubled(),
        )
        await super().shutdown(sockets)
        if self.force_exit:
            await self.lifespan.shutdown()  # which uvicorn then leaves out, and with it what is to be kept

    def _open_sockets(self) -> int:
        return sum(
            isinstance(connection, StockProtocol | DirectProtocol) for connection in self.server_state.connections
        )


def uvicorn_config(settings: Settings, gateway: Gateway) -> uvicorn.Config:
    """Return uvicorn's configuration: the classes of the transport that is set, and no log lines but ours."""
    direct_http, direct_websocket = direct_classes(gateway.switchboard)
    is_direct = settings.transport == "direct"
    return uvicorn.Config(
        gateway.app,
        host=settings.host,
        port=settings.port,
        http=direct_http if is_direct else "auto",
        ws=direct_websocket if is_direct else stock_protocol(settings.handshake_s),
        ws_max_size=settings.max_frame_bytes,
        ws_ping_interval=settings.ping_s,
        ws_ping_timeout=settings.pong_s,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=HTTP_GRACE_S,
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
    allowed = allow_descriptors(settings.max_connections + SPARE_DESCRIPTORS)
    if allowed < settings.max_connections + SPARE_DESCRIPTORS:
        get_logger().warning(
            "fewer connections than TAPECAST_MAX_CONNECTIONS can be had: raise `ulimit -n`", descriptors=allowed
        )
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
        uvicorn_config(settings, gateway), gateway, random.randrange, demo_token, drain_s=settings.drain_s
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal again after its shutdown; by then everything is done, so it has nothing left to say.
        signal.signal(number, lambda *_: None)
    await server.serve(sockets=[listener])
