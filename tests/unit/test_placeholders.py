"""Values from outside are put into commands, and real shells read them as nothing but values."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anyrig.core.build_spec import Source, Value
from anyrig.core.placeholders import LONGEST, BadCommand, MissingParam, environment, fill

CONFIG, TRIGGER, WEBHOOK = Source.CONFIG, Source.TRIGGER, Source.WEBHOOK
SHELLS = (("/bin/sh", "-c"), ("bash", "--posix", "-c"))
ATTACKS = (
    "x;touch${IFS}pwned",
    "$(touch pwned)",
    "(touch pwned)",
    "`touch pwned`",
    "';touch pwned;'",
    '";touch pwned;"',
    "\\';touch pwned;\\'",
    "\ntouch pwned\n",
    "\\\ntouch pwned\n",
    ")\ntouch pwned\n(",
    "}$(touch pwned){",
    "|touch pwned",
    "&touch pwned",
    "\nE\ntouch pwned\n",
    "--x=$(touch pwned)",
    "#$(touch pwned)",
)
ODD = st.text(st.sampled_from("ab \n\t'\"\\$`(){}<>|&;#!*?[]~=-%é\x01\x81"), max_size=12)
ANY = st.one_of(ODD, st.text(max_size=12))
UNQUOTED = (
    "printf %s {x}",
    "printf %s a{x}b",
    "printf %s ''{x}\"\"",
    "printf %s $(true){x}",
    "printf %s '#'{x}a#b",
    "printf %s \\\n{x}",
    "printf %s `true`{x}",
    "true # '\nprintf %s {x}",
    "true \\\n# '\nprintf %s {x}",
    "true a\\\n#'\\'; printf %s {x}",
    "printf %s '\\'{x}'a\\b'",
    "printf %s 'a\\b'{x}",
    "x=$(printf '%s.' {x}); printf %s \"${{x%.}}\"",
    "case q in q) printf %s {x};; esac",
    "(printf %s {x})>&1",
    "f() {{ printf %s {x}; }}; f",
    "printf %s $#{x} 2>&1",
    "printf %s 2>&1 {x}",
    "printf %s >&2; printf %s {x}",
    "printf '%s' \"$(printf a | cat)\"{x}",
)
DOUBLE = (
    'printf %s "{x}"',
    'printf %s "a{x}b"',
    'printf %s "$(true){x}"',
    'printf %s "`true`{x}"',
    'printf %s "${{y:-}}{x}"',
    'true "it\'s" $# \'"\'; printf %s "{x}"',
    'printf %s "\\"{x}"',
    'printf %s "$"\'"\'"{x}"',
)
SINGLE = ("printf %s '{x}'", "printf %s 'a{x}b'", "printf %s '$('\"$(true)\"'{x}'")
OPAQUE = (
    "printf %s \\{x}",
    'printf %s "\\{x}"',
    "printf %s `printf %s {x}`",
    'printf %s "`printf %s {x}`"',
    'printf %s "$(printf %s {x})"',
    "printf %s ${{y:-{x}}}",
    'printf %s "${{y:-{x}}}"',
    "printf %s $(({x}))",
    "printf %s $((1)) {x}",
    "printf %s $'{x}'",
    "true # {x}",
    "cat <<E\n{x}\nE",
    "cat <<'E'\n{x}\nE",
    'printf %s "$(true "a")" {x}',
    'true "$(case q in q) true;; esac)" {x}',
    "true >&{x}",
    "true 2>& {x}",
)
BEHIND_A_DOLLAR = ("printf %s ${x}", 'printf %s "${x}"', "printf %s $${{y}}${x}")
NAIVE = (
    "echo {x}",
    "echo '{x}'",
    'echo "{x}"',
    "cat <<E\n{x}\nE",
    "echo \\{x}",
    'echo "${x}"',
    "(true{x}true)",
)
PIECES = (
    *(
        "echo ",
        "printf %s ",
        "q",
        "z",
        "2",
        "=",
        " ",
        "\t",
        "\n",
        ";",
        "&",
        "|",
        "#",
        "!",
        "-",
        "'",
        '"',
        "\\",
    ),
    *(
        "\\\n",
        "$",
        "$(",
        "$((",
        "(",
        ")",
        "))",
        "`",
        "${{",
        "}}",
        "<",
        ">",
        "<<E\n",
        "\nE\n",
        "case q in ",
        ";;",
    ),
    *("esac", "[", "]", "$#", "$$", "$?", "{{ ", "; }}", "{x}", "{x}", "{y}"),
)


def params(source: Source, **values: Any) -> dict[str, Value]:
    return {name: Value(source, value) for name, value in values.items()}


def filled(template: str, source: Source = TRIGGER, **values: Any) -> str:
    return fill(template, params(source, **values)).text


def refusal(template: str, source: Source = TRIGGER, **values: Any) -> str:
    with pytest.raises((BadCommand, MissingParam)) as caught:
        fill(template, params(source, **values))
    return str(caught.value)


def printed(text: str, shell: tuple[str, ...] = SHELLS[0]) -> bytes:
    """What the shell prints; it must leave no file."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*shell, text], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        assert not list(Path(folder).iterdir())
    return done.stdout


