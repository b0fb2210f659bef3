"""Handshakes: which are tried on a channel, what the document wants of each, and what is said of how they went."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import jwt
import pytest

from contract.addresses import split
from contract.credentials import Credentials
from contract.handshakes import Case, Outcome, cases, ending_case, good_connect, judge, kept, remark, tells_of_expiry
from contract.spec import Spec, load_spec

GOLDEN = Path("tests/codegen/golden")
DOCUMENT = Path("asyncapi.yaml")
OWN = load_spec(DOCUMENT)
SECRET = "s" * 40
NOW = 1_800_000_000.0
SCOPES = "orders:read balances:read books:read books:open shelves:write chat:read"
TOKEN = jwt.encode({"sub": "1", "exp": int(NOW) + 9000, "scope": SCOPES}, SECRET)


def spec_of(case: str) -> Spec:
    """Return the document of a golden case."""
    return load_spec(GOLDEN / case / "asyncapi.yaml")


def credentials_of(token: str | None = TOKEN, secret: str | None = SECRET) -> Credentials:
    """Return a token that has all, with its secret."""
    return Credentials(token, secret, lambda: NOW)


def all_cases(spec: Spec, channel: str, credentials: Credentials | None = None) -> list[Case]:
    """Return the cases of a channel."""
    return list(cases(spec, spec.channel(channel), credentials or credentials_of(), {}))


def subjects(found: list[Case], *, accepted: bool | None) -> set[str]:
    """Return what the cases of one kind are about."""
    return {case.subject for case in found if case.accepted is accepted}


TRADES = all_cases(OWN, "trades")
BEARER, QUERY = "in the header Authorization", "as ?token="
VARIANTS = ["garbage", "empty", "wrong_signature", "alg_none", "other_key", "expired", "too_long"]


def test_good_handshakes_are_all_that_the_document_allows() -> None:
    """Each way to carry the token, each subprotocol offered or not, optional parameters at their boundaries."""
    wanted = {f"token {BEARER}", f"token {QUERY}", "offer tapecast.v1", "query replay maximum", "query replay default"}
    assert subjects(TRADES, accepted=True) >= wanted
    full = next(case for case in TRADES if case.subject == "query replay maximum")
    assert full.connect.target == "/api/v1/cache/ws/trades/sim/BTC/USDT?replay=1000"


@pytest.mark.parametrize("way", [BEARER, QUERY])
@pytest.mark.parametrize("variant", VARIANTS)
def test_each_bad_token_is_tried_in_each_way(variant: str, way: str) -> None:
    """A check may be missing in one of them only."""
    assert f"token {variant} {way}" in subjects(TRADES, accepted=False)


def test_a_missing_token_is_refused_unless_it_is_optional() -> None:
    """Then it is let in without; but a bad token that is shown is refused all the same."""
    assert "token missing" in subjects(TRADES, accepted=False)
    bars = all_cases(OWN, "bars")
    assert "no token" in subjects(bars, accepted=True)
    assert f"token expired {QUERY}" in subjects(bars, accepted=False)
    assert f"token empty {QUERY}" in subjects(bars, accepted=None)


def test_each_scope_is_missing_once() -> None:
    """In each way."""
    found = subjects(all_cases(spec_of("handshake"), "book"), accepted=False)
    assert {f"token without books:{name} {BEARER}" for name in ("read", "open")} <= found


def test_what_only_the_server_knows_is_left_open() -> None:
    """Other examples, made-up names, another user: the document doesn't say that these do."""
    open_ones = subjects(all_cases(OWN, "orders"), accepted=None)
    assert {"parameters", "parameter exchange type", f"token other_user {BEARER}", "query epoch type"} <= open_ones
    assert {f"token without_expiry {BEARER}", f"token not_yet {BEARER}"} <= open_ones


def test_a_slash_is_sent_encoded_too() -> None:
    """As RFC 6570 expands a template, beside the way that the document allows."""
    found = [case for case in TRADES if case.subject == "encoded slash"]
    assert [(case.connect.target.partition("?")[0], case.accepted) for case in found] == [
        ("/api/v1/cache/ws/trades/sim/BTC%2FUSDT", True)
    ]
    assert not [case for case in all_cases(OWN, "bars") if "slash encoded" in case.connect.note]


