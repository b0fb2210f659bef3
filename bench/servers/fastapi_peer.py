"""FastAPI as it is usually written: an endpoint that stays, and a loop over the clients. Run with `naive` or `text`.

`naive` encodes each message for each client (`send_json`), `text` once for all (`send_text`). Both check a token with
PyJWT on the route /token, for the connection storm, as `tapecast` does on each of its routes.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

from bench.control import Pacer, open_page
from bench.messages import ACK, encode, message, subscribed_topic
from bench.servers.common import announce, drive_async, prepare
from bench.tokens import SECRET


class Subscribe(BaseModel):
    """A subscription, as the route /token takes it."""

    topic: str


def build(control: str, kind: str) -> FastAPI:
    """Return the application."""
    readers: dict[int, dict[WebSocket, None]] = {}

    async def publish_naive(number: int, topic: int, stamp: int) -> None:
        content = message(number, topic, stamp)
        for websocket in tuple(readers.get(topic, ())):
            await send(websocket, topic, websocket.send_json(content))

    async def publish_text(number: int, topic: int, stamp: int) -> None:
        text = encode(message(number, topic, stamp))
        for websocket in tuple(readers.get(topic, ())):
            await send(websocket, topic, websocket.send_text(text))

    async def send(websocket: WebSocket, topic: int, sending: Any) -> None:
        try:
            await sending
        except (RuntimeError, WebSocketDisconnect):
            readers[topic].pop(websocket, None)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        publish = publish_naive if kind == "naive" else publish_text
        task = asyncio.create_task(drive_async(Pacer(open_page(control)), publish))
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/ws")
    async def serve(websocket: WebSocket) -> None:
        await websocket.accept()
        mine: list[int] = []
        try:
            while True:
                topic = subscribed_topic(await websocket.receive_text())
                readers.setdefault(topic, {})[websocket] = None
                mine.append(topic)
                await websocket.send_text(ACK)
        except WebSocketDisconnect:
            pass
        finally:
            for topic in mine:
                readers[topic].pop(websocket, None)

    @app.websocket("/token")
    async def serve_with_token(websocket: WebSocket) -> None:
        try:
            given = websocket.headers["authorization"].removeprefix("Bearer ")
            jwt.decode(given, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
        except (KeyError, jwt.InvalidTokenError):
            await websocket.close(1008)
            return
        await websocket.accept()
        try:
            while True:
                wanted = Subscribe.model_validate_json(await websocket.receive_text())
                await websocket.send_json({"type": "ack", "topic": wanted.topic})
        except WebSocketDisconnect:
            pass

    return app


class Server(uvicorn.Server):
    """uvicorn's server, which says where it listens."""

    async def startup(self, sockets: Any = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            prepare()
            announce(self.servers[0].sockets[0].getsockname()[1])


def main() -> None:
    """Serve, by a control page and a kind."""
    control, kind = sys.argv[1:3]
    # With the same WebSocket parser as the gateway's stock transport, uvloop and httptools, and without compression.
    config = uvicorn.Config(
        build(control, kind),
        port=0,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    Server(config).run()


if __name__ == "__main__":
    main()
