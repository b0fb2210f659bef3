"""Sim: a synthetic market that never closes, from a seed and the wall clock. It never sees a subscriber or a message.

Trades arrive as a Poisson process over all symbols together, so 500 symbols cost one timer; each symbol's price is a
geometric random walk on a grid of ticks. The same seed and the same clock give the same trades.
"""

import math
import random
from dataclasses import dataclass

from gateway.sources.columns import decimal_of
from gateway.sources.demo import PACE_S, DemoTrader, demo_account
from gateway.sources.source import CLOCK_EVERY_S, EVENTS_PER_TURN
from market.calendar import MINUTE_MS, TradingCalendar
from market.events import Account, AccountSink, MarketSink, Side, Trade
from market.records import Plain
from market.symbols import Symbol
from streaming.clock import Clock

EXCHANGE = "sim"
MAX_SYMBOLS = 10_000
MAX_RATE = 10_000
# A price wanders by 60 % in a year, much as the real ones do.
_DEVIATION_PER_ROOT_MS = 0.6 / math.sqrt(365.25 * 86_400_000)
_SHORTEST_WAIT_S = 0.01
# What a sleeping machine missed isn't made up for, beyond this.
_LONGEST_BACKLOG_MS = 5_000
_TRIANGLE = math.sqrt(6.0)  # brings the sum of two uniform numbers to a deviation of 1


@dataclass(frozen=True, slots=True)
class SimOptions:
    """What the synthetic market has: `symbols` (1 to 10,000), `rate` trades a second for each, and a seed.

    `exchange_id` is the demo account's.
    """

    symbols: int = 2
    rate: float = 2.0
    seed: int = 0
    name: str = "sim"
    exchange_id: int = 1


class _Instrument:
    """One symbol's walk. The price is kept as a real number of ticks and told as a whole one."""

    __slots__ = ("decimals", "key", "lot", "ticks", "time", "volume_decimals")

    def __init__(self, key: str, ticks: float, decimals: int, lot: int, volume_decimals: int) -> None:
        self.key = key
        self.ticks = ticks
        self.decimals = decimals
        self.lot = lot  # a usual large volume, in units of `volume_decimals`
        self.volume_decimals = volume_decimals
        self.time: int | None = None  # of its last trade


class SimSource:
    """BTC/USDT, ETH/USDT and then S003/USDT, S004/USDT, ... at the exchange `sim`."""

    def __init__(self, options: SimOptions, clock: Clock) -> None:
        """Check the options. ValueError says which of them can't be."""
        if not 1 <= options.symbols <= MAX_SYMBOLS:
            raise ValueError(f"The sim has 1 to {MAX_SYMBOLS} symbols, not {options.symbols}.")
        if not (math.isfinite(options.rate) and 0 < options.rate <= MAX_RATE):
            raise ValueError(
                f"The sim's rate is above 0 and at most {MAX_RATE} trades a second a symbol, not {options.rate}."
            )
        self._options = options
        self._clock = clock
        calendar = TradingCalendar.always_open()
        self._symbols = tuple(
            Symbol(EXCHANGE, _name(number), calendar, synthetic=True, description="Synthetic market")
            for number in range(1, options.symbols + 1)
        )
        self._account = demo_account(EXCHANGE, options.exchange_id, self._symbols)
        self._market: Market
        self._trader: DemoTrader
        self.forget()

    @property
    def name(self) -> str:
        """Return the source's name."""
        return self._options.name

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Return the symbols, all of them marked synthetic."""
        return self._symbols

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return the demo account."""
        return (self._account,)

    def fingerprint(self) -> str:
        """Return the symbols and the seed: trades of another rate can follow on."""
        return f"sim {self._options.symbols} symbols, seed {self._options.seed}, account {self._account.exchange_id}"

    def dump(self) -> Plain:
        """Return where the market stands."""
        return (self._has_begun, self._now, self._market.dump(), self._trader.dump())

    def load(self, plain: Plain) -> None:
        """Stand where the copy stood."""
        self._has_begun, self._now, market, trader = plain
        self._market.load(market)
        self._trader.load(trader)
        self._resumes = True

    def forget(self) -> None:
        """Start anew."""
        self._has_begun = self._resumes = False
        self._now = self._clock.now_ms()
        self._market = Market(self._symbols, self._options)
        self._trader = DemoTrader(self._account, self._symbols, seed=self._options.seed, pace_ms=PACE_S * 1000)

    def go_on(self) -> None:
        """Do nothing: no setting shapes what was told. The rate counts from the next trade on."""

    def follow_begins(self, time: int, sink: AccountSink) -> None:
        """Take that the market began."""
        self._has_begun, self._now = True, time
        self._trader.begins(sink, time)

    def follow_trade(self, trade: Trade, sink: AccountSink) -> None:
        """Take a trade that was told."""
        self._market.follow(trade)
        self._trader.trade(trade, sink)
        self._now = max(self._now, trade.time)

    def follow_clock(self, time: int, sink: AccountSink) -> None:
        """Take a time that was told."""
        self._trader.clock(time, sink)
        self._now = max(self._now, time)

    def follow_ended(self) -> None:
        """Do nothing: this market never ends."""

    async def run(self, sink: MarketSink) -> None:
        """Trade until cancelled. See `Source`.

        A market that goes on in a new process makes nothing up for the time between: its prices stand still in it.
        """
        clock = self._clock
        if not (self._resumes and self._has_begun):
            self.forget()
        self._resumes = False
        market, trader = self._market, self._trader
        # The wall clock may be set back, also between two processes; the market's never goes back.
        now = self._now = max(self._now, clock.now_ms())
        market.go_on(now)
        if not self._has_begun:
            sink.begins(EXCHANGE, now)
            self._has_begun = True
            trader.begins(sink, now)
        while True:
            now = self._now = max(now, clock.now_ms())
            if now - market.due > _LONGEST_BACKLOG_MS:
                market.due = float(now)
            events = 0
            while market.due <= now:
                trade = market.trade()
                sink.trade(trade)
                trader.trade(trade, sink)
                events += 1
                if events % EVENTS_PER_TURN == 0:
                    sink.clock(EXCHANGE, int(market.last))
                    trader.clock(int(market.last), sink)
                    await clock.sleep(0)
            sink.clock(EXCHANGE, now)
            trader.clock(now, sink)
            upcoming = min(market.due, now - now % MINUTE_MS + MINUTE_MS)
            await clock.sleep(min(max((upcoming - now) / 1000, _SHORTEST_WAIT_S), CLOCK_EVERY_S))


