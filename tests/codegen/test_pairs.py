"""The promise: for each document, the generated server and each generated client understand each other, both ways."""

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from codegen import ir, python_client, typescript_client
from codegen.build import Builder
from codegen.document import Document
from codegen.faults import DocumentError
from codegen.generate import load
from codegen.reading import Perspective
from codegen.render import render
from tests.codegen.pairing import NodeLink, Pair, PythonLink, Talk
from tests.codegen.serving import Live, write_package
from tests.codegen.support import document_of, names, perspective_of
from tests.support.node import Driver, driving, tsc

SCRIPT = Path(__file__).with_name("pairs.mjs")
FOREIGN = Path(os.environ.get("TAPECAST_FOREIGN_DOCS", ""))


_CLIENTS = ("clients", "typescript")
_OWN = "it changes what the client holds, so that what is pushed after it would count as missed"
_SHAPE = "nothing in the document tells the two apart in this frame, and either is right"
LEFT: Mapping[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("stream_by_request", "Lost is a stream's own frame"): (_OWN, _CLIENTS),
    ("stream_by_request", "Reset is a stream's own frame"): (_OWN, _CLIENTS),
    ("stream_by_request", "Restarted is a stream's own frame"): (_OWN, _CLIENTS),
    ("same_tag", "B is A, too"): (_SHAPE, _CLIENTS),  # as the server takes it
    # As the client takes it: the class of a Python value says so, a value in TypeScript has none.
    ("forms", "Thing is Nothing, too"): (_SHAPE, ("clients",)),
    ("nothing_demanded", "Price is Heartbeat, too"): (_SHAPE, ("clients",)),
}
"""By document and message: why it is not judged, and with which clients. Nothing else may be left out."""
_KINDS = re.compile(r"\w+ is (a stream's own frame|\w+, too)")
"""What may be left out of other people's documents, whose messages are not listed here."""


@dataclass(frozen=True)
class Subject:
    """A document. `golden`: its server is one of the packages that all tests share."""

    id: str
    path: Path
    perspective: Perspective
    golden: bool

    @property
    def package(self) -> str:
        """Return the name of its packages."""
        return "".join(letter if letter.isalnum() else "_" for letter in self.id)


def subjects() -> list[Subject]:
    """Return the golden documents, and other people's from either side, those that are refused left out."""
    found = [Subject(name, document_of(name), perspective_of(name), True) for name in names()[0]]
    if "TAPECAST_FOREIGN_DOCS" in os.environ:
        for path in sorted(FOREIGN.rglob("*")):
            if path.suffix not in (".yaml", ".yml", ".json") or not path.is_file():
                continue
            if "asyncapi" not in path.read_text(errors="replace")[:2000]:
                continue
            perspectives: tuple[Perspective, ...] = ("server", "client")
            found += [
                Subject(f"{side}-{path.relative_to(FOREIGN).as_posix()}", path, side, False) for side in perspectives
            ]
    return found


