"""Judge: whether a JSON value fits a schema of the document, by jsonschema-rs. It knows nothing of Python's types."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from codegen.document import Document, Place, Pointer
from codegen.structure import SHAPES


class Judge:
    """Judges values against schemas, following references into other files too. `format` is an annotation."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def faults(self, schema: Place, value: Any) -> Iterator[tuple[Pointer, str]]:
        """Yield where in `value` the schema is broken, and how."""
        definitions: dict[str, Any] = {}
        names: dict[Place, str] = {}
        root = self._copy(schema, definitions, names)
        try:
            validator = jsonschema_rs.Draft7Validator(
                {"definitions": definitions, "allOf": [root]}, validate_formats=False
            )
        except jsonschema_rs.ValidationError:
            return  # the schema itself is wrong, which another rule tells
        for error in validator.iter_errors(value):
            yield tuple(error.instance_path), error.message

    def _copy(self, place: Place, definitions: dict[str, Any], names: dict[Place, str]) -> Any:
        if "$ref" in place:
            target = self._document.resolve(place)
            assert target is not None, "the structure was checked before"
            if target not in names:
                names[target] = f"d{len(names)}"
                definitions[names[target]] = self._copy(target, definitions, names)
            return {"$ref": f"#/definitions/{names[target]}"}
        if not isinstance(place.value, dict):
            return place.value
        copied: dict[str, Any] = {}
        for child in place.children():
            form = SHAPES["schema"].members.get(child.key)
            if form == "schema":
                copied[child.key] = self._copy(child, definitions, names)
            elif form == "{schema}":
                copied[child.key] = {item.key: self._copy(item, definitions, names) for item in child.children()}
            elif form == "[schema]":
                copied[child.key] = [self._copy(item, definitions, names) for item in child.children()]
            else:
                copied[child.key] = child.value
        return copied
