"""Credentials: what a client shows in a handshake: the token that was given, and others that differ in one thing.

It reads a token's claims as anybody can, and signs only with the secret that was given. It opens no connection.
"""

import json
import math
import re
import warnings
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import jwt

from codegen.reading import Carriage
from contract.addresses import login
from contract.concealing import COOKIE_SAFE
from contract.model import Secret
from contract.spec import Channel, Security

Headers = tuple[tuple[str, str], ...]

_HMAC: Final = ("HS256", "HS384", "HS512")
_FOREIGN_KEY: Final = "the key of somebody else, which this server has never seen, of 64 bytes!"
_SCOPES: Final = ("scope", "scopes", "scp")
_PERSONS: Final = ("sub", "uid", "user", "username", "user_name", "email", "name", "preferred_username")
_HOUR: Final = 3600
_HIDDEN: Final = 24
"""Characters of a signature that are altered: 144 bits."""
_LONG: Final = 6000
"""Bytes of a token that is too long for anybody; a header line of some servers has 8,192."""


class CredentialsError(ValueError):
    """The token or the secret that was given is of no use. The text is a sentence that shows neither."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A token that isn't the good one. `note` is a sentence about it.

    `accepted`: False where it must be refused; None where that depends on more than the token. `expires_at`: when it
    ends (seconds since the epoch), for one that ends soon.
    """

    name: str
    note: str
    token: str = field(repr=False)
    accepted: bool | None = False
    expires_at: float | None = None


