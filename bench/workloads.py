"""Workloads: which servers there are, and what is measured of each. It runs nothing."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.messages import TOPICS
from bench.results import NAIVE, OURS, OURS_ASYNCIO, OURS_STOCK, TEXT, UWS, C
from bench.tokens import SECRET
from gateway.settings import PREFIX, Settings

Kind = Literal["fanout", "topics", "stalled", "memory", "storm"]

BARS = '{"type":"bars.subscribe","payload":{"symbol":"bench:T%d","resolution":"1"}}'
BEARER = "Authorization: Bearer %t\\r\\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """How the load client comes in: an address, a subscription that is answered (or none), a header."""

    path: str
    subscription: str | None = None
    header: str | None = None


PEER = Entry("/ws", '{"topic":"%d"}')
OUR_TRADES = Entry("/api/v1/cache/ws/trades/bench/T000", header=BEARER)
OUR_BARS = Entry("/api/v1/ws", BARS, BEARER)


@dataclass(frozen=True, slots=True)
class Server:
    """One server: its name in the results, its title in tables, its program's arguments, where each workload comes in.

    `needs` are Python packages. `program`: the compiled one of this name in place of a module.
    """

    name: str
    title: str
    arguments: tuple[str, ...]
    entries: Mapping[Kind, Entry]
    needs: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    module: bool = True
    quick: bool = True
    """Whether a quick run has it."""

    def unavailable(self) -> str | None:
        """Return why it can't be measured here, None where it can."""
        for package in self.needs:
            if importlib.util.find_spec(package) is None:
                return f"the Python package {package} is not installed (pip install '.[bench]')"
        for variable in self.settings:
            if variable.removeprefix(PREFIX).lower() not in Settings.model_fields:
                return f"this version has no setting {variable}"
        return why_no_nchan() if self.name == "nchan" else None

    def command(self, control: Path, programs: Path) -> list[str]:
        """Return the command that serves by a control page."""
        name, *rest = self.arguments
        if not self.module:
            return [str(programs / name), str(control), *rest]
        return [sys.executable, "-m", f"bench.servers.{name}", str(control), *rest]


def find_nginx() -> str | None:
    """Return nginx's program."""
    return shutil.which("nginx") or next((path for path in ("/usr/sbin/nginx",) if Path(path).exists()), None)


def nchan_module(nginx: str) -> str | None:
    """Return the `load_module` path of nchan, "" where it is built in, None where there is none."""
    told = subprocess.run([nginx, "-V"], check=False, capture_output=True, text=True).stderr
    folders = [Path(nginx).parent.parent / "lib/nginx/modules", Path("/usr/lib/nginx/modules")]
    folders += [Path(word.partition("=")[2]) for word in told.split() if word.startswith("--modules-path=")]
    for folder in folders:
        if (folder / "ngx_nchan_module.so").exists():
            return str(folder / "ngx_nchan_module.so")
    return "" if "nchan" in told else None


def why_no_nchan() -> str | None:
    """Return why nchan can't be measured here."""
    nginx = find_nginx()
    if nginx is None:
        return "no nginx was found"
    return "nginx was found without nchan" if nchan_module(nginx) is None else None


ALL_PEER: Mapping[Kind, Entry] = {"fanout": PEER, "topics": PEER, "stalled": PEER, "memory": PEER}
OUR_ENTRIES: Mapping[Kind, Entry] = {
    "fanout": OUR_TRADES,
    "topics": OUR_BARS,
    "stalled": OUR_TRADES,
    "memory": OUR_BARS,
    "storm": OUR_BARS,
}
OUR_SETTINGS: Mapping[str, str] = {
    "TAPECAST_PORT": "0",
    "TAPECAST_JWT_SECRET": SECRET,
    "TAPECAST_BARS_TOKEN": "required",
    "TAPECAST_BARS_INTERVAL_MS": "0",
}
"""Beside these it is as it comes. Without an interval each trade gives a frame, as with the peers."""

