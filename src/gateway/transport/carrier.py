"""Carrier: what a transport class offers to a connection, and what it tells it. It never knows what a message means."""

from collections.abc import Coroutine
from typing import Any, ClassVar, Protocol, cast

from fastapi import WebSocket
from starlette.types import Scope

from generated.errors import CloseCode
from streaming.transport import Transport

EXTENSION = "tapecast.connection"
"""Where a carrier stands in its scope's extensions."""
NO_STATUS, ABNORMAL = 1005, 1006
"""What stands for the code where a close frame had none, and where no close frame came."""


class Listener(Protocol):
    """Who is told of an open connection. What a method raises is logged and ends that connection with 1011."""

    def received(self, text: str | None, /) -> Coroutine[Any, Any, None] | None:
        """Take a message; None is a binary one. What comes later waits until a returned coroutine has run."""
        ...

    def stalled(self) -> None:
        """Take that nothing more can be written now: leave every list of descriptors.

        Told once for each stall, and when the connection begins to end.
        """
        ...

    def writable(self) -> None:
        """Take that after a stall all bytes are gone."""
        ...

    def lost(self, code: int, /) -> None:
        """Take that the connection is over: told once, last.

        `code` is the close code: the client's, or ours where we closed; 1005 where its close frame had none, 1006 where
        no close frame came.
        """
        ...


class Carrier(Transport, Protocol):
    """A connection behind an endpoint, of whichever transport class."""

    form: ClassVar[str]
    """What the metrics call this transport."""

    @property
    def client(self) -> tuple[str, int] | None:
        """Where the client is: host and port."""
        ...

    def open(self, listener: Listener, /) -> None:
        """Hand the accepted connection to who hears of it from now on."""
        ...

    def close_with(self, code: CloseCode) -> None:
        """Close with a code and text of the document."""
        ...


class HasClient(Protocol):
    """A connection of any kind."""

    @property
    def client(self) -> tuple[str, int] | None:
        """Where the client is: host and port."""
        ...


def address_of(connection: HasClient) -> str:
    """Return the client's address as `host:port`, for the logs."""
    return f"{connection.client[0]}:{connection.client[1]}" if connection.client else "?"


def carrier_in(scope: Scope) -> Carrier | None:
    """Return the carrier of a WebSocket's scope; None under a server that was started without our transport."""
    return cast("Carrier | None", (scope.get("extensions") or {}).get(EXTENSION))


def carrier_of(websocket: WebSocket) -> Carrier:
    """Return the connection behind an endpoint. Raises RuntimeError under a server that was started without it."""
    carrier = carrier_in(websocket.scope)
    if carrier is None:
        raise RuntimeError("the WebSocket class is not Tapecast's: start the server with `tapecast serve`")
    return carrier