class Market:
    """All symbols' walks. `due` is when the next trade happens, `last` when the last one did (ms, with a fraction)."""

    def __init__(self, symbols: tuple[Symbol, ...], options: SimOptions) -> None:
        self._seed = options.seed
        self._rng = random.Random(f"sim {options.seed}")
        self._instruments = [self._instrument(number, symbol.key) for number, symbol in enumerate(symbols, start=1)]
        self._mean_gap = 1000 / (options.rate * len(symbols))
        self._by_key = {instrument.key: instrument for instrument in self._instruments}
        self._next_id = 0
        self.last = self.due = 0.0

    def go_on(self, now: int) -> None:
        """Begin, or go on, with the next trade after `now` (ms)."""
        if self._next_id:
            self._rng = random.Random(f"sim {self._seed} {self._next_id}")
        # Later than every id of an earlier process, as long as there are fewer than 1000 trades a millisecond.
        self._next_id = max(self._next_id, now * 1000)
        self.last = float(now)
        self.due = now + self._gap()

    def follow(self, trade: Trade) -> None:
        """Stand where the market stood right after a trade of an earlier process."""
        instrument = self._by_key[trade.symbol]
        instrument.time = trade.time
        if trade.bid is not None:
            instrument.ticks = float(trade.bid.scaleb(instrument.decimals) + 1)
        self._next_id = int(trade.trade_id or 0)

    def dump(self) -> Plain:
        """Return where the market stands."""
        return (self._next_id, [(each.key, each.ticks, each.time) for each in self._instruments])

    def load(self, plain: Plain) -> None:
        """Stand where the copy stood; `go_on` is to follow."""
        self._next_id, instruments = plain
        for key, ticks, time in instruments:
            self._by_key[key].ticks, self._by_key[key].time = ticks, time

    def _instrument(self, number: int, key: str) -> _Instrument:
        match number:
            case 1:
                return _Instrument(key, 6_500_000, 2, 2_500, 4)
            case 2:
                return _Instrument(key, 350_000, 2, 40_000, 4)
            case _:
                # From 0.5 to 500, each as likely as its tenth.
                price = 0.5 * 1000 ** self._rng.random()
                return _Instrument(key, price * 10_000, 4, 10 ** (2 + number % 4), 1)

    def _gap(self) -> float:
        return -math.log(1.0 - self._rng.random()) * self._mean_gap

    def trade(self) -> Trade:
        """Return the trade that is due, and go on to the next."""
        chance = self._rng.random
        instrument = self._instruments[int(chance() * len(self._instruments))]
        time = int(self.due)
        elapsed = 1 if instrument.time is None else max(time - instrument.time, 1)
        instrument.time = time
        step = (chance() + chance() - 1.0) * _TRIANGLE * _DEVIATION_PER_ROOT_MS * math.sqrt(elapsed)
        instrument.ticks = max(instrument.ticks * (1.0 + step), 2.0)
        side: Side = "buy" if chance() < 0.5 else "sell"
        # Buyers pay a tick more than the middle, sellers get a tick less.
        middle = round(instrument.ticks)
        bid, ask = decimal_of(middle - 1, instrument.decimals), decimal_of(middle + 1, instrument.decimals)
        volume = 1 + int(instrument.lot * chance() ** 4)
        self._next_id += 1
        self.last = self.due
        self.due += self._gap()
        return Trade(
            symbol=instrument.key,
            time=time,
            price=ask if side == "buy" else bid,
            volume=decimal_of(volume, instrument.volume_decimals),
            trade_id=str(self._next_id),
            side=side,
            sequence=self._next_id,
            bid=bid,
            ask=ask,
        )


def _name(number: int) -> str:
    match number:
        case 1:
            return "BTC/USDT"
        case 2:
            return "ETH/USDT"
        case _:
            return f"S{number:03d}/USDT"
