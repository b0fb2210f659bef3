"""Sockets: what is asked of the system about one connection's socket. It never writes or closes one.

Every question has an answer on every system and event loop, if only "unknown".
"""

import asyncio
import socket
import sys
from typing import Any, Final, cast

if sys.platform == "win32":
    ioctl = None
else:
    import termios
    from fcntl import ioctl

_NOTSENT_LOWAT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", 25 if sys.platform == "linux" else None)
_TCP_INFO: Final = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
UNSENT_BYTES: Final = 64 * 1024
"""What the system holds unsent, at most, before it takes no more."""
_BYTES_ACKED: Final = 120
"""Where `tcpi_bytes_acked` stands in Linux's `struct tcp_info`: eight bytes of it, since Linux 4.1."""


def _socket_of(transport: asyncio.Transport) -> Any:
    return transport.get_extra_info("socket")


def plain_descriptor(transport: asyncio.Transport) -> int:
    """Return the descriptor to which frames can be written as they are; -1 with TLS and where there is no socket."""
    if transport.get_extra_info("sslcontext") is not None:
        return -1
    found = _socket_of(transport)
    return -1 if found is None else cast("int", found.fileno())


def keep_little_unsent(transport: asyncio.Transport) -> None:
    """Have frames sent at once, and little of what is unsent held by the system, so that a stall shows soon."""
    found = _socket_of(transport)
    if found is None:
        return
    try:
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if _NOTSENT_LOWAT is not None:
            found.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, UNSENT_BYTES)
    except OSError:
        return  # not TCP, or gone already


def unsent_bytes(transport: asyncio.Transport) -> int:
    """Return how many bytes the system holds that the peer has not acknowledged; 0 where it can't tell."""
    found = _socket_of(transport)
    if found is None or ioctl is None:
        return 0
    try:
        # SIOCOUTQ is TIOCOUTQ's number.
        return int.from_bytes(ioctl(found.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0


def acknowledged_bytes(transport: asyncio.Transport) -> int | None:
    """Return how many bytes the peer has acknowledged since the connection began; None where the system can't tell."""
    found = _socket_of(transport)
    if found is None or _TCP_INFO is None:
        return None
    try:
        info = found.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _BYTES_ACKED + 8)
    except OSError:
        return None
    if len(info) < _BYTES_ACKED + 8:
        return None
    return int.from_bytes(info[_BYTES_ACKED:], sys.byteorder)
