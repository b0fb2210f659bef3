"""Tokens that are shown on a connection that lives: a wrong one must not be taken, and one that ends must end it."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from contract.engine import Options, run_async
from contract.model import PhaseName, Result
from contract.spec import load_spec

DOCUMENT: Final = """
asyncapi: 3.0.0
info: {title: Club, version: '1'}
channels:
  club:
    address: /club
    messages:
      ready:
        payload:
          type: object
          required: [type, seq]
          properties: {type: {const: ready}, seq: {type: integer}}
      heard:
        payload:
          type: object
          required: [type, name, seq]
          properties: {type: {const: heard}, name: {type: string}, seq: {type: integer}}
      renew:
        payload:
          type: object
          required: [type, token]
          properties: {type: {const: renew}, token: {type: string}}
      renewed:
        payload:
          type: object
          required: [type, status]
          properties: {type: {const: renewed}, status: {enum: [ok, error]}, until: {type: integer}}
      error:
        payload:
          type: object
          required: [type, text]
          properties: {type: {const: error}, text: {type: string}}
    x-stream: {ready: ready, key: [/name], seq: /seq, refresh: {operation: renew, token: /token}}
operations:
  renew:
    action: receive
    channel: {$ref: '#/channels/club'}
    messages: [{$ref: '#/channels/club/messages/renew'}]
    reply: {messages: [{$ref: '#/channels/club/messages/renewed'}]}
    security: [{type: http, scheme: bearer, bearerFormat: JWT}]
    x-scopes: [club:read]
  hear:
    action: send
    channel: {$ref: '#/channels/club'}
    messages:
      - {$ref: '#/channels/club/messages/ready'}
      - {$ref: '#/channels/club/messages/heard'}
      - {$ref: '#/channels/club/messages/error'}
x-close-codes:
  4003: {name: token_expired, text: The token expired., reconnect: true}
  4501: {name: not_yours, text: 'The new token is of another user, or lacks a scope.', reconnect: false}
"""
SECRET: Final = "the secret of the club, of enough bytes"


class Club:
    """Lets in who has a token, and takes a new one of the same person; `fault` says what it does wrong."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.renewed = 0

    def claims(self, token: str) -> dict[str, Any] | None:
        """Return what a token says; None for one that isn't good."""
        options = {"verify_signature": self.fault != "no signature", "verify_exp": self.fault != "no end"}
        try:
            return jwt.decode(token, SECRET, ["HS256"], options=options)  # type: ignore[arg-type]
        except jwt.PyJWTError:
            return {"sub": "contract", "scope": "club:read"} if self.fault == "anything" else None

    def process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let in who has a good token; this is right always."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, SECRET, ["HS256"])
        except jwt.PyJWTError:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "")
        if request.path != "/club":
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        if "club:read" not in claims["scope"].split():
            return connection.respond(HTTPStatus.FORBIDDEN, "")
        connection.username = claims["sub"]
        connection.ends = claims.get("exp", time.time() + 60)  # type: ignore[attr-defined]
        return None

    async def serve(self, connection: ServerConnection) -> None:
        """Answer until the token ends."""
        with contextlib.suppress(ConnectionClosed):
            await connection.send('{"type": "ready", "seq": 1}')
            while True:
                try:
                    left = connection.ends - time.time()  # type: ignore[attr-defined]
                    async with asyncio.timeout(left + 4 * (self.fault == "ends late")):
                        frame = await connection.recv()
                except TimeoutError:
                    await connection.close(4003)
                    return
                await self.asked(connection, frame)

    async def asked(self, connection: ServerConnection, frame: str | bytes) -> None:
        """Take a frame."""
        try:
            value = json.loads(frame)
        except ValueError:
            value = None
        if not (isinstance(value, dict) and value.get("type") == "renew" and isinstance(value.get("token"), str)):
            await connection.send('{"type": "error", "text": "bad frame"}')
            return
        claims = self.claims(value["token"])
        if claims is None:
            await connection.send('{"type": "renewed", "status": "error"}')
            return
        foreign = claims.get("sub") != connection.username and self.fault != "anybody"
        lacking = "club:read" not in claims.get("scope", "").split() and self.fault != "no scope"
        if foreign or lacking:
            await connection.send('{"type": "renewed", "status": "error"}')
            if self.fault != "lives on":
                await connection.close(4501)
            return
        self.renewed += 1
        end = claims.get("exp", time.time() + 60)
        if self.fault != "never ends":
            connection.ends = max(end, time.time())  # type: ignore[attr-defined]
        until: Any = str(end) if self.fault == "until is text" else int(end)
        await connection.send(json.dumps({"type": "renewed", "status": "ok", "until": until}))


@asynccontextmanager
async def running(club: Club) -> AsyncIterator[str]:
    """Run it, and yield its url."""
    async with serve(club.serve, "127.0.0.1", 0, process_request=club.process_request, compression=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def tried(club: Club, tmp_path: Path, *phases: PhaseName) -> Result:
    """Test it."""
    file = tmp_path / "asyncapi.yaml"
    file.write_text(DOCUMENT)
    async with running(club) as url:
        return await run_async(load_spec(file), Options(url, secret=SECRET, seed=1, phases=phases, timeout=1))


async def test_the_right_club_is_blamed_for_nothing(tmp_path: Path) -> None:
    """It takes good tokens, and nothing else is found."""
    club = Club()
    result = await tried(club, tmp_path, "examples", "handshake")
    assert [finding.violation.text for finding in result.findings] == []
    assert club.renewed >= 2


async def test_a_good_token_is_shown_among_the_examples(tmp_path: Path) -> None:
    """What the server answers to it is held against the document."""
    result = await tried(Club("until is text"), tmp_path, "examples")
    assert [(finding.violation.rule, finding.violation.subject) for finding in result.findings] == [
        ("frame-invalid", "renewed until type")
    ]


async def test_a_busy_machine_may_end_a_connection_late(tmp_path: Path) -> None:
    """That is remarked, of tokens that were shown later too."""
    result = await tried(Club("ends late"), tmp_path, "handshake")
    assert not result.findings
    late = [text for text in result.remarks if "ended late, more than 3 s after" in text]
    whats = {"the end of its token.", "the end of the token that renew brought."}
    assert {text.rpartition("after ")[2] for text in late} == whats, result.remarks


@pytest.mark.parametrize(
    ("fault", "subjects"),
    [
        ("anything", {"garbage", "wrong_signature", "alg_none", "other_key", "expired"}),
        ("no signature", {"wrong_signature", "alg_none", "other_key"}),
        ("no end", {"expired"}),
        ("anybody", {"other_user"}),
        ("no scope", {"without club:read"}),
        ("lives on", {"other_user", "without club:read"}),
        ("never ends", {"expires"}),
    ],
)
async def test_a_token_that_must_not_count_is_not_taken(tmp_path: Path, fault: str, subjects: set[str]) -> None:
    """Each is found, and by what is wrong with the token."""
    result = await tried(Club(fault), tmp_path, "handshake")
    found = {(finding.violation.rule, finding.violation.subject) for finding in result.findings}
    assert found == {("token-kept", f"refresh {subject}") for subject in subjects}
