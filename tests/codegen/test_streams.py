"""`x-stream`: its schema, what of it is refused, and what is generated from it."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
import yaml

from codegen.build import Builder
from codegen.faults import DocumentError
from codegen.generate import generate, load
from codegen.stream_rules import schema_of_streams
from codegen.structure import SHAPES
from tests.codegen.support import document_of

ROOT = Path(__file__).parents[2]
Load = Callable[[str, str], ModuleType]
Way = tuple[str | int, ...]
GOOD = ("stream_by_request", "stream_by_address")


def streams_in(case: str) -> dict[Way, dict[str, Any]]:
    """Return each `x-stream` of a good case, by its way in the document."""
    document = yaml.safe_load(document_of(case).read_text())
    found: dict[Way, dict[str, Any]] = {}
    for section in ("channels", "operations"):
        for name, value in document[section].items():
            if "$ref" not in value.get("x-stream", {"$ref": ""}):
                found[section, name, "x-stream"] = value["x-stream"]
    for name, value in document["components"].get("x-streams", {}).items():
        found["components", "x-streams", name] = value
    return found


EVERY = [
    pytest.param(case, way, value, id=f"{case}-{way[-2] if way[-1] == 'x-stream' else way[-1]}")
    for case in GOOD
    for way, value in streams_in(case).items()
]


def leaves(value: Any, way: Way = ()) -> Iterator[tuple[Way, str]]:
    """Yield each text within a value, with the way to it."""
    if isinstance(value, str):
        yield way, value
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from leaves(item, (*way, key))


def paths(value: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the members of a value and of its members; the items of a list are nothing of their own."""
    if isinstance(value, list):
        for item in value:
            yield from paths(item, way)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*way, key)
            yield from paths(item, (*way, key))


def set_at(value: Any, way: Way, new: Any) -> Any:
    """Return a copy with another value at the end of a way; None takes the member out."""
    result = copy.deepcopy(value)
    place = result
    for step in way[:-1]:
        place = place[step]
    if new is None:
        del place[way[-1]]
    else:
        place[way[-1]] = new
    return result


def fault_lines(folder: Path, document: Any) -> list[str]:
    """Return the head of each fault that a document has."""
    path = folder / "asyncapi.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    try:
        load(path)
    except DocumentError as error:
        return [fault.render().splitlines()[0] for fault in error.faults]
    return []


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each schema within a schema that lists members."""
    if schema.get("type") == "object":
        yield schema
    for value in schema.values():
        for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            if isinstance(item, dict):
                yield from objects(item)
        if isinstance(value, dict):
            yield from objects(value)


def test_the_schema_is_a_schema() -> None:
    """The file is valid JSON Schema 2020-12, and lies in the package as its templates do."""
    schema = schema_of_streams()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(schema)
    assert (files("codegen") / "x-stream.schema.json").is_file()


def test_every_member_is_described() -> None:
    """Each member of `x-stream` has a description in its schema, and stands in the page that defines it."""
    page = (ROOT / "docs" / "x-stream.md").read_text()
    for name, member in schema_of_streams()["properties"].items():
        assert len(member["description"]) > 30, name
        assert f"| `{name}` |" in page, name


def test_the_schema_and_the_table_of_structures_agree() -> None:
    """What names members with a hint and what has the last word on them know the same members."""
    schema = schema_of_streams()
    table = {
        (frozenset(shape.members), frozenset(shape.required)) for name, shape in SHAPES.items() if "stream" in name
    }
    listed = {(frozenset(item["properties"]), frozenset(item["required"])) for item in objects(schema)}
    assert table == listed


def test_the_good_cases_use_every_member() -> None:
    """No member of the schema, at any depth, goes untried by the golden cases."""
    schema = schema_of_streams()

    def known(item: dict[str, Any], way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        while "$ref" in item:
            item = schema["$defs"][item["$ref"].rsplit("/", 1)[1]]
        for branch in item.get("anyOf", []):
            yield from known(branch, way)
        if "items" in item:
            yield from known(item["items"], way)
        for name, member in item.get("properties", {}).items():
            yield (*way, name)
            yield from known(member, (*way, name))

    used = {path for case in GOOD for value in streams_in(case).values() for path in paths(value)}
    # A key anywhere may be a name; that one is, and the others are read by the same code.
    wanted = {path for path in known(schema) if path[-1] != "additional" or len(path) == 2}
    assert wanted <= used, sorted(wanted - used)


@pytest.mark.parametrize(("case", "way", "value"), EVERY)
def test_the_schema_alone_accepts_the_good_and_refuses_the_broken(case: str, way: Way, value: Any) -> None:
    """Without our rules: each good stream fits; one of the other form's members, or no required one, does not."""
    validator = jsonschema_rs.Draft202012Validator(schema_of_streams())
    assert validator.is_valid(value), (case, way)
    for name in ("key", "seq", "ready", "subscribe", "ack"):
        if name in value:
            assert not validator.is_valid(set_at(value, (name,), None)), name
    for name in ("ready", "subscribe", "ack", "unsubscribe"):
        if name not in value and ("ready" in value or name == "ready"):
            assert not validator.is_valid(set_at(value, (name,), "other")), name
    for member, _ in leaves(value):
        assert not validator.is_valid(set_at(value, member, 5)), member
    if "resume" in value:
        assert not validator.is_valid(set_at(value, ("epoch",), None))
        assert not validator.is_valid(set_at(value, ("resume", "epoch"), None))


