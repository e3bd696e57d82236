"""Nodes, projects and their tests in the native API."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.dialects.native.conftest import Api, Gate


def test_nodes_say_what_they_are_and_what_they_do(api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", params=gate.params)
    nodes = api.get("/nodes")["nodes"]
    assert [node["name"] for node in nodes] == ["local-1", "local-2", "local-3", "local-4"]
    busy, free = nodes[0], nodes[1]
    assert (busy["online"], busy["busy_with"], busy["last_job"]) == (True, job["uid"], job["number"])
    assert (free["busy_with"], free["agent"]) == (None, "local")
    assert {"python", "command"} <= set(free["kinds"])
    assert api.get(f"/nodes/{busy['name']}")["busy_with"] == job["uid"]
    gate.open()
    api.finish(job)


def test_a_node_that_nobody_enrolled_is_not_found(api: "Api") -> None:
    assert api.get("/nodes/nobody", 404)["detail"] == "There is no node 'nobody'."


def test_projects_are_listed_the_default_one_first(api: "Api", shop: Path) -> None:
    projects = api.get("/projects")["projects"]
    assert [each["name"] for each in projects[:2]] == ["tv", "shop"]
    assert projects[1]["source"] == str(shop)
    assert projects[1]["git_url"] == f"{api.farm.url}/git/shop.git"


def test_tests_are_listed_with_their_kinds_as_a_job_takes_them(api: "Api") -> None:
    found = api.get("/projects/shop/tests")
    assert [each["name"] for each in found["tests"]] == [
        "tests/checks.py::test_one",
        "tests/checks.py::test_two",
        "command:greet",
        "command:bad",
        "command:gate",
        "command:unit",
    ]
    assert {each["kind"] for each in found["tests"]} == {"python", "command"}
    assert (found["branch"], found["troubles"]) == ("refs/heads/main", [])


def test_tests_are_listed_at_any_revision(api: "Api") -> None:
    more = [each["name"] for each in api.get("/projects/tv/tests", revision="feature/more")["tests"]]
    assert "tests/more.py::test_more" in more
    assert api.get("/projects/tv/tests", 404, revision="nowhere")["code"] == "revision_not_found"
    assert api.get("/projects/nothing/tests", 404)["code"] == "not_found"


def test_a_project_without_a_source_is_pushed_to(api: "Api") -> None:
    made = api.post("/projects", {"name": "pushed"}, 201)
    assert made["source"] is None
    assert api.get("/projects/pushed/tests", 404)["code"] == "revision_not_found"
    assert api.post("/projects/pushed/fetch")["name"] == "pushed"


def test_a_pack_file_with_a_mistake_hides_no_other_tests(api: "Api", tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/a.py").write_text("def test_a(): pass\n")
    (tmp_path / "anyrig.toml").write_text("[command.x]\nrn = 'echo'\n")
    api.post("/projects", {"name": "mistaken", "source": str(tmp_path)}, 201)
    found = api.get("/projects/mistaken/tests")
    assert [each["name"] for each in found["tests"]] == ["tests/a.py::test_a"]
    assert "rn" in found["troubles"][0]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "tv"}, 409, "conflict"),
        ({"name": "a b"}, 400, "bad_field"),
        ({"name": "new", "source": "/no/such/folder"}, 400, "bad_field"),
        ({}, 400, "bad_field"),
    ],
)
def test_a_project_that_cannot_be_made_is_refused(api: "Api", body: Any, status: int, code: str) -> None:
    assert api.post("/projects", body, status)["code"] == code
