"""Payloads: what a change of a schema means, by the direction of the messages that it stands in. It compares no schema.

Clients were made from the old document. What they send is valid by OLD, and NEW has to take it; what they receive is
valid by NEW, and they take what OLD says.
"""

from dataclasses import dataclass
from difflib import SequenceMatcher

from codegen.diff.containment import UNSENT, Containment, Problem
from codegen.diff.findings import Severity
from codegen.diff.nodes import Schemas, TooManyError
from codegen.document import Place
from codegen.faults import did_you_mean

_RULES = {
    "length": "length",
    "pattern": "pattern",
    "format": "format",
    "multiple": "bound",
    "unique": "count",
    "needs": "dependency",
}
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a schema. `message` holds `{what}` where the messages that it stands in are to be named.

    One schema is reached in many ways: `content` is the same for all of them.
    """

    severity: Severity
    rule: str
    place: Place
    old: bool  # the place is in the old document
    message: str
    content: tuple[str, ...]
    codes: bool  # it is about values that `x-error-codes` lists


class Payloads:
    """Compares schemas of two documents. `sent`: clients send the values."""

    def __init__(self, old: Schemas, new: Schemas) -> None:
        self._old = old
        self._new = new
        self._forth = Containment(old, new)
        self._back = Containment(new, old)

    def changes(self, old: Place, new: Place, *, sent: bool, tags: frozenset[str]) -> list[Change]:
        """Return what changed. `tags` are the members, at the top, that tell messages apart."""
        breaking, easing = (self._forth, self._back) if sent else (self._back, self._forth)
        worse = breaking.problems((old,), (new,)) if sent else breaking.problems((new,), (old,))
        better = easing.problems((new,), (old,)) if sent else easing.problems((old,), (new,))
        told = {problem.path for problem in worse}
        # What changes in both ways, such as a type that became another one, is told once, as the worse of the two.
        kept = [item for item in better if item.kind != "undecided" and item.path not in told]
        both = [(item, True) for item in worse] + [(item, False) for item in kept]
        renamed = self._renamed([(item, _rule(item, sent == is_worse, tags)) for item, is_worse in both])
        return [self._change(item, sent, is_worse, tags, renamed) for item, is_worse in both]

    def _renamed(self, ruled: list[tuple[Problem, str]]) -> dict[tuple[str, ...], str]:
        """Return, for members that went and for those that came, the name that each seems to have on the other side."""
        gone, come = (
            {
                problem.path: declared
                for problem, rule in ruled
                if rule == wanted
                and (declared := problem.sender if problem.kind == "forbidden" else problem.receiver) is not None
            }
            for wanted in ("member-removed", "member-added")
        )
        found: dict[tuple[str, ...], str] = {}
        for path, old in gone.items():
            near = {other: new for other, new in come.items() if other[:-1] == path[:-1] and other not in found}
            close = [other for other in near if similar(path[-1], other[-1])]
            alike = [other for other, new in near.items() if self._alike(old, new)]
            picked = close or (alike if len(alike) == 1 else [])
            if picked:
                found |= {path: picked[0][-1], picked[0]: path[-1]}
        return found

    def _alike(self, old: Place, new: Place) -> bool:
        try:
            return self._old.canonical(old) == self._new.canonical(new)
        except (TooManyError, RecursionError):
            return False

    def _change(
        self, problem: Problem, sent: bool, worse: bool, tags: frozenset[str], renamed: dict[tuple[str, ...], str]
    ) -> Change:
        forth = sent == worse  # the sender's document is the old one
        old, new = (problem.sender, problem.receiver) if forth else (problem.receiver, problem.sender)
        before, after = (problem.sent, problem.taken) if forth else (problem.taken, problem.sent)
        rule = _rule(problem, forth, tags)
        severity: Severity = "compatible"
        if worse:
            severity = "breaking" if problem.certain else "unknown"
            if problem.kind == UNSENT:
                severity = "compatible" if sent else "breaking"
        gone = rule == "member-removed" and not (sent and worse)
        place = (old if gone else new) or new or old
        assert place is not None, "one of the sides has a place"
        words = _Words(problem, before, after, sent, rule, _shown(problem.path), renamed.get(problem.path, ""))
        return Change(
            severity=severity,
            rule=rule,
            place=place,
            old=place is old and place is not new,
            message=words.say(severity),
            content=(problem.kind, before, after, problem.name),
            codes=any(side is not None and _codes(side) for side in (old, new)),
        )


def _codes(place: Place) -> bool:
    """Tell whether a place is within a schema of error codes."""
    value = place.source.value
    for step in place.pointer:
        if isinstance(value, dict) and value.get("x-codes") == "x-error-codes":
            return True
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False  # a place that is read otherwise than it is written
    return isinstance(value, dict) and value.get("x-codes") == "x-error-codes"


def _rule(problem: Problem, forth: bool, tags: frozenset[str]) -> str:
    """Return the rule's id, which says what NEW does. `forth`: NEW is the receiver, so it allows less."""
    kind = problem.kind
    if kind == "undecided":
        return "schema-undecided"
    if kind == "required":
        return "member-required" if forth else "member-optional"
    if kind in ("absent", UNSENT):
        return "member-added" if forth else "member-removed"
    if kind == "forbidden":
        return "member-removed" if forth else "member-added"
    if kind == "additional":
        return "additional-closed" if forth else "additional-opened"
    if kind == "branch":
        return "branch-removed" if forth else "branch-added"
    if kind == "const":
        return "tag-changed" if len(problem.path) == 1 and problem.path[0] in tags else "value-changed"
    return f"{_RULES.get(kind, kind)}-{'narrowed' if forth else 'widened'}"


