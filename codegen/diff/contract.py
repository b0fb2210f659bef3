"""Contract: what a document promises on the wire: channels, and what crosses them, with references followed.

Names of channels, messages and operations take no part in that. It judges nothing, and reads what no target generates.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from codegen.diff.nodes import Schemas, TooManyError, text_of
from codegen.document import Document, Place
from codegen.reading import Perspective

_PARAMETER = re.compile(r"\{([^{}/]*)\}")


@dataclass(frozen=True, eq=False)
class MessageView:
    """A message of a channel. `place` is the message itself, `member` what names it in the channel."""

    key: str
    member: Place
    place: Place
    payload: Place | None
    headers: Place | None
    content_type: str
    delivery: str
    correlation: str
    tags: Mapping[str, str]  # required members that can have one text only


@dataclass(frozen=True, eq=False)
class Security:
    """What a handshake is asked for: the ways in which a client may show who it is, and the scopes that it needs."""

    place: Place
    ways: Mapping[str, Place]
    scopes: Mapping[str, Place]
    optional: bool


@dataclass(frozen=True, eq=False)
class OperationView:
    """An operation as clients see it: `sent` tells that they send its messages."""

    id: str
    member: Place
    place: Place
    sent: bool
    channel: Place
    messages: tuple[Place, ...]
    reply: Place | None
    replies: tuple[Place, ...]
    reply_address: str
    security: Security | None
    subprotocols: Mapping[str, Place]
    stream: Place | None


@dataclass(frozen=True, eq=False)
class ChannelView:
    """A channel and what crosses it. `shape` is its address with every parameter's name left out."""

    id: str
    member: Place
    place: Place
    address: str | None
    shape: str | None
    parameters: tuple[tuple[str, Place | None], ...]
    method: str
    query: Place | None
    headers: Place | None
    servers: Mapping[str, Place] | None
    operations: tuple[OperationView, ...]
    sent: Mapping[Place, MessageView]
    received: Mapping[Place, MessageView]
    stream: Place | None


