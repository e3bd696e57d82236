"""Commands of a test pack, run for real."""

import asyncio
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from anyrig.core.build_records import Channel, Level
from anyrig.core.messages import TaskSpec
from anyrig.core.results import Verdict
from anyrig.executors import command
from anyrig.executors.base import Outcome, StopFlag, Workspace

PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
SPEC = TaskSpec(
    task=1,
    job_uid="/rig1/0000/7",
    task_index=0,
    node="rig1",
    kind="command",
    project="shop",
    user="ada",
    pack_url="/git/shop.git",
    sha="a" * 40,
    tests=("unit",),
    done=0,
    forever=False,
    shuffle=False,
    category="nightly",
    remote_control="",
    tags={"model": "T-1000", "no value": None},
    params={"url": "http://shop.test", "count": 3, "deep-list": [1, "é"], "bad": "a\0b\ud800", "none": None},
)
JUNIT = """<testsuite name='s'>
<testcase classname='a.B' name='good' time='1.5'/>
<testcase classname='a.B' name='bad' time='0.5'><failure message='wrong'>trace</failure></testcase>
</testsuite>"""


@dataclass
class Told:
    """A reporter that remembers; files are read when told, because they may go afterwards."""

    began: list[str] = field(default_factory=list)
    lines: bytes = b""
    results: list[tuple[str, Outcome]] = field(default_factory=list)
    files: list[dict[str, bytes]] = field(default_factory=list)
    on_log: Callable[[bytes], object] = len
    on_finished: Callable[[], object] = str

    def started(self, test: str) -> None:
        self.began.append(test)

    def log(self, lines: bytes) -> None:
        assert lines.endswith(b"\n")
        self.lines += lines
        self.on_log(lines)

    def record(self, channel: Channel, level: Level, message: str) -> None:
        raise AssertionError(channel, level, message)

    async def finished(self, test: str, outcome: Outcome) -> None:
        self.results.append((test, outcome))
        self.files.append({name: file.read_bytes() for name, file in outcome.files.items()})
        self.on_finished()

    def now(self) -> int:
        return time.time_ns() // 1000

    def verdicts(self) -> list[tuple[str, Verdict, str | None]]:
        return [(test, outcome.verdict, outcome.reason) for test, outcome in self.results]

    def text(self) -> str:
        return re.sub(rb"(?m)^\S+ ", b"", self.lines).decode()


@dataclass
class Counting(Told):
    """Remembers only how much was logged."""

    sizes: list[int] = field(default_factory=list)

    def log(self, lines: bytes) -> None:
        self.sizes.append(len(lines))


@dataclass
class Rig:
    """A test pack in the making, and what running it shows."""

    workspace: Workspace
    told: Told = field(default_factory=Told)
    stop: StopFlag = field(default_factory=StopFlag)
    spec: TaskSpec = SPEC

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.workspace.pack / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def command(self, run: str, extra: str = "", name: str = "unit") -> None:
        pack_file = self.workspace.pack / "anyrig.toml"
        before = pack_file.read_text() if pack_file.exists() else ""
        pack_file.write_text(f"{before}[command.{name}]\nrun = '''{run}'''\n{extra}\n")

    async def run(self) -> Told:
        async with asyncio.timeout(30):
            await command.run(self.spec, self.workspace, self.told, self.stop)
        return self.told


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    workspace = Workspace(tmp_path / "pack", tmp_path / "scratch", tmp_path / "cache")
    for folder in (workspace.pack, workspace.scratch, workspace.cache):
        folder.mkdir()
    return Rig(workspace)


def is_alive(pid: int) -> bool:
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False


async def test_a_command_that_exits_with_0_passes(rig: Rig) -> None:
    rig.command("echo hello; echo trouble >&2; printf 'no newline'")
    told = await rig.run()
    assert told.began == ["unit"]
    assert told.verdicts() == [("unit", PASS, None)]
    assert told.results[0][1].traceback is None
    assert told.files == [{"combined.log": told.lines}]
    assert sorted(told.text().splitlines()[1:]) == ["hello", "no newline", "trouble"]


