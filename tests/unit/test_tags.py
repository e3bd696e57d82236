"""What tags and categories may be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrig.core.errors import BadField
from anyrig.core.tags import checked_category, checked_tags


def refusal(tags: object) -> str:
    with pytest.raises(BadField) as caught:
        checked_tags(tags)
    assert caught.value.fields["field"] == "tags"
    str(caught.value).encode()
    return str(caught.value)


def test_tags_that_ci_clients_send_are_accepted() -> None:
    tags = {
        "jenkins/BUILD_URL": "http://ci.example.com:8080/job/folder%2Fjob/3/",
        "bamboo.planRepository.branchName": "feature/x",
        "gitlab/CI_COMMIT_REF_NAME": "main",
        "model": "T-1000",
        "größe": "40″",
        "with spaces": "",
    }
    assert checked_tags(tags) == tags
    assert checked_tags({}) == {}


def test_a_tag_may_have_no_value() -> None:
    assert checked_tags({"flaky": None}) == {"flaky": None}


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (-2.5, "-2.5"), (True, "true"), (False, "false"), (10**20, "1" + "0" * 20)]
)
def test_numbers_and_booleans_become_text(value: object, text: str) -> None:
    assert checked_tags({"x": value}) == {"x": text}


@pytest.mark.parametrize(
    "name", ["", "  ", "/a", "-a", ".a", "_a", "a:b", "a=b", "a$", "<a", "a>", "a\nb", "a\0"]
)
def test_a_tag_with_such_a_name_is_refused(name: str) -> None:
    assert "the name" in refusal({"fine": "x", name: "x"})


@pytest.mark.parametrize("character", ["\t", "\x7f", "\x85", "\u2028", "\ud800"])
def test_what_cannot_be_printed_is_refused_in_a_name(character: str) -> None:
    assert f"contains {character!r}" in refusal({f"a{character}b": None})
    with pytest.raises(BadField):
        checked_category(f"a{character}b")


def test_names_and_values_are_shorter_than_500_characters() -> None:
    assert checked_tags({"a" * 499: "b" * 499}) == {"a" * 499: "b" * 499}
    assert "has more than 499 characters" in refusal({"a" * 500: None})
    assert "the value of 'a' has more than 499 characters" in refusal({"a": "b" * 500})


@pytest.mark.parametrize("value", [["x"], {"x": "y"}, b"x", object()])
def test_a_value_that_is_neither_text_nor_number_is_refused(value: object) -> None:
    assert "the value of 'a' is neither a text nor a number" in refusal({"a": value})


@pytest.mark.parametrize("value", ["\0", "\udfff"])
def test_a_value_that_is_not_text_is_refused(value: str) -> None:
    assert "contains what is not text" in refusal({"a": value})


@pytest.mark.parametrize("tags", [None, ["a"], "a=b", 3])
def test_tags_that_are_no_object_are_refused(tags: object) -> None:
    assert "it is not an object of names and values" in refusal(tags)


def test_a_name_that_is_no_text_is_refused() -> None:
    assert "the name 3 is not a text" in refusal({3: "x"})


@pytest.mark.parametrize(
    "category",
    ["default", "refs/snapshots/tester", "folder/job", "soak test of release x", "夜間", "a.b-c_d", "/a"],
)
def test_categories_that_clients_send_are_accepted(category: str) -> None:
    assert checked_category(category) == category


@pytest.mark.parametrize(
    "category", ["", " ", ".a", "-a", "a:b", "a$b", "a\nb", "a\0b", "a\x1bb", "\udc00", "a" * 500]
)
def test_a_category_that_the_api_document_forbids_is_refused(category: str) -> None:
    with pytest.raises(BadField, match="The field 'category' is not valid") as caught:
        checked_category(category)
    assert caught.value.fields["field"] == "category"
    assert str(caught.value).encode()


@pytest.mark.parametrize("category", [None, 3, ["a"]])
def test_a_category_that_is_no_text_is_refused(category: object) -> None:
    with pytest.raises(BadField, match="it is not a text"):
        checked_category(category)


json_values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=1)
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), json_values))
def test_whatever_tags_come_they_are_text_or_refused(tags: dict[str, object]) -> None:
    try:
        checked = checked_tags(tags)
    except BadField as error:
        str(error).encode()
        return
    assert list(checked) == list(tags)
    assert checked_tags(checked) == checked