@dataclass
class Workshop:
    """What is generated, and what it runs on."""

    root: Path
    live: Live
    runner: asyncio.Runner
    documents: dict[str, Document] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    faults: dict[tuple[str, str], str] = field(default_factory=dict)
    """By client and document: why there is none."""
    modules: dict[str, str] = field(default_factory=dict)
    driver: Driver | None = None

    def generate(self, subject: Subject) -> None:
        """Write a document's clients, and its server where nobody else does. Formatting is left out: it costs most."""
        try:
            document = load(subject.path, perspective=subject.perspective)
        except DocumentError as error:
            self.refused[subject.id] = str(error.faults[0])
            return
        self.documents[subject.id] = document
        if not subject.golden:
            write_package(
                self.root / "servers" / subject.package, render(Builder(document, subject.perspective).build())
            )
        for folder, target in (("clients", python_client), ("typescript", typescript_client)):
            try:
                files = target.sources(document, subject.perspective)
            except Exception as error:
                self.faults[folder, subject.id] = f"{target.__name__} raises {error!r}"
                continue
            _write(self.root / folder / subject.package, files)
            if target is python_client:
                self.modules[subject.id] = next(name for name in files if name.endswith("/client.py")).split("/")[0]

    def compile(self, found: list[Subject]) -> Path:
        """Compile every TypeScript client at once. What the compiler says is noted by document."""
        folder, into = self.root / "typescript", self.root / "javascript"
        folder.mkdir(exist_ok=True)
        sample = json.loads((typescript_settings()).read_text())
        options = {**sample["compilerOptions"], "rootDir": ".", "outDir": str(into), "declaration": False}
        (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*/src"]}))
        into.mkdir()
        (into / "package.json").write_text('{"type": "module"}\n')
        command = [*tsc(), "-p", str(folder), "--pretty", "false"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        for subject in found:
            said = [line for line in done.stdout.splitlines() if line.startswith(f"{subject.package}/")]
            if said:
                self.faults["typescript", subject.id] = "tsc: " + "\n".join(said)
        return into


def typescript_settings() -> Path:
    """Return the compiler's settings that each client is generated with."""
    return Path(__file__).parents[2] / "clients" / "typescript" / "tsconfig.json"


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    (folder / "__init__.py").write_text("")


@pytest.fixture(scope="module")
def workshop(
    packages: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Workshop]:
    """Generate and compile what the tests that are selected need, and run one server and one Node for all of it."""
    root = tmp_path_factory.mktemp("pairs")
    for name in ("servers", "clients"):
        (root / name).mkdir()
        (root / name / "__init__.py").write_text("")
    wanted: dict[str, Subject] = {}
    for item in request.session.items:
        callspec: Any = getattr(item, "callspec", None)
        subject = callspec.params.get("subject") if callspec is not None else None
        if isinstance(subject, Subject):
            wanted[subject.id] = subject
    sys.path[:0] = [str(root), str(packages)]
    with asyncio.Runner() as runner, Live().running() as live:
        made = Workshop(root, live, runner)
        for subject in wanted.values():
            made.generate(subject)
        node = driving(made.compile(list(wanted.values())), SCRIPT)
        made.driver = runner.run(node.__aenter__())
        yield made
        runner.run(node.__aexit__(None, None, None))
    sys.path.remove(str(root))
    sys.path.remove(str(packages))
    for name in [name for name in sys.modules if name.split(".")[0] in ("servers", "clients")]:
        del sys.modules[name]


def talk(workshop: Workshop, subject: Subject, client: str) -> Talk:
    """Have a document's server and client talk. Returns what was said."""
    if subject.id in workshop.refused:
        pytest.skip(workshop.refused[subject.id])
    fault = workshop.faults.get((client, subject.id))
    assert fault is None, fault
    package = f"{'cases' if subject.golden else 'servers'}.{subject.package}"
    pair = Pair(workshop.documents[subject.id], subject.perspective, package)

    def open_python(url: str, pair: Pair, channel: ir.Channel) -> Any:
        name = f"clients.{subject.package}.{workshop.modules[subject.id]}"
        return PythonLink(url, pair, channel, importlib.import_module(name))

    def open_node(url: str, pair: Pair, channel: ir.Channel) -> Any:
        assert workshop.driver is not None
        return NodeLink(workshop.driver, subject.package, url, pair, channel)

    found = Talk(workshop.live, pair, open_python if client == "clients" else open_node)
    workshop.runner.run(found.all())
    return found


def judge(subject: Subject, client: str, found: Talk) -> None:
    """Hold what was left out against what may be."""
    if not subject.golden:
        assert all(_KINDS.fullmatch(text) for text in found.left), found.left
        return
    allowed = {text for (id_, text), (_, clients) in LEFT.items() if id_ == subject.id and client in clients}
    assert found.left == allowed


def test_what_is_left_out_is_of_documents_that_there_are() -> None:
    """No line of the list is about a document that is gone."""
    assert {id_ for id_, _ in LEFT} <= set(names()[0])


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.id)
def test_the_python_client_and_the_server_understand_each_other(subject: Subject, workshop: Workshop) -> None:
    """Each message that one side of a document may send reaches the other side's code, equal."""
    judge(subject, "clients", talk(workshop, subject, "clients"))


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.id)
def test_the_typescript_client_and_the_server_understand_each_other(subject: Subject, workshop: Workshop) -> None:
    """Each message that one side of a document may send reaches the other side's code, equal."""
    judge(subject, "typescript", talk(workshop, subject, "typescript"))
