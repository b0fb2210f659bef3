"""Precision: which problems no sample shows, counted by kind: `python -m tests.codegen.diff.precision [PAIRS]`.

It is a measurement, not a test: a problem without a sample may be a false alarm, or a break that the samples missed.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.codegen.diff.pairs import pairs
from tests.codegen.diff.test_containment import breaking, problems


def measure(count: int) -> dict[str, Counter[str]]:
    """Return how many pairs of each outcome there are, and for those that are told, by the kinds of problems."""
    table: dict[str, Counter[str]] = {"outcome": Counter(), "shown": Counter(), "not shown": Counter()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        @settings(
            max_examples=count,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
            database=None,
        )
        @given(pairs())
        def look(pair: tuple[Any, Any, list[Any]]) -> None:
            old, new, values = pair
            found = problems(folder, old, new)
            broken = breaking(old, new, values)
            sure = "told" if any(item.certain for item in found) else "undecided" if found else "silent"
            table["outcome"][f"{sure}, {'a sample breaks' if broken else 'no sample breaks'}"] += 1
            for kind in {f"{item.kind}{'' if item.certain else ' (undecided)'}" for item in found}:
                table["shown" if broken else "not shown"][kind] += 1

        look()
    return table


if __name__ == "__main__":
    for title, counts in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 2000).items():
        sys.stdout.write(f"{title}\n")
        for name, number in counts.most_common():
            sys.stdout.write(f"  {number:6} {name}\n")
