"""Containment: whether every value that a sender's schema allows fits the receiver's, and where not. No direction here.

It never says "contained" where it isn't sure: what it can't decide is a problem that is not `certain`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from codegen.diff.nodes import GROUPS, Alternative, Key, Schemas, TooManyError, disjoint
from codegen.document import Place

_MAX_STEPS = 50_000
_SHOWN = 5

# What is within what, of formats that narrow one another.
_FORMATS_WITHIN: Mapping[str, frozenset[str]] = {
    "int32": frozenset({"int64"}),
    "float": frozenset({"double"}),
    "email": frozenset({"idn-email"}),
    "hostname": frozenset({"idn-hostname"}),
    "uri": frozenset({"uri-reference", "iri", "iri-reference"}),
}

UNSENT = "unsent"
"""The kind of what is no problem of values: a member that the receiver names and the sender doesn't."""

_FEW: Mapping[str, tuple[Any, ...]] = {"null": (None,), "boolean": (True, False)}


@dataclass(frozen=True, slots=True)
class Problem:
    """A way in which the sender's values don't fit the receiver. `path` leads to the value within the message.

    `sent` and `taken` tell what each side allows there, to stand behind "send" and "take"; `sender` and `receiver` are
    the places where that is said, as near as they can be named. `name` is the member that is spoken of, if one is.
    """

    kind: str
    path: tuple[str, ...]
    sent: str
    taken: str
    sender: Place | None
    receiver: Place | None
    certain: bool = True
    name: str = ""


