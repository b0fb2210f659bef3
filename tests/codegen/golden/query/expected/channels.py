# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, TypeAdapter

from .addresses import Parameter, read_query


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str


ROOM: Final = Channel(id="room", address="/room", title="room", summary="")
HALL: Final = Channel(id="hall", address="/hall", title="hall", summary="")

CHANNELS: Final[tuple[Channel, ...]] = (ROOM, HALL)


_ROOM_QUERY: Final = (
    Parameter[str]("from", "string", TypeAdapter(str), "a string"),
    Parameter[int]("count", "integer", TypeAdapter(Annotated[int, Field(ge=1)]), "an integer of at least 1"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomQuery:
    """What may stand in the query of `room`."""

    from_: str = "start"
    count: int
    """How many."""


def read_room_query(scope: Mapping[str, Any]) -> RoomQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "from", "count")
    return RoomQuery(from_=_ROOM_QUERY[0].optional(found, "start"), count=_ROOM_QUERY[1].required(found))


Query: TypeAlias = RoomQuery
"""What stands in the query of any channel."""
