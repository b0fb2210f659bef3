"""Scenes: for each mutant a short conversation that shows its fault, and shows nothing with the right server.

They are written for a plain client; whoever looks for the faults in general has to find them without these.
"""

import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from websockets.exceptions import InvalidStatus, NegotiationError

from tests.contract.rooms.door import token
from tests.contract.rooms.talk import Frame, Talk, Told, events, talking


@dataclass(frozen=True)
class Stage:
    """A server that runs, and what is needed to speak to it."""

    told: Told
    url: str
    secret: str

    def house(self, **claims: Any) -> AbstractAsyncContextManager[Talk]:
        """Open a connection to the house, with these claims."""
        return talking(self.told, self.url, "/house", token(self.secret, **claims))

    def floor(self, path: str = "/floor/east", **claims: Any) -> AbstractAsyncContextManager[Talk]:
        """Open a connection to the floor; with a token where there are claims."""
        return talking(self.told, self.url, path, token(self.secret, **claims) if claims else None)

    async def lets_in(self, path: str, text: str | None) -> bool:
        """Tell whether a handshake with this token is let in."""
        try:
            async with talking(self.told, self.url, path, text):
                return True
        except InvalidStatus:
            return False

    async def chosen(self, path: str, *offered: str) -> str | None:
        """Return the subprotocol that is chosen; `unoffered` for one that wasn't offered."""
        try:
            async with talking(self.told, self.url, path, token(self.secret), offered) as talk:
                return talk.subprotocol
        except NegotiationError:
            return "unoffered"


Scene: TypeAlias = Callable[[Stage], Awaitable[bool]]
"""Plays a conversation; tells whether the fault was seen."""

JOIN: Frame = {"op": "room.join", "req": 2, "args": {"room": "r1", "as": "Ada"}}


def request(op: str, req: Any = 3, **args: Any) -> Frame:
    """Return a request with these arguments."""
    return {"op": op, "req": req, "args": args}


def opening(**args: Any) -> Frame:
    """Return a request for a room."""
    return request("room.open", **{"title": "A room", "kind": "chat", "access": {"mode": "public"}, **args})


def saying(**args: Any) -> Frame:
    """Return something to say in the standing room."""
    return request("room.say", **{"room": "r1", "text": "Hello", **args})


def code_of(frame: Frame) -> str | None:
    """Return the code of a frame that tells of an error."""
    told: Any = frame.get("fault", frame.get("body", {}))
    code: str | None = told.get("code")
    return code


# What was sent breaks its schema, or is none


def fault(kind: str, *sent: Frame) -> Scene:
    """Some frame is `invalid`, `undeclared` or has a bad `code` after these have been sent."""

    async def play(stage: Stage) -> bool:
        async with stage.house() as talk:
            for frame in sent:
                await talk.ask(frame)
        return kind in talk.faults

    return play


def floor_fault(kind: str, *sent: Frame | str) -> Scene:
    """The same on the floor."""

    async def play(stage: Stage) -> bool:
        async with stage.floor() as talk:
            for frame in sent:
                await talk.ask(frame)
        return kind in talk.faults

    return play


async def refused_by_key(stage: Stage) -> Talk:
    """Try to join a room with a wrong key."""
    async with stage.house() as talk:
        room = await opened(talk, access={"mode": "key", "key": "ABCD"})
        await talk.call("room.join", {"room": room, "as": "Ada", "key": "WXYZ"})
    return talk


async def opened(talk: Talk, **args: Any) -> str:
    """Open a room; return its name."""
    answers = await talk.ask(opening(**args))
    name: str = answers[0]["result"]["room"]
    return name.lower()


async def _reason_unknown(stage: Stage) -> bool:
    return "invalid" in (await refused_by_key(stage)).faults


async def _tick_of_nothing(stage: Stage) -> bool:
    async with stage.house() as talk:
        await talk.ask(JOIN)
        await ticks(talk, "r1", 25)
    return "invalid" in talk.faults


async def _south_hall(stage: Stage) -> bool:
    async with stage.floor("/floor/west?every=20") as talk:
        await talk.until(lambda frame: frame["kind"] == "announce" and frame["body"]["number"] == 8)
    return "invalid" in talk.faults


