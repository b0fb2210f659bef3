"""A server of streams in pure Python that tells the truth, and what its client sees: the steps of a connection.

It knows nothing of `contract`. Tests drive it by lists of (action, number), and plant lies in the steps.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Key = tuple[str, ...]
Role = Literal["ack", "ready", "counted", "initial", "state", "free", "reset", "gap", "end", "refusal", "error"]


@dataclass(frozen=True)
class Sent:
    """A step: the client sends a request."""

    operation: str
    value: Any


@dataclass(frozen=True)
class Got:
    """A step: the client gets a frame. `life`: since when its positions are exact: from an `ack`, `reset` or `gap` on.

    `answers` is the request; `resumed`: the life goes on from a position that was asked for, with nothing lost.
    """

    message: str
    value: Any
    role: Role
    key: Key = ()
    life: int = 0
    seq: int = 0
    prev: int = 0
    start: int = 0  # of the life
    answers: Sent | None = None
    resumed: bool = False
    opening: int | None = None


Step = Sent | Got


@dataclass
class Log:
    """All counted events of one counting: (key, seq, prev, number)."""

    epoch: int = 1
    seq: int = 5
    floor: int = 0
    events: list[tuple[Key, int, int, int]] = field(default_factory=list)

    def append(self, key: Key, step: int) -> tuple[Key, int, int, int]:
        """Take a new event, so many positions on."""
        prev = max((event[1] for event in self.events if event[0] == key), default=0)
        self.seq += step
        event = (key, self.seq, prev, len(self.events))
        self.events.append(event)
        return event

    def after(self, seq: int, key: Key | None = None) -> list[tuple[Key, int, int, int]]:
        """Return what came after a position."""
        return [event for event in self.events if event[1] > seq and key in (None, event[0])]

    @property
    def name(self) -> str:
        """Return the epoch's name."""
        return f"e{self.epoch}"

    def restart(self) -> None:
        """Begin to count anew."""
        self.epoch, self.seq, self.floor, self.events = self.epoch + 1, 0, 0, []


class Bars:
    """How the document's bars socket says it."""

    subscribe, unsubscribe = "subscribeBars", "unsubscribeBars"
    keys: tuple[Key, ...] = (("AAPL", "1D"), ("AAPL", "5"), ("sim:BTC/USDT", "1D"))
    has_epochs = True

    def ask(self, key: Key, resume: tuple[str, int] | None, short: bool, number: int) -> Any:
        payload: dict[str, Any] = {"symbol": key[0], "resolution": key[1], "id": number}
        if short and key[1] == "1D":
            del payload["resolution"]
        if resume is not None:
            payload["resume"] = {"epoch": resume[0], "seq": resume[1]}
        return {"type": "bars.subscribe", "payload": payload}

    def leave(self, key: Key, short: bool, number: int) -> Any:
        return {**self.ask(key, None, short, number), "type": "bars.unsubscribe"}

    def frame(self, name: str, key: Key, **more: Any) -> tuple[str, Any]:
        kinds = {
            "barsAck": "bars.ack",
            "barsUpdate": "bars.update",
            "barsCorrection": "bars.correction",
            "barsReset": "bars.reset",
            "barsUnsubscribeAck": "bars.unsubscribe.ack",
            "barsError": "bars.error",
            "barsSnapshot": "bars.snapshot",
        }
        return name, {"type": kinds[name], "payload": {"symbol": key[0], "resolution": key[1], **more}}

    def ack(self, key: Key, epoch: str, seq: int, recovered: bool | None, request: Any) -> tuple[str, Any]:
        more = {} if recovered is None else {"recovered": recovered}
        return self.frame("barsAck", key, status="ok", epoch=epoch, seq=seq, id=request["payload"]["id"], **more)

    def refusal(self, key: Key, request: Any) -> tuple[str, Any]:
        return self.frame("barsAck", key, status="error", code="unknown_symbol")

    def error(self) -> tuple[str, Any]:
        return "error", {"type": "error", "payload": {"code": "rate_limited", "message": "Wait."}}

    def end(self, key: Key, ok: bool) -> tuple[str, Any]:
        more = {"status": "ok"} if ok else {"status": "error", "code": "not_subscribed"}
        return self.frame("barsUnsubscribeAck", key, **more)

    def counted(self, key: Key, epoch: str, seq: int, prev: int, number: int) -> tuple[str, Any]:
        message = "barsCorrection" if number % 3 == 2 else "barsUpdate"
        return self.frame(message, key, bar={"time": number}, epoch=epoch, seq=seq, prev=prev)

    def state(self, key: Key, epoch: str, seq: int, number: int) -> tuple[str, Any]:
        return self.frame("barsSnapshot" if number % 3 == 2 else "barsUpdate", key, epoch=epoch, seq=seq)

    def free(self, key: Key) -> tuple[str, Any]:
        return self.frame("barsError", key, code="source_unavailable", error="")

    def reset(self, key: Key, epoch: str, seq: int) -> tuple[str, Any]:
        return self.frame("barsReset", key, reason="too_old", epoch=epoch, seq=seq)

    def put(self, value: Any, **more: Any) -> Any:
        """Return a copy of a frame with other positions."""
        return {**value, "payload": {**value["payload"], **more}}

    def without_prev(self, value: Any) -> Any:
        return {**value, "payload": {name: item for name, item in value["payload"].items() if name != "prev"}}


