"""Feed: when an open bar is sent, in which order, and at which position. On virtual time."""

import json
from decimal import Decimal
from typing import Any

import pytest

from generated.models import BarsSubscribe, BarsSubscribePayload, BarsUnsubscribe, BarsUnsubscribePayload
from handlers.auth import AuthenticationError, Principal
from handlers.bars import BarsHandlers
from handlers.feed import BarsFeed
from handlers.tokens import Tokens
from handlers.wire import wire_number
from market.events import Trade
from market.resolution import Resolution
from streaming.history import Rings
from streaming.hub import Hub
from streaming.session import Session
from tests.support.clock import VirtualClock
from tests.support.source import MINUTE, START, symbol
from tests.support.transport import FakeTransport, Turns, new_session


async def no_tokens(token: str) -> Principal:
    """Refuse every token."""
    raise AuthenticationError("The token is malformed.")


class Fixture:
    """A feed, a hub and sessions without a server."""

    def __init__(
        self,
        *,
        interval_ms: int = 1000,
        lateness_ms: int = 0,
        late_ms: int = 0,
        begun: tuple[str, ...] = ("test", "other"),
    ) -> None:
        self.clock = VirtualClock()
        self.turns = Turns()
        self.hub = Hub(self.turns.flusher)
        self.rings = Rings(self.clock, frames=4, age=600, total=1000)
        self.tokens = Tokens(no_tokens, self.clock, warning_ms=0)
        epochs = iter(("first", "second", "third", "fourth"))
        self.feed = BarsFeed(
            [symbol("AAA"), symbol("BBB", "other")],
            self.hub,
            self.rings,
            self.clock,
            interval_ms=interval_ms,
            lateness_ms=lateness_ms,
            late_ms=late_ms,
            new_epoch=lambda: next(epochs),
        )
        for exchange in begun:
            self.feed.begins(exchange, 0)
        self.handlers = BarsHandlers(self.feed, self.hub, self.clock, self.tokens)

    async def subscribe(self, name: str = "AAA", resolution: str = "1", **wanted: Any) -> tuple[Session, FakeTransport]:
        """Return a new session with one subscription; `ack` is its reply."""
        session, transport = new_session(self.clock, self.turns)
        payload = BarsSubscribePayload.model_validate({"symbol": name, "resolution": resolution, **wanted})
        ack = await self.handlers.subscribe_bars(session, BarsSubscribe(payload=payload))
        assert ack.payload.status == "ok"
        self.ack = ack.payload
        session.replied()
        return session, transport

    def trade(self, at: int, price: str = "10", volume: str = "1", key: str = "test:AAA") -> None:
        """Send a trade at START + at."""
        self.feed.trade(Trade(key, START + at, Decimal(price), Decimal(volume)))

    def payloads(self, transport: FakeTransport) -> list[dict[str, Any]]:
        """Return what was written since the last look."""
        self.turns.end()
        found = [json.loads(frame)["payload"] for frame in transport.frames]
        transport.writes.clear()
        return found


def closes(payloads: list[dict[str, Any]]) -> list[tuple[int, float, bool]]:
    """Return time since START, close and final of each."""
    return [(p["bar"]["time"] - START, p["bar"]["close"], p["final"]) for p in payloads]


async def test_updates_of_an_open_bar_keep_their_interval_and_the_last_one_always_comes() -> None:
    """The first change goes at once, later ones wait for the interval, and its end sends the newest."""
    fixture = Fixture(interval_ms=1000)
    _, transport = await fixture.subscribe()
    fixture.trade(0, "1")
    assert closes(fixture.payloads(transport)) == [(0, 1, False)]
    fixture.trade(1, "2")
    fixture.trade(2, "3")
    assert fixture.payloads(transport) == []
    await fixture.clock.advance(0.999)
    assert fixture.payloads(transport) == []
    await fixture.clock.advance(0.001)
    assert closes(fixture.payloads(transport)) == [(0, 3, False)]
    await fixture.clock.advance(5)
    assert fixture.payloads(transport) == []
    assert fixture.clock.pending == 0
    fixture.trade(3, "4")
    assert closes(fixture.payloads(transport)) == [(0, 4, False)]


