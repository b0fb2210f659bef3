# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Errors: the codes that the document lists, with their texts. It doesn't know when one is used."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """A code that an error message may carry."""

    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not-found"
    _404 = "404"

    @property
    def text(self) -> str:
        """Return the document's sentence about it."""
        return _ERROR_TEXTS[self]


_ERROR_TEXTS: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.BAD_REQUEST: "The request is wrong.",
    ErrorCode.NOT_FOUND: 'There is no such thing: "it".',
    ErrorCode._404: "The same.",
}
