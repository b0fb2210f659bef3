"""Pairs: a generated server, and each generated client, that talk to each other. It judges what arrives, by its JSON.

What is the same for all clients is here: which messages are sent, what a handler answers, and what equal means. How a
client is used is known by its `Link`.
"""

import asyncio
import importlib
import queue
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from codegen import ir
from codegen.build import Builder
from codegen.python_client import ClientBuilder
from codegen.python_client import Request as Method
from codegen.reading import Reader
from codegen.telling import alike
from tests.codegen.serving import TOKEN, Call, Case, Live, Server
from tests.support.node import Driver

WAIT_S = 5.0
TALK_S = 60.0
_PARSED: Mapping[str, Any] = {"integer": int, "number": float, "boolean": "true".__eq__}


@dataclass
class Pair(Case):
    """A document with both of its sides. Samples are JSON values, or bytes, that fit a message's schema."""

    asking: ir.Package = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asking = Builder(self.document, self.perspective, side="client").build()
        self._samples: dict[str, list[Any]] = {}

    def samples(self, model: str) -> list[Any]:
        """Return values of a message: its examples, and the fullest and the smallest that its schema gives."""
        if model not in self._samples:
            self._samples[model] = self._make_all(model)
        return self._samples[model]

    def _make_all(self, model: str) -> list[Any]:
        message, form = self.places[model], self.form(model)
        if form == "binary":
            return [b"\x00\xff bytes", b"text", b""]
        payload = self.reader.payload(message)
        examples = [found.value for item in message.under("examples") if (found := item.get("payload")) is not None]
        values = [value for value in examples if self._instances.fits(payload, value)]
        values += self._instances.several(payload)
        if form == "text":
            values = [value for value in values if isinstance(value, str)]  # all that a frame of text can say
        return [value for index, value in enumerate(values) if not any(same(value, other) for other in values[:index])]

    def model(self, name: str, value: Any) -> Any:
        """Return a value as the server's message."""
        return getattr(self.module("models"), name).model_validate(value, by_alias=True, by_name=False)

    def whole(self, name: str, value: Any) -> Any:
        """Return a value with the defaults that the server's model knows."""
        return dump(self.model(name, value))

    def doubtful(self, channel: ir.Channel) -> frozenset[str]:
        """Return the messages that a client gets over a channel and may take for others."""
        names = {place: name for name, place in self.places.items()}
        incoming = tuple(self.places[message.model] for message in channel.incoming)
        reader = Reader(self.document, self.perspective, "client")
        same_tag = len({message.tag for message in channel.incoming}) < len(channel.incoming)
        found = alike(reader, incoming) if channel.tag_name is None or same_tag else ()
        return frozenset(names[item] for pair in found for item in pair)

    def handshake(self, channel: ir.Channel) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Return the values of a channel's parameters, its query and its headers, by their names in the document."""
        place = next(item for item in self.reader.channels() if item.key == channel.id)
        defined = dict(self.reader.parameters(place))
        parameters = {}
        for item in channel.parameters:
            found = defined[item.wire]
            schema = self.reader.text_schema(found) if found is not None else {"type": "string"}
            parameters[item.wire] = _parsed(item, self._instances.text(schema))
        query = self._texts(channel.query, self.reader.query(place))
        headers = self._texts(channel.headers, self.reader.headers(place))
        return (
            parameters,
            {item.wire: _parsed(item, query[item.wire]) for item in channel.query},
            {item.wire: _parsed(item, headers[item.wire]) for item in channel.headers},
        )


def _parsed(item: ir.Parameter, text: str) -> Any:
    return _PARSED.get(item.kind, str)(text)


def dump(message: Any) -> Any:
    """Return a message of either side as it is in JSON, bytes as bytes."""
    root = getattr(message, "root", None)
    return root if isinstance(root, bytes) else message.model_dump(mode="json", by_alias=True)


def same(one: object, other: object) -> bool:
    """Tell whether two JSON values are the same: true is not 1, but 1.0 is."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def contains(whole: object, part: object) -> bool:
    """Tell whether a JSON value has all that another has; defaults may be filled in."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and contains(whole[name], value) for name, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(contains(*pair) for pair in zip(whole, part, strict=True))
    return same(whole, part)


def at(value: Any, way: Sequence[str]) -> Any:
    """Return the value that a way through members leads to, None where there is none."""
    for name in way:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def put(value: Any, way: Sequence[str], what: Any) -> Any:
    """Return a value with another one where a way leads to."""
    if not way:
        return what
    body = value if isinstance(value, dict) else {}
    return {**body, way[0]: put(body.get(way[0]), way[1:], what)}


