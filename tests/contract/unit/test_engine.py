"""The engine: what a phase notices becomes findings: shortened, repeated, the same for a seed, and within the time."""

import asyncio
import json
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from contract.engine import CannotRun, Options, Run, internal_fault, run_async
from contract.model import Connect, Finding, PhaseName, Result, Secret, Send
from contract.phases.stateful import Walker, every_order
from contract.spec import Spec
from tests.contract.unit.kiosk import DOCUMENT, Frame, Kiosk, kiosk, raw, running


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the kiosk's document."""
    return kiosk(tmp_path)


async def run(spec: Spec, server: Kiosk, **options: Any) -> Result:
    """Test a server."""
    async with running(server) as url:
        return await run_async(spec, Options(**{"url": url, "timeout": 0.2, "seed": 1, **options}))


def told(result: Result) -> set[tuple[str, str]]:
    """Return what was found."""
    return {(item.violation.rule, item.violation.subject) for item in result.findings}


async def test_the_right_server_is_right(spec: Spec) -> None:
    """All phases over it find nothing, and say nothing; connections and tasks are gone."""
    result = await run(spec, Kiosk(spec))
    assert (told(result), result.remarks) == (set(), [])
    assert [phase.name for phase in result.phases] == [
        *("examples", "boundaries", "valid", "invalid", "stateful", "handshake")
    ]
    assert all(phase.complete and phase.cases for phase in result.phases)
    assert [task for task in asyncio.all_tasks() if "_read" in repr(task.get_coro())] == []


class Third(Kiosk):
    """Answers a purchase wrongly if the connection has looked and then waved before it."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.kinds: dict[ServerConnection, list[str]] = {}

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        kinds = self.kinds.setdefault(connection, [])
        kinds.append(value["type"])
        if kinds[-3:] == ["look", "wave", "buy"]:
            await self.send(connection, {"type": "sold", "id": value["id"], "price": 5})
        else:
            await super().asked(connection, value)


async def test_a_finding_is_the_shortest_conversation(spec: Spec) -> None:
    """Of a long walk the three requests are left that it takes, in their order, and they show it each time."""
    result = await run(spec, Third(spec), phases=("stateful",))
    found = result.findings[0]
    assert told(result) == {("frame-invalid", "sold price type")}
    assert [json.loads(step.data)["type"] for step in found.steps if isinstance(step, Send)] == ["look", "wave", "buy"]
    assert len([step for step in found.steps if isinstance(step, Connect)]) == 1
    assert (found.seen, found.tried, found.phase) == (3, 3, "stateful")
    assert found.transcript[-1].kind in ("received", "closed")


class Fifth(Third):
    """Answers a purchase wrongly behind one order of three, on a connection, and nothing else."""

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        kinds = self.kinds.setdefault(connection, [])
        kinds.append(value["type"])
        if kinds[-4:] == ["look", "look", "hire", "buy"]:
            await self.send(connection, {"type": "sold", "id": value["id"], "price": 5})
        else:
            await Kiosk.asked(self, connection, value)


async def test_each_order_of_four_is_tried(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """What shows in one order alone needs no luck to be found."""
    monkeypatch.setattr(sys.modules["contract.phases.stateful"], "_ROUNDS", 0)
    for seed in range(3):
        result = await run(spec, Fifth(spec), phases=("stateful",), seed=seed)
        assert told(result) == {("frame-invalid", "sold price type")}
        steps = result.findings[0].steps
        kinds = [json.loads(step.data)["type"] for step in steps if isinstance(step, Send)]
        assert kinds == ["look", "look", "hire", "buy"]


@pytest.mark.parametrize(("count", "length"), [(1, 4), (2, 4), (5, 4), (8, 3), (26, 2), (3, 1)])
def test_an_order_of_all_has_each_once(count: int, length: int) -> None:
    """No row is missing, and none stands in it twice."""
    found = every_order(count, length)
    rows = [tuple(found[index : index + length]) for index in range(len(found) - length + 1)]
    assert sorted(rows) == sorted(product(range(count), repeat=length))


async def test_a_run_that_is_stopped_keeps_what_it_found(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for it has what was found when the run is cancelled, though it was not shortened yet; others nothing."""

    async def cancelled(self: Run, finding: Finding) -> Finding:
        next(task for task in asyncio.all_tasks() if task.get_name() == "run").cancel()
        await asyncio.sleep(10)
        return finding

    monkeypatch.setattr(Run, "_shrunk", cancelled)
    async with running(Third(spec)) as url:
        options = Options(url=url, timeout=0.2, seed=1, phases=("stateful",))
        result = await asyncio.create_task(run_async(spec, options, keeps=True), name="run")
        assert (told(result), result.stopped) == ({("frame-invalid", "sold price type")}, True)
        assert [phase.complete for phase in result.phases] == [False]
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(run_async(spec, options), name="run")


