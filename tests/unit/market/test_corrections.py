"""Corrections: late and busted trades, case by case and against a model that recomputes every bar from all trades."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.aggregator import Aggregator, Correction, Dropped, FinalBar
from market.calendar import DAY_MS, MINUTE_MS, TradingCalendar
from market.events import Bar, Trade
from market.history import BarHistory, PastBar
from market.resolution import Resolution
from tests.unit.market.test_aggregator_oracle import MONDAY, Market, Span, markets, span

ALWAYS = TradingCalendar.always_open()
# 2024-01-01 was a Monday: a day, a week and a month begin here.
ORIGIN = 1_704_067_200_000
MINUTE, THREE, FIVE, HOUR = Resolution.MINUTE_1, Resolution.MINUTE_3, Resolution.MINUTE_5, Resolution.MINUTE_60
SHORTEST_FIRST = tuple(Resolution)


def trade(
    time: int, price: str = "10", volume: str = "1", trade_id: str | None = None, sequence: int | None = None
) -> Trade:
    """Return a trade `time` ms after the origin."""
    return Trade("x:A", ORIGIN + time, Decimal(price), Decimal(volume), trade_id, None, sequence)


def bar(time: int, *prices: str, volume: str = "1") -> Bar:
    """Return a bar `time` ms after the origin, of its open, high, low and close."""
    opens, high, low, close = (Decimal(price) for price in prices)
    return Bar(ORIGIN + time, opens, high, low, close, Decimal(volume))


def at_minute(minute: int, *trades: Trade, **bounds: int) -> Aggregator:
    """Return an aggregator of these trades whose clock has reached a minute's start."""
    aggregator = Aggregator(ALWAYS, **bounds)
    for each in trades:
        aggregator.add(each)
    aggregator.advance(ORIGIN + minute * MINUTE_MS)
    return aggregator


def words(told: Sequence[FinalBar | Correction]) -> list[tuple[str, int | None]]:
    """Return each bar's resolution and revision; None for a final."""
    return [(each.resolution.value, each.revision if isinstance(each, Correction) else None) for each in told]


# Late trades


def test_a_late_trade_corrects_every_final_bar_that_it_is_in() -> None:
    """The minute first, then the longer ones that are final, each as a whole; those still open just take it in."""
    aggregator = at_minute(4, trade(0, "10"), trade(70_000, "11"), trade(190_000, "9"))
    corrections = aggregator.add(trade(65_000, "20", "2"))
    assert corrections == [
        Correction(MINUTE, bar(60_000, "20", "20", "11", "11", volume="3"), 1),
        Correction(THREE, bar(0, "10", "20", "10", "11", volume="4"), 1),
    ]
    assert aggregator.open_bar(FIVE) == bar(0, "10", "20", "9", "9", volume="5")
    assert aggregator.open_bar(MINUTE) is None
    finals = aggregator.advance(ORIGIN + 5 * MINUTE_MS)
    assert finals == [FinalBar(FIVE, bar(0, "10", "20", "9", "9", volume="5"))]
    assert aggregator.dropped == Dropped()


def test_revisions_count_for_each_bar_and_resolution() -> None:
    """A bar's first correction is 1, its next 2; another minute of the same longer bar begins at 1."""
    aggregator = at_minute(4, trade(0), trade(70_000))
    assert words(aggregator.add(trade(1))) == [("1", 1), ("3", 1)]
    assert words(aggregator.add(trade(2))) == [("1", 2), ("3", 2)]
    assert words(aggregator.add(trade(60_000))) == [("1", 1), ("3", 3)]
    aggregator.advance(ORIGIN + 5 * MINUTE_MS)
    assert words(aggregator.add(trade(3))) == [("1", 3), ("3", 4), ("5", 1)]


