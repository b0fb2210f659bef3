"""Table: shows frames, as a live table or as a line each. It knows messages, and no connection."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from pydantic import MISSING
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.watch.streams import Message
from streaming.clock import Clock, Timer
from tapecast_client.models import (
    AuthAck,
    Balances,
    Bar,
    BarsAck,
    BarsCorrection,
    BarsError,
    BarsReset,
    BarsSnapshot,
    BarsUpdate,
    CacheAuthAck,
    CacheError,
    Error,
    Order,
    Ready,
    Ticker,
    Trade,
)

MOST_ROWS = 100
REFRESH_S = 0.1
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "bars": ("time (UTC)", "open", "high", "low", "close", "volume", ""),
    "tickers": ("symbol", "time", "price", "bid", "ask", "24 h", "%"),
    "trades": ("time", "symbol", "side", "price", "volume"),
    "orders": ("time", "order", "symbol", "side", "volume", "filled", "price", "status"),
    "balances": ("currency", "time", "total", "free", "used"),
}
_TEXTS = frozenset({"time (UTC)", "time", "symbol", "side", "order", "status", "currency", ""})
_OTHER_LINES = 8  # around the rows: title, head, counts, note, and the cursor's own


def line_of(message: Message) -> str:
    """Return a frame as one line: its type, then each member as `name=value`."""
    members = message.model_dump(mode="json")
    tag = members.pop("type")
    if isinstance(members.get("payload"), dict):
        members = members["payload"]
    return " ".join([str(tag), *_pairs("", members)])


def _pairs(prefix: str, members: Mapping[str, Any]) -> list[str]:
    pairs: list[str] = []
    for name, value in members.items():
        if isinstance(value, dict):
            pairs += _pairs(f"{prefix}{name}.", value)
        elif isinstance(value, list):
            pairs.append(f"{prefix}{name}={json.dumps(value, separators=(',', ':'))}")
        else:
            bare = isinstance(value, str) and value.isprintable() and value and not set(value) & set(' "=')
            pairs.append(f"{prefix}{name}={value if bare else json.dumps(value)}")
    return pairs


class PlainView:
    """A line for each frame; what happens to the connection goes elsewhere."""

    def __init__(self, write: Callable[[str], None], warn: Callable[[str], None]) -> None:
        """Write frames by `write` and notes by `warn`."""
        self._write = write
        self._warn = warn

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def show(self, message: Message) -> None:
        """Write the frame."""
        self._write(line_of(message))

    def note(self, text: str) -> None:
        """Write what happens."""
        self._warn(text)


class TableView:
    """A table that is drawn anew at most every REFRESH_S seconds, with the newest rows."""

    def __init__(self, name: str, title: str, tally: Callable[[], str], console: Console, clock: Clock) -> None:
        """Draw stream `name` on the console; `tally` gives the counts below the table."""
        self._name = name
        self._title = title
        self._tally = tally
        self._console = console
        self._clock = clock
        self._rows: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._note = "Connecting."
        self._timer: Timer | None = None
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        self._refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last state and leave it standing."""
        if self._timer is not None:
            self._timer.cancel()
        with suppress(OSError):  # the terminal may be gone
            self._refresh()
            self._live.stop()

    def show(self, message: Message) -> None:
        """Put the frame into the table."""
        match message:
            case BarsAck(payload=ack):
                self._note = ack.message
            case BarsError(payload=fault):
                self._note = fault.error
            case Error(payload=problem) | AuthAck(payload=problem):
                self._note = problem.message
            case CacheError() | CacheAuthAck():
                self._note = message.message
            case BarsReset():
                self._rows.clear()
            case Ready() if not message.recovered and self._name != "trades":
                self._rows.clear()  # all that stands comes again
            case _:
                self._put(message)
        self._later()

    def note(self, text: str) -> None:
        """Show what happens, below the table."""
        self._note = text
        self._later()

    def _put(self, message: Message) -> None:
        for key, cells in rows_of(message):
            is_new = key not in self._rows
            self._rows[key] = cells
            if self._name == "orders":  # an order that changed is of interest again, a ticker keeps its place
                self._rows.move_to_end(key)
            elif self._name == "bars" and is_new:  # a correction may be of a bar before all of these
                self._rows = OrderedDict(sorted(self._rows.items(), key=lambda row: int(row[0])))
        while len(self._rows) > MOST_ROWS:
            self._rows.popitem(last=False)

    def _later(self) -> None:
        if self._timer is None:
            self._timer = self._clock.call_later(REFRESH_S, self._refresh)

    def _refresh(self) -> None:
        self._timer = None
        self._live.update(self._draw(), refresh=True)

    def _draw(self) -> Group:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in COLUMNS[self._name]:
            table.add_column(column, justify="left" if column in _TEXTS else "right", no_wrap=True)
        # A table that is higher than the terminal would lose its end, and what stands below it.
        fitting = max(self._console.height - _OTHER_LINES, 1)
        for cells in list(self._rows.values())[-fitting:]:
            table.add_row(*(Text(cell) for cell in cells))
        return Group(Text(self._title, style="bold"), table, Text(self._tally()), Text(self._note))


def rows_of(message: Message) -> list[tuple[str, tuple[str, ...]]]:
    """Return the rows that a frame changes, each with what names it; none for a frame that isn't data."""
    match message:
        case BarsUpdate(payload=update):
            return [_bar_row(update.bar, "final" if update.final else "open")]
        case BarsCorrection(payload=correction):
            return [_bar_row(correction.bar, f"corrected {correction.revision}")]
        case BarsSnapshot(payload=snapshot):
            return [_bar_row(bar, "final") for bar in snapshot.bars]
        case Ticker():
            numbers = (message.price, message.bid, message.ask, message.volume, message.change_percent)
            return [(message.symbol, (_text(message.symbol), _moment(message.time), *map(_text, numbers)))]
        case Trade():
            cells = (message.symbol, message.side, message.price, message.volume)
            key = f"{message.symbol} {message.seq} {message.trade_id}"
            return [(key, (_moment(message.timestamp), *map(_text, cells)))]
        case Order():
            row = (
                *(message.order_id, message.symbol, message.side),
                *(message.volume, message.filled, message.price, message.status),
            )
            return [(message.order_id, (_moment(message.timestamp), *map(_text, row)))]
        case Balances():
            return [
                (
                    currency,
                    (_text(currency), _moment(message.timestamp), *map(_text, (held.total, held.free, held.used))),
                )
                for currency, held in message.__pydantic_extra__.items()
            ]
        case _:
            return []


def _bar_row(bar: Bar, state: str) -> tuple[str, tuple[str, ...]]:
    values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return str(bar.time), (_moment(bar.time, "%Y-%m-%d %H:%M"), *map(_text, values), state)


def _text(value: object) -> str:
    if value is None or value is MISSING:
        return "-"
    text = str(value)
    return text if text.isprintable() else ascii(text)


def _moment(time_ms: int, form: str = "%H:%M:%S") -> str:
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return str(time_ms)
