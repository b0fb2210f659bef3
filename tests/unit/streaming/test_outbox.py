"""Outbox: order, bound, and what conflation may leave out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.outbox import Outbox, OutboxFullError


def test_keeps_the_order_and_every_frame_of_a_client_that_keeps_up() -> None:
    """Without conflation even `latest` frames of one key all stay."""
    outbox = Outbox(100)
    for frame in (b"a", b"b", b"c"):
        assert outbox.put(frame, 0, key="k") == 0
    assert outbox.take(100) == [b"a", b"b", b"c"]
    assert (len(outbox), outbox.size, outbox.oldest) == (0, 0, None)


def test_conflation_moves_the_newest_behind_lossless_frames() -> None:
    """A newer state never overtakes a lossless frame that came before it."""
    outbox = Outbox(100)
    outbox.put(b"open 1", 0, key="k", conflate=True)
    outbox.put(b"final 1", 0, conflate=True)
    assert outbox.put(b"open 2", 0, key="k", conflate=True) == 1
    assert outbox.take(100) == [b"final 1", b"open 2"]


def test_full_outbox_refuses_and_keeps_what_it_has() -> None:
    """The frame that does not fit changes nothing; the bound itself fits."""
    outbox = Outbox(4)
    outbox.put(b"1234", 0)
    with pytest.raises(OutboxFullError):
        outbox.put(b"5", 0)
    assert outbox.take(100) == [b"1234"]


def test_replacing_counts_the_frame_that_goes() -> None:
    """A full outbox still takes a newer state of the same size."""
    outbox = Outbox(4)
    outbox.put(b"1234", 0, key="k", conflate=True)
    assert outbox.put(b"5678", 0, key="k", conflate=True) == 1
    assert (outbox.size, outbox.take(1)) == (4, [b"5678"])


def test_a_frame_that_was_taken_is_not_replaced() -> None:
    """A key whose frame is gone queues anew, also after a partial take."""
    outbox = Outbox(100)
    outbox.put(b"k1", 0, key="k", conflate=True)
    outbox.put(b"lossless", 0, conflate=True)
    assert outbox.take(2) == [b"k1"]
    assert outbox.put(b"k2", 0, key="k", conflate=True) == 0
    assert outbox.take(100) == [b"lossless", b"k2"]


def test_takes_at_least_one_frame_and_no_more_than_the_budget() -> None:
    """A frame larger than the budget goes alone."""
    outbox = Outbox(100)
    for frame in (b"12345", b"6", b"7", b"89"):
        outbox.put(frame, 0)
    assert [outbox.take(3), outbox.take(3), outbox.take(3)] == [[b"12345"], [b"6", b"7"], [b"89"]]


def test_oldest_is_the_time_of_the_first_waiting_frame() -> None:
    """The age of the outbox is its first frame's, and moves on as frames go."""
    outbox = Outbox(100)
    outbox.put(b"a", 1.5)
    outbox.put(b"b", 2.5)
    assert outbox.oldest == 1.5
    outbox.take(1)
    assert outbox.oldest == 2.5


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.sampled_from([None, "x", "y"]), st.booleans()),
            st.tuples(st.just("take"), st.integers(0, 30), st.none()),
        )
    )
)
def test_against_a_plain_list(steps: list[tuple[str, object, bool | None]]) -> None:
    """For any puts and takes it gives what a list would: lossless frames all, in order; latest ones, the newest."""
    outbox = Outbox(200)
    model: list[tuple[object, bytes]] = []
    number = 0
    for step, argument, conflate in steps:
        if step == "put":
            number += 1
            frame = str(number).encode().rjust(1 + number % 5, b".")
            after = list(model)
            if argument is not None and conflate:
                newest = max((i for i, (key, _) in enumerate(model) if key == argument), default=None)
                if newest is not None:
                    del after[newest]
            after.append((argument, frame))
            if sum(len(waiting) for _, waiting in after) > 200:
                with pytest.raises(OutboxFullError):
                    outbox.put(frame, 0, key=argument, conflate=bool(conflate))
            else:
                outbox.put(frame, 0, key=argument, conflate=bool(conflate))
                model = after
        else:
            assert isinstance(argument, int)
            taken = outbox.take(argument)
            assert taken == [frame for _, frame in model[: len(taken)]]
            assert taken or not model
            assert sum(map(len, taken)) <= argument or len(taken) == 1
            model = model[len(taken) :]
        assert (len(outbox), outbox.size) == (len(model), sum(len(frame) for _, frame in model))
