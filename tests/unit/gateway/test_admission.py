"""Admission: who gets a place, who does not, and that each place is given back once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission import Admission, ConnectionLimits, Place, network_of
from generated.refusals import Refusal

ANN, BOB = ("ann", "1"), ("bob", "2")


def admission(*, total: int = 100, user: int = 2, address: int = 3) -> Admission:
    """Return one with no place taken."""
    return Admission(ConnectionLimits(total=total, user=user, address=address))


def taken(where: Admission, owner: tuple[str, str] | None = None, host: str | None = "1.2.3.4") -> Place:
    """Take a place that there is."""
    place = where.take(owner, host)
    assert isinstance(place, Place)
    return place


def refused(where: Admission, owner: tuple[str, str] | None = None, host: str | None = "1.2.3.4") -> str:
    """Ask for a place that there is not; returns why."""
    refusal = where.take(owner, host)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (429, "too_many_connections")
    return refusal.message


def test_a_user_has_so_many_connections_wherever_they_come_from() -> None:
    """Another user's, and those without a token from the same address, are none of theirs."""
    it = admission()
    taken(it, ANN, "1.1.1.1")
    taken(it, ANN, "2.2.2.2")
    assert refused(it, ANN, "3.3.3.3").startswith("This user has 2 connections")
    taken(it, BOB, "1.1.1.1")
    taken(it, None, "1.1.1.1")
    taken(it, ("ann", "2"), "1.1.1.1")


def test_an_address_has_so_many_connections_without_a_token() -> None:
    """Those with one are their user's."""
    it = admission()
    for owner in (None, None, ANN, ANN, None):
        taken(it, owner)
    assert "without a token" in refused(it)
    taken(it, BOB)
    taken(it, None, "1.2.3.5")


def test_the_server_has_so_many_connections() -> None:
    """Whoever has them."""
    it = admission(total=3)
    place = taken(it, ANN)
    taken(it, BOB)
    taken(it, None)
    assert "The server" in refused(it, ("carl", "3"))
    place.free()
    taken(it, ("carl", "3"))


def test_a_place_is_given_back_once() -> None:
    """However often it is freed."""
    it = admission(user=1)
    place = taken(it, ANN)
    for _ in range(3):
        place.free()
    assert (it.taken, len(it)) == (0, 0)
    taken(it, ANN)
    place.free()
    refused(it, ANN)


def test_a_refusal_takes_nothing() -> None:
    """Neither of the user's nor of the server's."""
    it = admission(total=2, user=1)
    place = taken(it, ANN)
    for _ in range(5):
        refused(it, ANN)
    assert (it.taken, len(it)) == (1, 1)
    taken(it, BOB)
    for _ in range(5):
        refused(it, None)
    place.free()
    assert (it.taken, len(it)) == (1, 1)


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unix:", "unix:"),
        ("not an address", "not an address"),
        (None, ""),
    ],
)
def test_what_counts_as_one_address(host: str | None, counted: str) -> None:
    """IPv6 by its first 64 bits, whatever way IPv4 is written."""
    assert network_of(host) == counted


@given(st.lists(st.tuples(st.sampled_from([None, ANN, BOB]), st.sampled_from("abc"), st.integers(0, 9)), max_size=60))
def test_places_are_never_more_than_the_bounds_and_all_come_back(
    steps: list[tuple[tuple[str, str] | None, str, int]],
) -> None:
    """Held against a list of who holds what."""
    it = admission(total=6, user=2, address=3)
    held: list[tuple[tuple[str, str] | str, Place]] = []
    for owner, host, which in steps:
        if held and which > 5:
            held.pop(which % len(held))[1].free()
            continue
        who = owner or host
        count = sum(each == who for each, _ in held)
        place = it.take(owner, host)
        assert isinstance(place, Place) == (len(held) < 6 and count < (2 if owner else 3))
        if isinstance(place, Place):
            held.append((who, place))
        assert it.taken == len(held)
        assert len(it) == len({each for each, _ in held})
    for _, place in held:
        place.free()
    assert (it.taken, len(it)) == (0, 0)
