"""Auth: an honest token names its principal; anything else is refused in a sentence that shows nothing of it."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys import parse_pem
from handlers.auth import (
    MAX_TOKEN_BYTES,
    AuthenticationError,
    Principal,
    StaticKeys,
    TokenAuthenticator,
    VerificationKey,
    hs256_key,
    mint,
)
from tests.support import tokens
from tests.support.clock import VirtualClock
from tests.support.tokens import AUDIENCE, ISSUER, OTHER_SECRET, SECRET, claims, forge, forge_hs256, hs256, sign

NOW_MS = 1_700_000_000_000
NOW = NOW_MS // 1000
HS256 = hs256_key(SECRET)
HOSTILE = tokens.hostile_tokens(NOW_MS)
REASONS = {
    "The token is malformed.",
    "The token's claims are malformed.",
    "The token's header has a member that is not accepted here.",
    "The token's algorithm is not accepted.",
    "The token's algorithm is not its key's.",
    "The token's signature does not fit.",
    "The token is longer than 4096 bytes.",
    "The token has no exp.",
    "The token has no sub.",
    "The token has expired.",
    "The token is not valid yet.",
    "The token's issuer is not the one that is trusted here.",
    "The token is not meant for this server.",
    "The token's exp must be a number of seconds since the epoch.",
    "The token's nbf must be a number of seconds since the epoch.",
    "The token's sub must be a text of 1 to 255 printable characters.",
    "The token's user_id must be a text of 1 to 255 printable characters.",
    "The token's jti must be a text of 1 to 255 printable characters.",
    "The token's scope must be a text with a blank between two scopes.",
    "The token's accounts must be a list of integers.",
}


def authenticator(
    key: VerificationKey = HS256,
    *,
    now_ms: int = NOW_MS,
    issuer: str | None = ISSUER,
    audience: str | None = AUDIENCE,
    leeway_s: int = 0,
    scopes: frozenset[str] = frozenset(),
    accounts: Mapping[str, frozenset[int]] | None = None,
) -> TokenAuthenticator:
    """An authenticator with the key, the issuer and the audience of the honest tokens."""
    return TokenAuthenticator(
        StaticKeys(key),
        VirtualClock(now_ms),
        issuer=issuer,
        audience=audience,
        leeway_s=leeway_s,
        default_scopes=scopes,
        default_accounts=accounts or {},
    )


async def refusal(token: str, by: TokenAuthenticator | None = None) -> str:
    """The reason for which a token is refused; that nothing in the exception shows the token is checked on the way."""
    with pytest.raises(AuthenticationError) as caught:
        await (by or authenticator()).authenticate(token)
    assert caught.value.reason in REASONS
    assert str(caught.value) == caught.value.reason
    # An exception behind it would be a token in a log, some day: JSON's own holds the whole document.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value.reason


async def test_an_honest_token_names_its_principal() -> None:
    """Everything that the principal says comes from the claims."""
    principal = await authenticator().authenticate(sign(claims(NOW_MS, jti="token 7", accounts=[3, 1, 3])))
    assert principal == Principal(
        subject="someone",
        user_id="1",
        scopes=frozenset({"orders:read", "balances:read"}),
        accounts=frozenset({1, 3}),
        expires_at=NOW + 3600,
        token_id="token 7",
    )


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_each_public_key_verifies_its_own_algorithm(algorithm: str) -> None:
    """A token of the right key is accepted, one of another key of the same type refused."""
    by = authenticator(parse_pem(tokens.public_pem(tokens.key_of(algorithm))))
    good = sign(claims(NOW_MS), tokens.key_of(algorithm), algorithm)
    assert (await by.authenticate(good)).user_id == "1"
    bad = sign(claims(NOW_MS), tokens.key_of(algorithm, 1), algorithm)
    assert await refusal(bad, by) == "The token's signature does not fit."
    assert await refusal(sign(claims(NOW_MS)), by) == "The token's algorithm is not its key's."
    for token in HOSTILE.values():
        await refusal(token, by)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_public_key_is_never_taken_for_a_secret(algorithm: str) -> None:
    """An HS256 token whose secret is the server's public key, as PEM or DER, is refused."""
    pem = tokens.public_pem(tokens.key_of(algorithm))
    by = authenticator(parse_pem(pem))
    for text in (pem, pem.strip(), pem.replace("\n", "\r\n")):
        assert await refusal(tokens.confusion(NOW_MS, text), by) == "The token's algorithm is not its key's."
    other = {"RS256": "ES256", "ES256": "EdDSA", "EdDSA": "RS256"}[algorithm]
    token = sign(claims(NOW_MS), tokens.key_of(other), other)
    assert await refusal(token, by) == "The token's algorithm is not its key's."


