"""Mutants: faulty rooms servers. Each breaks one promise of the document, and is otherwise right.

A mutant is the server with one part put in another's place (`parts.Parts`). They were written from the document alone;
nothing here knows who looks for the faults.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import jwt

from tests.contract.rooms.door import HALLS, SUBPROTOCOL, Door, Holder, Refused
from tests.contract.rooms.house import Frame, Guest, House, Json, Member, Room
from tests.contract.rooms.lines import Failure, FloorLine, HouseLine, Request, Unfit
from tests.contract.rooms.parts import Parts

LATE_S = 5.0


@dataclass(frozen=True)
class Mutant:
    """A faulty server.

    `breaks` is the promise of the document that it breaks, `rules` the names that a finding of it may rightly have.
    """

    name: str
    breaks: str
    rules: frozenset[str]
    parts: Parts


# What comes in: the schemas by which it is judged are changed


def _place(document: Json, way: str) -> Json:
    """Return a schema. A way is the name of a message or schema, then names of members, or of keywords."""
    first, *names = way.split("/")
    components = document["components"]
    place = (
        components["messages"][first]["payload"] if first in components["messages"] else components["schemas"][first]
    )
    for name in names:
        if isinstance(place, list):
            place = place[int(name)]
        elif name in place.get("properties", {}):
            place = place["properties"][name]
        else:
            place = place[name]
    return place


def without(way: str, *keywords: str) -> Parts:
    """Return a server that doesn't look at some keywords of a schema."""

    def edit(document: Json) -> None:
        place = _place(document, way)
        for keyword in keywords:
            del place[keyword]

    return Parts(edit=edit)


def having(way: str, **keywords: Json) -> Parts:
    """Return a server that judges by other keywords than a schema has."""

    def edit(document: Json) -> None:
        _place(document, way).update(keywords)

    return Parts(edit=edit)


def instead(way: str, schema: Json) -> Parts:
    """Return a server that judges by another schema."""

    def edit(document: Json) -> None:
        place = _place(document, way)
        place.clear()
        place.update(schema)

    return Parts(edit=edit)


# What goes out


def telling(op: str, change: Callable[[Frame], Iterable[Frame]]) -> Parts:
    """Return a server that sends others in the place of the house's frames with an `op`."""

    class Telling(HouseLine):
        def send(self, frame: Frame) -> None:
            for told in change(frame) if frame["op"] == op else (frame,):
                super().send(told)

    return Parts(house_line=Telling)


def result(**members: Json) -> Callable[[Frame], Iterable[Frame]]:
    """Return a change that sets members of the result."""
    return lambda frame: ({**frame, "result": {**frame["result"], **members}},)


def lacking(*names: str) -> Callable[[Frame], Iterable[Frame]]:
    """Return a change that leaves members of the result out."""

    def change(frame: Frame) -> Iterable[Frame]:
        return ({**frame, "result": {name: value for name, value in frame["result"].items() if name not in names}},)

    return change


def data(frame: Frame, **members: Json) -> Frame:
    """Return a pushed frame with other members in its data."""
    return {**frame, "data": {**frame["data"], **members}}


class TextsOnTheWay(HouseLine):
    """What all those that don't send JSON have in common: a text is put as it is."""

    def note(self, text: str) -> None:
        self.put(text)


class TypingIsTold(HouseLine):
    def say(self, request: Request) -> None:
        super().say(request)
        self.send({"op": "room.typing", "data": {"room": request.args["room"]}})


class PlainTextAtJoin(TextsOnTheWay):
    def admit(self, request: Request, room: Room, seat: int | None) -> None:
        super().admit(request, room, seat)
        self.note(f"welcome to {room.name}")


class BinaryPong(HouseLine):
    def send(self, frame: Frame) -> None:
        if frame["op"] == "pong":
            self.put(json.dumps(frame).encode())
        else:
            super().send(frame)


class QuotesByHand(TextsOnTheWay):
    def reply(self, request: Request, op: str, result: Json) -> None:
        if op == "room.said" and '"' in result["text"]:
            id_, text = json.dumps(request.id), result["text"]
            said = f'"room": "{result["room"]}", "text": "{text}", "heard_by": {result["heard_by"]}'
            self.note(f'{{"op": "room.said", "re": {id_}, "result": {{{said}}}}}')
        else:
            super().reply(request, op, result)


class LeastOfNothing(FloorLine):
    def send(self, frame: Frame) -> None:
        if frame["kind"] == "tallied" and frame["body"]["count"] == 0:
            frame["body"].update(least=float("inf"), most=float("-inf"))
            self.put(json.dumps(frame))
        else:
            super().send(frame)


class TicketsForgotten(FloorLine):
    def respond(self, id_: Json, kind: str, body: Frame) -> None:
        super().respond(None if kind == "tallied" else id_, kind, body)


class FirstTicketAgain(FloorLine):
    first: Json = None

    def respond(self, id_: Json, kind: str, body: Frame) -> None:
        if kind != "error":
            self.first = id_ = self.first or id_
        super().respond(id_, kind, body)


class FloorCodeUndeclared(FloorLine):
    def unfit(self, unfit: Unfit) -> None:
        self.refuse(unfit.id, "bad_frame" if unfit.code == "malformed" else unfit.code, unfit.text)


class OtherHall(FloorLine):
    def announce(self, number: int) -> None:
        if number % 7 == 0:
            self.entry, real = replace(self.entry, hall="south"), self.entry
            super().announce(number)
            self.entry = real
        else:
            super().announce(number)


# Replies


class PreviousId(HouseLine):
    previous: Json = 0

    def reply(self, request: Request, op: str, result: Json) -> None:
        id_, self.previous = self.previous, request.id
        super().reply(replace(request, id=id_) if op == "profile.is" else request, op, result)


class IdsAreText(HouseLine):
    def reply(self, request: Request, op: str, result: Json) -> None:
        super().reply(replace(request, id=str(request.id)) if op == "lot.outbid" else request, op, result)


class FailuresWithoutId(HouseLine):
    def handle(self, request: Request) -> None:
        try:
            self.do(request)
        except Failure as failure:
            self.refuse(None, failure.code, failure.text)


class LateFind(HouseLine):
    def find_rooms(self, request: Request) -> None:
        asyncio.get_running_loop().call_later(LATE_S, super().find_rooms, request)


