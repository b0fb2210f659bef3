"""Crowd: subscribers of one stream in a process of their own, some of which never read. It knows no server.

Everybody's frames are compared octet by octet with the first one's of the same group, so that a thousand clients at 50
messages a second leave the machine to the server. Run by `crowd_of`; it takes its orders by lines on standard input.

As a program: `python -m tests.support.crowd`, with its `Order` as the first line of JSON. It says, a line of JSON each:
the ports of those that never read, once everybody is in; and a `Report` at the end.
"""

import asyncio
import json
import os
import select
import socket
import sys
import time
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

ROOT = Path(__file__).parent.parent.parent


class Order(TypedDict):
    """Whom to be: for each group the opening handshake, how many read, and how many never do."""

    port: int
    groups: dict[str, tuple[str, int, int]]
    receive_buffer: int
    """Bytes of the kernel's receive buffer of those that never read."""


class GroupReport(TypedDict):
    """What a group's members got: the first one's texts, how many of them each other got, and what differed."""

    texts: list[str]
    counts: list[int]
    stalled: list[tuple[int, int | None]]
    """Of each that never read until it was told to: how many texts it got, and its close code."""


class Report(TypedDict):
    """What came of it. Latencies in ms, from the `trade_id`'s nanoseconds to the read."""

    groups: dict[str, GroupReport]
    faults: list[str]
    p50_ms: float
    p99_ms: float


@dataclass
class _Group:
    texts: list[bytes] = field(default_factory=list)
    sent_ns: list[int] = field(default_factory=list)


class _Member:
    """One connection."""

    def __init__(self, port: int, group: _Group, handshake: str, receive_buffer: int | None) -> None:
        self.group = group
        self.next = 0
        self.code: int | None = None
        self.ended = False
        self.reads = receive_buffer is None
        self._tail = b""
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(("127.0.0.1", port))
        self.sock.sendall(handshake.encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.sock.recv(1)
        if not head.startswith(b"HTTP/1.1 101 "):
            raise RuntimeError(head.decode())
        self.sock.setblocking(False)

    def read(self, latencies: "array[float]", faults: list[str]) -> None:
        """Take what came; a fault is what no member of the group should get."""
        try:
            data = self.sock.recv(262_144)
        except ConnectionError:
            data = b""
        now = time.monotonic_ns()
        if not data:
            if self._tail:
                faults.append(f"{len(self._tail)} bytes of a frame that never ended")
            self.ended = True
            self.sock.close()  # which takes it out of the poll
            return
        data = self._tail + data
        at, end = 0, len(data)
        while end - at >= 2:
            first, length, start = data[at], data[at + 1], at + 2
            if length == 126:
                if end < at + 4:
                    break
                length, start = int.from_bytes(data[start : at + 4], "big"), at + 4
            elif length > 126:
                faults.append(f"no header of a frame: {data[at : at + 20]!r}")
                break
            stop = start + length
            if stop > end:
                break
            self._take(first, data[start:stop], now, latencies, faults)
            at = stop
        self._tail = data[at:]

    def _take(self, first: int, payload: bytes, now: int, latencies: "array[float]", faults: list[str]) -> None:
        if first == 0x89:
            self.sock.send(bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
        elif first == 0x88:
            self.code = int.from_bytes(payload[:2], "big")
        elif first != 0x81 or self.code is not None:
            faults.append(f"a frame that begins with {first:#x}, after the code {self.code}")
        else:
            group = self.group
            if self.next == len(group.texts):
                group.texts.append(payload)
                group.sent_ns.append(int(json.loads(payload).get("trade_id", "0")))
            elif group.texts[self.next] != payload:
                faults.append(f"{payload!r} came, {group.texts[self.next]!r} was due")
            if self.reads and group.sent_ns[self.next]:
                latencies.append((now - group.sent_ns[self.next]) / 1e6)
            self.next += 1


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def main() -> None:
    """Do as standard input says: the order, `read` (who never read, reads to its end), `wait GROUP COUNT`, `end`."""
    order: Order = json.loads(sys.stdin.readline())
    os.set_blocking(0, False)
    groups = {name: _Group() for name in order["groups"]}
    latencies: array[float] = array("d")
    faults: list[str] = []
    members: list[tuple[str, _Member]] = []
    for name, (handshake, reading, deaf) in order["groups"].items():
        for number in range(reading + deaf):
            room = None if number < reading else order["receive_buffer"]
            members.append((name, _Member(order["port"], groups[name], handshake, room)))
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    by_descriptor = {member.sock.fileno(): member for _, member in members}
    for descriptor, member in by_descriptor.items():
        if member.reads:
            poll.register(descriptor, select.EPOLLIN)
    print(json.dumps([member.sock.getsockname()[1] for _, member in members if not member.reads]), flush=True)  # noqa: T201
    wanted: dict[str, int] = {}
    told = b""
    ending = False
    while True:
        for descriptor, _ in poll.poll(0.2):
            if descriptor == 0:
                told += os.read(0, 65536) or b"end\n"
                while b"\n" in told:
                    line, _, told = told.partition(b"\n")
                    word, *rest = line.decode().split()
                    if word == "read":
                        for number, member in by_descriptor.items():
                            if not member.reads and not member.ended:
                                poll.register(number, select.EPOLLIN)
                    elif word == "wait":
                        wanted[rest[0]] = int(rest[1])
                    else:
                        ending = True
                continue
            member = by_descriptor[descriptor]
            member.read(latencies, faults)
        is_done = bool(wanted) and all(
            member.ended or (member.reads and member.next >= wanted[name]) for name, member in members
        )
        if is_done or ending:
            break
    report: Report = {
        "groups": {
            name: {
                "texts": [text.decode() for text in group.texts],
                "counts": [member.next for at, member in members if at == name and member.reads],
                "stalled": [(member.next, member.code) for at, member in members if at == name and not member.reads],
            }
            for name, group in groups.items()
        },
        "faults": faults[:20],
        "p50_ms": _percentile(latencies, 0.5),
        "p99_ms": _percentile(latencies, 0.99),
    }
    print(json.dumps(report), flush=True)  # noqa: T201


class Crowd:
    """The process, from the test's side."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take a process that was started."""
        self._process = process
        self.stalled_ports: list[int] = []
        """Of those that never read."""

    async def say(self, line: str) -> None:
        """Give an order."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def hear(self, seconds: float) -> Any:
        """Return what it says next."""
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            line = await self._process.stdout.readline()
        assert line, "the crowd failed"
        return json.loads(line)

    async def report(self, counts: dict[str, int]) -> Report:
        """Wait until each who reads has so many texts, and each who did not is ended; or fall short of it."""
        for group, count in counts.items():
            await self.say(f"wait {group} {count}")
        try:
            report: Report = await self.hear(20)
        except TimeoutError:
            await self.say("end")
            report = await self.hear(20)
        return report


@asynccontextmanager
async def crowd_of(order: Order) -> AsyncIterator[Crowd]:
    """Run a crowd whose every member is in when the block begins."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.crowd"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**28,
    )
    try:
        crowd = Crowd(process)
        await crowd.say(json.dumps(order))
        crowd.stalled_ports = await crowd.hear(60)
        yield crowd
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    main()
