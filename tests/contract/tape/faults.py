"""Faults: the ways in which a proxy can falsify a connection, to be put together into mutants. It names no mutant."""

import json
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any, TypeAlias

import jwt

from tests.contract.tape.line import V1, Fault, Frame, Json, Line, MakeFault, Refused, Shake, known, read, write
from tests.contract.tape.tokens import SCOPES, expiry, has_expired, is_signed, read_claims, signed_again, token

Change: TypeAlias = Callable[[Json], None]
"""Changes the members of a message in place."""
Act: TypeAlias = Callable[[Line, Json], Awaitable[None]]
"""Does something in place of passing on; the object is empty where the frame holds none."""
Is: TypeAlias = Callable[[Line, Frame], bool]

REASONS = {
    1008: "The token, its scopes, the account or the Origin were refused.",
    1011: "The server failed. The fault was logged.",
    4502: "Twenty bad frames in a row.",
    4504: "There is no such channel, exchange, symbol or currency, or a parameter is malformed.",
}
UNAUTHORIZED = Refused(401, "unauthorized", 1008)
MALFORMED = Refused(422, "invalid_parameter", 4504)
NOWHERE = Refused(404, "unknown_address", 4504)


def everywhere(line: Line) -> bool:
    """Be on every socket."""
    del line
    return True


def on(*sockets: str, wide: bool | None = None) -> Callable[[Line], bool]:
    """Return whether a connection is to one of these sockets, and of the wide or the narrow form if that matters."""
    return lambda line: line.socket in sockets and (wide is None or line.shake.is_wide == wide)


# ------------------------------------------------------------------------------------------- what the server sends


def edited(
    tags: str | Collection[str],
    change: Change,
    *,
    where: Callable[[Line], bool] = everywhere,
    when: Callable[[Json], bool] = lambda body: True,
    nth: int | None = None,
) -> MakeFault:
    """Change the members of such messages; `nth`: of one of them alone, counted from 1."""
    wanted = (tags,) if isinstance(tags, str) else tuple(tags)

    class Edited(Fault):
        count = 0

        async def from_server(self, frame: Frame) -> None:
            message = read(frame)
            if message is not None and known(wanted, message) and where(self.line) and when(self.line.body(message)):
                self.count += 1
                if nth is None or self.count == nth:
                    change(self.line.body(message))
                    frame = write(message)
            await self.line.to_client(frame)

    return Edited


def after(tags: str | Collection[str], nth: int, act: Act, *, where: Callable[[Line], bool] = everywhere) -> MakeFault:
    """Pass everything on, and do something once behind the nth of such messages, counted from 1."""
    wanted = (tags,) if isinstance(tags, str) else tuple(tags)

    class After(Fault):
        count = 0

        async def from_server(self, frame: Frame) -> None:
            await self.line.to_client(frame)
            message = read(frame)
            if message is not None and known(wanted, message) and where(self.line):
                self.count += 1
                if self.count == nth:
                    await act(self.line, message)

    return After


def replaced(
    tags: str | Collection[str],
    act: Act,
    *,
    where: Callable[[Line], bool] = everywhere,
    when: Callable[[Json], bool] = lambda body: True,
    nth: int | None = None,
    every: int = 1,
) -> MakeFault:
    """Do something in place of passing on such messages.

    `nth`: one of them alone, counted from 1. `every`: each second, third, ... of them.
    """
    wanted = (tags,) if isinstance(tags, str) else tuple(tags)

    class Replaced(Fault):
        count = 0

        async def from_server(self, frame: Frame) -> None:
            message = read(frame)
            if message is not None and known(wanted, message) and where(self.line) and when(self.line.body(message)):
                self.count += 1
                if self.count == nth or (nth is None and self.count % every == 0):
                    await act(self.line, message)
                    return
            await self.line.to_client(frame)

    return Replaced


async def nothing(line: Line, message: Json) -> None:
    """Do nothing."""
    del line, message


async def twice(line: Line, message: Json) -> None:
    """Send it twice."""
    for _ in range(2):
        await line.to_client(write(message))


