"""The judge: each rule that it can find is shown by a wrong sequence of frames, and not by the right one."""

import json
from pathlib import Path
from typing import Any

import pytest

from contract.judge import Judge, Request
from contract.model import Send
from contract.spec import Spec, load_spec
from tests.contract.unit.kiosk import DOCUMENT, kiosk


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    """Return the kiosk's document."""
    return kiosk(tmp_path_factory.mktemp("judge"))


@pytest.fixture
def judge(spec: Spec) -> Judge:
    """Return a judge of a new connection."""
    return Judge(spec, spec.channel("kiosk"), True)


def ask(judge: Judge, operation: str, *, good: bool = True, **members: Any) -> Request:
    """Send a request; `kind` is its message."""
    kind = {"buying": "buy", "looking": "look", "waving": "wave", "hiring": "hire"}[operation]
    return judge.sent(Send(json.dumps({"type": kind, **members}), operation, kind, good, "odd"), 0.0)


def nonsense(judge: Judge) -> Request:
    """Send what is no message."""
    return judge.sent(Send("{", None, None, False, "no JSON"), 0.0)


def hear(judge: Judge, kind: str, **members: Any) -> None:
    """Receive a message that fits, but for what is given."""
    more: dict[str, dict[str, Any]] = {
        "sold": {"price": "1"},
        "shelf": {"left": 1},
        "tick": {"version": "v1", "at": 1},
        "error": {"code": "malformed"},
    }
    judge.received(json.dumps({"type": kind, **more.get(kind, {}), **members}))


def rules(judge: Judge) -> list[str]:
    """Return what was found."""
    return [violation.rule for violation in judge.violations]


@pytest.mark.parametrize("found", [1, 0, -1, 1.5, "a", "", "1", True, False, 2**60])
def test_an_id_of_any_kind_is_matched(judge: Judge, found: Any) -> None:
    """A reply that repeats the request's id answers it."""
    request = ask(judge, "buying", id=found, count=1)
    hear(judge, "sold", id=found)
    assert (rules(judge), len(request.answers), judge.pending) == ([], 1, [])


@pytest.mark.parametrize(("asked", "told"), [(1, "1"), (1, True), (0, False), ("", 0), ("a", "A"), (1, 2), (0, None)])
def test_another_id_is_found(judge: Judge, asked: Any, told: Any) -> None:
    """An id that is another JSON value is not the request's."""
    ask(judge, "buying", id=asked, count=1)
    hear(judge, "sold", id=told)
    assert rules(judge) == ["reply-id"]


def test_a_whole_number_may_come_back_with_a_fraction(judge: Judge) -> None:
    """1 and 1.0 are the same number in JSON."""
    ask(judge, "buying", id=1, count=1)
    hear(judge, "sold", id=1.0)
    assert rules(judge) == []


def test_the_id_null_is_an_id(judge: Judge) -> None:
    """A request whose id is null is answered by a reply whose id is null."""
    request = ask(judge, "buying", id=None, count=1)
    hear(judge, "sold", id=None)
    assert (rules(judge), len(request.answers)) == ([], 1)


def test_replies_may_come_in_another_order(judge: Judge) -> None:
    """Several pending requests are told apart by their ids alone."""
    requests = [ask(judge, "buying", id=number, count=1) for number in (1, 2, 3)]
    for number in (3, 1, 2):
        hear(judge, "sold", id=number)
    assert rules(judge) == []
    assert [request.answers[0][1]["id"] for request in requests] == [1, 2, 3]


def test_an_error_with_an_id_answers_that_request(judge: Judge) -> None:
    """Of several pending requests, the one whose id an error has is refused."""
    first, second = (ask(judge, "buying", id=number, count=1) for number in (1, 2))
    hear(judge, "error", id=2, code="sold_out")
    assert (first.refused, second.refused, second.code, rules(judge)) == (False, True, "sold_out", [])


def test_an_error_without_an_id_answers_what_was_broken(judge: Judge) -> None:
    """A request without a reply that was sent before it is none of its business."""
    ask(judge, "waving", id=7)
    bad = nonsense(judge)
    hear(judge, "error")
    assert (rules(judge), bad.refused) == ([], True)


def test_an_error_without_the_id_of_a_good_request_is_found(judge: Judge) -> None:
    """A good request's id could be read, so its refusal must carry it."""
    ask(judge, "buying", id=7, count=1)
    hear(judge, "error")
    assert rules(judge) == ["reply-id"]


def test_an_error_may_leave_out_the_id_of_what_was_broken(judge: Judge) -> None:
    """What is malformed may be refused without its id."""
    bad = ask(judge, "buying", good=False, id=7, count=0)
    hear(judge, "error")
    assert (rules(judge), bad.refused) == ([], True)


