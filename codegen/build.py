"""Build: a document that passed the rules into the IR. Every decision about the generated code is taken here."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from codegen import ir
from codegen.bundle import bundle
from codegen.document import Document, Place
from codegen.models import EMPTY, build_models
from codegen.naming import Names, constant, distinct, pascal, snake
from codegen.ownership import Owner, dialogues
from codegen.patterns import compiles
from codegen.reading import Perspective, Reader, Side, pointer_of
from codegen.schemas import Schemas, describe, field_rules
from codegen.streams import StreamBuilder
from codegen.telling import in_order, tests_of

RESERVED = frozenset(
    {
        *("Annotated", "Any", "BaseModel", "BeforeValidator", "ConfigDict", "ErrorCode", "Field", "JsonValue"),
        *("Literal", "Incoming", "Mapping", "TypeVar", "Generic", "Awaitable", "Callable", "APIRouter", "WebSocket"),
        *("MISSING", "RootModel", "TypeAlias", "TypeAliasType", "Union", "Delivery", "DecodeError", "CloseCode"),
        *("Final", "Protocol", "Never", "SessionT", "Channel", "Receive", "Connection", "Serve"),
        *("Authenticator", "Check", "ClassVar", "HasScopes", "PrincipalT", "Refusal", "Refuse", "Security"),
        *("BinaryFrame", "Candidate"),
        *("None", "True", "False", "Self"),
    }
)
"""Names that generated modules, or Python, use for themselves: a schema of that name gets another one."""


_LOCALS = frozenset(
    {
        *("serve", "refuse", "router", "authenticator", "admit", "require_token", "required", "unknown"),
        *("enter", "receivers", "parsers", "readers", "authenticate", "missing_scope", "find_channel", "raw_path"),
        *("permit", "header_readers", "admit_all", "permit_all", "dataclass", "session", "frame", "message", "reply"),
        *("websocket", "channel", "matched", "path", "receive"),
        *("principal", "refusal", "parameters", "query", "headers", "error", "offered", "subprotocol"),
    }
)
_LOCAL_KINDS = ("decode_", "encode_", "dispatch_", "parse_", "read_", "receive_", "serve_")
"""Names of `create_router` itself, and what some begin with, which no channel's argument can have."""


def _argument(name: str) -> str:
    return f"channel_{name}" if name.startswith(_LOCAL_KINDS) else f"{name}_" if name in _LOCALS else name


def _specificity(channel: ir.Channel) -> tuple[float, ...]:
    """Return what sorts addresses: a text before a part of one, that before a parameter, and one with slashes last."""
    ranks = [0.0 if isinstance(part, str) else 1.0 if part is None else 0.5 for part in channel.segments]
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


def _parameter(
    name: str, doc: str, schema: Mapping[str, Any], *, required: bool = True, needs: tuple[str, ...] = ()
) -> ir.Parameter:
    schema = {"type": "string", **schema}
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
        needs=needs,
    )


def _named(parameters: list[ir.Parameter]) -> tuple[ir.Parameter, ...]:
    """Return parameters of which no two have the same name in Python."""
    names = distinct(item.name for item in parameters)
    return tuple(replace(item, name=name) for item, name in zip(parameters, names, strict=True))


def _public(name: str, prefix: str = "channel") -> str:
    """Return a name that doesn't begin with an underscore, as one does that began with a digit."""
    return f"{prefix}{name}" if name.startswith("_") else name


def _key(message: Place) -> str:
    """Return the name of a message: the file's, where it is all of one."""
    return message.key or message.source.path.stem


_SHARED = ("components", "messages")
_CONSTANTS = frozenset({"CHANNELS"})
"""Names of `channels.py` itself, which no channel can have."""


