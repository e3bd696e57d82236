"""Our words as stb-tester's, and theirs as ours."""

from dataclasses import replace
from typing import Any

import pytest

from anyrig.core import errors
from anyrig.core.errors import AnyrigError, BadFilter, Forbidden, Gone, NodeBusy, NodeOffline
from anyrig.core.jobs import State
from anyrig.core.records import Job, NodeRecord
from anyrig.core.results import Counts
from anyrig.engine.node_views import NodeView
from anyrig.server.dialects.stbt import wire, wire_jobs, wire_nodes

BASE = "https://lab.example"
START = 1_432_824_395_354_791
UID = "/stb-tester-abcdef123456/0a23/972"
SHA = "c2c82cad08114f973e2c36f0bbfbfb0a78dad911"


def a_job(**changes: Any) -> Job:
    job = Job(
        number=972,
        uid=UID,
        project="tv",
        kind="python",
        state=State.RUNNING,
        user="johnsmith",
        category="example",
        tags={},
        revision="master",
        branch="refs/heads/master",
        sha=SHA,
        tests=("tests/epg.py::test_epg",),
        remote_control="roku",
        forever=False,
        shuffle=False,
        params={},
        retries=0,
        created=START - 1_000_000,
        started=START,
        ended=None,
        counts=Counts(expected=1),
        stopped_by=None,
    )
    return replace(job, **changes)


def a_node(**changes: Any) -> NodeView:
    record = NodeRecord(
        name="tv1",
        agent="rack3",
        kinds=frozenset({"python"}),
        labels=frozenset(),
        seen=START,
        boot_id="b",
        version="1",
        local_ip="192.168.1.101",
        external_ip="1.2.3.4",
        trouble=None,
        device=None,
        last_used_by="johnsmith",
        last_used=START,
    )
    config = {
        "node": {"friendly_name": "Rack 3, Node 1"},
        "device_under_test": {"device_type": "roku", "ip_address": "192.168.1.108"},
    }
    return replace(NodeView(record, online=True, not_available=None, job=None, config=config), **changes)


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (errors.Unauthenticated(), 403),
            (Forbidden(user="ada", role="viewer", action="run tests"), 403),
            (errors.NotFound(what="node", name="x"), 404),
            (Gone(what="result", name="x"), 410),
            (NodeBusy(node="x", reason="it runs"), 409),
            (BadFilter(reason="x"), 400),
            (errors.TooManyRequests(seconds=2.3), 429),
            (NodeOffline(node="x"), 503),
            (AnyrigError(), 500),
        ],
    )
    def test_each_kind_of_error_has_the_status_of_the_document(self, error: AnyrigError, status: int) -> None:
        assert wire.status_of(error) == status

    def test_every_error_there_is_has_a_status(self) -> None:
        kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
        for kind in kinds:
            if issubclass(kind, AnyrigError):
                assert any(issubclass(kind, known) for known, _ in wire.STATUS)

    def test_the_body_is_one_sentence_on_one_line_in_utf_8(self) -> None:
        assert wire.sentence_of(NodeOffline(node="tv1")) == b"Node tv1 is offline."
        assert wire.sentence_of(NodeOffline(node="\ud800\n")) == b"Node ? is offline."

    def test_a_client_that_is_too_fast_is_told_for_how_long_to_wait(self) -> None:
        assert wire.headers_of(errors.TooManyRequests(seconds=2.3)) == {"retry-after": "3"}
        assert wire.headers_of(NodeOffline(node="x")) == {}


class TestTimes:
    def test_times_have_microseconds_and_say_utc(self) -> None:
        assert wire.moment(START) == "2015-05-28T14:46:35.354791Z"
        assert wire.moment(START, wire.OFFSET) == "2015-05-28T14:46:35.354791+00:00"
        assert wire.moment(1_432_824_395_000_000) == "2015-05-28T14:46:35.000000Z"

    @pytest.mark.parametrize(
        ("text", "value"), [("true", True), ("1", True), ("YES", True), ("false", False), ("", False)]
    )
    def test_flags_are_read_leniently(self, text: str, value: bool) -> None:
        assert wire.flag(text) is value
        assert wire.flag(None) is False


