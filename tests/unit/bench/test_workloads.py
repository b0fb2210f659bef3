"""Workloads: what the plans ask of which server."""

import pytest

from bench.tokens import CONNECTIONS_A_USER, tokens_for
from bench.workloads import SERVERS, Plan, Server, full_plan, quick_plan, stalled


@pytest.mark.parametrize("plan", [full_plan(), quick_plan()])
def test_a_plan_names_a_workload_for_each_phase(plan: Plan) -> None:
    """The load client prints a line a phase; each line has its name."""
    for task in plan.tasks:
        phases = task.options[task.options.index("-W") + 1].split(",") if "-W" in task.options else [task.kind]
        assert len(phases) == len(task.workloads)


def test_every_server_is_at_the_fan_out() -> None:
    """It is what all of them can, but for the transport alone, which has no topics."""
    assert [server.name for server in SERVERS if "fanout" not in server.entries] == ["tapecast-echo"]


def test_a_missing_package_is_a_reason_to_skip() -> None:
    """The reason says what to install."""
    server = Server("x", "X", ("x",), {}, needs=("there_is_no_such_package",))
    assert "there_is_no_such_package" in (server.unavailable() or "")


def test_stalled_clients_are_told_to_the_load_client() -> None:
    """Without any, it is the run to compare with."""
    assert stalled(30, 10).options[2:4] == ("-Z", "10")
    assert (stalled(30, 0).workloads, stalled(30, 10).workloads) == (("unstalled",), ("stalled",))


def test_no_user_has_more_connections_than_it_may() -> None:
    """Connection i has token i modulo their count."""
    tokens = tokens_for(95)
    assert len(tokens) == 10
    assert max(sum(1 for i in range(95) if i % 10 == user) for user in range(10)) <= CONNECTIONS_A_USER
