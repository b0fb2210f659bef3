"""Refusals on the cache endpoints: who is not let in, how each way of refusing says so, and which fault comes first."""

import io
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from market.events import Account
from tests.support import tokens
from tests.support.flat import CACHE, ENDPOINTS, Endpoint, RawSocket, entered, market, shared_judge, token_for
from tests.support.handshake import V1, Outcome, shake
from tests.support.server import Running, running
from tests.support.source import ManualSource, symbol

Header = tuple[str, str]
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
ORIGIN = "https://good.example"
EVIL = ("Origin", "https://evil.test")


@dataclass(frozen=True)
class Carriage:
    """A way to send a token; `offers`: the client offers our subprotocol, and so it is accepted and closed."""

    headers: Callable[[str], list[Header]]
    query: Callable[[str], str] = lambda token: ""
    offers: bool = False


def bearer(token: str) -> Header:
    """Return the header."""
    return ("Authorization", f"Bearer {token}")


def in_query(token: str) -> str:
    """Return the query."""
    return f"?token={quote(token, safe='')}"


CARRIAGES = {
    "header": Carriage(lambda token: [bearer(token)]),
    "query": Carriage(lambda token: [], in_query),
    "header, v1": Carriage(lambda token: [bearer(token), V1], offers=True),
    "query, v1": Carriage(lambda token: [V1], in_query, offers=True),
    "subprotocol": Carriage(lambda token: [("Sec-WebSocket-Protocol", f"tapecast.v1, bearer.{token}")], offers=True),
}


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    """A server that knows its issuer, audience and Origins."""
    async with running(
        [market()], jwt_issuer=tokens.ISSUER, jwt_audience=tokens.AUDIENCE, origins=(ORIGIN, "http://localhost:5173")
    ) as server:
        yield server


def path_of(address: str) -> str:
    """Return the whole path of an address below the cache's."""
    return address if address.startswith("/api") else CACHE + address


async def send(server: Running, address: str, carriage: Carriage, token: str, *more: Header) -> Outcome:
    """Shake hands with the token in this carriage."""
    return await shake(server.port, *carriage.headers(token), *more, path=path_of(address), query=carriage.query(token))


CLOSES = {401: 1008, 403: 1008, 404: 4504, 422: 4504, 503: 4001}


async def expect_refusal(
    server: Running, address: str, token: str | None, status: int, code: str, *headers: Header
) -> str:
    """Expect the refusal by HTTP, and as a close frame for who offers our subprotocol; returns the message."""
    given = [] if token is None else [bearer(token)]
    plain = await shake(server.port, *given, *headers, path=path_of(address))
    assert plain.status == status, (address, plain)
    assert plain.body is not None, address
    assert set(plain.body) == {"code", "message"}
    assert plain.body["code"] == code, (address, plain)
    offering = await shake(server.port, *given, *headers, V1, path=path_of(address), judge=shared_judge())
    assert offering == Outcome(101, subprotocol="tapecast.v1", close=CLOSES[status]), address
    assert token is None or token not in plain.body["message"]
    return str(plain.body["message"])


# ------------------------------------------------------------------------------------------------ tokens


@each_endpoint
async def test_a_token_is_compulsory_and_each_carriage_brings_it(server: Running, endpoint: Endpoint) -> None:
    """Without one 401; with one, in any carriage, the socket works and only our subprotocol is echoed."""
    await expect_refusal(server, endpoint.path, None, 401, "unauthorized")
    for name, carriage in CARRIAGES.items():
        outcome = await send(server, endpoint.path, carriage, token_for(server))
        assert outcome == Outcome(101, subprotocol="tapecast.v1" if carriage.offers else None), name
    bare = await shake(
        server.port, ("Sec-WebSocket-Protocol", f"bearer.{token_for(server)}"), path=endpoint.path, judge=shared_judge()
    )
    assert bare == Outcome(101, subprotocol=None)


