"""A bot's client for Tapecast, on `websockets` alone: copy what you need. It misses and doubles nothing silently."""

import argparse
import asyncio
import json
import os
import random
import sys
from contextlib import suppress
from typing import Any, Never
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

RECONNECT = {1001, 1006, 1011, 1012, *range(4000, 4500)}  # 1006: no close frame came. Every other code means: stop
ADVICE = {1006: "`make run` starts a server, else give --url, --token", 1008: "wrong --token", 4504: "no such stream"}


async def demo_token(url: str, **wanted: Any) -> str:
    """Get a token from a server in demo mode. Where yours come from elsewhere, give one by --token."""
    body = json.dumps({"username": "bot", "password": "demo", **wanted}).encode()
    request = Request(f"http{url[2:]}/api/v1/auth/token", body, {"Content-Type": "application/json"})
    answer = await asyncio.to_thread(lambda: urlopen(request, timeout=10).read())
    return str(json.loads(answer)["access_token"])


class Client:
    """Reads one stream, over as many connections as it takes."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.here: dict[str, Any] = {}  # epoch and seq of the last frame
        self.resume: dict[str, Any] = {}  # the same, from when all that stood at first (orders, balances) has come
        self.start, self.last = 0, dict[str, int]()  # where it began, and the last seq of each symbol or currency
        self.wait_s = 0.5

    async def run(self) -> Never:
        """Connect, and connect again where the close code says so."""
        while True:
            try:
                await self.read_one_connection()
            except (OSError, WebSocketException) as error:
                code = error.rcvd.code if isinstance(error, ConnectionClosed) and error.rcvd else 1006
                if code not in RECONNECT or (code == 1006 and not self.here):
                    raise SystemExit(f"{error}: {ADVICE.get(code, 'asyncapi.yaml says what it means')}") from None
                print(f"{error}; connecting again in {self.wait_s} s or a little later", file=sys.stderr)
            await asyncio.sleep(self.wait_s * random.uniform(1, 1.5))
            self.wait_s = min(self.wait_s * 2, 30)

    async def read_one_connection(self) -> Never:
        """Connect as tapecast.v1, which is told positions, and go on where we were. Raises an error at its end."""
        args, token, request = self.args, self.args.token, '{"type": "ping"}'
        if args.stream == "bars":
            wanted = {"symbol": f"{args.exchange}:{args.symbol or 'BTC/USDT'}", "resolution": args.resolution}
            payload = {**wanted, "resume": self.resume} if self.resume else wanted
            url, request = f"{args.url}/api/v1/ws", json.dumps({"type": "bars.subscribe", "payload": payload})
        else:
            token = token or await demo_token(args.url)
            place = (args.exchange_id, args.currency) if args.stream == "balances" else (args.exchange, args.symbol)
            path = "/".join(quote(part, safe="") for part in (args.stream, *place) if part)
            url = f"{args.url}/api/v1/cache/ws/{path}?{urlencode(self.resume)}"
        headers = {"Authorization": f"Bearer {token}"} if token else None
        async with connect(url, additional_headers=headers, subprotocols=[Subprotocol("tapecast.v1")]) as socket:
            with suppress(ConnectionClosed):  # what came before the end is still to be read
                await socket.send(request)
            while True:
                self.take(json.loads(await socket.recv()))

    def take(self, data: dict[str, Any]) -> None:
        """Take a frame: see where the stream stands, and whether frames are missing before this one."""
        self.wait_s = 0.5
        kind, payload = data["type"], data.get("payload", data)
        if payload.get("status") == "error":
            raise SystemExit(payload["message"])
        if kind in ("ready", "bars.ack"):
            recovered = payload.get("recovered", False)
            if self.here and not recovered:  # as a rule `gap` or `bars.reset` follows, and says what is lost
                print(f"a gap after {self.here}", file=sys.stderr)
            self.here, self.start = {"epoch": payload["epoch"], "seq": payload["seq"]}, payload["seq"]
            self.last.clear()
            self.resume = self.here if recovered or self.args.stream in ("bars", "trades") else {}
        elif kind == "pong":  # the answer to the ping comes after all that stood
            self.resume = self.here
        elif kind == "shutdown":
            self.wait_s = payload["reconnect_after_ms"] / 1000
        elif "prev" in payload and not payload.get("initial"):  # no other frame is counted
            key = payload.get("symbol") or next(name for name in payload if isinstance(payload[name], dict))
            if payload["seq"] <= self.here["seq"]:
                return  # it came before
            if payload["prev"] > max(self.last.get(key, 0), self.start):
                print(f"a silent hole before seq {payload['seq']} of {key}", file=sys.stderr)
            self.last[key] = self.here["seq"] = payload["seq"]
        print(data)  # here a bot would trade


async def auth_demo(args: argparse.Namespace) -> None:
    """Show how tokens are refused, by HTTP. Clients that offer tapecast.v1 are closed with 1008 instead."""
    own, good = args.exchange_id, args.token or await demo_token(args.url)
    for title, account, token, wanted in (
        ("no token", own, None, 401),
        ("garbage", own, "garbage", 401),
        ("wrong signature", own, f"{good}x", 401),
        ("expired", own, await demo_token(args.url, expires_in=0), 401),
        ("scope missing", own, await demo_token(args.url, scope="orders:read"), 403),
        ("foreign account", "999999", good, 403),
        ("good token", own, good, 101),
    ):
        headers = {"Authorization": f"Bearer {token}"} if token else None
        try:
            async with connect(f"{args.url}/api/v1/cache/ws/balances/{account}", additional_headers=headers):
                got = 101
        except InvalidStatus as refusal:
            got = refusal.response.status_code
        print(f"{title:<16} {got}", "as it must be" if got == wanted else f"WRONG: it must be {wanted}")


def read_args(words: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Print a stream of Tapecast.")
    parser.add_argument("--stream", choices=["bars", "tickers", "trades", "orders", "balances"], default="bars")
    parser.add_argument("--duration", type=float, help="seconds; default: until Ctrl-C")
    parser.add_argument("--auth-demo", action="store_true", help="show how tokens are refused")
    url, token = os.environ.get("TAPECAST_URL") or "ws://127.0.0.1:8000", os.environ.get("TAPECAST_TOKEN")
    defaults = {"exchange": "sim", "symbol": None, "exchange-id": "1", "currency": None, "resolution": "1"}
    for name, default in {**defaults, "url": url, "token": token}.items():
        parser.add_argument(f"--{name}", default=default)
    return parser.parse_args(words)


if __name__ == "__main__":
    args = read_args()
    try:
        asyncio.run(asyncio.wait_for(auth_demo(args) if args.auth_demo else Client(args).run(), args.duration))
    except (KeyboardInterrupt, TimeoutError):
        pass  # stopped by hand, or the duration is over
    except OSError as error:
        raise SystemExit(f"{error}: {ADVICE[1006]}") from None