def test_revisions_go_on_when_newer_bars_have_come() -> None:
    """A final bar that can still change is not forgotten: a minute that comes into being in it counts on."""
    aggregator = at_minute(7, trade(0), trade(180_000))
    assert words(aggregator.add(trade(1))) == [("1", 1), ("3", 1), ("5", 1)]
    aggregator.add(trade(7 * MINUTE_MS))
    aggregator.advance(ORIGIN + 8 * MINUTE_MS)
    assert words(aggregator.add(trade(60_000))) == [("1", 1), ("3", 2), ("5", 2)]


def test_late_trades_are_put_in_order_with_those_in_time() -> None:
    """Time, sequence, id and arrival decide over open and close, also after the bar is final."""
    aggregator = at_minute(2, trade(5, "1", sequence=2), trade(5, "2", sequence=4), trade(5, "3", sequence=6))
    for late, opens, close in (
        (trade(5, "4", sequence=5), "1", "3"),
        (trade(5, "5", sequence=7), "1", "5"),
        (trade(5, "6", sequence=1), "6", "5"),
        (trade(5, "7", sequence=7), "6", "7"),
        (trade(4, "8", sequence=9), "8", "7"),
        (trade(6, "9", sequence=0), "8", "9"),
    ):
        (correction,) = aggregator.add(late)
        assert (correction.bar.open, correction.bar.close) == (Decimal(opens), Decimal(close))


def test_a_minute_can_come_into_being_late() -> None:
    """A bar that no trade had made in time has no final: its first word is revision 1; a longer one is corrected."""
    aggregator = at_minute(4, trade(0, "10"))
    assert aggregator.add(trade(100_000, "12")) == [
        Correction(MINUTE, bar(60_000, "12", "12", "12", "12"), 1),
        Correction(THREE, bar(0, "10", "12", "10", "12", volume="2"), 1),
    ]
    assert words(aggregator.add(trade(100_001))) == [("1", 2), ("3", 2)]
    finals = aggregator.advance(ORIGIN + 40 * DAY_MS)
    assert words(finals) == [(resolution.value, None) for resolution in SHORTEST_FIRST[2:]]


def test_the_first_trade_of_all_can_be_late() -> None:
    """Bars that are final come into being as corrections, the others open and get their final."""
    aggregator = at_minute(6)
    assert words(aggregator.add(trade(0))) == [("1", 1), ("3", 1), ("5", 1)]
    assert aggregator.open_bar(FIVE) is None
    assert aggregator.open_bar(Resolution.MINUTE_15) == bar(0, "10", "10", "10", "10")
    assert aggregator.next_end == ORIGIN + 15 * MINUTE_MS
    assert words(aggregator.advance(ORIGIN + 15 * MINUTE_MS)) == [("15", None)]


def test_a_bar_that_comes_into_being_at_its_end_has_no_final() -> None:
    """At the very millisecond of its end a bar is final already."""
    aggregator = at_minute(3)
    assert words(aggregator.add(trade(0))) == [("1", 1), ("3", 1)]
    assert words(aggregator.advance(ORIGIN + 5 * MINUTE_MS)) == [("5", None)]


def test_the_lateness_comes_first() -> None:
    """A trade within the lateness still makes no correction; one behind it does."""
    aggregator = Aggregator(ALWAYS, lateness_ms=2000)
    aggregator.add(trade(0))
    aggregator.advance(ORIGIN + 61_999)
    assert aggregator.add(trade(59_999)) == []
    aggregator.advance(ORIGIN + 62_000)
    assert words(aggregator.add(trade(59_998))) == [("1", 1)]


def test_a_trade_that_changes_nothing_makes_no_correction() -> None:
    """With volume 0 between the bar's prices the bar stays equal; where only the minute changes, only it is told."""
    aggregator = at_minute(4, trade(0, "9"), trade(1, "12"), trade(60_001, "10"), trade(125_000, "10"))
    assert aggregator.add(trade(60_002, "10", "0")) == []
    assert aggregator.add(trade(60_003, "11", "0")) == [Correction(MINUTE, bar(60_000, "10", "11", "10", "11"), 1)]
    assert aggregator.dropped == Dropped()


