"""TypeScript types: normalised JSON Schema into declarations of types, and into checks of a value's structure.

What TypeScript can't say is widened, never wrong. It knows no channel and no template.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from codegen.schemas import types_of

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_WIDTH = 118
_INHERITED = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
        *("valueOf", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    }
)
"""What every object of JavaScript has: a JSON object has it only if it says so."""

_MANY = 6
"""From so many values on a list of them is looked up."""

ANY = "unknown"


def quote(text: str) -> str:
    """Return a text as a literal of TypeScript."""
    # JSON's text is one of JavaScript's since ES2019; the two separators are kept visible.
    return json.dumps(text, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def literal(value: Any) -> str:
    """Return a JSON value that is no list and no object as a literal."""
    return quote(value) if isinstance(value, str) else json.dumps(value)


def name_of(member: str) -> str:
    """Return a member's name as it stands in a type or an object."""
    return member if _IDENTIFIER.fullmatch(member) and member != "__proto__" else quote(member)


def comment(text: str, indent: str = "") -> str:
    """Return a text as a documentation comment with a line break at its end; nothing for none."""
    # A comment mustn't end early; and `@` at the start of a line would be a tag of TSDoc.
    clean = re.sub(r"(?m)^(\s*)@", r"\1\\@", text.replace("*/", "*\\/").replace("\r", "")).strip()
    lines = [line.rstrip() for line in clean.split("\n")]
    if not clean:
        return ""
    if len(lines) == 1 and len(indent) + len(clean) + 7 <= _WIDTH:
        return f"{indent}/** {clean} */\n"
    wrapped = [part for line in lines for part in _wrap(line, _WIDTH - len(indent) - 3)]
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in wrapped)
    return f"{indent}/**\n{body}{indent} */\n"


def _wrap(line: str, width: int) -> list[str]:
    """Return a line in parts that fit; an indented or very long word stays as it is."""
    if len(line) <= width or line[:1].isspace() or line.startswith(("|", "```")):
        return [line]
    parts, current = [], ""
    for word in line.split(" "):
        if current and len(current) + 1 + len(word) > width:
            parts.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    return [*parts, current]