@each_endpoint
@pytest.mark.parametrize("way", ["http", "close"])
async def test_every_hostile_token_is_refused(endpoint: Endpoint, way: str, log: io.StringIO) -> None:
    """In every carriage and in both ways of refusing; nothing of it is told or logged, and nobody is left."""
    sources = [market()]
    async with running(sources, jwt_issuer=tokens.ISSUER, jwt_audience=tokens.AUDIENCE, auth_failure=way) as server:
        hostile = tokens.hostile_tokens(server.gateway.clock.now_ms())
        refused = 0
        for attack, token in hostile.items():
            for name, carriage in CARRIAGES.items():
                if name == "subprotocol" and "=" in token:
                    continue  # no subprotocol's name has this character
                outcome = await shake(
                    server.port,
                    *carriage.headers(token),
                    path=endpoint.path,
                    query=carriage.query(token),
                    judge=shared_judge(),
                )
                refused += 1
                if carriage.offers:
                    assert outcome == Outcome(101, subprotocol="tapecast.v1", close=1008), (attack, name)
                elif way == "close":
                    assert outcome == Outcome(101, close=1008), (attack, name)
                else:
                    assert outcome.status == 401, (attack, name)
                    assert outcome.body is not None
                    assert set(outcome.body) == {"code", "message"}
                    assert outcome.body["code"] == "unauthorized"
                    assert not token or token not in outcome.body["message"]
        assert log.getvalue().count(" refuse ") == refused > 200
        assert not any(token in log.getvalue() for token in hostile.values() if len(token) > 20)
        assert len(server.gateway.server.sessions) == 0
        assert len(server.gateway.hub) == 0


@each_endpoint
async def test_two_tokens_at_once_are_refused(server: Running, endpoint: Endpoint) -> None:
    """In two carriages or in one, also where both are good; the same one twice is one."""
    one, other = token_for(server), token_for(server, sub="another")
    for first, second in ((one, other), (one, "garbage"), ("garbage", one)):
        plain = [
            await shake(server.port, bearer(first), path=endpoint.path, query=in_query(second)),
            await shake(server.port, bearer(first), bearer(second), path=endpoint.path),
            await shake(server.port, path=endpoint.path, query=f"{in_query(first)}&token={second}"),
        ]
        assert [(outcome.status, (outcome.body or {})["code"]) for outcome in plain] == [(401, "unauthorized")] * 3
        offered = ("Sec-WebSocket-Protocol", f"tapecast.v1, bearer.{first}")
        for more, query in (([bearer(second)], ""), ([], in_query(second))):
            outcome = await shake(server.port, offered, *more, path=endpoint.path, query=query, judge=shared_judge())
            assert outcome.close == 1008
    assert (await shake(server.port, bearer(one), path=endpoint.path, query=in_query(one))).status == 101


async def test_clients_of_old_are_accepted_and_closed_with_1008_whatever_the_fault() -> None:
    """With TAPECAST_AUTH_FAILURE=close: tokens, scopes, accounts, Origins."""
    async with running([market()], auth_failure="close", origins=(ORIGIN,)) as server:
        refused: list[tuple[str, list[Header]]] = [
            ("/tickers/test", []),
            ("/tickers/test", [bearer("garbage")]),
            ("/orders/test", [bearer(token_for(server, scope=""))]),
            ("/balances/9", [bearer(token_for(server))]),
            ("/trades/test", [bearer(token_for(server)), ("Origin", "https://evil.test")]),
        ]
        for address, headers in refused:
            outcome = await shake(server.port, *headers, path=CACHE + address, judge=shared_judge())
            assert (outcome.status, outcome.close) == (101, 1008), address
        assert (await shake(server.port, bearer(token_for(server)), path=f"{CACHE}/orders/test")).close is None


# ------------------------------------------------------------------------------------------------ scopes, accounts


