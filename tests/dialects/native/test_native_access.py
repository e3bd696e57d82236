"""Who may do what in the native API, and how the others are refused."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm
    from tests.dialects.native.conftest import Api

PROBLEM = "application/problem+json"


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem details, which are complete."""
    assert answer.headers["content-type"] == PROBLEM
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["type"] == f"urn:anyrig:problem:{found['code']}"
    assert found["title"]
    assert found["detail"].endswith(".")
    return found


def test_the_document_is_public(farm: "Farm") -> None:
    document = httpx.get(f"{farm.url}/api/v3/openapi.json").json()
    assert document["openapi"].startswith("3.1")


def test_everything_else_needs_a_token(farm: "Farm") -> None:
    paths = httpx.get(f"{farm.url}/api/v3/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            url = f"{farm.url}/api/v3{path.replace('{', '').replace('}', '').replace('number', '1')}"
            answer = httpx.request(method, url)
            assert answer.status_code == 401, (method, url)
            assert answer.headers["www-authenticate"] == 'Bearer realm="anyrig"'
            assert problem(answer)["code"] == "unauthenticated"


def test_every_scheme_takes_the_same_token(farm: "Farm") -> None:
    url, (name, secret) = f"{farm.url}/api/v3/users/me", farm.token.split(".")
    for scheme in ("Bearer", "token"):
        assert httpx.get(url, headers={"Authorization": f"{scheme} {farm.token}"}).json()["user"] == "admin"
    assert httpx.get(url, auth=(name, secret)).json()["role"] == "admin"
    assert httpx.get(url, auth=("anybody", farm.token)).json()["projects"] is None


def test_a_viewer_reads_and_does_nothing_else(
    api: "Api", api_of: Callable[[str], "Api"], token_of: Callable[[str, str], str], ran: Any
) -> None:
    viewer = api_of(token_of("vera", "viewer"))
    assert viewer.get("/users/me") == {"user": "vera", "role": "viewer", "projects": None}
    assert viewer.get(f"/jobs/{ran['number']}")["number"] == ran["number"]
    for path, body in (
        ("/jobs", {"tests": ["command:greet"], "project": "shop"}),
        (f"/jobs/{ran['number']}/stop", None),
        ("/projects", {"name": "mine"}),
        ("/projects/shop/fetch", None),
        ("/tokens", {"user": "vera", "role": "admin"}),
    ):
        refused = problem(viewer.http.post(path, json=body))
        assert (refused["status"], refused["code"]) == (403, "forbidden"), path
        assert "vera (role viewer) is not allowed to" in refused["detail"]


def test_a_token_for_one_project_sees_no_other(api: "Api", api_of: Callable[[str], "Api"], ran: Any) -> None:
    made = api.post("/tokens", {"user": "tom", "role": "operator", "projects": ["tv"]}, 201)
    tom = api_of(made["token"])
    assert [project["name"] for project in tom.get("/projects")["projects"]] == ["tv"]
    assert tom.get("/results", filter=f"job:{ran['uid']}")["results"] == []
    assert ran["number"] not in [job["number"] for job in tom.get("/jobs", limit=1000)["jobs"]]
    result = api.results(ran)[0]["result_id"]
    for path in (f"/jobs/{ran['number']}", f"/jobs/{ran['number']}/events", f"/results{result}"):
        assert problem(tom.http.get(path))["status"] == 404, path
    asked = {"tests": ["command:greet"], "project": "shop"}
    assert problem(tom.http.post("/jobs", json=asked))["status"] == 403
    assert problem(tom.http.get("/projects/shop/tests"))["status"] == 404


def test_a_token_is_shown_once_and_can_be_revoked(api: "Api", api_of: Callable[[str], "Api"]) -> None:
    made = api.post("/tokens", {"user": "rita", "role": "viewer"}, 201)
    shown = next(token for token in api.get("/tokens")["tokens"] if token["id"] == made["id"])
    assert shown == {name: value for name, value in made.items() if name != "token"}
    rita = api_of(made["token"])
    assert rita.get("/users/me")["user"] == "rita"
    assert api.http.delete(f"/tokens/{made['id']}").status_code == 204
    assert problem(rita.http.get("/users/me"))["status"] == 401
    assert problem(api.http.delete(f"/tokens/{made['id']}"))["status"] == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"user": "a b", "role": "viewer"}, "user"),
        ({"user": "ada", "role": "king"}, "role"),
        ({"user": "ada", "role": "viewer", "expires": "2001-01-01T00:00:00Z"}, "expires"),
        ({"user": "ada", "role": "viewer", "expires": "2001-01-01T00:00:00"}, "expires"),
        ({"user": "ada"}, "role"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(api: "Api", body: Any, said: str) -> None:
    refused = problem(api.http.post("/tokens", json=body))
    assert refused["status"] == 400
    assert said in refused["detail"]


def test_what_is_not_there_is_a_problem_too(api: "Api") -> None:
    assert problem(api.http.get("/nothing"))["code"] == "not_found"
    refused = api.http.put("/jobs")
    assert problem(refused)["code"] == "method_not_allowed"
    assert refused.headers["allow"]


@pytest.mark.parametrize("path", ["/results?limit=0", "/results?limit=x", "/jobs?limit=1001", "/jobs/x"])
def test_a_parameter_that_makes_no_sense_is_named(api: "Api", path: str) -> None:
    refused = problem(api.http.get(path))
    assert (refused["status"], refused["code"]) == (400, "bad_field")
    assert "limit" in refused["detail"] or "number" in refused["detail"]


def test_a_body_that_is_too_long_is_refused(api: "Api") -> None:
    assert problem(api.http.post("/jobs", content=b" " * 5_000_000))["status"] in {400, 413}
