"""Wording: what a stranger sent, made fit for a terminal, a file and a page. It knows no report."""

from typing import Final

from contract.model import Data

SHOWN: Final = 600
"""How many characters of a frame are shown."""


def visible(text: str) -> str:
    """Return a text as one line: what can't be seen, or would turn what stands around it, as its escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def cut(text: str, limit: int = SHOWN) -> str:
    """Return a text as one line; of more than `limit` characters its two ends, and how many are between."""
    if len(text) <= limit:
        return visible(text)
    begin, end = limit * 2 // 3, limit // 3
    return f"{visible(text[:begin])} ... {len(text) - begin - end:,} characters ... {visible(text[-end:])}"


def of_data(data: Data, limit: int = SHOWN) -> str:
    """Return a frame as one line: a text frame's text, or a binary frame's length and bytes; both cut in the middle."""
    if isinstance(data, str):
        return cut(data, limit)
    begin, end = limit // 6, limit // 12
    shown = data.hex(" ") if len(data) <= begin + end else f"{data[:begin].hex(' ')} ... {data[-end:].hex(' ')}"
    return f"{len(data):,} bytes: {shown}"
