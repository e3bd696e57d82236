"""Cursors: what a list gives to go on with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.errors import BadField
from anyrig.core.filters import Sort, SortField
from anyrig.server import cursors

BY_DATE = Sort(SortField.DATE, descending=True)
BY_TEST = Sort(SortField.TESTCASE, descending=False)
numbers = st.integers(0, 2**62)


@given(numbers, numbers, st.sampled_from([SortField.DATE, SortField.DURATION]), st.booleans())
def test_a_cursor_leads_back_to_its_place(start: int, number: int, field: SortField, down: bool) -> None:
    sort = Sort(field, descending=down)
    assert cursors.results_after(cursors.of_results(sort, (start, number)) or "", sort) == (start, number)


@given(st.text(), numbers)
def test_so_does_one_by_a_text(name: str, number: int) -> None:
    key = (name, number, 7)
    assert cursors.results_after(cursors.of_results(BY_TEST, key) or "", BY_TEST) == key


@given(numbers, numbers)
def test_so_does_one_of_jobs(created: int, number: int) -> None:
    assert cursors.jobs_before(cursors.of_jobs((created, number)) or "") == (created, number)
    assert cursors.records_before(cursors.of_records((created, number)) or "") == (created, number)


def test_there_is_none_behind_the_last_page() -> None:
    assert cursors.of_results(BY_DATE, None) is None
    assert cursors.of_jobs(None) is None
    assert cursors.of_records(None) is None


def test_a_cursor_of_another_order_is_refused() -> None:
    cursor = cursors.of_results(BY_DATE, (1, 2)) or ""
    for sort in (Sort(SortField.DATE, descending=False), Sort(SortField.DURATION, descending=True)):
        with pytest.raises(BadField, match="another order"):
            cursors.results_after(cursor, sort)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "bm90IGpzb24",
        "W10",
        "WyJkYXRlIix0cnVlLCJ4Il0",
        "WzEsMiwzXQ",
        "MQ",
        "WzkyMjMzNzIwMzY4NTQ3NzU4MDgsMV0",
    ],
)
def test_what_no_list_has_given_is_refused(cursor: str) -> None:
    with pytest.raises(BadField):
        cursors.results_after(cursor, BY_DATE)
    with pytest.raises(BadField):
        cursors.jobs_before(cursor)


def test_a_list_of_reservations_goes_on_behind_a_number() -> None:
    assert cursors.of_reservations(None) is None
    assert cursors.reservations_before(cursors.of_reservations(12) or "") == 12
    with pytest.raises(BadField):
        cursors.reservations_before(cursors.of_jobs((1, 2)) or "")
