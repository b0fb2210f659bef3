"""Proxy: stands before the real server and passes everything on, but for what one mutant falsifies.

Run it by `python -m tests.contract.tape.proxy --upstream ws://127.0.0.1:8000 --mutant NAME --port 0`; it prints its
address, `ws://127.0.0.1:PORT`. It knows no rule of the document.
"""

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import click
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from tests.contract.tape.faults import REASONS
from tests.contract.tape.line import V1, Fault, Line, Refused, Shake, World, write
from tests.contract.tape.mutants import MUTANTS
from tests.contract.tape.tokens import SECRET

_HANDSHAKE = frozenset({"host", "upgrade", "connection", "content-length"})


class _Caller(ClientProtocol):
    """A handshake that asks for exactly what the proxy's client asked for, and takes whatever is chosen."""

    def __init__(self, uri: WebSocketURI, shake: Shake) -> None:
        super().__init__(uri, max_size=None)
        self._shake = shake

    def connect(self) -> Request:
        headers = super().connect().headers
        for name, value in self._shake.headers:
            headers[name] = value
        if self._shake.offered:
            headers["Sec-WebSocket-Protocol"] = ", ".join(self._shake.offered)
        return Request(self._shake.target, headers)

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        chosen = headers.get("Sec-WebSocket-Protocol")
        return None if chosen is None else Subprotocol(chosen)


def _shake_of(request: Request) -> Shake:
    kept: list[tuple[str, str]] = []
    offered: list[str] = []
    for name, value in request.headers.raw_items():
        if name.lower() == "sec-websocket-protocol":
            offered.extend(part.strip() for part in value.split(",") if part.strip())
        elif name.lower() not in _HANDSHAKE and not name.lower().startswith("sec-websocket-"):
            kept.append((name, value))
    return Shake(request.path, tuple(kept), tuple(offered))


async def _call(host: str, port: int, shake: Shake) -> ClientConnection:
    """Return an open connection to the real server. Raises InvalidHandshake and OSError."""
    uri = WebSocketURI(False, host, port, shake.path, "")
    _, connection = await asyncio.get_running_loop().create_connection(
        lambda: ClientConnection(_Caller(uri, shake), ping_interval=None, close_timeout=2, max_queue=None), host, port
    )
    try:
        await connection.handshake(None, None)
    except BaseException:
        connection.transport.abort()
        raise
    return connection


