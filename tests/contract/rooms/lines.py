"""Lines: a connection of each channel: reads its frames, does what they ask, and sends. It knows no handshake.

A frame is judged by the document's own schemas before anything else looks at it.
"""

import asyncio
import json
import math
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol

import jsonschema_rs

from tests.contract.rooms.door import SCOPE, Door, Entry, Holder, Refused
from tests.contract.rooms.house import Frame, House, Json, Room, lets_through, now

MOST_LEVELS = 100
OUTBOX = 20_000
"""Frames that wait for a slow reader before it is closed."""


class Socket(Protocol):
    """What a line needs of a WebSocket connection."""

    async def send(self, message: str | bytes, /) -> None:
        """Send a frame."""

    async def close(self, code: int, reason: str, /) -> None:
        """Close, and wait for the client's answer."""

    def abort(self) -> None:
        """Cut the TCP connection."""


@dataclass(frozen=True)
class Request:
    """A frame that fits its schema. `id` is None where it has none."""

    name: str
    id: Json
    args: Mapping[str, Json]


class Unfit(Exception):
    """A frame that is answered with an error: the id of the request, if it has one that is right, code and text."""

    def __init__(self, id_: Json, code: str, text: str) -> None:
        super().__init__(text)
        self.id = id_
        self.code = code
        self.text = text


class Failure(Exception):
    """A request that is right, and can't be done."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def walk(value: Json, level: int = 0) -> None:
    """Raise ValueError where a value holds what JSON can write and nobody can read."""
    if isinstance(value, list | dict) and level >= MOST_LEVELS:
        raise ValueError(f"more than {MOST_LEVELS} levels")
    if isinstance(value, str):
        value.encode()  # UnicodeEncodeError, a ValueError, for half of a pair
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number that no float can hold")
    elif isinstance(value, int):
        if abs(value) > sys.float_info.max:
            raise ValueError("a number that no float can hold")
    elif isinstance(value, list):
        for item in value:
            walk(item, level + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            walk(name, level)
            walk(item, level + 1)


def whole(value: Json) -> Json:
    """Return a value with 5 for 5.0: JSON Schema knows no difference, and Python does."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value


def rank(name: str, view: Mapping[str, Json]) -> Json:
    """Return by what a room is put in order; one without seats comes first."""
    return view[name] if view[name] is not None else 0


class Judge:
    """Reads the frames of one channel by the schemas of the document's messages."""

    def __init__(self, document: Json, channel: str, tag: str, id_schema: str) -> None:
        """`tag` is the member that tells messages apart, `id_schema` the name of the schema of request ids."""
        self.tag = tag
        self._ids = self._validator(document, f"#/components/schemas/{id_schema}")
        self.validators: dict[str, jsonschema_rs.Draft7Validator] = {}
        for operation in document["operations"].values():
            if operation["action"] == "receive" and operation["channel"]["$ref"] == f"#/channels/{channel}":
                for reference in operation["messages"]:
                    message = reference["$ref"].rpartition("/")[2]
                    payload = document["components"]["messages"][message]["payload"]
                    name = payload["properties"][tag]["const"]
                    pointer = f"#/components/messages/{message}/payload"
                    self.validators[name] = self._validator(document, pointer)

    def _validator(self, document: Json, pointer: str) -> jsonschema_rs.Draft7Validator:
        schema = {"$ref": pointer, "components": document["components"]}
        return jsonschema_rs.Draft7Validator(schema, validate_formats=True)

    def parse(self, data: str | bytes) -> Json:
        """Return the JSON of a frame; raises Unfit."""
        if isinstance(data, bytes):
            raise Unfit(None, "malformed", "Send text frames.")
        try:
            return json.loads(data, parse_constant=self._constant)
        except (ValueError, RecursionError):
            raise Unfit(None, "malformed", "This is no JSON.") from None

    def _constant(self, text: str) -> Json:
        raise ValueError(text)

    def is_id(self, value: Json) -> bool:
        """Tell whether a value is a request's id."""
        try:
            walk(value)
        except ValueError:
            return False
        return self._ids.is_valid(value)

    def name(self, frame: Json, id_: Json) -> str:
        """Return the name of a frame's request; raises Unfit."""
        try:
            walk(frame)
        except ValueError:
            raise Unfit(id_, "malformed", "The frame holds what nobody can read.") from None
        name = frame.get(self.tag) if isinstance(frame, dict) else None
        if not isinstance(name, str):
            raise Unfit(id_, "malformed", f"The frame has no {self.tag}.")
        if name not in self.validators:
            raise Unfit(id_, "unknown_op", "No request is called so.")
        return name

    def demand(self, name: str, frame: Json, id_: Json) -> None:
        """Raise Unfit where a frame breaks its schema."""
        if not self.validators[name].is_valid(frame):
            raise Unfit(id_, "malformed", f"The frame breaks the schema of {name}.")


