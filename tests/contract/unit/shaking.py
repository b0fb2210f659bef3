"""Shaking: tries handshakes on a server and tells how they went, as an engine would. It judges nothing."""

import asyncio
import contextlib
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from contract.handshakes import Case, Outcome


class Unbiased(ClientConnection):
    """A connection whose server may choose any subprotocol, also one that wasn't offered: the judge is another."""

    def __init__(self, protocol: ClientProtocol, **options: Any) -> None:
        def chosen(headers: Headers) -> Subprotocol | None:
            names = headers.get_all("Sec-WebSocket-Protocol")
            return Subprotocol(names[0]) if names else None

        protocol.process_subprotocol = chosen  # type: ignore[method-assign]
        super().__init__(protocol, **options)


async def shake(base: str, case: Case, *, moment: float = 0.1) -> Outcome:
    """Try one handshake, and see for so many seconds whether the server closes."""
    try:
        connection = await connect(
            base + case.connect.target,
            additional_headers=list(case.connect.headers),
            subprotocols=[Subprotocol(name) for name in case.connect.subprotocols] or None,
            create_connection=Unbiased,
            max_queue=None,  # so that a close frame is read, however much came before it
            proxy=None,
            compression=None,
        )
    except InvalidStatus as error:
        return Outcome(error.response.status_code)
    except (OSError, InvalidHandshake, EOFError):
        return Outcome(lost=True)
    try:
        return await _see(connection, moment)
    finally:
        with contextlib.suppress(ConnectionClosed):
            await connection.close()


async def _see(connection: ClientConnection, moment: float) -> Outcome:
    data = False
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(moment):
            await connection.recv()
            data = True
            await connection.wait_closed()
    frame = connection.protocol.close_rcvd
    closed = connection.protocol.state.name == "CLOSED"
    return Outcome(None, connection.subprotocol, frame.code if frame else None, data, closed and frame is None)
