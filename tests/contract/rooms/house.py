"""House: the rooms, who is in them, and what happened there. It knows no socket and no token.

Everything here happens at once, without an await: what a member is sent has the order in which it happened.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Protocol, TypeAlias

Frame: TypeAlias = dict[str, Any]
Json: TypeAlias = Any

MOST_ROOMS = 2000
RING = 400
"""Events of a room that can be had again."""
TICK_S = 0.025
STATE_EVERY = 8
"""Ticks between two states of a room."""
AWAKE_TICKS = 400
"""Ticks for which a room goes on when nobody is in."""
LOT_TICKS = 200
"""Ticks after which a lot goes to its highest bidder, and the next begins."""


def now() -> str:
    """Return the time, as RFC 3339 has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Guest(Protocol):
    """Whoever may be in a room: a connection."""

    def push(self, frame: Frame) -> None:
        """Send a frame that nobody asked for."""


@dataclass(frozen=True)
class Member:
    """One guest in one room. `since` is the tick of the house at which it came."""

    name: str
    seat: int | None
    since: int


@dataclass
class Room:
    """A room: what was said when it was opened, who is in it, and its last events."""

    name: str
    owner: str | None
    args: Mapping[str, Json]
    run: str
    seats: int | None
    opened: str = field(default_factory=now)
    at: int = 0
    high: int | None = None
    ring: deque[Frame] = field(default_factory=lambda: deque(maxlen=RING))
    present: dict[Guest, Member] = field(default_factory=dict)
    ticks: int = 0
    idle: int = AWAKE_TICKS

    @property
    def access(self) -> Mapping[str, Json]:
        """Who may come in, as the request says it."""
        return self.args["access"]  # type: ignore[no-any-return]  # it was checked by its schema

    def view(self) -> Frame:
        """Return what everyone may know of the room."""
        told = {"day": self.args["day"]} if "day" in self.args else {}
        return {
            "room": self.name,
            "title": self.args["title"],
            "kind": self.args["kind"],
            "seats": self.seats,
            "start": self.args.get("start"),
            "tags": self.args.get("tags", []),
            "mode": self.access["mode"],
            "labels": self.args.get("labels", {}),
            "opened": self.opened,
            **told,
        }

    def free_seat(self, wish: int | None) -> int | None:
        """Return a free seat, the wished one if it can be; None where all are taken."""
        taken = {member.seat for member in self.present.values()}
        free = [seat for seat in range(1, (self.seats or 0) + 1) if seat not in taken]
        return wish if wish in free else next(iter(free), None)

    def happen(self, what: Frame) -> None:
        """Count an event, keep it, and tell everyone who is in."""
        self.at += 1
        data = {"room": self.name, "run": self.run, "at": self.at, "after": self.at - 1, "time": now(), "what": what}
        frame: Frame = {"op": "room.event", "data": data}
        self.ring.append(frame)
        self.tell(frame)

    def tell(self, frame: Frame) -> None:
        """Send a frame to everyone who is in."""
        for guest in list(self.present):
            guest.push(frame)

    def state(self) -> Frame:
        """Return how the room stands."""
        data = {"room": self.name, "run": self.run, "at": self.at, "present": len(self.present), "high": self.high}
        return {"op": "room.state", "data": data}

    def after(self, run: str, at: int) -> list[Frame] | None:
        """Return the events after a position; None where some can't be had, or the position is none of this room."""
        if run != self.run or at > self.at or at < self.at - len(self.ring):
            return None
        return [frame for frame in self.ring if frame["data"]["at"] > at]

    def tick(self) -> None:
        """Let the time go on, if anyone is in, or was a short while ago."""
        self.idle = 0 if self.present else self.idle + 1
        if self.idle > AWAKE_TICKS:
            return
        self.ticks += 1
        if self.ticks % LOT_TICKS == 0:
            self.high = None
        self.happen({"is": "tick", "count": self.ticks})
        if self.ticks % STATE_EVERY == 0:
            self.tell(self.state())


class House:
    """All rooms."""

    def __init__(self) -> None:
        """Open the room that always stands."""
        self._numbers = count(1)
        self.ticks = 0
        self.rooms: dict[str, Room] = {}
        standing = {"title": "The standing room", "kind": "auction", "start": 0, "access": {"mode": "public"}}
        self._add(None, standing, None)

    def _add(self, owner: str | None, args: Mapping[str, Json], seats: int | None) -> Room:
        number = next(self._numbers)
        room = Room(f"r{number}", owner, args, f"{number * 40503 % 65536:04x}", seats)
        self.rooms[room.name] = room
        return room

    def open(self, owner: str, args: Mapping[str, Json]) -> Room:
        """Open a room. Where there are too many, the oldest that nobody is in goes."""
        if len(self.rooms) >= MOST_ROOMS:
            gone = next((room for room in self.rooms.values() if room.owner is not None and not room.present), None)
            if gone is not None:
                del self.rooms[gone.name]
        return self._add(owner, args, args.get("seats", 4))

    def enter(self, guest: Guest, room: Room, name: str, seat: int | None) -> None:
        """Put a guest into a room, and tell everyone who is in."""
        room.present[guest] = Member(name, seat, self.ticks)
        room.happen({"is": "came", "by": name})

    def leave(self, guest: Guest, room: Room) -> Member | None:
        """Take a guest out of a room, and tell the others; None where it wasn't in."""
        member = room.present.pop(guest, None)
        if member is not None:
            room.happen({"is": "went", "by": member.name})
        return member

    def close(self, room: Room, reason: str | None) -> int:
        """Close a room; return how many were in."""
        del self.rooms[room.name]
        guests = list(room.present)
        room.present.clear()
        for guest in guests:
            guest.push({"op": "room.gone", "data": {"room": room.name, "reason": reason}})
        return len(guests)

    def part(self, guest: Guest) -> None:
        """Take a guest out of every room."""
        for room in list(self.rooms.values()):
            self.leave(guest, room)

    def tick(self) -> None:
        """Let the time go on in every room."""
        self.ticks += 1
        for room in list(self.rooms.values()):
            room.tick()


def lets_through(where: Mapping[str, Json], view: Mapping[str, Json]) -> bool:
    """Tell whether a filter lets a room through."""
    if "all" in where:
        return all(lets_through(part, view) for part in where["all"])
    if "any" in where:
        return any(lets_through(part, view) for part in where["any"])
    if "not" in where:
        return not lets_through(where["not"], view)
    wanted = where["is"]
    if where["field"] == "tag":
        return wanted in view["tags"]
    found = view[where["field"]]
    return type(found) is type(wanted) and bool(found == wanted)
