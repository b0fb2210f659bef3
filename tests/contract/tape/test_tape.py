"""The faulty servers: the proxy without a fault is the real server, and each fault can be seen by a plain client."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.contract.tape.line import Frame, Json, Line, Shake, World
from tests.contract.tape.mutants import MUTANTS
from tests.contract.tape.proxy import serving
from tests.contract.tape.shows import (
    ALL_ORDERS,
    HELLO,
    SHOWS,
    TICKERS,
    TRADES,
    Refresh,
    at,
    expired,
    foreign,
    forged,
    misjudged,
    none,
    on_bars,
    unscoped,
    unsigned,
    with_bearer,
)
from tests.contract.tape.talking import (
    BARS,
    CACHE,
    Conversation,
    Seen,
    Sees,
    Talk,
    flat,
    frame,
    good,
    ping,
    stream_faults,
    sub,
    unsub,
)
from tests.contract.tape.tokens import SECRET, token
from tests.contract.tape.upstream import real_server
from tests.support.judge import load_document

RULES = frozenset(
    {
        "frame-undeclared",
        "frame-invalid",
        "error-code",
        "close-code",
        "connection-lost",
        "reply-missing",
        "reply-late",
        "reply-id",
        "reply-wrong",
        "reply-twice",
        "reply-unasked",
        "valid-refused",
        "invalid-accepted",
        "invalid-ignored",
        "invalid-kills",
        "handshake-accepted",
        "handshake-refused",
        "handshake-subprotocol",
        "token-kept",
        "stream-ack-late",
        "stream-hole",
        "stream-double",
        "stream-backward",
        "stream-epoch",
        "stream-unsubscribed",
        "stream-resume",
    }
)
UNDECLARED_TOO = frozenset({"symbol-number-kills"})
"""A bad frame that ends the connection with an undeclared code: the one fault is that it ends at all."""
AT_ONCE = 40
ROOT = Path(__file__).resolve().parents[3]


def never(seen: Seen) -> bool:
    """Wait for nothing."""
    del seen
    return False


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real server, for all mutants."""
    with real_server(tmp_path_factory.mktemp("server") / "log") as address:
        time.sleep(1)  # by then everything has traded
        yield address


class Held:
    """All conversations, held once: with the mutant they are for, and with the proxy that breaks nothing."""

    def __init__(self) -> None:
        """Hold none yet."""
        self.faulty: dict[str, Seen] = {}
        self.failures: dict[object, Exception] = {}
        self.untouched: dict[Conversation, Seen] = {}
        self.direct: dict[Conversation, Seen] = {}

    async def hold(self, upstream: str) -> None:
        """Hold them, many at a time."""
        room = asyncio.Semaphore(AT_ONCE)

        async def faulty(name: str) -> None:
            conversation, sees = SHOWS[name]
            async with room, serving(name, upstream) as url:
                try:
                    self.faulty[name] = await conversation(url, sees)
                except Exception as failure:
                    self.failures[name] = failure

        async def untouched(conversation: Conversation) -> None:
            async with room, serving(None, upstream) as url:
                try:
                    self.untouched[conversation] = await conversation(url, never)
                except Exception as failure:
                    self.failures[conversation] = failure

        async def direct(conversation: Conversation) -> None:
            async with room:
                self.direct[conversation] = await conversation(upstream, never)

        wanted = {conversation for conversation, _ in SHOWS.values()} | set(SAME.values())
        await asyncio.gather(
            *(faulty(name) for name in SHOWS),
            *(untouched(each) for each in wanted),
            *(direct(each) for each in SAME.values()),
        )


@pytest.fixture(scope="module")
def held(upstream: str) -> Held:
    """What came of all conversations."""
    held = Held()
    asyncio.run(held.hold(upstream))
    return held


