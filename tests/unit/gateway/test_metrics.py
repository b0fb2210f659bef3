"""Metrics: what is counted is what is told, and what is told is what the documentation says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import Counts, GatewayCollector, create_registry, quantile
from gateway.supervisor import SourceState
from gateway.tally import Tally
from streaming.limits import SessionLimits
from streaming.session import Flusher, Session, Sessions
from streaming.traffic import TURN_BOUNDS_S, Histogram, Recoveries, Traffic
from tests.support.clock import VirtualClock
from tests.support.transport import FakeTransport, Turns, new_session

DOCUMENTATION = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


class Fixture:
    """Counts without a server."""

    def __init__(self) -> None:
        self.traffic, self.tally, self.sessions = Traffic(), Tally(), Sessions()
        self.recoveries = {"bars": Recoveries(), "cache": Recoveries()}
        self.dropped = {"late": 0}
        self.states: dict[str, SourceState] = {"sim": "running"}
        self.counts = Counts(
            traffic=self.traffic,
            tally=self.tally,
            sessions=self.sessions,
            topics=lambda: 7,
            recoveries=self.recoveries,
            trades_dropped=lambda: self.dropped,
            source_states=lambda: self.states,
            is_draining=lambda: True,
            keeper_failures=lambda: 2,
            is_kept=lambda: False,
            version="1.2.3",
        )
        self.registry = create_registry(self.counts)

    def scrape(self) -> dict[str, float]:
        """Return the samples of ours as Prometheus reads them."""
        text = generate_latest(self.registry).decode()
        return {
            sample.name + "".join(f",{name}={value}" for name, value in sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("tapecast_")
        }


def test_connections_are_told_by_channel_and_transport_closes_by_code_refusals_by_both() -> None:
    """And one that has ended is open no more."""
    it = Fixture()
    for _ in range(3):
        it.tally.opened("bars", "stock")
    it.tally.opened("orders", "stock")
    it.tally.closed("bars", "stock", "4001")
    it.tally.refused(429, "too_many_connections")
    it.tally.refused(429, "too_many_connections")
    told = it.scrape()
    assert told["tapecast_connections,channel=bars,transport=stock"] == 2
    assert told["tapecast_connections,channel=orders,transport=stock"] == 1
    assert told["tapecast_connections_accepted_total,channel=bars"] == 3
    assert told["tapecast_closes_total,code=4001"] == 1
    assert told["tapecast_refusals_total,code=too_many_connections,status=429"] == 2


async def test_frames_and_bytes_are_counted_where_they_pass() -> None:
    """Bytes are those of the payload in UTF-8; what is sent slowly counts too, and what is conflated is not sent."""
    it = Fixture()
    clock, turns = VirtualClock(), Turns()
    turns.flusher.traffic = it.traffic
    session, transport = new_session(clock, turns)
    session.send(b"12345")
    session.send(b"678")
    session.send_slowly([b"x" * 10, b"y"])
    turns.run()
    it.traffic.received("abc")
    it.traffic.received("é\ud800")
    transport.stalled = True
    session.send(b"last", key="a")
    turns.run()
    for _ in range(3):
        session.send(b"later", key="a")
    told = it.scrape()
    assert (told["tapecast_frames_sent_total"], told["tapecast_sent_bytes_total"]) == (4, 19)
    assert (told["tapecast_frames_received_total"], told["tapecast_received_bytes_total"]) == (2, 8)
    assert told["tapecast_frames_conflated_total"] == session.conflated == 3
    transport.stalled = False
    session.end("shutdown")
    told = it.scrape()
    assert (told["tapecast_frames_sent_total"], told["tapecast_sent_bytes_total"]) == (5, 24)
    assert len(transport.frames) == 5


async def test_outboxes_and_subscriptions_are_read_at_the_scrape() -> None:
    """Of the sessions that there are then."""
    it = Fixture()
    clock, turns = VirtualClock(), Turns()
    for size in range(200):
        session, transport = new_session(clock, turns)
        transport.stalled = True
        session.send(b"x" * size)
        it.sessions.add(session)
    told = it.scrape()
    assert told["tapecast_outbox_bytes"] == sum(range(200))
    assert told["tapecast_outbox_p99_bytes"] == 197
    assert told["tapecast_outbox_max_bytes"] == 199
    assert (told["tapecast_topics"], told["tapecast_subscriptions"]) == (7, 0)
    for session in it.sessions:
        it.sessions.discard(session)
    told = it.scrape()
    assert told["tapecast_outbox_bytes"] == told["tapecast_outbox_p99_bytes"] == told["tapecast_outbox_max_bytes"] == 0


def test_the_rest_is_told_as_it_is() -> None:
    """Resumes, gaps, drops, sources, the keeper, the version."""
    it = Fixture()
    it.recoveries["bars"].recovered = 4
    it.recoveries["cache"].lost = 3
    it.recoveries["cache"].gaps = 2
    it.dropped["late"] = 9
    it.states["sim"] = "failed"
    told = it.scrape()
    assert told["tapecast_resumes_total,recovered=true,socket=bars"] == 4
    assert told["tapecast_resumes_total,recovered=false,socket=cache"] == 3
    assert told["tapecast_gaps_total,socket=cache"] == 2
    assert told["tapecast_trades_dropped_total,reason=late"] == 9
    for state, wanted in (("starting", 0), ("running", 0), ("failed", 1), ("ended", 0)):
        assert told[f"tapecast_source_state,source=sim,state={state}"] == wanted
    assert (told["tapecast_keeper_failures_total"], told["tapecast_keeper_up"]) == (2, 0)
    assert (told["tapecast_draining"], told["tapecast_info,version=1.2.3"]) == (1, 1)


def test_turns_are_told_as_a_histogram() -> None:
    """Each class counts all that took no longer; the sum and the count are those of all."""
    it = Fixture()
    for seconds in (0.0, 0.00005, 0.00006, 0.003, 100.0):
        it.traffic.turn(seconds)
    told = it.scrape()
    name = "tapecast_event_to_write_seconds"
    assert told[f"{name}_count"] == told[f"{name}_bucket,le=+Inf"] == 5
    assert told[f"{name}_sum"] == pytest.approx(100.00311)
    assert told[f"{name}_bucket,le=5e-05"] == 2
    assert told[f"{name}_bucket,le=0.0001"] == told[f"{name}_bucket,le=0.0025"] == 3
    assert told[f"{name}_bucket,le=0.005"] == told[f"{name}_bucket,le=2.5"] == 4


def test_a_turn_lasts_from_its_first_frame_to_its_last_write() -> None:
    """By the clock that the flusher was given; a turn without a frame is none."""
    traffic, callbacks, times = Traffic(), list[Callable[[], None]](), iter((10.0, 10.5, 20.0, 20.25))
    flusher = Flusher(callbacks.append, None, traffic, lambda: next(times))
    session = Session(FakeTransport(), flusher, SessionLimits(), VirtualClock())
    for turn in (1, 2):
        session.send(b"x")
        session.send(b"y")
        callbacks.pop()()
        assert not callbacks
        assert sum(traffic.turns.counts) == turn
    assert traffic.turns.sum == 0.75


def test_classes_rise() -> None:
    """As a histogram's must."""
    assert list(TURN_BOUNDS_S) == sorted(set(TURN_BOUNDS_S))
    histogram = Histogram((1.0, 2.0))
    for seconds in (1.0, 1.5, 2.5):
        histogram.observe(seconds)
    assert histogram.counts == [1, 1, 1]


