"""The judge of streams: a server that tells the truth is never blamed, and each lie that can be seen gets its name."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.model import Violation
from contract.spec import Channel, load_spec
from contract.streaming import Position, StreamJudge, StreamName
from tests.contract.unit.streaming_model import (
    ADDRESS_ACTIONS,
    REQUEST_ACTIONS,
    AddressServer,
    Balances,
    Bars,
    Feed,
    Got,
    RequestServer,
    Sent,
    Step,
    Trades,
)

ROOT = Path(__file__).parents[3]
FEED = ROOT / "tests/codegen/golden/stream_by_request/asyncapi.yaml"
ADDRESSES = ROOT / "tests/codegen/golden/stream_by_address/asyncapi.yaml"


@cache
def channel_of(name: str, path: Path = ROOT / "asyncapi.yaml") -> Channel:
    """Return a channel of a document."""
    return load_spec(path).channel(name)


def bars() -> Channel:
    """Return the document's bars socket."""
    return channel_of("bars")


def feed() -> Channel:
    """Return the socket of the case `stream_by_request`."""
    return channel_of("feed", FEED)


def judged(
    channel: Channel,
    steps: Sequence[Step],
    *,
    paired: bool = True,
    offered: bool = True,
    query: Mapping[str, str] | None = None,
) -> list[tuple[int, Violation]]:
    """Return what is found in a connection's steps, each with its place."""
    judge = StreamJudge(channel, offered)
    judge.opened(query or {})
    found: list[tuple[int, Violation]] = []
    for place, step in enumerate(steps):
        if isinstance(step, Sent):
            judge.requested(step.operation, step.value)
        elif step.answers is not None and paired:
            answer = judge.answered(step.answers.operation, step.answers.value, step.message, step.value)
            found += [(place, item) for item in answer]
        else:
            found += [(place, item) for item in judge.received(step.message, step.value)]
    return found


def actions(names: Sequence[str], longest: int = 70) -> st.SearchStrategy[list[tuple[str, int]]]:
    """Draw what a server and its client do: each history has its own mix of it."""

    def mixed(seed: int) -> list[tuple[str, int]]:
        rng = random.Random(seed)
        weights = [rng.choice((0, 1, 1, 4)) for _ in names]
        picked = rng.choices(names, [weight + 0.01 for weight in weights], k=rng.randint(8, longest))
        return [(name, rng.randrange(64)) for name in picked]

    few = st.lists(st.tuples(st.sampled_from(names), st.integers(0, 63)), max_size=12)
    return st.one_of(st.integers(0, 2**62).map(mixed), st.integers(0, 2**62).map(mixed), few)


# A server that tells the truth.


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("speech", [Bars(), Feed()], ids=["bars", "feed"])
@given(actions=actions(REQUEST_ACTIONS))
@settings(max_examples=300)
def test_a_true_server_of_subscriptions_is_never_blamed(
    speech: Bars, paired: bool, actions: list[tuple[str, int]]
) -> None:
    """Pipelined requests, cuts, resumes, resets, lost frames and epochs: whatever happens, nothing is found."""
    channel = bars() if type(speech) is Bars else feed()
    for steps in RequestServer(speech).run(actions):
        assert judged(channel, steps, paired=paired) == []


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("speech", [Trades(), Balances()], ids=["trades", "balances"])
@given(actions=actions(ADDRESS_ACTIONS))
@settings(max_examples=300)
def test_a_true_server_of_an_address_is_never_blamed(
    speech: Trades, narrow: bool, told: bool, actions: list[tuple[str, int]]
) -> None:
    """Cuts, resumes, gaps of a key and of all, and epochs: whatever happens, nothing is found."""
    server = AddressServer(speech, told=told, narrow=narrow, states=isinstance(speech, Balances))
    connections = server.run(actions)
    for steps, query in zip(connections, server.queries, strict=True):
        assert judged(channel_of(speech.channel), steps, offered=told, query=query) == []


@given(actions=actions(REQUEST_ACTIONS))
@settings(max_examples=300)
def test_what_is_held_is_what_a_client_goes_on_from(actions: list[tuple[str, int]]) -> None:
    """The positions are those of the last counted frame, or of what came in its place, of each open subscription."""
    server = RequestServer(Bars(), twice=False)
    for steps in server.run(actions):
        judge = StreamJudge(bars(), offered=True)
        held: dict[tuple[str, ...], Position] = {}
        for step in steps:
            if isinstance(step, Sent):
                judge.requested(step.operation, step.value)
                continue
            if step.answers is not None:
                judge.answered(step.answers.operation, step.answers.value, step.message, step.value)
            else:
                judge.received(step.message, step.value)
            if step.role in ("ack", "reset", "counted"):
                payload = step.value["payload"]
                held[step.key] = Position(payload["epoch"], payload["seq"])
                if step.role == "ack" and payload.get("recovered") is False:
                    del held[step.key]  # the reset says
            elif step.role == "end":
                held.pop(step.key, None)
            wanted = {tuple(f'"{part}"' for part in key): position for key, position in held.items()}
            assert {name.key: position for name, position in judge.positions().items()} == wanted
            assert set(judge.positions()) <= judge.subscriptions()


# Lies.

Told = tuple[list[Step], set[str], set[str]]
"""The steps with a lie in them; what the first thing found may be called; what must be among all that is found."""


