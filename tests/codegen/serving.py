"""Serving: a generated server package under the real uvicorn, with handlers made from its protocols. It judges nothing.

Each handler notes what it is called with, and returns the next of the replies that it may.
"""

import asyncio
import base64
import importlib
import inspect
import itertools
import json
import queue
import threading
import typing
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from urllib.parse import quote, urlencode

import uvicorn
from fastapi import FastAPI
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.sync.client import ClientConnection, connect

from codegen import ir
from codegen.build import Builder
from codegen.document import Document, Place
from codegen.reading import Perspective, Reader
from codegen.telling import alike
from tests.codegen.instances import Instances

WAIT_S = 10.0
TOKEN = "a-token"
_OF_EVERY_PROTOCOL = ("__init__", "__subclasshook__")


@dataclass(frozen=True)
class Call:
    """A handler's call: of which method, and with what."""

    method: str
    message: Any


@dataclass
class Case:
    """A document, what the generator makes of it, and a value of each of its messages."""

    document: Document
    perspective: Perspective
    package: str  # the name of the generated package
    built: ir.Package = field(init=False)
    reader: Reader = field(init=False)
    places: dict[str, Place] = field(init=False)  # of messages, by the name of their class

    def __post_init__(self) -> None:
        builder = Builder(self.document, self.perspective)
        self.built = builder.build()
        self.reader = Reader(self.document, self.perspective)
        self.places = {name: place for place, name in builder.message_classes.items()}
        self._instances = Instances(self.document)
        self._made: dict[str, Any] = {}
        self._ambiguous: dict[str, frozenset[str]] = {}

    def module(self, name: str) -> ModuleType:
        """Import one of the package's modules."""
        return importlib.import_module(f"{self.package}.{name}")

    def form(self, model: str) -> str:
        """Return what a message's frame is: json, text or binary."""
        return self.reader.form(self.places[model])

    def value(self, model: str) -> Any:
        """Return a value of a message: one of its examples, or one made from its schema."""
        if model not in self._made:
            self._made[model] = self._make(self.places[model], self.form(model))
        return self._made[model]

    def _make(self, message: Place, form: str) -> Any:
        payload = self.reader.payload(message)
        if form == "binary":
            return b"\x00\xff bytes"
        for example in message.under("examples"):
            value = example.get("payload")
            if value is not None and self._instances.fits(payload, value.value):
                return value.value
        return self._instances.of(payload)

    def message(self, model: str) -> Any:
        """Return a message of a class."""
        return getattr(self.module("models"), model).model_validate(self.value(model), by_alias=True, by_name=False)

    def frame(self, model: str) -> str | bytes:
        """Return a message's frame as a client sends it."""
        value = self.value(model)
        return json.dumps(value) if self.form(model) == "json" else cast(str | bytes, value)

    def problem(self, frame: str | bytes, models: tuple[str, ...]) -> str | None:
        """Return why a frame is none of several messages, None where it is one."""
        for model in models:
            payload = self.reader.payload(self.places[model])
            form = self.form(model)
            if form == "binary":
                if isinstance(frame, bytes) == (form == "binary"):
                    return None
            elif isinstance(frame, str):
                try:
                    value = frame if form == "text" else json.loads(frame)
                except ValueError:
                    continue
                if self._instances.fits(payload, value):
                    return None
        return f"{frame!r} is none of {models}"

    def ambiguous(self, channel: ir.Channel) -> frozenset[str]:
        """Return the messages that come in over a channel and may be taken for others."""
        if channel.id not in self._ambiguous:
            self._ambiguous[channel.id] = self._alike(channel) if channel.by_structure else frozenset()
        return self._ambiguous[channel.id]

    def _alike(self, channel: ir.Channel) -> frozenset[str]:
        names = {place: name for name, place in self.places.items()}
        incoming = tuple(self.places[message.model] for message in channel.incoming)
        return frozenset(names[second] for _, second in alike(self.reader, incoming))

    def url(self, channel: ir.Channel) -> tuple[str, dict[str, str]]:
        """Return a channel's path with its query, and the headers, that a handshake needs."""
        place = next(item for item in self.reader.channels() if item.key == channel.id)
        path = quote(channel.address, safe="/")
        if channel.parameters:
            defined = dict(self.reader.parameters(place))
            schemas = [
                self.reader.text_schema(found) if (found := defined[item.wire]) is not None else {"type": "string"}
                for item in channel.parameters
            ]
            texts = [self._instances.text(schema) for schema in schemas]
            path = self._path(channel, texts)
        query = self._texts(channel.query, self.reader.query(place))
        headers = self._texts(channel.headers, self.reader.headers(place))
        self._authorize(channel.security, query, headers)
        return path + (f"?{urlencode(query)}" if query else ""), headers

    def _path(self, channel: ir.Channel, texts: list[str]) -> str:
        left = iter(texts)
        parts: list[str] = []
        for segment in channel.segments:
            if isinstance(segment, str):
                parts.append(segment)
            elif segment is None:
                parts.append(next(left))
            else:
                parts.append(segment[0] + "".join(next(left) + text for text in segment[1:]))
        return "".join(f"/{quote(part, safe='')}" for part in parts)

    def _texts(self, items: tuple[ir.Parameter, ...], schema: Place | None) -> dict[str, str]:
        if schema is None:
            return {}
        members = {member.key: self.reader.follow(member).members for member in schema.under("properties")}
        return {item.wire: self._instances.text({"type": "string", **members[item.wire]}) for item in items}

    @staticmethod
    def _authorize(security: ir.Security | None, query: dict[str, str], headers: dict[str, str]) -> None:
        if security is None:
            return
        if security.bearer:
            headers["Authorization"] = f"Bearer {TOKEN}"
        elif security.basic:
            headers["Authorization"] = f"Basic {base64.b64encode(f'user:{TOKEN}'.encode()).decode()}"
        elif security.queries:
            query[security.queries[0]] = TOKEN
        elif security.headers:
            headers[security.headers[0]] = TOKEN
        else:
            headers["Cookie"] = f"{security.cookies[0]}={TOKEN}"