class Feed(Bars):
    """How the case `stream_by_request` says it: its updates have no epoch, a part of its key is a number."""

    subscribe, unsubscribe = "subscribe", "unsubscribe"
    keys = (("A", "1000"), ("A", "5"), ("B", "1000"))
    has_epochs = False

    def ask(self, key: Key, resume: tuple[str, int] | None, short: bool, number: int) -> Any:
        payload: dict[str, Any] = {"symbol": key[0], "every/ms": int(key[1])}
        if short and key[1] == "1000":
            del payload["every/ms"]
        if resume is not None:
            payload["resume"] = {"epoch": resume[0], "seq": resume[1]}
        return {"type": "subscribe", "payload": payload}

    def leave(self, key: Key, short: bool, number: int) -> Any:
        return {**self.ask(key, None, short, number), "type": "unsubscribe"}

    def frame(self, name: str, key: Key, **more: Any) -> tuple[str, Any]:
        names = {
            "barsAck": "ack",
            "barsUpdate": "update",
            "barsCorrection": "update",
            "barsReset": "reset",
            "barsUnsubscribeAck": "done",
            "barsError": "failed",
            "barsSnapshot": "snapshot",
        }
        own = names[name]
        if own == "update":
            more.pop("epoch", None)
        return own, {"type": own, "payload": {"symbol": key[0], "every/ms": int(key[1]), **more}}

    def ack(self, key: Key, epoch: str, seq: int, recovered: bool | None, request: Any) -> tuple[str, Any]:
        more = {} if recovered is None else {"recovered": recovered}
        return self.frame("barsAck", key, epoch=epoch, seq=seq, **more)

    def error(self) -> tuple[str, Any]:
        return "error", {"type": "error", "text": "Wait."}

    def end(self, key: Key, ok: bool) -> tuple[str, Any]:
        return self.frame("barsUnsubscribeAck", key)


Actions = Sequence[tuple[str, int]]

REQUEST_ACTIONS = (
    *("ask", "ask", "ask", "leave", "serve", "serve", "serve", "deliver", "deliver", "deliver"),
    *("event", "event", "event", "event", "state", "state", "free", "restart", "forget", "lose", "again", "cut"),
)