def pwns(text: str, shell: tuple[str, ...]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        environ = {"PATH": os.environ["PATH"], "y": "z"}
        subprocess.run(
            [*shell, text],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return Path(folder, "pwned").exists()


@cache
def around(template: str) -> bytes:
    """What the template prints, with ``MARK`` for the value."""
    said = printed(filled(template, x="MARK"))
    assert said.count(b"MARK") == 1
    return said


@pytest.mark.parametrize("template", UNQUOTED + DOUBLE + SINGLE)
def test_an_attack_by_a_trigger_is_printed_as_it_is(template: str) -> None:
    for value in ATTACKS:
        for shell in SHELLS:
            said = printed(filled(template, x=value), shell)
            assert said == around(template).replace(b"MARK", value.encode())


@pytest.mark.parametrize("template", UNQUOTED + DOUBLE + SINGLE)
@given(value=ANY)
@settings(max_examples=25)
def test_a_triggers_value_is_printed_as_it_is(template: str, value: str) -> None:
    if "\0" in value:
        assert "has a NUL" in refusal(template, x=value)
    else:
        for shell in SHELLS:
            assert printed(filled(template, x=value), shell) == around(template).replace(
                b"MARK", value.encode()
            )


@pytest.mark.parametrize("template", UNQUOTED)
@given(value=ANY)
@settings(max_examples=25)
def test_a_webhooks_value_is_printed_as_it_is_where_no_quotes_are(template: str, value: str) -> None:
    if "\0" in value or value.startswith("-"):
        assert "param 'x'" in refusal(template, WEBHOOK, x=value)
    else:
        text = filled(template, WEBHOOK, x=value)
        assert printed(text) == around(template).replace(b"MARK", value.encode())


@pytest.mark.parametrize("template", DOUBLE + SINGLE)
def test_a_webhooks_value_is_refused_within_quotes(template: str) -> None:
    for value in ATTACKS:
        assert '"$SLOTH_PARAM_X" instead' in refusal(template, WEBHOOK, x=value)


@pytest.mark.parametrize("template", OPAQUE)
@pytest.mark.parametrize("source", [TRIGGER, WEBHOOK])
def test_a_value_is_refused_where_it_is_not_clear_what_it_would_be(template: str, source: Source) -> None:
    for value in (*ATTACKS, "", "-x"):
        assert "the value of param 'x'" in refusal(template, source, x=value)


@pytest.mark.parametrize("template", OPAQUE + UNQUOTED + DOUBLE + SINGLE)
@pytest.mark.parametrize("source", [TRIGGER, WEBHOOK])
def test_a_value_of_harmless_characters_stands_everywhere(template: str, source: Source) -> None:
    for value in ("main", "feature/x-1", "v1.2:3@4,5=6+7_", "7"):
        assert filled(template, source, x=value) == template.format(x=value)


@pytest.mark.parametrize("template", BEHIND_A_DOLLAR)
@pytest.mark.parametrize("source", [TRIGGER, WEBHOOK])
@pytest.mark.parametrize("value", ["HOME", "(touch pwned)", ""])
def test_no_value_becomes_the_name_of_a_variable(template: str, source: Source, value: str) -> None:
    assert refusal(template, source, x=value) == (
        "Execution failed: the value of param 'x' would be read as the name of a variable: "
        'use the variable "$SLOTH_PARAM_X" instead'
    )


@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=14), x=st.sampled_from(ATTACKS), y=ODD)
@settings(max_examples=400)
@example(pieces=['"$(case q in q) echo "', "{x}", '" ;; esac)"'], x="$(touch pwned)", y="")
@example(pieces=["echo $(true)#'", "{x}", "'"], x="$(touch pwned)", y="")
@example(pieces=["echo >&", "{x}"], x="$(touch pwned)", y="")
@example(pieces=["echo <<E\n", "'", "{x}", "'\nE\n"], x="\nE\ntouch pwned\n", y="")
def test_no_value_is_run_wherever_it_stands(pieces: list[str], x: str, y: str) -> None:
    for source in (TRIGGER, WEBHOOK):
        try:
            command = fill("".join(pieces), params(source, x=x) | params(CONFIG, y=y)).text
        except BadCommand:
            continue
        for shell in SHELLS:
            assert not pwns(command, shell)


