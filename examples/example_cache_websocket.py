"""A bot's client for Tapecast, on `websockets` and the standard library alone: copy from it what you need.

    python examples/example_cache_websocket.py --stream trades --exchange sim --symbol BTC/USDT

It gets a token, reads frames, finds holes by `seq` and `prev`, and reconnects where the close code says so.
"""

import argparse
import asyncio
import json
import os
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Never
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

RECONNECT = {1001, 1006, 1011, 1012, *range(4000, 4500)}  # every other close code means: stop
STARTED_OVER = {1001, 1012, 4001, 4006}  # what comes after these can't be compared with what came before
NO_SERVER = "no server at {}: start one with `make run`, or name another by --url"


class Stop(Exception):
    """There is no going on; the text says why and what to do."""


def demo_token(url: str, **wanted: Any) -> str:
    """Get a token from a server in demo mode. Where yours come from elsewhere, give one by --token."""
    body = json.dumps({"username": "bot", "password": "demo", **wanted}).encode()
    request = Request(f"http{url[2:]}/api/v1/auth/token", body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["access_token"])
    except HTTPError as error:
        raise Stop(f"{url} gives no token out (HTTP {error.code}): give one by --token or TAPECAST_TOKEN") from None


def bearer(token: str | None) -> dict[str, str] | None:
    """Return the header that carries the token."""
    return {"Authorization": f"Bearer {token}"} if token else None


def path_of(options: argparse.Namespace) -> str:
    """Return the stream's path: with a symbol or a currency its narrow form, without one the wide one."""
    if options.stream == "bars":
        return "/api/v1/ws"
    if options.stream == "balances":
        parts = [str(options.exchange_id), options.currency]
    else:
        parts = [options.exchange, options.symbol]
    return "/".join(["/api/v1/cache/ws", options.stream, *(quote(part, safe="") for part in parts if part)])


def position(data: dict[str, Any]) -> tuple[str, int, int] | None:
    """Return what a frame belongs to (epoch, symbol or currency), its `seq` and its `prev`; None: it isn't counted."""
    payload = data.get("payload", {})
    if data["type"] == "bars.ack":  # from this position on the subscription is whole
        return payload["epoch"], payload["seq"], payload["seq"]
    if data["type"] == "bars.update":
        return (payload["epoch"], payload["seq"], payload["prev"]) if payload["final"] else None
    if "prev" not in data:
        return None
    currency = next((name for name, value in data.items() if isinstance(value, dict)), "")
    prev = 0 if data.get("initial") else data["prev"]  # an initial frame makes up for what was missed before it
    return data.get("symbol", currency), data["seq"], prev


def use(data: dict[str, Any]) -> None:
    """Print a frame; here a bot would trade. A type that a client doesn't know it has to ignore."""
    match data["type"]:
        case "ticker":
            print("ticker", data["symbol"], data["price"], "bid", data["bid"], "ask", data["ask"])
        case "trade":
            print("trade", data["symbol"], data["side"], data["volume"], "at", data["price"])
        case "order":
            print("order", data["symbol"], data["side"], data["filled"], "of", data["volume"], data["status"])
        case "balances":
            print("balances", *(f"{name} {value['free']}" for name, value in data.items() if isinstance(value, dict)))
        case "bars.update":
            print("bar", data["payload"]["bar"], "final" if data["payload"]["final"] else "open")
        case "error" | "bars.error":  # as a rule its source failed: the connection lives
            print("error", data.get("payload", data))


