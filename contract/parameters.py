"""Parameters: texts for one value of a handshake: known to do, at a boundary, or with one thing wrong.

It knows no address and no connection, and never says whether a server must accept a value.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

import jsonschema_rs
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from codegen.reading import value_of
from contract.spec import Parameter

_LONGEST: Final = 2000
"""Characters of a value: servers take some 8,000 for all of a request line."""
_LETTERS: Final = ("a", "A", "1", "z", "Z", "0")
_WORDS: Final = ("contract", "Contract", "CONTRACT", "7", "contract-1", "a", "A", "1", "aa", "AA", "11", "2024-01-01")
_NUMBERS: Final = ("1", "0", "2", "10", "100", "-1", "0.5", "1000")
_ODD: Final = ("!", "~", " ", "_", "0", "a", "A", "é")


@dataclass(frozen=True, slots=True)
class Text:
    """A value as it is sent. `keyword` of its schema is what it is about: at its boundary, or broken by it.

    `promised`: the document says that this value will do, and not only what form it has.
    """

    value: str
    keyword: str
    note: str
    promised: bool = True


class Judging:
    """What judges the texts for one parameter. `allowed` says which texts can stand where it stands."""

    def __init__(self, parameter: Parameter, allowed: Callable[[str], bool] = lambda _: True) -> None:
        """Keep what the parameter's schema wants."""
        self.parameter = parameter
        self.allowed = allowed
        if parameter.schema is not None:
            self._validator = parameter.schema.validator
        else:
            try:
                self._validator = jsonschema_rs.Draft7Validator(dict(parameter.value), validate_formats=False)
            except jsonschema_rs.ValidationError:
                self._validator = None

    def broken(self, text: str) -> frozenset[str]:
        """Return the keywords that a text breaks."""
        value = value_of(text, self.parameter.kind)
        if value is None:
            return frozenset({"type"})
        if self._validator is None:
            return frozenset()
        errors = self._validator.iter_errors(value)
        return frozenset(str(error.schema_path[-1]) if error.schema_path else "" for error in errors)

    def fits(self, text: str) -> bool:
        """Tell whether a text can stand there and breaks nothing."""
        return self.allowed(text) and not self.broken(text)

    def breaks(self, text: str, keyword: str) -> bool:
        """Tell whether a text can stand there and breaks this keyword alone."""
        return self.allowed(text) and self.broken(text) == {keyword}


def text_of(value: Any) -> str:
    """Return the text that a JSON value is sent as."""
    return value if isinstance(value, str) else json.dumps(value)


