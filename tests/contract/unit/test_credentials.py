"""Credentials: what is made of a token and a secret, and how a handshake carries it."""

import warnings
from pathlib import Path
from typing import Any

import jwt
import pytest

from codegen.reading import Carriage
from contract.credentials import Credentials, CredentialsError, Variant, carry, given, told, ways
from contract.spec import Channel, load_spec

GOLDEN = Path("tests/codegen/golden")
SECRET = "s" * 40
NOW = 1_800_000_000.25


def token_of(secret: str = SECRET, **claims: Any) -> str:
    """Return a JWT with claims that differ."""
    wanted = {"sub": "7", "user_id": 7, "exp": int(NOW) + 9000, "scope": "books:read books:open", "aud": "library"}
    return jwt.encode({**wanted, **claims}, secret, "HS256", headers={"kid": "k1"})


def claims_of(variant: Variant | str | None, secret: str | None = SECRET) -> dict[str, Any]:
    """Return a token's claims; with a secret, only if it is signed with it."""
    assert variant is not None
    token = variant if isinstance(variant, str) else variant.token
    options = {"verify_signature": secret is not None, "verify_exp": False, "verify_nbf": False, "verify_aud": False}
    options["verify_iat"] = False
    found: dict[str, Any] = jwt.decode(token, secret or "", ["HS256"], options=options)  # type: ignore[arg-type]
    return found


def channel_of(case: str, name: str) -> Channel:
    """Return a channel of a golden case."""
    return load_spec(GOLDEN / case / "asyncapi.yaml").channel(name)


BOOK = channel_of("handshake", "book")


@pytest.fixture
def both() -> Credentials:
    """Return a token that has all, with its secret."""
    return Credentials(token_of(), SECRET, lambda: NOW, scopes=["books:read", "books:open"])


def test_a_token_that_was_given_is_shown_as_it_is(both: Credentials) -> None:
    """With a secret too, as long as it lives and has the document's scopes."""
    assert both.good(BOOK) == token_of()
    assert Credentials("opaque", None, lambda: NOW).good(BOOK) == "opaque"


def test_a_channel_without_security_is_shown_nothing(both: Credentials) -> None:
    """A token would only be checked where the document says so."""
    assert both.good(channel_of("handshake", "loan")) is None


@pytest.mark.parametrize("claims", [{"exp": int(NOW) + 60}, {"exp": int(NOW) - 60}, {"scope": "books:read"}])
def test_a_token_that_will_not_last_is_made_anew_with_the_secret(claims: dict[str, Any]) -> None:
    """One that ends within the hour, has ended, or lacks a scope keeps all its other claims."""
    made = Credentials(token_of(**claims), SECRET, lambda: NOW, scopes=["books:open"]).good(BOOK)
    assert made != token_of(**claims)
    found = claims_of(made)
    assert found["exp"] > NOW + 3600
    assert set(found["scope"].split()) == {"books:read", "books:open"}
    assert (found["sub"], found["aud"]) == ("7", "library")
    assert jwt.get_unverified_header(str(made))["kid"] == "k1"


def test_with_a_secret_alone_a_token_is_made() -> None:
    """It has a user, an end, and all of the document's scopes."""
    found = claims_of(Credentials(None, SECRET, lambda: NOW, scopes=["b", "a"]).good(BOOK))
    assert (found["sub"], found["scope"]) == ("contract", "a b")
    assert found["exp"] > NOW


def test_without_anything_only_what_needs_nothing_is_made() -> None:
    """There is no good token then."""
    nothing = Credentials(None, None, lambda: NOW)
    assert nothing.good(BOOK) is None
    assert [item.name for item in nothing.variants(BOOK)] == ["garbage", "empty", "too_long"]


def test_each_variant_differs_in_one_thing(both: Credentials) -> None:
    """The other claims are the good token's, and the signature is the secret's."""
    good = claims_of(token_of())
    expired, early = claims_of(both.expired()), claims_of(both.not_yet())
    assert expired == {**good, "exp": int(NOW) - 3600}
    assert early["nbf"] > NOW
    assert early["exp"] > early["nbf"]
    assert claims_of(both.without("books:read")) == {**good, "scope": "books:open"}
    assert claims_of(both.without_expiry()) == {name: value for name, value in good.items() if name != "exp"}
    other = claims_of(both.other_user())
    assert {name for name in other if other[name] != good[name]} == {"sub", "user_id"}
    assert type(other["user_id"]) is int


