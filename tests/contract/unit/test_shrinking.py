"""Shrinking: the shortest conversation is found, it is found again, and the time is kept."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from contract.model import Close, Connect, Send, Step, Wait
from contract.shrinking import shortest, simpler_values


def sends(*texts: str, socket: int = 0) -> list[Step]:
    """Return steps that send texts."""
    return [Send(text, socket=socket) for text in texts]


def unchanged(_: Send) -> Iterable[Send]:
    """Know no simpler frame."""
    return ()


def far() -> float:
    """Return a deadline that is never reached."""
    return time.monotonic() + 60


class Server:
    """Fails as a test wants it, and counts."""

    def __init__(self, fails: Callable[[Sequence[Step]], bool]) -> None:
        self._fails = fails
        self.asked: list[tuple[Step, ...]] = []

    async def __call__(self, steps: Sequence[Step]) -> bool:
        await asyncio.sleep(0)
        open_: set[int] = set()
        for step in steps:
            if isinstance(step, Connect):
                open_.add(step.socket)
            else:
                assert step.socket in open_, "a step without its connection"
        self.asked.append(tuple(steps))
        return self._fails(steps)


def texts(steps: Sequence[Step]) -> list[Any]:
    """Return what is sent."""
    return [step.data for step in steps if isinstance(step, Send)]


async def test_one_frame() -> None:
    """One frame of a hundred is found, with its connection."""
    server = Server(lambda steps: "bad" in texts(steps))
    steps = [Connect("c", "/"), *sends(*map(str, range(57))), *sends("bad"), *sends(*map(str, range(60, 100)))]
    assert await shortest(steps, server, unchanged, far()) == (Connect("c", "/"), Send("bad"))
    assert len(server.asked) < 60


async def test_three_in_order() -> None:
    """Three frames that fail in one order only, far from each other, are all kept."""
    wanted = ["x", "y", "z"]
    server = Server(lambda steps: [text for text in texts(steps) if text in wanted] == wanted)
    mixed = ["1", "x", *map(str, range(20, 40)), "y", "2", "3", "z", "4"]
    found = await shortest([Connect("c", "/"), *sends(*mixed), Close()], server, unchanged, far())
    assert found == (Connect("c", "/"), *sends(*wanted))


async def test_how_many() -> None:
    """What fails at the seventeenth message is left with seventeen."""
    server = Server(lambda steps: len(texts(steps)) >= 17)
    found = await shortest([Connect("c", "/"), *sends(*map(str, range(64)))], server, unchanged, far())
    assert len(found) == 18


async def test_connections() -> None:
    """A connection that isn't needed goes with all of its steps; one that is needed stays before them."""
    steps: list[Step] = []
    for socket in range(6):
        steps.append(Connect("c", "/", socket=socket))
    for turn in range(5):
        for socket in range(6):
            steps.append(Send(f"{turn}", socket=socket))
    steps += [Close(socket=socket) for socket in range(6)]

    def fails(tried: Sequence[Step]) -> bool:
        return Send("3", socket=4) in tried and Send("1", socket=2) in tried

    found = await shortest(steps, Server(fails), unchanged, far())
    assert sorted(map(str, found)) == sorted(
        map(str, [Connect("c", "/", socket=2), Connect("c", "/", socket=4), Send("1", socket=2), Send("3", socket=4)])
    )


async def test_reconnects() -> None:
    """A socket that is opened again keeps the opening that its steps need."""
    steps = [Connect("c", "/"), *sends("a", "b"), Close(None), Connect("c", "/?seq=1"), *sends("c", "d")]
    server = Server(lambda tried: Connect("c", "/?seq=1") in tried and "d" in texts(tried))
    assert await shortest(steps, server, unchanged, far()) == (Connect("c", "/?seq=1"), Send("d"))


async def test_waits() -> None:
    """A wait is as short as it may be, or goes."""
    steps = [Connect("c", "/"), Wait(3.0), *sends("a"), Wait(3.0), *sends("b")]

    def fails(tried: Sequence[Step]) -> bool:
        waits = [step.seconds for step in tried if isinstance(step, Wait)]
        return texts(tried) == ["a", "b"] and sum(waits) >= 0.4

    found = await shortest(steps, Server(fails), unchanged, far())
    assert [step.seconds for step in found if isinstance(step, Wait)] == [0.5]