async def test_the_same_seed_finds_the_same(spec: Spec) -> None:
    """The steps of a finding follow from the seed."""
    first, second = [await run(spec, Third(spec), phases=("stateful",), seed=7) for _ in range(2)]
    assert [item.steps for item in first.findings] == [item.steps for item in second.findings]
    assert first.findings


_UNANSWERED = 20  # far behind the examples


class Sometimes(Kiosk):
    """Doesn't answer one of the requests, ever again."""

    hired = 0

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        self.hired += value["type"] == "hire"
        if value["type"] != "hire" or self.hired != _UNANSWERED:
            await super().asked(connection, value)


async def test_a_matter_of_time_that_does_not_come_again_is_a_remark(spec: Spec) -> None:
    """A reply that once was missing, and isn't when that is repeated, is no finding."""
    result = await run(spec, Sometimes(spec), phases=("valid",), timeout=0.03)
    assert told(result) == set()
    assert [("hiring got no answer" in text, "It didn't happen again" in text) for text in result.remarks] == [
        (True, True)
    ]


class Silent(Kiosk):
    """Never answers one of the requests."""

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        if value["type"] != "hire":
            await super().asked(connection, value)


async def test_a_matter_of_time_that_comes_again_is_found(spec: Spec) -> None:
    """A reply that is always missing is a finding, once for its operation."""
    result = await run(spec, Silent(spec), phases=("valid",), timeout=0.03)
    assert told(result) == {("reply-missing", "hiring")}
    assert (result.findings[0].seen, result.findings[0].count > 1) == (3, True)


@pytest.mark.parametrize("phase", ["boundaries", "invalid", "handshake", "limits"])
async def test_a_phase_runs_alone(spec: Spec, phase: PhaseName) -> None:
    """Each phase does its work without the others, on a server that is right."""
    result = await run(spec, Kiosk(spec), phases=(phase,))
    assert [(item.name, item.cases > 0) for item in result.phases] == [(phase, True)]
    assert told(result) == set()


async def test_a_refused_handshake_is_found_by_each_phase_alone(spec: Spec) -> None:
    """What is only prepared for doesn't hide what is wrong."""
    for phase in ("valid", "stateful"):
        async with raw(_refusing) as url:
            result = await run_async(spec, Options(url=url, timeout=0.2, phases=(phase,)))
        assert told(result) == {("handshake-refused", "good")}


async def _refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def _hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


class Slow(Kiosk):
    """Answers nothing but what is malformed."""

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        pass


@pytest.mark.parametrize("phases", [("valid", "stateful"), ("examples", "invalid", "handshake")])
async def test_the_time_of_a_run_is_kept(spec: Spec, phases: tuple[PhaseName, ...]) -> None:
    """A server that lets the tester wait eight seconds for each answer doesn't make a run of three any longer."""
    began = time.monotonic()
    result = await run(spec, Slow(spec), phases=phases, max_time=3.0, timeout=2.0)
    assert time.monotonic() - began < 3.0 * 1.15
    assert not all(phase.complete for phase in result.phases)


async def test_a_handshake_that_hangs_ends_with_the_time(spec: Spec) -> None:
    """Where no channel was ever open, that is said, and it is no success."""
    began = time.monotonic()
    async with raw(_hanging) as url:
        with pytest.raises(CannotRun, match="No channel could be tested"):
            await run_async(spec, Options(url=url, max_time=1.0))
    assert time.monotonic() - began < 2


class Leaving(Kiosk):
    """Vanishes after so many requests, and lets nobody in again."""

    count = 30

    async def opened(self, connection: ServerConnection) -> None:
        if self.count <= 0:
            connection.transport.abort()

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        self.count -= 1
        if self.count <= 0:
            connection.transport.abort()
        await super().asked(connection, value)


@pytest.mark.parametrize("count", [3, 30, 120])
async def test_a_server_that_vanishes_is_found(spec: Spec, count: int) -> None:
    """In whatever phase it goes, the run ends with findings."""
    server = Leaving(spec)
    server.count = count
    result = await run(spec, server, phases=("boundaries", "stateful"))
    assert "connection-lost" in {rule for rule, _ in told(result)}


