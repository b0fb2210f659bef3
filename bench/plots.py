"""Plots: a run's figures as PNG and SVG. The colours are Okabe and Ito's, which the colour-blind can tell apart.

Without matplotlib there are none.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report import number
from bench.results import OURS, OURS_ASYNCIO, OURS_STOCK, STORM_TITLES, C, Result, Table

OURS_COLOUR, OTHER_COLOUR, LIMIT_COLOUR = "#D55E00", "#0072B2", "#555555"
STYLES: Mapping[str, tuple[str, str, str]] = {
    "c": ("#555555", "s", "--"),
    "uwebsockets": ("#0072B2", "^", "-"),
    "picows": ("#009E73", "D", "-."),
    "nchan": ("#56B4E9", "v", ":"),
    "websockets": ("#CC79A7", "P", "--"),
    "fastapi-text": ("#E69F00", "X", "-."),
    "fastapi-naive": ("#000000", "<", ":"),
    OURS: (OURS_COLOUR, "o", "-"),
    OURS_ASYNCIO: (OURS_COLOUR, "o", ":"),
    OURS_STOCK: (OURS_COLOUR, "*", "--"),
}
"""Colour, marker and line of each server: the same in every plot, and no two of them by colour alone."""
OTHER_STYLE = ("#7F4FA8", ">", "-")
Histogram = Sequence[tuple[float, int]]


def pyplot() -> Any:
    """Return matplotlib's pyplot with a backend for files. ModuleNotFoundError: it is not installed."""
    importlib.import_module("matplotlib").use("Agg")
    found: Any = importlib.import_module("matplotlib.pyplot")
    found.rcParams.update(
        {
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "svg.hashsalt": "tapecast",
        }
    )
    return found


def colour(server: str) -> str:
    """Return a bar's colour: ours, the limit, or another's."""
    if server in (OURS, OURS_ASYNCIO, OURS_STOCK):
        return OURS_COLOUR
    return LIMIT_COLOUR if server == C else OTHER_COLOUR


def save(figure: Any, folder: Path, name: str) -> None:
    """Write the figure as PNG and SVG."""
    figure.savefig(folder / f"{name}.png", dpi=140, bbox_inches="tight")
    figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})


def use_log(axes: Any, axis: str) -> None:
    """Make an axis logarithmic, with plain numbers at 1, 2 and 5."""
    ticker: Any = importlib.import_module("matplotlib.ticker")
    getattr(axes, f"set_{axis}scale")("log")
    chosen = getattr(axes, f"{axis}axis")
    chosen.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    chosen.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    chosen.set_minor_locator(ticker.NullLocator())


def bars_of(axes: Any, rows: Sequence[tuple[str, str, float]], label: str) -> None:
    """Draw a bar for each (server, title, value), in their order, with its value at its end."""
    axes.barh(range(len(rows)), [row[2] for row in rows], color=[colour(row[0]) for row in rows], height=0.7)
    axes.set_xlim(0, max(row[2] for row in rows) * 1.15)
    label_rows(axes, rows, label)


def points_of(axes: Any, rows: Sequence[tuple[str, str, float]], label: str) -> None:
    """Draw a point for each (server, title, value) on a logarithmic axis, which has no zero for a bar to stand on."""
    values = [row[2] for row in rows]
    use_log(axes, "x")
    axes.set_xlim(min(values) / 1.5, max(values) * 2.2)
    for place, (server, _, value) in enumerate(rows):
        axes.plot([min(values) / 1.5, value], [place, place], color=colour(server), alpha=0.35, linewidth=2)
        axes.scatter([value], [place], color=colour(server), marker=STYLES.get(server, OTHER_STYLE)[1], s=60, zorder=3)
    label_rows(axes, rows, label)