@pytest.mark.parametrize(("count", "wanted"), [(0, 0), (1, 0), (2, 1), (100, 98), (101, 99), (1000, 989)])
def test_a_quantile_is_one_of_the_values(count: int, wanted: int) -> None:
    """Nothing is made up between two."""
    assert quantile(range(count), 0.99) == wanted


def test_the_documentation_lists_every_metric_and_none_besides() -> None:
    """By name, type and labels."""
    it = Fixture()
    it.tally.opened("bars", "stock")
    it.tally.closed("bars", "stock", "1000")
    it.tally.refused(404, "unknown_address")
    told = set()
    for metric in GatewayCollector(it.counts).collect():
        labels = {name for sample in metric.samples for name in sample.labels} - {"le"}
        assert metric.samples, metric.name
        assert metric.documentation
        told.add((metric.name + "_total" * (metric.type == "counter"), metric.type, frozenset(labels)))
    rows = re.findall(r"^\| `(tapecast_\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$", DOCUMENTATION.read_text(), re.MULTILINE)
    documented = {(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows}
    assert documented == told
    assert len(rows) == len(documented)


def test_each_gateway_has_a_registry_of_its_own() -> None:
    """With the process's and Python's metrics beside ours."""
    one, other = Fixture(), Fixture()
    one.traffic.frames_in = 5
    assert other.scrape()["tapecast_frames_received_total"] == 0
    text = generate_latest(one.registry).decode()
    assert "process_resident_memory_bytes" in text
    assert "python_info" in text
