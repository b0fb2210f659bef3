"""Results: the figures of a run, their medians, their ratios, and the bars they are held to. It runs nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal

C, NAIVE, TEXT, UWS = "c", "fastapi-naive", "fastapi-text", "uwebsockets"
OURS, OURS_ASYNCIO, OURS_STOCK = "tapecast", "tapecast-asyncio", "tapecast-stock"

STORM_TITLES = {NAIVE: "plain FastAPI route with PyJWT"}
"""What a server is at the connection storm, where that is another thing."""

Figure = Literal["cpu_s_per_million", "deliveries_per_s", "p50_ms", "p99_ms", "kb_per_connection", "connects_per_s"]


@dataclass(frozen=True, slots=True)
class Result:
    """One server at one workload. Scripts read these names: they don't change. None: it does not apply.

    `cpu_s_per_million`: the server's CPU seconds for a million deliveries; at the connection storm for a million
    connections, which is microseconds for one. `deliveries_per_s`: by the wall clock.
    """

    server: str
    workload: str
    clients: int
    messages_per_turn: int | None = None
    cpu_s_per_million: float | None = None
    deliveries_per_s: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    kb_per_connection: float | None = None
    connects_per_s: float | None = None

    @property
    def key(self) -> tuple[str, str, int, int | None]:
        """What was measured."""
        return self.server, self.workload, self.clients, self.messages_per_turn


FIGURES = tuple(field.name for field in fields(Result))[4:]


class LoadError(Exception):
    """The load client's line says that the run failed."""


def parse_line(server: str, workload: str, line: Mapping[str, Any]) -> Result:
    """Return the result of one line of the load client. LoadError: it tells of a failure, or that clients were lost."""
    if "error" in line:
        raise LoadError(f"{line['error']} ({line.get('opened', 0)} opened, {line.get('failed', 0)} failed)")
    kind, _, rest = str(line["phase"]).partition(":")
    if kind == "storm":
        if not line["connects"]:
            raise LoadError("no connection got as far as its first frame")
        return Result(
            server,
            workload,
            clients=1,
            cpu_s_per_million=positive(line["cpu_us_per_connect"]),
            p50_ms=positive(line["p50_ms"]),
            p99_ms=positive(line["p99_ms"]),
            connects_per_s=line["connects_per_s"],
        )
    clients = int(line["clients"])
    if line["failed"]:
        raise LoadError(f"{line['failed']} of {clients} connections could not be had")
    if kind == "memory":
        return Result(server, workload, clients, kb_per_connection=line["kb_per_connection"])
    if line["lost"]:
        raise LoadError(f"the server closed {line['lost']} of {clients} connections")
    if not line["frames"]:
        raise LoadError("no frame came")
    return Result(
        server,
        workload,
        clients,
        messages_per_turn=int(rest.split(":")[0]),
        cpu_s_per_million=positive(line["cpu_s_per_million"]),
        deliveries_per_s=line["deliveries_per_s"],
        p50_ms=positive(line["p50_ms"]),
        p99_ms=positive(line["p99_ms"]),
    )


def positive(value: float) -> float | None:
    """Return what was measured; the load client writes -1 where nothing was."""
    return None if value < 0 else value


def medians(results: Iterable[Result]) -> list[Result]:
    """Return one result for each thing that was measured, in the order of the first: each figure is a median."""
    groups: dict[tuple[str, str, int, int | None], list[Result]] = {}
    for result in results:
        groups.setdefault(result.key, []).append(result)
    merged: list[Result] = []
    for group in groups.values():
        figures: dict[str, Any] = {}
        for name in FIGURES:
            values = [value for value in (getattr(each, name) for each in group) if value is not None]
            figures[name] = median(values) if values else None
        merged.append(replace(group[0], **figures))
    return merged


def write_results(path: Path, results: Sequence[Result]) -> None:
    """Write the list that scripts read, a result a line."""
    lines = ",\n  ".join(json.dumps(asdict(rounded(result))) for result in results)
    path.write_text(f"[\n  {lines}\n]\n" if results else "[]\n")


def rounded(result: Result) -> Result:
    """Return the result with four significant digits, which is more than it holds."""
    figures: dict[str, Any] = {name: getattr(result, name) for name in FIGURES}
    shown: dict[str, Any] = {name: None if value is None else float(f"{value:.4g}") for name, value in figures.items()}
    return replace(result, **shown)


def read_results(path: Path) -> list[Result]:
    """Return the results of a file that `write_results` wrote."""
    return [Result(**entry) for entry in json.loads(path.read_text())]


