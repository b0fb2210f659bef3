# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Wire: JSON into models and back, and what to tell a client whose frame is wrong. It knows no message of its own.

Whatever the frame holds, DecodeError is all that reading it raises, and no word of it is Python's or Pydantic's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

MessageT_co = TypeVar("MessageT_co", bound=BaseModel, covariant=True)

Reason = Literal["malformed", "unknown_type", "invalid"]

_MAX_SHOWN: Final = 64  # characters of a client's own text that an error repeats
_MAX_DIGITS: Final = 309  # a double ends below 1.8e308
_NUMBER: Final = "The frame holds a number that is out of range. Send one that a 64-bit float can hold."


class DecodeError(ValueError):
    """A frame is no message of its channel.

    `reason`: `malformed` (no JSON object with a tag), `unknown_type` (a tag that the channel doesn't know) or `invalid`
    (a known tag, and a body that breaks its schema). `detail`: a sentence for the client. `correlation_id`: the JSON
    value at the place where requests carry their id, of whatever type and size; None where it could not be read.
    """

    def __init__(self, reason: Reason, detail: str, *, tag: str | None = None, correlation_id: object = None) -> None:
        super().__init__(detail)
        self.reason: Final = reason
        self.detail: Final = detail
        self.tag: Final = tag
        self.correlation_id: Final = correlation_id


@dataclass(frozen=True, slots=True)
class Incoming(Generic[MessageT_co]):
    """A message that may come in: its model, the way to its correlation id, and what each of its members must be."""

    model: type[MessageT_co]
    correlation: tuple[str, ...]
    wanted: Mapping[str, str] = field(repr=False)


class _Unreadable(Exception):
    """What a hook of the JSON reader raises; its text is for the client."""


def decode(frame: str | bytes, known: Mapping[str, Incoming[MessageT_co]], *, tag: str | None) -> MessageT_co:
    """Return the message of `known` that a frame holds, told by its member `tag`; without one, `known` has one entry.

    Raises DecodeError.
    """
    body = _read(frame, known, tag)
    value = body.get(tag) if tag is not None else next(iter(known))
    entry = known.get(value) if isinstance(value, str) else None
    if entry is None:
        raise _unknown(body, known, tag or "")
    try:
        return entry.model.model_validate(body, by_alias=True, by_name=False)
    except ValidationError as error:
        detail = _explain(error, entry.wanted)
    shown = value if tag is not None and isinstance(value, str) else None
    raise DecodeError("invalid", detail, tag=shown, correlation_id=_at(body, entry.correlation))


def refuse(frame: str | bytes) -> DecodeError:
    """Return what is to be raised for any frame of a channel that takes none."""
    try:
        _read(frame, {}, None)
    except DecodeError as error:
        return error
    return DecodeError("unknown_type", "This channel takes no messages.")


def encode(message: BaseModel) -> bytes:
    """Return a message as JSON, UTF-8, without blanks. Raises ValueError for what JSON can't say."""
    frame = message.__pydantic_serializer__.to_json(message)
    # Pydantic writes these names for what is not finite. They may stand in a text too, so the reader decides.
    if b"NaN" in frame or b"Infinity" in frame:
        json.loads(frame, parse_constant=_not_finite)
    return frame


