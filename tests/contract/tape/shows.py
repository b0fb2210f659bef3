"""Shows: for each mutant a short conversation, and what of it shows the fault."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import jwt

from tests.contract.tape.line import Json, read
from tests.contract.tape.mutants import ALIASES, MAX, MUTANTS
from tests.contract.tape.talking import (
    BARS,
    CACHE,
    LIMIT_S,
    Conversation,
    Seen,
    Sees,
    Step,
    Talk,
    Talker,
    both,
    breaks_stream,
    closed,
    finals,
    flat,
    frame,
    good,
    let_in,
    ping,
    some,
    sub,
    turned_away,
    unseen,
    unsub,
    with_id,
)
from tests.contract.tape.tokens import OTHER_SECRET, token
from tests.support.judge import Judge

TICKERS, ALL_TICKERS = CACHE + "tickers/sim/BTC/USDT", CACHE + "tickers/sim"
TRADES, ALL_TRADES = CACHE + "trades/sim/BTC/USDT", CACHE + "trades/sim"
ORDERS, ALL_ORDERS = CACHE + "orders/nasdaq/AAPL", CACHE + "orders/sim"
BALANCE, ALL_BALANCES = CACHE + "balances/1/USDT", CACHE + "balances/1"
LONG = 8.0

JUDGE = Judge()


def misjudged(seen: Seen) -> bool:
    """See a frame or a close code that the document doesn't have."""
    try:
        for _, text in seen.frames:
            if not isinstance(text, str):
                return True
            JUDGE.frame(text, unquote(seen.path.partition("?")[0]).rstrip("/"))
        if seen.close not in (None, 1006):
            JUDGE.close(seen.close or 0, seen.reason)
    except (AssertionError, ValueError, TypeError, KeyError):
        return True
    return False


def refused_as_bad(ident: Any) -> Sees:
    """See that this request was answered with the error for what is malformed."""
    return lambda seen: any(
        body.get("id") == ident and body.get("code") == "bad_request" for body in seen.bodies("error")
    )


def bad(seen: Seen) -> bool:
    """See any error for what is malformed."""
    return any(body.get("code") == "bad_request" for body in seen.bodies("error"))


def fenced(path: str, *steps: Step) -> Talk:
    """Return a conversation that ends with a ping, whose answer tells that all before has been handled."""
    return Talk(path, (*steps, ping("fence", path)))


FENCE = with_id("fence", "pong")


def ignored(seen: Seen) -> bool:
    """See that nothing but the fence was answered."""
    return FENCE(seen) and not seen.bodies("error")


def accepted(tag: str) -> Sees:
    """See a good answer and no error up to the fence."""

    def sees(seen: Seen) -> bool:
        answers = [body for body in seen.bodies(tag) if body.get("id") != "fence" and body.get("status") != "error"]
        return FENCE(seen) and bool(answers) and not seen.bodies("error")

    return sees


def late(seen: Seen) -> bool:
    """See an answer that came four seconds or more after its request."""
    for at, text in seen.sent:
        message = read(text) or {}
        ident = message.get("payload", message).get("id")
        for then, answer in seen.frames:
            reply = read(answer) or {}
            if ident is not None and reply.get("payload", reply).get("id") == ident and then - at > 4:
                return True
    return False


def count_of(ident: Any, count: int) -> Sees:
    """See so many answers with this id."""
    return lambda seen: sum(body.get("id") == ident for body in seen.bodies()) >= count


def on_bars(*steps: Step, **more: Any) -> Talk:
    """Return a conversation over the bars socket."""
    return Talk(BARS, steps, **more)


def at(path: str, *steps: Step, **more: Any) -> Talk:
    """Return a conversation at this address."""
    return Talk(path, steps, **more)


SUBSCRIBED = on_bars(sub(id=1), window_s=3)
REFUSED = on_bars(sub("NOPE", id=1), ping("fence"))
GAPLESS = on_bars(sub(id=1), finals(6), window_s=3)


