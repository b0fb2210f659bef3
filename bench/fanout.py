"""Fan-out: deliveries a second of one server process on one core. `make bench`; figures are for comparison in one run.

It starts the real server with the synthetic market as its load, lets `wsload` (C, one thread) subscribe the clients to
one symbol from the other core, and prints wsload's count over a window with the server's CPU time.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SUBSCRIBE = '{"type":"bars.subscribe","payload":{"symbol":"sim:BTC/USDT","resolution":"1"}}'


def pinned(core: int) -> list[str]:
    """Return the prefix that binds a command to a core, where that can be had."""
    return ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > core else []


def build(folder: Path) -> Path:
    """Compile the load client; returns the program."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        sys.exit("bench: a C compiler is needed for the load client (gcc or cc).")
    program = folder / "wsload"
    subprocess.run([compiler, "-O2", "-w", "-o", program, HERE / "wsload.c"], check=True)
    return program


def measure(wsload: Path, *, clients: int, rate: float, seconds: float) -> dict[str, float]:
    """Return wsload's figures for one server and one load."""
    environment = os.environ | {
        "TAPECAST_PORT": "0",
        "TAPECAST_DEMO": "true",
        "TAPECAST_SOURCES": "sim",
        "TAPECAST_SIM_SYMBOLS": "1",
        "TAPECAST_SIM_RATE": str(rate),
        "TAPECAST_BARS_INTERVAL_MS": "0",
    }
    command = [*pinned(0), str(Path(sys.executable).with_name("tapecast")), "serve"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip().rstrip("/").rpartition(":")[2]
        load = [*pinned(1), str(wsload), "-p", port, "-u", "/api/v1/ws", "-c", str(clients), "-s", SUBSCRIBE]
        load += ["-w", "2", "-d", str(seconds), "-P", str(server.pid)]
        done = subprocess.run(load, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        figures: dict[str, float] = json.loads(done.stdout)
        return figures
    finally:
        server.terminate()
        server.wait(20)


def main() -> None:
    """Measure at a few rates and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--rates", type=float, nargs="+", default=[50, 200, 400], help="market events a second")
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wsload = build(Path(folder))
        out = sys.stdout
        out.write(f"{options.clients} clients on one topic, stock transport, server on one core\n")
        out.write("events/s  deliveries/s  server CPU s/M  server busy  kB/connection\n")
        for rate in options.rates:
            got = measure(wsload, clients=options.clients, rate=rate, seconds=options.seconds)
            out.write(
                f"{rate:8.0f}  {got['fps']:12.0f}  {got['cpu_s_per_M']:14.2f}  {got['srv_util']:11.0%}"
                f"  {got['kb_per_conn']:13.1f}\n"
            )
            out.flush()


if __name__ == "__main__":
    main()
