# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter

from .addresses import Address, Parameter


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str


ANY: Final = Channel(id="any", address="/any/{rest}", title="any", summary="")
LOOK: Final = Channel(id="look", address="/{self}/{a-b}/{c}/{d}", title="look", summary="")

CHANNELS: Final[tuple[Channel, ...]] = (ANY, LOOK)


_ANY_ADDRESS: Final = Address(("any", None), slashes=True)
_ANY_PARAMETERS: Final = (
    Parameter[str](
        "rest",
        "string",
        TypeAdapter(Annotated[str, Field(min_length=2, max_length=5)]),
        "a string of 2 to 5 characters",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyParameters:
    """What stands in an address of `any`."""

    rest: str


def parse_any(raw_path: bytes) -> AnyParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/any/{rest}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _ANY_ADDRESS.split(raw_path)
    if values is None:
        return None
    return AnyParameters(rest=_ANY_PARAMETERS[0].read(values[0]))


def format_any(parameters: AnyParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _ANY_ADDRESS.join(parameters.rest)


_LOOK_ADDRESS: Final = Address((None, None, None, None), slashes=False)
_LOOK_PARAMETERS: Final = (
    Parameter[str](
        "self",
        "string",
        TypeAdapter(Annotated[str, Field(pattern="^(?=a)")], config=ConfigDict(regex_engine="python-re")),
        "a string that matches ^(?=a)",
    ),
    Parameter[float](
        "a-b", "number", TypeAdapter(Annotated[float, Field(multiple_of=0.5)]), "a number that is a multiple of 0.5"
    ),
    Parameter[Literal["x", "y"]]("c", "string", TypeAdapter(Literal["x", "y"]), 'one of "x", "y"'),
    Parameter[Literal[1, 2]]("d", "integer", TypeAdapter(Literal[1, 2]), "one of 1, 2"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookParameters:
    """What stands in an address of `look`."""

    self: str = "abc"
    a_b: float
    """A number."""
    c: Literal["x", "y"] = "x"
    """Which."""
    d: Literal[1, 2] = 2


def parse_look(raw_path: bytes) -> LookParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/{self}/{a-b}/{c}/{d}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _LOOK_ADDRESS.split(raw_path)
    if values is None:
        return None
    return LookParameters(
        self=_LOOK_PARAMETERS[0].read(values[0]),
        a_b=_LOOK_PARAMETERS[1].read(values[1]),
        c=_LOOK_PARAMETERS[2].read(values[2]),
        d=_LOOK_PARAMETERS[3].read(values[3]),
    )


def format_look(parameters: LookParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _LOOK_ADDRESS.join(parameters.self, parameters.a_b, parameters.c, parameters.d)


Parameters: TypeAlias = AnyParameters | LookParameters
"""What stands in an address of any channel."""

_ADDRESSES: Final[tuple[tuple[Address, Channel], ...]] = ((_ANY_ADDRESS, ANY), (_LOOK_ADDRESS, LOOK))


def find_channel(raw_path: bytes) -> Channel | None:
    """Return the channel that a path belongs to as it was sent: of several the one whose address says most."""
    return next((channel for address, channel in _ADDRESSES if address.split(raw_path) is not None), None)