def test_every_mutant_is_shown() -> None:
    """Each mutant has a conversation that shows it, and names findings that there are."""
    assert set(SHOWS) == set(MUTANTS)
    assert len(MUTANTS) >= 40
    for name, mutant in MUTANTS.items():
        assert mutant.name == name
        assert mutant.rules
        assert mutant.rules <= RULES
        assert mutant.breaks.endswith(".")
    assert frozenset().union(*(mutant.rules for mutant in MUTANTS.values())) == RULES


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_shows_its_fault(name: str, held: Held) -> None:
    """The conversation shows the fault with the mutant, and none with the proxy that breaks nothing."""
    conversation, sees = SHOWS[name]
    for failure in (held.failures.get(name), held.failures.get(conversation)):
        if failure is not None:
            raise failure
    assert sees(held.faulty[name]), MUTANTS[name].breaks
    assert not sees(held.untouched[conversation]), "the real server shows the same"


def test_the_untouched_proxy_breaks_nothing(held: Held) -> None:
    """No frame, close code or position through the untouched proxy is against the document."""
    for seen in held.untouched.values():
        assert not misjudged(seen), seen
        assert not stream_faults(seen), (stream_faults(seen), seen.path)


def _without_times(message: Json) -> Json:
    """Return the message without what differs each time."""
    return {
        name: _without_times(value) if isinstance(value, dict) else value
        for name, value in message.items()
        if name not in ("timestamp", "expires_at", "epoch", "seq")
    }


SAME: dict[str, Conversation] = {
    "bars": on_bars(
        sub("NOPE", id=1), sub("AAPL", "7m", id="a"), unsub("NOPE"), ping(2), frame("nope", id=3), "{", "[]"
    ),
    "bare": Talk(BARS, ('{"type":"ping"}',), bearer=None, offer=none),
    "deep": on_bars("[" * 5000, ping("a")),
    "surrogates": on_bars('{"type":"ping","payload":{"id":"\\ud800"}}'),
    "spelling": on_bars(' {"payload":{"id":1e0},"type":"ping"}'),
    "large": on_bars("x" * 20000),
    "largest": on_bars('{"type":"ping"' + " " * 16369 + "}"),
    "binary": on_bars(b"{}"),
    "bad frames": on_bars(*["{"] * 20),
    "cache": at(TICKERS, flat("ping", id=1), flat("nope"), "x"),
    "encoded": at(CACHE + "trades/sim/BTC%2FUSDT?replay=0", flat("ping", id=1)),
    "encoded small": at(CACHE + "tickers/sim/BTC%2fUSDT", flat("ping", id=1)),
    "encoded twice": at(CACHE + "trades/sim/BTC%252FUSDT"),
    "encoded odd": at(CACHE + "trades/%73im/%42TC;a=b/USDT?replay=1&&x=%20+&y"),
    "semicolon": at(CACHE + "trades/sim;v=1"),
    "unknown": at("/api/v1/nope", offer=none),
    "slash": at(BARS + "/", offer=none),
    "slash v1": at(BARS + "/"),
    "no token": at(TRADES, bearer=None, offer=none),
    "no token v1": at(TRADES, bearer=None),
    "forged": at(TRADES, bearer=forged, offer=none),
    "forged v1": on_bars(ping(1), bearer=forged),
    "unsigned": at(TRADES, bearer=unsigned),
    "expired": at(TRADES, bearer=expired, offer=none),
    "scope": at(ALL_ORDERS, bearer=unscoped, offer=none),
    "scope v1": at(ALL_ORDERS, bearer=unscoped),
    "account": at(CACHE + "balances/3", offer=none),
    "parameter": at(TRADES + "?replay=-1", offer=none),
    "parameter v1": at(TRADES + "?seq=x&epoch=e"),
    "symbol": at(CACHE + "tickers/sim/NOPE", offer=none),
    "query": at(TICKERS, bearer=None, query=lambda: f"?token={good()}"),
    "subprotocol": at(TICKERS, bearer=None, offer=with_bearer),
    "other subprotocol": on_bars(ping(1), offer=lambda: ("v9", "v10")),
    "two tokens": at(TRADES, query=lambda: f"?token={token(sub='b')}", offer=none),
    "refresh": Refresh(TICKERS, good),
    "refresh forged": Refresh(BARS, forged),
    "refresh foreign": Refresh(BARS, foreign),
    "short": Talk(TICKERS, (), bearer=lambda: token(expires_in_s=2), window_s=4),
}


