# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Models: the document's messages and schemas as frozen values. It knows no frame and no channel.

A member that may be absent has the type `T | MISSING`; `MISSING` (from pydantic) is what it holds then, and it is not
on the wire. `None` is JSON's null, and only allowed where the document allows null.
"""

from typing import Annotated

from pydantic import MISSING, BaseModel, ConfigDict, Field


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


class OddSchemaName(_Model):
    x: str | MISSING = MISSING


class Schema1D(_Model):
    y: str | MISSING = MISSING


class Note(_Model):
    class_: Annotated[str, Field(alias="class")]
    from_: Annotated[str | MISSING, Field(alias="from")] = MISSING
    a_b: Annotated[str, Field(alias="a-b")]
    a_b_1: Annotated[str | MISSING, Field(alias="a.b")] = MISSING
    field_1st: Annotated[str | MISSING, Field(alias="1st")] = MISSING
    field_private: Annotated[str | MISSING, Field(alias="_private")] = MISSING
    model_config_: Annotated[str | MISSING, Field(alias="model_config")] = MISSING
    copy_: Annotated[str | MISSING, Field(alias="copy")] = MISSING
    json_: Annotated[str | MISSING, Field(alias="json")] = MISSING
    Größe: str | MISSING = MISSING  # noqa: PLC2401 - the document's own name
    two_words: Annotated[OddSchemaName | MISSING, Field(alias="two words")] = MISSING
    number: Schema1D | MISSING = MISSING
