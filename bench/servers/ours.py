"""Ours: the real server over a market that the load client drives. It adds a source and a time, and nothing else.

Settings are TAPECAST_* variables, as for `tapecast serve`. A trade's time has nanoseconds in the frame, where the
protocol has milliseconds: the load client reads its latency there. It is the time at which the source had the trade.
"""

import asyncio
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.control import Pacer, open_page
from bench.messages import TOPICS, topic_name
from bench.servers.common import prepare
from gateway.app import create_gateway
from gateway.serve import GatewayServer, build_keys, listen, uvicorn_config
from gateway.settings import Settings, load_settings
from gateway.telemetry import configure_logging
from gateway.transport.loop import new_loop
from handlers import feed, trades
from market.calendar import TradingCalendar
from market.events import Account, MarketSink, Trade
from market.symbols import Symbol
from streaming.clock import Clock, SystemClock

EXCHANGE = "bench"
CLOCK_EVERY_S = 0.25
PRICES = (Decimal("65000.25"), Decimal("65000.50"))
VOLUME = Decimal("0.125")


class BenchSource:
    """Trades when the control page says so. `stamp` is when the last one came up (ns since the epoch)."""

    name = "bench"
    accounts: tuple[Account, ...] = ()

    def __init__(self, pacer: Pacer, clock: Clock, count: int) -> None:
        """Have `count` symbols."""
        calendar = TradingCalendar.always_open()
        self.symbols = tuple(Symbol(EXCHANGE, topic_name(number), calendar, synthetic=True) for number in range(count))
        self.stamp = 0
        self._keys = [symbol.key for symbol in self.symbols]
        self._pacer = pacer
        self._clock = clock

    async def run(self, sink: MarketSink) -> None:
        """Trade until cancelled."""
        now = self._clock.now_ms()
        sink.begins(EXCHANGE, now)
        clock_due = 0.0
        while True:
            count, wait = self._pacer.turn()
            for _ in range(count):
                number, topic, self.stamp = self._pacer.next()
                now = max(now, self.stamp // 1_000_000)
                sink.trade(
                    Trade(
                        self._keys[topic],
                        now,
                        PRICES[number & 1],
                        VOLUME,
                        trade_id=f"{number:026d}",
                        side="buy",
                        sequence=number,
                    )
                )
            if self._clock.monotonic() >= clock_due:
                now = max(now, self._clock.now_ms())
                sink.clock(EXCHANGE, now)
                clock_due = self._clock.monotonic() + CLOCK_EVERY_S
            await asyncio.sleep(wait)


def stamped(encode: Callable[[Any], bytes], source: BenchSource) -> Callable[[Any], bytes]:
    """Return the encoder, with the nanoseconds at which the source had the trade in the place of a frame's time."""

    def encode_stamped(message: Any) -> bytes:
        frame = encode(message)
        start = frame.rfind(b'"timestamp":')
        if start < 0:
            return frame
        start += 12
        # Milliseconds since the epoch have 13 digits, until the year 2286.
        return b"%b%d%b" % (frame[:start], source.stamp, frame[start + 13 :])

    return encode_stamped


async def serve(settings: Settings, control: str) -> None:
    """Serve until SIGTERM."""
    configure_logging(settings.log)
    listener = listen(settings.host, settings.port)
    clock = SystemClock()
    source = BenchSource(Pacer(open_page(control)), clock, TOPICS)
    # The frames' encoding alone: what a frame costs on its way to a thousand clients is the server's own.
    for module, name in ((trades, "encode_trades"), (feed, "encode_bars")):
        setattr(module, name, stamped(getattr(module, name), source))
    keys, _ = build_keys(settings, clock)
    gateway = create_gateway(settings, [source], clock, keys=keys, assets=Path("none"))
    prepare()
    server = GatewayServer(uvicorn_config(settings, gateway), gateway, lambda _: 1000)
    await server.serve(sockets=[listener])


def main() -> None:
    """Serve, by a control page and the loop's name: `uvloop` or `asyncio`."""
    control, loop = sys.argv[1:3]
    factory = asyncio.new_event_loop if loop == "asyncio" else new_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(load_settings(), control))


if __name__ == "__main__":
    main()
