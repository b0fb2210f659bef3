"""Refusing: what a server took and what it refused, and what of that shows that a good message is taken for malformed.

One code may mean both "that is no such message" and "there is no such room": a refusal alone shows nothing. It knows no
connection, and sends nothing.
"""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from contract.forms import frozen
from contract.model import Send
from contract.spec import Message, Way, is_too_much, words
from contract.ways import ABSENT, leaves, without

_UNABLE = re.compile(r"(^|[^a-z0-9])(busy|overload(ed)?|unavailable|internal|429|500|503|32603)([^a-z0-9]|$)")
_MOST_TAKEN = 200
_PROOFS = 2
_TRIES = 12
_NUMBERED = 0.5  # so often only the digits of a text are others: what stands before them may be the same for all
_LONGER = (10, 8, 6, 5, 4, 3, 2, 1, 0)  # characters, or digits, that a value has more which nobody has heard of
_GOOD_ENDS = 2  # so often a connection must have ended behind good requests alone, to be no fault of bad ones
_TIMES = frozenset({"date", "date-time", "time", "duration"})


def speaks_of_another(code: str) -> bool:
    """Tell whether an error code speaks of too much, or of a server that can't, and not of what was sent."""
    return is_too_much(code) or _UNABLE.search(words(code)) is not None


@dataclass(slots=True)
class _Known:
    """What is known of one message: `taken` are payloads, by what they are without their ids.

    At `settled` places values seem to be free: each with a payload that shows it. At `proven` ones they are.
    """

    taken: dict[Any, Any] = field(default_factory=dict)
    settled: dict[Way, Any] = field(default_factory=dict)
    proven: set[Way] = field(default_factory=set)
    values: set[tuple[Way, int]] = field(default_factory=set)  # that were taken, each at its place: their hashes


@dataclass(frozen=True, slots=True)
class Twin:
    """A payload that was taken, and is much like one that was refused, if at `places` values are free."""

    payload: Any
    places: tuple[Way, ...] = ()


