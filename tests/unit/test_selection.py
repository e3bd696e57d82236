"""Which tests a name, a file, a folder or a pattern stands for."""

import pytest

from anyrig.core.errors import BadField
from anyrig.core.selection import selected, split_kind
from anyrig.core.tests import Kind

KNOWN = (
    "tests/a.py::test_one",
    "tests/a.py::test_two",
    "tests/ab.py::test_one",
    "tests/menu/b.py::TestMenu::test_opens",
    "tests/menu/b.py::test_closes",
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["tests/a.py::test_two"], [1]),
        (["tests/a.py"], [0, 1]),
        (["tests/menu"], [3, 4]),
        (["tests/menu/"], [3, 4]),
        (["tests/menu/b.py::TestMenu"], [3]),
        (["tests/menu/b.py::"], [3, 4]),
        (["*"], [0, 1, 2, 3, 4]),
        (["*::test_one"], [0, 2]),
        (["tests/a*.py::*_t*"], [1]),
        (["tests/menu", "tests/a.py"], [3, 4, 0, 1]),
        (["tests/a.py::test_two", "tests/a.py"], [1, 0]),
        (["tests/a.py::test_two", "tests/a.py::test_two"], [1, 1]),
    ],
)
def test_what_is_wanted_is_found_in_order(wanted: list[str], found: list[int]) -> None:
    assert selected(wanted, KNOWN) == tuple(KNOWN[number] for number in found)


def test_parameters_in_brackets_are_for_pytest() -> None:
    assert selected(["tests/a.py::test_one[tv-1]"], KNOWN) == ("tests/a.py::test_one[tv-1]",)


@pytest.mark.parametrize("wanted", ["tests/a.py::test_three", "tests/a", "a.py", "[", "", "tests/*.js"])
def test_what_matches_nothing_is_refused(wanted: str) -> None:
    with pytest.raises(BadField, match="there is no test"):
        selected([wanted], KNOWN)


def test_nothing_wanted_is_refused() -> None:
    with pytest.raises(BadField, match="no test is named"):
        selected([], KNOWN)


def test_a_refusal_names_tests_that_were_perhaps_meant() -> None:
    with pytest.raises(BadField, match=r"there is tests/menu/b\.py::TestMenu::test_opens"):
        selected(["menu.py::test_opens"], KNOWN)
    with pytest.raises(BadField, match="there are no tests of this kind"):
        selected(["unit"], ())


@pytest.mark.parametrize(
    ("name", "kind", "rest"),
    [
        ("command:unit", Kind.COMMAND, "unit"),
        ("python:tests/a.py", Kind.PYTHON, "tests/a.py"),
        ("tests/a.py::test_x", Kind.PYTHON, "tests/a.py::test_x"),
        ("command::x", Kind.PYTHON, "command::x"),
        ("other:x", Kind.PYTHON, "other:x"),
        ("web:a:b", Kind.WEB, "a:b"),
    ],
)
def test_a_name_may_say_its_kind(name: str, kind: Kind, rest: str) -> None:
    assert split_kind(name) == (kind, rest)
