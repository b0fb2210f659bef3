"""Command: `tapecast watch`, from its options to its exit code. It leaves the connection and the drawing to others."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console

from gateway.watch.credentials import Credentials
from gateway.watch.faults import WatchError
from gateway.watch.session import Session
from gateway.watch.sockets import Server
from gateway.watch.streams import find_stream
from gateway.watch.table import PlainView, TableView
from streaming.clock import Clock, SystemClock


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command's options, as `tapecast watch --help` has them. `duration_s`: None is until it is stopped.

    `history`: so many of the last trades, or closed bars, come first.
    """

    stream: str = "bars"
    exchange: str = "sim"
    symbol: str | None = None
    exchange_id: int = 1
    currency: str | None = None
    resolution: str = "1"
    history: int = 20
    duration_s: float | None = None
    auth_demo: bool = False
    url: str = "ws://127.0.0.1:8000"
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the command finds around it."""

    environ: Mapping[str, str]
    out: TextIO
    err: TextIO
    clock: Clock
    draw: Callable[[], float]
    """Gives numbers from 0 up to 1."""

    def write(self, line: str) -> None:
        """Write a line that was asked for."""
        print(line, file=self.out, flush=True)

    def warn(self, line: str) -> None:
        """Write a line about how it goes."""
        print(f"tapecast: {line}", file=self.err, flush=True)


def run(options: Options, around: Surroundings | None = None) -> int:
    """Run the command to its end. Returns the exit code: 0, or 1 after a sentence that says why."""
    around = around or Surroundings(
        environ=os.environ, out=sys.stdout, err=sys.stderr, clock=SystemClock(), draw=random.random
    )
    try:
        return asyncio.run(watch(options, around))
    except KeyboardInterrupt:
        return 130 if options.auth_demo else 0  # a stream has no other end, a demonstration has
    except BrokenPipeError:  # `tapecast watch | head`: whoever reads has enough
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), around.out.fileno())  # or Python's own last flush complains
        return 0


async def watch(options: Options, around: Surroundings) -> int:
    """Run the command until its duration is over, or it is cancelled. Returns the exit code."""
    try:
        server = Server(options.url)
        credentials = Credentials(
            server, options.token, around.environ, account=options.exchange_id, now_ms=around.clock.now_ms
        )
        if options.auth_demo:
            from gateway.watch.refusals import show_refusals  # signs a token, and with it cryptography is loaded

            shown = await show_refusals(
                server,
                credentials,
                account=options.exchange_id,
                now_ms=around.clock.now_ms,
                write=around.write,
            )
            return 0 if shown else 1
        await _watch(options, around, server, credentials)
    except WatchError as fault:
        around.warn(str(fault))
        return 1
    return 0


async def _watch(options: Options, around: Surroundings, server: Server, credentials: Credentials) -> None:
    stream = find_stream(
        options.stream,
        exchange=options.exchange,
        symbol=options.symbol,
        exchange_id=options.exchange_id,
        currency=options.currency,
        resolution=options.resolution,
        history=options.history,
    )
    view: PlainView | TableView
    if around.out.isatty():
        console = Console(file=around.out)
        view = TableView(stream.name, f"{stream.title} at {server.ws}", lambda: tally(session), console, around.clock)
    else:
        view = PlainView(around.write, around.warn)
    session = Session(stream, server, credentials, view, clock=around.clock, draw=around.draw)
    has_begun = True
    try:
        with view:
            await until_over(session, options.duration_s, around.clock)
    except WatchError:
        has_begun = session.connections > 0
        raise
    finally:
        if has_begun:
            around.write(tally(session))


def tally(session: Session) -> str:
    """Return the counts in a sentence."""
    return (
        f"frames: {session.frames}, reconnects: {session.reconnects}, "
        f"holes: {session.silent}, told: {session.told}, doubled: {session.doubled}"
    )


async def until_over(session: Session, duration_s: float | None, clock: Clock) -> None:
    """Run the session for so many seconds, or until it is cancelled or the process is told to end."""
    task = asyncio.ensure_future(session.run())
    is_over = False

    def end() -> None:
        nonlocal is_over
        is_over = True
        task.cancel()

    timer = None if duration_s is None else clock.call_later(duration_s, end)
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # not on Windows, not beside the main thread
        loop.add_signal_handler(signal.SIGTERM, end)
    try:
        await task
    except asyncio.CancelledError:
        if not is_over:
            raise
    finally:
        if timer is not None:
            timer.cancel()
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGTERM)
