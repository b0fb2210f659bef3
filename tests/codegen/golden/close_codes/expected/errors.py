# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Errors: the codes that the document lists, with their texts. It doesn't know when one is used."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class CloseCode(IntEnum):
    """A code that a connection may be closed with."""

    NORMAL = 1000
    GOING_AWAY = 4001

    @property
    def text(self) -> str:
        """Return the document's sentence about it."""
        return _CLOSE_TEXTS[self]

    @property
    def reconnect(self) -> bool:
        """Tell whether a client that was closed with it should come back."""
        return self in _RECONNECT


_CLOSE_TEXTS: Final[Mapping[CloseCode, str]] = {CloseCode.NORMAL: "The end.", CloseCode.GOING_AWAY: "Come back."}

_RECONNECT: Final[frozenset[CloseCode]] = frozenset({CloseCode.GOING_AWAY})