class Line:
    """A connection: its outbox, its token, its frames."""

    tag: ClassVar[str]
    schema_of_ids: ClassVar[str]
    channel: ClassVar[str]

    def __init__(self, socket: Socket, entry: Entry, house: House, door: Door, judge: Judge) -> None:
        self.socket = socket
        self.entry = entry
        self.holder: Holder | None = entry.holder
        self.house = house
        self.door = door
        self.judge = judge
        self._outbox: asyncio.Queue[str | bytes | int] = asyncio.Queue(OUTBOX)
        self._renewed = asyncio.Event()

    # what goes out

    def push(self, frame: Frame) -> None:
        """Send a frame that nobody asked for."""
        self.send(frame)

    def send(self, frame: Frame) -> None:
        """Send a frame, after those before."""
        self.put(json.dumps(frame, ensure_ascii=False, allow_nan=False))

    def put(self, data: str | bytes | int) -> None:
        """Let a text or a binary frame follow those that wait, or a close with this code."""
        try:
            self._outbox.put_nowait(data)
        except asyncio.QueueFull:
            while not self._outbox.empty():
                self._outbox.get_nowait()
            self._outbox.put_nowait(4408)

    def close(self, code: int) -> None:
        """Close, after what waits."""
        self.put(code)

    async def write(self) -> None:
        """Send what waits, until the connection is closed."""
        while True:
            data = await self._outbox.get()
            if isinstance(data, int):
                await self.socket.close(data, "")
                return
            await self.socket.send(data)

    # the token

    async def expire(self) -> None:
        """Close when the token expires."""
        while self.holder is not None:
            self._renewed.clear()
            left = self.holder.until - time.time()
            if left <= 0:
                self.expired()
                return
            try:
                await asyncio.wait_for(self._renewed.wait(), min(left, 3600.0))
            except TimeoutError:
                continue

    def expired(self) -> None:
        """Do what is due when the token has expired."""
        self.close(4401)

    def renew(self, holder: Holder) -> None:
        """Live as long as another token."""
        self.holder = holder
        self._renewed.set()

    # what comes in

    def begin(self) -> None:
        """Do what is due before any frame comes."""

    def end(self) -> None:
        """Do what is due when the connection has ended."""

    async def pace(self) -> None:
        """Push by the clock, where this line does."""

    def id_of(self, frame: Json) -> Json:
        """Return a frame's id, None where it has none that is right."""
        raise NotImplementedError

    def args_of(self, frame: Json) -> Mapping[str, Json]:
        """Return what a frame that fits its schema asks with."""
        raise NotImplementedError

    def refuse(self, id_: Json, code: str, text: str) -> None:
        """Answer with an error."""
        raise NotImplementedError

    def do(self, request: Request) -> None:
        """Do what is asked, and answer; raises Failure."""
        raise NotImplementedError

    def read(self, data: str | bytes) -> Request:
        """Return the request that a frame is; raises Unfit."""
        frame = self.judge.parse(data)
        id_ = self.id_of(frame)
        name = self.judge.name(frame, id_)
        self.judge.demand(name, frame, id_)
        return Request(name, id_, whole(self.args_of(frame)))

    def receive(self, data: str | bytes) -> None:
        """Take a frame."""
        try:
            request = self.read(data)
        except Unfit as unfit:
            self.unfit(unfit)
            return
        self.handle(request)

    def unfit(self, unfit: Unfit) -> None:
        """Answer a frame that is not as the document has it."""
        self.refuse(unfit.id, unfit.code, unfit.text)

    def handle(self, request: Request) -> None:
        """Do what a request that fits asks."""
        try:
            self.do(request)
        except Failure as failure:
            self.refuse(request.id, failure.code, failure.text)