def simpler(step: Send) -> Iterable[Send]:
    """Return frames with simpler values."""
    for value in simpler_values(json.loads(step.data), lambda value: isinstance(value, dict) and "type" in value):
        yield replace(step, data=json.dumps(value))


async def test_values() -> None:
    """What is left is said as simply as it still fails."""
    message = {"type": "t", "id": "abcdef", "payload": {"symbol": "x-\U0001f600-y", "limit": 4711, "more": [1, 2, 3]}}

    def fails(tried: Sequence[Step]) -> bool:
        values = [json.loads(text) for text in texts(tried)]
        return any(
            "\U0001f600" in str(value.get("payload", {}).get("symbol")) and value["payload"].get("limit", 0) > 100
            for value in values
            if isinstance(value.get("payload", {}), dict)
        )

    steps = [Connect("c", "/"), *sends(json.dumps({"type": "p"}), json.dumps(message), json.dumps({"type": "p"}))]
    found = await shortest(steps, Server(fails), simpler, far())
    assert [json.loads(text) for text in texts(found)] == [
        {"type": "", "payload": {"symbol": "\U0001f600", "limit": 101}}
    ]


async def test_nothing_is_asked_twice() -> None:
    """No conversation is held twice."""
    server = Server(lambda steps: "bad" in texts(steps) and len(steps) > 3)
    await shortest([Connect("c", "/"), *sends(*"abcdef", "bad", *"ghij")], server, unchanged, far())
    assert len(server.asked) == len(set(server.asked))


async def test_same_again() -> None:
    """The same conversations are tried in the same order."""
    asked = []
    for _ in range(2):
        server = Server(lambda steps: len(texts(steps)) > 5)
        await shortest([Connect("c", "/"), *sends(*map(str, range(30)))], server, unchanged, far())
        asked.append(server.asked)
    assert asked[0] == asked[1]


async def test_deadline() -> None:
    """When the time is over what is known to fail is given, at once."""
    steps = [Connect("c", "/"), *sends(*map(str, range(30))), Wait(2.0), Connect("c", "/", socket=1)]
    server = Server(lambda steps: len(texts(steps)) > 5)
    assert await shortest(steps, server, simpler, time.monotonic() - 1) == tuple(steps)
    assert not server.asked


async def test_deadline_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked any more once the time is over; what was found until then is given."""
    steps = [
        Connect("c", "/"),
        *sends(*map(str, range(30))),
        Wait(2.0),
        Connect("c", "/", socket=1),
        Wait(2.0, socket=1),
    ]
    server = Server(lambda steps: len(texts(steps)) > 5)
    monkeypatch.setattr("contract.shrinking.time.monotonic", lambda: float(len(server.asked)))
    found = await shortest(steps, server, simpler, 0.5)
    assert len(server.asked) == 1
    assert found in (tuple(steps), server.asked[0])


@pytest.mark.parametrize(
    ("value", "fails", "wanted"),
    [
        ("hello\x00world", lambda value: isinstance(value, str) and "\x00" in value, "\x00"),
        ("x" * 5000, lambda value: isinstance(value, str) and len(value) >= 65, "a" * 65),
        (123456, lambda value: isinstance(value, int) and value >= 1000, 1000),
        (-123.456, lambda value: isinstance(value, (int, float)) and value < 0, -1),
        ([5, [1, {"a": 3, "b": None}]], lambda value: "b" in json.dumps(value), [[{"b": None}]]),
        ({"a": True, "b": 2, "c": "x"}, lambda value: isinstance(value, dict) and "b" in value, {"b": 0}),
    ],
)
def test_simpler_values(value: Any, fails: Callable[[Any], bool], wanted: Any) -> None:
    """Taking the first simpler value that still fails, again and again, ends, and at the simplest."""
    for _ in range(500):
        other = next(iter(simpler_values(value, fails)), None)
        if other is None:
            break
        value = other
    assert value == wanted


def test_simpler_values_fit() -> None:
    """Only values that fit are given, never the value itself, and none twice."""
    found = list(simpler_values({"a": [1, 2], "b": "xyz"}, lambda value: "a" in value))
    assert all("a" in value for value in found)
    assert len({json.dumps(value) for value in found}) == len(found)
    assert {"a": [1, 2], "b": "xyz"} not in found
