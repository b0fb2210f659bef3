"""Naming: names of documents into names of Python. It never looks at a document."""

import keyword
import re
import unicodedata
from collections.abc import Iterable

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+|[0-9]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def words(name: str) -> list[str]:
    """Split a name into its words: `barsSubscribe`, `bars.subscribe` and `bars-subscribe` give the same.

    Letters that are not ASCII become the ones below their accents, or else their number: `U6d88`. Signs part words.
    """
    plain = name if name.isascii() else "".join(map(_ascii, unicodedata.normalize("NFKD", name)))
    found = _WORDS.findall(plain)
    return found or [f"u{ord(character):x}" for character in name if not character.isascii()] or ["unnamed"]


def _ascii(character: str) -> str:
    if character.isascii() or unicodedata.combining(character):
        return character if character.isascii() else ""
    return f" u{ord(character):x} " if character.isalnum() else " "


def pascal(name: str) -> str:
    """Return `BarsSubscribe`. A name that is a class's already stays as it is."""
    if _IDENTIFIER.fullmatch(name) and name[0].isupper() and "_" not in name:
        return name
    joined = "".join(word[0].upper() + word[1:] for word in words(name))
    return f"Schema{joined}" if joined[0].isdigit() else joined


def snake(name: str) -> str:
    """Return `bars_subscribe`, with an underscore behind it where it is a keyword."""
    return _safe("_".join(word.lower() for word in words(name)))


def constant(name: str) -> str:
    """Return `BARS_SUBSCRIBE`."""
    return _safe("_".join(words(name)).upper())


def _safe(name: str) -> str:
    if name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name


def distinct(names: Iterable[str], taken: Iterable[str] = (), separator: str = "_") -> list[str]:
    """Return names of which none is given twice, nor one of `taken`: a number stands behind the later ones."""
    known = set(taken)
    found: list[str] = []
    for name in names:
        candidate, count = name, 1
        while candidate in known:
            count += 1
            candidate = f"{name}{'' if name.endswith('_') else separator}{count}"
        known.add(candidate)
        found.append(candidate)
    return found


class Names:
    """Class names given out so far; none is given twice."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = set(taken)

    def take(self, name: str, suffix: str) -> str:
        """Return the name in PascalCase, with `suffix` (and then a number) behind it where it is taken."""
        wanted = pascal(name)
        candidate, count = wanted, 1
        while candidate in self._taken:
            candidate = f"{wanted}{suffix}{count if count > 1 else ''}"
            count += 1
        self._taken.add(candidate)
        return candidate
