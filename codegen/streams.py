"""Streams: reads `x-stream`, with each default filled in. It presumes the right structure and judges nothing.

docs/x-stream.md defines it, and `x-stream.schema.json` beside this module says which members it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from codegen import ir
from codegen.document import Document, Place
from codegen.reading import OperationPlace, Reader
from codegen.schemas import object_parts

STREAM = "x-stream"
ROLES = ("ack", "ready", "gap", "reset")
"""Members of `x-stream` that name a message. What has such a role is none of the stream's own frames."""

_ROOT: tuple[str, ...] = ()


def way_of(pointer: str) -> tuple[str, ...]:
    """Return the members that a JSON pointer leads through."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


@dataclass(frozen=True)
class Found:
    """Where a way leads in a schema: the schema of each member passed, and what stopped it.

    `missing` is the first name that isn't there, None where all are; `beside` are the names that stand there instead.
    `optional` is the first member that may be absent, None where none may.
    """

    schemas: tuple[Place, ...]
    missing: str | None
    beside: tuple[str, ...]
    optional: str | None


def walk(document: Document, schema: Place, way: tuple[str, ...]) -> Found:
    """Follow a way from a schema on, through `properties` and `allOf`."""
    schemas: list[Place] = []
    optional: str | None = None
    for name in way:
        parts = object_parts(document, schema)
        members = {member.key: member for part in parts for member in part.under("properties")}
        if name not in members:
            return Found(tuple(schemas), name, tuple(members), optional)
        if optional is None and not any(name in part.members.get("required", ()) for part in parts):
            optional = name
        schema = members[name]
        schemas.append(schema)
    return Found(tuple(schemas), None, (), optional)


def additional(document: Document, schema: Place) -> bool:
    """Tell whether an object says what its members beside `properties` are."""
    return any(part.members.get("additionalProperties", False) is not False for part in object_parts(document, schema))


class StreamPlace:
    """One `x-stream`: the channel that it is about, and the operation that it stands on, if it does."""

    def __init__(self, reader: Reader, named: Place, channel: Place, operation: OperationPlace | None) -> None:
        """`named` is the member `x-stream` itself, `channel` the member of `channels`."""
        self.named = named
        self.place = reader.follow(named)
        self.channel = channel
        self.operation = operation
        self._reader = reader
        self._document = reader.document
        self.operations: Mapping[str, OperationPlace] = {item.place.key: item for item in reader.operations()}
        self.messages: Mapping[str, Place] = {
            member.key: message for message, member in reader.channel_messages(channel).items()
        }

    def member(self, *names: str | int) -> Place | None:
        """Return a member of `x-stream`, or a member of one, with references followed."""
        place: Place | None = self.place
        for name in names:
            place = place.get(name) if place is not None else None
            place = self._reader.follow(place) if place is not None else None
        return place

    def id_place(self, role: str) -> Place | None:
        """Return where the id of the operation or message of a role stands."""
        return self.member(role, "operation") or self.member(role, "message") or self.member(role)

    def request(self, role: str) -> OperationPlace | None:
        """Return the operation of a role, None where there is none. `subscribe` is the one that it stands on."""
        if role == "subscribe" and self.operation is not None:
            return self.operation
        place = self.id_place(role)
        return self.operations.get(str(place.value)) if place is not None else None

    def message(self, role: str) -> Place | None:
        """Return the message of a role, None where there is none."""
        place = self.id_place(role)
        return self.messages.get(str(place.value)) if place is not None else None

    def pointer(self, name: str, role: str | None = None) -> Place | None:
        """Return the pointer of a name (`seq`) that counts for a role: its own, else the stream's."""
        return (self.member(role, name) if role is not None else None) or self.member(name)

    def key(self, role: str | None = None) -> tuple[Place, ...]:
        """Return the parts of the key that count for a role."""
        place = self.pointer("key", role)
        return tuple(self._reader.follow(part) for part in place.children()) if place is not None else ()

    def pushing(self) -> tuple[OperationPlace, ...]:
        """Return the operations whose messages may belong to the stream."""
        listed = self.member("push")
        if listed is not None:
            found = (self.operations.get(str(item.value)) for item in listed.children())
            return tuple(item for item in found if item is not None)
        return self.sending()

    def sending(self) -> tuple[OperationPlace, ...]:
        """Return the operations of the channel that push."""
        channel = self._reader.follow(self.channel)
        return tuple(item for item in self.operations.values() if item.channel == channel and not self.receives(item))

    def receives(self, operation: OperationPlace) -> bool:
        """Tell whether an operation is one of requests, whosever code is generated."""
        return self._reader.follow(operation.place).text("action") == "receive"

    def pushed(self) -> tuple[Place, ...]:
        """Return the messages that may belong to the stream: what is pushed and has no other role."""
        taken = [self.message(role) for role in ROLES]
        found = dict.fromkeys(message for item in self.pushing() for message in item.messages)
        return tuple(message for message in found if message not in taken)

    def frames(self) -> tuple[Place, ...]:
        """Return the messages of the stream: those pushed that hold every part of the key."""
        return tuple(message for message in self.pushed() if self.has_key(message))

    def has_key(self, message: Place, role: str | None = None) -> bool:
        """Tell whether a message always holds every part of the key."""
        found = [self.find(message, part) for part in self.key(role)]
        return all(item.missing is None and item.optional is None for item in found)

    def payload(self, message: Place) -> Place:
        """Return the schema of a message's payload."""
        payload = message.get("payload")
        assert payload is not None, "the structure was checked before"
        return payload

    def find(self, message: Place, part: Place) -> Found:
        """Return where a pointer, or a part of a key, leads in a message."""
        named = part.get("additional")
        found = walk(self._document, self.payload(message), way_of(str(part.value if named is None else named.value)))
        if named is None or found.missing is not None:
            return found
        if additional(self._document, self.object_of(message, found)):
            return found
        return Found(found.schemas, "additionalProperties", (), found.optional)

    def object_of(self, message: Place, found: Found) -> Place:
        """Return the schema that a way ends at; the payload for the empty one."""
        return found.schemas[-1] if found.schemas else self.payload(message)

    def names_in(self, message: Place, found: Found) -> tuple[str, ...]:
        """Return the members that the object at the end of a way lists."""
        parts = object_parts(self._document, self.object_of(message, found))
        return tuple(member.key for part in parts for member in part.under("properties"))