def test_doubles_are_known_as_long_as_their_minute_is_kept() -> None:
    """A double of a trade in time, of a late one, and one that comes before its late twin's minute is open again."""
    aggregator = at_minute(4, trade(0, trade_id="a"), trade(200_000, trade_id="b"))
    assert aggregator.add(trade(0, "99", trade_id="a")) == []
    assert words(aggregator.add(trade(1, trade_id="c"))) == [("1", 1), ("3", 1)]
    assert aggregator.add(trade(1, trade_id="c")) == []
    assert aggregator.add(trade(100_000, trade_id="b")) == []
    aggregator.add(trade(240_000, trade_id="a"))
    assert aggregator.dropped == Dropped(doubled=4)
    assert aggregator.open_bar(MINUTE) is None


def test_late_trades_outside_every_session_are_dropped() -> None:
    """The break and the time before the open have no bars that could be corrected."""
    row = [ORIGIN, ORIGIN, ORIGIN + 90_000, ORIGIN + 120_000, ORIGIN + 180_000]
    aggregator = Aggregator(TradingCalendar.from_table("short", [row]))
    aggregator.add(trade(0))
    aggregator.advance(ORIGIN + 300_000)
    assert aggregator.add(trade(100_000)) == aggregator.add(trade(-1)) == []
    assert aggregator.dropped == Dropped(outside=2)
    # The last minute before the break is half a minute long, and the day has only 2.5 minutes.
    assert words(aggregator.add(trade(89_999))) == [(each.value, 1) for each in SHORTEST_FIRST]


# Busts


def test_a_bust_corrects_like_a_late_trade() -> None:
    """The bars are as if the trade had never been: open, high, low, close and volume."""
    aggregator = at_minute(4, trade(0, "10"), trade(1, "30", "5", "bad"), trade(2, "11"), trade(70_000, "12"))
    assert aggregator.bust("bad") == [
        Correction(MINUTE, bar(0, "10", "11", "10", "11", volume="2"), 1),
        Correction(THREE, bar(0, "10", "12", "10", "12", volume="3"), 1),
    ]
    assert aggregator.open_bar(FIVE) == bar(0, "10", "12", "10", "12", volume="3")


def test_a_bust_in_an_open_minute_tells_nothing() -> None:
    """The list is empty and the open bars lack the trade; first and last are those that are left."""
    aggregator = Aggregator(ALWAYS)
    for number, price in enumerate(["8", "10", "12", "9"]):
        aggregator.add(trade(number, price, trade_id=str(number)))
    assert aggregator.bust("0") == []
    assert aggregator.open_bar(MINUTE) == aggregator.open_bar(HOUR) == bar(0, "10", "12", "9", "9", volume="3")
    assert aggregator.bust("2") == aggregator.bust("3") == []
    assert aggregator.open_bar(MINUTE) == bar(0, "10", "10", "10", "10")
    aggregator.add(trade(0, "7"))
    assert aggregator.open_bar(MINUTE) == bar(0, "7", "10", "7", "10", volume="2")


def test_an_open_minute_without_trades_has_no_bar() -> None:
    """Nothing is shown and nothing becomes final, at any resolution; a later trade makes a bar of its own."""
    aggregator = Aggregator(ALWAYS)
    aggregator.add(trade(0, "99", trade_id="a"))
    assert aggregator.bust("a") == []
    assert all(aggregator.open_bar(resolution) is None for resolution in Resolution)
    assert aggregator.advance(ORIGIN + 2 * MINUTE_MS) == []
    aggregator.add(trade(120_000, "5"))
    assert aggregator.open_bar(THREE) == bar(0, "5", "5", "5", "5")
    aggregator.bust("a")
    assert aggregator.dropped == Dropped(unbusted=1)

    again = Aggregator(ALWAYS)
    again.add(trade(0, "99", trade_id="a"))
    again.bust("a")
    again.add(trade(1, "5"))
    assert again.advance(ORIGIN + MINUTE_MS) == [FinalBar(MINUTE, bar(0, "5", "5", "5", "5"))]


