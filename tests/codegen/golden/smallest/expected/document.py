# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Document: the document itself, in one piece. It doesn't interpret it."""

from importlib.resources import files
from typing import Final

_PACKAGE: Final = __name__.rpartition(".")[0]


def document_json() -> bytes:
    """Return the document as JSON, UTF-8."""
    return files(_PACKAGE).joinpath("asyncapi.json").read_bytes()


def document_yaml() -> bytes:
    """Return the document as YAML, UTF-8."""
    return files(_PACKAGE).joinpath("asyncapi.yaml").read_bytes()
