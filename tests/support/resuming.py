"""Followers: clients that come back. They hold what they were told, judge each frame by the contract, and name the
position at which they go on. They know no socket and nothing of the server: frames are JSON objects.

A follower fails where a frame is a double, where one is missing without a word, where a frame comes in an order that
the contract doesn't have, and where a position is another than was asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Position: TypeAlias = tuple[str, int]
"""An epoch, and a position in it."""


@dataclass
class Span:
    """What a follower must hold: the counted frames of an epoch after one position, up to another (None: the end)."""

    epoch: str
    after: int
    until: int | None = None


@dataclass(frozen=True)
class Loss:
    """What a follower was told that it can't have: from `first` to `last` of an epoch, and why, where that was said."""

    asked: Position
    epoch: str
    first: int
    last: int
    reason: str | None = None


class Follower:
    """What all kinds of streams have in common: what is held, and where."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.frames: dict[Position, Json] = {}
        self.spans: list[Span] = []
        self.losses: list[Loss] = []
        self.held: int | None = None
        self.asked: Position | None = None
        self.recovered: bool | None = None

    @property
    def position(self) -> Position | None:
        """Where it goes on when it comes back; None where it holds nothing yet."""
        return None if self.held is None else (self.spans[-1].epoch, self.held)

    def _begin(self, epoch: str, seq: int) -> None:
        """Hold a new position: nothing is known of what lies between the one before and this one."""
        if self.spans:
            self.spans[-1].until = self.held
        self.spans.append(Span(epoch, seq))
        self.held = seq

    def _keep(self, epoch: str, seq: int, frame: Json) -> None:
        assert (epoch, seq) not in self.frames, f"a double: {frame}"
        self.frames[epoch, seq] = frame
        self.held = seq

    def owed(self, ledger: dict[Position, Json]) -> dict[Position, Json]:
        """Return what it must hold by now, of all that the stream (for a narrow one: of its key) ever told."""
        return {
            (epoch, seq): frame
            for (epoch, seq), frame in ledger.items()
            if any(
                span.epoch == epoch and span.after < seq and (span.until is None or seq <= span.until)
                for span in self.spans
            )
        }


class BarsFollower(Follower):
    """One subscription on the bars socket, over any number of connections."""

    def __init__(self, symbol: str, resolution: str, *, snapshot: int = 0, conflate_ms: int = 0) -> None:
        """Subscribe in this spelling."""
        super().__init__()
        self.symbol = symbol
        self.resolution = resolution
        self.snapshot = snapshot
        self.conflate_ms = conflate_ms
        self.snapshots: list[Json] = []
        self.open: Json | None = None
        self.finals: dict[tuple[str, int], Json] = {}
        self.revisions: dict[tuple[str, int], int] = {}
        self._acked = False
        self._awaits_reset = False
        self._may_have_snapshot = False
        self._needs_snapshot = snapshot > 0
        self._time: int | None = None
        self._ack: Position = ("", 0)

    @property
    def position(self) -> Position | None:
        """None too while the snapshot that was asked for hasn't come: what comes after it isn't enough."""
        return None if self._needs_snapshot else super().position

    def request(self) -> Json:
        """Return the payload of the subscription, and begin a connection with it."""
        self._acked = self._awaits_reset = False
        self._may_have_snapshot = False
        self._time = None
        self.recovered = None
        self.asked = self.position
        payload: Json = {"symbol": self.symbol, "resolution": self.resolution}
        if self.snapshot:
            payload["snapshot"] = self.snapshot
        if self.conflate_ms:
            payload["conflate_ms"] = self.conflate_ms
        if self.asked is not None:
            payload["resume"] = {"epoch": self.asked[0], "seq": self.asked[1]}
        return payload

    def is_mine(self, message: Json) -> bool:
        """Whether a message is of this subscription."""
        payload = message.get("payload", {})
        return bool((payload.get("symbol"), payload.get("resolution")) == (self.symbol, self.resolution))

    def take(self, message: Json) -> None:
        """Take the next message of the connection that is of this subscription."""
        tag, payload = message["type"], message["payload"]
        if tag == "bars.ack":
            self._take_ack(payload)
            return
        assert self._acked, f"before the acknowledgement: {message}"
        if tag == "bars.reset":
            self._take_reset(payload)
            return
        assert not self._awaits_reset, f"before the reset: {message}"
        if tag == "bars.snapshot":
            assert self._may_have_snapshot, "a snapshot that was not asked for, not the first, or not once"
            assert (payload["epoch"], payload["seq"]) == self._ack
            times = [bar["time"] for bar in payload["bars"]]
            assert times == sorted(set(times))
            assert len(times) <= self.snapshot
            self.snapshots.append(payload)
            self._needs_snapshot = False
        elif tag == "bars.correction":
            self._take_counted(payload)
        elif tag == "bars.update":
            time = payload["bar"]["time"]
            assert self._time is None or time >= self._time, "time went back"
            self._time = time
            if payload.get("final"):
                bar = payload["epoch"], time
                assert bar not in self.finals, f"a bar ends twice: {payload}"
                self.finals[bar] = payload
                self._take_counted(payload)
            else:
                assert "prev" not in payload
                assert (payload["epoch"], payload["seq"]) == (self.spans[-1].epoch, self.held)
                self.open = payload
        else:
            assert tag == "bars.error", message
        self._may_have_snapshot = False

    def _take_ack(self, payload: Json) -> None:
        assert not self._acked, "two acknowledgements"
        assert payload["status"] == "ok", payload
        self._acked = True
        self.recovered = payload.get("recovered")
        assert (self.recovered is None) == (self.asked is None)
        self._ack = payload["epoch"], payload["seq"]
        self._may_have_snapshot = self.snapshot > 0 and not self.recovered
        if self.recovered:
            assert self._ack == self.asked
        elif self.asked is None:
            self._needs_snapshot = self.snapshot > 0
            self._begin(*self._ack)
        else:
            self._awaits_reset = True

    def _take_reset(self, payload: Json) -> None:
        assert self._awaits_reset, "a reset that nobody waits for"
        assert self.asked is not None
        assert (payload["epoch"], payload["seq"]) == self._ack
        self._awaits_reset = False
        self._needs_snapshot = self.snapshot > 0
        self.losses.append(Loss(self.asked, payload["epoch"], 0, payload["seq"], payload["reason"]))
        self._begin(*self._ack)

    def _take_counted(self, payload: Json) -> None:
        # Within a subscription to bars nothing but its own frames is counted: so `prev` is exactly what is held.
        epoch, seq, prev = payload["epoch"], payload["seq"], payload["prev"]
        assert epoch == self.spans[-1].epoch
        assert (prev, seq) == (self.held, prev + 1), f"a hole or a double after {self.held}: {payload}"
        time = payload["bar"]["time"]
        if "revision" in payload:
            revision = self.revisions.get((epoch, time), 0)
            assert payload["revision"] > revision
            self.revisions[epoch, time] = payload["revision"]
        self._keep(epoch, seq, {name: payload[name] for name in payload if name not in ("symbol", "resolution")})


class CacheFollower(Follower):
    """One cache address whose frames are counted, wide (`key` None) or narrow, over any number of connections.

    `key_of` reads the key out of a counted frame. `name_of` reads the name of what a frame tells the state of (an
    order's id, a currency); without it frames are no state. `replay`: so many of the last frames it asks for at first.
    """

    def __init__(
        self,
        key: str | None,
        key_of: Callable[[Json], str],
        name_of: Callable[[Json], str] | None = None,
        *,
        replay: int = 0,
    ) -> None:
        """Begin with nothing."""
        super().__init__()
        self.key = key
        self.replay = replay
        self.state: dict[str, Json] = {}
        self._key_of = key_of
        self._name_of = name_of
        self._last: dict[str, int] = {}
        self._ready: Position | None = None
        self._awaits_gap = False
        self._is_whole = True

    def query(self) -> Json:
        """Return the query of the address, and begin a connection with it."""
        self._ready = None
        self._awaits_gap = False
        self.recovered = None
        # Cut before all of what stands had come, it holds no position.
        self.asked = self.position if self._is_whole else None
        if self.asked is not None:
            return {"epoch": self.asked[0], "seq": self.asked[1]}
        return {"replay": self.replay} if self.replay else {}

    def take(self, message: Json) -> None:
        """Take the next message of the connection."""
        tag = message["type"]
        if tag == "ready":
            self._take_ready(message)
            return
        assert self._ready is not None, f"before `ready`: {message}"
        if tag == "gap":
            self._take_gap(message)
            return
        assert not self._awaits_gap, f"before the gap: {message}"
        self._is_whole = self._is_whole or not message.get("initial")
        if tag in ("error", "shutdown", "pong"):
            return
        key, seq, prev = self._key_of(message), message["seq"], message["prev"]
        assert self.key in (None, key), f"not of {self.key}: {message}"
        if message.get("initial"):
            assert seq == prev == self._ready[1], f"not at the position of `ready`, {self._ready[1]}: {message}"
        else:
            assert self.held is not None
            assert prev <= self._last.get(key, self._base), f"a hole: {message} after {self._last.get(key, self._base)}"
            assert seq > self.held, f"a double: {message} after {self.held}"
            self._last[key] = seq
            self._keep(self._ready[0], seq, message)
        if self._name_of is not None:
            self.state[self._name_of(message)] = {
                name: value for name, value in message.items() if name not in ("seq", "prev", "initial")
            }

    def _take_ready(self, message: Json) -> None:
        assert self._ready is None, "`ready` twice"
        self._ready = message["epoch"], message["seq"]
        self.recovered = message["recovered"]
        if self.recovered:
            assert self._ready == self.asked
        elif self.asked is None:
            self._begin_anew()
        else:
            self._awaits_gap = True

    def _take_gap(self, message: Json) -> None:
        assert self._awaits_gap, f"a gap that nobody waits for: {message}"
        assert self.asked is not None
        assert self._ready is not None
        assert (message["epoch"], message["key"]) == (self._ready[0], self.key)
        # What comes first comes after what is lost.
        assert message["to_seq"] == self._ready[1]
        self._awaits_gap = False
        self.losses.append(Loss(self.asked, message["epoch"], message["from_seq"], message["to_seq"]))
        self._begin_anew()

    def _begin_anew(self) -> None:
        assert self._ready is not None
        self._begin(*self._ready)
        self._base = self._ready[1]
        self._is_whole = self._name_of is None
        self._last.clear()
        self.state.clear()


class TickerFollower:
    """One address of tickers, wide or narrow: never counted, so that only the newest is held."""

    def __init__(self, key: str | None) -> None:
        """Begin with nothing."""
        self.key = key
        self.newest: dict[str, Json] = {}
        self._ready: Position | None = None
        self._version = 0

    def begin(self) -> None:
        """Begin a connection."""
        self._ready = None

    def take(self, message: Json) -> None:
        """Take the next message of the connection."""
        if message["type"] == "ready":
            assert self._ready is None, "`ready` twice"
            assert not message["recovered"]
            self._ready = message["epoch"], message["seq"]
            self._version = message["seq"]
            self.newest.clear()
            return
        assert self._ready is not None, f"before `ready`: {message}"
        if message["type"] in ("error", "shutdown"):
            return
        assert message["type"] == "ticker"
        assert self.key in (None, message["symbol"])
        assert message["seq"] >= self._version, "the version fell"
        self._version = message["seq"]
        self.newest[message["symbol"]] = message


def symbol_of(message: Json) -> str:
    """Return the key of a trade or an order."""
    symbol: str = message["symbol"]
    return symbol


def order_of(message: Json) -> str:
    """Return the name of an order."""
    order_id: str = message["order_id"]
    return order_id


def currency_of(message: Json) -> str:
    """Return the currency of a balance: the one member that is an object."""
    (currency,) = [name for name, value in message.items() if isinstance(value, dict)]
    return currency
