"""A bar becomes trades whose bar is exactly that row."""

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.sources.columns import MAX_DECIMALS, Amount, decimal_of, shortest
from gateway.sources.tape import Parts, time_text, trades_for, trades_of_bar
from market.resolution import Resolution
from tests.unit.sources.recording import bar_of

MINUTE = 60_000
DIGITS = 10**17


@st.composite
def bars(draw: st.DrawFn) -> tuple[list[Amount], Amount, Parts, int, int]:
    """Any valid bar: open, high, low and close with their own decimals; the volume; where it trades."""
    decimals = [draw(st.integers(0, 6)) for _ in range(4)]
    low, *others = sorted(
        ((draw(st.integers(1, 10**9)), places) for places in decimals), key=lambda amount: decimal_of(*amount)
    )
    *between, high = others
    volume = (draw(st.one_of(st.integers(0, 100), st.integers(0, DIGITS))), draw(st.integers(0, 18)))
    start = draw(st.integers(-(10**12), 10**13))
    parts: list[tuple[int, int]] = []
    for length in draw(st.lists(st.integers(1, 8 * 60), min_size=1, max_size=6)):
        parts.append((start, start + length * MINUTE))
        start += length * MINUTE + draw(st.integers(0, 20)) * 60 * MINUTE
    return [between[0], high, low, between[1]], volume, parts, draw(st.integers(4, 80)), draw(st.integers(0, 4))


@given(bars())
@example(([(10, 0)] * 4, (0, 0), [(0, MINUTE)], 4, 0))
@example(([(DIGITS * 9, 17), (DIGITS * 9 + 1, 17), (1, 30), (5, 1)], (1, MAX_DECIMALS), [(0, MINUTE)], 60, 2))
def test_any_valid_bar_is_rebuilt_exactly(case: tuple[list[Amount], Amount, Parts, int, int]) -> None:
    """The trades' bar equals the row to the last digit; all are in order, within the open time and the prices."""
    prices, volume, parts, count, grid = case
    trades = trades_of_bar("x:Y", 86_400_000, parts, prices, volume, count=count, grid=grid)
    bar = bar_of(trades)
    opened, high, low, closed = (decimal_of(*price) for price in prices)
    assert (bar.open, bar.high, bar.low, bar.close) == (opened, high, low, closed)
    assert bar.volume == decimal_of(*volume)
    assert len(trades) == count
    times = [trade.time for trade in trades]
    assert times == sorted(times)
    assert times[0] == parts[0][0]
    assert all(any(start <= time < end for start, end in parts) for time in times)
    assert all((trade.volume > 0) == (volume[0] > 0) for trade in trades)
    finest = max(grid, *(shortest(price)[1] for price in prices))
    assert all(trade.price.as_tuple().exponent == -finest for trade in trades)
    assert len({trade.trade_id for trade in trades}) == count
    assert [trade.sequence for trade in trades] == list(range(count))


def test_the_chance_is_seeded_by_symbol_and_stamp() -> None:
    """The same bar gives the same trades; another symbol's or another day's differ in times and prices."""
    prices: list[Amount] = [(1_000, 1), (1_200, 1), (900, 1), (1_100, 1)]

    def make(symbol: str, stamp: int) -> list[tuple[int, Decimal]]:
        trades = trades_of_bar(symbol, stamp, [(0, 390 * MINUTE)], prices, (5_000, 0), count=60, grid=2)
        return [(trade.time, trade.price) for trade in trades]

    assert make("nasdaq:AAPL", 0) == make("nasdaq:AAPL", 0)
    assert make("nasdaq:AAPL", 0) != make("nasdaq:IBM", 0)
    assert make("nasdaq:AAPL", 0) != make("nasdaq:AAPL", 86_400_000)


def test_the_trades_of_a_known_bar_never_change() -> None:
    """Recorded trades pin the generator: another Python or an edit that moves them is seen."""
    prices: list[Amount] = [(58_074, 2), (58_150, 2), (57_146, 2), (57_773, 2)]
    trades = trades_of_bar(
        "nasdaq:AAPL", 1_338_422_400_000, [(0, 390 * MINUTE)], prices, (17_559_800, 0), count=6, grid=2
    )
    assert [(trade.time, str(trade.price), str(trade.volume), trade.side) for trade in trades] == RECORDED
    assert trades[5].trade_id == "20120531-5"


RECORDED = [
    (0, "580.74", "2110296", "buy"),
    (5_116_066, "580.69", "1646360", "sell"),
    (11_062_824, "581.50", "2705613", "buy"),
    (12_027_062, "571.46", "3641698", "sell"),
    (19_278_082, "573.67", "4072790", "buy"),
    (20_464_732, "577.73", "3383043", "buy"),
]


def test_high_and_low_come_at_varying_places() -> None:
    """Over many days the high and the low are reached early and late, and either may come first."""
    prices: list[Amount] = [(100, 0), (150, 0), (50, 0), (100, 0)]
    places = set()
    for day in range(200):
        trades = trades_of_bar("x:Y", day * 86_400_000, [(0, 390 * MINUTE)], prices, (9_000, 0), count=20, grid=2)
        path = [trade.price for trade in trades]
        places.add((path.index(Decimal(150)) // 5, path.index(Decimal(50)) // 5))
    assert len(places) == 16


def test_a_day_has_at_least_20_trades_and_a_minute_4() -> None:
    """The count of trades grows with the bar's length."""
    counts = [trades_for(resolution) for resolution in Resolution]
    assert counts == sorted(counts)
    assert counts[0] == 4
    assert trades_for(Resolution.DAY) == 60
    assert min(trades_for(one) for one in Resolution if one.minutes is None) >= 20


def test_times_are_written_as_people_write_them() -> None:
    """A midnight is its date; other times end in Z and show milliseconds only where there are any."""
    assert time_text(1_338_508_800_000) == "2012-06-01"
    assert time_text(1_338_557_400_000) == "2012-06-01T13:30:00Z"
    assert time_text(1_338_557_400_007) == "2012-06-01T13:30:00.007Z"
    assert time_text(-1) == "1969-12-31T23:59:59.999Z"
