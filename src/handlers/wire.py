"""Wire: exact numbers and bars as the contract writes them. It never sees a client or a topic."""

from decimal import Decimal

from generated.models import Bar
from market import events
from market.history import PastBar

LARGEST_PLAIN = 1e16
"""From here on Python writes a float with an exponent, which is shorter than an integer's digits."""


def wire_bar(bar: events.Bar) -> Bar:
    """Return the bar with its exact numbers as JSON numbers."""
    return Bar(
        time=bar.time,
        open=wire_number(bar.open),
        high=wire_number(bar.high),
        low=wire_number(bar.low),
        close=wire_number(bar.close),
        volume=wire_number(bar.volume),
    )


def wire_past_bar(bar: PastBar) -> Bar:
    """Return the bar, whose numbers are floats already, with whole ones as integers."""
    # Not validated again: five thousand of them would take their time.
    return Bar.model_construct(
        time=bar.time,
        open=wire_float(bar.open),
        high=wire_float(bar.high),
        low=wire_float(bar.low),
        close=wire_float(bar.close),
        volume=wire_float(bar.volume),
    )


def wire_number(value: Decimal) -> int | float:
    """Return the JSON number with the shortest text that means the value: 18606700, not 18606700.0."""
    number = float(value)
    # What is too small for a float is not whole, and a float's whole numbers end somewhere.
    return wire_float(number) if not number.is_integer() or value == int(number) else number


def wire_float(number: float) -> int | float:
    """Return the JSON number with the shortest text that means the float."""
    return int(number) if abs(number) < LARGEST_PLAIN and number.is_integer() else number