def _fetch(host: str, port: int, request: Request) -> Response:
    """Return the real server's answer to what is no handshake."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.putrequest("GET", request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.raw_items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() != "transfer-encoding"]
        return _response(answer.status, answer.reason, Headers(kept), body)
    finally:
        connection.close()


def _response(status: int, reason: str, headers: Headers, body: bytes) -> Response:
    for name, value in (("Content-Length", str(len(body))), ("Connection", "close")):
        with suppress(KeyError):
            del headers[name]
        headers[name] = value
    return Response(status, reason, headers, body)


class Proxy:
    """A server that passes on to the one at `host` and `port`, and does to each connection what the mutant does."""

    def __init__(self, mutant: str | None, host: str, port: int, secret: str) -> None:
        """Break what the mutant of this name breaks; None: nothing. Raises KeyError where there is none of the name."""
        self._make = Fault if mutant is None else MUTANTS[mutant].fault
        self._host, self._port = host, port
        self._world = World(secret)
        self._faults: dict[ServerConnection, Fault] = {}
        self._refused: dict[ServerConnection, Refused] = {}

    async def ask(self, client: ServerConnection, request: Request) -> Response | None:
        """Shake hands with the real server on the client's behalf; returns its refusal, if it refuses."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return await asyncio.to_thread(_fetch, self._host, self._port, request)
        line = Line(_shake_of(request), self._world)
        fault = self._make(line)
        refused = fault.refuse(line.shake)
        if refused is not None:
            if line.speaks_v1:
                self._refused[client] = refused
                return None
            body = write({"code": refused.code, "message": "The handshake is refused."}).encode()
            return _response(refused.status, "Refused", Headers({"Content-Type": "application/json"}), body)
        try:
            line.server = await _call(self._host, self._port, fault.ask(line.shake))
        except InvalidStatus as refusal:
            answer = refusal.response
            return _response(answer.status_code, answer.reason_phrase, answer.headers, bytes(answer.body or b""))
        except (InvalidHandshake, OSError) as error:
            return _response(502, "Bad Gateway", Headers(), str(error).encode())
        line.client = client
        self._faults[client] = fault
        return None

    def answer(self, client: ServerConnection, request: Request, response: Response) -> None:
        """Put the chosen subprotocol into the answer; let go of the real server where there is no connection."""
        del request
        fault = self._faults.get(client)
        chosen = V1 if client in self._refused else None
        if fault is not None:
            assert fault.line.server is not None
            chosen = fault.choose(fault.line.server.subprotocol)
            if response.status_code != 101:
                fault.line.server.transport.abort()
                del self._faults[client]
        if response.status_code == 101 and chosen is not None:
            response.headers["Sec-WebSocket-Protocol"] = chosen

    async def carry(self, client: ServerConnection) -> None:
        """Pass frames on both ways until one side ends."""
        refused = self._refused.pop(client, None)
        if refused is not None:
            await client.close(refused.close, REASONS[refused.close])
            return
        fault = self._faults.pop(client)
        line = fault.line
        self._world.lines.add(line)
        try:
            await fault.begin()
            await asyncio.gather(self._forth(client, fault), self._back(fault))
        finally:
            self._world.lines.discard(line)
            line.end()
            assert line.server is not None
            line.server.transport.abort()

    async def _forth(self, client: ServerConnection, fault: Fault) -> None:
        server = fault.line.server
        assert server is not None
        try:
            while True:
                await fault.from_client(await client.recv())
        except ConnectionClosed as closed:
            if closed.rcvd is None or closed.rcvd.code == 1005:
                server.transport.abort()
            else:
                await server.close(closed.rcvd.code, closed.rcvd.reason)

    async def _back(self, fault: Fault) -> None:
        server = fault.line.server
        assert server is not None
        try:
            while True:
                await fault.from_server(await server.recv())
        except ConnectionClosed as closed:
            if closed.rcvd is None:
                await fault.ended(None, "")
            else:
                await fault.ended(closed.rcvd.code, closed.rcvd.reason)


@asynccontextmanager
async def serving(
    mutant: str | None, upstream: str, *, secret: str = SECRET, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve the mutant, or with None the real server as it is, and yield the address: `ws://127.0.0.1:PORT`.

    `upstream` is the real server's address, `secret` the HS256 secret of its tokens. Raises KeyError where there is no
    such mutant.
    """
    address = urlsplit(upstream)
    assert address.hostname is not None
    assert address.port is not None
    proxy = Proxy(mutant, address.hostname, address.port, secret)
    server = await serve(
        proxy.carry,
        host,
        port,
        process_request=proxy.ask,
        process_response=proxy.answer,
        server_header=None,
        compression=None,
        ping_interval=None,
        close_timeout=2,
        max_size=None,
        max_queue=None,
    )
    try:
        yield f"ws://{host}:{next(iter(server.sockets)).getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@click.command()
@click.option("--upstream", required=True, help="The real server's address, such as ws://127.0.0.1:8000.")
@click.option(
    "--mutant", type=click.Choice(sorted(MUTANTS)), metavar="NAME", help="What to falsify; without it, nothing."
)
@click.option("--port", default=0, help="The port to listen on; 0 takes a free one.")
@click.option("--secret", default=SECRET, help="The HS256 secret of the real server's tokens.")
def main(upstream: str, mutant: str | None, port: int, secret: str) -> None:
    """Serve a mutant of the real server until it is interrupted."""

    async def run() -> None:
        async with serving(mutant, upstream, secret=secret, port=port) as address:
            click.echo(address)
            await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())


if __name__ == "__main__":
    main()
