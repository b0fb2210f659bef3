"""Resolution: how long a bar is, and how clients spell it. It knows nothing of calendars, of trades or of clients."""

from enum import StrEnum
from types import MappingProxyType


class Resolution(StrEnum):
    """A bar's length, from the shortest to the longest. The value is the canonical text: minutes, or `1D 1W 1M`."""

    MINUTE_1 = "1"
    MINUTE_3 = "3"
    MINUTE_5 = "5"
    MINUTE_15 = "15"
    MINUTE_30 = "30"
    MINUTE_60 = "60"
    MINUTE_120 = "120"
    MINUTE_240 = "240"
    DAY = "1D"
    WEEK = "1W"
    MONTH = "1M"

    @property
    def minutes(self) -> int | None:
        """Return the length in minutes; None for a day, a week and a month, whose length the calendar decides."""
        match self:
            case Resolution.DAY | Resolution.WEEK | Resolution.MONTH:
                return None
            case _:
                return int(self.value)


# Case decides: `1m` is a minute, `M` a month.
_ALIASES = MappingProxyType(
    {
        "1m": Resolution.MINUTE_1,
        "5m": Resolution.MINUTE_5,
        "15m": Resolution.MINUTE_15,
        "30m": Resolution.MINUTE_30,
        "1h": Resolution.MINUTE_60,
        "4h": Resolution.MINUTE_240,
        "1d": Resolution.DAY,
        "D": Resolution.DAY,
        "1w": Resolution.WEEK,
        "W": Resolution.WEEK,
        "M": Resolution.MONTH,
    }
)
_BY_TEXT = MappingProxyType({resolution.value: resolution for resolution in Resolution} | _ALIASES)


def parse_resolution(text: str) -> Resolution | None:
    """Return the resolution that a client's text names, canonical or alias; None for any other text."""
    return _BY_TEXT.get(text)