class OtherReply(HouseLine):
    def close_room(self, request: Request) -> None:
        room = self.room(request)
        if room.owner != self.user:
            raise Failure("not_yours", "Another user opened the room, or nobody.")
        self.house.close(room, request.args.get("reason"))
        self.reply(request, "room.left", {"room": room.name, "left": True, "stay_ms": 0})


class NoReplyToStrangers(HouseLine):
    def leave_room(self, request: Request) -> None:
        room = self.house.rooms.get(request.args["room"])
        if room is not None and self in room.present:
            super().leave_room(request)


class UnaskedPong(HouseLine):
    told = 0

    def push(self, frame: Frame) -> None:
        super().push(frame)
        self.told += 1
        if self.told % 10 == 0:
            self.send({"op": "pong", "re": 2_000_000_000, "result": {"time": "2026-11-02T09:30:00.125Z"}})


class WaveIsAnswered(HouseLine):
    def wave(self, request: Request) -> None:
        super().wave(request)
        self.send({"op": "room.said", "re": 0, "result": {"room": request.args["room"], "text": "o/", "heard_by": 1}})


class ReusedIdsIgnored(HouseLine):
    def begin(self) -> None:
        super().begin()
        self.used: set[str] = set()

    def handle(self, request: Request) -> None:
        known = json.dumps(request.id)
        if request.id is None or known not in self.used:
            self.used.add(known)
            super().handle(request)


class Crowd(House):
    """A house that knows its lines, for faults that lie between connections."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[HouseLine] = []
        self.users: set[str] = set()
        self.crowds: dict[str, set[Guest]] = {}


class Crowded(HouseLine):
    """A line in such a house."""

    @property
    def crowd(self) -> Crowd:
        assert isinstance(self.house, Crowd)
        return self.house

    def begin(self) -> None:
        self.crowd.lines.append(self)
        super().begin()

    def end(self) -> None:
        self.crowd.lines.remove(self)
        super().end()


class ReplyToTheOther(Crowded):
    def set_profile(self, request: Request) -> None:
        self.profile = request.args
        others = [line for line in self.crowd.lines if line is not self]
        receiver = others[-1] if others else self
        receiver.reply(request, "profile.kept", request.args)


class AnyonesEvents(Crowded):
    """Whoever has been in any room gets the events of all."""

    def push(self, frame: Frame) -> None:
        super().push(frame)
        if frame["op"] == "room.event":
            room = self.house.rooms.get(frame["data"]["room"])
            if room is not None and next(iter(room.present), None) is self:
                for line in self.crowd.lines:
                    elsewhere = any(line in other.present for other in self.house.rooms.values())
                    if elsewhere and line not in room.present:
                        line.send(frame)


class LeavingForAll(Crowded):
    """Leaving takes only the connection's newest twin out, since both have the same user."""

    def leave_room(self, request: Request) -> None:
        room = self.house.rooms.get(request.args["room"])
        if room is None or self not in room.present:
            super().leave_room(request)
            return
        twins = [line for line in self.crowd.lines if line.user == self.user and line in room.present]
        self.house.leave(twins[-1], room)
        self.reply(request, "room.left", {"room": room.name, "left": True, "stay_ms": 0})


class TwoAtOnce(Crowded):
    def roll(self, request: Request) -> None:
        if len(self.crowd.lines) > 1 and self.crowd.lines[0] is not self:
            return
        super().roll(request)


class KnownUser(Crowded):
    def push(self, frame: Frame) -> None:
        if frame["op"] == "hello" and self.user in self.crowd.users:
            frame = data(frame, rooms=str(frame["data"]["rooms"]))
        super().push(frame)

    def end(self) -> None:
        self.crowd.users.add(self.user)
        super().end()


# Faults that show only sometimes


class SeventeenthFrame(HouseLine):
    frames = 0

    def receive(self, data: str | bytes) -> None:
        self.frames += 1
        if self.frames != 17:
            super().receive(data)


class ThreeInOrder(HouseLine):
    done: tuple[str, ...] = ()

    def handle(self, request: Request) -> None:
        self.done = (*self.done[-2:], request.name)
        super().handle(request)

    def reply(self, request: Request, op: str, result: Json) -> None:
        if self.done == ("dice.roll", "profile.set", "profile.get"):
            result = {**result, "rolled": True}
        super().reply(request, op, result)


class OpenJoinClose(HouseLine):
    def close_room(self, request: Request) -> None:
        room = self.room(request)
        self.was_in = self in room.present and room.owner == self.user
        super().close_room(request)

    def reply(self, request: Request, op: str, result: Json) -> None:
        if op == "room.closed" and self.was_in:
            result = {"room": result["room"]}
        super().reply(request, op, result)


class EmojiUnanswered(HouseLine):
    def say(self, request: Request) -> None:
        if all(ord(letter) < 0x10000 for letter in request.args["text"]):
            super().say(request)


class NegativeIsText(HouseLine):
    def roll(self, request: Request) -> None:
        self.negative = request.args.get("bonus", 0) < 0
        super().roll(request)

    def reply(self, request: Request, op: str, result: Json) -> None:
        if op == "dice.rolled" and self.negative:
            result = {**result, "total": f"{result['total']}"}
        super().reply(request, op, result)


class BlankIsMissing(HouseLine):
    def read(self, data: str | bytes) -> Request:
        request = super().read(data)
        if request.name == "room.join" and not request.args["as"].strip():
            raise Unfit(request.id, "malformed", "as is missing.")
        return request


class Utf16Length(HouseLine):
    def read(self, data: str | bytes) -> Request:
        request = super().read(data)
        if request.name == "profile.set" and len(request.args["name"].encode("utf-16-le")) > 32:
            raise Unfit(request.id, "malformed", "name is too long.")
        return request


class ReasonOnlyWhereGiven(HouseLine):
    def push(self, frame: Frame) -> None:
        if frame["op"] == "room.gone" and frame["data"]["reason"] is None:
            frame = {**frame, "data": {"room": frame["data"]["room"]}}
        super().push(frame)


# Bad frames


class CrashOnGarbage(HouseLine):
    def unfit(self, unfit: Unfit) -> None:
        self.close(1007)


