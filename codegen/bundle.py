"""Bundle: the document as one file, for a server to show. What lies in other files moves into `components`."""

from collections.abc import Mapping
from typing import Any

import yaml

from codegen.document import Document, Place, Source, plain
from codegen.naming import words

_SECTIONS: Mapping[str, str] = {
    "channel": "channels",
    "channel-bindings": "channelBindings",
    "correlation-id": "correlationIds",
    "external-docs": "externalDocs",
    "message": "messages",
    "message-trait": "messageTraits",
    "operation": "operations",
    "operation-trait": "operationTraits",
    "parameter": "parameters",
    "reply": "replies",
    "reply-address": "replyAddresses",
    "schema": "schemas",
    "security-scheme": "securitySchemes",
    "server": "servers",
    "server-variable": "serverVariables",
    "tag": "tags",
    **dict.fromkeys(
        (
            *("stream", "stream-request", "stream-message", "stream-start", "stream-name", "stream-resume"),
            *("stream-gap", "stream-refresh"),
        ),
        "x-streams",
    ),
}
"""Where in `components` an object of a shape belongs."""


def bundle(document: Document) -> tuple[Any, str]:
    """Return the document, as it is written, as a JSON value and as YAML text, without references to other files.

    The text of a document that is one YAML file is the file's own.
    """
    value = _Bundler(document, document.shapes).run()
    if len(document.files) == 1 and not document.main.name.endswith(".json"):
        return value, document.main.text
    return value, yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Bundler:
    def __init__(self, document: Document, shapes: Mapping[Place, str]) -> None:
        self._document = document
        self._shapes = shapes
        self._main: Source = document.main
        self._moved: dict[Place, str] = {}
        components = document.main.root.get("components")
        self._taken = {
            (section.key, item.key)
            for section in (components.children() if components else ())
            for item in section.children()
        }
        self._added: dict[str, dict[str, Any]] = {}

    def run(self) -> Any:
        value = self._copy(self._main.root)
        for section, items in self._added.items():
            value.setdefault("components", {}).setdefault(section, {}).update(items)
        return value

    def _copy(self, place: Place) -> Any:
        reference = place.get("$ref")
        if reference is not None and place in self._document.references:
            target = self._document.target(place)
            assert target is not None, "the structure was checked before"
            local = place.source is self._main and target.source is self._main
            moved = {"$ref": reference.value} if local else self._moved_to(target)
            beside = {child.key: self._copy(child) for child in place.children() if child.key != "$ref"}
            return {**moved, **beside}
        if isinstance(place.value, dict):
            return {child.key: self._copy(child) for child in place.children()}
        if isinstance(place.value, list):
            return [self._copy(child) for child in place.children()]
        return place.value

    def _moved_to(self, target: Place) -> dict[str, str]:
        if target.source is self._main:
            return {"$ref": "#" + "".join(f"/{_escape(step)}" for step in target.pointer)}
        if target not in self._moved:
            section = _SECTIONS[self._shapes[target]]
            name = wanted = target.key or "_".join(words(target.source.path.stem))
            count = 1
            while (section, name) in self._taken:
                count += 1
                name = f"{wanted}{count}"
            self._taken.add((section, name))
            self._moved[target] = f"#/components/{section}/{_escape(name)}"
            self._added.setdefault(section, {})[name] = None  # keeps its place, and ends a recursion
            self._added[section][name] = self._copy(target)
        return {"$ref": self._moved[target]}


def _escape(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


class _Dumper(yaml.SafeDumper):
    """Writes YAML that 1.2 readers understand as it was meant."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return that nothing is shared: each reference is a `$ref`."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None if isinstance(plain(value), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
