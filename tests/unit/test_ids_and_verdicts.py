"""Names, verdicts, roles, errors: the small rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.errors import AnyrigError, BadField, Forbidden, NodeBusy, NotFound
from anyrig.core.ids import checked_name, job_uid, result_id
from anyrig.core.nodes import OFFLINE_AFTER, is_online
from anyrig.core.results import Counts, Verdict, overall
from anyrig.core.users import Principal, Role


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_job_uid_has_node_four_characters_and_number(series: int, number: int) -> None:
    empty, node, digits, count = job_uid("tv1", series, number).split("/")
    assert (empty, node, len(digits), int(count)) == ("", "tv1", 4, number)
    assert digits.isalnum()


def test_the_uid_of_a_job_for_any_node_says_so() -> None:
    assert job_uid(None, 0, 7) == "/any/0000/7"


def test_result_ids_are_unique_within_a_second() -> None:
    start = 1_539_177_200_500_000
    ids = [result_id("/tv1/0a23/972", start, n) for n in range(3)]
    assert ids[0] == "/tv1/0a23/972/2018-10-10T13:13:20"
    assert ids[1:] == [ids[0] + ".2", ids[0] + ".3"]


@pytest.mark.parametrize("name", ["tv1", "stb-tester-abcdef123456", "a", "A_b-9"])
def test_plain_names_are_allowed(name: str) -> None:
    assert checked_name("node", name) == name


@pytest.mark.parametrize("name", ["", "-tv", "a b", "a/b", "a.b", "ä", "x" * 64, "a\n", "*", ">"])
def test_names_that_would_need_escaping_are_refused(name: str) -> None:
    with pytest.raises(BadField):
        checked_name("node", name)


@given(st.lists(st.sampled_from(list(Verdict)), max_size=8))
def test_counts_and_verdicts_add_up(verdicts: list[Verdict]) -> None:
    counts = Counts(expected=5)
    for verdict in verdicts:
        counts = counts.plus(verdict)
    assert counts.finished == len(verdicts)
    assert counts.total == max(5, len(verdicts))
    expected = next((v for v in (Verdict.FAIL, Verdict.ERROR, Verdict.PASS) if v in verdicts), Verdict.ERROR)
    assert overall(verdicts) is expected


def test_a_role_may_do_what_lower_roles_may_and_only_in_its_projects() -> None:
    who = Principal("ada", Role.OPERATOR, "t", frozenset({"tv"}))
    who.require(Role.VIEWER, "look", "tv")
    with pytest.raises(Forbidden, match=r"ada \(role operator\) is not allowed to create projects"):
        who.require(Role.ADMIN, "create projects")
    with pytest.raises(Forbidden):
        who.require(Role.VIEWER, "look", "radio")


def test_a_node_that_was_silent_for_too_long_is_offline() -> None:
    assert is_online(100, 100 + OFFLINE_AFTER - 1)
    assert not is_online(100, 100 + OFFLINE_AFTER)
    assert not is_online(None, 0)


def test_an_error_is_the_sentence_of_its_docstring() -> None:
    assert str(NodeBusy(node="tv1", reason="it is running")) == "Node tv1 is in use: it is running."
    assert str(NotFound(what="job", name="/x")) == "There is no job '/x'."
    assert str(AnyrigError()) == "Something went wrong."
