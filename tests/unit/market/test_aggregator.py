"""Aggregator: one case for each rule. Random trades against an independent oracle stand in test_aggregator_oracle."""

from collections.abc import Sequence
from decimal import Decimal, localcontext

import pytest

from market.aggregator import Aggregator, Correction, Dropped, FinalBar
from market.calendar import DAY_MS, MINUTE_MS, Interval, Session, TradingCalendar
from market.events import Bar, Trade
from market.resolution import Resolution

ALWAYS = TradingCalendar.always_open()
# 2024-01-01 was a Monday: a day, a week and a month begin here.
ORIGIN = 1_704_067_200_000
MINUTE, HOUR = Resolution.MINUTE_1, Resolution.MINUTE_60


def trade(
    time: int, price: str = "10", volume: str = "1", trade_id: str | None = None, sequence: int | None = None
) -> Trade:
    """Return a trade `time` ms after the origin."""
    return Trade("x:A", ORIGIN + time, Decimal(price), Decimal(volume), trade_id, None, sequence)


def bar(time: int, *prices: str, volume: str = "1") -> Bar:
    """Return a bar `time` ms after the origin, of its open, high, low and close."""
    opens, high, low, close = (Decimal(price) for price in prices)
    return Bar(ORIGIN + time, opens, high, low, close, Decimal(volume))


def minutes(finals: Sequence[FinalBar | Correction]) -> list[Bar]:
    """Return the one-minute bars."""
    return [final.bar for final in finals if final.resolution is MINUTE]


def close_all(aggregator: Aggregator) -> list[FinalBar]:
    """Move the clock behind everything."""
    return aggregator.advance(ORIGIN + 1000 * DAY_MS)


def final_minute(*trades: Trade) -> Bar:
    """Return the only one-minute bar that the trades give, delivered in this order."""
    aggregator = Aggregator(ALWAYS, lateness_ms=MINUTE_MS)
    for each in trades:
        assert aggregator.add(each) == []
    (only,) = minutes(close_all(aggregator))
    return only


# What a bar is made of


def test_a_bar_is_its_trades_first_highest_lowest_last_and_sum() -> None:
    """Open, high, low and close are those of the trades in order of time, volume is their sum."""
    trades = [trade(0, "10", "1"), trade(1, "12", "2"), trade(2, "7", "3"), trade(3, "9", "4")]
    assert final_minute(*trades) == bar(0, "10", "12", "7", "9", volume="10")


def test_a_trade_at_the_end_belongs_to_the_next_bar() -> None:
    """Intervals are right-open: the trade at 60,000 ms closes the first minute and opens the second."""
    aggregator = Aggregator(ALWAYS)
    assert aggregator.add(trade(0, "10")) == []
    assert aggregator.add(trade(59_999, "11")) == []
    assert aggregator.add(trade(60_000, "12")) == [FinalBar(MINUTE, bar(0, "10", "11", "10", "11", volume="2"))]
    assert aggregator.open_bar(MINUTE) == bar(60_000, "12", "12", "12", "12")


def test_trades_out_of_order_are_put_right_within_the_lateness() -> None:
    """Open and close follow the trades' own times, not their arrival."""
    trades = [trade(500, "10"), trade(900, "11"), trade(100, "8"), trade(600, "12"), trade(950, "9"), trade(700, "10")]
    assert final_minute(*trades) == bar(0, "8", "12", "8", "9", volume="6")


def test_trades_of_one_time_are_ordered_by_sequence() -> None:
    """The source's sequence decides before trade ids and arrival."""
    trades = [trade(5, "2", trade_id="1", sequence=2), trade(5, "3", trade_id="0", sequence=3)]
    trades.append(trade(5, "1", trade_id="9", sequence=1))
    assert final_minute(*trades) == bar(0, "1", "3", "1", "3", volume="3")