def sends(frame: Frame | Callable[[Line], Frame]) -> Act:
    """Send the client this frame."""

    async def act(line: Line, message: Json) -> None:
        del message
        await line.to_client(frame if isinstance(frame, str | bytes) else frame(line))

    return act


def delayed(tag: str, seconds: float, *, where: Callable[[Line], bool] = everywhere, rest: bool) -> MakeFault:
    """Send such messages late; with `rest` everything behind the first of them too, so that the order stays."""

    class Delayed(Fault):
        held = False

        async def from_server(self, frame: Frame) -> None:
            self.held = self.held or (rest and known((tag,), read(frame)) and where(self.line))
            if self.held or (not rest and known((tag,), read(frame)) and where(self.line)):
                self.line.later(seconds, lambda: self.line.to_client(frame))
            else:
                await self.line.to_client(frame)

    return Delayed


def moved_behind(tag: str, tags: Collection[str], *, where: Callable[[Line], bool] = everywhere) -> MakeFault:
    """Hold such a message back until one of these has been sent."""

    class Moved(Fault):
        held: Frame | None = None

        async def from_server(self, frame: Frame) -> None:
            message = read(frame)
            if self.held is None and known((tag,), message) and where(self.line):
                self.held = frame
                return
            await self.line.to_client(frame)
            if self.held is not None and known(tuple(tags), message):
                held, self.held = self.held, None
                await self.line.to_client(held)

    return Moved


def swapped(tags: Collection[str], nth: int, *, where: Callable[[Line], bool]) -> MakeFault:
    """Send the nth and the next counted message of these the other way round."""

    class Swapped(Fault):
        count = 0
        held: Frame | None = None

        async def from_server(self, frame: Frame) -> None:
            message = read(frame)
            if (
                message is None
                or not known(tuple(tags), message)
                or not where(self.line)
                or not counted(self.line.body(message))
            ):
                await self.line.to_client(frame)
                return
            self.count += 1
            if self.count == nth:
                self.held = frame
                return
            await self.line.to_client(frame)
            if self.held is not None:
                await self.line.to_client(self.held)
                self.held = None

    return Swapped


def counted(body: Json) -> bool:
    """Say whether a message has a position that counts, and isn't what stood at the start."""
    return "prev" in body and not body.get("initial")


def closed_by(codes: Collection[int], instead: int | None) -> MakeFault:
    """Close with another code where the real server closes with one of these; None: cut the connection off."""

    class Closed(Fault):
        async def ended(self, code: int | None, reason: str) -> None:
            if code not in codes:
                await super().ended(code, reason)
            elif instead is None:
                self.line.cut()
            else:
                await self.line.close(instead, reason)

    return Closed


# ------------------------------------------------------------------------------------------- what the client sends


def instead(matches: Is, act: Act, *, where: Callable[[Line], bool] = everywhere) -> MakeFault:
    """Do something in place of passing on such a frame of the client's."""

    class Instead(Fault):
        async def from_client(self, frame: Frame) -> None:
            if where(self.line) and matches(self.line, frame):
                await act(self.line, read(frame) or {})
            else:
                await self.line.to_server(frame)

    return Instead


def mended(tag: str, change: Change, *, where: Callable[[Line], bool] = everywhere) -> MakeFault:
    """Change the members of such a request, so that the real server takes it."""

    class Mended(Fault):
        async def from_client(self, frame: Frame) -> None:
            message = read(frame)
            if message is not None and known((tag,), message) and where(self.line):
                before = write(message)
                change(self.line.body(message))
                if write(message) != before:
                    frame = write(message)
            await self.line.to_server(frame)

    return Mended


def request(tags: str | Collection[str], when: Callable[[Json], bool] = lambda body: True) -> Is:
    """Return whether a frame is one of these messages with such members."""
    wanted = (tags,) if isinstance(tags, str) else tuple(tags)

    def matches(line: Line, frame: Frame) -> bool:
        message = read(frame)
        return message is not None and known(wanted, message) and when(line.body(message))

    return matches


def not_json(line: Line, frame: Frame) -> bool:
    """Be a text frame that holds no JSON."""
    del line
    return isinstance(frame, str) and not is_json(frame)


