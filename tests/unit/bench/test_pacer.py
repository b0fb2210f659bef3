"""Pacer: when a server publishes, by what the load client wrote."""

from pathlib import Path

import pytest

from bench.control import LONGEST_WAIT_S, SHORTEST_WAIT_S, WORDS, Mode, Pacer, Word, create_page, open_page


class Bench:
    """A page and a clock in a test's hand."""

    def __init__(self, *, all_due: bool = False) -> None:
        self.page = [0] * WORDS
        self.now = 100.0
        self.pacer = Pacer(self.page, lambda: self.now, lambda: 5_000_000_000, all_due=all_due)

    def set(self, mode: Mode, *, burst: int = 1, rate: float = 0, topics: int = 1, readers: int = 10) -> None:
        words = {Word.MODE: mode, Word.BURST: burst, Word.RATE: round(rate * 1000), Word.TOPICS: topics}
        for word, value in (words | {Word.READERS: readers, Word.WINDOW: 4 * burst}).items():
            self.page[word] = value
        self.page[Word.GENERATION] += 1


def test_an_idle_server_looks_again_soon() -> None:
    """It publishes nothing."""
    assert Bench().pacer.turn() == (0, LONGEST_WAIT_S)


def test_a_saturated_server_stays_a_window_ahead_of_its_clients() -> None:
    """It publishes a burst a turn until the clients are a window behind, and goes on as they read."""
    bench = Bench()
    bench.page[Word.RECEIVED] = 777  # of an earlier phase
    bench.set(Mode.SATURATE, burst=8)
    assert [bench.pacer.turn() for _ in range(5)] == [(8, 0.0)] * 4 + [(0, SHORTEST_WAIT_S)]
    bench.page[Word.RECEIVED] += 8 * 10
    assert [bench.pacer.turn()[0] for _ in range(2)] == [8, 0]
    assert bench.page[Word.SENT] == 40


def test_a_rate_is_one_burst_a_turn_and_made_up_for() -> None:
    """What has piled up for more than 2 ms comes in one turn."""
    bench = Bench()
    bench.set(Mode.RATE, burst=2, rate=2000)
    assert bench.pacer.turn()[0] == 2  # the next is due in 1 ms
    bench.now += 0.0055
    assert [bench.pacer.turn()[0] for _ in range(4)] == [6, 2, 2, 0]


def test_what_has_piled_up_comes_in_turns_of_a_bounded_size() -> None:
    """A server that stood still for a second would else stand still for the next one."""
    bench = Bench()
    bench.set(Mode.RATE, rate=1000)
    bench.pacer.turn()
    bench.now += 1
    assert [bench.pacer.turn()[0] for _ in range(2)] == [200, 200]


def test_a_loop_that_cannot_come_round_at_once_publishes_all_that_is_due() -> None:
    """With `all_due` one turn makes up for what is late."""
    bench = Bench(all_due=True)
    bench.set(Mode.RATE, rate=1000)
    bench.pacer.turn()
    bench.now += 0.0042
    assert bench.pacer.turn()[0] == 4


def test_a_wait_is_never_shorter_than_a_timer_can() -> None:
    """Or uvloop would spin."""
    bench = Bench()
    bench.set(Mode.RATE, rate=5000)
    assert bench.pacer.turn() == (1, SHORTEST_WAIT_S)


def test_messages_go_round_the_topics() -> None:
    """Each topic has the same rate."""
    bench = Bench()
    bench.set(Mode.RATE, rate=1, topics=3)
    assert [bench.pacer.next()[:2] for _ in range(4)] == [(0, 0), (1, 1), (2, 2), (3, 0)]


@pytest.mark.parametrize(("late_s", "counted_ns"), [(0.0015, 0), (0.5, 500_000_000)])
def test_a_server_that_falls_behind_is_late_with_its_messages(late_s: float, counted_ns: int) -> None:
    """A message's time is when it was due, where that is longer ago than a timer is coarse."""
    bench = Bench()
    bench.set(Mode.RATE, rate=1000)
    bench.pacer.turn()
    bench.now += 0.001 + late_s
    bench.pacer.turn()
    assert bench.pacer.next()[2] == pytest.approx(5_000_000_000 - counted_ns, abs=10_000)


def test_a_page_is_shared_through_its_file(tmp_path: Path) -> None:
    """What one side writes, the other reads."""
    path = tmp_path / "control"
    create_page(path)
    mine, theirs = open_page(str(path)), open_page(str(path))
    mine[Word.RECEIVED] = 2**40
    assert theirs[Word.RECEIVED] == 2**40