async def test_nothing_at_the_address_cannot_run(spec: Spec) -> None:
    """Where nothing listens, that is said with what to do; a secret in the url isn't."""
    async with raw(_hanging) as url:
        pass
    with pytest.raises(CannotRun, match=r"Nothing answers at .* Start the server"):
        await run_async(spec, Options(url=url))
    with pytest.raises(CannotRun) as error:
        await run_async(spec, Options(url=url.replace("//", "//me:hunter22@")))
    assert "hunter22" not in str(error.value)


async def test_a_fault_of_the_tester_is_one_sentence(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails within tasks comes out as the one thing that failed, without the token."""

    def fail(*_: object) -> None:
        raise RuntimeError("broken by secret-token-1")

    monkeypatch.setattr(Walker, "_ask", fail)
    with pytest.raises(CannotRun) as error:
        await run(spec, Kiosk(spec), phases=("stateful",), token="secret-token-1")
    text = str(error.value)
    assert text.startswith("The tester itself failed at test_engine.py:")
    assert ("RuntimeError: broken by" in text, "secret-token-1" in text, "--seed 1" in text) == (True, False, True)
    assert "\n" not in text
    assert "ValueError: inner" in internal_fault(ExceptionGroup("outer", [ExceptionGroup("x", [ValueError("inner")])]))


async def test_what_is_simplified_fits_the_schema_of_its_own_channel(tmp_path: Path) -> None:
    """Two channels may have messages of one name; the shorter frame of one isn't a frame of the other."""
    other = """\
  annex:
    address: /annex
    messages:
      buy:
        payload: {type: object, required: [type], properties: {type: {const: buy}}}
"""
    two = DOCUMENT.replace("channels:\n", f"channels:\n{other}", 1)
    two = two.replace("operations:\n", "operations:\n  b: {action: receive, channel: {$ref: '#/channels/annex'}}\n", 1)
    spec = kiosk(tmp_path, two)

    class Wrong(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "buy" and value["count"] > 5:
                await self.send(connection, {"type": "sold", "id": value["id"], "price": 5})
            else:
                await super().asked(connection, value)

    result = await run(spec, Wrong(kiosk(tmp_path)), phases=("boundaries",))
    found = next(item for item in result.findings if item.violation.rule == "frame-invalid")
    sent = [step for step in found.steps if isinstance(step, Send)]
    message = next(item for item in spec.channel("kiosk").sent if item.key == "buy")
    assert sent
    assert all(message.schema.fits(json.loads(step.data)) for step in sent if step.good)


async def test_one_fault_that_many_meet_is_looked_into_once(spec: Spec) -> None:
    """Several conversations that show one thing at once are one finding, counted."""

    class Wrong(Kiosk):
        async def asked(self, connection: ServerConnection, value: Frame) -> None:
            if value["type"] == "look":
                await self.send(connection, {"type": "shelf", "left": "three"})
            else:
                await super().asked(connection, value)

    found: list[Finding] = []

    class Screen:
        def phase(self, name: PhaseName, total: int | None) -> None: ...
        def advance(self, cases: int, frames: int) -> None: ...
        def secret(self, secret: Secret) -> None: ...
        def found(self, finding: Finding) -> None:
            found.append(finding)

    async with running(Wrong(spec)) as url:
        result = await run_async(spec, Options(url=url, timeout=0.2, seed=1, phases=("stateful",)), Screen())
    assert len(found) == len(result.findings) == 1
    assert result.findings[0].count > 1


async def test_a_message_that_nothing_fits_is_left_out(tmp_path: Path) -> None:
    """A schema without any value is remarked on, and stops nothing."""
    text = DOCUMENT.replace("label: {type: string, maxLength: 8}", "label: {type: string, pattern: '^(?!.*x)x$'}")
    text = text.replace("required: [type, id, count]", "required: [type, id, count, label]")
    text = text.replace("\n      examples: [{name: one, payload: {type: buy, id: 1, count: 1}}]", "")
    spec = kiosk(tmp_path, text)
    result = await run(spec, Kiosk(spec))
    assert any("buy" in remark for remark in result.remarks)
    assert told(result) == set()


async def test_it_can_stop_at_what_is_looked_for(spec: Spec) -> None:
    """`enough` ends a run with the finding that it takes."""
    result = await run(spec, Third(spec), enough=lambda finding: finding.violation.rule == "frame-invalid")
    assert told(result) == {("frame-invalid", "sold price type")}
    assert not all(phase.complete for phase in result.phases)