def test_an_open_minute_without_trades_hides_no_newer_one() -> None:
    """With lateness the next minute is shown as soon as the watermark is there."""
    aggregator = Aggregator(ALWAYS, lateness_ms=2000)
    aggregator.add(trade(59_000, trade_id="a"))
    aggregator.add(trade(61_000, "5"))
    aggregator.bust("a")
    assert aggregator.open_bar(MINUTE) is None
    assert aggregator.open_bar(HOUR) == bar(0, "5", "5", "5", "5")
    aggregator.advance(ORIGIN + 62_000)
    assert aggregator.open_bar(MINUTE) == bar(60_000, "5", "5", "5", "5")


def test_a_final_bar_without_trades_keeps_its_prices_and_counts_nowhere() -> None:
    """Its volume is 0; longer bars with other trades are made of those alone; later trades revive it."""
    aggregator = at_minute(6, trade(0, "10", trade_id="a"), trade(60_000, "20", "2", "b"), trade(190_000, "15"))
    assert aggregator.bust("b") == [
        Correction(MINUTE, bar(60_000, "20", "20", "20", "20", volume="0"), 1),
        Correction(THREE, bar(0, "10", "10", "10", "10"), 1),
        Correction(FIVE, bar(0, "10", "15", "10", "15", volume="2"), 1),
    ]
    assert aggregator.bust("a") == [
        Correction(MINUTE, bar(0, "10", "10", "10", "10", volume="0"), 1),
        Correction(THREE, bar(0, "10", "10", "10", "10", volume="0"), 2),
        Correction(FIVE, bar(0, "15", "15", "15", "15"), 2),
    ]
    assert aggregator.add(trade(60_001, "7")) == [
        Correction(MINUTE, bar(60_000, "7", "7", "7", "7"), 2),
        Correction(THREE, bar(0, "7", "7", "7", "7"), 3),
        Correction(FIVE, bar(0, "7", "15", "7", "15", volume="2"), 3),
    ]
    assert aggregator.open_bar(HOUR) == bar(0, "7", "15", "7", "15", volume="2")


def test_a_busted_minute_does_not_return_with_what_has_gone() -> None:
    """Long after, the longer bars still lack it; one that lost all its trades has no final."""
    aggregator = at_minute(2, trade(0, "99", trade_id="a"))
    assert words(aggregator.bust("a") or []) == [("1", 1)]
    assert all(aggregator.open_bar(resolution) is None for resolution in Resolution)
    assert aggregator.advance(ORIGIN + 40 * MINUTE_MS) == []
    aggregator.add(trade(40 * MINUTE_MS, "5"))
    finals = aggregator.advance(ORIGIN + 60 * MINUTE_MS)
    assert finals[-1] == FinalBar(HOUR, bar(0, "5", "5", "5", "5"))


def test_busts_of_what_is_not_there_are_counted() -> None:
    """An id that is unknown, was busted already, or whose minute has gone gives None."""
    aggregator = at_minute(1, trade(0, trade_id="a"), trade(1, trade_id="b"))
    assert aggregator.bust("x") is None
    assert aggregator.bust("a") is not None
    assert aggregator.bust("a") is None
    aggregator.advance(ORIGIN + 11 * MINUTE_MS)
    assert aggregator.bust("b") is None
    assert aggregator.dropped == Dropped(unbusted=3)


def test_a_busted_id_stays_busted() -> None:
    """Told again, in time or late, it is dropped as doubled; it's forgotten with its minute."""
    aggregator = Aggregator(ALWAYS)
    aggregator.add(trade(0, trade_id="a"))
    aggregator.bust("a")
    assert aggregator.add(trade(0, trade_id="a")) == []
    aggregator.advance(ORIGIN + 10 * MINUTE_MS)
    assert aggregator.add(trade(0, trade_id="a")) == []
    assert aggregator.dropped == Dropped(doubled=2)
    aggregator.advance(ORIGIN + 11 * MINUTE_MS)
    aggregator.add(trade(11 * MINUTE_MS, trade_id="a"))
    assert aggregator.dropped == Dropped(doubled=2)