class RequestServer:
    """Streams that requests open: a world of logs, and one client that comes and goes.

    `held` is what the client would resume from, by key: `steps` of each connection are in `connections`.
    """

    def __init__(self, speech: Bars, *, twice: bool = True) -> None:
        """`twice`: the client may ask for what it has."""
        self.speech = speech
        self.twice = twice
        self.logs = {key: Log() for key in speech.keys}
        self.connections: list[list[Step]] = [[]]
        self.inbox: list[tuple[Sent, str, Key, tuple[str, int] | None]] = []
        self.outbox: list[Got] = []
        self.open: dict[Key, Got] = {}  # the frame that began the present life
        self.held: dict[Key, tuple[str, int]] = {}
        self.wanted: set[Key] = set()
        self.lives = 0
        self.numbers = 0

    @property
    def steps(self) -> list[Step]:
        """Return the steps of the present connection."""
        return self.connections[-1]

    def run(self, actions: Actions) -> list[list[Step]]:
        """Do as the actions say, then finish what is on its way."""
        for action, number in actions:
            getattr(self, f"do_{action}")(number)
            if number & 32:  # a quick network
                self.do_serve(number)
                self.do_deliver(number)
        while self.inbox or self.outbox:
            self.do_serve(0)
            self.do_deliver(99)
        return self.connections

    def key(self, number: int) -> Key:
        return self.speech.keys[number % len(self.speech.keys)]

    def do_ask(self, number: int) -> None:
        key = self.key(number)
        if not self.twice and key in self.wanted:
            return
        self.wanted.add(key)
        resume = self.held.get(key) if number & 6 else None
        if resume is not None and number & 8:
            resume = (resume[0], max(0, resume[1] - 2))
        self.numbers += 1
        sent = Sent(self.speech.subscribe, self.speech.ask(key, resume, bool(number & 16), self.numbers))
        self.inbox.append((sent, "ask" if number % 11 else "refuse" if number % 2 else "error", key, resume))
        self.steps.append(sent)

    def do_leave(self, number: int) -> None:
        key = self.key(number)
        self.wanted.discard(key)
        self.numbers += 1
        sent = Sent(self.speech.unsubscribe, self.speech.leave(key, bool(number & 16), self.numbers))
        self.inbox.append((sent, "leave" if number % 7 else "error", key, None))
        if number % 7 == 0:
            self.wanted.add(key)
        self.steps.append(sent)

    def do_serve(self, number: int) -> None:
        if not self.inbox:
            return
        sent, what, key, resume = self.inbox.pop(0)
        speech, log = self.speech, self.logs[key]
        if what == "error":
            self.outbox.append(Got(*speech.error(), role="error", answers=sent))
        elif what == "refuse":
            self.outbox.append(Got(*speech.refusal(key, sent.value), role="refusal", key=key, answers=sent))
            if key not in self.open and number & 1:
                self.put(speech.free(key), "free", key)
        elif what == "leave":
            self.put(speech.end(key, key in self.open), "end", key, answers=sent)
            self.open.pop(key, None)
        elif key in self.open:
            self.put(speech.ack(key, log.name, log.seq, None, sent.value), "ack", key, answers=sent)
        else:
            self.open_one(sent, key, log, resume, number)

    def open_one(self, sent: Sent, key: Key, log: Log, resume: tuple[str, int] | None, number: int) -> None:
        speech = self.speech
        recovered = resume is not None and resume[0] == log.name and log.floor <= resume[1] <= log.seq
        if resume is not None and recovered:
            self.begin(key, resume[1], resumed=True)
            self.put(speech.ack(key, log.name, resume[1], True, sent.value), "ack", key, seq=resume[1], answers=sent)
            for event in log.after(resume[1]):
                self.tell(event)
            return
        seq = log.seq
        events = log.after(log.floor)[-2:] if resume is None and number & 2 else []
        if events:  # some of what was comes first: it starts before that
            seq = events[0][2] if events[0][2] >= log.floor else seq
            events = log.after(seq)
        self.begin(key, seq)
        answer = None if resume is None else False
        self.put(speech.ack(key, log.name, seq, answer, sent.value), "ack", key, seq=seq, answers=sent)
        if resume is not None:
            self.begin(key, seq)
            self.put(speech.reset(key, log.name, seq), "reset", key, seq=seq)
        for event in events:
            self.tell(event)
        if number & 4 and not events:
            for count in range(2):  # what stands, at the very position
                frame = speech.counted(key, log.name, seq, seq, 90 + count)
                self.put(frame, "initial", key, seq=seq, prev=seq)
        if number & 8:
            self.put(speech.state(key, log.name, log.seq, number), "state", key, seq=log.seq)

    def begin(self, key: Key, start: int, *, resumed: bool = False) -> None:
        self.lives += 1
        opening = self.open[key].opening if key in self.open else None if resumed else start
        self.open[key] = Got("", None, "ack", key, self.lives, start=start, resumed=resumed, opening=opening)

    def put(
        self, frame: tuple[str, Any], role: Role, key: Key, *, seq: int = 0, prev: int = 0, answers: Sent | None = None
    ) -> None:
        life = self.open.get(key, Got("", None, role, key))
        message, value = frame
        self.outbox.append(replace(life, message=message, value=value, role=role, seq=seq, prev=prev, answers=answers))

    def tell(self, event: tuple[Key, int, int, int]) -> None:
        key, seq, prev, number = event
        frame = self.speech.counted(key, self.logs[key].name, seq, prev, number)
        self.put(frame, "counted", key, seq=seq, prev=prev)

    def do_event(self, number: int) -> None:
        key = self.key(number)
        event = self.logs[key].append(key, 1 + (number // 3) % 2)
        if key in self.open:
            self.tell(event)

    def do_state(self, number: int) -> None:
        key, log = self.key(number), self.logs[self.key(number)]
        if key in self.open:
            # The newest replaces the one that still waits.
            life = self.open[key].life
            self.outbox = [item for item in self.outbox if item.role != "state" or item.life != life]
            self.put(self.speech.state(key, log.name, log.seq, number), "state", key, seq=log.seq)

    def do_free(self, number: int) -> None:
        if self.key(number) in self.open:
            self.put(self.speech.free(self.key(number)), "free", self.key(number))

    def do_restart(self, number: int) -> None:
        key = self.key(number)
        self.logs[key].restart()
        if key in self.open:
            self.begin(key, 0)
            self.put(self.speech.reset(key, self.logs[key].name, 0), "reset", key)

    def do_lose(self, number: int) -> None:
        """Lose an event, and say so."""
        key, log = self.key(number), self.logs[self.key(number)]
        log.append(key, 1)
        if key in self.open:
            self.begin(key, log.seq)
            self.put(self.speech.reset(key, log.name, log.seq), "reset", key, seq=log.seq)

    def do_forget(self, number: int) -> None:
        log = self.logs[self.key(number)]
        log.floor = log.seq

    def do_again(self, number: int) -> None:
        """Ask for something, leave it and ask again, without waiting."""
        for action in ("ask", "leave", "ask"):
            getattr(self, f"do_{action}")(number if number % 7 and number % 11 else 1)

    def do_deliver(self, number: int) -> None:
        for got in self.outbox[: 1 + number]:
            self.steps.append(got)
            if got.role in ("ack", "reset", "counted"):
                epoch = self.epoch_of(got)
                if epoch is not None:
                    self.held[got.key] = (epoch, got.seq if got.role == "counted" else self.position_of(got))
        self.outbox = self.outbox[1 + number :]

    def epoch_of(self, got: Got) -> str | None:
        epoch = got.value["payload"].get("epoch")
        return str(epoch) if epoch is not None else self.held[got.key][0] if got.key in self.held else None

    def position_of(self, got: Got) -> int:
        seq: int = got.value["payload"]["seq"]
        return seq

    def do_cut(self, number: int) -> None:
        """Lose the connection with all that is on its way, and come back."""
        self.inbox, self.outbox, self.open, self.wanted = [], [], {}, set()
        self.connections.append([])
        for key in list(self.held) if number & 1 else []:  # as most clients do, some time later
            if number & 8:
                self.do_event(self.speech.keys.index(key))
                self.do_forget(self.speech.keys.index(key))
            if number & 16:
                self.do_restart(self.speech.keys.index(key))
                self.do_event(self.speech.keys.index(key))
            self.do_ask(18 + self.speech.keys.index(key))
            self.do_serve(0)


class Trades:
    """How the document's address of an exchange's trades says it."""

    channel = "exchangeTrades"
    keys: tuple[Key, ...] = (("BTC/USDT",), ("ETH/USDT",), ("X",))

    def ready(self, epoch: str, seq: int, recovered: bool) -> tuple[str, Any]:
        return "ready", {"type": "ready", "epoch": epoch, "seq": seq, "recovered": recovered, "limits": {}}

    def gap(self, epoch: str, key: Key | None, first: int, last: int) -> tuple[str, Any]:
        name = key[0] if key is not None else None
        return "gap", {"type": "gap", "epoch": epoch, "key": name, "from_seq": first, "to_seq": last}

    def counted(self, key: Key, seq: int, prev: int, number: int) -> tuple[str, Any]:
        return "trade", {"type": "trade", "symbol": key[0], "trade_id": str(number), "seq": seq, "prev": prev}

    def put(self, value: Any, **more: Any) -> Any:
        return {**value, **more}

    def without_prev(self, value: Any) -> Any:
        return {name: item for name, item in value.items() if name != "prev"}


class Balances(Trades):
    """How the address of an account's balances says it: the key is a member's name."""

    channel = "accountBalances"

    def counted(self, key: Key, seq: int, prev: int, number: int) -> tuple[str, Any]:
        return "balances", {"type": "balances", "exchange_id": 1, key[0]: {"total": number}, "seq": seq, "prev": prev}


ADDRESS_ACTIONS = (
    *("event", "event", "event", "event", "event", "event", "lose", "lose_all", "forget", "cut", "cut", "restart"),
    *("deliver", "deliver", "deliver", "pong"),
)


class AddressServer:
    """A stream that the address opens: one log for all keys, and one client that comes and goes."""

    def __init__(self, speech: Trades, *, told: bool = True, narrow: bool = False, states: bool = False) -> None:
        """`told`: the client gets `ready` and `gap`; `narrow`: one key only; `states`: what stands comes first."""
        self.speech, self.told, self.states = speech, told, states
        self.keys = speech.keys[:1] if narrow else speech.keys
        self.narrow = speech.keys[0] if narrow else None
        self.log = Log()
        self.connections: list[list[Step]] = []
        self.queries: list[dict[str, str]] = []
        self.outbox: list[Got] = []
        self.held: tuple[str, int] | None = None
        self.life = 0
        self.start = 0
        self.opening: int | None = None
        self.resumed = False
        self.connect(0)

    def run(self, actions: Actions) -> list[list[Step]]:
        """Do as the actions say, then finish what is on its way."""
        for action, number in actions:
            getattr(self, f"do_{action}")(number)
            if number & 32:  # a quick network
                self.do_deliver(number)
        self.do_deliver(999)
        return self.connections

    def key(self, number: int) -> Key:
        return self.speech.keys[number % len(self.speech.keys)]

    def connect(self, number: int) -> None:
        """Open the address, from where it was or anew."""
        self.connections.append([])
        self.outbox = []
        log = self.log
        resume = self.held if number & 6 else None
        self.queries.append({} if resume is None else {"epoch": resume[0], "seq": str(resume[1])})
        known = resume is not None and resume[0] == log.name and resume[1] <= log.seq
        self.resumed = resume is not None and known and resume[1] >= log.floor
        self.life += 1
        if resume is not None and self.resumed:
            self.start, self.opening = resume[1], None
            self.say(self.speech.ready(log.name, resume[1], True), "ready", seq=resume[1])
            for event in log.after(resume[1], self.narrow):
                self.tell(event)
            return
        left = resume is not None and not self.states  # else what stands comes in place of what is left
        self.start = log.floor if left else log.seq
        self.opening = self.start
        self.say(self.speech.ready(log.name, self.start, False), "ready", seq=self.start)
        if resume is not None:
            first = resume[1] + 1 if known else 0
            self.life += 1
            self.say(self.speech.gap(log.name, self.narrow, first, self.start), "gap", seq=self.start)
        for event in log.after(self.start, self.narrow) if left else []:
            self.tell(event)
        if self.states:
            for key in (*self.keys, self.keys[0]):
                frame = self.speech.counted(key, log.seq, log.seq, 90)
                self.say(frame, "initial", key, seq=log.seq, prev=log.seq)

    def say(self, frame: tuple[str, Any], role: Role, key: Key = (), *, seq: int = 0, prev: int = 0) -> None:
        if not self.told and role in ("ready", "gap"):
            return
        message, value = frame
        self.outbox.append(
            Got(
                message,
                copy.deepcopy(value),
                role,
                key,
                self.life,
                seq,
                prev,
                self.start,
                resumed=self.resumed,
                opening=self.opening,
            )
        )

    def tell(self, event: tuple[Key, int, int, int]) -> None:
        key, seq, prev, number = event
        self.say(self.speech.counted(key, seq, prev, number), "counted", key, seq=seq, prev=prev)

    def do_event(self, number: int) -> None:
        event = self.log.append(self.key(number), 1 + (number // 3) % 2)
        if event[0] in self.keys:
            self.tell(event)

    def do_lose(self, number: int) -> None:
        """Lose an event of a key, and say so."""
        event = self.log.append(self.key(number), 1)
        if event[0] in self.keys:
            self.life += 1
            self.say(self.speech.gap(self.log.name, event[0], event[1], event[1]), "gap", event[0], seq=event[1])

    def do_lose_all(self, number: int) -> None:
        first = self.log.seq + 1
        for count in range(1 + number % 3):
            self.log.append(self.key(number + count), 1)
        self.life += 1
        self.say(self.speech.gap(self.log.name, self.narrow, first, self.log.seq), "gap", seq=self.log.seq)

    def do_forget(self, number: int) -> None:
        self.log.floor = self.log.seq

    def do_restart(self, number: int) -> None:
        """Begin an epoch anew: everybody has to come again."""
        self.log.restart()
        self.connect(number)

    def do_cut(self, number: int) -> None:
        self.connect(number)

    def do_pong(self, number: int) -> None:
        self.say(("pong", {"type": "pong", "timestamp": number}), "error")

    def do_deliver(self, number: int) -> None:
        for got in self.outbox[: 1 + number]:
            self.connections[-1].append(got)
            if got.role in ("ready", "gap"):
                self.held = (got.value["epoch"], got.seq)
            elif got.role == "counted" and (self.held is not None or not self.told):
                # A plain client isn't told the epoch here; it may have it from elsewhere.
                self.held = (self.held[0] if self.told and self.held is not None else self.log.name, got.seq)
        self.outbox = self.outbox[1 + number :]
