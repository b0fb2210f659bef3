"""The tester's generation: `python -m bench.contract [DOCUMENT ...]` says how fast messages are made, how many differ.

It opens no connection. It knows nothing of the servers that the rest of the bench measures.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from codegen.faults import DocumentError
from contract.boundaries import boundaries
from contract.breaking import breakages, generate_breakages, random_breakage
from contract.spec import Message, load_spec
from contract.values import Unmakeable, draw, generate, values

_ROOT = Path(__file__).parents[1]
_MESSAGES = 200  # of the document that is made up


def say(text: str) -> None:
    """Print a line now."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def _messages(path: Path) -> list[Message]:
    spec = load_spec(path, lenient=True)
    every = (message for channel in spec.channels for message in (*channel.sent, *channel.received))
    return [message for message in dict.fromkeys(every) if message.form == "json"]


def _each(work: Callable[[dict[str, Any]], Iterator[Any]], messages: Sequence[tuple[str, dict[str, Any]]]) -> Any:
    return [list(work(schema)) for _, schema in messages]


def _rates(messages: Sequence[tuple[str, dict[str, Any]]], count: int) -> Iterator[str]:
    made = checked = 0
    seconds = characters = 0.0
    slowest = (float("inf"), "")
    first, sources = _timed(lambda: [(name, schema, generate(schema, 1)) for name, schema in messages])
    start, _ = _timed(lambda: [next(source) for _, _, source in sources])
    for name, _, source in sources:
        spent, found = _timed(partial(list, itertools.islice(source, count)))
        seconds += spent
        made += count
        slowest = min(slowest, (count / spent, name))
        characters += sum(len(json.dumps(value)) for value in found)
    yield f"  building, and a first message of each of {len(messages)}: {first + start:.3f} s"
    yield (
        f"  generate: {made / seconds:,.0f} a second with validation, {characters / made:,.0f} characters on average; "
        f"slowest {slowest[1]} {slowest[0]:,.0f}"
    )
    few = messages[:: max(1, len(messages) // 10)]
    spent, drawn = _timed(lambda: [draw(values(schema), count, 1) for _, schema in few])
    yield f"  draw(values): {len(few) * count / spent:,.0f} a second (through Hypothesis)"
    different = sum(len({json.dumps(value, sort_keys=True) for value in found}) for found in drawn)
    yield f"    of which {100 * different / (len(few) * count):.0f} % differ"
    spent, _ = _timed(lambda: [draw(random_breakage(schema), count, 1) for _, schema in few])
    yield f"  draw(random_breakage): {len(few) * count / spent:,.0f} a second"
    spent, _ = _timed(lambda: [list(itertools.islice(generate_breakages(schema, 1), count)) for _, schema in few])
    yield f"  generate_breakages: {len(few) * count / spent:,.0f} a second"
    for told, work in (("boundaries", boundaries), ("breakages", breakages)):
        spent, found = _timed(partial(_each, work, messages))
        checked = sum(map(len, found))
        yield f"  {told}: {checked} messages in {spent:.2f} s, {checked / spent:,.0f} a second"


def _invented(count: int) -> list[tuple[str, dict[str, Any]]]:
    """Return so many schemas such as market data has, no two alike."""
    random = Random(1)
    found: list[tuple[str, dict[str, Any]]] = []
    for index in range(count):
        members: dict[str, Any] = {"type": {"const": f"message{index}"}, "id": {"$ref": "#/definitions/d0"}}
        for member in range(random.randint(3, 12)):
            members[f"member{member}"] = random.choice(
                [
                    {"type": "string", "maxLength": 64},
                    {"type": "string", "pattern": f"^[A-Z]{{{random.randint(1, 9)}}}[0-9]*$"},
                    {"type": "integer", "minimum": 0},
                    {"type": "number", "multipleOf": 0.01},
                    {"enum": ["buy", "sell"]},
                    {"type": "array", "items": {"$ref": "#/definitions/d1"}, "maxItems": 10},
                    {"oneOf": [{"type": "string"}, {"type": "null"}]},
                    {"$ref": "#/definitions/d1"},
                ]
            )
        needed = ["type", *random.sample([name for name in members if name != "type"], 2)]
        schema = {"type": "object", "properties": members, "required": needed}
        level = {"type": "object", "properties": {"price": {"type": "number"}, "size": {"type": "number"}}}
        found.append(
            (
                f"message{index}",
                {"allOf": [schema], "definitions": {"d0": {"type": "string", "maxLength": 36}, "d1": level}},
            )
        )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.contract", description=__doc__)
    parser.add_argument("documents", nargs="*", type=Path, default=[_ROOT / "asyncapi.yaml"])
    parser.add_argument("--count", type=int, default=300, help="messages of each kind (300)")
    options = parser.parse_args(arguments)
    for path in options.documents:
        say(str(path))
        try:
            spent, messages = _timed(partial(_messages, path))
            say(f"  reading: {spent:.3f} s")
            schemas = [(message.key, message.schema.value) for message in messages]
            for line in _rates(schemas, options.count) if schemas else ():
                say(line)
        except (DocumentError, Unmakeable) as error:
            say(f"  {type(error).__name__}: {error}")
    say(f"a made-up document with {_MESSAGES} messages")
    for line in _rates(_invented(_MESSAGES), options.count):
        say(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
