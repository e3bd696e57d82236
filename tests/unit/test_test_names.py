"""Names of tests, as clients send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.errors import BadField
from anyrig.core.test_names import file_of, in_place


@pytest.mark.parametrize(
    "name",
    [
        "tests/menu.py::test_that_menu_opens",
        "tests/menu.py::TestMenu::test_opens",
        "tests/menu.py::test_opens[key a-1]",
        "tests/größe mit leer.py::test_ü",
    ],
)
def test_functions_classes_and_parameters_are_named(name: str) -> None:
    assert file_of("tests", name) == name.partition("::")[0]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "tests/menu.py",
        "tests/menu.py::",
        "tests/menu.py:: ",
        "tests/menu::test_x",
        "::test_x",
        ".py/::test_x",
        "/tests/menu.py::test_x",
        "../menu.py::test_x",
        "tests/../../menu.py::test_x",
        "tests//menu.py::test_x",
        "./menu.py::test_x",
        "tests/menu.py::test_x\n",
        "tests/menu.py::test_\ud800",
        "tests/menu.py::" + "x" * 1000,
    ],
)
def test_anything_else_is_refused_with_a_sentence_that_names_it(name: str) -> None:
    with pytest.raises(BadField, match="is not the name of a test, such as") as refused:
        file_of("test_cases", name)
    str(refused.value).encode()


@given(st.text())
def test_a_name_is_read_or_refused(name: str) -> None:
    try:
        assert name.startswith(file_of("tests", name))
    except BadField as error:
        str(error).encode()


def test_a_name_can_be_given_the_place_of_its_file() -> None:
    assert in_place("menu.py::TestA::test_x", {"menu.py": "tests/menu.py"}) == "tests/menu.py::TestA::test_x"
