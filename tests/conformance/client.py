"""Client: a raw socket that sends whatever it is told, and reads what comes back. It hides no fault of either side."""

import base64
import hashlib
import select
import socket
import struct
import time
from collections.abc import Iterable
from typing import Self

from tests.conformance.frames import Close, Event, Message, Ping, Pong, Reader, close_frame, frame
from tests.conformance.server import PATIENCE

KEY = base64.b64encode(b"the sample nonce").decode()
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def upgrade(**headers: str | None) -> bytes:
    """Return an opening handshake; a header given by name (`_` for `-`) replaces its own, None leaves it out."""
    values: dict[str, str | None] = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    for name, value in headers.items():
        values[name.replace("_", "-")] = value
    lines = [f"{name}: {value}" for name, value in values.items() if value is not None]
    return "\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode()


class Gone(Exception):
    """The server ended the connection where something more was due."""


class Response:
    """An HTTP response's head and body."""

    def __init__(self, head: bytes, body: bytes = b"") -> None:
        """Read the head."""
        first, *rest = head.decode("latin-1").split("\r\n")
        version, status, *_ = first.split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), first
        self.status = int(status)
        self.headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)
        }
        self.body = body


class Client:
    """One connection. Every wait has a deadline, in seconds, and fails with TimeoutError."""

    def __init__(self, port: int, *, receive_buffer: int | None = None, patience: float = PATIENCE) -> None:
        """Connect, no more: `open` does the handshake."""
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(patience)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.patience = patience
        self.reader = Reader()
        self.raw = bytearray()
        self.upgraded = False
        self.ended = False
        self.reset = False
        self.close_sent = False
        self._events: list[Event] = []
        self._poll = select.poll()

    @classmethod
    def open(cls, port: int, *, behind: bytes = b"", receive_buffer: int | None = None) -> Self:
        """Connect and shake hands, with `behind` in the same packet as the request."""
        client = cls(port, receive_buffer=receive_buffer)
        client.send(upgrade() + behind)
        response = client.response()
        assert response.status == 101, response.status
        client.be_upgraded(response)
        return client

    def be_upgraded(self, response: Response) -> None:
        """Check the server's handshake, and read frames from here on."""
        accept = base64.b64encode(hashlib.sha1((KEY + GUID).encode()).digest()).decode()
        assert response.headers["sec-websocket-accept"] == accept
        assert response.headers["upgrade"].lower() == "websocket"
        assert "upgrade" in response.headers["connection"].lower()
        assert "sec-websocket-extensions" not in response.headers
        assert "sec-websocket-protocol" not in response.headers
        self.upgraded = True
        self.reader.feed(bytes(self.raw))
        self.raw.clear()

    def __enter__(self) -> Self:
        """Return this connection, for `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the socket, whatever is unread."""
        self.sock.close()

    # ------------------------------------------------------------------------------------------------- bytes

    def send(self, data: bytes, *, read: bool = True, seconds: float | None = None) -> int:
        """Send bytes, reading what comes meanwhile; return how many went out.

        Fewer than given only where the server ended the connection, or, with `read=False`, where it took no more for
        `seconds`.
        """
        view = memoryview(data)
        sent = 0
        while sent < len(data) and not (self.ended and self.reset):
            try:
                sent += self.sock.send(view[sent:])
                continue
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                self.reset = True
                break
            if not self._wait(select.POLLOUT | (select.POLLIN if read and not self.ended else 0), seconds):
                if not read:
                    return sent
                raise TimeoutError(f"the server took {sent} of {len(data)} bytes and no more")
            if read:
                self._receive()
        return sent

    def send_chopped(self, data: bytes, size: int) -> None:
        """Send bytes in pieces of `size`, each by a write of its own."""
        for at in range(0, len(data), size):
            if self.send(data[at : at + size]) == 0:
                return

    def _wait(self, mask: int, seconds: float | None = None) -> bool:
        self._poll.register(self.sock, mask)
        return bool(self._poll.poll((self.patience if seconds is None else seconds) * 1000))

    def _receive(self) -> None:
        """Take what is there."""
        while not self.ended:
            try:
                data = self.sock.recv(1 << 18)
            except BlockingIOError:
                return
            except ConnectionResetError:
                self.ended = self.reset = True
                return
            if not data:
                self.ended = True
            elif self.upgraded:
                self.reader.feed(data)
            else:
                self.raw += data

    def more(self, seconds: float | None = None) -> bool:
        """Wait for bytes or the end; return False where neither comes in time."""
        if not self.ended:
            if not self._wait(select.POLLIN, seconds):
                return False
            self._receive()
        return True

    def abort(self) -> None:
        """Reset the connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # -------------------------------------------------------------------------------------------------- HTTP

    def response(self) -> Response:
        """Wait for the next HTTP response; Gone where the connection ends before."""
        while b"\r\n\r\n" not in self.raw:
            if self.ended:
                raise Gone(bytes(self.raw[:200]))
            if not self.more():
                raise TimeoutError("no HTTP response")
        head, _, rest = bytes(self.raw).partition(b"\r\n\r\n")
        response = Response(head)
        size = 0 if response.status == 101 else int(response.headers.get("content-length", "0"))
        while len(rest) < size:
            if not self.ended and not self.more():
                raise TimeoutError("no HTTP body")
            rest = bytes(self.raw).partition(b"\r\n\r\n")[2]
            if self.ended and len(rest) < size:
                raise Gone("in the midst of a body")
        response.body = rest[:size]
        self.raw = bytearray(rest[size:])
        return response

    def answer(self) -> int | None:
        """Wait for a response's status, or None where the connection ends without one."""
        try:
            return self.response().status
        except Gone:
            return None

    # ------------------------------------------------------------------------------------------------- frames

    def next(self, seconds: float | None = None) -> Event | None:
        """Wait for the next event; None at the end of the connection. A close frame is answered once."""
        deadline = time.monotonic() + (self.patience if seconds is None else seconds)
        while not self._events:
            self._events.extend(self.reader.events())
            if self._events:
                break
            if self.ended:
                return None
            if not self.more(max(0.0, deadline - time.monotonic())):
                raise TimeoutError("no frame and no end")
        event = self._events.pop(0)
        if isinstance(event, Close) and not self.close_sent:
            self.close_sent = True
            self.send(close_frame(event.code) if event.code is not None else frame(8))
        return event

    def expect(self, *events: Event) -> None:
        """Wait for exactly these events, in this order."""
        for event in events:
            came = self.next()
            assert came == event, f"{came} came, not {event}"

    def rest(self) -> list[Event]:
        """Wait for the end; return all events until then."""
        events: list[Event] = []
        while (event := self.next()) is not None:
            events.append(event)
        return events

    def close(self, code: int = 1000) -> None:
        """Start the closing handshake."""
        self.close_sent = True
        self.send(close_frame(code))

    def end_well(self) -> None:
        """Close by the book: the server answers with the code and ends the connection."""
        self.close()
        events = self.rest()
        assert [type(event) for event in events] == [Close], events
        assert events[0] == Close(1000, events[0].reason) if isinstance(events[0], Close) else False

    def round_trip(self, tag: bytes) -> None:
        """Have a ping answered and a message echoed."""
        self.send(frame(9, tag[:125]) + frame(2, tag))
        self.expect(Pong(tag[:125]), Message(tag, text=False))

    def end_of(self, codes: Iterable[int]) -> list[Event]:
        """Wait for the server to fail the connection with one of the codes; return the events before."""
        events = self.rest()
        last = events[-1] if events else None
        assert isinstance(last, Close), f"the connection ended without a close frame after {events}"
        assert last.code in set(codes), f"{last}, not one of {sorted(codes)}"
        return [event for event in events[:-1] if not isinstance(event, Ping)]
