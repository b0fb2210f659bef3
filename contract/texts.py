"""Texts: strings that find bugs, strings of a format, and strings that match a pattern. It knows nothing of schemas."""

import base64
import importlib
import re
import string
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from random import Random
from typing import Any, Final

import jsonschema_rs

from codegen.patterns import for_python

KINDS: Final[tuple[tuple[str, str], ...]] = (
    ("empty", ""),
    ("a letter", "a"),
    ("a blank", " "),
    ("blanks around", " a "),
    ("a tab and a line break", "\ta\r\nb"),
    ("quotes", "\"'`"),
    ("a backslash", "a\\b\\"),
    ("an escape that is none", "\\u0041\\n"),
    ("control characters", "\x01\x1f\x7f\x85"),
    ("NUL", "a\x00b"),
    ("accents", "Größe"),
    ("Greek", "Ελληνικά"),
    ("Chinese", "漢字"),
    ("a combining character", "e\u0301"),
    ("right to left", "שלום\u202eabc"),
    ("beyond 16 bits", "😀"),
    ("joined characters", "👩\u200d👩\u200d👧"),
    ("a byte order mark", "\ufeffa"),
    ("a line separator", "a\u2028b"),
    ("the last characters", "\uffff\U0010ffff"),
    ("a ligature", "ﬃ İ ß"),
    ("the text null", "null"),
    ("the text true", "true"),
    ("the text 123", "123"),
    ("the text -1.5e3", "-1.5e3"),
    ("the text NaN", "NaN"),
    ("__proto__", "__proto__"),
    ("constructor", "constructor"),
    ("HTML", "<b onclick='alert(1)'>&amp;</b>"),
    ("SQL", "' OR '1'='1'; --"),
    ("a path", "../../etc/passwd"),
    ("a template", "{{7*7}}${7*7}%s%n"),
    ("percent-encoded", "%00%2F%E2"),
    ("JSON", '{"a": [1, null]}'),
)
"""What a string may be that its schema says little about: what it is called, and the string."""

_WORDS = string.ascii_letters + string.digits
_ALPHABETS = (
    _WORDS,
    _WORDS + "-_.:/",
    string.punctuation,
    " \t\n" + _WORDS,
    "".join(map(chr, range(0xA1, 0x180))),
    "".join(map(chr, range(0x400, 0x450))),
    "".join(map(chr, range(0x4E00, 0x4E80))),
    "".join(map(chr, range(0x1F600, 0x1F640))),
    "".join(map(chr, range(0x20))) + "\x7f",
    "".join(text for _, text in KINDS),
)
_PLAIN = _WORDS + " -_.,:/!#%é漢😀"  # what stands for any character
_POOL = 32  # strings made of a pattern at a time
_MOST_TRIED = 8  # times
_PUMPED = 24  # characters of a string that are tried for repetition


