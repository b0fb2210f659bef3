"""Structure: which members each object of a document has, and of which form. It never looks at what a value means.

One table says it for AsyncAPI 3, and a smaller one what AsyncAPI 2 has otherwise. A member that is in neither is a
fault; what a member asks for and this generator can't do, the rules tell (rules.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from codegen.document import Document, Place
from codegen.faults import Faults, did_you_mean, nearest


@dataclass(frozen=True)
class Shape:
    """One kind of object.

    A form is a scalar's name (`text`, `prose`, `flag`, `count`, `integer`, `number`, `any`), the name of a shape, or
    one of these within `{}` (a map of names to it) or `[]` (a list of it). `A|B` is either of them. `prose` is text
    that only people read.
    """

    members: Mapping[str, str]
    required: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()  # required too, but only readers miss it
    refused: Mapping[str, str] = field(default_factory=dict)
    open: bool = False  # members beside those named are fine


_PROSE = {
    "title": "prose",
    "summary": "prose",
    "description": "prose",
    "tags": "[tag]",
    "externalDocs": "external-docs",
}
_DOCUMENT = {
    "asyncapi": "text",
    "id": "text",
    "info": "info",
    "defaultContentType": "text",
    "servers": "{server}",
    "channels": "{channel}",
    "components": "components",
    "x-error-codes": "{error-code}",
    "x-close-codes": "{close-code}",
    "x-limits": "{integer}",
}
_TEXT_OF_AN_OPERATION = {**_PROSE, "bindings": "any"}
_TEXT_OF_A_MESSAGE = {
    **_PROSE,
    "name": "prose",
    "deprecated": "flag",
    "contentType": "text",
    "headers": "schema",
    "correlationId": "correlation-id",
    "examples": "[example]",
    "bindings": "any",
}
_SERVER = {
    **_PROSE,
    "protocol": "text",
    "protocolVersion": "prose",
    "variables": "{server-variable}",
    "bindings": "any",
}
_PARTS = {
    "schemas": "{schema}",
    "servers": "{server}",
    "serverVariables": "{server-variable}",
    "channels": "{channel}",
    "messages": "{message}",
    "securitySchemes": "{security-scheme}",
    "parameters": "{parameter}",
    "correlationIds": "{correlation-id}",
    "operationTraits": "{operation-trait}",
    "messageTraits": "{message-trait}",
    "serverBindings": "any",
    "channelBindings": "{channel-bindings}",
    "operationBindings": "any",
    "messageBindings": "any",
}

SHAPES: Mapping[str, Shape] = {
    "document": Shape({**_DOCUMENT, "operations": "{operation}"}, required=("asyncapi", "info")),
    "info": Shape(
        {**_PROSE, "version": "prose", "termsOfService": "prose", "contact": "contact", "license": "license"},
        wanted=("title", "version"),
    ),
    "contact": Shape({"name": "prose", "url": "prose", "email": "prose"}),
    "license": Shape({"name": "prose", "url": "prose"}, wanted=("name",)),
    "tag": Shape({"name": "prose", "description": "prose", "externalDocs": "external-docs"}, wanted=("name",)),
    "external-docs": Shape({"description": "prose", "url": "prose"}, wanted=("url",)),
    "server": Shape(
        {**_SERVER, "host": "text", "pathname": "text", "security": "[security-scheme]"}, required=("host", "protocol")
    ),
    "server-variable": Shape({"enum": "[prose]", "default": "prose", "description": "prose", "examples": "[prose]"}),
    "channel": Shape(
        {
            **_PROSE,
            "address": "text|null",
            "messages": "{message}",
            "servers": "[server]",
            "parameters": "{parameter}",
            "bindings": "channel-bindings",
            "x-stream": "stream",
        },
    ),
    "parameter": Shape(
        {
            "description": "prose",
            "enum": "[text]",
            "default": "text",
            "examples": "[text]",
            "location": "text",  # where a payload repeats the value: nothing is routed by it
            "schema": "schema",  # AsyncAPI 2's, which documents of 3 still have
            "x-schema": "schema",
            "x-slashes": "flag",
        },
    ),
    "channel-bindings": Shape({"ws": "ws-binding"}, open=True),
    "ws-binding": Shape({"method": "text", "bindingVersion": "prose", "query": "schema", "headers": "schema"}),
    "operation": Shape(
        {
            **_TEXT_OF_AN_OPERATION,
            "action": "text",
            "channel": "channel",
            "messages": "[message]",
            "reply": "reply",
            "security": "[security-scheme]",
            "traits": "[operation-trait]",
            "x-scopes": "[text]",
            "x-security-optional": "flag",
            "x-subprotocols": "[text]",
            "x-stream": "stream",
        },
        required=("action", "channel"),
    ),
    "operation-trait": Shape({**_TEXT_OF_AN_OPERATION, "security": "[security-scheme]"}),
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
    # Which types can be checked in a handshake is judged in handshake_rules.py.
    "security-scheme": Shape(
        {
            "type": "text",
            "description": "prose",
            "name": "text",
            "in": "text",
            "scheme": "text",
            "bearerFormat": "prose",
            "flows": "any",
            "openIdConnectUrl": "prose",
            "scopes": "[text]",
        },
        required=("type",),
    ),
    "reply": Shape({"address": "reply-address", "channel": "channel", "messages": "[message]"}),
    "reply-address": Shape({"description": "prose", "location": "text"}, required=("location",)),
    "message": Shape({**_TEXT_OF_A_MESSAGE, "payload": "schema", "traits": "[message-trait]"}),
    "message-trait": Shape(_TEXT_OF_A_MESSAGE),
    "example": Shape({"name": "prose", "summary": "prose", "headers": "any", "payload": "any"}),
    "correlation-id": Shape({"description": "prose", "location": "text"}, required=("location",)),
    "components": Shape(
        {
            **_PARTS,
            "operations": "{operation}",
            "replies": "{reply}",
            "replyAddresses": "{reply-address}",
            "externalDocs": "{external-docs}",
            "tags": "{tag}",
        },
    ),
    "error-code": Shape({"text": "text"}, required=("text",)),
    "close-code": Shape({"name": "text", "text": "text", "reconnect": "flag"}, required=("name", "text", "reconnect")),
    # A payload in a language that it names: `schema` is a schema if that is one of JSON Schema's dialects.
    "multi-format": Shape({"schemaFormat": "text", "schema": "any"}, required=("schemaFormat", "schema")),
    # Every keyword of JSON Schema from draft 4 to 2020-12, and of OpenAPI's dialect, whose schemas documents refer to.
    # What can't become a type of Python is judged in schema_rules.py.
    "schema": Shape(
        {
            "$ref": "text",  # with members beside it, in a dialect where both count
            "$id": "text",
            "id": "text",
            "$schema": "text",
            "$anchor": "text",
            "$dynamicRef": "text",
            "$dynamicAnchor": "text",
            "$vocabulary": "any",
            "$comment": "prose",
            "$defs": "{schema}",
            "definitions": "{schema}",
            "type": "any",  # judged with the rest of the schema, in schema_rules.py
            "title": "prose",
            "description": "prose",
            "format": "text",  # an annotation, as JSON Schema has it
            "example": "any",
            "examples": "any",
            "default": "any",
            "deprecated": "flag",
            "nullable": "flag",
            "readOnly": "flag",
            "writeOnly": "flag",
            "externalDocs": "any",
            "xml": "any",
            "discriminator": "text|discriminator",
            "enum": "[any]",
            "const": "any",
            "required": "[text]|flag",  # a flag in draft 3, which generators still write
            "properties": "{schema}",
            "patternProperties": "{schema}",
            "propertyNames": "schema",
            "additionalProperties": "schema",
            "unevaluatedProperties": "schema",
            "minProperties": "count",
            "maxProperties": "count",
            "dependencies": "{schema|[text]}",
            "dependentRequired": "{[text]}",
            "dependentSchemas": "{schema}",
            "items": "schema|[schema]",
            "prefixItems": "[schema]",
            "additionalItems": "schema",
            "unevaluatedItems": "schema",
            "contains": "schema",
            "minContains": "count",
            "maxContains": "count",
            "minItems": "count",
            "maxItems": "count",
            "uniqueItems": "flag",
            "minLength": "count",
            "maxLength": "count",
            "pattern": "text",
            "contentEncoding": "text",
            "contentMediaType": "text",
            "contentSchema": "schema",
            "minimum": "number",
            "maximum": "number",
            "exclusiveMinimum": "number|flag",  # a flag beside minimum in draft 4 and in OpenAPI 3.0
            "exclusiveMaximum": "number|flag",
            "multipleOf": "number",
            "allOf": "[schema]",
            "anyOf": "[schema]",
            "oneOf": "[schema]",
            "not": "schema",
            "if": "schema",
            "then": "schema",
            "else": "schema",
        },
        open=True,  # JSON Schema takes what it doesn't know for an annotation
    ),
    "discriminator": Shape({"propertyName": "text", "mapping": "{text}"}, required=("propertyName",)),
}

SHAPES_OF_2: Mapping[str, Shape] = {
    **SHAPES,
    "document": Shape(
        {**_DOCUMENT, "tags": "[tag]", "externalDocs": "external-docs"}, required=("asyncapi", "info", "channels")
    ),
    "server": Shape(
        {**_SERVER, "name": "prose", "url": "text", "security": "[{[text]}]"}, required=("url", "protocol")
    ),
    "channel": Shape(
        {
            "description": "prose",
            "deprecated": "flag",
            "servers": "[text]",
            "subscribe": "operation",
            "publish": "operation",
            "parameters": "{parameter}",
            "bindings": "channel-bindings",
            "x-stream": "stream",
        },
    ),
    "operation": Shape(
        {
            **_TEXT_OF_AN_OPERATION,
            "operationId": "text",
            "message": "message",
            "security": "[{[text]}]",
            "traits": "[operation-trait]",
            "x-scopes": "[text]",
            "x-security-optional": "flag",
            "x-subprotocols": "[text]",
            "x-stream": "stream",
        },
    ),
    "operation-trait": Shape({**_TEXT_OF_AN_OPERATION, "operationId": "text", "security": "[{[text]}]"}),
    "message": Shape(
        {
            **_TEXT_OF_A_MESSAGE,
            "messageId": "text",
            "schemaFormat": "text",
            "payload": "payload",
            "traits": "[message-trait]",
            "oneOf": "[message]",
        },
    ),
    "message-trait": Shape({**_TEXT_OF_A_MESSAGE, "messageId": "text", "schemaFormat": "text"}),
    "components": Shape(_PARTS),
}
"""What AsyncAPI 2.0 to 2.6 have otherwise. `payload` is a schema unless the message's `schemaFormat` says otherwise."""

