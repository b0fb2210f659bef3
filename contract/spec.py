"""Spec: what a document says of a WebSocket server, as a client needs it. It opens no connection, it judges nothing."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema_rs

from codegen import ir
from codegen.dialect import plain
from codegen.document import Document, Place
from codegen.faults import Mark
from codegen.generate import load
from codegen.judge import standing_alone
from codegen.reading import Form, OperationPlace, Perspective, Reader, SecurityPlace, Segment, pointer_of
from codegen.schemas import object_parts, types_of
from codegen.streams import StreamBuilder
from codegen.telling import in_order

Way: TypeAlias = tuple[str, ...]
"""Members that lead to a value in a payload."""

_ERROR_NAME = re.compile(
    r"(^|[^a-z])(err(or)?s?|fault|failure|failed|reject(ed|ion)?|nack|problem|exception|refused|refusal|denied)([^a-z]|$)"
)
_PLAINLY_ERROR = re.compile(r"(err(or)?s?)([^a-z]|$)")  # what only begins so, in what is pushed and asked for by no one
_TOO_MUCH = re.compile(
    r"(^|[^a-z])(rate|limit(s|ed|er)?|too (many|much|often|fast)|throttl(ed|ing)|flood(ed|ing)?|quota)([^a-z]|$)"
)
_DEEPEST = 20  # references and branches that one place of a schema may go through
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words(name: str) -> str:
    """Return a name as small letters, its words apart."""
    return _WORDS.sub(" ", name).replace("_", " ").replace("-", " ").lower()


def is_too_much(text: str) -> bool:
    """Tell whether a code or its text speaks of too much, whatever it was that was sent."""
    return _TOO_MUCH.search(words(text)) is not None


class Schema:
    """A JSON Schema of the document that stands alone, as draft-07 with its own `definitions`."""

    def __init__(self, document: Document, place: Place) -> None:
        self.place = place
        self._document = document
        self._parts: dict[Way, tuple[Mapping[str, Any], ...]] = {}

    @cached_property
    def value(self) -> dict[str, Any]:
        """Return `{"allOf": [schema], "definitions": {...}}`; a `$ref` in it is `#/definitions/NAME`."""
        return standing_alone(self._document, self.place)

    @cached_property
    def validator(self) -> jsonschema_rs.Draft7Validator | None:
        """Return what judges values; None where the schema is none. `format` is an annotation."""
        try:
            return jsonschema_rs.Draft7Validator(self.value, validate_formats=False)
        except jsonschema_rs.ValidationError:
            return None

    @cached_property
    def size(self) -> int:
        """Return how much it says, to tell a small schema from a large one."""
        return len(str(self.value))

    def fits(self, value: Any) -> bool:
        """Tell whether a JSON value fits."""
        if self.validator is None:
            return True
        try:
            return self.validator.is_valid(value)
        except UnicodeEncodeError:
            return self.validator.is_valid(_whole(value))

    def faults(self, value: Any) -> list[tuple[tuple[str | int, ...], str, str]]:
        """Return where in a value the schema is broken, by which keyword, and how."""
        try:
            return [_told(error) for error in self._errors(value)]
        except ValueError as error:
            return [((), "", f"it can't be judged: {error}")]  # nested deeper than the validator goes

    def fault(self, value: Any) -> tuple[tuple[str | int, ...], str, str, bool]:
        """Return the fault to tell of a value that doesn't fit: the deepest one, as `faults` gives them.

        Of branches (`oneOf`, `anyOf`) of which one alone has the tags of the value, it is that one's fault: the last
        is then true.
        """
        try:
            found = [_of_branch(error) for error in self._errors(value)]
        except ValueError:
            found = []
        if not any(known for _, known in found):
            return (*max(self.faults(value), key=lambda item: len(item[0])), False)
        error, known = max(found, key=lambda item: len(item[0].instance_path))
        return (*_told(error), known)

    def _errors(self, value: Any) -> list[jsonschema_rs.ValidationError]:
        """Return what the validator says. Raises ValueError for what it can't take."""
        if self.validator is None:
            return []
        try:
            return list(self.validator.iter_errors(value))
        except UnicodeEncodeError:
            return list(self.validator.iter_errors(_whole(value)))

    def parts_at(self, way: Way) -> tuple[Mapping[str, Any], ...]:
        """Return the schemas that bear on a place, of every branch; none where the schema has no such member.

        `*` in a way is any item of a list.
        """
        if way not in self._parts:
            above = [self.value] if not way else _members_of(self.parts_at(way[:-1]), way[-1])
            definitions = self.value["definitions"]
            self._parts[way] = tuple(found for item in above for found in _branches(item, definitions, 0))
        return self._parts[way]

    def mark(self, path: Iterable[str | int] = ()) -> Mark:
        """Return the line of the schema of a member; of the nearest one above it that has a line."""
        place = self.place
        for part in path:
            found = self._member(place, part)
            if found is None:
                break
            place = found
        resolved = self._document.resolve(place)
        return (resolved or place).name_mark if place.pointer else place.mark

    def _member(self, place: Place, part: str | int) -> Place | None:
        if isinstance(part, str):
            for holder in object_parts(self._document, place):
                properties = holder.get("properties")
                found = properties.get(part) if properties is not None else None
                if found is not None:
                    return found
            return None
        resolved = self._document.resolve(place)
        items = resolved.get("items") if resolved is not None else None
        return items if items is not None and isinstance(items.value, dict) else None