class PairServer(Server):
    """A server whose handlers answer with what is to come next, and repeat the request's id there."""

    def __init__(self, case: Pair) -> None:
        super().__init__(case)
        self.pair = case
        self.next: tuple[str, Any] | None = None
        self.answered: tuple[str, Any] | None = None
        """What was answered last."""

    def _handler(self, name: str, declared: Any) -> Any:
        returned = typing.get_type_hints(declared)["return"]
        models = [item.__name__ for item in typing.get_args(returned) or (returned,) if item is not type(None)]

        async def handle(handlers: object, session: object, message: object, /) -> Any:
            self.calls.put(Call(name, message))
            self.answered = None
            if not models:
                return None
            model, value = (
                self.next if self.next and self.next[0] in models else (models[0], self.pair.samples(models[0])[0])
            )
            value = self._with_id(message, model, value)
            self.answered = (model, value)
            return self.pair.model(model, value)

        return handle

    def _with_id(self, request: Any, model: str, value: Any) -> Any:
        asked = {item.model: item.correlation for channel in self.pair.built.channels for item in channel.incoming}
        given = {item.model: item.correlation for channel in self.pair.asking.channels for item in channel.incoming}
        id_ = at(dump(request), asked.get(type(request).__name__, ())) if asked.get(type(request).__name__) else None
        return put(value, given[model], id_) if id_ is not None and given.get(model) else value


class Link(Protocol):
    """A client that is connected to one channel. Values are JSON values or bytes; names are of messages."""

    async def ask(self, operation: str, model: str, value: Any) -> tuple[str | None, Any]:
        """Send a request. Returns the reply's message, None where the client doesn't say, and its value, or None."""
        ...

    async def next(self) -> tuple[str | None, Any]:
        """Return the next message that was pushed."""
        ...


class Opener(Protocol):
    """Makes links to a server."""

    def __call__(self, url: str, pair: Pair, channel: ir.Channel) -> AbstractAsyncContextManager[Link]:
        """Connect a client to a channel."""
        ...


def _own(stream: ir.Stream) -> list[ir.StreamFrame]:
    gap = stream.gap.frame if stream.gap is not None else None
    return [frame for frame in (stream.ack, stream.reset, gap) if frame is not None]


@dataclass
class Position:
    """Where a stream is: the values of its key, and the number of the last frame."""

    key: list[Any]
    seq: int
    epoch: str

    def on(self, frame: ir.StreamFrame, value: Any) -> Any:
        """Return a value of a frame as the one that stands here."""
        for part, item in zip(frame.key, self.key, strict=False):
            value = put(value, part.way, item)
        for way, item in ((frame.seq, self.seq), (frame.prev, self.seq - 1), (frame.epoch, self.epoch)):
            value = put(value, way, item) if way is not None else value
        return value


