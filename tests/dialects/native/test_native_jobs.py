"""Jobs in the native API."""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.dialects.native.conftest import Api, Gate


def test_a_job_runs_and_its_results_are_there_when_it_is_over(api: "Api") -> None:
    started = api.http.post(
        "/jobs", json={"tests": ["command:greet", "command:bad"], "project": "shop", "node": api.farm.node}
    )
    assert started.status_code == 201
    job = started.json()
    assert started.headers["location"] == f"{api.farm.url}/api/v3/jobs/{job['number']}"
    assert job["page"] == f"{api.farm.url}/app/#/results?filter=job:{job['uid']}"
    over = api.finish(job)
    assert (over["state"], over["over"], over["verdict"]) == ("finished", True, "fail")
    assert over["counts"] == {"pass": 1, "fail": 1, "error": 0, "total": 2}
    assert [(each["test"], each["verdict"]) for each in api.results(job)] == [
        ("greet", "pass"),
        ("bad", "fail"),
    ]
    assert api.get(f"/jobs/{job['number']}") == over


def test_a_job_runs_in_a_project_that_came_after_other_jobs(api: "Api", tmp_path: Path) -> None:
    api.run("command:greet")
    (tmp_path / "anyrig.toml").write_text('[command.only-here]\nrun = ["true"]\n')
    body = {"tests": ["command:only-here"], "project": "late", "node": api.farm.node}
    assert api.post("/jobs", body, 404)["code"] == "not_found"
    api.post("/projects", {"name": "late", "source": str(tmp_path)}, 201)
    assert api.finish(api.post("/jobs", body, 201))["verdict"] == "pass"


def test_a_pattern_stands_for_every_test_it_matches(api: "Api") -> None:
    job = api.start("g*", kind="command", params={"GATE": "/"})
    assert job["tests"] == ["greet", "gate"]
    assert api.finish(job)["verdict"] == "pass"


