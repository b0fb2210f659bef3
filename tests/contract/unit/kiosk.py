"""Kiosk: a small document and its server, right or with a fault put in by a test; and servers that speak no WebSocket.

Nothing here knows the tester but for reading the document.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema_rs
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from contract.spec import Spec, load_spec

Frame: TypeAlias = dict[str, Any]
Raw: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

DOCUMENT = """\
asyncapi: 3.0.0
info: {title: Kiosk, version: 1.0.0}
x-error-codes:
  malformed: {text: The frame is not as the document has it.}
  sold_out: {text: There is none left.}
x-close-codes:
  1000: {name: normal, reconnect: false, text: Goodbye.}
  1002: {name: protocol, reconnect: false, text: That is no frame.}
  1007: {name: text, reconnect: false, text: That is no UTF-8.}
  4001: {name: closing, reconnect: true, text: The kiosk closes.}
channels:
  kiosk:
    address: /kiosk
    messages:
      buy: {$ref: '#/components/messages/buy'}
      sold: {$ref: '#/components/messages/sold'}
      look: {$ref: '#/components/messages/look'}
      shelf: {$ref: '#/components/messages/shelf'}
      wave: {$ref: '#/components/messages/wave'}
      hire: {$ref: '#/components/messages/hire'}
      shift: {$ref: '#/components/messages/shift'}
      tick: {$ref: '#/components/messages/tick'}
      error: {$ref: '#/components/messages/error'}
operations:
  buying:
    action: receive
    channel: {$ref: '#/channels/kiosk'}
    messages: [{$ref: '#/channels/kiosk/messages/buy'}]
    reply: {channel: {$ref: '#/channels/kiosk'}, messages: [{$ref: '#/channels/kiosk/messages/sold'}]}
  looking:
    action: receive
    channel: {$ref: '#/channels/kiosk'}
    messages: [{$ref: '#/channels/kiosk/messages/look'}]
    reply: {channel: {$ref: '#/channels/kiosk'}, messages: [{$ref: '#/channels/kiosk/messages/shelf'}]}
  waving:
    action: receive
    channel: {$ref: '#/channels/kiosk'}
    messages: [{$ref: '#/channels/kiosk/messages/wave'}]
  hiring:
    action: receive
    channel: {$ref: '#/channels/kiosk'}
    messages: [{$ref: '#/channels/kiosk/messages/hire'}]
    reply: {channel: {$ref: '#/channels/kiosk'}, messages: [{$ref: '#/channels/kiosk/messages/shift'}]}
  telling:
    action: send
    channel: {$ref: '#/channels/kiosk'}
    messages:
      - {$ref: '#/channels/kiosk/messages/tick'}
      - {$ref: '#/channels/kiosk/messages/shift'}
      - {$ref: '#/channels/kiosk/messages/error'}
components:
  messages:
    buy:
      correlationId: {location: '$message.payload#/id'}
      payload:
        type: object
        required: [type, id, count]
        properties:
          type: {const: buy}
          id: {$ref: '#/components/schemas/id'}
          count: {type: integer, minimum: 1, maximum: 12}
          label: {type: string, maxLength: 8}
      examples: [{name: one, payload: {type: buy, id: 1, count: 1}}]
    sold:
      correlationId: {location: '$message.payload#/id'}
      payload:
        type: object
        required: [type, id, price]
        properties:
          type: {const: sold}
          version: {const: v1}
          id: {$ref: '#/components/schemas/id'}
          price: {type: string}
          items: {type: array, items: {type: object, properties: {name: {type: string}}}}
    look: {payload: {type: object, required: [type], properties: {type: {const: look}}}}
    shelf:
      payload:
        type: object
        required: [type, left]
        properties: {type: {const: shelf}, left: {type: integer}}
    wave:
      correlationId: {location: '$message.payload#/id'}
      payload:
        type: object
        required: [type, id]
        properties: {type: {const: wave}, id: {$ref: '#/components/schemas/id'}}
    hire:
      correlationId: {location: '$message.payload#/id'}
      payload:
        type: object
        required: [type, id]
        properties: {type: {const: hire}, id: {$ref: '#/components/schemas/id'}}
    shift:
      correlationId: {location: '$message.payload#/id'}
      payload:
        type: object
        required: [type]
        properties: {type: {const: shift}, id: {$ref: '#/components/schemas/id'}}
    tick:
      payload:
        type: object
        required: [type, version, at]
        properties: {type: {const: tick}, version: {const: v1}, at: {type: integer}}
    error:
      correlationId: {location: '$message.payload#/id'}
      payload:
        type: object
        required: [type, code]
        properties:
          type: {const: error}
          id: {$ref: '#/components/schemas/id'}
          code: {type: string, x-codes: x-error-codes, enum: [malformed, sold_out]}
  schemas:
    id: {type: [integer, string, number, boolean, 'null'], maxLength: 20}
