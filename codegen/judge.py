"""Judge: whether a JSON value fits a schema of the document, by jsonschema-rs. It knows nothing of Python's types."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from codegen.dialect import plain
from codegen.document import Document, Place, Pointer


class Judge:
    """Judges values against schemas, following references into other files too. `format` is an annotation."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._validators: dict[Place, jsonschema_rs.Draft7Validator | None] = {}

    def faults(self, schema: Place, value: Any) -> Iterator[tuple[Pointer, str]]:
        """Yield where in `value` the schema is broken, and how. A schema that is wrong itself breaks nothing."""
        if schema not in self._validators:
            self._validators[schema] = self._validator(schema)
        validator = self._validators[schema]
        for error in validator.iter_errors(value) if validator is not None else ():
            yield tuple(error.instance_path), error.message

    def _validator(self, schema: Place) -> jsonschema_rs.Draft7Validator | None:
        try:
            return jsonschema_rs.Draft7Validator(standing_alone(self._document, schema), validate_formats=False)
        except jsonschema_rs.ValidationError:
            return None  # which another rule tells


def standing_alone(document: Document, schema: Place) -> dict[str, Any]:
    """Return a schema as draft-07 that needs no other: `{"allOf": [schema], "definitions": {...}}`.

    A `$ref` in it is `#/definitions/NAME`, wherever in the files that lies.
    """
    definitions: dict[str, Any] = {}
    names: dict[Place, str] = {}

    def refer(place: Place) -> Any:
        target = document.resolve(place)
        assert target is not None, "the structure was checked before"
        if target not in names:
            names[target] = f"d{len(names)}"
            definitions[names[target]] = plain(target, refer)
        return {"$ref": f"#/definitions/{names[target]}"}

    return {"allOf": [plain(schema, refer)], "definitions": definitions}