@pytest.mark.parametrize(
    ("change", "status", "code", "said"),
    [
        ({"tests": ["command:gret"]}, 400, "bad_field", "there is no test 'gret'"),
        ({"tests": ["tests/checks.py::one"]}, 400, "bad_field", "no test"),
        ({"tests": []}, 400, "bad_field", "no test is named"),
        ({"tests": ["command:greet", "tests/checks.py"]}, 400, "bad_field", "one job is of one kind"),
        ({"kind": "magic"}, 400, "bad_field", "magic"),
        ({"kind": "build"}, 400, "bad_field", "build"),
        ({"soak": True}, 400, "bad_field", "soak"),
        ({"category": ""}, 400, "bad_field", "category"),
        ({"tags": {"": "x"}}, 400, "bad_field", "tags"),
        ({"priority": 3}, 400, "bad_field", "priority"),
        ({"retries": -1}, 400, "bad_field", "retries"),
        ({"labels": ["uk"]}, 400, "bad_field", "labels"),
        ({"node": "no such/node"}, 400, "bad_field", "node"),
        ({"node": "nobody"}, 404, "not_found", "nobody"),
        ({"project": "nothing"}, 404, "not_found", "nothing"),
        ({"revision": "nowhere"}, 404, "revision_not_found", "nowhere"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(
    api: "Api", change: dict[str, Any], status: int, code: str, said: str
) -> None:
    asked = {"tests": ["command:greet"], "project": "shop", "node": api.farm.node, **change}
    refused = api.post("/jobs", asked, status)
    assert refused["code"] == code
    assert said in refused["detail"]


def test_a_busy_node_is_waited_for_or_refused_as_asked(api: "Api", gate: "Gate") -> None:
    first = api.start("command:gate", params=gate.params)
    asked = {"tests": ["command:greet"], "project": "shop", "node": api.farm.node, "queue": False}
    refused = api.post("/jobs", asked, 409)
    assert refused["code"] == "node_busy"
    assert first["uid"] in refused["detail"]
    second = api.start("command:greet")
    [task] = api.get(f"/jobs/{second['number']}/tasks")["tasks"]
    assert (task["state"], task["wanted_node"], task["node"]) == ("queued", api.farm.node, None)
    assert task["reason"] == f"Node {api.farm.node} is running job {first['uid']}."
    live = [job["number"] for job in api.get("/jobs", live=True)["jobs"]]
    assert live == [second["number"], first["number"]]
    gate.open()
    assert api.finish(first)["verdict"] == "pass"
    assert api.finish(second)["verdict"] == "pass"


def test_a_job_that_is_waited_for_in_vain_is_told_as_it_is(api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", params=gate.params)
    assert not api.get(f"/jobs/{job['number']}/wait", seconds=0)["over"]
    gate.open()
    assert api.finish(job)["over"]


def test_a_job_that_runs_is_stopped_and_says_by_whom(api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", "command:greet", params=gate.params)
    stopped = api.post(f"/jobs/{job['number']}/stop")
    assert (stopped["state"], stopped["stopped_by"], stopped["verdict"]) == ("stopped", "admin", "error")
    assert api.results(job)[0]["reason"].startswith("Stopped by admin")
    assert api.post(f"/jobs/{job['number']}/stop") == stopped


def test_a_job_that_waits_is_stopped_at_once(api: "Api", gate: "Gate") -> None:
    first = api.start("command:gate", params=gate.params)
    second = api.start("command:greet")
    assert api.post(f"/jobs/{second['number']}/stop")["state"] == "stopped"
    assert [each["verdict"] for each in api.results(second)] == ["error"]
    gate.open()
    api.finish(first)


def test_a_job_that_nobody_made_is_not_found(api: "Api") -> None:
    for path in ("", "/wait", "/tasks", "/log", "/events"):
        answer = api.http.get(f"/jobs/999999{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert api.post("/jobs/999999/stop", None, 404)["detail"] == "There is no job '999999'."
    assert api.http.get("/jobs/99999999999999999999999").status_code in {400, 404}


def test_the_same_key_gives_the_same_job_and_another_body_is_refused(api: "Api") -> None:
    key = {"idempotency-key": str(uuid.uuid4())}
    asked = {"tests": ["command:greet"], "project": "shop", "node": api.farm.node}
    first = api.post("/jobs", asked, 201, **key)
    assert api.post("/jobs", asked, 201, **key)["number"] == first["number"]
    assert api.post("/jobs", asked | {"shuffle": True}, 422, **key)["code"] == "key_reused"
    assert api.post("/jobs", asked, 400, **{"idempotency-key": "x" * 300})["code"] == "bad_field"
    api.finish(first)


def test_a_key_belongs_to_its_user(api: "Api", token_of: Any, api_of: Any) -> None:
    key = {"idempotency-key": str(uuid.uuid4())}
    asked = {"tests": ["command:greet"], "project": "shop", "node": api.farm.node}
    mine = api.post("/jobs", asked, 201, **key)
    theirs = api_of(token_of("olga", "operator")).post("/jobs", asked, 201, **key)
    assert theirs["number"] != mine["number"]
    assert (theirs["user"], mine["user"]) == ("olga", "admin")
    api.finish(mine)
    api.finish(theirs)


def test_jobs_are_walked_page_by_page_the_newest_first(api: "Api", ran: Any) -> None:
    every = [job["number"] for job in api.get("/jobs", limit=1000)["jobs"]]
    assert every == sorted(every, reverse=True)
    walked, cursor = [], None
    while True:
        page = api.get("/jobs", limit=3, **({"cursor": cursor} if cursor else {}))
        walked += [job["number"] for job in page["jobs"]]
        if not (cursor := page["next"]):
            break
    assert walked == every
    assert api.get("/jobs", 400, cursor="nonsense")["code"] == "bad_field"


def test_params_and_labels_and_shuffle_come_back_as_they_were(api: "Api") -> None:
    job = api.run(
        "command:greet", params={"A": [1, {"b": None}]}, shuffle=True, retries=2, remote_control="roku"
    )
    assert job["params"] == {"A": [1, {"b": None}]}
    assert (job["shuffle"], job["retries"], job["remote_control"]) == (True, 2, "roku")
    labelled = {"tests": ["command:greet"], "project": "shop", "labels": ["moon"]}
    waiting = api.post("/jobs", labelled, 201)
    [task] = api.get(f"/jobs/{waiting['number']}/tasks")["tasks"]
    assert "lacks moon" in task["reason"]
    api.post(f"/jobs/{waiting['number']}/stop")


def test_a_body_that_is_not_json_is_refused(api: "Api") -> None:
    answer: httpx.Response = api.http.post("/jobs", content=b"{")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