async def test_every_line_of_the_log_begins_with_its_time(rig: Rig) -> None:
    rig.command("printf 'one\\r\\ntwo\\n\\n'")
    told = await rig.run()
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 "
    assert [re.sub(stamp, "", line) for line in told.lines.decode().split("\n")][1:] == ["one", "two", "", ""]
    assert re.fullmatch(f"({stamp}.*\n)+", told.lines.decode())


async def test_another_exit_status_fails_and_shows_the_last_lines(rig: Rig) -> None:
    rig.command("echo 'no such product' >&2\nexit 3")
    told = await rig.run()
    assert told.verdicts() == [("unit", FAIL, "exit status 3")]
    assert told.results[0][1].traceback == "no such product"


async def test_a_script_ends_at_its_first_failure(rig: Rig) -> None:
    rig.command("\nfalse\necho not reached\n")
    told = await rig.run()
    assert told.verdicts() == [("unit", FAIL, "exit status 1")]
    assert b"\nnot reached" not in told.lines


async def test_a_list_is_run_without_a_shell(rig: Rig) -> None:
    rig.file("anyrig.toml", '[command.unit]\nrun = ["printf", "%s|", "$HOME", "a b"]')
    told = await rig.run()
    assert told.verdicts() == [("unit", PASS, None)]
    assert told.text().splitlines()[-1] == "$HOME|a b|"


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ('"anyrig-no-such-program --now"', "exit status 127: a program was not found"),
        ('["anyrig-no-such-program"]', "The command could not be started: No such file or directory: "),
    ],
)
async def test_a_missing_program_is_an_error(rig: Rig, run: str, reason: str) -> None:
    rig.file("anyrig.toml", f"[command.unit]\nrun = {run}")
    ((_, outcome),) = (await rig.run()).results
    assert outcome.verdict is ERROR
    assert reason in (outcome.reason or "")


async def test_each_test_case_of_a_junit_file_is_a_result(rig: Rig) -> None:
    rig.file("made.xml", JUNIT)
    rig.command("cat made.xml > report.xml; exit 1", "junit = 'report.xml'")
    told = await rig.run()
    assert told.began == ["unit"]
    assert told.verdicts() == [("unit::a.B::good", PASS, None), ("unit::a.B::bad", FAIL, "wrong")]
    assert [outcome.seconds for _, outcome in told.results] == [1.5, 0.5]
    assert told.results[1][1].traceback == "wrong\ntrace"
    assert told.files == [
        {"combined.log": told.lines, "report.xml": JUNIT.encode()},
        {"combined.log": told.lines},
    ]


async def test_pytest_in_a_pack_gives_a_result_a_test(rig: Rig) -> None:
    rig.file(
        "test_basket.py", "def test_adds(): pass\ndef test_total(): assert 6 == 7, 'the total is wrong'\n"
    )
    run = f"{sys.executable} -m pytest -p no:cacheprovider --rootdir=. --junitxml=out/report.xml"
    rig.command(run, "junit = 'out/report.xml'\nenv = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = 1 }")
    told = await rig.run()
    assert told.verdicts() == [
        ("unit::test_basket::test_adds", PASS, None),
        ("unit::test_basket::test_total", FAIL, "AssertionError: the total is wrong"),
    ]
    assert b"1 failed, 1 passed" in told.files[0]["combined.log"]


async def test_an_exit_status_that_no_case_explains_is_an_error_of_its_own(rig: Rig) -> None:
    rig.file("made.xml", "<testsuite><testcase name='good'/></testsuite>")
    rig.command("cat made.xml > report.xml; exit 3", "junit = 'report.xml'")
    assert (await rig.run()).verdicts() == [
        ("unit::good", PASS, None),
        ("unit", ERROR, "The command exited with status 3 although no case failed."),
    ]


