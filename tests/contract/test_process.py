"""Programs that run such that no process of them is left."""

import asyncio
import os
import sys
import time
import uuid
from pathlib import Path

import anyio
import pytest

from anyrig.executors.base import StopFlag
from anyrig.executors.process import Exit, run_program

MARK = uuid.uuid4().hex
"""Tells our processes from those of another run of this suite."""
LEFT = f"import time; time.sleep(8642)  # {MARK}"
LEAVES = f"""
import os, subprocess, sys
command = [sys.executable, "-c", {LEFT!r}]
subprocess.Popen(command, start_new_session=True)
if not os.fork():
    os.setsid()
    if not os.fork():
        os.execv(command[0], command)
    os._exit(0)
print("left", flush=True)
"""
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LEAVES + LEFT


def left() -> list[int]:
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/cmdline") if _is_left(file)]


def _is_left(file: Path) -> bool:
    try:
        return f"# {MARK}\0".encode() in file.read_bytes()
    except OSError:
        return False


class Run:
    """A program and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stop = StopFlag()
        self.output = b""
        self.error = b""
        self.heard = asyncio.Event()

    def hear(self, data: bytes) -> None:
        self.output += data
        if b"left" in self.output:
            self.heard.set()

    def hear_error(self, data: bytes) -> None:
        self.error += data

    async def python(self, code: str, timeout: float | None = None, limit: int | None = None) -> Exit:  # noqa: ASYNC109
        return await self.program(sys.executable, "-c", code, timeout=timeout, limit=limit)

    async def program(self, *argv: str, timeout: float | None = None, limit: int | None = None) -> Exit:  # noqa: ASYNC109
        return await run_program(
            argv,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "GREETING": "é\udcff"},
            stop=self.stop,
            timeout=timeout,
            on_output=self.hear,
            on_error=self.hear_error,
            output_limit=limit,
        )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


async def test_a_program_runs_in_its_folder_with_its_environment_and_no_input(run: Run) -> None:
    code = (
        "import os, sys\n"
        "print(os.getcwd(), os.environb[b'GREETING'], sorted(os.environ), sys.stdin.read(), end='')\n"
        "print(os.getsid(0) == os.getpid())\n"
        "print('oh', file=sys.stderr); sys.exit(3)"
    )
    assert await run.python(code) == Exit(status=3)
    said = run.output.decode()
    assert said.startswith(f"{run.folder} b'\\xc3\\xa9\\xff' ['GREETING'")
    assert said.endswith("True\n")
    assert run.error == b"oh\n"


async def test_a_signal_is_a_negative_status(run: Run) -> None:
    assert await run.program("sh", "-c", "kill -9 $$") == Exit(status=-9)


@pytest.mark.parametrize("name", ["no-such-program", "./no-such-program"])
async def test_a_program_that_cannot_be_started_says_why(run: Run, name: str) -> None:
    ended = await run.program(name)
    assert ended == Exit(status=None, trouble=f"No such file or directory: {name}")


async def test_a_folder_that_is_not_there_is_named(run: Run) -> None:
    run.folder /= "missing"
    ended = await run.program("true")
    assert ended == Exit(status=None, trouble=f"No such file or directory: {run.folder}")


async def test_what_a_program_leaves_running_is_killed_when_it_ends(run: Run) -> None:
    assert await run.python(LEAVES) == Exit(status=0)
    assert left() == []


async def test_a_program_that_takes_too_long_is_asked_and_then_killed_with_all_it_started(run: Run) -> None:
    run.stop.grace = 0.2
    assert await run.python(IGNORES, timeout=1) == Exit(status=-9, timed_out=True)
    assert left() == []


async def test_stop_lets_a_program_end_in_its_own_way(run: Run) -> None:
    code = (
        "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(7))\nprint('left', flush=True)\n"
        + LEFT
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run.python(code))
        await run.heard.wait()
        run.stop.set("Stopped by ada.", 10)
    assert running.result() == Exit(status=7, stopped=True)


async def test_stop_kills_after_the_grace_time(run: Run) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run.python(IGNORES))
        await run.heard.wait()
        run.stop.set("Stopped by ada.", 0.1)
    assert running.result() == Exit(status=-9, stopped=True)
    assert left() == []


async def test_cancelling_kills_everything(run: Run) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run.python(IGNORES))
        await run.heard.wait()
        running.cancel()
    assert left() == []


async def test_output_beyond_the_limit_is_dropped_and_one_line_says_so(run: Run) -> None:
    await run.python("print('x' * 5_000_000)", limit=100)
    assert run.output == b"x" * 100 + b"\n(Output beyond the limit of 100 bytes was dropped.)\n"


async def test_output_within_the_limit_is_whole(run: Run) -> None:
    await run.python("print('x' * 99)", limit=100)
    assert run.output == b"x" * 99 + b"\n"


async def test_programs_run_although_one_has_killed_what_starts_them(run: Run) -> None:
    code = (
        "import os, signal\n"
        "above = int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])\n"
        "os.kill(above, signal.SIGKILL)\n"
        "print('still here')"
    )
    for _ in range(3):
        assert await run.python(code) == Exit(status=0)
    assert run.output == b"still here\n" * 3


async def test_a_program_that_kills_its_supervisor_has_no_status(run: Run) -> None:
    ended = await run.python(f"import os; os.kill(os.getppid(), 9); {LEFT}")
    assert ended == Exit(status=None, trouble="its supervisor was killed")
    assert left() == []


async def test_many_programs_run_at_once(run: Run) -> None:
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(run.program("sh", "-c", f"echo {number}")) for number in range(30)]
    assert {task.result() for task in running} == {Exit(status=0)}
    assert sorted(map(int, run.output.split())) == list(range(30))


AGENT = """
import asyncio, os, sys
from pathlib import Path
from anyrig.executors.base import StopFlag
from anyrig.executors.process import run_program
asyncio.run(run_program(
    [sys.executable, "-c", {code!r}], cwd=Path("/"), env=dict(os.environ), stop=StopFlag(), timeout=None,
    on_output=lambda data: print(data.decode(), end="", flush=True),
))
"""


async def test_when_the_one_who_started_it_is_killed_a_program_ends_with_all_it_started() -> None:
    script = AGENT.format(code=IGNORES)
    agent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert agent.stdout is not None
    try:
        assert await agent.stdout.readline() == b"left\n"
        assert left()
    finally:
        agent.kill()
        await agent.wait()
    until = time.monotonic() + 20
    while left():  # the kernel tells nobody but parents when processes end
        assert time.monotonic() < until
        await anyio.sleep(0.01)