def test_what_must_be_sent_together_is_sent_apart_too() -> None:
    """`epoch` needs `seq` and the other way round: together they are tried with one thing wrong, and each without."""
    found = [case for case in TRADES if case.subject == "query seq minimum"]
    assert {("epoch=" in case.connect.target, case.accepted) for case in found} == {(True, None), (True, False)}
    alone = [case for case in TRADES if case.subject in ("query seq dependencies", "query epoch dependencies")]
    assert [case.connect.target.count("=") for case in alone] == [1, 1]
    assert all(case.accepted is False for case in alone)
    assert "query aloud dependencies" in subjects(all_cases(spec_of("handshake"), "book"), accepted=False)


def test_parameters_that_belong_together_are_sent_together(tmp_path: Path) -> None:
    """Where only the texts put `seq` beside `epoch`, nothing is promised of it alone, and yet it is tried."""
    file = tmp_path / "asyncapi.yaml"
    text = DOCUMENT.read_text()
    assert "dependencies: {epoch" in text
    file.write_text(re.sub("dependencies: {epoch.*", "", text))
    trades = all_cases(load_spec(file), "trades")
    found = [case for case in trades if case.subject == "query seq minimum"]
    assert {("epoch=" in case.connect.target, case.accepted) for case in found} >= {(True, None), (False, None)}
    bad = [case for case in found if case.accepted is False]
    assert {"epoch=" in case.connect.target for case in bad} == {True, False}
    alike = {(case.like, case.subject) for case in trades if case.like}
    assert ("query seq beside epoch", "query seq minimum") in alike


def test_each_keyword_of_a_parameter_is_broken() -> None:
    """In the address, in the query and in the headers; and what is required is left out."""
    handshake, headers = spec_of("handshake"), spec_of("headers")
    book = subjects(all_cases(handshake, "book"), accepted=False)
    assert {"parameter shelf type", "parameter shelf minimum", "parameter shelf maximum"} <= book
    assert {"parameter book-title pattern", "parameter book-title maxLength"} <= book
    assert {"query hand enum", "query hand required", "query zoom exclusiveMinimum", "query aloud type"} <= book
    assert "parameter kind enum" in subjects(all_cases(handshake, "loan"), accepted=False)
    feed = subjects(all_cases(headers, "feed"), accepted=False)
    assert {"header X-Client required", "header X-Client minLength", "header X-Mode enum", "query from type"} <= feed


def test_every_bad_handshake_of_every_document_has_something_wrong_and_every_good_one_nothing() -> None:
    """Unknown addresses are none of the document's; no two cases of a channel are the same handshake."""
    count = 0
    for path in [Path("asyncapi.yaml"), *sorted(GOLDEN.glob("*/asyncapi.yaml"))]:
        if path.parent.name.startswith("bad_"):
            continue
        spec = load_spec(path)
        for channel in spec.channels:
            found = list(cases(spec, channel, credentials_of(), {}))
            sent = Counter((case.connect.target, case.connect.headers, case.connect.subprotocols) for case in found)
            assert set(sent.values()) <= {1}
            for case in found:
                count += 1
                where = case.connect.target.partition("?")[0]
                known = [other.id for other in spec.channels if split(other, where) is not None]
                assert bool(known) is not case.subject.startswith("address")
                assert case.connect.accepted is case.accepted
                assert case.accepted is True or case.connect.note == case.note
                assert case.note.endswith(".")
                assert all(value.isascii() and value.isprintable() for _, value in case.connect.headers)
    assert count > 1000


def test_an_address_that_another_channel_has_is_not_tried() -> None:
    """`/shelves/x` is nearly `/shelves/first`, and a shelf."""
    found = all_cases(spec_of("handshake"), "first")
    assert not [case for case in found if case.connect.target == "/shelves/first-contract"]
    assert "address: one segment less" in subjects(found, accepted=False)


def test_without_a_token_only_what_needs_none_is_tried() -> None:
    """No good handshake is promised, and no parameter is blamed."""
    found = all_cases(OWN, "trades", credentials_of(None, None))
    assert not subjects(found, accepted=True)
    wanted = {"token missing", f"token garbage {QUERY}", "address: another segment"}
    assert wanted <= subjects(found, accepted=False)
    assert not [case for case in found if case.subject.startswith(("parameter", "query"))]


