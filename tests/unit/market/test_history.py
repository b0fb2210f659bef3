"""History: the newest closed bars, against a plain list of them."""

from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.events import Bar
from market.history import BarHistory, PastBar
from market.resolution import Resolution

MINUTE, HOUR = Resolution.MINUTE_1, Resolution.MINUTE_60


def bar(time: int, close: str = "10", volume: str = "1") -> Bar:
    """Return a bar whose open, high and low depend on its close."""
    price = Decimal(close)
    return Bar(time, price + 1, price + 2, price - 1, price, Decimal(volume))


def past(bar: Bar) -> PastBar:
    """Return what is kept of a bar."""
    return PastBar(bar.time, float(bar.open), float(bar.high), float(bar.low), float(bar.close), float(bar.volume))


def times(history: BarHistory, resolution: Resolution = MINUTE) -> list[int]:
    """Return the stamps of all bars."""
    return [each.time for each in history.last(resolution, 1 << 30)]


def filled(*stamps: int, limit: int = 5000) -> BarHistory:
    """Return a history with bars of these times."""
    history = BarHistory(limit)
    for stamp in stamps:
        history.add(MINUTE, bar(stamp))
    return history


def test_the_last_bars_come_oldest_first() -> None:
    """As many as asked for, fewer where there are no more, none for a count below one."""
    history = filled(10, 20, 30)
    assert [each.time for each in history.last(MINUTE, 2)] == [20, 30]
    assert history.last(MINUTE, 3) == history.last(MINUTE, 4) == [past(bar(stamp)) for stamp in (10, 20, 30)]
    assert history.last(MINUTE, 0) == history.last(MINUTE, -1) == []
    assert history.count(MINUTE) == 3


def test_the_last_bars_until_a_time() -> None:
    """The bar of that time is among them, newer ones aren't; the newest time is that of all."""
    history = filled(10, 20, 30)
    for until, expected in ((9, []), (10, [10]), (29, [10, 20]), (30, [20, 30]), (99, [20, 30])):
        assert [each.time for each in history.last(MINUTE, 2, until=until)] == expected
    assert history.newest(MINUTE) == 30
    assert history.newest(HOUR) is None


def test_resolutions_are_apart() -> None:
    """A bar of one resolution is none of another."""
    history = filled(10)
    history.add(HOUR, bar(5, "77"))
    assert times(history) == [10]
    assert history.last(HOUR, 9) == [past(bar(5, "77"))]
    assert history.last(Resolution.DAY, 9) == []
    assert history.count(Resolution.DAY) == 0


def test_numbers_are_the_floats_nearest_to_the_exact_ones() -> None:
    """A stamp stays an integer, also behind the year 2200 and before 1970; digits beyond a float are rounded once."""
    history = BarHistory()
    tenth = Decimal("0.1")
    volume = "123456789012345678901234.000000000000000001"
    history.add(MINUTE, Bar(-60_000, tenth, tenth, tenth, tenth, Decimal(0)))
    history.add(MINUTE, bar(8_000_000_000_123, "0.30000000000000004", volume))
    first, second = history.last(MINUTE, 2)
    assert first == (-60_000, 0.1, 0.1, 0.1, 0.1, 0.0)
    assert (second.time, second.close, second.volume) == (8_000_000_000_123, 0.30000000000000004, float(volume))
    assert type(second.time) is int


def test_the_oldest_goes_first() -> None:
    """Each resolution has at most `limit` bars, however many came."""
    history = BarHistory(3)
    for stamp in range(100):
        history.add(MINUTE, bar(stamp))
        assert times(history) == list(range(max(0, stamp - 2), stamp + 1))
    assert times(filled(1, 2, 3, limit=1)) == [3]
    assert len(times(filled(*range(6000)))) == 5000


def test_a_bar_that_is_not_newer_is_not_added() -> None:
    """A second bar of one time, or an older one, changes nothing."""
    history = filled(10, 20)
    history.add(MINUTE, bar(20, "99"))
    history.add(MINUTE, bar(15, "99"))
    assert history.last(MINUTE, 9) == [past(bar(10)), past(bar(20))]


def test_a_correction_replaces_the_bar_of_its_time() -> None:
    """Every number changes, the neighbours stay."""
    history = filled(10, 20, 30)
    for stamp in (10, 20, 30):
        history.correct(MINUTE, bar(stamp, "5", "8"))
        assert times(history) == [10, 20, 30]
    assert history.last(MINUTE, 9) == [past(bar(stamp, "5", "8")) for stamp in (10, 20, 30)]


