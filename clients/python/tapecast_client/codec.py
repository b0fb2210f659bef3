# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Codec: frames into messages, and messages into frames. It knows no message of its own, and no socket.

A frame of JSON is decoded once, by the one model that its tag names, straight from its bytes (`validate_json`). The tag
is read off the frame's first member where it stands there, as nearly every server writes it; else the JSON is read for
it. Text and bytes are taken as they stand.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import attrgetter, or_
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from pydantic import MISSING, BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json, to_jsonable_python

from .faults import InvalidMessage

MessageT = TypeVar("MessageT")
MessageT_co = TypeVar("MessageT_co", covariant=True)
ModelT = TypeVar("ModelT", bound=BaseModel)
ReplyT_co = TypeVar("ReplyT_co", covariant=True)

Read: TypeAlias = Callable[[Any], Any]
"""Takes a value out of a message; None where there is none."""

Form: TypeAlias = Literal["json", "text", "binary"]
"""What a message's frame is: JSON, or the text or the bytes as they stand."""

_NONE: Final[frozenset[str]] = frozenset()

Reason: TypeAlias = Literal["binary", "malformed", "unknown", "invalid"]


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A frame that the document doesn't have.

    `reason`: `binary`, `malformed` (no JSON, or without the member that tells messages apart), `unknown` (that member
    has a value that the document doesn't list), `invalid` (a known message that breaks its schema: `detail`).
    """

    reason: Reason
    detail: str
    frame: bytes = field(repr=False)


class UndeclaredError(Exception):
    """Carries an `Undeclared`."""

    def __init__(self, found: Undeclared) -> None:
        super().__init__(found.detail)
        self.found: Final = found


@dataclass(frozen=True, slots=True, eq=False)
class Incoming(Generic[MessageT_co]):
    """A message that the server may send. `pushed`: it may come unasked. `correlation`: reads the id of its request.

    `wait`: reads how long to wait before connecting again, in milliseconds. `form`: what its frame is.
    """

    name: str
    adapter: TypeAdapter[MessageT_co]
    tag: str | None
    pushed: bool
    correlation: Read | None
    wait: Read | None = None
    form: Form = "json"


@dataclass(frozen=True, slots=True, eq=False)
class Request(Generic[ReplyT_co]):
    """An operation that this client sends: the names of its replies, and where each message holds the request's id."""

    operation: str
    replies: frozenset[str]
    correlation: Mapping[str, tuple[str, ...]]


class Decoder(Generic[MessageT]):
    """Decodes what comes in over one channel."""

    def __init__(self, tag: str | None, known: Sequence[Incoming[MessageT]]) -> None:
        """`tag` is the member that tells messages apart, None where there is none: then the shape decides."""
        self._tag: Final = tag
        by_value: dict[str, list[Incoming[MessageT]]] = {}
        for item in known:
            if item.form != "json":
                continue
            by_value.setdefault(item.tag if tag is not None and item.tag is not None else "", []).append(item)
        self._by_value: Final = {value: _choice(items) for value, items in by_value.items()}
        self._texts: Final = [item for item in known if item.form == "text"]
        self._binaries: Final = [item for item in known if item.form == "binary"]
        several = any(len(items) > 1 for items in by_value.values())
        self.is_clear: Final = not (several or self._texts or self._binaries)
        """Whether `decode` does: every message is JSON, and no two of them could be the same frame."""
        self._by_start: Final[dict[bytes, tuple[Incoming[MessageT], Callable[[bytes], MessageT]]]] = {}
        if tag is not None:
            for value, items in by_value.items():
                for between in (":", ": "):
                    start = "{" + json.dumps(tag) + between + json.dumps(value)
                    if "," not in start and len(items) == 1:
                        self._by_start[start.encode()] = (items[0], items[0].adapter.validator.validate_json)

    def decode(self, frame: bytes, awaited: frozenset[str] = _NONE) -> tuple[Incoming[MessageT], MessageT]:
        """Return which message a frame of JSON is, and its value. Raises UndeclaredError. `awaited` is as in `tell`."""
        found = self._by_start.get(frame[: frame.find(b",")])
        if found is not None:
            try:
                return found[0], found[1](frame)
            except ValidationError:
                pass  # it may name the tag twice
        return self._slowly(frame, awaited)

    def tell(self, frame: bytes, awaited: frozenset[str], *, is_binary: bool) -> tuple[Incoming[MessageT], MessageT]:
        """Return which message a frame is, and its value, whatever its form. Raises UndeclaredError.

        Where it may be several, it is the one of which it has the most members. Among equals it is one of those that
        are `awaited` (names of replies), else one that may be pushed, else the first of the document's order.
        """
        if is_binary:
            if not self._binaries:
                raise UndeclaredError(Undeclared("binary", "a binary message", frame))
            return _as_it_stands(self._binaries, frame, frame, awaited)
        fault: UndeclaredError | None = None
        if self._by_value or not self._texts:
            try:
                return self.decode(frame, awaited)
            except UndeclaredError as error:
                fault = error
                if not self._texts:
                    raise
        try:
            return _as_it_stands(self._texts, frame.decode(), frame, awaited)
        except UnicodeDecodeError:
            raise UndeclaredError(Undeclared("malformed", "not UTF-8", frame)) from None
        except UndeclaredError as error:
            raise fault or error from None

    def _slowly(self, frame: bytes, awaited: frozenset[str]) -> tuple[Incoming[MessageT], MessageT]:
        try:
            body = from_json(frame)
        except ValueError as error:
            raise UndeclaredError(Undeclared("malformed", f"not JSON: {error}", frame)) from None
        value: object = ""
        if self._tag is not None:
            value = body.get(self._tag) if isinstance(body, dict) else None
            if not isinstance(value, str):
                raise UndeclaredError(Undeclared("malformed", f"there is no member {self._tag}", frame))
        choice = self._by_value.get(value) if isinstance(value, str) else None
        if choice is None:
            raise UndeclaredError(Undeclared("unknown", f"{self._tag or 'it'} is {value!r:.80}", frame))
        try:
            return choice(frame, awaited)
        except ValidationError as error:
            raise UndeclaredError(Undeclared("invalid", explain(error), frame)) from None


_Choice: TypeAlias = Callable[[bytes, frozenset[str]], tuple[Incoming[MessageT], MessageT]]


def _as_it_stands(
    items: Sequence[Incoming[MessageT]], value: object, frame: bytes, awaited: frozenset[str]
) -> tuple[Incoming[MessageT], MessageT]:
    """Return the message that a text, or bytes, is. Raises UndeclaredError."""
    detail = ""
    for item in sorted(items, key=lambda item: (item.name not in awaited, not item.pushed)):
        try:
            return item, item.adapter.validate_python(value)
        except ValidationError as error:
            detail = detail or explain(error)
    raise UndeclaredError(Undeclared("invalid", detail, frame))


def _choice(items: Sequence[Incoming[MessageT]]) -> _Choice[MessageT]:
    """Return what decodes a frame that is one of these messages."""
    if len(items) == 1:
        [only] = items
        validate = only.adapter.validator.validate_json
        return lambda frame, _: (only, validate(frame))
    by_type: dict[Any, Incoming[MessageT]] = {item.adapter._type: item for item in items}
    if all(isinstance(type_, type) and issubclass(type_, BaseModel) for type_ in by_type) and len(by_type) == len(
        items
    ):
        union: TypeAdapter[Any] = TypeAdapter(reduce(or_, by_type))

        pushed = frozenset(item.name for item in items if item.pushed)

        def by_shape(frame: bytes, awaited: frozenset[str]) -> tuple[Incoming[MessageT], MessageT]:
            message = union.validate_json(frame)
            found = by_type[type(message)]
            for wanted in (awaited, pushed):
                if found.name in wanted:
                    break
                for item in items:
                    other = _or_none(item, frame) if item.name in wanted else None
                    if other is not None and _known(other) >= _known(message):
                        return item, other
            return found, message

        return by_shape

    def in_turn(frame: bytes, _: frozenset[str]) -> tuple[Incoming[MessageT], MessageT]:
        for item in items[:-1]:
            try:
                return item, item.adapter.validate_json(frame)
            except ValidationError:
                continue
        return items[-1], items[-1].adapter.validate_json(frame)

    return in_turn


def _or_none(item: Incoming[MessageT], frame: bytes) -> MessageT | None:
    try:
        return item.adapter.validate_json(frame)
    except ValidationError:
        return None


def _known(message: Any) -> int:
    """Return how many of a message's members its schema names."""
    return len(message.model_fields_set & type(message).model_fields.keys())


def explain(error: ValidationError) -> str:
    """Return what is wrong with a message, without a word of its values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{'.'.join(map(str, item['loc'])) or 'it'}: {item['type'].replace('_', ' ')}" for item in found[:3]]
    return "; ".join(shown)


def member(path: str) -> Read:
    """Return what reads an attribute of a message (`payload.id`); None where there is none, or it is absent."""
    get = attrgetter(path)

    def read(message: Any) -> Any:
        try:
            value = get(message)
        except AttributeError:
            return None
        return None if value is MISSING else value

    return read


def build(model: type[ModelT], body: Mapping[str, Any]) -> ModelT:
    """Return the message of these members, those that are MISSING left out. Raises InvalidMessage."""
    try:
        return model.model_validate(_present(body))
    except ValidationError as error:
        raise InvalidMessage(f"{model.__name__}: {explain(error)}") from None


def _present(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _present(item) for name, item in value.items() if item is not MISSING}


def optional(body: Mapping[str, Any]) -> Any:
    """Return the members, or MISSING where all of them are."""
    return body if any(value is not MISSING for value in body.values()) else MISSING


def body_of(message: object) -> Any:
    """Return a message as it is in JSON, bytes as bytes."""
    if isinstance(message, RootModel) and isinstance(message.root, bytes):
        return message.root
    if isinstance(message, BaseModel):
        return message.model_dump(mode="json", by_alias=True)
    return to_jsonable_python(message)


def encode(body: object) -> bytes:
    """Return the frame of a body."""
    return to_json(body)


def encode_as(form: Form, body: Any) -> bytes:
    """Return the frame of a body that is JSON, a text, or bytes."""
    if form == "json":
        return encode(body)
    return body.encode() if isinstance(body, str) else bytes(body)


def at(body: object, way: Iterable[str]) -> Any:
    """Return the value at the end of a way through a body's members, None where there is none."""
    for name in way:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def put(body: dict[str, Any], way: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return a copy of a body with a value at the end of a way through its members."""
    name, *rest = way
    inner = body.get(name)
    return {**body, name: put(inner if isinstance(inner, dict) else {}, tuple(rest), value) if rest else value}
