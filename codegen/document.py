"""Document: files into values that know their line: YAML 1.2 and JSON, with `$ref` followed. It never judges AsyncAPI.

A `Place` is one value of one file. Everything downstream walks places, so that a fault can name its line.
"""

import json
import math
import os
import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

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

_LINE_END = re.compile(r"\r\n|\r|\n")

# JSON writes characters beyond the 16-bit plane as two escapes, which YAML refuses.
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")

_MAX_ALIASED = 100_000  # values that aliases repeat: they make a short file mean a huge one
_MAX_DEPTH = 100  # far above any real document, and far below what the walks of a document can take
_SAFE_DEPTH = 5000
_MAX_DIGITS = 4000  # below the interpreter's own bound for int()


def _join(match: re.Match[str]) -> str:
    return match[1] + str(json.loads(f'"{match[2]}"'))


class _Loader(yaml.CSafeLoader):
    """Composes nodes with marks; plain scalars keep their text, since their type is decided here."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


Position: TypeAlias = "int | Place"
"""The index of a character in the text; for a value that was made up, the place that it stands for."""

Tree: TypeAlias = "Place | At | Mapping[str, Tree] | Sequence[Tree] | str | bool | None"
"""A value to be made up: plain values, and places of the document wherever they fit."""


@dataclass(frozen=True)
class At:
    """A part of a tree that stands for another place of the text than the whole."""

    tree: Tree
    like: "Place"


class Lines:
    """The lines of a text, as people and editors count them: YAML would end one at other characters too."""

    def __init__(self, name: str, text: str) -> None:
        """`name` is what faults call the text's file."""
        self._name = name
        self._text = text
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def mark(self, index: int) -> Mark:
        """Return the position of a character; what lies behind the text is put at its end."""
        index = min(max(index, 0), len(self._text))
        line = bisect_right(self._starts, index) - 1
        start = self._starts[line]
        end = _LINE_END.search(self._text, start)
        return Mark(self._name, line + 1, index - start + 1, self._text[start : end.start() if end else None])

    def number(self, index: int) -> int:
        """Return the number of the line that a character is in."""
        return bisect_right(self._starts, index)

    @property
    def longest(self) -> int:
        """Return the length of the longest line."""
        return max(end - start for start, end in pairwise([*self._starts, len(self._text)]))


@dataclass(frozen=True, eq=False)
class Source:
    """One file: its text, its value, and the position of each value and member name in it.

    A source with an `origin` is made up of parts of files: what stands under a pointer of `grafts` is a place of
    another source.
    """

    path: Path
    name: str
    text: str = field(repr=False)
    value: Any = field(repr=False)
    marks: dict[Pointer, Position] = field(repr=False)
    names: dict[Pointer, Position] = field(repr=False)
    grafts: dict[Pointer, "Place"] = field(default_factory=dict, repr=False)
    origin: "Source | None" = field(default=None, repr=False)

    @property
    def root(self) -> "Place":
        """Return the place of the whole file."""
        return self.origin.root if self.origin is not None else Place(self, (), self.value)

    @cached_property
    def lines(self) -> "Lines":
        """Return the lines of the text."""
        return Lines(self.name, self.text)

    @cached_property
    def anchors(self) -> dict[str, Pointer]:
        """Return what a plain name after `#` means: `$anchor`, or `$id` with a leading `#`; and each absolute `$id`."""
        found: dict[str, Pointer] = {}
        pending: list[tuple[Pointer, Any]] = [((), self.value)]
        while pending:
            pointer, value = pending.pop()
            if isinstance(value, dict):
                for member in ("$anchor", "$id"):
                    name = value.get(member)
                    if isinstance(name, str):
                        found.setdefault(name.removeprefix("#") if member == "$id" else name, pointer)
                pending += [((*pointer, name), inner) for name, inner in value.items()]
            elif isinstance(value, list):
                pending += [((*pointer, index), inner) for index, inner in enumerate(value)]
        return found

    def mark(self, position: Position) -> Mark:
        """Return a position with the text of its line."""
        if isinstance(position, Place):
            return position.mark
        return self.lines.mark(position)

    @property
    def is_modern(self) -> bool:
        """Tell whether `$ref` in a schema of this file counts together with the members beside it.

        It does from JSON Schema 2019-09 on. AsyncAPI's own schemas are of draft 7, where `$ref` stands alone.
        """
        value = self.root.members
        dialect = f"{value.get('$schema', '')} {value.get('jsonSchemaDialect', '')}"
        return any(year in dialect for year in ("2019-09", "2020-12")) or str(value.get("openapi", "")) >= "3.1"


