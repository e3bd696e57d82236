"""The commands of the client, as a user starts them."""

import csv
import io
import json
import os
import pty
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import fromstring

import pytest

if TYPE_CHECKING:
    from tests.dialects.native.conftest import Api, Command, Gate

ON_NODE = ("--project", "shop", "--node", "local-1")


def test_run_says_what_happens_and_how_it_ended(command: "Command") -> None:
    out, err = command.run("run", *ON_NODE, "command:greet", "command:bad", code=1)
    lines = out.splitlines()
    assert lines[0].startswith("Job ")
    assert "/app/#/results?filter=job:/local-1/" in lines[0]
    assert any(line.startswith("pass   command:greet  ") for line in lines)
    assert any(line.startswith("fail   command:bad  ") for line in lines)
    assert lines[-1].endswith("1 passed, 1 failed, 0 errors.")
    assert not err


def test_run_ends_with_0_when_everything_passed(command: "Command") -> None:
    out, _ = command.run("run", *ON_NODE, "--log", "command:greet")
    assert "hello\n" in out
    assert "Grüße <b>alle</b>\n" in out


def test_run_writes_json_and_nothing_else(command: "Command") -> None:
    asked = ("-t", "model=T-1000", "-t", "flaky", "-P", "LEVEL=2", "--category", "nightly")
    out, _ = command.run("run", *ON_NODE, "--json", *asked, "command:unit", code=1)
    told = json.loads(out)
    assert told["job"]["verdict"] == "fail"
    assert told["job"]["tags"] == {"model": "T-1000", "flaky": None}
    assert (told["job"]["params"], told["job"]["category"]) == ({"LEVEL": "2"}, "nightly")
    assert [each["test"] for each in told["results"]] == ["unit::sums::adds", "unit::sums::divides"]


def test_a_terminal_shows_results_in_colours_and_where_the_job_is(command: "Command") -> None:
    ours, theirs = pty.openpty()
    shown = b""
    with command.start(
        "run", *ON_NODE, "command:greet", "command:bad", stdout=theirs, TERM="xterm"
    ) as process:
        os.close(theirs)
        with suppress(OSError):  # the end of a terminal
            while piece := os.read(ours, 65536):
                shown += piece
    os.close(ours)
    assert process.returncode == 1
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "\x1b[32m" in shown.decode()
    assert "✔ pass  command:greet" in text
    assert "✘ fail  command:bad" in text
    assert "2/2" in text


def test_run_writes_junit(command: "Command", tmp_path: Path) -> None:
    file = tmp_path / "out/results.xml"
    command.run("run", *ON_NODE, "--junit", str(file), "command:unit", code=1)
    suite = fromstring(file.read_bytes())
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == "1 < 2"
    assert "in sums" in (failure.text or "")


def test_a_job_can_be_left_alone_and_looked_at_later(command: "Command", gate: "Gate") -> None:
    out, _ = command.run("run", *ON_NODE, "--no-wait", "-P", f"GATE={gate.path}", "command:gate")
    number = out.split()[1].rstrip(":")
    shown, _ = command.run("jobs", number, code=9)
    assert f"Job {number} is " in shown
    live, _ = command.run("jobs", "--live", "--json")
    assert [str(json.loads(line)["number"]) for line in live.splitlines()] == [number]
    gate.open()
    followed, _ = command.run("logs", number, "--follow")
    assert followed.splitlines()[-1].endswith("released")
    over, _ = command.run("jobs", number)
    assert "1 passed, 0 failed" in over
    assert command.run("logs", number)[0] == followed


def test_a_job_is_stopped_by_a_command(command: "Command", gate: "Gate") -> None:
    out, _ = command.run("run", *ON_NODE, "--no-wait", "--json", "-P", f"GATE={gate.path}", "command:gate")
    shown, _ = command.run("jobs", json.loads(out)["uid"], "--stop", code=8)
    assert "was stopped by admin" in shown


