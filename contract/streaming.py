"""Streaming: judges what a server pushes by what `x-stream` says of it (docs/x-stream.md, "What a client does").

A `StreamJudge` sees the frames of one connection in their order: it is a pure automaton, without socket, clock or
schema. Whoever calls it has found out which message a frame is and that it fits; it must not know how. Where the
document leaves something open it stays silent, and each wrong frame gets one name:

| what a server does wrong                         | how it shows                               | rule                |
|--------------------------------------------------|--------------------------------------------|---------------------|
| a frame before `ack`, data before `ready`        | the key is asked for, but not open         | stream-ack-late     |
| a frame of a key that was never asked for        | no subscription, no request that it fits   | stream-unsubscribed |
| a frame after `unsubscribe` was answered         | the subscription is over                   | stream-unsubscribed |
| a counted frame is left out                      | the next `prev` is above what is held      | stream-hole         |
| ... the first one after `recovered` true         | the same                                   | stream-resume       |
| a counted frame comes again                      | `seq` isn't above what is held             | stream-double       |
| ... the first one after `recovered` true         | the same                                   | stream-resume       |
| two counted frames are swapped, of one key       | `prev` of the first is above what is held  | stream-hole         |
| ... the second of them                           | isn't above what is held                   | stream-double       |
| ... of two keys of an address                    | the second is behind the first             | stream-double       |
| `prev` too great                                 | above what is held                         | stream-hole         |
| `prev` too small                                 | below the counted frame of that key        | stream-backward     |
| ... behind no counted frame of the key           | can't be seen                              |                     |
| `seq` too great                                  | the true next one isn't above it           | stream-double       |
| `seq` too small                                  | isn't above what is held                   | stream-double       |
| `prev` left out                                  | the next `prev` is above what is held      | stream-hole         |
| `ack` or `ready` too low, 0                      | the next `prev` is above it                | stream-hole         |
| ... too high by more than one                    | the next counted frame is below it         | stream-double       |
| ... too high by one                              | the next frame looks like what stood there |                     |
| ... `ack` too high, and the newest state follows | that has a lower `seq`                     | stream-backward     |
| a `seq` without `prev` that falls                | below the last one, or what is held        | stream-backward     |
| another `epoch` in a frame, without a `reset`    | it isn't the one held                      | stream-epoch        |
| `reset` to a lower position of the same epoch    | it is below what is held                   | stream-backward     |
| `gap` that is too small                          | the next `prev` is above its end           | stream-hole         |
| `gap` that is too large                          | a frame comes from within it               | stream-double       |
| `recovered` true for another epoch's position    | `ack` or `ready` names the present one     | stream-resume       |
| `recovered` true, and it starts before that      | `ack` or `ready` names a lower position    | stream-resume       |
| `recovered` true, and no position was asked for  | `ack` or `ready` says so                   | stream-resume       |
| `recovered` false, and neither `reset` nor `gap` | counted frames go on without it            | stream-resume       |

What stays silent, since it may be right: anything at the very position that `ack` or `ready` named (what stood then);
frames between `unsubscribe` and its answer; a second `ack` to the same key, at whatever position, and frames that go
on from either; an `ack` without `seq`; keys whose requests were answered in another order than sent; without `ready`,
the first frame of each key, and holes where the document has a `gap`, which such a client isn't told; the first
`seq` without `prev` of a key on an address, which may be that key's own.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeGuard

from codegen import ir
from contract.model import Violation
from contract.spec import Channel
from contract.ways import ABSENT, at

Key: TypeAlias = tuple[str, ...]
"""A key: its parts, each as JSON, so that `1`, `"1"` and `true` are three."""

AskedKey: TypeAlias = tuple[str | None, ...]
"""A key as a request names it: a part that it leaves out is None."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a stream; `epoch` is None where the stream has none."""

    epoch: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class StreamName:
    """One thing to resume: the stream (its subscribing operation, else its channel) and, of the former, the key."""

    stream: str
    key: Key


