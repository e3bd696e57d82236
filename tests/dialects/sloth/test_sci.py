"""``sci``, the client of Sloth CI's users, unchanged and from PyPI: apps and builds on a farm of ours."""

import re
from pathlib import Path

import pytest
from lab import until
from sci_client import Sci
from sloth_farm import Sloth

NEVER = "Thu Jan  1 00:00:00 1970"
GATE = "until [ -e {gate} ]; do sleep 0.05; done"
"""An action that lasts until there is this file."""


def test_files_become_apps_which_are_listed_by_name(sci: Sci) -> None:
    for name in ("sci-zero", "sci-one", "sci-two"):
        sci.file(name, "echo hello")
    done = sci("create", "sci-zero.yml", "sci-one.yml")
    assert done.status == 0
    assert done.lines == [
        'App "sci-zero" created',
        'App "sci-zero" bound with config file "sci-zero.yml"',
        'App "sci-one" created',
        'App "sci-one" bound with config file "sci-one.yml"',
    ]
    assert sci("add", "*-tw?.yml").lines[0] == 'App "sci-two" created'
    listed = sci("list")
    assert (listed.status, listed.lines) == (0, sorted(listed.lines))
    assert {"sci-zero", "sci-one", "sci-two"} <= set(listed.lines)
    assert sci("ls") == listed


def test_an_app_that_is_there_is_not_made_again(sci: Sci, sloth: Sloth) -> None:
    sloth.created("sci-once", "echo first")
    sci.file("sci-once", "echo second")
    done = sci("create", "sci-once.yml")
    assert (done.status, done.lines) == (0, ["Failed to create app: Listen point sci-once is taken"])
    assert sloth.built("sci-once") == "Completed 1/1"
    assert "Executing action: echo first" in sci("logs", "sci-once").column(1)


def test_files_that_make_no_sense_are_refused_in_one_line_each(sci: Sci) -> None:
    (sci.folder / "0.yml").write_text("id: [\n")
    (sci.folder / "1.yml").write_text("actions:\n  - echo hello\n")
    (sci.folder / "2.yml").write_text("id: 123\nactions:\n  - echo hello\n")
    (sci.folder / "3.yml").write_text("just a text\n")
    before = sci("list")
    done = sci("create", "0.yml", "1.yml", "2.yml", "3.yml", "missing.yml")
    assert done.status == 0
    *refusals, last = done.lines
    assert last == "Path missing.yml not found"
    assert len(refusals) == 4
    assert all(line.startswith("Failed to create app: ") for line in refusals)
    assert refusals[1] == "Failed to create app: The \"'id'\" param is missing in the config"
    assert refusals[2].endswith(" is not a valid config string")
    assert sci("list") == before


def test_a_build_that_is_not_waited_for_goes_on_alone(sci: Sci, sloth: Sloth, tmp_path: Path) -> None:
    sloth.created("sci-alone", GATE)
    done = sci("trigger", "sci-alone", "-p", f"gate={tmp_path}/gate")
    assert (done.status, done.out) == (0, "Actions triggered on sci-alone\n")
    assert sci("info", "sci-alone").column(1) == ["Never triggered"]
    (tmp_path / "gate").touch()
    until(lambda: "Completed" in sloth.ask("info", listen_point="sci-alone").text, "the build has ended")


@pytest.mark.parametrize("command", ["trigger", "run", "fire"])
def test_a_build_that_is_waited_for_is_told_of(sci: Sci, sloth: Sloth, command: str) -> None:
    sloth.created(f"sci-{command}", "echo one", "echo two")
    done = sci(command, f"sci-{command}", "--wait")
    assert (done.status, done.out) == (0, "Completed 2/2\n")


def test_whoever_waits_is_told_of_a_build_of_their_own(sci: Sci, sloth: Sloth, tmp_path: Path) -> None:
    sloth.created("sci-own", GATE, "exit {code}")

    def begun(builds: int) -> None:
        asked = {"listen_point": "sci-own", "level": "10"}
        until(lambda: sloth.ask("history", **asked).text.count("Triggered") == builds, "it was asked for")

    trigger = ("trigger", "sci-own", "-w", "-p", f"gate={tmp_path}/gate")
    with sci.started(*trigger, "code=0") as end_of_first:
        begun(1)
        with sci.started(*trigger, "code=1") as end_of_second:
            begun(2)
            (tmp_path / "gate").touch()
            assert end_of_first().out == "Completed 2/2\n"
            assert end_of_second().out == "Partially completed: 1/2\n"


def test_params_take_the_places_of_those_in_the_file_and_are_values_only(sci: Sci, sloth: Sloth) -> None:
    name = "sci-params"
    sloth.created(name, "echo {greeting} {who} on {day}", more="params: {greeting: Hi, day: none}")
    done = sci("trigger", name, "-w", "-p", "who=Ada; echo pwned", "day=Monday morning")
    assert (done.status, done.out) == (0, "Completed 1/1\n")
    assert "stdout: Hi Ada; echo pwned on Monday morning" in sci("logs", name, "-l", "10").column(1)


