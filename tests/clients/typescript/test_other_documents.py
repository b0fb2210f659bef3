"""Clients of other documents: all of them compiled by one `tsc --strict`, and one of them spoken to."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from codegen.build import Builder
from codegen.generate import generate, load
from codegen.typescript_types import Types
from tests.codegen.support import document_of, names
from tests.support.fake_server import FakeServer
from tests.support.node import CLIENT, ROOT, DriverError, driving, node, tsc

HERE = Path(__file__).parent
DOCUMENTS = HERE / "documents"

_ANY = re.compile(r"[:<|&,(=] ?any\b(?!\??:)")

SHAPES: dict[str, dict[str, Any]] = {
    "Anything": {},
    "Never": {"not": {}},
    "Word": {"type": "string", "enum": ["a", "b*/", 'c"', "d", "e", "f", "g"]},
    "Mixed": {"enum": ["x", 1, True, None, {"a": 1}, [1]]},
    "Pair": {"type": "array", "items": [{"type": "string"}, {"type": ["integer", "null"]}], "minItems": 1},
    "Closed": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False, "minItems": 2},
    "Level": {"type": "array", "items": [{"type": "string"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
    "Nested": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/Nested"}}]},
    "Map": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Map"}},
    "Patterns": {"type": "object", "patternProperties": {"^x": {"type": "number"}}, "additionalProperties": False},
    "Beside": {
        "type": "object",
        "properties": {"type": {"type": "string"}, "at": {"type": "integer"}, "list": {"type": "array"}},
        "required": ["type"],
        "additionalProperties": {"$ref": "#/$defs/Both"},
    },
    "Left": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    "Right": {"type": "object", "properties": {"__proto__": {"type": "integer"}, "toString": {"type": "string"}}},
    "Both": {"allOf": [{"$ref": "#/$defs/Left"}, {"$ref": "#/$defs/Right"}]},
    "Either": {"oneOf": [{"$ref": "#/$defs/Left"}, {"type": "array", "items": {"$ref": "#/$defs/Left"}}]},
    "Conditional": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "if": {}, "then": {}},
    "Inline": {
        "type": "object",
        "properties": {
            "deep": {"type": "object", "properties": {"x | y": {"type": "null"}}, "description": "a { b | c"}
        },
        "required": ["deep", "unlisted"],
    },
    "Everything": {"type": ["object", "array", "string", "null"], "items": {"type": "boolean"}},
}
"""Shapes of schemas that documents may hold, normalised."""

VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "Anything": ([None, 1, [], {}], []),
    "Word": (["a", 'c"'], ["z", None, 1]),
    "Mixed": (["x", 1, True, None, {"a": 1}], []),
    "Pair": ([["a"], ["a", 1], ["a", None, "more"]], [[], [1], ["a", 1.5], "a"]),
    "Closed": ([[1, 2.5]], [[1], [1, 2, 3], [1, "2"]]),
    "Nested": (["a", ["a", ["b", []]]], [1, [1], {}]),
    "Map": ([{}, {"a": {"b": {}}}], [{"a": 1}, []]),
    "Beside": (
        [{"type": "x"}, {"type": "x", "at": 1, "BTC": {"a": "b"}}],
        [{"at": 1}, {"type": "x", "at": 1.5}, {"type": "x", "BTC": {"a": 1}}, {"type": "x", "BTC": 1}],
    ),
    "Both": ([{"a": "b"}, {"a": "b", "toString": "c"}], [{}, {"a": "b", "toString": 1}]),
    "Either": ([{"a": "b"}, [], [{"a": "b"}]], [{}, [{}], None]),
    "Inline": ([{"deep": {}, "unlisted": 1}, {"deep": {"x | y": None}, "unlisted": None}], [{"deep": {}}, {"deep": 1}]),
    "Everything": ([{}, [True], "x", None], [1, [1]]),
}
"""For a shape: values that have its structure, and values that don't."""


