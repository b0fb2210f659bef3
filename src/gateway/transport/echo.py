"""Echo: a server that sends every message back, over the same detached transport as the gateway. It knows no market.

`python -m gateway.transport.echo --port N`: what conformance suites and load clients are pointed at.
"""

import argparse
import asyncio
import socket
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket

from gateway.transport.direct import DirectProtocol, Switchboard, connection_in, direct_classes
from generated import limits


class Echo:
    """Sends each message back to its client; reads no further while what it sent is not taken."""

    __slots__ = ("_connection", "_drained")

    def __init__(self, connection: DirectProtocol) -> None:
        """Serve this connection."""
        self._connection = connection
        self._drained: asyncio.Future[None] | None = None

    def received(self, text: str | None, /) -> Coroutine[Any, Any, None] | None:
        """Send a text message back."""
        if text is not None:
            self._connection.write((text.encode(),))
        return self._rest()

    def received_binary(self, message: bytes, /) -> Coroutine[Any, Any, None] | None:
        """Send a binary message back."""
        self._connection.write_binary(message)
        return self._rest()

    def _rest(self) -> Coroutine[Any, Any, None] | None:
        return None if self._connection.is_writable() else self._wait()

    async def _wait(self) -> None:
        while self._connection.is_open and not self._connection.is_writable():
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def stalled(self) -> None:
        """Take that the client does not read; when the connection ends nothing is waited for any more."""
        self._go_on()

    def writable(self) -> None:
        """Take that the client has taken everything."""
        self._go_on()

    def lost(self, code: int, /) -> None:
        """Take that the connection is over."""
        self._go_on()

    def _go_on(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None


def echo_app() -> FastAPI:
    """Return the application: one WebSocket route at `/`."""
    app = FastAPI(openapi_url=None)

    @app.websocket("/")
    async def echo(websocket: WebSocket) -> None:
        """Accept, and let go: the connection outlives this call."""
        connection = connection_in(websocket)
        await websocket.accept()
        connection.open(Echo(connection))

    return app


class EchoServer(uvicorn.Server):
    """uvicorn's server, which says where it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say where."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"Echo is up: ws://{shown}:{port}/\n")
            sys.stdout.flush()


def echo_config(switchboard: Switchboard, **settings: Any) -> uvicorn.Config:
    """Return uvicorn's configuration for the echo; `settings` are its own."""
    http, websocket = direct_classes(switchboard)
    values: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "lifespan": "off"}
    return uvicorn.Config(echo_app(), http=http, ws=websocket, **(values | settings))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m gateway.transport.echo", description="Send every message back.")
    parser.add_argument("--port", type=int, required=True, help="the port; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument(
        "--max-frame", type=int, default=limits.FRAME_BYTES, help="bytes of a message, at most (default: %(default)s)"
    )
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop", help="the event loop")
    parser.add_argument("--transport", choices=("direct",), default="direct", help="the transport")
    chosen = parser.parse_args(arguments)
    switchboard = Switchboard(max_message_bytes=chosen.max_frame, ping_interval=None)
    EchoServer(echo_config(switchboard, host=chosen.host, port=chosen.port, loop=chosen.loop)).run()


if __name__ == "__main__":
    main()