def _target(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _values(schema: Mapping[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return list(values) if isinstance(values, (list, tuple)) else None


def _branches(schema: Mapping[str, Any]) -> Iterable[tuple[str, Sequence[Any]]]:
    for union in ("anyOf", "oneOf"):
        if isinstance(schema.get(union), (list, tuple)):
            yield union, schema[union]


def _tuple(schema: Mapping[str, Any]) -> tuple[Sequence[Any], Any] | None:
    """Return the schemas of a tuple's first items, and that of the rest (False: there is none)."""
    first = schema.get("prefixItems")
    if isinstance(first, (list, tuple)):
        return first, schema.get("items", True)
    if isinstance(schema.get("items"), (list, tuple)):
        return schema["items"], schema.get("additionalItems", True)
    return None


def _kinds(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types that a schema allows: those that it names, else none, which is any."""
    found = types_of(schema)
    if found:
        return found
    # A schema that only tells what an object's members are still allows every other value.
    return ()


class Types:
    """The document's definitions as TypeScript. Names are those of the definitions."""

    def __init__(
        self, definitions: Mapping[str, Mapping[str, Any]], codes: Sequence[str], tags: Mapping[str, str]
    ) -> None:
        """Take the error codes, and the member by which each message (its definition's name) is known."""
        self._definitions = definitions
        self._codes = codes
        self._tags = tags

    def declarations(self) -> str:
        """Return the declaration of every definition, in the order of their names' first use."""
        return "\n".join(self._declaration(name) for name in self._definitions)

    def _declaration(self, name: str) -> str:
        schema = self._definitions[name]
        doc = comment(str(schema.get("description", "")))
        if "x-python-import" in schema:
            return f"{doc}{_statement(f'export type {name} =', self._literals(self._codes))}"
        if self._is_plain_object(schema):
            body = self._object(schema, "", self._tags.get(name))
            return f"{doc}export interface {name} {body}\n"
        return f"{doc}{_statement(f'export type {name} =', self.type(schema))}"

    def _is_plain_object(self, schema: Mapping[str, Any]) -> bool:
        combined = any(key in schema for key in ("$ref", "anyOf", "oneOf", "allOf", "enum", "const"))
        return not combined and types_of(schema) == ("object",)

    def type(self, schema: Any, indent: str = "") -> str:
        """Return the type of a schema; it may be a union, without parentheses."""
        if schema is False:
            return "never"
        if not isinstance(schema, Mapping):
            return ANY
        if "x-typescript" in schema:
            return str(schema["x-typescript"])
        if "$ref" in schema:
            return _target(schema)
        values = _values(schema)
        if values is not None:
            return self._literals(values)
        parts = [part for part in self._parts(schema, indent) if part != ANY]
        if not parts:
            return ANY
        return parts[0] if len(parts) == 1 else " & ".join(_grouped(part) for part in parts)

    def _parts(self, schema: Mapping[str, Any], indent: str) -> Iterable[str]:
        yield self._union([self._of_type(schema, kind, indent) for kind in _kinds(schema)])
        for _, branches in _branches(schema):
            yield self._union([self.type(branch, indent) for branch in branches])
        for branch in schema.get("allOf", ()):
            yield self.type(branch, indent)

    def _union(self, found: Sequence[str]) -> str:
        if ANY in found or not found:
            return ANY
        kept = list(dict.fromkeys(item for item in found if item != "never"))
        if len(kept) > 1:
            kept = list(dict.fromkeys(part for item in kept for part in _alternatives(item)))
        return " | ".join(kept) or "never"

    def _literals(self, values: Sequence[Any]) -> str:
        found = []
        for value in values:
            if isinstance(value, (list, tuple)):
                found.append("unknown[]")
            elif isinstance(value, Mapping):
                found.append("{ [name: string]: unknown }")
            else:
                found.append(literal(value))
        return " | ".join(dict.fromkeys(found)) or "never"

    def _of_type(self, schema: Mapping[str, Any], kind: str, indent: str) -> str:
        simple = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
        if kind in simple:
            return simple[kind]
        if kind == "array":
            return self._array(schema, indent)
        return self._object(schema, indent, None) if kind == "object" else ANY

    def _array(self, schema: Mapping[str, Any], indent: str) -> str:
        found = _tuple(schema)
        if found is None:
            return f"{_grouped(self.type(schema.get('items', True), indent))}[]"
        first, rest = found
        needed = schema.get("minItems", 0)
        needed = needed if isinstance(needed, int) else 0
        items = [self.type(item, indent) for item in first]
        shown = [item if index < needed else f"{_grouped(item)}?" for index, item in enumerate(items)]
        after = self.type(rest, indent)
        # A limit that the items reach says that there is no rest, too.
        closed = after == "never" or (isinstance(schema.get("maxItems"), int) and schema["maxItems"] <= len(items))
        return f"[{', '.join([*shown, *([] if closed else [f'...{_grouped(after)}[]'])])}]"

    def _object(self, schema: Mapping[str, Any], indent: str, tag: str | None) -> str:
        members: Mapping[str, Any] = schema.get("properties") or {}
        required = {*schema.get("required", ()), *([tag] if tag is not None else [])}
        deeper = f"{indent}  "
        lines: list[str] = []
        found: dict[str, None] = {}
        for member, inner in members.items():
            type_ = self.type(inner, deeper)
            found |= dict.fromkeys(_alternatives(type_))
            optional = "" if member in required else "?"
            found |= dict.fromkeys(["undefined"] if optional else [])
            # Within another type the text could be taken for a part of it.
            told = isinstance(inner, Mapping) and not indent
            doc = comment(str(inner.get("description", "")), deeper) if told else ""
            lines.append(f"{doc}{_statement(f'{deeper}{name_of(member)}{optional}:', type_, deeper)}")
        extra = self._extra(schema, deeper)
        if not members:
            return f"{{ [name: string]: {extra if extra is not None else ANY} }}"
        if extra is not None:
            # TypeScript wants the members that are listed to fit the others, too.
            alternatives = dict.fromkeys([*_alternatives(extra), *found])
            widened = ANY if ANY in alternatives else " | ".join(alternatives)
            lines.append(_statement(f"{deeper}[name: string]:", widened, deeper))
        return "{\n" + "".join(lines) + f"{indent}}}"

    def _extra(self, schema: Mapping[str, Any], indent: str) -> str | None:
        """Return the type of members that aren't listed; None where nothing is said of them."""
        extra = schema.get("additionalProperties")
        patterns = schema.get("patternProperties") or {}
        if not patterns:
            return self.type(extra, indent) if isinstance(extra, Mapping) else None
        if extra is None or extra is True:
            return ANY
        listed = [self.type(item, indent) for item in patterns.values()]
        return self._union([*listed, *([self.type(extra, indent)] if isinstance(extra, Mapping) else [])])

    # ------------------------------------------------------------------------------------------------- checks

    def checks(self, roots: Iterable[str]) -> tuple[str, ...]:
        """Return the functions that check these definitions and what they refer to, each as source."""
        pending, found = list(dict.fromkeys(roots)), dict[str, str]()
        while pending:
            name = pending.pop(0)
            if name in found:
                continue
            schema = self._definitions[name]
            lists: dict[str, str] = {}
            source = self._check_of(name, schema, lists)
            declared = "".join(
                f"const {key}: ReadonlySet<unknown> = new Set([{value}]);\n\n" for key, value in lists.items()
            )
            found[name] = (
                f"{declared}/** Tell whether a value has the structure of {name}. */\n"
                f"export function is{name}(value: unknown): boolean {{\n  return {_indented(source, '  ')};\n}}\n"
            )
            pending += [item for item in _references(schema) if item not in found]
        return tuple(found[name] for name in self._definitions if name in found)

    def _check_of(self, name: str, schema: Mapping[str, Any], lists: dict[str, str]) -> str:
        if "x-python-import" in schema:
            return self._one_of(self._codes, "value", name, lists)
        if self._is_plain_object(schema):
            return self._object_check(schema, "value", name, lists, self._tags.get(name))
        return self._check(schema, "value", name, lists)

    def _check(self, schema: Any, value: str, name: str, lists: dict[str, str]) -> str:
        if schema is False:
            return "false"
        if not isinstance(schema, Mapping):
            return "true"
        if "x-typescript" in schema:
            return f"{value} instanceof Uint8Array"
        if "$ref" in schema:
            return f"is{_target(schema)}({value})"
        values = _values(schema)
        if values is not None:
            return self._one_of(values, value, name, lists)
        parts = [_any([self._kind_check(schema, kind, value, name, lists) for kind in _kinds(schema)] or ["true"])]
        for _, branches in _branches(schema):
            parts.append(_any([self._check(branch, value, name, lists) for branch in branches]))
        parts += [self._check(branch, value, name, lists) for branch in schema.get("allOf", ())]
        return _all(parts)

    def _one_of(self, values: Sequence[Any], value: str, name: str, lists: dict[str, str]) -> str:
        if any(isinstance(item, (list, tuple, Mapping)) for item in values):
            return "true"
        if len(values) < _MANY:
            return _any([f"{value} === {literal(item)}" for item in values])
        key = f"{name[0].lower()}{name[1:]}Values{len(lists) or ''}"
        lists[key] = ", ".join(literal(item) for item in values)
        return f"{key}.has({value})"

    def _kind_check(self, schema: Mapping[str, Any], kind: str, value: str, name: str, lists: dict[str, str]) -> str:
        if kind == "integer":
            return f"Number.isInteger({value})"
        if kind in ("string", "number", "boolean"):
            return f'typeof {value} === "{kind}"'
        if kind == "null":
            return f"{value} === null"
        if kind == "object":
            return self._object_check(schema, value, name, lists, None)
        if kind != "array":
            return "true"
        return self._array_check(schema, value, name, lists)

    def _array_check(self, schema: Mapping[str, Any], value: str, name: str, lists: dict[str, str]) -> str:
        found = _tuple(schema)
        if found is None:
            inner = self._check(schema.get("items", True), "item", name, lists)
            return f"Array.isArray({value})" if inner == "true" else f"items({value}, (item) => {inner})"
        first, rest = found
        needed = schema.get("minItems", 0)
        shown = ", ".join(f"(item) => {self._check(item, 'item', name, lists)}" for item in first)
        after = self._check(rest, "item", name, lists)
        return f"leading({value}, {needed if isinstance(needed, int) else 0}, [{shown}], (item) => {after})"

    def _object_check(
        self, schema: Mapping[str, Any], value: str, name: str, lists: dict[str, str], tag: str | None
    ) -> str:
        members: Mapping[str, Any] = schema.get("properties") or {}
        required: list[str] = [*dict.fromkeys([*([tag] if tag is not None else []), *schema.get("required", ())])]
        inside = value if value == "value" else "inner"
        parts = []
        for member, inner in members.items():
            got = f"own({inside}, {quote(member)})" if member in _INHERITED else _member(inside, member)
            check = self._check(inner, got, name, lists)
            if member in required:
                parts.append(f"{got} !== undefined" if check == "true" else check)
            elif check != "true":
                parts.append(_any([f"{got} === undefined", check]))
        parts += [f"Object.hasOwn({inside}, {quote(member)})" for member in required if member not in members]
        extra = self._extra_check(schema, inside, name, lists)
        parts += [extra] if extra != "true" else []
        if value == "value":
            return _all(["object(value)", *parts])
        if not parts:
            return f"object({value})"
        return f"holds({value}, (inner) => {_all(parts)})"

    def _extra_check(self, schema: Mapping[str, Any], inside: str, name: str, lists: dict[str, str]) -> str:
        extra = schema.get("additionalProperties")
        if not isinstance(extra, Mapping) or schema.get("patternProperties"):
            return "true"
        check = self._check(extra, "item", name, lists)
        if check == "true":
            return check
        listed = [literal(member) for member in schema.get("properties") or {}]
        return f"others({inside}, [{', '.join(listed)}], (item) => {check})"


def _member(inside: str, member: str) -> str:
    return f"{inside}[{quote(member)}]"


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield _target(schema)
        for key, inner in schema.items():
            if key in ("enum", "const", "default", "examples"):
                continue
            yield from _references(inner)
    elif isinstance(schema, (list, tuple)):
        for inner in schema:
            yield from _references(inner)


def _alternatives(type_: str) -> list[str]:
    """Return the parts of a union; what holds others (an object, a tuple, an intersection) is one part."""
    depth, parts, current, quoted = 0, list[str](), "", False
    for index, character in enumerate(type_):
        if character == '"' and not _escaped(type_, index):
            quoted = not quoted
        if not quoted:
            depth += (character in "{[(") - (character in "}])")
            if character == "|" and depth == 0:
                parts.append(current.strip())
                current = ""
                continue
        current += character
    parts.append(current.strip())
    return [part for part in parts if part]


def _escaped(text: str, index: int) -> bool:
    backslashes = len(text[:index]) - len(text[:index].rstrip("\\"))
    return backslashes % 2 == 1


def _grouped(type_: str) -> str:
    """Return a type that something may stand behind."""
    return f"({type_})" if len(_alternatives(type_)) > 1 or " & " in type_ else type_


def _statement(head: str, type_: str, indent: str = "") -> str:
    """Return `head type;`, one alternative a line where one line is too short."""
    whole = f"{head} {type_};\n"
    parts = _alternatives(type_)
    if "\n" in whole[:-1] or len(whole) <= _WIDTH + 1 or len(parts) == 1:
        return whole
    return f"{head}\n" + "\n".join(f"{indent}  | {part}" for part in parts) + ";\n"


def _indented(source: str, indent: str) -> str:
    """Return an expression with each of its outermost conditions on a line where one line is too short."""
    if len(source) <= _WIDTH - 12:
        return source
    depth, lines, current, quoted = 0, list[str](), "", False
    for index, character in enumerate(source):
        if character == '"' and not _escaped(source, index):
            quoted = not quoted
        if not quoted:
            depth += (character in "{[(") - (character in "}])")
            if depth == 0 and source.startswith(" && ", index):
                lines.append(current.strip())
                current = ""
        current += character
    lines.append(current.strip())
    if len(lines) == 1:
        return source
    return f"(\n{indent}  " + f"\n{indent}  ".join(lines) + f"\n{indent})"


def _any(parts: Sequence[str]) -> str:
    if "true" in parts:
        return "true"
    kept = list(dict.fromkeys(part for part in parts if part != "false"))
    if len(kept) < 2:
        return kept[0] if kept else "false"
    return (
        "(" + " || ".join(f"({part})" if " && " in part and not part.startswith("(") else part for part in kept) + ")"
    )


def _all(parts: Sequence[str]) -> str:
    if "false" in parts:
        return "false"
    kept = list(dict.fromkeys(part for part in parts if part != "true"))
    return " && ".join(kept) or "true"
