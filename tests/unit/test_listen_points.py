"""Where a build may listen, and where it may not."""

import hypothesis
import pytest
from hypothesis import strategies as st

from anyrig.core.builds import LONGEST_NAME, RESERVED, BadBuild, checked_listen_point


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("shop", "shop"),
        ("/shop/", "shop"),
        ("//shop//", "shop"),
        ("shop/web/x", "shop/web/x"),
        ("dot.sub", "dot.sub"),
        (".hidden", ".hidden"),
        ("...", "..."),
        ("grüße/日本", "grüße/日本"),
        ("a:b@c,d;e=f&g+h!~'()*$", "a:b@c,d;e=f&g+h!~'()*$"),
        ("x" * LONGEST_NAME, "x" * LONGEST_NAME),
        ("/" + "x" * LONGEST_NAME + "/", "x" * LONGEST_NAME),
        ("my/api", "my/api"),
        ("apis", "apis"),
        ("api.x", "api.x"),
    ],
)
def test_a_listen_point_is_a_path(name: str, point: str) -> None:
    assert checked_listen_point(name) == point


@pytest.mark.parametrize(
    "name",
    [
        *("/", "///", "a//b", ".", "..", "a/../b", "a/./b", "../a", "a/.."),
        *("a b", "a\tb", "a\nb", "\n", " a", "a\u2028b", "a\xa0b"),
        *("a?b", "a#b", "a%2fb", "a\\b", "a\0b", "\0", "a\x7fb", "a\x1fb", "a\ud800b"),
        "x" * (LONGEST_NAME + 1),
    ],
)
def test_what_no_url_has_as_a_path_is_refused(name: str) -> None:
    with pytest.raises(BadBuild, match=r"is not a listen point: it has to be a path of a URL$"):
        checked_listen_point(name)


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_our_own_addresses_are_not_to_be_had(word: str) -> None:
    for name in (word, f"/{word}/", word.upper(), f"{word.title()}/x", f"{word}/x/y"):
        with pytest.raises(BadBuild) as refused:
            checked_listen_point(name)
        point = name.strip("/")
        assert str(refused.value) == (
            f"The listen point '{point}' is reserved: /{point.split('/')[0]} is an address of ours"
        )


@hypothesis.given(st.text(max_size=20))
def test_a_checked_name_stays_as_it_is(name: str) -> None:
    try:
        point = checked_listen_point(name)
    except BadBuild:
        return
    assert checked_listen_point(point) == point
    assert point.encode()
