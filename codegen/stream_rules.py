"""Stream rules: what `x-stream` can get wrong: names and pointers that lead nowhere, or to what they can't mean.

It generates nothing. docs/x-stream.md says what each member means; the schema beside this module has the last word on
their form.
"""

import json
import re
from collections.abc import Iterable
from functools import cached_property
from importlib.resources import files
from typing import Any

import jsonschema_rs

from codegen.document import Document, Place
from codegen.faults import Mark, did_you_mean
from codegen.reading import OperationPlace, Reader
from codegen.schemas import object_parts, types_of
from codegen.streams import ROLES, StreamPlace, read_streams, walk, way_of

_POINTER = re.compile(r"(/([^/~]|~0|~1)+)+")
_POINTERS = (
    *(("seq",), ("prev",), ("epoch",), ("ack", "seq"), ("ack", "epoch"), ("ready", "seq"), ("ready", "epoch")),
    *(("reset", "seq"), ("reset", "epoch"), ("resume", "seq"), ("resume", "epoch"), ("resume", "recovered")),
    *(("gap", "epoch"), ("gap", "from"), ("gap", "to"), ("refresh", "token")),
)
_KEYS = (None, "subscribe", "unsubscribe", "ack", "gap", "reset")
_KEY_TYPES = frozenset({"string", "integer", "boolean"})
_BY_REQUEST = ("subscribe", "ack")
_BY_ADDRESS = ("ready",)
_NOT_BY_ADDRESS = ("subscribe", "unsubscribe", "ack")
_REQUESTS = ("subscribe", "unsubscribe", "refresh")


def schema_of_streams() -> Any:
    """Return the JSON Schema of `x-stream`."""
    return json.loads((files("codegen") / "x-stream.schema.json").read_text(encoding="utf-8"))