class History:
    """A connection's true steps, and what a lie needs to know of them."""

    def __init__(self, steps: list[Step], speech: Bars | Trades, *, wide: bool) -> None:
        self.steps = steps
        self.speech = speech
        self.wide = wide

    def of(self, *roles: str) -> list[int]:
        """Return the places of the frames of some roles."""
        return [place for place, step in enumerate(self.steps) if isinstance(step, Got) and step.role in roles]

    def got(self, place: int) -> Got:
        step = self.steps[place]
        assert isinstance(step, Got)
        return step

    def next_of(self, place: int) -> int | None:
        """Return the place of the next counted frame of the key and the life."""
        one = self.got(place)
        return next((at for at in self.of("counted") if at > place and self.shares(self.got(at), one)), None)

    def before(self, place: int) -> Got | None:
        """Return the counted frame of the key and the life before one."""
        one = self.got(place)
        found = [self.got(at) for at in self.of("counted") if at < place and self.shares(self.got(at), one)]
        return found[-1] if found else None

    def shares(self, one: Got, other: Got) -> bool:
        return one.key == other.key and one.life == other.life

    def held(self, place: int) -> int:
        """Return what is held of a counted frame's key before it, at most."""
        found = self.before(place)
        # Before a gap on an address, other lives are held too; what was held then is never above what is now.
        return found.seq if found is not None else self.bound(place)

    def bound(self, place: int) -> int:
        one = self.got(place)
        earlier = [
            self.got(at)
            for at in self.of("counted", "ack", "ready", "reset", "gap")
            if at < place and self.concerns(at, one)
        ]
        return max((item.seq for item in earlier), default=one.start)

    def concerns(self, at: int, one: Got) -> bool:
        step = self.got(at)
        return step.key in ((), one.key) and (self.wide or step.life == one.life)

    def shares_start(self, start: int, at: int) -> bool:
        """Tell whether a counted frame is of the life that an `ack` or `ready` began."""
        one, other = self.got(start), self.got(at)
        return one.life == other.life and one.key in ((), other.key)

    def bound_of(self, place: int) -> int:
        """Return what is held at most before a `reset` or a `gap`."""
        one = self.got(place)
        held = [self.got(at) for at in self.of("counted", "ack", "ready", "reset", "gap") if at < place]
        return max((item.seq for item in held if one.key == () or item.key in ((), one.key)), default=0)

    def name(self, place: int, rule: str) -> str:
        """Return what a hole or a double at a place is called: the first frame of a resumed key is the resume's."""
        one = self.got(place)
        if not one.resumed:
            return rule
        before = [self.got(at) for at in self.of("counted", "gap") if at < place]
        if not self.wide:
            before = [item for item in before if item.life == one.life]
        others = [item.key == one.key or (item.role == "gap" and not item.key) for item in before]
        return rule if any(others) else "stream-resume"

    def with_(self, place: int, **more: Any) -> Got:
        """Return a frame with other positions in it."""
        one = self.got(place)
        return replace(one, value=self.speech.put(one.value, **more))

    def changed(self, place: int, step: Step) -> list[Step]:
        return [*self.steps[:place], step, *self.steps[place + 1 :]]

    def inserted(self, place: int, step: Step) -> list[Step]:
        return [*self.steps[:place], step, *self.steps[place:]]

    def without(self, place: int) -> list[Step]:
        return [*self.steps[:place], *self.steps[place + 1 :]]


Lie = Callable[[History, int], Iterator[Told]]
LIES: dict[str, tuple[Lie, bool, bool]] = {}


def lie(*, requests: bool = True, address: bool = True) -> Callable[[Lie], Lie]:
    """Make a lie known: it can be told on subscriptions, on addresses."""

    def known(function: Lie) -> Lie:
        LIES[function.__name__] = (function, requests, address)
        return function

    return known


def only(steps: list[Step], *rules: str) -> Iterator[Told]:
    """Yield the steps with the rule that is found first, and the others that are."""
    yield steps, set(rules[:1]), set(rules)


@lie()
def leaves_one_out(history: History, place: int) -> Iterator[Told]:
    """A counted frame doesn't come."""
    if history.got(place).role == "counted" and (later := history.next_of(place)) is not None:
        rule = history.name(place, "stream-hole")
        if history.got(later).seq != history.got(place).opening:
            yield from only(history.without(place), rule)


@lie()
def tells_one_twice(history: History, place: int) -> Iterator[Told]:
    """A counted frame comes again at once."""
    one = history.got(place)
    if one.role == "counted" and one.seq != one.opening:
        yield from only(history.inserted(place + 1, one), "stream-double")


@lie()
def swaps_two_of_a_key(history: History, place: int) -> Iterator[Told]:
    """Two counted frames of a key come in the wrong order."""
    one = history.got(place)
    if one.role != "counted" or (later := history.next_of(place)) is None or one.seq == one.opening:
        return
    between = [history.got(at) for at in history.of("state") if place < at < later]
    if any(item.key == one.key for item in between):
        return
    steps = list(history.steps)
    steps[place], steps[later] = steps[later], steps[place]
    yield from only(steps, history.name(place, "stream-hole"), "stream-double")


@lie(requests=False)
def swaps_two_of_two_keys(history: History, place: int) -> Iterator[Told]:
    """So do two of two keys of an address, which have one counting."""
    one = history.got(place)
    later = next((at for at in history.of("counted") if at > place), None)
    if one.role != "counted" or later is None or later != place + 1:
        return
    other = history.got(later)
    if other.life == one.life and other.key != one.key and one.opening not in (one.seq, other.seq):
        steps = list(history.steps)
        steps[place], steps[later] = steps[later], steps[place]
        yield from only(steps, "stream-double")


