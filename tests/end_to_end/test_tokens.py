"""Tokens on a real socket: each carriage, each attack, both ways of refusing; and the Origin list."""

import asyncio
import io
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from gateway.keys import JwksKeys
from gateway.telemetry import get_logger
from handlers.auth import StaticKeys, VerificationKey
from streaming.clock import SystemClock
from tests.end_to_end.test_process import served
from tests.support import tokens
from tests.support.client import connected
from tests.support.clock import VirtualClock
from tests.support.handshake import V1, Outcome, shake
from tests.support.judge import Judge
from tests.support.logs import RunLog
from tests.support.server import Running, running, until
from tests.support.source import ManualSource

Send = Callable[[Running, str], Any]
ISSUED: dict[str, Any] = {"jwt_issuer": tokens.ISSUER, "jwt_audience": tokens.AUDIENCE}


def now_ms() -> int:
    """Return the wall clock."""
    return time.time_ns() // 1_000_000


def good() -> str:
    """Return a token that the server of these tests takes."""
    return tokens.sign(tokens.claims(now_ms()))


async def by_header(server: Running, token: str) -> Outcome:
    """Send the token in its header, as a plain client."""
    return await shake(server.port, ("Authorization", f"Bearer {token}"))


async def by_header_v1(server: Running, token: str) -> Outcome:
    """Send the token in its header, as a client that offers our subprotocol."""
    return await shake(server.port, ("Authorization", f"Bearer {token}"), V1)


async def by_query(server: Running, token: str) -> Outcome:
    """Send the token in the query, as a plain client."""
    return await shake(server.port, query=f"?token={quote(token, safe='')}")


async def by_query_v1(server: Running, token: str) -> Outcome:
    """Send the token in the query, as a client that offers our subprotocol."""
    return await shake(server.port, V1, query=f"?token={quote(token, safe='')}")


async def by_subprotocol(server: Running, token: str) -> Outcome:
    """Send the token as a browser does."""
    return await shake(server.port, ("Sec-WebSocket-Protocol", f"tapecast.v1, bearer.{token}"))


PLAIN: list[Send] = [by_header, by_query]
OFFERING: list[Send] = [by_header_v1, by_query_v1, by_subprotocol]


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    """A server that knows its issuer and audience."""
    async with running([ManualSource()], **ISSUED) as server:
        yield server


@pytest.mark.parametrize("send", PLAIN + OFFERING)
async def test_a_good_token_is_taken_in_every_carriage(server: Running, send: Send) -> None:
    """The connection works, and of the subprotocols only ours is echoed."""
    outcome = await send(server, good())
    assert outcome == Outcome(101, subprotocol="tapecast.v1" if send in OFFERING else None)


@pytest.mark.parametrize("attack", sorted(tokens.hostile_tokens(1_700_000_000_000)))
async def test_a_bad_token_is_refused_in_every_carriage(server: Running, attack: str, log: io.StringIO) -> None:
    """By HTTP with 401, for those that offer our subprotocol with 1008; never as if there were none; never logged."""
    token = tokens.hostile_tokens(now_ms())[attack]
    judge = Judge()
    for send in PLAIN:
        outcome = await send(server, token)
        assert outcome.status == 401
        assert outcome.body is not None
        assert outcome.body["code"] == "unauthorized"
        assert not token or token not in outcome.body["message"]
    for send in OFFERING:
        outcome = await send(server, token)
        if send is by_subprotocol and "=" in token:
            assert outcome.status == 400  # no subprotocol's name has this character
        else:
            assert outcome == Outcome(101, subprotocol="tapecast.v1", close=1008)
    assert log.getvalue().count("refuse") == 5
    assert not token or token not in log.getvalue()
    assert not len(server.gateway.server.sessions)
    assert judge.close_codes


@pytest.mark.parametrize("send", PLAIN + OFFERING)
async def test_clients_of_old_are_accepted_and_closed(send: Send) -> None:
    """With TAPECAST_AUTH_FAILURE=close every refusal is 1008 after the upgrade."""
    async with running([ManualSource()], auth_failure="close") as server:
        outcome = await send(server, "garbage")
        assert (outcome.status, outcome.close) == (101, 1008)
        assert (await send(server, good())).close is None


async def test_a_compulsory_token() -> None:
    """Without one there is 401, with one the socket works; by default nobody needs one."""
    async with running([ManualSource()], bars_token="required") as server:
        outcome = await shake(server.port)
        assert (outcome.status, (outcome.body or {})["code"]) == (401, "unauthorized")
        assert (await shake(server.port, V1)).close == 1008
        assert await by_header(server, good()) == Outcome(101)
    async with running([ManualSource()]) as server:
        assert await shake(server.port) == Outcome(101)


