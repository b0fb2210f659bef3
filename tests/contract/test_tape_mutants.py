"""The tester against faulty servers of our own protocol: each fault is found in a minute, under its name."""

from pathlib import Path

import pytest

from contract.spec import load_spec
from tests.contract.hunting import hunt, started
from tests.contract.tape.mutants import MUTANTS

DOCUMENT = Path(__file__).resolve().parents[2] / "asyncapi.yaml"

EXPLAINED = {
    "account-not-checked-by-balances": "only prose says whose an account is",
    "account-not-checked-by-orders": "only prose says whose an account is",
    "address-with-slash-accepted": "many routers take a slash more for the same address, so the tester does",
    "alias-of-week-refused": "which texts are resolutions, prose says; the schema takes any",
    "error-without-id": "an error may come without an id: it isn't always to be read",
    "two-tokens-accepted": "that two tokens at once are refused, prose says",
    "exchange-unknown-accepted": "which exchanges there are, the document doesn't say",
    "symbol-unknown-accepted": "which symbols there are, the document doesn't say",
}
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
