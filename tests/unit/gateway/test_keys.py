"""Keys: a secret, a PEM or a JWKS become keys of one fixed algorithm each; a JWKS is fetched seldom, and bounded."""

import asyncio
import datetime
import io
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from gateway import keys as module
from gateway.keys import JwksKeys, KeysError, fetch_from, load_keys, parse_jwks, parse_pem
from handlers.auth import AuthenticationError, StaticKeys, TokenAuthenticator, VerificationKey
from tests.support import tokens
from tests.support.clock import VirtualClock, settle
from tests.support.tokens import SECRET, FakeJwks, claims, ec_key, ed_key, jwk, jwks, private_pem, public_pem, rsa_key

UNAVAILABLE = "The keys are not available now. Try again in a minute."
UNKNOWN = "The token's key is not known here."


def accepting(keys: Any, clock: VirtualClock) -> TokenAuthenticator:
    """An authenticator that asks for no issuer and no audience."""
    return TokenAuthenticator(keys, clock, issuer=None, audience=None, default_scopes=frozenset(), default_accounts={})


async def refusal(keys: JwksKeys, kid: str | None) -> str:
    """The reason for which a key is not found."""
    with pytest.raises(AuthenticationError) as caught:
        await keys.find(kid)
    return caught.value.reason


# --- What is configured


async def test_a_secret_becomes_an_hs256_key() -> None:
    """Tokens of that secret are accepted."""
    clock = VirtualClock()
    keys = load_keys(clock, secret=SECRET)
    assert isinstance(keys, StaticKeys)
    assert await accepting(keys, clock).authenticate(tokens.sign(claims(clock.now_ms())))


def test_a_short_secret_is_refused_with_the_setting_s_name() -> None:
    """The sentence says what to do, and doesn't show the secret."""
    with pytest.raises(KeysError) as caught:
        load_keys(VirtualClock(), secret="hunter2")
    assert str(caught.value) == (
        "TAPECAST_JWT_SECRET must have at least 32 bytes; it has 7. `openssl rand -hex 32` makes a good one."
    )


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_pem_becomes_the_key_of_its_type_s_algorithm(algorithm: str, tmp_path: Path) -> None:
    """As text and as a file, also with text around it, as `openssl` writes it."""
    clock = VirtualClock()
    key = tokens.key_of(algorithm)
    file = tmp_path / "key.pem"
    file.write_text("Zoë's key\n" + public_pem(key), encoding="utf-8")
    for given_as in (public_pem(key), str(file)):
        keys = load_keys(clock, public_key=given_as)
        assert (await keys.find("any")).algorithm == algorithm
        assert await accepting(keys, clock).authenticate(tokens.sign(claims(clock.now_ms()), key, algorithm))


async def test_a_jwks_url_is_not_fetched_before_a_token_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server starts also while its issuer is away."""
    jwks_of_test = FakeJwks(jwks(jwk(rsa_key(), kid="a")))
    monkeypatch.setattr(module, "fetch_from", lambda url: jwks_of_test)
    keys = load_keys(VirtualClock(), jwks_url="https://issuer.test/jwks")
    assert isinstance(keys, JwksKeys)
    assert jwks_of_test.count == 0
    assert await keys.find("a")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "There is no key to verify tokens with: set one of"),
        ({"secret": ""}, "There is no key to verify tokens with: set one of"),
        (
            {"secret": SECRET, "jwks_url": "https://a"},
            "TAPECAST_JWT_SECRET and TAPECAST_JWT_JWKS_URL are set, and only",
        ),
        (
            {"public_key": "/no/such/file"},
            "TAPECAST_JWT_PUBLIC_KEY is neither a PEM nor a file that can be read (No such",
        ),
        (
            {"public_key": "a\0b"},
            "TAPECAST_JWT_PUBLIC_KEY is neither a PEM nor a file that can be read (it is no path)",
        ),
        ({"public_key": "/"}, "TAPECAST_JWT_PUBLIC_KEY is neither a PEM nor a file that can be read (Is a directory)"),
    ],
)
def test_a_configuration_without_one_key_is_refused(given: Any, problem: str) -> None:
    """None, or two, or one that isn't there."""
    with pytest.raises(KeysError) as caught:
        load_keys(VirtualClock(), **given)
    assert str(caught.value).startswith(problem)


