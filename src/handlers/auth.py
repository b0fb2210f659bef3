"""Auth: from a token to the principal that it names, once its signature and its claims are verified; and back.

It knows no FastAPI, Redis, file or environment: the keys, the time and the defaults are handed in. No sentence that it
raises holds a part of a token or of a secret, nor does any exception behind one.
"""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias, cast, get_args

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from generated import limits
from streaming.clock import Clock

Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]
Material: TypeAlias = bytes | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MAX_TOKEN_BYTES: Final = limits.TOKEN_BYTES
MIN_SECRET_BYTES: Final = 32  # as long as the hash: RFC 7518, section 3.2
MAX_NAME: Final = 255
"""Characters of `sub`, `user_id` and `jti`."""

_LATEST: Final = 253_402_300_799  # the end of the year 9999; milliseconds in place of seconds lie beyond it
_MAX_DIGITS: Final = 309  # a double ends below 1.8e308
_ALGORITHMS: Final = frozenset(get_args(Algorithm))
_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*", re.ASCII)
# `crit` and `b64` change what is verified, the others bring or fetch a key: nothing here honours any of them, and an
# honest issuer has no use for them.
_REFUSED_HEADERS: Final = frozenset({"crit", "b64", "jwk", "jku", "x5c", "x5u"})
_MALFORMED: Final = "The token is malformed."


class AuthenticationError(Exception):
    """A token is refused. `reason` is a sentence that may be shown to the client and logged."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a verified token names.

    `subject` is its `sub`; `user_id` names the user whose orders and balances these are; `accounts` holds exchange ids;
    `expires_at` is the second (since the epoch, UTC; leeway included) from which on it isn't valid any more; `token_id`
    is its `jti`.
    """

    subject: str
    user_id: str
    scopes: frozenset[str]
    accounts: frozenset[int]
    expires_at: int
    token_id: str | None


class VerificationKey(NamedTuple):
    """A key and the one algorithm that it is used with, whatever a token asks for."""

    algorithm: Algorithm
    material: Material

    def __repr__(self) -> str:
        """Return the algorithm alone: the material may be a secret."""
        return f"VerificationKey({self.algorithm})"


class Keys(Protocol):
    """Where the keys come from."""

    async def find(self, kid: str | None) -> VerificationKey:
        """Return the key of this id (None: the token names none).

        The id comes from a token that nobody has verified yet: it is a name to compare, never a path, an address or a
        query. Raises AuthenticationError where there is no such key, or none can be had now.
        """
        ...


class StaticKeys:
    """One configured key. Whatever key a token names, this is the one that it must be signed with."""

    def __init__(self, key: VerificationKey) -> None:
        """Hold the key; `hs256_key` makes one of a secret."""
        self._key = key

    def __repr__(self) -> str:
        """Return the algorithm alone."""
        return f"StaticKeys({self._key.algorithm})"

    async def find(self, kid: str | None) -> VerificationKey:
        """Return the key."""
        del kid
        return self._key


def hs256_key(secret: str, *, name: str = "The secret") -> VerificationKey:
    """Return the HS256 key of a shared secret.

    Raises ValueError, in a sentence that begins with `name` and doesn't show the secret: for fewer than 32 bytes, and
    for what is a public key, a certificate or a JWK, which are known to others.
    """
    material = _utf8(secret)
    if material is None:
        raise ValueError(f"{name} must be UTF-8 text.")
    if len(material) < MIN_SECRET_BYTES:
        raise ValueError(f"{name} must have at least {MIN_SECRET_BYTES} bytes; it has {len(material)}.")
    if not _is_secret(material):
        raise ValueError(f"{name} must be a secret; it is a key, a certificate or a JWK.")
    return VerificationKey("HS256", material)


