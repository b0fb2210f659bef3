"""Generate: a document into `{path: source}`. It writes nothing, and the same document always gives the same bytes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from codegen.build import Builder
from codegen.document import Document
from codegen.faults import DocumentError, Fault, Faults
from codegen.format import format_sources
from codegen.lift import lift
from codegen.normal import normalise
from codegen.reading import Perspective
from codegen.render import render
from codegen.rules import Rules, check_version
from codegen.structure import Sound, Structure

Target: TypeAlias = Literal["server", "python-client", "typescript-client"]
"""What can be generated from one document."""


def load(path: Path, *, perspective: Perspective = "server", lenient: bool = False) -> Document:
    """Read a document and check it. Raises DocumentError with every fault that it has.

    Whatever version it is of, what comes back reads as AsyncAPI 3. `lenient` makes faults that can be forgiven
    warnings; `document.faults.warnings` are all there are.
    """
    faults = Faults(lenient=lenient)
    document = Document(path, faults)
    try:
        _read(document, perspective)
    except RecursionError:
        text = "The document's references lead too deep for this generator."
        faults.add(document.main.root.mark, "syntax", text)
    faults.raise_if_any()
    return document


def _read(document: Document, perspective: Perspective) -> None:
    Rules(document, understand(document), perspective).check()


def understand(document: Document) -> Sound:
    """Check a document's structure, and make it read as AsyncAPI 3. Faults are noted; returns what is sound."""
    check_version(document)
    sound = Structure(document).check()
    document.shapes = dict(sound)
    if isinstance(document.root.value, dict):
        second = document.root.text("asyncapi").startswith("2.")
        if second:
            lift(document, sound)
        normalise(document, sound, second=second)
    if document.is_replaced:
        # Every fault is told by now, and where the document is read otherwise than it is written it has no others.
        sound = Structure(document, Faults()).check()
    return sound


def _server(document: Document, perspective: Perspective) -> dict[str, str]:
    return render(Builder(document, perspective).build())


def _python_client(document: Document, perspective: Perspective) -> dict[str, str]:
    from codegen import python_client  # a run of the command seldom needs every target

    return python_client.sources(document, perspective)


def _typescript_client(document: Document, perspective: Perspective) -> dict[str, str]:
    from codegen import typescript_client

    return typescript_client.sources(document, perspective)


_TARGETS: Mapping[Target, Callable[[Document, Perspective], dict[str, str]]] = {
    "server": _server,
    "python-client": _python_client,
    "typescript-client": _typescript_client,
}


def generate(document: Document, *, perspective: Perspective = "server", target: Target = "server") -> dict[str, str]:
    """Return every file of a target's folder, by its path within it. The document is one that `load` returned.

    Raises DocumentError where its schemas are nested deeper than Python's stack.
    """
    try:
        return format_sources(_TARGETS[target](document, perspective))
    except RecursionError:
        text = "The document's schemas are nested too deep for this generator. Name the inner ones under components."
        raise DocumentError([Fault(document.main.root.mark, "syntax", text)]) from None
