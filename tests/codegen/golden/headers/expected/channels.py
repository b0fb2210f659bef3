# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from .addresses import Parameter, read_headers, read_query, require_beside


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str


FEED: Final = Channel(id="feed", address="/feed", title="feed", summary="")

CHANNELS: Final[tuple[Channel, ...]] = (FEED,)


_FEED_QUERY: Final = (
    Parameter[int]("from", "integer", TypeAdapter(int), "an integer"),
    Parameter[str]("class", "string", TypeAdapter(str), "a string"),
    Parameter[str]("Class", "string", TypeAdapter(str), "a string"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuery:
    """What may stand in the query of `feed`."""

    from_: int | None = None
    class_: str | None = None
    class_2: str | None = None


def read_feed_query(scope: Mapping[str, Any]) -> FeedQuery:
    """Return what stands in the query of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_query(scope, "from", "class", "Class")
    require_beside(found, "class", "from")
    return FeedQuery(
        from_=_FEED_QUERY[0].optional(found, None),
        class_=_FEED_QUERY[1].optional(found, None),
        class_2=_FEED_QUERY[2].optional(found, None),
    )


_FEED_HEADERS: Final = (
    Parameter[str](
        "X-Client", "string", TypeAdapter(Annotated[str, Field(min_length=2)]), "a string of at least 2 characters"
    ),
    Parameter[int]("X-Level", "integer", TypeAdapter(int), "an integer"),
    Parameter[Literal["fast", "slow"]](
        "X-Mode", "string", TypeAdapter(Literal["fast", "slow"]), 'one of "fast", "slow"'
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHeaders:
    """What may stand in the headers of `feed`."""

    x_client: str
    """Who asks."""
    x_level: int = 1
    x_mode: Literal["fast", "slow"] | None = None


def read_feed_headers(scope: Mapping[str, Any]) -> FeedHeaders:
    """Return what stands in the headers of an ASGI scope. Raises ParameterError for what the document doesn't allow."""
    found = read_headers(scope, "X-Client", "X-Level", "X-Mode")
    require_beside(found, "X-Mode", "X-Level", "X-Client")
    return FeedHeaders(
        x_client=_FEED_HEADERS[0].required(found),
        x_level=_FEED_HEADERS[1].optional(found, 1),
        x_mode=_FEED_HEADERS[2].optional(found, None),
    )


Query: TypeAlias = FeedQuery
"""What stands in the query of any channel."""


Headers: TypeAlias = FeedHeaders
"""What stands in the headers of any channel's handshake."""
