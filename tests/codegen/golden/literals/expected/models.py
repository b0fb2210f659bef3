# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Models: the document's messages and schemas as frozen values. It knows no frame and no channel.

A member that may be absent has the type `T | MISSING`; `MISSING` (from pydantic) is what it holds then, and it is not
on the wire. `None` is JSON's null, and only allowed where the document allows null.
"""

from typing import Annotated, Any, Literal

from pydantic import MISSING, BaseModel, BeforeValidator, ConfigDict


def _exact(*values: object) -> BeforeValidator:
    """Return a check that tells 1 from true and 0 from false, as JSON does and Python does not."""

    def check(value: Any) -> Any:
        if not any(value == known and type(value) is type(known) for known in values):
            raise ValueError("not one of the values")
        return value

    return BeforeValidator(check)


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
    side: Literal["buy", "sell"]
    status: Literal["open"] | MISSING = MISSING
    level: Annotated[Literal[1, 2], _exact(1, 2)]
    mixed: Annotated[Literal["a", 1, True], _exact("a", 1, True)] | MISSING | None = MISSING
    yes_only: Annotated[Literal[True], _exact(True)] | MISSING = MISSING
    nothing: MISSING | None = MISSING