def test_an_error_may_carry_the_id_of_a_silent_request(judge: Judge) -> None:
    """What has no reply may yet be refused."""
    request = ask(judge, "waving", id=7)
    hear(judge, "error", id=7, code="sold_out")
    assert (rules(judge), request.refused) == ([], True)


def test_an_error_that_nobody_asked_for_may_be_pushed(judge: Judge) -> None:
    """The document's errors may come by themselves where the server may send them."""
    hear(judge, "error", code="sold_out")
    assert rules(judge) == []


def test_replies_without_ids_answer_in_order(judge: Judge) -> None:
    """Messages without a correlation id answer the oldest request of theirs."""
    first, second = ask(judge, "looking"), ask(judge, "looking")
    buying = ask(judge, "buying", id=1, count=1)
    hear(judge, "shelf", left=1)
    hear(judge, "sold", id=1)
    hear(judge, "shelf", left=2)
    assert rules(judge) == []
    assert [item.answers[0][1].get("left") for item in (first, second, buying)] == [1, 2, None]


def test_a_reply_of_another_operation_is_found(judge: Judge) -> None:
    """The right id doesn't make another operation's reply right."""
    ask(judge, "buying", id=1, count=1)
    hear(judge, "shift", id=1)
    assert rules(judge) == ["reply-wrong"]
    other = Judge(judge._spec, judge.channel, True)
    ask(other, "buying", id=1, count=1)
    hear(other, "shelf")
    assert rules(other) == ["reply-wrong"]


def test_a_second_reply_is_found(judge: Judge) -> None:
    """A request is answered once; the same id in a new request is a new question."""
    for _ in range(2):
        ask(judge, "buying", id=1, count=1)
        hear(judge, "sold", id=1)
    assert rules(judge) == []
    hear(judge, "sold", id=1)
    assert rules(judge) == ["reply-twice"]


def test_a_second_reply_without_an_id_is_found(judge: Judge) -> None:
    """So it is where messages have no ids."""
    ask(judge, "looking")
    hear(judge, "shelf")
    assert rules(judge) == []
    hear(judge, "shelf")
    assert rules(judge) == ["reply-twice"]


def test_the_id_of_an_older_request_waits_for_what_follows(judge: Judge) -> None:
    """It is a second answer if the right one comes yet, and else a wrong id."""
    ask(judge, "buying", id=1, count=1)
    hear(judge, "sold", id=1)
    pending = ask(judge, "buying", id=2, count=1)
    hear(judge, "sold", id=1)
    assert rules(judge) == []
    assert judge.settle_doubt(pending)
    assert rules(judge) == ["reply-id"]
    again = ask(judge, "buying", id=3, count=1)
    hear(judge, "sold", id=1)
    hear(judge, "sold", id=3)
    assert rules(judge) == ["reply-id", "reply-twice"]
    assert not judge.settle_doubt(again)


def test_a_reply_without_a_request_is_found(judge: Judge) -> None:
    """What is only ever a reply doesn't come by itself; what is pushed does."""
    hear(judge, "tick")
    assert rules(judge) == []
    hear(judge, "sold", id=1)
    assert rules(judge) == ["reply-unasked"]


def test_a_push_that_is_a_reply_too_answers_nothing_of_others(judge: Judge) -> None:
    """With no id, another's, or that of an older request it is a push; with the request's it is its answer."""
    hear(judge, "shift", id="theirs")
    ask(judge, "hiring", id=1)
    hear(judge, "shift", id=1)
    hear(judge, "shift", id=1)
    pending = ask(judge, "hiring", id=2)
    for other in ({}, {"id": 1}, {"id": "theirs"}):
        hear(judge, "shift", **other)
    assert not pending.answers
    hear(judge, "shift", id=2)
    assert (len(pending.answers), rules(judge)) == (1, [])


def test_a_push_with_another_id_is_a_wrong_reply_where_no_other_comes(judge: Judge) -> None:
    """Once its time is over, what came instead of the reply is named."""
    pending = ask(judge, "hiring", id=2)
    hear(judge, "shift")
    assert judge.settle_doubt(pending)
    assert rules(judge) == ["reply-id"]


def test_a_push_doesn_t_answer_what_was_broken(judge: Judge) -> None:
    """What comes anyway doesn't say that a malformed frame was taken."""
    bad = nonsense(judge)
    hear(judge, "shift")
    assert (bad.answers, rules(judge)) == ([], [])