def certificate() -> str:
    """A self-signed certificate."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, ec_key().public_key(), 1, start, start.replace(year=2040))
    signed = builder.sign(ec_key(), hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: private_pem(rsa_key()), "holds a private key"),
        (lambda: private_pem(ed_key()) + public_pem(ed_key()), "holds a private key"),
        (certificate, "holds a certificate"),
        (lambda: public_pem(rsa_key()) + public_pem(ec_key()), "holds 2 keys, and must hold one"),
        (lambda: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "holds no PEM of a public key"),
        (lambda: "\ud800", "holds no PEM of a public key"),
        (lambda: "", "holds no PEM of a public key"),
        (lambda: public_pem(rsa_key(0, 1024)), "must be an RSA key of 2048 to 8192 bits"),
        (lambda: public_pem(ec.generate_private_key(ec.SECP384R1())), "must be an RSA key"),
        (lambda: public_pem(ec.generate_private_key(ec.SECP256K1())), "must be an RSA key"),
        (lambda: public_pem(ed448.Ed448PrivateKey.generate()), "must be an RSA key"),  # type: ignore[arg-type]
        (lambda: public_pem(dsa.generate_private_key(1024)), "must be an RSA key"),  # type: ignore[arg-type]
    ],
)
def test_a_pem_that_is_no_usable_public_key_is_refused(make: Callable[[], str], problem: str) -> None:
    """Private keys, certificates, several keys, short keys, and keys of other types; the sentence shows none of it."""
    pem = make()
    with pytest.raises(KeysError) as caught:
        parse_pem(pem)
    assert str(caught.value).startswith(f"TAPECAST_JWT_PUBLIC_KEY {problem}")
    assert not any(line and line in str(caught.value) for line in pem.splitlines())


# --- What a JWKS holds


def parse_one(**members: object) -> VerificationKey | None:
    """The key of a JWKS of one RSA key with these members."""
    return parse_jwks(jwks(jwk(rsa_key(), **{"kid": "a", **members}))).get("a")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("stated", [True, False])
async def test_a_jwk_has_the_algorithm_of_its_type(algorithm: str, stated: bool) -> None:
    """Whether or not it is stated."""
    clock = VirtualClock()
    key = tokens.key_of(algorithm)
    keys = JwksKeys(FakeJwks(jwks(jwk(key, kid="a", alg=algorithm if stated else None))), clock)
    assert (await keys.find("a")).algorithm == algorithm
    by = accepting(keys, clock)
    assert await by.authenticate(tokens.sign(claims(clock.now_ms()), key, algorithm, {"kid": "a"}))
    for token in (
        tokens.sign(claims(clock.now_ms()), tokens.key_of(algorithm, 1), algorithm, {"kid": "a"}),
        tokens.forge_hs256(claims(clock.now_ms()), {"alg": "HS256", "kid": "a"}, public_pem(key)),
        *tokens.hostile_tokens(clock.now_ms()).values(),
    ):
        with pytest.raises(AuthenticationError):
            await by.authenticate(token)


@pytest.mark.parametrize(
    "members",
    [
        {"alg": "RS512"},
        {"alg": "PS256"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": "none"},
        {"alg": ["RS256"]},
        {"use": "enc"},
        {"use": ["sig"]},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"key_ops": []},
        {"kty": "EC"},
        {"kty": ["RSA"]},
        {"kty": None},
        {"crv": "P-256"},
        {"crv": {}},
        {"d": "AQAB"},
        {"n": None},
        {"n": 5},
        {"n": "AQAB"},
        {"e": "AA"},
        {"e": "Ag"},
        {"kid": 5},
        {"kid": []},
    ],
)
def test_a_jwk_of_another_kind_is_left_out(members: dict[str, object]) -> None:
    """Other algorithms, other uses, private keys, and what is malformed."""
    assert parse_one() is not None
    assert parse_jwks(jwks(jwk(rsa_key(), **{"kid": "a", **members}))) == {}


def test_only_public_keys_of_the_right_size_and_curve_are_taken() -> None:
    """A secret, a short RSA key, other curves and what is no object are left out; the good one beside them stays."""
    secret = {"kty": "oct", "k": tokens.base64url(SECRET.encode()), "alg": "HS256", "kid": "secret"}
    found = parse_jwks(
        jwks(
            secret,
            jwk(rsa_key(0, 1024), kid="short"),
            {**jwk(ec.generate_private_key(ec.SECP384R1()), kid="curve"), "crv": "P-256"},
            jwk(ec.generate_private_key(ec.SECP384R1()), kid="384"),
            {**jwk(ed_key(), kid="448"), "crv": "Ed448"},
            {**jwk(ed_key(), kid="x"), "x": "AAAA"},
            None,
            5,
            "text",
            [],
            jwk(ed_key(), kid="good", use="sig", key_ops=["verify"]),
        )
    )
    assert {kid: key.algorithm for kid, key in found.items()} == {"good": "EdDSA"}


def test_of_two_keys_with_one_kid_the_first_is_taken() -> None:
    """So a kid means one key and one algorithm."""
    found = parse_jwks(jwks(jwk(ed_key(), kid="a"), jwk(rsa_key(), kid="a")))
    assert {kid: key.algorithm for kid, key in found.items()} == {"a": "EdDSA"}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"", "it is not JSON"),
        (b"<html>", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"9" * 5000, "it is not JSON"),
        (b"[]", "it is no JWKS"),
        (b"{}", "it is no JWKS"),
        (b'{"keys": {}}', "it is no JWKS"),
        (jwks(*[{}] * 101), "it has more than 100 keys"),
        (b" " * (1 << 20) + b"{}", "it is larger than 1048576 bytes"),
    ],
)
def test_what_is_no_jwks_is_refused(document: bytes, problem: str) -> None:
    """Other documents, and what is out of bounds."""
    with pytest.raises(KeysError) as caught:
        parse_jwks(document)
    assert str(caught.value) == problem


def test_a_jwks_may_have_100_keys() -> None:
    """And a megabyte."""
    entries = [jwk(ed_key(), kid=str(number)) for number in range(100)]
    assert len(parse_jwks(jwks(*entries).ljust(1 << 20))) == 100


_VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.lists(st.text(max_size=3), max_size=2)
_MEMBERS = {
    "kty": st.sampled_from(["RSA", "EC", "OKP", "oct"]) | _VALUE,
    "crv": st.sampled_from(["P-256", "Ed25519"]) | _VALUE,
    **dict.fromkeys(("n", "e", "x", "y"), st.binary(max_size=40).map(tokens.base64url) | _VALUE),
    **dict.fromkeys(("alg", "use", "kid", "key_ops", "d", "k"), _VALUE),
}


@given(st.lists(st.fixed_dictionaries({}, optional=_MEMBERS), max_size=3))
def test_whatever_a_jwks_holds_it_is_read(entries: list[Any]) -> None:
    """A malformed entry costs nothing but itself."""
    found = parse_jwks(jwks(*entries, jwk(ed_key(), kid="the good one")))
    assert found["the good one"].algorithm == "EdDSA"


# --- When a JWKS is fetched


async def test_keys_are_fetched_once_and_kept() -> None:
    """Many tokens of a known key make one fetch."""
    clock = VirtualClock()
    fetch = FakeJwks(jwks(jwk(rsa_key(), kid="a"), jwk(ec_key(), kid="b")))
    keys = JwksKeys(fetch, clock)
    for _ in range(3):
        assert (await keys.find("a")).algorithm == "RS256"
        assert (await keys.find("b")).algorithm == "ES256"
        await clock.advance(100)
    assert fetch.count == 1
    assert clock.pending == 0
    assert repr(keys) == "JwksKeys(2 keys)"


async def test_an_unknown_kid_fetches_once_in_30_seconds() -> None:
    """Whatever it holds: a path, a URL and SQL are names like any other."""
    clock = VirtualClock()
    fetch = FakeJwks(jwks(jwk(rsa_key(), kid="a")))
    keys = JwksKeys(fetch, clock)
    await keys.find("a")
    await clock.advance(29.999)
    for kid in ("b", "../../etc/passwd", "https://attacker.test/jwks.json", "' OR 1=1 --", "", "__class__", "\ud800"):
        assert await refusal(keys, kid) == UNKNOWN
    assert fetch.count == 1
    await clock.advance(0.001)
    assert await refusal(keys, "b") == UNKNOWN
    assert await refusal(keys, "b") == UNKNOWN
    assert fetch.count == 2
    await clock.advance(30)
    assert await refusal(keys, "b") == UNKNOWN
    assert fetch.count == 3


async def test_a_rotated_key_is_found_and_its_predecessor_forgotten() -> None:
    """The new kid brings the new set; what that lacks is not accepted any more."""
    clock = VirtualClock()
    fetch = FakeJwks(jwks(jwk(rsa_key(), kid="old")))
    keys = JwksKeys(fetch, clock)
    await keys.find("old")
    fetch.answer = jwks(jwk(rsa_key(1), kid="new"))
    await clock.advance(30)
    assert (await keys.find("new")).algorithm == "RS256"
    assert await refusal(keys, "old") == UNKNOWN
    assert fetch.count == 2


async def test_a_withdrawn_key_is_not_accepted_after_ten_minutes() -> None:
    """Also where no unknown kid makes a fetch; an empty set withdraws all."""
    clock = VirtualClock()
    fetch = FakeJwks(jwks(jwk(rsa_key(), kid="a")))
    keys = JwksKeys(fetch, clock)
    await keys.find("a")
    fetch.answer = jwks()
    await clock.advance(599.999)
    await keys.find("a")
    assert fetch.count == 1
    await clock.advance(0.001)
    assert await refusal(keys, "a") == UNAVAILABLE
    assert fetch.count == 2


async def test_many_who_wait_make_one_fetch() -> None:
    """A hundred unknown kids at once; each gets its own answer from it."""
    clock = VirtualClock()
    fetch = FakeJwks(jwks(jwk(rsa_key(), kid="k7"), jwk(ec_key(), kid="k8")))
    fetch.hold()
    keys = JwksKeys(fetch, clock)
    waiting = [asyncio.create_task(keys.find(f"k{number}")) for number in range(100)]
    await settle()
    assert fetch.count == 1
    assert not any(task.done() for task in waiting)
    fetch.release()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert fetch.count == 1
    found = {number for number, result in enumerate(results) if isinstance(result, VerificationKey)}
    assert found == {7, 8}
    assert clock.pending == 0


async def test_one_who_leaves_does_not_end_the_others_fetch() -> None:
    """A client that gives up while it waits takes nothing from the rest."""
    fetch = FakeJwks(jwks(jwk(rsa_key(), kid="a")))
    fetch.hold()
    keys = JwksKeys(fetch, VirtualClock())
    first, second = (asyncio.create_task(keys.find("a")) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    assert first.cancelled()
    fetch.release()
    assert (await second).algorithm == "RS256"
    assert fetch.count == 1


async def test_a_failed_fetch_keeps_the_keys(log: io.StringIO) -> None:
    """Known keys go on being accepted, an unknown one is unknown; the operator learns why."""
    clock = VirtualClock()
    fetch = FakeJwks(jwks(jwk(rsa_key(), kid="a")))
    keys = JwksKeys(fetch, clock)
    await keys.find("a")
    for problem, reason in ((KeysError("it rained"), "it rained"), (b"<html>", "it is not JSON")):
        fetch.answer = problem
        await clock.advance(30)
        assert await refusal(keys, "b") == UNKNOWN
        assert await keys.find("a")
        assert reason in log.getvalue()
    await clock.advance(600)
    assert await keys.find("a")
    assert fetch.count == 4


async def test_without_any_key_the_refusal_says_so_and_the_next_fetch_helps() -> None:
    """It isn't the token's fault; and the wait of 30 seconds holds for failures too."""
    clock = VirtualClock()
    fetch = FakeJwks(KeysError("it rained"))
    keys = JwksKeys(fetch, clock)
    assert await refusal(keys, "a") == UNAVAILABLE
    fetch.answer = jwks(jwk(rsa_key(), kid="a"))
    await clock.advance(29.9)
    assert await refusal(keys, "a") == UNAVAILABLE
    assert fetch.count == 1
    await clock.advance(0.1)
    assert await keys.find("a")


async def test_a_fetch_takes_five_seconds_at_most(log: io.StringIO) -> None:
    """Then who waits is answered, and nothing goes on."""
    clock = VirtualClock()
    fetch = FakeJwks(jwks(jwk(rsa_key(), kid="a")))
    fetch.hold()
    keys = JwksKeys(fetch, clock)
    waiting = asyncio.create_task(keys.find("a"))
    await clock.advance(4.999)
    assert not waiting.done()
    await clock.advance(0.001)
    with pytest.raises(AuthenticationError, match="not available"):
        await waiting
    assert "no answer in 5 seconds" in log.getvalue()
    fetch.release()
    await settle()
    assert await refusal(keys, "a") == UNAVAILABLE
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert clock.pending == 0


async def test_closing_ends_the_fetch(log: io.StringIO) -> None:
    """No task is left, and who waits is answered; closing twice or with nothing to end is harmless."""
    clock = VirtualClock()
    fetch = FakeJwks(b"")
    fetch.hold()
    keys = JwksKeys(fetch, clock)
    await keys.close()
    waiting = asyncio.create_task(keys.find("a"))
    await settle()
    await keys.close()
    await keys.close()
    with pytest.raises(AuthenticationError, match="not available"):
        await waiting
    assert log.getvalue() == ""
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert clock.pending == 0


async def test_a_broken_fetch_is_told_and_not_swallowed() -> None:
    """What isn't a KeysError is a defect of ours: it comes out where it was asked for, and the next fetch works."""
    clock = VirtualClock()
    fetch = FakeJwks(ZeroDivisionError("a defect"))
    keys = JwksKeys(fetch, clock)
    with pytest.raises(ZeroDivisionError):
        await keys.find("a")
    fetch.answer = jwks(jwk(rsa_key(), kid="a"))
    await clock.advance(30)
    assert await keys.find("a")