@pytest.mark.parametrize("attack", HOSTILE)
async def test_a_hostile_token_is_refused(attack: str) -> None:
    """Each attack ends in one of the known sentences, which has no 8 characters of the token in a row."""
    token = HOSTILE[attack]
    reason = await refusal(token)
    assert not any(token[at : at + 8] in reason for at in range(len(token) - 7))


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        ("garbage", "The token is malformed."),
        ("two parts", "The token is malformed."),
        ("four parts", "The token is malformed."),
        ("no signature", "The token's signature does not fit."),
        ("other claims under the signature", "The token's signature does not fit."),
        ("expired", "The token has expired."),
        ("expires now", "The token has expired."),
        ("not valid yet", "The token is not valid yet."),
        ("other key", "The token's signature does not fit."),
        ("alg none", "The token's algorithm is not accepted."),
        ("alg nOnE, with a signature", "The token's algorithm is not accepted."),
        ("algorithm is a list", "The token's algorithm is not accepted."),
        ("no algorithm", "The token's algorithm is not accepted."),
        ("kid is a path", "The token's signature does not fit."),
        ("kid is SQL", "The token's signature does not fit."),
        ("kid is a number", "The token is malformed."),
        ("embedded jwk, signed well", "The token's header has a member that is not accepted here."),
        ("jku, signed well", "The token's header has a member that is not accepted here."),
        ("x5u", "The token's header has a member that is not accepted here."),
        ("x5c", "The token's header has a member that is not accepted here."),
        ("crit", "The token's header has a member that is not accepted here."),
        ("wrong iss", "The token's issuer is not the one that is trusted here."),
        ("wrong aud", "The token is not meant for this server."),
        ("no aud", "The token is not meant for this server."),
        ("no exp", "The token has no exp."),
        ("no sub", "The token has no sub."),
        ("5 KiB", "The token is longer than 4096 bytes."),
        ("exp is NaN", "The token's claims are malformed."),
        ("exp is too large for a float", "The token's claims are malformed."),
        ("exp is true", "The token's exp must be a number of seconds since the epoch."),
        ("exp in milliseconds", "The token's exp must be a number of seconds since the epoch."),
        ("header twice", "The token is malformed."),
        ("claim twice", "The token's claims are malformed."),
    ],
)
async def test_a_refusal_says_what_is_wrong(attack: str, reason: str) -> None:
    """The sentence is that of the attack, so each is refused by the check that is meant for it."""
    assert await refusal(HOSTILE[attack]) == reason


async def test_what_is_hostile_in_a_token_is_only_what_its_name_says() -> None:
    """With the right claims the same ways of signing are accepted: the attacks aren't refused by accident."""
    assert await authenticator().authenticate(forge_hs256(claims(NOW_MS)))
    assert await authenticator().authenticate(forge_hs256(claims(NOW_MS), {"alg": "HS256", "kid": "../../etc/passwd"}))