@lie()
def tells_a_greater_prev(history: History, place: int) -> Iterator[Told]:
    """`prev` names a frame that never was."""
    one = history.got(place)
    if one.role == "counted" and one.prev + 1 > history.held(place) and one.seq != one.opening:
        step = history.with_(place, prev=one.prev + 1)
        yield from only(history.changed(place, step), history.name(place, "stream-hole"))


@lie()
def tells_a_lower_prev(history: History, place: int) -> Iterator[Told]:
    """`prev` forgets the frame before."""
    one = history.got(place)
    if one.role == "counted" and history.before(place) is not None and one.prev > 0:
        step = history.with_(place, prev=one.prev - 1)
        yield from only(history.changed(place, step), "stream-backward")


@lie()
def tells_a_greater_seq(history: History, place: int) -> Iterator[Told]:
    """`seq` is already the next frame's."""
    if history.got(place).role == "counted" and (later := history.next_of(place)) is not None:
        step = history.with_(place, seq=history.got(later).seq)
        between = [history.got(at).role for at in range(place + 1, later) if isinstance(history.steps[at], Got)]
        if history.got(later).seq != step.opening and "state" not in between:
            yield from only(history.changed(place, step), "stream-double")


@lie()
def tells_a_lower_seq(history: History, place: int) -> Iterator[Told]:
    """`seq` is still that of the frame before."""
    one = history.got(place)
    if one.role == "counted" and (before := history.before(place)) is not None and before.seq != one.opening:
        step = history.with_(place, seq=before.seq)
        yield from only(history.changed(place, step), "stream-double")


@lie()
def leaves_prev_out(history: History, place: int) -> Iterator[Told]:
    """A lossless frame has no `prev`."""
    one = history.got(place)
    if one.role != "counted" or (later := history.next_of(place)) is None or history.got(later).seq == one.opening:
        return
    step = replace(one, value=history.speech.without_prev(one.value))
    yield from only(history.changed(place, step), history.name(place, "stream-hole"))


@lie()
def starts_too_low(history: History, place: int) -> Iterator[Told]:
    """`ack` or `ready` names a position before the true one."""
    one = history.got(place)
    if one.role not in ("ack", "ready") or one.resumed:
        return
    later = next((at for at in history.of("counted") if history.got(at).life == one.life), None)
    if later is None or not 0 < history.got(later).prev <= one.seq:
        return
    if any(history.got(at).life == one.life for at in history.of("initial")):
        return
    for seq in {history.got(later).prev - 1, 0}:
        yield from only(history.changed(place, history.with_(place, seq=seq)), "stream-hole")


@lie()
def starts_too_high(history: History, place: int) -> Iterator[Told]:
    """`ack` or `ready` names a position behind the next frame."""
    one = history.got(place)
    if one.role not in ("ack", "ready") or one.resumed:
        return
    counted = [at for at in history.of("counted", "initial", "state") if history.got(at).life == one.life]
    if counted and history.got(counted[0]).role == "counted":
        step = history.with_(place, seq=history.got(counted[0]).seq + 1)
        yield from only(history.changed(place, step), "stream-double")


@lie(address=False)
def starts_above_the_newest_state(history: History, place: int) -> Iterator[Told]:
    """`ack` names a position, and the newest state is of an earlier one."""
    one = history.got(place)
    after = [at for at in history.of("counted", "state") if at > place and history.shares(history.got(at), one)]
    if one.role == "ack" and not one.resumed and after and history.got(after[0]).role == "state":
        step = history.with_(place, seq=history.got(after[0]).seq + 1)
        if not any(history.got(at).life == one.life for at in history.of("initial")):
            yield from only(history.changed(place, step), "stream-backward")


@lie()
def tells_before_it_starts(history: History, place: int) -> Iterator[Told]:
    """A frame comes before `ack` or `ready`."""
    one = history.got(place)
    if one.role not in ("ack", "ready"):
        return
    later = next((at for at in history.of("counted") if at > place and history.shares_start(place, at)), None)
    if later is None:
        return
    steps = list(history.steps)
    steps.insert(place, steps[later])
    yield from only(steps, "stream-ack-late")


@lie(address=False)
def goes_on_after_the_end(history: History, place: int) -> Iterator[Told]:
    """A frame comes after the answer to the unsubscription."""
    one = history.got(place)
    told = [at for at in history.of("counted", "state", "free") if at < place and history.got(at).key == one.key]
    if one.role == "end" and one.life and told and one.value["payload"].get("status") != "error":
        asked = [
            step
            for step in history.steps[:place]
            if isinstance(step, Sent) and "unsub" not in step.operation and step != one.answers
        ]
        answered = [item for at in history.of("ack", "refusal", "error") if at < place for item in [history.got(at)]]
        if len(asked) <= sum(item.answers in asked for item in answered):  # none is on its way
            yield from only(history.inserted(place + 1, history.got(told[-1])), "stream-unsubscribed")


