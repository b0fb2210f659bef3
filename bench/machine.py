"""Machine: what a run was measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "websockets",
    "pydantic",
    "pyjwt",
    "picows",
    "socketify",
)


def processor(text: str) -> str:
    """Return the processor's name from the text of /proc/cpuinfo."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return "unknown processor"


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that matter; of those that are installed."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe() -> list[str]:
    """Return a line for each thing that matters."""
    cpuinfo = Path("/proc/cpuinfo")
    name = processor(cpuinfo.read_text()) if cpuinfo.exists() else "unknown processor"
    usable = len(os.sched_getaffinity(0))
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return [
        f"Machine: {name}, {usable} cores for this run, load before it {load}",
        f"Kernel: {platform.system()} {platform.release()}",
        f"Python: {platform.python_implementation()} {platform.python_version()}",
        "Packages: " + ", ".join(f"{package} {number}" for package, number in package_versions().items()),
    ]
