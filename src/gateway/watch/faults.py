"""Faults: what ends `tapecast watch`, each as a sentence that says what to do. It never shows a token."""

from dataclasses import dataclass


class WatchError(Exception):
    """There is no going on; the text is for the user."""


class Unreachable(WatchError):
    """Nothing answers, or not as a WebSocket server does. After a break it may come back."""


@dataclass(frozen=True)
class Refused(Exception):
    """The server answered the handshake by HTTP. `code` and `message` are its body's, None where it has none."""

    status: int
    code: str | None
    message: str | None
