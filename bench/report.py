"""Report: a run's figures as Markdown. It measures nothing and judges by `results.bars` alone."""

from collections.abc import Mapping, Sequence

from bench.results import NAIVE, OURS, OURS_ASYNCIO, STORM_TITLES, UWS, Bar, C, Result, Stalled, Table, bars

NOTHING = "-"
WANTED: Mapping[str, float] = {"rate": 50_000, "topics": 100_000}
"""Deliveries a second of the workloads that have a rate."""


def number(value: float | None, digits: int = 3) -> str:
    """Return the value with so many significant digits, in plain notation; a dash for none."""
    if value is None:
        return NOTHING
    if value == float("inf"):
        return "never"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    shown = f"{value:.{digits}g}"
    return f"{value:.{digits + 3}f}".rstrip("0") if "e" in shown else shown


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table, whose first column is text."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def fanout_table(results: Table, clients: int, messages: int, titles: Mapping[str, str]) -> list[str]:
    """Return the servers of one fan-out, fastest first, in relation to the limit, to naive and to uWebSockets."""
    found = [
        each for each in results.results if each.key[1:] == ("fanout", clients, messages) and each.cpu_s_per_million
    ]
    rows = []
    for each in sorted(found, key=lambda each: each.cpu_s_per_million or 0):

        def times(other: str, each: Result = each) -> float | None:
            return results.ratio("cpu_s_per_million", other, each.server, "fanout", clients, messages)

        share = times(C)
        rows.append(
            [
                titles.get(each.server, each.server),
                number(each.cpu_s_per_million),
                number(1e6 / each.cpu_s_per_million if each.cpu_s_per_million else None),
                number(each.deliveries_per_s),
                number(times(NAIVE)),
                number(times(UWS)),
                NOTHING if share is None else f"{share:.0%}",
            ]
        )
    head = ["server", "s/M", "deliveries/s a core", "deliveries/s seen", "x naive", "x uWebSockets", "share of C"]
    return table(head, rows)


def latency_table(results: Table, workload: str, titles: Mapping[str, str]) -> list[str]:
    """Return the latencies of one workload, best first."""
    found = [each for each in results.results if each.workload == workload and each.p99_ms is not None]
    rows = [
        [
            titles.get(each.server, each.server),
            number(each.p50_ms),
            number(each.p99_ms),
            number(results.ratio("p99_ms", each.server, C, workload, each.clients, each.messages_per_turn)),
            kept_up(each),
            number(each.cpu_s_per_million),
        ]
        for each in sorted(found, key=lambda each: each.p99_ms or 0)
    ]
    return table(["server", "p50 ms", "p99 ms", "p99 by C's", "delivered in time", "s/M"], rows)


def kept_up(result: Result) -> str:
    """Return which share of the workload's rate the server delivered: less than all, and its latencies flatter it."""
    if result.deliveries_per_s is None or result.workload not in WANTED:
        return NOTHING
    return f"{min(result.deliveries_per_s / WANTED[result.workload], 1):.0%}"


def stalled_table(results: Table, titles: Mapping[str, str], details: Mapping[str, Stalled]) -> list[str]:
    """Return what stalled clients cost the others."""
    rows = []
    for each in results.results:
        if each.workload != "stalled":
            continue
        without = results.find(each.server, "unstalled", each.clients, each.messages_per_turn)
        seen = details.get(each.server)
        rows.append(
            [
                titles.get(each.server, each.server),
                number(None if without is None else without.p99_ms),
                number(each.p99_ms),
                number(results_ratio(each, without)),
                NOTHING if seen is None else f"{seen.closed} of {seen.count}",
                NOTHING if seen is None or not seen.closed else number(seen.last_close_s),
            ]
        )
    head = ["server", "p99 ms without", "p99 ms with", "with / without", "stalled that were closed", "the last after s"]
    return table(head, rows)


