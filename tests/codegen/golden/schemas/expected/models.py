# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Models: the document's messages and schemas as frozen values. It knows no frame and no channel.

A member that may be absent has the type `T | MISSING`; `MISSING` (from pydantic) is what it holds then, and it is not
on the wire. `None` is JSON's null, and only allowed where the document allows null.
"""

from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import MISSING, BaseModel, ConfigDict, Field, JsonValue, model_validator
from typing_extensions import TypeAliasType

from .constraints import Check, fits


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


class _Checked(_Model):
    """A model whose values are checked as a whole, for what its members' types can't say."""

    __check__: ClassVar[Check]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.__check__(self)
        return self


class Circle(_Model):
    model_config = ConfigDict(extra="allow")
    radius: int | float


Level: TypeAlias = Annotated[tuple[int | float, str | None], Field(strict=False)]


class Named(_Model):
    model_config = ConfigDict(extra="allow")
    radius: int | float
    name: Annotated[JsonValue, fits({"minLength": 1})] | MISSING = MISSING


class NoteEither(_Checked):
    model_config = ConfigDict(extra="allow")
    __check__ = Check({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]})
    a: str | MISSING = MISSING
    b: str | MISSING = MISSING


class NoteEmpty(_Model):
    model_config = ConfigDict(extra="forbid")


class NoteExtendedOption1(_Model):
    model_config = ConfigDict(extra="allow")
    a: str | MISSING = MISSING
    b: str | MISSING = MISSING


class NoteExtendedOption2(_Model):
    model_config = ConfigDict(extra="allow")
    a: str | MISSING = MISSING
    c: int


class NoteExtra(_Model):
    model_config = ConfigDict(extra="allow")
    a: str | MISSING = MISSING


class NoteOrder(_Checked):
    model_config = ConfigDict(extra="allow")
    __check__ = Check({"if": {"properties": {"kind": {"const": "limit"}}}, "then": {"required": ["price"]}})
    kind: Literal["limit", "market"]
    id: str | MISSING = MISSING


Forest = TypeAliasType("Forest", "dict[str, list[Tree]]")


class TreeOption2(_Model):
    branches: Forest


Tree: TypeAlias = TreeOption2 | None


class Note(_Model):
    level: Level | MISSING = MISSING
    levels: Annotated[list[JsonValue], fits({"items": [{"type": "number"}, {"type": "string"}]})] | MISSING = MISSING
    tags: Annotated[list[str], fits({"uniqueItems": True})] | MISSING = MISSING
    step: Annotated[int | float, fits({"multipleOf": 0.01})] | MISSING = MISSING
    some: (
        Annotated[
            Literal["a"] | int | float | list[JsonValue] | dict[str, JsonValue] | None,
            fits({"enum": [1.5, "a", None, [1], {"b": 2}]}),
        ]
        | MISSING
    ) = MISSING
    shape: Annotated[Circle | Named, fits({"oneOf": [{"$ref": "Circle"}, {"$ref": "Named"}]})] | MISSING = MISSING
    order: NoteOrder | MISSING = MISSING
    either: NoteEither | MISSING = MISSING
    extended: NoteExtendedOption1 | NoteExtendedOption2 | MISSING = MISSING
    patterned: (
        Annotated[
            dict[str, int], fits({"patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False})
        ]
        | MISSING
    ) = MISSING
    code: Annotated[str | MISSING, Field(pattern="^[0-9]{3}$")] = MISSING
    maybe: str | MISSING | None = MISSING
    never: Annotated[JsonValue, fits(False)] | MISSING = MISSING
    not_text: Annotated[JsonValue, fits({"not": {"type": "string"}})] | MISSING = MISSING
    when: str | MISSING = MISSING
    huge: Annotated[int, fits({"enum": [100000000000000000000]})] | MISSING = MISSING
    wrong: int | MISSING = MISSING
    tree: Tree | MISSING = MISSING
    field_: Annotated[str | MISSING, Field(alias="")] = MISSING
    field_type: Annotated[str | MISSING, Field(alias="$type")] = MISSING
    Literal_: Annotated[int | MISSING, Field(alias="Literal")] = MISSING
    extra: NoteExtra | MISSING = MISSING
    empty: NoteEmpty | MISSING = MISSING
    mapped: Annotated[dict[str, str | int] | MISSING, Field(min_length=1)] = MISSING
    nowhere: JsonValue


TreeOption2.model_rebuild()
Note.model_rebuild()
