"""The Autobahn fuzzing client's cases 1 to 10, against the echo server. (Autobahn itself runs under Python 2.7 alone.)

A case's outcome stands in the report as the property `autobahn`: OK, or NON-STRICT where Autobahn calls it so.
"""

from collections.abc import Callable

import pytest

from tests.conformance.cases import (
    BEYOND,
    INVALID_PAYLOAD,
    SMALL_GROUPS,
    Case,
    limits,
    text,
)
from tests.conformance.client import Client
from tests.conformance.frames import BINARY, CONTINUATION, MASK, PING, TEXT, Close, Event, Message, Pong, frame, xor
from tests.conformance.server import EchoServer

CASES = {case.number: case for group in SMALL_GROUPS for case in group()}
LIMITS = {case.number: case.number for case in limits()}
"""Only their numbers: the cases themselves hold 100 MiB."""
A_MOMENT = 0.1
"""Seconds in which nothing may come. A server that is slower than this passes all the same."""
Record = Callable[[str, object], None]


def run(server: EchoServer, case: Case, record: Record) -> None:
    """Hold the server to a case."""
    with Client.open(server.port) as client:
        client.close_sent = case.ended_by == "frames"
        if case.chop == "whole":
            client.send(b"".join(case.frames))
        elif case.chop == "frame":
            for data in case.frames:
                client.send(data)
        else:
            client.send_chopped(b"".join(case.frames), case.chop)
        events: list[Event] = []
        if case.ended_by == "us":
            client.expect(*case.expected)
            events.extend(case.expected)
            client.close()
        events += client.rest()
        assert events, "the connection was dropped without a close frame"
        *before, end = events
        assert isinstance(end, Close), f"the connection was dropped without a close frame after {events}"
        assert end.code in case.codes, f"{end}, not one of {set(case.codes)}"
        is_ok = tuple(before) == case.expected
        assert is_ok or tuple(before) in case.non_strict, f"{before} came, not {case.expected}"
        record("autobahn", "OK" if is_ok else "NON-STRICT")


@pytest.mark.parametrize("number", CASES)
def test_case(server: EchoServer, number: str, record_property: Record) -> None:
    """The echo server behaves in the case as Autobahn asks, on the wire and at the end."""
    run(server, CASES[number], record_property)


@pytest.mark.parametrize("number", LIMITS)
def test_case_of_limits(server: EchoServer, number: str, record_property: Record) -> None:
    """A large message comes back whole, however it is cut."""
    run(server, next(case for case in limits() if case.number == number), record_property)


@pytest.mark.parametrize("number", ["5.19", "5.20"])
def test_case_of_pings_amid_fragments(server: EchoServer, number: str) -> None:
    """A ping between fragments is answered before the message's end has even been sent."""
    parts = [b"fragment%d" % i for i in range(1, 6)]
    first = [
        frame(TEXT, parts[0], fin=False),
        frame(CONTINUATION, parts[1], fin=False),
        frame(PING, b"pongme 1!"),
    ]
    second = [
        frame(CONTINUATION, parts[2], fin=False),
        frame(CONTINUATION, parts[3], fin=False),
        frame(PING, b"pongme 2!"),
        frame(CONTINUATION, parts[4]),
    ]
    with Client.open(server.port) as client:
        for frames, events in (
            (first, [Pong(b"pongme 1!")]),
            (second, [Pong(b"pongme 2!"), text(b"".join(parts))]),
        ):
            for data in frames if number == "5.20" else [b"".join(frames)]:
                client.send(data)
            client.expect(*events)
        client.end_well()


def _in_frames(*parts: bytes) -> list[bytes]:
    last = len(parts) - 1
    return [frame(CONTINUATION if i else TEXT, part, fin=i == last) for i, part in enumerate(parts)]


def _in_chops(*parts: bytes) -> list[bytes]:
    whole = b"".join(parts)
    head = frame(TEXT, length=len(whole))
    masked, chops, at = xor(whole, MASK), [], 0
    for part in parts:
        chops.append((b"" if at else head) + masked[at : at + len(part)])
        at += len(part)
    return chops


@pytest.mark.parametrize(
    ("number", "cut"), [("6.4.1", _in_frames), ("6.4.2", _in_frames), ("6.4.3", _in_chops), ("6.4.4", _in_chops)]
)
def test_case_of_failing_fast(
    server: EchoServer, number: str, cut: Callable[..., list[bytes]], record_property: Record
) -> None:
    """A text that is no UTF-8 ends the connection, at the latest with its last octet; before that it is NON-STRICT."""
    middle = (11, 15) if number in ("6.4.1", "6.4.3") else (12, 13)
    first, second, third = cut(BEYOND[: middle[0]], BEYOND[middle[0] : middle[1]], BEYOND[middle[1] :])
    with Client.open(server.port) as client:
        client.send(first)
        assert not client.more(A_MOMENT), "what is valid so far was answered"
        client.send(second)
        fast = client.more(0.3)
        if not fast:
            client.send(third)
        assert client.end_of({INVALID_PAYLOAD}) == []
    record_property("autobahn", "OK" if fast else "NON-STRICT")


@pytest.mark.parametrize("number", [f"9.{group}.{i}" for group in (7, 8) for i in range(1, 7)])
def test_case_of_round_trips(server: EchoServer, number: str) -> None:
    """A thousand messages come back, each before the next one is sent."""
    _, group, i = map(int, number.split("."))
    size = (0, 16, 64, 256, 1024, 4096)[i - 1]
    payload = (b"*" if group == 7 else b"\xfe") * size
    data, echo = frame(TEXT if group == 7 else BINARY, payload), Message(payload, text=group == 7)
    with Client.open(server.port) as client:
        for _ in range(1000):
            client.send(data)
            client.expect(echo)
        client.end_well()