class Malformed:
    """Knows how a server refuses what is malformed, by what it did, and what it took: for each channel."""

    def __init__(self) -> None:
        self._codes: defaultdict[str, set[str]] = defaultdict(set)
        self._known: defaultdict[tuple[str, str], _Known] = defaultdict(_Known)
        self._ends: Counter[tuple[str, int | None]] = Counter()

    def learn(self, channel: str, signature: tuple[str, str | None]) -> None:
        """Take note of the answer to something malformed. One with neither a code nor a text says too little."""
        if signature[1] is not None and not speaks_of_another(signature[1]):
            self._codes[channel].add(signature[1])

    def is_malformed(self, channel: str, signature: tuple[str, str | None]) -> bool:
        """Tell whether a refusal is the one that malformed input gets, and maybe other input too."""
        return signature[1] is not None and signature[1] in self._codes[channel]

    def ended(self, channel: str, code: int | None) -> None:
        """Take note of a connection on which all was good, and which the server ended."""
        self._ends[channel, code] += 1

    def ends_anyway(self, channel: str, code: int | None) -> bool:
        """Tell whether connections end like that where nothing is wrong, too."""
        return self._ends[channel, code] >= _GOOD_ENDS

    def took(self, channel: str, message: Message, step: Send, value: Any) -> None:
        """Take note of a good message that was taken."""
        known = self._known[channel, message.key]
        bare = without(value, message.correlation)
        key, held = frozen(bare), list(leaves(bare))
        known.values.update((place, hash(repr(leaf))) for place, leaf in held)
        if key in known.taken or len(known.taken) >= _MOST_TAKEN:
            return
        known.taken[key] = value
        if _is_made(step):
            examples = [leaf for example in message.example_values for leaf in leaves(example)]
            for place, leaf in held:
                parts = message.schema.parts_at(place)
                listed = [item for part in parts for item in part.get("examples", ())]
                listed += [part["default"] for part in parts if "default" in part]
                listed += [item for other, item in examples if other == place]
                if leaf not in listed:
                    known.settled.setdefault(place, value)

    def refused(self, channel: str, message: Message, step: Send, value: Any) -> None:
        """Take note of a good message that was refused otherwise than malformed input is.

        Where that is for one value, the server has an answer of its own for names of what isn't there.
        """
        known, way = self._known[channel, message.key], message.correlation
        bare = without(value, way)
        for taken in known.taken.values() if _is_made(step) else ():
            found = [place for place, _, new in _differences(without(taken, way), bare, ()) if new is not ABSENT]
            if len(found) == 1:
                known.settled.setdefault(found[0], value)
                return

    def untook(self, channel: str, message: Message, value: Any) -> None:
        """Take back that a message was taken: its refusal came late."""
        taken, key = self._known[channel, message.key].taken, frozen(without(value, message.correlation))
        if key in taken and frozen(taken[key]) == frozen(value):  # and not the same that was taken with another id
            del taken[key]

    def is_example(self, channel: str, message: Message, value: Any) -> bool:
        """Tell whether a message is one of the document's examples, which was never taken."""
        key = frozen(without(value, message.correlation))
        examples = {frozen(without(item, message.correlation)) for item in message.example_values}
        return key in examples and key not in self._known[channel, message.key].taken

    def twin(self, channel: str, message: Message, step: Send, value: Any) -> Twin | None:
        """Return a payload that was taken, and from which a refused one differs in little that can't be anyone's wish.

        That is in members that are absent or present, in the kind of a value, or in one value, where the server takes
        values that nobody told it. None where there is none: the name of a thing that isn't there is refused, too.
        """
        known, way = self._known[channel, message.key], message.correlation
        bare = without(value, way)
        if frozen(bare) in known.taken:
            # It was taken with another id: either that is what is wrong, or something that came before it.
            return Twin(known.taken[frozen(bare)]) if is_about_id(step, way) else None
        for taken in known.taken.values():
            places = self._near(message, known, without(taken, way), bare)
            if places is not None:
                return Twin(taken, places)
        return None

    def proofs(self, channel: str, message: Message, place: Way) -> list[Any]:
        """Return payloads that show whether values are free at a place: with ones that nobody can have told of.

        What was taken there so far may have been told by another message, or at another time; a short name or a small
        number may stand for something by chance. None where that is known, or no such value is found.
        """
        known = self._known[channel, message.key]
        shown = known.settled.get(place, ABSENT)
        if place in known.proven or shown is ABSENT:
            return []
        random = Random(zlib.crc32("/".join((channel, message.key, *place)).encode()))
        found: dict[Any, Any] = {}
        for longer in (item for item in _LONGER for _ in range(_TRIES)):
            changed = _refreshed(shown, place, random, longer)
            if frozen(changed) != frozen(shown) and (message.form != "json" or message.schema.fits(changed)):
                found.setdefault(frozen(changed), changed)
            if len(found) == _PROOFS:
                break
        return list(found.values())

    def proved(self, channel: str, message: Message, place: Way, *, free: bool) -> None:
        """Take note of what a proof showed."""
        known = self._known[channel, message.key]
        if free:
            known.proven.add(place)
        else:
            known.settled.pop(place, None)

    def _near(self, message: Message, known: _Known, taken: Any, refused: Any) -> tuple[Way, ...] | None:
        """Return the places at which values must be free for a refused payload to be near one that was taken."""
        found = [item for item in _differences(taken, refused, ()) if item[2] is not ABSENT]
        changed = [place for place, old, new in found if _is_scalar(old) and _is_scalar(new)]
        if len(changed) > 1:
            return None
        places: dict[Way, None] = {}
        switched = [place for place, _, new in found if place in changed and _is_listed(message, place, new)]
        for place, old, new in found:
            if place in changed and _kind(old) != _kind(new):
                continue
            held = [] if old is ABSENT else [item for _, item in leaves(old, place)]
            for leaf_place, leaf in leaves(new, place):
                if leaf in held or not _is_free(message, leaf_place, leaf):
                    continue
                if place in changed and (leaf_place, hash(repr(leaf))) in known.values:
                    return None  # in itself it is fine: somebody else may have it now
                if leaf_place in known.settled:
                    places[leaf_place] = None
                    continue
                # What another branch asks for, and no example has, is nobody's name yet, if it has a form of its own.
                branch = old is ABSENT and switched and leaf_place[: len(switched[0]) - 1] == switched[0][:-1]
                if not branch or not any("pattern" in part for part in message.schema.parts_at(leaf_place)):
                    return None
        return tuple(places)


