"""Boundaries: messages that fit their schema just so: each keyword at its edge, each branch, each kind of string.

The same schema gives the same messages in the same order. It knows nothing of operations and servers.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from contract.forms import NEVER, Form, frozen, kind_of
from contract.places import Case, Pointer, Site, plain_maker, sites
from contract.texts import KINDS, of_format, sized
from contract.values import SAFE, Maker, Unmakeable, near_numbers, number_fits, text_fits
from contract.ways import way_text

__all__ = ["Case", "boundaries"]

_WIDE: Final = "\U0001f600"  # one character, four bytes
_LONGEST = 70_000  # a string of more characters isn't made
_MOST_ITEMS = 1100
_FREE_NUMBERS: Final[tuple[int | float, ...]] = (0, 1, -1, 2**31, -(2**31) - 1, SAFE, -SAFE, 0.5, -0.5, 0.1, 1e-7, 1e21)
_UNKNOWN: Final = ("x-unknown", "__proto__", "", "ключ", "a", "b1", "A", "ab1")
_MOST_UNKNOWN = 4
_CHOICES = ("anyOf", "oneOf", "if", "not", "dependencies", "allOf")


def boundaries(schema: Mapping[str, Any], examples: Sequence[Any] = ()) -> Iterator[Case]:
    """Yield messages that fit a schema which stands alone, each at some boundary; no two are equal.

    `examples` are good messages: what isn't at the boundary is as in the first that has it.
    """
    maker = plain_maker(schema)
    judge = maker.forms.validator
    found: dict[Any, Case] = {}
    also: dict[Any, dict[tuple[Pointer, str], None]] = {}
    for site in sites(maker, examples):
        for value, keyword, what in _at(maker, site):
            whole = site.put(value)
            key = frozen(whole)
            if key not in found:
                if not judge.is_valid(whole):
                    continue
                found[key] = Case(
                    whole, site.pointer, keyword, f"{way_text(site.pointer, 'the message')}: {what}", valid=True
                )
                also[key] = {}
            elif (site.pointer, keyword) != (found[key].pointer, found[key].keyword):
                also[key][site.pointer, keyword] = None
    for key, case in found.items():
        yield Case(case.value, case.pointer, case.keyword, case.what, valid=True, also=tuple(also[key]))


def _at(maker: Maker, site: Site) -> Iterator[tuple[Any, str, str]]:
    """Yield values for a place, each with the keyword at whose edge it is, and what is told of it."""
    form = site.form
    yield from _whole(site)
    if form.values is not None:
        keyword = "const" if "const" in form.keywords else "enum"
        yield from ((value, keyword, f"{keyword}: {_short(value)}") for value in form.values)
        return
    if site.kind in ("integer", "number"):
        yield from _numbers(form, site.kind)
    elif site.kind == "string":
        yield from _strings(form)
    elif site.kind == "array":
        yield from _arrays(maker, site)
    elif site.kind == "object":
        yield from _objects(maker, site)
    elif site.kind == "boolean":
        yield from ((value, "type", f"boolean: {_short(value)}") for value in (True, False))
    else:
        yield None, "type", "null"


def _whole(site: Site) -> Iterator[tuple[Any, str, str]]:
    node, form = site.node, site.form
    index = node.forms.index(form) + 1
    for keyword in _CHOICES:
        if keyword in form.keywords:
            one = f", form {index} of {len(node.forms)}" if len(node.forms) > 1 else ""
            yield site.value, keyword, f"{keyword}: {site.kind}{one}"
    if form.is_typed:
        yield site.value, "type", f"type: {site.kind}"


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _json(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _json(value: Any) -> str:
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else repr(value)


def _numbers(form: Form, kind: str) -> Iterator[tuple[Any, str, str]]:
    low, high = form.integers
    bounded = form.low is not None or form.high is not None or bool(form.multiples)
    for value in near_numbers(form, kind):
        if value == (low if kind == "integer" else form.low):
            keyword = "exclusiveMinimum" if form.low_open else "minimum"
            told = f"{keyword} {form.low}: {'just above' if form.low_open else 'exactly'} {value!r}"
        elif value == (high if kind == "integer" else form.high):
            keyword = "exclusiveMaximum" if form.high_open else "maximum"
            told = f"{keyword} {form.high}: {'just below' if form.high_open else 'exactly'} {value!r}"
        elif form.multiples:
            keyword, told = "multipleOf", f"multipleOf {form.multiples[0]}: {value!r}"
        elif bounded and value not in _FREE_NUMBERS:
            near_low = form.low is not None and abs(value - form.low) <= 1
            near_high = form.high is not None and abs(value - form.high) <= 1
            if not near_low and not near_high:
                continue
            keyword = (
                ("exclusiveMinimum" if form.low_open else "minimum")
                if near_low
                else ("exclusiveMaximum" if form.high_open else "maximum")
            )
            told = f"{keyword} {form.low if near_low else form.high}: next to it, {value!r}"
        elif value in _FREE_NUMBERS:
            keyword, told = "type", f"number: {value!r}"
        else:
            continue
        yield value, keyword, told
    for value in _FREE_NUMBERS:
        if not form.multiples and number_fits(form, value) and kind_of(value) == kind:
            # 1e21 is a whole number too, and a program may not read it as one.
            said = int(value) if kind == "integer" and abs(value) <= SAFE else value
            if kind == "number" or isinstance(said, int):
                yield said, "type", f"number: {said!r}"


def _strings(form: Form) -> Iterator[tuple[Any, str, str]]:
    patterns = form.node.all.patterns
    known = [name for name in form.formats if of_format(name, Random(0)) is not None]
    made: list[tuple[str, str, str]] = []
    for keyword, size in (("minLength", form.min_length), ("maxLength", form.max_length)):
        if keyword not in form.keywords or size is None or size > _LONGEST:
            continue
        for told, text in (("", "a" * size), (" of four bytes each", _WIDE * size)):
            made.append((text, keyword, f"{keyword} {size}: exactly {size} characters{told}"))
        if form.patterns:
            fitting = patterns.sized(tuple(form.patterns), size, size)[:1]
            made += [(text, keyword, f"{keyword} {size}: exactly {size} characters") for text in fitting]
    if known:
        random = Random(1)
        for name in known:
            texts = [text for text in (of_format(name, random) for _ in range(12)) if text is not None]
            yield from (
                (text, "format", f"format {name}: {_short(text)}")
                for text in list(dict.fromkeys(texts))[:4]
                if text_fits(form, text)
            )
        return
    yield from (item for item in made if text_fits(form, item[0]))
    if form.patterns:
        pool = patterns.sized(tuple(form.patterns), form.min_length, form.max_length)
        told = " and ".join(form.patterns)
        for text in dict.fromkeys((*pool[:3], *pool[-3:])):
            yield text, "pattern", f"pattern {told}: {_short(text)}"
    for told, text in KINDS:
        if text_fits(form, text):
            yield text, "type", f"string: {told}"
    if not form.patterns and form.max_length is None:
        yield sized("long ", 2000, None), "type", "string: 2000 characters"


def _arrays(maker: Maker, site: Site) -> Iterator[tuple[Any, str, str]]:
    form = site.form
    wanted: list[tuple[int, str, str]] = []
    if "minItems" in form.keywords:
        wanted.append((form.min_items, "minItems", f"minItems {form.min_items}: exactly"))
    most = form.most_items
    if most is not None and most <= _MOST_ITEMS:
        keyword = "maxItems" if form.max_items == most else "additionalItems"
        wanted.append((most, keyword, f"{keyword}: exactly {most} items"))
    wanted += [(0, "type", "list: empty"), (1, "items", "list: one item"), (3, "items", "list: three items")]
    if form.tuple_length:
        wanted.append((form.tuple_length, "items", "list: each named item"))
        wanted.append((form.tuple_length + 1, "additionalItems", "list: one item more than are named"))
    for size, keyword, told in wanted:
        if size < form.min_items or (most is not None and size > most):
            continue
        value = _like_array(maker, form, size)
        if value is not None and len(value) == size:
            yield value, keyword, told
            if form.contains and size:
                yield value, "contains", "contains: one item that fits"
            if form.unique and size > 1:
                yield value, "uniqueItems", f"uniqueItems: {size} different items"
    if not form.unique and (most is None or most >= 2) and not form.tuple_length and form.min_items <= 2:
        one = _like_array(maker, form, 1)
        if one:
            yield [*one, *one], "items", "list: the same item twice"


def _like_array(maker: Maker, form: Form, size: int) -> list[Any] | None:
    # What is plain is the same each time: items that must differ are made otherwise.
    for one in (maker, maker.lively) if not form.unique or size < 2 else (maker.lively,):
        try:
            value = one.like(form, "array", Random(size), size=size)
        except Unmakeable:
            continue
        return list(value)
    return None


def _objects(maker: Maker, site: Site) -> Iterator[tuple[Any, str, str]]:
    form = site.form
    names = form.optional

    def made(present: Any) -> dict[str, Any] | None:
        try:
            value = maker.like(form, "object", Random(0), present=present)
        except Unmakeable:
            return None
        # What stands there already may be an example's, and better than what is made.
        return {name: site.value.get(name, member) for name, member in value.items()}

    least = made(lambda _: False)
    if least is not None:
        yield least, "required", "object: every optional member absent" if names else "object: what it must have"
        if not least:
            yield least, "type", "object: empty"
    every = made(lambda _: True) if names else None
    if every is not None:
        yield every, "properties", "object: every optional member present"
    for name in names:
        if len(names) > 1:
            value = made(lambda other, name=name: other == name)
            if value is not None:
                yield value, "properties", f"object: of the optional members only {name}"
            value = made(lambda other, name=name: other != name)
            if value is not None:
                yield value, "properties", f"object: every optional member but {name}"
    yield from _counted(maker, site, made)
    yield from _unknown(maker, site)
    for name, wanted in form.dependencies.items():
        if name in names:
            value = made(lambda other, needed=(name, *wanted): other in needed)
            if value is not None:
                yield value, "dependencies", f"dependencies: {name} with {', '.join(wanted)}"


def _counted(maker: Maker, site: Site, made: Any) -> Iterator[tuple[Any, str, str]]:
    form = site.form
    for keyword, size in (("minProperties", form.min_properties), ("maxProperties", form.max_properties)):
        if keyword not in form.keywords or size is None or size > 200:
            continue
        free = max(0, size - len(form.required))
        some = set(form.optional[:free])
        value = made(lambda name, some=some: name in some)
        if value is None:
            continue
        for name in maker.new_names(form, Random(0), max(0, size - len(value)), value):
            try:
                value[name] = maker.of(form.member(name), Random(0))
            except Unmakeable:
                continue
        if len(value) == size:
            yield value, keyword, f"{keyword} {size}: exactly"


def _unknown(maker: Maker, site: Site) -> Iterator[tuple[Any, str, str]]:
    form = site.form
    if form.max_properties is not None and len(site.value) >= form.max_properties:
        return
    patterned = [name for pattern in form.name_patterns for name in form.node.all.patterns.pool(pattern)[:2]]
    count = 0
    for name in dict.fromkeys((*patterned, *_UNKNOWN)):
        if count == _MOST_UNKNOWN:
            break
        node = form.member(name)
        if name in site.value or name in form.named or not form.name_fits(name) or node.height >= NEVER:
            continue
        try:
            value = maker.of(node, Random(0))
        except Unmakeable:
            continue
        keyword = "patternProperties" if name in patterned else "additionalProperties"
        whole = {**site.value, name: value}
        yield whole, keyword, f"{keyword}: a member {name!r}"
        count += 1
        if form.names:
            yield whole, "propertyNames", f"propertyNames: {name!r}"
