# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Refusals: why a handshake is refused. It doesn't know how a client is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client is not let in: the status of an HTTP answer, a code for programs, and a sentence for people."""

    status: int
    code: str
    message: str