class CrashOnWrongArgs(HouseLine):
    def unfit(self, unfit: Unfit) -> None:
        if unfit.id is not None and unfit.code == "malformed":
            self.close(1011)
        else:
            super().unfit(unfit)


class CutOnUnknown(HouseLine):
    def unfit(self, unfit: Unfit) -> None:
        if unfit.code == "unknown_op":
            self.socket.abort()
        else:
            super().unfit(unfit)


class KillOnFloor(FloorLine):
    def unfit(self, unfit: Unfit) -> None:
        self.close(1002)


class Swallows(HouseLine):
    def unfit(self, unfit: Unfit) -> None:
        if unfit.id is None or unfit.code != "malformed":
            super().unfit(unfit)


class SwallowsBinary(HouseLine):
    def receive(self, data: str | bytes) -> None:
        if isinstance(data, str):
            super().receive(data)


class SwallowsBadWaves(HouseLine):
    def read(self, data: str | bytes) -> Request:
        self.waving = isinstance(data, str) and '"wave"' in data
        return super().read(data)

    def unfit(self, unfit: Unfit) -> None:
        if not self.waving:
            super().unfit(unfit)


class CodeUndeclared(HouseLine):
    def refuse(self, id_: Json, code: str, text: str) -> None:
        super().refuse(id_, "no_such_thing" if code == "no_such_room" else code, text)


# Ends of connections


class CloseUndeclared(HouseLine):
    def expired(self) -> None:
        self.close(4999)


class CloseAfterWrongKey(HouseLine):
    def reply(self, request: Request, op: str, result: Json) -> None:
        super().reply(request, op, result)
        if op == "room.refused":
            self.close(3000)


class CutWithoutProfile(HouseLine):
    def get_profile(self, request: Request) -> None:
        if self.profile is None:
            self.socket.abort()
        else:
            super().get_profile(request)


class TokenKept(HouseLine):
    def expired(self) -> None:
        pass


class TokenKeptOnFloor(FloorLine):
    def expired(self) -> None:
        pass


class ForeignTokenTaken(HouseLine):
    def renew_token(self, request: Request) -> None:
        holder = self.door.holder(request.args["token"]) if self.would_do(request) else None
        if holder is not None and holder.user != self.user:
            self.renew(holder)
            self.reply(request, "token.renewed", {"until": holder.until})
        else:
            super().renew_token(request)

    def would_do(self, request: Request) -> bool:
        try:
            self.door.demand_scope(self.door.holder(request.args["token"]))
        except Refused:
            return False
        return True


# The stream


class Counting(HouseLine):
    """What all those have in common that fail at some event of a connection."""

    events = 0

    def push(self, frame: Frame) -> None:
        if frame["op"] == "room.event":
            self.events += 1
            for told in self.told(frame):
                super().push(told)
        else:
            super().push(frame)

    def told(self, frame: Frame) -> Iterable[Frame]:
        return (frame,)


class PrevLies(Counting):
    def told(self, frame: Frame) -> Iterable[Frame]:
        return (data(frame, after=frame["data"]["at"]) if self.events % 10 == 0 else frame,)


class EventLost(Counting):
    def told(self, frame: Frame) -> Iterable[Frame]:
        return () if self.events % 15 == 0 else (frame,)


class EventTwice(Counting):
    def told(self, frame: Frame) -> Iterable[Frame]:
        return (frame, frame) if self.events % 10 == 0 else (frame,)


class EventsSwapped(Counting):
    held: Frame | None = None

    def told(self, frame: Frame) -> Iterable[Frame]:
        if self.events % 10 == 4:
            self.held = frame
            return ()
        held, self.held = self.held, None
        return (frame,) if held is None else (frame, held)


class EpochChanges(Counting):
    def told(self, frame: Frame) -> Iterable[Frame]:
        return (data(frame, run="ffff") if self.events > 12 else frame,)


class StateFalls(HouseLine):
    states = 0

    def push(self, frame: Frame) -> None:
        if frame["op"] == "room.state":
            self.states += 1
            if self.states % 2 == 0:
                frame = data(frame, at=max(0, frame["data"]["at"] - 20))
        super().push(frame)


class AckLate(HouseLine):
    def admit(self, request: Request, room: Room, seat: int | None) -> None:
        if "from" in request.args:
            super().admit(request, room, seat)
            return
        at = room.at
        self.push(room.state())
        self.house.enter(self, room, request.args["as"], seat)
        room.at, now = at, room.at
        self.acknowledge(request, room, seat, None)
        room.at = now


class AckAhead(HouseLine):
    def acknowledge(self, request: Request, room: Room, seat: int | None, missed: list[Frame] | None) -> None:
        room.at += 5
        super().acknowledge(request, room, seat, missed)
        room.at -= 5


class AckBehind(HouseLine):
    def acknowledge(self, request: Request, room: Room, seat: int | None, missed: list[Frame] | None) -> None:
        at = room.at
        room.at = max(0, at - 3)
        super().acknowledge(request, room, seat, missed)
        room.at = at


class AckOfOtherEpoch(HouseLine):
    def acknowledge(self, request: Request, room: Room, seat: int | None, missed: list[Frame] | None) -> None:
        run, room.run = room.run, "0bad"
        super().acknowledge(request, room, seat, missed)
        room.run = run


class ResumeSkips(HouseLine):
    def replay(self, missed: list[Frame]) -> None:
        super().replay(missed[1:])


class ResumeDoubles(HouseLine):
    def replay(self, missed: list[Frame]) -> None:
        super().replay([*missed[:1], *missed])


class ResumeDiffers(HouseLine):
    def replay(self, missed: list[Frame]) -> None:
        super().replay([data(frame, what={"is": "tick", "count": 1}) for frame in missed])


class ResumeUnanswered(HouseLine):
    def admit(self, request: Request, room: Room, seat: int | None) -> None:
        args = {name: value for name, value in request.args.items() if name != "from"}
        super().admit(replace(request, args=args), room, seat)


class NoReset(HouseLine):
    def reset(self, room: Room) -> None:
        pass


class AnyRunRecovered(HouseLine):
    def admit(self, request: Request, room: Room, seat: int | None) -> None:
        position = request.args.get("from")
        if position is not None and position["run"] != room.run:
            args = {**request.args, "from": {"run": room.run, "at": room.at}}
            request = replace(request, args=args)
        super().admit(request, room, seat)