class TestJobs:
    def test_a_running_job_is_as_documented(self) -> None:
        assert wire_jobs.job_json(a_job(), BASE) == {
            "job_uid": UID,
            "job_url": f"https://lab.example/api/v2/jobs{UID}",
            "log_url": f"https://lab.example/api/v2/jobs{UID}/log",
            "triage_url": f"https://lab.example/app/#/results?filter=job:{UID}",
            "status": "running",
            "start_time": "2015-05-28T14:46:35.354791Z",
            "end_time": None,
            "result_counts": {"pass": 0, "fail": 0, "error": 0, "total": 1},
        }

    @pytest.mark.parametrize("state", list(State))
    def test_a_job_is_running_until_it_is_over(self, state: State) -> None:
        status = wire_jobs.job_json(a_job(state=state), BASE)["status"]
        assert status == ("exited" if state in {State.FINISHED, State.STOPPED, State.LOST} else "running")

    def test_an_exited_job_has_an_end(self) -> None:
        job = a_job(state=State.LOST, ended=START + 1, counts=Counts(1, 2, 3, 10))
        shown = wire_jobs.job_json(job, BASE, wire.OFFSET)
        assert shown["end_time"] == "2015-05-28T14:46:35.354792+00:00"
        assert shown["result_counts"] == {"pass": 1, "fail": 2, "error": 3, "total": 10}

    def test_a_job_that_is_not_accepted_yet_has_a_start_all_the_same(self) -> None:
        shown = wire_jobs.job_json(a_job(state=State.PLACED, started=None), BASE)
        assert shown["start_time"] == "2015-05-28T14:46:34.354791Z"

    def test_a_node_without_a_job_has_one_that_has_exited(self) -> None:
        shown = wire_jobs.no_job_json("tv1", BASE)
        assert shown["job_uid"] == "/tv1/0000/0"
        assert shown["status"] == "exited"
        assert shown.keys() == wire_jobs.job_json(a_job(), BASE).keys()
        assert wire_jobs.is_no_job("/tv1/0000/0")
        assert not wire_jobs.is_no_job("/tv1/0000/10")


class TestNodes:
    def test_a_node_has_every_field_of_the_document(self) -> None:
        view = a_node(online=False, not_available="Node tv1 is offline.", job=a_job())
        assert wire_nodes.node_json(view, BASE, "johnsmith") == {
            "available": False,
            "config": view.config,
            "device_type": "roku",
            "external_ip_address": "1.2.3.4",
            "friendly_name": "Rack 3, Node 1",
            "geoip_city": None,
            "geoip_country": None,
            "job": wire_jobs.job_json(a_job(), BASE, "+00:00"),
            "last_used_by": "johnsmith",
            "last_used_time": "2015-05-28T14:46:35.354791+00:00",
            "licence_expiry": "9999-12-31",
            "local_ip_address": "192.168.1.101",
            "node_id": "tv1",
            "node_url": "https://lab.example/api/v2/nodes/tv1",
            "not_available_reason": "Node tv1 is offline.",
            "online": False,
            "reservation": None,
        }

    def test_a_node_that_was_never_used_has_nulls(self) -> None:
        view = a_node(config={})
        record = replace(view.record, external_ip=None, local_ip=None, last_used=None, last_used_by=None)
        shown = wire_nodes.node_json(replace(view, record=record), BASE, "johnsmith")
        assert shown["available"] is True
        assert {key for key, value in shown.items() if value is None} == {
            "device_type",
            "external_ip_address",
            "friendly_name",
            "geoip_city",
            "geoip_country",
            "job",
            "last_used_by",
            "last_used_time",
            "local_ip_address",
            "not_available_reason",
            "reservation",
        }

    def test_the_workgroup_lists_names(self) -> None:
        shown = {"id": "tv1", "friendly_name": "Rack 3, Node 1"}
        assert wire_nodes.workgroup_json(a_node()) == shown