def test_sums_stay_exact() -> None:
    """What is added late and taken out leaves no trace, whatever the decimal context."""
    large, small = "123456789012345678901234", "0.000000000000000001"
    aggregator = at_minute(4, trade(0, volume=small), trade(1, volume="0.1"))
    with localcontext(prec=3):
        corrections = aggregator.add(trade(2, volume=large, trade_id="large"))
        assert {each.bar.volume for each in corrections} == {Decimal(f"{large}.100000000000000001")}
        assert {each.bar.volume for each in aggregator.bust("large") or []} == {Decimal("0.100000000000000001")}


# What is kept


def test_a_minute_is_kept_for_its_time() -> None:
    """Until the watermark is `kept_ms` behind its end, and not a millisecond longer; also one without a bar."""
    for first in ([], [trade(0)]):
        aggregator = at_minute(1, *first, kept_ms=100_000)
        aggregator.advance(ORIGIN + 159_999)
        assert words(aggregator.add(trade(1))) == [("1", 1)]
        aggregator.advance(ORIGIN + 160_000)
        assert aggregator.add(trade(2)) == []
        assert aggregator.dropped == Dropped(late=1)


def test_each_minute_goes_at_its_own_time() -> None:
    """A newer minute that is kept holds no older one, and none goes because another closes a millisecond before."""
    aggregator = at_minute(1, trade(0, trade_id="a"), trade(60_000, trade_id="b"), kept_ms=60_001)
    aggregator.advance(ORIGIN + 120_000)
    assert aggregator.bust("a") is not None
    aggregator.advance(ORIGIN + 120_001)
    aggregator.add(trade(120_001, trade_id="a"))
    assert aggregator.dropped == Dropped()
    assert aggregator.bust("b") is not None


def test_a_longer_bar_can_be_corrected_after_most_of_it_has_gone() -> None:
    """Its earlier minutes are kept only as one sum, to which the late trade is exactly added."""
    aggregator = at_minute(61, *[trade(each * MINUTE_MS, str(100 + each), "0.1") for each in range(60)])
    (minute, *_, hour) = aggregator.add(trade(3_599_999, "7", "0.01"))
    assert minute == Correction(MINUTE, bar(3_540_000, "159", "159", "7", "7", volume="0.11"), 1)
    assert hour == Correction(HOUR, bar(0, "100", "159", "7", "7", volume="6.01"), 1)


def test_the_oldest_minutes_go_when_there_are_too_many_trades() -> None:
    """As a whole, as many as must; open minutes are held in any case and don't count."""
    aggregator = Aggregator(ALWAYS, kept_trades=5)
    for minute in range(3):
        for number in range(2):
            aggregator.add(trade(minute * MINUTE_MS + number, trade_id=f"{minute}.{number}"))
    aggregator.advance(ORIGIN + 3 * MINUTE_MS)
    assert aggregator.bust("0.0") is None
    assert aggregator.bust("1.0") is not None
    for number in range(9):
        aggregator.add(trade(3 * MINUTE_MS + number))
    assert aggregator.bust("1.1") is not None
    assert words(aggregator.add(trade(2 * MINUTE_MS))) == [("1", 1), ("3", 3)]
    # Five are kept now. A sixth lets the second minute go, and with it all before it.
    assert words(aggregator.add(trade(2 * MINUTE_MS))) == [("1", 2), ("3", 4)]
    assert aggregator.add(trade(1 * MINUTE_MS)) == []
    assert aggregator.dropped == Dropped(late=1, unbusted=1)


