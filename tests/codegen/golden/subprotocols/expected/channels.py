# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str
    subprotocols: tuple[str, ...]


ROOM: Final = Channel(id="room", address="/room", title="room", summary="", subprotocols=("talk.v2", "talk.v1"))

CHANNELS: Final[tuple[Channel, ...]] = (ROOM,)