"""


def kiosk_file(folder: Path, text: str = DOCUMENT) -> Path:
    """Write the document into a folder."""
    path = folder / "kiosk.yaml"
    path.write_text(text)
    return path


def kiosk(folder: Path, text: str = DOCUMENT) -> Spec:
    """Return the document as the tester has it."""
    return load_spec(kiosk_file(folder, text))


def no_constant(text: str) -> None:
    """Refuse NaN and its like, which are no JSON."""
    raise ValueError(text)


class Kiosk:
    """The right server. A test makes it wrong by overriding a method. `connections` is how many were opened."""

    def __init__(self, spec: Spec) -> None:
        sent = spec.channel("kiosk").sent
        self._schemas = {item.key: jsonschema_rs.Draft7Validator(item.schema.value) for item in sent}
        self.connections = 0

    async def serve(self, connection: ServerConnection) -> None:
        """Answer what comes, to the end."""
        self.connections += 1
        with contextlib.suppress(ConnectionClosed):
            await self.opened(connection)
            async for data in connection:
                await self.received(connection, data)

    async def opened(self, connection: ServerConnection) -> None:
        """Say something before anything is asked."""
        await self.send(connection, {"type": "tick", "version": "v1", "at": 1})

    async def received(self, connection: ServerConnection, data: str | bytes) -> None:
        """Answer a frame."""
        value: Any = None
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(data, parse_constant=no_constant) if isinstance(data, str) else None
        kind = value.get("type") if isinstance(value, dict) else None
        schema = self._schemas.get(kind) if isinstance(kind, str) else None
        if schema is None or not schema.is_valid(value):
            found = value.get("id") if isinstance(value, dict) else None
            error: Frame = {"type": "error", "code": "malformed"}
            if isinstance(found, (str, int, float)) and len(str(found)) <= 20:
                error["id"] = found
            await self.malformed(connection, error)
        else:
            await self.asked(connection, value)

    async def malformed(self, connection: ServerConnection, error: Frame) -> None:
        """Answer what is malformed."""
        await self.send(connection, error)

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        """Answer a good request."""
        answers: dict[str, Frame] = {
            "buy": {"type": "sold", "price": "1.00"},
            "look": {"type": "shelf", "left": 3},
            "hire": {"type": "shift"},
        }
        made = answers.get(value["type"])
        if made is not None:
            if value["type"] != "look":
                made["id"] = value["id"]
            await self.send(connection, made)

    async def send(self, connection: ServerConnection, value: Frame) -> None:
        """Send a frame."""
        await connection.send(json.dumps(value))


def only_here(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse other addresses."""
    return None if request.path.partition("?")[0] == "/kiosk" else connection.respond(HTTPStatus.NOT_FOUND, "no\n")


@asynccontextmanager
async def running(server: Kiosk, port: int = 0, **options: Any) -> AsyncIterator[str]:
    """Run it; gives its url."""
    options = {"process_request": only_here, **options}
    async with serve(server.serve, "127.0.0.1", port, compression=None, close_timeout=0.5, **options) as listening:
        yield f"ws://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}"


@asynccontextmanager
async def raw(handle: Raw) -> AsyncIterator[str]:
    """Run a server below HTTP; gives its url."""
    tasks: set[asyncio.Task[Any]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handle(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
