"""App: the one place that builds things. Everything else is handed what it needs."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from gateway.access import Authenticator, OriginList, Refuser
from gateway.admission import Admission, ConnectionLimits
from gateway.health import create_health_router
from gateway.keeper import Keeper
from gateway.metrics import Counts, create_metrics_router, create_registry
from gateway.pages import PageSymbol, create_pages
from gateway.settings import Settings
from gateway.sources.source import Source
from gateway.stores.store import Store
from gateway.supervisor import Supervisor
from gateway.tally import TALLY, Tally
from gateway.telemetry import get_logger
from gateway.tokens import IssueToken, create_token_router
from gateway.transport.connection import Server
from gateway.transport.switchboard import Switchboard
from generated.document import document_json, document_yaml
from generated.models import Limits
from generated.operations import BarsOperations
from generated.router import create_router
from handlers.auth import Keys, TokenAuthenticator
from handlers.bars import BarsHandlers
from handlers.cache import CacheFeed, CacheHandlers
from handlers.entrance import Entrances
from handlers.feed import BarsFeed
from handlers.market import MarketFeed
from handlers.record import Epochs, Sink
from handlers.tokens import Tokens
from streaming.clock import Clock, PinnedClock
from streaming.history import Rings
from streaming.hub import Hub
from streaming.limits import SessionLimits
from streaming.session import Flusher, Session
from streaming.traffic import Traffic

VERSION = "0.1.0"
AGE_CHECK_S = 0.5
"""How often it is asked whether clients take what they are sent."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The built application and what runs beside it."""

    app: FastAPI
    server: Server
    switchboard: Switchboard
    hub: Hub
    supervisor: Supervisor
    feed: BarsFeed
    cache: CacheFeed
    clock: Clock
    admission: Admission
    keeper: Keeper | None
    sink: Sink
    """Where the sources' events go."""


def new_epoch() -> str:
    """Return a name that no other life of a stream has."""
    return uuid.uuid4().hex[:12]