def _told(seen: Seen) -> Any:
    """Return what a client was told, but for what is pushed to it at its own time."""
    pushed = ("ticker", "trade", "order", "balances", "bars.update")
    replies = [_without_times(message) for message in seen.messages() if message["type"] not in pushed]
    return seen.status, seen.body, seen.subprotocol, seen.close, seen.reason, replies


@pytest.mark.parametrize("name", SAME)
def test_the_untouched_proxy_is_the_real_server(name: str, held: Held) -> None:
    """Refusals, subprotocols, replies and closes come through the untouched proxy as they are."""
    direct = held.direct[SAME[name]]
    assert direct.status != 101 or direct.frames or direct.close is not None
    assert _told(held.untouched[SAME[name]]) == _told(direct)


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1000, "bye"), (1001, ""), (3000, "done"), (4321, "x" * 123)])
async def test_a_client_that_closes_is_answered_alike(code: int, reason: str, upstream: str) -> None:
    """The close frame that answers a client's own is the real server's."""

    async def answered(url: str) -> tuple[int, str] | None:
        async with connect(url + BARS, proxy=None) as connection:
            await connection.close(code, reason)
            answer = connection.protocol.close_rcvd
            return None if answer is None else (answer.code, answer.reason)

    async with serving(None, upstream) as url:
        assert await answered(url) == await answered(upstream) is not None


@pytest.mark.parametrize("path", [BARS, "/api/v1/nope", "/asyncapi.yaml", TRADES])
async def test_what_is_no_handshake_is_answered_alike(path: str, upstream: str) -> None:
    """A plain HTTP request gets the real server's answer through the untouched proxy."""

    async def fetched(url: str) -> tuple[int, bytes]:
        async with httpx.AsyncClient() as client:
            answer = await client.get("http" + url.removeprefix("ws") + path)
            return answer.status_code, answer.content

    async with serving(None, upstream) as url:
        assert await fetched(url) == await fetched(upstream)


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_has_one_fault(name: str, held: Held) -> None:
    """What shows one fault shows no other: but for what its rules name, frames and positions are as they should be."""
    seen, rules = held.faulty[name], MUTANTS[name].rules
    about_frames = {"frame-invalid", "frame-undeclared", "error-code", "close-code"}
    if misjudged(seen):
        assert rules & about_frames or name in UNDECLARED_TOO
    if not rules & {"frame-invalid", "frame-undeclared"}:
        assert stream_faults(seen) <= rules


ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**70,
    1e300,
    "",
    "x" * 200,
    "\ud800",
    "\U0001f4c8",
    [],
    [1],
    {},
    {"a": 1},
)
MEMBERS = ("symbol", "resolution", "id", "snapshot", "resume", "conflate_ms", "token", "type")
ODD_TARGETS = (
    *(BARS, TRADES, TICKERS, ALL_ORDERS, BARS + "/", "/", "", "*", "/api/v1/cache/ws/", "/api/v1/cache/ws/balances"),
    *(
        CACHE + tail
        for tail in ("balances/", "balances/x", "balances/\u0663", "balances/9/", "orders//", "trades/nope/")
    ),
    *(
        TRADES + tail
        for tail in ("?", "?&", "?seq", "?seq=&epoch=", "?replay=1e3&replay=x", "?token=", "?token=%ff", "%")
    ),
)
ODD_TOKENS = (
    "",
    "x",
    "a.b.c",
    "\udcff",
    forged(),
    expired(),
    unsigned(),
    foreign(),
    token(accounts=()),
    token(exp="x"),
)


