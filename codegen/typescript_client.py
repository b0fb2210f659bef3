"""The TypeScript client: a document into the files of an installable package. Every decision is taken here.

It knows nothing of how types are written. The run-time under `templates/typescript_client/src/runtime/` is the same for
every document; what knows `x-stream` is left out where the document says nothing of it.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2

from codegen import ir
from codegen.build import Builder
from codegen.document import Document
from codegen.naming import pascal, words
from codegen.reading import Perspective, Reader, pointer_of
from codegen.typescript_types import Types, comment, name_of, quote
from codegen.waits import RECONNECT, RETRY

_TEMPLATES = files("codegen") / "templates" / "typescript_client"

_RUNTIME = ("options", "errors", "values", "queue", "channel")
_STREAM_RUNTIME = ("positions", "stream")

RESERVED_METHODS = frozenset(
    {
        *("constructor", "open", "close", "closed", "messages", "stats", "subscriptions"),
        *("then", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString"),
    }
)
"""Public members of a channel's class, and what every object has: an operation of that name gets another one."""

_RESERVED_CHANNELS = frozenset({"close", *RESERVED_METHODS})

"""Members by which servers say how long to wait."""


def camel(name: str) -> str:
    """Return `barsSubscribe`."""
    joined = "".join(word[0].upper() + word[1:] for word in words(name))
    first = words(name)[0]
    head = first.lower() if first.isupper() else first[0].lower() + first[1:]
    found = head + joined[len(first) :]
    return f"_{found}" if found[0].isdigit() else found


