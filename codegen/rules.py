"""Rules: what a document of the right structure can still get wrong. It generates nothing.

Each rule notes every fault that it finds. Rules look at sound places only, so that one fault doesn't bring others.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import Any

from codegen.document import Document, Place
from codegen.faults import DocumentError, Fault, did_you_mean
from codegen.handshake_rules import HandshakeRules
from codegen.judge import Judge
from codegen.naming import constant, snake
from codegen.parameter_rules import ParameterRules
from codegen.reading import OperationPlace, Perspective, Reader, pointer_of
from codegen.schema_rules import SchemaRules
from codegen.schemas import ERROR_CODES, object_parts, types_of
from codegen.stream_rules import StreamRules
from codegen.structure import Sound

VERSIONS = ("3.0.0", "3.1.0")
_CLOSE_CODES = range(1000, 5000)


def check_version(document: Document) -> None:
    """Raise DocumentError for a document of a version that isn't known: no other rule of this one can judge it."""
    version = document.root.get("asyncapi")
    if version is not None and version.value not in VERSIONS:
        message = f"AsyncAPI {version.value!r} is not supported. Write one of {', '.join(VERSIONS)}."
        raise DocumentError([Fault(version.mark, "version", message)])


class Rules:
    """The rules for one document. `sound` is what the check of its structure gave."""

    def __init__(self, document: Document, sound: Sound, perspective: Perspective) -> None:
        self._document = document
        self._faults = document.faults
        self._sound = frozenset(sound)
        self._ordered = sound
        self._server = perspective == "server"
        self._reader = Reader(document, perspective)
        self._judge = Judge(document)

    def check(self) -> None:
        """Note every fault."""
        content = self._document.root.get("defaultContentType")
        if content is not None:
            self._content_type(content)
        schemas = SchemaRules(self._document, self._judge, self._parts())
        handshake = HandshakeRules(self._document, self._reader)
        for place, form in self._ordered:
            if form == "schema":
                schemas.check(place)
            elif form == "security-scheme":
                handshake.scheme(place)
            elif form == "operation":
                handshake.operation(place)
            elif form == "message":
                self._message(place)
            elif form == "ws-binding" and place.members.get("method", "GET") != "GET":
                method = place.get("method")
                assert method is not None
                self._faults.add(
                    method.mark, "unsupported", "A WebSocket begins with a GET. Write GET, or leave it out."
                )
        self._codes()
        self._channels()
        self._operations()

    def _is_sound(self, place: Place, form: str) -> bool:
        resolved = self._document.resolve(place)
        return resolved is not None and (resolved, form) in self._sound

    def _parts(self) -> frozenset[Place]:
        """Return the schemas that stand in some `allOf`: what they leave out, the others may say."""
        schemas = (place for place, form in self._ordered if form == "schema")
        found = (self._document.resolve(part) for place in schemas for part in place.under("allOf"))
        return frozenset(place for place in found if place is not None)

    def _content_type(self, place: Place) -> None:
        kind = str(place.value).partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            message = f"Content type {place.value!r} is not supported. Frames are JSON: write application/json."
            self._faults.add(place.mark, "unsupported", message)

    # messages

    def _message(self, message: Place) -> None:
        content = message.get("contentType")
        if content is not None:
            self._content_type(content)
        payload = message.get("payload")
        assert payload is not None
        parts = object_parts(self._document, payload)
        if not any("object" in types_of(part.value) for part in parts):
            rule = "The payload of a frame must be an object. Write `type: object` and its properties."
            self._faults.add(payload.mark, "payload-not-object", rule)
            return
        self._examples(message, payload)
        self._correlation(message, payload)
        delivery = message.get("x-delivery")
        if delivery is not None:
            self._delivery(delivery, payload)

    def _examples(self, message: Place, payload: Place) -> None:
        for example in message.under("examples"):
            value = example.get("payload")
            if value is None or (self._reader.follow(payload), "schema") not in self._sound:
                continue
            for pointer, problem in self._judge.faults(payload, value.value):
                place = value
                for step in pointer:
                    place = place.get(step) or place
                text = f"This example contradicts its schema: {problem}. Set one of them right."
                self._faults.add(place.mark, "example", text)

    def _correlation(self, message: Place, payload: Place) -> None:
        reference = message.get("correlationId")
        if reference is None:
            return
        location = self._reader.follow(reference).get("location")
        assert location is not None
        way = pointer_of(location.value)
        if way is None:
            text = f"{location.value!r} is not supported. Write a way into the payload: $message.payload#/id."
            self._faults.add(location.mark, "unsupported", text)
            return
        self._walk(location, payload, way, "correlation-id")

    def _walk(self, place: Place, schema: Place, way: tuple[str, ...], rule: str) -> list[Place] | None:
        """Return the schema of each member that a way leads through; note a fault and return None where it fails."""
        found: list[Place] = []
        for name in way:
            members: dict[str, Place] = {}
            for part in object_parts(self._document, schema):
                members.update({member.key: member for member in part.under("properties")})
            if name not in members:
                text = (
                    f"The payload has no member {'/'.join(way)!r}: there is no {name!r}.{did_you_mean(name, members)}"
                )
                self._faults.add(place.mark, rule, text)
                return None
            schema = members[name]
            found.append(schema)
        return found

    def _delivery(self, place: Place, payload: Place) -> None:
        classes = ("latest", "lossless")
        value: Any = place.value
        if value in classes:
            return
        by = place.get("by")
        fits = isinstance(value, dict) and set(value) == {"by", "true", "false"} and isinstance(value["by"], str)
        if by is None or not fits or value["true"] not in classes or value["false"] not in classes:
            text = "x-delivery must be latest, lossless, or {by: LOCATION, 'true': ..., 'false': ...}."
            self._faults.add(place.mark, "delivery", text)
            return
        way = pointer_of(value["by"])
        if way is None:
            self._faults.add(by.mark, "delivery", "Write a way into the payload: $message.payload#/final.")
            return
        schemas = self._walk(by, payload, way, "delivery")
        if schemas is None:
            return
        above = [payload, *schemas[:-1]]
        for outer, inner in zip(above, schemas[:-1], strict=False):
            required = [
                name for part in object_parts(self._document, outer) for name in part.members.get("required", ())
            ]
            if inner.key not in required:
                self._faults.add(by.mark, "delivery", f"{inner.key!r} may be absent. Make it required.")
        if types_of(self._reader.follow(schemas[-1]).members) != ("boolean",):
            self._faults.add(by.mark, "delivery", f"{schemas[-1].key!r} must be of type boolean.")

    # codes and limits

    def _codes(self) -> None:
        root = self._document.root
        self._unique(root.under("x-error-codes"), lambda place: constant(place.key))
        self._unique(root.under("x-limits"), lambda place: constant(place.key))
        self._unique(root.under("x-close-codes"), lambda place: constant(place.text("name")))
        for place in root.under("x-close-codes"):
            if not place.key.isdecimal() or int(place.key) not in _CLOSE_CODES:
                self._faults.add(place.name_mark, "close-code", "A close code is a number from 1000 to 4999.")
        known = root.get(ERROR_CODES)
        for place, form in self._ordered:
            if form == "schema" and isinstance(place.value, dict) and "x-codes" in place:
                self._code_enum(place, known)

    def _code_enum(self, place: Place, known: Place | None) -> None:
        source = place.get("x-codes")
        assert source is not None
        if source.value != ERROR_CODES or known is None:
            text = f"x-codes must be {ERROR_CODES}, and the document must have that at its root."
            self._faults.add(source.mark, "codes", text)
            return
        listed = place.members.get("enum", [])
        mark = (place.get("enum") or place).mark
        for name in known.members:
            if name not in listed:
                self._faults.add(mark, "codes", f"{name!r} stands under {ERROR_CODES} and not in this enum. Add it.")
        for item in place.under("enum"):
            if str(item.value) not in known.members:
                hint = did_you_mean(str(item.value), known.members)
                text = f"{item.value!r} does not stand under {ERROR_CODES}.{hint or ' Add it there.'}"
                self._faults.add(item.mark, "codes", text)

    def _unique(self, places: Iterable[Place], name: Callable[[Place], str]) -> None:
        """Note what would get the same name in Python."""
        first: dict[str, Place] = {}
        for place in places:
            other = first.setdefault(name(place), place)
            if other is not place:
                text = f"{place.key!r} and {other.key!r} both become {name(place)} in Python. Rename one of them."
                self._faults.add(place.name_mark, "same-name", text)

    # channels and operations

    def _channels(self) -> None:
        addresses: dict[tuple[str, bool], Place] = {}
        parameters = ParameterRules(self._document, self._reader, self._judge, self._sound)
        channels = [place for place in self._reader.channels() if self._is_sound(place, "channel")]
        self._unique(channels, lambda place: snake(place.key))
        for place in channels:
            channel = self._reader.follow(place)
            address = channel.get("address")
            assert address is not None
            if not address.value.startswith("/"):
                self._faults.add(address.mark, "address", "An address is a path: begin it with '/'.")
            parameters.channel(place)
            shape = ("/".join(part or "{}" for part in self._reader.segments(place)), self._reader.slashes(place))
            other = addresses.setdefault(shape, place)
            if other is not place:
                text = f"Channel {other.key!r} has the same address. Give each its own."
                self._faults.add(address.mark, "address", text)
            self._protocols(channel)

    def _protocols(self, channel: Place) -> None:
        servers = list(channel.under("servers")) or list(self._document.root.under("servers"))
        followed = [self._reader.follow(server) for server in servers]
        if followed and not any(server.text("protocol") in ("ws", "wss") for server in followed):
            text = "None of this channel's servers speaks ws or wss, and no other protocol is supported."
            self._faults.add(channel.name_mark, "unsupported", text)

    def _operations(self) -> None:
        root = self._document.root
        places = list(root.under("operations"))
        if not all(self._is_sound(place, "operation") for place in places):
            return  # an operation that can't be read may belong to any channel
        operations = self._reader.operations()
        channels = {
            channel: place
            for place in self._reader.channels()
            if (channel := self._document.resolve(place)) is not None
        }
        for operation in operations:
            self._operation(operation, channels)
        streams = StreamRules(self._document)
        for channel, place in channels.items():
            if (channel, "channel") in self._sound:
                streams.channel(place)
                self._crossing(channel, place, [item for item in operations if item.channel == channel])
                HandshakeRules(self._document, self._reader).channel(place)

    def _operation(self, operation: OperationPlace, channels: Mapping[Place, Place]) -> None:
        place = self._reader.follow(operation.place)
        action = place.get("action")
        reference = place.get("channel")
        assert action is not None
        assert reference is not None
        if action.value not in ("receive", "send"):
            self._faults.add(action.mark, "action", "An action is receive or send.")
        if operation.channel not in channels:
            text = "This channel does not stand under the document's 'channels'. Refer to one that does."
            self._faults.add(reference.mark, "operation-channel", text)
            return
        if not operation.messages:
            self._faults.add(operation.place.name_mark, "no-message", "This operation has no message. Give it one.")
        self._in_channel(place, operation.channel)
        if operation.reply is not None:
            self._reply(operation, operation.reply)

    def _reply(self, operation: OperationPlace, reply: Place) -> None:
        channel = reply.get("channel")
        if channel is not None and self._reader.follow(channel) != operation.channel:
            text = "A reply on another channel is not supported by this generator."
            self._faults.add(channel.mark, "unsupported", text)
            return
        if self._server and not operation.incoming:
            text = "A reply to what the server sends is not supported by this generator."
            self._faults.add(reply.name_mark, "unsupported", text)
        self._in_channel(reply, operation.channel)

    def _in_channel(self, place: Place, channel: Place) -> None:
        known = self._reader.channel_messages(channel)
        for reference in place.under("messages"):
            message = self._reader.follow(reference)
            if message not in known:
                names = [member.key for member in known.values()]
                hint = did_you_mean(message.key, names) or " Add it there, or take it out here."
                text = f"Message {message.key!r} is not among the messages of channel {channel.key!r}.{hint}"
                self._faults.add(reference.mark, "message-not-in-channel", text)

    def _crossing(self, channel: Place, place: Place, operations: list[OperationPlace]) -> None:
        """Check that a frame that comes in belongs to one message, and the message to one operation."""
        self._unique((item.place for item in operations if item.incoming), lambda item: snake(item.key))
        owner: dict[Place, OperationPlace] = {}
        for operation in operations:
            for message in operation.messages:
                other = owner.setdefault(message, operation)
                if other is not operation and operation.incoming and other.incoming:
                    text = f"Operation {other.place.key!r} receives {message.key!r} too. Only one may."
                    self._faults.add(operation.place.name_mark, "ambiguous-operation", text)
        incoming, _ = self._reader.crossing(place)
        tag = self._reader.tag_name(incoming)
        if len(incoming) < 2:
            return
        if tag is None:
            names = ", ".join(message.key for message in incoming)
            text = (
                f"Nothing tells the messages {names} apart. Give each a required member of the same name with a const."
            )
            self._faults.add(place.name_mark, "ambiguous-union", text)
            return
        for first, second in combinations(incoming, 2):
            value = self._reader.tag_values(second)[tag]
            if self._reader.tag_values(first)[tag] == value:
                text = f"{first.key!r} and {second.key!r} both come in with {tag} {value!r}. Give each its own."
                self._faults.add(second.name_mark, "duplicate-tag", text)
