"""Jobs: run_tests, their status, waiting for them and stopping them."""

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.dialects.stbt.conftest import Portal

PASSES = "tests/verdicts.py::test_that_passes"
LONG = "tests/soak.py::test_that_takes_minutes"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
HOLD_SECONDS = 1


def test_the_answer_to_run_tests_is_a_running_job(portal: "Portal") -> None:
    job = portal.run(PASSES)
    url = portal.farm.url
    assert re.fullmatch(rf"/{portal.farm.node}/[0-9A-Za-z]{{4}}/\d+", job["job_uid"])
    assert MOMENT.fullmatch(job["start_time"])
    assert {key: job[key] for key in job if key not in {"job_uid", "start_time"}} == {
        "job_url": f"{url}/api/v2/jobs{job['job_uid']}",
        "log_url": f"{url}/api/v2/jobs{job['job_uid']}/log",
        "triage_url": f"{url}/app/#/results?filter=job:{job['job_uid']}",
        "status": "running",
        "end_time": None,
        "result_counts": {"pass": 0, "fail": 0, "error": 0, "total": 1},
    }
    portal.finish(job)


def test_an_exited_job_has_counts_and_an_end(portal: "Portal", ran: Any) -> None:
    assert ran["status"] == "exited"
    assert ran["result_counts"] == {"pass": 3, "fail": 1, "error": 1, "total": 5}
    assert ran["start_time"] <= ran["end_time"]
    assert portal.http.get(ran["job_url"]).json() == ran


def test_the_results_are_there_before_anybody_is_told_that_the_job_is_over(portal: "Portal") -> None:
    job = portal.run(PASSES, PASSES)
    portal.finish(job)
    assert [result["result"] for result in portal.results(job)] == ["pass", "pass"]


def test_the_body_is_json_whatever_its_type_says(portal: "Portal") -> None:
    body = {"node_id": portal.farm.node, "test_pack_revision": "main", "test_cases": [PASSES]}
    answer = portal.http.post("/api/v2/run_tests", content=json.dumps(body))
    assert answer.status_code == 200
    assert "content-type" not in answer.request.headers
    portal.finish(answer.json())


@pytest.mark.parametrize("revision", ["main", "HEAD", "v1", "refs/heads/main", "sha"])
def test_a_revision_is_a_branch_a_tag_head_or_a_sha(portal: "Portal", revision: str) -> None:
    sha = portal.farm.sha()
    branch = {"main": "refs/heads/main", "HEAD": "refs/heads/main", "v1": "refs/tags/v1", "sha": None}
    job = portal.run(PASSES, test_pack_revision=sha if revision == "sha" else revision)
    portal.finish(job)
    [result] = portal.results(job)
    detail = portal.json(f"results{result['result_id']}")
    assert detail["test_pack_sha"] == sha
    assert detail["test_pack_branch"] == branch.get(revision, revision)


def test_names_that_only_exist_at_run_time_can_be_run(portal: "Portal") -> None:
    names = [
        "tests/folder/generated.py::test_key[KEY_DOWN]",
        "tests/folder/generated.py::TestMenu::test_opens",
    ]
    job = portal.run(*names)
    assert portal.finish(job)["result_counts"]["pass"] == 2
    assert [result["test_case"] for result in portal.results(job)] == names


def test_a_file_may_be_named_without_its_folder_as_stbt_rig_does_with_pytest_8(portal: "Portal") -> None:
    job = portal.run("verdicts.py::test_that_passes")
    portal.finish(job)
    assert [result["test_case"] for result in portal.results(job)] == [PASSES]


def test_a_function_that_is_not_there_is_an_error_and_not_nothing(portal: "Portal") -> None:
    job = portal.run("tests/verdicts.py::test_nobody_knows")
    assert portal.finish(job)["result_counts"] == {"pass": 0, "fail": 0, "error": 1, "total": 1}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"test_cases": []}, "'test_cases'"),
        ({"test_cases": "tests/verdicts.py"}, "'test_cases'"),
        ({"test_cases": ["menu"]}, "'menu'"),
        ({"test_cases": ["../verdicts.py::test_x"]}, "'../verdicts.py::test_x'"),
        ({"test_cases": ["tests/nowhere.py::test_x"]}, "there is no file 'tests/nowhere.py'"),
        ({"test_cases": ["tests/more.py::test_more"]}, "'tests/more.py' in the test pack at commit "),
        ({"test_cases": ["same.py::test_same"]}, "may be tests/a/same.py or tests/b/same.py in the test"),
        ({"category": ".hidden"}, "'category'"),
        ({"soak": "for a while"}, "'soak'"),
        ({"shuffle": "yes"}, "'shuffle'"),
        ({"tags": {"a:b": "c"}}, "'tags'"),
        ({"remote_control": 7}, "'remote_control'"),
        ({"node_id": None}, "'node_id'"),
        ({"test_pack_revision": ""}, "'test_pack_revision'"),
    ],
)
def test_a_bad_parameter_is_named_in_a_sentence(portal: "Portal", more: Any, said: str) -> None:
    sentence = portal.run(status=400, **{"test_cases": [PASSES], **more})
    assert said in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'"x"', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_a_bad_request(portal: "Portal", content: bytes) -> None:
    answer = portal.http.post("/api/v2/run_tests", content=content)
    assert answer.status_code == 400
    assert "JSON" in answer.text


