"""Source: what every source of market events has in common. It knows neither who listens nor what a listener sees."""

from typing import Protocol

from market.events import Account, MarketSink
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
