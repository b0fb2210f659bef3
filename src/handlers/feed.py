"""Feed: market events in, bars out to the hub's topics. It never sees a connection or a request."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from generated import limits
from generated.errors import ErrorCode
from generated.messages import BarsOutgoing, Delivery, delivery_bars, encode_bars
from generated.models import (
    BarsCorrection,
    BarsCorrectionPayload,
    BarsError,
    BarsErrorPayload,
    BarsSnapshot,
    BarsSnapshotPayload,
    BarsUpdate,
    BarsUpdatePayload,
)
from handlers.wire import wire_bar, wire_past_bar
from market import events
from market.aggregator import Aggregator, Correction, FinalBar
from market.calendar import TradingCalendar
from market.history import BarHistory
from market.records import Copy, bar_of, bar_record
from market.resolution import Resolution
from market.symbols import Symbol, SymbolDirectory
from streaming.clock import Clock, Timer
from streaming.history import Ring, Rings
from streaming.hub import Hub
from streaming.session import Session
from streaming.topic import Position, Spelling, Stream, StreamId, Topic
from streaming.traffic import Recoveries

NEVER_YET = -(1 << 62)
PACE = 2
"""Where in a spelling the pace stands, in milliseconds."""


@dataclass(slots=True)
class Pace:
    """How often some subscribers of a stream are told of its open bar: `interval` in seconds."""

    interval: float
    due_at: float = 0.0
    timer: Timer | None = None
    sent: events.Bar | None = None


@dataclass(frozen=True, slots=True)
class BarEvent:
    """A bar's last word, or the correction of one, as it was told: the same for everybody, whenever they hear of it."""

    change: FinalBar | Correction
    position: Position
    timestamp: int


class BarStream:
    """One symbol at one resolution: its position, its last events, and when its open bar may be sent again."""

    __slots__ = ("events", "id", "paces", "position", "resolution")

    def __init__(self, symbol: Symbol, resolution: Resolution, epoch: str, ring: Ring[BarEvent]) -> None:
        """Start at the epoch's beginning. The ring may hold an earlier epoch's events."""
        ring.clear()
        self.id: StreamId = ("bars", symbol.key, resolution.value)
        self.resolution = resolution
        self.position = Stream(epoch)
        self.events = ring
        self.paces: dict[str, Pace] = {}


class SymbolBars:
    """One symbol's bars at every resolution. `watched` are the streams whose open bar somebody may want."""

    __slots__ = ("aggregator", "history", "partial", "streams", "symbol", "watched")

    def __init__(
        self, symbol: Symbol, aggregator: Aggregator, epoch: str, rings: Mapping[Resolution, Ring[BarEvent]]
    ) -> None:
        """Start with no trade."""
        self.symbol = symbol
        self.aggregator = aggregator
        self.partial: Mapping[Resolution, int] | None = None
        self.history = BarHistory(limits.SNAPSHOT_BARS)
        self.streams = {
            resolution: BarStream(symbol, resolution, epoch, rings[resolution]) for resolution in Resolution
        }
        self.watched: dict[Resolution, BarStream] = {}

    def unwatch(self, stream: BarStream) -> None:
        """Stop publishing the stream's open bar."""
        for key in tuple(stream.paces):
            self.drop_pace(stream, key)

    def drop_pace(self, stream: BarStream, key: str) -> None:
        """Stop publishing the stream's open bar at one pace; harmless where there is none."""
        pace = stream.paces.pop(key, None)
        if pace is not None and pace.timer is not None:
            pace.timer.cancel()
        if not stream.paces:
            self.watched.pop(stream.resolution, None)


def partial_bars(calendar: TradingCalendar, first: int) -> dict[Resolution, int]:
    """Return the stamps of the bars that opened before the session of the first trade told: they lack trades."""
    session = calendar.session_at(first)
    found: dict[Resolution, int] = {}
    for resolution in Resolution:
        interval = calendar.interval(resolution, first)
        if session is not None and interval is not None and interval.opens < session.open:
            found[resolution] = interval.start
    return found