@pytest.mark.parametrize(("case", "way", "value"), EVERY)
def test_nothing_is_taken_on_trust(tmp_path: Path, case: str, way: Way, value: Any) -> None:
    """Each name and each pointer of a good stream, misspelt, is a fault that shows what was written."""
    document = yaml.safe_load(document_of(case).read_text())
    assert fault_lines(tmp_path, document) == []
    for member, text in leaves(value):
        wrong = f"{text}Wrong" if text else "/wrong"
        lines = fault_lines(tmp_path, set_at(document, (*way, *member), wrong))
        assert any(repr(wrong) in line for line in lines), (member, wrong, lines)


@pytest.mark.parametrize(("case", "way", "value"), EVERY)
def test_what_is_missing_is_told(tmp_path: Path, case: str, way: Way, value: Any) -> None:
    """A stream without a member that it needs is refused, and one without any other is not."""
    document = yaml.safe_load(document_of(case).read_text())
    needed = {"key", "seq", "ready", "subscribe", "ack"}
    needed |= {"epoch"} if any(isinstance(item, dict) and "epoch" in item for item in value.values()) else set()
    needed |= {"reset"} if way[-1] == "versions" else set()  # it would be a frame of the stream without a key
    for name in value:
        lines = fault_lines(tmp_path, set_at(document, (*way, name), None))
        assert bool(lines) == (name in needed), (name, lines)


ODD: tuple[Any, ...] = (None, 5, [], {}, "", {"$ref": "#/nowhere"}, {"message": 1})


@pytest.mark.parametrize(("case", "way", "value"), EVERY)
def test_odd_values_bring_faults_and_nothing_else(tmp_path: Path, case: str, way: Way, value: Any) -> None:
    """Whatever stands in a stream, or stands there twice: it is refused with places, never by a traceback."""
    document = yaml.safe_load(document_of(case).read_text())
    for odd in ODD:
        broken = copy.deepcopy(document)
        place = broken
        for step in way[:-1]:
            place = place[step]
        place[way[-1]] = odd
        assert fault_lines(tmp_path, broken), odd
        for name in value:
            place[way[-1]] = {**value, name: odd}
            assert fault_lines(tmp_path, broken), (name, odd)


def test_a_stream_is_generated_for_both_sides(tmp_path: Path) -> None:
    """Client and server get the same streams; a document without one gets no module."""
    for case in GOOD:
        server = generate(load(document_of(case)))["streams.py"]
        assert generate(load(document_of(case), perspective="client"), perspective="client")["streams.py"] == server
    assert "streams.py" not in generate(load(document_of("two_channels")))


def test_streams_without_generating() -> None:
    """A tool gets what the document says as values, without a file."""
    subscribed, watched = Builder(load(document_of("stream_by_request")), "server").build().streams
    assert subscribed.subscribe is not None
    assert subscribed.subscribe.operation == "subscribe"
    assert [frame.id for frame in subscribed.frames] == ["update", "snapshot", "failed"]
    assert [frame.id for frame in subscribed.frames if frame.prev] == ["update"]
    assert watched.ack is not None
    assert watched.ack.seq == ("result", "at")
    assert watched.ack.key[0].way == ("result", "rule")


