# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Router: a WebSocket route for each channel. It reads and writes no frame itself: that is what `serve` is for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fastapi import APIRouter, WebSocket

from .addresses import ParameterError, raw_path
from .channels import (
    ABSENT,
    COMPLETE,
    FILE,
    NOWHERE,
    PAIR,
    RELATIVE,
    ROOT,
    VERSION,
    Channel,
    Parameters,
    find_channel,
    parse_file,
    parse_pair,
    parse_version,
)
from .messages import (
    decode_absent,
    decode_complete,
    decode_file,
    decode_nowhere,
    decode_pair,
    decode_relative,
    decode_root,
    decode_version,
)
from .operations import (
    AbsentOperations,
    CompleteOperations,
    FileOperations,
    NowhereOperations,
    PairOperations,
    RelativeOperations,
    RootOperations,
    SessionT,
    VersionOperations,
    dispatch_absent,
    dispatch_complete,
    dispatch_file,
    dispatch_nowhere,
    dispatch_pair,
    dispatch_relative,
    dispatch_root,
    dispatch_version,
)
from .refusals import Refusal

Receive: TypeAlias = Callable[[SessionT, str | bytes], Awaitable[bytes | None]]
"""Takes a session and a frame; decodes, dispatches, and returns the encoded reply, if any. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Connection(Generic[SessionT]):
    """A client that asks for a channel. It passed what the document demands, and is not accepted yet.

    `parameters`: what stands in its address, of the class that belongs to the channel; None where nothing does.
    """

    websocket: WebSocket
    channel: Channel
    receive: Receive[SessionT]
    parameters: Parameters | None


Serve: TypeAlias = Callable[[Connection[SessionT]], Awaitable[None]]
"""Written by hand: admits and accepts a client, and runs its connection until it ends."""

Refuse: TypeAlias = Callable[[WebSocket, Channel, Refusal], Awaitable[None]]
"""Written by hand: tells a client that it is not let in, by an HTTP answer or by accepting and closing."""


def create_router(
    serve: Serve[SessionT],
    refuse: Refuse,
    *,
    root: RootOperations[SessionT],
    relative: RelativeOperations[SessionT],
    nowhere: NowhereOperations[SessionT],
    absent: AbsentOperations[SessionT],
    complete: CompleteOperations[SessionT],
    pair: PairOperations[SessionT],
    file: FileOperations[SessionT],
    version: VersionOperations[SessionT],
) -> APIRouter:
    """Return the routes of the document's channels, which run the operations that are given.

    A handshake is checked in this order:
    its address, as it was sent (404);
    the parameters of its address (422);
    and then it comes to `serve`.

    An address is a whole path: include the router without a prefix.
    """
    router = APIRouter()

    async def receive_root(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_root(root, session, decode_root(frame))
        return None

    async def receive_relative(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_relative(relative, session, decode_relative(frame))
        return None

    async def receive_nowhere(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_nowhere(nowhere, session, decode_nowhere(frame))
        return None

    async def receive_absent(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_absent(absent, session, decode_absent(frame))
        return None

    async def receive_complete(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_complete(complete, session, decode_complete(frame))
        return None

    async def receive_pair(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_pair(pair, session, decode_pair(frame))
        return None

    async def receive_file(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_file(file, session, decode_file(frame))
        return None

    async def receive_version(session: SessionT, frame: str | bytes) -> bytes | None:
        await dispatch_version(version, session, decode_version(frame))
        return None

    receivers: Mapping[str, Receive[SessionT]] = {
        ROOT.id: receive_root,
        RELATIVE.id: receive_relative,
        NOWHERE.id: receive_nowhere,
        ABSENT.id: receive_absent,
        COMPLETE.id: receive_complete,
        PAIR.id: receive_pair,
        FILE.id: receive_file,
        VERSION.id: receive_version,
    }
    parsers: Mapping[str, Callable[[bytes], Parameters | None]] = {
        PAIR.id: parse_pair,
        FILE.id: parse_file,
        VERSION.id: parse_version,
    }

    async def enter(websocket: WebSocket, matched: Channel) -> None:
        path = raw_path(websocket.scope)
        channel = find_channel(path)  # the route that matched only saw the decoded path
        if channel is None:
            await refuse(websocket, matched, Refusal(404, "unknown_address", "There is no channel at this address."))
            return
        try:
            parameters = parsers[channel.id](path) if channel.id in parsers else None
        except ParameterError as error:
            await refuse(websocket, channel, Refusal(422, "invalid_parameter", str(error)))
            return
        await serve(Connection(websocket, channel, receivers[channel.id], parameters=parameters))

    @router.websocket(ROOT.address, name=ROOT.id)
    async def serve_root(websocket: WebSocket) -> None:
        await enter(websocket, ROOT)

    @router.websocket(NOWHERE.address, name=NOWHERE.id)
    async def serve_nowhere(websocket: WebSocket) -> None:
        await enter(websocket, NOWHERE)

    @router.websocket(ABSENT.address, name=ABSENT.id)
    async def serve_absent(websocket: WebSocket) -> None:
        await enter(websocket, ABSENT)

    @router.websocket(RELATIVE.address, name=RELATIVE.id)
    async def serve_relative(websocket: WebSocket) -> None:
        await enter(websocket, RELATIVE)

    @router.websocket(COMPLETE.address, name=COMPLETE.id)
    async def serve_complete(websocket: WebSocket) -> None:
        await enter(websocket, COMPLETE)

    @router.websocket("/pairs/{p0}", name=PAIR.id)
    async def serve_pair(websocket: WebSocket) -> None:
        await enter(websocket, PAIR)

    @router.websocket("/files/{p0}/{p1}", name=FILE.id)
    async def serve_file(websocket: WebSocket) -> None:
        await enter(websocket, FILE)

    @router.websocket("/{p0}/{p1}", name=VERSION.id)
    async def serve_version(websocket: WebSocket) -> None:
        await enter(websocket, VERSION)

    return router