@each_endpoint
async def test_a_scope_is_wanted_where_the_document_says_so(server: Running, endpoint: Endpoint) -> None:
    """403 without it, whatever else the token may do; the public streams want none."""
    scopes = {"orders:read", "balances:read"}
    useless = ["", "read", "ORDERS:READ", "orders:read:all balances:readx", *sorted(scopes - {str(endpoint.scope)})]
    for scope in useless:
        token = token_for(server, scope=scope)
        if endpoint.scope is None:
            assert (await shake(server.port, bearer(token), path=endpoint.path)).status == 101
        else:
            message = await expect_refusal(server, endpoint.path, token, 403, "forbidden")
            assert endpoint.scope in message
    if endpoint.scope is not None:
        token = token_for(server, scope=f"more {endpoint.scope}")
        assert (await shake(server.port, bearer(token), path=endpoint.path)).status == 101


async def test_a_token_without_scopes_or_accounts_has_those_of_the_settings() -> None:
    """None by default; the user's own accounts and no other user's."""
    async with running([market()]) as server:
        for path, without in (("/orders/test", "scope"), ("/balances/1", "scope"), ("/balances/1", "accounts")):
            outcome = await shake(server.port, bearer(token_for(server, without)), path=CACHE + path)
            assert outcome.status == 403, (path, without)
    accounts = {"1": frozenset({1, 2}), "3": frozenset({1})}
    async with running([market()], default_scopes="orders:read balances:read", accounts=accounts) as server:
        token = token_for(server, "scope", "accounts")
        for path, status in (("/orders/test", 101), ("/balances/1", 101), ("/balances/2", 403)):
            assert (await shake(server.port, bearer(token), path=CACHE + path)).status == status, path
        for user in ("2", "3"):
            token = token_for(server, "scope", "accounts", user_id=user)
            assert (await shake(server.port, bearer(token), path=f"{CACHE}/balances/1")).status == 403


async def raw_refusal(server: Running, address: str, token: str) -> tuple[int, list[str], bytes]:
    """Return a refusal's status, headers (but the date) and body, as they were sent."""
    client = await RawSocket.open(server.port, CACHE + address, token)
    lines = [line for line in client.head.split("\r\n") if not line.lower().startswith("date:")]
    body = await client.body()
    client.drop()
    return client.status, lines, body


async def test_a_foreign_account_looks_like_one_that_does_not_exist(server: Running) -> None:
    """Byte for byte, whichever numbers the token lists, with a currency and without."""
    claimed: list[list[int]] = [[1], [], [1, 2, 9], [2], [9], [0]]
    refusals = set()
    for accounts in claimed:
        token = token_for(server, accounts=accounts)
        for number in (2, 9, 0, 2**53 - 1):
            for currency in ("", "/BTC", "/XXX"):
                status, lines, body = await raw_refusal(server, f"/balances/{number}{currency}", token)
                assert status == 403
                refusals.add((tuple(lines), body))
    token = token_for(server, accounts=[])
    for address in ("/balances/1", "/balances/1/BTC", "/orders/test", "/orders/test/BTC/USDT", "/orders/elsewhere"):
        status, lines, body = await raw_refusal(server, address, token)
        assert status == 403, address
        refusals.add((tuple(lines), body))
    [(_, body)] = refusals
    assert json.loads(body)["code"] == "forbidden"
    assert not any(character.isdigit() for character in body.decode())
    await expect_refusal(server, "/balances/2", token_for(server), 403, "forbidden")


async def test_the_same_number_of_two_users_is_two_accounts() -> None:
    """Each sees its own, by number and by exchange, whatever the other's token lists."""
    one, two = Account("1", 5, "test", ("BTC",)), Account("2", 5, "test", ("BTC",))
    source = ManualSource(symbol("BTC/USDT"), accounts=(one, two))
    async with running([source]) as server:
        for account, total in ((one, "111"), (two, "222")):
            source.balance("BTC", total, account=account)
            source.order(f"order of {account.user_id}", key="test:BTC/USDT", account=account)
        for account, number in ((one, 111), (two, 222)):
            token = token_for(server, user_id=account.user_id, sub="same", accounts=[5])
            async with entered(server, "/balances/5", token) as balances, entered(server, "/orders/test", token) as own:
                assert [message["BTC"]["total"] for message in await balances.settle()] == [number]
                assert [message["order_id"] for message in await own.settle()] == [f"order of {account.user_id}"]
        stranger = token_for(server, user_id="3", accounts=[5])
        assert (await shake(server.port, bearer(stranger), path=f"{CACHE}/balances/5")).status == 403
        assert (await shake(server.port, bearer(stranger), path=f"{CACHE}/orders/test")).status == 403