def test_values_are_read_from_frames(load_module: Load) -> None:
    """Generated pointers take key and position out of frames as they stand on the wire."""
    streams = load_module("stream_by_request", "streams")
    first, second = streams.streams_of("feed")
    update = next(frame for frame in first.frames if frame.message == "update")
    frame = {"type": "update", "payload": {"symbol": "A", "every/ms": 5, "final": True, "seq": 7, "prev": 4}}
    assert frame[update.tag[0]] == update.tag[1]
    assert streams.read_key(frame, update.key) == ("A", 5)
    assert (streams.read(frame, update.seq), streams.read(frame, update.prev)) == (7, 4)
    assert streams.read(frame, update.epoch) is None
    assert streams.read_key({"type": "update", "payload": []}, update.key) == (None, None)
    assert streams.read({}, update.seq) is None
    assert update.model.model_validate(frame).payload.seq == 7
    gone = {"type": "lost", "of": None, "in": "x", "first": 3, "last": 9}
    assert streams.read_key(gone, second.gap.frame.key) == (None,)
    assert (streams.read(gone, second.gap.first), streams.read(gone, second.gap.last)) == (3, 9)
    assert streams.read(gone, second.gap.frame.epoch) == "x"
    assert streams.streams_of("nowhere") == ()


def test_a_name_is_a_key(load_module: Load) -> None:
    """The name of the only member that the schema doesn't list is the key; none and two are no key."""
    streams = load_module("stream_by_address", "streams")
    (stream,) = streams.streams_of("balances")
    (balances,) = stream.frames
    frame: dict[str, Any] = {"type": "balances", "seq": 3, "prev": 1, "BTC": {"total": 1}}
    assert streams.read_key(frame, balances.key) == ("BTC",)
    assert streams.read_key({**frame, "ETH": {"total": 1}}, balances.key) == (None,)
    assert streams.read_key({"type": "balances", "seq": 3, "prev": 1}, balances.key) == (None,)
    assert streams.read_key([], balances.key) == (None,)


def test_the_page_shows_streams_that_fit() -> None:
    """Both examples of the page fit the schema, one of each form."""
    validator = jsonschema_rs.Draft202012Validator(schema_of_streams())
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "x-stream.md").read_text(), re.DOTALL)
    shown = [
        value["x-stream"]
        for block in blocks
        for section in yaml.safe_load(block).values()
        for value in section.values()
    ]
    assert [sorted({"ready", "subscribe"} & set(value)) for value in shown] == [["subscribe"], ["ready"]]
    for value in shown:
        validator.validate(value)


def test_the_schema_ships() -> None:
    """The wheel has the schema beside the code that reads it, as it has the templates."""
    builders = pytest.importorskip("hatchling.builders.wheel", reason="the builder is in an environment of its own")
    builder = builders.WheelBuilder(str(ROOT))
    shipped = {file.distribution_path for file in builder.recurse_included_files()}
    assert {"codegen/x-stream.schema.json", "codegen/templates/streams.py.jinja"} <= shipped


QUERIES: list[tuple[str, tuple[int, str | None, int | None] | str]] = [
    ("", (0, None, None)),
    ("replay=1000&epoch=a%20b&seq=0", (1000, "a b", 0)),
    ("replay=0&other=1", (0, None, None)),
    ("replay=1001", "replay must be an integer from 0 to 1000."),
    ("replay=-1", "replay must be an integer from 0 to 1000."),
    ("replay=", "replay must be an integer from 0 to 1000."),
    ("replay=1&replay=2", "replay must be sent once."),
    ("epoch=", "epoch must be a string of 1 to 64 characters."),
    (f"epoch={'a' * 65}", "epoch must be a string of 1 to 64 characters."),
    ("seq=1.0", "seq must be an integer of at least 0."),
]


@pytest.mark.parametrize(("query", "wanted"), QUERIES)
def test_a_channel_has_parameters_and_a_query(load_module: Load, query: str, wanted: object) -> None:
    """Beside an address with parameters, a query has bounds, defaults and members that may be absent."""
    channels = load_module("query_and_parameters", "channels")
    parameters = channels.parse_trades(b"/trades/sim/BTC/USDT")
    assert (parameters.exchange, parameters.symbol) == ("sim", "BTC/USDT")
    scope = {"query_string": query.encode()}
    if isinstance(wanted, str):
        with pytest.raises(
            load_module("query_and_parameters", "addresses").ParameterError, match=f"^{re.escape(wanted)}$"
        ):
            channels.read_trades_query(scope)
        return
    found = channels.read_trades_query(scope)
    assert (found.replay, found.epoch, found.seq) == wanted


def test_the_bundle_keeps_streams_of_other_files() -> None:
    """What a stream refers to in another file moves into the bundle, so that tools find it there."""
    files_ = generate(load(document_of("stream_in_files")))
    document = json.loads(files_["asyncapi.json"])
    assert document["channels"]["tickers"]["x-stream"] == {"$ref": "#/components/x-streams/stream"}
    assert document["components"]["x-streams"]["reset"] == {"message": "ready", "seq": "/seq"}
