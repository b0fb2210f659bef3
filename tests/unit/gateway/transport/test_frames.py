"""Frames: what is sent is what the RFC says, and what comes is understood however it is cut."""

import random
import tracemalloc
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from gateway.transport import frames
from gateway.transport.frames import Close, Event, Fault, Partial, Ping, Pong, read_frames

LIMIT = 1024


def client_frame(opcode: int, payload: bytes, *, fin: bool = True, mask: bytes = b"\x11\x22\x33\x44") -> bytes:
    """Return a client's frame, by the RFC's text and not by our code."""
    length = len(payload)
    if length < 126:
        size = bytes((0x80 | length,))
    elif length < 65536:
        size = b"\xfe" + length.to_bytes(2, "big")
    else:
        size = b"\xff" + length.to_bytes(8, "big")
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes((0x80 * fin | opcode,)) + size + mask + masked


def read_all(pieces: Iterable[bytes], limit: int = LIMIT) -> tuple[list[Event], Partial | None]:
    """Return every event that the pieces hold, up to a Close or a Fault, and what is held in the end."""
    events: list[Event] = []
    held: Partial | None = None
    for piece in pieces:
        reader = read_frames(piece, held, limit)
        while True:
            try:
                event = next(reader)
            except StopIteration as stop:
                held = stop.value
                break
            events.append(event)
            if isinstance(event, Close | Fault):
                return events, None
    return events, held


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    """Return the pieces of `data` cut at these places."""
    places = sorted({place % (len(data) + 1) for place in at} | {0, len(data)})
    return [data[start:stop] for start, stop in pairwise(places)]


# ------------------------------------------------------------------------------------------------------------- out


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_server_frame_is_what_websockets_builds(length: int) -> None:
    """Each length has the header that the RFC asks for, and no mask."""
    payload = b"x" * length
    assert frames.text_frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)
    assert frames.binary_frame(payload) == Frame(Opcode.BINARY, payload).serialize(mask=False)
    assert frames.text_frames([payload, b"", payload]) == (
        frames.text_frame(payload) + frames.text_frame(b"") + frames.text_frame(payload)
    )


def test_control_frames_are_what_websockets_builds() -> None:
    """Pings, pongs and close frames are bytes that another library understands."""
    assert frames.ping_frame(b"abc") == Frame(Opcode.PING, b"abc").serialize(mask=False)
    assert frames.pong_frame(b"") == Frame(Opcode.PONG, b"").serialize(mask=False)
    assert frames.close_frame(4002, "slow") == Frame(Opcode.CLOSE, b"\x0f\xa2slow").serialize(mask=False)
    assert frames.close_frame(None) == b"\x88\x00"


def test_a_control_frame_that_would_be_too_long_is_never_built() -> None:
    """A ping of 126 bytes is refused; a close reason is cut at a character, so that it stays valid UTF-8."""
    with pytest.raises(ValueError, match="125"):
        frames.ping_frame(bytes(126))
    frame = frames.close_frame(1000, "é" * 100)
    assert len(frame) <= 127
    assert frame[4:].decode() == "é" * 61


# -------------------------------------------------------------------------------------------------------------- in

payloads = st.one_of(st.binary(max_size=200), st.text(max_size=60).map(str.encode))
control = st.tuples(st.sampled_from([9, 10]), st.binary(max_size=125))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[Event]]:
    """Draw valid frames, fragments with control frames between them among them, and the events that they mean."""
    wire = b""
    events: list[Event] = []

    def add_control() -> None:
        nonlocal wire
        for opcode, payload in draw(st.lists(control, max_size=2)):
            wire += client_frame(opcode, payload, mask=draw(st.binary(min_size=4, max_size=4)))
            events.append(Ping(payload) if opcode == 9 else Pong(payload))

    for _ in range(draw(st.integers(0, 5))):
        add_control()
        text = draw(st.one_of(st.none(), st.text(max_size=300)))
        message = draw(st.binary(max_size=300)) if text is None else text.encode()
        pieces = cut(message, draw(st.lists(st.integers(0, 1200), max_size=4)))
        pieces = (
            draw(st.permutations([b"", *[b""] * draw(st.integers(0, 2))])) + pieces if draw(st.booleans()) else pieces
        )
        pieces = pieces or [b""]
        for at, piece in enumerate(pieces):
            opcode = 0 if at else (2 if text is None else 1)
            last = at == len(pieces) - 1
            wire += client_frame(opcode, piece, fin=last, mask=draw(st.binary(min_size=4, max_size=4)))
            if not last:
                add_control()
        events.append(message if text is None else text)
    return wire, events


@given(conversations(), st.lists(st.integers(0, 5000), max_size=12))
def test_any_valid_frames_in_any_pieces_give_the_same_events(
    conversation: tuple[bytes, list[Event]], at: list[int]
) -> None:
    """However TCP cuts them, the messages come whole and in order, and nothing is held after the last byte."""
    wire, expected = conversation
    limit = 4096
    assert read_all(cut(wire, at), limit) == (expected, None)