def test_what_is_not_there_is_not_found(portal: "Portal") -> None:
    assert portal.run(PASSES, node_id="nobody", status=404) == "There is no node 'nobody'."
    assert "'no/branch'" in portal.run(PASSES, test_pack_revision="no/branch", status=404)
    assert "'no-project'" in portal.run(PASSES, project="no-project", status=404)


def test_a_project_can_be_named(portal: "Portal") -> None:
    portal.finish(portal.run(PASSES, project="tv"))


def test_a_busy_node_refuses_a_second_job_and_stopping_frees_it(portal: "Portal") -> None:
    job = portal.run(LONG)
    sentence = portal.run(PASSES, status=409)
    assert portal.farm.node in sentence
    assert job["job_uid"] in sentence
    portal.stop(job)
    portal.finish(portal.run(PASSES))


def test_a_wait_is_held_and_then_answered_with_accepted(portal: "Portal") -> None:
    job = portal.run(LONG)
    for path in (f"jobs{job['job_uid']}", f"nodes/{portal.farm.node}/job"):
        began = time.monotonic()
        answer = portal.get(f"{path}/await_completion", 202)
        assert time.monotonic() - began >= HOLD_SECONDS
        assert answer.json() == {"job_uid": job["job_uid"]}
    portal.stop(job)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_job_can_be_stopped_any_number_of_times(portal: "Portal", method: str) -> None:
    job = portal.run(LONG, PASSES)
    url = f"/api/v2/jobs{job['job_uid']}/stop"
    while (answer := portal.http.request(method, url)).status_code == 202:
        pass
    assert answer.status_code == 200
    assert answer.json()["status"] == "exited"
    assert portal.http.request(method, url).status_code == 200
    stopped = portal.json(f"jobs{job['job_uid']}")
    assert stopped["result_counts"] == {"pass": 0, "fail": 0, "error": 1, "total": 2}
    [result] = portal.results(job)
    assert result["result"] == "error"
    assert result["failure_reason"].startswith("Stopped by admin")


def test_a_soak_goes_on_until_it_is_stopped_and_keeps_what_it_showed(portal: "Portal") -> None:
    job = portal.run("tests/soak.py::test_quick", PASSES, soak="run forever", shuffle=True)
    deadline = time.monotonic() + 60
    while portal.json(f"jobs{job['job_uid']}")["result_counts"]["pass"] < 3:
        portal.get(f"jobs{job['job_uid']}/await_completion", 202)
        assert time.monotonic() < deadline
    portal.stop(job)
    exited = portal.json(f"jobs{job['job_uid']}")
    assert exited["status"] == "exited"
    counts = exited["result_counts"]
    assert len(portal.results(job)) == counts["pass"] + counts["error"] == counts["total"] >= 3


def test_a_node_tells_its_job_and_stops_it(portal: "Portal") -> None:
    node = f"nodes/{portal.farm.node}"
    job = portal.run(LONG)
    assert portal.json(f"{node}/job")["job_uid"] == job["job_uid"]
    while (answer := portal.http.post(f"/api/v2/{node}/job/stop")).status_code == 202:
        pass
    assert answer.json()["status"] == "exited"
    assert portal.http.put(f"/api/v2/{node}/job/stop").status_code == 200
    assert portal.json(f"{node}/job") == portal.json(f"jobs{job['job_uid']}")
    assert portal.json(f"{node}/job/await_completion") == {"job_uid": job["job_uid"]}


def test_a_node_that_never_had_a_job_has_one_that_has_exited(portal: "Portal") -> None:
    node = portal.farm.other_node
    uid = f"/{node}/0000/0"
    job = portal.json(f"nodes/{node}/job")
    assert (job["job_uid"], job["status"]) == (uid, "exited")
    assert job["result_counts"]["total"] == 0
    for path in (f"nodes/{node}/job", f"jobs{uid}"):
        assert portal.json(path) == job
        assert portal.json(f"{path}/await_completion")["job_uid"] == uid
        assert portal.http.post(f"/api/v2/{path}/stop").json() == job
    assert portal.get(f"jobs{uid}/log").text == ""
    assert portal.json("results", filter=f"job:{uid}") == []
    assert portal.json(f"nodes/{node}")["job"] is None


def test_a_job_has_a_log_while_it_runs_and_afterwards(portal: "Portal") -> None:
    job = portal.run(LONG)
    log = f"jobs{job['job_uid']}/log"
    deadline = time.monotonic() + 60
    while "sat down" not in portal.get(log).text:
        portal.get(f"jobs{job['job_uid']}/await_completion", 202)
        assert time.monotonic() < deadline
    portal.stop(job)
    answer = portal.get(log, tz="Asia/Kathmandu")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert re.search(r"^\S+\+05:45 sat down$", answer.text, re.MULTILINE)


@pytest.mark.parametrize("path", ["", "/await_completion", "/log"])
def test_a_job_that_nobody_knows_is_not_found(portal: "Portal", path: str) -> None:
    sentence = portal.get(f"jobs/local-1/0a23/972{path}", 404).text
    assert sentence == "There is no job '/local-1/0a23/972'."
    assert portal.get(f"jobs/nobody/0000/0{path}", 404).text == "There is no node 'nobody'."
    for url in ("jobs/local-1/0a23/972/stop", "nodes/nobody/job/stop", "jobs/nobody/0000/0/stop"):
        assert portal.http.post(f"/api/v2/{url}").status_code == 404


def test_slashes_may_be_doubled_or_added(portal: "Portal", ran: Any) -> None:
    assert portal.http.get(f"{portal.farm.url}//api/v2//jobs/{ran['job_uid']}/").json() == ran