async def test_accounts_that_are_no_list_of_numbers_open_none(server: Running) -> None:
    """`true` is no account 1; such a token is refused, one way or another."""
    wrong: list[object] = ["1", 1, ["1"], [True], [1.0], {"1": 1}, [[1]], None, [None], [-1]]
    for accounts in wrong:
        outcome = await shake(server.port, bearer(token_for(server, accounts=accounts)), path=f"{CACHE}/balances/1")
        assert outcome.status in (401, 403), accounts


# ------------------------------------------------------------------------------------------------ Origins

ORIGINS: dict[str, tuple[list[str], bool]] = {
    "none": ([], True),
    "listed": ([ORIGIN], True),
    "listed with a port": (["http://localhost:5173"], True),
    "another": (["https://evil.test"], False),
    "null": (["null"], False),
    "empty": ([""], False),
    "as a subdomain of another": (["https://good.example.evil.test"], False),
    "as the end of another": (["https://xgood.example"], False),
    "a subdomain": (["https://www.good.example"], False),
    "trailing dot": (["https://good.example."], False),
    "trailing slash": (["https://good.example/"], False),
    "http": (["http://good.example"], False),
    "ws": (["wss://good.example"], False),
    "port": (["https://good.example:8443"], False),
    "default port": (["https://good.example:443"], False),
    "no port": (["http://localhost"], False),
    "user": (["https://good.example@evil.test"], False),
    "in a path": (["https://evil.test/https://good.example"], False),
    "upper case": (["HTTPS://GOOD.EXAMPLE"], False),
    "two in one": ([f"{ORIGIN} https://evil.test"], False),
    "a list": ([f"{ORIGIN}, https://evil.test"], False),
    "wildcard": (["*"], False),
    "homograph": (["https://xn--gd-fmaa.example"], False),
}


async def test_the_origin_is_on_the_list_to_the_letter(server: Running) -> None:
    """On each stream; anything near it is refused with 403 or 1008."""
    token = token_for(server)
    for name, (origins, admitted) in ORIGINS.items():
        headers = [("Origin", origin) for origin in origins]
        for endpoint in ENDPOINTS:
            if admitted:
                outcome = await shake(server.port, bearer(token), *headers, path=endpoint.path)
                assert outcome == Outcome(101), (name, endpoint.path)
            else:
                await expect_refusal(server, endpoint.path, token, 403, "forbidden", *headers)


async def test_two_origins_are_no_handshake(server: Running) -> None:
    """Refused before anything is looked at, in each order; nobody comes in."""
    for endpoint in ENDPOINTS:
        for pair in ((ORIGIN, ORIGIN), (ORIGIN, "https://evil.test"), ("null", ORIGIN)):
            headers = [("Origin", origin) for origin in pair]
            for more in ([], [V1]):
                outcome = await shake(server.port, bearer(token_for(server)), *headers, *more, path=endpoint.path)
                assert outcome.status == 400, (endpoint.path, pair)
    assert len(server.gateway.server.sessions) == 0


# ------------------------------------------------------------------------------------------------ addresses