def test_trades_of_one_time_are_ordered_by_trade_id_as_a_number() -> None:
    """Trade ids of digits compare as numbers: 9 is before 10, leading zeros don't count."""
    trades = [trade(5, "2", trade_id="10"), trade(5, "1", trade_id="9"), trade(5, "3", trade_id="0011")]
    assert final_minute(*trades) == bar(0, "1", "3", "1", "3", volume="3")
    long = "9" * 5_000
    trades = [trade(5, "3", trade_id="1" + long), trade(5, "1", trade_id="1"), trade(5, "2", trade_id=long)]
    assert final_minute(*trades) == bar(0, "1", "3", "1", "3", volume="3")


def test_trades_of_one_time_with_other_ids_are_ordered_by_text() -> None:
    """Ids that aren't digits compare as texts, after the numbers; a trade without id or sequence comes first."""
    trades = [trade(5, "4", trade_id="b"), trade(5, "3", trade_id="a"), trade(5, "2", trade_id="77"), trade(5, "1")]
    assert final_minute(*trades) == bar(0, "1", "4", "1", "4", volume="4")
    trades = [trade(5, "3", sequence=0), trade(5, "2", trade_id="²"), trade(5, "1", trade_id="88")]
    assert final_minute(*trades) == bar(0, "1", "3", "1", "3", volume="3")


def test_trades_that_nothing_else_orders_count_in_order_of_arrival() -> None:
    """Without sequence and ids the first to arrive opens, the last closes."""
    trades = [trade(5, "2"), trade(5, "3"), trade(5, "1")]
    assert final_minute(*trades) == bar(0, "2", "3", "1", "1", volume="3")
    # Ids that are one number in two spellings are two trades of equal rank.
    trades = [trade(5, "2", trade_id="07"), trade(5, "3", trade_id="007"), trade(5, "1", trade_id="7")]
    assert final_minute(*trades) == bar(0, "2", "3", "1", "1", volume="3")


def test_order_among_equals_holds_after_a_time_that_won_and_lost() -> None:
    """A newer time takes the close and an older one the open; ties with the former holders no longer matter."""
    trades = [trade(5, "5", sequence=9), trade(7, "7", sequence=1), trade(5, "6", sequence=10)]
    trades += [trade(3, "3", sequence=8), trade(7, "8", sequence=2), trade(3, "2", sequence=7)]
    trades += [trade(7, "9", sequence=0), trade(3, "4", sequence=9)]
    assert final_minute(*trades) == bar(0, "2", "9", "2", "8", volume="8")


def test_order_among_equals_is_that_of_the_time_that_holds() -> None:
    """After a tie, a trade of another time takes over: what ties with that one is compared with that one."""
    trades = [trade(5, "5", sequence=9), trade(5, "6", sequence=10), trade(7, "7", sequence=1)]
    trades += [trade(7, "8", sequence=2)]
    assert final_minute(*trades) == bar(0, "5", "8", "5", "8", volume="4")
    trades = [trade(5, "5", sequence=9), trade(5, "4", sequence=8), trade(3, "3", sequence=9)]
    trades += [trade(3, "2", sequence=8)]
    assert final_minute(*trades) == bar(0, "2", "5", "2", "5", volume="4")


def test_sums_do_not_drift() -> None:
    """Volumes add exactly, however small or far apart, in a minute and over minutes, whatever the decimal context."""
    aggregator = Aggregator(ALWAYS)
    finals: list[FinalBar | Correction] = []
    with localcontext(prec=3):
        for second in range(10 * 60):
            finals += aggregator.add(trade(second * 1000, "1", "0.1"))
        finals += aggregator.add(trade(600_000, "1", "123456789012345678901234"))
        finals += aggregator.add(trade(600_001, "1", "0.000000000000000001"))
        finals += close_all(aggregator)
    large = Decimal("123456789012345678901234.000000000000000001")
    assert [final.volume for final in minutes(finals)] == [Decimal("6")] * 10 + [large]
    (hour,) = [final.bar for final in finals if final.resolution is HOUR]
    assert hour.volume == Decimal("123456789012345678901294.000000000000000001")


