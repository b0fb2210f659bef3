"""Frames: RFC 6455's bytes: a server's frames out, a client's frames in. It never sees a socket, or what one means.

Out: a server's frame has no mask, so the same bytes serve every client. In: `read_frames` takes bytes as they come and
gives what they hold; what is kept between two pieces of bytes is a `Partial`, and nothing at all where they end with a
whole message.
"""

import codecs
from collections.abc import Generator, Sequence
from typing import Final, NamedTuple, TypeAlias

try:
    from websockets.speedups import apply_mask
except ImportError:  # where websockets was built without a C compiler
    from websockets.utils import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PROTOCOL_ERROR, INVALID_PAYLOAD, MESSAGE_TOO_BIG = 1002, 1007, 1009
MAX_CONTROL: Final = 125
"""Bytes of a control frame's payload, at most."""
FREE_FRAGMENTS: Final = 128
"""How many fragments a message may have whatever its size; one more for each 64 bytes that a message may have."""

# ------------------------------------------------------------------------------------------------------------- out

_FIN: Final = 0x80
_SHORT_TEXT: Final = tuple(bytes((_FIN | TEXT, length)) for length in range(126))
_MEDIUM_TEXT: Final = bytes((_FIN | TEXT, 126))
_LONG_TEXT: Final = bytes((_FIN | TEXT, 127))


def header(opcode: int, length: int) -> bytes:
    """Return the header of a whole, unmasked frame whose payload has `length` bytes."""
    if length < 126:
        return bytes((_FIN | opcode, length))
    if length < 65536:
        return bytes((_FIN | opcode, 126)) + length.to_bytes(2, "big")
    return bytes((_FIN | opcode, 127)) + length.to_bytes(8, "big")


def text_frame(payload: bytes) -> bytes:
    """Return a text frame. `payload` is UTF-8 already."""
    return header(TEXT, len(payload)) + payload


def text_frames(payloads: Sequence[bytes]) -> bytes:
    """Return a text frame for each payload, all in one buffer."""
    parts: list[bytes] = []
    for payload in payloads:
        length = len(payload)
        if length < 126:
            parts.append(_SHORT_TEXT[length])
        elif length < 65536:
            parts.append(_MEDIUM_TEXT + length.to_bytes(2, "big"))
        else:
            parts.append(_LONG_TEXT + length.to_bytes(8, "big"))
        parts.append(payload)
    return b"".join(parts)


def binary_frame(payload: bytes) -> bytes:
    """Return a binary frame."""
    return header(BINARY, len(payload)) + payload


def ping_frame(payload: bytes) -> bytes:
    """Return a ping. Raises ValueError where the payload has more than 125 bytes."""
    return _control(PING, payload)


def pong_frame(payload: bytes) -> bytes:
    """Return a pong. Raises ValueError where the payload has more than 125 bytes."""
    return _control(PONG, payload)


def close_frame(code: int | None, reason: str = "") -> bytes:
    """Return a close frame; without a code it is empty. A reason that is too long for it is cut at a character."""
    if code is None:
        return _control(CLOSE, b"")
    text = reason.encode()[: MAX_CONTROL - 2].decode(errors="ignore").encode()
    return _control(CLOSE, code.to_bytes(2, "big") + text)


def _control(opcode: int, payload: bytes) -> bytes:
    if len(payload) > MAX_CONTROL:
        raise ValueError(f"a control frame holds {MAX_CONTROL} bytes at most, not {len(payload)}")
    return bytes((_FIN | opcode, len(payload))) + payload


# -------------------------------------------------------------------------------------------------------------- in


class Ping(NamedTuple):
    """A ping, to be answered by a pong with the same payload."""

    payload: bytes


class Pong(NamedTuple):
    """A pong, asked for or not."""

    payload: bytes


class Close(NamedTuple):
    """A valid close frame, the last event. `code` is None where it had none; `payload` is what an echo repeats."""

    code: int | None
    reason: str
    payload: bytes


class Fault(NamedTuple):
    """The client broke the protocol: the last event. `code` is the close code: 1002, 1007 or 1009."""

    code: int


Event: TypeAlias = str | bytes | Ping | Pong | Close | Fault
"""What came: a whole text message, a whole binary message, or a control frame."""


class Partial:
    """What is kept of a frame or a message that has not come to its end."""

    __slots__ = ("body", "control", "decoder", "fin", "fragments", "header", "mask", "message", "opcode", "remaining")

    def __init__(self) -> None:
        """Hold nothing."""
        self.header = b""
        """The first bytes of a frame whose header is not complete; 13 at most."""
        self.opcode = -1
        """Of the frame whose payload is not complete; -1 between two frames."""
        self.fin = False
        self.mask = b""
        """The mask, turned to where the payload goes on."""
        self.remaining = 0
        """Bytes of the frame's payload that have not come."""
        self.control = b""
        """The payload of a control frame so far."""
        self.message = -1
        """The opcode of the message that has begun; -1 between two messages."""
        self.body = bytearray()
        """The message so far, unmasked."""
        self.fragments = 0
        self.decoder: codecs.IncrementalDecoder | None = None
        """Checks a text message as it comes."""