@pytest.mark.parametrize("kept_ms", [0, 600_000])
def test_memory_is_bounded(kept_ms: int) -> None:
    """After days of trades no more than the bounds allow is held: trades, ids, minutes, bars; late ones included."""
    aggregator = Aggregator(ALWAYS, kept_ms=kept_ms, kept_trades=50)
    for number in range(20_000):
        aggregator.add(trade(number * 20_000, trade_id=str(number)))
        if number % 3 == 0:
            aggregator.add(trade(number * 20_000 - 100_000, trade_id=f"late {number}"))
        if number % 5 == 0:
            aggregator.bust(str(number - 4))
    seen, pending = set[int](), [vars(aggregator)[name] for name in vars(aggregator) if name != "_calendar"]
    held = {"Trade": 0, "_Minute": 0, "_Longer": 0, "str": 0}
    while pending:
        thing = pending.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        name = type(thing).__name__
        held[name] = held.get(name, 0) + 1
        if isinstance(thing, dict):
            pending += thing.values()
        elif isinstance(thing, list | tuple | set | frozenset):
            pending += thing
        elif type(thing).__module__.startswith("market."):
            for kind in type(thing).__mro__:
                pending += [getattr(thing, slot) for slot in getattr(kind, "__slots__", ())]
    # Three are in the minute that is open.
    assert held["Trade"] <= (53 if kept_ms else 3)
    assert held["_Minute"] <= 12
    assert held["_Longer"] <= 30
    assert held["str"] <= 70


# Against a model


@dataclass(frozen=True)
class Bust:
    """A bust of a trade."""

    trade_id: str


@dataclass(frozen=True)
class Scenario:
    """A market, the aggregator's bounds, and what it is given: trades, busts, and times for `advance`."""

    market: Market
    bounds: dict[str, int]
    steps: tuple[Trade | Bust | int, ...]


