"""The server against its document: every socket, by the contract tester. `make contract` runs this file alone."""

from pathlib import Path

import pytest

from contract.covering import Covering, tallies, unreached
from contract.plugin import contract_test
from contract.spec import load_spec

DOCUMENT = Path(__file__).resolve().parents[2] / "asyncapi.yaml"

UNREACHABLE = {
    "bars.correction": "a source has to tell a trade late or take one back; the server's own tests do that",
    "bars.error": "a source has to fail or to reach its end; the server's own tests do that",
    "shutdown": "the server has to be stopped; the server's own tests do that",
    "source_unavailable": "a source has to fail",
    "internal": "the server has to have a fault",
    "1000": "it is the client's own close, echoed",
    "1001": "it is the client's own close, echoed",
    "1011": "the server has to have a fault",
    "4001": "the server has to be stopped",
    "4002": "a client has to stop reading for longer than this run takes",
    "4004": "a client has to leave pings unanswered for longer than this run takes",
    "4006": "a source has to start over",
}
"""What no client can provoke here, and why."""

# Everything, with limits that are in nobody's way; and what the limits themselves do, on the defaults.
test_roomy = contract_test(
    DOCUMENT,
    url="roomy_gateway",
    token="gateway_token",
    token_secret="gateway_secret",
    rate=0,
    max_time=150,
    unreachable=UNREACHABLE,
)
test_default = contract_test(
    DOCUMENT,
    url="default_gateway",
    token="gateway_token",
    token_secret="gateway_secret",
    phases=("examples", "stateful", "limits"),
    max_time=90,
    values={
        "bars.symbol": ["sim:BTC/USDT", "sim:ETH/USDT", *(f"sim:S{number:03}/USDT" for number in range(3, 21))],
        "bars.resolution": ["1", "3", "5", "15", "30", "60", "120", "240", "1D", "1W", "1M"],
    },
    unreachable=UNREACHABLE,
)


def test_everything_that_a_client_can_provoke_was_met() -> None:
    """Every operation, message, error code and close code was met, but for those that are listed with a reason."""
    results = [result for result in (test_roomy.result(), test_default.result()) if result is not None]
    if len(results) < 2:
        pytest.skip("the runs above were not asked for")
    covering = Covering(load_spec(DOCUMENT))
    for name, reason in UNREACHABLE.items():
        assert covering.excuse(name, reason), f"the document has nothing called {name!r}"
    whole = covering.coverage
    for result in results:
        for (_, _, mine), (_, _, found) in zip(tallies(whole), tallies(result.coverage), strict=True):
            for name, count in found.counts.items():
                mine.counts[name] = mine.counts.get(name, 0) + count
    missing = [
        f"{kind} {name}"
        for kind, name, reason in unreached(whole)
        if kind != "keywords" and reason not in UNREACHABLE.values()
    ]
    assert not missing, "\n".join(missing)
