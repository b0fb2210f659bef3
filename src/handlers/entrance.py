"""Entrance: what a client that was let in gets, by its address. It never sees a connection or a token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from generated.channels import Parameters
from generated.refusals import Refusal
from handlers.auth import Principal
from handlers.cache import CacheFeed
from handlers.errors import ENVELOPE, FLAT, ErrorFrames
from streaming.session import Session


@dataclass(frozen=True, slots=True)
class Entrance:
    """A place for one client: the form of its errors, and what happens first once it is accepted."""

    errors: ErrorFrames
    begin: Callable[[Session], None]


def wait_for_requests(session: Session) -> None:
    """Do nothing: the bars socket is silent until it is asked."""


class Entrances:
    """Knows what every address of the document opens."""

    def __init__(self, cache: CacheFeed) -> None:
        """Open the cache addresses on this feed; the one without parameters is the bars socket."""
        self._cache = cache

    def find(self, parameters: Parameters | None, principal: Principal | None) -> Entrance | Refusal:
        """Return the place at an address, or why there is none for this client."""
        if parameters is None:
            return Entrance(ENVELOPE, wait_for_requests)
        view = self._cache.find(parameters, principal)
        return view if isinstance(view, Refusal) else Entrance(FLAT, partial(self._cache.open, view))
