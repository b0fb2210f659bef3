"""Codes: the document's close code for each reason why the server ends a session. It never sees a connection."""

from typing import assert_never

from generated.errors import CloseCode
from streaming.transport import EndReason

DOCUMENTED = frozenset(int(code) for code in CloseCode)
"""The numbers of the document's close codes."""


def close_code(reason: EndReason) -> CloseCode:
    """Return the document's close code for the reason why the server ends a session."""
    match reason:
        case "shutdown":
            return CloseCode.SHUTDOWN
        case "token_expired":
            return CloseCode.TOKEN_EXPIRED
        case "token_revoked":
            return CloseCode.TOKEN_REVOKED
        case "slow_consumer":
            return CloseCode.SLOW_CONSUMER
        case "rate_limit":
            return CloseCode.RATE_LIMIT
        case "bad_frames":
            return CloseCode.BAD_FRAMES
        case "state_lost":
            return CloseCode.STATE_LOST
        case "unsupported_data":
            return CloseCode.UNSUPPORTED_DATA
        case "internal_error":
            return CloseCode.INTERNAL_ERROR
        case _:
            assert_never(reason)
