"""Shrinking: the shortest conversation that still fails, and the simplest values in it. It knows nothing of servers.

Whoever calls it says whether a conversation fails and what a simpler frame is.
"""

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from contract.forms import is_whole
from contract.model import Connect, Send, Step, Wait

__all__ = ["shortest", "simpler_values"]

Fails: TypeAlias = Callable[[Sequence[Step]], Awaitable[bool]]
_WAITS: Final = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0)  # what a wait is tried to be shortened to, seconds
_PLAIN: Final = "a"


async def shortest(
    steps: Sequence[Step], fails: Fails, simpler: Callable[[Send], Iterable[Send]], deadline: float
) -> tuple[Step, ...]:
    """Return the shortest conversation found that `fails`, given one that does.

    A socket's steps go only with its Connect, and none stays without it. Then frames are made simpler, by the first of
    `simpler` with which it still fails, again and again; so are waits shortened. It ends when nothing more can go, or
    when time.monotonic() is past `deadline`: a call of `fails` that runs then is waited for.
    """
    search = _Search(fails, deadline)
    best = tuple(steps)
    before: tuple[Step, ...] | None = None
    while best != before and not search.is_over:
        before = best
        best = await search.fewer(best)
        best = await search.shorter(best)
        best = await search.simpler(best, simpler)
    return best


class _Search:
    def __init__(self, fails: Fails, deadline: float) -> None:
        self._fails = fails
        self._deadline = deadline
        self._tried: dict[tuple[Step, ...], bool] = {}

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._deadline

    async def _still(self, steps: tuple[Step, ...]) -> bool:
        known = self._tried.get(steps)
        if known is None:
            if self.is_over:
                return False  # nobody knows: what is known to fail is kept
            known = self._tried[steps] = await self._fails(steps)
        return known

    async def fewer(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Leave steps out: whole sockets, then halves, quarters, ... and single ones."""
        steps = await self._sockets(steps)
        size = max(1, len(steps) // 2)
        while not self.is_over:
            # From the end: what fails often fails at the end, and what is before it only leads there; but that which
            # comes after the failure goes at once.
            start = len(steps) - size
            while start > -size and not self.is_over:
                gone = range(max(start, 0), min(start + size, len(steps)))
                rest = _sound(steps, gone)
                if len(rest) < len(steps) and rest and await self._still(rest):
                    steps = rest
                    start = min(start, len(steps)) - size
                else:
                    start -= size
            if size == 1:
                break
            size //= 2
        return steps

    async def _sockets(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        for socket in sorted({step.socket for step in steps}, reverse=True):
            rest = tuple(step for step in steps if step.socket != socket)
            if rest and len(rest) < len(steps) and await self._still(rest):
                steps = rest
        return steps

    async def shorter(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Shorten the waits."""
        for index, step in enumerate(steps):
            if isinstance(step, Wait):
                for seconds in _WAITS:
                    if seconds >= step.seconds:
                        break
                    other = (*steps[:index], replace(step, seconds=seconds), *steps[index + 1 :])
                    if await self._still(other):
                        steps = other
                        break
        return steps

    async def simpler(self, steps: tuple[Step, ...], simpler: Callable[[Send], Iterable[Send]]) -> tuple[Step, ...]:
        """Make the frames simpler, one after another."""
        for index in range(len(steps)):
            found = True
            while found and not self.is_over:
                found = False
                step = steps[index]
                if not isinstance(step, Send):
                    break
                for other in simpler(step):
                    if self.is_over:
                        break
                    changed = (*steps[:index], other, *steps[index + 1 :])
                    if changed != steps and self._tried.get(changed) is None and await self._still(changed):
                        steps = changed
                        found = True
                        break
        return steps


def _sound(steps: tuple[Step, ...], gone: range) -> tuple[Step, ...]:
    """Return a conversation without some steps, and without those that then have no connection."""
    rest: list[Step] = []
    open_: set[int] = set()
    had = {step.socket for step in steps if isinstance(step, Connect)}
    for index, step in enumerate(steps):
        if index in gone:
            continue
        if isinstance(step, Connect):
            open_.add(step.socket)
        elif step.socket in had and step.socket not in open_:
            continue
        rest.append(step)
    return tuple(rest)


def simpler_values(value: Any, fits: Callable[[Any], bool]) -> Iterator[Any]:
    """Yield simpler JSON values that `fits` takes, the most drastically simpler first.

    Each is simpler by one measure, so that whoever takes one and asks again comes to an end: fewer members and items,
    shorter strings, smaller and rounder numbers, plainer characters.
    """
    tried = {_key(value)}
    for other in _simpler(value):
        key = _key(other)
        if key not in tried:
            tried.add(key)
            if fits(other):
                yield other


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _simpler(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from _members(value)
    elif isinstance(value, list):
        yield from _items(value)
    elif isinstance(value, str):
        yield from _texts(value)
    elif isinstance(value, bool):
        if value:
            yield False
    elif isinstance(value, (int, float)):
        yield from _numbers(value)


def _members(value: dict[str, Any]) -> Iterator[Any]:
    names = list(value)
    if len(names) > 1:
        yield {}
    size = len(names) // 2
    while size >= 1:
        for start in range(0, len(names), size):
            gone = set(names[start : start + size])
            yield {name: member for name, member in value.items() if name not in gone}
        size //= 2
    for name, member in value.items():
        for other in _simpler(member):
            yield {**value, name: other}


def _items(value: list[Any]) -> Iterator[Any]:
    if len(value) > 1:
        yield []
    size = len(value) // 2
    while size >= 1:
        for start in range(0, len(value), size):
            yield value[:start] + value[start + size :]
        size //= 2
    if len(value) == 1:
        yield []
    for index, item in enumerate(value):
        for other in _simpler(item):
            yield [*value[:index], other, *value[index + 1 :]]


def _texts(value: str) -> Iterator[str]:
    if not value:
        return
    yield ""
    if value != _PLAIN:
        yield _PLAIN
    size = len(value) // 2
    while size >= 1:
        # A long string is cut at a few places only: each try is a conversation with a server.
        starts = range(0, len(value), size) if len(value) // size <= 32 else (0, len(value) // 2, len(value) - size)
        for start in starts:
            yield value[:start] + value[start + size :]
        size //= 2
    if value != _PLAIN * len(value):
        yield _PLAIN * len(value)
        half = len(value) // 2
        if half:
            yield _PLAIN * half + value[half:]
            yield value[:half] + _PLAIN * (len(value) - half)
        for index, character in enumerate(value[:64]):
            if character != _PLAIN:
                yield value[:index] + _PLAIN + value[index + 1 :]


def _numbers(value: int | float) -> Iterator[int | float]:
    every: list[int | float] = [0, 1, 2, 10]
    if isinstance(value, float):
        every += [int(value), round(value), round(value, 1), round(value, 2)]
    else:
        step = abs(value)
        while step > 1:
            step //= 2
            every.append(value - step if value > 0 else value + step)
    if value < 0:
        every.append(-value)
    for other in dict.fromkeys(every):
        if _size(other) < _size(value):
            yield other


def _size(value: int | float) -> tuple[bool, int, bool, int | float]:
    """Return how complicated a number is: whole ones and short ones come first, then small ones, and no minus."""
    fraction = not is_whole(value)
    return fraction, len(repr(value)) if fraction else 0, value < 0, abs(value)
