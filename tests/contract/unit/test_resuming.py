"""Resuming: what is sent to go on, and what a resumed connection got against what an uninterrupted one got."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import ir
from contract.resuming import Recording, compare, resume_query, resume_request
from contract.spec import Channel, load_spec
from contract.streaming import Position
from tests.contract.unit.streaming_model import AddressServer, Balances, Bars, Got, Trades

ROOT = Path(__file__).parents[3]


@cache
def channel_of(name: str) -> Channel:
    """Return a channel of the document."""
    return load_spec(ROOT / "asyncapi.yaml").channel(name)


def stream_of(name: str) -> ir.Stream:
    """Return the one stream of a channel."""
    (stream,) = channel_of(name).streams
    return stream


def recorded(name: str, frames: Sequence[tuple[str, Any]], key: tuple[str, ...] = ()) -> Recording:
    """Return what a connection was told."""
    recording = Recording(channel_of(name), stream_of(name), key)
    for message, value in frames:
        recording.add(message, value)
    return recording


class Scene:
    """A stream of an address or a subscription: what a witness gets, and what one that was cut gets later."""

    def __init__(self, seed: int, kind: str) -> None:
        rng = random.Random(seed)
        self.kind = kind
        self.rng = rng
        speech: Any = {"bars": Bars(), "trades": Trades(), "balances": Balances()}[kind]
        self.name = "bars" if kind == "bars" else speech.channel
        self.speech = speech
        keys = speech.keys[:1] if kind == "bars" else speech.keys
        first = rng.randrange(3, 9)
        last: dict[Any, int] = {}
        seq = first
        self.events: list[tuple[Any, int, int, int]] = []
        for number in range(rng.randrange(3, 14)):
            key = rng.choice(keys)
            seq += 1 if kind != "bars" else rng.choice((1, 1, 3))
            self.events.append((key, seq, last.get(key, first if kind == "bars" else 0), number))
            last[key] = seq
        self.first = first
        self.held = rng.choice([first, *(event[1] for event in self.events[:-1])])
        self.end = self.events[-1][1]
        self.key = tuple(f'"{part}"' for part in keys[0]) if kind == "bars" else ()

    def start(self, seq: int, recovered: bool | None, epoch: str = "e") -> tuple[str, Any]:
        if self.kind == "bars":
            ask = {"payload": {"id": self.rng.randrange(99)}}
            frame: tuple[str, Any] = self.speech.ack(self.speech.keys[0], epoch, seq, recovered, ask)
            return frame
        ready: tuple[str, Any] = self.speech.ready(epoch, seq, bool(recovered))
        return ready

    def counted(self, event: tuple[Any, int, int, int], epoch: str = "e") -> tuple[str, Any]:
        key, seq, prev, number = event
        if self.kind == "bars":
            frame: tuple[str, Any] = self.speech.counted(key, epoch, seq, prev, number)
            return frame
        flat: tuple[str, Any] = self.speech.counted(key, seq, prev, number)
        return flat

    def witness(self) -> list[tuple[str, Any]]:
        return [self.start(self.first, None), *(self.counted(event) for event in self.events)]

    def lost(self, first: int, last: int) -> tuple[str, Any]:
        if self.kind == "bars":
            frame: tuple[str, Any] = self.speech.reset(self.speech.keys[0], "e", last)
            return frame
        gap: tuple[str, Any] = self.speech.gap("e", None, first, last)
        return gap

    def after(self) -> list[tuple[Any, int, int, int]]:
        return [event for event in self.events if event[1] > self.held]

    def recovered(self) -> list[tuple[str, Any]]:
        return [self.start(self.held, True), *(self.counted(event) for event in self.after())]

    def found(self, frames: list[tuple[str, Any]], **more: Any) -> list[str]:
        witness = recorded(self.name, self.witness(), self.key)
        resumed = recorded(self.name, frames, self.key)
        found = compare(more.pop("held", Position("e", self.held)), witness, resumed, **more)
        assert {item.rule for item in found} <= {"stream-resume"}
        return [item.text for item in found]


kinds = pytest.mark.parametrize("kind", ["bars", "trades", "balances"])
seeds = st.integers(0, 2**32)


@kinds
@given(seed=seeds)
def test_what_was_recovered_whole_is_right(kind: str, seed: int) -> None:
    """Exactly the counted frames after the position held are right; so are fewer, while there was no time for more."""
    scene = Scene(seed, kind)
    frames = scene.recovered()
    assert scene.found(frames, until=scene.end) == []
    assert scene.found(frames[: scene.rng.randrange(len(frames)) + 1]) == []
    later = ((scene.speech.keys[0]), scene.end + 1, scene.end, 99)
    assert scene.found([*frames, scene.counted(later)]) == []  # the witness hasn't got it yet


@kinds
@given(seed=seeds)
def test_what_could_not_be_recovered_is_right_when_it_is_told(kind: str, seed: int) -> None:
    """After a reset or a gap, with what stands at the position or with what is left, nothing is missing."""
    scene = Scene(seed, kind)
    cut = scene.rng.choice([event[1] for event in scene.after()])
    left = [scene.counted(event) for event in scene.events if event[1] > cut]
    stood = [scene.counted((scene.speech.keys[0], cut, cut, 77))] * 2
    frames = [scene.start(cut, False), scene.lost(scene.held + 1, cut), *stood, *left]
    assert scene.found(frames, until=scene.end) == []


@kinds
@given(seed=seeds)
def test_a_new_epoch_is_right_when_it_is_told(kind: str, seed: int) -> None:
    """A position of another epoch is none: what the new one counts is right."""
    scene = Scene(seed, kind)
    frames = [scene.start(scene.first, False), scene.lost(0, scene.first), *map(scene.counted, scene.events)]
    assert scene.found(frames, held=Position("old", 70), until=scene.end) == []


def missing(scene: Scene) -> list[tuple[str, Any]]:
    """A frame doesn't come."""
    frames = scene.recovered()
    del frames[scene.rng.randrange(1, len(frames))]
    return frames


