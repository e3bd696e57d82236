"""Builds, run for real on this machine."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from building import DEBUG, ERROR, INFO, SPEC, WARNING, Rig, is_alive, new_rig

from anyrig.core.build_spec import Source
from anyrig.core.builds import Action
from anyrig.core.results import Verdict

PASS, FAIL, BROKEN = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
CONFIG, TRIGGER, WEBHOOK = Source.CONFIG, Source.TRIGGER, Source.WEBHOOK


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = new_rig(tmp_path)
    rig.stop.grace = 0.2
    rig.set(work_dir=str(tmp_path))
    return rig


async def test_a_build_says_what_it_does_in_this_order(rig: Rig) -> None:
    rig.value(CONFIG, name="world")
    rig.value(TRIGGER, who="you and me")
    rig.actions("echo hello {name}; echo {who} >&2")
    told = await rig.run()
    assert told.order == [
        "started",
        "actions Params: {'name': 'world', 'who': 'you and me'}",
        "log $ echo hello world; echo 'you and me' >&2",
        "actions Executing action: echo hello world; echo 'you and me' >&2",
        *sorted(["log hello world", "log you and me"], key=told.order.index),
        "actions stdout: hello world\n",
        "actions stderr: you and me\n",
        "actions Finished",
        "log (Finished)",
        "run Completed 1/1",
        "finished",
    ]
    assert [level for _, level, _ in told.records] == [DEBUG, INFO, DEBUG, DEBUG, INFO, INFO]


async def test_a_build_is_one_result_with_its_log(rig: Rig) -> None:
    rig.actions("echo one", "echo two")
    told = await rig.run()
    assert told.began == ["shop/web"]
    assert [test for test, _ in told.results] == ["shop/web"]
    assert told.verdict() == (PASS, None)
    assert told.traceback() is None
    assert told.files == [{"combined.log": told.lines}]
    assert told.text().splitlines() == ["$ echo one", "one", "(Finished)", "$ echo two", "two", "(Finished)"]
    assert re.fullmatch(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 .*\n)+", told.lines)


async def test_params_are_said_once_for_all_actions(rig: Rig) -> None:
    rig.value(CONFIG, n=1)
    rig.actions("true", "true", "true")
    told = await rig.run()
    assert [message for *_, message in told.records if message.startswith("Params: ")] == ["Params: {'n': 1}"]
    assert len(told.said()) == 3 * 4


async def test_an_action_that_fails_does_not_keep_the_next_from_running(rig: Rig) -> None:
    rig.actions("echo no such target; exit 2", "echo fine")
    told = await rig.run()
    assert told.said() == [
        (INFO, "Executing action: echo no such target; exit 2"),
        (DEBUG, "stdout: no such target\n"),
        (DEBUG, "stderr: "),
        (ERROR, "Execution failed: Exit code: 2"),
        (INFO, "Executing action: echo fine"),
        (DEBUG, "stdout: fine\n"),
        (DEBUG, "stderr: "),
        (INFO, "Finished"),
    ]
    assert told.end() == (WARNING, "Partially completed: 1/2")
    reason = 'Partially completed: 1/2. "echo no such target; exit 2" failed: Exit code: 2'
    assert told.verdict() == (FAIL, reason)
    assert told.traceback() == "no such target"
    assert "(Execution failed: Exit code: 2)" in told.text().splitlines()


async def test_a_run_of_which_nothing_is_done_says_so(rig: Rig) -> None:
    rig.actions("exit 1", "exit 3", "kill -9 $$")
    told = await rig.run()
    assert told.end() == (WARNING, "None completed: 0/3")
    assert told.verdict() == (FAIL, 'None completed: 0/3. "exit 1" failed: Exit code: 1 (2 more failed)')
    assert told.messages(ERROR)[-1] == "Execution failed: Exit code: -9"


async def test_after_a_critical_action_that_fails_nothing_is_run(rig: Rig) -> None:
    rig.actions("exit 1", Action("echo why; exit 7", critical=True), "echo never")
    told = await rig.run()
    assert told.end() == (ERROR, "Build failed")
    assert told.verdict() == (
        FAIL,
        'Build failed. "echo why; exit 7" failed: Exit code: 7 (1 more failed)',
    )
    assert told.traceback() == "why"
    assert "never" not in told.text()


async def test_a_critical_action_that_is_done_changes_nothing(rig: Rig) -> None:
    rig.actions(Action("true", critical=True), "exit 1")
    assert (await rig.run()).end() == (WARNING, "Partially completed: 1/2")


async def test_the_last_action_can_be_critical_too(rig: Rig) -> None:
    rig.actions("true", Action("exit 1", critical=True))
    assert (await rig.run()).end() == (ERROR, "Build failed")


async def test_a_build_can_stop_at_its_first_failure(rig: Rig) -> None:
    rig.actions("true", "exit 1", "echo never")
    rig.set(stop_on_first_fail=True)
    told = await rig.run()
    assert told.end() == (ERROR, "Build failed")
    assert "never" not in told.text()


async def test_what_is_written_to_standard_error_fails_nothing(rig: Rig) -> None:
    rig.actions("echo warning >&2")
    told = await rig.run()
    assert told.verdict() == (PASS, None)
    assert told.messages(DEBUG) == ["stdout: ", "stderr: warning\n"]


async def test_each_action_has_a_shell_of_its_own_and_no_input(rig: Rig) -> None:
    rig.actions("cd /; here=1; echo $0; cat", 'pwd; echo "[$here]"')
    told = await rig.run()
    assert told.messages(DEBUG)[::2] == ["stdout: /bin/sh\n", f"stdout: {rig.build.work_dir}\n[]\n"]


async def test_output_is_logged_before_its_action_ends(rig: Rig) -> None:
    """The action waits for a file that is made when its second line has come."""
    rig.actions("echo one; echo two; while ! test -e go; do sleep 0.01; done; test ! -e none && echo end")
    folder = Path(rig.build.work_dir)
    rig.told.on_log = lambda text: (folder / "go").touch() if "\ntwo\n" in f"\n{text}" else None
    told = await rig.run()
    assert told.messages(DEBUG)[0] == "stdout: one\ntwo\nend\n"
    assert told.order.index("log two") < told.order.index("actions stdout: one\ntwo\nend\n")


async def test_an_action_that_takes_too_long_dies_with_all_that_it_has_started(rig: Rig) -> None:
    away = "(setsid sh -c 'trap \"\" TERM; echo $$ > pid; echo away; while :; do sleep 60; done' &)"
    action = f"{away}; while ! test -s pid; do sleep 0.01; done; cat pid >&2; exec sleep 60"
    rig.actions(action, "echo next")
    rig.set(exec_timeout=2.0)
    told = await rig.run()
    pid = (Path(rig.build.work_dir) / "pid").read_text().strip()
    assert not is_alive(int(pid))
    said = told.said()
    assert said[0] == (INFO, f"Executing action: {action}")
    assert said[1:4] == [
        (DEBUG, "away\n"),
        (DEBUG, f"{pid}\n"),
        (ERROR, f"Execution failed: Command '{action}' timed out after 2 seconds"),
    ]
    assert told.end() == (WARNING, "Partially completed: 1/2")
    assert told.verdict()[0] is BROKEN
    assert sorted((told.traceback() or "").splitlines()) == sorted(["away", pid])


async def test_a_part_of_a_second_is_said_as_python_says_it(rig: Rig) -> None:
    rig.actions("exec sleep 60")
    rig.set(exec_timeout=0.5)
    told = await rig.run()
    assert told.messages(ERROR) == ["Execution failed: Command 'exec sleep 60' timed out after 0.5 seconds"]


async def test_what_an_action_leaves_running_is_ended_with_it(rig: Rig) -> None:
    rig.actions("(setsid sh -c 'echo $$ > pid; exec sleep 60' &); while ! test -s pid; do sleep 0.01; done")
    told = await rig.run()
    assert told.verdict() == (PASS, None)
    assert not is_alive(int((Path(rig.build.work_dir) / "pid").read_text()))


async def test_a_stop_ends_the_action_and_the_build(rig: Rig) -> None:
    rig.actions("true", "echo here; exec sleep 60", "echo never")
    rig.told.on_log = lambda text: rig.stop.set("Stopped by ada.", 0.2) if "\nhere\n" in f"\n{text}" else None
    told = await rig.run()
    assert told.verdict() == (BROKEN, "Stopped by ada.")
    assert told.traceback() == "here"
    assert told.end() == (ERROR, "Build failed")
    assert told.said()[-3:] == [
        (DEBUG, "stdout: here\n"),
        (DEBUG, "stderr: "),
        (ERROR, "Execution failed: Stopped by ada."),
    ]


async def test_a_stop_between_two_actions_ends_the_build(rig: Rig) -> None:
    rig.actions("true", "echo never")
    rig.told.on_log = lambda text: rig.stop.set("Stopped by ada.", 0.2) if "(Finished)" in text else None
    told = await rig.run()
    assert told.verdict() == (BROKEN, "Stopped by ada.")
    assert told.end() == (ERROR, "Build failed")
    assert "never" not in told.text()


async def test_a_stop_after_the_last_action_comes_too_late(rig: Rig) -> None:
    rig.actions("true")
    rig.told.on_log = lambda text: rig.stop.set("Stopped by ada.", 0.2) if "(Finished)" in text else None
    told = await rig.run()
    assert told.verdict() == (PASS, None)
    assert told.end() == (INFO, "Completed 1/1")


async def test_a_stop_before_the_start_runs_nothing(rig: Rig) -> None:
    rig.actions("true")
    rig.stop.set("Stopped by ada.", 0.2)
    assert (await rig.run()).order == []


async def test_a_later_attempt_runs_nothing_when_the_result_is_there(rig: Rig) -> None:
    rig.actions("true")
    rig.spec = replace(SPEC, done=1)
    assert (await rig.run()).order == []


async def test_a_build_without_actions_passes_and_says_nothing(rig: Rig) -> None:
    rig.value(CONFIG, x=1)
    told = await rig.run()
    assert told.order == ["started", "finished"]
    assert told.verdict() == (PASS, None)
    assert told.files == [{"combined.log": b""}]


async def test_a_missing_param_fails_its_action(rig: Rig) -> None:
    rig.actions("echo ${HOME}", "echo {} it", "true")
    told = await rig.run()
    assert told.said()[:2] == [
        (ERROR, "Missing param: 'HOME'"),
        (ERROR, "Execution failed: Format string contains positional fields"),
    ]
    assert told.verdict() == (
        BROKEN,
        "Partially completed: 1/3. \"echo ${HOME}\" failed: Missing param: 'HOME' (1 more failed)",
    )
    assert told.text().splitlines()[:2] == ["$ echo ${HOME}", "(Missing param: 'HOME')"]


async def test_what_can_never_be_run_fails(rig: Rig) -> None:
    rig.actions(Action("True", broken="'bool' object has no attribute 'format_map'"), "true")
    told = await rig.run()
    assert told.said()[0] == (ERROR, "Execution failed: 'bool' object has no attribute 'format_map'")
    assert told.end() == (WARNING, "Partially completed: 1/2")


@pytest.mark.parametrize(
    ("work_dir", "shown"),
    [("/no/such/folder", "/no/such/folder"), ("no such/folder", "no such/folder")],
)
async def test_a_folder_that_is_not_there_fails_the_action(rig: Rig, work_dir: str, shown: str) -> None:
    rig.actions("true")
    rig.set(work_dir=work_dir)
    told = await rig.run()
    assert told.said() == [
        (INFO, "Executing action: true"),
        (ERROR, f"Execution failed: [Errno 2] No such file or directory: '{shown}'"),
    ]
    assert told.end() == (WARNING, "None completed: 0/1")
    assert told.verdict()[0] is BROKEN


async def test_a_file_is_no_folder_to_work_in(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    rig.actions("true")
    rig.set(work_dir=str(tmp_path / "file"))
    told = await rig.run()
    assert told.messages(ERROR) == [f"Execution failed: [Errno 20] Not a directory: '{tmp_path}/file'"]


async def test_the_agents_home_and_folder_are_known(rig: Rig) -> None:
    rig.actions("pwd")
    rig.set(work_dir="~")
    assert (await rig.run()).messages(DEBUG)[0] == f"stdout: {Path.home()}\n"


async def test_work_is_done_in_the_agents_folder_if_nothing_is_said(rig: Rig) -> None:
    rig.actions("pwd")
    rig.set(work_dir=".")
    assert (await rig.run()).messages(DEBUG)[0] == f"stdout: {Path.cwd()}\n"


async def test_nobodys_home_is_a_folder_that_is_not_there(rig: Rig) -> None:
    rig.actions("pwd")
    rig.set(work_dir="~no-such-user/x")
    assert "'~no-such-user/x'" in (await rig.run()).messages(ERROR)[0]


@pytest.mark.parametrize("action", ["anyrig-no-such-program", "./file"])
async def test_a_program_that_cannot_be_run_is_an_error_and_no_failure(rig: Rig, action: str) -> None:
    (Path(rig.build.work_dir) / "file").touch()
    rig.actions(action)
    told = await rig.run()
    assert told.verdict()[0] is BROKEN
    code = 127 if "no-such" in action else 126
    assert told.messages(ERROR) == [f"Execution failed: Exit code: {code}"]


async def test_the_environment_has_the_params_and_not_the_agents_own_variables(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANYRIG_TOKEN", "top secret")
    monkeypatch.setenv("INHERITED", "yes")
    rig.value(CONFIG, **{"dir-name": "a b"})
    rig.value(WEBHOOK, branch="x;touch pwned", tags=["é", "b"])
    rig.actions(f"{sys.executable} -c 'import os; print(ascii(dict(os.environ)))'")
    told = await rig.run()
    environ = eval(told.messages(DEBUG)[0].removeprefix("stdout: "))
    assert {name: value for name, value in environ.items() if name.startswith(("ANYRIG_", "SLOTH_"))} == {
        "ANYRIG_JOB": "/rig1/0000/7",
        "ANYRIG_NODE": "rig1",
        "ANYRIG_PROJECT": "builds",
        "ANYRIG_TEST": "shop/web",
        "ANYRIG_PARAM_BRANCH": "x;touch pwned",
        "ANYRIG_PARAM_DIR_NAME": "a b",
        "ANYRIG_PARAM_TAGS": '["\\u00e9", "b"]',
        "SLOTH_PARAM_BRANCH": "x;touch pwned",
        "SLOTH_PARAM_DIR_NAME": "a b",
        "SLOTH_PARAM_TAGS": '["\\u00e9", "b"]',
    }
    assert (environ["INHERITED"], environ["PATH"]) == ("yes", os.environ["PATH"])


@pytest.mark.parametrize("action", ["echo {branch}", 'echo "$SLOTH_PARAM_BRANCH"', "echo a{branch}"])
async def test_a_branch_that_is_a_command_is_not_run(rig: Rig, action: str) -> None:
    rig.value(WEBHOOK, branch="x;touch${IFS}pwned")
    rig.actions(action)
    told = await rig.run()
    assert told.verdict() == (PASS, None)
    assert told.messages(DEBUG)[0].endswith("x;touch${IFS}pwned\n")
    assert not (Path(rig.build.work_dir) / "pwned").exists()


async def test_a_branch_that_cannot_be_quoted_fails_the_action(rig: Rig) -> None:
    rig.value(WEBHOOK, branch="$(touch pwned)")
    rig.actions('echo "{branch}"')
    told = await rig.run()
    sentence = "the value of param 'branch' cannot safely stand there"
    assert told.messages(ERROR) == [
        f'Execution failed: {sentence}: use the variable "$SLOTH_PARAM_BRANCH" instead'
    ]
    assert not (Path(rig.build.work_dir) / "pwned").exists()


async def test_a_build_may_take_all_values_for_its_authors(rig: Rig) -> None:
    rig.value(WEBHOOK, branch="a; echo b")
    rig.actions("echo {branch}")
    rig.set(raw_params=True)
    assert (await rig.run()).messages(DEBUG)[0] == "stdout: a\nb\n"


async def test_secrets_appear_nowhere(rig: Rig) -> None:
    rig.value(CONFIG, token="hunter2-hunter2")
    rig.value(TRIGGER, password="it's $hidden", pin="12", user="ada")
    rig.secret = frozenset({"token", "password", "pin"})
    rig.actions('echo {token} {password} {pin}; echo "$SLOTH_PARAM_PASSWORD" >&2; exit 3')
    told = await rig.run()
    everything = repr(told.records) + told.text() + repr(told.results) + repr(told.files)
    assert "hunter2" not in everything
    assert "hidden" not in everything
    params = "{'token': '********', 'password': '********', 'pin': '********', 'user': 'ada'}"
    assert told.records[0][2] == f"Params: {params}"
    shown = 'echo ******** ******** ********; echo "$SLOTH_PARAM_PASSWORD" >&2; exit 3'
    assert told.said()[:3] == [
        (INFO, f"Executing action: {shown}"),
        (DEBUG, "stdout: ******** ******** 12\n"),
        (DEBUG, "stderr: ********\n"),
    ]
    assert told.verdict() == (FAIL, f'None completed: 0/1. "{shown}" failed: Exit code: 3')


async def test_secrets_do_not_appear_in_the_words_for_a_timeout(rig: Rig) -> None:
    rig.value(TRIGGER, password="it's $hidden")
    rig.secret = frozenset({"password"})
    rig.actions("true {password}; exec sleep 60")
    rig.set(exec_timeout=0.5)
    told = await rig.run()
    words = "Command 'true ********; exec sleep 60' timed out after 0.5 seconds"
    assert told.messages(ERROR) == [f"Execution failed: {words}"]
    assert (told.verdict()[1] or "").endswith(words)


async def test_output_that_is_no_text_is_kept(rig: Rig) -> None:
    rig.actions("printf 'gr\\366\\337e \\303\\266 \\000|'; printf '\\366' >&2")
    told = await rig.run()
    assert told.messages(DEBUG) == ["stdout: gr\\xf6\\xdfe ö \\x00|", "stderr: \\xf6"]
    assert "gr\\xf6\\xdfe ö \0|" in told.text().splitlines()
    assert told.verdict() == (PASS, None)


async def test_of_a_long_output_the_ends_are_recorded_and_all_is_logged(rig: Rig) -> None:
    rig.actions("seq 100000")
    told = await rig.run()
    whole = "".join(f"{number}\n" for number in range(1, 100_001))
    (stdout, _) = told.messages(DEBUG)
    assert len(stdout) < 61_000
    head, left, tail = re.split(r"\n\(… (\d+) bytes are left out here; the job's log has them …\)\n", stdout)
    assert whole.startswith(head.removeprefix("stdout: "))
    assert whole.endswith(tail)
    assert len(head.removeprefix("stdout: ")) + int(left) + len(tail) == len(whole)
    assert told.text() == f"$ seq 100000\n{whole}(Finished)\n"


async def test_both_streams_are_whole_lines_in_the_log(rig: Rig) -> None:
    rig.actions("printf 'out '; echo err >&2; echo end; printf rest >&2")
    lines = (await rig.run()).text().splitlines()
    assert sorted(lines[1:4]) == ["err", "out end", "rest"]


async def test_a_command_of_many_lines_is_shown_line_by_line(rig: Rig) -> None:
    rig.actions("echo one\necho two\n")
    told = await rig.run()
    assert told.text().splitlines() == ["$ echo one", "$ echo two", "one", "two", "(Finished)"]
    assert told.said()[0] == (INFO, "Executing action: echo one\necho two\n")


async def test_a_long_command_is_shortened_in_the_reason(rig: Rig) -> None:
    rig.actions(f"exit 1 {'x' * 300}")
    reason = (await rig.run()).verdict()[1] or ""
    assert reason == f'None completed: 0/1. "exit 1 {"x" * 112}…" failed: Exit code: 1'


async def test_the_end_of_the_failed_actions_own_output_is_the_trace(rig: Rig) -> None:
    rig.actions("echo before", "seq 100; exit 1", "echo after")
    trace = (await rig.run()).traceback() or ""
    assert trace.splitlines() == [str(number) for number in range(61, 101)]


async def test_a_silent_failure_has_no_trace(rig: Rig) -> None:
    rig.actions("echo before", "exit 1")
    assert (await rig.run()).traceback() is None
