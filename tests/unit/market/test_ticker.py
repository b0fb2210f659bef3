"""Ticker: the last 24 hours, against a look at every trade."""

import functools
from decimal import Context, Decimal

from hypothesis import given
from hypothesis import strategies as st

from market.events import Trade
from market.ticker import DayWindow, Ticker

STEP = 600_000
DAY = 144 * STEP
START = 1_700_000_400_000
"""A whole step, ms."""


def trade(
    at: int, price: str = "10", volume: str = "1", *, bid: Decimal | None = None, ask: Decimal | None = None
) -> Trade:
    """Return a trade at START + at."""
    return Trade("x:AAA", START + at, Decimal(price), Decimal(volume), bid=bid, ask=ask)


def numbers(window: DayWindow) -> dict[str, float]:
    """Return the ticker's numbers."""
    ticker = window.ticker()
    assert ticker is not None
    names = ("price", "bid", "ask", "volume", "open", "high")
    return {name: float(getattr(ticker, name)) for name in names if getattr(ticker, name) is not None}


def naive(trades: list[Trade]) -> Ticker | None:
    """Return the ticker by looking at every trade again."""
    if not trades:
        return None
    last = trades[0]
    counted: list[Trade] = []
    for each in trades:
        newest = max(last.time, each.time) // STEP
        if each.time >= last.time:
            last = each
        if each.time // STEP > newest - 144:
            counted.append(each)
    inside = [each for each in counted if each.time // STEP > last.time // STEP - 144]
    return Ticker(
        time=last.time,
        price=last.price,
        bid=last.bid,
        ask=last.ask,
        volume=functools.reduce(Context(prec=200).add, (each.volume for each in inside)),
        open=min(inside, key=lambda each: each.time).price,  # of one time, the first that came
        high=max(each.price for each in inside),
        low=min(each.price for each in inside),
    )


TIMES = st.one_of(
    st.integers(0, 3 * DAY),
    st.integers(0, 3 * 144).map(lambda step: step * STEP),
    st.integers(0, 3).map(lambda day: day * DAY),
    st.integers(-START - 2 * DAY, -START + 2 * DAY),  # around 1970, and before
)
PRICES = st.integers(1, 20).map(str)
VOLUMES = st.one_of(st.integers(0, 9).map(str), st.sampled_from(["1e17", "4e-11", "99999999999999999", "1e-30"]))


@given(st.lists(st.tuples(TIMES, PRICES, VOLUMES), max_size=60), st.booleans())
def test_it_is_what_every_trade_of_the_last_24_hours_says(raw: list[tuple[int, str, str]], in_order: bool) -> None:
    """Volume, open, high and low at every moment, for trades in order and out of it."""
    trades = [trade(*each) for each in (sorted(raw) if in_order else raw)]
    window = DayWindow()
    assert window.ticker() is None
    for count, each in enumerate(trades, start=1):
        window.add(each)
        assert window.ticker() == naive(trades[:count])


def test_the_window_moves_in_steps() -> None:
    """A trade counts for the 144 steps that begin with its own."""
    window = DayWindow()
    window.add(trade(0, "50", "7"))
    window.add(trade(DAY - 1, "10"))
    assert numbers(window) == {"price": 10, "volume": 8, "open": 50, "high": 50}
    window.add(trade(DAY, "10"))
    assert numbers(window) == {"price": 10, "volume": 2, "open": 10, "high": 10}


def test_a_late_trade_counts_and_is_not_the_last() -> None:
    """The price stays that of the newest; one from before the window counts nowhere."""
    window = DayWindow()
    window.add(trade(DAY, "10", bid=Decimal(9), ask=Decimal(11)))
    window.add(trade(DAY - 1, "30"))
    window.add(trade(0, "99"))
    assert numbers(window) == {"price": 10, "bid": 9, "ask": 11, "volume": 2, "open": 30, "high": 30}
