"""Results in the native API."""

import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.dialects.native.conftest import Api


def test_a_result_is_found_by_what_it_is_marked_with(api: "Api", ran: Any) -> None:
    for text in (
        f"job:{ran['uid']}",
        "category:nightly/eu",
        f"job:{ran['uid']} tag:model=T-1000 tag:flaky",
        f"job:{ran['uid']} node:{api.farm.node} user:admin date:today",
    ):
        tests = [each["test"] for each in api.get("/results", filter=text, sort="testcase:asc")["results"]]
        assert tests == ["unit::sums::adds", "unit::sums::divides"], text


def test_a_result_says_everything_that_lists_need(api: "Api", ran: Any) -> None:
    [found] = api.get("/results", filter=f"job:{ran['uid']} result:fail")["results"]
    assert found["job"] == ran["number"]
    assert found["result_id"].startswith(ran["uid"] + "/")
    assert (found["project"], found["category"], found["user"]) == ("shop", "nightly/eu", "admin")
    assert (found["verdict"], found["reason"]) == ("fail", "1 < 2")
    assert found["tags"] == {"model": "T-1000", "flaky": None}
    assert found["sha"] == ran["sha"]


@pytest.mark.parametrize(
    "sort", ["date:desc", "date:asc", "duration:desc", "testcase:asc", "result:desc", "job:asc"]
)
def test_a_walk_by_pages_meets_every_result_once(api: "Api", ran: Any, sort: str) -> None:
    every = [each["result_id"] for each in api.get("/results", sort=sort, limit=1000)["results"]]
    walked, cursor = [], None
    while True:
        page = api.get("/results", sort=sort, limit=2, **({"cursor": cursor} if cursor else {}))
        walked += [each["result_id"] for each in page["results"]]
        if not (cursor := page["next"]):
            break
    assert walked == every
    assert len(set(walked)) == len(walked)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"filter": "colour:red"}, "bad_filter"),
        ({"filter": "date:soon"}, "bad_filter"),
        ({"tz": "Moon/Crater"}, "bad_filter"),
        ({"sort": "colour:asc"}, "bad_field"),
        ({"cursor": "x"}, "bad_field"),
        ({"cursor": ""}, "bad_field"),
        ({"sort": ""}, "bad_field"),
        ({"limit": "0"}, "bad_field"),
        ({"limit": "1001"}, "bad_field"),
        ({"limit": "many"}, "bad_field"),
        ({"limit": ""}, "bad_field"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(api: "Api", params: dict[str, str], code: str) -> None:
    assert api.get("/results", 400, **params)["code"] == code


def test_a_result_has_its_traceback_and_its_files(api: "Api", ran: Any) -> None:
    listed = api.results(ran)[1]
    found = api.get(f"/results{listed['result_id']}")
    assert {name: found[name] for name in listed} == listed
    assert "in sums" in found["traceback"]
    assert api.get(f"/results{listed['result_id']}/artifacts")["artifacts"] == found["artifacts"]
    assert "combined.log" in [file["name"] for file in found["artifacts"]]


def test_a_file_is_fetched_by_its_url_whole_or_in_part(api: "Api", ran: Any) -> None:
    [result] = api.get("/results", filter=f"job:{ran['uid']} result:pass")["results"]
    files = api.get(f"/results{result['result_id']}")["artifacts"]
    file = next(each for each in files if each["name"] == "out/a b/50%.txt")
    whole = api.http.get(file["url"])
    assert whole.content == b"0123456789"
    assert hashlib.sha256(whole.content).hexdigest() == file["sha256"]
    assert hashlib.md5(whole.content).hexdigest() == file["md5"]
    assert api.http.head(file["url"]).headers["content-length"] == "10"
    part = api.http.get(file["url"], headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    again = api.http.get(file["url"], headers={"if-none-match": whole.headers["etag"]})
    assert again.status_code == 304
    saved = api.http.get(file["url"], params={"download": True})
    assert saved.headers["content-disposition"].startswith("attachment")


def test_a_page_that_a_test_left_cannot_run_in_our_origin(api: "Api", ran: Any) -> None:
    files = api.get(f"/results{api.results(ran)[0]['result_id']}")["artifacts"]
    page = api.http.get(next(each["url"] for each in files if each["name"] == "out/page.html"))
    assert page.headers["content-security-policy"] == "sandbox"
    assert page.headers["x-content-type-options"] == "nosniff"


def test_what_is_not_there_is_not_found(api: "Api", ran: Any) -> None:
    name = api.results(ran)[0]["result_id"]
    for path in (f"/results{name}.9", f"/results{name}/artifacts/nothing.txt", "/results/a/b/1/c"):
        answer = api.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


@pytest.mark.parametrize("limit", ["2", "02", "+2", "1000"])
def test_a_question_is_answered_however_it_is_put(api: "Api", ran: Any, limit: str) -> None:
    filter_ = f"job:{ran['uid']}"
    plain = api.get("/results", filter=filter_)
    assert len(plain["results"]) == 2
    assert api.get("/results", filter=filter_, limit=limit, colour="red") == plain
    assert api.get("/results/", filter=["result:error", filter_], limit=["1", limit]) == plain


def test_only_a_good_token_gets_results(api: "Api", ran: Any) -> None:
    for headers in ({}, {"authorization": "Bearer x.y"}):
        answer = httpx.get(f"{api.farm.url}/api/v3/results", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="anyrig"'
        assert answer.json()["code"] == "unauthenticated"
