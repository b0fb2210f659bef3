"""Frames: builds a client's frames, right and wrong ones, and reads a server's. It knows no socket."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"
"""The mask of RFC 6455's own examples."""


class ServerFault(AssertionError):
    """The server sent what RFC 6455 forbids a server to send."""


def xor(payload: bytes, mask: bytes) -> bytes:
    """Mask or unmask a payload of any length."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    length: int | None = None,
    width: int | None = None,
) -> bytes:
    """Return a client's frame.

    `rsv` is the three reserved bits as a number of 0 to 7. `mask=None` leaves the frame without a mask, as no client
    may. `length` is what the frame declares where that differs from its payload's length, `width` how many bits say it
    (7, 16 or 64; None: as few as will do).
    """
    declared = len(payload) if length is None else length
    if width is None:
        width = 7 if declared < 126 else 16 if declared < 65536 else 64
    flag = 0 if mask is None else 0x80
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if width == 7:
        head += bytes([flag | declared])
    elif width == 16:
        head += struct.pack("!BH", flag | 126, declared)
    else:
        head += struct.pack("!BQ", flag | 127, declared)
    return head + payload if mask is None else head + mask + xor(payload, mask)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """Return a client's close frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


def fragments(opcode: int, payload: bytes, size: int) -> list[bytes]:
    """Return a message as frames of at most `size` bytes of payload each."""
    count = max(1, -(-len(payload) // size))
    return [
        frame(CONTINUATION if i else opcode, payload[i * size : (i + 1) * size], fin=i == count - 1)
        for i in range(count)
    ]


@dataclass(frozen=True)
class Message:
    """A whole message."""

    payload: bytes
    text: bool

    def __repr__(self) -> str:
        """Say what is needed to find the fault, not 16 MiB."""
        return f"{'Text' if self.text else 'Binary'}({len(self.payload)}: {self.payload[:24]!r})"


@dataclass(frozen=True)
class Ping:
    """A ping."""

    payload: bytes


@dataclass(frozen=True)
class Pong:
    """A pong."""

    payload: bytes


@dataclass(frozen=True)
class Close:
    """A close frame; `code` is None where it has none."""

    code: int | None
    reason: str = ""


Event = Message | Ping | Pong | Close


class Reader:
    """Reads a server's bytes, in any split, into events; raises ServerFault for what no server may send."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self._bytes = bytearray()
        self._at = 0
        self._parts: list[bytes] = []
        self._text: bool | None = None
        self._closed = False

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._bytes += data

    @property
    def rest(self) -> int:
        """How many bytes are left that make no whole frame."""
        return len(self._bytes) - self._at

    def events(self) -> Iterator[Event]:
        """Take out the events that are whole."""
        while (event := self._frame()) is not None:
            if event is not _NOTHING:
                yield event

    def _frame(self) -> Event | None:
        have = len(self._bytes) - self._at
        if have < 2:
            return None
        if self._closed:
            raise ServerFault("bytes after the close frame")
        first, second = self._bytes[self._at], self._bytes[self._at + 1]
        fin, opcode = first >> 7, first & 15
        if first & 0x70:
            raise ServerFault(f"reserved bits are set: {first:#04x}")
        if second & 0x80:
            raise ServerFault("a server's frame has a mask")
        size, head = second, 2
        if second == 126:
            head = 4
            if have < head:
                return None
            size = int.from_bytes(self._bytes[self._at + 2 : self._at + 4], "big")
            if size < 126:
                raise ServerFault("a length in more bits than it needs")
        elif second == 127:
            head = 10
            if have < head:
                return None
            size = int.from_bytes(self._bytes[self._at + 2 : self._at + 10], "big")
            if size < 65536:
                raise ServerFault("a length in more bits than it needs")
        if opcode >= 8 and (second > 125 or not fin):
            raise ServerFault("a control frame that is too long or fragmented")
        if have < head + size:
            return None
        start = self._at + head
        payload = bytes(self._bytes[start : start + size])
        self._at = start + size
        if self._at > 65536:
            del self._bytes[: self._at]
            self._at = 0
        return self._event(opcode, payload, fin=bool(fin))

    def _event(self, opcode: int, payload: bytes, *, fin: bool) -> Event:
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return Pong(payload)
        if opcode == CLOSE:
            self._closed = True
            return _close(payload)
        if opcode in (TEXT, BINARY):
            if self._text is not None:
                raise ServerFault("a new message in the midst of another")
            self._text = opcode == TEXT
        elif opcode != CONTINUATION:
            raise ServerFault(f"opcode {opcode}")
        elif self._text is None:
            raise ServerFault("a continuation of nothing")
        self._parts.append(payload)
        if not fin:
            return _NOTHING
        whole, text = b"".join(self._parts), self._text
        self._parts, self._text = [], None
        if text:
            try:
                whole.decode()
            except UnicodeDecodeError as error:
                raise ServerFault("a text message that is not UTF-8") from error
        return Message(whole, text)


_NOTHING = Ping(b"\0nothing")
"""What stands for a fragment: there is no event yet, but there may be more bytes."""


def _close(payload: bytes) -> Close:
    if not payload:
        return Close(None)
    if len(payload) == 1:
        raise ServerFault("a close frame of one byte")
    code = int.from_bytes(payload[:2], "big")
    if not (code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code <= 4999):
        raise ServerFault(f"close code {code} may not be sent")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError as error:
        raise ServerFault("a close frame's reason is not UTF-8") from error