async def _no_reason(stage: Stage) -> bool:
    async with stage.house() as talk:
        room = await opened(talk)
        await talk.call("room.join", {"room": room, "as": "Ada"})
        await talk.call("room.close", {"room": room})
    return "invalid" in talk.faults


async def _known_user(stage: Stage) -> bool:
    async with stage.house(sub="comes again") as first:
        await first.fence()
    async with stage.house(sub="comes again") as again:
        await again.fence()
    return "invalid" in again.faults and not first.faults


# Replies


def answered(sent: Frame, fits: Callable[[list[Frame]], bool], *before: Frame) -> Scene:
    """The answers to a frame fit, after others have been sent."""

    async def play(stage: Stage) -> bool:
        async with stage.house() as talk:
            for frame in before:
                await talk.ask(frame)
            return fits(await talk.ask(sent))

    return play


def missing(sent: Frame, *before: Frame) -> Scene:
    """A frame has no answer."""
    return answered(sent, lambda answers: not answers, *before)


def with_id(expected: Any) -> Callable[[list[Frame]], bool]:
    """Return what tells whether no answer has the id that is expected."""
    return lambda answers: (
        bool(answers)
        and all(frame.get("re") != expected or type(frame.get("re")) is not type(expected) for frame in answers)
    )


def floor_ticket(kind: str, body: Frame) -> Scene:
    """The second of two answers on the floor has another ticket than its request."""

    async def play(stage: Stage) -> bool:
        async with stage.floor() as talk:
            found: list[Frame] = []
            for ticket in ("t-1", "t-2"):
                found = await talk.ask({"kind": kind, "meta": {"ticket": ticket}, "body": body})
            return len(found) == 1 and found[0].get("meta") != {"ticket": "t-2"}

    return play


def other_reply(expected: str) -> Callable[[list[Frame]], bool]:
    """Return what tells whether an answer is another message than expected."""
    return lambda answers: [frame["op"] for frame in answers] != [expected]


async def _closed_means_left(stage: Stage) -> bool:
    async with stage.house() as talk:
        room = await opened(talk)
        return other_reply("room.closed")(await talk.call("room.close", {"room": room}))


async def _unasked_pong(stage: Stage) -> bool:
    async with stage.house() as talk:
        await talk.ask(JOIN)
        await ticks(talk, "r1", 12)
        return any(frame["op"] == "pong" for frame in talk.frames)


async def _seventeenth(stage: Stage) -> bool:
    async with stage.house() as talk:
        for number in range(20):
            await talk.send({"op": "ping", "req": number})
        frames = await talk.fence()
        return [frame["re"] for frame in frames if frame["op"] == "pong"] != list(range(20))


async def _two_at_once(stage: Stage) -> bool:
    dice = request("dice.roll", dice=[{"sides": 6, "count": 1}])
    async with stage.house() as first, stage.house() as second:
        return len(await first.ask(dice)) == 1 and not await second.ask(dice)


async def _reply_to_the_other(stage: Stage) -> bool:
    async with stage.house() as first, stage.house() as second:
        await second.fence()
        mine = await first.call("profile.set", {"name": "Ada"})
        return not mine and any(frame["op"] == "profile.kept" for frame in await second.fence())


# Input


def refused(sent: Frame, *before: Frame) -> Scene:
    """A frame that fits is refused as malformed."""
    return answered(sent, lambda answers: any(code_of(frame) == "malformed" for frame in answers), *before)


def taken(sent: Frame, *before: Frame) -> Scene:
    """A frame that doesn't fit is not refused as malformed."""
    return answered(sent, lambda answers: all(code_of(frame) != "malformed" for frame in answers), *before)


def floor_refused(sent: Frame) -> Scene:
    """A frame that fits is refused on the floor."""

    async def play(stage: Stage) -> bool:
        async with stage.floor() as talk:
            return any(code_of(frame) == "malformed" for frame in await talk.ask(sent))

    return play


def floor_taken(sent: Frame) -> Scene:
    """A frame that doesn't fit is taken on the floor."""

    async def play(stage: Stage) -> bool:
        async with stage.floor() as talk:
            return all(code_of(frame) != "malformed" for frame in await talk.ask(sent))

    return play


