"""The virtual clock keeps the promises of a clock."""

import asyncio

import pytest

from streaming.clock import Clock
from tests.support.clock import VirtualClock


async def test_waits_end_in_order_each_at_its_own_moment() -> None:
    """An advance ends every wait on its way, in order of time, and shows each its own time."""
    clock: Clock = VirtualClock(start_ms=1_000)
    seen: list[tuple[str, float, int]] = []

    async def wait(name: str, *seconds: float) -> None:
        for one in seconds:
            await clock.sleep(one)
            seen.append((name, clock.monotonic(), clock.now_ms()))

    assert isinstance(clock, VirtualClock)
    async with asyncio.TaskGroup() as group:
        group.create_task(wait("a", 1.0, 2.0))
        group.create_task(wait("b", 2.0, 0.5))
        await clock.advance(10)
    assert seen == [("a", 1.0, 2_000), ("b", 2.0, 3_000), ("b", 2.5, 3_500), ("a", 3.0, 4_000)]
    assert clock.monotonic() == 10
    assert clock.pending == 0


async def test_time_stands_still_by_itself() -> None:
    """Without an advance no wait ends."""
    clock = VirtualClock()
    task = asyncio.create_task(clock.sleep(0.001))
    await clock.advance(0)
    assert not task.done()
    assert clock.pending == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.pending == 0


async def test_a_cancelled_timer_makes_no_call() -> None:
    """A timer that was called off never calls; one that wasn't calls once."""
    clock = VirtualClock()
    called: list[str] = []
    clock.call_later(1, lambda: called.append("off")).cancel()
    timer = clock.call_later(1, lambda: called.append("on"))
    await clock.advance(1)
    timer.cancel()
    await clock.advance(1)
    assert called == ["on"]


async def test_auto_mode_passes_years_at_once() -> None:
    """With `auto` a sleep moves the time itself, and several sleepers keep their order."""
    clock = VirtualClock(auto=True)
    order: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        order.append(name)

    await asyncio.gather(wait("year", 365 * 86_400), wait("day", 86_400), wait("none", 0))
    assert order == ["none", "day", "year"]
    assert clock.monotonic() == 365 * 86_400
