"""Tokens: the demo's tokens, printed at the start and given out over HTTP. It never verifies one."""

from collections.abc import Callable, Iterable
from typing import Annotated, Literal, Protocol
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator

from handlers.auth import mint

DEMO_SCOPES = ("balances:read", "orders:read")
DEMO_TOKEN_S = 24 * 3600
DEMO_USER = "1"
MAX_BODY_BYTES = 4096
WANTED = (
    "Send username and password, as JSON or as a form. Optional are scope, of "
    f"{' and '.join(DEMO_SCOPES)} with a blank between, and expires_in, from 0 to {DEMO_TOKEN_S} seconds."
)


class IssueToken(Protocol):
    """Makes a token for a user's name."""

    def __call__(self, name: str, /, *, scopes: Iterable[str] = ..., expires_in_s: int = ...) -> str:
        """Return it; by default with all of the demo's scopes, for a day. 0 seconds: one that has expired."""
        ...


class Credentials(BaseModel):
    """Who asks for a token. The demo takes any name and any password."""

    model_config = ConfigDict(extra="ignore", strict=True)

    username: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@-]+$")]
    password: Annotated[str, Field(min_length=1, max_length=256)]
    scope: Annotated[
        str,
        Field(
            max_length=256,
            description="What the token is to allow, with blanks between. What the demo does not know is left out.",
        ),
    ] = " ".join(DEMO_SCOPES)
    expires_in: Annotated[
        int,
        Field(
            ge=0,
            le=DEMO_TOKEN_S,
            description="Seconds until the token expires; 0 gives one that has expired, to see it refused.",
        ),
    ] = DEMO_TOKEN_S

    @field_validator("expires_in", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        # JSON Schema tells no difference between 60 and 60.0.
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @field_validator("scope")
    @classmethod
    def _granted(cls, value: str) -> str:
        # As OAuth 2 has it: less than was asked for may be granted, and the answer says what.
        return " ".join(scope for scope in dict.fromkeys(value.split()) if scope in DEMO_SCOPES)


class Token(BaseModel):
    """A token, as OAuth 2 wants it told."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: Annotated[int, Field(description="Seconds.")]
    scope: Annotated[str, Field(description="What the token allows, with blanks between.")]


class Fault(BaseModel):
    """Why there is no token."""

    detail: str


def demo_issuer(
    secret: str,
    now_ms: Callable[[], int],
    *,
    issuer: str | None,
    audience: str | None,
    accounts: Iterable[int] = (1,),
) -> IssueToken:
    """Return a function that makes tokens of the demo's user 1 with these accounts, in the given name."""
    held = tuple(accounts)

    def issue(name: str, /, *, scopes: Iterable[str] = DEMO_SCOPES, expires_in_s: int = DEMO_TOKEN_S) -> str:
        return mint(
            secret,
            subject=name,
            user_id=DEMO_USER,
            accounts=held,
            scopes=scopes,
            expires_in_s=expires_in_s,
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
        description=(
            "In the form of OAuth 2's password grant, as JSON or as a form. Any username and password do. Optional: "
            "`scope`, for a token that allows less, and `expires_in`, for one that lives shorter."
        ),
        responses={
            400: {"model": Fault, "description": "The body is not a user's name and password, or asks too much."}
        },
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
            raise HTTPException(400, WANTED) from None
        return Token(
            access_token=issue(
                credentials.username, scopes=credentials.scope.split(), expires_in_s=credentials.expires_in
            ),
            expires_in=credentials.expires_in,
            scope=credentials.scope,
        )

    return router


def read_credentials(content_type: str, body: bytes) -> Credentials:
    """Return what the body holds. Raises ValueError."""
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        fields = parse_qs(body.decode(), strict_parsing=True, max_num_fields=20)
        if any(len(fields.get(name, ())) > 1 for name in Credentials.model_fields):
            raise ValueError("a field is given more than once")
        given: dict[str, str | int] = {name: values[0] for name, values in fields.items()}
        lifetime = fields.get("expires_in", [""])[0]
        if lifetime.isdecimal() and lifetime.isascii() and len(lifetime) < 10:
            given["expires_in"] = int(lifetime)
        return Credentials.model_validate(given)
    return Credentials.model_validate_json(body)
