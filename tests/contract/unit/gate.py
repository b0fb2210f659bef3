"""Gate: a small WebSocket server whose handshakes are as its document says, but for a fault that it is told to have."""

import asyncio
import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import jwt
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

DOCUMENT: Final = """
asyncapi: 3.0.0
info: {title: Gate, version: '1'}
channels:
  room:
    address: /rooms/{room}
    parameters:
      room: {enum: [blue, green]}
    bindings:
      ws:
        query:
          type: object
          required: [mode]
          properties:
            mode: {type: string, enum: [read, write]}
            level: {type: integer, minimum: 1, maximum: 5}
        headers:
          type: object
          required: [X-Client]
          properties:
            X-Client: {type: string, minLength: 2, maxLength: 8, examples: [tester]}
    messages: &messages {word: {payload: {type: object}}}
  lobby: {address: /lobby, messages: *messages}
operations:
  say:
    action: receive
    channel: {$ref: '#/channels/room'}
    security:
      - {type: http, scheme: bearer, bearerFormat: JWT}
      - {type: httpApiKey, in: query, name: token}
    x-scopes: [chat:read, chat:write]
    x-subprotocols: [chat.v2, chat.v1]
  greet: {action: receive, channel: {$ref: '#/channels/lobby'}}
x-close-codes:
  4003: {name: token_expired, text: The token expired., reconnect: true}
x-limits: {token_bytes: 1000}
"""

SECRET: Final = "the secret of the gate, of enough bytes"
DECLARED: Final = ("chat.v2", "chat.v1")
NOW: Final = 1_800_000_000.0

LENIENCES: Final = ("a slash at the end will do", "letters of any case will do")
"""What many routers do, and no document forbids."""

FAULTS: Final = {
    "no token will do": ("handshake-accepted", "token missing"),
    "a token is not looked at": ("handshake-accepted", "token garbage"),
    "an empty token counts as good": ("handshake-accepted", "token empty"),
    "no signature is checked": ("handshake-accepted", "token wrong_signature"),
    "alg none is taken": ("handshake-accepted", "token alg_none"),
    "an expired token is taken": ("handshake-accepted", "token expired"),
    "an expired token is taken from the query": ("handshake-accepted", "token expired as ?token="),
    "one scope is not asked for": ("handshake-accepted", "token without chat:write"),
    "no token is too long": ("handshake-accepted", "token too_long"),
    "a token in the query is not read": ("handshake-refused", "token as ?token="),
    "any room will do": ("handshake-accepted", "parameter room enum"),
    "one room is forgotten": ("handshake-refused", "parameters"),
    "any level will do": ("handshake-accepted", "query level minimum"),
    "a level may be no integer": ("handshake-accepted", "query level type"),
    "the highest level is refused": ("handshake-refused", "query level maximum"),
    "mode may be missing": ("handshake-accepted", "query mode required"),
    "any mode will do": ("handshake-accepted", "query mode enum"),
    "the header may be missing": ("handshake-accepted", "header X-Client required"),
    "the header may be short": ("handshake-accepted", "header X-Client minLength"),
    "more segments will do": ("handshake-accepted", "address: one more segment"),
    "any address will do": ("handshake-accepted", "address: another segment"),
    "whatever is offered is chosen": ("handshake-subprotocol", "offer undeclared"),
    "a subprotocol is chosen that wasn't offered": ("handshake-subprotocol", "token in the header Authorization"),
    "no subprotocol is chosen": ("handshake-subprotocol", "offer chat.v2"),
    "who offers a subprotocol is refused": ("handshake-refused", "offer chat.v1"),
    "the older subprotocol is unknown": ("handshake-subprotocol", "offer chat.v1"),
    "fails for a bad token": ("connection-lost", "token garbage"),
    "hangs up on a bad token": ("connection-lost", "token garbage"),
    "closes with 1011 for a bad token": ("connection-lost", "token garbage"),
    "refuses after a greeting": ("handshake-accepted", "token missing"),
}
"""What the gate can be told to do wrong, with the rule and the subject that it must be found by."""