@dataclass(frozen=True, slots=True)
class _Words:
    """The sentence of one change, said to whoever has made it."""

    problem: Problem
    before: str
    after: str
    sent: bool
    rule: str
    path: str
    other: str

    def _value(self) -> str:
        return f"'{self.path}' of {{what}}" if self.path else "{what}"

    def say(self, severity: Severity) -> str:
        """Return the sentences of a severity."""
        if severity == "unknown":
            return self._undecided()
        if severity == "compatible":
            return self._compatible()
        return self._sent() if self.sent else self._received()

    def _undecided(self) -> str:
        who = "what clients send is still taken" if self.sent else "clients still take what they get"
        why = self.before if self.before == self.after else f"{self.before} before, {self.after} now"
        return (
            f"Whether {who} as {self._value()} can't be decided ({_brace(why)}). "
            "Compare the two by hand, or leave the schema as it was."
        )

    def _sent(self) -> str:
        value = self._value()
        if self.rule in ("member-added", "member-required"):
            new = "it is new and required" if self.rule == "member-added" else "it is required now"
            return (
                f"Clients that send {{what}} without '{self.path}' are refused: {new}. "
                f"Make it optional, and let the server fill it in.{self._hint()}"
            )
        if self.rule == "member-removed":
            return (
                f"Clients that send '{self.path}' in {{what}} are refused: no such member is taken any more. "
                f"Keep it in the schema and ignore it.{self._hint()}"
            )
        if self.rule == "additional-closed":
            return (
                f"Clients that send members of their own in {value} are refused: only named ones are taken now. "
                "Leave additionalProperties open."
            )
        if self.rule == "tag-changed":
            return (
                f"Clients send {_brace(self.before)} as {value}, and the server knows it as {_brace(self.after)} now. "
                "Keep the old message, and add the new one beside it."
            )
        return (
            f"Clients may send {_brace(self.before)} as {value}, and the server takes {_brace(self.after)} now. "
            "Go on taking what was taken."
        )

    def _received(self) -> str:
        value = self._value()
        if self.rule == "member-optional":
            return f"Clients that rely on {value} may miss it: it is optional now. Keep it required."
        if self.rule == "member-removed":
            return f"Clients that read {value} never get it again. Go on sending it.{self._hint()}"
        if self.rule == "member-added":
            return (
                f"Clients refuse {{what}} with '{self.path}': the old schema takes only the members that it names. "
                "Send it in a message of its own."
            )
        if self.rule == "additional-opened":
            return (
                f"Clients refuse members that they don't know in {value}: the old schema is closed. "
                "Keep additionalProperties as it was."
            )
        if self.rule == "tag-changed":
            return (
                f"Clients know {{what}} by {_brace(self.before)} as '{self.path}', and get {_brace(self.after)} now. "
                "Keep the old message, and add the new one beside it."
            )
        return (
            f"Clients take {_brace(self.before)} as {value}, and may get {_brace(self.after)} now. "
            "Keep to what was promised, or send the rest in a member or a message of its own."
        )

    def _compatible(self) -> str:
        value = self._value()
        if self.rule == "member-added":
            how = "Clients needn't send it" if self.sent else "Clients that don't know it pass it over"
            return f"{value[:1].upper() + value[1:]} is new. {how}.{self._hint()}"
        if self.rule == "member-removed":
            how = "Clients may go on sending it" if self.sent else "No client takes it any more"
            return f"{value} is gone. {how}."
        if self.rule == "member-required":
            return f"{value} is always there now. Clients that do without it still can."
        if self.rule == "member-optional":
            return f"{value} is optional now. Clients may go on sending it."
        how = "All that clients send is still taken" if self.sent else "All that clients get is what they took before"
        return f"{value} changed: {_brace(self.before)} before, {_brace(self.after)} now. {how}."

    def _hint(self) -> str:
        if not self.other:
            return ""
        return f" It looks like {self.other!r} under another name: keep both until clients have moved."


def _brace(text: str) -> str:
    """Return text that `str.format` leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def _shown(path: tuple[str, ...]) -> str:
    """Return a path as faults show it: `bars[].time`."""
    shown = ""
    for step in path:
        shown += step if step.startswith("[") or not shown else f".{step}"
    return _brace(shown)


def similar(name: str, other: str) -> bool:
    """Tell whether two names are near enough to be one that was changed."""
    return bool(did_you_mean(name, [other])) or SequenceMatcher(None, name, other).ratio() >= _ALIKE
