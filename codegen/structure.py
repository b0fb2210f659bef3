"""Structure: which members each object of a document has, and of which form. It never looks at what a value means.

One table says it all. What AsyncAPI allows and this generator does not understand stands under `refused`, so that it
is told with its line and never half-read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from codegen.document import Document, Place
from codegen.faults import did_you_mean


@dataclass(frozen=True)
class Shape:
    """One kind of object.

    A form is a scalar's name (`text`, `flag`, `count`, `integer`, `number`, `any`), the name of a shape, or one of
    these within `{}` (a map of names to it) or `[]` (a list of it). `text|SHAPE` is either of them.
    """

    members: Mapping[str, str]
    required: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    open: bool = False  # members beside those named are fine


_LATER = "is not supported by this generator. Take it out, or generate this part by hand."
_PROSE = {"title": "text", "summary": "text", "description": "text", "tags": "any", "externalDocs": "any"}


def _refuse(*names: str) -> dict[str, str]:
    return {name: f"{name!r} {_LATER}" for name in names}


SHAPES: Mapping[str, Shape] = {
    "document": Shape(
        {
            "asyncapi": "text",
            "id": "text",
            "info": "info",
            "defaultContentType": "text",
            "servers": "{server}",
            "channels": "{channel}",
            "operations": "{operation}",
            "components": "components",
            "x-error-codes": "{error-code}",
            "x-close-codes": "{close-code}",
            "x-limits": "{integer}",
        },
        required=("asyncapi", "info", "channels"),
    ),
    "info": Shape(
        {**_PROSE, "version": "text", "termsOfService": "text", "contact": "any", "license": "any"},
        required=("title", "version"),
    ),
    "server": Shape(
        {
            **_PROSE,
            "host": "text",
            "protocol": "text",
            "protocolVersion": "text",
            "variables": "any",
            "bindings": "any",
        },
        required=("host", "protocol"),
        refused=_refuse("pathname", "security"),
    ),
    "channel": Shape(
        {
            **_PROSE,
            "address": "text",
            "messages": "{message}",
            "servers": "[server]",
            "parameters": "{parameter}",
            "bindings": "channel-bindings",
            "x-stream": "stream",
        },
        required=("address",),
    ),
    "parameter": Shape(
        {
            "description": "text",
            "enum": "[text]",
            "default": "text",
            "examples": "[text]",
            "location": "text",  # where a payload repeats the value: nothing is routed by it
            "x-schema": "schema",
            "x-slashes": "flag",
        },
        refused={"schema": "A parameter has no 'schema' in AsyncAPI 3. Write x-schema."},
    ),
    "channel-bindings": Shape({"ws": "ws-binding"}, open=True),
    "ws-binding": Shape({"method": "text", "bindingVersion": "text", "query": "schema"}, refused=_refuse("headers")),
    "operation": Shape(
        {
            **_PROSE,
            "action": "text",
            "channel": "channel",
            "messages": "[message]",
            "reply": "reply",
            "bindings": "any",
            "security": "[security-scheme]",
            "x-scopes": "[text]",
            "x-security-optional": "flag",
            "x-subprotocols": "[text]",
            "x-stream": "stream",
        },
        required=("action", "channel"),
        refused=_refuse("traits"),
    ),
    # What a stream needs where, and what its pointers lead to, is judged in stream_rules.py.
    "stream": Shape(
        {
            "subscribe": "text|stream-request",
            "unsubscribe": "text|stream-request",
            "ack": "text|stream-message",
            "ready": "text|stream-start",
            "push": "[text]",
            "key": "[text|stream-name]",
            "seq": "text",
            "prev": "text",
            "epoch": "text",
            "resume": "stream-resume",
            "gap": "stream-gap",
            "reset": "text|stream-message",
            "refresh": "stream-refresh",
        },
        required=("key", "seq"),
    ),
    "stream-request": Shape({"operation": "text", "key": "[text|stream-name]"}, required=("operation",)),
    "stream-message": Shape(
        {"message": "text", "key": "[text|stream-name]", "seq": "text", "epoch": "text"}, required=("message",)
    ),
    "stream-start": Shape({"message": "text", "seq": "text", "epoch": "text"}, required=("message",)),
    "stream-name": Shape({"additional": "text"}, required=("additional",)),
    "stream-resume": Shape({"seq": "text", "epoch": "text", "recovered": "text"}, required=("seq",)),
    "stream-gap": Shape(
        {"message": "text", "key": "[text|stream-name]", "epoch": "text", "from": "text", "to": "text"},
        required=("message", "from", "to"),
    ),
    "stream-refresh": Shape({"operation": "text", "token": "text"}, required=("operation", "token")),
    # Which types are supported is judged in handshake_rules.py.
    "security-scheme": Shape(
        {
            "type": "text",
            "description": "text",
            "name": "text",
            "in": "text",
            "scheme": "text",
            "bearerFormat": "text",
            "flows": "any",
            "openIdConnectUrl": "text",
        },
        required=("type",),
        refused={"scopes": "Scopes are what an operation asks for. Write them there, as x-scopes."},
    ),
    "reply": Shape({"channel": "channel", "messages": "[message]"}, refused=_refuse("address")),
    "message": Shape(
        {
            **_PROSE,
            "name": "text",
            "contentType": "text",
            "correlationId": "correlation-id",
            "payload": "schema",
            "examples": "[example]",
            "bindings": "any",
        },
        required=("payload",),
        refused=_refuse("headers", "traits"),
    ),
    "example": Shape({"name": "text", "summary": "text", "payload": "any"}, refused=_refuse("headers")),
    "correlation-id": Shape({"description": "text", "location": "text"}, required=("location",)),
    # What only a refused member could use (traits, parameters, security schemes) is harmless while nothing uses it.
    "components": Shape(
        {
            "schemas": "{schema}",
            "servers": "{server}",
            "channels": "{channel}",
            "operations": "{operation}",
            "messages": "{message}",
            "replies": "{reply}",
            "correlationIds": "{correlation-id}",
            "channelBindings": "{channel-bindings}",
            **dict.fromkeys(
                (
                    *("serverVariables", "securitySchemes", "parameters", "replyAddresses", "externalDocs", "tags"),
                    *("operationTraits", "messageTraits", "serverBindings", "operationBindings", "messageBindings"),
                ),
                "any",
            ),
        },
    ),
    "error-code": Shape({"text": "text"}, required=("text",)),
    "close-code": Shape({"name": "text", "text": "text", "reconnect": "flag"}, required=("name", "text", "reconnect")),
    "schema": Shape(
        {
            "type": "any",  # judged with the rest of the schema, in rules.py
            "title": "text",
            "description": "text",
            "$comment": "text",
            "format": "text",  # an annotation, as JSON Schema has it
            "examples": "any",
            "default": "any",
            "deprecated": "flag",
            "readOnly": "flag",
            "writeOnly": "flag",
            "externalDocs": "any",
            "enum": "[any]",
            "const": "any",
            "required": "[text]",
            "properties": "{schema}",
            "additionalProperties": "schema",
            "items": "schema",
            "minItems": "count",
            "maxItems": "count",
            "minLength": "count",
            "maxLength": "count",
            "pattern": "text",
            "minimum": "number",
            "maximum": "number",
            "exclusiveMinimum": "number",
            "exclusiveMaximum": "number",
            "multipleOf": "number",
            "allOf": "[schema]",
            "anyOf": "[schema]",
            "oneOf": "[schema]",
        },
        refused=_refuse(
            *("schemaFormat", "schema", "discriminator", "$schema", "$id", "$defs", "definitions", "$anchor"),
            *("not", "if", "then", "else", "patternProperties", "propertyNames", "minProperties", "maxProperties"),
            *("uniqueItems", "contains", "additionalItems", "prefixItems", "dependencies", "dependentRequired"),
            *("dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "contentEncoding", "contentMediaType"),
        ),
    ),
}

_SCALARS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "text": (lambda value: isinstance(value, str), "text"),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "count": (lambda value: type(value) is int and value >= 0, "a whole number, 0 or more"),
    "integer": (lambda value: type(value) is int, "a whole number"),
    "number": (lambda value: type(value) in (int, float), "a number"),
}


Sound: TypeAlias = tuple[tuple[Place, str], ...]
"""Objects of the right structure, each with the name of its shape. What two places take differently is in it twice."""


class Structure:
    """Walks a document along the table and notes every fault."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._faults = document.faults
        self._seen: dict[tuple[Place, str], bool] = {}

    def check(self) -> "Sound":
        """Check everything that the document holds, used or not, and everything that it refers to.

        Returns the objects that have no fault, nor anything below them, each with the shape that it was taken for:
        what further rules may look at.
        """
        self._form(self._document.root, "document")
        return tuple(seen for seen, sound in self._seen.items() if sound)

    def _form(self, place: Place, form: str) -> bool:
        """Note the faults of a place; tell whether it has none."""
        if form == "any":
            return True
        if form[0] in "{[":
            return self._many(place, form)
        if "|" in form:
            scalar, _, shape = form.partition("|")
            return self._form(place, shape if isinstance(place.value, dict) else scalar)
        if form not in _SCALARS:
            return self._object(place, form)
        fits, wanted = _SCALARS[form]
        if not fits(place.value):
            self._faults.add(place.mark, "structure", f"{place.key!r} must be {wanted}.")
        return fits(place.value)

    def _many(self, place: Place, form: str) -> bool:
        wanted, name = (dict, "an object") if form[0] == "{" else (list, "a list")
        if not isinstance(place.value, wanted):
            self._faults.add(place.mark, "structure", f"{place.key!r} must be {name}.")
            return False
        sound = [self._form(child, form[1:-1]) for child in place.children()]  # each, not only up to the first fault
        return all(sound)

    def _object(self, place: Place, form: str) -> bool:
        resolved = self._document.resolve(place)
        if resolved is None:
            return False
        if (resolved, form) not in self._seen:
            self._seen[resolved, form] = True  # what holds itself is as sound as the rest of it
            self._seen[resolved, form] = self._members(resolved, form)
        return self._seen[resolved, form]

    def _members(self, place: Place, form: str) -> bool:
        if form == "schema" and isinstance(place.value, bool):
            return True
        if not isinstance(place.value, dict):
            name = f"This {form}" if place.pointer else "The document"
            self._faults.add(place.mark, "structure", f"{name} must be an object.")
            return False
        shape = SHAPES[form]
        sound = True
        for name in shape.required:
            if name not in place:
                self._faults.add(place.name_mark, "missing", f"This {form} has no {name!r}. Add it.")
                sound = False
        for child in place.children():
            sound = self._member(child, form, shape) and sound
        return sound

    def _member(self, child: Place, form: str, shape: Shape) -> bool:
        if child.key in shape.members:
            return self._form(child, shape.members[child.key])
        if child.key in shape.refused:
            self._faults.add(child.name_mark, "unsupported", shape.refused[child.key])
            return False
        if child.key.startswith("x-") or shape.open:
            return True
        hint = did_you_mean(child.key, shape.members) or " Take it out, or begin its name with 'x-'."
        self._faults.add(child.name_mark, "unknown-member", f"{_an(form)} has no member {child.key!r}.{hint}")
        return False


def _an(name: str) -> str:
    return f"{'An' if name[0] in 'aeiou' else 'A'} {name}"
