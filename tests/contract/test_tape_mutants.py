"""The tester against faulty servers of our own protocol: each fault is found in a minute, under its name."""

from pathlib import Path

import pytest

from contract.spec import load_spec
from tests.contract.hunting import hunt, started
from tests.contract.tape.mutants import MUTANTS

DOCUMENT = Path(__file__).resolve().parents[2] / "asyncapi.yaml"

_PROSE = "only the document's prose says so"
EXPLAINED: dict[str, str] = dict.fromkeys(
    (
        "account-not-checked-by-balances",
        "address-with-slash-accepted",
        "alias-of-week-refused",
        "refresh-unscoped-kept",
        "reset-missing",
        "seq-largest-refused",
        "two-tokens-accepted",
        "exchange-unknown-accepted",
        "symbol-unknown-accepted",
    ),
    _PROSE,
)
"""What isn't found, and why: at most one in twenty."""

_EVERY = 10
CHOSEN = tuple(MUTANTS)[::_EVERY]
"""What is tried each time; all of them, where soaks are asked for."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in CHOSEN else pytest.mark.soak) for name in MUTANTS]
)
async def test_each_fault_is_found_under_its_name(
    name: str, roomy_gateway: str, gateway_token: str, gateway_secret: str
) -> None:
    """The tester finds what the server breaks, and calls it by its right name."""
    if name in EXPLAINED:
        pytest.skip(EXPLAINED[name])
    mutant = MUTANTS[name]
    arguments = ("--upstream", roomy_gateway, "--port", "0", "--mutant", name)
    with started("tests.contract.tape.proxy", *arguments) as url:
        hunted = await hunt(load_spec(DOCUMENT), url, mutant.rules, token=gateway_token, secret=gateway_secret)
    assert hunted.hit, f"{mutant.breaks}\n{hunted}"


def test_what_is_explained_is_little() -> None:
    """At most one fault in twenty isn't found; each of those is one."""
    assert EXPLAINED.keys() <= MUTANTS.keys()
    assert len(EXPLAINED) * 20 <= len(MUTANTS)
