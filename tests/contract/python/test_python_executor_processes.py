"""Processes of tests: what they may do, and that none of them is left."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from anyrig.core.results import Verdict
from anyrig.executors.descendants import descendants

if TYPE_CHECKING:
    from tests.contract.python.conftest import Agent, Told

Left = Callable[[], list[int]]


def ended(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def until(condition: Callable[[], bool]) -> None:
    """The kernel tells nobody but parents when processes end, hence the short sleeps."""
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110 - as said above
            await anyio.sleep(0.01)


@pytest.mark.parametrize(
    ("test", "verdict"),
    [
        ("test_leaves_processes", Verdict.PASS),
        ("test_leaves_processes_and_dies", Verdict.ERROR),
        ("test_forks_away", Verdict.ERROR),
    ],
)
async def test_what_a_test_leaves_running_is_gone_when_it_is_over(
    agent: Agent, test: str, verdict: Verdict, left: Left
) -> None:
    told = await agent.run(f"processes.py::{test}")
    assert told.outcome.verdict is verdict
    assert left() == []


async def test_a_fork_of_a_test_has_no_say(agent: Agent) -> None:
    told = await agent.run("processes.py::test_two_at_once")
    assert (told.outcome.verdict, told.outcome.reason) == (Verdict.FAIL, "the real one")


async def test_every_test_is_a_process_and_a_session_of_its_own_with_one_thread(agent: Agent) -> None:
    told = await agent.run(*["processes.py::test_says_who_it_is"] * 3)
    words = [line.split() for line in told.messages if line.startswith("pid")]
    assert len({word[1] for word in words}) == 3
    assert all(word[1] == word[3] and word[5] == "1" for word in words)
    assert told.messages.count("oom 800") == 3


async def test_a_test_that_kills_its_parent_harms_only_itself(agent: Agent) -> None:
    told = await agent.run("processes.py::test_kills_its_parent", "processes.py::test_ok")
    assert [outcome.verdict for _, outcome in told.results] == [Verdict.ERROR, Verdict.PASS]
    assert told.results[0][1].reason == "The process that had imported the test was killed"


async def test_even_a_test_that_kills_its_keeper_harms_only_itself(agent: Agent, left: Left) -> None:
    told = await agent.run("processes.py::test_kills_its_keeper", "processes.py::test_ok")
    assert [outcome.verdict for _, outcome in told.results] == [Verdict.ERROR, Verdict.PASS]
    assert (told.results[0][1].reason or "").startswith("The test's keeper ended")
    await until(lambda: left() == [])


async def test_an_import_that_starts_threads_and_processes_is_made_for_each_test(
    agent: Agent, left: Left
) -> None:
    told = await agent.run("threads.py::test_thread_lives", *["threads.py::test_own_process"] * 2)
    assert [outcome.verdict for _, outcome in told.results] == [Verdict.PASS] * 3
    assert len({line for line in told.messages if line.startswith("pid")}) == 2
    assert ["file.txt" in files for files in told.files] == [True, False, False]
    assert left() == []


async def test_no_test_sees_what_another_did(agent: Agent) -> None:
    told = await agent.run(*(f"isolated.py::test_{name}" for name in ("one", "two", "random", "random")))
    assert [outcome.verdict for _, outcome in told.results] == [Verdict.PASS] * 4
    assert told.messages.count("torn down") == 2
    assert len({line for line in told.messages if line.startswith("random")}) == 2


async def test_a_test_that_takes_too_long_is_stopped_and_shows_where_it_was(agent: Agent) -> None:
    told = await agent.run("processes.py::test_sleeps", "processes.py::test_ok", params={"timeout": 0.5})
    [(_, outcome), (_, after)] = told.results
    reason = "The test took longer than 0.5 s (watchdog_timeout) and was stopped"
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, reason)
    assert outcome.traceback is not None
    assert "in test_sleeps\n    time.sleep(4321)\nInterrupted: " in outcome.traceback
    assert "woken" in told.messages
    assert after.verdict is Verdict.PASS


async def test_an_import_that_takes_too_long_is_stopped(agent: Agent) -> None:
    told = await agent.run("import_hangs.py::test_never", params={"timeout": 0.5})
    assert told.outcome.reason == "The test took longer than 0.5 s (watchdog_timeout) and was stopped"
    assert told.messages[0] == "importing"
    assert 'File "tests/import_hangs.py", line 4' in (told.outcome.traceback or "")


async def test_stop_ends_the_running_test_and_those_after_it_are_not_reported(
    agent: Agent, told: Told
) -> None:
    told.on_log = lambda told: agent.stop.set("Stopped by ada.", 5) if "asleep" in told.messages else None
    await agent.run("processes.py::test_ok", "processes.py::test_sleeps", "processes.py::test_ok", told=told)
    assert [test.partition("::")[2] for test, _ in told.results] == ["test_ok", "test_sleeps"]
    assert (told.results[1][1].verdict, told.results[1][1].reason) == (Verdict.ERROR, "Stopped by ada.")
    assert told.messages.count("woken") == 1


async def test_after_the_grace_time_a_test_that_ignores_the_stop_is_killed_with_all_its_processes(
    agent: Agent, told: Told, left: Left
) -> None:
    told.on_log = lambda told: agent.stop.set("Stopped by ada.", 0.2) if "left" in told.messages else None
    await agent.run("processes.py::test_ignores_sigterm", told=told)
    assert (told.outcome.verdict, told.outcome.reason) == (Verdict.ERROR, "Stopped by ada.")
    assert left() == []


async def test_a_task_that_is_stopped_before_it_starts_reports_nothing(agent: Agent) -> None:
    agent.stop.set("Stopped by ada.", 1)
    told = await agent.run("processes.py::test_ok")
    assert told.results == []


async def test_cancelling_a_task_leaves_no_process_of_it(agent: Agent, told: Told, left: Left) -> None:
    seen = asyncio.Event()
    told.on_log = lambda told: seen.set() if "left" in told.messages else None
    async with asyncio.TaskGroup() as group:
        running = group.create_task(agent.run("processes.py::test_ignores_sigterm", told=told))
        await seen.wait()
        running.cancel()
    assert left() == []


AGENT = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from conftest import Agent, Told
from pathlib import Path

def tell(told):
    if "left" in told.messages:
        print("left", flush=True)

async def main():
    await Agent(Path({scratch!r})).run("processes.py::test_ignores_sigterm", told=Told(on_log=tell))

asyncio.run(main())
"""


async def test_when_the_agent_is_killed_everything_that_it_started_ends(tmp_path: Path, left: Left) -> None:
    script = AGENT.format(tests=str(Path(__file__).parent), scratch=str(tmp_path))
    agent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert agent.stdout is not None
    try:
        assert await agent.stdout.readline() == b"left\n"
        started = descendants(agent.pid)
        assert len(started) >= 5
    finally:
        agent.kill()
        await agent.wait()
    await until(lambda: ended(started) and left() == [])
