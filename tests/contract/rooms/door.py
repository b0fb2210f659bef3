"""Door: which handshakes are let in, and for how long. It knows no frame and no room."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

import jwt

SCOPE = "rooms:play"
SUBPROTOCOL = "rooms.v2"
HALLS = ("east", "west", "north")
LANGUAGES = ("en", "de", "fr")
EVERY_MS = (20, 1000)
DEFAULT_EVERY_MS = 50
_FAR = 1e15
"""A time in seconds that no token names."""
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)
_BADGE = re.compile(r"[A-Z]{2}[0-9]{3}")
_INTEGER = re.compile(r"-?[0-9]{1,9}")


def token(secret: str, **claims: Any) -> str:
    """Return a token: of user `u-1`, good for an hour, with every scope, where no claim says otherwise.

    A claim that is None is left out.
    """
    stated = {"sub": "u-1", "exp": int(time.time()) + 3600, "scope": SCOPE, **claims}
    return jwt.encode({name: value for name, value in stated.items() if value is not None}, secret, algorithm="HS256")


class Refused(Exception):
    """A handshake, or a token, that is not let in. `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Holder:
    """Whom a token names, and until when, in seconds since the epoch."""

    user: str
    until: float
    scopes: frozenset[str]


@dataclass(frozen=True)
class Entry:
    """A handshake that is let in. `hall`, `lang` and `every_ms` mean something on the floor only."""

    channel: Literal["house", "floor"]
    holder: Holder | None
    hall: str = ""
    lang: str = LANGUAGES[0]
    every_ms: int = DEFAULT_EVERY_MS


class Door:
    """Checks handshakes, in the document's order: address, token, scope, query."""

    def __init__(self, secret: str) -> None:
        """`secret` is what tokens are signed with."""
        self.secret = secret

    def check(self, target: str, authorization: str | None) -> Entry:
        """Return what a handshake for a target (path and query) is let in to; raises Refused."""
        path, _, query = target.partition("?")
        channel, hall = self.address(path)
        holder = self.holder_for(channel, authorization)
        if channel == "house":
            return Entry(channel, holder)
        return self.floor(holder, hall, query)

    def address(self, path: str) -> tuple[Literal["house", "floor"], str]:
        """Return the channel of a path, and the hall."""
        segments = [unquote(segment) for segment in path.split("/")]
        if segments == ["", "house"]:
            return "house", ""
        if segments[:2] == ["", "floor"] and len(segments) == 3 and self.is_hall(segments[2]):
            return "floor", segments[2]
        raise Refused(404, "There is no such address.")

    def is_hall(self, hall: str) -> bool:
        """Tell whether there is such a hall."""
        return hall in HALLS

    def holder_for(self, channel: str, authorization: str | None) -> Holder | None:
        """Return whom a handshake's token names; None where it has none and needs none."""
        if authorization is None:
            return self.without_token(channel)
        match = _BEARER.fullmatch(authorization)
        if match is None:
            raise Refused(401, "Send Authorization: Bearer and a token.")
        holder = self.holder(match[1])
        if channel == "house":
            self.demand_scope(holder)
        return holder

    def without_token(self, channel: str) -> Holder | None:
        """Say what a handshake without a token gets."""
        if channel == "house":
            raise Refused(401, "The house wants a token.")
        return None

    def holder(self, text: str) -> Holder:
        """Return whom a token names; raises Refused for one that is bad or expired."""
        claims = self.claims(text)
        user, until, scope = claims.get("sub"), claims.get("exp"), claims.get("scope", "")
        if not isinstance(user, str) or not user or not isinstance(scope, str):
            raise Refused(401, "The token is bad.")
        if isinstance(until, bool) or not isinstance(until, int | float) or not until < _FAR:
            raise Refused(401, "The token is bad.")
        self.demand_time(until)
        return Holder(user, until, frozenset(scope.split()))

    def claims(self, text: str) -> Mapping[str, Any]:
        """Return a token's claims; raises Refused where its signature is not ours."""
        try:
            # What else a token says (aud, iss, iat, nbf) is none of this house's business.
            options = dict.fromkeys(("verify_exp", "verify_aud", "verify_iss", "verify_iat", "verify_nbf"), False)
            options |= {"verify_sub": False, "verify_jti": False}
            return jwt.decode(text, self.secret, algorithms=["HS256"], options=options)  # type: ignore[arg-type]
        except jwt.PyJWTError:
            raise Refused(401, "The token is bad.") from None

    def demand_time(self, until: float) -> None:
        """Refuse what has expired."""
        if until <= time.time():
            raise Refused(401, "The token has expired.")

    def demand_scope(self, holder: Holder) -> None:
        """Refuse whom the house is not for."""
        if SCOPE not in holder.scopes:
            raise Refused(403, f"The token has no scope {SCOPE}.")

    def floor(self, holder: Holder | None, hall: str, query: str) -> Entry:
        """Read the query of the floor."""
        stated = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name in self.CHECKS]
        values = dict(stated)
        wrong = [name for name, value in stated if not self.CHECKS[name](self, value)]
        if wrong or len(values) != len(stated):
            raise Refused(422, "The query is not as the document has it.")
        return Entry(
            "floor",
            holder,
            hall,
            values.get("lang", LANGUAGES[0]),
            int(values.get("every", DEFAULT_EVERY_MS)),
        )

    def is_lang(self, value: str) -> bool:
        """Tell whether there is such a language."""
        return value in LANGUAGES

    def is_every(self, value: str) -> bool:
        """Tell whether a text is a time between two announcements."""
        return _INTEGER.fullmatch(value) is not None and EVERY_MS[0] <= int(value) <= EVERY_MS[1]

    def is_badge(self, value: str) -> bool:
        """Tell whether a text is a badge."""
        return _BADGE.fullmatch(value) is not None

    CHECKS = {  # noqa: RUF012  # nobody changes it
        "lang": lambda door, value: door.is_lang(value),
        "every": lambda door, value: door.is_every(value),
        "badge": lambda door, value: door.is_badge(value),
    }

    def subprotocol(self, channel: str, offered: Sequence[str]) -> str | None:
        """Choose a subprotocol of those that a client offers."""
        return SUBPROTOCOL if channel == "house" and SUBPROTOCOL in offered else None
