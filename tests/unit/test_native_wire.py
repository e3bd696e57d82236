"""The native API's JSON."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from anyrig.core import records
from anyrig.core.errors import BadField, Invalid
from anyrig.core.jobs import State
from anyrig.core.messages import Artifact
from anyrig.core.nodes import Node
from anyrig.core.reservations import Reservation, interrupted
from anyrig.core.results import Counts, Verdict
from anyrig.core.tests import Kind
from anyrig.core.users import Principal, Role
from anyrig.engine.pages import NodeStanding
from anyrig.engine.projects import NamedTest, PackTests
from anyrig.packs.revisions import Revision
from anyrig.server.dialects.native import schema, schema_base, wire, wire_nodes

BASE = "http://lab:8000"
TIME = 1_539_177_200_000_001
JOB = records.Job(
    number=12,
    uid="/tv1/0a23/12",
    project="tv",
    kind="python",
    state=State.RUNNING,
    user="ada",
    category="nightly",
    tags={"model": "T-1000", "flaky": None},
    revision="main",
    branch="refs/heads/main",
    sha="a" * 40,
    tests=("tests/a.py::test_x",),
    remote_control="roku",
    forever=False,
    shuffle=True,
    params={"LEVEL": 2},
    retries=1,
    created=TIME,
    started=TIME,
    ended=None,
    counts=Counts(passed=1, failed=2, errors=3, expected=10),
    stopped_by=None,
)
TASK = records.Task(
    number=5,
    job=12,
    job_uid=JOB.uid,
    position=0,
    state=State.QUEUED,
    wanted_node="tv1",
    node=None,
    reason="Node tv1 is offline.",
    attempt=0,
    holder=None,
    placed=None,
    started=None,
    ended=None,
    running_seq=None,
    running_test=None,
    running_since=None,
    running_offset=None,
    log_sha256=None,
    log_size=None,
)
RESULT = records.Result(
    number=7,
    result_id="/tv1/0a23/12/2018-10-10T13:13:20",
    job_uid=JOB.uid,
    project="tv",
    node="tv1",
    user="ada",
    category="nightly",
    testcase="tests/a.py::test_x",
    verdict=Verdict.FAIL,
    failure_reason="no menu",
    start=TIME,
    end=TIME + 1_500_000,
    sha="a" * 40,
    branch=None,
    tags={},
    deleted=None,
)


def plain(value: schema_base.Answer) -> Any:
    """As a client reads it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def test_a_job_shows_where_it_stands() -> None:
    shown = plain(wire.job(JOB, BASE))
    assert shown["page"] == "http://lab:8000/app/#/results?filter=job:/tv1/0a23/12"
    assert shown["created"] == "2018-10-10T13:13:20.000001Z"
    assert shown["ended"] is None
    assert shown["counts"] == {"pass": 1, "fail": 2, "error": 3, "total": 10}
    assert (shown["state"], shown["over"], shown["verdict"]) == ("running", False, None)
    assert shown["tags"] == {"model": "T-1000", "flaky": None}


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        (Counts(passed=2, expected=2), "pass"),
        (Counts(passed=5, expected=2), "pass"),
        (Counts(passed=1, expected=2), "error"),
        (Counts(expected=1), "error"),
        (Counts(passed=1, errors=1, expected=2), "error"),
        (Counts(passed=1, failed=1, errors=1, expected=3), "fail"),
    ],
)
def test_a_job_that_is_over_has_one_verdict(counts: Counts, verdict: str) -> None:
    over = replace(JOB, state=State.FINISHED, ended=TIME, counts=counts)
    assert plain(wire.job(over, BASE))["verdict"] == verdict


def test_a_task_says_why_it_waits_and_what_it_is_at() -> None:
    assert plain(wire.task(TASK))["reason"] == "Node tv1 is offline."
    assert plain(wire.task(TASK))["running"] is None
    at_work = replace(
        TASK, state=State.RUNNING, running_seq=0, running_test="tests/a.py::test_x", running_since=TIME
    )
    running = {"test": "tests/a.py::test_x", "since": "2018-10-10T13:13:20.000001Z"}
    assert plain(wire.task(at_work))["running"] == running
    assert plain(wire.task(replace(at_work, ended=TIME)))["running"] is None


def test_a_result_names_its_job_in_both_ways() -> None:
    shown = plain(wire.result(RESULT))
    assert (shown["job"], shown["job_uid"], shown["seconds"]) == (12, "/tv1/0a23/12", 1.5)
    assert (shown["verdict"], shown["reason"], shown["test"]) == ("fail", "no menu", "tests/a.py::test_x")


def test_artifacts_have_urls_whatever_their_names() -> None:
    files = (Artifact("a b/50%.txt", 3, "m", "s"),)
    shown = plain(wire.result_detail(records.ResultDetail(RESULT, "Traceback", files), BASE))
    assert shown["traceback"] == "Traceback"
    [file] = shown["artifacts"]
    assert file == {
        "name": "a b/50%.txt",
        "size": 3,
        "md5": "m",
        "sha256": "s",
        "url": f"{BASE}/api/v3/results/tv1/0a23/12/2018-10-10T13%3A13%3A20/artifacts/a%20b/50%25.txt",
    }


