# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Addresses: the path of a handshake into the values that stand in it, and back. It knows no channel of its own."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")
D = TypeVar("D")

_MALFORMED: Final = re.compile(rb"%(?![0-9a-fA-F]{2})")
_TWICE_ENCODED: Final = re.compile(r"%2f", re.IGNORECASE)
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,999}", re.ASCII)
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,999})(\.[0-9]{1,999})?([eE][-+]?[0-9]{1,3})?", re.ASCII)
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


class ParameterError(ValueError):
    """A value is not what the document allows. Its text is a sentence for the client, and doesn't show the value."""

    def __init__(self, name: str, wanted: str) -> None:
        super().__init__(f"{name} must be {wanted}.")
        self.name = name


@dataclass(frozen=True)  # no slots: a generic class with them can't be made as Parameter[int](...)
class Parameter(Generic[T]):
    """A value that is sent as text. `wanted` is what it must be, in words."""

    name: str
    kind: Literal["string", "integer", "number", "boolean"]
    adapter: TypeAdapter[T]
    wanted: str

    def read(self, text: str) -> T:
        """Return the value that a text stands for. Raises ParameterError."""
        try:
            return self.adapter.validate_python(self._value(text), strict=True)
        except (ValidationError, ValueError):
            raise ParameterError(self.name, self.wanted) from None

    def required(self, found: Mapping[str, str]) -> T:
        """Return its value among those that were sent. Raises ParameterError, also where it wasn't."""
        if self.name not in found:
            raise ParameterError(self.name, "sent")
        return self.read(found[self.name])

    def optional(self, found: Mapping[str, str], default: D) -> T | D:
        """Return its value among those that were sent, `default` where it wasn't. Raises ParameterError."""
        return self.read(found[self.name]) if self.name in found else default

    def _value(self, text: str) -> Any:
        if self.kind == "string":
            return text
        if self.kind == "boolean":
            return _BOOLEANS.get(text)
        if self.kind == "integer":
            return int(text) if _INTEGER.fullmatch(text) else None
        number = float(text) if _NUMBER.fullmatch(text) else math.inf
        return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Address:
    """The segments of a path; None is one whose value is a parameter. `slashes`: the last one takes all that is left.

    A path is looked at as it was sent, so that an encoded slash is no separator. No value is empty, `.` or `..`, holds
    a slash where that isn't allowed, or one that was encoded twice; and there is no slash at the end.
    """

    segments: tuple[str | None, ...]
    slashes: bool = False

    def split(self, raw_path: bytes) -> tuple[str, ...] | None:
        """Return the values, or None where the path is not this address."""
        head, *found = raw_path.split(b"/", len(self.segments) if self.slashes else -1)
        if head or len(found) != len(self.segments):
            return None
        values: list[str] = []
        for index, (segment, raw) in enumerate(zip(self.segments, found, strict=True)):
            text = _decode(raw)
            if text is None or (segment is not None and text != segment):
                return None
            if segment is None:
                slashes = self.slashes and index == len(self.segments) - 1
                if not _is_value(text, slashes):
                    return None
                values.append(text)
        return tuple(values)

    def join(self, *values: object) -> str:
        """Return the path that holds the values, percent-encoded. Raises ValueError where no path can."""
        texts = tuple(_text(value) for value in values)
        left = iter(texts)
        path = "".join("/" + quote(next(left) if part is None else part, safe="") for part in self.segments)
        if self.slashes:
            path = path.replace("%2F", "/")
        if self.split(path.encode()) != texts:
            raise ValueError("An address holds no value that is empty or a dot, or has a slash in the wrong place.")
        return path


def raw_path(scope: Mapping[str, Any]) -> bytes:
    """Return the path of an ASGI scope as it was sent, without what it is mounted under."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    root = quote(scope.get("root_path", "")).encode()
    return path.partition(b"?")[0].removeprefix(root)


def read_query(scope: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Return the query parameters of these names that a handshake has. Raises ParameterError for two values of one."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
        if name in names and found.setdefault(name, value) != value:
            raise ParameterError(name, "sent once")
    return found


def require_beside(found: Mapping[str, str], name: str, *others: str) -> None:
    """Raise ParameterError where a value was sent, and one that it is only sent beside was not."""
    for other in others:
        if name in found and other not in found:
            raise ParameterError(other, f"sent beside {name}")


def read_headers(scope: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Return the headers of these names that a handshake has. Raises ParameterError for two values of one."""
    found: dict[str, str] = {}
    wanted = {name.lower().encode(): name for name in names}
    for raw, value in scope["headers"]:
        name = wanted.get(raw.lower())
        text = value.decode("latin-1").strip()
        if name is not None and found.setdefault(name, text) != text:
            raise ParameterError(name, "sent once")
    return found


def _decode(raw: bytes) -> str | None:
    if _MALFORMED.search(raw):
        return None
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None


def _is_value(text: str, slashes: bool) -> bool:
    parts = text.split("/")
    return (slashes or len(parts) == 1) and not _TWICE_ENCODED.search(text) and not {"", ".", ".."} & set(parts)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
