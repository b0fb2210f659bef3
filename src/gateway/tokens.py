"""Tokens: the demo's tokens, printed at the start and given out over HTTP. It never verifies one."""

from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from handlers.auth import mint

DEMO_SCOPES = ("balances:read", "orders:read")
DEMO_TOKEN_S = 24 * 3600
MAX_BODY_BYTES = 4096
IssueToken = Callable[[str], str]
"""Makes a token for a user's name."""


class Credentials(BaseModel):
    """Who asks for a token. The demo takes any name and any password."""

    model_config = ConfigDict(extra="ignore", strict=True)

    username: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@-]+$")]
    password: Annotated[str, Field(min_length=1, max_length=256)]


class Token(BaseModel):
    """A token, as OAuth 2 wants it told."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: Annotated[int, Field(description="Seconds.")]


class Fault(BaseModel):
    """Why there is no token."""

    detail: str


def demo_issuer(secret: str, now_ms: Callable[[], int], *, issuer: str | None, audience: str | None) -> IssueToken:
    """Return a function that makes tokens of the demo's user 1 with account 1 and all scopes, in the given name."""

    def issue(name: str) -> str:
        return mint(
            secret,
            subject=name,
            user_id="1",
            accounts=[1],
            scopes=DEMO_SCOPES,
            expires_in_s=DEMO_TOKEN_S,
            now_ms=now_ms(),
            issuer=issuer,
            audience=audience,
        )

    return issue


def create_token_router(issue: IssueToken) -> APIRouter:
    """Return the route that gives out the demo's tokens."""
    router = APIRouter(tags=["tokens"])
    schema = {"schema": Credentials.model_json_schema()}

    @router.post(
        "/api/v1/auth/token",
        summary="A token, in demo mode",
        responses={400: {"model": Fault, "description": "The body is not a user's name and password."}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": schema, "application/x-www-form-urlencoded": schema},
            }
        },
    )
    async def token(request: Request) -> Token:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise HTTPException(400, f"The body is larger than {MAX_BODY_BYTES} bytes.")
        try:
            credentials = read_credentials(request.headers.get("content-type", ""), body)
        except ValueError:
            raise HTTPException(400, "Send username and password, as JSON or as a form.") from None
        return Token(access_token=issue(credentials.username), expires_in=DEMO_TOKEN_S)

    return router


def read_credentials(content_type: str, body: bytes) -> Credentials:
    """Return what the body holds. Raises ValueError."""
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        fields = parse_qs(body.decode(), strict_parsing=True, max_num_fields=20)
        return Credentials.model_validate({name: values[0] for name, values in fields.items() if len(values) == 1})
    return Credentials.model_validate_json(body)
