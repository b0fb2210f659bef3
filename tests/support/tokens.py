"""Tokens for tests: key pairs, honest tokens, forged ones, and a JWKS that counts its fetches. It knows no server.

Keys are made once a run: an RSA key takes a tenth of a second.
"""

import asyncio
import base64
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET: Final = "a secret of the tests, long enough for HS256"
OTHER_SECRET: Final = "another secret of the tests, long enough too"
ISSUER: Final = "https://issuer.test"
AUDIENCE: Final = "tapecast-tests"

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Json: TypeAlias = Mapping[str, Any] | bytes
Signature: TypeAlias = bytes | Callable[[bytes], bytes]


@functools.cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the RSA key of this number, the same for the whole run."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of this number, the same for the whole run."""
    del number
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def ed_key(number: int = 0) -> ed25519.Ed25519PrivateKey:
    """Return the Ed25519 key of this number, the same for the whole run."""
    del number
    return ed25519.Ed25519PrivateKey.generate()


def key_of(algorithm: str, number: int = 0) -> PrivateKey:
    """Return the private key of this number for RS256, ES256 or EdDSA."""
    makers: Mapping[str, Callable[[int], PrivateKey]] = {"RS256": rsa_key, "ES256": ec_key, "EdDSA": ed_key}
    return makers[algorithm](number)


def public_pem(key: PrivateKey) -> str:
    """Return the PEM of the public half."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: PrivateKey) -> str:
    """Return the PEM of the private half."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwk(key: PrivateKey, **members: object) -> dict[str, Any]:
    """Return the JWK of the public half with these members added (`kid="a"`); None takes one out."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        entry = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        entry = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        entry = OKPAlgorithm.to_jwk(public, as_dict=True)
    entry.pop("key_ops", None)
    return {name: value for name, value in {**entry, **members}.items() if value is not None}


def jwks(*entries: object) -> bytes:
    """Return the JWKS document of these entries."""
    return json.dumps({"keys": entries}).encode()


def claims(now_ms: int, *without: str, **changes: object) -> dict[str, Any]:
    """Return honest claims, valid for an hour from `now_ms`, with these left out or changed."""
    now = now_ms // 1000
    honest: dict[str, Any] = {
        "sub": "someone",
        "user_id": "1",
        "scope": "orders:read balances:read",
        "accounts": [1],
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 3600,
    }
    return {name: value for name, value in {**honest, **changes}.items() if name not in without}


def sign(
    claims: Mapping[str, Any],
    key: str | PrivateKey = SECRET,
    algorithm: str = "HS256",
    headers: Mapping[str, Any] | None = None,
) -> str:
    """Return the honest token of these claims, by PyJWT."""
    return jwt.encode(dict(claims), key, algorithm=algorithm, headers=dict(headers or {}))


def base64url(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header: Json, claims: Json, signature: Signature) -> str:
    """Return a token of exactly these parts: an object is written as JSON, bytes are taken as they are.

    `signature`: its bytes, or what makes them of the signed text (`hs256(secret)`).
    """
    signed = ".".join(
        base64url(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (header, claims)
    )
    return f"{signed}.{base64url(signature if isinstance(signature, bytes) else signature(signed.encode()))}"


def hs256(secret: str | bytes) -> Callable[[bytes], bytes]:
    """Return what signs with HMAC, whatever the secret is: PyJWT refuses a public key as one."""
    material = secret if isinstance(secret, bytes) else secret.encode()
    algorithm = jwt.get_algorithm_by_name("HS256")
    return lambda signed: algorithm.sign(signed, material)


def forge_hs256(claims: Json, header: Json | None = None, secret: str | bytes = SECRET) -> str:
    """Return a token that is signed as it should be, whatever else is wrong with it."""
    return forge({"alg": "HS256", "typ": "JWT"} if header is None else header, claims, hs256(secret))


def confusion(now_ms: int, public: str) -> str:
    """Return an HS256 token whose secret is a server's public key (PEM), which anyone may know."""
    return forge_hs256(claims(now_ms), secret=public)


