"""Build: a document that passed the rules into the IR. Every decision about the generated code is taken here."""

import json
from collections.abc import Mapping
from typing import Any

from codegen import ir
from codegen.bundle import bundle
from codegen.document import Document, Place
from codegen.models import EMPTY, build_models, compiles
from codegen.naming import Names, constant, pascal, snake
from codegen.reading import OperationPlace, Perspective, Reader, pointer_of
from codegen.schemas import Schemas, describe, field_rules
from codegen.streams import StreamBuilder
from codegen.structure import Structure

RESERVED = frozenset(
    {
        *("Annotated", "Any", "BaseModel", "BeforeValidator", "ConfigDict", "ErrorCode", "Field", "JsonValue"),
        *("Literal", "Incoming", "Mapping", "TypeVar", "Generic", "Awaitable", "Callable", "APIRouter", "WebSocket"),
        *("MISSING", "RootModel", "TypeAlias", "TypeAliasType", "Union", "Delivery", "DecodeError", "CloseCode"),
        *("Final", "Protocol", "Never", "SessionT", "Channel", "Receive", "Connection", "Serve"),
        *("Authenticator", "HasScopes", "PrincipalT", "Refusal", "Refuse", "Security"),
        *("None", "True", "False"),
    }
)
"""Names that generated modules, or Python, use for themselves: a schema of that name gets another one."""


_LOCALS = frozenset(
    {
        *("serve", "refuse", "router", "authenticator", "admit", "require_token", "required", "unknown"),
        *("enter", "receivers", "parsers", "readers", "authenticate", "missing_scope", "find_channel", "raw_path"),
    }
)
"""Names of `create_router` itself, which no channel's argument can have."""


def _specificity(channel: ir.Channel) -> tuple[int, ...]:
    """Return what sorts addresses: a text before a parameter, and that before one that may hold slashes."""
    ranks = [0 if segment is not None else 1 for segment in channel.segments]
    return (*ranks[:-1], ranks[-1] + channel.slashes)


_PYTHON_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_CONSTRAINTS = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}
"""Members of a JSON Schema, and what Pydantic calls them."""


def _parameter(name: str, doc: str, schema: Mapping[str, Any], required: bool = True) -> ir.Parameter:
    values = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else []
    type_ = f"Literal[{', '.join(map(repr, values))}]" if values else _PYTHON_TYPES[schema["type"]]
    constraints = [f"{ours}={schema[theirs]!r}" for theirs, ours in _CONSTRAINTS.items() if theirs in schema]
    pattern = schema.get("pattern")
    told = {**schema, "type": ["integer", "number"]} if schema["type"] == "number" else schema
    default = repr(schema["default"]) if "default" in schema else None if required else "None"
    return ir.Parameter(
        name=snake(name),
        wire=name,
        doc=doc,
        kind=schema["type"],
        type=f"{type_} | None" if default == "None" else type_,
        annotation=f"Annotated[{type_}, Field({', '.join(constraints)})]" if constraints else type_,
        wanted=describe(told, {}, ()),
        python_regex=pattern is not None and not compiles(pattern, "rust-regex"),
        default=default,
    )