class Principal:
    """May do everything that a document asks for."""

    def __init__(self, scopes: frozenset[str]) -> None:
        self.scopes = scopes


class Server:
    """One package's server: its calls, its open sockets by channel, and its refusals."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.calls: queue.Queue[Call | BaseException] = queue.Queue()
        self.sockets: dict[str, WebSocket] = {}
        self.refused: list[Any] = []
        self._replies: dict[str, Iterator[str]] = {}

    def router(self) -> Any:
        """Return the package's router."""
        create = self.case.module("router").create_router
        hints = typing.get_type_hints(create)
        known = {
            "serve": self._serve,
            "refuse": self._refuse,
            "authenticator": self,
        }
        arguments = {
            name: known[name] if name in known else self._handlers(typing.get_origin(hints[name]))
            for name, parameter in inspect.signature(create).parameters.items()
            if parameter.default is inspect.Parameter.empty
        }
        return create(**arguments)

    async def authenticate(self, credential: Any, /) -> Principal:
        """Fit the package's `Authenticator`: everyone with the right secret is let in."""
        assert getattr(credential, "secret", credential) == TOKEN
        channels = self.case.module("channels").CHANNELS
        return Principal(frozenset(scope for item in channels if item.security for scope in item.security.scopes))

    def _handlers(self, protocol: type) -> object:
        declared = {name: item for name, item in vars(protocol).items() if inspect.isfunction(item)}
        made = {name: self._handler(name, item) for name, item in declared.items() if name not in _OF_EVERY_PROTOCOL}
        return type("Handlers", (), made)()

    def _handler(self, name: str, declared: Any) -> Any:
        returned = typing.get_type_hints(declared)["return"]
        found = typing.get_args(returned) or (returned,)
        replies = itertools.cycle([item.__name__ for item in found]) if returned is not type(None) else None

        async def handle(handlers: object, session: object, message: object, /) -> Any:
            self.calls.put(Call(name, message))
            return self.case.message(next(replies)) if replies is not None else None

        return handle

    async def _serve(self, connection: Any) -> None:
        socket: WebSocket = connection.websocket
        self.sockets[connection.channel.id] = socket
        await socket.accept(subprotocol=getattr(connection, "subprotocol", None))
        try:
            while True:
                received = await socket.receive()
                if received["type"] == "websocket.disconnect":
                    return
                text = received.get("text")
                reply = await connection.receive(None, text if text is not None else received["bytes"])
                if reply is not None:
                    await self.send(socket, reply)
        except WebSocketDisconnect:
            pass
        except Exception as error:
            self.calls.put(error)
            await socket.close(1011)

    async def send(self, socket: WebSocket, frame: bytes) -> None:
        """Send a frame as what it is."""
        if type(frame).__name__ == "BinaryFrame":
            await socket.send_bytes(frame)
        else:
            await socket.send_text(frame.decode())

    async def _refuse(self, websocket: WebSocket, channel: Any, refusal: Any) -> None:
        self.refused.append(refusal)
        await websocket.close()

    def next_call(self) -> Call:
        """Return the next call; raises what the connection ended with instead."""
        found = self.calls.get(timeout=WAIT_S)
        if isinstance(found, BaseException):
            raise found
        return found


class Live:
    """An application in a thread of its own, with a real socket, to which servers are added."""

    def __init__(self) -> None:
        self._app = FastAPI()
        config = uvicorn.Config(
            self._app, host="127.0.0.1", port=0, log_config=None, ws="websockets-sansio", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._count = itertools.count()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    async def _main(self) -> None:
        task = asyncio.create_task(self._server.serve())
        while not self._server.started and not task.done():
            await asyncio.sleep(0.01)
        self._started.set()
        await task

    @contextmanager
    def running(self) -> Iterator["Live"]:
        """Run it until the block ends."""
        self._thread.start()
        assert self._started.wait(WAIT_S)
        try:
            yield self
        finally:
            self._server.should_exit = True
            self._thread.join(WAIT_S)

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    def add(self, server: Server) -> str:
        """Mount a server. Returns where."""
        inner = FastAPI()
        inner.include_router(server.router())
        return self.mount(inner)

    def mount(self, app: FastAPI) -> str:
        """Mount an application. Returns where."""
        prefix = f"/s{next(self._count)}"
        self._app.mount(prefix, app)
        return prefix

    def open(self, stack: ExitStack, prefix: str, case: Case, channel: ir.Channel) -> ClientConnection:
        """Connect a client to a channel, until the stack ends."""
        path, headers = case.url(channel)
        url = f"ws://127.0.0.1:{self.port}{prefix}{path}"
        protocols: Any = list(channel.subprotocols) or None
        return stack.enter_context(
            connect(url, additional_headers=headers, subprotocols=protocols, open_timeout=WAIT_S, close_timeout=WAIT_S)
        )

    def push(self, server: Server, channel: ir.Channel, frame: bytes) -> None:
        """Send a frame over a channel's open socket."""
        done = asyncio.run_coroutine_threadsafe(server.send(server.sockets[channel.id], frame), self._loop)
        done.result(WAIT_S)


def write_package(folder: Path, files: Mapping[str, str]) -> None:
    """Write a package's files."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
