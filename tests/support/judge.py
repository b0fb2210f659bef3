"""Judge: holds every frame of the server against the document, as raw JSON. It imports nothing of the server."""

import json
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


class Judge:
    """Knows what the server may send, from the document alone, and remembers what it did send."""

    def __init__(self) -> None:
        """Read the document."""
        document = load_document()
        self.seen = Seen()
        self.close_codes = {int(code): str(entry["text"]) for code, entry in document["x-close-codes"].items()}
        self.error_codes = set(document["x-error-codes"])
        self.sent: dict[str, str] = {}  # tag -> name in components.messages, for what the server may send
        for operation in document["operations"].values():
            references = operation["messages"] if operation["action"] == "send" else operation["reply"]["messages"]
            for reference in references:
                key = reference["$ref"].rpartition("/")[2]
                self.sent[_tag(document, key)] = key
        self._validators = {
            tag: jsonschema_rs.validator_for(
                {"components": document["components"], "$ref": f"#/components/messages/{key}/payload"}
            )
            for tag, key in self.sent.items()
        }

    def frame(self, text: str | bytes) -> dict[str, Any]:
        """Return the frame's JSON; fails where the document does not have it so."""
        assert isinstance(text, str), "the server sent a binary frame"
        message = json.loads(text, parse_constant=_refuse_constant)
        assert isinstance(message, dict), text
        tag = message["type"]
        assert tag in self._validators, f"the server may not send {text}"
        errors = [str(error.message) for error in self._validators[tag].iter_errors(message)]
        assert not errors, f"{text}: {errors}"
        self.seen.messages.add(tag)
        code = message.get("payload", {}).get("code")
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


def _tag(document: Mapping[str, Any], key: str) -> str:
    tag: str = document["components"]["messages"][key]["payload"]["properties"]["type"]["const"]
    return tag


def _refuse_constant(text: str) -> None:
    raise AssertionError(f"the server sent {text}, which is no JSON")