class Builder:
    """Builds the IR of one document."""

    def __init__(self, document: Document, perspective: Perspective, side: Side = "server") -> None:
        self._document = document
        self._server = side == "server"
        self._reader = Reader(document, perspective, side)
        channels = self._reader.channels()
        self._snakes = dict(zip(channels, distinct(_public(snake(place.key)) for place in channels), strict=True))
        constants = distinct((_public(constant(place.key), "CHANNEL") for place in channels), _CONSTANTS)
        self._constants = dict(zip(channels, constants, strict=True))
        pascals = distinct((pascal(place.key) for place in channels), separator="")
        self._pascals = dict(zip(channels, pascals, strict=True))
        kinds = ("{}Incoming", "{}Outgoing", "{}Operations", "Unimplemented{}Operations")
        self._names = Names(RESERVED | {kind.format(name) for name in pascals for kind in kinds})
        self._dialogues = dialogues(self._reader, side)
        self._roots: list[ir.Root] = []
        self._models: dict[Place, str] = {}
        self._tags: dict[Place, str | None] = {}
        self._schemas = Schemas(document, self._names)
        self._built = EMPTY
        self._definitions: Mapping[str, Mapping[str, Any]] = {}
        self._types: Mapping[str, str] = {}
        self._codes: tuple[str, ...] = ()

    @property
    def message_classes(self) -> Mapping[Place, str]:
        """Return the class name of each message that crosses a channel; none before `build`."""
        return self._models

    @property
    def definitions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the shapes behind the models, by class name: see shapes.py. None before `build`."""
        return self._definitions

    def build(self) -> ir.Package:
        """Return the whole IR."""
        root = self._document.root
        self._name_messages()
        for message, name in self._models.items():
            if self._is_class(message):
                self._schemas.frame(self._reader.payload(message), name, self._tags[message])
            else:
                self._roots.append(self._root(message, name))
        self._definitions = self._schemas.definitions
        self._types = {root.name: root.type for root in self._roots}
        self._codes = tuple(code.value for code in self._error_codes())
        self._built = build_models(self._definitions, self._schemas.checks)
        channels = tuple(self._channel(channel) for channel in self._reader.channels())
        secured = any(channel.security for channel in channels)
        reads = any(channel.parameters or channel.query or channel.headers for channel in channels)
        info = root.get("info")
        assert info is not None
        value, text = bundle(self._document)
        return ir.Package(
            title=info.text("title"),
            version=info.text("version"),
            description=info.text("description"),
            servers=self._servers(),
            source=self._document.main.name,
            server=self._server,
            takes_operations=any(channel.operations for channel in channels),
            secured=secured,
            has_parameters=any(channel.parameters for channel in channels),
            has_query=any(channel.query for channel in channels),
            has_headers=any(channel.headers for channel in channels),
            reads=reads,
            pairs=any(item.needs for channel in channels for item in (*channel.query, *channel.headers)),
            mixed=any(channel.mixed for channel in channels),
            credentials=any(item.security and (item.security.basic or item.security.cookies) for item in channels),
            by_structure=any(channel.by_structure for channel in channels),
            texts=any(channel.texts for channel in channels),
            binaries=any(channel.binaries for channel in channels),
            by_specificity=tuple(sorted(channels, key=_specificity)),
            negotiates=secured or any(channel.subprotocols for channel in channels),
            refuses=secured or reads,
            channels=channels,
            roots=tuple(self._roots),
            classes=(*self._built.classes, *(root.name for root in self._roots)),
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
        counts = Counter(pascal(_key(message)) for message in self._tags)
        for message in self._tags:
            name = _key(message)
            if counts[pascal(name)] > 1 and len(message.pointer) > 1 and message.pointer[:2] != _SHARED:
                name = f"{message.pointer[1]}_{name}"
            self._models[message] = self._names.take(name, "Message")

    def _is_class(self, message: Place) -> bool:
        """Tell whether a message's payload is an object of one class."""
        return self._reader.form(message) == "json" and self._schemas.is_class(self._reader.payload(message))

    def _root(self, message: Place, name: str) -> ir.Root:
        payload = self._reader.payload(message)
        doc = message.text("summary") or message.text("title") or message.text("description")
        form = self._reader.form(message)
        if form == "binary":
            return ir.Root(name, "bytes", doc)
        if form == "text" and not self._reader.follow(payload).value:
            return ir.Root(name, "str", doc)
        return ir.Root(name, self._schemas.root(payload, f"{name}Payload"), doc)

    def _decoded(self, messages: tuple[Place, ...]) -> tuple[tuple[ir.Message, ...], str | None, bool]:
        """Return what comes in, the member that tells it apart, and whether its structure must."""
        tag = self._reader.tag_name(messages)
        plain = all(self._is_class(message) for message in messages) and (tag is not None or len(messages) < 2)
        ordered = messages if plain else in_order(self._reader, messages)
        return tuple(self._message(message, tag if plain else None) for message in ordered), tag, not plain

    def _channel(self, place: Place) -> ir.Channel:
        channel = self._reader.follow(place)
        _, outgoing = self._reader.crossing(place)
        dialogue = self._dialogues[place]
        methods = distinct(_public(item.method, "operation") for item in dialogue.operations)
        operations = tuple(
            self._operation(item, method) for item, method in zip(dialogue.operations, methods, strict=True)
        )
        incoming, tag, by_structure = self._decoded(dialogue.incoming)
        latest, rules = self._delivery(outgoing)
        segments = self._reader.segments(place)
        return ir.Channel(
            id=place.key,
            snake=self._snakes[place],
            pascal=self._pascals[place],
            constant=self._constants[place],
            argument=_argument(self._snakes[place]),
            address=channel.text("address"),
            title=channel.text("title") or place.key,
            summary=channel.text("summary"),
            tag_name=tag,
            by_structure=by_structure,
            incoming=incoming,
            outgoing=tuple(self._models[message] for message in outgoing),
            texts=self._of_form("text", outgoing),
            binaries=self._of_form("binary", outgoing),
            jsons=self._of_form("json", outgoing),
            operations=operations,
            requests=self._requests(channel),
            dispatched=tuple(dict.fromkeys(message for item in operations for message in item.messages)),
            replies=tuple(dict.fromkeys(reply for item in operations for reply in item.replies)),
            may_be_silent=any(not item.replies for item in operations),
            latest=latest,
            delivery_rules=rules,
            segments=segments,
            mixed=any(isinstance(part, tuple) for part in segments),
            slashes=self._reader.slashes(place),
            route=self._route(place),
            parameters=self._parameters(place),
            query=self._bound(self._reader.query(place)),
            headers=self._bound(self._reader.headers(place)),
            security=self._security(place),
            subprotocols=tuple(next((found.value for found in self._reader.subprotocols(place)), ())),
        )

    def _of_form(self, form: str, messages: Iterable[Place]) -> tuple[str, ...]:
        return tuple(self._models[message] for message in messages if self._reader.form(message) == form)

    def _route(self, channel: Place) -> str:
        names = iter(f"p{index}" for index, _ in enumerate(self._reader.segments(channel)))
        parts = [part if isinstance(part, str) else f"{{{next(names)}}}" for part in self._reader.segments(channel)]
        if self._reader.slashes(channel):
            parts[-1] = parts[-1].replace("}", ":path}")
        return "".join(f"/{part}" for part in parts)

    def _parameters(self, channel: Place) -> tuple[ir.Parameter, ...]:
        found = []
        for name, definition in self._reader.parameters(channel):
            schema = self._reader.text_schema(definition) if definition is not None else {"type": "string"}
            found.append(_parameter(name, definition.text("description") if definition is not None else "", schema))
        return _named(found)

    def _bound(self, schema: Place | None) -> tuple[ir.Parameter, ...]:
        """Return the values of a handshake that a binding describes: its query's, or its headers'."""
        if schema is None:
            return ()
        required, needs = schema.members.get("required", ()), self._reader.needs(schema)
        found = []
        for member in schema.under("properties"):
            value = self._reader.follow(member).members
            doc, beside = value.get("description", ""), needs.get(member.key, ())
            found.append(_parameter(member.key, doc, value, required=member.key in required, needs=beside))
        return _named(found)

    def _security(self, channel: Place) -> ir.Security | None:
        stated = next(iter(self._reader.securities(channel)), None)
        if stated is None:
            return None
        carriages = sorted(stated.carriages)
        return ir.Security(
            bearer=any(item.kind == "bearer" for item in carriages),
            basic=any(item.kind == "basic" for item in carriages),
            queries=tuple(item.name for item in carriages if item.kind == "query"),
            headers=tuple(item.name for item in carriages if item.kind == "header"),
            cookies=tuple(item.name for item in carriages if item.kind == "cookie"),
            scopes=tuple(sorted(stated.scopes)),
            optional=stated.optional,
        )

    def _message(self, message: Place, tag: str | None) -> ir.Message:
        model = self._models[message]
        type_ = self._types.get(model, model)
        rules = field_rules(type_, self._definitions, self._codes) if type_ in self._definitions else {}
        return ir.Message(
            key=_key(message),
            model=model,
            tag=self._reader.tag_values(message)[tag] if tag is not None else None,
            correlation=self._reader.correlation(message),
            rules=tuple(ir.FieldRule(path, wanted) for path, wanted in rules.items()),
            form=self._reader.form(message),
            tests=tests_of(self._reader, message).listed(),
        )

    def _operation_doc(self, place: Place) -> str:
        operation = self._reader.follow(place)
        parts = [operation.text("summary") or operation.text("title"), operation.text("description")]
        return "\n\n".join(part.strip() for part in parts if part)

    def _operation(self, item: Owner, method: str) -> ir.Operation:
        doc = self._operation_doc(item.place)
        if item.answers:
            doc = f"Take the answer to {' or '.join(item.answers)}."
        return ir.Operation(
            id=item.place.key,
            method=method,
            doc=doc or f"Handle {item.place.key}.",
            messages=tuple(self._models[message] for message in item.messages),
            replies=tuple(self._models[message] for message in item.replies),
        )

    def _requests(self, channel: Place) -> tuple[ir.Request, ...]:
        """Return what this side sends over a channel (followed), where that is more than answers."""
        return tuple(
            ir.Request(
                id=item.place.key,
                method=snake(item.place.key),
                doc=self._operation_doc(item.place) or f"Send {item.place.key}.",
                messages=tuple(self._message(message, None) for message in item.messages),
                replies=tuple(self._models[message] for message in item.replies),
            )
            for item in self._reader.operations()
            if item.channel == channel and not item.incoming
        )

    def _servers(self) -> tuple[ir.Server, ...]:
        """Return the document's servers, with the defaults of their variables filled in."""
        found: list[ir.Server] = []
        for place in self._document.root.under("servers"):
            server = self._reader.follow(place)
            url = f"{server.text('protocol')}://{server.text('host')}{server.text('pathname')}"
            for variable in server.under("variables"):
                members = self._reader.follow(variable).members
                values = [members["default"]] if "default" in members else members.get("enum", [])
                url = url.replace(f"{{{variable.key}}}", str(values[0])) if values else url
            if "{" not in url:
                found.append(ir.Server(place.key, url.rstrip("/"), server.text("description").strip()))
        return tuple(found)

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
            member = self._definitions[model]["properties"][step]
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
