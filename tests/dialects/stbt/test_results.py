"""Results: lists in three formats, one with all it left, logs and files."""

import csv
import hashlib
import http.client
import io
import re
import sqlite3
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.dialects.stbt.conftest import Portal

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
Results = dict[str, Any]


def names(results: list[Any]) -> list[str]:
    return [result["test_case"].partition("::test_")[2] for result in results]


def test_a_list_has_the_fields_of_the_document(portal: "Portal", ran: Any) -> None:
    found = portal.results(ran)
    assert names(found) == ["that_passes", "that_fails", "that_errs", "that_prints", "that_writes_files"]
    [failed] = [result for result in found if result["result"] == "fail"]
    url = portal.farm.url
    assert failed.pop("start_time") <= failed.pop("end_time")
    assert "EPG is empty: é" in failed.pop("failure_reason")
    assert failed == {
        "result_id": failed["result_id"],
        "job_uid": ran["job_uid"],
        "result_url": f"{url}/api/v2/results{failed['result_id']}",
        "triage_url": f"{url}/app/#/result/{failed['result_id']}",
        "test_pack_sha": portal.farm.sha(),
        "test_case": "tests/verdicts.py::test_that_fails",
        "result": "fail",
    }
    assert failed["result_id"].startswith(f"{ran['job_uid']}/")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("result:error", ["that_errs"]),
        ("result:fail OR result:error", ["that_fails", "that_errs"]),
        ("testcase:tests/output.py -testcase:tests/output.py::test_that_prints", ["that_writes_files"]),
        ("category:folder/nightly result:fail", ["that_fails"]),
        ("tag:model=T-1000 result:fail", ["that_fails"]),
        ('failure_reason:"is EMPTY"', ["that_fails"]),
        ("date:<2001-01-01", []),
        ("user:nobody", []),
    ],
)
def test_a_filter_narrows_the_list(portal: "Portal", ran: Any, text: str, found: list[str]) -> None:
    listed = portal.json("results", filter=f"job:{ran['job_uid']} ({text})", sort="date:asc", more="ignored")
    assert names(listed) == found


def test_the_newest_come_first_unless_asked_otherwise(portal: "Portal", ran: Any) -> None:
    job = f"job:{ran['job_uid']}"
    newest_first = portal.json("results", filter=job)
    assert newest_first == portal.results(ran)[::-1]
    assert newest_first == portal.json("results", filter=job, sort="date:desc", tz="America/Denver")
    by_verdict = portal.json("results", filter=job, sort="result:desc")
    assert [result["result"] for result in by_verdict] == ["pass", "pass", "pass", "fail", "error"]


def test_everything_is_listed_without_a_filter(portal: "Portal", ran: Any) -> None:
    every = portal.json("results")
    assert {result["job_uid"] for result in every} >= {ran["job_uid"]}


@pytest.mark.parametrize(
    "params",
    [
        {"filter": "nofield:x"},
        {"filter": "date:never"},
        {"filter": '"'},
        {"sort": "date"},
        {"sort": "sha:asc"},
        {"tz": "Mars/Olympus"},
        {"tz": "../../etc/passwd"},
    ],
)
@pytest.mark.parametrize("path", ["results", "results.csv", "results.xml"])
def test_a_bad_filter_sort_or_zone_is_refused(portal: "Portal", path: str, params: dict[str, str]) -> None:
    answer = portal.http.get(f"/api/v2/{path}", params=params)
    assert answer.status_code == 400
    assert answer.text.endswith(".")


def test_dates_in_a_filter_are_in_the_zone_that_is_asked_for(portal: "Portal", ran: Any) -> None:
    start = portal.results(ran)[0]["start_time"].removesuffix("Z")
    text = f'job:{ran["job_uid"]} date:>="{start}"'
    assert len(portal.json("results", filter=text)) == 5
    assert portal.json("results", filter=text, tz="America/Denver") == []
    assert len(portal.json("results", filter=text, tz="Asia/Tokyo")) == 5


