"""Judge: holds every frame of the server against the document, as raw JSON. It imports nothing of the server."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

DOCUMENT = Path(__file__).resolve().parents[2] / "asyncapi.yaml"


def load_document() -> dict[str, Any]:
    """Return the document as plain JSON values."""
    document: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(DOCUMENT.read_text())))
    return document


@dataclass
class Seen:
    """What came over the wire."""

    messages: set[str] = field(default_factory=set)
    error_codes: set[str] = field(default_factory=set)
    close_codes: set[int] = field(default_factory=set)


BARS = "/api/v1/ws"


@dataclass(frozen=True)
class _Channel:
    """What the server may send over an address: `names` in components.messages by tag, and their validators."""

    address: re.Pattern[str]
    names: Mapping[str, str]
    validators: Mapping[str, Any]


@functools.cache
def _document() -> dict[str, Any]:
    """Return the document, which nobody here changes; once a run, since reading it takes a tenth of a second."""
    return load_document()


@functools.cache
def _channels() -> tuple[_Channel, ...]:
    """Return the document's channels; once a run, since there are many."""
    document = _document()
    return tuple(_channel(document, channel) for channel in document["channels"])


def _channel(document: Mapping[str, Any], channel: str) -> _Channel:
    here = f"#/channels/{channel}"
    members: Mapping[str, Any] = document["channels"][channel]["messages"]
    names: dict[str, str] = {}
    for operation in document["operations"].values():
        if operation["channel"]["$ref"] != here:
            continue
        for reference in operation["messages"] if operation["action"] == "send" else operation["reply"]["messages"]:
            member = reference["$ref"].removeprefix(f"{here}/messages/")
            name = members[member]["$ref"].rpartition("/")[2]
            names[document["components"]["messages"][name]["name"]] = name
    # What a parameter may hold is not this judge's business.
    address = re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(document["channels"][channel]["address"]))
    validators = {
        name: jsonschema_rs.validator_for(
            {"components": document["components"], "$ref": f"#/components/messages/{name}/payload"}
        )
        for name in names.values()
    }
    return _Channel(re.compile(address), names, validators)


class Judge:
    """Knows what the server may send, from the document alone, and remembers what it did send."""

    def __init__(self) -> None:
        """Read the document."""
        document = _document()
        self.seen = Seen()
        self.close_codes = {int(code): str(entry["text"]) for code, entry in document["x-close-codes"].items()}
        self.error_codes = set(document["x-error-codes"])
        self._channels = _channels()
        self.sent = {name for channel in self._channels for name in channel.names.values()}

    def frame(self, text: str | bytes, path: str = BARS) -> dict[str, Any]:
        """Return the JSON of a frame that came over an address; fails where the document does not have it so."""
        assert isinstance(text, str), "the server sent a binary frame"
        message = json.loads(text, parse_constant=_refuse_constant)
        assert isinstance(message, dict), text
        channel = next((channel for channel in self._channels if channel.address.fullmatch(path)), None)
        assert channel is not None, f"the document has no channel at {path}"
        name = channel.names.get(message["type"])
        assert name is not None, f"the server may not send {text} over {path}"
        errors = [str(error.message) for error in channel.validators[name].iter_errors(message)]
        assert not errors, f"{text}: {errors}"
        self.seen.messages.add(name)
        code = message.get("code", message.get("payload", {}).get("code"))
        if code is not None:
            assert code in self.error_codes, text
            self.seen.error_codes.add(code)
        return message

    def close(self, code: int, reason: str) -> None:
        """Take the server's close frame; fails where the document does not have its code and text."""
        assert code in self.close_codes, f"close code {code} is not in the document"
        if code > 1001:  # below it is the client's own close, echoed with its own reason
            assert reason == self.close_codes[code], f"{code}: {reason!r}"
        self.seen.close_codes.add(code)


def _refuse_constant(text: str) -> None:
    raise AssertionError(f"the server sent {text}, which is no JSON")
