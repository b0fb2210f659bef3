"""Errors: the frames that answer what no handler could answer. It never sees a connection."""

from pydantic import MISSING

from generated.errors import ErrorCode
from generated.messages import DecodeError, decode_bars, encode_bars
from generated.models import Error, ErrorPayload, Shutdown, ShutdownPayload

MAX_ID_LENGTH = 64
MAX_ID_NUMBER = 2**53 - 1


def bad_frame(error: DecodeError) -> bytes:
    """Return the `error` frame for input that can't be decoded, with the client's id where it could be read."""
    code = ErrorCode.UNKNOWN_TYPE if error.reason == "unknown_type" else ErrorCode.BAD_REQUEST
    payload = ErrorPayload(code=code, message=error.detail, id=readable_id(error.correlation_id))
    return encode_bars(Error(payload=payload))


def rate_limited(frame: str, retry_after_ms: int) -> bytes:
    """Return the `error` frame for a frame that came too fast and was not handled, with its id."""
    message = f"Too many frames; this one was not handled. Wait {retry_after_ms} ms before the next."
    payload = ErrorPayload(
        code=ErrorCode.RATE_LIMITED, message=message, retry_after_ms=retry_after_ms, id=request_id(frame)
    )
    return encode_bars(Error(payload=payload))


def internal() -> bytes:
    """Return the `error` frame for a frame whose handler failed. It says nothing of the failure."""
    message = "The server failed to handle this frame and closes the connection. Connect again in a moment."
    return encode_bars(Error(payload=ErrorPayload(code=ErrorCode.INTERNAL, message=message)))


def shutdown(reconnect_after_ms: int) -> bytes:
    """Return the `shutdown` frame."""
    return encode_bars(Shutdown(payload=ShutdownPayload(reconnect_after_ms=reconnect_after_ms)))


def request_id(frame: str) -> str | int | MISSING:
    """Return the id that a frame carries, MISSING where it has none or it can't be read."""
    try:
        payload = decode_bars(frame).payload
    except DecodeError as error:
        return readable_id(error.correlation_id)
    return MISSING if payload is MISSING else payload.id


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
