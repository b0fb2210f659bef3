"""The example chart: against the real server, and against a fake one that loses bars."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backend_bases import CloseEvent
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import Rectangle
from websockets.asyncio.server import ServerConnection

from examples import chart
from examples.chart import NoBars, Series, draw, follow, main, show
from tapecast_client import models
from tests.end_to_end.test_restart import environment
from tests.support.fake_server import FakeServer, ack, bar, reset, snapshot
from tests.support.server import Running, running, until
from tests.support.source import MINUTE, START, ManualSource

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "examples" / "chart.py"


@pytest.fixture
async def source() -> ManualSource:
    """Return the market."""
    return ManualSource()


@pytest.fixture
async def server(source: ManualSource) -> AsyncIterator[Running]:
    """Run the real server over the market."""
    async with running([source], bars_interval_ms=0) as server:
        await until(lambda: source.runs == 1)
        yield server


@contextlib.asynccontextmanager
async def following(url: str, series: Series) -> AsyncIterator[asyncio.Task[None]]:
    """Keep a series up to date until the test is over."""
    task = asyncio.create_task(follow(url, None, series, asyncio.Event(), until_full=False))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def closes(series: Series) -> list[float]:
    """Return what the bars closed at."""
    return [bar.close for bar in series.bars]


async def until_open(series: Series, at: int) -> None:
    """Wait until the open bar is the one of `START + at` (ms)."""
    await until(lambda: series.open is not None and series.open.time == START + at)


def address(server: Running) -> str:
    """Return what the example is given as `--url`."""
    return f"ws://127.0.0.1:{server.port}"


async def test_program_draws_into_a_file_and_ends(server: Running, source: ManualSource, tmp_path: Path) -> None:
    """As it is called: history and the open bar, in two colours, in a PNG; exit code 0."""
    for minute, price in enumerate(("10", "12", "11", "13")):
        source.trade(minute * MINUTE, price)
        source.trade(minute * MINUTE + 1, str(int(price) + (-1) ** minute))
    file = tmp_path / "chart.png"
    words = [
        "--url",
        address(server),
        "--symbol",
        "test:AAA",
        "--resolution",
        "1",
        "--bars",
        "3",
        "--output",
        str(file),
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), *words),
        stderr=asyncio.subprocess.PIPE,
        env=environment(None) | {"PYTHONPATH": str(ROOT / "clients" / "python")},
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert (process.returncode, said) == (0, b"")
    pixels = np.unique((imread(file)[:, :, :3] * 255).round().astype(int).reshape(-1, 3), axis=0).tolist()
    assert [int(chart.UP[at : at + 2], 16) for at in (1, 3, 5)] in pixels
    assert [int(chart.DOWN[at : at + 2], 16) for at in (1, 3, 5)] in pixels


async def test_file_waits_for_bars_that_are_not_there_yet(
    server: Running, source: ManualSource, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says how many there are, and ends once the history is as long as was asked for and a bar is open."""
    source.trade(0, "10")
    series = Series("test:AAA", "1", 2)
    task = asyncio.create_task(follow(address(server), None, series, asyncio.Event(), until_full=True))
    await until(lambda: "There are 0 closed bars. Waiting until there are 2." in capsys.readouterr().err)
    source.trade(MINUTE, "11")
    source.trade(2 * MINUTE, "12")
    async with asyncio.timeout(20):
        await task
    assert closes(series) == [10, 11, 12]
    assert series.open is not None
    assert series.open.time == START + 2 * MINUTE


async def test_open_bar_is_replaced_and_closed_ones_are_corrected(server: Running, source: ManualSource) -> None:
    """The open bar has its newest state, its final takes its place, and a late trade changes a closed bar."""
    series = Series("test:AAA", "1", 3)
    source.trade(0, "10")
    async with following(address(server), series):
        await until(lambda: closes(series) == [10])
        source.trade(1, "11")
        await until(lambda: closes(series) == [11])
        assert series.closed == {}
        source.trade(MINUTE, "20")
        await until(lambda: closes(series) == [11, 20])
        source.trade(2, "9")
        await until(lambda: closes(series) == [9, 20])
        for minute in (2, 3, 4):
            source.trade(minute * MINUTE, str(20 + minute))
        await until(lambda: closes(series) == [20, 22, 23, 24])
        assert (len(series.closed), series.is_full) == (3, True)


