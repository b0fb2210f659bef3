"""Servers that end, that are silent, or that aren't what the url says: no run over them is called good."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from contract.engine import CannotRun, Options, run_async
from contract.handshakes import tells_of_expiry
from contract.model import PhaseName, Result
from contract.spec import Spec, load_spec
from tests.contract.unit.kiosk import DOCUMENT, Frame, Kiosk, kiosk, raw, running


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the kiosk's document."""
    return kiosk(tmp_path)


class Silent(Kiosk):
    """Answers nothing."""

    async def received(self, connection: ServerConnection, data: str | bytes) -> None:
        pass


@pytest.mark.parametrize("max_time", [4.0, 12.0])
async def test_a_server_that_answers_nothing_is_never_called_good(spec: Spec, max_time: float) -> None:
    """However short the time: that nothing ever came is no matter of time."""
    found: set[str] = set()
    async with running(Silent(spec)) as url:
        with contextlib.suppress(CannotRun):  # where the time is over before anything could be said
            found = rules(await run_async(spec, Options(url, seed=1, timeout=0.3, max_time=max_time)))
            assert "reply-missing" in found
    assert found or max_time < 5


class Dying(Kiosk):
    """Ends its process, as it were, at a purchase: nothing listens there for a while, or ever again."""

    def __init__(self, spec: Spec, away_s: float) -> None:
        super().__init__(spec)
        self.away_s = away_s
        self.deaths = 0
        self.dead = asyncio.Event()

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        if value["type"] == "buy" and value.get("count") == 3:
            self.dead.set()
            connection.transport.abort()
        else:
            await super().asked(connection, value)


@asynccontextmanager
async def watched(server: Dying) -> AsyncIterator[str]:
    """Run a server at one port, and start it again when it has ended."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def run() -> None:
        while True:
            async with running(server, port):
                up.set()
                await server.dead.wait()
                server.deaths += 1
                server.dead.clear()
            await asyncio.sleep(server.away_s)

    up = asyncio.Event()
    task = asyncio.create_task(run())
    await up.wait()
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def rules(result: Result) -> set[str]:
    """Return the names of what was found."""
    return {finding.violation.rule for finding in result.findings}


async def test_a_server_that_ends_and_is_started_again_is_blamed_for_that_alone(spec: Spec) -> None:
    """What ended it is found, with the frame that did it; nothing else, and the run goes on."""
    server = Dying(spec, away_s=0.5)
    async with watched(server) as url:
        phases: tuple[PhaseName, ...] = ("examples", "boundaries", "valid", "handshake")
        result = await run_async(spec, Options(url, seed=1, timeout=0.5, max_time=60, phases=phases))
    assert server.deaths > 1
    assert rules(result) == {"connection-lost"}
    assert '"count": 3' in str(result.findings[0].steps[-1])
    assert result.findings[0].seen == result.findings[0].tried == 3
    assert [phase.name for phase in result.phases if phase.cases] == list(phases)


async def test_a_server_that_ends_for_good_ends_the_run(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ended it is found, no other thing is, and the report says that it ended."""
    monkeypatch.setattr("contract.engine._COMEBACKS", 3)
    async with watched(Dying(spec, away_s=1000)) as url:
        result = await run_async(spec, Options(url, seed=1, timeout=0.5))
    assert rules(result) == {"connection-lost"}
    assert any("ended in the middle of the run" in remark for remark in result.remarks)
    assert not result.phases[-1].complete


async def test_what_is_no_server_of_websockets_is_said_at_once(spec: Spec) -> None:
    """Neither TLS without its scheme, nor another protocol, is a finding."""

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()

    async with raw(other) as url:
        with pytest.raises(CannotRun, match="doesn't answer as HTTP does"):
            await run_async(spec, Options(url, seed=1))
    async with running(Kiosk(spec)) as url:
        with pytest.raises(CannotRun, match="TLS failed"):
            await run_async(spec, Options(url.replace("ws://", "wss://"), seed=1))


KEYED = DOCUMENT.replace(
    "    channel: {$ref: '#/channels/kiosk'}\n    messages: [{$ref: '#/channels/kiosk/messages/buy'}]",
    "    channel: {$ref: '#/channels/kiosk'}\n    messages: [{$ref: '#/channels/kiosk/messages/buy'}]\n"
    "    security: [{type: http, scheme: bearer}, {type: httpApiKey, in: header, name: X-API-Key}]",
)


@pytest.mark.parametrize("token", ["Bearer the-token", "the-key"])
async def test_a_token_is_one_of_several_kinds(tmp_path: Path, token: str) -> None:
    """Who has a key needs no bearer token, and the other way round: the way that is let in is the one that is used."""

    def one_of(connection: ServerConnection, request: Request) -> Response | None:
        good = (
            request.headers.get("Authorization") == "Bearer the-token" or request.headers.get("X-API-Key") == "the-key"
        )
        if request.path != "/kiosk":
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        return None if good else connection.respond(HTTPStatus.UNAUTHORIZED, "")

    path = tmp_path / "keyed.yaml"
    path.write_text(KEYED)
    spec = load_spec(path)
    async with running(Kiosk(spec), process_request=one_of) as url:
        options = Options(url, seed=1, token=token.removeprefix("Bearer "), phases=("examples", "handshake"))
        result = await run_async(spec, options)
    assert not result.findings
    assert result.phases[0].cases > 3


def test_a_header_that_is_the_tokens_is_no_parameter(tmp_path: Path) -> None:
    """A document may list it among the headers as well: it is sent once, by the credentials."""
    path = tmp_path / "listed.yaml"
    headers = "required: [Authorization], properties: {Authorization: {type: string}, X-A: {type: string}}"
    listed = f"    bindings: {{ws: {{headers: {{type: object, {headers}}}}}}}\n"
    path.write_text(KEYED.replace("    address: /kiosk\n", f"    address: /kiosk\n{listed}"))
    assert [item.name for item in load_spec(path).channel("kiosk").headers] == ["X-A"]


@pytest.mark.parametrize(
    ("text", "tells"), [("The token expired.", True), ("The auction expired.", False), ("Your session ran out.", True)]
)
def test_what_expires_is_a_token(tmp_path: Path, text: str, tells: bool) -> None:
    """That something else expires says nothing of connections."""
    path = tmp_path / "asyncapi.yaml"
    path.write_text(DOCUMENT.replace("text: The kiosk closes.", f"text: {text}"))
    spec = load_spec(path)
    assert tells_of_expiry(spec, spec.channel("kiosk")) is tells