async def test_two_tokens_at_once_are_refused_and_the_same_twice_is_one(server: Running) -> None:
    """Whichever carriages they come in, good or bad."""
    one, other = good(), tokens.sign(tokens.claims(now_ms(), sub="another"))
    for first, second in ((one, other), (one, "garbage"), ("garbage", one)):
        pairs = [
            shake(server.port, ("Authorization", f"Bearer {first}"), query=f"?token={second}"),
            shake(server.port, ("Authorization", f"Bearer {first}"), ("Authorization", f"Bearer {second}")),
            shake(server.port, query=f"?token={first}&token={second}"),
        ]
        assert [(await pair).status for pair in pairs] == [401, 401, 401]
        offered = ("Sec-WebSocket-Protocol", f"tapecast.v1, bearer.{first}, bearer.{second}")
        assert (await shake(server.port, offered)).close == 1008
    both = await shake(server.port, ("Authorization", f"Bearer {one}"), query=f"?token={one}")
    assert both == Outcome(101)


@pytest.mark.parametrize("value", ["", "Bearer", "Basic dTpw", "Bearer a b", "bearer", "token"])
async def test_an_authorization_that_is_no_bearer_token_is_refused(server: Running, value: str) -> None:
    """A header that is there is never treated as absent."""
    assert (await shake(server.port, ("Authorization", value))).status == 401


async def test_the_public_key_is_no_secret() -> None:
    """A server with an RSA key refuses HS256 signed with that key, and takes RS256."""
    public = tokens.public_pem(tokens.rsa_key())
    keys = StaticKeys(VerificationKey("RS256", tokens.rsa_key().public_key()))
    async with running([ManualSource()], keys=keys, **ISSUED) as server:
        for send in PLAIN:
            assert (await send(server, tokens.confusion(now_ms(), public))).status == 401
            signed = tokens.sign(tokens.claims(now_ms()), key=tokens.rsa_key(), algorithm="RS256")
            assert (await send(server, signed)).status == 101
        for send in OFFERING:
            assert (await send(server, tokens.confusion(now_ms(), public))).close == 1008


async def test_keys_of_a_jwks_are_fetched_once_and_for_no_token_again() -> None:
    """A known key is found; unknown names, paths and URLs among them, cost one fetch in 30 s and are refused."""
    fetch = tokens.FakeJwks(tokens.jwks(tokens.jwk(tokens.ec_key(), kid="k1")))
    keys = JwksKeys(fetch, SystemClock())
    async with running([ManualSource()], keys=keys, **ISSUED) as server:
        signed = tokens.sign(tokens.claims(now_ms()), key=tokens.ec_key(), algorithm="ES256", headers={"kid": "k1"})
        assert (await by_header(server, signed)).status == 101
        for kid in ("k2", "../../etc/passwd", "https://attacker.test/jwks.json", "' OR 1=1 --"):
            token = tokens.sign(tokens.claims(now_ms()), key=tokens.ec_key(), algorithm="ES256", headers={"kid": kid})
            assert (await by_header(server, token)).status == 401
        assert fetch.count <= 2
    await keys.close()


