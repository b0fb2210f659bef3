# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Security: the token of a handshake, and whether it suffices. It knows no kind of token, and keeps and shows none."""

import re
from typing import Final, Protocol, TypeVar
from urllib.parse import parse_qsl

from fastapi.requests import HTTPConnection

from .channels import Channel
from .refusals import Refusal

__all__ = ["Authenticator", "HasScopes", "PrincipalT", "Refusal", "authenticate", "missing_scope"]

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

    async def authenticate(self, token: str, /) -> PrincipalT_co | Refusal:
        """Return whom the token names, or a Refusal (as a rule 401, `unauthorized`) that shows no part of it."""
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


def _read(connection: HTTPConnection, channel: Channel) -> str | Refusal | None:
    """Return the one token that the handshake holds in the places that the channel names, None where it holds none."""
    security = channel.security
    assert security is not None
    tokens: list[str] = []
    if security.bearer:
        for value in connection.headers.getlist("authorization"):
            match = _AUTHORIZATION.fullmatch(value)
            if match is None:
                return _unauthorized("The Authorization header must be: Bearer, a blank, the token.")
            tokens.append(match[1])
    if security.bearer and channel.subprotocols:
        offered: list[str] = connection.scope.get("subprotocols", [])
        tokens += [name.removeprefix(_SUBPROTOCOL) for name in offered if name.startswith(_SUBPROTOCOL)]
    for header in security.headers:
        tokens += connection.headers.getlist(header)
    if security.queries:
        # Not `connection.query_params`: the connection would keep them.
        query = connection.scope["query_string"].decode("latin-1")
        tokens += [value for name, value in parse_qsl(query, keep_blank_values=True) if name in security.queries]
    if "" in tokens:
        return _unauthorized("The token is empty.")
    if len(set(tokens)) > 1:
        return _unauthorized("Two different tokens were sent. Send one.")
    return tokens[0] if tokens else None


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, "unauthorized", message)
