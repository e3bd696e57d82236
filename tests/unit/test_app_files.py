"""App files as people write them, and as people write them who mean harm."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.builds import Action, BadBuild
from anyrig.core.extensions.base import BadExtension
from anyrig.engine.app_files import LONGEST, read_app_file

SOON = 5.0
"""Seconds; the worst takes a tenth of that here."""


def refusal(text: str) -> str:
    with pytest.raises(BadBuild) as refused:
        read_app_file(text)
    return str(refused.value)


def merged(times: int, levels: int) -> str:
    """Maps that merge the map before them so many times."""
    lines = ["id: x", "m0: &m0 {a: 1, b: 2}"]
    for level in range(1, levels):
        again = ", ".join([f"*m{level - 1}"] * times)
        lines.append(f"m{level}: &m{level}\n  <<: [{again}]")
    return "\n".join(lines)


class TestGood:
    def test_an_app_file_is_read(self) -> None:
        found = read_app_file(
            "id: shop\n"
            "provider: {github: {owner: ada, repo: shop, branches: [dev]}}\n"
            "params: &params {file: f.txt}\n"
            "work_dir: /srv\n"
            "actions:\n"
            "  - 'echo {branch} > {file}'\n"
            "  - !critical make all\n"
            "  - |\n"
            "    one\n"
            "    two\n"
            "  - true\n"
        )
        assert found.listen_point == "shop"
        assert found.actions == (
            Action("echo {branch} > {file}"),
            Action("make all", critical=True),
            Action("one\ntwo\n"),
            Action("True", broken="'bool' object has no attribute 'format_map'"),
        )
        assert found.provider is not None
        assert found.provider.options["branches"] == ["dev"]

    @pytest.mark.parametrize(
        "action", ["!critical 'a b'", '!critical "a b"', "!critical a b", "!critical\n      a b"]
    )
    def test_a_critical_action_may_be_quoted(self, action: str) -> None:
        assert read_app_file(f"id: x\nactions:\n  - {action}\n").actions == (Action("a b", critical=True),)

    def test_aliases_and_merged_keys_stand_for_what_they_name(self) -> None:
        found = read_app_file(
            "id: x\n"
            "shared: &shared {a: 1, b: 2}\n"
            "others: &others {b: 3, c: 3}\n"
            "params: {<<: [*shared, *others], a: own, all: *shared}\n"
            "actions: &all [one, two]\n"
            "more: *all\n"
        )
        assert found.params == {"a": "own", "b": 2, "c": 3, "all": {"a": 1, "b": 2}}

    def test_a_map_that_merges_itself_gains_nothing(self) -> None:
        assert read_app_file("id: x\nparams: &p {<<: *p, a: 1}").params == {"a": 1}

    def test_of_two_equal_keys_the_last_counts(self) -> None:
        found = read_app_file("id: x\nid: y\nparams: {a: 1, a: 2}")
        assert (found.listen_point, found.params) == ("y", {"a": 2})

    def test_a_tuple_is_a_list(self) -> None:
        assert read_app_file("id: x\nparams: {a: !!python/tuple [1, b]}").params == {"a": [1, "b"]}

    def test_any_letters_may_stand_in_it(self) -> None:
        found = read_app_file('id: größe\nactions: ["echo 日本 \\u00e9 😀"]')
        assert found.listen_point == "größe"
        assert found.actions == (Action("echo 日本 é 😀"),)

    def test_it_may_be_as_long_as_is_allowed(self) -> None:
        text = "id: x\n#"
        assert read_app_file(text + "x" * (LONGEST - len(text))).listen_point == "x"
        assert refusal(text + "x" * (LONGEST - len(text) + 1)) == (
            f"Failed to create app: the config has more than {LONGEST} characters"
        )

    def test_it_may_be_as_deep_as_is_allowed(self) -> None:
        depth = 18
        found = read_app_file("id: x\nparams: {a: " + "[" * depth + "]" * depth + "}")
        assert str(found.params["a"]) == "[" * depth + "]" * depth


class TestBad:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "---",
            "just text",
            "- id: x",
            "5",
        ],
    )
    def test_what_is_no_map_is_no_config(self, text: str) -> None:
        assert refusal(text).endswith("is not a valid config string")

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "id: [",
                "id: x\n  a: b",
                "id: 'x",
                "\t- x",
                "id: *nobody",
                "a: b\n---\nc: d",
                "%YAML 9.0\n---\nid: x",
            ),
            *("{[a]: b}", "id: !critical [a]", "id: x\nactions: [!critical {a: b}]", "id: !other x", "id: ="),
            *("id: !!python/object/apply:os.system ['true']", "id: !!python/name:os.system ''"),
            *("id: !!python/object/new:os.system ['true']", "id: !!python/module:os ''", "<<: 5", "<<: [5]"),
            *("id: !!bool perhaps", "id: !!int ''", "id: !!int x", "id: !!float ''", "id: !!float x"),
            *("id: !!timestamp x", "id: 2024-13-45", "id: !!binary é", "id: !!omap [1]", "id: !!set [a]"),
            *(
                "id: !!int [1]",
                "id: !!float {a: 1}",
                "id: !!null [a]",
                "id: !!str [a]",
                "id: !!map x",
                "id: !!seq x",
            ),
            *(
                'id: "a\\0b"',
                'id: x\nactions: ["a\\0"]',
                'id: x\nactions: [!critical "a\\0"]',
                '"\\0": 1\nid: x',
            ),
            *('id: "\\ud800"', "id: \ud800", "id: x\nactions: ['\udfff']", "id: \x07", "id: \x00"),
            *("id: x\na: &a [*a]", "id: x\na: &a {b: *a}", "id: x\na: &a {b: &b [*a]}", "? &a [*a]\n: x"),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_a_sentence(self, text: str) -> None:
        said = refusal(text)
        assert said.startswith("Failed to create app: ")
        assert len(said) < 400
        assert "\n" not in said

    def test_bytes_that_are_no_utf_8_do_not_come_so_far(self) -> None:
        """Whoever reads them in decodes them: halves of characters are what is left of them at worst."""
        assert "surrogates" in refusal(b"id: caf\xe9".decode("utf-8", "surrogateescape"))

    def test_an_extension_that_makes_no_sense_is_refused_as_one(self) -> None:
        with pytest.raises(BadExtension):
            read_app_file("id: x\nextensions: {a: {module: nothing}}")


BOMBS: dict[str, Callable[[], str]] = {
    "aliases of aliases": lambda: (
        "id: x\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['lol'] * 9)}]\n" for n in range(10))
    ),
    "aliases of aliases in pairs": lambda: (
        "id: x\n"
        + "".join(
            f"a{n}: &a{n} !!pairs [{', '.join([f'k: *a{n - 1}'] * 9 if n else ['k: lol'] * 9)}]\n"
            for n in range(10)
        )
    ),
    "many aliases": lambda: "a: &a x\nid: x\nb: [" + "*a, " * 101 + "]",
    "merged maps": lambda: merged(3, 30),
    "a large map merged often": lambda: (
        "id: x\nm: &m {"
        + ", ".join(f"k{n}: " for n in range(4700))
        + "}\n"
        + "".join(f"m{n}: {{<<: *m}}\n" for n in range(99))
    ),
    "deep lists": lambda: "id: " + "[" * 100_000,
    "deep maps": lambda: "id: " + "{a: " * 50_000,
    "deep blocks": lambda: "- " * 100_000,
    "many values": lambda: "id: x\nactions: [" + "a, " * 80_000 + "]",
    "many lists": lambda: "id: x\nactions: [" + "[], " * 60_000 + "]",
    "many anchors": lambda: "id: x\n" + "".join(f"a{n}: &a{n} x\n" for n in range(14_000)),
    "a long number": lambda: "id: x\nparams: {a: 1" + "0" * 5000 + "}",
    "a long number of base 60": lambda: "id: x\nparams: {a: 1" + ":1" * 120_000 + "}",
    "a long fraction of base 60": lambda: "id: x\nparams: {a: 1" + ":1" * 120_000 + ".5}",
    "a long number that says that it is one": lambda: "id: x\nparams: {a: !!int '" + "1" * 200_000 + "'}",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_does_not_go_off(bomb: str) -> None:
    began = time.monotonic()
    said = refusal(BOMBS[bomb]())
    assert time.monotonic() - began < SOON
    assert said.startswith("Failed to create app: ")
    assert len(said) < 300


def test_bombs_are_within_the_length_that_is_allowed() -> None:
    """Else they would show nothing."""
    assert all(len(make()) <= LONGEST for make in BOMBS.values())


WORDS = st.sampled_from(
    [
        *(
            "id: x\n",
            "a: ",
            "- ",
            "? ",
            ": ",
            ", ",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a ",
            "<<: ",
            "!critical ",
            "\n",
        ),
        *(
            "\n  ",
            "'",
            '"',
            "|\n",
            ">\n",
            "# ",
            "---\n",
            "...\n",
            "%TAG ! x\n",
            "~",
            "1:2:3",
            "0x1f",
            "1e5",
            ".inf",
        ),
        *(
            "!!int ",
            "!!bool ",
            "!!float ",
            "!!timestamp ",
            "!!set ",
            "!!omap ",
            "!!pairs ",
            "!!binary ",
            "!!null ",
        ),
        *(
            "!!python/tuple ",
            "2024-01-01",
            "true",
            "\\0",
            "é",
            "params: ",
            "actions: ",
            "extensions: ",
            "module: ",
        ),
    ]
)


@given(st.lists(WORDS | st.text(max_size=2), max_size=14).map("".join))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        read_app_file(text)
    except (BadBuild, BadExtension) as refused:
        assert str(refused)  # noqa: PT017 - both ends are good