@lie(address=False)
def tells_what_nobody_asked_for(history: History, place: int) -> Iterator[Told]:
    """Any frame comes for a key that was never asked for."""
    assert isinstance(history.speech, Bars)
    if history.got(place).role != "ack":
        return
    key = ("NOPE", "77")
    for frame in (
        history.speech.counted(key, "e1", 6, 5, 0),
        history.speech.state(key, "e1", 6, 0),
        history.speech.free(key),
        history.speech.reset(key, "e1", 6),
    ):
        yield from only(history.inserted(place, Got(*frame, role="counted")), "stream-unsubscribed")


@lie(address=False)
def changes_the_epoch(history: History, place: int) -> Iterator[Told]:
    """A frame is of another epoch, and no reset said so."""
    one = history.got(place)
    if one.role in ("counted", "state") and "epoch" in one.value["payload"]:
        yield from only(history.changed(place, history.with_(place, epoch="other")), "stream-epoch")


@lie()
def repeats_what_was_held_when_it_resumes(history: History, place: int) -> Iterator[Told]:
    """`recovered` is true, and what comes begins with what was held, or at the beginning."""
    one = history.got(place)
    if one.role not in ("ack", "ready") or not one.resumed or one.seq == 0:
        return
    later = next((at for at in history.of("counted") if at > place and history.shares_start(place, at)), None)
    if later is not None:
        for seq in {one.seq, 1}:
            step = history.with_(later, seq=seq, prev=seq - 1)
            yield from only(history.inserted(place + 1, step), "stream-resume")


@lie(address=False)
def recovers_what_it_has_not(history: History, place: int) -> Iterator[Told]:
    """`recovered` is true for a position of another epoch, or whose frames are gone."""
    one = history.got(place)
    if one.role != "ack" or one.answers is None or one.value["payload"].get("recovered") is not False:
        return
    asked = one.answers.value["payload"]["resume"]
    named = one.value["payload"]["epoch"]
    reset = next((at for at in history.of("reset") if at > place and history.got(at).key == one.key), None)
    steps = history.changed(place, history.with_(place, recovered=True))
    if asked["epoch"] != named:
        yield from only(steps, "stream-resume")
        return
    later = next((at for at in history.of("counted") if reset is not None and history.shares_start(reset, at)), None)
    if reset is None or later is None or asked["seq"] >= one.seq or history.got(later).prev <= asked["seq"]:
        return
    # It says so of a position whose frames it has lost, and sends no reset.
    del steps[reset]
    yield from only(steps, "stream-resume")


@lie()
def keeps_the_loss_to_itself(history: History, place: int) -> Iterator[Told]:
    """`recovered` is false, and neither a reset nor a gap follows."""
    one = history.got(place)
    if one.role not in ("reset", "gap"):
        return
    starts = [at for at in history.of("ack", "ready", "counted", "reset", "gap") if at < place]
    if one.role == "reset":
        starts = [at for at in starts if history.got(at).key == one.key]
    if not starts or history.got(starts[-1]).role not in ("ack", "ready"):
        return
    start = history.got(starts[-1])
    if start.role == "ack" and start.value["payload"].get("recovered") is not False:
        return
    if start.role == "ready" and (start.value["recovered"] is not False or one.value["from_seq"] != 0):
        return
    counted = [at for at in history.of("counted") if at > place and history.shares(history.got(at), one)]
    if start.role == "ready":
        counted = [at for at in history.of("counted") if at > place and history.got(at).life == one.life]
    if counted and start.seq == one.seq and history.got(counted[0]).seq != start.seq:
        yield from only(history.without(place), "stream-resume")


@lie()
def tells_too_small_a_loss(history: History, place: int) -> Iterator[Told]:
    """A reset or a gap ends before what is lost does."""
    one = history.got(place)
    if one.role not in ("reset", "gap"):
        return
    counted = [history.got(at) for at in history.of("counted") if at > place and history.got(at).life == one.life]
    counted = [item for item in counted if one.key in ((), item.key)]
    if not counted or not 0 < counted[0].prev <= one.seq:
        return
    is_first = one.role == "gap" and not any(at < place for at in history.of("counted", "gap"))
    if is_first or history.bound_of(place) < counted[0].prev:
        name = "seq" if one.role == "reset" else "to_seq"
        yield from only(history.changed(place, history.with_(place, **{name: counted[0].prev - 1})), "stream-hole")


@lie()
def tells_too_great_a_loss(history: History, place: int) -> Iterator[Told]:
    """A reset or a gap ends behind the next frame."""
    one = history.got(place)
    counted = [at for at in history.of("counted", "state") if at > place and history.got(at).life == one.life]
    if one.role not in ("reset", "gap") or not counted or history.got(counted[0]).role == "state":
        return
    first = history.got(counted[0])
    if first.seq + 1 != first.opening and first.seq != first.opening and (one.key in ((), first.key)):
        name = "seq" if one.role == "reset" else "to_seq"
        step = history.with_(place, **{name: first.seq + 1})
        yield from only(history.changed(place, step), "stream-double")


@lie(address=False)
def resets_to_a_lower_position(history: History, place: int) -> Iterator[Told]:
    """A reset goes back in the same epoch."""
    one = history.got(place)
    if one.role == "reset":
        epoch = one.value["payload"]["epoch"]
        same = [history.got(at) for at in history.of("ack", "reset", "counted") if at < place]
        same = [item for item in same if item.key == one.key]
        # What the frame before it said is what is held.
        last = same[-1] if same else one
        is_held = last.role == "counted" and last.value["payload"].get("epoch", epoch) == epoch
        if is_held and one.seq > last.seq > 0:
            step = history.with_(place, seq=last.seq - 1)
            yield from only(history.changed(place, step), "stream-backward")


