"""ManualSource: a source whose events a test sends by hand."""

import asyncio
from decimal import Decimal

from gateway.sources.source import Source
from market.calendar import TradingCalendar
from market.events import Account, Balance, MarketSink, Order, OrderStatus, OrderType, Side, Trade
from market.symbols import Symbol

EXCHANGE = "test"
MINUTE = 60_000
START = 1_700_000_040_000
"""A whole minute, ms."""


def symbol(name: str = "AAA", exchange: str = EXCHANGE, *, synthetic: bool = False) -> Symbol:
    """Return a symbol that trades at all times."""
    return Symbol(exchange=exchange, name=name, calendar=TradingCalendar.always_open(), synthetic=synthetic)


class ManualSource:
    """Runs until it is told to fail or to end; its events come from the test."""

    def __init__(self, *symbols: Symbol, name: str = "manual", accounts: tuple[Account, ...] = ()) -> None:
        """Serve the symbols; by default one, `test:AAA`."""
        self._name = name
        self._accounts = accounts
        self._symbols = symbols or (symbol(),)
        self._end: asyncio.Future[None] | None = None
        self._sink: MarketSink | None = None
        self.runs = 0

    @property
    def name(self) -> str:
        """Return the source's name."""
        return self._name

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Return the symbols."""
        return self._symbols

    @property
    def sink(self) -> MarketSink:
        """Where the events go; there from the moment the source runs."""
        assert self._sink is not None, "the source does not run yet"
        return self._sink

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return the accounts."""
        return self._accounts

    async def run(self, sink: MarketSink) -> None:
        """Wait for `fail` or `end`."""
        self.runs += 1
        self._sink = sink
        self._end = asyncio.get_running_loop().create_future()
        for exchange in {symbol.exchange for symbol in self._symbols}:
            sink.begins(exchange, 0)
        await self._end

    def fail(self) -> None:
        """Make the source raise."""
        assert self._end is not None
        self._end.set_exception(RuntimeError("a secret of the source"))

    def end(self) -> None:
        """Make the source return, as one does whose data has ended."""
        assert self._end is not None
        for exchange in {symbol.exchange for symbol in self._symbols}:
            self.sink.ended(exchange)
        self._end.set_result(None)

    def trade(
        self,
        at: int,
        price: str = "10",
        volume: str = "1",
        *,
        key: str = "test:AAA",
        trade_id: str | None = None,
        side: Side | None = None,
    ) -> None:
        """Send a trade at `START + at` (ms)."""
        self.sink.trade(Trade(key, START + at, Decimal(price), Decimal(volume), trade_id, side))

    def order(
        self,
        order_id: str,
        *,
        account: Account | None = None,
        key: str = "test:AAA",
        side: Side = "buy",
        order_type: OrderType = "limit",
        volume: str = "1",
        filled: str = "0",
        price: str | None = "10",
        cost: str = "0",
        fee: str = "0",
        status: OrderStatus = "open",
        at: int = 0,
    ) -> None:
        """Send how an order stands at `START + at` (ms); by default one of the first account."""
        self.sink.order(
            Order(
                account or self._accounts[0],
                order_id,
                key,
                side,
                order_type,
                Decimal(volume),
                Decimal(filled),
                None if price is None else Decimal(price),
                Decimal(cost),
                Decimal(fee),
                status,
                START + at,
            )
        )

    def balance(
        self, currency: str, total: str, used: str = "0", *, account: Account | None = None, at: int = 0
    ) -> None:
        """Send what an account holds of a currency at `START + at` (ms); by default the first account."""
        self.sink.balance(Balance(account or self._accounts[0], currency, Decimal(total), Decimal(used), START + at))

    def clock(self, at: int, exchange: str = EXCHANGE) -> None:
        """Move the event clock to `START + at` (ms)."""
        self.sink.clock(exchange, START + at)


class Gated:
    """A source that begins when the test opens it: so that nothing is missed before the subscription."""

    def __init__(self, source: Source) -> None:
        """Hold the source back."""
        self._source = source
        self.opened = asyncio.Event()

    @property
    def name(self) -> str:
        """Return the source's name."""
        return self._source.name

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Return the source's symbols."""
        return self._source.symbols

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return the source's accounts."""
        return self._source.accounts

    async def run(self, sink: MarketSink) -> None:
        """Wait, then run the source."""
        await self.opened.wait()
        await self._source.run(sink)
