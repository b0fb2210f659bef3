# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pydantic import TypeAdapter

from .addresses import Address, MixedAddress, Parameter


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str


ROOT: Final = Channel(id="root", address="/", title="root", summary="")
RELATIVE: Final = Channel(id="relative", address="/a/b", title="relative", summary="")
NOWHERE: Final = Channel(id="nowhere", address="/nowhere", title="nowhere", summary="")
ABSENT: Final = Channel(id="absent", address="/absent", title="absent", summary="")
COMPLETE: Final = Channel(id="complete", address="/complete/path", title="complete", summary="")
PAIR: Final = Channel(id="pair", address="/pairs/{base}-{quote}", title="pair", summary="")
FILE: Final = Channel(id="file", address="/files/{user id}/{name}.{kind}", title="file", summary="")
VERSION: Final = Channel(id="version", address="/v{version}/{class}", title="version", summary="")

CHANNELS: Final[tuple[Channel, ...]] = (ROOT, RELATIVE, NOWHERE, ABSENT, COMPLETE, PAIR, FILE, VERSION)


_PAIR_ADDRESS: Final = MixedAddress(("pairs", ("", "-", "")), slashes=False)
_PAIR_PARAMETERS: Final = (
    Parameter[Literal["btc", "eth"]]("base", "string", TypeAdapter(Literal["btc", "eth"]), 'one of "btc", "eth"'),
    Parameter[str]("quote", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairParameters:
    """What stands in an address of `pair`."""

    base: Literal["btc", "eth"]
    quote: str = "usd"


def parse_pair(raw_path: bytes) -> PairParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/pairs/{base}-{quote}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _PAIR_ADDRESS.split(raw_path)
    if values is None:
        return None
    return PairParameters(base=_PAIR_PARAMETERS[0].read(values[0]), quote=_PAIR_PARAMETERS[1].read(values[1]))


def format_pair(parameters: PairParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _PAIR_ADDRESS.join(parameters.base, parameters.quote)


_FILE_ADDRESS: Final = MixedAddress(("files", None, ("", ".", "")), slashes=False)
_FILE_PARAMETERS: Final = (
    Parameter[str]("user id", "string", TypeAdapter(str), "a string"),
    Parameter[str]("name", "string", TypeAdapter(str), "a string"),
    Parameter[str]("kind", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileParameters:
    """What stands in an address of `file`."""

    user_id: str
    name: str
    kind: str


def parse_file(raw_path: bytes) -> FileParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/files/{user id}/{name}.{kind}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _FILE_ADDRESS.split(raw_path)
    if values is None:
        return None
    return FileParameters(
        user_id=_FILE_PARAMETERS[0].read(values[0]),
        name=_FILE_PARAMETERS[1].read(values[1]),
        kind=_FILE_PARAMETERS[2].read(values[2]),
    )


def format_file(parameters: FileParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _FILE_ADDRESS.join(parameters.user_id, parameters.name, parameters.kind)


_VERSION_ADDRESS: Final = MixedAddress((("v", ""), None), slashes=False)
_VERSION_PARAMETERS: Final = (
    Parameter[int]("version", "integer", TypeAdapter(int), "an integer"),
    Parameter[str]("class", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionParameters:
    """What stands in an address of `version`."""

    version: int
    class_: str


def parse_version(raw_path: bytes) -> VersionParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/v{version}/{class}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _VERSION_ADDRESS.split(raw_path)
    if values is None:
        return None
    return VersionParameters(
        version=_VERSION_PARAMETERS[0].read(values[0]), class_=_VERSION_PARAMETERS[1].read(values[1])
    )


def format_version(parameters: VersionParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _VERSION_ADDRESS.join(parameters.version, parameters.class_)


Parameters: TypeAlias = PairParameters | FileParameters | VersionParameters
"""What stands in an address of any channel."""

_ADDRESSES: Final[tuple[tuple[Address | MixedAddress, Channel], ...]] = (
    (Address(("",)), ROOT),
    (Address(("nowhere",)), NOWHERE),
    (Address(("absent",)), ABSENT),
    (Address(("a", "b")), RELATIVE),
    (Address(("complete", "path")), COMPLETE),
    (_PAIR_ADDRESS, PAIR),
    (_FILE_ADDRESS, FILE),
    (_VERSION_ADDRESS, VERSION),
)


def find_channel(raw_path: bytes) -> Channel | None:
    """Return the channel that a path belongs to as it was sent: of several the one whose address says most."""
    return next((channel for address, channel in _ADDRESSES if address.split(raw_path) is not None), None)
