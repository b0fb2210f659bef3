"""The websockets library: its own server on uvloop, and `broadcast` for each message."""

import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.control import Pacer, open_page
from bench.messages import ACK, encode, message, subscribed_topic
from bench.servers.common import announce, drive, prepare


async def run(control: str) -> None:
    """Serve until the process ends."""
    readers: dict[int, set[ServerConnection]] = {}

    def publish(number: int, topic: int, stamp: int) -> None:
        broadcast(readers.get(topic, ()), encode(message(number, topic, stamp)))

    async def handle(connection: ServerConnection) -> None:
        mine: list[int] = []
        try:
            async for text in connection:
                topic = subscribed_topic(text)
                readers.setdefault(topic, set()).add(connection)
                mine.append(topic)
                await connection.send(ACK)
        finally:
            for topic in mine:
                readers[topic].discard(connection)

    async with serve(handle, "127.0.0.1", 0, compression=None, backlog=2048) as server:
        prepare()
        announce(next(iter(server.sockets)).getsockname()[1])
        await drive(Pacer(open_page(control)), publish)


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1]))