@given(conversations())
@settings(max_examples=30)
def test_bytes_one_by_one_give_the_same_events(conversation: tuple[bytes, list[Event]]) -> None:
    """The worst cut of all changes nothing."""
    wire, expected = conversation
    assert read_all([bytes((byte,)) for byte in wire], 4096) == (expected, None)


raw_frames = st.one_of(
    st.builds(
        client_frame,
        st.sampled_from([0, 1, 1, 1, 2, 8, 9, 10, 3, 7, 11, 15]),
        st.one_of(
            payloads,
            st.builds(
                lambda code, text: code.to_bytes(2, "big") + text, st.integers(900, 5100), st.binary(max_size=20)
            ),
            st.binary(min_size=120, max_size=1200),
        ),
        fin=st.booleans(),
        mask=st.binary(min_size=4, max_size=4),
    ),
    st.binary(max_size=8),
)


def by_websockets(wire: bytes) -> list[Event]:
    """Return what websockets' own parser makes of the bytes, in our words."""
    protocol = ServerProtocol(state=State.OPEN, max_size=LIMIT)
    protocol.receive_data(wire)
    events: list[Event] = []
    opcode = Opcode.TEXT
    parts: list[bytes] = []
    fault = False
    for frame in protocol.events_received():
        assert isinstance(frame, Frame)
        payload = bytes(frame.data)
        match frame.opcode:
            case Opcode.PING:
                events.append(Ping(payload))
            case Opcode.PONG:
                events.append(Pong(payload))
            case Opcode.CLOSE:
                if protocol.parser_exc is not None:
                    break  # it hands over an invalid one too
                code = int.from_bytes(payload[:2], "big") if payload else None
                events.append(Close(code, payload[2:].decode(), payload))
                return events
            case _:
                if frame.opcode is not Opcode.CONT:
                    opcode, parts = frame.opcode, []
                parts.append(payload)
                if frame.fin:
                    message = b"".join(parts)
                    if opcode is Opcode.BINARY:
                        events.append(message)
                        continue
                    try:
                        events.append(message.decode())
                    except UnicodeDecodeError:
                        fault = True
                        break
    if fault:
        events.append(Fault(1007))
    elif protocol.parser_exc is not None:
        assert protocol.close_sent is not None
        events.append(Fault(protocol.close_sent.code))
    return events


