"""The command `codegen diff OLD NEW`: arguments, files and exit codes. What a change means is decided elsewhere."""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from codegen.diff.compare import compare
from codegen.diff.contract import Contract
from codegen.diff.findings import Finding, count, render
from codegen.document import Document
from codegen.faults import DocumentError, Faults, Mark
from codegen.generate import understand
from codegen.reading import Perspective

COMPATIBLE, BREAKING, UNREADABLE = 0, 1, 2
"""Exit codes: no client breaks; one can; a document, or the command, can't be read."""

_FORGIVEN = frozenset({"unsupported", "unknown-member", "ref-siblings"})
"""Rules that say what a target can't generate, or what is only untidy: such documents can still be compared."""

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codegen diff",
        description="Tell what a change of an AsyncAPI document means to the clients that were made from the old one.",
        epilog="Exit code: 0 no client breaks, 1 one can, 2 a document can't be read.",
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="the document that clients were made from")
    parser.add_argument("new", type=Path, metavar="NEW", help="the document that the server goes by from now on")
    parser.add_argument(
        "--perspective",
        choices=("server", "client"),
        default="server",
        help="whose application the documents describe (default: server)",
    )
    parser.add_argument(
        "--format", choices=("text", "json", "github"), default="text", help="how findings are told (default: text)"
    )
    parser.add_argument(
        "--accept-unknown", action="store_true", help="what can't be decided is told, and doesn't count as breaking"
    )
    parser.add_argument(
        "--allow-major",
        action="store_true",
        help="breaking changes are allowed where info.version says so: the major is raised (below 1.0: the minor)",
    )
    return parser


def read(path: Path, perspective: Perspective) -> Contract:
    """Read a document for comparing. Raises DocumentError where its structure can't be understood.

    It needn't be one that any target can be generated from.
    """
    faults = Faults(lenient=True)
    document = Document(path, faults)
    try:
        understand(document)
    except RecursionError:
        text = "The document's references lead too deep to be compared."
        faults.add(document.main.root.mark, "syntax", text)
    fatal = [fault for fault in set(faults) - set(faults.warnings) if fault.rule not in _FORGIVEN]
    if fatal:
        raise DocumentError(fatal)
    return Contract(document, perspective)


def diff(old: Path, new: Path, *, perspective: Perspective = "server") -> tuple[Finding, ...]:
    """Return what changed between two documents, the worst first. Files are named from the working folder.

    Raises DocumentError where a document can't be read.
    """
    contracts = []
    for path in (old, new):
        try:
            contracts.append(read(path, perspective))
        except DocumentError as error:
            named = [replace(fault, mark=_named(fault.mark, path)) for fault in error.faults]
            raise DocumentError(named) from None
    found = compare(*contracts)
    return tuple(replace(item, mark=_named(item.mark, old if item.document == "old" else new)) for item in found)


def _named(mark: Mark, path: Path) -> Mark:
    """Return a mark whose file is named as the command names its document."""
    return replace(mark, file=(path.parent / mark.file).as_posix())


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code: 0 compatible, 1 breaking, 2 a document or the command can't be read."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else UNREADABLE
    try:
        findings = diff(options.old, options.new, perspective=options.perspective)
        allowed = options.allow_major and raised(_version(options.old), _version(options.new))
    except DocumentError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's answer
        return UNREADABLE
    unknown = 0 if options.accept_unknown else count(findings, "unknown")
    breaks = bool(count(findings, "breaking") + unknown) and not allowed
    print(render(findings, options.format, breaks=breaks, note=_note(findings, breaks, allowed)))  # noqa: T201 - the same
    return BREAKING if breaks else COMPATIBLE


def _version(path: Path) -> str:
    info = Document(path, Faults()).root.get("info")
    return info.text("version") if info is not None else ""


def raised(old: str, new: str) -> bool:
    """Tell whether a version may break what an older one promised: a higher major, or minor where both majors are 0."""
    before, after = (_VERSION.match(version) for version in (old, new))
    if before is None or after is None:
        return False
    ours, theirs = ((int(match[1]), int(match[2] or 0)) for match in (before, after))
    return theirs > ours if ours[0] == theirs[0] == 0 else theirs[0] > ours[0]


def _note(findings: tuple[Finding, ...], breaks: bool, allowed: bool) -> str:
    if not findings:
        return "Nothing changed that a client could notice."
    counts = [f"{count(findings, 'breaking')} breaking", f"{count(findings, 'compatible')} compatible"]
    unknown = count(findings, "unknown")
    if unknown:
        counts.insert(1, f"{unknown} undecided")
    told = f"{', '.join(counts)}."
    if allowed and len(findings) > count(findings, "compatible"):
        return f"{told} The version allows it."
    return f"{told} Clients of the old document can break." if breaks else f"{told} Clients of the old document go on."