def is_json(text: str) -> bool:
    """Say whether it is JSON at all."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class TailTaken(Fault):
    """Takes a frame for the object that it begins with, whatever comes behind it."""

    async def from_client(self, frame: Frame) -> None:
        """Leave out what comes behind the object."""
        if isinstance(frame, str) and frame.startswith("{") and not is_json(frame):
            try:
                _, end = json.JSONDecoder().raw_decode(frame)
            except (ValueError, RecursionError):
                end = len(frame)
            frame = frame[:end]
        await self.line.to_server(frame)


def not_object(line: Line, frame: Frame) -> bool:
    """Be a text frame with JSON that is no object."""
    return isinstance(frame, str) and is_json(frame) and read(frame) is None and not not_json(line, frame)


def binary(line: Line, frame: Frame) -> bool:
    """Be a binary frame."""
    del line
    return isinstance(frame, bytes)


REQUESTS = ("bars.subscribe", "bars.unsubscribe", "ping", "auth.refresh")


def unknown_type(line: Line, frame: Frame) -> bool:
    """Be an object with a type that no request has."""
    del line
    message = read(frame)
    return message is not None and isinstance(message.get("type"), str) and message["type"] not in REQUESTS


def without_type(line: Line, frame: Frame) -> bool:
    """Be an object without a type."""
    del line
    message = read(frame)
    return message is not None and "type" not in message


def any_request(line: Line, frame: Frame) -> bool:
    """Be a request, whatever its members."""
    del line
    return known(REQUESTS, read(frame))


def is_id(value: object) -> bool:
    """Say whether the document takes it for a request's id."""
    if isinstance(value, str):
        return len(value) <= 64
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 9007199254740991


async def refused(line: Line, message: Json) -> None:
    """Refuse it as malformed."""
    await line.answer("error", message, code="bad_request", message="The frame is not as it should be.")


async def cut(line: Line, message: Json) -> None:
    """End the connection without a close frame."""
    del message
    line.cut()


def closes(code: int) -> Act:
    """Close the connection, with the reason that the document has for the code."""

    async def act(line: Line, message: Json) -> None:
        del message
        await line.close(code, REASONS.get(code, ""))

    return act


async def pong_without_id(line: Line, message: Json) -> None:
    """Answer as a ping without an id is answered."""
    del message
    await line.to_client(line.message("pong", {"timestamp": int(time.time() * 1000)}))


async def renewed(line: Line, message: Json) -> None:
    """Answer as a good new token is answered."""
    expires_at = int(time.time() + 3600) * 1000
    await line.answer("auth.ack", message, status="ok", message="The token was renewed.", expires_at=expires_at)


def good_ping(line: Line, frame: Frame) -> bool:
    """Be a ping as the document has it."""
    message = read(frame)
    if message is None or not known(("ping",), message):
        return False
    return isinstance(message.get("payload", {}), dict) and is_id(line.body(message).get("id", 0))


def unanswered_from(nth: int) -> MakeFault:
    """Pass on all but one ping: the first that is the client's nth frame, counted from 1, or a later one."""

    class Unanswered(Fault):
        count = 0
        done = False

        async def from_client(self, frame: Frame) -> None:
            self.count += 1
            if self.count >= nth and not self.done and good_ping(self.line, frame):
                self.done = True
                return
            await self.line.to_server(frame)

    return Unanswered


class InOrder(Fault):
    """A fault that waits until the client has sent requests with just these types, one behind the other."""

    order: tuple[str, ...] = ()

    def __init__(self, line: Line) -> None:
        """Have seen none."""
        super().__init__(line)
        self.last: list[str] = []

    def is_due(self) -> bool:
        """Say whether the last requests were these."""
        return tuple(self.last[-len(self.order) :]) == self.order

    async def from_client(self, frame: Frame) -> None:
        """Take a request, and pass it on unless the fault keeps it."""
        message = read(frame)
        due = self.is_due()
        if known(REQUESTS, message):
            assert message is not None
            self.last.append(message["type"])
            if due and good_ping(self.line, frame) and not await self.pings(message):
                return
        await self.line.to_server(frame)

    async def pings(self, message: Json) -> bool:
        """Take the ping behind them; returns whether the real server is to answer it."""
        del message
        return False