def name_of(stream: ir.Stream) -> str:
    """Return what a stream is called: the operation that opens it, or the channel that does."""
    return stream.subscribe.operation if stream.subscribe is not None else stream.channel


def value_at(value: Any, way: Iterable[str] | None) -> Any:
    """Return what a way leads to in a frame; None where there is nothing."""
    found = at(value, tuple(way)) if way is not None else ABSENT
    return found if found is not ABSENT else None


def key_of(value: Any, parts: Iterable[ir.KeyPart]) -> AskedKey:
    """Return a frame's key; a part that it doesn't hold, or holds as null, is None."""
    return tuple(_part(value, part) for part in parts)


def _part(value: Any, part: ir.KeyPart) -> str | None:
    found = value_at(value, part.way)
    if part.names is not None:
        others = [name for name in found if name not in part.names] if isinstance(found, Mapping) else []
        found = others[0] if len(others) == 1 else None
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return json.dumps(found) if isinstance(found, (str, int)) else None


def integer_at(value: Any, way: Iterable[str] | None) -> int | None:
    """Return the integer that a way leads to, None where there is none. `41.0` is one."""
    found = value_at(value, way)
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def text_at(value: Any, way: Iterable[str] | None) -> str | None:
    """Return the text that a way leads to, None where there is none."""
    found = value_at(value, way)
    return found if isinstance(found, str) else None


def is_whole(key: AskedKey) -> TypeGuard[Key]:
    """Tell whether a key has all of its parts."""
    return bool(key) and None not in key


def resumed_from(stream: ir.Stream, value: Any) -> Position | None:
    """Return the position that a request, or a query as an object, asks to resume at; None where it doesn't."""
    if stream.resume is None:
        return None
    seq = integer_at(value, stream.resume.seq)
    epoch = text_at(value, stream.resume.epoch)
    if seq is None or (stream.resume.epoch is not None and epoch is None):
        return None
    return Position(epoch, seq)


def resumed_by(stream: ir.Stream, query: Mapping[str, str]) -> Position | None:
    """Return the position that an address's query asks to resume at; None where it doesn't."""
    if stream.resume is None:
        return None
    text = query.get(stream.resume.seq[-1], "")
    epoch = query.get(stream.resume.epoch[-1]) if stream.resume.epoch is not None else None
    if not text.isascii() or not text.removeprefix("-").isdigit():
        return None
    if stream.resume.epoch is not None and epoch is None:
        return None
    return Position(epoch, int(text))


def asks_to_resume(stream: ir.Stream, value: Any) -> bool:
    """Tell whether a request, or a query as an object, names any part of a position."""
    ways = (stream.resume.seq, stream.resume.epoch) if stream.resume is not None else ()
    return any(way is not None and value_at(value, way) is not None for way in ways)


def _fits(asked: AskedKey, key: AskedKey) -> bool:
    """Tell whether a request's key may be this one."""
    return all(part is None or other is None or part == other for part, other in zip(asked, key, strict=False))


def _shown(key: AskedKey) -> str:
    return ", ".join("any" if part is None else part for part in key)


@dataclass(slots=True)
class _Span:
    """What is held of a key: at least `low`, at most `high`. They differ where a second `ack` left it open.

    `counted`: `low` is the `seq` of a counted frame of this very key.
    """

    low: int
    high: int
    counted: bool = False


@dataclass(slots=True)
class _Held:
    """What is held of a subscription, or of an address: `base` for every key that wasn't heard of yet."""

    epoch: str | None = None
    base: _Span | None = None
    keys: dict[Key, _Span] = field(default_factory=dict)
    states: dict[Key, int] = field(default_factory=dict)
    epochs: set[str] = field(default_factory=set)  # others that the server told of
    openings: set[int] = field(default_factory=set)
    greatest: int | None = None  # of all counted frames
    resumed: bool = False
    owed: Position | None = None  # what was asked for and not recovered, until the server tells of it
    fresh: bool = True  # no counted frame came yet

    def span(self, key: Key) -> _Span | None:
        return self.keys.get(key, self.base)

    def widen(self, *seqs: int) -> None:
        """Leave open which of what is held and these positions it is."""
        for span in ([self.base] if self.base is not None else []) + list(self.keys.values()):
            span.low, span.high, span.counted = min(span.low, *seqs), max(span.high, *seqs), False
        self.states.clear()
        self.greatest = None

    @property
    def seq(self) -> int | None:
        """Return the greatest position held."""
        lows = [span.low for span in self.keys.values()] + ([self.base.low] if self.base is not None else [])
        return max(lows, default=None)


