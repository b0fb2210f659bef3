"""Parameter rules: what may stand in an address and in a query. It generates nothing."""

from collections.abc import Mapping, Set
from typing import Any

from codegen.document import Document, Place
from codegen.faults import did_you_mean
from codegen.judge import Judge
from codegen.naming import snake
from codegen.reading import PARAMETER, Reader, value_of
from codegen.schemas import types_of

_TYPES = ("string", "integer", "number", "boolean")


class ParameterRules:
    """Checks the address and the query of one channel at a time."""

    def __init__(self, document: Document, reader: Reader, judge: Judge, sound: Set[tuple[Place, str]]) -> None:
        """`sound` is what the check of the document's structure gave."""
        self._faults = document.faults
        self._reader = reader
        self._judge = judge
        self._sound = sound

    def channel(self, place: Place) -> None:
        """Note every fault of a channel whose structure is right."""
        channel = self._reader.follow(place)
        address = channel.get("address")
        assert address is not None
        parts = address.value.split("/")
        odd = [part for part in parts if ("{" in part or "}" in part) and not PARAMETER.fullmatch(part)]
        if odd:
            for part in odd:
                text = f"{part!r} is not supported by this generator: a parameter is a whole segment, like {{name}}."
                self._faults.add(address.mark, "unsupported", text)
            return
        defined = {member.key: member for member in channel.under("parameters")}
        found = self._reader.parameters(place)
        names = [name for name, _ in found]
        for name, definition in found:
            if definition is None:
                hint = did_you_mean(name, defined) or " Add it under 'parameters'."
                self._faults.add(address.mark, "parameter", f"Parameter {name!r} has no definition.{hint}")
        for name, member in defined.items():
            if name not in names:
                hint = did_you_mean(name, names) or " Take it out."
                self._faults.add(member.name_mark, "parameter", f"{name!r} does not stand in the address.{hint}")
        self._unique(address, names)
        for name, definition in found:
            if definition is not None:
                last = address.value.endswith(f"/{{{name}}}")
                self._parameter(definition, last=last)
        query = self._reader.query(place)
        if query is not None:
            self._query(query)

    def _unique(self, mark: Place, names: list[str]) -> None:
        first: dict[str, str] = {}
        for name in names:
            if snake(name) in first:
                text = f"{first[snake(name)]!r} and {name!r} both become {snake(name)} in Python. Rename one of them."
                self._faults.add(mark.mark, "same-name", text)
            first.setdefault(snake(name), name)

    def _parameter(self, place: Place, *, last: bool) -> None:
        schema = place.get("x-schema")
        slashes = place.get("x-slashes")
        if slashes is not None and slashes.value and not last:
            text = "Only the last segment of an address may hold slashes. Take x-slashes out, or move the parameter."
            self._faults.add(slashes.name_mark, "parameter", text)
        if schema is not None and not self._scalar(self._reader.follow(schema)):
            return
        value = self._reader.text_schema(place)
        enum = place.get("enum")
        if enum is not None and (value["type"] != "string" or not enum.value):
            text = "A parameter's enum lists texts, at least one. Write values of other types as the enum of x-schema."
            self._faults.add(enum.name_mark, "parameter", text)
            return
        if slashes is not None and slashes.value and value["type"] != "string":
            self._faults.add(slashes.name_mark, "parameter", "Only a string may hold slashes. Take x-slashes out.")
        default = place.get("default")
        told = [*place.under("examples"), *([default] if default is not None else [])]
        for example in told:
            if enum is not None and example.value not in enum.value:
                self._faults.add(example.mark, "example", f"{example.value!r} is not in the enum. Set one right.")
        if schema is not None:
            for example in (*told, *place.under("enum")):
                self._example(example, schema, value_of(example.value, value["type"]))

    def _example(self, place: Place, schema: Place, value: Any) -> None:
        for _, problem in self._judge.faults(schema, value):
            text = f"This value contradicts its schema: {problem}. Set one of them right."
            self._faults.add(place.mark, "example", text)

    def _scalar(self, schema: Place) -> bool:
        """Tell whether a schema is one of a single value that text can stand for; note a fault where it isn't."""
        if (schema, "schema") not in self._sound:
            return False
        value: Mapping[str, Any] = schema.members
        if len(types_of(value)) == 1 and value.get("type") in _TYPES and not {"allOf", "anyOf", "oneOf"} & set(value):
            return True
        text = f"A value that is sent as text has one type: {', '.join(_TYPES)}."
        self._faults.add(schema.mark, "unsupported", text)
        return False

    def _query(self, query: Place) -> None:
        if (query, "schema") not in self._sound:
            return
        allowed = ("type", "properties", "required", "title", "description", "$comment", "examples")
        for member in query.children():
            if member.key not in allowed and not member.key.startswith("x-"):
                text = f"{member.key!r} is not supported in a query. Write properties, and which are required."
                self._faults.add(member.name_mark, "unsupported", text)
        if types_of(query.members) != ("object",) or "properties" not in query:
            text = "A query is an object with properties. Write `type: object` and its properties."
            self._faults.add(query.mark, "unsupported", text)
            return
        members = list(query.under("properties"))
        self._unique(query, [member.key for member in members])
        for member in members:
            self._scalar(self._reader.follow(member))
