"""Switchboard: what all connections of a server share, and the write that reaches many of them. It never knows what a
frame means.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Protocol

from gateway.telemetry import get_logger
from gateway.transport.frames import text_frames
from gateway.transport.stock import CLOSE_TIMEOUT
from gateway.transport.wheel import Cancellable, TimerWheel
from generated import limits


class Line(Protocol):
    """A connection, as far as a broadcast needs it."""

    def finish(self, rest: bytes) -> None:
        """Send what the system did not take; the connection is stalled where it is not taken now either."""
        ...

    def broken(self) -> None:
        """Take that the system refused a write for good."""
        ...


def _call_later(delay: float, callback: Callable[[], None]) -> Cancellable:
    return asyncio.get_running_loop().call_later(delay, callback)


class Switchboard:
    """The wheel, the open connections by descriptor, the counters and the settings of one server."""

    def __init__(
        self,
        *,
        max_message_bytes: int = limits.FRAME_BYTES,
        ping_interval: float | None = limits.PING_INTERVAL_MS / 1000,
        pong_timeout: float = limits.PONG_TIMEOUT_MS / 1000,
        handshake_timeout: float = limits.HANDSHAKE_MS / 1000,
        close_timeout: float = CLOSE_TIMEOUT,
        wheel: TimerWheel | None = None,
        draw: Callable[[], float] = random.random,
        random_bytes: Callable[[int], bytes] = os.urandom,
        write: Callable[[int, bytes], int] = os.write,
        refused: Callable[[int, str], None] = lambda status, code: None,
    ) -> None:
        """Start with no connection. Times are seconds; `ping_interval` None: no pings.

        `draw` gives a number in [0, 1), by which first pings are spread; `random_bytes` a ping's payload; `write` is
        the system's. `refused` takes the HTTP status and a code of each request that is refused before any endpoint.
        """
        self.max_message_bytes = max_message_bytes
        self.ping_interval = ping_interval
        self.pong_timeout = pong_timeout
        self.handshake_timeout = handshake_timeout
        self.close_timeout = close_timeout
        self.wheel = TimerWheel(time.monotonic, _call_later) if wheel is None else wheel  # an empty one is falsy
        self.draw = draw
        self.random_bytes = random_bytes
        self.os_write = write
        self._refused = refused
        self.lines: dict[int, Line] = {}
        """The open connections that may be written to directly. A connection leaves before its descriptor is closed."""
        self.connections = 0
        """WebSockets that are accepted and not over."""
        self.frames_out = 0
        """Frames that were written, by whomever; what is lost with a connection counts too."""
        self.pings_in = self.pongs_in = self.pings_out = 0

    def refused(self, client: str, status: int, code: str) -> None:
        """Log and count that a request was refused before there was an endpoint for it."""
        get_logger().info("refuse", client=client, status=status)
        self._refused(status, code)

    def broadcast(self, parts: Sequence[tuple[Sequence[int], Sequence[bytes]]]) -> None:
        """Send frames to descriptors: of each part every frame, as a text frame, to each of its descriptors.

        What a descriptor is sent goes out in one write, in the order of the parts; within a part no descriptor may
        come twice. The descriptors are those of open connections that are not stalled: whoever keeps such a sequence
        takes a connection out of it when its listener is told `stalled`, and may put it back when it is told
        `writable`. Listeners are told after the last write.
        """
        self.frames_out += sum(len(descriptors) * len(frames) for descriptors, frames in parts)
        if len(parts) == 1:
            descriptors, frames = parts[0]
            buffer = text_frames(frames)
            taken = self._write(descriptors, repeat(buffer))
            if taken.count(len(buffer)) != len(taken):
                self._mend(descriptors, repeat(buffer), taken)
            return
        # A write costs many times what finding out does that some are sent several parts.
        shares: dict[int, list[bytes]] = {}
        for descriptors, frames in parts:
            buffer = text_frames(frames)
            for descriptor in descriptors:
                if descriptor in shares:
                    shares[descriptor].append(buffer)
                else:
                    shares[descriptor] = [buffer]
        buffers = [share[0] if len(share) == 1 else b"".join(share) for share in shares.values()]
        taken = self._write(shares, buffers)
        if taken != list(map(len, buffers)):
            self._mend(shares, buffers, taken)

    def _write(self, descriptors: Iterable[int], buffers: Iterable[bytes]) -> list[int]:
        """Write its buffer to each descriptor; returns how much the system took, -1 where it refused for good."""
        taken: list[int] = []
        rest, each = iter(descriptors), iter(buffers)
        # What `map` and `extend` do is done without a line of Python for each client; `extend` keeps what was written
        # before an error, so what follows goes to the next one.
        while True:
            try:
                taken.extend(map(self.os_write, rest, each))
                return taken
            except BlockingIOError:
                taken.append(0)
            except OSError:
                taken.append(-1)

    def _mend(self, descriptors: Iterable[int], buffers: Iterable[bytes], taken: Sequence[int]) -> None:
        """See to those whose write was not whole; `taken` is what `_write` returned."""
        # Found first, told later: what a listener does may change the sequence and the registry.
        found: list[tuple[Line, bytes | None]] = []
        for descriptor, buffer, sent in zip(descriptors, buffers, taken, strict=False):
            if sent == len(buffer):
                continue
            line = self.lines.get(descriptor)
            if line is not None:
                found.append((line, None if sent < 0 else buffer[sent:]))
        for line, rest in found:
            try:
                if rest is None:
                    line.broken()
                else:
                    line.finish(rest)
            except Exception:
                get_logger().exception("a connection failed after a broadcast")
                line.broken()
