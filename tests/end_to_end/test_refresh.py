"""Renewing a token on a socket that lives, in both forms: who lives on, who is ended, who is warned. No log has one."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.typing import Subprotocol

from tests.support import tokens
from tests.support.client import Client, connected
from tests.support.clock import VirtualClock
from tests.support.flat import CACHE, market, running_at
from tests.support.judge import Judge
from tests.support.server import Running

BARS = "/api/v1/ws"
ALL = [
    BARS,
    *(f"{CACHE}/{kind}/test{symbol}" for kind in ("tickers", "trades", "orders") for symbol in ("", "/BTC/USDT")),
    f"{CACHE}/balances/1",
    f"{CACHE}/balances/1/BTC",
]
ANYBODYS = [BARS, *(path for path in ALL if "tickers" in path or "trades" in path)]
OWN = {path: "orders:read" if "orders" in path else "balances:read" for path in ALL if path not in ANYBODYS}
OURS = [Subprotocol("tapecast.v1")]


@pytest.fixture
def clock() -> VirtualClock:
    """The time of the server and of its tokens."""
    return VirtualClock(1_700_000_000_000)


@pytest.fixture
async def server(clock: VirtualClock) -> AsyncIterator[Running]:
    """A server that warns a minute before a token's end."""
    async with running_at(clock, market(), token_warning_ms=60_000) as server:
        yield server


