# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Security: the token of a handshake, and whether it suffices. It knows no kind of token, and keeps and shows none."""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeVar
from urllib.parse import parse_qsl

from fastapi.requests import HTTPConnection

from .channels import Channel
from .refusals import Refusal

__all__ = ["Authenticator", "Credential", "HasScopes", "PrincipalT", "Refusal", "authenticate", "missing_scope"]


@dataclass(frozen=True, slots=True)
class Credential:
    """What a handshake proves itself with: `secret` is a token, a key or a password.

    `name`: the user's for `basic`; the query parameter's, header's or cookie's; empty for `bearer`.
    """

    kind: Literal["bearer", "basic", "query", "header", "cookie"]
    name: str
    secret: str = field(repr=False)


_BASIC: Final = re.compile(r"basic +([a-z0-9+/]+=*)", re.ASCII | re.IGNORECASE)
_AUTHORIZATION: Final = re.compile(r"bearer +([a-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)
_SUBPROTOCOL: Final = "bearer."


class HasScopes(Protocol):
    """Whom a token names: written by hand, with whatever else is known of it."""

    @property
    def scopes(self) -> frozenset[str]:
        """What it may do."""
        ...


PrincipalT = TypeVar("PrincipalT", bound=HasScopes)
PrincipalT_co = TypeVar("PrincipalT_co", bound=HasScopes, covariant=True)


class Authenticator(Protocol[PrincipalT_co]):
    """Written by hand: knows whom a token names."""

    async def authenticate(self, credential: Credential, /) -> PrincipalT_co | Refusal:
        """Return whom it names, or a Refusal (as a rule 401, `unauthorized`) that shows no part of it."""
        ...


async def authenticate(
    connection: HTTPConnection, channel: Channel, authenticator: Authenticator[PrincipalT], *, required: bool
) -> PrincipalT | Refusal | None:
    """Return whom the handshake's token names, or why the handshake is refused.

    A token that is there is checked, also where none is needed. None: there is none, and none is needed, or the channel
    knows no way to send one. `required`: the channel needs one, whatever the document says.
    """
    security = channel.security
    if security is None:
        return None
    token = _read(connection, channel)
    if isinstance(token, Refusal):
        return token
    if token is None:
        return None if security.optional and not required else _unauthorized("This address needs a token.")
    return await authenticator.authenticate(token)


def missing_scope(principal: HasScopes | None, channel: Channel) -> Refusal | None:
    """Return why a principal may not enter the channel, or None where it may."""
    wanted = channel.security.scopes if channel.security is not None else ()
    missing = [scope for scope in wanted if principal is None or scope not in principal.scopes]
    if not missing:
        return None
    return Refusal(403, "forbidden", f"The token lacks the scope{'s' * (len(missing) > 1)} {', '.join(missing)}.")


def _read(connection: HTTPConnection, channel: Channel) -> Credential | Refusal | None:
    """Return the one credential that the handshake holds in the places that the channel names, None without one."""
    security = channel.security
    assert security is not None
    found: list[Credential] = []
    if security.bearer or security.basic:
        for value in connection.headers.getlist("authorization"):
            credential = _authorization(value, bearer=security.bearer, basic=security.basic)
            if credential is None:
                return _unauthorized("The Authorization header is not as the document says.")
            found.append(credential)
    if security.bearer and channel.subprotocols:
        offered: list[str] = connection.scope.get("subprotocols", [])
        tokens = [name.removeprefix(_SUBPROTOCOL) for name in offered if name.startswith(_SUBPROTOCOL)]
        found += [Credential("bearer", "", token) for token in tokens]
    for header in security.headers:
        found += [Credential("header", header, value) for value in connection.headers.getlist(header)]
    found += [
        Credential("cookie", name, connection.cookies[name]) for name in security.cookies if name in connection.cookies
    ]
    if security.queries:
        # Not `connection.query_params`: the connection would keep them.
        query = parse_qsl(connection.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        found += [Credential("query", name, value) for name, value in query if name in security.queries]
    if any(not item.secret for item in found if item.kind != "basic"):
        return _unauthorized("The token is empty.")
    if len({(item.kind == "basic", item.name if item.kind == "basic" else "", item.secret) for item in found}) > 1:
        return _unauthorized("Two different credentials were sent. Send one.")
    return found[0] if found else None


def _authorization(value: str, *, bearer: bool, basic: bool) -> Credential | None:
    """Return what an Authorization header holds, None where it is none of those that are wanted."""
    match = _AUTHORIZATION.fullmatch(value) if bearer else None
    if match is not None:
        return Credential("bearer", "", match[1])
    match = _BASIC.fullmatch(value) if basic else None
    if match is None:
        return None
    try:
        name, colon, password = b64decode(match[1], validate=True).decode().partition(":")
    except ValueError:
        return None
    return Credential("basic", name, password) if colon else None


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, "unauthorized", message)
