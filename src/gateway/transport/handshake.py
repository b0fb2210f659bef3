"""Handshake: whether a request may become a WebSocket, and the bytes of the answer. It never sees a socket.

The statuses and texts of what is refused are websockets' own, so that both transports answer alike.
"""

import base64
import binascii
import email.utils
import hashlib
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]
"""Names in lower case, in the order in which they came."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN: Final = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_BAD_NAME: Final = re.compile(b'[\x00-\x1f\x7f()<>@,;:\\[\\]={} \t\\\\"]')
_BAD_VALUE: Final = re.compile(b"[\x00-\x08\x0a-\x1f\x7f]")


MOST_HEADERS: Final = 128
LONGEST_HEADER: Final = 8190
"""Bytes of one header's line. Both bounds are those of websockets."""


class Handshake(NamedTuple):
    """A request that may become a WebSocket."""

    accept: bytes
    """The answer's Sec-WebSocket-Accept."""
    subprotocols: list[str]
    """What the client offers, in its order."""


class Denied(NamedTuple):
    """A request that may not."""

    status: int
    why: str
    headers: Headers

    def answer(self) -> bytes:
        """Return the HTTP answer."""
        body = f"Failed to open a WebSocket connection: {self.why}.\n".encode()
        return response(self.status, self.headers, body)


def check(method: str, http_version: str, headers: Headers) -> Handshake | Denied:
    """Check an upgrade request by RFC 6455, section 4.2.1."""
    if method != "GET":
        return Denied(405, f"unsupported HTTP method; expected GET; got {method}", [(b"Allow", b"GET")])
    if http_version != "1.1":
        return Denied(505, f"unsupported HTTP version; expected HTTP/1.1; got HTTP/{http_version}", [])
    if len(headers) > MOST_HEADERS or any(len(name) + len(value) + 2 > LONGEST_HEADER for name, value in headers):
        return Denied(431, "the request's head is too large: too many headers, or one that is too long", [])
    host = origin = 0
    key: bytes | None = None
    version: bytes | None = None
    connection: list[bytes] = []
    upgrade: list[bytes] = []
    offered: list[bytes] = []
    for name, value in headers:
        match name:
            case b"host":
                host += 1
            case b"origin":
                origin += 1
            case b"connection":
                connection += _list(value)
            case b"upgrade":
                upgrade += _list(value)
            case b"sec-websocket-key":
                if key is not None:
                    return _bad("invalid Sec-WebSocket-Key header: multiple values")
                key = value
            case b"sec-websocket-version":
                if version is not None:
                    return _bad("invalid Sec-WebSocket-Version header: multiple values")
                version = value
            case b"sec-websocket-protocol":
                offered += _list(value)
            case b"transfer-encoding":
                return _bad("did not receive a valid HTTP request: it has a body")
            case b"content-length" if value.strip(b"0"):
                return _bad("did not receive a valid HTTP request: it has a body")
            case _:
                pass
    if b"upgrade" not in (option.lower() for option in connection):
        return _no_upgrade("Connection", connection)
    if [protocol.lower() for protocol in upgrade] != [b"websocket"]:
        return _no_upgrade("Upgrade", upgrade)
    if host != 1:
        return _bad("missing Host header" if host == 0 else "invalid Host header: multiple values")
    if key is None:
        return _bad("missing Sec-WebSocket-Key header")
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16:
        return _bad(f"invalid Sec-WebSocket-Key header: {_shown(key)}")
    if version is None:
        return _bad("missing Sec-WebSocket-Version header")
    if version != b"13":
        return Denied(
            426,
            f"invalid Sec-WebSocket-Version header: {_shown(version)}",
            [(b"Upgrade", b"websocket"), (b"Sec-WebSocket-Version", b"13")],
        )
    if origin > 1:
        return _bad("invalid Origin header: multiple values")
    for protocol in offered:
        if not _TOKEN.fullmatch(protocol):
            return _bad(f"invalid Sec-WebSocket-Protocol header: expected token in {_shown(protocol)}")
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return Handshake(accept, [protocol.decode() for protocol in offered])


def _list(value: bytes) -> list[bytes]:
    return [part for part in (part.strip() for part in value.split(b",")) if part]


def _shown(value: bytes) -> str:
    return value[:64].decode("ascii", "replace")


def _bad(why: str) -> Denied:
    return Denied(400, why, [])


def _no_upgrade(name: str, values: Iterable[bytes]) -> Denied:
    given = _shown(b", ".join(values))
    why = f"invalid {name} header: {given}" if given else f"missing {name} header"
    return Denied(426, why, [(b"Upgrade", b"websocket")])


def switching(handshake: Handshake, headers: Iterable[tuple[bytes, bytes]], subprotocol: str | None) -> bytes:
    """Return the answer 101. Raises RuntimeError where a header's name or value, or the subprotocol, can't be sent."""
    parts = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        handshake.accept,
    ]
    if subprotocol:
        chosen = subprotocol.encode("ascii", "replace")
        if not _TOKEN.fullmatch(chosen):
            raise RuntimeError(f"the subprotocol {subprotocol!r} is no token")
        parts += [b"\r\nSec-WebSocket-Protocol: ", chosen]
    _add_headers(parts, headers)
    parts.append(b"\r\n\r\n")
    return b"".join(parts)


def response(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """Return a whole HTTP answer after which the connection ends. Raises RuntimeError for a header that can't be sent.

    Date, Content-Length, Content-Type and `Connection: close` are added where `headers` lacks them.
    """
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    for name, value in (
        (b"Date", email.utils.formatdate(usegmt=True).encode()),
        (b"Connection", b"close"),
        (b"Content-Length", str(len(body)).encode()),
        (b"Content-Type", b"text/plain; charset=utf-8"),
    ):
        if name.lower() not in names:
            given.append((name, value))
    parts = [f"HTTP/1.1 {status} {phrase}".encode()]
    _add_headers(parts, given)
    parts += [b"\r\n\r\n", body]
    return b"".join(parts)


def _add_headers(parts: list[bytes], headers: Iterable[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        if _BAD_NAME.search(name) or _BAD_VALUE.search(value):
            raise RuntimeError(f"the header {name!r} can't be sent: its name or value has a forbidden character")
        parts += [b"\r\n", name, b": ", value]