@dataclass
class Model:
    """Every bar, recomputed at each step from all trades that count."""

    market: Market
    lateness_ms: int
    kept_ms: int
    kept_trades: int
    clock: int = -(1 << 60)
    gone: int = -(1 << 60)
    live: list[Trade] = field(init=False, default_factory=list[Trade])
    # The minute and the id of each trade that ever counted.
    known: list[tuple[Span, str | None]] = field(init=False, default_factory=list[tuple[Span, str | None]])
    told: dict[tuple[int, Span], Bar] = field(init=False, default_factory=dict[tuple[int, Span], Bar])
    revisions: dict[tuple[int, Span], int] = field(init=False, default_factory=dict[tuple[int, Span], int])
    dropped: Dropped = field(init=False, default_factory=Dropped)
    spans: dict[int, tuple[Span | None, ...]] = field(init=False, default_factory=dict[int, tuple[Span | None, ...]])

    @property
    def watermark(self) -> int:
        return self.clock - self.lateness_ms

    def places(self, time: int) -> tuple[Span | None, ...]:
        """Return the bars of a time, shortest first."""
        if time not in self.spans:
            self.spans[time] = tuple(span(self.market.all_rows, resolution, time) for resolution in Resolution)
        return self.spans[time]

    def minute(self, trade: Trade) -> Span:
        """Return the minute of a trade inside a session."""
        minute = self.places(trade.time)[0]
        assert minute is not None
        return minute

    def bars(self) -> dict[tuple[int, Span], Bar]:
        """Return all bars by their resolution's place and their span: group the trades, sort each group."""
        # Sorting is stable: what nothing orders stays in order of arrival.
        ordered = sorted(
            self.live,
            key=lambda trade: (
                trade.time,
                -1 if trade.sequence is None else trade.sequence,
                -1 if trade.trade_id is None else int(trade.trade_id),
            ),
        )
        groups: dict[tuple[int, Span], list[Trade]] = {}
        for each in ordered:
            for order, place in enumerate(self.places(each.time)):
                assert place is not None
                groups.setdefault((order, place), []).append(each)
        return {
            key: Bar(
                key[1][0],
                group[0].price,
                max(each.price for each in group),
                min(each.price for each in group),
                group[-1].price,
                sum((each.volume for each in group), Decimal(0)),
            )
            for key, group in groups.items()
        }

    def step(self, step: Trade | Bust | int) -> list[FinalBar | Correction]:
        """Take a step and return what must be told."""
        told: list[FinalBar | Correction] = []
        if isinstance(step, Bust):
            left = [each for each in self.live if each.trade_id != step.trade_id or self.minute(each)[2] <= self.gone]
            if len(left) < len(self.live):
                self.live = left
            else:
                self.dropped.unbusted += 1
        else:
            told += self.advance(step if isinstance(step, int) else step.time)
            if isinstance(step, Trade):
                self.count(step)
        told += self.corrections()
        self.let_go()
        return told

    def advance(self, time: int) -> list[FinalBar]:
        before, self.clock = self.watermark, max(self.clock, time)
        closing = [(key[1][2], key[0], key, bar) for key, bar in self.bars().items()]
        finals: list[FinalBar] = []
        for end, order, key, bar in sorted(closing, key=lambda each: each[:2]):
            if before < end <= self.watermark:
                self.told[key] = bar
                finals.append(FinalBar(SHORTEST_FIRST[order], bar))
        self.let_go()
        return finals

    def count(self, trade: Trade) -> None:
        minute = self.places(trade.time)[0]
        if minute is None:
            self.dropped.outside += 1
        elif minute[2] <= self.gone:
            self.dropped.late += 1
        elif trade.trade_id is not None and any(
            trade_id == trade.trade_id and place[2] > self.gone for place, trade_id in self.known
        ):
            self.dropped.doubled += 1
        else:
            self.live.append(trade)
            self.known.append((minute, trade.trade_id))

    def corrections(self) -> list[Correction]:
        bars = self.bars()
        corrections: list[Correction] = []
        for key in sorted({*bars, *self.told}):
            if key[1][2] > self.watermark:
                continue
            bar = bars[key] if key in bars else replace(self.told[key], volume=Decimal(0))
            if bar != self.told.get(key):
                self.told[key] = bar
                self.revisions[key] = self.revisions.get(key, 0) + 1
                corrections.append(Correction(SHORTEST_FIRST[key[0]], bar, self.revisions[key]))
        return corrections

    def let_go(self) -> None:
        self.gone = max(self.gone, self.watermark - self.kept_ms)
        ends = [place[2] for place, _ in self.known]
        while sum(self.gone < end <= self.watermark for end in ends) > self.kept_trades:
            self.gone = min(end for end in ends if end > self.gone)

    def shown(self, resolution: Resolution) -> Bar | None:
        """Return the oldest open bar, if the watermark has reached its opening."""
        order = SHORTEST_FIRST.index(resolution)
        later = [(key[1], bar) for key, bar in self.bars().items() if key[0] == order and key[1][2] > self.watermark]
        place, bar = min(later, key=lambda each: each[0][2], default=(None, None))
        return bar if place is not None and place[1] <= self.watermark else None


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw trades around sessions' edges, too late by seconds or minutes, with doubles, busts and clock ticks."""
    market = draw(markets())
    bounds = {
        "lateness_ms": draw(st.sampled_from([0, 0, 2_000, 61_000, 600_000])),
        "kept_ms": draw(st.sampled_from([600_000, 7_200_000, 600_000, 150_000, 60_000, 0])),
        "kept_trades": draw(st.sampled_from([10_000, 10_000, 10_000, 8, 3, 1, 0])),
    }
    rows = market.all_rows if market.rows is not None else market.all_rows[70:110]
    edges = [edge for row in rows for edge in row[1:] if edge is not None]
    centers = [
        draw(st.sampled_from(edges)) + draw(st.sampled_from([0, -1, 60_000, 900_000, -60_000, -600_000, 3_600_000]))
        for _ in range(draw(st.integers(1, 2)))
    ]
    offsets = st.one_of(st.integers(0, 3), st.integers(-200_000, 400_000), st.integers(-900_000, 1_500_000))
    delays = st.one_of(
        st.just(0), st.integers(0, 5_000), st.integers(0, 300_000), st.integers(60_000, 900_000), st.just(20_000_000)
    )
    with_sequences = draw(st.booleans())
    count = draw(st.integers(1, 30))
    trades = [
        Trade(
            "x:A",
            draw(st.sampled_from(centers)) + draw(offsets),
            Decimal(draw(st.integers(10, 30))) / 10,
            Decimal(draw(st.integers(0, 50))) / 100,
            str(number) if draw(st.integers(0, 9)) else None,
            None,
            draw(st.integers(0, 3)) if with_sequences else None,
        )
        for number in range(count)
    ]
    queue: list[tuple[int, Trade | Bust | int]] = []
    for each in trades:
        due = each.time + draw(delays)
        queue.append((due, each))
        if each.trade_id is not None:
            if draw(st.integers(0, 5)) == 0:
                queue.append((due + draw(delays), each))
            if draw(st.integers(0, 3)) == 0:
                queue.append((due + draw(delays), Bust(each.trade_id)))
            if draw(st.integers(0, 11)) == 0:
                # The id is used again, for another trade.
                queue.append((due + draw(delays), replace(each, time=each.time + draw(delays))))
        if draw(st.integers(0, 3)) == 0:
            tick = due + draw(delays)
            queue.append((tick, tick))
    queue.sort(key=lambda entry: entry[0])
    return Scenario(market, bounds, tuple(step for _, step in queue))


