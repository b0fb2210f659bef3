"""Mutants: the faulty servers by name, each with the one promise of asyncapi.yaml that it breaks.

They were made from the document alone, before there was anything that could find them.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.contract.tape import faults as f
from tests.contract.tape.line import BEARER, V1, Fault, Frame, Json, Line, MakeFault, Shake, read, write


@dataclass(frozen=True)
class Mutant:
    """A faulty server.

    `breaks` is the promise in a sentence, `rules` the names of the findings that would be right, `fault` what makes the
    fault of one connection.
    """

    name: str
    breaks: str
    rules: frozenset[str]
    fault: MakeFault = field(repr=False)


PUSHED = ("bars.update", "ticker", "trade", "order", "balances")
BARS = f.on("bars")
CACHE = f.on("tickers", "trades", "orders", "balances")
ALIASES = ("1m", "5m", "15m", "30m", "1h", "4h", "1d", "D", "1w", "W", "M")
MAX = 9007199254740991


def _put(*path: str, value: object) -> f.Change:
    """Return what puts a value at these members; nothing where there is no such object."""

    def change(body: Json) -> None:
        for name in path[:-1]:
            body = body.get(name) or {}
        body[path[-1]] = value

    return change


def _drop(*path: str) -> f.Change:
    """Return what takes a member out."""

    def change(body: Json) -> None:
        for name in path[:-1]:
            body = body.get(name) or {}
        body.pop(path[-1], None)

    return change


def _currency(change: f.Change) -> f.Change:
    """Return what changes the one member of a balance that is no name of the schema."""

    def changed(body: Json) -> None:
        for value in body.values():
            if isinstance(value, dict):
                change(value)

    return changed


def _first_bar(change: f.Change) -> f.Change:
    def changed(body: Json) -> None:
        for bar in body["bars"][:1]:
            change(bar)

    return changed


def _map(name: str, to: Callable[[Any], object]) -> f.Change:
    """Return what replaces a member that is there by what `to` makes of it."""

    def change(body: Json) -> None:
        if name in body:
            body[name] = to(body[name])

    return change


def _map_to(name: str, to: Callable[[Json], object]) -> f.Change:
    """Return what gives a member the value that `to` makes of them all."""

    def change(body: Json) -> None:
        body[name] = to(body)

    return change


def _int32(value: object) -> object:
    if isinstance(value, int):
        return (value + 2**31) % 2**32 - 2**31
    return value


def _unasked(tag: str, **members: object) -> f.Act:
    return f.sends(lambda line: line.message(tag, dict(members)))


async def _broken_quotes(line: Line, message: Json) -> None:
    """Send the pong with its id pasted in as it is."""
    body = dict(line.body(message))
    text = line.message("pong", body | {"id": "@@"}).replace('"@@"', f'"{body["id"]}"')
    await line.to_client(text)


def _has_quote(body: Json) -> bool:
    return isinstance(body.get("id"), str) and '"' in body["id"]


def _is_astral(value: object) -> bool:
    return isinstance(value, str) and any(ord(character) > 0xFFFF for character in value)


def _without_astral(value: object) -> object:
    return "".join("?" if ord(c) > 0xFFFF else c for c in value) if isinstance(value, str) else value


def _text_and_not(value: object) -> bool:
    return value is not None and not isinstance(value, str)


def _id(body: Json) -> object:
    return body.get("id")


def _good(line: Line, frame: Frame, members: Iterable[str]) -> bool:
    """Say whether the payload's members are these and no others."""
    message = json.loads(frame)
    return set(line.body(message)) <= {"type", *members}


def _strange_members(line: Line, frame: Frame) -> bool:
    known = ("symbol", "resolution", "id", "snapshot", "resume", "conflate_ms", "token", "payload")
    return f.any_request(line, frame) and not _good(line, frame, known)


def _query(name: str, *values: str) -> Callable[[Shake], bool]:
    return lambda shake: any(key == name and value in values for key, value in shake.query)


def _without_slash(line: Line, shake: Shake) -> Shake:
    del line
    return shake.at(shake.path.rstrip("/")) if shake.path.endswith("/") else shake


class _Elsewhere(Fault):
    """Serves another exchange or symbol under the name that was asked for."""

    member = ""
    asked = ""

    async def from_server(self, frame: Frame) -> None:
        message = read(frame)
        if self.asked and message is not None and self.member in message:
            frame = write(message | {self.member: self.asked})
        await self.line.to_client(frame)


class _AnyExchange(_Elsewhere):
    """Serves the exchange `sim` under any name."""

    member = "exchange"

    def ask(self, shake: Shake) -> Shake:
        parts = shake.parts
        if shake.socket not in ("tickers", "trades") or len(parts) < 2 or parts[1] in ("sim", "nasdaq", ""):
            return shake
        self.asked = parts[1]
        return shake.at("/".join(["/api/v1/cache/ws", parts[0], "sim", *parts[2:]]))


class _AnySymbol(_Elsewhere):
    """Serves BTC/USDT under any name."""

    member = "symbol"

    def ask(self, shake: Shake) -> Shake:
        parts = shake.parts
        if shake.socket not in ("tickers", "trades") or len(parts) < 3 or parts[1] != "sim":
            return shake
        if parts[2] in ("BTC/USDT", "ETH/USDT", "") or "//" in parts[2] or parts[2].endswith("/"):
            return shake
        self.asked = parts[2]
        return shake.at(f"/api/v1/cache/ws/{parts[0]}/sim/BTC/USDT")


