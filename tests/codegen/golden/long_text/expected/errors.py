# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Errors: the codes that the document lists, with their texts. It doesn't know when one is used."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """A code that an error message may carry."""

    MUCH = "much"

    @property
    def text(self) -> str:
        """Return the document's sentence about it."""
        return _ERROR_TEXTS[self]


_ERROR_TEXTS: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.MUCH: (
        "A text so long that the line which holds it in the generated module would be longer than the one"
        " hundred and twenty columns."
    )
}