def _told(error: jsonschema_rs.ValidationError) -> tuple[tuple[str | int, ...], str, str]:
    return tuple(error.instance_path), str(error.schema_path[-1]) if error.schema_path else "", error.message


def _of_branch(error: jsonschema_rs.ValidationError) -> tuple[jsonschema_rs.ValidationError, bool]:
    """Return what is wrong in the one branch whose tags a value has, and whether there is such a branch."""
    depth = len(error.instance_path) + 1
    branches = getattr(error.kind, "context", ())
    mine = [
        branch
        for branch in branches
        if not any(item.schema_path[-1] in ("const", "enum") and len(item.instance_path) == depth for item in branch)
    ]
    if len(branches) < 2 or len(mine) != 1 or not mine[0]:
        return error, False
    return max((_of_branch(item)[0] for item in mine[0]), key=lambda item: len(item.instance_path)), True


def _members_of(parts: Iterable[Mapping[str, Any]], name: str) -> Iterator[Any]:
    """Yield the schemas of a member, or with `*` of the items, as each of some schemas has it."""
    for part in parts:
        if name == "*":
            items = part.get("items", ())
            yield from items if isinstance(items, list) else [items]
        elif name in part.get("properties", {}):
            yield part["properties"][name]


def _branches(schema: Any, definitions: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    if "$ref" in schema:
        yield from _branches(definitions.get(str(schema["$ref"]).rpartition("/")[2]), definitions, depth + 1)
        return
    yield schema
    inner: Iterable[Any] = [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
    for part in (*inner, schema.get("then"), schema.get("else")):
        yield from _branches(part, definitions, depth + 1)


@dataclass(frozen=True, eq=False)
class Message:
    """A message. `tags` are the required members, at the top, that can have one text only.

    `examples` fit the schema; the names of those that don't are `unfit`.
    """

    key: str
    title: str
    form: Form
    schema: Schema
    correlation: Way
    tags: Mapping[str, str]
    examples: tuple[tuple[str, Any, Mark], ...]
    mark: Mark
    is_error: bool
    code_ways: tuple[Way, ...]

    members: frozenset[str] = frozenset()  # at the top, of every branch
    unfit: tuple[str, ...] = ()

    @property
    def example_values(self) -> list[Any]:
        """Return the payloads of the examples."""
        return [value for _, value, _ in self.examples]

    def fits(self, data: str | bytes, value: Any) -> bool:
        """Tell whether a frame is this message. `value` is its JSON, None where it is none."""
        if self.form == "json":
            return isinstance(data, str) and self.schema.fits(value)
        return isinstance(data, bytes) == (self.form == "binary")


@dataclass(frozen=True, eq=False)
class Operation:
    """An operation that a client may ask for. `replies` is empty where there is no reply."""

    id: str
    channel: str
    messages: tuple[Message, ...]
    replies: tuple[Message, ...]
    has_reply: bool
    mark: Mark


@dataclass(frozen=True, eq=False)
class Parameter:
    """A value of a handshake. `schema` is draft-07 of its JSON value; `slashes`: it may hold slashes.

    `kind` is its JSON type: string, integer, number or boolean. `location`: where frames repeat the value, if they do.
    `needs`: what is sent beside it, if it is.
    """

    name: str
    schema: Schema | None
    value: Mapping[str, Any]
    kind: str
    required: bool
    slashes: bool
    examples: tuple[str, ...]
    mark: Mark
    location: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Security:
    """What a channel's handshake is asked for. `bearer`, `basic`; `queries`, `headers`, `cookies`: of a token.

    `subprotocols`: how a subprotocol is spelt that carries the token, with `{token}` in its place.
    """

    bearer: bool
    basic: bool
    queries: tuple[str, ...]
    headers: tuple[str, ...]
    cookies: tuple[str, ...]
    subprotocols: tuple[str, ...]
    scopes: tuple[str, ...]
    optional: bool
    jwt: bool  # a scheme says that its tokens are JSON Web Tokens
    mark: Mark


@dataclass(frozen=True, eq=False)
class Channel:
    """A channel. `sent` is what a client may send, `received` what the server may; in the order of telling."""

    id: str
    address: str
    segments: tuple[Segment, ...]
    parameters: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    headers: tuple[Parameter, ...]
    security: Security | None
    subprotocols: tuple[str, ...]
    operations: tuple[Operation, ...]
    sent: tuple[Message, ...]
    received: tuple[Message, ...]
    pushed: tuple[Message, ...]
    streams: tuple[ir.Stream, ...]
    servers: tuple[str, ...]
    mark: Mark

    def operation(self, name: str) -> Operation:
        """Return an operation by its id."""
        return next(operation for operation in self.operations if operation.id == name)

    @cached_property
    def tag(self) -> str | None:
        """Return the member by which all that the server sends is told apart, if there is one."""
        return _shared_tag(self.received)

    @cached_property
    def sent_tag(self) -> str | None:
        """Return the member by which all that a client sends is told apart, if there is one."""
        return _shared_tag(self.sent)

    @cached_property
    def errors(self) -> tuple[Message, ...]:
        """Return the messages by which the server may answer what is wrong.

        One that is part of a stream tells of that; one without a correlation id answers nothing where others have one.
        """
        streamed = {frame.id for stream in self.streams for frame in stream.frames}
        found = [message for message in self.received if message.is_error and message.key not in streamed]
        return tuple(message for message in found if message.correlation) or tuple(found)


def _shared_tag(messages: tuple[Message, ...]) -> str | None:
    jsons = [message for message in messages if message.form == "json"]
    if not jsons:
        return None
    for name in jsons[0].tags:
        values = {message.tags.get(name) for message in jsons}
        if None not in values and len(values) == len(jsons):
            return name
    return None


@dataclass(frozen=True, eq=False)
class Spec:
    """A document. `errors` and `closes` are the codes with their texts, None where the document lists none."""

    file: str
    title: str
    channels: tuple[Channel, ...]
    errors: Mapping[str, str] | None
    closes: Mapping[int, str] | None
    close_marks: Mapping[int, Mark]
    limits: Mapping[str, float]
    mark: Mark
    crowded: frozenset[int] = frozenset()  # close codes that speak of too much, whatever was sent

    def channel(self, name: str) -> Channel:
        """Return a channel by its name."""
        return next(channel for channel in self.channels if channel.id == name)


def load_spec(path: Path, *, perspective: Perspective = "server", lenient: bool = False) -> Spec:
    """Read a document. Raises codegen.faults.DocumentError with every fault that it has."""
    document = load(path, perspective=perspective, lenient=lenient)
    return _Building(document, perspective).spec()


class _Building:
    def __init__(self, document: Document, perspective: Perspective) -> None:
        self._document = document
        self._reader = Reader(document, perspective, "client")
        self._schemas: dict[Place, Schema] = {}
        # Streams name a message as its channel does; what they are called in Python is nobody's business here.
        everything = (message for place in self._reader.channels() for message in self._reader.channel_messages(place))
        self._streams = StreamBuilder(self._reader, {message: message.key for message in everything}).build()

    def spec(self) -> Spec:
        root = self._document.root
        closes = {int(item.key): item for item in root.under("x-close-codes") if item.key.isdecimal()}
        limits = {item.key: item.value for item in root.under("x-limits") if isinstance(item.value, (int, float))}
        info = root.get("info")
        return Spec(
            file=self._document.main.name,
            title=info.text("title") if info is not None else "",
            channels=tuple(self._channel(place) for place in self._reader.channels()),
            errors={item.key: item.text("text") for item in root.under("x-error-codes")}
            if "x-error-codes" in root
            else None,
            closes={code: item.text("text") for code, item in closes.items()} if "x-close-codes" in root else None,
            close_marks={code: item.name_mark for code, item in closes.items()},
            limits=limits,
            mark=root.mark,
            crowded=frozenset(
                code for code, item in closes.items() if is_too_much(f"{item.text('name')} {item.text('text')}")
            ),
        )

    def _channel(self, member: Place) -> Channel:
        reader = self._reader
        place = reader.follow(member)
        keys = {message: named.key for message, named in reader.channel_messages(member).items()}
        operations = [item for item in reader.operations() if item.channel == place]
        received, sent = reader.crossing(member)
        pushed = dict.fromkeys(message for item in operations if item.incoming for message in item.messages)
        replies = {message for item in operations for message in item.replies}
        known = {
            message: self._message(message, keys.get(message, message.key), pushed=message in pushed.keys() - replies)
            for message in (*received, *sent)
        }
        parameters = reader.parameters(member)
        security = self._security(reader.securities(member))
        return Channel(
            id=member.key,
            address=place.text("address"),
            segments=reader.segments(member),
            parameters=tuple(
                self._parameter(name, found, slashes=reader.slashes(member) and index == len(parameters) - 1)
                for index, (name, found) in enumerate(parameters)
            ),
            query=self._bound(reader.query(member)),
            headers=tuple(item for item in self._bound(reader.headers(member)) if not _is_carried(item, security)),
            security=security,
            subprotocols=tuple(
                dict.fromkeys(str(item.value) for place in reader.subprotocols(member) for item in place.children())
            ),
            operations=tuple(self._operation(member, item, known) for item in operations if not item.incoming),
            sent=tuple(known[message] for message in in_order(reader, sent)),
            received=tuple(known[message] for message in in_order(reader, received)),
            pushed=tuple(known[message] for message in pushed),
            streams=tuple(stream for stream in self._streams if stream.channel == member.key),
            servers=tuple(self._url(server) for server in reader.servers(member)),
            mark=member.name_mark,
        )

    def _url(self, server: Place) -> str:
        return f"{server.text('protocol')}://{server.text('host')}{server.text('pathname').rstrip('/')}"

    def _operation(self, channel: Place, item: OperationPlace, known: Mapping[Place, Message]) -> Operation:
        return Operation(
            id=item.place.key,
            channel=channel.key,
            messages=tuple(known[message] for message in item.messages),
            replies=tuple(known[message] for message in item.replies),
            has_reply=item.reply is not None,
            mark=item.place.name_mark,
        )

    def _message(self, place: Place, key: str, *, pushed: bool) -> Message:
        """Return a message. `pushed`: it only comes unasked, so that it may tell of anything's failure."""
        payload = self._reader.payload(place)
        schema = self._schemas.setdefault(place, Schema(self._document, payload))
        tags = self._reader.tag_values(place)
        names = (key, place.text("name"), place.text("title"), *tags.values())
        is_error = _ERROR_NAME.search(words(" ".join(names))) is not None
        form = self._reader.form(place)
        ways = tuple(dict.fromkeys(self._codes(payload, (), frozenset())))
        if is_error and pushed and not any(_PLAINLY_ERROR.match(words(name)) for name in names):
            is_error = bool(ways or self._reader.correlation(place) or self._lists_codes(payload))
        if is_error and not ways and form == "json":
            ways = tuple(dict.fromkeys(self._members(payload, "code")))
        examples = tuple(self._examples(place))
        fitting = tuple(item for item in examples if form != "json" or schema.fits(item[1]))
        return Message(
            key=key,
            title=place.text("name") or place.text("title") or key,
            form=form,
            schema=schema,
            correlation=self._reader.correlation(place),
            tags=tags,
            examples=fitting,
            mark=place.name_mark,
            is_error=is_error,
            code_ways=ways,
            members=frozenset(
                member.key for part in object_parts(self._document, payload) for member in part.under("properties")
            ),
            unfit=tuple(item[0] for item in examples if item not in fitting),
        )

    def _examples(self, place: Place) -> Iterable[tuple[str, Any, Mark]]:
        for index, item in enumerate(place.under("examples")):
            payload = item.get("payload")
            if payload is not None:
                yield item.text("name") or f"example {index + 1}", payload.value, item.mark

    def _codes(self, place: Place, way: Way, above: frozenset[Place]) -> Iterable[Way]:
        """Yield the ways to members that hold a code of `x-error-codes`."""
        schema = self._document.resolve(place)
        if schema is None or schema in above or len(way) > 4:
            return
        if "x-codes" in schema:
            yield way
        for part in object_parts(self._document, place):
            for member in part.under("properties"):
                yield from self._codes(member, (*way, member.key), above | {schema})

    def _lists_codes(self, payload: Place) -> bool:
        """Tell whether a member called as an error's code lists what it may be."""
        members = [member for part in object_parts(self._document, payload) for member in part.under("properties")]
        members += [
            item for held in members for part in object_parts(self._document, held) for item in part.under("properties")
        ]
        return any(
            resolved is not None and ("enum" in resolved or "const" in resolved)
            for member in members
            if words(member.key) in ("code", "error code")
            for resolved in [self._document.resolve(member)]
        )

    def _members(self, payload: Place, name: str) -> Iterable[Way]:
        for part in object_parts(self._document, payload):
            for member in part.under("properties"):
                if member.key == name:
                    yield (name,)
                for inner in object_parts(self._document, member):
                    if any(found.key == name for found in inner.under("properties")):
                        yield member.key, name

    def _parameter(self, name: str, place: Place | None, *, slashes: bool) -> Parameter:
        value = self._reader.text_schema(place) if place is not None else {"type": "string"}
        examples = tuple(str(item.value) for item in place.under("examples")) if place is not None else ()
        mark = place.name_mark if place is not None else self._document.root.mark
        location = (pointer_of(place.text("location")) or ()) if place is not None else ()
        return Parameter(name, None, value, _kind(value), True, slashes, examples, mark, location)

    def _bound(self, place: Place | None) -> tuple[Parameter, ...]:
        if place is None:
            return ()
        required, beside = place.members.get("required") or (), self._reader.needs(place)
        found = []
        for member in place.under("properties"):
            resolved = self._reader.follow(member)
            value = Schema(self._document, member).value["allOf"][0] if "$ref" not in resolved else {}
            value = plain(resolved, lambda _: {}) if "$ref" in (value if isinstance(value, dict) else {}) else value
            value = value if isinstance(value, dict) else {}
            examples = tuple(_text(item.value) for item in resolved.under("examples"))
            schema = Schema(self._document, member)
            needed, mark = member.key in required, member.name_mark
            needs = beside.get(member.key, ())
            found.append(Parameter(member.key, schema, value, _kind(value), needed, False, examples, mark, needs=needs))
        return tuple(found)

    def _security(self, stated: tuple[SecurityPlace, ...]) -> Security | None:
        if not stated:
            return None
        carriages = {carriage for item in stated for carriage in item.carriages}
        schemes = [self._reader.follow(scheme) for item in stated for scheme in item.place.under("security")]

        def names(kind: str) -> tuple[str, ...]:
            return tuple(sorted(item.name for item in carriages if item.kind == kind))

        return Security(
            bearer=any(item.kind == "bearer" for item in carriages),
            basic=any(item.kind == "basic" for item in carriages),
            queries=names("query"),
            headers=names("header"),
            cookies=names("cookie"),
            subprotocols=tuple(
                sorted({text for scheme in schemes if "{token}" in (text := scheme.text("x-subprotocol"))})
            ),
            scopes=tuple(sorted({scope for item in stated for scope in item.scopes})),
            optional=any(item.optional for item in stated),
            jwt=any("jwt" in json.dumps(scheme.value, default=str).lower() for scheme in schemes),
            mark=stated[0].place.name_mark,
        )


def _is_carried(header: Parameter, security: Security | None) -> bool:
    """Tell whether a header is the one that a security scheme is about, which the credentials fill."""
    if security is None:
        return False
    by_scheme = {
        *security.headers,
        *(["authorization"] if security.bearer or security.basic else []),
        *(["cookie"] if security.cookies else []),
    }
    return header.name.lower() in by_scheme


def _whole(value: Any) -> Any:
    """Return a JSON value with whole characters for halves, which JSON can spell and the validator can't read."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _kind(value: Mapping[str, Any]) -> str:
    types = types_of(value)
    return types[0] if types else "string"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
