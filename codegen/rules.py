"""Rules: what a document of the right structure can still get wrong. It generates nothing.

Each rule notes every fault that it finds. Rules look at sound places only, so that one fault doesn't bring others.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from codegen.channel_rules import ChannelRules
from codegen.document import Document, Place
from codegen.faults import DocumentError, Fault, did_you_mean
from codegen.handshake_rules import HandshakeRules
from codegen.judge import Judge
from codegen.naming import constant
from codegen.parameter_rules import ParameterRules
from codegen.reading import OperationPlace, Perspective, Reader, Segment, pointer_of
from codegen.schema_rules import SchemaRules
from codegen.schemas import ERROR_CODES, object_parts, types_of
from codegen.stream_rules import StreamRules
from codegen.structure import Sound

_CLOSE_CODES = range(1000, 5000)
_KNOWN = re.compile(r"2\.[0-6]\.\d+|3\.[01]\.\d+", re.ASCII)
_NEAR = re.compile(r"[23]\.\d+(\.\d+)?(-.*)?", re.ASCII)
_OTHERS = ("openapi", "swagger", "arazzo", "overlay")


def check_version(document: Document) -> None:
    """Raise DocumentError for a document of a version that isn't known: no other rule of this one can judge it."""
    root = document.root
    version = root.get("asyncapi")
    if version is None:
        other = next((place for name in _OTHERS if (place := root.get(name)) is not None), None)
        if other is not None:
            text = f"This is a document of {other.key}, not of AsyncAPI. Refer to its schemas from one that is."
            raise DocumentError([Fault(other.name_mark, "version", text)])
        return
    if isinstance(version.value, str) and _KNOWN.fullmatch(version.value):
        return
    hint = " Write it in quotes, with all three numbers." if isinstance(version.value, (int, float)) else ""
    text = f"AsyncAPI {version.value!r} is not supported. Write a version from 2.0.0 to 2.6.0, 3.0.0 or 3.1.0.{hint}"
    near = isinstance(version.value, str) and _NEAR.fullmatch(version.value)
    if not near or document.faults.add(version.mark, "version", text):
        raise DocumentError([Fault(version.mark, "version", text)])


class Rules:
    """The rules for one document. `sound` is what the check of its structure gave."""

    def __init__(self, document: Document, sound: Sound, perspective: Perspective) -> None:
        self._document = document
        self._faults = document.faults
        self._sound = frozenset(sound)
        self._ordered = sound
        self._reader = Reader(document, perspective)
        self._judge = Judge(document)

    def check(self) -> None:
        """Note every fault."""
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
            elif form == "ws-binding" and place.text("method").upper() not in ("", "GET"):
                text = "A WebSocket begins with a GET, and so does this one. Write GET, or leave it out."
                self._faults.warn((place.get("method") or place).mark, "method", text)
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

    # messages

    def _message(self, message: Place) -> None:
        payload = self._reader.payload(message)
        kind = self._reader.content_type(message)
        stated = message.get("contentType") or self._document.root.get("defaultContentType")
        named = kind == "application/json" or kind.endswith("+json")
        if stated is not None and not named and self._reader.form(message) == "json":
            text = f"The payload of message {message.key!r} is no text, so it goes as JSON, whatever {kind!r} means."
            self._faults.warn(stated.mark, "content-type", text)
        headers = message.get("headers")
        if headers is not None:
            text = (
                "A frame of a WebSocket has no headers: these are left out. What must arrive belongs into the payload."
            )
            self._faults.warn(headers.name_mark, "message-headers", text)
        self._examples(message, payload)
        parts = object_parts(self._document, payload)
        if any("properties" in part for part in parts) and not any(
            {"oneOf", "anyOf"} & set(part.value) for part in parts
        ):
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
                self._faults.warn(place.mark, "example", text)

    def _correlation(self, message: Place, payload: Place) -> None:
        reference = message.get("correlationId")
        if reference is None:
            return
        location = self._reader.follow(reference).get("location")
        assert location is not None
        way = pointer_of(location.value)
        if way is None:
            text = (
                f"{location.value!r} is no way into the payload, and a frame has nothing else. It is left out; write "
            )
            self._faults.warn(location.mark, "correlation-id", f"{text}$message.payload#/id.")
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
        addresses: dict[tuple[tuple[Segment, ...], bool], Place] = {}
        parameters = ParameterRules(self._document, self._reader, self._judge, self._sound)
        channels = [place for place in self._reader.channels() if self._is_sound(place, "channel")]
        for place in channels:
            address = self._reader.follow(place).get("address")
            assert address is not None, "a channel without one was given one"
            parameters.channel(place)
            shape = (self._reader.segments(place), self._reader.slashes(place))
            other = addresses.setdefault(shape, place)
            if other is not place:
                text = f"The address of channel {other.key!r} fits the same paths. Give each its own."
                self._faults.add(address.mark, "address", text)

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
                HandshakeRules(self._document, self._reader).channel(place)
        if not any(fault.severity == "error" for fault in self._faults):
            ChannelRules(self._reader).check()  # it only warns, of a document that is sound as a whole

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
        self._in_channel(place, operation.channel)
        if operation.reply is not None:
            self._reply(operation, operation.reply)

    def _reply(self, operation: OperationPlace, reply: Place) -> None:
        place = reply.get("channel")
        channel = self._reader.follow(place) if place is not None else operation.channel
        if place is not None and channel != operation.channel and channel.members.get("address") is not None:
            text = "A reply goes over the connection that its request came by, and not over this channel's."
            self._faults.warn(place.mark, "reply-channel", text)
        address = reply.get("address")
        if address is not None:
            text = "A reply goes over the connection that its request came by: this address is not looked at."
            self._faults.warn(address.name_mark, "reply-address", text)
        self._in_channel(reply, channel)

    def _in_channel(self, place: Place, channel: Place) -> None:
        known = self._reader.channel_messages(channel)
        for reference in place.under("messages"):
            message = self._reader.follow(reference)
            if message not in known:
                names = [member.key for member in known.values()]
                hint = did_you_mean(message.key, names) or " Add it there, or take it out here."
                text = f"Message {message.key!r} is not among the messages of channel {channel.key!r}.{hint}"
                self._faults.add(reference.mark, "message-not-in-channel", text)