async def test_a_token_that_expires_ends_its_connection() -> None:
    """4003 at its time, not before; a connection without a token goes on."""
    clock = VirtualClock(now_ms())
    judge = Judge()
    async with running([ManualSource()], clock=clock) as server, connected(server.bars, judge) as anonymous:
        token = tokens.sign(tokens.claims(clock.now_ms(), exp=clock.now_ms() // 1000 + 60))
        headers = {"Authorization": f"Bearer {token}"}
        async with connected(server.bars, judge, additional_headers=headers) as client:
            await client.subscribe("AAA", "1")
            await clock.advance(58)
            assert (await client.request("ping"))["type"] == "pong"
            await clock.advance(3)
            assert await client.closed() == 4003
        assert (await anonymous.request("ping"))["type"] == "pong"
        await until(lambda: len(server.gateway.server.sessions) == 1)


async def test_who_leaves_before_the_expiry_leaves_no_timer() -> None:
    """A thousand short visits with long tokens would otherwise pile up."""
    clock = VirtualClock(now_ms())
    async with running([ManualSource()], clock=clock) as server:
        await until(lambda: clock.pending == 1)  # the age check's
        token = tokens.sign(tokens.claims(clock.now_ms()))
        for _ in range(5):
            assert (await by_header(server, token)).status == 101
        await until(lambda: len(server.gateway.server.sessions) == 0)
        assert clock.pending == 1


ORIGINS = ("https://app.example", "http://localhost:5173")


@pytest.mark.parametrize(
    ("origins", "admitted"),
    [
        ([], True),
        (["https://app.example"], True),
        (["http://localhost:5173"], True),
        (["https://app.example.attacker.test"], False),
        (["https://attacker.test/https://app.example"], False),
        (["http://app.example"], False),
        (["https://app.example:444"], False),
        (["https://App.example"], False),
        (["null"], False),
        ([""], False),
        (["https://app.example", "https://app.example"], False),
        (["https://app.example, https://attacker.test"], False),
    ],
)
async def test_the_origin_list(origins: list[str], *, admitted: bool) -> None:
    """Exact, once, and after the token: a bad token with a bad Origin is told of the token."""
    headers = [("Origin", origin) for origin in origins]
    async with running([ManualSource()], origins=ORIGINS) as server:
        outcome = await shake(server.port, *headers)
        if admitted:
            assert outcome == Outcome(101)
            return
        if len(origins) > 1:  # no handshake at all, by RFC 6454: refused before anything is looked at
            assert outcome.status == 400
            return
        assert (outcome.status, (outcome.body or {})["code"]) == (403, "forbidden")
        assert (await shake(server.port, *headers, V1)).close == 1008
        assert (await shake(server.port, *headers, ("Authorization", "Bearer x"))).status == 401
    async with running([ManualSource()], origins=ORIGINS, auth_failure="close") as server:
        assert (await shake(server.port, *headers)).close == 1008
    async with running([ManualSource()]) as server:
        assert await shake(server.port, *headers) == Outcome(101)


async def test_unknown_addresses_and_a_server_that_goes_are_told_in_both_ways() -> None:
    """404 or 4504, 503 or 4001."""
    async with running([ManualSource()]) as server:
        assert (await shake(server.port, path="/api/v1/nope")).status == 404
        assert (await shake(server.port, V1, path="/api/v1/nope")).close == 4504
        server.gateway.server.draining = True
        assert (await shake(server.port)).status == 503
        assert (await shake(server.port, V1)).close == 4001


async def test_demo_tokens_over_http() -> None:
    """By JSON or by form; anything else is told what to send."""
    async with running([ManualSource()]) as server, httpx.AsyncClient(base_url=server.http) as http:
        path = "/api/v1/auth/token"
        wanted = {
            "access_token": "a token for ann",
            "token_type": "bearer",
            "expires_in": 86400,
            "scope": "balances:read orders:read",
        }
        credentials = {"username": "ann", "password": "x"}
        assert (await http.post(path, json=credentials)).json() == wanted
        assert (await http.post(path, data=credentials)).json() == wanted
        bodies: list[dict[str, Any]] = [
            {"json": {"username": "ann"}},
            {"json": []},
            {"data": {"username": ""}},
            {"content": b"\xff"},
        ]
        for bad in bodies:
            answer = await http.post(path, **bad)
            assert (answer.status_code, "password" in answer.json()["detail"]) == (400, True)
        assert (await http.post(path, content=b"x" * 5000)).status_code == 400


async def test_every_log_line_of_the_run_is_kept(run_log: RunLog) -> None:
    """Of servers in this process and of those in their own: refusals of hostile tokens are in there, no token is."""
    before = len(run_log.lines)
    async with running([ManualSource()], **ISSUED) as server:
        for token in tokens.hostile_tokens(now_ms()).values():
            await by_header(server, token)
            await by_query(server, token)
    assert sum(" refuse " in line for line in run_log.lines[before:]) > 80
    assert run_log.all_lines()[: len(run_log.lines)] == run_log.lines
    known = Counter(run_log.all_lines())  # not how many: those of a new process don't come last
    async with served(SOURCES="sim", BARS_TOKEN="required") as process:
        port = urlsplit(process.address).port
        assert port is not None
        refused = await shake(port, ("Authorization", f"Bearer {good()}"), query=f"?token={good()}")
        assert refused.status == 401
        await process.stop()
    lines = Counter(run_log.all_lines()) - known
    assert any(" refuse " in line and "status=401" in line and "path=/api/v1/ws" in line for line in lines)
    assert any(" shutdown " in line for line in lines)
    assert run_log.leaks() == []


@pytest.mark.parametrize("part", ["whole", "header", "claims", "signature", "in an exception"])
async def test_a_token_in_a_log_line_is_found(run_log: RunLog, part: str) -> None:
    """Whole or in part, by whichever logger: so the check at the end of the run can fail."""
    token = good()
    header, claims, signature = token.split(".")
    with run_log.on_trial():
        if part == "in an exception":
            try:
                raise ValueError(f"bad token {signature}")
            except ValueError:
                get_logger().exception("refused")
        elif part == "whole":  # by a logger with a form of its own: ours takes a whole token out of its lines
            logger = logging.Logger("another")
            logger.addHandler(logging.StreamHandler(io.StringIO()))
            logger.warning('"WebSocket /api/v1/ws?token=%s" 403', token)
        else:
            logged = {"header": header, "claims": f"claims={claims}", "signature": f"[{signature}]"}
            logging.getLogger("uvicorn.error").warning("refused: %s", logged[part])
        assert len(run_log.leaks()) == 1
    assert run_log.leaks() == []


async def test_a_token_in_the_log_of_another_process_is_found(run_log: RunLog, tmp_path: Path) -> None:
    """Whether its log is read by the test or goes to a file."""
    secret = good()
    command = [sys.executable, "-c", f"import sys; sys.stderr.write('refuse {secret}\\n')"]
    for to_file in (False, True):
        with run_log.on_trial(), (tmp_path / "log").open("w") as file:
            stderr = file if to_file else asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, stderr=stderr)
            await process.communicate()
            assert run_log.leaks() == [f"refuse {secret}"]
        assert run_log.leaks() == []
