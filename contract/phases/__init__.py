"""Phases: what each of them sends, by its name. Each is a coroutine that is given the run."""

from collections.abc import Awaitable, Callable, Mapping

from contract.engine import Run
from contract.model import PhaseName
from contract.phases.handshake import handshake
from contract.phases.limits import limits
from contract.phases.stateful import stateful
from contract.phases.stateless import boundaries, examples, invalid, valid

WORK: Mapping[PhaseName, Callable[[Run], Awaitable[None]]] = {
    "examples": examples,
    "boundaries": boundaries,
    "valid": valid,
    "invalid": invalid,
    "stateful": stateful,
    "handshake": handshake,
    "limits": limits,
}