class Credentials:
    """A token, or a secret to sign one with, or both, or neither; and what can be made of them.

    What can be made: of any token, one that is altered; of a JWT, ones whose signature is wrong; with the secret of
    HS256 (384, 512), ones that are signed and wrong in something else. What can't be made is None.

    `keep` is told each token that is signed and that a server could take, now or later: nobody may be shown it.
    """

    def __init__(
        self, token: str | None, secret: str | None, now: Callable[[], float], *, scopes: Iterable[str] = ()
    ) -> None:
        """`now` gives seconds since the epoch. `scopes` are the document's: a token that is made has all of them.

        Raises CredentialsError: for a token that isn't text of a header, that has expired, or that the secret doesn't
        verify.
        """
        self.keep: Callable[[Secret], None] = lambda _: None
        self.proven = False  # a server took a token that was made up
        self.ways: dict[str, Carriage] = {}  # by channel: the way in which a server took it, where that isn't the usual
        self._made: str | None = None
        self._token = token
        self._secret = secret
        self.now = now
        self._scopes = tuple(sorted(set(scopes)))
        self._header: dict[str, Any] = {}
        self._claims: dict[str, Any] | None = None
        if token is not None:
            if not token or not token.isascii() or not token.isprintable() or token != token.strip():
                raise CredentialsError("The token is empty, or has characters that no header can hold.")
            self._read(token)
        elif secret is not None:
            self._claims = {"sub": "contract", "iat": int(now()), "scope": " ".join(self._scopes)}
            self._header = {"alg": "HS256"}
        if secret is not None:
            self._check_secret(secret)
        expires_at = self.expires_at
        if token is not None and secret is None and expires_at is not None and expires_at <= now():
            raise CredentialsError("The token has expired. Give one that lives, or the secret to make one.")

    def _read(self, token: str) -> None:
        try:
            claims = jwt.decode_complete(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return  # it is no JWT
        self._claims, self._header = dict(claims["payload"]), dict(claims["header"])

    def _check_secret(self, secret: str) -> None:
        algorithm = self._header.get("alg")
        if self._claims is None:
            raise CredentialsError("A secret signs JWTs, and the token is none. Leave out one of them.")
        if algorithm not in _HMAC:
            raise CredentialsError(
                f"The token is signed with {algorithm}, and a secret is of {', '.join(_HMAC)}. Leave out the secret."
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", jwt.warnings.InsecureKeyLengthWarning)
                if self._token is None:
                    self._sign(self._claims)
                else:
                    checks = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
                    jwt.decode(self._token, secret, [algorithm], options=checks)  # type: ignore[arg-type]
        except jwt.InvalidSignatureError as error:
            raise CredentialsError(
                "The secret is not the one that the token is signed with. Give the right one."
            ) from error
        except jwt.PyJWTError as error:
            raise CredentialsError(f"The secret can't be used: {error}") from error

    # what they are

    @property
    def given(self) -> bool:
        """Tell whether the good token is the user's own, and not one that was made up and not yet shown to be good."""
        return self._token is not None or self.proven

    @property
    def is_jwt(self) -> bool:
        """Tell whether the good token is a JWT."""
        return self._claims is not None

    @property
    def can_sign(self) -> bool:
        """Tell whether there is a secret to sign tokens with."""
        return self._secret is not None

    @property
    def expires_at(self) -> float | None:
        """Return when the token that was given ends (seconds since the epoch), None where it doesn't say."""
        value = (self._claims or {}).get("exp")
        return float(value) if isinstance(value, (int, float)) else None

    @property
    def scopes(self) -> tuple[str, ...] | None:
        """Return the scopes of the good token; None where it doesn't say."""
        if self._claims is None:
            return None
        name = self._scope_claim()
        if name is None:
            return None
        value = self._claims[name]
        held = value.split() if isinstance(value, str) else [str(item) for item in value]
        return tuple(dict.fromkeys([*held, *(self._scopes if self.can_sign else ())]))

    def _scope_claim(self) -> str | None:
        claims = self._claims or {}
        return next((name for name in _SCOPES if isinstance(claims.get(name), (str, list))), None)

    # the good one

    def good(self, channel: Channel) -> str | None:
        """Return the token to show on a channel: the one given, or one that is made; None where there is neither.

        One is made with the claims of the one given where that has less than an hour left, or lacks a scope of the
        document.
        """
        if channel.security is None:
            return None
        if not self.can_sign:
            return self._token
        claims = self._claims or {}
        name = self._scope_claim()
        complete = name is None or self._claims_as_good().get(name) == claims.get(name)
        expires_at = self.expires_at
        lives = expires_at is None or expires_at > self.now() + _HOUR
        if self._token is not None and complete and lives:
            return self._token
        if self._made is None:
            self._made = self._signed("TOKEN" if self._token is None else "TOKEN_GOOD", self._claims_as_good())
        return self._made

    def lacks(self, channel: Channel) -> tuple[str, ...]:
        """Return the scopes of a channel that the good token is known not to have."""
        held = self.scopes
        wanted = channel.security.scopes if channel.security is not None else ()
        return () if held is None else tuple(scope for scope in wanted if scope not in held)

    # the others

    def variants(self, channel: Channel, *, longest: int | None = None) -> Iterator[Variant]:
        """Yield what can be made for a channel. `longest`: the bytes of a token that the server takes, if it says."""
        found = [
            self.garbage(),
            self.empty(),
            self.wrong_signature(),
            self.alg_none(),
            self.other_key(),
            self.expired(),
            self.not_yet(),
            *(self.without(scope) for scope in (channel.security.scopes if channel.security is not None else ())),
            self.too_long(longest),
            self.without_expiry(),
            self.other_user(),
        ]
        yield from (variant for variant in found if variant is not None)

    def expired(self) -> Variant | None:
        """Return one that expired an hour ago."""
        exp = int(self.now()) - _HOUR
        return self._variant("expired", "The token expired an hour ago.", exp=exp, **self._earlier(exp))

    def expiring(self, seconds: float) -> Variant | None:
        """Return one that is good and ends in so many seconds, or up to one more: `exp` is a whole number."""
        exp = math.ceil(self.now() + seconds)
        note = f"The token expires in {seconds:g} s."
        return self._variant("expiring", note, True, expires_at=float(exp), exp=exp, **self._earlier(exp))

    def not_yet(self) -> Variant | None:
        """Return one that is good from an hour on."""
        start = int(self.now()) + _HOUR
        return self._variant(
            "not_yet", "The token is not valid before an hour from now.", None, nbf=start, exp=start + _HOUR
        )

    def without(self, scope: str) -> Variant | None:
        """Return one with all scopes but this; None where the token doesn't have it, or doesn't say."""
        name = self._scope_claim()
        if name is None or self._claims is None:
            return None
        value = self._claims_as_good()[name]
        held = value.split() if isinstance(value, str) else list(value)
        if scope not in held:
            return None
        left = [item for item in held if item != scope]
        changed: dict[str, Any] = {name: " ".join(left) if isinstance(value, str) else left}
        return self._variant(f"without {scope}", f"The token lacks the scope {scope}.", **changed)

    def without_expiry(self) -> Variant | None:
        """Return one without `exp`: RFC 7519 leaves it to the server whether it wants one."""
        return self._variant("without_expiry", "The token never expires.", None, exp=None)

    def other_user(self) -> Variant | None:
        """Return one of somebody else: another `sub`, and other ids. What it may see is the server's to know."""
        if self._claims is None:
            return None
        changed = {name: _other(value) for name, value in self._claims.items() if _is_personal(name)}
        return self._variant("other_user", "The token is another user's.", None, **{"sub": "contract-other", **changed})

    def wrong_signature(self) -> Variant | None:
        """Return one whose signature begins with other characters; for this no secret is needed.

        So many of them are others that nobody who reads it can guess the right ones.
        """
        good = self._base()
        if good is None:
            return None
        head, _, signature = good.rpartition(".")
        changed = f"{head}.{_altered(signature[:_HIDDEN])}{signature[_HIDDEN:]}"
        return Variant("wrong_signature", "The token's signature is wrong.", changed)

    def alg_none(self) -> Variant | None:
        """Return one that says it is not signed; for this no secret is needed."""
        good = self._base()
        if good is None:
            return None
        head = _encoded({**self._header, "alg": "none"})
        return Variant("alg_none", "The token says that it has no signature.", f"{head}.{good.split('.')[1]}.")

    def other_key(self) -> Variant | None:
        """Return one that is signed with a key that isn't the server's; for this no secret is needed."""
        if self._claims is None:
            return None
        algorithm = self._header["alg"] if self._header.get("alg") in _HMAC else "HS256"
        headers = {name: value for name, value in self._header.items() if name not in ("alg", "typ")}
        token = jwt.encode(self._claims_as_good(), _FOREIGN_KEY, algorithm, headers=headers)
        return Variant("other_key", "The token is signed with a key that isn't the server's.", token)

    def garbage(self) -> Variant:
        """Return one that is no token of anybody: of the good one's length, where that is no JWT.

        A name before a colon stays. Nothing else of the good one is in it.
        """
        if self._token is None or self.is_jwt:
            return Variant("garbage", "The token is garbage.", "contract-garbage")
        name, colon, password = self._token.rpartition(":")
        wrong = f"{name}{colon}{_altered(password)}"
        return Variant("garbage", "The token is altered." if not colon else "The password is wrong.", wrong)

    def empty(self) -> Variant:
        """Return one of no characters."""
        return Variant("empty", "The token is empty.", "")

    def too_long(self, longest: int | None) -> Variant | None:
        """Return one that has more than `longest` bytes, otherwise good if there is a secret.

        None where so long a one doesn't fit into a request that servers take. Without `longest`, a very long one that
        is no token.
        """
        if longest is None:
            return Variant("too_long", f"The token is {_LONG} characters of garbage.", "a" * _LONG)
        if longest >= _LONG:
            return None
        note = f"The token has more than {longest} bytes."
        claims = {**self._claims_as_good(), "contract": "x" * longest}
        good = self._signed("TOKEN_TOO_LONG", claims) if self.can_sign else None
        return Variant("too_long", note, good or "a" * (longest + 1))

    def _base(self) -> str | None:
        """Return a JWT whose parts can be changed."""
        if self._claims is None:
            return None
        return self._sign(self._claims_as_good()) if self.can_sign else self._token

    def _variant(
        self, name: str, note: str, accepted: bool | None = False, *, expires_at: float | None = None, **claims: Any
    ) -> Variant | None:
        """Return a signed token with other claims; None for one that it shall not have."""
        if not self.can_sign:
            return None
        wanted = {**self._claims_as_good(), **claims}
        left = {key: value for key, value in wanted.items() if value is not None}
        token = self._sign(left) if name == "expired" else self._signed(_variable(name), left)
        return Variant(name, note, token, accepted, expires_at)

    def _claims_as_good(self) -> dict[str, Any]:
        """Return the claims of a good token: with a secret, long enough alive and with all of the document's scopes."""
        claims = dict(self._claims or {})
        if not self.can_sign:
            return claims
        expires_at = self.expires_at
        if expires_at is None or expires_at <= self.now() + _HOUR:
            claims["exp"] = int(self.now()) + 2 * _HOUR
        name, scopes = self._scope_claim(), self.scopes
        if name is not None and scopes is not None:
            held = claims[name].split() if isinstance(claims[name], str) else claims[name]
            if set(scopes) != set(held):
                claims[name] = " ".join(scopes) if isinstance(claims[name], str) else list(scopes)
        return claims

    def _earlier(self, exp: int) -> dict[str, Any]:
        """Return the times that would contradict an expiry: a token isn't issued after its end."""
        claims = self._claims or {}
        return {
            name: exp - _HOUR
            for name in ("iat", "nbf", "auth_time")
            if isinstance(claims.get(name), (int, float)) and claims[name] > exp - 1
        }

    def _signed(self, name: str, claims: Mapping[str, Any]) -> str:
        """Return a token that nobody may be shown; `name` is the variable that stands in its place."""
        token = self._sign(claims)
        self.keep(Secret(token, name, "TOKEN_SECRET", dict(claims), dict(self._header), self.now()))
        return token

    def _sign(self, claims: Mapping[str, Any]) -> str:
        assert self._secret is not None
        headers = {name: value for name, value in self._header.items() if name not in ("alg", "typ")}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", jwt.warnings.InsecureKeyLengthWarning)
            return jwt.encode(dict(claims), self._secret, self._header.get("alg", "HS256"), headers=headers)


def given(token: str | None, secret: str | None, url: str) -> Iterator[Secret]:
    """Yield what the user gave that nobody may be shown; in a url, the name and the password before its host."""
    if token:
        yield Secret(token, "TOKEN")
    if secret:
        yield Secret(secret, "TOKEN_SECRET")
    pair = login(url)
    if pair:
        yield Secret(pair, "URL_LOGIN")
        yield Secret(pair.partition(":")[2], "URL_PASSWORD")


# how a token is carried


def ways(channel: Channel, token: str | None = None) -> tuple[Carriage, ...]:
    """Return the ways in which a channel's document lets a handshake carry a token; the first is the usual one.

    Where both a bearer token and a name with a password will do, `token` says which it is: a password has a colon
    before it. A subprotocol is one of them where a scheme says how it is spelt: `x-subprotocol: bearer.{token}`.
    """
    security = channel.security
    if security is None:
        return ()
    tokens = _token_ways(security)
    if security.basic and (not tokens or (token is not None and ":" in token)):
        return (Carriage("basic"),)
    return tokens


def _token_ways(security: Security) -> tuple[Carriage, ...]:
    return (
        *([Carriage("bearer")] if security.bearer else []),
        *(Carriage("header", name) for name in security.headers),
        *(Carriage("query", name) for name in security.queries),
        *(Carriage("cookie", name) for name in security.cookies),
        *(Carriage("subprotocol", name) for name in security.subprotocols),
    )


def told(way: Carriage) -> str:
    """Return where a way puts the token, as the end of a sentence: `in the header Authorization`."""
    return {
        "bearer": "in the header Authorization",
        "basic": "as name and password",
        "header": f"in the header {way.name}",
        "query": f"as ?{way.name}=",
        "cookie": f"in the cookie {way.name}",
        "subprotocol": f"in the subprotocol {way.name.format(token='TOKEN')}",
    }[way.kind]


def carry(
    channel: Channel, token: str | None, way: Carriage | None = None
) -> tuple[Headers, dict[str, str], tuple[str, ...]]:
    """Return the headers, the query parameters and the subprotocols that carry a token; nothing for None.

    `way` is one of `ways`, the first of them if it is None. A basic token is `user:password`; one without a colon is a
    user's name without a password.
    """
    possible = ways(channel, token)
    chosen = way or (possible[0] if possible else None)
    if token is None or chosen is None:
        return (), {}, ()
    if chosen.kind == "bearer":
        return (("Authorization", f"Bearer {token}"),), {}, ()
    if chosen.kind == "basic":
        pair = token if ":" in token else f"{token}:"
        return (("Authorization", f"Basic {b64encode(pair.encode()).decode()}"),), {}, ()
    if chosen.kind == "query":
        return (), {chosen.name: token}, ()
    if chosen.kind == "cookie":
        return (("Cookie", f"{chosen.name}={quote(token, safe=COOKIE_SAFE)}"),), {}, ()
    if chosen.kind == "subprotocol":
        return (), {}, (chosen.name.replace("{token}", token),)
    return ((chosen.name, token),), {}, ()


def _encoded(value: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _altered(text: str) -> str:
    """Return a text of the same length that says nothing of the one given; for none, one of a character."""
    count = max(len(text), 1)
    return "A" * count if text != "A" * count else "B" * count


def _variable(name: str) -> str:
    """Return the variable of a variant: `TOKEN_WITHOUT_ORDERS_READ`."""
    return "TOKEN_" + re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")


def _is_personal(name: str) -> bool:
    lower = name.lower()
    return lower in _PERSONS or (
        lower.endswith(("_id", "userid", "accountid")) and lower not in ("client_id", "key_id")
    )


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value + 1_000_003
    return f"{value}-other" if isinstance(value, str) else value
