"""Record: what the sources say, noted before anybody hears of it, so that it can be told again to the byte.

All that clients are told follows from these calls, their times and the epochs' names. It knows no file and no client.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from market import events
from market.events import Account, AccountSink, Bar, MarketSink
from market.records import (
    Accounts,
    balance_of,
    balance_record,
    bars_of,
    bars_record,
    order_of,
    order_record,
    trade_of,
    trade_record,
)
from market.resolution import Resolution
from streaming.clock import PinnedClock

KINDS = frozenset("thxpbcomefr")
"""Trade, history, void, past bars, begins, clock, order, money, ended, failed, restarted."""
Life = Literal["new", "begun", "failed", "ended"]
"""Where an exchange's source stands."""


class Sink(MarketSink, Protocol):
    """What takes the sources' events, and is told when one fails."""

    def failed(self, exchange: str) -> None:
        """Take that the exchange's source failed."""
        ...


class Follower(Protocol):
    """A source that hears again what it said in an earlier process, to go on from there.

    To `sink` its accounts say what they said then.
    """

    def follow_begins(self, time: int, sink: AccountSink) -> None:
        """Take that it began."""
        ...

    def follow_trade(self, trade: events.Trade, sink: AccountSink) -> None:
        """Take a trade that it told."""
        ...

    def follow_clock(self, time: int, sink: AccountSink) -> None:
        """Take a time that it told."""
        ...

    def follow_ended(self) -> None:
        """Take that it ended."""
        ...

    def forget(self) -> None:
        """Take that it is to start anew."""
        ...


class Epochs:
    """Names the lives of streams; gives the names of an earlier process again where they were noted."""

    def __init__(self, new: Callable[[], str]) -> None:
        """Draw new names from `new`."""
        self._new = new
        self._drawn: list[str] = []
        self._given: list[str] = []

    def draw(self) -> str:
        """Return the next name."""
        name = self._given.pop(0) if self._given else self._new()
        self._drawn.append(name)
        return name

    def give(self, names: Iterable[str]) -> None:
        """Let these be the next names."""
        self._given = list(names)

    def drawn(self) -> list[str]:
        """Return the names that were drawn since the last call."""
        names, self._drawn = self._drawn, []
        return names


class _Owed:
    """What sources say of their accounts while they follow: it has to be what the journal's next lines say.

    Where the journal ends before, its process was killed within the step, and it was told to nobody.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.lines: dict[str, deque[tuple[str, Any, events.Order | events.Balance]]] = {}

    def order(self, order: events.Order) -> None:
        """Expect an order's line."""
        self.lines.setdefault(order.account.exchange, deque()).append(("o", list(order_record(order)), order))

    def balance(self, balance: events.Balance) -> None:
        """Expect a balance's line."""
        self.lines.setdefault(balance.account.exchange, deque()).append(("m", list(balance_record(balance)), balance))

    def settle(self, exchange: str, kind: str, record: Any) -> None:
        """Take the exchange's next line. ValueError: another one is due."""
        due = self.lines.get(exchange)
        if not due:
            return
        if kind in "fr":
            due.clear()  # the source failed within the step
            return
        expected, numbers, _ = due.popleft()
        if (kind, record) != (expected, numbers):
            raise ValueError(f"the source says {expected} {numbers}, and {kind} {record} was told")

    def forget(self, exchange: str) -> None:
        """Expect nothing of an exchange."""
        self.lines.pop(exchange, None)


