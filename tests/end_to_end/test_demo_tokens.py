"""The demo's tokens over HTTP: what may be asked of them, and what then is in them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from gateway.tokens import DEMO_SCOPES
from tests.support.client import connected
from tests.support.handshake import shake
from tests.support.judge import Judge
from tests.support.server import Running
from tests.support.trading import trading, trading_source

PATH = "/api/v1/auth/token"
WHO = {"username": "ann", "password": "x"}


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    """A demo with an account."""
    async with trading(trading_source()) as server:
        yield server


@pytest.fixture
async def http(server: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its HTTP side."""
    async with httpx.AsyncClient(base_url=server.http) as http:
        yield http


async def status(server: Running, path: str, token: str) -> int:
    """Return what a handshake with the token brings at a cache address."""
    return (await shake(server.port, ("Authorization", f"Bearer {token}"), path=f"/api/v1/cache/ws/{path}")).status


async def test_by_default_a_token_allows_all_for_a_day(server: Running, http: httpx.AsyncClient) -> None:
    """It says so, and it does."""
    answer = (await http.post(PATH, json=WHO)).json()
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("bearer", 86400, " ".join(DEMO_SCOPES))
    for path in ("orders/sim", "balances/1", "trades/sim"):
        assert await status(server, path, answer["access_token"]) == 101
    assert await status(server, "balances/2", answer["access_token"]) == 403


@pytest.mark.parametrize("form", [False, True])
async def test_a_token_may_allow_less(server: Running, http: httpx.AsyncClient, *, form: bool) -> None:
    """`scope` names what it is for, as JSON or as a form; of a scope that is named twice there is one."""
    wanted: dict[str, Any] = {**WHO, "scope": "orders:read  orders:read", "expires_in": 60}
    answer = (await (http.post(PATH, data=wanted) if form else http.post(PATH, json=wanted))).json()
    assert (answer["scope"], answer["expires_in"]) == ("orders:read", 60)
    assert await status(server, "orders/sim", answer["access_token"]) == 101
    assert await status(server, "balances/1", answer["access_token"]) == 403


async def test_a_token_may_have_expired_at_once(server: Running, http: httpx.AsyncClient) -> None:
    """`expires_in` 0 is for seeing how one is refused."""
    answer = (await http.post(PATH, json={**WHO, "expires_in": 0})).json()
    outcome = await shake(server.port, ("Authorization", f"Bearer {answer['access_token']}"))
    assert (outcome.status, outcome.body) == (401, {"code": "unauthorized", "message": "The token has expired."})


async def test_a_token_lives_as_long_as_was_asked_for(server: Running, http: httpx.AsyncClient) -> None:
    """Not for less."""
    answer = (await http.post(PATH, json={**WHO, "expires_in": 86400})).json()
    async with connected(f"{server.bars}?token={answer['access_token']}", Judge()) as client:
        assert (await client.request("ping"))["type"] == "pong"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("", ""),
        ("admin", ""),
        ("orders:read admin", "orders:read"),
        ("orders:read  orders:read", "orders:read"),
        ("balances:read orders:read", "balances:read orders:read"),
    ],
)
async def test_scopes_that_the_demo_does_not_know_are_not_granted(
    http: httpx.AsyncClient, asked: str, granted: str
) -> None:
    """The answer says what was granted, and so does the token."""
    wanted = {**WHO, "scope": asked}
    answers = [await http.post(PATH, json=wanted)]
    if asked:  # a form drops what is empty
        answers.append(await http.post(PATH, data=wanted))
    for answer in answers:
        claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
        assert (answer.json()["scope"], claims["scope"]) == (granted, granted)


async def test_a_whole_number_may_be_written_with_a_point(http: httpx.AsyncClient) -> None:
    """60.0 is 60, as JSON Schema has it."""
    assert (await http.post(PATH, json={**WHO, "expires_in": 60.0})).json()["expires_in"] == 60


@pytest.mark.parametrize(
    "body",
    [
        {"json": {**WHO, "scope": None}},
        {"json": {**WHO, "scope": ["orders:read"]}},
        {"json": {**WHO, "scope": "orders:read " * 100}},
        {"json": {**WHO, "expires_in": -1}},
        {"json": {**WHO, "expires_in": 86401}},
        {"json": {**WHO, "expires_in": 1.5}},
        {"json": {**WHO, "expires_in": True}},
        {"json": {**WHO, "expires_in": "60"}},
        {"data": {**WHO, "expires_in": "soon"}},
        {"data": {**WHO, "expires_in": "-1"}},
        {"data": {**WHO, "expires_in": ["0", "60"]}},
    ],
)
async def test_what_no_token_can_be_is_told(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """400, with what may be asked for; never a token that is more than was asked for."""
    answer = await http.post(PATH, **body)
    assert answer.status_code == 400
    assert "scope" in answer.json()["detail"]
    assert "expires_in" in answer.json()["detail"]


async def test_it_is_documented(http: httpx.AsyncClient) -> None:
    """OpenAPI has both members with their bounds, for JSON and forms, and the answer's scope."""
    document = (await http.get("/openapi.json")).json()
    operation = document["paths"][PATH]["post"]
    for content in operation["requestBody"]["content"].values():
        members = content["schema"]["properties"]
        assert (members["expires_in"]["minimum"], members["expires_in"]["maximum"]) == (0, 86400)
        assert members["scope"]["default"] == "balances:read orders:read"
        assert content["schema"]["required"] == ["username", "password"]
    assert "scope" in document["components"]["schemas"]["Token"]["properties"]