UNKNOWN: dict[str, str] = {
    "/tickers/nowhere": "unknown_exchange",
    "/tickers/TEST": "unknown_exchange",
    "/tickers/nowhere/BTC/USDT": "unknown_exchange",
    "/tickers/test/XXX": "unknown_symbol",
    "/tickers/test/BTC%2FUSDX": "unknown_symbol",
    "/tickers/test/btc/usdt": "unknown_symbol",
    "/tickers/elsewhere/ETH/USDT": "unknown_symbol",
    "/tickers/test/test:BTC/USDT": "unknown_symbol",
    "/trades/nowhere": "unknown_exchange",
    "/trades/test/XXX": "unknown_symbol",
    "/orders/nowhere": "unknown_exchange",
    "/orders/nowhere/BTC/USDT": "unknown_exchange",
    "/orders/test/XXX": "unknown_symbol",
    "/balances/1/XXX": "unknown_currency",
    "/balances/1/btc": "unknown_currency",
    "/balances/1/type": "unknown_currency",
    "/balances/1/seq": "unknown_currency",
}


async def test_what_does_not_exist_is_told_with_a_code(server: Running) -> None:
    """404 or 4504: the address is one of the document's, what stands in it is not known."""
    for address, code in UNKNOWN.items():
        await expect_refusal(server, address, token_for(server), 404, code)


MALFORMED_IDS = [
    *("abc", "-1", "1.5", "01", "1e3", "1e0", "+1", "-0", "00", "0x1", "1_0", "1,0", "%201", "1%20", "1%0A", "%001"),
    *("\N{ARABIC-INDIC DIGIT ONE}", "\N{SUPERSCRIPT ONE}", "true", "null", "NaN", "1%2E0", str(10**30), str(2**53)),
]


async def test_a_malformed_exchange_id_is_told(server: Running) -> None:
    """422 or 4504, wide and narrow; the value is not repeated. A digit that is encoded is the digit."""
    for number in MALFORMED_IDS:
        for currency in ("", "/BTC"):
            address = f"/balances/{quote(number, safe='%')}{currency}"
            message = await expect_refusal(server, address, token_for(server), 422, "invalid_parameter")
            assert "exchange_id must be an integer" in message
    assert (await shake(server.port, bearer(token_for(server)), path=f"{CACHE}/balances/%31")).status == 101


async def test_half_a_position_is_told(server: Running) -> None:
    """422 or 4504: where a client stands is an epoch and a number in it."""
    for query, lacks in (("epoch=x", "seq must be sent beside epoch."), ("seq=1", "epoch must be sent beside seq.")):
        for address in ("/trades/test", "/orders/test/BTC/USDT", "/balances/1"):
            token = token_for(server)
            message = await expect_refusal(server, f"{address}?{query}", token, 422, "invalid_parameter")
            assert message == lacks


NO_ADDRESS = [
    *("/tickers/test/", "/trades/test/BTC/USDT/", "/orders/test/BTC/USDT/", "/balances/1/BTC/"),  # trailing slash
    *("/tickers/test%2F", "/trades/test/BTC%2FUSDT%2f", "/balances/1%2F", "/balances/1/BTC%2F"),
    *("/tickers/test/", "/trades/test//", "/orders/test//BTC/USDT", "/balances/1/", "/tickers//BTC"),  # empty
    *("/tickers/test/%2F", "/trades/test/%2FUSDT", "/orders/test/BTC%2F%2FUSDT", "/balances/1/%2F"),
    *("/tickers/test/BTC%252FUSDT", "/trades/test/BTC%252fUSDT", "/orders/te%252Fst"),  # doubly encoded slash
    *("/tickers/te%2Fst", "/trades/te%2Fst/BTC/USDT", "/orders/%2Ftest", "/balances/1%2F2"),  # inside exchange
    *("/balances/1/BTC/USDT", "/balances/1/BTC%2FUSDT"),  # a currency has none
    *("", "/", "/tickers", "/tickers/", "/balances", "/balances/", "/ohlcv/test", "/Tickers/test"),
    *("/tickers/../tickers/test", "/tickers/test/..", "/tickers/./test", "/tickers/%2e%2e/test"),
    *("/tickers/test/%FF", "/tickers/test/%", "/tickers/test/%zz"),
]


