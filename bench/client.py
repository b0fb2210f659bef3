"""The generated Python client's speed: frames a second, received and decoded into typed messages, on one core.

`python -m bench.client` has a child process write frames as fast as TCP takes them, and reads them in turn by plain
`websockets` with `json.loads`, by `websockets` with the same models, by picows with `json.loads`, and by the client,
iterated over. Each gets the same frames; the best of several runs counts. It knows no server of ours.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final, TypeAlias

import picows
from websockets.asyncio.client import connect

from bench.machine import processor
from tapecast_client import Client, models

_PATH: Final = "/api/v1/cache/ws/trades/sim"
_BATCH: Final = 500  # frames in one write
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Reader: TypeAlias = Callable[[str, int], Awaitable[None]]
"""Reads so many frames from a server."""


def trade(seq: int) -> bytes:
    """Return a trade as the server writes it."""
    frame: dict[str, str | int | float] = {
        "type": "trade",
        "exchange": "sim",
        "symbol": "BTC/USDT",
        "trade_id": str(1793325600123000 + seq),
        "timestamp": 1793325600123,
        "price": 65012.37,
        "volume": 0.0123,
        "side": "buy",
        "seq": seq,
        "prev": seq - 1,
    }
    return json.dumps(frame, separators=(",", ":")).encode()


def ready() -> bytes:
    """Return the first frame."""
    limits = ("frame_bytes", "frames_per_second", "frames_burst", "outbox_bytes", "outbox_age_ms")
    bounds = dict.fromkeys((*limits, "ring_frames", "ring_age_ms"), 1)
    return json.dumps({"type": "ready", "epoch": "e", "seq": 0, "recovered": False, "limits": bounds}).encode()


def framed(payload: bytes) -> bytes:
    """Return a text frame."""
    size = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + payload


def serve(count: int, ports: "Queue[int]") -> None:
    """Send every client `ready` and then so many trades, in a process of its own."""
    body = [framed(ready())] + [
        b"".join(framed(trade(seq)) for seq in range(first, min(first + _BATCH, count + 1)))
        for first in range(1, count + 1, _BATCH)
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports.put(listener.getsockname()[1])
        while True:
            connection, _ = listener.accept()
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(4096)
                lines = [line.partition(b": ") for line in head.split(b"\r\n")]
                key = next(value for name, _, value in lines if name.lower() == b"sec-websocket-key")
                accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
                upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                try:
                    connection.sendall(upgrade + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                    for part in body:
                        connection.sendall(part)
                    connection.recv(1)
                except OSError:
                    pass  # it has read enough


async def by_websockets(url: str, count: int) -> None:
    """Read with `websockets` and `json.loads`."""
    async with connect(url + _PATH, compression=None) as connection:
        await connection.recv()
        for _ in range(count):
            json.loads(await connection.recv())


async def by_websockets_typed(url: str, count: int) -> None:
    """Read with `websockets` and the model."""
    async with connect(url + _PATH, compression=None) as connection:
        await connection.recv()
        for _ in range(count):
            models.Trade.model_validate_json(await connection.recv(decode=False))


async def by_picows(url: str, count: int) -> None:
    """Read with picows and `json.loads`, in its callback."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Listener(picows.WSListener):
        seen = 0

        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            """Decode a frame."""
            json.loads(frame.get_payload_as_bytes())
            self.seen += 1
            if self.seen == count + 1:
                done.set_result(None)

    transport, _ = await picows.ws_connect(Listener, url + _PATH)
    try:
        await done
    finally:
        transport.disconnect(graceful=False)


async def by_client(url: str, count: int) -> None:
    """Read with the client: typed messages, positions followed, iterated over."""
    async with Client(url, token="a.b.c").exchange_trades(exchange="sim") as trades:
        await anext(trades)
        left = count
        async for _ in trades:
            left -= 1
            if not left:
                break
        assert trades.counts.gaps == trades.counts.undeclared == 0


READERS: Final[Mapping[str, Reader]] = {
    "websockets + json.loads": by_websockets,
    "websockets + the model": by_websockets_typed,
    "picows + json.loads, in a callback": by_picows,
    "the generated client, iterated over": by_client,
}


def main() -> int:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ports: Queue[int] = context.Queue()
    server = context.Process(target=serve, args=(options.frames, ports), daemon=True)
    server.start()
    url = f"ws://127.0.0.1:{ports.get(timeout=60)}"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    write(
        f"{options.frames} trades of {len(trade(90211))} bytes, best of {options.runs}; one core of {describe_core()}"
    )
    write(f"{'':<38} {'frames/s':>10} {'of CPU time':>12}")
    try:
        for title, read in READERS.items():
            taken = [asyncio.run(timed(read, url, options.frames)) for _ in range(options.runs)]
            wall, cpu = (options.frames / min(column) for column in zip(*taken, strict=True))
            write(f"{title:<38} {wall:>10,.0f} {cpu:>12,.0f}")
    finally:
        server.terminate()
    return 0


async def timed(read: Reader, url: str, count: int) -> tuple[float, float]:
    """Return the seconds of the wall clock, and of this process's CPU, that reading took."""
    wall, cpu = time.perf_counter(), time.process_time()
    await read(url, count)
    return time.perf_counter() - wall, time.process_time() - cpu


def describe_core() -> str:
    """Return what it runs on."""
    info = Path("/proc/cpuinfo")
    return processor(info.read_text()) if info.exists() else processor("")


def write(text: str) -> None:
    """Print a line now."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