@dataclass
class Talk:
    """One document's conversation. `said` counts what was sent and arrived; `left` says what was not judged."""

    live: Live
    pair: Pair
    open: Opener
    said: int = 0
    left: set[str] = field(default_factory=set)

    async def all(self) -> None:
        """Have everything said that the document has, in each of its channels."""
        server = PairServer(self.pair)
        url = f"ws://127.0.0.1:{self.live.port}{self.live.add(server)}"
        async with asyncio.timeout(TALK_S):
            for built, asking in zip(self.pair.built.channels, self.pair.asking.channels, strict=True):
                await self._channel(server, url, built, asking)

    async def _channel(self, server: PairServer, url: str, built: ir.Channel, asking: ir.Channel) -> None:
        async with self.open(url, self.pair, asking) as link:
            for request in asking.requests:
                for message in request.messages:
                    await self._requests(server, link, built, asking, request, message)
        streams = [item for item in self.pair.asking.streams if item.channel == asking.id and item.subscribe]
        async with self.open(url, self.pair, asking) as link:
            held = {
                item.subscribe.operation: await self._subscribed(server, link, item)
                for item in streams
                if item.subscribe
            }
            for model in asking.dispatched:
                roles = {item.model for stream in streams for item in _own(stream)}
                if model in roles:
                    self.left.add(f"{model} is a stream's own frame")
                    continue
                positions = [
                    (frame, held[stream.subscribe.operation])
                    for stream in streams
                    for frame in stream.frames
                    if frame.model == model and stream.subscribe
                ]
                await self._pushes(server, link, built, asking, model, positions[0] if positions else None)
        assert server.calls.empty(), server.calls.get()
        assert not server.refused, server.refused

    async def _subscribed(self, server: PairServer, link: Link, stream: ir.Stream) -> "Position":
        """Open a stream. Returns what its first frame goes on from."""
        assert stream.subscribe is not None
        assert stream.ack is not None
        value = self.pair.samples(stream.subscribe.frame.model)[0]
        whole = self.pair.whole(stream.subscribe.frame.model, value)
        found = Position([at(whole, part.way) for part in stream.subscribe.frame.key], 1, "epoch")
        server.next = (stream.ack.model, found.on(stream.ack, self.pair.samples(stream.ack.model)[0]))
        await link.ask(stream.subscribe.operation, stream.subscribe.frame.model, value)
        server.calls.get(timeout=WAIT_S)
        return found

    async def _requests(
        self,
        server: PairServer,
        link: Link,
        built: ir.Channel,
        asking: ir.Channel,
        request: ir.Request,
        message: ir.Message,
    ) -> None:
        """Send each sample of a message, and get each sample of each reply."""
        # A message that several operations take is taken by one of them.
        operation = next(item for item in built.operations if message.model in item.messages)
        values = self.pair.samples(message.model)
        replies = [(model, value) for model in operation.replies for value in self.pair.samples(model)]
        doubtful = message.model in self.pair.ambiguous(built)
        replies_doubtful = self.pair.doubtful(asking)
        for index in range(max(len(values), len(replies))):
            value = values[index % len(values)]
            server.next = replies[index % len(replies)] if replies else None
            where = f"{request.id}: {message.model} {value!r:.300} -> {server.next!r:.300}"
            asked = asyncio.ensure_future(link.ask(request.id, message.model, value))
            call = await self._call(server, asked, where)
            got = dump(call.message)
            if doubtful and type(call.message).__name__ != message.model:
                # No way to tell: somebody took it for what it may be as well, and answers as he does.
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
                self.left.add(f"{message.model} is {type(call.message).__name__}, too")
                continue
            assert call.method == operation.method, where
            assert type(call.message).__name__ == message.model, where
            whole = self.pair.whole(message.model, value)
            if message.correlation and request.replies and at(value, message.correlation) is None:
                assert at(got, message.correlation) is not None, f"{where}: the client gave no id"
                whole = put(whole, message.correlation, at(got, message.correlation))
            assert same(got, whole), f"{where}: the handler got {got!r}"
            assert contains(got, value), f"{where}: the handler got {got!r}"
            name, reply = await asked
            self.said += 1
            if server.answered is None or server.answered[0] not in request.replies:
                assert reply is None, where
                continue
            self._arrived(*server.answered, name, reply, replies_doubtful, where)
            self.said += 1

    @staticmethod
    async def _call(server: PairServer, asked: "asyncio.Future[Any]", where: str) -> Call:
        """Return the call that a request leads to; raises what became of the request where it leads to none."""
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    found = server.calls.get_nowait()
                except queue.Empty:
                    if asked.done() and asked.exception() is not None:
                        await asked
                    await asyncio.sleep(0.0005)
                else:
                    if isinstance(found, BaseException):
                        asked.cancel()
                        await asyncio.gather(asked, return_exceptions=True)
                        raise AssertionError(f"{where}: the server says {found!r}") from found
                    return found

    async def _pushes(
        self,
        server: PairServer,
        link: Link,
        built: ir.Channel,
        asking: ir.Channel,
        model: str,
        position: tuple[ir.StreamFrame, Position] | None,
    ) -> None:
        """Push each sample of a message; a frame of a stream as the next one of it."""
        encode = getattr(self.pair.module("messages"), f"encode_{built.snake}")
        for sample in self.pair.samples(model):
            value = sample
            if position is not None:
                frame, held = position
                held.seq += 1 if frame.seq is not None else 0
                value = held.on(frame, value)
            where = f"{model} {value!r:.300} is pushed"
            self.live.push(server, built, encode(self.pair.model(model, value)))
            name, got = await link.next()
            self._arrived(model, value, name, got, self.pair.doubtful(asking), where)
            self.said += 1

    def _arrived(
        self, model: str, value: Any, name: str | None, got: Any, doubtful: frozenset[str], where: str
    ) -> None:
        if name is not None and name != model and model in doubtful:
            assert contains(got, value), f"{where}: the client got {name} {got!r}"
            self.left.add(f"{model} is {name}, too")
            return
        assert name in (None, model), f"{where}: the client got {name} {got!r}"
        assert same(got, self.pair.whole(model, value)), f"{where}: the client got {got!r}"
        assert contains(got, value), f"{where}: the client got {got!r}"


