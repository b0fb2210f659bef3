"""Parameter rules: what may stand in an address and in a query. It generates nothing."""

from collections.abc import Mapping, Set
from typing import Any

from codegen.dialect import NEEDS
from codegen.document import Document, Place
from codegen.faults import did_you_mean
from codegen.judge import Judge
from codegen.normal import PARAMETER
from codegen.reading import Reader, value_of
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
        odd = [part for part in address.value.split("/") if set("{}") & set(PARAMETER.sub("", part))]
        if odd:
            for part in odd:
                text = f"{part!r} has a brace that is no parameter's. Write a parameter as {{name}}."
                self._faults.add(address.mark, "address", text)
            return
        found = self._reader.parameters(place)
        for name, definition in found:
            if definition is not None:
                last = address.value.endswith(f"/{{{name}}}")
                self._parameter(definition, last=last)
        for values in (self._reader.query(place), self._reader.headers(place)):
            if values is not None:
                self._query(values)

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
                self._faults.warn(example.mark, "example", f"{example.value!r} is not in the enum. Set one right.")
        if schema is not None:
            for example in (*told, *place.under("enum")):
                self._example(example, schema, value_of(example.value, value["type"]))

    def _example(self, place: Place, schema: Place, value: Any) -> None:
        for _, problem in self._judge.faults(schema, value):
            text = f"This value contradicts its schema: {problem}. Set one of them right."
            self._faults.warn(place.mark, "example", text)

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
        allowed = (*("type", "properties", "required", "title", "description", "$comment", "examples"), *NEEDS)
        for member in query.children():
            if member.key not in allowed and not member.key.startswith("x-"):
                text = (
                    f"{member.key!r} of a query or of headers is not checked: properties, required, dependencies are."
                )
                self._faults.warn(member.name_mark, "not-checked", text)
        if types_of(query.members) != ("object",) or "properties" not in query:
            text = "Queries and headers are objects with properties. Write `type: object` and its properties."
            self._faults.add(query.mark, "unsupported", text)
            return
        members = list(query.under("properties"))
        for member in members:
            self._scalar(self._reader.follow(member))
        self._needs(query, {member.key for member in members})

    def _needs(self, query: Place, names: Set[str]) -> None:
        """Note what is wrong with the values that are only sent beside others."""
        for item in (place for word in NEEDS for place in query.under(word)):
            if not isinstance(item.value, list):
                text = f"What {item.key!r} needs is not checked: only a list of names is."
                self._faults.warn(item.name_mark, "not-checked", text)
                continue
            marks = [(item.key, item.name_mark), *((str(child.value), child.mark) for child in item.children())]
            for name, mark in marks:
                if name not in names:
                    text = f"{name!r} is none of the properties.{did_you_mean(name, names)}"
                    self._faults.add(mark, "parameter", text)
