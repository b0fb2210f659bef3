"""Any stream of bytes: valid messages come back equal, and whatever is made of them ends as RFC 6455 says."""

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conformance.client import Client
from tests.conformance.frames import (
    BINARY,
    CONTINUATION,
    MASK,
    PING,
    PONG,
    TEXT,
    Close,
    Event,
    Message,
    Pong,
    close_frame,
    frame,
)
from tests.conformance.model import Outcome, outcomes
from tests.conformance.server import EchoServer

MARKER = b"is anybody there?"
ONE_SERVER = settings(max_examples=150)
"""The server is the same for all examples: that it lives on is what is tested."""


@dataclass(frozen=True)
class Stream:
    """Frames of whole messages with control frames between, and what has to come back."""

    frames: tuple[bytes, ...]
    events: tuple[Event, ...]


payloads = st.one_of(st.binary(max_size=40), st.integers(0, 60_000).map(lambda size: b"\xf1" * size))
texts = st.one_of(st.text(max_size=30), st.integers(0, 15_000).map(lambda size: "ä€" * size)).map(str.encode)
masks = st.one_of(st.just(MASK), st.just(bytes(4)), st.binary(min_size=4, max_size=4))


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Draw messages, fragmented anyhow, with pings and pongs anywhere between the fragments."""
    frames: list[bytes] = []
    events: list[Event] = []

    def controls() -> None:
        for opcode in draw(st.lists(st.sampled_from([PING, PONG]), max_size=2)):
            payload = draw(st.binary(max_size=125))
            frames.append(frame(opcode, payload, mask=draw(masks)))
            if opcode == PING:
                events.append(Pong(payload))

    for is_text in draw(st.lists(st.booleans(), max_size=4)):
        payload = draw(texts if is_text else payloads)
        cuts = [0, *sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4))), len(payload)]
        for i in range(len(cuts) - 1):
            controls()
            opcode = CONTINUATION if i else TEXT if is_text else BINARY
            part = payload[cuts[i] : cuts[i + 1]]
            frames.append(frame(opcode, part, fin=i == len(cuts) - 2, mask=draw(masks)))
        events.append(Message(payload, text=is_text))
    controls()
    return Stream(tuple(frames), tuple(events))


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """Draw a valid stream, with a close frame at its end or none, and change some of it."""
    frames = list(draw(streams()).frames)
    if draw(st.booleans()):
        code = draw(st.one_of(st.sampled_from([1000, 1001, 1005, 1011, 1015, 2999, 3000, 5000]), st.integers(0, 65535)))
        frames.append(close_frame(code, draw(st.one_of(st.just(b""), st.binary(max_size=10)))))
    heads = [0]
    for one in frames:
        heads.append(heads[-1] + len(one))
    stream = bytearray(b"".join(frames))
    for _ in range(draw(st.integers(1, 3))):
        # Most of a stream is payload, where a change is mostly valid: half of the changes go into a frame's head.
        near = draw(st.sampled_from(heads)) + draw(st.integers(0, 3))
        at = min(len(stream), draw(st.one_of(st.just(near), st.integers(0, len(stream)))))
        match draw(st.sampled_from(["flip", "set", "insert", "delete", "cut", "repeat", "lengthen"])):
            case "flip" if at < len(stream):
                stream[at] ^= 1 << draw(st.integers(0, 7))
            case "set" if at < len(stream):
                stream[at] = draw(st.integers(0, 255))
            case "insert":
                stream[at:at] = draw(st.binary(min_size=1, max_size=14))
            case "delete":
                del stream[at : at + draw(st.integers(1, 14))]
            case "cut":
                del stream[at:]
            case "repeat":
                stream[at:at] = stream[at : at + draw(st.integers(1, 50))]
            case "lengthen" if at + 1 < len(stream):
                stream[at + 1] = 0x80 | draw(st.sampled_from([0, 125, 126, 127]))
            case _:
                pass
    return bytes(stream)


def send_split(client: Client, stream: bytes, cuts: list[int]) -> None:
    """Send the stream in pieces, cut at these places."""
    at = 0
    for cut in sorted({cut for cut in cuts if cut < len(stream)} | {len(stream)}):
        client.send(stream[at:cut])
        at = cut


splits: st.SearchStrategy[list[int]] = st.one_of(
    st.just([]),
    st.lists(st.integers(0, 300), max_size=30),
    st.lists(st.integers(0, 100_000), max_size=10),
    st.just(list(range(200))),
)


def in_order(events: list[Event] | tuple[Event, ...]) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """Return the messages and the pongs, each in their order: a pong may overtake an echo that is on its way."""
    return (
        tuple(event for event in events if isinstance(event, Message)),
        tuple(event for event in events if not isinstance(event, Message)),
    )


@given(stream=streams(), cuts=splits)
@ONE_SERVER
def test_valid_messages_come_back_equal(server: EchoServer, stream: Stream, cuts: list[int]) -> None:
    """Messages in any fragments, with control frames between, in any split of the bytes, come back equal."""
    with Client.open(server.port) as client:
        send_split(client, b"".join(stream.frames), cuts)
        came = [event for _ in stream.events if (event := client.next()) is not None]
        assert in_order(came) == in_order(stream.events)
        client.end_well()


@given(stream=mutants(), cuts=splits)
@example(stream=frame(TEXT, b"\xce", fin=False) + frame(PING) + frame(CONTINUATION, b"\xba"), cuts=[])
@example(stream=frame(BINARY, b"long", width=64) + frame(PING), cuts=[3])
@example(stream=frame(TEXT, b"\xff", fin=False) + frame(PING, b"late"), cuts=[])
@example(stream=frame(TEXT, bytes(60_000), fin=False) + frame(CONTINUATION, bytes(60_000)), cuts=[])
@ONE_SERVER
def test_any_change_of_a_stream_ends_as_the_rfc_says(narrow_server: EchoServer, stream: bytes, cuts: list[int]) -> None:
    """A stream that was changed anywhere is still valid, or waits for more, or ends in the right close code.

    The server lives on: the next connection works.
    """
    allowed = outcomes(stream, narrow_server.max_frame)
    with Client.open(narrow_server.port) as client:
        client.close_sent = any(outcome.codes & {None, 1000} for outcome in allowed)
        send_split(client, stream, cuts)
        came: list[Event] = []
        while not any(fits(outcome, came) for outcome in allowed):
            event = client.next()
            assert event is not None, f"the connection ended after {came}, allowed: {allowed}"
            came.append(event)
        if isinstance(came[-1] if came else None, Close):
            assert client.rest() == []
        elif len(allowed) == 1 and allowed[0].between:
            client.send(frame(PING, MARKER))
            client.expect(Pong(MARKER))
            client.end_well()
    with Client.open(narrow_server.port) as client:
        client.round_trip(b"it lives")
        client.end_well()


def fits(outcome: Outcome, came: list[Event]) -> bool:
    """Say whether what came is the whole of an outcome."""
    end = came[-1] if came and isinstance(came[-1], Close) else None
    if outcome.codes:
        return end is not None and end.code in outcome.codes and in_order(came[:-1]) == in_order(outcome.events)
    return end is None and in_order(came) == in_order(outcome.events)