@given(st.lists(raw_frames, max_size=6).map(b"".join), st.lists(st.integers(0, 4000), max_size=6))
@settings(max_examples=400)
def test_any_bytes_mean_what_they_mean_to_websockets(wire: bytes, at: list[int]) -> None:
    """Valid or not, the events are those of websockets' parser, up to the same fault.

    But for this: we are stricter about lengths that are written longer than need be; a text that is bad in its first
    fragment fails at once, where websockets' user finds it at the end; and a header fails before its payload has come.
    """
    expected = by_websockets(wire)
    found, _ = read_all(cut(wire, at))
    if found != expected and found[:-1] == expected:
        expected = by_websockets(wire + bytes(2 * LIMIT))[: len(found)]  # it waited for the rest of the frame
    if found == expected:
        return
    assert found[:-1] == expected[: len(found) - 1]
    if len(expected) == len(found) and isinstance(expected[-1], Fault) and isinstance(found[-1], Fault):
        return  # one frame with two faults, told in another order
    if found[-1] == Fault(1002):
        assert any(bytes((size, 0)) in wire for size in (0xFE, 0xFF))
    else:
        assert found[-1] == Fault(1007)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        pytest.param(b"\x81\x05hello", 1002, id="no mask"),
        pytest.param(b"\xc1\x80\0\0\0\0", 1002, id="RSV1"),
        pytest.param(b"\xa1\x80\0\0\0\0", 1002, id="RSV2"),
        pytest.param(b"\x91\x80\0\0\0\0", 1002, id="RSV3"),
        pytest.param(b"\x83\x80\0\0\0\0", 1002, id="reserved data opcode"),
        pytest.param(b"\x8b\x80\0\0\0\0", 1002, id="reserved control opcode"),
        pytest.param(b"\x09\x80\0\0\0\0", 1002, id="fragmented ping"),
        pytest.param(b"\x89\xfe\x00\x7e\0\0\0\0", 1002, id="ping of 126 bytes"),
        pytest.param(b"\x89\xfe\x00\x05\0\0\0\0hello", 1002, id="ping with a long header"),
        pytest.param(b"\x81\xfe\x00\x7d\0\0\0\0" + b"x" * 125, 1002, id="16 bits for 125 bytes"),
        pytest.param(b"\x81\xff" + (65535).to_bytes(8, "big"), 1002, id="64 bits for 65535 bytes"),
        pytest.param(b"\x81\xff" + b"\xff" * 8, 1002, id="length with its highest bit"),
        pytest.param(b"\x80\x80\0\0\0\0", 1002, id="continuation of nothing"),
        pytest.param(b"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 1002, id="a message inside another"),
        pytest.param(b"\x82\xfe\x04\x01", 1009, id="a byte too many, before its mask has come"),
        pytest.param(b"\x82\xff" + (2**40).to_bytes(8, "big"), 1009, id="a terabyte"),
        pytest.param(client_frame(1, b"x" * 1000, fin=False) + b"\x80\x99", 1009, id="a sum too large"),
        pytest.param(client_frame(1, b"\xff"), 1007, id="no UTF-8"),
        pytest.param(client_frame(1, b"\xed\xa0\x80"), 1007, id="a surrogate"),
        pytest.param(client_frame(1, b"\xc3"), 1007, id="half a character"),
        pytest.param(client_frame(1, b"ok\xff", fin=False), 1007, id="bad in its first fragment"),
        pytest.param(b"\x81\xfe\x01\x00\0\0\0\0\xff", 1007, id="bad in its first byte of many"),
        pytest.param(client_frame(1, b"\xc3", fin=False) + client_frame(0, b""), 1007, id="half, in fragments"),
        pytest.param(client_frame(8, b"\x03"), 1002, id="a close code of one byte"),
        pytest.param(client_frame(8, b"\x03\xedx"), 1002, id="close code 1005"),
        pytest.param(client_frame(8, b"\x03\xe7"), 1002, id="close code 999"),
        pytest.param(client_frame(8, b"\x0b\xb7"), 1002, id="close code 2999"),
        pytest.param(client_frame(8, b"\x13\x88"), 1002, id="close code 5000"),
        pytest.param(client_frame(8, b"\x03\xe8\xff"), 1007, id="a close reason that is no UTF-8"),
    ],
)
def test_a_breach_is_told_as_soon_as_it_shows(wire: bytes, code: int) -> None:
    """Each breach of the RFC has its close code, and nothing that follows is looked at."""
    for pieces in ([wire], [bytes((byte,)) for byte in wire]):
        events, held = read_all([*pieces, client_frame(1, b"later")])
        assert events == [Fault(code)]
        assert held is None


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999])
def test_a_valid_close_is_read_whole(code: int) -> None:
    """A code that may stand in a frame comes with its reason."""
    payload = code.to_bytes(2, "big") + "schön".encode()
    assert read_all([client_frame(8, payload)])[0] == [Close(code, "schön", payload)]


def test_endless_empty_fragments_end() -> None:
    """Fragments without a byte can't go on for ever: 1009 after a bounded number."""
    many = client_frame(1, b"", fin=False) + client_frame(0, b"", fin=False) * 5000
    assert read_all([many])[0] == [Fault(1009)]
    some = client_frame(1, b"", fin=False) + client_frame(0, b"", fin=False) * 100 + client_frame(0, b"x")
    assert read_all([some])[0] == ["x"]


def test_nothing_is_held_between_messages() -> None:
    """A message that came in pieces leaves no state; one that has begun holds its own bytes and no more."""
    wire = client_frame(1, b"hello")
    _, held = read_all([wire[:8]])
    assert held is not None
    assert bytes(held.body) == b"he"
    assert read_all([wire[:8], wire[8:]]) == (["hello"], None)
    assert read_all([wire[:1], wire[1:] + wire]) == (["hello", "hello"], None)


def test_events_are_read_as_they_are_asked_for() -> None:
    """A frame behind the one that was asked for is not even checked yet."""
    reader = read_frames(client_frame(1, b"first") + b"\xff\xff\xff\xff\xff\xff", None, LIMIT)
    assert next(reader) == "first"
    assert next(reader) == Fault(1002)


def test_a_large_message_in_small_pieces_is_copied_a_bounded_number_of_times() -> None:
    """16 MiB in pieces of 64 KiB holds no more than a few times its own size at any moment."""
    size = 16 * 2**20
    payload = random.Random(1).randbytes(65536) * (size // 65536)
    wire = b"\x82\xff" + size.to_bytes(8, "big") + bytes(4) + payload
    tracemalloc.start()
    try:
        events, held = read_all((wire[at : at + 65536] for at in range(0, len(wire), 65536)), size)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert events == [payload]
    assert held is None
    assert peak < 3 * size


def test_the_payloads_of_websockets_are_bounded_by_the_same_rule() -> None:
    """A message of exactly the limit comes; one of a byte more does not, in either parser."""
    assert read_all([client_frame(2, bytes(LIMIT))])[0] == [bytes(LIMIT)]
    assert by_websockets(client_frame(2, bytes(LIMIT))) == [bytes(LIMIT)]
    assert read_all([client_frame(2, bytes(LIMIT + 1))])[0] == by_websockets(client_frame(2, bytes(LIMIT + 1)))
    assert issubclass(PayloadTooBig, Exception)