@dataclass(frozen=True, slots=True)
class Kind:
    """A message that may come in: a line of the channel's table. The texts are TypeScript."""

    name: str
    form: str
    check: str
    pushed: bool
    id: str
    latest: str
    reconnect_after: str
    retry_after: str
    tag: str | None


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a channel's class. The texts are TypeScript."""

    name: str
    doc: str
    spec: str
    request: str
    argument: str  # `payload: models.Ping["payload"]`; empty where nothing can be given
    given: str
    replies: str
    call: str  # the method of the run-time that sends it
    told: str  # the argument for the README
    summary: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel: its class, its table of messages, its requests."""

    id: str
    property: str
    type: str
    doc: str
    address: str
    base: str
    subprotocols: str
    security: str
    tag: str
    kinds: tuple[Kind, ...]
    by_tag: tuple[tuple[str, str], ...]
    probe: str
    message: tuple[str, ...]
    methods: tuple[Method, ...]
    streams: tuple[str, ...]
    parameters: tuple[str, ...]
    query: tuple[str, ...]
    needs_query: bool
    is_property: bool
    usage: str
    told: str  # the names of what is pushed


def sources(document: Document, perspective: Perspective) -> dict[str, str]:
    """Return the content of every file of the package, by its path within it."""
    builder = Builder(document, perspective, side="client")
    package = builder.build()
    definitions = {name: _schema(shape) for name, shape in builder.definitions.items()} | _roots(package)
    return _Client(document, package, definitions, _deliveries(Reader(document, perspective, "client"))).files()


def _schema(shape: Any) -> Any:
    """Return a shape of the models as the JSON Schema that it stands for; what only a check can say is left out."""
    if isinstance(shape, list):
        return [_schema(item) for item in shape]
    if not isinstance(shape, Mapping):
        return shape
    if "enum" in shape:  # values are no schemas
        return {"const": shape["default"], "default": shape["default"]} if "x-tag" in shape else dict(shape)
    if shape.get("x-fits") is False:
        return False
    found = {key: value for key, value in shape.items() if key not in ("x-fits", "x-open", "tuple", "default")}
    for key in ("items", "anyOf", "additionalProperties"):
        if key in found:
            found[key] = _schema(found[key])
    if "properties" in found:
        found["properties"] = {name: _schema(member) for name, member in found["properties"].items()}
    if "tuple" in shape:
        count = len(shape["tuple"])
        found |= {"items": _schema(shape["tuple"]), "additionalItems": False, "minItems": count, "maxItems": count}
    return found


def _roots(package: ir.Package) -> dict[str, Mapping[str, Any]]:
    """Return the schemas of messages that are no object of one class, by message."""
    found: dict[str, Mapping[str, Any]] = {}
    for root in package.roots:
        alone = {"bytes": {"x-typescript": "Uint8Array<ArrayBuffer>"}, "str": {"type": "string"}}
        found[root.name] = alone.get(root.type, {"$ref": f"#/$defs/{root.type}"})
    return found


def _deliveries(reader: Reader) -> tuple[tuple[str, ...], ...]:
    """Return for each message that comes in, by channel, where it says that its newest value is enough."""
    return tuple(
        tuple(_delivery(message.members.get("x-delivery")) for message in reader.crossing(channel)[0])
        for channel in reader.channels()
    )


def _delivery(value: Any) -> str:
    if not isinstance(value, Mapping):
        return json.dumps(value == "latest")
    if value["true"] == value["false"]:
        return json.dumps(value["true"] == "latest")
    return f"{{ way: {_way(pointer_of(value['by']))}, when: {json.dumps(value['true'] == 'latest')} }}"


class _Client:
    """One document's package."""

    def __init__(
        self,
        document: Document,
        package: ir.Package,
        definitions: Mapping[str, Mapping[str, Any]],
        deliveries: tuple[tuple[str, ...], ...],
    ) -> None:
        self._package = package
        self._latest = {
            (channel.id, message.model): latest
            for channel, found in zip(package.channels, deliveries, strict=True)
            for message, latest in zip(channel.incoming, found, strict=True)
        }
        self._definitions = definitions
        self._tags = self._find_tags()
        self._types = Types(definitions, [code.value for code in package.error_codes], self._tags)
        self._title = " ".join(package.title.split()) or "Unnamed"
        info = document.root.get("info")
        licence = info.get("license") if info is not None else None
        self._license = licence.text("name") if licence is not None else ""

    def files(self) -> dict[str, str]:
        """Return every file."""
        package = self._package
        channels = self._channels()
        # A stream that this side can't follow (it is sent by it, say) is none.
        streamed = any(channel.streams for channel in channels)
        name = "-".join(word.lower() for word in words(self._title))[:200]
        servers = [server for server in package.servers if server.url.startswith(("ws:", "wss:"))]
        context = {
            "package": package,
            "title": self._title,
            "client": f"{pascal(self._title)}Client",
            "name": json.dumps(f"{name}-client"),
            "bare_name": f"{name}-client",
            "version": json.dumps(_version(package.version)),
            "license": json.dumps(self._license),
            "has_license": bool(self._license),
            "doc": comment(f"Client of {self._title}.\n\nIt connects when it is first used."),
            "url": quote(servers[0].url) if servers else "undefined",
            "example_url": quote(servers[0].url if servers else "ws://127.0.0.1:8000"),
            "channels": channels,
            "streamed": streamed,
            "plain": any(not channel.streams for channel in channels),
            "hears": any(channel.kinds for channel in channels),
            "uses_models": any(
                "models." in text
                for channel in channels
                for text in (*channel.message, *(f"{item.argument} {item.replies}" for item in channel.methods))
            ),
            "has_properties": any(channel.is_property for channel in channels),
            "secured": package.secured,
            "has_basic": any(item.security is not None and item.security.basic for item in package.channels),
            "has_cookies": any(item.security is not None and item.security.cookies for item in package.channels),
            "token": _credentials(package),
            "drains": any(kind.reconnect_after != "null" for channel in channels for kind in channel.kinds),
            "example": _example(channels),
            "asks": any(channel.methods for channel in channels),
            "declarations": self._types.declarations(),
            "checks": self._types.checks(self._incoming()),
            "codes": tuple(
                (comment(code.text, "  "), quote(code.value), quote(code.text)) for code in package.error_codes
            ),
            "closes": tuple(
                (code.value, quote(code.name.lower()), quote(code.text), json.dumps(code.reconnect))
                for code in package.close_codes
            ),
            "options": "StreamOptions" if streamed else "ClientOptions",
        }
        environment = _environment()
        rendered = {
            path: environment.get_template(f"{path}.jinja").render(context)
            for path in (
                *("package.json", "package-lock.json", "tsconfig.json", "README.md", ".gitignore"),
                *("src/models.ts", "src/checks.ts", "src/codes.ts", "src/channels.ts", "src/client.ts", "src/index.ts"),
            )
        }
        header = f"// Generated from {package.source} by `make generate`. DO NOT EDIT.\n"
        for module in (*_RUNTIME, *(_STREAM_RUNTIME if streamed else ())):
            text = (_TEMPLATES / "src" / "runtime" / f"{module}.ts").read_text(encoding="utf-8")
            rendered[f"src/runtime/{module}.ts"] = header + text
        return rendered

    def _incoming(self) -> Iterable[str]:
        return (message.model for channel in self._package.channels for message in channel.incoming)

    def _find_tags(self) -> dict[str, str]:
        """Return the member by which each message is known: it was given its value as default, see `Schemas.frame`."""
        found: dict[str, str] = {}
        for channel in self._package.channels:
            for message in (*channel.incoming, *(message for item in channel.requests for message in item.messages)):
                for member, schema in (self._definitions[message.model].get("properties") or {}).items():
                    if isinstance(schema, Mapping) and "const" in schema and schema.get("default") == schema["const"]:
                        found[message.model] = member
        return found

    def _channels(self) -> tuple[Channel, ...]:
        taken = set(_RESERVED_CHANNELS)
        types = {"StreamChannel"}
        found = []
        for channel in self._package.channels:
            name = _free(camel(channel.id), taken, "Channel")
            type_ = _free(f"{pascal(channel.id)}Channel", types, "")
            found.append(self._channel(channel, name, type_))
        return tuple(found)

    def _channel(self, channel: ir.Channel, name: str, type_: str) -> Channel:
        streams = [stream for stream in self._package.streams if stream.channel == channel.id and _is_followed(stream)]
        pushed = {model for operation in channel.operations for model in operation.messages}
        kinds = tuple(self._kind(channel, message, message.model in pushed) for message in channel.incoming)
        by_tag: dict[str, list[str]] = {}
        for kind in kinds:
            if kind.tag is not None:
                by_tag.setdefault(kind.tag, []).append(kind.name)
        names = self._method_names(channel)
        methods = tuple(self._method(item, names[item.id], streams) for item in channel.requests)
        probe = next((item for item in channel.requests if self._is_probe(item)), None)
        parts = [channel.title if channel.title != channel.id else "", channel.summary]
        return Channel(
            id=quote(channel.id),
            property=name,
            type=type_,
            doc="\n\n".join(part.strip() for part in parts if part.strip()) or f"The channel {channel.id}.",
            address=quote(
                channel.address if channel.address.startswith("/") or not channel.address else f"/{channel.address}"
            ),
            base="StreamChannel" if streams else "Channel",
            subprotocols=_list(map(quote, channel.subprotocols)),
            security=_security(channel),
            tag=quote(channel.tag_name) if channel.tag_name is not None else "null",
            kinds=kinds,
            by_tag=tuple((tag, _list(f"{type_}Kinds.{item}" for item in models)) for tag, models in by_tag.items()),
            probe=f"{type_}Requests.{names[probe.id]}" if probe is not None else "null",
            message=tuple(f"models.{message.model}" for message in channel.incoming if message.model in pushed)
            or ("never",),
            methods=methods,
            streams=tuple(self._stream(stream, channel, type_, names) for stream in streams),
            parameters=tuple(_argument(item, True) for item in channel.parameters),
            query=tuple(_argument(item, item.default is None) for item in channel.query),
            needs_query=any(item.default is None for item in channel.query),
            is_property=not channel.parameters and not channel.query,
            usage=name + _usage(channel),
            told=", ".join(f"`{message.model}`" for message in channel.incoming if message.model in pushed),
        )

    def _kind(self, channel: ir.Channel, message: ir.Message, pushed: bool) -> Kind:
        drain, retry = (self._waits(message.model, member) for member in (RECONNECT, RETRY))
        return Kind(
            name=message.model,
            form=message.form,
            check=f"checks.is{message.model}",
            pushed=pushed,
            id=_way(message.correlation or None),
            latest=self._latest[channel.id, message.model],
            reconnect_after=_way(drain),
            retry_after=_way(retry),
            tag=quote(message.tag) if message.tag is not None else None,
        )

    def _waits(self, model: str, member: str) -> tuple[str, ...] | None:
        """Return where a message, or the one object in it, has a number of this name."""
        properties = self._definitions[model].get("properties") or {}
        if member in properties:
            return (member,)
        for name, schema in properties.items():
            inner = self._follow(schema).get("properties") or {}
            if member in inner:
                return (name, member)
        return None

    def _follow(self, schema: Any) -> Mapping[str, Any]:
        if not isinstance(schema, Mapping):
            return {}
        if "$ref" in schema:
            return self._follow(self._definitions[str(schema["$ref"]).rpartition("/")[2]])
        return schema

    def _method_names(self, channel: ir.Channel) -> dict[str, str]:
        """Return a name for each request: the operation's without the channel's words, where that names one alone."""
        ids = [item.id for item in channel.requests]
        short = {id_: _shorter(id_, channel.id) for id_ in ids}
        taken = set(RESERVED_METHODS)
        names: dict[str, str] = {}
        for id_ in ids:
            alone = list(short.values()).count(short[id_]) == 1
            wanted = short[id_] if alone and short[id_] not in taken else camel(id_)
            names[id_] = _free(wanted, taken, "Request")
        return names

    def _is_probe(self, item: ir.Request) -> bool:
        """Tell whether a request asks whether the server is there: it is called ping, is answered and needs nothing."""
        if "ping" not in [word.lower() for word in words(item.id)] or not item.replies or len(item.messages) != 1:
            return False
        return not self._needs(item.messages[0].model, self._body(item.messages[0].model))

    def _body(self, model: str) -> str | None:
        """Return the one object that a message has beside its tag, if that is all of it."""
        properties = self._definitions[model].get("properties") or {}
        others = [name for name in properties if name != self._tags.get(model)]
        if model not in self._tags or len(others) != 1 or "additionalProperties" in self._definitions[model]:
            return None
        inner = self._follow(properties[others[0]])
        if inner.get("required") and others[0] not in self._definitions[model].get("required", ()):
            return None  # it may be left out as a whole, and an object without its members would not do
        return others[0] if "properties" in inner else None

    def _needs(self, model: str, body: str | None) -> bool:
        """Tell whether a caller has to give something."""
        schema = self._definitions[model]
        if body is not None:
            return bool(self._follow(schema["properties"][body]).get("required"))
        return any(name != self._tags.get(model) for name in schema.get("required", ())) or "properties" not in schema

    def _method(self, item: ir.Request, name: str, streams: Sequence[ir.Stream]) -> Method:
        replies = [f"models.{reply}" for reply in item.replies]
        if len(item.messages) == 1:
            message = item.messages[0]
            fixed, body, argument = self._parts(message)
        else:
            message, fixed, body = item.messages[0], "{}", None
            union = " | ".join(f"models.{message.model}" for message in item.messages) or "unknown"
            argument = f"message: {union}"
        schemas = [self._id_kind(message) for message in item.messages if message.correlation]
        ids = (
            f"{{ way: {_way(item.messages[0].correlation)}, integer: {json.dumps(schemas[0])} }}" if schemas else "null"
        )
        opens = any(stream.subscribe is not None and stream.subscribe.operation == item.id for stream in streams)
        ends = any(stream.unsubscribe is not None and stream.unsubscribe.operation == item.id for stream in streams)
        return Method(
            name=name,
            doc=item.doc,
            spec=name,
            request=(
                f"{{ name: {quote(item.id)}, form: {quote(message.form)}, fixed: {fixed}, "
                f"body: {quote(body) if body is not None else 'null'}, "
                f"id: {ids}, replies: {_list(map(quote, item.replies))} }}"
            ),
            argument=argument,
            given=argument.partition(":")[0] if argument else "{}",
            replies=" | ".join(replies) or "void",
            call="openStream" if opens else "endStream" if ends else "ask",
            told=argument.partition(":")[0].strip() if argument else "",
            summary=" ".join(item.doc.partition("\n\n")[0].split()),
        )

    def _parts(self, message: ir.Message) -> tuple[str, str | None, str]:
        """Return what each frame of a message has, the member that holds what the caller gives, and his argument."""
        model = message.model
        tag = self._tags.get(model)
        schema = self._definitions[model]
        if tag is None:
            return "{}", None, f"message: models.{model}"
        fixed = f"{{ {name_of(tag)}: {quote(schema['properties'][tag]['const'])} }}"
        body = self._body(model)
        if body is not None:
            of = f"NonNullable<models.{model}[{quote(body)}]>"
            return fixed, body, f"{camel(body)}: {of}{'' if self._needs(model, body) else ' = {}'}"
        if len(schema["properties"]) == 1 and "additionalProperties" not in schema:
            return fixed, None, ""
        if isinstance(schema.get("additionalProperties"), Mapping):
            # `Omit` of a type with names of its own choice would lose the names that are listed.
            return fixed, None, f"message: models.{model}"
        given = f"message: Omit<models.{model}, {quote(tag)}>"
        return fixed, None, given if self._needs(model, None) else f"{given} = {{}}"

    def _id_kind(self, message: ir.Message) -> bool:
        """Tell whether a message's id may be an integer."""
        schema: Any = {"$ref": f"#/$defs/{message.model}"}
        for name in message.correlation:
            schema = (self._follow(schema).get("properties") or {}).get(name, {})
        return _takes_integer(self._follow(schema), self._follow)

    def _stream(self, stream: ir.Stream, channel: ir.Channel, type_: str, names: Mapping[str, str]) -> str:
        start = stream.ack or stream.ready
        assert start is not None, "the rules were checked before"

        def request(found: ir.StreamRequest | None) -> str:
            if found is None:
                return "null"
            return f"{{ request: {type_}Requests.{names[found.operation]}, key: {_key(found.frame.key)} }}"

        resume = stream.resume
        members = {
            "subscribe": request(stream.subscribe),
            "unsubscribe": request(stream.unsubscribe),
            "start": _places(start),
            "frames": "[\n" + "".join(f"      {_places(frame)},\n" for frame in stream.frames) + "    ]",
            "resume": "null"
            if resume is None
            else f"{{ seq: {_way(resume.seq)}, epoch: {_way(resume.epoch)}, recovered: {_way(resume.recovered)} }}",
            "gap": "null"
            if stream.gap is None
            else f"{{ places: {_places(stream.gap.frame)}, "
            f"from: {_way(stream.gap.first)}, to: {_way(stream.gap.last)} }}",
            "reset": "null" if stream.reset is None else _places(stream.reset),
            "refresh": "null"
            if stream.refresh is None
            else f"{{ request: {type_}Requests.{names[stream.refresh.request.operation]}, "
            f"token: {_way(stream.refresh.token)} }}",
        }
        return "{\n" + "".join(f"    {name}: {value},\n" for name, value in members.items()) + "  }"


