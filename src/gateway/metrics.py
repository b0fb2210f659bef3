"""Metrics: the process's counts as Prometheus wants them told. It never changes a count, and never sees a frame.

The counts are plain integers of whoever counts. They are read when somebody asks, and only then.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import get_args

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from gateway.supervisor import SourceState
from gateway.tally import Tally
from streaming.session import Sessions
from streaming.traffic import Histogram, Recoveries, Traffic

P99 = 0.99
Value = tuple[Sequence[str], float]
"""The labels' values, and the metric's."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the counts are. What is a function is asked at each scrape."""

    traffic: Traffic
    tally: Tally
    sessions: Sessions
    topics: Callable[[], int]
    recoveries: Mapping[str, Recoveries]
    """By the kind of socket."""
    trades_dropped: Callable[[], Mapping[str, int]]
    """By reason."""
    source_states: Callable[[], Mapping[str, SourceState]]
    is_draining: Callable[[], bool]
    keeper_failures: Callable[[], int] = lambda: 0
    is_kept: Callable[[], bool] = lambda: True
    version: str = ""


class GatewayCollector(Collector):
    """Reads the counts at each scrape."""

    def __init__(self, counts: Counts) -> None:
        """Read these."""
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Return every metric with its present values."""
        yield from self._connections()
        yield from self._traffic()
        yield from self._outboxes()
        yield from self._market()

    def _connections(self) -> Iterator[Metric]:
        tally = self._counts.tally
        yield _gauge("connections", "WebSockets that are open.", ("channel", "transport"), tally.open.items())
        yield _counter(
            "connections_accepted",
            "WebSockets that were accepted.",
            ("channel",),
            [((key,), count) for key, count in tally.accepted.items()],
        )
        yield _counter(
            "closes",
            "WebSockets that ended, by close code. 1005: none was given; 1006: no close frame came.",
            ("code",),
            [((key,), count) for key, count in tally.closes.items()],
        )
        yield _counter(
            "refusals",
            "Handshakes that were refused.",
            ("status", "code"),
            [((str(status), code), count) for (status, code), count in tally.refusals.items()],
        )

    def _traffic(self) -> Iterator[Metric]:
        traffic = self._counts.traffic
        yield _plain_counter("frames_received", "Text frames of clients.", traffic.frames_in)
        yield _plain_counter("received_bytes", "Their payloads.", traffic.bytes_in)
        yield _plain_counter("frames_sent", "Text frames handed to clients' connections.", traffic.frames_out)
        yield _plain_counter("sent_bytes", "Their payloads.", traffic.bytes_out)
        yield _plain_counter(
            "frames_conflated", "Frames that a newer one replaced before they were sent.", traffic.conflated
        )
        yield _histogram(
            "event_to_write_seconds",
            "From the first frame of a turn of the event loop until all writes of that turn are done.",
            traffic.turns,
        )

    def _outboxes(self) -> Iterator[Metric]:
        sizes: list[int] = []
        subscriptions = 0
        for session in self._counts.sessions:
            sizes.append(session.unsent)
            subscriptions += len(session.subscriptions)
        sizes.sort()
        yield _plain_gauge("subscriptions", "Subscriptions of all connections.", subscriptions)
        yield _plain_gauge("topics", "Streams that are subscribed to, by spelling.", self._counts.topics())
        yield _plain_gauge("outbox_bytes", "Frames in all outboxes.", sum(sizes))
        yield _plain_gauge("outbox_p99_bytes", "The 99th percentile of the outboxes.", quantile(sizes, P99))
        yield _plain_gauge("outbox_max_bytes", "The fullest outbox.", sizes[-1] if sizes else 0)

    def _market(self) -> Iterator[Metric]:
        counts = self._counts
        resumes: list[Value] = []
        for kind, recoveries in counts.recoveries.items():
            resumes += (((kind, "true"), recoveries.recovered), ((kind, "false"), recoveries.lost))
        yield _counter("resumes", "Streams that were gone on with.", ("socket", "recovered"), resumes)
        gaps = [((kind,), recoveries.gaps) for kind, recoveries in counts.recoveries.items()]
        yield _counter("gaps", "Frames that told of what can't be had any more.", ("socket",), gaps)
        dropped = [((reason,), count) for reason, count in counts.trades_dropped().items()]
        yield _counter("trades_dropped", "Trades that were not counted.", ("reason",), dropped)
        states = [
            ((name, state), int(state == now))
            for name, now in counts.source_states().items()
            for state in get_args(SourceState)
        ]
        yield _gauge("source_state", "1 for the state that a source is in.", ("source", "state"), states)
        yield _plain_counter("keeper_failures", "How often the state could not be kept.", counts.keeper_failures())
        yield _plain_gauge("keeper_up", "1 unless the state can't be kept now.", int(counts.is_kept()))
        yield _plain_gauge("draining", "1 while the server shuts down.", int(counts.is_draining()))
        yield _gauge("info", "1; the server's version.", ("version",), [((counts.version,), 1)])


def quantile(ordered: Sequence[int], share: float) -> int:
    """Return the least value that at least such a share of the values does not exceed; they rise. 0: there is none."""
    return ordered[math.ceil(len(ordered) * share) - 1] if ordered else 0


def create_registry(counts: Counts) -> CollectorRegistry:
    """Return a registry of our metrics, the process's and Python's."""
    registry = CollectorRegistry()
    registry.register(GatewayCollector(counts))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def create_metrics_router(registry: CollectorRegistry) -> APIRouter:
    """Return the route `/metrics`."""
    router = APIRouter(tags=["health"])

    class Exposition(Response):
        media_type = CONTENT_TYPE_PLAIN_0_0_4

    @router.get(
        "/metrics",
        summary="Counts for Prometheus",
        description="In Prometheus' text format. docs/operations.md says what each means.",
        response_class=Exposition,
    )
    async def metrics() -> Exposition:
        # On the event loop, where nothing changes meanwhile.
        return Exposition(generate_latest(registry))

    return router


def _name(name: str) -> str:
    return f"tapecast_{name}"


def _plain_gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(_name(name), text, value=value)


def _plain_counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(_name(name), text, value=value)


def _gauge(name: str, text: str, labels: Sequence[str], values: Iterable[Value]) -> Metric:
    family = GaugeMetricFamily(_name(name), text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, labels: Sequence[str], values: Iterable[Value]) -> Metric:
    family = CounterMetricFamily(_name(name), text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    limits = [*map(str, histogram.bounds), "+Inf"]
    buckets = list(zip(limits, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(_name(name), text, buckets=buckets, sum_value=histogram.sum)