def results_ratio(above: Result, below: Result | None) -> float | None:
    """Return the quotient of two p99."""
    return None if below is None or not below.p99_ms or above.p99_ms is None else above.p99_ms / below.p99_ms


def how_far(distance: float) -> str:
    """Return a distance as a share of the bar, or as a multiple of it."""
    return f"{distance:.0%} off" if distance < 1 else f"{distance + 1:,.1f} times the bar"


def bars_table(found: Sequence[Bar]) -> list[str]:
    """Return each bar with what was measured, and whether it is met or how far it is."""
    rows = []
    for bar in found:
        bound = f"≥ {number(bar.least)}" if bar.least is not None else f"≤ {number(bar.most)}"
        if bar.is_met is None:
            verdict = "not measured in this run"
        elif bar.is_met:
            verdict = "met"
        elif bar.distance == float("inf"):
            verdict = "not met"
        else:
            verdict = f"not met: {how_far(bar.distance or 0)}"
        measured = NOTHING if bar.value is None else f"{number(bar.value)} {bar.unit}".strip()
        rows.append([bar.what, f"{bound} {bar.unit}".strip(), measured, verdict])
    return table(["bar", "wanted", "measured", ""], rows)


def report(
    results: Table,
    *,
    about: Sequence[str],
    titles: Mapping[str, str],
    skipped: Mapping[str, str],
    stalled: Mapping[str, Stalled],
) -> str:
    """Return the whole text. `skipped`: why a server, or one of its workloads, is not in it."""
    lines = ["# Results of `make bench`", "", *(f"- {line}" for line in about), ""]
    on_asyncio = bars(results, OURS_ASYNCIO, stalled.get(OURS_ASYNCIO))
    lines += [
        "`s/M` are the server's CPU seconds for a million deliveries: less is better. Ratios hold within this run",
        "alone. What is measured, and how to read it: [docs/benchmarks.md](../../docs/benchmarks.md).",
        "",
        "## The bars",
        "",
        *bars_table(bars(results, OURS, stalled.get(OURS))),
        "",
        "The same on asyncio's own event loop, which is held to none of them:",
        "",
        *bars_table([bar for bar in on_asyncio if bar.value is not None]),
        "",
    ]
    fanouts = sorted(
        {(each.clients, each.messages_per_turn or 0) for each in results.results if each.workload == "fanout"}
    )
    for clients, messages in fanouts:
        each = "message" if messages == 1 else "messages"
        lines += [f"## Fan-out: {clients} clients, {messages} {each} a turn", ""]
        lines += [*fanout_table(results, clients, messages, titles), ""]
    lines += ["## Latency: 1000 clients, 50 messages a second", "", *latency_table(results, "rate", titles), ""]
    lines += [
        "## Latency: 1000 clients with 10 of 500 topics each, each topic at 10 messages a second",
        "",
        *latency_table(results, "topics", titles),
        "",
        "## One client in a hundred stalls",
        "",
        *stalled_table(results, titles, stalled),
        "",
        "## Memory of an idle connection with one subscription",
        "",
    ]
    idle = [each for each in results.results if each.workload == "memory"]
    rows = [
        [titles.get(each.server, each.server), f"{each.clients:,}", number(each.kb_per_connection)] for each in idle
    ]
    lines += [*table(["server", "connections", "kB a connection"], rows), ""]
    lines += ["## Connections a second: connect, token, subscribe, first answer", ""]
    came = [each for each in results.results if each.workload == "storm"]
    rows = [
        [
            STORM_TITLES.get(each.server, titles.get(each.server, each.server)),
            number(each.connects_per_s),
            number(each.cpu_s_per_million),
            number(each.p50_ms),
            number(each.p99_ms),
        ]
        for each in came
    ]
    lines += [*table(["server", "connections/s", "CPU µs each", "p50 ms", "p99 ms"], rows), ""]
    if skipped:
        lines += ["## Not measured", "", *(f"- {name}: {reason}" for name, reason in skipped.items()), ""]
    return "\n".join(lines)
