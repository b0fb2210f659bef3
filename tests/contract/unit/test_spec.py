"""The spec: what a document says, as a client needs it; schemas that stand alone and have their lines."""

import json
from pathlib import Path

import pytest

from codegen.faults import DocumentError
from contract.spec import Message, Spec, load_spec
from tests.contract.unit.kiosk import DOCUMENT, kiosk

ROOMS = Path(__file__).parents[1] / "rooms" / "asyncapi.yaml"


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the kiosk's document."""
    return kiosk(tmp_path)


def message(spec: Spec, key: str) -> Message:
    """Return a message of the kiosk."""
    channel = spec.channel("kiosk")
    return next(item for item in (*channel.sent, *channel.received) if item.key == key)


def test_a_channel_knows_its_two_directions(spec: Spec) -> None:
    """What a client sends, what the server does, and what comes by itself."""
    channel = spec.channel("kiosk")
    assert {item.key for item in channel.sent} == {"buy", "look", "wave", "hire"}
    assert {item.key for item in channel.received} == {"sold", "shelf", "shift", "tick", "error"}
    assert {item.key for item in channel.pushed} == {"shift", "tick", "error"}
    assert [item.key for item in channel.errors] == ["error"]
    assert (channel.tag, channel.sent_tag) == ("type", "type")
    replies = {item.id: [reply.key for reply in item.replies] for item in channel.operations}
    assert replies == {"buying": ["sold"], "looking": ["shelf"], "waving": [], "hiring": ["shift"]}


def test_codes_come_with_their_texts(spec: Spec) -> None:
    """Without a list there is none, which isn't an empty one."""
    assert set(spec.errors or ()) == {"malformed", "sold_out"}
    assert set(spec.closes or ()) == {1000, 1002, 1007, 4001}
    assert message(spec, "error").code_ways == (("code",),)
    assert message(spec, "sold").correlation == ("id",)


def test_no_list_of_codes_is_none(tmp_path: Path) -> None:
    """A document without the lists says nothing of codes."""
    head, _, rest = DOCUMENT.partition("x-error-codes:")
    text = head + rest[rest.index("channels:") :].replace(", x-codes: x-error-codes", "")
    spec = kiosk(tmp_path, text)
    assert (spec.errors, spec.closes) == (None, None)
    assert message(spec, "error").code_ways == (("code",),)


def test_a_schema_stands_alone_and_judges(spec: Spec) -> None:
    """References are in it, also those that lead to themselves; `format` judges nothing."""
    schema = message(spec, "buy").schema
    assert schema.fits({"type": "buy", "id": 1, "count": 12})
    assert not schema.fits({"type": "buy", "id": [], "count": 1})
    assert [(path, keyword) for path, keyword, _ in schema.faults({"type": "buy", "id": 1, "count": 13})] == [
        (("count",), "maximum")
    ]
    rooms = load_spec(ROOMS)
    for channel in rooms.channels:
        for item in (*channel.sent, *channel.received):
            assert item.schema.validator is not None
            assert all(item.schema.fits(value) for _, value, _ in item.examples), item.key
            json.dumps(item.schema.value)


@pytest.mark.parametrize(
    ("path", "text"),
    [((), "properties"), (("count",), "count:"), (("count", "x"), "count:"), (("items", 3, "name"), "items: {type")],
)
def test_a_member_has_its_line(spec: Spec, path: tuple[str | int, ...], text: str) -> None:
    """The line of a schema is where it stands, or the nearest above it."""
    found = message(spec, "sold" if "items" in path else "buy").schema.mark(path)
    assert (found.file, path == () or text in found.text) == ("kiosk.yaml", True)


def test_what_can_t_be_judged_is_said(spec: Spec) -> None:
    """Half of a surrogate pair, and what is nested too deep, are faults and no exceptions."""
    schema = message(spec, "buy").schema
    assert [text for _, _, text in schema.faults({"type": "buy", "id": 1, "count": "\ud800"})]


@pytest.mark.parametrize(
    ("name", "is_error"),
    [("error", 1), ("orderRejected", 1), ("subscribe_failed", 1), ("Nack", 1), ("terror", 0), ("mirrored", 0)],
)
def test_an_error_is_known_by_its_name(tmp_path: Path, name: str, is_error: int) -> None:
    """Words count, and not letters within them."""
    spec = kiosk(tmp_path, DOCUMENT.replace("shift", name) if name != "error" else DOCUMENT)
    assert message(spec, name).is_error == bool(is_error)


def test_the_other_perspective_turns_it_round(tmp_path: Path) -> None:
    """A document of a client says `receive` of what the server sends."""
    path = tmp_path / "kiosk.yaml"
    path.write_text(DOCUMENT.replace("action: receive", "action: x").replace("action: send", "action: receive"))
    path.write_text(path.read_text().replace("action: x", "action: send"))
    channel = load_spec(path, perspective="client").channel("kiosk")
    assert {item.key for item in channel.sent} == {"buy", "look", "wave", "hire"}
    assert {item.key for item in channel.pushed} == {"shift", "tick", "error"}


def test_a_document_that_is_wrong_is_not_read(tmp_path: Path) -> None:
    """Its faults are raised, each with its line."""
    path = tmp_path / "kiosk.yaml"
    path.write_text(DOCUMENT.replace("messages/tick'", "messages/tock'"))
    with pytest.raises(DocumentError) as error:
        load_spec(path)
    assert error.value.faults


def test_an_example_that_does_not_fit_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    """Where faults of a document are forgiven, what it shows may be wrong: it must not be sent as if it were right."""
    path = tmp_path / "kiosk.yaml"
    path.write_text(DOCUMENT.replace("payload: {type: buy, id: 1, count: 1}", "payload: {type: buy, id: 1, count: 99}"))
    assert message(load_spec(path, lenient=True), "buy").examples == ()
    assert len(message(kiosk(tmp_path), "buy").examples) == 1