def kills(sent: Frame | str, code: int) -> Scene:
    """A frame ends the connection, with this code."""

    async def play(stage: Stage) -> bool:
        async with stage.house() as talk:
            await talk.ask(sent)
            return talk.code == code

    return play


async def _floor_kills(stage: Stage) -> bool:
    async with stage.floor() as talk:
        await talk.ask("}")
        return talk.code == 1002


async def _binary_swallowed(stage: Stage) -> bool:
    async with stage.house() as talk:
        return not await talk.ask(b'{"op": "ping", "req": 1}')


# Ends


def ends_with(code: int | None, *, floor: bool = False) -> Scene:
    """A connection whose token has expired ends with this code; None where it doesn't end."""

    async def play(stage: Stage) -> bool:
        opening = stage.floor(exp=time.time() + 0.4) if floor else stage.house(exp=time.time() + 0.4)
        async with opening as talk:
            await talk.ended(1.4)  # half a second is what the document gives the server; the rest is for a busy machine
            return talk.code == code

    return play


async def _closes_with_3000(stage: Stage) -> bool:
    return (await refused_by_key(stage)).code == 3000


async def _cut(stage: Stage) -> bool:
    async with stage.house() as talk:
        await talk.ask({"op": "profile.get", "req": 1})
        return talk.code == 1006


async def _foreign_token(stage: Stage) -> bool:
    async with stage.house() as talk:
        answers = await talk.call("token.renew", {"token": token(stage.secret, sub="someone else")})
        return bool(answers) and talk.code is None


# The stream


async def ticks(talk: Talk, room: str, number: int) -> None:
    """Wait for so many more events of a room."""
    since = len(talk.frames)
    left = iter(range(number))
    await talk.until(
        lambda frame: bool(events([frame], room)) and next(left, None) is None,
        since,
    )


def stream_faults(frames: list[Frame], room: str) -> set[str]:
    """Return what is wrong with a room's events on one connection."""
    found: set[str] = set()
    held: int | None = None
    newest, run = 0, ""
    for frame in frames:
        told: Any = frame.get("data", frame.get("result"))
        if not isinstance(told, dict) or told.get("room") != room:
            continue
        if frame["op"] in ("room.joined", "room.reset"):
            held, newest, run = told["at"], told["at"], told["run"]
        elif frame["op"] == "room.left" and told["left"]:
            held = None
        elif frame["op"] in ("room.event", "room.state"):
            if held is None:
                found.add("outside")
                continue
            if told["run"] != run:
                found.add("epoch")
            if frame["op"] == "room.event":
                found |= {"hole"} if told["after"] > held else set()
                found |= {"double"} if told["at"] <= held else set()
                held = max(held, told["at"])
            elif told["at"] < newest:
                found.add("backward")
            newest = max(newest, told["at"])
    return found


def streaming(kind: str, number: int = 30) -> Scene:
    """Something is wrong with the first events of a room."""

    async def play(stage: Stage) -> bool:
        async with stage.house() as other:
            await other.ask(JOIN)
            await ticks(other, "r1", 5)
            async with stage.house() as talk:
                await talk.ask(JOIN)
                await ticks(talk, "r1", number)
                return kind in stream_faults(talk.frames, "r1")

    return play


async def resumed(stage: Stage, run: str | None = None) -> set[str]:
    """Come back, from an event that was not the last; return what is wrong. `run` is the one to name."""
    found: set[str] = set()
    async with stage.house() as before:
        await before.ask(JOIN)
        await ticks(before, "r1", 9)
    seen = events(before.frames, "r1")
    position = {"run": run or seen[2]["run"], "at": seen[2]["at"]}
    async with stage.house() as after:
        answers = await after.call("room.join", {"room": "r1", "as": "Ada", "from": position})
        ack = answers[0]["result"]
        if ack.get("caught_up") is None:
            return {"unanswered"}
        if ack["caught_up"] != (run is None):
            return {"wrong"}
        await ticks(after, "r1", 12)
    frames = after.frames[after.frames.index(answers[0]) + 1 :]
    if run is not None:
        return found if frames[0]["op"] == "room.reset" else {"no reset"}
    again = events(frames, "r1")
    expected = [position["at"] + number + 1 for number in range(len(again))]
    at = [event["at"] for event in again]
    if len(set(at)) < len(at):
        found.add("double")
    elif at != expected:
        found.add("skip")
    by_position = {event["at"]: event for event in again}
    if any(by_position.get(event["at"], event) != event for event in seen[3:]):
        found.add("differs")
    return found