@pytest.mark.parametrize("value", ATTACKS)
def test_the_same_values_are_run_when_they_are_as_good_as_the_authors(value: str) -> None:
    """Else the test above would show nothing."""
    assert any(pwns(filled(template, CONFIG, x=value), SHELLS[0]) for template in NAIVE)
    assert fill("echo {x}", params(WEBHOOK, x=value), raw=True).text == f"echo {value}"


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("git checkout {x}", "x;touch${IFS}pwned", "git checkout 'x;touch${IFS}pwned'"),
        ("echo {x}", "it's", "echo 'it'\"'\"'s'"),
        ("echo {x}", "", "echo ''"),
        ('echo "{x}"', "", 'echo ""'),
        ("echo '{x}'", "", "echo ''"),
        ("echo {x}", "-rf", "echo '-rf'"),
        ('echo "{x}"', 'a"$b`c\\', 'echo "a\\"\\$b\\`c\\\\"'),
        ("echo '{x}'", "it's", "echo 'it'\\''s'"),
        ("echo {x}>file", "2", "echo '2'>file"),
        ("echo {x} >file", "2", "echo 2 >file"),
        ("echo '{x}<'", "2", "echo '2<'"),
        ("echo {x}", ["a", "b"], "echo '['\"'\"'a'\"'\"', '\"'\"'b'\"'\"']'"),
        ("echo {x}", "naïve", "echo 'naïve'"),
        ("echo {x}", "a\n", "echo 'a\n'"),
        ("echo {x}", 5, "echo 5"),
    ],
)
def test_values_from_a_trigger_are_quoted(template: str, value: Any, text: str) -> None:
    assert filled(template, x=value) == text


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("{x} {x!r:>8}|{y[1]}|{z[k]}", {"x": "a b", "y": [1, 2], "z": {"k": "$v"}}, "a b    'a b'|2|$v"),
        ("${{HOME}} {{}}", {}, "${HOME} {}"),
        ("{x:>{w}}{f:.2f}", {"x": "a", "w": 3, "f": 1.5}, "  a1.50"),
        ("{a-b} { c } {d.real}", {"a-b": 1, " c ": 2, "d": 3}, "1 2 3"),
        ("{x}", {"x": ["a", "b"]}, "['a', 'b']"),
        ("{x} {y}", {"x": True, "y": None}, "True None"),
    ],
)
def test_the_authors_own_values_are_formatted_as_by_python(
    template: str, values: Mapping[str, Any], text: str
) -> None:
    assert filled(template, CONFIG, **values) == text == template.format_map(values)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{nope}", "Missing param: 'nope'"),
        ("${HOME}", "Missing param: 'HOME'"),
        ("{d[nope]}", "Missing param: 'nope'"),
        ("{x:{nope}}", "Missing param: 'nope'"),
        ("{}", "Execution failed: Format string contains positional fields"),
        ("{0}", "Execution failed: Format string contains positional fields"),
        ("{x:{}}", "Execution failed: Format string contains positional fields"),
        ("a}", "Execution failed: Single '}' encountered in format string"),
        ("a{", "Execution failed: Single '{' encountered in format string"),
        ("{x", "Execution failed: expected '}' before end of string"),
        ("{x.nope}", "Execution failed: 'str' object has no attribute 'nope'"),
        ("{x:q}", "Execution failed: Unknown format code 'q' for object of type 'str'"),
        ("{l[7]}", "Execution failed: list index out of range"),
        ("{x:>1000000}", "Execution failed: Too many decimal digits in format string"),
        ("{x.__class__}", "Execution failed: '{x.__class__}' asks for something whose name begins with '_'"),
        ("{d[_k]}", "Execution failed: '{d[_k]}' asks for something whose name begins with '_'"),
        ("{x.upper._x}", "Execution failed: '{x.upper._x}' asks for something whose name begins with '_'"),
        ("\0", "Execution failed: embedded null byte"),
        ("{n}", "Execution failed: embedded null byte"),
        ("{s}", "Execution failed: 'utf-8' codec can't encode character '\\ud800' in position 0: surrogates"),
    ],
)
def test_what_cannot_be_filled_in_has_a_sentence(template: str, sentence: str) -> None:
    values = {"x": "text", "d": {"_k": 1}, "l": [1], "n": "\0", "s": "\ud800"}
    assert refusal(template, CONFIG, **values).removesuffix(" not allowed") == sentence