class PythonLink:
    """The generated Python client, entered once. Whatever the client doesn't know fails the iteration."""

    def __init__(self, url: str, pair: Pair, channel: ir.Channel, package: ModuleType) -> None:
        shown = next(item for item in ClientBuilder(pair.asking).channels() if item.id == channel.id)
        self._methods = {item.id: item for item in shown.requests}
        self._models = importlib.import_module(f"{package.__name__}.models")
        values = [
            (kind, found) for kind, found in zip(("path", "query", "header"), pair.handshake(channel), strict=True)
        ]
        given = {
            item.name: found[item.wire]
            for kind, found in values
            for item in shown.arguments
            if item.place == kind and item.wire in found
        }
        options: dict[str, Any] = {}
        if shown.carriage is not None and shown.carriage.takes_token:
            options["token"] = TOKEN
        elif shown.carriage is not None:
            options["basic"] = ("user", TOKEN)
        client = package.Client(url, timeout_s=WAIT_S, on_undeclared=self._fail, **options)
        self.connection = getattr(client, shown.method)(**given)

    @staticmethod
    def _fail(frame: Any) -> None:
        raise AssertionError(f"the client doesn't know this: {frame} {frame.frame!r:.300}")

    async def __aenter__(self) -> Link:
        await self.connection.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.connection.close()

    async def ask(self, operation: str, model: str, value: Any) -> tuple[str | None, Any]:
        """Call the method of an operation."""
        method = self._methods[operation]
        message = getattr(self._models, model).model_validate(value, by_alias=True, by_name=False)
        call = getattr(self.connection, method.method)
        if method.flat is None:
            return _shown(await call(message))
        return _shown(await call(**dict(_given(method, message))))

    async def next(self) -> tuple[str | None, Any]:
        """Iterate once."""
        async with asyncio.timeout(WAIT_S):
            return _shown(await anext(self.connection))


def _shown(message: Any) -> tuple[str | None, Any]:
    return (type(message).__name__, dump(message)) if message is not None else (None, None)


def _given(method: Method, message: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that a message is made of: those of its members that it has."""
    assert method.flat is not None
    names = {item.name: item.name for item in method.flat.arguments}
    body = eval(method.flat.body, {"optional": lambda value: value, **names})
    for wire, found in body.items():
        inner = _member(message, wire)
        if not isinstance(found, dict):
            yield from [(found, inner[0])] if inner else []
            continue
        for name, argument in found.items() if inner else ():
            yield from [(argument, value) for value in _member(inner[0], name)]


def _member(message: Any, wire: str) -> list[Any]:
    """Return the one member of this name in JSON that was given; none where it wasn't."""
    fields = type(message).model_fields
    name = next((name for name, item in fields.items() if wire in (item.alias, item.validation_alias, name)), None)
    if name is None:
        raise AssertionError(f"{type(message).__name__} has no member {wire}")
    return [getattr(message, name)] if name in message.model_fields_set else []


class NodeLink:
    """The generated TypeScript client in a Node process."""

    def __init__(self, driver: Driver, folder: str, url: str, pair: Pair, channel: ir.Channel) -> None:
        parameters, query, headers = pair.handshake(channel)
        self._driver = driver
        self._open = {
            "folder": folder,
            "url": url,
            "token": TOKEN if _takes_token(channel) else None,
            "basic": {"name": "user", "password": TOKEN} if not _takes_token(channel) else None,
            "channel": channel.id,
            "parameters": parameters,
            "query": query,
            "headers": {name: str(value) for name, value in headers.items()},
        }
        self._binary = {name for name in pair.places if pair.form(name) == "binary"}

    async def __aenter__(self) -> Link:
        await self._do("open", **self._open)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._do("close")

    async def _do(self, op: str, **members: Any) -> Any:
        answer = self._driver.send(op, **members)
        # Not `wait_for`: what is given up still gets its answer, and the driver can't take one that was cancelled.
        done, _ = await asyncio.wait({answer}, timeout=WAIT_S)
        assert done, f"{op} {members!r:.300}: nothing came back"
        return answer.result()

    async def ask(self, operation: str, model: str, value: Any) -> tuple[str | None, Any]:
        """Call the method of an operation."""
        return None, _unpacked(await self._do("call", operation=operation, value=_packed(value)))

    async def next(self) -> tuple[str | None, Any]:
        """Iterate once."""
        return None, _unpacked(await self._do("next"))


def _takes_token(channel: ir.Channel) -> bool:
    security = channel.security
    return security is not None and bool(security.bearer or security.queries or security.headers or security.cookies)


def _packed(value: Any) -> Any:
    return {"bytes": list(value)} if isinstance(value, bytes) else {"json": value}


def _unpacked(result: Any) -> Any:
    return bytes(result["bytes"]) if "bytes" in result else result.get("json")