class ResetLies(HouseLine):
    def reset(self, room: Room) -> None:
        self.push({"op": "room.reset", "data": {"room": room.name, "run": room.run, "at": room.at + 1000}})


class AfterLeaving(House):
    """A guest who leaves hears of the room a little longer."""

    def __init__(self) -> None:
        super().__init__()
        self._gone: list[tuple[Guest, Room, int]] = []

    def leave(self, guest: Guest, room: Room) -> Member | None:
        member = super().leave(guest, room)
        if member is not None:
            self._gone.append((guest, room, self.ticks + 3))
        return member

    def tick(self) -> None:
        super().tick()
        self._gone = [entry for entry in self._gone if self.ticks <= entry[2]]
        for guest, room, _ in self._gone:
            if guest not in room.present and room.ring:
                guest.push(room.ring[-1])


class BadTickCount(House):
    def tick(self) -> None:
        super().tick()
        if self.ticks % 20 == 0:
            for room in self.rooms.values():
                if room.present:
                    room.happen({"is": "tick", "count": 0})


# The handshake


class NoTokenNeeded(Door):
    def without_token(self, channel: str) -> Holder | None:
        return Holder("nobody", 1e12, frozenset())


class GarbageTaken(Door):
    def claims(self, text: str) -> Mapping[str, Any]:
        try:
            jwt.decode(text, options={"verify_signature": False})
        except jwt.PyJWTError:
            return {"sub": "somebody", "exp": 1e12, "scope": "rooms:play"}
        return super().claims(text)


class AnySignature(Door):
    def claims(self, text: str) -> Mapping[str, Any]:
        try:
            if jwt.get_unverified_header(text).get("alg") == "HS256":
                return jwt.decode(text, options={"verify_signature": False})
        except jwt.PyJWTError:
            pass
        return super().claims(text)


class AlgorithmNone(Door):
    def claims(self, text: str) -> Mapping[str, Any]:
        try:
            if str(jwt.get_unverified_header(text).get("alg")).lower() == "none":
                return jwt.decode(text, options={"verify_signature": False})
        except jwt.PyJWTError:
            pass
        return super().claims(text)


class ExpiredTaken(Door):
    def holder(self, text: str) -> Holder:
        try:
            return super().holder(text)
        except Refused:
            claims = self.claims(text)
            exp, sub, scope = claims.get("exp"), claims.get("sub"), claims.get("scope", "")
            if not isinstance(exp, int | float) or not isinstance(sub, str) or not isinstance(scope, str):
                raise
            return Holder(sub, 1e12, frozenset(scope.split()))


class NoScopeNeeded(Door):
    def demand_scope(self, holder: Holder) -> None:
        pass


class ScopeBeginsAlike(Door):
    def demand_scope(self, holder: Holder) -> None:
        if not any(scope.startswith("rooms:") for scope in holder.scopes):
            super().demand_scope(holder)


class BadTokenOnFloor(Door):
    def holder_for(self, channel: str, authorization: str | None) -> Holder | None:
        try:
            return super().holder_for(channel, authorization)
        except Refused:
            if channel == "floor":
                return None
            raise


class OneScopeOnly(Door):
    """The claim is compared as a text: a token with more scopes is refused."""

    def demand_scope(self, holder: Holder) -> None:
        if len(holder.scopes) != 1:
            raise Refused(403, "The token has no scope rooms:play.")
        super().demand_scope(holder)


class TokenNeededOnFloor(Door):
    def without_token(self, channel: str) -> Holder | None:
        raise Refused(401, "A token is missing.")


class SlashAtTheEnd(Door):
    def address(self, path: str) -> tuple[Literal["house", "floor"], str]:
        return super().address(path.rstrip("/"))


class AnyAddress(Door):
    def address(self, path: str) -> tuple[Literal["house", "floor"], str]:
        try:
            return super().address(path)
        except Refused:
            if path.startswith("/floor"):
                raise
            return "house", ""


class AnyHall(Door):
    def is_hall(self, hall: str) -> bool:
        return True


class NorthIsRefused(Door):
    def is_hall(self, hall: str) -> bool:
        return hall in HALLS[:2]


class AnyLanguage(Door):
    def is_lang(self, value: str) -> bool:
        return True


class AnyPace(Door):
    def is_every(self, value: str) -> bool:
        return super().is_every(value) or (
            value.isascii() and value.isdigit() and len(value) < 10 and int(value) > 1000
        )


class AnyBadge(Door):
    def is_badge(self, value: str) -> bool:
        return True


class SlowestIsRefused(Door):
    def is_every(self, value: str) -> bool:
        return super().is_every(value) and int(value) < 1000


class ChoosesUnoffered(Door):
    def subprotocol(self, channel: str, offered: Sequence[str]) -> str | None:
        return SUBPROTOCOL if channel == "house" else None


class ChoosesFirst(Door):
    def subprotocol(self, channel: str, offered: Sequence[str]) -> str | None:
        return next(iter(offered), None)


class ChoosesNone(Door):
    def subprotocol(self, channel: str, offered: Sequence[str]) -> str | None:
        return None


def _house(line: type[HouseLine]) -> Parts:
    return Parts(house_line=line)


def _crowd(line: type[Crowded]) -> Parts:
    return Parts(house=Crowd, house_line=line)


def _floor(line: type[FloorLine]) -> Parts:
    return Parts(floor_line=line)


def _door(door: type[Door]) -> Parts:
    return Parts(door=door)


def _mutant(name: str, breaks: str, rules: str, parts: Parts) -> Mutant:
    return Mutant(name, breaks, frozenset(rules.split()), parts)


_LOOSE_FILTER: Json = {
    "anyOf": [
        {"$ref": "#/components/schemas/Filter"},
        {
            "type": "object",
            "required": ["field", "is"],
            "properties": {"field": {"enum": ["title", "kind", "seats", "tag"]}, "is": {"type": "string"}},
        },
    ]
}

