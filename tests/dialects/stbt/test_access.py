"""Who is let in, and how the others are told."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm
    from tests.dialects.stbt.conftest import Portal

PATHS = [
    ("GET", "/api/v2/user"),
    ("GET", "/api/v2/test_pack/main/test_case_names"),
    ("POST", "/github/post-receive"),
    ("GET", "/api/_private/workgroup"),
    ("POST", "/api/v2/run_tests"),
    ("GET", "/api/v2/jobs/local-1/0000/1"),
    ("GET", "/api/v2/jobs/local-1/0000/1/await_completion"),
    ("PUT", "/api/v2/jobs/local-1/0000/1/stop"),
    ("POST", "/api/v2/jobs/local-1/0000/1/stop"),
    ("GET", "/api/v2/jobs/local-1/0000/1/log"),
    ("GET", "/api/v2/nodes"),
    ("GET", "/api/v2/nodes/local-1"),
    ("GET", "/api/v2/nodes/local-1/job"),
    ("GET", "/api/v2/nodes/local-1/job/await_completion"),
    ("POST", "/api/v2/nodes/local-1/job/stop"),
    ("GET", "/api/v2/nodes/local-1/screenshot.png"),
    ("GET", "/api/v2/nodes/local-1/thumbnail.jpg"),
    ("POST", "/api/v2/nodes/local-1/press"),
    ("GET", "/api/v2/results"),
    ("GET", "/api/v2/results.csv"),
    ("GET", "/api/v2/results.xml"),
    ("GET", "/api/v2/results/local-1/0000/1/x/"),
    ("GET", "/api/v2/results/local-1/0000/1/x/stbt.log"),
    ("GET", "/api/v2/results/local-1/0000/1/x/artifacts/"),
    ("GET", "/api/v2/results/local-1/0000/1/x/artifacts/combined.log"),
    ("GET", "/api/v2/results/local-1/0000/1/x/screenshot.png"),
    ("GET", "/api/v2/results/local-1/0000/1/x/thumbnail.jpg"),
    ("GET", "/api/v2/secrets.pub.pem"),
    ("POST", "/api/v2/reservations"),
    ("DELETE", "/api/v2/reservations/1"),
    ("POST", "/api/v2/reservations/1/extend"),
    ("POST", "/api/v2/reservations/1/interrupt"),
]


@pytest.mark.parametrize("header", [None, "token nobody.knows", "token", "Digest x", "Basic %%%", "token x"])
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_missing_or_bad_token_is_forbidden_and_never_unauthorized(
    portal: "Portal", method: str, path: str, header: str | None
) -> None:
    request = portal.http.build_request(method, path)
    del request.headers["authorization"]
    if header is not None:
        request.headers["authorization"] = header
    answer = portal.http.send(request)
    assert answer.status_code == 403
    assert answer.text == "The access token is missing or not valid."
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_one_token_serves_every_scheme(farm: "Farm") -> None:
    token_id, _, secret = farm.token.partition(".")
    for auth in ((token_id, secret), ("anybody", farm.token)):
        assert httpx.get(f"{farm.url}/api/v2/user", auth=auth).json() == {"login": "admin"}
    with farm.client(scheme="Bearer") as client:
        assert client.get("/api/v2/user").status_code == 200


def test_a_viewer_looks_and_does_not_touch(farm: "Farm", portal: "Portal", ran: Any) -> None:
    with farm.client(farm.new_token("vera", "viewer")) as viewer:
        assert viewer.get("/api/v2/user").json() == {"login": "vera"}
        assert viewer.get(f"/api/v2/jobs{ran['job_uid']}").json() == ran
        assert viewer.get("/api/v2/results").status_code == 200
        assert viewer.get("/api/v2/test_pack/main/test_case_names").status_code == 200
        body = {
            "node_id": portal.farm.node,
            "test_pack_revision": "main",
            "test_cases": ["tests/verdicts.py::test_that_passes"],
        }
        refused = viewer.post("/api/v2/run_tests", json=body)
        assert (refused.status_code, refused.text) == (
            403,
            "vera (role viewer) is not allowed to run tests.",
        )
        for path in (
            f"jobs{ran['job_uid']}",
            "nodes/local-1/job",
            "nodes/local-2/job",
            "jobs/local-2/0000/0",
        ):
            assert viewer.post(f"/api/v2/{path}/stop").status_code == 403
        assert viewer.post("/github/post-receive").status_code == 403


def test_what_belongs_to_other_projects_is_not_there(farm: "Farm", ran: Any, results: Any) -> None:
    result_id = results["test_that_fails"]["result_id"]
    with farm.client(farm.new_token("otto", "operator", ["another"])) as stranger:
        for path in (
            f"jobs{ran['job_uid']}",
            f"jobs{ran['job_uid']}/await_completion",
            f"jobs{ran['job_uid']}/log",
            f"results{result_id}",
            f"results{result_id}/stbt.log",
            f"results{result_id}/artifacts/combined.log",
            "test_pack/main/test_case_names",
        ):
            assert stranger.get(f"/api/v2/{path}").status_code == 404, path
        assert stranger.post(f"/api/v2/jobs{ran['job_uid']}/stop").status_code == 404
        assert stranger.get("/api/v2/results").json() == []
        node = stranger.get(f"/api/v2/nodes/{farm.node}").json()
        assert (node["job"], node["config"]) == (None, {})
        assert stranger.get(f"/api/v2/nodes/{farm.node}/job").json()["job_uid"] == f"/{farm.node}/0000/0"
    with farm.client(farm.new_token("tilda", "operator", ["another", "tv"])) as insider:
        assert insider.get(f"/api/v2/jobs{ran['job_uid']}").json() == ran
        assert insider.get("/api/v2/test_pack/main/test_case_names").status_code == 200


def until_refused(client: httpx.Client) -> Iterator[httpx.Response]:
    """The answers to request after request, many at once."""
    with ThreadPoolExecutor(16) as pool:
        for _ in range(50):
            answers = list(pool.map(lambda _: client.get("/api/v2/user"), range(100)))
            yield from answers
            if any(answer.status_code == 429 for answer in answers):
                return


def test_whoever_asks_too_much_is_told_for_how_long_to_wait(farm: "Farm", portal: "Portal") -> None:
    with farm.client(farm.new_token("flo", "viewer")) as client:
        answers = list(until_refused(client))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 500
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert re.fullmatch(r"[1-9]\d*", refused.headers["retry-after"])
    assert refused.text == "Too many requests; wait 1 s and try again."
    assert portal.json("user") == {"login": "admin"}


def test_a_method_that_is_not_there_is_told_from_a_path_that_is_not_there(portal: "Portal") -> None:
    assert portal.http.delete("/api/v2/user").status_code == 405
    assert portal.http.get("/api/v2/nowhere").status_code == 404
