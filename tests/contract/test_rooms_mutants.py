"""The tester against faulty servers of the second protocol: each fault is found in a minute, under its name."""

import pytest

from contract.spec import load_spec
from tests.contract.hunting import hunt, started
from tests.contract.rooms.mutants import MUTANTS
from tests.contract.rooms.server import DOCUMENT, SECRET

EXPLAINED = {
    "time-is-prose": "`format` asserts nothing in JSON Schema draft-07, and the tester takes it so",
    "long-reason-taken": "the long reason has to close a room of one's own that is open still: few conversations do",
    "slash-at-the-end": "many routers take a slash more for the same address, so the tester does",
    "scope-by-prefix": "which scopes a server has beyond the document's, nobody can know",
    "second-scope-refused": "a token with scopes that the document doesn't have may be refused",
    "north-refused": "with a token that was made up, only the first value of an address is held to be open to its user",
}
"""What isn't found, and why: at most one in twenty."""

_EVERY = 6
CHOSEN = tuple(MUTANTS)[::_EVERY]
"""What is tried each time; all of them, where soaks are asked for."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in CHOSEN else pytest.mark.soak) for name in MUTANTS]
)
async def test_each_fault_is_found_under_its_name(name: str) -> None:
    """The tester finds what the server breaks, and calls it by its right name."""
    if name in EXPLAINED:
        pytest.skip(EXPLAINED[name])
    mutant = MUTANTS[name]
    with started("tests.contract.rooms.server", "--port", "0", "--secret", SECRET, "--mutant", name) as url:
        hunted = await hunt(load_spec(DOCUMENT), url, mutant.rules, secret=SECRET)
    assert hunted.hit, f"{mutant.breaks}\n{hunted}"


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 10))])
async def test_the_right_server_is_blamed_for_nothing(seed: int) -> None:
    """Whatever the seed, nothing is found where nothing is wrong."""
    with started("tests.contract.rooms.server", "--port", "0", "--secret", SECRET) as url:
        hunted = await hunt(load_spec(DOCUMENT), url, frozenset(), secret=SECRET, seed=seed)
    assert not hunted.found, str(hunted)


def test_what_is_explained_is_little() -> None:
    """At most one fault in twenty isn't found; each of those is one."""
    assert EXPLAINED.keys() <= MUTANTS.keys()
    assert len(EXPLAINED) * 20 <= len(MUTANTS)
