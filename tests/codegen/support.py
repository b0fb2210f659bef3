"""Support: the golden cases, and what the generator gives for them. It judges nothing."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from codegen.faults import DocumentError
from codegen.generate import generate, load
from codegen.reading import Perspective

GOLDEN = Path(__file__).parent / "golden"
ERRORS = "errors.txt"

MODELS = ("models.py",)
DIALOGUE = ("messages.py", "operations.py")
SHOWN: Mapping[str, tuple[str, ...]] = {
    "answers": (*DIALOGUE, "router.py"),
    "both_ways": DIALOGUE,
    "by_structure": DIALOGUE,
    "client": DIALOGUE,
    "close_codes": ("errors.py",),
    "collisions": ("models.py", "messages.py"),
    "correlation": ("messages.py",),
    "correlation_in_header": ("messages.py",),
    "credentials": ("channels.py", "security.py"),
    "delivery": ("models.py", "messages.py"),
    "error_codes": ("errors.py", "models.py"),
    "forms": ("models.py", "messages.py"),
    "headers": ("channels.py", "addresses.py", "router.py"),
    "handshake": ("channels.py", "addresses.py", "security.py", "router.py"),
    "handshake_in_files": ("channels.py", "asyncapi.yaml"),
    "json": ("models.py", "asyncapi.yaml"),
    "limits": ("limits.py",),
    "long_text": ("models.py", "errors.py"),
    "members_beside_a_map": ("models.py", "messages.py"),
    "nested": ("models.py", "messages.py"),
    "no_channels": ("channels.py", "messages.py", "operations.py", "router.py"),
    "no_reply": ("operations.py", "router.py"),
    "odd_addresses": ("channels.py", "addresses.py", "router.py"),
    "odd_channels": ("channels.py", *DIALOGUE, "router.py"),
    "operation_text": ("operations.py", "channels.py"),
    "other_tag": ("models.py", "messages.py"),
    "parameters": ("channels.py", "refusals.py", "router.py"),
    "push_only": ("messages.py", "operations.py", "router.py"),
    "query": ("channels.py", "refusals.py", "router.py"),
    "query_and_parameters": ("channels.py",),
    "replies_elsewhere": (*DIALOGUE, "router.py"),
    "reply_or_none": ("operations.py", "router.py"),
    "request_and_reply": DIALOGUE,
    "same_tag": DIALOGUE,
    "scalar_payload": ("models.py", "messages.py"),
    "schemas": ("models.py", "constraints.py", "messages.py"),
    "security": ("channels.py", "refusals.py", "security.py", "router.py"),
    "several_files": ("models.py", "asyncapi.yaml", "asyncapi.json"),
    "several_messages": DIALOGUE,
    "several_replies": DIALOGUE,
    "several_ids": ("messages.py",),
    "shared_address": ("channels.py", "router.py"),
    "smallest": (
        *("__init__.py", "channels.py", "document.py", "messages.py", "models.py", "operations.py"),
        *("router.py", "wire.py", "asyncapi.json", "asyncapi.yaml", "py.typed"),
    ),
    "stream_by_address": ("streams.py",),
    "stream_by_request": ("streams.py",),
    "stream_in_files": ("streams.py", "asyncapi.yaml"),
    "strings": ("models.py", "messages.py"),
    "subprotocols": ("channels.py", "router.py"),
    "two_channels": ("channels.py", "models.py", "messages.py", "operations.py", "router.py"),
    "two_owners": DIALOGUE,
    "union_without_tag": DIALOGUE,
}
"""Which files a case is about; the others show their models."""


def document_of(case: str) -> Path:
    """Return the document of a case."""
    folder = GOLDEN / case
    return next(path for path in (folder / "asyncapi.yaml", folder / "asyncapi.json") if path.exists())


def names() -> tuple[list[str], list[str]]:
    """Return the cases that generate, and those that are refused."""
    every = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
    return [name for name in every if not name.startswith("bad_")], [name for name in every if name.startswith("bad_")]


def perspective_of(case: str) -> Perspective:
    """Return whose application the document of a case describes."""
    return "client" if case.startswith("client") else "server"


@cache
def outcome(case: str) -> Mapping[str, str]:
    """Return every file that a case gives; for a refused document `errors.txt` alone."""
    perspective = perspective_of(case)
    try:
        return generate(load(document_of(case), perspective=perspective), perspective=perspective)
    except DocumentError as error:
        return {ERRORS: f"{error}\n"}


def shown(case: str) -> Mapping[str, str]:
    """Return the files that a case keeps as expected."""
    files = outcome(case)
    wanted = SHOWN.get(case, MODELS) if ERRORS not in files else (ERRORS,)
    return {name: files[name] for name in wanted}
