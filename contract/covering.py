"""Covering: counts what of a document was met, and says why the rest wasn't. It sends nothing and judges nothing."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, Final, Literal, TypeAlias

from contract.model import Coverage, Data, Tally
from contract.spec import Channel, Message, Schema, Spec, Way

Kind: TypeAlias = Literal["operations", "sent", "received", "keywords", "errors", "closes"]
"""What is counted: the members of `contract.model.Coverage`."""

KINDS: Final[Mapping[Kind, str]] = {
    "operations": "operations",
    "sent": "messages sent",
    "received": "messages received",
    "keywords": "schema keywords, each side of the boundary",
    "errors": "error codes",
    "closes": "close codes",
}
"""The kinds in the order of telling, and what they are called."""

KEYWORDS: Final = frozenset(
    {
        *("type", "enum", "const", "not", "oneOf", "anyOf", "if"),
        *("minLength", "maxLength", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minItems", "maxItems", "uniqueItems", "contains", "additionalItems"),
        *("required", "minProperties", "maxProperties", "additionalProperties", "propertyNames", "dependencies"),
    }
)
"""The keywords of a schema that a value can break; those that only hold other schemas are none."""

_OF_MEMBERS: Final = frozenset({"required", "additionalProperties", "propertyNames", "dependencies", "contains"})
_MOST_STARS: Final = 3
_WITHOUT_BOUNDARY: Final = frozenset(
    {
        "type",
        "const",
        "required",
        "additionalProperties",
        "propertyNames",
        "dependencies",
        "not",
        "oneOf",
        "anyOf",
        "if",
    }
)
_DEEPEST: Final = 8
_PATIENCE: Final = 300  # frames of a message that hold nothing new, before they are looked into no more

_FALLBACK: Final[Mapping[Kind, str]] = {
    "operations": "no case sent it: its phases weren't run, or the time was over",
    "sent": "no case sent it: its phases weren't run, or the time was over",
    "received": "it didn't come",
    "keywords": "no case came to it: what breaks it breaks more, its phases weren't run, or the time was over",
    "errors": "nothing that was sent provoked it",
    "closes": "nothing that was done provoked it",
}
_CLOSES: Final[Mapping[int, str]] = {
    1000: "the server never ended a connection in the normal way",
    1001: "the server says so when it stops, or when a client goes away",
    1002: "only a client that breaks the WebSocket protocol gets it, as the phase `limits` does",
    1007: "only text that is no UTF-8 gets it, as the phase `limits` sends it",
    1011: "only a failure of the server gets it",
    1012: "the server says so when it restarts",
    1013: "only a server under too much load says so",
}


def keyword_name(path: Iterable[str | int], keyword: str) -> str:
    """Return how a keyword at a place of a payload is counted: `/orders/*/price minimum`. `*` is any item or member."""
    return "".join("/*" if isinstance(part, int) else f"/{_escape(part)}" for part in path) + f" {keyword}"


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


class Covering:
    """The counts of one run. `coverage` has every member of the document from the beginning, with 0."""

    def __init__(self, spec: Spec) -> None:
        self.coverage = Coverage()
        self._ways: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {}
        self._places: dict[str, str] = {}
        self._unheld: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._in_vain: defaultdict[str, int] = defaultdict(int)
        self._called: defaultdict[str, list[tuple[Kind, str]]] = defaultdict(list)
        for channel in spec.channels:
            self._add_channel(channel)
        errors = spec.errors if spec.errors is not None else _enumerated(spec)
        for code, text in errors.items():
            self._add("errors", code, _FALLBACK["errors"] + (f" ({text})" if text else ""))
        for close, text in (spec.closes or {}).items():
            reason = _CLOSES.get(close, _FALLBACK["closes"])
            self._add("closes", str(close), reason + (f" ({text})" if text else ""))

    def _add_channel(self, channel: Channel) -> None:
        for operation in channel.operations:
            self._add("operations", f"{channel.id}/{operation.id}", _FALLBACK["operations"], operation.id)
        led_to = {message.key for operation in channel.operations for message in operation.messages}
        for message in channel.sent:
            name = f"{channel.id}/{message.key}"
            known = message.key in led_to
            self._add("sent", name, _FALLBACK["sent"] if known else "no operation sends it", *_names(message))
            for keyword in dict.fromkeys(_keywords(message)):
                pointer, _, word = keyword.partition(" ")
                if word in _WITHOUT_BOUNDARY:
                    self._unheld[name][pointer].append(f"{name}#{keyword} valid")
                for side in ("valid", "invalid"):
                    self._add("keywords", f"{name}#{keyword} {side}", _FALLBACK["keywords"])
        askers: defaultdict[str, list[str]] = defaultdict(list)
        for operation in channel.operations:
            for message in operation.replies:
                askers[message.key].append(operation.id)
        pushed = {message.key for message in channel.pushed}
        for message in channel.received:
            self._add(
                "received", f"{channel.id}/{message.key}", _why(message, askers[message.key], pushed), *_names(message)
            )
            if message.code_ways:
                self._ways[channel.id, message.key] = message.code_ways

    def _add(self, kind: Kind, name: str, reason: str, *called: str) -> None:
        tally = _tally(self.coverage, kind)
        tally.counts.setdefault(name, 0)
        tally.reasons.setdefault(name, reason)
        for other in dict.fromkeys((name, *called)):
            self._called[other].append((kind, name))

    def sent(
        self,
        channel: str,
        operation: str | None,
        message: str | None,
        keywords: Iterable[str] = (),
        good: bool = True,
        data: Data | None = None,
    ) -> None:
        """Count a frame that was sent. `keywords` are what it is for, as `keyword_name` gives them, on the `good` side.

        A frame that isn't good is neither its operation nor its message: only its keywords count. With its `data`
        a good frame also counts for each keyword without a boundary (`type`, `const`, `required`, ...) at the places
        that it has.
        """
        if message is None:
            return
        name = f"{channel}/{message}"
        if good:
            counts = self.coverage.sent.counts
            counts[name] = counts.get(name, 0) + 1
            if operation is not None:
                counts, key = self.coverage.operations.counts, f"{channel}/{operation}"
                counts[key] = counts.get(key, 0) + 1
        for keyword in keywords:
            counts, key = self.coverage.keywords.counts, f"{name}#{keyword} {'valid' if good else 'invalid'}"
            if key not in counts:
                found = self._places.get(key)
                key = self._place(key) if found is None else found
            if key:
                counts[key] += 1
        if good and name in self._unheld and isinstance(data, str):
            self._hold(name, data)

    def _hold(self, name: str, data: str) -> None:
        """Count the keywords that a good frame keeps just by having a place; each once, and in vain a while at most."""
        unheld = self._unheld[name]
        try:
            value = json.loads(data)
        except ValueError:
            return
        counts = self.coverage.keywords.counts
        held = [key for pointer in _pointers(value, "") for key in unheld.pop(pointer, ())]
        for key in held:
            counts[key] = max(counts[key], 1)
        self._in_vain[name] = 0 if held else self._in_vain[name] + 1
        if not unheld or self._in_vain[name] >= _PATIENCE:
            del self._unheld[name]

    def _place(self, key: str) -> str:
        """Return under which name a keyword is counted: `*` for a member of any name, an object for its members' names.

        A case for `required` or `additionalProperties` may point at the member that is missing or too many.
        """
        front, _, rest = key.partition("#")
        pointer, _, keyword = rest.partition(" ")
        parts = pointer.split("/")[1:]
        shortest = len(parts) - 1 if keyword.split(" ")[0] in _OF_MEMBERS else len(parts)
        for length in range(len(parts), max(shortest, 0) - 1, -1):
            for count in range(min(length, _MOST_STARS) + 1):
                for places in combinations(range(length), count):
                    name = "".join(f"/{'*' if index in places else parts[index]}" for index in range(length))
                    found = f"{front}#{name} {keyword}"
                    if found in self.coverage.keywords.counts:
                        self._places[key] = found
                        return found
        self._places[key] = ""  # the schema asks nothing there
        return ""

    def received(self, channel: str, message: str | None, value: Any = None) -> None:
        """Count a frame that came. `value` is its JSON; the codes of an error are read from it."""
        if message is None:
            return
        counts, name = self.coverage.received.counts, f"{channel}/{message}"
        counts[name] = counts.get(name, 0) + 1
        for way in self._ways.get((channel, message), ()):
            found = value
            for part in way:
                found = found.get(part) if isinstance(found, dict) else None
            if isinstance(found, (str, int)) and str(found) in self.coverage.errors.counts:
                self.coverage.errors.counts[str(found)] += 1

    def closed(self, code: int | None) -> None:
        """Count a close of the server. A code that the document doesn't have is a finding, and isn't counted here."""
        if str(code) in self.coverage.closes.counts:
            self.coverage.closes.counts[str(code)] += 1

    def reason(self, kind: Kind, name: str, text: str) -> None:
        """Say why a member can't be met; told only of what wasn't."""
        _tally(self.coverage, kind).reasons[name] = text

    def given_up(self, channel: str, message: str | None, text: str, *, good: bool) -> None:
        """Say why the keywords of a message that weren't met so far weren't, on one side."""
        side = "valid" if good else "invalid"
        for name, count in self.coverage.keywords.counts.items():
            if not count and name.startswith(f"{channel}/{message}#") and name.endswith(f" {side}"):
                self.reason("keywords", name, text)

    def excuse(self, name: str, text: str) -> bool:
        """Say why what is called so can't be met, of whatever kind. Returns whether anything is called so.

        A name is an operation's, a message's (its key, title or tag), an error code or a close code; `channel/` may
        stand before an operation and a message's key.
        """
        called = self._called.get(name, [])
        for kind, member in called:
            self.reason(kind, member, text)
        return bool(called)


def unreached(coverage: Coverage) -> list[tuple[Kind, str, str]]:
    """Return what was never met: kind, name and reason, in the order of `KINDS` and of the document."""
    return [
        (kind, name, tally.reasons.get(name) or _FALLBACK[kind])
        for kind in KINDS
        for tally in [_tally(coverage, kind)]
        for name, count in tally.counts.items()
        if not count
    ]


def _tally(coverage: Coverage, kind: Kind) -> Tally:
    tally: Tally = getattr(coverage, kind)
    return tally


def tallies(coverage: Coverage) -> Iterator[tuple[Kind, str, Tally]]:
    """Yield each kind with what it is called and its tally."""
    for kind, label in KINDS.items():
        yield kind, label, _tally(coverage, kind)


def _pointers(value: Any, pointer: str) -> Iterator[str]:
    """Yield the places of a value, as `keyword_name` names them; a member also as one of any name."""
    yield pointer
    if pointer.count("/") > _DEEPEST:  # each member is told by two names
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _pointers(inner, f"{pointer}/{_escape(name)}")
            yield from _pointers(inner, f"{pointer}/*")
    elif isinstance(value, list):
        for inner in value[:8]:
            yield from _pointers(inner, f"{pointer}/*")


def _names(message: Message) -> tuple[str, ...]:
    return message.key, message.title, *message.tags.values()


def _why(message: Message, askers: list[str], pushed: set[str]) -> str:
    if askers:
        return f"it answers {', '.join(askers)}: no such answer came"
    if message.is_error:
        return "nothing that was sent provoked it"
    if message.key in pushed:
        return "pushed by the server alone: none came"
    return "no operation leads to it"


def _keywords(message: Message) -> Iterator[str]:
    if message.form != "json":
        return
    definitions = message.schema.value["definitions"]
    seen: set[tuple[tuple[str | int, ...], str]] = set()
    for path, keyword in _walk(message.schema.value, definitions, (), frozenset()):
        if (path, keyword) not in seen:
            seen.add((path, keyword))
            yield keyword_name(path, keyword)


def _asserts(keyword: str, value: Any) -> bool:
    """Tell whether a keyword asks for anything: `minLength: 0`, `required: []`, `additionalProperties: true` don't."""
    if keyword.startswith("min") and keyword != "minimum":
        return bool(value != 0)
    if keyword == "uniqueItems":
        return value is True
    return value is not True and value not in ({}, [])


