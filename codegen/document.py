"""Document: files into values that know their line: YAML 1.2 and JSON, with `$ref` followed. It never judges AsyncAPI.

A `Place` is one value of one file. Everything downstream walks places, so that a fault can name its line.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import yaml

from codegen.faults import DocumentError, Fault, Faults, Mark, did_you_mean

Pointer: TypeAlias = tuple[str | int, ...]
"""The way from a file's root to a value: names of members and indexes of items."""

# YAML 1.2's core schema. PyYAML's own resolver speaks 1.1, where the keys yes, no, on and off are booleans.
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

# JSON writes characters beyond the 16-bit plane as two escapes, which YAML refuses.
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")

_SIBLING_HINTS = {"scopes": "Write x-scopes on the operation."}

_MAX_NODES = 100_000  # aliases make a short file mean a huge one
_MAX_DIGITS = 4000  # below the interpreter's own bound for int()


def _join(match: re.Match[str]) -> str:
    return match[1] + str(json.loads(f'"{match[2]}"'))


class _Loader(yaml.CSafeLoader):
    """Composes nodes with marks; plain scalars keep their text, since their type is decided here."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


@dataclass(frozen=True, eq=False)
class Source:
    """One file: its text, its value, and the mark of each value and member name in it."""

    path: Path
    name: str
    text: str = field(repr=False)
    value: Any = field(repr=False)
    marks: dict[Pointer, Mark] = field(repr=False)
    names: dict[Pointer, Mark] = field(repr=False)

    @property
    def root(self) -> "Place":
        """Return the place of the whole file."""
        return Place(self, (), self.value)


@dataclass(frozen=True)
class Place:
    """A value of a file, with the way to it."""

    source: Source
    pointer: Pointer
    value: Any = field(compare=False, repr=False)

    @property
    def mark(self) -> Mark:
        """Return where the value stands."""
        return self.source.marks[self.pointer]

    @property
    def name_mark(self) -> Mark:
        """Return where the member's name stands; the value's own mark where it has none."""
        return self.source.names.get(self.pointer) or self.mark

    @property
    def key(self) -> str:
        """Return the last part of the way, as text."""
        return str(self.pointer[-1]) if self.pointer else ""

    @property
    def members(self) -> dict[str, Any]:
        """Return the value if it is an object, else an empty one."""
        return self.value if isinstance(self.value, dict) else {}

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def get(self, name: str | int) -> "Place | None":
        """Return a member or an item, or None."""
        if isinstance(self.value, dict) and name in self.value:
            return Place(self.source, (*self.pointer, name), self.value[name])
        if isinstance(self.value, list) and isinstance(name, int) and name < len(self.value):
            return Place(self.source, (*self.pointer, name), self.value[name])
        return None

    def children(self) -> Iterator["Place"]:
        """Yield each member or item, in the file's order."""
        if isinstance(self.value, dict):
            for name, value in self.value.items():
                yield Place(self.source, (*self.pointer, name), value)
        elif isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield Place(self.source, (*self.pointer, index), value)

    def under(self, name: str) -> Iterator["Place"]:
        """Yield each child of a member, none where the member is absent."""
        member = self.get(name)
        if member is not None:
            yield from member.children()

    def text(self, name: str) -> str:
        """Return a member that is a string, else an empty string."""
        value = self.members.get(name)
        return value if isinstance(value, str) else ""


