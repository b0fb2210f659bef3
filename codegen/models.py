"""Models: JSON Schema definitions into the classes and named types of `models.py`, by datamodel-code-generator.

It never sees a document. The library decides types and constraints; the source that it writes is taken apart here,
so that a template of our own can put it on the page.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic_core import SchemaError, SchemaValidator, core_schema

from codegen.ir import Alias, Model, ModelField, Models

# Fields that the class's docstring or a docstring below the field says better.
_ANNOTATIONS = frozenset({"description", "examples", "title"})


EMPTY = Models((), (), (), uses_error_code=False, uses_exact=False, python_regex=False)


def build_models(definitions: Mapping[str, Mapping[str, Any]]) -> Models:
    """Return the models of `definitions`, whose names are the names of the classes."""
    if not definitions:
        return EMPTY
    return _Reader(definitions).read(ast.parse(_generate(definitions)))


def _generate(definitions: Mapping[str, Mapping[str, Any]]) -> str:
    # Not at the top: the import takes longer than all the rest, and reading a document doesn't need it.
    from datamodel_code_generator import generate
    from datamodel_code_generator.enums import DataModelType, InputFileType
    from datamodel_code_generator.format import PythonVersion
    from datamodel_code_generator.parser import LiteralType

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}
    result = generate(
        json.dumps(schema),
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.PydanticV2BaseModel,
        target_python_version=PythonVersion.PY_311,
        use_annotated=True,
        use_standard_collections=True,
        use_union_operator=True,
        enum_field_as_literal=LiteralType.All,
        use_missing_sentinel=True,
        strict_nullable=True,
        use_type_alias=True,
        use_schema_description=True,
        field_constraints=True,
        skip_root_model=True,
        strict_refs=True,
        allow_remote_refs=False,
        keep_model_order=True,
        disable_timestamp=True,
        disable_future_imports=True,
        formatters=[],
    )
    assert isinstance(result, str), "one schema gives one module"
    return result


class _Reader:
    """Takes the library's module apart."""

    def __init__(self, definitions: Mapping[str, Mapping[str, Any]]) -> None:
        self._definitions = definitions
        self._invented: dict[str, ast.expr] = {}
        self._uses_exact = False

    def read(self, module: ast.Module) -> Models:
        items: list[Model | Alias] = []
        rebuild: list[str] = []
        for statement in module.body:
            if isinstance(statement, ast.ClassDef):
                items.append(self._model(statement))
            elif isinstance(statement, ast.Assign):
                alias = self._alias(statement)
                if alias is not None:
                    items.append(alias)
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                assert isinstance(statement.value.func, ast.Attribute)
                rebuild.append(ast.unparse(statement.value.func.value))
        uses_error_code = any("x-python-import" in definition for definition in self._definitions.values())
        classes = tuple(item.name for item in items if isinstance(item, Model))
        # Pydantic's own engine is linear and knows no look-around; one that does is taken where a pattern needs it.
        python_regex = not all(compiles(pattern, "rust-regex") for pattern in _patterns(self._definitions))
        return Models(tuple(items), classes, tuple(rebuild), uses_error_code, self._uses_exact, python_regex)

    def _alias(self, statement: ast.Assign) -> Alias | None:
        target = statement.targets[0]
        assert isinstance(target, ast.Name)
        assert isinstance(statement.value, ast.Call), ast.unparse(statement)
        if target.id not in self._definitions:
            # A name that the library made up for a part of a union: the part goes where it is used.
            self._invented[target.id] = self._type(statement.value.args[1])
            return None
        value, recursive = self._source(statement.value.args[1])
        return Alias(target.id, value, recursive, self._doc(self._definitions[target.id]))

    def _model(self, statement: ast.ClassDef) -> Model:
        config: list[tuple[str, str]] = []
        fields: list[ModelField] = []
        extra: str | None = None
        definition = self._definitions[statement.name]
        for inner in statement.body:
            if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Call):
                found = {keyword.arg: ast.unparse(keyword.value) for keyword in inner.value.keywords if keyword.arg}
                config = [(name, text) for name, text in sorted(found.items()) if name == "extra"]
            elif isinstance(inner, ast.AnnAssign):
                assert isinstance(inner.target, ast.Name)
                if inner.target.id == "__pydantic_extra__":
                    extra = ast.unparse(self._type(inner.annotation))
                    continue
                note = "" if inner.target.id.isascii() else "  # noqa: PLC2401 - the document's own name"
                wire = _alias_of(inner.annotation) or inner.target.id
                member = definition["properties"][wire]
                default = ast.unparse(inner.value) if inner.value is not None else None
                annotation, _ = self._source(inner.annotation)
                fields.append(ModelField(inner.target.id, wire, annotation, default, note, self._doc(member)))
        return Model(statement.name, self._doc(definition), tuple(config), extra, tuple(fields))

    @staticmethod
    def _doc(schema: Mapping[str, Any]) -> str:
        return str(schema.get("description", "")).strip()

    def _source(self, annotation: ast.expr) -> tuple[str, bool]:
        """Return a type as source; as one string, and True, where it names something that comes later."""
        unquoted = _Unquoted()
        source = ast.unparse(_ordered(unquoted.visit(self._type(annotation))))
        return (repr(source) if unquoted.found else source), unquoted.found

    def _type(self, annotation: ast.expr) -> ast.expr:
        changed = _Types(self._invented).visit(annotation)
        assert isinstance(changed, ast.expr)
        self._uses_exact = self._uses_exact or any(
            isinstance(node, ast.Name) and node.id == "_exact" for node in ast.walk(changed)
        )
        return changed


