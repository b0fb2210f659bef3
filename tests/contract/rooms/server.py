"""Server: the rooms server over plain WebSockets, right or as one of the mutants. It knows no rule of the protocol.

`python -m tests.contract.rooms.server --port 0 --secret S [--mutant NAME]` prints its address and runs until killed.
"""

import argparse
import asyncio
import functools
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import yaml
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response
from websockets.typing import Subprotocol

from tests.contract.rooms import door, mutants
from tests.contract.rooms.door import Door, Entry, Refused
from tests.contract.rooms.house import TICK_S, Json
from tests.contract.rooms.lines import FloorLine, HouseLine, Judge, Line
from tests.contract.rooms.parts import Parts

DOCUMENT = Path(__file__).with_name("asyncapi.yaml")
SECRET = "the secret of the rooms, long enough for HS256"
MOST_BYTES = 65_536

token = door.token


@functools.cache
def _text() -> str:
    return json.dumps(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))


def load() -> Json:
    """Return the document as plain JSON, a copy that the caller may change."""
    return json.loads(_text())


@dataclass(frozen=True)
class WebSocket:
    """A connection of `websockets`, as a line wants it."""

    connection: ServerConnection

    async def send(self, message: str | bytes, /) -> None:
        """Send a frame."""
        await self.connection.send(message)

    async def close(self, code: int, reason: str, /) -> None:
        """Close, and wait for the client's answer."""
        await self.connection.close(code, reason)

    def abort(self) -> None:
        """Cut the TCP connection."""
        self.connection.transport.abort()


class Server:
    """One server: its house, its door, and who makes its lines."""

    def __init__(self, parts: Parts, secret: str) -> None:
        document = load()
        parts.edit(document)
        self._house = parts.house()
        self._door: Door = parts.door(secret)
        self._kinds: Mapping[str, type[Line]] = {"house": parts.house_line, "floor": parts.floor_line}
        self._judges = {
            name: Judge(document, name, kind.tag, kind.schema_of_ids)
            for name, kind in (("house", HouseLine), ("floor", FloorLine))
        }
        self._entries: dict[ServerConnection, Entry] = {}

    def let_in(self, connection: ServerConnection, request: HttpRequest) -> Response | None:
        """Refuse a handshake, or note what it is let in to."""
        stated = request.headers.get_all("Authorization")
        try:
            if len(stated) > 1:
                raise Refused(401, "Send one token.")
            self._entries[connection] = self._door.check(request.path, stated[0] if stated else None)
        except Refused as refused:
            return connection.respond(HTTPStatus(refused.status), refused.text + "\n")
        return None

    def choose(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """Choose a subprotocol."""
        chosen = self._door.subprotocol(self._entries[connection].channel, offered)
        return Subprotocol(chosen) if chosen is not None else None

    async def run(self, connection: ServerConnection) -> None:
        """Run a connection to its end."""
        entry = self._entries.pop(connection)
        kind = self._kinds[entry.channel]
        line = kind(WebSocket(connection), entry, self._house, self._door, self._judges[entry.channel])
        line.begin()
        tasks = [asyncio.create_task(work) for work in (line.write(), line.expire(), line.pace())]
        try:
            async for data in connection:
                line.receive(data)
        except ConnectionClosed:
            pass  # the client went without a word
        finally:
            line.end()
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, ConnectionClosed):
                    raise result

    async def tick(self, tick_s: float) -> None:
        """Let the time go on."""
        while True:
            await asyncio.sleep(tick_s)
            self._house.tick()


@asynccontextmanager
async def serving(
    mutant: str | None = None, secret: str = SECRET, port: int = 0, tick_s: float = TICK_S
) -> AsyncIterator[str]:
    """Run a server in this event loop; gives its address, `ws://127.0.0.1:PORT`.

    `tick_s` is the time between two ticks of a room, in seconds. Raises KeyError for a mutant that isn't there.
    """
    parts = mutants.MUTANTS[mutant].parts if mutant is not None else Parts()
    server = Server(parts, secret)
    async with serve(
        server.run,
        "127.0.0.1",
        port,
        process_request=server.let_in,
        select_subprotocol=server.choose,
        max_size=MOST_BYTES,
        compression=None,
        ping_interval=None,
        close_timeout=1,
    ) as listening:
        ticking = asyncio.create_task(server.tick(tick_s))
        try:
            number = next(iter(listening.sockets)).getsockname()[1]
            yield f"ws://127.0.0.1:{number}"
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking


async def _run(mutant: str | None, secret: str, port: int) -> None:
    async with serving(mutant, secret, port) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Run a server until it is killed."""
    parser = argparse.ArgumentParser(description="The rooms server, for tests.")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--secret", default=SECRET, help="what tokens are signed with")
    parser.add_argument("--mutant", choices=sorted(mutants.MUTANTS), help="which fault it is to have")
    args = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(args.mutant, args.secret, args.port))


if __name__ == "__main__":
    main()
