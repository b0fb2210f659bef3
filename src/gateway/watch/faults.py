"""Faults: what ends `tapecast watch`, each as a sentence that says what to do. It never shows a token."""

import json
from dataclasses import dataclass

from tapecast_client import ConnectionFailed, Refused


class WatchError(Exception):
    """There is no going on; the text is for the user."""


class Unreachable(WatchError, ConnectionFailed):
    """Nothing answers, or not as a WebSocket server does. After a break it may come back."""


@dataclass(frozen=True)
class Refusal:
    """What the server answered a handshake by HTTP. `code` and `message` are its body's, None where it has none."""

    status: int
    code: str | None
    message: str | None


def read_refusal(refused: Refused) -> Refusal:
    """Return what a refused handshake was answered."""
    try:
        value = json.loads(refused.body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        return Refusal(refused.status, None, None)
    code, message = value.get("code"), value.get("message")
    return Refusal(
        refused.status, code if isinstance(code, str) else None, message if isinstance(message, str) else None
    )