async def test_a_token_may_have_4096_bytes() -> None:
    """4096 bytes are accepted; one more is refused before it is read."""
    fit = "x" * 100
    while len(token := forge_hs256({**claims(NOW_MS), "note": fit})) < MAX_TOKEN_BYTES:
        fit += "x" * max(1, (MAX_TOKEN_BYTES - len(token)) * 3 // 4)
    assert len(token) == MAX_TOKEN_BYTES
    assert await authenticator().authenticate(token)
    assert await refusal(token + "A") == "The token is longer than 4096 bytes."
    assert await refusal("é" * 3000) == "The token is malformed."


async def test_a_token_ends_at_its_exp() -> None:
    """It is valid until the millisecond before, and not at the second itself; fractions are rounded down."""
    token = sign(claims(NOW_MS, exp=NOW + 10))
    assert await authenticator(now_ms=NOW_MS + 9_999).authenticate(token)
    assert await refusal(token, authenticator(now_ms=NOW_MS + 10_000)) == "The token has expired."
    fraction = sign(claims(NOW_MS, exp=NOW + 10.5))
    assert (await authenticator().authenticate(fraction)).expires_at == NOW + 10
    assert await refusal(fraction, authenticator(now_ms=NOW_MS + 10_000)) == "The token has expired."


async def test_a_token_begins_at_its_nbf() -> None:
    """It is valid from that second on; fractions are rounded up; `iat` isn't looked at."""
    token = sign(claims(NOW_MS, nbf=NOW + 10, iat=NOW + 600))
    assert await refusal(token, authenticator(now_ms=NOW_MS + 9_999)) == "The token is not valid yet."
    assert await authenticator(now_ms=NOW_MS + 10_000).authenticate(token)
    fraction = sign(claims(NOW_MS, nbf=NOW + 9.5))
    assert await refusal(fraction, authenticator(now_ms=NOW_MS + 9_999)) == "The token is not valid yet."


async def test_leeway_widens_both_ends() -> None:
    """With 5 seconds a token is valid 5 seconds before its nbf and after its exp, and the principal's end says so."""
    token = sign(claims(NOW_MS, nbf=NOW + 10, exp=NOW + 20))
    for second, reason in ((4, "The token is not valid yet."), (25, "The token has expired.")):
        assert await refusal(token, authenticator(now_ms=NOW_MS + second * 1000, leeway_s=5)) == reason
    for second in (5, 24):
        principal = await authenticator(now_ms=NOW_MS + second * 1000, leeway_s=5).authenticate(token)
        assert principal.expires_at == NOW + 25


@pytest.mark.parametrize("name", ["exp", "nbf"])
@pytest.mark.parametrize("value", ["1", True, False, None, [], {}, -1, -0.5, 253_402_300_800, 10**300])
async def test_a_time_is_a_number_of_seconds(name: str, value: object) -> None:
    """Anything else is refused, also where Python would take it for a number."""
    token = forge_hs256({**claims(NOW_MS), name: value})
    assert await refusal(token) == f"The token's {name} must be a number of seconds since the epoch."


@pytest.mark.parametrize(
    "number", [b"1e400", b"-1e400", b"NaN", b"Infinity", b"-Infinity", b"9" * 310, b"9" * 2500, b"01", b"0x1", b"1."]
)
async def test_a_number_out_of_range_is_refused_wherever_it_stands(number: bytes) -> None:
    """Also in claims that nobody reads."""
    raw = json.dumps(claims(NOW_MS)).encode()[:-1] + b', "note": [' + number + b"]}"
    assert await refusal(forge_hs256(raw)) == "The token's claims are malformed."


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{}{}",
        b"\xff{}",
        b'{"sub": "\xff"}',
        b'{"sub": "\xed\xa0\x80"}',
        b'{"sub": "\\ud800"}',
        b'{"\\udc00": 1}',
        b'{"a": {"b": 1, "b": 1}}',
        b"\xef\xbb\xbf{}",
        '{"sub": "someone"}'.encode("utf-16"),
        b"[" * 2500,
        b'{"a":' * 400 + b"[" * 900,
        b'{"sub": "a\nb"}',
    ],
)
async def test_what_is_no_plain_json_object_is_refused(raw: bytes) -> None:
    """As header or as claims: bad UTF-8, half characters, doubled members, depth, other encodings."""
    assert await refusal(forge(raw, claims(NOW_MS), hs256(SECRET))) in REASONS
    assert await refusal(forge_hs256(raw)) in {"The token's claims are malformed.", "The token is malformed."}


async def test_depth_in_a_claim_that_nobody_reads_is_no_failure() -> None:
    """A deep claim is refused or ignored, as the JSON reader can take it; nothing else comes of it."""
    raw = json.dumps(claims(NOW_MS)).encode()[:-1] + b', "note": ' + b"[" * 1200 + b'"\\u0041"' + b"]" * 1200 + b"}"
    try:
        await authenticator().authenticate(forge_hs256(raw))
    except AuthenticationError as error:
        assert error.reason == "The token's claims are malformed."  # noqa: PT017 (either outcome will do)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token.replace(".", "..", 1),
        lambda token: "." + token,
        lambda token: token + ".",
        lambda token: token.replace("e", "é", 1),
        lambda token: token.replace("e", "\ud800", 1),
        lambda token: "e" + token,
        lambda token: "Bearer " + token,
    ],
)
async def test_only_the_exact_text_is_a_token(change: Any) -> None:
    """Nothing before it, behind it or in it, also where a lenient reader would skip it."""
    await refusal(change(sign(claims(NOW_MS))))