class UnansweredAfter(InOrder):
    """The ping behind subscribe, ping, unsubscribe gets no answer."""

    order = ("bars.subscribe", "ping", "bars.unsubscribe")


class BrokenAfter(InOrder):
    """The pong behind ping, refresh, ping has no timestamp."""

    order = ("ping", "auth.refresh", "ping")

    async def pings(self, message: Json) -> bool:
        """Answer it without a timestamp."""
        await self.line.answer("pong", message)
        return False


class DoubledAfter(InOrder):
    """The ping behind two subscribes and an unsubscribe is answered twice."""

    order = ("bars.subscribe", "bars.subscribe", "bars.unsubscribe")

    async def pings(self, message: Json) -> bool:
        """Answer it once here; the real server does so too."""
        await self.line.answer("pong", message, timestamp=int(time.time() * 1000))
        return True


# ------------------------------------------------------------------------------------------- the handshake


def asks(change: Callable[[Line, Shake], Shake]) -> MakeFault:
    """Ask the real server for something else than the client did."""

    class Asks(Fault):
        def ask(self, shake: Shake) -> Shake:
            return change(self.line, shake)

    return Asks


def refuses(when: Callable[[Shake], bool], how: Refused) -> MakeFault:
    """Refuse such handshakes without asking the real server."""

    class Refuses(Fault):
        def refuse(self, shake: Shake) -> Refused | None:
            return how if when(shake) else None

    return Refuses


def chooses(choice: Callable[[Line, str | None], str | None]) -> MakeFault:
    """Tell the client another subprotocol."""

    class Chooses(Fault):
        def choose(self, chosen: str | None) -> str | None:
            return choice(self.line, chosen)

    return Chooses


def lets_in_nobody(line: Line, shake: Shake) -> Shake:
    """Take a client without a token for one with a good one."""
    return shake if shake.tokens() or line.socket == "bars" else shake.with_token(token(secret=line.world.secret))


def lets_in_expired(line: Line, shake: Shake) -> Shake:
    """Take an expired token for one that is good for an hour."""
    for text in shake.tokens()[:1]:
        if is_signed(text, line.world.secret) and has_expired(text):
            return shake.with_token(signed_again(text, line.world.secret, exp=int(time.time()) + 3600))
    return shake


def lets_in_forged(line: Line, shake: Shake) -> Shake:
    """Take a token whoever signed it."""
    for text in shake.tokens()[:1]:
        if not is_signed(text, line.world.secret) and read_claims(text) is not None:
            return shake.with_token(signed_again(text, line.world.secret))
    return shake


def lets_in_unsigned(line: Line, shake: Shake) -> Shake:
    """Take a token that says that it isn't signed (`alg: none`)."""
    for text in shake.tokens()[:1]:
        try:
            algorithm = str(jwt.get_unverified_header(text).get("alg"))
        except (jwt.InvalidTokenError, ValueError):
            continue
        if algorithm.lower() == "none":
            return shake.with_token(signed_again(text, line.world.secret))
    return shake


def lets_in_garbage(line: Line, shake: Shake) -> Shake:
    """Leave a bad token out on the bars socket, as if none had been sent."""
    given = shake.tokens()
    if line.socket != "bars" or not given or all(is_signed(text, line.world.secret) for text in given):
        return shake
    bare = shake.with_token("").without_parameters("token")
    return replace(bare, headers=tuple(pair for pair in bare.headers if pair[0] != "Authorization"))


def lets_in_unscoped(where: Callable[[Line], bool]) -> Callable[[Line, Shake], Shake]:
    """Take a token for what it isn't scoped for."""

    def ask(line: Line, shake: Shake) -> Shake:
        for text in shake.tokens()[:1]:
            if where(line) and is_signed(text, line.world.secret):
                return shake.with_token(signed_again(text, line.world.secret, scope=" ".join(SCOPES)))
        return shake

    return ask


def lets_in_two_tokens(line: Line, shake: Shake) -> Shake:
    """Take the first of several tokens."""
    del line
    given = shake.tokens()
    return shake.with_token(given[0]) if len(set(given)) > 1 else shake


