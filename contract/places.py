"""Places: every place of a message that its schema leads to, with a good value there, and how to put another in.

It knows nothing of what a value is wanted for.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from contract.forms import NEVER, Form, Node, is_whole
from contract.values import Maker, Unmakeable
from contract.ways import ABSENT, at
from contract.ways import put as put_at

Pointer: TypeAlias = tuple[str | int, ...]

_ROUNDS = 2  # of one schema within itself
_AGAIN = 3  # places of one schema within itself
_DEEPEST = 16
_MOST = 800
_PLAIN_NAME = "key"


@dataclass(frozen=True, slots=True)
class Case:
    """A message made for a purpose. `pointer` is where in it what it is made for stands, `what` says what that is.

    `also` are the other places and keywords that this very value was made for. `good` is, of a broken message, the
    message before it was broken.
    """

    value: Any
    pointer: Pointer
    keyword: str
    what: str
    valid: bool
    also: tuple[tuple[Pointer, str], ...] = ()
    good: Any = None


@dataclass(frozen=True, slots=True)
class Site:
    """A place of a message, in one of its forms: `value` is good there, `put` gives the message with another there."""

    pointer: Pointer
    node: Node
    form: Form
    kind: str
    value: Any
    put: Callable[[Any], Any]


def plain_maker(schema: Mapping[str, Any]) -> Maker:
    """Return what makes harmless values of a schema."""
    return Maker(schema, extras=False, plain=True)


def sites(maker: Maker, examples: Sequence[Any] = ()) -> Iterator[Site]:
    """Yield the places of a schema's messages, those nearest to the top first, always in the same order.

    `examples` are good messages: what stands around a place is taken from the first that has it.
    """
    forms = maker.forms
    examples = [example for example in examples if forms.validator.is_valid(example)]
    seen: set[tuple[Pointer, int]] = set()
    pending: deque[tuple[Node, Pointer, Callable[[Any], Any], Counter[int]]] = deque()
    pending.append((forms.root, (), lambda value: value, Counter()))
    again: Counter[int] = Counter()
    count = 0
    while pending and count < _MOST:
        node, pointer, put, above = pending.popleft()
        if (pointer, id(node)) in seen or above[id(node)] >= _ROUNDS or len(pointer) > _DEEPEST:
            continue
        if above[id(node)]:
            again[id(node)] += 1
            if again[id(node)] > _AGAIN:
                continue
        seen.add((pointer, id(node)))
        above = above + Counter([id(node)])
        for form in node.forms:
            for kind in sorted(form.kinds):
                value = _good(maker, form, kind, pointer, put, examples)
                if value is None:
                    continue
                count += 1
                site = Site(pointer, node, form, kind, value[0], put)
                yield site
                if form.values is None:
                    for part, child, base in _children(maker, site, examples):
                        pending.append((child, (*pointer, part), _putting(put, base, part), above))


def _putting(put: Callable[[Any], Any], base: Any, part: str | int) -> Callable[[Any], Any]:
    return lambda value: put(put_at(base, (part,), value))


def _good(
    maker: Maker, form: Form, kind: str, pointer: Pointer, put: Callable[[Any], Any], examples: Sequence[Any]
) -> tuple[Any] | None:
    """Return a value that is good at a place in a form, in a tuple."""
    judge = maker.forms.validator
    for value in _held(examples, pointer):
        if form.fits(value) and _is_of(kind, value) and judge.is_valid(put(value)):
            return (value,)
    random = Random(0)
    for _ in range(4):
        try:
            value = maker.like(form, kind, random)
        except Unmakeable:
            return None
        if judge.is_valid(put(value)):
            return (value,)
    return None


def _is_of(kind: str, value: Any) -> bool:
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    wanted = kinds.get(kind)
    if wanted is not None:
        return isinstance(value, wanted)
    whole = isinstance(value, (int, float)) and is_whole(value)
    return not isinstance(value, bool) and isinstance(value, (int, float)) and whole == (kind == "integer")


def _held(examples: Sequence[Any], pointer: Pointer) -> Iterator[Any]:
    for example in examples:
        found = at(example, pointer)
        if found is not ABSENT:
            yield found


def _children(maker: Maker, site: Site, examples: Sequence[Any]) -> Iterator[tuple[str | int, Node, Any]]:
    """Yield the members and items of a place: what each must fit, and the value around it, in which it stands."""
    form = site.form
    if site.kind == "object":
        names = list(dict.fromkeys((*form.required, *form.named)))
        for pattern in form.name_patterns:
            names += [name for name in form.node.all.patterns.pool(pattern)[:4] if form.name_fits(name)][:1]
        unnamed = next((name for name in (_PLAIN_NAME, "a", "k1") if name not in names and form.name_fits(name)), None)
        if unnamed is not None and form.member(unnamed).fragments:
            names.append(unnamed)
        for name in names:
            child = form.member(name)
            if child.height >= NEVER:
                continue
            base = _around(maker, site, name)
            if base is not None:
                yield name, child, base
    elif site.kind == "array":
        for index in range(form.tuple_length + 1):
            child = form.item(index)
            if child.height >= NEVER or (form.most_items is not None and index >= form.most_items):
                break
            base = site.value
            if len(base) <= index:
                try:
                    base = maker.like(form, "array", Random(0), size=max(index + 1, form.min_items))
                except Unmakeable:
                    break
            if len(base) > index:
                yield index, child, base


def _around(maker: Maker, site: Site, name: str) -> dict[str, Any] | None:
    """Return an object with a member that is good there, where there is one."""
    judge = maker.forms.validator
    if name in site.value:
        return dict(site.value)
    random = Random(0)
    for turn in range(3):
        try:
            if turn == 0:
                base = {**site.value, name: maker.of(site.form.member(name), random)}
            else:
                base = maker.like(site.form, "object", random, present=name.__eq__ if turn == 1 else bool)
                if name not in base:
                    base = {**base, name: maker.of(site.form.member(name), random)}
        except Unmakeable:
            continue
        if judge.is_valid(site.put(base)):
            return dict(base)
    return None
