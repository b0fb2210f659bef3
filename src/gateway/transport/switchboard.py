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
            self._write(descriptors, text_frames(frames), None)
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
        self._write(list(shares), b"", buffers)

    def _write(self, descriptors: Sequence[int], shared: bytes, buffers: Sequence[bytes] | None) -> None:
        """Write to each descriptor what is for all of them; with `buffers` what stands at its place there."""
        taken: list[int] = []
        rest = iter(descriptors)
        each = repeat(shared) if buffers is None else iter(buffers)
        # What `map` and `extend` do is done without a line of Python for each client; `extend` keeps what was written
        # before an error, so its length tells whose write failed.
        failed = False
        while True:
            try:
                taken.extend(map(self.os_write, rest, each))
                break
            except BlockingIOError:
                failed = True
                taken.append(0)
            except OSError:
                failed = True
                taken.append(-1)
        if not failed:
            if buffers is None:
                if taken.count(len(shared)) == len(taken):
                    return
            elif taken == list(map(len, buffers)):
                return
        self._mend(descriptors, repeat(shared) if buffers is None else buffers, taken)

    def _mend(self, descriptors: Sequence[int], buffers: Iterable[bytes], taken: Sequence[int]) -> None:
        """See to those whose write was not whole; -1 in `taken` is one that the system refused for good."""
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