async def test_a_cut_leaves_no_hole(server: Running, source: ManualSource) -> None:
    """What happens while it isn't connected is in the chart after that: as a new client is told it."""
    series = Series("test:AAA", "1", 50)
    async with following(address(server), series):
        for cut in range(3):
            start = cut * 10 * MINUTE
            source.trade(start, "10")
            source.trade(start + 2 * MINUTE, "11")
            await until_open(series, start + 2 * MINUTE)
            for carrier in server.carriers():
                carrier.transport.abort()
            for minute in (3, 4, 5):
                source.trade(start + minute * MINUTE, str(100 + minute))
            source.trade(start + 1, "9")
        await until_open(series, 25 * MINUTE)
        assert closes(series) == [9, 11, 103, 104, 105] * 3
        fresh = Series("test:AAA", "1", 50)
        async with following(address(server), fresh):
            await until_open(fresh, 25 * MINUTE)
            assert fresh.bars == series.bars


async def serve_bars(connection: ServerConnection, seq: int, *times: int, epoch: str = "e1") -> None:
    """Answer the next subscription, and what ends the one before it, and send these closed bars."""
    request = json.loads(await connection.recv())
    if request["type"] == "bars.unsubscribe":
        answer = ack(seq, id=request["payload"]["id"])
        answer["type"] = "bars.unsubscribe.ack"
        del answer["payload"]["seq"], answer["payload"]["epoch"]
        await connection.send(json.dumps(answer))
        request = json.loads(await connection.recv())
    await connection.send(json.dumps(ack(seq, epoch=epoch, id=request["payload"]["id"])))
    assert request["payload"]["snapshot"] == 10
    await connection.send(json.dumps(snapshot(seq, *times, epoch=epoch)))


async def test_a_silent_hole_is_filled() -> None:
    """Where a frame is missing by its position, the bars are asked for again."""

    async def loses_one(connection: ServerConnection) -> None:
        await serve_bars(connection, 5, 60_000)
        await connection.send(json.dumps(bar(8, 7)))
        await serve_bars(connection, 8, 60_000, 120_000, 180_000)
        await connection.wait_closed()

    fake = FakeServer([loses_one])
    series = Series("sim:BTC/USDT", "1", 10)
    async with fake.up(), following(fake.url, series):
        await until(lambda: list(series.closed) == [60_000, 120_000, 180_000])


async def test_what_began_anew_is_drawn_anew() -> None:
    """After `bars.reset` the chart has the new epoch's bars alone."""

    async def first(connection: ServerConnection) -> None:
        await serve_bars(connection, 5, 60_000, 120_000)
        await connection.send(json.dumps(bar(6, 5)))
        await connection.close(4006)

    async def second(connection: ServerConnection) -> None:
        request = json.loads(await connection.recv())
        assert request["payload"]["resume"] == {"epoch": "e1", "seq": 6}
        refused = ack(1, epoch="e2", recovered=False, id=request["payload"]["id"])
        for frame in (refused, reset(1, "other_epoch", epoch="e2"), snapshot(1, 7_000, epoch="e2")):
            await connection.send(json.dumps(frame))
        await serve_bars(connection, 1, 7_000, epoch="e2")
        await connection.wait_closed()

    fake = FakeServer([first, second])
    series = Series("sim:BTC/USDT", "1", 10)
    async with fake.up(), following(fake.url, series):
        await until(lambda: len(series.closed) == 3)
        await until(lambda: list(series.closed) == [7_000])


