"""Which results go, and what that frees."""

import pytest

from anyrig.core.retention import DAY, LISTED, Books, Going, Object, Old, Rules, Standing, going

NOW = 100 * DAY
LOG = Object("log", 1)


def old(number: int, *objects: tuple[str, int], job: int = 0) -> Old:
    """Of day ``number``, by itself in its job unless that is named."""
    return Old(number, f"r{number}", job or number, number * DAY, tuple(Object(*each) for each in objects))


def books(*results: Old, **more: int) -> Books:
    """Of a lab that has these results; ``more``: what else refers to objects, or is in jobs."""
    names = [each.sha256 for result in results for each in result.objects]
    of_jobs = [result.job for result in results]
    return Books(
        {name: names.count(name) + more.get(name, 0) for name in names},
        {job: of_jobs.count(job) + more.get(f"job{job}", 0) for job in of_jobs},
        {},
    )


THREE = tuple(old(number, (f"o{number}", 10)) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("rules", "free", "expected"),
    [
        (Rules(), 0, []),
        (Rules(age=98 * DAY), None, [1]),
        (Rules(age=1), None, [1, 2, 3]),
        (Rules(most=1), None, [1, 2]),
        (Rules(most=3), None, []),
        (Rules(keep_free=100), 100, []),
        (Rules(keep_free=100), 99, [1]),
        (Rules(keep_free=100), 89, [1, 2]),
        (Rules(keep_free=100), None, []),
        (Rules(age=98 * DAY, most=2, keep_free=100), 85, [1, 2]),
    ],
)
def test_the_oldest_go_until_every_rule_is_content(
    rules: Rules, free: int | None, expected: list[int]
) -> None:
    found = going(rules, Standing(NOW, 3, free), Going(), THREE, books(*THREE))
    assert [each.number for each in found.oldest] == expected
    assert (found.size, found.jobs) == (10 * len(expected), len(expected))


def test_an_object_is_freed_with_the_last_that_refers_to_it() -> None:
    shared = (old(1, ("a", 10), ("b", 1)), old(2, ("a", 10)), old(3, ("a", 10), ("c", 5)))
    rules, standing = Rules(most=1), Standing(NOW, 3, None)
    assert going(rules, standing, Going(), shared, books(*shared)).size == 1
    everything = going(Rules(age=1), standing, Going(), shared, books(*shared))
    assert everything.size == 16
    assert going(Rules(age=1), standing, Going(), shared, books(*shared, a=1)).size == 6


def test_a_jobs_logs_go_with_its_last_result() -> None:
    both = (old(1, job=7), old(2, job=7))
    kept = books(*both)
    kept.learn(Books({"log": 1}, {}, {7: (LOG,)}))
    first = going(Rules(most=1), Standing(NOW, 2, None), Going(), both, kept)
    assert (first.jobs, first.size) == (0, 0)
    rest = going(Rules(age=1), Standing(NOW, 2, None), first, both[1:], kept)
    assert (rest.jobs, rest.size) == (1, 1)


def test_only_the_first_are_told_by_name() -> None:
    many = Going(LISTED, 1, 5, (THREE[0],) * LISTED)
    assert Going() + many + Going(1, 1, 5, THREE[1:2]) == Going(LISTED + 1, 2, 10, many.oldest)


def test_what_goes_already_counts() -> None:
    before = going(Rules(most=2), Standing(NOW, 3, None), Going(), THREE, books(*THREE))
    more = going(Rules(most=2), Standing(NOW, 3, None), before, THREE[1:], books(*THREE))
    assert (before.results, more.results) == (1, 0)