@lie(address=False)
def lets_a_state_fall(history: History, place: int) -> Iterator[Told]:
    """A frame without `prev` is of an earlier position than the counted one before it."""
    one = history.got(place)
    if one.role == "state" and (before := history.before(place)) is not None:
        yield from only(history.changed(place, history.with_(place, seq=before.seq - 1)), "stream-backward")


def histories(
    actions: list[tuple[str, int]], *, requests: bool, address: bool
) -> Iterator[tuple[Channel, Any, History]]:
    """Yield what connections to several servers give: with the query of each."""
    for speech in (Bars(), Feed()) if requests else ():
        channel = bars() if type(speech) is Bars else feed()
        for steps in RequestServer(speech, twice=False).run(actions):
            yield channel, {}, History(steps, speech, wide=False)
    for told in (Trades(), Balances()) if address else ():
        server = AddressServer(told, states=isinstance(told, Balances))
        for steps, query in zip(server.run(actions), server.queries, strict=True):
            yield channel_of(told.channel), query, History(steps, told, wide=True)


@pytest.mark.parametrize("name", LIES)
def test_each_lie_that_can_be_seen_gets_its_name(name: str) -> None:
    """A lie told anywhere in a true history is the first thing found, by its name."""
    function, requests, address = LIES[name]
    told = 0

    def tell(actions: list[tuple[str, int]], requests: bool, address: bool) -> None:
        nonlocal told
        for channel, query, history in histories(actions, requests=requests, address=address):
            for place in history.of("ack", "ready", "counted", "initial", "state", "free", "reset", "gap", "end"):
                for steps, first, among in function(history, place):
                    told += 1
                    found = [item for _, item in judged(channel, steps, query=query)]
                    names = [item.rule for item in found]
                    assert first & set(names[:1]), (place, history.got(place), steps, found)
                    assert among <= set(names), (place, history.got(place), found)

    @given(actions=actions(REQUEST_ACTIONS))
    @settings(max_examples=150, derandomize=True)
    def on_subscriptions(actions: list[tuple[str, int]]) -> None:
        tell(actions, True, False)

    @given(actions=actions(ADDRESS_ACTIONS))
    @settings(max_examples=150, derandomize=True)
    def on_an_address(actions: list[tuple[str, int]]) -> None:
        tell(actions, False, True)

    for applies, run in ((requests, on_subscriptions), (address, on_an_address)):
        if applies:
            told = 0
            run()
            assert told >= 5, "the lie was hardly told"


# The document's own messages.

AAPL = ("AAPL", "1D")
ASK = {"type": "bars.subscribe", "payload": {"symbol": "AAPL"}}


def example(channel: Channel, message: str, name: str, **more: Any) -> Any:
    """Return an example of the document, with other members in its payload."""
    found = next(item for item in channel.received if item.key == message)
    value = next(value for title, value, _ in found.examples if title == name)
    return {**value, "payload": {**value["payload"], **more}} if "payload" in value else {**value, **more}


class Talk:
    """A judge, and what is found at each frame: the rules."""

    def __init__(self, channel: Channel, *, offered: bool = True, query: Mapping[str, str] | None = None) -> None:
        self.channel = channel
        self.judge = StreamJudge(channel, offered)
        self.judge.opened(query or {})

    def get(self, message: str, value: Any) -> list[str]:
        """Get a frame, paired with nothing."""
        return [item.rule for item in self.judge.received(message, value)]

    def example(self, message: str, name: str, **more: Any) -> list[str]:
        """Get an example of the document."""
        return self.get(message, example(self.channel, message, name, **more))


def subscribed(**more: Any) -> Talk:
    """Return a talk on the bars socket that has subscribed; its `ack` is the document's, at 41."""
    talk = Talk(bars())
    talk.judge.requested("subscribeBars", ASK)
    assert talk.example("barsAck", "ok", **more) == []
    return talk


def test_the_examples_of_the_bars_socket_are_a_right_conversation() -> None:
    """An ack, a snapshot at its position, an open bar, a final one, a correction, news of a source, a reset."""
    talk = subscribed()
    assert talk.example("barsSnapshot", "two", seq=41) == []
    assert talk.example("barsUpdate", "open") == []
    assert talk.example("barsUpdate", "final") == []
    assert talk.example("barsCorrection", "late", resolution="1D") == []
    assert talk.example("barsError", "ended") == []
    assert talk.example("barsUpdate", "open", seq=43) == []
    assert talk.judge.positions() == {StreamName("subscribeBars", ('"AAPL"', '"1D"')): Position("5f1c0a7e", 43)}
    assert talk.example("barsReset", "tooOld", epoch="new", seq=0) == []
    assert talk.example("barsUpdate", "final", epoch="new", seq=1, prev=0) == []
    assert talk.judge.subscriptions() == {StreamName("subscribeBars", ('"AAPL"', '"1D"'))}


def test_the_ack_names_the_key_that_the_request_left_out() -> None:
    """Where the request leaves a part out, frames of any spelling wait for the ack, and go by it then."""
    talk = Talk(bars())
    talk.judge.requested("subscribeBars", ASK)
    assert talk.example("barsUpdate", "open") == ["stream-ack-late"]
    assert talk.example("barsUpdate", "open", symbol="MSFT") == ["stream-unsubscribed"]
    assert talk.example("barsAck", "ok") == []
    assert talk.example("barsUpdate", "open") == []
    assert talk.example("barsUpdate", "open", resolution="5") == ["stream-unsubscribed"]


