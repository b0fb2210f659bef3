"""A candle chart of one symbol's bars, on the generated client in `clients/python`, drawn by matplotlib.

    make examples                                                     (once: installs what it needs)
    .venv/bin/python examples/chart.py                                in a window, drawn again at each update
    .venv/bin/python examples/chart.py --bars 60 --output chart.png   60 closed bars and the open one, into a file

The rules are TradingView's: each newer state of the open bar replaces the one before it, the final bar replaces the
open one, and a correction replaces a closed bar. After a loss the client goes on where it was. Where bars were missed,
the chart is filled anew from a snapshot: it never has a hole.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter

from tapecast_client import BarsConnection, Client, ClientError, ConnectionLost, Missed, RequestTimeout, models

UP, DOWN = "#0072B2", "#D55E00"  # the blue and the vermilion of Okabe and Ito, which colour-blind people tell apart
FRAME_S = 0.05
"""How often a window looks for what its user does."""


class NoBars(Exception):
    """The server has no such bars. Its text is the server's sentence."""


@dataclass
class Series:
    """The bars that the chart shows: the newest `size` closed ones, and the open one."""

    symbol: str
    resolution: str
    size: int
    closed: dict[int, models.Bar] = field(default_factory=dict)
    """By their time, the oldest first."""
    open: models.Bar | None = None

    def take(self, message: object) -> bool:
        """Take what the server pushed. Returns whether the chart has changed."""
        match message:
            case models.BarsSnapshot(payload=snapshot):  # all of it: what was held before may be of another epoch
                self.closed, self.open = {}, None
                self._keep(snapshot.bars)
            case models.BarsUpdate(payload=update) if update.final:
                self._keep([update.bar])
                if self.open is not None and self.open.time <= update.bar.time:
                    self.open = None
            case models.BarsUpdate(payload=update):
                self.open = update.bar
            case models.BarsCorrection(payload=correction):
                self._keep([correction.bar])
            case _:
                return False
        return True

    def _keep(self, bars: Sequence[models.Bar]) -> None:
        known = self.closed | {bar.time: bar for bar in bars}
        self.closed = dict(sorted(known.items())[-self.size :])

    @property
    def bars(self) -> list[models.Bar]:
        """All that is shown, the oldest first."""
        return [*self.closed.values()] if self.open is None else [*self.closed.values(), self.open]

    @property
    def is_full(self) -> bool:
        """Whether there are `size` closed bars and the open one."""
        return len(self.closed) == self.size and self.open is not None


async def follow(url: str, token: str | None, series: Series, changed: asyncio.Event, *, until_full: bool) -> None:
    """Keep the series as the server has it, over as many connections as it takes.

    Returns when it is full, where that is asked for. Raises ClientError where there is no going on, and NoBars.
    """
    missed: list[Missed] = []
    async with Client(url, token=token, on_gap=missed.append).bars() as connection:
        await subscribe(connection, series)
        async for message in connection:
            if missed:
                missed.clear()
                await subscribe(connection, series)
            if isinstance(message, models.BarsError):
                say(f"The source failed: {message.payload.error}")
            if not series.take(message):
                continue
            changed.set()
            if until_full and series.is_full:
                return
            if until_full and isinstance(message, models.BarsSnapshot) and len(series.closed) < series.size:
                say(f"There are {len(series.closed)} closed bars. Waiting until there are {series.size}.")


async def subscribe(connection: BarsConnection, series: Series) -> None:
    """Ask for a snapshot and what follows it. Where there was a subscription, it is ended first. Raises NoBars."""
    symbol, resolution = series.symbol, series.resolution
    while True:
        try:
            if connection.subscriptions:
                await connection.unsubscribe_bars(symbol=symbol, resolution=resolution)
            reply = await connection.subscribe_bars(symbol=symbol, resolution=resolution, snapshot=series.size)
        except (ConnectionLost, RequestTimeout) as error:
            say(f"{error} Trying again.")
            continue
        if reply.payload.status != "ok":
            raise NoBars(reply.payload.message)
        return


def draw(figure: Figure, series: Series) -> None:
    """Draw the series, in place of what the figure had."""
    figure.clear()
    bars = series.bars
    prices, volumes = figure.subplots(2, sharex=True, height_ratios=[4, 1])
    for is_up, colour in ((True, UP), (False, DOWN)):
        chosen = [(place, bar) for place, bar in enumerate(bars) if (bar.close >= bar.open) == is_up]
        places = [place for place, _ in chosen]
        faces = ["white" if bar is series.open else colour for _, bar in chosen]
        prices.vlines(
            places, [bar.low for _, bar in chosen], [bar.high for _, bar in chosen], colors=colour, linewidth=1
        )
        prices.bar(
            places,
            [abs(bar.close - bar.open) for _, bar in chosen],
            bottom=[min(bar.open, bar.close) for _, bar in chosen],
            width=0.7,
            color=faces,
            edgecolor=colour,
            zorder=2,
        )
        volumes.bar(places, [volume(bar) for _, bar in chosen], width=0.7, color=faces, edgecolor=colour)
    label(figure, prices, volumes, series)