class Gate:
    """Handlers for `websockets.serve`. `late`: it accepts, and then closes whom it refuses, with 1008."""

    def __init__(self, fault: str = "", *, late: bool = False) -> None:
        self.fault = fault
        self.late = late
        self.now = NOW
        self.passed = asyncio.Event()
        self._refused: dict[ServerConnection, int] = {}
        self._ends: dict[ServerConnection, float] = {}

    def pass_time(self, seconds: float) -> None:
        """Let so much time go by."""
        self.now += seconds
        self.passed.set()

    def process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse, or let in."""
        status = self._check(connection, request)
        if self.fault == "who offers a subprotocol is refused" and "Sec-WebSocket-Protocol" in request.headers:
            status = status or 400
        if status == 401 and self.fault == "fails for a bad token":
            status = 500
        if status == 401 and self.fault == "hangs up on a bad token":
            connection.transport.abort()
        if status is None:
            return None
        code = 1011 if status == 401 and self.fault == "closes with 1011 for a bad token" else 1008
        if self.late or code == 1011 or self.fault == "refuses after a greeting":
            self._refused[connection] = code
            return None
        return connection.respond(HTTPStatus(status), "refused\n")

    def _check(self, connection: ServerConnection, request: Request) -> int | None:
        parts = urlsplit(request.path)
        path = parts.path
        if self.fault == "letters of any case will do":
            path = path.lower()
        if self.fault == "a slash at the end will do":
            path = path.rstrip("/")
        if self.fault == "any address will do":
            path = path if path.startswith("/rooms/") else "/lobby"
        if path == "/lobby":
            return None
        segments = path.split("/")
        if len(segments) > 3 and self.fault == "more segments will do":
            segments = segments[:3]
        if len(segments) != 3 or segments[1] != "rooms" or not segments[2]:
            return 404
        rooms = ("blue",) if self.fault == "one room is forgotten" else ("blue", "green")
        if segments[2] not in rooms and self.fault != "any room will do":
            return 404
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return self._check_token(connection, request, query) or self._check_values(request, query)

    def _check_token(self, connection: ServerConnection, request: Request, query: dict[str, str]) -> int | None:
        header = request.headers.get("Authorization")
        token = header.removeprefix("Bearer").strip() if header is not None else None
        from_query = token is None and "token" in query and self.fault != "a token in the query is not read"
        token = query["token"] if from_query else token
        if token is None:
            return None if self.fault == "no token will do" else 401
        if self.fault == "a token is not looked at" or (not token and self.fault == "an empty token counts as good"):
            return None
        if len(token) > 1000 and self.fault != "no token is too long":
            return 401
        claims = self._claims(token)
        if claims is None:
            return 401
        expired = claims.get("exp", 0) <= self.now
        forgiven = self.fault == "an expired token is taken" or (
            from_query and self.fault == "an expired token is taken from the query"
        )
        if expired and not forgiven:
            return 401
        if claims.get("nbf", 0) > self.now:
            return 401
        wanted = {"chat:read"} if self.fault == "one scope is not asked for" else {"chat:read", "chat:write"}
        if not wanted <= set(claims.get("scope", "").split()):
            return 403
        self._ends[connection] = claims.get("exp", math.inf)
        return None

    def _claims(self, token: str) -> dict[str, Any] | None:
        checks = {"verify_signature": True, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
            if self.fault == "no signature is checked" and algorithm == "HS256":
                checks["verify_signature"] = False
            if self.fault == "alg none is taken" and algorithm == "none":
                checks["verify_signature"] = False
            claims: dict[str, Any] = jwt.decode(token, SECRET, ["HS256"], options=checks)  # type: ignore[arg-type]
        except jwt.PyJWTError:
            return None
        return claims

    def _check_values(self, request: Request, query: dict[str, str]) -> int | None:
        mode = query.get("mode")
        if mode is None:
            return None if self.fault == "mode may be missing" else 422
        if mode not in ("read", "write") and self.fault != "any mode will do":
            return 422
        level = query.get("level", "1")
        if not level.removeprefix("-").isdecimal():
            return None if self.fault == "a level may be no integer" else 422
        highest = 4 if self.fault == "the highest level is refused" else 5
        if not 1 <= int(level) <= highest and self.fault != "any level will do":
            return 422
        client = request.headers.get("X-Client")
        if client is None:
            return None if self.fault == "the header may be missing" else 422
        short = 0 if self.fault == "the header may be short" else 2
        return None if short <= len(client) <= 8 else 422

    def select_subprotocol(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """Choose the first that is declared."""
        if self.fault == "whatever is offered is chosen":
            return offered[0] if offered else None
        known = DECLARED[:1] if self.fault == "the older subprotocol is unknown" else DECLARED
        if (
            self.fault == "no subprotocol is chosen"
            or connection.request is None
            or "/rooms/" not in connection.request.path
        ):
            return None
        return next((Subprotocol(name) for name in known if name in offered), None)

    def process_response(self, connection: ServerConnection, request: Request, response: Response) -> None:
        """Choose what nobody offered, if that is the fault."""
        del connection
        if (
            self.fault == "a subprotocol is chosen that wasn't offered"
            and response.status_code == 101
            and "Sec-WebSocket-Protocol" not in request.headers
        ):
            response.headers["Sec-WebSocket-Protocol"] = DECLARED[0]

    async def serve(self, connection: ServerConnection) -> None:
        """Close whom it refuses; keep the others until their token ends."""
        code = self._refused.pop(connection, None)
        if code is not None:
            if self.fault == "refuses after a greeting":
                await connection.send("{}")
            await connection.close(code)
            return
        end = self._ends.pop(connection, None)
        closing = asyncio.ensure_future(connection.wait_closed())
        passing = asyncio.ensure_future(self.passed.wait())
        await asyncio.wait([closing, passing], return_when=asyncio.FIRST_COMPLETED)
        passing.cancel()
        if not closing.done() and end is not None and end <= self.now and self.fault != "a token is kept":
            await connection.close(4003)
        await closing