def test_a_correction_without_a_bar_takes_its_place() -> None:
    """Between others, behind all, into an empty history, and before all while none has gone."""
    history = filled(10, 30, limit=5)
    for stamp in (20, 40, 5):
        history.correct(MINUTE, bar(stamp, "7"))
    assert history.last(MINUTE, 9) == [past(bar(5, "7")), *map(past, (bar(10), bar(20, "7"), bar(30), bar(40, "7")))]
    empty = BarHistory()
    empty.correct(MINUTE, bar(1))
    assert times(empty) == [1]


def test_a_correction_of_what_has_gone_is_ignored() -> None:
    """Where older bars have gone a hole could follow; one between the others lets the oldest go."""
    history = filled(10, 20, 30, 40, limit=3)
    history.correct(MINUTE, bar(10))
    history.correct(MINUTE, bar(15))
    assert times(history) == [20, 30, 40]
    history.correct(MINUTE, bar(35))
    assert times(history) == [30, 35, 40]


def test_seeds_come_before_what_is_there() -> None:
    """Into an empty history or before others; only the newest that fit are kept."""
    history = BarHistory(4)
    history.seed(MINUTE, [bar(10), bar(20)])
    assert times(history) == [10, 20]
    history.seed(MINUTE, [bar(stamp) for stamp in (1, 2, 3)])
    assert times(history) == [2, 3, 10, 20]
    history.seed(MINUTE, [bar(1)])
    history.seed(MINUTE, [])
    history.add(MINUTE, bar(30))
    assert times(history) == [3, 10, 20, 30]
    assert history.last(MINUTE, 9) == [past(bar(stamp)) for stamp in (3, 10, 20, 30)]


def test_seeds_have_no_place_in_a_full_history() -> None:
    """What is there stays, and what has gone doesn't come back."""
    history = filled(*range(10, 52), limit=40)
    history.seed(MINUTE, [bar(1), bar(2)])
    assert times(history) == list(range(12, 52))
    history.seed(MINUTE, [])
    history.add(MINUTE, bar(60))
    assert times(history) == [*range(13, 52), 60]


@pytest.mark.parametrize("stamps", [[10], [11], [1, 12], [2, 1], [1, 1], [5, 4, 3]])
def test_seeds_that_are_not_older_are_refused(stamps: list[int]) -> None:
    """Times must rise and stay below those that are there; nothing changes then."""
    history = filled(10, 20)
    with pytest.raises(ValueError, match=r"A bar of \d+ stands before one of \d+"):
        history.seed(MINUTE, [bar(stamp) for stamp in stamps])
    assert times(history) == [10, 20]


def test_a_limit_below_one_is_refused() -> None:
    """A history that keeps nothing is a mistake."""
    with pytest.raises(ValueError, match="limit is 0"):
        BarHistory(0)


class Step(NamedTuple):
    """One call: what, the bar's time, its close."""

    verb: str
    time: int
    close: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["add", "add", "next", "next", "next", "correct", "seed"]),
        st.integers(0, 40),
        st.integers(1, 9),
    ),
    max_size=80,
)


@given(STEPS, st.sampled_from([1, 2, 3, 5, 17, 40]))
def test_it_is_a_list_of_bars(steps: list[Step], limit: int) -> None:
    """After any calls it has what a plain list has, cut to the limit; any number of the last can be asked for."""
    history = BarHistory(limit)
    known: dict[int, Bar] = {}
    for verb, time, close in steps:
        newest, oldest = max(known, default=-1), min(known, default=1000)
        stamp = newest + 1 + time % 3 if verb == "next" else time
        new = bar(stamp, str(close))
        if verb == "seed":
            older = [bar(each, str(close)) for each in range(max(0, time - 3), time) if each < oldest]
            history.seed(MINUTE, older)
            room = limit - len(known)
            known |= {each.time: each for each in older[max(0, len(older) - room) :]}
        elif verb == "correct":
            history.correct(MINUTE, new)
            if stamp > oldest or len(known) < limit or stamp in known:
                known[stamp] = new
        else:
            history.add(MINUTE, new)
            if stamp > newest:
                known[stamp] = new
        known = dict(sorted(known.items())[-limit:])
        expected = [past(each) for each in known.values()]
        assert history.last(MINUTE, limit + 1) == expected
        assert history.last(MINUTE, 2) == expected[-2:]
        assert history.count(MINUTE) == len(expected)