async def test_a_final_does_not_wait_for_the_interval() -> None:
    """The last word on a bar comes at once; the update that waited then shows the next bar, not the old one."""
    fixture = Fixture(interval_ms=1000)
    _, transport = await fixture.subscribe()
    fixture.trade(0, "1")
    fixture.trade(1, "2")
    fixture.trade(MINUTE, "3")
    assert closes(fixture.payloads(transport)) == [(0, 1, False), (0, 2, True)]
    await fixture.clock.advance(1)
    assert closes(fixture.payloads(transport)) == [(MINUTE, 3, False)]


async def test_the_open_bar_is_sent_to_who_comes_and_not_again_to_the_others() -> None:
    """A second subscriber is told the present state; the first hears nothing new."""
    fixture = Fixture(interval_ms=0)
    fixture.trade(0, "1")
    _, first = await fixture.subscribe()
    assert closes(fixture.payloads(first)) == [(0, 1, False)]
    _, second = await fixture.subscribe()
    assert closes(fixture.payloads(second)) == [(0, 1, False)]
    fixture.feed.clock("test", START + 1)
    assert fixture.payloads(first) == []
    fixture.trade(2, "2")
    assert closes(fixture.payloads(first)) == closes(fixture.payloads(second)) == [(0, 2, False)]


async def test_positions_count_finals_also_while_nobody_listens() -> None:
    """Who comes late is told where the stream stands; the next final follows it without a hole."""
    fixture = Fixture()
    for minute in range(3):
        fixture.trade(minute * MINUTE)
    session, transport = new_session(fixture.clock, fixture.turns)
    message = BarsSubscribe(payload=BarsSubscribePayload(symbol="AAA", resolution="1"))
    ack = await fixture.handlers.subscribe_bars(session, message)
    session.replied()
    assert (ack.payload.seq, ack.payload.epoch) == (2, "first")
    fixture.trade(3 * MINUTE)
    final = next(payload for payload in fixture.payloads(transport) if payload["final"])
    assert (final["seq"], final["prev"], final["epoch"]) == (3, 2, "first")


async def test_history_moves_no_position_and_is_told_to_nobody() -> None:
    """Who subscribes while history is told sees nothing of it; when the source begins, the bar that is then open."""
    fixture = Fixture(interval_ms=0, begun=("other",))
    assert not fixture.feed.has_begun
    for minute in range(3):
        fixture.feed.history(Trade("test:AAA", START + minute * MINUTE, Decimal(minute + 1), Decimal(1)))
    _, minutes = await fixture.subscribe(resolution="1")
    _, days = await fixture.subscribe(resolution="1D")
    assert fixture.payloads(minutes) == fixture.payloads(days) == []
    fixture.feed.begins("test", START + 3 * MINUTE)
    assert fixture.feed.has_begun
    assert fixture.payloads(minutes) == []
    (update,) = fixture.payloads(days)
    assert (update["bar"]["open"], update["bar"]["volume"], update["seq"], update["final"]) == (1, 3, 0, False)
    fixture.trade(3 * MINUTE, "9")
    (update,) = fixture.payloads(days)
    assert (update["bar"]["open"], update["bar"]["volume"], update["seq"]) == (1, 4, 0)
    fixture.feed.clock("test", START + 4 * MINUTE)
    assert closes(fixture.payloads(minutes)) == [(3 * MINUTE, 9, False), (3 * MINUTE, 9, True)]
    assert fixture.feed.stream(symbol("AAA"), Resolution.MINUTE_1).position.seq == 1


async def test_after_a_restart_history_is_hidden_again() -> None:
    """Who comes back before the source has begun anew gets its acknowledgement and no bar of the past."""
    fixture = Fixture(interval_ms=0)
    fixture.trade(0)
    fixture.feed.restarted("test")
    assert not fixture.feed.has_begun
    fixture.feed.history(Trade("test:AAA", START - 1, Decimal(1), Decimal(1)))
    _, transport = await fixture.subscribe()
    assert fixture.payloads(transport) == []
    fixture.feed.begins("test", START)
    fixture.trade(0, "7")
    assert closes(fixture.payloads(transport)) == [(0, 7, False)]


