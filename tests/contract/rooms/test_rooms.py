"""Tests of the rooms server: it keeps its document, and each mutant breaks it where one can see it."""

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from codegen.__main__ import main as codegen
from tests.contract.rooms.house import MOST_ROOMS, RING, House
from tests.contract.rooms.mutants import MUTANTS
from tests.contract.rooms.scenes import SCENES, Stage, code_of, opened, opening, request, saying
from tests.contract.rooms.server import DOCUMENT, SECRET, serving, token
from tests.contract.rooms.talk import Frame, Told, talking

Claims: TypeAlias = dict[str, Any] | None
TICK_S = 0.005
"""Rooms tick faster here than for others, to save time."""
RULES = frozenset(
    {
        *("frame-undeclared", "frame-invalid", "error-code", "close-code", "connection-lost", "reply-missing"),
        *("reply-late", "reply-id", "reply-wrong", "reply-twice", "reply-unasked", "valid-refused"),
        *("invalid-accepted", "invalid-ignored", "invalid-kills", "handshake-accepted", "handshake-refused"),
        *("handshake-subprotocol", "token-kept", "stream-ack-late", "stream-hole", "stream-double"),
        *("stream-backward", "stream-epoch", "stream-unsubscribed", "stream-resume"),
    }
)


@pytest.fixture(scope="module")
def told() -> Told:
    """What the document says."""
    return Told(DOCUMENT)


@pytest_asyncio.fixture
async def stage(told: Told) -> AsyncIterator[Stage]:
    """The right server."""
    async with serving(tick_s=TICK_S) as url:
        yield Stage(told, url, SECRET)


def test_every_mutant_has_a_scene_and_rules_that_exist() -> None:
    """Nothing stands in one table alone, and each fault may be found under some name."""
    assert set(MUTANTS) == set(SCENES)
    assert all(mutant.rules and mutant.rules <= RULES and mutant.breaks for mutant in MUTANTS.values())
    assert {rule for mutant in MUTANTS.values() for rule in mutant.rules} == RULES


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_mutant_shows_its_fault(name: str, told: Told) -> None:
    """A short conversation tells that the mutant breaks its promise."""
    async with serving(name, tick_s=TICK_S) as url:
        assert await SCENES[name](Stage(told, url, SECRET)), MUTANTS[name].breaks


async def test_the_right_server_shows_no_fault(stage: Stage) -> None:
    """The same conversations show nothing there, eight at a time beside each other."""
    several = asyncio.Semaphore(8)

    async def shows(name: str) -> bool:
        async with several:
            return await SCENES[name](stage)

    shown = await asyncio.gather(*map(shows, SCENES))
    assert [name for name, seen in zip(SCENES, shown, strict=True) if seen] == []


def test_the_generator_takes_the_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The document is right, without a warning."""
    assert codegen([str(DOCUMENT), "--server", str(tmp_path / "rooms")]) == 0
    assert "warning" not in capsys.readouterr().err


def test_every_message_has_examples_that_fit(told: Told) -> None:
    """An example is what its message may be."""
    for name, message in told.document["components"]["messages"].items():
        assert message["examples"], name
        for example in message["examples"]:
            assert told.validator(name).is_valid(example["payload"]), name


def requests_of(told: Told, channel: str) -> Iterator[tuple[Frame, list[str]]]:
    """Give each example of a request, and the names of its replies."""
    tag = "op" if channel == "house" else "kind"
    messages = told.document["components"]["messages"]
    for operation in told.document["operations"].values():
        if operation["channel"]["$ref"] == f"#/channels/{channel}" and operation["action"] == "receive":
            replies = [each["$ref"].rpartition("/")[2] for each in operation.get("reply", {"messages": []})["messages"]]
            tags = [messages[reply]["payload"]["properties"][tag]["const"] for reply in replies]
            for example in messages[operation["messages"][0]["$ref"].rpartition("/")[2]]["examples"]:
                yield example["payload"], tags


BUSINESS = ("no_such_room", "already_in", "not_in_room", "not_yours", "bad_token")


async def test_every_example_is_answered_as_declared(stage: Stage) -> None:
    """Each example has one answer: a declared reply with its id, or an error that isn't `malformed`."""
    async with stage.house() as house, stage.floor() as floor:
        for talk, channel in ((house, "house"), (floor, "floor")):
            for frame, replies in requests_of(stage.told, channel):
                answers = await talk.ask(frame)
                assert len(answers) == (1 if replies else 0), frame
                for answer in answers:
                    name = answer.get("op", answer.get("kind"))
                    assert name in replies or code_of(answer) in BUSINESS, answer
                    assert (answer.get("re"), answer.get("meta")) == (frame.get("req"), frame.get("meta"))
    assert not house.faults
    assert not floor.faults


