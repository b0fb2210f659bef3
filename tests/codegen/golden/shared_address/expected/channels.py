# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Channels: the document's addresses. It knows no message and no socket."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of the document."""

    id: str
    address: str
    title: str
    summary: str


TRADES: Final = Channel(id="trades", address="/same", title="trades", summary="")

CHANNELS: Final[tuple[Channel, ...]] = (TRADES,)