def create_gateway(
    settings: Settings,
    sources: Sequence[Source],
    clock: Clock,
    *,
    keys: Keys,
    assets: Path,
    issue_token: IssueToken | None = None,
    call_soon: Callable[[Callable[[], None]], object] | None = None,
    store: Store | None = None,
) -> Gateway:
    """Build the application over the sources.

    `keys` verify tokens. `issue_token` makes one for whoever asks, in demo mode. `assets` is the folder of the
    documentation page's files; it may be absent. `call_soon` runs a function after the event loop's turn: by default
    the running loop's. `store` keeps what clients are told over a restart, and is closed with the application; without
    one each start is a new epoch. Raises StoreError: it can't be used.
    """
    soon = call_soon or (lambda callback: asyncio.get_running_loop().call_soon(callback))
    traffic, tally = Traffic(), Tally()
    switchboard = Switchboard(
        max_message_bytes=settings.max_frame_bytes,
        ping_interval=settings.ping_s,
        pong_timeout=settings.pong_s,
        handshake_timeout=settings.handshake_s,
        refused=tally.refused,
    )
    flusher = Flusher(soon, switchboard.broadcast, traffic, clock.monotonic, log_fault)
    hub = Hub(flusher)
    refuser = Refuser(settings.auth_failure, tally)
    # What is kept is told again with the times that it had.
    pinned = None if store is None else PinnedClock(clock)
    feed_clock = pinned or clock
    epochs = Epochs(new_epoch)
    rings = Rings(feed_clock, frames=settings.ring_frames, age=settings.ring_age_s, total=settings.rings_frames)
    symbols = [symbol for source in sources for symbol in source.symbols]
    feed = BarsFeed(
        symbols,
        hub,
        rings,
        feed_clock,
        interval_ms=settings.bars_interval_ms,
        lateness_ms=settings.lateness_ms,
        late_ms=settings.late_ms,
        new_epoch=epochs.draw,
    )
    accounts = [account for source in sources for account in source.accounts]
    cache_feed = CacheFeed(symbols, accounts, hub, rings, new_epoch=epochs.draw, limits=told_limits(settings))
    authenticator = token_authenticator(settings, keys, clock)
    tokens = Tokens(authenticator.authenticate, clock, warning_ms=settings.token_warning_ms)
    entrances = Entrances(cache_feed)
    admission = Admission(connection_limits(settings))
    server = Server(hub, flusher, session_limits(settings), clock, refuser.refuse, entrances, tokens, admission, tally)
    keeper: Keeper | None = None
    if store is not None and pinned is not None:
        kept_settings = (f"lateness {settings.lateness_ms} ms", f"late {settings.late_ms} ms")
        keeper = Keeper(
            *(store, pinned, epochs, rings, feed, cache_feed, sources),
            version=VERSION,
            settings=kept_settings,
            call_soon=soon,
        )
        keeper.restore()
        keeper.on_failure = partial(server.end_all, "internal_error")
        flusher.use_gate(keeper.gate)
        server.is_able = lambda: not keeper.failed
    sink: Sink = MarketFeed(feed, cache_feed) if keeper is None else keeper.sink
    supervisor = Supervisor(sources, sink, clock)
    bars: BarsOperations[Session] = BarsHandlers(feed, hub, clock, tokens)
    cache = CacheHandlers(clock, tokens)

    async def check_ages() -> None:
        while True:
            await clock.sleep(AGE_CHECK_S)
            # A byte may have been unsent for one interval when it is first seen, and the next look is one later.
            await server.sessions.check_ages(clock, 2 * AGE_CHECK_S)
            rings.trim()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Tally]]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(supervisor.run()), group.create_task(check_ages())]
                if keeper is not None:
                    tasks.append(group.create_task(keeper.run()))
                yield {TALLY: tally}
                for task in tasks:
                    task.cancel()
        finally:
            if keeper is not None:
                keeper.close()

    app = FastAPI(
        title="Tapecast",
        version=VERSION,
        description="The HTTP side of the gateway. Its WebSocket API is described at /asyncapi.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(
        create_health_router(
            lambda: supervisor.ready and not server.draining and server.is_able(), lambda: supervisor.states
        )
    )
    if settings.metrics == "on":
        counts = Counts(
            traffic=traffic,
            tally=tally,
            sessions=server.sessions,
            topics=lambda: len(hub),
            recoveries={"bars": feed.recoveries, "cache": cache_feed.recoveries},
            trades_dropped=lambda: {**feed.dropped(), "told_twice": cache_feed.doubled()},
            source_states=lambda: supervisor.states,
            is_draining=lambda: server.draining,
            keeper_failures=lambda: 0 if keeper is None else keeper.failures,
            is_kept=server.is_able,
            version=VERSION,
        )
        app.include_router(create_metrics_router(create_registry(counts)))
    app.include_router(
        create_router(
            server.serve,
            refuser.refuse,
            authenticator=Authenticator(authenticator),
            admit=OriginList(settings.origins).admit,
            permit=lambda channel, parameters, principal: entrances.permit(parameters, principal),
            require_token=("bars",) if settings.bars_token == "required" else (),
            bars=bars,
            tickers=cache,
            exchange_tickers=cache,
            trades=cache,
            exchange_trades=cache,
            orders=cache,
            exchange_orders=cache,
            balances=cache,
            account_balances=cache,
        )
    )
    if issue_token is not None:
        app.include_router(create_token_router(issue_token))
    app.include_router(
        create_pages(
            document_json=document_json(),
            document_yaml=document_yaml(),
            symbols=[
                PageSymbol(
                    key=symbol.key,
                    name=symbol.name,
                    exchange=symbol.exchange,
                    synthetic=symbol.synthetic,
                    description=symbol.description,
                )
                for symbol in symbols
            ],
            assets=assets,
        )
    )
    answer_unknown_http_path = app.router.default

    async def answer_unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await refuser.refuse_unknown_address(scope, receive, send)
        else:
            await answer_unknown_http_path(scope, receive, send)

    app.router.default = answer_unknown_path
    return Gateway(app, server, switchboard, hub, supervisor, feed, cache_feed, clock, admission, keeper, sink)


def log_fault(fault: Exception) -> None:
    """Log what went wrong with one session's frames."""
    get_logger().error("connection failed", exc_info=fault)


def session_limits(settings: Settings) -> SessionLimits:
    """Return the bounds of one session, as the settings give them."""
    return SessionLimits(
        subscriptions=settings.max_subscriptions,
        frames_per_second=settings.frames_per_second,
        frames_burst=settings.frames_burst,
        bad_frames_in_a_row=settings.max_bad_frames,
        outbox_bytes=settings.outbox_bytes,
        outbox_age=settings.outbox_age_s,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Return how many connections there may be."""
    return ConnectionLimits(
        total=settings.max_connections,
        user=settings.max_connections_per_user,
        address=settings.max_connections_per_address,
    )


def told_limits(settings: Settings) -> Limits:
    """Return what a client of the cache sockets is told of the settings."""
    return Limits(
        frame_bytes=settings.max_frame_bytes,
        frames_per_second=settings.frames_per_second,
        frames_burst=settings.frames_burst,
        outbox_bytes=settings.outbox_bytes,
        outbox_age_ms=round(settings.outbox_age_s * 1000),
        ring_frames=settings.ring_frames,
        ring_age_ms=round(settings.ring_age_s * 1000),
    )


def token_authenticator(settings: Settings, keys: Keys, clock: Clock) -> TokenAuthenticator:
    """Return what verifies tokens, as the settings want it."""
    return TokenAuthenticator(
        keys,
        clock,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        leeway_s=settings.jwt_leeway_s,
        default_scopes=frozenset(settings.default_scopes.split()),
        default_accounts=settings.accounts,
        max_bytes=settings.max_token_bytes,
    )