# What isn't counted


def test_doubled_trade_ids_are_dropped() -> None:
    """A second trade with an id counts nowhere, also when its other fields differ; without an id there is no double."""
    aggregator = Aggregator(ALWAYS, lateness_ms=MINUTE_MS)
    for each in (trade(1, trade_id="a"), trade(1, trade_id="a"), trade(2, "99", trade_id="a"), trade(1), trade(1)):
        aggregator.add(each)
    assert aggregator.dropped == Dropped(doubled=2)
    assert aggregator.open_bar(MINUTE) is None
    assert minutes(close_all(aggregator)) == [bar(0, "10", "10", "10", "10", volume="3")]


def test_a_double_makes_no_bar() -> None:
    """A double whose time lies in another minute is dropped and leaves no empty bar there."""
    aggregator = Aggregator(ALWAYS, lateness_ms=MINUTE_MS)
    aggregator.add(trade(1, trade_id="a"))
    aggregator.add(trade(60_001, "99", trade_id="a"))
    assert aggregator.dropped == Dropped(doubled=1)
    assert minutes(close_all(aggregator)) == [bar(0, "10", "10", "10", "10")]


def test_trade_ids_are_forgotten_with_their_minute() -> None:
    """Ids are kept only while their minute is: an exchange may use them again, and memory stays bounded."""
    aggregator = Aggregator(ALWAYS, kept_ms=0)
    aggregator.add(trade(1, trade_id="a"))
    aggregator.add(trade(60_001, trade_id="a"))
    assert aggregator.dropped == Dropped()
    aggregator.add(trade(1, trade_id="a"))
    assert aggregator.dropped == Dropped(late=1)


def test_a_trade_whose_minute_is_final_and_not_kept_is_late() -> None:
    """Where nothing final is kept, a trade behind the watermark is dropped, also where its minute had no bar."""
    aggregator = Aggregator(ALWAYS, lateness_ms=1000, kept_ms=0)
    aggregator.add(trade(0))
    aggregator.add(trade(180_999, "20"))  # the watermark is 179,999: the third minute may still get trades
    aggregator.add(trade(120_000, "21"))
    aggregator.add(trade(0, "99"))
    aggregator.add(trade(119_999, "99"))
    assert aggregator.dropped == Dropped(late=2)
    assert minutes(close_all(aggregator)) == [
        bar(120_000, "21", "21", "21", "21"),
        bar(180_000, "20", "20", "20", "20"),
    ]


def test_a_trade_outside_every_session_is_dropped_and_moves_the_clock() -> None:
    """A trade in the break or after the close makes no bar; its time still closes those before it."""
    row = [ORIGIN, ORIGIN, ORIGIN + 90_000, ORIGIN + 120_000, ORIGIN + 180_000]
    aggregator = Aggregator(TradingCalendar.from_table("short", [row]))
    aggregator.add(trade(80_000))
    assert minutes(aggregator.add(trade(90_000, "99"))) == [bar(60_000, "10", "10", "10", "10")]
    aggregator.add(trade(120_000, "11"))
    finals = aggregator.add(trade(180_000, "99"))
    assert aggregator.dropped == Dropped(outside=2)
    assert [final.resolution for final in finals] == list(Resolution)
    assert finals[0].bar == bar(120_000, "11", "11", "11", "11")
    assert finals[-1].bar == bar(0, "10", "11", "10", "11", volume="2")


# When a bar closes


def test_a_bar_closes_without_a_further_trade_exactly_once() -> None:
    """The clock alone closes a bar, at its end and not a millisecond before; nothing comes a second time."""
    aggregator = Aggregator(ALWAYS)
    aggregator.add(trade(30_000))
    assert aggregator.advance(ORIGIN + 59_999) == []
    assert aggregator.advance(ORIGIN + 60_000) == [FinalBar(MINUTE, bar(0, "10", "10", "10", "10"))]
    assert aggregator.advance(ORIGIN + 60_000) == []
    assert aggregator.advance(ORIGIN + 179_999) == []
    assert [final.resolution for final in aggregator.advance(ORIGIN + 180_000)] == [Resolution.MINUTE_3]