def _example(channels: Sequence[Channel]) -> str:
    """Return the beginning of a program over the first channel that pushes something."""
    channel = next((item for item in channels if item.message != ("never",)), None)
    if channel is None:
        return ""
    lines = [f"const channel = client.{channel.usage};"]
    if channel.methods:
        method = channel.methods[0]
        answer = "" if method.replies == "void" else "const answer = "
        lines.append(f"{answer}await channel.{method.name}({method.told});")
    return "\n".join([*lines, "for await (const message of channel.messages()) {", "  console.log(message);", "}"])


def _usage(channel: ir.Channel) -> str:
    """Return what stands behind a channel's name where it is used."""
    parameters = ", ".join(item.wire for item in channel.parameters)
    query = ", ".join(f"{item.wire}{'' if item.default is None else '?'}" for item in channel.query)
    given = [f"{{ {names} }}" for names in (parameters, query) if names]
    return f"({', '.join(given)})" if given else ""


def _is_followed(stream: ir.Stream) -> bool:
    return (stream.ack or stream.ready) is not None


def _takes_integer(schema: Mapping[str, Any], follow: Any) -> bool:
    types = schema.get("type", ())
    types = (types,) if isinstance(types, str) else types
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return any(type_ in ("integer", "number") for type_ in types) or any(
        _takes_integer(follow(branch), follow) for branch in branches
    )


