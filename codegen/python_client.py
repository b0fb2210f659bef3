"""The Python client: a document into the files of an installable package. Formatting is done by others.

Models and codes are those of the server's side. The rest is a small runtime that is the same in every package, and
tables and methods that are the document's own. What only `x-stream` asks for is there only where the document has it.

The WebSocket library is picows. On one core it hands over more than a million frames a second, more than ten times as
many as `websockets`, so that decoding is what costs (`python -m bench.client` measures both). It is typed, needs no
compiler (wheels for Linux, macOS and Windows), and gives each frame in a plain call: so a reply reaches its request in
the order of the wire, with no task between.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from codegen import ir
from codegen.build import Builder
from codegen.document import Document
from codegen.naming import constant, snake, words
from codegen.reading import Perspective
from codegen.render import environment
from codegen.waits import RECONNECT

_FOLDER = "python_client"
_RUNTIME = ("addresses.py", "client.py", "codec.py", "connection.py", "faults.py", "messages.py", "sockets.py")
_OURS = frozenset({"close", "connected", "counts", "subprotocol", "subscriptions"})
"""What a connection has itself: an operation of that name gets another one."""
_TAKEN = frozenset({"self", "timeout_s", "message", "settings", "messages", "models", "streams", "build", "optional"})
"""Names that an argument can't have."""
_PLAIN = frozenset(
    {
        *("MISSING", "Literal", "Any", "JsonValue", "None", "str", "int", "float", "bool", "list", "dict", "tuple"),
        *("set", "frozenset", "object", "_ErrorCode"),
    }
)
"""Names in a type that mean the same in every module."""
_VERSION = re.compile(r"\d+(\.\d+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that comes in. `correlation` is the path of attributes to its request's id, empty where it has none.

    `form`: `json`, `text` or `binary`. `wait`: the path to how long to wait before connecting again, empty where it
    doesn't say.
    """

    model: str
    tag: str | None
    pushed: bool
    form: str
    correlation: str
    wait: str


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a method. `check` is Python source of what a value must be; empty where its type says it all."""

    name: str
    wire: str
    type: str
    default: str | None
    doc: str
    place: Literal["path", "query", "header", "body"]
    check: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Flat:
    """A message that is written as arguments. `body` is Python source of its JSON."""

    model: str
    arguments: tuple[Argument, ...]
    body: str


@dataclass(frozen=True, slots=True)
class Request:
    """A method of a connection. Types are Python source, `names` class names of replies."""

    id: str
    method: str
    constant: str
    doc: str
    messages: tuple[str, ...]
    replies: tuple[str, ...]
    names: tuple[str, ...]
    correlation: tuple[tuple[str, tuple[str, ...]], ...]
    flat: Flat | None


@dataclass(frozen=True, slots=True)
class Read:
    """What reads a value out of a message: a path of attributes. `is_name`: the value is a member's name there."""

    path: str
    is_name: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message of a stream holds what. `all`: the paths of all of it, where they can be read at once."""

    key: tuple[Read, ...]
    seq: str | None
    prev: str | None
    epoch: str | None
    all: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """What opens a stream and what ends it."""

    constant: str
    model: str
    key: tuple[tuple[str, ...], ...]
    unsubscribe: str | None
    unsubscribe_key: tuple[tuple[str, ...], ...]
    ack: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Where what is held is sent: ways in JSON. `recovered` is a path of attributes."""

    seq: tuple[str, ...]
    epoch: tuple[str, ...] | None
    recovered: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """What tells what is missing: paths of attributes."""

    message: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """What takes a new token."""

    constant: str
    model: str
    token: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """What asks whether the server is there."""

    constant: str
    model: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream. Messages are class names."""

    name: str
    subscribe: Subscribe | None
    ready: str | None
    frames: tuple[str, ...]
    places: tuple[tuple[str, Place], ...]
    resume: Resume | None
    gap: Gap | None
    reset: str | None
    refresh: Refresh | None
    probe: Probe | None


@dataclass(frozen=True, slots=True)
class Carriage:
    """Where the token stands. `basic`: a name and a password may stand there instead."""

    bearer: bool
    header: str | None
    query: str | None
    cookie: str | None
    basic: bool
    required: bool

    @property
    def takes_token(self) -> bool:
        """Whether a token does."""
        return self.bearer or any(item is not None for item in (self.header, self.query, self.cookie))


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel: a class of connections. `path` is Python source, in parts.

    `forms`: the messages that go out and are no JSON, each with its form.
    """

    id: str
    pascal: str
    constant: str
    method: str
    address: str
    doc: str
    method_doc: str
    tag_name: str | None
    incoming: tuple[Incoming, ...]
    pushed: tuple[str, ...]
    path: tuple[str, ...]
    arguments: tuple[Argument, ...]
    subprotocols: tuple[str, ...]
    carriage: Carriage | None
    forms: Mapping[str, str]
    requests: tuple[Request, ...]
    streams: tuple[Stream, ...]


def sources(document: Document, perspective: Perspective) -> dict[str, str]:
    """Return the unformatted content of every file of the package, by its path within it."""
    package = Builder(document, perspective, side="client").build()
    client = ClientBuilder(package)
    module = f"{_safe(snake(package.title))}_client"
    channels = client.channels()
    templates = environment()
    version = _VERSION.match(package.version)
    context = {
        "package": package,
        "models": package.models,
        "channels": channels,
        "servers": [server for server in package.servers if server.url.startswith(("ws://", "wss://"))],
        "name": module.replace("_", "-"),
        "module": module,
        "version": version[0] if version else "0",
        "example": _example(package, channels),
        "has_tokens": any(item.carriage is not None and item.carriage.takes_token for item in channels),
        "has_basic": any(item.carriage is not None and item.carriage.basic for item in channels),
        "waits": any(item.wait for channel in channels for item in channel.incoming),
    }

    def render(name: str) -> str:
        return templates.get_template(f"{name}.jinja").render(context)

    names = [f"{_FOLDER}/{name}" for name in ("__init__.py", *_RUNTIME)] + ["models.py"]
    if package.error_codes or package.close_codes:
        names.append("errors.py")
    if package.models.uses_fits:
        names.append("constraints.py")
    if package.streams:
        names += [f"{_FOLDER}/streams.py", f"{_FOLDER}/tracking.py"]
    return {
        "README.md": render(f"{_FOLDER}/README.md"),
        "pyproject.toml": render(f"{_FOLDER}/pyproject.toml"),
        f"{module}/py.typed": "",
        **{f"{module}/{name.rpartition('/')[2]}": render(name) for name in sorted(names)},
    }


@dataclass(frozen=True, slots=True)
class Example:
    """What the README begins with, as Python source."""

    client: str
    open: str
    name: str
    request: str | None
    pushes: bool
    uses_models: bool


def _example(package: ir.Package, channels: tuple[Channel, ...]) -> Example | None:
    """Return a use of the first channel; its request is left out where its values can't be made up."""
    if not channels:
        return None
    channel = channels[0]
    request = channel.requests[0] if channel.requests else None
    shown: str | None = None
    if request is not None and request.flat is not None:
        needed = [item for item in request.flat.arguments if item.default is None]
        shown = f"{request.method}({', '.join(f'{item.name}=...' for item in needed)})"
    needed = [item for item in channel.arguments if item.default is None]
    arguments = [] if any(server.url.startswith("ws") for server in package.servers) else ['"ws://127.0.0.1:8000"']
    if channel.carriage is not None and channel.carriage.required:
        arguments.append("token=..." if channel.carriage.takes_token else "basic=...")
    return Example(
        client=", ".join(arguments),
        open=f"{channel.method}({', '.join(f'{item.name}=...' for item in needed)})",
        name="connection",
        request=shown,
        pushes=bool(channel.pushed),
        uses_models=False,
    )


def _safe(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "", name).strip("_") or "api"


class ClientBuilder:
    """Decides what the client's methods and tables are. It presumes a document that passed the rules."""

    def __init__(self, package: ir.Package) -> None:
        self._package = package
        self._types = Types(package.models)

    def channels(self) -> tuple[Channel, ...]:
        """Return the channels, in the document's order."""
        return tuple(self._channel(channel) for channel in self._package.channels)

    def _channel(self, channel: ir.Channel) -> Channel:
        streams = [stream for stream in self._package.streams if stream.channel == channel.id]
        requests = self._requests(channel)
        arguments = self._arguments(channel, streams)
        path = self._path(channel, {item.wire: item for item in arguments if item.place == "path"})
        summary = channel.summary.strip() or channel.title
        args_doc = "\n\n".join(f"`{item.name}`: {item.doc.strip()}" for item in arguments if item.doc)
        opens = any(stream.subscribe is None for stream in streams)
        return Channel(
            id=channel.id,
            pascal=channel.pascal,
            constant=channel.constant,
            method=channel.snake,
            address=channel.address,
            doc=f"{summary}\n\nIt is at `{channel.address}`. {_iterating(bool(channel.dispatched), opens)}",
            method_doc=f"{summary}\n\n{args_doc}" if args_doc else summary,
            tag_name=channel.tag_name,
            incoming=tuple(
                Incoming(
                    item.model,
                    item.tag,
                    item.model in channel.dispatched,
                    item.form,
                    self._types.path(item.model, item.correlation) if item.correlation else "",
                    self._types.find(item.model, RECONNECT),
                )
                for item in channel.incoming
            ),
            pushed=_qualified(channel.dispatched),
            path=path,
            arguments=arguments,
            subprotocols=channel.subprotocols,
            carriage=_carriage(channel.security),
            forms={
                message.model: message.form
                for item in channel.requests
                for message in item.messages
                if message.form != "json"
            },
            requests=requests,
            streams=tuple(self._stream(stream, requests) for stream in streams),
        )

    def _arguments(self, channel: ir.Channel, streams: list[ir.Stream]) -> tuple[Argument, ...]:
        """Return what stands in an address. Where a stream goes on is none of it: the client keeps that itself."""
        resumes = [stream.resume for stream in streams if stream.resume is not None and stream.subscribe is None]
        ours = {way[-1] for resume in resumes for way in (resume.seq, resume.epoch) if way}
        found: list[Argument] = []
        kinds: tuple[tuple[Literal["path", "query", "header"], tuple[ir.Parameter, ...]], ...] = (
            ("path", channel.parameters),
            ("query", tuple(item for item in channel.query if item.wire not in ours)),
            ("header", channel.headers),
        )
        names: set[str] = set()
        for place, items in kinds:
            for item in items:
                name = f"{item.name}_" if item.name in _TAKEN else item.name
                while name in names:
                    name = f"{place}_{name}"
                names.add(name)
                is_plain = item.annotation == item.type.removesuffix(" | None")
                config = ', config=ConfigDict(regex_engine="python-re")' if item.python_regex else ""
                optional = place != "path" and item.default is not None
                found.append(
                    Argument(
                        name=name,
                        wire=item.wire,
                        type=f"{item.type.removesuffix(' | None')} | None" if optional else item.type,
                        default="None" if optional else item.default,
                        doc=item.doc,
                        place=place,
                        check="" if is_plain else f"{item.annotation}{config}",
                        optional=optional,
                    )
                )
        return tuple(found)

    def _path(self, channel: ir.Channel, arguments: Mapping[str, Argument]) -> tuple[str, ...]:
        """Return the address as Python source: texts, and calls that make a segment of a value."""
        parts: list[str] = []
        last = channel.address.rstrip("/").rpartition("/")[2]
        for text in re.split(r"(\{[^{}]+\})", channel.address):
            argument = arguments.get(text[1:-1]) if text.startswith("{") else None
            if argument is not None:
                slashes = ", slashes=True" if channel.slashes and text == last else ""
                parts.append(f"segment({argument.wire!r}, {argument.name}{slashes})")
            elif text:
                parts.append(repr(text))
        return tuple(parts) or ("''",)

    def _requests(self, channel: ir.Channel) -> tuple[Request, ...]:
        found: list[Request] = []
        methods: set[str] = set(_OURS)
        for item in channel.requests:
            method = item.method
            while method in methods:
                method += "_"
            methods.add(method)
            flat = self._flat(item.messages[0]) if len(item.messages) == 1 else None
            told = [argument for argument in flat.arguments if argument.doc] if flat is not None else []
            docs = [item.doc, *(f"`{argument.name}`: {' '.join(argument.doc.split())}" for argument in told)]
            found.append(
                Request(
                    id=item.id,
                    method=method,
                    constant=f"{channel.constant}_{constant(item.id)}",
                    doc="\n\n".join(docs),
                    messages=_qualified(message.model for message in item.messages),
                    replies=_qualified(item.replies),
                    names=item.replies,
                    correlation=tuple(
                        (message.model, message.correlation) for message in item.messages if message.correlation
                    ),
                    flat=flat,
                )
            )
        return tuple(found)

    def _flat(self, message: ir.Message) -> Flat | None:
        """Return a message as arguments: its members, or those of its envelope. None where that can't be said so.

        An envelope is the only member beside the tag: an object, which must be there or holds the request's id.
        """
        name = message.model
        model = self._types.classes.get(name)
        if model is None or not _is_closed(model):
            return None
        fields = [field for field in model.fields if not _is_tag(field)]
        inner = self._types.classes.get(self._types.class_of(fields[0].annotation) or "") if len(fields) == 1 else None
        envelope = fields[0] if inner is not None and _is_closed(inner) else None
        if envelope is not None and envelope.default is not None and message.correlation[:1] != (envelope.wire,):
            envelope = None
        if inner is not None and envelope is not None:
            fields = [field for field in inner.fields if not _is_tag(field)]
        if any(field.name in _TAKEN or not field.name.isidentifier() for field in fields):
            return None
        arguments = [
            Argument(
                name=field.name,
                wire=field.wire,
                type=self._types.shown(field.annotation) + (" | MISSING" if _is_made(field.default) else ""),
                default="MISSING" if _is_made(field.default) else field.default,
                doc=field.doc,
                place="body",
                check="",
                optional=field.default is not None,
            )
            for field in fields
        ]
        body = "{" + ", ".join(f"{item.wire!r}: {item.name}" for item in arguments) + "}"
        if envelope is not None:
            body = f"{{{envelope.wire!r}: {f'optional({body})' if envelope.default is not None else body}}}"
        arguments.sort(key=lambda item: item.default is not None)
        return Flat(name, tuple(arguments), body)

    def _stream(self, stream: ir.Stream, requests: tuple[Request, ...]) -> Stream:
        constants = {request.id: request.constant for request in requests}
        subscribe, unsubscribe, ack = stream.subscribe, stream.unsubscribe, stream.ack
        roles = (ack, stream.ready, stream.reset, stream.gap.frame if stream.gap else None)
        frames = {frame.model: frame for frame in (*roles, *stream.frames) if frame is not None}
        return Stream(
            name=subscribe.operation if subscribe is not None else stream.channel,
            subscribe=Subscribe(
                constant=constants[subscribe.operation],
                model=subscribe.frame.model,
                key=tuple(part.way for part in subscribe.frame.key),
                unsubscribe=unsubscribe.operation if unsubscribe is not None else None,
                unsubscribe_key=tuple(part.way for part in unsubscribe.frame.key) if unsubscribe is not None else (),
                ack=ack.model,
            )
            if subscribe is not None and ack is not None
            else None,
            ready=stream.ready.model if stream.ready is not None else None,
            frames=tuple(dict.fromkeys(frame.model for frame in stream.frames)),
            places=tuple((name, self._place(frame)) for name, frame in frames.items()),
            resume=self._resume(stream),
            gap=Gap(
                stream.gap.frame.model,
                self._types.path(stream.gap.frame.model, stream.gap.first),
                self._types.path(stream.gap.frame.model, stream.gap.last),
            )
            if stream.gap is not None
            else None,
            reset=stream.reset.model if stream.reset is not None else None,
            refresh=Refresh(
                constants[stream.refresh.request.operation],
                stream.refresh.request.frame.model,
                stream.refresh.token,
            )
            if stream.refresh is not None and stream.refresh.request.replies
            else None,
            probe=self._probe(requests) if stream.subscribe is None and stream.resume is not None else None,
        )

    def _probe(self, requests: tuple[Request, ...]) -> Probe | None:
        """Return the request that asks whether the server is there: called ping, answered, and sent with nothing."""
        for request in requests:
            if "ping" in [word.lower() for word in words(request.id)] and request.replies and request.flat is not None:
                model = self._types.classes[request.flat.model]
                if all(field.default is not None for field in model.fields):
                    return Probe(request.constant, model.name)
        return None

    def _resume(self, stream: ir.Stream) -> Resume | None:
        opener = stream.ack or stream.ready
        if stream.resume is None or opener is None:
            return None
        recovered = stream.resume.recovered
        return Resume(
            stream.resume.seq,
            stream.resume.epoch,
            self._types.path(opener.model, recovered) if recovered is not None else None,
        )

    def _place(self, frame: ir.StreamFrame) -> Place:
        def path(way: tuple[str, ...] | None) -> str | None:
            return self._types.path(frame.model, way) if way is not None else None

        key = tuple(Read(path(part.way) or "", part.names is not None) for part in frame.key)
        seq, prev, epoch = path(frame.seq), path(frame.prev), path(frame.epoch)
        is_plain = seq is not None and prev is not None and not any(part.is_name for part in key)
        paths = (*(part.path for part in key), seq, prev, epoch)
        return Place(key, seq, prev, epoch, tuple(item for item in paths if item is not None) if is_plain else ())


class Types:
    """Python source of types: as arguments show them, and the attributes behind members in JSON."""

    def __init__(self, models: ir.Models) -> None:
        self.classes = {item.name: item for item in models.items if isinstance(item, ir.Model)}
        self._aliases = {item.name: item for item in models.items if isinstance(item, ir.Alias)}

    def class_of(self, annotation: str, depth: int = 8) -> str | None:
        """Return the one class that an annotation names, behind aliases; None where it isn't one."""
        names = [name for name in _names_in(annotation) if name in self.classes or name in self._aliases]
        if len(names) != 1 or depth == 0:
            return None
        bare = self._bare(annotation)
        if bare not in (names[0], f"{names[0]} | MISSING"):
            return None
        return names[0] if names[0] in self.classes else self.class_of(self._aliases[names[0]].value, depth - 1)

    def path(self, model: str, way: tuple[str, ...]) -> str:
        """Return the attributes behind a way through members, with dots between them."""
        found: list[str] = []
        current: list[str] = [model]
        for step in way:
            fields = [field for name in current for field in self.classes[name].fields if field.wire == step]
            found.append(fields[0].name if fields else snake(step))
            current = [name for field in fields for name in self._all_classes(field.annotation)]
        return ".".join(found)

    def find(self, model: str, member: str) -> str:
        """Return the attributes behind a member of this name in a message, or in an object in it; empty without one."""
        fields = self.classes[model].fields if model in self.classes else ()
        ways: list[tuple[str, ...]] = [(field.wire,) for field in fields if field.wire == member]
        for field in fields:
            inner = self.class_of(field.annotation)
            ways += (
                [(field.wire, member) for item in self.classes[inner].fields if item.wire == member] if inner else []
            )
        return self.path(model, ways[0]) if ways else ""

    def _all_classes(self, annotation: str, depth: int = 8) -> list[str]:
        found: list[str] = []
        for name in _names_in(annotation) if depth else ():
            if name in self.classes:
                found.append(name)
            elif name in self._aliases:
                found += self._all_classes(self._aliases[name].value, depth - 1)
        return found

    def shown(self, annotation: str) -> str:
        """Return an annotation as an argument's type: without constraints, classes as they are called from outside."""
        # pyright does not resolve a recursive alias from another module (1.1.414); the model still checks the value.
        names = self.classes.keys() | {name for name, alias in self._aliases.items() if not alias.recursive}
        if not set(_names_in(annotation)) <= names | _PLAIN:
            return "Any"
        return ast.unparse(_Shown(names).visit(_parsed(annotation)))

    def _bare(self, annotation: str) -> str:
        return ast.unparse(_Shown(frozenset()).visit(_parsed(annotation)))


class _Shown(ast.NodeTransformer):
    """Takes constraints away, and names classes from outside their module."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """`Annotated[T, ...]` is T."""
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            return self._visited(node.slice.elts[0])
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            return node
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A class is one of `models`."""
        if node.id == "_ErrorCode":
            return ast.Name("ErrorCode")
        return ast.Attribute(ast.Name("models"), node.id) if node.id in self._names else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A type in quotes is a type."""
        return self._visited(_parsed(node.value)) if isinstance(node.value, str) else node

    def _visited(self, node: ast.AST) -> ast.AST:
        found: ast.AST = self.visit(node)
        return found


def _parsed(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _names_in(annotation: str) -> list[str]:
    """Return the names that a type is made of, without those in its constraints."""
    shown = _Shown(frozenset()).visit(_parsed(annotation))
    return list(dict.fromkeys(node.id for node in ast.walk(shown) if isinstance(node, ast.Name)))


def _is_made(default: str | None) -> bool:
    """Tell whether a default is more than a plain value: an argument can't share it, so the model makes it."""
    return default is not None and not isinstance(_parsed(default), (ast.Constant, ast.Name, ast.UnaryOp))


def _is_tag(field: ir.ModelField) -> bool:
    """Tell whether a member has one value only, which it has by itself."""
    return field.default is not None and field.annotation == f"Literal[{field.default}]"


def _is_closed(model: ir.Model) -> bool:
    return model.extra is None and not any(name == "extra" and "allow" in value for name, value in model.config)


def _qualified(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"models.{name}" for name in names)


def _carriage(security: ir.Security | None) -> Carriage | None:
    if security is None:
        return None
    return Carriage(
        bearer=security.bearer,
        header=next(iter(security.headers), None),
        query=next(iter(security.queries), None),
        cookie=next(iter(security.cookies), None),
        basic=security.basic,
        required=not security.optional,
    )


def _iterating(pushes: bool, opens: bool) -> str:
    if not pushes:
        return "The server pushes nothing here."
    return "Iterate over it for what the server pushes" + (", from the beginning on." if opens else ".")
