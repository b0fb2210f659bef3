"""The write that reaches many: whatever each socket takes of it, every one gets its own bytes, in order and whole."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gateway.transport.frames import text_frames
from gateway.transport.switchboard import Switchboard
from gateway.transport.wheel import TimerWheel

DESCRIPTORS = range(10, 16)

TAKES = st.one_of(st.none(), st.integers(0, 40), st.sampled_from(["blocks", "breaks"]))
"""What a socket does with its next write: takes all of it, so many bytes, none for now, or none ever."""
PARTS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(DESCRIPTORS), unique=True),
        st.lists(st.binary(max_size=140), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=5,
)


class FakeLine:
    """A socket that takes what it is told to, and the connection's side of it."""

    def __init__(self, takes: int | str | None) -> None:
        self.takes = takes
        self.bytes = b""
        self.writes = 0
        self.is_broken = False

    def write(self, buffer: bytes) -> int:
        self.writes += 1
        if self.takes == "blocks":
            raise BlockingIOError
        if self.takes == "breaks":
            raise BrokenPipeError
        taken = len(buffer) if self.takes is None else min(len(buffer), int(self.takes))
        self.bytes += buffer[:taken]
        return taken

    def finish(self, rest: bytes) -> None:
        assert rest, "nothing was left"
        self.bytes += rest

    def broken(self) -> None:
        self.is_broken = True


def board_of(lines: dict[int, FakeLine]) -> Switchboard:
    """Return a switchboard over the lines."""
    wheel = TimerWheel(lambda: 0.0, lambda delay, callback: (_ for _ in ()).throw(AssertionError("no timer is needed")))
    board = Switchboard(wheel=wheel, write=lambda descriptor, buffer: lines[descriptor].write(buffer))
    board.lines.update(lines)
    return board


@given(PARTS, st.lists(TAKES, min_size=len(DESCRIPTORS), max_size=len(DESCRIPTORS)))
def test_each_gets_its_own_frames_in_order_by_one_write(
    parts: Sequence[tuple[list[int], list[bytes]]], takes: list[int | str | None]
) -> None:
    """Of all parts that name it, whatever the others take; one whose socket broke is told so and nothing else."""
    lines = {descriptor: FakeLine(take) for descriptor, take in zip(DESCRIPTORS, takes, strict=True)}
    board = board_of(lines)
    board.broadcast(parts)
    for descriptor, line in lines.items():
        own = [frame for descriptors, frames in parts if descriptor in descriptors for frame in frames]
        assert line.writes == (1 if any(descriptor in descriptors for descriptors, _ in parts) else 0)
        assert line.is_broken == (line.writes == 1 and line.takes == "breaks")
        assert line.bytes == (b"" if line.is_broken else text_frames(own))
    assert board.frames_out == sum(len(descriptors) * len(frames) for descriptors, frames in parts)