def twice(scene: Scene) -> list[tuple[str, Any]]:
    """A frame comes twice."""
    frames = scene.recovered()
    place = scene.rng.randrange(1, len(frames))
    return [*frames, frames[place]]


def different(scene: Scene) -> list[tuple[str, Any]]:
    """A frame holds something else."""
    frames = scene.recovered()
    place = scene.rng.randrange(1, len(frames))
    message, value = frames[place]
    changed = {**value, "timestamp": 1}
    if scene.kind == "bars":
        changed = {**value, "payload": {**value["payload"], "timestamp": 1}}
    return [*frames[:place], (message, changed), *frames[place + 1 :]]


def again(scene: Scene) -> list[tuple[str, Any]]:
    """What was held comes again."""
    frames = scene.recovered()
    return [frames[0], scene.counted((scene.speech.keys[0], scene.held, scene.held - 1, 5)), *frames[1:]]


def from_the_beginning(scene: Scene) -> list[tuple[str, Any]]:
    """All comes again, from the first frame on."""
    frames = scene.recovered()
    older = (scene.speech.keys[0], 1, 0, 5)
    return [
        frames[0],
        *map(scene.counted, [older, *(event for event in scene.events if event[1] <= scene.held)]),
        *frames[1:],
    ]


def swapped(scene: Scene) -> list[tuple[str, Any]]:
    """Two frames come in the wrong order."""
    frames = scene.recovered()
    if len(frames) < 3:
        return missing(scene)
    place = scene.rng.randrange(1, len(frames) - 1)
    frames[place], frames[place + 1] = frames[place + 1], frames[place]
    return frames


def invented(scene: Scene) -> list[tuple[str, Any]]:
    """A frame comes that the stream never had."""
    frames = scene.recovered()
    return [*frames, scene.counted((("other", "1D")[: len(scene.speech.keys[0])], scene.end, 0, 5))]


