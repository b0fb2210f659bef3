"""A paper-trading bot: one moving-average rule over one symbol's bars, printed. It sends no orders; there are none.

    python examples/bot.py --symbol sim:BTC/USDT --resolution 1

It stands on the generated client in `clients/python` (`pip install ./clients/python`), which comes back by itself after
a loss and says what it missed. The rule: be long while the last close is above the mean of the last so many, else be
flat. It trades at the close, without fees or slippage, one unit at a time: an illustration, no advice.
"""

import argparse
import asyncio
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tapecast_client import Client, ClientError, Missed, models


@dataclass
class Paper:
    """What the bot would hold: nothing, or one unit bought at `entry`. `profit` is of what was sold again."""

    window: int
    closes: deque[float] = field(default_factory=deque)
    entry: float | None = None
    profit: float = 0.0

    def take(self, close: float) -> str:
        """Take a final bar's close, and return what was decided, in words."""
        self.closes.append(close)
        if len(self.closes) > self.window:
            self.closes.popleft()
        if len(self.closes) < self.window:
            return f"wait for {self.window - len(self.closes)} more bars"
        mean = sum(self.closes) / self.window
        if close > mean and self.entry is None:
            self.entry = close
            return f"buy at {close:g}, above the mean {mean:g}"
        if close <= mean and self.entry is not None:
            gained, self.entry = close - self.entry, None
            self.profit += gained
            return f"sell at {close:g}, not above the mean {mean:g}: {gained:+g}, {self.profit:+g} in all"
        return f"{'hold' if self.entry is not None else 'stay out'}: {close:g}, mean {mean:g}"

    def forget(self) -> None:
        """Forget the closes: those to come don't join them."""
        self.closes.clear()


async def trade(client: Client, paper: Paper, symbol: str, resolution: str, bars: int | None) -> None:
    """Decide at each final bar; `bars`: stop after so many. Raises ClientError where there is no going on."""
    async with client.bars() as connection:
        reply = await connection.subscribe_bars(symbol=symbol, resolution=resolution, snapshot=paper.window)
        say(reply.payload.message)
        if reply.payload.status != "ok":
            return
        seen = 0
        async for message in connection:
            match message:
                case models.BarsSnapshot(payload=snapshot):
                    for bar in snapshot.bars:
                        paper.closes.append(bar.close)
                    while len(paper.closes) > paper.window:
                        paper.closes.popleft()
                    say(f"{len(snapshot.bars)} bars from before")
                case models.BarsUpdate(payload=update) if update.final:
                    say(f"{update.bar.time} {paper.take(update.bar.close)}")
                    seen += 1
                    if seen == bars:
                        return
                case models.BarsCorrection(payload=correction):
                    say(f"{correction.bar.time} was corrected; what was decided stands")
                case models.BarsError(payload=error):
                    say(f"the source failed: {error.error}")
                case _:
                    pass


def say(text: str) -> None:
    """Print a line now."""
    print(text, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until it is interrupted. Returns the exit code."""
    parser = argparse.ArgumentParser(description="A paper-trading bot on Tapecast's bars.")
    parser.add_argument("--url", default="ws://127.0.0.1:8000")
    parser.add_argument("--symbol", default="sim:BTC/USDT")
    parser.add_argument("--resolution", default="1")
    parser.add_argument("--window", type=int, default=5, help="how many closes the mean is of")
    parser.add_argument("--bars", type=int, default=None, help="stop after so many final bars")
    options = parser.parse_args(argv)
    paper = Paper(options.window)

    def missed(gap: Missed) -> None:
        say(f"bars were missed ({gap.why}): the mean starts anew")
        paper.forget()

    client = Client(options.url, on_gap=missed)
    try:
        asyncio.run(trade(client, paper, options.symbol, options.resolution, options.bars))
    except ClientError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