_ALL = (
    # frames that break their schemas
    _mutant(
        "total-is-text",
        "`total` of dice.rolled is an integer; here it is a text.",
        "frame-invalid",
        telling("dice.rolled", lambda frame: result(total=str(frame["result"]["total"]))(frame)),
    ),
    _mutant(
        "members-missing",
        "room.joined has to have `members`; here it lacks them.",
        "frame-invalid",
        telling("room.joined", lacking("members")),
    ),
    _mutant(
        "said-has-more",
        "The result of room.said has no other members than the listed; here it has `ms`.",
        "frame-invalid",
        telling("room.said", result(ms=3)),
    ),
    _mutant(
        "reason-unknown",
        "`reason` of room.refused is invite_only or wrong_key; here it is `not_welcome`.",
        "frame-invalid",
        telling("room.refused", result(reason="not_welcome")),
    ),
    _mutant(
        "time-is-prose",
        "`time` of pong is a date-time; here it is `just now`.",
        "frame-invalid",
        telling("pong", result(time="just now")),
    ),
    _mutant(
        "room-in-capitals",
        "A room's name begins with a small r; room.opened names `R2`.",
        "frame-invalid",
        telling("room.opened", lambda frame: result(room=frame["result"]["room"].upper())(frame)),
    ),
    _mutant(
        "found-twice",
        "The rooms of rooms.found are all different; here the first is listed twice.",
        "frame-invalid",
        telling("rooms.found", lambda frame: result(rooms=[*frame["result"]["rooms"][:1] * 2])(frame)),
    ),
    _mutant(
        "left-is-both",
        "The result of room.left fits one of two forms; here `left` is false and `stay_ms` is there.",
        "frame-invalid",
        telling("room.left", lambda frame: result(left=False, stay_ms=0)(frame)),
    ),
    _mutant(
        "tick-counts-from-nothing",
        "A tick's `count` is 1 or more; every twentieth tick here has a twin with 0.",
        "frame-invalid",
        Parts(house=BadTickCount),
    ),
    _mutant(
        "south-hall",
        "`hall` of announce is east, west or north; every seventh here says south.",
        "frame-invalid",
        _floor(OtherHall),
    ),
    _mutant(
        "nobody-left-a-reason",
        "room.gone has to have `reason`, null for none; here it lacks it where the closing had none.",
        "frame-invalid",
        _house(ReasonOnlyWhereGiven),
    ),
    _mutant(
        "negative-is-text",
        "`total` of dice.rolled is an integer; here it is a text where the bonus is negative.",
        "frame-invalid",
        _house(NegativeIsText),
    ),
    _mutant(
        "three-in-order",
        "A profile has no member `rolled`; here profile.is has it right after dice.roll and profile.set.",
        "frame-invalid",
        _house(ThreeInOrder),
    ),
    _mutant(
        "open-join-close",
        "room.closed has to have `sent_away`; here it lacks it where who closes is in the room.",
        "frame-invalid",
        _house(OpenJoinClose),
    ),
    _mutant(
        "known-user",
        "`rooms` of hello is an integer; here it is a text for a user whose earlier connection has ended.",
        "frame-invalid",
        _crowd(KnownUser),
    ),
    # frames that nobody declared
    _mutant(
        "typing-is-told",
        "The house has no message `room.typing`; here it comes after each room.said.",
        "frame-undeclared",
        _house(TypingIsTold),
    ),
    _mutant(
        "plain-text-at-join",
        "All frames are JSON; here a plain text greets who joins.",
        "frame-undeclared",
        _house(PlainTextAtJoin),
    ),
    _mutant(
        "binary-pong",
        "Frames are JSON in text frames; here pong comes in a binary one.",
        "frame-undeclared reply-missing",
        _house(BinaryPong),
    ),
    _mutant(
        "quotes-by-hand",
        "All frames are JSON; here room.said isn't where the text has a quotation mark.",
        "frame-undeclared reply-missing",
        _house(QuotesByHand),
    ),
    _mutant(
        "least-of-nothing",
        "`least` is a number or null; here it is Infinity, which is no JSON, where no values were sent.",
        "frame-undeclared frame-invalid reply-missing",
        _floor(LeastOfNothing),
    ),
    # replies
    _mutant(
        "reply-without-id",
        "`re` of pong repeats the request's `req`; here pong has none.",
        "reply-id frame-invalid",
        telling("pong", lambda frame: ({"op": "pong", "result": frame["result"]},)),
    ),
    _mutant(
        "ticket-forgotten",
        "tallied repeats the ticket of its request; here it never has one.",
        "reply-id",
        _floor(TicketsForgotten),
    ),
    _mutant(
        "first-ticket-again",
        "A reply repeats the ticket of its request; here it has the connection's first ticket.",
        "reply-id",
        _floor(FirstTicketAgain),
    ),
    _mutant(
        "previous-id",
        "`re` repeats the request's `req`; here that of profile.is is the one of the reply before.",
        "reply-id",
        _house(PreviousId),
    ),
    _mutant(
        "id-becomes-text",
        "`re` repeats the request's `req`; here lot.outbid makes a text of a number.",
        "reply-id",
        _house(IdsAreText),
    ),
    _mutant(
        "failure-without-id",
        "A fault repeats the request's id; here it is null where the request was right and couldn't be done.",
        "reply-id",
        _house(FailuresWithoutId),
    ),
    _mutant("late-find", "A reply comes within a second; rooms.found after five.", "reply-late", _house(LateFind)),
    _mutant(
        "closed-means-left",
        "room.close is answered by room.closed; here room.left comes, which is the reply of another operation.",
        "reply-wrong",
        _house(OtherReply),
    ),
    _mutant(
        "opened-means-closed",
        "room.open is answered by room.opened; here room.closed comes for a room of eight seats.",
        "reply-wrong",
        telling(
            "room.opened",
            lambda frame: (
                {"op": "room.closed", "re": frame["re"], "result": {"room": frame["result"]["room"], "sent_away": 0}}
                if frame["result"]["seats"] == 8
                else frame,
            ),
        ),
    ),
    _mutant(
        "said-twice",
        "A request has one reply; here room.say has two.",
        "reply-twice",
        telling("room.said", lambda frame: (frame, frame)),
    ),
    _mutant(
        "kept-twice",
        "A request has one reply; here profile.set has two where the profile has an email.",
        "reply-twice",
        telling("profile.kept", lambda frame: (frame, frame) if "email" in frame["result"] else (frame,)),
    ),
    _mutant(
        "stranger-unanswered",
        "room.leave is answered also where the connection isn't in the room; here it isn't.",
        "reply-missing",
        _house(NoReplyToStrangers),
    ),
    _mutant(
        "unasked-pong",
        "pong is only ever a reply; here one comes after every ten pushes, unasked.",
        "reply-unasked",
        _house(UnaskedPong),
    ),
    _mutant(
        "wave-is-answered",
        "wave has no reply; here a room.said comes for it.",
        "reply-unasked reply-wrong",
        _house(WaveIsAnswered),
    ),
    _mutant(
        "reused-id-ignored",
        "The same `req` may be used again; here a request with a `req` of the connection's past has no reply.",
        "reply-missing",
        _house(ReusedIdsIgnored),
    ),
    _mutant(
        "emoji-unanswered",
        "room.say is answered by room.said; here not where the text has a character beyond the first 65,536.",
        "reply-missing",
        _house(EmojiUnanswered),
    ),
    _mutant(
        "seventeenth-frame",
        "Every request is answered; here the seventeenth frame of a connection is lost.",
        "reply-missing invalid-ignored",
        _house(SeventeenthFrame),
    ),
    _mutant(
        "two-at-once",
        "dice.roll is answered by dice.rolled; here not on a connection beside which an older one is open.",
        "reply-missing",
        _crowd(TwoAtOnce),
    ),
    _mutant(
        "reply-to-the-other",
        "A reply goes over the connection of its request; here profile.kept goes over the newest other one.",
        "reply-missing reply-unasked",
        _crowd(ReplyToTheOther),
    ),
    # input that is right
    _mutant(
        "highest-bid-refused",
        "`amount` may be 1,000,000; here that is malformed.",
        "valid-refused",
        having("lotBid/args/amount", exclusiveMaximum=1000000),
    ),
    _mutant(
        "lowest-bonus-refused",
        "`bonus` may be -50; here that is malformed.",
        "valid-refused",
        having("diceRoll/args/bonus", minimum=-49),
    ),
    _mutant(
        "longest-text-refused",
        "`text` may have 200 characters; here 199 are the most.",
        "valid-refused",
        having("Saying", maxLength=199),
    ),
    _mutant(
        "no-values-refused",
        "`values` of tally may be empty; here that is malformed.",
        "valid-refused",
        having("tally/body/values", minItems=1),
    ),
    _mutant(
        "null-seat-refused",
        "`seat` of room.join may be null; here that is malformed.",
        "valid-refused",
        having("RoomJoinArgs/seat", type="integer"),
    ),
    _mutant(
        "mood-by-number-refused",
        "`mood` may be a number; here only the text is taken, the union's first branch.",
        "valid-refused",
        having("roomSay/args/mood", anyOf=[{"type": "string", "enum": ["calm", "merry", "cross"]}]),
    ),
    _mutant(
        "key-refused",
        "`access` may be by a key; here that third branch is malformed.",
        "valid-refused",
        having("Access/oneOf/2", required=["mode", "key", "guests"]),
    ),
    _mutant(
        "limit-demanded",
        "`limit` of rooms.find may be left out; here that is malformed.",
        "valid-refused",
        having("roomsFind/args", required=["limit"]),
    ),
    _mutant(
        "text-id-refused",
        "`req` may be a text; here that is malformed.",
        "valid-refused",
        having("RequestId", oneOf=[{"type": "integer", "minimum": 0, "maximum": 2147483647}]),
    ),
    _mutant(
        "nod-refused",
        "`hand` of wave may be null; here that is malformed.",
        "valid-refused",
        having("Hand", type="string"),
    ),
    _mutant(
        "blank-is-missing",
        "`as` may be any text; here one of blanks alone is malformed.",
        "valid-refused",
        _house(BlankIsMissing),
    ),
    _mutant(
        "length-in-utf-16",
        "`name` may have 16 characters, of any kind; here emoji count as two.",
        "valid-refused",
        _house(Utf16Length),
    ),
    _mutant(
        "open-args-closed",
        "`args` of room.leave may have members that it doesn't list; here they are malformed.",
        "valid-refused",
        having("roomLeave/args", additionalProperties=False),
    ),
    # input that is wrong
    _mutant(
        "empty-title-taken",
        "`title` has one character at least; here none is enough.",
        "invalid-accepted frame-invalid",
        without("RoomOpenArgs/title", "minLength"),
    ),
    _mutant(
        "long-reason-taken",
        "`reason` of room.close has 80 characters at most; here it may have more.",
        "invalid-accepted frame-invalid",
        without("roomClose/args/reason", "maxLength"),
    ),
    _mutant(
        "long-note-taken",
        "`note` of lot.bid has 60 characters at most; here it may have more.",
        "invalid-accepted",
        without("lotBid/args/note", "maxLength"),
    ),
    _mutant(
        "limit-unlimited",
        "`limit` of rooms.find is 50 at most; here it may be more.",
        "invalid-accepted",
        without("roomsFind/args/limit", "maximum"),
    ),
    _mutant(
        "odd-bid-taken",
        "`amount` is a multiple of 5; here any integer is taken.",
        "invalid-accepted frame-invalid",
        without("lotBid/args/amount", "multipleOf"),
    ),
    _mutant(
        "any-color-taken",
        "`color` is # and six digits; here it is any text.",
        "invalid-accepted",
        without("roomSay/args/style/color", "pattern"),
    ),
    _mutant(
        "any-sides-taken",
        "Dice have 4, 6, 8, 12 or 20 sides; here they may have any number.",
        "invalid-accepted frame-invalid",
        instead("diceRoll/args/dice/items/sides", {"type": "integer", "minimum": 1}),
    ),
    _mutant(
        "about-anything",
        "`about` of ask is lots, rules or time; here it is any text.",
        "invalid-accepted frame-invalid",
        without("ask/body/about", "enum"),
    ),
    _mutant(
        "auction-without-start",
        "An auction has to have `start`; here it may lack it.",
        "invalid-accepted",
        without("RoomOpenArgs", "then"),
    ),
    _mutant(
        "email-unverified",
        "A profile with `email` has to have `verified`; here it may lack it.",
        "invalid-accepted frame-invalid",
        without("Profile", "dependencies"),
    ),
    _mutant(
        "nameless-profile",
        "A profile has to have `name`; here it may lack it.",
        "invalid-accepted frame-invalid",
        without("Profile", "required"),
    ),
    _mutant(
        "ping-without-id",
        "ping has to have `req`; here one without is answered too, with `re` null.",
        "invalid-accepted frame-invalid",
        having("ping", required=["op"]),
    ),
    _mutant(
        "style-may-have-more",
        "`style` has no other members than `bold` and `color`; here it may.",
        "invalid-accepted",
        without("roomSay/args/style", "additionalProperties"),
    ),
    _mutant(
        "frame-may-have-more",
        "A frame of room.say has no other members than op, req and args; here it may.",
        "invalid-accepted",
        without("roomSay", "additionalProperties"),
    ),
    _mutant(
        "bold-is-anything",
        "`bold` is a boolean; here it is anything.",
        "invalid-accepted",
        without("roomSay/args/style/bold", "type"),
    ),
    _mutant(
        "mentions-twice",
        "`mentions` are all different; here they may repeat.",
        "invalid-accepted",
        without("roomSay/args/mentions", "uniqueItems"),
    ),
    _mutant(
        "no-mentions",
        "`mentions` are one at least; here there may be none.",
        "invalid-accepted",
        without("roomSay/args/mentions", "minItems"),
    ),
    _mutant(
        "many-guests",
        "`guests` are six at most; here they may be more.",
        "invalid-accepted",
        without("Access/oneOf/1/guests", "maxItems"),
    ),
    _mutant(
        "many-labels",
        "`labels` are four at most, with names of small letters; here any.",
        "invalid-accepted frame-invalid",
        without("Labels", "maxProperties", "propertyNames"),
    ),
    _mutant(
        "silent-volume",
        "`volume` is above 0; here 0 is taken.",
        "invalid-accepted frame-invalid",
        having("Profile/volume", exclusiveMinimum=-0.5),
    ),
    _mutant(
        "deep-filter-unread",
        "A filter is one of four forms, at any depth; within `not` a longer text and other members are taken here.",
        "invalid-accepted",
        instead("Filter/oneOf/2/not", _LOOSE_FILTER),
    ),
    _mutant(
        "room-need-not-be",
        "room.leave has to have a `room` that fits its pattern; here it may be any text.",
        "invalid-accepted frame-invalid",
        instead("roomLeave/args/room", {"type": "string"}),
    ),
    _mutant(
        "unit-of-nothing",
        "`unit` of tally has one character at least; here none is enough.",
        "invalid-accepted frame-invalid",
        without("tally/body/unit", "minLength"),
    ),
    _mutant(
        "garbage-closes",
        "A bad frame never ends a connection; here each does, with 1007.",
        "invalid-kills",
        _house(CrashOnGarbage),
    ),
    _mutant(
        "wrong-args-crash",
        "A bad frame never ends a connection; here one with an id and wrong members does, with 1011.",
        "invalid-kills",
        _house(CrashOnWrongArgs),
    ),
    _mutant(
        "unknown-op-cuts",
        "A bad frame never ends a connection; here an unknown `op` cuts it without a close frame.",
        "invalid-kills connection-lost",
        _house(CutOnUnknown),
    ),
    _mutant(
        "floor-garbage-closes",
        "A bad frame never ends a connection; on this floor each does, with 1002.",
        "invalid-kills",
        _floor(KillOnFloor),
    ),
    _mutant(
        "bad-frame-swallowed",
        "A bad frame is answered; here not where it has an id.",
        "invalid-ignored",
        _house(Swallows),
    ),
    _mutant(
        "binary-swallowed",
        "A binary frame is answered as malformed; here it is dropped.",
        "invalid-ignored",
        _house(SwallowsBinary),
    ),
    _mutant(
        "bad-wave-swallowed",
        "wave is answered where it is malformed; here it never is.",
        "invalid-ignored",
        _house(SwallowsBadWaves),
    ),
    _mutant(
        "error-code-undeclared",
        "Codes are those of x-error-codes; here no_such_room is called no_such_thing.",
        "error-code",
        _house(CodeUndeclared),
    ),
    _mutant(
        "floor-code-undeclared",
        "Codes are those of x-error-codes; on this floor malformed is called bad_frame.",
        "error-code",
        _floor(FloorCodeUndeclared),
    ),
    # ends
    _mutant(
        "expiry-undeclared",
        "Close codes are those of x-close-codes; here an expired token ends with 4999.",
        "close-code",
        _house(CloseUndeclared),
    ),
    _mutant(
        "wrong-key-closes",
        "Close codes are those of x-close-codes; here who may not join is closed with 3000, after the reply.",
        "close-code",
        _house(CloseAfterWrongKey),
    ),
    _mutant(
        "cut-without-profile",
        "profile.get is answered with null where nothing was set; here the TCP connection is cut.",
        "connection-lost",
        _house(CutWithoutProfile),
    ),
    _mutant(
        "token-kept",
        "A connection whose token expires is closed with 4401; here it lives on.",
        "token-kept",
        _house(TokenKept),
    ),
    _mutant(
        "token-kept-on-floor",
        "A connection whose token expires is closed with 4401; on this floor it lives on.",
        "token-kept",
        _floor(TokenKeptOnFloor),
    ),
    _mutant(
        "foreign-token-taken",
        "A renewal by a token of another `sub` ends the connection with 4403; here it is taken.",
        "token-kept",
        _house(ForeignTokenTaken),
    ),
    # the stream
    _mutant(
        "prev-lies",
        "`after` is the `at` of the event before; every tenth here names its own.",
        "stream-hole",
        _house(PrevLies),
    ),
    _mutant(
        "event-lost",
        "No event of a room is left out; every fifteenth is here.",
        "stream-hole",
        _house(EventLost),
    ),
    _mutant(
        "event-twice",
        "An event comes once; every tenth comes twice here.",
        "stream-double",
        _house(EventTwice),
    ),
    _mutant(
        "events-swapped",
        "Events come in the order of `at`; here every tenth comes after the next.",
        "stream-hole stream-double stream-backward",
        _house(EventsSwapped),
    ),
    _mutant(
        "state-falls",
        "The `at` of room.state never falls; here every second is 20 too low.",
        "stream-backward",
        _house(StateFalls),
    ),
    _mutant(
        "ack-late",
        "Events begin after room.joined; here the first come before it.",
        "stream-ack-late",
        _house(AckLate),
    ),
    _mutant(
        "ack-ahead",
        "`at` of room.joined is where the events start; here it is 5 too high.",
        "stream-backward stream-double",
        _house(AckAhead),
    ),
    _mutant(
        "ack-behind",
        "`at` of room.joined is where the events start; here it is 3 too low, and the events between never come.",
        "stream-backward stream-hole",
        _house(AckBehind),
    ),
    _mutant(
        "epoch-changes",
        "`run` changes by room.reset alone; here it does after twelve events.",
        "stream-epoch",
        _house(EpochChanges),
    ),
    _mutant(
        "ack-of-another-epoch",
        "room.joined names the run of the events that follow; here another.",
        "stream-epoch",
        _house(AckOfOtherEpoch),
    ),
    _mutant(
        "resume-skips",
        "With `caught_up` true all missed events come; here not the first.",
        "stream-resume stream-hole",
        _house(ResumeSkips),
    ),
    _mutant(
        "resume-doubles",
        "With `caught_up` true each missed event comes once; here the first comes twice.",
        "stream-resume stream-double",
        _house(ResumeDoubles),
    ),
    _mutant(
        "resume-differs",
        "With `caught_up` true the missed events come as they were; here all are a first tick.",
        "stream-resume",
        _house(ResumeDiffers),
    ),
    _mutant(
        "resume-unanswered",
        "`caught_up` is there where the request has `from`; here never, and nothing missed comes.",
        "stream-resume",
        _house(ResumeUnanswered),
    ),
    _mutant(
        "no-reset",
        "Where `caught_up` is false room.reset follows; here it doesn't.",
        "stream-resume",
        _house(NoReset),
    ),
    _mutant(
        "any-run-recovered",
        "A position of another run is none; here `caught_up` is true for it.",
        "stream-resume",
        _house(AnyRunRecovered),
    ),
    _mutant(
        "reset-lies",
        "room.reset carries the position from which the events go on; here it is 1000 too high.",
        "stream-backward stream-double stream-resume",
        _house(ResetLies),
    ),
    _mutant(
        "after-leaving",
        "No event follows the reply to room.leave; here three do.",
        "stream-unsubscribed",
        Parts(house=AfterLeaving),
    ),
    _mutant(
        "anyones-events",
        "Events come of rooms that this connection is in; here who is in one room gets those of all.",
        "stream-unsubscribed",
        _crowd(AnyonesEvents),
    ),
    _mutant(
        "the-other-leaves",
        "Being in a room belongs to one connection; here room.leave takes the user's newest connection out of it.",
        "stream-unsubscribed",
        _crowd(LeavingForAll),
    ),
    # the handshake
    _mutant(
        "no-token-needed", "The house wants a token; here it needs none.", "handshake-accepted", _door(NoTokenNeeded)
    ),
    _mutant(
        "garbage-token-taken",
        "A token is a JWT; here a text that is none is taken.",
        "handshake-accepted",
        _door(GarbageTaken),
    ),
    _mutant(
        "signature-unread",
        "A token is signed with the secret; here its signature isn't checked.",
        "handshake-accepted",
        _door(AnySignature),
    ),
    _mutant(
        "algorithm-none",
        "A token is signed with HS256; here one with the algorithm none is taken.",
        "handshake-accepted",
        _door(AlgorithmNone),
    ),
    _mutant(
        "expired-token-taken",
        "An expired token is refused; here it is let in, and stays.",
        "handshake-accepted",
        _door(ExpiredTaken),
    ),
    _mutant(
        "scope-unread",
        "The house wants the scope rooms:play; here any token is let in.",
        "handshake-accepted",
        _door(NoScopeNeeded),
    ),
    _mutant(
        "scope-by-prefix",
        "The house wants the scope rooms:play; here any that begins with `rooms:` will do.",
        "handshake-accepted",
        _door(ScopeBeginsAlike),
    ),
    _mutant(
        "bad-token-on-floor",
        "The floor needs no token, but checks one that is sent; here a bad one is let in.",
        "handshake-accepted",
        _door(BadTokenOnFloor),
    ),
    _mutant(
        "slash-at-the-end",
        "There is no address with a slash at its end; here there is.",
        "handshake-accepted",
        _door(SlashAtTheEnd),
    ),
    _mutant("any-address", "The house is at /house; here it is everywhere.", "handshake-accepted", _door(AnyAddress)),
    _mutant("any-hall", "There are three halls; here any.", "handshake-accepted frame-invalid", _door(AnyHall)),
    _mutant(
        "any-language",
        "`lang` is en, de or fr; here any text.",
        "handshake-accepted frame-invalid",
        _door(AnyLanguage),
    ),
    _mutant("any-pace", "`every` is 1000 at most; here it may be more.", "handshake-accepted", _door(AnyPace)),
    _mutant("any-badge", "`badge` has a pattern; here it is any text.", "handshake-accepted", _door(AnyBadge)),
    _mutant(
        "second-scope-refused",
        "`scope` is a text of names with blanks between; here a token with more than one is refused.",
        "handshake-refused",
        _door(OneScopeOnly),
    ),
    _mutant(
        "token-needed-on-floor",
        "The floor wants no token; here a handshake without one is refused.",
        "handshake-refused",
        _door(TokenNeededOnFloor),
    ),
    _mutant("north-refused", "There is a hall north; here it is refused.", "handshake-refused", _door(NorthIsRefused)),
    _mutant(
        "slowest-refused", "`every` may be 1000; here that is refused.", "handshake-refused", _door(SlowestIsRefused)
    ),
    _mutant(
        "subprotocol-unoffered",
        "A subprotocol is chosen where it is offered; here rooms.v2 is chosen in any case.",
        "handshake-subprotocol",
        _door(ChoosesUnoffered),
    ),
    _mutant(
        "subprotocol-first",
        "Only rooms.v2 is chosen; here whatever is offered first.",
        "handshake-subprotocol",
        _door(ChoosesFirst),
    ),
    _mutant(
        "subprotocol-none",
        "rooms.v2 is chosen where it is offered; here it never is.",
        "handshake-subprotocol",
        _door(ChoosesNone),
    ),
)

MUTANTS: Mapping[str, Mutant] = MappingProxyType({mutant.name: mutant for mutant in _ALL})