def test_a_token_that_lacks_a_scope_must_be_refused() -> None:
    """It was given as a good one, but this channel is not for it."""
    poor = credentials_of(jwt.encode({"sub": "1", "exp": int(NOW) + 9000, "scope": ""}, SECRET), None)
    found = all_cases(OWN, "orders", poor)
    assert not subjects(found, accepted=True)
    assert "without orders:read" in subjects(found, accepted=False)
    assert good_connect(OWN.channel("orders"), poor, {}).accepted is False
    assert good_connect(OWN.channel("trades"), poor, {}).accepted is True


def test_a_token_that_was_made_up_promises_nothing_of_a_resource() -> None:
    """Whose account it may see is not known; where the address names nothing, it is as good as any."""
    made = credentials_of(None)
    assert good_connect(OWN.channel("trades"), made, {}).accepted is None
    assert good_connect(OWN.channel("bars"), made, {}).accepted is True


def test_a_connection_for_other_phases_has_nothing_wrong() -> None:
    """It offers what is declared, unless it is told otherwise, and takes the user's values."""
    connect = good_connect(OWN.channel("trades"), credentials_of(), {"symbol": ["X"], "exchange": ["y"]}, socket=3)
    assert connect.target == "/api/v1/cache/ws/trades/y/X"
    assert (connect.subprotocols, connect.socket, connect.accepted) == (("tapecast.v1",), 3, True)
    assert good_connect(OWN.channel("bars"), credentials_of(), {}, subprotocols=()).subprotocols == ()


def test_what_may_be_chosen_is_what_was_offered_and_declared() -> None:
    """Of nothing that is declared, nothing."""
    found = {case.subject: case.subprotocol for case in all_cases(spec_of("subprotocols"), "room")}
    assert found["no token"] == (None,)
    assert found["offer talk.v1"] == ("talk.v1",)
    assert found["offer talk.v2, talk.v1"] == ("talk.v2", "talk.v1")
    assert found["offer contract.undeclared, talk.v2"] == ("talk.v2",)
    assert found["offer undeclared"] == (None,)


def test_the_life_of_a_token_begins_when_its_case_is_taken() -> None:
    """However long the cases before it took."""
    time = [NOW]
    credentials = Credentials(TOKEN, SECRET, lambda: time[0])
    found = iter(cases(OWN, OWN.channel("bars"), credentials, {}))
    first = next(found)
    time[0] += 100
    *_, last = found
    again = ending_case(OWN, OWN.channel("bars"), credentials, {})
    assert first.stays_open_for is None
    assert (last.stays_open_for, again) == (2.0, last)
    assert ending_case(OWN, OWN.channel("bars"), credentials_of(None, None), {}) is None


def test_a_connection_must_end_with_its_token_where_the_document_says_so() -> None:
    """By a close code of it, or a message."""
    last = TRADES[-1]
    assert (last.rule, last.stays_open_for, last.must_end) == ("token-kept", 2.0, True)
    assert not tells_of_expiry(spec_of("handshake"), spec_of("handshake").channel("book"))


CASE = next(case for case in TRADES if case.accepted is True)
BAD = next(case for case in TRADES if case.accepted is False)
OPEN = next(case for case in TRADES if case.accepted is None)
OFFER = next(case for case in TRADES if case.subject == "offer tapecast.v1")

