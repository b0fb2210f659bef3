"""Reading: the parts of a document that the rules and the builder both need, with references followed.

It presumes the right structure. It notes no fault and decides nothing about Python.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from codegen.dialect import NEEDS
from codegen.document import Document, Place
from codegen.normal import PARAMETER
from codegen.schemas import object_parts, types_of

Perspective: TypeAlias = Literal["server", "client"]
"""Whose application a document describes: what its operations `receive`, and what they `send`."""

Side: TypeAlias = Literal["server", "client"]
"""Whose code is generated."""

Form: TypeAlias = Literal["json", "text", "binary"]
"""How a message stands in a frame: JSON in a text frame, a text as it is, or bytes in a binary frame."""

BEARER_TYPES = ("oauth2", "openIdConnect")
"""Types of security schemes whose tokens a client carries as `Authorization: Bearer ...`."""

LOCATION = re.compile(r"\$message\.payload#((?:/[^/]+)+)")
"""The runtime expressions that can be read from a frame: a JSON pointer into the payload."""


def pointer_of(location: str) -> tuple[str, ...] | None:
    """Return the members that a location leads through, or None where it is none into the payload."""
    match = LOCATION.fullmatch(location)
    if match is None:
        return None
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in match[1].split("/")[1:])


Segment: TypeAlias = str | tuple[str, ...] | None
"""A part of an address: a text; None for a parameter; the texts around several parameters, or beside one."""


def _segment(part: str) -> Segment:
    if PARAMETER.fullmatch(part):
        return None
    texts = PARAMETER.split(part)[::2]
    return tuple(texts) if len(texts) > 1 else part


_BINARY = ("string", "binary")
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
    """An operation with its references followed. `messages` and `replies` are places of messages.

    `incoming` says whether the side that code is made for receives it. Replies go the other way, over the connection
    that the request came by, whatever channel the document names for them: a WebSocket has no other way back.
    `listed`: it names its messages itself, and doesn't just take what its channel has.
    """

    place: Place
    incoming: bool
    channel: Place
    messages: tuple[Place, ...]
    replies: tuple[Place, ...]
    reply: Place | None
    listed: bool


@dataclass(frozen=True, order=True)
class Carriage:
    """Where in a handshake a token may stand: `bearer`, or a query parameter, a header or a cookie of this name.

    `basic`: a name and a password stand in the Authorization header instead. `subprotocol`: the name is a template with
    `{token}`; the reader of documents finds none, since a server takes `bearer.TOKEN` wherever it takes bearer tokens.
    """

    kind: Literal["bearer", "basic", "query", "header", "cookie", "subprotocol"]
    name: str = ""


@dataclass(frozen=True)
class SecurityPlace:
    """An operation, or a server, that states `security`, and what it states that a handshake can carry.

    The order of schemes and scopes means nothing.
    """

    place: Place
    carriages: frozenset[Carriage]
    scopes: frozenset[str]
    optional: bool


class Reader:
    """Reads the parts of a document that the rules and the builder both need, with references followed."""

    def __init__(self, document: Document, perspective: Perspective, side: Side = "server") -> None:
        self.document = document
        self._incoming_action = "receive" if perspective == side else "send"

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
        messages = self._messages(operation, channel)
        return OperationPlace(place, incoming, channel, messages, replies, reply, "messages" in operation)

    def _messages(self, place: Place, channel: Place) -> tuple[Place, ...]:
        """Return the messages that an operation or a reply names; the channel's, where it names none."""
        if "messages" in place:
            return tuple(dict.fromkeys(self.follow(item) for item in place.under("messages")))
        return tuple(self.channel_messages(channel))

    def crossing(self, channel: Place) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """Return the messages that come in over a channel and those that go out, in the order of its operations."""
        incoming: dict[Place, None] = {}
        outgoing: dict[Place, None] = {}
        followed = self.follow(channel)
        for operation in self.operations():
            if operation.channel == followed:
                (incoming if operation.incoming else outgoing).update(dict.fromkeys(operation.messages))
                (outgoing if operation.incoming else incoming).update(dict.fromkeys(operation.replies))
        return tuple(incoming), tuple(outgoing)

    def segments(self, channel: Place) -> tuple[Segment, ...]:
        """Return the segments of a channel's address."""
        return tuple(_segment(part) for part in self.follow(channel).text("address").split("/")[1:])

    def parameters(self, channel: Place) -> tuple[tuple[str, Place | None], ...]:
        """Return the parameters of a channel's address: the name of each, and its definition, if it has one."""
        resolved = self.follow(channel)
        defined = {place.key: self.follow(place) for place in resolved.under("parameters")}
        return tuple((name, defined.get(name)) for name in PARAMETER.findall(resolved.text("address")))

    def slashes(self, channel: Place) -> bool:
        """Tell whether the last segment of a channel's address is a parameter that may hold slashes."""
        parameters = self.parameters(channel)
        place = parameters[-1][1] if parameters and self.segments(channel)[-1] is None else None
        return place is not None and place.members.get("x-slashes") is True

    def query(self, channel: Place) -> Place | None:
        """Return the schema of a channel's query parameters."""
        return self._bound(channel, "query")

    def headers(self, channel: Place) -> Place | None:
        """Return the schema of the headers of a channel's handshake: an object, whose properties are headers."""
        return self._bound(channel, "headers")

    def needs(self, values: Place) -> dict[str, tuple[str, ...]]:
        """Return which values of a query, or of headers, are only sent beside which others."""
        needed: dict[str, tuple[str, ...]] = {}
        for item in (place for word in NEEDS for place in values.under(word)):
            if isinstance(item.value, list):
                needed[item.key] = tuple(dict.fromkeys((*needed.get(item.key, ()), *map(str, item.value))))
        return needed

    def _bound(self, channel: Place, name: str) -> Place | None:
        bindings = self.follow(channel).get("bindings")
        binding = self.follow(bindings).get("ws") if bindings else None
        found = self.follow(binding).get(name) if binding else None
        return self.follow(found) if found else None

    def payload(self, message: Place) -> Place:
        """Return the schema of a message's payload, as it stands there; `{}` where the document states none."""
        payload = message.get("payload")
        assert payload is not None, "a message without one was given one"
        return payload

    def content_type(self, message: Place) -> str:
        """Return the content type of a message, the document's where it has none, in lower case and bare."""
        stated = message.text("contentType") or self.document.root.text("defaultContentType") or "application/json"
        return stated.partition(";")[0].strip().lower()

    def form(self, message: Place) -> Form:
        """Return how a message stands in a frame.

        A content type that isn't JSON is taken at its word where the payload can be a string; where it can't, the
        payload is JSON all the same.
        """
        kind = self.content_type(message)
        if self._is_binary(message):
            return "binary"
        if kind == "application/json" or kind.endswith("+json") or not self.may_be_text(message):
            return "json"
        texts = ("application/xml", "application/yaml", "application/x-yaml", "application/javascript")
        return "text" if kind.startswith("text/") or kind.endswith(("+xml", "+yaml")) or kind in texts else "binary"

    def _is_binary(self, message: Place) -> bool:
        """Tell whether a message of no stated content type is bytes by its schema."""
        schema = self.follow(self.payload(message)).value
        stated = message.text("contentType") or self.document.root.text("defaultContentType")
        return not stated and isinstance(schema, dict) and (schema.get("type"), schema.get("format")) == _BINARY

    def may_be_text(self, message: Place) -> bool:
        """Tell whether a message's payload can be a string, as far as its type says."""
        schema = self.follow(self.payload(message)).value
        types = types_of(schema) if isinstance(schema, dict) else ()
        shaped = isinstance(schema, dict) and any(name in schema for name in ("properties", "allOf", "oneOf", "anyOf"))
        return "string" in types or (not types and not shaped)

    def text_schema(self, place: Place) -> dict[str, Any]:
        """Return the schema of a parameter, with its own enum in it; a text where it says nothing."""
        found = place.get("x-schema")
        value = self.follow(found).value if found else {"type": "string"}
        schema: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
        schema.setdefault("type", "string")
        if "enum" in place and schema.get("type") == "string":
            schema = {"type": "string", "enum": place.members["enum"]}
        if "default" in place:
            schema["default"] = value_of(place.text("default"), schema["type"])
        return schema

    def servers(self, channel: Place) -> tuple[Place, ...]:
        """Return the servers that a channel is on: the document's, where it names none."""
        named = list(self.follow(channel).under("servers")) or list(self.document.root.under("servers"))
        return tuple(dict.fromkeys(self.follow(server) for server in named))

    def securities(self, channel: Place) -> tuple[SecurityPlace, ...]:
        """Return what each operation of a channel asks for that states `security`; its servers, where none does."""
        holders = [place for place in self._operations_of(channel) if place.members.get("security")]
        holders = holders or [place for place in self.servers(channel) if place.members.get("security")]
        stated = tuple(self._security(place) for place in holders)
        return tuple(item for item in stated if item.carriages)

    def _security(self, place: Place) -> SecurityPlace:
        schemes = [self.follow(item) for item in place.under("security")]
        scopes = [item.value for item in place.under("x-scopes")]
        for scheme in schemes:
            scopes += [item.value for item in scheme.under("scopes")]
        return SecurityPlace(
            place=place,
            carriages=frozenset(found for scheme in schemes if (found := carriage_of(scheme)) is not None),
            scopes=frozenset(scopes),
            optional=place.members.get("x-security-optional", False),
        )

    def subprotocols(self, channel: Place) -> tuple[Place, ...]:
        """Return the `x-subprotocols` of each operation of a channel that states them."""
        found = (place.get("x-subprotocols") for place in self._operations_of(channel))
        return tuple(place for place in found if place is not None)

    def _operations_of(self, channel: Place) -> list[Place]:
        followed = self.follow(channel)
        return [self.follow(item.place) for item in self.operations() if item.channel == followed]

    def tag_values(self, message: Place) -> dict[str, str]:
        """Return the required members of a message that can have one text only: `{"type": "bars.ack"}`."""
        found: dict[str, str] = {}
        required: set[str] = set()
        for part in object_parts(self.document, self.payload(message)):
            required.update(item.value for item in part.under("required"))
            for member in part.under("properties"):
                schema = self.follow(member).members
                values = [schema["const"]] if "const" in schema else schema.get("enum")
                if isinstance(values, list) and len(values) == 1 and isinstance(values[0], str):
                    found[member.key] = values[0]
        return {name: value for name, value in found.items() if name in required}

    def tag_name(self, messages: Iterable[Place]) -> str | None:
        """Return the member that tells messages apart: one that all have, each with a text of its own, if any."""
        candidates = [self.tag_values(message) for message in messages]
        if not candidates:
            return None
        shared = [name for name in candidates[0] if all(name in candidate for candidate in candidates)]
        distinct = [name for name in shared if len({candidate[name] for candidate in candidates}) == len(candidates)]
        return next(iter(distinct), None)

    def correlation(self, message: Place) -> tuple[str, ...]:
        """Return the way to a message's correlation id; empty where it has none."""
        place = message.get("correlationId")
        return (pointer_of(self.follow(place).text("location")) or ()) if place else ()


def carriage_of(scheme: Place) -> Carriage | None:
    """Return where in a handshake the token of a security scheme stands, None where no handshake carries it."""
    kind, where, name = scheme.text("type"), scheme.text("in"), scheme.text("name")
    if kind in BEARER_TYPES or (kind == "http" and scheme.text("scheme").lower() == "bearer"):
        return Carriage("bearer")
    basic = kind == "http" and scheme.text("scheme").lower() == "basic"
    if basic or kind == "userPassword" or (kind == "apiKey" and where in ("user", "password")):
        return Carriage("basic")
    if kind == "httpApiKey" and name and where in ("query", "cookie"):
        return Carriage("query" if where == "query" else "cookie", name)
    if kind == "httpApiKey" and name and where == "header":
        bearer = name.lower() == "authorization"
        return Carriage("bearer") if bearer else Carriage("header", name.lower())
    return None
