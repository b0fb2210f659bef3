"""Model: what an echo server may answer to any bytes of a client, read off RFC 6455. It knows no socket.

Where the RFC (or the limit on messages) leaves a server a choice, the model gives every outcome that is allowed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.conformance.frames import CLOSE, CONTINUATION, PING, PONG, TEXT, Event, Message, Pong, xor

NORMAL, PROTOCOL_ERROR, INVALID_PAYLOAD, TOO_LARGE = 1000, 1002, 1007, 1009


@dataclass(frozen=True)
class Outcome:
    """What comes back, and how it ends.

    `codes`: the close codes one of which has to come; empty: the connection stays open. `between` says that no frame
    and no message is under way then, so that the next frame will be read as one.
    """

    events: tuple[Event, ...]
    codes: frozenset[int | None] = frozenset()
    between: bool = False


def valid_close_code(code: int) -> bool:
    """Say whether a client may send a close code (1012 to 1014 are registered after the RFC)."""
    return code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code <= 4999


def is_utf8(payload: bytes) -> bool:
    """Say whether the bytes are UTF-8 to the end."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def may_become_utf8(payload: bytes) -> bool:
    """Say whether bytes that are UTF-8 may still follow."""
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def outcomes(stream: bytes, max_message: int) -> list[Outcome]:
    """Return every outcome that a server may choose for the bytes, with that limit on a message's bytes."""
    return list(_Walk(stream, max_message).outcomes())


class _Walk:
    def __init__(self, stream: bytes, max_message: int) -> None:
        self.stream, self.max = stream, max_message
        self.events: list[Event] = []
        self.opcode: int | None = None
        self.parts = b""

    def _fail(self, *codes: int) -> Outcome:
        return Outcome(tuple(self.events), frozenset(codes))

    def _open(self, *, between: bool = False) -> Outcome:
        return Outcome(tuple(self.events), between=between)

    def outcomes(self) -> Iterator[Outcome]:
        """Walk over the frames."""
        at = 0
        while at < len(self.stream):
            head = self.stream[at : at + 14]
            faults = self._faults(head)
            whole = _head_size(head)
            if faults:
                yield self._fail(*faults)
                # Who waits for the whole head may still be waiting, or find a further fault in it.
                if whole is None or len(head) < whole:
                    yield self._open()
                return
            if whole is None or len(head) < whole:
                yield self._open()
                return
            if not _is_minimal(head):  # "the minimal number of bytes MUST be used": many a server takes it all the same
                yield self._fail(PROTOCOL_ERROR)
            size, start = _declared(head), at + whole
            mask, payload = head[whole - 4 : whole], self.stream[start : start + size]
            payload, opcode, fin = xor(payload, mask), head[0] & 15, bool(head[0] & 0x80)
            complete = len(payload) == size
            if opcode < 8:
                if opcode:
                    self.opcode, self.parts = opcode, b""
                if len(self.parts) + size > self.max:
                    yield self._fail(TOO_LARGE)
                    if not complete:
                        yield self._open()
                    return
                self.parts += payload
                if self.opcode == TEXT and not may_become_utf8(self.parts):
                    yield self._fail(INVALID_PAYLOAD)
                    if complete and fin:
                        return
            if not complete:
                yield self._open()
                return
            at = start + size
            if opcode >= 8:
                if opcode == CLOSE:
                    yield self._closed(payload)
                    return
                if opcode == PING:
                    self.events.append(Pong(payload))
            elif fin:
                if self.opcode == TEXT and not is_utf8(self.parts):
                    yield self._fail(INVALID_PAYLOAD)
                    return
                self.events.append(Message(self.parts, text=self.opcode == TEXT))
                self.opcode, self.parts = None, b""
        yield self._open(between=True)

    def _faults(self, head: bytes) -> set[int]:
        """Return the codes for what is wrong with as much of a frame's head as there is."""
        faults: set[int] = set()
        opcode, fin = head[0] & 15, head[0] & 0x80
        if head[0] & 0x70 or opcode in (3, 4, 5, 6, 7) or opcode > PONG:
            faults.add(PROTOCOL_ERROR)
        if opcode >= 8 and not fin:
            faults.add(PROTOCOL_ERROR)
        if (opcode == CONTINUATION) != (self.opcode is not None) and opcode < 8:
            faults.add(PROTOCOL_ERROR)
        if len(head) > 1:
            if not head[1] & 0x80 or (opcode >= 8 and head[1] & 127 > 125):
                faults.add(PROTOCOL_ERROR)
            size = _declared(head)
            if size > self.max:
                faults.add(TOO_LARGE)
            if size >> 63:
                faults.add(PROTOCOL_ERROR)
        return faults

    def _closed(self, payload: bytes) -> Outcome:
        if not payload:
            return Outcome(tuple(self.events), frozenset({None, NORMAL}))
        if len(payload) == 1:
            return self._fail(PROTOCOL_ERROR)
        code, faults = int.from_bytes(payload[:2], "big"), set[int]()
        if not valid_close_code(code):
            faults.add(PROTOCOL_ERROR)
        if not is_utf8(payload[2:]):
            faults |= {PROTOCOL_ERROR, INVALID_PAYLOAD}
        if faults:
            return self._fail(*faults)
        if 1012 <= code <= 1014:  # not known to every server
            return self._fail(code, NORMAL, PROTOCOL_ERROR)
        return self._fail(code, NORMAL)


def _head_size(head: bytes) -> int | None:
    """Return how many octets the head has, the mask among them; None where that can't be said yet."""
    if len(head) < 2:
        return None
    return 6 + {126: 2, 127: 8}.get(head[1] & 127, 0)


def _declared(head: bytes) -> int:
    """Return the declared length, or 0 where it is not whole yet."""
    size = head[1] & 127
    if size == 126:
        return int.from_bytes(head[2:4], "big") if len(head) >= 4 else 0
    if size == 127:
        return int.from_bytes(head[2:10], "big") if len(head) >= 10 else 0
    return size


def _is_minimal(head: bytes) -> bool:
    size = head[1] & 127
    return not ((size == 126 and _declared(head) < 126) or (size == 127 and _declared(head) < 65536))
