"""Addresses: from values to what is sent, and back."""

from pathlib import Path
from random import Random

import pytest

from contract.addresses import (
    UrlError,
    base,
    given_values,
    good_headers,
    good_parameters,
    good_query,
    known_sets,
    login,
    shown,
    split,
    target,
)
from contract.spec import Channel, Spec, load_spec

GOLDEN = Path("tests/codegen/golden")
OWN = load_spec(Path("asyncapi.yaml"))


def spec_of(case: str) -> Spec:
    """Return the document of a golden case."""
    return load_spec(GOLDEN / case / "asyncapi.yaml")


ODD = spec_of("odd_addresses")
HANDSHAKE = spec_of("handshake")

TARGETS: list[tuple[Channel, dict[str, str], str]] = [
    (OWN.channel("trades"), {"exchange": "sim", "symbol": "BTC/USDT"}, "/api/v1/cache/ws/trades/sim/BTC/USDT"),
    (OWN.channel("exchangeTrades"), {"exchange": "a/b?c d%"}, "/api/v1/cache/ws/trades/a%2Fb%3Fc%20d%25"),
    (ODD.channel("pair"), {"base": "btc", "quote": "usd"}, "/pairs/btc-usd"),
    (ODD.channel("file"), {"user id": "ä", "name": "a", "kind": "b.c"}, "/files/%C3%A4/a.b.c"),
    (ODD.channel("version"), {"version": "2", "class": "x"}, "/v2/x"),
    (ODD.channel("root"), {}, "/"),
]


@pytest.mark.parametrize(("channel", "values", "path"), TARGETS)
def test_values_make_a_path_and_come_out_of_it(channel: Channel, values: dict[str, str], path: str) -> None:
    """Also beside texts of the same segment, and with slashes where they may stand."""
    assert target(channel, values) == path
    assert split(channel, path) == values


def test_a_query_is_encoded() -> None:
    """So that every server reads the same."""
    assert target(ODD.channel("root"), {}, {"a b": "1&2+3"}) == "/?a%20b=1%262%2B3"


@pytest.mark.parametrize("path", ["/pairs/btc", "/pair/btc-usd", "/pairs/btc-usd/", "/pairs", "/pairs/-usd", "/"])
def test_another_address_has_no_values(path: str) -> None:
    """Whatever is nearly like it."""
    assert split(ODD.channel("pair"), path) is None


ROOM = spec_of("subprotocols").channels
BASES = [
    ("ws://host:1", ROOM, "ws://host:1"),
    ("wss://host/", ROOM, "wss://host"),
    ("https://host", ROOM, "wss://host"),
    ("ws://host/behind/proxy", ROOM, "ws://host/behind/proxy"),
    ("ws://host/room", ROOM, "ws://host"),
    ("ws://host/proxy/room/", ROOM, "ws://host/proxy"),
    ("ws://host/api", OWN.channels, "ws://host"),
    ("ws://host/api/v1", OWN.channels, "ws://host"),
    ("ws://host/ap", OWN.channels, "ws://host/ap"),
    ("ws://host/api/v1/ws", OWN.channels, "ws://host/api/v1/ws"),
    ("ws://host/x/pairs/a-b", [ODD.channel("pair")], "ws://host/x"),
]


@pytest.mark.parametrize(("url", "channels", "expected"), BASES)
def test_a_url_and_an_address_go_together(url: str, channels: tuple[Channel, ...], expected: str) -> None:
    """A path of the url is a prefix, and what the addresses have already doesn't come twice."""
    assert base(url, channels) == expected


@pytest.mark.parametrize("url", ["host:1", "ftp://host", "ws://", "ws://host?token=1", "ws://host#a"])
def test_a_url_that_is_none_is_told(url: str) -> None:
    """With what to write instead."""
    with pytest.raises(UrlError, match=r"Write|Leave"):
        base(url, ROOM)


def test_examples_of_one_place_belong_together() -> None:
    """The first with the first, the second with the second; of more, where a token is asked for, only the first do."""
    trades = OWN.channel("trades")
    assert good_parameters(trades, {}) == {"exchange": "sim", "symbol": "BTC/USDT"}
    assert known_sets(trades, {}) == ({"exchange": "sim", "symbol": "BTC/USDT"},)
    pool = {"exchange": ["a", "b"], "symbol": ["x", "y"]}
    assert known_sets(trades, pool) == ({"exchange": "a", "symbol": "x"}, {"exchange": "b", "symbol": "y"})


def test_the_users_values_come_first() -> None:
    """For one channel before those for all."""
    trades = OWN.channel("trades")
    pool = {"trades.symbol": ["mine"], "symbol": ["ours"], "exchange": ["x"]}
    assert good_parameters(trades, pool) == {"exchange": "x", "symbol": "mine"}
    assert given_values(OWN.channel("orders"), OWN.channel("orders").parameters[1], pool) == ["ours"]


def test_values_are_made_to_fit_where_none_is_named() -> None:
    """They fit the schema, and the same seed gives the same."""
    book = HANDSHAKE.channel("book")
    assert known_sets(book, {}) == ()
    found = good_parameters(book, {}, Random(1))
    assert found == good_parameters(book, {}, Random(1))
    assert found["book-title"][0].isupper()
    assert len(found["book-title"]) <= 20


def test_what_a_handshake_must_have_is_made() -> None:
    """And what is optional is left out."""
    assert good_query(HANDSHAKE.channel("book"), {}) == {"hand": "left"}
    assert list(good_headers(spec_of("headers").channel("feed"), {})) == ["X-Client"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://host:80/a@b", "ws://host:80/a@b"),
        ("ws://bob:hunter2@host/a?token=mine&x", "ws://host/a?token=...&..."),
        ("ws://bob:hun@ter2@host", "ws://host"),
        ("ws://bob:hun/ter2@host", "ws://host"),
        ("ws://bob:hunter2@[::1", "ws://[::1"),
        ("ws://[::1]:80/x@y", "ws://[::1]:80/x@y"),
        ("ws://host/#mine", "ws://host/#..."),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, expected: str) -> None:
    """Whether it is a good one or not."""
    assert shown(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "ws://[::1:80",
        "ws://host:port",
        "ws://host:99999",
        "ws://bob:hun/ter2@host",
        "ws://bob:hunter2@host?token=mine-ter2",
        "ws://ter2@host",
        "ftp://bob:hunter2@host",
        "ws://bob:hunter2@",
    ],
)
def test_a_url_that_is_wrong_is_a_sentence_without_its_secrets(url: str) -> None:
    """Nothing of a password is in it, and nothing of a query."""
    with pytest.raises(UrlError) as error:
        base(url, ROOM)
    assert "ter2" not in str(error.value)
    assert login("ws://[::1:80") is None
