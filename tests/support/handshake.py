"""Handshake: an opening handshake written by hand, so that any header can be sent, and what comes of it."""

import asyncio
import json
import struct
from dataclasses import dataclass
from typing import Any

from tests.support.judge import Judge

BARS = "/api/v1/ws"
V1 = ("Sec-WebSocket-Protocol", "tapecast.v1")
PING = b'\x81\x8f\x00\x00\x00\x00{"type":"ping"}'


@dataclass(frozen=True)
class Outcome:
    """How a handshake ended: an HTTP status with its body, or 101 with the subprotocol and the close code, if any."""

    status: int
    body: dict[str, Any] | None = None
    subprotocol: str | None = None
    close: int | None = None


async def shake(
    port: int, *headers: tuple[str, str], path: str = BARS, query: str = "", judge: Judge | None = None
) -> Outcome:
    """Shake hands and send a ping; an accepted connection has `close` None where the ping was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [
            f"GET {path}{query} HTTP/1.1",
            "Host: tests",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(20):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            status = int(head.split(" ", 2)[1])
            if status != 101:
                raw = await reader.read()
                return Outcome(status, json.loads(raw) if raw.startswith(b"{") else None)
            echoed = [line for line in head.lower().split("\r\n") if line.startswith("sec-websocket-protocol:")]
            subprotocol = echoed[0].partition(":")[2].strip() if echoed else None
            writer.write(PING)
            first, length = await reader.readexactly(2)
            payload = await reader.readexactly(length)
            if first != 0x88:
                return Outcome(status, subprotocol=subprotocol)
            code: int = struct.unpack("!H", payload[:2])[0]
            (judge or Judge()).close(code, payload[2:].decode())
            return Outcome(status, subprotocol=subprotocol, close=code)
    finally:
        writer.transport.abort()