class HouseLine(Line):
    """A connection to the house."""

    tag = "op"
    schema_of_ids = "RequestId"
    channel = "house"

    def __init__(self, socket: Socket, entry: Entry, house: House, door: Door, judge: Judge) -> None:
        super().__init__(socket, entry, house, door, judge)
        assert entry.holder is not None, "nobody is in the house without a token"
        self.user = entry.holder.user
        self.profile: Mapping[str, Json] | None = None
        self._dice = random.Random(17)
        self._methods: Mapping[str, Callable[[Request], None]] = {
            "ping": self.ping,
            "room.open": self.open_room,
            "room.join": self.join_room,
            "room.leave": self.leave_room,
            "room.say": self.say,
            "room.close": self.close_room,
            "rooms.find": self.find_rooms,
            "lot.bid": self.bid,
            "dice.roll": self.roll,
            "profile.set": self.set_profile,
            "profile.get": self.get_profile,
            "token.renew": self.renew_token,
            "wave": self.wave,
        }

    def begin(self) -> None:
        data = {"user": self.user, "rooms": len(self.house.rooms), "time": now()}
        self.push({"op": "hello", "data": data})

    def end(self) -> None:
        self.house.part(self)

    def id_of(self, frame: Json) -> Json:
        id_ = frame.get("req") if isinstance(frame, dict) else None
        return id_ if self.judge.is_id(id_) else None

    def args_of(self, frame: Json) -> Mapping[str, Json]:
        return frame.get("args", {})  # type: ignore[no-any-return]  # it was checked by its schema

    def refuse(self, id_: Json, code: str, text: str) -> None:
        self.send({"op": "fault", "re": id_, "fault": {"code": code, "text": text}})

    def reply(self, request: Request, op: str, result: Json) -> None:
        """Answer a request."""
        self.send({"op": op, "re": request.id, "result": result})

    def do(self, request: Request) -> None:
        self._methods[request.name](request)

    # the operations

    def room(self, request: Request) -> Room:
        """Return the room that a request names."""
        room = self.house.rooms.get(request.args["room"])
        if room is None:
            raise Failure("no_such_room", "There is no such room.")
        return room

    def own_room(self, request: Request) -> Room:
        """Return the room that a request names, if this connection is in it."""
        room = self.house.rooms.get(request.args["room"])
        if room is None or self not in room.present:
            raise Failure("not_in_room", "This connection is not in the room.")
        return room

    def ping(self, request: Request) -> None:
        self.reply(request, "pong", {"time": now()})

    def open_room(self, request: Request) -> None:
        self.reply(request, "room.opened", self.house.open(self.user, request.args).view())

    def join_room(self, request: Request) -> None:
        room, args = self.room(request), request.args
        if self in room.present:
            raise Failure("already_in", "This connection is in the room already.")
        reason = self.unwelcome(room, args)
        if reason is not None:
            self.reply(request, "room.refused", {"room": room.name, "reason": reason})
            return
        seat = room.free_seat(args.get("seat"))
        if room.seats is not None and seat is None:
            self.reply(request, "room.waiting", {"room": room.name, "seats": room.seats})
            return
        self.admit(request, room, seat)

    def unwelcome(self, room: Room, args: Mapping[str, Json]) -> str | None:
        """Return why a room is not open to whom a request names, None where it is."""
        access = room.access
        if access["mode"] == "invite" and args["as"] not in access["guests"]:
            return "invite_only"
        if access["mode"] == "key" and args.get("key") != access["key"]:
            return "wrong_key"
        return None

    def admit(self, request: Request, room: Room, seat: int | None) -> None:
        """Answer, send what was missed, and put this connection into the room."""
        position: Json = request.args.get("from")
        missed = room.after(position["run"], position["at"]) if position is not None else None
        self.acknowledge(request, room, seat, missed)
        if missed is not None:
            self.replay(missed)
        elif position is not None:
            self.reset(room)
        self.push(room.state())
        self.house.enter(self, room, request.args["as"], seat)

    def acknowledge(self, request: Request, room: Room, seat: int | None, missed: list[Frame] | None) -> None:
        """Say at which position the events start."""
        position: Json = request.args.get("from")
        names = [member.name for member in room.present.values()][:19]
        self.reply(
            request,
            "room.joined",
            {
                "room": room.name,
                "seat": seat,
                "run": room.run,
                "at": position["at"] if missed is not None else room.at,
                "members": [request.args["as"], *names],
                **({"caught_up": missed is not None} if position is not None else {}),
            },
        )

    def replay(self, missed: list[Frame]) -> None:
        """Send what was missed."""
        for frame in missed:
            self.push(frame)

    def reset(self, room: Room) -> None:
        """Say that what was missed can't be had."""
        self.push({"op": "room.reset", "data": {"room": room.name, "run": room.run, "at": room.at}})

    def leave_room(self, request: Request) -> None:
        name = request.args["room"]
        room = self.house.rooms.get(name)
        member = self.house.leave(self, room) if room is not None else None
        if member is None:
            self.reply(request, "room.left", {"room": name, "left": False, "why": "not_in_room"})
            return
        stay = (self.house.ticks - member.since) * 25
        self.reply(request, "room.left", {"room": name, "left": True, "stay_ms": stay})

    def say(self, request: Request) -> None:
        room, text = self.own_room(request), request.args["text"]
        self.reply(request, "room.said", {"room": room.name, "text": text, "heard_by": len(room.present)})
        room.happen({"is": "said", "by": room.present[self].name, "text": text})

    def close_room(self, request: Request) -> None:
        room = self.room(request)
        if room.owner != self.user:
            raise Failure("not_yours", "Another user opened the room, or nobody.")
        gone = self.house.close(room, request.args.get("reason"))
        self.reply(request, "room.closed", {"room": room.name, "sent_away": gone})

    def find_rooms(self, request: Request) -> None:
        where, limit = request.args.get("where"), request.args.get("limit", 10)
        views = [room.view() for room in self.house.rooms.values()]
        views = [view for view in views if where is None or lets_through(where, view)]
        for name in reversed(request.args.get("order", [])):
            views.sort(key=partial(rank, name))
        self.reply(request, "rooms.found", {"rooms": views[:limit], "more": len(views) > limit})

    def bid(self, request: Request) -> None:
        room, amount = self.own_room(request), request.args["amount"]
        if room.args["kind"] != "auction":
            raise Failure("no_auction", "The room is no auction.")
        high = max(room.high or 0, room.args.get("start") or 0)
        if amount <= high:
            self.reply(request, "lot.outbid", {"room": room.name, "high": high})
            return
        room.high = amount
        self.reply(request, "lot.leading", {"room": room.name, "amount": amount})
        room.happen({"is": "bid", "by": room.present[self].name, "amount": amount})

    def roll(self, request: Request) -> None:
        rolls = [[self._dice.randint(1, die["sides"]) for _ in range(die["count"])] for die in request.args["dice"]]
        total = sum(map(sum, rolls)) + request.args.get("bonus", 0)
        self.reply(request, "dice.rolled", {"rolls": rolls, "total": total})

    def set_profile(self, request: Request) -> None:
        self.profile = request.args
        self.reply(request, "profile.kept", self.profile)

    def get_profile(self, request: Request) -> None:
        self.reply(request, "profile.is", self.profile)

    def renew_token(self, request: Request) -> None:
        try:
            holder = self.door.holder(request.args["token"])
        except Refused as refused:
            raise Failure("bad_token", refused.text) from None
        if SCOPE not in holder.scopes:
            raise Failure("bad_token", "The token lacks a scope.")
        if holder.user != self.user:
            self.close(4403)
            return
        self.renew(holder)
        self.reply(request, "token.renewed", {"until": holder.until})

    def wave(self, request: Request) -> None:
        room = self.house.rooms.get(request.args["room"])
        if room is not None and self in room.present:
            room.happen({"is": "waved", "by": room.present[self].name, "hand": request.args["hand"]})