def lay(folder: Path, files: dict[str, str]) -> None:
    """Write a client's files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def cases() -> Iterable[tuple[str, Path, str]]:
    """Return the documents: ours, those beside this test, and every golden case."""
    yield "bars", ROOT / "asyncapi.yaml", "server"
    for path in sorted(DOCUMENTS.glob("*.yaml")):
        yield path.stem, path, "server"
    for case in names()[0]:
        if case != "client":  # it is about a perspective that has no other case
            yield f"golden_{case}", document_of(case), "server"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every client, generated into a folder of its own, and compiled together into `out`."""
    folder = tmp_path_factory.mktemp("clients")
    for name, path, perspective in cases():
        side: Any = perspective
        lay(folder / name, generate(load(path, perspective=side), perspective=side, target="typescript-client"))
    for path in DOCUMENTS.glob("*.check.ts"):
        shutil.copy(path, folder / path.name.split(".")[0] / "check.ts")
    types = Types(SHAPES, ["one", "two"], {})
    checks = (
        (folder / "chat" / "src" / "checks.ts").read_text().split("\n/** Tell whether a value has the structure")[0]
    )
    checks = checks.replace("./runtime", "../chat/src/runtime")
    lay(
        folder / "shapes",
        {"models.ts": types.declarations(), "checks.ts": checks + "\n" + "\n".join(types.checks(SHAPES))},
    )
    options = json.loads((CLIENT / "tsconfig.json").read_text())["compilerOptions"]
    options |= {"rootDir": ".", "outDir": "out"}
    settings = {"compilerOptions": options, "include": ["*/src", "*/check.ts", "shapes"]}
    (folder / "tsconfig.json").write_text(json.dumps(settings))
    (folder / "package.json").write_text('{"type": "module"}')
    done = subprocess.run([*tsc(), "-p", str(folder)], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def evaluate(folder: Path, program: str) -> Any:
    """Run a program among the compiled clients; returns the JSON that it prints."""
    done = subprocess.run(
        [str(node()), "--input-type=module", "-e", program],
        cwd=folder / "out",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_generated_compiles(workshop: Path) -> None:
    """Every document's client, and the programs of its users, pass `tsc --strict` with unchecked indexes and all."""
    assert (workshop / "out" / "bars" / "check.js").exists()


def test_no_public_type_is_any(workshop: Path) -> None:
    """In no declaration does `any` stand as a type."""
    for path in (workshop / "out").rglob("*.d.ts"):
        code = [line for line in path.read_text().splitlines() if not line.lstrip().startswith(("*", "/"))]
        assert [line for line in code if _ANY.search(line)] == [], path


def test_without_x_stream_there_is_no_code_for_it(workshop: Path) -> None:
    """A document that says nothing of streams gets a plain client."""
    modules = {path.stem for path in (workshop / "chat" / "src" / "runtime").iterdir()}
    assert modules == {"channel", "errors", "options", "queue", "values"}
    assert "positions" in {path.stem for path in (workshop / "bars" / "src" / "runtime").iterdir()}


def test_a_second_time_gives_the_same_bytes() -> None:
    """The same document gives the same files."""
    document = load(ROOT / "asyncapi.yaml")
    made = [generate(document, target="typescript-client") for _ in range(2)]
    assert made[0] == made[1]
    assert list(made[0]) == list(made[1])


def test_checks_tell_structures_apart(workshop: Path) -> None:
    """Each check takes what has the structure, and refuses what doesn't."""
    program = f"""
      import * as checks from "./shapes/checks.js";
      const values = JSON.parse({json.dumps(json.dumps(VALUES))});
      const told = Object.entries(values).map(([name, lists]) =>
        [name, lists.map((list) => list.map((value) => checks[`is${{name}}`](value)))]);
      console.log(JSON.stringify(Object.fromEntries(told)));
    """
    found = evaluate(workshop, program)
    for name, (good, bad) in VALUES.items():
        assert found[name] == [[True] * len(good), [False] * len(bad)], name


def test_every_example_passes_its_check(workshop: Path) -> None:
    """No check refuses what the document's own examples show."""
    document = load(ROOT / "asyncapi.yaml")
    package = Builder(document, "server", "client").build()
    components = document.root.get("components")
    messages = components.get("messages") if components is not None else None
    assert messages is not None
    models = {message.key: message.model for channel in package.channels for message in channel.incoming}
    examples = [
        (models[member.key], example.value["payload"])
        for member in messages.children()
        for example in member.under("examples")
        if member.key in models
    ]
    assert len(examples) > 10
    program = f"""
      import * as checks from "./bars/src/checks.js";
      const examples = JSON.parse({json.dumps(json.dumps(examples))});
      console.log(JSON.stringify(examples.filter(([model, value]) => !checks[`is${{model}}`](value))));
    """
    assert evaluate(workshop, program) == []


# ------------------------------------------------------------------------------------------------- by order alone


async def test_answers_without_ids_come_in_order(workshop: Path) -> None:
    """Each answer goes to the first request that it may answer, and what is pushed between them to `messages`."""

    async def act(connection: ServerConnection) -> None:
        for _ in range(3):
            await connection.recv()
        await connection.send(json.dumps({"kind": "heard", "by": "x", "text": "hi"}))
        await connection.send(json.dumps({"kind": "said", "number": 1, "text": "a"}))
        await connection.send(json.dumps({"kind": "people", "names": ["x"]}))
        await connection.send(json.dumps({"kind": "refused", "why": "because"}))
        assert json.loads(await connection.recv()) == {"kind": "leave"}
        await connection.close(4100)

    given = [{"room": "a/b"}, {"nick": "me"}]
    async with (
        serve(act, "127.0.0.1", 0) as server,
        driving(workshop / "out" / "chat" / "src", HERE / "driver.mjs") as it,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        await it.do("start", options={"url": f"ws://127.0.0.1:{port}"})
        await it.do("read", channel="room", given=given)
        asked = [
            it.send("call", channel="room", method=method, args=args, given=given)
            for method, args in (("say", [{"text": "a"}]), ("say", [{"text": "b"}]), ("who", []))
        ]
        said, refused, people = await asyncio.gather(*asked)
        assert (said["number"], refused["why"], people["names"]) == (1, "because", ["x"])
        assert await it.call("room", "leave", given=given) is None
        await it.until(lambda: bool(it.of("end")))
        assert [item["message"]["text"] for item in it.of("message")] == ["hi"]
        assert it.of("end")[0]["error"]["code"] == 4100
        assert "kicked" in it.of("end")[0]["error"]["message"]
        (socket,) = await it.do("sockets")
        assert socket["url"].endswith("/rooms/a%2Fb?nick=me")


async def test_a_late_answer_is_not_the_next_ones(workshop: Path) -> None:
    """Where answers have no ids, one that comes after its time is not given to the request behind it."""
    again = asyncio.Event()

    async def act(connection: ServerConnection) -> None:
        await connection.recv()
        await again.wait()
        await connection.recv()
        await connection.send(json.dumps({"kind": "people", "names": ["late"]}))
        await connection.send(json.dumps({"kind": "people", "names": ["right"]}))
        await connection.wait_closed()

    given = [{"room": "a"}, {"nick": "me"}]
    async with (
        serve(act, "127.0.0.1", 0) as server,
        driving(workshop / "out" / "chat" / "src", HERE / "driver.mjs") as it,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        await it.do("start", options={"url": f"ws://127.0.0.1:{port}"})
        await it.call("room", "open", given=given)
        with pytest.raises(DriverError, match="RequestTimeoutError"):
            await it.call("room", "who", given=given, timeoutMs=1)
        again.set()
        assert (await it.call("room", "who", given=given))["names"] == ["right"]


# ---------------------------------------------------------------------------------------------------- credentials

_OPEN = """
  import {{ CredentialsClient }} from "./golden_credentials/src/index.js";
  const open = async (channel, options) => {{
    const faults = [];
    const told = (event) => faults.push(...(event.type === "fault" ? [event.error.message] : []));
    const client = new CredentialsClient({{ url: "ws://127.0.0.1:{port}", onConnection: told, ...options }});
    await client[channel].open({{ timeoutMs: {wait} }}).catch((error) => faults.push(error.name));
    client.close();
    return faults;
  }};
"""


async def test_node_sends_credentials_in_headers(workshop: Path) -> None:
    """Its own WebSocket takes them: a name and a password, a token, and a token as a cookie."""
    fake = FakeServer([])
    async with fake.up():
        program = f"""{_OPEN.format(port=fake.port, wait=10_000)}
          const basic = {{ name: "größe", password: "pass:word" }};
          const cookie = {{ carriage: "cookie" }};
          const told = [await open("basic", {{ basic }}), await open("account", {{ basic, token: "t" }}),
            await open("cookie", {{ token: "t" }}), await open("cookie", {{ token: "a.b-c", ...cookie }}),
            await open("cookie", {{ token: "a;b", ...cookie, requestTimeoutMs: 50 }}).then((found) => found[0])];
          let refused = null;
          try {{ new CredentialsClient({{ url: "ws://x", basic: {{ name: "a:b", password: "x" }} }}); }}
          catch (error) {{ refused = error.message; }}
          console.log(JSON.stringify([told, refused]));
          process.exit();
        """
        told, refused = await asyncio.to_thread(evaluate, workshop, program)
    assert told == [[], [], [], [], "The token holds characters that no cookie can."]
    assert "colon" in refused
    sent = [(request.headers.get("Authorization"), request.headers.get("Cookie")) for request in fake.seen]
    assert sent == [*[("Basic Z3LDtsOfZTpwYXNzOndvcmQ=", None)] * 2, ("Bearer t", None), (None, "session=a.b-c")]


def test_a_browser_is_told_what_it_can_not_send(workshop: Path) -> None:
    """Credentials in a header or a cookie end in an error that says so, and nothing is sent."""
    program = f"""{_OPEN.format(port=1, wait=50)}
      const print = console.log.bind(console);
      const exit = process.exit.bind(process);
      delete globalThis.process;
      const told = [await open("basic", {{ basic: {{ name: "a", password: "b" }} }}),
        await open("cookie", {{ token: "t", carriage: "cookie" }}), await open("cookie", {{ token: "t" }})];
      print(JSON.stringify(told.map((found) => found[0])));
      exit();
    """
    found = evaluate(workshop, program)
    whats = ("a name and a password in a header", "the token in a cookie", "the token in a header")
    for what, text in zip(whats, found, strict=True):
        assert text.startswith(f"This server takes {what}, which a browser's WebSocket can't send."), text