@dataclass(frozen=True)
class Place:
    """A value of a file, with the way to it."""

    source: Source
    pointer: Pointer
    value: Any = field(compare=False, repr=False)

    @property
    def mark(self) -> Mark:
        """Return where the value stands."""
        return self.source.mark(self.source.marks[self.pointer])

    @property
    def name_mark(self) -> Mark:
        """Return where the member's name stands; the value's own mark where it has none."""
        position = self.source.names.get(self.pointer)
        if position is None:
            return self.mark
        return position.name_mark if isinstance(position, Place) else self.source.mark(position)

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
            return self._child(name, self.value[name])
        if isinstance(self.value, list) and isinstance(name, int) and name < len(self.value):
            return self._child(name, self.value[name])
        return None

    def _child(self, name: str | int, value: Any) -> "Place":
        pointer = (*self.pointer, name)
        grafts = self.source.grafts
        if grafts:
            graft = grafts.get(pointer)
            if graft is not None:
                return graft
        return Place(self.source, pointer, value)

    def children(self) -> Iterator["Place"]:
        """Yield each member or item, in the file's order."""
        for _, child in self.items():
            yield child

    def items(self) -> Iterator[tuple[str | int, "Place"]]:
        """Yield the name of each member or the index of each item, and the member or item."""
        if isinstance(self.value, dict):
            for name, value in self.value.items():
                yield name, self._child(name, value)
        elif isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield index, self._child(index, value)

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
        self.shapes: dict[Place, str] = {}
        """What each sound object of the files, as they are written, was taken for (structure.py)."""
        self._base = path.parent.resolve()
        self._sources: dict[Path, Source] = {}
        self._references: dict[Place, Place] = {}
        self._replaced: dict[Place, Place] = {}
        self._walking: set[Place] = set()
        self.main = self._read(path.resolve(), path.name)

    @property
    def root(self) -> Place:
        """Return the place of the whole document: as it is written, until another is put for it."""
        return self._current(self.main.root)

    @property
    def files(self) -> tuple[Source, ...]:
        """Return the files read so far, the main one first."""
        return tuple(self._sources.values())

    @property
    def references(self) -> Set[Place]:
        """Return the places of the references followed so far; a `$ref` within an example is none."""
        return self._references.keys()

    @property
    def is_replaced(self) -> bool:
        """Tell whether anything is read otherwise than it is written."""
        return bool(self._replaced)

    def _read(self, path: Path, name: str) -> Source:
        if path not in self._sources:
            self._sources[path] = read_source(path, name, self.faults)
        return self._sources[path]

    # what is read otherwise than it is written

    def replace(self, place: Place, other: Place) -> None:
        """Let `resolve` return `other` wherever it comes to `place`."""
        assert place != other
        self._replaced[place] = other

    def _current(self, place: Place) -> Place:
        while place in self._replaced:
            place = self._replaced[place]
        return place

    def plant(self, pointer: Pointer, tree: Tree, like: Place) -> Place:
        """Return a made-up value that has a place of its own.

        `pointer` names it, and faults in it stand where `like` does. Places within `tree` stay what they are.
        """
        file = like.source
        source = Source(file.path, file.name, file.text, None, {}, {}, {}, file.origin or file)
        source.names[pointer] = like
        return Place(source, pointer, _plant(source, pointer, tree, like))

    # references

    def resolve(self, place: Place) -> Place | None:
        """Follow `$ref` until a value that is none.

        Returns None, with the fault noted, where a reference leads nowhere.
        """
        place = self._current(place)
        if "$ref" not in place:
            return place
        seen: set[Place] = set()
        while "$ref" in place:
            target = self._step(place, seen)
            if target is None:
                return None
            place = self._current(target)
        return place

    def target(self, place: Place) -> Place | None:
        """Follow `$ref` through the files as they are written."""
        seen: set[Place] = set()
        while "$ref" in place:
            target = self._step(place, seen)
            if target is None:
                return None
            place = target
        return place

    def _step(self, place: Place, seen: set[Place]) -> Place | None:
        reference = place.get("$ref")
        assert reference is not None
        if place in seen:
            self.faults.add(reference.mark, "ref-cycle", "This $ref leads back to itself. Point it at a value.")
            return None
        seen.add(place)
        if len(seen) > _MAX_DEPTH:
            text = f"This $ref leads through more than {_MAX_DEPTH} others. Point it at the value."
            self.faults.add(reference.mark, "ref-cycle", text)
            return None
        target = self._references.get(place)
        if target is None:
            target = self._follow(reference)
            if target is not None:
                self._references[place] = target
        return target

    def _follow(self, reference: Place) -> Place | None:
        text = reference.value
        if not isinstance(text, str):
            self.faults.add(reference.mark, "ref-unknown", "$ref must be a string.")
            return None
        try:
            url = urlsplit(text)
        except ValueError:
            self.faults.add(reference.mark, "ref-unknown", f"{text!r} is no reference.")
            return None
        named = bool(url.scheme or url.netloc)
        target = self._by_id(reference, url) if named else self._file(reference, unquote(url.path))
        if target is not None and target.source.origin is not None:
            return target  # made up for what can't be read: nothing stands within it
        return self._walk(reference, target, url.fragment) if target is not None else None

    def _by_id(self, reference: Place, url: SplitResult) -> Place | None:
        """Return what has this address as its `$id`: a schema of a file read so far, or the file that lies so."""
        wanted = url._replace(fragment="").geturl()
        for source in self._sources.values():
            if wanted in source.anchors:
                return _at(source, source.anchors[wanted])
        base = reference.source.root.text("$id")
        here, there = urlsplit(base), url
        if base and (here.scheme, here.netloc) == (there.scheme, there.netloc):
            way = posixpath.relpath(there.path, posixpath.dirname(here.path))
            if (reference.source.path.parent / way).is_file():
                return self._file(reference, way)
        message = f"{reference.value!r} is remote. Save the file beside the document and refer to that."
        if self.faults.add(reference.mark, "ref-remote", message):
            return None
        return self.plant((), {}, reference)

    def _file(self, reference: Place, name: str) -> Place | None:
        if not name:
            return reference.source.root
        try:
            path = (reference.source.path.parent / name).resolve()
            found = path.is_file()
        except (OSError, ValueError):  # a name too long, or one with a NUL
            found, path = False, reference.source.path
        if not found:
            near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            message = f"There is no file {name!r}.{did_you_mean(Path(name).name, near)}"
            self.faults.add(reference.mark, "ref-unknown", message)
            return None
        shown = Path(os.path.relpath(path, self._base)).as_posix()
        try:
            return self._read(path, shown).root
        except DocumentError as error:
            for fault in error.faults:
                self.faults.add(fault.mark, fault.rule, fault.message)
            return None

    def _walk(self, reference: Place, place: Place, fragment: str) -> Place | None:
        if fragment and not fragment.startswith("/"):
            pointer = place.source.anchors.get(unquote(fragment))
            if pointer is not None:
                return _at(place.source, pointer)
            message = f"{fragment!r} is no JSON pointer. Write '#/' and the way to the value."
            self.faults.add(reference.mark, "ref-unknown", message)
            return None
        for part in fragment.split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            child = _step_into(place, name)
            if child is None and "$ref" in place and place != Place(reference.source, reference.pointer[:-1], None):
                # A pointer may lead through a reference: '#/channels/chat/messages/say', where chat is another file's.
                beyond = self._beyond(place)
                child = _step_into(beyond, name) if beyond is not None else None
                place = beyond or place
            if child is None:
                message = f"{reference.value!r} leads nowhere: there is no {name!r}.{did_you_mean(name, place.members)}"
                self.faults.add(reference.mark, "ref-unknown", message)
                return None
            place = child
        return place

    def _beyond(self, place: Place) -> Place | None:
        if place in self._walking:
            return None
        self._walking.add(place)
        try:
            return self.target(place)
        finally:
            self._walking.discard(place)