def _shorter(name: str, channel: str) -> str:
    """Return an operation's name in camelCase without the words of its channel, unless none are left."""
    found, without = words(name), [word.lower() for word in words(channel)]
    lowered = [word.lower() for word in found]
    for start in range(len(found) - len(without) + 1):
        if lowered[start : start + len(without)] == without and len(found) > len(without):
            return camel(" ".join(found[:start] + found[start + len(without) :]))
    return camel(name)


def _free(wanted: str, taken: set[str], suffix: str) -> str:
    name, count = wanted, 1
    while name in taken:
        name = f"{wanted}{suffix}{count if count > 1 or not suffix else ''}"
        count += 1
    taken.add(name)
    return name


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _way(way: tuple[str, ...] | None) -> str:
    return "null" if way is None else _list(map(quote, way))


def _key(parts: Sequence[ir.KeyPart]) -> str:
    return _list(f"{{ way: {_way(part.way)}, names: {_way(part.names)} }}" for part in parts)


def _places(frame: ir.StreamFrame) -> str:
    return (
        f"{{ kind: {quote(frame.model)}, key: {_key(frame.key)}, seq: {_way(frame.seq)}, "
        f"prev: {_way(frame.prev)}, epoch: {_way(frame.epoch)} }}"
    )


def _security(channel: ir.Channel) -> str:
    security = channel.security
    if security is None:
        return "null"
    query = quote(security.queries[0]) if security.queries else "null"
    header = quote(security.headers[0]) if security.headers and not security.bearer else "null"
    cookie = quote(security.cookies[0]) if security.cookies else "null"
    subprotocol = security.bearer and bool(channel.subprotocols)
    return (
        f"{{ query: {query}, subprotocol: {json.dumps(subprotocol)}, bearer: {json.dumps(security.bearer)}, "
        f"header: {header}, cookie: {cookie}, basic: {json.dumps(security.basic)} }}"
    )