def test_an_ack_without_a_position_opens_nothing() -> None:
    """A refusal is no subscription: what comes then was asked for by nobody, but for the news of why."""
    talk = Talk(bars())
    talk.judge.requested("subscribeBars", {"type": "bars.subscribe", "payload": {"symbol": "NOPE"}})
    assert talk.example("barsAck", "unknownSymbol") == []
    assert talk.example("barsError", "ended", symbol="NOPE") == []
    assert talk.example("barsUpdate", "open", symbol="NOPE") == ["stream-unsubscribed"]
    assert talk.judge.positions() == {}


def test_frames_may_come_until_unsubscribing_is_answered() -> None:
    """Between the request and its answer frames come; after it none does, until it is subscribed again."""
    talk = subscribed()
    talk.judge.requested("unsubscribeBars", {"type": "bars.unsubscribe", "payload": {"symbol": "AAPL"}})
    assert talk.example("barsUpdate", "final") == []
    assert talk.example("barsUnsubscribeAck", "ok") == []
    for message, name in (("barsUpdate", "open"), ("barsError", "ended"), ("barsReset", "tooOld")):
        assert talk.example(message, name) == ["stream-unsubscribed"]
    talk.judge.requested("subscribeBars", ASK)
    assert talk.example("barsUpdate", "open") == ["stream-ack-late"]
    assert talk.example("barsAck", "ok", seq=50) == []
    assert talk.example("barsUpdate", "final", seq=51, prev=50) == []


def test_what_is_refused_ends_nothing() -> None:
    """An error in place of the answer leaves the subscription as it is, and so does an answer of another key."""
    talk = subscribed()
    leave = {"type": "bars.unsubscribe", "payload": {"symbol": "AAPL", "resolution": "1D"}}
    talk.judge.requested("unsubscribeBars", leave)
    error = example(bars(), "error", "rateLimited")
    assert talk.judge.answered("unsubscribeBars", leave, "error", error) == []
    talk.judge.requested("unsubscribeBars", {"type": "bars.unsubscribe", "payload": {"symbol": "MSFT"}})
    assert talk.example("barsUnsubscribeAck", "ok", symbol="MSFT", status="error") == []
    assert talk.example("barsUpdate", "final") == []


def test_a_second_ack_may_change_nothing_or_begin_anew() -> None:
    """Subscribing again is answered at any position, and frames go on from either; a hole behind both is one."""
    for seq in (38, 41, 45):
        for first in (42, seq + 1):
            talk = subscribed()
            talk.judge.requested("subscribeBars", ASK)
            assert talk.example("barsAck", "ok", seq=seq) == []
            assert talk.example("barsUpdate", "final", seq=first, prev=first - 1) == []
            assert talk.example("barsUpdate", "final", seq=60, prev=59) == ["stream-hole"]


def test_answers_in_another_order_leave_it_open() -> None:
    """When an unsubscription is answered behind a later subscription, nobody can say what counts: all is silent."""
    talk = Talk(bars())
    asks = [{"type": "bars.subscribe", "payload": {"symbol": "AAPL", "resolution": "1D", "id": id_}} for id_ in (1, 3)]
    leave = {"type": "bars.unsubscribe", "payload": {"symbol": "AAPL", "resolution": "1D", "id": 2}}
    ack, done = example(bars(), "barsAck", "ok"), example(bars(), "barsUnsubscribeAck", "ok")
    talk.judge.requested("subscribeBars", asks[0])
    assert talk.judge.answered("subscribeBars", asks[0], "barsAck", ack) == []
    talk.judge.requested("unsubscribeBars", leave)
    talk.judge.requested("subscribeBars", asks[1])
    assert talk.judge.answered("subscribeBars", asks[1], "barsAck", ack) == []
    assert talk.judge.answered("unsubscribeBars", leave, "barsUnsubscribeAck", done) == []
    assert talk.example("barsUpdate", "final") == []
    assert talk.example("barsUpdate", "final", seq=99, prev=98) == []
    assert talk.judge.positions() == {}


def test_what_a_resumed_subscription_has_to_say() -> None:
    """Recovered: at the position asked for, with nothing of it again; else a reset comes first."""
    ask = {"type": "bars.subscribe", "payload": {"symbol": "AAPL", "resume": {"epoch": "5f1c0a7e", "seq": 40}}}

    def resumed(**more: Any) -> Talk:
        talk = Talk(bars())
        talk.judge.requested("subscribeBars", ask)
        value = example(bars(), "barsAck", "ok", **more)
        found = talk.judge.answered("subscribeBars", ask, "barsAck", value)
        assert [item.rule for item in found] == (["stream-resume"] if more.pop("lies", False) else [])
        return talk

    talk = resumed(recovered=True, seq=40)
    assert talk.example("barsUpdate", "final", seq=40, prev=39) == ["stream-resume"]
    assert talk.example("barsUpdate", "final", seq=41, prev=40) == []
    assert talk.example("barsUpdate", "final", seq=41, prev=40) == ["stream-double"]
    assert resumed(recovered=True, seq=40).example("barsUpdate", "final") == ["stream-resume"]
    assert resumed(recovered=True, seq=44).example("barsUpdate", "final", seq=41, prev=40) == []
    resumed(recovered=True, seq=39, lies=True)
    resumed(recovered=True, seq=40, epoch="new", lies=True)
    assert resumed(recovered=False, seq=41).example("barsUpdate", "final") == ["stream-resume"]
    assert resumed(seq=41).example("barsUpdate", "final") == ["stream-resume"]
    talk = resumed(recovered=False, seq=41)
    assert talk.judge.positions() == {}
    assert talk.example("barsReset", "tooOld", seq=41) == []
    assert talk.example("barsUpdate", "final") == []


