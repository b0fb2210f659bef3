"""Feed: market events in, bars out to the hub's topics. It never sees a connection or a request."""

from collections.abc import Callable, Iterable
from functools import partial

from generated.errors import ErrorCode
from generated.messages import BarsOutgoing, delivery_bars, encode_bars
from generated.models import BarsError, BarsErrorPayload, BarsUpdate, BarsUpdatePayload
from handlers.wire import wire_bar
from market import events
from market.aggregator import Aggregator, FinalBar
from market.resolution import Resolution
from market.symbols import Symbol, SymbolDirectory
from streaming.clock import Clock, Timer
from streaming.hub import Hub
from streaming.session import Session
from streaming.topic import Spelling, Stream, StreamId, Topic

NEVER_YET = -(1 << 62)


class BarStream:
    """One symbol at one resolution: its position, and when its open bar may be sent again."""

    __slots__ = ("due_at", "id", "position", "resolution", "sent", "timer")

    def __init__(self, symbol: Symbol, resolution: Resolution, epoch: str) -> None:
        """Start at the epoch's beginning."""
        self.id: StreamId = ("bars", symbol.key, resolution.value)
        self.resolution = resolution
        self.position = Stream(epoch)
        self.due_at = 0.0
        self.timer: Timer | None = None
        self.sent: events.Bar | None = None


class SymbolBars:
    """One symbol's bars at every resolution. `watched` are the streams whose open bar somebody may want."""

    __slots__ = ("aggregator", "streams", "symbol", "watched")

    def __init__(self, symbol: Symbol, lateness_ms: int, epoch: str) -> None:
        """Start with no trade."""
        self.symbol = symbol
        self.aggregator = Aggregator(symbol.calendar, lateness_ms=lateness_ms)
        self.streams = {resolution: BarStream(symbol, resolution, epoch) for resolution in Resolution}
        self.watched: dict[Resolution, BarStream] = {}

    def unwatch(self, stream: BarStream) -> None:
        """Stop publishing the stream's open bar."""
        if stream.timer is not None:
            stream.timer.cancel()
            stream.timer = None
        self.watched.pop(stream.resolution, None)


