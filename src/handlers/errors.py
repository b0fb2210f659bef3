"""Errors: the frames that answer what no handler could answer, in both forms. It never sees a connection.

The bars socket wraps a payload in an envelope; the cache sockets write the same members flat.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import MISSING

from generated.errors import ErrorCode
from generated.messages import DecodeError, decode_bars, decode_tickers, encode_bars, encode_tickers
from generated.models import (
    AuthExpiring,
    AuthExpiringPayload,
    CacheAuthExpiring,
    CacheError,
    CacheShutdown,
    Error,
    ErrorPayload,
    Shutdown,
    ShutdownPayload,
)

MAX_ID_LENGTH = 64
MAX_ID_NUMBER = 2**53 - 1


@dataclass(frozen=True, slots=True)
class ErrorFrames:
    """Frames of one form that no handler sends. Those of a payload encode it, `request_id` reads a frame's id."""

    error: Callable[[ErrorPayload], bytes]
    closing: Callable[[ShutdownPayload], bytes]
    warning: Callable[[AuthExpiringPayload], bytes]
    request_id: Callable[[str], str | int | MISSING]

    def bad_frame(self, error: DecodeError) -> bytes:
        """Return the `error` frame for input that can't be decoded, with the client's id where it could be read."""
        code = ErrorCode.UNKNOWN_TYPE if error.reason == "unknown_type" else ErrorCode.BAD_REQUEST
        return self.error(ErrorPayload(code=code, message=error.detail, id=readable_id(error.correlation_id)))

    def rate_limited(self, frame: str, retry_after_ms: int) -> bytes:
        """Return the `error` frame for a frame that came too fast and was not handled, with its id."""
        message = f"Too many frames; this one was not handled. Wait {retry_after_ms} ms before the next."
        return self.error(
            ErrorPayload(
                code=ErrorCode.RATE_LIMITED,
                message=message,
                retry_after_ms=retry_after_ms,
                id=self.request_id(frame),
            )
        )

    def internal(self) -> bytes:
        """Return the `error` frame for a frame whose handler failed. It says nothing of the failure."""
        message = "The server failed to handle this frame and closes the connection. Connect again in a moment."
        return self.error(ErrorPayload(code=ErrorCode.INTERNAL, message=message))

    def source_unavailable(self, message: str) -> bytes:
        """Return the `error` frame for a stream whose source gives nothing; `message` says why in one sentence."""
        return self.error(ErrorPayload(code=ErrorCode.SOURCE_UNAVAILABLE, message=message))

    def shutdown(self, reconnect_after_ms: int) -> bytes:
        """Return the `shutdown` frame."""
        return self.closing(ShutdownPayload(reconnect_after_ms=reconnect_after_ms))

    def expiring(self, expires_at: int) -> bytes:
        """Return the frame that says when the token ends (ms)."""
        return self.warning(AuthExpiringPayload(expires_at=expires_at))


def _envelope_id(frame: str) -> str | int | MISSING:
    try:
        payload = decode_bars(frame).payload
    except DecodeError as error:
        return readable_id(error.correlation_id)
    return MISSING if payload is MISSING else payload.id


def _flat_id(frame: str) -> str | int | MISSING:
    try:
        return decode_tickers(frame).id
    except DecodeError as error:
        return readable_id(error.correlation_id)


ENVELOPE = ErrorFrames(
    error=lambda payload: encode_bars(Error(payload=payload)),
    closing=lambda payload: encode_bars(Shutdown(payload=payload)),
    warning=lambda payload: encode_bars(AuthExpiring(payload=payload)),
    request_id=_envelope_id,
)
"""For the bars socket: `{"type": T, "payload": {...}}`."""

FLAT = ErrorFrames(
    error=lambda payload: encode_tickers(
        CacheError(code=payload.code, message=payload.message, retry_after_ms=payload.retry_after_ms, id=payload.id)
    ),
    closing=lambda payload: encode_tickers(CacheShutdown(reconnect_after_ms=payload.reconnect_after_ms)),
    warning=lambda payload: encode_tickers(CacheAuthExpiring(expires_at=payload.expires_at)),
    request_id=_flat_id,
)
"""For the cache sockets, which are alike in this: `{"type": T, ...}`."""


def readable_id(value: object) -> str | int | MISSING:
    """Return the value where it is a request's id as the document has it, else MISSING."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return MISSING
        return value if len(value) <= MAX_ID_LENGTH else MISSING
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID_NUMBER:
        return value
    return MISSING