_SCALARS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "text": (lambda value: isinstance(value, str), "text"),
    "prose": (lambda value: isinstance(value, str), "text"),
    "null": (lambda value: value is None, "null"),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "count": (lambda value: type(value) is int and value >= 0, "a whole number, 0 or more"),
    "integer": (lambda value: type(value) is int, "a whole number"),
    "number": (lambda value: type(value) in (int, float), "a number"),
}
_ANNOTATIONS = frozenset(
    {
        *("title", "summary", "description", "$comment", "deprecated", "readOnly", "writeOnly", "example", "examples"),
        *("default", "tags", "externalDocs", "nullable"),
    }
)
"""Members that may stand beside a `$ref` and change nothing that is sent. (`nullable` is OpenAPI's, where $ref hides
it; whoever writes it beside one means it, and is told by schema_rules.py.)"""

_SIBLING_HINTS = {"scopes": "Write x-scopes on the operation."}

_JSON_SCHEMA = (
    "application/vnd.aai.asyncapi",
    "application/schema+json",
    "application/schema+yaml",
    "application/vnd.oai.openapi",
    "application/json",
    "application/yaml",
)


def is_json_schema(name: str) -> bool:
    """Tell whether a `schemaFormat` names a dialect of JSON Schema."""
    return name.lower().startswith(_JSON_SCHEMA)


