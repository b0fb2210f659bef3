"""Models: shapes into the classes and named types of `models.py`.

It never sees a document. datamodel-code-generator decides what Pydantic calls a type and its bounds: it is asked once,
for each type that occurs. Classes, their members' names, unions and the order of it all are laid out here, since the
library takes several seconds for a thousand classes.
"""

import ast
import heapq
import json
import keyword
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from codegen.ir import Alias, Model, ModelField, Models
from codegen.patterns import compiles
from codegen.shapes import Shape, checkable, inner_shapes, key_of, name_of

__all__ = ["EMPTY", "build_models", "compiles"]

EMPTY = Models((), (), (), uses_error_code=False, uses_exact=False, uses_fits=False, checks_classes=False, checks="")

_IN_USE = frozenset(
    {
        *("Annotated", "Any", "Field", "JsonValue", "Literal", "MISSING", "ClassVar", "ConfigDict", "fits", "Check"),
        *("int", "float", "str", "bool", "list", "dict", "tuple", "self", "cls", "_exact"),
    }
)
"""Names that the body of a class looks up, so that no member of it may have them."""
_LEAF = frozenset(
    {
        *("type", "enum", "minLength", "maxLength", "pattern", "multipleOf"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    }
)


def build_models(definitions: Mapping[str, Shape], checks: Mapping[str, Any] | None = None) -> Models:
    """Return the models of `definitions`, whose names are the names of the classes; see shapes.py.

    `checks` are the schemas by name that those under `x-fits` refer to.
    """
    if not definitions:
        return EMPTY
    return _Writer(definitions).write(checks or {})


@dataclass(frozen=True)
class _Type:
    """Python source of a type. `bounds` are arguments of its `Field`; `late`: it names what comes later."""

    source: str
    bounds: tuple[tuple[str, str], ...] = ()
    late: bool = False
    null: bool = False  # it is a union that ends with None, which `source` leaves out

    def __str__(self) -> str:
        return self.write()

    def write(self, *more: tuple[str, str], missing: bool = False) -> str:
        """Return the whole type, with more arguments of its `Field`, and MISSING among what it may be."""
        parts = [self.source] if self.source else []
        union = [*parts, *(["MISSING"] if missing else []), *(["None"] if self.null else [])]
        arguments = sorted([*self.bounds, *more])
        source = " | ".join(union)
        if not arguments:
            return source
        return f"Annotated[{source}, Field({', '.join(f'{name}={value}' for name, value in arguments)})]"


def _classes_meant(definitions: Mapping[str, Shape]) -> dict[str, str]:
    """Return the names that are only other names of a class that holds them: Pydantic takes no such alias of itself."""
    found: dict[str, str] = {}
    for name in definitions:
        seen, target = {name}, name
        while (following := _only(definitions[target])) is not None and following not in seen:
            seen.add(following)
            target = following
        if target != name and "properties" in definitions[target] and name in _reached(definitions, target):
            found[name] = target
    return found


def _only(shape: Shape) -> str | None:
    """Return the definition that a shape is only a reference to."""
    branches = shape.get("anyOf", ())
    if "x-fits" in shape or (branches and len(branches) > 1):
        return None
    if branches:
        return _only(branches[0])
    return name_of(shape["$ref"]) if "$ref" in shape else None


def _reached(definitions: Mapping[str, Shape], start: str) -> set[str]:
    """Return every definition that one leads to."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in _names_in(definitions[waiting.pop()]):
            if name in definitions and name not in found:
                found.add(name)
                waiting.append(name)
    return found


class _Writer:
    """Writes the source of each type."""

    def __init__(self, definitions: Mapping[str, Shape]) -> None:
        self._definitions = definitions
        self._leaves = _leaf_types(definitions)
        self._placed: set[str] = set()
        self._classes_meant = _classes_meant(definitions)
        self._uses_exact = False
        self._reserved = _IN_USE | definitions.keys()

    def write(self, checks: Mapping[str, Any]) -> Models:
        items: list[Model | Alias] = []
        rebuild: list[str] = []
        open_: set[str] = set()  # names that lead to one which is not there yet
        needs = {
            name: {self._meant(other) for other in _names_in(shape)} & self._definitions.keys()
            for name, shape in self._definitions.items()
        }
        for name in _order(needs):
            shape = self._definitions[name]
            if "x-python-import" in shape:
                self._placed.add(name)
                continue
            item = self._model(name, shape) if "properties" in shape else self._alias(name, shape)
            items.append(item)
            self._placed.add(name)
            if any(other not in self._placed or other in open_ for other in needs[name]):
                open_.add(name)
                if isinstance(item, Model):
                    rebuild.append(name)
        return Models(
            items=tuple(items),
            classes=tuple(item.name for item in items if isinstance(item, Model)),
            rebuild=tuple(rebuild),
            uses_error_code=any("x-python-import" in shape for shape in self._definitions.values()),
            uses_exact=self._uses_exact,
            uses_fits=any("x-fits" in inner for shape in self._definitions.values() for inner in _every(shape)),
            checks_classes=any("x-fits" in shape and "properties" in shape for shape in self._definitions.values()),
            checks=_literal(checks),
        )

    def _meant(self, name: str) -> str:
        """Return the class that a name is only another name of, where that class holds the name; else the name."""
        return self._classes_meant.get(name, name)

    def _alias(self, name: str, shape: Shape) -> Alias:
        type_ = self._type(shape)
        source = str(type_)
        return Alias(name, repr(source) if type_.late else source, type_.late, _doc(shape))

    def _model(self, name: str, shape: Shape) -> Model:
        more = shape.get("additionalProperties")
        extra: str | None = None
        config: tuple[tuple[str, str], ...] = ()
        if more is False:
            config = (("extra", "'forbid'"),)
        elif more is not None or shape.get("x-open"):
            config = (("extra", "'allow'"),)
        if isinstance(more, dict) and more:
            type_ = self._type(more)
            extra = f"dict[str, {type_}]"
            extra = repr(extra) if type_.late else extra
        fields: list[ModelField] = []
        taken: set[str] = set()
        for wire, member in shape["properties"].items():
            attribute = self._attribute(wire, taken)
            taken.add(attribute)
            fields.append(self._field(attribute, wire, member, required=wire in shape["required"]))
        check = _literal(checkable(shape["x-fits"])) if "x-fits" in shape else None
        return Model(name, _doc(shape), config, extra, tuple(fields), check)

    def _attribute(self, wire: str, taken: set[str]) -> str:
        """Return the name of a member's attribute: its own where Python and Pydantic let it be."""
        name = unicodedata.normalize("NFKC", wire)
        name = "".join(character if f"a{character}".isidentifier() else "_" for character in name)
        if not wire or wire[0] in "_$@#" or not name.isidentifier():
            name = f"field_{name.lstrip('_')}"
        if keyword.iskeyword(name) or name in self._reserved or hasattr(BaseModel, name):
            name = f"{name}{'' if name.endswith('_') else '_'}"
        candidate, count = name, 0
        while candidate in taken or (count and candidate in self._reserved):
            count += 1
            candidate = f"{name}{'' if name.endswith('_') else '_'}{count}"
        return candidate

    def _field(self, attribute: str, wire: str, member: Shape, *, required: bool) -> ModelField:
        type_ = self._type(member)
        filled = not required and "default" in member
        alias = (("alias", json.dumps(wire, ensure_ascii=False)),) if attribute != wire else ()
        annotation = type_.write(*alias, missing=not required and not filled)
        default = repr(member["default"]) if filled else None if required else "MISSING"
        note = "" if attribute.isascii() else "  # noqa: PLC2401 - the document's own name"
        source = repr(annotation) if type_.late else annotation
        return ModelField(attribute, wire, source, default, note, _doc(member))

    # types

    def _type(self, shape: Shape) -> _Type:
        type_ = self._plain(shape)
        if "x-fits" not in shape:
            return type_
        check = f"fits({_literal(checkable(shape['x-fits']))})"
        source = type_.source
        if type_.bounds or type_.null:
            source = str(type_)
        return _Type(f"Annotated[{source}, {check}]", late=type_.late)

    def _plain(self, shape: Shape) -> _Type:
        if "$ref" in shape:
            name = self._meant(name_of(shape["$ref"]))
            special = "x-python-import" in self._definitions[name]
            return _Type(f"_{name}" if special else name, late=name not in self._placed)
        if "enum" in shape:
            return self._values(shape["enum"])
        if "anyOf" in shape:
            return self._union(shape)
        kind = shape.get("type")
        if kind is None:
            return _Type("JsonValue")
        if kind == "null":
            return _Type("", null=True)
        if kind == "array":
            return self._array(shape)
        if kind == "object":
            inner = self._type(shape.get("additionalProperties", {}))
            return _Type(f"dict[str, {inner}]", _sizes(shape, "Properties"), inner.late)
        return self._leaves[_leaf_key(shape)]

    def _array(self, shape: Shape) -> _Type:
        if "tuple" in shape:
            inner = [self._type(item) for item in shape["tuple"]]
            # JSON has lists only, and a strict tuple takes none.
            source = f"tuple[{', '.join(map(str, inner))}]"
            return _Type(source, (("strict", "False"),), any(item.late for item in inner))
        item = self._type(shape.get("items", {}))
        return _Type(f"list[{item}]", _sizes(shape, "Items"), item.late)

    def _union(self, shape: Shape) -> _Type:
        found = [self._type(branch) for branch in shape["anyOf"]]
        null = any(item.null for item in found)
        sources = dict.fromkeys(_Type(item.source, item.bounds).write() for item in found if item.source)
        if not null and len(found) == 1:
            return found[0]
        return _Type(" | ".join(sources), late=any(item.late for item in found), null=null)

    def _values(self, values: list[Any]) -> _Type:
        null = any(value is None for value in values)
        kept = [value for value in values if value is not None]
        if not kept:
            return _Type("", null=True)
        source = f"Literal[{', '.join(map(repr, kept))}]"
        if any(isinstance(value, int) for value in kept):
            self._uses_exact = True  # Python's `True == 1` has no place in JSON
            source = f"Annotated[{source}, _exact({', '.join(map(repr, kept))})]"
        return _Type(source, null=null)


def _sizes(shape: Shape, what: str) -> tuple[tuple[str, str], ...]:
    names = ((f"max{what}", "max_length"), (f"min{what}", "min_length"))
    return tuple((ours, repr(shape[theirs])) for theirs, ours in names if theirs in shape)


def _doc(shape: Mapping[str, Any]) -> str:
    return str(shape.get("description", "")).strip()


def _literal(value: Any) -> str:
    """Return JSON as Python source, a number too large for a float included."""
    return repr(value)


def _names_in(shape: Shape) -> Iterator[str]:
    if "$ref" in shape:
        yield name_of(shape["$ref"])
    for inner in inner_shapes(shape):
        yield from _names_in(inner)


def _every(shape: Shape) -> Iterator[Shape]:
    yield shape
    for inner in inner_shapes(shape):
        yield from _every(inner)


def _order(needs: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield names, each behind what it needs and else by the alphabet; where they need each other, one comes first."""
    missing = {name: {other for other in found if other != name} for name, found in needs.items()}
    users: dict[str, list[str]] = {}
    for name, found in missing.items():
        for other in found:
            users.setdefault(other, []).append(name)
    ready = [name for name, found in missing.items() if not found]
    heapq.heapify(ready)
    waiting = set(missing) - set(ready)
    while ready or waiting:
        if not ready:
            first = min(waiting, key=lambda name: (len(missing[name]), name))
            waiting.discard(first)
            ready.append(first)
        name = heapq.heappop(ready)
        yield name
        for user in users.get(name, ()):
            missing[user].discard(name)
            if not missing[user] and user in waiting:
                waiting.discard(user)
                heapq.heappush(ready, user)


# what datamodel-code-generator is asked for


def _leaf_key(shape: Shape) -> str:
    return key_of({name: shape[name] for name in sorted(_LEAF & shape.keys())})


def _leaf_types(definitions: Mapping[str, Shape]) -> dict[str, _Type]:
    """Return the type of each shape that is a string, a number or a boolean, by `_leaf_key`."""
    found: dict[str, Shape] = {}
    for definition in definitions.values():
        for shape in _every(definition):
            kind = shape.get("type")
            if kind in ("string", "integer", "boolean", ["integer", "number"]) and "x-python-import" not in shape:
                found.setdefault(_leaf_key(shape), {name: shape[name] for name in sorted(_LEAF & shape.keys())})
    if not found:
        return {}
    names = {f"t{index}": key for index, key in enumerate(found)}
    module = ast.parse(_generate({name: found[key] for name, key in names.items()}))
    types: dict[str, _Type] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            types[names[node.target.id]] = _taken_apart(node.annotation)
    return types


def _taken_apart(annotation: ast.expr) -> _Type:
    """Return a type of the library's, with its bounds apart."""
    if not (isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated"):
        return _Type(ast.unparse(annotation))
    assert isinstance(annotation.slice, ast.Tuple)
    inner, *metadata = annotation.slice.elts
    bounds = [
        (str(argument.arg), ast.unparse(argument.value))
        for call in metadata
        if isinstance(call, ast.Call)
        for argument in call.keywords
    ]
    return _Type(ast.unparse(inner), tuple(sorted(bounds)))


def _generate(members: Mapping[str, Shape]) -> str:
    # Not at the top: the import takes longer than all the rest, and reading a document doesn't need it.
    from datamodel_code_generator import generate
    from datamodel_code_generator.enums import DataModelType, InputFileType
    from datamodel_code_generator.format import PythonVersion

    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"Types": {"type": "object", "properties": members, "required": list(members)}},
    }
    result = generate(
        json.dumps(schema),
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.PydanticV2BaseModel,
        target_python_version=PythonVersion.PY_311,
        use_annotated=True,
        use_standard_collections=True,
        use_union_operator=True,
        field_constraints=True,
        skip_root_model=True,
        strict_refs=True,
        allow_remote_refs=False,
        disable_timestamp=True,
        disable_future_imports=True,
        formatters=[],
    )
    assert isinstance(result, str), "one schema gives one module"
    return result
