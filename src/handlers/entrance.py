"""Entrance: what a client that was let in gets, by its address. It never sees a connection or a token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from generated.channels import Parameters, Query
from generated.refusals import Refusal
from handlers.auth import Principal
from handlers.cache import CacheFeed
from handlers.errors import ENVELOPE, FLAT, ErrorFrames
from streaming.session import Session


@dataclass(frozen=True, slots=True)
class Entrance:
    """A place for one client: the form of its errors, what happens first once it is accepted, and who may keep it."""

    errors: ErrorFrames
    begin: Callable[[Session], None]
    covers: Callable[[Principal], bool]


def wait_for_requests(session: Session) -> None:
    """Do nothing: the bars socket is silent until it is asked."""


def is_for_anybody(principal: Principal) -> bool:
    """Return True."""
    return True


class Entrances:
    """Knows what every address of the document opens."""

    def __init__(self, cache: CacheFeed) -> None:
        """Open the cache addresses on this feed; the one without parameters is the bars socket."""
        self._cache = cache

    def permit(self, parameters: Parameters | None, principal: Principal | None) -> Refusal | None:
        """Return why the principal may not see what an address names, None where it may."""
        return None if parameters is None else self._cache.permit(parameters, principal)

    def find(
        self,
        parameters: Parameters | None,
        query: Query | None,
        principal: Principal | None,
        *,
        is_plain: bool,
    ) -> Entrance | Refusal:
        """Return the place at an address, or why there is none for this client.

        `is_plain`: it did not offer our subprotocol, and is sent no frame that only clients of that one know.
        """
        if parameters is None:
            return Entrance(ENVELOPE, wait_for_requests, is_for_anybody)
        view = self._cache.find(parameters, query, principal)
        if isinstance(view, Refusal):
            return view
        return Entrance(FLAT, partial(self._cache.open, view, is_plain=is_plain), view.is_covered_by)