SERVERS = (
    Server(C, "C, epoll and send(): the limit", ("cfan",), ALL_PEER, module=False),
    Server(UWS, "uWebSockets (socketify)", ("uws_peer",), ALL_PEER, needs=("socketify",)),
    Server("picows", "picows", ("picows_peer",), ALL_PEER, needs=("picows", "uvloop")),
    Server("nchan", "nginx + nchan", ("nchan_peer",), {"fanout": Entry("/ws"), "memory": Entry("/ws")}),
    Server("websockets", "websockets.broadcast", ("websockets_peer",), ALL_PEER, needs=("uvloop",)),
    Server(TEXT, "FastAPI, shared text", ("fastapi_peer", "text"), ALL_PEER),
    Server(
        NAIVE,
        "FastAPI, send_json for each: naive",
        ("fastapi_peer", "naive"),
        {**ALL_PEER, "storm": Entry("/token", '{"topic":"%d"}', BEARER)},
    ),
    Server(
        "tapecast-echo",
        "Tapecast's transport alone: its echo on a FastAPI route, no token",
        ("echo_peer",),
        {"storm": Entry("/", '{"topic":"%d"}')},
    ),
    Server(OURS, "Tapecast", ("ours", "uvloop"), OUR_ENTRIES, settings=OUR_SETTINGS),
    Server(OURS_ASYNCIO, "Tapecast on asyncio's own loop", ("ours", "asyncio"), OUR_ENTRIES, settings=OUR_SETTINGS),
    Server(
        OURS_STOCK,
        "Tapecast on uvicorn's own WebSocket class",
        ("ours", "uvloop"),
        OUR_ENTRIES,
        settings={**OUR_SETTINGS, "TAPECAST_TRANSPORT": "stock"},
        quick=False,
    ),
)
"""In the order in which they are measured."""
TITLES = {server.name: server.title for server in SERVERS}


@dataclass(frozen=True, slots=True)
class Task:
    """One run of the load client against a fresh server: its options, and the names of the workloads of its lines."""

    kind: Kind
    workloads: tuple[str, ...]
    clients: int
    options: tuple[str, ...]
    only: frozenset[str] | None = None
    """The servers it is for; None: all that can."""
    stalled: int = 0

    def fits(self, server: Server) -> bool:
        """Whether the server is measured so."""
        return self.kind in server.entries and (self.only is None or server.name in self.only)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every task of a run, and how often all of them are repeated."""

    tasks: tuple[Task, ...]
    repeats: int


def fanout(clients: int, seconds: float, *, rate_seconds: float | None = None) -> Task:
    """Return 1, 8 and 32 messages a turn as fast as it goes; then, if wanted, 50 messages a second."""
    phases = [f"sat:{messages}:{seconds}" for messages in (1, 8, 32)]
    workloads = ["fanout"] * 3
    if rate_seconds is not None:
        phases.append(f"rate:1:50:{rate_seconds}")
        workloads.append("rate")
    return Task("fanout", tuple(workloads), clients, ("-w", "0.3", "-W", ",".join(phases)))


def topics(seconds: float, only: frozenset[str] | None = None) -> Task:
    """Return 1000 clients with 10 of 500 topics each, every topic at 10 messages a second."""
    phase = f"rate:1:{TOPICS * 10}:{seconds}"
    return Task("topics", ("topics",), 1000, ("-t", str(TOPICS), "-k", "10", "-w", "0.5", "-W", phase), only)


def stalled(seconds: float, count: int, only: frozenset[str] | None = None) -> Task:
    """Return 1000 clients at 50 messages a second, `count` of which stop reading."""
    name = "stalled" if count else "unstalled"
    options = ("-w", "0.3", "-Z", str(count), "-W", f"rate:1:50:{seconds}", "-T", "300")
    return Task("stalled", (name,), 1000, options, only, count)


def memory(clients: int, only: frozenset[str] | None = None) -> Task:
    """Return the memory of idle connections with one subscription each."""
    return Task("memory", ("memory",), clients, ("-M", "-w", "1"), only)


def storm(seconds: float) -> Task:
    """Return connections that come, show a token, subscribe, are answered and go."""
    return Task("storm", ("storm",), 1000, ("-S", "100000000", "-I", "32", "-d", str(seconds)))


def full_plan() -> Plan:
    """Return everything."""
    tasks = [fanout(100, 2), fanout(1000, 2, rate_seconds=5), fanout(5000, 3), topics(5)]
    tasks += [stalled(30, 0), stalled(30, 10), memory(5000), storm(5)]
    return Plan(tuple(tasks), repeats=3)


def quick_plan() -> Plan:
    """Return what takes under three minutes: 1000 clients, and for the rest the servers of a bar alone."""
    few = frozenset({OURS, TEXT})
    tasks = [fanout(1000, 0.6, rate_seconds=1.2), topics(1.2, frozenset({OURS, TEXT, C, UWS}))]
    tasks += [stalled(2.5, 0, few), stalled(2.5, 10, few), memory(1000, frozenset({OURS, TEXT, UWS})), storm(1.5)]
    return Plan(tuple(tasks), repeats=1)