def resuming(kind: str, run: str | None = None) -> Scene:
    """Something is wrong after coming back."""

    async def play(stage: Stage) -> bool:
        return kind in await resumed(stage, run)

    return play


async def _reset_lies(stage: Stage) -> bool:
    async with stage.house() as talk:
        await talk.call("room.join", {"room": "r1", "as": "Ada", "from": {"run": "0000", "at": 1}})
        await ticks(talk, "r1", 3)
        return "backward" in stream_faults(talk.frames, "r1")


async def _after_leaving(stage: Stage) -> bool:
    async with stage.house() as talk:
        await talk.ask(JOIN)
        await ticks(talk, "r1", 2)
        await talk.call("room.leave", {"room": "r1"})
        room = await opened(talk)
        await talk.call("room.join", {"room": room, "as": "Ada"})
        await ticks(talk, room, 5)  # all rooms tick at once
        return "outside" in stream_faults(talk.frames, "r1")


async def _anyones_events(stage: Stage) -> bool:
    async with stage.house() as talk, stage.house() as other:
        await other.ask(JOIN)
        room = await opened(talk)
        await talk.call("room.join", {"room": room, "as": "Ada"})
        await ticks(talk, room, 5)
        return "outside" in stream_faults(talk.frames, "r1")


async def _the_other_leaves(stage: Stage) -> bool:
    async with stage.house() as talk, stage.house() as other:
        await talk.ask(JOIN)
        await other.ask(JOIN)
        await talk.call("room.leave", {"room": "r1"})
        room = await opened(talk)
        await talk.call("room.join", {"room": room, "as": "Ada"})
        await ticks(talk, room, 5)
        return "outside" in stream_faults(talk.frames, "r1")


# The handshake


def let_in(path: str, make: Callable[[str], str | None]) -> Scene:
    """A handshake is let in; `make` gives its token, of the secret."""

    async def play(stage: Stage) -> bool:
        return await stage.lets_in(path, make(stage.secret))

    return play


def kept_out(path: str, make: Callable[[str], str | None]) -> Scene:
    """A handshake is refused."""

    async def play(stage: Stage) -> bool:
        return not await stage.lets_in(path, make(stage.secret))

    return play


def good(secret: str) -> str:
    """Return a good token."""
    return token(secret)


def none(secret: str) -> None:
    """Return no token."""
    del secret


def foreign(secret: str) -> str:
    """Return a token that another secret has signed."""
    return token(f"not {secret}")


def unsigned(secret: str) -> str:
    """Return a token with the algorithm none."""
    payload = token(secret).split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{header}.{payload}."


def chooses(expected: str | None, *offered: str) -> Scene:
    """A subprotocol is chosen other than expected."""

    async def play(stage: Stage) -> bool:
        return await stage.chosen("/house", *offered) != expected

    return play


_DEEP = {"not": {"field": "title", "is": "x" * 41}}
_PROFILE: Frame = {"name": "Ada", "email": "ada@example.org", "verified": True}