def _not_finite(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def _read(frame: str | bytes, known: Mapping[str, Incoming[Any]], tag: str | None) -> dict[str, Any]:
    """Return the JSON object that a frame holds."""
    try:
        text = frame if isinstance(frame, str) else frame.decode()
        body = _STRICT.decode(text)
        # Only an escape can make half a character; no other text can hold one, once it is UTF-8.
        if "\\u" in text or (isinstance(frame, str) and not frame.isascii()):
            json.dumps(body, ensure_ascii=False).encode()
    except _Unreadable as error:
        problem = str(error)
    except UnicodeEncodeError:
        problem = "The frame holds half of a surrogate pair. Send whole characters."
    except UnicodeDecodeError:
        problem = "The frame is not UTF-8."
    except json.JSONDecodeError as error:
        problem = f"The frame is not JSON: it goes wrong at character {error.pos + 1}."
    except RecursionError:
        problem = "The frame nests too deeply."
    else:
        if isinstance(body, dict):
            return body
        problem = "The frame must be a JSON object."
    rest = _rescue(frame)
    name = rest.get(tag) if tag is not None else None
    shown = name if isinstance(name, str) and name in known else None
    raise DecodeError("malformed", problem, tag=shown, correlation_id=_find(rest, known, shown))


def _unknown(body: Mapping[str, Any], known: Mapping[str, Incoming[Any]], tag: str) -> DecodeError:
    value = body.get(tag)
    correlation_id = _find(body, known, None)
    if not isinstance(value, str):
        problem = "must be a string" if tag in body else "is missing"
        return DecodeError("malformed", f"{tag} {problem}. {_choices(known)}", correlation_id=correlation_id)
    shown = json.dumps(_short(value), ensure_ascii=False)
    detail = f"{tag} {shown} is not known here. {_choices(known)}"
    return DecodeError("unknown_type", detail, tag=value, correlation_id=correlation_id)


def _choices(known: Mapping[str, object]) -> str:
    return f"Send one of {', '.join(known)}."


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def _at(body: object, way: tuple[str, ...]) -> object:
    """Return the value at the end of a way through members, None where there is none."""
    if not way:
        return None
    for name in way:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _find(body: Mapping[str, Any], known: Mapping[str, Incoming[Any]], tag: str | None) -> object:
    """Return the correlation id of a frame whose message is not known: the first that a message here would have."""
    entries = [known[tag]] if tag is not None else known.values()
    for way in dict.fromkeys(entry.correlation for entry in entries):
        value = _at(body, way)
        if value is not None:
            return value
    return None


def _explain(error: ValidationError, wanted: Mapping[str, str]) -> str:
    """Return one sentence about the first thing that is wrong."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path, shown, rest = "", "", list(first["loc"])
    while rest:
        step = rest[0]
        name = f"{path}[]" if isinstance(step, int) else f"{path}.{step}" if path else str(step)
        other = f"{path}.*" if path else "*"
        if name not in wanted and other not in wanted:
            break
        path = name if name in wanted else other
        shown += f"[{step}]" if isinstance(step, int) else f".{_short(str(step))}" if shown else _short(str(step))
        rest.pop(0)
    if first["type"] == "extra_forbidden" and len(rest) == 1:
        return (
            f"{shown}.{_short(str(rest[0]))} is not allowed. Leave it out."
            if shown
            else (f"{_short(str(rest[0]))} is not allowed. Leave it out.")
        )
    if first["type"] == "missing" and not rest:
        return f"{shown} is missing."
    return f"{shown} must be {wanted[path]}." if path else "The frame is not as its schema says."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Unreadable("The frame names a member twice in one object.")
    return result


def _constant(_: str) -> object:
    raise _Unreadable("The frame holds NaN or Infinity, which are no JSON.")


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS + 1:
        raise _Unreadable(_NUMBER)
    value = int(text)
    if abs(value) > _LARGEST:
        raise _Unreadable(_NUMBER)
    return value


def _fraction(text: str) -> int | float:
    """Return a number with a point or an exponent: an int where it is whole, since JSON Schema tells no difference."""
    value = float(text)
    if value in (_INFINITY, -_INFINITY):
        raise _Unreadable(_NUMBER)
    if not value.is_integer():
        return value
    if value == 0:
        # What is too small for a float is not whole.
        return value if any(digit in "123456789" for digit in text.lower().partition("e")[0]) else 0
    exact = Decimal(text)
    whole = int(exact)
    return whole if whole == exact else value


_LARGEST: Final = int(float.fromhex("0x1.fffffffffffffp+1023"))
_INFINITY: Final = float("inf")
_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_fraction
)


def _rescue(frame: str | bytes) -> dict[str, Any]:
    """Return what can be read of a frame that is refused, so that the reply can carry its id."""
    try:
        body = _LENIENT.decode(frame if isinstance(frame, str) else frame.decode(errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for name, _ in pairs:
        counts[name] = counts.get(name, 0) + 1
    return {name: value for name, value in pairs if counts[name] == 1 and _is_text(value)}


def _is_text(value: object) -> bool:
    """Tell whether a value can be sent back: a string with half a surrogate pair can't."""
    try:
        return not isinstance(value, str) or bool(value.encode()) or True
    except UnicodeEncodeError:
        return False


def _number_or_none(text: str) -> int | float | None:
    try:
        return _integer(text) if text.lstrip("-").isdecimal() else _fraction(text)
    except _Unreadable:
        return None


_LENIENT: Final = json.JSONDecoder(
    object_pairs_hook=_unambiguous,
    parse_constant=lambda _: None,
    parse_int=_number_or_none,
    parse_float=_number_or_none,
)
