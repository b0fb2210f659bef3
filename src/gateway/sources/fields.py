"""Fields: the text of one cell to an exact value, or to the reason why not. It knows no file and no market."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from gateway.sources.columns import MAX_DECIMALS, MAX_DIGITS, Amount
from gateway.sources.faults import RowFault
from market.events import Side

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_NOT_FINITE = re.compile(r"[+-]?(?:s?nan|inf(?:inity)?)", re.IGNORECASE)
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999  # the year 9999
_MAX_SHOWN = 40
MAX_NAME = 64


def shown(text: str) -> str:
    """Return a cell's text for an error: quoted, at most 40 characters of it, the unprintable escaped."""
    return repr(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "...")


def parse_amount(text: str, column: str) -> Amount:
    """Return a finite number exactly, as (mantissa, decimals). RowFault says why the text is none."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    # Nearly every cell takes this way: it is five times as fast as Decimal, and as exact.
    if len(digits) <= MAX_DIGITS and digits.isascii() and digits.isdigit():
        return int(digits), len(fraction)
    return _parse_unusual(text.strip(), column)


def _parse_unusual(text: str, column: str) -> Amount:
    if not text:
        raise RowFault(f"{column} is missing")
    if _NOT_FINITE.fullmatch(text):
        raise RowFault(f"{column} is not finite", f"{column} is {text}, which is not a finite number")
    if not _NUMBER.fullmatch(text):
        raise RowFault(f"{column} is not a number", f"{column} {shown(text)} is not a number")
    sign, digits, exponent = Decimal(text).as_tuple()
    if not isinstance(exponent, int):
        raise AssertionError("a text that matches _NUMBER is finite")
    mantissa = int("".join(map(str, digits)))
    if mantissa == 0:
        return 0, 0
    while exponent < 0 and mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    if exponent > MAX_DIGITS or -exponent > MAX_DECIMALS or len(str(mantissa * 10 ** max(exponent, 0))) > MAX_DIGITS:
        raise RowFault(
            f"{column} has too many digits",
            f"{column} {shown(text)} has more than {MAX_DIGITS} digits or {MAX_DECIMALS} decimals",
        )
    mantissa *= 10 ** max(exponent, 0)
    return (-mantissa if sign else mantissa), max(-exponent, 0)


def parse_price(text: str, column: str) -> Amount:
    """Return a price, which is above 0."""
    amount = parse_amount(text, column)
    if amount[0] <= 0:
        raise RowFault(f"{column} is not above 0", f"{column} {text.strip()} is not above 0")
    return amount


def parse_volume(text: str) -> Amount:
    """Return a volume, which is 0 or more."""
    amount = parse_amount(text, "volume")
    if amount[0] < 0:
        raise RowFault("volume is negative", f"volume {text.strip()} is negative")
    return amount


def parse_time(text: str) -> int:
    """Return ms since the epoch from whole milliseconds or ISO 8601; a date is its 00:00, and without a zone it is UTC.

    Finer than a millisecond is cut off.
    """
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return check_time(int(text), text)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        elapsed = moment - _EPOCH
    except (ValueError, OverflowError):
        if not text:
            raise RowFault("timestamp is missing") from None
        raise RowFault(
            "timestamp is not a time",
            f"timestamp {shown(text)} is neither whole milliseconds nor ISO 8601 (as 2012-06-01T13:30:00Z)",
        ) from None
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000


def check_time(time: int, text: str) -> int:
    """Return the milliseconds, unless they are plainly something else: seconds, YYYYMMDD, micro- or nanoseconds."""
    if 10_000_000 <= time < 100_000_000_000:
        raise RowFault(
            "timestamp is not in milliseconds",
            f"timestamp {text} would be early in the 1970s: give milliseconds, not seconds, or ISO 8601 (2012-06-01)",
        )
    if abs(time) > _LAST_MS:
        raise RowFault(
            "timestamp is not in milliseconds",
            f"timestamp {text} would be after the year 9999: give milliseconds, not micro- or nanoseconds",
        )
    return time


def parse_side(text: str) -> Side | None:
    """Return the side; an empty cell has none."""
    match text.strip():
        case "buy":
            return "buy"
        case "sell":
            return "sell"
        case "":
            return None
        case other:
            raise RowFault("side is neither buy nor sell", f"side {shown(other)} is neither buy nor sell")


def parse_name(text: str, column: str) -> str:
    """Return a symbol's name or a trade's id: at most 64 printable characters."""
    name = text.strip()
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise RowFault(f"{column} is not UTF-8", f"{column} {shown(name)} is not UTF-8: save the file as UTF-8")
    if len(name) > MAX_NAME or not name.isprintable():
        raise RowFault(
            f"{column} can't be used", f"{column} {shown(name)} has more than {MAX_NAME} or unprintable characters"
        )
    return name


def parse_symbol(text: str) -> str:
    """Return a symbol's name, which has no space and no colon: clients write EXCHANGE:SYMBOL."""
    name = parse_name(text, "symbol")
    if not name:
        raise RowFault("symbol is missing")
    if ":" in name or " " in name:
        raise RowFault("symbol can't be used", f"symbol {shown(name)} contains a colon or a space")
    return name
