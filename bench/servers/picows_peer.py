"""picows: a WebSocket library in Cython, on uvloop. One `send` for each client of bytes that were encoded once."""

import asyncio
import importlib
import sys
from typing import Any

import uvloop

from bench.control import Pacer, open_page
from bench.messages import ACK, encode, message, subscribed_topic
from bench.servers.common import announce, drive, prepare


async def run(control: str) -> None:
    """Serve until the process ends."""
    picows = importlib.import_module("picows")  # by name: it is not installed everywhere, and types need not know it
    text_frame, ack = picows.WSMsgType.TEXT, ACK.encode()
    readers: dict[int, dict[Any, None]] = {}

    def publish(number: int, topic: int, stamp: int) -> None:
        payload = encode(message(number, topic, stamp)).encode()
        for transport in readers.get(topic, ()):
            transport.send(text_frame, payload)

    def on_ws_frame(self: Any, transport: Any, frame: Any) -> None:
        if frame.msg_type == text_frame:
            readers.setdefault(subscribed_topic(frame.get_payload_as_bytes()), {})[transport] = None
            transport.send(text_frame, ack)
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self: Any, transport: Any) -> None:
        for transports in readers.values():
            transports.pop(transport, None)

    members = {"on_ws_frame": on_ws_frame, "on_ws_disconnected": on_ws_disconnected}
    listener = type("Listener", (picows.WSListener,), members)
    server: asyncio.Server = await picows.ws_create_server(lambda request: listener(), "127.0.0.1", 0, backlog=2048)
    prepare()
    announce(server.sockets[0].getsockname()[1])
    await drive(Pacer(open_page(control)), publish)


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1]))