async def test_what_the_clock_has_passed_is_late_also_for_a_symbol_without_bars() -> None:
    """A trade of a minute that the exchange's clock has left behind makes no bar; it is counted as late."""
    fixture = Fixture(interval_ms=0)
    _, transport = await fixture.subscribe()
    fixture.feed.clock("test", START + 5 * MINUTE)
    fixture.trade(0)
    assert fixture.payloads(transport) == []
    assert fixture.feed.dropped() == {"doubled": 0, "late": 1, "outside": 0, "unbusted": 0}


async def test_the_clock_closes_bars_of_every_symbol_whatever_was_due_first() -> None:
    """The shortcut for clocks that close nothing never skips one that does."""
    fixture = Fixture(interval_ms=0)
    _, transport = await fixture.subscribe()
    for minute in range(50):
        fixture.feed.clock("test", START + minute * MINUTE + 1)
        fixture.trade(minute * MINUTE + 2)
        fixture.feed.clock("test", START + minute * MINUTE + 59_999)
        fixture.feed.clock("test", START + (minute + 1) * MINUTE)
        assert [final for _, _, final in closes(fixture.payloads(transport))] == [False, True]


async def test_with_lateness_the_next_bar_waits_for_the_final_of_the_one_before() -> None:
    """While a bar may still change, nothing of the next is shown: time never goes back; then the clock shows it."""
    fixture = Fixture(interval_ms=0, lateness_ms=2000)
    _, transport = await fixture.subscribe()
    fixture.trade(0, "1")
    fixture.feed.clock("test", START + 2000)
    assert closes(fixture.payloads(transport)) == [(0, 1, False)]
    fixture.trade(MINUTE + 500, "5")
    fixture.trade(MINUTE - 500, "2")  # late, but in time
    assert closes(fixture.payloads(transport)) == [(0, 2, False)]
    fixture.feed.clock("test", START + MINUTE + 2000)
    assert closes(fixture.payloads(transport)) == [(0, 2, True), (MINUTE, 5, False)]


async def test_when_the_last_subscriber_has_left_no_timer_goes_on() -> None:
    """A stream that nobody wants is not published again, and no timer is left."""
    fixture = Fixture(interval_ms=1000)
    session, transport = await fixture.subscribe()
    fixture.trade(0, "1")
    fixture.trade(1, "2")
    assert fixture.clock.pending == 1
    fixture.hub.remove(session)
    await fixture.clock.advance(1)
    fixture.trade(2, "3")
    assert fixture.clock.pending == 0
    assert closes(fixture.payloads(transport)) == [(0, 1, False)]


async def test_a_source_that_fails_sends_the_last_word_first() -> None:
    """The update that waited for its interval comes before the error, and only to that exchange's subscribers."""
    fixture = Fixture(interval_ms=1000)
    _, transport = await fixture.subscribe()
    _, bystander = await fixture.subscribe("BBB")
    fixture.trade(0, "1")
    fixture.trade(1, "2")
    fixture.feed.failed("test")
    first, last, error = fixture.payloads(transport)
    assert closes([first, last]) == [(0, 1, False), (0, 2, False)]
    assert error["code"] == "source_unavailable"
    assert fixture.payloads(bystander) == []
    assert fixture.clock.pending == 0


async def test_a_restart_ends_its_subscribers_and_forgets_the_market() -> None:
    """A new epoch starts at 0 with no bar; sessions of another exchange live on."""
    fixture = Fixture(interval_ms=1000)
    session, transport = await fixture.subscribe()
    other, _ = await fixture.subscribe("BBB")
    fixture.trade(0, "1")
    fixture.trade(MINUTE, "2")
    fixture.feed.restarted("test")
    assert (session.ended, transport.closed, other.ended) == ("state_lost", ["state_lost"], None)
    assert fixture.clock.pending == 0
    again, heard = new_session(fixture.clock, fixture.turns)
    message = BarsSubscribe(payload=BarsSubscribePayload(symbol="AAA", resolution="1"))
    ack = await fixture.handlers.subscribe_bars(again, message)
    again.replied()
    assert (ack.payload.epoch, ack.payload.seq) == ("third", 0)
    assert fixture.payloads(heard) == []


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("18606700", "18606700"),
        ("18606700.00", "18606700"),
        ("0.1", "0.1"),
        ("569.160", "569.16"),
        ("0.00000001", "1e-08"),
        ("0", "0"),
        ("123456789.12345", "123456789.12345"),
        ("1E+3", "1000"),
        ("100000000000000000000", "1e+20"),
        ("9007199254740993", "9007199254740992.0"),
    ],
)
def test_numbers_have_the_shortest_text(text: str, wire: str) -> None:
    """A whole number has no point, and no number more digits than it needs."""
    assert json.dumps(wire_number(Decimal(text))) == wire