def read_streams(reader: Reader, channel: Place) -> tuple[StreamPlace, ...]:
    """Return the streams of a channel: its own before those of its operations."""
    found: list[StreamPlace] = []
    followed = reader.follow(channel)
    named = followed.get(STREAM)
    if named is not None:
        found.append(StreamPlace(reader, named, channel, None))
    for operation in reader.operations():
        named = reader.follow(operation.place).get(STREAM)
        if named is not None and operation.channel == followed:
            found.append(StreamPlace(reader, named, channel, operation))
    return tuple(found)


class StreamBuilder:
    """Turns streams that passed the rules into the IR."""

    def __init__(self, reader: Reader, models: Mapping[Place, str]) -> None:
        """`models` are the class names of messages."""
        self._reader = reader
        self._models = models
        self._tags: dict[Place, dict[Place, tuple[str, str]]] = {}

    def build(self) -> tuple[ir.Stream, ...]:
        """Return every stream, by channel."""
        found = [stream for channel in self._reader.channels() for stream in read_streams(self._reader, channel)]
        self._tags = {channel: self._tags_of(channel) for channel in {stream.channel: None for stream in found}}
        return tuple(self._stream(stream) for stream in found)

    def _tags_of(self, channel: Place) -> dict[Place, tuple[str, str]]:
        """Return the member, and its value, by which each message of a channel is known."""
        tags: dict[Place, tuple[str, str]] = {}
        for direction in self._reader.crossing(channel):
            name = self._reader.tag_name(direction)
            if name is not None:
                for message in direction:
                    tags.setdefault(message, (name, self._reader.tag_values(message)[name]))
        return tags

    def _stream(self, stream: StreamPlace) -> ir.Stream:
        gap = self._told(stream, "gap")
        token = self._way(stream.member("refresh", "token"))
        refresh = self._request(stream, "refresh")
        return ir.Stream(
            channel=stream.channel.key,
            subscribe=self._request(stream, "subscribe"),
            unsubscribe=self._request(stream, "unsubscribe"),
            ack=self._told(stream, "ack"),
            ready=self._told(stream, "ready"),
            frames=tuple(self._frame(stream, message) for message in stream.frames()),
            resume=self._resume(stream),
            gap=ir.StreamGap(
                gap, self._way(stream.member("gap", "from")) or _ROOT, self._way(stream.member("gap", "to")) or _ROOT
            )
            if gap is not None
            else None,
            reset=self._told(stream, "reset"),
            refresh=ir.StreamRefresh(refresh, token or _ROOT) if refresh is not None else None,
        )

    def _way(self, pointer: Place | None) -> tuple[str, ...] | None:
        return way_of(str(pointer.value)) if pointer is not None else None

    def _resume(self, stream: StreamPlace) -> ir.StreamResume | None:
        seq = self._way(stream.member("resume", "seq"))
        if seq is None:
            return None
        epoch, recovered = (self._way(stream.member("resume", name)) for name in ("epoch", "recovered"))
        return ir.StreamResume(seq, epoch, recovered)

    def _request(self, stream: StreamPlace, role: str) -> ir.StreamRequest | None:
        operation = stream.request(role)
        if operation is None:
            return None
        ack = stream.message("ack")
        return ir.StreamRequest(
            operation=operation.place.key,
            frame=self._frame(stream, operation.messages[0], role),
            replies=tuple(
                self._frame(stream, message, "ack" if message == ack else None) for message in operation.replies
            ),
        )

    def _told(self, stream: StreamPlace, role: str) -> ir.StreamFrame | None:
        message = stream.message(role)
        return self._frame(stream, message, role) if message is not None else None

    def _frame(self, stream: StreamPlace, message: Place, role: str | None = None) -> ir.StreamFrame:
        parts = [(part, stream.find(message, part)) for part in stream.key(role)]
        return ir.StreamFrame(
            id=next(key for key, value in stream.messages.items() if value == message),
            model=self._models[message],
            tag=self._tags[stream.channel].get(message),
            key=tuple(self._part(stream, message, part) for part, _ in parts)
            if all(found.missing is None for _, found in parts)
            else (),
            seq=self._there(stream, message, stream.pointer("seq", role)),
            prev=self._there(stream, message, stream.pointer("prev", role)),
            epoch=self._there(stream, message, stream.pointer("epoch", role)),
        )

    def _there(self, stream: StreamPlace, message: Place, pointer: Place | None) -> tuple[str, ...] | None:
        """Return a pointer's way where it leads to something in this message."""
        if pointer is None or stream.find(message, pointer).missing is not None:
            return None
        return self._way(pointer)

    def _part(self, stream: StreamPlace, message: Place, part: Place) -> ir.KeyPart:
        named = part.get("additional")
        if named is None:
            return ir.KeyPart(way_of(str(part.value)), None)
        return ir.KeyPart(way_of(named.value), stream.names_in(message, stream.find(message, part)))