def _credentials(package: ir.Package) -> str:
    """Return what an example gives a client of credentials."""
    asked = [channel.security for channel in package.channels if channel.security is not None]
    if any(item.bearer or item.queries or item.headers or item.cookies for item in asked):
        return ", token: async () => myToken()"
    return ', basic: { name: "me", password: myPassword() }' if asked else ""


_PARAMETER_TYPES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


def _argument(parameter: ir.Parameter, required: bool) -> str:
    """Return a parameter of an address as a member of an interface."""
    type_ = _PARAMETER_TYPES[parameter.kind]
    if parameter.type.startswith("Literal["):
        values = re.findall(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(-?\d[\d.]*)", parameter.type)
        type_ = " | ".join(quote(one or other) if one or other else number for one, other, number in values) or type_
    return f"{comment(parameter.doc, '  ')}  {name_of(parameter.wire)}{'' if required else '?'}: {type_};"


def _version(text: str) -> str:
    """Return a version as npm takes it."""
    match = re.match(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", text.strip())
    return ".".join(str(int(part or 0)) for part in match.groups()) if match else "0.0.0"


@functools.cache  # compiling the templates takes longer than all the rest of generating
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (_TEMPLATES / name).read_text(encoding="utf-8")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # TypeScript source, not HTML
    )
    environment.filters["comment"] = comment
    return environment