def test_an_epoch_changes_by_a_reset_only() -> None:
    """A frame of another epoch is found once; from then on the new one is held."""
    talk = subscribed()
    assert talk.example("barsUpdate", "open", epoch="new", seq=3) == ["stream-epoch"]
    assert talk.example("barsUpdate", "final", epoch="new", seq=4, prev=3) == []
    assert talk.example("barsUpdate", "final", seq=42, prev=41) == ["stream-epoch"]


def trades(name: str = "exchangeTrades", *, offered: bool = True, query: Mapping[str, str] | None = None) -> Talk:
    """Return a talk on an address of trades."""
    return Talk(channel_of(name), offered=offered, query=query)


def test_the_address_of_all_trades_has_one_counting_and_many_keys() -> None:
    """`ready` is held for every key; `prev` is told within one; and no frame is behind another key's."""
    talk = trades()
    assert talk.example("trade", "buy") == ["stream-ack-late"]
    assert talk.example("ready", "live", seq=100) == []
    assert talk.example("trade", "buy", seq=101, prev=7) == []
    assert talk.example("trade", "buy", symbol="ETH/USDT", seq=102, prev=99) == []
    assert talk.example("trade", "buy", seq=104, prev=101) == []
    assert talk.example("trade", "buy", symbol="ETH/USDT", seq=103, prev=102) == ["stream-double"]
    assert talk.example("trade", "buy", symbol="X", seq=110, prev=105) == ["stream-hole"]
    assert talk.example("trade", "buy", seq=111, prev=101) == ["stream-backward"]
    assert talk.judge.positions() == {StreamName("exchangeTrades", ()): Position("5f1c0a7e", 111)}


def test_a_client_that_offers_nothing_is_told_less_and_finds_less() -> None:
    """Without `ready` the first frame of a key shows no hole; without `gap` none does; a double still is one."""
    talk = trades(offered=False)
    assert talk.example("trade", "buy", seq=101, prev=95) == []
    assert talk.example("trade", "buy", symbol="X", seq=105, prev=102) == []
    assert talk.example("trade", "buy", seq=110, prev=107) == []
    assert talk.example("trade", "buy", seq=110, prev=107) == ["stream-double"]
    assert talk.judge.positions() == {}  # it was told no epoch


def test_a_gap_is_of_one_key_or_of_every_one() -> None:
    """A gap moves what is held to its end: of its key; with null as its key, of all."""
    talk = trades()
    assert talk.example("ready", "live", seq=100) == []
    assert talk.example("trade", "buy", seq=101, prev=90) == []
    assert talk.example("gap", "tooOld", from_seq=102, to_seq=103) == []
    assert talk.example("trade", "buy", seq=104, prev=103) == []
    assert talk.example("trade", "buy", symbol="X", seq=105, prev=103) == ["stream-hole"]
    assert talk.example("gap", "tooOld", key=None, from_seq=106, to_seq=120) == []
    assert talk.example("trade", "buy", symbol="Y", seq=121, prev=119) == []
    assert talk.example("trade", "buy", symbol="X", seq=122, prev=121) == ["stream-hole"]
    assert talk.example("trade", "buy", seq=120, prev=104) == ["stream-double"]


def test_a_resumed_address_is_told_what_is_lost() -> None:
    """The query asks for a position; what isn't recovered must be told, and what is left follows."""
    query = {"epoch": "5f1c0a7e", "seq": "100"}
    talk = trades("trades", query=query)
    assert talk.example("ready", "live", seq=180) == []
    assert talk.example("gap", "tooOld", from_seq=101, to_seq=180) == []
    assert talk.example("trade", "buy", seq=190, prev=180) == []
    talk = trades("trades", query=query)
    assert talk.example("ready", "live", seq=180) == []
    assert talk.example("trade", "buy", seq=190, prev=180) == ["stream-resume"]
    talk = trades("trades", query=query)
    assert talk.example("ready", "live", seq=100, recovered=True) == []
    assert talk.example("trade", "buy", seq=100, prev=80) == ["stream-resume"]
    assert talk.example("trade", "buy", seq=103, prev=101) == ["stream-resume"]
    for epoch, seq in (("old", 100), ("5f1c0a7e", 99)):
        talk = trades("trades", query={"epoch": epoch, "seq": "100"})
        assert talk.example("ready", "live", seq=seq, recovered=True) == ["stream-resume"]


def test_what_stands_comes_at_the_position_of_ready() -> None:
    """The balances that stand come any number of times at that position, and their key is a member's name."""
    talk = Talk(channel_of("accountBalances"))
    assert talk.example("ready", "live", seq=17) == []
    for _ in range(2):
        assert talk.example("balances", "initial") == []
    assert talk.example("balances", "change", seq=18, prev=15) == []
    assert talk.example("balances", "initial") == []  # the other currency was slow
    assert talk.example("balances", "change", seq=18, prev=15) == ["stream-double"]
    assert talk.example("balances", "change", seq=20, prev=19) == ["stream-hole"]


