"""Reading: the parts of a document that the rules and the builder both need, with references followed.

It presumes the right structure. It notes no fault and decides nothing about Python.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from codegen.document import Document, Place
from codegen.schemas import object_parts

Perspective = Literal["server", "client"]

LOCATION = re.compile(r"\$message\.payload#((?:/[^/]+)+)")
"""The runtime expressions that can be read from a frame: a JSON pointer into the payload."""


def pointer_of(location: str) -> tuple[str, ...] | None:
    """Return the members that a location leads through, or None where it is none into the payload."""
    match = LOCATION.fullmatch(location)
    if match is None:
        return None
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in match[1].split("/")[1:])


@dataclass(frozen=True)
class OperationPlace:
    """An operation with its references followed. `messages` and `replies` are places of messages."""

    place: Place
    incoming: bool
    channel: Place
    messages: tuple[Place, ...]
    replies: tuple[Place, ...]
    reply: Place | None


class Reader:
    """Reads the parts of a document that the rules and the builder both need, with references followed."""

    def __init__(self, document: Document, perspective: Perspective) -> None:
        self.document = document
        self._incoming_action = "receive" if perspective == "server" else "send"

    def follow(self, place: Place) -> Place:
        """Return what a place refers to."""
        resolved = self.document.resolve(place)
        assert resolved is not None, "the structure was checked before"
        return resolved

    def channels(self) -> tuple[Place, ...]:
        """Return the document's channels, in its order."""
        return tuple(self.document.root.under("channels"))

    def channel_messages(self, channel: Place) -> dict[Place, Place]:
        """Return a channel's messages: from the message itself to the member that names it."""
        return {self.follow(member): member for member in self.follow(channel).under("messages")}

    def operations(self) -> tuple[OperationPlace, ...]:
        """Return the document's operations. What lies in `components` alone takes no part."""
        return tuple(self._operation(place) for place in self.document.root.under("operations"))

    def _operation(self, place: Place) -> OperationPlace:
        operation = self.follow(place)
        reference = operation.get("channel")
        assert reference is not None
        channel = self.follow(reference)
        reply_place = operation.get("reply")
        reply = self.follow(reply_place) if reply_place else None
        replies: tuple[Place, ...] = ()
        if reply is not None:
            reply_channel = reply.get("channel")
            replies = self._messages(reply, self.follow(reply_channel) if reply_channel else channel)
        incoming = operation.text("action") == self._incoming_action
        return OperationPlace(place, incoming, channel, self._messages(operation, channel), replies, reply)

    def _messages(self, place: Place, channel: Place) -> tuple[Place, ...]:
        """Return the messages that an operation or a reply names; the channel's, where it names none."""
        if "messages" in place:
            return tuple(dict.fromkeys(self.follow(item) for item in place.under("messages")))
        return tuple(self.channel_messages(channel))

    def crossing(self, channel: Place) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """Return the messages that come in over a channel and those that go out, in the order of its operations."""
        incoming: dict[Place, None] = {}
        outgoing: dict[Place, None] = {}
        for operation in self.operations():
            if operation.channel == self.follow(channel):
                (incoming if operation.incoming else outgoing).update(dict.fromkeys(operation.messages))
                (outgoing if operation.incoming else incoming).update(dict.fromkeys(operation.replies))
        return tuple(incoming), tuple(outgoing)

    def tag_values(self, message: Place) -> dict[str, str]:
        """Return the required members of a message that can have one text only: `{"type": "bars.ack"}`."""
        payload = message.get("payload")
        assert payload is not None
        found: dict[str, str] = {}
        required: set[str] = set()
        for part in object_parts(self.document, payload):
            required.update(part.members.get("required", ()))
            for member in part.under("properties"):
                schema = self.follow(member).members
                values = [schema["const"]] if "const" in schema else schema.get("enum", [])
                if len(values) == 1 and isinstance(values[0], str):
                    found[member.key] = values[0]
        return {name: value for name, value in found.items() if name in required}

    def tag_name(self, messages: Iterable[Place]) -> str | None:
        """Return the member that tells messages apart: one that all have, each with a value of its own, if any."""
        candidates = [self.tag_values(message) for message in messages]
        if not candidates:
            return None
        shared = [name for name in candidates[0] if all(name in candidate for candidate in candidates)]
        distinct = [name for name in shared if len({candidate[name] for candidate in candidates}) == len(candidates)]
        return next(iter(distinct or shared), None)

    def correlation(self, message: Place) -> tuple[str, ...]:
        """Return the way to a message's correlation id; empty where it has none."""
        place = message.get("correlationId")
        return (pointer_of(self.follow(place).text("location")) or ()) if place else ()
