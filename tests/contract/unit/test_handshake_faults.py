"""Faults of a handshake: each that is put into a running server is found and rightly named; without one, nothing is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.typing import Subprotocol

from contract.addresses import base
from contract.credentials import Credentials
from contract.handshakes import Case, cases, judge, kept
from contract.model import Violation
from contract.spec import Spec, load_spec
from tests.contract.unit.gate import DOCUMENT, FAULTS, LENIENCES, NOW, SECRET, Gate
from tests.contract.unit.shaking import shake


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the gate's document."""
    file = tmp_path / "asyncapi.yaml"
    file.write_text(DOCUMENT)
    return load_spec(file)


@asynccontextmanager
async def running(gate: Gate) -> AsyncIterator[str]:
    """Run it, and yield its url."""
    async with serve(
        gate.serve,
        "127.0.0.1",
        0,
        process_request=gate.process_request,
        process_response=gate.process_response,
        select_subprotocol=gate.select_subprotocol,
        compression=None,
    ) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def cases_of(spec: Spec) -> list[Case]:
    """Return all cases of the gate, with a token that it signed."""
    credentials = credentials_of(spec)
    return [case for channel in spec.channels for case in cases(spec, channel, credentials, {})]


def credentials_of(spec: Spec) -> Credentials:
    """Return a token of the gate and its secret."""
    scopes = [scope for channel in spec.channels if channel.security for scope in channel.security.scopes]
    made = Credentials(None, SECRET, lambda: NOW, scopes=scopes)
    return Credentials(made.good(spec.channel("room")), SECRET, lambda: NOW, scopes=scopes)


async def found_in(spec: Spec, gate: Gate) -> list[Violation]:
    """Return what is found by all cases."""
    async with running(gate) as url:
        address = base(url, spec.channels)
        tried = cases_of(spec)
        turns = asyncio.Semaphore(16)

        async def attempt(case: Case) -> Violation | None:
            async with turns:
                return judge(case, await shake(address, case, moment=0.05))

        return [found for found in await asyncio.gather(*map(attempt, tried)) if found is not None]


@pytest.mark.parametrize("late", [False, True])
async def test_in_a_server_that_keeps_to_its_document_nothing_is_found(spec: Spec, late: bool) -> None:
    """Whether it refuses with an HTTP status, or accepts and closes."""
    assert await found_in(spec, Gate(late=late)) == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_is_found(spec: Spec, fault: str) -> None:
    """By the rule and the subject that it breaks."""
    rule, subject = FAULTS[fault]
    found = await found_in(spec, Gate(fault))
    assert [item for item in found if item.rule == rule and item.subject.startswith(subject)], found
    assert {item.rule for item in found} == {rule}


@pytest.mark.parametrize("lenience", LENIENCES)
async def test_a_lenient_router_is_blamed_for_nothing(spec: Spec, lenience: str) -> None:
    """A slash more, or letters of another case, may mean the same address."""
    assert await found_in(spec, Gate(lenience)) == []


@pytest.mark.parametrize("fault", ["", "a token is kept"])
async def test_a_connection_that_outlives_its_token_is_found(spec: Spec, fault: str) -> None:
    """The server's clock is moved beyond the token's end."""
    gate = Gate(fault)
    [case] = [case for case in cases_of(spec) if case.stays_open_for is not None]
    assert case.stays_open_for is not None
    async with (
        running(gate) as url,
        connect(
            url + case.connect.target,
            additional_headers=list(case.connect.headers),
            subprotocols=[Subprotocol(name) for name in case.connect.subprotocols] or None,
        ) as connection,
    ):
        gate.pass_time(case.stays_open_for)
        try:
            async with asyncio.timeout(0.2 if fault else 10):
                await connection.wait_closed()
            ended_after: float | None = case.stays_open_for
        except TimeoutError:
            ended_after = None
    violation = kept(case, ended_after, 0.1)
    assert (violation.rule if violation else None) == ("token-kept" if fault else None)
