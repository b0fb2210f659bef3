"""Errors: which id an error repeats, and that both forms say the same."""

import json
from typing import Any

import pytest

from generated.messages import DecodeError, decode_bars, decode_trades
from handlers.errors import ENVELOPE, FLAT

IDS = [
    ('"x"', "x"),
    ("5", 5),
    ("0", 0),
    ('""', ""),
    ("-9007199254740991", -9007199254740991),
    ("9007199254740992", None),
    ("true", None),
    ("null", None),
    ("1.5", None),
    ("[1]", None),
    ('"' + "x" * 64 + '"', "x" * 64),
    ('"' + "x" * 65 + '"', None),
    ('"\\ud800"', None),
]


@pytest.mark.parametrize(("raw", "repeated"), IDS)
def test_an_error_repeats_an_id_that_is_one(raw: str, repeated: object) -> None:
    """What is no id by the document is left out, never sent back."""
    with pytest.raises(DecodeError) as caught:
        decode_bars('{"type":"bars.nope","payload":{"id":' + raw + "}}")
    with pytest.raises(DecodeError) as caught_flat:
        decode_trades('{"type":"bars.nope","id":' + raw + "}")
    payload = json.loads(ENVELOPE.bad_frame(caught.value))["payload"]
    flat = json.loads(FLAT.bad_frame(caught_flat.value))
    for said in (payload, flat):
        assert said["code"] == ("bad_request" if "ud800" in raw else "unknown_type")
        assert said.get("id") == repeated
        assert ("id" in said) == (repeated is not None)


@pytest.mark.parametrize(("raw", "repeated"), IDS)
def test_a_frame_that_came_too_fast_is_answered_with_its_id(raw: str, repeated: object) -> None:
    """Whether or not it is a message of the socket."""
    wrapped = ('{"type":"ping","payload":{"id":' + raw + "}}", '{"type":"nope","payload":{"id":' + raw + "}}")
    flat = ('{"type":"ping","id":' + raw + "}", '{"type":"nope","id":' + raw + "}")
    answers = [json.loads(ENVELOPE.rate_limited(frame, 20))["payload"] for frame in wrapped]
    answers += [json.loads(FLAT.rate_limited(frame, 20)) for frame in flat]
    for said in answers:
        assert (said["code"], said["retry_after_ms"]) == ("rate_limited", 20)
        assert said.get("id") == repeated
    assert "id" not in json.loads(FLAT.rate_limited('{"type":"ping"}', 20))
    assert "id" not in json.loads(ENVELOPE.rate_limited('{"type":"ping"}', 20))["payload"]


def test_the_flat_form_is_the_type_and_the_payload_on_one_level() -> None:
    """`{"type": T, **payload}`, for every frame that exists in both forms."""
    pairs = [
        (ENVELOPE.internal(), FLAT.internal()),
        (ENVELOPE.shutdown(7), FLAT.shutdown(7)),
        (ENVELOPE.source_unavailable("Gone."), FLAT.source_unavailable("Gone.")),
        (
            ENVELOPE.rate_limited('{"type":"ping","payload":{"id":1}}', 5),
            FLAT.rate_limited('{"type":"ping","id":1}', 5),
        ),
    ]
    for enveloped, flat in pairs:
        message: dict[str, Any] = json.loads(enveloped)
        assert json.loads(flat) == {"type": message["type"], **message["payload"]}