async def test_sums_do_not_drift() -> None:
    """0.1 and 0.2 are 0.3 on the wire."""
    fixture = Fixture(interval_ms=0)
    _, transport = await fixture.subscribe()
    fixture.trade(0, "10", "0.1")
    fixture.trade(1, "10", "0.2")
    fixture.turns.end()
    assert b'"volume":0.3}' in transport.frames[-1]


def minutes(payloads: list[dict[str, Any]]) -> list[tuple[int, int | None]]:
    """Return which minute each bar is of, and the position where it is counted."""
    return [((p["bar"]["time"] - START) // MINUTE, p["seq"] if "prev" in p else None) for p in payloads]


async def test_who_comes_back_gets_what_it_missed_and_then_what_is_open() -> None:
    """From the ring, as it was told; where that has too little left, or of another epoch, a reset and nothing else."""
    it = Fixture(interval_ms=0)
    _, witness = await it.subscribe()
    for minute in range(6):
        it.trade(minute * MINUTE)
    told = [each for each in it.payloads(witness) if "prev" in each]
    assert minutes(told) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]  # the ring keeps four
    _, back = await it.subscribe(resume={"epoch": "first", "seq": 2})
    assert (it.ack.recovered, it.ack.seq) == (True, 2)
    *missed, still_open = it.payloads(back)
    assert missed == told[2:]
    assert minutes([still_open]) == [(5, None)]
    for position, reason in (
        ({"epoch": "first", "seq": 0}, "too_old"),
        ({"epoch": "zero", "seq": 2}, "other_epoch"),
        ({"epoch": "first", "seq": 6}, "unknown_position"),
    ):
        _, back = await it.subscribe(resume=position)
        assert (it.ack.recovered, it.ack.seq) == (False, 5)
        reset, still_open = it.payloads(back)
        assert (reset["reason"], reset["epoch"], reset["seq"]) == (reason, "first", 5)
        assert minutes([still_open]) == [(5, None)]


async def test_a_snapshot_has_the_newest_closed_bars_of_its_position() -> None:
    """What closes before it is written is not in it, and comes after it."""
    it = Fixture(interval_ms=0)
    for minute in range(4):
        it.trade(minute * MINUTE)
    _, transport = await it.subscribe(snapshot=2)
    it.trade(4 * MINUTE)
    snapshot, opened, final, newest = it.payloads(transport)
    assert [(bar["time"] - START) // MINUTE for bar in snapshot["bars"]] == [1, 2]
    assert (snapshot["seq"], it.ack.seq) == (3, 3)
    assert minutes([opened, final, newest]) == [(3, None), (3, 4), (4, None)]
    _, other = await it.subscribe(resolution="3", snapshot=5000)
    assert len(it.payloads(other)[0]["bars"]) == 2  # the first minute ends its three, the next three have just closed
    _, recovered = await it.subscribe(snapshot=2, resume={"epoch": "first", "seq": 4})
    assert [each for each in it.payloads(recovered) if "bars" in each] == []


async def test_the_past_has_no_bar_that_lacks_trades() -> None:
    """A bar that opened before the session of the first trade told is left out; past bars of the source are there."""
    it = Fixture(begun=())
    day = 86_400_000
    midnight = START - START % day
    for number in range(3):
        it.feed.history(Trade("test:AAA", midnight + number * day, Decimal(10), Decimal(1)))
    it.feed.begins("test", midnight + 40 * day)
    bars = {}
    for resolution in ("1D", "1W", "1M"):
        _, transport = await it.subscribe(resolution=resolution, snapshot=10)
        (snapshot,) = it.payloads(transport)
        bars[resolution] = len(snapshot["bars"])
    assert bars == {"1D": 3, "1W": 0, "1M": 0}


async def test_a_late_trade_corrects_every_closed_bar_that_it_is_in() -> None:
    """Each at its stream's next position, with a revision; the open ones just take it in. So does a busted one."""
    it = Fixture(interval_ms=0, late_ms=600_000)
    feeds = {resolution: (await it.subscribe(resolution=resolution))[1] for resolution in ("1", "3", "5")}
    base = (-START // MINUTE) % 5 * MINUTE  # the next five minutes that belong together
    for minute in (0, 1, 4):
        it.trade(base + minute * MINUTE, "10")
    for transport in feeds.values():
        it.payloads(transport)
    it.feed.trade(Trade("test:AAA", START + base + 1, Decimal(12), Decimal(2), "late"))
    corrected = {resolution: it.payloads(transport) for resolution, transport in feeds.items()}
    assert [(each["bar"]["high"], each["bar"]["volume"], each["revision"]) for each in corrected["1"]] == [(12, 3, 1)]
    assert [each.get("revision") for each in corrected["5"]] == [None]
    it.feed.bust("test:AAA", "late")
    it.feed.bust("test:AAA", "late")
    (again,) = it.payloads(feeds["1"])
    assert (again["bar"]["high"], again["bar"]["volume"], again["revision"]) == (10, 1, 2)
    assert again["prev"] == corrected["1"][0]["seq"]
    assert it.feed.dropped()["unbusted"] == 1


async def test_each_pace_has_its_own_interval_and_ends_with_its_last_subscriber() -> None:
    """`conflate_ms`, in steps of two digits, where it is more than the server's; what is final waits for nothing."""
    it = Fixture(interval_ms=100)
    _, fast = await it.subscribe(conflate_ms=50)
    slow_session, slow = await it.subscribe(conflate_ms=996)
    _, also_slow = await it.subscribe(conflate_ms=1000)
    assert it.hub.spellings(("bars", "test:AAA", "1")) == (("AAA", "1", "100"), ("AAA", "1", "1000"))
    it.trade(0, "1")
    for each in (fast, slow, also_slow):
        assert closes(it.payloads(each)) == [(0, 1, False)]
    it.trade(1, "2")
    await it.clock.advance(0.1)
    assert closes(it.payloads(fast)) == [(0, 2, False)]
    it.trade(2, "3")
    await it.clock.advance(0.9)
    assert closes(it.payloads(slow)) == [(0, 3, False)]
    it.trade(MINUTE, "4")
    assert closes(it.payloads(also_slow))[-1] == (0, 3, True)
    for number in range(2000):
        session, _ = await it.subscribe(conflate_ms=1000 + 25 * number)
        message = BarsUnsubscribe(payload=BarsUnsubscribePayload(symbol="AAA", resolution="1"))
        await it.handlers.unsubscribe_bars(session, message)
    assert len(it.feed.stream(symbol("AAA"), Resolution.MINUTE_1).paces) == 2
    assert slow_session.ended is None


async def test_a_newcomer_that_was_told_a_newer_bar_hears_of_the_next_one() -> None:
    """Also where that is the one which the others were told before."""
    it = Fixture(interval_ms=1000, late_ms=600_000)
    _, early = await it.subscribe()
    it.trade(0, "10")
    it.feed.trade(Trade("test:AAA", START + 1, Decimal(20), Decimal(1), "busted"))
    _, newcomer = await it.subscribe()
    assert closes(it.payloads(newcomer)) == [(0, 20, False)]
    it.feed.bust("test:AAA", "busted")
    await it.clock.advance(1)
    assert closes(it.payloads(newcomer)) == [(0, 10, False)]
    assert closes(it.payloads(early))[-1] == (0, 10, False)


async def test_what_was_is_there_also_after_the_source_has_ended() -> None:
    """Who asks for it gets it, and then the news; who doesn't is refused."""
    it = Fixture(interval_ms=0)
    it.trade(0)
    it.feed.clock("test", START + MINUTE)
    it.feed.ended("test")
    _, transport = await it.subscribe(resume={"epoch": "first", "seq": 0})
    final, news = it.payloads(transport)
    assert minutes([final]) == [(0, 1)]
    assert news["code"] == "source_unavailable"
    session, _ = new_session(it.clock, it.turns)
    request = BarsSubscribe(payload=BarsSubscribePayload(symbol="AAA", resolution="1"))
    assert (await it.handlers.subscribe_bars(session, request)).payload.code == "source_unavailable"
