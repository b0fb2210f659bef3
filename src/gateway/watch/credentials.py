"""Credentials: where a token can be had. It never shows one, and never reads one."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import BaseHandler, ProxyHandler, Request, build_opener

from gateway.watch.faults import WatchError
from gateway.watch.sockets import Server, check_token

ALL_SCOPES = ("balances:read", "orders:read")
USER = "1"
TOKEN_S = 3600
_FETCH_S = 5.0
_MAX_BYTES = 1 << 16


class Credentials:
    """Gives tokens: the one that was given, else the demo's, else its own with the server's secret."""

    def __init__(
        self, server: Server, given: str | None, environ: Mapping[str, str], *, account: int, now_ms: Callable[[], int]
    ) -> None:
        """Prepare. `given`: the user's token; `environ` may hold TAPECAST_JWT_SECRET, with issuer and audience.

        Raises WatchError for a given token that can't be one.
        """
        self._server = server
        self._environ = environ
        self._account = account
        self._now_ms = now_ms
        self.given = None if given is None else check_token(given)

    @property
    def renewable(self) -> bool:
        """Whether there may be another token than the one that was given out before."""
        return self.given is None

    async def token(self) -> str:
        """Return a token for everything. Raises WatchError; Unreachable where the server doesn't answer."""
        return self.given or await self.make(ALL_SCOPES, TOKEN_S)

    async def make(self, scopes: Iterable[str], expires_in_s: int) -> str:
        """Return a new token that allows this for so many seconds; 0: one that has expired. Raises as `token`."""
        token = await self._of_the_demo(scopes, expires_in_s) or self._own(scopes, expires_in_s)
        if token is None:
            raise WatchError(
                f"this needs a token, and {self._server.ws} gives none out (it is not in demo mode). Give one by "
                "--token or TAPECAST_TOKEN, or set TAPECAST_JWT_SECRET to the server's secret. "
                "`make run` starts a server that gives tokens out."
            )
        return token

    async def _of_the_demo(self, scopes: Iterable[str], expires_in_s: int) -> str | None:
        wanted = {
            "username": "watch",
            "password": "demo",
            "scope": " ".join(scopes),
            "expires_in": expires_in_s,
        }
        try:
            answer = await asyncio.to_thread(self._post, json.dumps(wanted).encode())
        except HTTPError:
            return None
        except (OSError, HTTPException, ValueError) as error:
            raise self._server.unreachable(error.reason if isinstance(error, URLError) else error) from None
        return check_token(str(answer.get("access_token", ""))) if isinstance(answer, dict) else None

    def _post(self, body: bytes) -> Any:
        request = Request(
            f"{self._server.http}/api/v1/auth/token", data=body, headers={"Content-Type": "application/json"}
        )
        handlers: list[BaseHandler] = [ProxyHandler({})] if self._server.local else []
        with build_opener(*handlers).open(request, timeout=_FETCH_S) as response:
            return json.loads(response.read(_MAX_BYTES))

    def _own(self, scopes: Iterable[str], expires_in_s: int) -> str | None:
        secret = self._environ.get("TAPECAST_JWT_SECRET")
        if not secret:
            return None
        from handlers.auth import mint

        try:
            return mint(
                secret,
                subject=USER,
                user_id=USER,
                accounts=[self._account],
                scopes=scopes,
                # The server's clock may be behind ours, and what has expired is to have expired there, too.
                expires_in_s=expires_in_s or -TOKEN_S,
                now_ms=self._now_ms(),
                issuer=self._environ.get("TAPECAST_JWT_ISSUER") or None,
                audience=self._environ.get("TAPECAST_JWT_AUDIENCE") or None,
            )
        except ValueError as error:
            raise WatchError(f"TAPECAST_JWT_SECRET does not do: {error}") from None