def _ordered(annotation: ast.expr) -> ast.expr:
    """Return a type whose unions are written with `|`, and None behind the other types."""
    result = _Ordered().visit(annotation)
    assert isinstance(result, ast.expr)
    return result


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_members(node.left), *_members(node.right)]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Union":
        assert isinstance(node.slice, ast.Tuple)
        return [member for item in node.slice.elts for member in _members(item)]
    return [node]


class _Ordered(ast.NodeTransformer):
    """Writes each union of a type anew."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Return `A | B | None`."""
        return self._union(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Return `A | B` for `Union[A, B]`, and look into everything else."""
        return self._union(node) if len(_members(node)) > 1 else self.generic_visit(node)

    def _union(self, node: ast.expr) -> ast.expr:
        members = [member if len(_members(member)) > 1 else self.visit(member) for member in _members(node)]
        members.sort(key=lambda member: isinstance(member, ast.Constant) and member.value is None)
        first, *others = members
        for other in others:
            first = ast.BinOp(first, ast.BitOr(), other)
        return first


def compiles(pattern: str, engine: Literal["rust-regex", "python-re"]) -> bool:
    """Tell whether one of Pydantic's engines takes a pattern."""
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine=engine))
    except (SchemaError, re.error):
        return False
    return True


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for value in schema.values():
            yield from _patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _patterns(value)


def _alias_of(annotation: ast.expr) -> str | None:
    for node in ast.walk(annotation):
        if isinstance(node, ast.keyword) and node.arg == "alias" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    return None


class _Unquoted(ast.NodeTransformer):
    """Takes the quotes off types that are named before they are defined, and tells whether there were any."""

    def __init__(self) -> None:
        self.found = False

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Leave literals alone: their texts are values."""
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            return node
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Leave constraints alone too."""
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Return what the text says, if it is a type."""
        if not isinstance(node.value, str):
            return node
        self.found = True
        return ast.parse(node.value, mode="eval").body


class _Types(ast.NodeTransformer):
    """Sets the library's types right: see each method."""

    def __init__(self, invented: Mapping[str, ast.expr]) -> None:
        self._invented = invented

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put a made-up name's type in its place, and give what may be anything a type that JSON can hold."""
        if node.id == "Any":
            return ast.Name("JsonValue")
        if node.id == "ErrorCode":
            return ast.Name("_ErrorCode")
        return self._invented.get(node.id, node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Drop annotations that say nothing to Pydantic, and keep Python's `True == 1` out of literals."""
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            return _exact_literal(node)
        self.generic_visit(node)
        if not (isinstance(node.value, ast.Name) and node.value.id == "Annotated"):
            return node
        assert isinstance(node.slice, ast.Tuple)
        inner, *metadata = node.slice.elts
        kept: list[ast.expr] = []
        for item in metadata:
            if isinstance(item, ast.Call):
                item.keywords = [keyword for keyword in item.keywords if keyword.arg not in _ANNOTATIONS]
                if item.keywords or item.args:
                    kept.append(item)
            else:
                kept.append(item)
        if not kept:
            return inner
        if isinstance(inner, ast.Subscript) and isinstance(inner.value, ast.Name) and inner.value.id == "Annotated":
            assert isinstance(inner.slice, ast.Tuple)
            return ast.Subscript(inner.value, ast.Tuple([*inner.slice.elts, *kept]))
        return ast.Subscript(node.value, ast.Tuple([inner, *kept]))


def _exact_literal(node: ast.Subscript) -> ast.expr:
    elements = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    values = [ast.literal_eval(element) for element in elements]
    if any(isinstance(value, int) for value in values):
        marker = ast.Call(ast.Name("_exact"), [ast.Constant(value) for value in values], [])
        return ast.Subscript(ast.Name("Annotated"), ast.Tuple([node, marker]))
    return node