class Document:
    """The document's files. Resolves references, and keeps each file that they reach."""

    def __init__(self, path: Path, faults: Faults) -> None:
        """Read the file at `path`. Raises DocumentError if it can't be read at all."""
        self.faults = faults
        self._base = path.parent.resolve()
        self._sources: dict[Path, Source] = {}
        self._references: set[Place] = set()
        self.main = self._read(path.resolve(), path.name)

    @property
    def root(self) -> Place:
        """Return the place of the whole document."""
        return self.main.root

    @property
    def files(self) -> tuple[Source, ...]:
        """Return the files read so far, the main one first."""
        return tuple(self._sources.values())

    @property
    def references(self) -> frozenset[Place]:
        """Return the places of the references followed so far; a `$ref` within an example is none."""
        return frozenset(self._references)

    def _read(self, path: Path, name: str) -> Source:
        if path not in self._sources:
            self._sources[path] = read_source(path, name, self.faults)
        return self._sources[path]

    def resolve(self, place: Place) -> Place | None:
        """Follow `$ref` until a value that is none.

        Returns None, with the fault noted, where a reference leads nowhere.
        """
        seen: set[Place] = set()
        while "$ref" in place:
            reference = place.get("$ref")
            assert reference is not None
            if place in seen:
                self.faults.add(reference.mark, "ref-cycle", "This $ref leads back to itself. Point it at a value.")
                return None
            seen.add(place)
            self._references.add(place)
            self._check_siblings(place)
            target = self._follow(reference)
            if target is None:
                return None
            place = target
        return place

    def _check_siblings(self, place: Place) -> None:
        for child in place.children():
            if child.key != "$ref":
                hint = _SIBLING_HINTS.get(child.key, "Move it into the target.")
                message = f"{child.key!r} stands beside $ref, where resolvers drop it. {hint}"
                self.faults.add(child.name_mark, "ref-siblings", message)

    def _follow(self, reference: Place) -> Place | None:
        text = reference.value
        if not isinstance(text, str):
            self.faults.add(reference.mark, "ref-unknown", "$ref must be a string.")
            return None
        url = urlsplit(text)
        if url.scheme or url.netloc:
            message = f"{text!r} is remote. Save the file beside the document and refer to that."
            self.faults.add(reference.mark, "ref-remote", message)
            return None
        target = self._file(reference, unquote(url.path))
        return self._walk(reference, target, url.fragment) if target else None

    def _file(self, reference: Place, name: str) -> Place | None:
        if not name:
            return reference.source.root
        path = (reference.source.path.parent / name).resolve()
        if not path.is_file():
            near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            self.faults.add(reference.mark, "ref-unknown", f"There is no file {name!r}.{did_you_mean(path.name, near)}")
            return None
        shown = path.relative_to(self._base).as_posix() if path.is_relative_to(self._base) else str(path)
        try:
            return self._read(path, shown).root
        except DocumentError as error:
            for fault in error.faults:
                self.faults.add(fault.mark, fault.rule, fault.message)
            return None

    def _walk(self, reference: Place, place: Place, fragment: str) -> Place | None:
        if fragment and not fragment.startswith("/"):
            message = f"{fragment!r} is no JSON pointer. Write '#/' and the way to the value."
            self.faults.add(reference.mark, "ref-unknown", message)
            return None
        for part in fragment.split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            step = int(name) if isinstance(place.value, list) and name.isdecimal() else name
            child = place.get(step)
            if child is None:
                message = f"{reference.value!r} leads nowhere: there is no {name!r}.{did_you_mean(name, place.members)}"
                self.faults.add(reference.mark, "ref-unknown", message)
                return None
            place = child
        return place


def read_source(path: Path, name: str, faults: Faults) -> Source:
    """Read one file. `name` is what faults call it.

    Faults that leave a readable rest (a doubled name) are added to `faults`; raises DocumentError for the others.
    """
    start = Mark(name, 1, 1, "")
    try:
        text = path.read_bytes().decode()  # not read_text: line ends stay as they are
    except OSError as error:
        raise DocumentError([Fault(start, "unreadable", f"The file can't be read: {error.strerror}.")]) from None
    except UnicodeDecodeError:
        raise DocumentError([Fault(start, "unreadable", "The file is not UTF-8.")]) from None
    reader = _Reader(name, text, faults)
    value = reader.read()
    return Source(path, name, text, value, reader.marks, reader.names)


