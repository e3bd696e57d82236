"""JUnit XML of every dialect becomes cases."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrig.core.errors import BadReport
from anyrig.core.results import Verdict
from anyrig.executors import junit
from anyrig.executors.junit import read_junit
from anyrig.executors.junit_cases import Case, seconds_of
from anyrig.executors.junit_text import TRACEBACK

SAMPLES = Path(__file__).parent / "junit"
BASKET = "shop.spec.ts::basket \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR


def sample(name: str) -> dict[str, Case]:
    return {case.name: case for case in read_junit(SAMPLES / name)}


def told(name: str) -> dict[str, tuple[Verdict, str | None]]:
    return {case.name: (case.verdict, case.reason) for case in read_junit(SAMPLES / name)}


def only(xml: str | bytes) -> Case:
    (case,) = read_junit(xml if isinstance(xml, bytes) else xml.encode())
    return case


def suite(inside: str) -> bytes:
    return f"<testsuite name='s'>{inside}</testsuite>".encode()


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
def test_both_families_of_pytest_tell_the_same(family: str) -> None:
    assert [
        (case.name, case.verdict, case.reason) for case in read_junit(SAMPLES / f"pytest-{family}.xml")
    ] == [
        ("test_basket::test_adds", PASS, None),
        ("test_basket::test_total", FAIL, "AssertionError: the total is wrong"),
        ("test_basket::test_prints", PASS, "Skipped: no printer here"),
        ("test_basket::test_known", PASS, "Failed as expected: known trouble"),
        ("test_basket::test_reads", ERROR, 'failed on setup with "RuntimeError: no database"'),
        ("test_basket::test_fails_twice", FAIL, "assert 0"),
        ("test_basket::test_fails_twice", ERROR, 'failed on teardown with "OSError: cannot clean up"'),
        ("test_basket::test_names[\\xe9]", PASS, None),
        ("test_basket::test_names[a<b]", PASS, None),
        ("test_basket.TestReceipt::test_is_empty", PASS, None),
    ]


def test_a_failure_of_pytest_keeps_its_source_and_its_output() -> None:
    case = sample("pytest-xunit1.xml")["test_basket::test_total"]
    assert case.traceback is not None
    assert case.traceback.startswith('def test_total():\n        print("looking')
    assert case.traceback.endswith("test_basket.py:13: AssertionError")
    assert "looking at the basket" in case.stdout
    assert case.seconds == 0.002


def test_robot_framework_nests_suites_and_joins_a_reason_of_two_lines() -> None:
    assert told("robot.xml") == {
        "Shop.Login::Good Password Signs In": (PASS, None),
        "Shop.Login::Bad Password Is Refused": (FAIL, "The answer is not right: yes != no"),
        "Shop.Login::Printer": (PASS, "Skipped: no printer here"),
        "Shop.Sub.Basket::Empty Basket": (FAIL, "Parent suite setup failed: no database"),
    }
    assert sample("robot.xml")["Shop.Login::Bad Password Is Refused"].traceback is None


def test_playwright_tells_failures_from_errors_and_names_attachments() -> None:
    cases = sample("playwright.xml")
    total = cases[f"{BASKET} total is right"]
    assert (total.verdict, total.reason) == (FAIL, "expect(received).toBe(expected) // Object.is equality")
    assert "Received: 6" in (total.traceback or "")
    assert total.attachments == (
        "test-results/shop-basket-total-is-right-chromium/error-context.md",
        "test-results/shop-basket-total-is-right-chromium-retry1/error-context.md",
    )
    assert cases[f"{BASKET} throws"].verdict is ERROR
    assert cases[f"{BASKET} prints"].reason == "Skipped: no reason is given"
    assert cases[f"{BASKET} flaky"].verdict is PASS


def test_gotestsum_says_failed_but_the_reason_is_in_the_output() -> None:
    assert told("gotestsum.xml") == {
        "example.test/shop/broken::TestMain": (FAIL, "main could not connect"),
        "example.test/shop/basket::TestAdds": (PASS, None),
        "example.test/shop/basket::TestPrints": (PASS, "Skipped: basket_test.go:27: no printer here"),
        "example.test/shop/basket::TestTotal/of_two": (FAIL, "basket_test.go:34: total is 6, not 7"),
        "example.test/shop/basket::TestTotal": (FAIL, "no reason is given"),
        "example.test/shop/basket::TestEmpty": (PASS, None),
    }


def test_go_junit_report_tells_a_build_that_failed() -> None:
    cases = sample("go-junit-report.xml")
    assert cases["example.test/shop/broken::[build failed]"].reason == "Build error"
    assert "undefined: connect" in (cases["example.test/shop/broken::[build failed]"].traceback or "")
    assert cases["example.test/shop/basket::TestAdds"].stdout == "    basket_test.go:12: adding"


def test_surefire_runs_failed_tests_again() -> None:
    cases = sample("surefire.xml")
    total = cases["test.example.BasketTest::total"]
    assert (total.verdict, total.reason) == (FAIL, "the total is wrong ==> expected: <7> but was: <6>")
    assert "total is wrong again" in (total.traceback or "")
    assert total.stdout == "looking at the basket\nlooking again\nthe price list is old"
    flaky = cases["test.example.BasketTest::flaky"]
    assert flaky.verdict is PASS
    assert (
        flaky.reason
        == "Flaky: run 2 passed; the first said: first time ==> expected: <true> but was: <false>"
    )
    assert "BasketTest.java:9" in (flaky.traceback or "")
    assert cases["test.example.BasketTest::nothing"].reason == "java.lang.NullPointerException"
    assert cases["test.example.BasketTest::soak"].seconds == 1234.5


def test_googletest_marks_what_it_did_not_run_by_an_attribute() -> None:
    assert told("googletest.xml") == {
        "Basket::Adds": (PASS, None),
        "Basket::Total": (FAIL, "basket_test.cc:10 Expected equality of these values: 7"),
        "Basket::DISABLED_Prints": (PASS, "Skipped: it is marked 'notrun'"),
    }


def test_names_namespaces_nesting_and_suites_without_cases_are_coped_with() -> None:
    cases = read_junit(SAMPLES / "nested.xml")
    assert [(case.name, case.verdict, case.seconds) for case in cases] == [
        ("inner::without a class", PASS, 0.5),
        ("a.B", PASS, None),
        ("inner", PASS, None),
        ("tests/outer.sh::in the outer suite", PASS, 0.01),
        ("setup", ERROR, None),
        ("crashed", ERROR, None),
        ("counts twice::fine", PASS, None),
    ]
    assert cases[4].reason == "cannot connect to the database"
    assert cases[4].traceback == "cannot connect to the database\nat connect()"
    assert cases[4].stdout == "connection refused"
    assert cases[5].reason == "The suite counts failures or errors, but has no test case."


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1,234.5", 1234.5),
        ("1,234", 1234.0),
        ("1,234,567.25", 1234567.25),
        ("0,5", 0.5),
        ("1e-3", 0.001),
        (" 2 ", 2.0),
        ("0.", 0.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_as_each_tool_writes_it(time: str | None, seconds: float | None) -> None:
    assert seconds_of(time) == seconds


def test_a_failure_outweighs_an_error_in_one_case() -> None:
    case = only(suite("<testcase name='a'><error message='second'/><failure message='first'/></testcase>"))
    assert (case.verdict, case.reason, case.traceback) == (FAIL, "first", "second\n\nfirst")


def test_an_error_outweighs_a_skip() -> None:
    assert only(suite("<testcase name='a'><skipped/><error/></testcase>")).verdict is ERROR


def test_a_verdict_may_stand_in_an_attribute_alone() -> None:
    case = only(suite("<testcase name='a' status='failed'/>"))
    assert (case.verdict, case.reason) == (FAIL, "it is marked 'failed'")


def test_the_last_line_of_a_python_traceback_is_its_reason() -> None:
    trace = "Traceback (most recent call last):\n  File 'a.py', line 1\nKeyError: 'x'"
    assert only(suite(f'<testcase name="a"><error>{trace}</error></testcase>')).reason == "KeyError: 'x'"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "shift_jis"]
)
def test_any_encoding_is_read(encoding: str) -> None:
    name = "値段" if encoding == "shift_jis" else "größe"
    declared = encoding.removesuffix("-sig")
    xml = f"\n<?xml version='1.0' encoding='{declared}'?>\n<testsuite><testcase name='{name}'/></testsuite>"
    assert only(xml.encode(encoding)).name == name


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_without_its_mark(encoding: str) -> None:
    assert only("<testsuite><testcase name='größe'/></testsuite>".encode(encoding)).name == "größe"


@pytest.mark.parametrize("declared", ["utf-16", "martian", "zip"])
def test_a_wrong_declaration_of_the_encoding_does_not_matter(declared: str) -> None:
    xml = f"<?xml version='1.0' encoding='{declared}'?><testsuite><testcase name='größe'/></testsuite>"
    assert only(xml).name == "größe"


def test_bytes_that_are_not_of_the_encoding_do_not_cost_the_file() -> None:
    assert only(b"<testsuite><testcase name='gr\xf6\xdfe'/></testsuite>").name == "gr��e"


def test_colours_and_control_characters_do_not_cost_the_file() -> None:
    message = "\x1b[31mred\x1b[0m &#27;[1mbold&#x1b;[0m \x00&#0;&#8;&#xD83D;&#x41;&#9;."
    assert only(suite(f"<testcase name='a'><failure>{message}</failure></testcase>")).reason == "red bold A ."


def test_an_escape_that_lies_across_two_pieces_is_still_removed() -> None:
    for length in range(junit._CHUNK - 60, junit._CHUNK):
        case = only(
            suite(f"<testcase name='a'><failure>{'x' * length}&#27;[31m\x1b[0m&lt;</failure></testcase>")
        )
        assert (case.traceback or "").endswith("x<")


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "http://192.0.2.1/a.dtd"> %a;',
    ],
)
def test_entities_are_refused(declaration: str) -> None:
    xml = f"<!DOCTYPE testsuite [{declaration}]><testsuite><testcase name='&a;'/></testsuite>"
    with pytest.raises(BadReport, match="it declares XML entities, which are refused"):
        read_junit(xml.encode())


def test_a_document_type_alone_is_no_entity() -> None:
    assert only("<!DOCTYPE testsuite><testsuite><testcase name='a'/></testsuite>").name == "a"


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (b"", "is not well-formed or ends too early"),
        (b"Killed", "is not well-formed or ends too early"),
        (b"<testsuite><testcase name='a'/>", "is not well-formed or ends too early"),
        (b"<html></html>", "its first element is 'html', not 'testsuites' or 'testsuite'"),
        (b"<testsuite>&nbsp;</testsuite>", "undefined entity"),
    ],
)
def test_what_is_no_junit_file_is_refused(xml: bytes, reason: str) -> None:
    with pytest.raises(BadReport, match=reason):
        read_junit(xml)


def test_a_refused_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text("<html/>")
    with pytest.raises(BadReport, match=r"The JUnit file report\.xml cannot be read"):
        read_junit(tmp_path / "report.xml")
    with pytest.raises(BadReport, match="No such file"):
        read_junit(tmp_path / "missing.xml")


def test_a_long_failure_keeps_its_two_ends() -> None:
    text = "first line\n" + "x" * 2 * TRACEBACK + "\nlast line"
    trace = only(suite(f"<testcase name='a'><failure>{text}</failure></testcase>")).traceback or ""
    assert trace.startswith("first line")
    assert "characters left out" in trace
    assert trace.endswith("last line")
    assert len(trace) < TRACEBACK + 100


def test_a_huge_output_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    with file.open("wb") as out:
        out.write(b"<testsuite><testcase name='a'><system-out>")
        for _ in range(20):
            out.write(b"0123456789abcde\n" * 65_536)
        out.write(b"</system-out><failure message='wrong'/></testcase></testsuite>")
    (case,) = read_junit(file)
    assert len(case.stdout) <= junit.TEXT + 4
    assert case.stdout.endswith("…]")
    assert case.reason == "wrong"


def test_a_file_with_too_many_cases_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_text("<testsuite>" + "<testcase/>" * (junit.CASES + 1) + "</testsuite>")
    with pytest.raises(BadReport, match="more than 50000 test cases"):
        read_junit(file)


def test_long_and_broken_names_become_one_short_line() -> None:
    case = only(suite(f"<testcase classname='a&#10;b' name='{'n' * 1000}'/>"))
    assert case.name.startswith("a b::nnn")
    assert len(case.name) < 1010


@settings(deadline=None)
@given(st.binary() | st.text().map(lambda text: suite(f"<testcase name='{text}'/>".replace("\ud800", ""))))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_junit(data)
    except BadReport as error:
        assert "cannot be read" in str(error)  # noqa: PT017 - either outcome is right