@pytest.mark.parametrize(
    ("name", "actions", "more", "message", "fault"),
    [
        ("half", ("echo one", "exit 3"), "", "Partially completed: 1/2", "Exit code: 3"),
        ("none", ("exit 3",), "", "None completed: 0/1", "Exit code: 3"),
        ("critical", ("!critical exit 3", "echo never"), "", "Build failed", "Exit code: 3"),
        ("first", ("exit 3", "echo never"), "stop_on_first_fail: true", "Build failed", "Exit code: 3"),
        ("param", ("echo {who}", "echo two"), "", "Partially completed: 1/2", "Missing param: 'who'"),
        ("slow", ("sleep 60",), "exec_timeout: 0.2", "None completed: 0/1", "timed out after 0.2 seconds"),
    ],
)
def test_a_build_that_fails_is_told_of_by_words(
    sci: Sci, sloth: Sloth, name: str, actions: tuple[str, ...], more: str, message: str, fault: str
) -> None:
    sloth.created(f"sci-bad-{name}", *actions, more=more)
    done = sci("trigger", f"sci-bad-{name}", "-w")
    assert (done.status, done.out) == (0, f"{message}\n")
    said = sci("logs", f"sci-bad-{name}").column(1)
    assert (said[0], "Executing action: echo never" in said) == (message, False)
    errors = sci("logs", f"sci-bad-{name}", "-l", "40").column(1)
    assert fault in errors[-1]


def test_info_tells_of_the_file_and_of_the_last_build(sci: Sci, sloth: Sloth) -> None:
    name = sci.created("sci-info", "exit {code}")
    new = sci("info", name)
    assert (new.status, new.lines[0][:11]) == (0, "Config File")
    told = [new.column(number) for number in range(3)]
    assert told == [[str(sci.folder / "sci-info.yml")], ["Never triggered"], [NEVER]]
    for code, message in (("0", "Completed 1/1"), ("1", "None completed: 0/1")):
        assert sloth.built(name, code=code) == message
        built = sci("info", name)
        assert built.column(1) == [message]
        assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d 20\d\d", built.column(2)[0])


def test_an_app_without_a_file_can_be_asked_about(sci: Sci, sloth: Sloth) -> None:
    done = sci("info", sloth.created("sci-no-file", "echo hello"))
    assert (done.status, done.column(0), done.column(1)) == (0, [""], ["Never triggered"])


@pytest.mark.parametrize("command", ["reload", "update", "up"])
def test_an_app_is_made_again_from_its_file_and_keeps_its_history(
    sci: Sci, sloth: Sloth, command: str
) -> None:
    name = sci.created(f"sci-{command}", "echo old", "echo older")
    assert sloth.built(name) == "Completed 2/2"
    file = sci.file(name, "echo new")
    done = sci(command, name)
    assert (done.status, done.lines) == (
        0,
        [f'App "{name}" removed', f'App "{name}" created', f'App "{name}" bound with config file "{file}"'],
    )
    assert sloth.built(name) == "Completed 1/1"
    assert sci("history", name).column(1) == ["Completed 1/1", "Completed 2/2"]
    assert "Executing action: echo new" in sci("logs", name).column(1)


def test_an_app_whose_file_is_gone_is_removed_by_a_reload(sci: Sci) -> None:
    name = sci.created("sci-gone", "echo hello")
    file = sci.folder / "sci-gone.yml"
    file.unlink()
    done = sci("reload", name)
    assert (done.status, done.lines) == (0, [f'App "{name}" removed', f"Path {file} not found"])
    assert name not in sci("list").lines


@pytest.mark.parametrize("command", ["remove", "del", "rm"])
def test_an_app_that_is_removed_is_gone(sci: Sci, sloth: Sloth, command: str) -> None:
    name = sloth.created(f"sci-{command}", "echo hello")
    done = sci(command, name)
    assert (done.status, done.out) == (0, f'App "{name}" removed\n')
    assert name not in sci("list").lines


def test_a_new_app_of_an_old_name_has_a_history_of_its_own(sci: Sci, sloth: Sloth) -> None:
    name = sci.created("sci-heir", "echo hello")
    sloth.built(name)
    sci("remove", name)
    file = sci.file(name, "echo hello", at="another.yml").name
    assert sci("create", file).status == 0
    assert sci("history", name).column(1) == []
    assert sci("info", name).column(1) == ["Never triggered"]


@pytest.mark.parametrize(
    ("command", "failed"),
    [
        ("info", "Failed to get app info"),
        ("history", "Failed to get app build history"),
        ("logs", "Failed to get app logs"),
        ("trigger", "Failed to trigger actions"),
        ("reload", "Failed to get app info"),
        ("remove", "Failed to remove app"),
    ],
)
def test_an_app_that_there_is_not_is_told_of(sci: Sci, command: str, failed: str) -> None:
    done = sci(command, "sci-nobody")
    assert (done.status, done.out) == (1, f"{failed}: Listen point 'sci-nobody' not found\n")