async def test_a_signature_has_one_spelling() -> None:
    """The unused bits of the last character are zero, so that nobody makes a second token of one."""
    token = sign(claims(NOW_MS))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
    assert await refusal(twin) == "The token's signature does not fit."


@pytest.mark.parametrize(
    ("given", "user_id"), [("7", "7"), (7, "7"), (-7, "-7"), ("Zoë", "Zoë"), ("x" * 255, "x" * 255)]
)
async def test_a_user_id_is_a_text_or_an_integer(given: object, user_id: str) -> None:
    """Both spellings of a number name the same user."""
    assert (await authenticator().authenticate(forge_hs256(claims(NOW_MS, user_id=given)))).user_id == user_id


@pytest.mark.parametrize("given", ["", True, None, 1.5, [], {}, "a\nb", "a\x00", "x" * 256, 10**300])
async def test_another_user_id_is_refused(given: object) -> None:
    """A wrong one is never replaced by the subject."""
    expected = "The token's user_id must be a text of 1 to 255 printable characters."
    assert await refusal(forge_hs256(claims(NOW_MS, user_id=given))) == expected


async def test_without_a_user_id_the_subject_is_the_user() -> None:
    """`user_id` falls back to `sub`, and so do the user's default accounts."""
    by = authenticator(accounts={"someone": frozenset({4})})
    principal = await by.authenticate(sign(claims(NOW_MS, "user_id", "accounts")))
    assert principal.user_id == principal.subject == "someone"
    assert principal.accounts == {4}


@pytest.mark.parametrize("name", ["sub", "jti"])
@pytest.mark.parametrize("given", ["", 1, True, None, [], "a\r\nb", "x" * 256])
async def test_a_subject_and_a_token_id_are_texts(name: str, given: object) -> None:
    """A line break would forge a log line."""
    expected = f"The token's {name} must be a text of 1 to 255 printable characters."
    assert await refusal(forge_hs256(claims(NOW_MS, **{name: given}))) == expected


@pytest.mark.parametrize(
    ("given", "scopes"), [("a b", {"a", "b"}), ("", set()), ("  a  a ", {"a"}), ("a\tb", {"a\tb"}), ("a,b", {"a,b"})]
)
async def test_scopes_stand_with_blanks_between_them(given: str, scopes: set[str]) -> None:
    """An empty scope grants nothing; it is no missing one."""
    by = authenticator(scopes=frozenset({"default"}))
    assert (await by.authenticate(sign(claims(NOW_MS, scope=given)))).scopes == scopes


async def test_a_token_without_scope_gets_the_default() -> None:
    """And only such a token."""
    by = authenticator(scopes=frozenset({"orders:read"}))
    assert (await by.authenticate(sign(claims(NOW_MS, "scope")))).scopes == {"orders:read"}


@pytest.mark.parametrize("given", [None, 1, True, ["orders:read"], {}])
async def test_a_scope_of_another_type_is_refused(given: object) -> None:
    """It is never taken for a missing one."""
    expected = "The token's scope must be a text with a blank between two scopes."
    assert await refusal(forge_hs256(claims(NOW_MS, scope=given)), authenticator(scopes=frozenset({"a"}))) == expected


async def test_a_token_without_accounts_gets_those_of_its_user() -> None:
    """A user who isn't on the map has none; an empty list is no missing one."""
    by = authenticator(accounts={"1": frozenset({8, 9})})
    assert (await by.authenticate(sign(claims(NOW_MS, "accounts")))).accounts == {8, 9}
    assert (await by.authenticate(sign(claims(NOW_MS, "accounts", user_id="2")))).accounts == frozenset()
    assert (await by.authenticate(sign(claims(NOW_MS, accounts=[])))).accounts == frozenset()


