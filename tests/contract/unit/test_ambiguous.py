"""Frames that nothing tells apart: a server that keeps its document isn't blamed for what its frames may be as well."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.conversation import wants_error
from contract.judge import Judge, Request
from contract.model import Send
from contract.spec import load_spec
from contract.telling import tell

PLAIN = {"type": "object"}


def tagged(tag: str, **members: Any) -> dict[str, Any]:
    """Return the schema of an object with a type of its own."""
    properties = {"type": {"const": tag}, **members}
    return {"type": "object", "required": ["type"], "properties": properties}


class Line:
    """A connection of which a test says what crosses it. `asked`: operations with what is sent, and their replies."""

    def __init__(
        self, tmp_path: Path, messages: dict[str, Any], asked: Mapping[str, tuple[str, str | None]], pushed: list[str]
    ) -> None:
        channel = {"$ref": "#/channels/main"}

        def refer(name: str) -> list[Any]:
            return [{"$ref": f"#/channels/main/messages/{name}"}]

        operations: dict[str, Any] = {
            name: {"action": "receive", "channel": channel, "messages": refer(message)}
            | ({"reply": {"channel": channel, "messages": refer(reply)}} if reply else {})
            for name, (message, reply) in asked.items()
        }
        operations |= {
            f"push{name}": {"action": "send", "channel": channel, "messages": refer(name)} for name in pushed
        }
        document = {
            "asyncapi": "3.0.0",
            "info": {"title": "T", "version": "1"},
            "defaultContentType": "application/json",
            "channels": {"main": {"address": "/", "messages": messages}},
            "operations": operations,
        }
        path = tmp_path / "asyncapi.json"
        path.write_text(json.dumps(document))
        spec = load_spec(path)
        self.channel = spec.channel("main")
        self.judge = Judge(spec, self.channel, offered=False)
        self._asked = asked

    def sends(self, operation: str | None, value: Any, *, good: bool = True) -> Request:
        """Send a frame."""
        message = self._asked[operation][0] if operation is not None else None
        return self.judge.sent(Send(json.dumps(value), operation, message, good), 0.0)

    def gets(self, *values: Any) -> list[str]:
        """Receive frames; returns the rules that are broken."""
        for value in values:
            self.judge.received(json.dumps(value))
        return [item.rule for item in self.judge.violations]


def message(schema: Any, way: str = "") -> dict[str, Any]:
    """Return a message."""
    correlation = {"correlationId": {"location": f"$message.payload#/{way}"}} if way else {}
    return {"payload": schema, **correlation}


@pytest.fixture
def chat(tmp_path: Path) -> Line:
    """Texts that nobody answers, a question with an answer, and an error without an id."""
    messages = {
        "say": message(tagged("say")),
        "ask": message(tagged("ask")),
        "answer": message(tagged("answer")),
        "error": message(tagged("error", message={"type": "string"})),
    }
    return Line(tmp_path, messages, {"say": ("say", None), "ask": ("ask", "answer")}, ["error"])


ERROR = {"type": "error", "message": "no"}


def test_an_error_answers_what_is_wrong_before_what_wants_no_reply(chat: Line) -> None:
    """A text without a reply doesn't take away the error of the bad frame behind it."""
    chat.sends("say", {"type": "say"})
    bad = chat.sends(None, [], good=False)
    chat.gets(ERROR)
    assert bad.answers


def test_an_error_is_for_what_was_sent_a_moment_ago(chat: Line) -> None:
    """A text that was taken long ago isn't what an error refuses that comes behind another one."""
    old = chat.sends("say", {"type": "say"})
    old.passed = True
    new = chat.sends("say", {"type": "say"})
    chat.gets(ERROR)
    assert (bool(old.answers), bool(new.answers)) == (False, True)


def test_of_requests_with_one_id_the_one_whose_reply_it_is_is_answered(tmp_path: Path) -> None:
    """A text without a reply that went before with the same id doesn't take the answer away."""
    number = {"id": {"type": "integer"}}
    messages = {name: message(tagged(name, **number), "id") for name in ("say", "ask", "answer")}
    line = Line(tmp_path, messages, {"say": ("say", None), "ask": ("ask", "answer")}, ["answer"])
    line.sends("say", {"type": "say", "id": 1})
    asked = line.sends("ask", {"type": "ask", "id": 1})
    assert line.gets({"type": "answer", "id": 1}) == []
    assert asked.answers


