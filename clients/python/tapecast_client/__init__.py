# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Tapecast: an async client. `Client` is where to begin; `models` has the messages."""

from . import models
from .client import (
    SERVERS,
    AccountBalancesConnection,
    BalancesConnection,
    BarsConnection,
    Client,
    ExchangeOrdersConnection,
    ExchangeTickersConnection,
    ExchangeTradesConnection,
    OrdersConnection,
    TickersConnection,
    TradesConnection,
)
from .codec import Undeclared
from .connection import Counts, Lost, Opened, Token
from .errors import CloseCode, ErrorCode
from .faults import (
    ClientError,
    ConnectionEnded,
    ConnectionFailed,
    ConnectionLost,
    InvalidMessage,
    Refused,
    RequestTimeout,
    UnexpectedReply,
)
from .messages import (
    AccountBalancesMessage,
    BalancesMessage,
    BarsMessage,
    ExchangeOrdersMessage,
    ExchangeTickersMessage,
    ExchangeTradesMessage,
    OrdersMessage,
    TickersMessage,
    TradesMessage,
)
from .tracking import Missed

__all__ = [
    "SERVERS",
    "AccountBalancesConnection",
    "AccountBalancesMessage",
    "BalancesConnection",
    "BalancesMessage",
    "BarsConnection",
    "BarsMessage",
    "Client",
    "ClientError",
    "CloseCode",
    "ConnectionEnded",
    "ConnectionFailed",
    "ConnectionLost",
    "Counts",
    "ErrorCode",
    "ExchangeOrdersConnection",
    "ExchangeOrdersMessage",
    "ExchangeTickersConnection",
    "ExchangeTickersMessage",
    "ExchangeTradesConnection",
    "ExchangeTradesMessage",
    "InvalidMessage",
    "Lost",
    "Missed",
    "Opened",
    "OrdersConnection",
    "OrdersMessage",
    "Refused",
    "RequestTimeout",
    "TickersConnection",
    "TickersMessage",
    "Token",
    "TradesConnection",
    "TradesMessage",
    "Undeclared",
    "UnexpectedReply",
    "models",
]
