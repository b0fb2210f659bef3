"""Shaking: tries handshakes on a server and tells how they went, as an engine would. It judges nothing."""

import asyncio
import contextlib

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from contract.conversation import Unbiased
from contract.handshakes import Case, Outcome


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