def _step_into(place: Place, name: str) -> Place | None:
    return place.get(int(name) if isinstance(place.value, list) and name.isdecimal() and name.isascii() else name)


def _at(source: Source, pointer: Pointer) -> Place:
    place: Place | None = source.root
    for step in pointer:
        assert place is not None
        place = place.get(step)
    assert place is not None, "the pointer was found in this source"
    return place


def _plant(source: Source, pointer: Pointer, tree: Tree, like: Place) -> Any:
    if isinstance(tree, Place):
        source.grafts[pointer] = tree
        return tree.value
    if isinstance(tree, At):
        source.names[pointer] = tree.like
        return _plant(source, pointer, tree.tree, tree.like)
    source.marks[pointer] = like
    if isinstance(tree, str):
        return tree
    if isinstance(tree, Mapping):
        return {name: _plant(source, (*pointer, name), inner, like) for name, inner in tree.items()}
    if isinstance(tree, Sequence):
        return [_plant(source, (*pointer, index), inner, like) for index, inner in enumerate(tree)]
    return tree


def read_source(path: Path, name: str, faults: Faults) -> Source:
    """Read one file. `name` is what faults call it.

    Faults that leave a readable rest (a doubled name) are added to `faults`; raises DocumentError for the others.
    """
    start = Mark(name, 1, 1, "")
    try:
        text = path.read_bytes().decode("utf-8-sig")  # not read_text: line ends stay as they are
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            message = f"The file is not UTF-8: byte {error.start} is none of it. Save it as UTF-8."
            raise DocumentError([Fault(start, "unreadable", message)]) from None
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise DocumentError([Fault(start, "unreadable", f"The file can't be read: {reason}.")]) from None
    reader = _Reader(name, text, faults)
    value = reader.read()
    return Source(path, name, reader.text, value, reader.marks, reader.names)


