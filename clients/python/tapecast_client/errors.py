# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Errors: the codes that the document lists, with their texts. It doesn't know when one is used."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """A code that an error message may carry."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_SYMBOL = "unknown_symbol"
    UNSUPPORTED_RESOLUTION = "unsupported_resolution"
    NOT_SUBSCRIBED = "not_subscribed"
    SUBSCRIPTION_LIMIT = "subscription_limit"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    SOURCE_UNAVAILABLE = "source_unavailable"
    INTERNAL = "internal"

    @property
    def text(self) -> str:
        """Return the document's sentence about it."""
        return _ERROR_TEXTS[self]


_ERROR_TEXTS: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.BAD_REQUEST: ("The frame is not JSON, or not a message as this document describes it."),
    ErrorCode.UNKNOWN_TYPE: "The frame's type is none that this socket accepts.",
    ErrorCode.UNKNOWN_SYMBOL: ("No source serves this symbol, or the bare symbol is ambiguous."),
    ErrorCode.UNSUPPORTED_RESOLUTION: "The resolution is none of those listed.",
    ErrorCode.NOT_SUBSCRIBED: "There is no such subscription on this connection.",
    ErrorCode.SUBSCRIPTION_LIMIT: "The connection holds as many subscriptions as it may.",
    ErrorCode.RATE_LIMITED: ("Frames came faster than the limit; this one was not handled. Wait retry_after_ms."),
    ErrorCode.UNAUTHORIZED: "The token is bad or has expired.",
    ErrorCode.FORBIDDEN: ("The token is another user's, or does not cover what this connection shows."),
    ErrorCode.SOURCE_UNAVAILABLE: "The source of this symbol is not available now.",
    ErrorCode.INTERNAL: (
        "The server failed to handle this frame and closes the connection with 1011. The fault was logged."
    ),
}


class CloseCode(IntEnum):
    """A code that a connection may be closed with."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SHUTDOWN = 4001
    SLOW_CONSUMER = 4002
    TOKEN_EXPIRED = 4003
    PING_TIMEOUT = 4004
    RATE_LIMIT = 4005
    STATE_LOST = 4006
    CONNECTION_LIMIT = 4007
    TOKEN_REVOKED = 4501
    BAD_FRAMES = 4502
    UNKNOWN_ADDRESS = 4504

    @property
    def text(self) -> str:
        """Return the document's sentence about it."""
        return _CLOSE_TEXTS[self]

    @property
    def reconnect(self) -> bool:
        """Tell whether a client that was closed with it should come back."""
        return self in _RECONNECT


_CLOSE_TEXTS: Final[Mapping[CloseCode, str]] = {
    CloseCode.NORMAL: "The client's own close, echoed.",
    CloseCode.GOING_AWAY: "The client's own close, echoed.",
    CloseCode.PROTOCOL_ERROR: "The client broke the WebSocket protocol.",
    CloseCode.UNSUPPORTED_DATA: "A binary frame was sent; this API speaks text frames only.",
    CloseCode.INVALID_PAYLOAD: "A text frame was not valid UTF-8.",
    CloseCode.POLICY_VIOLATION: ("The token, its scopes, the account or the Origin were refused."),
    CloseCode.MESSAGE_TOO_BIG: "A frame was larger than the limit.",
    CloseCode.INTERNAL_ERROR: "The server failed. The fault was logged.",
    CloseCode.SHUTDOWN: ("The server is shutting down. Reconnect after reconnect_after_ms."),
    CloseCode.SLOW_CONSUMER: "The client read too slowly and its outbox overflowed.",
    CloseCode.TOKEN_EXPIRED: "The token expired. Reconnect with a new one.",
    CloseCode.PING_TIMEOUT: "The client did not answer pings.",
    CloseCode.RATE_LIMIT: ("The rate limit was exceeded three times within ten seconds."),
    CloseCode.STATE_LOST: "The source started over; subscribe again.",
    CloseCode.CONNECTION_LIMIT: (
        "The user, the address or the server has as many connections as it may. Reconnect after a while."
    ),
    CloseCode.TOKEN_REVOKED: ("The new token is another user's, or does not cover what this connection shows."),
    CloseCode.BAD_FRAMES: "Twenty bad frames in a row.",
    CloseCode.UNKNOWN_ADDRESS: ("There is no such channel, exchange, symbol or currency, or a parameter is malformed."),
}

_RECONNECT: Final[frozenset[CloseCode]] = frozenset(
    {
        CloseCode.INTERNAL_ERROR,
        CloseCode.SHUTDOWN,
        CloseCode.SLOW_CONSUMER,
        CloseCode.TOKEN_EXPIRED,
        CloseCode.PING_TIMEOUT,
        CloseCode.RATE_LIMIT,
        CloseCode.STATE_LOST,
        CloseCode.CONNECTION_LIMIT,
    }
)
