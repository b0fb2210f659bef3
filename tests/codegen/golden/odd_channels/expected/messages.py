# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from collections.abc import Mapping
from typing import Final, Literal, Never, TypeAlias

from .models import (
    AnyMessage,
    BaseModelMessage,
    Cafe,
    ChannelMessage,
    DecodeClassInline,
    Import,
    Inline,
    Schema1st,
    Str,
    U6d88U606f,
    Unnamed,
)
from .wire import Candidate, DecodeError, Incoming, decode, decode_first

__all__ = [
    "ChannelsIncoming",
    "ChannelsOutgoing",
    "ChatRoom2Incoming",
    "ChatRoom2Outgoing",
    "ChatRoomIncoming",
    "ChatRoomOutgoing",
    "Class2Incoming",
    "Class2Outgoing",
    "ClassIncoming",
    "ClassOutgoing",
    "DecodeClassIncoming",
    "DecodeClassOutgoing",
    "DecodeError",
    "Delivery",
    "Schema1Incoming",
    "Schema1Outgoing",
    "ServeIncoming",
    "ServeOutgoing",
    "SessionIncoming",
    "SessionOutgoing",
    "U6d88U606fIncoming",
    "U6d88U606fOutgoing",
    "UnnamedIncoming",
    "UnnamedOutgoing",
    "decode_channel_1",
    "decode_channels",
    "decode_chat_room",
    "decode_chat_room_2",
    "decode_class_",
    "decode_class_2",
    "decode_decode_class",
    "decode_serve",
    "decode_session",
    "decode_u6d88_u606f",
    "decode_unnamed",
]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""

ClassIncoming: TypeAlias = Import
"""What may come in over `/a`."""

ClassOutgoing: TypeAlias = Never
"""What may go out over `/a`, replies included."""

Class2Incoming: TypeAlias = ChannelMessage
"""What may come in over `/b`."""

Class2Outgoing: TypeAlias = Never
"""What may go out over `/b`, replies included."""

ChannelsIncoming: TypeAlias = AnyMessage
"""What may come in over `/c`."""

ChannelsOutgoing: TypeAlias = Never
"""What may go out over `/c`, replies included."""

ChatRoomIncoming: TypeAlias = Str
"""What may come in over `/d`."""

ChatRoomOutgoing: TypeAlias = Never
"""What may go out over `/d`, replies included."""

ChatRoom2Incoming: TypeAlias = U6d88U606f
"""What may come in over `/e`."""

ChatRoom2Outgoing: TypeAlias = Never
"""What may go out over `/e`, replies included."""

U6d88U606fIncoming: TypeAlias = Cafe
"""What may come in over `/f`."""

U6d88U606fOutgoing: TypeAlias = Never
"""What may go out over `/f`, replies included."""

Schema1Incoming: TypeAlias = Schema1st
"""What may come in over `/g`."""

Schema1Outgoing: TypeAlias = Never
"""What may go out over `/g`, replies included."""

ServeIncoming: TypeAlias = BaseModelMessage
"""What may come in over `/h`."""

ServeOutgoing: TypeAlias = Never
"""What may go out over `/h`, replies included."""

SessionIncoming: TypeAlias = Unnamed
"""What may come in over `/i`."""

SessionOutgoing: TypeAlias = Never
"""What may go out over `/i`, replies included."""

UnnamedIncoming: TypeAlias = Inline
"""What may come in over `/j`."""

UnnamedOutgoing: TypeAlias = Never
"""What may go out over `/j`, replies included."""

DecodeClassIncoming: TypeAlias = DecodeClassInline
"""What may come in over `/k`."""

DecodeClassOutgoing: TypeAlias = Never
"""What may go out over `/k`, replies included."""

_CLASS: Final[Mapping[str, Incoming[ClassIncoming]]] = {
    "import": Incoming(model=Import, correlation=(), wanted={"class": "a string"})
}


def decode_class_(frame: str | bytes) -> ClassIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _CLASS, tag=None)


_CLASS_2: Final[Mapping[str, Incoming[Class2Incoming]]] = {
    "Channel": Incoming(model=ChannelMessage, correlation=(), wanted={"b": "a string"})
}


def decode_class_2(frame: str | bytes) -> Class2Incoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _CLASS_2, tag=None)


_CHANNELS_2: Final[Mapping[str, Incoming[ChannelsIncoming]]] = {
    "Any": Incoming(model=AnyMessage, correlation=(), wanted={"c": "a string"})
}


def decode_channels(frame: str | bytes) -> ChannelsIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _CHANNELS_2, tag=None)


_CHAT_ROOM: Final[tuple[Candidate[ChatRoomIncoming], ...]] = (
    Candidate(name="str", model=Str, form="json", tests=(), correlation=(), wanted={}),
)


def decode_chat_room(frame: str | bytes) -> ChatRoomIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _CHAT_ROOM)


_CHAT_ROOM_2: Final[Mapping[str, Incoming[ChatRoom2Incoming]]] = {
    "消息": Incoming(model=U6d88U606f, correlation=(), wanted={"e": "a string"})
}


def decode_chat_room_2(frame: str | bytes) -> ChatRoom2Incoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _CHAT_ROOM_2, tag=None)


_U6D88_U606F: Final[Mapping[str, Incoming[U6d88U606fIncoming]]] = {
    "Café": Incoming(model=Cafe, correlation=(), wanted={"f": "a string"})
}


def decode_u6d88_u606f(frame: str | bytes) -> U6d88U606fIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _U6D88_U606F, tag=None)


_CHANNEL_1: Final[Mapping[str, Incoming[Schema1Incoming]]] = {
    "1st": Incoming(model=Schema1st, correlation=(), wanted={"g": "a string"})
}


def decode_channel_1(frame: str | bytes) -> Schema1Incoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _CHANNEL_1, tag=None)


_SERVE: Final[tuple[Candidate[ServeIncoming], ...]] = (
    Candidate(
        name="BaseModel",
        model=BaseModelMessage,
        form="json",
        tests=(),
        correlation=(),
        wanted={"[]": "an object", "[].h": "a string"},
    ),
)


def decode_serve(frame: str | bytes) -> ServeIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode_first(frame, _SERVE)


_SESSION: Final[Mapping[str, Incoming[SessionIncoming]]] = {
    "!": Incoming(model=Unnamed, correlation=(), wanted={"i": "a string"})
}


def decode_session(frame: str | bytes) -> SessionIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _SESSION, tag=None)


_UNNAMED: Final[Mapping[str, Incoming[UnnamedIncoming]]] = {
    "inline": Incoming(model=Inline, correlation=(), wanted={"j": "null"})
}


def decode_unnamed(frame: str | bytes) -> UnnamedIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _UNNAMED, tag=None)


_DECODE_CLASS: Final[Mapping[str, Incoming[DecodeClassIncoming]]] = {
    "inline": Incoming(model=DecodeClassInline, correlation=(), wanted={"k": "any JSON value"})
}


def decode_decode_class(frame: str | bytes) -> DecodeClassIncoming:
    """Return the message that a frame holds. Raises DecodeError, and nothing else, where it holds none."""
    return decode(frame, _DECODE_CLASS, tag=None)