def untold(scene: Scene) -> list[tuple[str, Any]]:
    """Frames are lost, and nothing says so."""
    last = scene.after()[-1]
    return [scene.start(last[1] - 1, False), scene.counted(last)]


def told_too_little(scene: Scene) -> list[tuple[str, Any]]:
    """More is lost than the reset or the gap says."""
    # All is lost but the last, and it says so of all but one more.
    last = scene.after()[-1]
    until = scene.held if len(scene.after()) == 1 else scene.after()[-2][1] - 1
    lost = [] if len(scene.after()) == 1 else [scene.counted(last)]
    return [scene.start(until, False), scene.lost(scene.held + 1, until), *lost]


@pytest.mark.parametrize(
    ("kind", "lie", "text"),
    [
        (kind, lie, text)
        for kind in ("bars", "trades", "balances")
        for lie, text in (
            (missing, "is missing"),
            (twice, "came twice"),
            (different, "isn't the one"),
            (again, "came again"),
            (from_the_beginning, "came again"),
            (swapped, "order"),
            (invented, "none of the stream's"),
            (untold, "neither a reset nor a gap"),
            (told_too_little, "is missing"),
        )
        if (kind, lie) != ("bars", invented)  # a subscription has one key
    ],
)
def test_what_differs_is_found(kind: str, lie: Callable[[Scene], list[tuple[str, Any]]], text: str) -> None:
    """Missing, doubled, different, swapped, invented, or lost without a word: each is told in its own words."""

    @given(seed=seeds)
    @settings(max_examples=60)
    def tell(seed: int) -> None:
        scene = Scene(seed, kind)
        frames = lie(scene)
        found = scene.found(frames, until=scene.end)
        wanted = text if text != "order" or len(scene.recovered()) > 2 else "is missing"
        assert any(wanted in item for item in found), (scene.held, frames, found)

    tell()


def test_a_position_of_another_epoch_is_not_recovered() -> None:
    """`recovered` true for a position of an epoch that the witness never saw is a lie, whatever `ready` echoes."""
    scene = Scene(1, "trades")
    frames = [scene.start(scene.held, True, epoch="old"), *map(scene.counted, scene.after())]
    (text,) = scene.found(frames, held=Position("old", scene.held))
    assert "isn't the server's" in text


def test_a_gap_of_one_key_excuses_no_other() -> None:
    """What is lost of one key is told for that key alone."""
    speech = Trades()
    events = [(("A",), 6, 0), (("B",), 7, 0), (("A",), 8, 6), (("B",), 9, 7)]
    told = [speech.counted(key, seq, prev, 0) for key, seq, prev in events]
    witness = recorded("exchangeTrades", [speech.ready("e", 5, False), *told])
    gap = speech.gap("e", ("A",), 6, 6)
    right = recorded("exchangeTrades", [speech.ready("e", 5, False), gap, *told[1:]])
    assert compare(Position("e", 5), witness, right, until=9) == []
    wrong = recorded("exchangeTrades", [speech.ready("e", 5, False), gap, *told[2:]])
    (found,) = compare(Position("e", 5), witness, wrong, until=9)
    assert found.text == 'Resumed after 5 of "B": the frame at 7 is missing.'
    assert (found.rule, found.channel, found.message) == ("stream-resume", "exchangeTrades", "trade")


def test_members_of_the_connection_may_differ() -> None:
    """A request's id, and what the caller says, are no difference."""
    channel, stream = channel_of("bars"), stream_of("bars")
    key = ('"AAPL"', '"1D"')
    speech = Bars()
    recordings = []
    for number in range(2):
        recording = Recording(channel, stream, key, ignore=[("payload", "timestamp")])
        recording.add(*speech.ack(("AAPL", "1D"), "e", 4, number == 1, {"payload": {"id": number}}))
        message, value = speech.counted(("AAPL", "1D"), "e", 5, 4, 0)
        value["payload"]["timestamp"] = number
        recording.add(message, value)
        recordings.append(recording)
    assert compare(Position("e", 4), recordings[0], recordings[1], until=5) == []