def play(aggregator: Aggregator, step: Trade | Bust | int) -> Sequence[FinalBar | Correction]:
    """Take a step and return what is told."""
    if isinstance(step, Bust):
        return aggregator.bust(step.trade_id) or []
    return aggregator.advance(step) if isinstance(step, int) else aggregator.add(step)


@settings(max_examples=250, deadline=None)
@given(scenarios())
def test_each_step_tells_counts_and_shows_what_the_model_does(scenario: Scenario) -> None:
    """Finals and corrections in order, what is dropped and why, and every open bar, after each step."""
    aggregator = Aggregator(scenario.market.calendar, **scenario.bounds)
    model = Model(scenario.market, **scenario.bounds)
    for step in scenario.steps:
        next_end = aggregator.next_end
        told = play(aggregator, step)
        assert list(told) == model.step(step)
        assert aggregator.dropped == model.dropped
        assert next_end <= model.watermark or not any(isinstance(each, FinalBar) for each in told)
        for resolution in Resolution:
            assert aggregator.open_bar(resolution) == model.shown(resolution)


@settings(max_examples=150, deadline=None)
@given(scenarios())
def test_the_last_word_on_each_bar_is_the_model(scenario: Scenario) -> None:
    """Finals come once and in order, revisions count up by one; history has the last word on every bar."""
    aggregator = Aggregator(scenario.market.calendar, **scenario.bounds)
    model = Model(scenario.market, **scenario.bounds)
    history = BarHistory()
    told: list[FinalBar | Correction] = []
    for step in (*scenario.steps, MONDAY + 400 * DAY_MS):
        now = play(aggregator, step)
        model.step(step)
        for each in now:
            (history.add if isinstance(each, FinalBar) else history.correct)(each.resolution, each.bar)
        told += now
    alive = {(SHORTEST_FIRST[order], bar.time): bar for (order, _), bar in model.bars().items()}
    last: dict[tuple[Resolution, int], Bar] = {}
    revisions: dict[tuple[Resolution, int], int] = {}
    for each in told:
        key = (each.resolution, each.bar.time)
        if isinstance(each, FinalBar):
            assert key not in last
        else:
            assert each.revision == revisions.get(key, 0) + 1
            revisions[key] = each.revision
        last[key] = each.bar
    assert {key: bar for key, bar in last.items() if key in alive} == alive
    assert all(bar.volume == 0 for key, bar in last.items() if key not in alive)
    for resolution in Resolution:
        finals = [each.bar.time for each in told if isinstance(each, FinalBar) and each.resolution is resolution]
        assert all(before < after for before, after in pairwise(finals))
        bars = sorted((bar for key, bar in last.items() if key[0] is resolution), key=lambda bar: bar.time)
        assert history.last(resolution, 5000) == [
            PastBar(each.time, *[float(number) for number in (each.open, each.high, each.low, each.close, each.volume)])
            for each in bars
        ]