async def test_a_junit_file_that_came_with_the_pack_does_not_count(rig: Rig) -> None:
    rig.file("reports/old.xml", JUNIT)
    rig.file("made.xml", "<testsuite><testcase name='new'/></testsuite>")
    rig.command("cat made.xml > reports/new.xml", "junit = 'reports/*.xml'")
    told = await rig.run()
    assert told.verdicts() == [("unit::new", PASS, None)]
    assert sorted(told.files[0]) == ["combined.log", "reports/new.xml"]


@pytest.mark.parametrize(
    "write", ["cat report.xml > new; cat new > report.xml", "cp -p report.xml x; mv x report.xml"]
)
async def test_a_junit_file_that_is_written_again_counts_even_if_it_looks_the_same(
    rig: Rig, write: str
) -> None:
    rig.file("report.xml", JUNIT)
    rig.command(write, "junit = 'report.xml'")
    assert len((await rig.run()).results) == 2


async def test_a_junit_file_that_never_came_is_an_error(rig: Rig) -> None:
    rig.command("true", "junit = 'report.xml'")
    ((_, verdict, reason),) = (await rig.run()).verdicts()
    assert verdict is ERROR
    assert (
        reason
        == "The command exited with status 0, but no JUnit file that it wrote has a test case (report.xml)."
    )


async def test_a_broken_junit_file_is_an_error_beside_the_cases_of_the_others(rig: Rig) -> None:
    rig.file("made.xml", JUNIT)
    rig.command("cat made.xml > a.xml; echo '<testsuite>' > b.xml", "junit = ['a.xml', 'b.xml']")
    told = await rig.run()
    assert [verdict for _, verdict, _ in told.verdicts()] == [PASS, FAIL, ERROR]
    assert (told.results[2][1].reason or "").startswith(
        "The JUnit file b.xml cannot be read: it is not well-formed"
    )
    assert "b.xml" in told.files[0]


async def test_a_case_carries_its_own_output_and_attachments(rig: Rig) -> None:
    rig.file(
        "web/made.xml",
        "<testsuite><testcase name='a'/><testcase name='b'><system-out>seen\n"
        "[[ATTACHMENT|shots/b.png]] [[ATTACHMENT|../../../../../../etc/passwd]] [[ATTACHMENT|/etc/passwd]]"
        "</system-out></testcase></testsuite>",
    )
    rig.file("web/shots/b.png", b"\x89PNG")
    rig.command("mkdir out; cat made.xml > out/report.xml", "junit = 'out/*.xml'\nwork_dir = 'web'")
    told = await rig.run()
    assert sorted(told.files[0]) == ["combined.log", "out/report.xml"]
    assert sorted(told.files[1]) == ["shots/b.png", "stdout.log"]
    assert told.files[1]["shots/b.png"] == b"\x89PNG"
    assert told.files[1]["stdout.log"].startswith(b"seen\n")


async def test_artifacts_are_files_that_a_glob_matches_and_all_in_their_folder(rig: Rig) -> None:
    rig.file("shots/in-pack.png", b"1")
    script = """
        mkdir -p shots/deep .git "$ANYRIG_ARTIFACTS/sub"
        echo 2 > shots/deep/two.png; echo 3 > shots/three.txt; echo 4 > "$ANYRIG_ARTIFACTS/sub/four"
        ln -s /etc/passwd shots/stolen.png; ln -s three.txt shots/link.png
        ln -s . shots/loop; mkfifo shots/pipe.png
        mkdir shots/.git; echo > shots/.git/x.png
    """
    rig.command(script, "artifacts = ['shots/**/*.png']")
    told = await rig.run()
    assert sorted(told.files[0]) == [
        "combined.log",
        "shots/deep/two.png",
        "shots/in-pack.png",
        "shots/link.png",
        "sub/four",
    ]