def test_an_answer_without_its_id_is_waited_for_once(tmp_path: Path) -> None:
    """What may be pushed too is only taken for an answer that lacks its id when nothing else came; later at once."""
    identified = tagged("failed", id={"type": "integer"})
    messages = {"ask": message(tagged("ask", id={"type": "integer"}), "id"), "failed": message(identified, "id")}
    line = Line(tmp_path, messages, {"ask": ("ask", "failed")}, ["failed"])
    asked = line.sends("ask", {"type": "ask", "id": 1})
    assert line.gets({"type": "failed"}) == []
    assert line.judge.settle_doubt(asked)
    assert line.gets() == ["reply-id"]
    line.sends("ask", {"type": "ask", "id": 2})
    assert line.gets({"type": "failed"}) == ["reply-id", "reply-id"]


def test_of_errors_that_nothing_tells_apart_each_answers_what_is_wrong(tmp_path: Path) -> None:
    """A frame that may be two messages goes to the bad frame too, and not to a text that went before."""
    error = {"type": "object", "required": ["type"], "properties": {"type": {"enum": ["error", "fault"]}}}
    messages = {"say": message(tagged("say")), "error": message(error), "inputError": message(error)}
    line = Line(tmp_path, messages, {"say": ("say", None)}, ["error", "inputError"])
    text = line.sends("say", {"type": "say"})
    bad = line.sends(None, [], good=False)
    line.gets({"type": "error"})
    assert (bool(text.answers), bool(bad.answers)) == (False, True)


def test_a_reply_that_refuses_answers_what_is_wrong(tmp_path: Path) -> None:
    """Another operation's reply that says that something failed is a wrong answer to a bad frame, and no second one."""
    status = tagged("status", error={"type": "string"})
    messages = {"say": message(tagged("say")), "ask": message(tagged("ask")), "status": message(status)}
    line = Line(tmp_path, messages, {"say": ("say", None), "ask": ("ask", "status")}, [])
    good = line.sends("ask", {"type": "ask"})
    line.gets({"type": "status", "error": ""})
    bad = line.sends("say", {"type": "say", "x": 1}, good=False)
    assert line.gets({"type": "status", "error": "no"}) == ["reply-wrong"]
    assert [len(item.answers) for item in (good, bad)] == [1, 1]


def test_an_error_that_may_be_the_silent_ones_lets_the_reply_come(chat: Line) -> None:
    """A text is refused, and the question behind it is answered: neither is a second answer."""
    chat.sends("say", {"type": "say"})
    asked = chat.sends("ask", {"type": "ask"})
    assert chat.gets(ERROR, {"type": "answer"}) == []
    assert asked.answers
    assert chat.gets({"type": "answer"}) == ["reply-twice"]


def test_a_refused_question_is_answered_though_a_text_went_before(chat: Line) -> None:
    """The only error that comes answers the question, which would else be missing."""
    chat.sends("say", {"type": "say"})
    asked = chat.sends("ask", {"type": "ask"})
    assert chat.gets(ERROR) == []
    assert asked.answers


def test_what_fits_two_operations_may_get_the_replies_of_either(tmp_path: Path) -> None:
    """An object that may ask for either of two things gets either reply, or, where one has none, none."""
    messages = {
        "one": message(PLAIN),
        "other": message(PLAIN),
        "third": message(tagged("third")),
        "this": message(tagged("this")),
        "that": message(tagged("that")),
    }
    asked = {"one": ("one", "this"), "other": ("other", "that"), "third": ("third", "that")}
    line = Line(tmp_path, messages, asked, [])
    line.sends("one", {})
    assert line.gets({"type": "that"}) == []
    silent = Line(tmp_path, messages, {"one": ("one", "this"), "other": ("other", None)}, [])
    assert not silent.sends("one", {}).wants_reply


def test_a_push_that_may_be_a_reply_is_no_fault(tmp_path: Path) -> None:
    """A heartbeat that fits a reply as well comes with nothing asked, beside a request, and beside something wrong."""
    messages = {
        "ping": message(tagged("ping", id={"type": "integer"}), "id"),
        "pong": message({"type": "object", "properties": {"type": {"const": "pong"}, "id": {"type": "integer"}}}, "id"),
        "beat": message({"type": "object", "properties": {"type": {"const": "beat"}}}),
    }
    line = Line(tmp_path, messages, {"ping": ("ping", "pong")}, ["beat"])
    assert line.gets({}) == []
    line.sends("ping", {"type": "ping", "id": 1})
    assert line.gets({}, {"type": "pong", "id": 1}, {}) == []
    plain = line.sends("ping", {"type": "ping"})
    assert line.gets({}, {"type": "pong"}, {}) == []
    assert plain.answers
    bad = line.sends(None, [], good=False)
    assert line.gets({}) == []
    assert not bad.answers
    assert line.gets({"type": "pong", "id": 1}) != []