def test_a_node_shows_how_it_stands() -> None:
    record = records.NodeRecord(
        name="tv1",
        agent="rack",
        kinds=frozenset({"python", "command"}),
        labels=frozenset({"uk", "4k"}),
        seen=0,
        boot_id=None,
        version=None,
        local_ip=None,
        external_ip=None,
        trouble=None,
        device=None,
        last_used_by="ada",
        last_used=TIME,
    )
    node = Node("tv1", online=False, kinds=record.kinds, labels=record.labels, busy_with=JOB.uid)
    shown = plain(wire_nodes.node(NodeStanding(record, node, JOB), "ada"))
    assert (shown["kinds"], shown["labels"]) == (["command", "python"], ["4k", "uk"])
    assert (shown["online"], shown["busy_with"], shown["last_job"]) == (False, JOB.uid, 12)
    assert shown["seen"] is None
    assert plain(wire_nodes.node(NodeStanding(record, node, None), "ada"))["last_job"] is None
    assert (shown["available"], shown["reservation"]) == (False, None)
    assert shown["not_available_reason"] == "Node tv1 is offline."
    held = Reservation(6, "tv1", "bob", "*Soak*", TIME, None)
    reserved = plain(
        wire_nodes.node(NodeStanding(record, replace(node, reserved_by="bob"), None, held), "ada")
    )
    assert (reserved["reserved_by"], reserved["not_available_reason"]) == ("bob", "Node tv1 reserved by @bob")
    assert reserved["reservation"] == plain(wire_nodes.reservation(held, "ada"))


def test_a_reservation_shows_whose_it_is_and_what_became_of_it() -> None:
    held = Reservation(6, "tv1", "bob", "*Soak*", TIME, None)
    shown = plain(wire_nodes.reservation(held, "bob"))
    assert (shown["number"], shown["yours"], shown["expires"], shown["state"]) == (6, True, None, "held")
    assert shown["message_html"] == "<p><em>Soak</em></p>"
    over = interrupted(held, "ada", "Release day", TIME + 1_000_000)
    shown = plain(wire_nodes.reservations([over], "ada", "next"))
    assert shown["next"] == "next"
    (one,) = shown["reservations"]
    assert (one["yours"], one["state"], one["ended_by"], one["reason"]) == (
        False,
        "interrupted",
        "ada",
        "Release day",
    )


@pytest.mark.parametrize(
    ("upstream", "source"),
    [
        (None, None),
        ("/srv/pack", "/srv/pack"),
        ("https://ada:secret@git.example/tv.git", "https://git.example/tv.git"),
        ("git@git.example:tv.git", "git@git.example:tv.git"),
    ],
)
def test_a_project_does_not_show_passwords(upstream: str | None, source: str | None) -> None:
    shown = plain(wire.project(records.Project(1, "tv", upstream, TIME), BASE))
    assert (shown["source"], shown["git_url"]) == (source, "http://lab:8000/git/tv.git")


def test_tests_are_named_as_a_job_takes_them() -> None:
    named = (NamedTest(Kind.PYTHON, "tests/a.py::test_x"), NamedTest(Kind.COMMAND, "unit"))
    shown = plain(wire.tests(PackTests(Revision("a" * 40, None), named, ("A trouble.",))))
    assert [test["name"] for test in shown["tests"]] == ["tests/a.py::test_x", "command:unit"]
    assert shown["troubles"] == ["A trouble."]


def test_a_token_is_shown_without_its_secret_but_once() -> None:
    token = records.Token("id", "ada", "viewer", ("tv",), TIME, None)
    assert "token" not in plain(wire.token(token))
    assert plain(wire.created_token(token, "id.secret"))["token"] == "id.secret"
    assert plain(wire.user(Principal("ada", Role.VIEWER, "id"))) == {
        "user": "ada",
        "role": "viewer",
        "projects": None,
    }
    assert plain(wire.user(Principal("ada", Role.ADMIN, "id", frozenset({"b", "a"}))))["projects"] == [
        "a",
        "b",
    ]


def test_times_go_there_and_back() -> None:
    assert wire.microseconds(wire.moment(TIME)) == TIME
    assert wire.microseconds(None) is None


def test_a_job_of_commands_is_asked_for_by_their_prefix() -> None:
    asked = wire.request(schema.NewJob(tests=("command:unit", "command:lint"), params={"A": 1}))
    assert (asked.kind, asked.tests, asked.params) == ("command", ("unit", "lint"), {"A": 1})
    assert (asked.project, asked.revision, asked.queue) == (None, "HEAD", True)


def test_a_kind_that_is_named_leaves_the_names_alone() -> None:
    asked = wire.request(schema.NewJob(tests=("command:unit",), kind="command", forever=True))
    assert (asked.kind, asked.tests, asked.forever) == ("command", ("command:unit",), True)


def test_a_job_without_tests_is_for_the_engine_to_refuse() -> None:
    asked = wire.request(schema.NewJob(tests=()))
    assert (asked.kind, asked.tests) == ("python", ())


def test_one_job_is_of_one_kind() -> None:
    with pytest.raises(BadField, match="python and command"):
        wire.request(schema.NewJob(tests=("tests/a.py", "command:unit")))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"tests": 1}', "field 'tests'.*expected `array`"),
        (b'{"tests": [1]}', r"field 'tests\[0\]'"),
        (b"{}", "missing required field `tests`"),
        (b'{"tests": [], "soak": true}', "unknown field `soak`"),
        (b"[]", "field 'body'.*expected `object`"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(body: bytes, message: str) -> None:
    with pytest.raises(BadField, match=message):
        wire.decoded(body, schema.NewJob)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"params": {"a": ' + b"[" * 100_000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="not JSON"):
        wire.decoded(body, schema.NewJob)
