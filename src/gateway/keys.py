"""Keys: the tokens' keys, from a secret, a PEM file or a JWKS URL. It never sees a token or its claims.

A JWKS is fetched by urllib in a thread: none of the server's dependencies is an HTTP client, one small GET in many
minutes doesn't ask for one, and urllib brings TLS, chunked answers and the environment's proxies. It is told to know
HTTP alone (no files, no redirects); and its address comes from the configuration, never from a token.
"""

import asyncio
import http.client
import json
import logging
import threading
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.telemetry import get_logger
from handlers.auth import Algorithm, AuthenticationError, StaticKeys, VerificationKey, hs256_key
from streaming.clock import Clock

SECRET: Final = "TAPECAST_JWT_SECRET"
PUBLIC_KEY: Final = "TAPECAST_JWT_PUBLIC_KEY"
JWKS_URL: Final = "TAPECAST_JWT_JWKS_URL"

REFETCH_AFTER_S: Final = 30.0
MAX_AGE_S: Final = 600.0
FETCH_TIMEOUT_S: Final = 5.0
MAX_JWKS_BYTES: Final = 1 << 20
MAX_JWKS_KEYS: Final = 100
MAX_PEM_BYTES: Final = 1 << 16
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192  # a signature of that size is verified in 0.3 ms; they grow costly from there

Fetch = Callable[[], Awaitable[bytes]]
"""Gets a JWKS document; raises KeysError where it can't."""


class KeysError(ValueError):
    """Keys can't be had or used. The text is a sentence for the operator; it holds no secret."""


def load_keys(
    clock: Clock, *, secret: str | None = None, public_key: str | None = None, jwks_url: str | None = None
) -> "StaticKeys | JwksKeys":
    """Return the keys that the configuration names by exactly one of these.

    `secret`: of HS256. `public_key`: the PEM of one, or the path of a file that holds it. `jwks_url`: http or https;
    nothing is fetched yet. Raises KeysError.
    """
    given = [name for name, value in ((SECRET, secret), (PUBLIC_KEY, public_key), (JWKS_URL, jwks_url)) if value]
    if len(given) > 1:
        raise KeysError(f"{' and '.join(given)} are set, and only one of them may be.")
    if secret:
        return StaticKeys(_of_secret(secret))
    if public_key:
        return StaticKeys(parse_pem(public_key if "-----BEGIN" in public_key else _read(Path(public_key))))
    if jwks_url:
        return JwksKeys(fetch_from(jwks_url), clock)
    raise KeysError(f"There is no key to verify tokens with: set one of {SECRET}, {PUBLIC_KEY} and {JWKS_URL}.")


def _of_secret(secret: str) -> VerificationKey:
    try:
        return hs256_key(secret, name=SECRET)
    except ValueError as error:
        raise KeysError(f"{error} `openssl rand -hex 32` makes a good one.") from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_PEM_BYTES)
    except (OSError, ValueError) as error:  # ValueError: the path holds a NUL
        why = error.strerror if isinstance(error, OSError) else "it is no path"
        raise KeysError(f"{PUBLIC_KEY} is neither a PEM nor a file that can be read ({why}).") from None
    return raw.decode("latin-1")  # a PEM is ASCII; what isn't is refused as none


def parse_pem(pem: str) -> VerificationKey:
    """Return the public key of a PEM; its type gives its algorithm. Raises KeysError."""
    count = pem.count("-----BEGIN ")
    if "PRIVATE KEY-----" in pem:
        raise KeysError(
            f"{PUBLIC_KEY} holds a private key, which this server must not have. "
            "`openssl pkey -pubout` makes the public one of it."
        )
    if "-----BEGIN CERTIFICATE-----" in pem:
        raise KeysError(f"{PUBLIC_KEY} holds a certificate. `openssl x509 -pubkey -noout` takes the key out of it.")
    if count > 1:
        raise KeysError(f"{PUBLIC_KEY} holds {count} keys, and must hold one. Several can be had by {JWKS_URL}.")
    try:
        material: object = load_pem_public_key(pem.encode(errors="replace"))
    except (ValueError, UnsupportedAlgorithm):
        raise KeysError(f"{PUBLIC_KEY} holds no PEM of a public key.") from None
    key = _key(material)
    if key is None:
        raise KeysError(
            f"{PUBLIC_KEY} must be an RSA key of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, an EC key on P-256, or an "
            "Ed25519 key."
        )
    return key