class FloorLine(Line):
    """A connection to the floor of a hall."""

    tag = "kind"
    schema_of_ids = "Meta"
    channel = "floor"

    async def pace(self) -> None:
        number = 0
        while True:
            number += 1
            self.announce(number)
            await asyncio.sleep(self.entry.every_ms / 1000)

    def announce(self, number: int) -> None:
        """Announce a lot."""
        price = {"amount": number * 35 % 1000, "currency": ("EUR", "USD", "GBP")[number % 3]}
        body = {"hall": self.entry.hall, "number": number, "title": f"Lot {number}", "price": price, "until": now()}
        self.push({"kind": "announce", "body": body})

    def id_of(self, frame: Json) -> Json:
        meta: Json = frame.get("meta") if isinstance(frame, dict) else None
        return meta["ticket"] if self.judge.is_id(meta) else None

    def args_of(self, frame: Json) -> Mapping[str, Json]:
        return frame["body"]  # type: ignore[no-any-return]  # it was checked by its schema

    def refuse(self, id_: Json, code: str, text: str) -> None:
        self.respond(id_, "error", {"code": code, "text": text})

    def respond(self, id_: Json, kind: str, body: Frame) -> None:
        """Answer the request with this ticket; None for none."""
        meta = {"meta": {"ticket": id_}} if id_ is not None else {}
        self.send({"kind": kind, **meta, "body": body})

    def do(self, request: Request) -> None:
        if request.name == "ask":
            self.ask(request)
        else:
            self.tally(request)

    def ask(self, request: Request) -> None:
        about = request.args["about"]
        lines = [f"{about} {number + 1}." for number in range(request.args.get("lines", 3))]
        self.respond(request.id, "answer", {"about": about, "lang": self.entry.lang, "lines": lines})

    def tally(self, request: Request) -> None:
        values, unit = request.args["values"], request.args.get("unit")
        body = {
            "count": len(values),
            "sum": math.fsum(values),
            "least": min(values, default=None),
            "most": max(values, default=None),
            "unit": unit,
        }
        self.respond(request.id, "tallied", body)
