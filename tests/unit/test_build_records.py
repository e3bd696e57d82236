"""What is said of a run that has ended, and what it shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.build_records import (
    BUILD_FAILED,
    Channel,
    Ended,
    Level,
    RunEnd,
    run_end,
    triggered,
)
from anyrig.core.results import Verdict

DONE, FAILED, BROKEN = Ended.DONE, Ended.FAILED, Ended.BROKEN
PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
ENDS = st.lists(st.sampled_from(Ended), max_size=6)


def test_a_run_says_how_much_it_has_to_do() -> None:
    assert triggered(0) == "Triggered, actions in queue: 0"
    assert triggered(12) == "Triggered, actions in queue: 12"


@pytest.mark.parametrize(
    ("actions", "ended", "level", "message", "verdict"),
    [
        (1, [DONE], Level.INFO, "Completed 1/1", PASS),
        (3, [DONE] * 3, Level.INFO, "Completed 3/3", PASS),
        (2, [DONE, FAILED], Level.WARNING, "Partially completed: 1/2", FAIL),
        (2, [FAILED, DONE], Level.WARNING, "Partially completed: 1/2", FAIL),
        (3, [DONE, FAILED, DONE], Level.WARNING, "Partially completed: 2/3", FAIL),
        (3, [DONE, BROKEN, DONE], Level.WARNING, "Partially completed: 2/3", ERROR),
        (3, [DONE, BROKEN, FAILED], Level.WARNING, "Partially completed: 1/3", FAIL),
        (1, [FAILED], Level.WARNING, "None completed: 0/1", FAIL),
        (1, [BROKEN], Level.WARNING, "None completed: 0/1", ERROR),
        (2, [BROKEN, FAILED], Level.WARNING, "None completed: 0/2", FAIL),
    ],
)
def test_a_run_to_the_last_action_is_counted(
    actions: int, ended: list[Ended], level: Level, message: str, verdict: Verdict
) -> None:
    assert run_end(actions, ended, cut_short=False) == RunEnd(level, message, verdict)


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [([FAILED], FAIL), ([DONE, FAILED], FAIL), ([BROKEN], ERROR), ([FAILED, BROKEN], FAIL), ([DONE], ERROR)],
)
def test_a_run_that_was_cut_short_has_failed(ended: list[Ended], verdict: Verdict) -> None:
    assert run_end(5, ended, cut_short=True) == RunEnd(Level.ERROR, BUILD_FAILED, verdict)


def test_even_the_last_action_may_cut_a_run_short() -> None:
    assert run_end(1, [FAILED], cut_short=True) == RunEnd(Level.ERROR, "Build failed", FAIL)
    assert run_end(1, [DONE], cut_short=True).level is Level.ERROR


@given(ENDS, st.integers(0, 4), st.booleans())
def test_a_run_passes_only_if_every_action_was_done(
    ended: list[Ended], missing: int, cut_short: bool
) -> None:
    actions = len(ended) + missing
    end = run_end(actions, ended, cut_short=cut_short)
    everything = not cut_short and not missing and all(each is DONE for each in ended)
    assert (end.verdict is PASS) == everything == (end.level is Level.INFO)
    assert (end.level is Level.ERROR) == cut_short == (end.message == BUILD_FAILED)


@given(ENDS, st.integers(0, 4), st.booleans())
def test_the_product_is_blamed_only_if_an_action_ran_and_failed(
    ended: list[Ended], missing: int, cut_short: bool
) -> None:
    end = run_end(len(ended) + missing, ended, cut_short=cut_short)
    if end.verdict is not PASS:
        assert (end.verdict is FAIL) == (FAILED in ended)


@given(ENDS, st.integers(0, 4))
def test_counts_are_those_of_the_actions_in_any_order(ended: list[Ended], missing: int) -> None:
    end = run_end(len(ended) + missing, ended, cut_short=False)
    assert end.message.split()[-1] == f"{ended.count(DONE)}/{len(ended) + missing}"
    assert end == run_end(len(ended) + missing, sorted(ended), cut_short=False)


def test_levels_and_names_are_those_that_clients_know() -> None:
    assert [(level.name, int(level)) for level in Level] == [
        ("DEBUG", 10),
        ("INFO", 20),
        ("WARNING", 30),
        ("ERROR", 40),
        ("CRITICAL", 50),
    ]
    assert set(Channel) == {"test", "actions", "run"}
