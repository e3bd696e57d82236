"""Builds in the native API and at the command line."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.dialects.native.conftest import Api, Builds, Command, Gate

WAIT = "'until [ -e {gate} ]; do sleep 0.05; done'"
"""An action that lasts until there is this file."""
ADDRESSES = ("builds", "build-records", "build-files")


def test_a_build_is_created_and_found(api: "Api", builds: "Builds") -> None:
    more = "project: website\nprovider: {gitlab: {secret: hush}}\nparams: {password: hunter2}"
    made = builds.create("made", "echo hello", more=more)
    assert (made["name"], made["test"], made["project"]) == ("made", "build:made", "website")
    assert (made["url"], made["provider"], made["created_by"]) == (f"{api.farm.url}/made", "gitlab", "admin")
    assert (made["waiting"], made["last_end"], made["config_file"]) == (0, None, None)
    assert api.get("/builds/made") == made
    assert made in api.get("/builds")["builds"]
    assert builds.messages("made") == ["Listening on made"]
    assert "hush" not in json.dumps(made)


def test_a_new_build_says_where_it_is(api: "Api", builds: "Builds") -> None:
    builds.names.append("team/dö")
    answer = api.http.post("/builds", json={"config": "id: team/dö\nactions: []"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{api.farm.url}/api/v3/builds/team/d%C3%B6"
    assert api.http.get(answer.headers["location"]).json() == answer.json()


def test_builds_are_listed_by_name(api: "Api", builds: "Builds") -> None:
    for name in ("list-b", "list-a/x", "list-c"):
        builds.create(name)
    names = [each["name"] for each in api.get("/builds")["builds"]]
    assert [name for name in names if name.startswith("list-")] == ["list-a/x", "list-b", "list-c"]


def test_names_may_be_like_addresses_of_other_things(api: "Api", builds: "Builds") -> None:
    names = ("odd", "odd/records", "odd/config", "build-records/odd")
    for name in names:
        builds.create(name, f"echo {name}")
    for name in names:
        assert api.get(f"/builds/{name}")["name"] == name
        assert builds.messages(name) == [f"Listening on {name}"]
        assert f"id: {name}\n" in api.http.get(f"/build-files/{name}").text


def test_a_name_is_taken_once(api: "Api", builds: "Builds") -> None:
    builds.create("once")
    refused = api.post("/builds", {"config": "id: once"}, 409)
    assert (refused["code"], refused["detail"]) == ("listen_point_taken", "Listen point once is taken")


@pytest.mark.parametrize(
    ("config", "code", "word"),
    [
        ("", "bad_build", "not a valid config"),
        ("actions: []", "bad_build", "'id'"),
        ("id: [", "bad_build", "Failed to create app"),
        ("id: api/x", "bad_build", "reserved"),
        ("id: x\nactions: echo", "bad_build", "actions"),
        ("id: x\nproject: a b", "bad_build", "project"),
        ("id: x\nprovider: {nobody: {}}", "bad_build", "nobody"),
        ("id: x\nprovider: {gitlab: {}}", "bad_build", "secret"),
        ("id: x\nextensions: {a: {module: nothing}}", "bad_extension", "nothing"),
        (None, "bad_field", "config"),
    ],
)
def test_an_app_file_that_makes_no_sense_is_refused(api: "Api", config: Any, code: str, word: str) -> None:
    refused = api.post("/builds", {"config": config}, 400)
    assert refused["code"] == code
    assert word in refused["detail"]
    api.get("/builds/x", 404)


def test_what_there_is_not_is_not_found(api: "Api", builds: "Builds") -> None:
    for address in ADDRESSES:
        refused = api.get(f"/{address}/no/body", 404)
        assert (refused["code"], refused["detail"]) == ("not_found", "There is no build 'no/body'.")
    assert api.http.delete("/builds/no/body").status_code == 404
    assert api.post("/jobs", {"tests": ["build:no/body"]}, 404)["code"] == "not_found"


def test_a_build_that_is_removed_is_gone_and_its_runs_go_on(
    api: "Api", builds: "Builds", gate: "Gate"
) -> None:
    builds.create("gone", WAIT)
    job = builds.start("gone", gate=str(gate.path))
    assert api.http.delete("/builds/gone").status_code == 204
    for address in ADDRESSES:
        api.get(f"/{address}/gone", 404)
    gate.open()
    assert api.finish(job)["verdict"] == "pass"
    builds.create("gone")
    assert builds.messages("gone") == ["Listening on gone"]


def test_runs_are_counted_and_the_last_end_is_told(api: "Api", builds: "Builds", gate: "Gate") -> None:
    builds.create("stands", WAIT, "exit {code}")
    jobs = [builds.start("stands", gate=str(gate.path), code=code) for code in ("1", "0")]
    busy = api.get("/builds/stands")
    assert (busy["waiting"], busy["last_end"]) == (2, None)
    gate.open()
    assert [api.finish(job)["verdict"] for job in jobs] == ["fail", "pass"]
    over = api.get("/builds/stands")
    assert over["waiting"] == 0
    assert (over["last_end"]["level"], over["last_end"]["message"]) == ("info", "Completed 2/2")
    assert over["last_end"]["at"] > api.get(f"/jobs/{jobs[0]['number']}")["started"]


def test_a_run_is_a_job_with_a_result_and_a_log(api: "Api", builds: "Builds") -> None:
    builds.create("whole", "echo on {branch} for {who}", "exit {code}", more="params: {who: Ada, code: 3}")
    job = builds.run("whole", branch="feature/x", code="4")
    assert (job["kind"], job["tests"], job["project"]) == ("build", ["whole"], "builds")
    assert job["params"] == {"branch": "feature/x", "code": "4"}
    [result] = api.results(job)
    assert (result["test"], result["verdict"], result["branch"]) == ("whole", "fail", "feature/x")
    assert result["reason"].startswith("Partially completed: 1/2")
    assert "on feature/x for Ada" in api.http.get(f"/jobs/{job['number']}/log").text
    said = api.get("/build-records/whole", level="debug")["records"]
    assert {each["job"] for each in said if each["channel"] == "actions"} == {job["number"]}


def test_a_run_is_asked_for_alone_and_without_a_place(api: "Api", builds: "Builds") -> None:
    builds.create("alone", "echo hello")
    for more, field in (
        ({"tests": ["build:alone", "build:alone"]}, "tests"),
        ({"node": "local-1"}, "node"),
        ({"labels": ["a"]}, "labels"),
        ({"retries": 1}, "retries"),
        ({"params": {"a": {"b": 1}}}, "params"),
    ):
        refused = api.post("/jobs", {"tests": ["build:alone"], **more}, 400)
        assert refused["code"] == "bad_field"
        assert f"'{field}'" in refused["detail"]
    api.post("/jobs", {"tests": ["build:alone"], "project": "shop"}, 404)
    assert api.get("/builds/alone")["waiting"] == 0


def test_one_key_is_one_run(api: "Api", builds: "Builds") -> None:
    builds.create("keyed", "echo hello")
    headers = {"idempotency-key": "the same"}
    jobs = [api.post("/jobs", {"tests": ["build:keyed"]}, 201, **headers) for _ in range(2)]
    assert jobs[0]["number"] == jobs[1]["number"]
    api.finish(jobs[0])
    assert builds.messages("keyed", channel="run", level="debug").count("Completed 1/1") == 1


def test_records_are_found_by_level_and_channel(api: "Api", builds: "Builds") -> None:
    builds.create("said", "echo one", "exit 3")
    builds.run("said")
    assert builds.messages("said", level="error") == ["Execution failed: Exit code: 3"]
    assert builds.messages("said", channel="test") == ["Listening on said"]
    assert builds.messages("said", channel="run") == ["Partially completed: 1/2"]
    everything = builds.messages("said", level="debug")
    assert everything[1] == "Triggered, actions in queue: 2"
    assert any("stdout: one" in each for each in everything)
    assert builds.messages("said") == [
        *("Listening on said", "Executing action: echo one", "Finished"),
        *("Executing action: exit 3", "Execution failed: Exit code: 3", "Partially completed: 1/2"),
    ]


def test_pages_of_records_follow_each_other(api: "Api", builds: "Builds") -> None:
    builds.create("paged", "echo one", "echo two", "echo three")
    builds.run("paged")
    whole = api.get("/build-records/paged", level="debug")
    pages: list[Any] = []
    cursor = ""
    while not pages or cursor:
        asked: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = api.get("/build-records/paged", level="debug", limit=4, **asked)
        pages.append(page["records"])
        cursor = page["next"]
    assert [each for page in pages for each in page] == whole["records"]
    assert {len(page) for page in pages[:-1]} == {4}
    assert whole["next"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("level", "loud"), ("level", "20"), ("channel", "exec"), ("limit", "0"), ("cursor", "x")],
)
def test_a_question_that_makes_no_sense_is_refused(
    api: "Api", builds: "Builds", name: str, value: str
) -> None:
    builds.create("asked")
    refused = api.get("/build-records/asked", 400, **{name: value})
    assert refused["code"] == "bad_field"
    assert name in refused["detail"]


def test_secret_params_are_shown_nowhere(api: "Api", builds: "Builds") -> None:
    builds.create("secret", "echo {api_password} {code}", more="secret_params: [code]")
    job = builds.run("secret", api_password="hunter2", code="squirrel")
    told = json.dumps(job) + "\n".join(builds.messages("secret", level="debug"))
    told += api.http.get(f"/jobs/{job['number']}/log").text
    assert job["verdict"] == "pass"
    assert "stdout: ******** ********" in told
    assert "hunter2" not in told
    assert "squirrel" not in told


def test_viewers_read_all_but_app_files(
    api_of: "Callable[[str], Api]", token_of: Callable[[str, str], str], builds: "Builds"
) -> None:
    builds.create("seen", "echo hello", more="params: {password: hunter2}")
    viewer = api_of(token_of("vera", "viewer"))
    assert viewer.get("/builds/seen")["name"] == "seen"
    assert viewer.get("/build-records/seen")["records"]
    refused = viewer.get("/build-files/seen", 403)
    assert (refused["code"], "hunter2" in refused["detail"]) == ("forbidden", False)
    viewer.post("/builds", {"config": "id: seen-too"}, 403)
    viewer.post("/jobs", {"tests": ["build:seen"]}, 403)
    assert viewer.http.delete("/builds/seen").status_code == 403
    assert viewer.get("/builds/seen")["waiting"] == 0


def test_the_app_file_is_given_back_as_it_was(
    api_of: "Callable[[str], Api]", token_of: Callable[[str, str], str], builds: "Builds"
) -> None:
    builds.create("file", "echo 'Grüße'", more="# a remark")
    answer = api_of(token_of("olga", "operator")).http.get("/build-files/file")
    assert answer.headers["content-type"] == "application/yaml"
    assert answer.content.decode().startswith("id: file\nactions:\n  - echo 'Grüße'\n")
    assert "# a remark" in answer.text


def test_builds_of_other_projects_are_not_there(
    api: "Api", api_of: "Callable[[str], Api]", builds: "Builds"
) -> None:
    builds.create("theirs", "echo hello", more="project: theirs")
    ours = api_of(api.farm.new_token("otto", "operator", ["ours"]))
    assert "theirs" not in [each["name"] for each in ours.get("/builds")["builds"]]
    for address in ADDRESSES:
        ours.get(f"/{address}/theirs", 404)
    assert ours.http.delete("/builds/theirs").status_code == 404
    ours.post("/jobs", {"tests": ["build:theirs"]}, 404)
    ours.post("/builds", {"config": "id: theirs-too\nproject: theirs"}, 403)


def test_builds_are_listed_with_the_tests_of_a_project(command: "Command", builds: "Builds") -> None:
    builds.create("cli/one", more="project: shop")
    builds.create("cli/two", more="project: website")
    shop = command.run("tests", "--project", "shop")[0].splitlines()
    assert (shop[-1], "command:greet" in shop) == ("build:cli/one", True)
    website = json.loads(command.run("tests", "--project", "website", "--json")[0])
    assert website["tests"] == [{"name": "build:cli/two", "kind": "build"}]
    every = command.run("tests")[0].splitlines()
    assert {"build:cli/one", "build:cli/two"} <= set(every)
    assert "nothing" in command.run("tests", "--project", "nothing", code=4)[1]


def test_builds_are_run_at_the_command_line(command: "Command", builds: "Builds") -> None:
    builds.create("cli/run", "echo hello {who}", "exit {code}")
    out, _ = command.run("run", "--log", "-P", "who=Ada", "-P", "code=0", "build:cli/run")
    assert "hello Ada\n" in out
    assert "pass   build:cli/run  " in out
    out, _ = command.run("run", "-P", "who=Ada", "-P", "code=3", "build:cli/run", code=1)
    assert "Partially completed: 1/2" in out
    assert "no build 'nobody'" in command.run("run", "build:nobody", code=4)[1]