class Builder:
    """Builds the IR of one document."""

    def __init__(self, document: Document, perspective: Perspective) -> None:
        self._document = document
        self._server = perspective == "server"
        self._reader = Reader(document, perspective)
        kinds = ("{}Incoming", "{}Outgoing", "{}Operations", "Unimplemented{}Operations")
        ours = {kind.format(pascal(place.key)) for place in self._reader.channels() for kind in kinds}
        self._names = Names(RESERVED | ours)
        self._models: dict[Place, str] = {}
        self._tags: dict[Place, str | None] = {}
        self._schemas = Schemas(document, self._names)
        self._built = EMPTY

    def build(self) -> ir.Package:
        """Return the whole IR."""
        root = self._document.root
        self._name_messages()
        for message, name in self._models.items():
            payload = message.get("payload")
            assert payload is not None
            self._schemas.frame(payload, name, self._tags[message])
        self._built = build_models(self._schemas.definitions)
        channels = tuple(self._channel(channel) for channel in self._reader.channels())
        secured = any(channel.security for channel in channels)
        info = root.get("info")
        assert info is not None
        value, text = bundle(self._document, Structure(self._document).check())
        return ir.Package(
            title=info.text("title"),
            source=self._document.main.name,
            server=self._server,
            takes_operations=any(channel.operations for channel in channels),
            secured=secured,
            has_parameters=any(channel.parameters for channel in channels),
            has_query=any(channel.query for channel in channels),
            by_specificity=tuple(sorted(channels, key=_specificity)),
            negotiates=secured or any(channel.subprotocols for channel in channels),
            refuses=secured or any(channel.parameters or channel.query for channel in channels),
            channels=channels,
            error_codes=self._error_codes(),
            close_codes=self._close_codes(),
            limits=tuple(ir.Limit(constant(item.key), item.value) for item in root.under("x-limits")),
            streams=StreamBuilder(self._reader, self._models).build(),
            models=self._built,
            json=json.dumps(value, ensure_ascii=False, indent=2) + "\n",
            yaml=text,
        )

    def _name_messages(self) -> None:
        """Name every message that crosses a channel; a schema that only shares its name gives way."""
        for channel in self._reader.channels():
            incoming, outgoing = self._reader.crossing(channel)
            for direction in (incoming, outgoing):
                tag = self._reader.tag_name(direction)
                for message in direction:
                    if self._tags.get(message) is None:
                        self._tags[message] = tag
        messages = list(self._tags)
        for message in messages:
            name = message.key
            twins = [other for other in messages if pascal(other.key) == pascal(name)]
            if len(twins) > 1 and message.pointer[:2] != ("components", "messages"):
                name = f"{message.pointer[1]}_{name}"
            self._models[message] = self._names.take(name, "Message")

    def _channel(self, place: Place) -> ir.Channel:
        channel = self._reader.follow(place)
        incoming, outgoing = self._reader.crossing(place)
        operations = [item for item in self._reader.operations() if item.channel == channel and item.incoming]
        replies = tuple(dict.fromkeys(self._models[reply] for item in operations for reply in item.replies))
        messages = tuple(self._message(message, self._reader.tag_name(incoming)) for message in incoming)
        latest, rules = self._delivery(outgoing)
        return ir.Channel(
            id=place.key,
            snake=snake(place.key),
            pascal=pascal(place.key),
            constant=constant(place.key),
            argument=f"{snake(place.key)}_" if snake(place.key) in _LOCALS else snake(place.key),
            address=channel.text("address"),
            title=channel.text("title") or place.key,
            summary=channel.text("summary"),
            tag_name=self._reader.tag_name(incoming),
            incoming=messages,
            outgoing=tuple(self._models[message] for message in outgoing),
            operations=tuple(self._operation(item) for item in operations),
            dispatched=tuple(dict.fromkeys(self._models[message] for item in operations for message in item.messages)),
            replies=replies,
            may_be_silent=any(not item.replies for item in operations),
            latest=latest,
            delivery_rules=rules,
            correlations=tuple(dict.fromkeys(item.correlation for item in messages if item.correlation)),
            segments=self._reader.segments(place),
            slashes=self._reader.slashes(place),
            route=self._route(place),
            parameters=self._parameters(place),
            query=self._query(place),
            security=self._security(place),
            subprotocols=tuple(next((found.value for found in self._reader.subprotocols(place)), ())),
        )

    def _route(self, channel: Place) -> str:
        names = iter(f"p{index}" for index, _ in enumerate(self._reader.parameters(channel)))
        parts = [f"{{{next(names)}}}" if part is None else part for part in self._reader.segments(channel)]
        if self._reader.slashes(channel):
            parts[-1] = parts[-1].replace("}", ":path}")
        return "".join(f"/{part}" for part in parts)

    def _parameters(self, channel: Place) -> tuple[ir.Parameter, ...]:
        found = []
        for name, definition in self._reader.parameters(channel):
            assert definition is not None, "the rules were checked before"
            found.append(_parameter(name, definition.text("description"), self._reader.text_schema(definition)))
        return tuple(found)

    def _query(self, channel: Place) -> tuple[ir.Parameter, ...]:
        query = self._reader.query(channel)
        if query is None:
            return ()
        required = query.members.get("required", ())
        found = []
        for member in query.under("properties"):
            schema = self._reader.follow(member).value
            found.append(_parameter(member.key, schema.get("description", ""), schema, member.key in required))
        return tuple(found)

    def _security(self, channel: Place) -> ir.Security | None:
        stated = next(iter(self._reader.securities(channel)), None)
        if stated is None:
            return None
        carriages = sorted(stated.carriages)
        return ir.Security(
            bearer=any(item.kind == "bearer" for item in carriages),
            queries=tuple(item.name for item in carriages if item.kind == "query"),
            headers=tuple(item.name for item in carriages if item.kind == "header"),
            scopes=tuple(sorted(stated.scopes)),
            optional=stated.optional,
        )

    def _message(self, message: Place, tag: str | None) -> ir.Message:
        model = self._models[message]
        codes = tuple(code.value for code in self._error_codes())
        rules = field_rules(model, self._schemas.definitions, codes)
        return ir.Message(
            key=message.key,
            model=model,
            tag=self._reader.tag_values(message)[tag] if tag is not None else None,
            correlation=self._reader.correlation(message),
            rules=tuple(ir.FieldRule(path, wanted) for path, wanted in rules.items()),
        )

    def _operation(self, item: OperationPlace) -> ir.Operation:
        operation = self._reader.follow(item.place)
        parts = [operation.text("summary") or operation.text("title"), operation.text("description")]
        return ir.Operation(
            id=item.place.key,
            method=snake(item.place.key),
            doc="\n\n".join(part.strip() for part in parts if part) or f"Handle {item.place.key}.",
            messages=tuple(self._models[message] for message in item.messages),
            replies=tuple(self._models[message] for message in item.replies),
        )

    def _delivery(self, messages: tuple[Place, ...]) -> tuple[tuple[str, ...], tuple[ir.DeliveryRule, ...]]:
        latest: list[str] = []
        rules: list[ir.DeliveryRule] = []
        for message in messages:
            value: Any = message.members.get("x-delivery", "lossless")
            if value == "latest":
                latest.append(self._models[message])
            elif isinstance(value, Mapping) and value["true"] != value["false"]:
                way = pointer_of(value["by"])
                assert way is not None, "the rules were checked before"
                model = self._models[message]
                rules.append(ir.DeliveryRule(model, self._attributes(model, way), value["true"] == "latest"))
            elif isinstance(value, Mapping) and value["true"] == "latest":
                latest.append(self._models[message])
        return tuple(latest), tuple(rules)

    def _attributes(self, model: str, way: tuple[str, ...]) -> tuple[str, ...]:
        """Return the attributes behind the members that a way leads through, from a class on."""
        attributes: list[str] = []
        classes = {item.name: item for item in self._built.items if isinstance(item, ir.Model)}
        for step in way:
            attributes.append(next(field.name for field in classes[model].fields if field.wire == step))
            member = self._schemas.definitions[model]["properties"][step]
            model = member.get("$ref", "").rpartition("/")[2]
        return tuple(attributes)

    def _error_codes(self) -> tuple[ir.ErrorCode, ...]:
        return tuple(
            ir.ErrorCode(constant(item.key), item.key, " ".join(item.text("text").split()))
            for item in self._document.root.under("x-error-codes")
        )

    def _close_codes(self) -> tuple[ir.CloseCode, ...]:
        return tuple(
            ir.CloseCode(
                constant(item.text("name")),
                int(item.key),
                " ".join(item.text("text").split()),
                item.members["reconnect"],
            )
            for item in self._document.root.under("x-close-codes")
        )
