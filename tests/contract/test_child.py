"""A child that is started again when it dies, also one that an earlier program of this process has left."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from anyrig.agent.child import Child, end_adopted

SECONDS = 20.0
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(8642)"]


def state(pid: int) -> str:
    """``S``, ``Z`` or so; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def left() -> int:
    """A child of ours that nobody here knows any more; without a shell, and without its output."""
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        to = [(os.POSIX_SPAWN_DUP2, nothing, 1)]
        return os.posix_spawn(sys.executable, SLEEP, dict(os.environ), file_actions=to)
    finally:
        os.close(nothing)


def children() -> set[int]:
    """Those of ours that run."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in found if state(int(pid)) not in {"", "Z"}}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody tells of processes
            await asyncio.sleep(0.02)


async def test_a_child_is_ended_with_us() -> None:
    before = children()
    async with Child(SLEEP):
        (pid,) = children() - before
    assert state(pid) == ""


async def test_a_child_that_dies_is_started_again() -> None:
    before = children()
    async with Child(SLEEP):
        (pid,) = children() - before
        os.kill(pid, 9)
        await until(lambda: children() - before - {pid})
    assert children() == before


async def test_a_child_that_was_left_is_ended_with_us_all_the_same() -> None:
    pid = left()
    async with Child(SLEEP, pid):
        assert state(pid) not in {"", "Z"}
    assert state(pid) == ""


async def test_it_is_started_again_when_it_dies() -> None:
    before, pid = children(), left()
    async with Child(SLEEP, pid):
        os.kill(pid, 9)
        await until(lambda: children() - before - {pid})
        assert state(pid) == ""
    assert children() == before


async def test_so_is_one_that_was_dead_before_anybody_looked() -> None:
    before, pid = children(), left()
    os.kill(pid, 9)
    await until(lambda: state(pid) == "Z")
    async with Child(SLEEP, pid):
        await until(lambda: children() - before)
        assert state(pid) == ""
    assert children() == before


async def test_a_child_may_be_left_again_and_again() -> None:
    pid = left()
    for _ in range(3):
        async with Child(SLEEP, pid) as child:
            assert await child.leave() == pid
        assert state(pid) not in {"", "Z"}
    await end_adopted(pid)
    assert state(pid) == ""


async def test_one_that_has_just_died_is_not_left() -> None:
    pid = left()
    async with Child(SLEEP, pid) as child:
        os.kill(pid, 9)
        await until(lambda: state(pid) == "")
        again = await child.leave()
        assert again != pid
        if again is not None:  # it was started again already
            os.kill(again, 9)
            await until(lambda: state(again) in {"", "Z"})


async def test_a_dead_child_can_be_ended() -> None:
    pid = left()
    os.kill(pid, 9)
    await until(lambda: state(pid) == "Z")
    await end_adopted(pid)
    assert state(pid) == ""
