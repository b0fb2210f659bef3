# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Limits: the numbers that the document publishes. It doesn't know who keeps to them."""

from typing import Final

FRAME_BYTES: Final = 100
PER_SECOND: Final = 5
