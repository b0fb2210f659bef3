"""Patterns: ECMA's regular expressions, as JSON Schema has them, in the words of Rust's engine and of Python's.

Both engines take a class such as `\\d` for all of Unicode, where ECMA means ASCII: it is spelt out here.
"""

import re
from functools import cache
from typing import Literal

from pydantic_core import SchemaError, SchemaValidator, core_schema

_BLANKS = r"\t\n\x0b\x0c\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": _BLANKS}
_OTHERS = {
    "D": r"\x00-/:-\U0010ffff",
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "S": (
        r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
        r"\u3001-\ufefe\uff00-\U0010ffff"
    ),
}
"""All characters but those of a class, for within a set."""
_ESCAPE = re.compile(
    r"\\(u\{[0-9A-Fa-f]+\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]|[pP]\{[^}]*\}|k<\w+>|.)", re.DOTALL
)
_NAMED = re.compile(r"\(\?<(?![=!])")
_META = frozenset(r"\.+*?()|[]{}^$-&~#")


@cache
def compiles(pattern: str, engine: Literal["rust-regex", "python-re"]) -> bool:
    """Tell whether one of Pydantic's engines takes a pattern."""
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine=engine))
    except (SchemaError, re.error, OverflowError):
        return False
    return True


@cache
def for_rust(pattern: str) -> str | None:
    """Return a pattern as Pydantic's own engine takes it, which is linear; None where it needs another."""
    found = _translate(pattern, "rust-regex")
    return found if compiles(found, "rust-regex") else None


@cache
def for_python(pattern: str) -> str | None:
    """Return a pattern for Python's `re.search`; None where that can't take it."""
    found = _NAMED.sub("(?P<", _translate(pattern, "python-re"))
    return found if compiles(found, "python-re") else None


def _translate(pattern: str, engine: str) -> str:
    python = engine == "python-re"
    result: list[str] = []
    at, depth = 0, 0
    while at < len(pattern):
        character = pattern[at]
        escape = _ESCAPE.match(pattern, at)
        if escape is not None:
            result.append(_escape(escape[1], inside=depth > 0, python=python))
            at = escape.end()
            continue
        if character == "[" and depth == 0:
            depth = 1
            negated = pattern.startswith("^", at + 1)
            at += 1 + negated
            result.append("[^" if negated else "[")
            continue
        if character == "]" and depth:
            depth = 0
        elif depth and character in "[&~|":
            character = f"\\{character}"  # both engines have, or will have, operations on sets
        elif not depth and character == "$" and python:
            character = r"\Z"
        elif not depth and python and character == "(" and (named := _NAMED.match(pattern, at)):
            character = named[0]
        result.append(character)
        at += len(character) if pattern.startswith(character, at) else 1
    return "".join(result)


def _escape(text: str, *, inside: bool, python: bool) -> str:
    """Return what an escape means. `text` is what follows the backslash."""
    kind = text[0]
    lower = kind.lower()
    if len(text) == 1 and lower in _CLASSES:
        members = _characters(_CLASSES[lower], python)
        if kind == lower:
            return members if inside else f"[{members}]"
        if not inside:
            return f"[^{members}]"
        return _OTHERS[kind] if python else f"[^{members}]"  # Rust nests sets, Python doesn't
    if kind == "u" and len(text) > 1:
        return _character(int(text[1:].strip("{}"), 16), python)
    if kind == "x" and len(text) == 3:
        return _character(int(text[1:], 16), python)
    if kind == "c" and len(text) == 2:
        return _character(ord(text[1]) % 32, python)
    if len(text) == 1 and kind in "bB":
        return r"\x08" if inside and kind == "b" else f"\\{kind}"
    if kind == "k" and len(text) > 1 and python:
        return f"(?P={text[2:-1]})"
    if kind == "0" and len(text) == 1:
        return r"\x00"
    if len(text) > 1 or kind in "fnrtv" or kind.isdigit():
        return f"\\{text}"
    # Any other character stands for itself, and only some may keep their backslash.
    return f"\\{kind}" if kind in _META else kind


def _characters(members: str, python: bool) -> str:
    return members if python else re.sub(r"\\u([0-9a-f]{4})", r"\\u{\1}", members)


def _character(code: int, python: bool) -> str:
    if not python:
        return f"\\x{{{code:x}}}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