def test_a_push_is_no_answer_to_what_is_wrong(tmp_path: Path) -> None:
    """A state that is pushed, and is a reply too, comes while a bad frame waits for its error."""
    messages = {"get": message(tagged("get")), "state": message(tagged("state"))}
    line = Line(tmp_path, messages, {"get": ("get", "state")}, ["state"])
    bad = line.sends(None, [], good=False)
    assert line.gets({"type": "state"}) == []
    assert not bad.answers


def test_a_refusal_of_an_operation_is_wanted_only_where_it_is_named(tmp_path: Path) -> None:
    """What doesn't say any more which operation it asks for may be dropped, if only that operation has a refusal."""
    reply = {"type": "object", "required": ["type"], "properties": {"type": {"const": "done"}, "error": {}}}
    messages = {"do": message(tagged("do")), "done": message(reply), "see": message(tagged("see"))}
    line = Line(tmp_path, messages, {"do": ("do", "done"), "see": ("see", None)}, [])
    assert wants_error(line.channel, line.sends("do", {"type": "do", "x": 1}, good=False))
    assert not wants_error(line.channel, line.sends("do", {}, good=False))


def test_half_a_character_of_the_server_is_judged(chat: Line) -> None:
    """A text that JSON can spell and UTF-8 can't is a text."""
    assert tell(chat.channel, '{"type": "error", "message": "\\ud800"}').fault == ""
    assert chat.gets({"type": "\ud800"}) == ["frame-undeclared"]


def test_an_example_that_breaks_its_schema_is_none(tmp_path: Path) -> None:
    """What the document calls an example, and doesn't fit, isn't sent as something good."""
    do = message(tagged("do")) | {"examples": [{"name": "right", "payload": {"type": "do"}}, {"payload": {}}]}
    found = Line(tmp_path, {"do": do}, {"do": ("do", None)}, []).channel.sent[0]
    assert [name for name, _, _ in found.examples] == ["right"]
    assert found.unfit == ("example 2",)


@pytest.fixture
def rpc(tmp_path: Path) -> Line:
    """Replies that all have the same version, and are told apart by what is in them alone."""

    def result(**members: Any) -> dict[str, Any]:
        inner = {"type": "object", "required": [*members], "properties": members, "additionalProperties": False}
        return versioned("result", inner)

    def versioned(name: str, inner: Any) -> dict[str, Any]:
        properties = {"v": {"const": "2"}, "id": {"type": "integer"}, name: inner}
        return message({"type": "object", "required": ["v", "id", name], "properties": properties}, "id")

    number, text = {"type": "number"}, {"type": "string"}
    messages = {
        "open": versioned("open", {}),
        "ask": versioned("ask", {}),
        "opened": result(account=number, owner=text),
        "amount": result(account=number, amount=number),
        "failure": versioned("error", {"type": "object", "required": ["code"], "properties": {"code": number}}),
    }
    return Line(tmp_path, messages, {"open": ("open", "opened"), "ask": ("ask", "amount")}, ["failure"])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"v": "2", "id": 1, "result": {"account": 1, "owner": 5}}, "opened"),
        ({"v": "2", "id": 1, "result": {"account": 1, "amount": "5"}}, "amount"),
        ({"v": "2", "id": 1, "error": {}}, "failure"),
        ({"v": "2", "method": "log", "params": {}}, None),
    ],
)
def test_a_tag_that_all_have_tells_nothing(rpc: Line, value: Any, told: str | None) -> None:
    """What is broken is told as the message that it is nearest to, and what is like none as none."""
    found = tell(rpc.channel, json.dumps(value)).message
    assert (found.key if found is not None else None) == told


def test_what_is_guessed_to_be_another_reply_is_not_called_so(rpc: Line) -> None:
    """A broken reply is told as broken; which one it was to be, nobody can say."""
    rpc.sends("ask", {"v": "2", "id": 1, "ask": 0})
    assert rpc.gets({"v": "2", "id": 1, "result": {"account": 1}}) == ["frame-invalid"]
