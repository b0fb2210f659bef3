"""Wheel: calls come when they are due, once, and nothing runs where nothing is to come."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transport.wheel import TICK, TimerWheel
from tests.support.clock import VirtualClock

SLACK = 1e-6


def wheel_of(clock: VirtualClock) -> TimerWheel:
    """Return a wheel on virtual time."""
    return TimerWheel(clock.monotonic, clock.call_later)


async def test_a_call_is_never_early_and_a_tick_late_at_most() -> None:
    """A thousand calls of any delay come in time, each once."""
    clock = VirtualClock()
    wheel = wheel_of(clock)
    draw = random.Random(7)
    ran: list[tuple[float, float]] = []
    for _ in range(1000):
        due = clock.monotonic() + draw.random() * 30

        def call(due: float = due) -> None:
            ran.append((due, clock.monotonic()))

        wheel.schedule(due - clock.monotonic(), call)
        if draw.random() < 0.05:
            await clock.advance(draw.random())
    await clock.advance(40)
    assert len(ran) == 1000
    assert all(-SLACK <= at - due <= TICK + 0.001 + SLACK for due, at in ran)


async def test_nothing_runs_while_nothing_is_to_come() -> None:
    """The event loop has one timer while something is due, however much it is, and none otherwise."""
    clock = VirtualClock()
    wheel = wheel_of(clock)
    assert clock.pending == 0
    timers = [wheel.schedule(5 + number, lambda: None) for number in range(50)]
    assert clock.pending == 1
    assert len(wheel) == 50
    for timer in timers[1:]:
        timer.cancel()
    assert clock.pending == 1
    timers[0].cancel()
    assert clock.pending == 0
    assert len(wheel) == 0
    wheel.schedule(1, lambda: None)
    await clock.advance(2)
    assert clock.pending == 0


async def test_the_wheel_sleeps_until_something_is_due() -> None:
    """A deadline of an hour costs no wake-up before it."""
    clock = VirtualClock()
    wakes = 0

    def call_later(delay: float, callback: object) -> object:
        nonlocal wakes
        wakes += 1
        return clock.call_later(delay, callback)  # type: ignore[arg-type]  # a pass-through

    wheel = TimerWheel(clock.monotonic, call_later)  # type: ignore[arg-type]  # as above
    wheel.schedule(3600, lambda: None)
    await clock.advance(3601)
    assert wakes == 1


async def test_what_is_called_off_never_runs() -> None:
    """Also when it is called off by another call of the same moment, and by itself, and twice."""
    clock = VirtualClock()
    wheel = wheel_of(clock)
    ran: list[str] = []
    second = wheel.schedule(1, lambda: ran.append("second"))

    def call_off() -> None:
        ran.append("first")
        second.cancel()
        first.cancel()

    first = wheel.schedule(0.5, call_off)
    third = wheel.schedule(1, lambda: ran.append("third"))
    await clock.advance(2)
    assert ran == ["first", "third"]
    third.cancel()
    second.cancel()
    assert len(wheel) == 0


async def test_a_call_that_raises_harms_no_other() -> None:
    """The calls of the same tick and the later ones still come."""
    clock = VirtualClock()
    wheel = wheel_of(clock)
    ran: list[int] = []

    def fail() -> None:
        raise ValueError

    wheel.schedule(1, fail)
    wheel.schedule(1, lambda: ran.append(1))
    wheel.schedule(2, lambda: ran.append(2))
    await clock.advance(3)
    assert ran == [1, 2]


async def test_a_call_may_schedule_the_next() -> None:
    """A call that asks for another keeps its pace, and a nearer deadline comes before a farther one."""
    clock = VirtualClock()
    wheel = wheel_of(clock)
    times: list[float] = []

    def again() -> None:
        times.append(clock.monotonic())
        if len(times) < 5:
            wheel.schedule(1, again)

    wheel.schedule(100, lambda: None)
    wheel.schedule(1, again)
    await clock.advance(10)
    assert times == pytest.approx([1, 2, 3, 4, 5], abs=5 * TICK)
    assert len(wheel) == 1


async def test_a_flood_of_deadlines_that_are_called_off_leaves_nothing() -> None:
    """Connections that come and go don't pile up their deadlines until these would be due."""
    clock = VirtualClock()
    wheel = wheel_of(clock)
    wheel.schedule(1000, lambda: None)
    for _ in range(20_000):
        wheel.schedule(500, lambda: None).cancel()
    assert sum(map(len, wheel._slots.values())) <= 2000
    assert len(wheel) == 1


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=30))
async def test_exactly_what_was_not_called_off_runs(plan: list[tuple[float, bool]]) -> None:
    """Whatever is scheduled and called off, in whatever order."""
    clock = VirtualClock()
    wheel = wheel_of(clock)
    ran: list[int] = []
    timers = [wheel.schedule(delay, lambda number=number: ran.append(number)) for number, (delay, _) in enumerate(plan)]  # type: ignore[misc]  # mypy can't see the default
    for timer, (_, kept) in zip(timers, plan, strict=True):
        if not kept:
            timer.cancel()
    await clock.advance(21)
    assert sorted(ran) == [number for number, (_, kept) in enumerate(plan) if kept]
    assert not any(timer.pending for timer in timers)
    assert clock.pending == 0