class BarsFeed:
    """Takes market events (a `market.events.MarketSink`) and publishes bars.

    `interval_ms` is the least time between two updates of an open bar; `lateness_ms` is how long after its end, by the
    market's clock, a bar waits for trades, and `late_ms` how long a closed one can be corrected; `new_epoch` names each
    new life of an exchange's streams.
    """

    def __init__(
        self,
        symbols: Iterable[Symbol],
        hub: Hub,
        rings: Rings,
        clock: Clock,
        *,
        interval_ms: int,
        lateness_ms: int,
        late_ms: int,
        new_epoch: Callable[[], str],
    ) -> None:
        """Start with every exchange available and no trade known. Raises ValueError where a symbol is given twice."""
        self.directory = SymbolDirectory(symbols)
        self.recoveries = Recoveries()
        self._hub = hub
        self._time = clock
        self._interval_ms = interval_ms
        self._lateness_ms = lateness_ms
        self._late_ms = late_ms
        self._new_epoch = new_epoch
        self._unavailable: dict[str, str] = {}
        self._begun: set[str] = set()
        self._now: dict[str, int] = {}  # each exchange's event clock
        self._due: dict[str, int] = {}  # when the first of an exchange's bars closes
        self._symbols: dict[str, SymbolBars] = {}
        self._rings: dict[str, dict[Resolution, Ring[BarEvent]]] = {
            symbol.key: {resolution: rings.new() for resolution in Resolution} for symbol in self.directory
        }
        self._exchanges: dict[str, list[Symbol]] = {}
        for symbol in self.directory:
            self._exchanges.setdefault(symbol.exchange, []).append(symbol)
        for exchange in self._exchanges:
            self._begin(exchange)

    def _begin(self, exchange: str) -> None:
        epoch = self._new_epoch()
        self._begun.discard(exchange)
        self._now[exchange] = self._due[exchange] = NEVER_YET
        for symbol in self._exchanges[exchange]:
            aggregator = Aggregator(symbol.calendar, lateness_ms=self._lateness_ms, kept_ms=self._late_ms)
            self._symbols[symbol.key] = SymbolBars(symbol, aggregator, epoch, self._rings[symbol.key])

    # ------------------------------------------------------------------------------------------- from the market

    def trade(self, trade: events.Trade) -> None:
        """Count a trade; publish the bars that it closes or corrects and, when due, the open ones that it changes."""
        bars = self._symbols[trade.symbol]
        exchange = bars.symbol.exchange
        changes: list[FinalBar | Correction] = []
        changes += bars.aggregator.advance(self._now[exchange])  # the clock may have passed while nothing was due
        changes += bars.aggregator.add(trade)
        self._due[exchange] = min(self._due[exchange], bars.aggregator.next_end)
        self._publish(bars, changes)
        if bars.watched:
            self._touch(bars)

    def bust(self, symbol: str, trade_id: str) -> None:
        """Take a trade back; publish the closed bars that this corrects and, when they are due, the open ones."""
        bars = self._symbols[symbol]
        self._publish(bars, bars.aggregator.bust(trade_id) or [])
        if bars.watched:
            self._touch(bars)

    def history(self, trade: events.Trade) -> None:
        """Count a trade from before the source's start: nobody is told, and no position moves."""
        bars = self._symbols[trade.symbol]
        if bars.partial is None:
            bars.partial = partial_bars(bars.symbol.calendar, trade.time)
        self._remember(bars, bars.aggregator.add(trade), told=False)

    def past_bars(self, symbol: str, resolution: Resolution, past: Sequence[events.Bar]) -> None:
        """Take closed bars from before every trade, oldest first."""
        self._symbols[symbol].history.seed(resolution, past)

    def begins(self, exchange: str, time: int) -> None:
        """Close the bars of history, which nobody is told of; from now on open bars are shown."""
        self._begun.add(exchange)
        self._now[exchange] = time
        for symbol in self._exchanges[exchange]:
            bars = self._symbols[symbol.key]
            self._remember(bars, bars.aggregator.advance(time), told=False)
            self._touch(bars)
        self._due[exchange] = self._next_end(exchange)

    def clock(self, exchange: str, time: int) -> None:
        """Move the exchange's event clock (ms) and publish the bars that it closes."""
        self._now[exchange] = time
        if time < self._due[exchange] and not self._lateness_ms:
            return  # the usual case, which must not cost a walk over thousands of symbols
        for symbol in self._exchanges[exchange]:
            bars = self._symbols[symbol.key]
            closed = self._publish(bars, bars.aggregator.advance(time))
            # With lateness a bar that has trades already is shown only when the clock gets there.
            if bars.watched and (closed or self._lateness_ms):
                self._touch(bars)
        self._due[exchange] = self._next_end(exchange)

    def _next_end(self, exchange: str) -> int:
        return min(self._symbols[symbol.key].aggregator.next_end for symbol in self._exchanges[exchange])

    def restarted(self, exchange: str) -> None:
        """Begin a new epoch: what was known is void, and whoever subscribed to it must come again."""
        self._unavailable.pop(exchange, None)
        sessions: dict[Session, None] = {}
        for symbol in self._exchanges[exchange]:
            bars = self._symbols[symbol.key]
            for stream in bars.streams.values():
                bars.unwatch(stream)
                sessions.update(dict.fromkeys(self._hub.sessions(stream.id)))
        self._begin(exchange)
        for session in sessions:
            session.end("state_lost")

    def ended(self, exchange: str) -> None:
        """Tell subscribers that the exchange has no further events."""
        self._make_unavailable(exchange, "has reached its end")

    def failed(self, exchange: str) -> None:
        """Tell subscribers that the exchange's source failed."""
        self._make_unavailable(exchange, "is not available now")

    def _make_unavailable(self, exchange: str, state: str) -> None:
        self._unavailable[exchange] = state
        for symbol in self._exchanges[exchange]:
            bars = self._symbols[symbol.key]
            text = f"The source of {symbol.key} {state}."
            for stream in tuple(bars.watched.values()):
                for key, pace in tuple(stream.paces.items()):
                    if pace.timer is not None:  # the last word on the open bar comes before the bad news
                        pace.timer.cancel()
                        self._publish_open(bars, stream, key)
                for spelling in self._hub.spellings(stream.id):
                    self._send(stream, spelling, bars_error(spelling, text))

    # ---------------------------------------------------------------------------------------------- to be kept

    def rings(self) -> dict[str, Ring[BarEvent]]:
        """Return every ring, by a name of its own."""
        return {
            f"bars {key} {resolution}": ring for key, rings in self._rings.items() for resolution, ring in rings.items()
        }

    def dump(self) -> dict[str, Copy]:
        """Return a copy of everything that anybody was told of or can be, in parts with names of their own."""
        exchanges = {
            exchange: (
                exchange in self._begun,
                self._unavailable.get(exchange),
                self._now[exchange],
                self._due[exchange],
            )
            for exchange in self._exchanges
        }
        parts: dict[str, Copy] = {"bars": lambda: exchanges}
        for key, bars in self._symbols.items():
            parts[f"bars {key}"] = _dump_symbol(bars)
        return parts

    def load(self, plain: Mapping[str, Any]) -> None:
        """Take what a copy held, in place of what is here: of the same symbols, with the same settings.

        The rings' times are still to be loaded. KeyError, TypeError, ValueError: it is no such copy.
        """
        for exchange, (has_begun, unavailable, now, due) in plain["bars"].items():
            if has_begun:
                self._begun.add(exchange)
            if unavailable is not None:
                self._unavailable[exchange] = unavailable
            self._now[exchange] = now
            self._due[exchange] = due
        for key, bars in self._symbols.items():
            _load_symbol(bars, plain[f"bars {key}"])

    # ------------------------------------------------------------------------------------------ for the handlers

    @property
    def has_begun(self) -> bool:
        """Whether every exchange's source has told its history and begun, or has ended."""
        return all(exchange in self._begun or exchange in self._unavailable for exchange in self._exchanges)

    def dropped(self) -> dict[str, int]:
        """Return how many trades were not counted, by reason: doubled, later than what is kept, outside a session.

        `unbusted`: how many were to be taken back that are not kept.
        """
        drops = [bars.aggregator.dropped for bars in self._symbols.values()]
        return {
            "doubled": sum(drop.doubled for drop in drops),
            "late": sum(drop.late for drop in drops),
            "outside": sum(drop.outside for drop in drops),
            "unbusted": sum(drop.unbusted for drop in drops),
        }

    def unavailable(self, symbol: Symbol) -> str | None:
        """Return why the symbol's source gives nothing, as one sentence; None while it does."""
        state = self._unavailable.get(symbol.exchange)
        return None if state is None else f"The source of {symbol.key} {state}."

    def stream(self, symbol: Symbol, resolution: Resolution) -> BarStream:
        """Return the symbol's stream at the resolution."""
        return self._symbols[symbol.key].streams[resolution]

    def spelling(self, symbol: str, resolution: str, conflate_ms: int) -> Spelling:
        """Return how a subscription is spelt: symbol and resolution as the client wrote them, and its pace."""
        # Few steps: all clients of one share its bytes and its timer.
        step = 10 ** max(0, len(str(conflate_ms)) - 2)
        return (symbol, resolution, str(max(-(-conflate_ms // step) * step, self._interval_ms)))

    def watch(self, symbol: Symbol, resolution: Resolution, spelling: Spelling) -> None:
        """Publish the stream's open bar at this pace from now on, as long as anybody subscribes to it."""
        bars = self._symbols[symbol.key]
        stream = bars.watched[resolution] = bars.streams[resolution]
        key = spelling[PACE]
        if key not in stream.paces:
            stream.paces[key] = Pace(int(key) / 1000)

    def forget_pace(self, symbol: Symbol, resolution: Resolution, spelling: Spelling) -> None:
        """Take that a subscription ended: nothing is kept of its pace where it was the last one."""
        bars = self._symbols[symbol.key]
        stream = bars.streams[resolution]
        if any(other[PACE] == spelling[PACE] for other in self._hub.spellings(stream.id)):
            return
        bars.drop_pace(stream, spelling[PACE])

    def unavailable_frame(self, symbol: Symbol, spelling: Spelling) -> bytes | None:
        """Return the frame that says why the symbol's source gives nothing; None while it does."""
        text = self.unavailable(symbol)
        return None if text is None else encode_bars(bars_error(spelling, text))

    def send_open_bar(self, session: Session, symbol: Symbol, resolution: Resolution, spelling: Spelling) -> None:
        """Send the bar that is open now, if there is one, to one session."""
        bars = self._symbols[symbol.key]
        bar = bars.aggregator.open_bar(resolution) if symbol.exchange in self._begun else None
        if bar is not None:
            stream = bars.streams[resolution]
            message = self._open_update(stream, bar, spelling)
            session.send(encode_bars(message), key=Topic(stream.id, spelling))
            pace = stream.paces[spelling[PACE]]
            if pace.sent is None:  # the first of its subscribers: nobody needs to be told the same again
                pace.sent = bar
                pace.due_at = self._time.monotonic() + pace.interval
            elif pace.sent != bar:
                pace.sent = None  # they were told different bars: the next one goes to all, whichever it is

    def resume(
        self, stream: BarStream, spelling: Spelling, epoch: str, seq: int
    ) -> Iterator[bytes] | Literal["other_epoch", "unknown_position", "too_old"]:
        """Return the frames of what came after a position, or why they can't be had: which is to be told."""
        why = _why_lost(stream, epoch, seq)
        if why is not None:
            self.recoveries.lost += 1
            self.recoveries.gaps += 1
            return why
        self.recoveries.recovered += 1
        events = stream.events.after(seq, None)
        return (self._event_frame(event, spelling) for _, event in events)

    def snapshot(self, symbol: Symbol, stream: BarStream, spelling: Spelling, count: int) -> Iterator[bytes]:
        """Return the one frame of the newest closed bars, which is made when it is asked for, of what is closed now."""
        history = self._symbols[symbol.key].history
        newest = history.newest(stream.resolution)
        epoch, seq = stream.position.epoch, stream.position.seq

        def frame() -> Iterator[bytes]:
            bars = [
                wire_past_bar(bar)
                for bar in history.last(stream.resolution, 0 if newest is None else count, until=newest)
            ]
            yield encode_bars(
                BarsSnapshot(
                    payload=BarsSnapshotPayload(
                        symbol=spelling[0], resolution=spelling[1], bars=bars, epoch=epoch, seq=seq
                    )
                )
            )

        return frame()

    # ----------------------------------------------------------------------------------------------- to the hub

    def _touch(self, bars: SymbolBars) -> None:
        """Publish each watched open bar now, or as soon as the interval of its pace has passed."""
        now = self._time.monotonic()
        for stream in tuple(bars.watched.values()):
            for key, pace in tuple(stream.paces.items()):
                if pace.timer is not None:
                    continue
                if now >= pace.due_at:
                    self._publish_open(bars, stream, key)
                else:
                    pace.timer = self._time.call_later(
                        pace.due_at - now, partial(self._publish_open, bars, stream, key)
                    )

    def _publish_open(self, bars: SymbolBars, stream: BarStream, key: str) -> None:
        pace = stream.paces[key]
        pace.timer = None
        spellings = [spelling for spelling in self._hub.spellings(stream.id) if spelling[PACE] == key]
        if not spellings:
            bars.drop_pace(stream, key)
            return
        bar = bars.aggregator.open_bar(stream.resolution)
        if bar is None or bar == pace.sent:
            return
        pace.sent = bar
        pace.due_at = self._time.monotonic() + pace.interval
        for spelling in spellings:
            self._send(stream, spelling, self._open_update(stream, bar, spelling))

    def _remember(self, bars: SymbolBars, changes: Sequence[FinalBar | Correction], *, told: bool = True) -> None:
        """Put what closed or was corrected into the history; of the past, what its trades make up as a whole."""
        for change in changes:
            if not told and (bars.partial or {}).get(change.resolution) == change.bar.time:
                continue
            if isinstance(change, Correction):
                bars.history.correct(change.resolution, change.bar)
            else:
                bars.history.add(change.resolution, change.bar)

    def _publish(self, bars: SymbolBars, changes: Sequence[FinalBar | Correction]) -> bool:
        """Publish bars' last words and corrections, each at its stream's next position; say whether there were any."""
        self._remember(bars, changes)
        timestamp = self._time.now_ms() if changes else 0
        for change in changes:
            stream = bars.streams[change.resolution]
            position = stream.position.advance()
            event = BarEvent(change, position, timestamp)
            stream.events.append(position.seq, "", event)
            frames: dict[tuple[str, str], tuple[bytes, Delivery]] = {}
            for spelling in self._hub.spellings(stream.id):
                written = spelling[0], spelling[1]  # clients of all paces share its bytes
                if written not in frames:
                    message = event_message(event, spelling)
                    frames[written] = encode_bars(message), delivery_bars(message)
                self._hub.publish(Topic(stream.id, spelling), *frames[written])
        return bool(changes)

    def _event_frame(self, event: BarEvent, spelling: Spelling) -> bytes:
        return encode_bars(event_message(event, spelling))

    def _open_update(self, stream: BarStream, bar: events.Bar, spelling: Spelling) -> BarsUpdate:
        return BarsUpdate(
            payload=BarsUpdatePayload(
                symbol=spelling[0],
                resolution=spelling[1],
                bar=wire_bar(bar),
                timestamp=self._time.now_ms(),
                final=False,
                seq=stream.position.seq,
                epoch=stream.position.epoch,
            )
        )

    def _send(self, stream: BarStream, spelling: Spelling, message: BarsOutgoing) -> None:
        self._hub.publish(Topic(stream.id, spelling), encode_bars(message), delivery_bars(message))


def bars_error(spelling: Spelling, text: str) -> BarsError:
    """Return the message that a subscription's source gives nothing."""
    return BarsError(
        payload=BarsErrorPayload(
            symbol=spelling[0], resolution=spelling[1], code=ErrorCode.SOURCE_UNAVAILABLE, error=text
        )
    )


def event_message(event: BarEvent, spelling: Spelling) -> BarsUpdate | BarsCorrection:
    """Return what an event says, spelt as a client spelt it."""
    change, position = event.change, event.position
    if isinstance(change, Correction):
        return BarsCorrection(
            payload=BarsCorrectionPayload(
                symbol=spelling[0],
                resolution=spelling[1],
                bar=wire_bar(change.bar),
                revision=change.revision,
                timestamp=event.timestamp,
                seq=position.seq,
                prev=position.prev,
                epoch=position.epoch,
            )
        )
    return BarsUpdate(
        payload=BarsUpdatePayload(
            symbol=spelling[0],
            resolution=spelling[1],
            bar=wire_bar(change.bar),
            timestamp=event.timestamp,
            final=True,
            seq=position.seq,
            prev=position.prev,
            epoch=position.epoch,
        )
    )


def _dump_symbol(bars: SymbolBars) -> Copy:
    aggregator, history = bars.aggregator.dump(), bars.history.dump()
    streams = {
        resolution.value: (stream.position.epoch, stream.position.seq, stream.events.dump(_event_record))
        for resolution, stream in bars.streams.items()
    }
    begun_before = None if bars.partial is None else {key.value: time for key, time in bars.partial.items()}
    return lambda: {
        "aggregator": aggregator(),
        "partial": begun_before,
        "history": {resolution: b64encode(rows).decode() for resolution, rows in history.items()},
        "streams": {resolution: (epoch, seq, ring()) for resolution, (epoch, seq, ring) in streams.items()},
    }


def _load_symbol(bars: SymbolBars, plain: Any) -> None:
    bars.aggregator.load(plain["aggregator"])
    begun_before = plain["partial"]
    bars.partial = None if begun_before is None else {Resolution(key): time for key, time in begun_before.items()}
    bars.history.load({Resolution(value): b64decode(rows) for value, rows in plain["history"].items()})
    for value, (epoch, seq, ring) in plain["streams"].items():
        stream = bars.streams[Resolution(value)]
        stream.position = Stream(epoch)
        stream.position.seq = seq
        stream.events.load(ring, partial(_event_of, stream.resolution, epoch))


def _why_lost(stream: BarStream, epoch: str, seq: int) -> Literal["other_epoch", "unknown_position", "too_old"] | None:
    if epoch != stream.position.epoch:
        return "other_epoch"
    if seq > stream.position.seq:
        return "unknown_position"
    return None if stream.events.lost_after(seq, None) is None else "too_old"


def _event_record(event: BarEvent) -> Any:
    change = event.change
    revision = change.revision if isinstance(change, Correction) else None
    return (bar_record(change.bar), revision, event.position.seq, event.position.prev, event.timestamp)


def _event_of(resolution: Resolution, epoch: str, record: Any) -> BarEvent:
    bar, revision, seq, prev, timestamp = record
    change: FinalBar | Correction = (
        FinalBar(resolution, bar_of(bar)) if revision is None else Correction(resolution, bar_of(bar), revision)
    )
    return BarEvent(change, Position(epoch, seq, prev), timestamp)
