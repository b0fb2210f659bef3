"""Aggregator against an oracle that sorts all trades and groups them: random trades, calendars, arrivals and clocks.

The oracle shares no code with `market`: it finds intervals by walking over the sessions.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from market.aggregator import Aggregator, Correction, FinalBar
from market.calendar import TradingCalendar
from market.events import Bar, Trade
from market.resolution import Resolution

DAY = 86_400_000
# 2024-02-26, a Monday: the week holds 29 February and the first of March.
MONDAY = 1_708_905_600_000

Row = tuple[int, int, int | None, int | None, int]
# Stamp, first moment, end.
Span = tuple[int, int, int]


@dataclass(frozen=True)
class Market:
    """A random calendar: `rows` of sessions, or None for one that is always open."""

    rows: tuple[Row, ...] | None

    @property
    def calendar(self) -> TradingCalendar:
        return TradingCalendar.always_open() if self.rows is None else TradingCalendar.from_table("random", self.rows)

    @property
    def all_rows(self) -> tuple[Row, ...]:
        """The sessions as the oracle walks over them; the one that is always open in whole months around."""
        if self.rows is not None:
            return self.rows
        return tuple((day, day, None, None, day + DAY) for day in range(MONDAY - 70 * DAY, MONDAY + 105 * DAY, DAY))


@dataclass(frozen=True)
class Arrival:
    """What the aggregator is given: a trade, or a time for `advance`."""

    trade: Trade | None
    clock: int = 0


@dataclass(frozen=True)
class Scenario:
    """A market, a lateness, and what arrives in this order. `good` are its trades without doubles, by arrival."""

    market: Market
    lateness: int
    arrivals: tuple[Arrival, ...]
    good: tuple[Trade, ...]


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Draw sessions on up to 12 days with gaps and breaks, some from the evening before, not all in whole minutes."""
    if draw(st.booleans()):
        return Market(None)
    unit = draw(st.sampled_from([60_000, 7_000]))
    days = sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=12)))
    evening = draw(st.sampled_from([0, 0, -7 * 3_600_000]))
    longest = 20 * 3_600_000 // unit
    rows: list[Row] = []
    for day in days:
        date = MONDAY + day * DAY
        opens = date + evening + unit * draw(st.integers(0, 3))
        lengths = [draw(st.integers(1, longest // 4)) for _ in range(3)]
        if draw(st.booleans()):
            rows.append((date, opens, None, None, opens + unit * sum(lengths)))
        else:
            first, second, third = lengths
            break_start, break_end = opens + unit * first, opens + unit * (first + second)
            rows.append((date, opens, break_start, break_end, break_end + unit * third))
    return Market(tuple(rows))


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw trades near sessions' edges, shuffled within the lateness, some of them twice, and clock ticks between."""
    market = draw(markets())
    lateness = draw(st.sampled_from([0, 0, 1, 2_000, 61_000, 600_000, 7_200_000]))
    rows = market.all_rows if market.rows is not None else market.all_rows[70:110]
    edges = [edge for row in rows for edge in row[1:] if edge is not None]
    anchors = st.builds(
        lambda edge, steps: edge + steps,
        st.sampled_from(edges),
        st.sampled_from([0, 0, -1, 60_000, 180_000, 3_600_000, 5_000_000, -60_000, -3_600_000]),
    )
    centers = draw(st.lists(anchors, min_size=1, max_size=6))
    times = st.builds(
        lambda center, offset: center + offset,
        st.sampled_from(centers),
        st.one_of(st.integers(0, 3), st.integers(-90_000, 200_000), st.integers(-5_000_000, 9_000_000)),
    )
    prices = st.decimals(1, 3, places=1)
    volumes = st.decimals(0, 5, places=2)
    with_ids, with_sequences = draw(st.booleans()), draw(st.booleans())
    trades = [
        Trade(
            "x:A",
            time,
            draw(prices),
            draw(volumes),
            str(number) if with_ids and draw(st.integers(0, 9)) else None,
            None,
            draw(st.integers(0, 3)) if with_sequences and draw(st.integers(0, 9)) else None,
        )
        for number, time in enumerate(draw(st.lists(times, max_size=40)))
    ]
    # A trade that comes `delay` after its time, by the event clock, is within the lateness.
    delays = st.integers(0, lateness)
    queue = [(trade.time + draw(delays), number, trade) for number, trade in enumerate(draw(st.permutations(trades)))]
    queue.sort(key=lambda entry: entry[:2])
    arrivals: list[Arrival] = []
    good: list[Trade] = []
    for due, _, trade in queue:
        # Nothing that is still to come lies more than the lateness before `due`.
        if draw(st.integers(0, 3)) == 0:
            arrivals.append(Arrival(None, due - draw(st.sampled_from([0, 0, 1, 59_000, 10_000_000]))))
        arrivals.append(Arrival(trade))
        good.append(trade)
        known = [each for each in good if each.trade_id is not None]
        if known and draw(st.integers(0, 4)) == 0:
            arrivals.append(Arrival(draw(st.sampled_from(known))))
    return Scenario(market, lateness, tuple(arrivals), tuple(good))


def span(rows: Sequence[Row], resolution: Resolution, time: int) -> Span | None:
    """Return the bar of a time, by walking over all sessions."""
    for row in rows:
        date, opens, break_start, break_end, closes = row
        if not opens <= time < closes:
            continue
        if break_start is None or break_end is None:
            part_start, part_end = opens, closes
        elif time < break_start:
            part_start, part_end = opens, break_start
        elif time < break_end:
            return None
        else:
            part_start, part_end = break_end, closes
        if resolution.value.isdigit():
            start = part_start
            while start + int(resolution.value) * 60_000 <= time:
                start += int(resolution.value) * 60_000
            return (start, start, min(start + int(resolution.value) * 60_000, part_end))
        members = [other for other in rows if period(resolution, other[0]) == period(resolution, date)]
        first, last = members[0], members[-1]
        stamp = period(resolution, date) if resolution.value == "1W" else first[0]
        assert isinstance(stamp, int)
        return (stamp, first[1], last[4])
    return None


def period(resolution: Resolution, date: int) -> object:
    """Return what two days share that belong to one bar; for a week its Monday."""
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=date)
    match resolution.value:
        case "1W":
            return date - day.weekday() * DAY
        case "1M":
            return (day.year, day.month)
        case _:
            return date


def oracle(market: Market, trades: Sequence[Trade], resolution: Resolution) -> dict[Span, Bar]:
    """Return the bars of trades, given in order of arrival: group them by interval, sort each group."""
    groups: dict[Span, list[Trade]] = defaultdict(list)
    for trade in trades:
        found = span(market.all_rows, resolution, trade.time)
        if found is not None:
            groups[found].append(trade)
    bars: dict[Span, Bar] = {}
    for found in sorted(groups, key=lambda each: each[2]):
        # Sorting is stable: what nothing orders stays in order of arrival.
        group = sorted(
            groups[found],
            key=lambda trade: (
                trade.time,
                -1 if trade.sequence is None else trade.sequence,
                -1 if trade.trade_id is None else int(trade.trade_id),
            ),
        )
        prices = [trade.price for trade in group]
        volume = sum((trade.volume for trade in group), Decimal(0))
        bars[found] = Bar(found[0], prices[0], max(prices), min(prices), prices[-1], volume)
    return bars


def play(scenario: Scenario, aggregator: Aggregator) -> list[list[FinalBar | Correction]]:
    """Give the aggregator everything, then a time after all; return what it says at each step."""
    steps: list[list[FinalBar | Correction]] = [
        [*aggregator.advance(arrival.clock)] if arrival.trade is None else aggregator.add(arrival.trade)
        for arrival in scenario.arrivals
    ]
    steps.append([*aggregator.advance(MONDAY + 400 * DAY)])
    return steps


@settings(max_examples=250, deadline=None)
@given(scenarios())
def test_finals_equal_the_oracle_at_every_resolution(scenario: Scenario) -> None:
    """Whatever the order of arrival within the lateness, the finals are the oracle's bars, each once, time rising."""
    aggregator = Aggregator(scenario.market.calendar, lateness_ms=scenario.lateness)
    finals = [final for step in play(scenario, aggregator) for final in step]
    for resolution in Resolution:
        bars = [final.bar for final in finals if final.resolution is resolution]
        assert bars == list(oracle(scenario.market, scenario.good, resolution).values()), resolution
        assert all(before.time < after.time for before, after in pairwise(bars))
        assert aggregator.open_bar(resolution) is None
    inside = sum(span(scenario.market.all_rows, Resolution.MINUTE_1, trade.time) is not None for trade in scenario.good)
    dropped = aggregator.dropped
    trades = sum(arrival.trade is not None for arrival in scenario.arrivals)
    assert trades - inside == dropped.doubled + dropped.late + dropped.outside


@settings(max_examples=40, deadline=None)
@given(scenarios())
def test_each_step_closes_and_shows_what_it_must(scenario: Scenario) -> None:
    """After each step exactly the bars behind the watermark are final, in order; the shown bar is the oldest other."""
    aggregator = Aggregator(scenario.market.calendar, lateness_ms=scenario.lateness)
    clock = -(1 << 60)
    seen: list[Trade] = []
    pending = list(scenario.good)
    done: dict[Resolution, int] = dict.fromkeys(Resolution, 0)
    last_shown: dict[Resolution, int] = {}
    for arrival in scenario.arrivals:
        if arrival.trade is None:
            finals: Sequence[FinalBar | Correction] = aggregator.advance(arrival.clock)
            clock = max(clock, arrival.clock)
        else:
            finals = aggregator.add(arrival.trade)
            clock = max(clock, arrival.trade.time)
            if pending and pending[0] is arrival.trade:
                seen.append(pending.pop(0))
        watermark = clock - scenario.lateness
        ends: list[tuple[int, int]] = []
        for order, resolution in enumerate(Resolution):
            bars = list(oracle(scenario.market, seen, resolution).items())
            closed = [bar for found, bar in bars if found[2] <= watermark]
            now = [final.bar for final in finals if final.resolution is resolution]
            assert now == closed[done[resolution] :]
            ends += [(found[2], order) for found, _ in bars[done[resolution] : len(closed)]]
            done[resolution] = len(closed)

            shown = aggregator.open_bar(resolution)
            still_open = [(found, bar) for found, bar in bars if found[2] > watermark]
            if still_open and still_open[0][0][1] <= watermark:
                assert shown == still_open[0][1]
            else:
                assert shown is None
            for bar in [*now, shown]:
                if bar is not None:
                    assert bar.time >= last_shown.get(resolution, bar.time)
                    last_shown[resolution] = bar.time
        order_of = {resolution: order for order, resolution in enumerate(Resolution)}
        assert [order for _, order in sorted(ends)] == [order_of[final.resolution] for final in finals]


@settings(max_examples=60, deadline=None)
@given(scenarios())
def test_longer_bars_are_the_merge_of_their_minutes(scenario: Scenario) -> None:
    """Each final of a longer resolution is made of the one-minute finals inside it, and of nothing else."""
    aggregator = Aggregator(scenario.market.calendar, lateness_ms=scenario.lateness)
    finals = [final for step in play(scenario, aggregator) for final in step]
    minutes = [final.bar for final in finals if final.resolution is Resolution.MINUTE_1]
    for resolution in list(Resolution)[1:]:
        merged: list[Bar] = []
        latest: Span | None = None
        for minute in minutes:
            found = span(scenario.market.all_rows, resolution, minute.time)
            assert found is not None
            if found != latest:
                merged.append(Bar(found[0], minute.open, minute.high, minute.low, minute.close, minute.volume))
            else:
                bar = merged[-1]
                merged[-1] = Bar(
                    bar.time,
                    bar.open,
                    max(bar.high, minute.high),
                    min(bar.low, minute.low),
                    minute.close,
                    bar.volume + minute.volume,
                )
            latest = found
        assert [final.bar for final in finals if final.resolution is resolution] == merged
