"""Resuming: plans how a client goes on where it was, and holds what it got then against what another was told.

The other is a *witness*: a second connection that saw the same stream, and was never cut. `StreamJudge` sees one
connection only, and there a frame that was lost at its end, or was told differently, can't be seen. Values only: it
must not know how connections are made or cut.

What differs is told as `stream-resume`. Only what both must have had is compared: what came after the position held
and after the one at which the witness began, up to `until`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from codegen import ir
from contract.model import Violation
from contract.spec import Channel
from contract.streaming import Key, Position, integer_at, is_whole, key_of, name_of, text_at, value_at
from contract.ways import put, without

Way = tuple[str, ...]


def resume_request(stream: ir.Stream, subscribe: Any, position: Position) -> Any:
    """Return a copy of a subscribing message that asks to go on after a position. ValueError: the stream can't."""
    if stream.resume is None or stream.subscribe is None:
        raise ValueError(f"{name_of(stream)} has no resume by a request.")
    value = put(subscribe, stream.resume.seq, position.seq)
    return put(value, stream.resume.epoch, position.epoch) if stream.resume.epoch is not None else value


def resume_query(stream: ir.Stream, position: Position) -> Mapping[str, str]:
    """Return the query parameters, not encoded, that ask to go on after a position. ValueError: the stream can't."""
    if stream.resume is None or stream.subscribe is not None:
        raise ValueError(f"{name_of(stream)} has no resume by its address.")
    query = {stream.resume.seq[-1]: str(position.seq)}
    if stream.resume.epoch is not None and position.epoch is not None:
        query[stream.resume.epoch[-1]] = position.epoch
    return query


@dataclass(frozen=True, slots=True)
class Counted:
    """A counted frame: its key, where it stands, and what it holds but for the members that are the connection's."""

    key: Key
    epoch: str | None
    seq: int
    prev: int
    message: str
    content: str

    @property
    def place(self) -> tuple[Key, int]:
        """Return what no two counted frames of an epoch share."""
        return self.key, self.seq


@dataclass(frozen=True, slots=True)
class Loss:
    """What the server said can't be had: of one key, or (None) of every one. `first` is None for all before."""

    key: Key | None
    epoch: str | None
    first: int | None
    last: int


class Recording:
    """What one connection was told of one stream: of one subscription's key, or of an address as a whole."""

    def __init__(self, channel: Channel, stream: ir.Stream, key: Key = (), *, ignore: Iterable[Way] = ()) -> None:
        """`key`: the subscription's, as the server names it, for a stream that requests open.

        `ignore` leads to members that may differ between two connections, beside each message's correlation id.
        """
        self.stream = stream
        self.channel = channel
        self.key = key
        self.start: Position | None = None
        self.recovered: bool | None = None
        self.epoch: str | None = None
        self.counted: list[Counted] = []
        self.losses: list[Loss] = []
        self._frames = {frame.id: frame for frame in stream.frames}
        self._own = {item.key: (item.correlation, *ignore) for item in channel.received}

    def add(self, message: str, value: Any) -> None:
        """Take the next frame of the connection, whichever it is."""
        stream = self.stream
        start = stream.ack if stream.subscribe is not None else stream.ready
        if start is not None and start.id == message:
            self._begin(start, value)
        elif stream.reset is not None and stream.reset.id == message:
            self._lose(stream.reset, value, None, integer_at(value, stream.reset.seq))
        elif stream.gap is not None and stream.gap.frame.id == message:
            gap = stream.gap
            self._lose(gap.frame, value, integer_at(value, gap.first), integer_at(value, gap.last))
        elif message in self._frames:
            self._take(self._frames[message], message, value)

    def _begin(self, frame: ir.StreamFrame, value: Any) -> None:
        seq = integer_at(value, frame.seq)
        if seq is None or self.start is not None or (frame.key and key_of(value, frame.key) != self.key):
            return
        self.epoch = text_at(value, frame.epoch)
        self.start = Position(self.epoch, seq)
        resume = self.stream.resume
        found = value_at(value, resume.recovered) if resume is not None else None
        self.recovered = found if isinstance(found, bool) else None

    def _lose(self, frame: ir.StreamFrame, value: Any, first: int | None, last: int | None) -> None:
        key = key_of(value, frame.key)
        if last is None or (self.stream.subscribe is not None and is_whole(key) and key != self.key):
            return
        epoch = text_at(value, frame.epoch)
        named = key if is_whole(key) and self.stream.subscribe is None else None
        self.losses.append(Loss(named, epoch if epoch is not None else self.epoch, first, last))
        if frame is self.stream.reset and epoch is not None:
            self.epoch = epoch

    def _take(self, frame: ir.StreamFrame, message: str, value: Any) -> None:
        key = key_of(value, frame.key)
        seq, prev = integer_at(value, frame.seq), integer_at(value, frame.prev)
        if not is_whole(key) or (self.stream.subscribe is not None and key != self.key):
            return
        if seq is None or prev is None:
            return
        epoch = text_at(value, frame.epoch)
        self.epoch = epoch if epoch is not None else self.epoch
        content = value
        for way in self._own.get(message, ()):
            content = without(content, way)
        text = json.dumps(_plain(content), sort_keys=True)
        self.counted.append(Counted(key, self.epoch, seq, prev, message, text))

    @property
    def last(self) -> int | None:
        """Return the greatest position of a counted frame of the present epoch."""
        return max((item.seq for item in self.counted if item.epoch == self.epoch), default=None)


