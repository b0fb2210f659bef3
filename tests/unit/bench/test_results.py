"""Results: what the load client says, medians, ratios and bars."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.results import (
    Bar,
    LoadError,
    Result,
    Stalled,
    Table,
    bars,
    divide,
    medians,
    parse_line,
    read_results,
    write_results,
)

WINDOW: dict[str, Any] = {
    "phase": "rate:8:50:2",
    "clients": 1000,
    "failed": 0,
    "lost": 0,
    "frames": 9000,
    "cpu_s_per_million": 3.5,
    "deliveries_per_s": 50_000.0,
    "p50_ms": 1.5,
    "p99_ms": -1,
}
NAMES = [
    "server",
    "workload",
    "clients",
    "messages_per_turn",
    "cpu_s_per_million",
    "deliveries_per_s",
    "p50_ms",
    "p99_ms",
    "kb_per_connection",
    "connects_per_s",
]


def fanout(server: str, cpu: float, clients: int = 1000, messages: int = 1) -> Result:
    """Return a fan-out's result."""
    return Result(server, "fanout", clients, messages, cpu_s_per_million=cpu)


def test_a_window_of_the_load_client_becomes_a_result() -> None:
    """Its burst is the messages of a turn, and what was not measured (-1) is None."""
    assert parse_line("c", "rate", WINDOW) == Result(
        "c", "rate", 1000, 8, cpu_s_per_million=3.5, deliveries_per_s=50_000.0, p50_ms=1.5, p99_ms=None
    )


def test_a_storm_and_a_memory_line_become_results() -> None:
    """Each has its one figure."""
    storm = {"phase": "storm", "connects": 500, "failed": 2, "connects_per_s": 250.0, "p50_ms": 3.0, "p99_ms": 9.0}
    storm["cpu_us_per_connect"] = 700.0
    assert parse_line("c", "storm", storm) == Result("c", "storm", 1, None, 700.0, None, 3.0, 9.0, None, 250.0)
    memory = {"phase": "memory", "clients": 5000, "failed": 0, "lost": 0, "kb_per_connection": 2.25}
    assert parse_line("c", "memory", memory) == Result("c", "memory", 5000, kb_per_connection=2.25)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"error": "time ran out", "opened": 3, "failed": 7}, "time ran out"),
        ({"failed": 1}, "1 of 1000"),
        ({"lost": 4}, "closed 4 of 1000"),
        ({"frames": 0}, "no frame"),
        ({"phase": "storm", "connects": 0}, "first frame"),
    ],
)
def test_a_run_that_failed_is_no_result(changes: dict[str, Any], what: str) -> None:
    """A figure of a run that lost clients, or delivered nothing, would flatter the server."""
    with pytest.raises(LoadError, match=what):
        parse_line("c", "rate", WINDOW | changes)


def test_a_figure_is_the_median_of_its_rounds() -> None:
    """Rounds of one thing become one result, in the order in which the things came; None is left out."""
    first = Result("c", "rate", 1000, 1, p99_ms=9.0)
    rounds = [fanout("c", 5.0), first, fanout("c", 1.0), fanout("c", 2.0), Result("c", "rate", 1000, 1)]
    assert medians(rounds) == [fanout("c", 2.0), first]


def test_the_list_for_scripts_has_its_names_and_comes_back(tmp_path: Path) -> None:
    """Every entry has every name, null where it does not apply, with four digits."""
    path = tmp_path / "latest.json"
    write_results(path, [fanout("c", 2.123456), Result("tapecast", "memory", 5000, kb_per_connection=2.25)])
    listed = json.loads(path.read_text())
    assert [list(entry) for entry in listed] == [NAMES, NAMES]
    assert listed[0]["cpu_s_per_million"] == 2.123
    assert listed[0]["p99_ms"] is None
    assert read_results(path) == [fanout("c", 2.123), Result("tapecast", "memory", 5000, kb_per_connection=2.25)]


def test_there_is_no_ratio_to_what_was_not_measured() -> None:
    """A missing peer, or a zero, gives None and not an error."""
    table = Table([fanout("c", 2.0), fanout("tapecast", 4.0)])
    assert table.ratio("cpu_s_per_million", "c", "tapecast", "fanout", 1000, 1) == 0.5
    assert table.ratio("cpu_s_per_million", "nchan", "tapecast", "fanout", 1000, 1) is None
    assert divide(1.0, 0.0) is None


def test_a_bar_is_met_missed_by_a_share_or_not_measured() -> None:
    """On the bound is met; the distance is a share of the bound."""
    assert Bar("", 0.72, least=0.72).is_met is True
    assert Bar("", 4.0, most=4).is_met is True
    missed = Bar("", 0.36, least=0.72)
    assert (missed.is_met, missed.distance) == (False, 0.5)
    assert Bar("", 6.0, most=4).distance == 0.5
    assert (Bar("", None, least=1).is_met, Bar("", None, least=1).distance) == (None, None)


def test_the_bars_compare_the_right_way_round() -> None:
    """Twice the limit's CPU is half of the limit; a third of naive's is three times naive."""
    table = Table(
        [fanout("c", 2.0), fanout("fastapi-naive", 12.0), fanout("uwebsockets", 3.0), fanout("tapecast", 4.0)]
    )
    values = [bar.value for bar in bars(table)[:3]]
    assert values == [0.5, 3.0, 0.75]


def test_the_memory_bar_takes_the_most_connections() -> None:
    """A thousand connections say less than five thousand."""
    few, many = (Result("tapecast", "memory", n, kb_per_connection=kb) for n, kb in ((1000, 9.0), (5000, 3.0)))
    assert next(bar for bar in bars(Table([many, few])) if "memory" in bar.what).value == 3.0


@pytest.mark.parametrize(
    ("closed", "seconds", "expected"), [(10, 30.0, 8.5), (9, 30.0, float("inf")), (9, 5.0, None), (10, 9.0, 8.5)]
)
def test_stalled_clients_count_as_closed_when_all_are(closed: int, seconds: float, expected: float | None) -> None:
    """One that is left after ten seconds misses the bar; a shorter run says nothing."""
    stalled = Stalled(count=10, closed=closed, last_close_s=8.5, gaps=0, seconds=seconds)
    assert stalled.all_closed_s == expected