Sound: TypeAlias = tuple[tuple[Place, str], ...]
"""Objects of the right structure, each with the name of its shape. What two places take differently is in it twice."""


class Structure:
    """Walks a document along the table and notes every fault."""

    def __init__(self, document: Document, faults: Faults | None = None) -> None:
        """`faults` is where they are noted: with the document's own, unless it is given."""
        self._document = document
        self._faults = document.faults if faults is None else faults
        self._seen: dict[tuple[Place, str], bool] = {}
        version = document.root.text("asyncapi")
        self._shapes = SHAPES_OF_2 if version.startswith("2.") else SHAPES

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
        if "|" in form:
            form = _alternative(form, place.value)
        if form[0] in "{[":
            return self._many(place, form)
        if form not in _SCALARS:
            return self._object(place, form)
        fits, wanted = _SCALARS[form]
        if fits(place.value):
            return True
        if form == "prose":
            if place.value is None:  # `description:` with nothing behind it
                self._empty(place)
                return True
            rule = "prose" if isinstance(place.value, (int, float)) else "structure"
            return not self._faults.add(place.mark, rule, f"{place.key!r} must be text. Write it in quotes.")
        self._faults.add(place.mark, "structure", f"{place.key!r} must be {wanted}.")
        return False

    def _many(self, place: Place, form: str) -> bool:
        wanted, name = (dict, "an object") if form[0] == "{" else (list, "a list")
        if place.value is None:
            self._empty(place)
            return True
        if not isinstance(place.value, wanted):
            self._faults.add(place.mark, "structure", f"{place.key!r} must be {name}.")
            return False
        check = self._requirement if form == "[security-scheme]" else self._form
        sound = [check(child, form[1:-1]) for child in place.children()]  # each, not only up to the first fault
        return all(sound)

    def _requirement(self, place: Place, form: str) -> bool:
        """Check a scheme of a `security`. Where 2.x would have its name, one fault says what to write instead."""
        value = place.value
        if isinstance(value, str):
            names: dict[str, Any] = {value: []}
        elif isinstance(value, dict) and not {"$ref", "type"} & value.keys():
            names = value
        else:
            return self._form(place, form)
        if not names or not all(isinstance(scopes, list) for scopes in names.values()):
            return self._form(place, form)
        components = self._document.root.get("components")
        known = components.get("securitySchemes") if components is not None else None
        found = known.members if known is not None else ()
        keys = [(nearest(str(name), found) or str(name)).replace("~", "~0").replace("/", "~1") for name in names]
        items = ", ".join(f"{{$ref: '#/components/securitySchemes/{key}'}}" for key in keys)
        scopes = ", ".join(dict.fromkeys(str(scope) for listed in names.values() for scope in listed))
        more = f", and x-scopes: [{scopes}] on the operation" if scopes else ""
        text = f"AsyncAPI 2 names a security scheme here, and 3 refers to it. Write {items}{more}."
        self._faults.add(place.mark, "security", text)
        return False

    def _empty(self, place: Place) -> None:
        text = f"Nothing stands under {place.key!r}. It is read as if it were not there; take it out, or fill it."
        self._faults.warn(place.name_mark, "empty", text)

    def _object(self, place: Place, form: str) -> bool:
        resolved = self._document.resolve(place)
        if resolved is None:
            return False
        if form == "payload":
            form = "schema"
        if "$ref" in place and len(place.value) > 1:
            self._siblings(place, form)
        if form == "schema" and "schemaFormat" in resolved and "schema" in resolved:
            form = "multi-format"
        if (resolved, form) not in self._seen:
            self._seen[resolved, form] = True  # what holds itself is as sound as the rest of it
            self._seen[resolved, form] = self._members(resolved, form)
        return self._seen[resolved, form]

    def _siblings(self, place: Place, form: str) -> None:
        if (place, "$ref") in self._seen:
            return
        self._seen[place, "$ref"] = False
        beside = [child for child in place.children() if child.key != "$ref" and not child.key.startswith("x-")]
        counted = [child for child in beside if child.key not in _ANNOTATIONS]
        if form == "schema" and place.source.is_modern:
            if counted:
                self._seen[place, "schema-beside-ref"] = self._members(place, "schema")
            return
        for child in counted:
            hint = _SIBLING_HINTS.get(child.key, "Move it into the target, or take it out.")
            text = f"{child.key!r} stands beside $ref, where it doesn't count, and is left out. {hint}"
            self._faults.warn(child.name_mark, "ref-siblings", text)

    def _members(self, place: Place, form: str) -> bool:
        if form == "schema" and isinstance(place.value, bool):
            return True
        if place.value is None and not self._shapes[form].required and place.pointer:
            self._empty(place)
            return True
        if not isinstance(place.value, dict):
            name = f"This {form}" if place.pointer else "The document"
            self._faults.add(place.mark, "structure", f"{name} must be an object.")
            return False
        shape = self._shapes[form]
        sound = True
        for names, rule in ((shape.required, "missing"), (shape.wanted, "incomplete")):
            for name in names:
                if name not in place and self._faults.add(
                    place.name_mark, rule, f"This {form} has no {name!r}. Add it."
                ):
                    sound = False
        foreign = form == "message" and not is_json_schema(place.text("schemaFormat") or _JSON_SCHEMA[0])
        for child in place.children():
            if foreign and child.key == "payload":
                continue
            sound = self._member(child, form, shape) and sound
        if form == "multi-format" and is_json_schema(place.text("schemaFormat")):
            inner = place.get("schema")
            sound = inner is not None and self._form(inner, "schema") and sound
        return sound

    def _member(self, child: Place, form: str, shape: Shape) -> bool:
        if child.key in shape.members:
            return self._form(child, shape.members[child.key])
        if child.key in shape.refused:
            self._faults.add(child.name_mark, "unsupported", shape.refused[child.key])
            return False
        if child.key.startswith("x-"):
            return True
        hint = did_you_mean(child.key, shape.members)
        if shape.open:
            if form == "schema" and hint and child.key not in shape.members.values():
                text = f"JSON Schema has no {child.key!r}, and takes it for a remark.{hint}"
                self._faults.warn(child.name_mark, "unknown-keyword", text)
            return True
        hint = hint or " Take it out, or begin its name with 'x-'."
        return not self._faults.add(
            child.name_mark, "unknown-member", f"{_an(form)} has no member {child.key!r}.{hint}"
        )


def _alternative(form: str, value: Any) -> str:
    """Return the one of several forms that a value's type speaks for; the first, where none does."""
    forms = _alternatives(form)
    for candidate in forms:
        if candidate in _SCALARS:
            if _SCALARS[candidate][0](value):
                return candidate
        elif isinstance(value, list if candidate[0] == "[" else dict):
            return candidate
    return forms[0]


def _alternatives(form: str) -> list[str]:
    """Return the forms between bars, but for bars within `{}` or `[]`."""
    found, depth = [""], 0
    for character in form:
        depth += (character in "{[") - (character in "}]")
        if character == "|" and not depth:
            found.append("")
        else:
            found[-1] += character
    return found


def _an(name: str) -> str:
    return f"{'An' if name[0] in 'aeiou' else 'A'} {name}"