async def test_a_name_that_is_no_text_becomes_one(rig: Rig) -> None:
    rig.command("""touch "$ANYRIG_ARTIFACTS/$(printf 'gr\\366n')" """)
    assert sorted((await rig.run()).files[0]) == ["combined.log", "gr�n"]


async def test_the_number_of_artifacts_has_a_limit(rig: Rig) -> None:
    rig.command("cd $ANYRIG_ARTIFACTS; touch $(seq 1 1003)")
    told = await rig.run()
    assert len(told.files[0]) == 1001
    assert told.text().endswith("(Beyond the 1000 artifacts kept, 3 were left out.)\n")


@pytest.mark.parametrize("others", [0, 300])
async def test_a_command_may_change_its_copy_but_not_the_pack(rig: Rig, others: int) -> None:
    """Large packs are copied in another way."""
    file = rig.file("data/a.txt", "old")
    for number in range(others):
        rig.file(f"others/{number}", "")
    file.chmod(0o444)
    file.parent.chmod(0o555)
    rig.command("echo new > data/a.txt; touch data/b.txt; cat data/a.txt")
    told = await rig.run()
    file.parent.chmod(0o755)
    assert told.verdicts() == [("unit", PASS, None)]
    assert file.read_text() == "old"
    assert [path.name for path in file.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("others", [0, 300])
async def test_a_copy_has_the_links_rights_and_times_of_the_pack(rig: Rig, others: int) -> None:
    program = rig.file("bin/hello", "#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    os.utime(program, (1e9, 1e9))
    (rig.workspace.pack / "link").symlink_to("bin/hello")
    (rig.workspace.pack / "nowhere").symlink_to("gone")
    for number in range(others):
        rig.file(f"others/{number}", "")
    rig.command("./link; readlink link nowhere; stat -c %Y bin/hello")
    told = await rig.run()
    assert told.text().splitlines()[-4:] == ["hello", "bin/hello", "gone", "1000000000"]


async def test_a_pack_with_a_pipe_in_it_is_copied_too(rig: Rig) -> None:
    os.mkfifo(rig.workspace.pack / "pipe")
    rig.command("test -p pipe")
    assert (await rig.run()).verdicts() == [("unit", PASS, None)]


async def test_what_a_command_leaves_is_gone_when_the_next_one_runs(rig: Rig) -> None:
    rig.command("touch here; ls ../..", name="one")
    rig.command("ls ../..", name="two")
    rig.command("ls ../..", name="three")
    rig.spec = replace(rig.spec, tests=("one", "two", "three"))
    listed = (await rig.run()).text().splitlines()
    assert [line for line in listed if not line.startswith("$")] == ["0", "1", "2"]


async def test_two_commands_do_not_see_what_the_other_has_done(rig: Rig) -> None:
    rig.command("touch made", name="first")
    rig.command("test ! -e made", name="second")
    rig.spec = replace(SPEC, tests=("first", "second"))
    told = await rig.run()
    assert told.began == ["first", "second"]
    assert told.verdicts() == [("first", PASS, None), ("second", PASS, None)]


async def test_the_environment_tells_what_the_job_asked_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANYRIG_TOKEN", "secret")
    monkeypatch.setenv("INHERITED", "yes")
    rig.command("env > $ANYRIG_ARTIFACTS/env", "env = { BASE_URL = 'http://x', PYTHONUNBUFFERED = '' }")
    told = await rig.run()
    told_env = dict(line.split("=", 1) for line in told.files[0]["env"].decode().splitlines() if "=" in line)
    assert Path(told_env.pop("ANYRIG_ARTIFACTS")).is_absolute()
    assert {name: value for name, value in told_env.items() if name.startswith("ANYRIG_")} == {
        "ANYRIG_CATEGORY": "nightly",
        "ANYRIG_JOB": "/rig1/0000/7",
        "ANYRIG_NODE": "rig1",
        "ANYRIG_PARAM_BAD": "ab?",
        "ANYRIG_PARAM_COUNT": "3",
        "ANYRIG_PARAM_DEEP_LIST": '[1, "\\u00e9"]',
        "ANYRIG_PARAM_NONE": "",
        "ANYRIG_PARAM_URL": "http://shop.test",
        "ANYRIG_PROJECT": "shop",
        "ANYRIG_SHA": "a" * 40,
        "ANYRIG_TAG_MODEL": "T-1000",
        "ANYRIG_TAG_NO_VALUE": "",
        "ANYRIG_TEST": "unit",
    }
    assert (told_env["BASE_URL"], told_env["INHERITED"], told_env["PYTHONUNBUFFERED"]) == (
        "http://x",
        "yes",
        "",
    )


async def test_the_work_folder_is_inside_the_pack(rig: Rig) -> None:
    (rig.workspace.pack / "out").symlink_to("/tmp")
    rig.file("in/here", "")
    rig.command("test -e here", "work_dir = 'in'", name="inside")
    rig.command("true", "work_dir = 'out'", name="outside")
    rig.command("true", "work_dir = 'missing'", name="missing")
    rig.spec = replace(SPEC, tests=("inside", "outside", "missing"))
    assert (await rig.run()).verdicts() == [
        ("inside", PASS, None),
        ("outside", ERROR, "The command could not be started: the test pack has no folder 'out'."),
        ("missing", ERROR, "The command could not be started: the test pack has no folder 'missing'."),
    ]


async def test_what_cannot_be_run_is_an_error_with_a_sentence(rig: Rig) -> None:
    rig.spec = replace(SPEC, tests=("nope", "unit"), forever=False)
    rig.command("true")
    assert (await rig.run()).verdicts() == [
        ("nope", ERROR, "There is no command 'nope' in anyrig.toml; there are: unit."),
        ("unit", PASS, None),
    ]


@pytest.mark.parametrize(
    ("pack_file", "reason"),
    [
        (None, "The test pack has no file anyrig.toml."),
        (
            "[command.unit]",
            "The file anyrig.toml of the test pack cannot be used. The field 'command.unit.run'",
        ),
    ],
)
async def test_a_pack_without_a_good_file_is_an_error(rig: Rig, pack_file: str | None, reason: str) -> None:
    if pack_file:
        rig.file("anyrig.toml", pack_file)
    rig.spec = replace(SPEC, forever=True)
    ((test, outcome),) = (await rig.run()).results
    assert (test, outcome.verdict) == ("unit", ERROR)
    assert (outcome.reason or "").startswith(reason)


async def test_a_pack_that_cannot_be_copied_is_an_error(rig: Rig) -> None:
    rig.command("true")
    (rig.workspace.scratch / "0").mkdir()
    (rig.workspace.scratch / "0" / "pack").write_text("in the way")
    ((_, outcome),) = (await rig.run()).results
    assert outcome.verdict is ERROR
    assert (outcome.reason or "").startswith(
        "The command could not be started: the test pack could not be copied (cp:"
    )


async def test_a_timeout_is_an_error_and_its_finished_cases_are_kept(rig: Rig) -> None:
    rig.file("made.xml", "<testsuite><testcase name='good'/></testsuite>")
    rig.command("cat made.xml > report.xml; sleep 60", "junit = 'report.xml'\ntimeout = 0.5")
    rig.stop.grace = 0.5
    assert (await rig.run()).verdicts() == [
        ("unit::good", PASS, None),
        ("unit", ERROR, "The command was stopped: it took longer than its timeout of 0.5 s."),
    ]


async def test_stop_ends_everything_the_command_has_started(rig: Rig) -> None:
    rig.command(
        "(setsid sh -c 'trap \"\" TERM; echo pid $$; while :; do sleep 60; done' &) ; sleep 60", name="unit"
    )
    rig.command("true", name="next")
    rig.spec = replace(SPEC, tests=("unit", "next"))
    started = re.compile(rb"\+00:00 pid \d")
    rig.told.on_log = lambda lines: rig.stop.set("Stopped by ada.", 0.2) if started.search(lines) else None
    told = await rig.run()
    assert told.verdicts() == [("unit", ERROR, "Stopped by ada.")]
    pid = re.search(rb"(?m)\+00:00 pid (\d+)$", told.lines)
    assert pid is not None
    assert not is_alive(int(pid[1]))


async def test_a_stop_before_the_start_runs_nothing(rig: Rig) -> None:
    rig.command("true")
    rig.stop.set("Stopped by ada.", 0.2)
    assert (await rig.run()).began == []


async def test_what_a_command_leaves_running_is_ended_with_it(rig: Rig) -> None:
    leave = "(setsid sh -c 'echo $$ > pid; exec sleep 60' &)"
    rig.file(
        "anyrig.toml", f'[command.unit]\nrun = "{leave}; while ! test -s pid; do sleep 0.01; done; cat pid"'
    )
    told = await rig.run()
    assert told.verdicts() == [("unit", PASS, None)]
    assert not is_alive(int(told.text().splitlines()[-1]))


async def test_output_that_is_no_text_and_has_no_end_of_line_is_logged(rig: Rig) -> None:
    rig.command("printf 'gr\\366\\337e\\n'; head -c 100000 /dev/zero | tr '\\0' x")
    lines = (await rig.run()).text().splitlines()[1:]
    assert lines[0] == "gr��e"
    assert [len(line) for line in lines[1:]] == [16_384] * 6 + [100_000 - 6 * 16_384]


async def test_a_huge_output_is_logged_as_it_comes(rig: Rig) -> None:
    rig.command("seq -f %040.0f 500000")
    counting = rig.told = Counting()
    told = await rig.run()
    assert told.verdicts() == [("unit", PASS, None)]
    assert told.files[0]["combined.log"].count(b"\n") == 500_001
    assert sum(counting.sizes) == len(told.files[0]["combined.log"])
    assert len(counting.sizes) > 100


async def test_a_later_attempt_reports_only_what_is_not_yet_committed(rig: Rig) -> None:
    rig.file("made.xml", JUNIT)
    rig.command("touch $ANYRIG_ARTIFACTS/ran", name="plain")
    rig.command("cat made.xml > report.xml", "junit = 'report.xml'", name="cases")
    rig.command("true", name="last")
    rig.spec = replace(SPEC, tests=("plain", "cases", "last"), done=2)
    told = await rig.run()
    assert told.began == ["cases", "last"]
    assert [test for test, _ in told.results] == ["cases::a.B::bad", "last"]


async def test_a_job_without_end_goes_on_until_it_is_stopped(rig: Rig) -> None:
    rig.command("true", name="a")
    rig.command("true", name="b")
    rig.spec = replace(SPEC, tests=("a", "nope", "b"), forever=True)
    rig.told.on_finished = lambda: rig.stop.set("Enough.", 1.0) if len(rig.told.results) == 6 else None
    assert [test for test, *_ in (await rig.run()).results] == ["a", "nope", "b", "a", "b", "a"]


async def test_every_attempt_shuffles_alike(rig: Rig) -> None:
    names = tuple("abcd")
    for name in names:
        rig.command("true", name=name)
    rig.spec = replace(SPEC, tests=names, shuffle=True)
    order = [test for test, _ in (await rig.run()).results]
    assert sorted(order) == list(names)
    assert order != list(names)
    rig.spec, rig.told = replace(rig.spec, done=2), Told()
    rig.workspace = replace(rig.workspace, scratch=rig.workspace.cache)  # each attempt has one of its own
    assert [test for test, _ in (await rig.run()).results] == order[2:]
