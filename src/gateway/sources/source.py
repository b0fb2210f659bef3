"""Source: what every source of market events has in common. It knows neither who listens nor what a listener sees."""

from typing import Any, Protocol, runtime_checkable

from market.events import Account, AccountSink, MarketSink, Trade
from market.symbols import Symbol

# So many events go to the sink before the event loop runs everything else: a few milliseconds of work.
EVENTS_PER_TURN = 200

# A sink hears of the clock at least this often (wall seconds), also when nothing is traded.
CLOCK_EVERY_S = 0.25


class SourceError(Exception):
    """A source that can't be had as the user asks for it. The text names what is wrong and says what to change."""


class Source(Protocol):
    """One origin of events, for one exchange or more. Made once, run once at a time."""

    @property
    def name(self) -> str:
        """Return the name that logs and metrics use, such as `replay`."""
        ...

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Return everything that this source can have events for; it never changes."""
        ...

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return every account that this source can have events for; it never changes."""
        ...

    async def run(self, sink: MarketSink) -> None:
        """Feed the sink until cancelled, or until the data ends (after `sink.ended`).

        Times never go back within an exchange until `sink.restarted`. It may be cancelled at any await and leaves
        no task, file or child behind. What it raises ends it; whoever runs it says so to the subscribers.
        """
        ...


@runtime_checkable
class ResumableSource(Source, Protocol):
    """A source that can go on in a new process where an earlier one stopped.

    Before `run` it is given a copy of its state (`load`), then hears again what it said after that (`follow_...`), to
    which its accounts say to `sink` what they said then; at last `go_on`. `run` then neither tells history nor
    `begins`; a source that had ended returns at once. After `forget`, and where neither was called, it starts anew.
    """

    def fingerprint(self) -> str:
        """Return what must be the same for it to go on: another text means other events."""
        ...

    def dump(self) -> Any:
        """Return where it stands, as what JSON has: what it needs to go on after what it has told up to now."""
        ...

    def load(self, plain: Any) -> None:
        """Stand where the copy stood. KeyError, TypeError, ValueError: it is no such copy."""
        ...

    def follow_begins(self, time: int, sink: AccountSink) -> None:
        """Take that it began."""
        ...

    def follow_trade(self, trade: Trade, sink: AccountSink) -> None:
        """Take a trade that it told."""
        ...

    def follow_clock(self, time: int, sink: AccountSink) -> None:
        """Take a time that it told."""
        ...

    def follow_ended(self) -> None:
        """Take that it ended."""
        ...

    def forget(self) -> None:
        """Start anew, by the settings by which it stood: it may be a life of an earlier process that did."""
        ...

    def go_on(self) -> None:
        """Take that it has heard all: from now on this process's settings count."""
        ...
