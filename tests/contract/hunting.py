"""Hunting: runs the contract tester against one faulty server, as a user would, and tells what it found."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from contract.engine import Options, run_async
from contract.model import Finding
from contract.spec import Spec

LIMIT_S = 60.0
"""What the tester has for each faulty server."""


@contextmanager
def started(*arguments: str) -> Iterator[str]:
    """Run a module of the tests in a process of its own, and yield the address that it prints."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("ws://"), f"{command} printed {address!r}"
            yield address
        finally:
            process.kill()


@dataclass
class Hunt:
    """What a run against a faulty server found, until the first finding of a right name."""

    rules: frozenset[str]
    seconds: float = 0.0
    found: list[Finding] = field(default_factory=list)

    @property
    def named(self) -> list[str]:
        """Return the names of what was found."""
        return [finding.violation.rule for finding in self.found]

    @property
    def hit(self) -> bool:
        """Tell whether something was found under a right name."""
        return bool(self.rules & set(self.named))

    def __str__(self) -> str:
        found = "\n".join(f"{item.violation.rule}: {item.violation.text}" for item in self.found)
        return (
            f"wanted {sorted(self.rules)} within {LIMIT_S:g} s; found after {self.seconds:.0f} s:\n{found or 'nothing'}"
        )


async def hunt(
    spec: Spec,
    url: str,
    rules: frozenset[str],
    *,
    token: str | None = None,
    secret: str | None = None,
    seed: int = 0,
) -> Hunt:
    """Test a server until something of a right name is found, or the time is over."""
    hunted = Hunt(rules)

    def enough(finding: Finding) -> bool:
        return finding.violation.rule in rules

    options = Options(
        url=url, token=token, secret=secret, seed=seed, rate=0, max_time=LIMIT_S, enough=enough if rules else None
    )
    began = time.monotonic()
    result = await run_async(spec, options)
    hunted.seconds = time.monotonic() - began
    hunted.found = result.findings
    return hunted
