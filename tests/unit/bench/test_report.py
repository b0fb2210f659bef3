"""Report: numbers, tables and what they say of a bar. Plots: the shares of a histogram."""

import pytest

from bench.machine import processor
from bench.plots import exceeding, median_of
from bench.report import bars_table, fanout_table, kept_up, number, report, stalled_table
from bench.results import Bar, Result, Stalled, Table

INFINITE = float("inf")
TITLES = {"c": "C", "tapecast": "Tapecast"}


def fanout(server: str, cpu: float) -> Result:
    """Return a fan-out's result."""
    return Result(server, "fanout", 1000, 1, cpu_s_per_million=cpu, deliveries_per_s=1000.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (1234567.0, "1,234,567"),
        (3.14159, "3.14"),
        (0.0123, "0.0123"),
        (100.4, "100"),
        (float("inf"), "never"),
    ],
)
def test_numbers_are_plain(value: float | None, text: str) -> None:
    """Three digits, no exponent."""
    assert number(value) == text


def test_a_fanout_is_listed_fastest_first_with_its_ratios() -> None:
    """A peer that was not measured leaves a dash."""
    lines = fanout_table(Table([fanout("tapecast", 4.0), fanout("c", 2.0)]), 1000, 1, TITLES)
    assert lines[2:] == [
        "| C | 2 | 500,000 | 1,000 | - | - | 100% |",
        "| Tapecast | 4 | 250,000 | 1,000 | - | - | 50% |",
    ]


def test_a_bar_says_met_or_its_distance() -> None:
    """Far misses are told as multiples."""
    found = [
        Bar("a", 0.8, least=0.72),
        Bar("b", 5.0, most=4, unit="kB"),
        Bar("c", 40.0, most=4),
        Bar("d", None, most=1),
    ]
    assert bars_table(found)[2:] == [
        "| a | ≥ 0.72 | 0.8 | met |",
        "| b | ≤ 4 kB | 5 kB | not met: 25% off |",
        "| c | ≤ 4 | 40 | not met: 10.0 times the bar |",
        "| d | ≤ 1 | - | not measured in this run |",
    ]


def test_a_client_that_was_never_closed_misses_its_bar() -> None:
    """An infinite time is no number to be off by."""
    assert bars_table([Bar("closed", INFINITE, most=10, unit="s")])[2].endswith("| never s | not met |")


def test_falling_behind_is_shown() -> None:
    """A server that delivers half of the rate says so beside its latency."""
    assert kept_up(Result("c", "rate", 1000, 1, deliveries_per_s=25_000.0)) == "50%"
    assert kept_up(Result("c", "topics", 1000, 1, deliveries_per_s=100_020.0)) == "100%"


def test_stalled_clients_are_shown_beside_the_run_without() -> None:
    """The ratio is of one server to itself."""
    table = Table([Result("c", "unstalled", 1000, 1, p99_ms=2.0), Result("c", "stalled", 1000, 1, p99_ms=3.0)])
    seen = {"c": Stalled(count=10, closed=10, last_close_s=9.0, gaps=0, seconds=30)}
    assert stalled_table(table, TITLES, seen)[2] == "| C | 2 | 3 | 1.5 | 10 of 10 | 9 |"


def test_the_report_says_what_was_left_out() -> None:
    """A skipped peer stands there with its reason."""
    text = report(
        Table([fanout("c", 2.0)]), about=["Machine: x"], titles=TITLES, skipped={"nchan": "no nginx"}, stalled={}
    )
    assert "- nchan: no nginx" in text
    assert "- Machine: x" in text


def test_a_histogram_says_which_share_took_longer() -> None:
    """The last bucket leaves nothing."""
    assert exceeding([(1.0, 6), (2.0, 3), (4.0, 1)]) == ([1.0, 2.0, 4.0], [0.4, 0.1, 0.0])
    assert median_of([(1.0, 1), (2.0, 3)]) == 2.0


def test_the_processor_has_a_name() -> None:
    """It is read from /proc/cpuinfo, where there is one."""
    assert processor("vendor_id : x\nmodel name\t: AMD EPYC\n") == "AMD EPYC"
    assert processor("") == "unknown processor"
