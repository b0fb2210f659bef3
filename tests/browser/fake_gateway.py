"""Fake gateway: the real pages beside a bars socket that says what a test tells it to. It knows no market.

It is for what a real server does seldom or never: each close code, an older bar, an unknown type.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from gateway.pages import PageSymbol, create_pages

Message = dict[str, Any]
Reply = Callable[[Message], list[Message]]


def acknowledge(message: Message) -> list[Message]:
    """Answer a subscription with `ok`, and anything else with nothing."""
    if message["type"] != "bars.subscribe":
        return []
    payload = message["payload"]
    return [{"type": "bars.ack", "payload": {**payload, "status": "ok", "message": "ok", "epoch": "e1", "seq": 0}}]


def update(symbol: str, resolution: str, bar: Message, **more: Any) -> Message:
    """Return a `bars.update`."""
    payload = {"symbol": symbol, "resolution": resolution, "bar": bar, "timestamp": 0, "final": False, "epoch": "e1"}
    return {"type": "bars.update", "payload": {**payload, **more}}


class FakeGateway:
    """A server on a port of its own, in a thread of its own; every method may be called from the test's thread."""

    def __init__(self, *, symbols: list[PageSymbol], document_json: bytes, document_yaml: bytes, assets: Path) -> None:
        self.reply: Reply = acknowledge
        self.connected = 0  # connections so far
        self.received: list[Message] = []
        self._sockets: set[WebSocket] = set()
        self._changed = threading.Condition()
        self._port = 0
        self._app = FastAPI(title="Tapecast", docs_url=None, redoc_url=None)
        self._app.include_router(
            create_pages(document_json=document_json, document_yaml=document_yaml, symbols=symbols, assets=assets)
        )
        self._app.add_api_websocket_route("/api/v1/ws", self._serve_socket)

    @property
    def address(self) -> str:
        """The address of the page, which stays the same over a restart."""
        return f"http://127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Serve; on the same port as before, if there was one."""
        config = uvicorn.Config(
            self._app, host="127.0.0.1", port=self._port, log_config=None, ws="websockets-sansio", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        listening = config.bind_socket()
        self._port = listening.getsockname()[1]
        self._thread = threading.Thread(
            target=lambda: self._loop.run_until_complete(self._server.serve([listening])), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Go away without a close frame, as a killed server does."""
        self._server.force_exit = True
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._loop.close()
        self._sockets.clear()

    def push(self, *messages: Message | str) -> None:
        """Send each message to every client; a text is sent as it is."""

        async def send(socket: WebSocket) -> None:
            for message in messages:
                await socket.send_text(message if isinstance(message, str) else json.dumps(message))

        self._each(send)

    def close(self, code: int, reason: str = "") -> None:
        """Close every connection."""

        async def close(socket: WebSocket) -> None:
            await socket.close(code, reason)

        self._each(close)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 10) -> None:
        """Wait until the condition, which is judged after each frame and connection, holds."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s), f"not within {timeout_s} s; {self.connected=}"

    def _each(self, action: Callable[[WebSocket], Awaitable[None]]) -> None:
        async def run() -> None:
            for socket in list(self._sockets):
                await action(socket)

        self._run(run())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _serve_socket(self, socket: WebSocket) -> None:
        await socket.accept()
        self._sockets.add(socket)
        with self._changed:
            self.connected += 1
            self._changed.notify_all()
        try:
            while True:
                message = await socket.receive_json()
                for reply in self.reply(message):
                    await socket.send_json(reply)
                with self._changed:
                    self.received.append(message)
                    self._changed.notify_all()
        except WebSocketDisconnect:
            pass
        finally:
            self._sockets.discard(socket)
