"""What was met of a document, and why the rest wasn't."""

from pathlib import Path
from typing import Any

import pytest

from contract.covering import Covering, keyword_name, unreached
from contract.spec import Spec, load_spec
from tests.contract.unit.made import DOCUMENT, order, tea_room


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the tea room's document."""
    return tea_room(tmp_path)


def test_everything_of_the_document_is_there_from_the_beginning(spec: Spec) -> None:
    """Each operation, message, keyword and code of the document is counted from 0."""
    coverage = Covering(spec).coverage
    assert coverage.operations.counts == {"room/orderTea": 0}
    assert coverage.sent.counts == {"room/order": 0}
    assert coverage.received.counts == {"room/served": 0, "room/error": 0, "room/call": 0}
    assert coverage.errors.counts == {"bad_request": 0, "sold_out": 0}
    assert coverage.closes.counts == {"1000": 0, "4001": 0}
    keywords = [
        *(" type", " required", "/type const", "/id type", "/cups type", "/cups minimum", "/cups maximum"),
        *("/sugar type", "/sugar/* type", "/sugar/* maxLength"),
    ]
    assert sorted(coverage.keywords.counts) == sorted(
        f"room/order#{keyword} {side}" for keyword in keywords for side in ("valid", "invalid")
    )


def test_what_is_sent_is_counted(spec: Spec) -> None:
    """A good frame counts for its operation, its message and its keyword; a bad one for its keyword's other side."""
    covering = Covering(spec)
    covering.sent("room", "orderTea", "order", [keyword_name(("sugar", 3), "maxLength")], good=True)
    covering.sent("room", "orderTea", "order", [keyword_name(("sugar", 0), "maxLength")], good=False)
    covering.sent("room", "orderTea", "order")
    covering.sent("room", None, None, good=False)
    coverage = covering.coverage
    assert coverage.operations.counts["room/orderTea"] == 2
    assert coverage.sent.counts["room/order"] == 2
    assert coverage.keywords.counts["room/order#/sugar/* maxLength valid"] == 1
    assert coverage.keywords.counts["room/order#/sugar/* maxLength invalid"] == 1
    assert sum(coverage.keywords.counts.values()) == 2


def test_codes_are_read_from_errors(spec: Spec) -> None:
    """An error's code is counted if the document has it, a close code likewise; anything else is passed over."""
    covering = Covering(spec)
    values: tuple[Any, ...] = (
        {"code": "sold_out"},
        {"code": "made_up"},
        {"code": ["sold_out"]},
        {},
        [],
        None,
        "sold_out",
    )
    for value in values:
        covering.received("room", "error", value)
    covering.received("room", None, {"code": "sold_out"})
    for code in (4001, 4999, None):
        covering.closed(code)
    assert covering.coverage.errors.counts == {"bad_request": 0, "sold_out": 1}
    assert covering.coverage.closes.counts == {"1000": 0, "4001": 1}
    assert covering.coverage.received.counts["room/error"] == 7


def test_codes_of_a_schema(tmp_path: Path) -> None:
    """A document without x-error-codes has the codes that its errors' schemas list."""
    text = DOCUMENT.replace(
        "code: {type: string, x-codes: x-error-codes, enum: [bad_request, sold_out]}", "code: {enum: [one, 2]}"
    )
    start, end = text.index("x-error-codes"), text.index("x-close-codes")
    path = tmp_path / "tea.yaml"
    path.write_text(text[:start] + text[end:])
    assert Covering(load_spec(path)).coverage.errors.counts == {"one": 0, "2": 0}


def test_a_schema_that_holds_itself_ends(tmp_path: Path) -> None:
    """The keywords of a recursive schema are those of one round."""
    recursive = "sugar: {$ref: '#/components/schemas/lump'}"
    path = tmp_path / "tea.yaml"
    path.write_text(
        DOCUMENT.replace("sugar: {type: array, items: {type: string, maxLength: 5}}", recursive)
        + "  schemas:\n    lump: {type: object, properties: {of: {$ref: '#/components/schemas/lump'}}}\n"
    )
    keywords = Covering(load_spec(path)).coverage.keywords.counts
    assert "room/order#/sugar type valid" in keywords
    assert not [name for name in keywords if name.startswith("room/order#/sugar/of/of")]


