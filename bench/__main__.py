"""The bench's command: `python -m bench [--quick] [--servers ...] [--workloads ...]`. It says what is missing."""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.machine import describe
from bench.measure import BenchError, cores, run_task, workshop
from bench.plots import plot_all
from bench.report import report
from bench.results import LoadError, Result, Stalled, Table, medians, parse_line, write_results
from bench.workloads import SERVERS, TITLES, Plan, Server, full_plan, quick_plan

RESULTS = Path(__file__).parent / "results"


class Run:
    """What a run has found so far."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.results: list[Result] = []
        self.lines: list[dict[str, Any]] = []
        self.skipped: dict[str, str] = {}
        self.stalled: dict[str, Stalled] = {}

    def take(self, server: Server, workload: str, line: dict[str, Any]) -> Result:
        """Take a line of the load client. Raises LoadError."""
        result = parse_line(server.name, workload, line)
        self.results.append(result)
        self.lines.append({"server": server.name, "workload": workload} | line)
        if workload == "stalled":
            self.stalled[server.name] = Stalled(
                count=line["stalled"],
                closed=line["stalled_closed"],
                last_close_s=line["stalled_last_close_s"],
                gaps=line["gaps"],
                seconds=line["seconds"],
            )
        return result

    def histograms(self) -> dict[str, list[tuple[float, int]]]:
        """Return the last latencies at 50 messages a second, by server."""
        return {
            line["server"]: [(latency, count) for latency, count in line["histogram"]]
            for line in self.lines
            if line["workload"] == "rate"
        }


def say(text: str) -> None:
    """Print a line now."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def shown(result: Result) -> str:
    """Return a line about a result."""
    figures = {name: getattr(result, name) for name in ("cpu_s_per_million", "p50_ms", "p99_ms")}
    figures |= {name: getattr(result, name) for name in ("kb_per_connection", "connects_per_s")}
    found = "  ".join(f"{name} {value:.4g}" for name, value in figures.items() if value is not None)
    turn = f" x {result.messages_per_turn}" if result.messages_per_turn is not None else ""
    return f"  {result.server:18} {result.workload:9} {result.clients:5}{turn:5}  {found}"


def measure(plan: Plan, servers: Sequence[Server], workloads: frozenset[str]) -> Run:
    """Run the plan. What can't be had is left out, with its reason. Raises BenchError where nothing can."""
    run = Run()
    able: list[Server] = []
    for server in servers:
        reason = server.unavailable()
        if reason is None:
            able.append(server)
        else:
            run.skipped[server.title] = reason
            say(f"  {server.name}: skipped, {reason}")
    with workshop() as folder:
        for repeat in range(plan.repeats):
            if plan.repeats > 1:
                say(f"round {repeat + 1} of {plan.repeats}")
            for task in plan.tasks:
                if not workloads & {task.kind, *task.workloads}:
                    continue
                # Every server at the same work, one right after the other: the machine changes with time.
                for server in able:
                    if not task.fits(server):
                        continue
                    try:
                        for workload, line in zip(task.workloads, run_task(server, task, folder), strict=False):
                            say(shown(run.take(server, workload, line)))
                    except (BenchError, LoadError) as error:
                        run.skipped[f"{server.title}, {task.workloads[0]}, {task.clients} clients"] = str(error)
                        say(f"  {server.name}: {task.workloads[0]} with {task.clients} clients failed: {error}")
    return run


def write(run: Run, about: Sequence[str], titles: Mapping[str, str], folder: Path) -> Table:
    """Write the list, the tables, the load client's own lines and the plots."""
    folder.mkdir(parents=True, exist_ok=True)
    results = Table(medians(run.results))
    write_results(folder / "latest.json", results.results)
    (folder / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in run.lines))
    skipped = dict(run.skipped)
    try:
        plot_all(results, run.histograms(), titles, folder)
    except ModuleNotFoundError as error:
        skipped["plots"] = f"the Python package {error.name} is not installed (pip install '.[bench]')"
    text = report(results, about=about, titles=titles, skipped=skipped, stalled=run.stalled)
    (folder / "latest.md").write_text(text)
    return results


def main() -> None:
    """Measure, write, and print the bars."""
    names = [server.name for server in SERVERS]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under three minutes: 1000 clients, each thing once")
    parser.add_argument("--servers", nargs="+", choices=names, help="these alone")
    kinds = ["fanout", "rate", "topics", "stalled", "memory", "storm"]
    parser.add_argument("--workloads", nargs="+", choices=kinds, default=kinds, help="these alone")
    parser.add_argument("--repeats", type=int, help="how often each thing is measured; the median is told")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    plan = quick_plan() if options.quick else full_plan()
    if options.repeats:
        plan = Plan(plan.tasks, options.repeats)
    about = describe()
    server_core, client_core = cores()
    if server_core == client_core:
        about.append("There is one core: server and load client share it, so latencies are of no use.")
    began = time.monotonic()
    servers = [server for server in SERVERS if server.name in (options.servers or names)]
    if options.quick and not options.servers:
        servers = [server for server in servers if server.quick]
    try:
        run = measure(plan, servers, frozenset(options.workloads))
    except BenchError as error:
        sys.exit(f"bench: {error}")
    minutes = (time.monotonic() - began) / 60
    kind = "quick" if options.quick else "whole"
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    about.append(f"Run: {kind}, {plan.repeats} x, {minutes:.1f} minutes, ended {when}")
    if not run.results:
        sys.exit("bench: nothing could be measured; the lines above say why.")
    write(run, about, TITLES, options.results)
    say(f"\n{options.results}/latest.md, latest.json and the plots are written ({minutes:.1f} minutes).")


if __name__ == "__main__":
    main()