@pytest.mark.parametrize("given", [None, 1, "1", {}, [True], [1, "2"], [1.0], [None], [[1]]])
async def test_accounts_of_another_type_are_refused(given: object) -> None:
    """They are never taken for missing ones."""
    by = authenticator(accounts={"1": frozenset({8})})
    expected = "The token's accounts must be a list of integers."
    assert await refusal(forge_hs256(claims(NOW_MS, accounts=given)), by) == expected


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (AUDIENCE, True),
        ([AUDIENCE], True),
        (["another", AUDIENCE], True),
        ([], False),
        (["another"], False),
        ([[AUDIENCE]], False),
        ({AUDIENCE: 1}, False),
        (AUDIENCE.upper(), False),
        (AUDIENCE + "x", False),
        (True, False),
        (None, False),
    ],
)
async def test_a_token_is_meant_for_this_server(given: object, meant: bool) -> None:
    """`aud` is the audience, or a list that holds it."""
    token = forge_hs256(claims(NOW_MS, aud=given))
    if meant:
        assert await authenticator().authenticate(token)
    else:
        assert await refusal(token) == "The token is not meant for this server."


@pytest.mark.parametrize("given", [ISSUER + "/", [ISSUER], None, True, ""])
async def test_an_issuer_is_one_exact_text(given: object) -> None:
    """Nothing that looks like it will do."""
    token = forge_hs256(claims(NOW_MS, iss=given))
    assert await refusal(token) == "The token's issuer is not the one that is trusted here."


async def test_issuer_and_audience_are_checked_where_they_are_configured() -> None:
    """Without them any will do, or none."""
    by = authenticator(issuer=None, audience=None)
    for token in (sign(claims(NOW_MS, iss="x", aud="y")), sign(claims(NOW_MS, "iss", "aud"))):
        assert await by.authenticate(token)


async def test_a_minted_token_is_accepted_and_says_what_was_wanted() -> None:
    """Minting and verifying are inverse."""
    token = mint(
        SECRET,
        subject="demo",
        user_id="1",
        accounts={2, 1},
        scopes={"orders:read", "balances:read"},
        expires_in_s=60,
        now_ms=NOW_MS + 999,
        issuer=ISSUER,
        audience=AUDIENCE,
        token_id="t",
    )
    assert await authenticator().authenticate(token) == Principal(
        subject="demo",
        user_id="1",
        scopes=frozenset({"orders:read", "balances:read"}),
        accounts=frozenset({1, 2}),
        expires_at=NOW + 60,
        token_id="t",
    )


async def test_a_minted_token_holds_no_more_than_was_wanted() -> None:
    """No issuer, no audience, no id unless they are given; and one may be minted that has expired."""
    token = mint(SECRET, subject="a", user_id="a", accounts=(), scopes=(), expires_in_s=10, now_ms=NOW_MS)
    principal = await authenticator(issuer=None, audience=None).authenticate(token)
    assert principal == Principal("a", "a", frozenset(), frozenset(), NOW + 10, None)
    assert await refusal(token) == "The token's issuer is not the one that is trusted here."
    old = mint(SECRET, subject="a", user_id="a", accounts=(), scopes=(), expires_in_s=0, now_ms=NOW_MS)
    assert await refusal(old) == "The token has expired."


def test_a_token_that_no_server_takes_is_not_minted() -> None:
    """4096 bytes are the bound here too."""
    with pytest.raises(ValueError, match=r"^The token would have \d+ bytes; at most 4096 do\. Name fewer accounts\.$"):
        mint(SECRET, subject="a", user_id="a", accounts=range(2000), scopes=(), expires_in_s=1, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("", "must have at least 32 bytes; it has 0."),
        ("x" * 31, "must have at least 32 bytes; it has 31."),
        ("é" * 15, "must have at least 32 bytes; it has 30."),
        ("\udcff" * 40, "must be UTF-8 text."),
        (tokens.public_pem(tokens.rsa_key()), "must be a secret; it is a key, a certificate or a JWK."),
        (tokens.private_pem(tokens.ec_key()), "must be a secret; it is a key, a certificate or a JWK."),
        (json.dumps(tokens.jwk(tokens.rsa_key())), "must be a secret; it is a key, a certificate or a JWK."),
        ('{"kty":' * 5000, "must be a secret; it is a key, a certificate or a JWK."),
    ],
)
def test_a_bad_secret_is_refused_in_a_sentence(secret: str, problem: str) -> None:
    """Too short by RFC 7518, or known to others; the sentence names it and doesn't show it."""
    with pytest.raises(ValueError, match="THE_SECRET") as caught:
        hs256_key(secret, name="THE_SECRET")
    assert str(caught.value) == f"THE_SECRET {problem}"
    assert caught.value.__context__ is None
    with pytest.raises(ValueError, match="The secret "):
        mint(secret, subject="a", user_id="a", accounts=(), scopes=(), expires_in_s=1, now_ms=NOW_MS)