def test_a_bar_closes_only_after_the_lateness() -> None:
    """With a lateness of two seconds a minute ends two seconds after its end, by the event clock."""
    aggregator = Aggregator(ALWAYS, lateness_ms=2000)
    aggregator.add(trade(30_000))
    assert aggregator.add(trade(61_999)) == []
    assert minutes(aggregator.advance(ORIGIN + 62_000)) == [bar(0, "10", "10", "10", "10")]


def test_the_clock_never_goes_back() -> None:
    """An earlier time changes nothing: what was late stays late."""
    aggregator = Aggregator(ALWAYS, kept_ms=0)
    aggregator.advance(ORIGIN + 60_000)
    assert aggregator.advance(ORIGIN) == []
    assert aggregator.add(trade(59_999)) == []
    assert aggregator.dropped == Dropped(late=1)


def test_there_are_no_empty_bars() -> None:
    """Time without trades closes nothing and makes nothing."""
    aggregator = Aggregator(ALWAYS)
    assert aggregator.advance(ORIGIN) == []
    assert aggregator.advance(ORIGIN + 40 * DAY_MS) == []
    assert all(aggregator.open_bar(resolution) is None for resolution in Resolution)
    aggregator.add(trade(41 * DAY_MS))
    finals = close_all(aggregator)
    assert [final.resolution for final in finals] == list(Resolution)


def test_finals_come_by_their_end_then_shorter_first() -> None:
    """A jump over hours gives every bar in order of its end, and at one end the shorter resolution first."""
    aggregator = Aggregator(ALWAYS)
    aggregator.add(trade(0))
    aggregator.add(trade(60_000))
    finals = aggregator.add(trade(3_600_000))
    order = [(final.bar.time - ORIGIN, final.resolution.value) for final in finals]
    assert order == [(60_000, "1"), (0, "3"), (0, "5"), (0, "15"), (0, "30"), (0, "60")]


def test_longer_bars_that_end_between_two_minutes_come_between_them() -> None:
    """With lateness one jump can close a minute, a longer bar, and minutes of the bar after it, in this order."""
    aggregator = Aggregator(ALWAYS, lateness_ms=10 * MINUTE_MS)
    aggregator.add(trade(60_000))
    aggregator.add(trade(200_000))
    finals = aggregator.advance(ORIGIN + 15 * MINUTE_MS)
    order = [(final.bar.time - ORIGIN, final.resolution.value) for final in finals]
    assert order == [(60_000, "1"), (0, "3"), (180_000, "1"), (0, "5")]


# What is shown of a bar that is open


def test_open_bars_hold_closed_and_open_minutes() -> None:
    """A longer bar that is open is the merge of its closed minutes and of those still open."""
    aggregator = Aggregator(ALWAYS, lateness_ms=90_000)
    prices = ["10", "14", "9", "11"]
    for number, price in enumerate(prices):
        aggregator.add(trade(number * MINUTE_MS, price))
    assert aggregator.open_bar(MINUTE) == bar(60_000, "14", "14", "14", "14")
    assert aggregator.open_bar(Resolution.MINUTE_3) == bar(0, "10", "14", "9", "9", volume="3")
    for resolution in list(Resolution)[2:]:
        assert aggregator.open_bar(resolution) == bar(0, "10", "14", "9", "11", volume="4")
    aggregator.advance(ORIGIN + 10 * MINUTE_MS)
    assert aggregator.open_bar(MINUTE) is None
    assert aggregator.open_bar(Resolution.MINUTE_5) is None
    assert aggregator.open_bar(HOUR) == bar(0, "10", "14", "9", "11", volume="4")