def read_frames(data: bytes, held: Partial | None, max_bytes: int) -> Generator[Event, None, Partial | None]:
    """Give what `data` holds, in order, as it is asked for; return what has to be held until the next bytes come.

    `held` is what the call for the bytes before returned. A message of more than `max_bytes` is a fault as soon as a
    header says so, before its bytes are kept. After a Close or a Fault nothing follows, whatever the bytes are.
    """
    at = 0
    if held is not None and held.header:
        data = held.header + data
        held.header = b""
    end = len(data)
    while True:
        if held is None or (held.opcode < 0 and held.message < 0):
            # Between two messages: whole ones that have one fragment, nearly all there are, need no state.
            while end - at >= 6:
                first, length = data[at], data[at + 1] - 0x80
                start = at + 2
                if length == 126:
                    length = (data[start] << 8) | data[start + 1]
                    start += 2
                    if length < 126 or first & 8:
                        break
                elif not 0 <= length < 126:
                    break
                stop = start + 4 + length
                if stop > end or length > max_bytes:
                    break
                if first == _FIN | TEXT:
                    try:
                        text = apply_mask(data[start + 4 : stop], data[start : start + 4]).decode()
                    except UnicodeDecodeError:
                        yield Fault(INVALID_PAYLOAD)
                        return None
                    at = stop
                    yield text
                elif first == _FIN | BINARY:
                    payload = apply_mask(data[start + 4 : stop], data[start : start + 4])
                    at = stop
                    yield payload
                elif first in (_FIN | PING, _FIN | PONG):
                    payload = apply_mask(data[start + 4 : stop], data[start : start + 4])
                    at = stop
                    yield Ping(payload) if first == _FIN | PING else Pong(payload)
                else:
                    break
            if at == end:
                return None
            if held is None:
                held = Partial()
        if held.opcode < 0:
            size = _read_header(data, at, held, max_bytes)
            if size < 0:
                yield Fault(-size)
                return None
            if size == 0:
                held.header = data[at:]
                return held if held.header or held.message >= 0 else None
            at += size
        count = min(held.remaining, end - at)
        if count:
            piece = apply_mask(data[at : at + count], held.mask)
            at += count
            held.remaining -= count
            if held.opcode >= CLOSE:
                held.control += piece
            elif not _add(held, piece):
                yield Fault(INVALID_PAYLOAD)
                return None
            turn = count & 3
            if turn:
                held.mask = held.mask[turn:] + held.mask[:turn]
        if held.remaining:
            return held
        opcode, held.opcode = held.opcode, -1
        if opcode >= CLOSE:
            control, held.control = held.control, b""
            if opcode == CLOSE:
                yield _close(control)
                return None
            yield Ping(control) if opcode == PING else Pong(control)
        elif held.fin:
            message, body = held.message, held.body
            decoder, held.decoder = held.decoder, None
            held.message, held.body, held.fragments = -1, bytearray(), 0
            if message == BINARY:
                yield bytes(body)
                continue
            try:
                if decoder is not None:
                    decoder.decode(b"", True)
            except UnicodeDecodeError:
                yield Fault(INVALID_PAYLOAD)
                return None
            yield body.decode()


def _add(held: Partial, piece: bytes) -> bool:
    """Add a piece to the message; say whether it may still become a valid one."""
    held.body += piece
    if held.message == TEXT:
        # A bad text fails at its first bad byte, not when megabytes more have come.
        if held.decoder is None:
            held.decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            held.decoder.decode(piece)
        except UnicodeDecodeError:
            return False
    return True


def _read_header(data: bytes, at: int, held: Partial, max_bytes: int) -> int:
    """Read the header at `at` into `held`; return its size, 0 where it is not complete, a close code's negative."""
    have = len(data) - at
    if have < 2:
        return 0
    first, second = data[at], data[at + 1]
    opcode, fin, length = first & 0x0F, first >= _FIN, second & 0x7F
    if first & 0x70 or not second & 0x80:
        return -PROTOCOL_ERROR
    if opcode >= CLOSE:
        if opcode > PONG or not fin or length > MAX_CONTROL:
            return -PROTOCOL_ERROR
    elif opcode > BINARY or (opcode == CONTINUATION) != (held.message >= 0):
        return -PROTOCOL_ERROR
    size = 6
    if length == 126:
        size = 8
        if have < 4:
            return 0
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 126:
            return -PROTOCOL_ERROR
    elif length == 127:
        size = 14
        if have < 10:
            return 0
        length = int.from_bytes(data[at + 2 : at + 10], "big")
        if length < 65536 or length >> 63:
            return -PROTOCOL_ERROR
    if opcode < CLOSE:
        if len(held.body) + length > max_bytes or held.fragments >= FREE_FRAGMENTS + max_bytes // 64:
            return -MESSAGE_TOO_BIG
        if have < size:
            return 0
        if opcode != CONTINUATION:
            held.message = opcode
        held.fragments += 1
        held.fin = fin
    elif have < size:
        return 0
    held.opcode = opcode
    held.mask = data[at + size - 4 : at + size]
    held.remaining = length
    return size


def _close(payload: bytes) -> Close | Fault:
    """Return what a close frame's payload says, or what is wrong with it."""
    if not payload:
        return Close(None, "", payload)
    try:
        reason = payload[2:].decode()
    except UnicodeDecodeError:
        return Fault(INVALID_PAYLOAD)
    code = int.from_bytes(payload[:2], "big")
    # 1004 to 1006 and 1015 never stand in a frame; 1016 to 2999 are not assigned.
    if len(payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        return Fault(PROTOCOL_ERROR)
    return Close(code, reason, payload)