class StreamRules:
    """Checks the streams of one channel at a time."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._faults = document.faults
        # An extension says `receive` as the document does, whosever code is generated.
        self._reader = Reader(document, "server")

    @cached_property
    def _schema(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(schema_of_streams())

    def channel(self, place: Place) -> None:
        """Note every fault of the streams of a channel whose structure, and that of every operation, is right."""
        streams = read_streams(self._reader, place)
        formed = [stream for stream in streams if self._form(stream)]
        for stream in formed:
            self._names(stream)
            self._meaning(stream)
        both = [stream for stream in streams if stream.operation is not None and streams[0].operation is None]
        for stream in both:
            text = f"Channel {stream.channel.key!r} has an x-stream too: its address opens the stream, or a request."
            self._add(stream.named.name_mark, "stream", f"{text} Take one of them out.")
        if not both:
            self._apart(formed)

    def _apart(self, streams: Iterable[StreamPlace]) -> None:
        """Check that no frame belongs to two streams of a channel."""
        owner: dict[Place, StreamPlace] = {}
        for stream in streams:
            for message in stream.frames():
                other = owner.setdefault(message, stream)
                if other is not stream:
                    text = f"Message {message.key!r} belongs to the stream of {self._owner(other)} too."
                    mark = (stream.member("push") or stream.named).name_mark
                    self._add(mark, "stream", f"{text} Name under push the operations of each.")

    def _owner(self, stream: StreamPlace) -> str:
        return f"operation {stream.operation.place.key!r}" if stream.operation else f"channel {stream.channel.key!r}"

    def _add(self, mark: Mark, rule: str, text: str) -> None:
        self._faults.add(mark, rule, text)

    # form

    def _form(self, stream: StreamPlace) -> bool:
        """Tell whether a stream has the members that it needs where it stands, each of the right form."""
        fits = [self._members(stream), self._epochs(stream)]
        fits += [self._is_pointer(stream.member(*names)) for names in _POINTERS]
        fits += [self._is_pointer(part) for part in self._parts(stream)]
        if not all(fits):
            return False
        sound = True
        for error in self._schema.iter_errors(self._plain(stream.place)):
            place = stream.member(*error.instance_path) or stream.place
            self._add(place.mark, "stream", f"x-stream doesn't fit its schema: {error.message}.")
            sound = False
        return sound

    def _members(self, stream: StreamPlace) -> bool:
        wanted: tuple[str, ...] = _BY_REQUEST
        unwanted: tuple[str, ...] = _BY_ADDRESS
        where = "a receive operation, which opens the stream"
        if stream.operation is None:
            wanted, unwanted, where = _BY_ADDRESS, _NOT_BY_ADDRESS, "a channel, whose address opens the stream"
        elif not stream.receives(stream.operation):
            text = "A stream is opened by a request: x-stream stands on an operation with the action receive, or on a "
            self._add(stream.named.name_mark, "stream", f"{text}channel.")
            return False
        sound = True
        for name in wanted:
            if name not in stream.place:
                text = f"This x-stream has no {name!r}. On {where}, it needs one."
                self._add(stream.named.name_mark, "stream", text)
                sound = False
        for name in unwanted:
            member = stream.place.get(name)
            if member is not None:
                self._add(member.name_mark, "stream", f"{name!r} has no meaning on {where}. Take it out.")
                sound = False
        return sound

    def _epochs(self, stream: StreamPlace) -> bool:
        """Tell whether a resume names an epoch exactly where the stream has them, and nothing else does without."""
        resume = stream.member("resume")
        if "epoch" in stream.place:
            if resume is not None and "epoch" not in resume:
                text = "The stream has epochs, so a resume has to name one. Add epoch."
                self._add(resume.name_mark, "stream", text)
                return False
            return True
        own = [stream.member(role, "epoch") for role in ("resume", *ROLES)]
        for place in own:
            if place is not None:
                self._add(
                    place.name_mark, "stream", "The stream has no epoch. Add epoch to x-stream, or leave it out here."
                )
        return not any(own)

    def _parts(self, stream: StreamPlace) -> Iterable[Place]:
        for role in _KEYS:
            key = stream.member("key") if role is None else stream.member(role, "key")
            for part in key.children() if key is not None else ():
                yield self._reader.follow(part)

    def _is_pointer(self, place: Place | None) -> bool:
        if place is None:
            return True
        named = place.get("additional")
        text = str(place.value if named is None else named.value)
        if _POINTER.fullmatch(text) or (named is not None and not text):
            return True
        hint = "Begin it with '/': /payload/seq." if "~" not in text else "Write ~ as ~0, and / in a name as ~1."
        self._add((named or place).mark, "stream-pointer", f"{text!r} is no JSON pointer to a member. {hint}")
        return False

    def _plain(self, place: Place) -> Any:
        followed = self._reader.follow(place)
        if isinstance(followed.value, dict):
            return {child.key: self._plain(child) for child in followed.children()}
        if isinstance(followed.value, list):
            return [self._plain(child) for child in followed.children()]
        return followed.value

    # operations and messages

    def _names(self, stream: StreamPlace) -> None:
        for role in _REQUESTS:
            place = stream.id_place(role)
            if place is not None:
                self._request(stream, place)
        self._subscribe(stream)
        for item in self._pushes(stream):
            operation = self._operation(stream, item)
            if operation is not None and stream.receives(operation):
                text = f"Operation {item.value!r} receives; push names operations with the action send."
                self._add(item.mark, "stream-operation", text)
        opener = stream.operation
        if opener is not None:
            self._message(stream, "ack", opener.replies, f"a reply of operation {opener.place.key!r}")
        told = tuple(message for item in stream.sending() for message in item.messages)
        for role in ("ready", "gap", "reset"):
            self._message(stream, role, told, "sent by an operation of the channel")

    def _pushes(self, stream: StreamPlace) -> Iterable[Place]:
        place = stream.member("push")
        return place.children() if place is not None else ()

    def _is_here(self, stream: StreamPlace, operation: OperationPlace) -> bool:
        return operation.channel == self._reader.follow(stream.channel)

    def _operation(self, stream: StreamPlace, place: Place) -> OperationPlace | None:
        """Return the operation of this channel that a place names; note a fault where there is none."""
        name = str(place.value)
        operation = stream.operations.get(name)
        if operation is None:
            hint = did_you_mean(name, stream.operations) or " Write the name of one under 'operations'."
            self._add(place.mark, "stream-operation", f"There is no operation {name!r}.{hint}")
            return None
        if not self._is_here(stream, operation):
            text = f"Operation {name!r} belongs to another channel than {stream.channel.key!r}, and a stream has one."
            self._add(place.mark, "stream-operation", f"{text} Write an operation of this one.")
            return None
        return operation

    def _request(self, stream: StreamPlace, place: Place) -> None:
        operation = self._operation(stream, place)
        if operation is None:
            return
        if not stream.receives(operation):
            text = f"Operation {place.value!r} sends; a client asks by an operation with the action receive."
            self._add(place.mark, "stream-operation", text)
        elif len(operation.messages) != 1:
            text = (
                f"Operation {place.value!r} has {len(operation.messages)} messages, and a client can't know which to "
            )
            self._add(place.mark, "stream-operation", f"{text}send. Give each an operation of its own.")

    def _subscribe(self, stream: StreamPlace) -> None:
        place = stream.id_place("subscribe")
        found = stream.operations.get(str(place.value)) if place is not None else None
        if place is None or found is None or stream.operation is None or not self._is_here(stream, found):
            return
        if self._reader.follow(found.place) != self._reader.follow(stream.operation.place):
            text = f"This x-stream stands on operation {stream.operation.place.key!r}, and that one opens the stream."
            self._add(place.mark, "stream-operation", f"{text} Write it here, or move x-stream.")

    def _message(self, stream: StreamPlace, role: str, among: tuple[Place, ...], what: str) -> None:
        place = stream.id_place(role)
        if place is None:
            return
        name = str(place.value)
        message = stream.messages.get(name)
        if message is None:
            hint = did_you_mean(name, stream.messages) or " Write the name of one under the channel's 'messages'."
            text = f"Channel {stream.channel.key!r} has no message {name!r}.{hint}"
            self._add(place.mark, "stream-message", text)
        elif message not in among:
            self._add(place.mark, "stream-message", f"Message {name!r} is not {what}. Write one that is.")

    # what pointers lead to

    def _meaning(self, stream: StreamPlace) -> None:
        for role in ("subscribe", "unsubscribe"):
            for message in self._only_message(stream, role):
                self._key(stream, role, message, optional=True)
        for message in self._of(stream, "ack"):
            self._key(stream, "ack", message)
            self._position(stream, "ack", message, optional=True)
        for message in self._of(stream, "ready"):
            self._position(stream, "ready", message)
        for message in self._of(stream, "reset"):
            self._key_or_every(stream, "reset", message)
            self._position(stream, "reset", message)
        for message in self._of(stream, "gap"):
            self._key_or_every(stream, "gap", message)
            self._pointer(stream, stream.pointer("epoch", "gap"), message, ("string",))
            for name in ("from", "to"):
                self._pointer(stream, stream.member("gap", name), message, ("integer",))
        for message in self._only_message(stream, "refresh"):
            self._pointer(stream, stream.member("refresh", "token"), message, ("string",))
        self._resume(stream)
        self._frames(stream)

    def _of(self, stream: StreamPlace, role: str) -> tuple[Place, ...]:
        message = stream.message(role)
        return (message,) if message is not None and self._is_object(stream, message) else ()

    def _only_message(self, stream: StreamPlace, role: str) -> tuple[Place, ...]:
        operation = stream.request(role)
        if operation is None or not self._is_here(stream, operation) or not stream.receives(operation):
            return ()
        found = operation.messages
        return found if len(found) == 1 and self._is_object(stream, found[0]) else ()

    def _is_object(self, stream: StreamPlace, message: Place) -> bool:
        """Tell whether a message has members at all: where it has none, another rule says so."""
        return any("object" in types_of(part.value) for part in object_parts(self._document, stream.payload(message)))

    def _position(self, stream: StreamPlace, role: str, message: Place, *, optional: bool = False) -> None:
        self._pointer(stream, stream.pointer("seq", role), message, ("integer",), optional=optional)
        self._pointer(stream, stream.pointer("epoch", role), message, ("string",), optional=optional)

    def _key(self, stream: StreamPlace, role: str, message: Place, *, optional: bool = False) -> None:
        own = stream.member(role, "key")
        parts, wanted = stream.key(role), stream.key()
        if own is not None and len(parts) != len(wanted):
            text = f"This key has {len(parts)} parts, and the stream's has {len(wanted)}. Write as many, in its order."
            self._add(own.mark, "stream-pointer", text)
            return
        for part in parts:
            nullable = role == "gap" and own is not None
            self._part(stream, part, message, optional=optional, nullable=nullable)

    def _key_or_every(self, stream: StreamPlace, role: str, message: Place) -> None:
        """Check a key that may be left out where the address opens the stream: the frame is for every key then."""
        found = [stream.find(message, part) for part in stream.key(role)]
        left_out = stream.member(role, "key") is None and all(item.missing is not None for item in found)
        if stream.operation is not None or not left_out:
            self._key(stream, role, message)

    def _part(
        self, stream: StreamPlace, part: Place, message: Place, *, optional: bool = False, nullable: bool = False
    ) -> None:
        named = part.get("additional")
        if named is None:
            types = ("null", *_KEY_TYPES) if nullable else tuple(_KEY_TYPES)
            self._pointer(stream, part, message, types, optional=optional)
            return
        found = stream.find(message, part)
        if found.missing == "additionalProperties" and not found.beside:
            text = (
                f"{named.value!r} of message {message.key!r} has no additionalProperties, the name of one of which is "
            )
            self._add(named.mark, "stream-pointer", f"{text}the key. Add them.")
        elif found.missing is not None:
            self._missing(stream, named, message, found.missing, found.beside)
        elif found.optional is not None and not optional:
            self._optional(named, message, found.optional)

    def _optional(self, pointer: Place, message: Place, name: str) -> None:
        text = f"{name!r} may be absent in message {message.key!r}. Make it required."
        self._add(pointer.mark, "stream-pointer", text)

    def _pointer(
        self,
        stream: StreamPlace,
        pointer: Place | None,
        message: Place,
        types: tuple[str, ...],
        *,
        optional: bool = False,
    ) -> None:
        """Note where a pointer leads to nothing in a message, to what may be absent, or to a value of another type."""
        if pointer is None:
            return
        found = stream.find(message, pointer)
        if found.missing is not None:
            self._missing(stream, pointer, message, found.missing, found.beside)
            return
        if found.optional is not None and not optional:
            self._optional(pointer, message, found.optional)
        self._type(pointer, f"of message {message.key!r}", found.schemas[-1], types)

    def _missing(
        self, stream: StreamPlace, pointer: Place, message: Place, missing: str, beside: tuple[str, ...]
    ) -> None:
        hint = did_you_mean(missing, beside)
        shared = pointer.pointer[len(stream.place.pointer)] in ("key", "seq", "epoch")
        if not hint and shared:
            hint = " Where it stands elsewhere in this message, say so beside the message's id."
        text = f"Message {message.key!r} has no member {pointer.value!r}: there is no {missing!r}.{hint}"
        self._add(pointer.mark, "stream-pointer", text)

    def _type(self, pointer: Place, where: str, schema: Place, types: tuple[str, ...]) -> None:
        found = types_of(self._reader.follow(schema).members)
        if not found or not set(found) <= set(types):
            wanted = " or ".join(sorted(types))
            text = f"{pointer.value!r} {where} must be of type {wanted}, by a `type` of its own."
            self._add(pointer.mark, "stream-pointer", text)

    def _resume(self, stream: StreamPlace) -> None:
        resume = stream.member("resume")
        if resume is None:
            return
        start = "ack" if stream.operation is not None else "ready"
        for message in self._of(stream, start):
            self._pointer(stream, stream.member("resume", "recovered"), message, ("boolean",), optional=True)
        if stream.operation is not None:
            for message in self._only_message(stream, "subscribe"):
                self._sent(stream, stream.payload(message), f"of message {message.key!r}")
            return
        query = self._reader.query(stream.channel)
        if query is None:
            text = f"Channel {stream.channel.key!r} has no query parameters to resume by."
            self._add(resume.name_mark, "stream-pointer", f"{text} Add them to bindings.ws.query.")
        else:
            self._sent(stream, query, f"of the query of channel {stream.channel.key!r}")

    def _sent(self, stream: StreamPlace, schema: Place, where: str) -> None:
        """Check what a client sends that comes back: a first one has none, so it must be possible to leave it out."""
        for name, kind in (("seq", "integer"), ("epoch", "string")):
            pointer = stream.member("resume", name)
            if pointer is None:
                continue
            found = walk(self._document, schema, way_of(str(pointer.value)))
            if found.missing is not None:
                hint = did_you_mean(found.missing, found.beside)
                text = f"There is no member {pointer.value!r} {where}: there is no {found.missing!r}.{hint}"
                self._add(pointer.mark, "stream-pointer", text)
                continue
            self._type(pointer, where, found.schemas[-1], (kind,))
            if found.optional is None:
                text = f"{pointer.value!r} {where} is required, and a client that comes first has none."
                self._add(pointer.mark, "stream-pointer", f"{text} Make it optional.")

    def _frames(self, stream: StreamPlace) -> None:
        listed = [stream.operations.get(str(item.value)) for item in self._pushes(stream)]
        if any(item is None or not self._is_here(stream, item) or stream.receives(item) for item in listed):
            return  # told already
        pushed = [message for message in stream.pushed() if self._is_object(stream, message)]
        frames = [message for message in pushed if stream.has_key(message)]
        if not frames:
            self._no_frames(stream, pushed)
            return
        for message in frames:
            for part in stream.key():
                self._part(stream, part, message)
        key, seq, prev = stream.member("key"), stream.member("seq"), stream.member("prev")
        assert key is not None
        assert seq is not None
        for message in pushed:
            if message not in frames and stream.find(message, seq).missing is None:
                text = f"Message {message.key!r} has {seq.value!r}, and doesn't always have every part of the key. "
                self._add(key.mark, "stream-pointer", f"{text}Make it so, or name the stream's operations under push.")
        for name, kind in (("seq", "integer"), ("prev", "integer"), ("epoch", "string")):
            self._in_frames(stream, frames, name, kind)
        for message in frames:
            if prev is not None and stream.find(message, prev).missing is None:
                self._counted(stream, message, seq, prev)

    def _no_frames(self, stream: StreamPlace, pushed: list[Place]) -> None:
        """Say which part of the key no message holds; where each holds some, that none holds all."""
        key = stream.member("key")
        assert key is not None
        if not pushed:
            text = f"Nothing is pushed on channel {stream.channel.key!r}. Give an operation with the action send a "
            self._add((stream.member("push") or stream.named).name_mark, "stream", f"{text}message.")
            return
        for part in stream.key():
            found = [stream.find(message, part) for message in pushed]
            if all(item.missing is not None for item in found):
                named = part.get("additional")
                names = [name for item in found for name in item.beside]
                hint = did_you_mean(next(item.missing or "" for item in found), names)
                shown = repr((named or part).value)
                what = f"beside its properties in {shown}" if named is not None else shown
                text = f"No message that is pushed has a member {what}, so none belongs to the stream.{hint}"
                self._add((named or part).mark, "stream-pointer", text)
                return
        text = (
            "No message that is pushed always has every part of the key. Make them required in one, or leave one out."
        )
        self._add(key.mark, "stream-pointer", text)

    def _in_frames(self, stream: StreamPlace, frames: list[Place], name: str, kind: str) -> None:
        """Check a pointer that frames of the stream hold: at least one, or for the epoch a message of another role."""
        pointer = stream.pointer(name)
        if pointer is None:
            return
        having = [message for message in frames if stream.find(message, pointer).missing is None]
        for message in having:
            self._type(pointer, f"of message {message.key!r}", stream.find(message, pointer).schemas[-1], (kind,))
        if name == "epoch":
            told = [stream.message(role) for role in ROLES if stream.member(role, name) is None]
            having += [message for message in told if message is not None and self._is_object(stream, message)]
        if not having:
            found = stream.find(frames[0], pointer)
            hint = did_you_mean(found.missing or "", found.beside)
            names = ", ".join(message.key for message in frames)
            text = f"No frame of the stream ({names}) has a member {pointer.value!r}.{hint}"
            self._add(pointer.mark, "stream-pointer", text)

    def _counted(self, stream: StreamPlace, message: Place, seq: Place, prev: Place) -> None:
        if stream.find(message, seq).missing is not None:
            text = f"Message {message.key!r} has {prev.value!r} and no {seq.value!r}: a counted frame has both."
            self._add(prev.mark, "stream-pointer", text)
        delivery: Any = message.members.get("x-delivery")
        if delivery == "latest":
            text = f"Message {message.key!r} may be skipped (x-delivery is latest), so {prev.value!r} can show no hole."
            self._add(prev.mark, "stream", f"{text} Set one of them right.")