def _key(material: object) -> VerificationKey | None:
    """Return the key with its algorithm, or None for what is no public key of an algorithm that is used here."""
    match material:
        case RSAPublicKey() if MIN_RSA_BITS <= material.key_size <= MAX_RSA_BITS:
            return VerificationKey("RS256", material)
        case EllipticCurvePublicKey() if isinstance(material.curve, SECP256R1):
            return VerificationKey("ES256", material)
        case Ed25519PublicKey():
            return VerificationKey("EdDSA", material)
        case _:
            return None


def parse_jwks(document: bytes) -> dict[str | None, VerificationKey]:
    """Return the usable keys of a JWKS by their `kid` (None for one without); of two with one `kid` the first.

    Left out are secrets, private keys, keys for encryption, and keys that are malformed, too short, or of an algorithm
    that isn't used here. Raises KeysError where the document is no JWKS, is larger than 1 MiB, or has more than 100
    keys.
    """
    if len(document) > MAX_JWKS_BYTES:
        raise KeysError(f"it is larger than {MAX_JWKS_BYTES} bytes")
    try:
        body = json.loads(document)
    except (ValueError, RecursionError):
        raise KeysError("it is not JSON") from None
    entries = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise KeysError("it is no JWKS")
    if len(entries) > MAX_JWKS_KEYS:
        raise KeysError(f"it has more than {MAX_JWKS_KEYS} keys")
    keys: dict[str | None, VerificationKey] = {}
    for entry in entries:
        key = _parse_jwk(entry) if isinstance(entry, dict) else None
        if key is not None:
            keys.setdefault(entry.get("kid"), key)
    return keys


_BY_TYPE: Final[Mapping[tuple[object, object], Algorithm]] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}


def _parse_jwk(jwk: Mapping[str, Any]) -> VerificationKey | None:
    if any(isinstance(jwk.get(name), dict | list) for name in ("kty", "crv")):
        return None
    algorithm = _BY_TYPE.get((jwk.get("kty"), jwk.get("crv")))
    if (
        algorithm is None
        or jwk.get("alg", algorithm) != algorithm
        or jwk.get("use", "sig") != "sig"
        or "verify" not in _list(jwk.get("key_ops", ["verify"]))
        or not isinstance(jwk.get("kid", ""), str)
        or "d" in jwk  # a private key that is published is no secret any more
    ):
        return None
    try:
        material = jwt.PyJWK(dict(jwk), algorithm).key
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError):
        return None
    return _key(material)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


