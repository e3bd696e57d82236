"""``sci``, the client of Sloth CI's users, unchanged and from PyPI: the server, and who may do what."""

import re
import uuid
from pathlib import Path

import pytest
from lab import PATIENCE, free_port, leftovers, until
from sci_client import Done, Sci
from sloth_farm import Sloth, running


@pytest.fixture
def own_sci(sci_programs: Path, own_sloth: Sloth, tmp_path: Path) -> Sci:
    """The admin of ``own_sloth`` at the command line."""
    return own_sloth.sci(sci_programs, tmp_path)


@pytest.mark.parametrize("command", ["status", "stat", "st"])
def test_status_tells_where_the_server_runs(sci: Sci, sloth: Sloth, command: str) -> None:
    done = sci(command)
    assert done.status == 0
    assert re.fullmatch(rf"Sloth CI version \d\S* is running on {sloth.url}\n", done.out), done.out


def is_refused(done: Done, failed: str) -> None:
    """In one line for people, and no HTML."""
    assert len(done.lines) == 1, done.out
    assert re.fullmatch(rf"{failed}: [^<>]{{5,120}}", done.lines[0]), done.out


def test_a_wrong_password_opens_nothing(sci: Sci, sci_programs: Path, sloth: Sloth, tmp_path: Path) -> None:
    name = sci.created("sci-closed", "touch {gate}")
    stranger = sloth.sci(sci_programs, tmp_path, "wrong")
    status = stranger("status")
    assert (status.status, status.out) == (0, f"Sloth CI is not running on {sloth.url}\n")
    for command, failed in (
        ("list", "Failed to get app list"),
        ("trigger", "Failed to trigger actions"),
        ("remove", "Failed to remove app"),
        ("stop", "Failed to stop Sloth CI"),
    ):
        app = () if command in {"list", "stop"} else (name,)
        done = stranger(command, *app)
        assert done.status == 1
        is_refused(done, failed)
    created = stranger("create", "sci-closed.yml")
    assert created.status == 0
    is_refused(created, "Failed to create app")
    assert sloth.ask("info", listen_point=name).json()["last_build_status_message"] == "Never triggered"


def test_nobody_gets_in_without_a_password(sci: Sci) -> None:
    config = sci.folder / "sloth.yml"
    (sci.folder / "nobody.yml").write_text(re.sub(r"(?m)^auth:\n(  .*\n)+", "", config.read_text()))
    assert "auth" not in (sci.folder / "nobody.yml").read_text()
    done = sci("-c", "nobody.yml", "list")
    assert done.status == 1
    is_refused(done, "Failed to get app list")


def test_an_operator_builds_and_does_not_end_the_server(
    sci_programs: Path, sloth: Sloth, tmp_path: Path
) -> None:
    operator = sloth.sci(sci_programs, tmp_path, sloth.new_token("olga", "operator"))
    name = operator.created("sci-operated", "echo hello")
    assert operator("trigger", name, "-w").out == "Completed 1/1\n"
    for command in ("stop", "restart"):
        done = operator(command)
        assert done.status == 1
        is_refused(done, f"Failed to {command} Sloth CI")
    assert sloth.starts() == 1
    assert operator("trigger", name, "-w").out == "Completed 1/1\n"


def test_a_restart_keeps_apps_and_history(own_sci: Sci, own_sloth: Sloth) -> None:
    name = own_sci.created("sci-lasting", "echo one", "exit {code}")
    assert own_sloth.built(name, code="0") == "Completed 2/2"
    assert own_sloth.built(name, code="1") == "Partially completed: 1/2"
    before = [own_sci(command, name) for command in ("info", "history", "logs")]
    done = own_sci("restart")
    assert (done.status, done.out) == (0, f"Restarting Sloth CI on {own_sloth.url}\n")
    until(lambda: own_sloth.starts() == 2, own_sloth.program.said)
    assert own_sci("list").lines == [name]
    assert [own_sci(command, name) for command in ("info", "history", "logs")] == before
    done = own_sci("trigger", name, "-w", "-p", "code=0")
    assert (done.status, done.out) == (0, "Completed 2/2\n")


def test_stop_ends_the_server_with_all_its_children(sci_programs: Path, tmp_path: Path) -> None:
    marker = uuid.uuid4().hex
    with running(tmp_path, free_port(), MARKER=marker) as ending:
        admin = ending.sci(sci_programs, tmp_path)
        done = admin("stop")
        assert (done.status, done.out) == (0, f"Stopping Sloth CI on {ending.url}\n")
        process = ending.program.process
        assert process is not None
        assert process.wait(PATIENCE) == 0, ending.program.said()
        assert leftovers(marker) == []
        status = admin("status")
        assert (status.status, status.out) == (0, f"Sloth CI is not running on {ending.url}\n")
        listed = admin("list")
        words = f"Failed to get app list: Failed to connect to Sloth CI on {ending.url}\n"
        assert (listed.status, listed.out) == (1, words)


def test_a_server_does_not_restart_with_settings_that_it_could_not_start_with(own_sloth: Sloth) -> None:
    for text, sentence in (
        ("port = 'many'\n", "a setting is wrong"),
        ("trusted_proxies = ['here']\n", "trusted_proxies"),
        ("[node.tv]\nlabels = []\n", "has no device"),
        ("[", "is not TOML"),
    ):
        (own_sloth.data / "anyrig.toml").write_text(text)
        refused = own_sloth.ask("restart")
        assert refused.status_code == 400
        assert sentence in refused.text
    assert own_sloth.ask("version").status_code == 200
    assert own_sloth.starts() == 1