def _refreshed(value: Any, place: Way, random: Random, longer: int) -> Any:
    """Return a payload with other values at a place, of the same look, longer by so much."""
    if not place:
        return _fresh(value, random, longer)
    if isinstance(value, Mapping):
        return {
            name: _refreshed(item, place[1:], random, longer) if name == place[0] else item
            for name, item in value.items()
        }
    if isinstance(value, list) and place[0] == "*":
        return [_refreshed(item, place[1:], random, longer) for item in value]
    return value


def _fresh(value: Any, random: Random, longer: int) -> Any:
    """Return a text or number that is like another one, and that nobody has heard of: the longer, the surer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value + random.randint(10**longer, 10 ** (longer + 1))
    if not isinstance(value, str):
        return value
    numbered = any(letter in digits for letter in value) and random.random() < _NUMBERED
    alike = (digits,) if numbered else (ascii_lowercase, ascii_uppercase, digits)
    kinds = [next((kind for kind in alike if letter in kind), letter) for letter in value or "a"]
    last = max((index for index, kind in enumerate(kinds) if kind in alike), default=len(kinds) - 1)
    kinds[last:last] = [kinds[last] if kinds[last] in alike else ascii_lowercase] * longer
    return "".join(map(random.choice, kinds))


def _is_scalar(value: Any) -> bool:
    return value is not ABSENT and not isinstance(value, (dict, list))


def _is_made(step: Send) -> bool:
    """Tell whether a message's values come from its schema alone, and not from what the server said."""
    return not step.links and (bool(step.covers) or step.note == "generated")


def is_about_id(step: Send, way: tuple[str, ...]) -> bool:
    """Tell whether a case was made for its correlation id, or for what holds that."""
    pointers = [tuple(name.rpartition(" ")[0].split("/")[1:]) for name in step.covers]
    return bool(way) and any(pointer[: len(way)] == way[: len(pointer)] for pointer in pointers)


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, (int, float)) else "text"


def _differences(old: Any, new: Any, place: Way) -> Iterator[tuple[Way, Any, Any]]:
    """Yield where two values differ, and what stands there in each: ABSENT where nothing does."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            yield from _differences(old.get(name, ABSENT), new.get(name, ABSENT), (*place, name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for one, other in zip(old, new, strict=True):
            yield from _differences(one, other, (*place, "*"))
    elif old is ABSENT or new is ABSENT or frozen(old) != frozen(new):
        yield place, old, new


def _is_free(message: Message, place: Way, value: Any) -> bool:
    """Tell whether a value may be the name of something: a text or number that the schema neither lists nor bounds.

    What stands in a member that the schema doesn't have is none.
    """
    if isinstance(value, bytes):
        return True
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return False
    parts = message.schema.parts_at(place)
    if not parts or _is_listed(message, place, value):
        return False
    if isinstance(value, str):
        return not any(part.get("format") in _TIMES for part in parts)
    bounded = any("maximum" in part or "exclusiveMaximum" in part for part in parts)
    return isinstance(value, int) and not bounded


def _is_listed(message: Message, place: Way, value: Any) -> bool:
    """Tell whether the schema lists a value: as the tag of a branch, say."""
    return any(_is_in(part, value) for part in message.schema.parts_at(place))


def _is_in(part: Mapping[str, Any], value: Any) -> bool:
    return value in part.get("enum", ()) or ("const" in part and part["const"] == value)