class JwksKeys:
    """The keys of a JWKS, fetched when they are first asked for, again when they are old, and for an unknown `kid`.

    However many ask, one fetch at a time runs, and none starts sooner than `refetch_after_s` after the one before. All
    who need it wait for it, at most 5 seconds. A failed fetch leaves the keys as they were. What a fetch brings is
    believed: a key that it lacks is not accepted any more, from `max_age_s` after its last fetch at the latest.
    """

    def __init__(
        self, fetch: Fetch, clock: Clock, refetch_after_s: float = REFETCH_AFTER_S, max_age_s: float = MAX_AGE_S
    ) -> None:
        """Prepare; nothing is fetched yet."""
        self._fetch = fetch
        self._clock = clock
        self._refetch_after_s = refetch_after_s
        self._max_age_s = max_age_s
        self._keys: Mapping[str | None, VerificationKey] = {}
        self._tried_at = float("-inf")
        self._fetched_at = float("-inf")
        self._renewal: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        """Return how many keys are known."""
        return f"JwksKeys({len(self._keys)} keys)"

    async def find(self, kid: str | None) -> VerificationKey:
        """Return the key of this id; None finds the one of a set of one. Raises AuthenticationError."""
        key = self._known(kid)
        if key is None or self._clock.monotonic() - self._fetched_at >= self._max_age_s:
            await self._renewed()
            key = self._known(kid)
        if key is not None:
            return key
        if not self._keys:
            raise AuthenticationError("The keys are not available now. Try again in a minute.")
        raise AuthenticationError("The token's key is not known here.")

    async def close(self) -> None:
        """End the fetch that runs, if one does."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait({self._renewal})

    def _known(self, kid: str | None) -> VerificationKey | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    async def _renewed(self) -> None:
        if self._renewal is None:
            now = self._clock.monotonic()
            if now - self._tried_at < self._refetch_after_s:
                return
            self._tried_at = now
            self._renewal = asyncio.create_task(self._renew(), name="jwks")
        renewal = self._renewal
        # Not awaited itself: a client that leaves must not end what the others wait for.
        await asyncio.wait({renewal})
        if not renewal.cancelled():
            renewal.result()

    async def _renew(self) -> None:
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            fetching.cancel()

        fetching = asyncio.ensure_future(self._fetch())
        timer = self._clock.call_later(FETCH_TIMEOUT_S, give_up)
        log = get_logger().bind(setting=JWKS_URL)
        try:
            self._keys = parse_jwks(await fetching)
        except KeysError as error:
            log.warning("keys not fetched", reason=str(error), keys=len(self._keys))
        except asyncio.CancelledError:
            if not late:
                raise
            log.warning("keys not fetched", reason=f"no answer in {FETCH_TIMEOUT_S:g} seconds", keys=len(self._keys))
        else:
            self._fetched_at = self._clock.monotonic()
            log.log(logging.INFO if self._keys else logging.WARNING, "keys fetched", usable=len(self._keys))
        finally:
            timer.cancel()
            self._renewal = None


def fetch_from(url: str) -> Fetch:
    """Return what gets the JWKS at an http or https URL of the configuration. Raises KeysError for any other."""
    _check_url(url)

    async def fetch() -> bytes:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes | KeysError] = loop.create_future()

        def settle(outcome: bytes | KeysError) -> None:
            if not answer.done():
                answer.set_result(outcome)

        def work() -> None:
            outcome: bytes | KeysError
            try:
                outcome = _get(url)
            except KeysError as error:
                outcome = error
            with suppress(RuntimeError):  # nobody waits any more: the event loop is closed
                loop.call_soon_threadsafe(settle, outcome)

        # A daemon, and not of the loop's pool, which the end of the process would wait for: a server that doesn't
        # answer must not keep this one from ending.
        threading.Thread(target=work, name="jwks", daemon=True).start()
        outcome = await answer
        if isinstance(outcome, KeysError):
            raise outcome
        return outcome

    return fetch


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no number as its port, half an IPv6 address
        usable, parts = False, urlsplit("")
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise KeysError(f"{JWKS_URL} must be the http or https URL of a JWKS.")
    if "@" in parts.netloc:
        raise KeysError(f"{JWKS_URL} must hold no user name or password.")


def _get(url: str) -> bytes:
    opener = urllib.request.OpenerDirector()
    # Not `build_opener`: it adds handlers for files, FTP and redirects.
    for handler in (urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
        opener.add_handler(handler())
    request = urllib.request.Request(url, headers={"Accept": "application/jwk-set+json, application/json"})
    try:
        with opener.open(request, timeout=FETCH_TIMEOUT_S) as response:
            status: int = response.status
            body: bytes = response.read(MAX_JWKS_BYTES + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise KeysError(f"the request failed ({type(reason).__name__}: {reason})") from None
    if status != 200:
        raise KeysError(f"the answer has status {status} in place of 200; redirects are not followed")
    return body