async def test_a_token_without_a_kid_finds_the_only_key() -> None:
    """With several keys none is guessed, and nothing more than an unknown kid's fetch is made."""
    clock = VirtualClock()
    fetch = FakeJwks(jwks(jwk(rsa_key())))
    keys = JwksKeys(fetch, clock)
    assert (await keys.find(None)).algorithm == "RS256"
    fetch.answer = jwks(jwk(rsa_key(), kid="a"), jwk(rsa_key(1), kid="b"))
    await clock.advance(600)
    assert await refusal(keys, None) == UNKNOWN
    assert await refusal(keys, None) == UNKNOWN
    assert fetch.count == 2


async def test_a_key_without_a_kid_is_not_found_by_one() -> None:
    """A token that names a key gets no other."""
    keys = JwksKeys(FakeJwks(jwks(jwk(rsa_key()))), VirtualClock())
    assert await refusal(keys, "a") == UNKNOWN


async def test_a_useless_set_is_worth_a_warning(log: io.StringIO) -> None:
    """Its keys are none that can be used here."""
    assert await refusal(JwksKeys(FakeJwks(jwks(jwk(rsa_key(), use="enc"))), VirtualClock()), "a") == UNAVAILABLE
    assert "[warning" in log.getvalue()
    assert "usable=0" in log.getvalue()