@dataclass(slots=True)
class _Subscription:
    """A key that was opened once. `number` is the request's that opened it, or else ended it."""

    state: Literal["open", "over", "unknown"]
    held: _Held
    number: int


@dataclass(slots=True)
class _Request:
    number: int
    operation: str
    value: Any
    is_paired: bool = True
    others: bool = False  # another request may as well have been meant by the answer
    doubted: bool = False  # an error that nobody paired may have answered it already


@dataclass(slots=True)
class _StreamState:
    """What is known of one stream on this connection."""

    stream: ir.Stream
    name: str
    frames: Mapping[str, ir.StreamFrame]
    subscriptions: dict[Key, _Subscription] = field(default_factory=dict)
    named: dict[AskedKey, Key] = field(default_factory=dict)  # what the server made of a request's key
    refused: set[AskedKey] = field(default_factory=set)
    whole: _Held | None = None  # of an address, from `ready` or the first frame on
    is_ready: bool = False
    sought: Position | None = None
    asked: bool = False  # in the address, for some position, if only in part

    @property
    def subscribe(self) -> str | None:
        return self.stream.subscribe.operation if self.stream.subscribe is not None else None

    @property
    def unsubscribe(self) -> str | None:
        return self.stream.unsubscribe.operation if self.stream.unsubscribe is not None else None

    @property
    def has_words(self) -> bool:
        """Tell whether the server has a frame to say that something is lost."""
        return self.stream.gap is not None or self.stream.reset is not None


