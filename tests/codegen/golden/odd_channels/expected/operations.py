# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import Protocol, TypeVar, assert_never

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

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class ClassOperations(Protocol[SessionT_contra]):
    """class: what comes in over `/a`."""

    async def import_(self, session: SessionT_contra, message: Import, /) -> None:
        """Handle import."""
        ...


class UnimplementedClassOperations:
    """Fits `ClassOperations`; each method raises NotImplementedError."""

    async def import_(self, session: object, message: Import, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("import")


async def dispatch_class_(operations: ClassOperations[SessionT], session: SessionT, message: Import) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Import():
            await operations.import_(session, message)
        case _:
            assert_never(message)


class Class2Operations(Protocol[SessionT_contra]):
    """Class: what comes in over `/b`."""

    async def self(self, session: SessionT_contra, message: ChannelMessage, /) -> None:
        """Handle self."""
        ...


class UnimplementedClass2Operations:
    """Fits `Class2Operations`; each method raises NotImplementedError."""

    async def self(self, session: object, message: ChannelMessage, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("self")


async def dispatch_class_2(operations: Class2Operations[SessionT], session: SessionT, message: ChannelMessage) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case ChannelMessage():
            await operations.self(session, message)
        case _:
            assert_never(message)


class ChannelsOperations(Protocol[SessionT_contra]):
    """channels: what comes in over `/c`."""

    async def none(self, session: SessionT_contra, message: AnyMessage, /) -> None:
        """Handle None."""
        ...


class UnimplementedChannelsOperations:
    """Fits `ChannelsOperations`; each method raises NotImplementedError."""

    async def none(self, session: object, message: AnyMessage, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("None")


async def dispatch_channels(operations: ChannelsOperations[SessionT], session: SessionT, message: AnyMessage) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case AnyMessage():
            await operations.none(session, message)
        case _:
            assert_never(message)


class ChatRoomOperations(Protocol[SessionT_contra]):
    """chat.room: what comes in over `/d`."""

    async def a_b(self, session: SessionT_contra, message: Str, /) -> None:
        """Handle a.b."""
        ...


class UnimplementedChatRoomOperations:
    """Fits `ChatRoomOperations`; each method raises NotImplementedError."""

    async def a_b(self, session: object, message: Str, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("a.b")


async def dispatch_chat_room(operations: ChatRoomOperations[SessionT], session: SessionT, message: Str) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Str():
            await operations.a_b(session, message)
        case _:
            assert_never(message)


class ChatRoom2Operations(Protocol[SessionT_contra]):
    """chat_room: what comes in over `/e`."""

    async def u9001_u308b(self, session: SessionT_contra, message: U6d88U606f, /) -> None:
        """Handle 送る."""
        ...


class UnimplementedChatRoom2Operations:
    """Fits `ChatRoom2Operations`; each method raises NotImplementedError."""

    async def u9001_u308b(self, session: object, message: U6d88U606f, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("送る")


async def dispatch_chat_room_2(
    operations: ChatRoom2Operations[SessionT], session: SessionT, message: U6d88U606f
) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case U6d88U606f():
            await operations.u9001_u308b(session, message)
        case _:
            assert_never(message)


class U6d88U606fOperations(Protocol[SessionT_contra]):
    """消息: what comes in over `/f`."""

    async def dispatch(self, session: SessionT_contra, message: Cafe, /) -> None:
        """Handle dispatch."""
        ...


class UnimplementedU6d88U606fOperations:
    """Fits `U6d88U606fOperations`; each method raises NotImplementedError."""

    async def dispatch(self, session: object, message: Cafe, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("dispatch")


async def dispatch_u6d88_u606f(operations: U6d88U606fOperations[SessionT], session: SessionT, message: Cafe) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Cafe():
            await operations.dispatch(session, message)
        case _:
            assert_never(message)


class Schema1Operations(Protocol[SessionT_contra]):
    """1: what comes in over `/g`."""

    async def operation_1(self, session: SessionT_contra, message: Schema1st, /) -> None:
        """Handle 1."""
        ...


class UnimplementedSchema1Operations:
    """Fits `Schema1Operations`; each method raises NotImplementedError."""

    async def operation_1(self, session: object, message: Schema1st, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("1")


async def dispatch_channel_1(operations: Schema1Operations[SessionT], session: SessionT, message: Schema1st) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Schema1st():
            await operations.operation_1(session, message)
        case _:
            assert_never(message)


class ServeOperations(Protocol[SessionT_contra]):
    """serve: what comes in over `/h`."""

    async def message(self, session: SessionT_contra, message: BaseModelMessage, /) -> None:
        """Handle message."""
        ...


class UnimplementedServeOperations:
    """Fits `ServeOperations`; each method raises NotImplementedError."""

    async def message(self, session: object, message: BaseModelMessage, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("message")


async def dispatch_serve(operations: ServeOperations[SessionT], session: SessionT, message: BaseModelMessage) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case BaseModelMessage():
            await operations.message(session, message)
        case _:
            assert_never(message)


class SessionOperations(Protocol[SessionT_contra]):
    """session: what comes in over `/i`."""

    async def session(self, session: SessionT_contra, message: Unnamed, /) -> None:
        """Handle session."""
        ...


class UnimplementedSessionOperations:
    """Fits `SessionOperations`; each method raises NotImplementedError."""

    async def session(self, session: object, message: Unnamed, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("session")


async def dispatch_session(operations: SessionOperations[SessionT], session: SessionT, message: Unnamed) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Unnamed():
            await operations.session(session, message)
        case _:
            assert_never(message)


class UnnamedOperations(Protocol[SessionT_contra]):
    """!: what comes in over `/j`."""

    async def unnamed(self, session: SessionT_contra, message: Inline, /) -> None:
        """Handle ?."""
        ...


class UnimplementedUnnamedOperations:
    """Fits `UnnamedOperations`; each method raises NotImplementedError."""

    async def unnamed(self, session: object, message: Inline, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("?")


async def dispatch_unnamed(operations: UnnamedOperations[SessionT], session: SessionT, message: Inline) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case Inline():
            await operations.unnamed(session, message)
        case _:
            assert_never(message)


class DecodeClassOperations(Protocol[SessionT_contra]):
    """decode_class_: what comes in over `/k`."""

    async def operations(self, session: SessionT_contra, message: DecodeClassInline, /) -> None:
        """Handle operations."""
        ...


class UnimplementedDecodeClassOperations:
    """Fits `DecodeClassOperations`; each method raises NotImplementedError."""

    async def operations(self, session: object, message: DecodeClassInline, /) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("operations")


async def dispatch_decode_class(
    operations: DecodeClassOperations[SessionT], session: SessionT, message: DecodeClassInline
) -> None:
    """Run the operation that `message` belongs to, and return its reply."""
    match message:
        case DecodeClassInline():
            await operations.operations(session, message)
        case _:
            assert_never(message)