def test_a_webhooks_value_that_begins_with_a_dash_is_refused() -> None:
    assert refusal("git checkout {branch}", WEBHOOK, branch="--upload-pack=x") == (
        "Execution failed: the value of param 'branch' begins with '-': "
        'use the variable "$SLOTH_PARAM_BRANCH" instead'
    )


def test_a_nul_is_refused() -> None:
    assert "the value of param 'x' has a NUL: use" in refusal("echo {x}", x="a\0b")


def test_a_command_that_no_shell_takes_is_refused() -> None:
    assert len(filled("{x}", x="a" * LONGEST)) == LONGEST
    subprocess.run(["/bin/sh", "-c", ":".ljust(LONGEST)], check=True)
    assert refusal("{x}", x="a" * (LONGEST + 1)) == (
        "Execution failed: the command has 131072 bytes; a shell takes 131071 at most"
    )


@pytest.mark.parametrize("key", ["x", "y"])
def test_who_gives_a_part_of_a_placeholder_is_believed_no_more_than_for_the_whole(key: str) -> None:
    values = {"x": Value(CONFIG, "a;b"), "y": Value(CONFIG, ">5")} | {key: Value(WEBHOOK, "`>5")}
    with pytest.raises(BadCommand):
        fill('"{x:{y}}"', values)


@pytest.mark.parametrize(
    "template",
    [
        "ssh host deploy {x}",
        "/usr/bin/ssh -p 22 host {x}",
        "eval echo {x}",
        "timeout 5 bash -c {x}",
        "echo {x} | sh",
        "{remote} deploy {x}",
        "su nobody -c {x}",
        "[[ {x} -eq 1 ]]",
    ],
)
def test_a_webhooks_value_is_not_quoted_for_one_shell_when_two_read_it(template: str) -> None:
    values = params(CONFIG, remote="ssh host")
    with pytest.raises(BadCommand, match=r"'x' would be read by a second shell$"):
        fill(template, values | params(WEBHOOK, x="a b"))
    assert fill(template, values | params(WEBHOOK, x="main")).text.count("main") == 1
    assert fill(template, values | params(TRIGGER, x="a b")).text.count("'a b'") == 1


@pytest.mark.parametrize("template", ["git push origin {x}", "./deploy.sh {x}", "ssh-keygen -f {x}"])
def test_other_commands_are_not_taken_for_shells(template: str) -> None:
    assert filled(template, WEBHOOK, x="a b") == template.format(x="'a b'")


def test_the_authors_values_say_where_quotes_are() -> None:
    values = params(CONFIG, quote='"') | params(WEBHOOK, x="$(touch pwned)")
    with pytest.raises(BadCommand):
        fill("echo {quote}{x}{quote}", values)
    values = params(CONFIG, quote='"') | params(TRIGGER, x="$(touch pwned)")
    assert fill("echo {quote}{x}{quote}", values).text == 'echo "\\$(touch pwned)"'


def test_secrets_are_not_shown_however_they_are_quoted() -> None:
    line = fill("login {user} {word!r} '{user}'", params(TRIGGER, user="u", word="it's"), secret={"word"})
    assert line.shown == "login u ******** 'u'"
    assert "it" in line.text


def test_every_param_is_in_the_environment_by_two_names() -> None:
    values = params(CONFIG, branch="a b", **{"dots.and-dashes": 1}) | params(WEBHOOK, ß=["ä", 2], no=None)
    values |= params(TRIGGER, bad="a\0b\ud800", long="x" * LONGEST, yes=True)
    expected = {"BRANCH": "a b", "DOTS_AND_DASHES": "1", "SS": '["\\u00e4", 2]', "NO": "", "YES": "true"}
    expected["BAD"] = "ab?"
    assert environment(values) == {
        f"{prefix}_PARAM_{name}": text for prefix in ("SLOTH", "ANYRIG") for name, text in expected.items()
    }


def test_the_longest_variable_is_taken_by_programs() -> None:
    environ = environment(params(TRIGGER, x="x" * (LONGEST - len("ANYRIG_PARAM_X") - 1)))
    assert len(environ) == 2
    subprocess.run(["/bin/sh", "-c", ":"], env=environ, check=True)