# --- How it is fetched


@pytest.mark.parametrize(
    "url",
    [
        "",
        "issuer.test/jwks",
        "/etc/passwd",
        "file:///etc/passwd",
        "ftp://issuer.test/jwks",
        "data:application/json,{}",
        "https://",
        "https:///jwks",
        "https://issuer.test:port/jwks",
        "https://issuer.test:0/jwks",
        "https://issuer.test:99999/jwks",
        "https://[::1/jwks",
        "https://issuer.test/a b",
        "https://issuer.test/a\r\nHost: attacker.test",
        "https://issuer.test/é",
        "https://user:password@issuer.test/jwks",
    ],
)
def test_only_an_http_url_is_fetched(url: str) -> None:
    """Anything else is refused at the start, and the sentence doesn't show it: it may hold a password."""
    with pytest.raises(KeysError, match=r"^TAPECAST_JWT_JWKS_URL must ") as caught:
        fetch_from(url)
    assert "password@" not in str(caught.value)


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives every request this answer: its URL, and the requests that it saw."""
    requests: list[bytes] = []
    streams: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        streams.append(writer)
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        if answer:
            writer.write(answer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
    finally:
        server.close()
        for stream in streams:
            stream.close()
        await server.wait_closed()


def response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An HTTP answer."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


@pytest.fixture
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_no_proxy")
async def test_a_jwks_comes_over_http() -> None:
    """A token of its key is accepted; the request goes to the path that is configured."""
    clock = VirtualClock()
    async with answering(response(jwks(jwk(ec_key(), kid="a")))) as (url, requests):
        keys = load_keys(clock, jwks_url=f"{url}/keys?tenant=1")
        token = tokens.sign(claims(clock.now_ms()), ec_key(), "ES256", {"kid": "a"})
        assert await accepting(keys, clock).authenticate(token)
    (request,) = requests
    assert request.startswith(b"GET /keys?tenant=1 HTTP/1.1\r\n")


@pytest.mark.usefixtures("_no_proxy")
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (response(b"", "302 Found", "Location: file:///etc/passwd"), "status 302"),
        (response(b"", "301 Moved Permanently", "Location: http://127.0.0.1:1/"), "status 301"),
        (response(b"{}", "404 Not Found"), "status 404"),
        (response(b"{}", "503 Service Unavailable"), "status 503"),
        (b"nonsense\r\n\r\n", "the request failed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the request failed"),
    ],
)
async def test_another_answer_is_a_failure(answer: bytes, problem: str) -> None:
    """No redirect is followed, wherever it leads."""
    async with answering(answer) as (url, requests):
        with pytest.raises(KeysError, match=problem):
            await fetch_from(url)()
        assert len(requests) == 1


@pytest.mark.usefixtures("_no_proxy")
async def test_no_more_than_a_megabyte_is_read() -> None:
    """An answer without end is cut, and then refused for its size."""
    async with answering(response(b" " * (3 << 20))) as (url, _):
        document = await fetch_from(url)()
    assert len(document) == (1 << 20) + 1
    with pytest.raises(KeysError, match="larger"):
        parse_jwks(document)


@pytest.mark.usefixtures("_no_proxy")
async def test_nobody_there_is_a_failure() -> None:
    """The sentence says that the connection was refused."""
    async with answering(b"x") as (url, _):
        pass
    with pytest.raises(KeysError, match="the request failed \\(ConnectionRefusedError: "):
        await fetch_from(url)()


@pytest.mark.usefixtures("_no_proxy")
async def test_a_server_that_says_nothing_holds_nobody_up() -> None:
    """Who waits may leave; what comes afterwards is dropped without a word."""
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    async with answering(b"") as (url, requests):
        waiting = asyncio.ensure_future(fetch_from(url)())
        while not requests:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    for thread in threading.enumerate():
        if thread.name == "jwks":
            await asyncio.to_thread(thread.join, 5)
    await settle()
    assert faults == []


def test_an_answer_after_the_end_of_the_loop_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of a fetch may outlive the event loop; it ends without a word."""
    closed = threading.Event()

    def slow(url: str) -> bytes:
        del url
        closed.wait()
        return b""

    monkeypatch.setattr(module, "_get", slow)
    threads: list[threading.Thread] = []

    async def leave() -> None:
        waiting = asyncio.ensure_future(fetch_from("http://issuer.test")())
        await asyncio.sleep(0)
        threads.extend(thread for thread in threading.enumerate() if thread.name == "jwks")
        waiting.cancel()

    asyncio.run(leave())
    closed.set()
    (thread,) = threads
    thread.join(5)
    assert not thread.is_alive()


def test_no_repr_shows_a_key() -> None:
    """Neither the algorithm's key nor the URL stands in what is printed."""
    keys = load_keys(VirtualClock(), jwks_url="https://issuer.test/jwks?key=hidden")
    assert repr(keys) == "JwksKeys(0 keys)"
    assert repr(parse_pem(public_pem(rsa_key()))) == "VerificationKey(RS256)"
    assert json.dumps(repr(load_keys(VirtualClock(), secret=SECRET))) == '"StaticKeys(HS256)"'
