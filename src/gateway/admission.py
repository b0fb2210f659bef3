"""Admission: how many connections there may be, of a user, of an address and in all. It never sees a socket."""

from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from generated.refusals import Refusal

CODE = "too_many_connections"
IPV6_PREFIX_BITS = 64
"""What one subscriber of a network has to itself: whoever has one address there has all of them."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The most connections: in all, of one user, and without a token of one address."""

    total: int
    user: int
    address: int


class _Holder:
    """A user or an address, as long as it has a connection."""

    __slots__ = ("key", "places")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.places = 0


class Place:
    """One connection's place, from before it is accepted until it is over."""

    __slots__ = ("_admission", "_holder")

    def __init__(self, admission: "Admission", holder: _Holder) -> None:
        """Made by `Admission.take`."""
        self._admission = admission
        self._holder: _Holder | None = holder

    def free(self) -> None:
        """Give the place back; harmless when it already is."""
        holder, self._holder = self._holder, None
        if holder is not None:
            self._admission.count_out(holder)


class Admission:
    """Every place that is taken."""

    def __init__(self, limits: ConnectionLimits) -> None:
        """Start with none."""
        self._limits = limits
        self._holders: dict[Hashable, _Holder] = {}
        self.taken = 0

    def __len__(self) -> int:
        """Return how many users and addresses have a connection."""
        return len(self._holders)

    def take(self, owner: tuple[str, str] | None, host: str | None) -> Place | Refusal:
        """Take a place for the owner of a token or (None) for whoever comes from `host`; or say why there is none.

        The place is to be freed once the connection is over, however it ends, and also where it never came about.
        """
        limits = self._limits
        key: Hashable = ("address", network_of(host)) if owner is None else ("user", owner)
        holder = self._holders.get(key)
        held = 0 if holder is None else holder.places
        if owner is not None and held >= limits.user:
            text = f"This user has {held} connections; more it may not have. Close one, or wait until one has ended."
            return Refusal(429, CODE, text)
        if owner is None and held >= limits.address:
            text = (
                f"This address has {held} connections without a token; more it may not have. Close one, or use a token."
            )
            return Refusal(429, CODE, text)
        if self.taken >= limits.total:
            return Refusal(429, CODE, "The server has as many connections as it may. Connect again in a moment.")
        if holder is None:
            holder = self._holders[key] = _Holder(key)
        holder.places += 1
        self.taken += 1
        return Place(self, holder)

    def count_out(self, holder: _Holder) -> None:
        """Take that one of the holder's connections is over; called by its place, once."""
        self.taken -= 1
        holder.places -= 1
        if not holder.places:
            del self._holders[holder.key]


def network_of(host: str | None) -> str:
    """Return what counts as one address: an IPv4 address, the first 64 bits of an IPv6 address, else the text itself.

    An IPv4 address that is written as an IPv6 one is the same.
    """
    if host is None:
        return ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> IPV6_PREFIX_BITS << IPV6_PREFIX_BITS)}/{IPV6_PREFIX_BITS}"
    return str(address)
