# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Messages: frames into models and models into frames, by channel. It knows no socket and no handler."""

from typing import Literal

from .wire import DecodeError

__all__ = ["DecodeError", "Delivery"]

Delivery = Literal["latest", "lossless"]
"""How a message is delivered: `latest` may be replaced by a newer one until it is sent, `lossless` is never skipped."""
