"""What a follower was told, and how logs are cut into lines."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.told import (
    LONGEST_LINE,
    Reading,
    TaskTold,
    fed,
    told_from,
    told_of,
    told_text,
    with_task,
)

tasks = st.builds(TaskTold, st.integers(0, 10**8), st.integers(0, 10**17), st.integers(0, 10**8))


@given(st.lists(tasks, min_size=1, max_size=5).map(tuple))
def test_a_follower_can_come_back_with_what_it_was_given(told: tuple[TaskTold, ...]) -> None:
    assert told_from(told_text(told)) == told


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.3.4", "1.2.3,", "a.b.c", "-1.2.3", "1.2.³", "1.2.3;1.2.3"]
)
def test_anything_else_is_somebody_who_was_told_nothing(text: str) -> None:
    assert told_from(text) == ()


def test_a_task_that_was_not_told_of_begins_at_its_beginning() -> None:
    assert told_of((TaskTold(1, 20, 3),), 1) == TaskTold()


def test_what_was_told_of_one_task_leaves_the_others_alone() -> None:
    first, third = TaskTold(1, 20, 3), TaskTold(2, 5, 0)
    told = with_task((first,), 2, third)
    assert told == (first, TaskTold(), third)
    assert with_task(told, 0, third) == (third, TaskTold(), third)


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
def test_lines_are_whole_and_nothing_is_lost_however_the_log_is_cut(log: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]
    reading, told = Reading(), b""
    for start, end in pairwise(edges):
        reading, lines = fed(reading, start, log[start:end])
        assert not lines or lines.endswith(b"\n")
        told += lines
        assert reading.at == len(told)
    assert told + reading.rest == log


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_what_comes_again_is_passed_over(log: bytes, a: int, b: int) -> None:
    middle, again = sorted((min(a, len(log)), min(b, len(log))), reverse=True)
    reading, first = fed(Reading(), 0, log[:middle])
    reading, second = fed(reading, again, log[again:])
    assert first + second + reading.rest == log


def test_a_gap_is_jumped() -> None:
    reading, _ = fed(Reading(), 0, b"one\ntw")
    assert fed(reading, 100, b"x\n") == (Reading(102), b"x\n")


def test_a_line_without_an_end_is_not_held_back_for_ever() -> None:
    data = b"x" * (LONGEST_LINE + 1)
    assert fed(Reading(), 0, data) == (Reading(len(data)), data)
