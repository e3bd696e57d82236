"""What a test of a pack is found to have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anyrig.core.results import Verdict

if TYPE_CHECKING:
    from tests.contract.python.conftest import Agent

PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR


@pytest.mark.parametrize(
    ("test", "verdict", "reason"),
    [
        ("test_that_passes", PASS, None),
        ("test_bare_assert", FAIL, 'assert channels == ["BBC One"]'),
        ("test_assert_over_two_lines", FAIL, "assert ( len(channels) == 1 )"),
        ("test_assert_with_message", FAIL, "EPG is blank"),
        ("test_raised_assertion", FAIL, "raised by hand"),
        ("test_assert_in_a_module", FAIL, "assert number == 4"),
        ("test_match_timeout", FAIL, "Didn't find match for 'logo.png' within 10 seconds."),
        ("test_pytest_fail", FAIL, "that is not it"),
        ("test_other_exception", ERROR, "'key'"),
        ("test_exception_without_text", ERROR, "ValueError"),
        ("test_exception_that_cannot_be_printed", ERROR, "<unprintable Nasty object>"),
        (
            "test_precondition",
            ERROR,
            "Didn't meet precondition 'no video' (original exception was: None)",
        ),
        ("test_chained", ERROR, "cannot tune"),
        ("test_strange_text", ERROR, "nul \\x00, surrogate \\udcff, é"),
        ("test_system_exit", ERROR, "SystemExit: 3"),
        ("test_keyboard_interrupt", ERROR, "KeyboardInterrupt"),
        ("test_pytest_exit", ERROR, "enough"),
        ("test_skip", PASS, None),
        ("test_xfail", PASS, None),
        ("test_strict_xpass", FAIL, "[XPASS(strict)] known"),
        ("test_os_exit", ERROR, "The test ended its process with exit status 0 before it was over"),
        ("test_segfault", ERROR, "The test was killed by signal 11 (SIGSEGV)"),
        ("test_killed", ERROR, "The test was killed by signal 9 (SIGKILL)"),
        ("test_device", ERROR, "Node rig1 has no device, which stbt.get_frame needs"),
        ("test_broken_fixture", ERROR, "no lock"),
        ("test_broken_teardown", ERROR, "cannot clean up"),
        ("test_fails_and_broken_teardown", FAIL, "the first"),
        ("TestMenu::test_opens", PASS, None),
        ("TestMenu::test_fails", FAIL, "closed"),
        ("no_such_test", ERROR, "There is no test 'no_such_test' in tests/verdicts.py"),
    ],
)
async def test_a_test_has_a_verdict_and_a_reason(
    agent: Agent, test: str, verdict: Verdict, reason: str | None
) -> None:
    told = await agent.run(f"verdicts.py::{test}")
    assert (told.outcome.verdict, told.outcome.reason) == (verdict, reason)
    assert told.output["exit-status"].decode() == {PASS: "0", FAIL: "1", ERROR: "2"}[verdict]
    assert (told.outcome.traceback is None) == (verdict is PASS)


async def test_a_traceback_shows_the_packs_own_lines_and_the_values_that_pytest_saw(agent: Agent) -> None:
    told = await agent.run("verdicts.py::test_bare_assert")
    assert told.outcome.traceback is not None
    lines = told.outcome.traceback.splitlines()
    assert lines[:4] == [
        "Traceback (most recent call last):",
        '  File "tests/verdicts.py", line 18, in test_bare_assert',
        '    assert channels == ["BBC One"]',
        "AssertionError: assert [] == ['BBC One']",
    ]
    assert lines[4:]
    assert all(line in told.messages for line in lines)
    assert 'FAIL: tests/verdicts.py::test_bare_assert: AssertionError: assert channels == ["BBC One"]' in (
        told.messages
    )


async def test_a_traceback_of_a_module_names_it_and_a_chain_has_both_parts(agent: Agent) -> None:
    told = await agent.run("verdicts.py::test_assert_in_a_module", "verdicts.py::test_chained")
    module, chain = (outcome.traceback or "" for _, outcome in told.results)
    assert '  File "tests/checks.py", line 5, in check\n' in module
    assert "KeyError: 'key'\n\nThe above exception was the direct cause" in chain
    assert "_pytest" not in module + chain


async def test_a_crash_is_shown_in_the_log_after_what_the_test_had_written(agent: Agent) -> None:
    told = await agent.run("verdicts.py::test_segfault")
    assert "just before" in told.messages
    assert "Fatal Python error: Segmentation fault" in told.messages


async def test_a_skipped_test_says_why_in_its_log(agent: Agent) -> None:
    told = await agent.run("verdicts.py::test_skip")
    assert told.messages == ["SKIPPED: tests/verdicts.py::test_skip: not on this box"]


async def test_the_name_of_a_function_runs_all_its_parameter_sets_and_the_worst_counts(agent: Agent) -> None:
    told = await agent.run("verdicts.py::test_channel")
    assert (told.outcome.verdict, told.outcome.reason) == (FAIL, "[2]: assert channel != 2")
    assert [line for line in told.messages if line.startswith("channel")] == [
        f"channel {n}" for n in (1, 2, 3)
    ]


async def test_a_name_with_a_parameter_set_runs_only_that(agent: Agent) -> None:
    told = await agent.run("verdicts.py::test_channel[3]", "verdicts.py::test_channel[4]")
    assert [outcome.verdict for _, outcome in told.results] == [PASS, ERROR]
    assert told.messages[0] == "channel 3"


@pytest.mark.parametrize(
    ("file", "reason", "frame"),
    [
        (
            "syntax_error.py",
            "invalid syntax (syntax_error.py, line 1)",
            'File "tests/syntax_error.py", line 1',
        ),
        ("import_error.py", "No module named 'no_such_module'", 'File "tests/import_error.py", line 1'),
        ("import_fails.py", "at import", 'File "tests/import_fails.py", line 1'),
        ("import_exits.py", "SystemExit: not here", 'File "tests/import_exits.py", line 3'),
        ("broken/any.py", "conftest is broken", 'File "tests/broken/conftest.py", line 1'),
    ],
)
async def test_a_file_that_cannot_be_imported_is_an_error_with_its_own_traceback(
    agent: Agent, file: str, reason: str, frame: str
) -> None:
    told = await agent.run(f"{file}::test_never", f"{file}::test_never")
    for _, outcome in told.results:
        assert (outcome.verdict, outcome.reason) == (ERROR, reason)
        assert outcome.traceback is not None
        assert outcome.traceback.startswith("Traceback (most recent call last):\n")
        assert frame in outcome.traceback
        assert "_pytest" not in outcome.traceback


async def test_a_file_that_skips_itself_passes(agent: Agent) -> None:
    told = await agent.run("import_skips.py::test_never")
    assert told.outcome.verdict is PASS
    assert "SKIPPED: tests/import_skips.py: not this file" in told.messages


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("verdicts.py", "'tests/verdicts.py' does not name a test; tests/file.py::test_name would"),
        ("none.py::test_x", "There is no file 'tests/none.py' in the test pack"),
        ("../../verdicts.py::test_x", "There is no file 'tests/../../verdicts.py' in the test pack"),
    ],
)
async def test_a_name_that_names_nothing_is_an_error(agent: Agent, test: str, reason: str) -> None:
    told = await agent.run(test)
    assert (told.outcome.verdict, told.outcome.reason) == (ERROR, reason)
    assert set(told.output) == {"combined.log", "stdout.log", "stderr.log", "exit-status"}


async def test_files_of_a_package_import_each_other_by_pythons_rules(agent: Agent) -> None:
    told = await agent.run("package/inner.py::test_relative")
    assert told.outcome.verdict is PASS, told.outcome