class Containment:
    """Compares nodes of a sender's document with nodes of a receiver's."""

    def __init__(self, sender: Schemas, receiver: Schemas) -> None:
        self._sender = sender
        self._receiver = receiver
        self._known: dict[tuple[Key, Key], list[Problem]] = {}
        self._open: dict[tuple[Key, Key], None] = {}
        self._assumed: set[tuple[Key, Key]] = set()
        self._steps = 0

    def problems(self, sender: Key, receiver: Key) -> list[Problem]:
        """Return why not every value of the one fits the other; nothing where every one does."""
        self._steps = 0
        return self._node(sender, receiver)

    def _node(self, sender: Key, receiver: Key) -> list[Problem]:
        if not receiver:
            return []
        key = (sender, receiver)
        if key in self._known:
            return self._known[key]
        if key in self._open:
            self._assumed.add(key)  # true as long as nothing else is found: values end somewhere
            return []
        self._steps += 1
        if self._steps > _MAX_STEPS:
            return [self._undecided(sender, receiver, "a schema too large to look at")]
        self._open[key] = None
        try:
            found = self._compare(sender, receiver)
        except (TooManyError, RecursionError):
            found = [] if self._same(sender, receiver) else [self._undecided(sender, receiver, "so many combinations")]
        finally:
            del self._open[key]
        self._assumed.discard(key)
        if not self._assumed:
            self._known[key] = found
        return found

    def _undecided(self, sender: Key, receiver: Key, what: str) -> Problem:
        return Problem("undecided", (), what, what, _first(sender), _first(receiver), certain=False)

    def _same(self, sender: Key, receiver: Key) -> bool:
        try:
            left = sorted(self._sender.canonical(place) for place in sender)
            return left == sorted(self._receiver.canonical(place) for place in receiver)
        except (TooManyError, RecursionError):
            return False

    def _compare(self, sender: Key, receiver: Key) -> list[Problem]:
        overlap = self._receiver.overlapping(receiver)
        if overlap is not None and not self._same(sender, receiver):
            what = "a oneOf whose branches can't be told apart"
            return [Problem("undecided", (), what, what, _first(sender), overlap, certain=False)]
        takers = self._receiver.alternatives(receiver)
        found: list[Problem] = []
        missing: dict[str, Alternative] = {}
        for alternative in self._sender.alternatives(sender):
            if alternative.values is not None:
                found += self._values(alternative, receiver, takers)
                continue
            for group in GROUPS:
                if alternative.in_group(group):
                    few = _FEW.get(group)
                    if few is not None:
                        problems = self._few(few, group, alternative, receiver, takers)
                    else:
                        problems = self._group(group, alternative, receiver, takers)
                    if problems is None:
                        missing[group] = alternative
                    else:
                        found += problems
        if missing:
            found.append(self._missing(sender, receiver, missing, takers))
        return list(dict.fromkeys(found))

    def _missing(
        self, sender: Key, receiver: Key, missing: dict[str, Alternative], takers: tuple[Alternative, ...]
    ) -> Problem:
        alternatives = self._sender.alternatives(sender)
        sent = frozenset(atom for item in alternatives for atom in item.atoms)
        taken = frozenset(atom for item in takers for atom in item.atoms)
        certain = all(not item.opaque for item in missing.values())
        places = (_said(self._sender, sender, "type"), _said(self._receiver, receiver, "type"))
        return Problem("type", (), _types(sent), _types(taken), *places, certain=certain)

    def _values(self, sender: Alternative, receiver: Key, takers: tuple[Alternative, ...]) -> list[Problem]:
        assert sender.values is not None
        refused = [value for value in sender.values if not self._receiver.accepts(receiver, value)]
        if not refused:
            return []
        listed = sender.listed() is not None
        kind = "enum" if listed else "type"
        taken = [alternative.values for alternative in takers]
        if kind == "enum" and len(sender.values) == 1 and len(taken) == 1 and taken[0] and len(taken[0]) == 1:
            kind = "const"
        told = " or ".join(_alternative(item) for item in takers) or "nothing"
        near = next(iter(takers), None)
        where = _at(near, "enum", "const", "type") if near else _first(receiver)
        return [Problem(kind, (), _list(refused), told, _at(sender, "enum", "const", "type"), where)]

    def _few(
        self, values: tuple[Any, ...], group: str, sender: Alternative, receiver: Key, takers: tuple[Alternative, ...]
    ) -> list[Problem] | None:
        """Compare a group of so few values that each can be judged. None: the receiver takes none of them."""
        if not any(taker.in_group(group) for taker in takers):
            return None
        sent = [value for value in values if sender.schemas.accepts(sender.parts, value)]
        refused = [value for value in sent if not self._receiver.accepts(receiver, value)]
        if not refused:
            return []
        told = " or ".join(_alternative(item) for item in takers)
        return [Problem("enum", (), _list(refused), told, _top(sender), _first(receiver))]

    def _group(
        self, group: str, sender: Alternative, receiver: Key, takers: tuple[Alternative, ...]
    ) -> list[Problem] | None:
        """Compare the values of one group. None: the receiver takes none of that group at all."""
        atoms = set(GROUPS[group]) & sender.atoms
        candidates = [taker for taker in takers if taker.atoms & atoms]
        if not candidates:
            return None
        tried = [self._one(group, sender, taker, receiver) for taker in candidates]
        fits = [problems for problems in tried if all(problem.kind == UNSENT for problem in problems)]
        if fits:
            return fits[0] if len(candidates) == 1 else []
        if len(tried) > 1:
            possible = [
                problems for taker, problems in zip(candidates, tried, strict=True) if not disjoint(sender, taker)
            ]
            if not possible:
                told = f"any of the {len(candidates)} {group} forms that are described"
                return [Problem("branch", (), f"a form of {group} of its own", told, _top(sender), _first(receiver))]
            best = min(possible, key=len)
            tried = [best if len(possible) == 1 else [replace(problem, certain=False) for problem in best]]
        return [replace(problem, certain=False) for problem in tried[0]] if sender.opaque else tried[0]

    def _one(self, group: str, sender: Alternative, taker: Alternative, receiver: Key) -> list[Problem]:
        found: list[Problem] = []
        values = taker.values
        if values is not None:
            where = _at(taker, "enum", "const", "type")
            kind = "enum" if taker.listed() is not None else "type"
            return [Problem(kind, (), f"other {_plural(group)} than these", _list(values), _top(sender), where)]
        for text, place in taker.opaque.items():
            if text not in sender.opaque:
                what = f"what {place.key!r} says"
                found.append(Problem("undecided", (), what, what, _top(sender), place, certain=False))
        compare = {
            "number": self._numbers,
            "string": self._strings,
            "array": self._arrays,
            "object": self._objects,
        }.get(group)
        return found + (compare(sender, taker) if compare else [])

    # Scalars

    def _numbers(self, sender: Alternative, taker: Alternative) -> list[Problem]:
        found: list[Problem] = []
        extra = sender.atoms & {"fraction"}
        if extra and "fraction" not in taker.atoms and not _only_whole(sender):
            places = (_at(sender, "type"), _at(taker, "type"))
            found.append(Problem("type", (), "a number with decimals", "a whole number", *places))
        if "integer" in sender.atoms and "integer" not in taker.atoms:
            found.append(Problem("type", (), "a whole number", "no whole number", _top(sender), _top(taker)))
        for lower in (True, False):
            ours, theirs = sender.bound(lower), taker.bound(lower)
            if theirs is None:
                continue
            within = ours is not None and (
                (ours.value > theirs.value if lower else ours.value < theirs.value)
                or (ours.value == theirs.value and (theirs.inside or not ours.inside))
            )
            if not within:
                sent = _bound(ours.value, ours.inside, lower) if ours else "any number"
                taken = _bound(theirs.value, theirs.inside, lower)
                found.append(Problem("bound", (), sent, taken, ours.place if ours else _top(sender), theirs.place))
        for step, place in taker.multiples():
            steps = [value for value, _ in sender.multiples()]
            if "fraction" not in sender.atoms:
                steps.append(Fraction(1))
            if not any((value / step).denominator == 1 for value in steps):
                sent = f"multiples of {_number(steps[0])}" if steps else "any number"
                wanted = f"multiples of {_number(step)}"
                found.append(
                    Problem("multiple", (), sent, wanted, _at(sender, "multipleOf"), place, not len(steps) > 1)
                )
        return found

    def _strings(self, sender: Alternative, taker: Alternative) -> list[Problem]:
        found = self._count(sender, taker, "Length", "length", "characters")
        patterns = sender.texts("pattern")
        for pattern, place in taker.texts("pattern").items():
            if pattern not in patterns and pattern not in ("", ".*"):
                sent = f"text that matches {next(iter(patterns))}" if patterns else "any text"
                told = f"text that matches {pattern}"
                found.append(Problem("pattern", (), sent, told, _at(sender, "pattern"), place, not patterns))
        return found + self._formats(sender, taker)

    def _formats(self, sender: Alternative, taker: Alternative) -> list[Problem]:
        formats = sender.texts("format")
        for format_, place in taker.texts("format").items():
            if not any(name == format_ or format_ in _FORMATS_WITHIN.get(name, frozenset()) for name in formats):
                sent = f"text in the format {next(iter(formats))}" if formats else "text of any format"
                return [Problem("format", (), sent, f"the format {format_}", _at(sender, "format"), place)]
        return []

    def _count(self, sender: Alternative, taker: Alternative, what: str, kind: str, unit: str) -> list[Problem]:
        found: list[Problem] = []
        for lower in (True, False):
            keyword = f"{'min' if lower else 'max'}{what}"
            theirs = taker.count(keyword)
            if theirs is None or (lower and theirs[0] <= 0):
                continue
            ours = sender.count(keyword)
            if what == "Properties":
                ours = _members(sender, lower) or ours
            if ours is None or (ours[0] < theirs[0] if lower else ours[0] > theirs[0]):
                word = "at least" if lower else "at most"
                sent = f"{word} {ours[0]} {unit}" if ours else f"any number of {unit}"
                where = ours[1] if ours else _top(sender)
                found.append(Problem(kind, (), sent, f"{word} {theirs[0]} {unit}", where, theirs[1]))
        return found

    # Lists and objects

    def _arrays(self, sender: Alternative, taker: Alternative) -> list[Problem]:
        found = self._count(sender, taker, "Items", "count", "items")
        for place in taker.said("uniqueItems"):
            most = sender.count("maxItems")
            unique = any(item.value is True for item in sender.said("uniqueItems"))
            if place.value is True and not unique and (most is None or most[0] > 1):
                told = ("a list with the same item twice", "a list of different items")
                found.append(Problem("unique", (), *told, _top(sender), place))
        named = max(sender.positions(), taker.positions())
        most = sender.count("maxItems")
        for index in (*range(named), None):
            if most is not None and (named if index is None else index) >= most[0]:
                break
            ours, theirs = sender.item(index), taker.item(index)
            if ours is None:
                break
            step = "[]" if index is None else f"[{index}]"
            if theirs is None:
                found.append(Problem("count", (step,), "an item here", "no item here", _top(sender), _top(taker)))
                break
            found += _below(step, self._node(ours, theirs), sender, taker, "items")
        return found

    def _objects(self, sender: Alternative, taker: Alternative) -> list[Problem]:
        found = self._count(sender, taker, "Properties", "count", "members")
        for name, place in taker.required.items():
            if name not in sender.required:
                declared = sender.declared.get(name)
                found.append(
                    Problem(
                        "required" if declared else "absent",
                        (name,),
                        "it only sometimes" if declared else "no such member",
                        "it always",
                        declared or _top(sender),
                        taker.declared.get(name) or place,
                        name=name,
                    )
                )
        for name, place in taker.declared.items():
            if name not in sender.declared and name not in taker.required and name not in sender.required:
                found.append(Problem(UNSENT, (name,), "no such member", "it sometimes", _top(sender), place, name=name))
        for name, place in {**sender.required, **sender.declared}.items():
            ours, theirs = sender.member(name), taker.member(name)
            if isinstance(ours, Place):
                continue
            if isinstance(theirs, Place):
                told = ("this member", "no such member")
                found.append(Problem("forbidden", (name,), *told, place, theirs, name=name))
                continue
            where = taker.declared.get(name)
            inner = self._node(ours, theirs)
            found += [_under(name, problem, place, where or _top(taker)) for problem in inner]
        return found + self._needs(sender, taker) + self._others(sender, taker)

    def _needs(self, sender: Alternative, taker: Alternative) -> list[Problem]:
        """Compare which members are only taken beside others."""
        found: list[Problem] = []
        for name, needed in taker.needs.items():
            if name not in sender.declared and name not in sender.required:
                continue
            known = {*sender.needs.get(name, ()), *sender.required}
            lacks = {other: place for other, place in needed.items() if other not in known and other != name}
            if lacks:
                others = " and ".join(map(repr, lacks))
                told = (f"{name!r} without {others}", f"{name!r} only beside {others}")
                found.append(Problem("needs", (), *told, _top(sender), next(iter(lacks.values()))))
        return found

    def _others(self, sender: Alternative, taker: Alternative) -> list[Problem]:
        """Compare what may stand in members that the sender doesn't name."""
        found: list[Problem] = []
        ours, theirs = sender.member(None), taker.member(None)
        if not isinstance(ours, Place):
            where = _at(sender, "additionalProperties")
            if isinstance(theirs, Place):
                told = ("members that are not named", "only the members that are named")
                found.append(Problem("additional", ("*",), *told, where, theirs))
            else:
                found += _below("*", self._node(ours, theirs), sender, taker, "additionalProperties")
            if ours:  # a map: any name may come, also one that the receiver has plans for
                for name, place in taker.declared.items():
                    if name not in sender.declared:
                        wanted = taker.member(name)
                        inner = [] if isinstance(wanted, Place) else self._node(ours, wanted)
                        found += [_under(name, problem, where, place) for problem in inner]
        for pattern, place in sender.patterns.items():
            wanted_here = (taker.patterns[pattern],) if pattern in taker.patterns else theirs
            if isinstance(wanted_here, Place):
                told = (f"members named like {pattern}", "only the members that are named")
                found.append(Problem("additional", ("*",), *told, place, wanted_here))
            else:
                found += _below("*", self._node((place,), wanted_here), sender, taker, "patternProperties")
            for name, member in taker.declared.items():
                if name not in sender.declared and pattern not in taker.patterns:
                    found += [_under(name, problem, place, member) for problem in self._node((place,), (member,))]
        for pattern, place in taker.patterns.items():
            if pattern not in sender.patterns and not (isinstance(ours, Place) and not sender.patterns):
                what = f"members named like {pattern}"
                found.append(Problem("undecided", ("*",), what, what, _top(sender), place, certain=False))
        return found


