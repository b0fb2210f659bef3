"""Values: JSON values that fit a schema, of the kinds that find bugs. It knows nothing of messages and servers.

The values are made from one seed that Hypothesis draws, not choice by choice: that is many times faster, and what
fails is made shorter by contract.shrinking, as a conversation, and not by Hypothesis.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cached_property
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

from contract.drawing import draw, seeds
from contract.forms import NEVER, Form, Forms, Node, frozen, is_whole, kind_of
from contract.texts import any_text, of_format, sized

__all__ = ["Maker", "Unmakeable", "draw", "generate", "values"]

SAFE: Final = 2**53 - 1
"""The greatest whole number that every JSON reader holds exactly."""
EXTRAS: Final = ("x-unknown", "__proto__", "extra", "constructor", "toString", "", "a b", "ключ", "😀", "$ref", "0")
"""What an unknown member is called."""
_TRIES = 40  # at one place
_PATIENCE = 4000  # places and tries of one value
_DEEPER = 5  # more than the flattest value needs
_LARGE = 150  # places of a value after which only what must be there is made
_NUMBERS: tuple[int | float, ...] = (
    *(0, 1, -1, 2, 10, 100, 255, 256, 1000, 65_536, 2**31 - 1, 2**31, -(2**31), 2**32, SAFE, -SAFE),
    *(0.5, -0.5, 0.1, 1.5, 0.3, 1e-7, -2.75, 123456.789, 1e-10, 1e15, 3.141592653589793),
)


class Unmakeable(Exception):
    """No value is found that fits a schema: there is none, or none of the kinds that are tried."""


class Maker:
    """Makes values that fit one schema."""

    def __init__(self, schema: Mapping[str, Any], *, extras: bool = True, plain: bool = False) -> None:
        """Take a schema that stands alone.

        `extras`: now and then with members that the schema allows unnamed. `plain`: only values that any program
        should be at ease with, and only what must be there.
        """
        self._schema = schema
        self.extras = extras
        self.plain = plain
        self._left = 0
        self._places = 0

    @cached_property
    def forms(self) -> Forms:
        """Return the schema taken apart."""
        return Forms(self._schema)

    @cached_property
    def lively(self) -> "Maker":
        """Return a maker of the same schema whose values differ."""
        other = Maker(self._schema, extras=False)
        other.__dict__["forms"] = self.forms
        return other

    @cached_property
    def plainly(self) -> "Maker":
        """Return a maker of the same schema whose values are harmless."""
        other = Maker(self._schema, extras=False, plain=True)
        other.__dict__["forms"] = self.forms
        return other

    def value(self, random: Random) -> Any:
        """Return a value of the whole schema. Raises Unmakeable."""
        return self.of(self.forms.root, random)

    def of(self, node: Node, random: Random) -> Any:
        """Return a value of one place. Raises Unmakeable."""
        self._begin()
        if node.height >= NEVER:
            raise Unmakeable("no value fits this schema")
        return self._make(node, random, node.height + (0 if self.plain else _DEEPER))

    def like(
        self,
        form: Form,
        kind: str,
        random: Random,
        *,
        present: Callable[[str], bool] | None = None,
        size: int | None = None,
    ) -> Any:
        """Return a value made after a form. Raises Unmakeable.

        `present` says which optional members of an object are wanted, `size` how many items of a list.
        """
        for _ in range(_TRIES):
            self._begin()
            depth = min(form.node.height, NEVER) + _DEEPER
            if kind == "object" and form.values is None:
                value: Any = self._object(form, random, depth, present)
            elif kind == "array" and form.values is None:
                value = self._array(form, random, depth, size)
            else:
                value = self._of(form, kind, random, depth)
            if form.node.is_exact or form.fits(value):
                return value
        raise Unmakeable("no value of this form fits")

    def new_names(self, form: Form, random: Random, count: int, taken: Iterable[str]) -> list[str]:
        """Return up to so many names of members that an object may have beside those that are taken."""
        self._begin()
        return self.lively._names(form, random, count, list(taken), NEVER)

    def _begin(self) -> None:
        if self.plain:
            self.lively._begin()
            self.lively._places = _LARGE
        self._left = _PATIENCE
        self._places = _LARGE if self.plain else 0

    def _make(self, node: Node, random: Random, depth: int) -> Any:
        options = node.options.get(depth)
        if options is None:
            options = node.options[depth] = [
                (form, kinds) for form in node.forms if (kinds := form.kinds_within(depth))
            ]
        if not options:
            if node.height >= NEVER or node.height <= depth:
                raise Unmakeable("no value fits a part of this schema")
            return self._make(node, random, node.height)
        for turn in range(_TRIES):
            self._left -= 1
            self._places += 1
            if self._left < 0:
                break
            first = len(options) == 1 or (self.plain and turn == 0)
            form, kinds = options[0] if first else random.choice(options)
            kind = kinds[-1] if len(kinds) == 1 or (self.plain and turn == 0) else random.choice(kinds)
            try:
                value = self._of(form, kind, random, depth)
            except Unmakeable:
                continue
            if node.is_exact or node.fits(value):
                return value
        raise Unmakeable("no value is found that fits a part of this schema")

    def _of(self, form: Form, kind: str, random: Random, depth: int) -> Any:
        if form.values is not None:
            fitting = [value for value in form.values if kind_of(value) == kind]
            return fitting[0] if self.plain else random.choice(fitting)
        if kind == "object":
            return self._object(form, random, depth, None)
        if kind == "array":
            return self._array(form, random, depth, None)
        value = self._scalar(form, kind, random)
        if form.excluded and any(frozen(value) == frozen(other) for other in form.excluded):
            raise Unmakeable("the value is excluded")
        return value

    def _scalar(self, form: Form, kind: str, random: Random) -> Any:
        if self.plain:
            plain = plain_scalar(form, kind)
            if plain is not None:
                return plain
        if kind == "string":
            return string(form, random)
        if kind == "null":
            return None
        return random.random() < 0.5 if kind == "boolean" else number(form, kind, random)

    def _object(self, form: Form, random: Random, depth: int, present: Callable[[str], bool] | None) -> dict[str, Any]:
        names = list(form.required)
        optional = form.optional
        if present is not None:
            names += [name for name in optional if present(name)]
        elif optional:
            names += self._some(form, optional, random, depth)
        if form.dependencies:
            names = self._dependent(form, names)
        more = form.max_properties is None or len(names) < form.max_properties
        if present is None and more and self._places < _LARGE and depth > 0:
            count = random.choice((0, 1, 1, 2, 3))
            if form.name_patterns and count and random.random() < 0.7:
                names += self._names(form, random, 1, names, depth, patterned=True)
            elif form.is_map or (self.extras and not form.named):
                names += self._names(form, random, count, names, depth)
            elif self.extras and random.random() < 0.08:
                names += self._names(form, random, 1, names, depth)
        if len(names) < form.min_properties:
            left = [name for name in optional if name not in names and form.member(name).within(max(depth - 1, 0))]
            names += left[: form.min_properties - len(names)]
            names += self._names(form, random, form.min_properties - len(names), names, depth)
        if form.max_properties is not None and len(names) > form.max_properties:
            names = names[: max(form.max_properties, len(form.required))]
            names = [name for name in names if set(form.dependencies.get(name, ())) <= set(names)]
        return {name: self._make(form.member(name), random, max(depth - 1, 0)) for name in names}

    def _some(self, form: Form, optional: tuple[str, ...], random: Random, depth: int) -> list[str]:
        if self._places >= _LARGE or depth <= 0:
            return []
        part = random.choice((0.0, 0.25, 0.5, 0.75, 1.0))
        if part == 0.0:
            return []
        return [name for name in optional if random.random() < part and form.member(name).within(depth - 1)]

    def _dependent(self, form: Form, names: list[str]) -> list[str]:
        pending = list(names)
        while pending:
            for name in form.dependencies.get(pending.pop(), ()):
                if name not in names:
                    names.append(name)
                    pending.append(name)
        gone = {name for name in names if form.member(name).height >= NEVER}
        if gone:
            names = [name for name in names if not gone.intersection((name, *form.dependencies.get(name, ())))]
        return names

    def _names(
        self, form: Form, random: Random, count: int, taken: list[str], depth: int, *, patterned: bool = False
    ) -> list[str]:
        found: list[str] = []
        for turn in range(30):
            if len(found) >= count:
                break
            if form.name_patterns and (patterned or turn % 2):
                pool = form.node.all.patterns.pool(random.choice(form.name_patterns))
                if not pool:
                    continue
                name = random.choice(pool)
            elif form.names:
                name = self._make(form.naming, random, 0)
            else:
                name = random.choice(EXTRAS) if turn < 20 else any_text(random, 1, 8)
            if name in taken or name in found or name in form.absent or not form.name_fits(name):
                continue
            if form.member(name).within(max(depth - 1, 0)):
                found.append(name)
        return found

    def _array(self, form: Form, random: Random, depth: int, size: int | None) -> list[Any]:
        most = form.most_items
        if most is not None and form.min_items > most:
            raise Unmakeable("more items are wanted than there can be")
        count = size
        if count is None:
            top = form.min_items + (0 if self._places >= _LARGE or depth <= 0 else random.choice((0, 1, 1, 2, 3, 5)))
            if self._places < _LARGE and most is not None and most <= 64 and random.random() < 0.1:
                top = most
            top = max(top, len(form.contains))
            count = top if most is None else min(top, most)
        wanted: list[Node | None] = [None] * count
        for index in range(len(form.contains)):
            if index < count:
                wanted[random.randrange(count) if index == 0 else index] = form.containing(index)
        found: list[Any] = []
        seen: set[Any] = set()
        for index in range(count):
            node = wanted[index] or form.item(index)
            if not node.within(max(depth - 1, 0)) and index >= form.min_items and wanted[index] is None:
                break
            for turn in range(_TRIES):
                # What is plain is the same each time: items that must differ are made otherwise.
                maker = self.lively if self.plain and turn else self
                item = maker._make(node, random, max(depth - 1, 0))
                if not form.unique or frozen(item) not in seen:
                    break
            else:
                if len(found) >= form.min_items:
                    break
                raise Unmakeable("there aren't enough different items")
            if form.unique:
                seen.add(frozen(item))
            found.append(item)
        return found


def plain_scalar(form: Form, kind: str) -> Any:
    """Return a harmless value of a form; None where there is none of the few that are tried."""
    if kind == "string" and not any(of_format(name, Random(0)) is not None for name in form.formats):
        every: tuple[Any, ...] = tuple(sized(text, form.min_length, form.max_length) for text in ("abc", "1"))
        return next((text for text in every if text_fits(form, text) and text not in form.excluded), None)
    if kind in ("integer", "number") and not form.multiples:
        every = (1, 2, 10, 0, 100) if kind == "integer" else (1.5, 0.5, 2.5, 10.5)
        return next((value for value in every if number_fits(form, value) and value not in form.excluded), None)
    return True if kind == "boolean" else None


def string(form: Form, random: Random) -> str:
    """Return a string of a form. Raises Unmakeable."""
    for name in form.formats:
        for _ in range(10):
            text = of_format(name, random)
            if text is None:
                break
            if text_fits(form, text):
                return text
    if not form.patterns:
        return any_text(random, form.min_length, form.max_length)
    patterns = form.node.all.patterns
    if random.random() < 0.3:
        text = any_text(random, form.min_length, form.max_length)
        if text_fits(form, text):
            return text
    pool = patterns.sized(tuple(form.patterns), form.min_length, form.max_length)
    if pool:
        return random.choice(pool)
    raise Unmakeable(f"no string is found that matches {form.patterns[0]}")


def text_fits(form: Form, text: str) -> bool:
    """Tell whether a string fits what a form says of strings."""
    if len(text) < form.min_length or (form.max_length is not None and len(text) > form.max_length):
        return False
    return all(form.node.all.patterns.matches(pattern, text) for pattern in form.patterns)


def number(form: Form, kind: str, random: Random) -> int | float:
    """Return a number of a form: `integer` is a whole one. Raises Unmakeable."""
    for _ in range(_TRIES):
        value = _number(form, kind, random)
        if value is not None and number_fits(form, value) and (kind == "integer") == is_whole(value):
            return value
    for value in near_numbers(form, kind):
        return value
    raise Unmakeable("no number is found within the bounds")


def number_fits(form: Form, value: int | float) -> bool:
    """Tell whether a number is within the bounds of a form. What `multipleOf` says is left to the validator."""
    if form.low is not None and (value <= form.low if form.low_open else value < form.low):
        return False
    return form.high is None or not (value >= form.high if form.high_open else value > form.high)


def near_numbers(form: Form, kind: str) -> Iterator[int | float]:
    """Yield the numbers at the bounds of a form and next to them, and those that are always worth a try."""
    low, high = form.integers
    if form.multiples:
        every: list[int | float] = [value for value in _multiples(form) if value is not None]
    elif kind == "integer":
        ends = [value for value in (low, high) if value is not None]
        every = [*ends, *(value + step for value in ends for step in (1, -1)), *_NUMBERS]
        if low is None and high is not None:
            every.append(high - 1000)
        every = [int(value) for value in every if is_whole(value)]
    else:
        bounds = [float(value) for value in (form.low, form.high) if value is not None]
        every = list(bounds)
        for value in bounds:
            every += [math.nextafter(value, math.inf), math.nextafter(value, -math.inf), value + 0.5, value - 0.5]
        if len(bounds) == 2:
            every.append((bounds[0] + bounds[1]) / 2)
        every += [float(value) for value in _NUMBERS]
    for value in dict.fromkeys(every):
        if number_fits(form, value) and (kind == "integer") == is_whole(value):
            yield value


def _multiples(form: Form) -> Iterator[int | float | None]:
    step = form.multiples[0]
    for other in form.multiples[1:]:
        step = _common(step, other)
    starts = [0] + [
        int(Decimal(str(bound)) / Decimal(str(step))) for bound in (form.low, form.high) if bound is not None
    ]
    for start in starts:
        for offset in (0, 1, -1, 2, -2, 3, 7, 10, -10):
            yield _times(step, start + offset)


def _common(one: int | float, other: int | float) -> int | float:
    """Return the least common multiple of two decimal numbers."""
    first, second = Decimal(str(one)), Decimal(str(other))
    scale = 10 ** max(0, -int(first.as_tuple().exponent), -int(second.as_tuple().exponent))
    found = Decimal(math.lcm(int(first * scale), int(second * scale))) / scale
    return int(found) if found == int(found) else float(found)


def _times(step: int | float, factor: int) -> int | float | None:
    try:
        found = Decimal(str(step)) * factor
    except InvalidOperation:
        return None
    return int(found) if found == int(found) else float(found)


def _number(form: Form, kind: str, random: Random) -> int | float | None:
    low, high = form.low, form.high
    turn = random.random()
    if form.multiples:
        return _multiple(form, random)
    if turn < 0.35:
        value = random.choice(_NUMBERS)
        return int(value) if kind == "integer" and is_whole(value) else value
    if turn < 0.6 and (low is not None or high is not None):
        bound = random.choice([value for value in (low, high) if value is not None])
        if kind == "integer":
            return math.floor(bound) + random.randint(-2, 2)
        return random.choice([float(bound), bound + random.random(), bound - random.random()])
    if kind == "integer":
        least, greatest = form.integers
        span = random.choice((10, 1000, 10**6, SAFE))
        if least is None:
            least = -span if greatest is None else greatest - span
        if greatest is None:
            greatest = least + span if least > 0 else max(span, least)
        if greatest >= -SAFE and least <= SAFE:
            least, greatest = max(least, -SAFE), min(greatest, SAFE)
        return random.randint(least, greatest)
    wide = random.choice((1.0, 100.0, 1e6, 1e12))
    bottom = float(low) if low is not None else (-wide if high is None else float(high) - wide)
    top = float(high) if high is not None else (bottom + wide if low is not None else wide)
    return round(random.uniform(bottom, top), random.choice((1, 2, 4, 8)))


def _multiple(form: Form, random: Random) -> int | float | None:
    step = form.multiples[0]
    for other in form.multiples[1:]:
        step = _common(step, other)
    exact = Decimal(str(step))
    low = None if form.low is None else int((Decimal(str(form.low)) / exact).to_integral_value("ROUND_CEILING"))
    high = None if form.high is None else int((Decimal(str(form.high)) / exact).to_integral_value("ROUND_FLOOR"))
    span = random.choice((3, 100, 10_000))
    least = low if low is not None else (-span if high is None else high - span)
    greatest = high if high is not None else max(span, least + span)
    if least > greatest:
        return None
    return _times(step, random.choice((least, greatest, random.randint(least, greatest))))


def values(schema: Mapping[str, Any], *, extras: bool = True) -> st.SearchStrategy[Any]:
    """Return a strategy of JSON values that fit a draft-07 schema which stands alone.

    It is built when first drawn from.
    `extras`: now and then with members that the schema allows without naming them. Raises Unmakeable, when drawn from,
    where no value is found.
    """
    source = _Source(schema, extras=extras)
    return seeds().map(source.value)


def generate(schema: Mapping[str, Any], seed: int, *, extras: bool = True) -> Iterator[Any]:
    """Yield values that fit a schema, without end, the same for the same seed. Raises Unmakeable.

    These are the values of `values`, without Hypothesis: for those who want many.
    """
    source = _Source(schema, extras=extras)
    random = Random(seed)
    while True:
        yield source.value(random)


class _Source:
    """Values that have passed the validator."""

    def __init__(self, schema: Mapping[str, Any], *, extras: bool) -> None:
        self._maker = Maker(schema, extras=extras)

    def value(self, random: Random) -> Any:
        judge = self._maker.forms.validator
        for _ in range(_TRIES):
            value = self._maker.value(random)
            if judge.is_valid(value):
                return value
        raise Unmakeable("values are found, but none that the validator takes")
