"""What a test pack says about how its tests run."""

import configparser
from dataclasses import replace
from pathlib import Path

import pytest

from anyrig.core.errors import Invalid
from anyrig.core.messages import TaskSpec
from anyrig.executors.python.settings import run_configuration, settings

SPEC = TaskSpec(
    task=1,
    job_uid="/rig1/0000/7",
    task_index=0,
    node="rig1",
    kind="python",
    project="tv",
    user="ada",
    pack_url="",
    sha="",
    tests=(),
    done=0,
    forever=False,
    shuffle=False,
    category="50%",
    remote_control="",
    tags={"Build": "1%\nsecond", "build": "2", "none": None, "#no": "x", ";no": "x", "[no]": "x"},
)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_pack_that_says_nothing_has_defaults(tmp_path: Path) -> None:
    how = settings(SPEC, tmp_path)
    assert (how.timeout, how.max_log, how.max_files) == (21600, 100 << 20, 2 << 30)
    assert (how.arguments, how.python, how.files) == (("-c", "/dev/null"), None, ())


def test_a_nodes_file_comes_before_the_packs_and_parameters_before_both(tmp_path: Path) -> None:
    write(
        tmp_path / ".stbt.conf",
        "[test_pack]\nwatchdog_timeout = 60\nmax_log_bytes = 10\npython_version=3.12\n",
    )
    write(tmp_path / "config/test-farm/rig1.conf", "[test_pack]\nwatchdog_timeout = 70\nmax_log_bytes = 20\n")
    how = settings(SPEC, tmp_path)
    assert (how.timeout, how.max_log, how.python) == (70, 20, "3.12")
    spec = TaskSpec(**{name: getattr(SPEC, name) for name in SPEC.__slots__} | {"params": {"timeout": "5"}})
    assert settings(spec, tmp_path).timeout == 5


@pytest.mark.parametrize("text", ["true", "false", ""])
def test_older_packs_only_say_that_they_use_pytest(tmp_path: Path, text: str) -> None:
    write(tmp_path / ".stbt.conf", f"[test_pack]\npytest = {text}\n")
    assert settings(SPEC, tmp_path).arguments == ("-c", "/dev/null")


def test_arguments_for_pytest_are_split_like_a_shell_does(tmp_path: Path) -> None:
    write(tmp_path / ".stbt.conf", "[test_pack]\npytest = -k 'a b' --x=%(y)s\n")
    assert settings(SPEC, tmp_path).arguments[2:] == ("-k", "a b", "--x=%(y)s")


@pytest.mark.parametrize(
    ("name", "text", "arguments"),
    [
        ("pytest.ini", "[pytest]\n", ("-c", "pytest.ini")),
        ("pytest.ini", "[pytest]\naddopts = -p stbt_rig\n", ("-c", "pytest.ini", "-o", "addopts=")),
        ("setup.cfg", "[tool:pytest]\n", ("-c", "setup.cfg")),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", ("-c", "pyproject.toml")),
        ("pyproject.toml", "[project]\n", ("-c", "/dev/null")),
    ],
)
def test_pytest_gets_the_packs_own_configuration_and_no_other(
    tmp_path: Path, name: str, text: str, arguments: tuple[str, ...]
) -> None:
    write(tmp_path / name, text)
    expected = tuple(str(tmp_path / each) if each == name else each for each in arguments)
    assert settings(SPEC, tmp_path).arguments == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[test_pack\n", "cannot be read"),
        ("[test_pack]\nwatchdog_timeout = soon\n", "'soon' is not a number above 0 (watchdog_timeout)"),
        ("[test_pack]\nwatchdog_timeout = -1\n", "'-1' is not a number above 0"),
        ("[test_pack]\nmax_log_bytes = inf\n", "'inf' is not a number above 0"),
        ("[test_pack]\npytest = 'x\n", "cannot be split into arguments"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_reason(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path / ".stbt.conf", text)
    with pytest.raises(Invalid) as refused:
        settings(SPEC, tmp_path)
    assert reason in str(refused.value)


def test_the_configuration_of_a_run_reads_back_as_it_was_given() -> None:
    parser = configparser.ConfigParser()
    parser.read_string(run_configuration(SPEC, "tests/a.py::test_x[50%]"))
    assert dict(parser["result"]) == {
        "test_case": "tests/a.py::test_x[50%]",
        "job_uid": "/rig1/0000/7",
        "job_category": "50%",
    }
    assert dict(parser["result.tags"]) == {"build": "2", "none": ""}
    assert not parser.has_section("test_pack")


def test_a_remote_control_is_the_tasks_or_the_packs_and_pictures_are_kept_unless_it_says_not(
    tmp_path: Path,
) -> None:
    assert (settings(SPEC, tmp_path).remote_control, settings(SPEC, tmp_path).video) == ("", True)
    write(
        tmp_path / ".stbt.conf",
        "[test_pack]\ndefault_remote_control = vendor\nvideo = Off\nscreenshot = no\n",
    )
    how = settings(SPEC, tmp_path)
    assert (how.remote_control, how.video, how.screenshot) == ("vendor", False, False)
    spec = replace(SPEC, remote_control="other", params={"video": True})
    assert (settings(spec, tmp_path).remote_control, settings(spec, tmp_path).video) == ("other", True)


def test_what_is_neither_true_nor_false_is_refused(tmp_path: Path) -> None:
    write(tmp_path / ".stbt.conf", "[test_pack]\nvideo = never\n")
    with pytest.raises(Invalid, match="'never' is neither true nor false"):
        settings(SPEC, tmp_path)
