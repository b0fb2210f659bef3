"""Common: what the servers in Python have in common. It knows none of them."""

import asyncio
import gc
import resource
import sys
from collections.abc import Awaitable, Callable

from bench.control import Pacer


def prepare() -> None:
    """Raise the limit of open files, and leave what was imported to no garbage collection."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.collect()
    gc.freeze()


def announce(port: int) -> None:
    """Tell the bench where the server listens."""
    sys.stdout.write(f"port {port}\n")
    sys.stdout.flush()


async def drive(pacer: Pacer, publish: Callable[[int, int, int], None]) -> None:
    """Publish until cancelled, by a function of what `Pacer.next` says of a message."""
    while True:
        count, wait = pacer.turn()
        for _ in range(count):
            publish(*pacer.next())
        await asyncio.sleep(wait)


async def drive_async(pacer: Pacer, publish: Callable[[int, int, int], Awaitable[None]]) -> None:
    """Publish until cancelled, by a function of what `Pacer.next` says of a message, which waits for what it writes."""
    while True:
        count, wait = pacer.turn()
        for _ in range(count):
            await publish(*pacer.next())
        await asyncio.sleep(wait)
