"""uWebSockets through socketify: topics and `publish`, which joins a turn's messages, all of it in C++.

It runs on libuv's loop alone, without socketify's asyncio loop beside it, which would poll without a pause.
"""

import importlib
import math
import socket
import sys
from typing import Any

from bench.control import Pacer, open_page
from bench.messages import ACK, encode, message, subscribed_topic, topic_name
from bench.servers.common import announce, prepare


def free_port() -> int:
    """Return a port that is free now: socketify can't say which one it took."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def main() -> None:
    """Serve until the process ends."""
    socketify = importlib.import_module("socketify")  # by name: it is not installed everywhere
    pacer = Pacer(open_page(sys.argv[1]), all_due=True)
    text = socketify.OpCode.TEXT
    app = socketify.App(lifespan=False)
    timers: list[Any] = []

    def on_message(websocket: Any, received: str | bytes, opcode: Any) -> None:
        websocket.subscribe(topic_name(subscribed_topic(received)))
        websocket.send(ACK, text)

    def turn(_: Any) -> None:
        count, wait = pacer.turn()
        for _ in range(count):
            number, topic, stamp = pacer.next()
            app.publish(topic_name(topic), encode(message(number, topic, stamp)), text)
        # Not 0: such a timer runs again at once, in the same turn of the loop.
        timers[:] = [app.loop.uv_loop.create_timer(max(1, math.ceil(wait * 1000)), 0, turn, None)]

    app.ws(
        "/ws",
        {
            "compression": socketify.CompressOptions.DISABLED,
            "max_payload_length": 16 * 1024,
            "idle_timeout": 120,
            "message": on_message,
        },
    )
    port = free_port()
    app.listen(socketify.AppListenOptions(port=port, host="127.0.0.1"), lambda config: None)
    prepare()
    announce(port)
    turn(None)
    app.loop.uv_loop.run()


if __name__ == "__main__":
    main()
