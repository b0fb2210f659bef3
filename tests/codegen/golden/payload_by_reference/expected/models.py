# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Models: the document's messages and schemas as frozen values. It knows no frame and no channel.

A member that may be absent has the type `T | MISSING`; `MISSING` (from pydantic) is what it holds then, and it is not
on the wire. `None` is JSON's null, and only allowed where the document allows null.
"""

from typing import Literal

from pydantic import MISSING, BaseModel, ConfigDict


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


class NoteSchema(_Model):
    """A note."""

    kind: Literal["note"]
    reply_to: "NoteSchema | MISSING" = MISSING


class Note(_Model):
    """A note."""

    kind: Literal["note"] = "note"
    reply_to: NoteSchema | MISSING = MISSING
