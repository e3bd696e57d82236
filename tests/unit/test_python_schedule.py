"""In which order tests run."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from anyrig.executors.python.schedule import Durations, order

NAMES = st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True)


def names(
    tests: list[str],
    count: int,
    *,
    done: int = 0,
    forever: bool = False,
    shuffle: bool = False,
    durations: Durations | None = None,
) -> list[str]:
    run = order(
        tests, done=done, forever=forever, shuffle=shuffle, seed=7, durations=durations or Durations()
    )
    return list(islice(run, count))


@given(NAMES, st.integers(0, 8))
def test_tests_run_once_in_the_given_order(tests: list[str], done: int) -> None:
    assert names(tests, 99, done=done) == tests[done:]


@given(NAMES, st.integers(0, 20))
def test_for_ever_means_round_and_round_and_goes_on_where_it_was(tests: list[str], done: int) -> None:
    assert names(tests, 20, done=done, forever=True) == (tests * 40)[done : done + 20]


@given(NAMES, st.integers(0, 6))
def test_a_later_attempt_goes_on_in_the_same_random_order(tests: list[str], done: int) -> None:
    first = names(tests, 99, shuffle=True)
    assert sorted(first) == sorted(tests)
    assert names(tests, 99, shuffle=True, done=done) == first[done:]
    assert names(tests, len(tests), shuffle=True, forever=True) == first


def test_a_random_soak_spends_the_same_time_on_every_test() -> None:
    seconds = {"quick": 1.0, "slow": 9.0}
    spent = dict.fromkeys(seconds, 0.0)
    durations = Durations()
    run = order(list(seconds), done=0, forever=True, shuffle=True, seed=3, durations=durations)
    for test in islice(run, 4000):
        durations.add(test, seconds[test])
        spent[test] += seconds[test]
    assert 0.8 < spent["quick"] / spent["slow"] < 1.25


def test_a_test_of_which_only_an_earlier_attempt_knows_the_time_is_not_left_out() -> None:
    durations = Durations()
    durations.add("a", 2.0)
    assert set(names(["a", "b"], 50, done=9, forever=True, shuffle=True, durations=durations)) == {"a", "b"}
    assert set(names(["a", "b"], 50, done=9, forever=True, shuffle=True)) == {"a", "b"}