def _walk(
    schema: Any, definitions: Mapping[str, Any], path: tuple[str | int, ...], above: frozenset[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the keywords at each place of a payload; a schema that holds itself is gone into once."""
    if not isinstance(schema, dict):
        return
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        if name not in above:
            yield from _walk(definitions.get(name), definitions, path, above | {name})
        return
    for keyword in schema:
        if keyword in KEYWORDS and _asserts(keyword, schema[keyword]):
            yield path, keyword
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword, ()):
            yield from _walk(part, definitions, path, above)
    for keyword in ("then", "else"):
        yield from _walk(schema.get(keyword), definitions, path, above)
    for name, part in schema.get("properties", {}).items():
        yield from _walk(part, definitions, (*path, name), above)
    for part in (*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")):
        yield from _walk(part, definitions, (*path, 0), above)
    items = schema.get("items")
    for part in items if isinstance(items, list) else [items]:
        yield from _walk(part, definitions, (*path, 0), above)


def _enumerated(spec: Spec) -> dict[str, str]:
    """Return the codes that the schemas of the errors list, of a document that lists them nowhere else."""
    codes: dict[str, str] = {}
    for channel in spec.channels:
        for message in channel.received:
            for way in message.code_ways:
                codes.update(dict.fromkeys(_values(message.schema, way), ""))
    return codes


def _values(schema: Schema, way: Way) -> Iterator[str]:
    for part in schema.parts_at(way):
        for value in (*part.get("enum", ()), *([part["const"]] if "const" in part else ())):
            if isinstance(value, (str, int)):
                yield str(value)