def sized(text: str, least: int, most: int | None) -> str:
    """Return a string like `text` that is `least` to `most` characters long."""
    if len(text) < least:
        text = ((text or "a") * (least // len(text or "a") + 1))[:least]
    return text if most is None or len(text) <= most else text[:most]


def any_text(random: Random, least: int = 0, most: int | None = None) -> str:
    """Return a string of any kind, `least` to `most` characters long, as a rule a short one."""
    turn = random.random()
    if turn < 0.45:
        return sized(random.choice(KINDS)[1], least, most)
    top = least + 24 if most is None else min(most, least + 24)
    if turn < 0.55 and most is not None and most <= 4096:
        size = most
    elif turn < 0.6:
        size = least + 300 if most is None else min(most, least + 300)
    else:
        size = random.randint(least, max(least, top))
    alphabet = _ALPHABETS[0] if turn > 0.75 else random.choice(_ALPHABETS)
    return "".join(random.choices(alphabet, k=size))


def _datetime(random: Random) -> str:
    zone = random.choice([UTC, UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
    seconds = random.choice([0, 951_827_696, 1_709_251_199, 2_147_483_648, random.randrange(4_000_000_000)])
    micro = random.choice([0, 0, 120_000, 999_999, random.randrange(1_000_000)])
    moment = datetime.fromtimestamp(seconds, zone).replace(microsecond=micro)
    return moment.isoformat().replace("+00:00", random.choice(["Z", "+00:00"]))


def _date(random: Random) -> str:
    return random.choice(["2024-02-29", "1999-12-31", date.fromordinal(random.randint(719_163, 767_010)).isoformat()])


def _bytes(random: Random) -> bytes:
    return random.randbytes(random.choice([0, 1, 2, 3, 16]))


def _label(random: Random) -> str:
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=random.randint(1, 12)))


def _host(random: Random) -> str:
    return random.choice(["localhost", "a.example", f"{_label(random)}.example.org", "xn--bcher-kva.example"])


def _ipv4(random: Random) -> str:
    return random.choice(["0.0.0.0", "255.255.255.255", ".".join(str(random.randrange(256)) for _ in range(4))])


def _ipv6(random: Random) -> str:
    return random.choice(["::", "::1", "2001:db8::1", ":".join(f"{random.randrange(65536):x}" for _ in range(8))])


def _uri(random: Random) -> str:
    more = random.choice(["", "/", f"/{_label(random)}", "/a?b=c&d=%20#e"])
    return f"{random.choice(['https', 'http', 'wss'])}://{_host(random)}{more}"


def _email(random: Random) -> str:
    return f"{random.choice([_label(random), 'a.b+c'])}@example.org"


def _duration(random: Random) -> str:
    return random.choice(["P1D", "PT0S", "P3Y6M4DT12H30M5S", f"PT{random.randrange(1, 100)}M"])


_FORMATS: Mapping[str, Callable[[Random], str]] = {
    "date-time": _datetime,
    "date": _date,
    "time": lambda random: _datetime(random)[11:],
    "duration": _duration,
    "uuid": lambda random: str(uuid.UUID(int=random.getrandbits(128), version=4)),
    "uri": _uri,
    "url": _uri,
    "iri": _uri,
    "uri-reference": lambda random: random.choice([_uri(random), "/a", "a?b", "#c"]),
    "uri-template": lambda random: random.choice(["/a/{b}", _uri(random)]),
    "email": _email,
    "idn-email": _email,
    "hostname": _host,
    "idn-hostname": _host,
    "ipv4": _ipv4,
    "ip": _ipv4,
    "ipv6": _ipv6,
    "byte": lambda random: base64.b64encode(_bytes(random)).decode(),
    "base64": lambda random: base64.b64encode(_bytes(random)).decode(),
    "hex": lambda random: _bytes(random).hex(),
    "json-pointer": lambda random: random.choice(["", "/a/0", f"/{_label(random)}", "/a~1b"]),
    "regex": lambda random: random.choice(["^a+$", "[0-9]*", _label(random)]),
}


def of_format(name: str, random: Random) -> str | None:
    """Return a string of a `format`; None where the format isn't known here."""
    make = _FORMATS.get(name)
    return None if make is None else make(random)


class Patterns:
    """Regular expressions as JSON Schema means them: which strings match, and strings that do."""

    def __init__(self) -> None:
        """Start with none."""
        self._judges: dict[str, jsonschema_rs.Draft7Validator | None] = {}
        self._pools: dict[str, tuple[str, ...]] = {}
        self._common: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._sized: dict[tuple[tuple[str, ...], int, int | None], tuple[str, ...]] = {}

    def matches(self, pattern: str, text: str) -> bool:
        """Tell whether a string matches; what is no pattern is matched by all."""
        if pattern not in self._judges:
            try:
                self._judges[pattern] = jsonschema_rs.Draft7Validator({"pattern": pattern})
            except (jsonschema_rs.ValidationError, ValueError):
                self._judges[pattern] = None
        judge = self._judges[pattern]
        return judge is None or judge.is_valid(text)

    def pool(self, pattern: str) -> tuple[str, ...]:
        """Return strings that match, shortest first, always the same; none where no way to make them is known."""
        if pattern not in self._pools:
            tried = dict.fromkeys((*_generated(pattern), *(text for _, text in KINDS)))
            self._pools[pattern] = tuple(sorted(filter(lambda text: self.matches(pattern, text), tried), key=len))
        return self._pools[pattern]

    def common(self, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """Return strings that match all of some patterns, shortest first; none where none is found."""
        if len(patterns) == 1:
            return self.pool(patterns[0])
        if patterns not in self._common:
            first, *others = (self.pool(pattern) for pattern in patterns)
            every = [*first, *(text for pool in others for text in pool)]
            for pool in others:
                for one in first[:12]:
                    # Where one pattern wants something within, and another says what the whole may be.
                    every += [one[:at] + other + one[at:] for other in pool[:12] for at in {0, len(one) // 2, len(one)}]
            fitting = [text for text in dict.fromkeys(every) if self._all(patterns, text)]
            self._common[patterns] = tuple(sorted(fitting, key=len))
        return self._common[patterns]

    def _all(self, patterns: tuple[str, ...], text: str) -> bool:
        return all(self.matches(pattern, text) for pattern in patterns)

    def sized(self, patterns: tuple[str, ...], least: int, most: int | None) -> tuple[str, ...]:
        """Return strings that match all of some patterns and are `least` to `most` characters long."""
        key = (patterns, least, most)
        if key not in self._sized:
            pool = self.common(patterns)
            found = [text for text in pool if len(text) >= least and (most is None or len(text) <= most)]
            found = found or list(self._resized(patterns, least, most))
            self._sized[key] = tuple(dict.fromkeys(found))
        return self._sized[key]

    def _resized(self, patterns: tuple[str, ...], least: int, most: int | None) -> Iterator[str]:
        pool = self.common(patterns)
        for text in (*pool[:12], *pool[-12:]):
            for size in dict.fromkeys((least, most)):
                if size is None or size > 100_000:
                    continue
                found = next((item for item in _stretched(text, size) if self._all(patterns, item)), None)
                if found is not None:
                    yield found


def _stretched(text: str, size: int) -> Iterator[str]:
    """Yield strings of a length, made by repeating a part of a string, or by leaving one out."""
    more = size - len(text)
    spots = range(min(len(text), _PUMPED))
    for start in reversed(spots):
        for width in (1, 2, 3, 4):
            part = text[start : start + width]
            if more > 0 and len(part) == width and more % width == 0:
                yield text[:start] + part * (more // width) + text[start:]
        if more < 0 and start - more <= len(text):
            yield text[:start] + text[start - more :]
    if more == 0:
        yield text


@cache
def _generated(pattern: str) -> tuple[str, ...]:
    """Return strings that should match a pattern: what its parts say, put together."""
    said = for_python(_properties(pattern))
    if said is None:
        return ()
    # Hypothesis' from_regex gives other strings when other modules are loaded: a seed would not find a case again.
    parsed = importlib.import_module("re._parser").parse(said)
    random = Random(0)
    every = [_spelt(parsed, random, {}) for _ in range(_POOL)]
    compiled = re.compile(said)
    for _ in range(_MOST_TRIED):
        if len(every) >= _POOL and sum(compiled.search(text) is not None for text in every[-_POOL:]) >= _POOL // 2:
            break
        every += [_spelt(parsed, random, {}) for _ in range(_POOL)]
    return tuple(dict.fromkeys((*every, *(f"a{text}b" for text in every[: _POOL // 4]))))


def _spelt(parsed: Any, random: Random, groups: dict[int, str]) -> str:
    """Return a string for a part of a parsed pattern. What looks ahead or behind is left to chance."""
    result = ""
    for operation, argument in parsed:
        name = str(operation)
        if name == "LITERAL":
            result += chr(argument)
        elif name in ("ANY", "NOT_LITERAL"):
            result += random.choice(_PLAIN.replace(chr(argument), "") if argument is not None else _PLAIN)
        elif name == "IN":
            result += _of_set(argument, random)
        elif name == "BRANCH":
            result += _spelt(random.choice(argument[1]), random, groups)
        elif name == "SUBPATTERN":
            text = _spelt(argument[-1], random, groups)
            groups[argument[0]] = text
            result += text
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = argument
            most = min(int(most), least + 64)
            count = min(most, least + random.choice((0, 1, 1, 2, 4, 8, most - least if most - least < 64 else 16)))
            result += "".join(_spelt(inner, random, groups) for _ in range(count))
        elif name == "GROUPREF":
            result += groups.get(argument, "")
        elif name == "ATOMIC_GROUP":
            result += _spelt(argument, random, groups)
        elif name == "GROUPREF_EXISTS":
            result += _spelt(argument[1] if argument[0] in groups else argument[2] or (), random, groups)
    return result


def _of_set(items: Any, random: Random) -> str:
    """Return a character of a set."""
    if str(items[0][0]) == "NEGATE":
        left = [character for character in _PLAIN if not _is_in(character, items[1:])]
        return random.choice(left or ["\u00e9"])
    name, argument = random.choice(items)
    if str(name) == "LITERAL":
        return chr(argument)
    if str(name) == "RANGE":
        low, high = argument
        found = chr(random.randint(low, min(high, low + 300)))
        return found if not "\ud800" <= found <= "\udfff" else "\u00e9"
    return random.choice(_PLAIN)


def _is_in(character: str, items: Any) -> bool:
    for name, argument in items:
        if str(name) == "LITERAL" and ord(character) == argument:
            return True
        if str(name) == "RANGE" and argument[0] <= ord(character) <= argument[1]:
            return True
    return False


def _properties(pattern: str) -> str:
    """Say `\\p{...}` by some characters of it."""
    inside = False
    result = ""
    for part in re.split(r"(\\[pP]\{[^}]*\}|\\.|\[\^?|\])", pattern, flags=re.DOTALL):
        if part.startswith((r"\p{", r"\P{")):
            name = part[3:-1].rpartition("=")[2]
            some = "0-9" if name.startswith(("N", "Decimal")) else "A-Z" if name in ("Lu", "Upper") else "a-zA-Zé"
            if part[1] == "P":
                some = "!#%-"[:3]
            result += some if inside else f"[{some}]"
            continue
        inside = (part.startswith("[") or inside) and part != "]"
        result += part
    return result
