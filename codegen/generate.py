"""Generate: a document into `{path: source}`. It writes nothing, and the same document always gives the same bytes."""

from pathlib import Path

from codegen.build import Builder
from codegen.document import Document
from codegen.faults import Faults
from codegen.format import format_sources
from codegen.reading import Perspective
from codegen.render import render
from codegen.rules import Rules, check_version
from codegen.structure import Structure


def load(path: Path, *, perspective: Perspective = "server") -> Document:
    """Read a document and check it. Raises DocumentError with every fault that it has."""
    faults = Faults()
    document = Document(path, faults)
    check_version(document)
    sound = Structure(document).check()
    Rules(document, sound, perspective).check()
    faults.raise_if_any()
    return document


def generate(document: Document, *, perspective: Perspective = "server") -> dict[str, str]:
    """Return every file of the package, by its path within it. The document is one that `load` returned."""
    return format_sources(render(Builder(document, perspective).build()))
