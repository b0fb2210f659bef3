"""Talk: a plain client of the rooms server, and a judge of what it is told. It knows the document, and no server.

Whether an answer is missing is told by what comes after it, since replies come in order, and not by the clock.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema_rs
import yaml
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Frame: TypeAlias = dict[str, Any]

PATIENCE_S = 10.0
"""Seconds after which what is due is taken for lost, on however busy a machine."""


class Told:
    """What the server may send on each channel: a validator for each tag, from the document."""

    def __init__(self, path: Path) -> None:
        """Read the document."""
        self.document: Any = json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8"))))
        self._validators = {"house": self._read("house", "op"), "floor": self._read("floor", "kind")}
        self._codes = frozenset(self.document["x-error-codes"])
        self.close_codes = frozenset(int(code) for code in self.document["x-close-codes"])

    def _read(self, channel: str, tag: str) -> Mapping[str, jsonschema_rs.Draft7Validator]:
        found: dict[str, jsonschema_rs.Draft7Validator] = {}
        for operation in self.document["operations"].values():
            if operation["channel"]["$ref"] == f"#/channels/{channel}":
                told = operation if operation["action"] == "send" else operation.get("reply", {"messages": []})
                for reference in told["messages"]:
                    message = reference["$ref"].rpartition("/")[2]
                    payload = self.document["components"]["messages"][message]["payload"]
                    found[payload["properties"][tag]["const"]] = self.validator(message)
        return found

    def validator(self, message: str) -> jsonschema_rs.Draft7Validator:
        """Return the validator of a message's payload."""
        schema = {"$ref": f"#/components/messages/{message}/payload", "components": self.document["components"]}
        return jsonschema_rs.Draft7Validator(schema, validate_formats=True)

    def fault(self, channel: str, data: str | bytes) -> str | None:
        """Return what is wrong with a frame that came: `undeclared`, `invalid` or `code`; None for nothing."""
        try:
            frame = json.loads(data, parse_constant=_refuse)
        except ValueError:
            return "undeclared"
        tag: Any = frame.get("op", frame.get("kind")) if isinstance(frame, dict) else None
        validator = self._validators[channel].get(tag)
        if isinstance(data, bytes) or validator is None:
            return "undeclared"
        code = frame.get("fault", frame.get("body", {})).get("code")
        if code is not None and code not in self._codes:
            return "code"
        return None if validator.is_valid(frame) else "invalid"


def _refuse(text: str) -> None:
    raise ValueError(text)


class Talk:
    """One connection. `frames` is what came, as JSON, `faults` what was wrong with it; `code` is how it was closed.

    `code` is None while it is open, and 1006 where it was cut.
    """

    def __init__(self, socket: ClientConnection, channel: str, told: Told) -> None:
        self.frames: list[Frame] = []
        self.faults: list[str] = []
        self.code: int | None = None
        self._socket = socket
        self._channel = channel
        self._told = told
        self._came = asyncio.Event()
        self._numbers = itertools.count(1_000_000)
        self._reading = asyncio.create_task(self._read())

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was chosen."""
        return self._socket.subprotocol

    async def _read(self) -> None:
        try:
            while True:
                data = await self._socket.recv()
                fault = self._told.fault(self._channel, data)
                if fault is not None:
                    self.faults.append(fault)
                if fault != "undeclared":
                    self.frames.append(json.loads(data))
                self._came.set()
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd is not None else 1006
            self._came.set()

    async def ended(self, seconds: float) -> None:
        """Wait until the server has closed, but no longer than that."""
        await asyncio.wait({self._reading}, timeout=seconds)

    async def end(self) -> None:
        """Close, and wait until all has come."""
        await self._socket.close()
        await asyncio.wait_for(self._reading, PATIENCE_S)

    async def send(self, data: Frame | str | bytes) -> None:
        """Send a frame; nothing where the connection is closed."""
        try:
            await self._socket.send(json.dumps(data) if isinstance(data, dict) else data)
        except ConnectionClosed:
            await asyncio.wait_for(self._reading, PATIENCE_S)

    async def until(self, fits: Callable[[Frame], bool], since: int = 0) -> Frame | None:
        """Return the first frame that fits, of those from an index on; None where the connection is closed first."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for frame in self.frames[since:]:
                    if fits(frame):
                        return frame
                if self.code is not None:
                    return None
                since = len(self.frames)
                self._came.clear()
                await self._came.wait()

    async def fence(self) -> list[Frame]:
        """Return all frames up to the answer to something that the server answers in any case."""
        number = next(self._numbers)
        if self._channel == "house":
            await self.send({"op": "no.such.op", "req": number})
            await self.until(lambda frame: frame.get("re") == number)
        else:
            ticket = f"t-{number:x}"
            await self.send({"kind": "nothing", "meta": {"ticket": ticket}})
            await self.until(lambda frame: frame.get("meta") == {"ticket": ticket})
        return self.frames

    async def ask(self, data: Frame | str | bytes) -> list[Frame]:
        """Send a frame; return what came up to the answer to another one behind it, without pushes."""
        since = len(self.frames)
        await self.send(data)
        pushed = {"hello", "room.event", "room.state", "room.reset", "room.gone", "announce"}
        found = (await self.fence())[since:]
        return [frame for frame in found if frame.get("op", frame.get("kind")) not in pushed and not is_fence(frame)]

    async def call(self, op: str, args: Frame | None = None, req: Any = 7, **more: Any) -> list[Frame]:
        """Send a request to the house; return what came, as `ask` does."""
        return await self.ask({"op": op, "req": req, **({"args": args} if args is not None else {}), **more})


def is_fence(frame: Frame) -> bool:
    """Tell whether a frame answers what `Talk.fence` sends."""
    told: Any = frame.get("fault", frame.get("body", {}))
    return bool(told.get("code") == "unknown_op")


@asynccontextmanager
async def talking(
    told: Told,
    url: str,
    path: str,
    token: str | None,
    subprotocols: Sequence[str] = (),
) -> AsyncIterator[Talk]:
    """Open a connection to the house or the floor; raises `websockets.InvalidHandshake` where it is refused."""
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    offered = [Subprotocol(name) for name in subprotocols] or None
    socket = await connect(url + path, additional_headers=headers, subprotocols=offered, compression=None, proxy=None)
    talk = Talk(socket, "floor" if path.startswith("/floor") else "house", told)
    try:
        yield talk
    finally:
        await talk.end()


def events(frames: Iterable[Frame], room: str) -> list[Frame]:
    """Return the data of a room's events."""
    return [frame["data"] for frame in frames if frame.get("op") == "room.event" and frame["data"]["room"] == room]
