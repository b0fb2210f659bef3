"""Drawing: values of a Hypothesis strategy outside a test. It knows nothing of schemas."""

import warnings
from collections.abc import Collection
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_CHECKS: Collection[HealthCheck] = (
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
    HealthCheck.nested_given,
)
_SEED_BYTES = 51
_TURNS = 5
_APART = 1_000_003  # between the seeds of turns, that a neighbour's seed gives other values


def seeds() -> st.SearchStrategy[Random]:
    """Return a strategy of sources of randomness."""
    # Now and then Hypothesis draws what stands as a constant in a loaded module, and so other values when others are
    # loaded. It doesn't do so with bytes beyond 50.
    return st.binary(min_size=_SEED_BYTES, max_size=_SEED_BYTES).map(Random)


def draw(strategy: st.SearchStrategy[Any], count: int, seed_: int, batch: int = 25) -> list[Any]:
    """Return so many values of a strategy, the same for the same seed, and different ones as far as it has them.

    Where it has fewer, they are gone through again. Raises what the strategy raises where it has none.
    """
    # Hypothesis likes to repeat, within a test case, what it drew before. So it is asked again for what is missing.
    different: dict[str, Any] = {}
    for turn in range(_TURNS):
        missing = count - len(different)
        if missing <= 0:
            break
        for value in _drawn(strategy, missing, seed_ + turn * _APART, max(1, min(batch, missing))):
            different.setdefault(repr(value), value)
    found = list(different.values())
    return [found[index % len(found)] for index in range(count)]


def _drawn(strategy: st.SearchStrategy[Any], count: int, seed_: int, size: int) -> list[Any]:
    """Draw once. A test case costs Hypothesis more than most values do: each holds `size` of them."""
    found: list[Any] = []

    @seed(seed_)
    @settings(
        max_examples=count // size + 2,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=[*_CHECKS],
    )
    @given(st.lists(strategy, min_size=size, max_size=size))
    def collect(values: list[Any]) -> None:
        found.extend(values)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collect()
    return found