def test_an_expired_token_was_issued_before_its_end() -> None:
    """Else it would be refused for that, and not for its end."""
    found = claims_of(Credentials(token_of(iat=int(NOW), nbf=int(NOW)), SECRET, lambda: NOW).expired())
    assert found["iat"] < found["exp"]
    assert found["nbf"] < found["exp"]


def test_an_expiring_token_lives_at_least_as_long_as_wanted(both: Credentials) -> None:
    """`exp` is a whole second, the next one."""
    variant = both.expiring(2)
    assert variant is not None
    assert variant.expires_at == claims_of(variant)["exp"] == int(NOW) + 3
    assert variant.accepted is True


@pytest.mark.parametrize("name", ["wrong_signature", "other_key", "alg_none"])
@pytest.mark.parametrize("secret", [SECRET, None])
def test_a_false_signature_needs_no_secret(name: str, secret: str | None) -> None:
    """The claims are the good token's, and no key of the server verifies it."""
    variant = getattr(Credentials(token_of(), secret, lambda: NOW), name)()
    assert claims_of(variant, None) == claims_of(token_of())
    with pytest.raises(jwt.InvalidTokenError):
        claims_of(variant)


@pytest.mark.parametrize(("claim", "value"), [("scopes", ["x", "y"]), ("scp", ["x", "y"]), ("scp", "x y")])
def test_scopes_are_found_where_the_token_has_them(claim: str, value: object) -> None:
    """And taken from there, in the same form."""
    token = jwt.encode({"sub": "7", "exp": int(NOW) + 9000, claim: value}, SECRET)
    credentials = Credentials(token, SECRET, lambda: NOW)
    assert credentials.scopes == ("x", "y")
    assert claims_of(credentials.without("x"))[claim] == (["y"] if isinstance(value, list) else "y")
    assert credentials.without("z") is None


def test_a_given_token_that_lacks_a_scope_is_known_to_lack_it() -> None:
    """With no secret it can't be helped, and a handshake with it must be refused."""
    assert Credentials(token_of(scope="books:read"), None, lambda: NOW).lacks(BOOK) == ("books:open",)
    assert Credentials(token_of(), None, lambda: NOW).lacks(BOOK) == ()
    assert Credentials("opaque", None, lambda: NOW).lacks(BOOK) == ()


def test_a_token_is_longer_than_the_limit(both: Credentials) -> None:
    """It is signed, so that its length is all that is wrong."""
    variant = both.too_long(1000)
    assert variant is not None
    assert 1000 < len(variant.token) < 3000
    assert claims_of(variant)["sub"] == "7"
    assert both.too_long(100_000) is None


def test_an_opaque_token_is_altered_and_keeps_its_length() -> None:
    """Of a name with a password, the password is."""
    altered = Credentials("AAAA1234", None, lambda: NOW).garbage().token
    assert altered != "AAAA1234"
    assert len(altered) == 8
    assert Credentials("ada:secret", None, lambda: NOW).garbage().token.startswith("ada:")


def test_what_is_altered_says_nothing_of_the_good_one() -> None:
    """A report may hold it: neither a password nor a signature can be guessed from it."""
    assert "cret" not in Credentials("ada:secret", None, lambda: NOW).garbage().token
    assert set(Credentials("abcd1234", None, lambda: NOW).garbage().token) == {"A"}
    wrong = Credentials(token_of(), None, lambda: NOW).wrong_signature()
    assert wrong is not None
    pairs = zip(wrong.token, token_of(), strict=True)
    assert sum(one != other for one, other in pairs) >= 20