SCENES: Mapping[str, Scene] = MappingProxyType(
    {
        "total-is-text": fault("invalid", request("dice.roll", dice=[{"sides": 6, "count": 1}])),
        "members-missing": fault("invalid", JOIN),
        "said-has-more": fault("invalid", JOIN, saying()),
        "reason-unknown": _reason_unknown,
        "time-is-prose": fault("invalid", {"op": "ping", "req": 1}),
        "room-in-capitals": fault("invalid", opening()),
        "found-twice": fault("invalid", request("rooms.find")),
        "left-is-both": fault("invalid", request("room.leave", room="r1")),
        "tick-counts-from-nothing": _tick_of_nothing,
        "south-hall": _south_hall,
        "nobody-left-a-reason": _no_reason,
        "negative-is-text": fault("invalid", request("dice.roll", dice=[{"sides": 6, "count": 1}], bonus=-1)),
        "three-in-order": fault(
            "invalid",
            request("dice.roll", dice=[{"sides": 6, "count": 1}]),
            request("profile.set", name="Ada"),
            {"op": "profile.get", "req": 1},
        ),
        "open-join-close": _no_reason,
        "known-user": _known_user,
        "typing-is-told": fault("undeclared", JOIN, saying()),
        "plain-text-at-join": fault("undeclared", JOIN),
        "binary-pong": fault("undeclared", {"op": "ping", "req": 1}),
        "quotes-by-hand": fault("undeclared", JOIN, saying(text='So "good"')),
        "least-of-nothing": floor_fault("undeclared", {"kind": "tally", "body": {"values": []}}),
        "reply-without-id": answered({"op": "ping", "req": 1}, with_id(1)),
        "ticket-forgotten": floor_ticket("tally", {"values": [1]}),
        "first-ticket-again": floor_ticket("ask", {"about": "lots"}),
        "previous-id": answered({"op": "profile.get", "req": 5}, with_id(5), {"op": "ping", "req": 4}),
        "id-becomes-text": answered(
            request("lot.bid", 5, room="r1", amount=5), with_id(5), JOIN, request("lot.bid", 4, room="r1", amount=500)
        ),
        "failure-without-id": answered(request("room.join", 5, room="r999999", **{"as": "Ada"}), with_id(5)),
        "late-find": missing(request("rooms.find")),
        "closed-means-left": _closed_means_left,
        "opened-means-closed": answered(opening(seats=8), other_reply("room.opened")),
        "said-twice": answered(saying(), lambda answers: len(answers) == 2, JOIN),
        "kept-twice": answered(request("profile.set", **_PROFILE), lambda answers: len(answers) == 2),
        "stranger-unanswered": missing(request("room.leave", room="r1")),
        "unasked-pong": _unasked_pong,
        "wave-is-answered": answered({"op": "wave", "args": {"room": "r1", "hand": "left"}}, bool, JOIN),
        "reused-id-ignored": missing({"op": "ping", "req": 1}, {"op": "ping", "req": 1}),
        "emoji-unanswered": missing(saying(text="\U0001f600"), JOIN),
        "seventeenth-frame": _seventeenth,
        "two-at-once": _two_at_once,
        "reply-to-the-other": _reply_to_the_other,
        "highest-bid-refused": refused(request("lot.bid", room="r1", amount=1_000_000), JOIN),
        "lowest-bonus-refused": refused(request("dice.roll", dice=[{"sides": 4, "count": 10}], bonus=-50)),
        "longest-text-refused": refused(saying(text="x" * 200), JOIN),
        "no-values-refused": floor_refused({"kind": "tally", "body": {"values": []}}),
        "null-seat-refused": refused(request("room.join", room="r1", seat=None, **{"as": "Ada"})),
        "mood-by-number-refused": refused(saying(mood=5), JOIN),
        "key-refused": refused(opening(access={"mode": "key", "key": "AB12"})),
        "limit-demanded": refused(request("rooms.find")),
        "text-id-refused": refused({"op": "ping", "req": "a-1"}),
        "nod-refused": refused({"op": "wave", "args": {"room": "r1", "hand": None}}),
        "blank-is-missing": refused(request("room.join", room="r1", **{"as": " \t"})),
        "length-in-utf-16": refused(request("profile.set", name="\U0001f600" * 9)),
        "open-args-closed": refused(request("room.leave", room="r1", why="tired")),
        "empty-title-taken": taken(opening(title="")),
        "long-reason-taken": taken(request("room.close", room="r1", reason="x" * 81)),
        "long-note-taken": taken(request("lot.bid", room="r1", amount=5, note="x" * 61)),
        "limit-unlimited": taken(request("rooms.find", limit=51)),
        "odd-bid-taken": taken(request("lot.bid", room="r1", amount=7)),
        "any-color-taken": taken(saying(style={"color": "red"})),
        "any-sides-taken": taken(request("dice.roll", dice=[{"sides": 5, "count": 1}])),
        "about-anything": floor_taken({"kind": "ask", "body": {"about": "weather"}}),
        "auction-without-start": taken(opening(kind="auction")),
        "email-unverified": taken(request("profile.set", name="Ada", email="ada@example.org")),
        "nameless-profile": taken(request("profile.set", verified=True)),
        "ping-without-id": taken({"op": "ping"}),
        "style-may-have-more": taken(saying(style={"bold": True, "blink": True})),
        "frame-may-have-more": taken({**saying(), "urgent": True}),
        "bold-is-anything": taken(saying(style={"bold": "yes"})),
        "mentions-twice": taken(saying(mentions=["Bo", "Bo"])),
        "no-mentions": taken(saying(mentions=[])),
        "many-guests": taken(opening(access={"mode": "invite", "guests": list("ABCDEFG")})),
        "many-labels": taken(opening(labels={"a": 1, "b": 2, "c": 3, "d": 4, "e": 5})),
        "silent-volume": taken(request("profile.set", name="Ada", volume=0)),
        "deep-filter-unread": taken(request("rooms.find", where=_DEEP)),
        "room-need-not-be": taken(request("room.leave", room="the red one")),
        "unit-of-nothing": floor_taken({"kind": "tally", "body": {"values": [1], "unit": ""}}),
        "garbage-closes": kills("}", 1007),
        "wrong-args-crash": kills(request("room.leave"), 1011),
        "unknown-op-cuts": kills({"op": "dance", "req": 1}, 1006),
        "floor-garbage-closes": _floor_kills,
        "bad-frame-swallowed": missing(request("room.leave")),
        "binary-swallowed": _binary_swallowed,
        "bad-wave-swallowed": missing({"op": "wave", "args": {"room": "r1"}}),
        "error-code-undeclared": fault("code", request("room.close", room="r999999")),
        "floor-code-undeclared": floor_fault("code", "}"),
        "expiry-undeclared": ends_with(4999),
        "wrong-key-closes": _closes_with_3000,
        "cut-without-profile": _cut,
        "token-kept": ends_with(None),
        "token-kept-on-floor": ends_with(None, floor=True),
        "foreign-token-taken": _foreign_token,
        "prev-lies": streaming("hole"),
        "event-lost": streaming("hole"),
        "event-twice": streaming("double"),
        "events-swapped": streaming("hole"),
        "state-falls": streaming("backward"),
        "ack-late": streaming("outside", 3),
        "ack-ahead": streaming("double", 3),
        "ack-behind": streaming("hole", 3),
        "epoch-changes": streaming("epoch"),
        "ack-of-another-epoch": streaming("epoch", 3),
        "resume-skips": resuming("skip"),
        "resume-doubles": resuming("double"),
        "resume-differs": resuming("differs"),
        "resume-unanswered": resuming("unanswered"),
        "no-reset": resuming("no reset", "0000"),
        "any-run-recovered": resuming("wrong", "0000"),
        "reset-lies": _reset_lies,
        "after-leaving": _after_leaving,
        "anyones-events": _anyones_events,
        "the-other-leaves": _the_other_leaves,
        "no-token-needed": let_in("/house", none),
        "garbage-token-taken": let_in("/house", lambda _: "garbage"),
        "signature-unread": let_in("/house", foreign),
        "algorithm-none": let_in("/house", unsigned),
        "expired-token-taken": let_in("/house", lambda secret: token(secret, exp=int(time.time()) - 60)),
        "scope-unread": let_in("/house", lambda secret: token(secret, scope=None)),
        "scope-by-prefix": let_in("/house", lambda secret: token(secret, scope="rooms:watch")),
        "bad-token-on-floor": let_in("/floor/east", foreign),
        "slash-at-the-end": let_in("/house/", good),
        "any-address": let_in("/home", good),
        "any-hall": let_in("/floor/south", none),
        "any-language": let_in("/floor/east?lang=eo", none),
        "any-pace": let_in("/floor/east?every=1001", none),
        "any-badge": let_in("/floor/east?badge=A123", none),
        "second-scope-refused": kept_out("/house", lambda secret: token(secret, scope="rooms:watch rooms:play")),
        "token-needed-on-floor": kept_out("/floor/east", none),
        "north-refused": kept_out("/floor/north", none),
        "slowest-refused": kept_out("/floor/east?every=1000", none),
        "subprotocol-unoffered": chooses(None),
        "subprotocol-first": chooses("rooms.v2", "rooms.v1", "rooms.v2"),
        "subprotocol-none": chooses("rooms.v2", "rooms.v2"),
    }
)