def begun(command: "Command", gate: "Gate") -> Any:
    """``anyrig run``, once its test has begun."""
    process = command.start(
        "run", *ON_NODE, "--log", "-P", f"GATE={gate.path}", "command:greet", "command:gate"
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "begun" in line:
            break
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_interrupt_stops_the_job_and_lists_what_there_is(
    command: "Command", gate: "Gate", number: signal.Signals
) -> None:
    with begun(command, gate) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 8, out + err
    assert "Stopping the job" in err
    assert "pass   command:greet" in out
    assert "error  command:gate" in out
    assert "was stopped by admin" in out


def test_a_second_interrupt_leaves_the_job_alone(command: "Command", gate: "Gate", api: "Api") -> None:
    number = api.get("/jobs", limit=1)["jobs"][0]["number"]
    with begun(command, gate) as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "Stopping" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    # The job may have ended in between: then there was nothing to leave.
    assert process.returncode in {130, 8}
    gate.open()
    api.finish({"number": number + 1})


def test_results_are_found_and_printed_as_asked(command: "Command", ran: Any) -> None:
    wanted = f"job:{ran['uid']}"
    table, _ = command.run("results", wanted, "--sort", "testcase:asc")
    heading, adds, divides = table.splitlines()
    assert heading.split() == ["VERDICT", "TEST", "SECONDS", "NODE", "JOB", "START", "REASON"]
    assert adds.startswith("pass     unit::sums::adds")
    assert divides.endswith("1 < 2")
    lines, _ = command.run("results", "--json", wanted, "result:fail")
    assert json.loads(lines)["test"] == "unit::sums::divides"
    text, _ = command.run("results", "--csv", wanted, "--limit", "1")
    [row] = csv.DictReader(io.StringIO(text))
    assert row["job_uid"] == ran["uid"]
    assert row["tags"] == "model=T-1000; flaky="


def test_nodes_and_tests_and_jobs_are_listed(command: "Command", ran: Any) -> None:
    nodes, _ = command.run("nodes")
    names = [line.split()[0] for line in nodes.splitlines()]
    assert names == ["NODE", "local-1", "local-2", "local-3", "local-4"]
    tests, _ = command.run("tests", "--project", "shop")
    assert "command:greet" in tests.splitlines()
    default, _ = command.run("tests", "--json")
    assert "tests/verdicts.py::test_that_passes" in [each["name"] for each in json.loads(default)["tests"]]
    jobs, _ = command.run("jobs", "--limit", "1000")
    assert str(ran["number"]) in [line.split()[0] for line in jobs.splitlines()]


def test_a_project_is_added_from_a_folder_and_fetched(command: "Command", tmp_path: Path) -> None:
    (tmp_path / "anyrig.toml").write_text("[command.one]\nrun = 'true'\n")
    out, _ = command.run("project", "add", "added", str(tmp_path))
    assert out == f"Project added: follows {tmp_path}\n"
    assert command.run("tests", "--project", "added")[0] == "command:one\n"
    assert command.run("project", "fetch", "added")[0] == "Project added is up to date.\n"
    listed, _ = command.run("project", "list", "--json")
    assert "added" in [json.loads(line)["name"] for line in listed.splitlines()]
    command.run("project", "add", "added", str(tmp_path), code=10)


def test_a_token_is_printed_alone_and_works_until_it_is_revoked(command: "Command") -> None:
    token = command.run("token", "create", "--user", "tina", "--role", "viewer")[0].strip()
    assert command.run("nodes", ANYRIG_TOKEN=token)
    assert token.partition(".")[0] in command.run("token", "list")[0]
    command.run("token", "list", ANYRIG_TOKEN=token, code=5)
    command.run("token", "revoke", token)
    command.run("nodes", ANYRIG_TOKEN=token, code=7)


def test_a_token_can_be_made_without_a_server(command: "Command", tmp_path: Path) -> None:
    made = ("token", "create", "--user", "otto", "--role", "operator", "--data", str(tmp_path))
    out, _ = command.run(*made, ANYRIG_URL="http://127.0.0.1:1")
    assert out.count("\n") == 1
    assert "." in out
    command.run(*made[:-4], "--role", "king", "--data", str(tmp_path), code=2)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "--project", "shop", "command:nothing"), 2, "there is no test 'nothing'"),
        (("run", "--project", "nothing", "x"), 4, "There is no project 'nothing'."),
        (("jobs", "999999"), 4, "There is no job '999999'."),
        (("results", "colour:red"), 2, "there is no field 'colour'"),
        (("tests", "--revision", "nowhere"), 4, "nowhere"),
        (("run", *ON_NODE, "-t", "=x", "command:greet"), 2, "has no name"),
    ],
)
def test_a_refusal_is_one_sentence_on_stderr(
    command: "Command", arguments: tuple[str, ...], code: int, said: str
) -> None:
    out, err = command.run(*arguments, code=code)
    assert not out
    assert err.startswith("anyrig: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_busy_node_refuses_with_a_code_of_its_own(command: "Command", api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", params=gate.params)
    _, err = command.run("run", *ON_NODE, "--no-queue", "command:greet", code=10)
    assert "Node local-1 is in use" in err
    gate.open()
    api.finish(job)


def test_a_server_that_is_away_is_named(command: "Command") -> None:
    _, err = command.run("nodes", ANYRIG_URL="http://127.0.0.1:1", code=3)
    assert "The server at http://127.0.0.1:1 does not answer" in err
    command.run("nodes", ANYRIG_URL="not a url", code=2)


def test_a_viewer_cannot_run(command: "Command", token_of: Callable[[str, str], str]) -> None:
    token = token_of("vera", "viewer")
    _, err = command.run("run", *ON_NODE, "command:greet", code=5, ANYRIG_TOKEN=token)
    assert "vera (role viewer) is not allowed to run tests" in err