class Table:
    """Results, to be looked up and set in relation."""

    def __init__(self, results: Iterable[Result]) -> None:
        """Take medians."""
        self.results = list(results)
        self._by_key = {result.key: result for result in self.results}

    def find(self, server: str, workload: str, clients: int, messages: int | None = None) -> Result | None:
        """Return what was measured, None where nothing was."""
        return self._by_key.get((server, workload, clients, messages))

    def value(
        self, figure: Figure, server: str, workload: str, clients: int, messages: int | None = None
    ) -> float | None:
        """Return one figure, None where it was not measured."""
        found = self.find(server, workload, clients, messages)
        value: float | None = None if found is None else getattr(found, figure)
        return value

    def ratio(
        self, figure: Figure, above: str, below: str, workload: str, clients: int, messages: int | None = None
    ) -> float | None:
        """Return a figure of `above` by that of `below`, None where one of them was not measured."""
        return divide(
            self.value(figure, above, workload, clients, messages),
            self.value(figure, below, workload, clients, messages),
        )


def divide(above: float | None, below: float | None) -> float | None:
    """Return the quotient, None where there is none."""
    return None if above is None or not below else above / below


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar to reach: a measured value, what it must be at least or at most, and what it is."""

    what: str
    value: float | None
    least: float | None = None
    most: float | None = None
    unit: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether it is met; None where it was not measured."""
        if self.value is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def distance(self) -> float | None:
        """How far the value is from the bar, as a share of the bar: 0.1 is a tenth short. None where it is met."""
        if self.value is None or self.is_met:
            return None
        bound = self.least if self.least is not None and self.value < self.least else self.most
        return None if not bound else abs(self.value - bound) / bound


@dataclass(frozen=True, slots=True)
class Stalled:
    """What became of the clients that did not read; `gaps` are the holes in what the others were sent."""

    count: int
    closed: int
    last_close_s: float
    gaps: int
    seconds: float

    @property
    def all_closed_s(self) -> float | None:
        """When the last one was closed, in seconds since they stalled; infinite where one was not; None: too short."""
        if self.closed == self.count:
            return self.last_close_s
        return float("inf") if self.seconds > 10 else None


def bars(table: Table, server: str = OURS, stalled: Stalled | None = None) -> list[Bar]:
    """Return every bar that this bench can measure, for one of our servers."""

    def cpu(other: str, clients: int, messages: int) -> float | None:
        return table.ratio("cpu_s_per_million", other, server, "fanout", clients, messages)

    found = [
        Bar("1000 clients, 1 message a turn: share of C", cpu(C, 1000, 1), least=0.72),
        Bar("1000 clients, 1 message a turn: times naive FastAPI", cpu(NAIVE, 1000, 1), least=6),
        Bar("1000 clients, 1 message a turn: times uWebSockets", cpu(UWS, 1000, 1), least=0.95),
        Bar("5000 clients, 1 message a turn: share of C", cpu(C, 5000, 1), least=0.60),
        Bar("5000 clients, 1 message a turn: times uWebSockets", cpu(UWS, 5000, 1), least=1),
    ]
    for messages in (8, 32):
        found.append(Bar(f"1000 clients, {messages} messages a turn: share of C", cpu(C, 1000, messages), least=0.75))
        found.append(
            Bar(f"1000 clients, {messages} messages a turn: times uWebSockets", cpu(UWS, 1000, messages), least=1)
        )
    with_stalled = table.value("p99_ms", server, "stalled", 1000, 1)
    found += [
        Bar("1000 clients, 50 messages/s: p99 by C's", table.ratio("p99_ms", server, C, "rate", 1000, 1), most=1.35),
        Bar("10 of 500 topics: p99", table.value("p99_ms", server, "topics", 1000, 1), most=0.3, unit="ms"),
        Bar(
            "10 of 500 topics: p99 by FastAPI's with shared text",
            table.ratio("p99_ms", server, TEXT, "topics", 1000, 1),
            most=1 / 3,
        ),
        Bar("memory of an idle connection", memory(table, server), most=4, unit="kB"),
        Bar(
            "connect, token, subscribe, ack: times plain FastAPI",
            table.ratio("connects_per_s", server, NAIVE, "storm", 1),
            least=2.2,
        ),
        Bar(
            "1 client in 100 stalled: the others' p99 by that without",
            divide(with_stalled, table.value("p99_ms", server, "unstalled", 1000, 1)),
            most=1.2,
        ),
        Bar("the stalled are closed after", None if stalled is None else stalled.all_closed_s, most=10, unit="s"),
        Bar(
            "holes in the lossless frames of the others",
            None if stalled is None else stalled.gaps,
            most=0,
        ),
    ]
    return found


def memory(table: Table, server: str) -> float | None:
    """Return kB a connection, at the greatest number of connections that was measured."""
    found = [each for each in table.results if each.server == server and each.workload == "memory"]
    return max(found, key=lambda each: each.clients).kb_per_connection if found else None
