# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Security:
    """Where in a handshake a token may stand, and what it must allow.

    `bearer`: the Authorization header, and the subprotocol `bearer.TOKEN` beside the channel's own. `queries` and
    `headers`: names of query parameters and headers. `optional`: a client without a token may enter, too.
    """

    bearer: bool
    queries: tuple[str, ...]
    headers: tuple[str, ...]
    scopes: tuple[str, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str
    subprotocols: tuple[str, ...]
    security: Security | None


BARS: Final = Channel(
    id="bars",
    address="/api/v1/ws",
    title="Bars",
    summary="Live bars by request and reply.",
    subprotocols=("tapecast.v1",),
    security=Security(bearer=True, queries=("token",), headers=(), scopes=(), optional=True),
)

CHANNELS: Final[tuple[Channel, ...]] = (BARS,)
