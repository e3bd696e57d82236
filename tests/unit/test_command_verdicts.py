"""What a command and its test cases add up to."""

from pathlib import Path

import pytest

from anyrig.core.pack_file import Command
from anyrig.core.results import Verdict
from anyrig.executors.command.gathering import Left
from anyrig.executors.command.verdicts import judged, outcomes
from anyrig.executors.junit_cases import Case
from anyrig.executors.process import Exit

PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
PLAIN = Command("unit", "true")
WITH_JUNIT = Command("unit", "true", junit=("report.xml",), timeout=90.0)
GOOD, BAD = Case("a::good", PASS, seconds=1.5), Case("a::bad", FAIL, "wrong", "trace")
LOG = Path("combined.log")


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (0, PASS, None),
        (3, FAIL, "exit status 3"),
        (-11, FAIL, "killed by signal 11 (SIGSEGV)"),
        (-34, FAIL, "killed by signal 34 (SIGRTMIN)"),
        (-35, FAIL, "killed by signal 35 (without a name)"),
        (126, ERROR, "exit status 126: a program cannot be executed"),
        (127, ERROR, "exit status 127: a program was not found"),
    ],
)
def test_without_junit_files_the_exit_status_is_the_result(
    status: int, verdict: Verdict, reason: str | None
) -> None:
    assert judged(PLAIN, Exit(status), [], [], "") == (verdict, reason)


def test_junit_files_that_were_promised_and_did_not_come_are_no_pass() -> None:
    missing = "no JUnit file that it wrote has a test case (report.xml)"
    assert judged(WITH_JUNIT, Exit(0), [], [], "") == (
        ERROR,
        f"The command exited with status 0, but {missing}.",
    )
    assert judged(WITH_JUNIT, Exit(2), [], [], "") == (FAIL, f"exit status 2; {missing}")


def test_test_cases_tell_all_when_the_exit_status_agrees() -> None:
    assert judged(WITH_JUNIT, Exit(0), [GOOD], [], "") is None
    assert judged(WITH_JUNIT, Exit(1), [GOOD, BAD], [], "") is None
    assert judged(WITH_JUNIT, Exit(0), [GOOD, BAD], [], "") is None


def test_an_exit_status_that_no_case_explains_is_an_error() -> None:
    assert judged(WITH_JUNIT, Exit(3), [GOOD], [], "") == (
        ERROR,
        "The command exited with status 3 although no case failed.",
    )
    assert judged(WITH_JUNIT, Exit(-9), [GOOD], [], "") == (
        ERROR,
        "The command was killed by signal 9 (SIGKILL) although no case failed.",
    )


def test_a_broken_junit_file_is_an_error_whatever_the_others_say() -> None:
    broken = ["The JUnit file a.xml cannot be read: why.", "The JUnit file b.xml cannot be read: why."]
    assert judged(WITH_JUNIT, Exit(0), [GOOD], broken, "") == (ERROR, " ".join(broken))


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (Exit(-15, stopped=True), "Stopped by ada."),
        (Exit(-15, timed_out=True), "The command was stopped: it took longer than its timeout of 90 s."),
        (Exit(None, "not found: x"), "The command could not be started: not found: x."),
    ],
)
def test_a_command_that_was_cut_short_is_an_error_whatever_its_cases_say(ended: Exit, reason: str) -> None:
    assert judged(WITH_JUNIT, ended, [GOOD, BAD], ["broken"], "Stopped by ada.") == (ERROR, reason)


def test_the_first_result_carries_all_files_and_each_that_did_not_pass_the_log() -> None:
    left = Left(cases=[(GOOD, {"stdout.log": Path("1")}), (GOOD, {}), (BAD, {"shot.png": Path("2")})])
    left.files["report.xml"] = Path("r")
    results = outcomes("unit", left, (ERROR, "why"), LOG, "last words", 7.5)
    assert [(test, outcome.verdict, sorted(outcome.files)) for test, outcome in results] == [
        ("unit::a::good", PASS, ["combined.log", "report.xml", "stdout.log"]),
        ("unit::a::good", PASS, []),
        ("unit::a::bad", FAIL, ["combined.log", "shot.png"]),
        ("unit", ERROR, ["combined.log"]),
    ]
    assert [outcome.seconds for _, outcome in results] == [1.5, 1.5, 0.0, 7.5]
    assert [outcome.traceback for _, outcome in results] == [None, None, "trace", "last words"]


def test_a_command_that_is_its_only_result_took_as_long_as_it_took() -> None:
    ((test, outcome),) = outcomes("unit", Left(), (PASS, None), LOG, "last words", 7.5)
    assert (test, outcome.seconds, outcome.traceback, outcome.files) == (
        "unit",
        None,
        None,
        {"combined.log": LOG},
    )
