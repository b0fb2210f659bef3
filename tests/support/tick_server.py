"""Tick server: the real gateway over trades of a file in the order in which they arrive, in a process of its own.

`python -m tests.support.tick_server FILE GO`: the file is JSON, `{"calendar": table, "arrivals": [[time, price, volume,
id], ...]}`. The first life begins to tell when the file GO is there; then each goes on where the last was killed.
"""

import asyncio
import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.app import create_gateway
from gateway.serve import GatewayServer, listen, uvicorn_config
from gateway.settings import load_settings
from gateway.stores.store import open_store
from gateway.telemetry import configure_logging
from handlers.auth import StaticKeys, hs256_key
from market.calendar import TradingCalendar
from market.events import Account, AccountSink, MarketSink, Trade
from market.symbols import Symbol
from streaming.clock import Clock, SystemClock
from tests.support.tokens import SECRET

EXCHANGE = "cme"
KEY = f"{EXCHANGE}:ES"
PORTION = 100
MONTH_MS = 31 * 86_400_000


class ArrivalsSource:
    """Tells the file's trades as they stand, late and doubled ones too; at the end a time at which all is closed."""

    name = "arrivals"
    accounts: tuple[Account, ...] = ()

    def __init__(self, file: Path, go: Path, clock: Clock) -> None:
        """Read the file."""
        content = file.read_bytes()
        plain = json.loads(content)
        self._digest = hashlib.sha256(content).hexdigest()
        self._go = go
        self._clock = clock
        self.symbols = (Symbol(EXCHANGE, "ES", TradingCalendar.from_table("CMES", plain["calendar"])),)
        self._arrivals = [
            Trade(KEY, time, Decimal(price), Decimal(volume), trade_id)
            for time, price, volume, trade_id in plain["arrivals"]
        ]
        self.forget()

    def fingerprint(self) -> str:
        """Return the file's digest."""
        return self._digest

    def dump(self) -> Any:
        """Return how many trades were told."""
        return [self._has_begun, self._place]

    def load(self, plain: Any) -> None:
        """Stand where the copy stood."""
        self._has_begun, self._place = plain
        self._resumes = True

    def follow_begins(self, time: int, sink: AccountSink) -> None:
        """Take that it began."""
        self._has_begun = True

    def follow_trade(self, trade: Trade, sink: AccountSink) -> None:
        """Take a trade that it told."""
        assert trade == self._arrivals[self._place]
        self._place += 1

    def follow_clock(self, time: int, sink: AccountSink) -> None:
        """Do nothing: only the end has a time."""

    def follow_ended(self) -> None:
        """Do nothing: it never ends."""

    def forget(self) -> None:
        """Start anew."""
        self._has_begun = self._resumes = False
        self._place = 0

    def go_on(self) -> None:
        """Do nothing: it has no settings."""

    async def run(self, sink: MarketSink) -> None:
        """Tell what is left, a portion in each turn."""
        if not (self._resumes and self._has_begun):
            self.forget()
            sink.begins(EXCHANGE, min(trade.time for trade in self._arrivals))
            self._has_begun = True
        while not self._go.exists():
            await self._clock.sleep(0.01)
        while self._place < len(self._arrivals):
            for trade in self._arrivals[self._place : self._place + PORTION]:
                sink.trade(trade)
                self._place += 1
            await self._clock.sleep(0.002)
        sink.clock(EXCHANGE, self._arrivals[-1].time + MONTH_MS)
        await asyncio.get_running_loop().create_future()


async def main(file: Path, go: Path) -> None:
    """Serve until killed."""
    settings = load_settings()
    configure_logging(settings.log)
    clock = SystemClock()
    assert settings.data is not None
    gateway = create_gateway(
        settings,
        [ArrivalsSource(file, go, clock)],
        clock,
        keys=StaticKeys(hs256_key(SECRET)),
        assets=Path("none"),
        store=open_store(settings.data),
    )
    server = GatewayServer(uvicorn_config(settings, gateway), gateway, lambda _: 0, drain_s=settings.drain_s)
    await server.serve(sockets=[listen(settings.host, settings.port)])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