def test_the_csv_has_a_line_a_result(portal: "Portal", ran: Any) -> None:
    answer = portal.get("results.csv", filter=f"job:{ran['job_uid']}", sort="date:asc")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert names(rows) == names(portal.results(ran))
    failed = rows[1]
    assert "EPG is empty: é" in failed["failure_reason"]
    assert failed["tags"] == "model=T-1000; jenkins/BUILD_URL=http://ci:8080/job/a%2Fb/; flaky="
    assert (failed["job_category"], failed["username"]) == ("folder/nightly", "admin")
    assert (failed["node_id"], failed["test_pack_branch"]) == (portal.farm.node, "refs/heads/main")
    assert 0 <= float(failed["duration"]) < 60


@pytest.mark.parametrize("include_tz", ["true", "false", None])
def test_the_xml_is_what_jenkins_reads(portal: "Portal", ran: Any, include_tz: str | None) -> None:
    params = {"filter": f"job:{ran['job_uid']}", "sort": "date:asc"}
    answer = portal.get("results.xml", **params, **({"include_tz": include_tz} if include_tz else {}))
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    suite = ET.fromstring(answer.content)
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "0"}
    start = portal.results(ran)[0]["start_time"].removesuffix("Z")
    assert suite.get("timestamp") == start + ("+00:00" if include_tz == "true" else "")
    failed = suite.findall("testcase")[1]
    assert (failed.get("classname"), failed.get("name")) == ("tests/verdicts.py", "test_that_fails")
    failure = failed.find("failure")
    assert failure is not None
    assert "EPG is empty: é" in (failure.get("message") or "")
    assert "verdicts.py" in (failure.text or "")


def test_a_result_tells_everything(results: Results, ran: Any) -> None:
    failed = results["test_that_fails"]
    assert MOMENT.fullmatch(failed["start_time"])
    assert failed["test_pack_branch"] == "refs/heads/main"
    assert failed["username"] == "admin"
    assert failed["job_category"] == "folder/nightly"
    assert failed["tags"] == {
        "model": "T-1000",
        "jenkins/BUILD_URL": "http://ci:8080/job/a%2Fb/",
        "flaky": "",
    }
    assert "AssertionError" in failed["traceback"]
    assert failed["job_uid"] == ran["job_uid"]


def test_a_pass_has_null_for_reason_and_traceback_and_the_others_have_texts(results: Results) -> None:
    passed, erred = results["test_that_passes"], results["test_that_errs"]
    assert (passed["failure_reason"], passed["traceback"]) == (None, None)
    assert "there is no video" in erred["failure_reason"]
    assert "RuntimeError" in erred["traceback"]


def test_a_result_is_found_with_and_without_a_slash_and_with_private_fields(
    portal: "Portal", results: Results
) -> None:
    failed = results["test_that_fails"]
    for path in (
        f"{failed['result_id']}/",
        f"/{failed['result_id']}",
        f"{failed['result_id']}?private_fields=1",
    ):
        assert portal.http.get(f"/api/v2/results{path}").json() == failed


FILES = {
    "a/file in a subdirectory/another.log": (b"x" * 2433, "text/plain; charset=utf-8"),
    "my file.txt": (b"0123456789", "text/plain; charset=utf-8"),
    "50%.txt": (b"half", "text/plain; charset=utf-8"),
    "größe.json": (b"{}", "application/json"),
    "empty.bin": (b"", "application/octet-stream"),
}


def test_artifacts_have_a_size_and_an_md5(portal: "Portal", results: Results) -> None:
    detail = results["test_that_writes_files"]
    listed = portal.json(f"results{detail['result_id']}/artifacts")
    assert listed == detail["artifacts"] == portal.json(f"results{detail['result_id']}/artifacts/")
    for name, (content, _) in FILES.items():
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        assert listed[name] == {"size": len(content), "md5": md5}
    assert "combined.log" in listed