class _Reader:
    """Turns composed YAML nodes into plain values, and notes the mark of each."""

    def __init__(self, file: str, text: str, faults: Faults) -> None:
        self.marks: dict[Pointer, Mark] = {}
        self.names: dict[Pointer, Mark] = {}
        self._file = file
        self._text = text
        self._faults = faults

    @cached_property
    def _lines(self) -> list[str]:
        return re.split(r"\r\n|\r|\n", self._text)

    def _mark(self, line: int, column: int) -> Mark:
        text = self._lines[line] if line < len(self._lines) else ""
        return Mark(self._file, line + 1, column + 1, text)

    def _fatal(self, line: int, column: int, rule: str, message: str) -> DocumentError:
        return DocumentError([Fault(self._mark(line, column), rule, message)])

    def read(self) -> Any:
        if self._file.endswith(".json"):
            self._check_json()
        try:
            # The loader is a SafeLoader: it composes nodes and constructs no objects.
            loader = _Loader(_SURROGATES.sub(_join, self._text) if self._file.endswith(".json") else self._text)
            try:
                node = loader.get_single_node()
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            place = error.problem_mark or error.context_mark
            line, column = (place.line, place.column) if place else (0, 0)
            raise self._fatal(line, column, "syntax", f"This is not YAML: {error.problem or error.context}.") from None
        except yaml.YAMLError:
            raise self._fatal(0, 0, "syntax", "This is not YAML: it holds a character that YAML forbids.") from None
        except RecursionError:
            raise self._fatal(0, 0, "syntax", "The document nests too deeply.") from None
        if node is None:
            raise self._fatal(0, 0, "syntax", "The document is empty.")
        try:
            return self._value(node, (), frozenset())
        except RecursionError:
            raise self._fatal(0, 0, "syntax", "The document nests too deeply.") from None

    def _check_json(self) -> None:
        try:
            json.loads(self._text)
        except json.JSONDecodeError as error:
            raise self._fatal(error.lineno - 1, error.colno - 1, "syntax", f"This is not JSON: {error.msg}.") from None
        except (ValueError, RecursionError):
            raise self._fatal(0, 0, "syntax", "This is not JSON that can be read.") from None

    def _value(self, node: yaml.Node, pointer: Pointer, parents: frozenset[int]) -> Any:
        mark = node.start_mark
        self.marks[pointer] = self._mark(mark.line, mark.column)
        if len(self.marks) > _MAX_NODES:
            raise self._fatal(mark.line, mark.column, "syntax", "The document's aliases make it too large.")
        if id(node) in parents:
            raise self._fatal(mark.line, mark.column, "syntax", "This alias holds itself.")
        inner = parents | {id(node)}
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer, inner)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*pointer, index), inner) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode), "YAML has three kinds of nodes"
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, pointer: Pointer, parents: frozenset[int]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in node.value:
            mark = self._mark(key.start_mark.line, key.start_mark.column)
            if not isinstance(key, yaml.ScalarNode):
                self._faults.add(mark, "syntax", "A member's name must be text.")
                continue
            name = str(key.value)
            if name in members:
                first = self.names[(*pointer, name)].line
                self._faults.add(mark, "duplicate-name", f"{name!r} stands here twice; the first is in line {first}.")
                continue
            self.names[(*pointer, name)] = mark
            members[name] = self._value(value, (*pointer, name), parents)
        return members

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = str(node.value)
        mark = node.start_mark
        tagged = self._text[mark.index : mark.index + 1] == "!"
        plain = node.style in (None, "")
        if tagged and node.tag == "tag:yaml.org,2002:str":
            return text
        if tagged and not str(node.tag).startswith("tag:yaml.org,2002:"):
            self._faults.add(self._mark(mark.line, mark.column), "syntax", f"The tag {node.tag!r} is not known.")
            return text
        if not plain and not tagged:
            return text
        return self._plain(text, mark)

    def _plain(self, text: str, mark: Any) -> Any:
        value = plain(text)
        if value is NotImplemented:
            self._faults.add(self._mark(mark.line, mark.column), "syntax", "JSON has no such number.")
            return None
        return value


def plain(text: str) -> Any:
    """Return what an unquoted scalar means in YAML 1.2; NotImplemented for a number that JSON doesn't have."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if len(text) <= _MAX_DIGITS and _INT.fullmatch(text):
        return int(text)
    if len(text) <= _MAX_DIGITS and (_OCTAL.fullmatch(text) or _HEX.fullmatch(text)):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text) if math.isfinite(float(text)) else NotImplemented
    return NotImplemented if _NOT_A_NUMBER.fullmatch(text) else text