def test_why_the_rest_was_not_met(spec: Spec) -> None:
    """Whatever wasn't met has a reason, and one that is told later replaces it; what was met has none."""
    covering = Covering(spec)
    covering.reason("errors", "sold_out", "it has every tea")
    covering.sent("room", "orderTea", "order")
    told = {(kind, name): reason for kind, name, reason in unreached(covering.coverage)}
    assert told["received", "room/call"] == "pushed by the server alone: none came"
    assert told["received", "room/served"] == "it answers orderTea: no such answer came"
    assert told["errors", "sold_out"] == "it has every tea"
    assert "bad_request" in {name for _, name in told}
    assert ("operations", "room/orderTea") not in told
    assert all(told.values())


def test_what_can_not_be_met_is_excused_by_its_name(spec: Spec) -> None:
    """A reason is given to whatever bears a name, with its channel or without; a name that nothing bears is told."""
    covering = Covering(spec)
    assert covering.excuse("call", "nobody calls")
    assert covering.excuse("room/served", "closed on Mondays")
    assert covering.excuse("4001", "it never closes")
    assert not covering.excuse("coffee", "this is a tea room")
    told = {name: reason for _, name, reason in unreached(covering.coverage)}
    assert told["room/call"] == "nobody calls"
    assert told["room/served"] == "closed on Mondays"
    assert told["4001"] == "it never closes"


def test_a_member_of_any_name_is_counted_at_its_place(tmp_path: Path) -> None:
    """A keyword below `additionalProperties` is counted at `*`, whatever the member is called."""
    path = tmp_path / "tea.yaml"
    old = "sugar: {type: array, items: {type: string, maxLength: 5}}"
    path.write_text(
        DOCUMENT.replace(old, "by: {type: object, additionalProperties: {type: array, items: {minimum: 1}}}")
    )
    covering = Covering(load_spec(path))
    before = len(covering.coverage.keywords.counts)
    for name in ("ann", "bob"):
        covering.sent("room", "orderTea", "order", [keyword_name(("by", name, 3), "minimum")])
    assert covering.coverage.keywords.counts["room/order#/by/*/* minimum valid"] == 2
    assert len(covering.coverage.keywords.counts) == before


def test_a_missing_member_is_counted_at_its_object(spec: Spec) -> None:
    """A case for `required` that points at the member left out counts for the object that requires it."""
    covering = Covering(spec)
    before = len(covering.coverage.keywords.counts)
    covering.sent("room", "orderTea", "order", [keyword_name(("cups",), "required")], good=False)
    assert covering.coverage.keywords.counts["room/order# required invalid"] == 1
    assert len(covering.coverage.keywords.counts) == before


def test_a_good_frame_holds_what_has_no_boundary(spec: Spec) -> None:
    """`type`, `const` and `required` are held by each good frame that has the place; `minimum` only by its own case."""
    covering = Covering(spec)
    counts = covering.coverage.keywords.counts
    covering.sent("room", "orderTea", "order", data=order(cups=0, sugar=["one"]), good=False)
    assert not any(counts.values())
    covering.sent("room", "orderTea", "order", data=order())
    held = {name for name, count in counts.items() if count}
    assert held == {
        f"room/order#{keyword} valid" for keyword in (" type", " required", "/type const", "/id type", "/cups type")
    }
    covering.sent("room", "orderTea", "order", data=order(sugar=["one"]))
    assert counts["room/order#/sugar/* type valid"]
    assert not counts["room/order#/sugar/* maxLength valid"]


def test_what_the_schema_does_not_ask_is_not_counted(spec: Spec) -> None:
    """A case for a keyword that the document doesn't have there adds nothing to what is to be met."""
    covering = Covering(spec)
    before = dict(covering.coverage.keywords.counts)
    for _ in range(2):
        covering.sent("room", "orderTea", "order", [" allOf"], good=False)
    assert covering.coverage.keywords.counts == before
