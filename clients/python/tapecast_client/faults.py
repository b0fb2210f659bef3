# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Faults: what goes wrong with a connection or a request, each as an exception of its own. None shows a token."""

from typing import Final

_SHOWN: Final = 500  # characters of a refusal's body


class ClientError(Exception):
    """What all of this package's errors are."""


class ConnectionFailed(ClientError):
    """The server can't be reached, or what answers is no WebSocket server.

    `error` is what the operating system or TLS said, None where they had nothing to say.
    """

    def __init__(self, text: str, error: OSError | None = None) -> None:
        super().__init__(text)
        self.error: Final = error


class Refused(ClientError):
    """The server answered the handshake by HTTP instead of letting us in.

    `status` is HTTP's, `body` the beginning of what came with it, `retry_after_s` what `Retry-After` said, in seconds.
    """

    def __init__(self, status: int, body: str, retry_after_s: float | None) -> None:
        shown = body if len(body) <= _SHOWN else f"{body[:_SHOWN]}..."
        super().__init__(f"the server refused the handshake with HTTP {status}{': ' if body else ''}{shown}")
        self.status: Final = status
        self.body: Final = body
        self.retry_after_s: Final = retry_after_s


class ConnectionEnded(ClientError):
    """The server closed the connection, and its code says not to come back.

    `code` and `reason` are those of the close frame.
    """

    def __init__(self, code: int, reason: str, text: str) -> None:
        super().__init__(
            f"the server closed the connection with {code}{': ' if text or reason else ''}{reason or text}"
        )
        self.code: Final = code
        self.reason: Final = reason


class ConnectionLost(ClientError):
    """The connection ended before the reply came. Whether the server acted on the request is not known.

    `code` and `reason` are those of the close frame: 1006 and nothing where the connection broke without one.
    """

    def __init__(self, operation: str, code: int, reason: str) -> None:
        super().__init__(f"{operation}: the connection ended ({code}) before the reply came")
        self.code: Final = code
        self.reason: Final = reason


class RequestTimeout(ClientError, TimeoutError):
    """No reply came in time. One that comes later is dropped."""


class UnexpectedReply(ClientError):
    """A message with the request's id came that is none of its declared replies: `message`."""

    def __init__(self, operation: str, message: object) -> None:
        super().__init__(f"{operation} was answered by a {type(message).__name__}")
        self.message: Final = message


class InvalidMessage(ClientError, ValueError):
    """What was to be sent is not as the document wants it. Its text names the members, and never shows a value."""
