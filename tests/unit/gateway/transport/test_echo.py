"""Echo: the program that conformance suites and load clients are pointed at."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import websockets


@asynccontextmanager
async def echo(*arguments: str) -> AsyncIterator[str]:
    """Run the program on a free port; yields the address that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.transport.echo", "--port", "0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        assert line.startswith("Echo is up: ws://127.0.0.1:")
        yield line.removeprefix("Echo is up: ").strip()
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_messages_of_every_size_come_back(loop: str) -> None:
    """Text and binary, empty and of 16 MiB, fragmented, and pings between them."""
    async with (
        echo("--max-frame", "16777216", "--loop", loop) as address,
        websockets.connect(address, max_size=None, compression=None) as client,
    ):
        for message in ("", "\u00e9", b"", b"\xff" * 126, "x" * 65536, b"z" * 2**24, "\u00e9" * 2**23):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["a", "b", "c"])
        assert await client.recv() == "abc"
        await (await client.ping())


async def test_the_limit_is_as_asked() -> None:
    """A message of more than the limit is closed with 1009."""
    async with echo("--max-frame", "10") as address, websockets.connect(address) as client:
        await client.send("0123456789")
        assert await client.recv() == "0123456789"
        await client.send("0123456789a")
        with pytest.raises(websockets.ConnectionClosedError):
            await client.recv()
        assert client.close_code == 1009


async def test_a_client_that_sends_and_never_reads_is_not_read_without_bound() -> None:
    """The echo stops to read where its answers are not taken, and goes on where they are."""
    async with (
        echo("--max-frame", "16777216") as address,
        websockets.connect(address, max_size=None, max_queue=1, compression=None) as client,
    ):
        message = b"x" * 2**20
        sent = 0

        async def send() -> None:
            nonlocal sent
            for _ in range(64):
                await client.send(message)
                sent += 1

        task = asyncio.create_task(send())
        done, _ = await asyncio.wait({task}, timeout=1)
        assert not done
        assert sent < 64
        for _ in range(64):
            assert await client.recv() == message
        await task