class StreamJudge:
    """Judges the streams of one connection. It never fails: what it can't read, it leaves alone."""

    def __init__(self, channel: Channel, offered: bool) -> None:
        """`offered`: the client offered the channel's subprotocols, so that it is told `ready` and `gap`."""
        self._channel = channel
        self._told = offered or not channel.subprotocols
        self._states = tuple(
            _StreamState(stream, name_of(stream), {frame.id: frame for frame in stream.frames})
            for stream in channel.streams
        )
        self._replies = {item.id: {message.key for message in item.replies} for item in channel.operations}
        self._messages = {message.key: message for message in channel.received}
        self._marks = {message.key: message.mark for message in channel.received}
        self._pending: list[_Request] = []
        self._count = 0

    # What the client does.

    def opened(self, query: Mapping[str, str]) -> None:
        """Take that the connection was opened; `query` are the parameters of its address, decoded."""
        for state in self._states:
            if state.stream.ready is not None:
                state.sought = resumed_by(state.stream, query)
                state.asked = asks_to_resume(state.stream, dict(query))

    def requested(self, operation: str, value: Any) -> None:
        """Take that the client sends a request, as JSON."""
        if self._states and operation in self._replies:
            self._count += 1
            self._pending.append(_Request(self._count, operation, value))

    # What the server does.

    def answered(self, operation: str, request: Any, message: str, value: Any) -> list[Violation]:
        """Judge the frame that answers a request of this value, whatever message that is: its reply, an error.

        For callers that pair them; others hand replies to `received`.
        """
        found = next((item for item in self._pending if item.operation == operation and item.value is request), None)
        if found is None:
            same = (item for item in self._pending if item.operation == operation and item.value == request)
            found = next(same, None)
        if found is None:
            found = _Request(0, operation, request)
        found.others = found.doubted = False
        return self._answer(found, message, value)

    def received(self, message: str, value: Any) -> list[Violation]:
        """Judge a frame that nobody paired with a request: what is pushed, and replies, which are paired here.

        They are by their keys, where they have one, and else in order.
        """
        pair = self._pair(message, value)
        if pair is not None:
            return self._answer(pair, message, value)
        for state in self._states:
            stream = state.stream
            if stream.ready is not None and stream.ready.id == message:
                return self._ready(state, stream.ready, value)
            if stream.reset is not None and stream.reset.id == message:
                return self._reset(state, stream.reset, value)
            if stream.gap is not None and stream.gap.frame.id == message:
                return self._gap(state, stream.gap, value)
        candidates = [state for state in self._states if message in state.frames]
        if len(candidates) > 1:  # a message is of one stream; the document doesn't say of which, so the key has to
            known = [state for state in candidates if self._knows(state, key_of(value, state.frames[message].key))]
            candidates = (known or candidates)[:1]
        for state in candidates:
            return self._frame(state, state.frames[message], value)
        acked = [state for state in self._states if state.stream.ack is not None and state.stream.ack.id == message]
        if len(acked) == 1:  # a reply without a request is another rule's; but what it opens is open
            self._take_ack(acked[0], _Request(self._count, "", None, is_paired=False), value)
        return []

    # What a client holds.

    def positions(self) -> Mapping[StreamName, Position]:
        """Return what could be resumed now, and from where. An address has the key ()."""
        found: dict[StreamName, Position] = {}
        for state in self._states:
            held = [(key, item.held) for key, item in state.subscriptions.items() if item.state == "open"]
            if state.whole is not None:
                held.append(((), state.whole))
            for key, one in held:
                has_epoch = state.stream.resume is None or state.stream.resume.epoch is None or one.epoch is not None
                if one.seq is not None and has_epoch and one.owed is None:
                    found[StreamName(state.name, key)] = Position(one.epoch, one.seq)
        return found

    def subscriptions(self) -> frozenset[StreamName]:
        """Return the subscriptions that are open, by the keys that the server gave them."""
        return frozenset(
            StreamName(state.name, key)
            for state in self._states
            for key, item in state.subscriptions.items()
            if item.state == "open"
        )

    # Replies.

    def _pair(self, message: str, value: Any) -> _Request | None:
        """Return the request that a reply answers."""
        known = self._messages.get(message)
        if known is not None and known.is_error and not any(message in state.frames for state in self._states):
            # It may have answered any of them, or none.
            for item in self._pending:
                item.doubted = True
            return None
        fitting = [item for item in self._pending if message in self._replies[item.operation]]
        if not fitting:
            return None
        keyed = [item for item in fitting if self._may_answer(item, message, value)]
        found = (keyed or fitting)[0]
        found.others = len(keyed) != 1
        if found.doubted:  # then this may be the answer to any of them
            for item in keyed or fitting:
                item.doubted = True
        return found

    def _may_answer(self, request: _Request, message: str, value: Any) -> bool:
        for state in self._states:
            for role in (state.stream.subscribe, state.stream.unsubscribe):
                if role is None or role.operation != request.operation:
                    continue
                for reply in role.replies:
                    if reply.id == message:
                        return _fits(key_of(request.value, role.frame.key), key_of(value, reply.key))
        return False

    def _answer(self, request: _Request, message: str, value: Any) -> list[Violation]:
        self._pending = [item for item in self._pending if item is not request]
        found: list[Violation] = []
        for state in self._states:
            stream = state.stream
            if state.subscribe == request.operation:
                if stream.ack is not None and stream.ack.id == message:
                    found += self._take_ack(state, request, value)
                else:
                    self._refuse(state, request)
            if state.unsubscribe == request.operation:
                self._take_end(state, request, message, value)
        return found

    def _refuse(self, state: _StreamState, request: _Request) -> None:
        if state.stream.subscribe is not None and request.value is not None:
            state.refused.add(key_of(request.value, state.stream.subscribe.frame.key))

    def _take_ack(self, state: _StreamState, request: _Request, value: Any) -> list[Violation]:
        stream, ack = state.stream, state.stream.ack
        assert stream.subscribe is not None
        assert ack is not None
        seq = integer_at(value, ack.seq)
        if seq is None:  # a refusal: it opens nothing
            self._refuse(state, request)
            return []
        asked = key_of(request.value, stream.subscribe.frame.key)
        key = key_of(value, ack.key)
        key = key if is_whole(key) else asked
        if not is_whole(key):
            return []
        state.named[asked] = key
        state.refused.discard(asked)
        epoch = text_at(value, ack.epoch)
        known = state.subscriptions.get(key)
        if request.doubted:
            state.subscriptions[key] = _Subscription("unknown", _Held(), request.number)
            return []
        if known is not None and known.state != "open" and known.number > request.number:
            # The answer to a later request came first: whether the key is open, nobody can say.
            known.state = "unknown"
            return []
        if known is not None and known.state == "unknown":  # until it is known to be over
            known.number = max(known.number, request.number)
            return []
        if known is not None and known.state == "open":
            self._take_second(state, known, Position(epoch, seq), request)
            return []
        held = _Held()
        state.subscriptions[key] = _Subscription("open", held, request.number)
        sought = resumed_from(stream, request.value)
        if request.others or not request.is_paired:
            _start(held, epoch, seq)
            if sought is not None or not request.is_paired:
                held.widen(seq, *([sought.seq] if sought is not None else []))
            return []
        resumes = asks_to_resume(stream, request.value)
        return self._open(state, held, ack, Position(epoch, seq), sought, value, asked=resumes)

    def _take_second(self, state: _StreamState, known: _Subscription, start: Position, request: _Request) -> None:
        """Take another `ack` to what is open: it may have changed nothing, or begun anew there."""
        held = known.held
        known.number = request.number
        if held.base is None or (None not in (start.epoch, held.epoch) and start.epoch != held.epoch):
            known.held = held = _Held()
            _start(held, start.epoch, start.seq)
            return
        sought = resumed_from(state.stream, request.value)
        held.widen(start.seq, *([sought.seq] if sought is not None else []))
        held.openings.add(start.seq)
        held.resumed, held.owed = False, None

    def _take_end(self, state: _StreamState, request: _Request, message: str, value: Any) -> None:
        unsubscribe = state.stream.unsubscribe
        assert unsubscribe is not None
        reply = next((item for item in unsubscribe.replies if item.id == message), None)
        if reply is None or self._refuses(message, value):
            return
        asked = key_of(request.value, unsubscribe.frame.key)
        told = key_of(value, reply.key)
        # The reply's key, else what the server made of this one when it was asked for, else the one asked for. A part
        # left out could mean any: then nothing is known to be over.
        candidates = [told, state.named.get(asked, ()), asked]
        over = next((key for key in candidates if is_whole(key) and key in state.subscriptions), None)
        if over is None:
            return
        known = state.subscriptions[over]
        if known.number > request.number or request.doubted or (known.state == "unknown" and request.others):
            known.state = "unknown"
            return
        known.state, known.number = "over", request.number
        state.refused = {key for key in state.refused if not _fits(key, over)}

    def _refuses(self, message: str, value: Any) -> bool:
        """Tell whether a reply says that nothing was done: it is an error, or carries an error's code."""
        known = self._messages.get(message)
        return known is not None and (
            known.is_error or any(value_at(value, way) is not None for way in known.code_ways)
        )

    # Positions.

    def _ready(self, state: _StreamState, frame: ir.StreamFrame, value: Any) -> list[Violation]:
        seq, epoch = integer_at(value, frame.seq), text_at(value, frame.epoch)
        if seq is None:
            return []
        if not state.is_ready:
            state.whole, state.is_ready = _Held(), True
            start = Position(epoch, seq)
            return self._open(state, state.whole, frame, start, state.sought, value, asked=state.asked)
        held = state.whole
        assert held is not None
        if None not in (epoch, held.epoch) and epoch != held.epoch:
            _start(held, epoch, seq)
            return []
        found: list[Violation] = []
        if held.seq is not None and seq < held.seq:
            text = f"it says that the stream starts at {seq}, and {held.seq} is held"
            found.append(self._violation("stream-backward", state, frame.id, text))
        held.widen(seq)
        held.openings.add(seq)
        return found

    def _open(
        self,
        state: _StreamState,
        held: _Held,
        frame: ir.StreamFrame,
        start: Position,
        sought: Position | None,
        value: Any,
        *,
        asked: bool,
    ) -> list[Violation]:
        """Begin at the position that an `ack` or `ready` names, or at the one that was asked for."""
        _start(held, start.epoch, start.seq)
        resume = state.stream.resume
        if resume is not None and not asked and value_at(value, resume.recovered) is True:
            return [
                self._violation("stream-resume", state, frame.id, "recovered is true, and no position was asked for")
            ]
        if sought is None or resume is None:
            return []
        if resume.recovered is None:  # it doesn't say whether it goes on from there
            held.widen(start.seq, sought.seq)
            return []
        if value_at(value, resume.recovered) is not True:
            # A gap may be kept from this client; where there is no way to tell of the loss, `recovered` did.
            if state.has_words and (self._told or state.stream.gap is None):
                held.owed = sought
            return []
        if None not in (start.epoch, sought.epoch) and start.epoch != sought.epoch:
            text = (
                f"recovered is true, and the position that was asked for is of epoch {sought.epoch!r}, "
                f"not of {start.epoch!r}"
            )
            return [self._violation("stream-resume", state, frame.id, text)]
        if start.seq < sought.seq:
            held.widen(sought.seq)
            text = f"recovered is true, and the stream starts at {start.seq}, before the {sought.seq} asked for"
            return [self._violation("stream-resume", state, frame.id, text)]
        _start(held, start.epoch, sought.seq)
        # Nothing stands at the position asked for: exactly what came after it comes now.
        held.openings = {start.seq} - {sought.seq}
        held.resumed = True
        return []

    def _reset(self, state: _StreamState, frame: ir.StreamFrame, value: Any) -> list[Violation]:
        seq, epoch = integer_at(value, frame.seq), text_at(value, frame.epoch)
        key = key_of(value, frame.key)
        if seq is None:
            return []
        held, found = self._find(state, key, frame.id, has_position=True)
        if held is None:
            return found
        owed, held.owed = held.owed, None
        same_epoch = epoch is None or held.epoch is None or epoch == held.epoch
        is_keyed = state.subscribe is None and is_whole(key)
        spans = [held.keys.get(key)] if is_keyed and is_whole(key) else [held.base, *held.keys.values()]
        greatest = max((span.low for span in spans if span is not None), default=None)
        repeats = owed is not None and greatest == owed.seq  # an `ack` that only repeats what was asked for
        if same_epoch and greatest is not None and seq < greatest and not repeats:
            text = f"it goes back to {seq}, and {greatest} of the same epoch is held"
            found.append(self._violation("stream-backward", state, frame.id, text, key))
        if is_keyed and is_whole(key):
            held.keys[key] = _Span(seq, seq)
            held.states.pop(key, None)
            held.greatest = None
            if not same_epoch and epoch is not None:
                held.epochs.add(epoch)
                held.base = None
            return found
        openings = held.openings if same_epoch else set()
        _start(held, epoch if epoch is not None else held.epoch, seq)
        held.openings = openings
        return found

    def _gap(self, state: _StreamState, gap: ir.StreamGap, value: Any) -> list[Violation]:
        last, epoch = integer_at(value, gap.last), text_at(value, gap.frame.epoch)
        key = key_of(value, gap.frame.key)
        if last is None:
            return []
        if not is_whole(key):
            for subscription in state.subscriptions.values():  # each may count for itself
                subscription.held.widen(last)
                subscription.held.owed = None
            if state.whole is not None:
                self._lose(state.whole, None, epoch, last)
            return []
        held, found = self._find(state, key, gap.frame.id, has_position=True)
        if held is not None:
            self._lose(held, key if state.subscribe is None else None, epoch, last)
        return found

    def _lose(self, held: _Held, key: Key | None, epoch: str | None, last: int) -> None:
        """Hold what lies up to a position as lost."""
        held.owed = None
        held.greatest = None
        if None not in (epoch, held.epoch) and epoch != held.epoch and epoch is not None:
            # It may speak of what was held before, or of what comes.
            held.epochs.add(epoch)
            held.widen(last)
            return
        if key is not None:
            span = held.keys.get(key)
            low = max(span.low, last) if span is not None and span.counted else last
            held.keys[key] = _Span(low, low, span is not None and span.counted and span.low >= last)
            held.states.pop(key, None)
            return
        held.resumed = False
        if held.fresh:
            held.base = _Span(last, last)
        elif held.base is not None:
            held.base = _Span(last, max(held.base.high, last))
        held.keys = {name: span for name, span in held.keys.items() if span.low > last}
        held.states.clear()

    # Frames.

    def _frame(self, state: _StreamState, frame: ir.StreamFrame, value: Any) -> list[Violation]:
        key = key_of(value, frame.key)
        if not is_whole(key):
            return []
        seq, prev = integer_at(value, frame.seq), integer_at(value, frame.prev)
        epoch = text_at(value, frame.epoch)
        held, found = self._find(state, key, frame.id, has_position=seq is not None)
        if held is None or seq is None:
            return found
        if epoch is not None and held.epoch is not None and epoch not in (held.epoch, *held.epochs):
            text = f"its epoch is {epoch!r}, and {held.epoch!r} is held"
            found.append(self._violation("stream-epoch", state, frame.id, text, key))
            _start(held, epoch, seq)
            held.openings = set()
            if state.subscribe is None:  # of other keys, nothing is known
                held.base, held.keys[key] = None, _Span(seq, seq)
            return found
        if held.epoch is None:
            held.epoch = epoch
        if prev is None:
            return found + self._take_state(state, held, frame, key, seq)
        return found + self._take_counted(state, held, frame, key, seq, prev)

    def _find(
        self, state: _StreamState, key: AskedKey, message: str, *, has_position: bool
    ) -> tuple[_Held | None, list[Violation]]:
        """Return what is held of a frame's stream, and what is wrong with its coming at all."""
        if state.subscribe is None:
            if not state.is_ready and self._told and has_position:
                text = "it came before the message that says where the stream starts"
                violation = self._violation("stream-ack-late", state, message, text, key)
                state.whole = state.whole if state.whole is not None else _Held()
                return state.whole, [violation]
            if state.whole is None:
                state.whole = _Held()
            return state.whole, []
        if not is_whole(key):
            return None, []
        known = state.subscriptions.get(key)
        if known is not None and known.state == "open":
            return known.held, []
        if known is not None and known.state == "unknown":
            return None, []
        if self._is_asked(state, key):
            # What has no position may well tell why the subscription is refused.
            if not has_position:
                return None, []
            text = "it came before its subscription was acknowledged"
            return None, [self._violation("stream-ack-late", state, message, text, key)]
        if not has_position and any(_fits(asked, key) for asked in state.refused):
            return None, []
        over = known is not None
        text = "it came after unsubscribing was answered" if over else "nobody on this connection is subscribed to it"
        return None, [self._violation("stream-unsubscribed", state, message, text, key)]

    def _is_asked(self, state: _StreamState, key: AskedKey) -> bool:
        assert state.stream.subscribe is not None
        parts = state.stream.subscribe.frame.key
        return any(
            item.operation == state.subscribe and _fits(key_of(item.value, parts), key) for item in self._pending
        )

    def _knows(self, state: _StreamState, key: AskedKey) -> bool:
        if state.subscribe is None:
            return True
        return (is_whole(key) and key in state.subscriptions) or self._is_asked(state, key)

    def _take_state(
        self, state: _StreamState, held: _Held, frame: ir.StreamFrame, key: Key, seq: int
    ) -> list[Violation]:
        """Take a `seq` without `prev`: it tells where the stream stands, and never falls."""
        span = held.span(key)
        floor = held.states.get(key)
        if span is not None and (state.subscribe is not None or span.counted):
            floor = span.low if floor is None else max(floor, span.low)
        if floor is not None and seq < floor:
            text = f"its position {seq} is below {floor}, where the stream stood before"
            return [self._violation("stream-backward", state, frame.id, text, key)]
        held.states[key] = seq
        return []

    def _take_counted(
        self, state: _StreamState, held: _Held, frame: ir.StreamFrame, key: Key, seq: int, prev: int
    ) -> list[Violation]:
        span = held.span(key)
        if span is None:  # nobody said where it starts: this frame does
            if held.fresh:
                held.openings.add(seq)
            self._hold(held, key, seq, seq)
            return []
        found = self._owed(state, held, frame, key, seq, prev)
        resumed = held.resumed and key not in held.keys
        if seq <= span.low:
            if seq in held.openings:
                return found
            text = f"its position {seq} isn't above {span.low}, which is held"
            rule = "stream-resume" if resumed else "stream-double"
            return [*found, self._violation(rule, state, frame.id, text, key)]
        silent = not self._told and state.stream.gap is not None  # the gap may be kept from this client
        if prev > span.high and not silent and not found:
            text = f"the frame before it had the position {prev}, and what is held is {span.high}"
            rule = "stream-resume" if resumed else "stream-hole"
            found.append(self._violation(rule, state, frame.id, text, key))
        elif prev < span.low and span.counted:
            text = f"it says that the frame before it had the position {prev}, and that was {span.low}"
            found.append(self._violation("stream-backward", state, frame.id, text, key))
        elif held.greatest is not None and seq <= held.greatest and seq not in held.openings and not found:
            text = f"its position {seq} isn't above {held.greatest}, that of a counted frame before it"
            found.append(self._violation("stream-double", state, frame.id, text, key))
        self._hold(held, key, seq, max(span.high, seq))
        return found

    def _owed(
        self, state: _StreamState, held: _Held, frame: ir.StreamFrame, key: Key, seq: int, prev: int
    ) -> list[Violation]:
        """Return what is wrong with a counted frame when the server has still to tell what it didn't recover."""
        owed = held.owed
        if owed is None or seq in held.openings:
            return []
        # On an address with several keys, those that lost nothing may go on before another's gap is told.
        if state.subscribe is None and owed.epoch == held.epoch and prev <= owed.seq:
            return []
        held.owed = None
        text = f"the stream goes on at {seq} without a word of what was lost after {owed.seq}"
        return [self._violation("stream-resume", state, frame.id, text, key)]

    def _hold(self, held: _Held, key: Key, seq: int, high: int) -> None:
        # What stands at an opening may be what stood then: its `seq` says nothing of the key's own frames.
        held.keys[key] = _Span(seq, high, counted=seq not in held.openings)
        held.greatest = seq if held.greatest is None else max(held.greatest, seq)
        held.fresh = False

    def _violation(self, rule: str, state: _StreamState, message: str, text: str, key: AskedKey = ()) -> Violation:
        known = self._messages.get(message)
        of = f" of {_shown(key)}" if any(part is not None for part in key) else ""
        return Violation(
            rule=rule,
            text=f"{known.title if known is not None else message}{of}: {text}.",
            channel=self._channel.id,
            subject=state.name,
            operation=state.subscribe,
            message=message,
            mark=self._marks.get(message),
        )


def _start(held: _Held, epoch: str | None, seq: int) -> None:
    """Hold a position, for every key."""
    held.epoch, held.base = epoch, _Span(seq, seq)
    held.keys.clear()
    held.states.clear()
    held.epochs.clear()
    held.openings = {seq}
    held.greatest = None
    held.resumed, held.fresh = False, True
