"""Tokens: makes the tokens that the real server takes, and those that it must refuse. It knows no connection."""

import time
from collections.abc import Iterable
from typing import Any, Final

import jwt

SECRET: Final = "a secret of the contract's tests, long enough for HS256"
OTHER_SECRET: Final = "a secret that the server does not have, long enough too"
SCOPES: Final = ("balances:read", "orders:read")
ACCOUNTS: Final = (1, 2)
"""Of the demo's user: 1 at exchange `sim`, 2 at `nasdaq`."""


def token(
    *,
    secret: str = SECRET,
    sub: str = "someone",
    user_id: str = "1",
    scopes: Iterable[str] = SCOPES,
    accounts: Iterable[int] = ACCOUNTS,
    expires_in_s: float = 3600,
    **more: Any,
) -> str:
    """Return an HS256 token with these claims; with a negative `expires_in_s` it has expired."""
    now = time.time()
    claims = {
        "sub": sub,
        "user_id": user_id,
        "scope": " ".join(scopes),
        "accounts": list(accounts),
        "iat": int(min(now, now + expires_in_s)),
        "exp": int(now + expires_in_s),
    }
    return jwt.encode(claims | more, secret, algorithm="HS256")


def read_claims(text: str) -> dict[str, Any] | None:
    """Return what the token says, whoever signed it and whenever it expires; None where it is none."""
    try:
        claims: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError):  # a ValueError: what can't be UTF-8
        return None
    return claims


def is_signed(text: str, secret: str) -> bool:
    """Say whether the signature is the secret's, expired or not."""
    try:
        jwt.decode(text, secret, algorithms=["HS256"], options={"verify_exp": False, "verify_aud": False})
    except (jwt.InvalidTokenError, ValueError):
        return False
    return True


def has_expired(text: str) -> bool:
    """Say whether its `exp` lies behind; what is no token has none."""
    return expiry(text) <= time.time()


def expiry(text: str) -> float:
    """Return its `exp`, in seconds since the epoch; infinite where it has none."""
    found = (read_claims(text) or {}).get("exp")
    return float(found) if isinstance(found, int | float) else float("inf")


def signed_again(text: str, secret: str, **changes: Any) -> str:
    """Return a token of the same claims but for the changes, signed with the secret; of none a good one is made."""
    claims = read_claims(text)
    return token(secret=secret, **changes) if claims is None else jwt.encode(claims | changes, secret, "HS256")