class AnyAccount(Fault):
    """Serves the balances of account 1 as those of whatever number is asked for."""

    asked: int | None = None

    def ask(self, shake: Shake) -> Shake:
        """Ask for account 1 where it is another one, which is not the token's."""
        claims = read_claims(shake.tokens()[0]) if shake.tokens() else None
        parts = shake.parts
        if shake.socket != "balances" or claims is None or len(parts) < 2:
            return shake
        if not parts[1].isascii() or not parts[1].isdecimal() or len(parts[1]) > 16:
            return shake
        if int(parts[1]) in (claims.get("accounts") or ()) or int(parts[1]) > 9007199254740991:
            return shake
        self.asked = int(parts[1])
        own = signed_again(shake.tokens()[0], self.line.world.secret, accounts=[1])
        # A forged token stays what it is: the account is all that isn't checked.
        if not is_signed(shake.tokens()[0], self.line.world.secret):
            return shake
        return shake.with_token(own).at("/".join(["/api/v1/cache/ws/balances/1", *parts[2:]]))

    async def from_server(self, frame: Frame) -> None:
        """Put the number in that was asked for."""
        message = read(frame)
        if self.asked is not None and known(("balances",), message):
            assert message is not None
            frame = write(message | {"exchange_id": self.asked})
        await self.line.to_client(frame)


def any_owner(line: Line, shake: Shake) -> Shake:
    """Show the orders of an account that isn't the token's."""
    for text in shake.tokens()[:1]:
        if line.socket == "orders" and is_signed(text, line.world.secret):
            return shake.with_token(signed_again(text, line.world.secret, accounts=[1, 2]))
    return shake


# ------------------------------------------------------------------------------------------- tokens that should end


class ExpiredKept(Fault):
    """The token that a connection began with never expires. What the client is told of its end stays."""

    expires_at: float = float("inf")

    def ask(self, shake: Shake) -> Shake:
        """Bring a token that lives a day longer, where the client's is good."""
        for text in shake.tokens()[:1]:
            if len(set(shake.tokens())) == 1 and is_signed(text, self.line.world.secret) and not has_expired(text):
                self.expires_at = expiry(text)
                return shake.with_token(signed_again(text, self.line.world.secret, exp=int(time.time()) + 86400))
        return shake

    async def begin(self) -> None:
        """Warn when the real server would: a minute before the end."""
        if self.expires_at < float("inf") and self.line.speaks_v1:
            warning = self.line.message("auth.expiring", {"expires_at": int(self.expires_at) * 1000})
            wait = max(0.2, self.expires_at - 60 - time.time())
            self.line.later(wait, lambda: self.line.to_client(warning))


class Refreshes(Fault):
    """Does something to the tokens of `auth.refresh`: `change` makes the one that the real server is sent."""

    told: float | None = None

    def change(self, text: str, own: str) -> str:
        """Return the token for the real server, of the new one and the one that the connection began with."""
        del own
        return text

    async def from_client(self, frame: Frame) -> None:
        """Change a refresh."""
        message = read(frame)
        own = self.line.shake.tokens()
        if known(("auth.refresh",), message) and own:
            assert message is not None
            body = self.line.body(message)
            text = body.get("token")
            if isinstance(text, str) and read_claims(text) is not None:
                body["token"] = self.change(text, own[0])
                if body["token"] != text:
                    self.told = expiry(text)
                    frame = write(message)
        await self.line.to_server(frame)

    async def from_server(self, frame: Frame) -> None:
        """Tell of the new token what it says itself."""
        message = read(frame)
        if self.told is not None and known(("auth.ack",), message):
            assert message is not None
            body = self.line.body(message)
            if "expires_at" in body:
                body["expires_at"] = int(self.told) * 1000
                frame = write(message)
            self.told = None
        await self.line.to_client(frame)


class ForeignRefreshTaken(Refreshes):
    """A refresh with another user's token is answered with `ok`."""

    def change(self, text: str, own: str) -> str:
        """Make a token of the connection's own user of it, if it is good otherwise."""
        claims, mine = read_claims(text) or {}, read_claims(own) or {}
        secret = self.line.world.secret
        if not is_signed(text, secret) or has_expired(text):
            return text
        if all(claims.get(name) == mine.get(name) for name in ("sub", "user_id")):
            return text
        return signed_again(own, secret, exp=int(expiry(text)))


