"""The pool: what one answer tells is asked for in the next request, where it fits."""

from pathlib import Path
from random import Random

import pytest

from contract.model import Link
from contract.pool import Pool, enrich, leaves
from contract.spec import Message, Spec
from tests.contract.unit.kiosk import kiosk


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the kiosk's document."""
    return kiosk(tmp_path)


def message(spec: Spec, key: str) -> Message:
    """Return a message of the kiosk."""
    channel = spec.channel("kiosk")
    return next(item for item in (*channel.sent, *channel.received) if item.key == key)


def test_scalars_under_names_are_leaves() -> None:
    """Booleans, nulls and nameless values are none."""
    found = dict(leaves({"a": 1, "b": {"c": "x"}, "d": [{"e": 2.5}, None], "f": True, "g": None}))
    assert found == {("a",): 1, ("b", "c"): "x", ("d", 0, "e"): 2.5}
    assert list(leaves("bare")) == []


def test_names_are_the_same_however_they_are_written(spec: Spec) -> None:
    """`orderId`, `order_id` and `ORDER-ID` name one thing; an `id` within `order` does too."""
    pool = Pool()
    pool.learn(message(spec, "tick"), {"order": {"id": "o1"}})
    for name in ("orderId", "order_id", "ORDER-ID", "id"):
        assert [value for value, _ in pool.offers((name,))] == ["o1"], name
    assert not pool.offers(("price",))


def test_the_newest_stands_last_and_old_ones_go(spec: Spec) -> None:
    """Only so many are kept, each once."""
    pool = Pool()
    for number in (*range(100), 70):
        pool.learn(message(spec, "shelf"), {"left": number})
    offered = [value for value, _ in pool.offers(("left",))]
    assert (offered[-1], len(offered), len(set(offered))) == (70, 40, 40)


def test_half_of_a_surrogate_pair_is_not_kept(spec: Spec) -> None:
    """What a server tells may not be possible to send."""
    pool = Pool()
    pool.learn(message(spec, "tick"), {"name": "\ud800", "other": "fine"})
    assert not pool.offers(("name",))
    assert pool.offers(("other",))


def test_known_values_are_put_where_they_fit(spec: Spec) -> None:
    """A value goes under its name, with the way it came; ids, tags and what doesn't fit stay."""
    pool = Pool()
    pool.learn(
        message(spec, "shelf"), {"count": 9, "id": 77, "type": "shelf", "label": "far too long a label"}, received=True
    )
    value, links = enrich(
        message(spec, "buy"),
        {"type": "buy", "id": 1, "count": 1, "label": "x"},
        (pool,),
        Random(1),
        frozenset({"type"}),
        1.0,
    )
    assert value == {"type": "buy", "id": 1, "count": 9, "label": "x"}
    assert links == (Link(("count",), "shelf", ("count",)),)


def test_values_that_a_user_names_are_offered(spec: Spec) -> None:
    """They come from nobody's answer; a value of another type isn't put in."""
    pool = Pool()
    pool.add("count", ["three", 3])
    random = Random(5)
    made = [
        enrich(message(spec, "buy"), {"type": "buy", "id": 1, "count": 1}, (pool,), random, frozenset(), 1.0)
        for _ in range(20)
    ]
    assert {value["count"] for value, _ in made} == {1, 3}
    assert not any(links for _, links in made)


def test_the_same_random_numbers_make_the_same(spec: Spec) -> None:
    """What is put in follows from the seed."""
    pool = Pool()
    for number in range(1, 13):
        pool.learn(message(spec, "shelf"), {"count": number})

    def made() -> list[int]:
        random = Random(3)
        start = {"type": "buy", "id": 1, "count": 1}
        return [enrich(message(spec, "buy"), start, (pool,), random, frozenset(), 0.5)[0]["count"] for _ in range(10)]

    assert made() == made()
    assert len(set(made())) > 1