JUDGED: list[tuple[Case, Outcome, str | None]] = [
    (CASE, Outcome(), None),
    (CASE, Outcome(101), None),
    (CASE, Outcome(close_code=1000), None),
    (CASE, Outcome(close_code=4000, data_before_close=True), None),
    (CASE, Outcome(403), "handshake-refused"),
    (CASE, Outcome(500), "handshake-refused"),
    (CASE, Outcome(301), "handshake-refused"),
    (CASE, Outcome(close_code=1008), "handshake-refused"),
    (CASE, Outcome(429), None),
    (CASE, Outcome(503), None),
    (CASE, Outcome(lost=True), "connection-lost"),
    (CASE, Outcome(subprotocol="x"), "handshake-subprotocol"),
    (BAD, Outcome(), "handshake-accepted"),
    (BAD, Outcome(close_code=1000), "handshake-accepted"),
    (BAD, Outcome(close_code=4000, data_before_close=True), "handshake-accepted"),
    (BAD, Outcome(close_code=4000), None),
    (BAD, Outcome(close_code=1008), None),
    (BAD, Outcome(close_code=1011), "connection-lost"),
    (BAD, Outcome(401), None),
    (BAD, Outcome(404), None),
    (BAD, Outcome(200), None),
    (BAD, Outcome(503), None),
    (BAD, Outcome(500), "connection-lost"),
    (BAD, Outcome(lost=True), "connection-lost"),
    (OPEN, Outcome(), None),
    (OPEN, Outcome(404), None),
    (OPEN, Outcome(500), "connection-lost"),
    (OPEN, Outcome(subprotocol="x"), "handshake-subprotocol"),
    (OFFER, Outcome(subprotocol="tapecast.v1"), None),
    (OFFER, Outcome(), "handshake-subprotocol"),
    (OFFER, Outcome(400), "handshake-refused"),
]


@pytest.mark.parametrize(("case", "outcome", "rule"), JUDGED)
def test_a_handshake_is_judged_by_how_it_went(case: Case, outcome: Outcome, rule: str | None) -> None:
    """A refusal is an answer or a close code that says so; a server that breaks down refuses nothing."""
    found = judge(case, outcome)
    assert (found.rule if found else None) == rule
    if found is not None:
        assert (found.channel, found.subject, found.mark) == ("trades", case.subject, case.mark)
        assert case.note.removesuffix(".") in found.text


def test_a_token_that_is_kept_is_told() -> None:
    """After its end and some grace; only where the document wants an end."""
    ending = TRADES[-1]
    assert kept(ending, 2.3, 0.5) is None
    assert kept(CASE, None, 0.5) is None
    assert kept(replace(ending, must_end=False), None, 0.5) is None
    for late in (None, 2.6):
        found = kept(ending, late, 0.5)
        assert found is not None
        assert found.rule == "token-kept"


def test_a_remark_is_made_where_a_person_should_know() -> None:
    """A value that fits its schema is refused for its form; a token without an end is let in. No more than that."""
    by_subject = {case.subject: case for case in TRADES}
    value = by_subject["query epoch type"]
    assert "422" in (remark(value, Outcome(422)) or "")
    assert remark(value, Outcome(404)) is None
    assert remark(value, Outcome()) is None
    for name in ("without_expiry", "not_yet"):
        token = by_subject[f"token {name} {BEARER}"]
        assert "let in" in (remark(token, Outcome()) or "")
        assert remark(token, Outcome(401)) is None
    assert remark(CASE, Outcome(422)) is None


def test_a_parameter_of_an_enum_promises_each_of_its_values(tmp_path: Path) -> None:
    """Of an address that names nothing else."""
    file = tmp_path / "asyncapi.yaml"
    file.write_text(
        dedent(
            """
            asyncapi: 3.0.0
            info: {title: Rooms, version: '1'}
            channels:
              room:
                address: /rooms/{colour}
                parameters: {colour: {enum: [blue, green]}}
                messages: {word: {payload: {type: string}}}
            operations: {say: {action: receive, channel: {$ref: '#/channels/room'}}}
            """
        )
    )
    found = all_cases(load_spec(file), "room")
    promised = {case.connect.target for case in found if case.accepted}
    assert promised == {"/rooms/blue", "/rooms/green"}
    assert "parameter colour enum" in subjects(found, accepted=False)


def test_what_belongs_together_is_compared() -> None:
    """Of cases that differ in one value, which will do or which anybody could make up, all are let in or none."""
    alike = {(case.like, case.subject) for case in TRADES if case.like}
    assert {("query seq beside epoch", "query seq minimum"), ("query seq beside epoch", "query seq maximum")} <= alike
    assert ("any query epoch beside seq", "query epoch maxLength") in alike
    assert all(case.accepted is None and case.as_promised.connect.accepted for case in TRADES if case.like)
