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


CLASS: Final = Channel(id="class", address="/a", title="class", summary="")
CLASS_2: Final = Channel(id="Class", address="/b", title="Class", summary="")
CHANNELS_2: Final = Channel(id="channels", address="/c", title="channels", summary="")
CHAT_ROOM: Final = Channel(id="chat.room", address="/d", title="chat.room", summary="")
CHAT_ROOM_2: Final = Channel(id="chat_room", address="/e", title="chat_room", summary="")
U6D88_U606F: Final = Channel(id="消息", address="/f", title="消息", summary="")
CHANNEL_1: Final = Channel(id="1", address="/g", title="1", summary="")
SERVE: Final = Channel(id="serve", address="/h", title="serve", summary="")
SESSION: Final = Channel(id="session", address="/i", title="session", summary="")
UNNAMED: Final = Channel(id="!", address="/j", title="!", summary="")
DECODE_CLASS: Final = Channel(id="decode_class_", address="/k", title="decode_class_", summary="")

CHANNELS: Final[tuple[Channel, ...]] = (
    CLASS,
    CLASS_2,
    CHANNELS_2,
    CHAT_ROOM,
    CHAT_ROOM_2,
    U6D88_U606F,
    CHANNEL_1,
    SERVE,
    SESSION,
    UNNAMED,
    DECODE_CLASS,
)