class BarsFeed:
    """Takes market events (a `market.events.MarketSink`) and publishes bars.

    `interval_ms` is the least time between two updates of an open bar; `lateness_ms` is how long after its end, by the
    market's clock, a bar waits for trades; `new_epoch` names each new life of an exchange's streams.
    """

    def __init__(
        self,
        symbols: Iterable[Symbol],
        hub: Hub,
        clock: Clock,
        *,
        interval_ms: int,
        lateness_ms: int,
        new_epoch: Callable[[], str],
    ) -> None:
        """Start with every exchange available and no trade known. Raises ValueError where a symbol is given twice."""
        self.directory = SymbolDirectory(symbols)
        self._hub = hub
        self._time = clock
        self._interval = interval_ms / 1000
        self._lateness_ms = lateness_ms
        self._new_epoch = new_epoch
        self._unavailable: dict[str, str] = {}
        self._begun: set[str] = set()
        self._now: dict[str, int] = {}  # each exchange's event clock
        self._due: dict[str, int] = {}  # when the first of an exchange's bars closes
        self._symbols: dict[str, SymbolBars] = {}
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
            self._symbols[symbol.key] = SymbolBars(symbol, self._lateness_ms, epoch)

    # ------------------------------------------------------------------------------------------- from the market

    def trade(self, trade: events.Trade) -> None:
        """Count a trade; publish the bars that its time closes and, when they are due, the open ones it changes."""
        bars = self._symbols[trade.symbol]
        exchange = bars.symbol.exchange
        finals = bars.aggregator.advance(self._now[exchange])  # the clock may have passed while nothing was due
        finals += bars.aggregator.add(trade)
        self._due[exchange] = min(self._due[exchange], bars.aggregator.next_end)
        self._publish_finals(bars, finals)
        if bars.watched:
            self._touch(bars)

    def history(self, trade: events.Trade) -> None:
        """Count a trade from before the source's start: nobody is told, and no position moves."""
        self._symbols[trade.symbol].aggregator.add(trade)

    def begins(self, exchange: str, time: int) -> None:
        """Close the bars of history, which nobody is told of; from now on open bars are shown."""
        self._begun.add(exchange)
        self._now[exchange] = time
        for symbol in self._exchanges[exchange]:
            bars = self._symbols[symbol.key]
            bars.aggregator.advance(time)
            self._touch(bars)
        self._due[exchange] = self._next_end(exchange)

    def clock(self, exchange: str, time: int) -> None:
        """Move the exchange's event clock (ms) and publish the bars that it closes."""
        self._now[exchange] = time
        if time < self._due[exchange] and not self._lateness_ms:
            return  # the usual case, which must not cost a walk over thousands of symbols
        for symbol in self._exchanges[exchange]:
            bars = self._symbols[symbol.key]
            closed = self._publish_finals(bars, bars.aggregator.advance(time))
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
                if stream.timer is not None:  # the last word on the open bar comes before the bad news
                    stream.timer.cancel()
                    self._publish_open(bars, stream)
                for spelling in self._hub.spellings(stream.id):
                    payload = BarsErrorPayload(
                        symbol=spelling[0], resolution=spelling[1], code=ErrorCode.SOURCE_UNAVAILABLE, error=text
                    )
                    self._send(stream, spelling, BarsError(payload=payload))

    # ------------------------------------------------------------------------------------------ for the handlers

    @property
    def has_begun(self) -> bool:
        """Whether every exchange's source has told its history and begun, or has ended."""
        return all(exchange in self._begun or exchange in self._unavailable for exchange in self._exchanges)

    def dropped(self) -> dict[str, int]:
        """Return how many trades were not counted, by reason: doubled, late, outside a session."""
        drops = [bars.aggregator.dropped for bars in self._symbols.values()]
        return {
            "doubled": sum(drop.doubled for drop in drops),
            "late": sum(drop.late for drop in drops),
            "outside": sum(drop.outside for drop in drops),
        }

    def unavailable(self, symbol: Symbol) -> str | None:
        """Return why the symbol's source gives nothing, as one sentence; None while it does."""
        state = self._unavailable.get(symbol.exchange)
        return None if state is None else f"The source of {symbol.key} {state}."

    def stream(self, symbol: Symbol, resolution: Resolution) -> BarStream:
        """Return the symbol's stream at the resolution."""
        return self._symbols[symbol.key].streams[resolution]

    def watch(self, symbol: Symbol, resolution: Resolution) -> None:
        """Publish the stream's open bar from now on, as long as anybody subscribes to it."""
        bars = self._symbols[symbol.key]
        if resolution not in bars.watched:
            stream = bars.watched[resolution] = bars.streams[resolution]
            stream.sent = None

    def send_open_bar(self, session: Session, symbol: Symbol, resolution: Resolution, spelling: Spelling) -> None:
        """Send the bar that is open now, if there is one, to one session."""
        bars = self._symbols[symbol.key]
        bar = bars.aggregator.open_bar(resolution) if symbol.exchange in self._begun else None
        if bar is not None:
            stream = bars.streams[resolution]
            message = self._open_update(stream, bar, spelling)
            session.send(encode_bars(message), key=Topic(stream.id, spelling))
            if stream.sent is None:  # the first of its subscribers: nobody needs to be told the same again
                stream.sent = bar
                stream.due_at = self._time.monotonic() + self._interval

    # ----------------------------------------------------------------------------------------------- to the hub

    def _touch(self, bars: SymbolBars) -> None:
        """Publish each watched open bar now, or as soon as its interval has passed."""
        now = self._time.monotonic()
        for stream in tuple(bars.watched.values()):
            if stream.timer is not None:
                continue
            if now >= stream.due_at:
                self._publish_open(bars, stream)
            else:
                stream.timer = self._time.call_later(stream.due_at - now, partial(self._publish_open, bars, stream))

    def _publish_open(self, bars: SymbolBars, stream: BarStream) -> None:
        stream.timer = None
        spellings = self._hub.spellings(stream.id)
        if not spellings:
            bars.unwatch(stream)
            return
        bar = bars.aggregator.open_bar(stream.resolution)
        if bar is None or bar == stream.sent:
            return
        stream.sent = bar
        stream.due_at = self._time.monotonic() + self._interval
        for spelling in spellings:
            self._send(stream, spelling, self._open_update(stream, bar, spelling))

    def _publish_finals(self, bars: SymbolBars, finals: list[FinalBar]) -> bool:
        """Publish bars' last words, each at the next position of its stream; say whether there were any."""
        for final in finals:
            stream = bars.streams[final.resolution]
            position = stream.position.advance()
            spellings = self._hub.spellings(stream.id)
            if not spellings:
                continue
            timestamp = self._time.now_ms()
            candle = wire_bar(final.bar)
            for spelling in spellings:
                payload = BarsUpdatePayload(
                    symbol=spelling[0],
                    resolution=spelling[1],
                    bar=candle,
                    timestamp=timestamp,
                    final=True,
                    seq=position.seq,
                    prev=position.prev,
                    epoch=position.epoch,
                )
                self._send(stream, spelling, BarsUpdate(payload=payload))
        return bool(finals)

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
