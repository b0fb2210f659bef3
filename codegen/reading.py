"""Reading: the parts of a document that the rules and the builder both need, with references followed.

It presumes the right structure. It notes no fault and decides nothing about Python.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from codegen.document import Document, Place
from codegen.schemas import object_parts

Perspective = Literal["server", "client"]

LOCATION = re.compile(r"\$message\.payload#((?:/[^/]+)+)")
"""The runtime expressions that can be read from a frame: a JSON pointer into the payload."""


PARAMETER = re.compile(r"\{([A-Za-z0-9_-]+)\}")
"""A segment of an address that is a parameter."""


def pointer_of(location: str) -> tuple[str, ...] | None:
    """Return the members that a location leads through, or None where it is none into the payload."""
    match = LOCATION.fullmatch(location)
    if match is None:
        return None
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in match[1].split("/")[1:])


_INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)


def value_of(text: str, kind: str) -> Any:
    """Return the value of a JSON type that a text stands for in an address, None where it stands for none."""
    if kind == "string":
        return text
    if kind == "boolean":
        return {"true": True, "false": False}.get(text)
    if kind == "integer":
        return int(text) if _INTEGER.fullmatch(text) else None
    return float(text) if _NUMBER.fullmatch(text) else None


@dataclass(frozen=True)
class OperationPlace:
    """An operation with its references followed. `messages` and `replies` are places of messages."""

    place: Place
    incoming: bool
    channel: Place
    messages: tuple[Place, ...]
    replies: tuple[Place, ...]
    reply: Place | None


@dataclass(frozen=True, order=True)
class Carriage:
    """Where in a handshake a token may stand: `bearer`, or a query parameter or a header of this name."""

    kind: Literal["bearer", "query", "header"]
    name: str = ""


@dataclass(frozen=True)
class SecurityPlace:
    """An operation that states `security`, and what it states. The order of schemes and scopes means nothing."""

    place: Place
    carriages: frozenset[Carriage]
    scopes: frozenset[str]
    optional: bool


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
        return self._operations

    @cached_property
    def _operations(self) -> tuple[OperationPlace, ...]:
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

    def segments(self, channel: Place) -> tuple[str | None, ...]:
        """Return the segments of a channel's address, None for one that is a parameter."""
        parts = self.follow(channel).text("address").split("/")[1:]
        return tuple(None if PARAMETER.fullmatch(part) else part for part in parts)

    def parameters(self, channel: Place) -> tuple[tuple[str, Place | None], ...]:
        """Return the parameters of a channel's address: the name of each, and its definition, if it has one."""
        resolved = self.follow(channel)
        defined = {place.key: self.follow(place) for place in resolved.under("parameters")}
        names = [match[1] for part in resolved.text("address").split("/") if (match := PARAMETER.fullmatch(part))]
        return tuple((name, defined.get(name)) for name in names)

    def slashes(self, channel: Place) -> bool:
        """Tell whether the last segment of a channel's address is a parameter that may hold slashes."""
        parameters = self.parameters(channel)
        place = parameters[-1][1] if parameters and self.segments(channel)[-1] is None else None
        return place is not None and place.members.get("x-slashes") is True

    def query(self, channel: Place) -> Place | None:
        """Return the schema of a channel's query parameters."""
        bindings = self.follow(channel).get("bindings")
        binding = self.follow(bindings).get("ws") if bindings else None
        query = self.follow(binding).get("query") if binding else None
        return self.follow(query) if query else None

    def text_schema(self, place: Place) -> dict[str, Any]:
        """Return the schema of a parameter, with its own enum in it; a text where it says nothing."""
        found = place.get("x-schema")
        value = self.follow(found).value if found else {"type": "string"}
        schema: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
        if "enum" in place and schema.get("type") == "string":
            schema = {"type": "string", "enum": place.members["enum"]}
        if "default" in place:
            schema["default"] = value_of(place.text("default"), schema["type"])
        return schema

    def securities(self, channel: Place) -> tuple[SecurityPlace, ...]:
        """Return what each operation of a channel asks for that states `security`."""
        return tuple(
            SecurityPlace(
                place=place,
                carriages=frozenset(self._carriage(self.follow(item)) for item in place.under("security")),
                scopes=frozenset(item.value for item in place.under("x-scopes")),
                optional=place.members.get("x-security-optional", False),
            )
            for place in self._operations_of(channel)
            if "security" in place
        )

    def _carriage(self, scheme: Place) -> Carriage:
        if scheme.text("type") == "http":
            return Carriage("bearer")
        if scheme.text("in") == "query":
            return Carriage("query", scheme.text("name"))
        return Carriage("header", scheme.text("name").lower())

    def subprotocols(self, channel: Place) -> tuple[Place, ...]:
        """Return the `x-subprotocols` of each operation of a channel that states them."""
        found = (place.get("x-subprotocols") for place in self._operations_of(channel))
        return tuple(place for place in found if place is not None)

    def _operations_of(self, channel: Place) -> list[Place]:
        return [self.follow(item.place) for item in self.operations() if item.channel == self.follow(channel)]

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