def _utf8(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _is_secret(material: bytes) -> bool:
    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(material)
    except jwt.InvalidKeyError:
        return False
    return True


class TokenAuthenticator:
    """Verifies tokens by the keys, the time and the claims that are wanted."""

    def __init__(
        self,
        keys: Keys,
        clock: Clock,
        *,
        issuer: str | None,
        audience: str | None,
        leeway_s: int = 0,
        default_scopes: frozenset[str],
        default_accounts: Mapping[str, frozenset[int]],
        max_bytes: int = MAX_TOKEN_BYTES,
    ) -> None:
        """Prepare.

        `issuer` and `audience`: what `iss` and `aud` must say; None: they aren't looked at. `leeway_s`: seconds that
        the issuer's clock may be wrong by, for `exp` and `nbf`. `default_scopes`: for a token without `scope`.
        `default_accounts`: user id -> exchange ids, for a token without `accounts`. `max_bytes`: the largest token.
        """
        self._max_bytes = max_bytes
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._leeway_s = leeway_s
        self._default_scopes = default_scopes
        self._default_accounts = dict(default_accounts)
        self._signatures = jwt.PyJWS(algorithms=sorted(_ALGORITHMS))

    async def authenticate(self, token: str) -> Principal:
        """Return whom the token names. Raises AuthenticationError, and nothing else, whatever the token holds."""
        asked, kid = _read_header(token, self._max_bytes)
        algorithm, material = await self._keys.find(kid)
        if asked != algorithm:
            raise AuthenticationError("The token's algorithm is not its key's.")
        payload = self._verify(token, algorithm, material)
        if payload is None:
            raise AuthenticationError("The token's signature does not fit.")
        claims = _read_object(payload)
        if claims is None:
            raise AuthenticationError("The token's claims are malformed.")
        return self._check(claims)

    def _verify(self, token: str, algorithm: Algorithm, material: Material) -> bytes | None:
        """Return the signed bytes, or None where the signature doesn't fit."""
        try:
            verified = self._signatures.decode_complete(token, material, algorithms=[algorithm])
        except jwt.PyJWTError:
            return None
        return cast(bytes, verified["payload"])

    def _check(self, claims: Mapping[str, Any]) -> Principal:
        # PyJWT could check the times too, but by the machine's clock, and it lets `true` pass for a number.
        if "exp" not in claims:
            raise AuthenticationError("The token has no exp.")
        now_ms = self._clock.now_ms()
        expires_at = math.floor(_seconds(claims, "exp")) + self._leeway_s
        if now_ms >= expires_at * 1000:
            raise AuthenticationError("The token has expired.")
        if "nbf" in claims and now_ms < (math.ceil(_seconds(claims, "nbf")) - self._leeway_s) * 1000:
            raise AuthenticationError("The token is not valid yet.")
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise AuthenticationError("The token's issuer is not the one that is trusted here.")
        if self._audience is not None and self._audience not in _audiences(claims.get("aud")):
            raise AuthenticationError("The token is not meant for this server.")
        if "sub" not in claims:
            raise AuthenticationError("The token has no sub.")
        subject = _name(claims, "sub")
        user_id = _user_id(claims) if "user_id" in claims else subject
        return Principal(
            subject=subject,
            user_id=user_id,
            scopes=_scopes(claims["scope"]) if "scope" in claims else self._default_scopes,
            accounts=(
                _accounts(claims["accounts"])
                if "accounts" in claims
                else self._default_accounts.get(user_id, frozenset())
            ),
            expires_at=expires_at,
            token_id=_name(claims, "jti") if "jti" in claims else None,
        )


def mint(
    secret: str,
    *,
    subject: str,
    user_id: str,
    accounts: Iterable[int],
    scopes: Iterable[str],
    expires_in_s: int,
    now_ms: int,
    issuer: str | None = None,
    audience: str | None = None,
    token_id: str | None = None,
) -> str:
    """Return an HS256 token that says this; where `expires_in_s` isn't positive, one that has expired.

    Raises ValueError for a secret that `hs256_key` refuses, and for a token that would be longer than MAX_TOKEN_BYTES.
    """
    key = hs256_key(secret)
    now = now_ms // 1000
    claims: dict[str, Any] = {
        "sub": subject,
        "user_id": user_id,
        "accounts": sorted(accounts),
        "scope": " ".join(sorted(scopes)),
        "iat": now,
        "exp": now + expires_in_s,
    }
    claims |= {
        name: value for name, value in (("iss", issuer), ("aud", audience), ("jti", token_id)) if value is not None
    }
    token = jwt.encode(claims, cast(bytes, key.material), algorithm=key.algorithm)
    if len(token) > MAX_TOKEN_BYTES:
        raise ValueError(f"The token would have {len(token)} bytes; at most {MAX_TOKEN_BYTES} do. Name fewer accounts.")
    return token


def _read_header(token: str, max_bytes: int) -> tuple[str, str | None]:
    """Return the algorithm that a token asks for and the key that it names. Nothing of it is verified yet."""
    if len(token) > max_bytes:  # a longer one in bytes is not ASCII, and the next check refuses it
        raise AuthenticationError(f"The token is longer than {max_bytes} bytes.")
    parts = _COMPACT.fullmatch(token)
    raw = _base64url(parts[1]) if parts is not None else None
    header = _read_object(raw) if raw is not None else None
    if header is None:
        raise AuthenticationError(_MALFORMED)
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise AuthenticationError("The token's header has a member that is not accepted here.")
    algorithm, kid = header.get("alg"), header.get("kid")
    # Before the keys are asked: what can't be right is to cost no look-up.
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise AuthenticationError("The token's algorithm is not accepted.")
    if "kid" in header and not isinstance(kid, str):
        raise AuthenticationError(_MALFORMED)
    return algorithm, kid


def _base64url(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None


def _read_object(raw: bytes) -> dict[str, Any] | None:
    """Return the JSON object, or None where two readers could understand it differently or it isn't one."""
    try:
        text = raw.decode()
        value = _STRICT.decode(text)
        if "\\u" in text:  # only an escape can make half a character
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _refuse(text: str) -> object:
    raise ValueError


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError
    return int(text)


def _fraction(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_integer, parse_float=_fraction
)


def _seconds(claims: Mapping[str, Any], name: str) -> int | float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise AuthenticationError(f"The token's {name} must be a number of seconds since the epoch.")
    return value


def _name(claims: Mapping[str, Any], name: str) -> str:
    value = claims[name]
    # Names get into log lines and keys, where a line break or a NUL would do harm.
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise AuthenticationError(f"The token's {name} must be a text of 1 to {MAX_NAME} printable characters.")
    return value


def _user_id(claims: Mapping[str, Any]) -> str:
    value = claims["user_id"]
    if isinstance(value, int) and not isinstance(value, bool):
        return _name({"user_id": str(value)}, "user_id")
    return _name(claims, "user_id")


def _audiences(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _scopes(value: Any) -> frozenset[str]:
    if not isinstance(value, str):
        raise AuthenticationError("The token's scope must be a text with a blank between two scopes.")
    return frozenset(value.split(" ")) - {""}


def _accounts(value: Any) -> frozenset[int]:
    if not isinstance(value, list) or any(isinstance(one, bool) or not isinstance(one, int) for one in value):
        raise AuthenticationError("The token's accounts must be a list of integers.")
    return frozenset(value)
