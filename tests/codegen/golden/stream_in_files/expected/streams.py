# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Streams: what the document's `x-stream` says of each stream. It knows no socket, and keeps no position.

Frames are JSON objects here, as they stand on the wire: `read` takes a value out of one, `read_key` its key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from . import models

Pointer: TypeAlias = tuple[str, ...]
"""The members that lead to a value."""


@dataclass(frozen=True, slots=True)
class MemberName:
    """A part of a key that is itself the name of a member: of the only one that is none of `beside`."""

    pointer: Pointer
    beside: tuple[str, ...]


KeyPart: TypeAlias = Pointer | MemberName


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A message, and where it holds what; None where it holds none, and no key where it lacks a part of it.

    `tag`: the member and its value by which a frame is known to be this message. `prev`: what has it is counted.
    """

    message: str
    model: type[BaseModel]
    tag: tuple[str, str] | None
    key: tuple[KeyPart, ...] = ()
    seq: Pointer | None = None
    prev: Pointer | None = None
    epoch: Pointer | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks by, and what it may be answered."""

    operation: str
    frame: Frame
    replies: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a client that comes back says what it holds: in the request, or in the query of a stream without one.

    `recovered`: where `ack` or `ready` says whether the stream goes on from there, with no frame lost and none twice.
    """

    seq: Pointer
    epoch: Pointer | None
    recovered: Pointer | None


@dataclass(frozen=True, slots=True)
class Gap:
    """The frame that says that those from `first` to `last` can't be had any more. No key, or null: of every key."""

    frame: Frame
    first: Pointer
    last: Pointer


@dataclass(frozen=True, slots=True)
class Refresh:
    """What takes a new token, and where its frame holds it."""

    request: Request
    token: Pointer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream: either `subscribe` opens it and `ack` says where it starts, or its address does and `ready` says it.

    `frames`: the messages that belong to it. `reset`: continuity can't be shown, it goes on from the frame's position.
    """

    channel: str
    subscribe: Request | None
    unsubscribe: Request | None
    ack: Frame | None
    ready: Frame | None
    frames: tuple[Frame, ...]
    resume: Resume | None
    gap: Gap | None
    reset: Frame | None
    refresh: Refresh | None


STREAMS: Final[tuple[Stream, ...]] = (
    Stream(
        channel="trades",
        subscribe=None,
        unsubscribe=None,
        ack=None,
        ready=Frame(message="ready", model=models.Ready, tag=("t", "ready"), seq=("seq",)),
        frames=(Frame(message="trade", model=models.Trade, tag=("t", "trade"), key=(("symbol",),), seq=("seq",)),),
        resume=Resume(("from",), None, None),
        gap=None,
        reset=Frame(message="ready", model=models.Ready, tag=("t", "ready"), seq=("seq",)),
        refresh=None,
    ),
    Stream(
        channel="tickers",
        subscribe=None,
        unsubscribe=None,
        ack=None,
        ready=Frame(message="ready", model=models.Ready, tag=("t", "ready"), seq=("seq",)),
        frames=(Frame(message="trade", model=models.Trade, tag=("t", "trade"), key=(("symbol",),), seq=("seq",)),),
        resume=Resume(("from",), None, None),
        gap=None,
        reset=Frame(message="ready", model=models.Ready, tag=("t", "ready"), seq=("seq",)),
        refresh=None,
    ),
)


def streams_of(channel: str) -> tuple[Stream, ...]:
    """Return the streams of a channel, by its id."""
    return tuple(stream for stream in STREAMS if stream.channel == channel)


def read(frame: object, pointer: Pointer | None) -> Any:
    """Return the value that a pointer leads to in a frame; None where there is none, or where that is the value."""
    for name in pointer or ():
        frame = frame.get(name) if isinstance(frame, Mapping) else None
    return frame if pointer is not None else None


def read_key(frame: object, key: tuple[KeyPart, ...]) -> tuple[str | int | None, ...]:
    """Return the parts of a frame's key; None for one that it lacks."""
    return tuple(_part(frame, part) for part in key)


def _part(frame: object, part: KeyPart) -> str | int | None:
    if not isinstance(part, MemberName):
        value = read(frame, part)
        return value if isinstance(value, (str, int)) else None
    place = read(frame, part.pointer)
    names = [name for name in place if name not in part.beside] if isinstance(place, Mapping) else []
    return names[0] if len(names) == 1 else None
