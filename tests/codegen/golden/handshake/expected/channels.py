# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from .addresses import Address, Parameter, read_query, require_beside


@dataclass(frozen=True, slots=True)
class Security:
    """Where in a handshake a token may stand, and what it must allow.

    `bearer`: the Authorization header, and the subprotocol `bearer.TOKEN` beside the channel's own. `queries` and
    `headers`: names of query parameters and headers. `optional`: a client without a token may enter, too.
    """

    bearer: bool
    queries: tuple[str, ...]
    headers: tuple[str, ...]
    scopes: tuple[str, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str
    subprotocols: tuple[str, ...]
    security: Security | None


DESK: Final = Channel(
    id="desk",
    address="/desk",
    title="desk",
    summary="",
    subprotocols=("library.v2", "library.v1"),
    security=Security(bearer=True, queries=("card",), headers=(), scopes=(), optional=True),
)
SHELF: Final = Channel(
    id="shelf",
    address="/shelves/{shelf}",
    title="shelf",
    summary="",
    subprotocols=(),
    security=Security(bearer=True, queries=(), headers=("x-card",), scopes=("shelves:write",), optional=False),
)
FIRST: Final = Channel(
    id="first",
    address="/shelves/first",
    title="first",
    summary="",
    subprotocols=(),
    security=Security(bearer=True, queries=(), headers=(), scopes=(), optional=False),
)
BOOK: Final = Channel(
    id="book",
    address="/shelves/{shelf}/{book-title}",
    title="book",
    summary="",
    subprotocols=("library.v1",),
    security=Security(bearer=True, queries=("card",), headers=(), scopes=("books:open", "books:read"), optional=False),
)
LOAN: Final = Channel(
    id="loan", address="/loans/{kind}/{name}", title="loan", summary="", subprotocols=(), security=None
)

CHANNELS: Final[tuple[Channel, ...]] = (DESK, SHELF, FIRST, BOOK, LOAN)


_SHELF_ADDRESS: Final = Address(("shelves", None), slashes=False)
_SHELF_PARAMETERS: Final = (
    Parameter[int]("shelf", "integer", TypeAdapter(Annotated[int, Field(ge=1, le=99)]), "an integer from 1 to 99"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfParameters:
    """What stands in an address of `shelf`."""

    shelf: int
    """The number of a shelf."""


def parse_shelf(raw_path: bytes) -> ShelfParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/shelves/{shelf}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _SHELF_ADDRESS.split(raw_path)
    if values is None:
        return None
    return ShelfParameters(shelf=_SHELF_PARAMETERS[0].read(values[0]))


def format_shelf(parameters: ShelfParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _SHELF_ADDRESS.join(parameters.shelf)


_BOOK_ADDRESS: Final = Address(("shelves", None, None), slashes=True)
_BOOK_PARAMETERS: Final = (
    Parameter[int]("shelf", "integer", TypeAdapter(Annotated[int, Field(ge=1, le=99)]), "an integer from 1 to 99"),
    Parameter[str](
        "book-title",
        "string",
        TypeAdapter(Annotated[str, Field(max_length=20, pattern="^[A-Z]")]),
        "a string of at most 20 characters that matches ^[A-Z]",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookParameters:
    """What stands in an address of `book`."""

    shelf: int
    """The number of a shelf."""
    book_title: str


def parse_book(raw_path: bytes) -> BookParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/shelves/{shelf}/{book-title}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _BOOK_ADDRESS.split(raw_path)
    if values is None:
        return None
    return BookParameters(shelf=_BOOK_PARAMETERS[0].read(values[0]), book_title=_BOOK_PARAMETERS[1].read(values[1]))


def format_book(parameters: BookParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _BOOK_ADDRESS.join(parameters.shelf, parameters.book_title)


_BOOK_QUERY: Final = (
    Parameter[int]("page", "integer", TypeAdapter(Annotated[int, Field(ge=0)]), "an integer of at least 0"),
    Parameter[Literal["left", "right"]](
        "hand", "string", TypeAdapter(Literal["left", "right"]), 'one of "left", "right"'
    ),
    Parameter[float]("zoom", "number", TypeAdapter(Annotated[float, Field(gt=0)]), "a number above 0"),
    Parameter[bool]("aloud", "boolean", TypeAdapter(bool), "true or false"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookQuery:
    """What may stand in the query of `book`."""

    page: int = 1
    """Where to open it."""
    hand: Literal["left", "right"]
    zoom: float | None = None
    aloud: bool | None = None


def read_book_query(scope: Mapping[str, Any]) -> BookQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "page", "hand", "zoom", "aloud")
    require_beside(found, "aloud", "zoom", "page")
    return BookQuery(
        page=_BOOK_QUERY[0].optional(found, 1),
        hand=_BOOK_QUERY[1].required(found),
        zoom=_BOOK_QUERY[2].optional(found, None),
        aloud=_BOOK_QUERY[3].optional(found, None),
    )


_LOAN_ADDRESS: Final = Address(("loans", None, None), slashes=False)
_LOAN_PARAMETERS: Final = (
    Parameter[Literal["book", "map"]]("kind", "string", TypeAdapter(Literal["book", "map"]), 'one of "book", "map"'),
    Parameter[str]("name", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanParameters:
    """What stands in an address of `loan`."""

    kind: Literal["book", "map"]
    name: str


def parse_loan(raw_path: bytes) -> LoanParameters | None:
    """Return what stands in a path as it was sent, None where it is no `/loans/{kind}/{name}`.

    Raises ParameterError for a value that the document doesn't allow.
    """
    values = _LOAN_ADDRESS.split(raw_path)
    if values is None:
        return None
    return LoanParameters(kind=_LOAN_PARAMETERS[0].read(values[0]), name=_LOAN_PARAMETERS[1].read(values[1]))


def format_loan(parameters: LoanParameters) -> str:
    """Return the path that holds the parameters, percent-encoded. Raises ValueError where no path can."""
    return _LOAN_ADDRESS.join(parameters.kind, parameters.name)


Parameters: TypeAlias = ShelfParameters | BookParameters | LoanParameters
"""What stands in an address of any channel."""

_ADDRESSES: Final[tuple[tuple[Address, Channel], ...]] = (
    (Address(("desk",)), DESK),
    (Address(("shelves", "first")), FIRST),
    (_SHELF_ADDRESS, SHELF),
    (_LOAN_ADDRESS, LOAN),
    (_BOOK_ADDRESS, BOOK),
)


def find_channel(raw_path: bytes) -> Channel | None:
    """Return the channel that a path belongs to as it was sent: of several the one whose address says most."""
    return next((channel for address, channel in _ADDRESSES if address.split(raw_path) is not None), None)


Query: TypeAlias = BookQuery
"""What stands in the query of any channel."""
