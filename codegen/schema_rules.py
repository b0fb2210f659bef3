"""Schema rules: which schemas say nothing that a value could fit, or nothing that can be read. It builds no type."""

from typing import Any

from codegen.document import Document, Place
from codegen.faults import did_you_mean
from codegen.judge import Judge
from codegen.patterns import for_python, for_rust
from codegen.schemas import KEYWORDS_OF, is_type, object_parts, types_of

_UNIONS = ("oneOf", "anyOf", "allOf")


class SchemaRules:
    """Checks one schema at a time; the schemas inside it are checked when their turn comes."""

    def __init__(self, document: Document, judge: Judge, parts: frozenset[Place]) -> None:
        """`parts` are the schemas that stand in some `allOf`."""
        self._document = document
        self._faults = document.faults
        self._judge = judge
        self._parts = parts

    def check(self, place: Place) -> None:
        """Note every fault of a schema whose structure is right."""
        if not isinstance(place.value, dict) or not self._types(place):
            return
        self._values(place)
        self._steps(place)
        for name in _UNIONS:
            union = place.get(name)
            if union is not None and union.value == []:
                self._faults.add(union.mark, "union", f"{name} must list a schema.")
        self._required(place)
        self._patterns(place)
        self._told(place)

    def _types(self, place: Place) -> bool:
        kind = place.get("type")
        if kind is None:
            return True
        if kind.value is None:
            text = "This type is empty, so any value fits. For null write 'null', with quotes."
            self._faults.warn(kind.mark, "empty", text)
            return True
        values = kind.value if isinstance(kind.value, list) else [kind.value]
        wrong = [value for value in values if not isinstance(value, str) or value not in KEYWORDS_OF]
        for value in wrong:
            hint = did_you_mean(str(value), KEYWORDS_OF) or f" Write one of {', '.join(KEYWORDS_OF)}."
            self._faults.add(kind.mark, "schema-type", f"There is no type {value!r}.{hint}")
        if not values:
            self._faults.add(kind.mark, "schema-type", "A list of types must name one.")
        return bool(values) and not wrong

    def _values(self, place: Place) -> None:
        """Check that `enum` or `const` leaves a value of the schema's own types."""
        values = place.get("enum") or place.get("const")
        if values is None or (values.key == "enum" and values.value is None):
            return
        listed: list[Any] = values.value if values.key == "enum" else [values.value]
        types = types_of(place.value)
        if not listed:
            self._faults.add(values.mark, "enum", "An enum must list a value.")
        elif types and not any(is_type(value, kind) for value in listed for kind in types):
            text = f"No value here is of type {' or '.join(types)}, so nothing fits. Set one of them right."
            self._faults.add(values.mark, "enum", text)

    def _steps(self, place: Place) -> None:
        step = place.get("multipleOf")
        if step is not None and isinstance(step.value, (int, float)) and step.value <= 0:
            self._faults.add(step.mark, "schema-keyword", "multipleOf must be more than 0.")

    def _required(self, place: Place) -> None:
        """Tell of what is required and described nowhere: mostly a slip of the pen, and a member of any type else."""
        if place in self._parts or not isinstance(place.members.get("required"), list):
            return
        parts = object_parts(self._document, place)
        names = {member.key for part in parts for member in part.under("properties")}
        if not names:
            return
        for item in place.under("required"):
            hint = did_you_mean(str(item.value), names)
            if item.value not in names and hint:
                text = f"{item.value!r} is required and does not stand under properties.{hint}"
                self._faults.warn(item.mark, "required", f"{text} It may be any value.")

    def _patterns(self, place: Place) -> None:
        pattern = place.get("pattern")
        if pattern is not None and pattern.value is not None:
            self._pattern(pattern.value, pattern)
        for named in place.under("patternProperties"):
            self._pattern(named.key, named)

    def _pattern(self, pattern: str, place: Place) -> None:
        if for_rust(pattern) is None and for_python(pattern) is None:
            mark = place.mark if place.key == "pattern" else place.name_mark
            self._faults.add(mark, "pattern", "This is no regular expression.")

    def _told(self, place: Place) -> None:
        """Check that the examples and the default of a schema fit it."""
        told = [*place.under("examples")]
        default = place.get("default")
        if default is not None:
            told.append(default)
        for item in told:
            for _, problem in self._judge.faults(place, item.value):
                text = f"This {'default' if item.key == 'default' else 'example'} contradicts its schema: {problem}."
                self._faults.warn(item.mark, "example", f"{text} Set one of them right.")
