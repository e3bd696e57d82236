"""The file ``anyrig.toml`` of a test pack."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrig.core.errors import BadField
from anyrig.core.globs import compiled_glob
from anyrig.core.pack_file import Command, PackFile, parse_pack_file

ROOT = Path(__file__).parents[2]
FULL = b"""
[command.unit]
run = "pytest -q --junitxml=report.xml"
junit = ["report.xml", "target/surefire-reports/*.xml"]
artifacts = "screenshots/**"
timeout = "1h30m"
env = { BASE_URL = "http://shop.test", PORT = 8080 }
work_dir = "web"
description = "The quick ones"

[command.lint]
run = ["ruff", "check", "."]
"""


def refused(toml: str) -> str:
    with pytest.raises(BadField) as caught:
        parse_pack_file(toml.encode())
    return str(caught.value)


def test_every_key_of_a_command_is_read() -> None:
    unit, lint = parse_pack_file(FULL).commands.values()
    assert unit == Command(
        name="unit",
        run="pytest -q --junitxml=report.xml",
        junit=("report.xml", "target/surefire-reports/*.xml"),
        artifacts=("screenshots/**",),
        timeout=5400.0,
        env={"BASE_URL": "http://shop.test", "PORT": "8080"},
        work_dir="web",
        description="The quick ones",
    )
    assert lint == Command(name="lint", run=("ruff", "check", "."))


def test_the_example_of_the_documentation_is_valid() -> None:
    page = (ROOT / "docs" / "reference" / "anyrig-toml.md").read_text()
    (example,) = re.findall(r"(?s)```toml\n(.*?)```", page)
    assert list(parse_pack_file(example.encode()).commands) == ["unit", "shop", "lint"]


def test_an_empty_file_has_no_commands() -> None:
    assert parse_pack_file(b"") == PackFile(commands={})


def test_a_byte_order_mark_is_no_trouble() -> None:
    assert list(parse_pack_file(b"\xef\xbb\xbf" + FULL).commands) == ["unit", "lint"]


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        ("90", 90),
        ("0.5", 0.5),
        ('"30m"', 1800),
        ('"2d"', 172_800),
        ('"1m 30.5s"', 90.5),
        ("2592000", 2_592_000),
    ],
)
def test_a_timeout_is_a_number_of_seconds_or_has_units(timeout: str, seconds: float) -> None:
    (command,) = parse_pack_file(f'[command.a]\nrun = "true"\ntimeout = {timeout}'.encode()).commands.values()
    assert command.timeout == seconds


@pytest.mark.parametrize("timeout", ["0", "-1", '""', '"soon"', '"5"', "true", "nan", "inf", '"31d"', "[]"])
def test_another_timeout_is_refused(timeout: str) -> None:
    message = refused(f'[command.a]\nrun = "true"\ntimeout = {timeout}')
    assert "The field 'command.a.timeout' is not valid" in message
    assert "is not a time such as '90s', '1h30m' or 90" in message


def test_an_unknown_key_is_refused_with_the_known_ones() -> None:
    assert refused('[command.unit]\nrun = "true"\njunitxml = "a"') == (
        "The field 'command.unit.junitxml' is not valid: it is not known; known here: "
        "run, junit, artifacts, timeout, env, work_dir, description."
    )
    assert (
        refused("[comand.unit]") == "The field 'comand' is not valid: it is not known; known here: command."
    )


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[command.unit]", "'command.unit.run' is not valid: it is missing"),
        ("[command]\nrun = 'true'", "'command.run' is not valid: it is not a table; a command is written as"),
        ("command = 3", "'command' is not valid: it is not a table"),
        ("[command.'a b']\nrun = 'true'", "'a b' is not 1 to 63 letters, digits, '-' or '_'"),
        ("[command.a]\nrun = 3", "'command.a.run' is not valid: it is not a text"),
        ("[command.a]\nrun = ' '", "'command.a.run' is not valid: it is empty"),
        ("[command.a]\nrun = []", "'command.a.run' is not valid: it is empty"),
        ('[command.a]\nrun = "a\\u0000b"', "'command.a.run' is not valid: it is not a text"),
        ("[command.a]\nrun = 'true'\nwork_dir = '../x'", "'../x' is not a folder inside the test pack"),
        ("[command.a]\nrun = 'true'\nwork_dir = '/x'", "'/x' is not a folder inside the test pack"),
        ("[command.a]\nrun = 'true'\njunit = ['../*.xml']", "is not a pattern of paths inside"),
        ("[command.a]\nrun = 'true'\nenv = 'A=1'", "'command.a.env' is not valid: it is not a table"),
        (
            "[command.a]\nrun = 'true'\nenv = { 'A-B' = '1' }",
            "the name is not one of letters, digits and '_'",
        ),
        ("[command.a]\nrun = 'true'\nenv = { ANYRIG_JOB = '1' }", "names that begin with ANYRIG_ are set by"),
        ("[command.a]\nrun = 'true'\nenv = { A = true }", "it is neither a text nor a whole number"),
        ("[command.a\n", "it is not TOML in UTF-8: Expected ']'"),
        ("a = " + "[" * 100_000, "it is not TOML in UTF-8"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(toml: str, message: str) -> None:
    assert message in refused(toml)


def test_another_encoding_is_refused() -> None:
    with pytest.raises(BadField, match="it is not TOML in UTF-8"):
        parse_pack_file(b"# gr\xf6\xdfe")


@settings(deadline=None)
@given(st.binary() | st.text().map(lambda text: f"[command.{text}]\nrun='{text}'".encode(errors="replace")))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    try:
        assert isinstance(parse_pack_file(data), PackFile)
    except BadField as error:
        assert "is not valid" in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("glob", "matches", "misses"),
    [
        ("report.xml", ["report.xml"], ["a/report.xml", "reportxxml"]),
        ("./a//report.xml", ["a/report.xml"], ["report.xml"]),
        ("*.xml", ["a.xml", ".xml"], ["a/b.xml", "a.xml.bak"]),
        ("a/*/b", ["a/x/b"], ["a/b", "a/x/y/b"]),
        ("**/*.xml", ["a.xml", "a/b/c.xml"], ["a/b/c.txt"]),
        ("a/**", ["a/b", "a/b/c", "a/.hidden"], ["a", "b/a/c"]),
        ("a/**/b", ["a/b", "a/x/y/b"], ["a/xb"]),
        ("a/", ["a/b", "a/b/c"], ["a", "ab"]),
        (".", ["a", "a/b"], []),
        ("**", ["a", "a/b"], []),
        ("?.log", ["a.log"], ["ab.log", "/.log"]),
        ("[a-c]1", ["a1", "c1"], ["d1"]),
        ("[!a-c]1", ["d1"], ["a1", "/1"]),
        ("[]x]", ["]", "x"], ["y"]),
        ("[a&&b--d]", ["a", "&", "c"], ["e"]),
        ("[^a]", ["^", "a"], ["b"]),
        ("a[1", ["a[1"], ["a1"]),
        ("a+(b).log", ["a+(b).log"], ["aab.log"]),
        ("new\nline*", ["new\nline\n"], []),
    ],
)
def test_a_glob_matches_whole_paths(glob: str, matches: list[str], misses: list[str]) -> None:
    pattern = compiled_glob("artifacts", glob)
    assert [path for path in matches if not pattern.fullmatch(path)] == []
    assert [path for path in misses if pattern.fullmatch(path)] == []


@pytest.mark.parametrize("glob", ["", "/etc/*", "../x", "a/../../x", "[z-a]", "a\0"])
def test_a_glob_that_leaves_the_folder_or_makes_no_sense_is_refused(glob: str) -> None:
    with pytest.raises(BadField, match="'artifacts' is not valid"):
        compiled_glob("artifacts", glob)


@settings(deadline=None)
@given(st.text())
def test_any_glob_is_a_pattern_or_refused(glob: str) -> None:
    try:
        assert isinstance(compiled_glob("junit", glob), re.Pattern)
    except BadField as error:
        assert "is not valid" in str(error)  # noqa: PT017 - either outcome is right