def test_a_token_that_a_server_could_take_is_kept(both: Credentials) -> None:
    """Now or later; one that is wrong in itself may be shown to anybody."""
    kept: dict[str, str] = {}
    both.keep = lambda secret: kept.update({secret.value: secret.name})
    made = {variant.name: variant.token for variant in both.variants(BOOK, longest=1000)}
    expiring = both.expiring(3)
    assert expiring is not None
    takeable = {name for name, token in made.items() if token in kept}
    assert takeable == {
        "not_yet",
        "without books:read",
        "without books:open",
        "without_expiry",
        "other_user",
        "too_long",
    }
    assert kept[made["without books:read"]] == "TOKEN_WITHOUT_BOOKS_READ"
    assert kept[expiring.token] == "TOKEN_EXPIRING"
    assert len(kept) == len(takeable) + 1


def test_what_was_given_is_named_by_what_it_is() -> None:
    """The good token is TOKEN, whether it was given or is made; one that is made beside a given one is another."""
    found = {secret.name: secret.value for secret in given("t", "s", "ws://bob:p%40s@host")}
    assert found == {"TOKEN": "t", "TOKEN_SECRET": "s", "URL_LOGIN": "bob:p@s", "URL_PASSWORD": "p@s"}
    for token, name in ((None, "TOKEN"), (token_of(scope="books:read"), "TOKEN_GOOD")):
        kept: list[str] = []
        credentials = Credentials(token, SECRET, lambda: NOW, scopes=["books:read", "books:open"])
        credentials.keep = lambda secret, kept=kept: kept.append(secret.name)  # type: ignore[misc]
        credentials.good(BOOK)
        assert kept == [name]


@pytest.mark.parametrize(
    ("token", "secret", "text"),
    [
        ("", None, "empty"),
        ("two lines\n", None, "no header"),
        ("opaque", SECRET, "the token is none"),
        (token_of(), "wrong" * 8, "not the one"),
        (token_of(exp=int(NOW) - 1), None, "expired"),
    ],
)
def test_what_is_of_no_use_is_told_and_not_shown(token: str, secret: str | None, text: str) -> None:
    """The sentence says what to do."""
    with pytest.raises(CredentialsError, match=text) as raised:
        Credentials(token, secret, lambda: NOW)
    assert not token or token not in str(raised.value)


def test_a_short_secret_warns_nobody() -> None:
    """It is the server's, and not for the tester to change."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        credentials = Credentials(None, "short", lambda: NOW)
        assert len(list(credentials.variants(BOOK))) > 8


def test_no_variant_shows_its_token(both: Credentials) -> None:
    """What is printed of it holds no secret."""
    assert all(variant.token not in repr(variant) for variant in both.variants(BOOK) if variant.token)


WAYS = {
    ("handshake", "book"): [Carriage("bearer"), Carriage("query", "card")],
    ("handshake", "shelf"): [Carriage("bearer"), Carriage("header", "x-card")],
    ("handshake", "loan"): [],
    ("credentials", "basic"): [Carriage("basic")],
    ("credentials", "cookie"): [Carriage("bearer"), Carriage("cookie", "session")],
    ("credentials", "token"): [Carriage("bearer"), Carriage("query", "key")],
}


@pytest.mark.parametrize(("case", "name"), WAYS)
def test_the_ways_are_those_of_the_document(case: str, name: str) -> None:
    """The usual one comes first."""
    assert list(ways(channel_of(case, name), "opaque")) == WAYS[case, name]


def test_a_password_goes_where_passwords_go() -> None:
    """Where a channel takes tokens too, a colon tells."""
    assert ways(channel_of("credentials", "token"), "ada:secret") == (Carriage("basic"),)


@pytest.mark.parametrize(
    ("way", "carried"),
    [
        (Carriage("bearer"), ((("Authorization", "Bearer a+b"),), {}, ())),
        (Carriage("basic"), ((("Authorization", "Basic YStiOg=="),), {}, ())),
        (Carriage("query", "t"), ((), {"t": "a+b"}, ())),
        (Carriage("header", "x-t"), ((("x-t", "a+b"),), {}, ())),
        (Carriage("cookie", "t"), ((("Cookie", "t=a+b"),), {}, ())),
    ],
)
def test_each_way_carries_a_token(way: Carriage, carried: object) -> None:
    """Nothing else is sent with it."""
    assert carry(BOOK, "a+b", way) == carried
    assert carry(BOOK, None, way) == ((), {}, ())
    assert told(way)