def aged(path: str, seconds: float = 2, *steps: Step) -> Talk:
    """Return a conversation with a token that expires in so many seconds."""
    return Talk(path, steps, bearer=lambda: token(expires_in_s=seconds), window_s=seconds + 2)


def outlived(seen: Seen) -> bool:
    """See that the connection lives on a second after the time that it was told."""
    told = [body["expires_at"] for body in seen.bodies("auth.expiring", "auth.ack") if "expires_at" in body]
    return bool(told) and seen.close is None and time.time() * 1000 > min(told[-1], told[0]) + 1000 and FENCE(seen)


class Refresh:
    """A conversation in which the token is refreshed, with what is made only then."""

    def __init__(self, path: str, make: Callable[[], str], *, expires_in_s: float = 3600, wait: float = 0.3) -> None:
        """Refresh with what `make` returns, then wait so long."""
        self.path, self.make, self.age, self.wait = path, make, expires_in_s, wait

    async def __call__(self, url: str, wanted: Sees) -> Seen:
        """Hold it."""
        refresh = (frame if self.path == BARS else flat)("auth.refresh", token=self.make(), id=5)
        talk = Talk(
            self.path,
            (refresh, self.wait, ping("fence", self.path)),
            bearer=lambda: token(expires_in_s=self.age),
        )
        return await talk(url, wanted)


class Resume:
    """A conversation that is cut off and resumed; what is seen is the second connection.

    The frames of both are compared: where they differ at a position, `status` is -1, which no answer has.
    """

    def __init__(self, path: str, *, epoch: str | None = None, back: int = 3) -> None:
        """Go on `back` counted frames before the last one, or in another epoch."""
        self.path, self.epoch, self.back = path, epoch, back

    async def __call__(self, url: str, wanted: Sees) -> Seen:
        """Hold it."""
        counted: Sees = lambda seen: len(_counted(seen)) >= self.back + 1  # noqa: E731
        before = await replace(Talk(self.path, (sub(id=1),) if self.path == BARS else ()), window_s=LIMIT_S)(
            url, counted
        )
        start = before.bodies("bars.ack", "ready")[0]
        epoch = self.epoch or start["epoch"]
        seq = _counted(before)[-1 - self.back]["seq"]
        if self.path == BARS:
            after = await on_bars(sub(id=2, resume={"epoch": epoch, "seq": seq}), finals(4), window_s=2)(url, wanted)
        else:
            after = await at(f"{self.path}?epoch={epoch}&seq={seq}", window_s=2)(url, wanted)
        values = {body["seq"]: _value(body) for body in _counted(before)}
        if any(body["seq"] in values and values[body["seq"]] != _value(body) for body in _counted(after)):
            after.status = -1
        return after


def _value(body: Json) -> Any:
    return body["bar"] if "bar" in body else {name: body[name] for name in body if name not in ("seq", "prev")}


def _counted(seen: Seen) -> list[Json]:
    return [body for body in seen.bodies() if "prev" in body and not body.get("initial") and "seq" in body]


def unrecovered(seen: Seen) -> bool:
    """See that a resume is answered otherwise than it must be: in another epoch it can't be done."""
    for body in seen.bodies("bars.ack", "ready"):
        told = seen.bodies("bars.reset", "gap")
        if body.get("recovered") is not False:
            return True
        return not told and len(seen.bodies()) >= 4
    return False


class Beside:
    """Two connections at a time; what is seen is the first, which says nothing unless told to."""

    def __init__(self, path: str, other: str, *steps: str) -> None:
        """Let the other one say this."""
        self.path, self.other, self.steps = path, other, steps

    async def __call__(self, url: str, wanted: Sees) -> Seen:
        """Hold them."""
        quiet, loud = Talker(self.path), Talker(self.other)
        headers = [("Authorization", f"Bearer {good()}")]
        try:
            assert await quiet.open(url, ["tapecast.v1"], headers)
            assert await loud.open(url, ["tapecast.v1"], headers)
            for step in self.steps:
                await loud.say(step)
            await quiet.until(wanted, 3)
        finally:
            await quiet.leave()
            await loud.leave()
        return quiet.seen


