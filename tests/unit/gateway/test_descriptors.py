"""Descriptors: the process's bound is raised as far as it may be, and never lowered."""

import resource

import pytest

from gateway.descriptors import allow_descriptors

NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("bounds", "wanted", "had", "raised"),
    [
        ((1024, 4096), 2000, 2000, 2000),
        ((1024, 4096), 5000, 4096, 4096),
        ((1024, NONE), 5000, 5000, 5000),
        ((1024, 1024), 5000, 1024, None),
        ((6000, 8000), 5000, 5000, None),
        ((NONE, NONE), 5000, 5000, None),
    ],
)
def test_the_bound_is_raised_to_what_is_wanted(
    monkeypatch: pytest.MonkeyPatch, bounds: tuple[int, int], wanted: int, had: int, raised: int | None
) -> None:
    """Where that is allowed; what there is then is said, up to what was wanted."""
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: bounds)
    monkeypatch.setattr(resource, "setrlimit", lambda _, to: told.append(to))
    assert allow_descriptors(wanted) == had
    assert told == ([] if raised is None else [(raised, bounds[1])])