def test_an_answer_to_what_nobody_waits_for_any_more_is_its_answer(judge: Judge) -> None:
    """A bad request whose answer comes late isn't answered twice: it is answered as if it were good."""
    bad = ask(judge, "buying", good=False, id=1, count=0)
    judge.dismiss(bad)
    hear(judge, "sold", id=1)
    assert (rules(judge), len(bad.answers), bad.refused) == ([], 1, False)
    other = nonsense(judge)
    judge.dismiss(other)
    hear(judge, "shelf")
    assert (rules(judge), len(other.answers)) == ([], 1)


@pytest.mark.parametrize(
    ("data", "rule", "subject"),
    [
        ("no JSON", "frame-undeclared", ""),
        (b"\x00", "frame-undeclared", ""),
        ("NaN", "frame-undeclared", ""),
        ("[" * 5000, "frame-undeclared", ""),
        ('{"type": "debug"}', "frame-undeclared", "debug"),
        ('{"type": 5}', "frame-undeclared", "5"),
        ('{"type": "buy", "id": 1, "count": 1}', "frame-undeclared", "buy"),
        ('{"type": "tick", "version": "v1", "at": "x"}', "frame-invalid", "tick at type"),
        ('{"type": "tick", "version": "v1"}', "frame-invalid", "tick the frame required"),
        ('{"type": "tick", "version": "v2", "at": 1}', "frame-invalid", "tick version const"),
        ('{"type": "tick", "version": "v1", "at": "\\ud800"}', "frame-invalid", "tick at type"),
        ('{"type": "error", "code": "oops"}', "error-code", "error oops"),
        ('{"type": "error", "code": 7}', "error-code", "error 7"),
        ('{"type": "error"}', "frame-invalid", "error the frame required"),
    ],
)
def test_a_frame_that_is_wrong_has_one_name(judge: Judge, data: str | bytes, rule: str, subject: str) -> None:
    """Each wrong frame is one violation, which says what it is about."""
    judge.received(data)
    assert [(item.rule, item.subject) for item in judge.violations] == [(rule, subject)]


def test_an_invalid_reply_answers_its_request_yet(judge: Judge) -> None:
    """A reply that breaks its schema isn't missing as well."""
    request = ask(judge, "buying", id=1, count=1)
    hear(judge, "sold", id=1, price=5)
    assert (rules(judge), judge.pending, len(request.answers)) == (["frame-invalid"], [], 1)


@pytest.mark.parametrize(
    ("code", "rule"),
    [(1000, None), (4001, None), (1005, None), (1001, "close-code"), (1011, "close-code"), (None, "connection-lost")],
)
def test_a_close_is_held_against_the_list(judge: Judge, code: int | None, rule: str | None) -> None:
    """With a list of codes only those are right; what the client asked for is."""
    judge.closed(code, "", asked=True)
    assert rules(judge) == []
    judge.closed(code, "", asked=False)
    assert rules(judge) == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("code", "right"),
    [(1000, 1), (1001, 1), (1005, 1), (1008, 1), (3000, 1), (4999, 1), (1011, 0), (1004, 0), (2000, 0)],
)
def test_without_a_list_the_protocol_says_what_is_right(tmp_path: Path, code: int, right: int) -> None:
    """RFC 6455 allows codes, or none; 1011 says that the server failed."""
    head, _, rest = DOCUMENT.partition("x-close-codes:")
    spec = kiosk(tmp_path, head + rest[rest.index("channels:") :])
    judge = Judge(spec, spec.channel("kiosk"), True)
    judge.closed(code, "", asked=False)
    assert rules(judge) == ([] if right else ["close-code"])
    judge.closed(None, "", asked=False)
    assert rules(judge)[-1] == "connection-lost"


def test_a_broken_protocol_is_found(judge: Judge) -> None:
    """A frame that is none by RFC 6455 is no message."""
    judge.broke("invalid UTF-8")
    assert rules(judge) == ["frame-undeclared"]


def test_a_frame_of_another_address_is_told(tmp_path: Path) -> None:
    """Once a frame was seen to repeat the address's value as it is, one with another value has gone astray."""
    path = tmp_path / "asyncapi.yaml"
    path.write_text(
        DOCUMENT.replace(
            "    address: /kiosk\n",
            "    address: /kiosk/{at}\n    parameters: {at: {location: $message.payload#/at}}\n",
        )
    )
    spec = load_spec(path)
    judge = Judge(spec, spec.channel("kiosk"), True)
    judge.opened("/kiosk/%31")
    hear(judge, "tick", at=2)
    assert rules(judge) == []  # the server may spell it so
    hear(judge, "tick", at=1)
    hear(judge, "tick", at=1)
    hear(judge, "tick", at=2)
    assert rules(judge) == ["stream-unsubscribed"]
