# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Addresses: values into the text of an address. It knows no channel of its own."""

from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from .faults import InvalidMessage

T = TypeVar("T")


def checked(name: str, adapter: TypeAdapter[T], value: T) -> T:
    """Return a value that the document allows. Raises InvalidMessage for any other; it doesn't show it."""
    try:
        return adapter.validate_python(value, strict=True)
    except ValidationError as error:
        raise InvalidMessage(f"{name}: {error.errors(include_input=False, include_url=False)[0]['msg']}") from None


def text(value: Any) -> str:
    """Return a value as it stands in an address."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def segment(name: str, value: Any, *, slashes: bool = False) -> str:
    """Return a value as a segment of a path, percent-encoded. Raises InvalidMessage where no path can hold it."""
    parts = text(value).split("/")
    if {"", ".", ".."} & set(parts) or (len(parts) > 1 and not slashes):
        raise InvalidMessage(f"{name}: a path holds nothing that is empty or a dot, or has a slash here")
    return "/".join(quote(part, safe="") for part in parts)


def present(**values: Any) -> dict[str, str]:
    """Return those that are not None, as texts."""
    return {name: text(value) for name, value in values.items() if value is not None}