def test_a_version_may_skip_and_never_falls() -> None:
    """A ticker's `seq` moves nothing; it may start anywhere, and within its key it doesn't fall."""
    talk = Talk(channel_of("exchangeTickers"))
    assert talk.example("ready", "live", seq=90211) == []
    assert talk.example("ticker", "withoutQuotes") == []
    assert talk.example("ticker", "synthetic") == []
    assert talk.example("ticker", "synthetic", seq=90300) == []
    assert talk.example("ticker", "synthetic", seq=90299) == ["stream-backward"]
    assert talk.example("ticker", "withoutQuotes") == []


def test_a_stream_whose_frames_hold_the_same_elsewhere() -> None:
    """Two kinds of stream on one socket, each message with its own pointers, an end that nobody answers."""
    talk = Talk(feed())
    talk.judge.requested("watch", {"type": "watch", "args": {"rule": 7}})
    assert talk.get("alarm", {"type": "alarm", "rule": 7, "at": 3}) == ["stream-ack-late"]
    assert talk.get("watching", {"type": "watching", "result": {"rule": 7, "at": 3, "run": "r"}}) == []
    assert talk.get("alarm", {"type": "alarm", "rule": 7, "at": 2}) == ["stream-backward"]
    assert talk.get("alarm", {"type": "alarm", "rule": 7, "at": 5, "run": "r"}) == []
    assert talk.get("lost", {"type": "lost", "of": None, "in": "r", "first": 6, "last": 9}) == []
    assert talk.get("alarm", {"type": "alarm", "rule": 7, "at": 10, "run": "q"}) == ["stream-epoch"]
    assert talk.get("restarted", {"type": "restarted", "now": {"rule": 7, "at": 0, "run": "s"}}) == []
    assert talk.get("alarm", {"type": "alarm", "rule": 7, "at": 0, "run": "s"}) == []
    assert talk.get("lost", {"type": "lost", "of": 8, "in": "s", "first": 6, "last": 9}) == ["stream-unsubscribed"]
    talk.judge.requested("unwatch", {"type": "unwatch", "rule": 7})
    assert talk.get("alarm", {"type": "alarm", "rule": 7, "at": 1}) == []


def test_a_reset_of_an_address_is_for_every_key() -> None:
    """Where the message has no key, all positions start anew, in its epoch."""
    talk = Talk(channel_of("tickers", ADDRESSES))
    assert talk.get("begin", {"type": "begin", "position": {"version": 9, "name": "a"}}) == []
    assert talk.get("ticker", {"type": "ticker", "symbol": "A", "version": 12}) == []
    assert talk.get("reset", {"type": "reset", "version": 8, "name": "a"}) == ["stream-backward"]
    assert talk.get("reset", {"type": "reset", "version": 1, "name": "b"}) == []
    assert talk.get("ticker", {"type": "ticker", "symbol": "A", "version": 2}) == []
    assert talk.judge.positions() == {StreamName("tickers", ()): Position("b", 1)}


def test_a_finding_says_where_and_what() -> None:
    """A violation has the stream as its subject, the operation, the message and its line in the document."""
    talk = subscribed()
    (found,) = talk.judge.received("barsUpdate", example(bars(), "barsUpdate", "final", seq=44, prev=43))
    assert found.text == (
        'bars.update of "AAPL", "1D": the frame before it had the position 43, and what is held is 41.'
    )
    assert (found.rule, found.channel, found.subject) == ("stream-hole", "bars", "subscribeBars")
    assert (found.operation, found.message) == ("subscribeBars", "barsUpdate")
    assert found.mark is not None
    assert found.mark.text.strip() == "barsUpdate:"


def test_values_that_are_no_positions_are_left_alone() -> None:
    """What doesn't fit its schema is another rule's: the judge of streams takes anything without failing."""
    values: tuple[Any, ...] = (
        None,
        [],
        "text",
        7,
        {},
        {"payload": None},
        {"payload": {"symbol": [], "resolution": "1D", "seq": "1"}},
    )
    for value in values:
        talk = Talk(bars())
        talk.judge.requested("subscribeBars", value)
        for message in bars().received:
            assert talk.get(message.key, value) == []
        talk = trades()
        for message in channel_of("exchangeTrades").received:
            assert talk.get(message.key, value) == []
    talk = trades(query={"epoch": "x", "seq": "a lot"})
    assert talk.example("ready", "live", recovered=True) == []


def test_an_error_that_nobody_paired_leaves_it_open() -> None:
    """It may have answered any request on its way: who pairs them is told more."""
    leave = {"type": "bars.unsubscribe", "payload": {"symbol": "AAPL", "resolution": "1D"}}
    error = example(bars(), "error", "rateLimited")
    done = example(bars(), "barsUnsubscribeAck", "ok")
    talk = subscribed()
    talk.judge.requested("unsubscribeBars", leave)
    assert talk.get("error", error) == []
    assert talk.get("barsUnsubscribeAck", done) == []
    assert talk.example("barsUpdate", "final", seq=99, prev=98) == []
    talk = subscribed()
    talk.judge.requested("unsubscribeBars", leave)
    assert talk.get("error", error) == []
    assert talk.judge.answered("unsubscribeBars", leave, "barsUnsubscribeAck", done) == []
    assert talk.example("barsUpdate", "final") == ["stream-unsubscribed"]