class Contract:
    """Reads one document."""

    def __init__(self, document: Document, perspective: Perspective) -> None:
        self.document = document
        self.schemas = Schemas(document)
        self.root = document.root
        self._sent_action = "receive" if perspective == "server" else "send"

    def follow(self, place: Place) -> Place:
        """Return what a place refers to."""
        return self.schemas.follow(place)

    def _at(self, place: Place | None, *names: str) -> Place | None:
        """Return what lies behind members, with references followed at each step."""
        for name in names:
            place = self.follow(place).get(name) if place is not None else None
        return self.follow(place) if place is not None else None

    @cached_property
    def servers(self) -> dict[str, Place]:
        """Return the servers by name."""
        return {place.key: self.follow(place) for place in self.root.under("servers")}

    @cached_property
    def operations(self) -> dict[str, OperationView]:
        """Return the operations by id."""
        return {place.key: self._operation(place) for place in self.root.under("operations")}

    @cached_property
    def channels(self) -> dict[str, ChannelView]:
        """Return the channels by id."""
        return {place.key: self._channel(place) for place in self.root.under("channels")}

    def _operation(self, member: Place) -> OperationView:
        place = self.follow(member)
        channel = self._at(place, "channel") or place
        reply = self._at(place, "reply")
        reply_channel = self._at(reply, "channel") or channel
        address = self._at(reply, "address")
        return OperationView(
            id=member.key,
            member=member,
            place=place,
            sent=place.text("action") == self._sent_action,
            channel=channel,
            messages=self._messages(place, channel),
            reply=reply,
            replies=self._messages(reply, reply_channel) if reply is not None else (),
            reply_address=address.text("location") if address is not None else "",
            security=self.security(place),
            subprotocols={str(item.value): item for item in place.under("x-subprotocols")},
            stream=self._at(place, "x-stream"),
        )

    def _messages(self, place: Place, channel: Place) -> tuple[Place, ...]:
        named = place.under("messages") if "messages" in place else channel.under("messages")
        return tuple(dict.fromkeys(self.follow(item) for item in named))

    def security(self, place: Place) -> Security | None:
        """Return what an operation or a server asks for; None where it says nothing."""
        stated = place.get("security")
        if stated is None:
            return None
        ways: dict[str, Place] = {}
        scopes: dict[str, Place] = {str(item.value): item for item in place.under("x-scopes")}
        for item in stated.children():
            scheme = self.follow(item)
            ways[_way(scheme)] = item
            scopes |= {str(scope.value): scope for scope in scheme.under("scopes")}
        return Security(stated, ways, scopes, place.members.get("x-security-optional") is True or not ways)

    def _channel(self, member: Place) -> ChannelView:
        place = self.follow(member)
        address = place.members.get("address")
        shape = _PARAMETER.sub("{}", address) if isinstance(address, str) else None
        names = [match[1] for match in _PARAMETER.finditer(address)] if isinstance(address, str) else []
        operations = tuple(item for item in self.operations.values() if item.channel == place)
        members = {self.follow(item): item for item in reversed(list(place.under("messages")))}
        sent: dict[Place, None] = {}
        received: dict[Place, None] = {}
        for operation in operations:
            (sent if operation.sent else received).update(dict.fromkeys(operation.messages))
            (received if operation.sent else sent).update(dict.fromkeys(operation.replies))
        if not operations:  # nothing says who sends: held to both
            sent = received = dict.fromkeys(reversed(list(members)))
        binding = ("bindings", "ws")
        servers = {self.follow(item).key: item for item in place.under("servers")} if "servers" in place else None
        return ChannelView(
            id=member.key,
            member=member,
            place=place,
            address=address if isinstance(address, str) else None,
            shape=shape,
            parameters=tuple((name, self._at(place, "parameters", name)) for name in names),
            method=(self._at(place, *binding) or place).text("method"),
            query=self._at(place, *binding, "query"),
            headers=self._at(place, *binding, "headers"),
            servers=servers,
            operations=operations,
            sent={message: self.message(message, members.get(message, message)) for message in sent},
            received={message: self.message(message, members.get(message, message)) for message in received},
            stream=self._at(place, "x-stream"),
        )

    def message(self, place: Place, member: Place) -> MessageView:
        """Return a message; `member` is what names it."""
        payload = place.get("payload")
        correlation = self._at(place, "correlationId")
        default = self.root.text("defaultContentType") or "application/json"
        delivery: Any = place.members.get("x-delivery", "lossless")
        if isinstance(delivery, dict) and delivery.get("true") == delivery.get("false"):
            delivery = delivery.get("true")
        return MessageView(
            key=member.key,
            member=member,
            place=place,
            payload=payload,
            headers=place.get("headers"),
            content_type=(place.text("contentType") or default).replace(" ", "").lower(),
            delivery=delivery if isinstance(delivery, str) else text_of(delivery),
            correlation=correlation.text("location") if correlation is not None else "",
            tags=self._tags(payload) if payload is not None else {},
        )

    def _tags(self, payload: Place) -> dict[str, str]:
        try:
            return self._tags_of(payload)
        except (TooManyError, RecursionError):
            return {}

    def _tags_of(self, payload: Place) -> dict[str, str]:
        alternatives = self.schemas.alternatives((payload,))
        if len(alternatives) != 1:
            return {}
        found: dict[str, str] = {}
        for name in alternatives[0].required:
            member = alternatives[0].member(name)
            if isinstance(member, Place) or not member:
                continue
            values = [value for item in self.schemas.alternatives(member) for value in item.listed() or [None, None]]
            if len(values) == 1 and isinstance(values[0], str):
                found[name] = values[0]
        return found

    def uses_error_codes(self) -> bool:
        """Tell whether a schema says that it takes the codes of `x-error-codes`."""
        return any(_holds_codes(source.value) for source in self.document.files)


def _holds_codes(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("x-codes") == "x-error-codes" or any(_holds_codes(item) for item in value.values())
    return isinstance(value, list) and any(_holds_codes(item) for item in value)


def _way(scheme: Place) -> str:
    """Return how a client shows who it is, as words that two equal schemes share."""
    kind = scheme.text("type")
    if kind == "http":
        return f"HTTP {scheme.text('scheme').lower()} credentials"
    if kind == "httpApiKey":
        where = scheme.text("in")
        name = scheme.text("name")
        return f"the {where} {name.lower() if where == 'header' else name!r}"
    if kind == "apiKey":
        return f"an API key as {scheme.text('in')}"
    if kind in ("oauth2", "openIdConnect"):
        return "an OAuth 2 token" if kind == "oauth2" else "an OpenID Connect token"
    return f"{kind or 'unknown'} credentials"