def test_showing_a_bar_does_not_change_it() -> None:
    """Asking for an open bar any number of times leaves its final as it was."""
    aggregator = Aggregator(ALWAYS)
    for number in range(4):
        aggregator.add(trade(number * MINUTE_MS))
        for resolution in Resolution:
            assert aggregator.open_bar(resolution) == aggregator.open_bar(resolution)
    assert {final.bar.volume for final in close_all(aggregator)} == {Decimal(1), Decimal(4)}


def test_a_newer_bar_waits_until_no_older_one_can_come() -> None:
    """With two minutes open the older one is shown; a minute isn't shown while one before it can still come up."""
    aggregator = Aggregator(ALWAYS, lateness_ms=2000)
    aggregator.add(trade(60_500, "20"))  # the watermark is 58,500: a trade of the first minute may still come
    assert aggregator.open_bar(MINUTE) is None
    assert aggregator.open_bar(Resolution.MINUTE_3) == bar(0, "20", "20", "20", "20")
    aggregator.add(trade(59_000, "10"))
    assert aggregator.open_bar(MINUTE) == bar(0, "10", "10", "10", "10")
    assert aggregator.open_bar(Resolution.MINUTE_3) == bar(0, "10", "20", "10", "20", volume="2")
    assert minutes(aggregator.advance(ORIGIN + 62_000)) == [bar(0, "10", "10", "10", "10")]
    assert aggregator.open_bar(MINUTE) == bar(60_000, "20", "20", "20", "20")
    assert minutes(aggregator.advance(ORIGIN + 122_000)) == [bar(60_000, "20", "20", "20", "20")]


def test_a_newer_bar_is_shown_at_its_opening_by_the_watermark() -> None:
    """With lateness the first bars of all resolutions appear when the watermark has reached their opening."""
    aggregator = Aggregator(ALWAYS, lateness_ms=2000)
    aggregator.add(trade(1999))
    assert all(aggregator.open_bar(resolution) is None for resolution in Resolution)
    aggregator.advance(ORIGIN + 2000)
    expected = bar(0, "10", "10", "10", "10")
    assert all(aggregator.open_bar(resolution) == expected for resolution in Resolution)


# Cost and mistakes


class CountingCalendar(TradingCalendar):
    """24/7 that counts how often it is asked."""

    def __init__(self) -> None:
        self.name = "counting"
        self.asked = 0

    def interval(self, resolution: Resolution, time_ms: int) -> Interval | None:
        self.asked += 1
        return ALWAYS.interval(resolution, time_ms)

    def session_at(self, time_ms: int) -> Session | None:
        raise NotImplementedError

    def next_session(self, time_ms: int) -> Session | None:
        raise NotImplementedError

    def session_of_date(self, date_ms: int) -> Session | None:
        raise NotImplementedError

    def _week(self, session: Session) -> Interval:
        raise NotImplementedError

    def _month(self, session: Session) -> Interval:
        raise NotImplementedError


def test_trades_of_a_minute_ask_the_calendar_once() -> None:
    """The calendar is asked once for each minute with trades, also where trades of two minutes alternate."""
    calendar = CountingCalendar()
    aggregator = Aggregator(calendar, lateness_ms=2000)
    for number in range(1000):
        aggregator.add(trade(59_000 + number, trade_id=str(number)))
        aggregator.add(trade(60_000 + number, trade_id=str(2000 + number)))
    assert calendar.asked == 2


def test_negative_bounds_are_refused() -> None:
    """A lateness below zero would close bars before their end; nothing can be kept for less than no time."""
    with pytest.raises(ValueError, match="lateness_ms is -1"):
        Aggregator(ALWAYS, lateness_ms=-1)
    with pytest.raises(ValueError, match="kept_ms is -1"):
        Aggregator(ALWAYS, kept_ms=-1)
    with pytest.raises(ValueError, match="kept_trades is -1"):
        Aggregator(ALWAYS, kept_trades=-1)