def label(figure: Figure, prices: Axes, volumes: Axes, series: Series) -> None:
    """Say what is to be seen: symbol and resolution, axes with times, colours, and the last price."""
    bars = series.bars
    prices.set_title(f"{series.symbol}, {series.resolution}", loc="left", fontweight="bold")
    _, _, currency = series.symbol.partition("/")
    prices.set_ylabel(f"Price ({currency})" if currency else "Price")
    prices.ticklabel_format(axis="y", style="plain", useOffset=False)
    volumes.set_ylabel("Volume")
    volumes.yaxis.set_major_formatter(EngFormatter(sep=""))
    volumes.set_xlabel("Start of the bar (UTC)")
    for axes in (prices, volumes):
        axes.grid(alpha=0.25)
        axes.set_axisbelow(True)
        axes.yaxis.set_label_position("right")
        axes.yaxis.tick_right()
        axes.spines[["top", "left"]].set_visible(False)
    if bars:
        last = bars[-1]
        state = "open" if last is series.open else "closed"
        prices.set_title(f"{state} bar of {moment(last, series.resolution)}: {last.close:,}", loc="right")
        prices.axhline(last.close, color="0.3", linewidth=0.8, linestyle=":")
        prices.set_xlim(-1, max(len(bars), 10))
        places = range(len(bars) - 1, -1, -max(1, len(bars) // 6))
        volumes.set_xticks(list(places), [moment(bars[place], series.resolution, two_lines=True) for place in places])
    names = {"up": Patch(color=UP), "down": Patch(color=DOWN), "open bar": Patch(facecolor="white", edgecolor="0.3")}
    prices.legend(names.values(), names.keys(), loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    figure.align_ylabels()


def moment(bar: models.Bar, resolution: str, *, two_lines: bool = False) -> str:
    """Return when a bar starts, in UTC: its day, and its minute where a bar is shorter than a day."""
    start = datetime.fromtimestamp(bar.time / 1000, UTC)
    return start.strftime(
        "%Y-%m-%d" if resolution[-1] in "DWM" else "%H:%M\n%Y-%m-%d" if two_lines else "%Y-%m-%d %H:%M"
    )


def volume(bar: models.Bar) -> float:
    """Return a bar's volume; 0 where the source has none."""
    return bar.volume if isinstance(bar.volume, int | float) else 0.0


async def show(figure: Figure, url: str, token: str | None, series: Series) -> None:
    """Draw into a window at each change, until it is closed. Raises what `follow` raises."""
    changed, closed = asyncio.Event(), asyncio.Event()
    figure.canvas.mpl_connect("close_event", lambda _: closed.set())
    task = asyncio.create_task(follow(url, token, series, changed, until_full=False))
    try:
        while not closed.is_set() and not task.done():
            if changed.is_set():
                changed.clear()
                draw(figure, series)
                figure.canvas.draw_idle()
            figure.canvas.flush_events()
            await asyncio.sleep(FRAME_S)
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.wait([task])


def say(text: str) -> None:
    """Tell whoever started it."""
    print(text, file=sys.stderr, flush=True)


def read_args(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Draw the bars of a symbol.")
    parser.add_argument("--url", default=os.environ.get("TAPECAST_URL") or "ws://127.0.0.1:8000")
    parser.add_argument("--token", default=os.environ.get("TAPECAST_TOKEN"), help="where the server wants one for bars")
    parser.add_argument("--symbol", default="nasdaq:AAPL")
    parser.add_argument("--resolution", default="1D", help="1 3 5 15 30 60 120 240 1D 1W 1M")
    parser.add_argument("--bars", type=int, default=60, choices=range(1, 5001), metavar="N", help="closed bars shown")
    parser.add_argument(
        "--output", metavar="FILE", help="draw into a .png, .svg or .pdf once all bars are there, and end"
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Draw until the window is closed or the file is written. Returns the exit code."""
    args = read_args(words)
    series = Series(args.symbol, args.resolution, args.bars)
    try:
        if args.output:
            asyncio.run(follow(args.url, args.token, series, asyncio.Event(), until_full=True))
            figure = Figure(figsize=(11, 6), layout="constrained")  # without a window: matplotlib draws it by Agg
            draw(figure, series)
            figure.savefig(args.output, dpi=120)
        else:
            figure = plt.figure(figsize=(11, 6), layout="constrained")
            if type(figure.canvas).required_interactive_framework is None:
                plt.close(figure)
                say("There is no display. Draw into a file: --output chart.png")
                return 1
            figure.show()
            asyncio.run(show(figure, args.url, args.token, series))
    except ClientError as error:
        say(f"{error} (`make run` starts a server; --url names another one)")
        return 1
    except (NoBars, OSError, ValueError) as error:  # such as a file that can't be written, or a --url that is none
        say(str(error))
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