def token(clock: VirtualClock, lives_s: int, *without: str, **changes: object) -> str:
    """Return a token of user 1 that lives so long from now."""
    return tokens.sign(tokens.claims(clock.now_ms(), *without, exp=clock.now_ms() // 1000 + lives_s, **changes))


@asynccontextmanager
async def at(server: Running, path: str, held: str | None, *, plain: bool = False) -> AsyncIterator[Client]:
    """Connect to a path with a token; as a client of our subprotocol unless it is a plain one."""
    options: dict[str, Any] = {} if plain else {"subprotocols": OURS}
    if held is not None:
        options["additional_headers"] = {"Authorization": f"Bearer {held}"}
    async with connected(f"ws://127.0.0.1:{server.port}{path}", Judge(), **options) as client:
        yield client


async def refresh(client: Client, new: str, **members: object) -> dict[str, Any]:
    """Renew, in the form of the socket; returns the members of the answer."""
    if client.path == BARS:
        await client.send("auth.refresh", {"token": new, **members})
    else:
        await client.raw(json.dumps({"type": "auth.refresh", "token": new, **members}))
    message = (await client.receive_until(lambda message: message["type"] in ("auth.ack", "error")))[-1]
    answer: dict[str, Any] = message.get("payload", message)
    return answer | {"type": message["type"]}


async def kinds(client: Client) -> list[str]:
    """Return the types of what has come up to now, without the stream's own frames."""
    own = ("ready", "ticker", "trade", "order", "balances")
    return [message["type"] for message in await client.settle() if message["type"] not in own]


@pytest.mark.parametrize("plain", [False, True], ids=["v1", "plain"])
@pytest.mark.parametrize("path", ALL)
async def test_a_new_token_lets_a_connection_live_on(
    server: Running, clock: VirtualClock, path: str, plain: bool
) -> None:
    """Until the new one's end, told in milliseconds, which then ends it with 4003."""
    async with at(server, path, token(clock, 100), plain=plain) as client:
        await clock.advance(90)
        expires_at = clock.now_ms() + 500_000
        answer = await refresh(client, token(clock, 500), id="a")
        assert (answer["status"], answer["expires_at"], answer["id"]) == ("ok", expires_at, "a")
        assert "code" not in answer
        await clock.advance(499)
        await client.settle()
        await clock.advance(2)
        assert await client.closed() == 4003


@pytest.mark.parametrize("path", ALL)
async def test_a_bad_token_is_refused_and_changes_nothing(server: Running, clock: VirtualClock, path: str) -> None:
    """Malformed, forged or expired: an error with the request's id, and the old one counts on to its end."""
    async with at(server, path, token(clock, 300)) as client:
        held = token(clock, 60)
        await clock.advance(100)
        forged = tokens.sign(tokens.claims(clock.now_ms()), tokens.OTHER_SECRET)
        for number, bad in enumerate(("garbage", "", forged, held)):
            answer = await refresh(client, bad, id=number)
            assert (answer["status"], answer["code"], answer["id"]) == ("error", "unauthorized", number)
            assert "expires_at" not in answer
        await clock.advance(195)
        await client.settle()
        await clock.advance(10)
        assert await client.closed() == 4003


@pytest.mark.parametrize("changes", [{"sub": "another"}, {"user_id": "2"}], ids=["subject", "user"])
@pytest.mark.parametrize("path", ALL)
async def test_another_users_token_ends_the_connection(
    server: Running, clock: VirtualClock, path: str, changes: dict[str, str]
) -> None:
    """After its answer, with 4501."""
    async with at(server, path, token(clock, 300)) as client:
        answer = await refresh(client, token(clock, 300, **changes), id=1)
        assert (answer["status"], answer["code"], answer["id"]) == ("error", "forbidden", 1)
        assert await client.closed() == 4501


@pytest.mark.parametrize("path", OWN)
async def test_a_token_that_no_longer_covers_what_is_shown_ends_the_connection(
    server: Running, clock: VirtualClock, path: str
) -> None:
    """Without the scope or without the account: 4501 after the answer; with both and no more, it lives on."""
    for changes in ({"scope": "something:else"}, {"accounts": [2]}):
        async with at(server, path, token(clock, 300)) as client:
            answer = await refresh(client, token(clock, 300, **changes))
            assert (answer["status"], answer["code"]) == ("error", "forbidden")
            assert await client.closed() == 4501
    async with at(server, path, token(clock, 300)) as client:
        assert (await refresh(client, token(clock, 300, scope=OWN[path])))["status"] == "ok"
        await client.settle()


@pytest.mark.parametrize("path", ANYBODYS)
async def test_fewer_scopes_are_fine_where_none_is_needed(server: Running, clock: VirtualClock, path: str) -> None:
    """Tickers, trades and bars are anybody's."""
    async with at(server, path, token(clock, 300)) as client:
        assert (await refresh(client, token(clock, 300, scope="", accounts=[])))["status"] == "ok"
        await client.settle()


@pytest.mark.parametrize("path", [BARS, f"{CACHE}/tickers/test"])
async def test_only_a_client_of_ours_is_warned_once_for_each_token(
    server: Running, clock: VirtualClock, path: str
) -> None:
    """A minute before the end, which it names; after a renewal again before the new end. Others hear nothing."""
    async with (
        at(server, path, token(clock, 100)) as client,
        at(server, path, token(clock, 100), plain=True) as plain,
    ):
        expires_at = clock.now_ms() + 100_000
        await clock.advance(39)
        assert await kinds(client) == []
        await clock.advance(2)
        warning = (await client.receive_until(lambda message: message["type"] == "auth.expiring"))[-1]
        assert warning.get("payload", warning)["expires_at"] == expires_at
        await clock.advance(30)
        assert await kinds(client) == []
        await refresh(client, token(clock, 100))
        await clock.advance(20)
        assert await kinds(client) == []
        assert await kinds(plain) == []
        await clock.advance(25)
        assert await kinds(client) == ["auth.expiring"]
        assert await plain.closed() == 4003


async def test_a_bars_socket_without_a_token_can_take_one(server: Running, clock: VirtualClock) -> None:
    """From then on it ends with it, and it is that user's: another's ends it."""
    async with at(server, BARS, None) as client:
        assert (await refresh(client, token(clock, 300)))["status"] == "ok"
        assert (await refresh(client, token(clock, 300, sub="another")))["code"] == "forbidden"
        assert await client.closed() == 4501
    async with at(server, BARS, None) as client:
        assert (await refresh(client, token(clock, 30)))["status"] == "ok"
        await clock.advance(31)
        assert await client.closed() == 4003


@pytest.mark.parametrize("path", [BARS, f"{CACHE}/orders/test"])
async def test_a_request_without_a_token_is_a_bad_request(server: Running, clock: VirtualClock, path: str) -> None:
    """Missing, of another type or too long: the connection lives."""
    async with at(server, path, token(clock, 300)) as client:
        for members in ({}, {"token": 1}, {"token": "x" * 4097}):
            message = (
                {"type": "auth.refresh", "payload": members} if path == BARS else {"type": "auth.refresh", **members}
            )
            await client.raw(json.dumps(message))
            error = (await client.receive_until(lambda message: message["type"] == "error"))[-1]
            assert error.get("payload", error)["code"] == "bad_request"
        await client.settle()


async def test_no_token_is_logged(server: Running, clock: VirtualClock, log: io.StringIO) -> None:
    """Neither a good one, nor a bad one, nor one in a frame that is wrong; and no answer repeats one."""
    secrets = [
        token(clock, 300),
        token(clock, 400),
        token(clock, 300, sub="another"),
        "a-secret-that-is-no-token-at-all",
    ]
    for path in (BARS, f"{CACHE}/orders/test"):
        async with at(server, path, secrets[0]) as client:
            for new in (secrets[3], secrets[1]):
                answer = await refresh(client, new)
                assert not any(secret in str(answer) for secret in secrets)
            await client.raw(
                json.dumps({"type": "auth.refresh", "token": [secrets[3]], "payload": {"token": [secrets[3]]}})
            )
            error = (await client.receive_until(lambda message: message["type"] == "error"))[-1]
            assert not any(secret in str(error) for secret in secrets)
            await refresh(client, secrets[2])
            assert await client.closed() == 4501
    text = log.getvalue()
    assert "close" in text
    assert not [secret for secret in secrets if secret in text or secret.rpartition(".")[2] in text]