def label_rows(axes: Any, rows: Sequence[tuple[str, str, float]], label: str) -> None:
    """Write each row's title before it and its value behind it."""
    axes.set_yticks(range(len(rows)), [row[1] for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(label)
    for place, row in enumerate(rows):
        axes.annotate(
            number(row[2]), (row[2], place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.grid(axis="x", alpha=0.3)


def rows_of(found: Sequence[Result], figure: str, titles: Mapping[str, str]) -> list[tuple[str, str, float]]:
    """Return the servers that have the figure, least first."""
    rows = [(each.server, titles.get(each.server, each.server), getattr(each, figure)) for each in found]
    return sorted((row for row in rows if row[2]), key=lambda row: row[2])


def plot_fanout(plt: Any, results: Table, titles: Mapping[str, str], folder: Path) -> None:
    """Draw the server's CPU seconds at 1000 clients, for 1, 8 and 32 messages a turn."""
    figure, panels = plt.subplots(1, 3, figsize=(16, 4.2))
    for axes, messages in zip(panels, (1, 8, 32), strict=True):
        found = [each for each in results.results if each.key[1:] == ("fanout", 1000, messages)]
        rows = rows_of(found, "cpu_s_per_million", titles)
        if rows:
            points_of(axes, rows, "server CPU seconds for a million deliveries (log)")
        axes.set_title(f"{messages} message{'' if messages == 1 else 's'} a turn")
    figure.suptitle("Fan-out to 1000 clients: less is better")
    figure.tight_layout()
    save(figure, folder, "fanout")
    plt.close(figure)


def plot_scaling(plt: Any, results: Table, titles: Mapping[str, str], folder: Path) -> bool:
    """Draw the CPU seconds over the number of clients, at one message a turn; False where there is but one number."""
    found = [each for each in results.results if each.workload == "fanout" and each.messages_per_turn == 1]
    sizes = sorted({each.clients for each in found})
    if len(sizes) < 2:
        return False
    figure, axes = plt.subplots(figsize=(9, 5))
    for server in dict.fromkeys(each.server for each in found):
        style = STYLES.get(server, OTHER_STYLE)
        points = sorted((each.clients, each.cpu_s_per_million) for each in found if each.server == server)
        axes.plot(
            [clients for clients, _ in points],
            [value for _, value in points],
            color=style[0],
            marker=style[1],
            linestyle=style[2],
            linewidth=2.5 if server == OURS else 1.3,
            label=titles.get(server, server),
        )
    axes.set_xscale("log")
    use_log(axes, "y")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    axes.set_xlabel("clients")
    axes.set_ylabel("server CPU seconds for a million deliveries (log)")
    axes.set_title("One message a turn: less is better")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, folder, "clients")
    plt.close(figure)
    return True


def plot_latency(plt: Any, histograms: Mapping[str, Histogram], titles: Mapping[str, str], folder: Path) -> None:
    """Draw each server's latencies at 50 messages a second as the share of messages that took longer."""
    figure, axes = plt.subplots(figsize=(9, 5))
    for server, histogram in histograms.items():
        latencies, shares = exceeding(histogram)
        style = STYLES.get(server, OTHER_STYLE)
        axes.step(
            latencies,
            shares,
            where="post",
            color=style[0],
            linestyle=style[2],
            linewidth=2.5 if server == OURS else 1.3,
            label=titles.get(server, server),
        )
    use_log(axes, "x")
    axes.set_yscale("log")
    axes.set_ylim(0.001, 1.05)
    axes.set_yticks([1, 0.5, 0.1, 0.01, 0.001], ["all", "50 %", "10 % (p90)", "1 % (p99)", "0.1 %"])
    axes.tick_params(axis="y", which="minor", left=False)
    axes.set_xlim(left=min(median_of(histogram) for histogram in histograms.values()) / 20)
    axes.set_xlabel("milliseconds from the message's making to the client (log)")
    axes.set_ylabel("deliveries that took longer")
    axes.set_title("1000 clients, 50 messages a second: further left is better")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, folder, "latency")
    plt.close(figure)


def exceeding(histogram: Histogram) -> tuple[list[float], list[float]]:
    """Return the latencies, and for each the share of deliveries that took longer."""
    total = sum(count for _, count in histogram)
    latencies: list[float] = []
    shares: list[float] = []
    left = total
    for latency, count in histogram:
        left -= count
        latencies.append(latency)
        shares.append(left / total)
    return latencies, shares


def median_of(histogram: Histogram) -> float:
    """Return the latency that half of the deliveries took at least."""
    latencies, shares = exceeding(histogram)
    return next(latency for latency, share in zip(latencies, shares, strict=True) if share <= 0.5)


def plot_pairs(plt: Any, results: Table, titles: Mapping[str, str], folder: Path) -> None:
    """Draw the others' p99 without and with stalled clients."""
    found = [each for each in results.results if each.workload == "stalled" and each.p99_ms]
    pairs = [(each, results.find(each.server, "unstalled", each.clients, each.messages_per_turn)) for each in found]
    both = [(each, before) for each, before in pairs if before is not None and before.p99_ms]
    if not both:
        return
    figure, axes = plt.subplots(figsize=(9, 0.8 + 0.6 * len(both)))
    for place, (after, before) in enumerate(both):
        axes.plot([before.p99_ms, after.p99_ms], [place, place], color="#999999", linewidth=2, zorder=1)
        axes.scatter([before.p99_ms], [place], color=OTHER_COLOUR, marker="o", s=60, zorder=2)
        axes.scatter([after.p99_ms], [place], color=OURS_COLOUR, marker="D", s=60, zorder=3)
    axes.scatter([], [], color=OTHER_COLOUR, marker="o", label="every client reads")
    axes.scatter([], [], color=OURS_COLOUR, marker="D", label="1 in 100 does not")
    axes.set_yticks(range(len(both)), [titles.get(each.server, each.server) for each, _ in both])
    axes.set_ylim(len(both) - 0.5, -0.5)
    use_log(axes, "x")
    axes.set_xlabel("p99 of the clients that read, ms (log)")
    axes.set_title("What stalled clients cost the others")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, folder, "stalled")
    plt.close(figure)


def plot_single(
    plt: Any,
    results: Table,
    titles: Mapping[str, str],
    folder: Path,
    *,
    workload: str,
    figure: str,
    label: str,
    name: str,
) -> None:
    """Draw one figure of one workload."""
    rows = rows_of([each for each in results.results if each.workload == workload], figure, titles)
    if figure == "connects_per_s":
        rows.reverse()  # the best first, here too
    if not rows:
        return
    drawn, axes = plt.subplots(figsize=(8, 0.9 + 0.4 * len(rows)))
    bars_of(axes, rows, label)
    save(drawn, folder, name)
    plt.close(drawn)


def plot_all(results: Table, histograms: Mapping[str, Histogram], titles: Mapping[str, str], folder: Path) -> None:
    """Write every plot that the results have figures for. ModuleNotFoundError: matplotlib is not installed."""
    plt = pyplot()
    if any(each.workload == "fanout" and each.clients == 1000 for each in results.results):
        plot_fanout(plt, results, titles, folder)
    plot_scaling(plt, results, titles, folder)
    if histograms:
        plot_latency(plt, histograms, titles, folder)
    plot_pairs(plt, results, titles, folder)
    plot_single(
        plt,
        results,
        titles,
        folder,
        workload="memory",
        figure="kb_per_connection",
        label="kB an idle connection with one subscription: less is better",
        name="memory",
    )
    plot_single(
        plt,
        results,
        {**titles, **STORM_TITLES},
        folder,
        workload="storm",
        figure="connects_per_s",
        label="connections a second (connect, token, subscribe, answer): more is better",
        name="storm",
    )
    plot_single(
        plt,
        results,
        titles,
        folder,
        workload="topics",
        figure="p99_ms",
        label="p99, ms: 1000 clients with 10 of 500 topics each: less is better",
        name="topics",
    )