class UnscopedRefreshTaken(Refreshes):
    """A refresh with a token of the same user that lacks the scope is answered with `ok`."""

    def change(self, text: str, own: str) -> str:
        """Put the scopes in, if it is good otherwise."""
        secret = self.line.world.secret
        if not is_signed(text, secret) or has_expired(text):
            return text
        scope = (read_claims(own) or {}).get("scope", "")
        return text if (read_claims(text) or {}).get("scope") == scope else signed_again(text, secret, scope=scope)


class ForgedRefreshTaken(Refreshes):
    """A refresh with a token that somebody else signed is answered with `ok`."""

    def change(self, text: str, own: str) -> str:
        """Sign it."""
        del own
        secret = self.line.world.secret
        return text if is_signed(text, secret) else signed_again(text, secret)


class ExpiredRefreshTaken(Refreshes):
    """A refresh with an expired token is answered with `ok`, and the connection lives on."""

    def change(self, text: str, own: str) -> str:
        """Let it live for an hour."""
        del own
        secret = self.line.world.secret
        if not is_signed(text, secret) or not has_expired(text):
            return text
        return signed_again(text, secret, exp=int(time.time()) + 3600)


class RefreshedKept(Refreshes):
    """The token that a refresh brought never expires."""

    def change(self, text: str, own: str) -> str:
        """Let it live for a day, where it is good."""
        del own
        secret = self.line.world.secret
        if not is_signed(text, secret) or has_expired(text):
            return text
        return signed_again(text, secret, exp=int(time.time()) + 86400)


# ------------------------------------------------------------------------------------------- streams


def respelt(body: Json) -> None:
    """Spell an alias of a resolution as what it stands for."""
    names = {"1m": "1", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "4h": "240"}
    body["resolution"] = names.get(body["resolution"], body["resolution"])


def shifted(member: str, by: int) -> Change:
    """Add to a position, which stays at 0 at least; what isn't there stays so."""

    def change(body: Json) -> None:
        if isinstance(body.get(member), int):
            body[member] = max(0, body[member] + by)

    return change


class EpochChanges(Fault):
    """From the fifth counted bar of a subscription on its frames have another epoch."""

    def __init__(self, line: Line) -> None:
        """Have counted none."""
        super().__init__(line)
        self.counts: dict[tuple[Any, Any], int] = {}

    async def from_server(self, frame: Frame) -> None:
        """Count, then change."""
        message = read(frame)
        if message is not None and known(("bars.update", "bars.correction"), message):
            body = self.line.body(message)
            key = (body.get("symbol"), body.get("resolution"))
            self.counts[key] = self.counts.get(key, 0) + ("prev" in body)
            if self.counts[key] >= 5 and "epoch" in body:
                body["epoch"] = "another"
                frame = write(message)
        elif message is not None and known(("bars.ack",), message):
            body = self.line.body(message)
            self.counts[(body.get("symbol"), body.get("resolution"))] = 0
        await self.line.to_client(frame)


class StillUpdated(Fault):
    """The last update of a subscription comes again behind the reply that ends it."""

    def __init__(self, line: Line) -> None:
        """Hold none."""
        super().__init__(line)
        self.last: dict[tuple[Any, Any], Frame] = {}

    async def from_server(self, frame: Frame) -> None:
        """Keep each key's last update."""
        await self.line.to_client(frame)
        message = read(frame)
        if message is None:
            return
        body = self.line.body(message)
        key = (body.get("symbol"), body.get("resolution"))
        if known(("bars.update",), message):
            self.last[key] = frame
        elif known(("bars.unsubscribe.ack",), message) and body.get("status") == "ok" and key in self.last:
            await self.line.to_client(self.last.pop(key))


