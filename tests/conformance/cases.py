"""Cases: the Autobahn fuzzing client's cases 1 to 10, under Autobahn's numbers, as frames and what has to come back.

What Autobahn calls OK is demanded, with one thing more: where the server has to fail the connection, its close frame
with the right code must come (Autobahn is content with a dropped connection). NON-STRICT is what Autobahn reports
beside OK without calling it a failure. It knows no socket.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tests.conformance.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Event,
    Message,
    Pong,
    close_frame,
    fragments,
    frame,
)

NORMAL, PROTOCOL_ERROR, INVALID_PAYLOAD = 1000, 1002, 1007
Chop = Literal["whole", "frame"] | int
"""How the bytes are cut into writes: all in one, a frame each, or so many octets each."""


@dataclass(frozen=True)
class Case:
    """What is sent after the handshake, and what has to come back.

    `ended_by`: "us" where a close frame of code 1000 is sent once all has come back, "frames" where the frames hold a
    close frame already, "server" where the server has to fail the connection. `codes` are the close codes that the
    server may then send; None stands for a close frame without a code.
    """

    number: str
    frames: tuple[bytes, ...]
    expected: tuple[Event, ...] = ()
    ended_by: Literal["us", "frames", "server"] = "us"
    codes: frozenset[int | None] = frozenset({NORMAL})
    chop: Chop = "whole"
    non_strict: tuple[tuple[Event, ...], ...] = ()


def text(payload: bytes) -> Message:
    """Return a text message as it comes back."""
    return Message(payload, text=True)


def binary(payload: bytes) -> Message:
    """Return a binary message as it comes back."""
    return Message(payload, text=False)


def fails(
    number: str, *frames: bytes, echo: tuple[Event, ...] = (), code: int = PROTOCOL_ERROR, chop: Chop = "whole"
) -> Case:
    """Return a case that the server has to fail; where an echo is due before, Autobahn calls its lack NON-STRICT."""
    return Case(number, frames, echo, "server", frozenset({code}), chop, ((),) if echo else ())


HELLO = b"Hello, world!"
PAYLOAD = b"BAsd7&jh23"
UTF8 = "Hello-µ@ßöäüàá-UTF-8!!".encode()
KOSME = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
"""The word kosme in Greek, as in the UTF-8 decoder test: letters of two and of three octets."""
BROKEN = KOSME + b"\xed\xa0\x80edited"
"""A text with a surrogate in it."""
BEYOND = KOSME + b"\xf4\x90\x80\x80edited"
"""A text with U+110000 in it: invalid from its thirteenth octet."""


def pattern(size: int) -> bytes:
    """Return Autobahn's payload of a size."""
    return (PAYLOAD * (size // len(PAYLOAD) + 1))[:size]


def framing() -> Iterator[Case]:
    """1: messages on both sides of each change of the length's form."""
    for group, opcode, octet, echo in ((1, TEXT, b"*", text), (2, BINARY, b"\xfe", binary)):
        for i, size in enumerate((0, 125, 126, 127, 128, 65535, 65536, 65536), 1):
            payload = octet * size
            yield Case(f"1.{group}.{i}", (frame(opcode, payload),), (echo(payload),), chop=997 if i == 8 else "whole")


def pings() -> Iterator[Case]:
    """2: pings and pongs."""
    odd = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    yield Case("2.1", (frame(PING),), (Pong(b""),))
    yield Case("2.2", (frame(PING, HELLO),), (Pong(HELLO),))
    yield Case("2.3", (frame(PING, odd),), (Pong(odd),))
    yield Case("2.4", (frame(PING, b"\xfe" * 125),), (Pong(b"\xfe" * 125),))
    yield fails("2.5", frame(PING, b"\xfe" * 126))
    yield Case("2.6", (frame(PING, b"\xfe" * 125),), (Pong(b"\xfe" * 125),), chop=1)
    yield Case("2.7", (frame(PONG),))
    yield Case("2.8", (frame(PONG, b"unsolicited pong payload"),))
    yield Case(
        "2.9", (frame(PONG, b"unsolicited pong payload"), frame(PING, b"ping payload")), (Pong(b"ping payload"),)
    )
    ten = [b"payload-%d" % i for i in range(10)]
    many = Case("2.10", tuple(frame(PING, payload) for payload in ten), tuple(Pong(payload) for payload in ten))
    yield many
    yield replace(many, number="2.11", chop=1)


def reserved_bits() -> Iterator[Case]:
    """3: reserved bits without an extension that gives them a meaning."""
    hello, ping, echo = frame(TEXT, HELLO), frame(PING), (text(HELLO),)
    yield fails("3.1", frame(TEXT, HELLO, rsv=1))
    yield fails("3.2", hello, frame(TEXT, HELLO, rsv=2), ping, echo=echo)
    yield fails("3.3", hello, frame(TEXT, HELLO, rsv=3), ping, echo=echo, chop="frame")
    yield fails("3.4", hello, frame(TEXT, HELLO, rsv=4), ping, echo=echo, chop=1)
    yield fails("3.5", frame(BINARY, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", rsv=5))
    yield fails("3.6", frame(PING, HELLO, rsv=6))
    yield fails("3.7", frame(CLOSE, rsv=7))


def opcodes() -> Iterator[Case]:
    """4: opcodes that mean nothing."""
    hello, ping, echo = frame(TEXT, HELLO), frame(PING), (text(HELLO),)
    for group, first in ((1, 3), (2, 11)):
        yield fails(f"4.{group}.1", frame(first))
        yield fails(f"4.{group}.2", frame(first + 1, b"reserved opcode payload"))
        yield fails(f"4.{group}.3", hello, frame(first + 2), ping, echo=echo)
        yield fails(f"4.{group}.4", hello, frame(first + 3, HELLO), ping, echo=echo)
        yield fails(f"4.{group}.5", hello, frame(first + 4, HELLO), ping, echo=echo, chop=1)


def fragmentation() -> Iterator[Case]:
    """5: fragments, with control frames between, and fragments of nothing; 5.19 and 5.20 have steps of their own."""
    one, two, three, four = b"fragment1", b"fragment2", b"fragment3", b"fragment4"
    both, nothing = text(one + two), b"non-continuation payload"
    halves = (frame(TEXT, one, fin=False), frame(CONTINUATION, two))
    yield fails("5.1", frame(PING, one, fin=False), frame(CONTINUATION, two))
    yield fails("5.2", frame(PONG, one, fin=False), frame(CONTINUATION, two))
    chops: tuple[Chop, ...] = ("whole", "frame", 1)
    for i, chop in enumerate(chops):
        yield Case(f"5.{3 + i}", halves, (both,), chop=chop)
        with_ping = (halves[0], frame(PING, b"ping payload"), halves[1])
        yield Case(f"5.{6 + i}", with_ping, (Pong(b"ping payload"), both), chop=chop)
        yield fails(f"5.{9 + i}", frame(CONTINUATION, nothing), frame(TEXT, HELLO), chop=chop)
        yield fails(f"5.{12 + i}", frame(CONTINUATION, nothing, fin=False), frame(TEXT, HELLO), chop=chop)
    yield fails("5.15", *halves, frame(CONTINUATION, three, fin=False), frame(TEXT, four), echo=(both,))
    for number, fin in (("5.16", False), ("5.17", True)):
        turn = (frame(CONTINUATION, one, fin=fin), frame(TEXT, two, fin=False), frame(CONTINUATION, three))
        yield fails(number, *turn, *turn)
    yield fails("5.18", frame(TEXT, one, fin=False), frame(TEXT, two))


def utf8() -> Iterator[Case]:
    """6: texts that are UTF-8 and texts that are not; 6.4 has steps of its own."""
    middle = b"middle frame payload"
    empty, last = frame(CONTINUATION, fin=False), frame(CONTINUATION)
    yield Case("6.1.1", (frame(TEXT),), (text(b""),))
    yield Case("6.1.2", (frame(TEXT, fin=False), empty, last), (text(b""),))
    yield Case("6.1.3", (frame(TEXT, fin=False), frame(CONTINUATION, middle, fin=False), last), (text(middle),))
    yield Case("6.2.1", (frame(TEXT, UTF8),), (text(UTF8),))
    yield Case("6.2.2", tuple(fragments(TEXT, UTF8, len("Hello-µ@ßöä".encode()))), (text(UTF8),))
    yield Case("6.2.3", tuple(fragments(TEXT, UTF8, 1)), (text(UTF8),))
    yield Case("6.2.4", tuple(fragments(TEXT, KOSME, 1)), (text(KOSME),))
    yield fails("6.3.1", frame(TEXT, BROKEN), code=INVALID_PAYLOAD)
    yield fails("6.3.2", *fragments(TEXT, BROKEN, 1), code=INVALID_PAYLOAD)
    for i, (is_valid, payloads) in enumerate(VECTORS, 5):
        for j, payload in enumerate(payloads, 1):
            number = f"6.{i}.{j}"
            valid = is_valid(payload) if callable(is_valid) else is_valid
            if valid:
                yield Case(number, (frame(TEXT, payload),), (text(payload),))
            else:
                yield fails(number, frame(TEXT, payload), code=INVALID_PAYLOAD)


def _kosme_prefix(payload: bytes) -> bool:
    return len(payload) in (2, 5, 7, 9, 11)  # where its letters end


def _below_limit(payload: bytes) -> bool:
    return payload != b"\xf4\x90\x80\x80"


def _starts(first: int, last: int) -> bytes:
    """Return lead octets, each with a space behind it; the last one is left out, as Autobahn leaves it out."""
    return b"".join(bytes([octet, 0x20]) for octet in range(first, last))


_CUT = [bytes([lead]) + b"\x80" * more for lead, more in ((0xC0, 0), (0xE0, 1), (0xF0, 2), (0xF8, 3), (0xFC, 4))] + [
    bytes([lead]) + b"\xbf" * more for lead, more in ((0xDF, 0), (0xEF, 1), (0xF7, 2), (0xFB, 3), (0xFD, 4))
]
_HIGH, _LOW = (b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf"), (b"\xed\xb0\x80", b"\xed\xbf\xbf")
_NONCHARACTERS = [
    chr(plane << 16 | low).encode() for plane in range(17) for low in (0xFFFE, 0xFFFF)
]  # U+FFFE and U+FFFF of each plane
VECTORS = (
    (True, [b"hello$world", "hello¢world".encode(), "hello€world".encode(), b"hello\xf0\xa4\xad\xa2world", KOSME]),
    (_kosme_prefix, [KOSME[: i + 1] for i in range(len(KOSME))]),
    (True, [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
    (False, [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
    (True, [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
    (False, [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
    (_below_limit, [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80"]),
    (False, [b"\x80", *((b"\x80\xbf" * 3)[:i] for i in range(1, 7)), bytes(range(0x80, 0xBF))]),
    (False, [_starts(*ends) for ends in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))]),
    (False, _CUT),
    (False, [b"".join(_CUT)]),
    (False, [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
    (False, [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"]),
    (
        False,
        [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"],
    ),
    (False, [bytes([lead]) + b"\x80" * i for i, lead in enumerate((0xC0, 0xE0, 0xF0, 0xF8, 0xFC), 1)]),
    (False, [*_HIGH, b"\xed\xb0\x80", b"\xed\xbe\x80", b"\xed\xbf\xbf"]),
    (False, [high + low for high in _HIGH for low in _LOW]),
    (True, _NONCHARACTERS),
    (True, [chr(special).encode() for special in range(0xFFF9, 0x10000)]),
)
"""6.5 to 6.23, most of them of Markus Kuhn's UTF-8 decoder test: whether they are UTF-8, and the texts."""


def closing() -> Iterator[Case]:
    """7: closing handshakes."""
    hello, normal = b"Hello World!", close_frame(NORMAL)
    ok: frozenset[int | None] = frozenset({NORMAL})
    yield Case("7.1.1", (frame(TEXT, hello),), (text(hello),))
    yield Case("7.1.2", (normal, frame(CLOSE)), ended_by="frames")
    yield Case("7.1.3", (normal, frame(PING)), ended_by="frames")
    yield Case("7.1.4", (normal, frame(TEXT, hello)), ended_by="frames")
    first, second = frame(TEXT, b"fragment1", fin=False), frame(CONTINUATION, b"fragment2")
    yield Case("7.1.5", (first, normal, second), ended_by="frames")
    # What comes back before the close frame's answer is left to the server; Autobahn reports it as INFORMATIONAL.
    large = pattern(256 * 1024)
    yield Case(
        "7.1.6",
        (frame(TEXT, large), frame(TEXT, hello), normal, frame(PING)),
        (text(large), text(hello)),
        "frames",
        ok,
        non_strict=((text(large),), ()),
    )
    error: frozenset[int | None] = frozenset({PROTOCOL_ERROR})
    yield Case("7.3.1", (frame(CLOSE),), ended_by="frames", codes=ok | {None})
    yield Case("7.3.2", (frame(CLOSE, b"a"),), ended_by="frames", codes=error)
    yield Case("7.3.3", (normal,), ended_by="frames")
    yield Case("7.3.4", (close_frame(NORMAL, hello),), ended_by="frames")
    yield Case("7.3.5", (close_frame(NORMAL, b"*" * 123),), ended_by="frames")
    yield Case("7.3.6", (close_frame(NORMAL, b"*" * 124),), ended_by="frames", codes=error)
    yield Case("7.5.1", (close_frame(NORMAL, BROKEN),), ended_by="frames", codes=error | {INVALID_PAYLOAD})
    valid = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for i, code in enumerate(valid, 1):
        yield Case(f"7.7.{i}", (close_frame(code),), ended_by="frames", codes=frozenset({NORMAL, code}))
    for i, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield Case(f"7.9.{i}", (close_frame(code),), ended_by="frames", codes=error)
    for i, code in enumerate((5000, 65535), 1):  # INFORMATIONAL: the RFC says nothing of these
        yield Case(f"7.13.{i}", (close_frame(code),), ended_by="frames", codes=ok | error)


def limits() -> Iterator[Case]:
    """9.1 to 9.6: large messages, whole, in fragments and in chops; 9.7 and 9.8 have steps of their own."""
    for half, opcode, echo in ((0, TEXT, text), (1, BINARY, binary)):
        for i, size in enumerate((64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20), 1):
            payload = pattern(size)
            yield Case(f"9.{1 + half}.{i}", (frame(opcode, payload),), (echo(payload),))
        large = b"*" * (4 << 20)
        for i in range(9):
            yield Case(f"9.{3 + half}.{i + 1}", tuple(fragments(opcode, large, 64 << 2 * i)), (echo(large),))
        payload = pattern(1 << 20)
        for i in range(6):
            yield Case(f"9.{5 + half}.{i + 1}", (frame(opcode, payload),), (echo(payload),), chop=64 << i)


def auto_fragmentation() -> Iterator[Case]:
    """10: a message in fragments of 1300 octets."""
    payload = b"*" * 65536
    yield Case("10.1.1", tuple(fragments(TEXT, payload, 1300)), (text(payload),))


SMALL_GROUPS = (framing, pings, reserved_bits, opcodes, fragmentation, utf8, closing, auto_fragmentation)