class Recorder:
    """The sink of every source: notes each call, then hands it on, at the time that it noted.

    `note` takes a call as one line of text. It must not be told to anybody before the line is kept.
    """

    def __init__(
        self,
        sink: Sink,
        clock: PinnedClock,
        epochs: Epochs,
        exchanges: Mapping[str, str],
        accounts: Iterable[Account],
        note: Callable[[str], None],
    ) -> None:
        """Hand on to `sink`, whose clock is this one. `exchanges` names the exchange of each symbol."""
        self.lives: dict[str, Life] = dict.fromkeys(exchanges.values(), "new")
        self._sink = sink
        self._clock = clock
        self._epochs = epochs
        self._exchanges = exchanges
        self._accounts: Accounts = {(account.user_id, account.exchange_id): account for account in accounts}
        self._note = note
        self._owed = _Owed()
        self.refusals: dict[str, str] = {}
        """Why what was told again of an exchange came to nothing, by the exchange."""

    # ------------------------------------------------------------------------------------------- from the market

    def _take(self, kind: str, record: Any) -> None:
        now = self._clock.now_ms()
        self._note(json.dumps((kind, now, record), separators=(",", ":")))
        self._clock.pin(now)
        try:
            self._apply(kind, record)
        finally:
            self._clock.release()

    def trade(self, trade: events.Trade) -> None:
        """Note a trade, then hand it on."""
        now = self._clock.now_ms()
        self._note(json.dumps(("t", now, trade_record(trade)), separators=(",", ":")))
        self._clock.pin(now)
        try:
            self._sink.trade(trade)
        finally:
            self._clock.release()

    def history(self, trade: events.Trade) -> None:
        """Note a trade of the past, then hand it on."""
        self._take("h", trade_record(trade))

    def bust(self, symbol: str, trade_id: str) -> None:
        """Note that a trade is void, then hand it on."""
        self._take("x", (symbol, trade_id))

    def past_bars(self, symbol: str, resolution: Resolution, past: Sequence[Bar]) -> None:
        """Note closed bars of the past, then hand them on."""
        self._take("p", (symbol, resolution.value, bars_record(past)))

    def begins(self, exchange: str, time: int) -> None:
        """Note that an exchange's source starts, then hand it on."""
        self._take("b", (exchange, time))

    def clock(self, exchange: str, time: int) -> None:
        """Note an exchange's time, then hand it on."""
        self._take("c", (exchange, time))

    def order(self, order: events.Order) -> None:
        """Note how an order stands, then hand it on."""
        self._take("o", order_record(order))

    def balance(self, balance: events.Balance) -> None:
        """Note what an account holds, then hand it on."""
        self._take("m", balance_record(balance))

    def ended(self, exchange: str) -> None:
        """Note that an exchange has no further events, then hand it on."""
        self._take("e", (exchange,))

    def failed(self, exchange: str) -> None:
        """Note that an exchange's source failed, then hand it on."""
        self._take("f", (exchange,))

    def restarted(self, exchange: str) -> None:
        """Hand on that an exchange starts over, then note it with its new epochs: nobody is told of them before."""
        now = self._clock.now_ms()
        self._epochs.drawn()
        self._apply("r", (exchange,))
        self._note(json.dumps(("r", now, (exchange, *self._epochs.drawn()))))

    # ------------------------------------------------------------------------------------------------- once more

    def tell_again(self, line: str, followers: Mapping[str, Follower], monotonic_of: Callable[[int], float]) -> None:
        """Take in a line that was noted; its source, found by the exchange, hears of it too.

        An exchange whose event the sink or the source refuses, as it may have done then, counts as failed from there
        on; so does one whose source says something else of its accounts than it said then.
        KeyError, TypeError, ValueError: it is no such line.
        """
        kind, now, record = json.loads(line)
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of event.")
        self._clock.pin(now, monotonic_of(now))
        try:
            exchange = self._exchange_of(kind, record)
            if self.lives[exchange] == "failed" and kind != "r":
                return
            try:
                self._owed.settle(exchange, kind, record)
                self._apply(kind, record)
                follower = followers.get(exchange)
                if follower is not None:
                    self._follow(follower, kind, record)
            except Exception as error:
                if kind == "r":
                    raise
                self._refuse(exchange, error)
        finally:
            self._clock.release()

    def tell_owed(self) -> None:
        """Tell what is missing at the journal's end: its process was killed within a step. Called after the last line.

        It is noted like any other event.
        """
        for exchange, lines in list(self._owed.lines.items()):
            try:
                while lines:
                    _, _, event = lines.popleft()
                    if isinstance(event, events.Order):
                        self.order(event)
                    else:
                        self.balance(event)
            except Exception as error:
                self._refuse(exchange, error)

    def _refuse(self, exchange: str, error: Exception) -> None:
        self.lives[exchange] = "failed"
        self.refusals[exchange] = f"{type(error).__name__}: {error}"
        self._owed.forget(exchange)

    def _exchange_of(self, kind: str, record: Any) -> str:
        match kind:
            case "t" | "h" | "x" | "p":
                return self._exchanges[record[0]]
            case "o" | "m":
                return self._accounts[record[0], record[1]].exchange
            case _:
                exchange: str = record[0]
                return exchange

    def _follow(self, follower: Follower, kind: str, record: Any) -> None:
        match kind:
            case "t":
                follower.follow_trade(trade_of(record), self._owed)
            case "c":
                follower.follow_clock(record[1], self._owed)
            case "b":
                follower.follow_begins(record[1], self._owed)
            case "e":
                follower.follow_ended()
            case "r":
                follower.forget()
            case _:
                pass

    def _apply(self, kind: str, record: Any) -> None:
        sink = self._sink
        match kind:
            case "t":
                sink.trade(trade_of(record))
            case "h":
                sink.history(trade_of(record))
            case "x":
                sink.bust(*record)
            case "p":
                symbol, resolution, bars = record
                sink.past_bars(symbol, Resolution(resolution), bars_of(bars))
            case "c":
                sink.clock(*record)
            case "o":
                sink.order(order_of(record, self._accounts))
            case "m":
                sink.balance(balance_of(record, self._accounts))
            case "b":
                sink.begins(*record)
                self.lives[record[0]] = "begun"
            case "e":
                sink.ended(*record)
                self.lives[record[0]] = "ended"
            case "f":
                self.lives[record[0]] = "failed"
                sink.failed(*record)
            case _:  # "r"
                exchange, *epochs = record
                self._epochs.give(epochs)
                sink.restarted(exchange)
                self.lives[exchange] = "new"
