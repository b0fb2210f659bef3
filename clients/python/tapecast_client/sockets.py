# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Sockets: one WebSocket connection, on picows. It knows bytes and close codes, and no message.

picows reads frames in C and hands each over in a plain call. Compression is not offered.
"""

import asyncio
import logging
import re
import socket
import ssl as tls
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import picows

from .faults import ConnectionFailed, Refused

BROKEN: Final = 1006
"""What a connection counts as closed with that broke without a close frame."""

NO_CODE: Final = 1005
"""What a close frame counts as that has no code."""

_TEXT: Final = picows.WSMsgType.TEXT
_BINARY: Final = picows.WSMsgType.BINARY
_CONTINUATION: Final = picows.WSMsgType.CONTINUATION
_CLOSE: Final = picows.WSMsgType.CLOSE
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_READ_BYTES: Final = 1 << 17
"""What the kernel may hold. picows reads all of it at once, into a buffer that grows to fit and stays."""
_KEPT: Final = 8192  # bytes of a refusal's body


class Socket(picows.WSListener):
    """One connection. Whoever opens it is called with the payload of each message."""

    def __init__(
        self,
        take: Callable[[bytes], None],
        take_binary: Callable[[bytes], None],
        opened: Callable[[], None],
        subprotocols: Sequence[str],
        max_bytes: int,
    ) -> None:
        """`take` gets each text message, `take_binary` each binary one, `opened` is called before the first.

        `subprotocols`: of which the server may choose one.
        """
        self.heard = 0
        """Counts frames of every kind."""
        self.subprotocol: str | None = None
        self.lost: Final[asyncio.Future[tuple[int, str]]] = asyncio.get_running_loop().create_future()
        """Gets the close code and reason when the connection has ended."""
        self._take = take
        self._take_binary = take_binary
        self._opened = opened
        self._subprotocols = subprotocols
        self._max_bytes = max_bytes
        self._transport: picows.WSTransport | None = None
        self._parts: list[bytes] = []
        self._is_binary = False
        self._end = (BROKEN, "")
        self._paused = False

    @property
    def paused(self) -> bool:
        """Whether nothing is read at present."""
        return self._paused

    @property
    def is_welcome(self) -> bool:
        """Whether the server chose no subprotocol that it was not offered."""
        return self.subprotocol is None or self.subprotocol in self._subprotocols

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Keep the transport."""
        self._transport = transport
        raw = transport.underlying_transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _READ_BYTES)
        self.subprotocol = transport.response.headers.get("Sec-WebSocket-Protocol")
        if self.is_welcome:
            self._opened()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Hand a message over, whole."""
        self.heard += 1
        kind = frame.msg_type
        if kind == _TEXT and frame.fin:
            self._take(frame.get_payload_as_bytes())
        elif kind == _CLOSE:
            payload = frame.get_payload_as_bytes()
            code = int.from_bytes(payload[:2], "big") if payload else NO_CODE
            self._end = (code, payload[2:].decode(errors="replace"))
            if not transport.is_close_frame_sent:
                transport.send(_CLOSE, payload[:2])
            transport.disconnect()
        elif kind in (_TEXT, _BINARY, _CONTINUATION):
            self._part(transport, frame)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Tell that the connection has ended."""
        if not self.lost.done():
            self.lost.set_result(self._end)

    def pause_writing(self) -> None:
        """Go on: what is sent here is small."""

    def resume_writing(self) -> None:
        """Go on."""

    def send(self, frame: bytes, *, is_binary: bool = False) -> None:
        """Send a message: text, or bytes."""
        if self._transport is not None:
            self._transport.send(_BINARY if is_binary else _TEXT, frame)

    def ping(self) -> None:
        """Send a ping."""
        if self._transport is not None:
            self._transport.send_ping()

    def pause(self) -> None:
        """Read nothing more, so that TCP holds the server back. What was read already is still handed over."""
        if not self._paused and self._transport is not None and not self.lost.done():
            self._paused = True
            with suppress(RuntimeError):  # it is closing
                self._transport.underlying_transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._paused and self._transport is not None:
            self._paused = False
            with suppress(RuntimeError):
                self._transport.underlying_transport.resume_reading()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    async def close(self, timeout_s: float) -> None:
        """Close the connection with 1000, and wait for the server's close frame so long."""
        if self._transport is not None and not self.lost.done():
            self._take = self._take_binary = _ignore
            self.resume()
            self._transport.send_close(picows.WSCloseCode.OK)
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(timeout_s):
                        await asyncio.shield(self.lost)
            finally:
                self.abort()
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is left of the connection."""
        if self._transport is not None:
            with suppress(Exception):  # its reason was told when it happened
                await self._transport.wait_disconnected()

    def _part(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type != _CONTINUATION:
            self._parts, self._is_binary = [], frame.msg_type == _BINARY
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > self._max_bytes:
            self._parts.clear()
            transport.send_close(picows.WSCloseCode.MESSAGE_TOO_BIG)
            transport.disconnect()
        elif frame.fin:
            message = b"".join(self._parts)
            self._parts.clear()
            (self._take_binary if self._is_binary else self._take)(message)


def _ignore(message: bytes) -> None:
    """Drop a message of a connection that is being closed."""


async def open_socket(
    url: str,
    *,
    take: Callable[[bytes], None],
    take_binary: Callable[[bytes], None],
    opened: Callable[[], None],
    headers: Mapping[str, str],
    subprotocols: Sequence[str],
    offered: Sequence[str],
    secret: str | None,
    deadline: float,
    timeout_s: float,
    max_bytes: int,
    ssl: tls.SSLContext | None,
    proxy: str | None,
) -> Socket:
    """Return an open connection. `offered` are sent as subprotocols beside `subprotocols`, and can't be chosen.

    `secret` is taken out of whatever an error shows. `deadline` is by the clock of the event loop, `timeout_s` is what
    there was until then. Raises ConnectionFailed and Refused.
    """
    where = url.partition("?")[0]
    made: list[Socket] = []

    def make() -> Socket:
        made.append(Socket(take, take_binary, opened, subprotocols, max_bytes))
        return made[0]

    all_offered = ", ".join((*subprotocols, *offered))
    # What picows logs holds the handshake, and with it the token.
    silent = logging.Logger("picows", logging.CRITICAL + 1)
    try:
        async with asyncio.timeout_at(deadline):
            await picows.ws_connect(
                make,
                url,
                ssl_context=ssl,
                websocket_handshake_timeout=None,
                logger_name=silent,
                max_frame_size=max_bytes,
                extra_headers={**headers, **({"Sec-WebSocket-Protocol": all_offered} if all_offered else {})},
                max_redirects=0,  # a token goes where it was meant to, and nowhere else
                proxy=proxy,
            )
    except TimeoutError:
        raise ConnectionFailed(f"{where} did not answer in {timeout_s:g} s", TimeoutError()) from None
    except picows.WSHandshakeError as error:
        if error.response is None:
            raise ConnectionFailed(f"what answers at {where} is no WebSocket server") from None
        body = (error.raw_body or b"")[:_KEPT].decode(errors="replace")
        after = str(error.response.headers.get("Retry-After", ""))
        status = int(error.response.status)
        raise Refused(status, hide(body, secret), float(after) if _SECONDS.fullmatch(after) else None) from None
    except (OSError, picows.WSError, ValueError) as error:
        cause = error if isinstance(error, OSError) else None
        raise ConnectionFailed(f"{where} can't be reached: {hide(str(error), secret)}", cause) from None
    if not made:
        raise ConnectionFailed(f"{where} ended the connection within the handshake")
    listener = made[0]  # what picows returns is None for a connection that has ended again already
    if not listener.is_welcome:
        listener.abort()
        raise ConnectionFailed(f"{where} chose a subprotocol that it was not offered")
    return listener


def hide(text: str, secret: str | None) -> str:
    """Return a text without the secret."""
    return text.replace(secret, "[token]") if secret else text
