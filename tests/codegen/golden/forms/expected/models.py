# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Models: the document's messages and schemas as frozen values. It knows no frame and no channel.

A member that may be absent has the type `T | MISSING`; `MISSING` (from pydantic) is what it holds then, and it is not
on the wire. `None` is JSON's null, and only allowed where the document allows null.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel


class _Model(BaseModel):
    """Strict as JSON Schema is: no number from a string, no null for what is absent, no infinity."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        protected_namespaces=(),
    )


CountPayload: TypeAlias = int


HeardPayload: TypeAlias = str


LevelPayload: TypeAlias = int | float


LinePayload: TypeAlias = Annotated[str, Field(max_length=80)]


NothingPayload: TypeAlias = JsonValue


NumbersPayload: TypeAlias = list[int]


PingPayload: TypeAlias = Literal["ping"]


SomethingPayload: TypeAlias = JsonValue


class Stop(_Model):
    stop: bool


TotalPayload: TypeAlias = int | None


class Words(_Model):
    words: list[str]


class WordsSchema(_Model):
    words: list[str]


ThingPayload: TypeAlias = WordsSchema | None


class Line(RootModel[LinePayload]):
    """A line."""

    model_config = _Model.model_config


class Reversed(RootModel[str]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Chunk(RootModel[bytes]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Level(RootModel[LevelPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Heard(RootModel[HeardPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Raw(RootModel[bytes]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Numbers(RootModel[NumbersPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Count(RootModel[CountPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Ping(RootModel[PingPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Total(RootModel[TotalPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Something(RootModel[SomethingPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Nothing(RootModel[NothingPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config


class Thing(RootModel[ThingPayload]):
    """One value, as it stands in a frame: see `root`."""

    model_config = _Model.model_config