class Client:
    """Reads one stream, over as many connections as it takes."""

    def __init__(self, options: argparse.Namespace, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Prepare; `sleep` waits before a reconnect."""
        self.options = options
        self.sleep = sleep
        self.frames = self.connections = self.holes = self.failures = 0
        self.held: dict[str, int] = {}  # the last seq, by epoch, symbol or currency
        self.wait_ms: int | None = None

    async def run(self) -> Never:
        """Connect, and connect again. Raises Stop."""
        while True:
            self.wait_ms = None
            try:
                await self.read_one_connection()
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006  # 1006: it broke, no close frame came
                why = f"closed with {code} {closed.rcvd.reason if closed.rcvd else ''}".strip()
                if code not in RECONNECT or (code == 4003 and self.options.token):
                    raise Stop(f"{why}; coming back would not help") from None
                if code in STARTED_OVER:
                    self.held.clear()
            except InvalidStatus as refusal:
                why = in_words(refusal)
                if refusal.response.status_code not in (429, 503):
                    raise Stop(why) from None
            except (OSError, WebSocketException):
                why = NO_SERVER.format(self.options.url)
                if not self.connections:
                    raise Stop(why) from None
            self.failures += 1
            seconds = min(0.5 * 2 ** min(self.failures, 10), 30) * random.uniform(0.5, 1)
            if self.wait_ms is not None:  # the server spreads its clients itself
                seconds = self.wait_ms / 1000
            print(f"{why}; connecting again in {seconds:.1f} s", file=sys.stderr)
            await self.sleep(seconds)

    async def read_one_connection(self) -> Never:
        """Connect, with a new token where none was given, and read. Raises ConnectionClosed."""
        options, token = self.options, self.options.token
        if token is None and options.stream != "bars":
            token = await asyncio.to_thread(demo_token, options.url)
        async with connect(options.url + path_of(options), additional_headers=bearer(token)) as socket:
            self.connections += 1
            if options.stream == "bars":
                wanted = {"symbol": f"{options.exchange}:{options.symbol or 'BTC/USDT'}"}
                wanted["resolution"] = options.resolution
                with suppress(ConnectionClosed):  # what came before its end is still to be read
                    await socket.send(json.dumps({"type": "bars.subscribe", "payload": wanted}))
            while True:
                frame = await socket.recv()
                try:
                    self.take(json.loads(frame))
                except (AttributeError, KeyError, TypeError, ValueError):
                    raise Stop(f"this frame is not as asyncapi.yaml has it: {frame[:300]!r}") from None

    def take(self, data: dict[str, Any]) -> None:
        """Take a frame. There is a hole before it where its `prev` is greater than the last `seq` that is held."""
        self.frames += 1
        self.failures = 0
        if data["type"] == "shutdown":
            self.wait_ms = data.get("payload", data)["reconnect_after_ms"]
        if data["type"] == "bars.ack" and data["payload"]["status"] == "error":
            raise Stop(data["payload"]["message"])
        if place := position(data):
            key, seq, prev = place
            if prev > self.held.get(key, prev):
                self.holes += 1
                print(f"a hole before seq {seq} of {key}", file=sys.stderr)
            self.held[key] = seq
        use(data)


def in_words(refusal: InvalidStatus) -> str:
    """Return what an HTTP answer to a handshake says. Its body is {"code": ..., "message": ...}."""
    body = bytes(refusal.response.body or b"").decode(errors="replace")
    return f"HTTP {refusal.response.status_code} {body[:300]}"


async def knock(url: str, token: str | None, offers: list[Subprotocol] | None) -> tuple[int, str]:
    """Return what a handshake brings, as a number and in words: an HTTP status, a close code, or 101 for `let in`."""
    try:
        async with connect(url, additional_headers=bearer(token), subprotocols=offers) as socket:
            await socket.send('{"type": "ping"}')
            await socket.recv()
            return 101, "let in"
    except InvalidStatus as refusal:
        return refusal.response.status_code, in_words(refusal)
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else 1006
        return code, f"closed with {code} {closed.rcvd.reason if closed.rcvd else ''}"


async def auth_demo(options: argparse.Namespace) -> int:
    """Show how tokens are refused: by HTTP, or with 1008 where a client offers tapecast.v1. Returns the exit code."""
    own, foreign = (f"{options.url}/api/v1/cache/ws/balances/{number}" for number in (options.exchange_id, 999999))
    good = options.token or await asyncio.to_thread(demo_token, options.url)
    expired = await asyncio.to_thread(demo_token, options.url, expires_in=0)
    narrow = await asyncio.to_thread(demo_token, options.url, scope="orders:read")
    signed, _, signature = good.rpartition(".")
    cases: list[tuple[str, str, str | None, int]] = [
        ("no token", own, None, 401),
        ("garbage", own, "garbage", 401),
        ("expired", own, expired, 401),
        ("wrong key", own, f"{signed}.{signature[::-1]}", 401),
        ("scope missing", own, narrow, 403),
        ("foreign account", foreign, good, 403),
        ("good token", own, good, 101),
    ]
    faults = 0
    for title, url, token, status in cases:
        for offers, wanted in ((None, status), ([Subprotocol("tapecast.v1")], 101 if status == 101 else 1008)):
            got, text = await knock(url, token, offers)
            faults += got != wanted
            note = "" if got == wanted else f"  WRONG: it must be {wanted}"
            print(f"{title:<16}{'tapecast.v1' if offers else 'plain':<12}{text}{note}")
    return 1 if faults else 0


def read_options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Print a stream of Tapecast.")
    parser.add_argument("--stream", choices=["bars", "tickers", "trades", "orders", "balances"], default="bars")
    parser.add_argument("--exchange", default="sim")
    parser.add_argument("--symbol", help="default: all of them; for bars BTC/USDT")
    parser.add_argument("--exchange-id", type=int, default=1, help="for balances: the account")
    parser.add_argument("--currency", help="for balances; default: all of them")
    parser.add_argument("--resolution", default="1", help="for bars: 1 3 5 15 30 60 120 240 1D 1W 1M")
    parser.add_argument("--duration", type=float, help="seconds; default: until Ctrl-C")
    parser.add_argument("--auth-demo", action="store_true", help="show how tokens are refused")
    parser.add_argument("--url", default=os.environ.get("TAPECAST_URL") or "ws://127.0.0.1:8000")
    parser.add_argument("--token", help="default: TAPECAST_TOKEN, or one of the demo's")
    options = parser.parse_args(words)
    options.token = options.token or os.environ.get("TAPECAST_TOKEN") or None
    options.url = options.url.rstrip("/").replace("http", "ws", 1)
    if not options.url.startswith(("ws://", "wss://")):
        parser.error("--url must look like ws://127.0.0.1:8000")
    return options


async def main(options: argparse.Namespace, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> int:
    """Run until the duration is over. Returns the exit code."""
    client = Client(options, sleep)
    over = asyncio.timeout(options.duration)
    try:
        if options.auth_demo:
            return await auth_demo(options)
        async with over:
            await client.run()
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except (OSError, WebSocketException):
        if not over.expired():  # where it is, this is its TimeoutError
            print(NO_SERVER.format(options.url), file=sys.stderr)
            return 1
    finally:
        if client.connections:
            print(f"frames: {client.frames}, reconnects: {client.connections - 1}, holes: {client.holes}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(read_options())))
    except KeyboardInterrupt:
        sys.exit(0)