def test_a_secret_of_32_bytes_will_do() -> None:
    """The bound counts bytes, not characters."""
    assert hs256_key("é" * 16).material == "é".encode() * 16


def test_nothing_shows_a_secret() -> None:
    """Neither a repr nor a formatted text of what holds a key."""
    by = authenticator()
    for holder in (HS256, StaticKeys(HS256), by):
        for text in (repr(holder), str(holder), f"{holder}", f"{[holder]}"):
            assert SECRET not in text
            assert SECRET[:8] not in text
    assert repr(StaticKeys(HS256)) == "StaticKeys(HS256)"


async def test_a_principal_shows_no_token() -> None:
    """Its repr may be logged."""
    token = sign(claims(NOW_MS, jti="id"))
    shown = repr(await authenticator().authenticate(token))
    assert not any(part in shown for part in token.split("."))


async def test_time_is_the_clock_s() -> None:
    """A token of another century is valid when the clock says so: nothing asks the machine."""
    century = 4_000_000_000_000
    assert await authenticator(now_ms=century).authenticate(sign(claims(century)))
    assert await refusal(sign(claims(round(time.time() * 1000))), authenticator(now_ms=century)) == (
        "The token has expired."
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
_HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(["HS256", "none", "RS256", "ES256", "EdDSA", "HS512"]) | _JSON},
    optional=dict.fromkeys(("kid", "typ", "cty", "crit", "b64", "jwk", "jku", "x5c", "x5u", "zip"), _JSON),
)
_CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "exp": st.integers(NOW + 1, NOW + 10**6) | _JSON,
        "sub": st.just("someone") | _JSON,
        "iss": st.just(ISSUER) | _JSON,
        "aud": st.just(AUDIENCE) | _JSON,
        **dict.fromkeys(("nbf", "iat", "user_id", "scope", "accounts", "jti", "note"), _JSON),
    },
)
_RAW = st.binary(max_size=200) | _HEADERS | _CLAIMS | _JSON.map(lambda value: json.dumps(value).encode())


def _is_sound(principal: Principal) -> bool:
    return (
        principal.expires_at > NOW
        and principal.subject.isprintable()
        and principal.user_id.isprintable()
        and all(type(account) is int for account in principal.accounts)
        and all(type(scope) is str for scope in principal.scopes)
    )


@given(_RAW, _RAW, st.sampled_from([SECRET, OTHER_SECRET, ""]) | st.binary(max_size=80))
async def test_whatever_the_parts_hold_a_token_is_accepted_or_refused(
    header: Any, body: Any, secret: str | bytes
) -> None:
    """No other exception comes, and nothing is accepted that isn't signed with the secret."""
    token = forge(header, body, secret if isinstance(secret, bytes) else hs256(secret))
    try:
        principal = await authenticator().authenticate(token)
    except AuthenticationError as error:
        assert error.reason in REASONS  # noqa: PT017 (either outcome will do)
    else:
        assert secret == SECRET
        assert _is_sound(principal)


@given(_CLAIMS)
async def test_whatever_signed_claims_hold_they_are_accepted_or_refused(body: Any) -> None:
    """A principal is sound, whatever the issuer wrote."""
    try:
        assert _is_sound(await authenticator(issuer=None, audience=None).authenticate(forge_hs256(body)))
    except AuthenticationError as error:
        assert error.reason in REASONS  # noqa: PT017 (either outcome will do)


@given(st.text(st.characters(), max_size=300) | st.text("abAB01-_.=", max_size=80))
async def test_whatever_text_comes_is_refused(text: str) -> None:
    """No text that isn't a token makes another exception."""
    await refusal(text)


_GOOD = sign(claims(NOW_MS))


@given(st.integers(0, len(_GOOD) - 1), st.characters(max_codepoint=0x2FF))
async def test_a_token_with_one_character_changed_is_refused(at: int, character: str) -> None:
    """Wherever it is changed."""
    changed = _GOOD[:at] + character + _GOOD[at + 1 :]
    if changed != _GOOD:
        await refusal(changed)