def test_equal_numbers_are_equal() -> None:
    """`1` and `1.0` are one number in JSON; `1` and `true` are not."""
    speech = Trades()

    def of(price: object) -> Recording:
        message, value = speech.counted(("A",), 6, 5, 0)
        return recorded("exchangeTrades", [speech.ready("e", 5, True), (message, {**value, "price": price})])

    assert compare(Position("e", 5), of(1), of(1.0)) == []
    assert len(compare(Position("e", 5), of(1), of(True))) == 1


def test_a_request_is_planned() -> None:
    """The position goes where the document says; the subscription stays as it was."""
    value = {"type": "bars.subscribe", "payload": {"symbol": "AAPL"}}
    planned = resume_request(stream_of("bars"), value, Position("e", 41))
    assert planned == {
        "type": "bars.subscribe",
        "payload": {"symbol": "AAPL", "resume": {"epoch": "e", "seq": 41}},
    }
    assert value == {"type": "bars.subscribe", "payload": {"symbol": "AAPL"}}
    with pytest.raises(ValueError, match="no resume by its address"):
        resume_query(stream_of("bars"), Position("e", 41))


def test_a_query_is_planned() -> None:
    """The position becomes the parameters that the document names, as text."""
    assert resume_query(stream_of("trades"), Position("e é", 41)) == {"epoch": "e é", "seq": "41"}
    for name in ("trades", "tickers"):
        with pytest.raises(ValueError, match="no resume by a request"):
            resume_request(stream_of(name), {}, Position("e", 41))
    with pytest.raises(ValueError, match="no resume by its address"):
        resume_query(stream_of("tickers"), Position("e", 41))


def frames_of(steps: Sequence[object]) -> Iterator[tuple[str, Any]]:
    """Yield the frames that a client got."""
    for step in steps:
        if isinstance(step, Got):
            yield step.message, step.value


@pytest.mark.parametrize("speech", [Trades(), Balances()], ids=["trades", "balances"])
@given(seed=seeds)
@settings(max_examples=200)
def test_a_client_that_is_cut_often_gets_what_a_witness_gets(speech: Trades, seed: int) -> None:
    """Every connection of one client, held against a witness of the whole, shows no difference."""
    rng = random.Random(seed)
    names = ("event", "event", "event", "deliver", "cut", "forget", "restart")
    server = AddressServer(speech, states=isinstance(speech, Balances))
    whole: list[tuple[str, Any]] = [speech.ready("e1", server.log.seq, False)]
    done: list[tuple[Recording, Position | None, int]] = []
    for _ in range(rng.randrange(5, 60)):
        name = rng.choice(names)
        if name == "restart" and rng.random() < 0.7:
            continue
        if name in ("cut", "restart"):
            server.do_deliver(rng.randrange(9))
            done.append(taken(server))
        getattr(server, f"do_{name}")(rng.randrange(64))
        if name == "event":
            key, seq, prev, number = server.log.events[-1]
            whole.append(speech.counted(key, seq, prev, number))
        if name == "restart":
            done = [(recording, held, -1) for recording, held, _ in done]  # what an address counts has no epoch in it
            whole = [speech.ready(server.log.name, 0, False)]
    server.do_deliver(999)
    done.append(taken(server))
    witness = recorded(speech.channel, whole)
    for recording, held, epoch in done:
        if held is not None and epoch == server.log.epoch:
            assert compare(held, witness, recording) == []


def taken(server: AddressServer) -> tuple[Recording, Position | None, int]:
    """Return what the present connection got, the position that it asked for, and the epoch it is in."""
    query = server.queries[-1]
    held = Position(query["epoch"], int(query["seq"])) if query else None
    return recorded(server.speech.channel, list(frames_of(server.connections[-1]))), held, server.log.epoch
