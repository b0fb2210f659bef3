# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Models: the document's messages and schemas as frozen values. It knows no frame and no channel.

A member that may be absent has the type `T | MISSING`; `MISSING` (from pydantic) is what it holds then, and it is not
on the wire. `None` is JSON's null, and only allowed where the document allows null.
"""

from typing import Annotated, Literal

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


class Note(_Model):
    yes: bool | MISSING = MISSING
    no: bool | MISSING = MISSING
    on: Literal["on", "off"] | MISSING = MISSING
    field_1: Annotated[Literal["yes"] | MISSING, Field(alias="1")] = MISSING
    octal: int = 15
    date: Literal["2020-01-01"] | MISSING = MISSING
    quoted: Literal["5"] | MISSING = MISSING
    tagged: Literal["5"] | MISSING = MISSING
    exponent: int | float = 1000