def _below(step: str, problems: list[Problem], sender: Alternative, taker: Alternative, keyword: str) -> list[Problem]:
    return [_under(step, problem, _at(sender, keyword), _at(taker, keyword)) for problem in problems]


def _under(step: str, problem: Problem, sender: Place | None, receiver: Place | None) -> Problem:
    """Return a problem of a value as one of what holds it, with places where it had none."""
    return replace(
        problem,
        path=(step, *problem.path),
        sender=problem.sender or sender,
        receiver=problem.receiver or receiver,
    )


def _first(places: Key) -> Place | None:
    return next(iter(places), None)


def _top(alternative: Alternative) -> Place | None:
    return next(iter(alternative.parts), None)


def _at(alternative: Alternative, *keywords: str) -> Place | None:
    """Return where one of the keywords stands, else the schema itself."""
    found = (place for keyword in keywords for place in alternative.said(keyword))
    return next(found, None) or _top(alternative)


def _said(schemas: Schemas, places: Key, keyword: str) -> Place | None:
    for alternative in schemas.alternatives(places):
        return _at(alternative, keyword)
    return _first(places)


def _only_whole(alternative: Alternative) -> bool:
    return any(step.denominator == 1 for step, _ in alternative.multiples())


def _members(alternative: Alternative, lower: bool) -> tuple[int, Place] | None:
    keyword = "minProperties" if lower else "maxProperties"
    stated = alternative.count(keyword)
    top = _top(alternative)
    if top is None:
        return stated
    if lower:
        return max(stated or (0, top), (len(alternative.required), top), key=lambda item: item[0])
    if not isinstance(alternative.member(None), Place) or alternative.patterns:
        return stated
    closed = (len(alternative.declared), top)
    return min(stated, closed, key=lambda item: item[0]) if stated else closed


def _types(atoms: frozenset[str]) -> str:
    names = {
        **{"null": "null", "boolean": "a boolean", "string": "a string", "array": "a list", "object": "an object"},
        "integer": "a whole number",
    }
    if "fraction" in atoms:
        names = {name: text for name, text in names.items() if name != "integer"} | {"fraction": "a number"}
    if len(atoms) == len({atom for group in GROUPS.values() for atom in group}):
        return "any value"
    return " or ".join(text for name, text in names.items() if name in atoms) or "nothing"


def _plural(group: str) -> str:
    return {"string": "texts", "array": "lists"}.get(group, f"{group}s")


def _list(values: Iterable[Any]) -> str:
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    rest = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "") or "nothing"


def _alternative(alternative: Alternative) -> str:
    return _list(alternative.values) if alternative.values is not None else _types(alternative.atoms)


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else repr(float(value))


def _bound(value: Fraction, inside: bool, lower: bool) -> str:
    words = ("at least" if inside else "more than") if lower else ("at most" if inside else "less than")
    return f"{words} {_number(value)}"
