"""Who may look at which picture, for how long."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from anyrig.core.errors import Invalid
from anyrig.devices.process.ring import Frame, Ring


@pytest.fixture
def ring() -> Iterator[Ring]:
    ring = Ring(4, 3, 25.0)
    yield ring
    ring.close()


def show(ring: Ring, value: int, at: float = 0.0) -> Frame:
    ring.blank()[:] = value
    ring.show(at)
    assert ring.newest is not None
    return ring.newest


def test_there_is_no_frame_before_the_first(ring: Ring) -> None:
    assert ring.newest is None
    assert ring.hold() is None


def test_a_picture_that_is_shown_is_the_newest_frame(ring: Ring) -> None:
    frame = show(ring, 7, at=5.0)
    assert (frame.seq, frame.time) == (1, 5.0)
    assert (ring.pixels(frame.slot) == 7).all()


def test_the_same_picture_is_a_new_frame_without_a_copy(ring: Ring) -> None:
    first = show(ring, 7, at=5.0)
    ring.same(6.0)
    second = ring.newest
    assert second == Frame(2, 6.0, first.slot, first.picture)
    assert ring.holds(first.slot, 1)
    assert ring.holds(first.slot, 2)


def test_a_picture_that_turns_out_to_be_the_same_is_one(ring: Ring) -> None:
    first = show(ring, 7)
    second = show(ring, 7)
    assert (second.slot, second.picture, second.seq) == (first.slot, first.picture, 2)


def test_a_slot_that_is_being_written_holds_nothing(ring: Ring) -> None:
    frames = [show(ring, value) for value in range(ring.slots)]
    assert ring.holds(frames[0].slot, frames[0].seq)
    ring.blank()
    assert not ring.holds(frames[0].slot, frames[0].seq)
    assert not ring.lease(frames[0])


def test_half_of_the_slots_can_be_leased_and_one_of_them_often(ring: Ring) -> None:
    frames = []
    for value in range(ring.slots):
        frames.append(show(ring, value))
        assert ring.lease(frames[-1]) is (value < ring.slots // 2)
    assert ring.lease(frames[0])
    ring.release(frames[0].slot, 2)
    assert ring.lease(frames[-1])


def test_what_was_forgotten_is_not_the_newest_and_numbers_go_on(ring: Ring) -> None:
    show(ring, 1)
    ring.forget()
    assert ring.newest is None
    ring.same(1.0)
    assert ring.newest is None
    assert show(ring, 1).seq == 2


def test_frames_are_counted_over_the_last_seconds(ring: Ring) -> None:
    for frame in range(100):
        show(ring, frame, at=frame / 25)
    assert ring.frames_per_second(99 / 25) == pytest.approx(25, abs=1)
    assert ring.frames_per_second(1000.0) == 0


def test_too_few_slots_are_refused() -> None:
    with pytest.raises(Invalid, match="needs 12 slots or more, not 4"):
        Ring(4, 3, 25.0, slots=4)


class Readers(RuleBasedStateMachine):
    """Whatever readers do, what they were promised to keep stays as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring(2, 2, 25.0, slots=12)
        self.shown = 0
        self.kept: list[tuple[Frame, int, bool]] = []

    @rule(new=st.booleans())
    def picture(self, *, new: bool) -> None:
        self.shown += new
        self.ring.blank()[:] = self.shown % 256
        self.ring.show(0.0)

    @precondition(lambda self: self.ring.newest is not None)
    @rule()
    def lease(self) -> None:
        frame = self.ring.newest
        assert frame is not None
        if self.ring.lease(frame):
            self.kept.append((frame, self.shown % 256, True))

    @precondition(lambda self: sum(not leased for *_, leased in self.kept) < 3)
    @rule()
    def hold(self) -> None:
        if frame := self.ring.hold():
            self.kept.append((frame, self.shown % 256, False))

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        frame, _, leased = self.kept.pop(data.draw(st.integers(0, len(self.kept) - 1)))
        (self.ring.release if leased else self.ring.let_go)(frame.slot)

    @rule()
    def forget(self) -> None:
        self.ring.forget()

    @invariant()
    def kept_pictures_stay(self) -> None:
        for frame, value, _ in self.kept:
            assert self.ring.holds(frame.slot, frame.seq)
            assert np.all(self.ring.pixels(frame.slot) == value)

    def teardown(self) -> None:
        self.ring.close()


TestReaders = Readers.TestCase
TestReaders.settings = settings(max_examples=50, stateful_step_count=60)
