"""Test packs: the names of their tests, and news of a push."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.dialects.stbt.conftest import Portal

NAMES = [
    "tests/a/same.py::test_same",
    "tests/b/same.py::test_same",
    "tests/folder/generated.py::test_key",
    "tests/folder/generated.py::TestMenu::test_opens",
    "tests/output.py::test_that_prints",
    "tests/output.py::test_that_writes_files",
    "tests/soak.py::test_quick",
    "tests/soak.py::test_that_takes_minutes",
    "tests/verdicts.py::test_that_passes",
    "tests/verdicts.py::test_that_fails",
    "tests/verdicts.py::test_that_errs",
]


@pytest.mark.parametrize("revision", ["main", "HEAD", "v1", "refs/heads/main"])
def test_the_tests_of_a_revision_are_listed(portal: "Portal", revision: str) -> None:
    assert portal.json(f"test_pack/{revision}/test_case_names") == NAMES


def test_the_tests_of_a_sha_are_listed(portal: "Portal") -> None:
    assert portal.json(f"test_pack/{portal.farm.sha()}/test_case_names") == NAMES


@pytest.mark.parametrize("branch", ["feature/more", "feature%2Fmore"])
def test_a_branch_may_have_slashes(portal: "Portal", branch: str) -> None:
    assert "tests/more.py::test_more" in portal.json(f"test_pack/{branch}/test_case_names")


def test_a_project_can_be_named(portal: "Portal") -> None:
    assert portal.json("test_pack/main/test_case_names", project="tv") == NAMES
    assert "'no-project'" in portal.get("test_pack/main/test_case_names", 404, project="no-project").text


@pytest.mark.parametrize("revision", ["nowhere", "0" * 40, "main~1", "main:tests", "-x"])
def test_a_revision_that_is_not_there_is_not_found(portal: "Portal", revision: str) -> None:
    sentence = portal.get(f"test_pack/{revision}/test_case_names", 404).text
    assert sentence == (f"There is no branch, tag or commit '{revision}' in the test pack of project 'tv'.")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ref": "refs/heads/main"}', b"not even JSON"])
def test_news_of_a_push_are_taken_whatever_they_say(portal: "Portal", body: bytes) -> None:
    assert portal.http.post("/github/post-receive", content=body).status_code == 200


def test_who_asks_is_told_their_name(portal: "Portal") -> None:
    assert portal.json("user") == {"login": "admin"}
