"""Environments in the agent's cache: which stay, and which go, on real folders."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyrig.executors.environments import Keep, sweep, used

if TYPE_CHECKING:
    from tests.contract.python.conftest import Agent

FOREVER = 100_000.0
NO_ROOM = Keep(days=FOREVER, free=1 << 60)
"""No disk has so much free."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def environment(cache: Path, name: str, *, days: float) -> Path:
    """One that was last used so many days ago."""
    folder = cache / "python" / "environments" / name
    with used(folder):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").write_text("")
        (folder / ".complete").touch()
    then = time.time() - days * 86_400
    os.utime(folder.with_suffix(".lease"), (then, then))
    return folder


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "python" / "environments").iterdir())


def test_an_environment_that_nobody_used_for_long_goes(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    environment(cache, "old", days=31)
    environment(cache, "young", days=29)
    with caplog.at_level(logging.INFO):
        assert sweep(cache, Keep(days=30, free=0)) == ["old"]
    assert left(cache) == ["young", "young.lease"]
    assert "environment old removed: it was not used for 31.0 days" in caplog.text


def test_one_of_before_there_were_leases_was_last_used_when_it_was_made(cache: Path) -> None:
    folder = environment(cache, "old", days=0)
    folder.with_suffix(".lease").unlink()
    assert sweep(cache, Keep(days=30, free=0)) == []
    then = time.time() - 31 * 86_400
    os.utime(folder, (then, then))
    assert sweep(cache, Keep(days=30, free=0)) == ["old"]
    assert left(cache) == []


def test_one_that_is_in_use_stays_however_old_it_is(cache: Path) -> None:
    folder = environment(cache, "old", days=0)
    with used(folder):
        then = time.time() - 31 * 86_400
        os.utime(folder.with_suffix(".lease"), (then, then))
        assert sweep(cache, NO_ROOM) == []
        assert sweep(cache, Keep(days=30, free=0)) == []
    assert folder.is_dir()
    assert sweep(cache, Keep(days=30, free=0)) == []  # it was used until now


def test_one_that_is_being_made_stays(cache: Path) -> None:
    folder = environment(cache, "old", days=31)
    with locked(folder.with_suffix(".lock")):
        assert sweep(cache, Keep(days=30, free=0)) == []
    assert sweep(cache, Keep(days=30, free=0)) == ["old"]


def test_without_room_those_go_first_that_were_used_longest_ago(cache: Path) -> None:
    for name, days in (("b", 2), ("c", 3), ("a", 1), ("now", 0)):
        environment(cache, name, days=days)
    assert sweep(cache, NO_ROOM) == ["c", "b", "a"]
    assert left(cache) == ["now", "now.lease"]  # its Python may still wait for the next test


def test_no_more_goes_than_gives_room_enough(cache: Path) -> None:
    """Three that take much, on the disk that is there; what others write meanwhile is far less."""
    for name, days in (("a", 1), ("b", 2), ("c", 3)):
        (environment(cache, name, days=days) / "much").write_bytes(os.urandom(256 << 20))
    os.sync()
    wanted = shutil.disk_usage(cache).free + (384 << 20)
    assert sweep(cache, Keep(days=FOREVER, free=wanted)) == ["c", "b"]
    assert left(cache) == ["a", "a.lease"]


def test_an_empty_cache_is_nothing_to_do(cache: Path) -> None:
    assert sweep(cache, NO_ROOM) == []


async def test_a_task_keeps_its_environment_while_it_runs(agent: Agent) -> None:
    places = agent.cache / "python" / "environments"
    before = {path.name for path in places.iterdir() if path.is_dir()}
    task = asyncio.create_task(agent.run("isolated.py::test_one"))
    assert sweep(agent.cache, Keep(days=FOREVER, free=0)) == []
    told = await task
    assert told.outcome.verdict == "pass"
    assert {path.name for path in places.iterdir() if path.is_dir()} >= before
    newest = max(path.stat().st_mtime for path in places.glob("*.lease"))
    assert time.time() - newest < 600