def hostile_tokens(now_ms: int) -> dict[str, str]:
    """Return one token for each attack, by a name for it.

    All are for a server that has `SECRET`, `ISSUER` and `AUDIENCE`; each but those on the signature and the algorithm
    is signed with `SECRET`, so that the one thing that is wrong is what its name says.
    """
    good = claims(now_ms)
    now = now_ms // 1000
    header, body, signature = sign(good).split(".")
    promoted = base64url(json.dumps({**good, "user_id": "2"}).encode())
    attacker = jwk(rsa_key(7), kid="attacker")
    by_attacker = functools.partial(sign, key=rsa_key(7), algorithm="RS256")
    tokens = {
        "empty": "",
        "garbage": "garbage",
        "two parts": f"{header}.{body}",
        "four parts": f"{header}.{body}.{signature}.{signature}",
        "no signature": f"{header}.{body}.",
        "padded": f"{header}.{body}.{signature}=",
        "other claims under the signature": f"{header}.{promoted}.{signature}",
        "expired": sign(claims(now_ms, exp=now - 1)),
        "expires now": sign(claims(now_ms, exp=now)),
        "not valid yet": sign(claims(now_ms, nbf=now + 600)),
        "other key": sign(good, OTHER_SECRET),
        "unknown algorithm": forge({"alg": "HS999"}, good, hs256(SECRET)),
        "other hash": sign(good, SECRET + SECRET, "HS512"),
        "no algorithm": forge({"typ": "JWT"}, good, hs256(SECRET)),
        "algorithm is a list": forge({"alg": ["HS256"]}, good, hs256(SECRET)),
        "kid is a path": forge_hs256(good, {"alg": "HS256", "kid": "../../../../dev/null"}, secret=b""),
        "kid is a URL": by_attacker(good, headers={"kid": "https://attacker.test/jwks.json"}),
        "kid is SQL": forge_hs256(good, {"alg": "HS256", "kid": "x' UNION SELECT 'key' --"}, secret="key"),
        "kid is a number": forge_hs256(good, {"alg": "HS256", "kid": 1}),
        "embedded jwk": by_attacker(good, headers={"jwk": attacker}),
        "embedded jwk, signed well": sign(good, headers={"jwk": attacker}),
        "jku": by_attacker(good, headers={"jku": "https://attacker.test/jwks.json", "kid": "attacker"}),
        "jku, signed well": sign(good, headers={"jku": "https://attacker.test/jwks.json"}),
        "x5u": sign(good, headers={"x5u": "https://attacker.test/cert.pem"}),
        "x5c": sign(good, headers={"x5c": ["MIIB"]}),
        "crit": forge_hs256(good, {"alg": "HS256", "crit": ["exp"]}),
        "b64": forge_hs256(good, {"alg": "HS256", "b64": False, "crit": ["b64"]}),
        "wrong iss": sign(claims(now_ms, iss="https://attacker.test")),
        "no iss": sign(claims(now_ms, "iss")),
        "wrong aud": sign(claims(now_ms, aud="another")),
        "no aud": sign(claims(now_ms, "aud")),
        "no exp": sign(claims(now_ms, "exp")),
        "no sub": sign(claims(now_ms, "sub")),
        "empty sub": sign(claims(now_ms, sub="")),
        "exp is a text": forge_hs256({**good, "exp": str(now + 3600)}),
        "exp is true": forge_hs256({**good, "exp": True}),
        "exp is NaN": forge_hs256({**good, "exp": float("nan")}),
        "exp is too large for a float": forge_hs256(
            json.dumps({**good, "exp": 0}).replace('"exp": 0', '"exp": 1e400').encode()
        ),
        "exp in milliseconds": sign(claims(now_ms, exp=now_ms + 3_600_000)),
        "5 KiB": sign(claims(now_ms, note="x" * 3600)),
        "header twice": forge_hs256(good, b'{"alg":"none","alg":"HS256"}'),
        "claim twice": forge_hs256(
            json.dumps(good).replace('"user_id": "1"', '"user_id": "1", "user_id": "2"').encode()
        ),
    }
    for spelling in ("none", "None", "NONE", "nOnE"):
        tokens[f"alg {spelling}"] = forge({"alg": spelling, "typ": "JWT"}, good, b"")
        tokens[f"alg {spelling}, with a signature"] = forge({"alg": spelling, "typ": "JWT"}, good, hs256(SECRET))
    return tokens


class FakeJwks:
    """What a `JwksKeys` fetches from, in a test's hand.

    `answer` is the document, or what is raised in its place; `count` the fetches that were begun; with `hold()` they
    wait for `release()`.
    """

    def __init__(self, answer: bytes | Exception) -> None:
        """Answer with this from now on."""
        self.answer = answer
        self.count = 0
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        """Let every fetch wait."""
        self._open.clear()

    def release(self) -> None:
        """Let every fetch end that waits."""
        self._open.set()

    async def __call__(self) -> bytes:
        """Fetch."""
        self.count += 1
        await self._open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer
