"""Breaking: messages of which exactly one thing doesn't fit the schema, and frames that are no message at all.

What is broken is told in words. Nothing is broken by its `format` alone, on which servers differ. It knows nothing of
operations and of what a server answers.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

from contract.drawing import seeds
from contract.forms import NEVER, Form, Node, frozen, is_whole, kind_of
from contract.places import Case, Pointer, Site, plain_maker, sites
from contract.texts import sized
from contract.values import EXTRAS, Maker, Unmakeable
from contract.ways import at, put, way_text

__all__ = ["Case", "breakages", "generate_breakages", "malformed", "random_breakage"]

_WIDE: Final = "\U0001f600"
_LONGEST = 1_000_000
_MOST_ITEMS = 5000
_OTHERS: Final[Mapping[str, tuple[Any, ...]]] = {
    "string": ("abc",),
    "integer": (1,),
    "null": (None,),
    "boolean": (True,),
    "array": ([],),
    "object": ({},),
    "number": (1.5,),
}
"""A value of each kind, for where another is wanted."""
_LIKELY: Final[Mapping[tuple[str, str], tuple[Any, ...]]] = {
    ("string", "integer"): ("1", ""),
    ("string", "number"): ("1.5", ""),
    ("string", "boolean"): ("true", ""),
    ("string", "null"): ("null", ""),
    ("string", "array"): ("",),
    ("string", "object"): ("", "{}"),
    ("integer", "boolean"): (0,),
    ("integer", "null"): (0,),
    ("boolean", "null"): (False,),
    ("boolean", "integer"): (False,),
}
"""Values of one kind, by the kind that is wanted, that a careless server takes for it."""
_CALLED: Final[Mapping[str, str]] = {
    "null": "null",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number with a fraction",
    "string": "a string",
    "array": "a list",
    "object": "an object",
}
_TRIES = 60
_Broken = tuple[Any, Pointer, str, str]
"""A value to put at a place, where within it the broken thing is, the keyword that it breaks, and what is told."""


def breakages(
    schema: Mapping[str, Any], keep: frozenset[str] = frozenset(), examples: Sequence[Any] = ()
) -> Iterator[Case]:
    """Yield messages of which exactly one thing is broken; no two are equal.

    `keep` names the members at the top that tell which message this is: they stay, but for cases of their own, told as
    "tag ...". `examples` are good messages: what isn't broken is as in the first that has it.
    """
    maker = plain_maker(schema)
    found: dict[Any, Case] = {}
    also: dict[Any, dict[tuple[Pointer, str], None]] = {}
    for site in sites(maker, examples):
        for broken in _breaks(maker, site.node, site.form, site.kind, site.value):
            case = _case(maker, site, broken, keep)
            if case is None:
                continue
            key = frozen(case.value)
            first = found.setdefault(key, case)
            if (case.pointer, case.keyword) != (first.pointer, first.keyword):
                also.setdefault(key, {})[case.pointer, case.keyword] = None
    for key, case in found.items():
        yield replace(case, also=tuple(also.get(key, ())))


def random_breakage(schema: Mapping[str, Any], keep: frozenset[str] = frozenset()) -> st.SearchStrategy[Case]:
    """Return a strategy of generated messages with one thing broken at some place, but for the members in `keep`.

    Raises contract.values.Unmakeable, when drawn from, where nothing is found that could be broken.
    """
    source = _Source(schema, keep)
    return seeds().map(source.case)


def generate_breakages(schema: Mapping[str, Any], seed: int, keep: frozenset[str] = frozenset()) -> Iterator[Case]:
    """Yield what `random_breakage` draws, without end and without Hypothesis, the same for the same seed.

    Raises contract.values.Unmakeable.
    """
    source = _Source(schema, keep)
    random = Random(seed)
    while True:
        yield source.case(random)


class _Source:
    def __init__(self, schema: Mapping[str, Any], keep: frozenset[str]) -> None:
        self._maker = Maker(schema)
        self._plain = self._maker.plainly
        self._keep = keep

    def case(self, random: Random) -> Case:
        judge = self._maker.forms.validator
        for _ in range(_TRIES):
            whole = self._maker.value(random)
            if not judge.is_valid(whole):
                continue
            for _ in range(4):
                site = self._somewhere(whole, random)
                if site is None or (site.pointer[:1] and site.pointer[0] in self._keep):
                    continue
                every = list(_breaks(self._plain, site.node, site.form, site.kind, site.value))
                random.shuffle(every)
                for broken in every[:6]:
                    case = _case(self._maker, site, broken, self._keep)
                    if case is not None and not case.what.startswith("tag"):
                        return case
        raise Unmakeable("nothing is found that could be broken")

    def _somewhere(self, whole: Any, random: Random) -> Site | None:
        """Return a place of a message, picked at random."""
        node, value = self._maker.forms.root, whole
        pointer: Pointer = ()
        while True:
            fitting = [form for form in node.forms if form.fits(value)]
            if not fitting:
                return None
            form = random.choice(fitting)
            parts: list[str | int] = []
            if form.values is None and isinstance(value, dict):
                parts = list(value)
            elif form.values is None and isinstance(value, list):
                parts = list(range(len(value)))
            if not parts or random.random() < (0.15 if pointer else 0.1):
                return Site(pointer, node, form, kind_of(value), value, partial(put, whole, pointer))
            part = random.choice(parts)
            node = form.member(part) if isinstance(part, str) else form.item(part)
            pointer, value = (*pointer, part), at(value, (part,))


def _case(maker: Maker, site: Site, broken: _Broken, keep: frozenset[str]) -> Case | None:
    """Return a whole message with something broken; None where that doesn't break it, or more than that."""
    value, way, keyword, told = broken
    whole = site.put(value)
    pointer = (*site.pointer, *way)
    is_tag = bool(pointer) and pointer[0] in keep
    if keep and not is_tag:
        if not isinstance(whole, dict):
            return None  # a frame that is no message at all: `malformed` has those
        good = site.put(site.value)
        if any(name in good and (name not in whole or not _same(whole[name], good[name])) for name in keep):
            return None
    judge = maker.forms.validator
    if judge.is_valid(whole):
        return None
    for error in judge.iter_errors(whole):
        path = tuple(error.instance_path)
        shorter = min(len(path), len(pointer))
        if path[:shorter] != pointer[:shorter]:
            return None
    return Case(
        whole,
        pointer,
        keyword,
        f"{'tag ' if is_tag else ''}{way_text(pointer, 'the message')}: {told}",
        valid=False,
        good=site.put(site.value),
    )


def _same(one: Any, other: Any) -> bool:
    return bool(frozen(one) == frozen(other))


def _breaks(maker: Maker, node: Node, form: Form, kind: str, value: Any) -> Iterator[_Broken]:
    """Yield what could be put at a place instead of a good value, so that it breaks a keyword of a form."""
    yield from _types(node, form, value)
    if form.values is not None:
        yield from _values(form)
    elif kind in ("integer", "number"):
        yield from _numbers(form, kind)
    elif kind == "string":
        yield from _strings(form, value)
    elif kind == "array":
        yield from _arrays(maker, form, value)
    elif kind == "object":
        yield from _objects(maker, form, value)
    yield from _denied(maker, form)


def _types(node: Node, form: Form, good: Any) -> Iterator[_Broken]:
    wanted = frozenset().union(*(other.kinds for other in node.forms))
    union = next((name for name in ("oneOf", "anyOf", "if", "not") if name in form.keywords), None)
    keyword: str = "type" if form.is_typed or union is None else union
    if form.values is not None and not form.is_typed:
        keyword = "const" if "const" in form.keywords else "enum"
    named = " or ".join(_CALLED[kind] for kind in sorted(wanted) if kind != "number" or "integer" not in wanted)
    named = named.replace("an integer", "a number") if "number" in wanted else named
    for kind, plain in _OTHERS.items():
        if kind in wanted:
            continue
        likely = [value for other in sorted(wanted) for value in _LIKELY.get((kind, other), ())]
        if kind == "array":
            likely = [[good]]
        for value in (*plain, *likely):
            yield value, (), keyword, f"{_CALLED[kind]} ({_short(value)}) where {named} is wanted"
    if len(node.forms) > 1 and union is not None:
        # Of a kind that some branch takes, and yet as no branch has it.
        for kind in sorted(wanted):
            yield from ((value, (), union, f"fits nothing of {union}: {_short(value)}") for value in _OTHERS[kind])


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."


def _values(form: Form) -> Iterator[_Broken]:
    keyword = "const" if "const" in form.keywords else "enum"
    for value in (form.values or ())[:6]:
        near: list[Any] = []
        if isinstance(value, str):
            near = [value.upper(), value.lower(), value.capitalize(), f"{value} ", f" {value}", f"{value}x", value[:-1]]
            near += [f"{value}\n", f"{value}\x00", ""]
        elif isinstance(value, bool):
            near = [not value]
        elif isinstance(value, (int, float)):
            near = [value + 1, value - 1, -value, str(value)]
        elif isinstance(value, list):
            near = [[*value, None], value[1:]]
        elif isinstance(value, dict):
            near = [{**value, "x-unknown": None}, {}]
        for item in near:
            yield item, (), keyword, f"{_short(item)}, which is near {_short(value)} but not in {keyword}"
    yield "x-unknown", (), keyword, f'"x-unknown", which is not in {keyword}'


def _numbers(form: Form, kind: str) -> Iterator[_Broken]:
    if form.low is not None:
        keyword = "exclusiveMinimum" if form.low_open else "minimum"
        yield from _beyond(form.low, -1, kind, keyword, exclusive=form.low_open)
    if form.high is not None:
        keyword = "exclusiveMaximum" if form.high_open else "maximum"
        yield from _beyond(form.high, 1, kind, keyword, exclusive=form.high_open)
    for step in form.multiples:
        for factor in (0.5, 0.1, 1.5, 1.1):
            value = step * factor
            for start in (0, form.low or 0, form.high or 0):
                for found in (start + value, start - value):
                    if kind == "integer" and not is_whole(found):
                        continue
                    found = int(found) if kind == "integer" else found
                    yield found, (), "multipleOf", f"{found!r} is no multiple of {step}"
        if kind == "integer":
            yield 1 + step, (), "multipleOf", f"{1 + step!r} is no multiple of {step}"
    for item in form.excluded:
        yield item, (), "not", f"{_short(item)}, which `not` rules out"


def _beyond(bound: int | float, sign: int, kind: str, keyword: str, *, exclusive: bool) -> Iterator[_Broken]:
    side = "below" if sign < 0 else "above"
    whole = math.floor(bound) if sign < 0 else math.ceil(bound)
    if exclusive:
        yield bound, (), keyword, f"{bound!r}, the bound itself of {keyword}"
    if kind == "integer":
        near = whole if whole != bound else whole + sign
        near_values: tuple[int | float, ...] = (near, near + sign * 1000, sign * (abs(near) * 10 + 1_000_000_007))
    else:
        near_values = (
            bound + sign,
            math.nextafter(float(bound), sign * math.inf),
            bound + sign * 0.5,
            bound + sign * 1e9,
        )
    for value in near_values:
        yield value, (), keyword, f"{value!r} is {side} {keyword} {bound}"


def _strings(form: Form, value: str) -> Iterator[_Broken]:
    patterns = form.node.all.patterns

    def of_size(size: int) -> Iterator[str]:
        if form.patterns:
            yield from patterns.sized(tuple(form.patterns), size, size)[:1]
        else:
            yield sized(value, size, size)
            yield "a" * size
            yield _WIDE * size

    if form.min_length > 0 and form.min_length <= _LONGEST:
        for size in dict.fromkeys((form.min_length - 1, 0)):
            told = f"{size} characters, shorter than minLength {form.min_length}"
            yield from ((text, (), "minLength", told) for text in of_size(size))
    if form.max_length is not None and form.max_length < _LONGEST:
        for size in dict.fromkeys((form.max_length + 1, form.max_length * 2 + 10)):
            told = f"{size} characters, longer than maxLength {form.max_length}"
            yield from ((text, (), "maxLength", told) for text in of_size(size))
    for pattern in form.patterns:
        near = [
            f"{value}!",
            f" {value}",
            f"{value} ",
            value.swapcase(),
            value[:-1],
            value[1:],
            f"{value}\n",
            "!",
            "é",
            "",
        ]
        near += [f"{value[:-1]}!", f"!{value[1:]}", sized("!", max(1, form.min_length), form.max_length), "0", "a" * 64]
        for text in dict.fromkeys(near):
            if len(text) < form.min_length or (form.max_length is not None and len(text) > form.max_length):
                continue
            if not patterns.matches(pattern, text):
                yield text, (), "pattern", f"{_short(text)} doesn't match {pattern}"
    for item in form.excluded:
        yield item, (), "not", f"{_short(item)}, which `not` rules out"


def _arrays(maker: Maker, form: Form, value: list[Any]) -> Iterator[_Broken]:
    if form.min_items > 0:
        for size in dict.fromkeys((form.min_items - 1, 0)):
            yield value[:size], (), "minItems", f"{size} items, fewer than minItems {form.min_items}"
    most = form.most_items
    if most is not None and most <= _MOST_ITEMS:
        keyword = "maxItems" if form.max_items == most else "additionalItems"
        more = _longer(maker, form, value, most + 1)
        if more is not None:
            yield more, (), keyword, f"{most + 1} items, more than {keyword} allows"
    if form.unique:
        first = value[:1] or (_longer(maker, form, value, 1) or [])[:1]
        if first and (most is None or most >= 2):
            rest = value[1:] if most is None or len(value) < most else value[2:]
            yield [*first, *first, *rest], (), "uniqueItems", "an item that is there twice"
            if kind_of(first[0]) == "integer":
                yield [first[0], float(first[0]), *rest], (), "uniqueItems", "an item twice, once as a decimal"
    if form.contains:
        yield [], (), "contains", "an empty list, where an item is wanted"
        for index in range(len(form.contains)):
            wanted = form.node.all.node([form.contains[index]])
            rest = [item for item in value if not wanted.fits(item)]
            yield rest, (), "contains", "without the item that is wanted"
            other = form.node.all.node([form.node.all.denied(form.contains[index]), *form.item(0).fragments])
            try:
                item = maker.of(other, Random(0))
            except Unmakeable:
                continue
            yield [item] * max(1, form.min_items), (), "contains", "only items that aren't what is wanted"


def _longer(maker: Maker, form: Form, value: list[Any], size: int) -> list[Any] | None:
    """Return a list of so many items, each of which fits its place as far as the place can be filled."""
    found = list(value)
    random = Random(0)
    source = maker.lively if form.unique else maker
    seen = {frozen(item) for item in found}
    tries = 0
    while len(found) < size:
        node = form.item(len(found))
        tries += 1
        if tries > size + 200:
            return None
        if node.height >= NEVER:
            found.append("abc")
            continue
        if found and not form.unique and len(found) >= form.tuple_length + 1:
            found.append(found[-1])
            continue
        try:
            item = source.of(node, random)
        except Unmakeable:
            return None
        if form.unique and frozen(item) in seen:
            continue
        seen.add(frozen(item))
        found.append(item)
    return found


def _objects(maker: Maker, form: Form, value: dict[str, Any]) -> Iterator[_Broken]:
    for name in form.required:
        rest = {key: member for key, member in value.items() if key != name}
        yield rest, (name,), "required", "missing, though it is required"
    for name in form.named:
        # What may not be there at all: `false`, or what `not` and a condition leave out.
        if form.member(name).height >= NEVER:
            anything: tuple[Any, ...] = ("abc", 1, True, {})
            for member in anything:
                yield {**value, name: member}, (name,), "properties", "there, though it may not be"
    for name in dict.fromkeys((*EXTRAS, "a", "b", "more")):
        if name not in value and name not in form.named and form.member(name).height >= NEVER and form.name_fits(name):
            told = "unknown, though additionalProperties is false"
            yield {**value, name: "abc"}, (name,), "additionalProperties", told
            break
    if form.names:
        for name in ("", "x-unknown", "A B", "ÄÖ", "1", "__", "x" * 65, "a" * 300):
            if name not in value and not form.name_fits(name):
                node = form.node.all.node(form.member(name).fragments)
                try:
                    member = maker.of(node, Random(0))
                except Unmakeable:
                    continue
                told = f"a member called {_short(name)}, which propertyNames rules out"
                yield {**value, name: member}, (name,), "propertyNames", told
    yield from _counted(maker, form, value)
    yield from _dependent(maker, form, value)


def _counted(maker: Maker, form: Form, value: dict[str, Any]) -> Iterator[_Broken]:
    if form.min_properties > 0:
        names = [*form.required, *(name for name in value if name not in form.required)][: form.min_properties - 1]
        rest = {name: value[name] for name in names if name in value}
        yield rest, (), "minProperties", f"{len(rest)} members, fewer than minProperties {form.min_properties}"
    if form.max_properties is not None and form.max_properties < 500:
        more = dict(value)
        spare = maker.new_names(form, Random(0), form.max_properties + 1 - len(value), value)
        for name in (*form.optional, *spare):
            if len(more) > form.max_properties:
                break
            if name not in more and form.name_fits(name):
                try:
                    more[name] = maker.of(form.member(name), Random(0))
                except Unmakeable:
                    continue
        told = f"{len(more)} members, more than maxProperties {form.max_properties}"
        yield more, (), "maxProperties", told


def _dependent(maker: Maker, form: Form, value: dict[str, Any]) -> Iterator[_Broken]:
    for stated in form.fragments:
        for name, wanted in stated.get("dependencies", {}).items():
            node = form.member(name)
            if node.height >= NEVER:
                # A dependency of `false`: the member may not be there.
                yield {**value, name: "abc"}, (), "dependencies", f"{name}, which may not be there"
                continue
            try:
                member = value[name] if name in value else maker.of(node, Random(0))
            except Unmakeable:
                continue
            needed = wanted if isinstance(wanted, list) else wanted.get("required", []) if wanted else []
            whole = {**value, name: member}
            if not needed:
                yield whole, (), "dependencies", f"{name} without what depends on it"
            for other in needed:
                rest = {key: item for key, item in whole.items() if key != other}
                yield rest, (), "dependencies", f"{name} without {other}, which it needs"


def _denied(maker: Maker, form: Form) -> Iterator[_Broken]:
    """Yield values that fit but for a `not`, or that fit two branches of a `oneOf`."""
    for index, stated in enumerate(form.fragments):
        others = [item for at_, item in enumerate(form.fragments) if at_ != index]
        if "not" in stated:
            rest = form.node.all.without(stated, "not")
            node = form.node.all.node([*others, rest, stated["not"]])
            yield from _made(maker, node, "not", "what `not` rules out")
        branches = stated.get("oneOf", ())
        for first in range(min(len(branches), 6)):
            for second in range(first):
                rest = form.node.all.without(stated, "oneOf")
                node = form.node.all.node([rest, branches[first], branches[second]])
                yield from _made(maker, node, "oneOf", f"fits branches {second + 1} and {first + 1} of oneOf")
        if "if" in stated:
            rest = form.node.all.without(stated, "if")
            for one, other in (("then", False), ("else", True)):
                if one in stated:
                    denied = form.node.all.denied(stated["if"]) if other else stated["if"]
                    node = form.node.all.node([rest, denied, form.node.all.denied(stated[one])])
                    yield from _made(maker, node, "if", f"what `{one}` asks for doesn't hold")


def _made(maker: Maker, node: Node, keyword: str, told: str) -> Iterator[_Broken]:
    for random in (Random(0), Random(1)):
        try:
            yield maker.of(node, random), (), keyword, told
        except Unmakeable:
            return


def spoilt(text: str) -> Iterator[tuple[str, str]]:
    """Yield text frames that begin with a good message, the JSON `text`, or contain it, and are none themselves."""
    yield f"{text}}}", "a good message with a brace too many"
    yield f"{text} x", "a good message with a letter behind it"
    yield f"{text}\n{text}", "two good messages in one frame"
    yield f"{text},", "a good message with a comma behind it"
    yield f"[{text}]", "a good message in a list"
    yield json.dumps(text), "a good message as a string"
    yield text[:-1], "a good message without its last character"


def malformed(tag: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield text frames that are no message, each with what is wrong with it.

    `tag` is the member that names messages, if one does: then there are frames with a bad one.
    """
    yield "", "an empty frame"
    yield " \n\t", "only blanks"
    yield "hello", "no JSON"
    name = tag or "type"
    yield f'{{"{name}": "abc"', "JSON that ends too early"
    yield f'{{"{name}": "abc', "JSON that ends within a string"
    yield "[", "a list that doesn't end"
    yield f'{{"{name}": "abc",}}', "a comma at the end"
    yield "{'type': 'abc'}".replace("type", name), "single quotes"
    yield f'{{{name}: "abc"}}', "a name without quotes"
    yield f'{{"{name}": NaN}}', "NaN"
    yield f'{{"{name}": Infinity}}', "Infinity"
    yield f'{{"{name}": -Infinity}}', "-Infinity"
    yield f'{{"{name}": 01}}', "a number with a leading zero"
    yield f'{{"{name}": +1}}', "a number with a plus"
    yield f'{{"{name}": .5}}', "a number without a digit before its point"
    yield f'{{"{name}": 0x10}}', "a hexadecimal number"
    yield f'{{"{name}": undefined}}', "undefined"
    yield f'{{"{name}": True}}', "a word that is none of JSON's"
    yield f'{{"{name}": "a\nb"}}', "a line break within a string"
    yield f'{{"{name}": "\\x41"}}', "an escape that JSON doesn't have"
    yield f'{{"{name}": "\\ud83d"}}', "half a character"
    yield f'{{"{name}": "abc"}} // a comment', "a comment"
    yield f'/* a comment */ {{"{name}": "abc"}}', "a comment before it"
    yield f'{{"{name}": "abc"}} {{"{name}": "abc"}}', "two values"
    yield f'{{"{name}": "abc"}}]', "more than a value"
    yield f'{{"{name}" "abc"}}', "no colon"
    yield f'{{"{name}": "abc" "a": 1}}', "no comma"
    yield '"abc"', "a bare string"
    yield "1", "a bare number"
    yield "null", "a bare null"
    yield "true", "a bare true"
    yield "[]", "an empty list"
    yield f'[{{"{name}": "abc"}}]', "a list with an object"
    yield "[" * 1000 + "]" * 1000, "lists 1000 deep"
    yield f'{{"{name}": ' * 1000 + "1" + "}" * 1000, "objects 1000 deep"
    yield "1" * 5000, "a number of 5000 digits"
    yield f'{{"{name}": 1e999999}}', "a number too large for any"
    yield "<message/>", "XML"
    yield "{}", "an empty object"
    if tag is not None:
        quoted = json.dumps(tag)
        yield '{"x-unknown": 1}', "no tag"
        yield f'{{{quoted}: "x-unknown"}}', "an unknown tag"
        yield f'{{{quoted}: ""}}', "an empty tag"
        for value in ("null", "1", "true", "[]", "{}", '["abc"]', '{"a": 1}'):
            yield f"{{{quoted}: {value}}}", f"a tag that is {value}"
        yield f"{{{quoted}: {json.dumps('a' * 10_000)}}}", "a tag of 10000 characters"
        yield f'{{{quoted}: "__proto__"}}', "the tag __proto__"
        yield f'{{{quoted}: "constructor"}}', "the tag constructor"
        yield f'{{{json.dumps(tag.upper())}: "abc"}}', "the tag's name in capitals"