def compare(
    held: Position, witness: Recording, resumed: Recording, recovered: bool | None = None, *, until: int | None = None
) -> list[Violation]:
    """Hold what a connection got that asked to go on after `held` against what the witness got.

    `recovered`: what the server answered; None: what `resumed` was told. `until`: the last position that the resumed
    connection has surely had time for; None: the last that came there, so that what is missing at its end isn't seen.
    Both recordings are of the same subscription, or address.
    """
    return _Comparison(held, witness, resumed, recovered, until).run()


class _Comparison:
    def __init__(
        self, held: Position, witness: Recording, resumed: Recording, recovered: bool | None, until: int | None
    ) -> None:
        self._held = held
        self._witness = witness
        self._resumed = resumed
        self._recovered = recovered if recovered is not None else resumed.recovered
        self._until = until
        self._found: list[Violation] = []

    def run(self) -> list[Violation]:
        """Return what differs."""
        held, witness, resumed = self._held, self._witness, self._resumed
        epoch = resumed.start.epoch if resumed.start is not None else resumed.epoch
        if self._recovered:
            known = {item.epoch for item in witness.counted} | {witness.epoch}
            if None not in (held.epoch, witness.epoch) and held.epoch not in known:
                self._tell(f"recovered is true, and {held.epoch!r}, the epoch asked for, isn't the server's")
                return self._found
        elif self._is_owed():
            self._tell("recovered isn't true, and neither a reset nor a gap says what is lost")
            return self._found
        # What stood when a stream was opened stands at the very position that it started at: it may come any number of
        # times, and the witness needn't have it.
        opening = None if self._recovered or resumed.start is None else resumed.start.seq
        came = [item for item in resumed.counted if item.seq != opening or item.epoch != epoch]
        stood = {item.place for item in resumed.counted} - {item.place for item in came}
        same_epoch = self._recovered or held.epoch == epoch
        start = held.seq if same_epoch else None
        self._once(came, start)
        self._same(came, stood, start, epoch if not self._recovered else held.epoch)
        return self._found

    def _is_owed(self) -> bool:
        """Tell whether the server has said too little: it goes on, and told nothing of what is lost."""
        stream, resumed = self._resumed.stream, self._resumed
        if stream.resume is None or stream.resume.recovered is None or resumed.start is None:
            return False
        opening = resumed.start.seq
        goes_on = self._until is not None or any(item.seq != opening for item in resumed.counted)
        return not resumed.losses and (stream.gap is not None or stream.reset is not None) and goes_on

    def _once(self, came: list[Counted], start: int | None) -> None:
        seen: set[tuple[str | None, Key, int]] = set()
        for item in came:
            if (item.epoch, *item.place) in seen:
                self._tell(f"the frame at {item.seq} came twice", item)
            elif self._recovered and start is not None and item.epoch == self._held.epoch and item.seq <= start:
                self._tell(f"the frame at {item.seq} came again, and {start} was held", item)
            seen.add((item.epoch, *item.place))

    def _same(self, came: list[Counted], stood: set[tuple[Key, int]], start: int | None, epoch: str | None) -> None:
        """Compare what both must have had."""
        witness = self._witness
        if witness.start is None:
            return
        began = witness.start.seq if witness.start.epoch == epoch else 0
        # An epoch is whole where the witness saw it begin; where positions have no epoch, from where it began.
        first = max(began, start if start is not None else began)
        told = {item.place: item for item in witness.counted if item.epoch == epoch and item.seq > began}
        got = {item.place: item for item in came if item.epoch == epoch}
        end = self._until if self._until is not None else max((seq for _, seq in got), default=0)
        for place, item in told.items():
            if first < item.seq <= end and place not in got and place not in stood and not self._is_lost(item):
                self._tell(f"the frame at {item.seq} is missing", item)
        seen = max((seq for _, seq in told), default=began)
        for place, item in got.items():
            if place not in told and first < item.seq <= seen:
                self._tell(f"the frame at {item.seq} is none of the stream's", item)
            elif place in told and told[place].content != item.content:
                self._tell(f"the frame at {item.seq} isn't the one that another connection got", item)
        order = [item.place for item in came if item.epoch == epoch and item.place in told and item.seq > first]
        wanted = [place for place in told if place in set(order)]
        if list(dict.fromkeys(order)) != wanted and not self._found:
            self._tell("its frames came in another order than on another connection")

    def _is_lost(self, item: Counted) -> bool:
        return any(
            loss.key in (None, item.key)
            and loss.epoch == item.epoch
            and item.seq <= loss.last
            and (loss.first is None or loss.first <= item.seq)
            for loss in self._resumed.losses
        )

    def _tell(self, text: str, item: Counted | None = None) -> None:
        resumed = self._resumed
        start = resumed.stream.ack or resumed.stream.ready
        message = item.message if item is not None else start.id if start is not None else None
        known = {found.key: found for found in resumed.channel.received}.get(message or "")
        key = item.key if item is not None else resumed.key
        of = f" of {', '.join(key)}" if key else ""
        self._found.append(
            Violation(
                rule="stream-resume",
                text=f"Resumed after {self._held.seq}{of}: {text}.",
                channel=resumed.channel.id,
                subject=name_of(resumed.stream),
                operation=resumed.stream.subscribe.operation if resumed.stream.subscribe is not None else None,
                message=message,
                mark=known.mark if known is not None else None,
            )
        )


def _plain(value: Any) -> Any:
    """Return a value in which numbers that are equal look alike: `41.0` is 41."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