def test_only_what_is_newest_is_shown() -> None:
    """A correction of a bar that has left the chart does not come back into it."""
    series = Series("test:AAA", "1", 2)
    for minute in range(3):
        series.take(update(minute, final=True))
    late = models.BarsCorrectionPayload(
        symbol="test:AAA",
        resolution="1",
        bar=candle(0),
        revision=1,
        epoch="e",
        seq=4,
        prev=3,
        timestamp=0,
    )
    assert series.take(models.BarsCorrection(payload=late))
    assert [item.time for item in series.bars] == [MINUTE, 2 * MINUTE]
    assert not series.take("what is not of the stream")


def candle(minute: int, *, up: bool = True) -> models.Bar:
    """Return a bar that opens and closes apart, without a volume."""
    return models.Bar(time=minute * MINUTE, open=10, high=13, low=8, close=12 if up else 9)


def update(minute: int, *, final: bool, up: bool = True) -> models.BarsUpdate:
    """Return a state of a bar."""
    values: dict[str, Any] = {"symbol": "test:AAA", "resolution": "1", "bar": candle(minute, up=up), "timestamp": 0}
    return models.BarsUpdate(payload=models.BarsUpdatePayload(**values, final=final))


def filled() -> Series:
    """Return two closed bars, one up and one down, and an open one."""
    series = Series("sim:BTC/USDT", "1", 2)
    for minute, up in enumerate((True, False, True)):
        series.take(update(minute, final=minute < 2, up=up))
    return series


def test_the_picture_says_what_it_shows() -> None:
    """Symbol and resolution, axes with units and times, and candles from open to close; drawn again, it is the same."""
    figure = Figure()
    for _ in range(2):
        draw(figure, filled())
        prices, volumes = figure.axes
        assert prices.get_title("left") == "sim:BTC/USDT, 1"
        assert prices.get_title("right") == "open bar of 1970-01-01 00:02: 12"
        assert (prices.get_ylabel(), volumes.get_ylabel()) == ("Price (USDT)", "Volume")
        assert volumes.get_xlabel() == "Start of the bar (UTC)"
        assert "00:02\n1970-01-01" in [text.get_text() for text in volumes.get_xticklabels()]
        bodies = {
            round(item.get_x() + item.get_width() / 2): (item.get_y(), item.get_height(), to_hex(item.get_facecolor()))
            for item in prices.patches
            if isinstance(item, Rectangle)
        }
        assert bodies == {0: (10, 2, chart.UP.lower()), 1: (9, 1, chart.DOWN.lower()), 2: (10, 2, "#ffffff")}
    draw(figure, Series("test:AAA", "1D", 2))
    assert figure.axes[0].get_ylabel() == "Price"


async def test_a_window_is_drawn_at_each_change_until_it_is_closed(server: Running, source: ManualSource) -> None:
    """Closing it ends the program."""
    figure = Figure()
    source.trade(0, "10")
    task = asyncio.create_task(show(figure, address(server), None, Series("test:AAA", "1", 5)))

    def title() -> str:
        return figure.axes[0].get_title("right") if figure.axes else ""

    await until(lambda: title().endswith(": 10"))
    source.trade(1, "11")
    await until(lambda: title().endswith(": 11"))
    figure.canvas.callbacks.process("close_event", CloseEvent("close_event", figure.canvas))
    async with asyncio.timeout(20):
        await task


async def test_a_window_ends_when_there_is_no_going_on(server: Running) -> None:
    """With the server's sentence, where there is no such symbol."""
    with pytest.raises(NoBars, match="no symbol"):
        await show(Figure(), address(server), None, Series("test:NOPE", "1", 5))


def test_what_is_wrong_is_said_with_what_to_do(
    capsys: pytest.CaptureFixture[str], unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server, an address that is none, no display: a sentence, exit code 1."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    plt.switch_backend("agg")
    for words, wanted in (
        (["--url", f"ws://127.0.0.1:{unused_tcp_port}", "--output", "x.png"], "`make run` starts a server"),
        (["--url", "nothing", "--output", "x.png"], "url must look like ws://"),
        ([], "There is no display. Draw into a file: --output chart.png"),
    ):
        assert main(words) == 1
        assert wanted in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--bars", "0"])