class _Reader:
    """Turns composed YAML nodes into plain values, and notes the position of each."""

    def __init__(self, file: str, text: str, faults: Faults) -> None:
        self.marks: dict[Pointer, Position] = {}
        self.names: dict[Pointer, Position] = {}
        self._file = file
        self._text = text
        self._faults = faults
        self._json = file.endswith(".json")
        self._known: set[int] = set()
        self._aliased = 0

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self._file, self._text)

    @property
    def text(self) -> str:
        """Return the text that positions count in."""
        return self._text

    def _mark(self, index: int) -> Mark:
        return self._lines.mark(index)

    def _fatal(self, index: int, message: str) -> DocumentError:
        return DocumentError([Fault(self._mark(index), "syntax", message)])

    def read(self) -> Any:
        if self._json:
            self._check_json()
        text = _SURROGATES.sub(_join, self._text) if self._json else self._text
        self._text = text  # what marks count in; a line in which escapes were joined is shown with them joined
        try:
            self._check_depth(text)
            # The loader is a SafeLoader: it composes nodes and constructs no objects.
            loader = _Loader(text)
            try:
                node = loader.get_single_node()
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            place = error.problem_mark or error.context_mark
            message = f"This is not YAML: {error.problem or error.context}."
            raise self._fatal(place.index if place else 0, message) from None
        except yaml.reader.ReaderError as error:
            # libyaml counts bytes.
            index = len(text.encode()[: error.position].decode(errors="ignore"))
            message = "This is not YAML: it holds a character that YAML forbids."
            raise self._fatal(index, message) from None
        except (yaml.YAMLError, ValueError):
            message = "This is not YAML: it holds a character that YAML forbids."
            raise self._fatal(0, message) from None
        except RecursionError:
            raise self._fatal(0, "The document nests too deeply.") from None
        if node is None:
            raise self._fatal(0, "The document is empty.")
        return self._value(node, (), frozenset())

    def _check_json(self) -> None:
        try:
            json.loads(self._text)
        except json.JSONDecodeError as error:
            raise self._fatal(error.pos, f"This is not JSON: {error.msg}.") from None
        except (ValueError, RecursionError):
            raise self._fatal(0, "This is not JSON that can be read.") from None

    def _check_depth(self, text: str) -> None:
        """Refuse what nests so deeply that libyaml's composer, which recurses in C, would end the process."""
        if text.count("[") + text.count("{") < _SAFE_DEPTH and self._lines.longest < _SAFE_DEPTH:
            return  # each level takes a bracket or a column
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _MAX_DEPTH + 1:
                    mark = event.start_mark
                    assert mark is not None
                    raise self._fatal(mark.index, "The document nests too deeply.")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _value(self, node: yaml.Node, pointer: Pointer, parents: frozenset[int]) -> Any:
        mark = node.start_mark
        self.marks[pointer] = mark.index
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        own = id(node)
        if own in parents:
            raise self._fatal(mark.index, "This alias holds itself.")
        if len(pointer) > _MAX_DEPTH:
            raise self._fatal(mark.index, "The document nests too deeply.")
        if own in self._known:
            self._repeat(len(node.value), mark)
        self._known.add(own)
        inner = parents | {own}
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer, inner)
        assert isinstance(node, yaml.SequenceNode), "YAML has three kinds of nodes"
        return [self._value(item, (*pointer, index), inner) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, pointer: Pointer, parents: frozenset[int]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value, merged in self._pairs(node, parents):
            start = key.start_mark
            if not isinstance(key, yaml.ScalarNode):
                self._faults.add(self._mark(start.index), "syntax", "A member's name must be text.")
                continue
            name = str(key.value)
            here = (*pointer, name)
            if name in members:
                if not merged:
                    first = self.names[here]
                    assert isinstance(first, int)
                    message = f"{name!r} stands here twice; the first is in line {self._lines.number(first)}."
                    self._faults.add(self._mark(start.index), "duplicate-name", message)
                continue
            self.names[here] = start.index
            members[name] = self._value(value, here, parents)
        return members

    def _pairs(self, node: yaml.MappingNode, parents: frozenset[int]) -> list[tuple[yaml.Node, yaml.Node, bool]]:
        """Return a mapping's own members, then those that merge keys (`<<`) add.

        YAML 1.2 has no merge keys, but most of its readers kept them, and documents use them.
        """
        own = [pair for pair in node.value if not _is_merge(pair[0])]
        if len(own) == len(node.value):
            return [(key, value, False) for key, value in own]
        pairs = [(key, value, False) for key, value in own]
        for merge in node.value:
            if _is_merge(merge[0]):
                listed = merge[1].value if isinstance(merge[1], yaml.SequenceNode) else [merge[1]]
                for item in listed:
                    pairs += [(key, value, True) for key, value, _ in self._merged(item, parents)]
        return pairs

    def _merged(self, node: yaml.Node, parents: frozenset[int]) -> list[tuple[yaml.Node, yaml.Node, bool]]:
        mark = node.start_mark
        if id(node) in parents:
            raise self._fatal(mark.index, "This alias holds itself.")
        if not isinstance(node, yaml.MappingNode):
            self._faults.add(self._mark(mark.index), "syntax", "Only an object can be merged into another.")
            return []
        if len(parents) > _MAX_DEPTH:
            raise self._fatal(mark.index, "The document nests too deeply.")
        pairs = self._pairs(node, parents | {id(node)})
        self._repeat(len(pairs), mark)
        return pairs

    def _repeat(self, count: int, mark: Any) -> None:
        self._aliased += count
        if self._aliased > _MAX_ALIASED:
            raise self._fatal(mark.index, "The document's aliases make it too large.")

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = str(node.value)
        mark = node.start_mark
        tagged = not self._json and self._text[mark.index : mark.index + 1] == "!"
        plain = node.style in (None, "")
        if tagged and node.tag == "tag:yaml.org,2002:str":
            return text
        if tagged and not str(node.tag).startswith("tag:yaml.org,2002:"):
            self._faults.add(self._mark(mark.index), "syntax", f"The tag {node.tag!r} is not known.")
            return text
        if not plain and not tagged:
            return text
        return self._plain(text, mark)

    def _plain(self, text: str, mark: Any) -> Any:
        value = plain(text)
        if value is NotImplemented:
            self._faults.add(self._mark(mark.index), "syntax", "JSON has no such number.")
            return None
        return value


def _is_merge(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.style in (None, "")


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