async def test_what_is_no_address_is_told_before_anything_else(server: Running) -> None:
    """404 or 4504 with a good token, with a bad one, without one, and from a wrong Origin."""
    for address in NO_ADDRESS:
        for token in (token_for(server), "garbage", None):
            await expect_refusal(server, CACHE + address, token, 404, "unknown_address")
        await expect_refusal(server, CACHE + address, token_for(server), 404, "unknown_address", EVIL)


async def test_a_raw_slash_in_an_exchange_is_another_address(server: Running) -> None:
    """`te/st` can't be told from a symbol: no exchange of that name is there either, so it is 404 as well."""
    for stream in ("tickers", "trades", "orders"):
        await expect_refusal(server, f"/{stream}/te/st", token_for(server), 404, "unknown_exchange")
        await expect_refusal(server, f"/{stream}/te/st/BTC/USDT", token_for(server), 404, "unknown_exchange")


# ------------------------------------------------------------------------------------------------ the order

NO_SCOPE: dict[str, object] = {"scope": ""}
NO_ACCOUNT: dict[str, object] = {"accounts": []}


TWO_FAULTS: list[tuple[str, dict[str, object] | None, list[Header], int, str]] = [
    ("/tickers/nowhere", None, [], 401, "unauthorized"),
    ("/balances/abc", None, [], 401, "unauthorized"),
    ("/tickers/test", None, [EVIL], 401, "unauthorized"),
    ("/orders/test", {"exp": 1}, [EVIL], 401, "unauthorized"),
    ("/orders/nowhere", NO_SCOPE | {"exp": 1}, [], 401, "unauthorized"),
    ("/tickers/nowhere", {}, [EVIL], 403, "Origin"),
    ("/orders/test", NO_SCOPE, [EVIL], 403, "Origin"),
    ("/balances/9", {}, [EVIL], 403, "Origin"),
    ("/balances/abc", {}, [EVIL], 403, "Origin"),
    ("/balances/abc", NO_SCOPE, [], 403, "orders:read|balances:read"),
    ("/balances/9", NO_SCOPE, [], 403, "orders:read|balances:read"),
    ("/balances/1/XXX", NO_SCOPE, [], 403, "orders:read|balances:read"),
    ("/orders/nowhere", NO_SCOPE, [], 403, "orders:read|balances:read"),
    ("/balances/abc", NO_ACCOUNT, [], 422, "invalid_parameter"),
    ("/balances/abc/XXX", {}, [], 422, "invalid_parameter"),
    ("/balances/9/XXX", {}, [], 403, "account"),
    ("/balances/1/XXX", NO_ACCOUNT, [], 403, "account"),
    ("/orders/test/XXX", NO_ACCOUNT, [], 403, "account"),
]


async def test_of_two_faults_the_first_is_told(server: Running) -> None:
    """Token, Origin, scope or account, malformed parameter, unknown name: in this order."""
    for address, claims, headers, status, code in TWO_FAULTS:
        token = "garbage" if claims is None else token_for(server, **claims)
        if status == 403:
            message = await expect_refusal(server, address, token, 403, "forbidden", *headers)
            assert any(word in message for word in code.split("|")), (address, message)
        else:
            await expect_refusal(server, address, token, status, code, *headers)


async def test_a_server_that_goes_says_so_after_everything_else(server: Running) -> None:
    """503 or 4001, but only to who would be let in otherwise."""
    server.gateway.server.draining = True
    for endpoint in ENDPOINTS:
        await expect_refusal(server, endpoint.path, "garbage", 401, "unauthorized")
        await expect_refusal(server, endpoint.path, token_for(server), 403, "forbidden", EVIL)
        await expect_refusal(server, endpoint.path, token_for(server), 503, "draining")
    await expect_refusal(server, "/orders/test", token_for(server, scope=""), 403, "forbidden")
    await expect_refusal(server, "/balances/abc", token_for(server), 422, "invalid_parameter")
    await expect_refusal(server, "/balances/9", token_for(server), 403, "forbidden")
    await expect_refusal(server, "/tickers/nowhere", token_for(server), 404, "unknown_exchange")