@pytest.mark.parametrize("name", FILES)
def test_an_artifact_is_what_the_test_wrote(portal: "Portal", results: Results, name: str) -> None:
    content, media_type = FILES[name]
    answer = portal.get(
        f"results{results['test_that_writes_files']['result_id']}/artifacts/{name.replace('%', '%25')}"
    )
    assert answer.content == content
    assert answer.headers["content-type"] == media_type


def test_a_name_with_an_escape_in_it_is_found_as_stbt_rig_asks_for_it(
    portal: "Portal", results: Results
) -> None:
    result_id = results["test_that_writes_files"]["result_id"]
    for path in ("a%20b.txt", "a%2520b.txt"):
        assert portal.get(f"results{result_id}/artifacts/{path}").text == "literal"


def test_a_part_of_an_artifact_can_be_asked_for(portal: "Portal", results: Results) -> None:
    url = f"/api/v2/results{results['test_that_writes_files']['result_id']}/artifacts/my file.txt"
    answer = portal.http.get(url, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert portal.http.head(url).headers["content-length"] == "10"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.txt",
        "../combined.log",
        "a",
        "..%2f..%2f..%2fadmin.token",
        "/etc/passwd",
        "%00",
        "a/../combined.log",
    ],
)
def test_nothing_but_a_file_of_the_result_is_served(portal: "Portal", results: Results, name: str) -> None:
    path = f"/api/v2/results{results['test_that_prints']['result_id']}/artifacts/{name}"
    plain = http.client.HTTPConnection(portal.farm.url.removeprefix("http://"))  # leaves the path as it is
    plain.request("GET", path, headers={"Authorization": f"token {portal.farm.token}"})
    answer = plain.getresponse()
    plain.close()
    assert answer.status == 404


@pytest.mark.parametrize("name", ["screenshot.png", "thumbnail.jpg"])
def test_a_result_without_a_picture_says_so(portal: "Portal", results: Results, name: str) -> None:
    result_id = results["test_that_passes"]["result_id"]
    assert portal.get(f"results{result_id}/{name}", 404).text == f"There is no artifact '{name}'."


def test_the_log_has_a_time_on_every_line(portal: "Portal", results: Results) -> None:
    log = f"results{results['test_that_prints']['result_id']}/stbt.log"
    answer = portal.get(log)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    stamped = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 "
    for message in ("A message printed by the test script: é", "and one on stderr"):
        assert any(re.fullmatch(stamped + re.escape(message), line) for line in lines)
    assert portal.get(log, tz="Etc/UTC").text == answer.text


def test_the_log_is_rendered_in_the_readers_zone(portal: "Portal", results: Results) -> None:
    log = f"results{results['test_that_prints']['result_id']}/stbt.log"
    local = portal.get(log, tz="Asia/Kathmandu")
    assert local.headers["content-type"] == "text/plain; charset=utf-8"
    assert re.search(r"^\S+\.\d{6}\+05:45 A message printed by the test script: é$", local.text, re.MULTILINE)
    assert len(local.text) == len(portal.get(log).text)
    assert "Mars/Olympus" in portal.get(log, 400, tz="Mars/Olympus").text


ENDINGS = ["", "/stbt.log", "/screenshot.png", "/artifacts/", "/artifacts/combined.log"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_result_that_nobody_knows_is_not_found(portal: "Portal", ending: str) -> None:
    result_id = "/local-1/0a23/972/2015-05-28T14:46:34"
    assert portal.get(f"results{result_id}{ending}", 404).text == f"There is no result '{result_id}'."


def test_a_result_that_was_deleted_is_gone(portal: "Portal") -> None:
    job = portal.run("tests/verdicts.py::test_that_passes")
    portal.finish(job)
    [result] = portal.results(job)
    with sqlite3.connect(portal.farm.data / "anyrig.sqlite") as database:
        database.execute("UPDATE results SET deleted = 1 WHERE result_id = ?", [result["result_id"]])
    database.close()
    for ending in ENDINGS:
        assert "has been deleted" in portal.get(f"results{result['result_id']}{ending}", 410).text
    assert portal.results(job) == []