def _odd_frames(*, wrapped: bool) -> list[Frame]:
    """Return frames that a tester may send, whatever they are; `wrapped`: with a payload, as on the bars socket."""

    def frame_of(tag: str, members: Any) -> str:
        return json.dumps({"type": tag, "payload": members} if wrapped else {"type": tag, **members})

    frames: list[Frame] = ["", "x", "null", "[]", "{}", "1", '"x"', "{}}", "[" * 20_000, b"", b"{}"]
    for tag in ("bars.subscribe", "bars.unsubscribe", "ping", "auth.refresh", "nope"):
        frames.append(json.dumps({"type": tag}))
        frames.extend(json.dumps({"type": tag, "payload": value}) for value in ODD_VALUES)
        frames.extend(
            frame_of(tag, {"symbol": "AAPL", "id": 1, member: value}) for value in ODD_VALUES for member in MEMBERS
        )
    return frames


class Stub(Line):
    """A line to nobody."""

    async def to_client(self, frame: Frame) -> None:
        """Take what could be sent."""
        assert isinstance(frame, bytes) or frame.encode() is not None

    async def to_server(self, frame: Frame) -> None:
        """Take what could be sent."""
        assert isinstance(frame, bytes) or frame.encode() is not None

    async def close(self, code: int, reason: str) -> None:
        """Take a code that can be sent."""
        assert 1000 <= code < 5000
        assert len(reason.encode()) <= 123


def _examples() -> Iterator[str]:
    """Return the document's examples of all messages, each three times."""
    for message in load_document()["components"]["messages"].values():
        for example in message.get("examples", ()):
            yield from [json.dumps(example["payload"])] * 3


async def test_no_mutant_falls_over_what_the_server_sends() -> None:
    """A mutant takes whatever the real server may send, in any order, without an exception."""
    frames = list(_examples())
    for mutant in MUTANTS.values():
        for path in (BARS, TRADES, TICKERS, ALL_ORDERS, CACHE + "balances/1"):
            line = Stub(Shake(path, (("Authorization", f"Bearer {good()}"),), ("tapecast.v1",)), World(SECRET))
            fault = mutant.fault(line)
            for each in [*frames, *reversed(frames)]:
                if ("payload" in json.loads(each)) == (path == BARS):
                    await fault.from_server(each)
            line.end()


async def test_no_mutant_falls_over_what_a_client_sends() -> None:
    """A mutant does what it is there for and nothing else, whatever comes: none of them raises an exception."""
    frames = {wrapped: _odd_frames(wrapped=wrapped) for wrapped in (True, False)}
    for mutant in MUTANTS.values():
        for path in (BARS, TRADES, CACHE + "balances/1"):
            line = Stub(Shake(path, (("Authorization", f"Bearer {good()}"),), ("tapecast.v1",)), World(SECRET))
            fault = mutant.fault(line)
            for each in frames[path == BARS]:
                await fault.from_client(each)
            for code in (1000, 1005, 4003, None):
                await fault.ended(code, "")
            line.end()
        for target in ODD_TARGETS:
            for text in ODD_TOKENS:
                for headers, offered in (
                    ((("authorization", f"Bearer {text}"),), ()),
                    ((("Authorization", text),), (f"bearer.{text}", "tapecast.v1")),
                ):
                    shake = Shake(target, headers, offered)
                    line = Stub(shake, World(SECRET))
                    fault = mutant.fault(line)
                    if fault.refuse(shake) is None:
                        fault.ask(shake)
                        fault.choose(None)


def test_the_command_serves_a_mutant(upstream: str) -> None:
    """The command prints its address alone, and serves the mutant there."""
    command = [sys.executable, "-m", "tests.contract.tape.proxy", "--upstream", upstream, "--mutant", "pong-without-id"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("ws://127.0.0.1:")
            sees = SHOWS["pong-without-id"][1]
            assert sees(asyncio.run(_held_with(HELLO, url, sees)))
        finally:
            process.terminate()


async def _held_with(conversation: Conversation, url: str, sees: Sees) -> Seen:
    return await conversation(url, sees)