LONG_LIST = "[" * 200 + "]" * 200
MALFORMED: Mapping[str, tuple[str | bytes, int | str | None]] = {
    "nothing": ("", None),
    "no JSON": ("{", None),
    "NaN": ('{"op": "ping", "req": 1, "x": NaN}', None),
    "no object": ("[1]", None),
    "null": ("null", None),
    "no op": ('{"req": 1}', 1),
    "op is a number": ('{"op": 5, "req": 1}', 1),
    "no req": ('{"op": "ping"}', None),
    "req is a boolean": ('{"op": "ping", "req": true}', None),
    "req is too large": ('{"op": "ping", "req": 2147483648}', None),
    "req has a blank": ('{"op": "ping", "req": "a b"}', None),
    "req ends with a line": ('{"op": "ping", "req": "a\\n"}', None),
    "args are missing": ('{"op": "room.leave", "req": "a"}', "a"),
    "half of a pair": ('{"op": "room.say", "req": 1, "args": {"room": "r1", "text": "\\ud800"}}', 1),
    "half of a pair in req": ('{"op": "ping", "req": "\\ud800"}', None),
    "half of a pair in a name": ('{"op": "ping", "req": 1, "\\udc00": 1}', 1),
    "too large a number": ('{"op": "ping", "req": 1, "x": 1e400}', 1),
    "too many digits": ('{"op": "ping", "req": 1, "x": ' + "9" * 5000 + "}", None),
    "too large an integer": ('{"op": "ping", "req": 1, "x": ' + "9" * 400 + "}", 1),
    "too many levels": (f'{{"op": "ping", "req": 1, "x": {LONG_LIST}}}', 1),
    "far too many levels": ("[" * 30_000, None),
    "binary": (b'{"op": "ping", "req": 1}', None),
    "wave with an id": ('{"op": "wave", "req": 1, "args": {"room": "r1", "hand": "left"}}', 1),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_bad_frame_is_answered_and_ends_nothing(name: str, stage: Stage) -> None:
    """The answer is `malformed`, with the request's id where that is right, and the connection lives."""
    data, id_ = MALFORMED[name]
    async with stage.house() as talk:
        answers = await talk.ask(data)
        assert [(code_of(answer), answer["re"]) for answer in answers] == [("malformed", id_)]
        assert await talk.ask({"op": "ping", "req": 9})
    assert not talk.faults
    async with stage.floor() as floor:
        assert [code_of(answer) for answer in await floor.ask(data)] == ["malformed"]
    assert not floor.faults


TAKEN: Mapping[str, Frame] = {
    "an integer with a point": {"op": "ping", "req": 7.0},
    "the greatest id": {"op": "ping", "req": 2_147_483_647},
    "the longest id": {"op": "ping", "req": "_" * 24},
    "unknown members where they may be": {"op": "ping", "req": 0, "more": [{"x": None}]},
    "a hundred levels": {"op": "ping", "req": 0, "x": json.loads("[" * 99 + "]" * 99)},
    "every character": saying(text="\x00\n\"\\ \U0001f600\u2028'é" * 20),
    "sixteen emoji": request("profile.set", name="\U0001f600" * 16),
    "dice with a point": request("dice.roll", dice=[{"sides": 6.0, "count": 2.0}], bonus=50.0),
    "a quarter": request("profile.set", name=" ", offset=-11.75, volume=5e-324),
    "a deep filter": request("rooms.find", where=json.loads('{"not":' * 40 + '{"field":"tag","is":true}' + "}" * 40)),
    "an auction that starts with null": opening(kind="auction", start=None, tags=[], labels={}),
    "a position far off": request("room.join", room="r1", **{"as": "A", "from": {"run": "0000", "at": 2**53 - 1}}),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_what_a_schema_allows_is_taken(name: str, stage: Stage) -> None:
    """Nothing but the schema decides."""
    async with stage.house() as talk:
        answers = await talk.ask(TAKEN[name])
        assert [code_of(answer) for answer in answers] in ([None], ["not_in_room"])
    assert not talk.faults


REFUSED: Mapping[str, tuple[str, Claims, int]] = {
    "another address": ("/", {}, 404),
    "a slash at the end": ("/house/", {}, 404),
    "a slash that is spelt": ("/floor%2Feast", {}, 404),
    "two slashes": ("//house", {}, 404),
    "another hall": ("/floor/south", {}, 404),
    "no hall": ("/floor/", {}, 404),
    "a slash behind the hall": ("/floor/east/", {}, 404),
    "no token": ("/house", None, 401),
    "no exp": ("/house", {"exp": None}, 401),
    "no sub": ("/house", {"sub": None}, 401),
    "an empty sub": ("/house", {"sub": ""}, 401),
    "expired": ("/house", {"exp": 1_700_000_000}, 401),
    "expired, on the floor": ("/floor/east", {"exp": 1_700_000_000}, 401),
    "no scope": ("/house", {"scope": None}, 403),
    "another scope": ("/house", {"scope": "rooms:watch rooms:playing"}, 403),
    "another language": ("/floor/east?lang=EN", {}, 422),
    "an empty language": ("/floor/east?lang=", {}, 422),
    "too fast": ("/floor/east?every=19", {}, 422),
    "no number": ("/floor/east?every=fast", {}, 422),
    "a badge too long": ("/floor/east?badge=AB1234", {}, 422),
    "a parameter twice": ("/floor/east?lang=de&lang=de", {}, 422),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_handshake_is_refused(name: str, stage: Stage) -> None:
    """Each has the HTTP status that the document says."""
    path, claims, status = REFUSED[name]
    text = None if claims is None else token(SECRET, **claims)
    with pytest.raises(InvalidStatus) as refused:
        async with talking(stage.told, stage.url, path, text):
            pass
    assert refused.value.response.status_code == status


@pytest.mark.parametrize("query", ["", "?lang=fr", "?every=20", "?every=1000&badge=AB123", "?other=1", "?lang=%65n"])
async def test_a_good_handshake_is_let_in(query: str, stage: Stage) -> None:
    """With a token or without one, and other scopes and claims beside."""
    async with stage.floor(f"/floor/north{query}") as talk:
        await talk.until(lambda frame: frame["kind"] == "announce")
    async with stage.floor(f"/floor/west{query}", scope=None, aud="x", iss="y", iat=1, nbf=2**40):
        pass
    async with stage.house(scope="a rooms:play b") as house:
        assert (await house.fence())[0]["op"] == "hello"


async def test_a_room_keeps_out_whom_it_is_not_for(stage: Stage) -> None:
    """By invitation, by key, and by its seats; a seat that is left is free again."""
    async with stage.house() as talk, stage.house(sub="another") as other:
        invited = await opened(talk, access={"mode": "invite", "guests": ["Bo"]})
        locked = await opened(talk, access={"mode": "key", "key": "ABCD"})
        small = await opened(talk, seats=2)
        for room, name, key, answer in (
            *((invited, "Ada", None, "room.refused"), (invited, "Bo", None, "room.joined")),
            *((locked, "Ada", None, "room.refused"), (locked, "Ada", "ABCD", "room.joined")),
            (small, "Ada", None, "room.joined"),
        ):
            args = {"room": room, "as": name, **({"key": key} if key is not None else {})}
            assert [frame["op"] for frame in await talk.call("room.join", args)] == [answer]
        async with stage.house() as third:
            assert (await third.call("room.join", {"room": small, "as": "Cy", "seat": 2}))[0]["result"]["seat"] == 2
            assert (await other.call("room.join", {"room": small, "as": "Di"}))[0]["op"] == "room.waiting"
            await third.call("room.leave", {"room": small})
        assert (await other.call("room.join", {"room": small, "as": "Di"}))[0]["op"] == "room.joined"
        assert code_of((await other.call("room.close", {"room": small}))[0]) == "not_yours"
        assert (await talk.call("room.close", {"room": small}))[0]["result"]["sent_away"] == 2
        assert await other.until(lambda frame: frame["op"] == "room.gone")
    assert not talk.faults
    assert not other.faults


async def test_a_renewed_token_counts(stage: Stage) -> None:
    """A bad one changes nothing, a good one lets the connection live longer, another user's ends it with 4403."""
    async with stage.house(exp=time.time() + 0.5) as talk:
        for text in ("x", token(SECRET, exp=1), token(SECRET, scope="a"), token(f"not {SECRET}")):
            answers = await talk.call("token.renew", {"token": text})
            assert [code_of(frame) for frame in answers] == ["bad_token"]
        until = time.time() + 1.2
        answers = await talk.call("token.renew", {"token": token(SECRET, exp=until)})
        assert answers[0]["result"] == {"until": until}
        await talk.until(lambda frame: False)
        assert time.time() >= until
    assert talk.code == 4401
    async with stage.house() as talk:
        await talk.call("token.renew", {"token": token(SECRET, sub="u-2")})
    assert talk.code == 4403


async def test_too_large_a_frame_ends_the_connection(stage: Stage) -> None:
    """65,536 bytes are taken, one more is not."""
    frame = json.dumps({"op": "ping", "req": 1, "x": ""})
    async with stage.house() as talk:
        assert await talk.ask(frame.replace('""', f'"{"x" * (65_536 - len(frame))}"'))
        await talk.ask(frame.replace('""', f'"{"x" * (65_537 - len(frame))}"'))
    assert talk.code == 1009


def test_a_room_keeps_its_last_events() -> None:
    """A position is good as long as all events after it are kept."""
    room = House().rooms["r1"]
    for number in range(RING + 10):
        room.happen({"is": "tick", "count": number + 1})
    assert room.after(room.run, 9) is None
    kept = room.after(room.run, 10)
    assert kept is not None
    assert [frame["data"]["at"] for frame in kept] == list(range(11, RING + 11))
    assert room.after(room.run, RING + 10) == []
    assert room.after(room.run, RING + 11) is None
    assert room.after("0000", RING) is None


def test_the_house_forgets_rooms_that_nobody_is_in() -> None:
    """There are never more than so many; the one that always stands stays."""
    house = House()
    for _ in range(MOST_ROOMS + 5):
        house.open("u-1", {"title": "x", "kind": "chat", "access": {"mode": "public"}})
    assert len(house.rooms) == MOST_ROOMS
    assert "r1" in house.rooms


async def test_the_server_runs_as_a_process(told: Told) -> None:
    """It prints its address, and takes the name of a mutant."""
    command = ["-m", "tests.contract.rooms.server", "--port", "0", "--secret", SECRET, "--mutant", "total-is-text"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        assert re.fullmatch(r"ws://127\.0\.0\.1:[0-9]+", url)
        assert await SCENES["total-is-text"](Stage(told, url, SECRET))
    finally:
        process.terminate()
        await process.communicate()
