# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import Field, TypeAdapter

from .addresses import Address, Parameter


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


ROOM: Final = Channel(
    id="room",
    address="/rooms/{number}",
    title="room",
    summary="",
    subprotocols=(),
    security=Security(bearer=False, queries=(), headers=("x-badge",), scopes=("hear",), optional=False),
)

CHANNELS: Final[tuple[Channel, ...]] = (ROOM,)


_ROOM_ADDRESS: Final = Address(("rooms", None), slashes=False)
_ROOM_PARAMETERS: Final = (
    Parameter[int]("number", "integer", TypeAdapter(Annotated[int, Field(ge=1)]), "an integer of at least 1"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomParameters:
    """What stands in an address of `room`."""

    number: int


def parse_room(raw_path: bytes) -> RoomParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/rooms/{number}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _ROOM_ADDRESS.split(raw_path)
    if values is None:
        return None
    return RoomParameters(number=_ROOM_PARAMETERS[0].read(values[0]))


def format_room(parameters: RoomParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _ROOM_ADDRESS.join(parameters.number)


Parameters: TypeAlias = RoomParameters
"""What stands in an address of any channel."""

_ADDRESSES: Final[tuple[tuple[Address, Channel], ...]] = ((_ROOM_ADDRESS, ROOM),)


def find_channel(raw_path: bytes) -> Channel | None:
    """Return the channel that a path belongs to as it was sent: of several the one whose address says most."""
    return next((channel for address, channel in _ADDRESSES if address.split(raw_path) is not None), None)
