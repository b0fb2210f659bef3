"""Traffic: plain counts of what goes through this process. It never sees what is counted, and nothing is exported here.

Whoever moves a frame adds to an attribute; whoever wants the sums reads them. An addition is all that a frame costs.
"""

from bisect import bisect_left

TURN_BOUNDS_S = (
    *(0.00005, 0.0001, 0.00025, 0.0005),
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5),
)
"""Upper bounds, in seconds, of the classes into which turns are counted."""


class Histogram:
    """Durations by class. `counts[i]` are those of at most `bounds[i]` seconds, the last those above them all."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Count into classes with these upper bounds, which rise."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds


class Traffic:
    """Frames and bytes of all clients, of text frames' payloads, and how long turns take."""

    __slots__ = ("bytes_in", "bytes_out", "conflated", "frames_in", "frames_out", "turns")

    def __init__(self) -> None:
        """Start at 0."""
        self.frames_in = 0
        self.bytes_in = 0
        self.frames_out = 0
        self.bytes_out = 0
        self.conflated = 0
        """Frames that a newer one replaced before they were sent."""
        self.turns = Histogram(TURN_BOUNDS_S)

    def received(self, text: str) -> None:
        """Count a text frame of a client's."""
        self.frames_in += 1
        self.bytes_in += len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))

    def turn(self, seconds: float) -> None:
        """Count a turn of the event loop: from the first frame that was sent in it until all its writes are done."""
        self.turns.observe(seconds)


class Recoveries:
    """How those fared who asked to go on from a position."""

    __slots__ = ("gaps", "lost", "recovered")

    def __init__(self) -> None:
        """Start at 0."""
        self.recovered = 0
        self.lost = 0
        """Some of what they missed could not be had any more."""
        self.gaps = 0
        """Frames that said so."""
