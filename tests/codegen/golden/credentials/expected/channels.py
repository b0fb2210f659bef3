# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Security:
    """Where in a handshake a token may stand, and what it must allow.

    `bearer`: the Authorization header, and the subprotocol `bearer.TOKEN` beside the channel's own. `queries` and
    `headers`: names of query parameters and headers. `optional`: a client without a token may enter, too.
    `basic`: the Authorization header with a name and a password. `cookies`: names of cookies.
    """

    bearer: bool
    queries: tuple[str, ...]
    headers: tuple[str, ...]
    basic: bool
    cookies: tuple[str, ...]
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


BASIC: Final = Channel(
    id="basic",
    address="/basic",
    title="basic",
    summary="",
    subprotocols=(),
    security=Security(bearer=False, queries=(), headers=(), basic=True, cookies=(), scopes=(), optional=False),
)
COOKIE: Final = Channel(
    id="cookie",
    address="/cookie",
    title="cookie",
    summary="",
    subprotocols=(),
    security=Security(
        bearer=True, queries=(), headers=(), basic=False, cookies=("session",), scopes=(), optional=False
    ),
)
ACCOUNT: Final = Channel(
    id="account",
    address="/account",
    title="account",
    summary="",
    subprotocols=(),
    security=Security(bearer=False, queries=(), headers=(), basic=True, cookies=(), scopes=(), optional=False),
)
TOKEN: Final = Channel(
    id="token",
    address="/token",
    title="token",
    summary="",
    subprotocols=(),
    security=Security(bearer=True, queries=("key",), headers=(), basic=True, cookies=(), scopes=(), optional=False),
)
OPEN: Final = Channel(id="open", address="/open", title="open", summary="", subprotocols=(), security=None)

CHANNELS: Final[tuple[Channel, ...]] = (BASIC, COOKIE, ACCOUNT, TOKEN, OPEN)