class NeverUnsubscribed(Fault):
    """A subscription that is ended goes on, though its end is acknowledged."""

    async def from_client(self, frame: Frame) -> None:
        """Acknowledge what the real server never hears of, where the key is subscribed."""
        message = read(frame)
        if message is not None and known(("bars.unsubscribe",), message):
            body = self.line.body(message)
            key = (body.get("symbol"), body.get("resolution", "1D"))
            if all(isinstance(part, str) for part in key) and key in self.line.keys and is_id(body.get("id", 0)):
                await self.line.answer(
                    "bars.unsubscribe.ack",
                    message,
                    status="ok",
                    symbol=key[0],
                    resolution=key[1],
                    message="Unsubscribed.",
                )
                self.line.keys.discard(key)
                return
        await self.line.to_server(frame)

    async def from_server(self, frame: Frame) -> None:
        """Note what is subscribed."""
        message = read(frame)
        if message is not None and known(("bars.ack",), message) and self.line.body(message).get("status") == "ok":
            self.line.keys.add((self.line.body(message)["symbol"], self.line.body(message)["resolution"]))
        await self.line.to_client(frame)


def leaking(tags: Collection[str], into: Callable[[Line, Line, Json], bool]) -> MakeFault:
    """Send such messages to other connections too: `into` is asked with the one it is for, another, the members."""

    class Leaking(Fault):
        async def from_server(self, frame: Frame) -> None:
            await self.line.to_client(frame)
            message = read(frame)
            if message is not None and known(("bars.ack",), message):
                body = self.line.body(message)
                self.line.keys.add((body.get("symbol"), body.get("resolution")))
            if message is None or not known(tuple(tags), message):
                return
            for other in list(self.line.world.lines):
                if other is not self.line and into(self.line, other, self.line.body(message)):
                    await other.to_client(frame)

    return Leaking


class Inherited(Fault):
    """A new bars connection goes on with the last subscription of the connection before it."""

    silent = False

    async def begin(self) -> None:
        """Subscribe on the client's behalf."""
        before = self.line.world.notes.get("subscribed")
        if self.line.socket == "bars" and before is not None:
            self.silent = True
            members = {"symbol": before[0], "resolution": before[1]}
            await self.line.to_server(self.line.message("bars.subscribe", members))

    async def from_server(self, frame: Frame) -> None:
        """Keep the reply from the client, and note what it subscribes itself."""
        message = read(frame)
        if known(("bars.ack",), message):
            assert message is not None
            if self.silent:
                self.silent = False
                return
            body = self.line.body(message)
            if body.get("status") == "ok":
                self.line.world.notes["subscribed"] = (body["symbol"], body["resolution"])
        await self.line.to_client(frame)


def resumed(act: Act, *, where: Callable[[Line], bool], nth: int = 1) -> MakeFault:
    """Do something in place of sending the nth counted frame after a resume that is said to have succeeded."""

    class Resumed(Fault):
        def __init__(self, line: Line) -> None:
            super().__init__(line)
            self.counts: dict[tuple[Any, Any], int] = {}

        async def from_server(self, frame: Frame) -> None:
            message = read(frame)
            if message is None or not where(self.line):
                await self.line.to_client(frame)
                return
            body = self.line.body(message)
            key = (body.get("symbol"), body.get("resolution")) if self.line.socket == "bars" else (None, None)
            if known(("bars.ack", "ready"), message):
                self.counts.pop(key, None)
                if body.get("recovered") is True:
                    self.counts[key] = 0
            elif key in self.counts and counted(body):
                self.counts[key] += 1
                if self.counts[key] == nth:
                    await act(self.line, message)
                    return
            await self.line.to_client(frame)

    return Resumed


class RecoveredInVain(Fault):
    """A resume that can't be done is said to have succeeded, and what tells so is kept back."""

    async def from_server(self, frame: Frame) -> None:
        """Falsify the reply, and leave out the reset or the gap."""
        message = read(frame)
        if known(("bars.reset", "gap"), message):
            return
        if message is not None and known(("bars.ack", "ready"), message):
            body = self.line.body(message)
            asked = self.line.socket == "bars" or any(name == "epoch" for name, _ in self.line.shake.query)
            if body.get("recovered") is False and asked:
                body["recovered"] = True
                frame = write(message)
        await self.line.to_client(frame)


def only_v1(line: Line, chosen: str | None) -> str | None:
    """Choose `tapecast.v1`, offered or not."""
    del line, chosen
    return V1
