"""Results become JUnit XML."""

from dataclasses import dataclass
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from anyrig.core.results import Verdict
from anyrig.executors.junit import read_junit
from anyrig.server.junit import write_junit

START = 1_432_824_395_354_791  # 2015-05-28T14:46:35.354791Z


@dataclass
class Row:
    test: str = "tests/epg.py::test_that_epg_is_populated"
    verdict: Verdict = Verdict.PASS
    reason: str | None = None
    traceback: str | None = None
    start: int = START
    end: int = START + 3_270_815


def test_a_pass_has_the_documented_shape() -> None:
    assert write_junit([Row()], include_tz=True).decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        '<testsuite disabled="0" errors="0" failures="0" name="test" skipped="0" tests="1" time="3.270815" '
        'timestamp="2015-05-28T14:46:35.354791+00:00">'
        '<testcase classname="tests/epg.py" name="test_that_epg_is_populated" time="3.270815" />'
        "</testsuite>"
    )


def test_the_time_stamp_has_no_offset_unless_asked_for() -> None:
    root = ET.fromstring(write_junit([Row(start=START + 1), Row()]))
    assert root.get("timestamp") == "2015-05-28T14:46:35.354791"


def test_the_time_stamp_is_in_the_zone_asked_for() -> None:
    root = ET.fromstring(write_junit([Row()], include_tz=True, tz=ZoneInfo("Asia/Kolkata")))
    assert root.get("timestamp") == "2015-05-28T20:16:35.354791+05:30"


def test_failures_and_errors_carry_reason_and_traceback() -> None:
    fail = Row(
        verdict=Verdict.FAIL, reason="EPG is empty", traceback="Traceback …\nAssertionError: EPG is empty"
    )
    error = Row(test="build", verdict=Verdict.ERROR)
    root = ET.fromstring(write_junit([fail, error, Row()]))
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["3", "1", "1"]
    failure = root.find("testcase/failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("EPG is empty", fail.traceback)
    assert [case.get("classname") for case in root] == ["tests/epg.py", "build", "tests/epg.py"]
    assert root.find("testcase/error") is not None


def test_no_results_are_an_empty_suite() -> None:
    root = ET.fromstring(write_junit([]))
    assert (root.get("tests"), root.get("time"), list(root)) == ("0", "0.000000", [])


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_text_gives_well_formed_xml_with_the_same_verdict(test: str, reason: str, traceback: str) -> None:
    row = Row(test=test, verdict=Verdict.FAIL, reason=reason, traceback=traceback)
    (case,) = read_junit(write_junit([row]))
    assert case.verdict is Verdict.FAIL
