"""Errors: which id an error repeats."""

import json

import pytest

from generated.messages import DecodeError, decode_bars
from handlers.errors import bad_frame


@pytest.mark.parametrize(
    ("raw", "repeated"),
    [
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
    ],
)
def test_an_error_repeats_an_id_that_is_one(raw: str, repeated: object) -> None:
    """What is no id by the document is left out, never sent back."""
    with pytest.raises(DecodeError) as caught:
        decode_bars('{"type":"bars.nope","payload":{"id":' + raw + "}}")
    payload = json.loads(bad_frame(caught.value))["payload"]
    assert payload.get("id") == repeated
    assert ("id" in payload) == (repeated is not None)