def _lax(name: str, bad: Callable[[str], bool], *also: str) -> MakeFault:
    """Return a server that takes a bad parameter for none, and others with it."""
    return f.asks(
        lambda line, shake: (
            shake.without_parameters(name, *also)
            if line.socket != "bars" and any(key == name and bad(value) for key, value in shake.query)
            else shake
        )
    )


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _int_or_none(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _subscribe_with(name: str, wrong: Callable[[object], bool], value: object = None) -> MakeFault:
    """Return a server that mends a wrong member of `bars.subscribe`; with value None it takes it for absent."""

    def change(body: Json) -> None:
        if name in body and wrong(body[name]):
            if value is None:
                del body[name]
            else:
                body[name] = value(body[name]) if callable(value) else value

    return f.mended("bars.subscribe", change)


def _no_int(value: object) -> bool:
    return not isinstance(value, int) or isinstance(value, bool)


def _leaks_bars(line: Line, other: Line, body: Json) -> bool:
    del line
    return other.socket == "bars" and (body.get("symbol"), body.get("resolution")) not in other.keys


def _leaks_narrow(line: Line, other: Line, body: Json) -> bool:
    """Say whether the other one narrows to another symbol than the trade's."""
    shakes = line.shake, other.shake
    return (
        shakes[0].socket == shakes[1].socket == "trades"
        and not shakes[1].is_wide
        and shakes[0].parts[1] == shakes[1].parts[1]
        and shakes[1].parts[2] != body.get("symbol")
    )


def _leaks_pong(line: Line, other: Line, body: Json) -> bool:
    del body
    return line.socket == other.socket


def _other_refused(code: str) -> f.Act:
    async def act(line: Line, message: Json) -> None:
        await line.answer("error", message, code=code, message="The frame is not as it should be.")

    return act


async def _wrong_reply(line: Line, message: Json) -> None:
    """Send an acknowledgement of the refresh in place of the message, with its id."""
    body = line.body(message)
    ids = {"id": body["id"]} if "id" in body else {}
    await line.to_client(line.message("auth.ack", {"status": "ok", "message": "Done.", **ids}))


async def _subscribed_again(line: Line, message: Json) -> None:
    """Send an acknowledgement of a subscription in place of that of its end."""
    del message["type"]
    await line.to_client(write({"type": "bars.ack"} | message))


async def _also_undeclared(line: Line, message: Json) -> None:
    await line.to_client(write(message))
    await line.to_client(line.message("heartbeat", {"timestamp": 1793325600123}))


def _plus(name: str, by: float) -> f.Change:
    def change(body: Json) -> None:
        body[name] = body[name] + by

    return change


async def _another_close(line: Line, message: Json) -> None:
    """Send the bar with another price."""
    body = line.body(message)
    if "bar" in body:
        body["bar"]["close"] += 1
    else:
        body["price"] += 1
    await line.to_client(write(message))


class _OtherTrade(Fault):
    """Behind the third trade of a tickers socket comes a trade, which only other sockets have."""

    count = 0

    async def from_server(self, frame: Frame) -> None:
        await self.line.to_client(frame)
        if self.line.socket == "tickers" and (read(frame) or {}).get("type") == "ticker":
            self.count += 1
            if self.count == 3:
                seen = json.loads(frame)
                trade = {name: seen[name] for name in ("exchange", "symbol", "price", "volume", "seq")}
                more = {"trade_id": "1", "timestamp": seen["time"], "side": "buy", "prev": 0}
                await self.line.to_client(write({"type": "trade"} | trade | more))


def _is_fresh(body: Json) -> bool:
    """Say whether a stream starts where it stands: where it is resumed, the position is the client's own."""
    return body.get("recovered") is not True


def _falls(body: Json) -> None:
    body["seq"] = max(0, body["seq"] - 1000) if body["seq"] >= 1 else 0


_PING = f.request("ping")


def _ping(when: Callable[[Json], bool]) -> f.Is:
    return f.request("ping", when)


def _subscribe(when: Callable[[Json], bool]) -> f.Is:
    return f.request("bars.subscribe", when)


def _of_frames() -> dict[str, tuple[str, str, MakeFault]]:
    """Return those that send wrong frames, by name: the promise, the rules, the fault."""
    invalid, undeclared = "frame-invalid", "frame-undeclared"
    return {
        "bar-volume-negative": (
            "A bar's volume is 0 at least.",
            invalid,
            f.edited("bars.update", _put("bar", "volume", value=-1)),
        ),
        "bar-close-is-text": (
            "A bar's close is a number.",
            invalid,
            f.edited("bars.update", lambda body: body["bar"].update(close=str(body["bar"]["close"]))),
        ),
        "bar-without-high": ("A bar has a high.", invalid, f.edited("bars.update", _drop("bar", "high"))),
        "update-without-timestamp": (
            "`bars.update` has a timestamp.",
            invalid,
            f.edited("bars.update", _drop("timestamp")),
        ),
        "update-final-is-text": (
            "`final` is a boolean.",
            invalid,
            f.edited("bars.update", _map("final", lambda value: "yes" if value else "no")),
        ),
        "final-without-symbol": (
            "A final bar names its symbol.",
            invalid,
            f.edited("bars.update", _drop("symbol"), when=lambda body: body.get("final") is True),
        ),
        "update-epoch-too-long": (
            "An epoch has 64 characters at most.",
            invalid,
            f.edited(("bars.ack", "bars.update"), _map("epoch", lambda epoch: epoch + "x" * 60)),
        ),
        "seventh-update-time-is-null": (
            "A bar's time is an integer, in the seventh update too.",
            invalid,
            f.edited("bars.update", _put("bar", "time", value=None), nth=7),
        ),
        "snapshot-bar-without-open": (
            "Each bar of a snapshot has an open.",
            invalid,
            f.edited("bars.snapshot", _first_bar(_drop("open"))),
        ),
        "ack-without-resolution": (
            "`bars.ack` has a resolution.",
            invalid,
            f.edited("bars.ack", _drop("resolution")),
        ),
        "ack-status-done": (
            "A status is `ok` or `error`.",
            invalid,
            f.edited("bars.ack", _map("status", lambda status: "done" if status == "ok" else status)),
        ),
        "unsubscribe-ack-without-message": (
            "`bars.unsubscribe.ack` has a message.",
            invalid,
            f.edited("bars.unsubscribe.ack", _drop("message")),
        ),
        "pong-without-timestamp": ("A pong has a timestamp.", invalid, f.edited("pong", _drop("timestamp"))),
        "pong-timestamp-with-fraction": (
            "A pong's timestamp is an integer.",
            invalid,
            f.edited("pong", _plus("timestamp", 0.5)),
        ),
        "error-without-message": ("An error has a message.", invalid, f.edited("error", _drop("message"))),
        "auth-ack-expiry-is-text": (
            "`expires_at` is an integer.",
            invalid,
            f.edited("auth.ack", _map("expires_at", str)),
        ),
        "ready-without-limits": ("`ready` has the limits.", invalid, f.edited("ready", _drop("limits"))),
        "ready-limit-is-text": (
            "A limit is an integer.",
            invalid,
            f.edited("ready", _put("limits", "ring_frames", value="many")),
        ),
        "ticker-bid-is-text": ("A ticker's bid is a number or null.", invalid, f.edited("ticker", _map("bid", str))),
        "seventeenth-ticker-volume-negative": (
            "A ticker's volume is 0 at least, in the seventeenth frame too.",
            invalid,
            f.edited("ticker", _put("volume", value=-3.5), nth=17),
        ),
        "exchange-tickers-without-price": (
            "A ticker has a price, on the sockets of whole exchanges too.",
            invalid,
            f.edited("ticker", _drop("price"), where=f.on("tickers", wide=True)),
        ),
        "trade-side-hold": (
            "A trade's side is `buy` or `sell`.",
            invalid,
            f.edited("trade", _put("side", value="hold")),
        ),
        "trade-id-too-long": (
            "A trade's id has 64 characters at most.",
            invalid,
            f.edited("trade", _map("trade_id", lambda text: text.ljust(65, "0"))),
        ),
        "trade-seq-with-fraction": ("A `seq` is an integer.", invalid, f.edited("trade", _plus("seq", 0.5))),
        "order-status-pending": (
            "An order's status is one of the five listed.",
            invalid,
            f.edited("order", _put("status", value="pending")),
        ),
        "order-without-price": (
            "An order has a price, be it null.",
            invalid,
            f.edited("order", _drop("price"), where=f.on("orders", wide=False)),
        ),
        "order-exchange-id-negative": (
            "An account's number is 0 at least.",
            invalid,
            f.edited("order", _put("exchange_id", value=-1)),
        ),
        "order-initial-is-number": ("`initial` is a boolean.", invalid, f.edited("order", _map("initial", int))),
        "balance-without-used": (
            "A balance says what of it is used.",
            invalid,
            f.edited("balances", _currency(_drop("used"))),
        ),
        "balance-free-is-text": (
            "What is free is a number.",
            invalid,
            f.edited("balances", _currency(_map("free", str)), where=f.on("balances", wide=False)),
        ),
        "heartbeat-on-bars": (
            "The bars socket has no message `heartbeat`.",
            undeclared,
            f.replaced("bars.update", _also_undeclared, nth=3),
        ),
        "heartbeat-on-balances": (
            "The balances sockets have no message `heartbeat`.",
            undeclared,
            f.after("balances", 1, _unasked("heartbeat", timestamp=1), where=f.on("balances")),
        ),
        "trade-on-tickers": ("A tickers socket has no message `trade`.", undeclared, _OtherTrade),
        "enveloped-on-trades": (
            "The frames of a cache socket are flat.",
            undeclared,
            f.replaced(
                "trade",
                f.sends(write({"type": "bars.error", "payload": {"symbol": "AAPL", "resolution": "1D", "error": "-"}})),
                nth=2,
            ),
        ),
        "frame-not-json": (
            "Every frame is a JSON object.",
            undeclared,
            f.after("bars.update", 4, f.sends("{'type': 'bars.update'}")),
        ),
        "frame-is-list": (
            "Every frame is one JSON object, never a list of them.",
            undeclared,
            f.after("trade", 4, f.sends("[]")),
        ),
        "frame-empty": ("Every frame is a JSON object, none is empty.", undeclared, f.after("pong", 1, f.sends(""))),
        "frame-binary": (
            "Every frame is a text frame.",
            undeclared,
            f.after("bars.update", 2, f.sends(b'{"type":"pong","payload":{"timestamp":1}}')),
        ),
        "order-in-binary": (
            "Every frame is a text frame, on the orders sockets too.",
            undeclared,
            f.replaced("order", lambda line, message: line.to_client(write(message).encode()), where=f.on("orders")),
        ),
        "error-code-undeclared": (
            "An error has one of the codes listed.",
            "error-code",
            f.edited("error", _map("code", lambda code: "malformed" if code == "bad_request" else code)),
        ),
        "error-code-undeclared-on-tickers": (
            "An error has one of the codes listed, on the tickers sockets too.",
            "error-code",
            f.edited("error", _put("code", value="no_such_type"), where=f.on("tickers")),
        ),
        "ack-code-undeclared": (
            "A refused subscription has one of the codes listed.",
            "error-code",
            f.edited("bars.ack", _map("code", str.upper)),
        ),
        "auth-ack-code-undeclared": (
            "A refused refresh has one of the codes listed.",
            "error-code",
            f.edited("auth.ack", _map("code", lambda code: "token_bad")),
        ),
        "close-code-at-expiry": (
            "An expired token ends a connection with 4003.",
            "close-code",
            f.closed_by([4003], 4103),
        ),
        "close-code-at-foreign-refresh": (
            "Another user's token ends a connection with 4501.",
            "close-code",
            f.closed_by([4501], 4000),
        ),
        "close-code-of-refusal": (
            "A client that offers `tapecast.v1` is refused with 1008 or 4504.",
            "close-code",
            f.closed_by([1008, 4504], 4404),
        ),
        "close-code-at-binary": (
            "A binary frame ends a connection with 1003.",
            "close-code",
            f.closed_by([1003], 4998),
        ),
        "closed-at-fifth-pong": (
            "The server closes with none but the codes listed, here with 3000 behind the fifth pong.",
            "close-code",
            f.after("pong", 5, f.closes(3000)),
        ),
        "cut-at-tenth-update": (
            "A connection ends by a close frame.",
            "connection-lost",
            f.after("bars.update", 10, f.cut),
        ),
        "cut-at-expiry": (
            "An expired token ends a connection by a close frame with 4003.",
            "connection-lost",
            f.closed_by([4003], None),
        ),
        "cut-at-third-balance": (
            "A connection ends by a close frame, on the balances sockets too.",
            "connection-lost",
            f.after("balances", 3, f.cut, where=f.on("balances")),
        ),
    }


def _of_replies() -> dict[str, tuple[str, str, MakeFault]]:
    """Return those that answer good requests wrongly."""
    ident, missing, valid = "reply-id", "reply-missing", "valid-refused"
    return {
        "pong-without-id": ("A pong repeats the ping's id.", ident, f.edited("pong", _drop("id"))),
        "pong-other-id": (
            "A pong repeats the ping's id as it was sent.",
            ident,
            f.edited("pong", _map("id", lambda given: given + 1 if isinstance(given, int) else given + "x")),
        ),
        "pong-without-id-on-account-balances": (
            "A pong repeats the ping's id, on the sockets of whole accounts too.",
            ident,
            f.edited("pong", _drop("id"), where=f.on("balances", wide=True)),
        ),
        "ack-id-as-text": (
            "`bars.ack` repeats a number as a number.",
            ident,
            f.edited("bars.ack", _map("id", lambda given: str(given) if isinstance(given, int) else given)),
        ),
        "refused-ack-without-id": (
            "`bars.ack` repeats the id, with status `error` too.",
            ident,
            f.edited("bars.ack", _drop("id"), when=lambda body: body.get("status") == "error"),
        ),
        "unsubscribe-ack-without-id": (
            "`bars.unsubscribe.ack` repeats the id.",
            ident,
            f.edited("bars.unsubscribe.ack", _drop("id")),
        ),
        "auth-ack-other-id": (
            "`auth.ack` repeats the id.",
            ident,
            f.edited("auth.ack", _map("id", lambda given: 98 if given == 99 else 99)),
        ),
        "error-without-id": (
            "An error carries the request's id where it could be read.",
            ident,
            f.edited("error", _drop("id")),
        ),
        "pong-id-zero-lost": (
            "A pong repeats an id of 0.",
            ident,
            f.edited("pong", _drop("id"), when=lambda body: _id(body) == 0 and isinstance(_id(body), int)),
        ),
        "pong-id-empty-lost": (
            "A pong repeats an empty id.",
            ident,
            f.edited("pong", _drop("id"), when=lambda body: _id(body) == ""),
        ),
        "pong-id-32-bits": (
            "A pong repeats large numbers whole.",
            ident,
            f.edited("pong", _map("id", _int32)),
        ),
        "pong-id-cut-at-32": (
            "A pong repeats all of an id of up to 64 characters.",
            ident,
            f.edited("pong", _map("id", lambda given: given[:32] if isinstance(given, str) else given)),
        ),
        "pong-id-emoji-lost": (
            "A pong repeats an id with characters beyond U+FFFF.",
            ident,
            f.edited("pong", _map("id", _without_astral), when=lambda body: _is_astral(_id(body))),
        ),
        "ack-id-stripped": (
            "`bars.ack` repeats blanks around an id.",
            ident,
            f.edited("bars.ack", _map("id", lambda given: given.strip() if isinstance(given, str) else given)),
        ),
        "pong-id-quote-breaks-json": (
            "Every frame is a JSON object, whatever the id that it repeats.",
            "frame-undeclared",
            f.replaced("pong", _broken_quotes, when=_has_quote),
        ),
        "pong-late": ("A ping is answered in time.", "reply-late", f.delayed("pong", 5, rest=False)),
        "pong-late-on-orders": (
            "A ping is answered in time, on the orders sockets too.",
            "reply-late",
            f.delayed("pong", 5, where=f.on("orders"), rest=False),
        ),
        "ack-late": ("A subscription is answered in time.", "reply-late", f.delayed("bars.ack", 5, rest=True)),
        "auth-ack-late": ("A refresh is answered in time.", "reply-late", f.delayed("auth.ack", 5, rest=False)),
        "pong-missing": ("A ping is answered.", missing, f.replaced("pong", f.nothing)),
        "pong-missing-on-exchange-orders": (
            "A ping is answered, on the sockets of all orders too.",
            missing,
            f.replaced("pong", f.nothing, where=f.on("orders", wide=True)),
        ),
        "unsubscribe-ack-missing": (
            "The end of a subscription is acknowledged.",
            missing,
            f.replaced("bars.unsubscribe.ack", f.nothing),
        ),
        "refused-ack-missing": (
            "A subscription that is refused is answered.",
            missing,
            f.replaced("bars.ack", f.nothing, when=lambda body: body.get("status") == "error"),
        ),
        "auth-ack-missing": (
            "A refresh is answered.",
            missing,
            f.replaced("auth.ack", f.nothing, where=CACHE),
        ),
        "second-subscribe-unanswered": (
            "Subscribing again to the same spelling is answered.",
            missing,
            f.replaced("bars.ack", f.nothing, nth=2),
        ),
        "seventeenth-frame-unanswered": (
            "A ping is answered, as the seventeenth frame too.",
            missing,
            f.unanswered_from(17),
        ),
        "ping-unanswered-after-three": (
            "A ping is answered, behind a subscribe, a ping and an unsubscribe too.",
            missing,
            f.UnansweredAfter,
        ),
        "pong-broken-after-three": (
            "A pong has a timestamp, behind a ping, a refresh and a ping too.",
            "frame-invalid",
            f.BrokenAfter,
        ),
        "pong-twice-after-three": (
            "A ping is answered once, behind two subscribes and an unsubscribe too.",
            "reply-twice",
            f.DoubledAfter,
        ),
        "pong-twice": ("A ping is answered once.", "reply-twice", f.replaced("pong", f.twice)),
        "unsubscribe-ack-twice": (
            "An unsubscribe is answered once.",
            "reply-twice",
            f.replaced("bars.unsubscribe.ack", f.twice),
        ),
        "auth-ack-twice-on-trades": (
            "A refresh is answered once.",
            "reply-twice",
            f.replaced("auth.ack", f.twice, where=f.on("trades")),
        ),
        "unsubscribe-answered-as-subscribe": (
            "`bars.unsubscribe` is answered with `bars.unsubscribe.ack`.",
            "reply-wrong",
            f.replaced("bars.unsubscribe.ack", _subscribed_again),
        ),
        "ping-answered-as-refresh": (
            "`ping` is answered with `pong`.",
            "reply-wrong",
            f.replaced("pong", _wrong_reply, where=f.on("trades", "tickers")),
        ),
        "pong-unasked": (
            "A pong answers a ping.",
            "reply-unasked",
            f.after("bars.update", 3, _unasked("pong", timestamp=1793325600123)),
        ),
        "auth-ack-unasked": (
            "`auth.ack` answers a refresh.",
            "reply-unasked",
            f.after(("trade", "order"), 2, _unasked("auth.ack", status="ok", message="The token was renewed.")),
        ),
        "pong-to-others": (
            "A pong goes to the connection that asked.",
            "reply-unasked reply-twice",
            f.leaking(["pong"], _leaks_pong),
        ),
        "id-zero-refused": (
            "An id may be 0.",
            valid,
            f.instead(_ping(lambda body: _id(body) == 0 and isinstance(_id(body), int)), f.refused),
        ),
        "id-largest-refused": (
            "An id may be 9007199254740991.",
            valid,
            f.instead(f.request(f.REQUESTS, lambda body: _id(body) == MAX), f.refused),
        ),
        "id-negative-refused": (
            "An id may be negative, down to -9007199254740991.",
            valid,
            f.instead(
                f.request(f.REQUESTS, lambda body: _id(body) == -MAX),
                f.refused,
            ),
        ),
        "id-empty-refused": (
            "An id may be empty.",
            valid,
            f.instead(f.request(f.REQUESTS, lambda b: _id(b) == ""), f.refused),
        ),
        "id-longest-refused": (
            "An id may have 64 characters.",
            valid,
            f.instead(f.request(f.REQUESTS, lambda b: isinstance(b.get("id"), str) and len(b["id"]) == 64), f.refused),
        ),
        "unknown-members-refused": (
            "A payload may have members that its schema doesn't name.",
            valid,
            f.instead(_strange_members, f.refused),
        ),
        "bare-ping-refused": (
            "A ping may come without a payload.",
            valid,
            f.instead(
                lambda line, frame: _PING(line, frame) and "payload" not in json.loads(frame), f.refused, where=BARS
            ),
        ),
        "alias-refused": (
            "A resolution may be an alias, such as `1h`.",
            valid,
            f.instead(
                _subscribe(lambda b: b.get("resolution") in ALIASES),
                f.refused,
            ),
        ),
        "alias-of-week-refused": (
            "A resolution may be an alias of a week or a month.",
            valid,
            f.instead(_subscribe(lambda body: body.get("resolution") in ("1w", "W", "M")), f.refused),
        ),
        "default-resolution-refused": (
            "A resolution may be left out.",
            valid,
            f.instead(_subscribe(lambda body: "symbol" in body and "resolution" not in body), f.refused),
        ),
        "snapshot-zero-refused": (
            "`snapshot` may be 0.",
            valid,
            f.instead(_subscribe(lambda body: body.get("snapshot") == 0), f.refused),
        ),
        "snapshot-largest-refused": (
            "`snapshot` may be 5000.",
            valid,
            f.instead(_subscribe(lambda body: body.get("snapshot") == 5000), f.refused),
        ),
        "conflate-largest-refused": (
            "`conflate_ms` may be 60000.",
            valid,
            f.instead(_subscribe(lambda body: body.get("conflate_ms") == 60000), f.refused),
        ),
        "resume-zero-refused": (
            "The `seq` of `resume` may be 0.",
            valid,
            f.instead(
                _subscribe(lambda body: isinstance(body.get("resume"), dict) and body["resume"].get("seq") == 0),
                f.refused,
            ),
        ),
        "longest-symbol-refused": (
            "A symbol may have 128 characters; one that there isn't is answered by `bars.ack`.",
            valid,
            f.instead(_subscribe(lambda b: isinstance(b.get("symbol"), str) and len(b["symbol"]) == 128), f.refused),
        ),
    }


def _of_bad_input() -> dict[str, tuple[str, str, MakeFault]]:
    """Return those that treat bad frames wrongly."""
    accepted, ignored, kills = "invalid-accepted", "invalid-ignored", "invalid-kills"
    bad_id = _ping(lambda body: "id" in body and not f.is_id(body["id"]))
    return {
        "not-json-kills": (
            "A frame that is no JSON is answered by an error.",
            kills,
            f.instead(f.not_json, f.closes(1011)),
        ),
        "not-json-ignored": (
            "A frame that is no JSON is answered by an error.",
            ignored,
            f.instead(f.not_json, f.nothing, where=CACHE),
        ),
        "not-json-accepted": (
            "A frame that is no JSON is answered by an error.",
            accepted,
            f.instead(f.not_json, f.pong_without_id),
        ),
        "json-with-tail-accepted": (
            "A frame with more behind its object is no JSON, and answered by an error.",
            accepted,
            f.TailTaken,
        ),
        "list-cuts": ("A frame with a list is answered by an error.", kills, f.instead(f.not_object, f.cut)),
        "unknown-type-kills": (
            "An unknown type is answered by an error, and the connection lives.",
            kills,
            f.instead(f.unknown_type, f.closes(4502)),
        ),
        "unknown-type-ignored": (
            "An unknown type is answered by the error `unknown_type`.",
            ignored,
            f.instead(f.unknown_type, f.nothing),
        ),
        "type-missing-ignored": (
            "A frame without a type is answered by an error.",
            ignored,
            f.instead(f.without_type, f.nothing),
        ),
        "symbol-missing-kills": (
            "A subscription without a symbol is answered by an error.",
            kills,
            f.instead(_subscribe(lambda body: "symbol" not in body), f.closes(1008)),
        ),
        "symbol-missing-ignored": (
            "A subscription without a symbol is answered by an error.",
            ignored,
            f.instead(_subscribe(lambda body: "symbol" not in body), f.nothing),
        ),
        "symbol-number-kills": (
            "A symbol that is no string is answered by an error; the server closes with none but the codes listed.",
            kills,
            f.instead(_subscribe(lambda body: _text_and_not(body.get("symbol"))), f.closes(4400)),
        ),
        "symbol-number-ignored": (
            "The end of a subscription whose symbol is no string is answered by an error.",
            ignored,
            f.instead(f.request("bars.unsubscribe", lambda body: _text_and_not(body.get("symbol"))), f.nothing),
        ),
        "symbol-too-long-ignored": (
            "A symbol of more than 128 characters is answered by an error.",
            ignored,
            f.instead(_subscribe(lambda b: isinstance(b.get("symbol"), str) and len(b["symbol"]) > 128), f.nothing),
        ),
        "resolution-number-accepted": (
            "A resolution is a string.",
            accepted,
            _subscribe_with("resolution", lambda value: not isinstance(value, str), "1"),
        ),
        "resolution-number-ignored": (
            "A resolution that is no string is answered by an error.",
            ignored,
            f.instead(_subscribe(lambda body: _text_and_not(body.get("resolution"))), f.nothing),
        ),
        "snapshot-too-large-accepted": (
            "`snapshot` is 5000 at most.",
            accepted,
            _subscribe_with("snapshot", lambda value: isinstance(value, int) and value > 5000, 5000),
        ),
        "snapshot-negative-accepted": (
            "`snapshot` is 0 at least.",
            accepted,
            _subscribe_with("snapshot", lambda value: isinstance(value, int) and value < 0),
        ),
        "snapshot-text-accepted": (
            "`snapshot` is an integer.",
            accepted,
            _subscribe_with("snapshot", lambda value: not isinstance(value, int | float)),
        ),
        "conflate-any-accepted": (
            "`conflate_ms` is an integer from 0 to 60000.",
            accepted,
            _subscribe_with("conflate_ms", lambda value: _no_int(value) or not 0 <= int(str(value)) <= 60000),
        ),
        "resume-without-epoch-accepted": (
            "`resume` has an epoch.",
            accepted,
            _subscribe_with("resume", lambda value: isinstance(value, dict) and "epoch" not in value),
        ),
        "resume-text-accepted": (
            "`resume` is an object.",
            accepted,
            _subscribe_with("resume", lambda value: not isinstance(value, dict)),
        ),
        "resume-negative-accepted": (
            "The `seq` of `resume` is 0 at least.",
            accepted,
            _subscribe_with(
                "resume",
                lambda value: isinstance(value, dict) and isinstance(value.get("seq"), int) and value["seq"] < 0,
                lambda value: value | {"seq": 0},
            ),
        ),
        "bad-id-accepted": (
            "An id is a string of up to 64 characters or an integer.",
            accepted,
            f.instead(bad_id, f.pong_without_id),
        ),
        "bad-id-accepted-on-balances": (
            "An id is a string or an integer, on the balances sockets too.",
            accepted,
            f.instead(bad_id, f.pong_without_id, where=f.on("balances")),
        ),
        "bad-id-kills-trades": (
            "A ping with a bad id is answered by an error, on the trades sockets too.",
            kills,
            f.instead(bad_id, f.closes(1011), where=f.on("trades")),
        ),
        "id-too-long-ignored": (
            "An id of more than 64 characters is answered by an error.",
            ignored,
            f.instead(_ping(lambda b: isinstance(b.get("id"), str) and len(b["id"]) > 64), f.nothing),
        ),
        "payload-list-accepted": (
            "The payload of a ping is an object.",
            accepted,
            f.instead(
                lambda line, frame: _PING(line, frame) and not isinstance(json.loads(frame).get("payload", {}), dict),
                f.pong_without_id,
                where=BARS,
            ),
        ),
        "payload-missing-kills": (
            "A subscription without a payload is answered by an error.",
            kills,
            f.instead(
                lambda line, frame: f.request("bars.subscribe")(line, frame) and "payload" not in json.loads(frame),
                f.cut,
            ),
        ),
        "token-missing-accepted": (
            "A refresh has a token.",
            accepted,
            f.instead(f.request("auth.refresh", lambda body: "token" not in body), f.renewed),
        ),
        "token-number-ignored": (
            "A refresh whose token is no string is answered by an error.",
            ignored,
            f.instead(f.request("auth.refresh", lambda body: _text_and_not(body.get("token"))), f.nothing),
        ),
        "binary-accepted": (
            "A binary frame ends the connection with 1003.",
            accepted,
            f.instead(f.binary, f.pong_without_id),
        ),
        "binary-ignored": ("A binary frame ends the connection with 1003.", ignored, f.instead(f.binary, f.nothing)),
    }


def _of_handshakes() -> dict[str, tuple[str, str, MakeFault]]:
    """Return those that let in whom they mustn't, or refuse whom they must let in."""
    accepted, refused, chosen = "handshake-accepted", "handshake-refused", "handshake-subprotocol"
    kept = "token-kept"
    return {
        "token-missing-accepted-by-cache": (
            "The cache sockets want a token.",
            accepted,
            f.asks(f.lets_in_nobody),
        ),
        "token-missing-accepted-by-tickers": (
            "The sockets of one symbol's tickers want a token too.",
            accepted,
            f.asks(lambda line, shake: f.lets_in_nobody(line, shake) if f.on("tickers", wide=False)(line) else shake),
        ),
        "token-expired-accepted": ("An expired token is refused.", accepted, f.asks(f.lets_in_expired)),
        "token-forged-accepted": (
            "A token that isn't signed with the server's key is refused.",
            accepted,
            f.asks(f.lets_in_forged),
        ),
        "token-unsigned-accepted": (
            "A token is signed: `alg: none` is refused.",
            accepted,
            f.asks(f.lets_in_unsigned),
        ),
        "token-bad-accepted-by-bars": (
            "A token that is sent is checked on the bars socket too.",
            accepted,
            f.asks(f.lets_in_garbage),
        ),
        "two-tokens-accepted": (
            "Two different tokens at once are refused.",
            accepted,
            f.asks(f.lets_in_two_tokens),
        ),
        "scope-not-checked": (
            "Orders want the scope `orders:read`, balances `balances:read`.",
            accepted,
            f.asks(f.lets_in_unscoped(f.on("orders", "balances"))),
        ),
        "scope-not-checked-by-account-balances": (
            "The balances of a whole account want the scope `balances:read`.",
            accepted,
            f.asks(f.lets_in_unscoped(f.on("balances", wide=True))),
        ),
        "account-not-checked-by-balances": (
            "Balances are shown of the token's accounts alone, whether there is another or not.",
            accepted,
            f.AnyAccount,
        ),
        "account-not-checked-by-orders": (
            "Orders are shown of the token's accounts alone.",
            accepted,
            f.asks(f.any_owner),
        ),
        "address-with-slash-accepted": (
            "An address with a slash at its end is unknown.",
            accepted,
            f.asks(_without_slash),
        ),
        "exchange-unknown-accepted": ("An unknown exchange is refused.", accepted, _AnyExchange),
        "symbol-unknown-accepted": ("An unknown symbol is refused.", accepted, _AnySymbol),
        "replay-negative-accepted": (
            "`replay` is 0 at least.",
            accepted,
            _lax("replay", lambda text: (_int_or_none(text) or 0) < 0),
        ),
        "replay-too-large-accepted": (
            "`replay` is 1000 at most.",
            accepted,
            _lax("replay", lambda text: (_int_or_none(text) or 0) > 1000),
        ),
        "replay-text-accepted": (
            "`replay` is an integer.",
            accepted,
            _lax("replay", lambda text: _int_or_none(text) is None),
        ),
        "seq-text-accepted": (
            "The parameter `seq` is an integer.",
            accepted,
            _lax("seq", lambda text: not _is_whole(text) and _int_or_none(text) is None, "epoch"),
        ),
        "seq-negative-accepted": (
            "The parameter `seq` is 0 at least.",
            accepted,
            _lax("seq", lambda text: (_int_or_none(text) or 0) < 0, "epoch"),
        ),
        "epoch-too-long-accepted": (
            "The parameter `epoch` has 64 characters at most.",
            accepted,
            _lax("epoch", lambda text: len(text) > 64, "seq"),
        ),
        "exchange-id-text-accepted": (
            "The number of an account is an integer.",
            accepted,
            f.asks(
                lambda line, shake: (
                    shake.at("/".join(["/api/v1/cache/ws/balances/1", *shake.parts[2:]]))
                    if line.socket == "balances" and len(shake.parts) > 1 and shake.parts[1].isalpha()
                    else shake
                )
            ),
        ),
        "token-in-query-refused": (
            "A token may be sent as `?token=`.",
            refused,
            f.refuses(lambda shake: any(name == "token" for name, _ in shake.query), f.UNAUTHORIZED),
        ),
        "token-in-subprotocol-refused": (
            "A token may be sent as the subprotocol `bearer.<token>`.",
            refused,
            f.refuses(lambda shake: any(text.startswith(BEARER) for text in shake.offered), f.UNAUTHORIZED),
        ),
        "token-in-header-refused-by-orders": (
            "A token may be sent in the header `Authorization`, to the orders sockets too.",
            refused,
            f.refuses(
                lambda shake: (
                    shake.socket == "orders" and any(name.lower() == "authorization" for name, _ in shake.headers)
                ),
                f.UNAUTHORIZED,
            ),
        ),
        "without-token-refused-by-bars": (
            "The bars socket is open to anyone.",
            refused,
            f.refuses(lambda shake: shake.socket == "bars" and not shake.tokens(), f.UNAUTHORIZED),
        ),
        "without-subprotocol-refused": (
            "`tapecast.v1` is offered by whoever wants it; a client that offers none is let in.",
            refused,
            f.refuses(lambda shake: shake.socket != "" and V1 not in shake.offered, f.UNAUTHORIZED),
        ),
        "encoded-slash-refused": (
            "The slash of a symbol may be sent as `%2F`.",
            refused,
            f.refuses(lambda shake: "%2f" in shake.path.lower(), f.NOWHERE),
        ),
        "plain-slash-refused": (
            "The slash of a symbol may be sent as it is.",
            refused,
            f.refuses(
                lambda shake: len(shake.parts) == 3 and "/" in shake.parts[2] and "%2f" not in shake.path.lower(),
                f.NOWHERE,
            ),
        ),
        "seq-zero-refused": ("The parameter `seq` may be 0.", refused, f.refuses(_query("seq", "0"), f.MALFORMED)),
        "seq-largest-refused": (
            "The parameter `seq` may be 9007199254740991.",
            refused,
            f.refuses(_query("seq", str(MAX)), f.MALFORMED),
        ),
        "replay-largest-refused": (
            "`replay` may be 1000.",
            refused,
            f.refuses(_query("replay", "1000"), f.MALFORMED),
        ),
        "epoch-longest-refused": (
            "The parameter `epoch` may have 64 characters.",
            refused,
            f.refuses(lambda shake: any(n == "epoch" and len(v) == 64 for n, v in shake.query), f.MALFORMED),
        ),
        "subprotocol-not-offered": (
            "A subprotocol is chosen only where it was offered.",
            chosen,
            f.chooses(f.only_v1),
        ),
        "subprotocol-not-chosen": (
            "`tapecast.v1` is chosen where it was offered.",
            chosen,
            f.chooses(lambda line, given: None),
        ),
        "subprotocol-not-chosen-by-trades": (
            "`tapecast.v1` is chosen where it was offered, on the trades sockets too.",
            chosen,
            f.chooses(lambda line, given: None if line.socket == "trades" else given),
        ),
        "subprotocol-undeclared": (
            "No other subprotocol than `tapecast.v1` is chosen.",
            chosen,
            f.chooses(lambda line, given: None if given is None else "tapecast.v2"),
        ),
        "subprotocol-bearer-echoed": (
            "Of the subprotocols only `tapecast.v1` is echoed, never `bearer.<token>`.",
            chosen,
            f.chooses(
                lambda line, given: next((text for text in line.shake.offered if text.startswith(BEARER)), given)
            ),
        ),
        "token-expired-kept": (
            "A connection is closed with 4003 when its token expires.",
            kept,
            f.ExpiredKept,
        ),
        "token-expired-kept-by-cache": (
            "A cache socket is closed with 4003 when its token expires.",
            kept,
            lambda line: f.ExpiredKept(line) if line.socket != "bars" else Fault(line),
        ),
        "token-refreshed-kept": (
            "A connection lives no longer than the token that a refresh brought.",
            kept,
            f.RefreshedKept,
        ),
        "refresh-foreign-kept": (
            "A refresh with another user's token ends the connection with 4501.",
            kept,
            f.ForeignRefreshTaken,
        ),
        "refresh-unscoped-kept": (
            "A refresh with a token that doesn't cover what the connection shows ends it with 4501.",
            kept,
            f.UnscopedRefreshTaken,
        ),
        "refresh-forged-accepted": (
            "A refresh with a bad token is answered with status `error`.",
            "invalid-accepted token-kept",
            f.ForgedRefreshTaken,
        ),
        "refresh-expired-accepted": (
            "A refresh with an expired token is answered with status `error`.",
            "invalid-accepted token-kept",
            f.ExpiredRefreshTaken,
        ),
    }


def _of_streams() -> dict[str, tuple[str, str, MakeFault]]:
    """Return those that lie about positions."""
    hole, double, backward = "stream-hole", "stream-double", "stream-backward"
    late, unsubscribed, resume = "stream-ack-late", "stream-unsubscribed", "stream-resume"
    is_final = f.counted
    return {
        "bars-final-lost": (
            "The finals of a subscription are lossless.",
            hole,
            f.replaced("bars.update", f.nothing, when=is_final, nth=3),
        ),
        "bars-prev-lies": (
            "`prev` is the position of the final before.",
            hole,
            f.edited("bars.update", f.shifted("prev", 1), when=is_final, nth=4),
        ),
        "bars-final-twice": (
            "Each bar has one final.",
            double,
            f.replaced("bars.update", f.twice, when=is_final, nth=2),
        ),
        "bars-seq-stands": (
            "Each final raises `seq`.",
            f"{double} {hole}",
            f.edited("bars.update", f.shifted("seq", -1), when=is_final, nth=3),
        ),
        "bars-open-seq-falls": (
            "An open bar carries the stream's present position.",
            backward,
            f.edited("bars.update", f.shifted("seq", -2), when=lambda body: not is_final(body) and body["seq"] >= 2),
        ),
        "ack-seq-too-high": (
            "`bars.ack` names the position at which the subscription starts.",
            f"{backward} {double}",
            f.edited("bars.ack", f.shifted("seq", 5), when=_is_fresh),
        ),
        "ack-seq-too-low": (
            "`bars.ack` names the position at which the subscription starts.",
            f"{hole} {backward}",
            f.edited("bars.ack", f.shifted("seq", -3), when=_is_fresh),
        ),
        "ack-after-update": (
            "A subscription's frames come after its acknowledgement.",
            late,
            f.moved_behind("bars.ack", ["bars.update"]),
        ),
        "bars-epoch-changes": (
            "A new epoch begins with a reset.",
            "stream-epoch",
            f.EpochChanges,
        ),
        "bars-resume-skips": (
            "After a resume come all finals behind the position.",
            f"{resume} {hole}",
            f.resumed(f.nothing, where=BARS),
        ),
        "bars-resume-doubles": (
            "After a resume comes each final once.",
            f"{resume} {double}",
            f.resumed(f.twice, where=BARS, nth=2),
        ),
        "bars-resume-differs": (
            "After a resume come the finals as they were.",
            resume,
            f.resumed(_another_close, where=BARS),
        ),
        "resume-in-vain": (
            "A resume in another epoch can't be done, and the client is told.",
            f"{resume} stream-epoch",
            f.RecoveredInVain,
        ),
        "reset-missing": (
            "`bars.reset` follows where a resume can't be done.",
            resume,
            f.replaced("bars.reset", f.nothing),
        ),
        "recovered-missing": (
            "`bars.ack` says whether a resume succeeded.",
            resume,
            f.edited("bars.ack", _drop("recovered")),
        ),
        "update-after-unsubscribe": (
            "No frame of a subscription follows the reply that ends it.",
            unsubscribed,
            f.StillUpdated,
        ),
        "unsubscribe-in-vain": (
            "A subscription that is ended ends.",
            f"{unsubscribed} {late}",
            f.NeverUnsubscribed,
        ),
        "updates-respelt": (
            "The server repeats the resolution as the client spelt it.",
            unsubscribed,
            f.edited("bars.update", f.respelt),
        ),
        "bars-to-others": (
            "A subscription is its connection's alone.",
            unsubscribed,
            f.leaking(["bars.update"], _leaks_bars),
        ),
        "bars-inherited": (
            "A new connection has no subscription.",
            f"{unsubscribed} {late}",
            f.Inherited,
        ),
        "trades-to-others": (
            "The trades of one symbol's socket are that symbol's.",
            unsubscribed,
            f.leaking(["trade"], _leaks_narrow),
        ),
        "trade-lost": (
            "The trades of a symbol are lossless.",
            hole,
            f.replaced("trade", f.nothing, nth=5, where=f.on("trades", wide=False)),
        ),
        "trade-lost-of-exchange": (
            "The trades of an exchange are lossless.",
            hole,
            f.replaced("trade", f.nothing, nth=9, where=f.on("trades", wide=True)),
        ),
        "trade-prev-lies": (
            "`prev` is the position of the symbol's trade before.",
            hole,
            lambda line: f.edited(
                "trade", lambda body: body.update(prev=body["seq"] - 1 or 0), where=f.on("trades", wide=True)
            )(line),
        ),
        "trade-twice": (
            "Each trade comes once.",
            double,
            f.replaced("trade", f.twice, nth=3),
        ),
        "trades-swapped": (
            "Trades come in the order of their positions.",
            f"{hole} {double} {backward}",
            f.swapped(["trade"], 4, where=f.on("trades", wide=False)),
        ),
        "ready-behind-trade": (
            "`ready` is the first frame of a cache socket.",
            late,
            f.moved_behind("ready", ["trade"]),
        ),
        "ready-behind-balance": (
            "`ready` is the first frame of a balances socket.",
            late,
            f.moved_behind("ready", ["balances"]),
        ),
        "ready-seq-too-high": (
            "`ready` names the position at which the stream starts.",
            f"{backward} {double}",
            f.edited("ready", f.shifted("seq", 50), when=_is_fresh, where=f.on("trades")),
        ),
        "ready-seq-too-low": (
            "`ready` names the position at which the stream starts.",
            f"{hole} {backward}",
            f.edited("ready", f.shifted("seq", -20), when=_is_fresh, where=f.on("trades", "orders", "balances")),
        ),
        "ready-recovered-unasked": (
            "`ready` says `recovered` only to who asked to go on at a position.",
            resume,
            f.edited("ready", _put("recovered", value=True), where=lambda line: not _query_has(line, "seq")),
        ),
        "trades-resume-skips": (
            "After a resume come all trades behind the position.",
            f"{resume} {hole}",
            f.resumed(f.nothing, where=f.on("trades")),
        ),
        "trades-resume-differs": (
            "After a resume come the trades as they were.",
            resume,
            f.resumed(_another_close, where=f.on("trades")),
        ),
        "orders-resume-doubles": (
            "After a resume comes each change of an order once.",
            f"{resume} {double}",
            f.resumed(f.twice, where=f.on("orders")),
        ),
        "balances-resume-skips": (
            "After a resume come all changes of the balances behind the position.",
            f"{resume} {hole}",
            f.resumed(f.nothing, where=f.on("balances")),
        ),
        "gap-missing": (
            "A client whose position can't be found again is told by `gap`.",
            resume,
            f.replaced("gap", f.nothing),
        ),
        "order-lost": (
            "The changes of orders are lossless.",
            hole,
            f.replaced("order", f.nothing, when=f.counted, every=2, where=f.on("orders")),
        ),
        "balance-lost": (
            "The changes of a balance are lossless.",
            hole,
            f.replaced("balances", f.nothing, when=f.counted, every=2, where=f.on("balances")),
        ),
        "balance-twice": (
            "Each change of a balance comes once.",
            double,
            f.replaced("balances", f.twice, when=f.counted, nth=2, where=f.on("balances", wide=True)),
        ),
        "ticker-seq-falls": (
            "The `seq` of a ticker never falls.",
            backward,
            f.edited("ticker", _falls, nth=5),
        ),
        "ticker-seq-falls-at-exchange": (
            "The `seq` of a ticker never falls, on the sockets of whole exchanges too.",
            backward,
            f.edited("ticker", _falls, nth=12, where=f.on("tickers", wide=True)),
        ),
    }


def _query_has(line: Line, name: str) -> bool:
    return any(key == name for key, _ in line.shake.query)


def _all() -> dict[str, Mutant]:
    found: dict[str, Mutant] = {}
    for group in (_of_frames(), _of_replies(), _of_bad_input(), _of_handshakes(), _of_streams()):
        for name, (breaks, rules, fault) in group.items():
            assert name not in found
            found[name] = Mutant(name, breaks, frozenset(rules.split()), fault)
    return found


MUTANTS: Final[Mapping[str, Mutant]] = _all()