def known_values(parameter: Parameter, given: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the values that are known to do: the user's; else the examples; else those of the enum; else the default.

    The user's count as they are; the document's only if they fit its schema.
    """
    if given:
        return tuple(dict.fromkeys(given))
    judging = Judging(parameter)
    for values in (parameter.examples, [text_of(item) for item in enumerated(parameter)], _default(parameter)):
        found = tuple(dict.fromkeys(value for value in values if not judging.broken(value)))
        if found:
            return found
    return ()


def enumerated(parameter: Parameter) -> Sequence[Any]:
    """Return the values that the schema lists, empty where it lists none."""
    if "const" in parameter.value:
        return [parameter.value["const"]]
    found = parameter.value.get("enum")
    return found if isinstance(found, list) else ()


def _default(parameter: Parameter) -> tuple[str, ...]:
    default = parameter.value.get("default")
    return () if default is None else (text_of(default),)


def made_up(judging: Judging, random: Random | None = None) -> str | None:
    """Return a value that fits the schema; None where none is found. Without `random` always the same."""
    parameter = judging.parameter
    listed = tuple(text_of(item) for item in enumerated(parameter))
    candidates = (
        listed
        or {
            "boolean": ("true", "false"),
            "integer": tuple(text.value for text in _numbers(parameter)) + _NUMBERS,
            "number": tuple(text.value for text in _numbers(parameter)) + _NUMBERS,
        }.get(parameter.kind)
        or (*_WORDS, *_lengths(parameter.value))
    )
    fine = [value for value in dict.fromkeys(candidates) if judging.fits(value)]
    if fine:
        return fine[0] if random is None else random.choice(fine)
    return _search(parameter, judging.fits) if parameter.kind == "string" and not listed else None


def boundaries(judging: Judging) -> Iterator[Text]:
    """Yield values that fit at the boundaries of each keyword, each value once."""
    found: dict[str, Text] = {}
    for text in _boundaries(judging):
        if text.value not in found and judging.fits(text.value):
            found[text.value] = text
    yield from found.values()


def _boundaries(judging: Judging) -> Iterator[Text]:
    parameter = judging.parameter
    for item in enumerated(parameter):
        yield Text(text_of(item), "enum", f"{parameter.name} is {text_of(item)}")
    for value in _default(parameter):
        yield Text(value, "default", f"{parameter.name} is its default, {value}")
    for value in parameter.examples:
        yield Text(value, "examples", f"{parameter.name} is the example {value}")
    if parameter.kind == "boolean":
        yield from (Text(value, "type", f"{parameter.name} is {value}") for value in ("true", "false"))
    elif parameter.kind in ("integer", "number"):
        yield from _numbers(parameter)
    else:
        for keyword in ("minLength", "maxLength"):
            length = parameter.value.get(keyword)
            if isinstance(length, int) and length <= _LONGEST:
                stretched = _of_length(judging, length)
                if stretched is not None:
                    note = f"{parameter.name} has {length} characters, its {keyword}"
                    yield Text(stretched, keyword, note, promised=False)
    fitting = made_up(judging)
    if fitting is not None:
        yield Text(fitting, "type", f"{parameter.name} is {shown(fitting)}", promised=False)


def _numbers(parameter: Parameter) -> Iterator[Text]:
    """Yield the numbers at the bounds, which need not fit."""
    schema, integer = parameter.value, parameter.kind == "integer"
    step = _decimal(schema.get("multipleOf")) or (Decimal(1) if integer else Decimal("0.5"))
    for keyword, sign in (("minimum", 1), ("exclusiveMinimum", 1), ("maximum", -1), ("exclusiveMaximum", -1)):
        bound = _decimal(schema.get(keyword))
        if bound is None:
            continue
        for value in (bound, bound + sign * step):
            edge = "beside" if value != bound else "at"
            text = _plain(value)
            yield Text(text, keyword, f"{parameter.name} is {text}, {edge} its {keyword}", promised=True)


def broken_values(judging: Judging) -> Iterator[Text]:
    """Yield values that break one keyword of the schema and nothing else: one for each keyword, two for a type."""
    parameter = judging.parameter
    for value in {"integer": ("x", "1.5"), "number": ("x", "NaN"), "boolean": ("maybe",)}.get(parameter.kind, ()):
        if judging.breaks(value, "type"):
            yield Text(value, "type", f"{parameter.name} is {value}, and no {parameter.kind}")
    for keyword, wanted in parameter.value.items():
        found = next((value for value in _breaking(judging, keyword) if judging.breaks(value, keyword)), None)
        if found is None and parameter.kind == "string" and keyword in ("minLength", "maxLength", "pattern"):
            found = _search(parameter, partial(_breaks, judging, keyword))
        if found is not None:
            told = (
                "isn't one of its values"
                if keyword in ("enum", "const")
                else f"breaks {keyword} {shown(text_of(wanted))}"
            )
            yield Text(found, keyword, f"{parameter.name} is {shown(found)}, which {told}")


def _breaks(judging: Judging, keyword: str, text: str) -> bool:
    return judging.breaks(text, keyword)


def _breaking(judging: Judging, keyword: str) -> Iterator[str]:
    """Yield values that may break a keyword."""
    parameter, schema = judging.parameter, judging.parameter.value
    number = parameter.kind in ("integer", "number")
    bound = _decimal(schema.get(keyword))
    if keyword in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") and bound is not None:
        sign = -1 if "inimum" in keyword else 1
        for step in (Decimal(0), _decimal(schema.get("multipleOf")) or Decimal(1), Decimal(1), Decimal("0.5")):
            yield _plain(bound + sign * step)
    elif keyword == "multipleOf" and bound is not None:
        for base in (*(text.value for text in _numbers(parameter)), "0"):
            for step in (bound / 2, Decimal(1), -bound / 2, Decimal(-1)):
                yield _plain(Decimal(base) + step)
    elif keyword in ("enum", "const"):
        values = [text_of(item) for item in enumerated(parameter)]
        if number:
            highest = max((_decimal(item) or Decimal(0) for item in enumerated(parameter)), default=Decimal(0))
            yield from (_plain(highest + step) for step in (1, 2, 3))
        yield from (value + tail for value in values for tail in ("x", "X", "1"))
        yield from (value[:-1] for value in values)
        yield from _WORDS
        yield from {"true", "false"} - set(values)
    elif keyword in ("minLength", "maxLength") and isinstance(schema[keyword], int):
        length = schema[keyword] + (-1 if keyword == "minLength" else 1)
        if 0 <= length <= _LONGEST:
            yield from _stretched(judging, length)
    elif keyword == "pattern":
        fine = made_up(judging)
        for base in (*known_values(parameter), *([fine] if fine is not None else [])):
            yield from (odd + base[1:] for odd in _ODD)
            yield from (base[:-1] + odd for odd in _ODD)
            yield from (base + odd for odd in _ODD)
            yield from (base.upper(), base.lower())
        yield from _WORDS
        yield from (letter * len(fine or "a") for letter in ("!", "~", "-"))


def _of_length(judging: Judging, length: int) -> str | None:
    found = next((value for value in _stretched(judging, length) if judging.fits(value)), None)
    return found or _search(judging.parameter, lambda value: len(value) == length and judging.fits(value))


def _stretched(judging: Judging, length: int) -> Iterator[str]:
    """Yield texts of a length, some of which are like the values that fit."""
    yield from (letter * length for letter in _LETTERS)
    for base in known_values(judging.parameter):
        if base:
            yield (base * (length // len(base) + 1))[:length]
            yield base[:length] + base[-1] * (length - len(base))


def _lengths(schema: Mapping[str, Any]) -> Iterator[str]:
    least, most = schema.get("minLength", 1), schema.get("maxLength", 3)
    for length in (least, most):
        if isinstance(length, int) and 0 < length <= _LONGEST:
            yield from (letter * length for letter in _LETTERS)


def _search(parameter: Parameter, wanted: Callable[[str], bool]) -> str | None:
    """Return a text that is wanted, found by trying those of the pattern, then any; None where a few hundred aren't."""
    ascii_letters = st.characters(min_codepoint=33, max_codepoint=126)
    strategies: list[Callable[[], st.SearchStrategy[str]]] = []
    pattern = parameter.value.get("pattern")
    if isinstance(pattern, str):
        strategies.append(lambda: st.from_regex(pattern, alphabet=ascii_letters))
    strategies.append(lambda: st.text(ascii_letters, max_size=100))
    limits = settings(
        max_examples=300,
        database=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
        deadline=None,
    )
    for strategy in strategies:
        try:
            return find(strategy(), wanted, settings=limits)
        except (HypothesisException, re.error, ValueError):  # no such text; no pattern that Python knows
            continue
    return None


def shown(value: str) -> str:
    """Return a value as a sentence shows it: in quotation marks, and not too long."""
    return json.dumps(value if len(value) <= 40 else f"{value[:30]}... ({len(value)} characters)", ensure_ascii=False)


def _decimal(value: Any) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
