"""Files and texts over HTTP: entity tags, caching, content security. It doesn't know what the texts say."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

REVALIDATE = "no-cache"  # keep it, but ask before each use: the next start may bring another text
FOR_EVER = "public, max-age=31536000, immutable"  # for paths that name their version

_POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "connect-src": "'self'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "img-src": "'self' data:",
    "script-src": "'self'",
    "style-src": "'self'",
}


def content_security_policy(**more: str) -> str:
    """Return the policy of a page, which allows nothing but our own files; `script_src="..."` adds to a directive."""
    policy = dict(_POLICY)
    for name, sources in more.items():
        directive = name.replace("_", "-")
        policy[directive] = f"{policy[directive]} {sources}"
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is served as it is for as long as the server runs.

    `body` is its bytes, `media_type` its whole content type, `headers` what goes with it beside caching.
    """

    body: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the text by its content."""
        object.__setattr__(self, "etag", f'"{hashlib.sha256(self.body).hexdigest()[:32]}"')

    def respond(self, request: Request) -> Response:
        """Return 200 with the text, or 304 where the client holds it already."""
        headers = {
            "etag": self.etag,
            "cache-control": REVALIDATE,
            "x-content-type-options": "nosniff",
            **self.headers,
        }
        held = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if self.etag in held or held == ["*"]:
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type=self.media_type, headers=headers)


class Files(StaticFiles):
    """The files of one folder, which need not exist (then each is 404)."""

    def __init__(self, *, directory: Any, cache_control: str) -> None:
        super().__init__(directory=directory, check_dir=False)
        self._cache_control = cache_control

    async def check_config(self) -> None:
        """Accept a folder that isn't there: it may come later."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with our headers; 404 and 405 as the base class has them."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = self._cache_control
        response.headers["x-content-type-options"] = "nosniff"
        return response
