"""Results in the words of stb-tester."""

import csv
import io
from typing import Any

import pytest

from anyrig.core.errors import BadField
from anyrig.core.filters import NEWEST_FIRST, Sort, SortField
from anyrig.core.messages import Artifact
from anyrig.core.records import Result, ResultDetail
from anyrig.core.results import Verdict
from anyrig.server.dialects.stbt import wire_results

BASE = "https://lab.example"
START = 1_432_824_395_354_791
UID = "/stb-tester-abcdef123456/0a23/972"
SHA = "c2c82cad08114f973e2c36f0bbfbfb0a78dad911"


def a_result(**changes: Any) -> Result:
    result = Result(
        number=1,
        result_id=f"{UID}/2015-05-28T14:46:35",
        job_uid=UID,
        project="tv",
        node="stb-tester-abcdef123456",
        user="johnsmith",
        category="example",
        testcase="tests/epg.py::test_that_epg_is_populated",
        verdict=Verdict.FAIL,
        failure_reason="EPG is empty",
        start=START,
        end=START + 6_970_641,
        sha=SHA,
        branch="refs/heads/master",
        tags={"model": "T-1000", "flaky": None},
        deleted=None,
    )
    return result._replace(**changes)


LISTED = {
    "result_id": f"{UID}/2015-05-28T14:46:35",
    "job_uid": UID,
    "result_url": f"https://lab.example/api/v2/results{UID}/2015-05-28T14:46:35",
    "triage_url": f"https://lab.example/app/#/result/{UID}/2015-05-28T14:46:35",
    "start_time": "2015-05-28T14:46:35.354791Z",
    "end_time": "2015-05-28T14:46:42.325432Z",
    "test_pack_sha": SHA,
    "test_case": "tests/epg.py::test_that_epg_is_populated",
    "result": "fail",
    "failure_reason": "EPG is empty",
}


def test_the_list_has_the_fields_of_the_document() -> None:
    assert wire_results.result_json(a_result(), BASE) == LISTED


def test_the_detail_has_all_of_them() -> None:
    files = (Artifact("a/b c.log", 2433, "0cc1", "5a2"), Artifact("combined.log", 0, "d41d", "e3b"))
    detail = ResultDetail(a_result(), "Traceback…\nAssertionError", files)
    assert wire_results.detail_json(detail, BASE) == LISTED | {
        "test_pack_branch": "refs/heads/master",
        "username": "johnsmith",
        "job_category": "example",
        "traceback": "Traceback…\nAssertionError",
        "artifacts": {
            "a/b c.log": {"size": 2433, "md5": "0cc1"},
            "combined.log": {"size": 0, "md5": "d41d"},
        },
        "tags": {"model": "T-1000", "flaky": ""},
    }


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR])
def test_what_did_not_pass_has_texts_even_if_there_is_nothing_to_say(verdict: Verdict) -> None:
    detail = ResultDetail(a_result(verdict=verdict, failure_reason=None), None, ())
    shown = wire_results.detail_json(detail, BASE)
    assert (shown["failure_reason"], shown["traceback"]) == ("", "")


def test_a_pass_has_neither_reason_nor_traceback() -> None:
    detail = ResultDetail(a_result(verdict=Verdict.PASS, failure_reason="x"), "y", ())
    shown = wire_results.detail_json(detail, BASE)
    assert (shown["failure_reason"], shown["traceback"]) == (None, None)


def test_the_csv_reads_back_with_line_breaks_quotes_and_commas() -> None:
    reason = 'first "line",\r\nsecond: é\n'
    text = wire_results.csv_text([a_result(failure_reason=reason), a_result(branch=None)], BASE)
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first["failure_reason"] == reason
    assert first["duration"] == "6.970641"
    assert first["tags"] == "model=T-1000; flaky="
    assert (second["test_pack_branch"], second["node_id"]) == ("", "stb-tester-abcdef123456")
    assert tuple(first) == wire_results.COLUMNS


def test_no_results_are_a_csv_with_names_only() -> None:
    assert wire_results.csv_text([], BASE) == ",".join(wire_results.COLUMNS) + "\r\n"


def test_the_xml_tells_the_zone_if_asked() -> None:
    found = [(a_result(), "Traceback")]
    assert b'timestamp="2015-05-28T14:46:35.354791+00:00"' in wire_results.xml_bytes(found, include_tz=True)
    document = wire_results.xml_bytes(found, include_tz=False)
    assert b'timestamp="2015-05-28T14:46:35.354791"' in document
    assert b'classname="tests/epg.py" name="test_that_epg_is_populated"' in document


def test_queries_have_defaults() -> None:
    assert wire_results.query({}) == wire_results.Query("", NEWEST_FIRST, "UTC")
    assert wire_results.query({"sort": "", "tz": ""}) == wire_results.Query("", NEWEST_FIRST, "UTC")
    asked = {"filter": "job:/x", "sort": "duration:asc", "tz": "Asia/Tokyo", "new": "1"}
    order = Sort(SortField.DURATION, descending=False)
    assert wire_results.query(asked) == wire_results.Query("job:/x", order, "Asia/Tokyo")
    with pytest.raises(BadField):
        wire_results.query({"sort": "sha:asc"})


@pytest.mark.parametrize(
    ("path", "raw", "query", "names"),
    [
        ("a b.txt", b"/api/v2/results/x/artifacts/a%20b.txt", b"", ("a b.txt", "a%20b.txt")),
        ("a.txt", b"/api/v2/results/x/artifacts/a.txt", b"", ("a.txt",)),
        ("A.txt", b"/x/artifacts/%41.txt", b"", ("A.txt", "%41.txt")),
        ("what", b"/x/artifacts/what", b"now.txt", ("what", "what?now.txt")),
        ("a/artifacts/b", b"/x/artifacts/a/artifacts/b", b"", ("a/artifacts/b",)),
        ("a", b"", b"", ("a",)),
    ],
)
def test_a_url_of_a_file_may_be_meant_literally(
    path: str, raw: bytes, query: bytes, names: tuple[str, ...]
) -> None:
    assert wire_results.artifact_names(path, raw, query) == names