class Behind:
    """One connection after another; what is seen is the second."""

    async def __call__(self, url: str, wanted: Sees) -> Seen:
        """Hold them."""
        await on_bars(sub(id=1), window_s=3)(url, some("bars.update"))
        return await on_bars(window_s=3)(url, wanted)


def subprotocol(*wrong: str | None) -> Sees:
    """See a subprotocol chosen that is none of those."""
    return lambda seen: seen.subprotocol not in wrong


def forged() -> str:
    """Return a token that somebody else signed."""
    return token(secret=OTHER_SECRET)


def unsigned() -> str:
    """Return a token with `alg: none`."""
    claims = jwt.decode(token(), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none")


def foreign() -> str:
    """Return a good token of another user."""
    return token(sub="another", user_id="2")


def unscoped() -> str:
    """Return a good token without scopes."""
    return token(scopes=())


def expired() -> str:
    """Return an expired token."""
    return token(expires_in_s=-60)


def of_one_account() -> str:
    """Return a token of account 1 alone."""
    return token(accounts=[1])


def none() -> tuple[str, ...]:
    """Offer nothing."""
    return ()


def with_bearer() -> tuple[str, ...]:
    """Offer `tapecast.v1`, and a token beside it."""
    return ("tapecast.v1", f"bearer.{good()}")


PING_FIRST = ping("fence")
HELLO = at(BARS, PING_FIRST)
Show = tuple[Conversation, Sees]
A_TRADE = some("trade", 3)
ASTRAL = "tape \U0001f4c8"


def _shows() -> dict[str, Show]:
    balances = at(ALL_BALANCES, window_s=LONG)
    orders = at(ALL_ORDERS, window_s=LONG)
    trades, all_trades = at(TRADES, window_s=LONG), at(ALL_TRADES, window_s=LONG)
    tickers, all_tickers = at(TICKERS, window_s=LONG), at(ALL_TICKERS, window_s=LONG)
    unsubscribed = on_bars(sub(id=1), some("bars.update"), unsub(id=2), with_id(2), window_s=1)
    bad_refresh = Refresh(TICKERS, forged)
    shows: dict[str, Show] = {
        # wrong frames
        "bar-volume-negative": (SUBSCRIBED, misjudged),
        "bar-close-is-text": (SUBSCRIBED, misjudged),
        "bar-without-high": (SUBSCRIBED, misjudged),
        "update-without-timestamp": (SUBSCRIBED, misjudged),
        "update-final-is-text": (SUBSCRIBED, misjudged),
        "final-without-symbol": (GAPLESS, misjudged),
        "update-epoch-too-long": (SUBSCRIBED, misjudged),
        "seventh-update-time-is-null": (GAPLESS, misjudged),
        "snapshot-bar-without-open": (on_bars(sub(snapshot=2, id=1)), misjudged),
        "ack-without-resolution": (SUBSCRIBED, misjudged),
        "ack-status-done": (SUBSCRIBED, misjudged),
        "unsubscribe-ack-without-message": (unsubscribed, misjudged),
        "pong-without-timestamp": (HELLO, misjudged),
        "pong-timestamp-with-fraction": (HELLO, misjudged),
        "error-without-message": (on_bars("{"), misjudged),
        "auth-ack-expiry-is-text": (Refresh(TRADES, good), misjudged),
        "ready-without-limits": (trades, misjudged),
        "ready-limit-is-text": (trades, misjudged),
        "ticker-bid-is-text": (tickers, misjudged),
        "seventeenth-ticker-volume-negative": (tickers, misjudged),
        "exchange-tickers-without-price": (all_tickers, misjudged),
        "trade-side-hold": (trades, misjudged),
        "trade-id-too-long": (trades, misjudged),
        "trade-seq-with-fraction": (trades, misjudged),
        "order-status-pending": (orders, misjudged),
        "order-without-price": (at(ORDERS, window_s=LIMIT_S), misjudged),
        "order-exchange-id-negative": (orders, misjudged),
        "order-initial-is-number": (orders, misjudged),
        "balance-without-used": (balances, misjudged),
        "balance-free-is-text": (at(BALANCE, window_s=LONG), misjudged),
        "heartbeat-on-bars": (SUBSCRIBED, misjudged),
        "heartbeat-on-balances": (balances, misjudged),
        "trade-on-tickers": (tickers, misjudged),
        "enveloped-on-trades": (trades, misjudged),
        "frame-not-json": (SUBSCRIBED, misjudged),
        "frame-is-list": (trades, misjudged),
        "frame-empty": (HELLO, misjudged),
        "frame-binary": (SUBSCRIBED, misjudged),
        "order-in-binary": (orders, misjudged),
        "error-code-undeclared": (on_bars("{"), misjudged),
        "error-code-undeclared-on-tickers": (at(TICKERS, flat("nope", id=1)), misjudged),
        "ack-code-undeclared": (REFUSED, misjudged),
        "auth-ack-code-undeclared": (bad_refresh, misjudged),
        "close-code-at-expiry": (aged(BARS), misjudged),
        "close-code-at-foreign-refresh": (Refresh(BARS, foreign), misjudged),
        "close-code-of-refusal": (at(TRADES, bearer=None), misjudged),
        "close-code-at-binary": (on_bars(b"{}"), misjudged),
        "closed-at-fifth-pong": (on_bars(*(ping(number) for number in range(5))), misjudged),
        "cut-at-tenth-update": (SUBSCRIBED, closed(1006)),
        "cut-at-expiry": (aged(TRADES), closed(1006)),
        "cut-at-third-balance": (balances, closed(1006)),
        # wrong replies
        "pong-without-id": (HELLO, both(some("pong"), unseen(FENCE))),
        "pong-other-id": (HELLO, both(some("pong"), unseen(FENCE))),
        "pong-without-id-on-account-balances": (fenced(ALL_BALANCES), both(some("pong"), unseen(FENCE))),
        "ack-id-as-text": (SUBSCRIBED, both(some("bars.ack"), unseen(with_id(1, "bars.ack")))),
        "refused-ack-without-id": (REFUSED, both(some("bars.ack"), unseen(with_id(1, "bars.ack")))),
        "unsubscribe-ack-without-id": (
            on_bars(unsub("NOPE", id=2), PING_FIRST),
            both(some("bars.unsubscribe.ack"), unseen(with_id(2, "bars.unsubscribe.ack"))),
        ),
        "auth-ack-other-id": (Refresh(BARS, good), both(some("auth.ack"), unseen(with_id(5, "auth.ack")))),
        "error-without-id": (on_bars(frame("nope", id=4)), both(some("error"), unseen(with_id(4, "error")))),
        "pong-id-zero-lost": (on_bars(ping(0)), both(some("pong"), unseen(with_id(0, "pong")))),
        "pong-id-empty-lost": (on_bars(ping("")), both(some("pong"), unseen(with_id("", "pong")))),
        "pong-id-32-bits": (on_bars(ping(MAX)), both(some("pong"), unseen(with_id(MAX, "pong")))),
        "pong-id-cut-at-32": (on_bars(ping("x" * 64)), both(some("pong"), unseen(with_id("x" * 64, "pong")))),
        "pong-id-emoji-lost": (on_bars(ping(ASTRAL)), both(some("pong"), unseen(with_id(ASTRAL, "pong")))),
        "ack-id-stripped": (on_bars(sub(id=" a ")), both(some("bars.ack"), unseen(with_id(" a ", "bars.ack")))),
        "pong-id-quote-breaks-json": (on_bars(ping('a "b"')), misjudged),
        "pong-late": (on_bars(ping("a"), window_s=7), late),
        "pong-late-on-orders": (at(ORDERS, flat("ping", id="a"), window_s=7), late),
        "ack-late": (on_bars(sub(id=1), window_s=7), late),
        "pong-missing": (
            on_bars(ping(1), unsub("NOPE", id=2), window_s=3),
            both(with_id(2), unseen(some("pong"))),
        ),
        "pong-missing-on-exchange-orders": (
            at(ALL_ORDERS, flat("ping", id=1), flat("nope", id=2)),
            both(with_id(2, "error"), unseen(some("pong"))),
        ),
        "unsubscribe-ack-missing": (
            on_bars(unsub("NOPE", id=2), PING_FIRST),
            both(FENCE, unseen(some("bars.unsubscribe.ack"))),
        ),
        "refused-ack-missing": (REFUSED, both(FENCE, unseen(some("bars.ack")))),
        "auth-ack-missing": (bad_refresh, both(FENCE, unseen(some("auth.ack")))),
        "second-subscribe-unanswered": (
            on_bars(sub(id=1), sub(id=2), PING_FIRST),
            both(FENCE, unseen(with_id(2))),
        ),
        "seventeenth-frame-unanswered": (
            on_bars(*(ping(number) for number in range(17)), PING_FIRST),
            both(FENCE, unseen(with_id(16))),
        ),
        "ping-unanswered-after-three": (
            on_bars(sub(id=1), ping(2), unsub(id=3), ping(4), unsub("NOPE", id=5)),
            both(with_id(5), unseen(with_id(4))),
        ),
        "pong-broken-after-three": (
            at(TRADES, flat("ping", id=1), flat("auth.refresh", token="x", id=2), flat("ping"), flat("ping", id=4)),
            misjudged,
        ),
        "pong-twice-after-three": (
            on_bars(sub(id=1), sub("NOPE", id=2), unsub(id=3), ping(4), PING_FIRST),
            both(FENCE, count_of(4, 2)),
        ),
        "pong-twice": (HELLO, count_of("fence", 2)),
        "unsubscribe-ack-twice": (on_bars(unsub("NOPE", id=2), PING_FIRST), count_of(2, 2)),
        "auth-ack-twice-on-trades": (Refresh(TRADES, good), count_of(5, 2)),
        "unsubscribe-answered-as-subscribe": (unsubscribed, both(some("bars.ack", 2), with_id(2, "bars.ack"))),
        "ping-answered-as-refresh": (at(TRADES, flat("ping", id=1)), with_id(1, "auth.ack")),
        "pong-unasked": (SUBSCRIBED, some("pong")),
        "auth-ack-unasked": (trades, some("auth.ack")),
        "pong-to-others": (Beside(BARS, BARS, ping(1)), some("pong")),
        "id-zero-refused": (on_bars(ping(0)), refused_as_bad(0)),
        "id-largest-refused": (on_bars(sub(id=MAX)), refused_as_bad(MAX)),
        "id-negative-refused": (on_bars(ping(-MAX)), refused_as_bad(-MAX)),
        "id-empty-refused": (at(TRADES, flat("ping", id="")), refused_as_bad("")),
        "id-longest-refused": (on_bars(ping("x" * 64)), refused_as_bad("x" * 64)),
        "unknown-members-refused": (on_bars(frame("ping", id=1, more=[])), refused_as_bad(1)),
        "bare-ping-refused": (on_bars('{"type":"ping"}'), bad),
        "alias-refused": (on_bars(*(sub(resolution=alias, id=1) for alias in ALIASES)), refused_as_bad(1)),
        "alias-of-week-refused": (on_bars(sub(resolution="W", id=1)), refused_as_bad(1)),
        "default-resolution-refused": (on_bars(frame("bars.subscribe", symbol="AAPL", id=1)), refused_as_bad(1)),
        "snapshot-zero-refused": (on_bars(sub(snapshot=0, id=1)), refused_as_bad(1)),
        "snapshot-largest-refused": (on_bars(sub(snapshot=5000, id=1)), refused_as_bad(1)),
        "conflate-largest-refused": (on_bars(sub(conflate_ms=60000, id=1)), refused_as_bad(1)),
        "resume-zero-refused": (on_bars(sub(resume={"epoch": "e", "seq": 0}, id=1)), refused_as_bad(1)),
        "longest-symbol-refused": (on_bars(sub("x" * 128, id=1)), refused_as_bad(1)),
        # bad input
        "not-json-kills": (fenced(BARS, "{"), closed()),
        "not-json-ignored": (fenced(TRADES, "{"), ignored),
        "not-json-accepted": (fenced(BARS, "{"), accepted("pong")),
        "json-with-tail-accepted": (fenced(BARS, '{"type":"ping"}}'), accepted("pong")),
        "list-cuts": (fenced(TICKERS, "[]"), closed(1006)),
        "unknown-type-kills": (fenced(BARS, frame("nope")), closed()),
        "unknown-type-ignored": (fenced(BALANCE, flat("nope")), ignored),
        "type-missing-ignored": (fenced(BARS, "{}"), ignored),
        "symbol-missing-kills": (fenced(BARS, frame("bars.subscribe", id=1)), closed()),
        "symbol-missing-ignored": (fenced(BARS, frame("bars.subscribe", id=1)), ignored),
        "symbol-number-kills": (fenced(BARS, sub(7)), closed(4400)),
        "symbol-number-ignored": (fenced(BARS, unsub(7)), ignored),
        "symbol-too-long-ignored": (fenced(BARS, sub("x" * 129)), ignored),
        "resolution-number-accepted": (fenced(BARS, sub(resolution=1)), accepted("bars.ack")),
        "resolution-number-ignored": (fenced(BARS, sub(resolution=1)), ignored),
        "snapshot-too-large-accepted": (fenced(BARS, sub(snapshot=5001)), accepted("bars.ack")),
        "snapshot-negative-accepted": (fenced(BARS, sub(snapshot=-1)), accepted("bars.ack")),
        "snapshot-text-accepted": (fenced(BARS, sub(snapshot="3")), accepted("bars.ack")),
        "conflate-any-accepted": (fenced(BARS, sub(conflate_ms=60001)), accepted("bars.ack")),
        "resume-without-epoch-accepted": (fenced(BARS, sub(resume={"seq": 1})), accepted("bars.ack")),
        "resume-text-accepted": (fenced(BARS, sub(resume="e:1")), accepted("bars.ack")),
        "resume-negative-accepted": (fenced(BARS, sub(resume={"epoch": "e", "seq": -1})), accepted("bars.ack")),
        "bad-id-accepted": (fenced(BARS, ping(1.5)), accepted("pong")),
        "bad-id-accepted-on-balances": (fenced(BALANCE, flat("ping", id=True)), accepted("pong")),
        "bad-id-kills-trades": (fenced(TRADES, flat("ping", id=[])), closed()),
        "id-too-long-ignored": (fenced(TRADES, flat("ping", id="x" * 65)), ignored),
        "payload-list-accepted": (fenced(BARS, '{"type":"ping","payload":[]}'), accepted("pong")),
        "payload-missing-kills": (fenced(BARS, '{"type":"bars.subscribe"}'), closed(1006)),
        "token-missing-accepted": (fenced(TRADES, flat("auth.refresh", id=1)), accepted("auth.ack")),
        "token-number-ignored": (fenced(BARS, frame("auth.refresh", token=1, id=1)), ignored),
        "binary-accepted": (on_bars(b'{"type":"ping"}'), some("pong")),
        "binary-ignored": (fenced(BARS, b'{"type":"ping"}'), FENCE),
        # handshakes
        "token-missing-accepted-by-cache": (at(ALL_BALANCES, bearer=None), let_in),
        "token-missing-accepted-by-tickers": (at(TICKERS, bearer=None), let_in),
        "token-expired-accepted": (at(TRADES, bearer=expired), let_in),
        "token-forged-accepted": (at(TRADES, bearer=forged), let_in),
        "token-unsigned-accepted": (at(TRADES, bearer=unsigned), let_in),
        "token-bad-accepted-by-bars": (on_bars(PING_FIRST, bearer=forged), let_in),
        "two-tokens-accepted": (at(TRADES, query=lambda: f"?token={token(sub='b')}"), let_in),
        "scope-not-checked": (at(ALL_ORDERS, bearer=unscoped), let_in),
        "scope-not-checked-by-account-balances": (at(ALL_BALANCES, bearer=unscoped), let_in),
        "account-not-checked-by-balances": (at(CACHE + "balances/999"), let_in),
        "account-not-checked-by-orders": (at(CACHE + "orders/nasdaq", bearer=of_one_account), let_in),
        "address-with-slash-accepted": (at(BARS + "/", PING_FIRST), let_in),
        "exchange-unknown-accepted": (at(CACHE + "trades/nope"), let_in),
        "symbol-unknown-accepted": (at(CACHE + "tickers/sim/NO/PE"), let_in),
        "replay-negative-accepted": (at(TRADES + "?replay=-1"), let_in),
        "replay-too-large-accepted": (at(TRADES + "?replay=1001"), let_in),
        "replay-text-accepted": (at(TRADES + "?replay=x"), let_in),
        "seq-text-accepted": (at(ALL_ORDERS + "?epoch=e&seq=x"), let_in),
        "seq-negative-accepted": (at(TRADES + "?epoch=e&seq=-1"), let_in),
        "epoch-too-long-accepted": (at(f"{TRADES}?epoch={'e' * 65}&seq=1"), let_in),
        "exchange-id-text-accepted": (at(CACHE + "balances/mine"), let_in),
        "token-in-query-refused": (at(TRADES, bearer=None, query=lambda: f"?token={good()}"), turned_away),
        "token-in-subprotocol-refused": (at(TRADES, bearer=None, offer=with_bearer), turned_away),
        "token-in-header-refused-by-orders": (orders, turned_away),
        "without-token-refused-by-bars": (on_bars(PING_FIRST, bearer=None), turned_away),
        "without-subprotocol-refused": (at(TRADES, offer=none), turned_away),
        "encoded-slash-refused": (at(CACHE + "trades/sim/BTC%2FUSDT"), turned_away),
        "plain-slash-refused": (trades, turned_away),
        "seq-zero-refused": (at(TRADES + "?epoch=e&seq=0"), turned_away),
        "seq-largest-refused": (at(f"{TRADES}?epoch=e&seq={MAX}"), turned_away),
        "replay-largest-refused": (at(TRADES + "?replay=1000"), turned_away),
        "epoch-longest-refused": (at(f"{TRADES}?epoch={'e' * 64}&seq=1"), turned_away),
        "subprotocol-not-offered": (at(TRADES, offer=none), subprotocol(None)),
        "subprotocol-not-chosen": (HELLO, subprotocol("tapecast.v1")),
        "subprotocol-not-chosen-by-trades": (trades, subprotocol("tapecast.v1")),
        "subprotocol-undeclared": (HELLO, subprotocol("tapecast.v1")),
        "subprotocol-bearer-echoed": (at(TRADES, bearer=None, offer=with_bearer), subprotocol("tapecast.v1")),
        "token-expired-kept": (aged(BARS, 2, 3.5, PING_FIRST), outlived),
        "token-expired-kept-by-cache": (aged(TRADES, 2, 3.5, ping("fence", TRADES)), outlived),
        "token-refreshed-kept": (Refresh(TRADES, lambda: token(expires_in_s=2), wait=3.5), outlived),
        "refresh-foreign-kept": (Refresh(BARS, foreign), both(FENCE, unseen(closed()))),
        "refresh-unscoped-kept": (Refresh(ALL_ORDERS, unscoped), both(FENCE, unseen(closed()))),
        "refresh-forged-accepted": (
            Refresh(TRADES, forged),
            some("auth.ack", 1, lambda body: body["status"] == "ok"),
        ),
        "refresh-expired-accepted": (
            Refresh(TRADES, expired),
            some("auth.ack", 1, lambda body: body["status"] == "ok"),
        ),
        # streams of several connections
        "bars-resume-differs": (Resume(BARS), lambda seen: seen.status == -1),
        "trades-resume-differs": (Resume(TRADES), lambda seen: seen.status == -1),
        "bars-resume-skips": (Resume(BARS), breaks_stream("stream-hole")),
        "bars-resume-doubles": (Resume(BARS), breaks_stream("stream-double")),
        "trades-resume-skips": (Resume(ALL_TRADES, back=8), breaks_stream("stream-hole")),
        "orders-resume-doubles": (Resume(ALL_ORDERS, back=2), breaks_stream("stream-double")),
        "balances-resume-skips": (Resume(ALL_BALANCES, back=3), lost_of_resume),
        "resume-in-vain": (Resume(BARS, epoch="another"), unrecovered),
        "reset-missing": (Resume(BARS, epoch="another"), unrecovered),
        "recovered-missing": (Resume(BARS, epoch="another"), unrecovered),
        "gap-missing": (Resume(TRADES, epoch="another"), unrecovered),
        "bars-to-others": (Beside(BARS, BARS, sub(id=1)), breaks_stream("stream-unsubscribed")),
        "bars-inherited": (Behind(), breaks_stream("stream-unsubscribed")),
        "trades-to-others": (Beside(TRADES, ALL_TRADES), breaks_stream("stream-unsubscribed")),
        "ready-recovered-unasked": (trades, some("ready", 1, lambda body: body["recovered"] is True)),
        "auth-ack-late": (Refresh(TRADES, good, wait=7.0), late),
    }
    streams: dict[str, Conversation] = {
        "bars-final-lost": GAPLESS,
        "bars-prev-lies": GAPLESS,
        "bars-final-twice": GAPLESS,
        "bars-seq-stands": GAPLESS,
        "bars-open-seq-falls": GAPLESS,
        "ack-seq-too-high": GAPLESS,
        "ack-seq-too-low": GAPLESS,
        "ack-after-update": SUBSCRIBED,
        "bars-epoch-changes": GAPLESS,
        "update-after-unsubscribe": unsubscribed,
        "unsubscribe-in-vain": unsubscribed,
        "updates-respelt": SUBSCRIBED,
        "trade-lost": trades,
        "trade-lost-of-exchange": all_trades,
        "trade-prev-lies": all_trades,
        "trade-twice": trades,
        "trades-swapped": trades,
        "ready-behind-trade": trades,
        "ready-behind-balance": balances,
        "ready-seq-too-high": trades,
        "ready-seq-too-low": trades,
        "order-lost": at(ALL_ORDERS, window_s=LIMIT_S),
        "balance-lost": at(BALANCE, window_s=LIMIT_S),
        "balance-twice": balances,
        "ticker-seq-falls": tickers,
        "ticker-seq-falls-at-exchange": all_tickers,
    }
    for name, conversation in streams.items():
        shows[name] = (conversation, breaks_stream(*MUTANTS[name].rules))
    return shows


def lost_of_resume(seen: Seen) -> bool:
    """See that the first counted frame after a resume isn't the one behind the position."""
    asked = int(seen.path.rpartition("=")[2])
    return bool(_counted(seen)) and _counted(seen)[0]["seq"] != asked + 1


SHOWS = _shows()
